#include "engine/dump_folders.h"

#include "base/room.h"
#include "base/strv.h"

#include <string.h>

struct inner {
	char *name;
	struct dir_builder *builder;
};

struct dump_folders {
	struct dir_builder *top;
	const struct tree_entry *like;
	struct inner *inner;
	size_t count;
};

enum err_code
dump_folders_new(struct dump_folders **out, const struct tree_entry *like, struct err *err)
{
	AUTO(dump_folders) struct dump_folders *f = calloc(1, sizeof *f);
	if (f == NULL)
		return err_nomem(err);
	f->like = like;
	if (dir_builder_new(&f->top, err))
		return err->code;
	*out = TAKE(f);
	return ERR_OK;
}

void
dump_folders_free(struct dump_folders *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->count; i++) {
		free(f->inner[i].name);
		dir_builder_free(f->inner[i].builder);
	}
	free(f->inner);
	dir_builder_free(f->top);
	free(f);
}

/* The folder of that name; a connector gives one after the other, so the last is looked at
 * first. */
static enum err_code
find_inner(struct dir_builder **out, struct dump_folders *f, const char *name, size_t len,
    struct err *err)
{
	for (size_t i = f->count; i-- > 0;) {
		const char *has = f->inner[i].name;
		if (strncmp(has, name, len) == 0 && has[len] == '\0') {
			*out = f->inner[i].builder;
			return ERR_OK;
		}
	}
	if (ROOM_SHORT(f->inner, f->count, err))
		return err->code;
	f->inner[f->count] = (struct inner){ NULL, NULL };
	struct inner *fresh = &f->inner[f->count++];
	if (str_dupn(&fresh->name, name, len, err) || dir_builder_new(&fresh->builder, err))
		return err->code;
	*out = fresh->builder;
	return ERR_OK;
}

enum err_code
dump_folders_add(
    struct dump_folders *f, const char *name, const struct tree_entry *e, struct err *err)
{
	const char *slash = strchr(name, '/');
	struct dir_builder *b = f->top;
	if (slash != NULL && find_inner(&b, f, name, (size_t)(slash - name), err))
		return err->code;
	return dir_builder_add(b, slash != NULL ? slash + 1 : name, e, err);
}

enum err_code
dump_folders_finish(
    struct dump_folders *f, struct writer *w, struct tree_entry *out, struct err *err)
{
	for (size_t i = 0; i < f->count; i++) {
		AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
		if (dir_builder_finish(f->inner[i].builder, w, f->like, &e, err) ||
		    dir_builder_add(f->top, f->inner[i].name, &e, err))
			return err->code;
	}
	return dir_builder_finish(f->top, w, NULL, out, err);
}

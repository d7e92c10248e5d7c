#include "engine/diff_sqlite.h"

#include "base/room.h"
#include "db/sqlite.h"
#include "sys/fd.h"
#include "tree/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void
stored_release(struct sqlite_stored *s)
{
	free(s->service);
	free(s->database);
	free(s->live);
	content_release(&s->content);
}

void
sqlite_list_release(struct sqlite_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		stored_release(&l->items[i]);
	free(l->items);
}

int
sqlite_stored_order(const struct sqlite_stored *a, const struct sqlite_stored *b)
{
	int order = strcmp(a->service, b->service);
	return order != 0 ? order : strcmp(a->database, b->database);
}

static int
by_name(const void *a, const void *b)
{
	return sqlite_stored_order(a, b);
}

bool
diff_has_sqlite(const struct snapshot *s)
{
	size_t i;
	const json_t *m;
	json_array_foreach(json_object_get(s->document, "members"), i, m)
	{
		if (json_array_size(json_object_get(m, "sqlite")) > 0)
			return true;
	}
	return false;
}

/* The service that it is told under: the one asked for, or the first that uses the member;
 * NULL: it is not asked for. */
static const char *
service_of(const struct row_diff *d, const json_t *member)
{
	const json_t *services = json_object_get(member, "services");
	const char *first = json_string_value(json_array_get(services, 0));
	const char *wanted = d->opt->service;
	if (first == NULL)
		first = json_get_str(member, "name");
	if (wanted == NULL || (first != NULL && strcmp(first, wanted) == 0))
		return first;
	for (size_t i = 0; i < json_array_size(services); i++)
		if (strcmp(json_string_value(json_array_get(services, i)), wanted) == 0)
			return wanted;
	return NULL;
}

static enum err_code
fill(struct sqlite_stored *out, struct row_diff *d, const struct snapshot *s,
    const json_t *member, const json_t *file, struct err *err)
{
	const char *path = json_get_str(file, "path");
	const char *how = json_get_str(file, "how");
	const char *source = json_get_str(member, "source");
	AUTO(str) char *tree = NULL;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	if (path == NULL || how == NULL || json_get_str(member, "path") == NULL)
		return err_set(err, ERR_CORRUPT, "a database without its path");
	out->is_whole = strcmp(how, sqlite_how_word(SQLITE_TAKEN_FILES)) != 0;
	if (str_dup(&out->service, service_of(d, member), err) ||
	    str_printf(&out->database, err, "%s/%s", json_get_str(member, "name"), path) ||
	    (source != NULL && str_printf(&out->live, err, "%s/%s", source, path)) ||
	    str_printf(&tree, err, "%s/%s", json_get_str(member, "path"), path) ||
	    tree_lookup(d->engine->repo, &s->root, tree, &e, err))
		return err->code;
	return content_copy(&out->content, &e.content, err);
}

static enum err_code
add(struct sqlite_list *l, struct row_diff *d, const struct snapshot *s, const json_t *member,
    const json_t *file, struct err *err)
{
	if (ROOM_SHORT(l->items, l->count, err))
		return err->code;
	struct sqlite_stored *x = &l->items[l->count];
	*x = (struct sqlite_stored){ .content = CONTENT_INIT };
	l->count++; /* also one that is not whole is released */
	if (fill(x, d, s, member, file, err))
		return err->code;
	if (!diff_wants_database(d, x->database))
		stored_release(&l->items[--l->count]);
	return ERR_OK;
}

enum err_code
sqlite_list_read(
    struct sqlite_list *out, struct row_diff *d, const struct snapshot *s, struct err *err)
{
	AUTO(sqlite_list) struct sqlite_list l = { NULL, 0 };
	size_t i;
	size_t k;
	const json_t *m;
	const json_t *file;
	json_array_foreach(json_object_get(s->document, "members"), i, m)
	{
		json_array_foreach(json_object_get(m, "sqlite"), k, file)
		{
			if (service_of(d, m) != NULL && add(&l, d, s, m, file, err))
				return err->code;
		}
	}
	if (l.count > 0)
		qsort(l.items, l.count, sizeof *l.items, by_name);
	*out = l;
	l = (struct sqlite_list){ NULL, 0 };
	return ERR_OK;
}

/* --- versions --- */

void
sqlite_version_close(struct sqlite_version *v)
{
	sqlite_rows_close(v->rows);
	sqlite_close(v->live);
}

static enum err_code
read_stored(void *arg, void *out, size_t len, uint64_t offset, struct err *err)
{
	const struct sqlite_version *v = arg;
	size_t got;
	if (content_read_at(v->repo, v->content, offset, out, len, &got, err))
		return err->code;
	return got == len ? ERR_OK : err_set(err, ERR_CORRUPT, "the file ends too early");
}

enum err_code
sqlite_version_stored(struct sqlite_version *v, struct row_diff *d,
    const struct sqlite_stored *s, struct err *err)
{
	*v = (struct sqlite_version){ .repo = d->engine->repo, .content = &s->content };
	struct sqlite_bytes bytes = { read_stored, v, s->content.size, d->engine->cancel };
	return sqlite_rows_open(&v->rows, &bytes, err);
}

enum err_code
sqlite_version_live(struct sqlite_version *v, struct row_diff *d, const struct sqlite_stored *s,
    const char *folder, struct err *err)
{
	AUTO(str) char *dir = NULL;
	const char *slash = strrchr(s->live, '/');
	*v = (struct sqlite_version){ .live = NULL };
	if (str_dupn(&dir, s->live, (size_t)(slash - s->live), err))
		return err->code;
	AUTO(fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return ERR_OK;
	if (fd < 0)
		return err_sys(err, "%s", dir);
	struct sqlite_where where = { fd, slash + 1, s->live, folder, d->engine->cancel, true };
	enum err_code rc = sqlite_fence(&v->live, &where, err);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK || sqlite_drain(v->live, err))
		return err->code;
	if (sqlite_file_info(v->live)->how == SQLITE_TAKEN_FILES)
		return err_set(err, ERR_UNSUPPORTED, "SQLite cannot make one whole file of it");
	return sqlite_rows_open_file(
	    &v->rows, sqlite_file_part(v->live, ""), d->engine->cancel, err);
}

#include "engine/stored_dump.h"

#include "base/strv.h"
#include "tree/dir.h"

#include <string.h>

enum err_code
stored_dump_stream(
    struct repo *r, const struct tree_entry *dump, bytes_fn *fn, void *arg, struct err *err)
{
	AUTO(dir_reader) struct dir_reader *d = NULL;
	const struct tree_entry *e;
	if (dump->type != TREE_DIR)
		return content_stream(r, &dump->content, fn, arg, err);
	if (dir_reader_open(&d, r, dump, err))
		return err->code;
	for (;;) {
		if (dir_reader_next(d, &e, err))
			return err->code;
		if (e == NULL)
			return ERR_OK;
		if (e->type != TREE_FILE)
			return err_set(err, ERR_CORRUPT, "%s: a %s among the parts of a dump",
			    e->name, tree_type_word(e->type));
		if (content_stream(r, &e->content, fn, arg, err))
			return err_wrap(err, "%s", e->name);
	}
}

const json_t *
stored_dump_at(const json_t *document, const char *path)
{
	size_t i;
	size_t k;
	const json_t *member;
	const json_t *stream;
	json_array_foreach(json_object_get(document, "members"), i, member)
	{
		const char *folder = json_get_str(member, "path");
		size_t len = folder != NULL ? strlen(folder) : 0;
		if (folder == NULL || strncmp(path, folder, len) != 0 || path[len] != '/')
			continue;
		json_array_foreach(json_object_get(member, "streams"), k, stream)
		{
			const char *name = json_get_str(stream, "name");
			if (name != NULL && strcmp(name, path + len + 1) == 0)
				return stream;
		}
	}
	return NULL;
}

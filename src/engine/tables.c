#include "engine/tables.h"

#include "base/strv.h"
#include "crypto/hash.h"
#include "db/dataset.h"
#include "db/mongo_name.h"
#include "tree/dir.h"

#include <string.h>

struct listing {
	struct engine *engine;
	const struct snapshot *snapshot;
	const struct tables_ops *ops;
	void *arg;
};

/* One part: into the dump's root, and told when it is a table's. */
static enum err_code
list_part(struct listing *l, struct dump_line *d, struct sha256 *root,
    const struct tree_entry *e, struct err *err)
{
	AUTO(str) char *table = NULL;
	struct table_line line = { d->service, d->stream, NULL, 0, e->content.size, { 0 } };
	if (e->type != TREE_FILE)
		return err_set(err, ERR_CORRUPT, "a %s among the parts of a dump",
		    tree_type_word(e->type));
	if (dataset_part_table(&table, e->name, err) ||
	    content_digest(&e->content, line.root, err))
		return err->code;
	const char *rest = dataset_part_rest(e->name);
	if (sha256_add(root, rest, strlen(rest) + 1, err) ||
	    sha256_add(root, line.root, sizeof line.root, err))
		return err->code;
	d->has_unknown = d->has_unknown || dataset_part_is_unknown(e->name);
	if (table == NULL)
		return ERR_OK;
	line.name = table;
	line.rows = content_rows(&e->content);
	d->tables++;
	d->rows += line.rows;
	return l->ops->table(l->arg, &line, err);
}

static enum err_code
list_parts(
    struct listing *l, struct dump_line *d, const struct tree_entry *folder, struct err *err)
{
	AUTO(dir_reader) struct dir_reader *reader = NULL;
	AUTO(sha256) struct sha256 *root = NULL;
	const struct tree_entry *e = NULL;
	if (dir_reader_open(&reader, l->engine->repo, folder, err) || sha256_new(&root, err) ||
	    (l->ops->begin != NULL && l->ops->begin(l->arg, d, err)))
		return err->code;
	do {
		if (cancel_check(l->engine->cancel, err) || dir_reader_next(reader, &e, err))
			return err->code;
		if (e != NULL && list_part(l, d, root, e, err))
			return err_wrap(err, "%s", e->name);
	} while (e != NULL);
	if (sha256_finish(root, d->root, err))
		return err->code;
	return l->ops->end(l->arg, d, err);
}

/* A collection. */
static enum err_code
list_file(struct listing *l, struct dump_line *d, const struct tree_entry *e, struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	struct table_line line = { d->service, d->stream, NULL, content_rows(&e->content),
		e->content.size, { 0 } };
	if (mongo_census_name(&name, d->stream, err) ||
	    content_digest(&e->content, line.root, err))
		return err->code;
	line.name = buf_cstr(&name);
	if (line.name == NULL)
		return err_nomem(err);
	d->is_file = true;
	d->tables = 1;
	d->rows = line.rows;
	memcpy(d->root, line.root, sizeof d->root);
	if ((l->ops->begin != NULL && l->ops->begin(l->arg, d, err)) ||
	    l->ops->table(l->arg, &line, err))
		return err->code;
	return l->ops->end(l->arg, d, err);
}

static enum err_code
list_stream(struct listing *l, const json_t *member, const json_t *stream, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct dump_line d = { .service = json_get_str(member, "name"),
		.stream = json_get_str(stream, "name"),
		.database = json_get_str(stream, "database") };
	const char *folder = json_get_str(member, "path");
	if (d.service == NULL || d.stream == NULL || folder == NULL)
		return err_set(err, ERR_CORRUPT, "a dump without a name in its document");
	if (str_printf(&path, err, "%s/%s", folder, d.stream) ||
	    tree_lookup(l->engine->repo, &l->snapshot->root, path, &e, err))
		return err->code;
	if (e.type != TREE_DIR && !e.content.is_counted)
		return ERR_OK;
	if (e.type == TREE_DIR ? list_parts(l, &d, &e, err) : list_file(l, &d, &e, err))
		return err_wrap(err, "%s", path);
	return ERR_OK;
}

enum err_code
tables_list(struct engine *e, const struct snapshot *s, const struct tables_ops *ops, void *arg,
    struct err *err)
{
	struct listing l = { e, s, ops, arg };
	size_t i;
	size_t k;
	const json_t *member;
	const json_t *stream;
	json_array_foreach(json_object_get(s->document, "members"), i, member)
	{
		json_array_foreach(json_object_get(member, "streams"), k, stream)
		{
			if (list_stream(&l, member, stream, err))
				return err->code;
		}
	}
	return ERR_OK;
}

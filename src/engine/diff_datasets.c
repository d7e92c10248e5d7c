/*
 * The dumps of a snapshot, and the tables in them: read from listings alone.
 */
#include "engine/diff_rows_impl.h"

#include "base/room.h"
#include "db/dataset.h"
#include "db/mongo_name.h"
#include "engine/capture.h"
#include "tree/dir.h"

#include <string.h>

#define CENSUS_MAX ((size_t)256 << 20)

void
dump_side_release(struct dump_side *s)
{
	for (size_t i = 0; i < s->n_parts; i++) {
		free(s->parts[i].table);
		content_release(&s->parts[i].content);
		row_rest_release(&s->parts[i].rest);
	}
	free(s->parts);
	free(s->tables);
	free(s->service);
	free(s->stream);
	free(s->database);
	census_free(s->census);
	shapes_free(s->shapes);
	spill_part_free(s->text);
}

void
diff_side_release(struct diff_side *side)
{
	for (size_t i = 0; i < side->count; i++)
		dump_side_release(&side->dumps[i]);
	free(side->dumps);
	snapshot_release(&side->snapshot);
}

enum err_code
diff_side_add(struct diff_side *side, const char *service, const char *stream,
    const char *database, const char *format, struct dump_side **out, struct err *err)
{
	if (ROOM_SHORT(side->dumps, side->count, err))
		return err->code;
	struct dump_side *s = &side->dumps[side->count];
	*s = (struct dump_side){ .is_live = false };
	s->is_known = dataset_row_format(format, &s->row_format);
	if (str_dup(&s->service, service, err) || str_dup(&s->stream, stream, err) ||
	    str_dup(&s->database, database != NULL ? database : "", err)) {
		dump_side_release(s);
		return err->code;
	}
	side->count++;
	*out = s;
	return ERR_OK;
}

enum err_code
dump_side_add(struct dump_side *s, const char *table, struct dump_part **out, struct err *err)
{
	if (ROOM_SHORT(s->parts, s->n_parts, err))
		return err->code;
	struct dump_part *p = &s->parts[s->n_parts];
	*p = (struct dump_part){ .content = CONTENT_INIT };
	if (table != NULL && str_dup(&p->table, table, err))
		return err->code;
	s->n_parts++;
	*out = p;
	return ERR_OK;
}

enum err_code
dump_side_add_documents(struct dump_side *s, struct dump_part **out, struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	if (mongo_collection_name(&name, s->stream, err))
		return err->code;
	const char *table = buf_cstr(&name);
	return table != NULL ? dump_side_add(s, table, out, err) : err_nomem(err);
}

static int
by_table(const void *a, const void *b)
{
	struct dump_part *const *x = a;
	struct dump_part *const *y = b;
	return strcmp((*x)->table, (*y)->table);
}

enum err_code
dump_side_sort(struct dump_side *s, struct err *err)
{
	s->tables = calloc(s->n_parts + 1, sizeof *s->tables);
	if (s->tables == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < s->n_parts; i++)
		if (s->parts[i].table != NULL)
			s->tables[s->n_tables++] = &s->parts[i];
	qsort(s->tables, s->n_tables, sizeof *s->tables, by_table);
	return ERR_OK;
}

static int
by_stream(const void *a, const void *b)
{
	const struct dump_side *x = a;
	const struct dump_side *y = b;
	int order = strcmp(x->service, y->service);
	return order != 0 ? order : strcmp(x->stream, y->stream);
}

void
diff_side_sort(struct diff_side *side)
{
	if (side->count > 0)
		qsort(side->dumps, side->count, sizeof *side->dumps, by_stream);
}

struct dump_side *
diff_side_find(const struct diff_side *side, const char *service, const char *stream)
{
	for (size_t i = 0; i < side->count; i++)
		if (strcmp(side->dumps[i].service, service) == 0 &&
		    strcmp(side->dumps[i].stream, stream) == 0)
			return &side->dumps[i];
	return NULL;
}

const struct dump_part *
dump_side_find(const struct dump_side *s, const char *table)
{
	struct dump_part key = { .table = (char *)(uintptr_t)table };
	struct dump_part *wanted = &key;
	struct dump_part **found = s->n_tables > 0 ? bsearch(&wanted, s->tables, s->n_tables,
							 sizeof *s->tables, by_table)
						   : NULL;
	return found != NULL ? *found : NULL;
}

/* --- of a snapshot --- */

static enum err_code
read_parts(
    struct repo *r, struct dump_side *s, const struct tree_entry *folder, struct err *err)
{
	AUTO(dir_reader) struct dir_reader *d = NULL;
	const struct tree_entry *e;
	if (dir_reader_open(&d, r, folder, err))
		return err->code;
	for (;;) {
		AUTO(str) char *table = NULL;
		struct dump_part *p;
		if (dir_reader_next(d, &e, err))
			return err->code;
		if (e == NULL)
			return dump_side_sort(s, err);
		if (dataset_part_table(&table, e->name, err) ||
		    dump_side_add(s, table, &p, err) ||
		    content_copy(&p->content, &e->content, err))
			return err_wrap(err, "%s", e->name);
		p->rows = content_rows(&p->content);
		s->is_whole = s->is_whole || dataset_part_is_unknown(e->name);
	}
}

static enum err_code
read_documents(struct dump_side *s, const struct tree_entry *file, struct err *err)
{
	struct dump_part *p;
	if (dump_side_add_documents(s, &p, err) ||
	    content_copy(&p->content, &file->content, err))
		return err->code;
	p->rows = content_rows(&p->content);
	return dump_side_sort(s, err);
}

enum err_code
diff_read_census(
    struct row_diff *d, const struct diff_side *side, struct dump_side *s, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(bufv) struct buf lines = BUF_INIT;
	struct repo *r = d->engine->repo;
	struct err why;
	if (s->census != NULL || s->is_live)
		return ERR_OK;
	if (str_printf(&path, err, CENSUS_PATH, s->service))
		return err->code;
	if (tree_lookup(r, &side->snapshot.root, path, &e, &why)) {
		if (why.code == ERR_NOT_FOUND) /* an early snapshot has none */
			return ERR_OK;
		*err = why;
		return err->code;
	}
	if (content_read_all(r, &e.content, CENSUS_MAX, &lines, err) ||
	    census_parse(&s->census, lines.data, lines.len, s->stream, err))
		return err_wrap(err, "%s", path);
	return ERR_OK;
}

bool
diff_is_dump(const char *format)
{
	return strcmp(format, dump_format_word(DUMP_JSON)) != 0 &&
	       strcmp(format, dump_format_word(DUMP_FILE)) != 0;
}

static enum err_code
read_dump(struct row_diff *d, struct diff_side *side, const json_t *member,
    const json_t *stream, struct err *err)
{
	const char *service = json_get_str(member, "name");
	const char *name = json_get_str(stream, "name");
	const char *format = json_get_str(stream, "format");
	const char *database = json_get_str(stream, "database");
	struct repo *r = d->engine->repo;
	AUTO(str) char *path = NULL;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct dump_side *s;
	if (name == NULL || format == NULL)
		return err_set(err, ERR_CORRUPT, "a dump without its name or format");
	if (!diff_is_dump(format) || !diff_wants_dump(d, format, database))
		return ERR_OK;
	if (str_printf(&path, err, "%s/%s", json_get_str(member, "path"), name) ||
	    tree_lookup(r, &side->snapshot.root, path, &e, err) ||
	    diff_side_add(side, service, name, database, format, &s, err))
		return err->code;
	if (s->is_known && s->row_format == ROW_BSON && e.type == TREE_FILE)
		return read_documents(s, &e, err);
	s->is_whole = e.type != TREE_DIR || !s->is_known;
	return s->is_whole ? diff_read_census(d, side, s, err) : read_parts(r, s, &e, err);
}

static enum err_code
read_member(struct row_diff *d, struct diff_side *side, const json_t *member, struct err *err)
{
	const char *kind = json_get_str(member, "kind");
	const char *service = json_get_str(member, "name");
	size_t i;
	const json_t *stream;
	if (kind == NULL || strcmp(kind, "database") != 0)
		return ERR_OK;
	if (service == NULL || json_get_str(member, "path") == NULL)
		return err_set(err, ERR_CORRUPT, "a member without its name or path");
	if (!diff_wants_service(d, service))
		return ERR_OK;
	json_array_foreach(json_object_get(member, "streams"), i, stream)
	{
		if (read_dump(d, side, member, stream, err))
			return err_wrap(err, "service %s", service);
	}
	return ERR_OK;
}

enum err_code
diff_side_open(struct row_diff *d, struct diff_side *side, const struct id *id, struct err *err)
{
	size_t i;
	const json_t *member;
	if (snapshot_open(&side->snapshot, d->engine->repo, id, err))
		return err->code;
	json_array_foreach(json_object_get(side->snapshot.document, "members"), i, member)
	{
		char hex[ID_HEX_SIZE];
		id_hex(hex, id);
		if (read_member(d, side, member, err))
			return err_wrap(err, "snapshot %.8s", hex);
	}
	diff_side_sort(side);
	return ERR_OK;
}

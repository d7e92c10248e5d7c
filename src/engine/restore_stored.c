#include "engine/restore_stored.h"

#include "db/mongo_name.h"
#include "engine/table_name.h"
#include "tree/dir.h"

#include <string.h>

#define METADATA_MAX ((size_t)32 << 20)

void
stored_table_release(struct stored_table *t)
{
	diff_side_release(&t->diff.a);
	free(t->empty.table);
	buf_release(&t->database);
	buf_release(&t->metadata);
}

/* --- in the snapshot --- */

static enum err_code
add_choice(struct buf *choices, const struct dump_side *s, const char *table, struct err *err)
{
	return buf_printf(choices, err, "%s%s of %s/%s", choices->len > 0 ? ", " : "", table,
	    s->service, s->database);
}

/* Is it in the database that was asked for?  Of MySQL one dump has them all. */
static enum err_code
is_in_database(bool *out, const struct stored_table *t, const struct dump_side *s,
    const char *table, struct err *err)
{
	AUTO(bufv) struct buf room = BUF_INIT;
	const char *database;
	if (diff_database_of(&database, &room, s, table, err))
		return err->code;
	*out = diff_wants_database(&t->diff, database);
	return ERR_OK;
}

struct search {
	const char *wanted;
	struct buf found;
	struct buf others;
	const char *near; /* of these; the dump's */
	size_t n;
};

static enum err_code
search_dump(struct stored_table *t, struct dump_side *s, struct search *search, struct err *err)
{
	for (size_t k = 0; k < s->n_tables; k++) {
		const struct dump_part *p = s->tables[k];
		bool is = table_is_called(p->table, search->wanted);
		bool is_wanted;
		if (is_in_database(&is_wanted, t, s, p->table, err))
			return err->code;
		if (!is_wanted)
			continue;
		if (add_choice(is ? &search->found : &search->others, s, p->table, err))
			return err->code;
		if (!is && table_is_nearer(search->wanted, p->table, search->near))
			search->near = p->table;
		if (is && search->n++ == 0) {
			t->dump = s;
			t->part = p;
		}
	}
	return ERR_OK;
}

/* Tables without rows have no part: their definition tells of them. */
static enum err_code
search_definitions(
    struct stored_table *t, struct dump_side *s, struct search *search, struct err *err)
{
	bool is_sql = s->row_format == ROW_COPY || s->row_format == ROW_INSERT;
	if (!s->is_known || s->is_whole || !is_sql)
		return ERR_OK;
	if (diff_read_shapes(&t->diff, s, NULL, err))
		return err->code;
	for (size_t i = 0; i < shapes_count(s->shapes); i++) {
		const char *name = shapes_at(s->shapes, i)->name;
		bool is_wanted;
		if (!table_is_called(name, search->wanted))
			continue;
		if (is_in_database(&is_wanted, t, s, name, err))
			return err->code;
		if (!is_wanted)
			continue;
		if (add_choice(&search->found, s, name, err))
			return err->code;
		if (search->n++ > 0)
			continue;
		if (str_dup(&t->empty.table, name, err))
			return err->code;
		t->dump = s;
		t->part = &t->empty;
	}
	return ERR_OK;
}

/* Which of them, when it is not one. */
static enum err_code
judge_search(struct search *s, struct err *err)
{
	const char *list = buf_cstr(s->n > 1 ? &s->found : &s->others);
	if (list == NULL)
		return err_nomem(err);
	if (s->n > 1)
		return err_set(err, ERR_USAGE,
		    "%s is not one table: %.300s: give --service, --database, or the whole "
		    "name",
		    s->wanted, list);
	if (s->near != NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "the snapshot has no table %s that was stored by rows (did you mean %s?)",
		    s->wanted, s->near);
	return err_set(err, ERR_NOT_FOUND,
	    "the snapshot has no table %s that was stored by rows%s%.300s", s->wanted,
	    *list != '\0' ? "; it has " : "", list);
}

static enum err_code
find_part(struct stored_table *t, const char *wanted, struct err *err)
{
	struct search search = { .wanted = wanted };
	enum err_code rc = ERR_OK;
	for (size_t i = 0; rc == ERR_OK && i < t->diff.a.count; i++)
		rc = search_dump(t, &t->diff.a.dumps[i], &search, err);
	bool has_rows = search.n > 0;
	for (size_t i = 0; rc == ERR_OK && !has_rows && i < t->diff.a.count; i++)
		rc = search_definitions(t, &t->diff.a.dumps[i], &search, err);
	if (rc == ERR_OK && search.n != 1)
		rc = judge_search(&search, err);
	buf_release(&search.found);
	buf_release(&search.others);
	return rc;
}

/* The text of "TABLE shop.orders". */
static enum err_code
find_definition(struct stored_table *t, struct err *err)
{
	AUTO(str) char *name = NULL;
	const struct shapes *shapes = t->dump->shapes;
	if (str_printf(&name, err, "TABLE %s", t->shape->name))
		return err->code;
	for (size_t i = 0; i < shapes_object_count(shapes); i++)
		if (strcmp(shapes_object(shapes, i)->name, name) == 0)
			t->definition = shapes_object(shapes, i)->text;
	return ERR_OK;
}

/* The folder of the service's dumps. */
static const char *
member_path(const struct stored_table *t)
{
	size_t i;
	const json_t *member;
	json_array_foreach(json_object_get(t->diff.a.snapshot.document, "members"), i, member)
	{
		const char *kind = json_get_str(member, "kind");
		const char *name = json_get_str(member, "name");
		if (kind != NULL && strcmp(kind, "database") == 0 && name != NULL &&
		    strcmp(name, t->dump->service) == 0)
			return json_get_str(member, "path");
	}
	return NULL;
}

/* "shop/orders.metadata.json" beside "shop/orders.bson". */
static enum err_code
find_metadata(struct stored_table *t, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct repo *r = t->diff.engine->repo;
	const char *stream = t->dump->stream;
	const char *folder = member_path(t);
	struct err why;
	if (folder == NULL || !str_ends(stream, MONGO_BSON))
		return ERR_OK;
	int len = (int)(strlen(stream) - strlen(MONGO_BSON));
	if (str_printf(&path, err, "%s/%.*s" MONGO_METADATA, folder, len, stream))
		return err->code;
	/* The server's own collections have none. */
	if (tree_lookup(r, &t->diff.a.snapshot.root, path, &e, &why)) {
		if (why.code == ERR_NOT_FOUND)
			return ERR_OK;
		*err = why;
		return err->code;
	}
	if (content_read_all(r, &e.content, METADATA_MAX, &t->metadata, err))
		return err->code;
	t->definition = buf_cstr(&t->metadata);
	return t->definition != NULL ? ERR_OK : err_nomem(err);
}

/* The database that it is in, kept. */
static enum err_code
find_database(struct stored_table *t, struct err *err)
{
	AUTO(bufv) struct buf room = BUF_INIT;
	const char *database;
	if (diff_database_of(&database, &room, t->dump, t->part->table, err) ||
	    buf_str(&t->database, database, err))
		return err->code;
	return buf_cstr(&t->database) != NULL ? ERR_OK : err_nomem(err);
}

enum err_code
stored_table_open(struct stored_table *t, struct engine *e, const struct id *id,
    const struct stored_wish *wish, struct err *err)
{
	static const struct diff_rows_ops none = { .table = NULL };
	t->opt =
	    (struct diff_rows_options){ .service = wish->service, .database = wish->database };
	t->diff.engine = e;
	t->diff.ops = &none;
	t->diff.opt = &t->opt;
	if (diff_side_open(&t->diff, &t->diff.a, id, err) || find_part(t, wish->table, err) ||
	    find_database(t, err) || diff_read_shapes(&t->diff, t->dump, NULL, err))
		return err->code;
	t->shape = diff_shape(t->dump, NULL, t->part->table);
	if (t->shape == NULL)
		return err_set(
		    err, ERR_UNSUPPORTED, "the definition of %s is not known", t->part->table);
	return t->shape->format == ROW_INSERT ? find_definition(t, err)
	       : t->shape->format == ROW_BSON ? find_metadata(t, err)
					      : ERR_OK;
}

/* --- its rows, as a dump --- */

static enum err_code
note_extent(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	(void)err;
	struct row_source *b = arg;
	if (e->rows == 0 && !e->is_torn)
		return ERR_OK;
	if (!b->has_rows)
		b->from = offset;
	b->has_rows = true;
	b->to = offset + e->len;
	return ERR_OK;
}

static enum err_code
rows_open(struct dump_source *src, const char *name, struct err *err)
{
	(void)name;
	struct row_source *s = (struct row_source *)src;
	s->has_rows = false;
	if (s->is_whole) {
		s->from = 0;
		s->to = s->content->size;
	} else if (content_walk(s->repo, s->content, note_extent, NULL, s, err)) {
		return err->code;
	}
	s->at = s->from;
	return ERR_OK;
}

static enum err_code
rows_read(struct dump_source *src, void *out, size_t len, size_t *got, struct err *err)
{
	struct row_source *s = (struct row_source *)src;
	uint64_t left = s->to - s->at;
	*got = 0;
	if (left == 0)
		return ERR_OK;
	if (content_read_at(
		s->repo, s->content, s->at, out, left < len ? (size_t)left : len, got, err))
		return err->code;
	s->at += *got;
	atomic_store(&s->bytes, s->at - s->from);
	return ERR_OK;
}

static void
rows_close(struct dump_source *src)
{
	(void)src;
}

static const struct dump_source_ops row_source_ops = {
	.open = rows_open,
	.read = rows_read,
	.close = rows_close,
};

void
row_source_init(struct row_source *s, const struct stored_table *t, struct repo *repo)
{
	*s = (struct row_source){
		.base = { &row_source_ops },
		.repo = repo,
		.content = &t->part->content,
		.is_whole = t->shape->format != ROW_COPY,
	};
}

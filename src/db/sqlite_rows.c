#include "db/sqlite_rows_impl.h"

#include "base/room.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define ENCODING 56 /* in the header; big-endian */
#define OBJECTS_MAX 200000

/* --- the schema --- */

struct statement {
	sqlite3_stmt *st;
};

static void
statement_auto(struct statement *s)
{
	sqlite3_finalize(s->st);
}

static enum err_code
prepare(struct sqlite_rows *r, const char *sql, const char *text, struct statement *out,
    struct err *err)
{
	int rc = sqlite3_prepare_v2(sqlite_reader_db(r->reader), sql, -1, &out->st, NULL);
	if (rc == SQLITE_OK && text != NULL)
		rc = sqlite3_bind_text(out->st, 1, text, -1, SQLITE_TRANSIENT);
	return rc == SQLITE_OK ? ERR_OK : sqlite_reader_failed(r->reader, rc, err);
}

/* *got is false behind the last row. */
static enum err_code
step(struct sqlite_rows *r, const struct statement *s, bool *got, struct err *err)
{
	int rc = sqlite3_step(s->st);
	*got = rc == SQLITE_ROW;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK
						     : sqlite_reader_failed(r->reader, rc, err);
}

static const char *
text_of(const struct statement *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s->st, column);
	return text != NULL ? text : "";
}

static void
table_release(struct sqlite_table *t)
{
	for (size_t i = 0; i < t->shape.column_count; i++) {
		free(t->shape.columns[i].name);
		free(t->shape.columns[i].type);
	}
	free(t->shape.columns);
	free(t->shape.key);
	free(t->shape.name);
	free(t->sql);
	free(t->rowid);
}

static enum err_code
add_column(
    struct shape *shape, const char *name, const char *type, bool is_not_null, struct err *err)
{
	if (ROOM_SHORT(shape->columns, shape->column_count, err))
		return err->code;
	struct shape_column *c = &shape->columns[shape->column_count];
	*c = (struct shape_column){ NULL, NULL, is_not_null };
	if (str_dup(&c->name, name, err))
		return err->code;
	if (str_dup(&c->type, type, err)) {
		free(c->name);
		return err->code;
	}
	shape->column_count++;
	return ERR_OK;
}

static enum err_code
add_key(struct shape *shape, size_t column, struct err *err)
{
	if (ROOM_SHORT(shape->key, shape->key_count, err))
		return err->code;
	shape->key[shape->key_count++] = column;
	return ERR_OK;
}

/* Columns that are stored; generated ones follow from these. */
static enum err_code
read_columns(struct sqlite_rows *r, struct sqlite_table *t, struct err *err)
{
	AUTO(statement) struct statement s = { NULL };
	bool got;
	if (prepare(r,
		"SELECT name, type, \"notnull\" FROM pragma_table_xinfo(?1) WHERE hidden = 0 "
		"ORDER BY cid",
		t->shape.name, &s, err) ||
	    step(r, &s, &got, err))
		return err->code;
	while (got) {
		if (add_column(&t->shape, text_of(&s, 0), text_of(&s, 1),
			sqlite3_column_int(s.st, 2) != 0, err) ||
		    step(r, &s, &got, err))
			return err->code;
	}
	return ERR_OK;
}

static bool
has_column(const struct shape *shape, const char *name, size_t *at)
{
	for (size_t i = 0; i < shape->column_count; i++) {
		if (strcasecmp(shape->columns[i].name, name) != 0)
			continue;
		*at = i;
		return true;
	}
	return false;
}

static enum err_code
read_key(struct sqlite_rows *r, struct sqlite_table *t, struct err *err)
{
	AUTO(statement) struct statement s = { NULL };
	bool got;
	if (prepare(r, "SELECT name FROM pragma_table_xinfo(?1) WHERE pk > 0 ORDER BY pk",
		t->shape.name, &s, err) ||
	    step(r, &s, &got, err))
		return err->code;
	while (got) {
		size_t column;
		if (has_column(&t->shape, text_of(&s, 0), &column) &&
		    add_key(&t->shape, column, err))
			return err->code;
		if (step(r, &s, &got, err))
			return err->code;
	}
	return ERR_OK;
}

/* A question whose answer is one number. */
static enum err_code
ask(struct sqlite_rows *r, const char *sql, const char *text, int64_t *out, struct err *err)
{
	AUTO(statement) struct statement s = { NULL };
	bool got;
	if (prepare(r, sql, text, &s, err) || step(r, &s, &got, err))
		return err->code;
	*out = got ? sqlite3_column_int64(s.st, 0) : 0;
	return ERR_OK;
}

/* What the rowid can be called: columns of the table may have taken its names. */
static enum err_code
name_rowid(struct sqlite_table *t, bool is_alias, struct err *err)
{
	static const char *const names[] = { "rowid", "_rowid_", "oid" };
	AUTO(bufv) struct buf quoted = BUF_INIT;
	size_t at;
	if (is_alias) {
		if (sqlite_quote(&quoted, t->shape.columns[t->shape.key[0]].name, err))
			return err->code;
		return str_dup(&t->rowid, buf_cstr(&quoted), err);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!has_column(&t->shape, names[i], &at))
			return str_dup(&t->rowid, names[i], err);
	return ERR_OK;
}

/* In front of all others. */
static enum err_code
add_rowid_column(struct sqlite_table *t, struct err *err)
{
	struct shape *shape = &t->shape;
	if (add_column(shape, t->rowid, "INTEGER", true, err) || add_key(shape, 0, err))
		return err->code;
	struct shape_column own = shape->columns[shape->column_count - 1];
	memmove(shape->columns + 1, shape->columns,
	    (shape->column_count - 1) * sizeof *shape->columns);
	shape->columns[0] = own;
	t->has_rowid_column = true;
	return ERR_OK;
}

/* A rowid table whose primary key is the rowid itself has no index for it. */
static enum err_code
find_key(struct sqlite_rows *r, struct sqlite_table *t, struct err *err)
{
	int64_t has_no_rowid;
	int64_t indexes;
	if (read_key(r, t, err) ||
	    ask(r, "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1",
		t->shape.name, &has_no_rowid, err) ||
	    ask(r, "SELECT count(*) FROM pragma_index_list(?1) WHERE origin = 'pk'",
		t->shape.name, &indexes, err))
		return err->code;
	if (has_no_rowid != 0)
		return ERR_OK;
	bool is_alias = t->shape.key_count == 1 && indexes == 0;
	if (name_rowid(t, is_alias, err))
		return err->code;
	t->is_by_rowid = is_alias || (t->shape.key_count == 0 && t->rowid != NULL);
	return t->is_by_rowid && !is_alias ? add_rowid_column(t, err) : ERR_OK;
}

static enum err_code
add_table(struct sqlite_rows *r, const struct statement *s, struct err *err)
{
	if (ROOM_SHORT(r->tables, r->n_tables, err))
		return err->code;
	struct sqlite_table *t = &r->tables[r->n_tables++];
	int64_t root = sqlite3_column_int64(s->st, 3);
	*t = (struct sqlite_table){ .shape = { .format = ROW_INSERT } };
	if (root < 2 || root > UINT32_MAX)
		return err_set(err, ERR_CORRUPT, "table %.100s begins nowhere", text_of(s, 1));
	t->root = (uint32_t)root;
	if (str_dup(&t->shape.name, text_of(s, 1), err) ||
	    str_dup(&t->sql, text_of(s, 2), err) || read_columns(r, t, err))
		return err->code;
	return find_key(r, t, err);
}

static enum err_code
add_object(struct sqlite_rows *r, const struct statement *s, struct err *err)
{
	AUTO(str) char *type = NULL;
	if (str_dup(&type, text_of(s, 0), err))
		return err->code;
	for (char *p = type; *p != '\0'; p++)
		*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
	if (r->texts.len / 3 >= OBJECTS_MAX)
		return err_set(
		    err, ERR_UNSUPPORTED, "its schema has more than %d objects", OBJECTS_MAX);
	if (strv_addf(&r->texts, err, "%s %s", type, text_of(s, 1)))
		return err->code;
	if (strv_add(&r->texts, text_of(s, 2), err))
		return err->code;
	return strv_add(&r->texts, text_of(s, 4), err);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(
	    ((const struct shape_object *)a)->name, ((const struct shape_object *)b)->name);
}

static enum err_code
finish_objects(struct sqlite_rows *r, struct err *err)
{
	r->n_objects = r->texts.len / 3;
	r->objects = calloc(r->n_objects + 1, sizeof *r->objects);
	if (r->objects == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < r->n_objects; i++)
		r->objects[i] = (struct shape_object){ r->texts.items[3 * i],
			r->texts.items[3 * i + 1], r->texts.items[3 * i + 2] };
	qsort(r->objects, r->n_objects, sizeof *r->objects, by_name);
	return ERR_OK;
}

/* SQLite's own tables (sqlite_sequence) and indexes without a text are nobody's. */
static enum err_code
read_schema(struct sqlite_rows *r, struct err *err)
{
	AUTO(statement) struct statement s = { NULL };
	bool got;
	if (prepare(r,
		"SELECT type, name, sql, rootpage, tbl_name FROM main.sqlite_master WHERE sql "
		"IS NOT "
		"NULL "
		"AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
		NULL, &s, err) ||
	    step(r, &s, &got, err))
		return err->code;
	while (got) {
		bool is_table =
		    strcmp(text_of(&s, 0), "table") == 0 && sqlite3_column_int64(s.st, 3) != 0;
		if (add_object(r, &s, err) || (is_table && add_table(r, &s, err)) ||
		    step(r, &s, &got, err))
			return err->code;
	}
	return finish_objects(r, err);
}

/* --- opening --- */

/* The system keeps a local file's pages by itself. */
enum rows_use { ROWS_IN_BLOCKS, ROWS_DIRECT };

static enum err_code
open_rows(struct sqlite_rows **out, const struct sqlite_bytes *file, enum rows_use use,
    struct err *err)
{
	uint8_t encoding[4];
	AUTO(sqlite_rows) struct sqlite_rows *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	r->fd = -1;
	r->bytes = *file;
	if (use == ROWS_IN_BLOCKS && sqlite_blocks_new(&r->blocks, &r->bytes, file, err))
		return err->code;
	if (sqlite_pages_init(&r->pages, &r->bytes, err) ||
	    r->bytes.read(r->bytes.arg, encoding, sizeof encoding, ENCODING, err) ||
	    sqlite_reader_open(&r->reader, &r->bytes, err) || read_schema(r, err))
		return err->code;
	r->encoding = encoding[3];
	*out = TAKE(r);
	return ERR_OK;
}

enum err_code
sqlite_rows_open(struct sqlite_rows **out, const struct sqlite_bytes *file, struct err *err)
{
	return open_rows(out, file, ROWS_IN_BLOCKS, err);
}

static enum err_code
read_fd(void *arg, void *out, size_t len, uint64_t offset, struct err *err)
{
	const int *fd = arg;
	size_t got;
	if (fd_pread_full(*fd, out, len, offset, &got, err))
		return err->code;
	return got == len ? ERR_OK : err_set(err, ERR_CHANGED, "it became shorter meanwhile");
}

enum err_code
sqlite_rows_open_file(
    struct sqlite_rows **out, const char *path, const struct cancel *cancel, struct err *err)
{
	AUTO(mem) int *fd = malloc(sizeof *fd);
	struct stat st;
	if (fd == NULL)
		return err_nomem(err);
	AUTO(fd) int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (opened < 0 || fstat(opened, &st) != 0)
		return err_sys(err, "open %s", path);
	*fd = opened;
	struct sqlite_bytes file = { read_fd, fd, (uint64_t)st.st_size, cancel };
	if (open_rows(out, &file, ROWS_DIRECT, err))
		return err_wrap(err, "%s", path);
	(*out)->fd = fd_take(&opened);
	(*out)->bytes.arg = TAKE(fd);
	return ERR_OK;
}

void
sqlite_rows_close(struct sqlite_rows *r)
{
	if (r == NULL)
		return;
	sqlite_reader_close(r->reader);
	for (size_t i = 0; i < r->n_tables; i++)
		table_release(&r->tables[i]);
	free(r->tables);
	free(r->objects);
	strv_release(&r->texts);
	sqlite_blocks_free(r->blocks);
	if (r->fd >= 0) {
		close(r->fd);
		free(r->bytes.arg);
	}
	free(r);
}

/* --- what there is --- */

size_t
sqlite_rows_count(const struct sqlite_rows *r)
{
	return r->n_tables;
}

const struct shape *
sqlite_rows_at(const struct sqlite_rows *r, size_t i)
{
	return &r->tables[i].shape;
}

const struct shape *
sqlite_rows_find(const struct sqlite_rows *r, const char *table)
{
	for (size_t i = 0; i < r->n_tables; i++)
		if (strcmp(r->tables[i].shape.name, table) == 0)
			return &r->tables[i].shape;
	return NULL;
}

const struct sqlite_table *
sqlite_table_of(const struct sqlite_rows *r, const struct shape *shape)
{
	for (size_t i = 0; i < r->n_tables; i++)
		if (&r->tables[i].shape == shape)
			return &r->tables[i];
	return NULL;
}

size_t
sqlite_rows_object_count(const struct sqlite_rows *r)
{
	return r->n_objects;
}

const struct shape_object *
sqlite_rows_object(const struct sqlite_rows *r, size_t i)
{
	return &r->objects[i];
}

enum err_code
sqlite_rows_total(
    struct sqlite_rows *r, const struct shape *table, uint64_t *out, struct err *err)
{
	AUTO(bufv) struct buf sql = BUF_INIT;
	int64_t n;
	if (buf_str(&sql, "SELECT count(*) FROM main.", err) ||
	    sqlite_quote(&sql, table->name, err) || ask(r, buf_cstr(&sql), NULL, &n, err))
		return err->code;
	*out = (uint64_t)n;
	return ERR_OK;
}

enum err_code
sqlite_rows_each(struct sqlite_rows *r, const struct shape *table, sqlite_row_fn *fn, void *arg,
    struct err *err)
{
	AUTO(sqlite_scan) struct sqlite_scan s = { .rows = NULL };
	bool got = true;
	if (sqlite_scan_open(&s, r, sqlite_table_of(r, table), NULL, err))
		return err->code;
	while (got) {
		if (sqlite_scan_next(&s, &got, err))
			return err->code;
		struct row row = { s.tuple.data, s.tuple.len };
		if (got && fn(arg, &row, err))
			return err->code;
	}
	return ERR_OK;
}

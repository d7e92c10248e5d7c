#include "testing.h"

#include "db/sqlite_rows.h"
#include "sys/fs.h"

#include <sqlite3.h>
#include <stdlib.h>

#define SEEDS 25 /* STACKSNAP_SEEDS: more */

struct place {
	char *dir;
	char *a;
	char *b;
};

static int
set_up(void **state)
{
	static struct place p;
	struct err err;
	ok(fs_make_temp_dir(&p.dir, "sqlite-rows", &err));
	ok(str_printf(&p.a, &err, "%s/a.db", p.dir));
	ok(str_printf(&p.b, &err, "%s/b.db", p.dir));
	*state = &p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;
	struct err err;
	ok(fs_remove_tree(p->dir, &err));
	free(p->dir);
	free(p->a);
	free(p->b);
	return 0;
}

static void
sql(sqlite3 *db, const char *text)
{
	char *why = NULL;
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
}

static sqlite3 *
make(const char *path)
{
	sqlite3 *db;
	struct err err;
	ok(fs_remove_tree(path, &err));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sql(db, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF");
	return db;
}

static void
make_with(const char *path, const char *text)
{
	sqlite3 *db = make(path);
	sql(db, text);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
copy(const char *from, const char *to)
{
	struct err err;
	AUTO(bufv) struct buf data = BUF_INIT;
	ok(fs_read_file(from, (size_t)64 << 20, &data, &err));
	ok(fs_write_file(to, 0600, data.data, data.len, &err));
}

/* --- shapes and rows --- */

static enum err_code
add_line(void *arg, const struct row *row, struct err *err)
{
	struct buf *out = arg;
	return buf_add(out, row->data, row->len, err) ? err->code : buf_str(out, "\n", err);
}

static void
rows_are(struct sqlite_rows *r, const char *table, const char *want)
{
	struct err err;
	AUTO(bufv) struct buf out = BUF_INIT;
	const struct shape *s = sqlite_rows_find(r, table);
	assert_non_null(s);
	ok(sqlite_rows_each(r, s, add_line, &out, &err));
	assert_string_equal(buf_cstr(&out), want);
}

static void
values_keep_their_types(void **state)
{
	const struct place *p = *state;
	struct err err;
	AUTO(sqlite_rows) struct sqlite_rows *r = NULL;
	make_with(p->a,
	    "CREATE TABLE t (id INTEGER PRIMARY KEY, v);"
	    "INSERT INTO t VALUES (-5, NULL), (1, 1), (2, 1.0), (3, '1'), (4, X'31'),"
	    "(5, 'it''s'), (6, 'a\\b' || char(10) || 'c'), (7, X''), (8, ''), (9, 1e300),"
	    "(10, 9e999), (11, -9e999), (12, 0.1), (13, 9223372036854775807), (14, "
	    "CAST(X'610062' AS TEXT)), (15, -0.5);");
	ok(sqlite_rows_open_file(&r, p->a, NULL, &err));
	rows_are(r, "t",
	    "(-5,NULL)\n(1,1)\n(2,1.0)\n(3,'1')\n(4,X'31')\n(5,'it''s')\n(6,'a\\\\b\nc')\n"
	    "(7,X'')\n(8,'')\n(9,1e+300)\n(10,9e999)\n(11,-9e999)\n(12,0.1)\n"
	    "(13,9223372036854775807)\n(14,'a\\0b')\n(15,-0.5)\n");
	uint64_t n;
	ok(sqlite_rows_total(r, sqlite_rows_find(r, "t"), &n, &err));
	assert_int_equal(n, 16);
}

static enum err_code
text_comes_back(void *arg, const struct row *row, struct err *why)
{
	struct err err;
	struct field fields[3];
	size_t n;
	AUTO(bufv) struct buf text = BUF_INIT;
	(void)arg;
	(void)why;
	ok(row_split(ROW_INSERT, row, fields, 3, &n, &err));
	assert_int_equal(n, 2);
	ok(row_text(ROW_INSERT, &fields[1], &text, &err));
	assert_int_equal(text.len, 13);
	assert_memory_equal(text.data, "a\\'\"`(,)\n\0%_\xff", 13);
	return ERR_OK;
}

static void
hostile_text_is_read_back_by_row_text(void **state)
{
	const struct place *p = *state;
	struct err err;
	AUTO(sqlite_rows) struct sqlite_rows *r = NULL;
	make_with(p->a, "CREATE TABLE t (id INTEGER PRIMARY KEY, v);"
			"INSERT INTO t VALUES (1, CAST(X'615C272260282C290A00255FFF' AS TEXT)),"
			"(2, X'615C272260282C290A00255FFF');");
	ok(sqlite_rows_open_file(&r, p->a, NULL, &err));
	ok(sqlite_rows_each(r, sqlite_rows_find(r, "t"), text_comes_back, NULL, &err));
}

static void
key_is(struct sqlite_rows *r, const char *table, const char *columns, const char *key)
{
	struct err err;
	AUTO(bufv) struct buf all = BUF_INIT;
	AUTO(bufv) struct buf keys = BUF_INIT;
	const struct shape *s = sqlite_rows_find(r, table);
	assert_non_null(s);
	for (size_t i = 0; i < s->column_count; i++)
		ok(buf_printf(&all, &err, "%s%s", i > 0 ? "," : "", s->columns[i].name));
	for (size_t i = 0; i < s->key_count; i++)
		ok(buf_printf(
		    &keys, &err, "%s%s", i > 0 ? "," : "", s->columns[s->key[i]].name));
	assert_string_equal(buf_cstr(&all), columns);
	assert_string_equal(keys.len > 0 ? buf_cstr(&keys) : "", key);
}

static void
shapes_have_the_key_that_tells_rows_apart(void **state)
{
	const struct place *p = *state;
	struct err err;
	AUTO(sqlite_rows) struct sqlite_rows *r = NULL;
	make_with(p->a,
	    "CREATE TABLE alias (a TEXT NOT NULL, b INTEGER PRIMARY KEY);"
	    "CREATE TABLE bare (a, b);"
	    "CREATE TABLE natural (b TEXT, a INT, c, PRIMARY KEY (a, b)) WITHOUT ROWID;"
	    "CREATE TABLE textual (a TEXT PRIMARY KEY, b);"
	    "CREATE TABLE descending (a INTEGER PRIMARY KEY DESC, b);"
	    "CREATE TABLE taken (rowid TEXT, b);"
	    "CREATE TABLE hidden (rowid, _rowid_, oid);"
	    "CREATE TABLE made (a INTEGER PRIMARY KEY, b AS (a * 2) STORED, c AS (a + 1), d);"
	    "CREATE TABLE \"we\"\"ird\n'name\" (\"co\"\"l\", \"select\");"
	    "CREATE VIRTUAL TABLE words USING fts5(text);"
	    "CREATE VIEW seen AS SELECT * FROM bare; CREATE INDEX by_b ON bare (b);"
	    "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT);"
	    "INSERT INTO taken VALUES ('x', 2); INSERT INTO hidden VALUES (1, 2, 3);"
	    "INSERT INTO made (a, d) VALUES (3, 4); INSERT INTO \"we\"\"ird\n'name\" VALUES "
	    "(1, 2);"
	    "INSERT INTO natural VALUES ('x', 1, 2), ('a', 1, 3);"
	    "INSERT INTO textual VALUES ('k', 1);");
	ok(sqlite_rows_open_file(&r, p->a, NULL, &err));
	key_is(r, "alias", "a,b", "b");
	assert_true(sqlite_rows_find(r, "alias")->columns[0].is_not_null);
	key_is(r, "bare", "rowid,a,b", "rowid");
	key_is(r, "natural", "b,a,c", "a,b");
	key_is(r, "textual", "a,b", "a");
	key_is(r, "descending", "a,b", "a");
	key_is(r, "taken", "_rowid_,rowid,b", "_rowid_");
	key_is(r, "hidden", "rowid,_rowid_,oid", "");
	key_is(r, "made", "a,d", "a");
	rows_are(r, "taken", "(1,'x',2)\n");
	rows_are(r, "hidden", "(1,2,3)\n");
	rows_are(r, "made", "(3,4)\n");
	rows_are(r, "we\"ird\n'name", "(1,1,2)\n");
	rows_are(r, "natural", "('a',1,3)\n('x',1,2)\n");
	rows_are(r, "textual", "('k',1)\n");
	assert_null(sqlite_rows_find(r, "words"));
	assert_non_null(sqlite_rows_find(r, "words_content"));
	assert_null(sqlite_rows_find(r, "sqlite_sequence"));
	for (size_t i = 0; i + 1 < sqlite_rows_object_count(r); i++)
		assert_true(strcmp(sqlite_rows_object(r, i)->name,
				sqlite_rows_object(r, i + 1)->name) < 0);
	assert_string_equal(sqlite_rows_object(r, 0)->name, "INDEX by_b");
	assert_string_equal(sqlite_rows_object(r, 0)->text, "CREATE INDEX by_b ON bare (b)");
}

static void
file_that_was_left_in_wal_mode_is_read(void **state)
{
	const struct place *p = *state;
	struct err err;
	AUTO(sqlite_rows) struct sqlite_rows *r = NULL;
	AUTO(str) char *wal = NULL;
	make_with(
	    p->a, "PRAGMA journal_mode=WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1);");
	ok(sqlite_rows_open_file(&r, p->a, NULL, &err));
	rows_are(r, "t", "(1,1)\n");
	ok(str_printf(&wal, &err, "%s-wal", p->a));
	assert_false(fs_exists(wal));
}

/* --- comparing --- */

struct told {
	struct buf lines;
	uint64_t n;
};

static enum err_code
note_change(void *arg, enum row_change change, const struct row *before,
    const struct row *after, struct err *err)
{
	struct told *t = arg;
	t->n++;
	return buf_printf(&t->lines, err, "%c %.*s %.*s\n", "-+~"[change],
	    before != NULL ? (int)before->len : 0,
	    before != NULL ? (const char *)before->data : "",
	    after != NULL ? (int)after->len : 0,
	    after != NULL ? (const char *)after->data : "");
}

static void
compare_files(const struct place *p, const char *table, const struct sqlite_rows_options *opt,
    struct told *told, struct row_match_result *out)
{
	struct err err;
	AUTO(sqlite_rows) struct sqlite_rows *a = NULL;
	AUTO(sqlite_rows) struct sqlite_rows *b = NULL;
	ok(sqlite_rows_open_file(&a, p->a, NULL, &err));
	ok(sqlite_rows_open_file(&b, p->b, NULL, &err));
	ok(sqlite_rows_compare(a, b, sqlite_rows_find(a, table), sqlite_rows_find(b, table),
	    opt, note_change, told, out, &err));
}

static void
changes_are(const struct place *p, const char *table, const char *want)
{
	struct told told = { BUF_INIT, 0 };
	struct row_match_result r;
	compare_files(p, table, NULL, &told, &r);
	assert_string_equal(told.n > 0 ? buf_cstr(&told.lines) : "", want);
	assert_int_equal(r.added + r.removed + r.changed, told.n);
	buf_release(&told.lines);
}

static void
rows_are_told_by_their_key(void **state)
{
	const struct place *p = *state;
	make_with(p->a,
	    "CREATE TABLE t (id INTEGER PRIMARY KEY, v); CREATE TABLE k (n TEXT PRIMARY KEY, "
	    "v);"
	    "CREATE TABLE w (n TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE b (v);"
	    "INSERT INTO t VALUES (1,'a'),(2,'b'),(3,'c'); INSERT INTO k VALUES "
	    "('x',1),('y',2);"
	    "INSERT INTO w VALUES ('x',1),('y',2); INSERT INTO b VALUES ('p'),('q');");
	copy(p->a, p->b);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(p->b, &db), SQLITE_OK);
	sql(db, "UPDATE t SET v='B' WHERE id=2; DELETE FROM t WHERE id=1; INSERT INTO t VALUES "
		"(9,'z'); DELETE FROM k WHERE n='x'; INSERT INTO k VALUES ('x',1.0);"
		"UPDATE w SET v=3 WHERE n='y'; DELETE FROM b WHERE v='p'; VACUUM;");
	sqlite3_close(db);
	changes_are(p, "t", "- (1,'a') \n~ (2,'b') (2,'B')\n+  (9,'z')\n");
	changes_are(p, "k", "~ ('x',1) ('x',1.0)\n");
	changes_are(p, "w", "~ ('y',2) ('y',3)\n");
}

static void
columns_that_one_side_lacks_are_left_out(void **state)
{
	const struct place *p = *state;
	make_with(p->a,
	    "CREATE TABLE t (id INTEGER PRIMARY KEY, gone, v); CREATE TABLE k (n TEXT "
	    "PRIMARY KEY, gone, v);"
	    "INSERT INTO t VALUES (1,'x','a'),(2,'x','b'); INSERT INTO k SELECT 'k' || "
	    "id, gone, v FROM t;");
	make_with(p->b,
	    "CREATE TABLE t (v, id INTEGER PRIMARY KEY, more DEFAULT 7); CREATE TABLE k "
	    "(v, n TEXT PRIMARY KEY);"
	    "INSERT INTO t VALUES ('a',1,8),('c',2,9); INSERT INTO k VALUES ('a','k1'), "
	    "('c','k2');");
	changes_are(p, "t", "~ (2,'x','b') ('c',2,9)\n");
	changes_are(p, "k", "~ ('k2','x','b') ('c','k2')\n");
}

/* Bytes may be the same and mean something else. */
static void
pages_are_not_skipped_where_the_table_is_another(void **state)
{
	const struct place *p = *state;
	make_with(p->a, "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES "
			"(1,'x','y');");
	copy(p->a, p->b);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(p->b, &db), SQLITE_OK);
	sql(db, "ALTER TABLE t RENAME a TO c; ALTER TABLE t RENAME b TO a; ALTER TABLE t "
		"RENAME c TO "
		"b; ALTER TABLE t ADD d DEFAULT 5");
	sqlite3_close(db);
	changes_are(p, "t", "~ (1,'x','y') (1,'x','y',5)\n");
}

static enum err_code
read_memory(void *arg, void *out, size_t len, uint64_t offset, struct err *err)
{
	const struct buf *data = arg;
	(void)err;
	assert_true(offset + len <= data->len);
	memcpy(out, data->data + offset, len);
	return ERR_OK;
}

static enum err_code
ignore_row(void *arg, const struct row *row, struct err *err)
{
	(void)arg;
	(void)row;
	(void)err;
	return ERR_OK;
}

struct both {
	const struct buf *a;
	const struct buf *b;
	uint64_t asked;
};

static bool
is_same_range(void *arg, uint64_t offset, size_t len)
{
	struct both *both = arg;
	both->asked++;
	return memcmp(both->a->data + offset, both->b->data + offset, len) == 0;
}

/* A row that SQLite cannot read: its record says that it begins behind its end. */
static void
break_row(struct buf *data, const char *value)
{
	uint8_t *at = memmem(data->data, data->len, value, strlen(value));
	assert_non_null(at);
	assert_int_equal(at[-3], 3);
	at[-3] = 0x7f;
}

static void
compare_bytes(const struct buf *a, const struct buf *b, const struct sqlite_rows_options *opt,
    struct told *told, struct row_match_result *out)
{
	struct err err;
	struct sqlite_bytes bytes_a = { read_memory, (void *)(uintptr_t)a, a->len, NULL };
	struct sqlite_bytes bytes_b = { read_memory, (void *)(uintptr_t)b, b->len, NULL };
	AUTO(sqlite_rows) struct sqlite_rows *rows_a = NULL;
	AUTO(sqlite_rows) struct sqlite_rows *rows_b = NULL;
	ok(sqlite_rows_open(&rows_a, &bytes_a, &err));
	ok(sqlite_rows_open(&rows_b, &bytes_b, &err));
	assert_int_equal(
	    sqlite_rows_each(rows_a, sqlite_rows_find(rows_a, "t"), ignore_row, NULL, &err),
	    ERR_CORRUPT);
	ok(sqlite_rows_compare(rows_a, rows_b, sqlite_rows_find(rows_a, "t"),
	    sqlite_rows_find(rows_b, "t"), opt, note_change, told, out, &err));
}

static void
pages_that_are_the_same_are_not_decoded(void **state)
{
	const struct place *p = *state;
	struct err err;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	make_with(p->a,
	    "CREATE TABLE t (id INTEGER PRIMARY KEY, v);"
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
	    "20000) INSERT INTO t SELECT i, 'a value of some length ' || i FROM n;"
	    "INSERT INTO t VALUES (30000, zeroblob(50000));");
	copy(p->a, p->b);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(p->b, &db), SQLITE_OK);
	sql(db, "UPDATE t SET v = 'another of the same number' WHERE id = 7777");
	sqlite3_close(db);
	ok(fs_read_file(p->a, (size_t)64 << 20, &a, &err));
	ok(fs_read_file(p->b, (size_t)64 << 20, &b, &err));
	break_row(&a, "a value of some length 15000");
	break_row(&b, "a value of some length 15000");
	struct both both = { &a, &b, 0 };
	struct sqlite_rows_options with_hint = {
		.keep = SIZE_MAX, .is_same = is_same_range, .same_arg = &both
	};
	const struct sqlite_rows_options *options[] = { &with_hint, NULL };
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		struct told told = { BUF_INIT, 0 };
		struct row_match_result r;
		compare_bytes(&a, &b, options[i], &told, &r);
		assert_string_equal(buf_cstr(&told.lines),
		    "~ (7777,'a value of some length 7777') (7777,'another of the same "
		    "number')\n");
		buf_release(&told.lines);
	}
	/* Leaves, and the overflow pages of the blob. */
	assert_true(both.asked > 150);
}

static void
rows_beyond_what_is_wanted_are_counted(void **state)
{
	const struct place *p = *state;
	struct told told = { BUF_INIT, 0 };
	struct row_match_result r;
	struct sqlite_rows_options opt = { .keep = 1 };
	make_with(
	    p->a, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1),(2),(3)");
	make_with(
	    p->b, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (3),(4)");
	compare_files(p, "t", &opt, &told, &r);
	assert_int_equal(told.n, 1);
	assert_int_equal(r.removed, 2);
	assert_int_equal(r.added, 1);
	buf_release(&told.lines);
}

/* --- against SQL --- */

static unsigned long
pick(unsigned *seed, unsigned long n)
{
	*seed = *seed * 1103515245U + 12345U;
	return (*seed >> 8) % n;
}

static const char *
random_value(unsigned *seed)
{
	static const char *const values[] = { "NULL", "1", "1.0", "'1'", "X'31'", "'it''s'",
		"'\\'", "-7", "1e20", "'a' || char(0) || 'b'", "''", "X''",
		"hex(zeroblob(200))", "hex(zeroblob(6000))", "zeroblob(9000)", "0.1", "-0.0" };
	return values[pick(seed, ARRAY_LEN(values))];
}

static void
random_edit(sqlite3 *db, unsigned *seed, const char *table, const char *key)
{
	AUTO(str) char *text = NULL;
	struct err err;
	unsigned long at = pick(seed, 400);
	bool is_text = strcmp(key, "n") == 0;
	const char *quote = is_text ? "'" : "";
	switch (pick(seed, 3)) {
	case 0:
		ok(str_printf(&text, &err, "UPDATE %s SET v=%s WHERE %s=%s%lu%s", table,
		    random_value(seed), key, quote, at, quote));
		break;
	case 1:
		ok(str_printf(&text, &err, "DELETE FROM %s WHERE %s=%s%lu%s", table, key, quote,
		    at, quote));
		break;
	default:
		ok(str_printf(&text, &err,
		    "INSERT OR REPLACE INTO %s (%s,v,u) VALUES (%s%lu%s,%s,%s)", table, key,
		    quote, at, quote, random_value(seed), random_value(seed)));
	}
	sql(db, text);
}

static const struct {
	const char *name;
	const char *key;
} made[] = { { "by_id", "id" }, { "bare", "rowid" }, { "keyed", "n" }, { "natural", "n" } };

static void
random_edits(sqlite3 *db, unsigned *seed, unsigned long n)
{
	sql(db, "BEGIN");
	for (unsigned long i = 0; i < n; i++) {
		size_t t = pick(seed, ARRAY_LEN(made));
		random_edit(db, seed, made[t].name, made[t].key);
	}
	sql(db, "COMMIT");
}

static void
random_pair(const struct place *p, unsigned *seed)
{
	struct err err;
	AUTO(str) char *text = NULL;
	sqlite3 *db = make(p->a);
	ok(str_printf(&text, &err, "PRAGMA page_size=%d; PRAGMA encoding='%s';",
	    512 << pick(seed, 5), pick(seed, 4) == 0 ? "UTF-16le" : "UTF-8"));
	sql(db, text);
	sql(db, "CREATE TABLE by_id (id INTEGER PRIMARY KEY, v, u);"
		"CREATE TABLE bare (v, u);"
		"CREATE TABLE keyed (n TEXT PRIMARY KEY, v, u);"
		"CREATE TABLE natural (n TEXT PRIMARY KEY, v, u) WITHOUT ROWID;");
	random_edits(db, seed, 300 + pick(seed, 900));
	sqlite3_close(db);
	copy(p->a, p->b);
	assert_int_equal(sqlite3_open(p->b, &db), SQLITE_OK);
	sql(db, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF");
	random_edits(db, seed, pick(seed, 4) == 0 ? 200 : pick(seed, 8));
	if (pick(seed, 4) == 0)
		sql(db, "REINDEX");
	sqlite3_close(db);
}

static uint64_t
count(sqlite3 *db, const char *text)
{
	sqlite3_stmt *st;
	if (sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	uint64_t n = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void
agrees_with_sql(const struct place *p, sqlite3 *db, const char *table, const char *key)
{
	struct err err;
	struct told told = { BUF_INIT, 0 };
	struct row_match_result r;
	AUTO(str) char *added = NULL;
	AUTO(str) char *removed = NULL;
	AUTO(str) char *changed = NULL;
	static const char alone[] =
	    "SELECT count(*) FROM %s.%s x WHERE NOT EXISTS (SELECT 1 FROM "
	    "%s.%s y WHERE y.%s = x.%s)";
	ok(str_printf(&added, &err, alone, "b", table, "a", table, key, key));
	ok(str_printf(&removed, &err, alone, "a", table, "b", table, key, key));
	ok(str_printf(&changed, &err,
	    "SELECT count(*) FROM a.%s x JOIN b.%s y ON y.%s = x.%s WHERE NOT (x.v IS y.v AND "
	    "x.u "
	    "IS y.u AND typeof(x.v) = typeof(y.v) AND typeof(x.u) = typeof(y.u))",
	    table, table, key, key));
	struct sqlite_rows_options opt = { .keep = SIZE_MAX, .memory = 1 << 20 };
	compare_files(p, table, &opt, &told, &r);
	assert_int_equal(r.added, count(db, added));
	assert_int_equal(r.removed, count(db, removed));
	assert_int_equal(r.changed, count(db, changed));
	assert_int_equal(told.n, r.added + r.removed + r.changed);
	buf_release(&told.lines);
}

static void
random_edits_are_found_as_sql_finds_them(void **state)
{
	const struct place *p = *state;
	const char *more = getenv("STACKSNAP_SEEDS");
	unsigned long seeds = more != NULL ? strtoul(more, NULL, 10) : SEEDS;
	for (unsigned i = 0; i < seeds; i++) {
		struct err err;
		unsigned seed = i * 7919 + 1;
		AUTO(str) char *attach = NULL;
		sqlite3 *db;
		random_pair(p, &seed);
		/* Of what encoding it is must be known before anything is attached. */
		assert_int_equal(sqlite3_open(p->a, &db), SQLITE_OK);
		ok(str_printf(&attach, &err, "ATTACH '%s' AS a; ATTACH '%s' AS b", p->a, p->b));
		sql(db, attach);
		for (size_t t = 0; t < ARRAY_LEN(made); t++)
			agrees_with_sql(p, db, made[t].name, made[t].key);
		sqlite3_close(db);
	}
}

/* --- bad files --- */

static void
look_at_all(struct sqlite_rows *good, const struct sqlite_bytes *file)
{
	struct err err;
	AUTO(sqlite_rows) struct sqlite_rows *r = NULL;
	if (sqlite_rows_open(&r, file, &err)) {
		assert_true(err.code == ERR_CORRUPT || err.code == ERR_UNSUPPORTED);
		return;
	}
	for (size_t i = 0; i < sqlite_rows_count(r); i++) {
		const struct shape *s = sqlite_rows_at(r, i);
		const struct shape *in_good = sqlite_rows_find(good, s->name);
		struct row_match_result out;
		enum err_code rc = sqlite_rows_each(r, s, ignore_row, NULL, &err);
		assert_true(rc == ERR_OK || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
		if (in_good == NULL)
			continue;
		rc = sqlite_rows_compare(good, r, in_good, s, NULL, NULL, NULL, &out, &err);
		assert_true(rc == ERR_OK || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
	}
}

static void
damaged_files_end_in_an_error_at_worst(void **state)
{
	const struct place *p = *state;
	struct err err;
	unsigned seed = 5;
	AUTO(bufv) struct buf data = BUF_INIT;
	AUTO(sqlite_rows) struct sqlite_rows *good = NULL;
	random_pair(p, &seed);
	ok(sqlite_rows_open_file(&good, p->a, NULL, &err));
	ok(fs_read_file(p->b, (size_t)64 << 20, &data, &err));
	struct sqlite_bytes file = { read_memory, &data, data.len, NULL };
	for (int i = 0; i < 150; i++) {
		uint8_t before[4];
		size_t at[4];
		for (size_t k = 0; k < 4; k++) {
			at[k] = pick(&seed, i % 3 == 0 ? 2048 : data.len);
			before[k] = data.data[at[k]];
			data.data[at[k]] = (uint8_t)pick(&seed, 256);
		}
		look_at_all(good, &file);
		for (size_t k = 4; k-- > 0;)
			data.data[at[k]] = before[k];
	}
	for (size_t len = 0; len < data.len; len += data.len / 23 + 1) {
		file.size = len;
		look_at_all(good, &file);
	}
}

static enum err_code
fail_to_read(void *arg, void *out, size_t len, uint64_t offset, struct err *err)
{
	const struct buf *data = arg;
	if (offset >= 4 << 20)
		return err_set(err, ERR_IO, "the disk is gone");
	memcpy(out, data->data + offset, len);
	return ERR_OK;
}

static void
callers_error_comes_through(void **state)
{
	const struct place *p = *state;
	struct err err;
	AUTO(bufv) struct buf data = BUF_INIT;
	AUTO(sqlite_rows) struct sqlite_rows *r = NULL;
	make_with(p->a, "CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(6000000));");
	ok(fs_read_file(p->a, (size_t)64 << 20, &data, &err));
	struct sqlite_bytes file = { fail_to_read, &data, data.len, NULL };
	ok(sqlite_rows_open(&r, &file, &err));
	refused(sqlite_rows_each(r, sqlite_rows_at(r, 0), ignore_row, NULL, &err), ERR_IO,
	    "the disk is gone");
}

static void
cancel_ends_it(void **state)
{
	const struct place *p = *state;
	struct err err;
	struct cancel c;
	AUTO(sqlite_rows) struct sqlite_rows *r = NULL;
	ok(cancel_init(&c, &err));
	make_with(p->a, "CREATE TABLE t (a); INSERT INTO t VALUES (1);");
	ok(sqlite_rows_open_file(&r, p->a, &c, &err));
	cancel_raise(&c);
	assert_int_equal(
	    sqlite_rows_each(r, sqlite_rows_at(r, 0), ignore_row, NULL, &err), ERR_CANCELLED);
	cancel_release(&c);
}

static void
what_is_no_database_is_refused(void **state)
{
	const struct place *p = *state;
	struct err err;
	AUTO(sqlite_rows) struct sqlite_rows *r = NULL;
	AUTO(str) char *want = NULL;
	ok(fs_write_file(p->a, 0600, "hello", 5, &err));
	ok(str_printf(&want, &err, "%s: it is no SQLite database", p->a));
	refused(sqlite_rows_open_file(&r, p->a, NULL, &err), ERR_CORRUPT, want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_keep_their_types),
		cmocka_unit_test(hostile_text_is_read_back_by_row_text),
		cmocka_unit_test(shapes_have_the_key_that_tells_rows_apart),
		cmocka_unit_test(file_that_was_left_in_wal_mode_is_read),
		cmocka_unit_test(rows_are_told_by_their_key),
		cmocka_unit_test(columns_that_one_side_lacks_are_left_out),
		cmocka_unit_test(pages_are_not_skipped_where_the_table_is_another),
		cmocka_unit_test(pages_that_are_the_same_are_not_decoded),
		cmocka_unit_test(rows_beyond_what_is_wanted_are_counted),
		cmocka_unit_test(random_edits_are_found_as_sql_finds_them),
		cmocka_unit_test(damaged_files_end_in_an_error_at_worst),
		cmocka_unit_test(callers_error_comes_through),
		cmocka_unit_test(cancel_ends_it),
		cmocka_unit_test(what_is_no_database_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

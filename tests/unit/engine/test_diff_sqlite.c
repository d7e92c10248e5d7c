/* SQLite databases among the files of two snapshots, and of a snapshot and the host. */
#include "engine/told.h"

#include "engine/diff_sqlite.h"
#include "repo/snapshot.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <unistd.h>

/* --- databases and snapshots --- */

static void
run_sql(const struct fixture *f, const char *sql)
{
	sqlite3 *db;
	char *why = NULL;
	assert_int_equal(sqlite3_open(in_source(f, "volumes/data/app.db"), &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
make_database(struct fixture *f)
{
	struct err err;
	ok(fs_mkdirs(in_source(f, "volumes/data"), 0755, &err));
	run_sql(f,
	    "CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT, v REAL);"
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
	    "INSERT INTO orders SELECT i, 'customer ' || i, i / 2.0 FROM n;"
	    "CREATE TABLE gone (k TEXT PRIMARY KEY) WITHOUT ROWID;"
	    "INSERT INTO gone VALUES ('it''s'), ('other');"
	    "CREATE TABLE still (id INTEGER PRIMARY KEY); INSERT INTO still VALUES (1);");
}

static void
change_database(struct fixture *f)
{
	run_sql(f, "UPDATE orders SET name = 'x' WHERE id IN (7, 10000);"
		   "DELETE FROM orders WHERE id = 500;"
		   "INSERT INTO orders VALUES (30001, NULL, 1);"
		   "DROP TABLE gone; CREATE TABLE new (a TEXT);"
		   "INSERT INTO new VALUES ('1'), ('2'), ('3');");
}

/* how: as a backup notes that the database was taken. */
static void
take_snapshot(struct fixture *f, const char *how, const char *host, struct id *id)
{
	struct err err;
	struct tree_save_options so = TREE_SAVE_OPTIONS_INIT;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(bufv) struct buf document = BUF_INIT;
	so.no_sync = true;
	ok(tree_save(&saved, f->writer, f->source, &so, &err));
	ok(writer_flush(f->writer, &err));
	ok(tree_entry_encode(&saved.root, &raw, &err));
	AUTO(mem) char *hex = malloc(2 * raw.len + 1);
	assert_non_null(hex);
	hex_encode(hex, raw.data, raw.len);
	ok(buf_printf(&document, &err,
	    "{\"version\":1,\"root\":\"%s\",\"host\":\"%s\",\"stack\":{\"name\":\"shop\"},"
	    "\"members\":[{\"kind\":\"volume\",\"name\":\"data\",\"path\":\"volumes/data\","
	    "\"source\":\"%s/volumes/data\",\"services\":[\"app\",\"job\"],"
	    "\"sqlite\":[{\"path\":\"app.db\",\"how\":\"%s\"}]}]}",
	    hex, host, f->source, how));
	ok(snapshot_save(f->repo, &document, id, &err));
}

/* --- what is told --- */

static const char *const states[] = { "same", "added", "removed", "changed" };

static enum err_code
on_table(void *arg, const struct diff_table *t, struct err *err)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	assert_true(t->is_counted);
	if (buf_printf(&b, err,
		"%s %s %s %s %" PRIu64 " %" PRIu64 " +%" PRIu64 " -%" PRIu64 " M%" PRIu64,
		t->service, t->database, t->table, states[t->state], t->rows_before,
		t->rows_after, t->rows.added, t->rows.removed, t->rows.changed))
		return err->code;
	line(arg, &b);
	return ERR_OK;
}

static enum err_code
on_row(void *arg, const struct diff_table *t, enum row_change change, const struct row *before,
    const struct row *after, struct err *err)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	enum diff_state one_side = t->after == NULL ? DIFF_REMOVED : DIFF_CHANGED;
	assert_int_equal(t->state, t->before == NULL ? DIFF_ADDED : one_side);
	if (buf_printf(&b, err, "%s %d %.*s > %.*s", t->table, change,
		before != NULL ? (int)before->len : 0,
		before != NULL ? (const char *)before->data : "",
		after != NULL ? (int)after->len : 0,
		after != NULL ? (const char *)after->data : ""))
		return err->code;
	line(arg, &b);
	return ERR_OK;
}

static enum err_code
on_object(void *arg, const struct diff_object *o, struct err *err)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	if (buf_printf(&b, err, "%s %s %s", o->database, o->name, states[o->state]))
		return err->code;
	line(arg, &b);
	return ERR_OK;
}

static enum err_code
on_unknown(void *arg, const char *service, const char *what, const char *why, struct err *err)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	if (buf_printf(&b, err, "unknown %s %s: %s", service, what, why))
		return err->code;
	line(arg, &b);
	return ERR_OK;
}

static const struct diff_rows_ops ops = {
	.object = on_object,
	.row = on_row,
	.table = on_table,
	.unknown = on_unknown,
};

static void
compare_live(struct fixture *f, const struct id *a, const struct diff_rows_options *opt)
{
	struct err err;
	AUTO(str) char *state = NULL;
	AUTO(snapshot) struct snapshot s = { .root = TREE_ENTRY_INIT };
	ok(str_printf(&state, &err, "%s/state", f->base));
	struct engine e = { .repo = f->repo, .state_dir = state };
	struct row_diff d = { .engine = &e, .opt = opt, .ops = &ops, .arg = f };
	ok(snapshot_open(&s, f->repo, a, &err));
	ok(diff_sqlite(&d, &s, NULL, &err));
}

#define COUNTS                                                  \
	"app data/app.db gone removed 2 0 +0 -2 M0\n"           \
	"app data/app.db new added 0 3 +3 -0 M0\n"              \
	"app data/app.db orders changed 20000 20000 +1 -1 M2\n" \
	"app data/app.db still same 1 1 +0 -0 M0\n"

/* --- claims --- */

static void
rows_of_files_are_compared(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct id a;
	struct id b;
	struct engine e = { .repo = f->repo };
	struct diff_rows_options counts = { .count = true };
	struct diff_rows_options rows = { .limit = 2, .schema = true };
	make_database(f);
	take_snapshot(f, "live", "nas", &a);
	change_database(f);
	take_snapshot(f, "copy", "nas", &b);
	ok(diff_rows_snapshots(&e, &a, &b, &counts, &ops, f, &err));
	told(f, COUNTS);
	ok(diff_rows_snapshots(&e, &a, &b, &rows, &ops, f, &err));
	told(f, "data/app.db TABLE gone removed\ndata/app.db TABLE new added\n"
		"gone 0 ('it''s') > \ngone 0 ('other') > \n"
		"app data/app.db gone removed 2 0 +0 -2 M0\n"
		"new 1  > (1,'1')\nnew 1  > (2,'2')\n"
		"app data/app.db new added 0 3 +3 -0 M0\n"
		"orders 2 (7,'customer 7',3.5) > (7,'x',3.5)\n"
		"orders 0 (500,'customer 500',250.0) > \n"
		"app data/app.db orders changed 20000 20000 +1 -1 M2\n"
		"app data/app.db still same 1 1 +0 -0 M0\n");
	ok(diff_rows_snapshots(&e, &b, &b, &counts, &ops, f, &err));
	told(f, "");
}

static void
only_what_is_asked_for_is_compared(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct id a;
	struct id b;
	struct engine e = { .repo = f->repo };
	const char *const tables[] = { "or*", NULL };
	struct diff_rows_options opt = {
		.count = true, .tables = tables, .service = "job", .database = "data/app.db"
	};
	make_database(f);
	take_snapshot(f, "live", "nas", &a);
	change_database(f);
	take_snapshot(f, "live", "nas", &b);
	ok(diff_rows_snapshots(&e, &a, &b, &opt, &ops, f, &err));
	told(f, "job data/app.db orders changed 20000 20000 +1 -1 M2\n");
	opt.database = "data/other.db";
	ok(diff_rows_snapshots(&e, &a, &b, &opt, &ops, f, &err));
	told(f, "");
}

static void
a_file_is_compared_with_what_is_live(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct id a;
	char host[256];
	struct diff_rows_options counts = { .count = true };
	assert_int_equal(gethostname(host, sizeof host), 0);
	make_database(f);
	take_snapshot(f, "live", host, &a);
	compare_live(f, &a, &counts);
	told(f, "app data/app.db gone same 2 2 +0 -0 M0\n"
		"app data/app.db orders same 20000 20000 +0 -0 M0\n"
		"app data/app.db still same 1 1 +0 -0 M0\n");
	change_database(f);
	compare_live(f, &a, &counts);
	told(f, COUNTS);
	ok(fs_remove_tree(in_source(f, "volumes"), &err));
	compare_live(f, &a, &counts);
	told(f, "app data/app.db gone removed 2 0 +0 -2 M0\n"
		"app data/app.db orders removed 20000 0 +0 -20000 M0\n"
		"app data/app.db still removed 1 0 +0 -1 M0\n");
}

static void
what_cannot_be_compared_is_told(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct id a;
	struct id b;
	struct engine e = { .repo = f->repo };
	struct diff_rows_options counts = { .count = true };
	make_database(f);
	take_snapshot(f, "files", "another host", &a);
	compare_live(f, &a, &counts);
	told(f, "unknown app SQLite databases: the snapshot is of another host\n");
	write_text(in_source(f, "volumes/data/app.db"), "SQLite format 3, it is said");
	take_snapshot(f, "live", "nas", &b);
	ok(diff_rows_snapshots(&e, &a, &b, &counts, &ops, f, &err));
	told(f, "unknown app data/app.db: SQLite could make no whole file of it when it was "
		"backed up\n");
	take_snapshot(f, "live", "nas", &a);
	write_text(in_source(f, "volumes/data/app.db"), "");
	run_sql(f, "CREATE TABLE t (a)");
	take_snapshot(f, "live", "nas", &b);
	ok(diff_rows_snapshots(&e, &a, &b, &counts, &ops, f, &err));
	assert_int_equal(f->lines.len, 1);
	assert_true(str_starts(f->lines.items[0], "unknown app data/app.db: "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(rows_of_files_are_compared),
		tree_test(only_what_is_asked_for_is_compared),
		tree_test(a_file_is_compared_with_what_is_live),
		tree_test(what_cannot_be_compared_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

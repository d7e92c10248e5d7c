/* Dumps of a database on their way into a snapshot, and out of it. */
#include "fake_database.h"

#include "../db/recorded_dump.h"
#include "engine/browse.h"
#include "engine/restore_dump.h"
#include "engine/tables.h"
#include "tree/fixture.h"

#include <fcntl.h>

static const char shop[] = "-- PostgreSQL database dump\nCREATE TABLE public.t (id int);\n"
			   "COPY public.t (id) FROM stdin;\n1\n2\n\\.\n"
			   "COPY public.\"a/b\" (id) FROM stdin;\n3\n\\.\n"
			   "-- PostgreSQL database dump complete\n";

struct taken {
	struct engine engine;
	struct capture capture;
	struct snapshot snapshot;
	struct id id;
};

static void
take(struct fixture *f, struct taken *t, const struct fake_stream *streams, size_t count)
{
	struct err err;
	*t = (struct taken){ .engine = { .repo = f->repo } };
	fake_capture(&t->engine, f->writer, &t->capture, streams, count);
	fake_snapshot(f->repo, f->writer, &t->capture, 1, &t->id);
	ok(snapshot_open(&t->snapshot, f->repo, &t->id, &err));
}

static void
taken_release(struct taken *t)
{
	snapshot_release(&t->snapshot);
	fake_release(&t->capture);
}

static enum err_code
note_path(void *arg, const char *path, const struct tree_entry *e, struct err *err)
{
	struct buf *out = arg;
	return buf_printf(out, err, "%s %o %llu rows of %llu bytes\n", path, (unsigned)e->mode,
	    (unsigned long long)content_rows(&e->content),
	    (unsigned long long)(e->type == TREE_FILE ? e->content.size : 0));
}

/* What fn writes to a file of its own. */
typedef enum err_code give_fn(
    struct engine *e, const struct snapshot *s, const char *what, int fd, struct err *err);

static void
gives(struct fixture *f, struct taken *t, give_fn *fn, const char *what, const void *want,
    size_t len)
{
	struct err err;
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf got = BUF_INIT;
	ok(str_printf(&path, &err, "%s/out", f->base));
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	ok(fn(&t->engine, &t->snapshot, what, fd, &err));
	close(fd);
	ok(fs_read_file(path, 1 << 20, &got, &err));
	assert_int_equal(got.len, len);
	assert_memory_equal(got.data, want, len);
}

static void
a_dump_is_a_folder_of_its_tables(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct taken t;
	AUTO(bufv) struct buf paths = BUF_INIT;
	const struct fake_stream streams[] = {
		{ .name = "shop.sql",
		    .format = DUMP_POSTGRES,
		    .data = shop,
		    .len = sizeof shop - 1 },
		{ .name = "server.json", .format = DUMP_JSON, .data = "{}", .len = 2 },
		{ .name = "server.conf", .format = DUMP_FILE, .data = "", .len = 0 },
	};
	take(f, &t, streams, ARRAY_LEN(streams));
	assert_int_equal(t.capture.files, 6);
	ok(browse_list(&t.engine, &t.snapshot, "databases/db", true, note_path, &paths, &err));
	assert_string_equal(buf_cstr(&paths),
	    "databases/db/server.conf 600 0 rows of 0 bytes\n"
	    "databases/db/server.json 600 0 rows of 2 bytes\n"
	    "databases/db/shop.sql 700 0 rows of 0 bytes\n"
	    "databases/db/shop.sql/000000.sql 600 0 rows of 60 bytes\n"
	    "databases/db/shop.sql/000001.public.t.rows 600 2 rows of 38 bytes\n"
	    "databases/db/shop.sql/000002.public.%22a%2Fb%22.rows 600 1 rows of 40 bytes\n"
	    "databases/db/shop.sql/000003.sql 600 0 rows of 37 bytes\n");
	gives(f, &t, browse_dump, "db/shop.sql", shop, sizeof shop - 1);
	gives(f, &t, browse_cat, "databases//db/./shop.sql", shop, sizeof shop - 1);
	gives(f, &t, browse_cat, "databases/db/shop.sql/000001.public.t.rows", shop + 60, 38);
	gives(f, &t, browse_cat, "databases/db/server.json", "{}", 2);
	refused(browse_cat(&t.engine, &t.snapshot, "databases/db", 1, &err), ERR_USAGE,
	    "databases/db is a folder, not a file");
	taken_release(&t);
}

static void
recorded_dumps_come_back_byte_for_byte(void **state)
{
	struct fixture *f = *state;
	struct fake_stream streams[ARRAY_LEN(recorded_dumps)];
	struct buf dumps[ARRAY_LEN(recorded_dumps)];
	struct taken t;
	for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
		const struct recorded *r = &recorded_dumps[i];
		dumps[i] = (struct buf)BUF_INIT;
		recorded_read(&dumps[i], r->file);
		streams[i] = (struct fake_stream){ .name = r->file,
			.format = r->kind == CENSUS_RDB     ? DUMP_RDB
				  : r->kind == CENSUS_MYSQL ? DUMP_MYSQL
							    : DUMP_POSTGRES,
			.data = dumps[i].data,
			.len = dumps[i].len };
	}
	take(f, &t, streams, ARRAY_LEN(streams));
	for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
		char what[64];
		snprintf(what, sizeof what, "db/%s", streams[i].name);
		gives(f, &t, browse_dump, what, streams[i].data, streams[i].len);
		buf_release(&dumps[i]);
	}
	taken_release(&t);
}

static void
a_restore_reads_the_parts_as_one_and_proves_them(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct taken t;
	struct restore_dump *d;
	AUTO(bufv) struct buf got = BUF_INIT;
	uint8_t piece[7];
	size_t n = 1;
	const struct fake_stream stream = { .name = "shop.sql",
		.format = DUMP_POSTGRES,
		.data = shop,
		.len = sizeof shop - 1 };
	take(f, &t, &stream, 1);
	const json_t *member =
	    json_array_get(json_object_get(t.snapshot.document, "members"), 0);
	ok(restore_dump_open(&d, &t.engine, &t.snapshot, "databases/db",
	    json_object_get(member, "streams"), &err));
	struct dump_source *src = restore_dump_source(d);
	ok(src->ops->open(src, "shop.sql", &err));
	while (n > 0) {
		ok(src->ops->read(src, piece, sizeof piece, &n, &err));
		ok(buf_add(&got, piece, n, &err));
	}
	src->ops->close(src);
	assert_int_equal(got.len, sizeof shop - 1);
	assert_memory_equal(got.data, shop, got.len);
	ok(restore_dump_check(d, &err));
	restore_dump_close(d);
	taken_release(&t);
}

/* --- tables --- */

struct told {
	struct buf lines;
	uint8_t root[CONTENT_DIGEST_SIZE]; /* of the last dump */
	uint8_t table[CONTENT_DIGEST_SIZE]; /* of the last table */
};

static enum err_code
tell_table(void *arg, const struct table_line *t, struct err *err)
{
	struct told *told = arg;
	memcpy(told->table, t->root, sizeof told->table);
	return buf_printf(&told->lines, err, "%s/%s %s: %llu rows, %llu bytes\n", t->service,
	    t->stream, t->name, (unsigned long long)t->rows, (unsigned long long)t->bytes);
}

static enum err_code
tell_dump(void *arg, const struct dump_line *d, struct err *err)
{
	struct told *told = arg;
	memcpy(told->root, d->root, sizeof told->root);
	return buf_printf(&told->lines, err, "%s: %llu tables, %llu rows%s\n", d->stream,
	    (unsigned long long)d->tables, (unsigned long long)d->rows,
	    d->has_unknown ? ", and more" : "");
}

static const struct tables_ops table_ops = { NULL, tell_table, tell_dump };

static void
tables_are_told_with_rows_and_roots(void **state)
{
	struct fixture *f = *state;
	struct err err;
	static const char rdb[] = "REDIS0011\xfe\x00\x00\x01"
				  "a\x01"
				  "1\x63?";
	static const char other[] = "-- PostgreSQL database dump\nCREATE TABLE public.x;\n"
				    "COPY public.\"a/b\" (id) FROM stdin;\n3\n\\.\n";
	const struct fake_stream streams[] = {
		{ .name = "shop.sql",
		    .format = DUMP_POSTGRES,
		    .data = shop,
		    .len = sizeof shop - 1 },
		{ .name = "dump.rdb", .format = DUMP_RDB, .data = rdb, .len = sizeof rdb - 1 },
		{ .name = "server.json", .format = DUMP_JSON, .data = "{}", .len = 2 },
	};
	struct taken t;
	struct told told = { .lines = BUF_INIT };
	take(f, &t, streams, ARRAY_LEN(streams));
	ok(tables_list(&t.engine, &t.snapshot, &table_ops, &told, &err));
	assert_string_equal(buf_cstr(&told.lines),
	    "db/shop.sql public.t: 2 rows, 38 bytes\n"
	    "db/shop.sql public.\"a/b\": 1 rows, 40 bytes\n"
	    "shop.sql: 2 tables, 3 rows\n"
	    "db/dump.rdb db0: 1 rows, 5 bytes\n"
	    "dump.rdb: 1 tables, 1 rows, and more\n");
	taken_release(&t);
	/* A root is that of the content: the same table in another dump, under another number.
	 */
	struct told first = { .lines = BUF_INIT };
	struct told again = { .lines = BUF_INIT };
	struct told moved = { .lines = BUF_INIT };
	take(f, &t, streams, 1);
	ok(tables_list(&t.engine, &t.snapshot, &table_ops, &first, &err));
	ok(tables_list(&t.engine, &t.snapshot, &table_ops, &again, &err));
	taken_release(&t);
	const struct fake_stream one = { .name = "shop.sql",
		.format = DUMP_POSTGRES,
		.data = other,
		.len = sizeof other - 1 };
	take(f, &t, &one, 1);
	ok(tables_list(&t.engine, &t.snapshot, &table_ops, &moved, &err));
	taken_release(&t);
	assert_memory_equal(first.root, again.root, sizeof first.root);
	assert_memory_equal(first.table, moved.table, sizeof first.table);
	assert_memory_not_equal(first.root, moved.root, sizeof first.root);
	buf_release(&told.lines);
	buf_release(&first.lines);
	buf_release(&again.lines);
	buf_release(&moved.lines);
}

/* --- the next backup --- */

#define ROWS 20000

static void
make_dump(struct buf *out, enum dump_format format, size_t changed)
{
	struct err err;
	bool is_pg = format == DUMP_POSTGRES;
	ok(buf_str(out,
	    is_pg ? "COPY t (id, name, x) FROM stdin;\n" : "INSERT INTO `t` VALUES (", &err));
	for (size_t i = 0; i < ROWS; i++)
		ok(buf_printf(out, &err, "%zu%c'name %zu'%c'%016llx'%s", i, is_pg ? '\t' : ',',
		    i * 7, is_pg ? '\t' : ',',
		    (unsigned long long)((i + (i == changed)) * UINT64_C(6364136223846793005)),
		    is_pg          ? "\n"
		    : i + 1 < ROWS ? "),("
				   : ");\n"));
	ok(buf_str(out, is_pg ? "\\.\n" : "", &err));
}

/* What another row number `changed` adds. */
static uint64_t
new_bytes(struct fixture *f, enum dump_format format, size_t changed)
{
	struct taken t;
	struct writer_stats before;
	struct writer_stats after;
	AUTO(bufv) struct buf dump = BUF_INIT;
	make_dump(&dump, format, changed);
	const struct fake_stream s = {
		.name = "shop.sql", .format = format, .data = dump.data, .len = dump.len
	};
	writer_get_stats(f->writer, &before);
	take(f, &t, &s, 1);
	taken_release(&t);
	writer_get_stats(f->writer, &after);
	return after.new_bytes - before.new_bytes;
}

static void
the_next_backup_stores_what_changed(void **state)
{
	struct fixture *f = *state;
	static const enum dump_format formats[] = { DUMP_POSTGRES, DUMP_MYSQL };
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		assert_true(new_bytes(f, formats[i], SIZE_MAX) > ROWS * 30);
		/* A chunk of rows, and the listings above it. */
		assert_in_range(new_bytes(f, formats[i], 12345), 4096, 60000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(a_dump_is_a_folder_of_its_tables),
		tree_test(recorded_dumps_come_back_byte_for_byte),
		tree_test(a_restore_reads_the_parts_as_one_and_proves_them),
		tree_test(tables_are_told_with_rows_and_roots),
		tree_test(the_next_backup_stores_what_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

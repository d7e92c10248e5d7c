/* Databases of two snapshots, and of a snapshot and a server, compared row by row. */
#include "engine/dataset_snapshot.h"
#include "engine/told.h"

#include "engine/diff_rows_impl.h"

#include <inttypes.h>

/* --- dumps of PostgreSQL --- */

static void
add(struct buf *b, const char *text)
{
	struct err err;
	ok(buf_str(b, text, &err));
}

static void
begin_pg(struct buf *b)
{
	b->len = 0;
	add(b, "--\n-- PostgreSQL database dump\n--\n\n");
}

/* Rows from..to-1 of table orders, but for what changed: each hundredth from `odd` on. */
struct orders {
	uint64_t from;
	uint64_t to;
	uint64_t odd; /* 0: none */
};

static void
add_order(struct buf *b, uint64_t n, bool is_odd)
{
	struct err err;
	ok(buf_printf(b, &err, "%" PRIu64 "\tcustomer %" PRIu64 "\t%s\n", n,
	    n * UINT64_C(2654435761) % 1000003, is_odd ? "paid" : "open"));
}

static void
orders_pg(struct buf *b, struct orders o)
{
	begin_pg(b);
	add(b,
	    "CREATE TABLE public.orders (\n    id integer NOT NULL,\n    name text,\n    state "
	    "text\n);\n\nCOPY public.orders (id, name, state) FROM stdin;\n");
	for (uint64_t n = o.from; n < o.to; n++)
		add_order(b, n, o.odd != 0 && n >= o.odd && (n - o.odd) % 100 == 0);
	add(b,
	    "\\.\n\n\nALTER TABLE ONLY public.orders\n    ADD CONSTRAINT orders_pkey PRIMARY "
	    "KEY (id);\n\n--\n-- PostgreSQL database dump complete\n--\n\n");
}

/* A table of these columns and rows; key may be NULL. */
static void
table_pg(struct buf *b, const char *name, const char *columns, const char *names,
    const char *rows, const char *key)
{
	struct err err;
	ok(buf_printf(b, &err,
	    "CREATE TABLE %s (\n%s\n);\n\nCOPY %s (%s) FROM stdin;\n%s\\.\n\n", name, columns,
	    name, names, rows));
	if (key != NULL)
		ok(buf_printf(b, &err,
		    "ALTER TABLE ONLY %s\n    ADD CONSTRAINT some_pkey PRIMARY KEY (%s);\n\n",
		    name, key));
}

static void
end_pg(struct buf *b)
{
	add(b, "--\n-- PostgreSQL database dump complete\n--\n\n");
}

static struct dump_text
pg(const struct buf *b)
{
	return (
	    struct dump_text){ "db", "shop.sql", "shop", "postgres", b->data, b->len, false };
}

/* A dump of that table alone. */
static struct dump_text
one_pg(struct buf *b, const char *name, const char *columns, const char *names,
    const char *rows, const char *key)
{
	begin_pg(b);
	table_pg(b, name, columns, names, rows, key);
	end_pg(b);
	return pg(b);
}

/* --- what is told --- */

static const char *
state_word(enum diff_state s)
{
	static const char *const words[] = { "same", "added", "removed", "changed" };
	return words[s];
}

static enum err_code
on_table(void *arg, const struct diff_table *t, struct err *err)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	if (buf_printf(&b, err, "%s/%s %s %s %" PRIu64 " %" PRIu64, t->service, t->database,
		t->table, state_word(t->state), t->rows_before, t->rows_after))
		return err->code;
	if (t->is_counted && t->state != DIFF_SAME &&
	    buf_printf(&b, err, " +%" PRIu64 " -%" PRIu64 " M%" PRIu64, t->rows.added,
		t->rows.removed, t->rows.changed))
		return err->code;
	line(arg, &b);
	return ERR_OK;
}

static enum err_code
on_row(void *arg, const struct diff_table *t, enum row_change change, const struct row *before,
    const struct row *after, struct err *err)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	static const char letters[] = {
		[ROW_REMOVED] = '-', [ROW_ADDED] = '+', [ROW_CHANGED] = 'M'
	};
	assert_true((before != NULL) == (change != ROW_ADDED));
	assert_true((after != NULL) == (change != ROW_REMOVED));
	if (buf_printf(&b, err, "%s %c %.*s%s%.*s", t->table, letters[change],
		before != NULL ? (int)before->len : 0,
		before != NULL ? (const char *)before->data : "",
		change == ROW_CHANGED ? " -> " : "", after != NULL ? (int)after->len : 0,
		after != NULL ? (const char *)after->data : ""))
		return err->code;
	line(arg, &b);
	return ERR_OK;
}

static enum err_code
on_object(void *arg, const struct diff_object *o, struct err *err)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	assert_true((o->before != NULL) == (o->state != DIFF_ADDED));
	assert_true((o->after != NULL) == (o->state != DIFF_REMOVED));
	if (buf_printf(&b, err, "%s %s", o->name, state_word(o->state)))
		return err->code;
	line(arg, &b);
	return ERR_OK;
}

static enum err_code
on_unknown(void *arg, const char *service, const char *what, const char *why, struct err *err)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	if (buf_printf(&b, err, "unknown %s/%s: %s", service, what, why))
		return err->code;
	line(arg, &b);
	return ERR_OK;
}

static const struct diff_rows_ops all_ops = {
	.object = on_object,
	.row = on_row,
	.table = on_table,
	.unknown = on_unknown,
};

/* --- comparing --- */

/* How the second of both is had: from a snapshot, or as from a server that runs. */
enum second { STORED, LIVE };

static enum err_code
take_part(void *arg, const struct dataset_part *part, struct err *err)
{
	struct dump_sink *s = arg;
	return s->ops->part(s, part, err);
}

static enum err_code
take_bytes(void *arg, const void *data, size_t len, struct err *err)
{
	struct dump_sink *s = arg;
	return s->ops->write(s, data, len, err);
}

static enum err_code
take_rows(void *arg, const void *data, size_t len, const uint32_t *ends, size_t count,
    struct err *err)
{
	struct dump_sink *s = arg;
	return s->ops->rows(s, data, len, ends, count, err);
}

static enum err_code
take_border(void *arg, struct err *err)
{
	struct dump_sink *s = arg;
	return s->ops->border(s, err);
}

static void
take_live(struct row_diff *d, const struct dump_text *t)
{
	static const struct dataset_ops ops = { take_part, take_bytes, take_rows, take_border };
	struct err err;
	AUTO(bufv) struct buf lines = BUF_INIT;
	AUTO(diff_intake) struct diff_intake *in = NULL;
	enum dump_format format = strcmp(t->format, "rdb") == 0     ? DUMP_RDB
				  : strcmp(t->format, "bson") == 0  ? DUMP_BSON
				  : strcmp(t->format, "mysql") == 0 ? DUMP_MYSQL
								    : DUMP_POSTGRES;
	struct dump_stream stream = { .name = (char *)(uintptr_t)t->stream,
		.database = (char *)(uintptr_t)t->database,
		.format = format };
	ok(diff_intake_new(&in, d, t->service, &err));
	struct dump_sink *sink = diff_intake_sink(in);
	ok(sink->ops->begin(sink, &stream, &err));
	if (format == DUMP_BSON)
		pass_documents(t, take_rows, sink, &lines);
	else
		cut_dump(t, &ops, sink, &lines);
	ok(sink->ops->end(sink, &err));
	struct dump_side *b = diff_side_find(&d->b, t->service, t->stream);
	if (b != NULL)
		ok(census_parse(&b->census, lines.data, lines.len, t->stream, &err));
}

static void
compare_live(struct fixture *f, const struct id *a, const struct dump_text *live, size_t n,
    const struct diff_rows_options *opt)
{
	struct err err;
	struct engine e = { .repo = f->repo };
	AUTO(row_diff) struct row_diff d = row_diff_of(&e, opt, &all_ops, f);
	ok(diff_side_open(&d, &d.a, a, &err));
	ok(spill_open(&d.spill, NULL, &err));
	for (size_t i = 0; i < n; i++)
		take_live(&d, &live[i]);
	diff_side_sort(&d.b);
	ok(diff_check_names(&d, &err));
	ok(diff_sides(&d, &err));
}

static void
compare(struct fixture *f, enum second how, const struct dump_text *a, size_t n_a,
    const struct dump_text *b, size_t n_b, const struct diff_rows_options *opt)
{
	struct err err;
	struct id x;
	struct id y;
	struct engine e = { .repo = f->repo };
	dataset_snapshot(f, a, n_a, &x);
	if (how == LIVE) {
		compare_live(f, &x, b, n_b, opt);
		return;
	}
	dataset_snapshot(f, b, n_b, &y);
	ok(diff_rows_snapshots(&e, &x, &y, opt, &all_ops, f, &err));
}

static const struct diff_rows_options summary = { .service = NULL };
static const struct diff_rows_options counts = { .count = true };
static const struct diff_rows_options rows = { .count = true, .limit = 100 };
static const struct diff_rows_options schema = { .count = true, .schema = true, .limit = 100 };

#define BOTH(how) for (enum second how = STORED; how <= LIVE; how++)

/* Whichever way the second is had. */
static void
tells(struct fixture *f, const struct dump_text *a, const struct dump_text *b,
    const struct diff_rows_options *opt, const char *wanted)
{
	BOTH(how)
	{
		compare(f, how, a, 1, b, 1, opt);
		told(f, wanted);
	}
}

/* --- claims --- */

static void
equal_databases_are_the_same(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	orders_pg(&a, (struct orders){ 0, 5000, 0 });
	struct dump_text t = pg(&a);
	tells(f, &t, &t, &summary, "db/shop public.orders same 5000 5000\n");
	tells(f, &t, &t, &schema, "db/shop public.orders same 5000 5000\n");
}

static void
rows_are_counted(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	orders_pg(&a, (struct orders){ 0, 20000, 0 });
	orders_pg(&b, (struct orders){ 17, 20412, 10000 });
	struct dump_text x = pg(&a);
	struct dump_text y = pg(&b);
	tells(f, &x, &y, &summary, "db/shop public.orders changed 20000 20395\n");
	/* Of those that were added, five are odd, too. */
	tells(f, &x, &y, &counts, "db/shop public.orders changed 20000 20395 +412 -17 M100\n");
	tells(f, &y, &x, &counts, "db/shop public.orders changed 20395 20000 +17 -412 M100\n");
}

static void
rows_are_told_as_they_stand(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct dump_text x = one_pg(&a, "public.t", "id integer,\n    v text", "id, v",
	    "1\ta\n2\tb\\tc\n3\t\\N\n", "id");
	struct dump_text y = one_pg(
	    &b, "public.t", "id integer,\n    v text", "id, v", "3\tx\n2\tb\\tc\n4\td\n", "id");
	tells(f, &x, &y, &rows,
	    "public.t - 1\ta\npublic.t M 3\t\\N -> 3\tx\npublic.t + 4\td\n"
	    "db/shop public.t changed 3 3 +1 -1 M1\n");
}

static void
without_a_key_rows_are_added_and_removed(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct dump_text x =
	    one_pg(&a, "public.log", "what text", "what", "x\nx\nx\ny\n", NULL);
	struct dump_text y = one_pg(&b, "public.log", "what text", "what", "x\nz\n", NULL);
	tells(f, &x, &y, &counts, "db/shop public.log changed 4 2 +1 -3 M0\n");
}

static void
a_column_that_came_is_the_schemas(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct dump_text x =
	    one_pg(&a, "public.t", "id integer,\n    v text", "id, v", "1\ta\n2\tb\n", "id");
	struct dump_text y = one_pg(&b, "public.t", "id integer,\n    v text,\n    w text",
	    "id, v, w", "1\ta\t\\N\n2\tB\tnew\n", "id");
	tells(f, &x, &y, &schema,
	    "TABLE public.t changed\npublic.t M 2\tb -> 2\tB\tnew\n"
	    "db/shop public.t changed 2 2 +0 -0 M1\n");
}

/* Bytes that are equal say something else then. */
static void
columns_in_another_order_are_compared_by_name(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct dump_text x = one_pg(&a, "public.t", "id integer,\n    v text,\n    w text",
	    "id, v, w", "1\tx\ty\n2\tx\tx\n3\tp\tq\n", "id");
	struct dump_text y = one_pg(&b, "public.t", "id integer,\n    w text,\n    v text",
	    "id, w, v", "1\tx\ty\n2\tx\tx\n3\tq\tp\n", "id");
	tells(f, &x, &y, &rows,
	    "public.t M 1\tx\ty -> 1\tx\ty\ndb/shop public.t changed 3 3 +0 -0 M1\n");
}

static void
a_column_of_another_name_is_no_change_of_rows(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct dump_text x =
	    one_pg(&a, "public.t", "id integer,\n    v text", "id, v", "1\ta\n2\tb\n", "id");
	struct dump_text y =
	    one_pg(&b, "public.t", "id integer,\n    w text", "id, w", "1\ta\n2\tb\n", "id");
	tells(f, &x, &y, &schema,
	    "TABLE public.t changed\ndb/shop public.t changed 2 2 +0 -0 M0\n");
}

static void
another_key_makes_rows_added_and_removed(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct dump_text x =
	    one_pg(&a, "public.t", "id integer,\n    v integer", "id, v", "1\t5\n2\t6\n", "id");
	struct dump_text y =
	    one_pg(&b, "public.t", "id integer,\n    v integer", "id, v", "1\t5\n2\t7\n", "v");
	tells(f, &x, &y, &counts, "db/shop public.t changed 2 2 +1 -1 M0\n");
}

static void
tables_of_one_side_alone_are_told_with_their_rows(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	begin_pg(&a);
	table_pg(&a, "public.gone", "id integer", "id", "7\n8\n", "id");
	table_pg(&a, "public.stays", "id integer", "id", "1\n", NULL);
	end_pg(&a);
	begin_pg(&b);
	table_pg(&b, "public.\"new; table\"", "id integer", "id", "5\n6\n4\n", NULL);
	table_pg(&b, "public.stays", "id integer", "id", "1\n", NULL);
	end_pg(&b);
	struct dump_text x = pg(&a);
	struct dump_text y = pg(&b);
	struct diff_rows_options two = { .limit = 2, .schema = true };
	tells(f, &x, &y, &summary,
	    "db/shop public.\"new; table\" added 0 3 +3 -0 M0\n"
	    "db/shop public.gone removed 2 0 +0 -2 M0\n"
	    "db/shop public.stays same 1 1\n");
	tells(f, &x, &y, &two,
	    "CONSTRAINT some_pkey ON public.gone removed\n"
	    "TABLE public.\"new; table\" added\nTABLE public.gone removed\n"
	    "public.\"new; table\" + 5\npublic.\"new; table\" + 6\n"
	    "db/shop public.\"new; table\" added 0 3 +3 -0 M0\n"
	    "public.gone - 7\npublic.gone - 8\n"
	    "db/shop public.gone removed 2 0 +0 -2 M0\n"
	    "db/shop public.stays same 1 1\n");
}

static void
a_table_that_was_emptied_is_no_other_table(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct dump_text x = one_pg(&a, "public.t", "id integer", "id", "7\n8\n", "id");
	struct dump_text y = one_pg(&b, "public.t", "id integer", "id", "", "id");
	tells(f, &x, &y, &rows,
	    "public.t - 7\npublic.t - 8\ndb/shop public.t changed 2 0 +0 -2 M0\n");
	tells(f, &y, &x, &rows,
	    "public.t + 7\npublic.t + 8\ndb/shop public.t changed 0 2 +2 -0 M0\n");
}

static void
databases_and_services_of_one_side_alone_are_told(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf t = BUF_INIT;
	one_pg(&t, "public.t", "id integer", "id", "7\n", "id");
	struct dump_text a[] = { pg(&t), pg(&t) };
	struct dump_text b[] = { pg(&t), pg(&t) };
	a[1].stream = "old.sql";
	a[1].database = "old";
	b[1].service = "other";
	BOTH(how)
	{
		compare(f, how, a, 2, b, 2, &counts);
		told(f, "db/old public.t removed 1 0 +0 -1 M0\ndb/shop public.t same 1 1\n"
			"other/shop public.t added 0 1 +1 -0 M0\n");
	}
}

/* Rows longer than any chunk. */
static void
torn_rows_are_compared_whole(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf big = BUF_INIT;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct err err;
	ok(buf_str(&big, "1\tsmall\n2\t", &err));
	for (size_t i = 0; i < 2500000; i++)
		ok(buf_u8(&big, (uint8_t)('a' + i * i % 26), &err));
	ok(buf_str(&big, "\n3\tsmall\n", &err));
	struct dump_text x =
	    one_pg(&a, "public.t", "id integer,\n    v text", "id, v", buf_cstr(&big), "id");
	big.data[2000000] = '!';
	struct dump_text y =
	    one_pg(&b, "public.t", "id integer,\n    v text", "id, v", buf_cstr(&big), "id");
	tells(f, &x, &x, &counts, "db/shop public.t same 3 3\n");
	tells(f, &x, &y, &counts, "db/shop public.t changed 3 3 +0 -0 M1\n");
}

static void
only_what_is_asked_for_is_compared(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(bufv) struct buf a = BUF_INIT;
	begin_pg(&a);
	table_pg(&a, "public.a", "id integer", "id", "1\n", NULL);
	table_pg(&a, "public.b", "id integer", "id", "1\n", NULL);
	end_pg(&a);
	struct dump_text t = pg(&a);
	const char *const patterns[] = { "*.b", NULL };
	const char *const missing[] = { "public.c", NULL };
	struct diff_rows_options some = {
		.tables = patterns, .service = "db", .database = "shop"
	};
	tells(f, &t, &t, &some, "db/shop public.b same 1 1\n");
	struct id id;
	struct engine e = { .repo = f->repo };
	dataset_snapshot(f, &t, 1, &id);
	some.tables = missing;
	refused(diff_rows_snapshots(&e, &id, &id, &some, &all_ops, f, &err), ERR_USAGE,
	    "neither side has a table public.c (did you mean public.a?)");
	some = (struct diff_rows_options){ .service = "web" };
	refused(diff_rows_snapshots(&e, &id, &id, &some, &all_ops, f, &err), ERR_USAGE,
	    "neither side has a database of service web: 'stacksnap show' lists those of a "
	    "snapshot");
	some = (struct diff_rows_options){ .database = "none" };
	refused(diff_rows_snapshots(&e, &id, &id, &some, &all_ops, f, &err), ERR_USAGE,
	    "neither side has a database none");
}

static void
tables_are_named_whole_in_part_or_by_globs(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	begin_pg(&a);
	table_pg(&a, "public.orders", "id integer", "id", "1\n", NULL);
	table_pg(&a, "public.reorders", "id integer", "id", "1\n", NULL);
	table_pg(&a, "old.orders", "id integer", "id", "1\n2\n", NULL);
	table_pg(&a, "public.\"or*s\"", "id integer", "id", "1\n2\n3\n", NULL);
	end_pg(&a);
	struct dump_text t = pg(&a);
	const char *wanted[] = { "orders", NULL };
	struct diff_rows_options some = { .tables = wanted };
	tells(
	    f, &t, &t, &some, "db/shop old.orders same 2 2\ndb/shop public.orders same 1 1\n");
	wanted[0] = "\"or*s\"";
	tells(f, &t, &t, &some, "db/shop public.\"or*s\" same 3 3\n");
	wanted[0] = "*.orders";
	tells(
	    f, &t, &t, &some, "db/shop old.orders same 2 2\ndb/shop public.orders same 1 1\n");
	wanted[0] = "public.orders";
	some.tables_are_whole = true;
	tells(f, &t, &t, &some, "db/shop public.orders same 1 1\n");
}

static void
definitions_are_those_of_the_tables_that_are_asked_for(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct buf *const both[] = { &a, &b };
	for (size_t i = 0; i < 2; i++) {
		begin_pg(both[i]);
		table_pg(both[i], "public.a", i == 0 ? "id integer" : "id bigint", "id", "1\n",
		    NULL);
		table_pg(both[i], "public.b", i == 0 ? "id integer" : "id bigint", "id", "1\n",
		    NULL);
		add(both[i], i == 0 ? "CREATE INDEX x ON public.a USING btree (id);\n"
				      "CREATE VIEW public.v AS SELECT 1;\n"
				    : "CREATE INDEX y ON public.b USING btree (id);\n");
		end_pg(both[i]);
	}
	struct dump_text x = pg(&a);
	struct dump_text y = pg(&b);
	const char *wanted[] = { "a", NULL };
	struct diff_rows_options some = { .tables = wanted, .count = true, .schema = true };
	tells(f, &x, &y, &some,
	    "INDEX public.x removed\nTABLE public.a changed\ndb/shop public.a same 1 1\n");
	wanted[0] = "public.b";
	tells(f, &x, &y, &some,
	    "INDEX public.y added\nTABLE public.b changed\ndb/shop public.b same 1 1\n");
}

static void
columns_that_no_table_has_are_told(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct dump_text x = one_pg(
	    &a, "public.t", "id integer,\n    amount text", "id, amount", "1\ta\n", "id");
	struct dump_text y = one_pg(&b, "public.t",
	    "id integer,\n    amount text,\n    at text", "id, amount, at", "1\ta\tb\n", "id");
	const char *wanted[] = { "at", "amount", NULL };
	struct diff_rows_options some = { .columns = wanted, .count = true };
	/* One that is there on one side alone is there. */
	tells(f, &x, &y, &some, "db/shop public.t changed 1 1 +0 -0 M0\n");
	tells(f, &y, &x, &some, "db/shop public.t changed 1 1 +0 -0 M0\n");
	struct id id;
	struct engine e = { .repo = f->repo };
	dataset_snapshot(f, &x, 1, &id);
	refused(diff_rows_snapshots(&e, &id, &id, &some, &all_ops, f, &err), ERR_USAGE,
	    "no table that is compared has a column at");
	wanted[0] = "amuont";
	refused(diff_rows_snapshots(&e, &id, &id, &some, &all_ops, f, &err), ERR_USAGE,
	    "no table that is compared has a column amuont (did you mean amount?)");
	told(f, "");
}

/* --- MariaDB --- */

static void
orders_my(struct buf *b, const char *columns, const char *values)
{
	struct err err;
	b->len = 0;
	ok(buf_printf(b, &err,
	    "-- MariaDB dump\nUSE `shop`;\nCREATE TABLE `orders` (\n%s,\n  PRIMARY KEY "
	    "(`id`)\n) "
	    "ENGINE=InnoDB;\n%s-- Dump completed\n",
	    columns, values));
}

#define COLUMNS_MY "  `id` int(11) NOT NULL,\n  `a` text,\n  `b` text"

static struct dump_text
my(const struct buf *b)
{
	return (struct dump_text){ "db", "shop.sql", "shop", "mysql", b->data, b->len, false };
}

static void
tuples_are_compared(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	orders_my(
	    &a, COLUMNS_MY, "INSERT INTO `orders` VALUES (1,'x','y'),(2,'it\\'s',NULL);\n");
	orders_my(&b, COLUMNS_MY,
	    "INSERT INTO `orders` VALUES (2,'it\\'s',''),\n(3,'),(',NULL),(1,'x','y');\n");
	struct dump_text x = my(&a);
	struct dump_text y = my(&b);
	tells(f, &x, &y, &rows,
	    "shop.orders M (2,'it\\'s',NULL) -> (2,'it\\'s','')\n"
	    "shop.orders + (3,'),(',NULL)\n"
	    "db/shop shop.orders changed 2 3 +1 -0 M1\n");
}

/* Nothing in the rows themselves tells it. */
static void
equal_tuples_in_other_columns_differ(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	const char *values = "INSERT INTO `orders` VALUES (1,'x','y'),(2,'z','z');\n";
	orders_my(&a, COLUMNS_MY, values);
	orders_my(&b, "  `id` int(11) NOT NULL,\n  `b` text,\n  `a` text", values);
	struct dump_text x = my(&a);
	struct dump_text y = my(&b);
	tells(f, &x, &y, &counts, "db/shop shop.orders changed 2 2 +0 -0 M1\n");
}

static void
an_empty_table_without_a_file_is_there(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	orders_my(&a, COLUMNS_MY, "");
	orders_my(&b, COLUMNS_MY, "INSERT INTO `orders` VALUES (1,'x','y');\n");
	struct dump_text x = my(&a);
	struct dump_text y = my(&b);
	tells(f, &x, &y, &rows,
	    "shop.orders + (1,'x','y')\ndb/shop shop.orders changed 0 1 +1 -0 M0\n");
	tells(f, &y, &x, &counts, "db/shop shop.orders changed 1 0 +0 -1 M0\n");
}

/* MySQL's servers give one dump of all databases. */
static void
databases_of_one_dump_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	static const char text[] =
	    "-- MariaDB dump\nCREATE DATABASE `o'b.c`;\nUSE `o'b.c`;\nCREATE TABLE `t` (\n  "
	    "`id` "
	    "int NOT NULL,\n%s  PRIMARY KEY (`id`)\n);\nINSERT INTO `t` VALUES (1%s);\n"
	    "CREATE DATABASE `none`;\nCREATE DATABASE `shop`;\nUSE `shop`;\nCREATE TABLE `u` "
	    "(\n  "
	    "`id` int NOT NULL,\n  PRIMARY KEY (`id`)\n);\nINSERT INTO `u` VALUES (%s);\n"
	    "-- Dump completed\n";
	ok(buf_printf(&a, &err, text, "", "", "1),(2"));
	ok(buf_printf(&b, &err, text, "  `a` text,\n", ",'x'", "2),(3),(4"));
	struct dump_text x = my(&a);
	struct dump_text y = my(&b);
	x.database = y.database = NULL;
	x.stream = y.stream = "databases.sql";
	struct diff_rows_options one = { .count = true, .schema = true, .database = "shop" };
	struct diff_rows_options other = { .count = true, .schema = true, .database = "o'b.c" };
	struct diff_rows_options empty = { .count = true, .schema = true, .database = "none" };
	struct diff_rows_options none = { .count = true, .database = "shops" };
	tells(f, &x, &y, &schema,
	    "TABLE \"o'b.c\".t changed\ndb/o'b.c \"o'b.c\".t changed 1 1 +0 -0 M0\n"
	    "shop.u - (1)\nshop.u + (3)\nshop.u + (4)\n"
	    "db/shop shop.u changed 2 3 +2 -1 M0\n");
	tells(f, &x, &y, &one, "db/shop shop.u changed 2 3 +2 -1 M0\n");
	tells(f, &x, &y, &other,
	    "TABLE \"o'b.c\".t changed\ndb/o'b.c \"o'b.c\".t changed 1 1 +0 -0 M0\n");
	tells(f, &x, &y, &empty, "");
	struct id id;
	struct engine e = { .repo = f->repo };
	dataset_snapshot(f, &x, 1, &id);
	refused(diff_rows_snapshots(&e, &id, &id, &none, &all_ops, f, &err), ERR_USAGE,
	    "neither side has a database shops");
}

/* --- dumps that are not cut --- */

static void
one_file_is_compared_by_its_census(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	begin_pg(&a);
	table_pg(&a, "public.t", "id integer", "id", "7\n8\n", "id");
	table_pg(&a, "public.u", "id integer", "id", "7\n8\n", "id");
	end_pg(&a);
	begin_pg(&b);
	table_pg(&b, "public.t", "id integer", "id", "8\n7\n", "id");
	table_pg(&b, "public.u", "id bigint", "id", "7\n9\n", "id");
	table_pg(&b, "public.v", "id integer", "id", "1\n", "id");
	end_pg(&b);
	struct dump_text x = pg(&a);
	struct dump_text y = pg(&b);
	x.is_file = true;
	tells(f, &x, &y, &schema,
	    "CONSTRAINT some_pkey ON public.v added\nTABLE public.u changed\n"
	    "TABLE public.v added\n"
	    "db/shop public.t same 2 2\ndb/shop public.u changed 2 2\n"
	    "db/shop public.v added 0 1 +1 -0 M0\n"
	    "unknown db/shop.sql: it is stored as one file, by an earlier StackSnap: "
	    "which tables differ is known, but not which rows\n");
	tells(f, &x, &x, &counts, "db/shop public.t same 2 2\ndb/shop public.u same 2 2\n");
	compare(f, STORED, &y, 1, &x, 1, &summary);
	told(f, "db/shop public.t same 2 2\ndb/shop public.u changed 2 2\n"
		"db/shop public.v removed 1 0 +0 -1 M0\n");
}

/* {_id: from, v: 0}, …; of the one called odd another v. */
static void
documents(struct buf *out, int32_t from, int32_t to, int32_t odd)
{
	struct err err;
	out->len = 0;
	for (int32_t i = from; i < to; i++) {
		struct bson_maker m;
		bson_begin(&m, out);
		bson_put_int32(&m, "_id", i);
		bson_put_int32(&m, "v", i == odd);
		ok(bson_finish(&m, &err));
	}
}

static struct dump_text
collection(const char *file, const struct buf *b)
{
	return (struct dump_text){ "db", file, "shop", "bson", b->data, b->len, false };
}

static void
documents_are_compared(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	AUTO(bufv) struct buf few = BUF_INIT;
	documents(&a, 0, 50, 7);
	documents(&b, 1, 52, 8);
	documents(&few, 0, 3, 0);
	const struct dump_text x[] = { collection("a%20b.bson", &few),
		collection("orders.bson", &a) };
	const struct dump_text y[] = { collection("new.bson", &few),
		collection("orders.bson", &b) };
	BOTH(how)
	{
		compare(f, how, x, 2, y, 2, &counts);
		told(f, "db/shop \"a b\" removed 3 0 +0 -3 M0\n"
			"db/shop new added 0 3 +3 -0 M0\n"
			"db/shop orders changed 50 51 +2 -1 M2\n");
		compare(f, how, x, 2, x, 2, &counts);
		told(f, "db/shop \"a b\" same 3 3\ndb/shop orders same 50 50\n");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(equal_databases_are_the_same),
		tree_test(rows_are_counted),
		tree_test(rows_are_told_as_they_stand),
		tree_test(without_a_key_rows_are_added_and_removed),
		tree_test(a_column_that_came_is_the_schemas),
		tree_test(columns_in_another_order_are_compared_by_name),
		tree_test(a_column_of_another_name_is_no_change_of_rows),
		tree_test(another_key_makes_rows_added_and_removed),
		tree_test(tables_of_one_side_alone_are_told_with_their_rows),
		tree_test(a_table_that_was_emptied_is_no_other_table),
		tree_test(databases_and_services_of_one_side_alone_are_told),
		tree_test(torn_rows_are_compared_whole),
		tree_test(only_what_is_asked_for_is_compared),
		tree_test(tables_are_named_whole_in_part_or_by_globs),
		tree_test(definitions_are_those_of_the_tables_that_are_asked_for),
		tree_test(columns_that_no_table_has_are_told),
		tree_test(tuples_are_compared),
		tree_test(equal_tuples_in_other_columns_differ),
		tree_test(an_empty_table_without_a_file_is_there),
		tree_test(databases_of_one_dump_are_told_apart),
		tree_test(one_file_is_compared_by_its_census),
		tree_test(documents_are_compared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

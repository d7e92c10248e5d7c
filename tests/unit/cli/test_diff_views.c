/*
 * What people and programs see of rows, documents and definitions that differ,
 * given as the engine gives them.
 */
#include "base/json_patch_apply.h"
#include "testing.h"

#include "base/json_patch.h"
#include "cli/diff_html.h"
#include "cli/diff_rows_json.h"
#include "cli/diff_rows_text.h"
#include "cli/diff_sum_text.h"
#include "db/bson_json.h"

#include <stdio.h>
#include <stdlib.h>

static char id_name[] = "id", name_name[] = "name", amount_name[] = "amount";
static char note_name[] = "note", meta_name[] = "meta";
static char integer_type[] = "integer", text_type[] = "text", numeric_type[] = "numeric(10,2)";
static char jsonb_type[] = "jsonb", orders[] = "public.orders", no_type[] = "";

static struct shape_column columns[] = {
	{ id_name, integer_type, true },
	{ name_name, text_type, true },
	{ amount_name, numeric_type, false },
	{ note_name, text_type, false },
	{ meta_name, jsonb_type, false },
};
static size_t first[] = { 0 };
static const struct shape orders_shape = { orders, ROW_COPY, columns, 5, first, 1 };
/* The same without the note. */
static struct shape_column older_columns[] = {
	{ id_name, integer_type, true },
	{ amount_name, numeric_type, false },
	{ name_name, text_type, true },
	{ meta_name, jsonb_type, false },
};
static const struct shape older_shape = { orders, ROW_COPY, older_columns, 4, first, 1 };

static struct diff_table
orders_table(void)
{
	return (struct diff_table){
		.service = "db",
		.database = "shop",
		.table = "public.orders",
		.state = DIFF_CHANGED,
		.before = &orders_shape,
		.after = &orders_shape,
		.rows_before = 1204,
		.rows_after = 1,
	};
}

static struct row
row_of(const char *text)
{
	return (struct row){ (const uint8_t *)text, strlen(text) };
}

/* --- text --- */

struct page {
	struct spool out;
	struct screen screen;
	struct rows_text view;
};

static void
page_begin(struct page *p, bool color)
{
	*p = (struct page){ .screen = { .fd = 1, .has_color = color } };
	p->view.out = &p->out;
	p->view.screen = &p->screen;
}

static void
page_auto(struct page *p)
{
	rows_text_release(&p->view);
	spool_release(&p->out);
}

static void
expect_page(struct page *p, const char *want)
{
	const char *got = buf_cstr(&p->out.memory);
	assert_string_equal(got, want);
}

static void
tell(struct page *p, const struct diff_table *t, const char *before, const char *after)
{
	struct err err = ERR_INIT;
	struct row a = row_of(before != NULL ? before : "");
	struct row b = row_of(after != NULL ? after : "");
	enum row_change change = before == NULL  ? ROW_ADDED
				 : after == NULL ? ROW_REMOVED
						 : ROW_CHANGED;
	ok(rows_text_row(
	    &p->view, t, change, before != NULL ? &a : NULL, after != NULL ? &b : NULL, &err));
}

static void
rows_read_like_lines_of_git(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(page) struct page p;
	struct diff_table t = orders_table();
	page_begin(&p, false);
	tell(&p, &t, "9\tEve\t3.00\t\\N\t\\N", NULL);
	tell(&p, &t, NULL, "10\tAda \"the\" first\t12.00\t\t{\"vip\": true}");
	tell(&p, &t, "7\tBob\t12.50\t\\N\t\\N", "7\tBob\t14.00\tpaid\\nlate\t\\N");
	t.is_counted = true;
	t.rows = (struct row_match_result){ 1, 1, 1203 };
	ok(rows_text_table(&p.view, &t, &err));
	expect_page(&p, "\n--- a/db/shop/public.orders  1,204 rows\n"
			"+++ b/db/shop/public.orders  1 row\n"
			"- id=9, name=\"Eve\", amount=3.00, note=NULL, meta=NULL\n"
			"+ id=10, name=\"Ada \\\"the\\\" first\", amount=12.00, note=\"\", "
			"meta={\"vip\": true}\n"
			"~ id=7  amount: 12.50 \xe2\x86\x92 14.00, note: NULL \xe2\x86\x92 "
			"\"paid\\nlate\"\n"
			"  \xe2\x80\xa6 1,202 more (--limit 0 shows all)\n");
}

static void
colours_stand_around_what_came_and_went(void **state)
{
	(void)state;
	AUTO(page) struct page p;
	struct diff_table t = orders_table();
	page_begin(&p, true);
	t.state = DIFF_ADDED;
	tell(&p, &t, NULL, "1\t\\N\t\\N\t\\N\t\\N");
	expect_page(&p, "\n\033[1m--- /dev/null\033[0m\n\033[1m+++ b/db/shop/public.orders  1 "
			"row\033[0m\n\033[32m+ id=1, name=NULL, amount=NULL, note=NULL, "
			"meta=NULL\033[0m\n");
}

static void
hostile_rows_cannot_steer_the_terminal(void **state)
{
	(void)state;
	AUTO(page) struct page p;
	struct diff_table t = orders_table();
	page_begin(&p, false);
	t.table = "public.\033[31morders\n";
	tell(&p, &t, "7\t\033]0;a\\\\\033\t1\t\xe2\x80\xae\t{\"a\":\"\033\"}",
	    "7\t\033]0;b\t1\t\xff\t{\"\033[2J\":\"\xe2\x80\xae\"}");
	const char *got = buf_cstr(&p.out.memory);
	assert_null(strchr(got, '\033'));
	assert_null(strstr(got, "\xe2\x80\xae"));
	assert_null(strchr(got, '\xff'));
	assert_non_null(strstr(got, "public.\\x1b[31morders\\n"));
}

static void
what_changed_in_json_is_shown_alone(void **state)
{
	(void)state;
	AUTO(page) struct page p;
	struct diff_table t = orders_table();
	page_begin(&p, false);
	tell(&p, &t, "7\tBob\t1\t\\N\t{\"tags\": [\"a\", \"b\"], \"n\": 1, \"old\": null}",
	    "7\tRob\t1\t\\N\t{\"tags\": [\"a\", \"c\", \"d\"], \"n\": 2}");
	expect_page(&p, "\n--- a/db/shop/public.orders  1,204 rows\n"
			"+++ b/db/shop/public.orders  1 row\n"
			"~ id=7  name: \"Bob\" \xe2\x86\x92 \"Rob\"\n"
			"    meta/tags/1: \"b\" \xe2\x86\x92 \"c\"\n"
			"    + meta/tags/2: \"d\"\n"
			"    meta/n: 1 \xe2\x86\x92 2\n"
			"    - meta/old: null\n");
}

static void
many_changed_columns_have_a_line_each(void **state)
{
	(void)state;
	AUTO(page) struct page p;
	struct diff_table t = orders_table();
	page_begin(&p, false);
	tell(&p, &t, "7\tThe quick brown fox jumps over the lazy dog\t1\tand home again\t\\N",
	    "7\tThe quick brown dog jumps over the lazy fox\t2\tand away again\t\\N");
	expect_page(&p, "\n--- a/db/shop/public.orders  1,204 rows\n"
			"+++ b/db/shop/public.orders  1 row\n"
			"~ id=7\n"
			"    name: \"The quick brown fox jumps over the lazy dog\" "
			"\xe2\x86\x92 \"The quick "
			"brown dog jumps over the lazy fox\"\n"
			"    amount: 1 \xe2\x86\x92 2\n"
			"    note: \"and home again\" \xe2\x86\x92 \"and away again\"\n");
}

static void
only_columns_that_were_asked_for_are_shown(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(page) struct page p;
	AUTO(strv) struct strv only = STRV_INIT;
	struct diff_table t = orders_table();
	page_begin(&p, false);
	ok(strv_add(&only, "amount", &err));
	p.view.columns = &only;
	tell(&p, &t, "7\tBob\t12.50\t\\N\t\\N", "7\tRob\t14.00\t\\N\t\\N");
	tell(&p, &t, "8\tBob\t12.50\t\\N\t\\N", "8\tRob\t12.50\t\\N\t\\N");
	tell(&p, &t, NULL, "9\tEve\t1\t\\N\t\\N");
	ok(rows_text_table(&p.view, &t, &err));
	expect_page(&p, "\n--- a/db/shop/public.orders  1,204 rows\n"
			"+++ b/db/shop/public.orders  1 row\n"
			"~ id=7  amount: 12.50 \xe2\x86\x92 14.00\n"
			"+ id=9, amount=1\n"
			"  \xe2\x80\xa6 1 row in other columns only\n");
}

static void
columns_that_came_are_told_by_name(void **state)
{
	(void)state;
	AUTO(page) struct page p;
	struct diff_table t = orders_table();
	page_begin(&p, false);
	t.before = &older_shape;
	tell(&p, &t, "7\t12.50\tBob\t\\N", "7\tBob\t12.50\tnew\t\\N");
	expect_page(&p, "\n--- a/db/shop/public.orders  1,204 rows\n"
			"+++ b/db/shop/public.orders  1 row\n"
			"~ id=7  note: (no column) \xe2\x86\x92 \"new\"\n");
}

static void
definitions_are_unified_diffs(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(page) struct page p;
	struct diff_object o = {
		.service = "db",
		.database = "shop",
		.name = "TABLE public.orders",
		.state = DIFF_CHANGED,
		.before = "CREATE TABLE public.orders (\n    id integer,\n    name text\n);",
		.after = "CREATE TABLE public.orders (\n    id bigint,\n    name text\n);",
	};
	page_begin(&p, false);
	ok(rows_text_object(&p.view, &o, &err));
	o.name = "INDEX public.\033";
	o.state = DIFF_ADDED;
	o.before = NULL;
	o.after = "CREATE INDEX \033;\n";
	ok(rows_text_object(&p.view, &o, &err));
	expect_page(&p,
	    "\n--- a/db/shop/TABLE public.orders\n+++ b/db/shop/TABLE public.orders\n"
	    "@@ -1,4 +1,4 @@\n CREATE TABLE public.orders (\n-    id integer,\n+    id "
	    "bigint,\n     name text\n );\n"
	    "\n--- /dev/null\n+++ b/db/shop/INDEX public.\\x1b\n@@ -0,0 +1 @@\n+CREATE INDEX "
	    "\\x1b;\n");
}

/* --- documents --- */

static char document_name[] = "document", underscore_id[] = "_id", people[] = "people";
static struct shape_column document_columns[] = {
	{ underscore_id, no_type, true },
	{ document_name, no_type, true },
};
static const struct shape people_shape = { people, ROW_BSON, document_columns, 2, first, 1 };

static struct diff_table
people_table(void)
{
	return (struct diff_table){
		.service = "mongo",
		.database = "shop",
		.table = "people",
		.state = DIFF_CHANGED,
		.before = &people_shape,
		.after = &people_shape,
		.rows_before = 2,
		.rows_after = 2,
	};
}

static void
bson_of(struct buf *out, const char *json)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *doc = NULL;
	ok(json_parse(&doc, json, strlen(json), "test", &err));
	ok(bson_of_json(out, doc, &err));
}

static const char before_json[] =
    "{\"_id\":{\"$oid\":\"507f1f77bcf86cd799439011\"},\"name\":\"Ada\",\"n\":{\"$numberInt\":"
    "\"5\"},\"at\":{\"$date\":{\"$numberLong\":\"1763632800000\"}},\"tags\":[\"x\"]}";
static const char after_json[] =
    "{\"_id\":{\"$oid\":\"507f1f77bcf86cd799439011\"},\"name\":\"Ada\",\"n\":{\"$numberInt\":"
    "\"6\"},\"at\":{\"$date\":{\"$numberLong\":\"1763719200000\"}},\"tags\":[\"x\",\"y\"]}";

static void
documents_show_what_changed_in_them(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(page) struct page p;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct diff_table t = people_table();
	page_begin(&p, false);
	bson_of(&a, before_json);
	bson_of(&b, after_json);
	struct row x = { a.data, a.len };
	struct row y = { b.data, b.len };
	ok(rows_text_row(&p.view, &t, ROW_CHANGED, &x, &y, &err));
	ok(rows_text_row(&p.view, &t, ROW_REMOVED, &x, NULL, &err));
	expect_page(&p,
	    "\n--- a/mongo/shop/people  2 documents\n+++ b/mongo/shop/people  2 documents\n"
	    "~ _id=ObjectId(\"507f1f77bcf86cd799439011\")\n"
	    "    /n: 5 \xe2\x86\x92 6\n"
	    "    /at: ISODate(\"2025-11-20 10:00:00 UTC\") \xe2\x86\x92 "
	    "ISODate(\"2025-11-21 10:00:00 UTC\")\n"
	    "    + /tags/1: \"y\"\n"
	    "- {\"_id\": ObjectId(\"507f1f77bcf86cd799439011\"), \"name\": \"Ada\", \"n\": 5, "
	    "\"at\": ISODate(\"2025-11-20 10:00:00 UTC\"), \"tags\": [\"x\"]}\n");
}

/* --- keys of Redis --- */

static char key_column[] = "key", type_column[] = "type", expires_column[] = "expires";
static char value_column[] = "value", db0[] = "db0";
static struct shape_column key_columns[] = {
	{ key_column, no_type, true },
	{ type_column, no_type, true },
	{ expires_column, no_type, false },
	{ value_column, no_type, true },
};
static const struct shape db0_shape = { db0, ROW_RDB, key_columns, 4, first, 1 };

static void
tell_key(
    struct page *p, const char *before, size_t before_len, const char *after, size_t after_len)
{
	struct err err = ERR_INIT;
	struct diff_table t = {
		.service = "cache",
		.database = "",
		.table = "db0",
		.state = DIFF_CHANGED,
		.before = &db0_shape,
		.after = &db0_shape,
		.rows_before = 2,
		.rows_after = 1,
	};
	struct row a = { (const uint8_t *)before, before_len };
	struct row b = { (const uint8_t *)after, after_len };
	ok(rows_text_row(&p->view, &t, before == NULL ? ROW_ADDED : ROW_CHANGED,
	    before != NULL ? &a : NULL, &b, &err));
}

#define KEY(bytes) bytes, sizeof(bytes) - 1

static void
keys_show_members_that_came_and_went(void **state)
{
	(void)state;
	AUTO(page) struct page p;
	page_begin(&p, false);
	/* A hash, a set whose members stand in another order, a string that expires. */
	tell_key(&p,
	    KEY("\x04\x01h\x02\x01"
		"a\x01"
		"1\x01"
		"b\x01"
		"2"),
	    KEY("\x04\x01h\x02\x01"
		"c\x01"
		"3\x01"
		"a\x01"
		"9"));
	tell_key(&p, KEY("\x02\x01s\x03\x01x\x01y\x01z"), KEY("\x02\x01s\x03\x01w\x01z\x01x"));
	tell_key(&p, KEY("\x00\x01k\x03old"),
	    KEY("\xfc\x00\xd6\xb3\x9d\x9a\x01\x00\x00\x00\x01k\x03new"));
	tell_key(&p, NULL, 0, KEY("\x00\x02\x1b]\x02\xff\x00"));
	expect_page(&p,
	    "\n--- a/cache/db0  2 keys\n+++ b/cache/db0  1 key\n"
	    "~ key=\"h\"\n"
	    "    /a: \"1\" \xe2\x86\x92 \"9\"\n"
	    "    - /b: \"2\"\n"
	    "    + /c: \"3\"\n"
	    "~ key=\"s\"\n"
	    "    + \"w\"\n"
	    "    - \"y\"\n"
	    "~ key=\"k\"  expires: never \xe2\x86\x92 2025-11-19 20:00:00 UTC, value: "
	    "\"old\" \xe2\x86\x92 \"new\"\n"
	    "+ key=\"\\x1b]\", type=string, value={\"hex\": \"ff00\"}\n");
}

/* --- JSON --- */

static void
expect_line(struct rows_json *v, const char *want)
{
	assert_string_equal(buf_cstr(&v->line), want);
}

static void
rows_as_json_have_the_names_of_their_columns(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(rows_json) struct rows_json v = { .columns = NULL };
	struct diff_table t = orders_table();
	struct row a = row_of("7\tBob\t12.50\t\\N\t{}");
	struct row b = row_of("7\tBob\t14.00\t\xff\t{}");
	ok(rows_json_row(&v, &t, ROW_CHANGED, &a, &b, &err));
	expect_line(&v,
	    "{\"type\":\"row\",\"service\":\"db\",\"database\":\"shop\",\"table\":\"public."
	    "orders\",\"change\":\"changed\",\"key\":{\"id\":\"7\"},\"columns\":[\"amount\","
	    "\"note\"],\"before\":{\"id\":\"7\",\"name\":\"Bob\",\"amount\":\"12.50\",\"note\":"
	    "null,\"meta\":\"{}\"},\"after\":{\"id\":\"7\",\"name\":\"Bob\",\"amount\":\"14."
	    "00\",\"note\":{\"hex\":\"ff\"},\"meta\":\"{}\"}}");
	AUTO(strv) struct strv only = STRV_INIT;
	ok(strv_add(&only, "name", &err));
	v.columns = &only;
	ok(rows_json_row(&v, &t, ROW_CHANGED, &a, &b, &err));
	expect_line(&v, "");
	ok(rows_json_row(&v, &t, ROW_REMOVED, &a, NULL, &err));
	expect_line(&v,
	    "{\"type\":\"row\",\"service\":\"db\",\"database\":\"shop\",\"table\":\"public."
	    "orders\",\"change\":\"removed\",\"key\":{\"id\":\"7\"},\"before\":{\"name\":"
	    "\"Bob\"}}");
}

static void
documents_as_json_come_with_a_patch(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(rows_json) struct rows_json v = { .columns = NULL };
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	AUTO(json) json_t *line = NULL;
	AUTO(json) json_t *made = NULL;
	struct diff_table t = people_table();
	bson_of(&a, before_json);
	bson_of(&b, after_json);
	struct row x = { a.data, a.len };
	struct row y = { b.data, b.len };
	ok(rows_json_row(&v, &t, ROW_CHANGED, &x, &y, &err));
	ok(json_parse(&line, v.line.data, v.line.len, "line", &err));
	const json_t *before = json_object_get(json_object_get(line, "before"), "document");
	const json_t *after = json_object_get(json_object_get(line, "after"), "document");
	const json_t *patch = json_object_get(line, "patch");
	assert_int_equal(json_array_size(patch), 3);
	ok(json_patch_apply(&made, before, patch, &err));
	assert_true(json_equal(made, after));
}

/* --- the summary --- */

static void
the_summary_adds_up(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(diff_sum) struct diff_sum s = DIFF_SUM_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	struct screen screen = { .fd = 1 };
	json_error_t je;
	AUTO(json) json_t *a = json_loads(
	    "{\"members\":[{\"kind\":\"volume\",\"path\":\"volumes/up\"},{\"kind\":\"project\","
	    "\"path\":\"project\"},{\"kind\":\"database\",\"path\":\"databases/db\"},{\"kind\":"
	    "\"volume\",\"path\":\"volumes/old\"}]}",
	    0, &je);
	AUTO(json) json_t *b = json_loads("{\"members\":[{\"kind\":\"volume\",\"path\":"
					  "\"volumes/up\"},{\"kind\":\"project\","
					  "\"path\":\"project\"}]}",
	    0, &je);
	ok(diff_sum_members(&s, a, b, false, &err));
	AUTO(json) json_t *c = json_loads(
	    "{\"stack\":{\"services\":[{\"service\":\"db\",\"image\":\"postgres:15\",\"image_"
	    "id\":"
	    "\"sha256:0123456789abcdef\"},{\"service\":\"web\",\"image\":\"web:1\",\"image_"
	    "id\":"
	    "\"x\"},{\"service\":\"same\",\"image\":\"i\",\"image_id\":\"x\"},{\"service\":"
	    "\"old\",\"image\":\"i\",\"image_id\":\"x\"}]}}",
	    0, &je);
	AUTO(json) json_t *d2 = json_loads(
	    "{\"stack\":{\"services\":[{\"service\":\"db\",\"image\":\"postgres:15\",\"image_"
	    "id\":"
	    "\"sha256:fedcba9876543210\"},{\"service\":\"web\",\"image\":\"web:2\",\"image_"
	    "id\":"
	    "\"y\"},{\"service\":\"same\",\"image\":\"i\",\"image_id\":\"x\"},{\"service\":"
	    "\"new\",\"image\":\"n\",\"image_id\":\"x\"}]}}",
	    0, &je);
	ok(diff_sum_images(&s, c, d2, &err));
	assert_null(diff_sum_member_of(&s, "databases/db/x"));
	assert_null(diff_sum_member_of(&s, "volumes/upper"));
	struct tree_entry e = TREE_ENTRY_INIT;
	e.type = TREE_FILE;
	e.content.size = 2000;
	struct tree_diff d = { .kind = TREE_DIFF_ADDED, .path = "volumes/up/x", .b = &e };
	diff_sum_file(&s, diff_sum_member_of(&s, d.path), &d);
	d = (struct tree_diff){ .kind = TREE_DIFF_REMOVED, .path = "volumes/old/x", .a = &e };
	diff_sum_file(&s, diff_sum_member_of(&s, d.path), &d);
	struct diff_table t = orders_table();
	t.is_counted = true;
	t.rows_after = 1213;
	t.rows = (struct row_match_result){ 12, 3, 4 };
	ok(diff_sum_table(&s, &t, &err));
	t.state = DIFF_SAME;
	ok(diff_sum_table(&s, &t, &err));
	t.state = DIFF_REMOVED;
	t.table = "public.\033old";
	t.rows_before = 1;
	ok(diff_sum_table(&s, &t, &err));
	struct diff_object o = {
		.service = "db", .database = "", .name = "x", .state = DIFF_ADDED
	};
	ok(diff_sum_object(&s, &o, &err));
	ok(diff_sum_unknown(&s, "cache", "db3", "keys of a module", &err));
	ok(diff_sum_text(&out, &s, &screen, &err));
	assert_string_equal(buf_cstr(&out),
	    "images\n"
	    "  db   postgres:15, another build: sha256:0123456789ab \xe2\x86\x92 "
	    "sha256:fedcba987654\n"
	    "  web  web:1 \xe2\x86\x92 web:2\n"
	    "  old  gone: i\n"
	    "  new  new: n\n"
	    "files\n"
	    "  volumes/up   +1  (+2.0 kB)\n"
	    "  volumes/old  gone \xe2\x88\x92"
	    "1  (\xe2\x88\x92"
	    "2.0 kB)\n"
	    "  1 other is the same\n"
	    "databases\n"
	    "  db\n"
	    "    shop/public.orders   1,204 \xe2\x86\x92 1,213 rows  +12 \xe2\x88\x92"
	    "3 ~4\n"
	    "    shop/public.\\x1bold  gone, it had 1 row\n"
	    "    schema: +1 (--schema shows it)\n"
	    "    1 other table is the same, 1,213 rows\n"
	    "not compared\n"
	    "  cache db3: keys of a module\n");
}

static void
long_names_are_shortened_and_line_up(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(diff_sum) struct diff_sum s = DIFF_SUM_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	struct screen screen = { .fd = 1 };
	json_error_t je;
	AUTO(json) json_t *a =
	    json_loads("{\"members\":[{\"kind\":\"volume\",\"path\":\"volumes/"
		       "c562376817aecb77f0f18a8ffee7e00d48d1bcafc837715e402ee67dd0a66ceb\"},"
		       "{\"kind\":\"volume\",\"path\":\"volumes/"
		       "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3"
		       "\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
		       "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3"
		       "\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
		       "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3"
		       "\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
		       "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3"
		       "\xbc\xc3\xbc\xc3\xbc\xc3\xbc\"},"
		       "{\"kind\":\"volume\",\"path\":\"volumes/a\"}]}",
		0, &je);
	assert_non_null(a);
	AUTO(json) json_t *none = json_object();
	ok(diff_sum_members(&s, a, none, false, &err));
	ok(diff_sum_text(&out, &s, &screen, &err));
	assert_string_equal(buf_cstr(&out),
	    "files\n"
	    "  volumes/c562376817aecb77f0f18a8ffee7\xe2\x80\xa6"
	    "67dd0a66ceb  gone\n"
	    "  volumes/"
	    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
	    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
	    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
	    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
	    "\xe2\x80\xa6"
	    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
	    "\xc3\xbc"
	    "  gone\n"
	    "  volumes/a                                         gone\n");
}

/* --- the page --- */

static void
a_page_of_hostile_rows_holds_no_tags_of_theirs(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(diff_html) struct diff_html h = { .columns = NULL };
	AUTO(diff_sum) struct diff_sum s = DIFF_SUM_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	struct diff_table t = orders_table();
	struct row a = row_of("7\t<script>alert(1)</script>\t1\t\" onclick='x'\t{\"<b>\":1}");
	struct row b = row_of("7\t</td><img src=//x>\t2\t&amp;\033\t{\"<b>\":\"<i>\"}");
	char path[] = "/tmp/stacksnap-html-XXXXXX";
	t.table = "public.<orders>";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	ok(diff_html_row(&h, &t, ROW_CHANGED, &a, &b, &err));
	ok(diff_html_row(&h, &t, ROW_ADDED, NULL, &b, &err));
	ok(diff_html_table(&h, &t, &err));
	ok(diff_sum_table(&s, &t, &err));
	struct diff_html_head head = { "<shop>", { "<a>", "<b>" } };
	ok(diff_html_save(&h, &head, &s, path, &err));
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	char piece[4096];
	size_t got;
	while ((got = fread(piece, 1, sizeof piece, f)) > 0)
		ok(buf_add(&text, piece, got, &err));
	fclose(f);
	close(fd);
	unlink(path);
	const char *page = buf_cstr(&text);
	static const char *const theirs[] = { "<script", "<img", "<b>", "<i>", "<orders>",
		"<shop>", "<a>", "onclick='", "\033", "http" };
	for (size_t i = 0; i < ARRAY_LEN(theirs); i++) {
		const char *at = strstr(page, theirs[i]);
		/* The one "http" is the page's own policy. */
		if (at != NULL && strncmp(at, "http-equiv", 10) != 0)
			fail_msg("%.80s", at);
	}
	assert_non_null(
	    strstr(page, "<del>&quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;</del>"
			 "<ins>&quot;&lt;/td&gt;&lt;img src=//x&gt;&quot;</ins>"));
	assert_non_null(strstr(page, "public.&lt;orders&gt;"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_read_like_lines_of_git),
		cmocka_unit_test(colours_stand_around_what_came_and_went),
		cmocka_unit_test(hostile_rows_cannot_steer_the_terminal),
		cmocka_unit_test(what_changed_in_json_is_shown_alone),
		cmocka_unit_test(many_changed_columns_have_a_line_each),
		cmocka_unit_test(only_columns_that_were_asked_for_are_shown),
		cmocka_unit_test(columns_that_came_are_told_by_name),
		cmocka_unit_test(definitions_are_unified_diffs),
		cmocka_unit_test(documents_show_what_changed_in_them),
		cmocka_unit_test(keys_show_members_that_came_and_went),
		cmocka_unit_test(rows_as_json_have_the_names_of_their_columns),
		cmocka_unit_test(documents_as_json_come_with_a_patch),
		cmocka_unit_test(the_summary_adds_up),
		cmocka_unit_test(long_names_are_shortened_and_line_up),
		cmocka_unit_test(a_page_of_hostile_rows_holds_no_tags_of_theirs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

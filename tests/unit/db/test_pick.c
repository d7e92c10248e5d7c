#include "testing.h"

#include "db/postgres_impl.h"

static void
names_come_apart(void **state)
{
	(void)state;
	struct err err;
	static const struct {
		const char *name;
		const char *schema;
		const char *table;
	} good[] = {
		{ "public.orders", "public", "orders" },
		{ "public.\"od\"\"d. name\"", "public", "od\"d. name" },
		{ "\"a.b\".\"c\nd\"", "a.b", "c\nd" },
		{ "\"\"\"\".x", "\"", "x" },
	};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		AUTO(strv) struct strv parts = STRV_INIT;
		ok(pick_split_name(&parts, good[i].name, &err));
		assert_int_equal(parts.len, 2);
		assert_string_equal(parts.items[0], good[i].schema);
		assert_string_equal(parts.items[1], good[i].table);
	}
	static const char *const bad[] = { "public.\"orders", "\"a\"b.c", "\"" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(strv) struct strv parts = STRV_INIT;
		assert_int_equal(pick_split_name(&parts, bad[i], &err), ERR_CORRUPT);
	}
}

static struct shape *
shape_of(const char *name)
{
	static const char *const columns[] = { "id", "o'dd \"x\"; DROP TABLE y; --", NULL };
	static const char *const key[] = { "id", NULL };
	struct err err;
	struct shape *s;
	ok(shape_new(&s, name, ROW_COPY, columns, key, &err));
	for (size_t i = 0; i < s->column_count; i++) {
		free(s->columns[i].type);
		s->columns[i].type = strdup(i == 0 ? "integer" : "text");
	}
	s->columns[0].is_not_null = true;
	return s;
}

/* Each word of a name stays within its quotes. */
static void
a_script_beside_quotes_whatever_a_name_says(void **state)
{
	(void)state;
	struct err err;
	AUTO(shape) struct shape *s = shape_of("public.\"t\"\"; \"");
	AUTO(bufv) struct buf head = BUF_INIT;
	AUTO(bufv) struct buf tail = BUF_INIT;
	struct db_pick pick = { .verb = PICK_PUT,
		.table = s->name,
		.shape = s,
		.rows = 3,
		.into = "in\"to",
		.tag = "1a2b3c4d" };
	ok(pg_pick_script(&pick, NULL, &head, &tail, &err));
	assert_non_null(strstr(buf_cstr(&head),
	    "CREATE SCHEMA IF NOT EXISTS \"in\"\"to\";\n"
	    "CREATE TABLE \"in\"\"to\".\"t\"\"; \" (\n"
	    "\t\"id\" integer NOT NULL,\n"
	    "\t\"o'dd \"\"x\"\"; DROP TABLE y; --\" text\n"
	    ");\n"
	    "COPY \"in\"\"to\".\"t\"\"; \" (\"id\", \"o'dd \"\"x\"\"; DROP TABLE y; --\") FROM "
	    "stdin;\n"));
	assert_non_null(strstr(buf_cstr(&tail),
	    "\\.\nALTER TABLE \"in\"\"to\".\"t\"\"; \" ADD PRIMARY KEY (\"id\");\n"));
	assert_non_null(strstr(buf_cstr(&tail), "CASE WHEN count(*) = 3 THEN 0"));
	assert_non_null(strstr(buf_cstr(&tail), "COMMIT;\n-- StackSnap script complete\n"));
}

static void
in_place_the_old_rows_are_kept_before_they_go(void **state)
{
	(void)state;
	struct err err;
	AUTO(shape) struct shape *s = shape_of("public.\"it's\"");
	AUTO(bufv) struct buf head = BUF_INIT;
	AUTO(bufv) struct buf tail = BUF_INIT;
	struct db_pick pick = {
		.verb = PICK_PUT, .table = s->name, .shape = s, .rows = 3, .tag = "1a2b3c4d"
	};
	ok(pg_pick_script(&pick, "\"old\".\"rows\"", &head, &tail, &err));
	const char *h = buf_cstr(&head);
	const char *lock = strstr(h, "LOCK TABLE ONLY \"public\".\"it's\"");
	const char *keep = strstr(
	    h, "CREATE TABLE \"old\".\"rows\" AS SELECT * FROM ONLY \"public\".\"it's\";");
	const char *empty = strstr(h, "DELETE FROM ONLY \"public\".\"it's\";");
	const char *copy = strstr(h, "COPY \"public\".\"it's\" (");
	assert_true(lock != NULL && lock < keep && keep < empty && empty < copy);
	/* The comment's words are one literal. */
	assert_non_null(strstr(h, "'StackSnap: the rows of public.\"it''s\" that snapshot"));
	/* Keys are checked by the name of the table as a literal. */
	assert_non_null(strstr(buf_cstr(&tail), "'\"public\".\"it''s\"'::pg_catalog.regclass"));
}

static void
a_column_without_a_type_is_refused(void **state)
{
	(void)state;
	struct err err;
	AUTO(shape) struct shape *s = shape_of("public.t");
	AUTO(bufv) struct buf head = BUF_INIT;
	AUTO(bufv) struct buf tail = BUF_INIT;
	s->columns[1].type[0] = '\0';
	struct db_pick pick = { .table = s->name, .shape = s, .into = "x", .tag = "1a2b3c4d" };
	assert_int_equal(pg_pick_script(&pick, NULL, &head, &tail, &err), ERR_UNSUPPORTED);
	pick.table = "orders";
	assert_int_equal(pg_pick_script(&pick, NULL, &head, &tail, &err), ERR_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_apart),
		cmocka_unit_test(a_script_beside_quotes_whatever_a_name_says),
		cmocka_unit_test(in_place_the_old_rows_are_kept_before_they_go),
		cmocka_unit_test(a_column_without_a_type_is_refused),
	};
	return cmocka_run_group_tests_name("pick", tests, NULL, NULL);
}

#include "testing.h"

#include "recorded_dump.h"

#include "db/census_impl.h"

#define SQL_HEAD "SET standard_conforming_strings = on;\n"

static struct census *
census_of(enum census_dump kind, const void *data, size_t len, size_t chunk)
{
	struct err err = ERR_INIT;
	struct census *c;
	ok(census_new(&c, kind, &err));
	for (size_t at = 0; at < len; at += chunk)
		ok(census_feed(c, (const char *)data + at, min_size(chunk, len - at), &err));
	ok(census_finish(c, &err));
	return c;
}

static struct census *
census_of_text(enum census_dump kind, const char *text)
{
	return census_of(kind, text, strlen(text), strlen(text) + 1);
}

static enum err_code
must_not_differ(void *arg, unsigned differences, const struct census_item *a,
    const struct census_item *b, struct err *err)
{
	(void)err;
	fail_msg(
	    "%s: %s differs (%u)", (const char *)arg, (a != NULL ? a : b)->name, differences);
	return ERR_OK;
}

static void
assert_same(const struct census *a, const struct census *b, const char *what)
{
	struct err err = ERR_INIT;
	char name[256];
	snprintf(name, sizeof name, "%s", what);
	ok(census_compare(a, b, must_not_differ, name, &err));
}

static uint64_t
rows_of(const struct census *c, const char *table)
{
	const struct census_item *item = census_find(c, CENSUS_ROWS, table);
	if (item == NULL)
		fail_msg("no rows of %s", table);
	return item->count;
}

static bool
defines(const struct census *c, const char *object)
{
	return census_find(c, CENSUS_OBJECT, object) != NULL;
}

/* --- what the tools wrote --- */

static void
recorded_dump_counts_the_same_however_it_is_cut_into_pieces(void **state)
{
	(void)state;
	static const size_t chunks[] = { 1, 2, 3, 7, 64, 4096 };
	for (size_t i = 0; i < ARRAY_LEN(recorded_dumps); i++) {
		const struct recorded *r = &recorded_dumps[i];
		AUTO(bufv) struct buf data = BUF_INIT;
		recorded_read(&data, r->file);
		AUTO(census) struct census *whole =
		    census_of(r->kind, data.data, data.len, data.len);
		assert_true(census_is_known(whole));
		assert_true(census_count(whole) > 3);
		for (size_t k = 0; k < ARRAY_LEN(chunks); k++) {
			AUTO(census) struct census *cut =
			    census_of(r->kind, data.data, data.len, chunks[k]);
			assert_same(whole, cut, r->file);
		}
	}
}

static void
postgres_schema_is_listed_by_name(void **state)
{
	(void)state;
	static const char *const objects[] = { "SCHEMA \"Sales Dept\"",
		"TABLE \"Sales Dept\".Order", "TABLE public.measure_2024_a", "TYPE public.mood",
		"TYPE public.posint", "TYPE public.floatrange", "VIEW public.v2",
		"MATERIALIZED VIEW public.mv", "FUNCTION public.mysum", "PROCEDURE public.pr",
		"SEQUENCE public.everything_id_seq", "EVENT TRIGGER et", "EXTENSION hstore",
		"RULE no_delete ON public.parent", "POLICY own ON public.secret",
		"INDEX public.partial", "CONSTRAINT hen_egg_fkey ON public.hen",
		"LARGE OBJECTS", "DATABASE shop" };
	AUTO(bufv) struct buf data = BUF_INIT;
	recorded_read(&data, "postgres-15.sql");
	AUTO(census) struct census *c =
	    census_of(CENSUS_POSTGRES, data.data, data.len, data.len);
	for (size_t i = 0; i < ARRAY_LEN(objects); i++)
		if (!defines(c, objects[i]))
			fail_msg("%s is not listed", objects[i]);
	assert_int_equal(rows_of(c, "public.measure_2023"), 214);
	assert_int_equal(rows_of(c, "public.everything"), 2);
	assert_int_equal(census_find(c, CENSUS_OBJECT, "LARGE OBJECTS")->count, 2);
	assert_string_equal(census_server(c), "15.18 (Debian 15.18-0+deb12u1)");
	/* It stands in a function's body. */
	assert_null(census_find(c, CENSUS_ROWS, "not_a_copy"));
}

static void
mariadb_schema_is_listed_by_name(void **state)
{
	(void)state;
	static const char *const objects[] = { "DATABASE \"-x\"", "TABLE \"-x\".t",
		"EVENT shop.ev_off", "FUNCTION shop.fn", "PROCEDURE shop.pr",
		"PACKAGE BODY shop.pk", "SEQUENCE shop.sq", "TRIGGER tr1 ON shop.hen",
		"VIEW shop.a_on_z", "TABLE \"we/ird `d\"\"b'\".\"t-\"\"'`x\"" };
	AUTO(bufv) struct buf data = BUF_INIT;
	recorded_read(&data, "mariadb-11.8.sql");
	AUTO(census) struct census *c = census_of(CENSUS_MYSQL, data.data, data.len, data.len);
	for (size_t i = 0; i < ARRAY_LEN(objects); i++)
		if (!defines(c, objects[i]))
			fail_msg("%s is not listed", objects[i]);
	assert_int_equal(rows_of(c, "shop.parts"), 2);
}

static void
keys_of_each_database_are_counted(void **state)
{
	(void)state;
	AUTO(bufv) struct buf data = BUF_INIT;
	recorded_read(&data, "redis-7.rdb");
	AUTO(census) struct census *c = census_of(CENSUS_RDB, data.data, data.len, 5);
	assert_int_equal(rows_of(c, "db0"), 16);
	assert_int_equal(rows_of(c, "db3"), 1);
	assert_int_equal(rows_of(c, "db15"), 1);
	assert_true(defines(c, "FUNCTIONS"));
}

static void
dump_that_is_cut_anywhere_does_not_end_well(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(recorded_dumps); i++) {
		const struct recorded *r = &recorded_dumps[i];
		struct err err = ERR_INIT;
		AUTO(bufv) struct buf data = BUF_INIT;
		AUTO(census) struct census *c = NULL;
		size_t bad_ends = 0;
		recorded_read(&data, r->file);
		ok(census_new(&c, r->kind, &err));
		for (size_t at = 0; at < data.len; at++) {
			bad_ends += census_at_end(c, &err) == ERR_INCOMPLETE;
			ok(census_feed(c, data.data + at, 1, &err));
		}
		ok(census_at_end(c, &err));
		/* Of SQL, the ends of statements look well; that is what end marks and
		 * names are for.  Of RDB nothing does. */
		assert_true(
		    r->kind == CENSUS_RDB ? bad_ends == data.len : bad_ends > data.len / 2);
	}
}

/* --- nothing but statements counts --- */

static void
rows_strings_and_comments_define_nothing(void **state)
{
	(void)state;
	AUTO(census) struct census *c = census_of_text(CENSUS_POSTGRES, SQL_HEAD
	    "-- CREATE TABLE a.comment (x int);\n"
	    "/* CREATE TABLE a.block (x int); /* nested */ ; */\n"
	    "SELECT '; CREATE TABLE a.string (x int);';\n"
	    "SELECT E'\\'; CREATE TABLE a.escaped (x int);';\n"
	    "CREATE FUNCTION public.f() AS $b$; CREATE TABLE a.body (x int); $a$;$b$;\n"
	    "CREATE TABLE public.\"a;b\"\"c\" (x int);\n"
	    "COPY public.\"a;b\"\"c\" (x) FROM stdin;\n"
	    "CREATE TABLE a.row (x int);\n"
	    "\\.\\.\n"
	    "\\\\.\n"
	    "\\.\n"
	    "CREATE TABLE public.last (x int);\n");
	assert_int_equal(rows_of(c, "public.\"a;b\"\"c\""), 3);
	assert_true(defines(c, "TABLE public.\"a;b\"\"c\""));
	assert_true(defines(c, "TABLE public.last"));
	assert_true(defines(c, "FUNCTION public.f"));
	for (size_t i = 0; i < census_count(c); i++)
		if (strstr(census_item(c, i)->name, "TABLE a.") != NULL)
			fail_msg("%s passed for a table", census_item(c, i)->name);
}

static void
backslashes_and_parentheses_in_values_do_not_end_a_row(void **state)
{
	(void)state;
	AUTO(census) struct census *c = census_of_text(CENSUS_MYSQL,
	    "USE `shop`;\n"
	    "/*!50003 CREATE*/ /*!50017 DEFINER=`a;b`@`%`*/ /*!50003 TRIGGER `t` BEFORE INSERT "
	    "ON "
	    "`tab` FOR EACH ROW SET @a = 1 */;\n"
	    "INSERT INTO `tab` (`VALUES`, `b`) VALUES (1,'a\\'),(2;'),(2,'');\n"
	    "INSERT INTO `tab` VALUES\n(3,(4)),\n(5,'CREATE TABLE `x` (');\n"
	    "DELIMITER ;;\n"
	    "CREATE DEFINER=`r`@`%` PROCEDURE `p`()\nBEGIN SELECT ';;'; INSERT INTO z VALUES "
	    "(1);\n"
	    "-- it's\nEND ;;\n"
	    "DELIMITER ;\n"
	    "CREATE TABLE `last` (x int);\n");
	assert_int_equal(rows_of(c, "shop.tab"), 4);
	assert_true(defines(c, "TRIGGER t ON shop.tab"));
	assert_true(defines(c, "PROCEDURE shop.p"));
	assert_true(defines(c, "TABLE shop.last"));
	assert_false(defines(c, "TABLE shop.x"));
}

static void
stand_in_of_a_view_is_no_view(void **state)
{
	(void)state;
	AUTO(census) struct census *c = census_of_text(CENSUS_MYSQL,
	    "USE `d`;\n/*!50001 CREATE VIEW `v` AS SELECT\n 1 AS `a` */;\n"
	    "/*!50001 CREATE ALGORITHM=UNDEFINED */\n"
	    "/*!50013 DEFINER=`a`@`b` SQL SECURITY DEFINER */\n"
	    "/*!50001 VIEW `w` AS select 1 AS `a` */;\n");
	assert_false(defines(c, "VIEW d.v"));
	assert_true(defines(c, "VIEW d.w"));
}

/* --- comparing --- */

static unsigned last_difference;
static char last_name[64];
static unsigned how_many;

static enum err_code
note(void *arg, unsigned differences, const struct census_item *a, const struct census_item *b,
    struct err *err)
{
	(void)arg;
	(void)err;
	last_difference = differences;
	snprintf(last_name, sizeof last_name, "%s", (a != NULL ? a : b)->name);
	how_many++;
	return ERR_OK;
}

static void
differs(const char *a, const char *b, const char *name, unsigned difference)
{
	struct err err = ERR_INIT;
	AUTO(census) struct census *x = census_of_text(CENSUS_POSTGRES, a);
	AUTO(census) struct census *y = census_of_text(CENSUS_POSTGRES, b);
	how_many = 0;
	ok(census_compare(x, y, note, NULL, &err));
	assert_int_equal(how_many, difference != 0);
	if (difference == 0)
		return;
	assert_string_equal(last_name, name);
	assert_int_equal(last_difference, difference);
}

static void
order_of_rows_does_not_matter_but_all_else_does(void **state)
{
	(void)state;
	const char *abc = "COPY t (x) FROM stdin;\na\nb\nc\n\\.\n";
	differs(abc, "COPY t (x) FROM stdin;\nc\na\nb\n\\.\n", NULL, 0);
	differs(abc, "COPY t (x) FROM stdin;\na\nb\n\\.\n", "t", CENSUS_COUNT | CENSUS_CONTENT);
	differs(abc, "COPY t (x) FROM stdin;\na\nb\nb\n\\.\n", "t", CENSUS_CONTENT);
	differs(abc, "COPY t (x) FROM stdin;\na\na\na\n\\.\n", "t", CENSUS_CONTENT);
	differs(abc, "", "t", CENSUS_MISSING);
	differs("", abc, "t", CENSUS_EXTRA);
	differs("CREATE TABLE a.t (x int);\n", "CREATE TABLE a.t (x text);\n", "TABLE a.t",
	    CENSUS_CONTENT);
	differs("SELECT pg_catalog.lo_open('1', 1);SELECT pg_catalog.lowrite(0, 'a');"
		"SELECT pg_catalog.lo_open('2', 1);SELECT pg_catalog.lowrite(0, 'b');",
	    "SELECT pg_catalog.lo_open('1', 1);SELECT pg_catalog.lowrite(0, 'b');"
	    "SELECT pg_catalog.lo_open('2', 1);SELECT pg_catalog.lowrite(0, 'a');",
	    "LARGE OBJECT DATA", CENSUS_CONTENT);
}

static void
census_survives_being_written_and_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(recorded_dumps); i++) {
		struct err err = ERR_INIT;
		const struct recorded *r = &recorded_dumps[i];
		AUTO(bufv) struct buf data = BUF_INIT;
		AUTO(bufv) struct buf lines = BUF_INIT;
		AUTO(census) struct census *back = NULL;
		AUTO(census) struct census *none = NULL;
		recorded_read(&data, r->file);
		AUTO(census) struct census *c =
		    census_of(r->kind, data.data, data.len, data.len);
		ok(census_write(c, "a.sql", &lines, &err));
		ok(census_parse(&back, lines.data, lines.len, "a.sql", &err));
		assert_same(c, back, r->file);
		ok(census_parse(&none, lines.data, lines.len, "b.sql", &err));
		assert_int_equal(census_count(none), 0);
	}
}

static void
census_lines_that_are_cut_or_bent_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"{\"stream\":\"a\",\"what\":\"rows\"",
		"{\"stream\":\"a\",\"what\":\"rows\",\"name\":\"t\",\"count\":1}\n",
		("{\"stream\":\"a\",\"what\":\"rows\",\"name\":\"t\",\"count\":-1,\"bytes\":1,"
		 "\"content\":\"00000000000000000000000000000000\"}\n"),
		"{\"what\":\"rows\"}\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_INIT;
		struct census *c = NULL;
		refused(census_parse(&c, bad[i], strlen(bad[i]), "a", &err), ERR_CORRUPT,
		    "a line of the census is not as it should be");
	}
}

static void
rdb_with_what_is_not_known_counts_nothing(void **state)
{
	(void)state;
	static const char text[] = "REDIS0012\xfe\x00\x00\x01k\x01v\xc8\x01k";
	AUTO(census) struct census *c = census_of(CENSUS_RDB, text, sizeof text - 1, 3);
	assert_false(census_is_known(c));
	assert_int_equal(census_count(c), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_dump_counts_the_same_however_it_is_cut_into_pieces),
		cmocka_unit_test(postgres_schema_is_listed_by_name),
		cmocka_unit_test(mariadb_schema_is_listed_by_name),
		cmocka_unit_test(keys_of_each_database_are_counted),
		cmocka_unit_test(dump_that_is_cut_anywhere_does_not_end_well),
		cmocka_unit_test(rows_strings_and_comments_define_nothing),
		cmocka_unit_test(backslashes_and_parentheses_in_values_do_not_end_a_row),
		cmocka_unit_test(stand_in_of_a_view_is_no_view),
		cmocka_unit_test(order_of_rows_does_not_matter_but_all_else_does),
		cmocka_unit_test(census_survives_being_written_and_read),
		cmocka_unit_test(census_lines_that_are_cut_or_bent_are_refused),
		cmocka_unit_test(rdb_with_what_is_not_known_counts_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

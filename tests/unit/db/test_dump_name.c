#include "testing.h"

#include "base/strv.h"
#include "db/dump_name.h"

static void
name_goes_there_and_back(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
		{ "shop", "shop.sql" },
		{ "-Xq", "-Xq.sql" },
		{ "a/b", "a%2Fb.sql" },
		{ "..", "%2E..sql" },
		{ ".hidden", "%2Ehidden.sql" },
		{ "we ird'\"", "we%20ird%27%22.sql" },
		{ "globals", "%67lobals.sql" },
		{ "globals2", "globals2.sql" },
		{ "\xc3\xa4%", "%C3%A4%25.sql" },
		{ "x.sql", "x.sql.sql" },
	};
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct err err = ERR_INIT;
		AUTO(str) char *name = NULL;
		AUTO(str) char *database = NULL;
		ok(dump_name_encode(&name, pairs[i][0], &err));
		assert_string_equal(name, pairs[i][1]);
		ok(dump_name_decode(&database, name, &err));
		assert_string_equal(database, pairs[i][0]);
	}
}

static void
name_that_no_database_has_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "shop", ".sql", "globals.sql", "a/b.sql",
		"a%2fb.sql", "a%00.sql", "a%4.sql", "%61.sql", "a%", "../x.sql" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_INIT;
		char *database = NULL;
		assert_int_equal(dump_name_decode(&database, bad[i], &err), ERR_CORRUPT);
		assert_null(database);
	}
	struct err err = ERR_INIT;
	char *database;
	refused(dump_name_decode(&database, "a%2fb.sql", &err), ERR_CORRUPT,
	    "no database has a dump file called a%2fb.sql");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_goes_there_and_back),
		cmocka_unit_test(name_that_no_database_has_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

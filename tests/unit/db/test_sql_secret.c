#include "testing.h"

#include "db/sql_secret.h"

static void
hidden_is(const char *text, const char *before, const char *behind)
{
	struct err err;
	AUTO(bufv) struct buf b = BUF_INIT;
	ok(sql_hide_secrets(&b, text, &err));
	const char *got = buf_cstr(&b);
	assert_non_null(got);
	size_t n = strlen(before);
	if (strncmp(got, before, n) != 0 || strncmp(got + n, "'(hidden ", 9) != 0 ||
	    strcmp(got + n + 9 + 4, behind) != 0)
		fail_msg("%s", got);
}

static void
stays(const char *text)
{
	struct err err;
	AUTO(bufv) struct buf b = BUF_INIT;
	ok(sql_hide_secrets(&b, text, &err));
	assert_string_equal(b.len > 0 ? buf_cstr(&b) : "", text);
}

static void
passwords_are_hidden(void **state)
{
	(void)state;
	hidden_is(
	    "ALTER ROLE ana WITH LOGIN PASSWORD 'SCRAM-SHA-256$4096:x''y' VALID UNTIL 'x';",
	    "ALTER ROLE ana WITH LOGIN PASSWORD ", ")' VALID UNTIL 'x';");
	hidden_is("CREATE USER `b`@`%` IDENTIFIED BY PASSWORD '*AB\\'C' REQUIRE NONE",
	    "CREATE USER `b`@`%` IDENTIFIED BY PASSWORD ", ")' REQUIRE NONE");
	hidden_is("CREATE USER 'b'@'%' IDENTIFIED VIA ed25519 USING 'abc'",
	    "CREATE USER 'b'@'%' IDENTIFIED VIA ed25519 USING ", ")'");
	hidden_is("CREATE USER 'b'@'%' IDENTIFIED WITH 'caching_sha2_password' AS 'x'",
	    "CREATE USER 'b'@'%' IDENTIFIED WITH 'caching_sha2_password' AS ", ")'");
	hidden_is("CREATE USER MAPPING FOR a SERVER s OPTIONS (\"user\" 'u', password\n'p')",
	    "CREATE USER MAPPING FOR a SERVER s OPTIONS (\"user\" 'u', password\n", ")')");
	hidden_is("CREATE SUBSCRIPTION s CONNECTION 'host=a password=b' PUBLICATION p",
	    "CREATE SUBSCRIPTION s CONNECTION ", ")' PUBLICATION p");
	hidden_is("x PASSWORD 'never ends", "x PASSWORD ", ")'");
}

static void
all_else_stays(void **state)
{
	(void)state;
	stays("");
	stays("CREATE ROLE \"password\" COMMENT 'PASSWORD is set'");
	stays("COMMENT ON ROLE a IS 'by PASSWORD'");
	stays("ALTER ROLE a PASSWORD NULL");
	stays("CREATE VIEW v AS SELECT 1");
}

static void
equal_secrets_look_alike_and_others_do_not(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	AUTO(bufv) struct buf c = BUF_INIT;
	unsigned differ = 0;
	ok(sql_hide_secrets(&a, "PASSWORD 'x'", &err));
	ok(sql_hide_secrets(&b, "PASSWORD 'x'", &err));
	assert_string_equal(buf_cstr(&a), buf_cstr(&b));
	for (int i = 0; i < 16; i++) {
		c.len = 0;
		ok(buf_printf(&c, &err, "PASSWORD 'y%d'", i));
		AUTO(bufv) struct buf d = BUF_INIT;
		ok(sql_hide_secrets(&d, buf_cstr(&c), &err));
		differ += strcmp(buf_cstr(&d), buf_cstr(&a)) != 0;
	}
	assert_true(differ >= 14);
}

static void
objects_that_may_hold_them(void **state)
{
	(void)state;
	assert_true(sql_has_secrets("ROLE ana"));
	assert_true(sql_has_secrets("USER MAPPING x"));
	assert_true(sql_has_secrets("ALTER ROLE ana SET x"));
	assert_false(sql_has_secrets("TABLE public.orders"));
	assert_false(sql_has_secrets("FUNCTION public.f"));
	assert_false(sql_has_secrets("ROLES"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passwords_are_hidden),
		cmocka_unit_test(all_else_stays),
		cmocka_unit_test(equal_secrets_look_alike_and_others_do_not),
		cmocka_unit_test(objects_that_may_hold_them),
	};
	return cmocka_run_group_tests_name("sql_secret", tests, NULL, NULL);
}

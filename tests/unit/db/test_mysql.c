#include "testing.h"

#include "db/mysql_impl.h"
#include "memory_dump.h"
#include "scripted_runner.h"

#include <stdio.h>

#define HEAD "-- MariaDB dump 10.19\n-- Host: localhost    Database: shop\n\n"
static const char dump[] = HEAD
    "--\n-- Current Database: `shop`\n--\n\nUSE `shop`;\nCREATE TABLE `a` (\n  `x` int\n);\n"
    "INSERT INTO `a` VALUES\n(1);\nCREATE TABLE `b` (\n  `x` int\n);\n"
    "\n-- Dump completed\n";

static const struct script_answer answers[] = {
	{ "'SEQUENCE' THEN", "TABLE|1||73686F70|61\nTABLE|1||73686F70|62\n" },
	{ "|1|", "" },
	{ "WITH CONSISTENT SNAPSHOT", "" },
	{ "ENGINE = 'InnoDB'", "73686F70|61\n73686F70|62\n" },
	{ "SAVEPOINT one", "0|1|73686F70|61\n0|0|73686F70|62\n" },
	{ "ROLLBACK;", "" },
	{ "wait_timeout", "" },
	{ "VERSION()", "1|10.11.6-MariaDB-log\n1\n" },
	{ "DATA_LENGTH", "73686f70|16384|2\n" },
	{ "information_schema.ENGINES", "73686F702E6F6C64|MyISAM\n" },
	{ "mysql.func", "0\n" },
	{ "SELECT HEX(CONVERT(SCHEMA_NAME", "73686F70\n" },
	{ "SET GLOBAL net_write_timeout = 86400", "60\n" },
	{ "SET GLOBAL net_write_timeout = 60;", "" },
	{ "SHOW MASTER STATUS", "bin.000001\t328\t\t\n0-1-42\n" },
	{ "is_role, CONCAT",
	    "726561646572||Y|0\n617070|25|N|0\n726F6F74|6C6F63616C686F7374|N|1\n" },
	{ "SHOW CREATE USER `app`@`%`;",
	    "CREATE USER `app`@`%` IDENTIFIED BY PASSWORD '*00'\n" },
	{ "SHOW CREATE USER `root`@`localhost`;", "CREATE USER `root`@`localhost`\n" },
	{ "SHOW GRANTS FOR `reader`;", "GRANT USAGE ON *.* TO `reader`\n" },
	{ "SHOW GRANTS FOR `app`@`%`;", "GRANT SELECT (`a on b`) ON `shop`.`t` TO "
					"`app`@`%`\nGRANT USAGE ON *.* TO `app`@`%`\n"
					"GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%`\n" },
	{ "SHOW GRANTS FOR `root`@`localhost`;",
	    "GRANT PROXY ON ``@`%` TO `root`@`localhost`\nGRANT PROXY ON ``@`%` TO "
	    "`root`@`localhost`\n" },
	{ "roles_mapping", "726561646572|-\n" },
	{ NULL, NULL },
};

enum { STEP_DUMP = 2, STEP_CLIENT = 3, STEPS = 5 };

static const struct script_step good[STEPS] = {
	{ "mariadb", "--version", "mariadb  Ver 15.1\n", 0, NULL, 0, NULL, false },
	{ "mariadb-dump", "--version", "mariadb-dump  Ver 10.19 Distrib 10.11.6-MariaDB\n", 0,
	    NULL, 0, NULL, false },
	{ "mariadb-dump", NULL, dump, 0, NULL, 0, NULL, false },
	{ "mariadb", NULL, NULL, 0, NULL, 0, answers, false },
	{ 0 },
};

struct fixture {
	struct script_step steps[STEPS];
	struct scripted_runner runner;
	struct strv env;
	struct db_target t;
	struct connector *c;
	struct memory_dump dump;
};

static void
fixture_init(struct fixture *f)
{
	struct err err = ERR_INIT;
	memcpy(f->steps, good, sizeof good);
	scripted_runner_init(&f->runner, f->steps);
	f->env = (struct strv)STRV_INIT;
	if (strv_add(&f->env, "MARIADB_ROOT_PASSWORD=se cret", &err))
		abort();
	f->t = (struct db_target){ .service = "db",
		.image = "mariadb:10.11",
		.env = &f->env,
		.runner = &f->runner.base };
	memory_init(&f->dump);
	ok(connector_open(&f->c, &f->t, DB_MARIADB, &err));
}

static void
fixture_auto(struct fixture *f)
{
	connector_close(f->c);
	assert_int_equal(f->runner.live, 0);
	scripted_runner_release(&f->runner);
	strv_release(&f->env);
	memory_auto(&f->dump);
}

static enum err_code
back_up(struct fixture *f, struct err *err)
{
	const struct db_info *info;
	struct db_fence fence;
	if (connector_check(f->c, &info, err) || connector_prepare(f->c, err) ||
	    connector_fence(f->c, &fence, err))
		return err->code;
	return connector_drain(f->c, &f->dump.sink, err);
}

static void
backup_is_accounts_databases_and_grants(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(back_up(&f, &err));
	assert_int_equal(f.dump.len, 3);
	assert_string_equal(buf_cstr(&memory_find(&f.dump, "users.sql")->data),
	    "-- Accounts, and their rights on whole databases\n\n"
	    "CREATE OR REPLACE ROLE `reader`;\n"
	    "CREATE OR REPLACE USER `app`@`%` IDENTIFIED BY PASSWORD '*00';\n"
	    "ALTER USER `root`@`localhost` IDENTIFIED BY '';\n"
	    "GRANT USAGE ON *.* TO `reader`;\n"
	    "GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%`;\n"
	    "GRANT USAGE ON *.* TO `app`@`%`;\n"
	    "GRANT PROXY ON ``@`%` TO `root`@`localhost`;\n"
	    "\n-- Dump completed\n");
	assert_string_equal(buf_cstr(&memory_find(&f.dump, "grants.sql")->data),
	    "-- Rights on tables, columns and routines\n\n"
	    "GRANT SELECT (`a on b`) ON `shop`.`t` TO `app`@`%`;\n"
	    "REVOKE `reader` FROM CURRENT_USER();\n"
	    "\n-- Dump completed\n");
	assert_string_equal(buf_cstr(&memory_find(&f.dump, "databases.sql")->data), dump);
	const struct db_report *r = connector_report(f.c);
	assert_string_equal(r->fence.position, "bin.000001:328 GTID 0-1-42");
	assert_string_equal(r->info.version, "10.11.6-MariaDB-log");
	assert_int_equal(r->info.warnings.len, 1);
	assert_string_equal(r->info.warnings.items[0],
	    "table shop.old uses MyISAM, which has no transactions: "
	    "it is read after the fence");
	for (size_t i = 0; i < f.dump.len; i++)
		assert_true(f.dump.files[i].ended);
}

static void
password_goes_by_environment_and_is_in_no_command_line(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(back_up(&f, &err));
	assert_true(script_saw(&f.runner.env, "MYSQL_PWD=se cret\n"));
	assert_false(script_saw(&f.runner.calls, "se cret"));
	assert_true(script_saw(&f.runner.calls, "--databases -- shop\n"));
}

static void
fence_returns_only_when_the_snapshot_is_open(void **state)
{
	(void)state;
	for (size_t chunk = 1; chunk < 90; chunk += 4) {
		struct err err = ERR_INIT;
		const struct db_info *info;
		struct db_fence fence;
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		ok(connector_check(f.c, &info, &err));
		ok(connector_prepare(f.c, &err));
		f.runner.chunk = chunk;
		ok(connector_fence(f.c, &fence, &err));
		const struct buf *first = &mysql_of(f.c)->dump_first;
		assert_true(
		    first->len >= sizeof HEAD - 1 + strlen("--\n-- Current Database: "));
		ok(connector_drain(f.c, &f.dump.sink, &err));
		assert_string_equal(
		    buf_cstr(&memory_find(&f.dump, "databases.sql")->data), dump);
	}
}

static void
timeout_is_put_back_on_every_way_out(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	{
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		ok(back_up(&f, &err));
		assert_true(script_saw(&f.runner.asked, "SET GLOBAL net_write_timeout = 60;"));
	}
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_DUMP].out = HEAD;
	f.steps[STEP_DUMP].status = 2;
	f.steps[STEP_DUMP].errors = "mariadb-dump: Got error: 2002\n";
	refused(back_up(&f, &err), ERR_INCOMPLETE,
	    "service db: mariadb-dump ended with status 2 before its snapshot: mariadb-dump: "
	    "Got "
	    "error: 2002");
	assert_false(script_saw(&f.runner.asked, "SET GLOBAL net_write_timeout = 60;"));
	connector_close(f.c);
	assert_true(script_saw(&f.runner.asked, "SET GLOBAL net_write_timeout = 60;"));
	ok(connector_open(&f.c, &f.t, DB_MARIADB, &err));
}

static void
dump_cut_at_any_byte_is_refused(void **state)
{
	(void)state;
	size_t from = sizeof HEAD - 1 + strlen("--\n-- Current Database: ");
	for (size_t len = from; len < sizeof dump - 1; len++) {
		struct err err = ERR_INIT;
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		f.steps[STEP_DUMP].out_len = len;
		char want[200];
		snprintf(want, sizeof want,
		    "service db: databases.sql: the dump is cut off: %zu bytes came, without "
		    "the end "
		    "mark \"-- Dump completed\"",
		    len);
		refused(back_up(&f, &err), ERR_INCOMPLETE, want);
		assert_false(memory_find(&f.dump, "databases.sql")->ended);
		assert_null(memory_find(&f.dump, "grants.sql"));
	}
}

static void
dump_tool_that_fails_is_never_a_success(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_DUMP].status = 3;
	f.steps[STEP_DUMP].errors = "mariadb-dump: Couldn't execute 'SHOW FIELDS'\n";
	char want[200];
	snprintf(want, sizeof want,
	    "service db: databases.sql: mariadb-dump ended with status 3 after %zu bytes: "
	    "mariadb-dump: Couldn't execute 'SHOW FIELDS'",
	    sizeof dump - 1);
	refused(back_up(&f, &err), ERR_INCOMPLETE, want);
}

static void
tool_that_exits_0_after_nothing_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_DUMP].out = "";
	refused(back_up(&f, &err), ERR_INCOMPLETE,
	    "service db: mariadb-dump ended with status 0 before its snapshot: it said "
	    "nothing");
}

static void
missing_table_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_DUMP].out =
	    HEAD "--\n-- Current Database: `shop`\n--\n\nUSE `shop`;\n"
		 "CREATE TABLE `a` (\n  `x` int\n);\nINSERT INTO `a` VALUES\n('CREATE TABLE b "
		 "(x int);');\n"
		 "\n-- Dump completed\n";
	refused(back_up(&f, &err), ERR_INCOMPLETE,
	    "service db: databases.sql: the dump lacks 1 of 2 objects: TABLE shop.b");
}

static void
table_whose_rows_are_left_out_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_DUMP].out =
	    HEAD "--\n-- Current Database: `shop`\n--\n\nUSE `shop`;\n"
		 "CREATE TABLE `a` (\n  `x` int\n);\nCREATE TABLE `b` (\n  `x` int\n);\n"
		 "\n-- Dump completed\n";
	refused(back_up(&f, &err), ERR_INCOMPLETE,
	    "service db: databases.sql: the dump has 0 rows of table shop.a, the server had at "
	    "least 1");
}

static void
refused_password_says_what_to_do(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	static const struct script_answer none[] = { { NULL, NULL } };
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_CLIENT] = (struct script_step){ "mariadb", NULL, NULL, 0,
		"ERROR 1045 (28000): Access denied for user 'root'@'localhost'\n", 1, none,
		false };
	refused(connector_check(f.c, &info, &err), ERR_DENIED,
	    "service db: MariaDB refuses user \"root\": mariadb ended with status 1: ERROR "
	    "1045 "
	    "(28000): Access denied for user 'root'@'localhost'; give the password now in use "
	    "as "
	    "MARIADB_ROOT_PASSWORD or MYSQL_ROOT_PASSWORD (or _FILE) in the service's "
	    "environment");
}

static void
container_without_the_tools_is_told(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[0].absent = true;
	f.steps[STEP_CLIENT].absent = true;
	refused(connector_check(f.c, &info, &err), ERR_USAGE,
	    "service db: the container has neither mariadb nor mysql, which is needed to read "
	    "its "
	    "database");
}

static void
grants_on_what_a_database_holds_come_after_it(void **state)
{
	(void)state;
	static const char *const early[] = { "GRANT ALL PRIVILEGES ON *.* TO `a`@`%`",
		"GRANT SELECT ON `sh``op`.* TO `a`@`%`", "GRANT `role on x` TO `a`@`%`",
		"GRANT PROXY ON 'u'@'%' TO 'root'@'localhost' WITH GRANT OPTION",
		"GRANT `reader`@`%` TO `app`@`%`", "SET DEFAULT ROLE `reader` FOR `app`@`%`",
		"GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* TO `root`@`%` WITH GRANT OPTION",
		"REVOKE INSERT ON `db`.* FROM `u`@`%`" };
	static const char *const late[] = { "GRANT SELECT ON `a b`.`c d` TO `a`@`%`",
		"GRANT SELECT (`x`, `y TO z`) ON `a`.`b` TO `c`",
		"GRANT EXECUTE ON PROCEDURE `a`.`p` TO `c`",
		"GRANT EXECUTE ON FUNCTION `a`.`*` TO `c`",
		"GRANT EXECUTE ON PACKAGE BODY `a`.`p` TO `c`",
		"GRANT SELECT ON `a`.`*` TO `c`" };
	for (size_t i = 0; i < ARRAY_LEN(early); i++)
		if (mysql_grant_needs_object(early[i]))
			fail_msg("%s", early[i]);
	for (size_t i = 0; i < ARRAY_LEN(late); i++)
		if (!mysql_grant_needs_object(late[i]))
			fail_msg("%s", late[i]);
}

/* A server to restore into; it takes what it is given. */
static const struct script_answer fresh[] = {
	{ "wait_timeout", "" },
	{ "@@global.max_allowed_packet, @@global", "16777216|ON\n" },
	{ "SET GLOBAL max_allowed_packet = 1073741824", "" },
	{ "SET GLOBAL max_allowed_packet = 16777216;\nSET GLOBAL event_scheduler = ON;", "" },
	{ "SELECT HEX(CONVERT(SCHEMA_NAME", "6F6C6460\n" },
	{ "DROP DATABASE", "" },
	{ "<> CURRENT_USER()", "6F6C64|25|N\n726F6C65||Y\n" },
	{ "DROP USER", "" },
	{ "FLUSH PRIVILEGES", "" },
	{ "skip_networking", "0\n" },
	{ NULL, NULL },
};

static const char no_accounts[] = "-- none\n-- Dump completed\n";

static void
load_init(struct fixture *f)
{
	fixture_init(f);
	f->steps[STEP_DUMP] =
	    (struct script_step){ "mariadb", "--unbuffered", NULL, 0, NULL, 0, fresh, false };
	f->steps[STEP_CLIENT] =
	    (struct script_step){ "mariadb", NULL, NULL, 0, NULL, 0, NULL, false };
	memory_put(&f->dump, "users.sql", no_accounts, sizeof no_accounts - 1);
	memory_put(&f->dump, "databases.sql", dump, sizeof dump - 1);
	memory_put(&f->dump, "grants.sql", no_accounts, sizeof no_accounts - 1);
}

static void
load_empties_the_server_and_feeds_every_dump(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	load_init(&f);
	ok(connector_wait_ready(f.c, 0, &err));
	ok(connector_load(f.c, &f.dump.source, &err));
	assert_true(script_saw(&f.runner.asked, "DROP DATABASE `old```;\n"));
	assert_true(script_saw(&f.runner.asked, "DROP USER `old`@`%`;\nDROP ROLE `role`;\n"));
	assert_true(script_saw(&f.runner.input, dump));
	assert_false(script_saw(&f.runner.calls, "se cret"));
}

static void
load_by_the_applications_own_account_asks_for_no_rights_over_the_server(void **state)
{
	(void)state;
	static const struct script_answer plain[] = {
		{ "wait_timeout", "" },
		{ "SELECT HEX(CONVERT(SCHEMA_NAME", "6F6C6460\n" },
		{ "DROP DATABASE", "" },
		{ NULL, NULL },
	};
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_DUMP] =
	    (struct script_step){ "mariadb", "--unbuffered", NULL, 0, NULL, 0, plain, false };
	f.steps[STEP_CLIENT] =
	    (struct script_step){ "mariadb", NULL, NULL, 0, NULL, 0, NULL, false };
	memory_put(&f.dump, "databases.sql", dump, sizeof dump - 1);
	ok(connector_load(f.c, &f.dump.source, &err));
	assert_true(script_saw(&f.runner.input, dump));
	assert_false(script_saw(&f.runner.asked, "GLOBAL"));
	assert_false(script_saw(&f.runner.asked, "FLUSH"));
	assert_false(script_saw(&f.runner.asked, "DROP USER"));
}

static void
variables_are_put_back_also_when_the_load_fails(void **state)
{
	(void)state;
	static const char *const back = "SET GLOBAL max_allowed_packet = 16777216;\n"
					"SET GLOBAL event_scheduler = ON;";
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	load_init(&f);
	f.steps[STEP_CLIENT].status = 1;
	f.steps[STEP_CLIENT].errors = "ERROR 1064 (42000) at line 3: syntax\n";
	char want[200];
	snprintf(want, sizeof want,
	    "service db: load users.sql: mariadb ended with status 1 after %zu bytes: ERROR "
	    "1064 "
	    "(42000) at line 3: syntax",
	    sizeof no_accounts - 1);
	refused(connector_load(f.c, &f.dump.source, &err), ERR_IO, want);
	assert_true(script_saw(&f.runner.asked, "SET GLOBAL event_scheduler = OFF;"));
	assert_true(script_saw(&f.runner.asked, back));
}

static void
server_of_the_images_set_up_is_not_ready(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	static const struct script_answer setting_up[] = {
		{ "wait_timeout", "" },
		{ "skip_networking", "1\n" },
		{ NULL, NULL },
	};
	AUTO(fixture) struct fixture f;
	load_init(&f);
	f.steps[STEP_DUMP].answers = setting_up;
	refused(connector_wait_ready(f.c, 0, &err), ERR_TRANSIENT,
	    "service db: MariaDB is not ready after 0 ms: the image's entrypoint is still "
	    "setting it "
	    "up");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backup_is_accounts_databases_and_grants),
		cmocka_unit_test(password_goes_by_environment_and_is_in_no_command_line),
		cmocka_unit_test(fence_returns_only_when_the_snapshot_is_open),
		cmocka_unit_test(timeout_is_put_back_on_every_way_out),
		cmocka_unit_test(dump_cut_at_any_byte_is_refused),
		cmocka_unit_test(dump_tool_that_fails_is_never_a_success),
		cmocka_unit_test(tool_that_exits_0_after_nothing_is_refused),
		cmocka_unit_test(missing_table_is_refused),
		cmocka_unit_test(table_whose_rows_are_left_out_is_refused),
		cmocka_unit_test(refused_password_says_what_to_do),
		cmocka_unit_test(container_without_the_tools_is_told),
		cmocka_unit_test(grants_on_what_a_database_holds_come_after_it),
		cmocka_unit_test(load_empties_the_server_and_feeds_every_dump),
		cmocka_unit_test(
		    load_by_the_applications_own_account_asks_for_no_rights_over_the_server),
		cmocka_unit_test(variables_are_put_back_also_when_the_load_fails),
		cmocka_unit_test(server_of_the_images_set_up_is_not_ready),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

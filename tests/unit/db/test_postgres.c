#include "testing.h"

#include "memory_dump.h"
#include "scripted_runner.h"

#include <stdio.h>

static const char globals[] =
    "--\n-- PostgreSQL database cluster dump\n--\n\n"
    "CREATE ROLE app;\nALTER ROLE app WITH LOGIN;\nCREATE ROLE postgres;\n"
    "--\n-- PostgreSQL database cluster dump complete\n--\n\n";
static const char shop[] =
    "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.a (x int);\n"
    "CREATE TABLE public.b (x int);\nCOPY public.a (x) FROM stdin;\n1\n\\.\n"
    "--\n-- PostgreSQL database dump complete\n--\n\n";
static const char plain[] = "--\n-- PostgreSQL database dump\n--\n\n"
			    "--\n-- PostgreSQL database dump complete\n--\n\n";

/* Databases "postgres", "shop" and the template "template1". */
#define LIST "706f737467726573|0|1|100\n73686f70|0|1|200\n74656d706c61746531|1|1|50\n"

/* What the catalogue lists, and how many rows it counts: public.a with one, public.b without.
 */
#define TABLES "TABLE|1||7075626c6963|61\nTABLE|1||7075626c6963|62\n"
#define ROWS "1|1|7075626c6963|61\n0|0|7075626c6963|62\n"
#define CATALOGUE(tables, rows)                                                \
	{ "'FOREIGN TABLE'", tables }, { "row_security = off", rows },         \
	    { "pg_tablespace", "ROLE|1|||617070\n" }, { "LARGE OBJECTS", "" }, \
	{                                                                      \
		"|1|", ""                                                      \
	}
/* The data folder is /d; pg_hba.conf and pg_ident.conf lie elsewhere. */
#define FILES                                                               \
	{                                                                   \
		"current_setting('hba_file')",                              \
		    "2f64|2f642f706f737467726573716c2e636f6e66|2f65|2f65\n" \
	}
/* What is in such a file, "port = 5432\n"; and the way to a template. */
#define BEHIND_THE_FENCE                                                  \
	{ "pg_read_binary_file", "706f7274203d20353433320a\n" },          \
	{                                                                 \
		"\\connect -reuse-previous=on 'dbname=''template1'''", "" \
	}

/* One session is asked for the tools, then for what each database has, and is kept where it
 * began.
 */
#define VERSIONS                                                                \
	{                                                                       \
		"\\! pg_dump --version\n\\! pg_dumpall --version\n",            \
		    "pg_dump (PostgreSQL) 15.8\npg_dumpall (PostgreSQL) 15.8\n" \
	}
#define IN(database, question) \
	"\\connect -reuse-previous=on 'dbname=''" database "'''\n" question

static const struct script_answer answers[] = {
	CATALOGUE(TABLES, ROWS),
	{ "LOCK TABLE ONLY %I", "LOCK TABLE ONLY public.a IN ACCESS SHARE MODE;\n" },
	{ "LOCK TABLE ONLY public.a", "" },
	{ "pg_export_snapshot", "00000003-0000001B-1|0/1A2B3C8\n" },
	{ "AND NOT datistemplate", "706f737467726573\n73686f70\n" },
	FILES,
	{ NULL, NULL },
};

/* The postgres database has no table. */
static const struct script_answer answers_of_postgres[] = {
	VERSIONS,
	{ IN("shop", "SELECT count(*)"), "2\n" },
	{ IN("postgres", "SELECT count(*)"), "0\n" },
	{ IN("postgres", "SET idle_session_timeout = 0;"), "" },
	CATALOGUE("", ""),
	{ "SELECT 1;", "1\n" },
	{ "server_version_num", "150008|1|0|15.8\n" },
	{ "pg_database_size", LIST },
	{ "pg_file_settings", "\n" },
	{ "LOCK TABLE ONLY %I", "" },
	{ "BEGIN", "" },
	{ "pg_export_snapshot", "00000003-0000001A-1|0/1A2B390\n" },
	{ "AND NOT datistemplate", "706f737467726573\n73686f70\n" },
	FILES,
	BEHIND_THE_FENCE,
	{ NULL, NULL },
};

static struct script_answer *
answer_to(struct script_answer *all, const char *question)
{
	while (strcmp(all->question, question) != 0)
		all++;
	return all;
}

enum { STEP_GLOBALS = 3, STEP_SHOP = 4, STEP_PSQL_SHOP = 7, STEP_PSQL = 8, STEPS = 12 };

static const struct script_step good[STEPS] = {
	{ "psql", "--version", "psql (PostgreSQL) 15.8\n", 0, NULL, 0, NULL, false },
	{ "pg_dump", "--version", "pg_dump (PostgreSQL) 15.8\n", 0, NULL, 0, NULL, false },
	{ "pg_dumpall", "--version", "pg_dumpall (PostgreSQL) 15.8\n", 0, NULL, 0, NULL,
	    false },
	{ "pg_dumpall", "--globals-only", globals, 0, NULL, 0, NULL, false },
	{ "pg_dump", "dbname='shop'", shop, 0, NULL, 0, NULL, false },
	{ "pg_dump", "dbname='postgres'", plain, 0, NULL, 0, NULL, false },
	{ "pg_dump", "dbname='template1'", plain, 0, NULL, 0, NULL, false },
	{ "psql", "dbname='shop'", NULL, 0, NULL, 0, answers, false },
	{ "psql", "dbname='postgres'", NULL, 0, NULL, 0, answers_of_postgres, false },
	{ "psql", "dbname='template1'", NULL, 0, NULL, 0, answers_of_postgres, false },
	{ "cat", "/d/", "port = 5432\n", 0, NULL, 0, NULL, false },
	{ 0 },
};

/* One connector over a changed copy of the good script. */
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
	if (strv_add(&f->env, "POSTGRES_PASSWORD=se cret", &err))
		abort();
	f->t = (struct db_target){ .service = "db",
		.image = "postgres:15",
		.env = &f->env,
		.runner = &f->runner.base };
	memory_init(&f->dump);
	ok(connector_open(&f->c, &f->t, DB_POSTGRES, &err));
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
backup_is_roles_and_one_dump_for_each_database(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(back_up(&f, &err));
	static const char *const want[] = { "postgresql.conf", "postgresql.auto.conf",
		"globals.sql", "template1.sql", "postgres.sql", "shop.sql" };
	assert_int_equal(f.dump.len, ARRAY_LEN(want));
	for (size_t i = 0; i < f.dump.len; i++) {
		assert_string_equal(f.dump.files[i].name, want[i]);
		assert_true(f.dump.files[i].ended);
	}
	assert_memory_equal(f.dump.files[0].data.data, "port = 5432\n", 12);
	assert_memory_equal(f.dump.files[5].data.data, shop, sizeof shop - 1);

	const struct db_report *r = connector_report(f.c);
	assert_string_equal(r->info.version, "15.8");
	assert_int_equal(r->info.database_count, 2);
	assert_string_equal(r->info.databases[1].name, "shop");
	assert_int_equal(r->info.databases[1].objects, 2);
	assert_int_equal(r->info.bytes, 300);
	assert_string_equal(r->fence.position, "LSN 0/1A2B390 to 0/1A2B3C8");
	assert_true(r->fence.begin_ns > 0 && r->fence.end_ns >= r->fence.begin_ns);
	assert_int_equal(r->stream_count, 6);
	assert_string_equal(r->streams[0].name, "postgresql.conf");
	assert_int_equal(r->streams[0].format, DUMP_FILE);
	assert_string_equal(r->streams[1].name, "postgresql.auto.conf");
	assert_string_equal(r->streams[5].name, "shop.sql");
	assert_string_equal(r->streams[5].database, "shop");
	assert_string_equal(r->streams[5].tool, "pg_dump (PostgreSQL) 15.8");
	assert_int_equal(r->streams[5].bytes, sizeof shop - 1);
	assert_true(strv_has(&r->streams[5].argv, "--snapshot=00000003-0000001B-1"));
}

/* Whether it says that there is none, or ends the session over the question. */
static void
settings_that_the_server_does_not_give_are_read_by_a_tool(void **state)
{
	(void)state;
	static const char *const given[] = { "none\n", NULL };
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		struct err err = ERR_INIT;
		static struct script_answer other[ARRAY_LEN(answers_of_postgres)];
		memcpy(other, answers_of_postgres, sizeof other);
		for (size_t k = 0; other[k].question != NULL; k++)
			if (strcmp(other[k].question, "pg_read_binary_file") == 0)
				other[k].answer = given[i];
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		f.steps[STEP_PSQL].answers = other;
		ok(back_up(&f, &err));
		assert_int_equal(connector_report(f.c)->warnings.len, 0);
		assert_true(script_saw(&f.runner.calls, "cat -- /d/postgresql.conf\n"));
		assert_true(script_saw(&f.runner.calls, "cat -- /d/postgresql.auto.conf\n"));
		const struct memory_file *conf = memory_find(&f.dump, "postgresql.conf");
		assert_int_equal(conf->data.len, 12);
		assert_memory_equal(conf->data.data, "port = 5432\n", 12);
		assert_true(memory_find(&f.dump, "shop.sql")->ended);
	}
}

static void
settings_that_the_server_gives_need_no_tool(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(back_up(&f, &err));
	assert_false(script_saw(&f.runner.calls, "cat "));
}

static void
password_goes_by_environment_and_is_in_no_command_line(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(back_up(&f, &err));
	assert_true(script_saw(&f.runner.env, "PGPASSWORD=se cret\n"));
	assert_false(script_saw(&f.runner.calls, "se cret"));
}

static void
templates_are_dumped_without_a_session_that_would_block_others(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(back_up(&f, &err));
	assert_true(script_saw(&f.runner.calls,
	    "pg_dump --format=plain --create "
	    "--lock-wait-timeout=60s --username=postgres --no-password "
	    "--dbname=dbname='template1'\n"));
}

static void
tables_are_locked_before_the_snapshot(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(back_up(&f, &err));
	const char *asked = buf_cstr(&f.runner.asked);
	const char *lock =
	    strstr(asked, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ "
			  "ONLY;\nLOCK TABLE ONLY public.a IN ACCESS SHARE MODE;\n");
	assert_non_null(lock);
	assert_true(lock < strstr(asked, "pg_export_snapshot"));
}

/* The first query of a repeatable read transaction fixes what it sees. */
static void
nothing_is_selected_between_the_locks_and_the_fence(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	struct db_fence fence;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(connector_check(f.c, &info, &err));
	f.runner.asked.len = 0;
	ok(connector_prepare(f.c, &err));
	/* Up to the next session's first question, which is outside its transaction. */
	const char *at = buf_cstr(&f.runner.asked);
	while ((at = strstr(at, "BEGIN TRANSACTION")) != NULL) {
		assert_ptr_equal(strstr(at, "SELECT "), strstr(at, "SELECT format("));
		at += strlen("BEGIN");
	}
	f.runner.asked.len = 0;
	ok(connector_fence(f.c, &fence, &err));
	static const char first[] = "SELECT pg_export_snapshot()";
	assert_memory_equal(buf_cstr(&f.runner.asked), first, sizeof first - 1);
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
	f.steps[STEP_PSQL] = (struct script_step){ "psql", NULL, NULL, 0,
		"psql: error: FATAL:  password authentication failed for user \"postgres\"\n",
		2, none, false };
	refused(connector_check(f.c, &info, &err), ERR_DENIED,
	    "service db: PostgreSQL refuses user \"postgres\": psql ended with status 2: psql: "
	    "error: "
	    "FATAL:  password authentication failed for user \"postgres\"; give the password "
	    "now in "
	    "use as POSTGRES_PASSWORD (or _FILE) in the service's environment");
}

static void
server_that_does_not_answer_is_transient(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	static const struct script_answer none[] = { { NULL, NULL } };
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_PSQL] = (struct script_step){ "psql", NULL, NULL, 0,
		"psql: error: connection to server failed: No such file or directory\n", 2,
		none, false };
	refused(connector_check(f.c, &info, &err), ERR_TRANSIENT,
	    "service db: PostgreSQL does not answer: psql ended with status 2: psql: error: "
	    "connection "
	    "to server failed: No such file or directory");
}

static void
container_without_the_tools_is_told(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	static struct script_answer other[ARRAY_LEN(answers_of_postgres)];
	memcpy(other, answers_of_postgres, sizeof other);
	other[0].answer = "pg_dumpall (PostgreSQL) 15.8\n";
	f.steps[STEP_PSQL].answers = other;
	f.steps[1].absent = true;
	refused(connector_check(f.c, &info, &err), ERR_USAGE,
	    "service db: the container has no pg_dump, which is needed to read its database");
	f.steps[1].absent = false;
	f.steps[1].status = 127;
	refused(connector_check(f.c, &info, &err), ERR_USAGE,
	    "service db: the container has no pg_dump, which is needed to read its database");
}

/* One that says nothing, nothing of use, or ends over it, as where there is no shell. */
static void
client_that_does_not_tell_of_tools_is_not_needed_for_it(void **state)
{
	(void)state;
	static const char *const given[] = { "", "pg_dump (PostgreSQL) 15.8\n", "?\n", NULL };
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		struct err err = ERR_INIT;
		static struct script_answer other[ARRAY_LEN(answers_of_postgres)];
		memcpy(other, answers_of_postgres, sizeof other);
		other[0].answer = given[i];
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		f.steps[STEP_PSQL].answers = other;
		ok(back_up(&f, &err));
		assert_true(script_saw(&f.runner.calls, "pg_dump --version\n"));
		const struct db_report *r = connector_report(f.c);
		assert_string_equal(r->streams[5].tool, "pg_dump (PostgreSQL) 15.8");
		assert_string_equal(r->streams[2].tool, "pg_dumpall (PostgreSQL) 15.8");
	}
}

static void
client_that_is_missing_is_told(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[0].absent = true;
	f.steps[STEP_PSQL].absent = true;
	refused(connector_check(f.c, &info, &err), ERR_USAGE,
	    "service db: the container has no psql, which is needed to read its database");
}

/* Each program that the engine starts in a container costs a tenth of a second. */
static void
whole_backup_starts_two_clients_and_the_dumps(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(back_up(&f, &err));
	size_t lines = 0;
	for (const char *at = buf_cstr(&f.runner.calls); (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	/* Of two databases each has a session of its own; one more asks behind the fence. */
	assert_int_equal(lines, 3 + 4);
}

/* psql takes double quotes out of what \connect is given, also between single ones. */
static void
database_with_quotes_in_its_name_is_connected_to(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	static struct script_answer other[ARRAY_LEN(answers_of_postgres) + 1] = {
		{ IN("o\"\"\"\"d\\\\''", "SELECT count(*)"), "0\n" },
	};
	memcpy(other + 1, answers_of_postgres, sizeof answers_of_postgres);
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_PSQL].answers = other;
	answer_to(other, "pg_database_size")->answer = LIST "6f226427|0|1|300\n";
	ok(connector_check(f.c, &info, &err));
	size_t known = 0;
	for (size_t i = 0; i < info->database_count; i++)
		known += strcmp(info->databases[i].name, "o\"d'") == 0;
	assert_int_equal(known, 1);
}

/* What was kept since the check may have been ended by a server that was started again. */
static void
session_that_has_ended_since_the_check_is_opened_again(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	struct db_fence fence;
	static struct script_answer other[ARRAY_LEN(answers_of_postgres)];
	memcpy(other, answers_of_postgres, sizeof other);
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_PSQL].answers = other;
	ok(connector_check(f.c, &info, &err));
	f.runner.calls.len = 0;
	answer_to(other, "SELECT 1;")->answer = NULL;
	ok(connector_prepare(f.c, &err));
	/* The dead one's place, and that of the database itself. */
	const char *calls = buf_cstr(&f.runner.calls);
	const char *first = strstr(calls, "dbname='postgres'");
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "dbname='postgres'"));
	ok(connector_fence(f.c, &fence, &err));
	ok(connector_drain(f.c, &f.dump.sink, &err));
	assert_true(memory_find(&f.dump, "globals.sql")->ended);
}

static void
warnings_name_what_is_not_captured(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	static const struct script_answer odd[] = {
		VERSIONS,
		{ "SELECT 1;", "1\n" },
		{ "server_version_num", "100023|0|1|10.23\n" },
		{ "pg_database_size", "706f737467726573|0|1|100\n6f6666|0|0|0\n" },
		{ IN("postgres", "SELECT count(*)"), "0\n" },
		{ IN("postgres", "\nSET stacksnap.token"), "" },
		{ NULL, NULL },
	};
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_PSQL].answers = odd;
	ok(connector_check(f.c, &info, &err));
	assert_int_equal(info->warnings.len, 4);
	assert_string_equal(info->warnings.items[0],
	    "PostgreSQL 10 does not dump rights on databases and their settings: they are not "
	    "captured");
	assert_string_equal(info->warnings.items[1],
	    "user \"postgres\" is no superuser: passwords of roles are not captured");
	assert_string_equal(info->warnings.items[2],
	    "the server is a standby: its state may be behind its primary's");
	assert_string_equal(info->warnings.items[3],
	    "database \"off\" accepts no connections: it is not captured");
}

static void
version_before_10_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	static const struct script_answer old[] = {
		VERSIONS,
		{ "SELECT 1;", "1\n" },
		{ "server_version_num", "90624|1|0|9.6.24\n" },
		{ NULL, NULL },
	};
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_PSQL].answers = old;
	refused(connector_check(f.c, &info, &err), ERR_UNSUPPORTED,
	    "service db: PostgreSQL 9.6.24 is too old: 10 is the oldest that can be captured");
}

static void
dump_tool_that_fails_is_never_a_success(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *errors;
		const char *want;
	} cases[] = {
		{ 1, "pg_dump: error: query failed\npg_dump: detail: x\n",
		    "service db: shop.sql: pg_dump ended with status 1 after 20 bytes: "
		    "pg_dump: error: "
		    "query failed | pg_dump: detail: x" },
		{ 137, "",
		    "service db: shop.sql: pg_dump ended with status 137 after 20 bytes: it "
		    "said "
		    "nothing" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		f.steps[STEP_SHOP].out_len = 20;
		f.steps[STEP_SHOP].status = cases[i].status;
		f.steps[STEP_SHOP].errors = cases[i].errors;
		refused(back_up(&f, &err), ERR_INCOMPLETE, cases[i].want);
		assert_false(memory_find(&f.dump, "shop.sql")->ended);
	}
}

/* Even a whole dump does not count when the tool says that it failed. */
static void
whole_dump_of_a_tool_that_fails_does_not_count(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_SHOP].status = 1;
	assert_int_equal(back_up(&f, &err), ERR_INCOMPLETE);
	assert_false(memory_find(&f.dump, "shop.sql")->ended);
}

static void
tool_that_exits_0_after_nothing_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_SHOP].out = "";
	f.steps[STEP_SHOP].errors = "pg_dump: warning: odd\n";
	refused(back_up(&f, &err), ERR_INCOMPLETE,
	    "service db: shop.sql: pg_dump said \"pg_dump: warning: odd\": the dump is empty");
}

static void
dump_cut_at_any_byte_is_refused(void **state)
{
	(void)state;
	size_t whole = sizeof shop - 1;
	for (size_t len = 1; len < whole; len++) {
		struct err err = ERR_INIT;
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		f.steps[STEP_SHOP].out_len = len;
		char want[200];
		snprintf(want, sizeof want,
		    "service db: shop.sql: the dump is cut off: %zu bytes came, without the "
		    "end mark "
		    "\"-- PostgreSQL database dump complete\"",
		    len);
		refused(back_up(&f, &err), ERR_INCOMPLETE, want);
		assert_false(memory_find(&f.dump, "shop.sql")->ended);
	}
}

static void
roles_cut_off_are_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_GLOBALS].out_len = 60;
	refused(back_up(&f, &err), ERR_INCOMPLETE,
	    "service db: globals.sql: the dump is cut off: 60 bytes came, without the end mark "
	    "\"-- "
	    "PostgreSQL database cluster dump complete\"");
	assert_false(memory_find(&f.dump, "globals.sql")->ended);
	assert_null(memory_find(&f.dump, "shop.sql"));
}

static void
dump_without_tables_of_a_database_that_has_some_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_SHOP].out = plain;
	refused(back_up(&f, &err), ERR_INCOMPLETE,
	    "service db: shop.sql: the dump lacks 2 of 2 objects: TABLE public.a, TABLE "
	    "public.b");
}

#define PG_BEGIN "--\n-- PostgreSQL database dump\n--\n\n"
#define PG_END "--\n-- PostgreSQL database dump complete\n--\n\n"
#define PG_TABLES "CREATE TABLE public.a (x int);\nCREATE TABLE public.b (x int);\n"

static void
dump_that_lies_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *dump;
		const char *want;
	} cases[] = {
		{ PG_BEGIN "CREATE TABLE public.a (x int);\nCOPY public.a (x) FROM stdin;\n"
			   "CREATE TABLE public.b (x int);\n\\.\n" PG_END,
		    "the dump lacks 1 of 2 objects: TABLE public.b" },
		{ PG_BEGIN PG_TABLES PG_END,
		    "the dump has 0 rows of table public.a, the server had 1" },
		{ PG_BEGIN PG_TABLES "COPY public.a (x) FROM stdin;\n1\n2\n\\.\n" PG_END,
		    "the dump has 2 rows of table public.a, the server had 1" },
		{ PG_BEGIN PG_TABLES "COPY public.a (x) FROM stdin;\n1\n" PG_END,
		    "the dump is cut off among the rows of a table, behind 5 of them" },
		{ PG_BEGIN "\\restrict abc\n\n" PG_TABLES
			   "COPY public.a (x) FROM stdin;\n1\n\\.\n" PG_END,
		    "the dump is cut off: \\unrestrict is missing at its end" },
		{ PG_BEGIN "-- Dumped from database version 14.9 (Debian)\n" PG_TABLES
			   "COPY public.a (x) FROM stdin;\n1\n\\.\n" PG_END,
		    "the dump is of a server 14.9 (Debian), this one is 15.8" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		char want[200];
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		f.steps[STEP_SHOP].out = cases[i].dump;
		snprintf(want, sizeof want, "service db: shop.sql: %s", cases[i].want);
		refused(back_up(&f, &err), ERR_INCOMPLETE, want);
		assert_false(memory_find(&f.dump, "shop.sql")->ended);
	}
}

static void
globals_without_a_role_are_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_GLOBALS].out = "--\n-- PostgreSQL database cluster dump\n--\n\n"
				    "CREATE ROLE postgres;\n"
				    "--\n-- PostgreSQL database cluster dump complete\n--\n\n";
	refused(back_up(&f, &err), ERR_INCOMPLETE,
	    "service db: globals.sql: the dump lacks 1 of 1 objects: ROLE app");
}

static void
what_a_tool_says_beside_a_good_dump_is_a_warning(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_SHOP].errors = "pg_dump: warning: odd\n";
	ok(back_up(&f, &err));
	const struct db_report *r = connector_report(f.c);
	assert_int_equal(r->warnings.len, 1);
	assert_string_equal(r->warnings.items[0], "pg_dump said: pg_dump: warning: odd");
	assert_int_equal(census_find(r->streams[5].census, CENSUS_ROWS, "public.a")->count, 1);
}

static void
session_that_dies_at_the_fence_is_told(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	static struct script_answer dying[ARRAY_LEN(answers)];
	memcpy(dying, answers, sizeof answers);
	answer_to(dying, "pg_export_snapshot")->answer = NULL;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_PSQL_SHOP].answers = dying;
	f.steps[STEP_PSQL_SHOP].status = 2;
	f.steps[STEP_PSQL_SHOP].errors = "server closed the connection unexpectedly\n";
	refused(back_up(&f, &err), ERR_IO,
	    "service db: database shop: psql ended with status 2: server closed the connection "
	    "unexpectedly");
	assert_int_equal(f.dump.len, 0);
}

static void
database_made_meanwhile_is_told(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	static struct script_answer more[ARRAY_LEN(answers_of_postgres)];
	memcpy(more, answers_of_postgres, sizeof more);
	answer_to(more, "AND NOT datistemplate")->answer =
	    "706f737467726573\n73686f70\n6e6577\n";
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.steps[STEP_PSQL].answers = more;
	refused(back_up(&f, &err), ERR_TRANSIENT,
	    "service db: database \"new\" was created while the backup was prepared; try "
	    "again");
}

static void
closing_in_the_middle_ends_every_session(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	struct db_fence fence;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(connector_check(f.c, &info, &err));
	assert_int_equal(f.runner.live, 1);
	ok(connector_prepare(f.c, &err));
	ok(connector_fence(f.c, &fence, &err));
	assert_int_equal(f.runner.live, 3);
	/* fixture_auto closes and asserts that none is left. */
}

/* A server to restore into: it holds "postgres" and "old", and takes what it is given. */
static const struct script_answer fresh[] = {
	{ "SELECT 1;", "1\n" },
	{ "SHOW listen_addresses", "*\n" },
	{ "datname NOT IN", "706f737467726573\n6f6c64\n" },
	{ "DROP DATABASE", "" },
	{ "DROP ROLE", "" },
	{ "CHECKPOINT", "" },
	{ NULL, NULL },
};

static const struct script_step load_steps[] = {
	{ "psql", "synchronous_commit=off", NULL, 0, NULL, 0, NULL, false },
	{ "psql", NULL, NULL, 0, NULL, 0, fresh, false },
	{ 0 },
};

static void
load_init(struct fixture *f)
{
	fixture_init(f);
	memcpy(f->steps, load_steps, sizeof load_steps);
	memory_put(&f->dump, "globals.sql", globals, sizeof globals - 1);
	memory_put(&f->dump, "postgres.sql", plain, sizeof plain - 1);
	memory_put(&f->dump, "shop.sql", shop, sizeof shop - 1);
	memory_put(&f->dump, "template1.sql", plain, sizeof plain - 1);
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
	assert_true(script_saw(&f.runner.asked, "DROP DATABASE \"old\";\n"));
	assert_true(script_saw(&f.runner.asked, "DROP DATABASE \"template1\";\n"));
	/* The account that restores is there already; all else is fed as it was dumped. */
	assert_true(script_saw(&f.runner.input, "CREATE ROLE app;\nALTER ROLE app WITH LOGIN;\n"
						"--EATE ROLE postgres;\n"));
	assert_true(script_saw(&f.runner.input, shop));
	assert_false(script_saw(&f.runner.calls, "se cret"));
}

static void
dump_that_psql_refuses_is_told_with_its_words(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	load_init(&f);
	f.steps[0].status = 3;
	f.steps[0].errors = "psql:<stdin>:5: ERROR:  role \"x\" does not exist\n";
	char want[200];
	snprintf(want, sizeof want,
	    "service db: load globals.sql: psql ended with status 3 after %zu bytes: "
	    "psql:<stdin>:5: ERROR:  role \"x\" does not exist",
	    sizeof globals - 1);
	refused(connector_load(f.c, &f.dump.source, &err), ERR_IO, want);
}

static void
dump_file_that_is_cut_off_is_not_loaded_as_a_whole_one(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	load_init(&f);
	memory_find(&f.dump, "shop.sql")->data.len = 50;
	refused(connector_load(f.c, &f.dump.source, &err), ERR_INCOMPLETE,
	    "service db: load shop.sql: the dump is cut off: 50 bytes came, without the end "
	    "mark "
	    "\"-- PostgreSQL database dump complete\"");
}

static void
dataset_without_roles_is_refused_before_anything_is_dropped(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	load_init(&f);
	f.dump.files[0].name[0] = 'x';
	refused(connector_load(f.c, &f.dump.source, &err), ERR_CORRUPT,
	    "service db: the dataset holds no globals.sql");
	assert_int_equal(f.runner.asked.len, 0);
}

static void
server_of_the_images_set_up_is_not_ready(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	static const struct script_answer setting_up[] = {
		{ "SELECT 1;", "1\n" },
		{ "SHOW listen_addresses", "\n" },
		{ NULL, NULL },
	};
	AUTO(fixture) struct fixture f;
	load_init(&f);
	f.steps[1].answers = setting_up;
	refused(connector_wait_ready(f.c, 0, &err), ERR_TRANSIENT,
	    "service db: PostgreSQL is not ready after 0 ms: the image's entrypoint is still "
	    "setting "
	    "it up");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backup_is_roles_and_one_dump_for_each_database),
		cmocka_unit_test(settings_that_the_server_does_not_give_are_read_by_a_tool),
		cmocka_unit_test(settings_that_the_server_gives_need_no_tool),
		cmocka_unit_test(password_goes_by_environment_and_is_in_no_command_line),
		cmocka_unit_test(
		    templates_are_dumped_without_a_session_that_would_block_others),
		cmocka_unit_test(tables_are_locked_before_the_snapshot),
		cmocka_unit_test(nothing_is_selected_between_the_locks_and_the_fence),
		cmocka_unit_test(refused_password_says_what_to_do),
		cmocka_unit_test(server_that_does_not_answer_is_transient),
		cmocka_unit_test(container_without_the_tools_is_told),
		cmocka_unit_test(client_that_does_not_tell_of_tools_is_not_needed_for_it),
		cmocka_unit_test(client_that_is_missing_is_told),
		cmocka_unit_test(whole_backup_starts_two_clients_and_the_dumps),
		cmocka_unit_test(database_with_quotes_in_its_name_is_connected_to),
		cmocka_unit_test(session_that_has_ended_since_the_check_is_opened_again),
		cmocka_unit_test(warnings_name_what_is_not_captured),
		cmocka_unit_test(version_before_10_is_refused),
		cmocka_unit_test(dump_tool_that_fails_is_never_a_success),
		cmocka_unit_test(whole_dump_of_a_tool_that_fails_does_not_count),
		cmocka_unit_test(tool_that_exits_0_after_nothing_is_refused),
		cmocka_unit_test(dump_cut_at_any_byte_is_refused),
		cmocka_unit_test(roles_cut_off_are_refused),
		cmocka_unit_test(dump_without_tables_of_a_database_that_has_some_is_refused),
		cmocka_unit_test(dump_that_lies_is_refused),
		cmocka_unit_test(globals_without_a_role_are_refused),
		cmocka_unit_test(what_a_tool_says_beside_a_good_dump_is_a_warning),
		cmocka_unit_test(session_that_dies_at_the_fence_is_told),
		cmocka_unit_test(database_made_meanwhile_is_told),
		cmocka_unit_test(closing_in_the_middle_ends_every_session),
		cmocka_unit_test(load_empties_the_server_and_feeds_every_dump),
		cmocka_unit_test(dump_that_psql_refuses_is_told_with_its_words),
		cmocka_unit_test(dump_file_that_is_cut_off_is_not_loaded_as_a_whole_one),
		cmocka_unit_test(dataset_without_roles_is_refused_before_anything_is_dropped),
		cmocka_unit_test(server_of_the_images_set_up_is_not_ready),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

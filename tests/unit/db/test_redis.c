#include "testing.h"

#include "memory_dump.h"
#include "rdb_sample.h"
#include "scripted_runner.h"
#include "sys/fd.h"
#include "sys/thread.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define CONNECTIONS 8

/* A server in a few threads, one for each connection, with the faults that a test asks for. */
struct fake_server {
	struct runner base;
	struct scripted_runner tools;
	const char *password; /* NULL: none */
	const char *keyspace;
	bool forbids_config;
	bool is_busy;
	bool keeps_alive; /* newlines before the reply and before the file */
	uint64_t offset; /* that INFO tells */
	const char *psync; /* what PSYNC answers; NULL: a full synchronisation */
	struct buf rdb;
	size_t cut; /* close after so many bytes of the file, mark included; 0: never */
	pthread_mutex_t lock;
	char delay[16]; /* repl-diskless-sync-delay, under lock */
	char diskless[16]; /* repl-diskless-sync, under lock */
	bool forked_at_once;
	pthread_t threads[CONNECTIONS];
	size_t connections;
	bool cannot_dial;
};

struct connection {
	struct fake_server *server;
	int fd;
	bool logged_in;
	bool can_eof;
	char args[8][128];
	size_t count;
};

static const char mark[] = "0123456789abcdef0123456789abcdef01234567";

static void
say(int fd, const char *text)
{
	struct err err;
	enum err_code rc = fd_write_all(fd, text, strlen(text), &err);
	(void)rc; /* the other side may be gone */
}

static bool
read_line(int fd, char *line, size_t size)
{
	size_t n = 0;
	while (read(fd, &line[n], 1) == 1) {
		if (line[n] == '\n') {
			line[n > 0 ? n - 1 : 0] = '\0';
			return true;
		}
		if (++n == size)
			return false;
	}
	return false;
}

static bool
read_command(struct connection *c)
{
	char line[64];
	if (!read_line(c->fd, line, sizeof line) || line[0] != '*')
		return false;
	c->count = strtoul(line + 1, NULL, 10);
	for (size_t i = 0; i < c->count && i < ARRAY_LEN(c->args); i++)
		if (!read_line(c->fd, line, sizeof line) ||
		    !read_line(c->fd, c->args[i], sizeof c->args[i]))
			return false;
	return true;
}

static void
say_string(int fd, const char *text)
{
	char head[32];
	snprintf(head, sizeof head, "$%zu\r\n", strlen(text));
	say(fd, head);
	say(fd, text);
	say(fd, "\r\n");
}

static void
answer_info(struct connection *c)
{
	struct fake_server *s = c->server;
	char text[1024];
	snprintf(text, sizeof text,
	    "# Server\r\nredis_version:7.0.15\r\n# Persistence\r\nloading:0\r\n"
	    "rdb_bgsave_in_progress:%d\r\naof_rewrite_in_progress:0\r\n# Replication\r\n"
	    "role:master\r\nmaster_repl_offset:%llu\r\nused_memory_dataset:1000\r\n# "
	    "Keyspace\r\n%s",
	    s->is_busy, (unsigned long long)s->offset, s->keyspace);
	say_string(c->fd, text);
}

static char *
setting(struct fake_server *s, const char *name)
{
	if (strcmp(name, "repl-diskless-sync") == 0)
		return s->diskless;
	return strcmp(name, "repl-diskless-sync-delay") == 0 ? s->delay : NULL;
}

static void
answer_config(struct connection *c)
{
	struct fake_server *s = c->server;
	if (s->forbids_config) {
		say(c->fd, "-ERR unknown command 'CONFIG'\r\n");
		return;
	}
	pthread_mutex_lock(&s->lock);
	char *value = setting(s, c->args[2]);
	if (strcmp(c->args[1], "SET") == 0) {
		snprintf(value, 16, "%.15s", c->args[3]);
		say(c->fd, "+OK\r\n");
	} else if (value == NULL) {
		say(c->fd, "*0\r\n");
	} else {
		say(c->fd, "*2\r\n");
		say_string(c->fd, c->args[2]);
		say_string(c->fd, value);
	}
	pthread_mutex_unlock(&s->lock);
}

static void
send_file(struct connection *c, bool by_mark)
{
	struct fake_server *s = c->server;
	struct err err;
	AUTO(bufv) struct buf all = BUF_INIT;
	char head[64];
	snprintf(head, sizeof head, "$%zu\r\n", s->rdb.len);
	if (by_mark)
		snprintf(head, sizeof head, "$EOF:%s\r\n", mark);
	say(c->fd, head);
	if (buf_add(&all, s->rdb.data, s->rdb.len, &err) ||
	    (by_mark && buf_str(&all, mark, &err)))
		abort();
	enum err_code rc = fd_write_all(c->fd, all.data, s->cut > 0 ? s->cut : all.len, &err);
	(void)rc;
	if (s->cut == 0 && !by_mark)
		say(c->fd, "*1\r\n$4\r\nPING\r\n"); /* the command stream begins */
}

static void
answer_psync(struct connection *c)
{
	struct fake_server *s = c->server;
	if (s->psync != NULL) {
		say(c->fd, s->psync);
		return;
	}
	pthread_mutex_lock(&s->lock);
	s->forked_at_once = !c->can_eof || strcmp(s->delay, "0") == 0;
	bool by_mark = c->can_eof && strcmp(s->diskless, "yes") == 0;
	pthread_mutex_unlock(&s->lock);
	if (s->keeps_alive)
		say(c->fd, "\n\n");
	say(c->fd, "+FULLRESYNC 8de1787ba490483314a4d30f1c628bc5025eb761 42\r\n");
	if (s->keeps_alive)
		say(c->fd, "\n\n\n");
	send_file(c, by_mark);
}

static void
answer(struct connection *c)
{
	const char *verb = c->args[0];
	const char *password = c->server->password;
	if (strcmp(verb, "AUTH") == 0) {
		bool right = password != NULL && strcmp(c->args[c->count - 1], password) == 0;
		c->logged_in = right;
		say(c->fd, password == NULL
			       ? "-ERR AUTH <password> called without any password "
				 "configured for the default user\r\n"
			   : right ? "+OK\r\n"
				   : "-WRONGPASS invalid username-password pair\r\n");
	} else if (password != NULL && !c->logged_in) {
		say(c->fd, "-NOAUTH Authentication required.\r\n");
	} else if (strcmp(verb, "PING") == 0) {
		say(c->fd, "+PONG\r\n");
	} else if (strcmp(verb, "INFO") == 0) {
		answer_info(c);
	} else if (strcmp(verb, "CONFIG") == 0) {
		answer_config(c);
	} else if (strcmp(verb, "REPLCONF") == 0) {
		c->can_eof = c->can_eof || strcmp(c->args[2], "eof") == 0;
		say(c->fd, "+OK\r\n");
	} else if (strcmp(verb, "PSYNC") == 0) {
		answer_psync(c);
	} else {
		say(c->fd, "-ERR unknown command\r\n");
	}
}

static void *
serve(void *arg)
{
	struct connection *c = arg;
	while (read_command(c)) {
		answer(c);
		if (strcmp(c->args[0], "PSYNC") == 0 && c->server->cut > 0)
			break;
	}
	close(c->fd);
	free(c);
	return NULL;
}

static enum err_code
fake_dial(struct runner *r, const char *address, int *fd, struct err *err)
{
	struct fake_server *s = (struct fake_server *)r;
	int pair[2];
	if (s->cannot_dial)
		return err_set(err, ERR_UNSUPPORTED, "cannot connect to %s from here", address);
	assert_string_equal(address, "tcp:6379");
	assert_true(s->connections < CONNECTIONS);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	struct connection *c = calloc(1, sizeof *c);
	c->server = s;
	c->fd = pair[1];
	if (thread_start(&s->threads[s->connections++], serve, c, "redis", err))
		abort();
	*fd = pair[0];
	return ERR_OK;
}

static enum err_code
fake_start(struct runner *r, const struct run_spec *spec, struct run **out, struct err *err)
{
	struct fake_server *s = (struct fake_server *)r;
	return s->tools.base.ops->start(&s->tools.base, spec, out, err);
}

static const struct runner_ops fake_ops = { fake_start, fake_dial, script_close };

static const struct script_step tools[] = {
	{ "stat", "/data", "999 1000\n", 0, NULL, 0, NULL, false },
	{ 0 },
};

struct fixture {
	struct fake_server server;
	struct strv env;
	struct strv command;
	struct db_target t;
	struct connector *c;
	struct memory_dump dump;
};

static void
add_word(struct strv *v, const char *word)
{
	struct err err;
	if (strv_add(v, word, &err))
		abort();
}

static void
fixture_init(struct fixture *f)
{
	struct err err = ERR_INIT;
	*f = (struct fixture){ .env = STRV_INIT, .command = STRV_INIT };
	f->server.base.ops = &fake_ops;
	scripted_runner_init(&f->server.tools, tools);
	f->server.keyspace =
	    "db0:keys=3,expires=1,avg_ttl=0\r\ndb15:keys=2,expires=0,avg_ttl=0\r\n";
	f->server.offset = 42;
	snprintf(f->server.delay, sizeof f->server.delay, "5");
	snprintf(f->server.diskless, sizeof f->server.diskless, "no");
	pthread_mutex_init(&f->server.lock, NULL);
	rdb_sample(&f->server.rdb, true);
	f->t = (struct db_target){ .service = "cache",
		.image = "redis:7",
		.env = &f->env,
		.command = &f->command,
		.runner = &f->server.base };
	add_word(&f->command, "redis-server");
	memory_init(&f->dump);
	ok(connector_open(&f->c, &f->t, DB_REDIS, &err));
}

static void
fixture_auto(struct fixture *f)
{
	connector_close(f->c);
	for (size_t i = 0; i < f->server.connections; i++)
		pthread_join(f->server.threads[i], NULL);
	/* Whatever happened, the server is left as it was. */
	assert_string_equal(f->server.delay, "5");
	assert_string_equal(f->server.diskless, "no");
	assert_int_equal(f->server.tools.live, 0);
	pthread_mutex_destroy(&f->server.lock);
	scripted_runner_release(&f->server.tools);
	buf_release(&f->server.rdb);
	strv_release(&f->env);
	strv_release(&f->command);
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
assert_whole(struct fixture *f)
{
	struct memory_file *rdb = memory_find(&f->dump, "dump.rdb");
	assert_non_null(rdb);
	assert_true(rdb->ended);
	assert_int_equal(rdb->data.len, f->server.rdb.len);
	assert_memory_equal(rdb->data.data, f->server.rdb.data, rdb->data.len);
}

static void
backup_is_facts_and_the_file_of_a_full_synchronisation(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(back_up(&f, &err));
	assert_whole(&f);
	assert_true(f.server.forked_at_once);
	assert_string_equal(buf_cstr(&memory_find(&f.dump, "server.json")->data),
	    "{\"version\":\"7.0.15\",\"dir\":\"/data\",\"dbfilename\":\"dump.rdb\","
	    "\"appenddirname\":\"appendonlydir\",\"appendfilename\":\"appendonly.aof\","
	    "\"appends\":false,\"appends_configured\":false,\"uid\":999,\"gid\":1000,\"keys\":"
	    "5,"
	    "\"expires\":1}");
	const struct db_report *r = connector_report(f.c);
	assert_string_equal(r->fence.position, "8de1787ba490483314a4d30f1c628bc5025eb761:42");
	assert_string_equal(r->info.version, "7.0.15");
	assert_int_equal(r->info.database_count, 2);
	assert_string_equal(r->info.databases[1].name, "15");
	assert_int_equal(r->info.databases[1].objects, 2);
}

static void
file_of_known_length_ends_before_the_command_stream(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.server.forbids_config = true;
	f.server.keeps_alive = true;
	ok(back_up(&f, &err));
	assert_whole(&f);
	assert_true(f.server.forked_at_once);
}

static void
newlines_that_keep_the_connection_alive_are_no_data(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.server.keeps_alive = true;
	ok(back_up(&f, &err));
	assert_whole(&f);
}

static void
password_is_found_in_command_or_environment(void **state)
{
	(void)state;
	static const char *const places[][2] = { { "--requirepass", NULL },
		{ NULL, "REDIS_PASSWORD" } };
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct err err = ERR_INIT;
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		f.server.password = "se cret";
		if (places[i][0] != NULL) {
			add_word(&f.command, places[i][0]);
			add_word(&f.command, "se cret");
		} else {
			add_word(&f.env, "REDIS_PASSWORD=se cret");
		}
		ok(back_up(&f, &err));
		assert_whole(&f);
	}
}

static void
password_for_a_server_that_wants_none_does_no_harm(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	add_word(&f.env, "REDIS_PASSWORD=x");
	ok(back_up(&f, &err));
}

static void
refused_and_missing_passwords_say_what_to_do(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.server.password = "se cret";
	refused(connector_check(f.c, &info, &err), ERR_DENIED,
	    "service cache: Redis wants a password and none is known: NOAUTH Authentication "
	    "required.; give it as --requirepass in the service's command or as REDIS_PASSWORD "
	    "(or "
	    "_FILE) in its environment");
	add_word(&f.env, "REDIS_PASSWORD=wrong");
	refused(connector_check(f.c, &info, &err), ERR_DENIED,
	    "service cache: Redis refuses the password: WRONGPASS invalid username-password "
	    "pair; "
	    "give the one now in use as --requirepass in the service's command or as "
	    "REDIS_PASSWORD "
	    "(or _FILE) in its environment");
}

static void
file_cut_at_any_byte_is_refused(void **state)
{
	(void)state;
	for (int by_length = 0; by_length < 2; by_length++) {
		AUTO(bufv) struct buf rdb = BUF_INIT;
		rdb_sample(&rdb, true);
		size_t whole = rdb.len + (by_length ? 0 : sizeof mark - 1);
		for (size_t cut = 1; cut < whole; cut++) {
			struct err err = ERR_INIT;
			AUTO(fixture) struct fixture f;
			fixture_init(&f);
			f.server.forbids_config = by_length == 1;
			f.server.cut = cut;
			char want[200];
			snprintf(want, sizeof want,
			    by_length
				? "service cache: dump.rdb: the server closed the connection "
				  "after %zu of %zu bytes"
				: "service cache: dump.rdb: the server closed the connection "
				  "after %zu bytes, before the file's end",
			    cut, rdb.len);
			refused(back_up(&f, &err), ERR_INCOMPLETE, want);
			assert_false(memory_find(&f.dump, "dump.rdb")->ended);
		}
	}
}

static void
wrong_checksum_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.server.rdb.data[40] ^= 1;
	refused_like(back_up(&f, &err), ERR_INCOMPLETE,
	    "service cache: dump.rdb: the dump's checksum is wrong: it says ");
	assert_false(memory_find(&f.dump, "dump.rdb")->ended);
}

static void
missing_checksum_is_a_warning(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	memset(f.server.rdb.data + f.server.rdb.len - 8, 0, 8);
	ok(back_up(&f, &err));
	const struct db_report *r = connector_report(f.c);
	assert_int_equal(r->warnings.len, 1);
	assert_string_equal(r->warnings.items[0],
	    "the server runs with rdbchecksum no: only the length and the end mark of its dump "
	    "could "
	    "be checked");
}

static void
empty_file_of_a_server_with_keys_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	buf_release(&f.server.rdb);
	rdb_sample(&f.server.rdb, false);
	refused(back_up(&f, &err), ERR_INCOMPLETE,
	    "service cache: dump.rdb: the dump holds no key, the server had 5");
}

static void
empty_file_of_an_empty_server_is_fine(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.server.keyspace = "";
	buf_release(&f.server.rdb);
	rdb_sample(&f.server.rdb, false);
	ok(back_up(&f, &err));
	assert_whole(&f);
}

static void
older_file_of_another_replica_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.server.offset = 43;
	refused(back_up(&f, &err), ERR_TRANSIENT,
	    "service cache: another replica's synchronisation was under way: its state (offset "
	    "42) is "
	    "older than the fence (43); try again");
}

static void
server_that_refuses_to_synchronise_is_told_in_its_words(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	f.server.psync = "-NOMASTERLINK Can't SYNC while not connected with my master\r\n";
	refused(back_up(&f, &err), ERR_IO,
	    "service cache: the server refuses a full synchronisation: NOMASTERLINK Can't SYNC "
	    "while "
	    "not connected with my master");
}

static void
cancelled_wait_for_a_busy_server_ends(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	struct cancel cancel;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(cancel_init(&cancel, &err));
	f.server.is_busy = true;
	ok(connector_check(f.c, &info, &err));
	cancel_raise(&cancel);
	f.t.cancel = &cancel;
	refused_like(connector_prepare(f.c, &err), ERR_CANCELLED, "service cache: ");
	cancel_release(&cancel);
}

static void
put_facts(struct fixture *f, const char *facts)
{
	memory_put(&f->dump, "server.json", facts, strlen(facts));
	memory_put(&f->dump, "dump.rdb", f->server.rdb.data, f->server.rdb.len);
}

#define FACTS(version, dir, append)                                                    \
	"{\"version\":\"" version "\",\"dir\":\"/data\",\"dbfilename\":\"d.rdb\"," dir \
	"\"appendfilename\":\"a.aof\"," append                                         \
	"\"uid\":999,\"gid\":1000,\"keys\":5,\"expires\":1}"
#define FOLDER "\"appenddirname\":\"aof\","
#define CONFIGURED "\"appends\":true,\"appends_configured\":true,"
#define AT_RUN_TIME "\"appends\":true,\"appends_configured\":false,"

static void
restored_files_are_those_that_the_server_will_read(void **state)
{
	(void)state;
	static const struct {
		const char *facts;
		const char *files[6];
	} cases[] = {
		{ FACTS("7.2.0", FOLDER, "\"appends\":false,"), { "/data/d.rdb" } },
		{ FACTS("7.2.0", FOLDER, CONFIGURED),
		    { "/data/aof", "/data/aof/a.aof.1.base.rdb", "/data/aof/a.aof.manifest" } },
		{ FACTS("7.2.0", FOLDER, AT_RUN_TIME),
		    { "/data/d.rdb", "/data/aof", "/data/aof/a.aof.1.base.rdb",
			"/data/aof/a.aof.manifest" } },
		{ FACTS("6.2.0", "", CONFIGURED), { "/data/a.aof" } },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		AUTO(fixture) struct fixture f;
		AUTO(memory) struct memory_dump placed;
		fixture_init(&f);
		memory_init(&placed);
		put_facts(&f, cases[i].facts);
		ok(connector_restore_files(f.c, &f.dump.source, &placed.files_sink, &err));
		for (size_t k = 0; k < placed.len || cases[i].files[k] != NULL; k++) {
			assert_non_null(cases[i].files[k]);
			assert_true(k < placed.len);
			assert_string_equal(placed.files[k].name, cases[i].files[k]);
			bool is_folder = S_ISDIR(placed.files[k].mode);
			assert_true(is_folder || placed.files[k].data.len > 0);
		}
		struct memory_file *manifest = memory_find(&placed, "/data/aof/a.aof.manifest");
		if (manifest != NULL)
			assert_string_equal(
			    buf_cstr(&manifest->data), "file a.aof.1.base.rdb seq 1 type b\n");
	}
}

static void
append_only_file_before_version_4_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	AUTO(memory) struct memory_dump placed;
	fixture_init(&f);
	memory_init(&placed);
	put_facts(&f, FACTS("3.2.12", "", CONFIGURED));
	refused(connector_restore_files(f.c, &f.dump.source, &placed.files_sink, &err),
	    ERR_UNSUPPORTED,
	    "service cache: version 3.2.12 with appendonly yes cannot start from a dump; "
	    "restore with "
	    "appendonly no");
}

static void
facts_that_lead_outside_the_data_folder_are_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	AUTO(memory) struct memory_dump placed;
	fixture_init(&f);
	memory_init(&placed);
	put_facts(&f,
	    "{\"version\":\"7\",\"dir\":\"/data\",\"dbfilename\":\"../../etc/passwd\","
	    "\"appendfilename\":\"a\"}");
	refused(connector_restore_files(f.c, &f.dump.source, &placed.files_sink, &err),
	    ERR_CORRUPT, "service cache: server.json names a file outside the data folder");
	assert_int_equal(placed.len, 0);
}

static void
damaged_dump_is_not_placed_as_a_whole_one(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	AUTO(memory) struct memory_dump placed;
	fixture_init(&f);
	memory_init(&placed);
	put_facts(&f, FACTS("7.2.0", FOLDER, "\"appends\":false,"));
	memory_find(&f.dump, "dump.rdb")->data.len -= 1;
	refused_like(connector_restore_files(f.c, &f.dump.source, &placed.files_sink, &err),
	    ERR_INCOMPLETE,
	    "service cache: place /data/d.rdb: dump.rdb: the dump is cut off: ");
	assert_false(placed.files[0].ended);
}

static void
server_that_started_without_its_keys_is_noticed(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	put_facts(&f, FACTS("7.2.0", FOLDER, "\"appends\":false,"));
	ok(connector_wait_ready(f.c, 0, &err));
	ok(connector_load(f.c, &f.dump.source, &err));
	f.server.keyspace = "";
	refused(connector_load(f.c, &f.dump.source, &err), ERR_INCOMPLETE,
	    "service cache: the server started with no key, the dump was taken of 5; it may "
	    "read "
	    "another file than /data/d.rdb");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backup_is_facts_and_the_file_of_a_full_synchronisation),
		cmocka_unit_test(file_of_known_length_ends_before_the_command_stream),
		cmocka_unit_test(newlines_that_keep_the_connection_alive_are_no_data),
		cmocka_unit_test(password_is_found_in_command_or_environment),
		cmocka_unit_test(password_for_a_server_that_wants_none_does_no_harm),
		cmocka_unit_test(refused_and_missing_passwords_say_what_to_do),
		cmocka_unit_test(file_cut_at_any_byte_is_refused),
		cmocka_unit_test(wrong_checksum_is_refused),
		cmocka_unit_test(missing_checksum_is_a_warning),
		cmocka_unit_test(empty_file_of_a_server_with_keys_is_refused),
		cmocka_unit_test(empty_file_of_an_empty_server_is_fine),
		cmocka_unit_test(older_file_of_another_replica_is_refused),
		cmocka_unit_test(server_that_refuses_to_synchronise_is_told_in_its_words),
		cmocka_unit_test(cancelled_wait_for_a_busy_server_ends),
		cmocka_unit_test(restored_files_are_those_that_the_server_will_read),
		cmocka_unit_test(append_only_file_before_version_4_is_refused),
		cmocka_unit_test(facts_that_lead_outside_the_data_folder_are_refused),
		cmocka_unit_test(damaged_dump_is_not_placed_as_a_whole_one),
		cmocka_unit_test(server_that_started_without_its_keys_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

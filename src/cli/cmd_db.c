/*
 * db: databases outside of stacks: name them, test them, list them.
 */
#include "cli/db_args.h"
#include "cli/db_try.h"
#include "cli/passphrase.h"
#include "cli/terminal.h"
#include "sys/clock.h"
#include "ui/table.h"

#include <string.h>

/* --- the password --- */

static void
warn_of_argv(struct cli *c)
{
	event_warning(c->events, NULL,
	    "a password in the address is seen by everybody who may list this host's "
	    "processes, and stays in your shell's history: leave it out next time, and it is "
	    "asked for (or give --password-file FILE)");
}

static enum err_code
read_fd(struct cli *c, struct secret **out, struct err *err)
{
	char *end;
	unsigned long fd = strtoul(c->args.password_fd, &end, 10);
	if (*end != '\0' || fd > 65535)
		return err_set(err, ERR_USAGE, "--password-fd takes a number, not '%s'",
		    c->args.password_fd);
	return password_from_fd(out, (int)fd, c->cancel, err);
}

/* NULL when there is no terminal, or just Enter was pressed. */
static enum err_code
ask(struct cli *c, const struct db_site *s, struct secret **out, struct err *err)
{
	char question[256];
	snprintf(question, sizeof question,
	    "Password %s%.60s%s%.100s (none: Enter): ", s->user != NULL ? "of " : "for ",
	    s->user != NULL ? s->user : "", s->user != NULL ? " on " : "",
	    s->host != NULL ? s->host : s->socket);
	if (c->text != NULL)
		text_sink_clear(c->text);
	if (terminal_ask_secret(out, question, c->cancel, err))
		return err->code == ERR_NOT_FOUND ? ERR_OK : err->code;
	if ((*out)->len == 0)
		secret_free(TAKE(*out));
	return ERR_OK;
}

/* Of these the first: --password-file, --password-fd, the address, the terminal. */
static enum err_code
find_password(struct cli *c, struct db_site *s, bool asks, struct err *err)
{
	AUTO(secret) struct secret *given = NULL;
	const struct args *a = &c->args;
	if (a->password_file != NULL && a->password_fd != NULL)
		return err_set(
		    err, ERR_USAGE, "--password-file and --password-fd: give only one");
	if (s->path != NULL)
		return a->password_file == NULL && a->password_fd == NULL
			   ? ERR_OK
			   : err_set(err, ERR_USAGE, "a SQLite file has no password");
	if (s->password != NULL)
		warn_of_argv(c);
	if (a->password_file != NULL) {
		if (password_from_file(&given, a->password_file, c->events, c->cancel, err))
			return err->code;
	} else if (a->password_fd != NULL) {
		if (read_fd(c, &given, err))
			return err->code;
	} else if (s->password == NULL && asks && ask(c, s, &given, err)) {
		return err->code;
	}
	return given != NULL ? db_site_set_password(s, given->data, given->len, err) : ERR_OK;
}

/* --- tags --- */

static enum err_code
set_text(char **field, const char *given, struct err *err)
{
	char *copy = NULL;
	if (given == NULL)
		return ERR_OK;
	if (strcmp(given, "none") != 0 && str_dup(&copy, given, err))
		return err->code;
	free(*field);
	*field = copy;
	return ERR_OK;
}

static enum err_code
set_tags(const struct args *a, struct connection *c, struct err *err)
{
	if (a->project != NULL && connection_check_name(a->project, err))
		return err_wrap(err, "--project");
	if (set_text(&c->env, a->env, err))
		return err->code;
	return set_text(&c->project, a->project, err);
}

/* --- testing --- */

static enum err_code
test(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(connections) struct connections *l = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	if (db_open_list(c, CONNECTIONS_READ, &l, err) ||
	    db_choose(&c->args, l, &c->args.operands, 1, &names, err))
		return err->code;
	if (names.len == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "there is no database to test: 'stacksnap db add' names one");
	if (!c->args.json)
		return db_try_all(c, l, &names, NULL, code, err);
	AUTO(bufv) struct buf out = BUF_INIT;
	AUTO(json) json_t *list = NULL;
	struct json_writer w;
	if (db_try_json(c, l, &names, &list, code, err))
		return err->code;
	cli_result_begin(c, &w, &out, *code);
	json_value(&w, "tests", list);
	return cli_result_end(&w, err);
}

/* --- add and set --- */

/* saved is NULL when nothing was kept, t when nothing was tested. */
static enum err_code
tell_json(struct cli *c, const char *name, const struct connection *saved,
    const struct db_tried *t, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf out = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &out, code);
	json_flag(&w, "dry_run", c->args.dry_run);
	json_arr(&w, "databases");
	if (saved != NULL && db_view_json(&w, saved, err))
		return err->code;
	json_arr_end(&w);
	json_arr(&w, "tests");
	if (t != NULL)
		db_view_test_json(&w, name, t);
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

static enum err_code
tell(struct cli *c, const char *name, const struct connection *saved, const struct db_tried *t,
    enum exit_code code, struct err *err)
{
	if (t != NULL && t->err.code != ERR_OK)
		cli_tell_error(c, &t->err);
	if (c->args.json)
		return tell_json(c, name, saved, t, code, err);
	if (t != NULL && t->err.code == ERR_OK)
		db_view_test_print(&t->test);
	if (saved != NULL)
		printf("database %s %skept\n", name, c->args.dry_run ? "would be " : "is ");
	else
		printf("database %s was not kept (--no-test keeps it untried)\n", name);
	return ERR_OK;
}

/* Test it and keep it; one that cannot be reached is not kept.  Others wait for the list only
 * while it is written. */
static enum err_code
try_and_save(struct cli *c, struct connection *wanted, enum exit_code *code, struct err *err)
{
	AUTO(connections) struct connections *l = NULL;
	AUTO(db_tried) struct db_tried t = DB_TRIED_INIT;
	AUTO(str) char *name = NULL;
	const struct connection *saved = wanted;
	if (str_dup(&name, wanted->name, err))
		return err->code;
	if (!c->args.no_test)
		db_try_one(c, wanted, &t);
	*code = t.code;
	if (t.err.code != ERR_OK) {
		saved = NULL;
	} else if (!c->args.dry_run) {
		if (db_open_list(c, CONNECTIONS_CHANGE, &l, err) ||
		    connections_put(l, wanted, err) || connections_save(l, err))
			return err->code;
		saved = t.test.connection = connections_find(l, name);
	}
	return tell(c, name, saved, c->args.no_test ? NULL : &t, *code, err);
}

static enum err_code
add(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(connections) struct connections *l = NULL;
	AUTO(connection) struct connection wanted = CONNECTION_INIT;
	const char *name = c->args.operands.items[1];
	if (connection_check_name(name, err) ||
	    db_site_parse(&wanted.site, c->args.operands.items[2], err) ||
	    set_tags(&c->args, &wanted, err) || db_open_list(c, CONNECTIONS_READ, &l, err))
		return err->code;
	if (connections_find(l, name) != NULL)
		return err_set(err, ERR_EXISTS,
		    "there is a database called %s: 'stacksnap db set %s' changes it", name,
		    name);
	if (find_password(c, &wanted.site, true, err) || str_dup(&wanted.name, name, err))
		return err->code;
	wanted.added_ns = clock_wall_ns();
	return try_and_save(c, &wanted, code, err);
}

static enum err_code
copy_text(char **out, const char *text, struct err *err)
{
	return text != NULL ? str_dup(out, text, err) : ERR_OK;
}

static enum err_code
copy_site(struct db_site *out, const struct db_site *from, struct err *err)
{
	out->kind = from->kind;
	out->port = from->port;
	if (copy_text(&out->path, from->path, err) || copy_text(&out->host, from->host, err) ||
	    copy_text(&out->socket, from->socket, err) ||
	    copy_text(&out->user, from->user, err) ||
	    copy_text(&out->password, from->password, err) ||
	    copy_text(&out->database, from->database, err) ||
	    copy_text(&out->sslmode, from->sslmode, err) ||
	    copy_text(&out->sslrootcert, from->sslrootcert, err) ||
	    copy_text(&out->sslcert, from->sslcert, err))
		return err->code;
	return copy_text(&out->sslkey, from->sslkey, err);
}

/* A new address keeps the password, if it is one of the same server and user. */
static enum err_code
keep_password(struct db_site *to, const struct db_site *from, struct err *err)
{
	bool is_same =
	    to->password == NULL && from->password != NULL && to->kind == from->kind &&
	    to->port == from->port &&
	    strcmp(to->host != NULL ? to->host : "", from->host != NULL ? from->host : "") ==
		0 &&
	    strcmp(to->user != NULL ? to->user : "", from->user != NULL ? from->user : "") == 0;
	return is_same ? str_dup(&to->password, from->password, err) : ERR_OK;
}

static enum err_code
set(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(connections) struct connections *l = NULL;
	AUTO(connection) struct connection wanted = CONNECTION_INIT;
	const struct args *a = &c->args;
	const struct connection *old;
	bool is_new = a->operands.len > 2;
	bool has_password = a->password_file != NULL || a->password_fd != NULL;
	if (!is_new && !has_password && a->env == NULL && a->project == NULL)
		return err_set(err, ERR_USAGE,
		    "db set: give an address, --password-file, --password-fd, --env or "
		    "--project");
	if (db_open_list(c, CONNECTIONS_READ, &l, err) ||
	    db_find(l, a->operands.items[1], &old, err))
		return err->code;
	if (is_new ? db_site_parse(&wanted.site, a->operands.items[2], err) ||
			 keep_password(&wanted.site, &old->site, err)
		   : copy_site(&wanted.site, &old->site, err))
		return err->code;
	if (str_dup(&wanted.name, old->name, err) || copy_text(&wanted.env, old->env, err) ||
	    copy_text(&wanted.project, old->project, err) || set_tags(a, &wanted, err))
		return err->code;
	wanted.added_ns = old->added_ns;
	if (is_new || has_password) {
		if (find_password(c, &wanted.site, wanted.site.password == NULL, err))
			return err->code;
	} else {
		c->args.no_test = true; /* words alone reach no server */
	}
	return try_and_save(c, &wanted, code, err);
}

/* --- list, show, remove --- */

static enum err_code
print_list(const struct connections *l, const struct strv *names, struct err *err)
{
	static const struct table_column columns[] = { { "NAME", TABLE_LEFT },
		{ "KIND", TABLE_LEFT }, { "ENV", TABLE_LEFT }, { "PROJECT", TABLE_LEFT },
		{ "ADDRESS", TABLE_LEFT } };
	AUTO(table) struct table t;
	table_init(&t, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < names->len; i++) {
		const struct connection *c = connections_find(l, names->items[i]);
		AUTO(str) char *url = NULL;
		if (db_site_url(&url, &c->site, err))
			return err->code;
		table_cell(&t, c->name);
		table_cell(&t, db_site_kind_word(&c->site));
		table_cell(&t, c->env != NULL ? c->env : "-");
		table_cell(&t, c->project != NULL ? c->project : "-");
		table_cell(&t, url);
	}
	if (names->len == 0)
		puts("no databases: 'stacksnap db add NAME URL' names one");
	return names->len > 0 ? table_print(&t, stdout, 0, err) : ERR_OK;
}

static enum err_code
print_json(struct cli *c, const struct connections *l, const struct strv *names,
    enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf out = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &out, code);
	json_arr(&w, "databases");
	for (size_t i = 0; i < names->len; i++)
		if (db_view_json(&w, connections_find(l, names->items[i]), err))
			return err->code;
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

static enum err_code
list(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(connections) struct connections *l = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	if (db_open_list(c, CONNECTIONS_READ, &l, err) ||
	    db_choose(&c->args, l, &c->args.operands, 1, &names, err))
		return err->code;
	return c->args.json ? print_json(c, l, &names, *code, err) : print_list(l, &names, err);
}

static enum err_code
show(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(connections) struct connections *l = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	const struct connection *one;
	if (db_open_list(c, CONNECTIONS_READ, &l, err) ||
	    db_find(l, c->args.operands.items[1], &one, err) ||
	    strv_add(&names, one->name, err))
		return err->code;
	return c->args.json ? print_json(c, l, &names, *code, err) : db_view_print(one, err);
}

static enum err_code
remove_one(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(connections) struct connections *l = NULL;
	const struct connection *one;
	const char *name = c->args.operands.items[1];
	bool changes = !c->args.dry_run;
	if (db_open_list(c, changes ? CONNECTIONS_CHANGE : CONNECTIONS_READ, &l, err) ||
	    db_find(l, name, &one, err))
		return err->code;
	if (changes && (connections_remove(l, name, err) || connections_save(l, err)))
		return err->code;
	if (!c->args.json) {
		printf("database %s %sforgotten; its snapshots stay\n", name,
		    changes ? "is " : "would be ");
		return ERR_OK;
	}
	AUTO(bufv) struct buf out = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &out, *code);
	json_str(&w, "removed", name);
	json_flag(&w, "dry_run", c->args.dry_run);
	return cli_result_end(&w, err);
}

/* --- the command --- */

static const struct verb {
	const char *name;
	size_t min; /* operands behind the verb */
	size_t max;
	const char *usage;
	enum err_code (*run)(struct cli *c, enum exit_code *code, struct err *err);
} verbs[] = {
	{ "add", 2, 2, "NAME URL", add },
	{ "list", 0, SIZE_MAX, "[NAME]...", list },
	{ "show", 1, 1, "NAME", show },
	{ "test", 0, SIZE_MAX, "[NAME]...", test },
	{ "set", 1, 2, "NAME [URL]", set },
	{ "remove", 1, 1, "NAME", remove_one },
};

/* Is an option given that another verb takes? */
static enum err_code
check_options(const struct args *a, const char *verb, struct err *err)
{
	bool saves = strcmp(verb, "add") == 0 || strcmp(verb, "set") == 0;
	bool lists = strcmp(verb, "list") == 0 || strcmp(verb, "test") == 0;
	if (!saves && (a->password_fd != NULL || a->no_test))
		return err_set(
		    err, ERR_USAGE, "--password-fd and --no-test go with db add and db set");
	if (!saves && !lists && (a->env != NULL || a->project != NULL))
		return err_set(
		    err, ERR_USAGE, "--env and --project do not go with db %s", verb);
	if (a->dry_run && lists)
		return err_set(err, ERR_USAGE, "db %s changes nothing anyway", verb);
	return ERR_OK;
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	const struct strv *given = &c->args.operands;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		const struct verb *v = &verbs[i];
		if (strcmp(v->name, given->items[0]) != 0)
			continue;
		if (given->len - 1 < v->min)
			return err_set(err, ERR_USAGE,
			    "something is missing: stacksnap db %s %s", v->name, v->usage);
		if (given->len - 1 > v->max)
			return err_set(err, ERR_USAGE, "db %s: one thing too many: '%s'",
			    v->name, given->items[given->len - 1]);
		if (check_options(&c->args, v->name, err))
			return err->code;
		return v->run(c, code, err);
	}
	return err_set(err, ERR_USAGE, "db: add, list, show, test, set or remove, not '%s'",
	    given->items[0]);
}

static const struct option_def options[] = {
	{ "env", 0, OPTION_VALUE, WORD_CHOICE, "ENV", "prod staging dev none",
	    "add, set: what it is for; list, test: only these", offsetof(struct args, env) },
	{ "project", 0, OPTION_VALUE, WORD_ANY, "NAME", NULL,
	    "add, set: what it belongs to; list, test: only these",
	    offsetof(struct args, project) },
	{ "password-fd", 0, OPTION_VALUE, WORD_ANY, "N", NULL,
	    "add, set: read the database's password from descriptor N",
	    offsetof(struct args, password_fd) },
	{ "no-test", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "add, set: keep it without trying it", offsetof(struct args, no_test) },
	{ "dry-run", 'n', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "test, tell what would be kept or forgotten, and stop",
	    offsetof(struct args, dry_run) },
};

static const struct example examples[] = {
	{ "stacksnap db add shop postgres://backup@db.example.org/shop --env prod",
	    "one database of a server; the password is asked for" },
	{ "stacksnap db add all --password-file pw mariadb://backup@10.0.0.5",
	    "all databases of a server" },
	{ "stacksnap db add cache redis://127.0.0.1 --project shop", "keys of a Redis server" },
	{ "stacksnap db add notes sqlite:/srv/notes/notes.db", "a file" },
	{ "stacksnap db test shop", "does it answer, and may all of it be read?" },
	{ "stacksnap db set shop --password-file new", "another password, tried and kept" },
	{ "stacksnap db list --env prod", "what there is" },
};

const struct command command_db = {
	.name = "db",
	.summary = "name databases outside of stacks, and test them",
	.operands = "add NAME URL|list|show|test|set|remove NAME",
	.about =
	    "A database on any server that this host can reach, by a name of your own.  URL:\n"
	    "postgres://, mysql://, mariadb://, redis://, valkey:// or mongodb:// with\n"
	    "USER@HOST:PORT and, for the first three, /DATABASE (without it: all that the\n"
	    "server has); or\n"
	    "sqlite:PATH.  ?sslmode=require|verify-full|..., ?sslrootcert=FILE and\n"
	    "?socket=PATH may follow.  %XX stands for a byte.  Redis and MongoDB by TLS:\n"
	    "rediss://, valkeys:// and mongodb://HOST?tls=true, which check certificate and\n"
	    "name (sslmode=verify-ca: not the name; require: neither); &sslrootcert=FILE is\n"
	    "their authority, &sslcert=FILE&sslkey=FILE are ours.\n"
	    "\n"
	    "  add      log in, see what there is and whether all of it may be read, and keep\n"
	    "           it.  The password is asked for on the terminal, or read by\n"
	    "           --password-file (which is the database's here: this command opens no\n"
	    "           repository) or --password-fd.\n"
	    "  test     the same again; exit status 3 when something cannot be read\n"
	    "  set      another address, password, environment or project\n"
	    "  remove   forget it; its snapshots stay\n"
	    "\n"
	    "A backup only reads: when the user may write, too, what an administrator says to\n"
	    "make a user that may not is shown.  Passwords are kept sealed in the state "
	    "folder;\n"
	    "the key is databases.key beside them, or what STACKSNAP_DATABASES_KEY names.  "
	    "The\n"
	    "tools of this host do the work: psql and pg_dump (postgresql-client), mariadb "
	    "and\n"
	    "mariadb-dump (mariadb-client); Redis and SQLite need none.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.min_operands = 1,
	.max_operands = SIZE_MAX,
	.word = WORD_CHOICE,
	.choices = "add list show test set remove",
	.has_json = true,
	.run = run,
};

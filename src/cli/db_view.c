#include "cli/db_view.h"

#include "base/counted.h"
#include "ui/escape.h"
#include "ui/format.h"

#include <inttypes.h>

/* So many are shown; --json has more. */
#define SHOWN_MAX 10

bool
db_test_is_partial(const struct connection_test *t)
{
	return t->access.unreadable_count > 0;
}

/* --- JSON --- */

enum err_code
db_view_json(struct json_writer *w, const struct connection *c, struct err *err)
{
	AUTO(str) char *url = NULL;
	if (db_site_url(&url, &c->site, err))
		return err->code;
	json_obj(w, NULL);
	json_str(w, "name", c->name);
	json_str(w, "kind", db_site_kind_word(&c->site));
	json_str(w, "url", url);
	json_flag(w, "has_password", c->site.password != NULL);
	if (c->env != NULL)
		json_str(w, "env", c->env);
	if (c->project != NULL)
		json_str(w, "project", c->project);
	json_i64(w, "added_ns", c->added_ns);
	json_obj_end(w);
	return ERR_OK;
}

static void
databases_json(struct json_writer *w, const struct connection_test *t)
{
	json_arr(w, "databases");
	for (size_t i = 0; i < t->database_count; i++) {
		json_obj(w, NULL);
		json_str(w, "name", t->databases[i].name);
		json_u64(w, "bytes", t->databases[i].bytes);
		json_u64(w, "objects", t->databases[i].objects);
		json_obj_end(w);
	}
	json_arr_end(w);
}

void
db_view_test_json(struct json_writer *w, const char *name, const struct db_tried *t)
{
	const struct db_access *a = &t->test.access;
	json_obj(w, NULL);
	json_str(w, "name", name);
	json_i64(w, "exit_code", t->code);
	json_str(w, "outcome", exit_code_outcome(t->code));
	if (t->err.code != ERR_OK) {
		json_obj(w, "error");
		json_str(w, "code", err_code_word(t->err.code));
		json_str(w, "message", t->err.msg);
		json_obj_end(w);
		json_obj_end(w);
		return;
	}
	json_str(w, "kind", db_site_kind_word(&t->test.connection->site));
	json_str(w, "version", t->test.version);
	if (a->user != NULL)
		json_str(w, "user", a->user);
	json_u64(w, "bytes", t->test.bytes);
	databases_json(w, &t->test);
	json_strings(w, "warnings", &t->test.warnings);
	json_u64(w, "unreadable_count", a->unreadable_count);
	json_strings(w, "unreadable", &a->unreadable);
	if (a->user != NULL) {
		json_flag(w, "may_write", a->may_write);
		if (a->writes != NULL)
			json_str(w, "writes", a->writes);
		json_strings(w, "statements", &a->statements);
	}
	json_obj_end(w);
}

/* --- text --- */

static void
line(const char *what, const char *text)
{
	printf("  %-9s ", what);
	escape_print(stdout, text);
	putchar('\n');
}

enum err_code
db_view_print(const struct connection *c, struct err *err)
{
	AUTO(str) char *url = NULL;
	if (db_site_url(&url, &c->site, err))
		return err->code;
	escape_print(stdout, c->name);
	putchar('\n');
	line("kind", db_site_kind_title(&c->site));
	line("address", url);
	if (c->site.path == NULL)
		line("password", c->site.password != NULL ? "kept, sealed" : "none");
	line("env", c->env != NULL ? c->env : "-");
	line("project", c->project != NULL ? c->project : "-");
	return ERR_OK;
}

static void
print_databases(const struct connection_test *t)
{
	for (size_t i = 0; i < t->database_count; i++) {
		const struct db_database *d = &t->databases[i];
		char bytes[FORMAT_MAX];
		char objects[COUNTED_MAX];
		bool is_keys = t->connector != NULL && d->bytes == 0;
		format_size(bytes, d->bytes);
		counted(objects, d->objects, is_keys ? "key" : "table");
		fputs("  database ", stdout);
		escape_print(stdout, d->name);
		if (t->connector != NULL)
			printf(": %s", objects);
		if (!is_keys)
			printf("%s %s", t->connector != NULL ? "," : ":", bytes);
		putchar('\n');
	}
}

static void
print_unreadable(const struct db_access *a)
{
	if (a->unreadable_count == 0)
		return;
	printf("  ! cannot be read, so a backup will fail or lack it:\n");
	for (size_t i = 0; i < a->unreadable.len && i < SHOWN_MAX; i++) {
		fputs("    ", stdout);
		escape_print(stdout, a->unreadable.items[i]);
		putchar('\n');
	}
	if (a->unreadable_count > SHOWN_MAX)
		printf("    and %" PRIu64 " more\n", a->unreadable_count - SHOWN_MAX);
}

void
db_view_test_print(const struct connection_test *t)
{
	const struct db_access *a = &t->access;
	escape_print(stdout, t->connection->name);
	printf(": %s ", db_site_kind_title(&t->connection->site));
	escape_print(stdout, t->version);
	if (a->user != NULL) {
		fputs(", as user ", stdout);
		escape_print(stdout, a->user);
	}
	putchar('\n');
	print_databases(t);
	print_unreadable(a);
	if (a->user != NULL && !a->may_write)
		puts("  the user may only read, as it should be");
	if (!a->may_write && a->unreadable_count == 0)
		return;
	if (a->may_write) {
		printf("  the user ");
		escape_print(stdout, a->writes);
		puts(": a backup needs no such power");
	}
	puts("  an administrator makes a user that may read all of it, and nothing else, by:");
	for (size_t i = 0; i < a->statements.len; i++) {
		fputs("    ", stdout);
		escape_print(stdout, a->statements.items[i]);
		putchar('\n');
	}
}

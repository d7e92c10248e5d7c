#include "engine/restore_aside.h"

#include "db/pick.h"
#include "engine/browse.h"
#include "engine/meter.h"
#include "engine/restore_dump.h"
#include "engine/stack_server.h"

#include <string.h>

/* --- in the snapshot --- */

/* Of MySQL one dump has all databases: whether it has this one is seen when it is loaded. */
static bool
has_database(const json_t *member, const char *database)
{
	size_t i;
	const json_t *stream;
	json_array_foreach(json_object_get(member, "streams"), i, stream)
	{
		const char *of = json_get_str(stream, "database");
		const char *format = json_get_str(stream, "format");
		if (of != NULL && strcmp(of, database) == 0)
			return true;
		if (of == NULL && format != NULL &&
		    strcmp(format, dump_format_word(DUMP_MYSQL)) == 0)
			return true;
	}
	return false;
}

static enum err_code
find_member(const json_t **out, const struct snapshot *s,
    const struct restore_aside_options *opt, struct err *err)
{
	size_t i;
	size_t n = 0;
	const json_t *member;
	json_array_foreach(json_object_get(s->document, "members"), i, member)
	{
		const char *kind = json_get_str(member, "kind");
		const char *name = json_get_str(member, "name");
		if (kind == NULL || strcmp(kind, "database") != 0 || name == NULL ||
		    (opt->service != NULL && strcmp(opt->service, name) != 0) ||
		    !has_database(member, opt->database))
			continue;
		*out = member;
		n++;
	}
	if (n == 1)
		return ERR_OK;
	return n > 1 ? err_set(err, ERR_USAGE,
			   "several services may have a database %s: give --service",
			   opt->database)
		     : err_set(err, ERR_NOT_FOUND, "the snapshot has no database %s%s%s",
			   opt->database, opt->service != NULL ? " of service " : "",
			   opt->service != NULL ? opt->service : "");
}

/* --- the use case --- */

struct aside_job {
	struct snapshot snapshot;
	struct stack_server server;
	struct restore_dump *dump;
};

static void
aside_job_auto(struct aside_job *j)
{
	restore_dump_close(j->dump);
	stack_server_close(&j->server);
	snapshot_release(&j->snapshot);
}

static enum err_code
fill_plan(struct restore_table_plan *out, const struct aside_job *j, const json_t *member,
    const struct restore_aside_options *opt, struct err *err)
{
	const json_t *stack = json_object_get(j->snapshot.document, "stack");
	const char *name = opt->stack != NULL ? opt->stack : json_get_str(stack, "name");
	if (name == NULL)
		return err_set(err, ERR_USAGE, "the snapshot is of no stack");
	if (str_dup(&out->stack, name, err) || str_dup(&out->database, opt->database, err))
		return err->code;
	return str_dup(&out->service, json_get_str(member, "name"), err);
}

static void
sample(void *arg, struct event *e)
{
	e->bytes = restore_dump_bytes(arg);
}

enum err_code
restore_aside(struct engine *e, const struct id *id, const struct restore_aside_options *opt,
    struct restore_table_plan *out, struct err *err)
{
	AUTO(aside_job) struct aside_job j = { .snapshot = { .root = TREE_ENTRY_INIT },
		.server = STACK_SERVER_INIT };
	const json_t *member;
	if (snapshot_open(&j.snapshot, e->repo, id, err) ||
	    find_member(&member, &j.snapshot, opt, err) ||
	    fill_plan(out, &j, member, opt, err) ||
	    stack_server_open(&j.server, e, out->stack, out->service, err) ||
	    restore_dump_open(&j.dump, e, &j.snapshot, json_get_str(member, "path"),
		json_object_get(member, "streams"), err))
		return err->code;
	struct db_aside aside = { .database = opt->database,
		.into = opt->into,
		.only_look = true,
		.source = restore_dump_source(j.dump) };
	if (connector_aside(j.server.connector, &aside, &out->told, err))
		return err->code;
	if (opt->dry_run)
		return ERR_OK;
	event_phase(e->events, "load %s into %s", opt->database, opt->into);
	aside.only_look = false;
	struct meter *meter;
	meter_start(&meter, e->events, sample, j.dump);
	enum err_code rc = connector_aside(j.server.connector, &aside, NULL, err);
	meter_stop(meter);
	return rc;
}

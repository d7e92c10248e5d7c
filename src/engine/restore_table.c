#include "engine/restore_table.h"

#include "base/buf.h"
#include "db/pick.h"
#include "engine/meter.h"
#include "engine/restore_keys.h"
#include "engine/restore_lost.h"
#include "engine/stack_server.h"
#include "engine/table_kept.h"

#include <string.h>

void
restore_table_plan_release(struct restore_table_plan *p)
{
	free(p->stack);
	free(p->service);
	free(p->database);
	free(p->table);
	free(p->tag);
	strv_release(&p->told);
	strv_release(&p->lines);
}

/* --- the use cases --- */

/* A table of the snapshot, and the server that it goes into. */
struct table_job {
	struct stored_table stored;
	struct stored_keys keys; /* of Redis */
	struct stack_server server;
	const char *stack;
	char tag[ID_HEX_SIZE];
};

#define TABLE_JOB_INIT                                                               \
	{                                                                            \
		.stored = STORED_TABLE_INIT, .server = {.server = LIVE_SERVER_INIT } \
	}

static void
table_job_auto(struct table_job *j)
{
	stack_server_close(&j->server);
	stored_table_release(&j->stored);
}

static enum err_code
stack_of(struct table_job *j, const char *asked, struct err *err)
{
	const json_t *stack = json_object_get(j->stored.diff.a.snapshot.document, "stack");
	j->stack = asked != NULL ? asked : json_get_str(stack, "name");
	return j->stack != NULL ? ERR_OK
				: err_set(err, ERR_USAGE, "the snapshot is of no stack");
}

static enum err_code
check_prefix(struct table_job *j, struct engine *e, const char *prefix, struct err *err)
{
	bool is_keys = j->stored.shape->format == ROW_RDB;
	if (is_keys && prefix == NULL)
		return err_set(err, ERR_USAGE,
		    "give --key-prefix, too: the keys that begin with it are put back (all of "
		    "a "
		    "server: --service)");
	if (!is_keys && prefix != NULL)
		return err_set(err, ERR_USAGE,
		    "--key-prefix is for Redis and Valkey, %s is of %s", j->stored.part->table,
		    db_kind_title(j->server.kind));
	return is_keys ? stored_keys_init(&j->keys, &j->stored, e->repo, prefix, err) : ERR_OK;
}

/* Of Redis rows are keys, and those that begin so. */
static enum err_code
count_rows(struct table_job *j, uint64_t *out, struct err *err)
{
	*out = j->stored.part->rows;
	return j->keys.repo != NULL ? stored_keys_count(&j->keys, out, err) : ERR_OK;
}

static enum err_code
table_job_open(struct table_job *j, struct engine *e, const struct id *id,
    const struct restore_table_options *opt, struct err *err)
{
	const struct stored_wish wish = { opt->table, opt->service, opt->database };
	if (stored_table_open(&j->stored, e, id, &wish, err) || stack_of(j, opt->stack, err) ||
	    stack_server_open(&j->server, e, j->stack, j->stored.dump->service, err))
		return err->code;
	id_hex(j->tag, id);
	j->tag[8] = '\0';
	return check_prefix(j, e, opt->key_prefix, err);
}

static struct db_pick
pick_of(const struct table_job *j, const struct restore_table_options *opt, enum pick_verb verb)
{
	const struct stored_table *t = &j->stored;
	return (struct db_pick){
		.verb = verb,
		.database = (const char *)t->database.data,
		.table = t->part->table,
		.shape = t->shape,
		.definition = t->definition,
		.rows = t->part->rows,
		.into = opt->into,
		.tag = j->tag,
		.prefix = opt->key_prefix,
	};
}

static struct table_part
part_of(const struct table_job *j, const struct restore_table_options *opt)
{
	return (struct table_part){
		.host = docker_host(j->server.docker),
		.stack = j->stack,
		.service = j->stored.dump->service,
		.database = (const char *)j->stored.database.data,
		.table = j->stored.part->table,
		.key_prefix = opt->key_prefix,
		.into = opt->into,
	};
}

enum err_code
restore_table_look(struct engine *e, const struct id *id,
    const struct restore_table_options *opt, struct restore_table_plan *out, struct err *err)
{
	AUTO(table_job) struct table_job j = TABLE_JOB_INIT;
	if (table_job_open(&j, e, id, opt, err))
		return err->code;
	struct db_pick pick = pick_of(&j, opt, PICK_LOOK);
	struct table_part part = part_of(&j, opt);
	if (table_record_check(e, &part, err))
		return err->code;
	if (count_rows(&j, &pick.rows, err) || str_dup(&out->stack, j.stack, err) ||
	    str_dup(&out->service, j.stored.dump->service, err) ||
	    str_dup(&out->database, pick.database, err) ||
	    str_dup(&out->table, pick.table, err) ||
	    connector_pick(j.server.connector, &pick, &out->told, err))
		return err->code;
	out->rows = pick.rows;
	out->place = j.server.kind == DB_POSTGRES ? "schema" : "database";
	return opt->into == NULL ? lost_by_restore(e, id, opt->key_prefix, out, err) : ERR_OK;
}

static void
sample(void *arg, struct event *e)
{
	struct row_source *s = arg;
	e->bytes = atomic_load(&s->bytes);
	e->bytes_total = s->content->size;
}

/* What a failure has left is mended at once.  Where it cannot be, since the server is gone, the
 * record stays. */
static enum err_code
mend(struct engine *e, struct table_record *record, struct err *err)
{
	enum mended how;
	const struct table_part *part = &record->part;
	struct err why = ERR_INIT;
	struct err scratch; /* a record too many: recover finds that all is well */
	if (restore_table_mend(e, part, &how, &why))
		return err_wrap(err,
		    "%s is as it was, or done: 'stacksnap recover' says which and tidies up, "
		    "once the server can be reached",
		    part->table);
	if (table_record_end(record, &scratch))
		event_warning(e->events, part->stack, "%s", scratch.msg);
	return how == MENDED_NEW ? err_wrap(err,
				       "%s has its rows of the snapshot, and the old ones are "
				       "kept, but something went wrong",
				       part->table)
				 : err->code;
}

/* What is done is done: that it will not be listed is told. */
static void
note_kept(struct engine *e, const struct table_part *part, const char *tag)
{
	struct err err = ERR_INIT;
	if (part->into == NULL && table_kept_note(e, part, tag, &err))
		event_warning(
		    e->events, part->stack, "restore status will not list it: %s", err.msg);
}

static enum err_code
put(struct table_job *j, struct engine *e, const struct restore_table_options *opt,
    const struct db_pick *pick, struct row_source *rows, struct err *err)
{
	AUTO(table_record) struct table_record record = TABLE_RECORD_INIT;
	struct table_part part = part_of(j, opt);
	struct meter *meter;
	if (table_record_begin(&record, e, &part, err))
		return err->code;
	event_phase(e->events, "put %s into %s", pick->table,
	    pick->into != NULL ? pick->into : "its place");
	meter_start(&meter, e->events, sample, rows);
	enum err_code rc = connector_pick(j->server.connector, pick, NULL, err);
	meter_stop(meter);
	if (rc == ERR_OK) {
		note_kept(e, &part, pick->tag);
		return table_record_end(&record, err);
	}
	/* Somebody else is at it, from another host: what there is is theirs. */
	struct err later;
	if (rc == ERR_LOCKED)
		return table_record_end(&record, &later) ? err_wrap(err, "(%s)", later.msg)
							 : rc;
	return mend(e, &record, err);
}

enum err_code
restore_table(struct engine *e, const struct id *id, const struct restore_table_options *opt,
    struct err *err)
{
	AUTO(table_job) struct table_job j = TABLE_JOB_INIT;
	struct row_source rows;
	if (table_job_open(&j, e, id, opt, err))
		return err->code;
	struct db_pick pick = pick_of(&j, opt, PICK_PUT);
	row_source_init(&rows, &j.stored, e->repo);
	pick.source = &rows.base;
	pick.keys = &j.keys.base;
	if (count_rows(&j, &pick.rows, err))
		return err->code;
	return put(&j, e, opt, &pick, &rows, err);
}

/* --- afterwards --- */

struct settle_job {
	struct stack_server server;
	struct buf table; /* with its database, where one server has tables of several */
};

#define SETTLE_JOB_INIT                                        \
	{                                                      \
		.server = STACK_SERVER_INIT, .table = BUF_INIT \
	}

static void
settle_job_auto(struct settle_job *j)
{
	stack_server_close(&j->server);
	buf_release(&j->table);
}

static enum err_code
settle_job_open(struct settle_job *j, struct engine *e, const struct restore_table_options *opt,
    struct err *err)
{
	AUTO(strv) struct strv parts = STRV_INIT;
	if (stack_server_open(&j->server, e, opt->stack, opt->service, err) ||
	    pick_split_name(&parts, opt->table, err))
		return err->code;
	bool is_in_name = j->server.kind == DB_MARIADB || j->server.kind == DB_MYSQL;
	if (opt->key_prefix != NULL)
		return buf_str(&j->table, opt->table, err) || buf_cstr(&j->table) == NULL
			   ? err_nomem(err)
			   : ERR_OK;
	if (opt->database == NULL && (!is_in_name || parts.len == 1))
		return err_set(
		    err, ERR_USAGE, "give --database, too: the one that %s is in", opt->table);
	const char *const both[] = { opt->database, parts.items[0], NULL };
	if (parts.len == 1 && is_in_name ? census_name(&j->table, both, err)
					 : buf_str(&j->table, opt->table, err))
		return err->code;
	return buf_cstr(&j->table) != NULL ? ERR_OK : err_nomem(err);
}

static struct db_pick
settling(
    const struct settle_job *j, const struct restore_table_options *opt, enum pick_verb verb)
{
	return (struct db_pick){
		.verb = verb,
		.database = opt->database,
		.table = (const char *)j->table.data,
		.prefix = opt->key_prefix,
	};
}

enum err_code
restore_table_kept(struct engine *e, const struct restore_table_options *opt,
    struct restore_table_plan *out, struct err *err)
{
	AUTO(settle_job) struct settle_job j = SETTLE_JOB_INIT;
	AUTO(strv) struct strv tag = STRV_INIT;
	if (settle_job_open(&j, e, opt, err))
		return err->code;
	struct db_pick pick = settling(&j, opt, PICK_KEPT);
	if (connector_pick(j.server.connector, &pick, &tag, err) ||
	    str_dup(&out->stack, opt->stack, err) ||
	    str_dup(&out->service, j.server.server.target.service, err) ||
	    str_dup(&out->table, pick.table, err) ||
	    (opt->database != NULL && str_dup(&out->database, opt->database, err)) ||
	    str_dup(&out->tag, tag.items[0], err))
		return err->code;
	return lost_by_undo(e, opt->key_prefix, out, err);
}

/* A record that a run which died has left says nothing any more, nor does the note. */
static enum err_code
forget_record(struct engine *e, const struct settle_job *j,
    const struct restore_table_options *opt, struct err *err)
{
	const struct table_part part = {
		.stack = opt->stack,
		.service = j->server.server.target.service,
		.database = opt->database,
		.table = (const char *)j->table.data,
		.key_prefix = opt->key_prefix,
	};
	return table_record_forget(e, &part, err) ? err->code
						  : table_kept_forget(e, &part, err);
}

enum err_code
restore_table_settle(
    struct engine *e, const struct restore_table_options *opt, bool undo, struct err *err)
{
	AUTO(settle_job) struct settle_job j = SETTLE_JOB_INIT;
	if (settle_job_open(&j, e, opt, err))
		return err->code;
	struct db_pick pick = settling(&j, opt, undo ? PICK_UNDO : PICK_FINISH);
	enum err_code rc = connector_pick(j.server.connector, &pick, NULL, err);
	struct err scratch; /* the next that asks finds it out again */
	if (rc == ERR_NOT_FOUND && forget_record(e, &j, opt, &scratch))
		event_warning(e->events, opt->stack, "%s", scratch.msg);
	return rc != ERR_OK ? rc : forget_record(e, &j, opt, err);
}

#include "engine/restore_table.h"

#include "base/counted.h"
#include "db/pick.h"
#include "engine/live_server.h"
#include "engine/restore_rows.h"
#include "engine/restore_stored.h"
#include "repo/snapshot.h"

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

/* --- the server that runs --- */

struct stack_server {
	struct docker *docker;
	struct plan *plan;
	struct live_server server;
	struct connector *connector;
	enum db_kind kind;
};

static void
stack_server_auto(struct stack_server *s)
{
	connector_close(s->connector);
	live_server_close(&s->server);
	plan_free(s->plan);
	docker_close(s->docker);
}

static const struct plan_member *
find_member(const struct plan *p, const char *service, size_t *n)
{
	const struct plan_member *found = NULL;
	*n = 0;
	for (size_t i = 0; i < p->n_members; i++) {
		const struct plan_member *m = &p->members[i];
		if (m->kind != MEMBER_DATABASE ||
		    (service != NULL && strcmp(m->name, service) != 0))
			continue;
		found = m;
		++*n;
	}
	return found;
}

static enum err_code
stack_server_open(struct stack_server *s, struct engine *e, const char *stack,
    const char *service, struct err *err)
{
	size_t n;
	if (engine_docker(&s->docker, e, err) ||
	    plan_make(&s->plan, s->docker, stack, NULL, err))
		return err->code;
	const struct plan_member *m = find_member(s->plan, service, &n);
	if (n > 1)
		return err_set(
		    err, ERR_USAGE, "stack %s has several databases: give --service", stack);
	if (m == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "stack %s has no database%s%s that runs: start it, its rows go into the "
		    "server "
		    "itself",
		    stack, service != NULL ? " " : "", service != NULL ? service : "");
	const struct stack_container *c = &s->plan->stack->containers[m->container];
	if (c->state != CONTAINER_RUNNING)
		return err_set(err, ERR_USAGE,
		    "service %s does not run (or is paused): its rows go into the server "
		    "itself",
		    m->name);
	if (live_server_open(&s->server, s->docker, c, e->cancel, err))
		return err->code;
	s->kind = m->db;
	return connector_open(&s->connector, &s->server.target, m->db, err);
}

/* --- the use cases --- */

/* A table of the snapshot, and the server that it goes into. */
struct table_job {
	struct stored_table stored;
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
	stack_server_auto(&j->server);
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
table_job_open(struct table_job *j, struct engine *e, const struct id *id,
    const struct restore_table_options *opt, struct err *err)
{
	const struct stored_wish wish = { opt->table, opt->service, opt->database };
	if (stored_table_open(&j->stored, e, id, &wish, err) || stack_of(j, opt->stack, err) ||
	    stack_server_open(&j->server, e, j->stack, j->stored.dump->service, err))
		return err->code;
	id_hex(j->tag, id);
	j->tag[8] = '\0';
	return ERR_OK;
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
	};
}

static enum err_code
put_line(void *arg, const struct diff_table *t, struct err *err)
{
	return restore_rows_line(arg, t, err);
}

/* The rows of the snapshot against those that are there, told by a line. */
static enum err_code
look_at_rows(struct engine *e, const struct id *id, struct restore_table_plan *p,
    enum err_code (*line)(void *arg, const struct diff_table *t, struct err *err),
    struct err *err)
{
	const struct diff_rows_ops ops = { .table = line };
	const char *tables[] = { p->table, NULL };
	struct diff_rows_options opt = { .service = p->service,
		.database = p->database,
		.tables = tables,
		.count = true,
		.stack = p->stack };
	return diff_rows_live(e, id, &opt, &ops, &p->lines, err);
}

enum err_code
restore_table_look(struct engine *e, const struct id *id,
    const struct restore_table_options *opt, struct restore_table_plan *out, struct err *err)
{
	AUTO(table_job) struct table_job j = TABLE_JOB_INIT;
	if (table_job_open(&j, e, id, opt, err))
		return err->code;
	struct db_pick pick = pick_of(&j, opt, PICK_LOOK);
	if (str_dup(&out->stack, j.stack, err) ||
	    str_dup(&out->service, j.stored.dump->service, err) ||
	    str_dup(&out->database, pick.database, err) ||
	    str_dup(&out->table, pick.table, err) ||
	    connector_pick(j.server.connector, &pick, &out->told, err))
		return err->code;
	out->rows = pick.rows;
	out->place = j.server.kind == DB_POSTGRES ? "schema" : "database";
	return opt->into == NULL ? look_at_rows(e, id, out, put_line, err) : ERR_OK;
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
	event_phase(e->events, "put %s into %s", pick.table,
	    opt->into != NULL ? opt->into : "its place");
	return connector_pick(j.server.connector, &pick, NULL, err);
}

/* --- afterwards --- */

struct settle_job {
	struct stack_server server;
	struct buf table; /* with its database, where one server has tables of several */
};

#define SETTLE_JOB_INIT                                                     \
	{                                                                   \
		.server = { .server = LIVE_SERVER_INIT }, .table = BUF_INIT \
	}

static void
settle_job_auto(struct settle_job *j)
{
	stack_server_auto(&j->server);
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
	bool is_postgres = j->server.kind == DB_POSTGRES;
	if (opt->database == NULL && (is_postgres || parts.len == 1))
		return err_set(
		    err, ERR_USAGE, "give --database, too: the one that %s is in", opt->table);
	const char *const both[] = { opt->database, parts.items[0], NULL };
	if (parts.len == 1 && !is_postgres ? census_name(&j->table, both, err)
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
	};
}

static enum err_code
add_since(struct buf *line, uint64_t n, const char *how, struct err *err)
{
	char rows[COUNTED_MAX];
	if (n == 0)
		return ERR_OK;
	return buf_printf(line, err, "%s%s %s since", line->len > 0 ? ", " : "",
	    counted(rows, n, "row"), how);
}

static enum err_code
put_since(void *arg, const struct diff_table *t, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	if (t->state == DIFF_SAME)
		return ERR_OK;
	if (!t->is_counted)
		return strv_addf(
		    arg, err, "%s: it is not known what was written since", t->table);
	if (add_since(&line, t->rows.added, "added", err) ||
	    add_since(&line, t->rows.changed, "changed", err) ||
	    add_since(&line, t->rows.removed, "removed", err))
		return err->code;
	if (line.len == 0)
		return ERR_OK;
	const char *text = buf_cstr(&line);
	return text != NULL ? strv_addf(arg, err, "%s: %s", t->table, text) : err_nomem(err);
}

/* What is in the table now against what was put there: that is what was written since. */
static enum err_code
look_since(struct engine *e, const char *tag, struct restore_table_plan *out, struct err *err)
{
	struct id id;
	struct err why = ERR_INIT;
	if (e->repo == NULL)
		return strv_add(&out->told,
		    "what was written since is not known: give the repository (-r) to be told",
		    err);
	enum err_code rc = snapshot_resolve(e->repo, tag, &id, &why);
	if (rc == ERR_OK)
		rc = look_at_rows(e, &id, out, put_since, &why);
	if (rc == ERR_OK)
		return ERR_OK;
	if (rc == ERR_CANCELLED || rc == ERR_NO_MEMORY) {
		*err = why;
		return rc;
	}
	return strv_addf(&out->told, err, "what was written since is not known: %s", why.msg);
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
	return look_since(e, out->tag, out, err);
}

enum err_code
restore_table_settle(
    struct engine *e, const struct restore_table_options *opt, bool undo, struct err *err)
{
	AUTO(settle_job) struct settle_job j = SETTLE_JOB_INIT;
	if (settle_job_open(&j, e, opt, err))
		return err->code;
	struct db_pick pick = settling(&j, opt, undo ? PICK_UNDO : PICK_FINISH);
	return connector_pick(j.server.connector, &pick, NULL, err);
}

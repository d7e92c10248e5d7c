#include "catalog/run.h"

#include "base/buf.h"
#include "base/strv.h"
#include "catalog/catalog_impl.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT 100

static const char *const words[] = {
	[RUN_QUEUED] = "queued",
	[RUN_RUNNING] = "running",
	[RUN_COMPLETE] = "complete",
	[RUN_PARTIAL] = "partial",
	[RUN_FAILED] = "failed",
	[RUN_CANCELLED] = "cancelled",
	[RUN_LOST] = "lost",
};

const char *
catalog_run_state_word(enum catalog_run_state state)
{
	return words[state];
}

void
catalog_run_release(struct catalog_run *r)
{
	free(r->kind);
	free(r->stack);
	free(r->asked_by);
	free(r->argv);
	free(r->snapshot);
	free(r->summary);
	*r = (struct catalog_run){ 0 };
}

struct adding {
	const struct catalog_run *run;
	const struct catalog_run_room *room; /* NULL: there is always */
	int64_t id;
};

static enum err_code
count_unfinished(struct catalog *c, const struct catalog_run *r, int64_t *of_asker,
    int64_t *in_all, struct err *err)
{
	AUTO(stmt) struct stmt q = STMT_INIT;
	bool row;
	if (stmt_prepare(&q, c->db,
		"SELECT count(*), ifnull(sum(asked_by = ?1), 0) FROM run WHERE kind = ?2 AND"
		" state IN ('queued', 'running')",
		err))
		return err->code;
	stmt_text(&q, r->asked_by);
	stmt_text(&q, r->kind);
	if (stmt_step(&q, &row, err))
		return err->code;
	*in_all = stmt_get_int(&q);
	*of_asker = stmt_get_int(&q);
	return ERR_OK;
}

static enum err_code
check_room(struct catalog *c, const struct adding *a, struct err *err)
{
	const struct catalog_run_room *room = a->room;
	int64_t of_asker;
	int64_t in_all;
	if (room == NULL || (room->of_asker == 0 && room->in_all == 0))
		return ERR_OK;
	if (count_unfinished(c, a->run, &of_asker, &in_all, err))
		return err->code;
	if (room->of_asker > 0 && of_asker >= (int64_t)room->of_asker)
		return err_set(err, ERR_LOCKED, "%lld that %s asked for have not ended",
		    (long long)of_asker, a->run->asked_by);
	if (room->in_all > 0 && in_all >= (int64_t)room->in_all)
		return err_set(err, ERR_LOCKED, "%lld have not ended", (long long)in_all);
	return ERR_OK;
}

static enum err_code
add(struct catalog *c, void *arg, struct err *err)
{
	struct adding *a = arg;
	const struct catalog_run *r = a->run;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (check_room(c, a, err))
		return err->code;
	if (stmt_prepare(&q, c->db,
		"INSERT INTO run (kind, stack, schedule, asked_by, argv, state, asked_ns)"
		" VALUES (?, ?, nullif(?, 0), ?, ?, 'queued', ?)",
		err))
		return err->code;
	stmt_text(&q, r->kind);
	stmt_text(&q, r->stack);
	stmt_int(&q, r->schedule);
	stmt_text(&q, r->asked_by);
	stmt_text(&q, r->argv);
	stmt_int(&q, r->asked_ns);
	if (stmt_run(&q, err))
		return err->code;
	a->id = sqlite3_last_insert_rowid(c->db);
	return ERR_OK;
}

enum err_code
catalog_run_add(struct catalog *c, const struct catalog_run *r, int64_t *id, struct err *err)
{
	return catalog_run_add_within(c, r, NULL, id, err);
}

enum err_code
catalog_run_add_within(struct catalog *c, const struct catalog_run *r,
    const struct catalog_run_room *room, int64_t *id, struct err *err)
{
	struct adding a = { r, room, 0 };
	if (catalog_transact(c, add, &a, err))
		return err->code;
	*id = a.id;
	return ERR_OK;
}

static enum err_code
restore(struct catalog *c, void *arg, struct err *err)
{
	const struct catalog_run *r = ((struct adding *)arg)->run;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		"INSERT INTO run (id, kind, stack, schedule, asked_by, argv, state, asked_ns,"
		" began_ns) VALUES (?, ?, ?, nullif(?, 0), ?, ?, 'running', ?, ?)",
		err))
		return err->code;
	stmt_int(&q, r->id);
	stmt_text(&q, r->kind);
	stmt_text(&q, r->stack);
	stmt_int(&q, r->schedule);
	stmt_text(&q, r->asked_by);
	stmt_text(&q, r->argv);
	stmt_int(&q, r->asked_ns);
	stmt_int(&q, r->asked_ns);
	return stmt_run(&q, err);
}

enum err_code
catalog_run_restore(struct catalog *c, const struct catalog_run *r, struct err *err)
{
	struct adding a = { r, NULL, 0 };
	return catalog_transact(c, restore, &a, err);
}

/* One row must have been changed. */
static enum err_code
change_one(struct catalog *c, struct stmt *q, int64_t id, const char *what, struct err *err)
{
	if (stmt_run(q, err))
		return err->code;
	if (sqlite3_changes(c->db) == 1)
		return ERR_OK;
	return err_set(err, ERR_NOT_FOUND, "run %lld is not %s", (long long)id, what);
}

struct beginning {
	int64_t id;
	int64_t pid;
	int64_t pid_began;
	int64_t now_ns;
};

static enum err_code
begin(struct catalog *c, void *arg, struct err *err)
{
	const struct beginning *b = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		"UPDATE run SET state = 'running', pid = ?, pid_began = ?, began_ns = ?"
		" WHERE id = ? AND state = 'queued'",
		err))
		return err->code;
	stmt_int(&q, b->pid);
	stmt_int(&q, b->pid_began);
	stmt_int(&q, b->now_ns);
	stmt_int(&q, b->id);
	return change_one(c, &q, b->id, "queued", err);
}

enum err_code
catalog_run_begin(struct catalog *c, int64_t id, int64_t pid, int64_t pid_began, int64_t now_ns,
    struct err *err)
{
	struct beginning b = { id, pid, pid_began, now_ns };
	return catalog_transact(c, begin, &b, err);
}

struct ending {
	int64_t id;
	const struct catalog_run_end *end;
};

static enum err_code
end_run(struct catalog *c, void *arg, struct err *err)
{
	const struct ending *e = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		"UPDATE run SET state = ?, ended_ns = ?, exit_code = nullif(?, -1), snapshot = "
		"?,"
		" summary = ? WHERE id = ? AND state IN ('queued', 'running')",
		err))
		return err->code;
	stmt_text(&q, words[e->end->state]);
	stmt_int(&q, e->end->now_ns);
	stmt_int(&q, e->end->exit_code);
	stmt_text(&q, e->end->snapshot);
	stmt_text(&q, e->end->summary);
	stmt_int(&q, e->id);
	return change_one(c, &q, e->id, "queued or running", err);
}

enum err_code
catalog_run_end(
    struct catalog *c, int64_t id, const struct catalog_run_end *end, struct err *err)
{
	struct ending e = { id, end };
	return catalog_transact(c, end_run, &e, err);
}

static enum err_code
remove_run(struct catalog *c, void *arg, struct err *err)
{
	const int64_t *id = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		"DELETE FROM run WHERE id = ? AND state NOT IN ('queued', 'running')", err))
		return err->code;
	stmt_int(&q, *id);
	return change_one(c, &q, *id, "one that has ended", err);
}

enum err_code
catalog_run_remove(struct catalog *c, int64_t id, struct err *err)
{
	return catalog_transact(c, remove_run, &id, err);
}

#define COLUMNS                                                                            \
	"id, kind, stack, schedule, asked_by, argv, state, asked_ns, began_ns, ended_ns, " \
	"pid, pid_began, ifnull(exit_code, -1), snapshot, summary"

static enum err_code
read_row(struct stmt *q, struct catalog_run *out, struct err *err)
{
	AUTO(catalog_run) struct catalog_run r = { 0 };
	AUTO(str) char *state = NULL;
	r.id = stmt_get_int(q);
	if (stmt_get_text(q, &r.kind, err) || stmt_get_text(q, &r.stack, err))
		return err->code;
	r.schedule = stmt_get_int(q);
	if (stmt_get_text(q, &r.asked_by, err) || stmt_get_text(q, &r.argv, err) ||
	    stmt_get_text(q, &state, err))
		return err->code;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i], state) == 0)
			r.state = (enum catalog_run_state)i;
	r.asked_ns = stmt_get_int(q);
	r.began_ns = stmt_get_int(q);
	r.ended_ns = stmt_get_int(q);
	r.pid = stmt_get_int(q);
	r.pid_began = stmt_get_int(q);
	r.exit_code = stmt_get_int(q);
	if (stmt_get_text(q, &r.snapshot, err) || stmt_get_text(q, &r.summary, err))
		return err->code;
	*out = r;
	r = (struct catalog_run){ 0 };
	return ERR_OK;
}

struct getting {
	int64_t id;
	struct catalog_run *out;
};

static enum err_code
get(struct catalog *c, void *arg, struct err *err)
{
	const struct getting *g = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	bool row;
	if (stmt_prepare(&q, c->db, "SELECT " COLUMNS " FROM run WHERE id = ?", err))
		return err->code;
	stmt_int(&q, g->id);
	if (stmt_step(&q, &row, err))
		return err->code;
	return row ? read_row(&q, g->out, err)
		   : err_set(err, ERR_NOT_FOUND, "there is no run %lld", (long long)g->id);
}

enum err_code
catalog_run_get(struct catalog *c, int64_t id, struct catalog_run *out, struct err *err)
{
	struct getting g = { id, out };
	return catalog_look(c, get, &g, err);
}

struct listing {
	const struct catalog_run_filter *filter;
	catalog_run_fn *fn;
	void *arg;
};

static enum err_code
list(struct catalog *c, void *arg, struct err *err)
{
	const struct listing *l = arg;
	const struct catalog_run_filter *f = l->filter;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		"SELECT " COLUMNS " FROM run WHERE (?1 IS NULL OR stack = ?1)"
		" AND (?2 IS NULL OR kind = ?2)"
		" AND (?3 = 0 OR state IN ('queued', 'running'))"
		" AND (?4 = 0 OR id < ?4) AND asked_ns >= ?5 ORDER BY id DESC LIMIT ?6",
		err))
		return err->code;
	stmt_text(&q, f->stack);
	stmt_text(&q, f->kind);
	stmt_int(&q, f->unfinished);
	stmt_int(&q, f->before);
	stmt_int(&q, f->since_ns);
	stmt_int(&q, f->limit > 0 ? f->limit : LIMIT);
	for (;;) {
		AUTO(catalog_run) struct catalog_run r = { 0 };
		bool row;
		if (stmt_step(&q, &row, err))
			return err->code;
		if (!row)
			return ERR_OK;
		if (read_row(&q, &r, err) || l->fn(l->arg, &r, err))
			return err->code;
	}
}

enum err_code
catalog_run_list(struct catalog *c, const struct catalog_run_filter *filter, catalog_run_fn *fn,
    void *arg, struct err *err)
{
	struct listing l = { filter, fn, arg };
	return catalog_look(c, list, &l, err);
}

#include "catalog/schedule.h"

#include "base/buf.h"
#include "base/room.h"
#include "base/strv.h"
#include "catalog/catalog_impl.h"
#include "sys/fs.h"

#include <stdlib.h>
#include <string.h>

#define ZONES "/usr/share/zoneinfo"
#define ZONE_MAX ((size_t)64 << 10)
#define NS_PER_S INT64_C(1000000000)
/* One that comes a few minutes late is not late: the daemon was busy, or was restarted. */
#define LATE_S 300
#define DAY_S 86400

void
schedule_release(struct schedule *s)
{
	free(s->kind);
	free(s->stack);
	free(s->cron);
	free(s->zone);
	free(s->options);
	*s = (struct schedule){ 0 };
}

/* "America/Argentina/Buenos_Aires", never a way out of the folder. */
static bool
is_zone_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+-/";
	return *name != '\0' && *name != '/' && strlen(name) < 64 &&
	       strspn(name, letters) == strlen(name);
}

enum err_code
schedule_zone(struct zone **out, const char *name, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf file = BUF_INIT;
	if (strcmp(name, "UTC") == 0)
		return zone_utc(out, err);
	if (!is_zone_name(name))
		return err_set(err, ERR_USAGE, "'%.64s' is no name of a time zone", name);
	if (str_printf(&path, err, ZONES "/%s", name))
		return err->code;
	if (fs_read_file(path, ZONE_MAX, &file, err) ||
	    zone_parse(out, file.data, file.len, err)) {
		if (err->code == ERR_NO_MEMORY)
			return err->code;
		return err_set(err, ERR_USAGE,
		    "there is no time zone '%s' on this system (%s): Europe/Berlin is one, UTC "
		    "another",
		    name, ZONES);
	}
	return ERR_OK;
}

/* Seconds since 1970 at which it comes next. */
static enum err_code
next_of(const struct schedule *s, int64_t after_s, int64_t *out, struct err *err)
{
	struct cron cron;
	AUTO(zone) struct zone *zone = NULL;
	if (cron_parse(&cron, s->cron, err) || schedule_zone(&zone, s->zone, err))
		return err->code;
	*out = cron_next(&cron, zone, after_s);
	return ERR_OK;
}

struct putting {
	const struct schedule *s;
	int64_t next_at;
	int64_t id;
};

static enum err_code
put(struct catalog *c, void *arg, struct err *err)
{
	struct putting *p = arg;
	const struct schedule *s = p->s;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		s->id == 0
		    ? "INSERT INTO schedule (kind, stack, cron, zone, options, is_enabled,"
		      " catch_up_s, next_at) VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, 0))"
		    : "UPDATE schedule SET kind = ?, stack = ?, cron = ?, zone = ?,"
		      " options = ?, is_enabled = ?, catch_up_s = ?, next_at = nullif(?, 0)"
		      " WHERE id = ?",
		err))
		return err->code;
	stmt_text(&q, s->kind);
	stmt_text(&q, s->stack);
	stmt_text(&q, s->cron);
	stmt_text(&q, s->zone);
	stmt_text(&q, s->options);
	stmt_int(&q, s->is_enabled);
	stmt_int(&q, s->catch_up_s);
	stmt_int(&q, p->next_at);
	if (s->id != 0)
		stmt_int(&q, s->id);
	if (stmt_run(&q, err))
		return err->code;
	if (sqlite3_changes(c->db) != 1)
		return err_set(
		    err, ERR_NOT_FOUND, "there is no schedule %lld", (long long)s->id);
	p->id = s->id != 0 ? s->id : sqlite3_last_insert_rowid(c->db);
	return ERR_OK;
}

enum err_code
schedule_put(
    struct catalog *c, const struct schedule *s, int64_t now_s, int64_t *id, struct err *err)
{
	struct putting p = { s, 0, 0 };
	if (next_of(s, now_s, &p.next_at, err))
		return err->code;
	if (!s->is_enabled)
		p.next_at = 0;
	if (catalog_transact(c, put, &p, err))
		return err->code;
	*id = p.id;
	return ERR_OK;
}

static enum err_code delete (struct catalog *c, void *arg, struct err *err) {
	int64_t id = *(const int64_t *)arg; AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db, "DELETE FROM schedule WHERE id = ?", err)) return err->code;
	stmt_int(&q, id);
	if (stmt_run(&q, err)) return err->code;
	return sqlite3_changes(c->db) == 1
		   ? ERR_OK
		   : err_set(err, ERR_NOT_FOUND, "there is no schedule %lld", (long long)id);
}

enum err_code
schedule_delete(struct catalog *c, int64_t id, struct err *err)
{
	return catalog_transact(c, delete, &id, err);
}

#define COLUMNS \
	"id, kind, stack, cron, zone, options, is_enabled, catch_up_s, next_at, last_run"

static enum err_code
read_row(struct stmt *q, struct schedule *out, struct err *err)
{
	AUTO(schedule) struct schedule s = { 0 };
	s.id = stmt_get_int(q);
	if (stmt_get_text(q, &s.kind, err) || stmt_get_text(q, &s.stack, err) ||
	    stmt_get_text(q, &s.cron, err) || stmt_get_text(q, &s.zone, err) ||
	    stmt_get_text(q, &s.options, err))
		return err->code;
	s.is_enabled = stmt_get_int(q) != 0;
	s.catch_up_s = stmt_get_int(q);
	s.next_at = stmt_get_int(q);
	s.last_run = stmt_get_int(q);
	*out = s;
	s = (struct schedule){ 0 };
	return ERR_OK;
}

struct listing {
	const char *stack;
	schedule_fn *fn;
	void *arg;
};

static enum err_code
each_row(struct stmt *q, schedule_fn *fn, void *arg, struct err *err)
{
	for (;;) {
		AUTO(schedule) struct schedule s = { 0 };
		bool row;
		if (stmt_step(q, &row, err))
			return err->code;
		if (!row)
			return ERR_OK;
		if (read_row(q, &s, err) || fn(arg, &s, err))
			return err->code;
	}
}

static enum err_code
list(struct catalog *c, void *arg, struct err *err)
{
	const struct listing *l = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		"SELECT " COLUMNS
		" FROM schedule WHERE ?1 IS NULL OR stack = ?1 ORDER BY stack, id",
		err))
		return err->code;
	stmt_text(&q, l->stack);
	return each_row(&q, l->fn, l->arg, err);
}

enum err_code
schedule_list(struct catalog *c, const char *stack, schedule_fn *fn, void *arg, struct err *err)
{
	struct listing l = { stack, fn, arg };
	return catalog_look(c, list, &l, err);
}

static enum err_code
next(struct catalog *c, void *arg, struct err *err)
{
	AUTO(stmt) struct stmt q = STMT_INIT;
	bool row;
	if (stmt_prepare(&q, c->db,
		"SELECT next_at FROM schedule WHERE is_enabled = 1 AND next_at IS NOT NULL"
		" ORDER BY next_at LIMIT 1",
		err) ||
	    stmt_step(&q, &row, err))
		return err->code;
	*(int64_t *)arg = row ? stmt_get_int(&q) : INT64_MAX;
	return ERR_OK;
}

enum err_code
schedule_next(struct catalog *c, int64_t *at, struct err *err)
{
	return catalog_look(c, next, at, err);
}

/* --- those that are due --- */

struct taking {
	int64_t now_s;
	schedule_argv_fn *argv_of;
	void *arg;
	unsigned queued;
	struct schedule *due;
	size_t count;
	size_t cap;
};

static void
taking_auto(struct taking *t)
{
	for (size_t i = 0; i < t->count; i++)
		schedule_release(&t->due[i]);
	free(t->due);
}

/* Rows are not changed while they are walked. */
static enum err_code
collect(void *arg, const struct schedule *s, struct err *err)
{
	struct taking *t = arg;
	if (ROOM(t->due, t->count, t->cap, 8, err))
		return err->code;
	struct schedule *copy = &t->due[t->count];
	*copy = (struct schedule){ .id = s->id,
		.is_enabled = s->is_enabled,
		.catch_up_s = s->catch_up_s,
		.next_at = s->next_at,
		.last_run = s->last_run };
	t->count++;
	if (str_dup(&copy->kind, s->kind, err) || str_dup(&copy->stack, s->stack, err) ||
	    str_dup(&copy->cron, s->cron, err) || str_dup(&copy->zone, s->zone, err) ||
	    str_dup(&copy->options, s->options, err))
		return err->code;
	return ERR_OK;
}

static enum err_code
is_still_running(struct catalog *c, int64_t run, bool *is, struct err *err)
{
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		"SELECT 1 FROM run WHERE id = ? AND state IN ('queued', 'running')", err))
		return err->code;
	stmt_int(&q, run);
	return stmt_step(&q, is, err);
}

static enum err_code
queue_run(
    struct catalog *c, struct taking *t, const struct schedule *s, int64_t *id, struct err *err)
{
	AUTO(str) char *argv = NULL;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (t->argv_of(t->arg, s, &argv, err))
		return err_wrap(err, "schedule %lld", (long long)s->id);
	if (stmt_prepare(&q, c->db,
		"INSERT INTO run (kind, stack, schedule, asked_by, argv, state, asked_ns)"
		" VALUES (?, ?, ?, 'schedule', ?, 'queued', ?)",
		err))
		return err->code;
	stmt_text(&q, s->kind);
	stmt_text(&q, s->stack);
	stmt_int(&q, s->id);
	stmt_text(&q, argv);
	stmt_int(&q, t->now_s * NS_PER_S);
	if (stmt_run(&q, err))
		return err->code;
	*id = sqlite3_last_insert_rowid(c->db);
	t->queued++;
	return ERR_OK;
}

static enum err_code
take_one(struct catalog *c, struct taking *t, const struct schedule *s, struct err *err)
{
	int64_t late_s = t->now_s - s->next_at;
	int64_t run = s->last_run;
	int64_t next_at;
	bool is_running = false;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (is_still_running(c, s->last_run, &is_running, err))
		return err->code;
	/* A zone that has gone from this system must not keep the others from being done. */
	if (next_of(s, t->now_s, &next_at, err)) {
		if (err->code != ERR_USAGE)
			return err->code;
		next_at = t->now_s + DAY_S;
	}
	bool is_wanted = !is_running && (late_s <= LATE_S || late_s <= s->catch_up_s);
	if (is_wanted && queue_run(c, t, s, &run, err) && err->code != ERR_USAGE)
		return err->code;
	if (stmt_prepare(&q, c->db,
		"UPDATE schedule SET next_at = ?, last_run = nullif(?, 0) WHERE id = ?", err))
		return err->code;
	stmt_int(&q, next_at);
	stmt_int(&q, run);
	stmt_int(&q, s->id);
	return stmt_run(&q, err);
}

static enum err_code
take_due(struct catalog *c, void *arg, struct err *err)
{
	struct taking *t = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		"SELECT " COLUMNS
		" FROM schedule WHERE is_enabled = 1 AND next_at <= ? ORDER BY next_at, id",
		err))
		return err->code;
	stmt_int(&q, t->now_s);
	if (each_row(&q, collect, t, err))
		return err->code;
	for (size_t i = 0; i < t->count; i++)
		if (take_one(c, t, &t->due[i], err))
			return err->code;
	return ERR_OK;
}

enum err_code
schedule_take_due(struct catalog *c, int64_t now_s, schedule_argv_fn *argv_of, void *arg,
    unsigned *queued, struct err *err)
{
	AUTO(taking) struct taking t = { .now_s = now_s, .argv_of = argv_of, .arg = arg };
	if (catalog_transact(c, take_due, &t, err))
		return err->code;
	*queued = t.queued;
	return ERR_OK;
}

/*
 * What is done to all databases of a snapshot at once: one thread for each.
 */
#include "engine/backup_stack.h"
#include "sys/thread.h"

static bool
is_database(const struct capture *c)
{
	return c->member != NULL && c->member->kind == MEMBER_DATABASE;
}

typedef enum err_code database_step(struct backup_run *r, struct capture *c, struct err *err);

struct step_thread {
	pthread_t thread;
	bool started;
	database_step *step;
	struct backup_run *run;
	struct capture *capture;
	struct err err;
};

static void *
run_step(void *arg)
{
	struct step_thread *t = arg;
	t->err = (struct err)ERR_INIT;
	t->step(t->run, t->capture, &t->err);
	return NULL;
}

struct steps {
	struct step_thread *threads;
	size_t count;
};

/* Start step for all databases at once. */
static enum err_code
steps_start(struct steps *s, struct backup_run *r, database_step *step, struct err *err)
{
	*s = (struct steps){ calloc(r->n_captures + 1, sizeof *s->threads), 0 };
	if (s->threads == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < r->n_captures; i++) {
		if (!is_database(&r->captures[i]))
			continue;
		struct step_thread *t = &s->threads[s->count];
		t->step = step;
		t->run = r;
		t->capture = &r->captures[i];
		if (thread_start(&t->thread, run_step, t, "database", err))
			return err->code;
		t->started = true;
		s->count++;
	}
	return ERR_OK;
}

/* Wait for all; the first failure is told. */
static enum err_code
steps_join(struct steps *s, struct err *err)
{
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < s->count; i++) {
		pthread_join(s->threads[i].thread, NULL);
		if (rc == ERR_OK && s->threads[i].err.code != ERR_OK) {
			*err = s->threads[i].err;
			rc = err->code;
		}
	}
	free(s->threads);
	*s = (struct steps){ NULL, 0 };
	return rc;
}

static enum err_code
for_databases(struct backup_run *r, database_step *step,
    enum err_code (*other)(void *arg, struct err *err), void *arg, struct err *err)
{
	struct steps s;
	struct err mine = ERR_INIT;
	steps_start(&s, r, step, &mine);
	if (mine.code == ERR_OK && other != NULL && other(arg, &mine) == ERR_OK)
		mine = (struct err)ERR_INIT;
	enum err_code rc = steps_join(&s, err);
	if (rc == ERR_OK && mine.code != ERR_OK) {
		*err = mine;
		rc = mine.code;
	}
	return rc;
}

/* Of a database outside of stacks: what its user may not read is told, and no reason to fail,
 * unless a dump would. */
static enum err_code
check_access(struct backup_run *r, struct capture *c, struct err *err)
{
	AUTO(db_access) struct db_access a = DB_ACCESS_INIT;
	if (connector_access(c->connector, &a, err))
		return err->code;
	if (a.fatal_count > 0)
		return err_set(err, ERR_DENIED,
		    "database %s: its user may not read %s%s: 'stacksnap db test %s' tells "
		    "what, "
		    "and what would mend it",
		    c->name, a.unreadable.items[a.unreadable.len - 1],
		    a.fatal_count > 1 ? ", and more" : "", c->name);
	for (size_t i = 0; i < a.unreadable.len; i++) {
		char what[1200];
		snprintf(what, sizeof what, "cannot be read: %s", a.unreadable.items[i]);
		run_problem(r, c->name, what);
	}
	return ERR_OK;
}

static enum err_code
check_database(struct backup_run *r, struct capture *c, struct err *err)
{
	const struct db_info *info;
	if (connector_open(&c->connector, &c->server.target, c->member->db, err) ||
	    connector_check(c->connector, &info, err))
		return err->code;
	for (size_t i = 0; i < info->warnings.len; i++)
		event_warning(r->engine->events, c->name, "%s", info->warnings.items[i]);
	return c->server.target.site != NULL ? check_access(r, c, err) : ERR_OK;
}

static enum err_code
prepare_database(struct backup_run *r, struct capture *c, struct err *err)
{
	(void)r;
	return connector_prepare(c->connector, err);
}

static enum err_code
fence_database(struct backup_run *r, struct capture *c, struct err *err)
{
	(void)r;
	if (connector_fence(c->connector, &c->fence, err))
		return err->code;
	c->fence_begin_ns = c->fence.begin_ns;
	c->fence_end_ns = c->fence.end_ns;
	return ERR_OK;
}

enum err_code
databases_check(struct backup_run *r, struct err *err)
{
	return for_databases(r, check_database, NULL, NULL, err);
}

enum err_code
databases_prepare(struct backup_run *r, struct err *err)
{
	return for_databases(r, prepare_database, NULL, NULL, err);
}

enum err_code
databases_fence(struct backup_run *r, enum err_code (*other)(void *arg, struct err *err),
    void *arg, struct err *err)
{
	return for_databases(r, fence_database, other, arg, err);
}

enum err_code
databases_drain(struct backup_run *r, struct err *err)
{
	return for_databases(r, save_dumps, NULL, NULL, err);
}

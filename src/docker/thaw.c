#include "docker/thaw.h"

#include "base/log.h"
#include "docker/call.h"
#include "docker/down.h"
#include "docker/hook.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define TRIES 5
/* The engine runs one runtime process for each; more at once only wait for each other. */
#define AT_ONCE 8
/* A request that a dead run had sent may be carried out after we looked. */
#define LOOK_AGAIN_MS 400
/* Health checks are often far apart. */
#define HEALTHY_WITHIN_NS (60 * NS_PER_S)

bool
thaw_is_needed(const struct journal_entry *e)
{
	return e->how != QUIESCE_NONE &&
	       (e->before == CONTAINER_RUNNING || e->before == CONTAINER_RESTARTING ||
		   e->before == CONTAINER_UNKNOWN);
}

enum err_code
thaw_steps(struct thaw_step **out, const struct journal *j, struct err *err)
{
	struct thaw_step *steps = calloc(max_size(j->n_entries, 1), sizeof *steps);
	if (steps == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < j->n_entries; i++) {
		steps[i].entry = &j->entries[i];
		snprintf(steps[i].id, sizeof steps[i].id, "%s", j->entries[i].id);
	}
	*out = steps;
	return ERR_OK;
}

/* May the dead run have asked for a stop that is not over yet? */
static bool
may_be_stopping(const struct journal *j, const struct thaw_step *t)
{
	const struct journal_entry *e = t->entry;
	return e->how != QUIESCE_PAUSE && e->depth >= j->asked_from && !t->was_awaited &&
	       strcmp(t->id, e->id) == 0;
}

/* Nobody stops what is only paused: with exit code 0 it had come to its own end. */
static bool
has_ended_by_itself(const struct journal_entry *e, const struct container_look *look)
{
	return e->how == QUIESCE_PAUSE && look->exit_code == 0 && !look->restarts &&
	       strcmp(look->status, "exited") == 0;
}

/* One move towards running, from the present state. */
static enum err_code
move(struct docker *d, const struct journal *j, struct thaw_step *t, struct err *err)
{
	const struct journal_entry *e = t->entry;
	struct container_look look;
	if (docker_container_look(d, t->id, &look, err))
		return err->code;
	t->state = container_state_of(look.status);
	switch (t->state) {
	case CONTAINER_RUNNING:
		/* Started now, it would be stopped a moment later: see it stopped first. */
		if (may_be_stopping(j, t)) {
			t->was_awaited = true;
			return docker_container_stop(d, t->id, e->grace_s, err);
		}
		t->is_done = true;
		return ERR_OK;
	case CONTAINER_RESTARTING: /* by its own policy, as it would without us */
		t->is_done = true;
		return ERR_OK;
	case CONTAINER_PAUSED:
		t->was_changed = true;
		return docker_container_unpause(d, t->id, err);
	case CONTAINER_STOPPED:
		t->was_awaited = true;
		t->is_done = has_ended_by_itself(e, &look);
		t->was_changed = !t->is_done;
		return t->is_done ? ERR_OK : docker_container_start(d, t->id, err);
	case CONTAINER_UNKNOWN:
		break;
	}
	return err_set(err, ERR_IO, "container %s is in a state that is not known: '%s'",
	    e->name, look.status);
}

static void
thaw_one(struct docker *d, const struct journal *j, struct thaw_step *t)
{
	int64_t begun = clock_mono_ns();
	/* A move that worked is followed by a look, which must not use up a try. */
	for (int failures = 0, moves = 0; !t->is_done && failures < TRIES && moves < 2 * TRIES;
	     moves++) {
		if (move(d, j, t, &t->err) == ERR_OK)
			continue;
		t->is_gone = t->err.code == ERR_NOT_FOUND;
		if (t->is_gone)
			break;
		failures++;
		poll(NULL, 0, 50 * failures);
	}
	t->done_ns = clock_mono_ns();
	t->took_ns = t->done_ns - begun;
	if (t->is_done)
		t->err = (struct err)ERR_INIT;
	else if (t->err.code == ERR_OK)
		err_set(&t->err, ERR_IO, "container %s does not stay up", t->entry->name);
}

/* All steps, each to be taken when those that it needs are over, however they went. */
struct round {
	struct docker *d;
	const struct journal *j;
	struct thaw_step *steps;
	const size_t *order; /* by depth: what is needed comes first */
	pthread_mutex_t lock;
	pthread_cond_t one_is_over;
	bool *is_over; /* guarded by lock */
};

/* Does entry e wait for entry other? */
static bool
waits_for(const struct journal_entry *e, const struct journal_entry *other)
{
	return other->depth < e->depth &&
	       (!e->knows_needs || strv_has(&e->needs, other->service));
}

static bool
may_begin(const struct round *r, size_t at)
{
	for (size_t i = 0; i < r->j->n_entries; i++)
		if (!r->is_over[i] && waits_for(&r->j->entries[at], &r->j->entries[i]))
			return false;
	return true;
}

/* Whom it waits for was begun before it, so that somebody always goes on. */
static void
thaw_in_round(void *ctx, size_t i)
{
	struct round *r = ctx;
	size_t at = r->order[i];
	struct thaw_step *t = &r->steps[at];
	pthread_mutex_lock(&r->lock);
	while (!may_begin(r, at))
		pthread_cond_wait(&r->one_is_over, &r->lock);
	pthread_mutex_unlock(&r->lock);
	if (!t->is_done && !t->is_gone && thaw_is_needed(t->entry))
		thaw_one(r->d, r->j, t);
	pthread_mutex_lock(&r->lock);
	r->is_over[at] = true;
	pthread_cond_broadcast(&r->one_is_over);
	pthread_mutex_unlock(&r->lock);
}

static unsigned
deepest_of(const struct journal *j)
{
	unsigned deepest = 0;
	for (size_t i = 0; i < j->n_entries; i++)
		if (j->entries[i].depth > deepest)
			deepest = j->entries[i].depth;
	return deepest;
}

static void
thaw_in_order(struct docker *d, const struct journal *j, struct thaw_step *steps)
{
	size_t n = 0;
	AUTO(mem) size_t *order = calloc(max_size(j->n_entries, 1), sizeof *order);
	AUTO(mem) bool *is_over = calloc(max_size(j->n_entries, 1), sizeof *is_over);
	if (order == NULL || is_over == NULL) {
		struct err scratch;
		for (size_t i = 0; i < j->n_entries; i++)
			err_nomem(steps[i].is_done ? &scratch : &steps[i].err);
		return;
	}
	unsigned deepest = deepest_of(j);
	for (unsigned depth = 0; depth <= deepest; depth++)
		for (size_t i = 0; i < j->n_entries; i++)
			if (j->entries[i].depth == depth)
				order[n++] = i;
	struct round r = { d, j, steps, order, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_COND_INITIALIZER, is_over };
	thread_each(n, AT_ONCE, thaw_in_round, &r);
}

/* Of a stack that was taken down: see what is being stopped to its end.  Runs all that ran? */
static bool
settle_down(struct docker *d, const struct journal *j, struct thaw_step *steps)
{
	bool all_run = true;
	for (size_t i = 0; i < j->n_entries; i++) {
		struct thaw_step *t = &steps[i];
		struct container_look look;
		if (!thaw_is_needed(t->entry))
			continue;
		bool runs = !t->is_gone &&
			    docker_container_look(d, t->id, &look, &t->err) == ERR_OK &&
			    strcmp(look.status, "running") == 0;
		if (runs && may_be_stopping(j, t))
			runs = docker_container_stop(d, t->id, t->entry->grace_s, &t->err) !=
			       ERR_OK;
		t->was_awaited = true; /* what runs from now on was started by us */
		all_run = all_run && runs;
	}
	return all_run;
}

/* Is one gone that should run? */
static bool
lacks_some(const struct journal *j, const struct thaw_step *steps)
{
	for (size_t i = 0; i < j->n_entries; i++)
		if (steps[i].is_gone && thaw_is_needed(steps[i].entry))
			return true;
	return false;
}

/* Compose has done what it does; *why is what it said. */
static void
note_brought_up(struct docker *d, const struct journal *j, struct thaw_step *steps,
    int64_t begun_ns, const struct err *why)
{
	struct err found = ERR_INIT;
	if (down_find(d, j, steps, &found))
		log_debug("%s", found.msg);
	for (size_t i = 0; i < j->n_entries; i++) {
		struct thaw_step *t = &steps[i];
		if (!thaw_is_needed(t->entry) || t->is_done)
			continue;
		t->was_changed = true;
		t->took_ns = clock_mono_ns() - begun_ns;
		if (!t->is_gone)
			continue;
		t->err = *why;
		if (why->code == ERR_OK)
			err_set(&t->err, ERR_IO, "compose up did not make container %s",
			    t->entry->name);
	}
}

/* Compose makes what is missing, and starts all in its order, which heeds health checks. */
static void
bring_up(struct docker *d, const struct journal *j, struct thaw_step *steps)
{
	struct err err = ERR_INIT;
	int64_t begun_ns = clock_mono_ns();
	/* Others may have been made in their place meanwhile. */
	if (down_find(d, j, steps, &err) == ERR_OK && settle_down(d, j, steps))
		return;
	down_bring_up(j, &err);
	note_brought_up(d, j, steps, begun_ns, &err);
}

/* Compose makes what is missing; starting is left to us, which waits for no health check. */
static void
make_missing(struct docker *d, const struct journal *j, struct thaw_step *steps)
{
	struct err err = ERR_INIT;
	int64_t begun_ns = clock_mono_ns();
	if (down_find(d, j, steps, &err) == ERR_OK && !lacks_some(j, steps))
		return;
	down_make(j, &err);
	note_brought_up(d, j, steps, begun_ns, &err);
}

void
thaw_all(struct docker *d, const struct journal *j, struct thaw_step *steps, enum thaw_way way)
{
	struct err err = ERR_INIT;
	bool has_any = false;
	for (size_t i = 0; i < j->n_entries; i++)
		has_any = has_any || (!steps[i].is_done && thaw_is_needed(steps[i].entry));
	if (has_any && j->project.dir != NULL)
		(way == THAW_AT_ONCE ? make_missing : bring_up)(d, j, steps);
	thaw_in_order(d, j, steps);
	/* Somebody may have made the stack anew while it was quiet: its containers count. */
	bool is_gone = false;
	for (size_t i = 0; i < j->n_entries; i++)
		is_gone = is_gone || steps[i].is_gone;
	if (!is_gone || j->project.dir != NULL || down_find(d, j, steps, &err) != ERR_OK)
		return;
	thaw_in_order(d, j, steps);
}

/* "docker compose -p shop up -d a b" */
static void
mending_down(char *out, size_t size, const struct journal *j, const struct thaw_step *steps)
{
	size_t len = (size_t)snprintf(out, size,
	    "docker compose --project-name %s "
	    "--project-directory %s up -d",
	    j->stack, j->project.dir);
	for (size_t i = 0; i < j->n_entries && len < size; i++)
		if (thaw_is_needed(steps[i].entry) && steps[i].entry->number <= 1)
			len += (size_t)snprintf(
			    out + len, size - len, " %s", steps[i].entry->service);
}

/* "docker unpause a b; docker start c" */
static void
mending(char *out, size_t size, const struct journal *j, const struct thaw_step *steps)
{
	static const struct {
		const char *verb;
		bool is_for_paused;
	} kinds[] = { { "unpause", true }, { "start", false } };
	bool is_default = strcmp(j->host, "unix:///var/run/docker.sock") == 0;
	size_t len = 0;
	out[0] = '\0';
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		bool is_first = true;
		for (size_t i = 0; i < j->n_entries && len < size; i++) {
			const struct thaw_step *t = &steps[i];
			bool is_paused =
			    t->state == CONTAINER_PAUSED ||
			    (t->state == CONTAINER_UNKNOWN && t->entry->how == QUIESCE_PAUSE);
			if (t->is_done || t->is_gone || !thaw_is_needed(t->entry) ||
			    is_paused != kinds[k].is_for_paused)
				continue;
			if (is_first)
				len += (size_t)snprintf(out + len, size - len,
				    "%sdocker %s%s%s%s", len > 0 ? "; " : "",
				    is_default ? "" : "-H ", is_default ? "" : j->host,
				    is_default ? "" : " ", kinds[k].verb);
			is_first = false;
			if (len < size)
				len += (size_t)snprintf(
				    out + len, size - len, " %s", t->entry->name);
		}
	}
}

enum err_code
thaw_result(const struct journal *j, const struct thaw_step *steps, struct err *err)
{
	const struct thaw_step *first = NULL;
	char names[120] = "";
	size_t len = 0;
	for (size_t i = 0; i < j->n_entries; i++) {
		const struct thaw_step *t = &steps[i];
		if (t->is_done || !thaw_is_needed(t->entry))
			continue;
		if (len < sizeof names)
			len += (size_t)snprintf(names + len, sizeof names - len, "%s%s",
			    first != NULL ? ", " : "", t->entry->service);
		if (first == NULL)
			first = t;
	}
	if (first == NULL)
		return ERR_OK;
	char command[200];
	if (j->project.dir != NULL)
		mending_down(command, sizeof command, j, steps);
	else
		mending(command, sizeof command, j, steps);
	const char *then = command[0] != '\0' ? "; to mend it: " : "";
	return err_set(err, first->err.code,
	    "stack %s: these services do not run again: %s%s%s (%s)", j->stack, names, then,
	    command, first->err.msg);
}

static enum err_code
name_thawed(const struct journal *j, const struct thaw_step *steps, struct strv *thawed,
    struct err *err)
{
	for (size_t i = 0; i < j->n_entries; i++)
		if (steps[i].is_done && steps[i].was_changed &&
		    !strv_has(thawed, steps[i].entry->service) &&
		    strv_add(thawed, steps[i].entry->service, err))
			return err->code;
	return ERR_OK;
}

/* What was removed in the meantime, and not by us, cannot be given back by anybody. */
static void
pass_over_gone(const char *path, const struct journal *j, struct thaw_step *steps)
{
	for (size_t i = 0; i < j->n_entries && j->project.dir == NULL; i++) {
		if (steps[i].is_gone)
			log_debug(
			    "recover %s: container %s is gone", path, steps[i].entry->name);
		steps[i].is_done = steps[i].is_done || steps[i].is_gone;
	}
}

/* Once more for those that ran when we looked. */
static void
look_again(struct docker *d, const struct journal *j, struct thaw_step *steps)
{
	for (size_t i = 0; i < j->n_entries; i++)
		steps[i].is_done = steps[i].is_done && !thaw_is_needed(steps[i].entry);
	thaw_all(d, j, steps, THAW_AT_ONCE);
}

/* Has the health check of one not said anything yet, on which others may depend? */
static bool
is_one_starting(struct docker *d, const struct journal *j, const struct thaw_step *steps)
{
	unsigned deepest = deepest_of(j);
	for (size_t i = 0; i < j->n_entries; i++) {
		struct container_look look;
		struct err scratch; /* what cannot be asked is not waited for */
		if (steps[i].is_done && steps[i].entry->depth < deepest &&
		    thaw_is_needed(steps[i].entry) &&
		    docker_container_look(d, steps[i].id, &look, &scratch) == ERR_OK &&
		    look.is_starting)
			return true;
	}
	return false;
}

/* Compose would have waited for health checks before it started what depends on them.  All was
 * started at once instead; what has given up meanwhile, because a database was not ready, is
 * started again. */
static void
look_when_healthy(struct docker *d, const struct journal *j, struct thaw_step *steps)
{
	int64_t until_ns = clock_mono_ns() + HEALTHY_WITHIN_NS;
	bool has_waited = false;
	while (is_one_starting(d, j, steps) && clock_mono_ns() < until_ns) {
		has_waited = true;
		poll(NULL, 0, LOOK_AGAIN_MS);
		look_again(d, j, steps);
	}
	if (has_waited)
		look_again(d, j, steps);
}

static enum err_code
run_hooks(const struct journal *j, struct strv *failed, struct err *err)
{
	for (size_t i = 0; i < j->n_hooks; i++) {
		struct err why = ERR_INIT;
		if (hook_run(j->host, j->stack, &j->hooks[i], NULL, &why) &&
		    strv_addf(failed, err, "stack %s: hook.after of service %s: %s", j->stack,
			j->hooks[i].service, why.msg))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
journal_keep(const char *path, struct strv *thawed, struct strv *failed_hooks, struct err *err)
{
	AUTO(journal) struct journal *j = NULL;
	if (journal_read(&j, path, err))
		return err->code;
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	opt.host = j->host;
	AUTO(docker) struct docker *d = NULL;
	AUTO(mem) struct thaw_step *steps = NULL;
	if (docker_open(&d, &opt, err))
		return err_wrap(err, "stack %s", j->stack);
	if (thaw_steps(&steps, j, err))
		return err->code;
	thaw_all(d, j, steps, THAW_AT_ONCE);
	poll(NULL, 0, LOOK_AGAIN_MS);
	look_again(d, j, steps);
	if (j->project.dir != NULL)
		look_when_healthy(d, j, steps);
	pass_over_gone(path, j, steps);
	if (name_thawed(j, steps, thawed, err) || thaw_result(j, steps, err) ||
	    run_hooks(j, failed_hooks, err))
		return err->code;
	return journal_remove(path, err);
}

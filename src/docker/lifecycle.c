#include "docker/lifecycle.h"

#include "base/log.h"
#include "docker/call.h"
#include "docker/down.h"
#include "docker/thaw.h"
#include "docker/watchdog.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/thread.h"

#include <poll.h>
#include <string.h>

/* A busy host may fail to freeze what starts processes all the time. */
#define TRIES 6
#define AT_ONCE 8

/*
 * A container's way: its state is asked (before), the journal and the watchdog come to be, it
 * is asked to be quiet, it is seen to be quiet; later the same backwards, by thaw.h.  Each
 * container's members are touched by one thread at a time.
 */
struct lifecycle {
	struct docker *d;
	struct journal *journal; /* its entries are in the order of steps */
	char *journal_path; /* NULL: none is kept */
	struct watchdog *watchdog;
	struct lifecycle_step *steps;
	struct thaw_step *thaws;
	struct err *errs; /* of quiescing */
	size_t n;
	bool is_begun; /* containers may have been touched */
	pthread_mutex_t lock; /* guards thawing, and what follows */
	bool is_promised; /* the journal is there */
	bool is_thawed;
};

static bool
is_down(const struct journal *j)
{
	return j->project.dir != NULL;
}

static enum err_code
fill_entry(struct journal_entry *e, const struct stack_container *c,
    const struct lifecycle_target *t, unsigned depth, struct err *err)
{
	e->how = t->how;
	e->grace_s = t->grace_s;
	e->depth = depth;
	e->number = c->number;
	if (str_dup(&e->service, c->service, err) || str_dup(&e->id, c->id, err) ||
	    str_dup(&e->name, c->name, err))
		return err->code;
	if (strv_add_all(&e->needs, &c->depends_on, err))
		return err->code;
	e->knows_needs = true;
	return ERR_OK;
}

static enum err_code
new_journal(struct journal **out, struct docker *d, const struct stack *s,
    const struct lifecycle_options *opt, struct err *err)
{
	AUTO(journal) struct journal *j = calloc(1, sizeof *j);
	AUTO(mem) unsigned *depth = calloc(max_size(s->n_containers, 1), sizeof *depth);
	if (j == NULL || depth == NULL)
		return err_nomem(err);
	j->entries = calloc(max_size(opt->n_targets, 1), sizeof *j->entries);
	if (j->entries == NULL)
		return err_nomem(err);
	if (stack_depths(s, depth, err) || str_dup(&j->stack, s->name, err) ||
	    str_dup(&j->host, docker_host(d), err))
		return err->code;
	j->asked_from = JOURNAL_NOTHING_ASKED;
	j->begun_ns = clock_wall_ns();
	for (size_t i = 0; i < opt->n_targets; i++) {
		const struct lifecycle_target *t = &opt->targets[i];
		if (fill_entry(&j->entries[j->n_entries++], &s->containers[t->container], t,
			depth[t->container], err))
			return err->code;
		if (t->how == QUIESCE_DOWN && j->project.dir == NULL &&
		    down_project(&j->project, s, err))
			return err->code;
	}
	*out = TAKE(j);
	return ERR_OK;
}

static void
release(struct lifecycle *l)
{
	bool is_owed = l->journal != NULL && l->journal->n_hooks > 0;
	if (l->is_promised && ((l->is_begun && !l->is_thawed) || is_owed))
		watchdog_hand_over(l->watchdog);
	else
		watchdog_dismiss(l->watchdog);
	journal_free(l->journal);
	free(l->journal_path);
	free(l->steps);
	free(l->thaws);
	free(l->errs);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

void
lifecycle_free(struct lifecycle *l)
{
	if (l == NULL)
		return;
	struct err err = ERR_INIT;
	if ((l->is_begun && lifecycle_thaw(l, &err) != ERR_OK) ||
	    (l->journal != NULL && l->journal->n_hooks == 0 &&
		lifecycle_end(l, &err) != ERR_OK))
		log_debug("%s", err.msg);
	release(l);
}

static enum err_code
new_lifecycle(struct lifecycle **out, struct docker *d, struct journal **journal,
    const struct lifecycle_options *opt, struct err *err)
{
	AUTO(lifecycle) struct lifecycle *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	pthread_mutex_init(&l->lock, NULL);
	size_t n = (*journal)->n_entries;
	l->d = d;
	l->n = n;
	l->steps = calloc(max_size(n, 1), sizeof *l->steps);
	l->errs = calloc(max_size(n, 1), sizeof *l->errs);
	if (l->steps == NULL || l->errs == NULL)
		return err_nomem(err);
	if (thaw_steps(&l->thaws, *journal, err) ||
	    (opt->journal_path != NULL && str_dup(&l->journal_path, opt->journal_path, err)))
		return err->code;
	l->journal = TAKE(*journal);
	for (size_t i = 0; i < n; i++) {
		const struct journal_entry *e = &l->journal->entries[i];
		l->steps[i].service = e->service;
		l->steps[i].id = e->id;
		l->steps[i].name = e->name;
		l->steps[i].how = e->how;
	}
	*out = TAKE(l);
	return ERR_OK;
}

/* What cannot be told counts as running; but a container that is not there fails the run. */
static void
ask_state(void *ctx, size_t i)
{
	struct lifecycle *l = ctx;
	struct journal_entry *e = &l->journal->entries[i];
	struct err err = ERR_INIT;
	char word[32] = "";
	if (docker_container_status(l->d, e->id, word, &err) == ERR_NOT_FOUND)
		l->errs[i] = err;
	e->before = container_state_of(word);
	l->steps[i].before = e->before;
}

static enum err_code
first_error(const struct lifecycle *l, struct err *err)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->errs[i].code != ERR_OK) {
			*err = l->errs[i];
			return err_wrap(err, "service %s", l->steps[i].service);
		}
	}
	return ERR_OK;
}

/* The promise: on disk, and with somebody who will keep it for us. */
static enum err_code
promise(struct lifecycle *l, struct err *err)
{
	if (l->journal_path == NULL)
		return ERR_OK;
	if (fs_exists(l->journal_path))
		return err_set(err, ERR_EXISTS,
		    "there is a journal of an earlier run at %s: recover that first",
		    l->journal_path);
	if (journal_write(l->journal, l->journal_path, err))
		return err->code;
	if (watchdog_start(&l->watchdog, l->journal_path, err)) {
		struct err
		    scratch; /* nothing was touched, so a journal left behind does no harm */
		if (journal_remove(l->journal_path, &scratch) != ERR_OK)
			log_debug("%s", scratch.msg);
		return err->code;
	}
	l->is_promised = true;
	return ERR_OK;
}

enum err_code
lifecycle_open(struct lifecycle **out, struct docker *d, const struct stack *s,
    const struct lifecycle_options *opt, struct err *err)
{
	AUTO(journal) struct journal *j = NULL;
	AUTO(lifecycle) struct lifecycle *l = NULL;
	if (new_journal(&j, d, s, opt, err) ||
	    (is_down(j) && down_check(s, docker_host(d), docker_cancel(d), err)) ||
	    new_lifecycle(&l, d, &j, opt, err))
		return err->code;
	thread_each(l->n, AT_ONCE, ask_state, l);
	if (first_error(l, err) || cancel_check(docker_cancel(d), err) || promise(l, err))
		return err->code;
	*out = TAKE(l);
	return ERR_OK;
}

/* What was promised has changed. */
static enum err_code
promise_anew(struct lifecycle *l, struct err *err)
{
	return l->is_promised ? journal_write(l->journal, l->journal_path, err) : ERR_OK;
}

enum err_code
lifecycle_owe_hook(struct lifecycle *l, const char *service, const struct strv *argv,
    int64_t timeout_ms, struct err *err)
{
	if (journal_add_hook(l->journal, service, argv, timeout_ms, err))
		return err->code;
	return promise_anew(l, err);
}

const struct journal_hook *
lifecycle_hooks(const struct lifecycle *l, size_t *n)
{
	*n = l->journal->n_hooks;
	return l->journal->hooks;
}

/* --- being quiet --- */

static bool
is_quiet(enum quiesce_how how, enum container_state state)
{
	return state == CONTAINER_STOPPED ||
	       (how == QUIESCE_PAUSE && state == CONTAINER_PAUSED);
}

/* What stops again and again cannot be paused in between, and is stopped. */
static enum err_code
ask_to_be_quiet(struct lifecycle *l, const struct journal_entry *e, enum container_state state,
    struct err *err)
{
	if (e->how != QUIESCE_PAUSE || state == CONTAINER_RESTARTING)
		return docker_container_stop(l->d, e->id, e->grace_s, err);
	return docker_container_pause(l->d, e->id, err);
}

/* Ask it to be quiet and see that it is; whatever the call said, the state decides. */
static enum err_code
quiesce_once(struct lifecycle *l, size_t i, enum container_state *state, struct err *err)
{
	const struct journal_entry *e = &l->journal->entries[i];
	struct err seen = ERR_INIT;
	char word[32] = "";
	enum err_code rc = ask_to_be_quiet(l, e, *state, err);
	enum err_code seen_rc = docker_container_status(l->d, e->id, word, &seen);
	*state = container_state_of(word);
	if (seen_rc == ERR_OK && is_quiet(e->how, *state))
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	if (seen_rc != ERR_OK) {
		*err = seen;
		return seen_rc;
	}
	return err_set(err, ERR_IO, "container %s is %s though the engine was asked to %s it",
	    e->name, container_state_word(*state), e->how == QUIESCE_PAUSE ? "pause" : "stop");
}

/* It came to its own end since it was looked at: then that is how it was before. */
static bool
has_ended(struct lifecycle *l, size_t i)
{
	struct journal_entry *e = &l->journal->entries[i];
	struct err scratch; /* what cannot be told counts as running */
	char word[32];
	if (docker_container_status(l->d, e->id, word, &scratch) != ERR_OK ||
	    container_state_of(word) != CONTAINER_STOPPED)
		return false;
	e->before = l->steps[i].before = CONTAINER_STOPPED;
	return true;
}

static void
quiesce_one(struct lifecycle *l, size_t i)
{
	struct lifecycle_step *step = &l->steps[i];
	enum container_state state = CONTAINER_UNKNOWN;
	if (has_ended(l, i))
		return;
	step->quiet_from_ns = clock_mono_ns();
	enum err_code rc = ERR_TRANSIENT;
	for (int try = 0; try < TRIES && rc != ERR_OK && rc != ERR_CANCELLED; try++) {
		if (try > 0)
			poll(NULL, 0, 50 * try);
		rc = quiesce_once(l, i, &state, &l->errs[i]);
		if (cancel_is_raised(docker_cancel(l->d)) && rc != ERR_OK)
			break;
	}
	/* That it could not be made quiet in time matters no more then. */
	if (rc != ERR_OK && cancel_check(docker_cancel(l->d), &l->errs[i]))
		rc = ERR_CANCELLED;
	step->quiet_at_ns = clock_mono_ns();
	step->quiesce_ns = step->quiet_at_ns - step->quiet_from_ns;
	if (rc == ERR_OK) {
		step->is_quiesced = true;
		l->errs[i] = (struct err)ERR_INIT;
	}
}

/* The containers that are paused, or those of one depth that are stopped. */
struct quiet_round {
	struct lifecycle *l;
	bool is_of_paused;
	unsigned depth;
};

static void
quiesce_in_round(void *ctx, size_t i)
{
	struct quiet_round *r = ctx;
	const struct journal_entry *e = &r->l->journal->entries[i];
	bool is_of_round = r->is_of_paused ? e->how == QUIESCE_PAUSE
					   : e->how != QUIESCE_PAUSE && e->depth == r->depth;
	if (thaw_is_needed(e) && is_of_round)
		quiesce_one(r->l, i);
}

static enum err_code
quiesce_round(struct lifecycle *l, bool is_of_paused, unsigned depth, struct err *err)
{
	struct quiet_round r = { l, is_of_paused, depth };
	thread_each(l->n, AT_ONCE, quiesce_in_round, &r);
	return first_error(l, err) ? err->code : cancel_check(docker_cancel(l->d), err);
}

/* How deep the deepest is that will be stopped; < 0: none will. */
static int
deepest_to_stop(const struct lifecycle *l)
{
	int deepest = -1;
	for (size_t i = 0; i < l->n; i++) {
		const struct journal_entry *e = &l->journal->entries[i];
		if (thaw_is_needed(e) && e->how != QUIESCE_PAUSE && (int)e->depth > deepest)
			deepest = (int)e->depth;
	}
	return deepest;
}

/* Those that take long come first; pausing is a matter of milliseconds. */
static enum err_code
quiesce_all(struct lifecycle *l, struct err *err)
{
	int deepest = deepest_to_stop(l);
	for (int depth = deepest; depth >= 0; depth--) {
		l->journal->asked_from = (unsigned)depth;
		if (promise_anew(l, err) || quiesce_round(l, false, (unsigned)depth, err))
			return err->code;
	}
	if (quiesce_round(l, true, 0, err) ||
	    (is_down(l->journal) && down_remove(l->d, l->journal, err)))
		return err->code;
	l->journal->asked_from = JOURNAL_NOTHING_ASKED;
	return deepest >= 0 ? promise_anew(l, err) : ERR_OK;
}

enum err_code
lifecycle_quiesce(struct lifecycle *l, struct err *err)
{
	l->is_begun = true;
	if (quiesce_all(l, err) == ERR_OK)
		return ERR_OK;
	struct err thaw = ERR_INIT;
	if (lifecycle_thaw(l, &thaw) != ERR_OK)
		err_wrap(err, "%s; it came after", thaw.msg);
	return err->code;
}

static void
check_one(void *ctx, size_t i)
{
	struct lifecycle *l = ctx;
	const struct lifecycle_step *step = &l->steps[i];
	struct err *err = &l->errs[i];
	char word[32];
	if (!step->is_quiesced || step->is_thawed ||
	    docker_container_status(l->d, step->id, word, err) != ERR_OK)
		return;
	enum container_state state = container_state_of(word);
	if (!is_quiet(step->how, state))
		err_set(err, ERR_INCOMPLETE,
		    "its container %s did not stay quiet: it is %s, and somebody else has done "
		    "that; what was read is not of one instant",
		    step->name, container_state_word(state));
}

static enum err_code
check_down(struct lifecycle *l, struct err *err)
{
	if (down_find(l->d, l->journal, l->thaws, err))
		return err->code;
	for (size_t i = 0; i < l->n; i++)
		if (l->steps[i].is_quiesced && !l->thaws[i].is_gone)
			return err_set(err, ERR_INCOMPLETE,
			    "service %s: its container %s is there again, and somebody else "
			    "has "
			    "done that; what was read is not of one instant",
			    l->steps[i].service, l->steps[i].name);
	return ERR_OK;
}

enum err_code
lifecycle_check_quiet(struct lifecycle *l, struct err *err)
{
	pthread_mutex_lock(&l->lock);
	enum err_code rc;
	if (is_down(l->journal) && !l->is_thawed) {
		rc = check_down(l, err);
	} else {
		thread_each(l->n, AT_ONCE, check_one, l);
		rc = first_error(l, err);
	}
	pthread_mutex_unlock(&l->lock);
	return rc;
}

/* --- and as before --- */

static enum err_code
thaw(struct lifecycle *l, struct err *err)
{
	if (l->is_thawed)
		return ERR_OK;
	thaw_all(l->d, l->journal, l->thaws, THAW_BY_COMPOSE);
	for (size_t i = 0; i < l->n; i++) {
		struct lifecycle_step *step = &l->steps[i];
		const struct thaw_step *t = &l->thaws[i];
		if (!thaw_is_needed(t->entry))
			continue;
		step->is_thawed = t->is_done;
		step->thaw_ns = t->took_ns;
		step->quiet_to_ns = t->is_done ? t->done_ns : 0;
		step->err = t->err;
	}
	if (thaw_result(l->journal, l->thaws, err))
		return err->code;
	l->is_thawed = true;
	return ERR_OK;
}

static enum err_code
end(struct lifecycle *l, struct err *err)
{
	if (!l->is_promised || (l->is_begun && !l->is_thawed))
		return ERR_OK;
	if (journal_remove(l->journal_path, err))
		return err_wrap(err, "all services run again");
	l->is_promised = false;
	return ERR_OK;
}

enum err_code
lifecycle_thaw(struct lifecycle *l, struct err *err)
{
	pthread_mutex_lock(&l->lock);
	enum err_code rc = thaw(l, err);
	if (rc == ERR_OK && l->journal->n_hooks == 0)
		rc = end(l, err);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

enum err_code
lifecycle_end(struct lifecycle *l, struct err *err)
{
	pthread_mutex_lock(&l->lock);
	enum err_code rc = end(l, err);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

const struct lifecycle_step *
lifecycle_steps(const struct lifecycle *l, size_t *n)
{
	*n = l->n;
	return l->steps;
}

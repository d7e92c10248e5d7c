#include "docker/lifecycle.h"

#include "base/log.h"
#include "docker/call.h"
#include "docker/thaw.h"
#include "docker/watchdog.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/thread.h"

#include <poll.h>
#include <string.h>

#define TRIES 4
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
	int stop_grace_s;
	bool is_begun; /* containers may have been touched */
	bool is_thawed;
};

static enum err_code
new_journal(struct journal **out, struct docker *d, const struct stack *s, const size_t *which,
    size_t n, enum quiesce_how how, struct err *err)
{
	AUTO(journal) struct journal *j = calloc(1, sizeof *j);
	AUTO(mem) unsigned *depth = calloc(max_size(s->n_containers, 1), sizeof *depth);
	if (j == NULL || depth == NULL)
		return err_nomem(err);
	j->entries = calloc(max_size(n, 1), sizeof *j->entries);
	if (j->entries == NULL)
		return err_nomem(err);
	if (stack_depths(s, depth, err) || str_dup(&j->stack, s->name, err) ||
	    str_dup(&j->host, docker_host(d), err))
		return err->code;
	j->how = how;
	j->begun_ns = clock_wall_ns();
	for (size_t i = 0; i < n; i++) {
		const struct stack_container *c = &s->containers[which[i]];
		struct journal_entry *e = &j->entries[j->n_entries++];
		e->depth = depth[which[i]];
		if (str_dup(&e->service, c->service, err) || str_dup(&e->id, c->id, err) ||
		    str_dup(&e->name, c->name, err))
			return err->code;
	}
	*out = TAKE(j);
	return ERR_OK;
}

static void
release(struct lifecycle *l)
{
	if (l->is_begun && !l->is_thawed)
		watchdog_hand_over(l->watchdog);
	else
		watchdog_dismiss(l->watchdog);
	journal_free(l->journal);
	free(l->journal_path);
	free(l->steps);
	free(l->thaws);
	free(l->errs);
	free(l);
}

void
lifecycle_free(struct lifecycle *l)
{
	if (l == NULL)
		return;
	struct err err = ERR_INIT;
	if (l->is_begun && lifecycle_thaw(l, &err) != ERR_OK)
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
	size_t n = (*journal)->n_entries;
	l->d = d;
	l->n = n;
	l->stop_grace_s = opt->stop_grace_s;
	l->steps = calloc(max_size(n, 1), sizeof *l->steps);
	l->thaws = calloc(max_size(n, 1), sizeof *l->thaws);
	l->errs = calloc(max_size(n, 1), sizeof *l->errs);
	if (l->steps == NULL || l->thaws == NULL || l->errs == NULL)
		return err_nomem(err);
	if (opt->journal_path != NULL && str_dup(&l->journal_path, opt->journal_path, err))
		return err->code;
	l->journal = TAKE(*journal);
	for (size_t i = 0; i < n; i++) {
		const struct journal_entry *e = &l->journal->entries[i];
		l->steps[i].service = e->service;
		l->steps[i].id = e->id;
		l->steps[i].name = e->name;
		l->thaws[i].entry = e;
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

static bool
is_quiet(const struct lifecycle *l, enum container_state state)
{
	return state == CONTAINER_STOPPED ||
	       (l->journal->how == QUIESCE_PAUSE && state == CONTAINER_PAUSED);
}

static enum err_code
ask_to_be_quiet(struct lifecycle *l, const struct journal_entry *e, struct err *err)
{
	if (l->journal->how == QUIESCE_STOP)
		return docker_container_stop(l->d, e->id, l->stop_grace_s, err);
	return docker_container_pause(l->d, e->id, err);
}

/* Ask it to be quiet and see that it is; whatever the call said, the state decides. */
static enum err_code
quiesce_once(struct lifecycle *l, size_t i, enum container_state *state, struct err *err)
{
	const struct journal_entry *e = &l->journal->entries[i];
	struct err seen = ERR_INIT;
	char word[32] = "";
	enum err_code rc = ask_to_be_quiet(l, e, err);
	enum err_code seen_rc = docker_container_status(l->d, e->id, word, &seen);
	*state = container_state_of(word);
	if (seen_rc == ERR_OK && is_quiet(l, *state))
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	if (seen_rc != ERR_OK) {
		*err = seen;
		return seen_rc;
	}
	return err_set(err, ERR_IO, "container %s is %s though the engine was asked to %s it",
	    e->name, container_state_word(*state),
	    l->journal->how == QUIESCE_STOP ? "stop" : "pause");
}

static void
quiesce_one(struct lifecycle *l, size_t i)
{
	struct lifecycle_step *step = &l->steps[i];
	enum container_state state = CONTAINER_UNKNOWN;
	step->quiet_from_ns = clock_mono_ns();
	enum err_code rc = ERR_TRANSIENT;
	for (int try = 0; try < TRIES && rc != ERR_OK && rc != ERR_CANCELLED; try++) {
		if (try > 0)
			poll(NULL, 0, 50 * try);
		rc = quiesce_once(l, i, &state, &l->errs[i]);
		if (cancel_is_raised(docker_cancel(l->d)) && rc != ERR_OK)
			break;
	}
	step->quiet_at_ns = clock_mono_ns();
	step->quiesce_ns = step->quiet_at_ns - step->quiet_from_ns;
	if (rc == ERR_OK) {
		step->is_quiesced = true;
		l->errs[i] = (struct err)ERR_INIT;
	}
}

/* The containers of one depth, or all of them. */
struct quiet_round {
	struct lifecycle *l;
	bool is_for_all;
	unsigned depth;
};

static void
quiesce_in_round(void *ctx, size_t i)
{
	struct quiet_round *r = ctx;
	const struct journal_entry *e = &r->l->journal->entries[i];
	if (thaw_is_needed(e) && (r->is_for_all || e->depth == r->depth))
		quiesce_one(r->l, i);
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

static enum err_code
quiesce_all(struct lifecycle *l, struct err *err)
{
	const struct cancel *c = docker_cancel(l->d);
	if (l->journal->how == QUIESCE_PAUSE) {
		struct quiet_round r = { l, true, 0 };
		thread_each(l->n, AT_ONCE, quiesce_in_round, &r);
		return first_error(l, err) ? err->code : cancel_check(c, err);
	}
	unsigned deepest = 0;
	for (size_t i = 0; i < l->n; i++)
		if (l->journal->entries[i].depth > deepest)
			deepest = l->journal->entries[i].depth;
	for (unsigned depth = deepest + 1; depth-- > 0;) {
		struct quiet_round r = { l, false, depth };
		thread_each(l->n, AT_ONCE, quiesce_in_round, &r);
		if (first_error(l, err) || cancel_check(c, err))
			return err->code;
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
	return ERR_OK;
}

enum err_code
lifecycle_quiesce(struct lifecycle **out, struct docker *d, const struct stack *s,
    const size_t *which, size_t n, const struct lifecycle_options *opt, struct err *err)
{
	AUTO(journal) struct journal *j = NULL;
	AUTO(lifecycle) struct lifecycle *l = NULL;
	if (new_journal(&j, d, s, which, n, opt->how, err) ||
	    new_lifecycle(&l, d, &j, opt, err))
		return err->code;
	thread_each(n, AT_ONCE, ask_state, l);
	if (first_error(l, err) || cancel_check(docker_cancel(d), err) || promise(l, err))
		return err->code;
	l->is_begun = true;
	if (quiesce_all(l, err)) {
		struct err thaw = ERR_INIT;
		if (lifecycle_thaw(l, &thaw) != ERR_OK)
			err_wrap(err, "%s; it came after", thaw.msg);
		return err->code;
	}
	*out = TAKE(l);
	return ERR_OK;
}

enum err_code
lifecycle_thaw(struct lifecycle *l, struct err *err)
{
	if (l->is_thawed)
		return ERR_OK;
	thaw_all(l->d, l->thaws, l->n);
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
	if (thaw_result(l->journal, l->thaws, l->n, err))
		return err->code;
	l->is_thawed = true;
	if (l->journal_path != NULL && journal_remove(l->journal_path, err))
		return err_wrap(err, "all services run again");
	return ERR_OK;
}

const struct lifecycle_step *
lifecycle_steps(const struct lifecycle *l, size_t *n)
{
	*n = l->n;
	return l->steps;
}

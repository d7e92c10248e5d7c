#include "docker/thaw.h"

#include "base/log.h"
#include "docker/call.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define TRIES 5
/* The engine runs one runtime process for each; more at once only wait for each other. */
#define AT_ONCE 8

bool
thaw_is_needed(const struct journal_entry *e)
{
	return e->before == CONTAINER_RUNNING || e->before == CONTAINER_RESTARTING ||
	       e->before == CONTAINER_UNKNOWN;
}

/* One move towards running, from the present state. */
static enum err_code
move(struct docker *d, struct thaw_step *t, struct err *err)
{
	char word[32];
	if (docker_container_status(d, t->entry->id, word, err))
		return err->code;
	t->state = container_state_of(word);
	switch (t->state) {
	case CONTAINER_RUNNING:
	case CONTAINER_RESTARTING: /* by its own policy, as it would without us */
		t->is_done = true;
		return ERR_OK;
	case CONTAINER_PAUSED:
		t->was_changed = true;
		return docker_container_unpause(d, t->entry->id, err);
	case CONTAINER_STOPPED:
		t->was_changed = true;
		return docker_container_start(d, t->entry->id, err);
	case CONTAINER_UNKNOWN:
		break;
	}
	return err_set(err, ERR_IO, "container %s is in a state that is not known: '%s'",
	    t->entry->name, word);
}

static void
thaw_one(struct docker *d, struct thaw_step *t)
{
	int64_t begun = clock_mono_ns();
	/* A move that worked is followed by a look, which must not use up a try. */
	for (int failures = 0, moves = 0; !t->is_done && failures < TRIES && moves < 2 * TRIES;
	     moves++) {
		if (move(d, t, &t->err) == ERR_OK)
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

/* The steps of one depth. */
struct round {
	struct docker *d;
	struct thaw_step *steps;
	size_t n;
	unsigned depth;
};

static void
thaw_in_round(void *ctx, size_t i)
{
	struct round *r = ctx;
	struct thaw_step *t = &r->steps[i];
	if (!t->is_done && t->entry->depth == r->depth && thaw_is_needed(t->entry))
		thaw_one(r->d, t);
}

void
thaw_all(struct docker *d, struct thaw_step *steps, size_t n)
{
	unsigned deepest = 0;
	for (size_t i = 0; i < n; i++)
		if (steps[i].entry->depth > deepest)
			deepest = steps[i].entry->depth;
	for (unsigned depth = 0; depth <= deepest; depth++) {
		struct round r = { d, steps, n, depth };
		thread_each(n, AT_ONCE, thaw_in_round, &r);
	}
}

/* "docker unpause a b; docker start c" */
static void
mending(
    char *out, size_t size, const struct journal *j, const struct thaw_step *steps, size_t n)
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
		for (size_t i = 0; i < n && len < size; i++) {
			const struct thaw_step *t = &steps[i];
			bool is_paused =
			    t->state == CONTAINER_PAUSED ||
			    (t->state == CONTAINER_UNKNOWN && j->how == QUIESCE_PAUSE);
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
thaw_result(const struct journal *j, const struct thaw_step *steps, size_t n, struct err *err)
{
	const struct thaw_step *first = NULL;
	char names[120] = "";
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
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
	mending(command, sizeof command, j, steps, n);
	const char *then = command[0] != '\0' ? "; to mend it: " : "";
	return err_set(err, first->err.code,
	    "stack %s: these services do not run again: %s%s%s (%s)", j->stack, names, then,
	    command, first->err.msg);
}

static enum err_code
name_thawed(const struct thaw_step *steps, size_t n, struct strv *thawed, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (steps[i].is_done && steps[i].was_changed &&
		    !strv_has(thawed, steps[i].entry->service) &&
		    strv_add(thawed, steps[i].entry->service, err))
			return err->code;
	return ERR_OK;
}

enum err_code
journal_keep(const char *path, struct strv *thawed, struct err *err)
{
	AUTO(journal) struct journal *j = NULL;
	if (journal_read(&j, path, err))
		return err->code;
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	opt.host = j->host;
	AUTO(docker) struct docker *d = NULL;
	if (docker_open(&d, &opt, err))
		return err_wrap(err, "stack %s", j->stack);
	AUTO(mem) struct thaw_step *steps = calloc(max_size(j->n_entries, 1), sizeof *steps);
	if (steps == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < j->n_entries; i++)
		steps[i].entry = &j->entries[i];
	thaw_all(d, steps, j->n_entries);
	/* What was removed in the meantime cannot be given back by anybody. */
	for (size_t i = 0; i < j->n_entries; i++) {
		if (steps[i].is_gone)
			log_debug(
			    "recover %s: container %s is gone", path, steps[i].entry->name);
		steps[i].is_done = steps[i].is_done || steps[i].is_gone;
	}
	if (name_thawed(steps, j->n_entries, thawed, err) ||
	    thaw_result(j, steps, j->n_entries, err))
		return err->code;
	return journal_remove(path, err);
}

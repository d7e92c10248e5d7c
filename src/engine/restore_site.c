#include "engine/restore_site.h"

#include "base/json.h"
#include "engine/restore_path.h"
#include "sys/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LABEL_PROJECT "com.docker.compose.project"
#define LABEL_ONEOFF "com.docker.compose.oneoff"
#define DOWN_TIMEOUT_MS (10 * 60 * 1000)
#define POLL_MS 300
/* A server without a health check counts as running when it has stayed so for this long. */
#define SETTLE_NS (2 * NS_PER_S)

/* Compose finds the .env of the project folder by itself; named, it would become a label. */
static const struct strv *
chosen_env_files(const char *dir, const struct strv *files)
{
	bool is_default = files->len == 1 && path_is_within(files->items[0], dir) &&
			  strcmp(files->items[0] + strlen(dir), "/.env") == 0;
	return is_default ? NULL : files;
}

struct compose_project
site_project(const struct restore_site *s, const char *dir, const struct strv *files,
    const struct strv *env_files)
{
	return (struct compose_project){ .name = s->name,
		.dir = dir,
		.files = files,
		.env_files = chosen_env_files(dir, env_files) };
}

/* Nothing of the stack may run while its data is exchanged, whatever Compose says. */
static enum err_code
check_down(const struct restore_site *s, struct err *err)
{
	AUTO(docker_doc) struct docker_doc list = DOCKER_DOC_INIT;
	AUTO(str) char *label = NULL;
	if (str_printf(&label, err, LABEL_PROJECT "=%s", s->name) ||
	    docker_container_list(s->docker, label, &list, err))
		return err->code;
	size_t i;
	const json_t *doc;
	json_array_foreach(list.json, i, doc)
	{
		const char *name =
		    json_string_value(json_array_get(json_object_get(doc, "Names"), 0));
		if (container_state_of(json_get_str(doc, "State")) != CONTAINER_STOPPED)
			return err_set(err, ERR_LOCKED,
			    "container %s still runs after compose down",
			    name != NULL ? name + (*name == '/') : "?");
	}
	return ERR_OK;
}

/* By its labels alone, as the new Compose can; the old one wants the files. */
enum err_code
site_down(
    const struct restore_site *s, const char *dir, const struct strv *files, struct err *err)
{
	struct compose_project p = { .name = s->name, .dir = "/" };
	if (compose_is_v1(s->compose) && dir != NULL) {
		p.dir = dir;
		p.files = files;
	}
	if (compose_down(s->compose, &p, DOWN_TIMEOUT_MS, err))
		return err->code;
	return check_down(s, err);
}

static size_t
index_of(const struct stack *s, const char *id)
{
	size_t i = 0;
	while (i < s->n_containers && strcmp(s->containers[i].id, id) != 0)
		i++;
	return i;
}

enum err_code
site_stop(const struct restore_site *s, const struct strv *ids, struct err *err)
{
	AUTO(stack) struct stack *now = NULL;
	if (ids->len == 0)
		return ERR_OK;
	if (stack_load(&now, s->docker, s->name, err))
		return err->code;
	AUTO(mem) size_t *order = calloc(now->n_containers + 1, sizeof *order);
	if (order == NULL)
		return err_nomem(err);
	if (stack_order(now, order, err))
		return err->code;
	for (size_t i = now->n_containers; i-- > 0;) {
		const struct stack_container *c = &now->containers[order[i]];
		if (!strv_has(ids, c->id))
			continue;
		if (docker_container_stop(s->docker, c->id, -1, err))
			return err->code;
		event_service(s->events, c->service, "stopped");
	}
	return ERR_OK;
}

/* Start those of one depth; their services are added to started. */
static enum err_code
start_depth(const struct restore_site *s, const struct stack *now, const struct strv *ids,
    const unsigned *depth, unsigned wanted, struct strv *started, struct err *err)
{
	for (size_t i = 0; i < ids->len; i++) {
		size_t at = index_of(now, ids->items[i]);
		if (at == now->n_containers)
			return err_set(
			    err, ERR_NOT_FOUND, "container %.12s is gone", ids->items[i]);
		if (depth[at] != wanted)
			continue;
		const char *service = now->containers[at].service;
		if (docker_container_start(s->docker, ids->items[i], err) ||
		    (!strv_has(started, service) && strv_add(started, service, err)))
			return err->code;
	}
	return ERR_OK;
}

static unsigned
deepest(const struct stack *now, const struct strv *ids, const unsigned *depth)
{
	unsigned most = 0;
	for (size_t i = 0; i < now->n_containers; i++)
		if (strv_has(ids, now->containers[i].id) && depth[i] > most)
			most = depth[i];
	return most;
}

enum err_code
site_start(const struct restore_site *s, const struct strv *ids, int wait_s,
    const struct cancel *cancel, struct err *err)
{
	AUTO(stack) struct stack *now = NULL;
	if (ids->len == 0)
		return ERR_OK;
	if (stack_load(&now, s->docker, s->name, err))
		return err->code;
	AUTO(mem) unsigned *depth = calloc(now->n_containers + 1, sizeof *depth);
	if (depth == NULL)
		return err_nomem(err);
	if (stack_depths(now, depth, err))
		return err->code;
	unsigned last = deepest(now, ids, depth);
	for (unsigned d = 0; d <= last; d++) {
		AUTO(strv) struct strv started = STRV_INIT;
		AUTO(stack) struct stack *seen = NULL;
		uint64_t running;
		if (start_depth(s, now, ids, depth, d, &started, err) ||
		    (d < last && started.len > 0 &&
			site_wait_well(s, &seen, &started, wait_s, cancel, &running, err)))
			return err->code;
	}
	return ERR_OK;
}

/* How a container is; what is empty when it is as it should be. */
static void
judge(const struct stack_container *c, char *what, size_t size)
{
	*what = '\0';
	AUTO(json) json_t *doc = NULL;
	struct err scratch; /* then there is no exit code to tell */
	int64_t status = -1;
	if (json_parse(&doc, c->raw.data, c->raw.len, c->name, &scratch) == ERR_OK)
		status = json_get_int(json_object_get(doc, "State"), "ExitCode", -1);
	switch (c->state) {
	case CONTAINER_RUNNING:
		if (*c->health != '\0' && strcmp(c->health, "healthy") != 0 &&
		    strcmp(c->health, "none") != 0)
			snprintf(what, size, "is %s",
			    strcmp(c->health, "starting") == 0 ? "not yet healthy" : c->health);
		return;
	case CONTAINER_STOPPED:
		/* What had something to do, and has done it. */
		if (status != 0)
			snprintf(
			    what, size, "has stopped with exit status %lld", (long long)status);
		return;
	case CONTAINER_RESTARTING:
		snprintf(
		    what, size, "stops again and again (exit status %lld)", (long long)status);
		return;
	case CONTAINER_PAUSED:
	case CONTAINER_UNKNOWN:
		snprintf(what, size, "is %s", container_state_word(c->state));
		return;
	}
}

struct health {
	char sick[300]; /* the first container that is not as it should be; "" when all are */
	uint64_t running; /* services */
	bool all_checked; /* by a health check, each */
};

static void
examine(struct health *h, const struct stack *s, const struct strv *services)
{
	*h = (struct health){ .all_checked = true };
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct stack_container *c = &s->containers[i];
		char how[96];
		if (!strv_has(services, c->service))
			continue;
		judge(c, how, sizeof how);
		h->all_checked = h->all_checked && *c->health != '\0';
		if (how[0] == '\0' && c->state == CONTAINER_RUNNING && c->number <= 1)
			h->running++;
		if (how[0] != '\0' && h->sick[0] == '\0')
			snprintf(h->sick, sizeof h->sick, "service %s %s (docker logs %s)",
			    c->service, how, c->name);
	}
}

static void
rest(int ms)
{
	struct timespec t = { ms / 1000, (ms % 1000) * (long)NS_PER_MS };
	nanosleep(&t, NULL);
}

bool
site_is_well(const struct stack *s, const char *service)
{
	char *one[] = { (char *)(uintptr_t)service };
	struct strv services = { one, 1, 1 };
	struct health h;
	examine(&h, s, &services);
	return h.sick[0] == '\0';
}

enum err_code
site_wait_well(const struct restore_site *site, struct stack **s, const struct strv *services,
    int wait_s, const struct cancel *cancel, uint64_t *running, struct err *err)
{
	int64_t deadline_ns = clock_mono_ns() + wait_s * NS_PER_S;
	int64_t well_since_ns = 0;
	for (;;) {
		struct health h;
		stack_free(TAKE(*s));
		if (cancel_check(cancel, err) || stack_load(s, site->docker, site->name, err))
			return err->code;
		examine(&h, *s, services);
		int64_t now_ns = clock_mono_ns();
		if (h.sick[0] != '\0')
			well_since_ns = 0;
		else if (well_since_ns == 0)
			well_since_ns = now_ns;
		*running = h.running;
		if (well_since_ns != 0 &&
		    (h.all_checked || now_ns - well_since_ns >= SETTLE_NS))
			return ERR_OK;
		if (now_ns >= deadline_ns && well_since_ns == 0)
			return err_set(
			    err, ERR_TRANSIENT, "after %d seconds %s", wait_s, h.sick);
		rest(POLL_MS);
	}
}

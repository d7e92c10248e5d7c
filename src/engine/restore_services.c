/* Taking stacks down, making and starting them: what a restore asks of Compose and of the
 * engine. */
#include "engine/restore_path.h"
#include "engine/restore_steps.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LABEL_PROJECT "com.docker.compose.project"
#define LABEL_ONEOFF "com.docker.compose.oneoff"
#define DOWN_TIMEOUT_MS (10 * 60 * 1000)
#define POLL_MS 300
#define OLD_WAIT_S 60
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

static struct compose_project
new_project(const struct restore_job *j)
{
	return (struct compose_project){ .name = j->name,
		.dir = j->dir,
		.files = &j->config_files,
		.env_files = chosen_env_files(j->dir, &j->env_files) };
}

/* By its labels alone, as the new Compose can; the old one wants the files. */
static enum err_code
down(const struct restore_job *j, const struct stack *s, struct err *err)
{
	struct compose_project p = {
		.name = j->name, .dir = "/", .files = NULL, .env_files = NULL
	};
	if (compose_is_v1(j->compose) && s != NULL) {
		p.dir = s->working_dir;
		p.files = &s->config_files;
	}
	return compose_down(j->compose, &p, DOWN_TIMEOUT_MS, err);
}

/* Nothing of the stack may run while its data is exchanged, whatever Compose says. */
static enum err_code
check_down(struct restore_job *j, struct err *err)
{
	AUTO(docker_doc) struct docker_doc list = DOCKER_DOC_INIT;
	AUTO(str) char *label = NULL;
	if (str_printf(&label, err, LABEL_PROJECT "=%s", j->name) ||
	    docker_container_list(j->docker, label, &list, err))
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

enum err_code
job_take_down(struct restore_job *j, struct err *err)
{
	if (down(j, j->now, err) || check_down(j, err))
		return err->code;
	for (size_t i = 0; i < j->running_now.len; i++)
		event_service(j->engine->events, j->running_now.items[i],
		    "stopped, and its container removed");
	return ERR_OK;
}

/* With another folder or name, a path written out in a compose file may still lead to the stack
 * that the snapshot was made of. */
static enum err_code
check_mounts(const struct restore_job *j, struct err *err)
{
	if (strcmp(j->dir, j->recorded_dir) == 0 || *j->recorded_dir == '\0')
		return ERR_OK;
	for (size_t i = 0; i < j->made->n_containers; i++) {
		const struct stack_container *c = &j->made->containers[i];
		for (size_t k = 0; k < c->n_mounts; k++) {
			const struct stack_mount *m = &c->mounts[k];
			if (m->kind == MOUNT_BIND && !m->is_read_only &&
			    path_is_within(m->source, j->recorded_dir) &&
			    !path_is_within(m->source, j->dir))
				return err_set(err, ERR_USAGE,
				    "service %s would write to %s, which belongs to the "
				    "original stack: "
				    "its compose file names that path in full",
				    c->service, m->source);
		}
	}
	return ERR_OK;
}

static void
tell_replicas(const struct restore_job *j)
{
	for (size_t i = 0; i < j->services.len; i++) {
		const char *service = j->services.items[i];
		size_t had = 0;
		size_t has = 0;
		for (size_t k = 0; k < j->n_containers; k++)
			had += strcmp(j->containers[k].service, service) == 0;
		for (size_t k = 0; k < j->made->n_containers; k++)
			has += strcmp(j->made->containers[k].service, service) == 0;
		if (has < had)
			event_warning(j->engine->events, service,
			    "had %zu containers when the backup was made; the compose files "
			    "make %zu",
			    had, has);
	}
}

static enum err_code
look_at_made(struct restore_job *j, struct err *err)
{
	stack_free(TAKE(j->made));
	return stack_load(&j->made, j->docker, j->name, err);
}

enum err_code
job_create(struct restore_job *j, struct err *err)
{
	struct compose_project p = new_project(j);
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	opt.should_pull = j->should_pull;
	/* By name, so that services of a profile are made too. */
	opt.services = &j->services;
	enum err_code rc = compose_create(j->compose, &p, &opt, err);
	if (rc == ERR_IO && strstr(err->msg, "no such service") != NULL) {
		/* A container had outlived its service in the compose file. */
		event_warning(j->engine->events, NULL,
		    "not every service that ran is in the stored compose files: %s", err->msg);
		opt.services = NULL;
		rc = compose_create(j->compose, &p, &opt, err);
	}
	if (rc != ERR_OK || look_at_made(j, err) || check_mounts(j, err))
		return err->code;
	tell_replicas(j);
	return ERR_OK;
}

/* Of the services named, those that have a container. */
static enum err_code
those_made(
    const struct restore_job *j, const struct strv *services, struct strv *out, struct err *err)
{
	for (size_t i = 0; i < services->len; i++)
		if (stack_find(j->made, services->items[i]) != NULL &&
		    strv_add(out, services->items[i], err))
			return err->code;
	return ERR_OK;
}

enum err_code
job_start(struct restore_job *j, const struct strv *services, struct err *err)
{
	AUTO(strv) struct strv made = STRV_INIT;
	if (those_made(j, services, &made, err))
		return err->code;
	if (made.len == 0)
		return ERR_OK;
	struct compose_project p = new_project(j);
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	opt.services = &made;
	opt.should_wait =
	    false; /* job_wait_healthy tells which service it is that does not come up */
	opt.should_pull = j->should_pull;
	opt.timeout_ms = j->opt->wait_s * 1000;
	return compose_up(j->compose, &p, &opt, err);
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

/* Until the services are well, or the time is over.  *s is read again each time. */
static enum err_code
wait_healthy(struct restore_job *j, struct stack **s, const struct strv *services, int wait_s,
    const struct cancel *cancel, uint64_t *running, struct err *err)
{
	int64_t deadline_ns = clock_mono_ns() + wait_s * NS_PER_S;
	int64_t well_since_ns = 0;
	for (;;) {
		struct health h;
		stack_free(TAKE(*s));
		if (cancel_check(cancel, err) || stack_load(s, j->docker, j->name, err))
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

enum err_code
job_wait_healthy(struct restore_job *j, uint64_t *running, struct err *err)
{
	return wait_healthy(
	    j, &j->made, &j->ran, j->opt->wait_s, j->engine->cancel, running, err);
}

enum err_code
job_wait_old(struct restore_job *j, struct err *err)
{
	uint64_t running;
	AUTO(stack) struct stack *s = NULL;
	if (j->running_now.len == 0)
		return ERR_OK;
	return wait_healthy(j, &s, &j->running_now,
	    j->opt->wait_s < OLD_WAIT_S ? j->opt->wait_s : OLD_WAIT_S, NULL, &running, err);
}

/* Volumes that were not there before, and that no item stands for. */
static enum err_code
remove_new_volumes(struct restore_job *j, struct err *err)
{
	for (size_t i = 0; j->made != NULL && i < j->made->n_volumes; i++) {
		const struct stack_volume *v = &j->made->volumes[i];
		bool was_there = false;
		for (size_t k = 0; k < j->n_volumes; k++)
			was_there =
			    was_there || (strcmp(j->volumes[k].name, v->name) == 0 &&
					     (j->volumes[k].exists || j->volumes[k].is_made));
		for (size_t k = 0; j->now != NULL && k < j->now->n_volumes; k++)
			was_there = was_there || strcmp(j->now->volumes[k].name, v->name) == 0;
		if (was_there || v->is_external)
			continue;
		enum err_code rc = docker_volume_remove(j->docker, v->name, err);
		if (rc != ERR_OK && rc != ERR_NOT_FOUND)
			return rc;
	}
	return ERR_OK;
}

enum err_code
job_remove_made(struct restore_job *j, struct err *err)
{
	/* Compose may have failed half way, before anybody looked at what it made. */
	enum err_code rc = look_at_made(j, err);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK || down(j, j->made, err) || check_down(j, err))
		return err->code;
	return remove_new_volumes(j, err);
}

enum err_code
job_start_old(struct restore_job *j, struct err *err)
{
	if (j->now == NULL || j->now->n_containers == 0)
		return ERR_OK;
	AUTO(strv) struct strv all = STRV_INIT;
	for (size_t i = 0; i < j->now->n_containers; i++) {
		const char *service = j->now->containers[i].service;
		if (!strv_has(&all, service) && strv_add(&all, service, err))
			return err->code;
	}
	struct compose_project p = { .name = j->name,
		.dir = j->now->working_dir,
		.files = &j->now->config_files,
		.env_files = chosen_env_files(j->now->working_dir, &j->now->env_files) };
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	opt.should_wait = false;
	opt.services = &all;
	if (compose_create(j->compose, &p, &opt, err))
		return err->code;
	if (job_refill_old(j, err))
		return err->code;
	opt.services = &j->running_now;
	if (j->running_now.len > 0 && compose_up(j->compose, &p, &opt, err))
		return err->code;
	for (size_t i = 0; i < j->running_now.len; i++)
		event_service(
		    j->engine->events, j->running_now.items[i], "runs again, as it was before");
	return ERR_OK;
}

enum err_code
job_ignore_cancel(struct restore_job *j, struct err *err)
{
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	opt.host = docker_host(j->docker);
	struct docker *docker = NULL;
	struct compose *compose = NULL;
	if (docker_open(&docker, &opt, err))
		return err->code;
	if (compose_find(&compose, docker_host(docker), NULL, err)) {
		docker_close(docker);
		return err->code;
	}
	docker_close(j->docker);
	compose_free(j->compose);
	j->docker = docker;
	j->compose = compose;
	return ERR_OK;
}

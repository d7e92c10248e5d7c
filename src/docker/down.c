#include "docker/down.h"

#include "docker/compose.h"
#include "docker/stack_parts.h"
#include "sys/fs.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define TRIES 6
/* Compose waits for the health of what others depend on. */
#define UP_TIMEOUT_MS (5 * 60 * 1000)

/* Compose finds the .env of the project folder by itself; named, it would become a label, and
 * the containers others than those that were there. */
static bool
is_default_env(const char *dir, const struct strv *files)
{
	size_t n = strlen(dir);
	return files->len == 1 && strncmp(files->items[0], dir, n) == 0 &&
	       strcmp(files->items[0] + n, "/.env") == 0;
}

enum err_code
down_project(struct journal_project *out, const struct stack *s, struct err *err)
{
	if (str_dup(&out->dir, s->working_dir, err) ||
	    strv_add_all(&out->files, &s->config_files, err))
		return err->code;
	return is_default_env(s->working_dir, &s->env_files)
		   ? ERR_OK
		   : strv_add_all(&out->env_files, &s->env_files, err);
}

static struct compose_project
project_of(const char *name, const struct journal_project *p)
{
	return (struct compose_project){
		.name = name,
		.dir = p->dir,
		.files = &p->files,
		.env_files = &p->env_files,
		.has_own_env = true,
	};
}

/* --- what could not be brought up as it was --- */

static enum err_code
check_containers(const struct stack *s, struct err *err)
{
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct stack_container *c = &s->containers[i];
		const struct stack_container *first = stack_find(s, c->service);
		if (c->state == CONTAINER_PAUSED)
			return err_set(err, ERR_UNSUPPORTED,
			    "container %s is paused: taken down, it would lose what it is at; "
			    "resume it with 'docker unpause %s', or make the stack quiet by "
			    "'stop'",
			    c->name, c->name);
		if ((c->state == CONTAINER_STOPPED) != (first->state == CONTAINER_STOPPED))
			return err_set(err, ERR_UNSUPPORTED,
			    "of service %s some containers run and others do not: Compose "
			    "brings up all or none; make the stack quiet by 'stop'",
			    c->service);
	}
	for (size_t i = 0; i < s->n_volumes; i++) {
		const struct stack_volume *v = &s->volumes[i];
		if (v->is_anonymous && v->n_uses > 0)
			return err_set(err, ERR_UNSUPPORTED,
			    "service %s has a volume without a name at %s, which its next "
			    "container would not get: name it in the compose file, or make "
			    "the "
			    "stack quiet by 'stop'",
			    s->containers[v->uses[0].container].service, v->uses[0].target);
	}
	return ERR_OK;
}

static enum err_code
check_files(const struct stack *s, struct err *err)
{
	const struct strv *lists[] = { &s->config_files, &s->env_files };
	if (*s->working_dir == '\0' || !fs_is_dir(s->working_dir))
		return err_set(err, ERR_UNSUPPORTED,
		    "its project folder %s is not on this host, so it could not be brought up "
		    "again",
		    s->working_dir);
	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		for (size_t i = 0; i < lists[k]->len; i++)
			if (!fs_exists(lists[k]->items[i]))
				return err_set(err, ERR_UNSUPPORTED,
				    "%s is not there, so it could not be brought up again",
				    lists[k]->items[i]);
	return ERR_OK;
}

/* "web=3" for each service, and the services: all, or only those that ran. */
struct wanted {
	struct strv services;
	struct strv scale;
};

static void
wanted_auto(struct wanted *w)
{
	strv_release(&w->services);
	strv_release(&w->scale);
}

#define WANTED_INIT                  \
	{                            \
		STRV_INIT, STRV_INIT \
	}

static enum err_code
want_service(struct wanted *w, const char *service, size_t containers, struct err *err)
{
	if (strv_has(&w->services, service))
		return ERR_OK;
	if (strv_add(&w->services, service, err) ||
	    strv_addf(&w->scale, err, "%s=%zu", service, containers))
		return err->code;
	return ERR_OK;
}

static enum err_code
want_all_of(struct wanted *w, const struct stack *s, struct err *err)
{
	for (size_t i = 0; i < s->n_containers; i++) {
		size_t n = 0;
		for (size_t k = 0; k < s->n_containers; k++)
			n += strcmp(s->containers[k].service, s->containers[i].service) == 0;
		if (want_service(w, s->containers[i].service, n, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
want(struct wanted *w, const struct journal *j, bool only_those_that_ran, struct err *err)
{
	for (size_t i = 0; i < j->n_entries; i++) {
		const struct journal_entry *e = &j->entries[i];
		size_t n = 0;
		if (only_those_that_ran && !thaw_is_needed(e))
			continue;
		for (size_t k = 0; k < j->n_entries; k++)
			n += strcmp(j->entries[k].service, e->service) == 0;
		if (want_service(w, e->service, n, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
check_drift(const struct compose *c, const struct stack *s, struct err *err)
{
	struct journal_project found = { .dir = NULL };
	AUTO(wanted) struct wanted w = WANTED_INIT;
	AUTO(strv) struct strv names = STRV_INIT;
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	opt.services = &w.services;
	opt.scale = &w.scale;
	opt.is_exact = true;
	enum err_code rc = want_all_of(&w, s, err);
	if (rc == ERR_OK)
		rc = down_project(&found, s, err);
	if (rc == ERR_OK) {
		struct compose_project p = project_of(s->name, &found);
		rc = compose_would_replace(&names, c, &p, &opt, err);
	}
	free(found.dir);
	strv_release(&found.files);
	strv_release(&found.env_files);
	if (rc)
		return rc;
	if (names.len > 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "container %s is not what the compose files say now, so another one would "
		    "come up: the files or its image changed since it was started (then run "
		    "'docker compose up -d'), or they take variables from the environment "
		    "(then "
		    "write those to the .env file)",
		    names.items[0]);
	return ERR_OK;
}

enum err_code
down_check(
    const struct stack *s, const char *host, const struct cancel *cancel, struct err *err)
{
	AUTO(compose) struct compose *c = NULL;
	if (check_containers(s, err) || check_files(s, err) ||
	    compose_find(&c, host, cancel, err) || check_drift(c, s, err))
		return err_wrap(err, "stack %s cannot be taken down", s->name);
	return ERR_OK;
}

/* --- down and up --- */

enum err_code
down_remove(struct docker *d, const struct journal *j, struct err *err)
{
	for (size_t i = 0; i < j->n_entries; i++) {
		enum err_code rc = ERR_LOCKED;
		/* Locked: somebody else is removing it. */
		for (int try = 0; rc == ERR_LOCKED && try < TRIES; try++) {
			if (try > 0)
				poll(NULL, 0, 50 * try);
			rc = docker_container_remove(d, j->entries[i].id, err);
		}
		if (rc != ERR_OK && rc != ERR_NOT_FOUND)
			return rc;
	}
	return ERR_OK;
}

static struct compose_up_options
up_options(const struct wanted *w)
{
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	opt.should_wait = false;
	opt.is_exact = true;
	opt.timeout_ms = UP_TIMEOUT_MS;
	opt.services = &w->services;
	opt.scale = &w->scale;
	return opt;
}

static enum err_code
make(const struct journal *j, const struct compose *c, struct err *err)
{
	struct compose_project p = project_of(j->stack, &j->project);
	AUTO(wanted) struct wanted all = WANTED_INIT;
	if (want(&all, j, false, err))
		return err->code;
	struct compose_up_options opt = up_options(&all);
	return compose_create(c, &p, &opt, err);
}

enum err_code
down_make(const struct journal *j, struct err *err)
{
	AUTO(compose) struct compose *c = NULL;
	if (compose_find(&c, j->host, NULL, err))
		return err->code;
	return make(j, c, err);
}

enum err_code
down_bring_up(const struct journal *j, struct err *err)
{
	struct compose_project p = project_of(j->stack, &j->project);
	AUTO(compose) struct compose *c = NULL;
	AUTO(wanted) struct wanted ran = WANTED_INIT;
	if (want(&ran, j, true, err) || compose_find(&c, j->host, NULL, err) || make(j, c, err))
		return err->code;
	struct compose_up_options opt = up_options(&ran);
	return ran.services.len > 0 ? compose_up(c, &p, &opt, err) : ERR_OK;
}

/* --- who is who now --- */

/* A container of the entry's service, and not of "compose run". */
static bool
is_of_service(const json_t *container, const struct journal_entry *e)
{
	const json_t *labels = json_object_get(container, "Labels");
	const char *one_off = json_get_str(labels, LABEL_ONEOFF);
	const char *service = json_get_str(labels, LABEL_SERVICE);
	return service != NULL && strcmp(service, e->service) == 0 &&
	       (one_off == NULL || strcmp(one_off, "True") != 0);
}

static bool
has_number(const json_t *container, const struct journal_entry *e)
{
	const char *number = json_get_str(json_object_get(container, "Labels"), LABEL_NUMBER);
	return number != NULL && strtoll(number, NULL, 10) == e->number;
}

static bool
is_taken(const struct journal *j, const struct thaw_step *steps, const char *id)
{
	for (size_t i = 0; i < j->n_entries; i++)
		if (!steps[i].is_gone && strcmp(steps[i].id, id) == 0)
			return true;
	return false;
}

static void
take(const struct journal *j, struct thaw_step *steps, const json_t *list, bool by_number)
{
	for (size_t i = 0; i < j->n_entries; i++) {
		struct thaw_step *t = &steps[i];
		for (size_t k = 0; k < json_array_size(list) && t->is_gone; k++) {
			const json_t *c = json_array_get(list, k);
			const char *id = json_get_str(c, "Id");
			if (id == NULL || !is_of_service(c, t->entry) ||
			    (by_number && !has_number(c, t->entry)) || is_taken(j, steps, id))
				continue;
			t->is_gone = false;
			snprintf(t->id, sizeof t->id, "%s", id);
		}
	}
}

enum err_code
down_find(struct docker *d, const struct journal *j, struct thaw_step *steps, struct err *err)
{
	AUTO(docker_doc) struct docker_doc list = DOCKER_DOC_INIT;
	AUTO(str) char *label = NULL;
	if (str_printf(&label, err, LABEL_PROJECT "=%s", j->stack) ||
	    docker_container_list(d, label, &list, err))
		return err->code;
	for (size_t i = 0; i < j->n_entries; i++)
		steps[i].is_gone = true;
	take(j, steps, list.json, true);
	/* Where Compose was killed at work, and began anew, the numbers may be others: as many
	 * containers of the service do. */
	take(j, steps, list.json, false);
	return ERR_OK;
}

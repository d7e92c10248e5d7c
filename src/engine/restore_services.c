/* Taking stacks down, making and starting them: what a restore asks of Compose and of the
 * engine. */
#include "engine/restore_path.h"
#include "engine/restore_pins.h"
#include "engine/restore_steps.h"

#include <string.h>

struct restore_site
job_site(const struct restore_job *j)
{
	return (struct restore_site){ j->docker, j->compose, j->engine->events, j->name };
}

static struct compose_project
new_project(const struct restore_job *j)
{
	struct restore_site site = job_site(j);
	return site_project(&site, j->dir, &j->made_files, &j->env_files);
}

enum err_code
job_take_down(struct restore_job *j, struct err *err)
{
	struct restore_site site = job_site(j);
	if (j->is_partial)
		return site_stop(&site, &j->stopped_ids, err);
	if (site_down(&site, j->now->working_dir, &j->now->config_files, err))
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

/* What each service was made of when the backup was made. */
static enum err_code
choose_images(struct restore_job *j, struct err *err)
{
	AUTO(pins) struct pins pins = PINS_INIT;
	for (size_t i = 0; i < j->n_containers; i++) {
		const struct restore_container *c = &j->containers[i];
		bool is_first = i == 0 || strcmp(j->containers[i - 1].service, c->service) != 0;
		const char *id = c->digest != NULL ? c->digest : c->image_id;
		if (is_first && pins_add(&pins, c->service, c->image, id, err))
			return err->code;
	}
	strv_release(&j->made_files);
	j->made_files = (struct strv)STRV_INIT;
	return pins_apply(&pins, j->docker, j->compose, j->engine->state_dir, j->name, j->tag,
	    &j->config_files, &j->made_files, err);
}

enum err_code
job_create(struct restore_job *j, struct err *err)
{
	if (j->is_partial)
		return look_at_made(j, err);
	if (choose_images(j, err))
		return err->code;
	struct compose_project p = new_project(j);
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
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

/* The containers that are there, of these services. */
static enum err_code
start_there(struct restore_job *j, const struct strv *services, struct err *err)
{
	AUTO(strv) struct strv ids = STRV_INIT;
	struct restore_site site = job_site(j);
	for (size_t i = 0; i < j->made->n_containers; i++) {
		const struct stack_container *c = &j->made->containers[i];
		/* A database that was stopped has to run while it is loaded. */
		bool is_wanted =
		    strv_has(&j->stopped_ids, c->id) || job_database(j, c->service) != NULL;
		if (strv_has(services, c->service) && is_wanted && strv_add(&ids, c->id, err))
			return err->code;
	}
	return site_start(&site, &ids, j->opt->wait_s, j->engine->cancel, err);
}

enum err_code
job_start(struct restore_job *j, const struct strv *services, struct err *err)
{
	AUTO(strv) struct strv made = STRV_INIT;
	if (j->is_partial)
		return start_there(j, services, err);
	if (those_made(j, services, &made, err))
		return err->code;
	if (made.len == 0)
		return ERR_OK;
	struct compose_project p = new_project(j);
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	opt.services = &made;
	opt.should_wait =
	    false; /* job_wait_healthy tells which service it is that does not come up */
	opt.timeout_ms = j->opt->wait_s * 1000;
	return compose_up(j->compose, &p, &opt, err);
}

enum err_code
job_wait_healthy(struct restore_job *j, uint64_t *running, struct err *err)
{
	struct restore_site site = job_site(j);
	return site_wait_well(
	    &site, &j->made, &j->ran, j->opt->wait_s, j->engine->cancel, running, err);
}

enum err_code
job_stop(struct restore_job *j, struct err *err)
{
	AUTO(strv) struct strv ids = STRV_INIT;
	struct restore_site site = job_site(j);
	for (size_t i = 0; i < j->made->n_containers; i++) {
		const struct stack_container *c = &j->made->containers[i];
		if ((!j->is_partial || strv_has(&j->touched, c->service)) &&
		    strv_add(&ids, c->id, err))
			return err->code;
	}
	return site_stop(&site, &ids, err);
}

enum err_code
job_stop_others(struct restore_job *j, struct err *err)
{
	AUTO(strv) struct strv ids = STRV_INIT;
	struct restore_site site = job_site(j);
	for (size_t i = 0; i < j->made->n_containers; i++) {
		const struct stack_container *c = &j->made->containers[i];
		if (job_database(j, c->service) != NULL && !strv_has(&j->ran, c->service) &&
		    strv_add(&ids, c->id, err))
			return err->code;
	}
	return site_stop(&site, &ids, err);
}

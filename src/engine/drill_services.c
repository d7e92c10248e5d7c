/* Making and starting the scratch stack's services, and asking whether they are well. */
#include "engine/drill_impl.h"

#include "base/room.h"
#include "docker/exec.h"
#include "sys/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What starts well may fall over soon after. */
#define WATCH_NS (3 * NS_PER_S)
#define CHECK_TIMEOUT_MS 60000
#define CHECK_WORDS_MAX 64

static struct compose_project
project_of(const struct drill *d)
{
	return (struct compose_project){
		.name = d->scratch->project, .dir = d->scratch->run, .files = &d->compose_files
	};
}

enum err_code
drill_create(struct drill *d, struct err *err)
{
	struct restore_job *j = d->job;
	struct compose_project p = project_of(d);
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	opt.should_pull = d->opt->may_pull;
	opt.services = &j->services;
	if (compose_create(j->compose, &p, &opt, err))
		return err->code;
	stack_free(TAKE(j->made));
	return stack_load(&j->made, j->docker, d->scratch->project, err);
}

enum err_code
drill_start(struct drill *d, const struct strv *services, struct err *err)
{
	struct compose_project p = project_of(d);
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	if (services->len == 0)
		return ERR_OK;
	opt.services = services;
	opt.should_wait = false; /* job_wait_healthy names the service that does not come up */
	opt.timeout_ms = d->opt->wait_s * 1000;
	return compose_up(d->job->compose, &p, &opt, err);
}

static enum err_code
note_service(struct drill *d, const struct stack_container *c, struct err *err)
{
	if (ROOM_SHORT(d->services, d->n_services, err))
		return err->code;
	struct drill_service *s = &d->services[d->n_services];
	*s = (struct drill_service){ .name = NULL };
	if (str_dup(&s->name, c->service, err))
		return err->code;
	if (c->state != CONTAINER_RUNNING)
		snprintf(s->how, sizeof s->how, "has ended with exit status 0");
	else if (*c->health == '\0' || strcmp(c->health, "none") == 0)
		snprintf(s->how, sizeof s->how, "runs, and has no health check");
	else
		snprintf(s->how, sizeof s->how, "%s", c->health);
	d->n_services++;
	return ERR_OK;
}

enum err_code
drill_wait_healthy(struct drill *d, struct err *err)
{
	struct restore_job *j = d->job;
	uint64_t running;
	if (job_wait_healthy(j, &running, err))
		return err->code;
	for (size_t i = 0; i < j->made->n_containers; i++) {
		const struct stack_container *c = &j->made->containers[i];
		if (c->number <= 1 && strv_has(&j->ran, c->service) && note_service(d, c, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
drill_watch(struct drill *d, struct err *err)
{
	struct restore_job *j = d->job;
	uint64_t running;
	if (cancel_wait(d->engine->cancel, WATCH_NS, err) || job_wait_healthy(j, &running, err))
		return err->code;
	return ERR_OK;
}

/* --- the stack's own checks --- */

/* A JSON array of words, or words between blanks. */
static enum err_code
words_of(struct strv *out, const char *text, struct err *err)
{
	AUTO(json) json_t *array = NULL;
	size_t i;
	const json_t *item;
	text += strspn(text, " \t\n");
	if (*text == '[') {
		if (json_parse(&array, text, strlen(text), "the check's argv", err))
			return err->code;
		json_array_foreach(array, i, item)
		{
			if (!json_is_string(item))
				return err_set(
				    err, ERR_USAGE, "its argv holds what is no text");
			if (strv_add(out, json_string_value(item), err))
				return err->code;
		}
		return ERR_OK;
	}
	while (*text != '\0') {
		size_t n = strcspn(text, " \t\n");
		AUTO(str) char *word = NULL;
		if (str_dupn(&word, text, n, err) || strv_add(out, word, err))
			return err->code;
		text += n;
		text += strspn(text, " \t\n");
	}
	return ERR_OK;
}

static enum err_code
run_check(struct drill *d, const struct stack_container *c, const char *text, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(runner) struct runner *runner = NULL;
	AUTO(run) struct run *run = NULL;
	struct run_spec spec = RUN_SPEC_INIT;
	int status;
	if (words_of(&argv, text, err))
		return err->code;
	if (argv.len == 0)
		return err_set(err, ERR_USAGE, "it names no program");
	spec.argv = (const char *const *)argv.items;
	if (docker_runner_open(&runner, d->job->docker, c->id, err) ||
	    runner_start(runner, &spec, &run, err) ||
	    run_wait(run, CHECK_TIMEOUT_MS, &status, err))
		return err->code;
	if (status != 0)
		return err_set(err, ERR_INCOMPLETE, "%s: exit status %d: %.200s", argv.items[0],
		    status, run_errors(run));
	d->checks++;
	return ERR_OK;
}

enum err_code
drill_run_checks(struct drill *d, struct err *err)
{
	const struct stack *made = d->job->made;
	for (size_t i = 0; i < made->n_containers; i++) {
		const struct stack_container *c = &made->containers[i];
		const char *text = container_label(c, DRILL_LABEL_CHECK);
		if (text == NULL || c->number > 1 || c->state != CONTAINER_RUNNING)
			continue;
		event_note(d->engine->events, c->service, "its own check runs");
		if (run_check(d, c, text, err))
			return err_wrap(err, "service %s: " DRILL_LABEL_CHECK, c->service);
	}
	return ERR_OK;
}

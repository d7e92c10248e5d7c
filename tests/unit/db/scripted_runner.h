/*
 * scripted_runner.h: a runner that plays tools from a table.
 *
 * A step answers every run whose first word is tool and one of whose words or
 * variables contains has (when given).  With questions it is a client that reads
 * statements and answers each by the first entry that the statements contain;
 * an entry without an answer ends the client there.  What was run, with what
 * environment and what input, is kept as text for the test to look at.
 */
#ifndef TESTS_DB_SCRIPTED_RUNNER_H
#define TESTS_DB_SCRIPTED_RUNNER_H

#include "base/buf.h"
#include "base/strv.h"
#include "sys/runner.h"

#include <pthread.h>
#include <string.h>

struct script_answer {
	const char *question;
	const char *answer; /* NULL: the client ends here, with the step's status and errors */
};

struct script_step {
	const char *tool;
	const char *has;
	const char *out;
	size_t out_len; /* 0: all of out */
	const char *errors;
	int status;
	const struct script_answer *answers; /* ends with a NULL question */
	bool absent; /* the tool is not there */
};

struct scripted_runner {
	struct runner base;
	const struct script_step *steps; /* ends with a NULL tool */
	struct buf calls; /* "tool word word\n" for each run */
	struct buf env; /* "NAME=value\n" */
	struct buf input; /* what was written to runs without answers */
	struct buf asked; /* and to those with */
	size_t chunk; /* read at most so much at a time; 0: as asked */
	int live; /* runs not freed yet */
};

struct scripted_run {
	struct run base;
	struct scripted_runner *runner;
	const struct script_step *step;
	struct buf question;
	struct buf out;
	size_t at;
	bool ended;
	pthread_mutex_t lock; /* run_write beside run_read */
	pthread_cond_t changed;
};

static void
script_must(enum err_code rc)
{
	if (rc != ERR_OK)
		abort();
}

/* Where the token of a complete question begins: behind "SELECT '", or, for psql, in the
 * setting that is shown at the end; NULL when the question is not complete. */
static const char *
script_token(const char *text)
{
	static const char set[] = "\nSET stacksnap.token = '";
	static const char select[] = "\nSELECT '";
	const char *mark = strstr(text, set);
	if (mark != NULL)
		return strstr(mark, "\nSHOW stacksnap.token;\n") != NULL ? mark + strlen(set)
									 : NULL;
	mark = strstr(text, select);
	return mark != NULL && strchr(mark, ';') != NULL ? mark + strlen(select) : NULL;
}

static void
script_reply(struct scripted_run *r)
{
	struct err err;
	const char *text = buf_cstr(&r->question);
	const char *token = script_token(text);
	if (token == NULL)
		return;
	const struct script_answer *a = r->step->answers;
	while (a->question != NULL && strstr(text, a->question) == NULL)
		a++;
	if (a->question == NULL || a->answer == NULL) {
		r->ended = true;
		return;
	}
	script_must(buf_str(&r->out, a->answer, &err));
	script_must(buf_printf(&r->out, &err, "%.*s\n", (int)strcspn(token, "'"), token));
	r->question.len = 0;
}

static enum err_code
script_read(struct run *run, void *out, size_t len, size_t *got, struct err *err)
{
	(void)err;
	struct scripted_run *r = (struct scripted_run *)run;
	pthread_mutex_lock(&r->lock);
	/* A loading client says nothing until its input is closed. */
	while (r->step->answers == NULL && r->step->out == NULL && !r->ended)
		pthread_cond_wait(&r->changed, &r->lock);
	size_t n = min_size(len, r->out.len - r->at);
	if (r->runner->chunk > 0)
		n = min_size(n, r->runner->chunk);
	if (n > 0)
		memcpy(out, r->out.data + r->at, n);
	r->at += n;
	*got = n;
	pthread_mutex_unlock(&r->lock);
	return ERR_OK;
}

static enum err_code
script_write(struct run *run, const void *data, size_t len, struct err *err)
{
	struct scripted_run *r = (struct scripted_run *)run;
	if (r->step->answers == NULL) {
		script_must(buf_add(&r->runner->input, data, len, err));
		return ERR_OK;
	}
	if (r->ended)
		return err_set(err, ERR_IO, "broken pipe");
	script_must(buf_add(&r->runner->asked, data, len, err));
	script_must(buf_add(&r->question, data, len, err));
	script_reply(r);
	return ERR_OK;
}

static enum err_code
script_close_stdin(struct run *run, struct err *err)
{
	(void)err;
	struct scripted_run *r = (struct scripted_run *)run;
	pthread_mutex_lock(&r->lock);
	r->ended = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return ERR_OK;
}

static enum err_code
script_wait(struct run *run, int timeout_ms, int *status, struct err *err)
{
	(void)timeout_ms;
	(void)err;
	*status = ((struct scripted_run *)run)->step->status;
	return ERR_OK;
}

static const char *
script_errors(struct run *run)
{
	const char *text = ((struct scripted_run *)run)->step->errors;
	return text != NULL ? text : "";
}

static void
script_free(struct run *run)
{
	struct scripted_run *r = (struct scripted_run *)run;
	r->runner->live--;
	buf_release(&r->question);
	buf_release(&r->out);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->changed);
	free(r);
}

static const struct run_ops script_run_ops = {
	.read = script_read,
	.write = script_write,
	.close_stdin = script_close_stdin,
	.wait = script_wait,
	.errors = script_errors,
	.free = script_free,
};

static bool
script_has(const char *const *words, const char *what)
{
	for (; words != NULL && *words != NULL; words++)
		if (strstr(*words, what) != NULL)
			return true;
	return false;
}

static bool
script_matches(const struct script_step *step, const struct run_spec *spec)
{
	return strcmp(step->tool, spec->argv[0]) == 0 &&
	       (step->has == NULL || script_has(spec->argv, step->has) ||
		   script_has(spec->env, step->has));
}

static enum err_code
script_start(
    struct runner *runner, const struct run_spec *spec, struct run **out, struct err *err)
{
	struct scripted_runner *s = (struct scripted_runner *)runner;
	for (size_t i = 0; spec->argv[i] != NULL; i++)
		script_must(
		    buf_printf(&s->calls, err, "%s%s", i > 0 ? " " : "", spec->argv[i]));
	script_must(buf_str(&s->calls, "\n", err));
	for (size_t i = 0; spec->env != NULL && spec->env[i] != NULL; i++)
		script_must(buf_printf(&s->env, err, "%s\n", spec->env[i]));
	const struct script_step *step = s->steps;
	while (step->tool != NULL && !script_matches(step, spec))
		step++;
	if (step->tool == NULL || step->absent)
		return err_set(err, ERR_NOT_FOUND, "no such file or directory");
	struct scripted_run *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	r->base.ops = &script_run_ops;
	r->runner = s;
	r->step = step;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	if (step->out != NULL)
		script_must(buf_add(&r->out, step->out,
		    step->out_len > 0 ? step->out_len : strlen(step->out), err));
	s->live++;
	*out = &r->base;
	return ERR_OK;
}

static void
script_close(struct runner *runner)
{
	(void)runner;
}

static const struct runner_ops scripted_runner_ops = {
	.start = script_start,
	.close = script_close,
};

static void
scripted_runner_init(struct scripted_runner *s, const struct script_step *steps)
{
	*s = (struct scripted_runner){ .base = { &scripted_runner_ops }, .steps = steps };
}

static void
scripted_runner_release(struct scripted_runner *s)
{
	buf_release(&s->calls);
	buf_release(&s->env);
	buf_release(&s->input);
	buf_release(&s->asked);
}

static inline void
scripted_auto(struct scripted_runner *s)
{
	scripted_runner_release(s);
}

/* Does one of the texts above hold this? */
static inline bool
script_saw(struct buf *text, const char *what)
{
	const char *s = buf_cstr(text);
	return s != NULL && strstr(s, what) != NULL;
}

#endif

/*
 * A run whose output comes by an outlet: a plain exec for the rest of it, the
 * outlet beside.
 *
 *	with an outlet -- the tool opens it --> read it to its end
 *	     |- the tool cannot open it, or has written elsewhere --> start again, without
 *	     `- the tool writes to standard output --> read that
 */
#include "base/log.h"
#include "base/strv.h"
#include "docker/exec.h"
#include "docker/exec_impl.h"
#include "docker/inside.h"
#include "docker/outlet.h"
#include "sys/clock.h"
#include "sys/env.h"
#include "sys/fd.h"

#include <string.h>

/* Behind the end of its streams. */
#define EXIT_TIMEOUT_MS 10000
#define DRAIN_SIZE ((size_t)64 << 10)

struct piped_run {
	struct run base;
	struct exec_runner *place;
	struct run *exec;
	struct outlet *outlet; /* NULL: all comes by exec */
	int patience_ms;
	struct strv argv; /* to start it again without an outlet */
	struct strv env;
	char *user; /* may be NULL */
};

static struct piped_run *
run_of(struct run *run)
{
	return (struct piped_run *)run;
}

/* Without having opened it: because it cannot?  Then it names the path; or it believes that it
 * has written a file, where its place is not the one that we see. */
static enum err_code
did_outlet_fail(struct piped_run *p, bool *out, struct err *err)
{
	struct attach *streams = exec_streams(p->exec);
	int status;
	*out = strstr(attach_errors(streams), outlet_path(p->outlet)) != NULL;
	if (*out || attach_has_output(streams) || attach_held(streams) != NULL)
		return ERR_OK;
	if (run_wait(p->exec, EXIT_TIMEOUT_MS, &status, err))
		return err->code;
	*out = status == 0;
	return ERR_OK;
}

static enum err_code
start_again(struct piped_run *p, struct err *err)
{
	struct run_spec spec = RUN_SPEC_INIT;
	log_debug("exec in container %.12s: %s did not open its outlet: %s",
	    p->place->container, p->argv.items[0], run_errors(p->exec));
	p->place->refuses_outlets = true;
	outlet_free(TAKE(p->outlet));
	spec.argv = (const char *const *)p->argv.items;
	spec.env = (const char *const *)p->env.items;
	spec.user = p->user;
	struct run *again;
	if (exec_start_plain(p->place, &spec, &again, err))
		return err->code;
	run_free(p->exec);
	p->exec = again;
	run_set_patience(p->exec, p->patience_ms);
	return ERR_OK;
}

static enum err_code
piped_read(struct run *run, void *out, size_t len, size_t *got, struct err *err)
{
	struct piped_run *p = run_of(run);
	if (p->outlet == NULL || outlet_is_passed_by(p->outlet))
		return run_read(p->exec, out, len, got, err);
	if (outlet_read(p->outlet, exec_streams(p->exec), p->patience_ms, out, len, got, err))
		return err->code;
	if (!outlet_is_passed_by(p->outlet))
		return ERR_OK;
	bool failed;
	if (did_outlet_fail(p, &failed, err) || (failed && start_again(p, err)))
		return err->code;
	return run_read(p->exec, out, len, got, err);
}

static enum err_code
piped_write(struct run *run, const void *data, size_t len, struct err *err)
{
	return run_write(run_of(run)->exec, data, len, err);
}

static enum err_code
piped_close_stdin(struct run *run, struct err *err)
{
	return run_close_stdin(run_of(run)->exec, err);
}

/* Throw away what was not read, for so long at most. */
static enum err_code
drain_outlet(struct piped_run *p, int64_t deadline, struct err *err)
{
	AUTO(mem) uint8_t *nowhere = malloc(DRAIN_SIZE);
	size_t got = 1;
	if (nowhere == NULL)
		return err_nomem(err);
	while (got > 0) {
		int64_t left_ms = (deadline - clock_mono_ns()) / NS_PER_MS;
		if (deadline >= 0 && left_ms <= 0)
			return err_set(err, ERR_CANCELLED, "the tool has not ended in time");
		enum err_code rc = outlet_read(p->outlet, exec_streams(p->exec),
		    deadline < 0 ? -1 : (int)left_ms, nowhere, DRAIN_SIZE, &got, err);
		if (rc != ERR_OK && rc != ERR_TRANSIENT)
			return rc;
	}
	return ERR_OK;
}

static enum err_code
piped_wait(struct run *run, int timeout_ms, int *status, struct err *err)
{
	struct piped_run *p = run_of(run);
	if (p->outlet == NULL)
		return run_wait(p->exec, timeout_ms, status, err);
	int64_t deadline = timeout_ms < 0 ? -1 : clock_mono_ns() + timeout_ms * NS_PER_MS;
	int found;
	if (drain_outlet(p, deadline, err))
		return err->code;
	int64_t left_ms = (deadline - clock_mono_ns()) / NS_PER_MS;
	if (run_wait(p->exec,
		timeout_ms < 0 ? -1
		: left_ms > 0  ? (int)left_ms
			       : 0,
		&found, err) ||
	    outlet_check(p->outlet, exec_streams(p->exec), err))
		return err->code;
	*status = found;
	return ERR_OK;
}

static const char *
piped_errors(struct run *run)
{
	return run_errors(run_of(run)->exec);
}

static void
piped_set_patience(struct run *run, int timeout_ms)
{
	struct piped_run *p = run_of(run);
	p->patience_ms = timeout_ms;
	run_set_patience(p->exec, timeout_ms);
}

/* The tool first: while we hold our end, it cannot wait for a reader for ever. */
static void
piped_free(struct run *run)
{
	struct piped_run *p = run_of(run);
	run_free(p->exec);
	outlet_free(p->outlet);
	strv_release(&p->argv);
	strv_release(&p->env);
	free(p->user);
	free(p);
}

static const struct run_ops piped_ops = {
	.read = piped_read,
	.write = piped_write,
	.close_stdin = piped_close_stdin,
	.wait = piped_wait,
	.errors = piped_errors,
	.set_patience = piped_set_patience,
	.free = piped_free,
};

/* In the container, for the user that the tool runs as. */
static enum err_code
make_outlet(struct piped_run *p, const char *tools_user, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	AUTO(fd) int root_fd = -1;
	bool same_users;
	if (docker_container_inspect(p->place->d, p->place->container, &doc, err))
		return err->code;
	int64_t pid = json_get_int(json_object_get(doc.json, "State"), "Pid", 0);
	const char *user = json_get_str(json_object_get(doc.json, "Config"), "User");
	if (tools_user != NULL)
		user = tools_user;
	if (inside_same_users(&same_users, pid, err) ||
	    inside_root(&root_fd, pid, p->place->container, err))
		return err->code;
	if (!same_users)
		return err_set(
		    err, ERR_UNSUPPORTED, "the container has a user namespace of its own");
	return outlet_new(&p->outlet, root_fd, user != NULL ? user : "", err);
}

static enum err_code
start_exec(struct piped_run *p, const struct run_spec *spec, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	struct run_spec piped = *spec;
	for (size_t i = 0; i <= p->argv.len; i++) {
		if (i == spec->file_option_at &&
		    strv_addf(&argv, err, "%s%s", spec->file_option, outlet_path(p->outlet)))
			return err->code;
		if (i < p->argv.len && strv_add(&argv, p->argv.items[i], err))
			return err->code;
	}
	piped.argv = (const char *const *)argv.items;
	return exec_start_plain(p->place, &piped, &p->exec, err);
}

static enum err_code
check_wanted(const struct exec_runner *place, struct err *err)
{
	const char *wish = env_get("STACKSNAP_OUTLET");
	if (wish != NULL && strcmp(wish, "none") == 0)
		return err_set(err, ERR_UNSUPPORTED, "STACKSNAP_OUTLET is none");
	if (!docker_is_local(place->d))
		return err_set(err, ERR_UNSUPPORTED, "the engine is on another machine");
	if (place->refuses_outlets)
		return err_set(err, ERR_UNSUPPORTED, "a tool could not open one before");
	return ERR_OK;
}

static enum err_code
prepare(struct piped_run *p, const struct run_spec *spec, struct err *err)
{
	if (check_wanted(p->place, err) || strv_add_words(&p->argv, spec->argv, err) ||
	    strv_add_words(&p->env, spec->env, err) ||
	    (spec->user != NULL && str_dup(&p->user, spec->user, err)))
		return err->code;
	return make_outlet(p, spec->user, err);
}

enum err_code
exec_start_piped(
    struct exec_runner *place, const struct run_spec *spec, struct run **out, struct err *err)
{
	struct err why;
	struct piped_run *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	p->base.ops = &piped_ops;
	p->place = place;
	p->patience_ms = -1;
	AUTO(run) struct run *run = &p->base;
	if (prepare(p, spec, &why)) {
		log_debug("exec in container %.12s: no outlet for %s: %s", place->container,
		    spec->argv[0], why.msg);
		return exec_start_plain(place, spec, out, err);
	}
	if (start_exec(p, spec, err))
		return err->code;
	*out = TAKE(run);
	return ERR_OK;
}

static void
sweep_container(struct docker *d, const char *id)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	AUTO(fd) int root_fd = -1;
	struct err err;
	if (docker_container_inspect(d, id, &doc, &err) == ERR_OK &&
	    inside_root(&root_fd, json_get_int(json_object_get(doc.json, "State"), "Pid", 0),
		id, &err) == ERR_OK)
		outlet_sweep(root_fd);
	else
		log_debug("container %.12s: %s", id, err.msg);
}

enum err_code
docker_remove_outlets(struct docker *d, struct err *err)
{
	AUTO(docker_doc) struct docker_doc list = DOCKER_DOC_INIT;
	size_t i;
	json_t *container;
	if (!docker_is_local(d))
		return ERR_OK;
	if (docker_container_list(d, NULL, &list, err))
		return err->code;
	json_array_foreach(list.json, i, container)
	{
		const char *id = json_get_str(container, "Id");
		const char *state = json_get_str(container, "State");
		if (id != NULL && state != NULL && strcmp(state, "exited") != 0)
			sweep_container(d, id);
	}
	return ERR_OK;
}

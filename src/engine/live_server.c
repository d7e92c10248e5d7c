#include "engine/live_server.h"

#include "docker/exec.h"

enum err_code
live_server_open(struct live_server *out, struct docker *d, const struct stack_container *c,
    const struct cancel *cancel, struct err *err)
{
	if (plan_db_target(&out->target, &out->lists, c, err) ||
	    docker_runner_open(&out->runner, d, c->id, err))
		return err->code;
	out->target.runner = out->runner;
	out->target.cancel = cancel;
	return ERR_OK;
}

void
live_server_close(struct live_server *s)
{
	runner_close(s->runner);
	target_lists_release(&s->lists);
}

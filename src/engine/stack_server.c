#include "engine/stack_server.h"

#include <string.h>

void
stack_server_close(struct stack_server *s)
{
	connector_close(s->connector);
	live_server_close(&s->server);
	plan_free(s->plan);
	docker_close(s->docker);
}

static const struct plan_member *
find_member(const struct plan *p, const char *service, size_t *n)
{
	const struct plan_member *found = NULL;
	*n = 0;
	for (size_t i = 0; i < p->n_members; i++) {
		const struct plan_member *m = &p->members[i];
		if (m->kind != MEMBER_DATABASE ||
		    (service != NULL && strcmp(m->name, service) != 0))
			continue;
		found = m;
		++*n;
	}
	return found;
}

enum err_code
stack_server_open(struct stack_server *s, struct engine *e, const char *stack,
    const char *service, struct err *err)
{
	size_t n;
	if (engine_docker(&s->docker, e, err) ||
	    plan_make(&s->plan, s->docker, stack, NULL, err))
		return err->code;
	const struct plan_member *m = find_member(s->plan, service, &n);
	if (n > 1)
		return err_set(
		    err, ERR_USAGE, "stack %s has several databases: give --service", stack);
	if (m == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "stack %s has no database%s%s that runs: start it, its rows go into the "
		    "server "
		    "itself",
		    stack, service != NULL ? " " : "", service != NULL ? service : "");
	const struct stack_container *c = &s->plan->stack->containers[m->container];
	if (c->state != CONTAINER_RUNNING)
		return err_set(err, ERR_USAGE,
		    "service %s does not run (or is paused): its rows go into the server "
		    "itself",
		    m->name);
	if (live_server_open(&s->server, s->docker, c, e->cancel, err))
		return err->code;
	s->kind = m->db;
	return connector_open(&s->connector, &s->server.target, m->db, err);
}

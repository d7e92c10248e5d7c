/*
 * A snapshot's databases against the servers that run now, in stacks or outside of
 * them: found as a backup finds them, dumped as it would, one after the other.
 */
#include "engine/diff_rows_impl.h"

#include "engine/diff_sqlite.h"
#include "engine/live_server.h"
#include "engine/meter.h"

#include <string.h>

/* --- servers that are given --- */

static void
sample(void *arg, struct event *e)
{
	struct row_diff *d = arg;
	e->bytes = atomic_load(&d->bytes);
}

static enum err_code
take_servers(struct row_diff *d, const struct diff_server *servers, size_t n,
    struct db_fence *fences, struct err *err)
{
	AUTO(meter) struct meter *meter = NULL;
	meter_start(&meter, d->engine->events, sample, d);
	for (size_t i = 0; i < n; i++) {
		const char *service = servers[i].target->service;
		if (!diff_wants_service(d, service))
			continue;
		event_phase(d->engine->events, "read the database of %s", service);
		if (diff_take_server(d, &servers[i], &fences[i], err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
tell_moments(struct row_diff *d, const struct diff_server *servers, size_t n,
    const struct db_fence *fences, struct err *err)
{
	for (size_t i = 0; i < n && d->ops->moment != NULL; i++)
		if (diff_wants_service(d, servers[i].target->service) &&
		    d->ops->moment(d->arg, servers[i].target->service, &fences[i], err))
			return err->code;
	return ERR_OK;
}

static enum err_code
compare(struct row_diff *d, const struct diff_server *servers, size_t n, struct err *err)
{
	AUTO(mem) struct db_fence *fences = calloc(n + 1, sizeof *fences);
	if (fences == NULL)
		return err_nomem(err);
	if (take_servers(d, servers, n, fences, err))
		return err->code;
	diff_side_sort(&d->b);
	event_phase(d->engine->events, "compare the databases");
	if (diff_check_names(d, err) || tell_moments(d, servers, n, fences, err))
		return err->code;
	return diff_sides(d, err);
}

/* --- a comparison --- */

static enum err_code
begin(struct row_diff *d, const struct id *a, struct err *err)
{
	if (diff_side_open(d, &d->a, a, err))
		return err->code;
	return spill_open(&d->spill, NULL, err);
}

enum err_code
diff_rows_servers(struct engine *e, const struct id *a, const struct diff_server *servers,
    size_t n, const struct diff_rows_options *opt, const struct diff_rows_ops *ops, void *arg,
    struct err *err)
{
	AUTO(row_diff) struct row_diff d = row_diff_of(e, opt, ops, arg);
	if (begin(&d, a, err) || compare(&d, servers, n, err))
		return err->code;
	return diff_sqlite(&d, &d.a.snapshot, NULL, err);
}

/* --- the servers of a stack --- */

struct stack_servers {
	struct docker *docker;
	struct plan *plan;
	struct live_server *reached;
	struct diff_server *servers;
	size_t count;
};

static void
stack_servers_auto(struct stack_servers *s)
{
	for (size_t i = 0; i < s->count; i++)
		live_server_close(&s->reached[i]);
	free(s->reached);
	free(s->servers);
	plan_free(s->plan);
	docker_close(s->docker);
}

static enum err_code
add_server(struct stack_servers *s, const struct plan_member *m, const struct cancel *cancel,
    struct err *err)
{
	const struct stack_container *c = &s->plan->stack->containers[m->container];
	struct live_server *x = &s->reached[s->count];
	*x = (struct live_server)LIVE_SERVER_INIT;
	s->servers[s->count] = (struct diff_server){ &x->target, m->db };
	s->count++;
	if (live_server_open(x, s->docker, c, cancel, err))
		return err_wrap(err, "service %s", m->name);
	return ERR_OK;
}

/* What is stored of a server that cannot be asked is compared with nothing. */
static enum err_code
leave_out(struct row_diff *d, const char *service, const char *why, struct err *err)
{
	struct diff_side *a = &d->a;
	size_t kept = 0;
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->dumps[i].service, service) == 0)
			dump_side_release(&a->dumps[i]);
		else
			a->dumps[kept++] = a->dumps[i];
	}
	a->count = kept;
	d->n_unknown++;
	return diff_unknown(d, service, "its databases", why, err);
}

static bool
is_asked(const struct stack_servers *s, const char *service)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->servers[i].target->service, service) == 0)
			return true;
	return false;
}

/* A server that has stopped is no database to a plan, but its tables are not gone. */
static enum err_code
leave_out_stopped(struct row_diff *d, const struct stack_servers *s, struct err *err)
{
	const struct diff_side *a = &d->a;
	for (size_t i = 0; i < a->count;) {
		const char *service = a->dumps[i].service;
		if (is_asked(s, service) || stack_find(s->plan->stack, service) == NULL) {
			i++;
			continue;
		}
		AUTO(str) char *name = NULL; /* the dump's goes with it */
		if (str_dup(&name, service, err) ||
		    leave_out(d, name, "the service does not run", err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
find_servers(struct row_diff *d, struct stack_servers *s, struct err *err)
{
	const struct plan *p = s->plan;
	s->reached = calloc(p->n_members + 1, sizeof *s->reached);
	s->servers = calloc(p->n_members + 1, sizeof *s->servers);
	if (s->reached == NULL || s->servers == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < p->n_members; i++) {
		const struct plan_member *m = &p->members[i];
		if (m->kind != MEMBER_DATABASE || !diff_wants_service(d, m->name))
			continue;
		enum container_state state = p->stack->containers[m->container].state;
		enum err_code rc = state == CONTAINER_RUNNING
				       ? add_server(s, m, d->engine->cancel, err)
				   : state == CONTAINER_PAUSED
				       ? leave_out(d, m->name, "the service is paused", err)
				       : leave_out(d, m->name, "the service does not run", err);
		if (rc)
			return rc;
	}
	return leave_out_stopped(d, s, err);
}

static enum err_code
stack_name(const struct row_diff *d, const char **out, struct err *err)
{
	const json_t *stack = json_object_get(d->a.snapshot.document, "stack");
	*out = d->opt->stack != NULL ? d->opt->stack : json_get_str(stack, "name");
	return *out != NULL ? ERR_OK
			    : err_set(err, ERR_USAGE,
				  "the snapshot is of no stack: it has no databases that "
				  "could be compared with what is live");
}

enum err_code
diff_rows_live(struct engine *e, const struct id *a, const struct diff_rows_options *opt,
    const struct diff_rows_ops *ops, void *arg, struct err *err)
{
	AUTO(stack_servers) struct stack_servers s = { .docker = NULL };
	AUTO(row_diff) struct row_diff d = row_diff_of(e, opt, ops, arg);
	const char *stack;
	if (begin(&d, a, err) || stack_name(&d, &stack, err) ||
	    engine_docker(&s.docker, e, err) ||
	    plan_make(&s.plan, s.docker, stack, NULL, err) || find_servers(&d, &s, err) ||
	    compare(&d, s.servers, s.count, err))
		return err->code;
	/* A stack of another name has its volumes elsewhere. */
	return opt->stack != NULL ? ERR_OK : diff_sqlite(&d, &d.a.snapshot, NULL, err);
}

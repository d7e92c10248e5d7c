#include "docker/stack.h"

#include <stdio.h>
#include <string.h>

/* A walk along the dependencies; path is the way from where it began. */
struct walk {
	const struct stack *s;
	unsigned *depth;
	enum { NEW, ON_PATH, DONE } * mark;
	size_t *path;
	size_t n_path;
};

static enum err_code
circle(const struct walk *w, size_t at, struct err *err)
{
	char text[300] = "";
	size_t first = 0;
	while (w->path[first] != at)
		first++;
	size_t n = 0;
	for (size_t i = first; i < w->n_path && n < sizeof text; i++)
		n += (size_t)snprintf(
		    text + n, sizeof text - n, "%s -> ", w->s->containers[w->path[i]].service);
	return err_set(err, ERR_UNSUPPORTED,
	    "stack %s: its services depend on each other in a circle: %s%s", w->s->name, text,
	    w->s->containers[at].service);
}

static enum err_code
visit(struct walk *w, size_t at, struct err *err)
{
	if (w->mark[at] == DONE)
		return ERR_OK;
	if (w->mark[at] == ON_PATH)
		return circle(w, at, err);
	w->mark[at] = ON_PATH;
	w->path[w->n_path++] = at;
	const struct stack_container *c = &w->s->containers[at];
	for (size_t i = 0; i < w->s->n_containers; i++) {
		const char *service = w->s->containers[i].service;
		if (strcmp(service, c->service) == 0 || !strv_has(&c->depends_on, service))
			continue;
		if (visit(w, i, err))
			return err->code;
		if (w->depth[at] <= w->depth[i])
			w->depth[at] = w->depth[i] + 1;
	}
	w->n_path--;
	w->mark[at] = DONE;
	return ERR_OK;
}

enum err_code
stack_depths(const struct stack *s, unsigned *depth, struct err *err)
{
	size_t n = max_size(s->n_containers, 1);
	struct walk w = { .s = s };
	AUTO(mem) unsigned *found = calloc(n, sizeof *found);
	AUTO(mem) void *mark = calloc(n, sizeof *w.mark);
	AUTO(mem) void *path = calloc(n, sizeof *w.path);
	if (found == NULL || mark == NULL || path == NULL)
		return err_nomem(err);
	w.depth = found;
	w.mark = mark;
	w.path = path;
	for (size_t i = 0; i < s->n_containers; i++)
		if (visit(&w, i, err))
			return err->code;
	for (size_t i = 0; i < s->n_containers; i++)
		depth[i] = found[i];
	return ERR_OK;
}

enum err_code
stack_order(const struct stack *s, size_t *order, struct err *err)
{
	AUTO(mem) unsigned *depth = calloc(max_size(s->n_containers, 1), sizeof *depth);
	if (depth == NULL)
		return err_nomem(err);
	if (stack_depths(s, depth, err))
		return err->code;
	/* Containers are sorted already, so taking depth by depth keeps that order. */
	size_t n = 0;
	for (unsigned level = 0; n < s->n_containers; level++)
		for (size_t i = 0; i < s->n_containers; i++)
			if (depth[i] == level)
				order[n++] = i;
	return ERR_OK;
}

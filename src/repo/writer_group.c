#include "repo/writer_impl.h"

#include "base/checksum.h"

struct group {
	struct writer *writer;
	struct tools *tools;
	struct filling *filling[KINDS];
	struct group *before; /* in writer.groups */
	struct group *after;
};

/* A group holds a filling of data, and one of rows. */
#define GROUP_FILLINGS 2

enum err_code
group_new(struct group **out, struct writer *w, struct err *err)
{
	struct group *g = calloc(1, sizeof *g);
	if (g == NULL)
		return err_nomem(err);
	g->writer = w;
	if (repo_borrow_tools(w->repo, &g->tools, err)) {
		free(g);
		return err->code;
	}
	buffers_allow(&w->frames, GROUP_FILLINGS);
	pthread_mutex_lock(&w->lock);
	g->after = w->groups;
	if (w->groups != NULL)
		w->groups->before = g;
	w->groups = g;
	pthread_mutex_unlock(&w->lock);
	*out = g;
	return ERR_OK;
}

/* Give the chunks of a filling to the shared one. */
static enum err_code
share(struct writer *w, const struct filling *f, struct err *err)
{
	size_t at = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct filling *full = NULL;
		const struct pack_chunk *c = &f->chunks[i];
		if (shared_add(
			w, f->kind, f->data + at, c->len, &c->id, f->sums[i], &full, err) ||
		    (full != NULL && writer_add_frame(w, full, err)))
			return err->code;
		at += c->len;
	}
	return ERR_OK;
}

void
group_free(struct group *g)
{
	if (g == NULL)
		return;
	struct writer *w = g->writer;
	pthread_mutex_lock(&w->lock);
	*(g->before != NULL ? &g->before->after : &w->groups) = g->after;
	if (g->after != NULL)
		g->after->before = g->before;
	pthread_mutex_unlock(&w->lock);
	for (int kind = 0; kind < KINDS; kind++) {
		struct err err;
		if (g->filling[kind] != NULL && share(w, g->filling[kind], &err))
			writer_fail(w, &err);
		filling_free(g->filling[kind]);
	}
	repo_return_tools(w->repo, g->tools);
	buffers_allow(&w->frames, -GROUP_FILLINGS);
	free(g);
}

static enum err_code
collect(struct group *g, enum chunk_kind kind, const void *data, size_t len,
    const struct id *id, uint64_t sum, struct err *err)
{
	struct filling **f = &g->filling[kind];
	if (*f == NULL && filling_new(f, g->writer, kind, true, err))
		return err->code;
	if (filling_add(*f, data, len, id, sum, err))
		return err->code;
	return filling_is_full(*f) ? writer_add_frame(g->writer, TAKE(*f), err) : ERR_OK;
}

enum err_code
group_add(struct group *g, enum chunk_kind kind, const void *data, size_t len, struct id *id,
    struct err *err)
{
	struct writer *w = g->writer;
	bool is_new;
	if (writer_check(w, err))
		return err->code;
	uint64_t sum = checksum_of(data, len, 0); /* first, so that it covers the hashing */
	if (repo_chunk_id(g->tools, data, len, id, err) ||
	    claims_take(&w->claims, id, len, &is_new, err) ||
	    (is_new && collect(g, kind, data, len, id, sum, err)))
		return writer_fail(w, err);
	return ERR_OK;
}

enum err_code
shared_add(struct writer *w, enum chunk_kind kind, const uint8_t *data, size_t len,
    const struct id *id, uint64_t sum, struct filling **full, struct err *err)
{
	pthread_mutex_lock(&w->lock);
	struct filling **f = &w->shared[kind];
	enum err_code rc = *f == NULL ? filling_new(f, w, kind, false, err) : ERR_OK;
	if (rc == ERR_OK)
		rc = filling_add(*f, data, len, id, sum, err);
	*full = rc == ERR_OK && filling_is_full(*f) ? TAKE(*f) : NULL;
	pthread_mutex_unlock(&w->lock);
	return rc;
}

enum err_code
groups_share(struct writer *w, struct err *err)
{
	for (struct group *g = w->groups; g != NULL; g = g->after)
		for (int kind = 0; kind < KINDS; kind++) {
			struct filling *f = TAKE(g->filling[kind]);
			enum err_code rc = f != NULL ? share(w, f, err) : ERR_OK;
			filling_free(f);
			if (rc)
				return rc;
		}
	return ERR_OK;
}

enum err_code
shared_flush(struct writer *w, struct err *err)
{
	struct tools *t;
	if (repo_borrow_tools(w->repo, &t, err))
		return err->code;
	enum err_code rc = ERR_OK;
	for (int kind = 0; kind < KINDS && rc == ERR_OK; kind++)
		if (w->shared[kind] != NULL)
			rc = filling_store(TAKE(w->shared[kind]), t, err);
	repo_return_tools(w->repo, t);
	return rc;
}

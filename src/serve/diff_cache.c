#include "serve/diff_impl.h"

#include "base/room.h"
#include "base/strv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define KEPT 4

struct kept {
	int64_t run; /* 0: none */
	struct diff_whole *whole;
	uint64_t used;
};

struct diff_cache {
	pthread_mutex_t lock; /* guards all below; held while an index is made */
	struct kept kept[KEPT];
	uint64_t clock;
};

/* --- an index --- */

static void
whole_free(struct diff_whole *w)
{
	struct diff_index *x = &w->x;
	if (x->fd >= 0)
		close(x->fd);
	for (size_t i = 0; i < DIFF_LISTS; i++)
		entry_list_free(x->lists[i]);
	for (size_t i = 0; i < x->n_groups; i++) {
		free(x->groups[i].service);
		free(x->groups[i].database);
		free(x->groups[i].table);
		json_decref(x->groups[i].line);
	}
	for (size_t i = 0; i < x->n_parts; i++) {
		free(x->parts[i].kind);
		free(x->parts[i].name);
		free(x->parts[i].path);
	}
	for (size_t i = 0; i < DIFF_HITS; i++) {
		free(w->hits[i].key);
		entry_list_free(w->hits[i].list);
	}
	free(x->groups);
	free(x->parts);
	json_decref(x->images);
	json_decref(x->moments);
	json_decref(x->unknown);
	json_decref(x->result);
	free(w->folder);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static void
whole_release(struct diff_whole *w)
{
	if (w != NULL && atomic_fetch_sub(&w->refs, 1) == 1)
		whole_free(w);
}
AUTO_FREE(whole, struct diff_whole *, whole_release)

void
diff_index_release(struct diff_index *x)
{
	whole_release((struct diff_whole *)x);
}

/* --- its parts --- */

static enum err_code
add_part(struct diff_index *x, const json_t *member, size_t side, struct err *err)
{
	const char *kind = json_get_str(member, "kind");
	const char *name = json_get_str(member, "name");
	const char *path = json_get_str(member, "path");
	if (kind == NULL || name == NULL || path == NULL || strcmp(kind, "meta") == 0)
		return ERR_OK;
	for (size_t i = 0; i < x->n_parts; i++)
		if (strcmp(x->parts[i].path, path) == 0) {
			x->parts[i].is_in[side] = true;
			return ERR_OK;
		}
	if (ROOM_SHORT(x->parts, x->n_parts, err))
		return err->code;
	struct diff_part *p = &x->parts[x->n_parts++];
	*p = (struct diff_part){ .kind = NULL };
	p->is_in[side] = true;
	if (str_dup(&p->kind, kind, err) || str_dup(&p->name, name, err))
		return err->code;
	return str_dup(&p->path, path, err);
}

/* What is live is taken to have what the snapshot has. */
static enum err_code
add_parts(struct diff_index *x, const struct diff_source *source, struct err *err)
{
	const json_t *const documents[] = { source->before,
		source->after != NULL ? source->after : source->before };
	for (size_t side = 0; side < 2; side++) {
		size_t i;
		const json_t *member;
		json_array_foreach(json_object_get(documents[side], "members"), i, member)
		{
			if (add_part(x, member, side, err))
				return err->code;
		}
	}
	return ERR_OK;
}

static enum err_code
whole_make(struct diff_whole **out, const struct diff_source *source,
    const struct cancel *cancel, struct err *err)
{
	AUTO(whole) struct diff_whole *w = calloc(1, sizeof *w);
	if (w == NULL)
		return err_nomem(err);
	pthread_mutex_init(&w->lock, NULL);
	atomic_init(&w->refs, 1);
	w->x.fd = open(source->path, O_RDONLY | O_CLOEXEC);
	if (w->x.fd < 0)
		return errno == ENOENT ? err_set(err, ERR_NOT_FOUND,
					     "what that comparison found was removed: compare "
					     "again")
				       : err_sys(err, "%s", source->path);
	for (size_t i = 0; i < DIFF_LISTS; i++)
		if (entry_list_new(&w->x.lists[i], source->folder, err))
			return err->code;
	if (str_dup(&w->folder, source->folder, err) || add_parts(&w->x, source, err) ||
	    diff_build(&w->x, cancel, err))
		return err->code;
	*out = TAKE(w);
	return ERR_OK;
}

/* --- the cache --- */

enum err_code
diff_cache_new(struct diff_cache **out, struct err *err)
{
	struct diff_cache *c = calloc(1, sizeof *c);
	if (c == NULL)
		return err_nomem(err);
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return ERR_OK;
}

void
diff_cache_free(struct diff_cache *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < KEPT; i++)
		whole_release(c->kept[i].whole);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* The one of that run, else the one that nobody has looked at for longest. */
static struct kept *
place_of(struct diff_cache *c, int64_t run)
{
	struct kept *oldest = &c->kept[0];
	for (size_t i = 0; i < KEPT; i++) {
		if (c->kept[i].run == run)
			return &c->kept[i];
		if (c->kept[i].used < oldest->used)
			oldest = &c->kept[i];
	}
	return oldest;
}

static enum err_code
get(struct diff_cache *c, const struct diff_source *source, const struct cancel *cancel,
    struct diff_index **out, struct err *err)
{
	struct kept *k = place_of(c, source->run);
	if (k->run != source->run) {
		struct diff_whole *fresh;
		if (whole_make(&fresh, source, cancel, err))
			return err->code;
		whole_release(k->whole);
		*k = (struct kept){ source->run, fresh, 0 };
	}
	k->used = ++c->clock;
	atomic_fetch_add(&k->whole->refs, 1);
	*out = &k->whole->x;
	return ERR_OK;
}

enum err_code
diff_cache_get(struct diff_cache *c, const struct diff_source *source,
    const struct cancel *cancel, struct diff_index **out, struct err *err)
{
	pthread_mutex_lock(&c->lock);
	enum err_code rc = get(c, source, cancel, out, err);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

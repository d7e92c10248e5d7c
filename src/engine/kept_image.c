#include "engine/kept_image.h"

#include "engine/image_claim.h"

#include "tree/dir.h"

#include <string.h>

static const char *
id_of_member(const struct snapshot *s, const char *path)
{
	size_t i;
	const json_t *m;
	json_array_foreach(json_object_get(s->document, "members"), i, m)
	{
		const char *at = json_get_str(m, "path");
		if (at != NULL && strcmp(at, path) == 0)
			return json_get_str(m, "image_id");
	}
	return NULL;
}

enum err_code
kept_image_find(struct kept_image *out, struct engine *e, const struct snapshot *s,
    const char *name, struct err *err)
{
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, "images/%s.tar", name) ||
	    tree_lookup(e->repo, &s->root, path, &out->file, err))
		return err->code;
	const char *id = id_of_member(s, path);
	out->id = id != NULL ? id : "";
	return ERR_OK;
}

struct reading {
	struct engine *engine;
	const struct content *content;
	uint64_t at;
};

static enum err_code
read_on(void *ctx, void *out, size_t len, size_t *got, struct err *err)
{
	struct reading *r = ctx;
	if (cancel_check(r->engine->cancel, err) ||
	    content_read_at(r->engine->repo, r->content, r->at, out, len, got, err))
		return err->code;
	r->at += *got;
	return ERR_OK;
}

static enum err_code
load(const struct kept_image *k, struct engine *e, struct docker *d, const char *name,
    const char *named, struct err *err)
{
	struct reading reading = { .engine = e, .content = &k->file.content };
	if (docker_image_load(d, read_on, &reading, err))
		return err->code;
	/* The name is in the stream, so loading took it away. */
	return named == NULL ? ERR_OK : docker_image_tag(d, named, name, err);
}

enum err_code
kept_image_load(const struct kept_image *k, struct engine *e, struct docker *d,
    const char *name, struct err *err)
{
	AUTO(str) char *named = NULL;
	AUTO(str) char *claim = NULL;
	bool is_here = true;
	/* Of an older snapshot's image the id is not known, nor then what to look for. */
	if (docker_image_id(&named, d, name, err) ||
	    (*k->id != '\0' && docker_image_is_here(d, k->id, &is_here, err)))
		return err->code;
	if (!is_here && e->state_dir != NULL &&
	    image_claim_begin(&claim, e->state_dir, d, k->id, name, named, err))
		return err->code;
	/* The engine may go on with a load that has failed here: then the note stays. */
	if (load(k, e, d, name, named, err))
		return err->code;
	return claim != NULL ? image_claim_end(claim, err) : ERR_OK;
}

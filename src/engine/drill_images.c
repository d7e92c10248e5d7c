/*
 * What the scratch stack's containers are made of: the images that were
 * recorded, and no others.  One that is not here may be in the snapshot; it is
 * loaded then, and is written down before, so that it goes with the scratch.
 */
#include "engine/drill_impl.h"

#include <string.h>

const char *
drill_image_of(void *arg, const char *service)
{
	const struct drill *d = arg;
	for (size_t i = 0; i < d->n_images; i++)
		if (strcmp(d->images[i].service, service) == 0)
			return d->images[i].ref;
	return NULL;
}

/* *here: the engine has it. */
static enum err_code
is_here(const struct drill *d, const char *ref, bool *here, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	enum err_code rc = docker_image_inspect(d->job->docker, ref, &doc, err);
	*here = rc == ERR_OK;
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* The member that is this very image; NULL: the snapshot has it not, or another of that name.
 */
static const json_t *
stored_image(const struct drill *d, const struct restore_container *c)
{
	const json_t *members = json_object_get(d->job->snapshot.document, "members");
	size_t i;
	const json_t *m;
	json_array_foreach(members, i, m)
	{
		const char *kind = json_get_str(m, "kind");
		const char *name = json_get_str(m, "name");
		const char *id = json_get_str(m, "image_id");
		if (kind != NULL && name != NULL && id != NULL && strcmp(kind, "image") == 0 &&
		    strcmp(name, c->image) == 0 && strcmp(id, c->image_id) == 0)
			return m;
	}
	return NULL;
}

/* Several services may be made of it. */
static enum err_code
will_load(
    struct drill *d, const struct restore_container *c, const json_t *member, struct err *err)
{
	if (strv_has(&d->scratch->images, c->image_id))
		return ERR_OK;
	int64_t bytes = json_get_int(member, "bytes", 0);
	d->load_bytes += bytes > 0 ? (uint64_t)bytes : 0;
	event_note(d->engine->events, c->service,
	    "image %s is not on this host: it comes from the snapshot", c->image);
	return strv_add(&d->scratch->images, c->image_id, err);
}

static enum err_code
find_image(
    struct drill *d, const struct restore_container *c, const char **ref, struct err *err)
{
	bool here = false;
	*ref = NULL;
	if (*c->image_id != '\0' && is_here(d, c->image_id, &here, err))
		return err->code;
	if (here) {
		*ref = c->image_id;
		return ERR_OK;
	}
	const json_t *member = stored_image(d, c);
	if (member != NULL) {
		*ref = c->image_id;
		return will_load(d, c, member, err);
	}
	size_t i;
	const json_t *digest;
	json_array_foreach(c->digests, i, digest)
	{
		const char *text = json_string_value(digest);
		if (text == NULL)
			continue;
		if (is_here(d, text, &here, err))
			return err->code;
		if (here || d->opt->may_pull) {
			*ref = text;
			return ERR_OK;
		}
	}
	bool can_pull = json_array_size(c->digests) > 0;
	return err_set(err, ERR_NOT_FOUND,
	    "image %s of service %s is not on this host as it was when the backup was made "
	    "(%.19s): %s",
	    c->image, c->service, c->image_id,
	    can_pull ? "--pull fetches it by its recorded digest"
		     : "it came from no registry, and the snapshot does not keep it, so load "
		       "or build it first");
}

enum err_code
drill_find_images(struct drill *d, struct err *err)
{
	const struct restore_job *j = d->job;
	d->images = calloc(j->n_containers + 1, sizeof *d->images);
	if (d->images == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < j->n_containers; i++) {
		const struct restore_container *c = &j->containers[i];
		const char *ref;
		if (drill_image_of(d, c->service) != NULL)
			continue;
		if (find_image(d, c, &ref, err) ||
		    str_dup(&d->images[d->n_images].ref, ref, err))
			return err->code;
		d->images[d->n_images++].service = c->service;
	}
	return ERR_OK;
}

enum err_code
drill_load_images(struct drill *d, struct err *err)
{
	struct restore_job *j = d->job;
	if (d->scratch->images.len == 0)
		return ERR_OK;
	if (drill_scratch_note(d->scratch, err))
		return err->code;
	for (size_t i = 0; i < j->n_containers; i++) {
		const struct restore_container *c = &j->containers[i];
		bool here;
		if (!strv_has(&d->scratch->images, c->image_id))
			continue;
		if (is_here(d, c->image_id, &here, err) ||
		    (!here && job_load_image(j, c, &here, err)))
			return err->code;
		if (!here)
			return err_set(err, ERR_CORRUPT,
			    "what the snapshot keeps as image %s is another one than service "
			    "%s had",
			    c->image, c->service);
	}
	return ERR_OK;
}

/*
 * What the scratch stack's containers are made of: the images that were
 * recorded, and no others.  One that is not here may be in the snapshot; it is
 * loaded then, and is written down before, so that it goes with the scratch.
 */
#include "engine/drill_impl.h"

#include "engine/kept_image.h"

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

/* Several services may be made of it. */
static enum err_code
will_load(struct drill *d, const struct restore_container *c, const struct kept_image *kept,
    struct err *err)
{
	if (strv_has(&d->scratch->images, c->image_id))
		return ERR_OK;
	d->load_bytes += kept->file.content.size;
	event_note(d->engine->events, c->service,
	    "image %s is not on this host: it comes from the snapshot", c->image);
	return strv_add(&d->scratch->images, c->image_id, err);
}

static enum err_code
find_image(
    struct drill *d, const struct restore_container *c, const char **ref, struct err *err)
{
	AUTO(kept_image) struct kept_image kept = KEPT_IMAGE_INIT;
	const struct restore_job *j = d->job;
	bool here;
	*ref = c->image_id;
	if (job_image_is_here(j, c, &here, err))
		return err->code;
	if (here)
		return ERR_OK;
	enum err_code rc = kept_image_find(&kept, j->engine, &j->snapshot, c->image, err);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	if (rc == ERR_OK && *kept.id != '\0' && strcmp(kept.id, c->image_id) == 0)
		return will_load(d, c, &kept, err);
	size_t i;
	const json_t *digest;
	json_array_foreach(c->digests, i, digest)
	{
		const char *text = json_string_value(digest);
		if (text == NULL)
			continue;
		if (docker_image_is_here(j->docker, text, &here, err))
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
		if (job_image_is_here(j, c, &here, err) ||
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

/* Can every service be made here, from the image that it had?  And how that one comes here. */
#include "engine/restore_look.h"

#include "engine/kept_image.h"
#include "engine/restore_steps.h"
#include "sys/fs.h"

#include <string.h>

#define COMPOSE_FILE_MAX ((size_t)1 << 20)

/* "sha256:0123456789ab" */
#define IMAGE_SHORT 19

/* Does a line of the text begin with "build:"?  Compose then makes an image that is not there.
 */
static bool
has_build(const char *text)
{
	for (const char *p = text; (p = strstr(p, "build:")) != NULL; p++) {
		const char *begin = p;
		while (begin > text && (begin[-1] == ' ' || begin[-1] == '\t'))
			begin--;
		if (begin < p && (begin == text || begin[-1] == '\n'))
			return true;
	}
	return false;
}

/* What a compose file will say once it is restored; empty when nobody knows. */
static enum err_code
read_compose_file(
    const struct restore_job *j, const char *path, struct buf *out, struct err *err)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	enum err_code rc = job_stored_file(j, path, &e, err);
	if (rc == ERR_NOT_FOUND)
		return fs_exists(path) ? fs_read_file(path, COMPOSE_FILE_MAX, out, err)
				       : ERR_OK;
	if (rc != ERR_OK)
		return rc;
	return content_read_all(j->engine->repo, &e.content, COMPOSE_FILE_MAX, out, err);
}

static enum err_code
look_at_files(struct restore_job *j, bool *builds, struct err *err)
{
	*builds = false;
	struct strv *obstacles = &j->preview.obstacles;
	if (j->config_files.len == 0 && !j->has_project)
		return strv_addf(obstacles, err, "the snapshot holds no compose file");
	for (size_t i = 0; i < j->config_files.len; i++) {
		const char *path = j->config_files.items[i];
		AUTO(bufv) struct buf text = BUF_INIT;
		if (read_compose_file(j, path, &text, err))
			return err_wrap(err, "%s", path);
		if (text.len == 0 &&
		    strv_addf(obstacles, err,
			"compose file %s is neither in the snapshot nor here", path))
			return err->code;
		const char *s = buf_cstr(&text);
		if (s == NULL)
			return err_nomem(err);
		*builds = *builds || (text.len > 0 && has_build(s));
	}
	return ERR_OK;
}

enum err_code
job_image_is_here(const struct restore_job *j, const struct restore_container *c, bool *is_here,
    struct err *err)
{
	*is_here = false;
	return *c->image_id == '\0'
		   ? ERR_OK
		   : docker_image_is_here(j->docker, c->image_id, is_here, err);
}

static enum err_code
is_image_kept(const struct restore_job *j, const struct restore_container *c, bool *is_kept,
    struct err *err)
{
	AUTO(kept_image) struct kept_image kept = KEPT_IMAGE_INIT;
	enum err_code rc = kept_image_find(&kept, j->engine, &j->snapshot, c->image, err);
	*is_kept = rc == ERR_OK;
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err_code
tell_missing(
    struct restore_job *j, const struct restore_container *c, bool builds, struct err *err)
{
	struct restore_preview *p = &j->preview;
	bool is_here;
	bool is_kept;
	if (job_image_is_here(j, c, &is_here, err))
		return err->code;
	if (is_here)
		return strv_addf(&p->warnings, err,
		    "no image is named %s here (service %s), but the recorded one is here: it "
		    "gets "
		    "that name again",
		    c->image, c->service);
	if (is_image_kept(j, c, &is_kept, err))
		return err->code;
	if (is_kept)
		return strv_addf(&p->warnings, err,
		    "image %s of service %s is not on this host and will be loaded from the "
		    "snapshot",
		    c->image, c->service);
	if (json_array_size(c->digests) > 0)
		return strv_addf(&p->warnings, err,
		    "image %s of service %s is not on this host and will be pulled by its "
		    "digest: %s",
		    c->image, c->service, json_string_value(json_array_get(c->digests, 0)));
	if (builds)
		return strv_addf(&p->warnings, err,
		    "image %s of service %s is not on this host: Compose will build it, if its "
		    "file "
		    "says how",
		    c->image, c->service);
	return strv_addf(&p->obstacles, err,
	    "image %s of service %s is not on this host, and came from no registry: build it "
	    "or load "
	    "it first",
	    c->image, c->service);
}

static enum err_code
look_at_image(
    struct restore_job *j, const struct restore_container *c, bool builds, struct err *err)
{
	AUTO(str) char *id = NULL;
	bool is_here;
	bool is_kept;
	if (docker_image_id(&id, j->docker, c->image, err))
		return err->code;
	if (id == NULL)
		return tell_missing(j, c, builds, err);
	if (*c->image_id == '\0' || strcmp(id, c->image_id) == 0)
		return ERR_OK;
	if (job_image_is_here(j, c, &is_here, err) || is_image_kept(j, c, &is_kept, err))
		return err->code;
	bool can_pin = (is_here || is_kept || json_array_size(c->digests) > 0) &&
		       !compose_is_v1(j->compose);
	return strv_addf(&j->preview.warnings, err,
	    "image %s of service %s is another one now: %.*s, when the backup was made %.*s; "
	    "%s",
	    c->image, c->service, IMAGE_SHORT, id, IMAGE_SHORT, c->image_id,
	    can_pin ? "the service is made of that one, until docker compose makes it anew"
		    : "it cannot be had, so the service is made of the one that is here");
}

/* If the restore fails or is undone, the old stack's containers are made again. */
static enum err_code
look_at_old_image(struct restore_job *j, const struct stack_container *c, struct err *err)
{
	AUTO(str) char *id = NULL;
	const char *ref = compose_is_v1(j->compose) ? c->image_ref : c->image_id;
	if (docker_image_id(&id, j->docker, ref, err))
		return err->code;
	if (id != NULL && strcmp(id, c->image_id) == 0)
		return ERR_OK;
	return strv_addf(&j->preview.warnings, err,
	    "container %s that is there now came from another image than %s is today: if the "
	    "restore fails or is undone, it cannot be made again as it is",
	    c->name, c->image_ref);
}

enum err_code
look_at_images(struct restore_job *j, struct err *err)
{
	bool builds;
	if (look_at_files(j, &builds, err))
		return err->code;
	for (size_t i = 0; i < j->n_containers; i++) {
		const struct restore_container *c = &j->containers[i];
		bool is_known = false;
		for (size_t k = 0; k < i; k++)
			is_known = is_known || strcmp(j->containers[k].image, c->image) == 0;
		if (!is_known && look_at_image(j, c, builds, err))
			return err->code;
	}
	for (size_t i = 0; j->now != NULL && i < j->now->n_containers; i++)
		if (look_at_old_image(j, &j->now->containers[i], err))
			return err->code;
	return ERR_OK;
}

enum err_code
job_load_image(
    struct restore_job *j, const struct restore_container *c, bool *loaded, struct err *err)
{
	AUTO(kept_image) struct kept_image kept = KEPT_IMAGE_INIT;
	*loaded = false;
	enum err_code rc = kept_image_find(&kept, j->engine, &j->snapshot, c->image, err);
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	event_phase(j->engine->events, "loading image %s", c->image);
	if (kept_image_load(&kept, j->engine, j->docker, c->image, err))
		return err_wrap(err, "service %s", c->service);
	if (job_image_is_here(j, c, loaded, err))
		return err->code;
	if (!*loaded)
		event_warning(j->engine->events, c->service,
		    "the snapshot keeps another image by the name of %s than this service had",
		    c->image);
	return ERR_OK;
}

static enum err_code
pull_image(
    struct restore_job *j, struct restore_container *c, const char *digest, struct err *err)
{
	event_phase(j->engine->events, "pulling image %s", digest);
	enum err_code rc = docker_image_pull(j->docker, digest, err);
	if (rc == ERR_OK) {
		c->digest = digest;
		return ERR_OK;
	}
	/* Another image of that name is better than no service; the preview has told. */
	bool is_here = false;
	struct err scratch; /* the pull's failure is told then */
	if (rc == ERR_CANCELLED ||
	    docker_image_is_here(j->docker, c->image, &is_here, &scratch) != ERR_OK || !is_here)
		return err_wrap(err, "service %s", c->service);
	event_warning(j->engine->events, c->service,
	    "the recorded image could not be pulled (%s): it is made of what %s is here",
	    err->msg, c->image);
	return ERR_OK;
}

/* What the recorded container was made of is not here, but the snapshot keeps it, or it came
 * from a registry. */
static enum err_code
fetch_image(struct restore_job *j, struct restore_container *c, struct err *err)
{
	const char *digest = json_string_value(json_array_get(c->digests, 0));
	bool is_here;
	if (job_image_is_here(j, c, &is_here, err) ||
	    (!is_here && *c->image_id != '\0' && job_load_image(j, c, &is_here, err)))
		return err->code;
	return is_here || digest == NULL ? ERR_OK : pull_image(j, c, digest, err);
}

enum err_code
job_fetch_images(struct restore_job *j, struct err *err)
{
	for (size_t i = 0; !j->is_partial && i < j->n_containers; i++)
		if (fetch_image(j, &j->containers[i], err))
			return err->code;
	return ERR_OK;
}

/* look_at_images: can every service be made here, from the image that it had? */
#include "engine/restore_look.h"

#include "docker/image.h"
#include "engine/restore_steps.h"
#include "sys/fs.h"
#include "tree/dir.h"

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

/* The image as the snapshot keeps it; ERR_NOT_FOUND when it does not. */
static enum err_code
find_stored_image(const struct restore_job *j, const struct restore_container *c,
    struct tree_entry *out, struct err *err)
{
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, "images/%s.tar", c->image))
		return err->code;
	return tree_lookup(j->engine->repo, &j->snapshot.root, path, out, err);
}

static enum err_code
is_image_stored(const struct restore_job *j, const struct restore_container *c, bool *is_stored,
    struct err *err)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	enum err_code rc = find_stored_image(j, c, &e, err);
	*is_stored = rc == ERR_OK;
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err_code
tell_missing(
    struct restore_job *j, const struct restore_container *c, bool builds, struct err *err)
{
	struct restore_preview *p = &j->preview;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	enum err_code rc = *c->image_id != '\0'
			       ? docker_image_inspect(j->docker, c->image_id, &doc, err)
			       : ERR_NOT_FOUND;
	if (rc == ERR_OK)
		return strv_addf(&p->warnings, err,
		    "no image is named %s here (service %s), but the recorded one is here: it "
		    "gets "
		    "that name again",
		    c->image, c->service);
	if (rc != ERR_NOT_FOUND)
		return rc;
	bool is_stored;
	if (is_image_stored(j, c, &is_stored, err))
		return err->code;
	if (is_stored)
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
	AUTO(docker_doc) struct docker_doc recorded = DOCKER_DOC_INIT;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	enum err_code rc = docker_image_inspect(j->docker, c->image, &doc, err);
	if (rc == ERR_NOT_FOUND)
		return tell_missing(j, c, builds, err);
	if (rc != ERR_OK)
		return rc;
	const char *id = json_get_str(doc.json, "Id");
	if (*c->image_id == '\0' || id == NULL || strcmp(id, c->image_id) == 0)
		return ERR_OK;
	rc = docker_image_inspect(j->docker, c->image_id, &recorded, err);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	bool is_stored;
	bool is_here = rc == ERR_OK;
	if (is_image_stored(j, c, &is_stored, err))
		return err->code;
	bool can_pin = (is_here || is_stored || json_array_size(c->digests) > 0) &&
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
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	const char *ref = compose_is_v1(j->compose) ? c->image_ref : c->image_id;
	enum err_code rc = docker_image_inspect(j->docker, ref, &doc, err);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	const char *id = rc == ERR_OK ? json_get_str(doc.json, "Id") : NULL;
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

struct stored_image {
	const struct restore_job *job;
	const struct content *content;
	uint64_t at;
};

static enum err_code
read_stored_image(void *ctx, void *out, size_t len, size_t *got, struct err *err)
{
	struct stored_image *s = ctx;
	if (cancel_check(s->job->engine->cancel, err) ||
	    content_read_at(s->job->engine->repo, s->content, s->at, out, len, got, err))
		return err->code;
	s->at += *got;
	return ERR_OK;
}

/* Who has that name here keeps it: loading would take it away. */
static enum err_code
load_beside_named(
    struct restore_job *j, const char *name, struct stored_image *stored, struct err *err)
{
	AUTO(docker_doc) struct docker_doc named = DOCKER_DOC_INIT;
	enum err_code rc = docker_image_inspect(j->docker, name, &named, err);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	const char *id = rc == ERR_OK ? json_get_str(named.json, "Id") : NULL;
	if (docker_image_load(j->docker, read_stored_image, stored, err))
		return err->code;
	return id == NULL ? ERR_OK : docker_image_tag(j->docker, id, name, err);
}

enum err_code
job_load_image(
    struct restore_job *j, const struct restore_container *c, bool *loaded, struct err *err)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	*loaded = false;
	enum err_code rc = find_stored_image(j, c, &e, err);
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	event_phase(j->engine->events, "loading image %s", c->image);
	struct stored_image stored = { .job = j, .content = &e.content };
	if (load_beside_named(j, c->image, &stored, err))
		return err_wrap(err, "service %s", c->service);
	rc = docker_image_inspect(j->docker, c->image_id, &doc, err);
	*loaded = rc == ERR_OK;
	if (rc == ERR_NOT_FOUND)
		event_warning(j->engine->events, c->service,
		    "the snapshot keeps another image by the name of %s than this service had",
		    c->image);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* What the recorded container was made of is not here, but the snapshot keeps it, or it came
 * from a registry. */
static enum err_code
fetch_image(struct restore_job *j, struct restore_container *c, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	const char *digest = json_string_value(json_array_get(c->digests, 0));
	enum err_code rc = ERR_NOT_FOUND;
	bool is_here = false;
	if (*c->image_id != '\0') {
		rc = docker_image_inspect(j->docker, c->image_id, &doc, err);
		is_here = rc == ERR_OK;
		if (rc == ERR_NOT_FOUND && job_load_image(j, c, &is_here, err))
			return err->code;
	}
	if (is_here || (rc == ERR_NOT_FOUND && digest == NULL))
		return ERR_OK;
	if (rc != ERR_NOT_FOUND)
		return rc;
	event_phase(j->engine->events, "pulling image %s", digest);
	rc = docker_image_pull(j->docker, digest, err);
	if (rc == ERR_OK) {
		c->digest = digest;
		return ERR_OK;
	}
	/* Another image of that name is better than no service; the preview has told. */
	AUTO(docker_doc) struct docker_doc named = DOCKER_DOC_INIT;
	struct err scratch;
	if (rc == ERR_CANCELLED ||
	    docker_image_inspect(j->docker, c->image, &named, &scratch) != ERR_OK)
		return err_wrap(err, "service %s", c->service);
	event_warning(j->engine->events, c->service,
	    "the recorded image could not be pulled (%s): it is made of what %s is here",
	    err->msg, c->image);
	return ERR_OK;
}

enum err_code
job_fetch_images(struct restore_job *j, struct err *err)
{
	for (size_t i = 0; !j->is_partial && i < j->n_containers; i++)
		if (fetch_image(j, &j->containers[i], err))
			return err->code;
	return ERR_OK;
}

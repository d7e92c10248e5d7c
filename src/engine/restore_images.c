/* look_at_images: can every service be made here, from the image that it had? */
#include "engine/restore_look.h"

#include "sys/fs.h"

#include <string.h>

#define COMPOSE_FILE_MAX ((size_t)1 << 20)

/* "sha256:0123456789ab" */
#define IMAGE_SHORT 19
#define HEX_SHORT 12

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

static enum err_code
tell_missing(
    struct restore_job *j, const struct restore_container *c, bool builds, struct err *err)
{
	struct restore_preview *p = &j->preview;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	enum err_code rc = *c->image_id != '\0'
			       ? docker_image_inspect(j->docker, c->image_id, &doc, err)
			       : ERR_NOT_FOUND;
	const char *colon = strchr(c->image_id, ':');
	const char *hex = colon != NULL ? colon + 1 : c->image_id;
	if (rc == ERR_OK)
		return strv_addf(&p->obstacles, err,
		    "no image is named %s here (service %s), although the recorded one is: "
		    "docker tag "
		    "%.*s %s",
		    c->image, c->service, HEX_SHORT, hex, c->image);
	if (rc != ERR_NOT_FOUND)
		return rc;
	if (json_array_size(c->digests) > 0) {
		j->should_pull = true;
		return strv_addf(&p->warnings, err,
		    "image %s of service %s is not on this host and will be pulled (recorded: "
		    "%s)",
		    c->image, c->service, json_string_value(json_array_get(c->digests, 0)));
	}
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
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	enum err_code rc = docker_image_inspect(j->docker, c->image, &doc, err);
	if (rc == ERR_NOT_FOUND)
		return tell_missing(j, c, builds, err);
	if (rc != ERR_OK)
		return rc;
	const char *id = json_get_str(doc.json, "Id");
	if (*c->image_id == '\0' || id == NULL || strcmp(id, c->image_id) == 0)
		return ERR_OK;
	return strv_addf(&j->preview.warnings, err,
	    "image %s of service %s is another one now: %.*s, when the backup was made %.*s",
	    c->image, c->service, IMAGE_SHORT, id, IMAGE_SHORT, c->image_id);
}

/* If the restore fails, the old stack's containers are made again from what the name means now.
 */
static enum err_code
look_at_old_image(struct restore_job *j, const struct stack_container *c, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	enum err_code rc = docker_image_inspect(j->docker, c->image_ref, &doc, err);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	const char *id = rc == ERR_OK ? json_get_str(doc.json, "Id") : NULL;
	if (id != NULL && strcmp(id, c->image_id) == 0)
		return ERR_OK;
	return strv_addf(&j->preview.warnings, err,
	    "container %s that is there now came from another image than %s is today: if the "
	    "restore fails, it cannot be made again as it is",
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

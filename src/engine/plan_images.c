/*
 * Images that are kept with a snapshot.  What a registry has can be pulled
 * again by its digest; what was built or imported here has none.
 */
#include "engine/plan_impl.h"

#include "docker/image.h"

#include <string.h>

/* What the engine calls it when it is saved: by its name, so that the name comes back with it,
 * unless that means another image by now. */
static enum err_code
image_source(char **out, struct docker *d, const struct stack_container *c, struct err *err)
{
	AUTO(str) char *id = NULL;
	if (docker_image_id(&id, d, c->image_ref, err))
		return err->code;
	bool is_same = id != NULL && strcmp(id, c->image_id) == 0;
	return str_dup(out, is_same ? c->image_ref : c->image_id, err);
}

static struct plan_member *
image_of(const struct plan *p, const struct stack_container *c)
{
	for (size_t i = 0; i < p->n_members; i++)
		if (p->members[i].kind == MEMBER_IMAGE &&
		    strcmp(p->members[i].name, c->image_ref) == 0)
			return &p->members[i];
	return NULL;
}

static enum err_code
keep_image(struct plan *p, struct docker *d, const struct stack_container *c, struct err *err)
{
	struct plan_member *m = image_of(p, c);
	if (m == NULL) {
		AUTO(str) char *image = NULL;
		if (image_source(&image, d, c, err) ||
		    plan_add_member(p, MEMBER_IMAGE, c->image_ref, NULL, &m, err) ||
		    str_dup(&m->image_id, c->image_id, err))
			return err->code;
		m->image = TAKE(image);
	}
	return strv_has(&m->services, c->service) ? ERR_OK
						  : strv_add(&m->services, c->service, err);
}

/* Told once for each image. */
static enum err_code
tell_not_kept(struct plan *p, const struct stack_container *c, struct err *err)
{
	AUTO(str) char *what = NULL;
	if (str_printf(&what, err, "image %s", c->image_ref))
		return err->code;
	for (size_t i = 0; i < p->n_gaps; i++)
		if (strcmp(p->gaps[i].what, what) == 0)
			return ERR_OK;
	return plan_add_gap(p, "image", c->image_ref,
	    "came from no registry, and is not kept: the setting image = auto keeps it", false,
	    err);
}

enum err_code
plan_add_images(struct plan *p, struct docker *d, struct err *err)
{
	for (size_t i = 0; i < p->stack->n_containers; i++) {
		const struct stack_container *c = &p->stack->containers[i];
		const char *text = settings_get(p->settings, c->service, SETTING_IMAGE)->text;
		bool is_local = c->repo_digests.len == 0;
		if (!plan_is_on(p, i) || *c->image_id == '\0')
			continue;
		if (strcmp(text, "save") == 0 || (strcmp(text, "auto") == 0 && is_local)) {
			if (keep_image(p, d, c, err))
				return err->code;
		} else if (is_local && tell_not_kept(p, c, err)) {
			return err->code;
		}
	}
	return ERR_OK;
}

#include "engine/restore_pins.h"

#include "base/json.h"
#include "base/room.h"
#include "docker/image.h"
#include "sys/fs.h"

#include <stdlib.h>
#include <string.h>

void
pins_release(struct pins *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->items[i].service);
		free(p->items[i].image);
		free(p->items[i].id);
	}
	free(p->items);
}

enum err_code
pins_add(
    struct pins *p, const char *service, const char *image, const char *id, struct err *err)
{
	if (ROOM_SHORT(p->items, p->count, err))
		return err->code;
	struct pin *fresh = &p->items[p->count++];
	*fresh = (struct pin){ NULL, NULL, NULL };
	if (str_dup(&fresh->service, service, err) || str_dup(&fresh->image, image, err) ||
	    str_dup(&fresh->id, id, err))
		return err->code;
	return ERR_OK;
}

bool
pins_is_file(const char *path, const char *state_dir, const char *stack)
{
	size_t n = strlen(state_dir);
	size_t len = strlen(stack);
	return strncmp(path, state_dir, n) == 0 && str_starts(path + n, "/images-") &&
	       strncmp(path + n + strlen("/images-"), stack, len) == 0 &&
	       path[n + strlen("/images-") + len] == '-';
}

/* *must_pin: the name means another image than the recorded one, which is here too. */
static enum err_code
look_at(const struct pin *pin, struct docker *d, bool *must_pin, struct err *err)
{
	AUTO(str) char *recorded = NULL;
	AUTO(str) char *named = NULL;
	*must_pin = false;
	if (*pin->id == '\0' || *pin->image == '\0')
		return ERR_OK;
	if (docker_image_id(&recorded, d, pin->id, err))
		return err->code;
	if (recorded == NULL)
		return ERR_OK;
	if (docker_image_id(&named, d, pin->image, err))
		return err->code;
	if (named == NULL && strchr(pin->image, '@') == NULL)
		return docker_image_tag(d, pin->id, pin->image, err);
	*must_pin = named == NULL || strcmp(named, recorded) != 0;
	return ERR_OK;
}

enum err_code
pins_apply(const struct pins *p, struct docker *d, const struct compose *c,
    const char *state_dir, const char *stack, const char *word, const struct strv *files,
    struct strv *out, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(str) char *path = NULL;
	struct json_writer w;
	size_t pinned = 0;
	for (size_t i = 0; i < files->len; i++)
		if (!pins_is_file(files->items[i], state_dir, stack) &&
		    strv_add(out, files->items[i], err))
			return err->code;
	/* The old Compose wants one version in all files; without -f it would look for none. */
	if (compose_is_v1(c) || out->len == 0)
		return ERR_OK;
	json_init(&w, &text); /* JSON is YAML */
	json_obj(&w, NULL);
	json_obj(&w, "services");
	for (size_t i = 0; i < p->count; i++) {
		bool must_pin;
		if (look_at(&p->items[i], d, &must_pin, err))
			return err->code;
		if (!must_pin)
			continue;
		pinned++;
		json_obj(&w, p->items[i].service);
		json_str(&w, "image", p->items[i].id);
		json_obj_end(&w);
	}
	json_obj_end(&w);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	if (pinned == 0)
		return ERR_OK;
	if (str_printf(&path, err, "%s/images-%s-%s.yaml", state_dir, stack, word) ||
	    fs_write_file(path, 0600, text.data, text.len, err))
		return err->code;
	return strv_add(out, path, err);
}

/* The document as a whole: networks, volumes, secrets; drill_service.c has the services. */
#include "engine/drill_compose.h"

#include "base/room.h"
#include "engine/drill_service.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
drill_cuts_release(struct drill_cuts *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->items[i].service);
		free(c->items[i].what);
	}
	free(c->items);
	*c = (struct drill_cuts)DRILL_CUTS_INIT;
}

enum err_code
drill_cut_add(struct drill_cuts *c, const char *service, bool matters, struct err *err,
    const char *fmt, ...)
{
	AUTO(str) char *name = NULL;
	char what[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->items[i].service, service) == 0 &&
		    strcmp(c->items[i].what, what) == 0)
			return ERR_OK; /* told already */
	if (ROOM(c->items, c->count, c->cap, 8, err))
		return err->code;
	struct drill_cut cut = { .matters = matters };
	if (str_dup(&name, service, err) || str_dup(&cut.what, what, err))
		return err->code;
	cut.service = TAKE(name);
	c->items[c->count++] = cut;
	return ERR_OK;
}

/* --- JSON --- */

enum err_code
drill_set(json_t *obj, const char *key, json_t *value, struct err *err)
{
	return json_object_set_new(obj, key, value) == 0 ? ERR_OK : err_nomem(err);
}

enum err_code
drill_set_copy(json_t *obj, const char *key, const json_t *value, struct err *err)
{
	return drill_set(obj, key, json_deep_copy(value), err);
}

enum err_code
drill_set_text(json_t *obj, const char *key, const char *text, struct err *err)
{
	AUTO(bufv) struct buf escaped = BUF_INIT;
	for (const char *p = text; *p != '\0'; p++)
		if (buf_add(&escaped, "$$", *p == '$' ? 2 : 0, err) ||
		    (*p != '$' && buf_add(&escaped, p, 1, err)))
			return err->code;
	return drill_set(obj, key, json_stringn((const char *)escaped.data, escaped.len), err);
}

enum err_code
drill_plain_text(char **out, const char *text, struct err *err)
{
	AUTO(str) char *plain = NULL;
	if (str_dup(&plain, text, err))
		return err->code;
	char *to = plain;
	for (const char *p = plain; *p != '\0'; p++) {
		*to++ = *p;
		if (p[0] == '$' && p[1] == '$')
			p++;
	}
	*to = '\0';
	*out = TAKE(plain);
	return ERR_OK;
}

enum err_code
drill_set_label(json_t *obj, const struct drill_scope *scope, struct err *err)
{
	AUTO(json) json_t *labels = json_object();
	if (labels == NULL)
		return err_nomem(err);
	if (drill_set_text(labels, DRILL_LABEL, scope->project, err))
		return err->code;
	return drill_set(obj, "labels", TAKE(labels), err);
}

static enum err_code
new_object(json_t **out, struct err *err)
{
	*out = json_object();
	return *out != NULL ? ERR_OK : err_nomem(err);
}

/* --- networks --- */

/*
 * Internal keeps what is forwarded inside; inhibit_ipv4 leaves the bridge without an address,
 * so that the host itself cannot be reached over it either.
 */
static enum err_code
make_network(
    json_t *networks, const char *key, const struct drill_scope *scope, struct err *err)
{
	AUTO(json) json_t *net = NULL;
	AUTO(json) json_t *options = NULL;
	AUTO(str) char *name = NULL;
	if (new_object(&net, err) || new_object(&options, err) ||
	    str_printf(&name, err, "%s_%s", scope->project, key) ||
	    drill_set_text(net, "name", name, err) ||
	    drill_set_text(net, "driver", "bridge", err) ||
	    drill_set(net, "internal", json_true(), err) ||
	    drill_set_text(options, "com.docker.network.bridge.inhibit_ipv4", "true", err) ||
	    drill_set(net, "driver_opts", TAKE(options), err) ||
	    drill_set_label(net, scope, err))
		return err->code;
	return drill_set(networks, key, TAKE(net), err);
}

static enum err_code
make_networks(
    json_t *out, const json_t *config, const struct drill_scope *scope, struct err *err)
{
	AUTO(json) json_t *networks = NULL;
	if (new_object(&networks, err) || make_network(networks, "default", scope, err))
		return err->code;
	const char *key;
	json_t *ignored;
	json_object_foreach(json_object_get(config, "networks"), key, ignored)
	{
		if (make_network(networks, key, scope, err))
			return err->code;
	}
	return drill_set(out, "networks", TAKE(networks), err);
}

/* --- volumes --- */

static enum err_code
make_volume(json_t *volumes, const char *key, const json_t *was,
    const struct drill_scope *scope, struct err *err)
{
	AUTO(json) json_t *vol = NULL;
	AUTO(str) char *plain = NULL;
	AUTO(str) char *name = NULL;
	const char *recorded = json_get_str(was, "name");
	if (new_object(&vol, err) ||
	    drill_plain_text(&plain, recorded != NULL ? recorded : key, err))
		return err->code;
	const char *captured = scope->volume(scope->arg, plain);
	if (captured != NULL) {
		if (drill_set_text(vol, "name", captured, err) ||
		    drill_set(vol, "external", json_true(), err))
			return err->code;
		return drill_set(volumes, key, TAKE(vol), err);
	}
	/* Its driver and options may lead anywhere: what is made instead is empty. */
	if (str_printf(&name, err, "%s_new_%s", scope->project, key) ||
	    drill_set_text(vol, "name", name, err) || drill_set_label(vol, scope, err))
		return err->code;
	return drill_set(volumes, key, TAKE(vol), err);
}

static enum err_code
make_volumes(
    json_t *out, const json_t *config, const struct drill_scope *scope, struct err *err)
{
	AUTO(json) json_t *volumes = NULL;
	if (new_object(&volumes, err))
		return err->code;
	const char *key;
	json_t *was;
	json_object_foreach(json_object_get(config, "volumes"), key, was)
	{
		if (make_volume(volumes, key, was, scope, err))
			return err->code;
	}
	return drill_set(out, "volumes", TAKE(volumes), err);
}

/* --- secrets and configs --- */

/* One that is a file of the snapshot, or that the document itself holds. */
static enum err_code
make_secret(json_t *all, const char *what, const char *key, const json_t *was,
    const struct drill_scope *scope, struct drill_cuts *cuts, struct err *err)
{
	static const char *const kept[] = { "environment", "content" };
	AUTO(json) json_t *made = NULL;
	if (new_object(&made, err))
		return err->code;
	const char *file = json_get_str(was, "file");
	if (file != NULL) {
		AUTO(str) char *plain = NULL;
		AUTO(str) char *path = NULL;
		if (drill_plain_text(&plain, file, err) ||
		    scope->path(scope->arg, plain, &path, err))
			return err->code;
		if (path == NULL)
			return drill_cut_add(cuts, "", true, err,
			    "%s %s: its file %s is not in the snapshot", what, key, plain);
		if (drill_set_text(made, "file", path, err))
			return err->code;
		return drill_set(all, key, TAKE(made), err);
	}
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const json_t *value = json_object_get(was, kept[i]);
		if (!json_is_string(value))
			continue;
		if (drill_set_copy(made, kept[i], value, err))
			return err->code;
		return drill_set(all, key, TAKE(made), err);
	}
	return drill_cut_add(cuts, "", true, err, "%s %s: it is kept outside", what, key);
}

static enum err_code
make_secrets(json_t *out, const char *section, const json_t *config,
    const struct drill_scope *scope, struct drill_cuts *cuts, struct err *err)
{
	AUTO(json) json_t *all = NULL;
	AUTO(str) char *word = NULL;
	if (new_object(&all, err) || str_dupn(&word, section, strlen(section) - 1, err))
		return err->code;
	const char *key;
	json_t *was;
	json_object_foreach(json_object_get(config, section), key, was)
	{
		if (make_secret(all, word, key, was, scope, cuts, err))
			return err->code;
	}
	if (json_object_size(all) == 0)
		return ERR_OK;
	return drill_set(out, section, TAKE(all), err);
}

/* --- all of it --- */

static enum err_code
make_services(json_t *out, const json_t *config, const struct drill_scope *scope,
    struct drill_cuts *cuts, struct err *err)
{
	AUTO(json) json_t *services = NULL;
	struct drill_service_place place = { config, out, scope, cuts };
	if (new_object(&services, err))
		return err->code;
	const char *key;
	json_t *was;
	json_object_foreach(json_object_get(config, "services"), key, was)
	{
		AUTO(json) json_t *made = NULL;
		if (scope->image(scope->arg, key) == NULL)
			continue; /* it had no container when the backup was made */
		if (drill_service_make(&made, &place, key, was, err))
			return err_wrap(err, "service %s", key);
		if (drill_set(services, key, TAKE(made), err))
			return err->code;
	}
	if (json_object_size(services) == 0)
		return err_set(err, ERR_USAGE,
		    "the stored compose files describe none of the services that were backed "
		    "up");
	return drill_set(out, "services", TAKE(services), err);
}

enum err_code
drill_compose_make(json_t **out, const json_t *config, const struct drill_scope *scope,
    struct drill_cuts *cuts, struct err *err)
{
	AUTO(json) json_t *made = NULL;
	if (!json_is_object(json_object_get(config, "services")))
		return err_set(
		    err, ERR_USAGE, "the stored compose files describe no service at all");
	if (new_object(&made, err) || drill_set_text(made, "name", scope->project, err) ||
	    make_networks(made, config, scope, err) || make_volumes(made, config, scope, err) ||
	    make_secrets(made, "secrets", config, scope, cuts, err) ||
	    make_secrets(made, "configs", config, scope, cuts, err) ||
	    make_services(made, config, scope, cuts, err))
		return err->code;
	*out = TAKE(made);
	return ERR_OK;
}

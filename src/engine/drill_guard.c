/*
 * A second look, at what the engine has made rather than at what it was told
 * to make: nothing has been started yet, and nothing is when something could
 * reach out.  Symlinks count by where they lead: a bind mount of the restored
 * project may be one into the original's data.
 */
#include "engine/drill_impl.h"

#include "engine/restore_path.h"
#include "sys/fs.h"

#include <stdio.h>
#include <string.h>

struct guard {
	const struct drill *drill;
	const struct stack_container *c;
	struct err *err;
};

static enum err_code PRINTF_LIKE(2, 3) refuse(struct guard *g, const char *fmt, ...)
{
	char what[300];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return err_set(
	    g->err, ERR_DENIED, "service %s would not be cut off: %s", g->c->service, what);
}

static bool
is_own_container(const struct drill *d, const char *id)
{
	for (size_t i = 0; i < d->job->made->n_containers; i++)
		if (strcmp(d->job->made->containers[i].id, id) == 0)
			return true;
	return false;
}

/* "private", "none", "" and containers of the drill. */
static enum err_code
check_namespace(struct guard *g, const json_t *host, const char *key)
{
	const char *mode = json_get_str(host, key);
	if (mode == NULL || (strcmp(mode, "host") != 0 && !str_starts(mode, "container:")) ||
	    (str_starts(mode, "container:") && is_own_container(g->drill, mode + 10)))
		return ERR_OK;
	return refuse(g, "%s is %s", key, mode);
}

static enum err_code
check_powers(struct guard *g, const json_t *host)
{
	static const char *const modes[] = { "PidMode", "IpcMode", "UTSMode", "UsernsMode",
		"NetworkMode" };
	static const char *const lists[] = { "Devices", "DeviceRequests", "DeviceCgroupRules",
		"Links", "VolumesFrom" };
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (check_namespace(g, host, modes[i]))
			return g->err->code;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (json_array_size(json_object_get(host, lists[i])) > 0)
			return refuse(g, "it has %s", lists[i]);
	if (json_get_bool(host, "Privileged"))
		return refuse(g, "it is privileged");
	size_t i;
	const json_t *item;
	json_array_foreach(json_object_get(host, "CapAdd"), i, item)
	{
		const char *cap = json_string_value(item);
		if (cap != NULL && !drill_capability_is_usual(cap))
			return refuse(g, "it has capability %s", cap);
	}
	const char *policy = json_get_str(json_object_get(host, "RestartPolicy"), "Name");
	if (policy != NULL && *policy != '\0' && strcmp(policy, "no") != 0)
		return refuse(g, "it would be restarted (%s)", policy);
	return ERR_OK;
}

static enum err_code
check_ports(struct guard *g, const json_t *host)
{
	const char *port;
	json_t *bindings;
	json_object_foreach(json_object_get(host, "PortBindings"), port, bindings)
	{
		if (json_array_size(bindings) > 0)
			return refuse(g, "port %s is published", port);
	}
	if (json_get_bool(host, "PublishAllPorts"))
		return refuse(g, "all ports are published");
	return ERR_OK;
}

/* A volume of the drill's, or one that was made for the container. */
static enum err_code
check_volume(struct guard *g, const char *name)
{
	struct err *err = g->err;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (docker_volume_inspect(g->drill->job->docker, name, &doc, err))
		return err->code;
	const char *driver = json_get_str(doc.json, "Driver");
	const char *owner = json_get_str(json_object_get(doc.json, "Labels"), DRILL_LABEL);
	bool is_unnamed = strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
	bool is_own = owner != NULL && strcmp(owner, g->drill->scratch->project) == 0;
	if (!is_own && !is_unnamed)
		return refuse(g, "volume %s is not the drill's", name);
	if (driver == NULL || strcmp(driver, "local") != 0 ||
	    json_object_size(json_object_get(doc.json, "Options")) > 0)
		return refuse(g, "volume %s leads elsewhere", name);
	return ERR_OK;
}

static enum err_code
check_mounts(struct guard *g)
{
	struct err *err = g->err;
	for (size_t i = 0; i < g->c->n_mounts; i++) {
		const struct stack_mount *m = &g->c->mounts[i];
		AUTO(str) char *real = NULL;
		if (m->kind == MOUNT_TMPFS)
			continue;
		if (m->kind == MOUNT_VOLUME) {
			if (check_volume(g, m->source))
				return err->code;
			continue;
		}
		if (m->kind != MOUNT_BIND)
			return refuse(
			    g, "there is a mount of an unknown kind at %s", m->target);
		if (fs_real_path(&real, m->source, err))
			return err_wrap(
			    err, "service %s: mount at %s", g->c->service, m->target);
		if (!path_is_within(real, g->drill->scratch->folder))
			return refuse(g, "%s at %s leads to %s", m->source, m->target, real);
	}
	return ERR_OK;
}

static enum err_code
check_network(struct guard *g, const char *name)
{
	struct err *err = g->err;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (docker_network_inspect(g->drill->job->docker, name, &doc, err))
		return err->code;
	const char *owner = json_get_str(json_object_get(doc.json, "Labels"), DRILL_LABEL);
	if (owner == NULL || strcmp(owner, g->drill->scratch->project) != 0)
		return refuse(g, "network %s is not the drill's", name);
	if (!json_get_bool(doc.json, "Internal"))
		return refuse(g, "network %s is not internal", name);
	return ERR_OK;
}

static enum err_code
check_networks(struct guard *g, const json_t *doc)
{
	const char *mode = json_get_str(json_object_get(doc, "HostConfig"), "NetworkMode");
	const char *name;
	json_t *ignored;
	if (mode != NULL && (strcmp(mode, "none") == 0 || str_starts(mode, "container:")))
		return ERR_OK; /* looked at above */
	json_object_foreach(
	    json_object_get(json_object_get(doc, "NetworkSettings"), "Networks"), name, ignored)
	{
		if (check_network(g, name))
			return g->err->code;
	}
	/* One that was never started may not be listed there yet. */
	return mode != NULL && *mode != '\0' ? check_network(g, mode) : ERR_OK;
}

enum err_code
drill_guard(struct drill *d, struct err *err)
{
	const struct stack *made = d->job->made;
	for (size_t i = 0; i < made->n_containers; i++) {
		struct guard g = { d, &made->containers[i], err };
		AUTO(json) json_t *doc = NULL;
		if (json_parse(&doc, g.c->raw.data, g.c->raw.len, g.c->name, err))
			return err->code;
		const json_t *host = json_object_get(doc, "HostConfig");
		if (!json_is_object(host))
			return refuse(&g, "the engine does not tell how it is made");
		if (check_powers(&g, host) || check_ports(&g, host) || check_mounts(&g) ||
		    check_networks(&g, doc))
			return err->code;
	}
	return ERR_OK;
}

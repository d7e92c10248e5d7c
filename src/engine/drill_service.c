#include "engine/drill_service.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What concerns nothing but the container itself. */
static const char *const kept[] = { "command", "cpu_count", "cpu_percent", "cpu_period",
	"cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus", "cpuset",
	"domainname", "entrypoint", "environment", "expose", "extra_hosts", "group_add",
	"healthcheck", "hostname", "init", "mem_limit", "mem_reservation", "mem_swappiness",
	"memswap_limit", "pids_limit", "platform", "read_only", "scale", "shm_size",
	"stdin_open", "stop_grace_period", "stop_signal", "sysctls", "tmpfs", "tty", "ulimits",
	"user", "working_dir" };

/* What is left out without a word: the drill says it itself, or nobody in the container can
 * tell. */
static const char *const silent[] = { "annotations", "attach", "build", "container_name", "dns",
	"dns_opt", "dns_search", "env_file", "image", "label_file", "logging", "mac_address",
	"oom_kill_disable", "oom_score_adj", "ports", "profiles", "pull_policy", "restart",
	"storage_opt", "blkio_config", "cgroup_parent", "depends_on", "deploy", "networks",
	"volumes", "secrets", "configs", "labels", "cap_drop", "develop" };

/* What Docker gives every container, but for raw sockets; and two that touch nothing else. */
static const char *const usual_capabilities[] = { "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE",
	"FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP",
	"SETUID", "SYS_CHROOT", "IPC_LOCK", "SYS_NICE" };

static bool
is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

bool
drill_capability_is_usual(const char *name)
{
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	for (size_t i = 0; i < ARRAY_LEN(usual_capabilities); i++)
		if (strcasecmp(usual_capabilities[i], name) == 0)
			return true;
	return false;
}

/* Is it false, empty, or as if it were not there? */
static bool
says_nothing(const json_t *value)
{
	return json_is_null(value) || json_is_false(value) ||
	       (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_object(value) && json_object_size(value) == 0) ||
	       (json_is_string(value) && json_string_length(value) == 0);
}

/* --- one key each --- */

static enum err_code
keep_capabilities(json_t *made, const struct drill_service_place *p, const char *name,
    const json_t *was, struct err *err)
{
	AUTO(json) json_t *add = json_array();
	AUTO(json) json_t *drop = json_is_array(json_object_get(was, "cap_drop"))
				      ? json_deep_copy(json_object_get(was, "cap_drop"))
				      : json_array();
	size_t i;
	const json_t *item;
	if (add == NULL || drop == NULL ||
	    json_array_append_new(drop, json_string("NET_RAW")) != 0)
		return err_nomem(err);
	json_array_foreach(json_object_get(was, "cap_add"), i, item)
	{
		const char *cap = json_string_value(item);
		if (cap == NULL)
			continue;
		if (drill_capability_is_usual(cap)
			? json_array_append_new(add, json_string(cap)) != 0
			: drill_cut_add(p->cuts, name, true, err, "capability %s", cap) !=
			      ERR_OK)
			return err->code != ERR_OK ? err->code : err_nomem(err);
	}
	if (json_array_size(add) > 0 && drill_set(made, "cap_add", TAKE(add), err))
		return err->code;
	return drill_set(made, "cap_drop", TAKE(drop), err);
}

/* "service:db" joins a container of the drill; "none" and "private" join nothing. */
static bool
is_own_namespace(const struct drill_service_place *p, const char *key, const char *value)
{
	static const char *const harmless[] = { "none", "private", "shareable" };
	const char *service = str_starts(value, "service:") ? value + 8 : NULL;
	if (service != NULL)
		return json_object_get(json_object_get(p->config, "services"), service) !=
			   NULL &&
		       p->scope->image(p->scope->arg, service) != NULL;
	return strcmp(key, "uts") != 0 && is_one_of(value, harmless, ARRAY_LEN(harmless));
}

static enum err_code
keep_namespace(json_t *made, const struct drill_service_place *p, const char *name,
    const char *key, const json_t *value, struct err *err)
{
	const char *text = json_string_value(value);
	if (text == NULL || *text == '\0')
		return ERR_OK;
	if (is_own_namespace(p, key, text))
		return drill_set_copy(made, key, value, err);
	return drill_cut_add(p->cuts, name, true, err, "%s: %s", key, text);
}

static enum err_code
keep_security(json_t *made, const struct drill_service_place *p, const char *name,
    const json_t *value, struct err *err)
{
	AUTO(json) json_t *kept_options = json_array();
	size_t i;
	const json_t *item;
	if (kept_options == NULL)
		return err_nomem(err);
	json_array_foreach(value, i, item)
	{
		const char *option = json_string_value(item);
		if (option == NULL)
			continue;
		if (str_starts(option, "no-new-privileges")) {
			if (json_array_append_new(kept_options, json_string(option)) != 0)
				return err_nomem(err);
		} else if (drill_cut_add(
			       p->cuts, name, true, err, "security option %s", option)) {
			return err->code;
		}
	}
	if (json_array_size(kept_options) == 0)
		return ERR_OK;
	return drill_set(made, "security_opt", TAKE(kept_options), err);
}

static enum err_code
keep_runtime(json_t *made, const struct drill_service_place *p, const char *name,
    const json_t *value, struct err *err)
{
	const char *runtime = json_string_value(value);
	if (runtime == NULL || *runtime == '\0')
		return ERR_OK;
	/* Others, as gVisor's, isolate more than the usual one. */
	if (strcasestr(runtime, "nvidia") == NULL)
		return drill_set_copy(made, "runtime", value, err);
	return drill_cut_add(p->cuts, name, true, err, "runtime %s", runtime);
}

/* Limits stay; devices and where to place it do not. */
static enum err_code
keep_deploy(json_t *made, const struct drill_service_place *p, const char *name,
    const json_t *was, struct err *err)
{
	AUTO(json) json_t *deploy = json_object();
	AUTO(json) json_t *resources = json_object();
	const json_t *has = json_object_get(was, "resources");
	const json_t *reserved = json_object_get(has, "reservations");
	if (deploy == NULL || resources == NULL)
		return err_nomem(err);
	if (!says_nothing(json_object_get(reserved, "devices")) &&
	    json_object_get(reserved, "devices") != NULL &&
	    drill_cut_add(p->cuts, name, true, err, "reserved devices"))
		return err->code;
	if (json_is_object(json_object_get(has, "limits")) &&
	    drill_set_copy(resources, "limits", json_object_get(has, "limits"), err))
		return err->code;
	if (json_object_size(resources) > 0 &&
	    drill_set(deploy, "resources", TAKE(resources), err))
		return err->code;
	if (json_is_integer(json_object_get(was, "replicas")) &&
	    drill_set_copy(deploy, "replicas", json_object_get(was, "replicas"), err))
		return err->code;
	return json_object_size(deploy) > 0 ? drill_set(made, "deploy", TAKE(deploy), err)
					    : ERR_OK;
}

static enum err_code
keep_depends(json_t *made, const struct drill_service_place *p, const char *name,
    const json_t *was, struct err *err)
{
	AUTO(json) json_t *depends = json_object();
	const char *on;
	json_t *how;
	if (depends == NULL)
		return err_nomem(err);
	json_object_foreach((json_t *)(uintptr_t)was, on, how)
	{
		bool is_there =
		    p->scope->image(p->scope->arg, on) != NULL &&
		    json_object_get(json_object_get(p->config, "services"), on) != NULL;
		const char *condition = json_get_str(how, "condition");
		AUTO(json) json_t *link = json_object();
		if (!is_there) {
			if (drill_cut_add(p->cuts, name, false, err,
				"dependency on %s, which had no container", on))
				return err->code;
			continue;
		}
		if (link == NULL)
			return err_nomem(err);
		if (drill_set_text(link, "condition",
			condition != NULL ? condition : "service_started", err) ||
		    drill_set(depends, on, TAKE(link), err))
			return err->code;
	}
	return json_object_size(depends) > 0 ? drill_set(made, "depends_on", TAKE(depends), err)
					     : ERR_OK;
}

/* Labels of StackSnap's stay; those of a proxy, an updater or a scheduler would be obeyed. */
static enum err_code
keep_labels(
    json_t *made, const struct drill_service_place *p, const json_t *was, struct err *err)
{
	if (drill_set_label(made, p->scope, err))
		return err->code;
	json_t *labels = json_object_get(made, "labels");
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)was, key, value)
	{
		if (str_starts(key, "stacksnap.") && strcmp(key, DRILL_LABEL) != 0 &&
		    json_is_string(value) && drill_set_copy(labels, key, value, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- networks --- */

static enum err_code
add_network(json_t *networks, const struct drill_service_place *p, const char *key,
    const json_t *was, struct err *err)
{
	AUTO(json) json_t *net = json_object();
	if (net == NULL)
		return err_nomem(err);
	if (json_object_get(json_object_get(p->made, "networks"), key) == NULL)
		return ERR_OK;
	if (json_is_array(json_object_get(was, "aliases")) &&
	    drill_set_copy(net, "aliases", json_object_get(was, "aliases"), err))
		return err->code;
	return drill_set(networks, key, TAKE(net), err);
}

static enum err_code
keep_networks(json_t *made, const struct drill_service_place *p, const char *name,
    const json_t *was, struct err *err)
{
	const char *mode = json_get_str(was, "network_mode");
	if (mode != NULL && *mode != '\0') {
		if (is_own_namespace(p, "network_mode", mode) && strcmp(mode, "private") != 0)
			return drill_set_text(made, "network_mode", mode, err);
		if (drill_cut_add(p->cuts, name, true, err, "network_mode: %s", mode))
			return err->code;
	}
	AUTO(json) json_t *networks = json_object();
	const char *key;
	json_t *how;
	if (networks == NULL)
		return err_nomem(err);
	json_object_foreach(json_object_get(was, "networks"), key, how)
	{
		if (add_network(networks, p, key, how, err))
			return err->code;
	}
	if (json_object_size(networks) == 0 && add_network(networks, p, "default", NULL, err))
		return err->code;
	return drill_set(made, "networks", TAKE(networks), err);
}

/* --- mounts --- */

static enum err_code
keep_mount(json_t *mounts, const struct drill_service_place *p, const char *name,
    const json_t *was, struct err *err)
{
	AUTO(json) json_t *mount = json_object();
	const char *type = json_get_str(was, "type");
	const char *source = json_get_str(was, "source");
	const char *target = json_get_str(was, "target");
	if (mount == NULL)
		return err_nomem(err);
	if (type == NULL || target == NULL)
		return ERR_OK;
	if (drill_set_text(mount, "type", type, err) ||
	    drill_set_copy(mount, "target", json_object_get(was, "target"), err) ||
	    (json_is_true(json_object_get(was, "read_only")) &&
		drill_set(mount, "read_only", json_true(), err)))
		return err->code;
	if (strcmp(type, "bind") == 0 && source != NULL) {
		AUTO(str) char *plain = NULL;
		AUTO(str) char *path = NULL;
		if (drill_plain_text(&plain, source, err) ||
		    p->scope->path(p->scope->arg, plain, &path, err))
			return err->code;
		if (path == NULL)
			return drill_cut_add(p->cuts, name, true, err,
			    "bind mount %s at %s, which the snapshot does not hold", plain,
			    target);
		if (drill_set_text(mount, "source", path, err))
			return err->code;
	} else if (strcmp(type, "volume") == 0) {
		/* Without a source it has no name, and is made with its container. */
		if (source != NULL &&
		    json_object_get(json_object_get(p->made, "volumes"), source) == NULL)
			return drill_cut_add(p->cuts, name, true, err,
			    "volume %s at %s, which the compose files do not describe", source,
			    target);
		if (source != NULL &&
		    drill_set_copy(mount, "source", json_object_get(was, "source"), err))
			return err->code;
	} else if (strcmp(type, "tmpfs") == 0) {
		const json_t *how = json_object_get(was, "tmpfs");
		if (json_is_object(how) && drill_set_copy(mount, "tmpfs", how, err))
			return err->code;
	} else {
		return drill_cut_add(p->cuts, name, true, err, "%s mount at %s", type, target);
	}
	return json_array_append_new(mounts, TAKE(mount)) == 0 ? ERR_OK : err_nomem(err);
}

static enum err_code
keep_mounts(json_t *made, const struct drill_service_place *p, const char *name,
    const json_t *was, struct err *err)
{
	AUTO(json) json_t *mounts = json_array();
	size_t i;
	const json_t *mount;
	if (mounts == NULL)
		return err_nomem(err);
	json_array_foreach(was, i, mount)
	{
		if (keep_mount(mounts, p, name, mount, err))
			return err->code;
	}
	return json_array_size(mounts) > 0 ? drill_set(made, "volumes", TAKE(mounts), err)
					   : ERR_OK;
}

/* "secrets" or "configs": those of them that there are. */
static enum err_code
keep_secrets(json_t *made, const struct drill_service_place *p, const char *section,
    const json_t *was, struct err *err)
{
	AUTO(json) json_t *all = json_array();
	size_t i;
	const json_t *secret;
	if (all == NULL)
		return err_nomem(err);
	json_array_foreach(was, i, secret)
	{
		const char *source = json_get_str(secret, "source");
		if (source != NULL &&
		    json_object_get(json_object_get(p->made, section), source) != NULL &&
		    json_array_append_new(all, json_deep_copy(secret)) != 0)
			return err_nomem(err);
	}
	return json_array_size(all) > 0 ? drill_set(made, section, TAKE(all), err) : ERR_OK;
}

/* --- the service --- */

/* What nobody knows, and what is known to reach out of the container. */
static enum err_code
cut_others(const struct drill_service_place *p, const char *name, const char *key,
    const json_t *value, struct err *err)
{
	size_t i;
	const json_t *item;
	if (says_nothing(value) || str_starts(key, "x-") ||
	    is_one_of(key, silent, ARRAY_LEN(silent)))
		return ERR_OK;
	if (strcmp(key, "devices") != 0)
		return drill_cut_add(p->cuts, name, true, err, "%s", key);
	json_array_foreach(value, i, item)
	{
		const char *device = json_is_string(item) ? json_string_value(item)
							  : json_get_str(item, "source");
		if (drill_cut_add(
			p->cuts, name, true, err, "device %s", device != NULL ? device : "?"))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
keep_key(json_t *made, const struct drill_service_place *p, const char *name, const char *key,
    const json_t *value, struct err *err)
{
	static const char *const spaces[] = { "pid", "ipc", "uts", "cgroup", "userns_mode" };
	if (is_one_of(key, kept, ARRAY_LEN(kept)))
		return drill_set_copy(made, key, value, err);
	if (is_one_of(key, spaces, ARRAY_LEN(spaces)))
		return keep_namespace(made, p, name, key, value, err);
	if (strcmp(key, "security_opt") == 0)
		return keep_security(made, p, name, value, err);
	if (strcmp(key, "runtime") == 0)
		return keep_runtime(made, p, name, value, err);
	if (strcmp(key, "deploy") == 0)
		return keep_deploy(made, p, name, value, err);
	if (strcmp(key, "depends_on") == 0)
		return keep_depends(made, p, name, value, err);
	if (strcmp(key, "volumes") == 0)
		return keep_mounts(made, p, name, value, err);
	if (strcmp(key, "secrets") == 0 || strcmp(key, "configs") == 0)
		return keep_secrets(made, p, key, value, err);
	if (strcmp(key, "cap_add") == 0 || strcmp(key, "network_mode") == 0)
		return ERR_OK; /* seen to below */
	return cut_others(p, name, key, value, err);
}

/* What every container of a drill is told. */
static enum err_code
add_own(json_t *made, const struct drill_service_place *p, const char *name, struct err *err)
{
	AUTO(json) json_t *logging = json_pack("{s:s, s:{s:s, s:s}}", "driver", "json-file",
	    "options", "max-size", "4m", "max-file", "1");
	/* Not on the host, as a DNS server that the engine itself asks would be. */
	AUTO(json) json_t *dns = json_pack("[s]", "127.0.0.1");
	if (drill_set_text(made, "image", p->scope->image(p->scope->arg, name), err) ||
	    drill_set_text(
		made, "pull_policy", p->scope->may_pull ? "missing" : "never", err) ||
	    drill_set_text(made, "restart", "no", err) ||
	    drill_set(made, "logging", TAKE(logging), err))
		return err->code;
	if (json_object_get(made, "network_mode") != NULL)
		return ERR_OK;
	return drill_set(made, "dns", TAKE(dns), err);
}

enum err_code
drill_service_make(json_t **out, const struct drill_service_place *p, const char *name,
    const json_t *was, struct err *err)
{
	AUTO(json) json_t *made = json_object();
	const char *key;
	json_t *value;
	if (made == NULL)
		return err_nomem(err);
	json_object_foreach((json_t *)(uintptr_t)was, key, value)
	{
		if (keep_key(made, p, name, key, value, err))
			return err->code;
	}
	if (keep_capabilities(made, p, name, was, err) ||
	    keep_labels(made, p, json_object_get(was, "labels"), err) ||
	    keep_networks(made, p, name, was, err) || add_own(made, p, name, err))
		return err->code;
	*out = TAKE(made);
	return ERR_OK;
}

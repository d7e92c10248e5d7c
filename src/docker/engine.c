#include "docker/engine.h"

#include "docker/call.h"
#include "docker/client.h"

#include <stdio.h>
#include <string.h>

/* The API versions that this client was written for: 1.OLDEST to 1.NEWEST. */
#define OLDEST 41
#define NEWEST 52

void
docker_doc_release(struct docker_doc *doc)
{
	buf_release(&doc->raw);
	json_decref(doc->json);
	*doc = (struct docker_doc)DOCKER_DOC_INIT;
}

/* The minor number of "1.41", or -1. */
static int
minor_of(const char *version)
{
	int minor;
	char rest;
	if (version == NULL || sscanf(version, "1.%3d%c", &minor, &rest) != 1 || minor < 0)
		return -1;
	return minor;
}

/* For messages. */
static const char *
where(const struct docker *d)
{
	return d->address.socket != NULL ? d->address.socket : d->address.text;
}

static enum err_code
negotiate(struct docker *d, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, d, "GET", "/_ping", "ask the Docker engine on %s", where(d));
	AUTO(http) struct http *h = NULL;
	const struct http_head *head;
	if (docker_call_send(d, &call, NULL, NULL, &h, err) ||
	    docker_call_receive(&call, h, &head, err))
		return err->code;
	const char *theirs = http_head_field(head, "Api-Version");
	int minor = minor_of(theirs);
	if (minor < 0)
		return err_set(
		    err, ERR_UNSUPPORTED, "what answers on %s is no Docker engine", where(d));
	if (minor < OLDEST)
		return err_set(err, ERR_UNSUPPORTED,
		    "the Docker engine on %s speaks API %s; 1.%d (Docker 20.10) or newer is "
		    "needed",
		    where(d), theirs, OLDEST);
	snprintf(d->version, sizeof d->version, "1.%d", minor < NEWEST ? minor : NEWEST);
	return ERR_OK;
}

enum err_code
docker_open(struct docker **out, const struct docker_options *opt, struct err *err)
{
	AUTO(docker) struct docker *d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_nomem(err);
	d->cancel = opt->cancel;
	d->timeout_ms = opt->timeout_ms;
	if (docker_address_parse(&d->address, opt->host, err) || negotiate(d, err))
		return err->code;
	*out = TAKE(d);
	return ERR_OK;
}

void
docker_close(struct docker *d)
{
	if (d == NULL)
		return;
	docker_address_release(&d->address);
	free(d);
}

const char *
docker_host(const struct docker *d)
{
	return d->address.text;
}

bool
docker_is_local(const struct docker *d)
{
	return d->address.socket != NULL;
}

const char *
docker_api_version(const struct docker *d)
{
	return d->version;
}

/* GET with up to two parts behind path. */
static enum err_code
get(struct docker *d, const char *path, const char *part, const char *part2, const char *what,
    struct docker_doc *doc, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	docker_call_init(
	    &call, d, "GET", path, "%s%s%s", what, part != NULL ? " " : "", part ? part : "");
	if (part != NULL)
		target_part(&call.target, part);
	if (part2 != NULL)
		target_part(&call.target, part2);
	return docker_call_do(d, &call, doc, err);
}

static enum err_code
copy_field(char **out, const json_t *obj, const char *key, struct err *err)
{
	const char *s = json_get_str(obj, key);
	return str_dup(out, s != NULL ? s : "", err);
}

enum err_code
docker_info(struct docker *d, struct docker_info *out, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (get(d, "/info", NULL, NULL, "ask the engine about itself", &doc, err))
		return err->code;
	AUTO(docker_info) struct docker_info info = DOCKER_INFO_INIT;
	if (copy_field(&info.version, doc.json, "ServerVersion", err) ||
	    copy_field(&info.operating_system, doc.json, "OperatingSystem", err) ||
	    copy_field(&info.os_type, doc.json, "OSType", err) ||
	    copy_field(&info.architecture, doc.json, "Architecture", err) ||
	    copy_field(&info.kernel, doc.json, "KernelVersion", err) ||
	    copy_field(&info.data_root, doc.json, "DockerRootDir", err) ||
	    copy_field(&info.name, doc.json, "Name", err))
		return err->code;
	*out = info;
	info = (struct docker_info)DOCKER_INFO_INIT;
	return ERR_OK;
}

void
docker_info_release(struct docker_info *info)
{
	free(info->version);
	free(info->operating_system);
	free(info->os_type);
	free(info->architecture);
	free(info->kernel);
	free(info->data_root);
	free(info->name);
	*info = (struct docker_info)DOCKER_INFO_INIT;
}

static enum err_code
list(struct docker *d, const char *path, const char *last, const char *label, const char *what,
    struct docker_doc *doc, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, d, "GET", path, "%s", what);
	if (last != NULL) {
		target_part(&call.target, last);
		target_query(&call.target, "all", "1");
	}
	if (label != NULL) {
		AUTO(bufv) struct buf filter = BUF_INIT;
		struct json_writer w;
		json_init(&w, &filter);
		json_obj(&w, NULL);
		json_arr(&w, "label");
		json_str(&w, NULL, label);
		json_arr_end(&w);
		json_obj_end(&w);
		if (json_finish(&w, err))
			return err->code;
		const char *text = buf_cstr(&filter);
		if (text == NULL)
			return err_nomem(err);
		target_query(&call.target, "filters", text);
	}
	return docker_call_do(d, &call, doc, err);
}

enum err_code
docker_container_list(
    struct docker *d, const char *label, struct docker_doc *doc, struct err *err)
{
	return list(d, "/containers", "json", label, "list containers", doc, err);
}

enum err_code
docker_volume_list(struct docker *d, const char *label, struct docker_doc *doc, struct err *err)
{
	return list(d, "/volumes", NULL, label, "list volumes", doc, err);
}

enum err_code
docker_network_list(
    struct docker *d, const char *label, struct docker_doc *doc, struct err *err)
{
	return list(d, "/networks", NULL, label, "list networks", doc, err);
}

enum err_code
docker_container_inspect(
    struct docker *d, const char *id, struct docker_doc *doc, struct err *err)
{
	return get(d, "/containers", id, "json", "inspect container", doc, err);
}

enum err_code
docker_image_inspect(struct docker *d, const char *ref, struct docker_doc *doc, struct err *err)
{
	return get(d, "/images", ref, "json", "inspect image", doc, err);
}

enum err_code
docker_volume_inspect(
    struct docker *d, const char *name, struct docker_doc *doc, struct err *err)
{
	return get(d, "/volumes", name, NULL, "inspect volume", doc, err);
}

enum err_code
docker_network_inspect(
    struct docker *d, const char *id, struct docker_doc *doc, struct err *err)
{
	return get(d, "/networks", id, NULL, "inspect network", doc, err);
}

/* "key=value" strings as an object. */
static void
write_pairs(struct json_writer *w, const char *key, const struct strv *pairs)
{
	json_obj(w, key);
	for (size_t i = 0; pairs != NULL && i < pairs->len; i++) {
		const char *pair = pairs->items[i];
		const char *eq = strchrnul(pair, '=');
		AUTO(str) char *name = NULL;
		if (str_dupn(&name, pair, (size_t)(eq - pair), &w->err))
			break; /* w keeps the error */
		json_str(w, name, *eq == '=' ? eq + 1 : "");
	}
	json_obj_end(w);
}

enum err_code
docker_volume_create(struct docker *d, const struct docker_volume_spec *spec, struct err *err)
{
	AUTO(docker_doc) struct docker_doc there = DOCKER_DOC_INIT;
	enum err_code rc = docker_volume_inspect(d, spec->name, &there, err);
	if (rc == ERR_OK)
		return err_set(err, ERR_EXISTS,
		    "create volume %s: there is a volume of that name", spec->name);
	if (rc != ERR_NOT_FOUND)
		return rc;

	AUTO(bufv) struct buf body = BUF_INIT;
	struct json_writer w;
	json_init(&w, &body);
	json_obj(&w, NULL);
	json_str(&w, "Name", spec->name);
	json_str(&w, "Driver", spec->driver != NULL ? spec->driver : "local");
	/* An empty list would be shown by inspect, where Compose leaves none. */
	if (spec->options != NULL && spec->options->len > 0)
		write_pairs(&w, "DriverOpts", spec->options);
	write_pairs(&w, "Labels", spec->labels);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;

	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, d, "POST", "/volumes/create", "create volume %s", spec->name);
	call.body = &body;
	call.is_create = true;
	return docker_call_do(d, &call, NULL, err);
}

enum err_code
docker_volume_remove(struct docker *d, const char *name, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, d, "DELETE", "/volumes", "remove volume %s", name);
	target_part(&call.target, name);
	return docker_call_do(d, &call, NULL, err);
}

/* POST /containers/ID/VERB. */
static void
container_call(
    struct docker_call *call, const struct docker *d, const char *id, const char *verb)
{
	docker_call_init(call, d, "POST", "/containers", "%s container %s", verb, id);
	target_part(&call->target, id);
	target_part(&call->target, verb);
}

enum err_code
docker_container_look(
    struct docker *d, const char *id, struct container_look *out, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, d, "GET", "/containers", "inspect container %s", id);
	target_part(&call.target, id);
	target_part(&call.target, "json");
	call.ignores_cancel = true;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (docker_call_do(d, &call, &doc, err))
		return err->code;
	const json_t *state = json_object_get(doc.json, "State");
	const char *word = json_get_str(state, "Status");
	const char *policy = json_get_str(
	    json_object_get(json_object_get(doc.json, "HostConfig"), "RestartPolicy"), "Name");
	snprintf(out->status, sizeof out->status, "%s", word != NULL ? word : "");
	out->exit_code = json_get_int(state, "ExitCode", -1);
	const char *health = json_get_str(json_object_get(state, "Health"), "Status");
	out->is_starting = strcmp(out->status, "running") == 0 && health != NULL &&
			   strcmp(health, "starting") == 0;
	out->restarts = policy != NULL && (strcmp(policy, "always") == 0 ||
					      strcmp(policy, "unless-stopped") == 0);
	return ERR_OK;
}

enum err_code
docker_container_status(struct docker *d, const char *id, char out[32], struct err *err)
{
	struct container_look look;
	if (docker_container_look(d, id, &look, err))
		return err->code;
	memcpy(out, look.status, sizeof look.status);
	return ERR_OK;
}

/* Engines word "it already is" as 304, 409 or 500, so the state is asked instead. */
static enum err_code
fine_if(struct docker *d, const char *id, const char *status, struct err *err)
{
	char is[32];
	struct err scratch = ERR_INIT; /* the first error is the one to tell */
	if (err->code != ERR_NOT_FOUND && err->code != ERR_CANCELLED &&
	    docker_container_status(d, id, is, &scratch) == ERR_OK && strcmp(is, status) == 0)
		return ERR_OK;
	return err->code;
}

enum err_code
docker_container_pause(struct docker *d, const char *id, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	container_call(&call, d, id, "pause");
	call.ignores_cancel = true;
	return docker_call_do(d, &call, NULL, err) ? fine_if(d, id, "paused", err) : ERR_OK;
}

enum err_code
docker_container_unpause(struct docker *d, const char *id, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	container_call(&call, d, id, "unpause");
	call.ignores_cancel = true;
	return docker_call_do(d, &call, NULL, err) ? fine_if(d, id, "running", err) : ERR_OK;
}

enum err_code
docker_container_start(struct docker *d, const char *id, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	container_call(&call, d, id, "start");
	call.ignores_cancel = true;
	return docker_call_do(d, &call, NULL, err);
}

enum err_code
docker_container_stop(struct docker *d, const char *id, int grace_s, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	container_call(&call, d, id, "stop");
	call.ignores_cancel = true;
	if (grace_s >= 0) {
		char text[16];
		snprintf(text, sizeof text, "%d", grace_s);
		target_query(&call.target, "t", text);
		call.timeout_ms += grace_s * 1000;
	} else {
		call.timeout_ms = -1; /* the container's own setting may be an hour */
	}
	return docker_call_do(d, &call, NULL, err);
}

enum err_code
docker_container_remove(struct docker *d, const char *id, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, d, "DELETE", "/containers", "remove container %s", id);
	target_part(&call.target, id);
	call.ignores_cancel = true;
	return docker_call_do(d, &call, NULL, err);
}

enum err_code
docker_container_destroy(struct docker *d, const char *id, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, d, "DELETE", "/containers", "remove container %s", id);
	target_part(&call.target, id);
	target_query(&call.target, "force", "true");
	target_query(&call.target, "v", "true");
	call.ignores_cancel = true;
	return docker_call_do(d, &call, NULL, err);
}

enum err_code
docker_network_remove(struct docker *d, const char *id, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	docker_call_init(&call, d, "DELETE", "/networks", "remove network %s", id);
	target_part(&call.target, id);
	call.ignores_cancel = true;
	return docker_call_do(d, &call, NULL, err);
}

enum err_code
docker_container_wait(
    struct docker *d, const char *id, int timeout_ms, int *status, struct err *err)
{
	AUTO(docker_call) struct docker_call call;
	container_call(&call, d, id, "wait");
	target_query(&call.target, "condition", "not-running");
	call.timeout_ms = timeout_ms;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (docker_call_do(d, &call, &doc, err))
		return err->code;
	*status = (int)json_get_int(doc.json, "StatusCode", -1);
	return ERR_OK;
}

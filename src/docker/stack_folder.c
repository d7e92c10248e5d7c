/*
 * A stack as its compose file has it, when it has no containers: what Compose
 * would make, written as the documents that the engine would give of it, and
 * then read like those.
 *
 * What Compose prints holds secrets in clear; it stays in memory.
 */
#include "docker/call.h"
#include "docker/compose.h"
#include "docker/stack_parts.h"
#include "sys/fs.h"

#include <string.h>

static const char *const file_names[] = { "compose.yaml", "compose.yml", "docker-compose.yml",
	"docker-compose.yaml" };
static const char *const override_names[] = { "compose.override.yaml", "compose.override.yml",
	"docker-compose.override.yml", "docker-compose.override.yaml" };

/* What is being read: the folder, its files, and what Compose says about them. */
struct folder {
	char *dir;
	struct strv files; /* absolute */
	bool is_default; /* Compose finds them itself */
	json_t *config;
};

static inline void
folder_auto(struct folder *f)
{
	free(f->dir);
	strv_release(&f->files);
	json_decref(f->config);
}

bool
stack_is_path(const char *name)
{
	return strpbrk(name, "/.") != NULL;
}

/* --- which files --- */

static enum err_code
add_first(struct folder *f, const char *const *names, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		AUTO(str) char *path = NULL;
		if (str_printf(&path, err, "%s/%s", f->dir, names[i]))
			return err->code;
		if (fs_exists(path))
			return strv_add(&f->files, path, err);
	}
	return ERR_OK;
}

static enum err_code
find_files(struct folder *f, const char *path, struct err *err)
{
	AUTO(str) char *real = NULL;
	if (!fs_exists(path))
		return err_set(err, ERR_NOT_FOUND,
		    "there is no folder or compose file %s (a name with \"/\" or \".\" in it "
		    "is "
		    "taken for one)",
		    path);
	if (fs_real_path(&real, path, err))
		return err->code;
	if (!fs_is_dir(real)) {
		const char *slash = strrchr(real, '/');
		if (strv_add(&f->files, real, err))
			return err->code;
		return str_dupn(&f->dir, real, slash > real ? (size_t)(slash - real) : 1, err);
	}
	f->is_default = true;
	f->dir = TAKE(real);
	if (add_first(f, file_names, ARRAY_LEN(file_names), err))
		return err->code;
	if (f->files.len == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "folder %s holds no compose file (compose.yaml, compose.yml, "
		    "docker-compose.yml or docker-compose.yaml)",
		    f->dir);
	return add_first(f, override_names, ARRAY_LEN(override_names), err);
}

static enum err_code
ask_compose(struct folder *f, struct docker *d, struct err *err)
{
	AUTO(compose) struct compose *c = NULL;
	AUTO(compose_reading) struct compose_reading reading = COMPOSE_READING_INIT;
	struct compose_project p = { .dir = f->dir, .files = f->is_default ? NULL : &f->files };
	if (compose_find(&c, docker_host(d), docker_cancel(d), err))
		return err_wrap(err, "read %s", f->files.items[0]);
	if (compose_is_v1(c))
		return err_set(err, ERR_UNSUPPORTED,
		    "to read %s, Docker Compose v2 is needed (this is %s): install it, or let "
		    "'docker-compose up --no-start' make the stack's containers, and name the "
		    "stack",
		    f->files.items[0], compose_version(c));
	if (compose_read(c, &p, &reading, err))
		return err->code;
	if (reading.fault != NULL)
		return err_set(err, ERR_USAGE, "%s: %s", f->files.items[0], reading.fault);
	f->config = TAKE(reading.config);
	return *json_get_text(f->config, "name") != '\0'
		   ? ERR_OK
		   : err_set(err, ERR_UNSUPPORTED, "%s: Compose tells no project name",
			 f->files.items[0]);
}

/* --- documents as of the engine --- */

/* Takes over value; false when there is no memory. */
static bool
put(json_t *to, const char *key, json_t *value)
{
	return json_object_set_new(to, key, value) == 0;
}

static bool
put_text(json_t *to, const char *key, const char *text)
{
	return put(to, key, json_string(text));
}

/* The engine's name of the volume that services call key. */
static const char *
volume_name(const struct folder *f, const char *key)
{
	const json_t *v = json_object_get(json_object_get(f->config, "volumes"), key);
	const char *name = json_get_str(v, "name");
	return name != NULL ? name : key;
}

static bool
add_mount(
    json_t *mounts, const char *type, const char *source, const char *target, bool is_read_only)
{
	json_t *m = json_object();
	bool is_volume = strcmp(type, "volume") == 0;
	return json_array_append_new(mounts, m) == 0 && put_text(m, "Type", type) &&
	       put_text(m, is_volume ? "Name" : "Source", source) &&
	       put_text(m, "Destination", target) && put(m, "RW", json_boolean(!is_read_only));
}

static bool
add_volumes(const struct folder *f, const json_t *service, json_t *mounts)
{
	size_t i;
	json_t *v;
	json_array_foreach(json_object_get(service, "volumes"), i, v)
	{
		const char *type = json_get_text(v, "type");
		const char *source = json_get_text(v, "source");
		bool is_volume = strcmp(type, "volume") == 0;
		if (is_volume && *source == '\0')
			continue; /* anonymous: made with the container */
		if (!add_mount(mounts, type, is_volume ? volume_name(f, source) : source,
			json_get_text(v, "target"), json_get_bool(v, "read_only")))
			return false;
	}
	return true;
}

/* Compose mounts the files of secrets and configs; those of other kinds it writes into the
 * container. */
static bool
add_grants(const struct folder *f, const json_t *service, const char *kind, const char *place,
    json_t *mounts)
{
	size_t i;
	json_t *grant;
	json_array_foreach(json_object_get(service, kind), i, grant)
	{
		const char *key = json_is_string(grant) ? json_string_value(grant)
							: json_get_text(grant, "source");
		const char *target = json_get_text(grant, "target");
		const json_t *what = json_object_get(json_object_get(f->config, kind), key);
		const char *file = json_get_str(what, "file");
		const char *variable = json_get_str(what, "environment");
		if (file == NULL && variable == NULL)
			continue; /* in the compose file itself, or external */
		if (*target == '\0')
			target = key;
		struct err scratch;
		AUTO(str) char *path = NULL;
		if (str_printf(&path, &scratch, "%s%s", *target == '/' ? "" : place, target) ||
		    !add_mount(mounts, file != NULL ? "bind" : MOUNT_TYPE_VALUE,
			file != NULL ? file : variable, path, true))
			return false;
	}
	return true;
}

static bool
add_tmpfs(const json_t *service, json_t *mounts)
{
	size_t i;
	json_t *t;
	json_array_foreach(json_object_get(service, "tmpfs"), i, t)
	{
		const char *text = json_string_value(t);
		AUTO(str) char *target = NULL;
		struct err scratch;
		if (text == NULL)
			continue;
		if (str_dupn(&target, text, strcspn(text, ":"), &scratch) ||
		    !add_mount(mounts, "tmpfs", "", target, false))
			return false;
	}
	return true;
}

/* "NAME=value" of an object; a null value is one that nobody has given. */
static bool
add_env(json_t *env, const json_t *from)
{
	const char *key;
	json_t *value;
	json_t *all = (json_t *)(uintptr_t)from;
	json_object_foreach(all, key, value)
	{
		struct err scratch;
		AUTO(str) char *pair = NULL;
		if (!json_is_string(value))
			continue;
		if (str_printf(&pair, &scratch, "%s=%s", key, json_string_value(value)) ||
		    json_array_append_new(env, json_string(pair)) != 0)
			return false;
	}
	return true;
}

/* "db:service_started:false,cache:…" */
static enum err_code
needs_label(struct buf *out, const json_t *service, struct err *err)
{
	const char *key;
	json_t *value;
	json_object_foreach(json_object_get(service, "depends_on"), key, value)
	{
		if (buf_printf(out, err, "%s%s:%s:false", out->len > 0 ? "," : "", key,
			json_get_text(value, "condition")))
			return err->code;
	}
	return buf_str(out, "", err);
}

static enum err_code
make_labels(json_t **out, const struct folder *f, const char *name, const json_t *service,
    struct err *err)
{
	AUTO(bufv) struct buf needs = BUF_INIT;
	AUTO(bufv) struct buf files = BUF_INIT;
	AUTO(json) json_t *labels = json_object();
	if (needs_label(&needs, service, err))
		return err->code;
	for (size_t i = 0; i < f->files.len; i++)
		if (buf_printf(&files, err, "%s%s", i > 0 ? "," : "", f->files.items[i]))
			return err->code;
	const json_t *own = json_object_get(service, "labels");
	if ((own != NULL && json_object_update(labels, (json_t *)(uintptr_t)own) != 0) ||
	    !put_text(labels, LABEL_PROJECT, json_get_text(f->config, "name")) ||
	    !put_text(labels, LABEL_SERVICE, name) || !put_text(labels, LABEL_NUMBER, "1") ||
	    !put_text(labels, LABEL_WORKING_DIR, f->dir) ||
	    !put_text(labels, LABEL_CONFIG_FILES, buf_cstr(&files)) ||
	    !put_text(labels, LABEL_DEPENDS_ON, buf_cstr(&needs)))
		return err_nomem(err);
	*out = TAKE(labels);
	return ERR_OK;
}

/* What the image says stands behind what the service says. */
static bool
make_config(json_t *config, const json_t *service, const json_t *image, const char *ref)
{
	json_t *env = json_array();
	const json_t *image_config = json_object_get(image, "Config");
	static const char *const kept[] = { "Cmd", "Entrypoint", "ExposedPorts" };
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		json_t *value = json_object_get(image_config, kept[i]);
		if (value != NULL && json_object_set(config, kept[i], value) != 0)
			return false;
	}
	json_t *image_env = json_object_get(image_config, "Env");
	return put(config, "Env", env) && put_text(config, "Image", ref) &&
	       add_env(env, json_object_get(service, "environment")) &&
	       (!json_is_array(image_env) || json_array_extend(env, image_env) == 0);
}

/* Entry point and command, as they would be run. */
static bool
add_argv(json_t *doc, const json_t *service, const json_t *image)
{
	const json_t *image_config = json_object_get(image, "Config");
	json_t *entry = json_object_get(service, "entrypoint");
	json_t *command = json_object_get(service, "command");
	bool has_entry = json_is_array(entry);
	if (!has_entry)
		entry = json_object_get(image_config, "Entrypoint");
	if (!json_is_array(command) && !has_entry)
		command = json_object_get(image_config, "Cmd");
	json_t *args = json_array();
	if (!put(doc, "Args", args))
		return false;
	if (json_is_array(entry) && json_array_extend(args, entry) != 0)
		return false;
	if (json_is_array(command) && json_array_extend(args, command) != 0)
		return false;
	const char *first = json_string_value(json_array_get(args, 0));
	return first == NULL ||
	       (put_text(doc, "Path", first) && json_array_remove(args, 0) == 0);
}

/* Is the image of that name here?  *out is NULL when it is not. */
static enum err_code
find_image(json_t **out, struct docker *d, const char *ref, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	enum err_code rc = docker_image_inspect(d, ref, &doc, err);
	*out = NULL;
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		*out = TAKE(doc.json);
	return rc;
}

static enum err_code
make_document(json_t **out, const struct folder *f, struct docker *d, const char *name,
    const json_t *service, struct err *err)
{
	const char *project = json_get_text(f->config, "name");
	const char *ref = json_get_str(service, "image");
	const char *own_name = json_get_str(service, "container_name");
	AUTO(str) char *built = NULL;
	AUTO(str) char *container = NULL;
	AUTO(json) json_t *image = NULL;
	AUTO(json) json_t *labels = NULL;
	AUTO(json) json_t *doc = json_object();
	if (str_printf(&built, err, "%s-%s", project, name) ||
	    str_printf(&container, err, "/%s%s", own_name != NULL ? own_name : built,
		own_name != NULL ? "" : "-1") ||
	    find_image(&image, d, ref != NULL ? ref : built, err) ||
	    make_labels(&labels, f, name, service, err))
		return err->code;
	json_t *config = json_object();
	json_t *mounts = json_array();
	json_t *state = json_object();
	bool is_made = put(doc, "Config", config);
	is_made = put(doc, "Mounts", mounts) && is_made;
	is_made = put(doc, "State", state) && is_made;
	if (!is_made || !put_text(state, "Status", "created") ||
	    !put_text(doc, "Name", container) ||
	    !make_config(config, service, image, ref != NULL ? ref : built) ||
	    !put(config, "Labels", TAKE(labels)) || !add_argv(doc, service, image) ||
	    !put_text(doc, "Image", json_get_text(image, "Id")) ||
	    !add_volumes(f, service, mounts) ||
	    !add_grants(f, service, "secrets", "/run/secrets/", mounts) ||
	    !add_grants(f, service, "configs", "/", mounts) || !add_tmpfs(service, mounts))
		return err_nomem(err);
	*out = TAKE(doc);
	return ERR_OK;
}

static enum err_code
read_service(struct stack *s, const struct folder *f, struct docker *d, const char *name,
    const json_t *service, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (make_document(&doc.json, f, d, name, service, err))
		return err->code;
	char *text = json_dumps(doc.json, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (text == NULL)
		return err_nomem(err);
	enum err_code rc = buf_str(&doc.raw, text, err);
	free(text);
	if (rc || stack_container_read(&s->containers[s->n_containers], &doc, err))
		return err->code;
	s->containers[s->n_containers++].is_planned = true;
	return ERR_OK;
}

static enum err_code
read_services(struct stack *s, const struct folder *f, struct docker *d, struct err *err)
{
	json_t *services = json_object_get(f->config, "services");
	s->containers = calloc(max_size(json_object_size(services), 1), sizeof *s->containers);
	if (s->containers == NULL)
		return err_nomem(err);
	const char *name;
	json_t *service;
	json_object_foreach(services, name, service)
	{
		if (read_service(s, f, d, name, service, err))
			return err_wrap(err, "service %s", name);
	}
	if (s->n_containers == 0)
		return err_set(err, ERR_NOT_FOUND, "%s names no service", f->files.items[0]);
	return ERR_OK;
}

/* Volumes that the file names and the engine does not have. */
static enum err_code
add_missing_volumes(struct stack *s, const struct folder *f, struct err *err)
{
	const char *key;
	json_t *v;
	json_object_foreach(json_object_get(f->config, "volumes"), key, v)
	{
		if (stack_add_missing_volume(
			s, volume_name(f, key), key, json_get_bool(v, "external"), err))
			return err->code;
	}
	return ERR_OK;
}

/* Is there a stack of that name already?  Then it must be the one of this folder. */
static enum err_code
find_made(struct stack **out, const struct folder *f, struct docker *d, struct err *err)
{
	AUTO(stack) struct stack *s = NULL;
	*out = NULL;
	enum err_code rc = stack_load(&s, d, json_get_text(f->config, "name"), err);
	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && s->n_containers == 0))
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	if (strcmp(s->working_dir, f->dir) != 0)
		return err_set(err, ERR_EXISTS,
		    "the compose file of %s names its stack %s, but the stack of that name "
		    "here "
		    "belongs to folder %s",
		    f->dir, s->name, *s->working_dir != '\0' ? s->working_dir : "(not told)");
	*out = TAKE(s);
	return ERR_OK;
}

enum err_code
stack_load_folder(struct stack **out, struct docker *d, const char *path, struct err *err)
{
	AUTO(folder) struct folder f = { .files = STRV_INIT };
	AUTO(stack) struct stack *s = NULL;
	if (find_files(&f, path, err) || ask_compose(&f, d, err) || find_made(&s, &f, d, err))
		return err->code;
	if (s == NULL) {
		s = calloc(1, sizeof *s);
		if (s == NULL)
			return err_nomem(err);
		if (str_dup(&s->name, json_get_text(f.config, "name"), err) ||
		    read_services(s, &f, d, err) || stack_mounts_read(s, d, err) ||
		    stack_read_rest(s, d, err) || add_missing_volumes(s, &f, err))
			return err_wrap(err, "%s", f.files.items[0]);
	}
	*out = TAKE(s);
	return ERR_OK;
}

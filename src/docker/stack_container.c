#include "docker/stack_parts.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *word;
	enum container_state state;
} states[] = {
	/* The first of each state is its word. */
	{ "unknown", CONTAINER_UNKNOWN },
	{ "running", CONTAINER_RUNNING },
	{ "paused", CONTAINER_PAUSED },
	{ "restarting", CONTAINER_RESTARTING },
	{ "stopped", CONTAINER_STOPPED },
	{ "exited", CONTAINER_STOPPED },
	{ "created", CONTAINER_STOPPED },
	{ "dead", CONTAINER_STOPPED },
	{ "removing", CONTAINER_STOPPED },
};

const char *
container_state_word(enum container_state state)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (states[i].state == state)
			return states[i].word;
	return "unknown";
}

enum container_state
container_state_of(const char *engine_word)
{
	for (size_t i = 0; engine_word != NULL && i < ARRAY_LEN(states); i++)
		if (strcmp(states[i].word, engine_word) == 0)
			return states[i].state;
	return CONTAINER_UNKNOWN;
}

enum err_code
copy_at(char **out, const json_t *obj, const char *key, struct err *err)
{
	return str_dup(out, json_get_text(obj, key), err);
}

enum err_code
copy_strings(struct strv *out, const json_t *array, struct err *err)
{
	size_t i;
	json_t *item;
	json_array_foreach(array, i, item)
	{
		if (json_is_string(item) && strv_add(out, json_string_value(item), err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
copy_pairs(struct strv *out, const json_t *obj, struct err *err)
{
	const char *key;
	json_t *value;
	/* The macro wants the object writable, and does not write. */
	json_t *o = (json_t *)(uintptr_t)obj;
	json_object_foreach(o, key, value)
	{
		if (json_is_string(value) &&
		    strv_addf(out, err, "%s=%s", key, json_string_value(value)))
			return err->code;
	}
	strv_sort(out);
	return ERR_OK;
}

static enum mount_kind
kind_of(const char *type)
{
	if (strcmp(type, "volume") == 0)
		return MOUNT_VOLUME;
	if (strcmp(type, "bind") == 0)
		return MOUNT_BIND;
	if (strcmp(type, MOUNT_TYPE_VALUE) == 0)
		return MOUNT_VALUE;
	return strcmp(type, "tmpfs") == 0 ? MOUNT_TMPFS : MOUNT_OTHER;
}

static enum err_code
add_mount(struct stack_container *c, enum mount_kind kind, const char *source,
    const char *target, bool is_read_only, struct err *err)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (strcmp(c->mounts[i].target, target) == 0)
			return ERR_OK; /* tmpfs is told twice by some engines */
	struct stack_mount m = { .kind = kind, .is_read_only = is_read_only };
	if (str_dup(&m.source, source, err))
		return err->code;
	if (str_dup(&m.target, target, err)) {
		free(m.source);
		return err->code;
	}
	c->mounts[c->n_mounts++] = m;
	return ERR_OK;
}

static int
by_target(const void *a, const void *b)
{
	const struct stack_mount *x = a;
	const struct stack_mount *y = b;
	return strcmp(x->target, y->target);
}

static enum err_code
read_mounts(struct stack_container *c, const json_t *doc, struct err *err)
{
	const json_t *mounts = json_object_get(doc, "Mounts");
	json_t *tmpfs = json_object_get(json_object_get(doc, "HostConfig"), "Tmpfs");
	size_t max = json_array_size(mounts) + json_object_size(tmpfs);
	c->mounts = calloc(max_size(max, 1), sizeof *c->mounts);
	if (c->mounts == NULL)
		return err_nomem(err);
	size_t i;
	json_t *m;
	json_array_foreach(mounts, i, m)
	{
		enum mount_kind kind = kind_of(json_get_text(m, "Type"));
		const char *source =
		    kind == MOUNT_TMPFS
			? ""
			: json_get_text(m, kind == MOUNT_VOLUME ? "Name" : "Source");
		const json_t *rw = json_object_get(m, "RW");
		if (add_mount(c, kind, source, json_get_text(m, "Destination"),
			json_is_false(rw), err))
			return err->code;
	}
	const char *target;
	json_t *options;
	json_object_foreach(tmpfs, target, options)
	{
		if (add_mount(c, MOUNT_TMPFS, "", target, false, err))
			return err->code;
	}
	/* The engine tells them in no order, and in another each time. */
	qsort(c->mounts, c->n_mounts, sizeof *c->mounts, by_target);
	return ERR_OK;
}

/* "db:service_healthy:false,cache:service_started:true" */
static enum err_code
read_depends_on(struct stack_container *c, const char *label, struct err *err)
{
	AUTO(strv) struct strv items = STRV_INIT;
	if (strv_split(&items, label, ',', err))
		return err->code;
	for (size_t i = 0; i < items.len; i++) {
		items.items[i][strcspn(items.items[i], ":")] = '\0';
		if (*items.items[i] != '\0' && strv_add(&c->depends_on, items.items[i], err))
			return err->code;
	}
	strv_sort(&c->depends_on);
	return ERR_OK;
}

static enum err_code
read_state(struct stack_container *c, const json_t *state, struct err *err)
{
	c->state = container_state_of(json_get_str(state, "Status"));
	c->pid = json_get_int(state, "Pid", 0);
	return copy_at(&c->health, json_object_get(state, "Health"), "Status", err);
}

static enum err_code
read_fields(struct stack_container *c, const json_t *doc, struct err *err)
{
	const json_t *config = json_object_get(doc, "Config");
	const json_t *labels = json_object_get(config, "Labels");
	const char *name = json_get_text(doc, "Name");
	c->number = strtoll(json_get_text(labels, LABEL_NUMBER), NULL, 10);
	if (copy_at(&c->id, doc, "Id", err) ||
	    str_dup(&c->name, *name == '/' ? name + 1 : name, err) ||
	    copy_at(&c->service, labels, LABEL_SERVICE, err) ||
	    copy_at(&c->created, doc, "Created", err) ||
	    copy_at(&c->image_ref, config, "Image", err) ||
	    copy_at(&c->image_id, doc, "Image", err) || copy_pairs(&c->labels, labels, err) ||
	    copy_strings(&c->env, json_object_get(config, "Env"), err) ||
	    read_state(c, json_object_get(doc, "State"), err) || read_mounts(c, doc, err) ||
	    read_depends_on(c, json_get_text(labels, LABEL_DEPENDS_ON), err))
		return err->code;
	const char *path = json_get_str(doc, "Path");
	if (path != NULL && strv_add(&c->argv, path, err))
		return err->code;
	return copy_strings(&c->argv, json_object_get(doc, "Args"), err);
}

enum err_code
stack_container_read(struct stack_container *c, struct docker_doc *doc, struct err *err)
{
	if (read_fields(c, doc->json, err)) {
		stack_container_release(c);
		return err->code;
	}
	c->raw = doc->raw;
	doc->raw = (struct buf)BUF_INIT;
	return ERR_OK;
}

void
stack_container_release(struct stack_container *c)
{
	free(c->service);
	free(c->id);
	free(c->name);
	free(c->created);
	free(c->image_ref);
	free(c->image_id);
	free(c->health);
	strv_release(&c->repo_digests);
	strv_release(&c->depends_on);
	strv_release(&c->env);
	strv_release(&c->argv);
	strv_release(&c->labels);
	for (size_t i = 0; i < c->n_mounts; i++) {
		free(c->mounts[i].source);
		free(c->mounts[i].target);
	}
	free(c->mounts);
	buf_release(&c->raw);
	*c = (struct stack_container){ 0 };
}

/* The value of NAME among "NAME=value" strings. */
static const char *
value_of(const struct strv *pairs, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < pairs->len; i++)
		if (strncmp(pairs->items[i], name, n) == 0 && pairs->items[i][n] == '=')
			return pairs->items[i] + n + 1;
	return NULL;
}

const char *
container_env(const struct stack_container *c, const char *name)
{
	return value_of(&c->env, name);
}

const char *
container_label(const struct stack_container *c, const char *key)
{
	return value_of(&c->labels, key);
}

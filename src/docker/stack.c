#include "docker/stack.h"

#include "base/room.h"
#include "base/suggest.h"
#include "docker/stack_parts.h"
#include "sys/fs.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void
stacks_free(struct stack_summary *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].working_dir);
	}
	free(list);
}

/* Stacks found so far. */
struct stacks {
	struct stack_summary *list;
	size_t n;
};

static inline void
stacks_auto(struct stacks *s)
{
	stacks_free(s->list, s->n);
}

static enum err_code
stack_named(struct stacks *s, const char *name, struct stack_summary **out, struct err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->list[i].name, name) == 0) {
			*out = &s->list[i];
			return ERR_OK;
		}
	}
	if (ROOM_SHORT(s->list, s->n, err))
		return err->code;
	struct stack_summary *one = &s->list[s->n];
	*one = (struct stack_summary){ 0 };
	if (str_dup(&one->name, name, err))
		return err->code;
	if (str_dup(&one->working_dir, "", err)) {
		free(one->name);
		return err->code;
	}
	s->n++;
	*out = one;
	return ERR_OK;
}

static bool
is_oneoff(const json_t *labels)
{
	return strcasecmp(json_get_text(labels, LABEL_ONEOFF), "true") == 0;
}

static bool
is_scratch(const json_t *labels)
{
	return *json_get_text(labels, LABEL_SCRATCH) != '\0';
}

static enum err_code
count_container(struct stacks *s, const json_t *item, struct err *err)
{
	const json_t *labels = json_object_get(item, "Labels");
	const char *name = json_get_text(labels, LABEL_PROJECT);
	if (*name == '\0' || is_oneoff(labels) || is_scratch(labels))
		return ERR_OK;
	struct stack_summary *one;
	if (stack_named(s, name, &one, err))
		return err->code;
	one->n_containers++;
	if (container_state_of(json_get_str(item, "State")) == CONTAINER_RUNNING)
		one->n_running++;
	/* A list has no health but in the text that "docker ps" shows. */
	if (strstr(json_get_text(item, "Status"), "(unhealthy)") != NULL)
		one->n_unhealthy++;
	const char *dir = json_get_text(labels, LABEL_WORKING_DIR);
	if (*one->working_dir == '\0' && *dir != '\0') {
		char *copy;
		if (str_dup(&copy, dir, err))
			return err->code;
		free(one->working_dir);
		one->working_dir = copy;
	}
	return ERR_OK;
}

static int
summary_by_name(const void *a, const void *b)
{
	const struct stack_summary *x = a;
	const struct stack_summary *y = b;
	return strcmp(x->name, y->name);
}

enum err_code
stacks_list(struct docker *d, struct stack_summary **out, size_t *n, struct err *err)
{
	AUTO(docker_doc) struct docker_doc containers = DOCKER_DOC_INIT;
	AUTO(docker_doc) struct docker_doc volumes = DOCKER_DOC_INIT;
	if (docker_container_list(d, LABEL_PROJECT, &containers, err) ||
	    docker_volume_list(d, LABEL_PROJECT, &volumes, err))
		return err->code;
	AUTO(stacks) struct stacks s = { NULL, 0 };
	size_t i;
	json_t *item;
	json_array_foreach(containers.json, i, item)
	{
		if (count_container(&s, item, err))
			return err->code;
	}
	json_array_foreach(json_object_get(volumes.json, "Volumes"), i, item)
	{
		const json_t *labels = json_object_get(item, "Labels");
		const char *name = json_get_text(labels, LABEL_PROJECT);
		struct stack_summary *one;
		if (*name != '\0' && !is_scratch(labels) && stack_named(&s, name, &one, err))
			return err->code;
	}
	if (s.n > 1)
		qsort(s.list, s.n, sizeof *s.list, summary_by_name);
	*out = s.list;
	*n = s.n;
	s = (struct stacks){ NULL, 0 };
	return ERR_OK;
}

/* Says what there is instead. */
static enum err_code
no_such_stack(struct docker *d, const char *name, struct err *err)
{
	AUTO(stacks) struct stacks s = { NULL, 0 };
	if (stacks_list(d, &s.list, &s.n, err))
		return err->code;
	if (s.n == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "no stack named %s: the engine on %s has no stacks of Docker Compose", name,
		    docker_host(d));
	const char *near = NULL;
	for (size_t i = 0; i < s.n; i++) {
		const char *two[] = { near != NULL ? near : s.list[i].name, s.list[i].name };
		near = suggest(name, two, ARRAY_LEN(two));
	}
	if (near != NULL)
		return err_set(
		    err, ERR_NOT_FOUND, "no stack named %s (did you mean %s?)", name, near);
	char text[400] = "";
	size_t len = 0;
	for (size_t i = 0; i < s.n && len < sizeof text - 8; i++)
		len += (size_t)snprintf(
		    text + len, sizeof text - len, "%s%s", i > 0 ? ", " : "", s.list[i].name);
	return err_set(err, ERR_NOT_FOUND, "no stack named %s; there are: %s", name, text);
}

static int
container_by_service(const void *a, const void *b)
{
	const struct stack_container *x = a;
	const struct stack_container *y = b;
	int n = strcmp(x->service, y->service);
	if (n != 0)
		return n;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return strcmp(x->name, y->name);
}

static enum err_code
read_containers(struct stack *s, struct docker *d, struct err *err)
{
	AUTO(str) char *label = NULL;
	AUTO(docker_doc) struct docker_doc list = DOCKER_DOC_INIT;
	if (str_printf(&label, err, LABEL_PROJECT "=%s", s->name) ||
	    docker_container_list(d, label, &list, err))
		return err->code;
	size_t max = json_array_size(list.json);
	s->containers = calloc(max_size(max, 1), sizeof *s->containers);
	if (s->containers == NULL)
		return err_nomem(err);
	size_t i;
	json_t *item;
	json_array_foreach(list.json, i, item)
	{
		if (is_oneoff(json_object_get(item, "Labels")))
			continue;
		AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
		enum err_code rc =
		    docker_container_inspect(d, json_get_text(item, "Id"), &doc, err);
		if (rc == ERR_NOT_FOUND)
			continue; /* removed since it was listed */
		if (rc != ERR_OK ||
		    stack_container_read(&s->containers[s->n_containers], &doc, err))
			return err->code;
		s->n_containers++;
	}
	if (s->n_containers > 1)
		qsort(s->containers, s->n_containers, sizeof *s->containers,
		    container_by_service);
	return ERR_OK;
}

static enum err_code
read_digests(struct stack *s, struct docker *d, struct err *err)
{
	for (size_t i = 0; i < s->n_containers; i++) {
		struct stack_container *c = &s->containers[i];
		AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
		if (*c->image_id == '\0')
			continue;
		enum err_code rc = docker_image_inspect(d, c->image_id, &doc, err);
		if (rc == ERR_NOT_FOUND)
			continue; /* an image can be removed from under its containers */
		if (rc != ERR_OK || copy_strings(&c->repo_digests,
					json_object_get(doc.json, "RepoDigests"), err))
			return err->code;
	}
	return ERR_OK;
}

/* It was parsed once already, so this gives NULL only when out of memory; numbers become reals.
 */
static json_t *
inspect_document(const struct stack_container *c)
{
	json_error_t je;
	return json_loadb((const char *)c->raw.data, c->raw.len,
	    JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &je);
}

static const struct stack_container *
container_by_ref(const struct stack *s, const char *ref)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i].id, ref) == 0 ||
		    strcmp(s->containers[i].name, ref) == 0)
			return &s->containers[i];
	return NULL;
}

static enum err_code
need(const struct stack *s, struct stack_container *c, const char *ref, struct err *err)
{
	const struct stack_container *other = container_by_ref(s, ref);
	if (other == NULL || strcmp(other->service, c->service) == 0 ||
	    strv_has(&c->depends_on, other->service))
		return ERR_OK;
	return strv_add(&c->depends_on, other->service, err);
}

/* What containers depend on without a label: another's namespaces, and links of old. */
static enum err_code
read_implied_needs(struct stack *s, struct err *err)
{
	static const char *const modes[] = { "NetworkMode", "PidMode", "IpcMode" };
	for (size_t i = 0; i < s->n_containers; i++) {
		struct stack_container *c = &s->containers[i];
		AUTO(json) json_t *doc = NULL;
		/* Parsed once already; some numbers need reals, which do not matter here. */
		json_error_t je;
		doc = json_loadb(
		    (const char *)c->raw.data, c->raw.len, JSON_DECODE_INT_AS_REAL, &je);
		const json_t *host = json_object_get(doc, "HostConfig");
		for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
			const char *mode = json_get_text(host, modes[m]);
			if (str_starts(mode, "container:") &&
			    need(s, c, mode + strlen("container:"), err))
				return err->code;
		}
		size_t k;
		json_t *link; /* "/shop_db_1:/shop_app_1/db" */
		json_array_foreach(json_object_get(host, "Links"), k, link)
		{
			AUTO(str) char *name = NULL;
			const char *text = json_string_value(link);
			if (text == NULL || *text != '/')
				continue;
			if (str_dupn(&name, text + 1, strcspn(text + 1, ":"), err) ||
			    need(s, c, name, err))
				return err->code;
		}
		strv_sort(&c->depends_on);
	}
	return ERR_OK;
}

static const struct stack_container *
newest(const struct stack *s)
{
	const struct stack_container *c = NULL;
	for (size_t i = 0; i < s->n_containers; i++)
		if (c == NULL || strcmp(s->containers[i].created, c->created) > 0)
			c = &s->containers[i];
	return c;
}

/* The files of a label, relative ones (docker-compose 1.x) against dir. */
static enum err_code
add_files(struct strv *out, const char *label, const char *dir, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (strv_split(&names, label != NULL ? label : "", ',', err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		const char *name = names.items[i];
		enum err_code rc = *name == '/' || *dir == '\0'
				       ? strv_add(out, name, err)
				       : strv_addf(out, err, "%s/%s", dir, name);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err_code
read_project(struct stack *s, struct err *err)
{
	const struct stack_container *c = newest(s);
	const char *dir = c != NULL ? container_label(c, LABEL_WORKING_DIR) : NULL;
	if (str_dup(&s->working_dir, dir != NULL ? dir : "", err))
		return err->code;
	if (c == NULL)
		return ERR_OK;
	if (add_files(&s->config_files, container_label(c, LABEL_CONFIG_FILES), s->working_dir,
		err) ||
	    add_files(&s->env_files, container_label(c, LABEL_ENV_FILES), s->working_dir, err))
		return err->code;
	if (s->env_files.len > 0 || *s->working_dir == '\0')
		return ERR_OK;
	AUTO(str) char *usual = NULL;
	if (str_printf(&usual, err, "%s/.env", s->working_dir))
		return err->code;
	return fs_exists(usual) ? strv_add(&s->env_files, usual, err) : ERR_OK;
}

static enum err_code
add_network(struct stack *s, struct docker *d, const char *name, struct err *err)
{
	for (size_t i = 0; i < s->n_networks; i++)
		if (strcmp(s->networks[i].name, name) == 0)
			return ERR_OK;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	enum err_code rc = docker_network_inspect(d, name, &doc, err);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	if (ROOM_SHORT(s->networks, s->n_networks, err))
		return err->code;
	struct stack_network *n = &s->networks[s->n_networks++];
	*n = (struct stack_network){ 0 };
	const json_t *labels = json_object_get(doc.json, "Labels");
	n->is_external = strcmp(json_get_text(labels, LABEL_PROJECT), s->name) != 0;
	if (str_dup(&n->name, name, err) || copy_at(&n->driver, doc.json, "Driver", err))
		return err->code;
	const char *key = json_get_str(labels, LABEL_NETWORK);
	if (!n->is_external && key != NULL && str_dup(&n->key, key, err))
		return err->code;
	n->raw = doc.raw;
	doc.raw = (struct buf)BUF_INIT;
	return ERR_OK;
}

static int
network_by_name(const void *a, const void *b)
{
	const struct stack_network *x = a;
	const struct stack_network *y = b;
	return strcmp(x->name, y->name);
}

/* Those that bear the stack's label, and those that its containers are on. */
static enum err_code
read_networks(struct stack *s, struct docker *d, struct err *err)
{
	AUTO(str) char *label = NULL;
	AUTO(docker_doc) struct docker_doc list = DOCKER_DOC_INIT;
	if (str_printf(&label, err, LABEL_PROJECT "=%s", s->name) ||
	    docker_network_list(d, label, &list, err))
		return err->code;
	size_t i;
	json_t *item;
	json_array_foreach(list.json, i, item)
	{
		if (add_network(s, d, json_get_text(item, "Name"), err))
			return err->code;
	}
	for (i = 0; i < s->n_containers; i++) {
		AUTO(json) json_t *doc = inspect_document(&s->containers[i]);
		if (doc == NULL)
			return err_nomem(err);
		const char *name;
		json_t *network;
		json_object_foreach(
		    json_object_get(json_object_get(doc, "NetworkSettings"), "Networks"), name,
		    network)
		{
			bool is_builtin = strcmp(name, "host") == 0 ||
					  strcmp(name, "none") == 0 ||
					  strcmp(name, "bridge") == 0;
			if (!is_builtin && add_network(s, d, name, err))
				return err->code;
		}
	}
	if (s->n_networks > 1)
		qsort(s->networks, s->n_networks, sizeof *s->networks, network_by_name);
	return ERR_OK;
}

enum err_code
stack_read_rest(struct stack *s, struct docker *d, struct err *err)
{
	if (read_digests(s, d, err) || read_implied_needs(s, err) || read_project(s, err) ||
	    read_networks(s, d, err))
		return err->code;
	return ERR_OK;
}

enum err_code
stack_load(struct stack **out, struct docker *d, const char *name, struct err *err)
{
	AUTO(stack) struct stack *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	if (str_dup(&s->name, name, err) || read_containers(s, d, err) ||
	    stack_mounts_read(s, d, err))
		return err->code;
	if (s->n_containers == 0 && s->n_volumes == 0)
		return no_such_stack(d, name, err);
	if (stack_read_rest(s, d, err))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

enum err_code
stack_runs(bool *out, struct docker *d, const char *name, struct err *err)
{
	AUTO(docker_doc) struct docker_doc list = DOCKER_DOC_INIT;
	AUTO(str) char *label = NULL;
	if (str_printf(&label, err, LABEL_PROJECT "=%s", name) ||
	    docker_container_list(d, label, &list, err))
		return err->code;
	*out = false;
	size_t i;
	const json_t *c;
	json_array_foreach(list.json, i, c)
	{
		enum container_state state = container_state_of(json_get_text(c, "State"));
		*out = *out || (state != CONTAINER_STOPPED && state != CONTAINER_PAUSED);
	}
	return ERR_OK;
}

void
stack_free(struct stack *s)
{
	if (s == NULL)
		return;
	free(s->name);
	free(s->working_dir);
	strv_release(&s->config_files);
	strv_release(&s->env_files);
	for (size_t i = 0; i < s->n_containers; i++)
		stack_container_release(&s->containers[i]);
	free(s->containers);
	stack_mounts_release(s);
	for (size_t i = 0; i < s->n_networks; i++) {
		free(s->networks[i].name);
		free(s->networks[i].key);
		free(s->networks[i].driver);
		buf_release(&s->networks[i].raw);
	}
	free(s->networks);
	free(s);
}

const struct stack_container *
stack_find(const struct stack *s, const char *service)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i].service, service) == 0)
			return &s->containers[i];
	return NULL;
}

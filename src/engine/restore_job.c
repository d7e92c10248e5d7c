#include "engine/restore_job.h"

#include "engine/restore_part.h"
#include "engine/restore_path.h"
#include "tree/dir.h"

#include <string.h>

#define INSPECT_MAX ((size_t)16 << 20)
#define LABEL_PROJECT "com.docker.compose.project="
#define LABEL_CONFIG_HASH "com.docker.compose.config-hash="

static void
volume_release(struct restore_volume *v)
{
	free(v->name);
	strv_release(&v->labels);
	strv_release(&v->options);
}

void
job_close(struct restore_job *j)
{
	if (j == NULL)
		return;
	for (size_t i = 0; i < j->n_items; i++)
		item_release(&j->items[i]);
	free(j->items);
	for (size_t i = 0; i < j->n_volumes; i++)
		volume_release(&j->volumes[i]);
	free(j->volumes);
	for (size_t i = 0; i < j->n_lates; i++)
		free(j->lates[i].tree);
	free(j->lates);
	for (size_t i = 0; i < j->n_containers; i++)
		json_decref(j->containers[i].doc);
	free(j->containers);
	free(j->databases);
	strv_release(&j->config_files);
	strv_release(&j->env_files);
	strv_release(&j->services);
	strv_release(&j->ran);
	strv_release(&j->running_now);
	strv_release(&j->touched);
	strv_release(&j->stopped_ids);
	strv_release(&j->made_files);
	restore_preview_release(&j->preview);
	stack_free(j->now);
	stack_free(j->made);
	compose_free(j->compose);
	docker_close(j->docker);
	snapshot_release(&j->snapshot);
	free(j->name);
	free(j->dir);
	free(j);
}

const struct restore_container *
job_container(const struct restore_job *j, const char *service)
{
	for (size_t i = 0; i < j->n_containers; i++)
		if (strcmp(j->containers[i].service, service) == 0 &&
		    j->containers[i].doc != NULL)
			return &j->containers[i];
	return NULL;
}

const struct restore_database *
job_database(const struct restore_job *j, const char *service)
{
	for (size_t i = 0; i < j->n_databases; i++)
		if (strcmp(j->databases[i].service, service) == 0)
			return &j->databases[i];
	return NULL;
}

void
doc_target_release(struct doc_target *t)
{
	strv_release(&t->env);
	strv_release(&t->argv);
	strv_release(&t->ports);
	strv_release(&t->mounts);
}

static enum err_code
add_strings(struct strv *out, const json_t *array, struct err *err)
{
	size_t i;
	const json_t *item;
	json_array_foreach(
	    array, i, item) if (json_is_string(item) &&
				strv_add(out, json_string_value(item), err)) return err->code;
	return ERR_OK;
}

enum err_code
doc_target_read(struct doc_target *t, const char *service, const json_t *doc, struct err *err)
{
	const json_t *config = json_object_get(doc, "Config");
	if (add_strings(&t->env, json_object_get(config, "Env"), err) ||
	    add_strings(&t->argv, json_object_get(config, "Entrypoint"), err) ||
	    add_strings(&t->argv, json_object_get(config, "Cmd"), err))
		return err->code;
	const char *port;
	json_t *ignored;
	json_object_foreach(json_object_get(config, "ExposedPorts"), port,
	    ignored) if (strv_add(&t->ports, port, err)) return err->code;
	size_t i;
	const json_t *mount;
	json_array_foreach(json_object_get(doc, "Mounts"), i,
	    mount) if (strv_add(&t->mounts, json_get_text(mount, "Destination"),
			   err)) return err->code;
	t->target = (struct db_target){
		.service = service,
		.image = json_get_text(config, "Image"),
		.env = &t->env,
		.command = &t->argv,
		.ports = &t->ports,
		.mounts = &t->mounts,
	};
	return ERR_OK;
}

/* The inspect document that was kept under path; NULL when there is none. */
static enum err_code
load_doc(json_t **out, const struct restore_job *j, const char *path, struct err *err)
{
	*out = NULL;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	enum err_code rc = tree_lookup(j->engine->repo, &j->snapshot.root, path, &e, err);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (content_read_all(j->engine->repo, &e.content, INSPECT_MAX, &raw, err) ||
	    json_parse(out, raw.data, raw.len, path, err))
		return err_wrap(err, "%s", path);
	return ERR_OK;
}

static enum err_code
read_container(struct restore_container *c, const struct restore_job *j, const json_t *node,
    struct err *err)
{
	*c = (struct restore_container){
		.service = json_get_text(node, "service"),
		.number = json_get_int(node, "number", 1),
		.name = json_get_text(node, "container"),
		.image = json_get_text(node, "image"),
		.image_id = json_get_text(node, "image_id"),
		.digests = json_object_get(node, "digests"),
	};
	/* What cannot be told counts as running, as everywhere. */
	enum container_state state = container_state_of(json_get_str(node, "state"));
	c->ran = state != CONTAINER_STOPPED;
	c->was_paused = state == CONTAINER_PAUSED;
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, "meta/containers/%s.json", c->name))
		return err->code;
	return load_doc(&c->doc, j, path, err);
}

static enum err_code
add_once(struct strv *v, const char *s, struct err *err)
{
	return strv_has(v, s) ? ERR_OK : strv_add(v, s, err);
}

static enum err_code
read_containers(struct restore_job *j, const json_t *nodes, struct err *err)
{
	j->containers = calloc(json_array_size(nodes) + 1, sizeof *j->containers);
	if (j->containers == NULL)
		return err_nomem(err);
	size_t i;
	const json_t *node;
	json_array_foreach(nodes, i, node)
	{
		struct restore_container *c = &j->containers[j->n_containers];
		if (read_container(c, j, node, err))
			return err->code;
		j->n_containers++;
		if (add_once(&j->services, c->service, err) ||
		    (c->ran && add_once(&j->ran, c->service, err)))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
read_databases(struct restore_job *j, const json_t *members, struct err *err)
{
	j->databases = calloc(json_array_size(members) + 1, sizeof *j->databases);
	if (j->databases == NULL)
		return err_nomem(err);
	size_t i;
	const json_t *m;
	json_array_foreach(members, i, m)
	{
		if (strcmp(json_get_text(m, "kind"), "database") != 0)
			continue;
		struct restore_database *db = &j->databases[j->n_databases];
		*db = (struct restore_database){
			.service = json_get_text(m, "name"),
			.path = json_get_text(m, "path"),
			.kind = db_kind_of_word(json_get_text(m, "engine")),
			.streams = json_object_get(m, "streams"),
			.bytes = (uint64_t)json_get_int(m, "bytes", 0),
		};
		if (db->kind == DB_NONE)
			return err_set(err, ERR_UNSUPPORTED,
			    "service %s: the snapshot holds a database of kind \"%s\", which "
			    "this "
			    "program cannot load",
			    db->service, json_get_text(m, "engine"));
		j->n_databases++;
	}
	return ERR_OK;
}

static bool
is_anonymous(const char *name)
{
	return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

/* Compose adopts a volume that bears the project's name.  The hash of its definition goes,
 * since the definition changes with the name, and Compose would offer to make the volume anew.
 */
static enum err_code
copy_labels(struct strv *out, const json_t *labels, const char *renamed_to, struct err *err)
{
	size_t i;
	const json_t *node;
	json_array_foreach(labels, i, node)
	{
		const char *label = json_string_value(node);
		if (label == NULL ||
		    (renamed_to != NULL && str_starts(label, LABEL_CONFIG_HASH)))
			continue;
		enum err_code rc = renamed_to != NULL && str_starts(label, LABEL_PROJECT)
				       ? strv_addf(out, err, LABEL_PROJECT "%s", renamed_to)
				       : strv_add(out, label, err);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

static enum err_code
read_volume(
    struct restore_volume *v, const struct restore_job *j, const json_t *node, struct err *err)
{
	const char *key = json_get_str(node, "key");
	*v = (struct restore_volume){
		.recorded_name = json_get_text(node, "name"),
		.key = key,
		.driver = json_get_text(node, "driver"),
		.is_external = json_get_bool(node, "external"),
	};
	v->is_anonymous = key == NULL && !v->is_external && is_anonymous(v->recorded_name);
	AUTO(str) char *by_key = NULL;
	if (key != NULL && str_printf(&by_key, err, "%s_%s", j->recorded_name, key))
		return err->code;
	bool follows = by_key != NULL && strcmp(by_key, v->recorded_name) == 0 &&
		       strcmp(j->name, j->recorded_name) != 0;
	if (follows ? str_printf(&v->name, err, "%s_%s", j->name, key)
		    : str_dup(&v->name, v->recorded_name, err))
		return err->code;
	if (copy_labels(
		&v->labels, json_object_get(node, "labels"), follows ? j->name : NULL, err) ||
	    add_strings(&v->options, json_object_get(node, "options"), err)) {
		volume_release(v);
		return err->code;
	}
	return ERR_OK;
}

static enum err_code
read_volumes(struct restore_job *j, const json_t *nodes, struct err *err)
{
	j->volumes = calloc(json_array_size(nodes) + 1, sizeof *j->volumes);
	if (j->volumes == NULL)
		return err_nomem(err);
	size_t i;
	const json_t *node;
	json_array_foreach(nodes, i, node)
	{
		if (read_volume(&j->volumes[j->n_volumes], j, node, err))
			return err->code;
		j->n_volumes++;
	}
	return ERR_OK;
}

/* Docker's rule for project names; they become part of paths and of names in the engine. */
static bool
is_project_name(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	return *s != '\0' && *s != '_' && *s != '-' && strspn(s, allowed) == strlen(s);
}

static enum err_code
choose_name(struct restore_job *j, const json_t *stack, struct err *err)
{
	j->recorded_name = json_get_text(stack, "name");
	const char *name = j->opt->as != NULL ? j->opt->as : j->recorded_name;
	if (!is_project_name(name))
		return err_set(err, j->opt->as != NULL ? ERR_USAGE : ERR_CORRUPT,
		    "\"%s\" cannot name a project: lower-case letters, digits, - and _ only, "
		    "and a "
		    "letter or digit first",
		    name);
	return str_dup(&j->name, name, err);
}

static enum err_code
choose_dir(struct restore_job *j, const json_t *stack, struct err *err)
{
	j->recorded_dir = json_get_text(stack, "working_dir");
	if (j->opt->to != NULL) {
		if (j->opt->to[0] != '/')
			return err_set(err, ERR_USAGE,
			    "%s: give the project folder's absolute path", j->opt->to);
		return str_dup(&j->dir, j->opt->to, err);
	}
	if (j->recorded_dir[0] != '/')
		return err_set(err, ERR_USAGE,
		    "the snapshot does not tell where the project folder was: say where it "
		    "shall be");
	if (strcmp(j->name, j->recorded_name) == 0)
		return str_dup(&j->dir, j->recorded_dir, err);
	AUTO(str) char *holder = NULL;
	if (path_holder(&holder, j->recorded_dir, err))
		return err->code;
	return str_printf(
	    &j->dir, err, "%s%s%s", holder, strcmp(holder, "/") == 0 ? "" : "/", j->name);
}

static enum err_code
move_paths(struct strv *out, const json_t *paths, const struct restore_job *j, struct err *err)
{
	size_t i;
	const json_t *node;
	json_array_foreach(paths, i, node)
	{
		AUTO(str) char *moved = NULL;
		if (!json_is_string(node))
			continue;
		if (path_moved(&moved, json_string_value(node), j->recorded_dir, j->dir, err) ||
		    strv_add(out, moved, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
job_open(struct restore_job **out, struct engine *e, const struct id *snapshot,
    const struct restore_options *opt, struct err *err)
{
	AUTO(job) struct restore_job *j = calloc(1, sizeof *j);
	if (j == NULL)
		return err_nomem(err);
	j->engine = e;
	j->opt = opt;
	j->snapshot.root = (struct tree_entry)TREE_ENTRY_INIT;
	hex_encode(j->tag, snapshot->b, 4);
	if (snapshot_open(&j->snapshot, e->repo, snapshot, err))
		return err->code;
	j->snapshot_lost_some = json_get_int(j->snapshot.document, "problem_count", 0) > 0;
	const json_t *stack = json_object_get(j->snapshot.document, "stack");
	const json_t *members = json_object_get(j->snapshot.document, "members");
	if (!json_is_object(stack))
		return err_set(
		    err, ERR_USAGE, "snapshot %s is of folders, not of a stack", j->tag);
	if (choose_name(j, stack, err) || choose_dir(j, stack, err) ||
	    move_paths(&j->config_files, json_object_get(stack, "config_files"), j, err) ||
	    move_paths(&j->env_files, json_object_get(stack, "env_files"), j, err) ||
	    read_containers(j, json_object_get(stack, "services"), err) ||
	    read_databases(j, members, err) ||
	    read_volumes(j, json_object_get(stack, "volumes"), err) || job_find_items(j, err) ||
	    job_choose(j, err))
		return err_wrap(err, "snapshot %s", j->tag);
	*out = TAKE(j);
	return ERR_OK;
}

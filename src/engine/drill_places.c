/* Where everything of the stack goes in the scratch. */
#include "engine/drill_impl.h"

#include "engine/restore_look.h"
#include "engine/restore_path.h"
#include "sys/fs.h"

#include <string.h>
#include <sys/stat.h>

/* Besides the data: logs, indexes and journals of databases, layers of containers. */
#define SPACE_SPARE (UINT64_C(256) << 20)
/* A database on disk, for each byte of its dump. */
#define DATABASE_GROWTH 3

static bool
is_in_scratch(const struct drill *d, const char *path)
{
	return path_is_within(path, d->scratch->root);
}

static enum err_code
move_volume(struct drill *d, struct restore_volume *v, struct err *err)
{
	AUTO(str) char *name = NULL;
	struct strv labels = STRV_INIT;
	if (str_printf(&name, err, "%s_%s", d->scratch->project, v->recorded_name) ||
	    strv_addf(&labels, err, DRILL_LABEL "=%s", d->scratch->project)) {
		strv_release(&labels);
		return err->code;
	}
	free(v->name);
	v->name = TAKE(name);
	/* Its driver and options may lead to where the original keeps its files. */
	v->driver = "local";
	strv_release(&v->labels);
	v->labels = labels;
	strv_release(&v->options);
	v->options = (struct strv)STRV_INIT;
	v->is_external = false;
	return ERR_OK;
}

static enum err_code
move_item(struct drill *d, struct restore_item *it, struct err *err)
{
	AUTO(str) char *target = NULL;
	if (it->kind == ITEM_VOLUME) {
		AUTO(str) char *name = NULL;
		if (str_dup(&name, d->job->volumes[it->volume].name, err))
			return err->code;
		free(it->name);
		it->name = TAKE(name);
		return ERR_OK;
	}
	if (it->target == NULL || is_in_scratch(d, it->target))
		return ERR_OK;
	if (str_printf(&target, err, "%s%s", d->scratch->root, it->target))
		return err->code;
	return item_set_target(it, target, d->job->tag, err);
}

static enum err_code
move_paths(struct drill *d, struct strv *paths, struct err *err)
{
	struct strv moved = STRV_INIT;
	for (size_t i = 0; i < paths->len; i++) {
		const char *path = paths->items[i];
		enum err_code rc = is_in_scratch(d, path)
				       ? strv_add(&moved, path, err)
				       : strv_addf(&moved, err, "%s%s", d->scratch->root, path);
		if (rc != ERR_OK) {
			strv_release(&moved);
			return rc;
		}
	}
	strv_release(paths);
	*paths = moved;
	return ERR_OK;
}

enum err_code
drill_move_job(struct drill *d, struct err *err)
{
	struct restore_job *j = d->job;
	for (size_t i = 0; i < j->n_volumes; i++)
		if (move_volume(d, &j->volumes[i], err))
			return err->code;
	for (size_t i = 0; i < j->n_items; i++)
		if (move_item(d, &j->items[i], err))
			return err->code;
	if (move_paths(d, &j->config_files, err) || move_paths(d, &j->env_files, err))
		return err->code;
	return job_drop_inner(j, err);
}

/* --- space --- */

static enum err_code
need_space(const char *path, uint64_t needed, struct err *err)
{
	uint64_t available;
	char want[SIZE_TEXT], have[SIZE_TEXT];
	if (fs_free_bytes(path, &available, err))
		return err->code;
	if (available >= needed)
		return ERR_OK;
	size_text(want, needed);
	size_text(have, available);
	return err_set(err, ERR_IO, "not enough space: some %s are needed in %s, %s are free",
	    want, path, have);
}

enum err_code
drill_check_space(struct drill *d, struct err *err)
{
	const struct restore_job *j = d->job;
	AUTO(docker_info) struct docker_info info = DOCKER_INFO_INIT;
	uint64_t folders = 0;
	uint64_t engine = SPACE_SPARE;
	struct stat a, b;
	if (docker_info(j->docker, &info, err))
		return err->code;
	for (size_t i = 0; i < j->n_items; i++)
		*(j->items[i].kind == ITEM_VOLUME ? &engine : &folders) += j->items[i].bytes;
	for (size_t i = 0; i < j->n_databases; i++)
		engine += DATABASE_GROWTH * j->databases[i].bytes;
	engine += d->load_bytes;
	/* The engine's folder may be out of sight. */
	if (!fs_is_dir(info.data_root))
		return need_space(d->scratch->folder, folders, err);
	if (stat(info.data_root, &a) == 0 && stat(d->scratch->folder, &b) == 0 &&
	    a.st_dev == b.st_dev)
		return need_space(d->scratch->folder, folders + engine, err);
	if (need_space(d->scratch->folder, folders, err))
		return err->code;
	return need_space(info.data_root, engine, err);
}

/* --- the compose document --- */

static const char *
volume_of(void *arg, const char *name)
{
	const struct drill *d = arg;
	for (size_t i = 0; i < d->job->n_volumes; i++) {
		const struct restore_volume *v = &d->job->volumes[i];
		if (strcmp(v->recorded_name, name) == 0 && v->is_made)
			return v->name;
	}
	return NULL;
}

/* A path of the scratch's own is as it is; one of this host's has its counterpart there. */
static enum err_code
path_of(void *arg, const char *path, char **out, struct err *err)
{
	const struct drill *d = arg;
	AUTO(str) char *moved = NULL;
	*out = NULL;
	if (is_in_scratch(d, path)
		? str_dup(&moved, path, err)
		: path_moved(&moved, path, d->job->recorded_dir, d->job->dir, err))
		return err->code;
	if (!is_in_scratch(d, moved)) {
		AUTO(str) char *below = NULL;
		if (str_printf(&below, err, "%s%s", d->scratch->root, moved))
			return err->code;
		free(moved);
		moved = TAKE(below);
	}
	if (strstr(moved, "/../") != NULL || str_ends(moved, "/..") || !fs_exists(moved))
		return ERR_OK;
	*out = TAKE(moved);
	return ERR_OK;
}

/* Only services that are in the document can be made and waited for. */
static enum err_code
keep_services(
    struct strv *names, const json_t *services, struct drill_cuts *cuts, struct err *err)
{
	struct strv kept = STRV_INIT;
	for (size_t i = 0; i < names->len; i++) {
		const char *name = names->items[i];
		enum err_code rc = json_object_get(services, name) != NULL
				       ? strv_add(&kept, name, err)
				       : drill_cut_add(cuts, name, true, err,
					     "service: the stored compose files do not "
					     "describe it");
		if (rc != ERR_OK) {
			strv_release(&kept);
			return rc;
		}
	}
	strv_release(names);
	*names = kept;
	return ERR_OK;
}

static enum err_code
write_document(struct drill *d, const json_t *document, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(mem) char *text = json_dumps(document, JSON_INDENT(1) | JSON_SORT_KEYS);
	if (text == NULL)
		return err_nomem(err);
	if (str_printf(&path, err, "%s/compose.json", d->scratch->run) ||
	    fs_write_file(path, 0600, text, strlen(text), err))
		return err->code;
	return strv_add(&d->compose_files, path, err);
}

/* Compose finds the .env of the project folder by itself. */
static const struct strv *
other_env_files(const struct drill *d)
{
	const struct strv *files = &d->job->env_files;
	const char *dir = d->job->dir;
	bool is_default = files->len == 1 && path_is_within(files->items[0], dir) &&
			  strcmp(files->items[0] + strlen(dir), "/.env") == 0;
	return is_default ? NULL : files;
}

static enum err_code
read_config(struct drill *d, json_t **out, struct err *err)
{
	AUTO(compose_reading) struct compose_reading reading = COMPOSE_READING_INIT;
	/* Under the name that it had, so that its volumes have the names that were recorded. */
	struct compose_project p = { .name = d->job->recorded_name,
		.dir = d->job->dir,
		.files = &d->job->config_files,
		.env_files = other_env_files(d) };
	if (compose_is_v1(d->job->compose))
		return err_set(err, ERR_UNSUPPORTED,
		    "docker-compose %s cannot tell what the files mean: install Docker Compose "
		    "2 (the docker-compose-plugin package)",
		    compose_version(d->job->compose));
	if (compose_read(d->job->compose, &p, &reading, err))
		return err->code;
	if (reading.config == NULL)
		return err_set(err, ERR_INCOMPLETE,
		    "Compose does not take the stored files: %s",
		    reading.fault != NULL ? reading.fault : "no reason told");
	for (size_t i = 0; i < reading.unset.len; i++)
		if (drill_cut_add(&d->cuts, "", false, err,
			"variable %s, which the snapshot does not set", reading.unset.items[i]))
			return err->code;
	*out = TAKE(reading.config);
	return ERR_OK;
}

enum err_code
drill_write_compose(struct drill *d, struct err *err)
{
	AUTO(json) json_t *config = NULL;
	AUTO(json) json_t *made = NULL;
	struct drill_scope scope = { .project = d->scratch->project,
		.may_pull = d->opt->may_pull,
		.arg = d,
		.image = drill_image_of,
		.volume = volume_of,
		.path = path_of };
	if (read_config(d, &config, err) ||
	    drill_compose_make(&made, config, &scope, &d->cuts, err))
		return err->code;
	const json_t *services = json_object_get(made, "services");
	if (keep_services(&d->job->services, services, &d->cuts, err) ||
	    keep_services(&d->job->ran, services, &d->cuts, err))
		return err->code;
	return write_document(d, made, err);
}

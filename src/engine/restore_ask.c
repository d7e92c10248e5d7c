/*
 * What the stored compose files say when Compose itself reads them: variables
 * that nothing sets, files that are missing, and what gives a container power
 * over the host.
 *
 * For that the compose files are written into a folder of their own, and
 * whatever else Compose then misses, as long as the snapshot has it.  Nothing
 * else of the project folder is needed to read them.
 */
#include "engine/restore_look.h"
#include "engine/restore_path.h"
#include "engine/restore_site.h"
#include "sys/fs.h"
#include "sys/identity.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)4 << 20)
#define FILES_MAX 200 /* that Compose may ask for */

struct sketch {
	struct restore_job *job;
	char *dir; /* stands for the project folder */
	struct strv files; /* compose files in it */
	struct strv env_files;
	size_t written;
};

static void
sketch_release(struct sketch *s)
{
	struct err scratch; /* a leftover in the folder for temporary files */
	if (s->dir != NULL)
		(void)!fs_remove_tree(s->dir, &scratch);
	free(s->dir);
	strv_release(&s->files);
	strv_release(&s->env_files);
}

/* What will be at path, or is there already: written to to.  ERR_NOT_FOUND for neither. */
static enum err_code
sketch_file(struct sketch *s, const char *path, const char *to, struct err *err)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(str) char *holder = NULL;
	enum err_code rc = job_stored_file(s->job, path, &e, err);
	if (rc == ERR_NOT_FOUND && fs_exists(path) && !fs_is_dir(path))
		rc = fs_read_file(path, FILE_MAX_BYTES, &text, err);
	else if (rc == ERR_OK && e.type == TREE_FILE)
		rc = content_read_all(
		    s->job->engine->repo, &e.content, FILE_MAX_BYTES, &text, err);
	else if (rc == ERR_OK)
		rc = err_set(err, ERR_NOT_FOUND, "%s is no file", path);
	if (rc != ERR_OK)
		return rc;
	s->written++;
	if (path_holder(&holder, to, err) || fs_mkdirs(holder, 0700, err) ||
	    fs_write_file(to, 0600, text.data, text.len, err))
		return err->code;
	return ERR_OK;
}

static enum err_code
sketch_files(struct sketch *s, const struct strv *paths, struct strv *out, struct err *err)
{
	const struct restore_job *j = s->job;
	for (size_t i = 0; i < paths->len; i++) {
		AUTO(str) char *to = NULL;
		const char *path = paths->items[i];
		enum err_code rc = path_is_within(path, j->dir)
				       ? path_moved(&to, path, j->dir, s->dir, err)
				       : str_printf(&to, err, "%s/.outside/%zu-%zu", s->dir,
					     out->len, s->written);
		if (rc == ERR_OK)
			rc = sketch_file(s, path, to, err);
		if (rc == ERR_NOT_FOUND)
			continue; /* told by look_at_images */
		if (rc != ERR_OK || strv_add(out, to, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
sketch_begin(struct sketch *s, struct err *err)
{
	const struct restore_job *j = s->job;
	AUTO(str) char *dot_env = NULL;
	AUTO(str) char *to = NULL;
	if (fs_make_temp_dir(&s->dir, "stacksnap-compose-", err) ||
	    sketch_files(s, &j->config_files, &s->files, err) ||
	    sketch_files(s, &j->env_files, &s->env_files, err) ||
	    str_printf(&dot_env, err, "%s/.env", j->dir) ||
	    str_printf(&to, err, "%s/.env", s->dir))
		return err->code;
	enum err_code rc = sketch_file(s, dot_env, to, err);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* The path inside the sketch that a message of Compose names; NULL for none. */
static enum err_code
path_in(char **out, const struct sketch *s, const char *text, struct err *err)
{
	const char *at = strstr(text, s->dir);
	*out = NULL;
	if (at == NULL || at[strlen(s->dir)] != '/')
		return ERR_OK;
	size_t len = strcspn(at, ":\"\n");
	const char *not_found = strstr(at, " not found");
	if (not_found != NULL && (size_t)(not_found - at) < len)
		len = (size_t)(not_found - at);
	return str_dupn(out, at, len, err);
}

/* Read, and give Compose each file that it misses.  *missing: the one that nobody has. */
static enum err_code
sketch_read(struct sketch *s, struct compose_reading *out, char **missing, struct err *err)
{
	struct restore_job *j = s->job;
	struct restore_site site = { j->docker, j->compose, NULL, j->name };
	struct compose_project p = site_project(&site, s->dir, &s->files, &s->env_files);
	for (;;) {
		AUTO(str) char *lacks = NULL;
		AUTO(str) char *path = NULL;
		if (compose_read(j->compose, &p, out, err))
			return err->code;
		if (out->fault == NULL || path_in(&lacks, s, out->fault, err) || lacks == NULL)
			return out->fault == NULL || lacks == NULL ? ERR_OK : err->code;
		if (fs_exists(lacks) || s->written > FILES_MAX)
			return ERR_OK; /* it is wrong, not missing */
		if (path_moved(&path, lacks, s->dir, j->dir, err))
			return err->code;
		enum err_code rc = sketch_file(s, path, lacks, err);
		if (rc == ERR_NOT_FOUND)
			*missing = TAKE(path);
		if (rc != ERR_OK)
			return rc == ERR_NOT_FOUND ? ERR_OK : rc;
		compose_reading_release(out);
		*out = (struct compose_reading)COMPOSE_READING_INIT;
	}
}

/* --- what is missing --- */

static bool
is_used(const json_t *services, const char *kind, const char *name)
{
	const char *service;
	json_t *node;
	json_object_foreach((json_t *)(uintptr_t)services, service, node)
	{
		size_t i;
		const json_t *use;
		json_array_foreach(json_object_get(node, kind), i, use)
		{
			const char *source = json_get_str(use, "source");
			if (source != NULL && strcmp(source, name) == 0)
				return true;
		}
	}
	return false;
}

static enum err_code
look_for_file(
    struct sketch *s, const char *word, const char *name, const char *file, struct err *err)
{
	struct restore_job *j = s->job;
	AUTO(str) char *path = NULL;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	if (path_moved(&path, file, s->dir, j->dir, err))
		return err->code;
	enum err_code rc = job_stored_file(j, path, &e, err);
	if (rc != ERR_NOT_FOUND)
		return rc;
	/* Inside the project folder only what the snapshot has will be there. */
	if (fs_exists(path) && !(j->has_project && path_is_within(path, j->dir)))
		return ERR_OK;
	return strv_addf(&j->preview.obstacles, err,
	    "%s %s: its file %s is not in the snapshot%s", word, name, path,
	    j->has_project && path_is_within(path, j->dir) ? "" : ", and not here: make it");
}

static enum err_code
look_for_files(
    struct sketch *s, const json_t *config, const char *kind, const char *word, struct err *err)
{
	const char *name;
	json_t *node;
	json_object_foreach(json_object_get(config, kind), name, node)
	{
		const char *file = json_get_str(node, "file");
		if (file != NULL && is_used(json_object_get(config, "services"), kind, name) &&
		    look_for_file(s, word, name, file, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
tell_unset(struct restore_job *j, const struct strv *unset, const char *whose, struct err *err)
{
	for (size_t i = 0; i < unset->len; i++)
		if (strv_addf(&j->preview.obstacles, err,
			"variable %s, which the compose files of the %s stack need, is not "
			"set: %s=... stacksnap restore ... (or set it to nothing, if that is "
			"what it was)",
			unset->items[i], whose, unset->items[i]))
			return err->code;
	return ERR_OK;
}

/* --- what it asks for --- */

static enum err_code
ask(struct restore_job *j, const char *service, const char *what, const char *which,
    struct err *err)
{
	return strv_addf(&j->preview.asks, err, "service %s %s%s%s", service, what,
	    *which != '\0' ? " " : "", which);
}

static enum err_code
ask_each(struct restore_job *j, const char *service, const json_t *list, const char *what,
    struct err *err)
{
	size_t i;
	const json_t *node;
	json_array_foreach(list, i, node)
	{
		const char *text = json_is_string(node) ? json_string_value(node)
							: json_get_str(node, "source");
		/* This one takes power away. */
		if (text == NULL || str_starts(text, "no-new-privileges"))
			continue;
		if (ask(j, service, what, text, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
ask_mounts(struct sketch *s, const char *service, const json_t *volumes, struct err *err)
{
	size_t i;
	const json_t *node;
	json_array_foreach(volumes, i, node)
	{
		const char *type = json_get_str(node, "type");
		const char *source = json_get_str(node, "source");
		if (type == NULL || source == NULL || strcmp(type, "bind") != 0 ||
		    path_is_within(source, s->dir) || path_is_within(source, s->job->dir))
			continue;
		bool is_socket = str_ends(source, "docker.sock");
		const char *what = is_socket ? "commands the whole host, through"
				   : json_get_bool(node, "read_only")
				       ? "reads this host's"
				       : "reads and writes this host's";
		if (ask(s->job, service, what, source, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
ask_service(struct sketch *s, const char *name, const json_t *node, struct err *err)
{
	static const struct {
		const char *key;
		const char *what;
	} hosts[] = {
		{ "network_mode", "shares this host's network" },
		{ "pid", "sees this host's processes" },
		{ "ipc", "shares this host's memory segments" },
		{ "userns_mode", "runs without the engine's user namespace" },
		{ "uts", "may change this host's name" },
		{ "cgroup", "sees this host's control groups" },
	};
	struct restore_job *j = s->job;
	if (json_get_bool(node, "privileged") &&
	    ask(j, name, "runs privileged: it may do anything to this host", "", err))
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		const char *mode = json_get_str(node, hosts[i].key);
		if (mode != NULL && strcmp(mode, "host") == 0 &&
		    ask(j, name, hosts[i].what, "", err))
			return err->code;
	}
	if (ask_each(j, name, json_object_get(node, "cap_add"), "has the capability", err) ||
	    ask_each(j, name, json_object_get(node, "devices"), "uses the device", err) ||
	    ask_each(j, name, json_object_get(node, "device_cgroup_rules"),
		"uses devices by the rule", err) ||
	    ask_each(j, name, json_object_get(node, "security_opt"), "runs with", err))
		return err->code;
	return ask_mounts(s, name, json_object_get(node, "volumes"), err);
}

static enum err_code
ask_volumes(struct sketch *s, const json_t *config, struct err *err)
{
	const char *name;
	json_t *node;
	json_object_foreach(json_object_get(config, "volumes"), name, node)
	{
		const char *device =
		    json_get_str(json_object_get(node, "driver_opts"), "device");
		if (device != NULL && !path_is_within(device, s->dir) &&
		    strv_addf(&s->job->preview.asks, err, "volume %s is this host's %s", name,
			device))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
ask_all(struct sketch *s, const json_t *config, struct err *err)
{
	const char *name;
	json_t *node;
	json_object_foreach(json_object_get(config, "services"), name, node)
	{
		if (ask_service(s, name, node, err))
			return err->code;
	}
	return ask_volumes(s, config, err);
}

/* Was the backup made here, or is the stack here already? */
static bool
is_of_this_host(const struct restore_job *j)
{
	char here[IDENTITY_MAX];
	const char *host = json_get_str(j->snapshot.document, "host");
	identity_host(here);
	return (host != NULL && strcmp(host, here) == 0) ||
	       (j->now != NULL && j->now->n_containers > 0);
}

/* The stack that is there is made again by its own files, should this be undone. */
static enum err_code
look_at_old_files(struct restore_job *j, const struct strv *told, struct err *err)
{
	AUTO(compose_reading) struct compose_reading r = COMPOSE_READING_INIT;
	AUTO(strv) struct strv unset = STRV_INIT;
	const struct stack *s = j->now;
	if (s == NULL || s->n_containers == 0 || s->config_files.len == 0 ||
	    !fs_is_dir(s->working_dir))
		return ERR_OK;
	for (size_t i = 0; i < s->config_files.len; i++)
		if (!fs_exists(s->config_files.items[i]))
			return ERR_OK; /* told by tell_stack */
	struct restore_site site = { j->docker, j->compose, NULL, j->name };
	struct compose_project p =
	    site_project(&site, s->working_dir, &s->config_files, &s->env_files);
	if (compose_read(j->compose, &p, &r, err))
		return err->code;
	if (r.fault != NULL)
		return strv_addf(&j->preview.warnings, err,
		    "the compose files of the stack that is there make no sense to Compose: if "
		    "the restore fails or is undone, its containers cannot be made again (%s)",
		    r.fault);
	for (size_t i = 0; i < r.unset.len; i++)
		if (!strv_has(told, r.unset.items[i]) &&
		    strv_add(&unset, r.unset.items[i], err))
			return err->code;
	return tell_unset(j, &unset, "present", err);
}

static enum err_code
look(struct sketch *s, struct err *err)
{
	struct restore_job *j = s->job;
	AUTO(compose_reading) struct compose_reading r = COMPOSE_READING_INIT;
	AUTO(str) char *missing = NULL;
	if (sketch_begin(s, err))
		return err->code;
	if (s->files.len < j->config_files.len || (s->files.len == 0 && !j->has_project))
		return ERR_OK; /* told by look_at_images */
	if (sketch_read(s, &r, &missing, err) || tell_unset(j, &r.unset, "restored", err) ||
	    look_at_old_files(j, &r.unset, err))
		return err->code;
	if (missing != NULL)
		return strv_addf(&j->preview.obstacles, err,
		    "%s, which the compose files need, is neither in the snapshot nor here",
		    missing);
	if (r.fault != NULL)
		return strv_addf(&j->preview.obstacles, err,
		    "the stored compose files make no sense to Compose: %s", r.fault);
	if (look_for_files(s, r.config, "secrets", "secret", err) ||
	    look_for_files(s, r.config, "configs", "config", err) || ask_all(s, r.config, err))
		return err->code;
	if (r.config == NULL &&
	    strv_addf(&j->preview.asks, err,
		"what it may do to this host docker-compose 1.x does not tell: look at %s",
		j->config_files.len > 0 ? j->config_files.items[0] : "its compose files"))
		return err->code;
	j->preview.needs_trust = j->preview.asks.len > 0 && !is_of_this_host(j);
	return ERR_OK;
}

enum err_code
look_at_asks(struct restore_job *j, struct err *err)
{
	struct sketch s = { .job = j, .files = STRV_INIT, .env_files = STRV_INIT };
	enum err_code rc = look(&s, err);
	sketch_release(&s);
	return rc;
}

#include "docker/journal.h"

#include "base/room.h"
#include "docker/thaw.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JOURNAL_VERSION 2
#define JOURNAL_MAX ((size_t)16 << 20)

static const char *const words[] = {
	[QUIESCE_PAUSE] = "pause",
	[QUIESCE_STOP] = "stop",
	[QUIESCE_DOWN] = "down",
	[QUIESCE_NONE] = "none",
};

const char *
quiesce_word(enum quiesce_how how)
{
	return words[how];
}

static bool
how_of(enum quiesce_how *out, const char *word)
{
	for (size_t i = 0; word != NULL && i < ARRAY_LEN(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			*out = (enum quiesce_how)i;
			return true;
		}
	}
	return false;
}

void
journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	free(j->stack);
	free(j->host);
	free(j->project.dir);
	strv_release(&j->project.files);
	strv_release(&j->project.env_files);
	for (size_t i = 0; i < j->n_entries; i++) {
		free(j->entries[i].service);
		free(j->entries[i].id);
		free(j->entries[i].name);
		strv_release(&j->entries[i].needs);
	}
	free(j->entries);
	for (size_t i = 0; i < j->n_hooks; i++) {
		free(j->hooks[i].service);
		strv_release(&j->hooks[i].argv);
	}
	free(j->hooks);
	free(j);
}

enum err_code
journal_add_hook(struct journal *j, const char *service, const struct strv *argv,
    int64_t timeout_ms, struct err *err)
{
	if (ROOM_SHORT(j->hooks, j->n_hooks, err))
		return err->code;
	struct journal_hook *h = &j->hooks[j->n_hooks];
	*h = (struct journal_hook){ .timeout_ms = timeout_ms };
	j->n_hooks++;
	if (str_dup(&h->service, service, err))
		return err->code;
	return strv_add_all(&h->argv, argv, err);
}

static void
write_entries(struct json_writer *w, const struct journal *j)
{
	json_arr(w, "containers");
	for (size_t i = 0; i < j->n_entries; i++) {
		const struct journal_entry *e = &j->entries[i];
		json_obj(w, NULL);
		json_str(w, "service", e->service);
		json_i64(w, "number", e->number);
		json_str(w, "id", e->id);
		json_str(w, "name", e->name);
		json_str(w, "before", container_state_word(e->before));
		json_str(w, "how", quiesce_word(e->how));
		json_i64(w, "grace_s", e->grace_s);
		json_u64(w, "depth", e->depth);
		if (e->knows_needs)
			json_strings(w, "needs", &e->needs);
		json_obj_end(w);
	}
	json_arr_end(w);
}

static void
write_project(struct json_writer *w, const struct journal_project *p)
{
	if (p->dir == NULL)
		return;
	json_obj(w, "project");
	json_str(w, "dir", p->dir);
	json_strings(w, "files", &p->files);
	json_strings(w, "env_files", &p->env_files);
	json_obj_end(w);
}

static void
write_hooks(struct json_writer *w, const struct journal *j)
{
	json_arr(w, "hooks");
	for (size_t i = 0; i < j->n_hooks; i++) {
		json_obj(w, NULL);
		json_str(w, "service", j->hooks[i].service);
		json_strings(w, "argv", &j->hooks[i].argv);
		json_i64(w, "timeout_ms", j->hooks[i].timeout_ms);
		json_obj_end(w);
	}
	json_arr_end(w);
}

enum err_code
journal_write(const struct journal *j, const char *path, struct err *err)
{
	struct process_identity o;
	if (process_identify(&o, getpid(), err))
		return err->code;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct json_writer w;
	json_init(&w, &b);
	json_obj(&w, NULL);
	json_u64(&w, "version", JOURNAL_VERSION);
	json_str(&w, "stack", j->stack);
	json_str(&w, "host", j->host);
	json_i64(&w, "begun_ns", j->begun_ns);
	json_u64(&w, "asked_from", j->asked_from);
	json_obj(&w, "owner");
	json_i64(&w, "pid", o.pid);
	json_u64(&w, "start", o.start);
	json_str(&w, "boot", o.boot);
	json_obj_end(&w);
	write_project(&w, &j->project);
	write_entries(&w, j);
	write_hooks(&w, j);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	if (fs_write_file(path, 0600, b.data, b.len, err))
		return err_wrap(err, "write journal");
	return ERR_OK;
}

static enum err_code
parse(json_t **out, const char *path, struct err *err)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	AUTO(json) json_t *doc = NULL;
	if (fs_read_file(path, JOURNAL_MAX, &b, err))
		return err_wrap(err, "read journal");
	if (json_parse(&doc, b.data, b.len, path, err))
		return err->code;
	if (json_get_int(doc, "version", -1) != JOURNAL_VERSION)
		return err_set(err, ERR_UNSUPPORTED,
		    "journal %s is of another version of StackSnap", path);
	*out = TAKE(doc);
	return ERR_OK;
}

static enum err_code
copy_text(char **out, const json_t *obj, const char *key, const char *path, struct err *err)
{
	const char *s = json_get_str(obj, key);
	if (s == NULL)
		return err_set(err, ERR_CORRUPT, "journal %s has no '%s'", path, key);
	return str_dup(out, s, err);
}

static enum err_code
read_strings(
    struct strv *out, const json_t *list, const char *what, const char *path, struct err *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (text == NULL)
			return err_set(
			    err, ERR_CORRUPT, "journal %s: %s is no list of texts", path, what);
		if (strv_add(out, text, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
read_entry(struct journal_entry *e, const json_t *item, const char *path, struct err *err)
{
	if (copy_text(&e->service, item, "service", path, err) ||
	    copy_text(&e->id, item, "id", path, err) ||
	    copy_text(&e->name, item, "name", path, err))
		return err->code;
	if (!how_of(&e->how, json_get_str(item, "how")))
		return err_set(err, ERR_CORRUPT, "journal %s does not say what was done to %s",
		    path, e->name);
	e->before = container_state_of(json_get_str(item, "before"));
	e->number = json_get_int(item, "number", 1);
	int64_t grace_s = json_get_int(item, "grace_s", -1);
	e->grace_s = grace_s >= 0 && grace_s < 100000 ? (int)grace_s : -1;
	int64_t depth = json_get_int(item, "depth", 0);
	e->depth = depth >= 0 && depth < 100000 ? (unsigned)depth : 0;
	const json_t *needs = json_object_get(item, "needs");
	e->knows_needs = json_is_array(needs);
	return read_strings(&e->needs, needs, "needs", path, err);
}

static enum err_code
read_entries(struct journal *j, const json_t *list, const char *path, struct err *err)
{
	j->entries = calloc(max_size(json_array_size(list), 1), sizeof *j->entries);
	if (j->entries == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (read_entry(&j->entries[j->n_entries++], json_array_get(list, i), path, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
read_hooks(struct journal *j, const json_t *list, const char *path, struct err *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		const char *service = json_get_str(item, "service");
		AUTO(strv) struct strv argv = STRV_INIT;
		if (service == NULL)
			return err_set(
			    err, ERR_CORRUPT, "journal %s has a hook without a service", path);
		if (read_strings(&argv, json_object_get(item, "argv"), "argv", path, err) ||
		    journal_add_hook(
			j, service, &argv, json_get_int(item, "timeout_ms", 60000), err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
read_project(struct journal_project *p, const json_t *doc, const char *path, struct err *err)
{
	if (doc == NULL)
		return ERR_OK;
	if (copy_text(&p->dir, doc, "dir", path, err) ||
	    read_strings(&p->files, json_object_get(doc, "files"), "files", path, err))
		return err->code;
	return read_strings(
	    &p->env_files, json_object_get(doc, "env_files"), "env_files", path, err);
}

enum err_code
journal_read(struct journal **out, const char *path, struct err *err)
{
	AUTO(json) json_t *doc = NULL;
	if (parse(&doc, path, err))
		return err->code;
	AUTO(journal) struct journal *j = calloc(1, sizeof *j);
	if (j == NULL)
		return err_nomem(err);
	if (copy_text(&j->stack, doc, "stack", path, err) ||
	    copy_text(&j->host, doc, "host", path, err) ||
	    read_entries(j, json_object_get(doc, "containers"), path, err) ||
	    read_hooks(j, json_object_get(doc, "hooks"), path, err) ||
	    read_project(&j->project, json_object_get(doc, "project"), path, err))
		return err->code;
	j->begun_ns = json_get_int(doc, "begun_ns", 0);
	int64_t asked = json_get_int(doc, "asked_from", 0);
	j->asked_from = asked >= 0 && asked < JOURNAL_NOTHING_ASKED ? (unsigned)asked
								    : JOURNAL_NOTHING_ASKED;
	*out = TAKE(j);
	return ERR_OK;
}

enum err_code
journal_has_owner(const char *path, bool *has_owner, struct err *err)
{
	AUTO(json) json_t *doc = NULL;
	if (parse(&doc, path, err))
		return err->code;
	const json_t *written = json_object_get(doc, "owner");
	const char *boot = json_get_str(written, "boot");
	struct process_identity now;
	enum err_code rc = process_identify(&now, json_get_int(written, "pid", 0), err);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	*has_owner = rc == ERR_OK && boot != NULL && strcmp(boot, now.boot) == 0 &&
		     (uint64_t)json_get_int(written, "start", -1) == now.start;
	return ERR_OK;
}

enum err_code
journal_remove(const char *path, struct err *err)
{
	if (unlink(path) != 0) {
		if (errno == ENOENT)
			return ERR_OK;
		return err_sys(err, "remove journal %s", path);
	}
	AUTO(str) char *dir = NULL;
	const char *slash = strrchr(path, '/');
	if (slash == NULL ? str_dup(&dir, ".", err)
			  : str_dupn(&dir, path, max_size((size_t)(slash - path), 1), err))
		return err->code;
	return fs_sync_dir(dir, err);
}

enum err_code
journal_recover(
    const char *path, struct strv *thawed, struct strv *failed_hooks, struct err *err)
{
	bool has_owner = true;
	if (journal_has_owner(path, &has_owner, err))
		return err->code;
	if (has_owner)
		return err_set(err, ERR_LOCKED,
		    "journal %s belongs to a run that is alive: let it end, or stop it", path);
	return journal_keep(path, thawed, failed_hooks, err);
}

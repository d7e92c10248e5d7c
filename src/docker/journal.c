#include "docker/journal.h"

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

#define JOURNAL_VERSION 1
#define JOURNAL_MAX ((size_t)16 << 20)

void
journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	free(j->stack);
	free(j->host);
	for (size_t i = 0; i < j->n_entries; i++) {
		free(j->entries[i].service);
		free(j->entries[i].id);
		free(j->entries[i].name);
	}
	free(j->entries);
	free(j);
}

static void
write_entries(struct json_writer *w, const struct journal *j)
{
	json_arr(w, "containers");
	for (size_t i = 0; i < j->n_entries; i++) {
		const struct journal_entry *e = &j->entries[i];
		json_obj(w, NULL);
		json_str(w, "service", e->service);
		json_str(w, "id", e->id);
		json_str(w, "name", e->name);
		json_str(w, "before", container_state_word(e->before));
		json_u64(w, "depth", e->depth);
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
	json_str(&w, "how", j->how == QUIESCE_STOP ? "stop" : "pause");
	json_i64(&w, "begun_ns", j->begun_ns);
	json_obj(&w, "owner");
	json_i64(&w, "pid", o.pid);
	json_u64(&w, "start", o.start);
	json_str(&w, "boot", o.boot);
	json_obj_end(&w);
	write_entries(&w, j);
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
read_entries(struct journal *j, const json_t *list, const char *path, struct err *err)
{
	j->entries = calloc(max_size(json_array_size(list), 1), sizeof *j->entries);
	if (j->entries == NULL)
		return err_nomem(err);
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
	{
		struct journal_entry *e = &j->entries[j->n_entries++];
		if (copy_text(&e->service, item, "service", path, err) ||
		    copy_text(&e->id, item, "id", path, err) ||
		    copy_text(&e->name, item, "name", path, err))
			return err->code;
		e->before = container_state_of(json_get_str(item, "before"));
		int64_t depth = json_get_int(item, "depth", 0);
		e->depth = depth >= 0 && depth < 100000 ? (unsigned)depth : 0;
	}
	return ERR_OK;
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
	    read_entries(j, json_object_get(doc, "containers"), path, err))
		return err->code;
	const char *how = json_get_str(doc, "how");
	j->how = how != NULL && strcmp(how, "stop") == 0 ? QUIESCE_STOP : QUIESCE_PAUSE;
	j->begun_ns = json_get_int(doc, "begun_ns", 0);
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
journal_recover(const char *path, struct strv *thawed, struct err *err)
{
	bool has_owner = true;
	if (journal_has_owner(path, &has_owner, err))
		return err->code;
	if (has_owner)
		return err_set(err, ERR_LOCKED,
		    "journal %s belongs to a run that is alive: let it end, or stop it", path);
	return journal_keep(path, thawed, err);
}

#include "engine/restore_steps.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#define RECORD_VERSION 1
#define RECORD_MAX ((size_t)4 << 20)

struct restore_record {
	char *path;
	int lock;
	int64_t begun_ns;
};

void
restore_record_close(struct restore_record *r)
{
	if (r == NULL)
		return;
	if (r->lock >= 0)
		close(r->lock);
	free(r->path);
	free(r);
}

const char *
restore_record_path(const struct restore_record *r)
{
	return r->path;
}

/* A file beside the record, since the record itself is replaced at every step. */
static enum err_code
take_lock(struct restore_record *r, const struct restore_job *j, struct err *err)
{
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, "%s/restore-%s.lock", j->engine->state_dir, j->name))
		return err->code;
	r->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->lock < 0)
		return err_sys(err, "open %s", path);
	if (flock(r->lock, LOCK_EX | LOCK_NB) == 0)
		return ERR_OK;
	if (errno == EWOULDBLOCK)
		return err_set(
		    err, ERR_LOCKED, "another restore of stack %s is running", j->name);
	return err_sys(err, "lock %s", path);
}

static enum err_code
refuse_stale(const struct restore_record *r, const struct restore_job *j, struct err *err)
{
	if (!fs_exists(r->path))
		return ERR_OK;
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(json) json_t *doc = NULL;
	struct err scratch; /* one that cannot be read is as much in the way */
	const char *step = NULL;
	if (fs_read_file(r->path, RECORD_MAX, &raw, &scratch) == ERR_OK &&
	    json_parse(&doc, raw.data, raw.len, r->path, &scratch) == ERR_OK)
		step = json_get_str(doc, "step");
	return err_set(err, ERR_LOCKED,
	    "an earlier restore of stack %s was interrupted at its step \"%s\"; %s tells where "
	    "old "
	    "and restored data lie: settle it, remove that file, and try again",
	    j->name, step != NULL ? step : "unknown", r->path);
}

enum err_code
restore_record_open(struct restore_record **out, const struct restore_job *j, struct err *err)
{
	AUTO(restore_record) struct restore_record *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	r->lock = -1;
	r->begun_ns = clock_wall_ns();
	if (str_printf(&r->path, err, "%s/restore-%s.json", j->engine->state_dir, j->name) ||
	    fs_mkdirs(j->engine->state_dir, 0700, err) || take_lock(r, j, err) ||
	    refuse_stale(r, j, err))
		return err->code;
	*out = TAKE(r);
	return ERR_OK;
}

static void
write_item(struct json_writer *w, const struct restore_item *it)
{
	static const char *const states[] = { "planned", "staged", "swapped" };
	json_obj(w, NULL);
	json_str(w, "kind", item_kind_word(it->kind));
	json_str(w, "name", it->name);
	json_str(w, "target", it->target);
	json_str(w, "stage", it->stage);
	json_str(w, "old", it->old);
	json_flag(w, "was_there", it->was_there);
	json_u64(w, "stage_ino", it->stage_ino);
	json_str(w, "state", states[it->state]);
	json_obj_end(w);
}

static void
write_project(struct json_writer *w, const char *dir, const struct strv *files,
    const struct strv *env_files, const struct strv *run)
{
	json_str(w, "dir", dir);
	json_strings(w, "files", files);
	json_strings(w, "env_files", env_files);
	json_strings(w, "run", run);
}

/* The containers that were there, and the volumes without a name, which only they tell of. */
static void
write_old(struct json_writer *w, const struct restore_job *j)
{
	const struct stack *s = j->now;
	json_obj(w, "old");
	write_project(w, s->working_dir, &s->config_files, &s->env_files, &j->running_now);
	json_arr(w, "containers");
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct stack_container *c = &s->containers[i];
		json_obj(w, NULL);
		json_str(w, "service", c->service);
		json_i64(w, "number", c->number);
		json_str(w, "image_id", c->image_id);
		json_arr(w, "mounts");
		for (size_t k = 0; k < c->n_mounts; k++) {
			if (c->mounts[k].kind != MOUNT_VOLUME)
				continue;
			json_obj(w, NULL);
			json_str(w, "volume", c->mounts[k].source);
			json_str(w, "target", c->mounts[k].target);
			json_obj_end(w);
		}
		json_arr_end(w);
		json_obj_end(w);
	}
	json_arr_end(w);
	json_obj_end(w);
}

enum err_code
restore_record_write(
    struct restore_record *r, const struct restore_job *j, const char *step, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	char id[ID_HEX_SIZE];
	id_hex(id, &j->snapshot.id);
	struct json_writer w;
	json_init(&w, &text);
	json_obj(&w, NULL);
	json_u64(&w, "version", RECORD_VERSION);
	json_str(&w, "stack", j->name);
	json_str(&w, "snapshot", id);
	json_str(&w, "host", docker_host(j->docker));
	json_i64(&w, "begun_ns", r->begun_ns);
	json_i64(&w, "pid", getpid());
	json_str(&w, "step", step);
	json_arr(&w, "items");
	for (size_t i = 0; i < j->n_items; i++)
		write_item(&w, &j->items[i]);
	json_arr_end(&w);
	json_arr(&w, "volumes_made"); /* or about to be */
	for (size_t i = 0; i < j->n_volumes; i++)
		if (!j->volumes[i].exists && !j->volumes[i].is_anonymous)
			json_str(&w, NULL, j->volumes[i].name);
	json_arr_end(&w);
	if (j->now != NULL && j->now->n_containers > 0)
		write_old(&w, j);
	else
		json_nil(&w, "old");
	json_obj(&w, "new");
	write_project(&w, j->dir, &j->config_files, &j->env_files, &j->ran);
	json_obj_end(&w);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return fs_write_file(r->path, 0600, text.data, text.len, err);
}

enum err_code
restore_record_remove(struct restore_record *r, struct err *err)
{
	return fs_remove_tree(r->path, err);
}

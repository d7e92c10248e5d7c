#include "engine/restore_record.h"

#include "engine/restore_path.h"
#include "engine/restore_site.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define RECORD_VERSION 2

static const char *const step_words[] = { "staging", "down", "swapping", "creating", "loading",
	"starting", "kept", "undoing", "restarting", "finishing" };

const char *
restore_step_word(enum restore_step step)
{
	return step_words[step];
}

enum err_code
restore_step_of_word(enum restore_step *out, const char *word, struct err *err)
{
	for (size_t i = 0; word != NULL && i < ARRAY_LEN(step_words); i++) {
		if (strcmp(step_words[i], word) != 0)
			continue;
		*out = (enum restore_step)i;
		return ERR_OK;
	}
	return err_set(
	    err, ERR_CORRUPT, "\"%s\" is no step of a restore", word != NULL ? word : "");
}

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

enum err_code
restore_record_path(char **out, const char *state_dir, const char *stack, struct err *err)
{
	return str_printf(out, err, "%s/restore-%s.json", state_dir, stack);
}

/* A file beside the record, since the record itself is replaced at every step. */
enum err_code
restore_record_lock(int *fd, const char *state_dir, const char *stack, struct err *err)
{
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, "%s/restore-%s.lock", state_dir, stack))
		return err->code;
	AUTO(fd) int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return err_sys(err, "open %s", path);
	if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return err_set(
			    err, ERR_LOCKED, "another restore of stack %s is running", stack);
		return err_sys(err, "lock %s", path);
	}
	*fd = fd_take(&lock);
	return ERR_OK;
}

enum err_code
restore_record_open(struct restore_record **out, const struct restore_job *j, struct err *err)
{
	AUTO(restore_record) struct restore_record *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	r->lock = -1;
	r->begun_ns = clock_wall_ns();
	const char *state_dir = j->engine->state_dir;
	if (restore_record_path(&r->path, state_dir, j->name, err) ||
	    fs_mkdirs(state_dir, 0700, err) ||
	    restore_record_lock(&r->lock, state_dir, j->name, err))
		return err->code;
	/* It was looked for before, but without the lock. */
	if (fs_exists(r->path))
		return err_set(err, ERR_LOCKED,
		    "another restore of stack %s was begun meanwhile: see stacksnap restore "
		    "status",
		    j->name);
	*out = TAKE(r);
	return ERR_OK;
}

static void
write_item(struct json_writer *w, const struct restore_item *it)
{
	json_obj(w, NULL);
	json_str(w, "kind", item_kind_word(it->kind));
	json_str(w, "name", it->name);
	json_str(w, "target", it->target);
	json_str(w, "stage", it->stage);
	json_str(w, "old", it->old);
	json_flag(w, "was_there", it->was_there);
	json_flag(w, "has_old", it->has_old);
	json_flag(w, "must_keep", it->must_keep);
	json_flag(w, "mounted", it->is_mounted);
	json_u64(w, "old_files", it->old_files);
	json_u64(w, "old_bytes", it->old_bytes);
	json_u64(w, "stage_ino", it->stage_ino);
	json_u64(w, "old_ino", it->old_ino);
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

static const struct stack_volume *
unnamed_volume(const struct stack *s, const char *name)
{
	for (size_t i = 0; i < s->n_volumes; i++)
		if (s->volumes[i].is_anonymous && strcmp(s->volumes[i].name, name) == 0)
			return &s->volumes[i];
	return NULL;
}

/* Volumes without a name: only their container tells where they belong. */
static void
write_unnamed(struct json_writer *w, const struct stack *s, const struct stack_container *c)
{
	json_arr(w, "unnamed");
	for (size_t k = 0; k < c->n_mounts; k++) {
		const struct stack_volume *v = c->mounts[k].kind == MOUNT_VOLUME
						   ? unnamed_volume(s, c->mounts[k].source)
						   : NULL;
		struct stat st;
		if (v == NULL || v->source == NULL || stat(v->source, &st) != 0)
			continue;
		json_obj(w, NULL);
		json_str(w, "volume", v->name);
		json_str(w, "target", c->mounts[k].target);
		json_u64(w, "ino", st.st_ino);
		json_obj_end(w);
	}
	json_arr_end(w);
}

static void
write_old(struct json_writer *w, const struct restore_job *j)
{
	const struct stack *s = j->now;
	const struct strv *run = j->is_partial ? &j->ran : &j->running_now;
	json_obj(w, "old");
	write_project(w, s->working_dir, &s->config_files, &s->env_files, run);
	/* What was not well before need not be so afterwards. */
	json_arr(w, "well");
	for (size_t i = 0; i < run->len; i++)
		if (site_is_well(s, run->items[i]))
			json_str(w, NULL, run->items[i]);
	json_arr_end(w);
	json_arr(w, "containers");
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct stack_container *c = &s->containers[i];
		json_obj(w, NULL);
		json_str(w, "service", c->service);
		json_i64(w, "number", c->number);
		json_str(w, "image", c->image_ref);
		json_str(w, "image_id", c->image_id);
		write_unnamed(w, s, c);
		json_obj_end(w);
	}
	json_arr_end(w);
	json_obj_end(w);
}

static bool
was_before(const struct restore_job *j, const char *volume)
{
	for (size_t i = 0; j->now != NULL && i < j->now->n_volumes; i++)
		if (strcmp(j->now->volumes[i].name, volume) == 0)
			return true;
	for (size_t i = 0; i < j->n_volumes; i++)
		if (j->volumes[i].exists && strcmp(j->volumes[i].name, volume) == 0)
			return true;
	return false;
}

static bool
has_item(const struct restore_job *j, size_t volume)
{
	for (size_t i = 0; i < j->n_items; i++)
		if (j->items[i].kind == ITEM_VOLUME && j->items[i].volume == volume)
			return true;
	return false;
}

/* Of this restore: those it made itself, or is about to, and those that Compose made for it. */
static void
write_volumes_made(struct json_writer *w, const struct restore_job *j)
{
	AUTO(strv) struct strv names = STRV_INIT;
	struct err *err = &w->err;
	for (size_t i = 0; !j->is_partial && i < j->n_volumes; i++) {
		const struct restore_volume *v = &j->volumes[i];
		bool is_ours = v->is_made || (!j->is_staged && !v->exists && has_item(j, i));
		if (is_ours && strv_add(&names, v->name, err))
			return;
	}
	for (size_t i = 0; !j->is_partial && j->made != NULL && i < j->made->n_volumes; i++) {
		const struct stack_volume *v = &j->made->volumes[i];
		if (!v->is_external && !was_before(j, v->name) && !strv_has(&names, v->name) &&
		    strv_add(&names, v->name, err))
			return;
	}
	json_strings(w, "volumes_made", &names);
}

static void
write_volumes_before(struct json_writer *w, const struct restore_job *j)
{
	json_arr(w, "volumes_before");
	for (size_t i = 0; j->now != NULL && i < j->now->n_volumes; i++)
		json_str(w, NULL, j->now->volumes[i].name);
	for (size_t i = 0; i < j->n_volumes; i++)
		if (j->volumes[i].exists)
			json_str(w, NULL, j->volumes[i].name);
	json_arr_end(w);
}

enum err_code
restore_record_text(const struct restore_record *r, const struct restore_job *j,
    enum restore_step step, struct buf *out, struct err *err)
{
	char id[ID_HEX_SIZE];
	id_hex(id, &j->snapshot.id);
	struct json_writer w;
	json_init(&w, out);
	json_obj(&w, NULL);
	json_u64(&w, "version", RECORD_VERSION);
	json_str(&w, "stack", j->name);
	json_str(&w, "snapshot", id);
	json_i64(&w, "snapshot_ns", json_get_int(j->snapshot.document, "time_ns", 0));
	json_str(&w, "host", docker_host(j->docker));
	json_i64(&w, "begun_ns", r->begun_ns);
	json_i64(&w, "kept_ns", step == STEP_KEPT ? clock_wall_ns() : 0);
	json_i64(&w, "pid", getpid());
	json_str(&w, "step", restore_step_word(step));
	json_flag(&w, "partial", j->is_partial);
	json_flag(&w, "lost_some", j->problems > 0 || j->snapshot_lost_some);
	json_i64(&w, "wait_s", j->opt->wait_s);
	json_strings(&w, "services", &j->touched);
	json_strings(&w, "ids", &j->stopped_ids);
	json_arr(&w, "items");
	for (size_t i = 0; i < j->n_items; i++)
		write_item(&w, &j->items[i]);
	json_arr_end(&w);
	write_volumes_before(&w, j);
	write_volumes_made(&w, j);
	if (j->now != NULL && j->now->n_containers > 0)
		write_old(&w, j);
	else
		json_nil(&w, "old");
	json_obj(&w, "new");
	const struct strv *files = j->made_files.len > 0 ? &j->made_files : &j->config_files;
	write_project(&w, j->dir, files, &j->env_files, &j->ran);
	json_obj_end(&w);
	json_obj_end(&w);
	return json_finish(&w, err);
}

enum err_code
restore_record_write(struct restore_record *r, const struct restore_job *j,
    enum restore_step step, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (restore_record_text(r, j, step, &text, err))
		return err->code;
	return fs_write_file(r->path, 0600, text.data, text.len, err);
}

enum err_code
restore_record_remove(const char *path, struct err *err)
{
	AUTO(str) char *holder = NULL;
	if (unlink(path) != 0 && errno != ENOENT)
		return err_sys(err, "remove %s", path);
	if (path_holder(&holder, path, err))
		return err->code;
	return fs_sync_dir(holder, err);
}

#include "tree/save_impl.h"

#include "base/log.h"
#include "tree/cachedir.h"

#include <dirent.h>
#include <errno.h>

/* Which names of a folder are kept. */
struct keeping {
	struct worker *worker;
	size_t prefix; /* bytes of worker->path that are the folder's own */
	bool failed; /* out of memory */
};

static bool
keep_name(void *arg, const char *name, uint8_t type)
{
	struct keeping *k = arg;
	struct buf *path = &k->worker->path;
	const struct tree_save_options *opt = k->worker->saver->opt;
	struct err scratch; /* told by failed */
	path->len = k->prefix;
	if (buf_str(path, name, &scratch)) {
		k->failed = true;
		return false;
	}
	return !opt->exclude(
	    opt->exclude_arg, (const char *)path->data, path->len, type == DT_DIR);
}

static bool
keep_tag(void *arg, const char *name, uint8_t type)
{
	(void)arg;
	(void)type;
	return strcmp(name, CACHEDIR_TAG) == 0;
}

static enum err_code
read_names(struct worker *w, struct folder *folder, int fd, struct names *out, struct err *err)
{
	if (w->saver->opt->exclude == NULL)
		return names_read(out, fd, w->scratch, NULL, NULL, err);
	struct keeping k = { .worker = w };
	w->path.len = 0;
	if (folder_path(folder, NULL, &w->path, err) ||
	    (w->path.len > 0 && buf_str(&w->path, "/", err)))
		return err->code;
	k.prefix = w->path.len;
	if (names_read(out, fd, w->scratch, keep_name, &k, err))
		return err->code;
	if (!k.failed)
		return ERR_OK;
	names_release(out);
	return err_nomem(err);
}

/* The folder's own xattrs and owner; xattrs that cannot be read are a problem. */
static enum err_code
read_meta(
    struct worker *w, struct folder *folder, int fd, struct tree_entry *e, struct err *err)
{
	if (meta_read_owner(&w->meta, e, err))
		return err->code;
	if (meta_read_xattrs(&w->meta, e, fd, err)) {
		if (err->code == ERR_NO_MEMORY)
			return err->code;
		worker_problem(w, TREE_METADATA, folder, NULL, err);
	}
	return ERR_OK;
}

static void
show_path(struct worker *w, struct folder *folder)
{
	struct tree_progress *p = w->saver->report.progress;
	if (p == NULL)
		return;
	const char *path = worker_path(w, folder, NULL);
	tree_progress_set_path(p, path, strlen(path));
}

/* Begin an open folder.  *problem: it cannot be read, and err says why. */
static enum err_code
begin(struct worker *w, const struct place *at, struct folder *folder, struct tree_entry *e,
    bool *problem, struct err *err)
{
	struct names names = NAMES_INIT;
	const struct tree_save_options *opt = w->saver->opt;
	bool stay_out = at->up != NULL && e->dev != 0 && opt->one_file_system;
	int fd;
	if (folder_pin(folder, &fd, err))
		return err->code;
	bool is_cache =
	    at->up != NULL && opt->exclude_caches && cachedir_is_tag(fd, CACHEDIR_TAG);
	if (stay_out || is_cache)
		atomic_fetch_add_explicit(&w->saver->left_out, 1, memory_order_relaxed);
	enum err_code rc = ERR_OK;
	if (is_cache && !stay_out)
		rc = names_read(&names, fd, w->scratch, keep_tag, NULL, err);
	else if (!stay_out)
		rc = read_names(w, folder, fd, &names, err);
	*problem = rc != ERR_OK && rc != ERR_NO_MEMORY;
	if (rc == ERR_OK) {
		show_path(w, folder);
		rc = read_meta(w, folder, fd, e, err);
	}
	folder_unpin(folder);
	if (rc == ERR_OK) {
		w->tally.dirs++;
		rc = node_begin(w->saver, at, folder, &names, e, err);
	}
	names_release(&names);
	return rc;
}

enum err_code
dir_run_root(struct worker *w, struct folder *folder, const struct stat *st, struct err *err)
{
	struct place at = { .up = NULL };
	const struct tree_entry *parent = w->saver->opt->parent;
	AUTO(bufv) struct buf old = BUF_INIT;
	if (parent != NULL && parent->type == TREE_DIR) {
		if (tree_entry_encode(parent, &old, err))
			return err_wrap(err, "the earlier tree");
		at.old = (struct tree_raw){ old.data, old.len, TREE_DIR, "", 0 };
	}
	struct tree_entry e = TREE_ENTRY_INIT;
	meta_from_stat(&e, st, 0);
	bool problem;
	return begin(w, &at, folder, &e, &problem, err);
}

/* Another filesystem begins here: flush it too, so that later writes change times again.  Also
 * without a parent: this save may be the parent of one that does not sync. */
static enum err_code
sync_mount(const struct saver *s, struct folder *folder, struct place *at, struct err *err)
{
	int fd;
	if (s->opt->no_sync)
		return ERR_OK;
	if (folder_pin(folder, &fd, err))
		return err->code;
	if (syncfs(fd) != 0) {
		log_debug("sync of a mounted filesystem failed (%d): reading all of it", errno);
		at->old.data = NULL;
	}
	folder_unpin(folder);
	return ERR_OK;
}

static enum err_code
enter(const struct unit *u, const char *name, struct folder **out, struct stat *st,
    struct err *err)
{
	int up_fd;
	if (folder_pin(u->folder, &up_fd, err))
		return err->code;
	enum err_code rc = folder_enter(out, u->folder, name, st, err);
	folder_unpin(u->folder);
	return rc;
}

/* A folder that cannot be read is left out. */
static void
leave_out(struct worker *w, const struct unit *u, const char *name, const struct err *err)
{
	struct buf nothing = BUF_INIT;
	worker_problem(w, err->code == ERR_NOT_FOUND ? TREE_VANISHED : TREE_UNREADABLE,
	    u->folder, name, err);
	node_give(w->saver, u->node, u->seq, &nothing, false);
}

enum err_code
dir_run(struct worker *w, struct unit *u, struct err *err)
{
	const char *name = names_text(u->names, u->first);
	struct place at = { .up = u->node, .seq = u->seq };
	if (u->old_offset != NULL && u->old_offset[0] != NO_OLD) {
		struct rd r;
		rd_init(&r, u->old.data, u->old.len);
		if (!tree_raw_next(&r, &at.old))
			return err_set(err, ERR_CORRUPT, "read the earlier tree: malformed");
	}
	struct folder *folder = NULL;
	struct stat st;
	if (enter(u, name, &folder, &st, err)) {
		if (err->code == ERR_NO_MEMORY)
			return err->code;
		leave_out(w, u, name, err);
		return ERR_OK;
	}
	struct tree_entry e = TREE_ENTRY_INIT;
	meta_from_stat(&e, &st, folder_dev(u->folder));
	e.name = name;
	e.name_len = strlen(name);
	bool problem = false;
	enum err_code rc = ERR_OK;
	if (e.dev != 0)
		rc = sync_mount(w->saver, folder, &at, err);
	if (rc == ERR_OK)
		rc = begin(w, &at, folder, &e, &problem, err);
	folder_unpin(folder);
	folder_unref(folder);
	if (problem)
		leave_out(w, u, name, err);
	return problem ? ERR_OK : rc;
}

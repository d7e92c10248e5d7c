/* Removing what the tree has not: files, and folders with all below them. */
#include "tree/restore_impl.h"

#include "tree/meta.h"
#include "tree/names.h"

#include <errno.h>
#include <fcntl.h>

/* A folder on the way down: trees may be deeper than the stack. */
struct going {
	struct folder *folder;
	struct names names;
	size_t next;
	bool holds; /* something in it stays */
	struct going *up;
};

struct deleting {
	struct restorer *restorer;
	void *scratch; /* NAMES_SCRATCH_SIZE bytes */
	struct going *top;
	struct buf path;
};

static void
gone(struct restorer *r, const struct folder *in, const char *name, const struct stat *st)
{
	enum tree_type type = meta_type(st->st_mode);
	atomic_fetch_add(&r->deleted, 1);
	restorer_tell(r, TREE_DELETED, type, type == TREE_FILE ? (uint64_t)st->st_size : 0,
	    folder_trail(in), name);
}

/* False when it stays, which is told unless it is meant to. */
static bool
remove_name(struct restorer *r, const struct folder *in, int fd, const char *name,
    const struct stat *st)
{
	bool is_dir = S_ISDIR(st->st_mode);
	if (!r->opt->dry_run && unlinkat(fd, name, is_dir ? AT_REMOVEDIR : 0) != 0 &&
	    errno != ENOENT) {
		restorer_errno(r, TREE_NOT_DELETED, folder_trail(in), name, "remove");
		return false;
	}
	gone(r, in, name, st);
	return true;
}

static bool
is_kept(struct deleting *d, const struct folder *in, const char *name, bool is_dir)
{
	const struct tree_restore_options *opt = d->restorer->opt;
	struct err scratch; /* without memory it is better to keep it */
	d->path.len = 0;
	if (opt->keep == NULL)
		return false;
	return folder_path(in, name, &d->path, &scratch) != ERR_OK ||
	       opt->keep(opt->keep_arg, (const char *)d->path.data, d->path.len, is_dir);
}

static void
stays(struct restorer *r, const struct folder *in, const char *name, const char *why)
{
	restorer_problem(r, TREE_NOT_DELETED, folder_trail(in), name, "not removed: %s", why);
}

static enum err_code
read_names(struct deleting *d, struct going *g, struct err *err)
{
	int fd;
	if (folder_pin(g->folder, &fd, err))
		return err->code;
	enum err_code rc = names_read(&g->names, fd, d->scratch, NULL, NULL, err);
	folder_unpin(g->folder);
	return rc;
}

/* Enter a folder that is to go, inside one that is pinned; false when it must stay. */
static bool
enter(struct deleting *d, struct folder *in, const char *name)
{
	struct err err;
	struct stat st;
	struct going *g = calloc(1, sizeof *g);
	if (g == NULL) {
		err_nomem(&err);
		restorer_fail(d->restorer, &err);
		return false;
	}
	if (folder_enter(&g->folder, in, name, &st, &err)) {
		stays(d->restorer, in, name, err.msg);
		free(g);
		return false;
	}
	folder_unpin(g->folder);
	g->up = d->top;
	d->top = g;
	if (st.st_dev != folder_dev(in)) {
		g->holds = true;
		stays(d->restorer, in, name, "another filesystem is mounted there");
	} else if (read_names(d, g, &err)) {
		g->holds = true;
		stays(d->restorer, in, name, err.msg);
	}
	return true;
}

/* One name in a folder that is pinned as fd: true when it is gone.  Of a folder it is not known
 * yet: *entered. */
static bool
handle(struct deleting *d, struct folder *in, int fd, const char *name, bool *entered)
{
	struct stat st;
	*entered = false;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		bool is_gone = errno == ENOENT;
		if (!is_gone)
			stays(d->restorer, in, name, strerrordesc_np(errno));
		return is_gone;
	}
	if (is_kept(d, in, name, S_ISDIR(st.st_mode)))
		return false;
	if (!S_ISDIR(st.st_mode))
		return remove_name(d->restorer, in, fd, name, &st);
	*entered = enter(d, in, name);
	return false;
}

/* The next name of the folder at the top. */
static void
step(struct deleting *d)
{
	struct going *g = d->top;
	const char *name = names_text(&g->names, g->next++);
	struct err err;
	int fd;
	bool entered = false;
	bool is_gone = false;
	if (folder_pin(g->folder, &fd, &err)) {
		stays(d->restorer, g->folder, name, err.msg);
	} else {
		is_gone = handle(d, g->folder, fd, name, &entered);
		folder_unpin(g->folder);
	}
	g->holds |= !is_gone && !entered;
}

static bool
remove_folder(struct deleting *d, const struct going *g, struct folder *in)
{
	const struct stat st = { .st_mode = S_IFDIR };
	const char *name = trail_name(folder_trail(g->folder));
	struct err err;
	int fd;
	if (folder_pin(in, &fd, &err)) {
		stays(d->restorer, in, name, err.msg);
		return false;
	}
	bool ok = remove_name(d->restorer, in, fd, name, &st);
	folder_unpin(in);
	return ok;
}

/* Leave the folder at the top, and remove it when nothing is left in it. */
static void
leave(struct deleting *d, struct folder *below)
{
	struct going *g = d->top;
	d->top = g->up;
	bool holds = g->holds || g->next < g->names.count ||
		     !remove_folder(d, g, d->top != NULL ? d->top->folder : below);
	if (d->top != NULL)
		d->top->holds |= holds;
	names_release(&g->names);
	folder_unref(g->folder);
	free(g);
}

static void
delete_below(struct deleting *d, struct folder *in, int fd, const char *name)
{
	bool entered;
	handle(d, in, fd, name, &entered);
	while (d->top != NULL) {
		if (d->top->next < d->top->names.count && restorer_goes_on(d->restorer))
			step(d);
		else
			leave(d, in);
	}
}

void
delete_extra(struct rnode *n, const char *name)
{
	struct deleting d = { .restorer = n->restorer, .path = BUF_INIT };
	struct err err;
	int fd;
	d.scratch = malloc(NAMES_SCRATCH_SIZE);
	if (d.scratch == NULL) {
		err_nomem(&err);
		restorer_fail(n->restorer, &err);
	} else if (folder_pin(n->folder, &fd, &err)) {
		stays(n->restorer, n->folder, name, err.msg);
	} else {
		delete_below(&d, n->folder, fd, name);
		folder_unpin(n->folder);
	}
	free(d.scratch);
	buf_release(&d.path);
}

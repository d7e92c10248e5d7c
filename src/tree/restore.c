#include "tree/restore_impl.h"

#include "base/strv.h"
#include "sys/fd.h"
#include "sys/thread.h"
#include "tree/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

/* More threads than processors, since some wait for the disk of the repository or that of the
 * target: so that a slow one does not leave the processors idle. */
#define WAITING_THREADS 2

/* Batches of files that wait (restore_walk.c). */
#define BATCHES_PER_THREAD 2

void
restorer_fail(struct restorer *r, const struct err *err)
{
	pthread_mutex_lock(&r->lock);
	if (!atomic_load(&r->stop)) {
		r->err = *err;
		atomic_store(&r->stop, true);
	}
	pthread_mutex_unlock(&r->lock);
}

bool
restorer_goes_on(struct restorer *r)
{
	struct err err;
	if (cancel_check(r->opt->cancel, &err))
		restorer_fail(r, &err);
	return !atomic_load_explicit(&r->stop, memory_order_relaxed);
}

/* A root that is a file and is lost leaves nothing: that is an error. */
static bool
is_loss(enum tree_problem_kind kind)
{
	return kind == TREE_SPECIAL || kind == TREE_IN_THE_WAY || kind == TREE_FAILED ||
	       kind == TREE_DAMAGED;
}

static enum err_code
loss_code(enum tree_problem_kind kind)
{
	return kind == TREE_DAMAGED      ? ERR_CORRUPT
	       : kind == TREE_IN_THE_WAY ? ERR_EXISTS
					 : ERR_IO;
}

void
restorer_problem(struct restorer *r, enum tree_problem_kind kind, const struct trail *t,
    const char *name, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	atomic_fetch_add(&r->lost, is_loss(kind));
	if (r->root_is_file && is_loss(kind)) {
		struct err err;
		err_set(&err, loss_code(kind), "%s", text);
		restorer_fail(r, &err);
		return;
	}
	AUTO(bufv) struct buf path = BUF_INIT;
	struct err scratch; /* without memory a problem is told without its path */
	if (!r->root_is_file && trail_path(t, name, &path, &scratch))
		path.len = 0;
	report_problem(&r->report, kind, path.len > 0 ? (const char *)path.data : "", path.len,
	    "%s", text);
}

bool
errno_is_fatal(int errnum)
{
	return errnum == ENOSPC || errnum == EDQUOT || errnum == EROFS || errnum == ENOMEM;
}

void
restorer_errno(struct restorer *r, enum tree_problem_kind kind, const struct trail *t,
    const char *name, const char *what)
{
	int errnum = errno;
	if (!errno_is_fatal(errnum)) {
		restorer_problem(r, kind, t, name, "%s: %s", what, strerrordesc_np(errnum));
		return;
	}
	AUTO(bufv) struct buf path = BUF_INIT;
	struct err err;
	struct err scratch; /* as above */
	if (r->root_is_file || trail_path(t, name, &path, &scratch))
		path.len = 0;
	err_errno(&err, errnum, "%s %.200s", what,
	    path.len > 0 ? (const char *)path.data : "the target");
	restorer_fail(r, &err);
}

void
restorer_repo_error(
    struct restorer *r, const struct trail *t, const char *name, const struct err *err)
{
	if (err->code == ERR_CORRUPT || err->code == ERR_NOT_FOUND ||
	    err->code == ERR_UNSUPPORTED)
		restorer_problem(r, TREE_DAMAGED, t, name, "%s", err->msg);
	else
		restorer_fail(r, err);
}

bool
restorer_may_replace(const struct restorer *r)
{
	return r->opt->overwrite != TREE_OVERWRITE_NEVER;
}

void
restorer_tell(struct restorer *r, enum tree_change change, enum tree_type type, uint64_t size,
    const struct trail *t, const char *name)
{
	struct err err;
	AUTO(bufv) struct buf path = BUF_INIT;
	if (r->opt->change == NULL)
		return;
	if (!r->root_is_file && trail_path(t, name, &path, &err)) {
		restorer_fail(r, &err);
		return;
	}
	pthread_mutex_lock(&r->report.lock);
	r->opt->change(r->opt->change_arg, change, type, size,
	    path.len > 0 ? (const char *)path.data : "", path.len);
	pthread_mutex_unlock(&r->report.lock);
}

void
restorer_done(
    struct rnode *n, const struct tree_entry *e, enum tree_change change, uint64_t left)
{
	struct restorer *r = n->restorer;
	bool is_file = e->type == TREE_FILE;
	struct tally t = { .files = is_file, .others = !is_file };
	report_progress(&r->report, &t);
	if (is_file) {
		atomic_fetch_add(&r->files, 1);
		atomic_fetch_add(&r->files_made, change == TREE_MADE);
		atomic_fetch_add(&r->files_left, change == TREE_LEFT);
		atomic_fetch_add(&r->bytes, e->content.size);
		atomic_fetch_add(&r->bytes_left, left);
	} else {
		atomic_fetch_add(&r->others, 1);
	}
	if (r->pass != PASS_READ_BACK)
		restorer_tell(r, change, e->type, e->content.size, n->trail, e->name);
}

/* Targets */

static enum err_code
look_inside(int dir_fd, bool *is_empty, struct err *err)
{
	struct names names;
	AUTO(mem) void *scratch = malloc(NAMES_SCRATCH_SIZE);
	if (scratch == NULL)
		return err_nomem(err);
	if (names_read(&names, dir_fd, scratch, NULL, NULL, err))
		return err->code;
	*is_empty = names.count == 0;
	names_release(&names);
	return ERR_OK;
}

/* Open the target folder, made when it is missing and this pass makes things; -1 when it is not
 * there. */
static enum err_code
open_target(
    int *out, bool *was_there, const struct restorer *r, const char *target, struct err *err)
{
	bool makes = r->pass == PASS_WRITE;
	bool made = makes && mkdir(target, 0700) == 0;
	if (makes && !made && errno != EEXIST)
		return err_sys(err, "create folder %s", target);
	*was_there = !made;
	AUTO(fd) int fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && (makes || errno != ENOENT))
		return err_sys(err, "open %s", target);
	bool is_empty = true;
	if (fd >= 0 && !made && r->pass != PASS_READ_BACK && !restorer_may_replace(r)) {
		if (look_inside(fd, &is_empty, err))
			return err_wrap(err, "%s", target);
		if (!is_empty)
			return err_set(err, ERR_EXISTS, "%s: the folder is not empty", target);
	}
	*out = fd_take(&fd);
	return ERR_OK;
}

/* The root of the target, from its descriptor, or absent when that is -1. */
static enum err_code
open_root(struct rnode **out, struct restorer *r, struct tree_entry *e, int *fd, int *root_fd,
    bool was_there, bool keep_meta, struct err *err)
{
	struct rnode *root;
	if (rnode_new(&root, r, NULL, e, err))
		return err->code;
	root->keep_meta = keep_meta;
	root->absent = *fd < 0;
	if (*fd >= 0) {
		*root_fd = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
		if (*root_fd < 0)
			err_sys(err, "open the target");
		if (*root_fd < 0 || rnode_adopt(root, *fd, was_there, err)) {
			rnode_unpend(root);
			return err->code;
		}
		fd_take(fd);
	}
	*out = root;
	return ERR_OK;
}

static enum err_code
restore_dir(struct restorer *r, const struct tree_entry *e, const char *target, int *root_fd,
    struct link_names *links, struct err *err)
{
	AUTO(tree_entry) struct tree_entry copy = TREE_ENTRY_INIT;
	struct rnode *root;
	bool was_there = false;
	AUTO(fd) int fd = -1;
	if (open_target(&fd, &was_there, r, target, err) || tree_entry_copy(&copy, e, err) ||
	    open_root(&root, r, &copy, &fd, root_fd, was_there, r->opt->leave_root, err))
		return err->code;
	walk_tree(r, root, links);
	return ERR_OK;
}

/* Split a path into the folder that holds it and the name there. */
static enum err_code
split(const char *target, char **folder, char **name, struct err *err)
{
	size_t len = strlen(target);
	while (len > 1 && target[len - 1] == '/')
		len--;
	size_t start = len;
	while (start > 0 && target[start - 1] != '/')
		start--;
	if (!tree_name_is_valid(target + start, len - start))
		return err_set(err, ERR_USAGE, "%s: not the path of a file", target);
	if (str_dupn(name, target + start, len - start, err))
		return err->code;
	return start == 0 ? str_dup(folder, ".", err) : str_dupn(folder, target, start, err);
}

static enum err_code
restore_file(struct restorer *r, const struct tree_entry *e, const char *target, int *root_fd,
    struct err *err)
{
	AUTO(str) char *folder = NULL;
	AUTO(str) char *name = NULL;
	if (split(target, &folder, &name, err))
		return err->code;
	AUTO(fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && (r->pass == PASS_WRITE || errno != ENOENT))
		return err_sys(err, "open %s", folder);
	struct stat st;
	if (fd >= 0 && r->pass != PASS_READ_BACK && !restorer_may_replace(r) &&
	    fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(err, ERR_EXISTS, "%s is there already", target);

	struct tree_entry renamed = *e;
	renamed.name = name;
	renamed.name_len = strlen(name);
	AUTO(tree_entry) struct tree_entry copy = TREE_ENTRY_INIT;
	struct tree_entry holder = TREE_ENTRY_INIT;
	struct rnode *root;
	int dir_fd = fd;
	if (tree_entry_copy(&copy, &renamed, err) ||
	    open_root(&root, r, &holder, &fd, root_fd, true, true, err))
		return err->code;
	restore_one(root, dir_fd, &copy);
	rnode_unpend(root);
	return ERR_OK;
}

/* The process's umask.  It can only be read by setting it: for a moment to the strictest. */
static mode_t
read_umask(void)
{
	mode_t mask = umask(0777);
	umask(mask);
	return mask;
}

static void
restorer_init(struct restorer *r, struct repo *repo, enum restore_pass pass,
    const struct tree_restore_options *opt)
{
	*r = (struct restorer){ .repo = repo, .opt = opt, .pass = pass };
	r->umask = read_umask();
	bool openat2 = opt->resolve == TREE_RESOLVE_OPENAT2 ||
		       (opt->resolve == TREE_RESOLVE_BEST && folder_has_openat2());
	r->is_superuser = geteuid() == 0;
	folder_set_init(&r->folders, openat2, false);
	reporter_init(&r->report, opt->problem, opt->problem_arg, opt->progress);
	map_init(&r->users, 36, sizeof(uint32_t));
	map_init(&r->groups, 36, sizeof(uint32_t));
	pthread_mutex_init(&r->lock, NULL);
}

static void
restorer_release(struct restorer *r)
{
	owners_release(r);
	reporter_release(&r->report);
	folder_set_release(&r->folders);
	pthread_mutex_destroy(&r->lock);
}

static enum err_code
restore_root(struct restorer *r, const struct tree_entry *e, const char *target, int *root_fd,
    struct link_names *links, struct err *err)
{
	unsigned threads =
	    r->opt->threads > 0 ? r->opt->threads : thread_cpus() + WAITING_THREADS;
	enum err_code rc =
	    pool_open(&r->pool, threads, (size_t)threads * BATCHES_PER_THREAD, "restore", err);
	if (rc == ERR_OK)
		rc = e->type == TREE_DIR ? restore_dir(r, e, target, root_fd, links, err)
					 : restore_file(r, e, target, root_fd, err);
	pool_close(r->pool);
	return rc;
}

static enum err_code
run(struct restorer *r, const struct tree_entry *e, const char *target, struct err *err)
{
	bool writes = r->pass == PASS_WRITE;
	struct link_names *links = NULL;
	AUTO(fd) int root_fd = -1;
	r->root_is_file = e->type != TREE_DIR;
	if (writes && link_names_new(&links, err))
		return err->code;
	enum err_code rc = restore_root(r, e, target, &root_fd, links, err);
	if (writes) {
		link_names_finish(links, r);
		link_names_free(links);
	}
	if (rc)
		return rc;
	if (atomic_load(&r->stop)) {
		*err = r->err;
		return err->code;
	}
	if (writes && !r->opt->no_sync && syncfs(root_fd) != 0)
		return err_sys(err, "sync %s", target);
	return ERR_OK;
}

enum err_code
tree_restore(struct tree_restored *out, struct repo *repo, const struct tree_entry *e,
    const char *target, const struct tree_restore_options *opt, struct err *err)
{
	struct restorer r;
	restorer_init(&r, repo, opt->dry_run ? PASS_LOOK : PASS_WRITE, opt);
	enum err_code rc = run(&r, e, target, err);
	struct tree_restored done = { .files = r.files,
		.files_made = r.files_made,
		.files_left = r.files_left,
		.dirs = r.dirs,
		.others = r.others,
		.bytes = r.bytes,
		.bytes_left = r.bytes_left,
		.deleted = r.deleted,
		.lost = r.lost,
		.problems = r.report.problems,
		.owners_unset = r.owners_unset };
	restorer_release(&r);
	if (rc)
		return err_wrap(err, "restore to %s", target);
	*out = done;
	return ERR_OK;
}

enum err_code
tree_read_back(struct tree_read_back *out, struct repo *repo, const struct tree_entry *e,
    const char *target, const struct tree_restore_options *opt, struct err *err)
{
	struct restorer r;
	restorer_init(&r, repo, PASS_READ_BACK, opt);
	enum err_code rc = run(&r, e, target, err);
	struct tree_read_back done = { .files = r.files,
		.bytes = r.bytes,
		.differ = r.differ,
		.missing = r.missing,
		.problems = r.report.problems };
	restorer_release(&r);
	if (rc)
		return err_wrap(err, "read back %s", target);
	*out = done;
	return ERR_OK;
}

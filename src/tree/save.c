#include "tree/save_impl.h"

#include "base/log.h"
#include "base/strv.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/thread.h"

#include <errno.h>
#include <fcntl.h>

/* Timestamps of files come from a clock that ticks every 1 to 10 ms. */
#define CLOCK_SLACK (20 * NS_PER_MS)

void
tree_saved_release(struct tree_saved *s)
{
	tree_entry_release(&s->root);
}

void
saver_fail(struct saver *s, const struct err *err)
{
	pthread_mutex_lock(&s->lock);
	if (!atomic_load(&s->stop)) {
		s->err = *err;
		atomic_store(&s->stop, true);
	}
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

bool
saver_goes_on(struct saver *s)
{
	struct err err;
	if (cancel_check(s->opt->cancel, &err))
		saver_fail(s, &err);
	return !atomic_load_explicit(&s->stop, memory_order_relaxed);
}

void
saver_finish(struct saver *s, struct buf *root)
{
	pthread_mutex_lock(&s->lock);
	s->root = *root;
	*root = (struct buf)BUF_INIT;
	s->finished = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

const char *
worker_path(struct worker *w, const struct folder *f, const char *name)
{
	struct err scratch; /* out of memory: a problem without its path is still told */
	w->path.len = 0;
	if (w->saver->root_is_file || folder_path(f, name, &w->path, &scratch))
		return "";
	return (const char *)w->path.data;
}

void
worker_problem(struct worker *w, enum tree_problem_kind kind, const struct folder *f,
    const char *name, const struct err *err)
{
	/* A root that is left out leaves nothing. */
	if (w->saver->root_is_file && (kind == TREE_VANISHED || kind == TREE_UNREADABLE)) {
		saver_fail(w->saver, err);
		return;
	}
	const char *path = worker_path(w, f, name);
	report_problem(&w->saver->report, kind, path, strlen(path), "%s", err->msg);
}

void
worker_count(struct worker *w)
{
	struct saver *s = w->saver;
	const struct tally *t = &w->tally;
	report_progress(&s->report, t);
	atomic_fetch_add_explicit(&s->files, t->files, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->dirs, t->dirs, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->others, t->others, memory_order_relaxed);
	atomic_fetch_add_explicit(
	    &s->bytes, t->bytes + t->bytes_unchanged, memory_order_relaxed);
	atomic_fetch_add_explicit(
	    &s->files_unchanged, t->files_unchanged, memory_order_relaxed);
	atomic_fetch_add_explicit(
	    &s->bytes_unchanged, t->bytes_unchanged, memory_order_relaxed);
	w->tally = (struct tally){ 0 };
}

static void
saver_init(struct saver *s, struct writer *w, const struct tree_save_options *opt)
{
	*s = (struct saver){ .opt = opt, .writer = w, .repo = writer_repo(w) };
	s->threads = opt->threads > 0 ? opt->threads : thread_cpus();
	/* The path of a walk is the user's own: a moved folder is found out by its inode. */
	folder_set_init(&s->folders, false, true);
	reporter_init(&s->report, opt->problem, opt->problem_arg, opt->progress);
	links_init(&s->links);
	clones_init(&s->clones, opt->may_clone);
	int64_t before = opt->parent_began_ns - CLOCK_SLACK;
	if (opt->parent != NULL && before > 0)
		s->unchanged_before =
		    (struct tree_time){ before / NS_PER_S, (uint32_t)(before % NS_PER_S) };
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
}

static void
saver_release(struct saver *s)
{
	batches_free(s);
	nodes_free(s);
	links_release(&s->links);
	clones_release(&s->clones);
	buf_release(&s->root);
	reporter_release(&s->report);
	folder_set_release(&s->folders);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
}

static enum err_code
worker_init(struct worker *w, struct saver *s, struct err *err)
{
	*w = (struct worker){ .saver = s, .path = BUF_INIT };
	meta_init(&w->meta);
	w->scratch = malloc(NAMES_SCRATCH_SIZE);
	return w->scratch != NULL ? ERR_OK : err_nomem(err);
}

static void
worker_release(struct worker *w)
{
	intake_free(w->intake);
	meta_release(&w->meta);
	buf_release(&w->path);
	free(w->scratch);
}

static void
work(struct worker *w)
{
	struct unit u;
	struct err err;
	while (!w->saver->reads_clones && saver_next_unit(w->saver, &u)) {
		enum err_code rc = saver_goes_on(w->saver) ? (u.is_dir ? dir_run(w, &u, &err)
								       : batch_run(w, &u, &err))
							   : ERR_OK;
		unit_release(&u);
		if (rc)
			saver_fail(w->saver, &err);
		saver_unit_done(w->saver);
	}
	struct clone c;
	while (w->saver->reads_clones && saver_goes_on(w->saver) &&
	       clones_take(&w->saver->clones, &c)) {
		if (slot_read_clone(w, &c, &err))
			saver_fail(w->saver, &err);
		worker_count(w);
	}
	worker_count(w);
}

static void *
run_worker(void *arg)
{
	struct worker w;
	struct err err;
	if (worker_init(&w, arg, &err))
		saver_fail(arg, &err);
	else
		work(&w);
	worker_release(&w);
	return NULL;
}

/* Do all the work there is, on the calling thread and threads - 1 others. */
static void
run_all(struct saver *s, struct worker *own)
{
	struct err err;
	unsigned others = s->threads - 1;
	AUTO(mem) pthread_t *threads = calloc(s->threads, sizeof *threads);
	if (threads == NULL) {
		err_nomem(&err);
		saver_fail(s, &err);
		return;
	}
	unsigned started = 0;
	for (; started < others; started++)
		if (thread_start(&threads[started], run_worker, s, "walk", &err)) {
			saver_fail(s, &err);
			break;
		}
	work(own);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	/* The repository's workers call back for every content, also after a failure. */
	pthread_mutex_lock(&s->lock);
	while (s->in_flight > 0)
		pthread_cond_wait(&s->wake, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

/* What is to be saved: a folder, or a name in one. */
struct origin {
	struct folder *folder;
	struct stat st; /* of the folder, when it is the root */
	char *name; /* NULL: the folder itself */
};

static void
origin_release(struct origin *o)
{
	folder_unref(o->folder);
	free(o->name);
}

static enum err_code
open_origin(struct origin *o, struct saver *s, const char *path, struct err *err)
{
	AUTO(str) char *real = NULL;
	if (fs_real_path(&real, path, err))
		return err->code;
	if (stat(real, &o->st) != 0)
		return err_sys(err, "stat %s", path);
	if (!S_ISDIR(o->st.st_mode)) {
		char *slash = strrchr(real, '/');
		if (str_dup(&o->name, slash + 1, err))
			return err->code;
		slash[1] = '\0';
	}
	AUTO(fd) int fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (o->name == NULL && fstat(fd, &o->st) != 0)
		return err_sys(err, "stat %s", path);
	if (folder_root(&o->folder, &s->folders, fd, err))
		return err_wrap(err, "open %s", path);
	fd_take(&fd);
	return ERR_OK;
}

/* Flush the root's filesystem.  When that fails, later writes through old mappings may leave
 * the times alone, so the parent proves nothing. */
static void
sync_root(struct saver *s, const struct origin *o)
{
	struct err err;
	int fd;
	if (s->opt->no_sync || folder_pin(o->folder, &fd, &err))
		return;
	if (syncfs(fd) != 0) {
		log_debug("sync before a save failed (%d): reading everything", errno);
		s->unchanged_before = (struct tree_time){ INT64_MIN, 0 };
	}
	folder_unpin(o->folder);
}

static enum err_code
take_result(struct saver *s, struct tree_saved *out, struct err *err)
{
	if (atomic_load(&s->stop)) {
		*err = s->err;
		return err->code;
	}
	if (writer_check(s->writer, err))
		return err->code;
	struct rd r;
	rd_init(&r, s->root.data, s->root.len);
	if (tree_entry_decode(&out->root, &r, err))
		return err->code;
	out->files = s->files;
	out->dirs = s->dirs;
	out->others = s->others;
	out->bytes = s->bytes;
	out->files_unchanged = s->files_unchanged;
	out->bytes_unchanged = s->bytes_unchanged;
	out->left_out = s->left_out;
	out->problems = s->report.problems;
	return ERR_OK;
}

struct tree_saving {
	struct saver saver;
	struct tree_save_options opt;
	struct tree_entry parent;
	struct origin origin;
	int64_t began_ns;
	char *path;
};

void
tree_saving_free(struct tree_saving *s)
{
	if (s == NULL)
		return;
	origin_release(&s->origin);
	saver_release(&s->saver);
	tree_entry_release(&s->parent);
	free(s->path);
	free(s);
}

uint64_t
tree_saving_clones(const struct tree_saving *s, uint64_t *bytes)
{
	*bytes = s->saver.clones.bytes;
	return s->saver.clones.count;
}

static enum err_code
begin(struct tree_saving *t, struct worker *own, struct err *err)
{
	struct saver *s = &t->saver;
	struct origin *o = &t->origin;
	if (open_origin(o, s, t->path, err))
		return err->code;
	s->root_is_file = o->name != NULL;
	sync_root(s, o);
	enum err_code rc = o->name != NULL ? batch_run_root(own, o->folder, o->name, err)
					   : dir_run_root(own, o->folder, &o->st, err);
	if (rc)
		saver_fail(s, err);
	run_all(s, own);
	if (!atomic_load(&s->stop))
		return ERR_OK;
	*err = s->err;
	return err_wrap(err, "save %s", t->path);
}

enum err_code
tree_save_begin(struct tree_saving **out, struct writer *w, const char *path,
    const struct tree_save_options *opt, struct err *err)
{
	AUTO(tree_saving) struct tree_saving *t = calloc(1, sizeof *t);
	struct worker own;
	if (t == NULL)
		return err_nomem(err);
	t->opt = *opt;
	t->began_ns = clock_wall_ns();
	saver_init(&t->saver, w, &t->opt);
	if (str_dup(&t->path, path, err) ||
	    (opt->parent != NULL && tree_entry_copy(&t->parent, opt->parent, err)))
		return err->code;
	t->opt.parent = opt->parent != NULL ? &t->parent : NULL;
	if (worker_init(&own, &t->saver, err))
		return err->code;
	enum err_code rc = begin(t, &own, err);
	worker_release(&own);
	if (rc == ERR_OK)
		*out = TAKE(t);
	return rc;
}

/* The second step of one that has made clones. */
static enum err_code
read_clones(struct saver *s, struct err *err)
{
	struct worker own;
	if (!clones_wait(&s->clones))
		return ERR_OK;
	if (worker_init(&own, s, err))
		return err->code;
	s->reads_clones = true;
	run_all(s, &own);
	worker_release(&own);
	return ERR_OK;
}

enum err_code
tree_save_end(struct tree_saving *t, struct tree_saved *out, struct err *err)
{
	struct tree_saved saved = TREE_SAVED_INIT;
	saved.began_ns = t->began_ns;
	if (read_clones(&t->saver, err) || take_result(&t->saver, &saved, err))
		return err_wrap(err, "save %s", t->path);
	*out = saved;
	return ERR_OK;
}

enum err_code
tree_save(struct tree_saved *out, struct writer *w, const char *path,
    const struct tree_save_options *opt, struct err *err)
{
	AUTO(tree_saving) struct tree_saving *t = NULL;
	if (tree_save_begin(&t, w, path, opt, err) || tree_save_end(t, out, err))
		return err->code;
	return ERR_OK;
}

#include "tree/compare_live.h"

#include "base/strv.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/thread.h"
#include "tree/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#define BATCH_BYTES ((uint64_t)8 << 20)
#define BATCHES_PER_THREAD 4

/* A folder on the way down: stored, live or both. */
struct frame {
	struct trail *trail;
	struct folder *folder; /* NULL: not live */
	uint64_t stored_dev;
	struct dir_reader *reader; /* NULL: not stored, or at its end */
	struct tree_entry at; /* the next stored entry, if has_at */
	bool has_at;
	struct names names;
	size_t next_name;
	struct batch *batch;
	struct frame *up;
};

static void
send_batch(struct live *l, struct frame *f)
{
	struct batch *b = TAKE(f->batch);
	if (b == NULL)
		return;
	b->job.run = compare_batch_run;
	pool_submit(l->pool, &b->job);
}

static enum err_code
add_item(struct live *l, struct frame *f, struct tree_entry *stored, const char *live_name,
    struct err *err)
{
	if (f->batch == NULL) {
		f->batch = calloc(1, sizeof *f->batch);
		if (f->batch == NULL)
			return err_nomem(err);
		f->batch->live = l;
		f->batch->trail = f->trail;
		trail_ref(f->trail);
		f->batch->folder = f->folder;
		folder_ref(f->folder);
		f->batch->stored_dev = f->stored_dev;
	}
	struct batch *b = f->batch;
	struct item *i = &b->items[b->count];
	*i = (struct item){ .stored = TREE_ENTRY_INIT };
	if (stored == NULL) {
		if (str_dup(&i->name, live_name, err))
			return err->code;
	} else {
		i->stored = *stored;
		i->is_stored = true;
		*stored = (struct tree_entry)TREE_ENTRY_INIT;
		b->bytes += i->stored.content.size;
	}
	if (++b->count == BATCH_MAX || b->bytes >= BATCH_BYTES)
		send_batch(l, f);
	return ERR_OK;
}

/* A listing that is damaged is a problem, and ends there; other errors stop. */
static enum err_code
forgive(struct live *l, struct frame *f, struct err *err)
{
	if (err->code != ERR_CORRUPT && err->code != ERR_UNSUPPORTED)
		return err->code;
	comparer_problem(l->comparer, TREE_DAMAGED, f->trail, NULL, err);
	dir_reader_close(f->reader);
	f->reader = NULL;
	return ERR_OK;
}

static enum err_code
advance(struct live *l, struct frame *f, struct err *err)
{
	tree_entry_release(&f->at);
	f->has_at = false;
	struct tree_raw raw = { .data = NULL };
	if (f->reader == NULL)
		return ERR_OK;
	if (dir_reader_next_raw(f->reader, &raw, err))
		return forgive(l, f, err);
	if (raw.data == NULL)
		return ERR_OK;
	struct rd r;
	rd_init(&r, raw.data, raw.len);
	if (tree_entry_decode(&f->at, &r, err))
		return forgive(l, f, err);
	f->has_at = true;
	return ERR_OK;
}

static void
pop(struct live *l)
{
	struct frame *f = l->top;
	l->top = f->up;
	send_batch(l, f);
	dir_reader_close(f->reader);
	tree_entry_release(&f->at);
	names_release(&f->names);
	folder_unref(f->folder);
	trail_unref(f->trail);
	free(f);
}

static enum err_code
read_live(struct live *l, struct frame *f, struct err *err)
{
	int fd;
	enum err_code rc = folder_pin(f->folder, &fd, err);
	if (rc == ERR_OK) {
		rc = names_read(&f->names, fd, l->scratch, NULL, NULL, err);
		folder_unpin(f->folder);
	}
	if (rc == ERR_NO_MEMORY)
		return rc;
	if (rc)
		comparer_problem(l->comparer, TREE_UNREADABLE, f->trail, NULL, err);
	return ERR_OK;
}

/* Go down; stored or folder may be NULL.  The reference to folder is taken over. */
static enum err_code
push(struct live *l, const char *name, const struct tree_entry *stored, struct folder *folder,
    struct err *err)
{
	struct frame *up = l->top;
	struct frame *f = calloc(1, sizeof *f);
	if (f == NULL || trail_new(&f->trail, up != NULL ? up->trail : NULL, name, err)) {
		free(f);
		folder_unref(folder);
		return err_nomem(err);
	}
	f->folder = folder;
	f->at = (struct tree_entry)TREE_ENTRY_INIT;
	f->up = up;
	l->top = f;
	if (up != NULL)
		f->stored_dev = up->stored_dev;
	if (stored != NULL && stored->dev != 0)
		f->stored_dev = stored->dev;
	if (folder != NULL && read_live(l, f, err))
		return err->code;
	if (stored == NULL)
		return ERR_OK;
	if (dir_reader_open(&f->reader, l->comparer->repo, stored, err))
		return forgive(l, f, err);
	return advance(l, f, err);
}

/* Compare two folders themselves, or tell of a live one. */
static enum err_code
compare_folder(struct live *l, const struct trail *t, const char *name,
    const struct tree_entry *stored, struct folder *folder, const struct stat *st,
    struct err *err)
{
	struct tree_entry live = TREE_ENTRY_INIT;
	unsigned fields = 0;
	compare_from_stat(&live, st, name != NULL ? name : "");
	if (stored != NULL) {
		int fd;
		if (folder_pin(folder, &fd, err))
			return err->code;
		enum err_code rc = meta_read_xattrs(&l->meta, &live, fd, err);
		folder_unpin(folder);
		if (rc)
			return rc;
		fields = compare_meta(stored, &live);
	}
	compare_tell(l->comparer, t, name, fields, stored, &live);
	struct tally tally = { .dirs = 1 };
	report_progress(&l->comparer->report, &tally);
	return ERR_OK;
}

/* A live folder of a frame; stored may be NULL, or no folder. */
static enum err_code
meet_folder(struct live *l, struct frame *f, const char *name, const struct tree_entry *stored,
    struct err *err)
{
	struct folder *folder = NULL;
	struct stat st;
	int fd;
	enum err_code rc = folder_pin(f->folder, &fd, err);
	if (rc == ERR_OK) {
		rc = folder_enter(&folder, f->folder, name, &st, err);
		folder_unpin(f->folder);
	}
	if (rc == ERR_OK) {
		rc = compare_folder(l, f->trail, name, stored, folder, &st, err);
		folder_unpin(folder);
	}
	if (rc == ERR_NO_MEMORY)
		return rc;
	if (rc) {
		comparer_problem(l->comparer, TREE_UNREADABLE, f->trail, name, err);
		folder_unref(folder);
		return ERR_OK;
	}
	bool both = stored != NULL && stored->type == TREE_DIR;
	return push(l, name, both ? stored : NULL, folder, err);
}

/* A stored folder whose name is live, but no folder. */
static enum err_code
meet_other(struct live *l, struct frame *f, const struct tree_entry *stored, struct err *err)
{
	struct tree_entry live = TREE_ENTRY_INIT;
	struct stat st;
	int fd;
	if (folder_pin(f->folder, &fd, err))
		return err->code;
	bool there = fstatat(fd, stored->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	folder_unpin(f->folder);
	if (there)
		compare_from_stat(&live, &st, stored->name);
	compare_tell(
	    l->comparer, f->trail, stored->name, FIELD_TYPE, stored, there ? &live : NULL);
	return push(l, stored->name, stored, NULL, err);
}

/* Compare one name.  stored is the frame's; live_type is DT_UNKNOWN when it is not live. */
static enum err_code
meet(struct live *l, struct frame *f, const char *name, struct tree_entry *stored,
    uint8_t live_type, struct err *err)
{
	bool stored_dir = stored != NULL && stored->type == TREE_DIR;
	bool excluded;
	if (compare_is_excluded(l->comparer, f->trail, name, stored_dir || live_type == DT_DIR,
		&excluded, err) ||
	    excluded)
		return excluded ? ERR_OK : err->code;
	atomic_fetch_add(&l->comparer->entries, 1);
	if (live_type == DT_DIR)
		return meet_folder(l, f, name, stored, err);
	if (live_type == DT_UNKNOWN) {
		compare_tell(l->comparer, f->trail, name, 0, stored, NULL);
		return stored_dir ? push(l, name, stored, NULL, err) : ERR_OK;
	}
	if (stored_dir)
		return meet_other(l, f, stored, err);
	return add_item(l, f, stored, name, err);
}

static enum err_code
step(struct live *l, struct err *err)
{
	struct frame *f = l->top;
	bool has_name = f->next_name < f->names.count;
	if (!f->has_at && !has_name) {
		pop(l);
		return ERR_OK;
	}
	const char *live_name = has_name ? names_text(&f->names, f->next_name) : NULL;
	int order = !f->has_at ? 1 : !has_name ? -1 : strcmp(f->at.name, live_name);
	uint8_t type = order >= 0 ? f->names.items[f->next_name++].type : DT_UNKNOWN;
	if (order > 0)
		return meet(l, f, live_name, NULL, type, err);
	/* The frame goes on before the entry is used, which may lead into another frame. */
	AUTO(tree_entry) struct tree_entry e = f->at;
	f->at = (struct tree_entry)TREE_ENTRY_INIT;
	f->has_at = false;
	if (advance(l, f, err))
		return err->code;
	return meet(l, f, e.name, &e, type, err);
}

static enum err_code
compare_root_dir(struct live *l, const struct tree_entry *a, const char *path, struct err *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(err, "open %s", path);
	if (folder_root(&l->root, &l->folders, fd, err))
		return err->code;
	fd_take(&fd);
	folder_ref(l->root);
	if (push(l, "", a, l->root, err) ||
	    compare_folder(l, l->top->trail, NULL, a, l->root, &st, err))
		return err->code;
	atomic_fetch_add(&l->comparer->entries, 1);
	enum err_code rc = ERR_OK;
	while (rc == ERR_OK && l->top != NULL && comparer_goes_on(l->comparer))
		rc = step(l, err);
	return rc;
}

static enum err_code
compare_root_file(struct live *l, const struct tree_entry *a, const char *path, struct err *err)
{
	AUTO(str) char *real = NULL;
	if (fs_real_path(&real, path, err))
		return err->code;
	char *slash = strrchr(real, '/');
	AUTO(str) char *name = NULL;
	if (str_dup(&name, slash + 1, err))
		return err->code;
	slash[1] = '\0';
	AUTO(fd) int fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", real);
	if (folder_root(&l->root, &l->folders, fd, err))
		return err->code;
	fd_take(&fd);
	struct batch *b = calloc(1, sizeof *b);
	if (b == NULL)
		return err_nomem(err);
	struct item *i = &b->items[0];
	*i = (struct item){ .stored = TREE_ENTRY_INIT };
	if (trail_new(&b->trail, NULL, "", err) ||
	    (a != NULL && tree_entry_copy(&i->stored, a, err))) {
		trail_unref(b->trail);
		free(b);
		return err->code;
	}
	i->is_stored = a != NULL;
	i->name = TAKE(name);
	b->live = l;
	b->folder = l->root;
	folder_ref(l->root);
	b->is_root = true;
	b->count = 1;
	atomic_fetch_add(&l->comparer->entries, 1);
	compare_batch_run(&b->job);
	return ERR_OK;
}

static enum err_code
compare_live(struct live *l, const struct tree_entry *a, const char *path, struct err *err)
{
	const struct tree_compare_options *opt = l->comparer->opt;
	unsigned threads = opt->threads > 0 ? opt->threads : thread_cpus();
	l->scratch = malloc(NAMES_SCRATCH_SIZE);
	if (l->scratch == NULL)
		return err_nomem(err);
	if (pool_open(&l->pool, threads, (size_t)threads * BATCHES_PER_THREAD, "compare", err))
		return err->code;
	bool is_dir = a != NULL ? a->type == TREE_DIR : fs_is_dir(path);
	enum err_code rc =
	    is_dir ? compare_root_dir(l, a, path, err) : compare_root_file(l, a, path, err);
	if (rc)
		comparer_fail(l->comparer, err);
	while (l->top != NULL)
		pop(l);
	pool_close(l->pool);
	return rc;
}

enum err_code
tree_compare_live(struct tree_compared *out, struct repo *r, const struct tree_entry *a,
    const char *path, const struct tree_compare_options *opt, tree_diff_fn *fn, void *arg,
    struct err *err)
{
	struct comparer c;
	struct live l = { .comparer = &c };
	comparer_init(&c, r, opt, fn, arg);
	folder_set_init(&l.folders, false, true);
	meta_init(&l.meta);
	enum err_code rc = compare_live(&l, a, path, err);
	if (rc == ERR_OK)
		rc = comparer_result(&c, out, err);
	free(l.scratch);
	meta_release(&l.meta);
	folder_unref(l.root);
	folder_set_release(&l.folders);
	comparer_release(&c);
	return rc ? err_wrap(err, "compare with %s", path) : ERR_OK;
}

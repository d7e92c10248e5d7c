#include "tree/reporter.h"

#include <stdarg.h>

const char *
tree_problem_word(enum tree_problem_kind kind)
{
	static const char *const words[] = {
		[TREE_VANISHED] = "vanished",
		[TREE_CHANGED] = "changed",
		[TREE_UNREADABLE] = "unreadable",
		[TREE_OWNER] = "owner",
		[TREE_METADATA] = "metadata",
		[TREE_LINK] = "link",
		[TREE_SPECIAL] = "special",
		[TREE_IN_THE_WAY] = "in_the_way",
		[TREE_FAILED] = "failed",
		[TREE_DAMAGED] = "damaged",
		[TREE_NOT_DELETED] = "not_deleted",
		[TREE_DIFFERS] = "differs",
	};
	size_t i = (size_t)kind;
	return i < ARRAY_LEN(words) ? words[i] : "unknown";
}

void
tree_progress_path(struct tree_progress *p, char out[TREE_PROGRESS_PATH])
{
	pthread_mutex_lock(&p->path_lock);
	memcpy(out, p->path, TREE_PROGRESS_PATH);
	pthread_mutex_unlock(&p->path_lock);
}

void
tree_progress_set_path(struct tree_progress *p, const char *path, size_t len)
{
	/* Whoever finds the lock taken lets the other path be shown. */
	if (pthread_mutex_trylock(&p->path_lock) != 0)
		return;
	size_t n = min_size(len, TREE_PROGRESS_PATH - 1);
	memcpy(p->path, path, n);
	p->path[n] = '\0';
	pthread_mutex_unlock(&p->path_lock);
}

void
reporter_init(
    struct reporter *r, tree_problem_fn *fn, void *arg, struct tree_progress *progress)
{
	*r = (struct reporter){ .fn = fn, .arg = arg, .progress = progress };
	pthread_mutex_init(&r->lock, NULL);
}

void
reporter_release(struct reporter *r)
{
	pthread_mutex_destroy(&r->lock);
}

void
report_problem(struct reporter *r, enum tree_problem_kind kind, const char *path,
    size_t path_len, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	atomic_fetch_add(&r->problems, 1);
	if (r->progress != NULL)
		atomic_fetch_add(&r->progress->problems, 1);
	if (r->fn == NULL)
		return;
	struct tree_problem p = { kind, path, path_len, text };
	pthread_mutex_lock(&r->lock);
	r->fn(r->arg, &p);
	pthread_mutex_unlock(&r->lock);
}

static void
add(atomic_uint_fast64_t *counter, uint64_t n)
{
	if (n > 0)
		atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void
report_progress(struct reporter *r, const struct tally *t)
{
	struct tree_progress *p = r->progress;
	if (p == NULL)
		return;
	add(&p->files, t->files);
	add(&p->dirs, t->dirs);
	add(&p->others, t->others);
	add(&p->bytes, t->bytes);
	add(&p->files_unchanged, t->files_unchanged);
	add(&p->bytes_unchanged, t->bytes_unchanged);
}

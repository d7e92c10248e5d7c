#include "engine/survey.h"

#include "sys/thread.h"

#include <fts.h>
#include <stdatomic.h>
#include <sys/stat.h>

/* What is done by then needs no survey, which would look at each file a second time. */
#define DELAY_S 1

struct survey {
	struct excluder_options *sources;
	size_t n_sources;
	pthread_t thread;
	pthread_mutex_t lock; /* for waiting */
	pthread_cond_t stopped;
	atomic_bool stop;
	atomic_bool done;
	uint64_t files; /* the thread's until done */
	uint64_t bytes;
};

/* The path below the root, which fts gives behind the root's own. */
static const char *
below(const FTSENT *e, size_t root_len)
{
	const char *path = e->fts_path + root_len;
	while (*path == '/')
		path++;
	return path;
}

static void
count(struct survey *s, FTS *fts, struct excluder *x, size_t root_len)
{
	FTSENT *e;
	while (!atomic_load_explicit(&s->stop, memory_order_relaxed) &&
	       (e = fts_read(fts)) != NULL) {
		bool is_dir = e->fts_info == FTS_D;
		if (!is_dir && e->fts_info != FTS_F)
			continue;
		const char *path = below(e, root_len);
		bool is_out =
		    e->fts_level > FTS_ROOTLEVEL && excluder_has(x, path, strlen(path), is_dir);
		if (is_dir && is_out)
			fts_set(fts, e, FTS_SKIP);
		if (is_dir || is_out)
			continue;
		s->files++;
		s->bytes += (uint64_t)e->fts_statp->st_size;
	}
}

static bool
count_source(struct survey *s, const struct excluder_options *source)
{
	struct err scratch; /* without a survey the time left is not told */
	AUTO(excluder) struct excluder *x = NULL;
	AUTO(str) char *root = NULL;
	if (str_dup(&root, source->root, &scratch) || excluder_new(&x, source, &scratch))
		return false;
	char *roots[] = { root, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (fts == NULL)
		return false;
	count(s, fts, x, strlen(root));
	fts_close(fts);
	return !atomic_load(&s->stop);
}

/* False when stopped meanwhile. */
static bool
wait_a_moment(struct survey *s)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += DELAY_S;
	int rc = 0;
	pthread_mutex_lock(&s->lock);
	while (!atomic_load(&s->stop) && rc == 0)
		rc = pthread_cond_clockwait(&s->stopped, &s->lock, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(&s->lock);
	return !atomic_load(&s->stop);
}

static void *
run(void *arg)
{
	struct survey *s = arg;
	bool whole = wait_a_moment(s);
	for (size_t i = 0; i < s->n_sources && whole; i++)
		whole = count_source(s, &s->sources[i]);
	atomic_store(&s->done, whole);
	return NULL;
}

static void
survey_free(struct survey *s)
{
	pthread_cond_destroy(&s->stopped);
	pthread_mutex_destroy(&s->lock);
	free(s->sources);
	free(s);
}

void
survey_start(struct survey **out, const struct excluder_options *sources, size_t n)
{
	*out = NULL;
	struct err scratch; /* without a survey the time left is not told */
	struct survey *s = calloc(1, sizeof *s);
	if (s == NULL || n == 0) {
		free(s);
		return;
	}
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->stopped, NULL);
	s->sources = calloc(n, sizeof *s->sources);
	s->n_sources = n;
	if (s->sources == NULL) {
		survey_free(s);
		return;
	}
	memcpy(s->sources, sources, n * sizeof *sources);
	if (thread_start(&s->thread, run, s, "survey", &scratch)) {
		survey_free(s);
		return;
	}
	*out = s;
}

bool
survey_result(const struct survey *s, uint64_t *files, uint64_t *bytes)
{
	if (s == NULL || !atomic_load(&s->done))
		return false;
	*files = s->files;
	*bytes = s->bytes;
	return true;
}

void
survey_stop(struct survey *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	atomic_store(&s->stop, true);
	pthread_cond_signal(&s->stopped);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	survey_free(s);
}

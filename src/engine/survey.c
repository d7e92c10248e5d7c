#include "engine/survey.h"

#include "sys/thread.h"

#include <errno.h>
#include <fts.h>
#include <stdatomic.h>
#include <sys/stat.h>

struct survey {
	struct strv sources;
	struct strv exclude;
	pthread_t thread;
	atomic_bool stop;
	atomic_bool done;
	uint64_t files; /* the thread's until done */
	uint64_t bytes;
};

static void
count(struct survey *s, FTS *fts)
{
	FTSENT *e;
	while (!atomic_load_explicit(&s->stop, memory_order_relaxed) &&
	       (e = fts_read(fts)) != NULL) {
		if (e->fts_info == FTS_D && strv_has(&s->exclude, e->fts_path))
			fts_set(fts, e, FTS_SKIP);
		if (e->fts_info != FTS_F)
			continue;
		s->files++;
		s->bytes += (uint64_t)e->fts_statp->st_size;
	}
}

static void *
run(void *arg)
{
	struct survey *s = arg;
	FTS *fts = fts_open(s->sources.items, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (fts == NULL)
		return NULL;
	count(s, fts);
	fts_close(fts);
	if (!atomic_load(&s->stop))
		atomic_store(&s->done, true);
	return NULL;
}

static enum err_code
copy_all(struct strv *to, const struct strv *from, struct err *err)
{
	for (size_t i = 0; i < from->len; i++)
		if (strv_add(to, from->items[i], err))
			return err->code;
	return ERR_OK;
}

static void
survey_free(struct survey *s)
{
	strv_release(&s->sources);
	strv_release(&s->exclude);
	free(s);
}

void
survey_start(struct survey **out, const struct strv *sources, const struct strv *exclude)
{
	*out = NULL;
	struct err scratch; /* without a survey the time left is not told */
	struct survey *s = calloc(1, sizeof *s);
	if (s == NULL || sources->len == 0) {
		free(s);
		return;
	}
	if (copy_all(&s->sources, sources, &scratch) ||
	    copy_all(&s->exclude, exclude, &scratch) ||
	    thread_start(&s->thread, run, s, "survey", &scratch)) {
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
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	survey_free(s);
}

/*
 * A snapshot of what a program writes: one file, or the tree in a tar archive.
 *
 * There is nothing to compare such a stream with before it was read: what the
 * repository has already is found out chunk by chunk.
 */
#include "engine/backup_paths.h"

#include "engine/meter.h"
#include "engine/publish.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/proc.h"
#include "tree/meta.h"
#include "tree/tar_save.h"

#include <fcntl.h>

#define FIRST_SIZE ((size_t)64 << 10)

/* Where the bytes come from. */
struct source {
	struct backup_run *run;
	int fd;
	struct proc *proc; /* NULL: they come to us by themselves */
	const char *program;
	bool has_ended; /* it will write no more */
};

static void
source_auto(struct source *s)
{
	proc_free(s->proc);
	if (s->proc != NULL && s->fd >= 0)
		close(s->fd);
}

static enum err_code
source_open(
    struct source *s, struct backup_run *r, const struct backup_input *in, struct err *err)
{
	*s = (struct source){ .run = r, .fd = in->fd };
	if (in->argv == NULL)
		return ERR_OK;
	int pipes[2];
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return err_sys(err, "make a pipe");
	AUTO(fd) int to = pipes[1];
	AUTO(fd) int from = pipes[0];
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = in->argv;
	opt.stdout_fd = to;
	opt.stderr_fd = STDERR_FILENO;
	/* It must fail, not wait, when it would ask on the terminal. */
	opt.own_session = true;
	s->program = in->argv[0];
	if (proc_start(&s->proc, &opt, err))
		return err_wrap(err, "start %s", s->program);
	s->fd = fd_take(&from);
	return ERR_OK;
}

static enum err_code
source_read(void *arg, void *out, size_t room, size_t *got, struct err *err)
{
	struct source *s = arg;
	if (fd_read_some(s->fd, out, room, s->run->engine->cancel, got, err))
		return err_wrap(err, "%s", s->proc != NULL ? s->program : "standard input");
	s->has_ended = *got == 0;
	return ERR_OK;
}

/* All was read.  Only now a program can tell whether that was all. */
static enum err_code
source_finish(struct source *s, struct err *err)
{
	int status;
	if (s->proc == NULL)
		return ERR_OK;
	if (proc_wait(s->proc, -1, s->run->engine->cancel, &status, err))
		return err_wrap(err, "%s", s->program);
	if (status != 0)
		return err_set(err, ERR_INCOMPLETE,
		    "%s ended with status %d: what it wrote cannot be relied on", s->program,
		    status);
	return ERR_OK;
}

/* --- one file --- */

/* Text in lines, cut at their ends, deduplicates better against its next version. */
static bool
looks_like_rows(const uint8_t *data, size_t len)
{
	bool has_line = false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = data[i];
		has_line = has_line || c == '\n';
		if (c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\f' && c != '\033')
			return false;
	}
	return has_line;
}

static enum err_code
read_first(struct source *s, uint8_t *out, size_t *len, struct err *err)
{
	size_t got;
	*len = 0;
	do {
		if (source_read(s, out + *len, FIRST_SIZE - *len, &got, err))
			return err->code;
		*len += got;
	} while (got > 0 && *len < FIRST_SIZE);
	return ERR_OK;
}

static enum err_code
copy(struct source *s, struct stream *stream, struct err *err)
{
	for (;;) {
		uint8_t *where;
		size_t room;
		size_t got;
		if (stream_room(stream, &where, &room, err) ||
		    source_read(s, where, room, &got, err))
			return err->code;
		if (got == 0)
			return ERR_OK;
		if (stream_commit(stream, got, err))
			return err->code;
		atomic_fetch_add(&s->run->progress.bytes, got);
	}
}

static enum err_code
store_bytes(struct source *s, struct content *out, struct err *err)
{
	AUTO(intake) struct intake *in = NULL;
	AUTO(mem) uint8_t *first = malloc(FIRST_SIZE);
	struct stream *stream;
	size_t len;
	if (first == NULL)
		return err_nomem(err);
	if (read_first(s, first, &len, err))
		return err->code;
	if (len == 0 && !s->run->options->allow_empty)
		return err_set(err, ERR_INCOMPLETE,
		    "there was no input at all: did the program that writes it fail? If it is "
		    "meant to be empty, use --allow-empty");
	if (intake_new(&in, s->run->writer, err) ||
	    stream_open(
		&stream, in, looks_like_rows(first, len) ? CHUNK_ROWS : CHUNK_DATA, err))
		return err->code;
	atomic_fetch_add(&s->run->progress.bytes, len);
	if (stream_write(stream, first, len, err) || copy(s, stream, err)) {
		stream_abort(stream);
		return err->code;
	}
	return stream_close(stream, out, err);
}

static enum err_code
save_file(struct source *s, struct capture *c, struct err *err)
{
	AUTO(content) struct content content = CONTENT_INIT;
	struct meta meta;
	int64_t now_ns = clock_wall_ns();
	struct tree_entry e = {
		.type = TREE_FILE,
		.name = "",
		.mode = 0600,
		.uid = geteuid(),
		.gid = getegid(),
		.links = 1,
		.modified = { now_ns / NS_PER_S, (uint32_t)(now_ns % NS_PER_S) },
	};
	if (store_bytes(s, &content, err))
		return err->code;
	e.content = content;
	c->files = 1;
	c->bytes = content.size;
	atomic_fetch_add(&s->run->progress.files, 1);
	meta_init(&meta);
	enum err_code rc = meta_read_owner(&meta, &e, err);
	if (rc == ERR_OK)
		rc = tree_entry_copy(&c->entry, &e, err);
	meta_release(&meta);
	return rc;
}

/* --- a tar archive --- */

struct tar_problems {
	struct backup_run *run;
	struct capture *capture;
};

static void
tar_problem(void *arg, const struct tree_problem *p)
{
	struct tar_problems *t = arg;
	char what[512];
	snprintf(what, sizeof what, "%s: %s", tree_problem_word(p->kind), p->text);
	t->capture->problems++;
	run_problem(t->run, p->path, what);
}

static bool
is_left_out(void *arg, const char *path, size_t len, bool is_dir)
{
	return ignore_covers(arg, path, len, is_dir);
}

static enum err_code
save_tar(struct source *s, struct capture *c, struct err *err)
{
	struct tar_problems problems = { s->run, c };
	struct tar_save_options opt = {
		.read = source_read,
		.read_arg = s,
		.allow_empty = s->run->options->allow_empty,
		.problem = tar_problem,
		.problem_arg = &problems,
		.progress = &s->run->progress,
	};
	if (c->rules != NULL) {
		opt.exclude = is_left_out;
		opt.exclude_arg = c->rules;
	}
	if (tar_save(&c->saved, s->run->writer, &opt, err))
		return err->code;
	c->files = c->saved.files;
	c->bytes = c->saved.bytes;
	c->excluded = c->saved.left_out;
	return tree_entry_copy(&c->entry, &c->saved.root, err);
}

/* --- both --- */

static enum err_code
check_name(const char *name, struct err *err)
{
	AUTO(strv) struct strv parts = STRV_INIT;
	bool is_good = *name != '/' && strstr(name, "//") == NULL && !str_ends(name, "/");
	if (strv_split(&parts, name, '/', err))
		return err->code;
	for (size_t i = 0; i < parts.len; i++)
		is_good = is_good && tree_name_is_valid(parts.items[i], strlen(parts.items[i]));
	if (!is_good || parts.len == 0)
		return err_set(err, ERR_USAGE,
		    "'%s' cannot be the name of a file in a snapshot: give one as db.sql or "
		    "dumps/db.sql",
		    name);
	return ERR_OK;
}

static enum err_code
capture_stream(struct backup_run *r, const struct backup_input *in, struct err *err)
{
	r->captures = calloc(1, sizeof *r->captures);
	if (r->captures == NULL)
		return err_nomem(err);
	struct capture *c = &r->captures[r->n_captures++];
	*c = (struct capture){
		.kind = in->is_tar ? "tar" : "stream",
		.name = in->name,
		.path = in->name,
		.entry = TREE_ENTRY_INIT,
	};
	return rules_read(&c->rules, NULL, r->options, err);
}

static enum err_code
save_stream(struct backup_run *r, const struct backup_input *in, struct err *err)
{
	if (capture_stream(r, in, err))
		return err->code;
	struct capture *c = &r->captures[0];
	c->exclude = c->rules != NULL ? ignore_rules(c->rules) : NULL;
	event_phase(
	    r->engine->events, "read %s", in->argv != NULL ? in->argv[0] : "standard input");
	AUTO(meter) struct meter *meter = NULL;
	AUTO(source) struct source s = { .fd = -1 };
	meter_start(&meter, r->engine->events, run_sample, r);
	c->fence_begin_ns = c->began_ns = clock_wall_ns();
	if (source_open(&s, r, in, err))
		return err->code;
	enum err_code rc = in->is_tar ? save_tar(&s, c, err) : save_file(&s, c, err);
	/* When a program has failed, that is why its output is empty or cut off. */
	struct err why;
	if ((rc == ERR_OK || s.has_ended) && source_finish(&s, &why)) {
		*err = why;
		return why.code;
	}
	if (rc)
		return rc;
	c->fence_end_ns = clock_wall_ns();
	c->has_entry = true;
	return ERR_OK;
}

struct stream_job {
	struct engine *engine;
	const struct backup_input *input;
	const struct backup_options *options;
	struct backup_result *out;
};

static enum err_code
run_stream(void *arg, struct err *err)
{
	const struct stream_job *job = arg;
	struct engine *e = job->engine;
	AUTO(layout) struct layout *layout = NULL;
	if (layout_new(&layout, err))
		return err->code;
	struct backup_run r;
	enum err_code rc = run_init(&r, e, job->options, "stdin", job->input->name, err);
	if (rc == ERR_OK)
		rc = save_stream(&r, job->input, err);
	if (rc == ERR_OK) {
		event_phase(e->events, "write snapshot");
		rc = run_commit(&r, NULL, NULL, layout, job->out, err);
	}
	if (rc)
		rc = publish_blame(r.writer, err);
	run_release(&r);
	return rc;
}

enum err_code
backup_stream(struct engine *e, const struct backup_input *in, const struct backup_options *opt,
    struct backup_result *out, struct err *err)
{
	struct stream_job job = { e, in, opt, out };
	if (check_name(in->name, err))
		return err->code;
	if (in->argv != NULL)
		return publish_with_retry(e, in->name, run_stream, &job, err);
	/* What came from outside cannot be read once more. */
	enum err_code rc = run_stream(&job, err);
	if (rc != ERR_CHANGED)
		return rc;
	struct err last = *err;
	return err_set(err, ERR_LOCKED,
	    "%s: try again when no prune is running; if none is, 'stacksnap verify' tells what "
	    "is "
	    "missing",
	    last.msg);
}

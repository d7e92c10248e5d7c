/*
 * Files that cannot be seen from here, read through the engine's archive API.
 *
 * The archive of /srv/data holds one thing, "data", and all below it.  Lost on
 * this way, by what the engine does: extended attributes and ACLs, sockets,
 * the holes of sparse files.
 */
#include "engine/capture.h"
#include "sys/clock.h"
#include "tree/dir.h"
#include "tree/tar_save.h"

struct engine_save {
	struct backup_run *run;
	struct capture *capture;
	struct docker_archive *archive;
	const char *base; /* the first component of all names */
};

static enum err_code
read_archive(void *arg, void *out, size_t room, size_t *got, struct err *err)
{
	struct engine_save *s = arg;
	if (cancel_check(s->run->engine->cancel, err))
		return err->code;
	return docker_archive_read(s->archive, out, room, got, err);
}

/* The path below the member of a name in the archive; NULL for the member itself. */
static const char *
below_base(const struct engine_save *s, const char *path, size_t *len)
{
	size_t n = strlen(s->base);
	if (*len <= n + 1)
		return NULL;
	*len -= n + 1;
	return path + n + 1;
}

static bool
is_left_out(void *arg, const char *path, size_t len, bool is_dir)
{
	const struct engine_save *s = arg;
	const char *rest = below_base(s, path, &len);
	const struct strv *exclude = s->capture->exclude;
	const struct ignore *rules = s->capture->rules;
	if (rest != NULL && rules != NULL && ignore_covers(rules, rest, len, is_dir)) {
		atomic_fetch_add_explicit(&s->capture->excluded, 1, memory_order_relaxed);
		return true;
	}
	for (size_t i = 0; rest != NULL && i < exclude->len; i++) {
		size_t n = strlen(exclude->items[i]);
		if (len >= n && memcmp(rest, exclude->items[i], n) == 0 &&
		    (len == n || rest[n] == '/'))
			return true;
	}
	return false;
}

static void
tell_problem(void *arg, const struct tree_problem *p)
{
	struct engine_save *s = arg;
	char path[4096];
	char what[512];
	size_t len = p->path_len;
	const char *rest = below_base(s, p->path, &len);
	snprintf(path, sizeof path, "%s%s%s", s->capture->inside, rest != NULL ? "/" : "",
	    rest != NULL ? rest : "");
	snprintf(what, sizeof what, "%s: %s", tree_problem_word(p->kind), p->text);
	s->capture->problems++;
	run_problem(s->run, path, what);
}

static enum err_code
save_archive(struct engine_save *s, struct err *err)
{
	struct capture *c = s->capture;
	struct tar_save_options opt = {
		.read = read_archive,
		.read_arg = s,
		.exclude = is_left_out,
		.exclude_arg = s,
		.problem = tell_problem,
		.problem_arg = s,
		.progress = &s->run->progress,
	};
	if (docker_archive_open(&s->archive, c->docker, c->container, c->inside, err) ||
	    tar_save(&c->saved, s->run->writer, &opt, err))
		return err->code;
	/* What was asked for lies one level down in what came. */
	if (writer_flush(s->run->writer, err) ||
	    tree_lookup(s->run->engine->repo, &c->saved.root, s->base, &c->entry, err))
		return err->code;
	c->has_entry = true;
	return ERR_OK;
}

enum err_code
save_from_engine(struct backup_run *r, struct capture *c, struct err *err)
{
	const char *slash = strrchr(c->inside, '/');
	struct engine_save s = { r, c, NULL, slash != NULL ? slash + 1 : c->inside };
	c->fence_begin_ns = c->began_ns = clock_wall_ns();
	struct err why = ERR_INIT;
	enum err_code rc = save_archive(&s, &why);
	docker_archive_close(s.archive);
	c->fence_end_ns = clock_wall_ns();
	if (rc == ERR_NOT_FOUND && s.archive == NULL) {
		/* The container was told of a path that is there no more. */
		c->problems++;
		run_problem(r, c->name, why.msg);
		return ERR_OK;
	}
	if (rc) {
		*err = why;
		return err_wrap(err, "%s %s", c->kind, c->name);
	}
	c->files = c->saved.files;
	c->bytes = c->saved.bytes;
	return ERR_OK;
}

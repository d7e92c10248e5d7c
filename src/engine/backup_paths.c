#include "engine/backup_paths.h"

#include "engine/meter.h"
#include "engine/publish.h"
#include "sys/fs.h"

#include <sys/stat.h>

#define RULES_MAX ((size_t)16 << 20)

enum err_code
paths_resolve(struct strv *out, const struct strv *paths, struct err *err)
{
	AUTO(strv) struct strv all = STRV_INIT;
	for (size_t i = 0; i < paths->len; i++) {
		AUTO(str) char *real = NULL;
		if (fs_real_path(&real, paths->items[i], err) || strv_add(&all, real, err))
			return err->code;
	}
	strv_sort(&all);
	for (size_t i = 0; i < all.len; i++) {
		const char *path = all.items[i];
		bool inside = false;
		for (size_t k = 0; k < out->len && !inside; k++) {
			const char *outer = out->items[k];
			size_t n = strlen(outer);
			inside = strncmp(path, outer, n) == 0 &&
				 (n == 1 || path[n] == '\0' || path[n] == '/');
		}
		if (!inside && strv_add(out, path, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
rules_read(
    struct ignore **out, const char *root, const struct backup_options *opt, struct err *err)
{
	AUTO(ignore) struct ignore *g = NULL;
	if (ignore_new(&g, root, err))
		return err->code;
	for (size_t i = 0; opt->exclude_from != NULL && i < opt->exclude_from->len; i++) {
		const char *path = opt->exclude_from->items[i];
		AUTO(bufv) struct buf text = BUF_INIT;
		if (fs_read_file(path, RULES_MAX, &text, err) ||
		    ignore_add_lines(g, (const char *)text.data, text.len, path, err))
			return err_wrap(err, "what to exclude");
	}
	for (size_t i = 0; opt->exclude != NULL && i < opt->exclude->len; i++) {
		const char *rule = opt->exclude->items[i];
		if (ignore_add(g, rule, strlen(rule), err))
			return err_wrap(err, "what to exclude");
	}
	if (ignore_rules(g)->len > 0)
		*out = TAKE(g);
	return ERR_OK;
}

enum err_code
backup_check_rules(const struct backup_options *opt, struct err *err)
{
	AUTO(ignore) struct ignore *g = NULL;
	return rules_read(&g, NULL, opt, err);
}

enum err_code
paths_capture(struct backup_run *r, const struct strv *resolved, struct err *err)
{
	r->captures = calloc(resolved->len, sizeof *r->captures);
	if (r->captures == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < resolved->len; i++) {
		struct capture *c = &r->captures[r->n_captures++];
		*c = (struct capture){
			.kind = "path",
			.name = resolved->items[i],
			.path = resolved->items[i] + 1, /* without the leading slash */
			.source = resolved->items[i],
			.entry = TREE_ENTRY_INIT,
		};
		if (rules_read(&c->rules, c->source, r->options, err))
			return err->code;
		if (c->rules != NULL)
			c->exclude = ignore_rules(c->rules);
	}
	return ERR_OK;
}

/* A rule that matched nothing below any path may be a slip of the pen, or just be there in
 * case.
 */
static void
note_unused_rules(const struct backup_run *r)
{
	const struct ignore *first = r->captures[0].rules;
	for (size_t i = 0; first != NULL && i < ignore_rules(first)->len; i++) {
		bool was_used = false;
		for (size_t k = 0; k < r->n_captures; k++)
			was_used = was_used || ignore_was_used(r->captures[k].rules, i);
		if (!was_used)
			event_note(r->engine->events, NULL, "the rule '%s' matched nothing",
			    ignore_rules(first)->items[i]);
	}
}

static enum err_code
save_paths(struct backup_run *r, const struct strv *resolved, struct err *err)
{
	if (paths_capture(r, resolved, err) || run_find_parents(r, err) || run_survey(r, err))
		return err->code;
	event_phase(r->engine->events, "read files");
	AUTO(meter) struct meter *meter = NULL;
	meter_start(&meter, r->engine->events, run_sample, r);
	for (size_t i = 0; i < r->n_captures; i++)
		if (save_files(r, &r->captures[i], PASS_ONLY, err) ||
		    gate_not_emptied(r, &r->captures[i], err))
			return err->code;
	note_unused_rules(r);
	return gate_not_shrunk(r, SHRINK_PERCENT, err);
}

/* The folders on the way to each path bear what they bear on this host, so that a restore to
 * "/" leaves them as they were. */
static enum err_code
describe_parents(struct layout *layout, const struct strv *paths, struct err *err)
{
	for (size_t i = 0; i < paths->len; i++) {
		AUTO(str) char *path = NULL;
		if (str_dup(&path, paths->items[i], err))
			return err->code;
		for (char *slash = strrchr(path, '/'); slash != NULL;
		     slash = strrchr(path, '/')) {
			*slash = '\0';
			struct stat st;
			if (stat(*path != '\0' ? path : "/", &st) != 0)
				return err_sys(err, "look at %s", path);
			struct tree_entry like = {
				.type = TREE_DIR,
				.name = "",
				.mode = st.st_mode & 07777,
				.uid = st.st_uid,
				.gid = st.st_gid,
				.links = 1,
				.modified = { st.st_mtim.tv_sec, (uint32_t)st.st_mtim.tv_nsec },
			};
			/* "/" itself as a source is a member, not a parent. */
			if (paths->items[i][1] != '\0' &&
			    layout_set_folder(layout, path, &like, err))
				return err->code;
		}
	}
	return ERR_OK;
}

struct paths_job {
	struct engine *engine;
	const struct strv *paths;
	const struct backup_options *options;
	struct backup_result *out;
};

static enum err_code
run_paths(void *arg, struct err *err)
{
	const struct paths_job *job = arg;
	struct engine *e = job->engine;
	const struct strv *paths = job->paths;
	AUTO(strv) struct strv resolved = STRV_INIT;
	AUTO(layout) struct layout *layout = NULL;
	if (paths->len == 0)
		return err_set(err, ERR_USAGE, "no path was given");
	if (paths_resolve(&resolved, paths, err) || layout_new(&layout, err) ||
	    describe_parents(layout, &resolved, err))
		return err->code;
	struct backup_run r;
	enum err_code rc = run_init(&r, e, job->options, "path", NULL, err);
	if (rc == ERR_OK)
		rc = save_paths(&r, &resolved, err);
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
backup_paths(struct engine *e, const struct strv *paths, const struct backup_options *opt,
    struct backup_result *out, struct err *err)
{
	struct paths_job job = { e, paths, opt, out };
	return publish_with_retry(e, NULL, run_paths, &job, err);
}

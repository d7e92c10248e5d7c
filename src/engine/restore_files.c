#include "engine/restore_files.h"

#include "engine/browse.h"
#include "engine/restore_path.h"
#include "engine/restore_tree.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "tree/dir.h"

#include <string.h>

/* What is restored, and what it becomes. */
struct files_job {
	struct snapshot snapshot;
	struct tree_entry entry;
	char *target;
	bool is_whole; /* the snapshot's root, whose own metadata means nothing here */
};

static void
files_job_auto(struct files_job *j)
{
	snapshot_release(&j->snapshot);
	tree_entry_release(&j->entry);
	free(j->target);
}

static enum err_code
files_job_init(struct files_job *j, struct engine *e, const struct id *id,
    const struct restore_options *opt, struct err *err)
{
	if (opt->to == NULL)
		return err_set(err, ERR_USAGE, "say which folder to restore into");
	const char *path = opt->path != NULL ? opt->path : "";
	if (snapshot_open(&j->snapshot, e->repo, id, err))
		return err->code;
	if (tree_lookup(e->repo, &j->snapshot.root, path, &j->entry, err))
		return err->code;
	j->is_whole = path[strspn(path, "./")] == '\0';
	if (j->entry.type == TREE_DIR)
		return str_dup(&j->target, opt->to, err);
	return str_printf(&j->target, err, "%s/%s", opt->to, j->entry.name);
}

/* The folder that will hold the target. */
static enum err_code
make_holder(const struct files_job *j, const struct restore_options *opt, struct err *err)
{
	if (j->entry.type != TREE_DIR || j->is_whole)
		return fs_mkdirs(opt->to, 0755, err);
	AUTO(str) char *holder = NULL;
	if (path_holder(&holder, j->target, err))
		return err->code;
	return fs_mkdirs(holder, 0755, err);
}

static void
expect(const struct files_job *j, uint64_t *bytes, uint64_t *files)
{
	*bytes = 0;
	*files = 0;
	if (j->entry.type == TREE_FILE) {
		*bytes = j->entry.content.size;
		*files = 1;
	} else if (j->is_whole) {
		const json_t *stats = json_object_get(j->snapshot.document, "stats");
		*bytes = (uint64_t)json_get_int(stats, "bytes", 0);
		*files = (uint64_t)json_get_int(stats, "files", 0);
	}
}

enum err_code
restore_files_preview(struct engine *e, const struct id *snapshot,
    const struct restore_options *opt, struct restore_preview *out, struct err *err)
{
	AUTO(files_job) struct files_job j = { .entry = TREE_ENTRY_INIT };
	if (files_job_init(&j, e, snapshot, opt, err))
		return err->code;
	const char *kind = tree_type_word(j.entry.type);
	AUTO(strv) struct strv there = STRV_INIT;
	if (!fs_exists(j.target))
		return strv_addf(&out->makes, err, "%s %s", kind, j.target);
	if (!fs_is_dir(j.target))
		return strv_addf(&out->replaces, err, "file %s", j.target);
	if (fs_list_dir(j.target, &there, err))
		return err->code;
	if (there.len == 0)
		return strv_addf(&out->makes, err, "%s %s", kind, j.target);
	return strv_addf(
	    &out->replaces, err, "what has the same name in %s %s", kind, j.target);
}

enum err_code
restore_files(struct engine *e, const struct id *snapshot, const struct restore_options *opt,
    struct restore_result *out, struct err *err)
{
	int64_t began_ns = clock_mono_ns();
	AUTO(files_job) struct files_job j = { .entry = TREE_ENTRY_INIT };
	if (files_job_init(&j, e, snapshot, opt, err) || make_holder(&j, opt, err))
		return err->code;

	uint64_t bytes;
	uint64_t files;
	expect(&j, &bytes, &files);
	event_phase(e->events, "restoring files to %s", j.target);
	struct tree_restore_options o = TREE_RESTORE_OPTIONS_INIT;
	o.leave_root = j.is_whole;
	if (opt->may_replace)
		o.overwrite = TREE_OVERWRITE_ALWAYS;
	AUTO(restore_pen) struct restore_pen pen;
	restore_pen_init(&pen, e, bytes, files);
	pen.prefix = j.target;
	if (restore_pen_write(&pen, &j.entry, j.target, &o, err))
		return err->code;
	*out = (struct restore_result){
		.outcome = pen.done.problems > 0 ? OUTCOME_PARTIAL : OUTCOME_COMPLETE,
		.files = pen.done.files,
		.bytes = pen.done.bytes,
		.problems = pen.done.problems,
		.took_ns = clock_mono_ns() - began_ns,
	};
	return ERR_OK;
}

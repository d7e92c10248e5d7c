#include "engine/restore_files.h"

#include "engine/browse.h"
#include "engine/restore_path.h"
#include "engine/restore_select.h"
#include "engine/restore_sqlite.h"
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
	struct restore_select *select;
};

static void
files_job_auto(struct files_job *j)
{
	snapshot_release(&j->snapshot);
	tree_entry_release(&j->entry);
	free(j->target);
	restore_select_free(j->select);
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
	if (tree_find(e->repo, &j->snapshot.root, path, &j->entry, err))
		return err->code;
	j->is_whole = path[strspn(path, "./")] == '\0';
	bool is_dir = j->entry.type == TREE_DIR;
	if (is_dir ? str_dup(&j->target, opt->to, err)
		   : str_printf(&j->target, err, "%s/%s", opt->to, j->entry.name))
		return err->code;
	struct restore_select_options select = { .snapshot = &j->snapshot,
		.prefix = path,
		.target = j->target,
		.paths = opt->paths,
		.include = opt->include,
		.deletes = opt->delete_extra && is_dir };
	return restore_select_new(&j->select, e->repo, &select, err);
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
	} else if (j->is_whole && !restore_select_is_part(j->select)) {
		const json_t *stats = json_object_get(j->snapshot.document, "stats");
		*bytes = (uint64_t)json_get_int(stats, "bytes", 0);
		*files = (uint64_t)json_get_int(stats, "files", 0);
	}
}

/* What would be lost, when the target is not empty. */
static enum err_code
preview_losses(const struct files_job *j, const struct restore_options *opt,
    struct restore_preview *out, struct err *err)
{
	if (opt->overwrite == RESTORE_NEVER)
		return strv_addf(
		    &out->obstacles, err, "%s is not empty (--overwrite never)", j->target);
	if (strv_addf(&out->replaces, err, "what has the same name in %s %s",
		tree_type_word(j->entry.type), j->target))
		return err->code;
	if (!opt->delete_extra)
		return ERR_OK;
	return strv_addf(&out->replaces, err,
	    "what else lies in the folders below %s that are restored whole: it is deleted",
	    j->target);
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
		return strv_addf(
		    opt->overwrite == RESTORE_NEVER ? &out->obstacles : &out->replaces, err,
		    "file %s", j.target);
	if (fs_list_dir(j.target, &there, err))
		return err->code;
	if (there.len == 0)
		return strv_addf(&out->makes, err, "%s %s", kind, j.target);
	return preview_losses(&j, opt, out, err);
}

static enum tree_overwrite
overwrite_of(const struct restore_options *opt)
{
	switch (opt->overwrite) {
	case RESTORE_NEVER:
		return TREE_OVERWRITE_NEVER;
	case RESTORE_ALWAYS:
		return TREE_OVERWRITE_ALWAYS;
	case RESTORE_IF_CHANGED:
		return opt->verify ? TREE_OVERWRITE_ALWAYS : TREE_OVERWRITE_IF_CHANGED;
	default:
		/* Before the user is asked, a dry run tells what would be done when they agree.
		 */
		return opt->may_replace || opt->dry_run ? TREE_OVERWRITE_ALWAYS
							: TREE_OVERWRITE_NEVER;
	}
}

static struct tree_restore_options
tree_options(const struct files_job *j, const struct restore_options *opt)
{
	struct tree_restore_options o = TREE_RESTORE_OPTIONS_INIT;
	o.leave_root = j->is_whole;
	o.overwrite = overwrite_of(opt);
	o.dry_run = opt->dry_run;
	o.change = opt->change;
	o.change_arg = opt->change_arg;
	restore_select_apply(j->select, &o);
	return o;
}

static enum err_code
write_files(struct files_job *j, struct engine *e, const struct restore_options *opt,
    struct tree_restored *out, struct err *err)
{
	struct tree_restore_options o = tree_options(j, opt);
	uint64_t bytes;
	uint64_t files;
	expect(j, &bytes, &files);
	event_phase(
	    e->events, opt->dry_run ? "comparing with %s" : "restoring files to %s", j->target);
	AUTO(restore_pen) struct restore_pen pen;
	restore_pen_init(&pen, e, bytes, files);
	pen.prefix = j->target;
	if (restore_pen_write(&pen, &j->entry, j->target, &o, err))
		return err->code;
	*out = pen.done;
	/* A database that may have been left as it was keeps its log. */
	if (!opt->dry_run && o.overwrite == TREE_OVERWRITE_ALWAYS &&
	    j->entry.type == TREE_DIR && !restore_select_is_part(j->select) &&
	    restore_sqlite_settle(
		e, j->snapshot.document, opt->path != NULL ? opt->path : "", j->target, err))
		return err->code;
	if (restore_select_is_part(j->select) && out->files + out->others + out->dirs == 0 &&
	    out->problems == 0)
		return err_set(
		    err, ERR_NOT_FOUND, "nothing in the snapshot is meant by --include");
	return ERR_OK;
}

/* A part of its own: it has progress of its own. */
static enum err_code
read_files_back(struct files_job *j, struct engine *e, const struct restore_options *opt,
    struct tree_restored *done, struct tree_read_back *out, struct err *err)
{
	struct tree_restore_options o = tree_options(j, opt);
	event_phase(e->events, "reading back what was restored");
	AUTO(restore_pen) struct restore_pen pen;
	restore_pen_init(&pen, e, done->bytes, done->files);
	pen.prefix = j->target;
	if (restore_pen_read_back(&pen, &j->entry, j->target, &o, done->lost, out, err))
		return err->code;
	done->problems += pen.done.problems;
	return ERR_OK;
}

enum err_code
restore_files(struct engine *e, const struct id *snapshot, const struct restore_options *opt,
    struct restore_result *out, struct err *err)
{
	int64_t began_ns = clock_mono_ns();
	struct tree_restored done = { 0 };
	struct tree_read_back back = { 0 };
	AUTO(files_job) struct files_job j = { .entry = TREE_ENTRY_INIT };
	if (files_job_init(&j, e, snapshot, opt, err) ||
	    (!opt->dry_run && make_holder(&j, opt, err)) ||
	    write_files(&j, e, opt, &done, err) ||
	    (opt->verify && !opt->dry_run && read_files_back(&j, e, opt, &done, &back, err)))
		return err->code;
	*out = (struct restore_result){
		.outcome = done.problems > 0 ? OUTCOME_PARTIAL : OUTCOME_COMPLETE,
		.files = done.files,
		.files_made = done.files_made,
		.files_left = done.files_left,
		.bytes = done.bytes,
		.bytes_left = done.bytes_left,
		.deleted = done.deleted,
		.files_read_back = back.files,
		.problems = done.problems,
		.took_ns = clock_mono_ns() - began_ns,
	};
	return ERR_OK;
}

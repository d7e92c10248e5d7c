#include "engine/restore_files.h"
#include "engine/restore_job.h"
#include "engine/restore_rows.h"

void
restore_preview_release(struct restore_preview *p)
{
	strv_release(&p->makes);
	strv_release(&p->replaces);
	strv_release(&p->warnings);
	strv_release(&p->obstacles);
	strv_release(&p->asks);
	strv_release(&p->space);
	strv_release(&p->rows);
}

enum err_code
restore_is_stack(struct engine *e, const struct id *snapshot, bool *is_stack, struct err *err)
{
	AUTO(json) json_t *document = NULL;
	if (snapshot_load(e->repo, snapshot, &document, err))
		return err->code;
	*is_stack = json_is_object(json_object_get(document, "stack"));
	return ERR_OK;
}

static bool
has_some(const struct strv *v)
{
	return v != NULL && v->len > 0;
}

/* A part of a stack's snapshot is restored as files. */
static bool
wants_files(const struct restore_options *opt)
{
	return opt->path != NULL || has_some(opt->paths) || has_some(opt->include);
}

static enum err_code
preview_stack(struct engine *e, const struct id *snapshot, const struct restore_options *opt,
    struct restore_preview *out, struct err *err)
{
	AUTO(job) struct restore_job *j = NULL;
	if (job_open(&j, e, snapshot, opt, err) || job_look(j, err) ||
	    (opt->preview_rows && restore_preview_rows(j, err)))
		return err->code;
	*out = j->preview;
	j->preview = (struct restore_preview)RESTORE_PREVIEW_INIT;
	return ERR_OK;
}

enum err_code
restore_preview(struct engine *e, const struct id *snapshot, const struct restore_options *opt,
    struct restore_preview *out, struct err *err)
{
	bool is_stack = false;
	if (restore_is_stack(e, snapshot, &is_stack, err))
		return err->code;
	if (is_stack && !wants_files(opt))
		return preview_stack(e, snapshot, opt, out, err);
	return restore_files_preview(e, snapshot, opt, out, err);
}

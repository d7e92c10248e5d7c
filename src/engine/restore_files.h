/*
 * restore_files.h: the preview of restore_files; for restore_preview.c.
 */
#ifndef ENGINE_RESTORE_FILES_H
#define ENGINE_RESTORE_FILES_H

#include "engine/restore.h"

/* out is RESTORE_PREVIEW_INIT. */
MUST_CHECK enum err_code restore_files_preview(struct engine *e, const struct id *snapshot,
    const struct restore_options *opt, struct restore_preview *out, struct err *err);

#endif

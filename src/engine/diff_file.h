/*
 * diff_file.h: one file of text as two snapshots have it, or as a snapshot has it
 * and this host.
 *
 * Memory: both versions, at most DIFF_FILE_MAX bytes each.
 * Errors: ERR_NOT_FOUND when neither has it; ERR_USAGE for what is no file, no text, too long,
 *         or of another host than what is live.
 */
#ifndef ENGINE_DIFF_FILE_H
#define ENGINE_DIFF_FILE_H

#include "engine/engine.h"
#include "repo/id.h"

#include <stdbool.h>

#define DIFF_FILE_MAX ((size_t)16 << 20)

struct diff_file {
	struct buf before;
	struct buf after;
	bool has_before;
	bool has_after;
};

#define DIFF_FILE_INIT                           \
	{                                        \
		BUF_INIT, BUF_INIT, false, false \
	}

void diff_file_release(struct diff_file *f);
static inline void UNUSED
diff_file_auto(struct diff_file *f)
{
	diff_file_release(f);
}

/* path as in the tree; b is NULL for what is live.  out is DIFF_FILE_INIT. */
MUST_CHECK enum err_code diff_file_read(struct engine *e, const struct id *a,
    const struct id *b, const char *path, struct diff_file *out, struct err *err);

#endif

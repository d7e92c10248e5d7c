/*
 * spool.h: output that must wait for what stands above it.
 *
 * A comparison ends with its summary; people read that first.  What was made
 * for them before it is kept: the first bytes in memory, the rest in a file
 * without a name that means nothing to others (repo/spill.h), since it may hold rows of
 * databases.
 *
 * Threads: one at a time.  Errors: ERR_IO, ERR_NO_MEMORY.
 */
#ifndef CLI_SPOOL_H
#define CLI_SPOOL_H

#include "base/buf.h"
#include "repo/spill.h"

#include <stdio.h>

#define SPOOL_MEMORY ((size_t)4 << 20)

struct spool {
	struct buf memory;
	struct spill *spill;
	struct spill_part *part;
	size_t limit; /* of memory; 0: SPOOL_MEMORY */
};

#define SPOOL_INIT                      \
	{                               \
		BUF_INIT, NULL, NULL, 0 \
	}

void spool_release(struct spool *s);
static inline void UNUSED
spool_auto(struct spool *s)
{
	spool_release(s);
}

MUST_CHECK enum err_code spool_add(
    struct spool *s, const void *data, size_t len, struct err *err);
/* Whether a stream took it, ferror tells.  Once, at the end. */
MUST_CHECK enum err_code spool_write(struct spool *s, FILE *out, struct err *err);
/* Lines of a screen that is columns wide; what colours it counts as text.  At most enough are
 * counted. */
size_t spool_lines(const struct spool *s, size_t columns, size_t enough);

#endif

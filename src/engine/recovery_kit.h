/*
 * recovery_kit.h: one page to print: what a repository is, where, a recovery
 * key for it, and what to do with it on a machine that knows nothing of it.
 *
 * Text and HTML say the same.  The HTML stands alone: nothing is fetched.  The
 * key's lines lie in both as recovery_parse wants them, so that the file of a
 * kit can be read back; every kit is, before it is given out.
 */
#ifndef ENGINE_RECOVERY_KIT_H
#define ENGINE_RECOVERY_KIT_H

#include "repo/recovery.h"

struct recovery_kit {
	const struct recovery_key *key;
	const struct key_slot *slot; /* what the key's slot says of itself */
	const uint8_t *repo_id; /* 16 bytes */
	int64_t repo_created_ns;
	const char *place; /* where the repository is, as seen from host */
	const char *host;
	int64_t now_ns;
};

enum recovery_kit_format { RECOVERY_KIT_TEXT, RECOVERY_KIT_HTML };

/* Append the page to out, which then holds what the key holds: wipe it. */
MUST_CHECK enum err_code recovery_kit_print(const struct recovery_kit *kit,
    enum recovery_kit_format format, struct buf *out, struct err *err);

#endif

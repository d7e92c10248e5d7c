/*
 * receipt.h: what a snapshot holds, whether all of it is stored, which is
 * looked up while the receipt is made, and every drill of it.
 *
 * Threads: any.  Errors: those of snapshot_load, verify_repo and proofs_load; that
 *          something is damaged is none of them (verified.problems).
 */
#ifndef ENGINE_RECEIPT_H
#define ENGINE_RECEIPT_H

#include "engine/verify.h"
#include "repo/proof.h"

struct receipt {
	struct id id;
	char hex[ID_HEX_SIZE];
	char repository[2 * 16 + 1]; /* its id */
	json_t *document;
	struct proofs *proofs;
	const json_t *proof; /* in proofs; NULL: never drilled */
	bool read_data; /* of verified: all that it needs was read, and decoded */
	struct verify_result verified;
	int64_t now_ns;
};

MUST_CHECK enum err_code receipt_make(struct receipt *out, struct engine *e,
    const struct id *snapshot, bool read_data, struct err *err);
void receipt_release(struct receipt *r);
static inline void UNUSED
receipt_auto(struct receipt *r)
{
	receipt_release(r);
}

#endif

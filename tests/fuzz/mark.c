/*
 * Fuzz target: what a pruner's mark holds, behind its seal.  Build with clang
 * -fsanitize=fuzzer,address,undefined.
 */
#include <assert.h>

/* How marks are read is their own. */
#include "repo/marks.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err err = ERR_INIT;
	AUTO(mark) struct mark m = { .host = NULL };
	AUTO(bufv) struct buf payload = BUF_INIT;
	if (buf_add(&payload, data, len, &err))
		return 0;
	if (decode(&m, &payload, &err)) {
		assert(err.msg[0] != '\0');
		return 0;
	}
	assert(m.host != NULL && m.pid > 0 && m.n_packs <= MARK_PACKS_MAX);
	assert(is_sorted(m.packs, m.n_packs));
	assert(m.n_packs * ID_SIZE <= len);
	return 0;
}

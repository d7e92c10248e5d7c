/*
 * lzf.h: decoding LZF as it comes, in pieces.
 *
 * The format, from liblzf: a control byte below 32 is followed by that many and
 * one literal bytes; any other says, in its upper three bits, how many bytes
 * to repeat, less two (7: add the next byte), and, in its lower five and the
 * byte that follows, how far back they lie, less one.
 *
 * Pure.  Memory: 16 KiB in the struct.
 */
#ifndef DB_LZF_H
#define DB_LZF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LZF_WINDOW 8192

/* Takes what was decoded. */
typedef void lzf_fn(void *arg, const void *data, size_t len);

struct lzf {
	lzf_fn *fn;
	void *arg;
	uint8_t out[2 * LZF_WINDOW];
	size_t len; /* in out */
	size_t told; /* of it, handed over */
	uint64_t total;
	enum { LZF_CONTROL, LZF_LITERAL, LZF_LENGTH, LZF_OFFSET } state;
	size_t run; /* bytes of the literal or repetition that is open */
	size_t offset;
};

void lzf_begin(struct lzf *z, lzf_fn *fn, void *arg);
/* false: this is no LZF. */
bool lzf_feed(struct lzf *z, const uint8_t *data, size_t len);
/* Hand over the rest; false when it ends within something, or is not of this length. */
bool lzf_end(struct lzf *z, uint64_t expected);

#endif

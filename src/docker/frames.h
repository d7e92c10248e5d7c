/*
 * frames.h: telling standard output and standard error apart in an attached
 * stream of the engine (no terminal).
 *
 * The stream is a sequence of frames:
 *
 *	offset 0  1 byte   stream: 0 stdin, 1 stdout, 2 stderr, 3 the engine's own error
 *	offset 1  3 bytes  zero
 *	offset 4  4 bytes  length of the payload, big-endian
 *	offset 8           payload
 *
 * A pure state machine that is fed any split of the stream; it does not copy.
 *
 * Errors: ERR_CORRUPT for what is no frame.
 */
#ifndef DOCKER_FRAMES_H
#define DOCKER_FRAMES_H

#include "base/err.h"

#include <stdbool.h>

#define FRAME_STDOUT 1
#define FRAME_STDERR 2
#define FRAME_ENGINE_ERROR 3

struct frames {
	uint8_t head[8];
	size_t head_len; /* 8 within a payload */
	int stream; /* of the frame at hand */
	uint32_t size; /* of its whole payload */
	uint32_t left; /* of its payload */
	uint64_t count; /* frames begun */
};

void frames_init(struct frames *f);

/* Look at len > 0 bytes.  *used (at least one) were consumed, of which the last *body are
 * payload of f->stream.  Call again with the rest. */
MUST_CHECK enum err_code frames_next(struct frames *f, const void *data, size_t len,
    size_t *used, size_t *body, struct err *err);
/* n <= f->left bytes of payload were read past this decoder. */
void frames_skip(struct frames *f, uint32_t n);
/* May the stream end here?  Not within a head or a payload. */
bool frames_is_between(const struct frames *f);

#endif

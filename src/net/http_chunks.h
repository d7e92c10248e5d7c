/*
 * http_chunks.h: taking the "chunked" transfer coding off a stream of bytes.
 *
 * A pure state machine that is fed any split of the stream.  It does not
 * copy: it says which run of the bytes it was shown is body.
 *
 * Errors: ERR_CORRUPT for what is not the chunked coding.
 */
#ifndef NET_HTTP_CHUNKS_H
#define NET_HTTP_CHUNKS_H

#include "base/err.h"

#include <stdbool.h>

struct http_chunks {
	enum {
		CHUNK_SIZE, /* before or within the hexadecimal size */
		CHUNK_EXTENSION, /* from ';' to the carriage return */
		CHUNK_SIZE_LF,
		CHUNK_DATA,
		CHUNK_DATA_CR,
		CHUNK_DATA_LF,
		CHUNK_TRAILER, /* at the start of a trailer line */
		CHUNK_TRAILER_IN,
		CHUNK_TRAILER_LF,
		CHUNK_END_LF,
		CHUNK_DONE,
	} state;
	unsigned digits;
	uint64_t left; /* bytes left of this chunk */
	uint32_t line_bytes; /* bytes of extensions and trailers, which are capped */
};

void http_chunks_init(struct http_chunks *c);

/* Look at len > 0 bytes.  *used is how many were consumed (at least one unless done), of which
 * the last *body ones are body: (data + *used - *body).  Call again with the rest. */
MUST_CHECK enum err_code http_chunks_next(struct http_chunks *c, const void *data, size_t len,
    size_t *used, size_t *body, struct err *err);
bool http_chunks_is_done(const struct http_chunks *c);

/* Body bytes that may be read straight past this decoder now; after reading n of them, call
 * http_chunks_skip.  0 when the next byte is not body. */
uint64_t http_chunks_body_left(const struct http_chunks *c);
void http_chunks_skip(struct http_chunks *c, uint64_t n);

#endif

#include "net/http_chunks.h"

#include "base/bytes.h"

/* Extensions and trailers are of no use to us; a peer that sends much of them is not well. */
#define LINE_BYTES_MAX 65536

void
http_chunks_init(struct http_chunks *c)
{
	*c = (struct http_chunks){ .state = CHUNK_SIZE };
}

bool
http_chunks_is_done(const struct http_chunks *c)
{
	return c->state == CHUNK_DONE;
}

uint64_t
http_chunks_body_left(const struct http_chunks *c)
{
	return c->state == CHUNK_DATA ? c->left : 0;
}

void
http_chunks_skip(struct http_chunks *c, uint64_t n)
{
	c->left -= n;
	if (c->left == 0)
		c->state = CHUNK_DATA_CR;
}

static enum err_code
bad(struct err *err, const char *what)
{
	return err_set(err, ERR_CORRUPT, "bad HTTP chunk: %s", what);
}

static enum err_code
in_size(struct http_chunks *c, uint8_t b, struct err *err)
{
	int v = hex_value((char)b);
	if (v >= 0) {
		if (++c->digits > 15)
			return bad(err, "size is too large");
		c->left = c->left << 4 | (unsigned)v;
		return ERR_OK;
	}
	if (c->digits == 0)
		return bad(err, "no size");
	if (b == '\r')
		c->state = CHUNK_SIZE_LF;
	else if (b == ';' || b == ' ' || b == '\t')
		c->state = CHUNK_EXTENSION;
	else
		return bad(err, "size is no number");
	return ERR_OK;
}

/* Inside a line that is read over: at its carriage return go to next. */
static enum err_code
in_line(struct http_chunks *c, uint8_t b, int next, struct err *err)
{
	if (++c->line_bytes > LINE_BYTES_MAX)
		return bad(err, "too many extensions and trailers");
	if (b == '\n')
		return bad(err, "bare line feed");
	if (b == '\r')
		c->state = (__typeof__(c->state))next;
	return ERR_OK;
}

static enum err_code
expect(struct http_chunks *c, uint8_t b, uint8_t want, int next, struct err *err)
{
	if (b != want)
		return bad(err, "no line end where one must be");
	c->state = (__typeof__(c->state))next;
	return ERR_OK;
}

/* One byte that is not body. */
static enum err_code
step(struct http_chunks *c, uint8_t b, struct err *err)
{
	switch (c->state) {
	case CHUNK_SIZE:
		return in_size(c, b, err);
	case CHUNK_EXTENSION:
		return in_line(c, b, CHUNK_SIZE_LF, err);
	case CHUNK_SIZE_LF:
		return expect(c, b, '\n', c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER, err);
	case CHUNK_DATA_CR:
		return expect(c, b, '\r', CHUNK_DATA_LF, err);
	case CHUNK_DATA_LF:
		c->digits = 0;
		return expect(c, b, '\n', CHUNK_SIZE, err);
	case CHUNK_TRAILER:
		if (b == '\r')
			c->state = CHUNK_END_LF;
		else
			c->state = CHUNK_TRAILER_IN;
		return b == '\n' ? bad(err, "bare line feed") : ERR_OK;
	case CHUNK_TRAILER_IN:
		return in_line(c, b, CHUNK_TRAILER_LF, err);
	case CHUNK_TRAILER_LF:
		return expect(c, b, '\n', CHUNK_TRAILER, err);
	case CHUNK_END_LF:
		return expect(c, b, '\n', CHUNK_DONE, err);
	case CHUNK_DATA:
	case CHUNK_DONE:
		break;
	}
	return ERR_OK;
}

enum err_code
http_chunks_next(struct http_chunks *c, const void *data, size_t len, size_t *used,
    size_t *body, struct err *err)
{
	const uint8_t *p = data;
	size_t i = 0;
	while (i < len && c->state != CHUNK_DATA && c->state != CHUNK_DONE) {
		if (step(c, p[i], err))
			return err->code;
		i++;
	}
	*body = 0;
	if (c->state == CHUNK_DATA && i < len) {
		*body = c->left < len - i ? (size_t)c->left : len - i;
		http_chunks_skip(c, *body);
	}
	*used = i + *body;
	return ERR_OK;
}

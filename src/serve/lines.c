#include "serve/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE ((size_t)1 << 20)
#define LINE_READ ((size_t)16 << 10)

static enum err_code
read_at(int fd, uint64_t offset, void *to, size_t len, size_t *got, struct err *err)
{
	ssize_t n;
	do
		n = pread(fd, to, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "read the output of a run");
	*got = (size_t)n;
	return ERR_OK;
}

/*
 * The buffer begins with the head of the line that is read; what was read of the file stands
 * in [begin, len).  A line that is longer than head_max keeps its head there while the rest is
 * read over: is_long.
 */
struct scan {
	struct buf held;
	size_t begin;
	struct line line;
	size_t head_max;
	bool is_long;
	line_fn *fn;
	void *arg;
};

static enum err_code
give(struct scan *s, const char *head, size_t seen, struct err *err)
{
	s->line.len += seen;
	if (!s->is_long) {
		s->line.head = head;
		s->line.head_len = min_size(seen, s->head_max);
	} else {
		s->line.head = (const char *)s->held.data;
	}
	enum err_code rc = s->fn(s->arg, &s->line, err);
	s->line.offset += s->line.len + 1;
	s->line.len = 0;
	s->is_long = false;
	return rc;
}

/* All lines that end in what is held; the rest moves to the front. */
static enum err_code
take(struct scan *s, struct err *err)
{
	while (s->begin < s->held.len) {
		const uint8_t *from = s->held.data + s->begin;
		const uint8_t *end = memchr(from, '\n', s->held.len - s->begin);
		if (end == NULL)
			break;
		if (give(s, (const char *)from, (size_t)(end - from), err))
			return err->code;
		s->begin += (size_t)(end - from) + 1;
	}
	size_t rest = s->held.len - s->begin;
	if (!s->is_long && rest > s->head_max) { /* its head stays */
		memmove(s->held.data, s->held.data + s->begin, s->head_max);
		s->line.head_len = s->head_max;
		s->line.len = rest;
		s->is_long = true;
		s->held.len = s->begin = s->head_max;
	} else if (s->is_long) {
		s->line.len += rest;
		s->held.len = s->begin = s->head_max;
	} else {
		memmove(s->held.data, s->held.data + s->begin, rest);
		s->held.len = rest;
		s->begin = 0;
	}
	return ERR_OK;
}

enum err_code
lines_each(int fd, uint64_t offset, size_t head_max, line_fn *fn, void *arg,
    const struct cancel *cancel, struct err *err)
{
	AUTO(bufv) struct buf memory = BUF_INIT;
	size_t got = 1;
	if (buf_reserve(&memory, 2 * head_max + READ_SIZE, err))
		return err->code;
	struct scan s = { .held = memory, .head_max = head_max, .fn = fn, .arg = arg };
	s.line.offset = offset;
	while (got > 0) {
		/* What has no end yet was read, too. */
		if (cancel_check(cancel, err) ||
		    read_at(fd, offset, s.held.data + s.held.len, READ_SIZE, &got, err))
			return err->code;
		s.held.len += got;
		offset += got;
		if (take(&s, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
lines_read(int fd, uint64_t offset, size_t max, struct buf *out, bool *is_cut, struct err *err)
{
	out->len = 0;
	*is_cut = false;
	for (;;) {
		size_t got;
		if (buf_reserve(out, LINE_READ, err) ||
		    read_at(fd, offset + out->len, out->data + out->len, LINE_READ, &got, err))
			return err->code;
		const uint8_t *end = memchr(out->data + out->len, '\n', got);
		out->len += end != NULL ? (size_t)(end - (out->data + out->len)) : got;
		*is_cut = out->len > max || (end == NULL && got == 0);
		if (end != NULL || *is_cut)
			break;
	}
	out->len = min_size(out->len, max);
	return ERR_OK;
}

#include "db/pick_impl.h"

#include <string.h>

static enum err_code
script_open(struct dump_source *src, const char *name, struct err *err)
{
	struct pick_script *s = (struct pick_script *)src;
	s->at = 0;
	s->stage = 0;
	return s->rows != NULL ? s->rows->ops->open(s->rows, name, err) : ERR_OK;
}

static size_t
take(const struct buf *b, size_t *at, void *out, size_t len)
{
	size_t n = min_size(len, b->len - *at);
	if (n > 0)
		memcpy(out, b->data + *at, n);
	*at += n;
	return n;
}

static enum err_code
script_read(struct dump_source *src, void *out, size_t len, size_t *got, struct err *err)
{
	struct pick_script *s = (struct pick_script *)src;
	*got = 0;
	if (s->stage == 0) {
		*got = take(s->head, &s->at, out, len);
		if (*got > 0)
			return ERR_OK;
		s->stage = s->rows != NULL ? 1 : 2;
		s->at = 0;
	}
	if (s->stage == 1) {
		if (s->rows->ops->read(s->rows, out, len, got, err))
			return err->code;
		if (*got > 0)
			return ERR_OK;
		s->stage = 2;
	}
	*got = take(s->tail, &s->at, out, len);
	return ERR_OK;
}

static void
script_close(struct dump_source *src)
{
	struct pick_script *s = (struct pick_script *)src;
	if (s->rows != NULL)
		s->rows->ops->close(s->rows);
}

static const struct dump_source_ops script_ops = {
	.open = script_open,
	.read = script_read,
	.close = script_close,
};

void
pick_script_init(struct pick_script *s, const struct buf *head, struct dump_source *rows,
    const struct buf *tail)
{
	*s = (struct pick_script){ .base = { &script_ops }, head, rows, tail, 0, 0 };
}

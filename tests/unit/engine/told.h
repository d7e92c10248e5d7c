/*
 * told.h: what a comparison told, a line each, in the lines of tree/fixture.h.
 */
#ifndef TESTS_UNIT_ENGINE_TOLD_H
#define TESTS_UNIT_ENGINE_TOLD_H

#include "tree/fixture.h"

static inline void
line(struct fixture *f, const struct buf *b)
{
	struct err err;
	ok(strv_addf(&f->lines, &err, "%.*s", (int)b->len, (const char *)b->data));
}

/* All lines, each with a newline behind it, must be these; then there are none. */
static inline void
told(struct fixture *f, const char *wanted)
{
	struct err err;
	AUTO(bufv) struct buf all = BUF_INIT;
	for (size_t i = 0; i < f->lines.len; i++)
		ok(buf_printf(&all, &err, "%s\n", f->lines.items[i]));
	assert_string_equal(all.len > 0 ? buf_cstr(&all) : "", wanted);
	strv_release(&f->lines);
	f->lines = (struct strv)STRV_INIT;
}

#endif

#include "db/lzf.h"

#include <string.h>

void
lzf_begin(struct lzf *z, lzf_fn *fn, void *arg)
{
	z->fn = fn;
	z->arg = arg;
	z->len = 0;
	z->told = 0;
	z->total = 0;
	z->state = LZF_CONTROL;
}

static void
tell(struct lzf *z)
{
	z->fn(z->arg, z->out + z->told, z->len - z->told);
	z->told = z->len;
}

static void
put(struct lzf *z, uint8_t c)
{
	if (z->len == sizeof z->out) {
		tell(z);
		memcpy(z->out, z->out + LZF_WINDOW, LZF_WINDOW);
		z->len = z->told = LZF_WINDOW;
	}
	z->out[z->len++] = c;
	z->total++;
}

static bool
repeat(struct lzf *z)
{
	size_t back = z->offset + 1;
	if (back > z->total || back > z->len)
		return false;
	for (size_t i = 0; i < z->run; i++) {
		/* put may move the window, and the place with it. */
		uint8_t c = z->out[z->len - back];
		put(z, c);
	}
	z->state = LZF_CONTROL;
	return true;
}

static bool
control(struct lzf *z, uint8_t c)
{
	if (c < 32) {
		z->run = (size_t)c + 1;
		z->state = LZF_LITERAL;
		return true;
	}
	z->run = (size_t)(c >> 5) + 2;
	z->offset = (size_t)(c & 0x1f) << 8;
	z->state = z->run == 9 ? LZF_LENGTH : LZF_OFFSET;
	return true;
}

bool
lzf_feed(struct lzf *z, const uint8_t *data, size_t len)
{
	bool good = true;
	for (size_t i = 0; i < len && good; i++) {
		switch (z->state) {
		case LZF_CONTROL:
			good = control(z, data[i]);
			break;
		case LZF_LITERAL:
			put(z, data[i]);
			if (--z->run == 0)
				z->state = LZF_CONTROL;
			break;
		case LZF_LENGTH:
			z->run += data[i];
			z->state = LZF_OFFSET;
			break;
		case LZF_OFFSET:
			z->offset |= data[i];
			good = repeat(z);
			break;
		}
	}
	return good;
}

bool
lzf_end(struct lzf *z, uint64_t expected)
{
	tell(z);
	return z->state == LZF_CONTROL && z->total == expected;
}

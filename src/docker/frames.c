#include "docker/frames.h"

#include <string.h>

void
frames_init(struct frames *f)
{
	*f = (struct frames){ 0 };
}

void
frames_skip(struct frames *f, uint32_t n)
{
	f->left -= n;
	if (f->left == 0)
		f->head_len = 0;
}

bool
frames_is_between(const struct frames *f)
{
	return f->head_len == 0;
}

static enum err_code
begin_payload(struct frames *f, struct err *err)
{
	const uint8_t *h = f->head;
	if (h[0] > FRAME_ENGINE_ERROR || h[1] != 0 || h[2] != 0 || h[3] != 0)
		return err_set(err, ERR_CORRUPT,
		    "the engine's stream is not framed (head %02x%02x%02x%02x)", h[0], h[1],
		    h[2], h[3]);
	f->stream = h[0];
	f->size = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
	f->left = f->size;
	f->count++;
	if (f->left == 0)
		f->head_len = 0;
	return ERR_OK;
}

enum err_code
frames_next(
    struct frames *f, const void *data, size_t len, size_t *used, size_t *body, struct err *err)
{
	size_t taken = 0;
	if (f->left == 0) {
		taken = min_size(len, sizeof f->head - f->head_len);
		memcpy(f->head + f->head_len, data, taken);
		f->head_len += taken;
		if (f->head_len == sizeof f->head && begin_payload(f, err))
			return err->code;
	}
	*body = min_size(len - taken, f->left);
	if (*body > 0)
		frames_skip(f, (uint32_t)*body);
	*used = taken + *body;
	return ERR_OK;
}

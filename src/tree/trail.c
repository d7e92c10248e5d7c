#include "tree/trail.h"

#include <stdatomic.h>
#include <string.h>

struct trail {
	struct trail *up;
	atomic_size_t refs;
	size_t len;
	char name[];
};

enum err_code
trail_new(struct trail **out, struct trail *up, const char *name, struct err *err)
{
	size_t len = strlen(name);
	struct trail *t = malloc(sizeof *t + len + 1);
	if (t == NULL)
		return err_nomem(err);
	t->up = up;
	if (up != NULL)
		trail_ref(up);
	atomic_init(&t->refs, 1);
	t->len = len;
	memcpy(t->name, name, len + 1);
	*out = t;
	return ERR_OK;
}

void
trail_ref(struct trail *t)
{
	atomic_fetch_add(&t->refs, 1);
}

void
trail_unref(struct trail *t)
{
	/* A loop, not a recursion: trees may be deeper than the stack. */
	while (t != NULL && atomic_fetch_sub(&t->refs, 1) == 1) {
		struct trail *up = t->up;
		free(t);
		t = up;
	}
}

const char *
trail_name(const struct trail *t)
{
	return t->name;
}

/* Put bytes before *at. */
static void
put_before(uint8_t **at, const char *s, size_t len)
{
	*at -= len;
	memcpy(*at, s, len);
}

enum err_code
trail_path(const struct trail *t, const char *name, struct buf *out, struct err *err)
{
	size_t len = name != NULL ? strlen(name) : 0;
	for (const struct trail *p = t; p->up != NULL; p = p->up)
		len += p->len + 1;
	if (buf_reserve(out, len + 1, err))
		return err->code;
	/* From the end, as the links lead up. */
	uint8_t *start = out->data + out->len;
	uint8_t *end = start + len;
	uint8_t *at = end;
	if (name != NULL)
		put_before(&at, name, strlen(name));
	for (const struct trail *p = t; p->up != NULL; p = p->up) {
		if (at != end)
			put_before(&at, "/", 1);
		put_before(&at, p->name, p->len);
	}
	size_t written = (size_t)(end - at);
	memmove(start, at, written);
	start[written] = '\0';
	out->len += written;
	return ERR_OK;
}

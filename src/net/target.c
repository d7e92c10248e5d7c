#include "net/target.h"

#include "base/percent.h"

#include <string.h>

void
target_init(struct target *t, const char *path)
{
	*t = (struct target){ .text = BUF_INIT, .err = ERR_INIT };
	t->err.code = buf_str(&t->text, path, &t->err);
}

void
target_release(struct target *t)
{
	buf_release(&t->text);
}

static void
add_raw(struct target *t, const char *s, size_t len)
{
	if (t->err.code == ERR_OK && buf_add(&t->text, s, len, &t->err))
		return;
}

static void
add_encoded(struct target *t, const char *s)
{
	if (t->err.code == ERR_OK && percent_encode(&t->text, s, "", &t->err))
		return;
}

void
target_part(struct target *t, const char *part)
{
	if (t->err.code != ERR_OK)
		return;
	if (*part == '\0' || strcmp(part, ".") == 0 || strcmp(part, "..") == 0) {
		err_set(&t->err, ERR_USAGE, "'%s' cannot be part of a request's path", part);
		return;
	}
	add_raw(t, "/", 1);
	add_encoded(t, part);
}

void
target_query(struct target *t, const char *name, const char *value)
{
	add_raw(t, t->has_query ? "&" : "?", 1);
	t->has_query = true;
	add_encoded(t, name);
	add_raw(t, "=", 1);
	add_encoded(t, value);
}

enum err_code
target_text(struct target *t, const char **text, struct err *err)
{
	if (t->err.code != ERR_OK) {
		*err = t->err;
		return err->code;
	}
	const char *s = buf_cstr(&t->text);
	if (s == NULL)
		return err_nomem(err);
	*text = s;
	return ERR_OK;
}

#include "net/target.h"

#include <stdio.h>
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

static bool
is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
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
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		if (is_unreserved(c)) {
			add_raw(t, s, 1);
		} else {
			char esc[4];
			snprintf(esc, sizeof esc, "%%%02X", c);
			add_raw(t, esc, 3);
		}
	}
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

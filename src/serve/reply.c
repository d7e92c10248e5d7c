#include "serve/reply.h"

void
reply_begin(struct reply *r)
{
	r->text = (struct buf)BUF_INIT;
	json_init(&r->w, &r->text);
	json_obj(&r->w, NULL);
}

enum err_code
reply_end(struct reply *r, struct answer *out, struct err *err)
{
	json_obj_end(&r->w);
	if (json_finish(&r->w, err))
		return err->code;
	return json_parse(&out->body, r->text.data, r->text.len, "answer", err);
}

const char *
ask_text(const struct ask *a, const char *name)
{
	return json_get_str(a->args, name);
}

int64_t
ask_int(const struct ask *a, const char *name, int64_t other)
{
	return json_get_int(a->args, name, other);
}

bool
ask_flag(const struct ask *a, const char *name, bool other)
{
	const json_t *v = json_object_get(a->args, name);
	return v != NULL ? json_is_true(v) : other;
}

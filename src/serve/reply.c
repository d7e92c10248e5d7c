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

enum err_code
ask_choice(const struct ask *a, const char *name, const char *words, struct err *err)
{
	AUTO(strv) struct strv list = STRV_INIT;
	const char *said = ask_text(a, name);
	if (said == NULL)
		return ERR_OK;
	if (strv_split(&list, words, ' ', err))
		return err->code;
	if (!strv_has(&list, said))
		return err_set(err, ERR_USAGE, "%s: must be one of: %s", name, words);
	return ERR_OK;
}

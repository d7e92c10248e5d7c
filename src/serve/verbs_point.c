#include "serve/look.h"
#include "serve/reply.h"
#include "serve/verbs_snapshot.h"

/* A run on the snapshot that was named: words, then its id. */
static enum err_code
start(const struct ask *ask, const char *kind, const struct strv *words, struct answer *out,
    struct err *err)
{
	AUTO(look) struct look l = { .kept = NULL };
	AUTO(strv) struct strv argv = STRV_INIT;
	const struct point *x;
	if (look_at(&l, &x, ask, err))
		return err->code;
	if (strv_add_all(&argv, words, err) || strv_add(&argv, "--", err) ||
	    strv_add(&argv, x->hex, err))
		return err->code;
	struct run_plan plan = { kind, x->stack != NULL ? x->stack : "",
		(const char *const *)argv.items };
	return keeper_run_answer(ask, &plan, out, err);
}

/* A command with one option that may be on. */
static enum err_code
start_with(const struct ask *ask, const char *command, const char *option, const char *flag,
    struct answer *out, struct err *err)
{
	AUTO(strv) struct strv words = STRV_INIT;
	if (strv_add(&words, command, err) ||
	    (option != NULL && ask_flag(ask, flag, false) && strv_add(&words, option, err)))
		return err->code;
	return start(ask, command, &words, out, err);
}

enum err_code
snapshot_verify(const struct ask *ask, struct answer *out, struct err *err)
{
	return start_with(ask, "verify", "--read-data", "read_data", out, err);
}

enum err_code
snapshot_drill(const struct ask *ask, struct answer *out, struct err *err)
{
	return start_with(ask, "drill", "--pull", "pull", out, err);
}

enum err_code
snapshot_accept(const struct ask *ask, struct answer *out, struct err *err)
{
	return start_with(ask, "accept", NULL, NULL, out, err);
}

enum err_code
snapshot_forget(const struct ask *ask, struct answer *out, struct err *err)
{
	return start_with(ask, "forget", NULL, NULL, out, err);
}

/* Each as "--add=TAG", so that no tag can be an option. */
static enum err_code
add_tags(struct strv *words, const struct ask *ask, const char *what, struct err *err)
{
	size_t i;
	const json_t *tag;
	json_array_foreach(json_object_get(ask->args, what), i, tag)
	{
		const char *text = json_string_value(tag);
		if (*text == '\0' || strchr(text, ',') != NULL)
			return err_set(
			    err, ERR_USAGE, "%s: a tag is not empty, and has no comma", what);
		if (strv_addf(words, err, "--%s=%s", what, text))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
snapshot_tag(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(strv) struct strv words = STRV_INIT;
	if (strv_add(&words, "tag", err) || add_tags(&words, ask, "add", err) ||
	    add_tags(&words, ask, "remove", err))
		return err->code;
	if (words.len == 1)
		return err_set(err, ERR_USAGE, "add, remove: which tags?");
	return start(ask, "tag", &words, out, err);
}

#include "engine/plan_rules.h"

#include "base/buf.h"

#include <string.h>

/* "!" in front, and the rest. */
static const char *
split_not(const char *rule, const char **no)
{
	bool takes_back = *rule == '!';
	*no = takes_back ? "!" : "";
	return rule + takes_back;
}

enum err_code
rule_in_mount(char **out, const char *rule, const char *target, struct err *err)
{
	const char *no;
	const char *body = split_not(rule, &no);
	size_t n = strlen(target);
	while (n > 0 && target[n - 1] == '/')
		n--;
	const char *rest = body + n;
	if (n == 0 || strncmp(body, target, n) != 0 || (*rest != '/' && *rest != '\0'))
		return str_dup(out, rule, err);
	/* The mount itself is all that is in it. */
	bool is_all = rest[strspn(rest, "/")] == '\0';
	return str_printf(out, err, "%s%s", no, is_all ? "/*" : rest);
}

/* With a backslash before what has a meaning in rules. */
static enum err_code
add_plain(struct buf *to, const char *text, struct err *err)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (strchr("*?[]\\", *p) != NULL && buf_str(to, "\\", err))
			return err->code;
		if (buf_add(to, p, 1, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
rule_in_folder(char **out, const char *rule, const char *folder, struct err *err)
{
	const char *no;
	const char *body = split_not(rule, &no);
	const char *slash = strchr(body, '/');
	bool is_tied = slash != NULL && slash[1] != '\0';
	AUTO(bufv) struct buf text = BUF_INIT;
	if (buf_printf(&text, err, "%s/", no) || add_plain(&text, folder, err) ||
	    buf_printf(&text, err, "/%s%s", is_tied ? "" : "**/", body + (*body == '/')))
		return err->code;
	return str_dup(out, buf_cstr(&text), err);
}

#include "cli/words.h"

#include "base/buf.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* Read one word from *p, which stands on its first character, and leave *p behind it. */
static enum err_code
read_word(const char **p, struct buf *word, struct err *err)
{
	char quote = '\0';
	const char *s = *p;
	for (; *s != '\0' && (quote != '\0' || !is_blank(*s)); s++) {
		if (quote == '\0' && (*s == '\'' || *s == '"')) {
			quote = *s;
			continue;
		}
		if (*s == quote) {
			quote = '\0';
			continue;
		}
		if (*s == '\\' && quote != '\'' && *++s == '\0')
			return err_set(err, ERR_USAGE, "it ends with a backslash");
		if (buf_add(word, s, 1, err))
			return err->code;
	}
	if (quote != '\0')
		return err_set(err, ERR_USAGE, "a %c is not closed", quote);
	*p = s;
	return ERR_OK;
}

enum err_code
words_split(struct strv *out, const char *text, struct err *err)
{
	const char *p = text;
	for (;;) {
		while (is_blank(*p))
			p++;
		if (*p == '\0')
			break;
		AUTO(bufv) struct buf word = BUF_INIT;
		if (read_word(&p, &word, err))
			return err->code;
		const char *s = buf_cstr(&word);
		if (s == NULL)
			return err_nomem(err);
		if (strv_add(out, s, err))
			return err->code;
	}
	return out->len > 0 ? ERR_OK : err_set(err, ERR_USAGE, "it is empty");
}

#include "cli/html.h"

#include "ui/escape.h"

enum err_code
html_escape(struct buf *out, const void *text, size_t len, struct err *err)
{
	const char *p = text;
	for (size_t i = 0; i < len; i++) {
		const char *form = p[i] == '&'    ? "&amp;"
				   : p[i] == '<'  ? "&lt;"
				   : p[i] == '>'  ? "&gt;"
				   : p[i] == '"'  ? "&quot;"
				   : p[i] == '\'' ? "&#39;"
						  : NULL;
		if (form != NULL ? buf_str(out, form, err) : buf_add(out, p + i, 1, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
html_text(struct buf *out, const void *text, size_t len, struct err *err)
{
	AUTO(bufv) struct buf safe = BUF_INIT;
	if (escape_add(&safe, text, len, err))
		return err->code;
	return html_escape(out, safe.data, safe.len, err);
}

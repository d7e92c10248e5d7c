#include "cli/unified.h"

#include "ui/escape.h"

enum err_code
unified_line(struct buf *out, const struct screen *screen, char mark, const char *text,
    size_t len, struct err *err)
{
	enum paint p = mark == '@'   ? PAINT_CYAN
		       : mark == '-' ? PAINT_RED
		       : mark == '+' ? PAINT_GREEN
				     : PAINT_NONE;
	bool has_mark = mark != '@' && mark != '\\';
	if ((p != PAINT_NONE && buf_str(out, screen_paint(screen, p), err)) ||
	    (has_mark && buf_u8(out, (uint8_t)mark, err)) || escape_add(out, text, len, err) ||
	    (p != PAINT_NONE && buf_str(out, screen_paint(screen, PAINT_NONE), err)))
		return err->code;
	return buf_str(out, "\n", err);
}

enum err_code
unified_head(struct buf *out, const struct screen *screen, const char *mark, const char *side,
    const char *name, struct err *err)
{
	if (buf_printf(out, err, "%s%s %s", screen_paint(screen, PAINT_BOLD), mark,
		name != NULL ? side : "/dev/null"))
		return err->code;
	return name != NULL ? escape_add(out, name, strlen(name), err) : ERR_OK;
}

enum err_code
unified_text(struct buf *out, const char *text, struct err *err)
{
	size_t len = text != NULL ? strlen(text) : 0;
	if (len == 0)
		return ERR_OK;
	if (buf_add(out, text, len, err))
		return err->code;
	return text[len - 1] != '\n' ? buf_u8(out, '\n', err) : ERR_OK;
}

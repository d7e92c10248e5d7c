#include "cli/diff_view.h"

#include "cli/cli.h"
#include "engine/diff.h"
#include "ui/escape.h"
#include "ui/format.h"

void
diff_view_init(struct diff_view *v, bool no_color)
{
	*v = (struct diff_view){ .line = BUF_INIT };
	screen_init(&v->screen, STDOUT_FILENO, no_color);
}

void
diff_view_release(struct diff_view *v)
{
	buf_release(&v->line);
}

char
diff_view_letter(unsigned fields)
{
	return diff_is_change(fields) ? 'M' : 'm';
}

static enum paint
paint_of(char letter)
{
	switch (letter) {
	case '+':
		return PAINT_GREEN;
	case '-':
		return PAINT_RED;
	case 'M':
		return PAINT_YELLOW;
	default:
		return PAINT_CYAN;
	}
}

static bool
is_file(const struct tree_entry *e)
{
	return e != NULL && e->type == TREE_FILE;
}

/* "content, mtime" */
static enum err_code
add_fields(struct buf *out, unsigned fields, struct err *err)
{
	const char *comma = "";
	for (unsigned bit = 1; bit < FIELD_ALL; bit <<= 1) {
		/* That the size differs, the sizes tell. */
		if ((fields & bit) == 0 || bit == FIELD_SIZE)
			continue;
		if (buf_printf(out, err, "%s%s", comma, tree_field_word((enum tree_field)bit)))
			return err->code;
		comma = ", ";
	}
	return ERR_OK;
}

/* "  (content, mtime; 6 B → 12 B)" */
static enum err_code
add_details(struct buf *out, unsigned fields, const struct tree_entry *before,
    const struct tree_entry *now, struct err *err)
{
	char from[FORMAT_MAX] = "";
	char to[FORMAT_MAX] = "";
	if (is_file(before))
		format_size(from, before->content.size);
	if (is_file(now))
		format_size(to, now->content.size);
	bool both = before != NULL && now != NULL;
	bool sizes = both ? (fields & (FIELD_TYPE | FIELD_SIZE)) != 0 : true;
	sizes = sizes && (*from != '\0' || *to != '\0');
	if (!both && !sizes)
		return ERR_OK;
	if (buf_str(out, "  (", err) || add_fields(out, fields, err))
		return err->code;
	if (sizes && (fields & ~(unsigned)FIELD_SIZE) != 0 && buf_str(out, "; ", err))
		return err->code;
	if (sizes && buf_printf(out, err, "%s%s%s", from,
			 *from != '\0' && *to != '\0' ? " \xe2\x86\x92 " : "", to))
		return err->code;
	return buf_str(out, ")", err);
}

enum err_code
diff_view_add(struct diff_view *v, struct buf *out, char letter, const char *path,
    unsigned fields, const struct tree_entry *before, const struct tree_entry *now,
    struct err *err)
{
	const struct tree_entry *e = now != NULL ? now : before;
	if (buf_printf(out, err, "%s%c ", screen_paint(&v->screen, paint_of(letter)), letter) ||
	    escape_add(out, path, strlen(path), err) ||
	    (e != NULL && e->type == TREE_DIR && buf_str(out, "/", err)) ||
	    buf_str(out, screen_paint(&v->screen, PAINT_NONE), err) ||
	    (e != NULL && add_details(out, fields, before, now, err)))
		return err->code;
	return buf_str(out, "\n", err);
}

enum err_code
diff_view_print(struct diff_view *v, char letter, const char *path, unsigned fields,
    const struct tree_entry *before, const struct tree_entry *now, struct err *err)
{
	v->line.len = 0;
	if (diff_view_add(v, &v->line, letter, path, fields, before, now, err))
		return err->code;
	fwrite(v->line.data, 1, v->line.len, stdout);
	/* Nobody reads on: the rest need not be found out. */
	return ferror(stdout) ? cli_flush(err) : ERR_OK;
}

static const char *
word_of(char letter)
{
	switch (letter) {
	case '+':
		return "added";
	case '-':
		return "removed";
	case 'M':
		return "changed";
	case 'm':
		return "metadata";
	default:
		return "excluded";
	}
}

enum err_code
diff_view_json(struct diff_view *v, const char *type, char letter, const char *path,
    unsigned fields, const struct tree_entry *before, const struct tree_entry *now,
    struct err *err)
{
	const struct tree_entry *e = now != NULL ? now : before;
	struct json_writer w;
	v->line.len = 0;
	json_init(&w, &v->line);
	json_obj(&w, NULL);
	json_str(&w, "type", type);
	json_str(&w, "change", word_of(letter));
	json_bytes(&w, "path", path, strlen(path));
	if (e != NULL)
		json_str(&w, "kind", tree_type_word(e->type));
	json_arr(&w, "fields");
	for (unsigned bit = 1; bit < FIELD_ALL; bit <<= 1)
		if ((fields & bit) != 0)
			json_str(&w, NULL, tree_field_word((enum tree_field)bit));
	json_arr_end(&w);
	if (is_file(before))
		json_u64(&w, "bytes_before", before->content.size);
	if (is_file(now))
		json_u64(&w, "bytes_now", now->content.size);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return cli_write_line(&v->line, err);
}

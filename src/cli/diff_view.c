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

static const char *
color_of(char letter)
{
	switch (letter) {
	case '+':
		return "\033[32m";
	case '-':
		return "\033[31m";
	case 'M':
		return "\033[33m";
	default:
		return "\033[36m";
	}
}

static bool
is_file(const struct tree_entry *e)
{
	return e != NULL && e->type == TREE_FILE;
}

/* "content, mtime" */
static void
print_fields(unsigned fields)
{
	const char *comma = "";
	for (unsigned bit = 1; bit < FIELD_ALL; bit <<= 1) {
		/* That the size differs, the sizes tell. */
		if ((fields & bit) == 0 || bit == FIELD_SIZE)
			continue;
		printf("%s%s", comma, tree_field_word((enum tree_field)bit));
		comma = ", ";
	}
}

/* "  (content, mtime; 6 B -> 12 B)" */
static void
print_details(unsigned fields, const struct tree_entry *before, const struct tree_entry *now)
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
		return;
	fputs("  (", stdout);
	print_fields(fields);
	if (sizes && (fields & ~(unsigned)FIELD_SIZE) != 0)
		fputs("; ", stdout);
	if (sizes)
		printf("%s%s%s", from, *from != '\0' && *to != '\0' ? " -> " : "", to);
	putchar(')');
}

enum err_code
diff_view_print(struct diff_view *v, char letter, const char *path, unsigned fields,
    const struct tree_entry *before, const struct tree_entry *now, struct err *err)
{
	const struct tree_entry *e = now != NULL ? now : before;
	bool color = v->screen.has_color;
	printf("%s%c ", color ? color_of(letter) : "", letter);
	escape_print(stdout, path);
	if (e != NULL && e->type == TREE_DIR)
		putchar('/');
	fputs(color ? "\033[0m" : "", stdout);
	if (e != NULL)
		print_details(fields, before, now);
	putchar('\n');
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

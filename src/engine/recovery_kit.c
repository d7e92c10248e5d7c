#include "engine/recovery_kit.h"

#include "base/strv.h"
#include "repo/recovery_lines.h"
#include "sys/clock.h"

#include <stdarg.h>

#define REPO_ID_BYTES 16
#define WIDTH 78

/* What both forms of the page say. */
struct page {
	char *facts[12]; /* name, value, name, value, … */
	size_t n_facts;
	const char *warning;
	char *steps[16]; /* text, command or NULL, … */
	size_t n_steps;
	struct buf lines;
};

static void
page_auto(struct page *p)
{
	for (size_t i = 0; i < p->n_facts; i++)
		free(p->facts[i]);
	for (size_t i = 0; i < p->n_steps; i++)
		free(p->steps[i]);
	secret_buf_release(&p->lines);
}

/* A path may hold what would break the page. */
static void
make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			*text = '?';
}

static enum err_code add_fact(
    struct page *p, struct err *err, const char *name, const char *fmt, ...) PRINTF_LIKE(4, 5);

static enum err_code
add_fact(struct page *p, struct err *err, const char *name, const char *fmt, ...)
{
	char value[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(value, sizeof value, fmt, args);
	va_end(args);
	make_printable(value);
	if (str_dup(&p->facts[p->n_facts], name, err))
		return err->code;
	p->n_facts++;
	if (str_dup(&p->facts[p->n_facts], value, err))
		return err->code;
	p->n_facts++;
	return ERR_OK;
}

static enum err_code
add_step(struct page *p, const char *text, const char *command, struct err *err)
{
	if (str_dup(&p->steps[p->n_steps], text, err))
		return err->code;
	p->n_steps++;
	p->steps[p->n_steps] = NULL;
	if (command != NULL && str_dup(&p->steps[p->n_steps], command, err))
		return err->code;
	p->n_steps++;
	return ERR_OK;
}

static enum err_code
add_facts(struct page *p, const struct recovery_kit *kit, struct err *err)
{
	char id[2 * REPO_ID_BYTES + 1];
	char slot[ID_HEX_SIZE];
	char born[CLOCK_TEXT_SIZE];
	char made[CLOCK_TEXT_SIZE];
	char now[CLOCK_TEXT_SIZE];
	hex_encode(id, kit->repo_id, REPO_ID_BYTES);
	id_hex(slot, &kit->slot->id);
	clock_format_local(born, kit->repo_created_ns);
	clock_format_local(made, kit->slot->created_ns);
	clock_format_local(now, kit->now_ns);
	if (add_fact(p, err, "Repository", "%s, made %.10s", id, born) ||
	    add_fact(p, err, "Where", "%s, as seen from the host %s", kit->place, kit->host) ||
	    add_fact(p, err, "This page", "made %s by StackSnap %s", now, STACKSNAP_VERSION))
		return err->code;
	if (kit->key->has_code)
		return add_fact(p, err, "Opens with", "the code below, alone");
	return add_fact(p, err, "Opens with", "the %s of the key %.8s (%s), added %.10s",
	    kit->slot->kind == KEY_FILE ? "key file" : "passphrase", slot, kit->slot->label,
	    made);
}

static const char *
warning_of(const struct recovery_kit *kit)
{
	if (kit->key->has_code)
		return "Whoever has this page and a copy of the repository can read everything "
		       "in it. Keep it like cash. It cannot be withdrawn: it works as long as "
		       "the repository exists.";
	if (kit->slot->kind == KEY_FILE)
		return "This page alone opens nothing: it needs the key file named above. It "
		       "goes on working with that file when the keys of the repository are "
		       "changed. Keep a copy of the key file, but not with this page.";
	return "This page alone opens nothing: it needs the passphrase named above. It goes on "
	       "working with the passphrase of its day when that is changed later. Keep the "
	       "passphrase, too, but not with this page.";
}

static enum err_code
add_steps(struct page *p, const struct recovery_kit *kit, struct err *err)
{
	bool by_file = !kit->key->has_code && kit->slot->kind == KEY_FILE;
	const char *with = by_file ? " --key-file FILE" : "";
	AUTO(str) char *try = NULL;
	AUTO(str) char *recover = NULL;
	AUTO(str) char *reader = NULL;
	if (str_printf(
		&try, err, "stacksnap -r PLACE%s recover-key --from KIT --dry-run", with) ||
	    str_printf(&recover, err, "stacksnap -r PLACE%s recover-key --from KIT", with) ||
	    str_printf(&reader, err,
		"python3 stacksnap_read.py -r PLACE%s --recovery-kit KIT restore latest DIR",
		with))
		return err->code;
	if (add_step(p,
		"Bring the repository, or a copy of it, to a machine with Linux. PLACE is its "
		"folder, the one in which the file \"config\" lies.",
		NULL, err) ||
	    add_step(p,
		"Build StackSnap there, this version or a later one, from its source (on "
		"Debian 12 or later, or an Ubuntu LTS):",
		"scripts/build && cp build/stacksnap /usr/local/bin/", err) ||
	    add_step(p,
		"See whether this kit opens the repository. KIT is the file from which this "
		"page was printed, or one into which its lines were typed. Without --from the "
		"lines are asked for one by one. Errors are found in the line where they are.",
		try, err) ||
	    add_step(p,
		kit->key->has_code
		    ? "Let a new passphrase open the repository:"
		    : "Put the key back into the repository, if it is lost there:",
		recover, err) ||
	    add_step(p, "See what there is, and bring it back:",
		"stacksnap -r PLACE snapshots\nstacksnap -r PLACE restore SNAPSHOT --to DIR",
		err))
		return err->code;
	return add_step(p,
	    "Without StackSnap: contrib/stacksnap_read.py in its source is a reader of its own "
	    "in "
	    "Python, which needs only Debian's packages. The format is written down in "
	    "docs/format.md.",
	    reader, err);
}

static enum err_code
make_page(struct page *p, const struct recovery_kit *kit, struct err *err)
{
	p->warning = warning_of(kit);
	if (add_facts(p, kit, err) || add_steps(p, kit, err))
		return err->code;
	return recovery_lines_print(kit->key, &p->lines, err);
}

static const char about_lines[] =
    "The last two characters of each line check the others. There is no letter I, L, O or U: "
    "what looks like one is 1 or 0.";

/* --- text --- */

/* Words in lines of at most WIDTH columns, the first line behind what stands there already. */
static enum err_code
wrap(struct buf *out, const char *text, size_t indent, struct err *err)
{
	size_t column = indent;
	while (*text != '\0') {
		size_t len = strcspn(text, " ");
		if (column > indent && column + 1 + len > WIDTH) {
			if (buf_printf(out, err, "\n%*s", (int)indent, ""))
				return err->code;
			column = indent;
		} else if (column > indent) {
			if (buf_u8(out, ' ', err))
				return err->code;
			column++;
		}
		if (buf_add(out, text, len, err))
			return err->code;
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	return buf_u8(out, '\n', err);
}

static enum err_code
text_steps(const struct page *p, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < p->n_steps; i += 2) {
		if (buf_printf(out, err, "%2zu. ", i / 2 + 1) || wrap(out, p->steps[i], 4, err))
			return err->code;
		if (p->steps[i + 1] == NULL)
			continue;
		AUTO(strv) struct strv commands = STRV_INIT;
		if (strv_split(&commands, p->steps[i + 1], '\n', err))
			return err->code;
		for (size_t k = 0; k < commands.len; k++)
			if (buf_printf(out, err, "        %s\n", commands.items[k]))
				return err->code;
	}
	return ERR_OK;
}

static enum err_code
print_text(const struct page *p, struct buf *out, struct err *err)
{
	if (buf_str(out, "STACKSNAP RECOVERY KIT\n\n", err))
		return err->code;
	for (size_t i = 0; i < p->n_facts; i += 2)
		if (buf_printf(out, err, "%-12s", p->facts[i]) ||
		    wrap(out, p->facts[i + 1], 12, err))
			return err->code;
	if (buf_str(out, "\n", err) || wrap(out, p->warning, 0, err) ||
	    buf_str(out, "\n" RECOVERY_BEGIN "\n\n", err) ||
	    buf_add(out, p->lines.data, p->lines.len, err) ||
	    buf_str(out, "\n" RECOVERY_END "\n\n", err) || wrap(out, about_lines, 0, err) ||
	    buf_str(out, "\nWHAT TO DO\n\n", err))
		return err->code;
	return text_steps(p, out, err);
}

/* --- HTML --- */

static const char html_head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n"
    "<title>StackSnap recovery kit</title>\n"
    "<style>\n"
    "@page { size: A4; margin: 16mm 18mm; }\n"
    "body { font: 9.5pt/1.35 system-ui, \"Helvetica Neue\", Arial, sans-serif; color: #111;\n"
    "  background: #fff; max-width: 174mm; margin: 8mm auto; }\n"
    "h1 { font-size: 17pt; margin: 0 0 3mm; letter-spacing: -.01em; }\n"
    "h2 { font-size: 11pt; margin: 5mm 0 1.5mm; }\n"
    "table { border-collapse: collapse; width: 100%; }\n"
    "th { text-align: left; font-weight: 600; width: 26mm; padding: .6mm 0; vertical-align: "
    "top; }\n"
    "td { padding: .6mm 0; overflow-wrap: anywhere; }\n"
    ".warning { border: 1.5pt solid #111; padding: 2mm 3mm; margin: 3mm 0; }\n"
    "pre, code { font-family: ui-monospace, \"DejaVu Sans Mono\", Menlo, Consolas, monospace; "
    "}\n"
    ".key { font-size: 11pt; line-height: 1.4; border: .75pt solid #888; padding: 2mm 4mm;\n"
    "  margin: 0 0 1.5mm; white-space: pre; }\n"
    ".small { font-size: 9pt; color: #333; margin: 0; }\n"
    "ol { margin: 0; padding-left: 6mm; }\n"
    "li { margin-bottom: 1.2mm; }\n"
    "li pre { font-size: 9pt; margin: .5mm 0 0; white-space: pre-wrap; }\n"
    "@media print { body { margin: 0; max-width: none; } }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<h1>StackSnap recovery kit</h1>\n";

static enum err_code
html_text(struct buf *out, const char *text, struct err *err)
{
	for (; *text != '\0'; text++) {
		const char *entity = NULL;
		switch (*text) {
		case '&':
			entity = "&amp;";
			break;
		case '<':
			entity = "&lt;";
			break;
		case '>':
			entity = "&gt;";
			break;
		case '"':
			entity = "&quot;";
			break;
		default:
			break;
		}
		if (entity != NULL ? buf_str(out, entity, err) : buf_add(out, text, 1, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
html_element(
    struct buf *out, const char *open, const char *text, const char *close, struct err *err)
{
	if (buf_str(out, open, err) || html_text(out, text, err))
		return err->code;
	return buf_str(out, close, err);
}

static enum err_code
html_steps(const struct page *p, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < p->n_steps; i += 2) {
		if (html_element(out, "<li>", p->steps[i], "", err) ||
		    (p->steps[i + 1] != NULL &&
			html_element(out, "<pre>", p->steps[i + 1], "</pre>", err)) ||
		    buf_str(out, "</li>\n", err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
print_html(const struct page *p, struct buf *out, struct err *err)
{
	if (buf_str(out, html_head, err) || buf_str(out, "<table>\n", err))
		return err->code;
	for (size_t i = 0; i < p->n_facts; i += 2)
		if (html_element(out, "<tr><th>", p->facts[i], "</th>", err) ||
		    html_element(out, "<td>", p->facts[i + 1], "</td></tr>\n", err))
			return err->code;
	if (buf_str(out, "</table>\n", err) ||
	    html_element(out, "<p class=\"warning\">", p->warning, "</p>\n", err) ||
	    buf_str(out, "<pre class=\"key\">\n" RECOVERY_BEGIN "\n", err) ||
	    buf_add(out, p->lines.data, p->lines.len, err) ||
	    buf_str(out, RECOVERY_END "\n</pre>\n", err) ||
	    html_element(out, "<p class=\"small\">", about_lines, "</p>\n", err) ||
	    buf_str(out, "<h2>What to do</h2>\n<ol>\n", err) || html_steps(p, out, err))
		return err->code;
	return buf_str(out, "</ol>\n</body>\n</html>\n", err);
}

/* What cannot be read back must not be printed. */
static enum err_code
read_back(const struct recovery_kit *kit, const struct buf *page, struct err *err)
{
	AUTO(recovery_key) struct recovery_key back = { .has_code = false };
	if (recovery_parse((const char *)page->data, page->len, &back, err))
		return err_wrap(err, "read the kit back");
	if (memcmp(&back, kit->key, sizeof back) != 0)
		return err_set(err, ERR_CORRUPT, "the kit does not read back as it was made");
	return ERR_OK;
}

enum err_code
recovery_kit_print(const struct recovery_kit *kit, enum recovery_kit_format format,
    struct buf *out, struct err *err)
{
	AUTO(page) struct page p = { .n_facts = 0, .lines = BUF_INIT };
	if (make_page(&p, kit, err) ||
	    (format == RECOVERY_KIT_HTML ? print_html(&p, out, err) : print_text(&p, out, err)))
		return err->code;
	return read_back(kit, out, err);
}

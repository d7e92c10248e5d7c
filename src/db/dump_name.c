#include "db/dump_name.h"

#include "base/buf.h"
#include "base/strv.h"

#include <string.h>

static const char suffix[] = ".sql";

static bool
is_plain(char ch, size_t at)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
	       (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' || (ch == '.' && at > 0);
}

static enum err_code
escape(struct buf *out, char ch, struct err *err)
{
	return buf_printf(out, err, "%%%02X", (unsigned)(unsigned char)ch);
}

enum err_code
dump_name_escape(struct buf *out, const char *text, struct err *err)
{
	for (size_t i = 0; text[i] != '\0'; i++)
		if (is_plain(text[i], i) ? buf_add(out, &text[i], 1, err)
					 : escape(out, text[i], err))
			return err->code;
	return ERR_OK;
}

enum err_code
dump_name_encode(char **out, const char *database, struct err *err)
{
	bool is_taken = strcmp(database, "globals") == 0;
	AUTO(bufv) struct buf name = BUF_INIT;
	if ((is_taken && escape(&name, database[0], err)) ||
	    dump_name_escape(&name, database + is_taken, err) || buf_str(&name, suffix, err))
		return err->code;
	return str_dup(out, (const char *)name.data, err);
}

static int
hex_digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	return ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
}

enum err_code
dump_name_unescape(struct buf *out, const char *name, size_t len, struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		char ch = name[i];
		if (ch == '%' && i + 2 < len) {
			int v = hex_digit(name[i + 1]) * 16 + hex_digit(name[i + 2]);
			ch = v > 0 ? (char)v : '\0';
			i += 2;
		}
		if (buf_add(out, &ch, 1, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
dump_name_decode(char **out, const char *name, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	size_t len = str_ends(name, suffix) ? strlen(name) - strlen(suffix) : 0;
	if (dump_name_unescape(&text, name, len, err))
		return err->code;
	AUTO(str) char *database = NULL;
	AUTO(str) char *again = NULL;
	if (str_dupn(&database, text.len > 0 ? (const char *)text.data : "", text.len, err) ||
	    dump_name_encode(&again, database, err))
		return err->code;
	/* What does not come out the same was not made by dump_name_encode. */
	if (len == 0 || strcmp(again, name) != 0)
		return err_set(err, ERR_CORRUPT, "no database has a dump file called %s", name);
	*out = TAKE(database);
	return ERR_OK;
}

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

enum err_code
dump_name_encode(char **out, const char *database, struct err *err)
{
	bool is_taken = strcmp(database, "globals") == 0;
	AUTO(bufv) struct buf name = BUF_INIT;
	for (size_t i = 0; database[i] != '\0'; i++) {
		char ch = database[i];
		enum err_code rc =
		    is_plain(ch, i) && !(is_taken && i == 0)
			? buf_add(&name, &ch, 1, err)
			: buf_printf(&name, err, "%%%02X", (unsigned)(unsigned char)ch);
		if (rc)
			return rc;
	}
	if (buf_str(&name, suffix, err))
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
dump_name_decode(char **out, const char *name, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	size_t len = str_ends(name, suffix) ? strlen(name) - strlen(suffix) : 0;
	for (size_t i = 0; i < len; i++) {
		char ch = name[i];
		if (ch == '%' && i + 2 < len) {
			int v = hex_digit(name[i + 1]) * 16 + hex_digit(name[i + 2]);
			ch = v > 0 ? (char)v : '\0';
			i += 2;
		}
		if (buf_add(&text, &ch, 1, err))
			return err->code;
	}
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

/* The names of a dataset's parts (docs/format.md, "Tables"). */
#include "db/dataset.h"

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/strv.h"
#include "db/dump_name.h"

#include <string.h>

/* A name that is longer is cut: 255 bytes are what a filesystem takes. */
#define NAME_MAX_LEN 160
#define HASH_DIGITS 32
#define NUMBER_DIGITS 6

static const char rows_suffix[] = ".rows";

/* The beginning, no %XX of it cut, and a hash of all. */
static enum err_code
shorten(struct buf *name, const char *table, struct err *err)
{
	uint8_t raw[HASH_DIGITS / 2];
	char hex[HASH_DIGITS + 1];
	struct checksum128 sum = checksum128_of(table, strlen(table));
	put_u64(raw, sum.low);
	put_u64(raw + 8, sum.high);
	hex_encode(hex, raw, sizeof raw);
	size_t len = NAME_MAX_LEN - 1 - HASH_DIGITS;
	for (size_t i = 1; i <= 2; i++)
		if (name->data[len - i] == '%')
			len -= i;
	name->len = len;
	return buf_printf(name, err, "~%s", hex);
}

enum err_code
dataset_part_name(
    char **out, unsigned number, const char *table, const char *suffix, struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	if (table == NULL)
		return str_printf(out, err, "%06u.%s", number, suffix);
	if (dump_name_escape(&name, table, err) ||
	    (name.len > NAME_MAX_LEN && shorten(&name, table, err)))
		return err->code;
	const char *text = buf_cstr(&name);
	if (text == NULL)
		return err_nomem(err);
	return str_printf(out, err, "%06u.%s%s", number, text, rows_suffix);
}

const char *
dataset_part_rest(const char *name)
{
	bool fits = strspn(name, "0123456789") == NUMBER_DIGITS && name[NUMBER_DIGITS] == '.';
	return fits ? name + NUMBER_DIGITS + 1 : NULL;
}

enum err_code
dataset_part_table(char **out, const char *name, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	const char *rest = dataset_part_rest(name);
	if (rest == NULL)
		return err_set(err, ERR_CORRUPT, "%s: no part of a dump is called so", name);
	if (!str_ends(rest, rows_suffix)) {
		*out = NULL;
		return ERR_OK;
	}
	if (dump_name_unescape(&text, rest, strlen(rest) - strlen(rows_suffix), err))
		return err->code;
	return str_dupn(out, text.len > 0 ? (const char *)text.data : "", text.len, err);
}

bool
dataset_part_is_unknown(const char *name)
{
	const char *rest = dataset_part_rest(name);
	return rest != NULL && strcmp(rest, "unknown") == 0;
}

bool
dataset_row_format(const char *format, enum row_format *out)
{
	static const struct {
		const char *word;
		enum row_format rows;
	} known[] = { { "postgres", ROW_COPY }, { "mysql", ROW_INSERT }, { "rdb", ROW_RDB },
		{ "bson", ROW_BSON } };
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(format, known[i].word) == 0) {
			*out = known[i].rows;
			return true;
		}
	}
	return false;
}

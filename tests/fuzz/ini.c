/*
 * Fuzz target: INI files.  What is refused names its line; what is read, written out again, is
 * read as the same.
 */
#include "base/ini.h"
#include "base/buf.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct copy {
	struct buf text; /* as a file */
	size_t items;
	size_t line;
};

static enum err_code
write_item(void *arg, const struct ini_item *item, struct err *err)
{
	struct copy *c = arg;
	assert(item->section != NULL && item->line >= c->line);
	c->line = item->line;
	c->items++;
	if (item->key == NULL)
		return buf_printf(&c->text, err, "[%s]\n", item->section);
	assert(*item->key != '\0' && item->value != NULL);
	if (buf_printf(&c->text, err, "%s =", item->key))
		return err->code;
	/* Each line of a value begins with a blank. */
	for (const char *p = item->value;; p++) {
		size_t n = strcspn(p, "\n");
		if (buf_printf(&c->text, err, " %.*s\n", (int)n, p))
			return err->code;
		p += n;
		if (*p == '\0')
			return ERR_OK;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf first_text = BUF_INIT;
	AUTO(bufv) struct buf second_text = BUF_INIT;
	struct copy first = { BUF_INIT, 0, 0 };
	struct copy second = { BUF_INIT, 0, 0 };
	enum err_code rc = ini_parse(data, len, "file", write_item, &first, &err);
	first_text = first.text;
	if (rc != ERR_OK) {
		assert(rc == ERR_USAGE && strncmp(err.msg, "file", 4) == 0);
		return 0;
	}
	rc = ini_parse(first.text.data, first.text.len, "copy", write_item, &second, &err);
	second_text = second.text;
	assert(rc == ERR_OK && first.items == second.items);
	assert(first.text.len == second.text.len);
	assert(first.text.len == 0 ||
	       memcmp(first.text.data, second.text.data, first.text.len) == 0);
	return 0;
}

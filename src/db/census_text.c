/* A census as lines of JSON (docs/format.md, "Census"). */
#include "db/census_impl.h"

#include "base/bytes.h"
#include "base/json.h"

#include <string.h>

#define CONTENT_SIZE 16

static const char *const words[] = {
	[CENSUS_ROWS] = "rows",
	[CENSUS_OBJECT] = "object",
};

static enum err_code
write_item(const struct census_item *item, const char *stream, struct buf *out, struct err *err)
{
	uint8_t raw[CONTENT_SIZE];
	char hex[2 * CONTENT_SIZE + 1];
	put_u64(raw, item->content.low);
	put_u64(raw + 8, item->content.high);
	hex_encode(hex, raw, sizeof raw);
	struct json_writer w;
	json_init(&w, out);
	json_obj(&w, NULL);
	json_str(&w, "stream", stream);
	json_str(&w, "what", words[item->what]);
	json_bytes(&w, "name", item->name, strlen(item->name));
	json_u64(&w, "count", item->count);
	json_u64(&w, "bytes", item->bytes);
	json_str(&w, "content", hex);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return buf_str(out, "\n", err);
}

enum err_code
census_write(const struct census *c, const char *stream, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < census_count(c); i++)
		if (write_item(census_item(c, i), stream, out, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
bad_line(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "a line of the census is not as it should be");
}

/* The name's true bytes stand in a second field when it is not UTF-8. */
static enum err_code
read_name(char **out, const json_t *line, struct err *err)
{
	const char *hex = json_get_str(line, "name_hex");
	const char *name = json_get_str(line, "name");
	if (hex == NULL)
		return name != NULL ? str_dup(out, name, err) : bad_line(err);
	size_t len = strlen(hex);
	AUTO(str) char *text = calloc(1, len / 2 + 1);
	if (text == NULL)
		return err_nomem(err);
	if (!hex_decode((uint8_t *)text, len / 2, hex, len))
		return bad_line(err);
	*out = TAKE(text);
	return ERR_OK;
}

static enum err_code
read_item(struct census *c, const json_t *line, struct err *err)
{
	uint8_t raw[CONTENT_SIZE];
	AUTO(str) char *name = NULL;
	const char *what = json_get_str(line, "what");
	const char *hex = json_get_str(line, "content");
	int64_t count = json_get_int(line, "count", -1);
	int64_t bytes = json_get_int(line, "bytes", -1);
	if (what == NULL || hex == NULL || count < 0 || bytes < 0 ||
	    !hex_decode(raw, sizeof raw, hex, strlen(hex)))
		return bad_line(err);
	bool is_rows = strcmp(what, words[CENSUS_ROWS]) == 0;
	/* Of a later version. */
	if (!is_rows && strcmp(what, words[CENSUS_OBJECT]) != 0)
		return ERR_OK;
	if (read_name(&name, line, err))
		return err->code;
	struct census_item item = { is_rows ? CENSUS_ROWS : CENSUS_OBJECT, name,
		(uint64_t)count, (uint64_t)bytes, { get_u64(raw), get_u64(raw + 8) } };
	return census_add(c, &item, err);
}

enum err_code
census_parse(
    struct census **out, const void *lines, size_t len, const char *stream, struct err *err)
{
	AUTO(census) struct census *c = NULL;
	const char *p = lines;
	const char *end = len > 0 ? p + len : p;
	if (census_new(&c, CENSUS_POSTGRES, err))
		return err->code;
	while (p < end) {
		AUTO(json) json_t *line = NULL;
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			return bad_line(err);
		if (json_parse(&line, p, (size_t)(nl - p), "census", err))
			return err->code;
		const char *of = json_get_str(line, "stream");
		if (of == NULL)
			return bad_line(err);
		if (strcmp(of, stream) == 0 && read_item(c, line, err))
			return err->code;
		p = nl + 1;
	}
	census_sort(c);
	*out = TAKE(c);
	return ERR_OK;
}

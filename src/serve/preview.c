#include "serve/preview.h"

#include "base/strv.h"

#include <sodium.h>
#include <string.h>

const char *
preview_image_type(const uint8_t *data, size_t len)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *type;
	} types[] = {
		{ "\x89PNG\r\n\x1a\n", 8, "image/png" },
		{ "\xff\xd8\xff", 3, "image/jpeg" },
		{ "GIF87a", 6, "image/gif" },
		{ "GIF89a", 6, "image/gif" },
	};
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (len >= types[i].len && memcmp(data, types[i].magic, types[i].len) == 0)
			return types[i].type;
	if (len >= 12 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0)
		return "image/webp";
	return NULL;
}

static bool
has_control(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] < 0x20 && strchr("\t\n\r\f\x1b", data[i]) == NULL)
			return true;
	return memchr(data, '\0', len) != NULL;
}

size_t
preview_text_len(const uint8_t *data, size_t len, bool is_cut)
{
	size_t end = len;
	if (has_control(data, len))
		return 0;
	/* At most three bytes of a character that goes on behind the end. */
	for (size_t i = 0; is_cut && i < 4 && end > 0; i++) {
		if (str_is_utf8((const char *)data, end))
			return end;
		end--;
	}
	return str_is_utf8((const char *)data, end) ? end : 0;
}

static enum err_code
put_base64(struct json_writer *w, const uint8_t *data, size_t len, struct err *err)
{
	size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	AUTO(str) char *text = malloc(room);
	if (text == NULL)
		return err_nomem(err);
	sodium_bin2base64(text, room, data, len, sodium_base64_VARIANT_ORIGINAL);
	json_str(w, "base64", text);
	return ERR_OK;
}

static void
put_head(struct json_writer *w, const char *kind, const char *type, bool is_cut)
{
	json_str(w, "kind", kind);
	json_str(w, "type", type);
	json_flag(w, "is_cut", is_cut);
}

static enum err_code
put_text(struct json_writer *w, const uint8_t *data, size_t len, bool is_cut, struct err *err)
{
	AUTO(str) char *text = NULL;
	if (str_dupn(&text, (const char *)data, len, err))
		return err->code;
	put_head(w, "text", "text/plain", is_cut);
	json_str(w, "text", text);
	return ERR_OK;
}

enum err_code
preview_write(struct json_writer *w, struct repo *r, const struct content *c, struct err *err)
{
	size_t room = c->size <= PREVIEW_IMAGE ? (size_t)c->size : PREVIEW_TEXT;
	size_t got = 0;
	AUTO(mem) uint8_t *data = malloc(room + 1);
	if (data == NULL)
		return err_nomem(err);
	if (content_read_at(r, c, 0, data, room, &got, err))
		return err->code;
	const char *image = preview_image_type(data, got);
	if (image != NULL && got == c->size) {
		put_head(w, "image", image, false);
		return put_base64(w, data, got, err);
	}
	size_t shown = min_size(got, PREVIEW_TEXT);
	size_t text = preview_text_len(data, shown, shown < c->size);
	if (text > 0 || c->size == 0)
		return put_text(w, data, text, text < c->size, err);
	shown = min_size(got, PREVIEW_BINARY);
	put_head(
	    w, "binary", image != NULL ? image : "application/octet-stream", shown < c->size);
	return put_base64(w, data, shown, err);
}

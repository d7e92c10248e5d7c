/*
 * preview.h: the beginning of a stored file, to look at: text, a picture, or bytes.
 *
 * What it is, its first bytes tell, never its name.  SVG is text: a page does not draw it.
 *
 * Threads: any.  Errors: those of content_read_at.
 */
#ifndef SERVE_PREVIEW_H
#define SERVE_PREVIEW_H

#include "base/json.h"
#include "repo/content.h"

#define PREVIEW_TEXT ((size_t)256 << 10)
#define PREVIEW_IMAGE ((size_t)2 << 20) /* a larger one is shown as bytes */
#define PREVIEW_BINARY ((size_t)4 << 10)

/* The fields "kind", "type", "is_cut" and "text" or "base64" (openapi.json, "FilePreview"). */
MUST_CHECK enum err_code preview_write(
    struct json_writer *w, struct repo *r, const struct content *c, struct err *err);

/* Of the first bytes: "image/png"; NULL when they are of no picture that a page shows. */
const char *preview_image_type(const uint8_t *data, size_t len);
/* How many of the first bytes are text: all of it, but a character that the end has cut; 0 when
 * it is none (NUL, other control characters, not UTF-8). */
size_t preview_text_len(const uint8_t *data, size_t len, bool is_cut);

#endif

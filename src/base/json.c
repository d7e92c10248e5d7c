#include "base/json.h"

#include "base/bytes.h"
#include "base/strv.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void
json_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){ .out = out, .err = ERR_INIT };
}

static void
raw(struct json_writer *w, const char *s, size_t len)
{
	if (w->err.code == ERR_OK && buf_add(w->out, s, len, &w->err))
		return;
}

static inline bool
is_plain(unsigned char c, bool is_utf8)
{
	return (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') || (c >= 0x80 && is_utf8);
}

/* Text, escaped; bytes that are no UTF-8 become U+FFFD. */
static void
text(struct json_writer *w, const char *s, size_t len)
{
	const bool is_utf8 = str_is_utf8(s, len);
	raw(w, "\"", 1);
	size_t i = 0;
	while (i < len) {
		size_t from = i;
		while (i < len && is_plain((unsigned char)s[i], is_utf8))
			i++;
		raw(w, s + from, i - from);
		if (i == len)
			break;
		unsigned char c = (unsigned char)s[i];
		if (c == '"' || c == '\\') {
			char esc[2] = { '\\', (char)c };
			raw(w, esc, 2);
			i++;
		} else if (c < 0x20 || c == 0x7f) {
			char esc[7];
			snprintf(esc, sizeof esc, "\\u%04x", c);
			raw(w, esc, 6);
			i++;
		} else {
			size_t n = 2;
			while (n <= 4 && (i + n > len || !str_is_utf8(s + i, n)))
				n++;
			if (n <= 4) {
				raw(w, s + i, n);
				i += n;
			} else {
				raw(w, "\\ufffd", 6);
				i++;
			}
		}
	}
	raw(w, "\"", 1);
}

static void
begin_item(struct json_writer *w, const char *key)
{
	if (w->has_item[w->depth])
		raw(w, ",", 1);
	w->has_item[w->depth] = true;
	if (key != NULL) {
		text(w, key, strlen(key));
		raw(w, ":", 1);
	}
}

static void
open_level(struct json_writer *w, const char *key, const char *bracket)
{
	begin_item(w, key);
	raw(w, bracket, 1);
	assert(w->depth + 1 < JSON_MAX_DEPTH);
	w->has_item[++w->depth] = false;
}

static void
close_level(struct json_writer *w, const char *bracket)
{
	assert(w->depth > 0);
	w->depth--;
	raw(w, bracket, 1);
}

void
json_obj(struct json_writer *w, const char *key)
{
	open_level(w, key, "{");
}

void
json_obj_end(struct json_writer *w)
{
	close_level(w, "}");
}

void
json_arr(struct json_writer *w, const char *key)
{
	open_level(w, key, "[");
}

void
json_arr_end(struct json_writer *w)
{
	close_level(w, "]");
}

void
json_str(struct json_writer *w, const char *key, const char *value)
{
	begin_item(w, key);
	if (value == NULL)
		raw(w, "null", 4);
	else
		text(w, value, strlen(value));
}

void
json_bytes(struct json_writer *w, const char *key, const void *data, size_t len)
{
	begin_item(w, key);
	text(w, data, len);
	if (key == NULL || str_is_utf8(data, len))
		return;
	AUTO(mem) char *hex_key = malloc(strlen(key) + 5);
	AUTO(mem) char *hex = malloc(2 * len + 1);
	if (hex_key == NULL || hex == NULL) {
		err_nomem(&w->err);
		return;
	}
	memcpy(hex_key, key, strlen(key));
	memcpy(hex_key + strlen(key), "_hex", 5);
	hex_encode(hex, data, len);
	json_str(w, hex_key, hex);
}

void
json_strings(struct json_writer *w, const char *key, const struct strv *v)
{
	json_arr(w, key);
	for (size_t i = 0; v != NULL && i < v->len; i++)
		json_str(w, NULL, v->items[i]);
	json_arr_end(w);
}

void
json_number(struct json_writer *w, const char *key, const char *digits)
{
	begin_item(w, key);
	raw(w, digits, strlen(digits));
}

void
json_u64(struct json_writer *w, const char *key, uint64_t value)
{
	char digits[24];
	snprintf(digits, sizeof digits, "%" PRIu64, value);
	json_number(w, key, digits);
}

void
json_i64(struct json_writer *w, const char *key, int64_t value)
{
	char digits[24];
	snprintf(digits, sizeof digits, "%" PRId64, value);
	json_number(w, key, digits);
}

void
json_f64(struct json_writer *w, const char *key, double value)
{
	if (!isfinite(value)) {
		json_nil(w, key);
		return;
	}
	char digits[40];
	snprintf(digits, sizeof digits, "%.6g", value);
	json_number(w, key, digits);
}

void
json_flag(struct json_writer *w, const char *key, bool value)
{
	json_number(w, key, value ? "true" : "false");
}

void
json_nil(struct json_writer *w, const char *key)
{
	json_number(w, key, "null");
}

/* With as few digits as bring the same number back. */
static void
exact_number(struct json_writer *w, const char *key, double value)
{
	char digits[40];
	for (int n = 15; n <= 17; n++) {
		snprintf(digits, sizeof digits, "%.*g", n, value);
		if (strtod(digits, NULL) == value)
			break;
	}
	/* A real stays one. */
	if (strpbrk(digits, ".e") == NULL)
		snprintf(digits + strlen(digits), 3, ".0");
	json_number(w, key, digits);
}

static void
object_value(struct json_writer *w, const char *key, const json_t *object)
{
	/* jansson's macros give writable pointers, though nothing is written. */
	const char *name;
	json_t *item;
	json_t *o = json_incref((json_t *)(uintptr_t)object);
	json_obj(w, key);
	json_object_foreach(o, name, item) json_value(w, name, item);
	json_obj_end(w);
	json_decref(o);
}

static void
array_value(struct json_writer *w, const char *key, const json_t *array)
{
	json_arr(w, key);
	for (size_t i = 0; i < json_array_size(array); i++)
		json_value(w, NULL, json_array_get(array, i));
	json_arr_end(w);
}

void
json_value(struct json_writer *w, const char *key, const json_t *value)
{
	bool is_nested = json_is_object(value) || json_is_array(value);
	if (is_nested && w->depth + 1 >= JSON_MAX_DEPTH) {
		json_nil(w, key);
	} else if (json_is_object(value)) {
		object_value(w, key, value);
	} else if (json_is_array(value)) {
		array_value(w, key, value);
	} else if (json_is_string(value)) {
		begin_item(w, key);
		text(w, json_string_value(value), json_string_length(value));
	} else if (json_is_integer(value)) {
		json_i64(w, key, json_integer_value(value));
	} else if (json_is_real(value)) {
		exact_number(w, key, json_real_value(value));
	} else if (json_is_boolean(value)) {
		json_flag(w, key, json_is_true(value));
	} else {
		json_nil(w, key);
	}
}

enum err_code
json_finish(struct json_writer *w, struct err *err)
{
	assert(w->depth == 0);
	if (w->err.code != ERR_OK)
		*err = w->err;
	return w->err.code;
}

enum err_code
json_parse(json_t **out, const void *data, size_t len, const char *what, struct err *err)
{
	json_error_t je;
	json_t *j = json_loadb(data, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);
	if (j == NULL)
		return err_set(
		    err, ERR_CORRUPT, "%s: bad JSON at line %d: %s", what, je.line, je.text);
	*out = j;
	return ERR_OK;
}

const char *
json_get_str(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key));
}

const char *
json_get_text(const json_t *obj, const char *key)
{
	const char *s = json_get_str(obj, key);
	return s != NULL ? s : "";
}

int64_t
json_get_int(const json_t *obj, const char *key, int64_t other)
{
	const json_t *v = json_object_get(obj, key);
	return json_is_integer(v) ? json_integer_value(v) : other;
}

uint64_t
json_get_u64(const json_t *obj, const char *key)
{
	int64_t n = json_get_int(obj, key, 0);
	return n > 0 ? (uint64_t)n : 0;
}

bool
json_get_bool(const json_t *obj, const char *key)
{
	return json_is_true(json_object_get(obj, key));
}

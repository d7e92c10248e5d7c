#include "db/bson_json.h"

#include "base/bytes.h"
#include "db/bson_decimal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Dates that people write with four digits for the year. */
#define YEAR_10000_MS INT64_C(253402300800000)

enum err_code
bson_json_string(struct buf *out, const char *s, size_t len, struct err *err)
{
	struct json_writer w;
	json_init(&w, out);
	json_bytes(&w, NULL, s, len);
	return json_finish(&w, err);
}

/* The string that begins with its length. */
static enum err_code
add_text(struct buf *out, const uint8_t *p, struct err *err)
{
	return bson_json_string(out, (const char *)p + 4, get_u32(p) - 1, err);
}

static enum err_code
add_base64(struct buf *out, const uint8_t *p, size_t len, struct err *err)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	if (buf_reserve(out, (len + 2) / 3 * 4, err))
		return err->code;
	for (size_t i = 0; i < len; i += 3) {
		size_t n = min_size(3, len - i);
		uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (n > 2 ? p[i + 2] : 0);
		char four[4] = { letters[v >> 18], letters[v >> 12 & 63],
			n > 1 ? letters[v >> 6 & 63] : '=', n > 2 ? letters[v & 63] : '=' };
		if (buf_add(out, four, sizeof four, err))
			return err->code;
	}
	return ERR_OK;
}

/* The shortest digits that are read back as the same number. */
static void
shortest(char out[40], double d)
{
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(out, 40, "%.*g", precision, d);
		double again = strtod(out, NULL);
		if (memcmp(&again, &d, sizeof d) == 0)
			break;
	}
	if (strpbrk(out, ".e") == NULL)
		snprintf(out + strlen(out), 3, ".0");
}

static enum err_code
add_double(struct buf *out, double d, enum bson_form form, struct err *err)
{
	char digits[40];
	if (isnan(d))
		snprintf(digits, sizeof digits, "NaN");
	else if (isinf(d))
		snprintf(digits, sizeof digits, "%sInfinity", d < 0 ? "-" : "");
	else
		shortest(digits, d);
	if (form == BSON_RELAXED && isfinite(d))
		return buf_str(out, digits, err);
	return buf_printf(out, err, "{\"$numberDouble\":\"%s\"}", digits);
}

static enum err_code
add_date(struct buf *out, int64_t ms, enum bson_form form, struct err *err)
{
	if (form == BSON_CANONICAL || ms < 0 || ms >= YEAR_10000_MS)
		return buf_printf(
		    out, err, "{\"$date\":{\"$numberLong\":\"%" PRId64 "\"}}", ms);
	struct tm tm;
	time_t s = (time_t)(ms / 1000);
	char day[32];
	char part[8] = "";
	gmtime_r(&s, &tm);
	strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
	if (ms % 1000 != 0)
		snprintf(part, sizeof part, ".%03d", (int)(ms % 1000));
	return buf_printf(out, err, "{\"$date\":\"%s%sZ\"}", day, part);
}

static enum err_code
add_binary(struct buf *out, const struct bson_value *v, struct err *err)
{
	/* The old kind has the length of its bytes once more. */
	size_t skip = v->data[4] == 2 ? 9 : 5;
	if (buf_str(out, "{\"$binary\":{\"base64\":\"", err) ||
	    add_base64(out, v->data + skip, v->len - skip, err))
		return err->code;
	return buf_printf(out, err, "\",\"subType\":\"%02x\"}}", (unsigned)v->data[4]);
}

static enum err_code
add_oid(struct buf *out, const uint8_t *p, struct err *err)
{
	char hex[25];
	hex_encode(hex, p, 12);
	return buf_printf(out, err, "{\"$oid\":\"%s\"}", hex);
}

static enum err_code
add_regex(struct buf *out, const struct bson_value *v, struct err *err)
{
	const char *pattern = (const char *)v->data;
	const char *options = pattern + strlen(pattern) + 1;
	if (buf_str(out, "{\"$regularExpression\":{\"pattern\":", err) ||
	    bson_json_string(out, pattern, strlen(pattern), err) ||
	    buf_str(out, ",\"options\":", err) ||
	    bson_json_string(out, options, strlen(options), err))
		return err->code;
	return buf_str(out, "}}", err);
}

static enum err_code
add_pointer(struct buf *out, const struct bson_value *v, struct err *err)
{
	if (buf_str(out, "{\"$dbPointer\":{\"$ref\":", err) || add_text(out, v->data, err) ||
	    buf_str(out, ",\"$id\":", err) || add_oid(out, v->data + v->len - 12, err))
		return err->code;
	return buf_str(out, "}}", err);
}

static enum err_code
add_wrapped(struct buf *out, const char *key, const uint8_t *text, struct err *err)
{
	if (buf_printf(out, err, "{\"%s\":", key) || add_text(out, text, err))
		return err->code;
	return buf_str(out, "}", err);
}

static enum err_code add_within(struct buf *out, const uint8_t *data, size_t len, bool is_array,
    enum bson_form form, unsigned depth, struct err *err);

static enum err_code
add_scope(struct buf *out, const struct bson_value *v, enum bson_form form, unsigned depth,
    struct err *err)
{
	const uint8_t *code = v->data + 4;
	const uint8_t *scope = code + 4 + get_u32(code);
	if (buf_str(out, "{\"$code\":", err) || add_text(out, code, err) ||
	    buf_str(out, ",\"$scope\":", err) ||
	    add_within(
		out, scope, (size_t)(v->data + v->len - scope), false, form, depth + 1, err))
		return err->code;
	return buf_str(out, "}", err);
}

static enum err_code
add_integer(struct buf *out, const char *word, int64_t n, enum bson_form form, struct err *err)
{
	return form == BSON_RELAXED ? buf_printf(out, err, "%" PRId64, n)
				    : buf_printf(out, err, "{\"%s\":\"%" PRId64 "\"}", word, n);
}

static enum err_code
add_value(struct buf *out, const struct bson_value *v, enum bson_form form, unsigned depth,
    struct err *err)
{
	char decimal[DECIMAL_TEXT];
	switch (v->type) {
	case BSON_DOUBLE:
		return add_double(out, bson_number(v, 0), form, err);
	case BSON_STRING:
		return add_text(out, v->data, err);
	case BSON_DOCUMENT:
	case BSON_ARRAY:
		return add_within(
		    out, v->data, v->len, v->type == BSON_ARRAY, form, depth + 1, err);
	case BSON_BINARY:
		return add_binary(out, v, err);
	case BSON_UNDEFINED:
		return buf_str(out, "{\"$undefined\":true}", err);
	case BSON_OID:
		return add_oid(out, v->data, err);
	case BSON_BOOL:
		return buf_str(out, *v->data != 0 ? "true" : "false", err);
	case BSON_DATE:
		return add_date(out, (int64_t)get_u64(v->data), form, err);
	case BSON_NULL:
		return buf_str(out, "null", err);
	case BSON_REGEX:
		return add_regex(out, v, err);
	case BSON_DBPOINTER:
		return add_pointer(out, v, err);
	case BSON_CODE:
		return add_wrapped(out, "$code", v->data, err);
	case BSON_SYMBOL:
		return add_wrapped(out, "$symbol", v->data, err);
	case BSON_CODE_SCOPE:
		return add_scope(out, v, form, depth, err);
	case BSON_INT32:
		return add_integer(out, "$numberInt", (int32_t)get_u32(v->data), form, err);
	case BSON_INT64:
		return add_integer(out, "$numberLong", (int64_t)get_u64(v->data), form, err);
	case BSON_TIMESTAMP:
		return buf_printf(out, err, "{\"$timestamp\":{\"t\":%u,\"i\":%u}}",
		    get_u32(v->data + 4), get_u32(v->data));
	case BSON_DECIMAL:
		decimal_text(decimal, v->data);
		return buf_printf(out, err, "{\"$numberDecimal\":\"%s\"}", decimal);
	case BSON_MAX_KEY:
		return buf_str(out, "{\"$maxKey\":1}", err);
	case BSON_MIN_KEY:
		break;
	}
	return buf_str(out, "{\"$minKey\":1}", err);
}

static enum err_code
add_element(struct buf *out, const struct bson_value *v, bool is_array, enum bson_form form,
    unsigned depth, struct err *err)
{
	if (!is_array &&
	    (bson_json_string(out, v->name, strlen(v->name), err) || buf_str(out, ":", err)))
		return err->code;
	return add_value(out, v, form, depth, err);
}

static enum err_code
add_within(struct buf *out, const uint8_t *data, size_t len, bool is_array, enum bson_form form,
    unsigned depth, struct err *err)
{
	struct bson_walk w;
	struct bson_value v;
	const char *comma = "";
	if (depth > BSON_DEPTH)
		return err_set(err, ERR_CORRUPT,
		    "a BSON document has more than %d others around it", BSON_DEPTH);
	if (buf_str(out, is_array ? "[" : "{", err))
		return err->code;
	bson_walk_init(&w, data, len);
	while (bson_walk_next(&w, &v)) {
		if (buf_str(out, comma, err) ||
		    add_element(out, &v, is_array, form, depth, err))
			return err->code;
		comma = ",";
	}
	if (w.is_broken)
		return err_set(err, ERR_CORRUPT, "this is no BSON document");
	return buf_str(out, is_array ? "]" : "}", err);
}

enum err_code
bson_json(struct buf *out, const void *data, size_t len, enum bson_form form, struct err *err)
{
	return add_within(out, data, len, false, form, 1, err);
}

enum err_code
bson_json_value(
    struct buf *out, const struct bson_value *v, enum bson_form form, struct err *err)
{
	return add_value(out, v, form, 1, err);
}

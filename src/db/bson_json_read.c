/* bson_of_json: the document that Extended JSON says. */
#include "db/bson_json.h"

#include "base/bytes.h"
#include "db/bson_decimal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static void
refuse(struct bson_maker *m, const char *what)
{
	if (m->err.code == ERR_OK)
		err_set(&m->err, ERR_CORRUPT, "%.100s is not as Extended JSON has it", what);
}

static void put(struct bson_maker *m, const char *name, const json_t *v);

static void
put_members(struct bson_maker *m, const json_t *object)
{
	const char *key;
	json_t *v;
	/* The macro asks for one that may be written to, and writes nothing. */
	json_object_foreach((json_t *)(uintptr_t)object, key, v) put(m, key, v);
}

static bool
read_i64(int64_t *out, const char *text, int64_t low, int64_t high)
{
	char *end;
	errno = 0;
	*out = strtoll(text, &end, 10);
	return errno == 0 && *text != '\0' && *end == '\0' && *out >= low && *out <= high;
}

static int
sextet(char ch)
{
	if (ch >= 'A' && ch <= 'Z')
		return ch - 'A';
	if (ch >= 'a' && ch <= 'z')
		return ch - 'a' + 26;
	if (ch >= '0' && ch <= '9')
		return ch - '0' + 52;
	return ch == '+' ? 62 : ch == '/' ? 63 : -1;
}

/* false for what is no base64 with its padding. */
static bool
read_base64(struct buf *out, const char *s, struct err *err)
{
	size_t len = strlen(s);
	if (len % 4 != 0)
		return false;
	for (size_t i = 0; i < len; i += 4) {
		bool is_last = i + 4 == len;
		size_t pad = !is_last || s[i + 3] != '=' ? 0 : s[i + 2] == '=' ? 2 : 1;
		uint32_t v = 0;
		for (size_t k = 0; k < 4; k++) {
			int six = k >= 4 - pad ? 0 : sextet(s[i + k]);
			if (six < 0)
				return false;
			v = v << 6 | (uint32_t)six;
		}
		uint8_t three[3] = { (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
		if (buf_add(out, three, 3 - pad, err))
			return true;
	}
	return true;
}

static void
put_double(struct bson_maker *m, const char *name, const char *s)
{
	char *end;
	double d = strcmp(s, "NaN") == 0 ? (double)NAN : strtod(s, &end);
	if (strcmp(s, "NaN") != 0 && (*s == '\0' || *end != '\0'))
		refuse(m, "$numberDouble");
	bson_put_double(m, name, d);
}

static void
put_binary(struct bson_maker *m, const char *name, const json_t *v)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(bufv) struct buf whole = BUF_INIT;
	const char *text = json_get_str(v, "base64");
	const char *type = json_get_str(v, "subType");
	char *end = NULL;
	unsigned long kind = type != NULL ? strtoul(type, &end, 16) : 256;
	if (text == NULL || kind > 255 || end == type || *end != '\0' ||
	    !read_base64(&raw, text, &m->err)) {
		refuse(m, "$binary");
		return;
	}
	if (m->err.code != ERR_OK)
		return;
	uint32_t len = (uint32_t)raw.len;
	if (buf_u32(&whole, kind == 2 ? len + 4 : len, &m->err) ||
	    buf_u8(&whole, (uint8_t)kind, &m->err) ||
	    (kind == 2 && buf_u32(&whole, len, &m->err)) ||
	    buf_add(&whole, raw.data, raw.len, &m->err))
		return;
	bson_put_raw(m, name, BSON_BINARY, whole.data, whole.len);
}

static bool
read_oid(uint8_t out[12], const json_t *v)
{
	const char *hex = json_string_value(v);
	return hex != NULL && hex_decode(out, 12, hex, strlen(hex));
}

static void
put_oid(struct bson_maker *m, const char *name, const json_t *v)
{
	uint8_t raw[12] = { 0 };
	if (!read_oid(raw, v))
		refuse(m, "$oid");
	bson_put_raw(m, name, BSON_OID, raw, sizeof raw);
}

static void
put_regex(struct bson_maker *m, const char *name, const json_t *v)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	const char *pattern = json_get_str(v, "pattern");
	const char *options = json_get_str(v, "options");
	if (pattern == NULL || options == NULL) {
		refuse(m, "$regularExpression");
		return;
	}
	if (buf_add(&raw, pattern, strlen(pattern) + 1, &m->err) ||
	    buf_add(&raw, options, strlen(options) + 1, &m->err))
		return;
	bson_put_raw(m, name, BSON_REGEX, raw.data, raw.len);
}

static void
put_pointer(struct bson_maker *m, const char *name, const json_t *v)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	uint8_t oid[12];
	const json_t *ref = json_object_get(v, "$ref");
	if (!json_is_string(ref) ||
	    !read_oid(oid, json_object_get(json_object_get(v, "$id"), "$oid"))) {
		refuse(m, "$dbPointer");
		return;
	}
	size_t len = json_string_length(ref);
	if (buf_u32(&raw, (uint32_t)len + 1, &m->err) ||
	    buf_add(&raw, json_string_value(ref), len + 1, &m->err) ||
	    buf_add(&raw, oid, sizeof oid, &m->err))
		return;
	bson_put_raw(m, name, BSON_DBPOINTER, raw.data, raw.len);
}

static void
put_scope(struct bson_maker *m, const char *name, const json_t *code, const json_t *scope)
{
	AUTO(bufv) struct buf inner = BUF_INIT;
	AUTO(bufv) struct buf raw = BUF_INIT;
	size_t len = json_string_length(code);
	if (bson_of_json(&inner, scope, &m->err) ||
	    buf_u32(&raw, (uint32_t)(4 + 4 + len + 1 + inner.len), &m->err) ||
	    buf_u32(&raw, (uint32_t)len + 1, &m->err) ||
	    buf_add(&raw, json_string_value(code), len + 1, &m->err) ||
	    buf_add(&raw, inner.data, inner.len, &m->err))
		return;
	bson_put_raw(m, name, BSON_CODE_SCOPE, raw.data, raw.len);
}

static void
put_timestamp(struct bson_maker *m, const char *name, const json_t *v)
{
	uint8_t raw[8];
	int64_t t = json_get_int(v, "t", -1);
	int64_t i = json_get_int(v, "i", -1);
	if (t < 0 || t > UINT32_MAX || i < 0 || i > UINT32_MAX)
		refuse(m, "$timestamp");
	put_u32(raw, (uint32_t)i);
	put_u32(raw + 4, (uint32_t)t);
	bson_put_raw(m, name, BSON_TIMESTAMP, raw, sizeof raw);
}

static void
put_time(struct bson_maker *m, const char *name, int64_t ms)
{
	uint8_t raw[8];
	put_u64(raw, (uint64_t)ms);
	bson_put_raw(m, name, BSON_DATE, raw, sizeof raw);
}

static void
put_date(struct bson_maker *m, const char *name, const json_t *v)
{
	const char *number = json_get_str(v, "$numberLong");
	const char *text = json_string_value(v);
	int64_t ms = 0;
	if (number != NULL) {
		if (!read_i64(&ms, number, INT64_MIN, INT64_MAX))
			refuse(m, "$date");
	} else {
		struct tm tm = { 0 };
		unsigned part = 0;
		const char *rest =
		    text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
		char end[2] = "";
		bool has_part = rest != NULL && *rest == '.';
		if (rest == NULL || (has_part ? sscanf(rest, ".%3u%1[Z]", &part, end) != 2
					      : strcmp(rest, "Z") != 0))
			refuse(m, "$date");
		ms = (int64_t)timegm(&tm) * 1000 + part;
	}
	put_time(m, name, ms);
}

static void
put_integer(struct bson_maker *m, const char *name, const char *word, const char *text)
{
	bool is_long = strcmp(word, "$numberLong") == 0;
	int64_t n = 0;
	if (!read_i64(
		&n, text, is_long ? INT64_MIN : INT32_MIN, is_long ? INT64_MAX : INT32_MAX))
		refuse(m, word);
	if (is_long)
		bson_put_int64(m, name, n);
	else
		bson_put_int32(m, name, (int32_t)n);
}

/* The types whose value is one string. */
static bool
put_of_text(struct bson_maker *m, const char *name, const char *word, const json_t *v)
{
	uint8_t decimal[DECIMAL_SIZE] = { 0 };
	const char *text = json_string_value(v);
	size_t len = json_string_length(v);
	if (text == NULL)
		return false;
	if (strcmp(word, "$numberInt") == 0 || strcmp(word, "$numberLong") == 0)
		put_integer(m, name, word, text);
	else if (strcmp(word, "$numberDouble") == 0)
		put_double(m, name, text);
	else if (strcmp(word, "$symbol") == 0)
		bson_put_text(m, name, BSON_SYMBOL, text, len);
	else if (strcmp(word, "$code") == 0)
		bson_put_text(m, name, BSON_CODE, text, len);
	else if (strcmp(word, "$numberDecimal") == 0) {
		if (!decimal_parse(decimal, text))
			refuse(m, word);
		bson_put_raw(m, name, BSON_DECIMAL, decimal, sizeof decimal);
	} else
		return false;
	return true;
}

/* One whose first word is no type's is a document, as {"$gt": ...} in a validator. */
static bool
put_typed(struct bson_maker *m, const char *name, const char *word, const json_t *v)
{
	static const struct {
		const char *word;
		void (*put)(struct bson_maker *m, const char *name, const json_t *v);
	} known[] = { { "$oid", put_oid }, { "$binary", put_binary }, { "$date", put_date },
		{ "$timestamp", put_timestamp }, { "$regularExpression", put_regex },
		{ "$dbPointer", put_pointer } };
	static const struct {
		const char *word;
		enum bson_type type;
	} bare[] = { { "$undefined", BSON_UNDEFINED }, { "$minKey", BSON_MIN_KEY },
		{ "$maxKey", BSON_MAX_KEY } };
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].word, word) == 0) {
			known[i].put(m, name, v);
			return true;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(bare); i++) {
		if (strcmp(bare[i].word, word) == 0) {
			bson_put_raw(m, name, bare[i].type, NULL, 0);
			return true;
		}
	}
	return put_of_text(m, name, word, v);
}

static void
put_object(struct bson_maker *m, const char *name, const json_t *object)
{
	void *first = json_object_iter((json_t *)(uintptr_t)object);
	size_t size = json_object_size(object);
	const char *word = first != NULL ? json_object_iter_key(first) : "";
	const json_t *code = json_object_get(object, "$code");
	const json_t *scope = json_object_get(object, "$scope");
	if (size == 2 && json_is_string(code) && json_is_object(scope)) {
		put_scope(m, name, code, scope);
		return;
	}
	if (size == 1 && *word == '$' &&
	    put_typed(m, name, word, json_object_iter_value(first)))
		return;
	bson_open_document(m, name);
	put_members(m, object);
	if (m->err.code == ERR_OK)
		bson_shut(m);
}

static void
put_number(struct bson_maker *m, const char *name, const json_t *v)
{
	json_int_t n = json_integer_value(v);
	if (json_is_real(v))
		bson_put_double(m, name, json_real_value(v));
	else if (n >= INT32_MIN && n <= INT32_MAX)
		bson_put_int32(m, name, (int32_t)n);
	else
		bson_put_int64(m, name, n);
}

static void
put(struct bson_maker *m, const char *name, const json_t *v)
{
	size_t i;
	const json_t *item;
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		put_object(m, name, v);
		return;
	case JSON_ARRAY:
		bson_open_array(m, name);
		json_array_foreach(v, i, item) put(m, NULL, item);
		if (m->err.code == ERR_OK)
			bson_shut(m);
		return;
	case JSON_STRING:
		bson_put_text(
		    m, name, BSON_STRING, json_string_value(v), json_string_length(v));
		return;
	case JSON_INTEGER:
	case JSON_REAL:
		put_number(m, name, v);
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		bson_put_bool(m, name, json_is_true(v));
		return;
	case JSON_NULL:
		bson_put_raw(m, name, BSON_NULL, NULL, 0);
		return;
	}
}

enum err_code
bson_of_json(struct buf *out, const json_t *object, struct err *err)
{
	struct bson_maker m;
	if (!json_is_object(object))
		return err_set(err, ERR_CORRUPT, "a document is a JSON object");
	bson_begin(&m, out);
	put_members(&m, object);
	return bson_finish(&m, err);
}

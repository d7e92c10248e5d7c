#include "db/bson.h"

#include "base/bytes.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* --- lengths --- */

size_t
bson_length(const void *data, size_t len)
{
	if (len < 4)
		return 0;
	uint32_t n = get_u32(data);
	return n >= BSON_MIN && n <= BSON_MAX ? n : 0;
}

/* How long a string with its length before it is; 0 when it does not end within left. */
static size_t
string_length(const uint8_t *p, size_t left)
{
	if (left < 5)
		return 0;
	uint32_t n = get_u32(p);
	return n >= 1 && n <= left - 4 && p[4 + n - 1] == '\0' ? 4 + (size_t)n : 0;
}

static size_t
cstring_length(const uint8_t *p, size_t left)
{
	const uint8_t *nul = left > 0 ? memchr(p, '\0', left) : NULL;
	return nul != NULL ? (size_t)(nul - p) + 1 : 0;
}

static size_t
binary_length(const uint8_t *p, size_t left)
{
	if (left < 5)
		return 0;
	uint32_t n = get_u32(p);
	if (n > left - 5)
		return 0;
	/* The old kind says its length twice. */
	bool is_old = p[4] == 2;
	return is_old && (n < 4 || get_u32(p + 5) != n - 4) ? 0 : 5 + (size_t)n;
}

static size_t
document_length(const uint8_t *p, size_t left)
{
	size_t n = bson_length(p, left);
	return n <= left && n > 0 && p[n - 1] == '\0' ? n : 0;
}

/* Code with the variables that it sees: a length, a string, a document. */
static size_t
scope_length(const uint8_t *p, size_t left)
{
	if (left < 14)
		return 0;
	size_t n = get_u32(p);
	if (n < 14 || n > left)
		return 0;
	size_t code = string_length(p + 4, n - 4);
	if (code == 0)
		return 0;
	return document_length(p + 4 + code, n - 4 - code) == n - 4 - code ? n : 0;
}

#define NO_VALUE SIZE_MAX

/* How many bytes the value has; NO_VALUE when it is none. */
static size_t
value_length(uint8_t type, const uint8_t *p, size_t left)
{
	size_t n = 0;
	switch (type) {
	case BSON_UNDEFINED:
	case BSON_NULL:
	case BSON_MIN_KEY:
	case BSON_MAX_KEY:
		return 0;
	case BSON_BOOL:
		n = left >= 1 && *p <= 1 ? 1 : 0;
		break;
	case BSON_INT32:
		n = 4;
		break;
	case BSON_DOUBLE:
	case BSON_DATE:
	case BSON_TIMESTAMP:
	case BSON_INT64:
		n = 8;
		break;
	case BSON_OID:
		n = 12;
		break;
	case BSON_DECIMAL:
		n = 16;
		break;
	case BSON_STRING:
	case BSON_CODE:
	case BSON_SYMBOL:
		n = string_length(p, left);
		break;
	case BSON_DOCUMENT:
	case BSON_ARRAY:
		n = document_length(p, left);
		break;
	case BSON_BINARY:
		n = binary_length(p, left);
		break;
	case BSON_CODE_SCOPE:
		n = scope_length(p, left);
		break;
	case BSON_DBPOINTER:
		n = string_length(p, left);
		n = n > 0 ? n + 12 : 0;
		break;
	case BSON_REGEX:
		n = cstring_length(p, left);
		if (n > 0) {
			size_t options = cstring_length(p + n, left - n);
			n = options > 0 ? n + options : 0;
		}
		break;
	}
	return n > 0 && n <= left ? n : NO_VALUE;
}

/* --- walking --- */

void
bson_walk_init(struct bson_walk *w, const void *data, size_t len)
{
	const uint8_t *p = data;
	bool is_whole = document_length(p, len) == len && len > 0;
	w->p = is_whole ? p + 4 : p;
	w->end = is_whole ? p + len - 1 : p;
	w->is_broken = !is_whole;
}

bool
bson_walk_next(struct bson_walk *w, struct bson_value *out)
{
	if (w->p >= w->end)
		return false;
	size_t left = (size_t)(w->end - w->p);
	size_t name = cstring_length(w->p + 1, left - 1);
	size_t value =
	    name > 0 ? value_length(*w->p, w->p + 1 + name, left - 1 - name) : NO_VALUE;
	if (value == NO_VALUE) {
		w->is_broken = true;
		w->p = w->end;
		return false;
	}
	*out = (struct bson_value){ (enum bson_type) * w->p, (const char *)w->p + 1,
		w->p + 1 + name, value };
	w->p += 1 + name + value;
	return true;
}

bool
bson_get(const void *data, size_t len, const char *name, struct bson_value *out)
{
	struct bson_walk w;
	bson_walk_init(&w, data, len);
	while (bson_walk_next(&w, out))
		if (strcmp(out->name, name) == 0)
			return true;
	return false;
}

bool
bson_find(const void *data, size_t len, const char *const *path, struct bson_value *out)
{
	for (;;) {
		if (!bson_get(data, len, *path, out))
			return false;
		if (*++path == NULL)
			return true;
		if (out->type != BSON_DOCUMENT && out->type != BSON_ARRAY)
			return false;
		data = out->data;
		len = out->len;
	}
}

static enum err_code check_within(
    const uint8_t *data, size_t len, unsigned depth, struct err *err);

static enum err_code
check_value(const struct bson_value *v, unsigned depth, struct err *err)
{
	if (v->type == BSON_DOCUMENT || v->type == BSON_ARRAY)
		return check_within(v->data, v->len, depth + 1, err);
	if (v->type != BSON_CODE_SCOPE)
		return ERR_OK;
	size_t code = string_length(v->data + 4, v->len - 4);
	return check_within(v->data + 4 + code, v->len - 4 - code, depth + 1, err);
}

static enum err_code
check_within(const uint8_t *data, size_t len, unsigned depth, struct err *err)
{
	struct bson_walk w;
	struct bson_value v;
	if (depth > BSON_DEPTH)
		return err_set(err, ERR_CORRUPT,
		    "a BSON document has more than %d others around it", BSON_DEPTH);
	bson_walk_init(&w, data, len);
	while (bson_walk_next(&w, &v))
		if (check_value(&v, depth, err))
			return err->code;
	if (w.is_broken)
		return err_set(err, ERR_CORRUPT, "this is no BSON document");
	return ERR_OK;
}

enum err_code
bson_check(const void *data, size_t len, struct err *err)
{
	return check_within(data, len, 1, err);
}

/* --- values --- */

double
bson_number(const struct bson_value *v, double other)
{
	double d;
	uint64_t raw;
	switch (v->type) {
	case BSON_DOUBLE:
		raw = get_u64(v->data);
		memcpy(&d, &raw, sizeof d);
		return d;
	case BSON_INT32:
		return (int32_t)get_u32(v->data);
	case BSON_INT64:
		return (double)(int64_t)get_u64(v->data);
	case BSON_BOOL:
		return *v->data;
	default:
		return other;
	}
}

int64_t
bson_integer(const struct bson_value *v, int64_t other)
{
	if (v->type == BSON_INT64)
		return (int64_t)get_u64(v->data);
	double d = bson_number(v, NAN);
	return d >= -9e18 && d <= 9e18 ? (int64_t)d : other;
}

bool
bson_is_true(const struct bson_value *v)
{
	double d = bson_number(v, 0);
	return d < 0 || d > 0;
}

const char *
bson_string(const struct bson_value *v)
{
	if (v->type != BSON_STRING)
		return NULL;
	const char *s = (const char *)v->data + 4;
	return strlen(s) + 5 == v->len ? s : NULL;
}

/* --- making --- */

static void
add(struct bson_maker *m, const void *data, size_t len)
{
	/* The code stays in m->err, which bson_finish gives. */
	if (m->err.code == ERR_OK)
		(void)!buf_add(m->out, data, len, &m->err);
}

static void
open_level(struct bson_maker *m, bool is_array)
{
	static const uint8_t length[4];
	if (m->depth == BSON_DEPTH)
		err_set(&m->err, ERR_CORRUPT,
		    "a BSON document has more than %d others around it", BSON_DEPTH);
	if (m->err.code != ERR_OK)
		return;
	m->begins[m->depth] = m->out->len;
	m->next[m->depth] = 0;
	m->is_array[m->depth++] = is_array;
	add(m, length, sizeof length);
}

static void
add_head(struct bson_maker *m, enum bson_type type, const char *name)
{
	uint8_t byte = (uint8_t)type;
	char index[12];
	if (m->err.code != ERR_OK)
		return;
	assert(m->depth > 0);
	if (m->is_array[m->depth - 1]) {
		snprintf(index, sizeof index, "%u", m->next[m->depth - 1]++);
		name = index;
	}
	add(m, &byte, 1);
	add(m, name, strlen(name) + 1);
}

void
bson_begin(struct bson_maker *m, struct buf *out)
{
	m->out = out;
	m->err = (struct err)ERR_INIT;
	m->depth = 0;
	open_level(m, false);
}

void
bson_open_document(struct bson_maker *m, const char *name)
{
	add_head(m, BSON_DOCUMENT, name);
	open_level(m, false);
}

void
bson_open_array(struct bson_maker *m, const char *name)
{
	add_head(m, BSON_ARRAY, name);
	open_level(m, true);
}

void
bson_shut(struct bson_maker *m)
{
	add(m, "", 1);
	if (m->err.code != ERR_OK)
		return;
	size_t begin = m->begins[--m->depth];
	size_t len = m->out->len - begin;
	if (len > BSON_MAX)
		err_set(&m->err, ERR_CORRUPT, "a BSON document of %zu bytes is too long", len);
	else
		put_u32(m->out->data + begin, (uint32_t)len);
}

void
bson_put_raw(
    struct bson_maker *m, const char *name, enum bson_type type, const void *data, size_t len)
{
	add_head(m, type, name);
	add(m, data, len);
}

void
bson_put_value(struct bson_maker *m, const char *name, const struct bson_value *v)
{
	bson_put_raw(m, name, v->type, v->data, v->len);
}

void
bson_put_text(
    struct bson_maker *m, const char *name, enum bson_type type, const char *s, size_t len)
{
	uint8_t length[4];
	if (len >= BSON_MAX && m->err.code == ERR_OK)
		err_set(&m->err, ERR_CORRUPT, "a string of %zu bytes is too long", len);
	add_head(m, type, name);
	put_u32(length, (uint32_t)(len + 1));
	add(m, length, sizeof length);
	add(m, s, len);
	add(m, "", 1);
}

void
bson_put_string(struct bson_maker *m, const char *name, const char *s)
{
	bson_put_text(m, name, BSON_STRING, s, strlen(s));
}

void
bson_put_int32(struct bson_maker *m, const char *name, int32_t v)
{
	uint8_t raw[4];
	put_u32(raw, (uint32_t)v);
	bson_put_raw(m, name, BSON_INT32, raw, sizeof raw);
}

void
bson_put_int64(struct bson_maker *m, const char *name, int64_t v)
{
	uint8_t raw[8];
	put_u64(raw, (uint64_t)v);
	bson_put_raw(m, name, BSON_INT64, raw, sizeof raw);
}

void
bson_put_double(struct bson_maker *m, const char *name, double v)
{
	uint8_t raw[8];
	uint64_t bits;
	memcpy(&bits, &v, sizeof bits);
	put_u64(raw, bits);
	bson_put_raw(m, name, BSON_DOUBLE, raw, sizeof raw);
}

void
bson_put_bool(struct bson_maker *m, const char *name, bool v)
{
	uint8_t raw = v;
	bson_put_raw(m, name, BSON_BOOL, &raw, 1);
}

void
bson_put_document(struct bson_maker *m, const char *name, const void *data, size_t len)
{
	bson_put_raw(m, name, BSON_DOCUMENT, data, len);
}

enum err_code
bson_finish(struct bson_maker *m, struct err *err)
{
	bson_shut(m);
	if (m->err.code != ERR_OK) {
		*err = m->err;
		return err->code;
	}
	assert(m->depth == 0);
	return ERR_OK;
}

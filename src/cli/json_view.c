#include "cli/json_view.h"

#include "ui/escape.h"
#include "ui/value.h"

#include <errno.h>
#include <inttypes.h>

enum wrapper { WRAP_NONE, WRAP_NUMBER, WRAP_ID, WRAP_DATE };

void
json_view_time(char out[JSON_VIEW_TIME_MAX], int64_t ms)
{
	int64_t part = ms % 1000;
	if (part < 0)
		part += 1000;
	time_t s = (time_t)((ms - part) / 1000);
	struct tm tm;
	char when[24];
	if (gmtime_r(&s, &tm) == NULL || tm.tm_year < -900 || tm.tm_year > 8099 ||
	    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, JSON_VIEW_TIME_MAX, "@%" PRId64, ms);
	else if (part != 0)
		snprintf(out, JSON_VIEW_TIME_MAX, "%s.%03d UTC", when, (int)part);
	else
		snprintf(out, JSON_VIEW_TIME_MAX, "%s UTC", when);
}

/* --- one value --- */

static enum wrapper
wrapper_of(const char *key)
{
	static const struct {
		const char *key;
		enum wrapper kind;
	} known[] = {
		{ "$numberInt", WRAP_NUMBER },
		{ "$numberLong", WRAP_NUMBER },
		{ "$numberDouble", WRAP_NUMBER },
		{ "$numberDecimal", WRAP_NUMBER },
		{ "$oid", WRAP_ID },
		{ "$date", WRAP_DATE },
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].key, key) == 0)
			return known[i].kind;
	return WRAP_NONE;
}

/* A number's digits are a word; anything else in there stays what it is. */
static bool
is_number(const char *text)
{
	return *text != '\0' && strspn(text, "0123456789+-.eE") == strlen(text);
}

static bool
read_ms(const char *text, int64_t *out)
{
	char *end;
	errno = 0;
	*out = strtoll(text, &end, 10);
	return *text != '\0' && *end == '\0' && errno == 0;
}

static enum err_code
add_plain(struct buf *out, const json_t *value, struct err *err)
{
	AUTO(str) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	return text == NULL ? err_nomem(err) : buf_str(out, text, err);
}

/* {"$oid":"…"} and the like; *done is false when it is none. */
static enum err_code
add_wrapped(struct buf *out, const json_t *value, bool *done, struct err *err)
{
	const char *key = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)value));
	enum wrapper kind = json_object_size(value) == 1 ? wrapper_of(key) : WRAP_NONE;
	const json_t *inside = kind != WRAP_NONE ? json_object_get(value, key) : NULL;
	const char *text = json_string_value(inside);
	char when[JSON_VIEW_TIME_MAX];
	int64_t ms;
	*done = true;
	if (kind == WRAP_NUMBER && text != NULL && is_number(text))
		return buf_str(out, text, err);
	if (kind == WRAP_ID && text != NULL)
		return buf_printf(out, err, "ObjectId(\"%s\")", text);
	if (kind == WRAP_DATE && text == NULL)
		text = json_get_str(inside, "$numberLong");
	if (kind == WRAP_DATE && text != NULL && read_ms(text, &ms)) {
		json_view_time(when, ms);
		return buf_printf(out, err, "ISODate(\"%s\")", when);
	}
	*done = false;
	return ERR_OK;
}

static enum err_code
add_value(struct buf *out, const json_t *value, struct err *err)
{
	json_t *v = (json_t *)(uintptr_t)value; /* jansson walks so; nothing is written */
	bool done = false;
	const char *comma = "";
	const char *key;
	json_t *part;
	size_t i;
	if (json_is_object(v) && add_wrapped(out, v, &done, err))
		return err->code;
	if (done || (!json_is_object(v) && !json_is_array(v)))
		return done ? ERR_OK : add_plain(out, v, err);
	if (buf_str(out, json_is_object(v) ? "{" : "[", err))
		return err->code;
	json_object_foreach(v, key, part)
	{
		AUTO(json) json_t *name = json_string(key);
		if (name == NULL)
			return err_nomem(err);
		if (buf_str(out, comma, err) || add_plain(out, name, err) ||
		    buf_str(out, ": ", err) || add_value(out, part, err))
			return err->code;
		comma = ", ";
	}
	json_array_foreach(v, i, part)
	{
		if (buf_str(out, comma, err) || add_value(out, part, err))
			return err->code;
		comma = ", ";
	}
	return buf_str(out, json_is_object(v) ? "}" : "]", err);
}

enum err_code
json_view_value(struct buf *out, const json_t *value, size_t max, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (add_value(&text, value, err))
		return err->code;
	struct value v = { VALUE_JSON, false, text.data, text.len };
	return value_add(out, &v, max, err);
}

/* --- changes --- */

struct viewer {
	const struct json_view_options *opt;
	json_view_fn *fn;
	void *arg;
	struct buf where;
	struct buf before;
	struct buf after;
};

static void
viewer_auto(struct viewer *v)
{
	buf_release(&v->where);
	buf_release(&v->before);
	buf_release(&v->after);
}

/* The length of a pointer without what wraps the value at its end, and how that is meant. */
static size_t
unwrapped(const char *pointer, enum wrapper *kind)
{
	size_t len = strlen(pointer);
	const char *last = strrchr(pointer, '/');
	*kind = WRAP_NONE;
	if (last == NULL)
		return len;
	static const char date[] = "/$date/$numberLong";
	if (str_ends(pointer, date)) {
		*kind = WRAP_DATE;
		return len - (sizeof date - 1);
	}
	*kind = wrapper_of(last + 1);
	return *kind != WRAP_NONE ? (size_t)(last - pointer) : len;
}

static enum err_code
add_unwrapped(struct buf *out, const json_t *value, enum wrapper kind, struct err *err)
{
	const char *text = json_string_value(value);
	char when[JSON_VIEW_TIME_MAX];
	int64_t ms;
	if (kind == WRAP_DATE && text != NULL && read_ms(text, &ms)) {
		json_view_time(when, ms);
		return buf_printf(out, err, "ISODate(\"%s\")", when);
	}
	if (kind == WRAP_ID && text != NULL && str_is_utf8(text, strlen(text))) {
		return buf_str(out, "ObjectId(\"", err) ||
			       escape_add(out, text, strlen(text), err) ||
			       buf_str(out, "\")", err)
			   ? err->code
			   : ERR_OK;
	}
	return buf_str(out, text, err);
}

/* A replaced value of which only the inside of a wrapper differs. */
static bool
is_inside(enum wrapper kind, const json_t *a, const json_t *b)
{
	const char *x = json_string_value(a);
	const char *y = json_string_value(b);
	int64_t ms;
	if (x == NULL || y == NULL || kind == WRAP_NONE)
		return false;
	if (kind == WRAP_NUMBER)
		return is_number(x) && is_number(y);
	return kind == WRAP_ID || (read_ms(x, &ms) && read_ms(y, &ms));
}

static enum err_code
add_both(struct viewer *v, const json_t *a, const json_t *b, struct err *err)
{
	if (json_is_string(a) && json_is_string(b)) {
		struct value x = { VALUE_TEXT, false, json_string_value(a),
			json_string_length(a) };
		struct value y = { VALUE_TEXT, false, json_string_value(b),
			json_string_length(b) };
		return value_add_change(&v->before, &v->after, &x, &y, v->opt->max, err);
	}
	if ((a != NULL && json_view_value(&v->before, a, v->opt->max, err)) ||
	    (b != NULL && json_view_value(&v->after, b, v->opt->max, err)))
		return err->code;
	return ERR_OK;
}

static enum err_code
tell(
    struct viewer *v, enum json_change change, bool has_before, bool has_after, struct err *err)
{
	struct json_view_change c = {
		.change = change,
		.where = buf_cstr(&v->where),
		.before = has_before ? buf_cstr(&v->before) : NULL,
		.after = has_after ? buf_cstr(&v->after) : NULL,
	};
	if (c.where == NULL || (has_before && c.before == NULL) ||
	    (has_after && c.after == NULL))
		return err_nomem(err);
	return v->fn(v->arg, &c, err);
}

static enum err_code
see(void *arg, enum json_change change, const char *pointer, const json_t *a, const json_t *b,
    struct err *err)
{
	struct viewer *v = arg;
	enum wrapper kind;
	size_t len = unwrapped(pointer, &kind);
	bool inside = change == JSON_REPLACED && is_inside(kind, a, b);
	v->where.len = v->before.len = v->after.len = 0;
	if (!v->opt->is_set &&
	    escape_add(&v->where, pointer, inside ? len : strlen(pointer), err))
		return err->code;
	if (inside ? add_unwrapped(&v->before, a, kind, err) ||
			 add_unwrapped(&v->after, b, kind, err)
		   : add_both(v, a, b, err))
		return err->code;
	if (v->opt->is_set && change == JSON_REPLACED)
		return tell(v, JSON_REMOVED, true, false, err)
			   ? err->code
			   : tell(v, JSON_ADDED, false, true, err);
	return tell(v, change, a != NULL, b != NULL, err);
}

enum err_code
json_view_changes(const json_t *a, const json_t *b, const struct json_view_options *opt,
    json_view_fn *fn, void *arg, struct err *err)
{
	AUTO(viewer) struct viewer v = { .opt = opt, .fn = fn, .arg = arg };
	return json_patch_walk(a, b, see, &v, err);
}

#include "serve/verb.h"

#include "base/strv.h"
#include "store/s3_address.h"

#include <errno.h>
#include <string.h>

#define TEXT_MAX 1024
#define NAME_MAX_BYTES 128
#define PATH_MAX_BYTES 4096
#define ID_MIN 4
#define ID_MAX 64
#define STRINGS_MAX 64

static const struct verb *const tables[] = {
	account_verbs,
	run_verbs,
	repository_verbs,
	stack_verbs,
	snapshot_verbs,
	diff_verbs,
	restore_verbs,
};

const struct verb *
verb_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct verb *v = tables[i]; v->name != NULL; v++)
			if (strcmp(v->name, name) == 0)
				return v;
	return NULL;
}

/* --- what a text must look like --- */

static bool
has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return true;
	return false;
}

static bool
is_name(const char *s, size_t len)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	return strspn(s, allowed) == len && s[0] != '-' && s[0] != '.';
}

/* Does ".." stand between slashes? */
static bool
climbs(const char *s)
{
	for (const char *at = s; (at = strstr(at, "..")) != NULL; at += 2)
		if ((at == s || at[-1] == '/') && (at[2] == '\0' || at[2] == '/'))
			return true;
	return false;
}

struct text_rule {
	size_t min;
	size_t max;
	const char *want; /* what it must be, for the error */
};

static struct text_rule
rule_of(const struct arg *a)
{
	struct text_rule rules[] = {
		[ARG_STRING] = { 0, TEXT_MAX, "text without control characters" },
		[ARG_TEXT] = { 0, TEXT_MAX, "text without a NUL" },
		[ARG_SECRET] = { 0, TEXT_MAX, "text without control characters" },
		[ARG_NAME] = { 1, NAME_MAX_BYTES,
		    "a name of letters, digits, '.', '_' and '-' that begins with none of "
		    "\".-\"" },
		[ARG_ID] = { ID_MIN, ID_MAX, "4 to 64 hexadecimal digits" },
		[ARG_PATH] = { 0, PATH_MAX_BYTES, "a relative path without \"..\"" },
		[ARG_ADDRESS] = { 1, TEXT_MAX, "an absolute folder, or s3:…" },
	};
	struct text_rule r = rules[a->type];
	if (a->min > 0)
		r.min = (size_t)a->min;
	if (a->max > 0)
		r.max = (size_t)a->max;
	return r;
}

static bool
looks_right(enum arg_type type, const char *s, size_t len)
{
	switch (type) {
	case ARG_TEXT:
		return true;
	case ARG_NAME:
		return is_name(s, len);
	case ARG_ID:
		return strspn(s, "0123456789abcdef") == len;
	case ARG_PATH:
		return s[0] != '/' && !climbs(s);
	case ARG_ADDRESS:
		return !has_control(s, len) && !climbs(s) && (s[0] == '/' || s3_address_is(s));
	default:
		return !has_control(s, len);
	}
}

static enum err_code
check_text(const struct arg *a, const json_t *value, struct err *err)
{
	struct text_rule rule = rule_of(a);
	const char *s = json_string_value(value);
	if (s == NULL)
		return err_set(err, ERR_USAGE, "%s: must be a text", a->name);
	size_t len = json_string_length(value);
	/* A NUL would hide what stands behind it from all that follows. */
	if (len != strlen(s) || !looks_right(a->type, s, len))
		return err_set(err, ERR_USAGE, "%s: must be %s", a->name, rule.want);
	if (len < rule.min && rule.min == 1)
		return err_set(err, ERR_USAGE, "%s: must not be empty", a->name);
	if (len < rule.min)
		return err_set(err, ERR_USAGE, "%s: too short: %zu bytes are the least",
		    a->name, rule.min);
	if (len > rule.max)
		return err_set(
		    err, ERR_USAGE, "%s: too long: %zu bytes are the most", a->name, rule.max);
	return ERR_OK;
}

/* --- values by type: *out is a new reference --- */

static enum err_code
read_int(json_t **out, const struct arg *a, const json_t *value, struct err *err)
{
	int64_t n = json_integer_value(value);
	const char *s = json_string_value(value);
	bool is_int = json_is_integer(value);
	if (s != NULL) {
		char *end;
		errno = 0;
		n = strtoll(s, &end, 10);
		size_t digits = strspn(s + (*s == '-'), "0123456789") + (*s == '-');
		is_int = errno == 0 && end != s && *end == '\0' &&
			 digits == json_string_length(value);
	}
	if (!is_int)
		return err_set(err, ERR_USAGE, "%s: must be a whole number", a->name);
	if (n < a->min || n > a->max)
		return err_set(err, ERR_USAGE, "%s: must be from %lld to %lld", a->name,
		    (long long)a->min, (long long)a->max);
	*out = json_integer(n);
	return *out == NULL ? err_nomem(err) : ERR_OK;
}

static enum err_code
read_bool(json_t **out, const struct arg *a, const json_t *value, struct err *err)
{
	const char *s = json_is_string(value) ? json_string_value(value) : "";
	bool yes = json_is_true(value) || strcmp(s, "true") == 0 || strcmp(s, "1") == 0;
	bool no = json_is_false(value) || strcmp(s, "false") == 0 || strcmp(s, "0") == 0;
	if (!yes && !no)
		return err_set(err, ERR_USAGE, "%s: must be true or false", a->name);
	*out = json_boolean(yes);
	return ERR_OK;
}

static enum err_code
read_strings(json_t **out, const struct arg *a, const json_t *value, struct err *err)
{
	const enum arg_type type = a->type == ARG_TEXTS ? ARG_TEXT : ARG_STRING;
	const struct arg each = { a->name, type, true, 0, 0 };
	size_t max = a->max > 0 ? (size_t)a->max : STRINGS_MAX;
	size_t i;
	const json_t *item;
	if (json_is_string(value)) { /* of a query */
		if (check_text(&each, value, err))
			return err->code;
		*out = json_pack("[O]", value);
		return *out == NULL ? err_nomem(err) : ERR_OK;
	}
	if (!json_is_array(value))
		return err_set(err, ERR_USAGE, "%s: must be an array of texts", a->name);
	if (json_array_size(value) > max)
		return err_set(err, ERR_USAGE, "%s: too many: %zu are the most", a->name, max);
	json_array_foreach(value, i, item) if (check_text(&each, item, err)) return err->code;
	*out = json_copy((json_t *)(uintptr_t)value);
	return *out == NULL ? err_nomem(err) : ERR_OK;
}

static enum err_code
read_value(json_t **out, const struct arg *a, const json_t *value, struct err *err)
{
	switch (a->type) {
	case ARG_INT:
		return read_int(out, a, value, err);
	case ARG_BOOL:
		return read_bool(out, a, value, err);
	case ARG_STRINGS:
	case ARG_TEXTS:
		return read_strings(out, a, value, err);
	case ARG_OBJECT:
		if (!json_is_object(value))
			return err_set(err, ERR_USAGE, "%s: must be an object", a->name);
		break;
	default:
		if (check_text(a, value, err))
			return err->code;
	}
	*out = json_incref((json_t *)(uintptr_t)value);
	return ERR_OK;
}

static bool
is_known(const struct verb *v, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(v->args) && v->args[i].name != NULL; i++)
		if (strcmp(v->args[i].name, name) == 0)
			return true;
	return false;
}

enum err_code
verb_check_args(json_t **out, const struct verb *v, const json_t *args, struct err *err)
{
	const char *name;
	json_t *value;
	AUTO(json) json_t *checked = json_object();
	if (checked == NULL)
		return err_nomem(err);
	if (args != NULL && !json_is_object(args))
		return err_set(err, ERR_USAGE, "arguments must be an object");
	json_object_foreach(
	    (json_t *)(uintptr_t)args, name, value) if (!is_known(v, name)) return err_set(err,
	    ERR_USAGE, "%.64s: there is no such argument here",
	    has_control(name, strlen(name)) ? "?" : name);
	for (size_t i = 0; i < ARRAY_LEN(v->args) && v->args[i].name != NULL; i++) {
		const struct arg *a = &v->args[i];
		const json_t *given = json_object_get(args, a->name);
		AUTO(json) json_t *good = NULL;
		if (given == NULL || json_is_null(given)) {
			if (a->is_required)
				return err_set(err, ERR_USAGE, "%s: is missing", a->name);
			continue;
		}
		if (read_value(&good, a, given, err))
			return err->code;
		if (json_object_set(checked, a->name, good) != 0)
			return err_nomem(err);
	}
	*out = TAKE(checked);
	return ERR_OK;
}

/*
 * What each setting is called, and which texts make sense for it.
 */
#include "base/suggest.h"
#include "db/connector.h"
#include "engine/settings_impl.h"
#include "tree/ignore.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

typedef enum err_code check_fn(const char *text, bool is_wide, struct err *err);

static check_fn check_flag;
static check_fn check_quiesce;
static check_fn check_database;
static check_fn check_exclude;
static check_fn check_hook;
static check_fn check_duration;
static check_fn check_duration_or_none;
static check_fn check_timeout;
static check_fn check_sqlite;
static check_fn check_image;
static check_fn check_percent;
static check_fn check_snapshot;

static const struct {
	const char *name;
	bool is_of_stack;
	const char *text; /* the default */
	check_fn *check;
} defs[SETTINGS] = {
	[SETTING_ENABLE] = { "enable", false, "true", check_flag },
	[SETTING_QUIESCE] = { "quiesce", false, "auto", check_quiesce },
	[SETTING_DATABASE] = { "database", false, "auto", check_database },
	[SETTING_EXCLUDE] = { "exclude", false, "", check_exclude },
	[SETTING_HOOK_BEFORE] = { "hook.before", false, "", check_hook },
	[SETTING_HOOK_AFTER] = { "hook.after", false, "", check_hook },
	[SETTING_HOOK_TIMEOUT] = { "hook.timeout", false, "60s", check_timeout },
	[SETTING_STOP_TIMEOUT] = { "stop.timeout", false, "", check_duration_or_none },
	[SETTING_SQLITE] = { "sqlite", false, "auto", check_sqlite },
	[SETTING_IMAGE] = { "image", false, "none", check_image },
	[SETTING_DOWNTIME] = { "downtime", true, "30s", check_duration },
	[SETTING_SHRINK] = { "shrink", true, "50%", check_percent },
	[SETTING_SNAPSHOT] = { "snapshot", true, "auto", check_snapshot },
};

const char *
setting_name(enum setting which)
{
	return defs[which].name;
}

bool
setting_is_of_stack(enum setting which)
{
	return defs[which].is_of_stack;
}

const char *
setting_default(enum setting which)
{
	return defs[which].text;
}

enum err_code
setting_find(enum setting *out, const char *name, const char *prefix, struct err *err)
{
	const char *names[SETTINGS];
	for (size_t i = 0; i < SETTINGS; i++) {
		names[i] = defs[i].name;
		if (strcmp(names[i], name) == 0) {
			*out = (enum setting)i;
			return ERR_OK;
		}
	}
	const char *near = suggest(name, names, SETTINGS);
	if (near != NULL)
		return err_set(err, ERR_USAGE, "there is no setting %s%s (did you mean %s%s?)",
		    prefix, name, prefix, near);
	return err_set(err, ERR_USAGE, "there is no setting %s%s", prefix, name);
}

enum err_code
setting_check(enum setting which, const char *text, bool is_wide, struct err *err)
{
	return defs[which].check(text, is_wide, err);
}

/* --- texts --- */

/* words: "auto|none" */
static enum err_code
check_choice(const char *text, const char *words, struct err *err)
{
	AUTO(strv) struct strv choices = STRV_INIT;
	if (strv_split(&choices, words, '|', err))
		return err->code;
	if (strv_has(&choices, text))
		return ERR_OK;
	const char *near = suggest(text, (const char *const *)choices.items, choices.len);
	AUTO(bufv) struct buf list = BUF_INIT;
	for (size_t i = 0; i < choices.len; i++)
		if (buf_printf(&list, err, "%s%s", i > 0 ? ", " : "", choices.items[i]))
			return err->code;
	return err_set(err, ERR_USAGE, "'%s' is none of: %s%s%s%s", text, buf_cstr(&list),
	    near != NULL ? " (did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?)" : "");
}

static enum err_code
check_flag(const char *text, bool is_wide, struct err *err)
{
	(void)is_wide;
	return check_choice(text, "true|false|yes|no|on|off|1|0", err);
}

bool
setting_is_true(const char *text)
{
	struct err scratch; /* out of memory: then it is not left out */
	AUTO(strv) struct strv no = STRV_INIT;
	return strv_split(&no, "false|no|off|0", '|', &scratch) || !strv_has(&no, text);
}

static enum err_code
check_quiesce(const char *text, bool is_wide, struct err *err)
{
	return check_choice(
	    text, is_wide ? "auto|none|pause|stop|down" : "auto|none|pause|stop", err);
}

static enum err_code
check_database(const char *text, bool is_wide, struct err *err)
{
	AUTO(bufv) struct buf words = BUF_INIT;
	if (buf_str(&words, "auto|none", err))
		return err->code;
	/* All services of a stack are never databases of one kind. */
	for (size_t kind = DB_NONE + 1; kind < db_kind_count() && !is_wide; kind++)
		if (buf_printf(&words, err, "|%s", db_kind_word((enum db_kind)kind)))
			return err->code;
	return check_choice(text, buf_cstr(&words), err);
}

enum err_code
setting_rules(struct strv *out, const char *text, struct err *err)
{
	AUTO(ignore) struct ignore *rules = NULL;
	if (ignore_new(&rules, NULL, err) ||
	    ignore_add_lines(rules, text, strlen(text), "rule", err))
		return err->code;
	return strv_add_all(out, ignore_rules(rules), err);
}

static enum err_code
check_exclude(const char *text, bool is_wide, struct err *err)
{
	(void)is_wide;
	AUTO(strv) struct strv rules = STRV_INIT;
	return setting_rules(&rules, text, err);
}

static enum err_code
check_sqlite(const char *text, bool is_wide, struct err *err)
{
	(void)is_wide;
	return check_choice(text, "auto|files", err);
}

static enum err_code
check_image(const char *text, bool is_wide, struct err *err)
{
	(void)is_wide;
	return check_choice(text, "auto|save|none", err);
}

static enum err_code
check_snapshot(const char *text, bool is_wide, struct err *err)
{
	(void)is_wide;
	return check_choice(text, "auto|none", err);
}

/* --- numbers --- */

/* Digits alone; *rest is what follows. */
static bool
read_number(const char *text, int64_t *out, const char **rest)
{
	char *end;
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	*out = n;
	*rest = end;
	return errno == 0;
}

static bool
read_duration(const char *text, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	int64_t n;
	const char *unit;
	if (!read_number(text, &n, &unit))
		return false;
	*ms = 0;
	if (n == 0 && *unit == '\0')
		return true;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strcmp(unit, units[i].unit) == 0 && n <= (int64_t)INT32_MAX / units[i].ms) {
			*ms = n * units[i].ms;
			return true;
		}
	return false;
}

static enum err_code
check_duration(const char *text, bool is_wide, struct err *err)
{
	(void)is_wide;
	int64_t ms;
	return read_duration(text, &ms) ? ERR_OK
					: err_set(err, ERR_USAGE,
					      "'%s' is no duration: a number with ms, s, m or "
					      "h behind it, as in 30s "
					      "(24 days at most)",
					      text);
}

static enum err_code
check_duration_or_none(const char *text, bool is_wide, struct err *err)
{
	return *text == '\0' ? ERR_OK : check_duration(text, is_wide, err);
}

static enum err_code
check_timeout(const char *text, bool is_wide, struct err *err)
{
	if (check_duration(text, is_wide, err))
		return err->code;
	return setting_ms(text) > 0
		   ? ERR_OK
		   : err_set(err, ERR_USAGE, "'%s': there must be a limit, as in 60s", text);
}

int64_t
setting_ms(const char *text)
{
	int64_t ms;
	return read_duration(text, &ms) ? ms : -1;
}

static bool
read_percent(const char *text, int64_t *out)
{
	const char *rest;
	return read_number(text, out, &rest) && *out <= 100 && strcmp(rest, "%") == 0;
}

static enum err_code
check_percent(const char *text, bool is_wide, struct err *err)
{
	(void)is_wide;
	int64_t n;
	return read_percent(text, &n) ? ERR_OK
				      : err_set(err, ERR_USAGE,
					    "'%s' is no share: 0%% to 100%%, as in 50%%", text);
}

unsigned
setting_percent(const char *text)
{
	int64_t n;
	return read_percent(text, &n) ? (unsigned)n : 100;
}

/* --- hooks --- */

static enum err_code
argv_of_json(struct strv *out, const char *text, struct err *err)
{
	AUTO(json) json_t *doc = NULL;
	if (json_parse(&doc, text, strlen(text), "the list", err)) {
		if (err->code == ERR_CORRUPT)
			err->code = ERR_USAGE;
		return err->code;
	}
	size_t i;
	json_t *word;
	json_array_foreach(doc, i, word)
	{
		if (!json_is_string(word))
			return err_set(
			    err, ERR_USAGE, "the list holds something that is no string");
		if (strlen(json_string_value(word)) != json_string_length(word))
			return err_set(err, ERR_USAGE, "the list holds a NUL");
		if (strv_add(out, json_string_value(word), err))
			return err->code;
	}
	return out->len > 0 ? ERR_OK : err_set(err, ERR_USAGE, "the list is empty");
}

enum err_code
setting_argv(struct strv *out, const char *text, struct err *err)
{
	if (*text == '[')
		return argv_of_json(out, text, err);
	AUTO(str) char *plain = NULL;
	if (str_dup(&plain, text, err))
		return err->code;
	for (char *p = plain; *p != '\0'; p++)
		if (isspace((unsigned char)*p))
			*p = ' ';
	return strv_split(out, plain, ' ', err);
}

static enum err_code
check_hook(const char *text, bool is_wide, struct err *err)
{
	(void)is_wide;
	AUTO(strv) struct strv argv = STRV_INIT;
	size_t plain = strcspn(text, "'\"\\`$|&;<>");
	if (*text != '[' && text[plain] != '\0')
		return err_set(err, ERR_USAGE,
		    "no shell reads this, so '%c' has no meaning in it: write a list, as in "
		    "[\"sh\", \"-c\", \"…\"]",
		    text[plain]);
	return setting_argv(&argv, text, err);
}

/* What a schedule runs, of scheduler.h: its kind and options as a command line. */
#include "serve/scheduler.h"

#include "base/json.h"

#include <string.h>

static enum err_code
add(json_t *argv, const char *word, struct err *err)
{
	return json_array_append_new(argv, json_string(word)) == 0 ? ERR_OK : err_nomem(err);
}

static enum err_code
add_flag(
    json_t *argv, const json_t *options, const char *name, const char *word, struct err *err)
{
	return json_get_bool(options, name) ? add(argv, word, err) : ERR_OK;
}

static enum err_code
add_backup(json_t *argv, const char *stack, const json_t *options, struct err *err)
{
	(void)options;
	if (*stack == '\0')
		return err_set(err, ERR_USAGE, "stack: a backup is of one");
	return add(argv, "backup", err) || add(argv, stack, err) ? err->code : ERR_OK;
}

/* What is stored is shared: a verification is of the whole repository. */
static enum err_code
add_verify(json_t *argv, const char *stack, const json_t *options, struct err *err)
{
	(void)stack;
	if (add(argv, "verify", err))
		return err->code;
	return add_flag(argv, options, "read_data", "--read-data", err);
}

static enum err_code
add_drill(json_t *argv, const char *stack, const json_t *options, struct err *err)
{
	if (*stack == '\0')
		return err_set(err, ERR_USAGE, "stack: a drill is of one");
	if (add(argv, "drill", err) || add_flag(argv, options, "pull", "--pull", err))
		return err->code;
	return add(argv, stack, err);
}

static enum err_code
add_count(json_t *argv, const char *option, const json_t *count, bool *any, struct err *err)
{
	char text[24];
	int64_t n = json_integer_value(count);
	if (!json_is_integer(count) || n < 0 || n > 999999)
		return err_set(
		    err, ERR_USAGE, "options: %s takes a number up to 999999", option);
	if (n == 0)
		return ERR_OK;
	*any = true;
	snprintf(text, sizeof text, "%lld", (long long)n);
	return add(argv, option, err) || add(argv, text, err) ? err->code : ERR_OK;
}

static bool
is_age(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	return digits > 0 && digits <= 6 && text[digits] != '\0' && text[digits + 1] == '\0' &&
	       strchr("hdwmy", text[digits]) != NULL;
}

static enum err_code
add_within(json_t *argv, const json_t *value, bool *any, struct err *err)
{
	const char *text = json_string_value(value);
	if (text == NULL || !is_age(text))
		return err_set(err, ERR_USAGE,
		    "options: keep_within takes an age as 36h, 7d, 2w, 3m or 1y");
	*any = true;
	return add(argv, "--keep-within", err) || add(argv, text, err) ? err->code : ERR_OK;
}

static enum err_code
add_tags(json_t *argv, const json_t *value, bool *any, struct err *err)
{
	size_t i;
	const json_t *item;
	if (!json_is_array(value))
		return err_set(err, ERR_USAGE, "options: keep_tags takes a list of tags");
	json_array_foreach(value, i, item)
	{
		const char *tag = json_string_value(item);
		if (tag == NULL || *tag == '\0' || *tag == '-')
			return err_set(err, ERR_USAGE, "options: keep_tags takes tags");
		if (add(argv, "--keep-tag", err) || add(argv, tag, err))
			return err->code;
		*any = true;
	}
	return ERR_OK;
}

static enum err_code
add_policy(json_t *argv, const json_t *policy, struct err *err)
{
	static const struct {
		const char *name;
		const char *option;
	} counts[] = {
		{ "keep_last", "--keep-last" },
		{ "keep_hourly", "--keep-hourly" },
		{ "keep_daily", "--keep-daily" },
		{ "keep_weekly", "--keep-weekly" },
		{ "keep_monthly", "--keep-monthly" },
		{ "keep_yearly", "--keep-yearly" },
	};
	bool any = false;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		const json_t *count = json_object_get(policy, counts[i].name);
		if (count != NULL && add_count(argv, counts[i].option, count, &any, err))
			return err->code;
	}
	const json_t *within = json_object_get(policy, "keep_within");
	const json_t *tags = json_object_get(policy, "keep_tags");
	if ((within != NULL && add_within(argv, within, &any, err)) ||
	    (tags != NULL && add_tags(argv, tags, &any, err)))
		return err->code;
	if (!any)
		return err_set(err, ERR_USAGE,
		    "options: a retention wants a policy that keeps something, as keep_daily: "
		    "7");
	return ERR_OK;
}

/* Only what a newer point that was proved stands for may go. */
static enum err_code
add_retention(json_t *argv, const char *stack, const json_t *options, struct err *err)
{
	if (add(argv, "forget", err) || add(argv, "--proved", err) ||
	    add(argv, "--prune", err) ||
	    (*stack != '\0' && (add(argv, "--stack", err) || add(argv, stack, err))))
		return err->code;
	return add_policy(argv, json_object_get(options, "policy"), err);
}

struct kind {
	const char *name;
	enum err_code (*add)(json_t *, const char *, const json_t *, struct err *);
	const char *option[2]; /* that it takes */
};

static const struct kind kinds[] = {
	{ "backup", add_backup, { NULL, NULL } },
	{ "verify", add_verify, { "read_data", NULL } },
	{ "drill", add_drill, { "pull", NULL } },
	{ "retention", add_retention, { "policy", NULL } },
};

static enum err_code
check_options(const struct kind *kind, const json_t *options, struct err *err)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)options, name,
	    value) if (kind->option[0] == NULL ||
		       strcmp(kind->option[0], name) != 0) return err_set(err, ERR_USAGE,
	    "options: a %s takes no %.32s", kind->name, name);
	return ERR_OK;
}

enum err_code
schedule_argv(
    const char *kind, const char *stack, const char *options, char **argv, struct err *err)
{
	const struct kind *k = NULL;
	AUTO(json) json_t *given = NULL;
	AUTO(json) json_t *list = json_array();
	if (list == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, kind) == 0)
			k = &kinds[i];
	if (k == NULL)
		return err_set(
		    err, ERR_USAGE, "kind: one of backup, verify, drill and retention");
	/* It becomes a word of a command line. */
	if (*stack == '-' || strchr(stack, '/') != NULL)
		return err_set(err, ERR_USAGE, "stack: '%.64s' is no name of a stack", stack);
	if (json_parse(&given, options, strlen(options), "options", err) ||
	    check_options(k, given, err) || k->add(list, stack, given, err))
		return err->code;
	*argv = json_dumps(list, JSON_COMPACT);
	return *argv == NULL ? err_nomem(err) : ERR_OK;
}

#include "testing.h"

#include "serve/verb.h"

/* A verb with an argument of each type. */
static const struct verb all = {
	.name = "test",
	.args = {
	    { "text", ARG_STRING, false, 0, 0 },
	    { "long", ARG_STRING, false, 3, 5 },
	    { "name", ARG_NAME, true, 0, 0 },
	    { "id", ARG_ID, false, 0, 0 },
	    { "path", ARG_PATH, false, 0, 0 },
	    { "address", ARG_ADDRESS, false, 0, 0 },
	    { "count", ARG_INT, false, -1, 100 },
	    { "yes", ARG_BOOL, false, 0, 0 },
	    { "list", ARG_STRINGS, false, 0, 3 },
	    { "object", ARG_OBJECT, false, 0, 0 },
	    { "secret", ARG_SECRET, false, 0, 0 },
	    { "again", ARG_STRING, false, 0, 0 },
	    { "any", ARG_TEXT, false, 1, 5 },
	    { "names", ARG_TEXTS, false, 0, 2 },
	},
};

/* "name" is there in each. */
static enum err_code
check(json_t **out, const char *more, struct err *why)
{
	struct err err;
	char text[512];
	AUTO(json) json_t *args = NULL;
	snprintf(text, sizeof text, "{\"name\": \"shop\"%s%s}", *more ? ", " : "", more);
	ok(json_parse(&args, text, strlen(text), text, &err));
	return verb_check_args(out, &all, args, why);
}

static void
what_fits_is_taken(void **state)
{
	static const char *const fine[] = {
		"",
		"\"text\": \"\\u00e4 b\"",
		"\"long\": \"abc\"",
		"\"long\": \"abcde\"",
		"\"id\": \"0af3\"",
		"\"path\": \"a/b..c/...\"",
		"\"path\": \"\"",
		"\"path\": \"new\\nline\"",
		"\"address\": \"/backup\"",
		"\"address\": \"s3:https://h/b\"",
		"\"count\": -1",
		"\"count\": 100",
		"\"yes\": false",
		"\"list\": []",
		"\"list\": [\"a\", \"b\", \"c\"]",
		"\"object\": {\"x\": 1}",
		"\"any\": \"\\u0001\\n\\u007f\"",
		"\"names\": [\"a\\nb\", \"\\u001b\"]",
		"\"secret\": \"p w\"",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
		struct err err;
		AUTO(json) json_t *out = NULL;
		char want[512];
		AUTO(json) json_t *same = NULL;
		ok(check(&out, fine[i], &err));
		snprintf(want, sizeof want, "{\"name\": \"shop\"%s%s}", *fine[i] ? ", " : "",
		    fine[i]);
		ok(json_parse(&same, want, strlen(want), "want", &err));
		assert_true(json_equal(out, same));
	}
}

static void
what_does_not_fit_is_refused(void **state)
{
	static const struct {
		const char *more;
		const char *why;
	} cases[] = {
		{ "\"other\": 1", "other: there is no such argument here" },
		{ "\"a\\u0007b\": 1", "?: there is no such argument here" },
		{ "\"text\": 1", "text: must be a text" },
		{ "\"text\": [\"a\"]", "text: must be a text" },
		{ "\"text\": \"a\\u0000b\"", "text: must be text without control characters" },
		{ "\"text\": \"a\\u001bb\"", "text: must be text without control characters" },
		{ "\"text\": \"a\\u007f\"", "text: must be text without control characters" },
		{ "\"long\": \"ab\"", "long: too short: 3 bytes are the least" },
		{ "\"long\": \"abcdef\"", "long: too long: 5 bytes are the most" },
		{ "\"id\": \"abc\"", "id: too short: 4 bytes are the least" },
		{ "\"id\": \"ABCD\"", "id: must be 4 to 64 hexadecimal digits" },
		{ "\"id\": \"--all\"", "id: must be 4 to 64 hexadecimal digits" },
		{ "\"path\": \"/etc\"", "path: must be a relative path without \"..\"" },
		{ "\"path\": \"..\"", "path: must be a relative path without \"..\"" },
		{ "\"path\": \"a/../b\"", "path: must be a relative path without \"..\"" },
		{ "\"path\": \"a/..\"", "path: must be a relative path without \"..\"" },
		{ "\"path\": \"a\\u0000\"", "path: must be a relative path without \"..\"" },
		{ "\"address\": \"backup\"", "address: must be an absolute folder, or s3:…" },
		{ "\"address\": \"\"", "address: must be an absolute folder, or s3:…" },
		{ "\"address\": \"/a/../b\"", "address: must be an absolute folder, or s3:…" },
		{ "\"address\": \"/a\\nb\"", "address: must be an absolute folder, or s3:…" },
		{ "\"count\": -2", "count: must be from -1 to 100" },
		{ "\"count\": \"101\"", "count: must be from -1 to 100" },
		{ "\"count\": 1.0", "count: must be a whole number" },
		{ "\"count\": \"\"", "count: must be a whole number" },
		{ "\"count\": \" 1\"", "count: must be a whole number" },
		{ "\"count\": \"+1\"", "count: must be a whole number" },
		{ "\"count\": \"1\\u00002\"", "count: must be a whole number" },
		{ "\"count\": \"99999999999999999999\"", "count: must be a whole number" },
		{ "\"yes\": 1", "yes: must be true or false" },
		{ "\"yes\": \"yes\"", "yes: must be true or false" },
		{ "\"any\": \"a\\u0000b\"", "any: must be text without a NUL" },
		{ "\"any\": \"\"", "any: must not be empty" },
		{ "\"any\": \"abcdef\"", "any: too long: 5 bytes are the most" },
		{ "\"names\": [\"a\\u0000\"]", "names: must be text without a NUL" },
		{ "\"names\": [1]", "names: must be a text" },
		{ "\"names\": [\"a\", \"b\", \"c\"]", "names: too many: 2 are the most" },
		{ "\"list\": {}", "list: must be an array of texts" },
		{ "\"list\": [\"a\", 1]", "list: must be a text" },
		{ "\"list\": [\"a\", \"b\", \"c\", \"d\"]", "list: too many: 3 are the most" },
		{ "\"object\": []", "object: must be an object" },
		{ "\"secret\": \"geheim\\n\"",
		    "secret: must be text without control characters" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err;
		json_t *out = NULL;
		refused(check(&out, cases[i].more, &err), ERR_USAGE, cases[i].why);
		assert_null(out);
	}
}

static void
a_name_is_no_option_and_no_hidden_file(void **state)
{
	static const char *const bad[] = { "-r", ".hidden", "..", "a b", "a/b", "", "ä" };
	struct err err;
	json_t *out = NULL;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(json) json_t *args = json_pack("{s:s}", "name", bad[i]);
		assert_int_equal(verb_check_args(&out, &all, args, &err), ERR_USAGE);
	}
	AUTO(json) json_t *args = json_pack("{s:s}", "name", "a-b_c.D9");
	AUTO(json) json_t *good = NULL;
	ok(verb_check_args(&good, &all, args, &err));
}

static void
what_is_missing_is_told(void **state)
{
	struct err err;
	json_t *out = NULL;
	AUTO(json) json_t *none = json_object();
	AUTO(json) json_t *null = json_pack("{s:n}", "name");
	AUTO(json) json_t *array = json_array();
	(void)state;
	refused(verb_check_args(&out, &all, none, &err), ERR_USAGE, "name: is missing");
	refused(verb_check_args(&out, &all, NULL, &err), ERR_USAGE, "name: is missing");
	refused(verb_check_args(&out, &all, null, &err), ERR_USAGE, "name: is missing");
	refused(
	    verb_check_args(&out, &all, array, &err), ERR_USAGE, "arguments must be an object");
}

/* Paths and queries have texts only. */
static void
texts_become_what_they_mean(void **state)
{
	struct err err;
	AUTO(json) json_t *out = NULL;
	(void)state;
	ok(check(&out, "\"count\": \"42\", \"yes\": \"true\", \"list\": \"a\"", &err));
	assert_int_equal(json_get_int(out, "count", 0), 42);
	assert_true(json_get_bool(out, "yes"));
	assert_string_equal(
	    json_string_value(json_array_get(json_object_get(out, "list"), 0)), "a");
}

/* What the tables of all topics must keep to. */
static void
every_verb_is_sound(void **state)
{
	static const struct verb *const tables[] = { account_verbs, run_verbs, repository_verbs,
		stack_verbs, snapshot_verbs, diff_verbs, restore_verbs };
	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (const struct verb *v = tables[t]; v->name != NULL; v++) {
			if (verb_find(v->name) != v || v->fn == NULL)
				fail_msg("%s: twice, or does nothing", v->name);
			bool has_subject = v->subject == NULL;
			for (size_t i = 0; i < ARRAY_LEN(v->args) && v->args[i].name != NULL;
			     i++) {
				const struct arg *a = &v->args[i];
				bool is_subject =
				    v->subject != NULL && strcmp(v->subject, a->name) == 0;
				has_subject = has_subject || is_subject;
				/* An audit entry is read by others. */
				if (is_subject && a->type == ARG_SECRET)
					fail_msg("%s: its subject is a secret", v->name);
				if (a->type == ARG_INT && a->min >= a->max)
					fail_msg("%s: %s has no range", v->name, a->name);
			}
			if (!has_subject)
				fail_msg("%s: its subject is no argument", v->name);
			/* But one's own session and password, and a comparison, which only
			 * reads, by a run that the audit shall name. */
			if (v->changes && v->needs == SCOPE_READ &&
			    !str_starts(v->name, "account.") &&
			    strcmp(v->name, "diffs.start") != 0)
				fail_msg("%s: changes by the right to read", v->name);
		}
	assert_null(verb_find("no.such"));
	assert_null(verb_find(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_taken),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(a_name_is_no_option_and_no_hidden_file),
		cmocka_unit_test(what_is_missing_is_told),
		cmocka_unit_test(texts_become_what_they_mean),
		cmocka_unit_test(every_verb_is_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "testing.h"

#include "engine/settings.h"
#include "sys/fs.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A stack "shop" with the services app and db, whose labels tests add, and a folder for files.
 */
struct fixture {
	struct stack stack;
	struct stack_container containers[3];
	char *dir;
};

static void
add_label(struct fixture *f, size_t container, const char *label)
{
	struct err err = ERR_INIT;
	ok(strv_add(&f->containers[container].labels, label, &err));
}

static struct fixture
fixture_make(void)
{
	struct err err = ERR_INIT;
	struct fixture f = { .stack = { .name = (char *)(uintptr_t) "shop" } };
	ok(fs_make_temp_dir(&f.dir, "settings", &err));
	/* No file of the machine that the test runs on. */
	assert_int_equal(setenv("STACKSNAP_CONFIG", SETTINGS_NO_FILE, 1), 0);
	return f;
}

static void
fixture_use(struct fixture *f)
{
	static const char *const services[] = { "app", "app", "db" };
	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		f->containers[i].service = (char *)(uintptr_t)services[i];
	f->stack.containers = f->containers;
	f->stack.n_containers = ARRAY_LEN(services);
}

static void
fixture_release(struct fixture *f)
{
	struct err err = ERR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(f->containers); i++)
		strv_release(&f->containers[i].labels);
	ok(fs_remove_tree(f->dir, &err));
	free(f->dir);
}

#define FIXTURE(f)                         \
	struct fixture f = fixture_make(); \
	fixture_use(&f)

/* Write a file into the fixture's folder; its path is the caller's. */
static char *
write_ini(struct fixture *f, const char *name, const char *text)
{
	struct err err = ERR_INIT;
	char *path = NULL;
	ok(str_printf(&path, &err, "%s/%s", f->dir, name));
	ok(fs_write_file(path, 0600, text, strlen(text), &err));
	return path;
}

static void
expect(const struct settings *s, const char *service, enum setting which, const char *text,
    enum setting_origin origin, const char *where)
{
	const struct setting_value *v = settings_get(s, service, which);
	assert_string_equal(v->text, text);
	assert_int_equal(v->origin, origin);
	assert_string_equal(v->where, where);
}

static void
without_a_word_everything_is_at_its_default(void **state)
{
	(void)state;
	FIXTURE(f);
	struct err err = ERR_INIT;
	AUTO(settings) struct settings *s = NULL;
	ok(settings_load(&s, &f.stack, NULL, &err));
	static const struct {
		enum setting which;
		const char *name;
		const char *text;
		bool is_of_stack;
	} want[] = {
		{ SETTING_ENABLE, "enable", "true", false },
		{ SETTING_QUIESCE, "quiesce", "auto", false },
		{ SETTING_DATABASE, "database", "auto", false },
		{ SETTING_EXCLUDE, "exclude", "", false },
		{ SETTING_HOOK_BEFORE, "hook.before", "", false },
		{ SETTING_HOOK_AFTER, "hook.after", "", false },
		{ SETTING_HOOK_TIMEOUT, "hook.timeout", "60s", false },
		{ SETTING_STOP_TIMEOUT, "stop.timeout", "", false },
		{ SETTING_SQLITE, "sqlite", "auto", false },
		{ SETTING_IMAGE, "image", "none", false },
		{ SETTING_DOWNTIME, "downtime", "30s", true },
		{ SETTING_SHRINK, "shrink", "50%", true },
		{ SETTING_SNAPSHOT, "snapshot", "auto", true },
	};
	assert_int_equal(ARRAY_LEN(want), SETTINGS);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		expect(s, want[i].is_of_stack ? NULL : "app", want[i].which, want[i].text,
		    SETTING_FROM_DEFAULT, "default");
		assert_string_equal(setting_name(want[i].which), want[i].name);
		assert_int_equal(setting_is_of_stack(want[i].which), want[i].is_of_stack);
	}
	assert_true(settings_flag(s, "app", SETTING_ENABLE));
	assert_int_equal(settings_ms(s, NULL, SETTING_DOWNTIME), 30000);
	assert_int_equal(settings_ms(s, "app", SETTING_STOP_TIMEOUT), -1);
	assert_int_equal(settings_percent(s, NULL, SETTING_SHRINK), 50);
	assert_int_equal(settings_warnings(s)->len, 0);
	fixture_release(&f);
}

static void
a_label_speaks_for_its_service_alone(void **state)
{
	(void)state;
	FIXTURE(f);
	struct err err = ERR_INIT;
	add_label(&f, 0, "stacksnap.quiesce=stop");
	add_label(&f, 0, "stacksnapper=no label of ours");
	add_label(&f, 2, "stacksnap.enable=no");
	add_label(&f, 2, "stacksnap.stop.timeout=2m");
	AUTO(settings) struct settings *s = NULL;
	ok(settings_load(&s, &f.stack, NULL, &err));
	expect(s, "app", SETTING_QUIESCE, "stop", SETTING_FROM_LABEL,
	    "label stacksnap.quiesce on service app");
	expect(s, "db", SETTING_QUIESCE, "auto", SETTING_FROM_DEFAULT, "default");
	expect(s, NULL, SETTING_QUIESCE, "auto", SETTING_FROM_DEFAULT, "default");
	assert_true(settings_flag(s, "app", SETTING_ENABLE));
	assert_false(settings_flag(s, "db", SETTING_ENABLE));
	assert_int_equal(settings_ms(s, "db", SETTING_STOP_TIMEOUT), 120000);
	fixture_release(&f);
}

static void
a_setting_of_the_stack_counts_from_any_service(void **state)
{
	(void)state;
	FIXTURE(f);
	struct err err = ERR_INIT;
	add_label(&f, 2, "stacksnap.downtime=500ms");
	AUTO(settings) struct settings *s = NULL;
	ok(settings_load(&s, &f.stack, NULL, &err));
	expect(s, NULL, SETTING_DOWNTIME, "500ms", SETTING_FROM_LABEL,
	    "label stacksnap.downtime on service db");
	assert_int_equal(settings_ms(s, NULL, SETTING_DOWNTIME), 500);
	fixture_release(&f);
}

static void
services_that_differ_about_their_stack_are_refused(void **state)
{
	(void)state;
	FIXTURE(f);
	struct err err = ERR_INIT;
	add_label(&f, 0, "stacksnap.shrink=10%");
	add_label(&f, 2, "stacksnap.shrink=10%");
	struct settings *s = NULL;
	ok(settings_load(&s, &f.stack, NULL, &err));
	settings_free(TAKE(s));
	strv_release(&f.containers[2].labels);
	add_label(&f, 2, "stacksnap.shrink=20%");
	refused(settings_load(&s, &f.stack, NULL, &err), ERR_USAGE,
	    "label stacksnap.shrink on service app is '10%', but label stacksnap.shrink on "
	    "service db is '20%': this setting is the whole stack's, and can have one value "
	    "only");
	assert_null(s);
	fixture_release(&f);
}

static enum err_code
note_said(void *arg, const struct setting_value *v, struct err *err)
{
	return strv_addf(arg, err, "%s: %s", v->text, v->where);
}

static void
the_strongest_voice_counts_and_all_are_told(void **state)
{
	(void)state;
	FIXTURE(f);
	struct err err = ERR_INIT;
	add_label(&f, 0, "stacksnap.quiesce=none");
	AUTO(str) char *ini = write_ini(&f, "s.ini",
	    "[stack shop service app]\nquiesce = stop\n"
	    "[stack shop]\nquiesce = pause\n"
	    "[defaults]\nquiesce = auto\n"
	    "[stack other]\nquiesce = none\n");
	AUTO(strv) struct strv set = STRV_INIT;
	ok(strv_add(&set, "quiesce=pause", &err));
	ok(strv_add(&set, "app/quiesce=none", &err));
	ok(strv_add(&set, "app/quiesce=stop", &err));
	struct settings_options opt = { .file = ini };
	struct settings *s = NULL;
	ok(settings_load(&s, &f.stack, &opt, &err));
	char where[300];
	snprintf(where, sizeof where, "%s line 2", ini);
	expect(s, "app", SETTING_QUIESCE, "stop", SETTING_FROM_FILE, where);
	snprintf(where, sizeof where, "%s line 4", ini);
	expect(s, "db", SETTING_QUIESCE, "pause", SETTING_FROM_FILE, where);
	settings_free(TAKE(s));

	opt.set = &set;
	ok(settings_load(&s, &f.stack, &opt, &err));
	AUTO(strv) struct strv said = STRV_INIT;
	ok(settings_said(s, "app", SETTING_QUIESCE, note_said, &said, &err));
	static const char *const want[] = { "stop: --set app/quiesce",
		"none: --set app/quiesce", "pause: --set quiesce", "stop: FILE line 2",
		"pause: FILE line 4", "none: label stacksnap.quiesce on service app",
		"auto: FILE line 6", "auto: default" };
	assert_int_equal(said.len, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const char *file = strstr(want[i], "FILE");
		char line[400];
		if (file == NULL)
			snprintf(line, sizeof line, "%s", want[i]);
		else
			snprintf(line, sizeof line, "%.*s%s%s", (int)(file - want[i]), want[i],
			    ini, file + 4);
		assert_string_equal(said.items[i], line);
	}
	expect(s, "db", SETTING_QUIESCE, "pause", SETTING_FROM_OPTION, "--set quiesce");
	settings_free(s);
	fixture_release(&f);
}

static void
an_option_of_its_name_is_called_so(void **state)
{
	(void)state;
	FIXTURE(f);
	struct err err = ERR_INIT;
	struct settings_options opt = {
		.values = { [SETTING_QUIESCE] = "down", [SETTING_STOP_TIMEOUT] = "0" }
	};
	AUTO(settings) struct settings *s = NULL;
	ok(settings_load(&s, &f.stack, &opt, &err));
	expect(s, "app", SETTING_QUIESCE, "down", SETTING_FROM_OPTION, "--quiesce");
	expect(s, "db", SETTING_STOP_TIMEOUT, "0", SETTING_FROM_OPTION, "--stop-timeout");
	assert_int_equal(settings_ms(s, "db", SETTING_STOP_TIMEOUT), 0);
	fixture_release(&f);
}

static void
labels_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *label;
		const char *want;
	} cases[] = {
		{ "stacksnap.quiece=stop",
		    "label stacksnap.quiece on service app: there is no setting "
		    "stacksnap.quiece (did you mean stacksnap.quiesce?)" },
		{ "stacksnap.colour=red",
		    "label stacksnap.colour on service app: there is no setting "
		    "stacksnap.colour" },
		{ "stacksnap.=x",
		    "label stacksnap. on service app: there is no setting stacksnap." },
		{ "stacksnap.quiesce=stopp",
		    "label stacksnap.quiesce on service app: 'stopp' is none of: auto, none, "
		    "pause, stop (did you mean stop?)" },
		{ "stacksnap.quiesce=down",
		    "label stacksnap.quiesce on service app: 'down' is none of: auto, none, "
		    "pause, stop" },
		{ "stacksnap.enable=", "label stacksnap.enable on service app: '' is none of: "
				       "true, false, yes, no, on, off, 1, 0" },
		{ "stacksnap.database=oracle",
		    "label stacksnap.database on service app: 'oracle' is none of: auto, none, "
		    "postgres, mariadb, mysql, redis, valkey, mongodb" },
		{ "stacksnap.exclude=ok\n[a", "label stacksnap.exclude on service app: rule:2: "
					      "'[a': a class '[' without its ']'" },
		{ "stacksnap.downtime=30",
		    "label stacksnap.downtime on service app: '30' is no duration: a number "
		    "with ms, s, m or h behind it, as in 30s (24 days at most)" },
		{ "stacksnap.downtime=99999999999999999999s",
		    "label stacksnap.downtime on service app: '99999999999999999999s' is no "
		    "duration: a number with ms, s, m or h behind it, as in 30s (24 days at "
		    "most)" },
		{ "stacksnap.hook.timeout=0", "label stacksnap.hook.timeout on service app: "
					      "'0': there must be a limit, as in 60s" },
		{ "stacksnap.shrink=101%", "label stacksnap.shrink on service app: '101%' is "
					   "no share: 0% to 100%, as in 50%" },
		{ "stacksnap.hook.before=sh -c 'x y'",
		    "label stacksnap.hook.before on service app: no shell reads this, so ''' "
		    "has no meaning in it: write a list, as in [\"sh\", \"-c\", \"…\"]" },
		{ "stacksnap.hook.before=[]",
		    "label stacksnap.hook.before on service app: the list is empty" },
		{ "stacksnap.hook.before=[\"a\", 1]",
		    "label stacksnap.hook.before on service app: the list holds something that "
		    "is no string" },
		{ "stacksnap.hook.before=[\"a\\u0000b\"]",
		    "label stacksnap.hook.before on service app: the list holds a NUL" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		FIXTURE(f);
		struct err err = ERR_INIT;
		struct settings *s = NULL;
		add_label(&f, 0, cases[i].label);
		refused(settings_load(&s, &f.stack, NULL, &err), ERR_USAGE, cases[i].want);
		assert_null(s);
		fixture_release(&f);
	}
}

static void
files_that_make_no_sense_are_refused_also_about_other_stacks(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *want; /* behind the path */
	} cases[] = {
		{ "[defauts]\n", ":1: [defauts] is none of [defaults], [stack NAME], [stack "
				 "NAME service SERVICE]" },
		{ "[stack]\n", ":1: [stack] is none of [defaults], [stack NAME], [stack NAME "
			       "service SERVICE]" },
		{ "[stack a b c]\n", ":1: [stack a b c] is none of [defaults], [stack NAME], "
				     "[stack NAME service SERVICE]" },
		{ "[stack other]\nquiece = x\n",
		    ":2: there is no setting quiece (did you mean quiesce?)" },
		{ "[stack other]\nquiesce = x\n",
		    " line 2: quiesce: 'x' is none of: auto, none, pause, stop, down" },
		{ "[stack shop service app]\nquiesce = down\n",
		    " line 2: quiesce: 'down' is none of: auto, none, pause, stop" },
		{ "[defaults]\ndatabase = postgres\n",
		    " line 2: database: 'postgres' is none of: auto, none" },
		{ "[stack other service app]\ndowntime = 1s\n",
		    ":2: downtime is the whole stack's: write it in [stack NAME]" },
		{ "nonsense\n",
		    ":1: neither [section] nor key = value (lines that go on with a "
		    "value begin with a blank)" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		FIXTURE(f);
		struct err err = ERR_INIT;
		struct settings *s = NULL;
		AUTO(str) char *ini = write_ini(&f, "s.ini", cases[i].text);
		AUTO(str) char *want = NULL;
		ok(str_printf(&want, &err, "%s%s", ini, cases[i].want));
		struct settings_options opt = { .file = ini };
		refused(settings_load(&s, &f.stack, &opt, &err), ERR_USAGE, want);
		fixture_release(&f);
	}
}

static void
options_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *set;
		const char *want;
	} cases[] = {
		{ "quiesce", "--set takes NAME=VALUE or SERVICE/NAME=VALUE (not 'quiesce')" },
		{ "quiece=stop", "--set quiece: there is no setting quiece (did you mean "
				 "quiesce?)" },
		{ "apt/quiesce=stop", "--set apt/quiesce: stack shop has no service apt (did "
				      "you mean app?)" },
		{ "app/downtime=1s", "--set app/downtime: this setting is the whole stack's: "
				     "leave out the service" },
		{ "app/quiesce=down",
		    "--set app/quiesce: 'down' is none of: auto, none, pause, stop" },
	};
	FIXTURE(f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct settings *s = NULL;
		AUTO(strv) struct strv set = STRV_INIT;
		ok(strv_add(&set, cases[i].set, &err));
		struct settings_options opt = { .set = &set };
		refused(settings_load(&s, &f.stack, &opt, &err), ERR_USAGE, cases[i].want);
	}
	fixture_release(&f);
}

static void
words_and_lists_become_arguments(void **state)
{
	(void)state;
	FIXTURE(f);
	struct err err = ERR_INIT;
	add_label(&f, 0, "stacksnap.hook.before= php  artisan\tdown ");
	add_label(&f, 0, "stacksnap.hook.after=[\"sh\", \"-c\", \"a 'b' | c\", \"\"]");
	add_label(&f, 0, "stacksnap.exclude=*.tmp\n\n!keep.tmp\n/cache");
	AUTO(settings) struct settings *s = NULL;
	ok(settings_load(&s, &f.stack, NULL, &err));
	static const struct {
		enum setting which;
		const char *service;
		size_t n;
		const char *words[4];
	} want[] = {
		{ SETTING_HOOK_BEFORE, "app", 3, { "php", "artisan", "down" } },
		{ SETTING_HOOK_AFTER, "app", 4, { "sh", "-c", "a 'b' | c", "" } },
		{ SETTING_EXCLUDE, "app", 3, { "*.tmp", "!keep.tmp", "/cache" } },
		{ SETTING_HOOK_BEFORE, "db", 0, { NULL } },
		{ SETTING_EXCLUDE, "db", 0, { NULL } },
	};
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		AUTO(strv) struct strv got = STRV_INIT;
		ok(settings_words(&got, s, want[i].service, want[i].which, &err));
		assert_int_equal(got.len, want[i].n);
		for (size_t k = 0; k < got.len; k++)
			assert_string_equal(got.items[k], want[i].words[k]);
	}
	fixture_release(&f);
}

static void
a_service_of_the_file_that_is_not_there_is_told(void **state)
{
	(void)state;
	FIXTURE(f);
	struct err err = ERR_INIT;
	AUTO(str) char *ini = write_ini(&f, "s.ini",
	    "[stack shop service apt]\nenable = no\n[stack other service apt]\nenable = no\n");
	struct settings_options opt = { .file = ini };
	AUTO(settings) struct settings *s = NULL;
	ok(settings_load(&s, &f.stack, &opt, &err));
	AUTO(str) char *want = NULL;
	ok(str_printf(&want, &err,
	    "%s line 1: stack shop has no service apt now: what is said for it does not count",
	    ini));
	assert_int_equal(settings_warnings(s)->len, 1);
	assert_string_equal(settings_warnings(s)->items[0], want);
	fixture_release(&f);
}

static void
the_file_is_looked_for_in_its_places(void **state)
{
	(void)state;
	FIXTURE(f);
	struct err err = ERR_INIT;
	AUTO(str) char *folder = NULL;
	ok(str_printf(&folder, &err, "%s/xdg/stacksnap", f.dir));
	ok(fs_mkdirs(folder, 0700, &err));
	AUTO(str) char *xdg = NULL;
	ok(str_printf(&xdg, &err, "%s/xdg", f.dir));
	free(write_ini(&f, "xdg/stacksnap/stacksnap.ini", "[defaults]\nquiesce = stop\n"));
	AUTO(str) char *own = write_ini(&f, "own.ini", "[defaults]\nquiesce = none\n");
	assert_int_equal(setenv("XDG_CONFIG_HOME", xdg, 1), 0);

	assert_int_equal(unsetenv("STACKSNAP_CONFIG"), 0);
	struct settings *s = NULL;
	ok(settings_load(&s, &f.stack, NULL, &err));
	assert_string_equal(settings_get(s, "app", SETTING_QUIESCE)->text, "stop");
	settings_free(TAKE(s));

	assert_int_equal(setenv("STACKSNAP_CONFIG", own, 1), 0);
	ok(settings_load(&s, &f.stack, NULL, &err));
	assert_string_equal(settings_get(s, "app", SETTING_QUIESCE)->text, "none");
	settings_free(TAKE(s));

	struct settings_options opt = { .file = SETTINGS_NO_FILE };
	ok(settings_load(&s, &f.stack, &opt, &err));
	assert_string_equal(settings_get(s, "app", SETTING_QUIESCE)->text, "auto");
	settings_free(TAKE(s));

	opt.file = "/nowhere/s.ini";
	refused(settings_load(&s, &f.stack, &opt, &err), ERR_NOT_FOUND,
	    "/nowhere/s.ini: No such file or directory");
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	fixture_release(&f);
}

static void
a_file_that_others_could_have_written_is_refused(void **state)
{
	(void)state;
	FIXTURE(f);
	struct err err = ERR_INIT;
	struct settings *s = NULL;
	AUTO(str) char *ini = write_ini(&f, "s.ini", "[defaults]\n");
	struct settings_options opt = { .file = ini };
	static const mode_t modes[] = { 0620, 0602 };
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		AUTO(str) char *want = NULL;
		assert_int_equal(chmod(ini, modes[i]), 0);
		ok(str_printf(&want, &err,
		    "%s: others may write to it, and could start programs from it: chmod go-w "
		    "'%s'",
		    ini, ini));
		refused(settings_load(&s, &f.stack, &opt, &err), ERR_DENIED, want);
	}
	assert_int_equal(chmod(ini, 0644), 0);
	ok(settings_load(&s, &f.stack, &opt, &err));
	settings_free(TAKE(s));
	if (geteuid() == 0) {
		AUTO(str) char *want = NULL;
		assert_int_equal(chown(ini, 65534, 0), 0);
		ok(str_printf(&want, &err,
		    "%s: belongs to another user (65534), who could start programs from it: "
		    "let it belong to root or to you",
		    ini));
		refused(settings_load(&s, &f.stack, &opt, &err), ERR_DENIED, want);
	}
	AUTO(str) char *want = NULL;
	ok(str_printf(&want, &err, "%s: is no file", f.dir));
	opt.file = f.dir;
	refused(settings_load(&s, &f.stack, &opt, &err), ERR_USAGE, want);
	fixture_release(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_word_everything_is_at_its_default),
		cmocka_unit_test(a_label_speaks_for_its_service_alone),
		cmocka_unit_test(a_setting_of_the_stack_counts_from_any_service),
		cmocka_unit_test(services_that_differ_about_their_stack_are_refused),
		cmocka_unit_test(the_strongest_voice_counts_and_all_are_told),
		cmocka_unit_test(an_option_of_its_name_is_called_so),
		cmocka_unit_test(labels_that_make_no_sense_are_refused),
		cmocka_unit_test(files_that_make_no_sense_are_refused_also_about_other_stacks),
		cmocka_unit_test(options_that_make_no_sense_are_refused),
		cmocka_unit_test(words_and_lists_become_arguments),
		cmocka_unit_test(a_service_of_the_file_that_is_not_there_is_told),
		cmocka_unit_test(the_file_is_looked_for_in_its_places),
		cmocka_unit_test(a_file_that_others_could_have_written_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "testing.h"

#include "db/target.h"
#include "scripted_runner.h"

static void
add(struct strv *v, const char *const *words)
{
	struct err err;
	for (; *words != NULL; words++)
		if (strv_add(v, *words, &err))
			abort();
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
options_are_found_in_both_forms_and_the_last_one_counts(void **state)
{
	(void)state;
	AUTO(strv) struct strv words = STRV_INIT;
	add(&words,
	    WORDS("redis-server", "--port", "1", "--dir=/x", "--port=2", "--max_packet", "5"));
	assert_string_equal(words_option(&words, "port"), "2");
	assert_string_equal(words_option(&words, "dir"), "/x");
	assert_string_equal(words_option(&words, "max-packet"), "5");
	assert_null(words_option(&words, "po"));
	assert_null(words_option(&words, "save"));
}

static void
settings_of_postgres_are_found_in_all_forms(void **state)
{
	(void)state;
	AUTO(strv) struct strv words = STRV_INIT;
	add(&words,
	    WORDS("postgres", "-c", "port=1", "-cshared_buffers=2", "--data-directory=/d"));
	assert_string_equal(words_setting(&words, "port"), "1");
	assert_string_equal(words_setting(&words, "shared_buffers"), "2");
	assert_string_equal(words_setting(&words, "data_directory"), "/d");
	assert_null(words_setting(&words, "listen_addresses"));
}

static void
shell_line_is_taken_apart_as_a_shell_would(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	AUTO(strv) struct strv command = STRV_INIT;
	AUTO(strv) struct strv words = STRV_INIT;
	add(&env, WORDS("PW=se cret", "D=/data"));
	add(&command, WORDS("/bin/sh", "-c",
			  "exec redis-server --requirepass \"$PW\" --dir ${D}/x  --a 'b $PW' "
			  "--c \\\"q --e '' "
			  "--f \"$(cat /run/secrets/pw)\"\n--g=$NONE"));
	struct db_target t = {
		.service = "db", .image = "redis", .env = &env, .command = &command
	};
	ok(target_words(&words, &t, &err));
	static const char *const want[] = { "/bin/sh", "-c", "exec", "redis-server",
		"--requirepass", "se cret", "--dir", "/data/x", "--a", "b $PW", "--c", "\"q",
		"--e", "", "--f", "$(cat /run/secrets/pw)", "--g=" };
	assert_int_equal(words.len, ARRAY_LEN(want));
	for (size_t i = 0; i < words.len; i++)
		assert_string_equal(words.items[i], want[i]);
}

static void
words_without_a_shell_stay_as_they_are(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(strv) struct strv command = STRV_INIT;
	AUTO(strv) struct strv words = STRV_INIT;
	add(&command, WORDS("redis-server", "--requirepass", "a $b 'c"));
	struct db_target t = { .service = "db", .image = "redis", .command = &command };
	ok(target_words(&words, &t, &err));
	assert_int_equal(words.len, 3);
	assert_string_equal(words.items[2], "a $b 'c");
}

static const char *const names[] = { "FIRST", "SECOND", NULL };

static const struct script_step files[] = {
	{ "cat", "/run/secrets/pw", "from the file\n", 0, NULL, 0, NULL, false },
	{ "cat", "/missing", "", 0, "cat: /missing: No such file or directory\n", 1, NULL,
	    false },
	{ 0 },
};

static void
secret_comes_from_the_variable_or_the_file_that_it_names(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(scripted) struct scripted_runner runner;
	scripted_runner_init(&runner, files);
	AUTO(strv) struct strv env = STRV_INIT;
	struct db_target t = {
		.service = "db", .image = "x", .env = &env, .runner = &runner.base
	};
	char *secret;
	ok(target_secret(&secret, &t, names, &err));
	assert_null(secret);

	add(&env, WORDS("SECOND_FILE=/run/secrets/pw"));
	ok(target_secret(&secret, &t, names, &err));
	assert_string_equal(secret, "from the file");
	free(secret);

	add(&env, WORDS("FIRST=plain"));
	ok(target_secret(&secret, &t, names, &err));
	assert_string_equal(secret, "plain");
	free(secret);

	ok(target_secret_value(&secret, &t, "$(cat /run/secrets/pw)", &err));
	assert_string_equal(secret, "from the file");
	free(secret);
	ok(target_secret_value(&secret, &t, "$(date)", &err));
	assert_string_equal(secret, "$(date)");
	free(secret);
	assert_int_equal(runner.live, 0);
}

static void
missing_password_file_is_named(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(scripted) struct scripted_runner runner;
	scripted_runner_init(&runner, files);
	AUTO(strv) struct strv env = STRV_INIT;
	struct db_target t = {
		.service = "db", .image = "x", .env = &env, .runner = &runner.base
	};
	add(&env, WORDS("FIRST_FILE=/missing"));
	char *secret;
	refused(target_secret(&secret, &t, names, &err), ERR_USAGE,
	    "read the password file /missing inside the container: cat: /missing: No such file "
	    "or "
	    "directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_found_in_both_forms_and_the_last_one_counts),
		cmocka_unit_test(settings_of_postgres_are_found_in_all_forms),
		cmocka_unit_test(shell_line_is_taken_apart_as_a_shell_would),
		cmocka_unit_test(words_without_a_shell_stay_as_they_are),
		cmocka_unit_test(secret_comes_from_the_variable_or_the_file_that_it_names),
		cmocka_unit_test(missing_password_file_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

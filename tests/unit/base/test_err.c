#include "testing.h"

#include <errno.h>

static void
a_set_error_has_its_code_and_message(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	assert_int_equal(err_set(&err, ERR_CORRUPT, "pack %s at %u", "ab12", 7U), ERR_CORRUPT);
	assert_int_equal(err.code, ERR_CORRUPT);
	assert_string_equal(err.msg, "pack ab12 at 7");
}

static void
wrapping_puts_context_before_the_message_and_keeps_the_code(void **state)
{
	(void)state;
	struct err err;
	err_set(&err, ERR_NOT_FOUND, "no such object");
	assert_int_equal(err_wrap(&err, "get %s", "index/ab12"), ERR_NOT_FOUND);
	assert_int_equal(err_wrap(&err, "load index"), ERR_NOT_FOUND);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.msg, "load index: get index/ab12: no such object");
}

static void
a_message_that_is_too_long_is_cut_and_ends(void **state)
{
	(void)state;
	struct err err;
	char huge[2000];
	memset(huge, 'x', sizeof huge);
	huge[sizeof huge - 1] = '\0';
	err_set(&err, ERR_IO, "%s", huge);
	assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
	err_wrap(&err, "%s", huge);
	assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
	assert_int_equal(err.code, ERR_IO);
	err_set(&err, ERR_IO, "cause");
	err_wrap(&err, "%.500s", huge);
	/* Room for ": cause" was left at the end, as far as it goes. */
	assert_string_equal(err.msg + 500, ": cause");
}

static void
a_failed_system_call_gives_its_reason_and_a_code_to_act_on(void **state)
{
	(void)state;
	struct err err;
	errno = ENOENT;
	assert_int_equal(err_sys(&err, "open %s", "/x"), ERR_NOT_FOUND);
	assert_string_equal(err.msg, "open /x: No such file or directory");
	assert_int_equal(err_errno(&err, ENOSPC, "write"), ERR_IO);
	assert_string_equal(err.msg, "write: No space left on device");
	static const struct {
		int errnum;
		enum err_code code;
	} all[] = {
		{ EACCES, ERR_DENIED },
		{ EPERM, ERR_DENIED },
		{ EROFS, ERR_DENIED },
		{ EEXIST, ERR_EXISTS },
		{ ENOTDIR, ERR_NOT_FOUND },
		{ ENOMEM, ERR_NO_MEMORY },
		{ ECONNREFUSED, ERR_TRANSIENT },
		{ ETIMEDOUT, ERR_TRANSIENT },
		{ EOPNOTSUPP, ERR_UNSUPPORTED },
		{ ECANCELED, ERR_CANCELLED },
		{ EIO, ERR_IO },
		{ ELOOP, ERR_IO },
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_int_equal(err_code_of_errno(all[i].errnum), all[i].code);
}

static void
each_code_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (int a = ERR_OK; a <= ERR_INCOMPLETE; a++) {
		const char *word = err_code_word((enum err_code)a);
		assert_string_not_equal(word, "unknown");
		for (int b = ERR_OK; b < a; b++)
			assert_string_not_equal(word, err_code_word((enum err_code)b));
	}
	assert_string_equal(err_code_word((enum err_code)1000), "unknown");
	assert_string_equal(err_code_word(ERR_WRONG_KEY), "wrong_key");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_error_has_its_code_and_message),
		cmocka_unit_test(wrapping_puts_context_before_the_message_and_keeps_the_code),
		cmocka_unit_test(a_message_that_is_too_long_is_cut_and_ends),
		cmocka_unit_test(a_failed_system_call_gives_its_reason_and_a_code_to_act_on),
		cmocka_unit_test(each_code_has_a_word_of_its_own),
	};
	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}

/*
 * testing.h: what every unit test includes: cmocka, and checks of errors.
 */
#ifndef TESTS_UNIT_TESTING_H
#define TESTS_UNIT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

/* The call must succeed; otherwise the test fails with its message. */
#define ok(call)                                            \
	do {                                                \
		if ((call) != ERR_OK)                       \
			fail_msg("%s: %s", #call, err.msg); \
	} while (0)

/* The call must fail with this code and exactly this message. */
#define refused(call, want_code, want_msg)                \
	do {                                              \
		enum err_code got_ = (call);              \
		assert_int_equal(got_, (want_code));      \
		assert_int_equal(err.code, (want_code));  \
		assert_string_equal(err.msg, (want_msg)); \
	} while (0)

/* The same, when only the beginning of the message is known. */
#define refused_like(call, want_code, want_start)                            \
	do {                                                                 \
		enum err_code got_ = (call);                                 \
		assert_int_equal(got_, (want_code));                         \
		if (strncmp(err.msg, (want_start), strlen(want_start)) != 0) \
			fail_msg("message: %s", err.msg);                    \
	} while (0)

#endif

#include "testing.h"

#include "cli/spool.h"

#include <stdlib.h>

static void
what_was_added_comes_back_in_order_also_from_the_file(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	for (size_t limit = 1; limit < 3000000; limit *= 20) {
		AUTO(spool) struct spool s = { .limit = limit };
		AUTO(bufv) struct buf want = BUF_INIT;
		char *got = NULL;
		size_t len = 0;
		for (unsigned i = 0; i < 4000; i++) {
			size_t from = want.len;
			ok(buf_printf(&want, &err, "line %u %*s\n", i, (int)(i % 97), ""));
			ok(spool_add(&s, want.data + from, want.len - from, &err));
		}
		assert_int_equal(s.part != NULL, limit < want.len);
		FILE *f = open_memstream(&got, &len);
		assert_non_null(f);
		ok(spool_write(&s, f, &err));
		fclose(f);
		assert_int_equal(len, want.len);
		assert_memory_equal(got, want.data, len);
		free(got);
	}
}

static void
long_lines_count_as_the_screen_shows_them(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(spool) struct spool s = SPOOL_INIT;
	assert_int_equal(spool_lines(&s, 10, 100), 0);
	ok(spool_add(&s, "\n1234567890\n12345678901\nx", 25, &err));
	assert_int_equal(spool_lines(&s, 10, 100), 5);
	assert_int_equal(spool_lines(&s, 10, 3), 3);
	s.limit = 1;
	ok(spool_add(&s, "much", 4, &err));
	assert_int_equal(spool_lines(&s, 10, 100), 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_comes_back_in_order_also_from_the_file),
		cmocka_unit_test(long_lines_count_as_the_screen_shows_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

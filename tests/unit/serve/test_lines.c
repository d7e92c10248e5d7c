#include "testing.h"

#include "serve/lines.h"

#include <string.h>
#include <unistd.h>

#define LONG ((size_t)3 << 20)
#define HEAD 100

struct seen {
	uint64_t offsets[8];
	uint64_t lens[8];
	char heads[8][HEAD + 1];
	size_t n;
};

static enum err_code
note(void *arg, const struct line *line, struct err *err)
{
	struct seen *s = arg;
	(void)err;
	s->offsets[s->n] = line->offset;
	s->lens[s->n] = line->len;
	assert_int_equal(line->head_len, line->len < HEAD ? line->len : HEAD);
	memcpy(s->heads[s->n], line->head, line->head_len);
	s->heads[s->n++][line->head_len] = '\0';
	return ERR_OK;
}

/* "one", "", three megabytes of x with a mark in front, "four", and one without an end. */
static int
make_file(void)
{
	static const char begin[] = "one\n\nlong:";
	static const char end[] = "\nfour\nopen";
	FILE *f = tmpfile();
	assert_non_null(f);
	fputs(begin, f);
	for (size_t i = 0; i < LONG; i++)
		putc('x', f);
	fputs(end, f);
	fflush(f);
	int fd = dup(fileno(f));
	fclose(f);
	return fd;
}

static void
each_line_that_has_an_end_is_given_with_its_head(void **state)
{
	(void)state;
	struct seen s = { .n = 0 };
	struct err err = ERR_INIT;
	int fd = make_file();
	ok(lines_each(fd, 0, HEAD, note, &s, NULL, &err));
	assert_int_equal(s.n, 4);
	assert_string_equal(s.heads[0], "one");
	assert_int_equal(s.lens[1], 0);
	assert_int_equal(s.offsets[2], 5);
	assert_int_equal(s.lens[2], 5 + LONG);
	assert_memory_equal(s.heads[2], "long:xxx", 8);
	assert_int_equal(s.offsets[3], 5 + 5 + LONG + 1);
	assert_string_equal(s.heads[3], "four");
	close(fd);
}

static void
reading_may_begin_at_any_line(void **state)
{
	(void)state;
	struct seen s = { .n = 0 };
	struct err err = ERR_INIT;
	int fd = make_file();
	ok(lines_each(fd, 5, HEAD, note, &s, NULL, &err));
	assert_int_equal(s.n, 2);
	assert_int_equal(s.offsets[0], 5);
	assert_string_equal(s.heads[1], "four");
	close(fd);
}

static void
one_line_is_read_whole_or_cut(void **state)
{
	(void)state;
	AUTO(bufv) struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	bool is_cut;
	int fd = make_file();
	ok(lines_read(fd, 5, 2 * LONG, &text, &is_cut, &err));
	assert_false(is_cut);
	assert_int_equal(text.len, 5 + LONG);
	ok(lines_read(fd, 5, 1000, &text, &is_cut, &err));
	assert_true(is_cut);
	assert_int_equal(text.len, 1000);
	ok(lines_read(fd, 0, 1000, &text, &is_cut, &err));
	assert_false(is_cut);
	assert_int_equal(text.len, 3);
	/* One that has no end yet is no whole line. */
	ok(lines_read(fd, 5 + 5 + LONG + 1 + 5, 1000, &text, &is_cut, &err));
	assert_true(is_cut);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_that_has_an_end_is_given_with_its_head),
		cmocka_unit_test(reading_may_begin_at_any_line),
		cmocka_unit_test(one_line_is_read_whole_or_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

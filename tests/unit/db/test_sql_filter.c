#include "testing.h"

#include "db/sql_filter.h"

#include <string.h>

/* A dump in memory, given in pieces of so many bytes. */
struct text_source {
	struct dump_source base;
	const char *text;
	size_t at;
	size_t piece;
};

static enum err_code
text_open(struct dump_source *src, const char *name, struct err *err)
{
	(void)name;
	(void)err;
	((struct text_source *)src)->at = 0;
	return ERR_OK;
}

static enum err_code
text_read(struct dump_source *src, void *out, size_t len, size_t *got, struct err *err)
{
	struct text_source *s = (struct text_source *)src;
	(void)err;
	*got = min_size(min_size(len, s->piece), strlen(s->text) - s->at);
	memcpy(out, s->text + s->at, *got);
	s->at += *got;
	return ERR_OK;
}

static void
text_close(struct dump_source *src)
{
	(void)src;
}

static const struct dump_source_ops text_ops = {
	.open = text_open,
	.read = text_read,
	.close = text_close,
};

/* Leaves out what begins with DROP, and connects elsewhere. */
static enum err_code
decide(void *arg, const struct sql_head *h, const char *note, struct buf *text, struct err *err)
{
	unsigned *calls = arg;
	++*calls;
	if (h == NULL && strncmp(note, "\\connect", 8) == 0) {
		text->len = 0;
		return buf_str(text, "\\connect elsewhere\n", err);
	}
	if (h != NULL && sql_is(h, 0, "DROP"))
		text->len = 0;
	if (h != NULL && sql_is(h, 0, "FAIL"))
		return err_set(err, ERR_UNSUPPORTED, "not that");
	return ERR_OK;
}

/* The code of what reading gave, whose words are in *why. */
static enum err_code
filter(struct buf *out, const char *text, size_t piece, enum sql_dialect dialect,
    unsigned *calls, struct err *why)
{
	struct err err;
	struct text_source src = { { &text_ops }, text, 0, piece };
	AUTO(sql_filter) struct sql_filter *f = NULL;
	*calls = 0;
	ok(sql_filter_new(&f, &src.base, dialect, decide, calls, &err));
	struct dump_source *s = sql_filter_source(f);
	ok(s->ops->open(s, "x", &err));
	for (;;) {
		char chunk[7];
		size_t got;
		if (s->ops->read(s, chunk, sizeof chunk, &got, why))
			return why->code;
		if (got == 0)
			break;
		ok(buf_add(out, chunk, got, &err));
	}
	s->ops->close(s);
	assert_non_null(buf_cstr(out));
	return ERR_OK;
}

static void
expect(const char *text, const char *wanted, enum sql_dialect dialect)
{
	static const size_t pieces[] = { 1, 5, 4096 };
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct err err;
		unsigned calls;
		AUTO(bufv) struct buf out = BUF_INIT;
		ok(filter(&out, text, pieces[i], dialect, &calls, &err));
		assert_true(calls > 0);
		assert_string_equal((const char *)out.data, wanted);
	}
}

static void
statements_go_with_their_comments_and_rows_stay(void **state)
{
	(void)state;
	expect("-- Name: a\n\nDROP TABLE a;\n\n-- Name: b\nCREATE TABLE b (\n\tx int\n);\n"
	       "COPY public.b (x) FROM stdin;\n1\nDROP TABLE c;\n\\connect there\n\\.\n\n"
	       "DROP\n TABLE c;\nSELECT 1;\n\\connect \"there\"\n-- end\n",
	    "\n-- Name: b\nCREATE TABLE b (\n\tx int\n);\n"
	    "COPY public.b (x) FROM stdin;\n1\nDROP TABLE c;\n\\connect there\n\\.\n"
	    "SELECT 1;\n\\connect elsewhere\n-- end\n",
	    SQL_POSTGRES);
}

static void
what_strings_and_bodies_say_is_no_statement(void **state)
{
	(void)state;
	static const char text[] =
	    "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $_$ SELECT '\n"
	    "DROP TABLE a;\n\\connect there\n' $_$;\n"
	    "COMMENT ON TABLE b IS 'x\nDROP TABLE a;\n''';\n"
	    "CREATE TABLE \"COPY x FROM stdin;\nDROP TABLE y;\n\" (a int);\n";
	expect(text, text, SQL_POSTGRES);
}

/* Found by statement, not by line. */
static void
copy_into_a_name_of_two_lines_is_one_statement(void **state)
{
	(void)state;
	static const char text[] = "COPY public.\"a\nb\" (x) FROM stdin;\n1\nDROP TABLE "
				   "c;\n\\.\n\nSELECT 1;\n";
	expect(text, text, SQL_POSTGRES);
}

static void
rows_of_insert_are_passed_on(void **state)
{
	(void)state;
	expect("DROP TABLE IF EXISTS `a`;\n/*!40101 SET x = 1 */;\nINSERT INTO `a` VALUES\n"
	       "(1,'DROP TABLE b;\\n'),\n(2,'\nDROP TABLE c;\n');\n-- Dump completed\n",
	    "/*!40101 SET x = 1 */;\nINSERT INTO `a` VALUES\n"
	    "(1,'DROP TABLE b;\\n'),\n(2,'\nDROP TABLE c;\n');\n-- Dump completed\n",
	    SQL_MYSQL);
}

static void
an_error_of_the_decision_ends_it(void **state)
{
	(void)state;
	struct err err;
	unsigned calls;
	AUTO(bufv) struct buf out = BUF_INIT;
	assert_int_equal(
	    filter(&out, "SELECT 1;\nFAIL;\nSELECT 2;\n", 4096, SQL_POSTGRES, &calls, &err),
	    ERR_UNSUPPORTED);
	assert_string_equal(err.msg, "not that");
	assert_int_equal(calls, 2);
}

static void
text_without_an_end_of_line_is_given_too(void **state)
{
	(void)state;
	expect("SELECT 1;\n-- end", "SELECT 1;\n-- end", SQL_POSTGRES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_go_with_their_comments_and_rows_stay),
		cmocka_unit_test(what_strings_and_bodies_say_is_no_statement),
		cmocka_unit_test(copy_into_a_name_of_two_lines_is_one_statement),
		cmocka_unit_test(rows_of_insert_are_passed_on),
		cmocka_unit_test(an_error_of_the_decision_ends_it),
		cmocka_unit_test(text_without_an_end_of_line_is_given_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

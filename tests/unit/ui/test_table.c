#include "testing.h"

#include "ui/table.h"

static void
expect_print(const struct table *t, unsigned indent, const char *want)
{
	struct err err = ERR_INIT;
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	assert_non_null(f);
	ok(table_print(t, f, indent, &err));
	fclose(f);
	assert_string_equal(text, want);
	free(text);
}

static const struct table_column columns[] = {
	{ "NAME", TABLE_LEFT },
	{ "SIZE", TABLE_RIGHT },
	{ "NOTE", TABLE_LEFT },
};

static void
columns_line_up_without_blanks_at_the_end(void **state)
{
	(void)state;
	AUTO(table) struct table t;
	table_init(&t, columns, 3);
	table_cell(&t, "a");
	table_cellf(&t, "%d", 12345);
	table_cell(&t, "first");
	table_cell(&t, "longer");
	table_cell(&t, "1");
	table_cell(&t, NULL);
	expect_print(&t, 2,
	    "  NAME     SIZE  NOTE\n"
	    "  a       12345  first\n"
	    "  longer      1\n");
}

static void
columns_without_titles_have_no_heading(void **state)
{
	(void)state;
	static const struct table_column bare[] = { { NULL, TABLE_LEFT },
		{ NULL, TABLE_LEFT } };
	AUTO(table) struct table t;
	table_init(&t, bare, 2);
	table_cell(&t, "x");
	table_cell(&t, "y");
	expect_print(&t, 0, "x  y\n");
}

static void
hostile_cells_are_escaped_and_wide_ones_measured(void **state)
{
	(void)state;
	AUTO(table) struct table t;
	table_init(&t, columns, 3);
	table_cell(&t, "\033c");
	table_cell(&t, "1");
	table_cell(&t, "n");
	table_cell(&t, "\xe6\x97\xa5");
	table_cell(&t, "2");
	table_cell(&t, "n");
	expect_print(&t, 0,
	    "NAME   SIZE  NOTE\n"
	    "\\x1bc     1  n\n"
	    "\xe6\x97\xa5        2  n\n");
}

static void
empty_table_prints_its_heading(void **state)
{
	(void)state;
	AUTO(table) struct table t;
	table_init(&t, columns, 3);
	expect_print(&t, 0, "NAME  SIZE  NOTE\n");
}

static void
only_columns_that_may_be_cut_are_and_the_widest_first(void **state)
{
	(void)state;
	static const struct table_column some[] = { { "ID", TABLE_LEFT },
		{ "SOURCE", TABLE_CUT }, { "TAGS", TABLE_CUT }, { "SIZE", TABLE_RIGHT } };
	AUTO(table) struct table t;
	table_init(&t, some, 4);
	table_cell(&t, "0123456789abcdef");
	table_cell(&t, "/a/rather/long/path");
	table_cell(&t, "nightly");
	table_cell(&t, "1");
	table_cell(&t, "x");
	/* Each of these takes two columns. */
	table_cell(&t, "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad"
		       "\x97\xe6\xbc\xa2");
	table_cell(&t, NULL);
	table_cell(&t, "22");
	t.max_width = 44;
	expect_print(&t, 0,
	    "ID                SOURCE       TAGS     SIZE\n"
	    "0123456789abcdef  /a/rather..  nightly     1\n"
	    "x                 \xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97..              "
	    "22\n");
	/* There is an end to it. */
	t.max_width = 1;
	expect_print(&t, 0,
	    "ID                SOURCE      TAGS     SIZE\n"
	    "0123456789abcdef  /a/rathe..  nightly     1\n"
	    "x                 \xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97..             "
	    "22\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_line_up_without_blanks_at_the_end),
		cmocka_unit_test(columns_without_titles_have_no_heading),
		cmocka_unit_test(hostile_cells_are_escaped_and_wide_ones_measured),
		cmocka_unit_test(empty_table_prints_its_heading),
		cmocka_unit_test(only_columns_that_may_be_cut_are_and_the_widest_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

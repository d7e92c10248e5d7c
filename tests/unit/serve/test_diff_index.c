#include "testing.h"

#include "serve/diff_index.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* STACKSNAP_TEST_ROWS=1000000: as many as a page must stay quick with. */
static uint64_t rows = 30000;
static char path[] = "/tmp/stacksnap-diff-XXXXXX";

static const char *
change_of(uint64_t i)
{
	static const char *const words[] = { "added", "removed", "changed" };
	return words[i % 7 == 0 ? 0 : i % 7 == 1 ? 1 : 2];
}

/* Rows of two tables, with what stands around them. */
static int
write_output(void **state)
{
	(void)state;
	const char *many = getenv("STACKSNAP_TEST_ROWS");
	if (many != NULL)
		rows = strtoull(many, NULL, 10);
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	FILE *f = fdopen(fd, "w");
	fputs("{\"type\":\"phase\",\"time_ns\":1,\"text\":\"comparing\"}\n"
	      "{\"type\":\"difference\",\"change\":\"added\",\"path\":\"volumes/v/"
	      "Readme\",\"kind\":"
	      "\"file\",\"fields\":[],\"bytes_now\":5}\n",
	    f);
	for (uint64_t i = 0; i < rows; i++) {
		if (i == rows / 2)
			fputs("{\"type\":\"table\",\"service\":\"db\",\"database\":\"shop\","
			      "\"table\":"
			      "\"a\\\",\\\"change\\\":\\\"\",\"state\":\"changed\",\"added\":3}"
			      "\n",
			    f);
		fprintf(f,
		    "{\"type\":\"row\",\"service\":\"db\",\"database\":\"shop\",\"table\":\"%"
		    "s\","
		    "\"change\":\"%s\",\"key\":{\"id\":\"%" PRIu64 "\"},\"after\":{\"name\":"
		    "\"Customer \\\"%" PRIu64
		    "\\\"\",\"note\":\"something that is long enough to be "
		    "a row of a shop\"}}\n",
		    i < rows / 2 ? "a\\\",\\\"change\\\":\\\"" : "b", change_of(i), i, i);
	}
	fputs("{\"type\":\"table\",\"service\":\"db\",\"database\":\"shop\",\"table\":\"b\","
	      "\"state\":"
	      "\"changed\",\"removed\":4}\n"
	      "{\"type\":\"result\",\"command\":\"diff\",\"differs\":true}\n",
	    f);
	fclose(f);
	return 0;
}

static int
remove_output(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

struct page {
	char *first; /* the key of its first row */
	size_t n;
};

static enum err_code
count(void *arg, json_t *line, bool is_cut, struct err *err)
{
	struct page *p = arg;
	assert_false(is_cut);
	if (p->n++ == 0)
		return str_dup(
		    &p->first, json_get_str(json_object_get(line, "key"), "id"), err);
	return ERR_OK;
}

static struct diff_index *
open_index(struct diff_cache *c)
{
	struct err err = ERR_INIT;
	struct diff_index *x;
	AUTO(json)
	json_t *document = json_pack("{s:[{s:s, s:s, s:s}, {s:s, s:s, s:s}]}", "members",
	    "kind", "volume", "name", "v", "path", "volumes/v", "kind", "database", "name",
	    "db", "path", "databases/db");
	struct diff_source source = { 1, path, "/tmp", document, NULL };
	ok(diff_cache_get(c, &source, NULL, &x, &err));
	return x;
}

/* The key of the first row of a page. */
static uint64_t
first_of(struct diff_index *x, const struct diff_query *q, uint64_t *total)
{
	struct err err = ERR_INIT;
	struct page p = { NULL, 0 };
	ok(diff_index_page(x, q, NULL, count, &p, total, &err));
	uint64_t key = p.first != NULL ? strtoull(p.first, NULL, 10) : UINT64_MAX;
	free(p.first);
	return key;
}

static void
lines_are_added_up_by_table_and_member(void **state)
{
	(void)state;
	AUTO(diff_cache) struct diff_cache *c = NULL;
	struct err err = ERR_INIT;
	ok(diff_cache_new(&c, &err));
	AUTO(diff_index) struct diff_index *x = open_index(c);
	assert_int_equal(x->n_groups, 2);
	assert_string_equal(x->groups[0].table, "a\",\"change\":\"");
	assert_int_equal(x->groups[0].count, rows / 2);
	assert_int_equal(x->groups[1].first, rows / 2);
	assert_int_equal(x->groups[1].count, rows - rows / 2);
	assert_int_equal(x->parts[0].changes[CHANGE_ADDED], 1);
	assert_int_equal(x->parts[0].bytes_added, 5);
	assert_int_equal(x->parts[1].tables, 2);
	assert_int_equal(x->parts[1].rows[CHANGE_REMOVED], 4);
	assert_true(json_get_bool(x->result, "differs"));
	AUTO(diff_index) struct diff_index *again = open_index(c);
	assert_ptr_equal(x, again);
}

static void
any_page_is_found_by_place_and_change(void **state)
{
	(void)state;
	AUTO(diff_cache) struct diff_cache *c = NULL;
	struct err err = ERR_INIT;
	uint64_t total;
	ok(diff_cache_new(&c, &err));
	AUTO(diff_index) struct diff_index *x = open_index(c);
	for (uint64_t skip = 0; skip < rows; skip += rows / 13 + 1) {
		struct diff_query q = { DIFF_LIST_ROWS, { 0, rows, ENTRY_ANY }, NULL, NULL,
			skip, 10 };
		assert_int_equal(first_of(x, &q, &total), skip);
		assert_int_equal(total, rows);
		/* Every seventh was added. */
		q.range.mask = 1U << CHANGE_ADDED;
		q.skip = skip / 7;
		assert_int_equal(first_of(x, &q, &total), skip / 7 * 7);
		assert_int_equal(total, (rows + 6) / 7);
		/* Of the second table alone. */
		q.range = (struct entry_range){ rows / 2, rows - rows / 2, ENTRY_ANY };
		q.skip = skip / 2;
		assert_int_equal(first_of(x, &q, &total), rows / 2 + skip / 2);
	}
	struct diff_query behind = { DIFF_LIST_ROWS, { 0, rows, ENTRY_ANY }, NULL, NULL, rows,
		10 };
	assert_int_equal(first_of(x, &behind, &total), UINT64_MAX);
}

static void
rows_are_found_by_their_values(void **state)
{
	(void)state;
	AUTO(diff_cache) struct diff_cache *c = NULL;
	struct err err = ERR_INIT;
	uint64_t total;
	ok(diff_cache_new(&c, &err));
	AUTO(diff_index) struct diff_index *x = open_index(c);
	struct diff_query q = { DIFF_LIST_ROWS, { 0, rows, ENTRY_ANY }, "cUSTOMER \"2999\"",
		NULL, 0, 10 };
	assert_int_equal(first_of(x, &q, &total), 2999);
	assert_int_equal(total, 1);
	q.text = "note"; /* a column's name */
	first_of(x, &q, &total);
	assert_int_equal(total, 0);
	q.text = "long enough";
	q.skip = rows - 1;
	assert_int_equal(first_of(x, &q, &total), rows - 1);
	assert_int_equal(total, rows);
}

static void
a_page_of_a_million_rows_comes_in_milliseconds(void **state)
{
	(void)state;
	AUTO(diff_cache) struct diff_cache *c = NULL;
	struct err err = ERR_INIT;
	uint64_t total;
	ok(diff_cache_new(&c, &err));
	int64_t began_ns = clock_mono_ns();
	AUTO(diff_index) struct diff_index *x = open_index(c);
	int64_t built_ns = clock_mono_ns();
	for (uint64_t i = 0; i < 20; i++) {
		struct diff_query q = { DIFF_LIST_ROWS, { 0, rows, 1U << CHANGE_CHANGED }, NULL,
			NULL, rows / 30 * i, 100 };
		first_of(x, &q, &total);
	}
	int64_t paged_ns = clock_mono_ns();
	print_message("%" PRIu64 " rows: index %.0f ms, a page %.2f ms\n", rows,
	    (double)(built_ns - began_ns) / 1e6, (double)(paged_ns - built_ns) / 20e6);
	assert_true(paged_ns - built_ns < 20 * 500 * NS_PER_MS);
}

/* Whatever byte it goes by, it finds what a plain search finds. */
static void
a_word_is_held_in_upper_and_lower_case(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *word;
		bool holds;
	} cases[] = {
		{ "", "", true },
		{ "a", "", true },
		{ "", "a", false },
		{ "Quiz", "quiz", true },
		{ "qQUIZ", "quiz", true },
		{ "QUI", "quiz", false },
		{ "zzzquizz", "quizz", true },
		{ "zzzzquiz", "quizz", false },
		{ "aaaaab", "aab", true },
		{ "ends with x", "x", true },
		{ "X begins", "x", true },
		{ "id 41,42", "41,4", true },
		{ "id 41;42", "41,4", false },
		{ "gr\xc3\xbc\xc3\x9f", "\xc3\xbc", true },
		{ "ZzZ", "zzz", true },
		{ "@[`{", "`{", true },
		{ "@[", "`{", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].text);
		char *text = malloc(len); /* an end that ASan sees */
		assert_true(text != NULL || len == 0);
		memcpy(text, cases[i].text, len);
		assert_int_equal(diff_holds(text, len, cases[i].word, strlen(cases[i].word)),
		    cases[i].holds);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_added_up_by_table_and_member),
		cmocka_unit_test(any_page_is_found_by_place_and_change),
		cmocka_unit_test(rows_are_found_by_their_values),
		cmocka_unit_test(a_word_is_held_in_upper_and_lower_case),
		cmocka_unit_test(a_page_of_a_million_rows_comes_in_milliseconds),
	};
	return cmocka_run_group_tests(tests, write_output, remove_output);
}

#include "testing.h"

#include "base/bytes.h"
#include "base/strv.h"
#include "db/row.h"
#include "recorded_dump.h"

#define FIELDS 64

/* Each row's fields as text, parted by "|", null as <null>; a row a line. */
static enum err_code
read_rows(struct row_reader *r, struct buf *out, struct err *err)
{
	for (;;) {
		struct field fields[FIELDS];
		struct row row;
		size_t n;
		bool got;
		if (row_next(r, &row, &got, err))
			return err->code;
		if (!got)
			return ERR_OK;
		if (row_split(r->format, &row, fields, FIELDS, &n, err))
			return err->code;
		for (size_t i = 0; i < n && i < FIELDS; i++) {
			if ((i > 0 && buf_str(out, "|", err)) ||
			    (fields[i].is_null && buf_str(out, "<null>", err)) ||
			    row_text(r->format, &fields[i], out, err))
				return err->code;
		}
		if (buf_str(out, "\n", err))
			return err->code;
	}
}

static void
has_rows(enum row_format format, const char *data, size_t len, const char *want)
{
	struct err err = ERR_INIT;
	struct row_reader r;
	AUTO(bufv) struct buf got = BUF_INIT;
	row_reader_init(&r, format, data, len);
	ok(read_rows(&r, &got, &err));
	assert_string_equal(buf_cstr(&got), want);
}

static void
has_no_rows(enum row_format format, const char *data, const char *why)
{
	struct err err = ERR_INIT;
	struct row_reader r;
	AUTO(bufv) struct buf got = BUF_INIT;
	row_reader_init(&r, format, data, strlen(data));
	refused(read_rows(&r, &got, &err), ERR_CORRUPT, why);
}

/* The text of the only field of this row. */
static void
only_field(enum row_format format, const struct buf *data, struct buf *out)
{
	struct err err = ERR_INIT;
	struct row_reader r;
	struct row row;
	struct field field;
	size_t n;
	bool got;
	row_reader_init(&r, format, data->data, data->len);
	r.begins_at_row = true;
	ok(row_next(&r, &row, &got, &err));
	assert_true(got);
	ok(row_split(format, &row, &field, 1, &n, &err));
	assert_int_equal(n, 1);
	assert_false(field.is_null);
	ok(row_text(format, &field, out, &err));
	ok(row_next(&r, &row, &got, &err));
	assert_false(got);
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void
random_value(struct buf *out, uint32_t *seed, bool has_nul)
{
	static const char hard[] = "\\\\''\"`\t\n\r\b\f\v\x1a%_,;()N017xX.";
	struct err err = ERR_INIT;
	size_t len = next_random(seed) % 40;
	out->len = 0;
	for (size_t i = 0; i < len; i++) {
		uint32_t c = next_random(seed);
		uint8_t byte = c % 3 == 0 ? (uint8_t)(c >> 8)
					  : (uint8_t)hard[(c >> 8) % (sizeof hard - 1)];
		ok(buf_u8(out, byte != 0 || has_nul ? byte : 1, &err));
	}
}

/* --- COPY --- */

static void
copy_gives_fields_without_escapes(void **state)
{
	static const char rows[] = "1\ta b\t\\N\n"
				   "\\\\N\t\t\\n\\t\\\\x\\b\\f\\r\\v\n"
				   "\\101\\7z\\x41\\x4g\\xyz\\q\t\\x\t\\377\n"
				   "\n";
	(void)state;
	has_rows(ROW_COPY, rows, sizeof rows - 1,
	    "1|a b|<null>\n\\N||\n\t\\x\b\f\r\v\nA\azA\x04gxyzq|x|\xff\n\n");
}

static void
copy_passes_over_head_and_tail(void **state)
{
	static const char table[] =
	    "COPY public.\"a;\nb\" (id, \"x FROM stdin;\n\") FROM stdin;\n1\t2\n\\.\n\n\n";
	(void)state;
	has_rows(ROW_COPY, table, sizeof table - 1, "1|2\n");
	assert_int_equal(row_head(ROW_COPY, table, sizeof table - 1),
	    strlen(table) - strlen("1\t2\n\\.\n\n\n"));
	for (size_t len = 0; len < row_head(ROW_COPY, table, sizeof table - 1); len++)
		assert_int_equal(row_head(ROW_COPY, table, len), 0);
	static const char two[] =
	    "COPY a (x) FROM stdin;\n\\.\n\n\nCOPY b (y) FROM stdin;\n7\n\\.\n";
	has_rows(ROW_COPY, two, sizeof two - 1, "7\n");
	has_rows(ROW_COPY, "", 0, "");
	has_rows(ROW_COPY, "\\.\n", 3, "");
}

static void
copy_row_that_looks_like_a_head_is_a_row_where_no_head_can_stand(void **state)
{
	static const char line[] = "COPY public.t (a) FROM stdin;\n";
	(void)state;
	struct err err = ERR_INIT;
	struct row_reader r;
	struct row row;
	bool got;
	row_reader_init(&r, ROW_COPY, line, sizeof line - 1);
	ok(row_next(&r, &row, &got, &err));
	assert_false(got);
	row_reader_init(&r, ROW_COPY, line, sizeof line - 1);
	r.begins_at_row = true;
	ok(row_next(&r, &row, &got, &err));
	assert_true(got);
	has_rows(ROW_COPY, "x\nCOPY public.t (a) FROM stdin;\n", 32,
	    "x\nCOPY public.t (a) FROM stdin;\n");
	has_rows(ROW_COPY, "COPY that\nCOPY a\tb FROM stdin;\n", 31,
	    "COPY that\nCOPY a|b FROM stdin;\n");
}

static void
copy_that_does_not_end_well_is_refused(void **state)
{
	(void)state;
	has_no_rows(ROW_COPY, "1\t2\n3\t4", "a line of COPY does not end");
	has_no_rows(ROW_COPY, "1\\\n", "a field of COPY ends with half of an escape");
	has_no_rows(ROW_COPY, "1\n\\.\nDROP TABLE x;\n",
	    "a table's rows have ended, but something stands behind them");
}

static void
more_fields_than_asked_for_are_counted(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	static const struct {
		enum row_format format;
		const char *text;
	} cases[] = { { ROW_COPY, "a\tb\tc" }, { ROW_INSERT, "('a','b','c')" } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct row row = { (const uint8_t *)cases[i].text, strlen(cases[i].text) };
		struct field fields[2];
		size_t n;
		ok(row_split(cases[i].format, &row, fields, 2, &n, &err));
		assert_int_equal(n, 3);
		ok(row_split(cases[i].format, &row, NULL, 0, &n, &err));
		assert_int_equal(n, 3);
	}
}

/* As PostgreSQL's CopyAttributeOutText. */
static void
escape_copy(const struct buf *value, struct buf *out)
{
	struct err err = ERR_INIT;
	static const char from[] = "\b\f\n\r\t\v\\";
	static const char to[] = "bfnrtv\\";
	out->len = 0;
	for (size_t i = 0; i < value->len; i++) {
		const char *at = memchr(from, value->data[i], sizeof from - 1);
		if (at != NULL)
			ok(buf_printf(out, &err, "\\%c", to[at - from]));
		else
			ok(buf_u8(out, value->data[i], &err));
	}
	ok(buf_u8(out, '\n', &err));
}

static void
whatever_copy_escapes_comes_back(void **state)
{
	(void)state;
	AUTO(bufv) struct buf value = BUF_INIT;
	AUTO(bufv) struct buf line = BUF_INIT;
	AUTO(bufv) struct buf back = BUF_INIT;
	uint32_t seed = 1;
	for (int i = 0; i < 20000; i++) {
		random_value(&value, &seed, false);
		escape_copy(&value, &line);
		back.len = 0;
		only_field(ROW_COPY, &line, &back);
		assert_int_equal(back.len, value.len);
		assert_true(value.len == 0 || memcmp(back.data, value.data, value.len) == 0);
	}
}

/* --- INSERT --- */

static void
insert_gives_values_of_every_kind(void **state)
{
	static const char rows[] =
	    "INSERT INTO `t` VALUES\n"
	    "(1,'it\\'s',NULL,_binary 'x',X'0F41',0x4142,b'01000001',-1.5e10,'a''b'),\n"
	    "('(',\")\",'\\\\',_utf8mb4'\xc3\xb6',null,0x142,B'101000001','','NULL');\n";
	(void)state;
	has_rows(ROW_INSERT, rows, sizeof rows - 1,
	    "1|it's|<null>|x|\x0f"
	    "A|AB|A|-1.5e10|a'b\n"
	    "(|)|\\|\xc3\xb6|<null>|\x01"
	    "B|\x01"
	    "A||NULL\n");
}

static void
insert_strings_have_the_escapes_of_the_manual(void **state)
{
	static const char row[] =
	    "('\\'\\\"\\b\\n\\r\\t\\Z\\\\\\%\\_\\q','a' 'b',\"say \"\"x\"\"\","
	    "N'n',_latin1 X'41',DEFAULT,X'',x'4a')";
	(void)state;
	has_rows(ROW_INSERT, row, sizeof row - 1,
	    "'\"\b\n\r\t\x1a\\\\%\\_q|ab|say \"x\"|n|A|DEFAULT||J\n");
}

static void
insert_passes_over_words_between_tuples(void **state)
{
	static const char text[] =
	    "-- it's a comment (1)\n"
	    "LOCK TABLES `t` WRITE;\n"
	    "/*!40000 ALTER TABLE `t` DISABLE KEYS */;\n"
	    "# (2)\n/* (3) ' */\n"
	    "INSERT IGNORE INTO `db`.`VALUES` (`a`, `VALUES (9)`) VALUES (1,'x'),(2,'\n;y');\n"
	    "REPLACE INTO `t` VALUES(3,'z');"
	    "insert  into t(a) values\n(4)\n,\n(5);\n"
	    "SET @x = 'INSERT INTO t VALUES (6)';\n"
	    "/*!50001 INSERT INTO t VALUES (7) */;\n"
	    "/*M!100200 INSERT INTO t VALUES (8) */;\n"
	    "/*!40000 ALTER TABLE `t` ENABLE KEYS */;\nUNLOCK TABLES;\ncommit;\n";
	(void)state;
	has_rows(ROW_INSERT, text, sizeof text - 1, "1|x\n2|\n;y\n3|z\n4\n5\n7\n8\n");
}

static void
insert_names_have_no_escapes(void **state)
{
	static const char text[] = "INSERT INTO `t\\` (`a``\\`) VALUES (1);\n";
	(void)state;
	has_rows(ROW_INSERT, text, sizeof text - 1, "1\n");
}

static void
insert_may_begin_between_any_two_tuples(void **state)
{
	static const char *const parts[] = { "INSERT INTO `t` VALUES\n", "(1,'a')", ",\n",
		"(2,'b')", ";\n", "INSERT INTO `t` VALUES\n", "(3,'c')", ";\n" };
	(void)state;
	for (size_t from = 0; from < ARRAY_LEN(parts); from++) {
		struct err err = ERR_INIT;
		AUTO(bufv) struct buf text = BUF_INIT;
		AUTO(bufv) struct buf want = BUF_INIT;
		for (size_t i = from; i < ARRAY_LEN(parts); i++) {
			ok(buf_str(&text, parts[i], &err));
			if (parts[i][0] == '(')
				ok(buf_printf(
				    &want, &err, "%c|%c\n", parts[i][1], parts[i][4]));
		}
		ok(buf_str(&want, "", &err));
		has_rows(ROW_INSERT, (const char *)text.data, text.len, buf_cstr(&want));
	}
}

static void
insert_head_ends_behind_values(void **state)
{
	static const char text[] = "INSERT INTO `t` (`a`,`VALUES`) VALUES (1),(2);\n";
	(void)state;
	assert_int_equal(row_head(ROW_INSERT, text, sizeof text - 1), strcspn(text, "1") - 1);
	assert_int_equal(row_head(ROW_INSERT, text, 20), 0);
	assert_int_equal(row_head(ROW_INSERT, "(1),(2)", 7), 0);
	assert_int_equal(row_head(ROW_INSERT, "LOCK TABLES t; INSERT", 21), 0);
}

static void
insert_cut_within_a_tuple_is_refused(void **state)
{
	static const char row[] = "(1,'a\\'b''c',\"d\",(2),X'00')";
	(void)state;
	for (size_t len = 1; len < sizeof row - 1; len++) {
		struct err err = ERR_INIT;
		struct row_reader r;
		struct row got_row;
		bool got;
		row_reader_init(&r, ROW_INSERT, row, len);
		refused(row_next(&r, &got_row, &got, &err), ERR_CORRUPT,
		    "a row of INSERT does not end");
	}
	has_no_rows(
	    ROW_INSERT, "INSERT INTO t", "a statement between the rows of INSERT does not end");
	has_no_rows(ROW_INSERT, "(X'0G')", "a row of INSERT is not as it should be");
	has_no_rows(ROW_INSERT, "(b'012')", "a row of INSERT is not as it should be");
	has_no_rows(ROW_INSERT, "('a' b)", "a row of INSERT is not as it should be");
}

/* As mysql_real_escape_string, or with quotes doubled. */
static void
escape_insert(const struct buf *value, bool doubled, struct buf *out)
{
	struct err err = ERR_INIT;
	static const char from[] = "\0\n\r\\'\"\x1a";
	static const char to[] = "0nr\\'\"Z";
	out->len = 0;
	ok(buf_str(out, "('", &err));
	for (size_t i = 0; i < value->len; i++) {
		uint8_t c = value->data[i];
		const char *at = memchr(from, c, sizeof from - 1);
		if (doubled && c == '\'')
			ok(buf_str(out, "''", &err));
		else if (at != NULL && !(doubled && c != '\\'))
			ok(buf_printf(out, &err, "\\%c", to[at - from]));
		else
			ok(buf_u8(out, c, &err));
	}
	ok(buf_str(out, "')", &err));
}

static void
whatever_insert_escapes_comes_back(void **state)
{
	(void)state;
	AUTO(bufv) struct buf value = BUF_INIT;
	AUTO(bufv) struct buf tuple = BUF_INIT;
	AUTO(bufv) struct buf back = BUF_INIT;
	uint32_t seed = 2;
	for (int i = 0; i < 20000; i++) {
		random_value(&value, &seed, true);
		escape_insert(&value, i % 2 == 0, &tuple);
		back.len = 0;
		only_field(ROW_INSERT, &tuple, &back);
		assert_int_equal(back.len, value.len);
		assert_true(value.len == 0 || memcmp(back.data, value.data, value.len) == 0);
	}
}

/* --- recorded dumps --- */

static void
recorded_rows_are_as_many_as_the_census_counts(void **state)
{
	static const char *const files[] = { "mariadb-10.11.sql", "mariadb-11.8.sql" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct err err = ERR_INIT;
		AUTO(bufv) struct buf dump = BUF_INIT;
		AUTO(census) struct census *c = NULL;
		recorded_read(&dump, files[i]);
		ok(census_new(&c, CENSUS_MYSQL, &err));
		ok(census_feed(c, dump.data, dump.len, &err));
		ok(census_finish(c, &err));
		uint64_t want = 0;
		for (size_t k = 0; k < census_count(c); k++)
			if (census_item(c, k)->what == CENSUS_ROWS)
				want += census_item(c, k)->count;
		/* From the first INSERT up to the end of the last one's rows. */
		uint64_t count = 0;
		const char *p = buf_cstr(&dump);
		while ((p = strstr(p, "\nINSERT INTO")) != NULL) {
			struct row_reader r;
			struct row row;
			bool got;
			const char *end = strstr(p, ";\n/*!40000 ALTER TABLE");
			row_reader_init(&r, ROW_INSERT, p, (size_t)(end - p));
			for (;;) {
				ok(row_next(&r, &row, &got, &err));
				if (!got)
					break;
				count++;
			}
			p = end;
		}
		assert_true(want >= 10);
		assert_int_equal(count, want);
	}
}

static void
canonical_row_of_text_is_the_row(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	struct row row = { (const uint8_t *)"a\tb", 3 };
	ok(row_canonical(ROW_COPY, &row, &out, &err));
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "a\tb", 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_gives_fields_without_escapes),
		cmocka_unit_test(copy_passes_over_head_and_tail),
		cmocka_unit_test(
		    copy_row_that_looks_like_a_head_is_a_row_where_no_head_can_stand),
		cmocka_unit_test(copy_that_does_not_end_well_is_refused),
		cmocka_unit_test(more_fields_than_asked_for_are_counted),
		cmocka_unit_test(whatever_copy_escapes_comes_back),
		cmocka_unit_test(insert_gives_values_of_every_kind),
		cmocka_unit_test(insert_strings_have_the_escapes_of_the_manual),
		cmocka_unit_test(insert_passes_over_words_between_tuples),
		cmocka_unit_test(insert_names_have_no_escapes),
		cmocka_unit_test(insert_may_begin_between_any_two_tuples),
		cmocka_unit_test(insert_head_ends_behind_values),
		cmocka_unit_test(insert_cut_within_a_tuple_is_refused),
		cmocka_unit_test(whatever_insert_escapes_comes_back),
		cmocka_unit_test(recorded_rows_are_as_many_as_the_census_counts),
		cmocka_unit_test(canonical_row_of_text_is_the_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Dumps cut into files at their tables, and rows counted where they end. */
#include "testing.h"

#include "base/strv.h"
#include "db/dataset.h"
#include "recorded_dump.h"

#include <stdio.h>
#include <stdlib.h>

/* --- what comes out --- */

#define PARTS_MAX 64

struct part {
	char *name;
	char *table;
	struct buf bytes;
	struct buf marks; /* "|3|7": where rows end; "[3]": a border */
	size_t rows;
	size_t last_end;
};

struct cutting {
	struct part parts[PARTS_MAX];
	size_t count;
};

static enum err_code
on_part(void *arg, const struct dataset_part *part, struct err *err)
{
	struct cutting *c = arg;
	assert_true(c->count < PARTS_MAX);
	struct part *p = &c->parts[c->count++];
	*p = (struct part){ .bytes = BUF_INIT, .marks = BUF_INIT };
	if (part->table != NULL)
		assert_int_equal(str_dup(&p->table, part->table, err), ERR_OK);
	return str_dup(&p->name, part->name, err);
}

static enum err_code
on_bytes(void *arg, const void *data, size_t len, struct err *err)
{
	struct cutting *c = arg;
	assert_true(c->count > 0 && len > 0);
	return buf_add(&c->parts[c->count - 1].bytes, data, len, err);
}

static enum err_code
on_rows(void *arg, const void *data, size_t len, const uint32_t *ends, size_t count,
    struct err *err)
{
	struct cutting *c = arg;
	struct part *p = &c->parts[c->count - 1];
	size_t last = 0;
	assert_non_null(p->table);
	for (size_t i = 0; i < count; i++) {
		assert_true(ends[i] > last && ends[i] <= len);
		last = ends[i];
		p->last_end = p->bytes.len + last;
		if (buf_printf(&p->marks, err, "|%zu", p->last_end))
			return err->code;
	}
	p->rows += count;
	return on_bytes(arg, data, len, err);
}

static enum err_code
on_border(void *arg, struct err *err)
{
	struct cutting *c = arg;
	struct part *p = &c->parts[c->count - 1];
	return buf_printf(&p->marks, err, "[%zu]", p->bytes.len);
}

static const struct dataset_ops ops = { on_part, on_bytes, on_rows, on_border };

static void
cutting_release(struct cutting *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->parts[i].name);
		free(c->parts[i].table);
		buf_release(&c->parts[i].bytes);
		buf_release(&c->parts[i].marks);
	}
	free(c);
}

/* Cut a dump that comes in portions: the first is of `first` bytes, the others of `portion`. */
static struct cutting *
cut(enum census_dump kind, const void *data, size_t len, size_t first, size_t portion)
{
	struct err err;
	AUTO(census) struct census *census = NULL;
	AUTO(dataset) struct dataset *d = NULL;
	struct cutting *c = calloc(1, sizeof *c);
	assert_non_null(c);
	ok(census_new(&census, kind, &err));
	ok(dataset_new(&d, census, &ops, c, &err));
	for (size_t at = 0; at < len;) {
		size_t n = min_size(at == 0 && first > 0 ? first : portion, len - at);
		/* Memory of its own, so that the sanitizer sees who looks beyond it. */
		uint8_t *piece = malloc(n);
		assert_non_null(piece);
		memcpy(piece, (const uint8_t *)data + at, n);
		ok(dataset_feed(d, piece, n, &err));
		free(piece);
		at += n;
	}
	ok(dataset_finish(d, &err));
	ok(census_finish(census, &err));
	/* All is there, and each table has its rows. */
	size_t at = 0;
	for (size_t i = 0; i < c->count; i++) {
		const struct part *p = &c->parts[i];
		assert_true(p->bytes.len <= len - at);
		if (p->bytes.len > 0)
			assert_memory_equal(
			    p->bytes.data, (const uint8_t *)data + at, p->bytes.len);
		at += p->bytes.len;
	}
	assert_int_equal(at, len);
	for (size_t i = 0; census_is_known(census) && i < census_count(census); i++) {
		const struct census_item *item = census_item(census, i);
		size_t rows = 0;
		for (size_t k = 0; k < c->count; k++)
			if (c->parts[k].table != NULL &&
			    strcmp(c->parts[k].table, item->name) == 0)
				rows += c->parts[k].rows;
		if (item->what == CENSUS_ROWS)
			assert_int_equal(rows, item->count);
	}
	return c;
}

static void
same_cutting(const struct cutting *a, const struct cutting *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_string_equal(a->parts[i].name, b->parts[i].name);
		assert_int_equal(a->parts[i].bytes.len, b->parts[i].bytes.len);
		assert_int_equal(a->parts[i].marks.len, b->parts[i].marks.len);
		if (a->parts[i].marks.len > 0)
			assert_memory_equal(a->parts[i].marks.data, b->parts[i].marks.data,
			    a->parts[i].marks.len);
	}
}

static void
part_is(struct cutting *c, size_t i, const char *name, const char *bytes, const char *marks)
{
	assert_true(i < c->count);
	struct part *p = &c->parts[i];
	assert_string_equal(p->name, name);
	assert_string_equal(buf_cstr(&p->bytes), bytes);
	assert_string_equal(buf_cstr(&p->marks), marks);
}

/* However it comes, the parts are the same. */
static void
cut_everywhere(enum census_dump kind, const void *data, size_t len)
{
	struct cutting *whole = cut(kind, data, len, 0, SIZE_MAX);
	for (size_t first = 1; first < len; first++) {
		struct cutting *c = cut(kind, data, len, first, SIZE_MAX);
		same_cutting(whole, c);
		cutting_release(c);
	}
	for (size_t portion = 1; portion < 8; portion++) {
		struct cutting *c = cut(kind, data, len, 0, portion);
		same_cutting(whole, c);
		cutting_release(c);
	}
	cutting_release(whole);
}

/* --- PostgreSQL --- */

static const char copy_dump[] = "--\n-- PostgreSQL database dump\n--\n"
				"CREATE TABLE public.a (id int);\n\n"
				"COPY public.a (id) FROM stdin;\n"
				"1\n\\\\.\n\\.x\n\n23\n"
				"\\.\n"
				"\n\n--\n-- Data\n--\n"
				"COPY public.\"b c\" FROM stdin;\n"
				"\\.\n"
				"COPY public.c (\"x;\ny\") FROM stdin;\n"
				"only\n"
				"\\.\n"
				"SELECT 'COPY public.no (id) FROM stdin;\n1\n';\n"
				"/* COPY public.no FROM stdin;\n1\n\\.\n */\n"
				"COPY public.out TO stdout;\n"
				"SELECT $$COPY public.no FROM stdin;\n$$;\n";

static void
lines_behind_copy_are_rows(void **state)
{
	(void)state;
	struct cutting *c = cut(CENSUS_POSTGRES, copy_dump, sizeof copy_dump - 1, 0, SIZE_MAX);
	assert_int_equal(c->count, 6);
	part_is(c, 0, "000000.sql",
	    "--\n-- PostgreSQL database dump\n--\nCREATE TABLE public.a (id int);\n\n", "");
	part_is(c, 1, "000001.public.a.rows",
	    "COPY public.a (id) FROM stdin;\n1\n\\\\.\n\\.x\n\n23\n\\.\n",
	    "[31]|33|37|41|42|45[45]");
	part_is(c, 2, "000002.sql", "\n\n--\n-- Data\n--\n", "");
	part_is(c, 3, "000003.public.%22b%20c%22.rows",
	    "COPY public.\"b c\" FROM stdin;\n\\.\n", "[30][30]");
	assert_string_equal(c->parts[3].table, "public.\"b c\"");
	part_is(c, 4, "000004.public.c.rows",
	    "COPY public.c (\"x;\ny\") FROM stdin;\nonly\n\\.\n", "[35]|40[40]");
	assert_string_equal(c->parts[5].name, "000005.sql");
	cutting_release(c);
	cut_everywhere(CENSUS_POSTGRES, copy_dump, sizeof copy_dump - 1);
}

/* --- MariaDB and MySQL --- */

static const char insert_dump[] =
    "-- MariaDB dump\nUSE `shop`;\n"
    "CREATE TABLE `a` (id int);\n"
    "LOCK TABLES `a` WRITE;\n"
    "/*!40000 ALTER TABLE `a` DISABLE KEYS */;\n"
    "INSERT INTO `a` VALUES (1,'x'),(2,'(\\'),(');\n"
    "INSERT INTO `a` VALUES\n(3,''),\n(4,'it''s;')\n;\n"
    "/*!40000 ALTER TABLE `a` ENABLE KEYS */;\n"
    "UNLOCK TABLES;\n"
    "REPLACE INTO `b` (`x;y`, `VALUES`) VALUES (5 , \"),(\");INSERT INTO `c` VALUES (6);"
    "INSERT INTO `c` VALUES (7);\n\n\n"
    "-- of another\n"
    "INSERT INTO `c` VALUES (8);\n"
    "INSERT INTO `d` SELECT * FROM `a`;\n"
    "DELIMITER ;;\n"
    "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN INSERT INTO `e` VALUES (1); END "
    ";;\n"
    "DELIMITER ;\n"
    "INSERT INTO `g` VALUES (10)";

static void
tuples_behind_insert_are_rows(void **state)
{
	(void)state;
	AUTO(bufv) struct buf dump = BUF_INIT;
	struct err err;
	ok(buf_add(&dump, insert_dump, sizeof insert_dump - 1, &err));
	ok(buf_str(&dump, ";\n", &err));
	struct cutting *c = cut(CENSUS_MYSQL, dump.data, dump.len, 0, SIZE_MAX);
	assert_int_equal(c->count, 7);
	part_is(c, 1, "000001.shop.a.rows",
	    "INSERT INTO `a` VALUES (1,'x'),(2,'(\\'),(');\n"
	    "INSERT INTO `a` VALUES\n(3,''),\n(4,'it''s;')\n;\n",
	    "|31|45|76|91");
	assert_string_equal(c->parts[2].name, "000002.sql");
	part_is(c, 3, "000003.shop.b.rows",
	    "REPLACE INTO `b` (`x;y`, `VALUES`) VALUES (5 , \"),(\");", "|54");
	part_is(c, 4, "000004.shop.c.rows",
	    "INSERT INTO `c` VALUES (6);INSERT INTO `c` VALUES (7);\n\n\n-- of another\n"
	    "INSERT INTO `c` VALUES (8);\n",
	    "|27|55|99");
	assert_string_equal(c->parts[5].name, "000005.sql");
	part_is(c, 6, "000006.shop.g.rows", "INSERT INTO `g` VALUES (10);\n", "|29");
	cutting_release(c);
	cut_everywhere(CENSUS_MYSQL, dump.data, dump.len);
}

/* --- RDB --- */

static void
keys_are_rows(void **state)
{
	(void)state;
	static const uint8_t rdb[] = "REDIS0011"
				     "\xfa\x03ver\x03"
				     "7.2"
				     "\xfe\x00\xfb\x03\x01" /* database 0, of 3 keys */
				     "\x00\x01"
				     "a\x01"
				     "1"
				     "\xfc\x01\x02\x03\x04\x05\x06\x07\x08\xf8\x09\x00\x01"
				     "b\x01"
				     "2"
				     "\xf4\x01\x02\x03\x02\x01"
				     "c\x02\x01x\x01y"
				     "\xfe\x07" /* database 7 */
				     "\xf9\x05\x00\x01"
				     "d\x01"
				     "3"
				     "\xff\x00\x00\x00\x00\x00\x00\x00\x00";
	struct cutting *c = cut(CENSUS_RDB, rdb, sizeof rdb - 1, 0, SIZE_MAX);
	assert_int_equal(c->count, 5);
	assert_string_equal(c->parts[0].name, "000000.rdb");
	assert_int_equal(c->parts[0].bytes.len, 9 + 9 + 5);
	assert_string_equal(c->parts[1].name, "000001.db0.rows");
	assert_string_equal(buf_cstr(&c->parts[1].marks), "|5|21|33");
	assert_string_equal(c->parts[2].name, "000002.rdb");
	assert_int_equal(c->parts[2].bytes.len, 2);
	assert_string_equal(c->parts[3].name, "000003.db7.rows");
	assert_string_equal(buf_cstr(&c->parts[3].marks), "|7");
	assert_string_equal(c->parts[4].name, "000004.rdb");
	cutting_release(c);
	cut_everywhere(CENSUS_RDB, rdb, sizeof rdb - 1);
}

static void
what_is_not_understood_is_one_part(void **state)
{
	(void)state;
	/* A type that nobody knows, behind a key and opcodes that would be of the next. */
	static const uint8_t rdb[] = "REDIS0011\xfe\x00\x00\x01"
				     "a\x01"
				     "1"
				     "\xfd\x01\x02\x03\x04\x63\x01"
				     "b what comes\xff";
	struct cutting *c = cut(CENSUS_RDB, rdb, sizeof rdb - 1, 0, SIZE_MAX);
	assert_int_equal(c->count, 3);
	assert_string_equal(c->parts[1].name, "000001.db0.rows");
	assert_int_equal(c->parts[1].bytes.len, 5);
	assert_int_equal(c->parts[1].rows, 1);
	assert_string_equal(c->parts[2].name, "000002.unknown");
	assert_true(dataset_part_is_unknown(c->parts[2].name));
	cutting_release(c);
}

/* --- recorded dumps --- */

static void
recorded_dumps_come_out_whole(void **state)
{
	(void)state;
	static const size_t portions[] = { 1, 13, 4096 };
	for (size_t i = 0; i < ARRAY_LEN(recorded_dumps); i++) {
		AUTO(bufv) struct buf dump = BUF_INIT;
		const struct recorded *r = &recorded_dumps[i];
		recorded_read(&dump, r->file);
		struct cutting *whole = cut(r->kind, dump.data, dump.len, 0, SIZE_MAX);
		size_t tables = 0;
		for (size_t k = 0; k < whole->count; k++)
			tables += whole->parts[k].table != NULL;
		assert_true(tables > 0);
		for (size_t k = 0; k < ARRAY_LEN(portions); k++) {
			struct cutting *c = cut(r->kind, dump.data, dump.len, 0, portions[k]);
			same_cutting(whole, c);
			cutting_release(c);
		}
		cutting_release(whole);
	}
}

/* --- names --- */

static void
names_of_parts_are_safe_and_come_back(void **state)
{
	(void)state;
	static const struct {
		const char *table;
		const char *name;
	} cases[] = {
		{ "public.orders", "000007.public.orders.rows" },
		{ "a/b\n\"c\"", "000007.a%2Fb%0A%22c%22.rows" },
		{ "..", "000007.%2E..rows" },
		{ "", "000007..rows" },
		{ "x.rows", "000007.x.rows.rows" },
		{ "\xc3\xa4~", "000007.%C3%A4%7E.rows" },
	};
	struct err err;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(str) char *name = NULL;
		AUTO(str) char *table = NULL;
		ok(dataset_part_name(&name, 7, cases[i].table, "sql", &err));
		assert_string_equal(name, cases[i].name);
		ok(dataset_part_table(&table, name, &err));
		assert_string_equal(table, cases[i].table);
	}
	AUTO(str) char *other = NULL;
	char *none = other;
	ok(dataset_part_name(&other, 999999, NULL, "sql", &err));
	assert_string_equal(other, "999999.sql");
	ok(dataset_part_table(&none, other, &err));
	assert_null(none);
	assert_string_equal(dataset_part_rest(other), "sql");
	refused(dataset_part_table(&none, "12.sql", &err), ERR_CORRUPT,
	    "12.sql: no part of a dump is called so");
	assert_null(dataset_part_rest("orders.rows"));
	/* Very long ones are cut, and still differ. */
	char one[1001];
	char two[1001];
	memset(one, '/', 1000);
	one[1000] = '\0';
	memcpy(two, one, sizeof one);
	two[999] = 'x';
	AUTO(str) char *first = NULL;
	AUTO(str) char *second = NULL;
	ok(dataset_part_name(&first, 1, one, "sql", &err));
	ok(dataset_part_name(&second, 1, two, "sql", &err));
	assert_string_not_equal(first, second);
	assert_in_range(strlen(first), 100, 180);
	assert_memory_equal(first + 7 + 126, "~", 1);
}

/* --- dumps that are made up --- */

static uint64_t seed = 11;

static size_t
below(size_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)(seed >> 33) % n;
}

static void
add(struct buf *b, const char *text)
{
	struct err err;
	ok(buf_str(b, text, &err));
}

/* Pieces of dumps in any order: each is whole, so that the dump is. */
static void
made_up_dumps_come_out_whole(void **state)
{
	(void)state;
	static const char *const pg[] = { "COPY a FROM stdin;\n1\n2\n\\.\n",
		"COPY public.b (x) FROM stdin;\n\\.\n", "\n", "-- COPY a FROM stdin;\n",
		"SELECT 'it''s; COPY a FROM stdin;\n';\n", "SELECT $x$;\n\\.\n$x$;\n",
		"COPY a FROM stdin;\n\\N\t\\\\.\n\\.x\n\\..\n\\.\n", "\\connect x\n",
		"/* /* */ COPY */ COPY /*;*/ c FROM stdin;\n;\n\\.\n", ";;\n" };
	static const char *const my[] = { "INSERT INTO `a` VALUES (1),(2);\n",
		"INSERT INTO `b` VALUES\n(')(',\"');\"),\n((3),4);\n", "\n", "-- INSERT\n",
		"# x\n", "SELECT 'INSERT INTO a VALUES (1);';\n", "USE `d`;\n",
		"INSERT INTO a VALUES (1) ;", "/* INSERT */", "/*!40101 SET x=1 */;\n",
		"REPLACE INTO `a``b` VALUES (0x00,_binary 'a\\'');\n", ";;\n",
		"INSERT INTO a SELECT 1;\n" };
	for (int round = 0; round < 300; round++) {
		AUTO(bufv) struct buf dump = BUF_INIT;
		bool is_pg = round % 2 == 0;
		size_t pieces = 1 + below(12);
		for (size_t i = 0; i < pieces; i++)
			add(&dump, is_pg ? pg[below(ARRAY_LEN(pg))] : my[below(ARRAY_LEN(my))]);
		enum census_dump kind = is_pg ? CENSUS_POSTGRES : CENSUS_MYSQL;
		struct cutting *whole = cut(kind, dump.data, dump.len, 0, SIZE_MAX);
		for (int i = 0; i < 10; i++) {
			struct cutting *c =
			    cut(kind, dump.data, dump.len, 1 + below(dump.len), 1 + below(9));
			same_cutting(whole, c);
			cutting_release(c);
		}
		cutting_release(whole);
	}
}

/* Who keeps one waiting for rows that never come has no table. */
static void
words_before_rows_are_bounded(void **state)
{
	(void)state;
	AUTO(bufv) struct buf dump = BUF_INIT;
	add(&dump, "COPY /*");
	for (size_t i = 0; i < 300000; i++)
		add(&dump, " long ");
	add(&dump, "*/ a FROM stdin;\n1\n\\.\nCOPY b FROM stdin;\n2\n\\.\n");
	struct err err;
	AUTO(census) struct census *census = NULL;
	AUTO(dataset) struct dataset *d = NULL;
	struct cutting *c = calloc(1, sizeof *c);
	assert_non_null(c);
	ok(census_new(&census, CENSUS_POSTGRES, &err));
	ok(dataset_new(&d, census, &ops, c, &err));
	ok(dataset_feed(d, dump.data, dump.len, &err));
	ok(dataset_finish(d, &err));
	assert_int_equal(c->count, 2);
	assert_string_equal(c->parts[0].name, "000000.sql");
	part_is(c, 1, "000001.b.rows", "COPY b FROM stdin;\n2\n\\.\n", "[19]|21[21]");
	cutting_release(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_behind_copy_are_rows),
		cmocka_unit_test(tuples_behind_insert_are_rows),
		cmocka_unit_test(keys_are_rows),
		cmocka_unit_test(what_is_not_understood_is_one_part),
		cmocka_unit_test(recorded_dumps_come_out_whole),
		cmocka_unit_test(names_of_parts_are_safe_and_come_back),
		cmocka_unit_test(made_up_dumps_come_out_whole),
		cmocka_unit_test(words_before_rows_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

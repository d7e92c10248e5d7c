#include "random_case.h"

#include "base/strv.h"
#include "db/row_match.h"

#include <stdlib.h>

/*
 * Random tables and random edits, of which a comparison by brute force tells
 * what must come out.  STACKSNAP_SEED repeats a case, STACKSNAP_CASES sets how many.
 */
#define CASES_DEFAULT 1000
#define COLUMNS_MAX 6
#define BIG_ROW 200000

/* A row: its fields as COPY writes them. */
struct sample_row {
	char *fields[COLUMNS_MAX];
};

struct sample_table {
	size_t columns;
	size_t count;
	size_t cap;
	struct sample_row *rows;
};

struct world {
	struct sample_table a;
	struct sample_table b; /* with the columns of a */
	bool is_key[COLUMNS_MAX];
	size_t keys;
	uint64_t last_key;
	/* What b has of a, in which order; SIZE_MAX: a column of its own. */
	size_t b_columns[COLUMNS_MAX];
	size_t b_count;
	bool is_projected;
	enum row_format format; /* ROW_COPY or ROW_INSERT */
};

static char *
copy_of(const char *s)
{
	char *p = strdup(s);
	assert_non_null(p);
	return p;
}

static char *
random_text(bool is_big)
{
	static const char *const words[] = { "", "0", "x", "\\N", "\\t", "a b", "\\\\.",
		"COPY t (c) FROM stdin;", "-17", "\\\\", "99999999999999999999", "3.50" };
	if (one_in(3))
		return copy_of(words[below(ARRAY_LEN(words))]);
	size_t len = is_big ? BIG_ROW / 2 + below(BIG_ROW / 2) : below(20);
	char *p = malloc(len + 1);
	assert_non_null(p);
	for (size_t i = 0; i < len; i++)
		p[i] = (char)('a' + (is_big ? i * 7 % 26 : below(26)));
	if (len > 0)
		p[below(len)] = (char)('a' + below(26));
	p[len] = '\0';
	return p;
}

static char *
random_key(struct world *w)
{
	char *p;
	struct err err;
	w->last_key += 1 + below(3);
	ok(str_printf(&p, &err, one_in(2) ? "%llu" : "-%llu", (unsigned long long)w->last_key));
	return p;
}

/* Never twice the same key. */
static void
fill_row(struct world *w, struct sample_row *r, bool is_big)
{
	for (size_t i = 0; i < w->a.columns; i++)
		r->fields[i] = w->is_key[i] ? random_key(w) : random_text(is_big && one_in(3));
}

static void
free_row(struct sample_row *r)
{
	for (size_t i = 0; i < COLUMNS_MAX; i++)
		free(TAKE(r->fields[i]));
}

static struct sample_row *
add_row(struct sample_table *t)
{
	if (t->count == t->cap) {
		t->cap = 2 * t->cap + 16;
		t->rows = reallocarray(t->rows, t->cap, sizeof *t->rows);
		assert_non_null(t->rows);
	}
	t->rows[t->count] = (struct sample_row){ { NULL } };
	return &t->rows[t->count++];
}

static void
add_copy(struct sample_table *t, struct sample_row r)
{
	struct sample_row *to = add_row(t);
	for (size_t i = 0; i < t->columns; i++)
		to->fields[i] = copy_of(r.fields[i]);
}

static void
free_table(struct sample_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free_row(&t->rows[i]);
	free(t->rows);
}

static void
set_field(struct sample_row *r, size_t column, char *text)
{
	free(r->fields[column]);
	r->fields[column] = text;
}

static void
remove_row(struct sample_table *t, size_t i)
{
	free_row(&t->rows[i]);
	memmove(&t->rows[i], &t->rows[i + 1], (--t->count - i) * sizeof *t->rows);
}

static void
swap_rows(struct sample_table *t, size_t i, size_t j)
{
	struct sample_row r = t->rows[i];
	t->rows[i] = t->rows[j];
	t->rows[j] = r;
}

static void
insert_row(struct world *w, bool is_big)
{
	struct sample_row *r = add_row(&w->b);
	fill_row(w, r, is_big);
	size_t at = below(w->b.count);
	struct sample_row last = *r;
	memmove(&w->b.rows[at + 1], &w->b.rows[at], (w->b.count - 1 - at) * sizeof last);
	w->b.rows[at] = last;
}

static void
edit(struct world *w, bool is_big)
{
	struct sample_table *t = &w->b;
	size_t kind = below(6);
	size_t i = t->count > 0 ? below(t->count) : 0;
	size_t column = below(t->columns);
	if (t->count == 0 || kind == 0)
		insert_row(w, is_big);
	else if (kind == 1)
		remove_row(t, i);
	else if (kind == 2 && !w->is_key[column])
		set_field(&t->rows[i], column, random_text(is_big));
	else if (kind == 3 && w->is_key[column])
		set_field(&t->rows[i], column, random_key(w));
	else if (kind == 4)
		swap_rows(t, i, below(t->count));
	else if (w->keys == 0)
		for (size_t n = below(4); n > 0; n--)
			add_copy(t, t->rows[i]);
}

static void
choose_projection(struct world *w)
{
	w->b_count = 0;
	for (size_t i = 0; i < w->a.columns; i++)
		if (!one_in(5))
			w->b_columns[w->b_count++] = i;
	if (w->b_count < COLUMNS_MAX && one_in(2))
		w->b_columns[w->b_count++] = SIZE_MAX;
	for (size_t i = w->b_count; one_in(2) && i > 1; i--) {
		size_t j = below(i);
		size_t c = w->b_columns[i - 1];
		w->b_columns[i - 1] = w->b_columns[j];
		w->b_columns[j] = c;
	}
	if (w->b_count == 0)
		w->b_columns[w->b_count++] = 0;
	w->is_projected = true;
}

static void
make_world(struct world *w)
{
	*w = (struct world){ .keys = 0 };
	size_t sizes[] = { 3, 30, 300, 3000 };
	size_t rows = below(sizes[one_in(12) ? 3 : below(3)]);
	bool is_big = one_in(40);
	w->format = one_in(3) ? ROW_INSERT : ROW_COPY;
	w->a.columns = w->b.columns = 1 + below(COLUMNS_MAX);
	for (size_t n = below(4); n > 0; n--)
		w->is_key[below(w->a.columns)] = true;
	for (size_t i = 0; i < w->a.columns; i++)
		w->keys += w->is_key[i];
	rows = is_big ? min_size(rows, 12) : rows;
	for (size_t i = 0; i < rows; i++)
		fill_row(w, add_row(&w->a), is_big);
	for (size_t i = 0; i < rows; i++)
		add_copy(&w->b, w->a.rows[i]);
	for (size_t n = below(one_in(4) ? 2 * rows + 8 : 8); n > 0; n--)
		edit(w, is_big);
	if (one_in(4))
		choose_projection(w);
	for (size_t i = 0; !w->is_projected && i < w->a.columns; i++)
		w->b_columns[w->b_count++] = i;
}

/* --- as the code under test sees it --- */

/* Fields are kept as COPY writes them. */
static void
add_field(struct buf *out, const struct world *w, const char *text)
{
	struct err err;
	bool is_number = strspn(text, "-0123456789") == strlen(text) && strcmp(text, "") != 0;
	if (w->format == ROW_COPY || is_number)
		ok(buf_str(out, text, &err));
	else if (strcmp(text, "\\N") == 0)
		ok(buf_str(out, "NULL", &err));
	else
		ok(buf_printf(out, &err, "'%s'", text));
}

static void
add_line(struct buf *out, const struct world *w, unsigned side, const struct sample_row *r)
{
	struct err err;
	size_t n = side == 0 ? w->a.columns : w->b_count;
	bool is_copy = w->format == ROW_COPY;
	bool ends = !is_copy && (out->len == 0 || one_in(5));
	if (ends)
		ok(buf_str(out,
		    out->len > 0 ? ";\nINSERT INTO `t` VALUES\n" : "INSERT INTO `t` VALUES\n",
		    &err));
	else if (!is_copy)
		ok(buf_str(out, ",\n", &err));
	ok(buf_str(out, is_copy ? "" : "(", &err));
	for (size_t i = 0; i < n; i++) {
		size_t c = side == 0 ? i : w->b_columns[i];
		ok(buf_str(out, i == 0 ? "" : is_copy ? "\t" : ",", &err));
		add_field(out, w, c == SIZE_MAX ? "new" : r->fields[c]);
	}
	ok(buf_str(out, is_copy ? "\n" : ")", &err));
}

struct shapes_of_world {
	struct shape_column columns[2][COLUMNS_MAX];
	size_t key[2][COLUMNS_MAX];
	struct shape shape[2];
};

static char some_name[] = "public.t";
static char some_type[] = "text";

static void
make_shapes(struct shapes_of_world *s, const struct world *w)
{
	for (unsigned side = 0; side < 2; side++) {
		size_t n = side == 0 ? w->a.columns : w->b_count;
		s->shape[side] = (struct shape){ .name = some_name,
			.format = w->format,
			.columns = s->columns[side],
			.column_count = n,
			.key = s->key[side] };
		for (size_t i = 0; i < n; i++) {
			size_t c = side == 0 ? i : w->b_columns[i];
			s->columns[side][i] =
			    (struct shape_column){ some_name, some_type, false };
			if (c != SIZE_MAX && w->is_key[c])
				s->key[side][s->shape[side].key_count++] = i;
		}
	}
}

/* Feed pieces of both: alone, in any order, or in pairs. */
static void
feed(struct row_match *m, const struct world *w)
{
	struct err err;
	size_t step = 1 + below(one_in(2) ? 4000 : 20);
	bool is_paired = !one_in(3);
	size_t at[2] = { 0, 0 };
	const struct sample_table *t[2] = { &w->a, &w->b };
	while (at[0] < t[0]->count || at[1] < t[1]->count) {
		struct buf piece[2] = { BUF_INIT, BUF_INIT };
		unsigned only = (unsigned)below(2);
		for (unsigned side = 0; side < 2; side++) {
			if (!is_paired && side != only)
				continue;
			size_t n = min_size(1 + below(step), t[side]->count - at[side]);
			for (size_t i = 0; i < n; i++)
				add_line(&piece[side], w, side, &t[side]->rows[at[side]++]);
		}
		for (unsigned side = 0; side < 2 && w->format == ROW_INSERT; side++)
			if (piece[side].len > 0 && one_in(2))
				ok(buf_str(&piece[side], ";\n", &err));
		if (is_paired)
			ok(row_match_add_pair(
			    m, piece[0].data, piece[0].len, piece[1].data, piece[1].len, &err));
		else
			ok(row_match_add(m, only, piece[only].data, piece[only].len, &err));
		buf_release(&piece[0]);
		buf_release(&piece[1]);
	}
}

/* --- what comes out --- */

struct got {
	const struct world *world;
	struct strv changes; /* "changed|before|after", projected to what both have */
	size_t handed;
};

/* The columns that both have, in order of b. */
static void
project_row(struct buf *out, const struct world *w, unsigned side, const struct row *row)
{
	struct err err;
	struct field fields[COLUMNS_MAX];
	size_t count;
	ok(buf_str(out, "|", &err));
	if (row == NULL)
		return;
	ok(row_split(w->format, row, fields, COLUMNS_MAX, &count, &err));
	assert_int_equal(count, side == 0 ? w->a.columns : w->b_count);
	for (size_t i = 0; i < w->b_count; i++) {
		size_t c = side == 0 ? w->b_columns[i] : i;
		if (w->b_columns[i] == SIZE_MAX)
			continue;
		ok(buf_str(out, "\t", &err));
		ok(buf_add(out, fields[c].data, fields[c].len, &err));
	}
}

static enum err_code
note_change(void *arg, enum row_change change, const struct row *before,
    const struct row *after, struct err *err)
{
	static const char *const words[] = {
		[ROW_REMOVED] = "removed", [ROW_ADDED] = "added", [ROW_CHANGED] = "changed"
	};
	struct got *g = arg;
	AUTO(bufv) struct buf text = BUF_INIT;
	assert_true((before == NULL) == (change == ROW_ADDED));
	assert_true((after == NULL) == (change == ROW_REMOVED));
	if (buf_str(&text, words[change], err))
		return err->code;
	project_row(&text, g->world, 0, before);
	project_row(&text, g->world, 1, after);
	g->handed++;
	return strv_add(&g->changes, buf_cstr(&text), err);
}

/* --- by brute force --- */

struct plain_row {
	char *text; /* projected */
	char *key; /* "" when there is none */
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(((const struct plain_row *)a)->text, ((const struct plain_row *)b)->text);
}

static int
by_key(const void *a, const void *b)
{
	int c = strcmp(((const struct plain_row *)a)->key, ((const struct plain_row *)b)->key);
	return c != 0 ? c : by_text(a, b);
}

static bool
keys_are_common(const struct world *w)
{
	size_t found = 0;
	for (size_t i = 0; i < w->b_count; i++)
		found += w->b_columns[i] != SIZE_MAX && w->is_key[w->b_columns[i]];
	return w->keys > 0 && found == w->keys;
}

static struct plain_row *
plain_rows(const struct world *w, const struct sample_table *t)
{
	struct err err;
	bool has_key = keys_are_common(w);
	struct plain_row *rows = calloc(t->count + 1, sizeof *rows);
	assert_non_null(rows);
	for (size_t i = 0; i < t->count; i++) {
		AUTO(bufv) struct buf text = BUF_INIT;
		AUTO(bufv) struct buf key = BUF_INIT;
		ok(buf_str(&text, "|", &err));
		ok(buf_str(&key, "", &err));
		for (size_t c = 0; c < w->b_count; c++) {
			size_t column = w->b_columns[c];
			if (column == SIZE_MAX)
				continue;
			ok(buf_str(&text, "\t", &err));
			add_field(&text, w, t->rows[i].fields[column]);
			if (!has_key || !w->is_key[column])
				continue;
			ok(buf_str(&key, "\t", &err));
			ok(buf_str(&key, t->rows[i].fields[column], &err));
		}
		rows[i] =
		    (struct plain_row){ copy_of(buf_cstr(&text)), copy_of(buf_cstr(&key)) };
	}
	return rows;
}

/* Drop what both have, one against one; sorted by compare. */
static void
cancel_equal(struct plain_row *a, size_t *n_a, struct plain_row *b, size_t *n_b)
{
	size_t to_a = 0;
	size_t to_b = 0;
	size_t j = 0;
	qsort(a, *n_a, sizeof *a, by_text);
	qsort(b, *n_b, sizeof *b, by_text);
	for (size_t i = 0; i < *n_a; i++) {
		while (j < *n_b && by_text(&b[j], &a[i]) < 0)
			b[to_b++] = b[j++];
		if (j < *n_b && by_text(&b[j], &a[i]) == 0) {
			free(a[i].text);
			free(a[i].key);
			free(b[j].text);
			free(b[j++].key);
		} else {
			a[to_a++] = a[i];
		}
	}
	while (j < *n_b)
		b[to_b++] = b[j++];
	*n_a = to_a;
	*n_b = to_b;
}

static void
want_change(
    struct strv *out, const char *word, const struct plain_row *a, const struct plain_row *b)
{
	struct err err;
	ok(strv_addf(
	    out, &err, "%s%s%s", word, a != NULL ? a->text : "|", b != NULL ? b->text : "|"));
}

static void
match_keys(struct strv *out, struct plain_row *a, size_t n_a, struct plain_row *b, size_t n_b,
    struct row_match_result *counts)
{
	size_t i = 0;
	size_t j = 0;
	qsort(a, n_a, sizeof *a, by_key);
	qsort(b, n_b, sizeof *b, by_key);
	while (i < n_a || j < n_b) {
		int c = i == n_a ? 1 : j == n_b ? -1 : strcmp(a[i].key, b[j].key);
		if (c == 0 && *a[i].key == '\0')
			c = -1;
		if (c == 0) {
			want_change(out, "changed", &a[i++], &b[j++]);
			counts->changed++;
		} else if (c < 0) {
			want_change(out, "removed", &a[i++], NULL);
			counts->removed++;
		} else {
			want_change(out, "added", NULL, &b[j++]);
			counts->added++;
		}
	}
}

static void
free_plain(struct plain_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(rows[i].text);
		free(rows[i].key);
	}
	free(rows);
}

static void
expect_changes(const struct world *w, struct strv *out, struct row_match_result *counts)
{
	struct plain_row *a = plain_rows(w, &w->a);
	struct plain_row *b = plain_rows(w, &w->b);
	size_t n_a = w->a.count;
	size_t n_b = w->b.count;
	*counts = (struct row_match_result){ 0, 0, 0 };
	cancel_equal(a, &n_a, b, &n_b);
	match_keys(out, a, n_a, b, n_b, counts);
	free_plain(a, n_a);
	free_plain(b, n_b);
	strv_sort(out);
}

/* --- one case --- */

static void
check_world(const struct world *w, const struct row_match_options *opt)
{
	struct err err;
	struct shapes_of_world s = { .shape = { { 0 } } };
	AUTO(row_match) struct row_match *m = NULL;
	AUTO(strv) struct strv want = STRV_INIT;
	struct got got = { .world = w };
	struct row_match_result counts;
	struct row_match_result expected;
	make_shapes(&s, w);
	expect_changes(w, &want, &expected);
	ok(row_match_new(&m, &s.shape[0], &s.shape[1], opt, &err));
	feed(m, w);
	ok(row_match_finish(m, note_change, &got, &counts, &err));
	assert_int_equal(counts.changed, expected.changed);
	assert_int_equal(counts.added, expected.added);
	assert_int_equal(counts.removed, expected.removed);
	assert_int_equal(got.handed, min_size(opt->keep, want.len));
	strv_sort(&got.changes);
	for (size_t i = 0; opt->keep == SIZE_MAX && i < want.len; i++)
		assert_string_equal(got.changes.items[i], want.items[i]);
	strv_release(&got.changes);
}

static void
the_difference_is_that_of_brute_force(void **state)
{
	(void)state;
	uint64_t first = first_seed();
	static const size_t memory[] = { 0, 65536, 65536, 4096, 1 };
	for (size_t i = 0; i < case_count(CASES_DEFAULT); i++) {
		struct world w;
		seed_case(first + i);
		make_world(&w);
		struct row_match_options opt = {
			.memory = memory[below(ARRAY_LEN(memory))],
			.keep = one_in(8) ? below(20) : SIZE_MAX,
			.columns = w.is_projected ? w.b_columns : NULL,
		};
		check_world(&w, &opt);
		free_table(&w.a);
		free_table(&w.b);
	}
}

/* --- single claims --- */

static struct shape_column two_columns[] = { { some_name, some_type, true },
	{ some_name, some_type, false } };
static size_t first_column[] = { 0 };

static struct shape
two_column_shape(bool has_key)
{
	return (struct shape){ .name = some_name,
		.format = ROW_COPY,
		.columns = two_columns,
		.column_count = 2,
		.key = first_column,
		.key_count = has_key };
}

static enum err_code
write_down(void *arg, enum row_change change, const struct row *before, const struct row *after,
    struct err *err)
{
	struct buf *out = arg;
	const struct row none = { (const uint8_t *)"", 0 };
	const struct row *a = before != NULL ? before : &none;
	const struct row *b = after != NULL ? after : &none;
	return buf_printf(out, err, "%c%.*s>%.*s\n", "-+*"[change], (int)a -> len,
	    (const char *)a -> data, (int)b -> len, (const char *)b -> data);
}

static void
check_pair(const struct shape *shape, const struct row_match_options *opt, const char *a,
    const char *b, const char *want)
{
	struct err err;
	AUTO(row_match) struct row_match *m = NULL;
	AUTO(bufv) struct buf out = BUF_INIT;
	struct row_match_result counts;
	ok(row_match_new(&m, shape, shape, opt, &err));
	ok(row_match_add_pair(m, a, strlen(a), b, strlen(b), &err));
	ok(row_match_finish(m, write_down, &out, &counts, &err));
	assert_string_equal(buf_cstr(&out), want);
}

static const struct row_match_options all = { .keep = SIZE_MAX };

static void
changes_come_in_order_of_keys(void **state)
{
	(void)state;
	struct shape keyed = two_column_shape(true);
	struct shape plain = two_column_shape(false);
	const char *a = "10\tx\n9\tx\n-3\tx\n100\tsame\nb\tx\na\tx\n";
	const char *b = "9\ty\nab\tx\n100\tsame\n11\tx\n-20\tx\n1234567890123456789012\tx\n";
	check_pair(&keyed, &all, a, b,
	    "+>-20\tx\n--3\tx>\n*9\tx>9\ty\n-10\tx>\n+>11\tx\n"
	    "+>1234567890123456789012\tx\n-a\tx>\n+>ab\tx\n-b\tx>\n");
	check_pair(&plain, &all, "b\t\na\t\nb\t\n", "c\t\n", "-a\t>\n-b\t>\n-b\t>\n+>c\t\n");
}

static void
a_row_that_looks_like_a_head_is_a_row(void **state)
{
	(void)state;
	struct shape plain = two_column_shape(false);
	check_pair(
	    &plain, &all, "COPY t (a) FROM stdin;\nx\n", "x\n", "-COPY t (a) FROM stdin;>\n");
}

static void
a_null_is_no_key(void **state)
{
	(void)state;
	struct shape keyed = two_column_shape(true);
	check_pair(&keyed, &all, "\\N\tx\n\\N\tz\n1\tx\n", "\\N\ty\n\\N\tz\n1\ty\n",
	    "*1\tx>1\ty\n-\\N\tx>\n+>\\N\ty\n");
}

/* Members of a set in another order, and how often a key was used, change nothing. */
static void
keys_of_an_rdb_file_are_the_same_when_they_say_the_same(void **state)
{
	(void)state;
	struct err err;
	static struct shape_column columns[] = { { some_name, some_type, true },
		{ some_name, some_type, true }, { some_name, some_type, false },
		{ some_name, some_type, false } };
	struct shape shape = { some_name, ROW_RDB, columns, 4, first_column, 1 };
	static const uint8_t a[] = { 0, 1, 'k', 1, 'v', 2, 1, 's', 2, 1, 'a', 1, 'b', 0, 1, 'z',
		1, 'z' };
	static const uint8_t b[] = { 0xf9, 5, 2, 1, 's', 2, 1, 'b', 1, 'a', 0, 1, 'k', 1, 'w',
		0, 1, 'z', 1, 'z' };
	AUTO(row_match) struct row_match *m = NULL;
	struct row_match_result counts;
	ok(row_match_new(&m, &shape, &shape, &(struct row_match_options){ .keep = 0 }, &err));
	ok(row_match_add_pair(m, a, sizeof a, b, sizeof b, &err));
	ok(row_match_finish(m, NULL, NULL, &counts, &err));
	assert_int_equal(counts.changed, 1);
	assert_int_equal(counts.added, 0);
	assert_int_equal(counts.removed, 0);
}

static void
rows_under_one_key_are_paired_as_far_as_they_go(void **state)
{
	(void)state;
	struct shape keyed = two_column_shape(true);
	struct err err;
	AUTO(row_match) struct row_match *m = NULL;
	struct row_match_result counts;
	const char *a = "1\tp\n1\tq\n1\tsame\n1\tp\n";
	const char *b = "1\tsame\n1\tx\n";
	ok(row_match_new(&m, &keyed, &keyed, &all, &err));
	ok(row_match_add_pair(m, a, strlen(a), b, strlen(b), &err));
	AUTO(bufv) struct buf out = BUF_INIT;
	ok(row_match_finish(m, write_down, &out, &counts, &err));
	assert_int_equal(counts.changed, 1);
	assert_int_equal(counts.removed, 2);
	assert_int_equal(counts.added, 0);
}

/* Enough to be spilled, over and over: 100,000 rows of side a, every tenth of them not in b. */
static void
what_does_not_fit_is_matched_on_disk(void **state)
{
	(void)state;
	struct err err;
	struct shape keyed = two_column_shape(true);
	struct row_match_options opt = { .memory = 65536, .keep = 0 };
	for (size_t n_keys = 10; n_keys <= 100000; n_keys *= 10000) {
		AUTO(row_match) struct row_match *m = NULL;
		struct row_match_result counts;
		ok(row_match_new(&m, &keyed, &keyed, &opt, &err));
		for (unsigned side = 0; side < 2; side++)
			for (size_t i = 0; i < 20000; i++) {
				char line[64];
				size_t row = side == 0 ? i : 19999 - i;
				if (side == 1 && row % 10 == 0)
					continue;
				int len = snprintf(line, sizeof line, "%zu\trow %zu\n",
				    row % n_keys, row / 10 * 10 == row ? 0 : row);
				ok(row_match_add(m, side, line, (size_t)len, &err));
			}
		ok(row_match_finish(m, NULL, NULL, &counts, &err));
		assert_int_equal(counts.removed, 2000);
		assert_int_equal(counts.added, 0);
		assert_int_equal(counts.changed, 0);
	}
}

/* A million times the same row needs room for one. */
static void
equal_rows_are_counted_not_kept(void **state)
{
	(void)state;
	struct err err;
	struct shape plain = two_column_shape(false);
	struct row_match_options opt = { .memory = 4096, .temp_dir = "/nowhere" };
	AUTO(row_match) struct row_match *m = NULL;
	AUTO(bufv) struct buf rows = BUF_INIT;
	struct row_match_result counts;
	for (int i = 0; i < 1000; i++)
		ok(buf_str(&rows, "same\trow\n", &err));
	ok(row_match_new(&m, &plain, &plain, &opt, &err));
	for (int i = 0; i < 100; i++)
		ok(row_match_add(m, 0, rows.data, rows.len, &err));
	ok(row_match_add(m, 1, rows.data, rows.len, &err));
	ok(row_match_add_pair(m, rows.data, rows.len - 9, rows.data, rows.len, &err));
	ok(row_match_finish(m, NULL, NULL, &counts, &err));
	assert_int_equal(counts.removed, 98999);
	assert_int_equal(counts.added, 0);
}

static enum err_code
stop(void *arg, enum row_change change, const struct row *before, const struct row *after,
    struct err *err)
{
	(void)change;
	(void)before;
	(void)after;
	++*(int *)arg;
	return err_set(err, ERR_CANCELLED, "enough");
}

static void
an_error_of_the_callback_ends_it(void **state)
{
	(void)state;
	struct err err;
	struct shape keyed = two_column_shape(true);
	AUTO(row_match) struct row_match *m = NULL;
	struct row_match_result counts;
	int calls = 0;
	ok(row_match_new(&m, &keyed, &keyed, &all, &err));
	ok(row_match_add(m, 0, "1\tx\n2\tx\n", 8, &err));
	refused(row_match_finish(m, stop, &calls, &counts, &err), ERR_CANCELLED, "enough");
	assert_int_equal(calls, 1);
}

static void
what_is_no_row_is_refused_by_name(void **state)
{
	(void)state;
	struct err err;
	struct shape keyed = two_column_shape(true);
	struct row_match_options opt = { .memory = 4096, .keep = 0, .temp_dir = "/nowhere" };
	AUTO(row_match) struct row_match *m = NULL;
	ok(row_match_new(&m, &keyed, &keyed, &opt, &err));
	refused_like(
	    row_match_add(m, 0, "1\tx\n2", 5, &err), ERR_CORRUPT, "rows of public.t: ");
	enum err_code rc = ERR_OK;
	for (int i = 0; i < 1000 && rc == ERR_OK; i++) {
		char line[32];
		int len = snprintf(line, sizeof line, "%d\tx\n", i);
		rc = row_match_add(m, 0, line, (size_t)len, &err);
	}
	assert_int_equal(rc, ERR_NOT_FOUND);
	assert_string_equal(err.msg,
	    "rows of public.t: make a temporary file in /nowhere: No such file or directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_difference_is_that_of_brute_force, tell_seed),
		cmocka_unit_test(changes_come_in_order_of_keys),
		cmocka_unit_test(a_row_that_looks_like_a_head_is_a_row),
		cmocka_unit_test(a_null_is_no_key),
		cmocka_unit_test(keys_of_an_rdb_file_are_the_same_when_they_say_the_same),
		cmocka_unit_test(rows_under_one_key_are_paired_as_far_as_they_go),
		cmocka_unit_test(what_does_not_fit_is_matched_on_disk),
		cmocka_unit_test(equal_rows_are_counted_not_kept),
		cmocka_unit_test(an_error_of_the_callback_ends_it),
		cmocka_unit_test(what_is_no_row_is_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

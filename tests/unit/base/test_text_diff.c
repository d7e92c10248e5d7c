/*
 * The oracle reads hunks as patch(1) does, strictly: each stands where its head
 * says, its lines are those of the old text, and what comes out is the new text.
 */
#include "testing.h"

#include "base/text_diff.h"

#include <stdio.h>
#include <stdlib.h>

static void
expect(const char *before, const char *after, const char *want)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	ok(text_diff_unified(&out, before, strlen(before), after, strlen(after), 3, &err));
	assert_string_equal(buf_cstr(&out), want);
}

static void
hunks_look_as_git_writes_them(void **state)
{
	(void)state;
	expect("same\n", "same\n", "");
	expect("", "", "");
	expect("", "new\n", "@@ -0,0 +1 @@\n+new\n");
	expect("old\n", "", "@@ -1 +0,0 @@\n-old\n");
	expect("a\nb\nc\n", "a\nB\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
	expect("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
	    "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

static void
a_last_line_without_its_newline_is_told(void **state)
{
	(void)state;
	expect("a\n", "a", "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
	expect("a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
	expect("a", "a\nb",
	    "@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n\\ No newline at end of "
	    "file\n");
}

static void
changes_far_apart_have_hunks_of_their_own(void **state)
{
	(void)state;
	char before[256] = "";
	char near[256] = "";
	char far[256] = "";
	size_t n = 0, m = 0, k = 0;
	for (int i = 1; i <= 20; i++) {
		n += (size_t)snprintf(before + n, sizeof before - n, "%d\n", i);
		m += (size_t)snprintf(
		    near + m, sizeof near - m, i == 5 || i == 12 ? "x\n" : "%d\n", i);
		k += (size_t)snprintf(
		    far + k, sizeof far - k, i == 5 || i == 13 ? "x\n" : "%d\n", i);
	}
	expect(before, near,
	    "@@ -2,14 +2,14 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n 9\n 10\n 11\n-12\n+x\n 13\n "
	    "14\n 15\n");
	expect(before, far,
	    "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n@@ -10,7 +10,7 @@\n 10\n 11\n "
	    "12\n-13\n+x\n 14\n 15\n 16\n");
}

/* --- the oracle --- */

struct patched {
	const char *old; /* what was not reached yet */
	const char *end;
	size_t line; /* its number, from 0 */
	struct buf text;
	size_t new_line;
	size_t old_left; /* lines of the hunk */
	size_t new_left;
	char last_mark;
	size_t last_len;
};

static size_t
old_line(const struct patched *p)
{
	const char *newline = memchr(p->old, '\n', (size_t)(p->end - p->old));
	return newline != NULL ? (size_t)(newline + 1 - p->old) : (size_t)(p->end - p->old);
}

static void
keep_old(struct patched *p, size_t len)
{
	struct err err = ERR_INIT;
	ok(buf_add(&p->text, p->old, len, &err));
	p->new_line++;
}

static void
begin_hunk(struct patched *p, const char *head)
{
	unsigned long from, count = 1, to, new_count = 1;
	char *rest;
	assert_int_equal(p->old_left + p->new_left, 0);
	assert_memory_equal(head, "@@ -", 4);
	from = strtoul(head + 4, &rest, 10);
	if (*rest == ',')
		count = strtoul(rest + 1, &rest, 10);
	assert_memory_equal(rest, " +", 2);
	to = strtoul(rest + 2, &rest, 10);
	if (*rest == ',')
		new_count = strtoul(rest + 1, &rest, 10);
	assert_memory_equal(rest, " @@", 3);
	for (size_t first = from - (count > 0); p->line < first; p->line++) {
		size_t len = old_line(p);
		keep_old(p, len);
		p->old += len;
	}
	assert_int_equal(p->new_line, to - (new_count > 0));
	p->old_left = count;
	p->new_left = new_count;
}

static enum err_code
patch_line(void *arg, char mark, const char *text, size_t len, struct err *err)
{
	struct patched *p = arg;
	if (mark == '@') {
		char head[112];
		assert_true(len < sizeof head);
		memcpy(head, text, len);
		head[len] = '\0';
		begin_hunk(p, head);
	} else if (mark == '\\') {
		/* The line before has no newline. */
		if (p->last_mark == '+') {
			assert_int_equal(p->text.data[p->text.len - 1], '\n');
			p->text.len--;
		} else {
			assert_ptr_equal(p->old, p->end);
			assert_int_not_equal(p->old[-1], '\n');
		}
	} else if (mark == '+') {
		if (buf_add(&p->text, text, len, err) || buf_u8(&p->text, '\n', err))
			return err->code;
		p->new_line++;
		p->new_left--;
	} else {
		size_t whole = old_line(p);
		size_t has_newline = whole > 0 && p->old[whole - 1] == '\n';
		assert_int_equal(whole - has_newline, len);
		assert_memory_equal(p->old, text, len);
		if (mark == ' ') {
			keep_old(p, whole);
			p->new_left--;
		}
		p->old += whole;
		p->line++;
		p->old_left--;
	}
	p->last_mark = mark;
	p->last_len = len;
	return ERR_OK;
}

static void
expect_patch(const struct buf *before, const struct buf *after, size_t context)
{
	struct err err = ERR_INIT;
	const char *old = before->len > 0 ? (const char *)before->data : "";
	struct patched p = { .old = old, .end = old + before->len, .text = BUF_INIT };
	struct text_diff_result sum;
	ok(text_diff(before->data, before->len, after->data, after->len, context, patch_line,
	    &p, &sum, &err));
	assert_int_equal(p.old_left + p.new_left, 0);
	ok(buf_add(&p.text, p.old, (size_t)(p.end - p.old), &err));
	assert_int_equal(p.text.len, after->len);
	if (after->len > 0)
		assert_memory_equal(p.text.data, after->data, after->len);
	bool is_same = before->len == after->len &&
		       (after->len == 0 || memcmp(before->data, after->data, after->len) == 0);
	assert_int_equal(sum.added + sum.removed == 0, is_same);
	buf_release(&p.text);
}

static uint32_t seed = 7;

static uint32_t
chance(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void
random_text(struct buf *out, uint32_t lines, uint32_t kinds)
{
	struct err err = ERR_INIT;
	out->len = 0;
	for (uint32_t i = chance(lines + 1); i > 0; i--)
		ok(buf_printf(out, &err, "%s%u\n", chance(9) == 0 ? "\n" : "", chance(kinds)));
	if (out->len > 0 && chance(3) == 0)
		out->len--;
}

static void
hunks_make_the_new_text_of_the_old(void **state)
{
	(void)state;
	AUTO(bufv) struct buf before = BUF_INIT;
	AUTO(bufv) struct buf after = BUF_INIT;
	for (int round = 0; round < 6000; round++) {
		uint32_t kinds = 1 + chance(30);
		random_text(&before, 40, kinds);
		random_text(&after, 40, kinds);
		expect_patch(&before, &after, chance(5));
	}
	random_text(&before, 9000, 100000);
	random_text(&after, 9000, 100000);
	expect_patch(&before, &after, 3);
}

static enum err_code
give_up(void *arg, char mark, const char *text, size_t len, struct err *err)
{
	(void)mark;
	(void)text;
	(void)len;
	return --*(int *)arg == 0 ? err_set(err, ERR_IO, "enough") : ERR_OK;
}

static void
what_the_reader_says_ends_it(void **state)
{
	(void)state;
	for (int after = 1; after <= 3; after++) {
		struct err err = ERR_INIT;
		int left = after;
		refused(text_diff("a\n", 2, "b\n", 2, 3, give_up, &left, NULL, &err), ERR_IO,
		    "enough");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hunks_look_as_git_writes_them),
		cmocka_unit_test(a_last_line_without_its_newline_is_told),
		cmocka_unit_test(changes_far_apart_have_hunks_of_their_own),
		cmocka_unit_test(hunks_make_the_new_text_of_the_old),
		cmocka_unit_test(what_the_reader_says_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

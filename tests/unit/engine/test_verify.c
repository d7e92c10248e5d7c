#include "stack_snapshot.h"

#include "engine/verify.h"

static void
a_subset_is_a_share_a_part_or_a_size(void **state)
{
	(void)state;
	struct err err;
	struct verify_subset s;
	ok(verify_subset_parse(&s, "5%", &err));
	assert_true(s.share > 0.0499 && s.share < 0.0501);
	assert_int_equal(s.parts, 0);
	ok(verify_subset_parse(&s, "0.5%", &err));
	assert_true(s.share > 0.00499 && s.share < 0.00501);
	ok(verify_subset_parse(&s, "100%", &err));
	assert_true(s.share <= 0 && s.bytes == 0 && s.parts == 0);
	ok(verify_subset_parse(&s, "3/7", &err));
	assert_int_equal(s.part, 3);
	assert_int_equal(s.parts, 7);
	ok(verify_subset_parse(&s, "500M", &err));
	assert_int_equal(s.bytes, (uint64_t)500 << 20);
	ok(verify_subset_parse(&s, "17", &err));
	assert_int_equal(s.bytes, 17);
	ok(verify_subset_parse(&s, "2T", &err));
	assert_int_equal(s.bytes, (uint64_t)2 << 40);
}

static void
other_subsets_are_refused_and_leave_all_as_it_was(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "0", "0%", "-1%", "101%", "nan%", "inf%", "5%%",
		"% ", "0/7", "8/7", "1/0", "-1/7", "1/", "/7", "1/7/2", "1/10000000", "K",
		"5MB", "5 M", "+5", "99999999999999999999", "99999999T", "0x10" };
	struct err err;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct verify_subset s = { .bytes = 42 };
		if (verify_subset_parse(&s, bad[i], &err) != ERR_USAGE)
			fail_msg("'%s' was not refused", bad[i]);
		assert_int_equal(s.bytes, 42);
	}
	struct verify_subset s;
	refused(verify_subset_parse(&s, "much", &err), ERR_USAGE,
	    "'much' says not how much to read: give a share (5%), a part (1/7: the first of "
	    "seven), or a size (500M)");
}

struct seen {
	struct event_sink sink;
	struct strv problems;
};

static void
note_event(struct event_sink *sink, const struct event *ev)
{
	struct seen *s = (struct seen *)sink;
	struct err err;
	if (ev->kind == EVENT_PROBLEM)
		ok(strv_addf(&s->problems, &err, "%s: %s", ev->subject, ev->text));
}

static const struct event_sink_ops seen_ops = { note_event };

static void
a_failing_store_never_makes_it_say_that_all_is_sound(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct id id;
	stack_snapshot(f, NULL, &id);
	struct repo_key key = { .passphrase = f->pass };
	static struct store_fault plan; /* until the fixture closes the store */
	struct store *inner = f->store;
	plan = (struct store_fault){ .fail_at = 0 };
	ok(store_open_fault(&f->store, inner, &plan, &err));
	for (unsigned n = 1;; n++) {
		struct seen seen = { .sink = { .ops = &seen_ops } };
		struct repo *r;
		plan.fail_at = 0;
		ok(repo_open(&r, f->store, &key, NULL, &err));
		plan = (struct store_fault){ .fail_at = n, .sticky = true };
		struct engine e = { .repo = r, .events = &seen.sink };
		struct verify_options opt = { .read_data = true };
		struct verify_result out;
		enum err_code rc = verify_repo(&e, &opt, &out, &err);
		bool is_sound = rc == ERR_OK && out.problems == 0;
		assert_true(is_sound == (plan.count < n));
		if (rc == ERR_OK)
			assert_int_equal(out.problems, seen.problems.len);
		repo_close(r);
		strv_release(&seen.problems);
		if (is_sound) {
			assert_true(n > 10);
			break;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subset_is_a_share_a_part_or_a_size),
		cmocka_unit_test(other_subsets_are_refused_and_leave_all_as_it_was),
		tree_test(a_failing_store_never_makes_it_say_that_all_is_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

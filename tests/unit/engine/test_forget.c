/*
 * What forget keeps and why, for snapshots of known times.
 */
#include "tree/fixture.h"

#include "engine/forget.h"
#include "repo/proof.h"
#include "sys/clock.h"

#include <time.h>

struct given {
	const char *time;
	const char *stack;
	bool is_partial;
	const char *tag; /* "" for none */
};

struct place {
	struct fixture *f;
	struct id ids[16];
	size_t count;
};

static void
save(struct place *p, const struct given *g)
{
	struct err err;
	AUTO(bufv) struct buf doc = BUF_INIT;
	int64_t ns;
	ok(time_parse(&ns, g->time, 0, &err));
	ok(buf_printf(&doc, &err,
	    "{\"version\":1,\"time_ns\":%lld,\"ended_ns\":%lld,\"host\":\"nas\","
	    "\"outcome\":\"%s\","
	    "\"source\":{\"kind\":\"stack\",\"name\":\"%s\"},\"tags\":[\"%s\"]}",
	    (long long)ns, (long long)(ns + 60 * NS_PER_S),
	    g->is_partial ? "partial" : "complete", g->stack, g->tag));
	ok(snapshot_save(p->f->repo, &doc, &p->ids[p->count++], &err));
}

static void
place_fill(struct place *p, void **state, const struct given *given, size_t count)
{
	*p = (struct place){ .f = *state };
	assert_int_equal(setenv("TZ", "Europe/Berlin", 1), 0);
	tzset();
	for (size_t i = 0; i < count; i++)
		save(p, &given[i]);
}

/* Lines "number action reason" in the order of the plan. */
static void
decides(struct place *p, const struct snapshot_filter *filter,
    const struct forget_policy *policy, const char *want)
{
	static const struct snapshot_filter all = SNAPSHOT_FILTER_INIT;
	struct err err;
	AUTO(forget_plan) struct forget_plan *plan = NULL;
	AUTO(bufv) struct buf got = BUF_INIT;
	ok(forget_plan_make(&plan, p->f->repo, filter != NULL ? filter : &all, policy, &err));
	for (size_t i = 0; i < plan->count; i++) {
		const struct forget_decision *d = &plan->items[i];
		size_t number = 0;
		while (!id_equal(&p->ids[number], &d->id))
			number++;
		ok(buf_printf(
		    &got, &err, "%zu %s %s\n", number, d->keep ? "keep" : "go", d->reason));
	}
	assert_string_equal(buf_cstr(&got), want);
}

#define FILL(p, given) place_fill(&(p), state, given, ARRAY_LEN(given))

static void
spans_are_of_the_local_calendar(void **state)
{
	static const struct given given[] = {
		{ "2026-11-15 23:50", "shop", false, "" }, /* Sunday, of W46 */
		{ "2026-11-16 00:10", "shop", false, "" }, /* Monday, of W47 */
		{ "2026-11-16 12:00", "shop", false, "" },
		{ "2027-01-01 12:00", "shop", false, "" }, /* of 2026-W53 */
	};
	struct place p;
	FILL(p, given);
	struct forget_policy daily = { .daily = 3 };
	decides(&p, NULL, &daily,
	    "0 keep daily 2026-11-15\n1 go no rule keeps it\n2 keep daily 2026-11-16\n"
	    "3 keep daily 2027-01-01\n");
	struct forget_policy weekly = { .weekly = 2, .yearly = 2 };
	decides(&p, NULL, &weekly,
	    "0 go no rule keeps it\n1 go no rule keeps it\n"
	    "2 keep weekly 2026-W47, yearly 2026\n3 keep weekly 2026-W53, yearly 2027\n");
	struct forget_policy monthly = { .monthly = 1 };
	decides(&p, NULL, &monthly,
	    "0 go no rule keeps it\n1 go no rule keeps it\n2 go no rule keeps it\n"
	    "3 keep monthly 2027-01\n");
}

static void
the_hour_that_comes_twice_counts_as_two(void **state)
{
	static const struct given given[] = {
		{ "2026-10-25T02:30:00+02:00", "shop", false, "" },
		{ "2026-10-25T02:30:00+01:00", "shop", false, "" },
	};
	struct place p;
	FILL(p, given);
	struct forget_policy hourly = { .hourly = 2 };
	decides(&p, NULL, &hourly,
	    "0 keep hourly 2026-10-25 02:00+0200\n1 keep hourly 2026-10-25 02:00+0100\n");
}

static void
sources_are_counted_by_themselves(void **state)
{
	static const struct given given[] = {
		{ "2026-11-01", "shop", false, "" },
		{ "2026-11-02", "wiki", false, "" },
		{ "2026-11-03", "shop", false, "" },
	};
	struct place p;
	FILL(p, given);
	struct forget_policy last = { .last = 1 };
	decides(&p, NULL, &last, "0 go no rule keeps it\n1 keep last 1\n2 keep last 1\n");
	AUTO(snapshot_filter) struct snapshot_filter wiki = SNAPSHOT_FILTER_INIT;
	struct err err;
	ok(strv_add(&wiki.stacks, "wiki", &err));
	decides(&p, &wiki, &last,
	    "0 keep not asked about\n1 keep last 1\n2 keep not asked about\n");
}

static void
partial_ones_take_no_place(void **state)
{
	static const struct given given[] = {
		{ "2026-11-01", "shop", false, "" },
		{ "2026-11-02", "shop", true, "" },
		{ "2026-11-03", "shop", false, "" },
		{ "2026-11-04", "shop", true, "" },
		{ "2026-11-05", "shop", true, "" },
		{ "2026-11-06", "wiki", true, "" },
	};
	struct place p;
	FILL(p, given);
	struct forget_policy last = { .last = 2 };
	decides(&p, NULL, &last,
	    "0 keep last 2\n1 go no rule keeps it\n2 keep last 1\n"
	    "3 keep newer than the last complete one\n4 keep newer than the last complete one\n"
	    "5 keep there is no complete one\n");
}

static void
tags_and_age_keep_partial_ones_too(void **state)
{
	static const struct given given[] = {
		{ "2026-10-01", "shop", true, "keep" },
		{ "2026-11-01", "shop", true, "" },
		{ "2026-11-20", "shop", true, "" },
		{ "2026-11-21", "shop", false, "" },
	};
	struct place p;
	struct err err;
	FILL(p, given);
	AUTO(strv) struct strv tags = STRV_INIT;
	ok(strv_add(&tags, "keep", &err));
	struct forget_policy policy = { .within = "7d", .tags = &tags };
	decides(&p, NULL, &policy,
	    "0 keep tag keep\n1 go no rule keeps it\n2 keep within 7d\n3 keep within 7d\n");
}

static void
the_last_complete_one_stays(void **state)
{
	static const struct given given[] = {
		{ "2026-11-01", "shop", false, "" },
		{ "2026-11-02", "shop", false, "" },
		{ "2026-11-03", "shop", false, "b" },
	};
	struct place p;
	struct err err;
	FILL(p, given);
	AUTO(strv) struct strv tags = STRV_INIT;
	ok(strv_add(&tags, "nosuch", &err));
	struct forget_policy policy = { .tags = &tags };
	decides(&p, NULL, &policy,
	    "0 go no rule keeps it\n1 go no rule keeps it\n"
	    "2 keep last complete of stack shop on nas\n");
	/* By a filter that leaves a later one alone, all of the older may go. */
	AUTO(snapshot_filter) struct snapshot_filter old = SNAPSHOT_FILTER_INIT;
	ok(time_parse(&old.until_ns, "2026-11-03", 0, &err));
	decides(&p, &old, &policy,
	    "0 go no rule keeps it\n1 go no rule keeps it\n2 keep not asked about\n");
}

static void
by_name_all_go_or_none(void **state)
{
	static const struct given given[] = {
		{ "2026-11-01", "shop", false, "" },
		{ "2026-11-02", "shop", false, "" },
		{ "2026-11-03", "shop", true, "" },
	};
	struct place p;
	struct err err;
	AUTO(forget_plan) struct forget_plan *plan = NULL;
	AUTO(snapshot_filter) struct snapshot_filter named = SNAPSHOT_FILTER_INIT;
	char hex[ID_HEX_SIZE];
	char want[128];
	FILL(p, given);
	id_hex(hex, &p.ids[1]);
	ok(strv_add(&named.names, hex, &err));
	decides(
	    &p, &named, NULL, "0 keep not asked about\n1 go named\n2 keep not asked about\n");
	snprintf(want, sizeof want,
	    "snapshot %.8s must stay: it is the last complete of stack shop on nas; nothing "
	    "was "
	    "forgotten",
	    hex);
	id_hex(hex, &p.ids[0]);
	ok(strv_add(&named.names, hex, &err));
	refused(forget_plan_make(&plan, p.f->repo, &named, NULL, &err), ERR_DENIED, want);
}

/* Each later than the one before: of one snapshot the latest counts. */
static void
drilled(struct place *p, size_t number, const char *verdict)
{
	static int now_ns;
	struct err err;
	AUTO(bufv) struct buf doc = BUF_INIT;
	struct id id;
	char hex[ID_HEX_SIZE];
	id_hex(hex, &p->ids[number]);
	ok(buf_printf(&doc, &err,
	    "{\"version\":1,\"snapshot\":\"%s\",\"verdict\":\"%s\",\"time_ns\":%d}", hex,
	    verdict, ++now_ns));
	ok(proof_save(p->f->repo, &doc, &id, &err));
}

static void
only_what_was_proved_stands_for_older_ones(void **state)
{
	static const struct given given[] = {
		{ "2026-11-01 12:00", "shop", false, "" },
		{ "2026-11-02 12:00", "shop", false, "" },
		{ "2026-11-03 12:00", "blog", false, "" },
		{ "2026-11-04 12:00", "shop", true, "" },
		{ "2026-11-05 12:00", "shop", false, "" },
	};
	static const struct forget_policy one = { .last = 1, .needs_proof = true };
	static const struct forget_policy plain = { .last = 1 };
	static const char none_goes[] = "0 keep nothing newer is proved\n"
					"1 keep nothing newer is proved\n"
					"2 keep last 1\n"
					"3 keep nothing newer is proved\n"
					"4 keep last 1\n";
	struct place p;
	FILL(p, given);
	decides(&p, NULL, &plain,
	    "0 go no rule keeps it\n1 go no rule keeps it\n2 keep last 1\n3 go no rule keeps "
	    "it\n4 keep last 1\n");
	decides(&p, NULL, &one, none_goes);
	/* Another source's proof, a failed one and a partial one stand for nothing. */
	drilled(&p, 2, PROOF_PROVED);
	drilled(&p, 4, PROOF_FAILED);
	drilled(&p, 3, PROOF_PROVED);
	decides(&p, NULL, &one, none_goes);
	/* One that stays for want of a newer proved one is one itself. */
	drilled(&p, 1, PROOF_PROVED);
	decides(&p, NULL, &one,
	    "0 go no rule keeps it\n1 keep nothing newer is proved\n2 keep last 1\n3 keep "
	    "nothing newer is proved\n4 keep last 1\n");
	drilled(&p, 4, PROOF_PROVED);
	decides(&p, NULL, &one,
	    "0 go no rule keeps it\n1 go no rule keeps it\n2 keep last 1\n3 go no rule keeps "
	    "it\n4 keep last 1\n");
}

static void
what_was_stored_before_a_verification_counts_as_proved(void **state)
{
	static const struct given given[] = {
		{ "2026-11-01 12:00", "shop", false, "" },
		{ "2026-11-02 12:00", "shop", false, "" },
		{ "2026-11-03 12:00", "shop", false, "" },
	};
	struct forget_policy one = { .last = 1, .needs_proof = true };
	struct place p;
	struct err err;
	FILL(p, given);
	/* While the last was being made. */
	ok(time_parse(&one.verified_ns, "2026-11-03 12:00:30", 0, &err));
	decides(&p, NULL, &one,
	    "0 go no rule keeps it\n1 keep nothing newer is proved\n2 keep last 1\n");
	ok(time_parse(&one.verified_ns, "2026-11-03 12:02", 0, &err));
	decides(
	    &p, NULL, &one, "0 go no rule keeps it\n1 go no rule keeps it\n2 keep last 1\n");
}

static void
rules_that_keep_nothing_are_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct forget_plan *plan;
	struct forget_policy none = { .within = NULL };
	struct snapshot_filter all = SNAPSHOT_FILTER_INIT;
	refused(forget_plan_make(&plan, f->repo, &all, &none, &err), ERR_USAGE,
	    "these rules would keep nothing");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(spans_are_of_the_local_calendar),
		CASE(the_hour_that_comes_twice_counts_as_two),
		CASE(sources_are_counted_by_themselves),
		CASE(partial_ones_take_no_place),
		CASE(tags_and_age_keep_partial_ones_too),
		CASE(the_last_complete_one_stays),
		CASE(by_name_all_go_or_none),
		CASE(only_what_was_proved_stands_for_older_ones),
		CASE(what_was_stored_before_a_verification_counts_as_proved),
		CASE(rules_that_keep_nothing_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

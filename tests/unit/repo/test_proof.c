/*
 * Proofs as they are stored, which one counts, and when they go.
 */
#include "tree/fixture.h"

#include "repo/check.h"
#include "repo/object.h"
#include "repo/proof.h"
#include "repo/repo_impl.h"
#include "repo/snapshot.h"

static struct id
id_of(uint8_t byte)
{
	struct id id;
	memset(id.b, byte, sizeof id.b);
	return id;
}

static struct id
put(struct fixture *f, const struct id *snapshot, const char *verdict, int64_t time_ns)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	char hex[ID_HEX_SIZE];
	struct id id;
	struct err err;
	id_hex(hex, snapshot);
	ok(buf_printf(&text, &err,
	    "{\"version\":1,\"snapshot\":\"%s\",\"verdict\":\"%s\",\"time_ns\":%lld}", hex,
	    verdict, (long long)time_ns));
	ok(proof_save(f->repo, &text, &id, &err));
	return id;
}

static int64_t
time_that_counts(struct fixture *f, const struct id *snapshot)
{
	AUTO(proofs) struct proofs *all = NULL;
	struct err err;
	ok(proofs_load(&all, f->repo, &err));
	return json_get_int(proofs_of(all, snapshot), "time_ns", -1);
}

static void
the_newest_conclusive_one_counts(void **state)
{
	struct fixture *f = *state;
	struct id a = id_of(1);
	struct id b = id_of(2);
	assert_int_equal(time_that_counts(f, &a), -1);
	(void)put(f, &a, PROOF_INCONCLUSIVE, 10);
	assert_int_equal(time_that_counts(f, &a), 10);
	(void)put(f, &a, PROOF_INCONCLUSIVE, 90);
	assert_int_equal(time_that_counts(f, &a), 90);
	(void)put(f, &a, PROOF_PROVED, 30);
	(void)put(f, &a, PROOF_FAILED, 20);
	(void)put(f, &b, PROOF_PROVED, 99);
	assert_int_equal(time_that_counts(f, &a), 30);
	(void)put(f, &a, PROOF_FAILED, 40);
	assert_int_equal(time_that_counts(f, &a), 40);
	assert_int_equal(time_that_counts(f, &b), 99);
}

static struct id
save_snapshot(struct fixture *f)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	struct id id;
	struct err err;
	ok(buf_str(&text, "{\"version\":1}", &err));
	ok(snapshot_save(f->repo, &text, &id, &err));
	return id;
}

static void
those_of_snapshots_that_are_gone_are_pruned(void **state)
{
	struct fixture *f = *state;
	struct id there = save_snapshot(f);
	struct id gone = id_of(7);
	struct err err;
	uint64_t removed;
	(void)put(f, &there, PROOF_PROVED, 1);
	(void)put(f, &gone, PROOF_PROVED, 2);
	ok(proofs_prune(f->repo, true, &removed, &err));
	assert_int_equal(removed, 1);
	assert_int_equal(time_that_counts(f, &gone), 2);
	ok(proofs_prune(f->repo, false, &removed, &err));
	assert_int_equal(removed, 1);
	assert_int_equal(time_that_counts(f, &gone), -1);
	assert_int_equal(time_that_counts(f, &there), 1);
}

static void
note_problem(void *arg, const char *object, enum err_code code, const char *what)
{
	char *seen = arg;
	(void)code;
	(void)what;
	snprintf(seen, 100, "%s", object);
}

static void
one_that_is_damaged_is_passed_over_told_and_pruned(void **state)
{
	struct fixture *f = *state;
	AUTO(proofs) struct proofs *all = NULL;
	AUTO(bufv) struct buf raw = BUF_INIT;
	struct id snapshot = save_snapshot(f);
	struct id id = put(f, &snapshot, PROOF_PROVED, 5);
	struct check_result result;
	char seen[100] = "";
	struct check_options opt = { .problem = note_problem, .arg = seen };
	char key[OBJECT_KEY_SIZE];
	struct err err;
	uint64_t removed;
	object_key(key, OBJECT_PROOF, &id);
	ok(repo_check(f->repo, &opt, &result, &err));
	assert_int_equal(result.problems, 0);
	ok(store_get(f->store, key, 1 << 20, &raw, &err));
	raw.data[raw.len - 1] ^= 1;
	ok(store_delete(f->store, key, &err));
	ok(store_put(f->store, key, raw.data, raw.len, &err));
	ok(proofs_load(&all, f->repo, &err));
	assert_int_equal(proofs_damaged(all), 1);
	assert_null(proofs_of(all, &snapshot));
	ok(repo_check(f->repo, &opt, &result, &err));
	assert_int_equal(result.problems, 1);
	assert_string_equal(seen, key);
	ok(proofs_prune(f->repo, false, &removed, &err));
	assert_int_equal(removed, 1);
}

static void
one_of_a_later_version_is_left_alone(void **state)
{
	struct fixture *f = *state;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(proofs) struct proofs *all = NULL;
	struct id id;
	struct err err;
	uint64_t removed;
	ok(buf_str(&text, "{\"version\":2}", &err));
	ok(proof_save(f->repo, &text, &id, &err));
	ok(proofs_load(&all, f->repo, &err));
	assert_int_equal(proofs_damaged(all), 1);
	ok(proofs_prune(f->repo, false, &removed, &err));
	assert_int_equal(removed, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_newest_conclusive_one_counts),
		CASE(those_of_snapshots_that_are_gone_are_pruned),
		CASE(one_that_is_damaged_is_passed_over_told_and_pruned),
		CASE(one_of_a_later_version_is_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "testing.h"

#include "base/strv.h"
#include "repo/check.h"
#include "repo/repair.h"
#include "repo/repo_impl.h"
#include "repo/writer.h"
#include "sys/rand.h"

#define RUNS 4
#define CHUNKS 60 /* of a run; a run leaves a data pack, a tree pack and an index object */

struct fixture {
	struct store *store;
	struct secret *pass;
	struct repo_key key;
	struct id ids[RUNS * CHUNKS];
	struct strv news; /* "NEWS OBJECT" */
};

static struct repo *
open_bare(struct fixture *f)
{
	struct err err;
	struct repo *r;
	ok(repo_open_bare(&r, f->store, &f->key, NULL, &err));
	return r;
}

static void
store_run(struct fixture *f, unsigned run)
{
	struct err err;
	struct repo *r;
	struct writer *w;
	struct writer_options opt = WRITER_OPTIONS_INIT;
	ok(repo_open(&r, f->store, &f->key, NULL, &err));
	ok(writer_open(&w, r, &opt, &err));
	for (unsigned i = 0; i < CHUNKS; i++) {
		uint8_t data[2000];
		ok(rand_bytes(data, sizeof data, &err));
		ok(writer_add_now(w, i % 2 ? CHUNK_TREE : CHUNK_DATA, data, sizeof data,
		    &f->ids[run * CHUNKS + i], &err));
	}
	ok(writer_flush(w, &err));
	writer_close(w);
	repo_close(r);
}

static int
setup(void **state)
{
	struct err err;
	struct repo_create_options quick = { 8, 1, NULL };
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ok(store_open_mem(&f->store, &err));
	ok(secret_copy(&f->pass, "correct horse", 13, &err));
	f->key.passphrase = f->pass;
	ok(repo_create(f->store, &f->key, &quick, &err));
	for (unsigned i = 0; i < RUNS; i++)
		store_run(f, i);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	strv_release(&f->news);
	store_close(f->store);
	secret_free(f->pass);
	free(f);
	return 0;
}

/* --- what lies in the store --- */

static enum err_code
add_key(void *arg, const struct store_entry *e, struct err *err)
{
	return strv_add(arg, e->key, err);
}

static struct strv
list(struct fixture *f, const char *prefix)
{
	struct err err;
	struct strv keys = STRV_INIT;
	ok(store_list(f->store, prefix, NULL, add_key, &keys, &err));
	return keys;
}

static size_t
count(struct fixture *f, const char *prefix)
{
	struct strv keys = list(f, prefix);
	size_t n = keys.len;
	strv_release(&keys);
	return n;
}

/* Put other bytes in the place of an object: cut off, flipped, or none. */
static void
harm(struct fixture *f, const char *key, size_t keep, size_t flip)
{
	struct err err;
	struct buf raw = BUF_INIT;
	ok(store_get(f->store, key, 1 << 24, &raw, &err));
	ok(store_delete(f->store, key, &err));
	if (flip < raw.len)
		raw.data[flip] ^= 1;
	if (keep > 0)
		ok(store_put(f->store, key, raw.data, min_size(keep, raw.len), &err));
	buf_release(&raw);
}

static size_t
size_of(struct fixture *f, const char *key)
{
	struct err err;
	uint64_t size;
	ok(store_size(f->store, key, &size, &err));
	return size;
}

/* --- repairing --- */

static void
note(void *arg, enum repair_news news, const char *object, const char *why)
{
	static const char *const words[] = { "indexes", "packs", "write", "damaged", "outdated",
		"written", "deleted", "missing", "cut", "unreadable" };
	struct fixture *f = arg;
	struct err err;
	(void)why;
	ok(strv_addf(&f->news, &err, "%s %s", words[news], object != NULL ? object : ""));
}

static struct repair_result
repair(struct fixture *f, bool dry_run, bool read_all)
{
	struct err err;
	struct repair_result result;
	struct repair_options opt = {
		.dry_run = dry_run, .read_all = read_all, .news = note, .arg = f
	};
	struct repo *r = open_bare(f);
	strv_release(&f->news);
	ok(repo_repair_index(r, &opt, &result, &err));
	repo_close(r);
	return result;
}

static size_t
readable(struct fixture *f)
{
	struct err err;
	struct repo *r;
	size_t n = 0;
	ok(repo_open(&r, f->store, &f->key, NULL, &err));
	for (size_t i = 0; i < ARRAY_LEN(f->ids); i++) {
		struct chunk_view view;
		if (repo_read_chunk(r, &f->ids[i], &view, &err))
			continue;
		chunk_view_release(&view);
		n++;
	}
	repo_close(r);
	return n;
}

static uint64_t
problems(struct fixture *f)
{
	struct err err;
	struct repo *r;
	struct check_options opt = { .read_data = true };
	struct check_result result;
	ok(repo_open(&r, f->store, &f->key, NULL, &err));
	ok(repo_check(r, &opt, &result, &err));
	assert_int_equal(result.unused_packs, 0);
	repo_close(r);
	return result.problems;
}

/* Nothing is left to do. */
static void
is_mended(struct fixture *f)
{
	struct repair_result r = repair(f, false, false);
	assert_int_equal(r.indexes_written, 0);
	assert_int_equal(r.indexes_deleted, 0);
	assert_int_equal(r.packs_added, 0);
	assert_int_equal(r.packs_missing, 0);
	assert_int_equal(f->news.len, 1);
}

static void
a_sound_index_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct repair_result r = repair(f, false, false);
	assert_int_equal(r.indexes, RUNS);
	assert_int_equal(r.packs, 2 * RUNS);
	is_mended(f);
	assert_int_equal(readable(f), RUNS * CHUNKS);
}

static void
packs_that_no_index_names_are_added(void **state)
{
	struct fixture *f = *state;
	struct strv keys = list(f, "index/");
	harm(f, keys.items[1], 0, SIZE_MAX);
	assert_int_equal(readable(f), (RUNS - 1) * CHUNKS);
	struct repair_result dry = repair(f, true, false);
	assert_int_equal(dry.packs_added, 2);
	assert_int_equal(dry.indexes_written, 1);
	assert_int_equal(count(f, "index/"), RUNS - 1);
	assert_int_equal(readable(f), (RUNS - 1) * CHUNKS);
	struct repair_result r = repair(f, false, false);
	assert_int_equal(r.packs_added, 2);
	assert_int_equal(r.indexes_written, 1);
	assert_int_equal(r.indexes_deleted, 0);
	assert_int_equal(readable(f), RUNS * CHUNKS);
	assert_int_equal(problems(f), 0);
	is_mended(f);
	strv_release(&keys);
}

static void
all_indexes_can_be_gone(void **state)
{
	struct fixture *f = *state;
	struct strv keys = list(f, "index/");
	for (size_t i = 0; i < keys.len; i++)
		harm(f, keys.items[i], 0, SIZE_MAX);
	struct repair_result r = repair(f, false, false);
	assert_int_equal(r.indexes, 0);
	assert_int_equal(r.packs_added, 2 * RUNS);
	assert_int_equal(count(f, "index/"), 1);
	assert_int_equal(readable(f), RUNS * CHUNKS);
	assert_int_equal(problems(f), 0);
	is_mended(f);
	strv_release(&keys);
}

static void
damaged_indexes_are_replaced_and_deleted_last(void **state)
{
	struct fixture *f = *state;
	struct strv keys = list(f, "index/");
	struct err err;
	struct repo *opened;
	harm(f, keys.items[0], SIZE_MAX, 60);
	harm(f, keys.items[2], 30, SIZE_MAX);
	assert_int_equal(repo_open(&opened, f->store, &f->key, NULL, &err), ERR_CORRUPT);
	struct repair_result r = repair(f, false, false);
	assert_int_equal(r.indexes_damaged, 2);
	assert_int_equal(r.packs_added, 4);
	assert_int_equal(r.indexes_written, 1);
	assert_int_equal(r.indexes_deleted, 2);
	size_t written = 0;
	for (size_t i = 0; i < f->news.len; i++) {
		if (str_starts(f->news.items[i], "written "))
			written = i;
		if (str_starts(f->news.items[i], "deleted "))
			assert_true(written > 0 && i > written);
	}
	assert_int_equal(readable(f), RUNS * CHUNKS);
	assert_int_equal(problems(f), 0);
	is_mended(f);
	strv_release(&keys);
}

static void
missing_packs_are_forgotten_and_all_else_is_kept(void **state)
{
	struct fixture *f = *state;
	struct strv packs = list(f, "packs/");
	struct strv want = STRV_INIT;
	struct err err;
	harm(f, packs.items[3], 0, SIZE_MAX);
	ok(strv_addf(&want, &err, "missing %s", packs.items[3]));
	assert_int_equal(repair(f, true, false).packs_missing, 1);
	assert_int_equal(count(f, "index/"), RUNS);
	struct repair_result r = repair(f, false, false);
	assert_int_equal(r.packs_missing, 1);
	assert_int_equal(r.packs_added, 0);
	assert_int_equal(r.indexes_outdated, 1);
	assert_int_equal(r.indexes_written, 1);
	assert_int_equal(r.indexes_deleted, 1);
	assert_true(strv_has(&f->news, want.items[0]));
	assert_int_equal(readable(f), RUNS * CHUNKS - CHUNKS / 2);
	assert_int_equal(problems(f), 0);
	is_mended(f);
	strv_release(&want);
	strv_release(&packs);
}

static void
of_a_pack_that_was_cut_off_the_whole_frames_are_kept(void **state)
{
	struct fixture *f = *state;
	struct strv packs = list(f, "packs/");
	harm(f, packs.items[0], size_of(f, packs.items[0]) - 1, SIZE_MAX);
	struct repair_result r = repair(f, false, false);
	assert_int_equal(r.packs_cut, 1);
	assert_int_equal(r.packs_unreadable, 0);
	assert_int_equal(r.indexes_written, 1);
	assert_int_equal(r.indexes_deleted, 1);
	assert_int_equal(readable(f), RUNS * CHUNKS);
	is_mended(f);

	/* Cut within its only frame: nothing is whole. */
	harm(f, packs.items[0], 5000, SIZE_MAX);
	r = repair(f, false, false);
	assert_int_equal(r.packs_cut, 0);
	assert_int_equal(r.packs_unreadable, 1);
	assert_int_equal(readable(f), RUNS * CHUNKS - CHUNKS / 2);
	/* It stays, and is told each time. */
	r = repair(f, false, false);
	assert_int_equal(r.packs_unreadable, 1);
	assert_int_equal(r.indexes_written, 0);
	strv_release(&packs);
}

static void
a_pack_that_is_something_else_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct strv packs = list(f, "packs/");
	struct err err;
	harm(f, packs.items[1], 0, SIZE_MAX);
	ok(store_put(f->store, packs.items[1], "nonsense", 8, &err));
	struct repair_result r = repair(f, false, false);
	assert_int_equal(r.packs_unreadable, 1);
	assert_int_equal(r.packs_cut, 0);
	assert_int_equal(readable(f), RUNS * CHUNKS - CHUNKS / 2);
	strv_release(&packs);
}

static void
read_all_makes_everything_anew_and_keeps_what_only_the_index_tells(void **state)
{
	struct fixture *f = *state;
	struct strv packs = list(f, "packs/");
	struct strv before = list(f, "index/");
	/* The directory is damaged, the frames are not. */
	harm(f, packs.items[5], SIZE_MAX, size_of(f, packs.items[5]) - 30);
	struct repair_result r = repair(f, false, true);
	assert_int_equal(r.packs_unreadable, 0);
	assert_int_equal(r.packs_added, 0);
	assert_int_equal(r.indexes_written, 1);
	assert_int_equal(r.indexes_deleted, RUNS);
	assert_int_equal(readable(f), RUNS * CHUNKS);
	struct strv after = list(f, "index/");
	assert_int_equal(after.len, 1);
	assert_false(strv_has(&before, after.items[0]));
	is_mended(f);
	strv_release(&packs);
	strv_release(&before);
	strv_release(&after);
}

static void
a_deleter_at_work_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct strv keys = list(f, "index/");
	struct err err;
	struct repair_result result;
	struct repair_options opt = { .news = note, .arg = f };
	harm(f, keys.items[0], 0, SIZE_MAX);
	ok(store_put(f->store, "marks/ab", "x", 1, &err));
	struct repo *r = open_bare(f);
	refused_like(repo_repair_index(r, &opt, &result, &err), ERR_LOCKED,
	    "repair index: somebody is deleting from this repository (marks/ab): ");
	repo_close(r);
	assert_int_equal(count(f, "index/"), RUNS - 1);
	strv_release(&keys);
}

/* A mark that comes when the new indexes are being written. */
struct late_mark {
	struct fixture *fixture;
	bool done;
};

static void
put_mark(void *arg, enum repair_news news, const char *object, const char *why)
{
	struct late_mark *m = arg;
	struct err err;
	(void)object;
	(void)why;
	if (news == REPAIR_INDEX_WRITTEN) {
		ok(store_put(m->fixture->store, "marks/cd", "x", 1, &err));
		m->done = true;
	}
}

static void
a_deleter_that_comes_meanwhile_has_its_way(void **state)
{
	struct fixture *f = *state;
	struct strv before = list(f, "index/");
	struct err err;
	struct repair_result result;
	struct late_mark m = { f, false };
	struct repair_options opt = { .read_all = true, .news = put_mark, .arg = &m };
	struct repo *r = open_bare(f);
	assert_int_equal(repo_repair_index(r, &opt, &result, &err), ERR_LOCKED);
	assert_true(m.done);
	repo_close(r);
	struct strv after = list(f, "index/");
	assert_int_equal(after.len, before.len);
	for (size_t i = 0; i < after.len; i++)
		assert_string_equal(after.items[i], before.items[i]);
	assert_int_equal(readable(f), RUNS * CHUNKS);
	strv_release(&before);
	strv_release(&after);
}

static void
a_failure_at_any_step_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct err err;
	for (unsigned at = 1;; at++) {
		/* As it was: one index damaged, one missing, and all chunks stored. */
		struct strv keys = list(f, "index/");
		harm(f, keys.items[0], 0, SIZE_MAX);
		if (keys.len > 1)
			harm(f, keys.items[1], SIZE_MAX, 70);
		strv_release(&keys);

		struct store *inner = f->store;
		struct store *faulty;
		struct store_fault plan = { .fail_at = at, .sticky = true };
		struct repair_options opt = { .news = note, .arg = f };
		struct repair_result result;
		struct repo *r = open_bare(f);
		ok(store_open_fault(&faulty, inner, &plan, &err));
		r->store = faulty;
		enum err_code rc = repo_repair_index(r, &opt, &result, &err);
		repo_close(r);
		bool was_reached = plan.count >= at;
		/* The wrapper owns the store: let go of it without closing the store. */
		f->store = inner;
		struct repair_result again = repair(f, false, false);
		assert_int_equal(again.packs_missing, 0);
		assert_int_equal(readable(f), RUNS * CHUNKS);
		assert_true(was_reached || rc == ERR_OK);
		free(faulty);
		if (!was_reached)
			break;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_sound_index_is_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    packs_that_no_index_names_are_added, setup, teardown),
		cmocka_unit_test_setup_teardown(all_indexes_can_be_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    damaged_indexes_are_replaced_and_deleted_last, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    missing_packs_are_forgotten_and_all_else_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    of_a_pack_that_was_cut_off_the_whole_frames_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_pack_that_is_something_else_is_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    read_all_makes_everything_anew_and_keeps_what_only_the_index_tells, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_deleter_at_work_is_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_deleter_that_comes_meanwhile_has_its_way, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_failure_at_any_step_loses_nothing, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

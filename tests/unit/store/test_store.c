/*
 * What every store must do (store.h), over each of them.
 */
#include "testing.h"

#include "base/strv.h"
#include "s3_server.h"
#include "store/s3.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/thread.h"

/* S3 with and without conditional puts; and what STACKSNAP_TEST_S3 names. */
enum kind { LOCAL, MEMORY, FAULT_WITHOUT_FAULT, S3, S3_THAT_LOOKS, S3_ELSEWHERE };

static struct s3_server server;
static unsigned s3_places; /* one for each test */

struct fixture {
	enum kind kind;
	char *dir; /* of the local one */
	struct store *store;
	struct store_fault plan;
};

static enum err_code
open_s3(struct fixture *f, struct err *err)
{
	char address[300];
	struct store_s3_options opt = { .address = address };
	const char *elsewhere = getenv("STACKSNAP_TEST_S3");
	unsigned n = s3_places++;
	if (f->kind == S3_ELSEWHERE)
		snprintf(address, sizeof address, "%s/%d-%u", elsewhere, (int)getpid(), n);
	else
		snprintf(address, sizeof address, "s3:http://127.0.0.1:%s/bucket/a b+/%u%s",
		    server.port, n, f->kind == S3_THAT_LOOKS ? "?conditional=no" : "");
	return store_open_s3(&f->store, &opt, err);
}

static enum err_code
open_kind(struct fixture *f, struct err *err)
{
	if (f->kind >= S3)
		return open_s3(f, err);
	if (f->kind == LOCAL) {
		if (fs_make_temp_dir(&f->dir, "stacksnap-store", err))
			return err->code;
		return store_open_local(&f->store, f->dir, STORE_EXISTING, err);
	}
	if (f->kind == MEMORY)
		return store_open_mem(&f->store, err);
	struct store *inner;
	if (store_open_mem(&inner, err))
		return err->code;
	return store_open_fault(&f->store, inner, &f->plan, err);
}

static int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->kind = *(const enum kind *)*state;
	ok(open_kind(f, &err));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	struct err err;
	store_close(f->store);
	if (f->dir != NULL)
		ok(fs_remove_tree(f->dir, &err));
	free(f->dir);
	free(f);
	return 0;
}

/* The message that begins with where the store is. */
#define refused_here(call, want_code, fmt, ...)                                        \
	do {                                                                           \
		AUTO(str) char *want_ = NULL;                                          \
		ok(str_printf(                                                         \
		    &want_, &err, "%s: " fmt, store_location(f->store), __VA_ARGS__)); \
		refused(call, want_code, want_);                                       \
	} while (0)

static void
put_text(struct fixture *f, const char *key, const char *text)
{
	struct err err;
	ok(store_put(f->store, key, text, strlen(text), &err));
}

static void
settling_a_folder_needs_no_folder(void **state)
{
	struct fixture *f = *state;
	struct err err;
	ok(store_settle(f->store, "index/", &err));
	put_text(f, "index/ab", "x");
	ok(store_settle(f->store, "index/", &err));
}

static void
what_was_put_is_got(void **state)
{
	struct fixture *f = *state;
	struct err err;
	static const size_t lengths[] = { 0, 1, 4096, 300000 };
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		AUTO(mem) uint8_t *data = malloc(lengths[i] + 1);
		AUTO(bufv) struct buf out = BUF_INIT;
		assert_non_null(data);
		for (size_t k = 0; k < lengths[i]; k++)
			data[k] = (uint8_t)(k * 13 + i);
		char key[40];
		snprintf(key, sizeof key, "packs/0%zu/0%zuab", i, i);
		uint64_t size = 99;
		ok(store_put(f->store, key, data, lengths[i], &err));
		ok(store_size(f->store, key, &size, &err));
		assert_int_equal(size, lengths[i]);
		/* It is put behind what the buffer holds. */
		ok(buf_str(&out, "before", &err));
		ok(store_get(f->store, key, lengths[i], &out, &err));
		assert_int_equal(out.len, 6 + lengths[i]);
		assert_memory_equal(out.data, "before", 6);
		if (lengths[i] > 0)
			assert_memory_equal(out.data + 6, data, lengths[i]);
	}
}

static void
an_object_is_never_replaced(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(bufv) struct buf out = BUF_INIT;
	put_text(f, "keys/ab", "first");
	AUTO(str) char *want = NULL;
	ok(str_printf(&want, &err, "%s: put keys/ab: ", store_location(f->store)));
	refused_like(store_put(f->store, "keys/ab", "second", 6, &err), ERR_EXISTS, want);
	ok(store_get(f->store, "keys/ab", 100, &out, &err));
	assert_int_equal(out.len, 5);
	assert_memory_equal(out.data, "first", 5);
}

static void
what_is_absent_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct err err;
	uint64_t size = 7;
	uint8_t out[4] = { 1, 2, 3, 4 };
	AUTO(bufv) struct buf b = BUF_INIT;
	put_text(f, "packs/ab/abcd", "x");
	static const char *const absent[] = { "config", "packs/ab/abce", "index/ab",
		/* The beginning of a key is none. */
		"packs", "packs/ab" };
	for (size_t i = 0; i < ARRAY_LEN(absent); i++) {
		const char *key = absent[i];
		refused_here(store_get(f->store, key, 100, &b, &err), ERR_NOT_FOUND,
		    "get %s: no such object", key);
		refused_here(store_get_range(f->store, key, 0, out, 1, &err), ERR_NOT_FOUND,
		    "get %s: no such object", key);
		refused_here(store_size(f->store, key, &size, &err), ERR_NOT_FOUND,
		    "look at %s: no such object", key);
		refused_here(store_delete(f->store, key, &err), ERR_NOT_FOUND,
		    "delete %s: no such object", key);
	}
	assert_int_equal(b.len, 0);
	assert_int_equal(size, 7);
	assert_int_equal(out[0], 1);
}

static void
ranges_are_read_exactly_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	struct err err;
	char out[12] = "..........";
	put_text(f, "packs/ab/ab", "0123456789");
	ok(store_get_range(f->store, "packs/ab/ab", 0, out, 10, &err));
	assert_string_equal(out, "0123456789");
	ok(store_get_range(f->store, "packs/ab/ab", 4, out, 3, &err));
	assert_string_equal(out, "4563456789");
	ok(store_get_range(f->store, "packs/ab/ab", 10, out, 0, &err));
	static const struct {
		uint64_t offset;
		size_t len;
	} beyond[] = { { 0, 11 }, { 9, 2 }, { 10, 1 }, { 11, 1 }, { UINT64_C(1) << 40, 1 } };
	for (size_t i = 0; i < ARRAY_LEN(beyond); i++)
		refused_here(store_get_range(f->store, "packs/ab/ab", beyond[i].offset, out,
				 beyond[i].len, &err),
		    ERR_CORRUPT, "get %s: ends early", "packs/ab/ab");
}

static void
an_object_larger_than_allowed_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(bufv) struct buf out = BUF_INIT;
	put_text(f, "index/ab", "0123456789");
	refused_here(store_get(f->store, "index/ab", 9, &out, &err), ERR_CORRUPT,
	    "get %s: larger than 9 bytes", "index/ab");
	assert_int_equal(out.len, 0);
	ok(store_get(f->store, "index/ab", 10, &out, &err));
	assert_int_equal(out.len, 10);
}

static void
what_was_deleted_is_gone_and_may_be_put_again(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(bufv) struct buf out = BUF_INIT;
	put_text(f, "snapshots/ab", "old");
	put_text(f, "snapshots/ac", "stays");
	ok(store_delete(f->store, "snapshots/ab", &err));
	refused_here(store_get(f->store, "snapshots/ab", 100, &out, &err), ERR_NOT_FOUND,
	    "get %s: no such object", "snapshots/ab");
	put_text(f, "snapshots/ab", "new");
	ok(store_get(f->store, "snapshots/ab", 100, &out, &err));
	ok(store_get(f->store, "snapshots/ac", 100, &out, &err));
	assert_int_equal(out.len, 8);
	assert_memory_equal(out.data, "newstays", 8);
}

struct listed {
	char text[2000];
	unsigned stop_after; /* 0: never */
	unsigned count;
	struct store *delete_from; /* NULL: nothing is deleted */
};

static enum err_code
note(void *arg, const struct store_entry *e, struct err *err)
{
	struct listed *l = arg;
	size_t n = strlen(l->text);
	snprintf(
	    l->text + n, sizeof l->text - n, "%s=%llu ", e->key, (unsigned long long)e->size);
	if (l->delete_from != NULL && store_delete(l->delete_from, e->key, err))
		return err->code;
	if (++l->count == l->stop_after)
		return err_set(err, ERR_CANCELLED, "enough");
	return ERR_OK;
}

static void
assert_lists(struct fixture *f, const char *prefix, const char *after, const char *want)
{
	struct err err;
	struct listed l = { .count = 0 };
	ok(store_list(f->store, prefix, after, note, &l, &err));
	assert_string_equal(l.text, want);
}

static void
listings_are_in_order_of_keys_with_a_prefix_and_behind_a_key(void **state)
{
	struct fixture *f = *state;
	assert_lists(f, "", NULL, "");
	static const char *const keys[] = { "packs/b0/b0", "index/zz", "config", "packs/a0/a1",
		"packs/a0/a0", "packs/a", "index/a", "packsx" };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		put_text(f, keys[i], &"abcdefgh"[i]);
	assert_lists(f, "", NULL,
	    "config=6 index/a=2 index/zz=7 packs/a=3 packs/a0/a0=4 packs/a0/a1=5 packs/b0/b0=8 "
	    "packsx=1 ");
	assert_lists(f, "index/", NULL, "index/a=2 index/zz=7 ");
	assert_lists(f, "packs/a0/", NULL, "packs/a0/a0=4 packs/a0/a1=5 ");
	assert_lists(f, "packs/a0/a1", NULL, "packs/a0/a1=5 ");
	assert_lists(f, "packs/a", NULL, "packs/a=3 packs/a0/a0=4 packs/a0/a1=5 ");
	assert_lists(
	    f, "pac", NULL, "packs/a=3 packs/a0/a0=4 packs/a0/a1=5 packs/b0/b0=8 packsx=1 ");
	assert_lists(f, "marks/", NULL, "");
	assert_lists(
	    f, "", "index/zz", "packs/a=3 packs/a0/a0=4 packs/a0/a1=5 packs/b0/b0=8 packsx=1 ");
	assert_lists(f, "packs/", "packs/a0/a0", "packs/a0/a1=5 packs/b0/b0=8 ");
	/* The key that was told last may have been deleted. */
	assert_lists(f, "packs/", "packs/a0/a05", "packs/a0/a1=5 packs/b0/b0=8 ");
	assert_lists(f, "packs/", "zz", "");
	assert_lists(f, "packs/", "a", "packs/a=3 packs/a0/a0=4 packs/a0/a1=5 packs/b0/b0=8 ");
}

static enum err_code
note_time(void *arg, const struct store_entry *e, struct err *err)
{
	(void)err;
	*(int64_t *)arg = e->modified_ns;
	return ERR_OK;
}

static void
listings_tell_when_an_object_was_put_and_are_not_late(void **state)
{
	struct fixture *f = *state;
	struct err err;
	int64_t put_ns = 0;
	int64_t minute_ns = 60 * NS_PER_S;
	put_text(f, "index/a", "");
	ok(store_list(f->store, "index/", NULL, note_time, &put_ns, &err));
	assert_true(
	    put_ns > clock_wall_ns() - minute_ns && put_ns < clock_wall_ns() + minute_ns);
	/* Of this host alone, wherever tests may run: a disk, a tmpfs, an overlay. */
	assert_int_equal(store_list_lag_s(f->store), 0);
}

static void
a_listing_ends_with_the_callbacks_error(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct listed l = { .stop_after = 2 };
	put_text(f, "index/a", "");
	put_text(f, "index/b", "");
	put_text(f, "index/c", "");
	refused(store_list(f->store, "", NULL, note, &l, &err), ERR_CANCELLED, "enough");
	assert_string_equal(l.text, "index/a=0 index/b=0 ");
}

static void
objects_may_be_deleted_while_they_are_listed(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct listed l = { .delete_from = f->store };
	put_text(f, "packs/a0/a", "");
	put_text(f, "packs/a0/b", "");
	put_text(f, "packs/b0/c", "");
	ok(store_list(f->store, "packs/", NULL, note, &l, &err));
	assert_string_equal(l.text, "packs/a0/a=0 packs/a0/b=0 packs/b0/c=0 ");
	assert_lists(f, "", NULL, "");
}

static void
keys_of_another_form_are_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	uint64_t size;
	uint8_t byte;
	AUTO(bufv) struct buf out = BUF_INIT;
	char endless[STORE_KEY_MAX + 1];
	memset(endless, 'a', sizeof endless - 1);
	endless[sizeof endless - 1] = '\0';
	const char *const bad[] = { "", "/", "/config", "config/", "a//b", ".", "..",
		"../config", "packs/../config", "a/./b", "a.b", "Config", "a b", "a\nb", "a\\b",
		"-a", "a_b", "caf\xc3\xa9", "a\x01", endless };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(store_key_is_valid(bad[i]));
		refused_here(store_put(f->store, bad[i], "x", 1, &err), ERR_USAGE,
		    "put %s: bad key: %s", bad[i], bad[i]);
		refused_here(store_get(f->store, bad[i], 9, &out, &err), ERR_USAGE,
		    "get %s: bad key: %s", bad[i], bad[i]);
		refused_here(store_get_range(f->store, bad[i], 0, &byte, 1, &err), ERR_USAGE,
		    "get %s: bad key: %s", bad[i], bad[i]);
		refused_here(store_size(f->store, bad[i], &size, &err), ERR_USAGE,
		    "look at %s: bad key: %s", bad[i], bad[i]);
		refused_here(store_delete(f->store, bad[i], &err), ERR_USAGE,
		    "delete %s: bad key: %s", bad[i], bad[i]);
	}
	assert_lists(f, "", NULL, "");
	endless[STORE_KEY_MAX - 1] = '\0';
	assert_true(store_key_is_valid(endless));
	assert_true(store_key_is_valid("packs/3f/0123456789abcdef"));
}

#define RIVALS 8

struct rival {
	struct store *store;
	unsigned number;
	unsigned won;
};

static void *
put_all(void *arg)
{
	struct rival *r = arg;
	for (unsigned i = 0; i < 60; i++) {
		struct err err;
		char key[40];
		char text[20];
		snprintf(key, sizeof key, "packs/%02u/x%u", i % 7, i);
		snprintf(text, sizeof text, "rival %u", r->number);
		if (store_put(r->store, key, text, strlen(text), &err) == ERR_OK)
			r->won++;
		else if (err.code != ERR_EXISTS)
			return err.msg[0] != '\0' ? r : NULL;
	}
	return NULL;
}

static void
of_many_that_put_the_same_key_one_wins(void **state)
{
	struct fixture *f = *state;
	struct err err;
	pthread_t threads[RIVALS];
	struct rival rivals[RIVALS];
	unsigned won = 0;
	for (unsigned i = 0; i < RIVALS; i++) {
		rivals[i] = (struct rival){ f->store, i, 0 };
		ok(thread_start(&threads[i], put_all, &rivals[i], "rival", &err));
	}
	for (unsigned i = 0; i < RIVALS; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
		won += rivals[i].won;
	}
	assert_int_equal(won, 60);
	struct listed l = { .count = 0 };
	ok(store_list(f->store, "packs/", NULL, note, &l, &err));
	assert_int_equal(l.count, 60);
}

#define CASE(kind, f)                             \
	cmocka_unit_test_prestate_setup_teardown( \
	    f, setup, teardown, (void *)(uintptr_t) & (kind))
#define CASES(kind)                                                                           \
	CASE(kind, settling_a_folder_needs_no_folder), CASE(kind, what_was_put_is_got),       \
	    CASE(kind, an_object_is_never_replaced), CASE(kind, what_is_absent_is_not_found), \
	    CASE(kind, ranges_are_read_exactly_or_not_at_all),                                \
	    CASE(kind, an_object_larger_than_allowed_is_refused),                             \
	    CASE(kind, what_was_deleted_is_gone_and_may_be_put_again),                        \
	    CASE(kind, listings_are_in_order_of_keys_with_a_prefix_and_behind_a_key),         \
	    CASE(kind, listings_tell_when_an_object_was_put_and_are_not_late),                \
	    CASE(kind, a_listing_ends_with_the_callbacks_error),                              \
	    CASE(kind, objects_may_be_deleted_while_they_are_listed),                         \
	    CASE(kind, keys_of_another_form_are_refused)
/* Where a server cannot refuse, who comes first is told only by names that are hashes. */
#define ALL_CASES(kind) CASES(kind), CASE(kind, of_many_that_put_the_same_key_one_wins)

int
main(void)
{
	static const enum kind local = LOCAL;
	static const enum kind memory = MEMORY;
	static const enum kind fault = FAULT_WITHOUT_FAULT;
	static const enum kind s3 = S3;
	static const enum kind looks = S3_THAT_LOOKS;
	static const enum kind elsewhere = S3_ELSEWHERE;
	static const char *const pages[] = { "--page", "3", NULL };
	const struct CMUnitTest on_local[] = { ALL_CASES(local) };
	const struct CMUnitTest on_memory[] = { ALL_CASES(memory) };
	const struct CMUnitTest on_fault[] = { ALL_CASES(fault) };
	const struct CMUnitTest on_s3[] = { ALL_CASES(s3) };
	const struct CMUnitTest on_s3_that_looks[] = { CASES(looks) };
	const struct CMUnitTest on_s3_elsewhere[] = { ALL_CASES(elsewhere) };
	if (getenv("STACKSNAP_TEST_S3") != NULL)
		return cmocka_run_group_tests_name("S3 elsewhere", on_s3_elsewhere, NULL, NULL);
	int failed = cmocka_run_group_tests_name("local store", on_local, NULL, NULL);
	failed += cmocka_run_group_tests_name("memory store", on_memory, NULL, NULL);
	failed +=
	    cmocka_run_group_tests_name("fault store without a fault", on_fault, NULL, NULL);
	s3_server_start(&server, pages);
	failed += cmocka_run_group_tests_name("S3", on_s3, NULL, NULL);
	failed += cmocka_run_group_tests_name(
	    "S3 without conditional puts", on_s3_that_looks, NULL, NULL);
	s3_server_stop(&server);
	return failed;
}

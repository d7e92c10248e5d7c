/*
 * Trying again, over a store that fails as it is told to.
 */
#include "testing.h"

#include "store/retry.h"
#include "store/store_impl.h"
#include "sys/clock.h"

/* Passes on to a store in memory, but the first failures fail, before or after being done. */
struct flaky {
	struct store store;
	struct store *inner;
	unsigned failures;
	bool is_done; /* it is carried out all the same */
	unsigned calls;
	unsigned entries_before; /* a listing fails behind so many */
};

static struct flaky *
flaky_of(struct store *s)
{
	return (struct flaky *)s;
}

static bool
fails(struct flaky *f)
{
	f->calls++;
	if (f->failures == 0)
		return false;
	f->failures--;
	return true;
}

static enum err_code
cut(struct err *err)
{
	return err_set(err, ERR_TRANSIENT, "the connection was cut");
}

static enum err_code
flaky_put(struct store *s, const char *key, const void *data, size_t len, struct err *err)
{
	struct flaky *f = flaky_of(s);
	if (!fails(f))
		return f->inner->ops->put(f->inner, key, data, len, err);
	if (f->is_done && f->inner->ops->put(f->inner, key, data, len, err))
		return err->code;
	return cut(err);
}

static enum err_code
flaky_get(struct store *s, const char *key, size_t max, struct buf *out, struct err *err)
{
	struct flaky *f = flaky_of(s);
	if (fails(f))
		return buf_str(out, "half of", err) ? err->code : cut(err);
	return f->inner->ops->get(f->inner, key, max, out, err);
}

static enum err_code
flaky_get_range(
    struct store *s, const char *key, uint64_t offset, void *out, size_t len, struct err *err)
{
	struct flaky *f = flaky_of(s);
	return fails(f) ? cut(err)
			: f->inner->ops->get_range(f->inner, key, offset, out, len, err);
}

static enum err_code
flaky_size(struct store *s, const char *key, uint64_t *size, struct err *err)
{
	struct flaky *f = flaky_of(s);
	return fails(f) ? cut(err) : f->inner->ops->size(f->inner, key, size, err);
}

struct cut_listing {
	store_entry_fn *fn;
	void *arg;
	unsigned left;
};

static enum err_code
pass_some(void *arg, const struct store_entry *e, struct err *err)
{
	struct cut_listing *l = arg;
	return l->left-- == 0 ? cut(err) : l->fn(l->arg, e, err);
}

static enum err_code
flaky_list(struct store *s, const char *prefix, const char *after, store_entry_fn *fn,
    void *arg, struct err *err)
{
	struct flaky *f = flaky_of(s);
	struct cut_listing l = { fn, arg, f->entries_before };
	if (fails(f))
		return f->inner->ops->list(f->inner, prefix, after, pass_some, &l, err);
	return f->inner->ops->list(f->inner, prefix, after, fn, arg, err);
}

static enum err_code
flaky_delete(struct store *s, const char *key, struct err *err)
{
	struct flaky *f = flaky_of(s);
	if (!fails(f))
		return f->inner->ops->del(f->inner, key, err);
	if (f->is_done && f->inner->ops->del(f->inner, key, err))
		return err->code;
	return cut(err);
}

static void
flaky_close(struct store *s)
{
	store_close(flaky_of(s)->inner);
}

static const struct store_ops flaky_ops = {
	.put = flaky_put,
	.get = flaky_get,
	.get_range = flaky_get_range,
	.size = flaky_size,
	.list = flaky_list,
	.del = flaky_delete,
	.close = flaky_close,
};

struct fixture {
	struct flaky flaky;
	struct store *store;
	struct cancel cancel;
	unsigned told;
	char last[600];
	bool cancels; /* as soon as it is told */
};

static void
note_try(void *arg, const char *what)
{
	struct fixture *f = arg;
	f->told++;
	if (f->cancels)
		cancel_raise(&f->cancel);
	snprintf(f->last, sizeof f->last, "%s", what);
}

static void
open_with(struct fixture *f, int64_t base_ns, int64_t total_ns)
{
	struct err err;
	struct retry_options opt = RETRY_OPTIONS_INIT;
	opt.cancel = &f->cancel;
	opt.tell = note_try;
	opt.arg = f;
	opt.tries = 6;
	opt.base_ns = base_ns;
	opt.total_ns = total_ns;
	f->flaky.store.ops = &flaky_ops;
	f->flaky.store.location = "flaky";
	ok(store_open_mem(&f->flaky.inner, &err));
	ok(store_open_retry(&f->store, &f->flaky.store, &opt, &err));
	ok(store_put(f->store, "index/a", "x", 1, &err)); /* from now on it has succeeded */
	f->flaky.calls = 0;
}

static int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ok(cancel_init(&f->cancel, &err));
	open_with(f, 1000, 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	store_close(f->store);
	cancel_release(&f->cancel);
	free(f);
	return 0;
}

static void
every_operation_is_tried_again(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(bufv) struct buf out = BUF_INIT;
	uint64_t size = 0;
	char byte = 0;
	f->flaky.failures = 3;
	ok(store_put(f->store, "packs/ab/ab", "abc", 3, &err));
	assert_int_equal(f->flaky.calls, 4);
	f->flaky.failures = 5;
	ok(buf_str(&out, "kept ", &err));
	ok(store_get(f->store, "packs/ab/ab", 10, &out, &err));
	assert_string_equal(buf_cstr(&out), "kept abc");
	f->flaky.failures = 1;
	ok(store_get_range(f->store, "packs/ab/ab", 1, &byte, 1, &err));
	assert_int_equal(byte, 'b');
	f->flaky.failures = 2;
	ok(store_size(f->store, "packs/ab/ab", &size, &err));
	assert_int_equal(size, 3);
	f->flaky.failures = 2;
	ok(store_delete(f->store, "packs/ab/ab", &err));
	assert_int_equal(store_size(f->store, "packs/ab/ab", &size, &err), ERR_NOT_FOUND);
}

static void
what_does_not_pass_ends_and_leaves_outputs_alone(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(bufv) struct buf out = BUF_INIT;
	f->flaky.failures = 100;
	refused(store_get(f->store, "index/a", 10, &out, &err), ERR_TRANSIENT,
	    "flaky: get index/a: given up after 6 tries: the connection was cut");
	assert_int_equal(f->flaky.calls, 6);
	assert_int_equal(out.len, 0);
	/* From the third try on, users are told, however short the wait. */
	assert_int_equal(f->told, 3);
	assert_string_equal(f->last, "trying again in 1 s: the connection was cut");
	/* Other errors are final. */
	f->flaky.failures = 0;
	f->flaky.calls = 0;
	assert_int_equal(store_get(f->store, "index/none", 10, &out, &err), ERR_NOT_FOUND);
	assert_int_equal(f->flaky.calls, 1);
}

static void
a_put_that_was_carried_out_after_all_has_succeeded(void **state)
{
	struct fixture *f = *state;
	struct err err;
	f->flaky.is_done = true;
	f->flaky.failures = 1;
	ok(store_put(f->store, "index/b", "mine", 4, &err));
	f->flaky.failures = 1;
	ok(store_delete(f->store, "index/b", &err));
	/* But what somebody else has put is not ours. */
	ok(store_put(f->store, "index/c", "his", 3, &err));
	f->flaky.is_done = false;
	f->flaky.failures = 1;
	refused_like(store_put(f->store, "index/c", "own", 3, &err), ERR_EXISTS,
	    "flaky: put index/c: object exists already");
	f->flaky.failures = 1;
	refused_like(store_put(f->store, "index/c", "larger", 6, &err), ERR_EXISTS,
	    "flaky: put index/c: ");
	f->flaky.failures = 0;
	refused_like(
	    store_put(f->store, "index/c", "his", 3, &err), ERR_EXISTS, "flaky: put index/c: ");
}

static enum err_code
collect(void *arg, const struct store_entry *e, struct err *err)
{
	return buf_printf(arg, err, "%s ", e->key);
}

static void
a_listing_goes_on_behind_what_was_told(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(bufv) struct buf out = BUF_INIT;
	for (char c = 'b'; c < 'h'; c++) {
		char key[] = { 'i', 'n', 'd', 'e', 'x', '/', c, '\0' };
		ok(store_put(f->store, key, "", 0, &err));
	}
	/* More failures than tries, but each gets further. */
	f->flaky.failures = 7;
	f->flaky.entries_before = 1;
	ok(store_list(f->store, "index/", NULL, collect, &out, &err));
	assert_string_equal(
	    buf_cstr(&out), "index/a index/b index/c index/d index/e index/f index/g ");
}

static void
a_first_operation_is_given_up_sooner(void **state)
{
	struct fixture *f = *state;
	struct err err;
	uint64_t size;
	store_close(f->store);
	struct retry_options opt = RETRY_OPTIONS_INIT;
	opt.base_ns = 1000;
	ok(store_open_mem(&f->flaky.inner, &err));
	ok(store_open_retry(&f->store, &f->flaky.store, &opt, &err));
	f->flaky.failures = 100;
	f->flaky.calls = 0;
	refused(store_size(f->store, "config", &size, &err), ERR_TRANSIENT,
	    "flaky: look at config: given up after 4 tries: the connection was cut");
}

static void
who_asks_for_time_is_given_it_within_bounds(void **state)
{
	struct fixture *f = *state;
	struct err err;
	uint64_t size;
	int64_t began = clock_mono_ns();
	f->flaky.failures = 1;
	f->flaky.store.not_before_ns = began + 50 * NS_PER_MS;
	ok(store_size(f->store, "index/a", &size, &err));
	assert_true(clock_mono_ns() - began >= 50 * NS_PER_MS);
	/* It is over: the next failure does not wait for it. */
	began = clock_mono_ns();
	f->flaky.failures = 1;
	ok(store_size(f->store, "index/a", &size, &err));
	assert_true(clock_mono_ns() - began < 40 * NS_PER_MS);
	/* Of an hour, a minute. */
	f->flaky.failures = 1;
	f->flaky.store.not_before_ns = clock_mono_ns() + 3600 * NS_PER_S;
	f->cancels = true;
	assert_int_equal(store_size(f->store, "index/a", &size, &err), ERR_CANCELLED);
	assert_string_equal(f->last, "trying again in 61 s: the connection was cut");
}

static void
nothing_waits_when_it_was_cancelled(void **state)
{
	struct fixture *f = *state;
	struct err err;
	uint64_t size;
	f->flaky.failures = 100;
	cancel_raise(&f->cancel);
	refused(store_size(f->store, "index/a", &size, &err), ERR_TRANSIENT,
	    "flaky: look at index/a: the connection was cut");
	/* What needs no second try is done, so that things can be left in order. */
	f->flaky.failures = 0;
	ok(store_delete(f->store, "index/a", &err));
}

static void
time_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct err err;
	uint64_t size;
	store_close(f->store);
	open_with(f, 40 * NS_PER_MS, 60 * NS_PER_MS);
	f->flaky.failures = 100;
	int64_t began = clock_mono_ns();
	refused_like(store_size(f->store, "index/a", &size, &err), ERR_TRANSIENT,
	    "flaky: look at index/a: given up after ");
	assert_true(clock_mono_ns() - began < NS_PER_S);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_operation_is_tried_again),
		CASE(what_does_not_pass_ends_and_leaves_outputs_alone),
		CASE(a_put_that_was_carried_out_after_all_has_succeeded),
		CASE(a_listing_goes_on_behind_what_was_told),
		CASE(a_first_operation_is_given_up_sooner),
		CASE(who_asks_for_time_is_given_it_within_bounds),
		CASE(nothing_waits_when_it_was_cancelled),
		CASE(time_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The store fails at any one operation: what was to be written fails with that error, and what
 * was there before is as sound as it was. */
#include "testing.h"

#include "repo/check.h"
#include "repo/key_ring.h"
#include "repo/snapshot.h"
#include "repo/writer.h"

static const struct repo_create_options quick = { 8, 1, NULL };

struct fixture {
	struct store *store;
	struct store_fault plan;
	struct secret *first;
	struct secret *second;
	struct id snapshot; /* was there before */
};

static struct secret *
key_of(uint8_t byte)
{
	struct err err;
	struct secret *s;
	ok(secret_new(&s, 64, &err));
	memset(s->data, byte, 64);
	return s;
}

/* Store some bytes, and a snapshot document. */
static enum err_code
add_snapshot(struct repo *r, const char *text, struct id *id, struct err *err)
{
	static const char json[] = "{\"version\":1}";
	AUTO(writer) struct writer *w = NULL;
	AUTO(bufv) struct buf document = BUF_INIT;
	struct writer_options wo = WRITER_OPTIONS_INIT;
	struct id chunk;
	wo.workers = 1;
	if (buf_str(&document, json, err) || writer_open(&w, r, &wo, err) ||
	    writer_add_now(w, CHUNK_DATA, text, strlen(text), &chunk, err) ||
	    writer_flush(w, err))
		return err->code;
	return snapshot_save(r, &document, id, err);
}

static int
setup(void **state)
{
	struct err err;
	struct store *mem;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->first = key_of(1);
	f->second = key_of(2);
	ok(store_open_mem(&mem, &err));
	ok(store_open_fault(&f->store, mem, &f->plan, &err));
	struct repo_key key = { .key_file = f->first };
	AUTO(repo) struct repo *r = NULL;
	ok(repo_create(f->store, &key, &quick, &err));
	ok(repo_open(&r, f->store, &key, NULL, &err));
	ok(add_snapshot(r, "before", &f->snapshot, &err));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	store_close(f->store);
	secret_free(f->first);
	secret_free(f->second);
	free(f);
	return 0;
}

/* Opened by either key, whole, and with the snapshot that was there. */
static void
check_sound(struct fixture *f)
{
	struct err err;
	struct check_result result;
	struct check_options check = { .read_data = true };
	struct repo_key first = { .key_file = f->first };
	struct repo_key second = { .key_file = f->second };
	AUTO(repo) struct repo *r = NULL;
	AUTO(json) json_t *document = NULL;
	f->plan.fail_at = 0;
	if (repo_open(&r, f->store, &first, NULL, &err))
		ok(repo_open(&r, f->store, &second, NULL, &err));
	ok(repo_check(r, &check, &result, &err));
	assert_int_equal(result.problems, 0);
	ok(snapshot_load(r, &f->snapshot, &document, &err));
}

typedef enum err_code act_fn(struct fixture *f, struct repo *r, struct err *err);

/* Fail the first operation of the act, then the second, until it comes to none.  So many of
 * them are probes, without which the act goes on. */
static void
fail_everywhere(struct fixture *f, act_fn *act, unsigned probes)
{
	struct repo_key first = { .key_file = f->first };
	bool reached = true;
	unsigned n = 0;
	unsigned failed = 0;
	while (reached) {
		struct err err;
		AUTO(repo) struct repo *r = NULL;
		ok(repo_open(&r, f->store, &first, NULL, &err));
		f->plan.fail_at = f->plan.count + ++n;
		enum err_code rc = act(f, r, &err);
		reached = f->plan.count >= f->plan.fail_at;
		assert_true(rc == ERR_OK || (reached && rc == ERR_IO));
		failed += rc != ERR_OK;
		check_sound(f);
	}
	assert_true(n > 3);
	assert_int_equal(failed + probes, n - 1);
}

static enum err_code
save_one(struct fixture *f, struct repo *r, struct err *err)
{
	char text[32];
	struct id id;
	snprintf(text, sizeof text, "new %u", f->plan.count);
	return add_snapshot(r, text, &id, err);
}

static void
failing_store_fails_what_is_saved_and_nothing_else(void **state)
{
	fail_everywhere(*state, save_one, 0);
}

static enum err_code
add_key(struct fixture *f, struct repo *r, struct err *err)
{
	struct repo_key second = { .key_file = f->second };
	struct id id;
	return key_add(r, &second, &quick, &id, err);
}

static void
failing_store_fails_a_new_key_and_nothing_else(void **state)
{
	/* Is a damaged slot of that name in the way? */
	fail_everywhere(*state, add_key, 1);
}

struct seen {
	unsigned read;
	unsigned damaged;
};

static enum err_code
count_read(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	(void)id;
	(void)document;
	(void)err;
	((struct seen *)arg)->read++;
	return ERR_OK;
}

static enum err_code
count_damaged(void *arg, const struct id *id, const struct err *why, struct err *err)
{
	(void)id;
	(void)err;
	assert_int_equal(why->code, ERR_IO);
	((struct seen *)arg)->damaged++;
	return ERR_OK;
}

static void
one_snapshot_that_cannot_be_read_does_not_hide_the_others(void **state)
{
	struct fixture *f = *state;
	struct repo_key first = { .key_file = f->first };
	AUTO(repo) struct repo *r = NULL;
	struct err err;
	struct id id;
	struct seen seen = { 0, 0 };
	ok(repo_open(&r, f->store, &first, NULL, &err));
	ok(add_snapshot(r, "after", &id, &err));
	/* The listing is the first operation, the first document the second. */
	f->plan = (struct store_fault){ .fail_at = 2 };
	ok(snapshot_list_sound(r, count_read, count_damaged, &seen, &err));
	assert_int_equal(seen.read, 1);
	assert_int_equal(seen.damaged, 1);
	f->plan = (struct store_fault){ .fail_at = 2 };
	assert_int_equal(snapshot_list(r, count_read, &seen, &err), ERR_IO);
	f->plan.fail_at = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    one_snapshot_that_cannot_be_read_does_not_hide_the_others, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    failing_store_fails_what_is_saved_and_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    failing_store_fails_a_new_key_and_nothing_else, setup, teardown),
	};
	return cmocka_run_group_tests_name("repo faults", tests, NULL, NULL);
}

#include "testing.h"

#include "base/checksum.h"
#include "repo/check.h"
#include "repo/writer_impl.h"
#include "sys/thread.h"

struct fixture {
	struct store *store;
	struct secret *pass;
	struct repo *repo;
	struct store_fault plan;
};

static int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	struct repo_create_options quick = { 8, 1, "test" };
	struct store *mem;
	ok(store_open_mem(&mem, &err));
	ok(store_open_fault(&f->store, mem, &f->plan, &err));
	ok(secret_copy(&f->pass, "correct horse", 13, &err));
	struct repo_key key = { .passphrase = f->pass };
	ok(repo_create(f->store, &key, &quick, &err));
	ok(repo_open(&f->repo, f->store, &key, NULL, &err));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	repo_close(f->repo);
	store_close(f->store);
	secret_free(f->pass);
	free(f);
	return 0;
}

/* Bytes that look random but are the same each time. */
static void
fill(uint8_t *p, size_t len, uint64_t seed)
{
	seed = seed * 2 + 1;
	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		p[i] = (uint8_t)(seed >> 56);
	}
}

#define SMALL 3000

static void
add_small(struct group *g, uint64_t seed, struct id *id)
{
	struct err err;
	uint8_t data[SMALL];
	fill(data, sizeof data, seed);
	ok(group_add(g, CHUNK_DATA, data, sizeof data, id, &err));
}

static void
check_small(struct fixture *f, uint64_t seed, const struct id *id)
{
	struct err err;
	uint8_t data[SMALL];
	fill(data, sizeof data, seed);
	struct chunk_view v;
	ok(repo_read_chunk(f->repo, id, &v, &err));
	assert_int_equal(v.len, sizeof data);
	assert_memory_equal(v.data, data, sizeof data);
	chunk_view_release(&v);
}

static void
is_sound(struct fixture *f)
{
	struct err err;
	struct check_options check = { .read_data = true };
	struct check_result result;
	ok(repo_check(f->repo, &check, &result, &err));
	assert_int_equal(result.problems, 0);
}

static void
what_two_groups_hold_is_stored_once_and_read_back(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct writer *w;
	struct group *a;
	struct group *b;
	struct id ids[60];
	struct writer_options opt = WRITER_OPTIONS_INIT;
	ok(writer_open(&w, f->repo, &opt, &err));
	ok(group_new(&a, w, &err));
	ok(group_new(&b, w, &err));
	for (uint64_t i = 0; i < 40; i++)
		add_small(a, i, &ids[i]);
	for (uint64_t i = 20; i < 60; i++)
		add_small(b, i, &ids[i]);
	group_free(a);
	ok(writer_flush(w, &err)); /* b is still there, and is not empty */
	struct writer_stats st;
	writer_get_stats(w, &st);
	assert_int_equal(st.chunks, 80);
	assert_int_equal(st.new_chunks, 60);
	assert_int_equal(st.packs, 1);
	for (uint64_t i = 0; i < 60; i++)
		check_small(f, i, &ids[i]);
	struct id late;
	add_small(b, 1000, &late);
	group_free(b);
	ok(writer_flush(w, &err));
	check_small(f, 1000, &late);
	writer_close(w);
	is_sound(f);
}

static void
memory_does_not_grow_with_the_number_of_chunks(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct writer *w;
	struct group *g;
	struct writer_options opt = { .index_chunks = 2000 };
	ok(writer_open(&w, f->repo, &opt, &err));
	ok(group_new(&g, w, &err));
	size_t most = 0;
	uint64_t count = 30000;
	for (uint64_t i = 0; i < count; i++) {
		struct id id;
		add_small(g, i, &id);
		pthread_mutex_lock(&w->claims.lock);
		most = max_size(most, w->claims.taken.len);
		pthread_mutex_unlock(&w->claims.lock);
	}
	/* One index and what is in packs, each of some 5,600 chunks here, and frames. */
	assert_true(most < 26000);
	assert_true(index_entries(f->repo->index) > 2000);
	group_free(g);
	ok(writer_flush(w, &err));
	assert_int_equal(w->claims.taken.len, 0);
	assert_int_equal(index_entries(f->repo->index), count);
	writer_close(w);
	is_sound(f);
}

static void
an_index_does_not_wait_longer_than_its_age(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct writer *w;
	struct writer_options opt = { .index_age_ns = 1 };
	ok(writer_open(&w, f->repo, &opt, &err));
	for (uint64_t i = 0; i < 24; i++) {
		struct slab *slab;
		struct id id;
		ok(writer_get_slab(w, &slab, &err));
		fill(slab->data, 1 << 20, i);
		ok(writer_add_now(w, CHUNK_DATA, slab->data, 1 << 20, &id, &err));
		slab_unref(slab);
	}
	/* The first pack is full and goes; nobody flushes. */
	pthread_mutex_lock(&w->packs.lock);
	while (w->packs.closed > 0)
		pthread_cond_wait(&w->packs.changed, &w->packs.lock);
	pthread_mutex_unlock(&w->packs.lock);
	assert_true(index_entries(f->repo->index) >= 15);
	writer_close(w);
}

/* What a flipped bit between hashing and compressing, or in the processor, looks like. */
static void
a_frame_that_is_not_what_was_hashed_is_never_stored(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct writer *w;
	struct tools *t;
	struct filling *wrong;
	uint8_t data[SMALL];
	struct id id;
	struct writer_options opt = WRITER_OPTIONS_INIT;
	ok(writer_open(&w, f->repo, &opt, &err));
	ok(repo_borrow_tools(f->repo, &t, &err));
	fill(data, sizeof data, 1);
	uint64_t sum = checksum_of(data, sizeof data, 0);
	ok(repo_chunk_id(t, data, sizeof data, &id, &err));
	data[1234] ^= 4;
	ok(filling_new(&wrong, w, CHUNK_DATA, true, &err));
	ok(filling_add(wrong, data, sizeof data, &id, sum, &err));
	static const char *const told =
	    "a pack failed its check before it was stored; this machine's memory or processor "
	    "may be faulty: a chunk does not come out as it went in";
	w->frames_proved = 1; /* by its checksum alone */
	refused(filling_store(wrong, t, &err), ERR_CORRUPT, told);
	refused(writer_flush(w, &err), ERR_CORRUPT, told);
	repo_return_tools(f->repo, t);
	struct writer_stats st;
	writer_get_stats(w, &st);
	assert_int_equal(st.packs, 0);
	writer_close(w);
}

/* A processor that hashes wrongly. */
static void
a_wrong_id_is_found_in_frames_that_are_hashed_again(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct writer *w;
	struct tools *t;
	uint8_t data[SMALL];
	struct id id = { { 1 } };
	struct writer_options opt = WRITER_OPTIONS_INIT;
	ok(writer_open(&w, f->repo, &opt, &err));
	ok(repo_borrow_tools(f->repo, &t, &err));
	fill(data, sizeof data, 1);
	uint64_t sum = checksum_of(data, sizeof data, 0);
	refused(frame_store_chunk(w, t, CHUNK_DATA, data, sizeof data, &id, sum, &err),
	    ERR_CORRUPT,
	    "a pack failed its check before it was stored; this machine's memory or processor "
	    "may be faulty: a chunk does not come out as it went in");
	repo_return_tools(f->repo, t);
	writer_close(w);
}

static void
ignore_id(void *arg, size_t index, const struct id *id)
{
	(void)arg;
	(void)index;
	(void)id;
}

static void *
add_until_it_fails(void *arg)
{
	struct writer *w = arg;
	struct err err;
	struct group *g;
	ok(group_new(&g, w, &err));
	for (uint64_t i = 0;; i++) {
		struct slab *slab;
		struct id id;
		if (writer_get_slab(w, &slab, &err))
			break;
		fill(slab->data, 1 << 20, i);
		enum err_code rc = writer_add(
		    w, CHUNK_DATA, slab, 0, 1 << 20, ignore_id, NULL, (size_t)i, &err);
		if (rc == ERR_OK)
			rc = group_add(g, CHUNK_DATA, slab->data, SMALL, &id, &err);
		slab_unref(slab);
		if (rc)
			break;
	}
	group_free(g);
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.msg, "fault injected"));
	return NULL;
}

static void
when_the_store_fails_everybody_who_waits_is_told_why(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct writer *w;
	pthread_t threads[2];
	struct writer_options opt = { .workers = 2 };
	ok(writer_open(&w, f->repo, &opt, &err));
	f->plan.sticky = true;
	f->plan.fail_at = f->plan.count + 1;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ok(thread_start(&threads[i], add_until_it_fails, w, "test", &err));
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(writer_flush(w, &err), ERR_IO);
	assert_non_null(strstr(err.msg, "fault injected"));
	writer_close(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_two_groups_hold_is_stored_once_and_read_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    memory_does_not_grow_with_the_number_of_chunks, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_index_does_not_wait_longer_than_its_age, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_frame_that_is_not_what_was_hashed_is_never_stored, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_wrong_id_is_found_in_frames_that_are_hashed_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    when_the_store_fails_everybody_who_waits_is_told_why, setup, teardown),
	};
	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}

/*
 * What a run has put and not come to index: found by the next one of this host.
 */
#include "testing.h"

#include "repo/check.h"
#include "repo/writer_impl.h"
#include "sys/fs.h"

#include <unistd.h>

struct fixture {
	char *cache;
	struct store *store;
	struct store_fault plan;
	struct secret *pass;
	struct repo *repo;
};

static void
open_repo(struct fixture *f)
{
	struct err err;
	struct repo_key key = { .passphrase = f->pass };
	ok(repo_open(&f->repo, f->store, &key, f->cache, &err));
}

static int
setup(void **state)
{
	struct err err;
	struct store *mem;
	struct repo_create_options quick = { 8, 1, "test" };
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ok(fs_make_temp_dir(&f->cache, "stacksnap-strays-", &err));
	ok(store_open_mem(&mem, &err));
	ok(store_open_fault(&f->store, mem, &f->plan, &err));
	ok(secret_copy(&f->pass, "correct horse", 13, &err));
	struct repo_key key = { .passphrase = f->pass };
	ok(repo_create(f->store, &key, &quick, &err));
	open_repo(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct err err;
	struct fixture *f = *state;
	repo_close(f->repo);
	store_close(f->store);
	secret_free(f->pass);
	ok(fs_remove_tree(f->cache, &err));
	free(f->cache);
	free(f);
	return 0;
}

static struct writer *
begin(struct fixture *f, bool adopts)
{
	struct err err;
	struct writer *w = NULL;
	struct writer_options opt = { .workers = 1, .adopts = adopts };
	ok(writer_open(&w, f->repo, &opt, &err));
	return w;
}

#define LARGE (600 << 10)

/* Enough of them fill a pack, which goes; compressing them is no use. */
static void
add(struct writer *w, uint32_t n)
{
	struct err err;
	struct id id;
	AUTO(mem) uint8_t *data = malloc(LARGE);
	uint64_t x = n * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (size_t i = 0; i < LARGE; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		data[i] = (uint8_t)(x >> 56);
	}
	ok(writer_add_now(w, CHUNK_DATA, data, LARGE, &id, &err));
}

#define CHUNKS 60 /* two packs and a bit */

/* A run that puts two packs and ends without an index. */
static void
run_that_fails(struct fixture *f)
{
	struct writer *w = begin(f, false);
	struct writer_stats stats = { 0 };
	for (uint32_t i = 0; i < CHUNKS; i++)
		add(w, i);
	while (stats.packs < 2)
		writer_get_stats(w, &stats);
	writer_close(w);
}

static uint64_t
new_chunks_of_next_run(struct fixture *f, bool adopts)
{
	struct err err;
	struct writer_stats stats;
	struct writer *w = begin(f, adopts);
	for (uint32_t i = 0; i < CHUNKS; i++)
		add(w, i);
	ok(writer_flush(w, &err));
	writer_get_stats(w, &stats);
	writer_close(w);
	return stats.new_chunks;
}

static size_t
notes(struct fixture *f)
{
	struct strays_left left;
	strays_look(&left, index_cache_dir(f->repo->index));
	size_t n = left.packs.count;
	strays_left_release(&left);
	return n;
}

static size_t
files(struct fixture *f)
{
	struct err err;
	size_t n = 0;
	AUTO(strv) struct strv names = STRV_INIT;
	ok(fs_list_dir(index_cache_dir(f->repo->index), &names, &err));
	for (size_t i = 0; i < names.len; i++)
		n += str_ends(names.items[i], ".strays");
	return n;
}

static void
the_next_run_uses_what_was_put(void **state)
{
	struct fixture *f = *state;
	run_that_fails(f);
	assert_int_equal(notes(f), 2);
	/* As another process would. */
	repo_close(f->repo);
	open_repo(f);
	uint64_t sent = new_chunks_of_next_run(f, true);
	assert_true(sent > 0 && sent < CHUNKS / 3);
	assert_int_equal(files(f), 0);
	assert_int_equal(new_chunks_of_next_run(f, true), 0);
}

static void
who_does_not_adopt_leaves_the_notes(void **state)
{
	struct fixture *f = *state;
	run_that_fails(f);
	assert_int_equal(new_chunks_of_next_run(f, false), CHUNKS);
	assert_int_equal(notes(f), 2);
}

static enum err_code
delete_pack(void *arg, const struct store_entry *e, struct err *err)
{
	return buf_add(arg, e->key, strlen(e->key) + 1, err);
}

static void
packs_that_have_gone_are_passed_over(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(bufv) struct buf keys = BUF_INIT;
	run_that_fails(f);
	ok(store_list(f->store, "packs/", NULL, delete_pack, &keys, &err));
	for (size_t at = 0; at < keys.len; at += strlen((const char *)keys.data + at) + 1)
		ok(store_delete(f->store, (const char *)keys.data + at, &err));
	assert_int_equal(new_chunks_of_next_run(f, true), CHUNKS);
	assert_int_equal(files(f), 0);
}

static void
a_writer_that_lives_keeps_its_own(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct writer_stats stats = { 0 };
	struct writer *w = begin(f, true);
	for (uint32_t i = 0; i < CHUNKS; i++)
		add(w, i);
	while (stats.packs < 2)
		writer_get_stats(w, &stats);
	assert_int_equal(notes(f), 0);
	ok(writer_flush(w, &err));
	writer_close(w);
	assert_int_equal(files(f), 0);
}

static void
when_it_cannot_be_indexed_the_notes_stay(void **state)
{
	struct fixture *f = *state;
	struct err err;
	run_that_fails(f);
	/* Whatever operation fails: the run does not begin, or nothing is lost. */
	for (unsigned n = 1; n < 200; n++) {
		struct writer_options opt = { .workers = 1, .adopts = true };
		struct writer *w = NULL;
		f->plan.count = 0;
		f->plan.fail_at = n;
		enum err_code rc = writer_open(&w, f->repo, &opt, &err);
		f->plan.fail_at = 0;
		writer_close(w);
		if (rc == ERR_OK) {
			assert_true(n > 3);
			break;
		}
		assert_int_equal(rc, ERR_IO);
	}
	assert_int_equal(notes(f), 0);
	uint64_t sent = new_chunks_of_next_run(f, true);
	assert_true(sent > 0 && sent < CHUNKS / 3);
}

static void
half_an_id_is_none(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(str) char *path = NULL;
	uint8_t text[ID_SIZE + 7] = { 1 };
	ok(str_printf(&path, &err, "%s/0.strays", index_cache_dir(f->repo->index)));
	ok(fs_write_file(path, 0600, text, sizeof text, &err));
	assert_int_equal(notes(f), 1);
	/* Nor is one that was never put an obstacle. */
	assert_int_equal(new_chunks_of_next_run(f, true), CHUNKS);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_next_run_uses_what_was_put),
		CASE(who_does_not_adopt_leaves_the_notes),
		CASE(packs_that_have_gone_are_passed_over),
		CASE(a_writer_that_lives_keeps_its_own),
		CASE(when_it_cannot_be_indexed_the_notes_stay),
		CASE(half_an_id_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

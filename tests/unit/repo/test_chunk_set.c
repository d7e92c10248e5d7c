#include "testing.h"

#include "repo/chunk_set.h"
#include "repo/object.h"
#include "repo/repo_impl.h"
#include "repo/writer.h"

#include "base/map.h"

#define CHUNKS 3000

static struct repo_create_options quick = { 8, 1, "test" };

struct fixture {
	struct store *store;
	struct secret *pass;
	struct repo *repo;
	struct id ids[CHUNKS];
};

static void
store_chunks(struct fixture *f, size_t from, size_t to)
{
	struct err err;
	struct writer *w;
	struct writer_options opt = WRITER_OPTIONS_INIT;
	ok(writer_open(&w, f->repo, &opt, &err));
	for (size_t i = from; i < to; i++) {
		uint8_t data[700];
		memset(data, (int)i, sizeof data);
		put_u64(data, i);
		ok(writer_add_now(w, i % 5 == 0 ? CHUNK_TREE : CHUNK_DATA, data, 100 + i % 600,
		    &f->ids[i], &err));
	}
	ok(writer_flush(w, &err));
	writer_close(w);
}

static int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ok(store_open_mem(&f->store, &err));
	ok(secret_copy(&f->pass, "correct horse", 13, &err));
	struct repo_key key = { .passphrase = f->pass };
	ok(repo_create(f->store, &key, &quick, &err));
	ok(repo_open(&f->repo, f->store, &key, NULL, &err));
	for (size_t i = 0; i < 10; i++)
		store_chunks(f, i * CHUNKS / 10, (i + 1) * CHUNKS / 10);
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

static void
a_chunk_is_in_the_set_when_it_was_added(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct chunk_set *s;
	struct chunk_set *other;
	bool is_new;
	ok(chunk_set_new(&s, f->repo, &err));
	ok(chunk_set_new_like(&other, s, &err));
	for (size_t i = 0; i < CHUNKS; i += 3) {
		ok(chunk_set_add(s, &f->ids[i], &is_new, &err));
		assert_true(is_new);
		ok(chunk_set_add(s, &f->ids[i], &is_new, &err));
		assert_false(is_new);
	}
	for (size_t i = 0; i < CHUNKS; i++) {
		assert_int_equal(chunk_set_has(s, &f->ids[i]), i % 3 == 0);
		assert_false(chunk_set_has(other, &f->ids[i]));
	}
	assert_int_equal(chunk_set_count(s), CHUNKS / 3);
	assert_int_equal(chunk_set_count(other), 0);
	struct id unknown = { { 7 } };
	refused(chunk_set_add(s, &unknown, &is_new, &err), ERR_NOT_FOUND,
	    "chunk 0700000000000000: no index knows it");
	assert_false(chunk_set_has(s, &unknown));
	chunk_set_free(other);
	chunk_set_free(s);
}

static void
a_set_stays_right_while_the_index_grows_and_merges(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct chunk_set *s;
	bool is_new;
	ok(chunk_set_new(&s, f->repo, &err));
	for (size_t i = 0; i < CHUNKS; i += 2)
		ok(chunk_set_add(s, &f->ids[i], &is_new, &err));
	struct writer *w;
	struct writer_options opt = WRITER_OPTIONS_INIT;
	struct id id;
	ok(writer_open(&w, f->repo, &opt, &err));
	for (uint64_t i = 0; i < 40; i++) {
		ok(writer_add_now(w, CHUNK_DATA, &i, sizeof i, &id, &err));
		ok(writer_flush(w, &err));
	}
	writer_close(w);
	ok(repo_refresh(f->repo, &err));
	assert_true(repo_has_chunk(f->repo, &id));
	assert_int_equal(chunk_set_add(s, &id, &is_new, &err), ERR_NOT_FOUND);
	for (size_t i = 0; i < CHUNKS; i++)
		assert_int_equal(chunk_set_has(s, &f->ids[i]), i % 2 == 0);
	chunk_set_free(s);
}

/* What a walk must tell, worked out chunk by chunk. */
struct expected {
	struct map packs; /* pack id -> struct pack_use */
	struct map frames; /* pack id and offset of frames that were counted */
	size_t told;
};

static enum err_code
compare_use(void *arg, const struct pack_use *use, struct err *err)
{
	(void)err;
	struct expected *x = arg;
	const struct pack_use *want = map_get(&x->packs, use->pack.b);
	assert_non_null(want);
	assert_int_equal(use->is_tree, want->is_tree);
	assert_int_equal(use->chunks, want->chunks);
	assert_int_equal(use->used_chunks, want->used_chunks);
	assert_int_equal(use->bytes, want->bytes);
	assert_int_equal(use->used_bytes, want->used_bytes);
	assert_int_equal(use->used_stored, want->used_stored);
	assert_true(use->size > use->used_stored);
	x->told++;
	return ERR_OK;
}

static void
expect(struct expected *x, struct repo *r, const struct id *id, bool is_used)
{
	struct err err;
	struct location loc;
	void *value;
	bool is_new;
	uint8_t frame[ID_SIZE + 4];
	ok(index_lookup(r->index, id, &loc, &err));
	ok(map_put(&x->packs, loc.pack.b, &value, &is_new, &err));
	struct pack_use *use = value;
	use->is_tree = loc.kind == PACK_TREE;
	use->chunks++;
	use->bytes += loc.len;
	if (!is_used)
		return;
	use->used_chunks++;
	use->used_bytes += loc.len;
	memcpy(frame, loc.pack.b, ID_SIZE);
	put_u32(frame + ID_SIZE, loc.frame_offset);
	ok(map_put(&x->frames, frame, &value, &is_new, &err));
	if (is_new)
		use->used_stored += loc.frame_len;
}

static void
compare_all(struct fixture *f, size_t every)
{
	struct err err;
	struct chunk_set *s;
	bool is_new;
	struct expected x = { .told = 0 };
	map_init(&x.packs, ID_SIZE, sizeof(struct pack_use));
	map_init(&x.frames, ID_SIZE + 4, 0);
	ok(chunk_set_new(&s, f->repo, &err));
	for (size_t i = 0; i < CHUNKS; i++) {
		expect(&x, f->repo, &f->ids[i], i % every == 0);
		if (i % every == 0)
			ok(chunk_set_add(s, &f->ids[i], &is_new, &err));
	}
	ok(chunk_set_walk_packs(s, compare_use, &x, &err));
	assert_int_equal(x.told, x.packs.len);
	assert_true(x.told > 10);
	map_release(&x.packs);
	map_release(&x.frames);
	chunk_set_free(s);
}

static void
a_walk_tells_what_each_pack_is_used_for(void **state)
{
	compare_all(*state, 1);
	compare_all(*state, 7);
	compare_all(*state, 1000);
	compare_all(*state, CHUNKS);
}

static enum err_code
add_object(void *arg, const struct index_pack *p, struct err *err)
{
	struct buf *ids = arg;
	return buf_add(ids, p->object.b, ID_SIZE, err);
}

/* The same packs again under another index object: nothing is counted twice. */
static void
a_pack_that_two_objects_name_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct buf objects = BUF_INIT;
	struct buf payload = BUF_INIT;
	ok(index_walk_packs(f->repo->index, add_object, &objects, &err));
	for (size_t i = 0; i < objects.len / ID_SIZE; i++) {
		struct id id;
		struct id copy;
		memcpy(id.b, objects.data + i * ID_SIZE, ID_SIZE);
		payload.len = 0;
		ok(object_load(f->store, f->repo->subkeys, OBJECT_INDEX, &id, &payload, &err));
		ok(object_save(f->store, f->repo->subkeys, OBJECT_INDEX, payload.data,
		    payload.len, &copy, &err));
	}
	uint64_t before = index_entries(f->repo->index);
	ok(repo_refresh(f->repo, &err));
	assert_true(index_entries(f->repo->index) >= 2 * before);
	compare_all(f, 1);
	compare_all(f, 7);
	buf_release(&objects);
	buf_release(&payload);
}

static enum err_code
stop(void *arg, const struct pack_use *use, struct err *err)
{
	(void)arg;
	(void)use;
	return err_set(err, ERR_CANCELLED, "enough");
}

static void
a_walk_ends_with_the_callers_error(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct chunk_set *s;
	ok(chunk_set_new(&s, f->repo, &err));
	refused(chunk_set_walk_packs(s, stop, NULL, &err), ERR_CANCELLED, "enough");
	chunk_set_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_chunk_is_in_the_set_when_it_was_added, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_set_stays_right_while_the_index_grows_and_merges, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_walk_tells_what_each_pack_is_used_for, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_pack_that_two_objects_name_is_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_walk_ends_with_the_callers_error, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

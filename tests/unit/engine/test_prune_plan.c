#include "testing.h"

#include "engine/prune_plan.h"
#include "repo/index.h"
#include "repo/repo_impl.h"

#include "base/map.h"

#define OBJECTS 10

static const struct repo_create_options quick = { 8, 1, NULL };

struct fixture {
	struct store *store;
	struct secret *key_file;
	struct repo *repo;
};

/* Each flush leaves an index object that names a pack of data and one of trees. */
static void
store_packs(struct repo *r)
{
	struct err err;
	struct writer *w;
	struct writer_options opt = WRITER_OPTIONS_INIT;
	struct id id;
	ok(writer_open(&w, r, &opt, &err));
	for (uint64_t i = 0; i < OBJECTS; i++) {
		uint64_t other = i + OBJECTS;
		ok(writer_add_now(w, CHUNK_DATA, &i, sizeof i, &id, &err));
		ok(writer_add_now(w, CHUNK_TREE, &other, sizeof other, &id, &err));
		ok(writer_flush(w, &err));
	}
	writer_close(w);
}

static int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ok(store_open_mem(&f->store, &err));
	ok(secret_copy(&f->key_file, "0123456789abcdef0123456789abcdef", 32, &err));
	struct repo_key key = { .key_file = f->key_file };
	ok(repo_create(f->store, &key, &quick, &err));
	ok(repo_open(&f->repo, f->store, &key, NULL, &err));
	store_packs(f->repo);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	repo_close(f->repo);
	store_close(f->store);
	secret_free(f->key_file);
	free(f);
	return 0;
}

static enum err_code
note_object(void *arg, const struct index_pack *p, struct err *err)
{
	void *value;
	bool is_new;
	if (map_put(arg, p->id.b, &value, &is_new, err))
		return err->code;
	memcpy(value, &p->object, sizeof p->object);
	return ERR_OK;
}

/* A round that takes packs of few objects rewrites few of them. */
static void
packs_of_one_index_object_go_one_after_the_other(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct chunk_set *used;
	struct map objects; /* of packs */
	struct prune_plan plan = { NULL, 0, 0, 0 };
	struct prune_options opt = PRUNE_OPTIONS_INIT;
	struct prune_result res = { 0 };
	struct pack_list missing = PACK_LIST_INIT;
	map_init(&objects, ID_SIZE, ID_SIZE);
	ok(index_walk_packs(f->repo->index, note_object, &objects, &err));
	ok(chunk_set_new(&used, f->repo, &err));
	ok(prune_plan_make(&plan, used, &missing, &opt, &res, &err));
	assert_int_equal(plan.count, 2 * OBJECTS);
	for (size_t i = 0; i < plan.count; i += 2) {
		const void *first = map_get(&objects, plan.items[i].pack.b);
		const void *second = map_get(&objects, plan.items[i + 1].pack.b);
		assert_non_null(first);
		assert_non_null(second);
		assert_memory_equal(first, second, ID_SIZE);
		assert_int_equal(plan.items[i].fate, PRUNE_DROP);
	}
	prune_plan_release(&plan);
	chunk_set_free(used);
	map_release(&objects);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    packs_of_one_index_object_go_one_after_the_other, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "testing.h"

#include "base/strv.h"
#include "repo/check.h"
#include "repo/index.h"
#include "repo/object.h"
#include "repo/repo_impl.h"
#include "repo/stream.h"

struct fixture {
	struct store *store;
	struct secret *pass;
	struct repo_key key;
	struct repo *repo;
	struct strv problems; /* "object: what" */
};

/* One pack of random bytes, that no other pack shares a chunk with. */
static void
add_pack(struct fixture *f, uint64_t seed, size_t len)
{
	struct err err;
	struct writer *w;
	struct intake *in;
	struct stream *s;
	struct content c;
	struct writer_options opt = WRITER_OPTIONS_INIT;
	uint8_t *data = malloc(len);
	assert_non_null(data);
	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		data[i] = (uint8_t)(seed >> 56);
	}
	ok(writer_open(&w, f->repo, &opt, &err));
	ok(intake_new(&in, w, &err));
	ok(stream_open(&s, in, CHUNK_ROWS, &err));
	ok(stream_write(s, data, len, &err));
	ok(stream_close(s, &c, &err));
	ok(writer_flush(w, &err));
	content_release(&c);
	intake_free(in);
	writer_close(w);
	free(data);
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
	ok(repo_open(&f->repo, f->store, &f->key, NULL, &err));
	for (uint64_t i = 0; i < 20; i++)
		add_pack(f, i, 200000);
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
	strv_release(&f->problems);
	free(f);
	return 0;
}

static void
note_problem(void *arg, const char *object, enum err_code code, const char *what)
{
	struct fixture *f = arg;
	struct err err;
	assert_int_not_equal(code, ERR_OK);
	ok(strv_addf(&f->problems, &err, "%s: %s", object, what));
}

static struct check_result
check(struct fixture *f, struct check_options *opt)
{
	struct check_result result;
	struct err err;
	opt->problem = note_problem;
	opt->arg = f;
	strv_release(&f->problems);
	ok(repo_check(f->repo, opt, &result, &err));
	assert_int_equal(result.problems, f->problems.len);
	return result;
}

static void
all_parts_together_are_all_packs(void **state)
{
	struct fixture *f = *state;
	struct check_options all = { .read_data = true };
	struct check_result whole = check(f, &all);
	assert_int_equal(whole.problems, 0);
	assert_int_equal(whole.packs_read, whole.packs);
	assert_int_equal(whole.bytes_read, whole.bytes);
	assert_true(whole.packs >= 20);
	uint64_t packs = 0;
	uint64_t bytes = 0;
	uint64_t chunks = 0;
	for (uint64_t part = 1; part <= 3; part++) {
		struct check_options opt = { .read_data = true, .part = part, .parts = 3 };
		struct check_result r = check(f, &opt);
		assert_int_equal(r.packs, whole.packs);
		assert_true(r.packs_read < whole.packs);
		packs += r.packs_read;
		bytes += r.bytes_read;
		chunks += r.chunks;
	}
	assert_int_equal(packs, whole.packs);
	assert_int_equal(bytes, whole.bytes);
	assert_int_equal(chunks, whole.chunks);
}

static void
a_share_is_what_was_asked_for_and_at_least_one_pack(void **state)
{
	struct fixture *f = *state;
	struct check_options half = { .read_data = true, .read_share = 0.5 };
	struct check_result r = check(f, &half);
	assert_true(r.bytes_read >= r.bytes / 2 && r.bytes_read < r.bytes * 6 / 10);
	struct check_options least = { .read_data = true, .read_share = 1e-9 };
	r = check(f, &least);
	assert_int_equal(r.packs_read, 1);
}

/* Only packs whose names begin with a 0 to 7 in hexadecimal. */
static bool
needs_lower_half(void *arg, const struct id *pack)
{
	(void)arg;
	return pack->b[0] < 0x80;
}

struct one {
	char key[STORE_KEY_MAX];
	bool upper; /* look for a pack in the upper half */
};

static enum err_code
note_pack(void *arg, const struct store_entry *e, struct err *err)
{
	struct one *one = arg;
	(void)err;
	if ((strcmp(e->key, "packs/8") > 0) == one->upper)
		memcpy(one->key, e->key, sizeof one->key);
	return ERR_OK;
}

static void
packs_that_nobody_needs_are_not_looked_at(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct one one = { .upper = true };
	ok(store_list(f->store, "packs/", NULL, note_pack, &one, &err));
	assert_true(one.key[0] != '\0');
	ok(store_delete(f->store, one.key, &err));
	struct check_options lower = { .read_data = true, .needs = needs_lower_half };
	struct check_result r = check(f, &lower);
	assert_int_equal(r.problems, 0);
	assert_true(r.packs > 0 && r.packs < 20);
	struct check_options all = { .read_data = false };
	r = check(f, &all);
	assert_int_equal(r.problems, 1);
	assert_non_null(strstr(f->problems.items[0], ": is missing: an index names it"));
	assert_int_equal(strncmp(f->problems.items[0], one.key, strlen(one.key)), 0);
}

static enum err_code
note_index(void *arg, const struct store_entry *e, struct err *err)
{
	(void)err;
	memcpy(arg, e->key, STORE_KEY_MAX);
	return ERR_OK;
}

/* Put an index object that tells the same as this one, but for the first chunk's length of its
 * first pack. */
static void
falsify(struct fixture *f, const char *key)
{
	struct err err;
	struct id id;
	struct id pack;
	struct buf raw = BUF_INIT;
	struct buf out = BUF_INIT;
	struct index_builder b = INDEX_BUILDER_INIT;
	struct pack_dir d;
	struct rd r;
	assert_true(object_id_of_key(&id, key, "index/"));
	ok(object_load(f->store, f->repo->subkeys, OBJECT_INDEX, &id, &raw, &err));
	rd_init(&r, raw.data, raw.len);
	assert_int_equal(rd_varint(&r), 1);
	memcpy(pack.b, rd_bytes(&r, ID_SIZE), ID_SIZE);
	enum pack_kind kind = rd_u8(&r);
	uint64_t size = rd_varint(&r);
	ok(pack_dir_decode(&d, &r, &err));
	assert_true(rd_done(&r));
	d.frames[0].chunks[0].len -= 1;
	ok(index_builder_add(&b, &pack, kind, size, &d, &err));
	ok(index_builder_finish(&b, &out, &err));
	ok(store_delete(f->store, key, &err));
	ok(object_save(f->store, f->repo->subkeys, OBJECT_INDEX, out.data, out.len, &id, &err));
	pack_dir_release(&d);
	buf_release(&raw);
	buf_release(&out);
}

static void
an_index_that_differs_from_a_pack_is_found_by_reading(void **state)
{
	struct fixture *f = *state;
	struct err err;
	char key[STORE_KEY_MAX] = "";
	ok(store_list(f->store, "index/", NULL, note_index, key, &err));
	falsify(f, key);
	repo_close(f->repo);
	ok(repo_open(&f->repo, f->store, &f->key, NULL, &err));
	struct check_options look = { .read_data = false };
	assert_int_equal(check(f, &look).problems, 0);
	struct check_options read = { .read_data = true };
	assert_int_equal(check(f, &read).problems, 1);
	assert_non_null(strstr(f->problems.items[0],
	    ": its directory is not what the index says of it: 'stacksnap repair index "
	    "--read-all' mends the index"));
}

static void
a_pack_that_is_cut_off_is_told_without_reading(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct one one = { .upper = false };
	struct buf raw = BUF_INIT;
	ok(store_list(f->store, "packs/", NULL, note_pack, &one, &err));
	ok(store_get(f->store, one.key, SIZE_MAX / 2, &raw, &err));
	ok(store_delete(f->store, one.key, &err));
	ok(store_put(f->store, one.key, raw.data, raw.len - 1000, &err));
	struct check_options look = { .read_data = false };
	assert_int_equal(check(f, &look).problems, 1);
	char want[300];
	snprintf(want, sizeof want, "%s: has %zu bytes, not %zu: it was cut off", one.key,
	    raw.len - 1000, raw.len);
	assert_string_equal(f->problems.items[0], want);
	struct check_options read = { .read_data = true };
	assert_int_equal(check(f, &read).problems, 2);
	snprintf(want, sizeof want, "%s: pack is cut off", one.key);
	assert_true(strv_has(&f->problems, want));
	buf_release(&raw);
}

#define check_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static enum err_code
last_pack(void *arg, const struct index_pack *p, struct err *err)
{
	(void)err;
	*(struct index_pack *)arg = *p;
	return ERR_OK;
}

/* First the index object goes, then the pack: whoever has the index from before finds
 * nothing wrong.  A pack that goes alone is missing. */
static void
a_pack_that_was_pruned_meanwhile_is_not_missing(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct index_pack last;
	char pack[PACK_KEY_SIZE];
	char object[OBJECT_KEY_SIZE];
	struct check_options look = { .read_data = false };
	ok(index_walk_packs(f->repo->index, last_pack, &last, &err));
	pack_key(pack, &last.id);
	object_key(object, OBJECT_INDEX, &last.object);
	ok(store_delete(f->store, pack, &err));
	assert_int_equal(check(f, &look).problems, 1);
	assert_true(str_starts(f->problems.items[0], pack));
	assert_non_null(strstr(f->problems.items[0], ": is missing: an index names it; "));
	ok(store_delete(f->store, object, &err));
	struct check_options read = { .read_data = true };
	assert_int_equal(check(f, &look).problems, 0);
	assert_int_equal(check(f, &read).problems, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		check_test(all_parts_together_are_all_packs),
		check_test(a_share_is_what_was_asked_for_and_at_least_one_pack),
		check_test(packs_that_nobody_needs_are_not_looked_at),
		check_test(an_index_that_differs_from_a_pack_is_found_by_reading),
		check_test(a_pack_that_is_cut_off_is_told_without_reading),
		cmocka_unit_test_setup_teardown(
		    a_pack_that_was_pruned_meanwhile_is_not_missing, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "testing.h"

#include "repo/check.h"
#include "repo/key_ring.h"
#include "repo/repo.h"
#include "repo/snapshot.h"
#include "repo/stream.h"
#include "sys/fs.h"

static struct repo_create_options quick = { 8, 1, "test" };

struct fixture {
	struct store *store;
	struct secret *pass;
	struct repo_key key;
};

static int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ok(store_open_mem(&f->store, &err));
	ok(secret_copy(&f->pass, "correct horse", 13, &err));
	f->key.passphrase = f->pass;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	store_close(f->store);
	secret_free(f->pass);
	free(f);
	return 0;
}

/* Bytes that look random but are the same each time. */
static void
fill(uint8_t *p, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		p[i] = (uint8_t)(seed >> 56);
	}
}

static void
save_bytes(struct writer *w, const uint8_t *data, size_t len, struct content *out)
{
	struct err err;
	struct intake *in;
	struct stream *s;
	ok(intake_new(&in, w, &err));
	ok(stream_open(&s, in, CHUNK_DATA, &err));
	ok(stream_write(s, data, len, &err));
	ok(stream_close(s, out, &err));
	intake_free(in);
}

static void
what_is_written_is_read_back(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct repo *r;
	struct writer *w;
	size_t len = (size_t)40 << 20;
	uint8_t *data = malloc(len);
	assert_non_null(data);
	fill(data, len, 1);
	ok(repo_create(f->store, &f->key, &quick, &err));
	ok(repo_open(&r, f->store, &f->key, NULL, &err));
	struct writer_options opt = WRITER_OPTIONS_INIT;
	ok(writer_open(&w, r, &opt, &err));
	struct content c;
	struct content small;
	struct content empty;
	save_bytes(w, data, len, &c);
	save_bytes(w, data, 1000, &small);
	save_bytes(w, data, 0, &empty);
	ok(writer_flush(w, &err));
	assert_int_equal(c.size, len);
	assert_int_equal(empty.size, 0);
	assert_int_equal(empty.count, 0);

	struct buf back = BUF_INIT;
	ok(content_read_all(r, &c, len, &back, &err));
	assert_int_equal(back.len, len);
	assert_memory_equal(back.data, data, len);
	back.len = 0;
	ok(content_read_all(r, &small, len, &back, &err));
	assert_int_equal(back.len, 1000);
	assert_memory_equal(back.data, data, 1000);

	/* The same again adds nothing, also for another process that opens the repository. */
	writer_close(w);
	repo_close(r);
	ok(repo_open(&r, f->store, &f->key, NULL, &err));
	ok(writer_open(&w, r, &opt, &err));
	struct content again;
	save_bytes(w, data, len, &again);
	assert_true(content_equal(&c, &again));
	ok(writer_flush(w, &err));
	struct writer_stats st;
	writer_get_stats(w, &st);
	assert_int_equal(st.new_chunks, 0);
	assert_int_equal(st.packs, 0);

	struct check_options check = { .read_data = true };
	struct check_result result;
	ok(repo_check(r, &check, &result, &err));
	assert_int_equal(result.problems, 0);
	assert_true(result.packs >= 3);
	content_release(&again);
	content_release(&c);
	content_release(&small);
	content_release(&empty);
	buf_release(&back);
	writer_close(w);
	repo_close(r);
	free(data);
}

static void
an_insertion_in_the_middle_stores_little(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct repo *r;
	struct writer *w;
	size_t len = (size_t)32 << 20;
	uint8_t *data = malloc(len + 100);
	assert_non_null(data);
	fill(data, len, 2);
	ok(repo_create(f->store, &f->key, &quick, &err));
	ok(repo_open(&r, f->store, &f->key, NULL, &err));
	struct writer_options opt = WRITER_OPTIONS_INIT;
	ok(writer_open(&w, r, &opt, &err));
	struct content c;
	save_bytes(w, data, len, &c);
	content_release(&c);
	struct writer_stats before;
	writer_get_stats(w, &before);
	memmove(data + len / 2 + 100, data + len / 2, len / 2);
	fill(data + len / 2, 100, 3);
	save_bytes(w, data, len + 100, &c);
	content_release(&c);
	struct writer_stats after;
	writer_get_stats(w, &after);
	assert_true(after.new_bytes - before.new_bytes < (size_t)6 << 20);
	writer_close(w);
	repo_close(r);
	free(data);
}

static void
a_wrong_passphrase_is_told(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct repo *r;
	struct secret *wrong;
	ok(repo_create(f->store, &f->key, &quick, &err));
	ok(secret_copy(&wrong, "wrong", 5, &err));
	struct repo_key key = { .passphrase = wrong };
	refused(repo_open(&r, f->store, &key, NULL, &err), ERR_WRONG_KEY,
	    "open repository: the passphrase does not open any key slot of memory");
	secret_free(wrong);
}

static void
an_empty_store_is_no_repository(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct repo *r;
	refused(repo_open(&r, f->store, &f->key, NULL, &err), ERR_NO_REPOSITORY,
	    "open repository: memory holds no repository (no object \"config\"): make one with "
	    "'stacksnap init'");
}

static void
creating_twice_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	ok(repo_create(f->store, &f->key, &quick, &err));
	refused(repo_create(f->store, &f->key, &quick, &err), ERR_EXISTS,
	    "create repository: memory holds a repository already");
}

static void
a_key_file_opens_what_a_passphrase_made(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct repo *r;
	struct secret *file;
	struct id slot;
	ok(repo_create(f->store, &f->key, &quick, &err));
	ok(repo_open(&r, f->store, &f->key, NULL, &err));
	ok(secret_random(&file, 32, &err));
	struct repo_key by_file = { .key_file = file };
	ok(key_add(r, &by_file, &quick, &slot, &err));
	repo_close(r);
	ok(repo_open(&r, f->store, &by_file, NULL, &err));
	repo_close(r);
	file->data[0] ^= 1;
	refused(repo_open(&r, f->store, &by_file, NULL, &err), ERR_WRONG_KEY,
	    "open repository: the key file does not open any key slot of memory");
	secret_free(file);
}

static void
snapshots_are_found_by_prefix_and_latest(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct repo *r;
	struct id a;
	struct id b;
	struct id found;
	struct buf doc = BUF_INIT;
	ok(repo_create(f->store, &f->key, &quick, &err));
	ok(repo_open(&r, f->store, &f->key, NULL, &err));
	refused(snapshot_resolve(r, "latest", &found, &err), ERR_NOT_FOUND,
	    "the repository holds no snapshot");
	ok(buf_str(&doc, "{\"version\":1,\"time_ns\":200}", &err));
	ok(snapshot_save(r, &doc, &a, &err));
	doc.len = 0;
	ok(buf_str(&doc, "{\"version\":1,\"time_ns\":100}", &err));
	ok(snapshot_save(r, &doc, &b, &err));
	ok(snapshot_resolve(r, "latest", &found, &err));
	assert_memory_equal(&found, &a, sizeof a);
	char hex[ID_HEX_SIZE];
	id_hex(hex, &b);
	hex[10] = '\0';
	ok(snapshot_resolve(r, hex, &found, &err));
	assert_memory_equal(&found, &b, sizeof b);
	refused(snapshot_resolve(r, "xyz", &found, &err), ERR_USAGE,
	    "'xyz' names no snapshot: give 'latest', 'latest:SOURCE' (of a stack, folder or "
	    "database), or at least 4 hexadecimal digits of its id");
	buf_release(&doc);
	repo_close(r);
}

static void
a_repository_with_unknown_marks_is_not_written_to(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct repo *r;
	struct writer *w;
	struct writer_options opt = WRITER_OPTIONS_INIT;
	ok(repo_create(f->store, &f->key, &quick, &err));
	ok(repo_open(&r, f->store, &f->key, NULL, &err));
	ok(store_put(f->store, "marks/aa", "x", 1, &err));
	refused(writer_open(&w, r, &opt, &err), ERR_UNSUPPORTED,
	    "start writer: a newer StackSnap is deleting from this repository (marks/aa): "
	    "write to it "
	    "with that one");
	repo_close(r);
}

struct one_problem {
	unsigned count;
};

static void
count_problem(void *arg, const char *object, enum err_code code, const char *what)
{
	(void)object;
	(void)code;
	(void)what;
	((struct one_problem *)arg)->count++;
}

static enum err_code
flip_and_check(void *arg, const struct store_entry *e, struct err *e2)
{
	(void)e2;
	struct fixture *f = ((void **)arg)[0];
	struct repo *r = ((void **)arg)[1];
	struct err err;
	struct buf raw = BUF_INIT;
	ok(store_get(f->store, e->key, SIZE_MAX / 2, &raw, &err));
	/* Every bit of small objects, a spread of bits of large ones. */
	size_t bits = raw.len * 8;
	size_t step = bits > 4096 ? bits / 97 : 61;
	for (size_t bit = 0; bit < bits; bit += step) {
		struct one_problem seen = { 0 };
		struct check_options opt = {
			.read_data = true, .problem = count_problem, .arg = &seen
		};
		struct check_result result;
		raw.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		ok(store_delete(f->store, e->key, &err));
		ok(store_put(f->store, e->key, raw.data, raw.len, &err));
		ok(repo_check(r, &opt, &result, &err));
		if (seen.count == 0)
			fail_msg("flipped bit %zu of %s was not found", bit, e->key);
		raw.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	ok(store_delete(f->store, e->key, &err));
	ok(store_put(f->store, e->key, raw.data, raw.len, &err));
	buf_release(&raw);
	return ERR_OK;
}

static void
one_flipped_bit_anywhere_is_found(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct repo *r;
	struct writer *w;
	struct id id;
	struct content c;
	struct buf doc = BUF_INIT;
	uint8_t data[20000];
	fill(data, sizeof data, 9);
	ok(repo_create(f->store, &f->key, &quick, &err));
	ok(repo_open(&r, f->store, &f->key, NULL, &err));
	struct writer_options opt = WRITER_OPTIONS_INIT;
	ok(writer_open(&w, r, &opt, &err));
	save_bytes(w, data, sizeof data, &c);
	content_release(&c);
	ok(writer_flush(w, &err));
	ok(buf_str(&doc, "{\"version\":1,\"time_ns\":200}", &err));
	ok(snapshot_save(r, &doc, &id, &err));
	void *arg[2] = { f, r };
	ok(store_list(f->store, "", NULL, flip_and_check, arg, &err));
	buf_release(&doc);
	writer_close(w);
	repo_close(r);
}

static void
a_store_that_fails_at_any_step_leaves_a_sound_repository(void **state)
{
	(void)state;
	struct err err;
	uint8_t data[300000];
	fill(data, sizeof data, 5);
	struct secret *pass;
	ok(secret_copy(&pass, "p", 1, &err));
	struct repo_key key = { .passphrase = pass };
	for (unsigned n = 1;; n++) {
		struct store *mem;
		struct store *s;
		ok(store_open_mem(&mem, &err));
		ok(repo_create(mem, &key, &quick, &err));
		struct store_fault plan = { .fail_at = n, .sticky = true };
		ok(store_open_fault(&s, mem, &plan, &err));
		struct repo *r = NULL;
		struct writer *w = NULL;
		struct writer_options opt = WRITER_OPTIONS_INIT;
		bool failed = repo_open(&r, s, &key, NULL, &err) != ERR_OK;
		if (!failed)
			failed = writer_open(&w, r, &opt, &err) != ERR_OK;
		if (!failed) {
			struct intake *in;
			struct stream *st;
			struct content c = CONTENT_INIT;
			ok(intake_new(&in, w, &err));
			ok(stream_open(&st, in, CHUNK_DATA, &err));
			failed = stream_write(st, data, sizeof data, &err) != ERR_OK;
			if (failed)
				stream_abort(st);
			else
				failed = stream_close(st, &c, &err) != ERR_OK;
			failed = failed || writer_flush(w, &err) != ERR_OK;
			content_release(&c);
			intake_free(in);
		}
		bool reached = plan.count >= n;
		assert_true(failed == reached);
		writer_close(w);
		repo_close(r);
		/* With the fault gone, what is there opens and is sound. */
		plan.fail_at = 0;
		ok(repo_open(&r, s, &key, NULL, &err));
		struct check_options check = { .read_data = true };
		struct check_result result;
		ok(repo_check(r, &check, &result, &err));
		assert_int_equal(result.problems, 0);
		repo_close(r);
		store_close(s);
		if (!reached) {
			assert_true(n > 4);
			break;
		}
	}
	secret_free(pass);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_insertion_in_the_middle_stores_little, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wrong_passphrase_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_empty_store_is_no_repository, setup, teardown),
		cmocka_unit_test_setup_teardown(creating_twice_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_key_file_opens_what_a_passphrase_made, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    snapshots_are_found_by_prefix_and_latest, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_repository_with_unknown_marks_is_not_written_to, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    one_flipped_bit_anywhere_is_found, setup, teardown),
		cmocka_unit_test(a_store_that_fails_at_any_step_leaves_a_sound_repository),
	};
	return cmocka_run_group_tests_name("repo", tests, NULL, NULL);
}

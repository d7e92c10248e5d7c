#include "testing.h"

#include "repo/index.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

/*
 * A made-up repository: object o names packs, pack p has two frames of CHUNKS
 * chunks each.  Every id is made of its number.
 */
#define OBJECTS 40
#define PACKS 6 /* of an object */
#define CHUNKS 5 /* of a frame */

struct world {
	bool is_there[OBJECTS];
	bool is_listed[OBJECTS];
	unsigned fetched;
	char *folder;
};

static struct id
make_id(char kind, unsigned number)
{
	struct id id;
	uint64_t v = number * UINT64_C(0x9E3779B97F4A7C15) + (unsigned char)kind;
	for (size_t i = 0; i < ID_SIZE; i++) {
		v = v * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		id.b[i] = (uint8_t)(v >> 56);
	}
	return id;
}

static unsigned
number_of_object(const struct id *id)
{
	for (unsigned o = 0; o < OBJECTS; o++) {
		struct id other = make_id('o', o);
		if (id_equal(id, &other))
			return o;
	}
	fail_msg("no such object");
	return 0;
}

static void
add_pack(struct index_builder *b, unsigned pack)
{
	struct err err;
	struct pack_dir d = PACK_DIR_INIT;
	uint32_t offset = 44;
	for (unsigned f = 0; f < 2; f++) {
		struct pack_frame frame = { offset, 100 + f, CHUNKS, NULL };
		frame.chunks = calloc(CHUNKS, sizeof *frame.chunks);
		assert_non_null(frame.chunks);
		for (unsigned k = 0; k < CHUNKS; k++)
			frame.chunks[k] =
			    (struct pack_chunk){ make_id('c', (pack * 2 + f) * CHUNKS + k),
				    10 + k };
		ok(pack_dir_add(&d, &frame, &err));
		offset += frame.len;
	}
	struct id id = make_id('p', pack);
	ok(index_builder_add(b, &id, pack % 2 ? PACK_TREE : PACK_DATA, 1000 + pack, &d, &err));
	pack_dir_release(&d);
}

static void
make_payload(unsigned object, struct buf *out)
{
	struct err err;
	struct index_builder b = INDEX_BUILDER_INIT;
	for (unsigned p = 0; p < PACKS; p++)
		add_pack(&b, object * PACKS + p);
	ok(index_builder_finish(&b, out, &err));
}

static enum err_code
fetch(void *arg, const struct id *object, struct buf *payload, struct err *err)
{
	struct world *w = arg;
	unsigned o = number_of_object(object);
	if (!w->is_there[o])
		return err_set(err, ERR_NOT_FOUND, "no such object");
	w->fetched++;
	make_payload(o, payload);
	return ERR_OK;
}

static bool
is_gone(void *arg, const struct id *object)
{
	struct world *w = arg;
	return !w->is_there[number_of_object(object)];
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, ID_SIZE);
}

static void
sync_index(struct index *ix, struct world *w)
{
	struct err err;
	struct id list[OBJECTS];
	size_t n = 0;
	struct index_source source = { fetch, is_gone, w };
	for (unsigned o = 0; o < OBJECTS; o++)
		if (w->is_listed[o])
			list[n++] = make_id('o', o);
	qsort(list, n, sizeof *list, by_id);
	w->fetched = 0;
	ok(index_sync(ix, list, n, &source, &err));
}

static void
put_objects(struct world *w, unsigned from, unsigned to, bool there)
{
	for (unsigned o = from; o < to; o++)
		w->is_there[o] = w->is_listed[o] = there;
}

/* Exactly the chunks of objects that are there are found, where they are. */
static void
check_all(struct index *ix, const struct world *w)
{
	struct err err;
	uint64_t entries = 0;
	for (unsigned o = 0; o < OBJECTS; o++) {
		struct id object = make_id('o', o);
		assert_int_equal(index_has(ix, &object), w->is_there[o]);
		for (unsigned c = 0; c < PACKS * 2 * CHUNKS; c++) {
			unsigned chunk = o * PACKS * 2 * CHUNKS + c;
			unsigned pack = chunk / (2 * CHUNKS);
			struct id id = make_id('c', chunk);
			struct id pack_id = make_id('p', pack);
			struct location loc;
			assert_int_equal(index_find(ix, &id, &loc), w->is_there[o]);
			if (!w->is_there[o]) {
				refused(index_lookup(ix, &id, &loc, &err), ERR_NOT_FOUND,
				    "no index knows it");
				continue;
			}
			ok(index_lookup(ix, &id, &loc, &err));
			assert_memory_equal(loc.pack.b, pack_id.b, ID_SIZE);
			assert_int_equal(loc.kind, pack % 2 ? PACK_TREE : PACK_DATA);
			assert_int_equal(loc.frame_offset, c / CHUNKS % 2 ? 144 : 44);
			assert_int_equal(loc.frame_len, c / CHUNKS % 2 ? 101 : 100);
			assert_int_equal(loc.len, 10 + c % CHUNKS);
			unsigned k = c % CHUNKS;
			assert_int_equal(loc.offset, 10 * k + k * (k - 1) / 2);
			entries++;
		}
	}
	assert_int_equal(index_entries(ix), entries);
}

static size_t
count_files(const char *folder, const char *ending)
{
	struct err err;
	struct strv names = STRV_INIT;
	size_t n = 0;
	ok(fs_list_dir(folder, &names, &err));
	for (size_t i = 0; i < names.len; i++)
		n += str_ends(names.items[i], ending);
	strv_release(&names);
	return n;
}

static int
setup(void **state)
{
	struct err err;
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	ok(fs_make_temp_dir(&w->folder, "stacksnap-index", &err));
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct err err;
	struct world *w = *state;
	ok(fs_remove_tree(w->folder, &err));
	free(w->folder);
	free(w);
	return 0;
}

static struct index *
open_index(const char *folder)
{
	struct err err;
	struct index *ix;
	ok(index_new(&ix, folder, &err));
	return ix;
}

static void
many_objects_become_few_files_and_are_not_fetched_again(void **state)
{
	struct world *w = *state;
	put_objects(w, 0, OBJECTS, true);
	struct index *ix = open_index(w->folder);
	sync_index(ix, w);
	assert_int_equal(w->fetched, OBJECTS);
	check_all(ix, w);
	assert_true(count_files(w->folder, ".idx") <= 6);
	assert_int_equal(count_files(w->folder, ".idxtmp"), 0);
	index_free(ix);

	ix = open_index(w->folder);
	sync_index(ix, w);
	assert_int_equal(w->fetched, 0);
	check_all(ix, w);
	index_free(ix);
}

static void
objects_that_come_one_by_one_are_merged_too(void **state)
{
	struct world *w = *state;
	struct index *ix = open_index(w->folder);
	for (unsigned o = 0; o < OBJECTS; o++) {
		struct err err;
		struct buf payload = BUF_INIT;
		struct id id = make_id('o', o);
		make_payload(o, &payload);
		ok(index_add(ix, &id, &payload, &err));
		/* A second time changes nothing. */
		ok(index_add(ix, &id, &payload, &err));
		buf_release(&payload);
		put_objects(w, o, o + 1, true);
		if (o % 8 == 7)
			check_all(ix, w);
	}
	assert_true(count_files(w->folder, ".idx") <= 24);
	index_free(ix);
}

static void
what_an_object_named_goes_when_it_goes(void **state)
{
	struct world *w = *state;
	put_objects(w, 0, OBJECTS, true);
	struct index *ix = open_index(w->folder);
	sync_index(ix, w);
	put_objects(w, 3, 20, false);
	sync_index(ix, w);
	assert_int_equal(w->fetched, 0);
	check_all(ix, w);
	put_objects(w, 0, OBJECTS, false);
	put_objects(w, 5, 6, true);
	sync_index(ix, w);
	check_all(ix, w);
	index_free(ix);

	ix = open_index(w->folder);
	sync_index(ix, w);
	assert_int_equal(w->fetched, 0);
	check_all(ix, w);
	put_objects(w, 5, 6, false);
	sync_index(ix, w);
	check_all(ix, w);
	assert_int_equal(count_files(w->folder, ".idx"), 0);
	index_free(ix);
}

static void
an_object_that_came_after_the_listing_stays(void **state)
{
	struct world *w = *state;
	put_objects(w, 0, 10, true);
	struct index *ix = open_index(w->folder);
	sync_index(ix, w);
	w->is_listed[4] = false;
	sync_index(ix, w);
	check_all(ix, w);
	/* One that is listed and then gone is no error. */
	w->is_listed[30] = true;
	sync_index(ix, w);
	check_all(ix, w);
	index_free(ix);
}

static void
without_a_folder_nothing_is_missing(void **state)
{
	struct world *w = *state;
	put_objects(w, 0, OBJECTS, true);
	struct index *ix = open_index(NULL);
	sync_index(ix, w);
	check_all(ix, w);
	put_objects(w, 7, 9, false);
	sync_index(ix, w);
	check_all(ix, w);
	index_free(ix);
}

static void
a_folder_that_cannot_be_written_costs_only_time(void **state)
{
	struct world *w = *state;
	struct err err;
	put_objects(w, 0, OBJECTS, true);
	struct index *ix = open_index(w->folder);
	/* The folder goes while it is in use. */
	ok(fs_remove_tree(w->folder, &err));
	sync_index(ix, w);
	check_all(ix, w);
	put_objects(w, 7, 9, false);
	sync_index(ix, w);
	check_all(ix, w);
	index_free(ix);
	ok(fs_mkdirs(w->folder, 0700, &err));
}

static void
flip(const char *folder, const char *name, off_t at)
{
	char path[4096];
	uint8_t byte;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* Flip a byte of the largest file; tell whether there was one so long. */
static bool
damage(const char *folder, off_t at)
{
	struct err err;
	struct strv names = STRV_INIT;
	off_t largest = 0;
	char name[128] = "";
	ok(fs_list_dir(folder, &names, &err));
	for (size_t i = 0; i < names.len; i++) {
		char path[4096];
		struct stat st;
		snprintf(path, sizeof path, "%s/%s", folder, names.items[i]);
		assert_int_equal(stat(path, &st), 0);
		if (st.st_size > largest) {
			largest = st.st_size;
			snprintf(name, sizeof name, "%s", names.items[i]);
		}
	}
	strv_release(&names);
	if (at >= largest)
		return false;
	flip(folder, name, at);
	return true;
}

static void
a_damaged_file_is_never_believed_and_made_anew(void **state)
{
	struct world *w = *state;
	unsigned rounds = 0;
	put_objects(w, 0, OBJECTS, true);
	for (off_t at = 9;; at += 14983, rounds++) {
		struct err err;
		struct index *ix = open_index(w->folder);
		sync_index(ix, w);
		/* Damaged before it is opened, and while it is open. */
		if (!damage(w->folder, at)) {
			index_free(ix);
			break;
		}
		for (unsigned c = 0; c < OBJECTS * PACKS * 2 * CHUNKS; c++) {
			struct id id = make_id('c', c);
			struct id pack = make_id('p', c / (2 * CHUNKS));
			struct location loc;
			enum err_code rc = index_lookup(ix, &id, &loc, &err);
			if (rc == ERR_OK)
				assert_memory_equal(loc.pack.b, pack.b, ID_SIZE);
			else
				assert_int_equal(rc, ERR_IO);
		}
		sync_index(ix, w);
		check_all(ix, w);
		index_free(ix);

		assert_true(damage(w->folder, at));
		ix = open_index(w->folder);
		sync_index(ix, w);
		for (unsigned c = 0; c < OBJECTS * PACKS * 2 * CHUNKS; c++) {
			struct id id = make_id('c', c);
			struct location loc;
			(void)!index_find(ix, &id, &loc);
		}
		sync_index(ix, w);
		check_all(ix, w);
		index_free(ix);
	}
	assert_true(rounds > 8);
}

static void
files_of_version_1_are_removed(void **state)
{
	struct world *w = *state;
	struct err err;
	struct id id = make_id('o', 1);
	char hex[ID_HEX_SIZE];
	char path[4096];
	id_hex(hex, &id);
	snprintf(path, sizeof path, "%s/%s.seg", w->folder, hex);
	ok(fs_write_file(path, 0600, "SSNAPSEG", 8, &err));
	struct index *ix = open_index(w->folder);
	assert_false(fs_exists(path));
	index_free(ix);
}

static void
two_processes_share_a_folder(void **state)
{
	struct world *w = *state;
	put_objects(w, 0, 8, true);
	struct index *a = open_index(w->folder);
	sync_index(a, w);
	struct index *b = open_index(w->folder);
	sync_index(b, w);
	assert_int_equal(w->fetched, 0);
	put_objects(w, 8, 30, true);
	sync_index(a, w); /* merges, and removes what it merged */
	check_all(a, w);
	sync_index(b, w);
	check_all(b, w);
	index_free(a);
	index_free(b);
	a = open_index(w->folder);
	sync_index(a, w);
	check_all(a, w);
	index_free(a);
}

static void
doomed_packs_are_passed_over_by_writers_only(void **state)
{
	struct world *w = *state;
	struct err err;
	put_objects(w, 0, OBJECTS, true);
	struct index *ix = open_index(w->folder);
	sync_index(ix, w);
	struct id doomed[2] = { make_id('p', 9), make_id('p', 3) };
	ok(index_doom(ix, doomed, 2, &err));
	for (unsigned c = 0; c < 20 * 2 * CHUNKS; c++) {
		struct id id = make_id('c', c);
		struct location loc;
		unsigned pack = c / (2 * CHUNKS);
		assert_int_equal(index_find(ix, &id, &loc), pack != 3 && pack != 9);
		ok(index_lookup(ix, &id, &loc, &err));
	}
	/* A copy in another pack is preferred by readers, too. */
	struct buf payload = BUF_INIT;
	struct index_builder b = INDEX_BUILDER_INIT;
	struct pack_dir d = PACK_DIR_INIT;
	struct pack_frame f = { 44, 90, 1, calloc(1, sizeof *f.chunks) };
	struct id copy = make_id('p', 100000);
	struct id object = make_id('o', 100000);
	f.chunks[0] = (struct pack_chunk){ make_id('c', 3 * 2 * CHUNKS), 10 };
	ok(pack_dir_add(&d, &f, &err));
	ok(index_builder_add(&b, &copy, PACK_DATA, 500, &d, &err));
	ok(index_builder_finish(&b, &payload, &err));
	ok(index_add(ix, &object, &payload, &err));
	struct location loc;
	assert_true(index_find(ix, &f.chunks[0].id, &loc));
	assert_memory_equal(loc.pack.b, copy.b, ID_SIZE);
	ok(index_lookup(ix, &f.chunks[0].id, &loc, &err));
	assert_memory_equal(loc.pack.b, copy.b, ID_SIZE);
	ok(index_doom(ix, NULL, 0, &err));
	struct id id = make_id('c', 9 * 2 * CHUNKS);
	assert_true(index_find(ix, &id, &loc));
	pack_dir_release(&d);
	buf_release(&payload);
	index_free(ix);
}

struct walk {
	uint64_t next;
	struct index_view *view;
	struct id last;
};

static enum err_code
check_hit(void *arg, const struct id *id, const struct index_hit *hit, struct err *e)
{
	struct err err;
	(void)e;
	struct walk *walk = arg;
	struct index_hit again;
	struct index_pack p;
	assert_int_equal(hit->entry, walk->next++);
	ok(index_view_find(walk->view, id, &again, &err));
	assert_int_equal(again.entry, hit->entry);
	assert_int_equal(again.frame, hit->frame_offset == 44 ? 0 : 1);
	ok(index_view_pack(walk->view, hit->pack, &p, &err));
	assert_int_equal(p.frames, 2);
	assert_int_equal(p.chunks, 2 * CHUNKS);
	assert_int_equal(p.bytes, 2 * (10 * CHUNKS + CHUNKS * (CHUNKS - 1) / 2));
	return ERR_OK;
}

static enum err_code
check_pack(void *arg, const struct index_pack *p, struct err *err)
{
	struct walk *walk = arg;
	(void)err;
	assert_true(walk->next == 0 || id_compare(&walk->last, &p->id) < 0);
	walk->last = p->id;
	walk->next++;
	return ERR_OK;
}

static void
a_view_stays_as_it_is(void **state)
{
	struct world *w = *state;
	struct err err;
	struct index_view *v;
	put_objects(w, 0, OBJECTS, true);
	struct index *ix = open_index(w->folder);
	sync_index(ix, w);
	ok(index_view_get(&v, ix, &err));
	put_objects(w, 1, OBJECTS, false);
	sync_index(ix, w);
	check_all(ix, w);
	struct walk walk = { 0, v, { { 0 } } };
	ok(index_view_walk(v, check_hit, &walk, &err));
	assert_int_equal(walk.next, OBJECTS * PACKS * 2 * CHUNKS);
	assert_int_equal(index_view_entries(v), walk.next);
	assert_int_equal(index_view_packs(v), OBJECTS * PACKS);
	index_view_release(v);
	walk.next = 0;
	ok(index_walk_packs(ix, check_pack, &walk, &err));
	assert_int_equal(walk.next, PACKS);
	index_free(ix);
}

static void
a_pack_of_two_objects_is_walked_once_and_outlives_one(void **state)
{
	struct world *w = *state;
	struct err err;
	struct buf payload = BUF_INIT;
	struct id object = make_id('o', 39);
	put_objects(w, 0, 1, true);
	struct index *ix = open_index(w->folder);
	sync_index(ix, w);
	make_payload(0, &payload); /* says the same as object 0 */
	ok(index_add(ix, &object, &payload, &err));
	struct walk walk = { 0 };
	ok(index_walk_packs(ix, check_pack, &walk, &err));
	assert_int_equal(walk.next, PACKS);
	w->is_there[0] = w->is_listed[0] = false;
	w->is_there[39] = true;
	sync_index(ix, w);
	struct id id = make_id('c', 0);
	struct location loc;
	assert_true(index_find(ix, &id, &loc));
	buf_release(&payload);
	index_free(ix);
}

struct readers {
	struct index *ix;
	atomic_bool stop;
	atomic_uint looked;
};

/* The chunks of the first objects, which never go. */
static void *
look_up_all(void *arg)
{
	struct readers *readers = arg;
	while (!atomic_load(&readers->stop)) {
		for (unsigned c = 0; c < 5 * PACKS * 2 * CHUNKS; c++) {
			struct id id = make_id('c', c);
			struct location loc;
			assert_true(index_find(readers->ix, &id, &loc));
			assert_int_equal(loc.len, 10 + c % CHUNKS);
		}
		atomic_fetch_add(&readers->looked, 1);
	}
	return NULL;
}

static void
readers_see_every_chunk_while_others_change_the_index(void **state)
{
	struct world *w = *state;
	struct err err;
	pthread_t threads[2];
	put_objects(w, 0, 5, true);
	struct index *ix = open_index(w->folder);
	sync_index(ix, w);
	struct readers readers = { .ix = ix };
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_up_all, &readers), 0);
	struct id doomed = make_id('p', 100);
	for (unsigned round = 0; round < 6 || atomic_load(&readers.looked) < 4; round++) {
		put_objects(w, 5, OBJECTS, round % 2 == 0);
		sync_index(ix, w);
		ok(index_doom(ix, &doomed, round % 2, &err));
	}
	atomic_store(&readers.stop, true);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	index_free(ix);
}

/* Whoever can choose ids is no reason to look in the wrong block. */
static void
ids_with_equal_beginnings_are_told_apart(void **state)
{
	struct err err;
	struct buf payload = BUF_INIT;
	struct index_builder b = INDEX_BUILDER_INIT;
	struct pack_dir d = PACK_DIR_INIT;
	struct pack_frame f = { 44, 5000, 1000, calloc(1000, sizeof *f.chunks) };
	(void)state;
	assert_non_null(f.chunks);
	for (unsigned k = 0; k < f.count; k++) {
		f.chunks[k].len = k;
		f.chunks[k].id.b[7] = (uint8_t)(k / 300);
		f.chunks[k].id.b[30] = (uint8_t)(k >> 8);
		f.chunks[k].id.b[31] = (uint8_t)k;
	}
	struct id pack = make_id('p', 0);
	struct id object = make_id('o', 0);
	ok(pack_dir_add(&d, &f, &err));
	ok(index_builder_add(&b, &pack, PACK_DATA, 6000, &d, &err));
	ok(index_builder_finish(&b, &payload, &err));
	struct index *ix = open_index(NULL);
	ok(index_add(ix, &object, &payload, &err));
	for (unsigned k = 0; k < f.count; k++) {
		struct location loc;
		struct id other = f.chunks[k].id;
		ok(index_lookup(ix, &f.chunks[k].id, &loc, &err));
		assert_int_equal(loc.len, k);
		other.b[20] = 1;
		assert_false(index_find(ix, &other, &loc));
	}
	index_free(ix);
	pack_dir_release(&d);
	buf_release(&payload);
}

static void
a_payload_that_is_not_sound_is_refused(void **state)
{
	struct world *w = *state;
	struct err err;
	struct buf payload = BUF_INIT;
	struct id object = make_id('o', 0);
	make_payload(0, &payload);
	struct index *ix = open_index(w->folder);
	size_t len = payload.len;
	for (payload.len = 0; payload.len < len; payload.len++) {
		assert_int_equal(index_add(ix, &object, &payload, &err), ERR_CORRUPT);
		assert_false(index_has(ix, &object));
	}
	ok(buf_u8(&payload, 0, &err));
	refused(
	    index_add(ix, &object, &payload, &err), ERR_CORRUPT, "index: bytes behind the end");
	assert_int_equal(count_files(w->folder, ""), 0);
	buf_release(&payload);
	index_free(ix);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    many_objects_become_few_files_and_are_not_fetched_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    objects_that_come_one_by_one_are_merged_too, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_an_object_named_goes_when_it_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_object_that_came_after_the_listing_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    without_a_folder_nothing_is_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_folder_that_cannot_be_written_costs_only_time, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_damaged_file_is_never_believed_and_made_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    files_of_version_1_are_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(two_processes_share_a_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    doomed_packs_are_passed_over_by_writers_only, setup, teardown),
		cmocka_unit_test_setup_teardown(a_view_stays_as_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_pack_of_two_objects_is_walked_once_and_outlives_one, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    readers_see_every_chunk_while_others_change_the_index, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    ids_with_equal_beginnings_are_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_payload_that_is_not_sound_is_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

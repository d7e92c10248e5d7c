/*
 * Marks as they are stored, and what a writer's watch sees of them.
 */
#include "tree/fixture.h"

#include "repo/object.h"
#include "repo/prune.h"
#include "repo/repo_impl.h"
#include "sys/process.h"

#include <sys/wait.h>
#include <unistd.h>

struct seen {
	unsigned count;
	struct mark last; /* its strings are not kept */
	struct id first_pack;
	bool is_here; /* its host is this one */
};

static enum err_code
note_mark(void *arg, const struct mark *m, struct err *err)
{
	struct seen *s = arg;
	char host[256] = "";
	(void)err;
	assert_int_equal(gethostname(host, sizeof host - 1), 0);
	s->count++;
	s->last = *m;
	s->is_here = strcmp(m->host, host) == 0;
	if (m->n_packs > 0)
		s->first_pack = m->packs[0];
	return ERR_OK;
}

static struct id
id_of(uint8_t byte)
{
	struct id id;
	memset(id.b, byte, sizeof id.b);
	return id;
}

static void
a_mark_comes_back_as_it_was_put(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct id packs[] = { id_of(1), id_of(2) };
	struct id name;
	struct seen s = { 0 };
	bool stands;
	ok(mark_put(f->repo, packs, 2, &name, &err));
	ok(marks_list(f->repo, note_mark, &s, &err));
	assert_int_equal(s.count, 1);
	assert_true(id_equal(&s.last.name, &name));
	assert_true(id_equal(&s.first_pack, &packs[0]));
	assert_int_equal(s.last.n_packs, 2);
	assert_int_equal(s.last.pid, getpid());
	assert_true(s.is_here);
	assert_false(s.last.is_dead);
	ok(mark_stands(f->repo, &name, &stands, &err));
	assert_true(stands);
	ok(mark_delete(f->repo, &name, &err));
	ok(mark_delete(f->repo, &name, &err));
	ok(mark_stands(f->repo, &name, &stands, &err));
	assert_false(stands);
	struct id wrong[] = { id_of(2), id_of(1) };
	refused(mark_put(f->repo, wrong, 2, &name, &err), ERR_USAGE,
	    "a mark of 2 packs, or not in order");
}

/* A process that has ended has put it. */
static void
the_mark_of_a_dead_process_is_told(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct seen s = { 0 };
	char machine[MACHINE_ID_SIZE];
	machine_id(machine);
	if (machine[0] == '\0')
		skip();
	struct id pack = id_of(7);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(0);
	struct process_identity gone;
	ok(process_identify(&gone, child, &err)); /* not reaped yet */
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(process_has_ended(&gone));
	AUTO(bufv) struct buf b = BUF_INIT;
	char host[256] = "";
	struct id name;
	assert_int_equal(gethostname(host, sizeof host - 1), 0);
	ok(buf_varint(&b, 1, &err));
	ok(buf_blob(&b, host, strlen(host), &err));
	ok(buf_blob(&b, machine, strlen(machine), &err));
	ok(buf_blob(&b, gone.boot, strlen(gone.boot), &err));
	ok(buf_varint(&b, gone.pid_space, &err));
	ok(buf_varint(&b, (uint64_t)gone.pid, &err));
	ok(buf_varint(&b, gone.start, &err));
	ok(buf_u64(&b, 5, &err));
	ok(buf_varint(&b, 1, &err));
	ok(buf_add(&b, pack.b, ID_SIZE, &err));
	ok(object_save(f->store, f->repo->subkeys, OBJECT_MARK, b.data, b.len, &name, &err));
	ok(marks_list(f->repo, note_mark, &s, &err));
	assert_true(s.last.is_dead);
	assert_false(s.last.is_own);
	assert_int_equal(s.last.time_ns, 5);
	/* In another pid space nothing is certain; after a reboot it is. */
	gone.pid_space++;
	assert_false(process_has_ended(&gone));
	gone.boot[0] = gone.boot[0] == 'x' ? 'y' : 'x';
	assert_true(process_has_ended(&gone));
}

static void
marks_that_are_not_understood_are_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct seen s = { 0 };
	struct id name;
	char key[OBJECT_KEY_SIZE];
	char want[256];
	static const uint8_t later[] = { 2 };
	static const uint8_t broken[] = { 1, 0, 0 };
	ok(object_save(f->store, f->repo->subkeys, OBJECT_MARK, later, 1, &name, &err));
	object_key(key, OBJECT_MARK, &name);
	snprintf(want, sizeof want,
	    "%s: a newer StackSnap is deleting from this repository: use that one", key);
	refused(marks_list(f->repo, note_mark, &s, &err), ERR_UNSUPPORTED, want);
	ok(mark_delete(f->repo, &name, &err));
	ok(object_save(
	    f->store, f->repo->subkeys, OBJECT_MARK, broken, sizeof broken, &name, &err));
	object_key(key, OBJECT_MARK, &name);
	snprintf(want, sizeof want, "%s: is malformed", key);
	refused(marks_list(f->repo, note_mark, &s, &err), ERR_CORRUPT, want);
}

static bool
must_check(struct watch *w)
{
	struct err err;
	bool must;
	ok(watch_look(w, &must, &err));
	return must;
}

static void
a_watch_sees_marks_and_indexes_that_go(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct id chunk;
	struct id pack;
	struct id mark;
	struct id claim;
	ok(writer_add_now(f->writer, CHUNK_DATA, "hello", 5, &chunk, &err));
	ok(writer_flush(f->writer, &err));
	assert_true(repo_find_pack(f->repo, &chunk, &pack));
	AUTO(watch) struct watch *w = NULL;
	ok(watch_open(&w, f->repo, &err));
	assert_false(must_check(w));
	/* A claim dooms nothing. */
	ok(mark_put(f->repo, NULL, 0, &claim, &err));
	assert_false(must_check(w));
	ok(mark_put(f->repo, &pack, 1, &mark, &err));
	assert_true(repo_has_chunk(f->repo, &chunk));
	assert_true(must_check(w));
	assert_false(repo_has_chunk(f->repo, &chunk));
	/* Known by now. */
	assert_false(must_check(w));
	ok(mark_delete(f->repo, &mark, &err));
	assert_false(must_check(w));
	assert_true(repo_has_chunk(f->repo, &chunk));
	/* A mark that came and went has taken an index away. */
	struct pack_list gone = { &pack, 1, 1 };
	ok(prune_rewrite_index(f->repo, &gone, PRUNE_AS_IS, &err));
	assert_true(must_check(w));
	assert_false(repo_has_chunk(f->repo, &chunk));
	assert_false(must_check(w));
}

static void
a_watch_that_began_beside_a_mark_checks_once(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct id pack = id_of(9);
	struct id mark;
	ok(mark_put(f->repo, &pack, 1, &mark, &err));
	AUTO(watch) struct watch *w = NULL;
	ok(watch_open(&w, f->repo, &err));
	assert_true(must_check(w));
	assert_false(must_check(w));
}

static struct id
stored(struct fixture *f, const char *text)
{
	struct err err;
	struct id chunk;
	ok(writer_add_now(f->writer, CHUNK_DATA, text, strlen(text), &chunk, &err));
	ok(writer_flush(f->writer, &err));
	return chunk;
}

static struct id
pack_of(struct fixture *f, const struct id *chunk)
{
	struct id pack;
	assert_true(repo_find_pack(f->repo, chunk, &pack));
	return pack;
}

static void
delete_pack(struct fixture *f, const struct id *pack)
{
	struct err err;
	char key[PACK_KEY_SIZE];
	pack_key(key, pack);
	ok(store_delete(f->store, key, &err));
}

static bool
packs_must_be_checked(struct watch *w)
{
	struct err err;
	bool must = false;
	ok(watch_look_at_packs(w, &must, &err));
	return must;
}

static uint64_t
count_indexes(struct fixture *f)
{
	struct err err;
	uint64_t count;
	ok(prune_count_indexes(f->repo, &count, &err));
	return count;
}

/* The index object that names the one that is gone goes, the other stays. */
static void
a_watch_misses_packs_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct id first = stored(f, "hello");
	struct id second = stored(f, "there");
	struct id pack = pack_of(f, &first);
	assert_int_equal(count_indexes(f), 2);
	assert_false(packs_must_be_checked(writer_watch(f->writer)));
	delete_pack(f, &pack);
	assert_true(packs_must_be_checked(writer_watch(f->writer)));
	assert_int_equal(count_indexes(f), 1);
	assert_false(repo_find_pack(f->repo, &first, &pack));
	assert_true(repo_has_chunk(f->repo, &second));
	/* Once is enough. */
	assert_false(packs_must_be_checked(writer_watch(f->writer)));
}

/* Packs of two kinds, which one index object names. */
static void
an_index_that_is_taken_back_leaves_one_for_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct id tree;
	ok(writer_add_now(f->writer, CHUNK_TREE, "a tree", 6, &tree, &err));
	struct id data = stored(f, "hello");
	struct id pack = pack_of(f, &data);
	assert_int_equal(count_indexes(f), 1);
	delete_pack(f, &pack);
	assert_true(packs_must_be_checked(writer_watch(f->writer)));
	assert_int_equal(count_indexes(f), 1);
	assert_false(repo_find_pack(f->repo, &data, &pack));
	assert_true(repo_has_chunk(f->repo, &tree));
	/* That one is the watch's own, too. */
	pack = pack_of(f, &tree);
	delete_pack(f, &pack);
	assert_true(packs_must_be_checked(writer_watch(f->writer)));
	assert_int_equal(count_indexes(f), 0);
}

/* A writer that another one's index has misled: that index is not its own, and stays. */
static void
a_watch_misses_packs_that_the_run_has_found(void **state)
{
	struct fixture *f = *state;
	struct writer_options opt = WRITER_OPTIONS_INIT;
	struct err err;
	struct id chunk = stored(f, "hello");
	struct id again;
	struct chunk_view v;
	struct id pack = pack_of(f, &chunk);
	opt.workers = 1;
	AUTO(writer) struct writer *other = NULL;
	ok(writer_open(&other, f->repo, &opt, &err));
	ok(writer_add_now(other, CHUNK_DATA, "hello", 5, &again, &err));
	ok(writer_flush(other, &err));
	assert_false(packs_must_be_checked(writer_watch(other)));
	delete_pack(f, &pack);
	assert_true(packs_must_be_checked(writer_watch(other)));
	assert_false(repo_has_chunk(f->repo, &chunk));
	assert_int_equal(count_indexes(f), 1);
	/* What begins now stores it again, and both who know it and who do not can read it. */
	AUTO(writer) struct writer *next = NULL;
	ok(writer_open(&next, f->repo, &opt, &err));
	assert_true(must_check(writer_watch(next)));
	ok(writer_add_now(next, CHUNK_DATA, "hello", 5, &again, &err));
	ok(writer_flush(next, &err));
	assert_false(packs_must_be_checked(writer_watch(next)));
	assert_true(repo_has_chunk(f->repo, &chunk));
	struct repo_key key = { .passphrase = f->pass };
	AUTO(repo) struct repo *fresh = NULL;
	ok(repo_open(&fresh, f->store, &key, NULL, &err));
	struct repo *const readers[] = { f->repo, fresh };
	for (size_t i = 0; i < 2; i++) {
		ok(repo_read_chunk(readers[i], &chunk, &v, &err));
		assert_int_equal(v.len, 5);
		assert_memory_equal(v.data, "hello", 5);
		chunk_view_release(&v);
	}
}

/* The store of a writer whose packs go before an index names them. */
static void
an_index_of_packs_that_are_gone_is_not_left(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct index_builder b = INDEX_BUILDER_INIT;
	struct pack_dir dir = { 0 };
	struct id pack = id_of(3);
	struct id object;
	AUTO(bufv) struct buf payload = BUF_INIT;
	ok(index_builder_add(&b, &pack, PACK_DATA, 100, &dir, &err));
	ok(index_builder_finish(&b, &payload, &err));
	buf_release(&b.packs);
	ok(object_save(f->store, f->repo->subkeys, OBJECT_INDEX, payload.data, payload.len,
	    &object, &err));
	assert_int_equal(count_indexes(f), 1);
	refused(watch_own_index(writer_watch(f->writer), &object, &payload, &err), ERR_CHANGED,
	    "somebody has deleted packs that this run had just written");
	assert_int_equal(count_indexes(f), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_mark_comes_back_as_it_was_put),
		CASE(the_mark_of_a_dead_process_is_told),
		CASE(marks_that_are_not_understood_are_refused),
		CASE(a_watch_sees_marks_and_indexes_that_go),
		CASE(a_watch_that_began_beside_a_mark_checks_once),
		CASE(a_watch_misses_packs_of_its_own),
		CASE(an_index_that_is_taken_back_leaves_one_for_what_is_there),
		CASE(a_watch_misses_packs_that_the_run_has_found),
		CASE(an_index_of_packs_that_are_gone_is_not_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

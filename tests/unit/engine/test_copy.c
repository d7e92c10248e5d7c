#include "tree/fixture.h"

#include "engine/browse.h"
#include "engine/copy.h"
#include "engine/copy_document.h"
#include "repo/check.h"
#include "repo/snapshot.h"

static const struct repo_create_options quick = { 8, 1, NULL };

/* A second repository, in memory. */
struct target {
	struct store *store;
	struct repo *repo;
};

static void
target_open(struct fixture *f, struct target *t)
{
	struct err err;
	struct repo_key key = { .passphrase = f->pass };
	ok(store_open_mem(&t->store, &err));
	ok(repo_create(t->store, &key, &quick, &err));
	ok(repo_open(&t->repo, t->store, &key, NULL, &err));
}

static void
target_close(struct target *t)
{
	repo_close(t->repo);
	store_close(t->store);
}

static void
hex_of(char **out, const struct buf *raw)
{
	*out = malloc(2 * raw->len + 1);
	assert_non_null(*out);
	hex_encode(*out, raw->data, raw->len);
}

/* A snapshot of the source as it is; tail goes into its document. */
static struct id
snapshot_of_source(struct fixture *f, int64_t time_ns, const char *tail, const struct buf *root)
{
	struct err err;
	struct id id;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(bufv) struct buf document = BUF_INIT;
	AUTO(str) char *hex = NULL;
	save_source(f, &saved);
	ok(tree_entry_encode(&saved.root, &raw, &err));
	hex_of(&hex, root != NULL ? root : &raw);
	ok(buf_printf(&document, &err,
	    "{\"version\":1,\"time_ns\":%lld,\"host\":\"nas\",\"source\":{\"kind\":\"stack\","
	    "\"name\":\"shop\"},\"root\":\"%s\",\"stats\":{\"files\":2,\"bytes\":10}%s}",
	    (long long)time_ns, hex, tail));
	ok(snapshot_save(f->repo, &document, &id, &err));
	return id;
}

static void
copy_all(struct fixture *f, struct target *t, struct copy_result *out)
{
	struct err err;
	struct snapshot_filter all = SNAPSHOT_FILTER_INIT;
	struct engine e = { .repo = t->repo };
	struct copy_options opt = { .from = f->repo, .filter = &all };
	ok(copy_snapshots(&e, &opt, out, &err));
}

static void
make_source(struct fixture *f)
{
	assert_int_equal(mkdir(in_source(f, "dir"), 0755), 0);
	write_text(in_source(f, "dir/a"), "bytes of a");
	write_text(in_source(f, "b"), "bytes of b");
	assert_int_equal(link(in_source(f, "b"), in_source(f, "dir/other name")), 0);
	assert_int_equal(symlink("b", in_source(f, "link")), 0);
}

static void
a_copy_restores_as_its_original_does(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct target t;
	make_source(f);
	struct id id = snapshot_of_source(f, 100, "", NULL);
	target_open(f, &t);
	AUTO(copy_result) struct copy_result r = { 0 };
	copy_all(f, &t, &r);
	assert_int_equal(r.made, 1);
	assert_int_equal(r.refused, 0);
	assert_memory_equal(&r.items[0].source, &id, sizeof id);
	assert_string_equal(r.items[0].text, "stack shop on nas");
	struct snapshot s;
	ok(snapshot_open(&s, t.repo, &r.items[0].id, &err));
	struct tree_restored restored;
	struct tree_restore_options opt = TREE_RESTORE_OPTIONS_INIT;
	opt.no_sync = true;
	ok(tree_restore(&restored, t.repo, &s.root, f->target, &opt, &err));
	struct repo *own = f->repo;
	f->repo = t.repo;
	compare_with(f, &s.root, f->source);
	f->repo = own;
	expect_nothing(f);
	snapshot_release(&s);
	target_close(&t);
}

/* Fields that a later version may add, before the content and behind it. */
static void
fields_that_are_not_known_are_kept(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct target t;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	AUTO(bufv) struct buf head = BUF_INIT;
	AUTO(bufv) struct buf body = BUF_INIT;
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(bufv) struct buf content = BUF_INIT;
	make_source(f);
	save_source(f, &saved);
	ok(tree_entry_encode_head(&saved.root, &head, &err));
	ok(content_encode(&saved.root.content, &content, &err));
	ok(buf_add(&body, head.data, head.len, &err));
	ok(buf_varint(&body, 55, &err));
	ok(buf_blob(&body, "before", 6, &err));
	ok(buf_varint(&body, 62, &err));
	ok(buf_blob(&body, content.data, content.len, &err));
	ok(buf_varint(&body, 75, &err));
	ok(buf_blob(&body, "behind", 6, &err));
	ok(buf_blob(&raw, body.data, body.len, &err));
	snapshot_of_source(f, 100, ",\"later\":{\"x\":[1,null,2.5]}", &raw);
	target_open(f, &t);
	AUTO(copy_result) struct copy_result r = { 0 };
	copy_all(f, &t, &r);
	assert_int_equal(r.made, 1);
	AUTO(json) json_t *document = NULL;
	AUTO(bufv) struct buf copy = BUF_INIT;
	ok(snapshot_load(t.repo, &r.items[0].id, &document, &err));
	ok(copy_document_root(document, &copy, &err));
	assert_non_null(memmem(copy.data, copy.len,
	    "\x37\x06"
	    "before\x3e",
	    9));
	assert_memory_equal(copy.data + copy.len - 8,
	    "\x4b\x06"
	    "behind",
	    8);
	assert_int_equal(copy.len, raw.len);
	AUTO(mem) char *later =
	    json_dumps(json_object_get(document, "later"), JSON_COMPACT | JSON_ENCODE_ANY);
	assert_string_equal(later, "{\"x\":[1,null,2.5]}");
	target_close(&t);
}

static size_t
chunks_of(struct repo *r, const struct id *snapshot, const char *path)
{
	struct err err;
	struct snapshot s;
	struct tree_entry e;
	ok(snapshot_open(&s, r, snapshot, &err));
	ok(tree_lookup(r, &s.root, path, &e, &err));
	/* A file of many chunks has lists of them. */
	size_t count = e.content.level > 0 ? SIZE_MAX : e.content.count;
	tree_entry_release(&e);
	snapshot_release(&s);
	return count;
}

static void
dumps_made_of_rows_are_cut_at_rows(void **state)
{
	struct fixture *f = *state;
	struct target t;
	AUTO(bufv) struct buf text = BUF_INIT;
	struct err err;
	uint64_t seed = 11;
	for (int i = 0; i < 80000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		ok(buf_printf(&text, &err, "%d\t%016llx%016llx\n", i, (unsigned long long)seed,
		    (unsigned long long)(seed * 5)));
	}
	assert_int_equal(mkdir(in_source(f, "databases"), 0755), 0);
	write_file(in_source(f, "databases/shop.sql"), text.data, text.len);
	write_file(in_source(f, "databases/other"), text.data, text.len);
	snapshot_of_source(f, 100,
	    ",\"members\":[{\"kind\":\"database\",\"path\":\"databases\",\"streams\":["
	    "{\"name\":\"shop.sql\",\"format\":\"mysql\"},"
	    "{\"name\":\"other\",\"format\":\"rdb\"}]}]",
	    NULL);
	target_open(f, &t);
	AUTO(copy_result) struct copy_result r = { 0 };
	copy_all(f, &t, &r);
	assert_true(chunks_of(t.repo, &r.items[0].id, "databases/shop.sql") > 30);
	assert_true(chunks_of(t.repo, &r.items[0].id, "databases/other") < 10);
	target_close(&t);
}

#define ROWS_DOCUMENT                                                               \
	",\"members\":[{\"kind\":\"database\",\"path\":\"databases\",\"streams\":[" \
	"{\"name\":\"shop.sql\",\"format\":\"mysql\"}]}]"

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 24;
}

/* Insert, delete, overwrite or move bytes somewhere. */
static void
edit(struct buf *b, uint64_t *seed)
{
	struct err err;
	uint8_t fresh[3000];
	size_t len = 1 + next_random(seed) % sizeof fresh;
	size_t at = next_random(seed) % (b->len - 2 * sizeof fresh);
	for (size_t i = 0; i < len; i++)
		fresh[i] =
		    (uint8_t)(next_random(seed) % 40 == 0 ? '\n'
							  : ' ' + next_random(seed) % 90);
	switch (next_random(seed) % 4) {
	case 0:
		ok(buf_reserve(b, len, &err));
		memmove(b->data + at + len, b->data + at, b->len - at);
		memcpy(b->data + at, fresh, len);
		b->len += len;
		break;
	case 1:
		memmove(b->data + at, b->data + at + len, b->len - at - len);
		b->len -= len;
		break;
	case 2:
		memcpy(b->data + at, fresh, len);
		break;
	default:
		memmove(
		    b->data + at, b->data + b->len - 400000, 300000 < b->len - at ? 300000 : 1);
	}
}

static void
expect_file(struct repo *r, const struct id *snapshot, const char *path, const struct buf *want)
{
	struct err err;
	struct snapshot s;
	struct tree_entry e;
	AUTO(bufv) struct buf got = BUF_INIT;
	ok(snapshot_open(&s, r, snapshot, &err));
	ok(tree_lookup(r, &s.root, path, &e, &err));
	ok(content_read_all(r, &e.content, SIZE_MAX / 4, &got, &err));
	assert_int_equal(got.len, want->len);
	assert_memory_equal(got.data, want->data, want->len);
	tree_entry_release(&e);
	snapshot_release(&s);
}

static void
of_a_file_that_changed_only_what_is_new_is_read(void **state)
{
	struct fixture *f = *state;
	struct target t;
	struct err err;
	AUTO(bufv) struct buf text = BUF_INIT;
	uint64_t seed = 21;
	uint64_t read = 0;
	for (int i = 0; i < 90000; i++)
		ok(buf_printf(&text, &err, "%d\t%016llx\t%016llx\n", i,
		    (unsigned long long)next_random(&seed), (unsigned long long)seed));
	assert_int_equal(mkdir(in_source(f, "databases"), 0755), 0);
	target_open(f, &t);
	for (int round = 0; round < 25; round++) {
		write_file(in_source(f, "databases/shop.sql"), text.data, text.len);
		snapshot_of_source(f, 100 + round, ROWS_DOCUMENT, NULL);
		AUTO(copy_result) struct copy_result r = { 0 };
		copy_all(f, &t, &r);
		assert_int_equal(r.made, 1);
		const struct copied *last = &r.items[r.count - 1];
		expect_file(t.repo, &last->id, "databases/shop.sql", &text);
		if (round == 0)
			assert_int_equal(last->read_bytes, text.len);
		else
			read += last->read_bytes;
		for (uint64_t edits = next_random(&seed) % 4; edits > 0; edits--)
			edit(&text, &seed);
	}
	/* 24 copies with an edit or two in each; the original was cut into pieces of a
	 * megabyte, of which there are four. */
	assert_true(read > 0 && read < 24 * text.len * 3 / 4);
	target_close(&t);
}

static void
what_a_copy_of_a_copy_is_of_is_the_first(void **state)
{
	struct fixture *f = *state;
	struct target t;
	make_source(f);
	snapshot_of_source(f, 100,
	    ",\"original\":{\"repository\":\"000102030405060708090a0b0c0d0e0f\",\"snapshot\":"
	    "\"00000000000000000000000000000000000000000000000000000000000000aa\"}",
	    NULL);
	/* This says nonsense: then it is itself. */
	snapshot_of_source(
	    f, 200, ",\"original\":{\"repository\":\"00\",\"snapshot\":7}", NULL);
	target_open(f, &t);
	AUTO(copy_result) struct copy_result r = { 0 };
	copy_all(f, &t, &r);
	assert_int_equal(r.made, 2);
	struct err err;
	AUTO(copy_list) struct copy_list l = { .repo = NULL };
	ok(copy_list_load(&l, t.repo, &err));
	assert_int_equal(l.count, 2);
	assert_int_equal(l.items[0].origin.repo[15], 0x0f);
	assert_int_equal(l.items[0].origin.snapshot[31], 0xaa);
	assert_memory_equal(l.items[1].origin.repo, repo_id(f->repo), REPO_ID_SIZE);
	assert_memory_equal(l.items[1].origin.snapshot, r.items[1].source.b, ID_SIZE);
	AUTO(copy_result) struct copy_result again = { 0 };
	copy_all(f, &t, &again);
	assert_int_equal(again.present, 2);
	target_close(&t);
}

static void
expect_sound(struct repo *r)
{
	struct err err;
	struct check_options check = { .read_data = true };
	struct check_result found;
	ok(repo_check(r, &check, &found, &err));
	assert_int_equal(found.problems, 0);
}

/* One run, with a target of its own, in which plan's store fails from its nth operation on;
 * says whether that was reached. */
static bool
copy_with_fault(struct fixture *f, struct store_fault *plan, unsigned n, bool of_target)
{
	struct err err;
	struct repo_key key = { .passphrase = f->pass };
	struct store *store;
	struct repo *from = NULL;
	struct repo *to = NULL;
	ok(store_open_mem(&store, &err));
	ok(repo_create(store, &key, &quick, &err));
	if (of_target)
		ok(store_open_fault(&store, store, plan, &err));
	ok(repo_open(&from, f->store, &key, NULL, &err));
	ok(repo_open(&to, store, &key, NULL, &err));
	struct snapshot_filter all = SNAPSHOT_FILTER_INIT;
	struct engine e = { .repo = to };
	struct copy_options opt = { .from = from, .filter = &all };
	struct copy_result r = { 0 };
	*plan = (struct store_fault){ .fail_at = n, .sticky = true };
	bool is_good = copy_snapshots(&e, &opt, &r, &err) == ERR_OK && r.refused == 0;
	bool reached = plan->count >= n;
	assert_true(is_good == !reached);
	copy_result_release(&r);
	/* With the fault gone, all is sound, and the rest is copied. */
	*plan = (struct store_fault){ .fail_at = 0 };
	repo_close(to);
	ok(repo_open(&to, store, &key, NULL, &err));
	expect_sound(to);
	e.repo = to;
	ok(copy_snapshots(&e, &opt, &r, &err));
	assert_int_equal(r.made + r.present, 2);
	expect_sound(to);
	copy_result_release(&r);
	repo_close(to);
	repo_close(from);
	store_close(store);
	return reached;
}

static void
make_two_snapshots(struct fixture *f)
{
	make_source(f);
	snapshot_of_source(f, 100, "", NULL);
	write_text(in_source(f, "new"), "bytes of new");
	snapshot_of_source(f, 200, "", NULL);
}

static void
a_target_that_fails_at_any_step_stays_sound(void **state)
{
	struct fixture *f = *state;
	struct store_fault plan = { .fail_at = 0 };
	make_two_snapshots(f);
	unsigned n = 1;
	while (copy_with_fault(f, &plan, n, true))
		n++;
	assert_true(n > 10);
}

static void
a_source_that_fails_at_any_step_is_never_copied_in_part(void **state)
{
	struct fixture *f = *state;
	static struct store_fault plan; /* until the fixture closes the store */
	struct store *inner = f->store;
	struct err err;
	make_two_snapshots(f);
	plan = (struct store_fault){ .fail_at = 0 };
	ok(store_open_fault(&f->store, inner, &plan, &err));
	unsigned n = 1;
	while (copy_with_fault(f, &plan, n, false))
		n++;
	assert_true(n > 5);
	plan.fail_at = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(a_copy_restores_as_its_original_does),
		tree_test(fields_that_are_not_known_are_kept),
		tree_test(dumps_made_of_rows_are_cut_at_rows),
		tree_test(of_a_file_that_changed_only_what_is_new_is_read),
		tree_test(what_a_copy_of_a_copy_is_of_is_the_first),
		tree_test(a_target_that_fails_at_any_step_stays_sound),
		tree_test(a_source_that_fails_at_any_step_is_never_copied_in_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a tar archive becomes, and which archives are refused. */
#include "fixture.h"

#include "tree/tar_save.h"

#define BLOCK 512

struct archive_bytes {
	struct buf bytes;
	size_t at; /* read so far */
	size_t fails_at; /* then reading fails; 0: never */
	size_t portion; /* at most so many at once */
};

static void
archive_bytes_auto(struct archive_bytes *a)
{
	buf_release(&a->bytes);
}

static void
put_octal(char *field, size_t size, unsigned long n)
{
	field[size - 1] = '\0';
	for (size_t i = size - 1; i-- > 0; n /= 8)
		field[i] = (char)('0' + n % 8);
}

/* A ustar header (POSIX.1-1988), and the bytes behind it. */
static void
add(struct archive_bytes *a, char type, const char *name, const char *link, const char *data)
{
	static const char zeros[BLOCK];
	char h[BLOCK] = "";
	struct err err;
	size_t len = data != NULL ? strlen(data) : 0;
	unsigned long sum = 0;
	assert_true(strlen(name) <= 100);
	memcpy(h, name, strlen(name));
	put_octal(h + 100, 8, 0644);
	put_octal(h + 108, 8, 1000);
	put_octal(h + 116, 8, 100);
	put_octal(h + 124, 12, len);
	put_octal(h + 136, 12, 1767225600);
	memset(h + 148, ' ', 8);
	h[156] = type;
	if (link != NULL)
		memcpy(h + 157, link, strlen(link));
	memcpy(h + 257,
	    "ustar\0"
	    "00",
	    8);
	memcpy(h + 265, "ana", 4);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	put_octal(h + 148, 8, sum);
	ok(buf_add(&a->bytes, h, BLOCK, &err));
	if (len == 0)
		return;
	ok(buf_add(&a->bytes, data, len, &err));
	ok(buf_add(&a->bytes, zeros, (BLOCK - len % BLOCK) % BLOCK, &err));
}

static void
add_end(struct archive_bytes *a)
{
	static const char zeros[2 * BLOCK];
	struct err err;
	ok(buf_add(&a->bytes, zeros, sizeof zeros, &err));
}

static enum err_code
give(void *arg, void *out, size_t room, size_t *got, struct err *err)
{
	struct archive_bytes *a = arg;
	if (a->fails_at > 0 && a->at >= a->fails_at)
		return err_set(err, ERR_IO, "the pipe burst");
	size_t n = min_size(room, a->bytes.len - a->at);
	if (a->portion > 0)
		n = min_size(n, a->portion);
	memcpy(out, a->bytes.data + a->at, n);
	a->at += n;
	*got = n;
	return ERR_OK;
}

static enum err_code
save(struct fixture *f, struct archive_bytes *a, struct tree_saved *out, struct err *err)
{
	struct tar_save_options opt = {
		.read = give,
		.read_arg = a,
		.problem = fixture_note_problem,
		.problem_arg = f,
	};
	a->at = 0;
	if (tar_save(out, f->writer, &opt, err))
		return err->code;
	return writer_flush(f->writer, err);
}

/* The file's bytes, or the target of a symlink. */
static void
holds(struct fixture *f, const struct tree_saved *s, const char *path, const char *text)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(bufv) struct buf bytes = BUF_INIT;
	struct err err;
	ok(tree_lookup(f->repo, &s->root, path, &e, &err));
	if (e.type == TREE_SYMLINK) {
		assert_string_equal(e.target, text);
		return;
	}
	assert_int_equal(e.type, TREE_FILE);
	ok(content_read_all(f->repo, &e.content, 1 << 20, &bytes, &err));
	assert_string_equal(bytes.len > 0 ? buf_cstr(&bytes) : "", text);
}

static void
lacks(struct fixture *f, const struct tree_saved *s, const char *path)
{
	struct tree_entry e;
	struct err err;
	assert_int_equal(tree_lookup(f->repo, &s->root, path, &e, &err), ERR_NOT_FOUND);
}

static void
entries_become_a_tree_in_whatever_order_they_come(void **state)
{
	struct fixture *f = *state;
	AUTO(archive_bytes) struct archive_bytes a = { .portion = 7 };
	AUTO(tree_saved) struct tree_saved s = TREE_SAVED_INIT;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry dir = TREE_ENTRY_INIT;
	struct err err;
	add(&a, '0', "./z/y/file", NULL, "deep");
	add(&a, '0', "b", NULL, "second");
	add(&a, '5', "z/", NULL, NULL);
	add(&a, '2', "link", "z/y", NULL);
	add(&a, '6', "fifo", NULL, NULL);
	add(&a, '0', "a", NULL, "");
	add(&a, '5', "./", NULL, NULL);
	add_end(&a);
	ok(save(f, &a, &s, &err));
	holds(f, &s, "z/y/file", "deep");
	holds(f, &s, "b", "second");
	holds(f, &s, "a", "");
	holds(f, &s, "link", "z/y");
	assert_int_equal(s.files, 3);
	assert_int_equal(s.dirs, 3);
	assert_int_equal(s.others, 2);
	assert_int_equal(s.bytes, 10);
	ok(tree_lookup(f->repo, &s.root, "z", &e, &err));
	assert_int_equal(e.mode, 0644);
	assert_int_equal(e.uid, 1000);
	assert_string_equal(e.user, "ana");
	assert_int_equal(e.modified.s, 1767225600);
	/* That folder was only implied. */
	ok(tree_lookup(f->repo, &s.root, "z/y", &dir, &err));
	assert_int_equal(dir.mode, 0755);
	assert_int_equal(dir.uid, 0);
	assert_int_equal(s.root.uid, 1000);
	expect_nothing(f);
}

static void
of_one_name_the_last_entry_counts(void **state)
{
	struct fixture *f = *state;
	AUTO(archive_bytes) struct archive_bytes a = { .portion = 0 };
	AUTO(tree_saved) struct tree_saved s = TREE_SAVED_INIT;
	struct err err;
	add(&a, '0', "x", NULL, "one");
	add(&a, '0', "./x", NULL, "two");
	add(&a, '0', "was_file", NULL, "file");
	add(&a, '5', "was_file", NULL, NULL);
	add(&a, '5', "was_empty", NULL, NULL);
	add(&a, '2', "was_empty", "x", NULL);
	/* What tar cannot replace stays. */
	add(&a, '0', "full/inside", NULL, "kept");
	add(&a, '0', "full", NULL, "no");
	add_end(&a);
	ok(save(f, &a, &s, &err));
	holds(f, &s, "x", "two");
	holds(f, &s, "was_empty", "x");
	holds(f, &s, "full/inside", "kept");
	assert_int_equal(s.files, 2);
	assert_int_equal(s.problems, 1);
	expect_lines(f, "unreadable full: a folder that holds something has its name");
}

static void
hard_links_are_names_of_one_inode(void **state)
{
	struct fixture *f = *state;
	AUTO(archive_bytes) struct archive_bytes a = { .portion = 0 };
	AUTO(tree_saved) struct tree_saved s = TREE_SAVED_INIT;
	AUTO(tree_entry) struct tree_entry one = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry two = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry alone = TREE_ENTRY_INIT;
	struct err err;
	add(&a, '0', "one", NULL, "same");
	add(&a, '1', "dir/two", "./one", NULL);
	add(&a, '1', "three", "dir/two", NULL);
	add(&a, '0', "three", NULL, "its own now");
	add(&a, '1', "one", "one", NULL);
	add(&a, '1', "lost", "nowhere", NULL);
	add(&a, '1', "folder", "dir", NULL);
	add_end(&a);
	ok(save(f, &a, &s, &err));
	ok(tree_lookup(f->repo, &s.root, "one", &one, &err));
	ok(tree_lookup(f->repo, &s.root, "dir/two", &two, &err));
	ok(tree_lookup(f->repo, &s.root, "three", &alone, &err));
	assert_int_equal(one.links, 2);
	assert_int_equal(one.ino, two.ino);
	assert_true(content_equal(&one.content, &two.content));
	assert_int_equal(alone.links, 1);
	assert_true(alone.ino != one.ino);
	holds(f, &s, "three", "its own now");
	expect_lines(f, "unreadable lost: hard link to nowhere: not in this archive",
	    "unreadable folder: hard link to dir: a folder");
}

static void
hostile_names_are_told_and_left_out(void **state)
{
	struct fixture *f = *state;
	AUTO(archive_bytes) struct archive_bytes a = { .portion = 0 };
	AUTO(tree_saved) struct tree_saved s = TREE_SAVED_INIT;
	struct err err;
	add(&a, '0', "../out", NULL, "x");
	add(&a, '0', "a/../../out", NULL, "x");
	add(&a, '0', "a/..", NULL, "x");
	add(&a, '0', "/abs//./olute", NULL, "inside");
	add(&a, '2', "trap", "/etc", NULL);
	add(&a, '0', "trap/passwd", NULL, "x");
	add(&a, '0', "/./.", NULL, "x");
	add(&a, '1', "steal", "../../etc/shadow", NULL);
	add_end(&a);
	ok(save(f, &a, &s, &err));
	holds(f, &s, "abs/olute", "inside");
	holds(f, &s, "trap", "/etc");
	lacks(f, &s, "out");
	lacks(f, &s, "steal");
	lacks(f, &s, "trap/passwd");
	assert_int_equal(s.files, 1);
	assert_int_equal(s.problems, 6);
	expect_lines(f, "unreadable ../out: a name with \"..\" in it",
	    "unreadable a/../../out: a name with \"..\" in it",
	    "unreadable a/..: a name with \"..\" in it",
	    "unreadable trap/passwd: what should hold it is no folder",
	    "unreadable /./.: it has no name",
	    "unreadable steal: hard link to ../../etc/shadow: a name with \"..\" in it");
}

static void
archive_that_is_cut_anywhere_is_refused(void **state)
{
	struct fixture *f = *state;
	AUTO(archive_bytes) struct archive_bytes a = { .portion = 0 };
	struct err err;
	add(&a, '0', "one", NULL, "1");
	add(&a, '5', "dir", NULL, NULL);
	add(&a, '0', "dir/two", NULL, "22");
	size_t end = a.bytes.len;
	add_end(&a);
	size_t whole = a.bytes.len;
	for (size_t cut = 1; cut <= whole; cut += cut % BLOCK == BLOCK - 1 ? 1 : BLOCK - 1) {
		AUTO(tree_saved) struct tree_saved s = TREE_SAVED_INIT;
		a.bytes.len = cut;
		enum err_code rc = save(f, &a, &s, &err);
		/* The first block of zeros is the end already. */
		if (cut >= end + BLOCK && cut % BLOCK == 0)
			assert_int_equal(rc, ERR_OK);
		else if (rc != ERR_INCOMPLETE)
			fail_msg("cut at %zu: %d %s", cut, (int)rc, err.msg);
	}
	a.bytes.len = 0;
	struct tree_saved none;
	refused(save(f, &a, &none, &err), ERR_INCOMPLETE, "there was no input at all");
	a.bytes.len = end;
	refused(save(f, &a, &none, &err), ERR_INCOMPLETE,
	    "it is no whole tar archive: it ends without its end mark");
}

static void
what_is_no_archive_is_refused(void **state)
{
	struct fixture *f = *state;
	AUTO(archive_bytes) struct archive_bytes a = { .portion = 0 };
	struct tree_saved s;
	struct err err;
	ok(buf_str(&a.bytes, "-- a dump, and no archive\n", &err));
	refused_like(save(f, &a, &s, &err), ERR_INCOMPLETE, "it is no whole tar archive: ");
	a.bytes.len = 0;
	add_end(&a);
	refused(save(f, &a, &s, &err), ERR_INCOMPLETE, "the archive holds nothing");
	/* A header that was hit, and something behind the end. */
	a.bytes.len = 0;
	add(&a, '0', "one", NULL, "1");
	add(&a, '0', "two", NULL, "2");
	add_end(&a);
	a.bytes.data[2 * BLOCK] ^= 1;
	refused_like(save(f, &a, &s, &err), ERR_INCOMPLETE, "it is no whole tar archive: ");
	a.bytes.data[2 * BLOCK] ^= 1;
	ok(buf_str(&a.bytes, "rubbish", &err));
	refused_like(save(f, &a, &s, &err), ERR_INCOMPLETE, "it is no whole tar archive: ");
}

static void
archives_behind_one_another_are_all_read(void **state)
{
	struct fixture *f = *state;
	AUTO(archive_bytes) struct archive_bytes a = { .portion = 100 };
	AUTO(tree_saved) struct tree_saved s = TREE_SAVED_INIT;
	struct err err;
	add(&a, '0', "one", NULL, "1");
	add_end(&a);
	add(&a, '0', "two", NULL, "2");
	add_end(&a);
	add_end(&a);
	ok(save(f, &a, &s, &err));
	holds(f, &s, "one", "1");
	holds(f, &s, "two", "2");
	assert_int_equal(a.at, a.bytes.len);
}

static void
input_that_fails_is_that_failure(void **state)
{
	struct fixture *f = *state;
	AUTO(archive_bytes) struct archive_bytes a = { .portion = 300, .fails_at = 1000 };
	struct tree_saved s;
	struct err err;
	add(&a, '0', "one", NULL, "1");
	add(&a, '0', "two", NULL, "2");
	add_end(&a);
	refused(save(f, &a, &s, &err), ERR_IO, "the pipe burst");
	a.fails_at = 1;
	refused(save(f, &a, &s, &err), ERR_IO, "the pipe burst");
}

static void
folders_of_any_sane_depth_are_taken(void **state)
{
	struct fixture *f = *state;
	AUTO(archive_bytes) struct archive_bytes a = { .portion = 0 };
	AUTO(tree_saved) struct tree_saved s = TREE_SAVED_INIT;
	struct err err;
	/* GNU's long names: an entry of the type L holds that of the next. */
	for (int deep = 0; deep < 2; deep++) {
		AUTO(bufv) struct buf path = BUF_INIT;
		for (int i = 0; i < (deep ? 1001 : 1000); i++)
			ok(buf_str(&path, deep ? "e/" : "d/", &err));
		ok(buf_str(&path, "f", &err));
		add(&a, 'L', "././@LongLink", NULL, buf_cstr(&path));
		add(&a, '0', "cut", NULL, "x");
	}
	add_end(&a);
	ok(save(f, &a, &s, &err));
	assert_int_equal(s.files, 1);
	assert_int_equal(s.problems, 1);
	assert_non_null(strstr(f->lines.items[0], ": it lies in more than 1000 folders"));
	strv_release(&f->lines);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(entries_become_a_tree_in_whatever_order_they_come),
		tree_test(of_one_name_the_last_entry_counts),
		tree_test(hard_links_are_names_of_one_inode),
		tree_test(hostile_names_are_told_and_left_out),
		tree_test(archive_that_is_cut_anywhere_is_refused),
		tree_test(what_is_no_archive_is_refused),
		tree_test(archives_behind_one_another_are_all_read),
		tree_test(input_that_fails_is_that_failure),
		tree_test(folders_of_any_sane_depth_are_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

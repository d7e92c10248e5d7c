#include "fixture.h"

#include "tree/folder.h"
#include "tree/names.h"

#define DEPTH 200

/* Folders one inside the other, entered with few descriptors. */
static void
enter_chain(struct fixture *f, struct folder_set *set, struct folder *chain[DEPTH])
{
	struct err err;
	struct stat st;
	int fd = open(f->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok(folder_root(&chain[0], set, fd, &err));
	for (int i = 1; i < DEPTH; i++) {
		ok(folder_pin(chain[i - 1], &fd, &err));
		assert_int_equal(mkdirat(fd, "sub", 0755), 0);
		ok(folder_enter(&chain[i], chain[i - 1], "sub", &st, &err));
		folder_unpin(chain[i - 1]);
		folder_unpin(chain[i]);
	}
}

static void
leave_chain(struct folder *chain[DEPTH])
{
	for (int i = 0; i < DEPTH; i++)
		folder_unref(chain[i]);
}

static void
deep_folders_are_opened_again_within_the_limit(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct folder_set set;
	struct folder *chain[DEPTH];
	for (int openat2 = 0; openat2 < 2; openat2++) {
		folder_set_init(&set, openat2 && folder_has_openat2(), true);
		set.max_open = 8;
		enter_chain(f, &set, chain);
		assert_true(set.open <= 8);
		static const int visits[] = { DEPTH - 1, 1, 150, 149, 148, 0, 199, 100 };
		for (size_t i = 0; i < ARRAY_LEN(visits); i++) {
			struct stat st;
			int fd;
			ok(folder_pin(chain[visits[i]], &fd, &err));
			assert_int_equal(fstat(fd, &st), 0);
			assert_true(S_ISDIR(st.st_mode));
			assert_true(set.open <= 10);
			folder_unpin(chain[visits[i]]);
		}
		leave_chain(chain);
		assert_int_equal(set.open, 0);
		folder_set_release(&set);
		ok(fs_remove_tree(in_source(f, "sub"), &err));
	}
}

static void
folder_that_was_replaced_is_not_opened_again(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct folder_set set;
	struct folder *chain[DEPTH];
	int fd;
	folder_set_init(&set, false, false);
	set.max_open = 2;
	enter_chain(f, &set, chain);
	assert_int_equal(rename(in_source(f, "sub"), in_source(f, "moved")), 0);
	assert_int_equal(mkdir(in_source(f, "sub"), 0755), 0);
	refused(folder_pin(chain[1], &fd, &err), ERR_NOT_FOUND,
	    "open again: another folder has taken its place");
	assert_int_equal(rmdir(in_source(f, "sub")), 0);
	assert_int_equal(symlink("moved", in_source(f, "sub")), 0);
	assert_int_not_equal(folder_pin(chain[1], &fd, &err), ERR_OK);
	leave_chain(chain);
	folder_set_release(&set);
}

static void
paths_are_put_together_from_names(void **state)
{
	(void)state;
	struct err err;
	struct trail *root;
	struct trail *a;
	struct trail *b;
	ok(trail_new(&root, NULL, "", &err));
	ok(trail_new(&a, root, "a", &err));
	ok(trail_new(&b, a, "bb", &err));
	static const struct {
		int level;
		const char *name;
		const char *want;
	} cases[] = { { 0, NULL, "" }, { 0, "x", "x" }, { 1, NULL, "a" }, { 1, "x", "a/x" },
		{ 2, NULL, "a/bb" }, { 2, "x", "a/bb/x" } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(bufv) struct buf path = BUF_INIT;
		ok(buf_str(&path, ">", &err));
		ok(trail_path(cases[i].level == 0   ? root
			      : cases[i].level == 1 ? a
						    : b,
		    cases[i].name, &path, &err));
		assert_int_equal(path.len, 1 + strlen(cases[i].want));
		assert_string_equal(buf_cstr(&path) + 1, cases[i].want);
	}
	trail_unref(root);
	trail_unref(a);
	trail_unref(b);
}

static void
names_come_sorted_by_bytes(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct names names;
	static const char *const sorted[] = { "A", "a", "aaaaaaaa", "aaaaaaaaa", "aaaaaaaab",
		"b", "\x80" };
	for (size_t i = ARRAY_LEN(sorted); i-- > 0;)
		write_text(in_source(f, sorted[i]), "");
	AUTO(mem) void *scratch = malloc(NAMES_SCRATCH_SIZE);
	AUTO(fd) int fd = open(f->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int again = 0; again < 2; again++) {
		ok(names_read(&names, fd, scratch, NULL, NULL, &err));
		assert_int_equal(names.count, ARRAY_LEN(sorted));
		for (size_t i = 0; i < names.count; i++)
			assert_string_equal(names_text(&names, i), sorted[i]);
		names_release(&names);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(deep_folders_are_opened_again_within_the_limit),
		tree_test(folder_that_was_replaced_is_not_opened_again),
		tree_test(paths_are_put_together_from_names),
		tree_test(names_come_sorted_by_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

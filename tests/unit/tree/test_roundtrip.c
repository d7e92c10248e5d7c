/* Save, restore, compare: whatever a Linux filesystem can hold. */
#include "fixture.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#define MIB ((size_t)1 << 20)

/* Save the source, restore it, and let nothing differ. */
static void
round_trip(struct fixture *f, struct tree_saved *saved, struct tree_restored *restored)
{
	save_source(f, saved);
	restore_target(f, &saved->root, restored);
	compare_with(f, &saved->root, f->source);
	compare_with(f, &saved->root, f->target);
	expect_nothing(f);
	assert_int_equal(saved->problems, 0);
	assert_int_equal(restored->problems, 0);
}

static void
check_round_trip(struct fixture *f)
{
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct tree_restored restored;
	round_trip(f, &saved, &restored);
}

static void
set_mtime(const char *path, int64_t s, long ns)
{
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = s, .tv_nsec = ns } };
	assert_int_equal(utimensat(AT_FDCWD, path, ts, AT_SYMLINK_NOFOLLOW), 0);
}

static void
contents_of_all_sizes_come_back(void **state)
{
	struct fixture *f = *state;
	static const size_t sizes[] = { 0, 1, 4095, 4096, 65537, 3 * MIB + 7, 40 * MIB };
	AUTO(mem) uint8_t *data = malloc(40 * MIB);
	uint64_t seed = 1;
	for (size_t i = 0; i < 40 * MIB; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
		data[i] = (uint8_t)(seed >> 60); /* compresses by half */
	}
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char name[32];
		snprintf(name, sizeof name, "file%zu", i);
		write_file(in_source(f, name), data, sizes[i]);
	}
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct tree_restored restored;
	round_trip(f, &saved, &restored);
	assert_int_equal(saved.files, 7);
	assert_int_equal(restored.files, 7);
	assert_int_equal(restored.bytes, saved.bytes);
	AUTO(bufv) struct buf back = BUF_INIT;
	struct err err;
	ok(fs_read_file(in_target(f, "file6"), 64 * MIB, &back, &err));
	assert_int_equal(back.len, 40 * MIB);
	assert_memory_equal(back.data, data, back.len);
}

static void
every_mode_comes_back(void **state)
{
	struct fixture *f = *state;
	for (unsigned mode = 0; mode < 010000; mode += 0111) {
		char name[32];
		snprintf(name, sizeof name, "file%05o", mode);
		write_text(in_source(f, name), "x");
		assert_int_equal(chmod(in_source(f, name), mode), 0);
	}
	write_text(in_source(f, "tool"), "x");
	assert_int_equal(chmod(in_source(f, "tool"), 04711), 0);
	assert_int_equal(mkdir(in_source(f, "shared"), 0755), 0);
	assert_int_equal(chmod(in_source(f, "shared"), 03777), 0);
	assert_int_equal(chmod(f->source, 0750), 0);
	check_round_trip(f);
	assert_int_equal(stat_of(in_target(f, "tool")).st_mode & 07777, 04711);
	assert_int_equal(stat_of(in_target(f, "shared")).st_mode & 07777, 03777);
	assert_int_equal(stat_of(f->target).st_mode & 07777, 0750);
}

static void
owners_come_back_on_everything(void **state)
{
	struct fixture *f = *state;
	if (geteuid() != 0)
		skip();
	write_text(in_source(f, "file"), "x");
	assert_int_equal(mkdir(in_source(f, "dir"), 0755), 0);
	assert_int_equal(symlink("nowhere", in_source(f, "link")), 0);
	assert_int_equal(mkfifo(in_source(f, "fifo"), 0600), 0);
	assert_int_equal(chown(in_source(f, "file"), 4000000000U, 999), 0);
	assert_int_equal(chown(in_source(f, "dir"), 1234, 4000000001U), 0);
	assert_int_equal(lchown(in_source(f, "link"), 33, 34), 0);
	assert_int_equal(chown(in_source(f, "fifo"), 35, 36), 0);
	/* Set-ID bits do not outlive a chown, unless they are set after it. */
	assert_int_equal(chmod(in_source(f, "file"), 06755), 0);
	check_round_trip(f);
	assert_int_equal(stat_of(in_target(f, "file")).st_uid, 4000000000U);
	assert_int_equal(stat_of(in_target(f, "file")).st_mode & 07777, 06755);
	assert_int_equal(stat_of(in_target(f, "link")).st_gid, 34);
}

static void
times_come_back_to_the_nanosecond(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		int64_t s;
		long ns;
	} times[] = {
		{ "now", 1700000000, 123456789 },
		{ "before1970", -1, 999999999 },
		{ "1901", -2147483648, 1 },
		{ "after2038", 4294967296, 5 },
		{ "after2262", 9300000000, 999999999 },
		{ "2446", 15032385535, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		write_text(in_source(f, times[i].name), "x");
		set_mtime(in_source(f, times[i].name), times[i].s, times[i].ns);
	}
	assert_int_equal(symlink("x", in_source(f, "link")), 0);
	set_mtime(in_source(f, "link"), 12, 34);
	assert_int_equal(mkfifo(in_source(f, "fifo"), 0600), 0);
	set_mtime(in_source(f, "fifo"), 56, 78);
	assert_int_equal(mkdir(in_source(f, "dir"), 0755), 0);
	write_text(in_source(f, "dir/file"), "x");
	set_mtime(in_source(f, "dir"), 90, 12);
	set_mtime(f->source, 34, 56);
	check_round_trip(f);
	/* The filesystem of the test may have less room for times than the tree. */
	struct stat st = stat_of(in_source(f, "after2262"));
	struct stat back = stat_of(in_target(f, "after2262"));
	assert_int_equal(back.st_mtim.tv_sec, st.st_mtim.tv_sec);
	assert_int_equal(back.st_mtim.tv_nsec, st.st_mtim.tv_nsec);
	assert_int_equal(stat_of(in_target(f, "link")).st_mtim.tv_sec, 12);
	assert_int_equal(stat_of(in_target(f, "dir")).st_mtim.tv_nsec, 12);
	assert_int_equal(stat_of(f->target).st_mtim.tv_sec, 34);
}

/* user::rwx, user:33:r--, group::r-x, mask::rwx, other::--- */
static const uint8_t acl[] = { 2, 0, 0, 0, /* */
	1, 0, 7, 0, 0xff, 0xff, 0xff, 0xff, /* */
	2, 0, 4, 0, 33, 0, 0, 0, /* */
	4, 0, 5, 0, 0xff, 0xff, 0xff, 0xff, /* */
	16, 0, 7, 0, 0xff, 0xff, 0xff, 0xff, /* */
	32, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };

/* cap_net_bind_service=ep */
static const uint8_t capability[] = { 1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0 };

static void
xattrs_acls_and_capabilities_come_back(void **state)
{
	struct fixture *f = *state;
	char big[2000];
	memset(big, 'b', sizeof big);
	write_text(in_source(f, "file"), "x");
	assert_int_equal(mkdir(in_source(f, "dir"), 0755), 0);
	if (setxattr(in_source(f, "file"), "user.big", big, sizeof big, 0) != 0)
		skip(); /* a filesystem without xattrs */
	assert_int_equal(setxattr(in_source(f, "file"), "user.empty", "", 0, 0), 0);
	assert_int_equal(setxattr(in_source(f, "file"), "user.\xff\n", "\0\1", 2, 0), 0);
	assert_int_equal(setxattr(in_source(f, "dir"), "user.big", big, sizeof big, 0), 0);
	bool acls =
	    setxattr(in_source(f, "file"), "system.posix_acl_access", acl, sizeof acl, 0) == 0;
	if (acls)
		assert_int_equal(setxattr(in_source(f, "dir"), "system.posix_acl_default", acl,
				     sizeof acl, 0),
		    0);
	write_text(in_source(f, "dir/inherits"), "x");
	if (geteuid() == 0) {
		write_text(in_source(f, "tool"), "x");
		assert_int_equal(chown(in_source(f, "tool"), 1000, 1000), 0);
		assert_int_equal(setxattr(in_source(f, "tool"), "security.capability",
				     capability, sizeof capability, 0),
		    0);
		assert_int_equal(symlink("x", in_source(f, "link")), 0);
		assert_int_equal(lsetxattr(in_source(f, "link"), "trusted.link", "t", 1, 0), 0);
		assert_int_equal(mkfifo(in_source(f, "fifo"), 0644), 0);
		assert_int_equal(setxattr(in_source(f, "fifo"), "trusted.fifo", "p", 1, 0), 0);
	}
	check_round_trip(f);

	char got[2048];
	assert_int_equal(
	    getxattr(in_target(f, "file"), "user.big", got, sizeof got), sizeof big);
	assert_int_equal(getxattr(in_target(f, "file"), "user.\xff\n", got, sizeof got), 2);
	assert_memory_equal(got, "\0\1", 2);
	if (acls) {
		assert_int_equal(
		    getxattr(in_target(f, "file"), "system.posix_acl_access", got, sizeof got),
		    sizeof acl);
		assert_memory_equal(got, acl, sizeof acl);
	}
	if (geteuid() == 0) {
		assert_int_equal(
		    getxattr(in_target(f, "tool"), "security.capability", got, sizeof got),
		    sizeof capability);
		assert_memory_equal(got, capability, sizeof capability);
		assert_int_equal(lgetxattr(in_target(f, "link"), "trusted.link", got, 1), 1);
	}
}

static void
acl_inherited_from_the_target_s_parent_is_not_kept(void **state)
{
	struct fixture *f = *state;
	if (setxattr(f->base, "system.posix_acl_default", acl, sizeof acl, 0) != 0)
		skip();
	struct err err;
	ok(fs_remove_tree(f->source, &err));
	assert_int_equal(removexattr(f->base, "system.posix_acl_default"), 0);
	assert_int_equal(mkdir(f->source, 0755), 0);
	assert_int_equal(mkdir(in_source(f, "dir"), 0755), 0);
	write_text(in_source(f, "dir/file"), "x");
	write_text(in_source(f, "file"), "x");
	assert_int_equal(setxattr(f->base, "system.posix_acl_default", acl, sizeof acl, 0), 0);
	check_round_trip(f);
	assert_int_equal(
	    getxattr(in_target(f, "file"), "system.posix_acl_access", NULL, 0), -1);
	assert_int_equal(
	    getxattr(in_target(f, "dir"), "system.posix_acl_default", NULL, 0), -1);
}

static void
hard_links_across_folders_come_back_as_one_file(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(mkdir(in_source(f, "a"), 0755), 0);
	assert_int_equal(mkdir(in_source(f, "b"), 0755), 0);
	write_text(in_source(f, "b/one"), "shared content");
	assert_int_equal(link(in_source(f, "b/one"), in_source(f, "a/two")), 0);
	assert_int_equal(link(in_source(f, "b/one"), in_source(f, "three")), 0);
	assert_int_equal(mkfifo(in_source(f, "pipe"), 0600), 0);
	assert_int_equal(link(in_source(f, "pipe"), in_source(f, "b/pipe")), 0);
	write_text(in_source(f, "same"), "shared content");
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct tree_restored restored;
	round_trip(f, &saved, &restored);
	assert_int_equal(saved.files, 4);
	struct stat one = stat_of(in_target(f, "b/one"));
	assert_int_equal(one.st_nlink, 3);
	assert_int_equal(stat_of(in_target(f, "a/two")).st_ino, one.st_ino);
	assert_int_equal(stat_of(in_target(f, "three")).st_ino, one.st_ino);
	assert_int_not_equal(stat_of(in_target(f, "same")).st_ino, one.st_ino);
	assert_int_equal(
	    stat_of(in_target(f, "pipe")).st_ino, stat_of(in_target(f, "b/pipe")).st_ino);

	/* Any of them can be had alone. */
	struct err err;
	AUTO(tree_entry) struct tree_entry two = TREE_ENTRY_INIT;
	AUTO(bufv) struct buf bytes = BUF_INIT;
	ok(tree_lookup(f->repo, &saved.root, "a/two", &two, &err));
	ok(content_read_all(f->repo, &two.content, 100, &bytes, &err));
	assert_string_equal(buf_cstr(&bytes), "shared content");
}

static void
many_hard_links_of_many_files_come_back(void **state)
{
	struct fixture *f = *state;
	char name[64];
	char other[64];
	for (int d = 0; d < 20; d++) {
		snprintf(name, sizeof name, "dir%02d", d);
		assert_int_equal(mkdir(in_source(f, name), 0755), 0);
		for (int i = 0; i < 40; i++) {
			snprintf(name, sizeof name, "dir%02d/file%02d", d, i);
			snprintf(other, sizeof other, "dir%02d/file%02d", d - 1, i);
			if (d == 0)
				write_text(in_source(f, name), name);
			else
				assert_int_equal(
				    link(in_source(f, other), in_source(f, name)), 0);
		}
	}
	check_round_trip(f);
	assert_int_equal(stat_of(in_target(f, "dir19/file39")).st_nlink, 20);
}

static void
symlinks_devices_fifos_and_sockets_come_back(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	AUTO(fd) int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(addr.sun_path, sizeof addr.sun_path, "%s/socket", f->source);
	assert_int_equal(bind(s, (const struct sockaddr *)&addr, sizeof addr), 0);
	assert_int_equal(mkfifo(in_source(f, "fifo"), 0600), 0);
	assert_int_equal(chmod(in_source(f, "fifo"), 0620), 0);
	assert_int_equal(symlink("fifo", in_source(f, "link")), 0);
	assert_int_equal(symlink("/no/such\nthing", in_source(f, "dangling")), 0);
	assert_int_equal(symlink("..", in_source(f, "up")), 0);
	char target[4000];
	memset(target, 't', sizeof target - 1);
	target[sizeof target - 1] = '\0';
	assert_int_equal(symlink(target, in_source(f, "long")), 0);
	bool devices = mknod(in_source(f, "null"), S_IFCHR | 0666, makedev(1, 3)) == 0 &&
		       mknod(in_source(f, "block"), S_IFBLK | 0660, makedev(259, 1 << 18)) == 0;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct tree_restored restored;
	round_trip(f, &saved, &restored);
	assert_int_equal(saved.others, devices ? 8 : 6);
	assert_int_equal(restored.others, saved.others);
	assert_true(S_ISSOCK(stat_of(in_target(f, "socket")).st_mode));
	assert_int_equal(stat_of(in_target(f, "fifo")).st_mode, S_IFIFO | 0620);
	char got[4096];
	assert_int_equal(readlink(in_target(f, "long"), got, sizeof got), 3999);
	if (devices)
		assert_int_equal(stat_of(in_target(f, "block")).st_rdev, makedev(259, 1 << 18));
}

static void
make_sparse(const char *path, uint64_t size, const uint64_t *data_at, size_t n)
{
	struct err err;
	AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	for (size_t i = 0; i < n; i++)
		ok(fd_pwrite_all(fd, "data", 4, data_at[i], &err));
}

static void
holes_at_any_place_stay_holes(void **state)
{
	struct fixture *f = *state;
	uint64_t end = 64 * MIB - 4;
	uint64_t middle[] = { 0, 64 * MIB - 4 };
	uint64_t both[] = { 32 * MIB };
	uint64_t start = 0;
	make_sparse(in_source(f, "begin"), 64 * MIB, &end, 1);
	make_sparse(in_source(f, "middle"), 64 * MIB, middle, 2);
	make_sparse(in_source(f, "both"), 64 * MIB, both, 1);
	make_sparse(in_source(f, "end"), 64 * MIB, &start, 1);
	make_sparse(in_source(f, "nothing"), 64 * MIB, NULL, 0);
	make_sparse(in_source(f, "huge"), UINT64_C(1) << 40, &start, 1);
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct tree_restored restored;
	save_source(f, &saved);
	restore_target(f, &saved.root, &restored);
	/* A terabyte of zeros is not read again. */
	struct tree_compare_options opt = TREE_COMPARE_OPTIONS_INIT;
	struct tree_compared done;
	struct err err;
	opt.no_contents = true;
	ok(tree_compare_live(
	    &done, f->repo, &saved.root, f->target, &opt, fixture_note_difference, f, &err));
	expect_nothing(f);
	static const char *const names[] = { "begin", "middle", "both", "end", "nothing",
		"huge" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct stat want = stat_of(in_source(f, names[i]));
		struct stat st = stat_of(in_target(f, names[i]));
		assert_int_equal(st.st_size, want.st_size);
		assert_true(st.st_blocks <= want.st_blocks + 16);
	}
	char got[4];
	AUTO(fd) int fd = open(in_target(f, "both"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, got, 4, 32 * MIB), 4);
	assert_memory_equal(got, "data", 4);
}

static void
names_of_any_bytes_come_back(void **state)
{
	struct fixture *f = *state;
	char longest[256];
	memset(longest, 'n', 255);
	longest[255] = '\0';
	const char *names[] = { "new\nline", "tab\t", " ", "...", "-rf", "\xff\xfe\x80", "*",
		"\x01", "caf\xc3\xa9", "caf\x65\xcc\x81", longest };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		write_text(in_source(f, names[i]), names[i]);
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct tree_restored restored;
	round_trip(f, &saved, &restored);
	assert_int_equal(restored.files, ARRAY_LEN(names));
}

/* Go down `depth` folders of one name, a file in each. */
static void
make_deep(const char *path, const char *name, int depth)
{
	AUTO(fd) int at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < depth; i++) {
		assert_int_equal(mkdirat(at, name, 0755), 0);
		int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		AUTO(fd) int file = openat(at, "zfile", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_int_equal(write(file, &i, sizeof i), sizeof i);
		close(at);
		at = next;
	}
}

static void
paths_longer_than_path_max_come_back(void **state)
{
	struct fixture *f = *state;
	char name[201];
	memset(name, 'd', 200);
	name[200] = '\0';
	make_deep(f->source, name, 40);
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct tree_restored restored;
	round_trip(f, &saved, &restored);
	assert_int_equal(saved.files, 40);
	assert_int_equal(saved.dirs, 41);
	assert_int_equal(restored.dirs, 41);
}

static void
tree_deeper_than_descriptors_comes_back(void **state)
{
	struct fixture *f = *state;
	make_deep(f->source, "d", 1500);
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct tree_restored restored;
	round_trip(f, &saved, &restored);
	assert_int_equal(saved.files, 1500);
	assert_int_equal(restored.files, 1500);
}

static void
wide_folder_comes_back(void **state)
{
	struct fixture *f = *state;
	char name[32];
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof name, "file%04d", i);
		write_text(in_source(f, name), name);
	}
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "file%04d.d", i * 10);
		assert_int_equal(mkdir(in_source(f, name), 0755), 0);
	}
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct tree_restored restored;
	round_trip(f, &saved, &restored);
	assert_int_equal(saved.files, 3000);
	assert_int_equal(saved.dirs, 301);
}

static void
single_file_is_a_tree(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct tree_save_options opt = TREE_SAVE_OPTIONS_INIT;
	struct tree_restore_options ropt = TREE_RESTORE_OPTIONS_INIT;
	struct tree_restored restored;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	write_text(in_source(f, "app.conf"), "port = 1\n");
	assert_int_equal(chmod(in_source(f, "app.conf"), 0640), 0);
	assert_int_equal(symlink("app.conf", in_source(f, "link")), 0);
	opt.no_sync = true;
	ropt.no_sync = true;
	ok(tree_save(&saved, f->writer, in_source(f, "link"), &opt, &err));
	ok(writer_flush(f->writer, &err));
	assert_int_equal(saved.root.type, TREE_FILE);
	assert_int_equal(saved.root.name_len, 0);
	assert_int_equal(saved.root.mode, 0640);
	ok(tree_restore(&restored, f->repo, &saved.root, f->target, &ropt, &err));
	assert_int_equal(restored.files, 1);
	compare_with(f, &saved.root, f->target);
	compare_with(f, &saved.root, in_source(f, "app.conf"));
	expect_nothing(f);
	write_text(f->target, "port = 2\n");
	compare_with(f, &saved.root, f->target);
	expect_lines(f, "changed  content mtime");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(contents_of_all_sizes_come_back),
		tree_test(every_mode_comes_back),
		tree_test(owners_come_back_on_everything),
		tree_test(times_come_back_to_the_nanosecond),
		tree_test(xattrs_acls_and_capabilities_come_back),
		tree_test(acl_inherited_from_the_target_s_parent_is_not_kept),
		tree_test(hard_links_across_folders_come_back_as_one_file),
		tree_test(many_hard_links_of_many_files_come_back),
		tree_test(symlinks_devices_fifos_and_sockets_come_back),
		tree_test(holes_at_any_place_stay_holes),
		tree_test(names_of_any_bytes_come_back),
		tree_test(paths_longer_than_path_max_come_back),
		tree_test(tree_deeper_than_descriptors_comes_back),
		tree_test(wide_folder_comes_back),
		tree_test(single_file_is_a_tree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

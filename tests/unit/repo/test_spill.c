#include "testing.h"

#include "base/bytes.h"
#include "repo/spill.h"
#include "sys/fs.h"

#include <signal.h>
#include <sys/resource.h>

#define BLOCK 512

struct fixture {
	char *folder;
	struct spill *spill;
};

static int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ok(fs_make_temp_dir(&f->folder, "spill", &err));
	ok(spill_open(&f->spill, &(struct spill_options){ f->folder, BLOCK }, &err));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	struct err err;
	spill_close(f->spill);
	ok(fs_remove_tree(f->folder, &err));
	free(f->folder);
	free(f);
	return 0;
}

/* Bytes of part n at an offset. */
static void
fill(uint8_t *out, size_t len, uint64_t n, uint64_t offset)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)((offset + i) * (2 * n + 1) >> 3 ^ n);
}

static void
write_part(struct spill_part *p, uint64_t n, size_t size, size_t step)
{
	struct err err;
	uint8_t bytes[3 * BLOCK];
	for (size_t at = 0; at < size; at += step) {
		size_t len = min_size(step, size - at);
		fill(bytes, len, n, at);
		ok(spill_part_write(p, bytes, len, &err));
	}
	assert_int_equal(spill_part_size(p), size);
}

static void
check_part(struct spill_part *p, uint64_t n, size_t size, size_t step)
{
	struct err err;
	uint8_t want[3 * BLOCK];
	uint8_t bytes[3 * BLOCK];
	size_t got;
	ok(spill_part_end(p, &err));
	for (size_t at = 0; at < size; at += got) {
		fill(want, min_size(step, size - at), n, at);
		ok(spill_part_read(p, bytes, step, &got, &err));
		assert_int_equal(got, min_size(step, size - at));
		assert_memory_equal(bytes, want, got);
	}
	ok(spill_part_read(p, bytes, 1, &got, &err));
	assert_int_equal(got, 0);
}

static void
parts_written_in_turns_are_read_as_they_were(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct spill_part *parts[5];
	static const size_t size[] = { 0, 1, BLOCK, 7 * BLOCK, 40000 };
	for (size_t i = 0; i < 5; i++)
		ok(spill_part_new(&parts[i], f->spill, &err));
	uint8_t bytes[100];
	for (size_t at = 0; at < 40000; at += sizeof bytes)
		for (size_t i = 0; i < 5; i++) {
			size_t len = at < size[i] ? min_size(sizeof bytes, size[i] - at) : 0;
			fill(bytes, len, i, at);
			ok(spill_part_write(parts[i], bytes, len, &err));
		}
	for (size_t i = 5; i-- > 0;) {
		check_part(parts[i], i, size[i], 333);
		spill_part_free(parts[i]);
	}
}

static uint64_t
file_size(struct fixture *f)
{
	/* The only way to an unnamed file leads through the descriptors. */
	struct err err;
	AUTO(strv) struct strv fds = STRV_INIT;
	uint64_t size = 0;
	ok(fs_list_dir("/proc/self/fd", &fds, &err));
	for (size_t i = 0; i < fds.len; i++) {
		char path[64];
		char target[512];
		snprintf(path, sizeof path, "/proc/self/fd/%s", fds.items[i]);
		ssize_t n = readlink(path, target, sizeof target - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		int fd = (int)strtol(fds.items[i], NULL, 10);
		if (str_starts(target, f->folder))
			size = (uint64_t)lseek(fd, 0, SEEK_END);
	}
	return size;
}

static void
room_of_what_was_read_is_used_again(void **state)
{
	struct fixture *f = *state;
	struct err err;
	for (uint64_t i = 0; i < 20; i++) {
		struct spill_part *p;
		ok(spill_part_new(&p, f->spill, &err));
		write_part(p, i, 10 * BLOCK, 700);
		if (i % 3 != 0)
			check_part(p, i, 10 * BLOCK, 500);
		spill_part_free(p);
	}
	assert_in_range(file_size(f), 10 * BLOCK, 11 * (BLOCK + 64));
}

static void
nothing_readable_is_left_in_the_folder(void **state)
{
	struct fixture *f = *state;
	struct err err;
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(spill_part) struct spill_part *p = NULL;
	ok(spill_part_new(&p, f->spill, &err));
	for (int i = 0; i < 1000; i++)
		ok(spill_part_write(p, "a secret row of a table\n", 24, &err));
	ok(fs_list_dir(f->folder, &names, &err));
	assert_int_equal(names.len, 0);
	assert_true(file_size(f) > 20000);
}

static void
a_full_disk_is_told(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct rlimit before;
	AUTO(spill_part) struct spill_part *p = NULL;
	ok(spill_part_new(&p, f->spill, &err));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 4096, before.rlim_max }), 0);
	enum err_code rc = ERR_OK;
	uint8_t bytes[BLOCK] = { 0 };
	for (int i = 0; i < 20 && rc == ERR_OK; i++)
		rc = spill_part_write(p, bytes, sizeof bytes, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(rc, ERR_IO);
	char want[512];
	snprintf(want, sizeof want, "a temporary file in %s: ", f->folder);
	assert_memory_equal(err.msg, want, strlen(want));
}

static void
a_folder_that_is_not_there_is_named(void **state)
{
	(void)state;
	struct err err;
	struct spill *s;
	refused(spill_open(&s, &(struct spill_options){ .folder = "/nowhere/at/all" }, &err),
	    ERR_NOT_FOUND,
	    "make a temporary file in /nowhere/at/all: No such file or directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    parts_written_in_turns_are_read_as_they_were, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    room_of_what_was_read_is_used_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    nothing_readable_is_left_in_the_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_is_told, setup, teardown),
		cmocka_unit_test(a_folder_that_is_not_there_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "testing.h"

#include "sys/fd.h"
#include "sys/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#define LEN ((size_t)1 << 20)

static int
memory_file(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

struct transfer {
	int fd;
	const uint8_t *data;
	struct err err;
};

static void *
write_all(void *arg)
{
	struct transfer *t = arg;
	enum err_code rc = fd_write_all(t->fd, t->data, LEN, &t->err);
	close(t->fd);
	return rc ? t : NULL;
}

static void
all_bytes_pass_through_a_pipe(void **state)
{
	(void)state;
	struct err err;
	int pipes[2];
	pthread_t thread;
	void *failed;
	size_t got = 0;
	uint8_t *data = malloc(LEN);
	uint8_t *back = malloc(LEN + 1);
	assert_true(data != NULL && back != NULL);
	for (size_t i = 0; i < LEN; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	struct transfer t = { pipes[1], data, ERR_INIT };
	ok(thread_start(&thread, write_all, &t, "write", &err));
	/* Asked for more than there is: the end of the stream ends it. */
	ok(fd_read_full(pipes[0], back, LEN + 1, &got, &err));
	pthread_join(thread, &failed);
	assert_null(failed);
	assert_int_equal(got, LEN);
	assert_memory_equal(back, data, LEN);
	close(pipes[0]);
	free(data);
	free(back);
}

static void
reading_at_an_offset_tells_where_the_file_ends(void **state)
{
	(void)state;
	struct err err;
	AUTO(fd) int fd = memory_file();
	char out[11] = "";
	size_t got;
	ok(fd_pwrite_all(fd, "56789", 5, 5, &err));
	ok(fd_pwrite_all(fd, "01234", 5, 0, &err));
	ok(fd_pread_full(fd, out, 10, 0, &got, &err));
	assert_int_equal(got, 10);
	assert_string_equal(out, "0123456789");
	ok(fd_pread_full(fd, out, 10, 7, &got, &err));
	assert_int_equal(got, 3);
	assert_memory_equal(out, "789", 3);
	ok(fd_pread_full(fd, out, 10, 99, &got, &err));
	assert_int_equal(got, 0);
}

static void
reading_to_the_end_stops_at_the_most(void **state)
{
	(void)state;
	struct err err;
	AUTO(fd) int fd = memory_file();
	AUTO(bufv) struct buf b = BUF_INIT;
	uint8_t *zeros = calloc(1, 100000);
	assert_non_null(zeros);
	ok(fd_write_all(fd, zeros, 100000, &err));
	free(zeros);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	ok(fd_read_to_end(fd, 100000, &b, &err));
	assert_int_equal(b.len, 100000);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	b.len = 0;
	refused(fd_read_to_end(fd, 99999, &b, &err), ERR_CORRUPT, "larger than 99999 bytes");
}

static void
failures_say_what_the_system_said(void **state)
{
	(void)state;
	struct err err;
	char byte;
	size_t got;
	refused(fd_write_all(-1, "x", 1, &err), ERR_IO, "write: Bad file descriptor");
	refused(fd_read_full(-1, &byte, 1, &got, &err), ERR_IO, "read: Bad file descriptor");
	refused(
	    fd_pread_full(-1, &byte, 1, 0, &got, &err), ERR_IO, "read: Bad file descriptor");
	refused(fd_set_nonblocking(-1, &err), ERR_IO, "set non-blocking: Bad file descriptor");
	int pipes[2];
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	close(pipes[0]);
	signal(SIGPIPE, SIG_IGN);
	refused(fd_write_all(pipes[1], "x", 1, &err), ERR_TRANSIENT, "write: Broken pipe");
	close(pipes[1]);
}

static void
a_descriptor_that_was_handed_over_is_not_closed(void **state)
{
	(void)state;
	int kept;
	int lost;
	{
		AUTO(fd) int fd = memory_file();
		kept = fd_take(&fd);
		assert_int_equal(fd, -1);
	}
	{
		AUTO(fd) int fd = memory_file();
		lost = fd;
	}
	assert_int_not_equal(fcntl(kept, F_GETFD), -1);
	assert_int_equal(fcntl(lost, F_GETFD), -1);
	assert_int_equal(errno, EBADF);
	close(kept);
}

/* On a disk, where direct writes are known, and in memory, where they may not be. */
static void
reading_what_is_there_ends_with_the_file_or_on_request(void **state)
{
	(void)state;
	struct err err;
	struct cancel cancel;
	char text[16];
	size_t got;
	int pipes[2];
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	ok(cancel_init(&cancel, &err));
	ok(fd_write_all(pipes[1], "some", 4, &err));
	/* It does not wait for more. */
	ok(fd_read_some(pipes[0], text, sizeof text, &cancel, &got, &err));
	assert_int_equal(got, 4);
	assert_memory_equal(text, "some", 4);
	close(pipes[1]);
	ok(fd_read_some(pipes[0], text, sizeof text, NULL, &got, &err));
	assert_int_equal(got, 0);
	close(pipes[0]);
	/* Nobody writes, but somebody wants to stop. */
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	cancel_raise(&cancel);
	assert_int_equal(
	    fd_read_some(pipes[0], text, sizeof text, &cancel, &got, &err), ERR_CANCELLED);
	close(pipes[0]);
	close(pipes[1]);
	refused_like(
	    fd_read_some(pipes[0], text, sizeof text, NULL, &got, &err), ERR_IO, "read");
	cancel_release(&cancel);
}

static void
bytes_written_past_the_cache_are_all_there(void **state)
{
	(void)state;
	struct err err;
	uint8_t *data;
	AUTO(mem) uint8_t *back = malloc(LEN);
	assert_int_equal(posix_memalign((void **)&data, 4096, LEN), 0);
	assert_non_null(back);
	for (size_t i = 0; i < LEN; i++)
		data[i] = (uint8_t)(i * 11 + i / 256);
	static const struct {
		size_t from;
		size_t len;
	} cases[] = { { 0, LEN }, { 0, LEN - 1 }, { 0, 4096 }, { 0, 4095 }, { 0, 12289 },
		{ 1, LEN - 1 }, { 512, 8192 }, { 0, 0 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int in_memory = 0; in_memory < 2; in_memory++) {
			AUTO(fd) int fd = in_memory
					      ? memory_file()
					      : open("/var/tmp", O_TMPFILE | O_RDWR, 0600);
			size_t got;
			assert_true(fd >= 0);
			ok(fd_write_past_cache(fd, data + cases[i].from, cases[i].len, &err));
			assert_int_equal(fcntl(fd, F_GETFL) & O_DIRECT, 0);
			assert_int_equal(lseek(fd, 0, SEEK_END), (off_t)cases[i].len);
			ok(fd_pread_full(fd, back, LEN, 0, &got, &err));
			assert_int_equal(got, cases[i].len);
			assert_memory_equal(back, data + cases[i].from, got);
		}
	}
	AUTO(fd) int closed = open("/dev/full", O_WRONLY | O_CLOEXEC);
	refused_like(fd_write_past_cache(closed, data, LEN, &err), ERR_IO, "write: ");
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_bytes_pass_through_a_pipe),
		cmocka_unit_test(reading_what_is_there_ends_with_the_file_or_on_request),
		cmocka_unit_test(bytes_written_past_the_cache_are_all_there),
		cmocka_unit_test(reading_at_an_offset_tells_where_the_file_ends),
		cmocka_unit_test(reading_to_the_end_stops_at_the_most),
		cmocka_unit_test(failures_say_what_the_system_said),
		cmocka_unit_test(a_descriptor_that_was_handed_over_is_not_closed),
	};
	return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}

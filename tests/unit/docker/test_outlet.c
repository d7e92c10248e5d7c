#include "docker/outlet.h"

#include "docker/inside.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/thread.h"
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A folder that stands for a container's root, the streams of a tool in it, and its outlet. */
struct place {
	char *dir;
	int root_fd;
	int tool_fd; /* the engine's end of the streams */
	struct cancel cancel;
	struct attach *streams;
	struct outlet *outlet;
	pthread_t tool;
	bool has_tool;
};

static void
make_folder(const struct place *p, const char *name)
{
	assert_int_equal(mkdirat(p->root_fd, name, 0755), 0);
}

static struct place *
open_place(void)
{
	struct place *p = calloc(1, sizeof *p);
	struct err err = ERR_INIT;
	int pair[2];
	AUTO(bufv) struct buf nothing = BUF_INIT;
	ok(fs_make_temp_dir(&p->dir, "stacksnap-test", &err));
	p->root_fd = open(p->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	make_folder(p, "dev");
	make_folder(p, "etc");
	ok(cancel_init(&p->cancel, &err));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ok(fd_set_nonblocking(pair[0], &err));
	ok(attach_new(&p->streams, pair[0], &nothing, &p->cancel, &err));
	p->tool_fd = pair[1];
	return p;
}

static struct place *
open_with_outlet(void)
{
	struct place *p = open_place();
	struct err err = ERR_INIT;
	char me[16];
	snprintf(me, sizeof me, "%u", (unsigned)getuid());
	ok(outlet_new(&p->outlet, p->root_fd, me, &err));
	return p;
}

static void
end_streams(struct place *p)
{
	if (p->tool_fd >= 0)
		close(fd_take(&p->tool_fd));
}

static void
close_place(struct place *p)
{
	struct err err = ERR_INIT;
	if (p->has_tool)
		pthread_join(p->tool, NULL);
	end_streams(p);
	outlet_free(p->outlet);
	attach_free(p->streams);
	cancel_release(&p->cancel);
	close(p->root_fd);
	ok(fs_remove_tree(p->dir, &err));
	free(p->dir);
	free(p);
}

static void
run_tool(struct place *p, void *(*tool)(void *))
{
	struct err err = ERR_INIT;
	ok(thread_start(&p->tool, tool, p, "tool", &err));
	p->has_tool = true;
}

/* As a tool opens the file that it was given; waits for a reader. */
static int
open_as_tool(const struct place *p)
{
	AUTO(str) char *path = NULL;
	struct err err = ERR_INIT;
	ok(str_printf(&path, &err, "%s%s", p->dir, outlet_path(p->outlet)));
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	assert_true(fd >= 0);
	return fd;
}

static void
say(const struct place *p, int stream, const void *data, size_t len)
{
	uint8_t head[8] = { (uint8_t)stream, 0, 0, 0, (uint8_t)(len >> 24),
		(uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len };
	struct err err = ERR_INIT;
	ok(fd_write_all(p->tool_fd, head, sizeof head, &err));
	ok(fd_write_all(p->tool_fd, data, len, &err));
}

static size_t
count_names(const struct place *p, const char *folder)
{
	AUTO(str) char *path = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	struct err err = ERR_INIT;
	ok(str_printf(&path, &err, "%s/%s", p->dir, folder));
	ok(fs_list_dir(path, &names, &err));
	return names.len;
}

static enum err_code
read_all(struct place *p, struct buf *out, struct err *err)
{
	size_t got;
	do {
		if (buf_reserve(out, 100000, err) ||
		    outlet_read(
			p->outlet, p->streams, 10000, out->data + out->len, 100000, &got, err))
			return err->code;
		out->len += got;
	} while (got > 0);
	return ERR_OK;
}

/* --- what tools do --- */

#define LONG_SIZE ((size_t)3 << 20)

static uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i ^ i >> 8 ^ i >> 16);
}

static void *
sound_tool(void *arg)
{
	struct place *p = arg;
	AUTO(mem) uint8_t *data = malloc(LONG_SIZE);
	struct err err = ERR_INIT;
	for (size_t i = 0; i < LONG_SIZE; i++)
		data[i] = byte_at(i);
	AUTO(fd) int fd = open_as_tool(p);
	for (size_t at = 0, n = 1; at < LONG_SIZE; at += n, n = n * 3 % 70001 + 1) {
		n = min_size(n, LONG_SIZE - at);
		ok(fd_write_all(fd, data + at, n, &err));
	}
	close(fd_take(&fd));
	end_streams(p);
	return NULL;
}

static void
what_a_tool_writes_comes_as_it_is(void **state)
{
	(void)state;
	struct place *p = open_with_outlet();
	AUTO(bufv) struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(count_names(p, "dev"), 1);
	run_tool(p, sound_tool);
	ok(read_all(p, &out, &err));
	assert_false(outlet_is_passed_by(p->outlet));
	assert_int_equal(count_names(p, "dev"), 0);
	assert_int_equal(out.len, LONG_SIZE);
	for (size_t i = 0; i < LONG_SIZE; i++)
		if (out.data[i] != byte_at(i))
			fail_msg("byte %zu differs", i);
	ok(outlet_check(p->outlet, p->streams, &err));
	close_place(p);
}

static void *
silent_tool(void *arg)
{
	struct place *p = arg;
	close(open_as_tool(p));
	end_streams(p);
	return NULL;
}

static void
tool_that_opens_it_and_writes_nothing_has_an_empty_output(void **state)
{
	(void)state;
	struct place *p = open_with_outlet();
	AUTO(bufv) struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	run_tool(p, silent_tool);
	ok(read_all(p, &out, &err));
	assert_int_equal(out.len, 0);
	assert_false(outlet_is_passed_by(p->outlet));
	close_place(p);
}

static void
tool_that_dies_before_it_opens_it_keeps_nobody_waiting(void **state)
{
	(void)state;
	struct place *p = open_with_outlet();
	AUTO(bufv) struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	say(p, 2, "no such user\n", 13);
	end_streams(p);
	ok(read_all(p, &out, &err));
	assert_int_equal(out.len, 0);
	assert_true(outlet_is_passed_by(p->outlet));
	assert_string_equal(attach_errors(p->streams), "no such user\n");
	assert_false(attach_has_output(p->streams));
	close_place(p);
}

static void
tool_that_writes_to_standard_output_instead_is_read_there(void **state)
{
	(void)state;
	struct place *p = open_with_outlet();
	AUTO(bufv) struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	char text[10] = "";
	size_t got;
	say(p, 1, "all of it", 9);
	end_streams(p);
	ok(read_all(p, &out, &err));
	assert_true(outlet_is_passed_by(p->outlet));
	ok(attach_read(p->streams, text, sizeof text, &got, &err));
	assert_int_equal(got, 9);
	assert_string_equal(text, "all of it");
	ok(outlet_check(p->outlet, p->streams, &err));
	close_place(p);
}

#define BOTH "the tool wrote to standard output as well as to the file that it was given"

static void *
two_tongued_tool(void *arg)
{
	struct place *p = arg;
	struct err err = ERR_INIT;
	AUTO(fd) int fd = open_as_tool(p);
	ok(fd_write_all(fd, "a part", 6, &err));
	say(p, 1, "the rest", 8);
	close(fd_take(&fd));
	end_streams(p);
	return NULL;
}

static void
tool_that_writes_to_both_is_refused(void **state)
{
	(void)state;
	struct place *p = open_with_outlet();
	AUTO(bufv) struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	run_tool(p, two_tongued_tool);
	/* Depending on which it sees first, it is refused on the way or at the end. */
	enum err_code rc = read_all(p, &out, &err);
	bool at_end;
	while (rc == ERR_OK && !attach_has_output(p->streams))
		ok(attach_listen(p->streams, &at_end, &err));
	if (rc == ERR_OK)
		rc = outlet_check(p->outlet, p->streams, &err);
	refused(rc, ERR_IO, BOTH);
	close_place(p);
}

static void
tool_that_begins_with_standard_output_may_not_go_on_here(void **state)
{
	(void)state;
	struct place *p = open_with_outlet();
	AUTO(bufv) struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	say(p, 1, "the first part", 14);
	ok(read_all(p, &out, &err));
	assert_true(outlet_is_passed_by(p->outlet));
	AUTO(fd) int fd = open_as_tool(p);
	ok(fd_write_all(fd, "the rest", 8, &err));
	close(fd_take(&fd));
	refused(outlet_check(p->outlet, p->streams, &err), ERR_IO, BOTH);
	close_place(p);
}

static void *
chatty_tool(void *arg)
{
	struct place *p = arg;
	struct err err = ERR_INIT;
	AUTO(fd) int fd = open_as_tool(p);
	ok(fd_write_all(fd, "before ", 7, &err));
	/* More than any socket holds. */
	for (int i = 0; i < 100000; i++)
		say(p, 2, "warning: something\n", 19);
	ok(fd_write_all(fd, "after", 5, &err));
	close(fd_take(&fd));
	end_streams(p);
	return NULL;
}

static void
standard_error_is_read_meanwhile(void **state)
{
	(void)state;
	struct place *p = open_with_outlet();
	AUTO(bufv) struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	run_tool(p, chatty_tool);
	ok(read_all(p, &out, &err));
	assert_string_equal(buf_cstr(&out), "before after");
	assert_int_equal(strncmp(attach_errors(p->streams) + 8192 - 19, "warning:", 8), 0);
	close_place(p);
}

static void
read_from_a_tool_that_hangs_ends_with_patience(void **state)
{
	(void)state;
	struct place *p = open_with_outlet();
	struct err err = ERR_INIT;
	char piece[10];
	size_t got;
	/* Before it opened it, and behind. */
	for (int i = 0; i < 2; i++) {
		AUTO(fd) int UNUSED fd = i == 1 ? open_as_tool(p) : -1;
		refused(outlet_read(p->outlet, p->streams, 30, piece, sizeof piece, &got, &err),
		    ERR_TRANSIENT, "nothing came for 0 s: it hangs, or waits for a lock");
	}
	close_place(p);
}

static void
cancel_stops_a_read(void **state)
{
	(void)state;
	struct place *p = open_with_outlet();
	struct err err = ERR_INIT;
	char piece[10];
	size_t got;
	cancel_raise(&p->cancel);
	refused(outlet_read(p->outlet, p->streams, -1, piece, sizeof piece, &got, &err),
	    ERR_CANCELLED, "stopped on request");
	close_place(p);
}

/* --- where it lies --- */

static void
it_is_its_users_alone(void **state)
{
	(void)state;
	struct place *p = open_place();
	struct err err = ERR_INIT;
	struct stat st;
	/* Only root can give something away. */
	uid_t uid = getuid() == 0 ? 12345 : getuid();
	char user[32];
	snprintf(user, sizeof user, "%u:70", (unsigned)uid);
	ok(outlet_new(&p->outlet, p->root_fd, user, &err));
	assert_int_equal(strncmp(outlet_path(p->outlet), "/dev/.stacksnap-", 16), 0);
	assert_int_equal(fstatat(p->root_fd, outlet_path(p->outlet) + 1, &st, 0), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_uid, uid);
	outlet_free(TAKE(p->outlet));
	assert_int_equal(count_names(p, "dev"), 0);
	close_place(p);
}

static void
folder_that_is_a_link_is_not_used(void **state)
{
	(void)state;
	struct place *p = open_place();
	struct err err = ERR_INIT;
	assert_int_equal(unlinkat(p->root_fd, "dev", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("etc", p->root_fd, "dev"), 0);
	make_folder(p, "etc/shm");
	assert_int_equal(outlet_new(&p->outlet, p->root_fd, "0", &err), ERR_IO);
	assert_int_equal(strncmp(err.msg, "find /dev/shm: ", 15), 0);
	assert_int_equal(count_names(p, "etc/shm"), 0);
	assert_int_equal(count_names(p, "etc"), 1);
	close_place(p);
}

static void
folders_of_this_host_are_left_alone(void **state)
{
	(void)state;
	struct place *p = open_place();
	struct err err = ERR_INIT;
	AUTO(fd) int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	refused_like(outlet_new(&p->outlet, host, "0", &err), ERR_UNSUPPORTED,
	    "/dev/shm in the container is this host's");
	close_place(p);
}

/* --- what died --- */

static char *
name_of(const struct process_identity *owner, const char *secret)
{
	char *name = NULL;
	struct err err = ERR_INIT;
	ok(str_printf(&name, &err, "dev/.stacksnap-%" PRId64 "-%" PRIu64 "-%" PRIu64 "-%s",
	    owner->pid, owner->start, owner->pid_space, secret));
	return name;
}

#define SECRET "00112233445566778899aabbccddeeff"

static struct process_identity
somebody_who_died(void)
{
	struct process_identity who;
	struct err err = ERR_INIT;
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	ok(process_identify(&who, pid, &err));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return who;
}

/* A tool that opens it while nobody reads, in a process of its own. */
static pid_t
waiting_tool(const struct place *p, const char *name)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	signal(SIGPIPE, SIG_DFL);
	int fd = openat(p->root_fd, name, O_WRONLY | O_CLOEXEC);
	while (fd >= 0 && write(fd, "x", 1) == 1)
		;
	_exit(1);
}

static void
what_a_dead_run_left_goes_and_so_does_its_tool(void **state)
{
	(void)state;
	struct place *p = open_place();
	struct process_identity dead = somebody_who_died();
	AUTO(str) char *name = name_of(&dead, SECRET);
	int status;
	assert_int_equal(mkfifoat(p->root_fd, name, 0600), 0);
	pid_t tool = waiting_tool(p, name);
	/* Whether it waits by now or finds nothing: it must not stay. */
	outlet_sweep(p->root_fd);
	assert_int_equal(count_names(p, "dev"), 0);
	assert_int_equal(waitpid(tool, &status, 0), tool);
	assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE) ||
		    (WIFEXITED(status) && WEXITSTATUS(status) == 1));
	close_place(p);
}

static void
what_a_living_run_uses_stays(void **state)
{
	(void)state;
	struct place *p = open_with_outlet();
	struct process_identity parent;
	struct err err = ERR_INIT;
	ok(process_identify(&parent, getppid(), &err));
	AUTO(str) char *theirs = name_of(&parent, SECRET);
	/* A number of another space says nothing here. */
	struct process_identity far = somebody_who_died();
	far.pid_space++;
	AUTO(str) char *distant = name_of(&far, SECRET);
	assert_int_equal(mkfifoat(p->root_fd, theirs, 0600), 0);
	assert_int_equal(mkfifoat(p->root_fd, distant, 0600), 0);
	outlet_sweep(p->root_fd);
	assert_int_equal(count_names(p, "dev"), 3);
	close_place(p);
}

static void
what_only_looks_left_over_is_not_touched(void **state)
{
	(void)state;
	struct place *p = open_place();
	struct process_identity dead = somebody_who_died();
	AUTO(str) char *file = name_of(&dead, SECRET);
	AUTO(str) char *link = name_of(&dead, "10112233445566778899aabbccddeeff");
	AUTO(str) char *longer = name_of(&dead, SECRET "0");
	AUTO(str) char *shorter = name_of(&dead, "0011");
	AUTO(fd) int fd = openat(p->root_fd, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	/* A pipe that is elsewhere: following the link would open and remove it. */
	assert_int_equal(mkfifoat(p->root_fd, "etc/pipe", 0600), 0);
	assert_int_equal(symlinkat("../etc/pipe", p->root_fd, link), 0);
	assert_int_equal(mkfifoat(p->root_fd, longer, 0600), 0);
	assert_int_equal(mkfifoat(p->root_fd, shorter, 0600), 0);
	outlet_sweep(p->root_fd);
	assert_int_equal(count_names(p, "dev"), 4);
	assert_int_equal(count_names(p, "etc"), 1);
	close_place(p);
}

/* --- users --- */

static void
write_passwd(const struct place *p, const char *text)
{
	struct err err = ERR_INIT;
	AUTO(fd) int fd =
	    openat(p->root_fd, "etc/passwd", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ok(fd_write_all(fd, text, strlen(text), &err));
}

static void
users_are_found_as_the_engine_finds_them(void **state)
{
	(void)state;
	static const struct {
		const char *user;
		uid_t uid;
	} cases[] = { { "", 0 }, { ":5", 0 }, { "0", 0 }, { "999", 999 }, { "999:5", 999 },
		{ "root", 0 }, { "postgres", 70 }, { "postgres:staff", 70 }, { "last", 4000 } };
	struct place *p = open_place();
	struct err err = ERR_INIT;
	write_passwd(p, "root:x:0:0::/:/bin/sh\n\npost:x:1:1::/:\nbroken\n"
			"postgres:x:70:70::/:\npostgres:x:71:70::/:\nlast:x:4000:1::/:");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uid_t uid = 1;
		ok(inside_user(&uid, p->root_fd, cases[i].user, &err));
		assert_int_equal(uid, cases[i].uid);
	}
	close_place(p);
}

static void
users_that_make_no_sense_are_not_found(void **state)
{
	(void)state;
	static const char *const passwds[] = { "", "nobody", "nobody:x",
		"nobody:x:", "nobody:x:9",
		"nobody:x::0:", "nobody:x:-1:0:", "nobody:x:4294967295:0:",
		"nobody:x:99999999999999999999999:0:", "a\nxnobody:x:1:1:" };
	struct place *p = open_place();
	struct err err = ERR_INIT;
	uid_t uid;
	for (size_t i = 0; i < ARRAY_LEN(passwds); i++) {
		write_passwd(p, passwds[i]);
		if (strcmp(passwds[i], "nobody:x:9") == 0)
			ok(inside_user(&uid, p->root_fd, "nobody", &err));
		else
			refused(inside_user(&uid, p->root_fd, "nobody", &err), ERR_NOT_FOUND,
			    "the container's /etc/passwd has no user nobody");
	}
	refused(inside_user(&uid, p->root_fd, "4294967295", &err), ERR_NOT_FOUND,
	    "the container's /etc/passwd has no user 4294967295");
	close_place(p);
}

static void
passwd_that_is_no_file_is_not_read(void **state)
{
	(void)state;
	struct place *p = open_place();
	struct err err = ERR_INIT;
	uid_t uid;
	assert_int_equal(mkfifoat(p->root_fd, "etc/passwd", 0600), 0);
	refused(inside_user(&uid, p->root_fd, "nobody", &err), ERR_NOT_FOUND,
	    "/etc/passwd is no file");
	/* A link that would lead out of the container leads to its own root. */
	assert_int_equal(unlinkat(p->root_fd, "etc/passwd", 0), 0);
	assert_int_equal(symlinkat("../../../../../etc/group", p->root_fd, "etc/passwd"), 0);
	refused_like(
	    inside_user(&uid, p->root_fd, "root", &err), ERR_NOT_FOUND, "find /etc/passwd: ");
	close_place(p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_tool_writes_comes_as_it_is),
		cmocka_unit_test(tool_that_opens_it_and_writes_nothing_has_an_empty_output),
		cmocka_unit_test(tool_that_dies_before_it_opens_it_keeps_nobody_waiting),
		cmocka_unit_test(tool_that_writes_to_standard_output_instead_is_read_there),
		cmocka_unit_test(tool_that_writes_to_both_is_refused),
		cmocka_unit_test(tool_that_begins_with_standard_output_may_not_go_on_here),
		cmocka_unit_test(standard_error_is_read_meanwhile),
		cmocka_unit_test(read_from_a_tool_that_hangs_ends_with_patience),
		cmocka_unit_test(cancel_stops_a_read),
		cmocka_unit_test(it_is_its_users_alone),
		cmocka_unit_test(folder_that_is_a_link_is_not_used),
		cmocka_unit_test(folders_of_this_host_are_left_alone),
		cmocka_unit_test(what_a_dead_run_left_goes_and_so_does_its_tool),
		cmocka_unit_test(what_a_living_run_uses_stays),
		cmocka_unit_test(what_only_looks_left_over_is_not_touched),
		cmocka_unit_test(users_are_found_as_the_engine_finds_them),
		cmocka_unit_test(users_that_make_no_sense_are_not_found),
		cmocka_unit_test(passwd_that_is_no_file_is_not_read),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

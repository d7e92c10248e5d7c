#include "testing.h"

#include "base/bytes.h"
#include "serve/wire.h"
#include "sys/fd.h"
#include "sys/thread.h"

#include <fcntl.h>
#include <sys/socket.h>

struct pair {
	int ours;
	int theirs;
};

static int
open_pair(void **state)
{
	int ends[2];
	struct pair *p = calloc(1, sizeof *p);
	assert_non_null(p);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	p->ours = ends[0];
	p->theirs = ends[1];
	*state = p;
	return 0;
}

static int
close_pair(void **state)
{
	struct pair *p = *state;
	fd_auto(&p->ours);
	fd_auto(&p->theirs);
	free(p);
	return 0;
}

static void
write_raw(struct pair *p, const void *data, size_t len)
{
	assert_int_equal(send(p->theirs, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* A length, and what is given behind it. */
static void
write_message(struct pair *p, uint32_t len, const char *text)
{
	uint8_t length[4];
	put_u32(length, len);
	write_raw(p, length, sizeof length);
	write_raw(p, text, strlen(text));
}

static void
end_theirs(struct pair *p)
{
	close(fd_take(&p->theirs));
}

static void
a_message_arrives_as_it_was_sent(void **state)
{
	struct pair *p = *state;
	struct err err;
	for (int i = 0; i < 3; i++) {
		AUTO(json) json_t *sent = json_pack("{s:i, s:s}", "id", i, "verb", "stäcks");
		AUTO(json) json_t *got = NULL;
		ok(wire_send(p->theirs, sent, -1, &err));
		ok(wire_receive(p->ours, &got, NULL, &err));
		assert_true(json_equal(sent, got));
	}
	end_theirs(p);
	json_t *none = NULL;
	refused(wire_receive(p->ours, &none, NULL, &err), ERR_CANCELLED,
	    "the other side has closed");
}

static void
a_descriptor_travels_along(void **state)
{
	struct pair *p = *state;
	struct err err;
	int ends[2];
	char got[3] = "";
	AUTO(json) json_t *sent = json_pack("{s:i}", "id", 7);
	AUTO(json) json_t *first = NULL;
	AUTO(json) json_t *second = NULL;
	AUTO(fd) int came = -1;
	int none = 5;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	ok(wire_send(p->theirs, sent, ends[0], &err));
	ok(wire_send(p->theirs, sent, -1, &err));
	close(ends[0]);
	ok(wire_receive(p->ours, &first, &came, &err));
	ok(wire_receive(p->ours, &second, &none, &err));
	assert_int_equal(none, -1);
	assert_true(came >= 0);
	assert_int_equal(fcntl(came, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(ends[1], "hi", 2), 2);
	close(ends[1]);
	assert_int_equal(read(came, got, sizeof got), 2);
	assert_string_equal(got, "hi");
}

static unsigned
open_descriptors(void)
{
	unsigned n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Descriptors that nobody asked for are closed. */
static void
an_unwanted_descriptor_is_refused(void **state)
{
	struct pair *p = *state;
	struct err err;
	AUTO(json) json_t *sent = json_object();
	json_t *got = NULL;
	unsigned before = open_descriptors();
	ok(wire_send(p->theirs, sent, p->theirs, &err));
	refused(wire_receive(p->ours, &got, NULL, &err), ERR_CORRUPT,
	    "a descriptor came with a message");
	assert_int_equal(open_descriptors(), before);
}

static void
send_many_descriptors(int sock, size_t count)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(64 * sizeof(int))];
	} control = { .room = { 0 } };
	uint8_t message[6] = { 2, 0, 0, 0, '{', '}' };
	struct iovec part = { message, sizeof message };
	struct msghdr msg = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &sock, sizeof sock);
	assert_int_equal(sendmsg(sock, &msg, MSG_NOSIGNAL), sizeof message);
}

static void
more_than_one_descriptor_is_refused(void **state)
{
	struct pair *p = *state;
	static const size_t counts[] = { 2, 8, 60 };
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct err err;
		json_t *got = NULL;
		int fd = -1;
		unsigned before = open_descriptors();
		send_many_descriptors(p->theirs, counts[i]);
		refused(wire_receive(p->ours, &got, &fd, &err), ERR_CORRUPT,
		    "more than one descriptor came with a message");
		assert_int_equal(open_descriptors(), before);
		uint8_t rest[6];
		while (recv(p->ours, rest, sizeof rest, MSG_DONTWAIT) > 0)
			;
	}
}

static void
what_is_no_message_is_refused(void **state)
{
	static const struct {
		uint32_t len;
		const char *text;
		const char *why;
	} cases[] = {
		{ 5, "[1,2]", "a message is no object" },
		{ 0, "", "a message: bad JSON" },
		{ 3, "{\"a", "a message: bad JSON" },
		{ 13, "{\"a\":1,\"a\":2}", "a message: bad JSON" },
		{ WIRE_MAX + 1, "{}", "a message of 4194305 bytes is too long" },
		{ UINT32_MAX, "{}", "a message of 4294967295 bytes is too long" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err;
		void *fresh;
		json_t *got = NULL;
		open_pair(&fresh);
		write_message(fresh, cases[i].len, cases[i].text);
		refused_like(wire_receive(((struct pair *)fresh)->ours, &got, NULL, &err),
		    ERR_CORRUPT, cases[i].why);
		close_pair(&fresh);
	}
}

static void
a_message_that_stops_in_the_middle_is_refused(void **state)
{
	struct pair *p = *state;
	struct err err;
	json_t *got = NULL;
	void *fresh;
	write_raw(p, "\x02\x00", 2);
	end_theirs(p);
	refused(wire_receive(p->ours, &got, NULL, &err), ERR_CORRUPT,
	    "a message stops in its length");
	open_pair(&fresh);
	write_message(fresh, 9, "{}");
	end_theirs(fresh);
	refused(wire_receive(((struct pair *)fresh)->ours, &got, NULL, &err), ERR_CORRUPT,
	    "a message of 9 bytes stops after 2 of them");
	close_pair(&fresh);
}

static json_t *
long_message(size_t len)
{
	AUTO(mem) char *text = malloc(len + 1);
	assert_non_null(text);
	memset(text, 'x', len);
	text[len] = '\0';
	return json_pack("{s:s}", "a", text);
}

static void *
send_long(void *arg)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *j = long_message(WIRE_MAX - 8);
	if (wire_send(((struct pair *)arg)->theirs, j, -1, &err))
		print_error("%s\n", err.msg);
	return NULL;
}

/* More than the socket holds at once: sent in parts, with a signal or two between. */
static void
the_longest_message_arrives(void **state)
{
	struct pair *p = *state;
	struct err err;
	pthread_t thread;
	AUTO(json) json_t *want = long_message(WIRE_MAX - 8);
	AUTO(json) json_t *got = NULL;
	ok(thread_start(&thread, send_long, p, "sender", &err));
	ok(wire_receive(p->ours, &got, NULL, &err));
	pthread_join(thread, NULL);
	assert_true(json_equal(want, got));
}

static void
a_message_that_is_too_long_is_not_begun(void **state)
{
	struct pair *p = *state;
	struct err err;
	uint8_t byte;
	AUTO(json) json_t *j = long_message(WIRE_MAX - 7);
	refused(wire_send(p->theirs, j, -1, &err), ERR_USAGE,
	    "a message of 4194305 bytes is too long");
	assert_int_equal(recv(p->ours, &byte, 1, MSG_DONTWAIT), -1);
}

static void
a_reader_that_has_gone_is_an_error(void **state)
{
	struct pair *p = *state;
	struct err err;
	AUTO(json) json_t *j = json_object();
	end_theirs(p);
	refused(wire_send(p->ours, j, -1, &err), ERR_IO, "send a message: Broken pipe");
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)
	const struct CMUnitTest tests[] = {
		CASE(a_message_arrives_as_it_was_sent),
		CASE(a_descriptor_travels_along),
		CASE(an_unwanted_descriptor_is_refused),
		CASE(more_than_one_descriptor_is_refused),
		CASE(what_is_no_message_is_refused),
		CASE(a_message_that_stops_in_the_middle_is_refused),
		CASE(the_longest_message_arrives),
		CASE(a_message_that_is_too_long_is_not_begun),
		CASE(a_reader_that_has_gone_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

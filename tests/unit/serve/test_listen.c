#include "testing.h"

#include "serve/listen.h"
#include "sys/fd.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static void
what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = { "", "8080", ":8080", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:80x",
		"localhost:8080", "::1:8080", "[::1]", "[::1]8080", "[]:8080", "1.2.3:80:80" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err;
		int fd = -1;
		if (listen_open(&fd, bad[i], &err) != ERR_USAGE || fd != -1)
			fail_msg("%s: %s", bad[i], err.msg);
	}
}

/* A port that the system finds free right now. */
static uint16_t
free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof at;
	AUTO(fd) int fd = socket(AF_INET, SOCK_STREAM, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	return ntohs(at.sin_port);
}

static void
a_port_is_listened_on_once(void **state)
{
	struct err err;
	char address[32];
	AUTO(fd) int fd = -1;
	int second = -1;
	(void)state;
	snprintf(address, sizeof address, "127.0.0.1:%u", free_port());
	ok(listen_open(&fd, address, &err));
	assert_int_equal(listen_open(&second, address, &err), ERR_LOCKED);
	assert_non_null(strstr(err.msg, "another program listens there"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(a_port_is_listened_on_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "testing.h"

#include "serve/web_link.h"
#include "serve/wire.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* Both ends, and what the link has said. */
struct place {
	struct web_link *link;
	int keeper;
	atomic_int events;
	atomic_int forgets;
	atomic_int done;
	atomic_uint status;
	_Atomic(const char *) detail;
};

static enum err_code
note_hello(void *arg, const json_t *hello, struct err *err)
{
	(void)arg;
	(void)hello;
	(void)err;
	return ERR_OK;
}

static enum err_code
note_event(void *arg, const json_t *event, struct err *err)
{
	struct place *p = arg;
	p->events++;
	if (json_is_integer(event))
		return err_set(err, ERR_CORRUPT, "no event");
	return ERR_OK;
}

static void
note_forget(void *arg, bool rights)
{
	((struct place *)arg)->forgets += rights ? 10 : 1;
}

static void
note_answer(void *arg, struct web_link_answer *a)
{
	struct place *p = arg;
	p->status = a->status;
	p->detail = a->detail;
	json_decref(a->message);
	if (a->fd >= 0)
		close(a->fd);
	p->done++;
}

static void
say(struct place *p, const char *text, int fd)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *j = NULL;
	ok(json_parse(&j, text, strlen(text), "test", &err));
	ok(wire_send(p->keeper, j, fd, &err));
}

static int
set_up(void **state)
{
	struct err err = ERR_INIT;
	struct place *p = calloc(1, sizeof *p);
	const struct web_link_sink sink = { p, note_hello, note_event, note_forget };
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	p->keeper = ends[0];
	say(p, "{\"event\":{\"id\":1}}", -1);
	say(p, "{\"hello\":{}}", -1);
	ok(web_link_open(&p->link, ends[1], &sink, &err));
	assert_int_equal(p->events, 1);
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;
	web_link_close(p->link);
	web_link_free(p->link);
	close(p->keeper);
	free(p);
	return 0;
}

static enum err_code
ask(struct place *p, const char *of, size_t max_of, struct err *err)
{
	return web_link_ask(
	    p->link, json_pack("{s:s}", "verb", "x"), of, max_of, note_answer, p, err);
}

/* The number that the next ask on the wire has. */
static json_int_t
asked(struct place *p)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *j = NULL;
	ok(wire_receive(p->keeper, &j, NULL, &err));
	assert_string_equal(json_get_str(j, "verb"), "x");
	return json_get_int(j, "id", -1);
}

static void
wait_for(atomic_int *what, int count)
{
	for (int i = 0; *what < count && i < 5000; i++)
		usleep(1000);
	assert_int_equal(*what, count);
}

static void
answers_may_come_in_another_order(void **state)
{
	struct place *p = *state;
	struct err err = ERR_INIT;
	char text[64];
	ok(ask(p, "a", 9, &err));
	ok(ask(p, "a", 9, &err));
	json_int_t first = asked(p);
	json_int_t second = asked(p);
	assert_true(second > first);
	snprintf(text, sizeof text, "{\"id\":%lld,\"status\":201}", (long long)second);
	say(p, text, -1);
	wait_for(&p->done, 1);
	assert_int_equal(p->status, 201);
	snprintf(text, sizeof text, "{\"id\":%lld,\"status\":7}", (long long)first);
	say(p, text, -1);
	wait_for(&p->done, 2);
	/* A status that is none. */
	assert_int_equal(p->status, 502);
}

static void
who_waits_for_too_long_is_told(void **state)
{
	struct place *p = *state;
	struct err err = ERR_INIT;
	ok(ask(p, "a", 9, &err));
	web_link_sweep(p->link, clock_mono_ns() + WEB_LINK_WAIT_NS / 2);
	assert_int_equal(p->done, 0);
	web_link_sweep(p->link, clock_mono_ns() + WEB_LINK_WAIT_NS);
	assert_int_equal(p->done, 1);
	assert_int_equal(p->status, 504);
	assert_string_equal(p->detail, "The keeper has not answered in time.");

	/* What comes after all is thrown away, with its descriptor: the pipe has no reader. */
	int ends[2];
	char text[64];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	snprintf(text, sizeof text, "{\"id\":%lld,\"status\":200}", (long long)asked(p));
	say(p, text, ends[0]);
	close(ends[0]);
	say(p, "{\"forget\":true}", -1);
	wait_for(&p->forgets, 1);
	assert_int_equal(write(ends[1], "x", 1), -1);
	assert_int_equal(p->done, 1);
	close(ends[1]);
}

static void
asks_are_bounded_each_and_in_all(void **state)
{
	struct place *p = *state;
	struct err err = ERR_INIT;
	ok(ask(p, "a", 2, &err));
	ok(ask(p, "a", 2, &err));
	refused(ask(p, "a", 2, &err), ERR_LOCKED, "too many requests wait for an answer");
	for (int i = 2; i < WEB_LINK_ASKS; i++) {
		ok(ask(p, "b", WEB_LINK_ASKS, &err));
		asked(p);
	}
	refused(ask(p, "c", 2, &err), ERR_LOCKED, "too many requests wait for an answer");
	web_link_close(p->link);
	assert_int_equal(p->done, WEB_LINK_ASKS);
	assert_int_equal(p->status, 503);
	refused(ask(p, "c", 2, &err), ERR_CANCELLED, "the keeper has gone");
}

static void
rights_are_told_apart(void **state)
{
	struct place *p = *state;
	say(p, "{\"forget\":true}", -1);
	say(p, "{\"forget\":true,\"rights\":true}", -1);
	wait_for(&p->forgets, 11);
}

static void
what_is_no_message_ends_the_link(void **state)
{
	struct place *p = *state;
	struct err err = ERR_INIT;
	say(p, "{\"forget\":false}", -1);
	refused(web_link_wait(p->link, &err), ERR_CORRUPT,
	    "a message that is neither an answer nor anything else");
	refused(ask(p, "a", 9, &err), ERR_CANCELLED, "the keeper has gone");
}

static void
an_event_that_is_none_ends_the_link(void **state)
{
	struct place *p = *state;
	struct err err = ERR_INIT;
	say(p, "{\"event\":7}", -1);
	refused(web_link_wait(p->link, &err), ERR_CORRUPT, "no event");
}

int
main(void)
{
	/* Writing to a pipe without a reader is an error here, not an end. */
	signal(SIGPIPE, SIG_IGN);
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(answers_may_come_in_another_order),
		CASE(who_waits_for_too_long_is_told),
		CASE(asks_are_bounded_each_and_in_all),
		CASE(rights_are_told_apart),
		CASE(what_is_no_message_ends_the_link),
		CASE(an_event_that_is_none_ends_the_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

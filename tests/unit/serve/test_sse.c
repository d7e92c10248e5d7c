#include "testing.h"

#include "serve/sse.h"

#include <stdio.h>

/* A reader that counts how often it was told to wait, and woken. */
struct reader {
	struct listener *listener;
	int waits;
	int wakes;
	char text[4096];
	size_t len;
};

static void
count_wait(void *arg)
{
	((struct reader *)arg)->waits++;
}

static void
count_wake(void *arg)
{
	((struct reader *)arg)->wakes++;
}

static void
join(struct sse *s, struct reader *r, const char *credential, int64_t last)
{
	struct err err = ERR_INIT;
	const struct listener_options opt = { credential, "127.0.0.1", last >= 0,
		(uint64_t)last, count_wake, r };
	*r = (struct reader){ 0 };
	ok(sse_join(s, &opt, &r->listener, &err));
}

/* Read until there is nothing, room bytes at once. */
static enum sse_state
read_all(struct reader *r, size_t room)
{
	enum sse_state state;
	size_t got;
	do {
		assert_true(r->len + room < sizeof r->text);
		state = sse_read(r->listener, r->text + r->len, room, &got, count_wait);
		assert_true(got <= room && (state != SSE_TEXT || got > 0));
		r->len += got;
	} while (state == SSE_TEXT);
	r->text[r->len] = '\0';
	return state;
}

static void
add(struct sse *s, int64_t id)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *e = json_pack("{s:I, s:s, s:{s:I}}", "id", (json_int_t)id, "type",
	    "run", "data", "n", (json_int_t)id);
	ok(sse_add(s, e, &err));
}

static void
an_event_in_pieces_is_whole(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(sse) struct sse *s = NULL;
	ok(sse_new(&s, &err));
	add(s, 5);
	struct reader r;
	join(s, &r, "x", 4);
	for (size_t room = 4; room < 40; room += 5) {
		struct reader again;
		join(s, &again, "x", 5);
		add(s, (int64_t)room + 10);
		assert_int_equal(read_all(&again, room), SSE_WAIT);
		char want[128];
		snprintf(want, sizeof want,
		    "retry: 2000\n:\n\nid: %zu\nevent: run\ndata: {\"n\":%zu}\n\n", room + 10,
		    room + 10);
		assert_string_equal(again.text, room == 4 ? want : again.text);
		assert_non_null(strstr(again.text, strstr(want, "id:")));
		sse_leave(again.listener);
	}
	sse_leave(r.listener);
}

static void
who_waits_is_woken_once(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(sse) struct sse *s = NULL;
	ok(sse_new(&s, &err));
	struct reader r;
	join(s, &r, "x", -1);
	assert_int_equal(read_all(&r, 512), SSE_WAIT);
	assert_string_equal(r.text, "retry: 2000\nid: 0\nevent: hello\ndata: {\"id\":0}\n\n");
	assert_int_equal(r.waits, 1);
	add(s, 1);
	add(s, 2);
	sse_beat(s);
	assert_int_equal(r.wakes, 1);
	r.len = 0;
	assert_int_equal(read_all(&r, 512), SSE_WAIT);
	assert_string_equal(r.text, ":\n\nid: 1\nevent: run\ndata: {\"n\":1}\n\n"
				    "id: 2\nevent: run\ndata: {\"n\":2}\n\n");
	sse_beat(s);
	assert_int_equal(r.wakes, 2);
	sse_leave(r.listener);
	add(s, 3);
	assert_int_equal(sse_listeners(s), 0);
}

static void
who_does_not_read_falls_out_of_the_ring(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(sse) struct sse *s = NULL;
	ok(sse_new(&s, &err));
	struct reader slow;
	struct reader fast;
	add(s, 1);
	join(s, &slow, "x", -1);
	join(s, &fast, "x", -1);
	read_all(&slow, 512);
	for (int i = 2; i <= SSE_EVENTS + 1; i++) {
		add(s, i);
		fast.len = 0;
		assert_int_equal(read_all(&fast, 512), SSE_WAIT);
	}
	/* All that it has not read are just there. */
	size_t got;
	char byte[1];
	assert_int_equal(
	    sse_read(slow.listener, byte, sizeof byte, &got, count_wait), SSE_TEXT);
	add(s, SSE_EVENTS + 2);
	assert_int_equal(sse_read(slow.listener, byte, sizeof byte, &got, count_wait), SSE_END);
	/* The oldest that is there is 3: who has seen it gets what comes behind it. */
	struct reader back;
	join(s, &back, "x", 3);
	sse_read(back.listener, back.text, 100, &got, count_wait);
	assert_null(strstr(back.text, "reset"));
	assert_non_null(strstr(back.text, "id: 4\n"));
	struct reader gone;
	join(s, &gone, "x", 2);
	assert_int_equal(read_all(&gone, 512), SSE_WAIT);
	char want[128];
	snprintf(want, sizeof want, "retry: 2000\nid: %d\nevent: reset\ndata: {\"id\":%d}\n\n",
	    SSE_EVENTS + 2, SSE_EVENTS + 2);
	assert_string_equal(gone.text, want);
	sse_leave(slow.listener);
	sse_leave(fast.listener);
	sse_leave(back.listener);
	sse_leave(gone.listener);
}

static void
large_events_are_bounded_in_bytes(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(sse) struct sse *s = NULL;
	ok(sse_new(&s, &err));
	AUTO(mem) char *text = malloc((1 << 20) + 1);
	memset(text, 'x', 1 << 20);
	text[1 << 20] = '\0';
	for (int i = 1; i <= 40; i++) {
		AUTO(json) json_t *e =
		    json_pack("{s:i, s:s, s:s}", "id", i, "type", "log", "data", text);
		ok(sse_add(s, e, &err));
	}
	/* Of 16 MiB at most, each a little over one. */
	struct reader r;
	join(s, &r, "x", 24);
	assert_int_equal(read_all(&r, 512), SSE_WAIT);
	assert_non_null(strstr(r.text, "event: reset"));
	sse_leave(r.listener);
}

static void
events_that_are_none_are_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(sse) struct sse *s = NULL;
	ok(sse_new(&s, &err));
	add(s, 7);
	static const char *const bad[] = { "{}", "{\"id\":8}", "{\"id\":8,\"type\":\"x\"}",
		"{\"id\":0,\"type\":\"x\",\"data\":1}",
		"{\"id\":8,\"type\":\"a\\nb\",\"data\":1}",
		"{\"id\":8,\"type\":\"\",\"data\":1}",
		"{\"id\":\"8\",\"type\":\"x\",\"data\":1}" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(json) json_t *e = NULL;
		ok(json_parse(&e, bad[i], strlen(bad[i]), "test", &err));
		refused(sse_add(s, e, &err), ERR_CORRUPT, "an event without id, type or data");
	}
	AUTO(json) json_t *again =
	    json_pack("{s:i, s:s, s:i}", "id", 7, "type", "x", "data", 1);
	refused(sse_add(s, again, &err), ERR_CORRUPT,
	    "event 7 does not come after the one before it");
}

static void
note(void *arg, const char *credential, const char *from)
{
	char *text = arg;
	assert_string_equal(from, "127.0.0.1");
	size_t len = strlen(text);
	snprintf(text + len, 64 - len, "%s,", credential);
}

static void
a_credential_is_dropped_with_all_its_listeners(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(sse) struct sse *s = NULL;
	ok(sse_new(&s, &err));
	struct reader r[3];
	join(s, &r[0], "a", -1);
	join(s, &r[1], "b", -1);
	join(s, &r[2], "a", -1);
	char names[64] = "";
	ok(sse_each_credential(s, note, names, &err));
	assert_string_equal(names, "a,b,");
	sse_drop(s, "a");
	assert_int_equal(read_all(&r[0], 512), SSE_END);
	assert_int_equal(read_all(&r[1], 512), SSE_WAIT);
	assert_int_equal(read_all(&r[2], 512), SSE_END);
	sse_drop(s, NULL);
	assert_int_equal(r[1].wakes, 1);
	assert_int_equal(read_all(&r[1], 512), SSE_END);
	struct listener *l = NULL;
	const struct listener_options opt = { "a", "x", false, 0, count_wake, &r[0] };
	assert_int_equal(sse_join(s, &opt, &l, &err), ERR_LOCKED);
	for (size_t i = 0; i < 3; i++)
		sse_leave(r[i].listener);
}

static void
listeners_are_bounded(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(sse) struct sse *s = NULL;
	ok(sse_new(&s, &err));
	static struct reader r[SSE_LISTENERS];
	struct listener *l = NULL;
	for (size_t i = 0; i < SSE_LISTENERS; i++)
		join(s, &r[i], "x", -1);
	const struct listener_options opt = { "x", "x", false, 0, count_wake, &r[0] };
	refused(sse_join(s, &opt, &l, &err), ERR_LOCKED, "600 listen already");
	for (size_t i = 0; i < SSE_LISTENERS; i++)
		sse_leave(r[i].listener);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_in_pieces_is_whole),
		cmocka_unit_test(who_waits_is_woken_once),
		cmocka_unit_test(who_does_not_read_falls_out_of_the_ring),
		cmocka_unit_test(large_events_are_bounded_in_bytes),
		cmocka_unit_test(events_that_are_none_are_refused),
		cmocka_unit_test(a_credential_is_dropped_with_all_its_listeners),
		cmocka_unit_test(listeners_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "serve/web_fixture.h"

static void
a_request_becomes_a_verb(void **state)
{
	struct place *p = *state;
	const char *got = ask_web(p, "POST /api/v1/login",
	    "Content-Type: application/json\r\nContent-Length: 32\r\n"
	    "X-CSRF-Token: " CSRF "\r\nCookie: a=b; stacksnap=" SESSION "\r\n",
	    "{\"name\":\"x\",\"password\":\"\\u00e4\"}");
	status_is(got, 200);
	has(got, "\"verb\":\"account.login\"");
	has(got, "\"from\":\"127.0.0.1\"");
	has(got, "\"args\":{\"name\":\"x\",\"password\":\"\xc3\xa4\"}");
	has(got, "\"session\":\"" SESSION "\"");
	has(got, "\"csrf\":\"" CSRF "\"");
	has_not(got, "\"token\"");
}

static void
answers_of_the_api_are_neither_stored_nor_sniffed(void **state)
{
	struct place *p = *state;
	const char *got = ask_web(p, "GET /api/v1/session", "", "");
	has(got, "Content-Type: application/json\r\n");
	has(got, "Cache-Control: no-store\r\n");
	has(got, "X-Content-Type-Options: nosniff\r\n");
	has(got,
	    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; sandbox\r\n");
	has(got, "Referrer-Policy: no-referrer\r\n");
	has(got, "Cross-Origin-Resource-Policy: same-origin\r\n");
}

static void
the_page_has_a_strict_policy(void **state)
{
	struct place *p = *state;
	const char *got = ask_web(p, "GET /stacks/shop?x=1", "", "");
	status_is(got, 200);
	has(got, "Content-Type: text/html; charset=utf-8\r\n");
	has(got, "default-src 'none'; script-src 'self'; style-src 'self';");
	has(got, "frame-ancestors 'none'\r\n");
	has(got, "Cross-Origin-Opener-Policy: same-origin\r\n");
	has(got, "Permissions-Policy: ");
	has(got, "Cache-Control: no-cache\r\n");
	has(got, "Vary: Accept-Encoding\r\n");
	has(got, "<!doctype html>");
	assert_int_equal(p->asks, 0);

	char tag[64];
	const char *etag = strstr(got, "ETag: ");
	assert_non_null(etag);
	snprintf(tag, sizeof tag, "If-None-Match: %.34s\r\n", etag + 6);
	got = ask_web(p, "GET /index.html", tag, "");
	status_is(got, 304);
	has_not(got, "<!doctype");
	got = ask_web(p, "GET /", "Accept-Encoding: br, gzip\r\n", "");
	has(got, "Content-Encoding: gzip\r\n");
	got = ask_web(p, "GET /", "Accept-Encoding: gzip;q=0\r\n", "");
	has_not(got, "Content-Encoding");
	got = ask_web(p, "HEAD /", "", "");
	status_is(got, 200);
	has_not(got, "<!doctype");
}

static void
the_api_describes_itself(void **state)
{
	struct place *p = *state;
	const char *got = ask_web(p, "GET /api/v1/openapi.json", "", "");
	status_is(got, 200);
	has(got, "Content-Type: application/json\r\n");
	has(got, "\"openapi\": \"3.");
	assert_int_equal(p->asks, 0);
}

struct refusal {
	const char *line;
	const char *headers;
	int status;
	const char *part;
};

static void
what_is_no_good_request_is_a_problem(void **state)
{
	struct place *p = *state;
	static const struct refusal cases[] = {
		{ "GET /api/v1/nothing", "", 404, "\"code\":\"not_found\"" },
		{ "GET /api/v1", "", 404, "problem" },
		{ "GET /api/v1/", "", 404, "problem" },
		{ "GET /api/v2/session", "", 404, "The API is at /api/v1/." },
		{ "GET /api", "", 404, "The API is at /api/v1/." },
		{ "GET /assets/none.js", "", 404, "no file of this name" },
		{ "POST /", "", 405, "Allow: GET, HEAD\r\n" },
		{ "GET /api/v1/login", "", 405, "Allow: POST\r\n" },
		{ "OPTIONS /api/v1/session", "", 405, "Allow: GET, HEAD\r\n" },
		{ "POST /api/v1/login", "Content-Type: text/plain\r\nContent-Length: 2\r\n",
		    415, "Bodies are JSON" },
		{ "POST /api/v1/login",
		    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 2\r\n",
		    415, "Bodies are JSON" },
		{ "POST /api/v1/login", "Content-Length: 2\r\n", 415, "Bodies are JSON" },
		{ "POST /api/v1/login",
		    "Content-Type: application/json\r\nContent-Length: 3145729\r\n", 413,
		    "mebibyte" },
		{ "POST /api/v1/login",
		    "Content-Type: application/json\r\nContent-Length: 99999999999\r\n", 413,
		    "mebibyte" },
		{ "GET /api/v1/session", "Content-Length: 2\r\n", 400, "no body" },
		{ "GET /api/v1/session", "Authorization: Basic eDp5\r\n", 401,
		    "WWW-Authenticate: Bearer\r\n" },
		{ "GET /api/v1/session", "Authorization: Bearer 123\r\n", 401, "64 digits" },
		{ "GET /api/v1/session", "Sec-Fetch-Site: cross-site\r\n", 403,
		    "another site" },
		{ "GET /api/v1/session", "Sec-Fetch-Site: same-site\r\n", 403, "another site" },
		{ "POST /api/v1/logout", "Origin: http://evil.example\r\n", 403,
		    "another site" },
		{ "POST /api/v1/logout", "Origin: null\r\n", 403, "another site" },
		{ "GET /api/v1/session?a=1&a=2", "", 400, "each name once" },
		{ "GET /api/v1/session?a=%ff", "", 400, "in UTF-8" },
		{ "GET /api/v1/%73ession", "", 404, "problem" },
		{ "GET /api/v1/../v1/session", "", 404, "problem" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = ask_web(p, cases[i].line, cases[i].headers, "");
		status_is(got, cases[i].status);
		has(got, "Content-Type: application/problem+json\r\n");
		has(got, cases[i].part);
	}
	assert_int_equal(p->asks, 0);
}

static void
bodies_are_objects_of_json(void **state)
{
	struct place *p = *state;
	static const struct {
		const char *body;
		const char *part;
	} cases[] = {
		{ "{", "Not JSON" },
		{ "[1]", "must be a JSON object" },
		{ "{\"a\":\"\xff\"}", "Not JSON" },
		{ "{\"a\":1,\"a\":2}", "Not JSON" },
		{ "{} {}", "Not JSON" },
		{ "nul", "Not JSON" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char headers[128];
		snprintf(headers, sizeof headers,
		    "Content-Type: application/json; charset=UTF-8\r\nContent-Length: %zu\r\n",
		    strlen(cases[i].body));
		const char *got = ask_web(p, "POST /api/v1/login", headers, cases[i].body);
		status_is(got, 400);
		has(got, cases[i].part);
	}
	assert_int_equal(p->asks, 0);
}

static void
a_body_in_pieces_is_as_long_as_it_may_be(void **state)
{
	struct place *p = *state;
	char head[256];
	static char piece[65537];
	memset(piece, ' ', sizeof piece - 1);
	for (int pieces = 16; pieces <= 17; pieces++) {
		AUTO(fd) int fd = dial(p);
		send_text(fd,
		    "POST /api/v1/login HTTP/1.1\r\n" HOST
		    "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
		for (int i = 0; i < pieces; i++) {
			snprintf(head, sizeof head, "10000\r\n");
			memcpy(piece, i == 0 ? "{" : " ", 1);
			memcpy(piece + 65535, i == pieces - 1 ? "}" : " ", 1);
			send_text(fd, head);
			send_text(fd, piece);
			send_text(fd, "\r\n");
		}
		send_text(fd, "0\r\n\r\n");
		status_is(receive_until(fd, NULL), pieces == 16 ? 200 : 413);
	}
}

static void
names_that_are_not_ours_are_refused(void **state)
{
	struct place *p = *state;
	static const struct {
		const char *host;
		int status;
	} cases[] = {
		{ "localhost", 200 },
		{ "LOCALHOST:9999", 200 },
		{ "127.0.0.1", 200 },
		{ "127.8.9.10:1", 200 },
		{ "[::1]:8080", 200 },
		{ "nas.lan:8080", 200 },
		{ "nas.lan.", 200 },
		{ "backup.example.org", 200 },
		{ "evil.example", 421 },
		{ "localhost.evil.example", 421 },
		{ "192.0.2.7", 421 },
		{ "", 421 },
		{ "localhost:80:80", 421 },
		{ "localhost:x", 421 },
		{ "[::1", 421 },
		{ "evil.example/localhost", 421 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int page = 0; page < 2; page++) {
			char request[256];
			snprintf(request, sizeof request,
			    "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
			    page == 1 ? "/" : "/api/v1/session", cases[i].host);
			status_is(exchange(p, request), cases[i].status);
		}
}

static void
a_change_comes_from_our_own_pages(void **state)
{
	struct place *p = *state;
	static const char *const fine[] = { "Origin: http://localhost\r\n",
		"Origin: https://backup.example.org\r\n", "Origin: http://nas.lan:8080\r\n",
		"Sec-Fetch-Site: same-origin\r\n", "Sec-Fetch-Site: none\r\n" };
	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		status_is(ask_web(p, "POST /api/v1/logout", fine[i], ""), 200);
}

static void
a_token_goes_before_a_cookie(void **state)
{
	struct place *p = *state;
	const char *got = ask_web(p, "GET /api/v1/session",
	    "Authorization: Bearer " TOKEN "\r\nCookie: stacksnap=" SESSION "\r\n", "");
	has(got, "\"token\":\"" TOKEN "\"");
	has_not(got, SESSION);
	/* What cannot be a session is none. */
	got = ask_web(
	    p, "GET /api/v1/session", "Cookie: stacksnap=x; xstacksnap=" SESSION "\r\n", "");
	status_is(got, 200);
	has_not(got, "\"session\"");
}

static void
say_cookie(struct place *p, const json_t *ask)
{
	const char *name = json_get_str(json_object_get(ask, "args"), "name");
	say(p,
	    json_pack("{s:I, s:i, s:{}, s:s}", "id", json_get_int(ask, "id", 0), "status", 200,
		"body", "cookie", name != NULL ? SESSION : ""),
	    -1);
}

static void
the_session_is_a_cookie_that_no_script_and_no_other_site_has(void **state)
{
	struct place *p = *state;
	p->script = say_cookie;
	const char *type = "Content-Type: application/json\r\nContent-Length: 12\r\n";
	const char *got = ask_web(p, "POST /api/v1/login", type, "{\"name\":\"x\"}");
	has(got, "Set-Cookie: stacksnap=" SESSION
		 "; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000\r\n");
	got = ask_web(p, "POST /api/v1/logout", "", "");
	has(got, "Set-Cookie: stacksnap=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0\r\n");
	char headers[256];
	snprintf(headers, sizeof headers, "%sX-Forwarded-Proto: https\r\n", type);
	got = ask_web(p, "POST /api/v1/login", headers, "{\"name\":\"x\"}");
	has(got, "Set-Cookie: __Host-stacksnap=" SESSION
		 "; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000; Secure\r\n");
}

static void
a_proxy_on_this_machine_says_for_whom_it_speaks(void **state)
{
	struct place *p = *state;
	const char *got = ask_web(
	    p, "GET /api/v1/session", "X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n", "");
	has(got, "\"from\":\"198.51.100.7\"");
	got = ask_web(p, "GET /api/v1/session", "X-Forwarded-For: 203.0.113.9, x\r\n", "");
	has(got, "\"from\":\"127.0.0.1\"");
	/* HAProxy adds a line of its own behind what the stranger has sent. */
	got = ask_web(p, "GET /api/v1/session",
	    "x-forwarded-for: 203.0.113.9\r\nX-Other: 1\r\nX-Forwarded-For: 198.51.100.8\r\n",
	    "");
	has(got, "\"from\":\"198.51.100.8\"");
}

static void
an_answer_is_kept_for_its_time_until_it_is_to_be_forgotten(void **state)
{
	struct place *p = *state;
	p->keep_ms = 5000;
	has(ask_web(p, "GET /api/v1/session", "", ""), "\"nth\":1");
	has(ask_web(p, "GET /api/v1/session", "", ""), "\"nth\":1");
	/* Another credential, another query. */
	has(ask_web(p, "GET /api/v1/session", "Authorization: Bearer " TOKEN "\r\n", ""),
	    "\"nth\":2");
	has(ask_web(p, "GET /api/v1/session?a=1", "", ""), "\"nth\":3");
	has(ask_web(p, "GET /api/v1/session", "", ""), "\"nth\":1");
	say(p, json_pack("{s:b}", "forget", true), -1);
	/* An answer behind it on the wire: it has been heard. */
	status_is(ask_web(p, "POST /api/v1/logout", "", ""), 200);
	has(ask_web(p, "GET /api/v1/session", "", ""), "\"nth\":5");
	p->keep_ms = 0;
	say(p, json_pack("{s:b}", "forget", true), -1);
	status_is(ask_web(p, "POST /api/v1/logout", "", ""), 200);
	has(ask_web(p, "GET /api/v1/session", "", ""), "\"nth\":7");
	has(ask_web(p, "GET /api/v1/session", "", ""), "\"nth\":8");
}

static void
say_late(struct place *p, const json_t *ask)
{
	if (strcmp(json_get_str(ask, "verb"), "account.session") == 0 && p->asks == 1)
		say(p, json_pack("{s:b}", "forget", true), -1);
	say_asked(p, ask);
}

static void
what_was_looked_up_before_a_change_is_not_kept(void **state)
{
	struct place *p = *state;
	p->keep_ms = 5000;
	p->script = say_late;
	has(ask_web(p, "GET /api/v1/session", "", ""), "\"nth\":1");
	has(ask_web(p, "GET /api/v1/session", "", ""), "\"nth\":2");
	has(ask_web(p, "GET /api/v1/session", "", ""), "\"nth\":2");
}

static void
say_problem(struct place *p, const json_t *ask)
{
	say(p,
	    json_pack("{s:I, s:i, s:{s:s, s:s, s:s, s:i}}", "id", json_get_int(ask, "id", 0),
		"status", 429, "problem", "title", "Wait", "detail", "In a while.", "code",
		"locked", "retry_after_s", 7),
	    -1);
}

static void
problems_are_the_keepers_own_words(void **state)
{
	struct place *p = *state;
	p->script = say_problem;
	const char *got = ask_web(p, "GET /api/v1/session", "", "");
	status_is(got, 429);
	has(got, "Content-Type: application/problem+json\r\n");
	has(got, "Retry-After: 7\r\n");
	has(got, "\"type\":\"about:blank\"");
	has(got, "\"status\":429");
	has(got, "\"title\":\"Wait\",\"detail\":\"In a while.\",\"code\":\"locked\"");
}

static void
requests_in_a_row_are_answered_in_a_row(void **state)
{
	struct place *p = *state;
	AUTO(fd) int fd = dial(p);
	send_text(fd, "GET /api/v1/session?n=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
		      "POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
		      "application/json\r\n"
		      "Content-Length: 9\r\n\r\n{\"name\":2}"
		      "\r\nGET /api/v1/session?n=3 HTTP/1.1\r\n" HOST "\r\n");
	char *got = receive_until(fd, NULL);
	/* The tenth byte of the body is not the body's: what follows is no request. */
	has(got, "\"n\":\"1\"");
	has_not(got, "\"n\":\"3\"");
	AUTO(fd) int again = dial(p);
	send_text(again, "GET /api/v1/session?n=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
			 "POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
			 "application/json\r\n"
			 "Content-Length: 10\r\n\r\n{\"name\":2}"
			 "GET /api/v1/session?n=3 HTTP/1.1\r\n" HOST "\r\n");
	got = receive_until(again, NULL);
	const char *first = strstr(got, "\"n\":\"1\"");
	const char *second = strstr(got, "\"name\":2");
	const char *third = strstr(got, "\"n\":\"3\"");
	assert_true(first != NULL && second > first && third > second);
}

static void
an_answer_does_not_end_the_connection(void **state)
{
	struct place *p = *state;
	static const char *const lines[] = { "GET /", "GET /none", "GET /api/v1/session",
		"GET /api/v1/session", "GET /api/v1/none", "POST /api/v1/logout" };
	AUTO(fd) int fd = dial(p);
	p->keep_ms = 5000;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char request[256];
		snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: %s\r\n\r\n", lines[i],
		    i == 1 ? "evil.example" : "localhost");
		send_text(fd, request);
		has_not(receive_until(fd, "\r\n\r\n"), "Connection: close");
		/* What is left of the body comes before the next head. */
	}
	assert_int_equal(p->asks, 2);
}

static void
say_pipe(struct place *p, const json_t *ask)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	const char *bytes = json_get_str(json_object_get(ask, "args"), "bytes");
	AUTO(json) json_t *what =
	    json_pack("{s:s, s:s}", "name", "../a\"b\r\n\xc3\xa4.txt", "type", "text/html");
	if (bytes != NULL)
		json_object_set_new(what, "bytes", json_integer(strtol(bytes, NULL, 10)));
	say(p,
	    json_pack("{s:I, s:i, s:O}", "id", json_get_int(ask, "id", 0), "status", 200,
		"download", what),
	    ends[0]);
	close(ends[0]);
	/* Its reader waits for each part. */
	for (int i = 0; i < 3; i++) {
		usleep(20000);
		assert_int_equal(write(ends[1], "<b>part", 7), 7);
	}
	close(ends[1]);
}

static void
a_download_is_a_file_to_be_saved(void **state)
{
	struct place *p = *state;
	p->script = say_pipe;
	const char *got = ask_web(p, "GET /api/v1/session", "", "");
	status_is(got, 200);
	has(got, "Content-Disposition: attachment; filename=\"a_b____.txt\"; "
		 "filename*=UTF-8''a_b__%C3%A4.txt\r\n");
	has(got, "Content-Type: text/html\r\n");
	has(got, "X-Content-Type-Options: nosniff\r\n");
	has(got, "; sandbox\r\n");
	has(got, "<b>part");
	has(got, "\r\n0\r\n");

	got = ask_web(p, "GET /api/v1/session?bytes=21", "", "");
	has(got, "Content-Length: 21\r\n");
	has(got, "<b>part<b>part<b>part");
	/* One that ends too early is not the length that it was said to be. */
	got = ask_web(p, "GET /api/v1/session?bytes=22", "", "");
	has(got, "Content-Length: 22\r\n");
	has(got, "<b>part<b>part<b>part");
}

/* --- events --- */

static void
say_event(struct place *p, int id, const char *text)
{
	say(p,
	    json_pack("{s:{s:i, s:s, s:{s:s}}}", "event", "id", id, "type", "run", "data",
		"text", text),
	    -1);
}

static int
listen_to(const struct place *p, const char *headers)
{
	char request[512];
	int fd = dial(p);
	snprintf(request, sizeof request,
	    "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n%s\r\n", headers);
	send_text(fd, request);
	return fd;
}

static void
events_come_as_they_happen(void **state)
{
	struct place *p = *state;
	AUTO(fd) int fd = listen_to(p, "Cookie: stacksnap=" SESSION "\r\n");
	const char *got = receive_until(fd, "{\"id\":41}\n\n");
	status_is(got, 200);
	has(got, "Content-Type: text/event-stream\r\n");
	has(got, "id: 41\nevent: hello\n");
	say_event(p, 42, "a\nb");
	got = receive_until(fd, "\"}\n\n");
	has(got, "id: 42\nevent: run\ndata: {\"text\":\"a\\nb\"}\n\n");
	say_event(p, 43, "c");
	has(receive_until(fd, "\"}\n\n"), "id: 43\nevent: run\ndata: {\"text\":\"c\"}\n\n");
}

static void
who_comes_back_gets_what_was_missed(void **state)
{
	struct place *p = *state;
	say_event(p, 42, "a");
	say_event(p, 50, "b");
	status_is(ask_web(p, "POST /api/v1/logout", "", ""), 200);
	AUTO(fd) int fd = listen_to(p, "Last-Event-ID: 42\r\n");
	const char *got = receive_until(fd, "\"b\"}\n\n");
	has(got, "id: 50\n");
	has_not(got, "id: 42\n");
	has_not(got, "event: reset");
	/* One between the two. */
	AUTO(fd) int between = listen_to(p, "Last-Event-ID: 45\r\n");
	has(receive_until(between, "\"b\"}\n\n"), "id: 50\n");
	/* What was never known, before or behind. */
	AUTO(fd) int old = listen_to(p, "Last-Event-ID: 40\r\n");
	has(receive_until(old, "}\n\n"), "id: 50\nevent: reset\ndata: {\"id\":50}\n\n");
	AUTO(fd) int future = listen_to(p, "Last-Event-ID: 51\r\n");
	has(receive_until(future, "}\n\n"), "event: reset\n");
}

static void
who_may_not_listen_any_more_is_hung_up_on(void **state)
{
	struct place *p = *state;
	AUTO(fd) int fd = listen_to(p, "Cookie: stacksnap=" SESSION "\r\n");
	receive_until(fd, "}\n\n");
	AUTO(fd) int other = listen_to(p, "Authorization: Bearer " TOKEN "\r\n");
	receive_until(other, "}\n\n");
	p->is_denying = true;
	say(p, json_pack("{s:b, s:b}", "forget", true, "rights", true), -1);
	has(receive_until(fd, "0\r\n\r\n"), "0\r\n\r\n");
	has(receive_until(other, "0\r\n\r\n"), "0\r\n\r\n");
	status_is(ask_web(p, "GET /api/v1/events", "", ""), 401);
}

static void
say_nothing(struct place *p, const json_t *ask)
{
	(void)p;
	(void)ask;
}

static void
strangers_cannot_hold_all_asks(void **state)
{
	struct place *p = *state;
	int fds[16];
	p->script = say_nothing;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial(p);
		send_text(fds[i], "GET /api/v1/session HTTP/1.1\r\nHost: localhost\r\n\r\n");
	}
	while (p->asks < 16)
		usleep(1000);
	const char *got = ask_web(p, "GET /api/v1/session", "", "");
	status_is(got, 429);
	has(got, "Retry-After: 1\r\n");
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

/* Answers whoever has the session's secret, and nobody else. */
static void
know_one(struct place *p, const json_t *ask)
{
	const char *session = json_get_str(ask, "session");
	if (session != NULL && strcmp(session, SESSION) == 0)
		say(p,
		    json_pack("{s:I, s:i, s:b, s:{}}", "id", json_get_int(ask, "id", 0),
			"status", 200, "known", true, "body"),
		    -1);
}

#define OURS "Cookie: stacksnap=" SESSION "\r\n"
#define MADE_UP "Cookie: stacksnap=" TOKEN "\r\n"

static void
a_credential_counts_once_the_keeper_has_called_it_good(void **state)
{
	struct place *p = *state;
	int fds[16];
	p->script = know_one;
	status_is(ask_web(p, "GET /api/v1/session", OURS, ""), 200);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial(p);
		send_text(fds[i], i % 2 == 0 ? "GET /api/v1/session HTTP/1.1\r\n" HOST MADE_UP
					       "\r\n"
					     : "GET /api/v1/session HTTP/1.1\r\n" HOST
					       "Authorization: Bearer " TOKEN "\r\n\r\n");
	}
	while (p->asks < 17)
		usleep(1000);
	status_is(ask_web(p, "GET /api/v1/session", MADE_UP, ""), 429);
	status_is(
	    ask_web(p, "GET /api/v1/session", "Authorization: Bearer " TOKEN "\r\n", ""), 429);
	status_is(ask_web(p, "GET /api/v1/session", OURS, ""), 200);
	say(p, json_pack("{s:b, s:b}", "forget", true, "rights", true), -1);
	int status = 200;
	for (size_t i = 0; i < 1000 && status == 200; i++) {
		usleep(1000);
		status = (int)strtol(
		    ask_web(p, "GET /api/v1/session", OURS, "") + strlen("HTTP/1.1 "), NULL,
		    10);
	}
	assert_int_equal(status, 429);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

static void
when_the_keeper_goes_web_ends(void **state)
{
	struct place *p = *state;
	struct err err = ERR_INIT;
	p->script = say_nothing;
	AUTO(fd) int fd = dial(p);
	send_text(fd, "GET /api/v1/session HTTP/1.1\r\n" HOST "\r\n");
	AUTO(fd) int listener UNUSED = listen_to(p, "");
	while (p->asks < 2)
		usleep(1000);
	shutdown(p->wire, SHUT_RDWR);
	refused(web_server_wait(p->web, &err), ERR_CANCELLED, "the other side has closed");
}

static void
connections_may_break_off_anywhere(void **state)
{
	struct place *p = *state;
	static const char *const parts[] = { "", "G", "GET /", "GET / HTTP/1.1\r\n",
		"GET /api/v1/session HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"POST /api/v1/login HTTP/1.1\r\n" HOST
		"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\"",
		"GET /api/v1/events HTTP/1.1\r\n" HOST "\r\n", "\x16\x03\x01\x02",
		"\r\n\r\n\r\n" };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		int fd = dial(p);
		send_text(fd, parts[i]);
		close(fd);
	}
	status_is(ask_web(p, "GET /api/v1/session", "", ""), 200);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_request_becomes_a_verb),
		CASE(answers_of_the_api_are_neither_stored_nor_sniffed),
		CASE(the_page_has_a_strict_policy),
		CASE(the_api_describes_itself),
		CASE(what_is_no_good_request_is_a_problem),
		CASE(bodies_are_objects_of_json),
		CASE(a_body_in_pieces_is_as_long_as_it_may_be),
		CASE(names_that_are_not_ours_are_refused),
		CASE(a_change_comes_from_our_own_pages),
		CASE(a_token_goes_before_a_cookie),
		CASE(the_session_is_a_cookie_that_no_script_and_no_other_site_has),
		CASE(a_proxy_on_this_machine_says_for_whom_it_speaks),
		CASE(an_answer_is_kept_for_its_time_until_it_is_to_be_forgotten),
		CASE(what_was_looked_up_before_a_change_is_not_kept),
		CASE(problems_are_the_keepers_own_words),
		CASE(requests_in_a_row_are_answered_in_a_row),
		CASE(an_answer_does_not_end_the_connection),
		CASE(a_download_is_a_file_to_be_saved),
		CASE(events_come_as_they_happen),
		CASE(who_comes_back_gets_what_was_missed),
		CASE(who_may_not_listen_any_more_is_hung_up_on),
		CASE(strangers_cannot_hold_all_asks),
		CASE(a_credential_counts_once_the_keeper_has_called_it_good),
		CASE(when_the_keeper_goes_web_ends),
		CASE(connections_may_break_off_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

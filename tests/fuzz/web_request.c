/*
 * Fuzz target: what web and keeper do with a request before it is done: head, path, query and
 * body.  The lines of the input are "METHOD path?query", Host, Origin, Cookie, Authorization,
 * X-Forwarded-For, Content-Type, the name of a download; what is left is the body.  Build with
 * clang -fsanitize=fuzzer,address,undefined.
 */
#include "serve/route.h"
#include "serve/verb.h"
#include "serve/web_download.h"
#include "serve/web_gate.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>

#define LINES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct gate *
the_gate(void)
{
	static struct gate *gate;
	struct err err = ERR_INIT;
	if (gate != NULL)
		return gate;
	AUTO(json) json_t *hello = json_pack("{s:s, s:[s, s], s:b}", "listen", "0.0.0.0:8080",
	    "public", "https://backup.example.org", "http://nas.lan:8080", "proxy", true);
	if (hello == NULL || gate_new(&gate, hello, &err))
		abort();
	return gate;
}

static bool
is_secret(const char *text)
{
	return strlen(text) == GATE_SECRET && strspn(text, "0123456789abcdef") == GATE_SECRET;
}

static void
check_head(char *const lines[LINES])
{
	const struct gate *g = the_gate();
	const struct sockaddr_in peer = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char secret[GATE_SECRET + 1];
	char from[GATE_FROM];
	struct in6_addr room;
	/* No name of a site that is not ours, whatever its spelling. */
	if (strcasestr(lines[1], "evil") != NULL)
		assert(gate_host(g, lines[1]) == HOST_STRANGE);
	if (strcasestr(lines[2], "evil") != NULL && strcasestr(lines[1], "evil") == NULL)
		assert(!gate_origin(g, lines[2], lines[1]));
	assert(!gate_cookie(secret, lines[3], "stacksnap") || is_secret(secret));
	assert(!gate_bearer(secret, lines[4]) || is_secret(secret));
	gate_from(g, from, (const struct sockaddr *)(const void *)&peer, lines[5]);
	assert(inet_pton(AF_INET, from, &room) == 1 || inet_pton(AF_INET6, from, &room) == 1);
	(void)gate_is_json(lines[6]);
}

/* One header line, ASCII, in which a name cannot end before it ends. */
static void
check_name(const char *name)
{
	char out[DISPOSITION_MAX];
	download_disposition(out, name);
	assert(strlen(out) < DISPOSITION_MAX - 1);
	size_t quotes = 0;
	for (const char *p = out; *p != '\0'; p++) {
		assert(*p >= 0x20 && *p < 0x7f && *p != '/' && *p != '\\');
		quotes += *p == '"';
	}
	assert(quotes == 2);
	assert(strncmp(out, "attachment; filename=\"", 22) == 0 && out[22] != '.');
}

static void
add_body(json_t *args, const char *body, size_t len)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *j = NULL;
	if (json_parse(&j, body, len, "the body", &err) == ERR_OK && json_is_object(j) &&
	    json_object_update_missing(args, j) != 0)
		abort();
}

/* A verb's function sees values of the right type, and no others. */
static void
check_args(const struct verb *v, const json_t *args)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *checked = NULL;
	enum err_code rc = verb_check_args(&checked, v, args, &err);
	assert(rc == ERR_OK || rc == ERR_USAGE);
	if (rc)
		return;
	assert(json_object_size(checked) <= ARRAY_LEN(v->args));
	for (size_t i = 0; i < ARRAY_LEN(v->args) && v->args[i].name != NULL; i++) {
		const struct arg *a = &v->args[i];
		const json_t *value = json_object_get(checked, a->name);
		assert(value != NULL || !a->is_required);
		if (value == NULL)
			continue;
		if (a->type == ARG_INT)
			assert(json_is_integer(value) && json_integer_value(value) >= a->min &&
			       json_integer_value(value) <= a->max);
		if (a->type == ARG_PATH)
			assert(json_string_value(value)[0] != '/' &&
			       strstr(json_string_value(value), "/../") == NULL);
		if (a->type == ARG_NAME || a->type == ARG_ID)
			assert(json_is_string(value) && json_string_length(value) > 0 &&
			       strchr(json_string_value(value), '/') == NULL);
	}
}

static void
check_route(char *line, const char *body, size_t len)
{
	char methods[ROUTE_METHODS];
	bool is_path;
	char *path = strchr(line, ' ');
	AUTO(json) json_t *args = json_object();
	if (path == NULL || args == NULL)
		return;
	*path++ = '\0';
	char *query = strchr(path, '?');
	if (query != NULL)
		*query++ = '\0';
	const struct route *r = route_find(line, path, args, &is_path);
	route_methods(path, methods);
	assert(strlen(methods) < ROUTE_METHODS && is_path == (methods[0] != '\0'));
	if (r == NULL || !route_query(args, query != NULL ? query : ""))
		return;
	add_body(args, body, len);
	const struct verb *v = verb_find(r->verb);
	if (v != NULL)
		check_args(v, args);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(str) char *text = malloc(len + 1);
	char *lines[LINES];
	if (text == NULL)
		return 0;
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	char *at = text;
	for (size_t i = 0; i < LINES; i++) {
		char *end = memchr(at, '\n', len - (size_t)(at - text));
		lines[i] = at;
		if (end == NULL) {
			at = text + len;
			continue;
		}
		*end = '\0';
		at = end + 1;
	}
	check_head(lines);
	check_name(lines[7]);
	check_route(lines[0], at, len - (size_t)(at - text));
	return 0;
}

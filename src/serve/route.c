#include "serve/route.h"

#include "base/percent.h"

#include <stdio.h>
#include <string.h>

/* One line a row, sorted by path. */
/* clang-format off */
const struct route routes[] = {
	{ "GET", "/audit", "audit.list" },
	{ "POST", "/diffs", "diffs.start" },
	{ "GET", "/diffs/text", "diffs.text" },
	{ "GET", "/diffs/{run}", "diffs.get" },
	{ "GET", "/diffs/{run}/definitions", "diffs.definitions" },
	{ "GET", "/diffs/{run}/files", "diffs.files" },
	{ "GET", "/diffs/{run}/rows", "diffs.rows" },
	{ "GET", "/diffs/{run}/tables", "diffs.tables" },
	{ "GET", "/events", "events.listen" },
	{ "POST", "/login", "account.login" },
	{ "POST", "/logout", "account.logout" },
	{ "GET", "/overview", "overview" },
	{ "PUT", "/password", "account.password" },
	{ "POST", "/recover", "recover" },
	{ "GET", "/repository", "repository.get" },
	{ "POST", "/repository/create", "repository.create" },
	{ "POST", "/repository/kit", "repository.kit" },
	{ "POST", "/repository/kit-saved", "repository.kit_saved" },
	{ "POST", "/repository/open", "repository.open" },
	{ "POST", "/repository/prune", "repository.prune" },
	{ "POST", "/repository/test", "repository.test" },
	{ "POST", "/repository/verify", "repository.verify" },
	{ "GET", "/restores", "restores.list" },
	{ "GET", "/restores/previews/{run}", "restores.preview" },
	{ "POST", "/restores/{stack}/finish", "restores.finish" },
	{ "POST", "/restores/{stack}/tables/finish", "restores.tables_finish" },
	{ "POST", "/restores/{stack}/tables/undo", "restores.tables_undo" },
	{ "POST", "/restores/{stack}/tables/undo/preview", "restores.tables_undo_preview" },
	{ "POST", "/restores/{stack}/undo", "restores.undo" },
	{ "POST", "/restores/{stack}/undo/preview", "restores.undo_preview" },
	{ "GET", "/runs", "runs.list" },
	{ "GET", "/runs/{id}", "runs.get" },
	{ "POST", "/runs/{id}/cancel", "runs.cancel" },
	{ "GET", "/runs/{id}/events", "runs.events" },
	{ "GET", "/schedules", "schedules.list" },
	{ "POST", "/schedules", "schedules.add" },
	{ "POST", "/schedules/preview", "schedules.preview" },
	{ "DELETE", "/schedules/{id}", "schedules.delete" },
	{ "PUT", "/schedules/{id}", "schedules.put" },
	{ "GET", "/session", "account.session" },
	{ "POST", "/setup", "account.setup" },
	{ "GET", "/snapshots", "snapshots.list" },
	{ "DELETE", "/snapshots/{id}", "snapshots.forget" },
	{ "GET", "/snapshots/{id}", "snapshots.get" },
	{ "POST", "/snapshots/{id}/accept", "snapshots.accept" },
	{ "GET", "/snapshots/{id}/certificate", "snapshots.certificate" },
	{ "GET", "/snapshots/{id}/databases", "snapshots.databases" },
	{ "GET", "/snapshots/{id}/download", "snapshots.download" },
	{ "POST", "/snapshots/{id}/drill", "snapshots.drill" },
	{ "GET", "/snapshots/{id}/dump", "snapshots.dump" },
	{ "GET", "/snapshots/{id}/file", "snapshots.file" },
	{ "GET", "/snapshots/{id}/receipt", "snapshots.receipt" },
	{ "POST", "/snapshots/{id}/restore", "restore.start" },
	{ "POST", "/snapshots/{id}/restore/preview", "restore.preview" },
	{ "POST", "/snapshots/{id}/restore/tables", "restore.tables" },
	{ "POST", "/snapshots/{id}/restore/tables/preview", "restore.tables_preview" },
	{ "POST", "/snapshots/{id}/tags", "snapshots.tag" },
	{ "GET", "/snapshots/{id}/tree", "snapshots.tree" },
	{ "POST", "/snapshots/{id}/verify", "snapshots.verify" },
	{ "GET", "/stacks", "stacks.list" },
	{ "GET", "/stacks/{name}", "stacks.get" },
	{ "POST", "/stacks/{name}/backup", "stacks.backup" },
	{ "POST", "/stacks/{name}/drill", "stacks.drill" },
	{ "POST", "/stacks/{name}/retention/preview", "stacks.retention_preview" },
	{ "GET", "/tokens", "tokens.list" },
	{ "POST", "/tokens", "tokens.add" },
	{ "DELETE", "/tokens/{id}", "tokens.delete" },
	{ NULL, NULL, NULL },
};
/* clang-format on */

#define SEGMENT_MAX 4096
#define QUERY_MAX 32

bool
route_decode(char *out, const char *text, size_t len, bool plus)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '%') {
			int value = percent_value(text + i + 1, len - i - 1);
			if (value < 0)
				return false;
			c = (char)value;
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if ((unsigned char)c < 0x20 || c == 0x7f)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return str_is_utf8(out, n);
}

/* Set a decoded text; false when there is one of that name. */
static bool
set_text(json_t *args, const char *name, const char *text)
{
	return json_object_get(args, name) == NULL &&
	       json_object_set_new(args, name, json_string(text)) == 0;
}

/* "{name}" at p takes the segment of len bytes at text. */
static bool
take_segment(json_t *args, const char *p, const char *end, const char *text, size_t len)
{
	char name[64];
	char value[SEGMENT_MAX + 1];
	size_t n = (size_t)(end - p) - 2;
	if (len == 0 || len > SEGMENT_MAX || n >= sizeof name ||
	    !route_decode(value, text, len, false))
		return false;
	memcpy(name, p + 1, n);
	name[n] = '\0';
	/* A slash that was escaped would be two segments to whoever puts them together again.
	 */
	if (strchr(value, '/') != NULL)
		return false;
	return args == NULL || set_text(args, name, value);
}

static size_t
segment_len(const char *p)
{
	return strcspn(p, "/");
}

/* args is NULL where only the shape matters. */
static bool
matches(const char *pattern, const char *path, json_t *args)
{
	while (*pattern == '/' && *path == '/') {
		pattern++;
		path++;
		size_t want = segment_len(pattern);
		size_t have = segment_len(path);
		if (want > 2 && pattern[0] == '{') {
			if (!take_segment(args, pattern, pattern + want, path, have))
				return false;
		} else if (want != have || memcmp(pattern, path, want) != 0) {
			return false;
		}
		pattern += want;
		path += have;
	}
	return *pattern == '\0' && *path == '\0';
}

const struct route *
route_find(const char *method, const char *path, json_t *args, bool *is_path)
{
	*is_path = false;
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (const struct route *r = routes; r->method != NULL; r++) {
		if (!matches(r->path, path, NULL))
			continue;
		*is_path = true;
		if (strcmp(r->method, method) != 0)
			continue;
		json_object_clear(args);
		if (matches(r->path, path, args))
			return r;
	}
	return NULL;
}

void
route_methods(const char *path, char out[ROUTE_METHODS])
{
	out[0] = '\0';
	size_t n = 0;
	for (const struct route *r = routes; r->method != NULL && n < ROUTE_METHODS; r++)
		if (matches(r->path, path, NULL) && strstr(out, r->method) == NULL)
			n += (size_t)snprintf(out + n, ROUTE_METHODS - n, "%s%s%s",
			    n > 0 ? ", " : "", r->method,
			    strcmp(r->method, "GET") == 0 ? ", HEAD" : "");
}

static bool
query_one(json_t *args, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
	AUTO(str) char *name = malloc(name_len + 1);
	AUTO(str) char *value = malloc(len + 1);
	if (name == NULL || value == NULL || name_len == 0)
		return false;
	if (!route_decode(name, text, name_len, true))
		return false;
	value[0] = '\0';
	if (equals != NULL && !route_decode(value, equals + 1, len - name_len - 1, true))
		return false;
	return set_text(args, name, value);
}

bool
route_query(json_t *args, const char *query)
{
	for (size_t n = 0; *query != '\0';) {
		size_t len = strcspn(query, "&");
		if (len > 0 && (n++ == QUERY_MAX || !query_one(args, query, len)))
			return false;
		query += len + (query[len] == '&');
	}
	return true;
}

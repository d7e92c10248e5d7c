#include "tree/ignore_rule.h"

#include "base/room.h"

struct ignore {
	char *root;
	struct strv texts; /* of the rules */
	struct rule *rules;
	size_t count;
	size_t cap;
};

enum err_code
ignore_new(struct ignore **out, const char *root, struct err *err)
{
	struct ignore *g = calloc(1, sizeof *g);
	if (g == NULL)
		return err_nomem(err);
	if (root != NULL && str_dup(&g->root, root, err)) {
		free(g);
		return err->code;
	}
	*out = g;
	return ERR_OK;
}

void
ignore_free(struct ignore *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->count; i++)
		ignore_rule_release(&g->rules[i]);
	free(g->rules);
	strv_release(&g->texts);
	free(g->root);
	free(g);
}

const struct strv *
ignore_rules(const struct ignore *g)
{
	return &g->texts;
}

/* Spaces at the end do not count, unless the first of them is escaped. */
static size_t
without_spaces(const char *line, size_t len)
{
	size_t kept = 0;
	for (size_t i = 0; i < len; i++) {
		if (line[i] == ' ')
			continue;
		if (line[i] == '\\' && i + 1 < len)
			i++;
		kept = i + 1;
	}
	return kept;
}

enum err_code
ignore_add(struct ignore *g, const char *rule, size_t len, struct err *err)
{
	AUTO(ignore_rule) struct rule r = { .prefix = NULL };
	len = without_spaces(rule, len);
	if (len == 0)
		return err_set(err, ERR_USAGE, "an empty rule");
	if (memchr(rule, '\0', len) != NULL)
		return err_set(err, ERR_USAGE, "a rule that holds a NUL byte");
	if (len > IGNORE_RULE_MAX)
		return err_set(err, ERR_USAGE, "a rule of more than %d bytes", IGNORE_RULE_MAX);
	if (ignore_rule_read(&r, g->root, rule, len, err))
		return err_wrap(err, "'%.*s'", (int)min_size(len, 200), rule);
	if (ROOM(g->rules, g->count, g->cap, 8, err))
		return err->code;
	AUTO(str) char *text = NULL;
	if (str_dupn(&text, rule, len, err) || strv_add(&g->texts, text, err))
		return err->code;
	g->rules[g->count++] = r;
	r = (struct rule){ .prefix = NULL };
	return ERR_OK;
}

enum err_code
ignore_add_lines(
    struct ignore *g, const char *text, size_t len, const char *what, struct err *err)
{
	static const char mark[] = "\xef\xbb\xbf"; /* some editors begin UTF-8 files with it */
	size_t at = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
	for (unsigned number = 1; at < len; number++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - text) - at : len - at;
		size_t next = at + n + 1;
		if (n > 0 && text[at + n - 1] == '\r')
			n--;
		bool is_rule = text[at] != '#' && without_spaces(text + at, n) > 0;
		if (is_rule && ignore_add(g, text + at, n, err))
			return err_wrap(err, "%s:%u", what, number);
		at = next;
	}
	return ERR_OK;
}

bool
ignore_has(const struct ignore *g, const char *path, size_t len, bool is_dir)
{
	for (size_t i = g->count; i-- > 0;) {
		const struct rule *r = &g->rules[i];
		if (!ignore_rule_matches(r, path, len, is_dir))
			continue;
		/* Written once, so that threads do not take the line from each other. */
		if (!atomic_load_explicit(r->was_used, memory_order_relaxed))
			atomic_store_explicit(r->was_used, true, memory_order_relaxed);
		return !r->takes_back;
	}
	return false;
}

bool
ignore_was_used(const struct ignore *g, size_t i)
{
	return atomic_load_explicit(g->rules[i].was_used, memory_order_relaxed);
}

bool
ignore_covers(const struct ignore *g, const char *path, size_t len, bool is_dir)
{
	for (size_t n = 0; n < len; n++)
		if (path[n] == '/' && ignore_has(g, path, n, true))
			return true;
	return ignore_has(g, path, len, is_dir);
}

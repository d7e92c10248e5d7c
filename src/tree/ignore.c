#include "tree/ignore.h"

#include <ctype.h>
#include <stdatomic.h>

enum step_kind {
	STEP_BYTE,
	STEP_ANY, /* "?": one byte, no slash */
	STEP_CLASS, /* "[...]" */
	STEP_STAR, /* "*": any run without a slash */
	STEP_STARS, /* "**": any run */
	/* "**" and a slash are three steps: leave out all three, or go through STARS and SLASH.
	 */
	STEP_SKIP,
	STEP_SLASH,
};

/* One place in a rule. */
struct step {
	enum step_kind kind;
	uint8_t byte;
	uint32_t class; /* number of its set */
};

/* Bytes that a class holds. */
struct byte_set {
	uint64_t bits[4];
};

struct rule {
	bool takes_back; /* "!" */
	bool dirs_only;
	bool by_name; /* matched against the last part of a path, at any depth */
	char *prefix; /* up to the first wildcard, byte for byte */
	size_t prefix_len;
	struct step *steps; /* behind the prefix */
	size_t count;
	size_t tail; /* of the steps, the last ones that are plain bytes */
	struct byte_set *classes;
	size_t class_count;
	atomic_bool *was_used;
};

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

static void
rule_auto(struct rule *r)
{
	free(r->prefix);
	free(r->steps);
	free(r->classes);
	free(r->was_used);
}

void
ignore_free(struct ignore *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->count; i++)
		rule_auto(&g->rules[i]);
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

/* --- reading a rule --- */

/* What is left of a rule that is being read.  at[end] may be looked at by nobody. */
struct text {
	const char *at;
	const char *end;
};

static void
set_add(struct byte_set *s, unsigned first, unsigned last)
{
	for (unsigned c = first; c <= last; c++)
		s->bits[c / 64] |= UINT64_C(1) << (c % 64);
}

static bool
set_has(const struct byte_set *s, uint8_t c)
{
	return (s->bits[c / 64] >> (c % 64) & 1) != 0;
}

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t';
}

/* The bytes of "[:alpha:]" and the like, in ASCII; false when there is no such class. */
static bool
add_named(struct byte_set *s, const char *name, size_t len)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} named[] = { { "alnum", isalnum }, { "alpha", isalpha }, { "cntrl", iscntrl },
		{ "digit", isdigit }, { "graph", isgraph }, { "lower", islower },
		{ "print", isprint }, { "punct", ispunct }, { "space", isspace },
		{ "upper", isupper }, { "xdigit", isxdigit } };
	if (len == 5 && memcmp(name, "blank", 5) == 0) {
		for (unsigned c = 0; c < 128; c++)
			if (is_blank((int)c))
				set_add(s, c, c);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		if (strlen(named[i].name) != len || memcmp(named[i].name, name, len) != 0)
			continue;
		for (unsigned c = 0; c < 128; c++)
			if (named[i].is((int)c) != 0)
				set_add(s, c, c);
		return true;
	}
	return false;
}

static enum err_code
unended(struct err *err)
{
	return err_set(err, ERR_USAGE, "a class '[' without its ']'");
}

/* The next byte of a class, a backslash taken off. */
static enum err_code
class_byte(struct text *t, uint8_t *out, struct err *err)
{
	if (t->at < t->end && *t->at == '\\')
		t->at++;
	if (t->at >= t->end)
		return unended(err);
	*out = (uint8_t)*t->at++;
	return ERR_OK;
}

/* "[:name:]" at t, when it is one; *taken tells. */
static enum err_code
class_named(struct text *t, struct byte_set *s, bool *taken, struct err *err)
{
	*taken = false;
	if (t->end - t->at < 2 || t->at[0] != '[' || t->at[1] != ':')
		return ERR_OK;
	const char *name = t->at + 2;
	const char *close = memchr(name, ']', (size_t)(t->end - name));
	if (close == NULL)
		return unended(err);
	if (close == name || close[-1] != ':')
		return ERR_OK;
	size_t len = (size_t)(close - 1 - name);
	if (!add_named(s, name, len))
		return err_set(err, ERR_USAGE, "no class of characters is called '[:%.*s:]'",
		    (int)min_size(len, 40), name);
	t->at = close + 1;
	*taken = true;
	return ERR_OK;
}

/* Read a class behind its "[", up to and with its "]". */
static enum err_code
read_class(struct text *t, struct byte_set *out, struct err *err)
{
	struct byte_set s = { { 0 } };
	bool negated = t->at < t->end && (*t->at == '!' || *t->at == '^');
	if (negated)
		t->at++;
	bool is_first = true; /* a "]" that comes first is meant itself */
	int before = -1; /* where a range may begin */
	while (is_first || t->at >= t->end || *t->at != ']') {
		bool is_range =
		    before >= 0 && t->end - t->at >= 2 && t->at[0] == '-' && t->at[1] != ']';
		bool taken = false;
		uint8_t c;
		is_first = false;
		if (!is_range && class_named(t, &s, &taken, err))
			return err->code;
		if (taken) {
			before = -1;
			continue;
		}
		if (is_range)
			t->at++;
		if (class_byte(t, &c, err))
			return err->code;
		set_add(&s, is_range ? (unsigned)before : c, c);
		before = is_range ? -1 : c;
	}
	t->at++;
	for (unsigned i = 0; i < 4; i++)
		out->bits[i] = negated ? ~s.bits[i] : s.bits[i];
	return ERR_OK;
}

static void
add_step(struct rule *r, enum step_kind kind, char byte)
{
	struct step *s = &r->steps[r->count++];
	s->kind = kind;
	s->byte = (uint8_t)byte;
}

/* "*" or "**" at t.  is_part: what comes before ends a part of the path. */
static void
read_stars(struct rule *r, struct text *t, bool is_part)
{
	const char *first = t->at;
	while (t->at < t->end && *t->at == '*')
		t->at++;
	bool ends = t->at == t->end;
	bool slash = !ends && *t->at == '/';
	bool escaped = t->end - t->at >= 2 && t->at[0] == '\\' && t->at[1] == '/';
	if (r->by_name || t->at - first < 2 || !is_part || !(ends || slash || escaped)) {
		add_step(r, STEP_STAR, 0);
		return;
	}
	if (slash)
		add_step(r, STEP_SKIP, 0);
	add_step(r, STEP_STARS, 0);
	if (slash) {
		add_step(r, STEP_SLASH, '/');
		t->at++;
	}
}

static enum err_code
read_step(struct rule *r, struct text *t, const char *begin, struct err *err)
{
	switch (*t->at) {
	case '*':
		/* As git does it, the bytes before the first wildcard end a part, too. */
		read_stars(r, t, t->at == begin || t->at[-1] == '/');
		return ERR_OK;
	case '?':
		t->at++;
		add_step(r, STEP_ANY, 0);
		return ERR_OK;
	case '[':
		t->at++;
		add_step(r, STEP_CLASS, 0);
		r->steps[r->count - 1].class = (uint32_t)r->class_count;
		return read_class(t, &r->classes[r->class_count++], err);
	case '\\':
		t->at++;
		if (t->at == t->end)
			return err_set(err, ERR_USAGE, "a backslash at the end");
		break;
	default:
		break;
	}
	add_step(r, STEP_BYTE, *t->at++);
	return ERR_OK;
}

static size_t
count_of(const struct text *t, char c)
{
	size_t n = 0;
	for (const char *p = t->at; p < t->end; p++)
		n += *p == c;
	return n;
}

/* Read what is left when "!", and the slashes at the ends, are gone. */
static enum err_code
compile(struct rule *r, struct text t, struct err *err)
{
	const char *p = t.at;
	while (p < t.end && strchr("*?[\\", *p) == NULL)
		p++;
	r->prefix_len = (size_t)(p - t.at);
	if (str_dupn(&r->prefix, t.at, r->prefix_len, err))
		return err->code;
	t.at = p;
	/* "**" and a slash, three bytes, are the most steps for their length. */
	r->steps = calloc((size_t)(t.end - t.at) + 1, sizeof *r->steps);
	r->classes = calloc(count_of(&t, '[') + 1, sizeof *r->classes);
	r->was_used = calloc(1, sizeof *r->was_used);
	if (r->steps == NULL || r->classes == NULL || r->was_used == NULL)
		return err_nomem(err);
	while (t.at < t.end)
		if (read_step(r, &t, p, err))
			return err->code;
	while (r->tail < r->count && r->steps[r->count - 1 - r->tail].kind == STEP_BYTE)
		r->tail++;
	return ERR_OK;
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

static void
strip_root(const struct ignore *g, struct text *t)
{
	size_t n = g->root != NULL ? strlen(g->root) : 0;
	if (n > 1 && (size_t)(t->end - t->at) > n && memcmp(t->at, g->root, n) == 0 &&
	    t->at[n] == '/')
		t->at += n;
}

static enum err_code
read_rule(const struct ignore *g, struct rule *r, const char *line, size_t len, struct err *err)
{
	struct text t = { line, line + len };
	r->takes_back = *t.at == '!';
	if (r->takes_back)
		t.at++;
	strip_root(g, &t);
	r->dirs_only = t.end > t.at && t.end[-1] == '/';
	if (r->dirs_only)
		t.end--;
	if (t.at == t.end)
		return err_set(err, ERR_USAGE, "nothing is named by it");
	r->by_name = count_of(&t, '/') == 0;
	if (*t.at == '/')
		t.at++;
	return compile(r, t, err);
}

enum err_code
ignore_add(struct ignore *g, const char *rule, size_t len, struct err *err)
{
	AUTO(rule) struct rule r = { .prefix = NULL };
	len = without_spaces(rule, len);
	if (len == 0)
		return err_set(err, ERR_USAGE, "an empty rule");
	if (memchr(rule, '\0', len) != NULL)
		return err_set(err, ERR_USAGE, "a rule that holds a NUL byte");
	if (len > IGNORE_RULE_MAX)
		return err_set(err, ERR_USAGE, "a rule of more than %d bytes", IGNORE_RULE_MAX);
	if (read_rule(g, &r, rule, len, err))
		return err_wrap(err, "'%.*s'", (int)min_size(len, 200), rule);
	if (g->count == g->cap) {
		size_t cap = g->cap == 0 ? 8 : g->cap * 2;
		struct rule *more = realloc(g->rules, cap * sizeof *more);
		if (more == NULL)
			return err_nomem(err);
		g->rules = more;
		g->cap = cap;
	}
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

/* --- matching --- */

#define STATE_WORDS (IGNORE_RULE_MAX / 64 + 1)

/* The steps that may come next, one bit each; the one behind the last is the end. */
struct states {
	uint64_t words[STATE_WORDS];
};

static void
states_add(struct states *s, size_t i)
{
	s->words[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool
states_has(const struct states *s, size_t i)
{
	return (s->words[i / 64] >> (i % 64) & 1) != 0;
}

/* Add what can be reached without a byte.  Such ways lead forward only. */
static void
states_close(struct states *s, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (s->words[i / 64] == 0) {
			i |= 63;
			continue;
		}
		if (!states_has(s, i))
			continue;
		if (steps[i].kind == STEP_SKIP)
			states_add(s, i + 3);
		if (steps[i].kind == STEP_SKIP || steps[i].kind == STEP_STAR ||
		    steps[i].kind == STEP_STARS)
			states_add(s, i + 1);
	}
}

static bool
step_takes(const struct rule *r, const struct step *s, uint8_t c)
{
	switch (s->kind) {
	case STEP_BYTE:
	case STEP_SLASH:
		return s->byte == c;
	case STEP_ANY:
	case STEP_STAR:
		return c != '/';
	case STEP_CLASS:
		return c != '/' && set_has(&r->classes[s->class], c);
	case STEP_STARS:
		return true;
	case STEP_SKIP:
		break;
	}
	return false;
}

/* Do the first count steps take exactly these bytes? */
static bool
steps_match(const struct rule *r, size_t count, const char *text, size_t len)
{
	if (count == 1 && r->steps[0].kind == STEP_STAR)
		return memchr(text, '/', len) == NULL;
	size_t words = count / 64 + 1;
	struct states now;
	struct states then;
	memset(now.words, 0, words * sizeof now.words[0]);
	states_add(&now, 0);
	states_close(&now, r->steps, count);
	for (size_t k = 0; k < len; k++) {
		uint64_t any = 0;
		memset(then.words, 0, words * sizeof then.words[0]);
		for (size_t i = 0; i < count; i++) {
			const struct step *s = &r->steps[i];
			if (!states_has(&now, i) || !step_takes(r, s, (uint8_t)text[k]))
				continue;
			bool stays = s->kind == STEP_STAR || s->kind == STEP_STARS;
			states_add(&then, stays ? i : i + 1);
			any = 1;
		}
		if (any == 0)
			return false;
		states_close(&then, r->steps, count);
		memcpy(now.words, then.words, words * sizeof now.words[0]);
	}
	return states_has(&now, count);
}

static bool
rule_matches(const struct rule *r, const char *path, size_t len, bool is_dir)
{
	if (r->dirs_only && !is_dir)
		return false;
	if (r->by_name) {
		const char *slash = memrchr(path, '/', len);
		size_t skipped = slash != NULL ? (size_t)(slash - path) + 1 : 0;
		path += skipped;
		len -= skipped;
	}
	if (len < r->prefix_len + r->tail || memcmp(path, r->prefix, r->prefix_len) != 0)
		return false;
	path += r->prefix_len;
	len -= r->prefix_len + r->tail;
	const struct step *tail = r->steps + (r->count - r->tail);
	for (size_t i = 0; i < r->tail; i++)
		if (tail[i].byte != (uint8_t)path[len + i])
			return false;
	if (r->count == r->tail)
		return len == 0;
	return steps_match(r, r->count - r->tail, path, len);
}

bool
ignore_has(const struct ignore *g, const char *path, size_t len, bool is_dir)
{
	for (size_t i = g->count; i-- > 0;) {
		const struct rule *r = &g->rules[i];
		if (!rule_matches(r, path, len, is_dir))
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

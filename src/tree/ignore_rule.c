#include "tree/ignore_rule.h"

#include <ctype.h>

void
ignore_rule_release(struct rule *r)
{
	free(r->prefix);
	free(r->steps);
	free(r->classes);
	free(r->was_used);
}

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

static void
strip_root(const char *root, struct text *t)
{
	size_t n = root != NULL ? strlen(root) : 0;
	if (n > 1 && (size_t)(t->end - t->at) > n && memcmp(t->at, root, n) == 0 &&
	    t->at[n] == '/')
		t->at += n;
}

enum err_code
ignore_rule_read(
    struct rule *r, const char *root, const char *line, size_t len, struct err *err)
{
	struct text t = { line, line + len };
	r->takes_back = *t.at == '!';
	if (r->takes_back)
		t.at++;
	strip_root(root, &t);
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

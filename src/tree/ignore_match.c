/* Does a path match a rule?  All places that it may have come to at once, in a set of bits. */
#include "tree/ignore_rule.h"

static bool
set_has(const struct byte_set *s, uint8_t c)
{
	return (s->bits[c / 64] >> (c % 64) & 1) != 0;
}

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

bool
ignore_rule_matches(const struct rule *r, const char *path, size_t len, bool is_dir)
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

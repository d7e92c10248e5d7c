/*
 * ignore_rule.h: one rule of ignore.h, taken apart; for ignore*.c only.
 *
 * Threads: any number match one rule at once.
 */
#ifndef TREE_IGNORE_RULE_H
#define TREE_IGNORE_RULE_H

#include "tree/ignore.h"

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

/* Of a line that is no comment, without spaces at its end; paths that begin with root, which
 * may be NULL, are taken as below it.  ERR_USAGE when it is no rule; r is released either way.
 */
MUST_CHECK enum err_code ignore_rule_read(
    struct rule *r, const char *root, const char *line, size_t len, struct err *err);
void ignore_rule_release(struct rule *r);
static inline void UNUSED
ignore_rule_auto(struct rule *r)
{
	ignore_rule_release(r);
}
/* ignore_match.c: "!" or not. */
bool ignore_rule_matches(const struct rule *r, const char *path, size_t len, bool is_dir);

#endif

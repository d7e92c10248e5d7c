/*
 * ignore.h: which paths are left out, by rules written as in gitignore(5).
 *
 * A path is matched below a root, as git matches it below the folder of a
 * .gitignore file: the last rule that matches decides, "!" takes a path back in,
 * and nothing below a folder that is out can come back in.  Everything is
 * compared by bytes; names need not be UTF-8.
 *
 * A rule that begins with the root's own absolute path means the same as the
 * rest of it: below /srv/data, "/srv/data/cache" is "/cache".
 *
 * Rules that git would read but that never match anything (a class without its
 * "]", a backslash at the end, nothing at all behind "!" or before "/") are
 * refused: who writes one wants something left out.
 *
 * A rule of m bytes is matched against a path of n bytes in at most m × n
 * steps, whatever they hold: all ways through the rule are followed at once
 * (Thompson, "Regular Expression Search Algorithm", CACM 11(6), 1968).
 *
 * Threads: any number may match at once, when nobody adds.
 */
#ifndef TREE_IGNORE_H
#define TREE_IGNORE_H

#include "base/strv.h"

#define IGNORE_RULE_MAX 4096

struct ignore;

/* root: the absolute path that rules may begin with; may be NULL. */
MUST_CHECK enum err_code ignore_new(struct ignore **out, const char *root, struct err *err);
void ignore_free(struct ignore *g);
AUTO_FREE(ignore, struct ignore *, ignore_free)

/* Add one rule.  ERR_USAGE says what is wrong with it. */
MUST_CHECK enum err_code ignore_add(
    struct ignore *g, const char *rule, size_t len, struct err *err);
/* Add the lines of a file, comments and empty lines left out; what names it in an error:
 * "what:3: ..." */
MUST_CHECK enum err_code ignore_add_lines(
    struct ignore *g, const char *text, size_t len, const char *what, struct err *err);
/* The rules as they were written; the ignore's own. */
const struct strv *ignore_rules(const struct ignore *g);

/* Is path out, when the folders on the way to it are in?  path is relative to the root, and
 * without a slash at either end. */
bool ignore_has(const struct ignore *g, const char *path, size_t len, bool is_dir);
/* Is path out, or a folder on the way to it? */
bool ignore_covers(const struct ignore *g, const char *path, size_t len, bool is_dir);

/* Has rule i, of those that ignore_rules gives, decided about a path so far?  Any thread. */
bool ignore_was_used(const struct ignore *g, size_t i);

#endif

/*
 * diff_index.h: the output of a comparison that has ended, by its lines: what differs in files,
 * tables, rows and definitions, where each line stands, and the sums.
 *
 * It is made in one pass over the output when somebody first looks, and kept for the last few
 * that were looked at (diff_cache). Memory: some 200 bytes for each table and member; where the
 * lines stand is in files without names (entry_list.h).
 *
 * Ownership: an index is shared, and must be given back.
 * Threads:   any.
 * Errors:    ERR_NOT_FOUND when the output is gone, ERR_CORRUPT, ERR_IO, ERR_CANCELLED.
 */
#ifndef SERVE_DIFF_INDEX_H
#define SERVE_DIFF_INDEX_H

#include "base/json.h"
#include "serve/entry_list.h"
#include "sys/cancel.h"

/* Kinds of entries. */
enum diff_change { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_CHANGED, CHANGE_METADATA };
/* By the word of docs/json.md; false when it is none. */
bool diff_change_of(const char *word, enum diff_change *out);

enum diff_list { DIFF_LIST_FILES, DIFF_LIST_ROWS, DIFF_LIST_DEFINITIONS, DIFF_LISTS };

/* Lines of rows that stand together: those of a table. */
struct diff_group {
	char *service;
	char *database;
	char *table;
	uint64_t first; /* in DIFF_LIST_ROWS */
	uint64_t count;
	json_t *line; /* of the table; NULL: none was told */
};

/* What lies below a path of the tree, as the snapshots' documents name it. */
struct diff_part {
	char *kind;
	char *name;
	char *path;
	bool is_in[2]; /* the first, the second */
	uint64_t first; /* in DIFF_LIST_FILES */
	uint64_t count;
	uint64_t changes[4]; /* by diff_change */
	uint64_t bytes_added;
	uint64_t bytes_removed;
	uint64_t bytes_before; /* of changed files */
	uint64_t bytes_now;
	/* Of databases. */
	uint64_t tables;
	uint64_t rows[3]; /* by diff_change */
	uint64_t definitions;
};

struct diff_index {
	int fd; /* the output */
	struct entry_list *lists[DIFF_LISTS];
	struct diff_group *groups;
	size_t n_groups;
	struct diff_part *parts;
	size_t n_parts;
	json_t *images; /* arrays; "type" is left out */
	json_t *moments;
	json_t *unknown; /* the first thousand */
	json_t *result; /* NULL: it did not come to its end */
};

struct diff_cache;

MUST_CHECK enum err_code diff_cache_new(struct diff_cache **out, struct err *err);
void diff_cache_free(struct diff_cache *c);
AUTO_FREE(diff_cache, struct diff_cache *, diff_cache_free)

/* What is compared: documents of the snapshots; after is NULL when that is live. */
struct diff_source {
	int64_t run;
	const char *path; /* of the output */
	const char *folder; /* for temporary files */
	const json_t *before;
	const json_t *after;
};
MUST_CHECK enum err_code diff_cache_get(struct diff_cache *c, const struct diff_source *source,
    const struct cancel *cancel, struct diff_index **out, struct err *err);
void diff_index_release(struct diff_index *x);
AUTO_FREE(diff_index, struct diff_index *, diff_index_release)

/* One page of a list. */
struct diff_query {
	enum diff_list list;
	struct entry_range range;
	const char *text; /* NULL, or what a value must hold, upper or lower case of ASCII */
	const char *service; /* NULL, or whose; definitions only */
	uint64_t skip;
	size_t limit;
};
/* Each line of the page as it was written, without "type"; at most a megabyte of them, so there
 * may be fewer.  Of one that is too long only what stands before its values is given (is_cut).
 */
typedef enum err_code diff_line_fn(void *arg, json_t *line, bool is_cut, struct err *err);
MUST_CHECK enum err_code diff_index_page(struct diff_index *x, const struct diff_query *q,
    const struct cancel *cancel, diff_line_fn *fn, void *arg, uint64_t *total, struct err *err);

/* Does text hold the word, which is in lower case (diff_lower)? */
bool diff_holds(const char *text, size_t len, const char *word, size_t word_len);
MUST_CHECK enum err_code diff_lower(char **out, const char *text, struct err *err);

#endif

/*
 * diff_sum.h: a comparison added up: members by their files, services by their
 * tables, and what could not be compared.
 *
 * Views are made of it; it prints nothing.  Memory: some 200 bytes for each member, and for
 * each table that differs.
 *
 * Threads: one at a time.  Errors: ERR_NO_MEMORY.
 */
#ifndef CLI_DIFF_SUM_H
#define CLI_DIFF_SUM_H

#include "base/json.h"
#include "engine/diff.h"
#include "engine/diff_rows.h"

/* A member of a stack: its files. */
struct sum_member {
	char *kind; /* "volume" */
	char *path; /* in the tree */
	enum diff_state state; /* is it on both sides? */
	struct diff_result files; /* but for problems */
};

/* A table that differs. */
struct sum_table {
	char *database;
	char *table;
	enum diff_state state;
	uint64_t rows_before;
	uint64_t rows_after;
	bool is_counted;
	struct row_match_result rows;
	const char *noun; /* "row", "key", "document" */
};

struct sum_unknown {
	char *what;
	char *why;
};

/* A database service. */
struct sum_service {
	char *name;
	bool has_moment; /* live */
	int64_t moment_ns;
	struct sum_table *tables;
	size_t n_tables;
	uint64_t same; /* tables */
	uint64_t rows_same;
	uint64_t objects[4]; /* definitions, by diff_state */
	struct sum_unknown *unknown;
	size_t n_unknown;
};

/* A service of the stack that came, went, or runs another image. */
struct sum_image {
	char *service;
	enum diff_state state;
	char *name[2]; /* before and after: "postgres:15"; NULL: not there */
	char *id[2]; /* "sha256:..." */
};

struct diff_sum {
	struct sum_image *images;
	size_t n_images;
	struct sum_member *members;
	size_t n_members;
	struct sum_service *services;
	size_t n_services;
	struct row_match_result rows; /* of all tables that were counted */
	uint64_t tables; /* that differ */
	uint64_t objects;
	uint64_t unknown;
	struct diff_result files; /* of all members */
};

#define DIFF_SUM_INIT           \
	{                       \
		.members = NULL \
	}

void diff_sum_release(struct diff_sum *s);
static inline void UNUSED
diff_sum_auto(struct diff_sum *s)
{
	diff_sum_release(s);
}

/* The members whose files are compared: those of either document but databases, and what the
 * engine said.  after is NULL when that is live. */
MUST_CHECK enum err_code diff_sum_members(struct diff_sum *s, const json_t *before,
    const json_t *after, bool is_live, struct err *err);
/* The services of two stacks that differ in their images. */
MUST_CHECK enum err_code diff_sum_images(
    struct diff_sum *s, const json_t *before, const json_t *after, struct err *err);
/* The member that a path of the tree lies in; NULL: none of which files are shown. */
struct sum_member *diff_sum_member_of(struct diff_sum *s, const char *path);
void diff_sum_file(struct diff_sum *s, struct sum_member *m, const struct tree_diff *d);

MUST_CHECK enum err_code diff_sum_table(
    struct diff_sum *s, const struct diff_table *t, struct err *err);
MUST_CHECK enum err_code diff_sum_object(
    struct diff_sum *s, const struct diff_object *o, struct err *err);
MUST_CHECK enum err_code diff_sum_moment(
    struct diff_sum *s, const char *service, int64_t ns, struct err *err);
MUST_CHECK enum err_code diff_sum_unknown(struct diff_sum *s, const char *service,
    const char *what, const char *why, struct err *err);

/* What a table of this shape has, in the singular: "row", "key", "document"; NULL: "row". */
const char *diff_sum_noun(const struct shape *shape);

/* Does anything differ, as far as it could be compared? */
bool diff_sum_differs(const struct diff_sum *s);

#endif

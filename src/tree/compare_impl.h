/*
 * compare_impl.h: what both ways of comparing share, for compare*.c only.
 */
#ifndef TREE_COMPARE_IMPL_H
#define TREE_COMPARE_IMPL_H

#include "base/map.h"
#include "tree/compare.h"
#include "tree/dir.h"
#include "tree/reporter.h"
#include "tree/trail.h"

struct comparer {
	struct repo *repo;
	const struct tree_compare_options *opt;
	tree_diff_fn *fn;
	void *arg;
	struct reporter report;
	atomic_bool stop;
	atomic_uint_fast64_t entries;
	atomic_uint_fast64_t bytes;

	pthread_mutex_t lock; /* guards all below, and calls of fn */
	struct err err; /* the first, when stop is set */
	uint64_t differences;
	struct map
	    a_to_b; /* inodes with several names: device and inode of one side to the other's */
	struct map b_to_a;
};

void comparer_init(struct comparer *c, struct repo *r, const struct tree_compare_options *opt,
    tree_diff_fn *fn, void *arg);
void comparer_release(struct comparer *c);
void comparer_fail(struct comparer *c, const struct err *err);
bool comparer_goes_on(struct comparer *c);
/* The figures, or the error that stopped the comparison. */
MUST_CHECK enum err_code comparer_result(
    struct comparer *c, struct tree_compared *out, struct err *err);
void comparer_problem(struct comparer *c, enum tree_problem_kind kind, const struct trail *t,
    const char *name, const struct err *err);

/* What differs between two entries of one name, but for contents and hard links. */
unsigned compare_meta(const struct tree_entry *a, const struct tree_entry *b);
/* Do the inodes of two sides with several names go together? Each key is device and inode. */
MUST_CHECK enum err_code compare_links(struct comparer *c, const struct tree_entry *a,
    const uint64_t a_key[2], const struct tree_entry *b, const uint64_t b_key[2],
    unsigned *fields, struct err *err);
/* Tell of one difference, if there is any that is not ignored: a NULL is added, b NULL removed,
 * name NULL the folder itself. */
void compare_tell(struct comparer *c, const struct trail *t, const char *name, unsigned fields,
    const struct tree_entry *a, const struct tree_entry *b);
/* Is this path left out of the comparison? */
MUST_CHECK enum err_code compare_is_excluded(struct comparer *c, const struct trail *t,
    const char *name, bool is_dir, bool *excluded, struct err *err);

#endif

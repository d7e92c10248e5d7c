/*
 * diff_impl.h: what both ways of comparing share, for diff*.c only.
 */
#ifndef ENGINE_DIFF_IMPL_H
#define ENGINE_DIFF_IMPL_H

#include "engine/browse.h"
#include "engine/diff.h"

struct differ {
	struct engine *engine;
	const struct diff_options *opt;
	tree_diff_fn *fn;
	void *arg;
	struct diff_result sum;
	struct buf base; /* where the comparison began, in the tree; fixed while it runs */
	struct buf path; /* of the difference at hand */
	atomic_uint_fast64_t seen; /* differences, for progress */
};

void differ_release(struct differ *d);
/* Begin to compare at a path in the tree. */
MUST_CHECK enum err_code differ_begin(struct differ *d, const char *path, struct err *err);
/* The path in the tree of a difference or problem; the differ's until the next one. */
MUST_CHECK enum err_code differ_path(
    struct differ *d, const char *path, size_t len, const char **out, struct err *err);
/* Count a difference; false when it is not to be told. */
bool differ_count(struct differ *d, const struct tree_diff *diff);
/* A tree_problem_fn whose arg is the differ; may run beside the others. */
void differ_problem(void *arg, const struct tree_problem *p);

/* ERR_USAGE for a snapshot of another host: where its members lay means nothing here. */
MUST_CHECK enum err_code diff_check_host(const json_t *document, struct err *err);

#endif

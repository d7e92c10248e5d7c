/*
 * excluder.h: what a backup leaves out, for those who only look: the survey of
 * what there is to read, a dry run, a comparison with the live folder.
 *
 * Saving itself leaves out mounts and caches in its own way (tree/save.h); the
 * two agree.
 *
 * Ownership: what the options point at is borrowed.
 * Threads:   one at a time for each excluder.
 */
#ifndef ENGINE_EXCLUDER_H
#define ENGINE_EXCLUDER_H

#include "base/strv.h"
#include "tree/ignore.h"

struct excluder;

struct excluder_options {
	const char *root; /* absolute */
	const struct strv *paths; /* exactly these, relative to it; may be NULL */
	const struct ignore *rules; /* may be NULL */
	bool caches; /* what lies in folders with a CACHEDIR.TAG, but for the tag */
	bool one_file_system; /* what lies in folders on other filesystems */
};

MUST_CHECK enum err_code excluder_new(
    struct excluder **out, const struct excluder_options *opt, struct err *err);
void excluder_free(struct excluder *x);
AUTO_FREE(excluder, struct excluder *, excluder_free)

/* A tree_exclude_fn whose arg is the excluder; paths come folder by folder. */
bool excluder_has(void *arg, const char *path, size_t len, bool is_dir);
/* Times that paths or rules said so, and folders of which the inside was left out. */
uint64_t excluder_count(const struct excluder *x);

#endif

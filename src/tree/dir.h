/*
 * dir.h: stored folders: reading their listings, finding a path, and putting
 * folders together that lie on no disk.
 *
 * A reader fetches the listing chunk by chunk, so that a folder of any size
 * costs the memory of one chunk.
 *
 * Threads: one at a time for each reader and builder.
 * Errors:  ERR_CORRUPT for a listing that no StackSnap writes (names out of
 *          order, twice, or not allowed); ERR_UNSUPPORTED for a later format;
 *          those of repo_read_chunk.
 */
#ifndef TREE_DIR_H
#define TREE_DIR_H

#include "repo/writer.h"
#include "tree/entry.h"

struct dir_reader;

/* dir is a folder's entry, and is not kept. */
MUST_CHECK enum err_code dir_reader_open(
    struct dir_reader **out, struct repo *r, const struct tree_entry *dir, struct err *err);
void dir_reader_close(struct dir_reader *d);
AUTO_FREE(dir_reader, struct dir_reader *, dir_reader_close)
/* The next entry, in order of names: the reader's own until the next call; NULL behind the
 * last. */
MUST_CHECK enum err_code dir_reader_next(
    struct dir_reader *d, const struct tree_entry **out, struct err *err);
/* The same, without decoding it; NULL data behind the last. */
MUST_CHECK enum err_code dir_reader_next_raw(
    struct dir_reader *d, struct tree_raw *out, struct err *err);

/* One name in a folder.  ERR_NOT_FOUND when there is none. */
MUST_CHECK enum err_code dir_lookup(struct repo *r, const struct tree_entry *dir,
    const char *name, size_t name_len, struct tree_entry *out, struct err *err);

/* A path below root: "a/b/c"; extra slashes and "." do not matter; "" is root itself.  Symlinks
 * are not followed.  ERR_NOT_FOUND names the part that is missing. */
MUST_CHECK enum err_code tree_lookup(struct repo *r, const struct tree_entry *root,
    const char *path, struct tree_entry *out, struct err *err);

/* A folder made of entries that are at hand. */
struct dir_builder;

MUST_CHECK enum err_code dir_builder_new(struct dir_builder **out, struct err *err);
void dir_builder_free(struct dir_builder *b);
AUTO_FREE(dir_builder, struct dir_builder *, dir_builder_free)
/* Add a copy of e under a name, in any order.  ERR_EXISTS when the name is taken, ERR_USAGE
 * when it cannot be a name. */
MUST_CHECK enum err_code dir_builder_add(
    struct dir_builder *b, const char *name, const struct tree_entry *e, struct err *err);
/* Store the listing.  *out becomes a folder with the empty name and like's mode, owner, times
 * and xattrs; NULL gives 0755, root's, 1970.  The builder can only be freed afterwards. */
MUST_CHECK enum err_code dir_builder_finish(struct dir_builder *b, struct writer *w,
    const struct tree_entry *like, struct tree_entry *out, struct err *err);

/* tree_lookup, for a path that somebody typed: what is missing is told with what may have been
 * meant. */
MUST_CHECK enum err_code tree_find(struct repo *r, const struct tree_entry *root,
    const char *path, struct tree_entry *out, struct err *err);

#endif

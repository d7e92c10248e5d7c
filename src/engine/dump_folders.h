/*
 * dump_folders.h: the folder of a database's member, put together from dumps
 * whose names may have folders themselves ("shop/orders.bson", of MongoDB); for
 * capture*.c only.
 *
 * Threads: one at a time.  Errors: those of tree/dir.h.
 */
#ifndef ENGINE_DUMP_FOLDERS_H
#define ENGINE_DUMP_FOLDERS_H

#include "tree/dir.h"

struct dump_folders;

/* like, which is borrowed, gives a folder's mode and times. */
MUST_CHECK enum err_code dump_folders_new(
    struct dump_folders **out, const struct tree_entry *like, struct err *err);
void dump_folders_free(struct dump_folders *f);
AUTO_FREE(dump_folders, struct dump_folders *, dump_folders_free)
/* A copy of e, which is no folder of this one's, under a name with at most one slash. */
MUST_CHECK enum err_code dump_folders_add(
    struct dump_folders *f, const char *name, const struct tree_entry *e, struct err *err);
/* Store all of them; *out is as dir_builder_finish gives it without a like. */
MUST_CHECK enum err_code dump_folders_finish(
    struct dump_folders *f, struct writer *w, struct tree_entry *out, struct err *err);

#endif

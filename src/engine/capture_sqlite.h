/*
 * capture_sqlite.h: the SQLite databases among a member's files
 * (docs/decisions/0021-sqlite.md).
 *
 * They are known from the previous snapshot or recognised by their header when
 * they are read, and from then on left out of the walk, with what belongs to
 * them.  After the last pass each is taken by itself (db/sqlite.h), and when its
 * copy is drained the entries are put into the member's tree.
 *
 * Threads: sqlite_set_is_member and sqlite_set_peek any number at once; all
 *          else one at a time.
 */
#ifndef ENGINE_CAPTURE_SQLITE_H
#define ENGINE_CAPTURE_SQLITE_H

#include "engine/capture.h"

struct sqlite_set;

/* Do all services that use the member leave its databases to SQLite? */
bool sqlite_is_wanted(const struct plan *p, const struct plan_member *m);

MUST_CHECK enum err_code sqlite_set_new(struct sqlite_set **out, struct err *err);
void sqlite_set_free(struct sqlite_set *s);

/* One that is known without a look: its name in the source. */
MUST_CHECK enum err_code sqlite_set_add(
    struct sqlite_set *s, const char *path, struct err *err);

/* What the previous snapshot's member says. */
MUST_CHECK enum err_code sqlite_note_parent(
    struct capture *c, const json_t *member, struct err *err);
/* Before the first pass: forget those that are not there any more. */
MUST_CHECK enum err_code sqlite_look_again(struct capture *c, struct err *err);

/* Is this path (below the source) a database or part of one? */
bool sqlite_set_is_member(struct sqlite_set *s, const char *path, size_t len);
/* A tree_peek_fn whose arg is the set. */
bool sqlite_set_peek(void *arg, const char *path, size_t len, const uint8_t *first, size_t n);

/* Fix the instant of all of them. */
MUST_CHECK enum err_code sqlite_fence_all(
    struct backup_run *r, struct capture *c, struct err *err);
/* Store them, in the tree that the last pass gave: c->entry. */
MUST_CHECK enum err_code sqlite_drain_all(
    struct backup_run *r, struct capture *c, struct err *err);

/* The folder that holds a path, never through a symlink below the source; *name is the path's
 * last part. */
MUST_CHECK enum err_code sqlite_open_folder(
    const char *source, const char *path, int *out, const char **name, struct err *err);

/* The member's "sqlite" (docs/format.md), if it has a set. */
void sqlite_write(struct json_writer *w, const struct capture *c);

#endif

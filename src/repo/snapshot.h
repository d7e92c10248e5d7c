/*
 * snapshot.h: restore points as the repository knows them: sealed JSON documents.
 *
 * A snapshot object is written last, when all it names is durable: before it
 * exists there is no restore point, after it a whole one.  Its fields are in
 * docs/format.md, "Snapshot"; engine/ gives them meaning.
 *
 * Threads: any.
 */
#ifndef REPO_SNAPSHOT_H
#define REPO_SNAPSHOT_H

#include "base/json.h"
#include "repo/repo.h"

/* For engine/publish, which makes sure that nobody deletes what it needs. */
MUST_CHECK enum err_code snapshot_save(
    struct repo *r, const struct buf *document, struct id *id, struct err *err);

/* Remove a snapshot; its data stays until it is pruned.  ERR_NOT_FOUND when there is none. */
MUST_CHECK enum err_code snapshot_delete(struct repo *r, const struct id *id, struct err *err);

/* Is it certain that there is no such snapshot (any more)? */
bool snapshot_is_gone(struct repo *r, const struct id *id);

/* *document is the caller's to json_decref. */
MUST_CHECK enum err_code snapshot_load(
    struct repo *r, const struct id *id, json_t **document, struct err *err);

/* Called for each snapshot that there is, in order of ids; nothing is read. */
typedef enum err_code snapshot_id_fn(void *arg, const struct id *id, struct err *err);
MUST_CHECK enum err_code snapshot_ids(
    struct repo *r, snapshot_id_fn *fn, void *arg, struct err *err);

/* Called for each snapshot, oldest first; the document is the callback's for the call only. */
typedef enum err_code snapshot_fn(
    void *arg, const struct id *id, const json_t *document, struct err *err);
MUST_CHECK enum err_code snapshot_list(
    struct repo *r, snapshot_fn *fn, void *arg, struct err *err);

/* As snapshot_list, but a snapshot that is damaged, cannot be read, or is of a later version,
 * ends nothing: damaged is called for it, before fn is for any. */
typedef enum err_code snapshot_damaged_fn(
    void *arg, const struct id *id, const struct err *why, struct err *err);
MUST_CHECK enum err_code snapshot_list_sound(
    struct repo *r, snapshot_fn *fn, snapshot_damaged_fn *damaged, void *arg, struct err *err);

/* Find a snapshot by "latest", "latest:SOURCE" (as snapshot_is_of), or a unique prefix of its
 * id in hexadecimal (at least 4 digits).  ERR_NOT_FOUND, or ERR_USAGE when the prefix is
 * ambiguous. */
MUST_CHECK enum err_code snapshot_resolve(
    struct repo *r, const char *name, struct id *id, struct err *err);

/* Does a name that was typed mean the last one; of what?  *of points into name, and is NULL
 * when of all. */
bool snapshot_name_is_latest(const char *name, const char **of);
/* Databases of one snapshot are named together, as "cache,shop": is this one of them? */
bool snapshot_names_have(const char *names, const char *name);
/* Is it of this stack, database, folder or input? */
bool snapshot_is_of(const json_t *document, const char *of);

#endif

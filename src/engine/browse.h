/*
 * browse.h: looking into snapshots: listings, single files, native dumps.
 */
#ifndef ENGINE_BROWSE_H
#define ENGINE_BROWSE_H

#include "engine/engine.h"
#include "repo/snapshot.h"
#include "tree/entry.h"

/* The snapshot's document and the root of its tree. */
struct snapshot {
	struct id id;
	json_t *document;
	struct tree_entry root;
};
void snapshot_release(struct snapshot *s);
static inline void UNUSED
snapshot_auto(struct snapshot *s)
{
	snapshot_release(s);
}
/* The root folder's entry in a document; *out is the caller's to release. */
MUST_CHECK enum err_code snapshot_root(
    struct tree_entry *out, const json_t *document, struct err *err);
MUST_CHECK enum err_code snapshot_open(
    struct snapshot *out, struct repo *r, const struct id *id, struct err *err);

/* Called for path itself when it is no folder, for its children otherwise, and all below with
 * recursive.  path is relative to the snapshot's root. */
typedef enum err_code browse_fn(
    void *arg, const char *path, const struct tree_entry *e, struct err *err);
MUST_CHECK enum err_code browse_list(struct engine *e, const struct snapshot *s,
    const char *path, bool recursive, browse_fn *fn, void *arg, struct err *err);

/* Write a file's bytes to fd.  Of a dump, which may be a folder of parts, as browse_dump does.
 */
MUST_CHECK enum err_code browse_cat(
    struct engine *e, const struct snapshot *s, const char *path, int fd, struct err *err);

/* Write a database member's native dump to fd, byte for byte what the tool wrote, and check it
 * against the recorded SHA-256.  member is "SERVICE" when it has one dump (server.json, which
 * tells a restore about the server, is not counted), or "SERVICE/STREAM".  ERR_NOT_FOUND names
 * the streams that there are; ERR_CORRUPT means that fd got bytes that were not dumped. */
MUST_CHECK enum err_code browse_dump(
    struct engine *e, const struct snapshot *s, const char *member, int fd, struct err *err);

/* Where such a dump lies in the tree (*path is the caller's), and its line in the document. */
MUST_CHECK enum err_code browse_find_dump(const json_t **stream, char **path,
    const json_t *document, const char *member, struct err *err);

#endif

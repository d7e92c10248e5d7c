/*
 * filter.h: which snapshots are meant.
 *
 * A snapshot passes when it meets every condition that is set; of a list, any
 * one will do (of tags: one that lists "a,b" wants both).  Stacks, paths and
 * databases are one condition together: the source.  An empty filter passes all.
 *
 * Threads: any.
 */
#ifndef ENGINE_FILTER_H
#define ENGINE_FILTER_H

#include "base/strv.h"
#include "repo/snapshot.h"

struct snapshot_filter {
	struct strv names; /* ids or their beginnings, or "latest": these, which must exist */
	struct strv stacks;
	struct strv paths; /* absolute: a source of folders that has one of them */
	struct strv databases; /* names: a source of databases that has one of them */
	struct strv hosts;
	struct strv tags; /* each "a" or "a,b" */
	int64_t since_ns; /* 0: no bound; time_ns at or after */
	int64_t until_ns; /* 0: no bound; time_ns before */
	bool complete_only; /* not the partial ones */
};

#define SNAPSHOT_FILTER_INIT                                                  \
	{                                                                     \
		.names = STRV_INIT, .stacks = STRV_INIT, .paths = STRV_INIT,  \
		.databases = STRV_INIT, .hosts = STRV_INIT, .tags = STRV_INIT \
	}

void snapshot_filter_release(struct snapshot_filter *f);
static inline void UNUSED
snapshot_filter_auto(struct snapshot_filter *f)
{
	snapshot_filter_release(f);
}

/* "latest" is not known here, and names are beginnings of ids, unique or not. */
bool snapshot_filter_passes(
    const struct snapshot_filter *f, const struct id *id, const json_t *document);

/* Those that pass, oldest first.  "latest" among the names is the last of those that meet the
 * other conditions.  ERR_NOT_FOUND or ERR_USAGE for a name that is none or not unique. */
MUST_CHECK enum err_code snapshot_filter_list(struct repo *r, const struct snapshot_filter *f,
    snapshot_fn *fn, void *arg, struct err *err);

/* The same, but a snapshot that is damaged, or of a later version, ends nothing, and is not
 * among them: damaged is called for it, whatever the conditions, before fn is for any. */
MUST_CHECK enum err_code snapshot_filter_list_sound(struct repo *r,
    const struct snapshot_filter *f, snapshot_fn *fn, snapshot_damaged_fn *damaged, void *arg,
    struct err *err);

/* Does the snapshot bear all tags of "a,b"? */
bool snapshot_has_tags(const json_t *document, const char *wanted);

bool snapshot_is_complete(const json_t *document);

/* What snapshots are compared and counted within: "stack shop on nas", "/srv /home on nas".
 * A blank or backslash inside a name has a backslash before it: equal text, equal source. */
MUST_CHECK enum err_code snapshot_source_text(
    struct buf *out, const json_t *document, struct err *err);

/* A time as a user writes it: "2026-11-21", "2026-11-21 15:30[:05]" (local), RFC 3339 with a
 * zone, "7d", "36h", "2w", "3m", "1y" (that long before now_ns; months and years by the local
 * calendar), "now".  Never 0. */
MUST_CHECK enum err_code time_parse(
    int64_t *out_ns, const char *text, int64_t now_ns, struct err *err);

#endif

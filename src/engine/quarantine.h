/*
 * quarantine.h: a snapshot that holds suspiciously less than the last good one.
 *
 * It is a whole snapshot: what was there was captured.  But what was there may
 * be what an accident, or somebody with bad intent, has left.  So it bears its
 * reasons, takes no place in forget's rules, and as long as it stands nothing
 * that is older of its source goes (docs/decisions/0018).  `stacksnap accept`
 * says that it is all right; `stacksnap forget SNAPSHOT` that it is not.
 *
 * Compared are bytes, files, rows and keys with the last snapshot that was
 * complete and not quarantined; lost must be more than a share, and more than
 * a few.
 *
 * Ownership: a quarantine owns what is in it.
 */
#ifndef ENGINE_QUARANTINE_H
#define ENGINE_QUARANTINE_H

#include "base/json.h"

/* When nothing else is said: more than half must be gone. */
#define SHRINK_PERCENT 50

struct shrinkage {
	char *kind; /* of the member: "volume" */
	char *member;
	char *
	    what; /* "bytes", "files", "rows", "keys", "member" (it is not captured any more) */
	char *name; /* rows and keys: which table or database; "" all of them together */
	uint64_t before;
	uint64_t now;
};

struct quarantine {
	struct shrinkage *items;
	size_t count; /* kept: the first hundred */
	uint64_t total;
};

void quarantine_release(struct quarantine *q);
/* Has it lost more than percent of what it had, and at least floor? */
bool has_shrunk(uint64_t before, uint64_t now, unsigned percent, uint64_t floor);
MUST_CHECK enum err_code quarantine_add(struct quarantine *q, const char *kind,
    const char *member, const char *what, const char *name, uint64_t before, uint64_t now,
    struct err *err);
/* The field "quarantine" of a snapshot's document; nothing when there is no reason. */
void quarantine_write(struct json_writer *w, const struct quarantine *q);

/* Does it bear reasons that nobody has accepted? */
bool snapshot_is_quarantined(const json_t *document);
/* Reason i of a document's field, for people: "volume uploads: 3 files, 120 before"; *out is
 * the caller's. */
MUST_CHECK enum err_code quarantine_text(char **out, const json_t *reason, struct err *err);

#endif

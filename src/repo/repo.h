/*
 * repo.h: an open repository: its keys, its index, and reading from it.
 *
 * Writing goes through repo/writer.h and repo/stream.h; snapshots through
 * repo/snapshot.h; checking through repo/check.h; keys through repo/key_ring.h.
 * The format is docs/format.md.
 *
 * Ownership: repo_open borrows the store, which must outlive the repo.
 * Threads:   any number may read from one repo at once.
 * Errors:    ERR_NO_REPOSITORY, ERR_WRONG_KEY, ERR_UNSUPPORTED (newer format)
 *            on opening; ERR_CORRUPT names the object when stored data is not
 *            what was written; ERR_NOT_FOUND a chunk that no index knows.
 */
#ifndef REPO_REPO_H
#define REPO_REPO_H

#include "crypto/secret.h"
#include "repo/content.h"
#include "store/store.h"
#include "sys/cancel.h"

struct repo;

/* What opens a key slot: exactly one of the two is set. */
struct repo_key {
	const struct secret *passphrase;
	const struct secret *key_file; /* the file's bytes */
};

struct repo_create_options {
	uint32_t argon_mib; /* memory of the passphrase slot's Argon2id */
	uint32_t argon_passes; /* and its passes */
	const char *label; /* for the first key slot, may be NULL */
};

#define REPO_CREATE_OPTIONS_INIT \
	{                        \
		64, 3, NULL      \
	}

/* Make a repository in an empty store.  ERR_EXISTS when there is one, or anything else,
 * already. */
MUST_CHECK enum err_code repo_create(struct store *s, const struct repo_key *key,
    const struct repo_create_options *opt, struct err *err);

/* Open.  cache_dir is where local copies of indexes are kept (made when missing); NULL keeps
 * them in unnamed temporary files. */
MUST_CHECK enum err_code repo_open(struct repo **out, struct store *s,
    const struct repo_key *key, const char *cache_dir, struct err *err);
/* The same without reading any index: no chunk is known until repo_refresh. */
MUST_CHECK enum err_code repo_open_bare(struct repo **out, struct store *s,
    const struct repo_key *key, const char *cache_dir, struct err *err);
void repo_close(struct repo *r);
AUTO_FREE(repo, struct repo *, repo_close)

struct store *repo_store(const struct repo *r);
/* The repository's id, 16 bytes. */
const uint8_t *repo_id(const struct repo *r);
/* When it was made. */
int64_t repo_created_ns(const struct repo *r);

/* From now on an index object that is damaged, or of a later version, ends no repo_refresh: fn
 * is told of it once, from any thread, and what it alone knows counts as not stored.  For
 * reading, and for backups, which store it again; never for what deletes. */
typedef void repo_damaged_fn(void *arg, const char *object, const struct err *why);
void repo_pass_over_damage(struct repo *r, repo_damaged_fn *fn, void *arg);

/* Look again for index objects that others have added. */
MUST_CHECK enum err_code repo_refresh(struct repo *r, struct err *err);

/* May a writer rely on this chunk? It is stored in a pack that nobody is about to delete. */
bool repo_has_chunk(struct repo *r, const struct id *id);

/* Which pack holds this chunk? False when no index knows it. */
bool repo_find_pack(struct repo *r, const struct id *id, struct id *pack);

/* A chunk's bytes, checked against its id.  The view keeps a decoded frame alive: release it
 * soon. */
struct chunk_view {
	const uint8_t *data;
	size_t len;
	void *hold;
};
MUST_CHECK enum err_code repo_read_chunk(
    struct repo *r, const struct id *id, struct chunk_view *out, struct err *err);
void chunk_view_release(struct chunk_view *v);

/* Are these the bytes of that chunk?  Nothing is fetched. */
MUST_CHECK enum err_code repo_chunk_is(struct repo *r, const struct id *id, const void *data,
    size_t len, bool *is, struct err *err);

#endif

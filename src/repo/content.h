/*
 * content.h: what a run of bytes (a file, a folder's listing) is made of.
 *
 * A content is a list of extents: chunks and holes, in order.  A long list is
 * itself stored as chunks (docs/format.md, "Content"), so that a content in
 * memory never has more than CONTENT_MAX_ITEMS items; level tells how many
 * times one must look up before the items are the data itself.
 *
 * Of a counted content each extent also says how many rows end in it (the
 * tables of a database: docs/decisions/0023-datasets.md).  It has no holes.
 *
 * Ownership: a content is a value; content_release frees its items.
 * Threads:   one at a time; different contents are independent.  What takes
 *            a content as const may run on any number of threads at once.
 */
#ifndef REPO_CONTENT_H
#define REPO_CONTENT_H

#include "base/buf.h"
#include "repo/id.h"

#define CONTENT_MAX_ITEMS 64
#define CONTENT_MAX_LEVEL 8

struct repo;

struct extent {
	uint64_t len; /* bytes of the run that it stands for */
	uint64_t rows; /* of a counted content: how many end in it */
	bool is_torn; /* of a counted content: its last row goes on in the next extent */
	bool is_hole; /* zeros that take no space; id means nothing */
	struct id id; /* a chunk: of data at level 0, of extents above */
};

struct content {
	uint64_t size; /* sum of the extents' lengths */
	unsigned level;
	size_t count;
	struct extent *items;
	bool is_counted;
};

#define CONTENT_INIT                 \
	{                            \
		0, 0, 0, NULL, false \
	}

void content_release(struct content *c);
static inline void UNUSED
content_auto(struct content *c)
{
	content_release(c);
}
MUST_CHECK enum err_code content_copy(
    struct content *out, const struct content *c, struct err *err);
bool content_equal(const struct content *a, const struct content *b);
/* All rows of a counted content; 0 of others. */
uint64_t content_rows(const struct content *c);

/* The encoding of docs/format.md, "Content"; decode marks r as failed when it is malformed. */
MUST_CHECK enum err_code content_encode(
    const struct content *c, struct buf *out, struct err *err);
MUST_CHECK enum err_code content_decode(struct content *out, struct rd *r, struct err *err);

/* Called for each extent of the data itself, in order; offset counts bytes from the start. */
typedef enum err_code extent_fn(
    void *arg, uint64_t offset, const struct extent *e, struct err *err);
/* Walk the data's extents, fetching lists of extents as needed.  list_fn (may be NULL) is told
 * of each chunk that holds a list. */
MUST_CHECK enum err_code content_walk(struct repo *r, const struct content *c, extent_fn *fn,
    extent_fn *list_fn, void *arg, struct err *err);

/* For walks of their own: the list that item i of a content of level > 0 stands for, as a
 * content of level - 1.  ERR_CORRUPT when it does not fit the item. */
MUST_CHECK enum err_code content_read_list(
    struct repo *r, const struct content *c, size_t i, struct content *out, struct err *err);

/* SHA-256 of the encoding: equal contents and no others have equal ones. */
#define CONTENT_DIGEST_SIZE 32
MUST_CHECK enum err_code content_digest(
    const struct content *c, uint8_t out[CONTENT_DIGEST_SIZE], struct err *err);

/* Append all the bytes; ERR_CORRUPT when there are more than max. */
MUST_CHECK enum err_code content_read_all(
    struct repo *r, const struct content *c, size_t max, struct buf *out, struct err *err);

/* Read the bytes in order, a chunk at a time; the data is the callback's for the call only.
 * Holes are given as runs of zeros. */
typedef enum err_code bytes_fn(void *arg, const void *data, size_t len, struct err *err);
MUST_CHECK enum err_code content_stream(
    struct repo *r, const struct content *c, bytes_fn *fn, void *arg, struct err *err);

/* Read the len bytes from offset on, wherever that is: one list is looked up on each level, and
 * only the chunks that hold these bytes.  Holes give zeros.  *got is less than len only where
 * the content ends: 0 at and behind its end. */
MUST_CHECK enum err_code content_read_at(struct repo *r, const struct content *c,
    uint64_t offset, void *out, size_t len, size_t *got, struct err *err);

#endif

/*
 * sqlite_pages.h: the inside of sqlite_rows.h: pages of a database file, and
 * where the rows of a table lie.
 *
 * Only what says where leaf pages are is decoded here (interior pages of a
 * table's B-tree, and which overflow pages a leaf needs); rows are SQLite's.
 *
 * Source: sqlite.org/fileformat2.html, "B-tree Pages", "Cell Payload Overflow Pages".
 * Threads: one at a time.  Errors: ERR_CORRUPT, and what the file's callback gives.
 */
#ifndef DB_SQLITE_PAGES_H
#define DB_SQLITE_PAGES_H

#include "db/sqlite_rows.h"

struct sqlite_pages {
	const struct sqlite_bytes *file;
	uint32_t size; /* of a page */
	uint32_t usable; /* of its bytes */
	uint32_t count;
};

MUST_CHECK enum err_code sqlite_pages_init(
    struct sqlite_pages *out, const struct sqlite_bytes *file, struct err *err);

/* One bit for each page. */
struct page_set {
	uint8_t *bits;
	uint32_t count;
};
void page_set_release(struct page_set *s);
static inline void UNUSED
page_set_auto(struct page_set *s)
{
	page_set_release(s);
}
bool page_set_has(const struct page_set *s, uint32_t number);

/* A leaf page, and the rowids that it may hold. */
struct sqlite_leaf {
	uint32_t page;
	int64_t first;
	int64_t last;
};

#define SQLITE_DEPTH_MAX 20

/* The leaves of a rowid table, from left to right. */
struct leaf_walk {
	const struct sqlite_pages *pages;
	uint8_t *room; /* a page for each level */
	struct leaf_level {
		uint32_t next; /* the number of the next child */
		uint32_t children;
		int64_t first; /* of the next child */
		int64_t last; /* of the whole page */
	} levels[SQLITE_DEPTH_MAX];
	size_t depth;
	bool knows_leaves; /* all lie as deep as the first one, so others need not be read */
	size_t leaf_depth;
	struct sqlite_leaf root; /* to be looked at first; page 0: done */
	struct page_set seen;
};
#define LEAF_WALK_INIT         \
	{                      \
		.pages = NULL, \
	}
MUST_CHECK enum err_code leaf_walk_init(
    struct leaf_walk *w, const struct sqlite_pages *pages, uint32_t root, struct err *err);
void leaf_walk_release(struct leaf_walk *w);
static inline void UNUSED
leaf_walk_auto(struct leaf_walk *w)
{
	leaf_walk_release(w);
}
/* *got is false behind the last one. */
MUST_CHECK enum err_code leaf_walk_next(
    struct leaf_walk *w, struct sqlite_leaf *out, bool *got, struct err *err);

/* Which leaves of a table are the same in both files: at the same number, with the same bytes,
 * their overflow pages likewise.  is_same as in sqlite_rows_options. */
struct page_hint {
	bool (*is_same)(void *arg, uint64_t offset, size_t len);
	void *arg;
};
MUST_CHECK enum err_code sqlite_same_leaves(struct page_set *out, const struct sqlite_pages *a,
    uint32_t root_a, const struct sqlite_pages *b, uint32_t root_b,
    const struct page_hint *hint, struct err *err);

#endif

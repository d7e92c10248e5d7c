/*
 * entry_list.h: where the lines of a long output stand, so that any of a million is found at
 * once.
 *
 * An entry is a line's offset and the kind of change that it tells. They lie in a file without
 * a name, eight bytes each; in memory there is how many of each kind stand in every 4096.
 *
 * Threads: one at a time while entries are added; then any.
 * Errors:  ERR_IO, ERR_NO_MEMORY.
 */
#ifndef SERVE_ENTRY_LIST_H
#define SERVE_ENTRY_LIST_H

#include "base/err.h"

#include <stddef.h>

#define ENTRY_KINDS 4
#define ENTRY_ANY ((1U << ENTRY_KINDS) - 1)

struct entry {
	uint64_t offset;
	unsigned kind; /* below ENTRY_KINDS */
};

struct entry_list;

/* folder: where the file is made. */
MUST_CHECK enum err_code entry_list_new(
    struct entry_list **out, const char *folder, struct err *err);
void entry_list_free(struct entry_list *l);
AUTO_FREE(entry_list, struct entry_list *, entry_list_free)

MUST_CHECK enum err_code entry_list_add(
    struct entry_list *l, const struct entry *e, struct err *err);
/* No more are added. */
MUST_CHECK enum err_code entry_list_end(struct entry_list *l, struct err *err);

uint64_t entry_list_count(const struct entry_list *l);

/* Of the entries from first on, count of them, those whose kind is in the mask (1 << kind):
 * *total is how many; out gets at most cap of them from the skip-th on, *n is how many. */
struct entry_range {
	uint64_t first;
	uint64_t count;
	unsigned mask;
};
MUST_CHECK enum err_code entry_list_select(const struct entry_list *l,
    const struct entry_range *range, uint64_t skip, struct entry *out, size_t cap, size_t *n,
    uint64_t *total, struct err *err);

#endif

/*
 * access.h: what an account may do on a server: read all that a dump needs?
 * Write, which a backup has no use for?
 *
 * Nothing is changed to find that out.
 */
#ifndef DB_ACCESS_H
#define DB_ACCESS_H

#include "base/strv.h"

#include <stdbool.h>

/* So many names are kept of what cannot be read; all are counted. */
#define DB_UNREADABLE_MAX 200

struct db_access {
	char *user; /* as the server knows it */
	bool may_write;
	char *writes; /* for people: "is a superuser"; NULL when it may not */
	struct strv unreadable; /* for people: "table public.orders of database shop" */
	uint64_t unreadable_count;
	uint64_t fatal_count; /* of them, what makes a dump fail; without the others it only
				 lacks something */
	struct strv statements; /* what an administrator would say to make a read-only account,
				   a line each; NEW-PASSWORD stands for its password */
};

#define DB_ACCESS_INIT                                        \
	{                                                     \
		NULL, false, NULL, STRV_INIT, 0, 0, STRV_INIT \
	}

void db_access_release(struct db_access *a);
static inline void UNUSED
db_access_auto(struct db_access *a)
{
	db_access_release(a);
}

/* For connectors. */
MUST_CHECK enum err_code db_access_unreadable(
    struct db_access *a, struct err *err, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The first reason is kept. */
MUST_CHECK enum err_code db_access_writes(
    struct db_access *a, struct err *err, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif

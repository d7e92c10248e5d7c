/* catalog_impl.h: for catalog/ only. */
#ifndef CATALOG_CATALOG_IMPL_H
#define CATALOG_CATALOG_IMPL_H

#include "catalog/catalog.h"
#include "catalog/stmt.h"

#include <pthread.h>

struct catalog {
	pthread_mutex_t lock; /* held by each call */
	sqlite3 *db;
	int lock_fd;
};

/* Run work with the lock held, in one transaction, which is taken back when it fails. */
typedef enum err_code catalog_work(struct catalog *c, void *arg, struct err *err);
MUST_CHECK enum err_code catalog_transact(
    struct catalog *c, catalog_work *work, void *arg, struct err *err);
/* The same without a transaction: for what only reads. */
MUST_CHECK enum err_code catalog_look(
    struct catalog *c, catalog_work *work, void *arg, struct err *err);

/* catalog_migrate.c: the tables, as of this version. */
MUST_CHECK enum err_code catalog_migrate(sqlite3 *db, struct err *err);

#endif

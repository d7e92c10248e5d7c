/* A catalogue in a folder of its own. */
#ifndef TESTS_UNIT_CATALOG_FIXTURE_H
#define TESTS_UNIT_CATALOG_FIXTURE_H

#include "testing.h"

#include "catalog/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* For fields that are owned elsewhere. */
#define TEXT(s) ((char *)(uintptr_t)(s))

struct fixture {
	char dir[64];
	char path[128];
	struct catalog *c;
};

static inline int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	snprintf(f->dir, sizeof f->dir, "/tmp/stacksnap-catalog-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof f->path, "%s/catalog.db", f->dir);
	ok(catalog_open(&f->c, f->path, &err));
	*state = f;
	return 0;
}

static inline void
reopen(struct fixture *f)
{
	struct err err;
	catalog_close(f->c);
	f->c = NULL;
	ok(catalog_open(&f->c, f->path, &err));
}

static inline int
teardown(void **state)
{
	struct fixture *f = *state;
	static const char *const ends[] = { "", "-wal", "-shm", ".lock" };
	catalog_close(f->c);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		char path[160];
		snprintf(path, sizeof path, "%s%s", f->path, ends[i]);
		unlink(path);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

#endif

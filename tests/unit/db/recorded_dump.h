/*
 * recorded_dump.h: dumps that true tools wrote, of tests/stack/db's schemas, from
 * tests/data/dumps.  For tests only.
 */
#ifndef TESTS_DB_RECORDED_DUMP_H
#define TESTS_DB_RECORDED_DUMP_H

#include "base/buf.h"
#include "db/census.h"

#include <stdio.h>
#include <stdlib.h>

struct recorded {
	const char *file;
	enum census_dump kind;
	const char *end_mark; /* NULL: RDB */
};

static const struct recorded recorded_dumps[] = {
	{ "postgres-15.sql", CENSUS_POSTGRES, "-- PostgreSQL database dump complete" },
	{ "postgres-17.sql", CENSUS_POSTGRES, "-- PostgreSQL database dump complete" },
	{ "mariadb-10.11.sql", CENSUS_MYSQL, "-- Dump completed" },
	{ "mariadb-11.8.sql", CENSUS_MYSQL, "-- Dump completed" },
	{ "redis-7.rdb", CENSUS_RDB, NULL },
	{ "redis-8.rdb", CENSUS_RDB, NULL },
	{ "valkey-8.rdb", CENSUS_RDB, NULL },
};

static inline void
recorded_read(struct buf *out, const char *file)
{
	struct err err;
	char path[512];
	uint8_t chunk[16384];
	size_t n;
	snprintf(path, sizeof path, "%s/tests/data/dumps/%s", getenv("STACKSNAP_SOURCE"), file);
	FILE *f = fopen(path, "r");
	if (f == NULL)
		abort();
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		if (buf_add(out, chunk, n, &err))
			abort();
	fclose(f);
}

#endif

/* A time zone of this system. */
#ifndef TESTS_UNIT_ZONE_FILE_H
#define TESTS_UNIT_ZONE_FILE_H

#include "testing.h"

#include "base/zone.h"

#include <stdio.h>

static inline struct zone *
zone_load(const char *name)
{
	char path[128];
	static uint8_t bytes[1 << 16];
	struct err err;
	struct zone *z;
	snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t len = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	ok(zone_parse(&z, bytes, len, &err));
	return z;
}

#endif

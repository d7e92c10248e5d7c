/*
 * Fuzz target: schedules and time zones.  The first line is a schedule, the rest the file of
 * a zone (UTC when it is none).  What is understood comes round later than it
 * was asked for, at a time that it names or in the moment in which clocks pass over one.
 */
#include "base/cron.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[128];
	struct err err = ERR_INIT;
	struct cron c;
	AUTO(zone) struct zone *z = NULL;
	const uint8_t *end = len > 0 ? memchr(data, '\n', len) : NULL;
	if (end == NULL || (size_t)(end - data) >= sizeof text)
		return 0;
	memcpy(text, data, (size_t)(end - data));
	text[end - data] = '\0';
	if (zone_parse(&z, end + 1, len - (size_t)(end - data) - 1, &err) && zone_utc(&z, &err))
		return 0;
	int64_t at[2];
	struct civil local = zone_local(z, 1795298400);
	unsigned n = zone_moments(z, &local, at);
	assert(n <= 2);
	if (cron_parse(&c, text, &err)) {
		assert(err.code == ERR_USAGE);
		return 0;
	}
	int64_t next = cron_next(&c, z, 1795298400);
	assert(next > 1795298400);
	return 0;
}

#include "ui/format.h"

#include <inttypes.h>
#include <stdio.h>

void
format_size(char out[FORMAT_MAX], uint64_t bytes)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	if (bytes < 1000) {
		snprintf(out, FORMAT_MAX, "%u B", (unsigned)bytes);
		return;
	}
	/* What would be rounded to 1000 belongs to the next unit. */
	double value = (double)bytes / 1000;
	size_t u = 0;
	while (value >= 999.5 && u + 1 < ARRAY_LEN(units)) {
		value /= 1000;
		u++;
	}
	snprintf(out, FORMAT_MAX, "%.*f %s", value < 9.95 ? 1 : 0, value, units[u]);
}

void
format_rate(char out[FORMAT_MAX], double bytes_per_s)
{
	char size[FORMAT_MAX];
	format_size(size, bytes_per_s > 0 ? (uint64_t)bytes_per_s : 0);
	snprintf(out, FORMAT_MAX, "%.20s/s", size);
}

void
format_duration(char out[FORMAT_MAX], int64_t ns)
{
	uint64_t ms = ns > 0 ? (uint64_t)ns / 1000000 : 0;
	uint64_t s = (ms + 500) / 1000;
	uint64_t min = (s + 30) / 60;
	if (ms < 1000)
		snprintf(out, FORMAT_MAX, "%u ms", (unsigned)ms);
	else if (ms < 9950)
		snprintf(out, FORMAT_MAX, "%.1f s", (double)ms / 1000);
	else if (s < 60)
		snprintf(out, FORMAT_MAX, "%u s", (unsigned)s);
	else if (s < 3600)
		snprintf(
		    out, FORMAT_MAX, "%u min %02u s", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (min < 24 * 60)
		snprintf(out, FORMAT_MAX, "%u h %02u min", (unsigned)(min / 60),
		    (unsigned)(min % 60));
	else
		snprintf(out, FORMAT_MAX, "%u d %u h", (unsigned)(min / 1440),
		    (unsigned)(min % 1440 / 60));
}

void
format_count(char out[FORMAT_MAX], uint64_t n)
{
	counted_number(out, n);
}

#include "sys/clock.h"

#include "sys/env.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t
clock_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* Whole seconds, rounded down also before 1970. */
static time_t
seconds_of(int64_t wall_ns)
{
	int64_t s = wall_ns / NS_PER_S;
	return (time_t)(wall_ns % NS_PER_S < 0 ? s - 1 : s);
}

void
clock_format(char out[CLOCK_TEXT_SIZE], int64_t wall_ns)
{
	time_t t = seconds_of(wall_ns);
	struct tm tm;
	gmtime_r(&t, &tm);
	strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void
clock_format_local(char out[CLOCK_TEXT_SIZE], int64_t wall_ns)
{
	time_t t = seconds_of(wall_ns);
	struct tm tm;
	localtime_r(&t, &tm);
	strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
}

void
clock_zone(char out[CLOCK_ZONE_SIZE])
{
	static const char folder[] = "zoneinfo/";
	char link[256];
	const char *name = env_get("TZ");
	ssize_t n = readlink("/etc/localtime", link, sizeof link - 1);
	link[n > 0 ? n : 0] = '\0';
	const char *at = strstr(link, folder);
	if (name != NULL && *name == ':')
		name++;
	/* "CET-1CEST" is a rule, no name; a path is none either. */
	if (name == NULL || *name == '/' || strpbrk(name, ",0123456789") != NULL)
		name = at != NULL ? at + strlen(folder) : "UTC";
	snprintf(out, CLOCK_ZONE_SIZE, "%s", strlen(name) < CLOCK_ZONE_SIZE ? name : "UTC");
}

#include "ui/progress.h"

#include "sys/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Time constant of the smoothing, and when a guess of the time left is worth showing. */
#define SMOOTH_S 3.0
#define GUESS_AFTER_NS (2 * NS_PER_S)

void
progress_reset(struct progress *p)
{
	*p = (struct progress){ .bytes = 0 };
}

static double
smooth(double old, double now, double dt_s)
{
	double weight = dt_s / (SMOOTH_S + dt_s);
	return old + weight * (now - old);
}

void
progress_add(struct progress *p, const struct event *e)
{
	/* Numbers that go back belong to a step whose beginning was not told. */
	if (e->bytes < p->bytes || e->files < p->files || e->elapsed_ns < p->elapsed_ns)
		progress_reset(p);
	double dt_s = (double)(e->elapsed_ns - p->elapsed_ns) / (double)NS_PER_S;
	if (dt_s <= 0)
		return;
	double rate = (double)(e->bytes - p->bytes) / dt_s;
	double file_rate = (double)(e->files - p->files) / dt_s;
	p->rate = p->has_rate ? smooth(p->rate, rate, dt_s) : rate;
	p->file_rate = p->has_rate ? smooth(p->file_rate, file_rate, dt_s) : file_rate;
	p->has_rate = true;
	p->bytes = e->bytes;
	p->files = e->files;
	p->elapsed_ns = e->elapsed_ns;
}

struct parts {
	char *out;
	size_t len;
};

static void PRINTF_LIKE(2, 3) add_part(struct parts *parts, const char *fmt, ...)
{
	if (parts->len > 0 && parts->len + 2 < PROGRESS_MAX) {
		memcpy(parts->out + parts->len, ", ", 3);
		parts->len += 2;
	}
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(parts->out + parts->len, PROGRESS_MAX - parts->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		parts->len = min_size(parts->len + (size_t)n, PROGRESS_MAX - 1);
}

static void
add_bytes(struct parts *parts, const struct event *e)
{
	char done[FORMAT_MAX];
	char total[FORMAT_MAX];
	format_size(done, e->bytes);
	format_size(total, e->bytes_total);
	if (e->bytes_total > 0)
		add_part(parts, "%s of %s", done, total);
	else if (e->bytes > 0)
		add_part(parts, "%s", done);
}

static void
add_files(struct parts *parts, const struct event *e)
{
	const char *unit = e->unit != NULL ? e->unit : "files";
	char done[FORMAT_MAX];
	char total[FORMAT_MAX];
	format_count(done, e->files);
	format_count(total, e->files_total);
	if (e->files_total > 0)
		add_part(parts, "%s of %s %s", done, total, unit);
	else if (e->files > 0)
		add_part(parts, "%s %s", done, unit);
}

static void
add_time_left(struct parts *parts, const struct progress *p, const struct event *e)
{
	double left_s = 0;
	if (e->elapsed_ns < GUESS_AFTER_NS)
		return;
	if (e->bytes_total > e->bytes && p->rate > 0)
		left_s = (double)(e->bytes_total - e->bytes) / p->rate;
	else if (e->bytes_total == 0 && e->files_total > e->files && p->file_rate > 0)
		left_s = (double)(e->files_total - e->files) / p->file_rate;
	/* Nobody is helped by "213 d left", nor by tenths of a second. */
	if (left_s <= 0 || left_s > 100 * 3600.0)
		return;
	unsigned whole_s = (unsigned)left_s + 1;
	char text[FORMAT_MAX];
	format_duration(text, whole_s * NS_PER_S);
	if (whole_s < 60)
		add_part(parts, "%u s left", whole_s);
	else
		add_part(parts, "%s left", text);
}

void
progress_text(const struct progress *p, const struct event *e, char out[PROGRESS_MAX])
{
	struct parts parts = { out, 0 };
	uint64_t done = e->bytes_total > 0 ? e->bytes : e->files;
	uint64_t total = e->bytes_total > 0 ? e->bytes_total : e->files_total;
	out[0] = '\0';
	/* A source that grows while it is read does not make more than 100 %. */
	if (total > 0)
		add_part(&parts, "%u %%",
		    done >= total ? 100 : (unsigned)(100.0 * (double)done / (double)total));
	add_bytes(&parts, e);
	add_files(&parts, e);
	if (p->rate >= 1) {
		char rate[FORMAT_MAX];
		format_rate(rate, p->rate);
		add_part(&parts, "%s", rate);
	}
	add_time_left(&parts, p, e);
}

#include "serve/run_log.h"

#include "sys/fd.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define READ_SIZE ((size_t)64 << 10)
#define RESULT_MAX ((size_t)4 << 20)
#define PHASES_MAX 200
#define PAGE_BYTES (UINT64_C(8) << 20) /* looked through for one page */

static bool
is_event_word(const char *word, size_t len)
{
	static const char *const types[] = { "phase", "progress", "note", "warning", "problem",
		"service", "member" };
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strlen(types[i]) == len && memcmp(types[i], word, len) == 0)
			return true;
	return false;
}

bool
run_log_parse_event(json_t **out, const char *line, size_t len)
{
	static const char head[] = "{\"type\":\"";
	const size_t begin = sizeof head - 1;
	struct err why; /* a line that is damaged is no event */
	if (len <= begin || memcmp(line, head, begin) != 0)
		return false;
	const char *end = memchr(line + begin, '"', len - begin);
	return end != NULL && is_event_word(line + begin, (size_t)(end - line) - begin) &&
	       json_parse(out, line, len, "event", &why) == ERR_OK;
}

static enum err_code
open_log(int *fd, const char *path, struct err *err)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? err_sys(err, "%s", path) : ERR_OK;
}

/* --- lines --- */

struct lines {
	int fd;
	uint64_t at; /* of what is in the buffer */
	struct buf held; /* the beginning of a line */
	bool skips; /* the line is too long */
	run_line_fn *fn;
	void *arg;
};

/* Hand out what has ended in the buffer; *offset is behind it. */
static enum err_code
take_lines(struct lines *l, uint64_t *offset, struct err *err)
{
	size_t begin = 0;
	enum err_code rc = ERR_OK;
	while (rc == ERR_OK && begin < l->held.len) {
		const uint8_t *from = l->held.data + begin;
		const uint8_t *end = memchr(from, '\n', l->held.len - begin);
		if (end == NULL)
			break;
		size_t len = (size_t)(end - from);
		uint64_t next = l->at + begin + len + 1;
		if (!l->skips && len > 0)
			rc = l->fn(l->arg, (const char *)from, len, next, err);
		l->skips = false;
		begin += len + 1;
		*offset = next;
	}
	memmove(l->held.data, l->held.data + begin, l->held.len - begin);
	l->held.len -= begin;
	l->at += begin;
	return rc;
}

/* What is left is one line that goes on: too much of it is dropped. */
static void
drop_long(struct lines *l)
{
	if (!l->skips && l->held.len <= RUN_LINE_MAX)
		return;
	l->skips = true;
	l->at += l->held.len;
	l->held.len = 0;
}

enum err_code
run_log_read(
    int fd, uint64_t *offset, uint64_t max, run_line_fn *fn, void *arg, struct err *err)
{
	AUTO(bufv) struct buf held = BUF_INIT;
	struct lines l = { .fd = fd, .at = *offset, .held = held, .fn = fn, .arg = arg };
	enum err_code rc = ERR_OK;
	for (uint64_t done = 0; rc == ERR_OK && (done < max || l.skips);) {
		size_t got;
		rc = buf_reserve(&l.held, READ_SIZE, err);
		if (rc == ERR_OK)
			rc = fd_pread_full(fd, l.held.data + l.held.len, READ_SIZE,
			    l.at + l.held.len, &got, err);
		if (rc != ERR_OK || got == 0)
			break;
		l.held.len += got;
		done += got;
		rc = take_lines(&l, offset, err);
		drop_long(&l);
	}
	held = l.held;
	return rc;
}

/* --- a page of events --- */

struct page {
	json_t *events;
	unsigned limit;
	bool is_full;
};

/* Not a failure: it ends the reading. */
static enum err_code
enough(struct err *err)
{
	return err_set(err, ERR_CANCELLED, "enough");
}

static enum err_code
add_event(void *arg, const char *line, size_t len, uint64_t next, struct err *err)
{
	struct page *p = arg;
	AUTO(json) json_t *j = NULL;
	(void)next;
	if (!run_log_parse_event(&j, line, len))
		return ERR_OK;
	if (json_array_append(p->events, j) != 0)
		return err_nomem(err);
	p->is_full = json_array_size(p->events) >= p->limit;
	return p->is_full ? enough(err) : ERR_OK;
}

enum err_code
run_log_page(json_t **out, const char *path, uint64_t from, unsigned limit, struct err *err)
{
	AUTO(json) json_t *events = json_array();
	struct page p = { events, limit, false };
	uint64_t offset = from;
	struct stat st;
	AUTO(fd) int fd = -1;
	if (events == NULL)
		return err_nomem(err);
	if (open_log(&fd, path, err))
		return err->code;
	if (fstat(fd, &st) != 0)
		return err_sys(err, "%s", path);
	if (run_log_read(fd, &offset, PAGE_BYTES, add_event, &p, err) && !p.is_full)
		return err->code;
	bool is_end = offset >= (uint64_t)st.st_size;
	*out = json_pack("{s:O, s:I, s:b}", "events", events, "next", (json_int_t)offset,
	    "is_end", (int)is_end);
	return *out == NULL ? err_nomem(err) : ERR_OK;
}

/* --- the sum of all --- */

struct sum {
	json_t *phases;
	json_t *quiet;
	int64_t warnings;
	int64_t problems;
	int64_t time_ns; /* of the last event */
	struct buf progress; /* the last line of the phase that runs */
};

static json_t *
last_of(const json_t *array)
{
	size_t n = json_array_size(array);
	return n > 0 ? json_array_get(array, n - 1) : NULL;
}

static enum err_code
set_new(json_t *object, const char *name, json_t *value, struct err *err)
{
	return json_object_set_new(object, name, value) == 0 ? ERR_OK : err_nomem(err);
}

/* Parsed only when it is the last one that counts. */
static enum err_code
put_progress(struct sum *s, struct err *err)
{
	static const char *const names[] = { "bytes", "bytes_total", "files", "files_total",
		"unit", "elapsed_ns" };
	AUTO(json) json_t *line = NULL;
	AUTO(json) json_t *kept = json_object();
	json_t *phase = last_of(s->phases);
	struct err why;
	if (s->progress.len == 0 || phase == NULL)
		return ERR_OK;
	if (json_parse(&line, s->progress.data, s->progress.len, "progress", &why))
		return ERR_OK;
	s->progress.len = 0;
	int64_t time_ns = json_get_int(line, "time_ns", 0);
	s->time_ns = time_ns > s->time_ns ? time_ns : s->time_ns;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_t *v = json_object_get(line, names[i]);
		if (v != NULL && json_object_set(kept, names[i], v) != 0)
			return err_nomem(err);
	}
	return json_object_set(phase, "progress", kept) == 0 ? ERR_OK : err_nomem(err);
}

static enum err_code
end_phase(struct sum *s, int64_t time_ns, struct err *err)
{
	json_t *phase = last_of(s->phases);
	if (put_progress(s, err))
		return err->code;
	if (phase == NULL)
		return ERR_OK;
	return set_new(phase, "end_ns", json_integer(time_ns), err);
}

static enum err_code
add_phase(struct sum *s, const json_t *line, int64_t time_ns, struct err *err)
{
	const char *text = json_get_str(line, "text");
	if (end_phase(s, time_ns, err))
		return err->code;
	if (json_array_size(s->phases) >= PHASES_MAX && json_array_remove(s->phases, 0) != 0)
		return err_nomem(err);
	json_t *phase = json_pack(
	    "{s:s, s:I}", "text", text != NULL ? text : "", "begin_ns", (json_int_t)time_ns);
	return json_array_append_new(s->phases, phase) == 0 ? ERR_OK : err_nomem(err);
}

static json_t *
open_window(const json_t *quiet, const char *service)
{
	for (size_t i = json_array_size(quiet); i-- > 0;) {
		json_t *q = json_array_get(quiet, i);
		if (strcmp(json_get_str(q, "service"), service) == 0)
			return json_object_get(q, "end_ns") == NULL ? q : NULL;
	}
	return NULL;
}

/* "paused", "stopped", "runs again after 123 ms": as it was measured, which is before it was
 * said. */
static enum err_code
add_service(struct sum *s, const json_t *line, int64_t said_ns, struct err *err)
{
	const int64_t time_ns = json_get_int(line, "at_ns", said_ns);
	const char *service = json_get_str(line, "subject");
	const char *text = json_get_str(line, "text");
	if (service == NULL || text == NULL)
		return ERR_OK;
	json_t *window = open_window(s->quiet, service);
	bool begins = str_starts(text, "paused") || str_starts(text, "stopped");
	if (begins && window == NULL && json_array_size(s->quiet) < PHASES_MAX) {
		window = json_pack(
		    "{s:s, s:I}", "service", service, "begin_ns", (json_int_t)time_ns);
		return json_array_append_new(s->quiet, window) == 0 ? ERR_OK : err_nomem(err);
	}
	if (str_starts(text, "runs") && window != NULL)
		return set_new(window, "end_ns", json_integer(time_ns), err);
	return ERR_OK;
}

static enum err_code
add_to_sum(void *arg, const char *line, size_t len, uint64_t next, struct err *err)
{
	static const char progress[] = "{\"type\":\"progress\"";
	struct sum *s = arg;
	AUTO(json) json_t *j = NULL;
	(void)next;
	if (len > sizeof progress && memcmp(line, progress, sizeof progress - 1) == 0) {
		s->progress.len = 0;
		return buf_add(&s->progress, line, len, err);
	}
	if (!run_log_parse_event(&j, line, len))
		return ERR_OK;
	const char *type = json_get_str(j, "type");
	int64_t time_ns = json_get_int(j, "time_ns", 0);
	s->time_ns = time_ns > s->time_ns ? time_ns : s->time_ns;
	s->warnings += strcmp(type, "warning") == 0;
	s->problems += strcmp(type, "problem") == 0;
	if (strcmp(type, "phase") == 0)
		return add_phase(s, j, time_ns, err);
	return strcmp(type, "service") == 0 ? add_service(s, j, time_ns, err) : ERR_OK;
}

enum err_code
run_log_sum(json_t **out, const char *path, struct err *err)
{
	AUTO(json) json_t *phases = json_array();
	AUTO(json) json_t *quiet = json_array();
	struct sum s = { .phases = phases, .quiet = quiet, .progress = BUF_INIT };
	uint64_t offset = 0;
	AUTO(fd) int fd = -1;
	if (phases == NULL || quiet == NULL)
		return err_nomem(err);
	if (open_log(&fd, path, err))
		return err->code;
	enum err_code rc = run_log_read(fd, &offset, UINT64_MAX, add_to_sum, &s, err);
	if (rc == ERR_OK)
		rc = put_progress(&s, err);
	buf_release(&s.progress);
	if (rc != ERR_OK)
		return rc;
	*out = json_pack("{s:O, s:O, s:I, s:I, s:I}", "phases", phases, "quiet", quiet,
	    "warnings", (json_int_t)s.warnings, "problems", (json_int_t)s.problems, "events",
	    (json_int_t)offset);
	return *out == NULL ? err_nomem(err) : ERR_OK;
}

/* --- the result --- */

/* The end of the file, as far as a result may be long. */
static enum err_code
read_end(struct buf *out, const char *path, struct err *err)
{
	struct stat st;
	AUTO(fd) int fd = -1;
	if (open_log(&fd, path, err))
		return err->code;
	if (fstat(fd, &st) != 0)
		return err_sys(err, "%s", path);
	size_t len = min_size((size_t)st.st_size, RESULT_MAX);
	if (buf_reserve(out, len + 1, err))
		return err->code;
	return fd_pread_full(fd, out->data, len, (uint64_t)st.st_size - len, &out->len, err);
}

enum err_code
run_log_result(json_t **out, const char *path, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(json) json_t *j = NULL;
	struct err why;
	*out = NULL;
	if (read_end(&text, path, err))
		return err->code;
	if (text.len == 0 || text.data[text.len - 1] != '\n')
		return ERR_OK;
	text.len--;
	const uint8_t *before = text.len > 0 ? memrchr(text.data, '\n', text.len) : NULL;
	const uint8_t *line = before != NULL ? before + 1 : text.data;
	size_t len = (size_t)(text.data + text.len - line);
	if (json_parse(&j, line, len, "result", &why))
		return ERR_OK;
	const char *type = json_get_str(j, "type");
	if (type != NULL && strcmp(type, "result") == 0)
		*out = TAKE(j);
	return ERR_OK;
}

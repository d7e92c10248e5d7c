#include "serve/web_download.h"

#include "serve/web_reply.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define BLOCK (32 << 10)

struct download {
	struct pump *pump;
	struct MHD_Connection *con;
	int fd;
	int64_t left; /* negative: until the end */

	/* Below: under the pump's lock. */
	struct download *next;
	struct download **here;
	int64_t deadline_ns;
	bool is_waiting;
	bool is_watched;
	bool is_over;
};

struct pump {
	int epoll;
	int bell; /* ends a turn */
	pthread_mutex_t lock;
	struct download *downloads;
	bool is_closed;
};

enum err_code
pump_new(struct pump **out, struct err *err)
{
	struct pump *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	pthread_mutex_init(&p->lock, NULL);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };
	p->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->bell < 0 || p->epoll < 0 ||
	    epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->bell, &e) != 0) {
		err_sys(err, "watch downloads");
		pump_free(p);
		return err->code;
	}
	*out = p;
	return ERR_OK;
}

void
pump_free(struct pump *p)
{
	if (p == NULL)
		return;
	if (p->epoll >= 0)
		close(p->epoll);
	if (p->bell >= 0)
		close(p->bell);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* --- waiting --- */

static void
go_on(struct download *d)
{
	if (!d->is_waiting)
		return;
	d->is_waiting = false;
	MHD_resume_connection(d->con);
}

/* The pipe is empty: false when nothing will come, or nobody can wait for it. */
static bool
wait_for_data(struct download *d)
{
	struct pump *p = d->pump;
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT, .data.ptr = d };
	pthread_mutex_lock(&p->lock);
	bool is_fine = !p->is_closed && !d->is_over;
	if (is_fine) {
		d->is_waiting = true;
		d->deadline_ns = clock_mono_ns() + DOWNLOAD_WAIT_NS;
		MHD_suspend_connection(d->con);
		is_fine = epoll_ctl(p->epoll, d->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
			      d->fd, &e) == 0;
		d->is_watched = d->is_watched || is_fine;
		if (!is_fine)
			go_on(d);
	}
	d->is_over = !is_fine;
	pthread_mutex_unlock(&p->lock);
	return is_fine;
}

void
pump_turn(struct pump *p, int timeout_ms)
{
	struct epoll_event events[32];
	int n = epoll_wait(p->epoll, events, ARRAY_LEN(events), timeout_ms);
	const int64_t now_ns = clock_mono_ns();
	pthread_mutex_lock(&p->lock);
	/* Nothing that waits is freed before it goes on, which happens here only. */
	for (int i = 0; i < n; i++)
		if (events[i].data.ptr != NULL)
			go_on(events[i].data.ptr);
	for (struct download *d = p->downloads; d != NULL; d = d->next)
		if (d->is_waiting && d->deadline_ns < now_ns) {
			d->is_over = true;
			go_on(d);
		}
	pthread_mutex_unlock(&p->lock);
}

void
pump_ring(struct pump *p)
{
	/* It fails only when it rings already. */
	(void)eventfd_write(p->bell, 1);
}

void
pump_close(struct pump *p)
{
	pthread_mutex_lock(&p->lock);
	p->is_closed = true;
	for (struct download *d = p->downloads; d != NULL; d = d->next) {
		d->is_over = true;
		go_on(d);
	}
	pthread_mutex_unlock(&p->lock);
}

/* --- reading --- */

static bool
is_over(struct download *d)
{
	pthread_mutex_lock(&d->pump->lock);
	bool over = d->is_over;
	pthread_mutex_unlock(&d->pump->lock);
	return over;
}

static ssize_t
read_block(void *arg, uint64_t pos, char *out, size_t room)
{
	struct download *d = arg;
	(void)pos;
	if (is_over(d))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	ssize_t n;
	do
		n = read(d->fd, out, room);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return wait_for_data(d) ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
	if (n < 0 || (n == 0 && d->left > 0))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (d->left >= 0)
		d->left -= n;
	return n;
}

static void
download_free(void *arg)
{
	struct download *d = arg;
	pthread_mutex_lock(&d->pump->lock);
	*d->here = d->next;
	if (d->next != NULL)
		d->next->here = d->here;
	pthread_mutex_unlock(&d->pump->lock);
	close(d->fd);
	free(d);
}

static void
enlist(struct pump *p, struct download *d)
{
	pthread_mutex_lock(&p->lock);
	d->next = p->downloads;
	d->here = &p->downloads;
	if (d->next != NULL)
		d->next->here = &d->next;
	p->downloads = d;
	pthread_mutex_unlock(&p->lock);
}

/* A type that is none would be guessed at. */
static const char *
known_type(const json_t *what)
{
	const char *type = json_get_str(what, "type");
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789!#$&^_.+-/; =";
	if (type == NULL || strlen(type) > 100 || strspn(type, allowed) != strlen(type))
		return "application/octet-stream";
	return type;
}

struct MHD_Response *
download_response(struct pump *p, struct MHD_Connection *con, int fd, const json_t *what)
{
	struct err err = ERR_INIT;
	AUTO(fd) int mine = fd;
	const int64_t bytes = json_get_int(what, "bytes", -1);
	struct download *d = calloc(1, sizeof *d);
	if (d == NULL || fd_set_nonblocking(mine, &err)) {
		free(d);
		return NULL;
	}
	*d = (struct download){ .pump = p, .con = con, .fd = fd_take(&mine), .left = bytes };
	enlist(p, d);
	AUTO(response) struct MHD_Response *r =
	    MHD_create_response_from_callback(bytes >= 0 ? (uint64_t)bytes : MHD_SIZE_UNKNOWN,
		BLOCK, read_block, d, download_free);
	if (r == NULL) {
		download_free(d);
		return NULL;
	}
	const char *name = json_get_str(what, "name");
	char disposition[DISPOSITION_MAX];
	download_disposition(disposition, name != NULL ? name : "download");
	if (!reply_api_headers(r, known_type(what)) ||
	    MHD_add_response_header(r, "Content-Disposition", disposition) != MHD_YES)
		return NULL;
	return TAKE(r);
}

/* --- names of downloads --- */

static bool
is_plain(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '_' || c == '.';
}

/* Text that runs the other way round, or is not seen, can make "exe.txt" of "txt.exe". */
static bool
is_deceiving(const unsigned char *p, size_t left)
{
	if (left < 3 || p[0] != 0xe2)
		return false;
	return (p[1] == 0x80 &&
		   ((p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae))) ||
	       (p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf);
}

static bool
is_separator(unsigned char c)
{
	return c < 0x20 || c == 0x7f || strchr("/\\:*?\"<>|", c) != NULL;
}

/* The last part of a path, with "_" for what a name must not have; no dot in front. */
static size_t
harmless(char *out, size_t room, const char *name)
{
	const char *slash = strrchr(name, '/');
	const unsigned char *p = (const unsigned char *)(slash != NULL ? slash + 1 : name);
	size_t left = strlen((const char *)p);
	size_t n = 0;
	for (size_t step; left > 0; p += step, left -= step) {
		step = 1;
		while (step < left && step < 4 && (p[step] & 0xc0) == 0x80)
			step++;
		const bool is_bad = is_separator(p[0]) || is_deceiving(p, left) ||
				    !str_is_utf8((const char *)p, step) ||
				    (n == 0 && p[0] == '.');
		if (n + step >= room)
			break;
		if (is_bad) {
			out[n++] = '_';
		} else {
			memcpy(out + n, p, step);
			n += step;
		}
	}
	if (n == 0)
		out[n++] = '_';
	out[n] = '\0';
	return n;
}

void
download_disposition(char out[DISPOSITION_MAX], const char *name)
{
	char clean[256];
	char plain[256];
	char escaped[3 * sizeof clean];
	size_t len = harmless(clean, 241, name);
	size_t e = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)clean[i];
		plain[i] = is_plain(c) || c == ' ' ? (char)c : '_';
		if (is_plain(c))
			escaped[e++] = (char)c;
		else
			e += (size_t)snprintf(escaped + e, sizeof escaped - e, "%%%02X", c);
	}
	plain[len] = escaped[e] = '\0';
	snprintf(out, DISPOSITION_MAX, "attachment; filename=\"%s\"; filename*=UTF-8''%s",
	    plain, escaped);
}

/*
 * Threads of our own read the session's descriptor, which does not block, and
 * watch the cancel beside it.  So a signal ends them between two requests, and
 * all is quiet when the folder is unmounted.
 */
#include "mount/fuse_session.h"

#include "mount/fuse_ops.h"
#include "sys/fd.h"
#include "sys/thread.h"

#include <errno.h>
#include <poll.h>

#define THREADS_MIN 4
#define THREADS_MAX 16

/* What libfuse said last: the reason of a failure that it returns as -1. */
static char last_said[400];

static void keep_message(enum fuse_log_level level, const char *fmt, va_list args)
    PRINTF_LIKE(2, 0);

static void
keep_message(enum fuse_log_level level, const char *fmt, va_list args)
{
	(void)level;
	vsnprintf(last_said, sizeof last_said, fmt, args);
	last_said[strcspn(last_said, "\n")] = '\0';
}

struct server {
	struct fuse_session *session;
	int fd;
	const struct cancel *cancel;
};

/* One request, when there is one.  False when it is over. */
static bool
serve_one(const struct server *s, struct fuse_buf *buf)
{
	struct pollfd fds[2] = { { .fd = s->fd, .events = POLLIN },
		{ .fd = cancel_fd(s->cancel), .events = POLLIN } };
	if (poll(fds, 2, -1) < 0)
		return errno == EINTR;
	if (cancel_is_raised(s->cancel))
		return false;
	int got = fuse_session_receive_buf(s->session, buf);
	if (got == -EINTR || got == -EAGAIN)
		return true;
	if (got <= 0)
		return false;
	fuse_session_process_buf(s->session, buf);
	return !fuse_session_exited(s->session);
}

static void
serve(void *ctx, size_t i)
{
	(void)i;
	const struct server *s = ctx;
	struct fuse_buf buf = { .mem = NULL };
	while (serve_one(s, &buf))
		;
	free(buf.mem);
}

static enum err_code
serve_all(struct fuse_session *session, const struct cancel *cancel, struct err *err)
{
	struct server s = { session, fuse_session_fd(session), cancel };
	if (fd_set_nonblocking(s.fd, err))
		return err->code;
	size_t threads = 2 * (size_t)thread_cpus();
	threads = max_size(THREADS_MIN, min_size(THREADS_MAX, threads));
	thread_each(threads, threads, serve, &s);
	return ERR_OK;
}

static enum err_code
mount_failed(const char *place, struct err *err)
{
	return err_set(err, ERR_IO, "mount on %s: %s", place,
	    last_said[0] != '\0' ? last_said : "FUSE refused, see above");
}

enum err_code
fuse_session_serve(struct view *v, const struct mount_options *opt, mounted_fn *mounted,
    void *arg, struct err *err)
{
	char name[] = "stacksnap-mount";
	char dash_o[] = "-o";
	char plain[] = "ro,nosuid,nodev,fsname=stacksnap,subtype=stacksnap";
	char shared[] = "ro,nosuid,nodev,fsname=stacksnap,subtype=stacksnap,allow_other,"
			"default_permissions";
	char *argv[] = { name, dash_o, opt->allow_other ? shared : plain, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	last_said[0] = '\0';
	fuse_set_log_func(keep_message);
	struct fuse_session *session = fuse_session_new(&args, &view_ops, sizeof view_ops, v);
	fuse_opt_free_args(&args);
	if (session == NULL)
		return mount_failed(opt->place, err);
	if (fuse_session_mount(session, opt->place) != 0) {
		fuse_session_destroy(session);
		return mount_failed(opt->place, err);
	}
	mounted(arg);
	enum err_code rc = serve_all(session, opt->cancel, err);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
	return rc;
}

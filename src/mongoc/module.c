/*
 * stacksnap-mongodb.so: commands to a MongoDB server through libmongoc, over a
 * socket that somebody else connected (db/mongo_module.h).
 *
 * libmongoc is told to talk to "localhost"; our stream goes where the socket goes.
 * It is one of our own, since libmongoc cannot take over a descriptor: it waits
 * for the server and for the user's Ctrl-C at once.
 *
 * Compiles with libmongoc 1.23 (Debian 12), 1.30 (Debian 13) and 2.x.
 */
#include "db/mongo_module.h"

#include <errno.h>
#include <mongoc/mongoc.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define STREAM_TYPE 0x5353 /* none of libmongoc's own */

struct client {
	struct mongo_module_options opt;
	mongoc_client_t *mongoc;
	mongoc_client_session_t *session;
	bson_t answer;
	bool has_answer;
	bool was_cancelled;
};

struct stream {
	mongoc_stream_t base;
	struct client *client;
	int fd;
	bool timed_out;
};

/* --- the stream --- */

/* Until fd can be read or written: false with errno set when it will not be. */
static bool
wait_for(struct stream *s, short events)
{
	const struct mongo_module_options *opt = &s->client->opt;
	struct pollfd fds[2] = { { s->fd, events, 0 }, { opt->cancel_fd, POLLIN, 0 } };
	int n;
	do {
		n = poll(fds, 2, opt->patience_ms > 0 ? opt->patience_ms : -1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	if (fds[1].revents != 0) {
		s->client->was_cancelled = true;
		errno = ECANCELED;
		return false;
	}
	s->timed_out = n == 0;
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0;
}

static ssize_t
transfer(struct stream *s, mongoc_iovec_t *iov, bool is_write)
{
	ssize_t n;
	do {
		if (!wait_for(s, is_write ? POLLOUT : POLLIN))
			return -1;
		n = is_write
			? send(s->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT)
			: recv(s->fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n;
}

static void
advance(mongoc_iovec_t *iov, size_t n)
{
	iov->iov_base = (char *)iov->iov_base + n;
	iov->iov_len -= n;
}

static ssize_t
stream_writev(mongoc_stream_t *base, mongoc_iovec_t *iov, size_t count, int32_t timeout)
{
	ssize_t total = 0;
	(void)timeout;
	for (size_t i = 0; i < count; i++) {
		mongoc_iovec_t left = iov[i];
		while (left.iov_len > 0) {
			ssize_t n = transfer((struct stream *)base, &left, true);
			if (n < 0)
				return -1;
			advance(&left, (size_t)n);
			total += n;
		}
	}
	return total;
}

static ssize_t
stream_readv(
    mongoc_stream_t *base, mongoc_iovec_t *iov, size_t count, size_t min, int32_t timeout)
{
	size_t total = 0;
	(void)timeout;
	for (size_t i = 0; i < count; i++) {
		mongoc_iovec_t left = iov[i];
		while (left.iov_len > 0) {
			ssize_t n = transfer((struct stream *)base, &left, false);
			if (n < 0)
				return -1;
			if (n == 0)
				return total >= min ? (ssize_t)total : -1;
			advance(&left, (size_t)n);
			total += (size_t)n;
			if (total >= min)
				return (ssize_t)total;
		}
	}
	return (ssize_t)total;
}

static ssize_t
stream_poll(mongoc_stream_poll_t *streams, size_t count, int32_t timeout)
{
	/* One server, so one stream; libmongoc asks for no more. */
	struct stream *s = (struct stream *)streams[0].stream;
	struct pollfd fds[2] = { { s->fd, (short)streams[0].events, 0 },
		{ s->client->opt.cancel_fd, POLLIN, 0 } };
	if (count != 1) {
		errno = EINVAL;
		return -1;
	}
	int n = poll(fds, 2, timeout);
	if (n > 0 && fds[1].revents != 0) {
		s->client->was_cancelled = true;
		errno = ECANCELED;
		return -1;
	}
	streams[0].revents = fds[0].revents;
	return n;
}

static int
stream_close(mongoc_stream_t *base)
{
	struct stream *s = (struct stream *)base;
	int rc = s->fd >= 0 ? close(s->fd) : 0;
	s->fd = -1;
	return rc;
}

static void
stream_destroy(mongoc_stream_t *base)
{
	stream_close(base);
	bson_free(base);
}

static int
stream_flush(mongoc_stream_t *base)
{
	(void)base;
	return 0;
}

static int
stream_setsockopt(mongoc_stream_t *base, int level, int name, void *value, mongoc_socklen_t len)
{
	return setsockopt(((struct stream *)base)->fd, level, name, value, len);
}

static bool
stream_check_closed(mongoc_stream_t *base)
{
	char byte;
	ssize_t n = recv(((struct stream *)base)->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static bool
stream_timed_out(mongoc_stream_t *base)
{
	return ((struct stream *)base)->timed_out;
}

static bool
stream_should_retry(mongoc_stream_t *base)
{
	(void)base;
	return false;
}

static mongoc_stream_t *
initiate(
    const mongoc_uri_t *uri, const mongoc_host_list_t *host, void *arg, bson_error_t *error)
{
	struct client *c = arg;
	(void)uri;
	(void)host;
	int fd = c->opt.dial(c->opt.arg);
	if (fd < 0) {
		bson_set_error(
		    error, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_CONNECT, "no connection");
		return NULL;
	}
	struct stream *s = bson_malloc0(sizeof *s);
	s->base.type = STREAM_TYPE;
	s->base.destroy = stream_destroy;
	s->base.failed = stream_destroy;
	s->base.close = stream_close;
	s->base.flush = stream_flush;
	s->base.writev = stream_writev;
	s->base.readv = stream_readv;
	s->base.setsockopt = stream_setsockopt;
	s->base.check_closed = stream_check_closed;
	s->base.poll = stream_poll;
	s->base.timed_out = stream_timed_out;
	s->base.should_retry = stream_should_retry;
	s->client = c;
	s->fd = fd;
	return &s->base;
}

/* --- the client --- */

static void
prepare_library(void)
{
	mongoc_init();
	/* What it would print is in its errors, too. */
	mongoc_log_set_handler(NULL, NULL);
}

static void
client_close(void *arg)
{
	struct client *c = arg;
	if (c == NULL)
		return;
	if (c->has_answer)
		bson_destroy(&c->answer);
	if (c->session != NULL)
		mongoc_client_session_destroy(c->session);
	if (c->mongoc != NULL)
		mongoc_client_destroy(c->mongoc);
	free(c);
}

static mongoc_uri_t *
make_uri(const struct mongo_module_options *opt)
{
	mongoc_uri_t *uri =
	    mongoc_uri_new("mongodb://localhost/?directConnection=true&appname=stacksnap"
			   "&retryReads=false&retryWrites=false");
	bool is_good = uri != NULL;
	if (is_good && opt->user != NULL)
		is_good = mongoc_uri_set_username(uri, opt->user) &&
			  mongoc_uri_set_password(uri, opt->password) &&
			  mongoc_uri_set_auth_source(uri, opt->source);
	if (!is_good && uri != NULL) {
		mongoc_uri_destroy(uri);
		uri = NULL;
	}
	return uri;
}

static void *
client_open(const struct mongo_module_options *opt)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, prepare_library);
	struct client *c = calloc(1, sizeof *c);
	mongoc_uri_t *uri = make_uri(opt);
	if (c != NULL && uri != NULL) {
		c->opt = *opt;
		/* They are libmongoc's now. */
		c->opt.user = c->opt.password = c->opt.source = NULL;
		c->mongoc = mongoc_client_new_from_uri(uri);
	}
	if (uri != NULL)
		mongoc_uri_destroy(uri);
	if (c == NULL || c->mongoc == NULL) {
		client_close(c);
		return NULL;
	}
	mongoc_client_set_error_api(c->mongoc, MONGOC_ERROR_API_VERSION_2);
	mongoc_client_set_stream_initiator(c->mongoc, initiate, c);
	return c;
}

/* A session, so that all reads see one moment; it forgets the order of writes. */
static bool
add_session(struct client *c, bson_t *opts, bson_error_t *error)
{
	if (c->session == NULL) {
		mongoc_session_opt_t *so = mongoc_session_opts_new();
		mongoc_session_opts_set_causal_consistency(so, false);
		c->session = mongoc_client_start_session(c->mongoc, so, error);
		mongoc_session_opts_destroy(so);
	}
	return c->session != NULL && mongoc_client_session_append(c->session, opts, error);
}

static enum mongo_outcome
judge(const struct client *c, const bson_error_t *error)
{
	if (c->was_cancelled)
		return MONGO_CANCELLED;
	if (error->domain == MONGOC_ERROR_SERVER)
		return MONGO_REFUSED;
	if (error->domain == MONGOC_ERROR_CLIENT &&
	    error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE)
		return MONGO_NO_LOGIN;
	return MONGO_GONE;
}

static enum mongo_outcome
client_command(void *arg, const char *database, const uint8_t *command, size_t len,
    bool in_session, const uint8_t **answer, size_t *answer_len, struct mongo_said *said)
{
	struct client *c = arg;
	bson_t cmd;
	bson_t opts = BSON_INITIALIZER;
	bson_error_t error = { 0 };
	if (c->has_answer)
		bson_destroy(&c->answer);
	bson_init(&c->answer);
	c->has_answer = true;
	c->was_cancelled = false;
	bool done = bson_init_static(&cmd, command, len);
	if (!done)
		bson_set_error(&error, MONGOC_ERROR_COMMAND, MONGOC_ERROR_COMMAND_INVALID_ARG,
		    "the command is no BSON");
	if (done && in_session)
		done = add_session(c, &opts, &error);
	if (done) {
		bson_destroy(&c->answer);
		/* This makes the answer anew, also when it fails. */
		done = mongoc_client_command_with_opts(
		    c->mongoc, database, &cmd, NULL, &opts, &c->answer, &error);
	}
	bson_destroy(&opts);
	if (!done) {
		said->code = (int)error.code;
		snprintf(said->text, sizeof said->text, "%.*s", (int)sizeof said->text - 1,
		    error.message);
		return judge(c, &error);
	}
	*answer = bson_get_data(&c->answer);
	*answer_len = c->answer.len;
	return MONGO_DONE;
}

extern const struct mongo_module stacksnap_mongodb;
__attribute__((visibility("default"))) const struct mongo_module stacksnap_mongodb = {
	.abi = MONGO_MODULE_ABI,
	.version = MONGOC_VERSION_S,
	.open = client_open,
	.command = client_command,
	.close = client_close,
};

#include "net/tls.h"

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/thread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* One TLS record holds at most 16 KiB. */
#define PIPE_SIZE ((size_t)64 << 10)
/* So long a server may take to say what it thinks of our certificate. */
#define VERDICT_MS 1000

AUTO_FREE(ssl_ctx, SSL_CTX *, SSL_CTX_free)
AUTO_FREE(ssl, SSL *, SSL_free)

/* The first thing that OpenSSL has to say, or a word for nothing. */
static const char *
ssl_reason(void)
{
	unsigned long e = ERR_peek_error();
	const char *text = e != 0 ? ERR_reason_error_string(e) : NULL;
	if (ERR_SYSTEM_ERROR(e))
		text = strerror(ERR_GET_REASON(e));
	return text != NULL ? text : "the connection was closed";
}

static enum err_code
use_own(SSL_CTX *ctx, const struct tls_options *opt, struct err *err)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, opt->cert_file) != 1)
		return err_set(err, ERR_USAGE, "certificate %s cannot be used: %s",
		    opt->cert_file, ssl_reason());
	if (SSL_CTX_use_PrivateKey_file(ctx, opt->key_file, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return err_set(err, ERR_USAGE, "key %s cannot be used with certificate %s: %s",
		    opt->key_file, opt->cert_file, ssl_reason());
	return ERR_OK;
}

/* A key with a passphrase is an error, not a question on the terminal. */
static int
no_passphrase(char *buf, int size, int for_writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)for_writing;
	(void)arg;
	return 0;
}

static enum err_code
make_context(SSL_CTX **out, const struct tls_options *opt, struct err *err)
{
	AUTO(ssl_ctx) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		return err_nomem(err);
	SSL_CTX_set_mode(
	    ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (opt->ca_file != NULL && SSL_CTX_load_verify_file(ctx, opt->ca_file) != 1)
		return err_set(err, ERR_USAGE, "authorities %s cannot be used: %s",
		    opt->ca_file, ssl_reason());
	if (opt->ca_file == NULL && SSL_CTX_set_default_verify_paths(ctx) != 1)
		return err_set(
		    err, ERR_IO, "the system's authorities cannot be read: %s", ssl_reason());
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	SSL_CTX_set_verify(ctx, opt->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (opt->cert_file != NULL && use_own(ctx, opt, err))
		return err->code;
	*out = TAKE(ctx);
	return ERR_OK;
}

static bool
is_address(const char *host)
{
	unsigned char a[sizeof(struct in6_addr)];
	return inet_pton(AF_INET, host, a) == 1 || inet_pton(AF_INET6, host, a) == 1;
}

/* What the macro SSL_set_tlsext_host_name does, which takes the const away. */
static int
set_server_name(SSL *ssl, const char *host)
{
	char name[TLSEXT_MAXLEN_host_name + 1];
	if (strlen(host) >= sizeof name)
		return 0;
	memcpy(name, host, strlen(host) + 1);
	return (int)SSL_ctrl(
	    ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name);
}

static enum err_code
make_session(SSL **out, SSL_CTX *ctx, int fd, const struct tls_options *opt, struct err *err)
{
	AUTO(ssl) SSL *ssl = SSL_new(ctx);
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
		return err_nomem(err);
	bool is_number = is_address(opt->host);
	int ok = is_number || set_server_name(ssl, opt->host);
	if (ok == 1 && !opt->any_name)
		ok = is_number ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), opt->host)
			       : SSL_set1_host(ssl, opt->host);
	if (ok != 1)
		return err_set(err, ERR_USAGE, "'%s' is no name of a host", opt->host);
	*out = TAKE(ssl);
	return ERR_OK;
}

static short
wanted_events(const SSL *ssl, int result)
{
	switch (SSL_get_error(ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	default:
		return 0;
	}
}

static enum tls_trouble
trouble_of(long verdict)
{
	switch (verdict) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_TROUBLE_NAME;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return TLS_TROUBLE_AUTHORITY;
	default:
		return TLS_TROUBLE_OTHER;
	}
}

static void
note_trouble(const struct tls_options *opt, enum tls_trouble what)
{
	if (opt->trouble != NULL)
		*opt->trouble = what;
}

static enum err_code
handshake_failed(SSL *ssl, const struct tls_options *opt, struct err *err)
{
	long verdict = SSL_get_verify_result(ssl);
	note_trouble(opt, trouble_of(verdict));
	if (verdict != X509_V_OK)
		return err_set(err, ERR_DENIED,
		    "TLS: the certificate of %s is not accepted: %s", opt->host,
		    X509_verify_cert_error_string(verdict));
	return err_set(err, ERR_DENIED, "TLS with %s failed: %s", opt->host, ssl_reason());
}

/* Called when the server asks for our certificate. */
static int
note_asked(SSL *ssl, void *arg)
{
	bool *was_asked = arg;
	(void)ssl;
	*was_asked = true;
	return 1;
}

/*
 * In TLS 1.3 our part is done before the server has seen our certificate, or that there is
 * none: what it says of it comes next, or tickets for later sessions when it is content.
 */
static enum err_code
await_verdict(SSL *ssl, int fd, const struct tls_options *opt, struct err *err)
{
	char byte;
	struct pollfd pfd = { fd, POLLIN, 0 };
	if (SSL_version(ssl) < TLS1_3_VERSION || poll(&pfd, 1, VERDICT_MS) <= 0)
		return ERR_OK;
	ERR_clear_error();
	int n = SSL_peek(ssl, &byte, 1);
	if (n > 0 || wanted_events(ssl, n) != 0)
		return ERR_OK;
	note_trouble(opt, TLS_TROUBLE_OURS);
	return err_set(err, ERR_DENIED, "TLS: %s does not accept us, %s a certificate: %s",
	    opt->host, opt->cert_file != NULL ? "with" : "without", ssl_reason());
}

static enum err_code
handshake(SSL *ssl, int fd, const struct tls_options *opt, struct err *err)
{
	int64_t deadline = clock_mono_ns() + opt->timeout_ms * NS_PER_MS;
	for (;;) {
		ERR_clear_error();
		int result = SSL_connect(ssl);
		if (result == 1)
			return ERR_OK;
		short events = wanted_events(ssl, result);
		if (events == 0)
			return handshake_failed(ssl, opt, err);
		int64_t left_ms = (deadline - clock_mono_ns()) / NS_PER_MS;
		struct pollfd pfd[2] = { { fd, events, 0 },
			{ cancel_fd(opt->cancel), POLLIN, 0 } };
		int n = left_ms > 0 ? poll(pfd, 2, (int)left_ms) : 0;
		if (cancel_check(opt->cancel, err))
			return err->code;
		if (n == 0)
			return err_set(err, ERR_CANCELLED,
			    "TLS with %s: no answer within %d ms", opt->host, opt->timeout_ms);
	}
}

/* --- carrying bytes --- */

/* One direction: what was taken from one side and not yet given to the other. */
struct pipe_half {
	uint8_t data[PIPE_SIZE];
	size_t start;
	size_t end;
	bool at_end; /* the giver has no more */
	bool is_shut; /* and the taker knows */
};

struct relay {
	SSL_CTX *ctx;
	SSL *ssl;
	int net;
	int plain;
	struct pipe_half up; /* plain to TLS */
	struct pipe_half down;
	short net_events; /* what the next poll waits for */
	short plain_events;
	bool has_moved; /* since the last poll something went on: try again first */
	bool is_left; /* the caller has closed its end, not just shut it for writing */
};

static void
relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	SSL_free(r->ssl);
	SSL_CTX_free(r->ctx);
	if (r->net >= 0)
		close(r->net);
	if (r->plain >= 0)
		close(r->plain);
	free(r);
}

static bool
is_empty(const struct pipe_half *h)
{
	return h->start == h->end;
}

static void
take(struct relay *r, struct pipe_half *h, size_t n)
{
	h->start = 0;
	h->end = n;
	h->at_end = n == 0;
	r->has_moved = true;
}

static void
give(struct relay *r, struct pipe_half *h, size_t n)
{
	h->start += n;
	r->has_moved = true;
}

/* Each of these moves what it can and notes what to wait for; false when the other side is of
 * no more use. */

static void
take_from_net(struct relay *r)
{
	struct pipe_half *h = &r->down;
	if (!is_empty(h) || h->at_end)
		return;
	ERR_clear_error();
	int n = SSL_read(r->ssl, h->data, (int)sizeof h->data);
	short events = n > 0 ? 0 : wanted_events(r->ssl, n);
	r->net_events = (short)(r->net_events | events);
	if (events == 0)
		take(r, h, n > 0 ? (size_t)n : 0);
}

static bool
give_to_plain(struct relay *r)
{
	struct pipe_half *h = &r->down;
	while (!is_empty(h)) {
		ssize_t n = send(r->plain, h->data + h->start, h->end - h->start, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			r->plain_events = (short)(r->plain_events | POLLOUT);
			return true;
		}
		if (n < 0)
			return false;
		give(r, h, (size_t)n);
	}
	if (h->at_end && !h->is_shut) {
		h->is_shut = true;
		return shutdown(r->plain, SHUT_WR) == 0;
	}
	return true;
}

static bool
take_from_plain(struct relay *r)
{
	struct pipe_half *h = &r->up;
	if (!is_empty(h) || h->at_end)
		return true;
	ssize_t n = recv(r->plain, h->data, sizeof h->data, 0);
	if (n >= 0)
		take(r, h, (size_t)n);
	else if (errno == EAGAIN || errno == EINTR)
		r->plain_events = (short)(r->plain_events | POLLIN);
	else
		return false;
	return true;
}

static bool
give_to_net(struct relay *r)
{
	struct pipe_half *h = &r->up;
	while (!is_empty(h)) {
		ERR_clear_error();
		int n = SSL_write(r->ssl, h->data + h->start, (int)(h->end - h->start));
		if (n <= 0) {
			short events = wanted_events(r->ssl, n);
			r->net_events = (short)(r->net_events | events);
			return events != 0;
		}
		give(r, h, (size_t)n);
	}
	if (h->at_end && !h->is_shut) {
		ERR_clear_error();
		int n = SSL_shutdown(r->ssl);
		short events = n < 0 ? wanted_events(r->ssl, n) : 0;
		r->net_events = (short)(r->net_events | events);
		h->is_shut = events == 0;
	}
	return true;
}

/* Everything that the caller wrote is on its way. */
static bool
is_up_done(const struct relay *r)
{
	return r->up.at_end && is_empty(&r->up) && r->up.is_shut;
}

static bool
relay_step(struct relay *r)
{
	r->net_events = 0;
	r->plain_events = 0;
	r->has_moved = false;
	take_from_net(r);
	return give_to_plain(r) && take_from_plain(r) && give_to_net(r) &&
	       !(is_up_done(r) && (r->down.is_shut || r->is_left));
}

static bool
relay_wait(struct relay *r)
{
	/* A side that is waited for nothing is not watched: its hang-up would be told at once,
	 * again and again. */
	struct pollfd pfd[2] = { { r->net_events != 0 ? r->net : -1, r->net_events, 0 },
		{ r->is_left ? -1 : r->plain, r->plain_events, 0 } };
	if (poll(pfd, 2, -1) < 0)
		return errno == EINTR;
	if ((pfd[1].revents & (POLLHUP | POLLERR)) != 0)
		r->is_left = true;
	return true;
}

static void *
relay_main(void *arg)
{
	struct relay *r = arg;
	while (relay_step(r) && (r->has_moved || relay_wait(r)))
		;
	relay_free(r);
	return NULL;
}

static enum err_code
relay_start(struct relay *r, int *fd, struct err *err)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(err, "create socket pair");
	r->plain = pair[0];
	AUTO(fd) int mine = pair[1];
	pthread_t t;
	if (fd_set_nonblocking(r->plain, err) || thread_start(&t, relay_main, r, "tls", err))
		return err->code;
	pthread_detach(t);
	*fd = fd_take(&mine);
	return ERR_OK;
}

enum err_code
tls_connect(int *fd, int net_fd, const struct tls_options *opt, struct err *err)
{
	struct relay *r = calloc(1, sizeof *r);
	if (r == NULL) {
		close(net_fd);
		return err_nomem(err);
	}
	r->net = net_fd;
	r->plain = -1;
	bool was_asked = false;
	enum err_code rc = fd_set_nonblocking(net_fd, err);
	if (rc == ERR_OK)
		rc = make_context(&r->ctx, opt, err);
	if (rc == ERR_OK)
		rc = make_session(&r->ssl, r->ctx, net_fd, opt, err);
	if (rc == ERR_OK) {
		SSL_set_cert_cb(r->ssl, note_asked, &was_asked);
		rc = handshake(r->ssl, net_fd, opt, err);
		SSL_set_cert_cb(r->ssl, NULL, NULL);
	}
	if (rc == ERR_OK && was_asked)
		rc = await_verdict(r->ssl, net_fd, opt, err);
	if (rc == ERR_OK)
		rc = relay_start(r, fd, err);
	if (rc != ERR_OK)
		relay_free(r);
	return rc;
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/tls.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/thread.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* A server with a certificate of its own making, at the other end of a socket pair. */
struct server {
	char dir[64];
	char ca_file[96];
	char key_file[96];
	EVP_PKEY *key;
	X509 *cert;
	int fd;
	bool cuts; /* ends without close_notify */
	bool wants_client; /* asks for a certificate that it signed */
	size_t gives; /* bytes that it sends before it reads */
	pthread_t thread;
	char heard[65536];
	size_t heard_len;
	bool heard_end; /* by close_notify */
};

static void
add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void
make_certificate(struct server *s, const char *names)
{
	s->key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	s->cert = X509_new();
	assert_non_null(s->key);
	assert_non_null(s->cert);
	assert_int_equal(X509_set_version(s->cert, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(s->cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(s->cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(s->cert), 3600);
	X509_set_pubkey(s->cert, s->key);
	X509_NAME *name = X509_get_subject_name(s->cert);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)"test engine", -1, -1, 0);
	X509_set_issuer_name(s->cert, name);
	add_extension(s->cert, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(s->cert, NID_subject_alt_name, names);
	assert_true(X509_sign(s->cert, s->key, EVP_sha256()) > 0);
}

static void
write_pem(const struct server *s)
{
	FILE *f = fopen(s->ca_file, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, s->cert), 1);
	fclose(f);
	f = fopen(s->key_file, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, s->key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
}

static void
give(SSL *ssl, size_t len)
{
	uint8_t block[1000];
	for (size_t done = 0; done < len;) {
		size_t n = min_size(sizeof block, len - done);
		for (size_t i = 0; i < n; i++)
			block[i] = (uint8_t)((done + i) % 251);
		if (SSL_write(ssl, block, (int)n) <= 0)
			return;
		done += n;
	}
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(ctx, s->cert);
	SSL_CTX_use_PrivateKey(ctx, s->key);
	if (s->wants_client) {
		SSL_CTX_load_verify_file(ctx, s->ca_file);
		SSL_CTX_set_verify(
		    ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	SSL *ssl = SSL_new(ctx);
	SSL_set_fd(ssl, s->fd);
	if (SSL_accept(ssl) == 1) {
		give(ssl, s->gives);
		int n;
		while ((n = SSL_read(ssl, s->heard + s->heard_len,
			    (int)(sizeof s->heard - s->heard_len))) > 0)
			s->heard_len += (size_t)n;
		s->heard_end = SSL_get_error(ssl, n) == SSL_ERROR_ZERO_RETURN;
		/* Answered after the other side has said all: a half-closed connection. */
		SSL_write(ssl, "goodbye", 7);
		if (!s->cuts)
			SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(s->fd);
	return NULL;
}

static void
server_prepare(struct server *s, const char *names)
{
	*s = (struct server){ .fd = -1 };
	snprintf(s->dir, sizeof s->dir, "/tmp/stacksnap-tls-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->ca_file, sizeof s->ca_file, "%s/ca.pem", s->dir);
	snprintf(s->key_file, sizeof s->key_file, "%s/key.pem", s->dir);
	make_certificate(s, names);
	write_pem(s);
}

/* The client's end of the connection. */
static int
server_start(struct server *s)
{
	int pair[2];
	struct err err;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	s->fd = pair[1];
	assert_int_equal(thread_start(&s->thread, serve, s, "server", &err), ERR_OK);
	return pair[0];
}

static void
server_end(struct server *s)
{
	struct err err;
	pthread_join(s->thread, NULL);
	EVP_PKEY_free(s->key);
	X509_free(s->cert);
	assert_int_equal(fs_remove_tree(s->dir, &err), ERR_OK);
}

static struct tls_options
options(const struct server *s, const char *host)
{
	return (struct tls_options){
		.host = host, .verify = true, .ca_file = s->ca_file, .timeout_ms = 10000
	};
}

static void
bytes_go_both_ways_and_halves_close_apart(void **state)
{
	(void)state;
	struct server s;
	struct err err = ERR_INIT;
	server_prepare(&s, "DNS:engine.example,IP:127.0.0.1");
	s.gives = 3000000;
	struct tls_options opt = options(&s, "127.0.0.1");
	int fd;
	assert_int_equal(tls_connect(&fd, server_start(&s), &opt, &err), ERR_OK);
	assert_int_equal(fd_write_all(fd, "hello", 5, &err), ERR_OK);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	AUTO(bufv) struct buf got = BUF_INIT;
	assert_int_equal(fd_read_to_end(fd, 4 << 20, &got, &err), ERR_OK);
	close(fd);
	server_end(&s);
	assert_int_equal(got.len, s.gives + 7);
	for (size_t i = 0; i < s.gives; i++)
		assert_int_equal(got.data[i], i % 251);
	assert_memory_equal(got.data + s.gives, "goodbye", 7);
	assert_int_equal(s.heard_len, 5);
	assert_memory_equal(s.heard, "hello", 5);
	assert_true(s.heard_end);
}

static void
a_name_in_the_certificate_is_accepted(void **state)
{
	(void)state;
	struct server s;
	struct err err = ERR_INIT;
	server_prepare(&s, "DNS:engine.example");
	s.cuts = true;
	struct tls_options opt = options(&s, "engine.example");
	int fd;
	assert_int_equal(tls_connect(&fd, server_start(&s), &opt, &err), ERR_OK);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	AUTO(bufv) struct buf got = BUF_INIT;
	assert_int_equal(fd_read_to_end(fd, 100, &got, &err), ERR_OK);
	close(fd);
	server_end(&s);
	assert_int_equal(got.len, 7);
}

static void
another_name_is_denied(void **state)
{
	(void)state;
	struct server s;
	struct err err = ERR_INIT;
	server_prepare(&s, "DNS:engine.example,IP:127.0.0.1");
	struct tls_options opt = options(&s, "other.example");
	int fd;
	assert_int_equal(tls_connect(&fd, server_start(&s), &opt, &err), ERR_DENIED);
	assert_string_equal(err.msg,
	    "TLS: the certificate of other.example is not accepted: hostname mismatch");
	server_end(&s);
}

static void
an_unknown_authority_is_denied_unless_nothing_is_verified(void **state)
{
	(void)state;
	struct server s;
	struct server other;
	struct err err = ERR_INIT;
	server_prepare(&other, "IP:127.0.0.1");
	server_prepare(&s, "IP:127.0.0.1");
	struct tls_options opt = options(&other, "127.0.0.1");
	int fd;
	assert_int_equal(tls_connect(&fd, server_start(&s), &opt, &err), ERR_DENIED);
	assert_non_null(strstr(err.msg, "the certificate of 127.0.0.1 is not accepted: "));
	pthread_join(s.thread, NULL);
	opt.verify = false;
	assert_int_equal(tls_connect(&fd, server_start(&s), &opt, &err), ERR_OK);
	close(fd);
	server_end(&s);
	EVP_PKEY_free(other.key);
	X509_free(other.cert);
	assert_int_equal(fs_remove_tree(other.dir, &err), ERR_OK);
}

static void
our_certificate_is_shown_when_it_is_asked_for(void **state)
{
	(void)state;
	struct server s;
	struct err err = ERR_INIT;
	server_prepare(&s, "IP:127.0.0.1");
	s.wants_client = true;
	struct tls_options opt = options(&s, "127.0.0.1");
	opt.cert_file = s.ca_file;
	opt.key_file = s.key_file;
	int fd;
	assert_int_equal(tls_connect(&fd, server_start(&s), &opt, &err), ERR_OK);
	assert_int_equal(fd_write_all(fd, "x", 1, &err), ERR_OK);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	AUTO(bufv) struct buf got = BUF_INIT;
	assert_int_equal(fd_read_to_end(fd, 100, &got, &err), ERR_OK);
	close(fd);
	server_end(&s);
	assert_int_equal(s.heard_len, 1);
}

static void
a_key_that_does_not_fit_is_refused(void **state)
{
	(void)state;
	struct server s;
	struct err err = ERR_INIT;
	server_prepare(&s, "IP:127.0.0.1");
	struct tls_options opt = options(&s, "127.0.0.1");
	opt.cert_file = s.ca_file;
	opt.key_file = "/dev/null";
	int fd;
	assert_int_equal(tls_connect(&fd, server_start(&s), &opt, &err), ERR_USAGE);
	assert_non_null(strstr(err.msg, "key /dev/null cannot be used with certificate "));
	server_end(&s);
}

static void
closing_early_ends_the_connection(void **state)
{
	(void)state;
	struct server s;
	struct err err = ERR_INIT;
	server_prepare(&s, "IP:127.0.0.1");
	s.gives = 50000000;
	struct tls_options opt = options(&s, "127.0.0.1");
	int fd;
	assert_int_equal(tls_connect(&fd, server_start(&s), &opt, &err), ERR_OK);
	char c;
	assert_int_equal(read(fd, &c, 1), 1);
	close(fd);
	server_end(&s); /* joins the server, whose writes must fail */
}

static void
silence_in_the_handshake_ends_in_time(void **state)
{
	(void)state;
	int pair[2];
	struct err err = ERR_INIT;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	struct tls_options opt = { .host = "127.0.0.1", .verify = false, .timeout_ms = 50 };
	int fd;
	assert_int_equal(tls_connect(&fd, pair[0], &opt, &err), ERR_CANCELLED);
	assert_string_equal(err.msg, "TLS with 127.0.0.1: no answer within 50 ms");
	close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_both_ways_and_halves_close_apart),
		cmocka_unit_test(a_name_in_the_certificate_is_accepted),
		cmocka_unit_test(another_name_is_denied),
		cmocka_unit_test(an_unknown_authority_is_denied_unless_nothing_is_verified),
		cmocka_unit_test(our_certificate_is_shown_when_it_is_asked_for),
		cmocka_unit_test(a_key_that_does_not_fit_is_refused),
		cmocka_unit_test(closing_early_ends_the_connection),
		cmocka_unit_test(silence_in_the_handshake_ends_in_time),
	};
	signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}

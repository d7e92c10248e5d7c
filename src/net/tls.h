/*
 * tls.h: TLS over a connected socket, handed out as a socket of plain bytes.
 *
 * After the handshake a thread carries bytes between the TLS connection and
 * one end of a socket pair; the other end is the caller's, and behaves like
 * the connection itself: it can be polled, shut down for writing (the peer
 * gets TLS's close_notify) and closed.  So whoever speaks over a descriptor
 * need not know of TLS.  The thread ends when both sides have closed.
 *
 * A connection that is cut without close_notify reads as its end: what is
 * carried must show by itself whether it is whole (HTTP's lengths do).
 *
 * At least TLS 1.2.
 *
 * Threads: any.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "sys/cancel.h"

/* What a DENIED was about. */
enum tls_trouble {
	TLS_TROUBLE_OTHER,
	TLS_TROUBLE_NAME, /* the certificate is another host's */
	TLS_TROUBLE_AUTHORITY, /* nobody who is trusted has signed it */
	TLS_TROUBLE_OURS, /* the peer does not believe us */
};

struct tls_options {
	const char *host; /* a name or an address: whom the certificate must name */
	bool verify; /* false: whoever answers is believed */
	bool any_name; /* the certificate may name somebody else, as long as it is good */
	const char *ca_file; /* PEM; NULL: the system's authorities */
	const char *cert_file; /* ours, PEM, with key_file; NULL: none */
	const char *key_file;
	int timeout_ms; /* of the handshake */
	const struct cancel *cancel; /* of the handshake; may be NULL */
	enum tls_trouble *trouble; /* set with ERR_DENIED; may be NULL */
};

/* Takes net_fd over, also when it fails; *fd is the caller's.  ERR_DENIED when the peer is not
 * who it should be, or does not believe us (what it says of our certificate is waited for, a
 * second at most); ERR_USAGE for a certificate file that cannot be
 * used. */
MUST_CHECK enum err_code tls_connect(
    int *fd, int net_fd, const struct tls_options *opt, struct err *err);

#endif

/*
 * address.h: where a Docker engine is, as DOCKER_HOST says it; for docker/ only.
 *
 *	unix:///var/run/docker.sock
 *	tcp://10.0.0.5:2376            with TLS when DOCKER_TLS_VERIFY or DOCKER_TLS is set
 *	tcp://127.0.0.1:2375           without
 *
 * With TLS, ca.pem, cert.pem and key.pem lie in DOCKER_CERT_PATH, else in
 * ~/.docker, as docker itself has it.  DOCKER_TLS_VERIFY set to anything
 * means that the engine's certificate is checked.
 *
 * Threads: read-only once parsed.
 */
#ifndef DOCKER_ADDRESS_H
#define DOCKER_ADDRESS_H

#include "sys/cancel.h"

struct docker_address {
	char *text; /* as given */
	char *socket; /* unix: the path; NULL otherwise */
	char *host; /* tcp: a name or an address */
	uint16_t port;
	bool has_tls;
	bool verify;
	char *ca_file; /* NULL: the system's authorities */
	char *cert_file; /* NULL: none */
	char *key_file;
};

/* given is NULL or empty: $DOCKER_HOST, else the default socket.  ERR_UNSUPPORTED for other
 * kinds, saying what to do instead; ERR_USAGE for what cannot be read. */
MUST_CHECK enum err_code docker_address_parse(
    struct docker_address *out, const char *given, struct err *err);
void docker_address_release(struct docker_address *a);

/* *fd is the caller's.  Errors say what to do. */
MUST_CHECK enum err_code docker_address_connect(
    int *fd, const struct docker_address *a, const struct cancel *c, struct err *err);

#endif

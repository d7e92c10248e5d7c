/*
 * web_gate.h: what the head of a request must be like before anybody is asked anything.
 *
 * Pure functions of header values, which may hold any bytes; NULL stands for a header that is
 * not there.  Host is compared with a list, since a name that an attacker owns may be made to
 * point here (DNS rebinding); numbers cannot, so that any of them will do where all addresses
 * are listened on.
 *
 * Threads: any; a gate does not change once it is made.
 */
#ifndef SERVE_WEB_GATE_H
#define SERVE_WEB_GATE_H

#include "base/json.h"

#include <sys/socket.h>

#define GATE_SECRET 64 /* hexadecimal digits of a session, token or CSRF token */
#define GATE_FROM 48

struct gate;

/* From the keeper's hello; ERR_CORRUPT when it is none. */
MUST_CHECK enum err_code gate_new(struct gate **out, const json_t *hello, struct err *err);
void gate_free(struct gate *g);
AUTO_FREE(gate, struct gate *, gate_free)

enum host_kind {
	HOST_STRANGE,
	HOST_PLAIN,
	HOST_SECURE, /* a public name that browsers reach by https */
};

enum host_kind gate_host(const struct gate *g, const char *host);
/* Where a page came from that sends a change: here, or a public URL.  No Origin is no browser.
 */
bool gate_origin(const struct gate *g, const char *origin, const char *host);
/* Sec-Fetch-Site: nothing, "none" and "same-origin". */
bool gate_fetch_site(const char *value);
/* application/json, with no charset or UTF-8. */
bool gate_is_json(const char *content_type);

/* 64 hexadecimal digits. */
bool gate_secret(char out[GATE_SECRET + 1], const char *text, size_t len);
/* The value of the cookie of that name; false when it is missing or no secret. */
bool gate_cookie(char out[GATE_SECRET + 1], const char *cookies, const char *name);
/* "Bearer HEX" */
bool gate_bearer(char out[GATE_SECRET + 1], const char *authorization);

/* Who asks: the peer, or whom a proxy on this machine says that it speaks for (the last in
 * X-Forwarded-For, which is the one that it has seen itself; of several such headers the last
 * is to be given). */
void gate_from(const struct gate *g, char out[GATE_FROM], const struct sockaddr *peer,
    const char *forwarded_for);
/* The same for X-Forwarded-Proto. */
bool gate_is_tls(
    const struct gate *g, const struct sockaddr *peer, const char *forwarded_proto);

#endif

/*
 * sigv4.h: signing requests as AWS Signature Version 4 (HMAC-SHA-256).
 *
 * Source: "AWS Signature Version 4 for API requests" (IAM User Guide) and
 * "Authenticating Requests: Using the Authorization Header" (Amazon S3 API
 * Reference).  Paths are taken as S3 wants them: encoded once, with no dots
 * resolved.
 *
 * A signer belongs to one pair of key and region; the key of a day is derived
 * once and kept.
 *
 * Threads: any number may use one signer at once.
 */
#ifndef NET_SIGV4_H
#define NET_SIGV4_H

#include "base/buf.h"
#include "base/strv.h"
#include "crypto/secret.h"

#include <stdbool.h>

/* The payload's hash when its bytes are not signed: only over TLS. */
#define SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"
#define SIGV4_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGV4_DATE_SIZE 17

struct sigv4;

struct sigv4_request {
	const char *method;
	const char *path; /* as it is sent, encoded, without the query: "/bucket/key" */
	const char *query; /* as it is sent, encoded: "a=b&c"; NULL: none */
	const struct strv *headers; /* "name: value", all of them are signed; host among them */
	const char *payload_hash; /* 64 hexadecimal digits, or SIGV4_UNSIGNED */
	const char *date; /* of sigv4_date, as x-amz-date among the headers says it */
};

/* All strings are copied; the secret stays the caller's. */
MUST_CHECK enum err_code sigv4_new(struct sigv4 **out, const char *key_id,
    const struct secret *key, const char *region, const char *service, struct err *err);
void sigv4_free(struct sigv4 *s);
AUTO_FREE(sigv4, struct sigv4 *, sigv4_free)

/* Append the value of the header Authorization. */
MUST_CHECK enum err_code sigv4_sign(
    struct sigv4 *s, const struct sigv4_request *r, struct buf *out, struct err *err);

/* What is hashed for that, for tests. */
MUST_CHECK enum err_code sigv4_canonical(
    const struct sigv4_request *r, struct buf *out, struct err *err);

/* "20150830T123600Z" */
void sigv4_date(char out[SIGV4_DATE_SIZE], int64_t wall_ns);

/* Append text, encoded as SigV4 demands: all but A-Z a-z 0-9 - . _ ~ (and the slash, if it is
 * to stay). */
MUST_CHECK enum err_code sigv4_encode(
    struct buf *out, const char *text, bool keep_slash, struct err *err);

#endif

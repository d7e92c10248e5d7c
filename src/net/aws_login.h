/*
 * aws_login.h: whom S3 is asked as: key pairs, where they come from, and their
 * renewal.
 *
 * Sources, the first that there is (the order of AWS's own tools):
 *
 *	1. a credentials file that was named, or a profile that was named;
 *	2. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN;
 *	3. the profile AWS_PROFILE, or "default", of ~/.aws/credentials and ~/.aws/config;
 *	4. AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI (ECS, EKS);
 *	5. the instance's metadata (IMDSv2, EC2), for AWS's own endpoints only.
 *
 * What has an end is fetched anew five minutes before it; files are read again
 * when a server says that a key or token is not valid (any more).
 *
 * Threads: any number use one login at once.
 * Errors:  ERR_USAGE when there are none, or half of a pair; ERR_TRANSIENT when the metadata
 *          service does not answer.
 */
#ifndef NET_AWS_LOGIN_H
#define NET_AWS_LOGIN_H

#include "net/sigv4.h"
#include "sys/cancel.h"

struct aws_login;

struct aws_login_options {
	const char *file; /* credentials, in place of ~/.aws/credentials; NULL */
	const char *profile; /* NULL: AWS_PROFILE, else "default" */
	const char *region;
	const char *service; /* "s3" */
	bool is_aws; /* an endpoint of AWS itself */
	const struct cancel *cancel; /* may be NULL */
};

/* Nobody is asked before the first aws_login_take. */
MUST_CHECK enum err_code aws_login_open(
    struct aws_login **out, const struct aws_login_options *opt, struct err *err);
void aws_login_close(struct aws_login *l);
AUTO_FREE(aws_login, struct aws_login *, aws_login_close)

/* What a request is signed with. */
struct aws_pass {
	struct sigv4 *signer;
	struct secret *key_id;
	struct secret *key;
	struct secret *token; /* x-amz-security-token; NULL: none */
	int64_t expires_ns; /* wall clock; 0: no end is known */
	char from[200]; /* "the environment", for people */
	unsigned refs; /* the login's */
};

MUST_CHECK enum err_code aws_login_take(
    struct aws_login *l, struct aws_pass **out, struct err *err);
void aws_login_drop(struct aws_login *l, struct aws_pass *p);

/* The server does not take it: ask the source again.  *is_new: it now gives something else. */
MUST_CHECK enum err_code aws_login_renew(
    struct aws_login *l, const struct aws_pass *refused, bool *is_new, struct err *err);

#endif

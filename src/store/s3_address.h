/*
 * s3_address.h: what the address of a repository on S3 says.
 *
 *	s3:https://HOST[:PORT]/BUCKET[/PREFIX][?NAME=VALUE&…]
 *	s3:HOST[:PORT]/BUCKET[/PREFIX]		the same, by https
 *	s3://BUCKET[/PREFIX]			AWS, or what AWS_ENDPOINT_URL_S3 names
 *
 * Behind the question mark: region, style (auto, path, virtual), ca, credentials,
 * profile, part-size (MiB), lag (seconds), conditional (auto, yes, no).  An address
 * never holds a key.
 *
 * Threads: any.
 */
#ifndef STORE_S3_ADDRESS_H
#define STORE_S3_ADDRESS_H

#include "base/buf.h"
#include "base/strv.h"

#include <stdbool.h>

enum s3_style { S3_AUTO, S3_PATH, S3_VIRTUAL };

enum s3_conditional {
	S3_CONDITIONAL_UNKNOWN, /* ask for it, and look first as well */
	S3_CONDITIONAL_HONOURED, /* it alone keeps an object from being replaced */
	S3_CONDITIONAL_IGNORED, /* look first */
};

struct s3_address {
	char *scheme; /* "https" */
	char *host; /* "s3.example.org:9000"; NULL: AWS's, by the region */
	char *bucket;
	char *prefix; /* "" or "a/b/" */
	char *region; /* of the address, or of the host's name; NULL: not said */
	char *ca_file; /* these three: NULL when not said */
	char *credentials;
	char *profile;
	enum s3_style style;
	enum s3_conditional conditional;
	uint64_t part_mib; /* 0: as usual */
	uint64_t lag_s;
};

/* Is this the address of something on S3, and not a folder's path? */
bool s3_address_is(const char *text);

/* endpoint (may be NULL) is where "s3://" leads.  Errors: ERR_USAGE with what is wrong. */
MUST_CHECK enum err_code s3_address_parse(
    struct s3_address *out, const char *text, const char *endpoint, struct err *err);
void s3_address_release(struct s3_address *a);
static inline void UNUSED
s3_address_auto(struct s3_address *a)
{
	s3_address_release(a);
}

/* Is it an endpoint of AWS itself? */
bool s3_address_is_aws(const struct s3_address *a);
/* Does the bucket's name stand in the host's? */
bool s3_address_is_virtual(const struct s3_address *a);
/* For a host that is not said: AWS's of this region. */
MUST_CHECK enum err_code s3_address_set_region(
    struct s3_address *a, const char *region, struct err *err);

#endif

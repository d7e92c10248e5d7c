/*
 * s3.h: a store in a bucket of S3, or of what speaks like it.
 *
 * An object is put by one request (by parts above 64 MiB), whose payload's
 * SHA-256 is signed, so that a server takes what was meant or nothing.  No request
 * relies on trailing checksums; conditional puts are used where a server honours
 * them (docs/decisions/0026).  Failures that may pass are tried again, see
 * store_open_retry.
 *
 * Threads: as store.h says.  Errors: as there; ERR_USAGE for an address or
 * credentials that cannot be used.
 */
#ifndef STORE_S3_H
#define STORE_S3_H

#include "store/retry.h"
#include "store/s3_address.h"
#include "store/store.h"
#include "sys/cancel.h"

struct store_s3_options {
	const char *address; /* see s3_address.h */
	/* These count where the address says nothing; NULL: nothing does. */
	const char *credentials;
	const char *ca_file;
	const char *cache_dir; /* to remember what the server can do */
	const struct cancel *cancel; /* as in web.h */
	retry_tell_fn *tell; /* of tries that failed; may be NULL */
	void *tell_arg;
	unsigned stall_s; /* 0: as web.h says */
	uint64_t part_size; /* 0: 64 MiB: for tests, since servers want 5 MiB at the least */
};

/* Nobody is asked yet. */
MUST_CHECK enum err_code store_open_s3(
    struct store **out, const struct store_s3_options *opt, struct err *err);

/* Find out whether the server honours conditional puts, and remember it in the cache: for
 * `init`.  Puts two objects "probe/…" and removes them. */
MUST_CHECK enum err_code store_probe_s3(const struct store_s3_options *opt, struct err *err);

/* --- is all there that a repository needs? --- */

enum s3_verdict { S3_WORKS, S3_FAILS, S3_NOT_TRIED, S3_REMARK };

struct s3_step {
	const char *name; /* "put" */
	enum s3_verdict verdict;
	const char *detail; /* for people; "" */
	const char *permission; /* "s3:PutObject", which is missing; NULL */
	int64_t took_ns;
};

typedef void s3_step_fn(void *arg, const struct s3_step *step);

struct s3_report {
	unsigned failed;
	char *location; /* this and policy are the caller's */
	char *policy; /* IAM policy with what a repository needs; NULL when none is missing */
};

/* Try one thing after the other, tell of each, and remove what was put.  Only what keeps it
 * from trying at all is an error. */
MUST_CHECK enum err_code store_test_s3(const struct store_s3_options *opt, s3_step_fn *fn,
    void *arg, struct s3_report *report, struct err *err);

#endif

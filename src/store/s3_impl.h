/*
 * s3_impl.h: the parts of the store on S3.
 */
#ifndef STORE_S3_IMPL_H
#define STORE_S3_IMPL_H

#include "net/aws_login.h"
#include "net/web.h"
#include "store/s3.h"
#include "store/store_impl.h"

#include <stdatomic.h>

#define S3_HASH_SIZE 65 /* 64 hexadecimal digits and a NUL */

struct s3 {
	struct store store;
	struct s3_address at;
	struct web *web;
	struct aws_login *login;
	char *location;
	char *host; /* as the header says it */
	char *path; /* of the bucket: "/bucket", or "" when the host names it */
	char *memo; /* the file that remembers what the server can; NULL: none */
	uint64_t part_size;
	atomic_int conditional; /* enum s3_conditional */
};

/* The bare store, without tries. */
MUST_CHECK enum err_code s3_open(
    struct s3 **out, const struct store_s3_options *opt, struct err *err);
void s3_free(struct s3 *s);
AUTO_FREE(s3, struct s3 *, s3_free)

/* --- one request (s3_request.c) --- */

struct s3_call {
	const char *method;
	const char *key; /* NULL: the bucket */
	const char *query; /* encoded; NULL: none */
	const char *header; /* "name: value"; NULL: none */
	const void *body;
	size_t body_len;
	const char *hash; /* the body's, when it is known; NULL: it is taken */
	struct buf *into; /* as in struct web_call */
	size_t max;
	uint8_t *fixed;
	size_t fixed_len;
	const char *action; /* "s3:PutObject": what must be permitted */
};

/* ERR_OK: a status of 2xx.  Otherwise what the server said, with what to do about it; a is
 * filled in also then (its status is 0 when there was no answer). */
MUST_CHECK enum err_code s3_do(
    struct s3 *s, const struct s3_call *call, struct web_answer *a, struct err *err);

/* --- what a server says (s3_error.c) --- */

struct s3_error {
	char code[80]; /* "NoSuchKey"; "" when the answer has none */
	char message[160];
	char region[64]; /* where the bucket is, if it says */
};

void s3_error_parse(struct s3_error *e, struct web_answer *a);
/* For how many seconds the answer (503, 429) asks to be left alone; 0: it does not. */
int64_t s3_error_retry_after_s(struct web_answer *a);
/* Is it about who asks, so that other credentials may do? */
bool s3_error_is_of_login(const struct s3_error *e);
enum err_code s3_error_set(const struct s3 *s, const struct s3_call *call,
    const struct s3_error *e, struct web_answer *a, const char *login, struct err *err);

/* --- operations --- */

/* s3_put.c */
enum err_code s3_put(
    struct store *store, const char *key, const void *data, size_t len, struct err *err);
/* Put whatever is there, by one request; header may be "if-none-match: *". */
MUST_CHECK enum err_code s3_put_once(struct s3 *s, const char *key, const void *data,
    size_t len, const char *header, struct err *err);
/* By parts, which are gone again when it fails; else err says that an upload is left. */
MUST_CHECK enum err_code s3_put_parts(
    struct s3 *s, const char *key, const uint8_t *data, size_t len, struct err *err);
/* Does the server honour conditional puts?  Remembered in s and its memo. */
MUST_CHECK enum err_code s3_probe(struct s3 *s, struct err *err);

/* s3_list.c */
enum err_code s3_list(struct store *store, const char *prefix, const char *after,
    store_entry_fn *fn, void *arg, struct err *err);
/* Unfinished uploads of keys with this prefix: how many (of the first page), and the first. */
struct s3_upload {
	char key[STORE_KEY_MAX];
	char id[1024];
};
MUST_CHECK enum err_code s3_list_uploads(struct s3 *s, const char *prefix, unsigned *count,
    struct s3_upload *first, struct err *err);

/* s3.c */
/* The last part of the key when it is the SHA-256 of the bytes (docs/format.md), else NULL: it
 * need not be taken again, and a server that finds another one refuses. */
const char *s3_hash_of_name(const char *key);
enum err_code s3_size(struct store *store, const char *key, uint64_t *size, struct err *err);
enum err_code s3_get_range(struct store *store, const char *key, uint64_t offset, void *out,
    size_t len, struct err *err);
enum err_code s3_get(
    struct store *store, const char *key, size_t max, struct buf *out, struct err *err);
enum err_code s3_delete(struct store *store, const char *key, struct err *err);

/* Text of an element among the answer's; false when it has none.  For answers of a few
 * elements.
 */
bool s3_xml_text(const struct web_answer *a, const char *path, char *out, size_t size);

static inline struct s3 *
s3_of(struct store *s)
{
	return (struct s3 *)s;
}

#endif

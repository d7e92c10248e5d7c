/*
 * Putting objects: by one request, by parts, and never over what is there.
 */
#include "store/s3_impl.h"

#include "base/log.h"
#include "sys/fs.h"

#include <string.h>

#define PARTS_MAX 10000
#define ETAG_MAX 300
#define ABORTS_MAX 20
#define UPLOAD_ID_MAX 1024
#define ONLY_IF_FREE "if-none-match: *"
#define PROBE_KEY "probe/conditional"
#define MEMO_YES "conditional put: honoured\n"
#define MEMO_NO "conditional put: ignored\n"

enum err_code
s3_put_once(struct s3 *s, const char *key, const void *data, size_t len, const char *header,
    struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	struct s3_call call = {
		.method = "PUT",
		.key = key,
		.header = header,
		.body = data != NULL ? data : "",
		.body_len = len,
		.hash = s3_hash_of_name(key),
		.action = "s3:PutObject",
	};
	enum err_code rc = s3_do(s, &call, &a, err);
	if (rc == ERR_EXISTS && a.is_resent)
		return err_set(err, ERR_TRANSIENT,
		    "the connection broke, and the object may be ours: it is to be looked at");
	return rc;
}

/* --- by parts --- */

struct upload {
	struct s3 *s;
	const char *key;
	char *id; /* encoded */
};

static enum err_code
begin_upload(struct upload *u, struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	AUTO(bufv) struct buf encoded = BUF_INIT;
	char id[UPLOAD_ID_MAX];
	struct s3_call call = {
		.method = "POST", .key = u->key, .query = "uploads=", .action = "s3:PutObject"
	};
	if (s3_do(u->s, &call, &a, err))
		return err->code;
	if (!s3_xml_text(&a, "InitiateMultipartUploadResult/UploadId", id, sizeof id))
		return err_set(err, ERR_TRANSIENT, "the server names no upload");
	if (sigv4_encode(&encoded, id, false, err))
		return err->code;
	return str_dup(&u->id, buf_cstr(&encoded), err);
}

static enum err_code
abort_one(struct s3 *s, const char *key, const char *id, struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	AUTO(bufv) struct buf query = BUF_INIT;
	if (buf_str(&query, "uploadId=", err) || sigv4_encode(&query, id, false, err))
		return err->code;
	struct s3_call call = { .method = "DELETE",
		.key = key,
		.query = buf_cstr(&query),
		.action = "s3:AbortMultipartUpload" };
	if (call.query == NULL)
		return err_nomem(err);
	return s3_do(s, &call, &a, err);
}

/* Whatever uploads of this key are left is removed: of ours, or one whose beginning was carried
 * out although its answer was lost.  Nobody else puts a key that is a hash. */
static enum err_code
abort_uploads(struct s3 *s, const char *key, struct err *err)
{
	for (int i = 0; i < ABORTS_MAX; i++) {
		struct s3_upload left;
		unsigned count;
		if (s3_list_uploads(s, key, &count, &left, err))
			return err->code;
		if (count == 0 || strcmp(left.key, key) != 0)
			return ERR_OK;
		if (abort_one(s, key, left.id, err))
			return err->code;
	}
	return err_set(err, ERR_IO, "there are ever more of them");
}

static enum err_code
send_part(struct upload *u, unsigned number, const uint8_t *data, size_t len, struct buf *list,
    struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	AUTO(str) char *query = NULL;
	char etag[ETAG_MAX];
	if (str_printf(&query, err, "partNumber=%u&uploadId=%s", number, u->id))
		return err->code;
	struct s3_call call = { .method = "PUT",
		.key = u->key,
		.query = query,
		.body = data,
		.body_len = len,
		.action = "s3:PutObject" };
	if (s3_do(u->s, &call, &a, err))
		return err->code;
	if (web_header(&a, "etag", etag, sizeof etag) == NULL || strpbrk(etag, "<>&") != NULL)
		return err_set(err, ERR_TRANSIENT, "the server gives part %u no ETag", number);
	return buf_printf(
	    list, err, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", number, etag);
}

/* The parts become the object; an answer of 200 may still hold an error. */
static enum err_code
finish_upload(struct upload *u, const struct buf *list, struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	AUTO(str) char *query = NULL;
	AUTO(str) char *body = NULL;
	char etag[ETAG_MAX];
	if (str_printf(&query, err, "uploadId=%s", u->id) ||
	    str_printf(&body, err, "<CompleteMultipartUpload>%.*s</CompleteMultipartUpload>",
		(int)list->len, (const char *)list->data))
		return err->code;
	struct s3_call call = { .method = "POST",
		.key = u->key,
		.query = query,
		.body = body,
		.body_len = strlen(body),
		.action = "s3:PutObject" };
	if (s3_do(u->s, &call, &a, err))
		return err->code;
	if (s3_xml_text(&a, "CompleteMultipartUploadResult/ETag", etag, sizeof etag))
		return ERR_OK;
	struct s3_error e;
	s3_error_parse(&e, &a);
	a.status = 500; /* it says 200 */
	return s3_error_set(u->s, &call, &e, &a, "", err);
}

static enum err_code
upload_parts(struct s3 *s, const char *key, const uint8_t *data, size_t len, struct err *err)
{
	AUTO(bufv) struct buf list = BUF_INIT;
	struct upload u = { .s = s, .key = key };
	uint64_t size = s->part_size;
	if (len / size >= PARTS_MAX)
		return err_set(err, ERR_UNSUPPORTED, "too large for parts of %llu bytes",
		    (unsigned long long)size);
	if (begin_upload(&u, err))
		return err->code;
	enum err_code rc = ERR_OK;
	unsigned number = 1;
	for (size_t at = 0; at < len && rc == ERR_OK; at += size)
		rc = send_part(
		    &u, number++, data + at, min_size((size_t)size, len - at), &list, err);
	if (rc == ERR_OK)
		rc = finish_upload(&u, &list, err);
	free(u.id);
	return rc;
}

enum err_code
s3_put_parts(struct s3 *s, const char *key, const uint8_t *data, size_t len, struct err *err)
{
	struct err why;
	enum err_code rc = upload_parts(s, key, data, len, err);
	if (abort_uploads(s, key, &why)) {
		log_debug("uploads of %s: %s", key, why.msg);
		if (rc != ERR_OK)
			return err_wrap(err,
			    "an unfinished upload may be left, which takes space until it is "
			    "aborted (a lifecycle rule can do that)");
	}
	return rc;
}

/* --- never over what is there --- */

static enum err_code
refuse_taken(struct s3 *s, const char *key, struct err *err)
{
	uint64_t size;
	if (s3_size(&s->store, key, &size, err) == ERR_OK)
		return err_set(err, ERR_EXISTS, "object exists already");
	return err->code == ERR_NOT_FOUND ? ERR_OK : err->code;
}

/* Two that look at the same time both find the key free.  Where names are hashes, both put the
 * same; for others (the config) the one whose bytes are not there afterwards has lost. */
static enum err_code
check_put(struct s3 *s, const char *key, const void *data, size_t len, struct err *err)
{
	AUTO(bufv) struct buf there = BUF_INIT;
	if (s3_hash_of_name(key) != NULL)
		return ERR_OK;
	if (s3_get(&s->store, key, len, &there, err))
		return err->code;
	if (there.len != len || (len > 0 && memcmp(there.data, data, len) != 0))
		return err_set(err, ERR_EXISTS, "object exists already");
	return ERR_OK;
}

enum err_code
s3_put(struct store *store, const char *key, const void *data, size_t len, struct err *err)
{
	struct s3 *s = s3_of(store);
	bool by_parts = len > s->part_size;
	enum s3_conditional how = (enum s3_conditional)atomic_load(&s->conditional);
	if ((by_parts || how != S3_CONDITIONAL_HONOURED) && refuse_taken(s, key, err))
		return err->code;
	if (by_parts)
		return s3_put_parts(s, key, data, len, err) ? err->code
							    : check_put(s, key, data, len, err);
	if (how != S3_CONDITIONAL_IGNORED) {
		enum err_code rc = s3_put_once(s, key, data, len, ONLY_IF_FREE, err);
		if (rc != ERR_UNSUPPORTED)
			return rc;
		/* It says that it does not know the header (B2, older gateways). */
		log_debug("conditional put refused: %s", err->msg);
		atomic_store(&s->conditional, S3_CONDITIONAL_IGNORED);
		if (refuse_taken(s, key, err))
			return err->code;
	}
	if (s3_put_once(s, key, data, len, NULL, err))
		return err->code;
	return check_put(s, key, data, len, err);
}

/* --- what the server can --- */

static void
remember(const struct s3 *s, enum s3_conditional how)
{
	struct err scratch; /* then the next run looks before it puts: a little slower */
	const char *text = how == S3_CONDITIONAL_HONOURED ? MEMO_YES : MEMO_NO;
	AUTO(str) char *folder = NULL;
	if (s->memo == NULL ||
	    str_dupn(&folder, s->memo, (size_t)(strrchr(s->memo, '/') - s->memo), &scratch) ||
	    fs_mkdirs(folder, 0700, &scratch) ||
	    fs_write_file(s->memo, 0600, text, strlen(text), &scratch))
		log_debug("what the server can is not remembered");
}

enum err_code
s3_probe(struct s3 *s, struct err *err)
{
	static const char text[] = "may be removed";
	struct err scratch; /* a probe that stays does no harm */
	enum s3_conditional how = S3_CONDITIONAL_IGNORED;
	enum err_code rc = s3_put_once(s, PROBE_KEY, text, sizeof text - 1, ONLY_IF_FREE, err);
	if (rc == ERR_OK || rc == ERR_EXISTS)
		rc = s3_put_once(s, PROBE_KEY, text, sizeof text - 1, ONLY_IF_FREE, err);
	if (rc == ERR_EXISTS)
		how = S3_CONDITIONAL_HONOURED;
	else if (rc != ERR_OK && rc != ERR_UNSUPPORTED)
		return rc;
	if (s3_delete(&s->store, PROBE_KEY, &scratch))
		log_debug("probe: %s", scratch.msg);
	atomic_store(&s->conditional, (int)how);
	remember(s, how);
	return ERR_OK;
}

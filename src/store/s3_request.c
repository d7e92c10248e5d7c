/*
 * One request: its address, its headers, its signature; once more with other
 * credentials when the server does not take these.
 */
#include "store/s3_impl.h"

#include "base/bytes.h"
#include "crypto/hash.h"
#include "sys/clock.h"

#include <string.h>

#define LOGIN_TRIES 2

/* "/bucket/prefix/key", encoded. */
static enum err_code
add_path(const struct s3 *s, const char *key, struct buf *out, struct err *err)
{
	if (buf_str(out, s->path, err) || buf_u8(out, '/', err))
		return err->code;
	if (key == NULL) {
		if (s->path[0] != '\0')
			out->len--; /* "/bucket", without a slash behind */
		return ERR_OK;
	}
	return sigv4_encode(out, s->at.prefix, true, err) ? err->code
							  : sigv4_encode(out, key, true, err);
}

static enum err_code
hash_body(const struct s3_call *c, char out[S3_HASH_SIZE], struct err *err)
{
	uint8_t hash[HASH_SIZE];
	const char *known = c->body == NULL ? SIGV4_EMPTY : c->hash;
	if (known != NULL) {
		memcpy(out, known, S3_HASH_SIZE);
		return ERR_OK;
	}
	if (sha256_of(c->body, c->body_len, hash, err))
		return err->code;
	hex_encode(out, hash, sizeof hash);
	return ERR_OK;
}

static enum err_code
add_headers(const struct s3 *s, const struct s3_call *c, const struct aws_pass *pass,
    const char *hash, const char *date, struct strv *headers, struct err *err)
{
	if (strv_addf(headers, err, "host: %s", s->host) ||
	    strv_addf(headers, err, "x-amz-content-sha256: %s", hash) ||
	    strv_addf(headers, err, "x-amz-date: %s", date) ||
	    (c->header != NULL && strv_add(headers, c->header, err)))
		return err->code;
	if (pass->token == NULL)
		return ERR_OK;
	return strv_addf(headers, err, "x-amz-security-token: %.*s", (int)pass->token->len,
	    (const char *)pass->token->data);
}

static enum err_code
sign(const struct s3_call *c, const struct aws_pass *pass, const char *path, const char *hash,
    const char *date, struct strv *headers, struct err *err)
{
	AUTO(bufv) struct buf authorization = BUF_INIT;
	struct sigv4_request r = {
		.method = c->method,
		.path = path,
		.query = c->query,
		.headers = headers,
		.payload_hash = hash,
		.date = date,
	};
	if (sigv4_sign(pass->signer, &r, &authorization, err))
		return err->code;
	const char *value = buf_cstr(&authorization);
	if (value == NULL)
		return err_nomem(err);
	return strv_addf(headers, err, "Authorization: %s", value);
}

static void
wipe(struct strv *headers)
{
	for (size_t i = 0; i < headers->len; i++)
		secret_wipe(headers->items[i], strlen(headers->items[i]));
}

static enum err_code
send_signed(struct s3 *s, const struct s3_call *c, const struct aws_pass *pass,
    const char *hash, struct web_answer *a, struct err *err)
{
	AUTO(bufv) struct buf path = BUF_INIT;
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO(str) char *url = NULL;
	char date[SIGV4_DATE_SIZE];
	sigv4_date(date, clock_wall_ns());
	if (add_path(s, c->key, &path, err))
		return err->code;
	const char *text = buf_cstr(&path);
	if (text == NULL)
		return err_nomem(err);
	if (add_headers(s, c, pass, hash, date, &headers, err) ||
	    sign(c, pass, text, hash, date, &headers, err) ||
	    str_printf(&url, err, "%s://%s%s%s%s", s->at.scheme, s->host, text,
		c->query != NULL ? "?" : "", c->query != NULL ? c->query : ""))
		return err->code;
	struct web_call call = {
		.method = c->method,
		.url = url,
		.headers = &headers,
		.body = c->body,
		.body_len = c->body_len,
		.into = c->into,
		.max = c->max,
		.fixed = c->fixed,
		.fixed_len = c->fixed_len,
	};
	enum err_code rc = web_do(s->web, &call, a, err);
	wipe(&headers);
	return rc;
}

/* Whom the server refuses may have got other credentials meanwhile. */
static bool
may_renew(struct s3 *s, const struct aws_pass *pass, const struct s3_error *e)
{
	struct err scratch; /* what the server has said counts */
	bool is_new = false;
	return s3_error_is_of_login(e) &&
	       aws_login_renew(s->login, pass, &is_new, &scratch) == ERR_OK && is_new;
}

static void
note_retry_after(struct s3 *s, struct web_answer *a)
{
	int64_t wait_s = s3_error_retry_after_s(a);
	if (wait_s > 0)
		atomic_store(&s->store.not_before_ns, clock_mono_ns() + wait_s * NS_PER_S);
}

enum err_code
s3_do(struct s3 *s, const struct s3_call *call, struct web_answer *a, struct err *err)
{
	char hash[S3_HASH_SIZE];
	if (hash_body(call, hash, err))
		return err->code;
	for (int i = 1;; i++) {
		struct aws_pass *pass;
		struct s3_error e;
		if (aws_login_take(s->login, &pass, err))
			return err->code;
		enum err_code rc = send_signed(s, call, pass, hash, a, err);
		bool is_refused = rc == ERR_OK && (a->status < 200 || a->status > 299);
		bool once_more = false;
		if (is_refused) {
			s3_error_parse(&e, a);
			note_retry_after(s, a);
			once_more = i < LOGIN_TRIES && may_renew(s, pass, &e);
			rc = s3_error_set(s, call, &e, a, pass->from, err);
		}
		aws_login_drop(s->login, pass);
		if (!once_more)
			return rc;
	}
}

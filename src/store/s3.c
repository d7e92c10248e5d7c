#include "store/s3.h"

#include "base/bytes.h"
#include "crypto/hash.h"
#include "net/aws_profile.h"
#include "store/s3_impl.h"
#include "sys/env.h"
#include "sys/fs.h"

#include <string.h>

#define PART_SIZE ((uint64_t)64 << 20)
#define DEFAULT_REGION "us-east-1"
#define MEMO_MAX 200
/* One connection seldom fills a long line. */
#define PARALLEL 4

/* --- reading --- */

/* "Content-Range: bytes 0-9/100" */
struct range {
	uint64_t first;
	uint64_t last;
	uint64_t whole;
};

static bool
parse_range(struct web_answer *a, struct range *r)
{
	char text[100];
	char *end;
	if (web_header(a, "content-range", text, sizeof text) == NULL ||
	    !str_starts(text, "bytes "))
		return false;
	r->first = strtoull(text + 6, &end, 10);
	if (*end != '-')
		return false;
	r->last = strtoull(end + 1, &end, 10);
	if (*end != '/')
		return false;
	r->whole = strtoull(end + 1, &end, 10);
	return *end == '\0' && r->first <= r->last && r->last < r->whole;
}

/* By its first byte: the answer to HEAD has no body that could say what is wrong. */
enum err_code
s3_size(struct store *store, const char *key, uint64_t *size, struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	struct range r;
	struct s3_call call = { .method = "GET",
		.key = key,
		.header = "range: bytes=0-0",
		.action = "s3:GetObject" };
	enum err_code rc = s3_do(s3_of(store), &call, &a, err);
	if (a.status == 416 || (rc == ERR_OK && a.status == 200 && a.received == 0)) {
		*size = 0; /* no first byte */
		return ERR_OK;
	}
	if (rc != ERR_OK)
		return err->code;
	if (a.status == 206 && parse_range(&a, &r)) {
		*size = r.whole;
		return ERR_OK;
	}
	if (a.status == 200 && a.received == 1) {
		*size = 1;
		return ERR_OK;
	}
	return err_set(err, ERR_UNSUPPORTED, "the server does not serve ranges");
}

enum err_code
s3_get_range(struct store *store, const char *key, uint64_t offset, void *out, size_t len,
    struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	struct range r;
	char header[80];
	uint64_t size;
	if (len == 0)
		return s3_size(store, key, &size, err);
	snprintf(header, sizeof header, "range: bytes=%llu-%llu", (unsigned long long)offset,
	    (unsigned long long)(offset + len - 1));
	struct s3_call call = { .method = "GET",
		.key = key,
		.header = header,
		.fixed = out,
		.fixed_len = len,
		.action = "s3:GetObject" };
	if (s3_do(s3_of(store), &call, &a, err))
		return err->code;
	if (a.status == 200 && offset == 0 && a.received == len && !a.is_too_large)
		return ERR_OK; /* all of it */
	if (a.status == 200)
		return a.is_too_large || a.received > offset
			   ? err_set(err, ERR_UNSUPPORTED, "the server does not serve ranges")
			   : err_set(err, ERR_CORRUPT, "ends early");
	if (!parse_range(&a, &r) || r.first != offset)
		return err_set(err, ERR_TRANSIENT, "the server sent another range");
	if (a.is_too_large || a.received != r.last - r.first + 1)
		return err_set(err, ERR_TRANSIENT, "%llu bytes came of the %llu promised",
		    (unsigned long long)a.received, (unsigned long long)(r.last - r.first + 1));
	if (a.received == len)
		return ERR_OK;
	return r.last + 1 == r.whole
		   ? err_set(err, ERR_CORRUPT, "ends early")
		   : err_set(err, ERR_TRANSIENT, "the server sent a shorter range");
}

static enum err_code
get_once(struct s3 *s, const char *key, size_t max, struct buf *out, struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	struct s3_call call = {
		.method = "GET", .key = key, .into = out, .max = max, .action = "s3:GetObject"
	};
	if (s3_do(s, &call, &a, err))
		return err->code;
	if (a.is_too_large)
		return err_set(err, ERR_CORRUPT, "larger than %zu bytes", max);
	if (!a.is_sized)
		return err_set(err, ERR_IO,
		    "the server does not say how long its answers are: they may be cut");
	return ERR_OK;
}

const char *
s3_hash_of_name(const char *key)
{
	const char *slash = strrchr(key, '/');
	uint8_t hash[HASH_SIZE];
	const char *name = slash != NULL ? slash + 1 : key;
	return hex_decode(hash, sizeof hash, name, strlen(name)) ? name : NULL;
}

/* Are these the bytes that the name is the hash of?  Other names fit always. */
static enum err_code
fits_name(const char *key, const uint8_t *data, size_t len, bool *fits, struct err *err)
{
	uint8_t hash[HASH_SIZE];
	char hex[S3_HASH_SIZE];
	const char *want = s3_hash_of_name(key);
	*fits = true;
	if (want == NULL)
		return ERR_OK;
	if (sha256_of(data, len, hash, err))
		return err->code;
	hex_encode(hex, hash, sizeof hash);
	*fits = strcmp(hex, want) == 0;
	return ERR_OK;
}

/* What does not fit its name is fetched once more, since it may have been cut or changed on its
 * way by somebody who also changed the length.  If it comes so again, it lies there so, and the
 * caller finds out as it does with any store. */
enum err_code
s3_get(struct store *store, const char *key, size_t max, struct buf *out, struct err *err)
{
	struct s3 *s = s3_of(store);
	size_t before = out->len;
	for (int i = 0; i < 2; i++) {
		bool fits;
		out->len = before;
		if (get_once(s, key, max, out, err)) {
			out->len = before;
			return err->code;
		}
		if (fits_name(key, out->data + before, out->len - before, &fits, err))
			return err->code;
		if (fits)
			break;
	}
	return ERR_OK;
}

/* S3 does not say whether there was something to delete. */
enum err_code
s3_delete(struct store *store, const char *key, struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	uint64_t size;
	struct s3_call call = { .method = "DELETE", .key = key, .action = "s3:DeleteObject" };
	if (s3_size(store, key, &size, err))
		return err->code;
	return s3_do(s3_of(store), &call, &a, err);
}

/* --- opening --- */

void
s3_free(struct s3 *s)
{
	if (s == NULL)
		return;
	web_close(s->web);
	aws_login_close(s->login);
	s3_address_release(&s->at);
	free(s->location);
	free(s->host);
	free(s->path);
	free(s->memo);
	free(s);
}

static void
s3_close(struct store *store)
{
	s3_free(s3_of(store));
}

static const struct store_ops s3_ops = {
	.put = s3_put,
	.get = s3_get,
	.get_range = s3_get_range,
	.size = s3_size,
	.list = s3_list,
	.del = s3_delete,
	.close = s3_close,
};

/* A value of the profile in ~/.aws/config; NULL when it has none. */
static enum err_code
from_config(char **out, const char *profile, const char *key, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(secret) struct secret *value = NULL;
	const char *env = env_get("AWS_PROFILE");
	*out = NULL;
	if (profile == NULL)
		profile = env != NULL ? env : "default";
	if (aws_profile_path(&path, AWS_CONFIG, err) ||
	    aws_profile_get(&value, AWS_CONFIG, path, profile, key, err))
		return err->code;
	return value != NULL ? str_dupn(out, (const char *)value->data, value->len, err)
			     : ERR_OK;
}

static enum err_code
parse_address(struct s3 *s, const char *text, struct err *err)
{
	AUTO(str) char *configured = NULL;
	AUTO(str) char *region = NULL;
	const char *endpoint = env_get("AWS_ENDPOINT_URL_S3");
	if (endpoint == NULL)
		endpoint = env_get("AWS_ENDPOINT_URL");
	if (endpoint == NULL && from_config(&configured, NULL, "endpoint_url", err))
		return err->code;
	if (s3_address_parse(&s->at, text, endpoint != NULL ? endpoint : configured, err))
		return err->code;
	const char *env = env_get("AWS_REGION");
	if (env == NULL)
		env = env_get("AWS_DEFAULT_REGION");
	if (s->at.region == NULL && env == NULL &&
	    from_config(&region, s->at.profile, "region", err))
		return err->code;
	return s3_address_set_region(&s->at,
	    env != NULL      ? env
	    : region != NULL ? region
			     : DEFAULT_REGION,
	    err);
}

/* Host and path as requests name them, and the place as people do. */
static enum err_code
name_places(struct s3 *s, struct err *err)
{
	const struct s3_address *a = &s->at;
	bool is_virtual = s3_address_is_virtual(a);
	const char *port = str_starts(a->scheme, "https") ? ":443" : ":80";
	size_t n = strlen(a->host);
	if (str_ends(a->host, port)) /* the header leaves it out */
		n -= strlen(port);
	if (str_printf(&s->host, err, "%s%s%.*s", is_virtual ? a->bucket : "",
		is_virtual ? "." : "", (int)n, a->host) ||
	    str_printf(
		&s->path, err, "%s%s", is_virtual ? "" : "/", is_virtual ? "" : a->bucket) ||
	    str_printf(&s->location, err, "s3:%s://%s/%s/%s", a->scheme, a->host, a->bucket,
		a->prefix))
		return err->code;
	s->location[strlen(s->location) - 1] = '\0'; /* the last slash */
	return ERR_OK;
}

/* What an earlier run found out about this server. */
static enum err_code
recall(struct s3 *s, const char *cache_dir, struct err *err)
{
	uint8_t hash[HASH_SIZE];
	char hex[2 * HASH_SIZE + 1];
	AUTO(bufv) struct buf text = BUF_INIT;
	struct err scratch; /* then it is not known */
	if (cache_dir == NULL)
		return ERR_OK;
	if (sha256_of(s->location, strlen(s->location), hash, err))
		return err->code;
	hex_encode(hex, hash, sizeof hash);
	if (str_printf(&s->memo, err, "%s/s3/%.32s", cache_dir, hex))
		return err->code;
	if (s->at.conditional != S3_CONDITIONAL_UNKNOWN ||
	    fs_read_file(s->memo, MEMO_MAX, &text, &scratch))
		return ERR_OK;
	const char *said = buf_cstr(&text);
	if (said == NULL)
		return err_nomem(err);
	if (strcmp(said, "conditional put: honoured\n") == 0)
		atomic_store(&s->conditional, S3_CONDITIONAL_HONOURED);
	else if (strcmp(said, "conditional put: ignored\n") == 0)
		atomic_store(&s->conditional, S3_CONDITIONAL_IGNORED);
	return ERR_OK;
}

static enum err_code
connect_parts(struct s3 *s, const struct store_s3_options *opt, struct err *err)
{
	const char *bundle = env_get("AWS_CA_BUNDLE");
	struct web_options web = WEB_OPTIONS_INIT;
	web.ca_file = s->at.ca_file != NULL  ? s->at.ca_file
		      : opt->ca_file != NULL ? opt->ca_file
					     : bundle;
	web.cancel = opt->cancel;
	web.stall_s = opt->stall_s;
	struct aws_login_options login = {
		.file = s->at.credentials != NULL ? s->at.credentials : opt->credentials,
		.profile = s->at.profile,
		.region = s->at.region,
		.service = "s3",
		.is_aws = s3_address_is_aws(&s->at),
		.cancel = opt->cancel,
	};
	return web_open(&s->web, &web, err) ? err->code
					    : aws_login_open(&s->login, &login, err);
}

enum err_code
s3_open(struct s3 **out, const struct store_s3_options *opt, struct err *err)
{
	AUTO(s3) struct s3 *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	if (parse_address(s, opt->address, err) || name_places(s, err) ||
	    connect_parts(s, opt, err))
		return err->code;
	s->part_size = opt->part_size > 0   ? opt->part_size
		       : s->at.part_mib > 0 ? s->at.part_mib << 20
					    : PART_SIZE;
	atomic_init(&s->conditional, (int)s->at.conditional);
	if (recall(s, opt->cache_dir, err))
		return err->code;
	s->store.ops = &s3_ops;
	s->store.location = s->location;
	s->store.parallel = PARALLEL;
	s->store.list_lag_s = (unsigned)s->at.lag_s;
	*out = TAKE(s);
	return ERR_OK;
}

enum err_code
store_open_s3(struct store **out, const struct store_s3_options *opt, struct err *err)
{
	struct s3 *s;
	struct retry_options retry = RETRY_OPTIONS_INIT;
	retry.cancel = opt->cancel;
	retry.tell = opt->tell;
	retry.arg = opt->tell_arg;
	if (s3_open(&s, opt, err))
		return err->code;
	return store_open_retry(out, &s->store, &retry, err);
}

enum err_code
store_probe_s3(const struct store_s3_options *opt, struct err *err)
{
	AUTO(s3) struct s3 *s = NULL;
	if (s3_open(&s, opt, err))
		return err->code;
	if (s->at.conditional == S3_CONDITIONAL_UNKNOWN && s3_probe(s, err))
		return err_wrap(err, "%s", s->location);
	return ERR_OK;
}

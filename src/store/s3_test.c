/*
 * Is all there that a repository needs?  One step after the other, each told as
 * it ends; what was put is removed.
 */
#include "store/s3_impl.h"

#include "base/bytes.h"
#include "sys/clock.h"
#include "sys/rand.h"

#include <string.h>

#define SMALL_SIZE 4096
/* AWS wants parts of 5 MiB, but for the last. */
#define PART_SIZE ((size_t)5 << 20)
#define LARGE_SIZE (PART_SIZE + 1000)
#define SKEW_REMARK_S 60

struct test {
	struct s3 *s;
	s3_step_fn *fn;
	void *arg;
	struct s3_report *report;
	bool is_denied; /* a permission is missing */
	char key[40]; /* "probe/…", and with an x behind it a second */
	uint8_t *data; /* LARGE_SIZE */
	int64_t began_ns;
};

typedef enum err_code step_fn(struct test *t, char *detail, size_t size, struct err *err);

static void
tell(struct test *t, const char *name, enum s3_verdict verdict, const char *detail,
    const char *permission)
{
	struct s3_step step = { name, verdict, detail, permission,
		clock_mono_ns() - t->began_ns };
	t->fn(t->arg, &step);
	t->began_ns = clock_mono_ns();
}

/* Run a step; false when it failed.  action is what must be permitted for it. */
static bool
try_step(struct test *t, const char *name, const char *action, step_fn *step)
{
	struct err err = ERR_INIT;
	char detail[400] = "";
	if (step(t, detail, sizeof detail, &err) == ERR_OK) {
		tell(t, name, S3_WORKS, detail, NULL);
		return true;
	}
	bool is_denied = err.code == ERR_DENIED;
	t->is_denied = t->is_denied || is_denied;
	t->report->failed++;
	tell(t, name, S3_FAILS, err.msg, is_denied ? action : NULL);
	return false;
}

static void
not_tried(struct test *t, const char *name, const char *why)
{
	tell(t, name, S3_NOT_TRIED, why, NULL);
}

/* --- the steps --- */

/* Any answer of S3 will do: what it says comes later. */
static enum err_code
step_connect(struct test *t, char *detail, size_t size, struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	char date[64];
	struct tm tm = { 0 };
	struct s3_call call = { .method = "GET",
		.query = "list-type=2&max-keys=1&prefix=probe",
		.action = "s3:ListBucket" };
	enum err_code rc = s3_do(t->s, &call, &a, err);
	if (rc != ERR_OK && rc != ERR_DENIED)
		return err->code;
	bool is_secret = strcmp(t->s->at.scheme, "https") == 0;
	snprintf(detail, size, "%s%s, region %s, %s style", t->s->host,
	    is_secret ? " by TLS" : " WITHOUT TLS (what is stored is encrypted all the same)",
	    t->s->at.region, s3_address_is_virtual(&t->s->at) ? "virtual-host" : "path");
	if (web_header(&a, "date", date, sizeof date) != NULL &&
	    strptime(date, "%a, %d %b %Y %H:%M:%S", &tm) != NULL) {
		int64_t ahead = clock_wall_ns() / NS_PER_S - (int64_t)timegm(&tm);
		size_t n = strlen(detail);
		if (ahead > SKEW_REMARK_S || ahead < -SKEW_REMARK_S)
			snprintf(detail + n, size - n,
			    "; this host's clock is %lld s off: set it", (long long)ahead);
	}
	return ERR_OK;
}

static enum err_code
ignore_entry(void *arg, const struct store_entry *e, struct err *err)
{
	(void)e;
	(void)err;
	++*(unsigned *)arg;
	return ERR_OK;
}

static enum err_code
step_list(struct test *t, char *detail, size_t size, struct err *err)
{
	unsigned count = 0;
	if (s3_list(&t->s->store, "probe/", NULL, ignore_entry, &count, err))
		return err->code;
	if (count > 0)
		snprintf(detail, size, "probe/ holds objects of earlier tests: %u", count);
	return ERR_OK;
}

static enum err_code
step_put(struct test *t, char *detail, size_t size, struct err *err)
{
	(void)detail;
	(void)size;
	return s3_put_once(t->s, t->key, t->data, SMALL_SIZE, NULL, err);
}

static enum err_code
step_get(struct test *t, char *detail, size_t size, struct err *err)
{
	AUTO(bufv) struct buf out = BUF_INIT;
	(void)detail;
	(void)size;
	if (s3_get(&t->s->store, t->key, SMALL_SIZE, &out, err))
		return err->code;
	if (out.len != SMALL_SIZE || memcmp(out.data, t->data, SMALL_SIZE) != 0)
		return err_set(err, ERR_CORRUPT, "other bytes came back");
	return ERR_OK;
}

static enum err_code
step_range(struct test *t, char *detail, size_t size, struct err *err)
{
	uint8_t part[100];
	(void)detail;
	(void)size;
	if (s3_get_range(&t->s->store, t->key, 1000, part, sizeof part, err))
		return err->code;
	if (memcmp(part, t->data + 1000, sizeof part) != 0)
		return err_set(err, ERR_CORRUPT, "other bytes came back");
	return ERR_OK;
}

static enum err_code
step_seen(struct test *t, char *detail, size_t size, struct err *err)
{
	unsigned count = 0;
	if (s3_list(&t->s->store, t->key, NULL, ignore_entry, &count, err))
		return err->code;
	if (count == 0)
		return err_set(err, ERR_IO,
		    "what was put is not listed yet: say how late listings may be with "
		    "?lag=SECONDS in the address");
	snprintf(detail, size, "what was put is listed at once");
	return ERR_OK;
}

static enum err_code
step_parts(struct test *t, char *detail, size_t size, struct err *err)
{
	char key[STORE_KEY_MAX];
	uint64_t was = t->s->part_size;
	uint64_t got = 0;
	(void)detail;
	(void)size;
	snprintf(key, sizeof key, "%sx", t->key);
	t->s->part_size = PART_SIZE;
	enum err_code rc = s3_put_parts(t->s, key, t->data, LARGE_SIZE, err);
	t->s->part_size = was;
	if (rc != ERR_OK || s3_size(&t->s->store, key, &got, err))
		return err->code;
	if (got != LARGE_SIZE)
		return err_set(err, ERR_CORRUPT, "the parts became an object of %llu bytes",
		    (unsigned long long)got);
	/* Whether deleting is allowed is told by itself. */
	if (s3_delete(&t->s->store, key, err) && err->code != ERR_DENIED)
		return err->code;
	return ERR_OK;
}

static enum err_code
step_delete(struct test *t, char *detail, size_t size, struct err *err)
{
	uint64_t got;
	(void)detail;
	(void)size;
	if (s3_delete(&t->s->store, t->key, err))
		return err->code;
	if (s3_size(&t->s->store, t->key, &got, err) == ERR_OK)
		return err_set(err, ERR_IO, "what was deleted is there still");
	return err->code == ERR_NOT_FOUND ? ERR_OK : err->code;
}

/* --- remarks: what a repository can do without --- */

static void
remark_conditional(struct test *t)
{
	struct err err = ERR_INIT;
	if (s3_probe(t->s, &err))
		tell(t, "no replace", S3_REMARK, err.msg, NULL);
	else if (atomic_load(&t->s->conditional) == S3_CONDITIONAL_HONOURED)
		tell(t, "no replace", S3_WORKS, "conditional puts are honoured", NULL);
	else
		tell(t, "no replace", S3_REMARK,
		    "no conditional puts here: two 'init' at the same moment and place would "
		    "not notice each other; all else is safe, since names are hashes",
		    NULL);
}

static void
remark_uploads(struct test *t)
{
	struct err err = ERR_INIT;
	struct s3_upload first;
	char text[400];
	unsigned count = 0;
	if (s3_list_uploads(t->s, "", &count, &first, &err)) {
		snprintf(text, sizeof text, "cannot be told: %.350s", err.msg);
		tell(t, "uploads", S3_REMARK, text, NULL);
	} else if (count > 0) {
		snprintf(text, sizeof text,
		    "unfinished uploads take space: %u, of %.150s; a lifecycle rule can abort "
		    "such",
		    count, first.key);
		tell(t, "uploads", S3_REMARK, text, NULL);
	} else {
		tell(t, "uploads", S3_WORKS, "none is unfinished", NULL);
	}
}

static void
remark_encryption(struct test *t)
{
	if (strcmp(t->s->at.scheme, "https") == 0)
		tell(t, "TLS", S3_WORKS, "the server's certificate is trusted", NULL);
	else
		tell(t, "TLS", S3_REMARK,
		    "none: names and sizes of objects can be read on the way, their bytes are "
		    "encrypted",
		    NULL);
}

/* --- all of them --- */

static void
try_object(struct test *t)
{
	if (!try_step(t, "put", "s3:PutObject", step_put)) {
		static const char *const names[] = { "get", "range", "seen", "parts",
			"delete" };
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			not_tried(t, names[i], "there is nothing to try it with");
		return;
	}
	try_step(t, "get", "s3:GetObject", step_get);
	try_step(t, "range", "s3:GetObject", step_range);
	try_step(t, "seen", "s3:ListBucket", step_seen);
	remark_conditional(t);
	try_step(t, "parts", "s3:PutObject, s3:AbortMultipartUpload", step_parts);
	try_step(t, "delete", "s3:DeleteObject", step_delete);
}

static enum err_code
make_policy(const struct s3 *s, char **out, struct err *err)
{
	return str_printf(out, err,
	    "{\n"
	    "  \"Version\": \"2012-10-17\",\n"
	    "  \"Statement\": [\n"
	    "    {\"Effect\": \"Allow\",\n"
	    "     \"Action\": [\"s3:ListBucket\", \"s3:ListBucketMultipartUploads\"],\n"
	    "     \"Resource\": \"arn:aws:s3:::%s\"},\n"
	    "    {\"Effect\": \"Allow\",\n"
	    "     \"Action\": [\"s3:GetObject\", \"s3:PutObject\", \"s3:DeleteObject\",\n"
	    "                \"s3:AbortMultipartUpload\"],\n"
	    "     \"Resource\": \"arn:aws:s3:::%s/%s*\"}\n"
	    "  ]\n"
	    "}",
	    s->at.bucket, s->at.bucket, s->at.prefix);
}

static enum err_code
prepare(struct test *t, struct err *err)
{
	uint8_t salt[8];
	char hex[17];
	if (t->data == NULL)
		return err_nomem(err);
	if (rand_bytes(salt, sizeof salt, err) || rand_bytes(t->data, LARGE_SIZE, err))
		return err->code;
	hex_encode(hex, salt, sizeof salt);
	snprintf(t->key, sizeof t->key, "probe/%s", hex);
	t->began_ns = clock_mono_ns();
	return ERR_OK;
}

enum err_code
store_test_s3(const struct store_s3_options *opt, s3_step_fn *fn, void *arg,
    struct s3_report *report, struct err *err)
{
	AUTO(s3) struct s3 *s = NULL;
	AUTO(mem) uint8_t *data = malloc(LARGE_SIZE);
	struct test t = { .fn = fn, .arg = arg, .report = report, .data = data };
	if (s3_open(&s, opt, err) || prepare(&t, err) ||
	    str_dup(&report->location, s->location, err))
		return err->code;
	t.s = s;
	if (!try_step(&t, "connect", "s3:ListBucket", step_connect))
		return ERR_OK; /* nothing else would work either */
	remark_encryption(&t);
	try_step(&t, "list", "s3:ListBucket", step_list);
	try_object(&t);
	remark_uploads(&t);
	return t.is_denied ? make_policy(s, &report->policy, err) : ERR_OK;
}

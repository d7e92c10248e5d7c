/*
 * What a server answers when it does not do what was asked, as an error that
 * says what to do.  Codes: "Error responses", Amazon S3 API Reference.
 */
#include "store/s3_impl.h"

#include "net/xml.h"
#include "sys/clock.h"

#include <stdlib.h>
#include <string.h>

struct meaning {
	const char *code;
	enum err_code err;
	const char *advice; /* NULL: what the server says, as it is */
};

/* Those about who asks are not ERR_DENIED: another try with the same rights is no use, and the
 * store is not read-only. */
static const struct meaning meanings[] = {
	{ "NoSuchKey", ERR_NOT_FOUND, "no such object" },
	{ "PreconditionFailed", ERR_EXISTS, "object exists already" },
	{ "InvalidRange", ERR_CORRUPT, "ends early" },
	{ "ConditionalRequestConflict", ERR_TRANSIENT, NULL },
	{ "OperationAborted", ERR_TRANSIENT, NULL },
	{ "SlowDown", ERR_TRANSIENT, "the server asks to go slower (SlowDown)" },
	{ "SlowDownRead", ERR_TRANSIENT, "the server asks to go slower (SlowDownRead)" },
	{ "SlowDownWrite", ERR_TRANSIENT, "the server asks to go slower (SlowDownWrite)" },
	{ "RequestTimeout", ERR_TRANSIENT, NULL },
	{ "InternalError", ERR_TRANSIENT, NULL },
	{ "ServiceUnavailable", ERR_TRANSIENT, NULL },
	{ "IncompleteBody", ERR_TRANSIENT, NULL },
	{ "XAmzContentSHA256Mismatch", ERR_CORRUPT,
	    "the data is not what its name says, or was changed on its way (the server found "
	    "another SHA-256)" },
	{ "BadDigest", ERR_CORRUPT, "the data was changed on its way (BadDigest)" },
	/* The end of an upload was carried out, and asked for again since its answer was lost.
	 */
	{ "NoSuchUpload", ERR_TRANSIENT, "the upload is over already, or was aborted" },
	{ "NoSuchBucket", ERR_IO,
	    "there is no such bucket: make it first, or mend the address" },
	{ "InvalidBucketName", ERR_USAGE, "the server does not take this bucket's name" },
	{ "InvalidAccessKeyId", ERR_IO,
	    "the server does not know this access key (InvalidAccessKeyId)" },
	{ "SignatureDoesNotMatch", ERR_IO,
	    "the secret key does not fit the access key, or a proxy changes requests "
	    "(SignatureDoesNotMatch)" },
	{ "ExpiredToken", ERR_IO,
	    "the credentials have expired (ExpiredToken): get new ones, and run it again: it "
	    "goes on from what was uploaded" },
	{ "ExpiredTokenException", ERR_IO,
	    "the credentials have expired: get new ones, and run it again: it goes on from "
	    "what was uploaded" },
	{ "TokenRefreshRequired", ERR_IO, "the credentials must be renewed" },
	{ "InvalidToken", ERR_IO,
	    "the session token is not valid (InvalidToken): is AWS_SESSION_TOKEN of the same "
	    "login as the keys?" },
	{ "AccountProblem", ERR_IO, NULL },
	{ "NotImplemented", ERR_UNSUPPORTED, NULL },
	{ "InvalidObjectState", ERR_IO,
	    "the object is in an archive (Glacier) and must be restored there first; keep a "
	    "lifecycle rule from moving a repository's objects" },
	{ "EntityTooLarge", ERR_UNSUPPORTED,
	    "the server does not take objects of this size by one request: add ?part-size=8 to "
	    "the address" },
	{ "QuotaExceeded", ERR_IO, "the bucket's quota is used up (QuotaExceeded)" },
	{ "XMinioStorageFull", ERR_IO, "the server's disks are full" },
};

static const char *const of_login[] = { "InvalidAccessKeyId", "SignatureDoesNotMatch",
	"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired" };

bool
s3_xml_text(const struct web_answer *a, const char *path, char *out, size_t size)
{
	struct xml x;
	struct err scratch; /* what is not XML has no such text */
	enum xml_event event;
	xml_init(&x, a->body.len > 0 ? (const char *)a->body.data : "", a->body.len);
	while (xml_next(&x, &event, &scratch) == ERR_OK && event != XML_DONE)
		if (event == XML_TEXT && xml_is(&x, path)) {
			snprintf(out, size, "%s", x.text);
			return true;
		}
	return false;
}

/* It goes to terminals: nothing but plain characters. */
static void
make_plain(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f)
			*s = '?';
}

void
s3_error_parse(struct s3_error *e, struct web_answer *a)
{
	*e = (struct s3_error){ .code = "" };
	s3_xml_text(a, "Error/Code", e->code, sizeof e->code);
	s3_xml_text(a, "Error/Message", e->message, sizeof e->message);
	if (web_header(a, "x-amz-bucket-region", e->region, sizeof e->region) == NULL)
		s3_xml_text(a, "Error/Region", e->region, sizeof e->region);
	make_plain(e->code);
	make_plain(e->message);
	make_plain(e->region);
}

/* "Sat, 21 Nov 2026 12:30:05 GMT", in seconds since 1970. */
static bool
parse_date(const char *text, int64_t *out_s)
{
	struct tm tm = { 0 };
	if (strptime(text, "%a, %d %b %Y %H:%M:%S", &tm) == NULL)
		return false;
	*out_s = (int64_t)timegm(&tm);
	return true;
}

/* What the server's clock says; false when it does not tell. */
static bool
server_clock(struct web_answer *a, int64_t *out_s)
{
	char date[64];
	return web_header(a, "date", date, sizeof date) != NULL && parse_date(date, out_s);
}

/* RFC 9110, 10.2.3: a number of seconds, or a date; that is by the server's clock. */
int64_t
s3_error_retry_after_s(struct web_answer *a)
{
	char text[64];
	int64_t then_s;
	int64_t now_s = clock_wall_ns() / NS_PER_S;
	if ((a->status != 503 && a->status != 429) ||
	    web_header(a, "retry-after", text, sizeof text) == NULL)
		return 0;
	size_t digits = strspn(text, "0123456789");
	if (digits > 0 && digits <= 9 && text[digits] == '\0')
		return strtoll(text, NULL, 10);
	if (!parse_date(text, &then_s))
		return 0;
	(void)server_clock(a, &now_s);
	return then_s > now_s ? then_s - now_s : 0;
}

bool
s3_error_is_of_login(const struct s3_error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(of_login); i++)
		if (strcmp(e->code, of_login[i]) == 0)
			return true;
	return false;
}

static enum err_code
wrong_region(const struct s3 *s, const struct s3_error *e, struct err *err)
{
	if (e->region[0] == '\0')
		return err_set(err, ERR_USAGE,
		    "%s is not this bucket's region (%s): say which with ?region=REGION in the "
		    "address, or AWS_REGION",
		    s->at.region, e->message);
	return err_set(err, ERR_USAGE,
	    "the bucket is in region %s, not %s: say so with ?region=%s in the address, or "
	    "AWS_REGION=%s, and use that region's endpoint",
	    e->region, s->at.region, e->region, e->region);
}

static enum err_code
wrong_clock(struct web_answer *a, struct err *err)
{
	int64_t there_s;
	if (!server_clock(a, &there_s))
		return err_set(err, ERR_IO,
		    "this host's clock and the server's differ too much: set the clock");
	int64_t ahead_s = clock_wall_ns() / NS_PER_S - there_s;
	return err_set(err, ERR_IO,
	    "this host's clock is %lld s %s the server's: set it (RequestTimeTooSkewed)",
	    (long long)(ahead_s < 0 ? -ahead_s : ahead_s), ahead_s < 0 ? "behind" : "ahead of");
}

static enum err_code
denied(const struct s3 *s, const struct s3_call *c, struct err *err)
{
	return err_set(err, ERR_DENIED,
	    "access denied: these credentials may not %s on %s/%s ('stacksnap store test' "
	    "tells "
	    "what they may, and which policy it takes)",
	    c->action, s->at.bucket, s->at.prefix);
}

/* Codes that are missing, or unknown: by the status. */
static enum err_code
by_status(const struct s3_error *e, int status, struct err *err)
{
	enum err_code code = status >= 500 || status == 429 || status == 408 ? ERR_TRANSIENT
			     : status == 412                                 ? ERR_EXISTS
			     : status == 413                                 ? ERR_UNSUPPORTED
									     : ERR_IO;
	if (e->code[0] != '\0')
		return err_set(
		    err, code, "the server says %s: %s (HTTP %d)", e->code, e->message, status);
	if (status == 413)
		return err_set(err, code,
		    "the server, or a proxy before it, does not take requests of this size: "
		    "add ?part-size=8 to the address");
	if (status >= 300 && status < 400)
		return err_set(err, ERR_USAGE,
		    "the server leads elsewhere (HTTP %d), which is not followed: is that the "
		    "address of an S3 endpoint?",
		    status);
	if (status == 404)
		return err_set(err, code,
		    "HTTP 404 without a reason: is that the address of an S3 endpoint?");
	return err_set(err, code, "the server says HTTP %d", status);
}

enum err_code
s3_error_set(const struct s3 *s, const struct s3_call *call, const struct s3_error *e,
    struct web_answer *a, const char *login, struct err *err)
{
	if (strcmp(e->code, "AccessDenied") == 0 || strcmp(e->code, "AllAccessDisabled") == 0)
		return denied(s, call, err);
	if (strcmp(e->code, "RequestTimeTooSkewed") == 0)
		return wrong_clock(a, err);
	if (strcmp(e->code, "AuthorizationHeaderMalformed") == 0 ||
	    strcmp(e->code, "PermanentRedirect") == 0 ||
	    strcmp(e->code, "TemporaryRedirect") == 0 ||
	    strcmp(e->code, "IllegalLocationConstraintException") == 0)
		return wrong_region(s, e, err);
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
		const struct meaning *m = &meanings[i];
		if (strcmp(e->code, m->code) != 0)
			continue;
		if (m->advice == NULL)
			return err_set(
			    err, m->err, "the server says %s: %s", e->code, e->message);
		err_set(err, m->err, "%s", m->advice);
		return s3_error_is_of_login(e) ? err_wrap(err, "with %s", login) : err->code;
	}
	return by_status(e, a->status, err);
}

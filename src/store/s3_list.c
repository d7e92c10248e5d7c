/*
 * Listings, page by page (ListObjectsV2).
 */
#include "store/s3_impl.h"

#include "net/xml.h"
#include "sys/clock.h"

#include <string.h>

#define PAGE_MAX 1000

struct page {
	const struct s3 *s;
	struct store_entry *entries; /* PAGE_MAX */
	size_t count;
	char last[XML_TEXT_MAX]; /* the last key as it stands there, ours or not */
	char next[XML_TEXT_MAX]; /* NextContinuationToken; "" */
	bool is_truncated;
	bool has_moved; /* last is another one than before this page */
	/* Of the record that is being read: */
	char key[XML_TEXT_MAX];
	uint64_t size;
	int64_t modified_ns;
};

static void
page_free(struct page *p)
{
	if (p == NULL)
		return;
	free(p->entries);
	free(p);
}
AUTO_FREE(page, struct page *, page_free)

/* "2026-11-21T12:30:05.123Z" */
static int64_t
parse_time(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest == NULL)
		return 0;
	int64_t ns = (int64_t)timegm(&tm) * NS_PER_S;
	if (*rest == '.') {
		int64_t unit = NS_PER_S / 10;
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
			ns += (*rest - '0') * unit;
	}
	return ns;
}

/* A record is over: an object of ours, or something else that lies there. */
static enum err_code
add_entry(struct page *p, struct err *err)
{
	size_t n = strlen(p->s->at.prefix);
	if (strcmp(p->key, p->last) <= 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "the server does not list in order of keys: %.60s comes behind %.60s",
		    p->key, p->last);
	memcpy(p->last, p->key, sizeof p->last);
	p->has_moved = true;
	if (!str_starts(p->key, p->s->at.prefix) || !store_key_is_valid(p->key + n))
		return ERR_OK;
	if (p->count == PAGE_MAX)
		return err_set(
		    err, ERR_UNSUPPORTED, "a page of more than %d objects", PAGE_MAX);
	struct store_entry *e = &p->entries[p->count++];
	snprintf(e->key, sizeof e->key, "%s", p->key + n);
	e->size = p->size;
	e->modified_ns = p->modified_ns;
	return ERR_OK;
}

static void
take_text(struct page *p, const struct xml *x)
{
	if (xml_is(x, "ListBucketResult/Contents/Key"))
		memcpy(p->key, x->text, x->text_len + 1);
	else if (xml_is(x, "ListBucketResult/Contents/Size"))
		p->size = strtoull(x->text, NULL, 10);
	else if (xml_is(x, "ListBucketResult/Contents/LastModified"))
		p->modified_ns = parse_time(x->text);
	else if (xml_is(x, "ListBucketResult/IsTruncated"))
		p->is_truncated = strcmp(x->text, "true") == 0;
	else if (xml_is(x, "ListBucketResult/NextContinuationToken"))
		memcpy(p->next, x->text, x->text_len + 1);
}

static enum err_code
parse_page(struct page *p, const struct buf *body, struct err *err)
{
	struct xml x;
	enum xml_event event;
	bool is_listing = false;
	xml_init(&x, body->len > 0 ? (const char *)body->data : "", body->len);
	for (;;) {
		if (xml_next(&x, &event, err)) {
			/* Cut off, or changed on its way: it is asked for again. */
			err->code = ERR_TRANSIENT;
			return err_wrap(err, "the listing");
		}
		if (event == XML_DONE)
			break;
		is_listing = is_listing || str_starts(x.path, "ListBucketResult");
		if (event == XML_TEXT) {
			take_text(p, &x);
		} else if (xml_is(&x, "ListBucketResult/Contents")) {
			if (add_entry(p, err))
				return err->code;
			p->size = 0;
			p->modified_ns = 0;
		}
	}
	return is_listing ? ERR_OK
			  : err_set(err, ERR_IO, "the server does not answer with a listing");
}

static enum err_code
make_query(const struct page *p, const char *prefix, const char *after, struct buf *out,
    struct err *err)
{
	bool goes_on = p->next[0] != '\0';
	const char *start = p->last[0] != '\0' ? p->last : NULL;
	if (buf_str(out, "list-type=2&prefix=", err) ||
	    sigv4_encode(out, p->s->at.prefix, false, err) ||
	    sigv4_encode(out, prefix, false, err))
		return err->code;
	if (goes_on)
		return buf_str(out, "&continuation-token=", err)
			   ? err->code
			   : sigv4_encode(out, p->next, false, err);
	if (start == NULL && after == NULL)
		return ERR_OK;
	if (buf_str(out, "&start-after=", err))
		return err->code;
	if (start != NULL) /* truncated, and no token: where it ended */
		return sigv4_encode(out, start, false, err);
	return sigv4_encode(out, p->s->at.prefix, false, err)
		   ? err->code
		   : sigv4_encode(out, after, false, err);
}

static enum err_code
fetch_page(struct s3 *s, struct page *p, const char *prefix, const char *after, struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	AUTO(bufv) struct buf query = BUF_INIT;
	if (make_query(p, prefix, after, &query, err))
		return err->code;
	struct s3_call call = {
		.method = "GET", .query = buf_cstr(&query), .action = "s3:ListBucket"
	};
	if (call.query == NULL)
		return err_nomem(err);
	if (s3_do(s, &call, &a, err))
		return err->code;
	p->count = 0;
	p->next[0] = '\0';
	p->is_truncated = false;
	p->has_moved = false;
	return parse_page(p, &a.body, err);
}

enum err_code
s3_list(struct store *store, const char *prefix, const char *after, store_entry_fn *fn,
    void *arg, struct err *err)
{
	struct s3 *s = s3_of(store);
	AUTO(page) struct page *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	p->s = s;
	p->entries = calloc(PAGE_MAX, sizeof *p->entries);
	if (p->entries == NULL)
		return err_nomem(err);
	do {
		if (fetch_page(s, p, prefix, after, err))
			return err_wrap(err, "%s: list %s", s->location, prefix);
		for (size_t i = 0; i < p->count; i++) {
			const struct store_entry *e = &p->entries[i];
			if (after != NULL && strcmp(e->key, after) <= 0)
				continue;
			if (fn(arg, e, err))
				return err->code;
		}
		if (p->is_truncated && !p->has_moved)
			return err_set(err, ERR_UNSUPPORTED,
			    "%s: list %s: the server gives an empty page and says there is "
			    "more",
			    s->location, prefix);
	} while (p->is_truncated);
	return ERR_OK;
}

static enum err_code
parse_uploads(const struct s3 *s, const struct buf *body, unsigned *count,
    struct s3_upload *first, struct err *err)
{
	struct xml x;
	enum xml_event event;
	size_t n = strlen(s->at.prefix);
	*count = 0;
	xml_init(&x, body->len > 0 ? (const char *)body->data : "", body->len);
	do {
		if (xml_next(&x, &event, err)) {
			err->code = ERR_TRANSIENT;
			return err_wrap(err, "the list of uploads");
		}
		if (event == XML_END && xml_is(&x, "ListMultipartUploadsResult/Upload"))
			++*count;
		if (event != XML_TEXT || *count > 0)
			continue;
		if (xml_is(&x, "ListMultipartUploadsResult/Upload/Key") &&
		    str_starts(x.text, s->at.prefix))
			snprintf(first->key, sizeof first->key, "%.*s", STORE_KEY_MAX - 1,
			    x.text + n);
		else if (xml_is(&x, "ListMultipartUploadsResult/Upload/UploadId"))
			snprintf(first->id, sizeof first->id, "%.*s", (int)sizeof first->id - 1,
			    x.text);
	} while (event != XML_DONE);
	return ERR_OK;
}

enum err_code
s3_list_uploads(
    struct s3 *s, const char *prefix, unsigned *count, struct s3_upload *first, struct err *err)
{
	AUTO(web_answer) struct web_answer a = WEB_ANSWER_INIT;
	AUTO(bufv) struct buf query = BUF_INIT;
	if (buf_str(&query, "uploads=&prefix=", err) ||
	    sigv4_encode(&query, s->at.prefix, false, err) ||
	    sigv4_encode(&query, prefix, false, err))
		return err->code;
	struct s3_call call = { .method = "GET",
		.query = buf_cstr(&query),
		.action = "s3:ListBucketMultipartUploads" };
	if (call.query == NULL)
		return err_nomem(err);
	*first = (struct s3_upload){ .key = "" };
	return s3_do(s, &call, &a, err) ? err->code
					: parse_uploads(s, &a.body, count, first, err);
}

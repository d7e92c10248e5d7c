#include "net/web.h"

#include "base/log.h"
#include "net/curl.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#define CONNECT_MS 15000
#define STALL_S 60
#define IDLE_MAX 16
#define HEADERS_MAX ((size_t)64 << 10)
#define BUFFER_SIZE (512L << 10)

struct web {
	const struct curl *curl;
	pthread_mutex_t lock; /* guards idle */
	CURL *idle[IDLE_MAX];
	size_t n_idle;
	pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];
	CURLSH *share; /* names looked up, TLS sessions */
	char *ca_file;
	const struct cancel *cancel;
	unsigned connect_ms;
	unsigned stall_s;
	bool is_direct;
};

/* One request under way. */
struct transfer {
	const struct web *web;
	const struct web_call *call;
	struct web_answer *answer;
	const struct cancel *cancel; /* NULL when it was raised before */
	size_t sent;
	struct err err; /* what a callback found */
	char why[CURL_ERROR_SIZE];
};

/* --- the client --- */

static void
share_lock(CURL *h, curl_lock_data data, curl_lock_access access, void *arg)
{
	(void)h;
	(void)access;
	pthread_mutex_lock(&((struct web *)arg)->share_locks[data]);
}

static void
share_unlock(CURL *h, curl_lock_data data, void *arg)
{
	(void)h;
	pthread_mutex_unlock(&((struct web *)arg)->share_locks[data]);
}

void
web_close(struct web *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n_idle; i++)
		w->curl->easy_cleanup(w->idle[i]);
	if (w->share != NULL)
		w->curl->share_cleanup(w->share);
	for (size_t i = 0; i < ARRAY_LEN(w->share_locks); i++)
		pthread_mutex_destroy(&w->share_locks[i]);
	pthread_mutex_destroy(&w->lock);
	free(w->ca_file);
	free(w);
}

enum err_code
web_open(struct web **out, const struct web_options *opt, struct err *err)
{
	AUTO(web) struct web *w = calloc(1, sizeof *w);
	if (w == NULL)
		return err_nomem(err);
	pthread_mutex_init(&w->lock, NULL);
	for (size_t i = 0; i < ARRAY_LEN(w->share_locks); i++)
		pthread_mutex_init(&w->share_locks[i], NULL);
	w->cancel = opt->cancel;
	w->connect_ms = opt->connect_ms > 0 ? opt->connect_ms : CONNECT_MS;
	w->stall_s = opt->stall_s > 0 ? opt->stall_s : STALL_S;
	w->is_direct = opt->is_direct;
	if (curl_load(&w->curl, err))
		return err->code;
	w->share = w->curl->share_init();
	if (w->share == NULL)
		return err_nomem(err);
	w->curl->share_setopt(w->share, CURLSHOPT_LOCKFUNC, share_lock);
	w->curl->share_setopt(w->share, CURLSHOPT_UNLOCKFUNC, share_unlock);
	w->curl->share_setopt(w->share, CURLSHOPT_USERDATA, w);
	w->curl->share_setopt(w->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	w->curl->share_setopt(w->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	if (opt->ca_file != NULL && str_dup(&w->ca_file, opt->ca_file, err))
		return err->code;
	*out = TAKE(w);
	return ERR_OK;
}

/* A handle keeps its connections from one request to the next. */
static CURL *
borrow(struct web *w)
{
	CURL *h = NULL;
	pthread_mutex_lock(&w->lock);
	if (w->n_idle > 0)
		h = w->idle[--w->n_idle];
	pthread_mutex_unlock(&w->lock);
	return h != NULL ? h : w->curl->easy_init();
}

static void
give_back(struct web *w, CURL *h)
{
	w->curl->easy_reset(h);
	pthread_mutex_lock(&w->lock);
	bool has_room = w->n_idle < IDLE_MAX;
	if (has_room)
		w->idle[w->n_idle++] = h;
	pthread_mutex_unlock(&w->lock);
	if (!has_room)
		w->curl->easy_cleanup(h);
}

/* --- what libcurl calls --- */

static size_t
take_header(char *line, size_t one, size_t len, void *arg)
{
	struct transfer *t = arg;
	struct buf *headers = &t->answer->headers;
	(void)one;
	if (len > 5 && memcmp(line, "HTTP/", 5) == 0) {
		/* The head of an answer: an interim one (100) may have been before. */
		const char *space = memchr(line, ' ', len);
		t->answer->status = space != NULL ? (int)strtol(space, NULL, 10) : 0;
		headers->len = 0;
		return len;
	}
	size_t n = len;
	while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n'))
		n--;
	const char *colon = memchr(line, ':', n);
	if (colon == NULL)
		return len;
	if (headers->len + n > HEADERS_MAX) {
		err_set(&t->err, ERR_IO, "the server answers with too many headers");
		return 0;
	}
	size_t start = headers->len;
	if (buf_add(headers, line, n, &t->err) || buf_u8(headers, '\n', &t->err))
		return 0;
	for (size_t i = 0; i < (size_t)(colon - line); i++)
		headers->data[start + i] = (uint8_t)tolower(headers->data[start + i]);
	return len;
}

/* All of it is wanted: room for it at once, not by doubling. */
static enum err_code
reserve_whole(const struct curl *curl, CURL *h, struct buf *into, size_t max, struct err *err)
{
	curl_off_t whole = -1;
	if (curl->easy_getinfo(h, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &whole) != CURLE_OK ||
	    whole < 0 || (uint64_t)whole > max)
		return ERR_OK;
	return buf_reserve(into, (size_t)whole + 1, err);
}

struct sink {
	struct transfer *t;
	CURL *handle;
};

static size_t
take_body(char *data, size_t one, size_t len, void *arg)
{
	struct sink *s = arg;
	struct transfer *t = s->t;
	struct web_answer *a = t->answer;
	const struct web_call *c = t->call;
	bool is_good = a->status >= 200 && a->status < 300;
	uint64_t before = a->received;
	enum err_code rc = ERR_OK;
	(void)one;
	a->received += len;
	if (is_good && c->fixed != NULL) {
		a->is_too_large = a->received > c->fixed_len;
		if (!a->is_too_large)
			memcpy(c->fixed + before, data, len);
	} else if (is_good && c->into != NULL) {
		a->is_too_large = a->received > c->max;
		if (before == 0 && !a->is_too_large)
			rc = reserve_whole(t->web->curl, s->handle, c->into, c->max, &t->err);
		if (rc == ERR_OK && !a->is_too_large)
			rc = buf_add(c->into, data, len, &t->err);
	} else {
		a->is_too_large = a->received > WEB_BODY_MAX;
		if (!a->is_too_large)
			rc = buf_add(&a->body, data, len, &t->err);
	}
	return rc == ERR_OK && !a->is_too_large ? len : 0;
}

static size_t
give_body(char *out, size_t one, size_t room, void *arg)
{
	struct transfer *t = arg;
	size_t n = min_size(one * room, t->call->body_len - t->sent);
	memcpy(out, (const uint8_t *)t->call->body + t->sent, n);
	t->sent += n;
	return n;
}

/* A kept connection turned out to be dead: libcurl takes another, and begins again. */
static int
seek_body(void *arg, curl_off_t offset, int origin)
{
	struct transfer *t = arg;
	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > t->call->body_len)
		return CURL_SEEKFUNC_FAIL;
	t->answer->is_resent = t->answer->is_resent || t->sent > 0;
	t->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int
heed_cancel(void *arg, curl_off_t dl_all, curl_off_t dl, curl_off_t ul_all, curl_off_t ul)
{
	const struct transfer *t = arg;
	(void)dl_all;
	(void)dl;
	(void)ul_all;
	(void)ul;
	return cancel_is_raised(t->cancel) ? 1 : 0;
}

/* --- one request --- */

static void
set_up(CURL *h, struct transfer *t, struct sink *sink)
{
	const struct web *w = t->web;
	const struct curl *curl = w->curl;
	const struct web_call *c = t->call;
	curl->easy_setopt(h, CURLOPT_URL, c->url);
	curl->easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl->easy_setopt(h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl->easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
	curl->easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(h, CURLOPT_SHARE, w->share);
	curl->easy_setopt(h, CURLOPT_MAXCONNECTS, 2L);
	curl->easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
	curl->easy_setopt(h, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	curl->easy_setopt(h, CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_SIZE);
	curl->easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)w->connect_ms);
	curl->easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl->easy_setopt(h, CURLOPT_LOW_SPEED_TIME, (long)w->stall_s);
	curl->easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl->easy_setopt(h, CURLOPT_ERRORBUFFER, t->why);
	curl->easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header);
	curl->easy_setopt(h, CURLOPT_HEADERDATA, t);
	curl->easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
	curl->easy_setopt(h, CURLOPT_WRITEDATA, sink);
	curl->easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	curl->easy_setopt(h, CURLOPT_XFERINFOFUNCTION, heed_cancel);
	curl->easy_setopt(h, CURLOPT_XFERINFODATA, t);
	if (w->ca_file != NULL)
		curl->easy_setopt(h, CURLOPT_CAINFO, w->ca_file);
	if (w->is_direct)
		curl->easy_setopt(h, CURLOPT_NOPROXY, "*");
	if (strcmp(c->method, "POST") == 0) {
		curl->easy_setopt(h, CURLOPT_POST, 1L);
		curl->easy_setopt(h, CURLOPT_POSTFIELDS, c->body != NULL ? c->body : "");
		curl->easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_len);
	} else if (strcmp(c->method, "PUT") == 0) {
		curl->easy_setopt(h, CURLOPT_UPLOAD, 1L);
		curl->easy_setopt(h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)c->body_len);
		curl->easy_setopt(h, CURLOPT_READFUNCTION, give_body);
		curl->easy_setopt(h, CURLOPT_READDATA, t);
		curl->easy_setopt(h, CURLOPT_SEEKFUNCTION, seek_body);
		curl->easy_setopt(h, CURLOPT_SEEKDATA, t);
	} else if (strcmp(c->method, "GET") != 0) {
		curl->easy_setopt(h, CURLOPT_CUSTOMREQUEST, c->method);
	}
}

static enum err_code
add_headers(const struct curl *curl, const struct strv *headers, struct curl_slist **list,
    struct err *err)
{
	/* Not asked for: waiting for "100 Continue", and a type that libcurl would make up. */
	static const char *const none[] = { "Expect:", "Content-Type:", "Accept:" };
	for (size_t i = 0; i < ARRAY_LEN(none) + (headers != NULL ? headers->len : 0); i++) {
		const char *line =
		    i < ARRAY_LEN(none) ? none[i] : headers->items[i - ARRAY_LEN(none)];
		struct curl_slist *longer = curl->slist_append(*list, line);
		if (longer == NULL)
			return err_nomem(err);
		*list = longer;
	}
	return ERR_OK;
}

static enum err_code
failed(const struct transfer *t, CURLcode code, struct err *err)
{
	const struct web *w = t->web;
	const char *why = t->why[0] != '\0' ? t->why : w->curl->easy_strerror(code);
	if (t->err.code != ERR_OK) {
		*err = t->err;
		return err->code;
	}
	switch (code) {
	case CURLE_ABORTED_BY_CALLBACK:
		return err_set(err, ERR_CANCELLED, "stopped");
	case CURLE_OUT_OF_MEMORY:
		return err_nomem(err);
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(err, ERR_USAGE, "%s: cannot be read as certificates in PEM form",
		    w->ca_file != NULL ? w->ca_file : "the system's authorities");
	case CURLE_PEER_FAILED_VERIFICATION:
		return err_set(err, ERR_IO,
		    "the server's certificate is not trusted (%s): if it is signed by an "
		    "authority of your own, name that with --cacert FILE",
		    why);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return err_set(err, ERR_USAGE, "%s", why);
	case CURLE_WEIRD_SERVER_REPLY:
		return err_set(err, ERR_IO, "the server does not speak HTTP (%s)", why);
	default:
		return err_set(err, ERR_TRANSIENT, "%s", why);
	}
}

void
web_answer_release(struct web_answer *a)
{
	buf_release(&a->headers);
	buf_release(&a->body);
	*a = (struct web_answer)WEB_ANSWER_INIT;
}

const char *
web_header(struct web_answer *a, const char *name, char *out, size_t size)
{
	if (a->headers.len == 0)
		return NULL;
	size_t n = strlen(name);
	const char *p = (const char *)a->headers.data;
	const char *end = p + a->headers.len;
	while (p < end) {
		const char *line_end = memchr(p, '\n', (size_t)(end - p));
		if ((size_t)(line_end - p) > n && memcmp(p, name, n) == 0 && p[n] == ':') {
			p += n + 1;
			while (p < line_end && *p == ' ')
				p++;
			snprintf(out, size, "%.*s", (int)(line_end - p), p);
			return out;
		}
		p = line_end + 1;
	}
	return NULL;
}

static void
note_size(const struct curl *curl, CURL *h, struct web_answer *a)
{
	curl_off_t whole = -1;
	char scratch[32];
	const char *coding = web_header(a, "transfer-encoding", scratch, sizeof scratch);
	a->is_sized =
	    coding != NULL ||
	    (curl->easy_getinfo(h, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &whole) == CURLE_OK &&
		whole >= 0);
}

enum err_code
web_do(struct web *w, const struct web_call *call, struct web_answer *a, struct err *err)
{
	web_answer_release(a);
	struct transfer t = {
		.web = w,
		.call = call,
		.answer = a,
		.cancel = cancel_is_raised(w->cancel) ? NULL : w->cancel,
	};
	size_t before = call->into != NULL ? call->into->len : 0;
	CURL *h = borrow(w);
	if (h == NULL)
		return err_nomem(err);
	struct sink sink = { &t, h };
	struct curl_slist *list = NULL;
	enum err_code rc = add_headers(w->curl, call->headers, &list, err);
	if (rc == ERR_OK) {
		set_up(h, &t, &sink);
		w->curl->easy_setopt(h, CURLOPT_HTTPHEADER, list);
		CURLcode code = w->curl->easy_perform(h);
		log_debug("%s %s: %d, HTTP %d", call->method, call->url, (int)code, a->status);
		/* A server that refuses need not read the body: then sending it fails. */
		bool is_refused = a->status >= 300 && t.sent < call->body_len;
		if (code != CURLE_OK && !a->is_too_large && !is_refused)
			rc = failed(&t, code, err);
		note_size(w->curl, h, a);
	}
	if (rc != ERR_OK && call->into != NULL)
		call->into->len = before;
	give_back(w, h);
	w->curl->slist_free_all(list);
	return rc;
}

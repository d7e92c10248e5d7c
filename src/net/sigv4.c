#include "net/sigv4.h"

#include "base/bytes.h"
#include "base/percent.h"
#include "crypto/hash.h"
#include "sys/clock.h"

#include <ctype.h>
#include <pthread.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DAY_SIZE 8

struct sigv4 {
	pthread_mutex_t lock; /* guards day and day_key */
	char day[DAY_SIZE + 1];
	uint8_t day_key[HASH_SIZE];
	struct secret *seed; /* "AWS4" and the key */
	char *key_id;
	char *region;
	char *service;
};

void
sigv4_free(struct sigv4 *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->lock);
	secret_wipe(s->day_key, sizeof s->day_key);
	secret_free(s->seed);
	free(s->key_id);
	free(s->region);
	free(s->service);
	free(s);
}

enum err_code
sigv4_new(struct sigv4 **out, const char *key_id, const struct secret *key, const char *region,
    const char *service, struct err *err)
{
	AUTO(sigv4) struct sigv4 *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	pthread_mutex_init(&s->lock, NULL);
	if (str_dup(&s->key_id, key_id, err) || str_dup(&s->region, region, err) ||
	    str_dup(&s->service, service, err) || secret_new(&s->seed, 4 + key->len, err))
		return err->code;
	memcpy(s->seed->data, "AWS4", 4);
	memcpy(s->seed->data + 4, key->data, key->len);
	*out = TAKE(s);
	return ERR_OK;
}

void
sigv4_date(char out[SIGV4_DATE_SIZE], int64_t wall_ns)
{
	time_t s = (time_t)(wall_ns / NS_PER_S);
	struct tm tm;
	if (gmtime_r(&s, &tm) == NULL ||
	    strftime(out, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm) == 0)
		out[0] = '\0';
}

/* --- the canonical request --- */

/* The parts of a query in order of their names and then values; a name alone gets its '='. */
static enum err_code
add_query(struct buf *out, const char *query, struct err *err)
{
	AUTO(strv) struct strv given = STRV_INIT;
	AUTO(strv) struct strv parts = STRV_INIT;
	if (query == NULL || *query == '\0')
		return ERR_OK;
	if (strv_split(&given, query, '&', err))
		return err->code;
	/* '=' sorts behind digits, so that "a1=" would come before "a=": a byte that is before
	 * all others stands in its place while they are sorted. */
	for (size_t i = 0; i < given.len; i++) {
		const char *eq = strchr(given.items[i], '=');
		size_t n = eq != NULL ? (size_t)(eq - given.items[i]) : strlen(given.items[i]);
		if (strv_addf(&parts, err, "%.*s\x01%s", (int)n, given.items[i],
			eq != NULL ? eq + 1 : ""))
			return err->code;
	}
	strv_sort(&parts);
	for (size_t i = 0; i < parts.len; i++) {
		*strchr(parts.items[i], '\x01') = '=';
		if ((i > 0 && buf_u8(out, '&', err)) || buf_str(out, parts.items[i], err))
			return err->code;
	}
	return ERR_OK;
}

/* A header's value without blanks around it, and with one where there were many. */
static enum err_code
add_trimmed(struct buf *out, const char *value, struct err *err)
{
	bool is_first = true;
	while (*value != '\0') {
		size_t blanks = strspn(value, " \t");
		size_t n = strcspn(value + blanks, " \t");
		if (n > 0 && ((blanks > 0 && !is_first && buf_u8(out, ' ', err)) ||
				 buf_add(out, value + blanks, n, err)))
			return err->code;
		is_first = is_first && n == 0;
		value += blanks + n;
	}
	return ERR_OK;
}

/* "name:value" in order of names, which are in small letters; those of one name keep theirs. */
static enum err_code
sort_headers(const struct strv *headers, struct strv *out, struct err *err)
{
	AUTO(strv) struct strv numbered = STRV_INIT;
	for (size_t i = 0; i < headers->len; i++) {
		const char *line = headers->items[i];
		const char *colon = strchr(line, ':');
		if (colon == NULL)
			return err_set(err, ERR_USAGE, "a header without a colon");
		AUTO(str) char *name = NULL;
		if (str_dupn(&name, line, (size_t)(colon - line), err))
			return err->code;
		for (char *p = name; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
		if (strv_addf(&numbered, err, "%s\x01%06zu:%s", name, i, colon + 1))
			return err->code;
	}
	strv_sort(&numbered);
	for (size_t i = 0; i < numbered.len; i++) {
		const char *mark = strchr(numbered.items[i], '\x01');
		if (strv_addf(out, err, "%.*s%s", (int)(mark - numbered.items[i]),
			numbered.items[i], strchr(mark, ':')))
			return err->code;
	}
	return ERR_OK;
}

/* Is this header of the same name as the one before? */
static bool
continues(const struct strv *sorted, size_t i)
{
	if (i == 0)
		return false;
	size_t n = strcspn(sorted->items[i], ":") + 1;
	return strncmp(sorted->items[i], sorted->items[i - 1], n) == 0;
}

/* All headers, one line each, and then (behind an empty line) their names. */
static enum err_code
add_headers(struct buf *out, const struct strv *sorted, struct err *err)
{
	for (size_t i = 0; i < sorted->len; i++) {
		const char *line = sorted->items[i];
		size_t n = strcspn(line, ":");
		bool more = i + 1 < sorted->len && continues(sorted, i + 1);
		if (continues(sorted, i) ? buf_u8(out, ',', err)
					 : buf_add(out, line, n + 1, err))
			return err->code;
		if (add_trimmed(out, line + n + 1, err) || (!more && buf_u8(out, '\n', err)))
			return err->code;
	}
	return buf_u8(out, '\n', err);
}

static enum err_code
add_names(struct buf *out, const struct strv *sorted, struct err *err)
{
	for (size_t i = 0; i < sorted->len; i++) {
		const char *line = sorted->items[i];
		if (continues(sorted, i))
			continue;
		if ((i > 0 && buf_u8(out, ';', err)) ||
		    buf_add(out, line, strcspn(line, ":"), err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
canonical(
    const struct sigv4_request *r, const struct strv *sorted, struct buf *out, struct err *err)
{
	if (buf_printf(out, err, "%s\n%s\n", r->method, r->path) ||
	    add_query(out, r->query, err) || buf_u8(out, '\n', err) ||
	    add_headers(out, sorted, err) || add_names(out, sorted, err))
		return err->code;
	return buf_printf(out, err, "\n%s", r->payload_hash);
}

enum err_code
sigv4_canonical(const struct sigv4_request *r, struct buf *out, struct err *err)
{
	AUTO(strv) struct strv sorted = STRV_INIT;
	if (sort_headers(r->headers, &sorted, err))
		return err->code;
	return canonical(r, &sorted, out, err);
}

/* --- the signature --- */

static enum err_code
hmac(const void *key, size_t key_len, const char *text, uint8_t out[HASH_SIZE], struct err *err)
{
	AUTO(mac) struct mac *m = NULL;
	if (mac_new(&m, key, key_len, err))
		return err->code;
	return mac_of(m, text, strlen(text), out, err);
}

/* The key of the day that date begins with. */
static enum err_code
key_of_day(struct sigv4 *s, const char *date, uint8_t out[HASH_SIZE], struct err *err)
{
	enum err_code rc = ERR_OK;
	pthread_mutex_lock(&s->lock);
	if (strncmp(s->day, date, DAY_SIZE) != 0) {
		char day[DAY_SIZE + 1];
		uint8_t k[HASH_SIZE];
		snprintf(day, sizeof day, "%.8s", date);
		if (hmac(s->seed->data, s->seed->len, day, k, err) ||
		    hmac(k, sizeof k, s->region, k, err) ||
		    hmac(k, sizeof k, s->service, k, err) ||
		    hmac(k, sizeof k, "aws4_request", k, err)) {
			rc = err->code;
		} else {
			memcpy(s->day_key, k, sizeof k);
			memcpy(s->day, day, sizeof day);
		}
		secret_wipe(k, sizeof k);
	}
	memcpy(out, s->day_key, HASH_SIZE);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* The text that is signed: of the request only its hash. */
static enum err_code
add_string_to_sign(struct sigv4 *s, const struct sigv4_request *r, const struct buf *request,
    struct buf *out, struct err *err)
{
	uint8_t hash[HASH_SIZE];
	char hex[2 * HASH_SIZE + 1];
	if (sha256_of(request->data, request->len, hash, err))
		return err->code;
	hex_encode(hex, hash, sizeof hash);
	return buf_printf(out, err, ALGORITHM "\n%s\n%.8s/%s/%s/aws4_request\n%s", r->date,
	    r->date, s->region, s->service, hex);
}

enum err_code
sigv4_sign(struct sigv4 *s, const struct sigv4_request *r, struct buf *out, struct err *err)
{
	AUTO(strv) struct strv sorted = STRV_INIT;
	AUTO(bufv) struct buf request = BUF_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	uint8_t key[HASH_SIZE];
	uint8_t signature[HASH_SIZE];
	char hex[2 * HASH_SIZE + 1];
	if (sort_headers(r->headers, &sorted, err) || canonical(r, &sorted, &request, err) ||
	    add_string_to_sign(s, r, &request, &text, err) || key_of_day(s, r->date, key, err))
		return err->code;
	const char *to_sign = buf_cstr(&text);
	enum err_code rc =
	    to_sign == NULL ? err_nomem(err) : hmac(key, sizeof key, to_sign, signature, err);
	secret_wipe(key, sizeof key);
	if (rc)
		return rc;
	hex_encode(hex, signature, sizeof signature);
	if (buf_printf(out, err,
		ALGORITHM " Credential=%s/%.8s/%s/%s/aws4_request, SignedHeaders=", s->key_id,
		r->date, s->region, s->service) ||
	    add_names(out, &sorted, err))
		return err->code;
	return buf_printf(out, err, ", Signature=%s", hex);
}

enum err_code
sigv4_encode(struct buf *out, const char *text, bool keep_slash, struct err *err)
{
	return percent_encode(out, text, keep_slash ? "/" : "", err);
}

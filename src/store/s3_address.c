#include "store/s3_address.h"

#include <errno.h>
#include <string.h>

void
s3_address_release(struct s3_address *a)
{
	free(a->scheme);
	free(a->host);
	free(a->bucket);
	free(a->prefix);
	free(a->region);
	free(a->ca_file);
	free(a->credentials);
	free(a->profile);
	*a = (struct s3_address){ .scheme = NULL };
}

bool
s3_address_is(const char *text)
{
	return str_starts(text, "s3:");
}

bool
s3_address_is_aws(const struct s3_address *a)
{
	return a->host == NULL || str_ends(a->host, ".amazonaws.com") ||
	       str_ends(a->host, ".amazonaws.com.cn");
}

bool
s3_address_is_virtual(const struct s3_address *a)
{
	if (a->style != S3_AUTO)
		return a->style == S3_VIRTUAL;
	/* With a dot in it, or capitals, the certificate does not fit. */
	return s3_address_is_aws(a) &&
	       strspn(a->bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(a->bucket);
}

/* --- parameters --- */

static enum err_code
decode(char **out, const char *text, struct err *err)
{
	AUTO(str) char *s = NULL;
	if (str_dup(&s, text, err))
		return err->code;
	char *to = s;
	for (const char *p = s; *p != '\0'; p++) {
		char hex[3] = { 0 };
		if (*p != '%') {
			*to++ = *p;
			continue;
		}
		memcpy(hex, p + 1, strnlen(p + 1, 2));
		if (strspn(hex, "0123456789abcdefABCDEF") != 2 || strcmp(hex, "00") == 0)
			return err_set(err, ERR_USAGE, "bad %%-escape in %s", text);
		*to++ = (char)strtol(hex, NULL, 16);
		p += 2;
	}
	*to = '\0';
	*out = TAKE(s);
	return ERR_OK;
}

static enum err_code
parse_number(uint64_t *out, const char *name, const char *value, uint64_t least, uint64_t most,
    struct err *err)
{
	size_t n = strlen(value);
	if (n == 0 || n > 6 || strspn(value, "0123456789") != n)
		return err_set(err, ERR_USAGE, "%s=%s: not a number", name, value);
	*out = strtoul(value, NULL, 10);
	if (*out < least || *out > most)
		return err_set(err, ERR_USAGE, "%s=%s: from %llu to %llu", name, value,
		    (unsigned long long)least, (unsigned long long)most);
	return ERR_OK;
}

/* The place of value among words; ERR_USAGE when it is none of them. */
static enum err_code
parse_choice(
    int *out, const char *name, const char *value, const char *const words[3], struct err *err)
{
	for (int i = 0; i < 3; i++)
		if (strcmp(value, words[i]) == 0) {
			*out = i;
			return ERR_OK;
		}
	return err_set(err, ERR_USAGE, "%s=%s: there are %s, %s and %s", name, value, words[0],
	    words[1], words[2]);
}

static enum err_code
parse_parameter(struct s3_address *a, const char *name, const char *value, struct err *err)
{
	static const char *const styles[] = { "auto", "path", "virtual" };
	static const char *const answers[] = { "auto", "yes", "no" };
	const struct {
		const char *name;
		char **field;
	} texts[] = { { "region", &a->region }, { "ca", &a->ca_file },
		{ "credentials", &a->credentials }, { "profile", &a->profile } };
	int choice = 0;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(name, texts[i].name) == 0) {
			free(TAKE(*texts[i].field));
			return decode(texts[i].field, value, err);
		}
	if (strcmp(name, "part-size") == 0)
		return parse_number(&a->part_mib, name, value, 5, 1024, err);
	if (strcmp(name, "lag") == 0)
		return parse_number(&a->lag_s, name, value, 0, 3600, err);
	if (strcmp(name, "style") == 0) {
		if (parse_choice(&choice, name, value, styles, err))
			return err->code;
		a->style = (enum s3_style)choice;
		return ERR_OK;
	}
	if (strcmp(name, "conditional") == 0) {
		if (parse_choice(&choice, name, value, answers, err))
			return err->code;
		a->conditional = (enum s3_conditional)choice;
		return ERR_OK;
	}
	return err_set(err, ERR_USAGE,
	    "%s: no such parameter; there are region, style, ca, credentials, profile, "
	    "part-size, lag and conditional",
	    name);
}

static enum err_code
parse_parameters(struct s3_address *a, const char *query, struct err *err)
{
	AUTO(strv) struct strv parts = STRV_INIT;
	if (strv_split(&parts, query, '&', err))
		return err->code;
	for (size_t i = 0; i < parts.len; i++) {
		char *equals = strchr(parts.items[i], '=');
		if (equals == NULL)
			return err_set(
			    err, ERR_USAGE, "%s: a parameter without a value", parts.items[i]);
		*equals = '\0';
		if (parse_parameter(a, parts.items[i], equals + 1, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- host, bucket, prefix --- */

/* "s3.eu-west-1.amazonaws.com" and "s3.us-west-004.backblazeb2.com" name their region, R2 has
 * one only. */
static enum err_code
guess_region(struct s3_address *a, struct err *err)
{
	const char *p = a->host;
	if (str_ends(p, ".r2.cloudflarestorage.com"))
		return str_dup(&a->region, "auto", err);
	if (!str_starts(p, "s3.") && !str_starts(p, "s3-"))
		return ERR_OK;
	p += 3;
	if (str_starts(p, "dualstack."))
		p += strlen("dualstack.");
	size_t n = strcspn(p, ".");
	/* A region has a hyphen in it, which tells it from "s3.example.org". */
	if (p[n] != '.' || memchr(p, '-', n) == NULL || strchr(p + n + 1, '.') == NULL)
		return ERR_OK;
	return str_dupn(&a->region, p, n, err);
}

static enum err_code
set_host(struct s3_address *a, const char *p, size_t n, struct err *err)
{
	if (memchr(p, '@', n) != NULL)
		return err_set(err, ERR_USAGE,
		    "no user or password in an address: set AWS_ACCESS_KEY_ID and "
		    "AWS_SECRET_ACCESS_KEY, or give --s3-credentials FILE");
	if (n == 0)
		return err_set(err, ERR_USAGE, "no host in the address");
	for (size_t i = 0; i < n; i++) {
		char c = p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') ||
			     (c != '\0' && strchr(".-:[]", c) != NULL);
		if (!plain)
			return err_set(err, ERR_USAGE, "bad host: %.*s", (int)n, p);
	}
	return str_dupn(&a->host, p, n, err);
}

static bool
is_bucket(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
			return false;
	}
	return n >= 3 && n <= 63 && p[0] != '.' && p[n - 1] != '.';
}

/* "bucket/some/prefix/" */
static enum err_code
set_bucket(struct s3_address *a, const char *p, struct err *err)
{
	size_t n = strcspn(p, "/");
	AUTO(strv) struct strv parts = STRV_INIT;
	AUTO(bufv) struct buf prefix = BUF_INIT;
	if (!is_bucket(p, n))
		return err_set(err, ERR_USAGE,
		    "%.*s: not a bucket's name: 3 to 63 letters, digits, hyphens and dots",
		    (int)n, p);
	if (strv_split(&parts, p + n, '/', err) || str_dupn(&a->bucket, p, n, err))
		return err->code;
	for (size_t i = 0; i < parts.len; i++) {
		if (strcmp(parts.items[i], ".") == 0 || strcmp(parts.items[i], "..") == 0)
			return err_set(err, ERR_USAGE, "'.' and '..' mean nothing in a prefix");
		for (const char *c = parts.items[i]; *c != '\0'; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				return err_set(
				    err, ERR_USAGE, "a control character in the prefix");
		if (buf_printf(&prefix, err, "%s/", parts.items[i]))
			return err->code;
	}
	if (prefix.len > 500)
		return err_set(err, ERR_USAGE, "a prefix of more than 500 bytes");
	return str_dup(&a->prefix, prefix.len > 0 ? buf_cstr(&prefix) : "", err);
}

/* "https://host:9000" or "host:9000" at the beginning of p, up to a slash; *rest is behind it.
 */
static enum err_code
parse_endpoint(struct s3_address *a, const char *p, const char **rest, struct err *err)
{
	const char *scheme = "https";
	if (str_starts(p, "http://")) {
		scheme = "http";
		p += strlen("http://");
	} else if (str_starts(p, "https://")) {
		p += strlen("https://");
	}
	size_t n = strcspn(p, "/");
	*rest = p + n + strspn(p + n, "/");
	return str_dup(&a->scheme, scheme, err) ? err->code : set_host(a, p, n, err);
}

static enum err_code
parse(struct s3_address *a, char *text, const char *endpoint, struct err *err)
{
	const char *p = text + strlen("s3:");
	char *query = strchr(text, '?');
	if (query != NULL)
		*query = '\0';
	if (str_starts(p, "//")) {
		const char *rest = "";
		p += 2;
		if (endpoint != NULL ? parse_endpoint(a, endpoint, &rest, err)
				     : str_dup(&a->scheme, "https", err))
			return err->code;
		if (*rest != '\0')
			return err_set(err, ERR_USAGE, "endpoint %s: only a host", endpoint);
	} else if (parse_endpoint(a, p, &p, err)) {
		return err->code;
	}
	if (*p == '\0')
		return err_set(err, ERR_USAGE, "no bucket in the address");
	if (set_bucket(a, p, err) || (query != NULL && parse_parameters(a, query + 1, err)))
		return err->code;
	return a->region == NULL && a->host != NULL ? guess_region(a, err) : ERR_OK;
}

enum err_code
s3_address_parse(
    struct s3_address *out, const char *text, const char *endpoint, struct err *err)
{
	AUTO(s3_address) struct s3_address a = { .scheme = NULL };
	AUTO(str) char *copy = NULL;
	if (str_dup(&copy, text, err))
		return err->code;
	if (parse(&a, copy, endpoint, err))
		return err_wrap(err, "%s", strchr(text, '@') != NULL ? "s3:…" : text);
	*out = a;
	a = (struct s3_address){ .scheme = NULL };
	return ERR_OK;
}

enum err_code
s3_address_set_region(struct s3_address *a, const char *region, struct err *err)
{
	if (a->region == NULL && str_dup(&a->region, region, err))
		return err->code;
	if (a->host == NULL)
		return str_printf(&a->host, err, "s3.%s.amazonaws.com%s", a->region,
		    str_starts(a->region, "cn-") ? ".cn" : "");
	return ERR_OK;
}

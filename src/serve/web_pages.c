#include "serve/web_pages.h"

#include "serve/assets.h"

#include <strings.h>

/* What a file is sent as. */
struct forms {
	struct MHD_Response *plain;
	struct MHD_Response *gzip; /* NULL: not packed */
	struct MHD_Response *same; /* 304 */
};

struct pages {
	struct forms *forms; /* one for each asset */
};

#define POLICY                                                                              \
	"default-src 'none'; script-src 'self'%s; style-src 'self'; img-src 'self' data:; " \
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "     \
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

static const char *const headers[][2] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Permissions-Policy",
	    "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), "
	    "gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), "
	    "serial=(), "
	    "usb=(), xr-spatial-tracking=()" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Vary", "Accept-Encoding" },
};

static bool
add(struct MHD_Response *r, const char *name, const char *value)
{
	return MHD_add_response_header(r, name, value) == MHD_YES;
}

static bool
add_headers(struct MHD_Response *r, const struct asset *a)
{
	struct err err = ERR_INIT;
	AUTO(str) char *policy = NULL;
	if (str_printf(&policy, &err, POLICY, assets_scripts))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		if (!add(r, headers[i][0], headers[i][1]))
			return false;
	return add(r, "Content-Security-Policy", policy) && add(r, "ETag", a->etag) &&
	       add(r, "Cache-Control",
		   a->is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
}

static struct MHD_Response *
response_of(const struct asset *a, size_t at, size_t len, bool is_gzip)
{
	/* MHD only reads what is persistent. */
	AUTO(response) struct MHD_Response *r = MHD_create_response_from_buffer(
	    len, (void *)(uintptr_t)(assets_bytes + at), MHD_RESPMEM_PERSISTENT);
	if (r == NULL || !add_headers(r, a) || !add(r, "Content-Type", a->type))
		return NULL;
	if (is_gzip && !add(r, "Content-Encoding", "gzip"))
		return NULL;
	return TAKE(r);
}

static enum err_code
forms_make(struct forms *f, const struct asset *a, struct err *err)
{
	f->plain = response_of(a, a->at, a->len, false);
	f->same = response_of(a, a->at, 0, false);
	if (a->gzip_len > 0)
		f->gzip = response_of(a, a->gzip_at, a->gzip_len, true);
	if (f->plain == NULL || f->same == NULL || (a->gzip_len > 0 && f->gzip == NULL))
		return err_nomem(err);
	return ERR_OK;
}

enum err_code
pages_new(struct pages **out, struct err *err)
{
	AUTO(pages) struct pages *p = calloc(1, sizeof *p);
	if (p == NULL || (p->forms = calloc(assets_count, sizeof *p->forms)) == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < assets_count; i++)
		if (forms_make(&p->forms[i], &assets[i], err))
			return err->code;
	*out = TAKE(p);
	return ERR_OK;
}

void
pages_free(struct pages *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; p->forms != NULL && i < assets_count; i++) {
		response_auto(&p->forms[i].plain);
		response_auto(&p->forms[i].gzip);
		response_auto(&p->forms[i].same);
	}
	free(p->forms);
	free(p);
}

/* "gzip" among what is accepted, and not with q=0. */
static bool
accepts_gzip(const char *accept)
{
	for (const char *p = accept; p != NULL && *p != '\0';) {
		p += strspn(p, " \t,");
		size_t len = strcspn(p, ",");
		if (strncasecmp(p, "gzip", 4) == 0 && strchr("; \t,", p[4]) != NULL) {
			const char *q = memchr(p, '=', len);
			return q == NULL || strspn(q, "=0. \t") < len - (size_t)(q - p);
		}
		p += len;
	}
	return false;
}

struct reply
pages_find(const struct pages *p, const char *path, const char *accept_encoding,
    const char *if_none_match)
{
	const struct asset *a = asset_for(path);
	if (a == NULL)
		return (struct reply){ 404, NULL };
	const struct forms *f = &p->forms[a - assets];
	if (if_none_match != NULL && strstr(if_none_match, a->etag) != NULL)
		return (struct reply){ 304, f->same };
	const bool packed = f->gzip != NULL && accepts_gzip(accept_encoding);
	return (struct reply){ 200, packed ? f->gzip : f->plain };
}

#include "serve/web_gate.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>

#define HOST_MAX 255

struct gate {
	char listen[HOST_MAX + 1]; /* without the port */
	bool is_everywhere; /* 0.0.0.0 or :: */
	bool is_proxied;
	struct strv urls; /* "https://name:port", no slash at the end */
};

/* --- hosts --- */

/* "name:80" or "[::1]:80" without port, brackets and the dot of the root. */
static bool
host_name(char out[HOST_MAX + 1], const char *host)
{
	const bool is_v6 = host[0] == '[';
	const char *from = host + is_v6;
	size_t len = strcspn(from, is_v6 ? "]" : ":");
	const char *rest = from + len;
	if (is_v6 && *rest++ != ']')
		return false;
	if (*rest != '\0' &&
	    (*rest != ':' || strspn(rest + 1, "0123456789") != strlen(rest + 1)))
		return false;
	if (!is_v6 && len > 1 && from[len - 1] == '.')
		len--;
	static const char in_v6[] = "0123456789abcdefABCDEF:.";
	static const char in_name[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	if (len == 0 || len > HOST_MAX || strspn(from, is_v6 ? in_v6 : in_name) < len)
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

static bool
is_address(const char *name)
{
	struct in6_addr room;
	return inet_pton(AF_INET, name, &room) == 1 || inet_pton(AF_INET6, name, &room) == 1;
}

static bool
is_loopback(const char *name)
{
	struct in_addr v4;
	if (inet_pton(AF_INET, name, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return strcmp(name, "::1") == 0 || strcasecmp(name, "localhost") == 0;
}

/* What stands behind "https://", or NULL. */
static const char *
after_scheme(const char *url)
{
	const char *p = strstr(url, "://");
	return p != NULL ? p + 3 : NULL;
}

static enum host_kind
public_host(const struct gate *g, const char *name)
{
	for (size_t i = 0; i < g->urls.len; i++) {
		char known[HOST_MAX + 1];
		const char *url = g->urls.items[i];
		if (host_name(known, after_scheme(url)) && strcasecmp(known, name) == 0)
			return str_starts(url, "https:") ? HOST_SECURE : HOST_PLAIN;
	}
	return HOST_STRANGE;
}

enum host_kind
gate_host(const struct gate *g, const char *host)
{
	char name[HOST_MAX + 1];
	if (host == NULL || !host_name(name, host))
		return HOST_STRANGE;
	enum host_kind kind = public_host(g, name);
	if (kind != HOST_STRANGE)
		return kind;
	if (is_loopback(name) || strcasecmp(name, g->listen) == 0 ||
	    (g->is_everywhere && is_address(name)))
		return HOST_PLAIN;
	return HOST_STRANGE;
}

bool
gate_origin(const struct gate *g, const char *origin, const char *host)
{
	if (origin == NULL)
		return true;
	const char *from = after_scheme(origin);
	if (from == NULL || (!str_starts(origin, "http://") && !str_starts(origin, "https://")))
		return false;
	if (host != NULL && strcasecmp(from, host) == 0)
		return true;
	for (size_t i = 0; i < g->urls.len; i++)
		if (strcasecmp(origin, g->urls.items[i]) == 0)
			return true;
	return false;
}

bool
gate_fetch_site(const char *value)
{
	return value == NULL || strcmp(value, "none") == 0 || strcmp(value, "same-origin") == 0;
}

bool
gate_is_json(const char *type)
{
	static const char json[] = "application/json";
	if (type == NULL || strncasecmp(type, json, sizeof json - 1) != 0)
		return false;
	const char *p = type + sizeof json - 1;
	p += strspn(p, " \t");
	if (*p == '\0')
		return true;
	if (*p++ != ';')
		return false;
	p += strspn(p, " \t");
	return strcasecmp(p, "charset=utf-8") == 0 || strcasecmp(p, "charset=\"utf-8\"") == 0;
}

/* --- credentials --- */

bool
gate_secret(char out[GATE_SECRET + 1], const char *text, size_t len)
{
	uint8_t bytes[GATE_SECRET / 2];
	if (len != GATE_SECRET || !hex_decode(bytes, sizeof bytes, text, len))
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

bool
gate_cookie(char out[GATE_SECRET + 1], const char *cookies, const char *name)
{
	const size_t n = strlen(name);
	for (const char *p = cookies; p != NULL && *p != '\0';) {
		p += strspn(p, " \t;");
		size_t len = strcspn(p, ";");
		if (len > n && strncmp(p, name, n) == 0 && p[n] == '=') {
			const char *value = p + n + 1;
			return gate_secret(out, value, strcspn(value, " \t;"));
		}
		p += len;
	}
	return false;
}

bool
gate_bearer(char out[GATE_SECRET + 1], const char *authorization)
{
	static const char scheme[] = "Bearer ";
	if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
		return false;
	const char *p = authorization + sizeof scheme - 1;
	p += strspn(p, " ");
	return gate_secret(out, p, strlen(p));
}

/* --- who asks --- */

static void
peer_text(char out[GATE_FROM], const struct sockaddr *peer)
{
	const void *address = NULL;
	if (peer != NULL && peer->sa_family == AF_INET)
		address = &((const struct sockaddr_in *)(const void *)peer)->sin_addr;
	if (peer != NULL && peer->sa_family == AF_INET6)
		address = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
	if (address == NULL || inet_ntop(peer->sa_family, address, out, GATE_FROM) == NULL)
		snprintf(out, GATE_FROM, "unknown");
	/* What a listener of both families calls an IPv4 peer. */
	if (str_starts(out, "::ffff:") && strchr(out, '.') != NULL)
		memmove(out, out + 7, strlen(out + 7) + 1);
}

static bool
is_from_proxy(const struct gate *g, const struct sockaddr *peer)
{
	char text[GATE_FROM];
	peer_text(text, peer);
	return g->is_proxied && is_loopback(text);
}

void
gate_from(const struct gate *g, char out[GATE_FROM], const struct sockaddr *peer,
    const char *forwarded_for)
{
	peer_text(out, peer);
	if (forwarded_for == NULL || !is_from_proxy(g, peer))
		return;
	const char *last = strrchr(forwarded_for, ',');
	last = last != NULL ? last + 1 : forwarded_for;
	last += strspn(last, " \t");
	size_t len = strcspn(last, " \t");
	char text[GATE_FROM];
	if (len == 0 || len >= sizeof text)
		return;
	memcpy(text, last, len);
	text[len] = '\0';
	if (is_address(text))
		memcpy(out, text, len + 1);
}

bool
gate_is_tls(const struct gate *g, const struct sockaddr *peer, const char *forwarded_proto)
{
	return forwarded_proto != NULL && strcasecmp(forwarded_proto, "https") == 0 &&
	       is_from_proxy(g, peer);
}

/* --- made from hello --- */

static enum err_code
add_url(struct gate *g, const char *url, struct err *err)
{
	char name[HOST_MAX + 1];
	size_t len = url != NULL ? strlen(url) : 0;
	while (len > 0 && url[len - 1] == '/')
		len--;
	AUTO(str) char *bare = NULL;
	if (str_dupn(&bare, url != NULL ? url : "", len, err))
		return err->code;
	if ((!str_starts(bare, "http://") && !str_starts(bare, "https://")) ||
	    !host_name(name, after_scheme(bare)))
		return err_set(err, ERR_CORRUPT, "not a URL of a host: %s", bare);
	return strv_add(&g->urls, bare, err);
}

enum err_code
gate_new(struct gate **out, const json_t *hello, struct err *err)
{
	AUTO(gate) struct gate *g = calloc(1, sizeof *g);
	if (g == NULL)
		return err_nomem(err);
	const char *listen = json_get_str(hello, "listen");
	if (listen == NULL || !host_name(g->listen, listen))
		return err_set(
		    err, ERR_CORRUPT, "hello without an address that is listened on");
	g->is_everywhere = strcmp(g->listen, "0.0.0.0") == 0 || strcmp(g->listen, "::") == 0;
	g->is_proxied = json_get_bool(hello, "proxy");
	size_t i;
	const json_t *url;
	json_array_foreach(json_object_get(hello, "public"), i,
	    url) if (add_url(g, json_string_value(url), err)) return err->code;
	*out = TAKE(g);
	return ERR_OK;
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	strv_release(&g->urls);
	free(g);
}

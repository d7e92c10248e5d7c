#include "docker/address.h"

#include "net/tls.h"
#include "sys/fs.h"
#include "sys/sock.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_HOST "unix:///var/run/docker.sock"
#define CONNECT_TIMEOUT_MS 10000

void
docker_address_release(struct docker_address *a)
{
	free(a->text);
	free(a->socket);
	free(a->host);
	free(a->ca_file);
	free(a->cert_file);
	free(a->key_file);
	*a = (struct docker_address){ 0 };
}

static bool
is_set(const char *variable)
{
	const char *value = getenv(variable);
	return value != NULL && *value != '\0';
}

/* "host:port", "[::1]:port". */
static enum err_code
parse_tcp(struct docker_address *a, const char *rest, struct err *err)
{
	const char *colon = strrchr(rest, ':');
	size_t len = strcspn(rest, "/");
	unsigned port;
	int used = 0;
	if (colon == NULL || colon == rest || sscanf(colon, ":%5u%n", &port, &used) != 1 ||
	    port == 0 || port > 65535 || colon + used != rest + len)
		return err_set(err, ERR_USAGE,
		    "DOCKER_HOST is tcp://%s; it must name host and port: tcp://HOST:2376",
		    rest);
	const char *start = rest;
	const char *end = colon;
	if (*start == '[' && end[-1] == ']') {
		start++;
		end--;
	}
	a->port = (uint16_t)port;
	return str_printf(&a->host, err, "%.*s", (int)(end - start), start);
}

/* A file of the certificates' folder; NULL when it is not there. */
static enum err_code
find_pem(char **out, const char *dir, const char *name, struct err *err)
{
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, "%s/%s", dir, name))
		return err->code;
	if (fs_exists(path))
		*out = TAKE(path);
	return ERR_OK;
}

static enum err_code
find_certificates(struct docker_address *a, struct err *err)
{
	AUTO(str) char *dir = NULL;
	const char *home = getenv("HOME");
	if (is_set("DOCKER_CERT_PATH") ? str_dup(&dir, getenv("DOCKER_CERT_PATH"), err)
				       : str_printf(&dir, err, "%s/.docker", home ? home : ""))
		return err->code;
	if (find_pem(&a->ca_file, dir, "ca.pem", err) ||
	    find_pem(&a->cert_file, dir, "cert.pem", err) ||
	    find_pem(&a->key_file, dir, "key.pem", err))
		return err->code;
	if ((a->cert_file == NULL) != (a->key_file == NULL))
		return err_set(err, ERR_USAGE,
		    "%s holds only one of cert.pem and key.pem; the Docker engine at %s "
		    "asks for both",
		    dir, a->text);
	return ERR_OK;
}

enum err_code
docker_address_parse(struct docker_address *out, const char *given, struct err *err)
{
	const char *text = given;
	if (text == NULL || *text == '\0')
		text = getenv("DOCKER_HOST");
	if (text == NULL || *text == '\0')
		text = DEFAULT_HOST;
	struct docker_address a = { 0 };
	if (str_dup(&a.text, text, err))
		return err->code;
	enum err_code rc;
	if (str_starts(text, "unix:///")) {
		rc = str_dup(&a.socket, text + strlen("unix://"), err);
	} else if (str_starts(text, "tcp://")) {
		a.verify = is_set("DOCKER_TLS_VERIFY");
		a.has_tls = a.verify || is_set("DOCKER_TLS");
		rc = parse_tcp(&a, text + strlen("tcp://"), err);
		if (rc == ERR_OK && a.has_tls)
			rc = find_certificates(&a, err);
	} else if (str_starts(text, "ssh://")) {
		rc = err_set(err, ERR_UNSUPPORTED,
		    "Docker engine at %s: ssh is not spoken here; forward the socket with "
		    "'ssh -nNT -L /run/remote-docker.sock:/var/run/docker.sock HOST' and set "
		    "DOCKER_HOST=unix:///run/remote-docker.sock",
		    text);
	} else {
		rc = err_set(err, ERR_UNSUPPORTED,
		    "Docker engine at %s: only unix:///PATH and tcp://HOST:PORT can be used",
		    text);
	}
	if (rc != ERR_OK)
		docker_address_release(&a);
	else
		*out = a;
	return rc;
}

static enum err_code
connect_socket(int *fd, const struct docker_address *a, struct err *err)
{
	struct err why = ERR_INIT;
	switch (sock_connect_unix(fd, a->socket, &why)) {
	case ERR_OK:
		return ERR_OK;
	case ERR_DENIED:
		return err_set(err, ERR_DENIED,
		    "no permission for the Docker engine's socket %s: run as root, or as a "
		    "member of the group that owns it",
		    a->socket);
	case ERR_NOT_FOUND:
		return err_set(err, ERR_TRANSIENT,
		    "no Docker engine answers on %s (there is no such socket): is it running? "
		    "Set DOCKER_HOST=unix://PATH if it listens elsewhere",
		    a->socket);
	case ERR_TRANSIENT:
		return err_set(err, ERR_TRANSIENT,
		    "no Docker engine answers on %s (nobody listens there): is it running? Set "
		    "DOCKER_HOST=unix://PATH if it listens elsewhere",
		    a->socket);
	default:
		*err = why;
		return err->code;
	}
}

static enum err_code
connect_tcp(int *fd, const struct docker_address *a, const struct cancel *c, struct err *err)
{
	int net_fd;
	if (sock_connect_host(&net_fd, a->host, a->port, CONNECT_TIMEOUT_MS, c, err))
		return err_wrap(err, "no Docker engine answers on %s", a->text);
	if (!a->has_tls) {
		*fd = net_fd;
		return ERR_OK;
	}
	struct tls_options opt = {
		.host = a->host,
		.verify = a->verify,
		.ca_file = a->ca_file,
		.cert_file = a->cert_file,
		.key_file = a->key_file,
		.timeout_ms = CONNECT_TIMEOUT_MS,
		.cancel = c,
	};
	if (tls_connect(fd, net_fd, &opt, err))
		return err_wrap(err, "Docker engine at %s", a->text);
	return ERR_OK;
}

enum err_code
docker_address_connect(
    int *fd, const struct docker_address *a, const struct cancel *c, struct err *err)
{
	return a->socket != NULL ? connect_socket(fd, a, err) : connect_tcp(fd, a, c, err);
}

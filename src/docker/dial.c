#include "docker/dial.h"

#include "docker/call.h"
#include "docker/host_process.h"
#include "docker/inside.h"
#include "sys/fd.h"
#include "sys/sock.h"
#include "sys/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 5000

/* A port in a network namespace, for a thread that goes there. */
struct visit {
	int net_fd;
	const json_t *container;
	uint16_t port;
	const struct cancel *cancel;
	bool was_there;
	int fd;
	struct err err;
};

/* The container's addresses on its networks.  From the host they are reached by its bridges,
 * and only there: from elsewhere, somebody else may have them. */
static enum err_code
dial_networks(
    int *fd, const json_t *container, uint16_t port, const struct cancel *c, struct err *err)
{
	json_t *networks =
	    json_object_get(json_object_get(container, "NetworkSettings"), "Networks");
	const char *name;
	json_t *network;
	err_set(err, ERR_NOT_FOUND, "the container has no address on a network");
	json_object_foreach(networks, name, network)
	{
		const char *ip = json_get_str(network, "IPAddress");
		if (ip != NULL && *ip != '\0' &&
		    sock_connect_tcp(fd, ip, port, CONNECT_TIMEOUT_MS, c, err) == ERR_OK)
			return ERR_OK;
	}
	return err->code;
}

static enum err_code
connect_any(struct visit *v, struct err *err)
{
	const struct cancel *c = v->cancel;
	if (sock_connect_tcp(&v->fd, "127.0.0.1", v->port, CONNECT_TIMEOUT_MS, c, err) ==
	    ERR_OK)
		return ERR_OK;
	struct err scratch; /* the error for IPv4 is the one that people know */
	if (err->code == ERR_TRANSIENT &&
	    (sock_connect_tcp(&v->fd, "::1", v->port, CONNECT_TIMEOUT_MS, c, &scratch) ==
		    ERR_OK ||
		dial_networks(&v->fd, v->container, v->port, c, &scratch) == ERR_OK))
		return ERR_OK;
	return err->code;
}

/* The namespace is the thread's own, so no other thread of the process sees it. */
static void *
visit_namespace(void *arg)
{
	struct visit *v = arg;
	v->was_there = setns(v->net_fd, CLONE_NEWNET) == 0;
	if (!v->was_there)
		err_sys(&v->err, "enter the container's network");
	else if (connect_any(v, &v->err) == ERR_OK)
		v->err.code = ERR_OK;
	return NULL;
}

/* From the container's own network: v->was_there then. */
static enum err_code
dial_inside(struct visit *v, const char *id, struct err *err)
{
	AUTO(fd) int pid_fd = -1;
	AUTO(fd) int net_fd = -1;
	int64_t pid = json_get_int(json_object_get(v->container, "State"), "Pid", 0);
	if (host_process_open(&pid_fd, pid, id, err) ||
	    host_process_open_file(&net_fd, pid_fd, pid, "ns/net", O_RDONLY, err))
		return err->code;
	v->net_fd = net_fd;
	pthread_t t;
	if (thread_start(&t, visit_namespace, v, "dial", err))
		return err->code;
	pthread_join(t, NULL);
	if (v->err.code != ERR_OK)
		*err = v->err;
	return v->err.code;
}

enum err_code
dial_port(uint16_t *out, const char *text, struct err *err)
{
	unsigned port;
	char rest;
	if (sscanf(text, "%5u%c", &port, &rest) != 1 || port == 0 || port > 65535)
		return err_set(err, ERR_USAGE, "'%s' is no port", text);
	*out = (uint16_t)port;
	return ERR_OK;
}

static enum err_code
dial_tcp(int *fd, const json_t *container, const char *id, const char *port_text,
    const struct cancel *c, struct err *err)
{
	uint16_t port;
	if (dial_port(&port, port_text, err))
		return err->code;
	struct visit v = { -1, container, port, c, false, -1, ERR_INIT };
	if (dial_inside(&v, id, err) == ERR_OK) {
		*fd = v.fd;
		return ERR_OK;
	}
	if (v.was_there || (err->code == ERR_CANCELLED && cancel_is_raised(c)))
		return err->code;
	struct err other;
	if (dial_networks(fd, container, port, c, &other) == ERR_OK)
		return ERR_OK;
	return err->code;
}

static enum err_code
dial_unix(int *fd, const json_t *container, const char *id, const char *path, struct err *err)
{
	int64_t pid = json_get_int(json_object_get(container, "State"), "Pid", 0);
	AUTO(fd) int root_fd = -1;
	AUTO(fd) int sock_fd = -1;
	if (inside_root(&root_fd, pid, id, err) || inside_find(&sock_fd, root_fd, path, err))
		return err->code;
	char held[40];
	snprintf(held, sizeof held, "/proc/self/fd/%d", sock_fd);
	return sock_connect_unix(fd, held, err);
}

enum err_code
docker_dial(
    struct docker *d, const char *container_id, const char *address, int *fd, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (docker_container_inspect(d, container_id, &doc, err))
		return err->code;
	enum err_code rc;
	if (str_starts(address, "tcp:"))
		rc = dial_tcp(fd, doc.json, container_id, address + 4, docker_cancel(d), err);
	else if (str_starts(address, "unix:/"))
		rc = dial_unix(fd, doc.json, container_id, address + 5, err);
	else
		rc = err_set(err, ERR_USAGE, "neither tcp:PORT nor unix:/PATH");
	if (rc == ERR_OK)
		return ERR_OK;
	const char *name = json_get_str(doc.json, "Name");
	return err_wrap(err, "connect to %s in container %s", address,
	    name != NULL && *name == '/' ? name + 1 : container_id);
}

/* What others hold that the restored stack needs: names, ports, networks, and its data. */
#include "engine/restore_look.h"

#include "engine/restore_path.h"
#include "sys/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define LABEL_PROJECT "com.docker.compose.project"
#define LABEL_ONEOFF "com.docker.compose.oneoff"

/* One of the engine's containers, as its list has it. */
struct other {
	const json_t *doc;
	const char *name;
	const char *project; /* "" for none */
	bool runs;
	bool is_ours;
};

static struct other
other_of(const struct restore_job *j, const json_t *doc)
{
	const char *name = json_string_value(json_array_get(json_object_get(doc, "Names"), 0));
	const char *state = json_get_str(doc, "State");
	const json_t *labels = json_object_get(doc, "Labels");
	const char *project = json_get_str(labels, LABEL_PROJECT);
	const char *oneoff = json_get_str(labels, LABEL_ONEOFF);
	struct other o = { .doc = doc,
		.name = name != NULL ? name + (*name == '/') : "?",
		.project = project != NULL ? project : "",
		.runs = container_state_of(state) != CONTAINER_STOPPED };
	/* "compose down" leaves what "compose run" has started. */
	bool is_oneoff = oneoff != NULL && strcmp(oneoff, "True") == 0;
	o.is_ours = strcmp(o.project, j->name) == 0 && !is_oneoff;
	return o;
}

/* Compose makes up names from project and service; any other was chosen in the compose file. */
static bool
is_chosen_name(const struct restore_job *j, const struct restore_container *c)
{
	size_t n = strlen(j->recorded_name);
	if (strncmp(c->name, j->recorded_name, n) != 0 ||
	    (c->name[n] != '-' && c->name[n] != '_'))
		return true;
	return strncmp(c->name + n + 1, c->service, strlen(c->service)) != 0;
}

static enum err_code
look_at_networks(struct restore_job *j, struct err *err)
{
	const json_t *stack = json_object_get(j->snapshot.document, "stack");
	size_t i;
	const json_t *n;
	json_array_foreach(json_object_get(stack, "networks"), i, n)
	{
		const char *name = json_get_str(n, "name");
		if (name == NULL || !json_get_bool(n, "external"))
			continue;
		AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
		enum err_code rc = docker_network_inspect(j->docker, name, &doc, err);
		if (rc == ERR_NOT_FOUND)
			rc = strv_addf(&j->preview.obstacles, err,
			    "network %s is not there, and the stack does not make it: docker "
			    "network "
			    "create %s",
			    name, name);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

enum err_code
look_at_names(struct restore_job *j, struct err *err)
{
	AUTO(docker_doc) struct docker_doc list = DOCKER_DOC_INIT;
	if (look_at_networks(j, err) || docker_container_list(j->docker, NULL, &list, err))
		return err->code;
	size_t i;
	const json_t *doc;
	json_array_foreach(list.json, i, doc)
	{
		struct other o = other_of(j, doc);
		if (o.is_ours)
			continue;
		for (size_t k = 0; k < j->n_containers; k++) {
			const struct restore_container *c = &j->containers[k];
			if (strcmp(o.name, c->name) == 0 && is_chosen_name(j, c) &&
			    strv_addf(&j->preview.obstacles, err,
				"service %s wants the container name %s, which a container of "
				"%s%s "
				"has",
				c->service, c->name,
				*o.project != '\0' ? "stack " : "another origin", o.project))
				return err->code;
		}
	}
	return ERR_OK;
}

struct port {
	const char *ip;
	uint16_t number;
	bool is_udp;
};

static bool
read_port(struct port *out, const char *container_port, const json_t *binding)
{
	const char *text = json_get_str(binding, "HostPort");
	const char *ip = json_get_str(binding, "HostIp");
	char *end;
	unsigned long n = text != NULL ? strtoul(text, &end, 10) : 0;
	if (n == 0 || n > 65535 || *end != '\0')
		return false; /* any free one, or a range to choose from */
	*out = (struct port){ .ip = ip != NULL ? ip : "",
		.number = (uint16_t)n,
		.is_udp = strstr(container_port, "/udp") != NULL };
	return true;
}

/* Only what certainly is in use counts: without the address here, or IPv6, Compose will tell.
 */
static bool
is_held(const struct port *p)
{
	int type = (p->is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = { .any = { 0 } };
	socklen_t len = sizeof a.v4;
	if (strchr(p->ip, ':') != NULL) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(p->number);
		if (inet_pton(AF_INET6, p->ip, &a.v6.sin6_addr) != 1)
			return false;
		len = sizeof a.v6;
	} else {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(p->number);
		if (*p->ip != '\0' && inet_pton(AF_INET, p->ip, &a.v4.sin_addr) != 1)
			return false;
	}
	AUTO(fd) int fd = socket(a.any.sa_family, type, 0);
	int on = 1;
	if (fd < 0)
		return false;
	if (a.any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	/* Or a connection that has just ended would count as a listener. */
	if (!p->is_udp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	return bind(fd, &a.any, len) != 0 && errno == EADDRINUSE;
}

/* Which container publishes the port, if one does. */
static bool
find_holder(
    const struct restore_job *j, const json_t *list, const struct port *p, struct other *out)
{
	size_t i;
	const json_t *doc;
	json_array_foreach(list, i, doc)
	{
		size_t k;
		const json_t *held;
		json_array_foreach(json_object_get(doc, "Ports"), k, held)
		{
			const char *type = json_get_str(held, "Type");
			bool is_udp = type != NULL && strcmp(type, "udp") == 0;
			if (json_get_int(held, "PublicPort", 0) != p->number ||
			    is_udp != p->is_udp)
				continue;
			*out = other_of(j, doc);
			return true;
		}
	}
	return false;
}

static enum err_code
look_at_port(struct restore_job *j, const char *service, const json_t *list,
    const struct port *p, struct err *err)
{
	if (!is_held(p))
		return ERR_OK;
	struct other o;
	bool is_container = find_holder(j, list, p, &o);
	if (is_container && o.is_ours)
		return ERR_OK; /* it is taken down before */
	AUTO(str) char *who = NULL;
	if (is_container ? str_printf(&who, err, "container %s", o.name)
			 : str_dup(&who, "another program", err))
		return err->code;
	return strv_addf(&j->preview.obstacles, err,
	    "service %s publishes port %s%s%u%s, which %s has taken on this host", service,
	    p->ip, *p->ip != '\0' ? ":" : "", p->number, p->is_udp ? "/udp" : "", who);
}

enum err_code
look_at_ports(struct restore_job *j, struct err *err)
{
	AUTO(docker_doc) struct docker_doc list = DOCKER_DOC_INIT;
	if (docker_container_list(j->docker, NULL, &list, err))
		return err->code;
	for (size_t i = 0; i < j->n_containers; i++) {
		const struct restore_container *c = &j->containers[i];
		json_t *ports =
		    json_object_get(json_object_get(c->doc, "HostConfig"), "PortBindings");
		const char *name;
		json_t *bindings;
		json_object_foreach(ports, name, bindings)
		{
			size_t k;
			const json_t *binding;
			struct port p;
			json_array_foreach(
			    bindings, k, binding) if (c->ran && read_port(&p, name, binding) &&
						      look_at_port(j, c->service, list.json, &p,
							  err)) return err->code;
		}
	}
	return ERR_OK;
}

/* The host path of another container's mount; NULL when it has none. */
static enum err_code
mount_source(char **out, struct restore_job *j, const json_t *mount, struct err *err)
{
	*out = NULL;
	const char *type = json_get_str(mount, "Type");
	const char *source = json_get_str(mount, "Source");
	const char *name = json_get_str(mount, "Name");
	if (type != NULL && strcmp(type, "bind") == 0 && source != NULL)
		return str_dup(out, source, err);
	if (type == NULL || strcmp(type, "volume") != 0 || name == NULL)
		return ERR_OK;
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	enum err_code rc = docker_volume_inspect(j->docker, name, &doc, err);
	if (rc == ERR_OK)
		rc = volume_folder(out, doc.json, err);
	/* Gone meanwhile, or kept where no exchange can reach it. */
	return rc == ERR_NOT_FOUND || rc == ERR_UNSUPPORTED ? ERR_OK : rc;
}

static enum err_code
look_at_user(struct restore_job *j, const struct other *o, struct err *err)
{
	size_t i;
	const json_t *mount;
	json_array_foreach(json_object_get(o->doc, "Mounts"), i, mount)
	{
		AUTO(str) char *source = NULL;
		if (mount_source(&source, j, mount, err))
			return err->code;
		for (size_t k = 0; source != NULL && k < j->n_items; k++) {
			const struct restore_item *it = &j->items[k];
			/* From above a container sees the exchange; from here on down it does
			 * not. */
			if (it->target == NULL || !path_is_within(source, it->target))
				continue;
			if (strv_addf(&j->preview.obstacles, err,
				"%s %s is in use by container %s%s%s, which runs: stop it "
				"first",
				item_kind_word(it->kind), it->name, o->name,
				*o->project != '\0' ? " of stack " : "", o->project))
				return err->code;
		}
	}
	return ERR_OK;
}

enum err_code
look_at_users(struct restore_job *j, struct err *err)
{
	AUTO(docker_doc) struct docker_doc list = DOCKER_DOC_INIT;
	if (docker_container_list(j->docker, NULL, &list, err))
		return err->code;
	size_t i;
	const json_t *doc;
	json_array_foreach(list.json, i, doc)
	{
		struct other o = other_of(j, doc);
		if (o.runs && !o.is_ours && look_at_user(j, &o, err))
			return err->code;
	}
	return ERR_OK;
}

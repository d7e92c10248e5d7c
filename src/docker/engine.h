/*
 * engine.h: a client of the Docker Engine API, over its unix socket or over TCP
 * with TLS.
 *
 * It holds what every call needs (where the engine is, which API version both
 * sides speak) and offers the few calls that StackSnap makes.  What a stack
 * is, and in which order services start, is told in stack.h and lifecycle.h;
 * running tools in a container is exec.h.
 *
 * The version is negotiated once, by /_ping: the lower of ours and the
 * engine's.  Engines from API 1.41 (Docker 20.10) on are supported.
 *
 * Ownership: docker_open gives a client that the caller must docker_close.
 * Threads:   any number of threads may use one client at once; each call has
 *            a connection of its own.
 * Errors:    the engine's own message is in the error.  ERR_NOT_FOUND: there
 *            certainly is no such object.  ERR_EXISTS: a create that met something
 *            of that name.  ERR_LOCKED: the object's state forbids it now (in use,
 *            paused, not running).  ERR_DENIED: no permission for the socket.
 *            ERR_TRANSIENT: no engine answers, or it went away in the middle.
 *            ERR_CANCELLED: the client's cancel, or silence.
 */
#ifndef DOCKER_ENGINE_H
#define DOCKER_ENGINE_H

#include "base/json.h"
#include "base/strv.h"
#include "sys/cancel.h"

struct docker;

struct docker_options {
	const char *host; /* as DOCKER_HOST; NULL: what that says, else the default socket */
	const struct cancel *cancel; /* may be NULL; must outlive the client */
	int timeout_ms; /* longest silence of the engine within one call */
};

#define DOCKER_OPTIONS_INIT       \
	{                         \
		NULL, NULL, 60000 \
	}

/* Reach the engine and agree on a version.  ERR_UNSUPPORTED for hosts other than unix:// and
 * tcp://, and for engines older than API 1.41. */
MUST_CHECK enum err_code docker_open(
    struct docker **out, const struct docker_options *opt, struct err *err);
void docker_close(struct docker *d);
AUTO_FREE(docker, struct docker *, docker_close)

/* "unix:///var/run/docker.sock", as DOCKER_HOST takes it. */
const char *docker_host(const struct docker *d);
/* Is it reached by a unix socket?  Then the engine's paths and processes are taken to be this
 * machine's; what is not there is found out one by one. */
bool docker_is_local(const struct docker *d);
/* The version agreed on: "1.41". */
const char *docker_api_version(const struct docker *d);

/* What the engine answered: the bytes as they came, and the document in them. */
struct docker_doc {
	struct buf raw;
	json_t *json;
};

#define DOCKER_DOC_INIT        \
	{                      \
		BUF_INIT, NULL \
	}

void docker_doc_release(struct docker_doc *doc);
static inline void UNUSED
docker_doc_auto(struct docker_doc *doc)
{
	docker_doc_release(doc);
}

struct docker_info {
	char *version; /* "20.10.24+dfsg1" */
	char *operating_system; /* "Debian GNU/Linux 12 (bookworm)" */
	char *os_type; /* "linux" */
	char *architecture; /* "x86_64" */
	char *kernel;
	char *data_root; /* "/var/lib/docker" */
	char *name; /* the host's name */
};

#define DOCKER_INFO_INIT                                 \
	{                                                \
		NULL, NULL, NULL, NULL, NULL, NULL, NULL \
	}

MUST_CHECK enum err_code docker_info(
    struct docker *d, struct docker_info *out, struct err *err);
void docker_info_release(struct docker_info *info);
static inline void UNUSED
docker_info_auto(struct docker_info *info)
{
	docker_info_release(info);
}

/* Lists: an array in doc->json.  label is "key" or "key=value", or NULL for all.  Containers in
 * every state are listed.  doc must be DOCKER_DOC_INIT or released. */
MUST_CHECK enum err_code docker_container_list(
    struct docker *d, const char *label, struct docker_doc *doc, struct err *err);
/* The array is doc->json's "Volumes", which may be null. */
MUST_CHECK enum err_code docker_volume_list(
    struct docker *d, const char *label, struct docker_doc *doc, struct err *err);
MUST_CHECK enum err_code docker_network_list(
    struct docker *d, const char *label, struct docker_doc *doc, struct err *err);

MUST_CHECK enum err_code docker_container_inspect(
    struct docker *d, const char *id, struct docker_doc *doc, struct err *err);
MUST_CHECK enum err_code docker_image_inspect(
    struct docker *d, const char *ref, struct docker_doc *doc, struct err *err);
MUST_CHECK enum err_code docker_volume_inspect(
    struct docker *d, const char *name, struct docker_doc *doc, struct err *err);
MUST_CHECK enum err_code docker_network_inspect(
    struct docker *d, const char *id, struct docker_doc *doc, struct err *err);

struct docker_volume_spec {
	const char *name;
	const char *driver; /* NULL: local */
	const struct strv *labels; /* "key=value"; may be NULL */
	const struct strv *options; /* "key=value"; may be NULL */
};

/* ERR_EXISTS when there is a volume of that name, whatever made it (the engine itself would say
 * nothing). */
MUST_CHECK enum err_code docker_volume_create(
    struct docker *d, const struct docker_volume_spec *spec, struct err *err);
/* ERR_LOCKED when a container uses it. */
MUST_CHECK enum err_code docker_volume_remove(
    struct docker *d, const char *name, struct err *err);

/* Starting and stopping.  A container that is already in the wanted state is fine.  None heeds
 * the client's cancel: a service must come back also when the user has pressed Ctrl-C, and the
 * engine goes on with a pause or stop whose caller has gone: nobody would know when it is
 * done. */
MUST_CHECK enum err_code docker_container_pause(
    struct docker *d, const char *id, struct err *err);
MUST_CHECK enum err_code docker_container_unpause(
    struct docker *d, const char *id, struct err *err);
MUST_CHECK enum err_code docker_container_start(
    struct docker *d, const char *id, struct err *err);
/* grace_s: seconds until it is killed; < 0 for the container's own setting. */
MUST_CHECK enum err_code docker_container_stop(
    struct docker *d, const char *id, int grace_s, struct err *err);
/* Remove one that does not run; its volumes stay. */
MUST_CHECK enum err_code docker_container_remove(
    struct docker *d, const char *id, struct err *err);
/* Kill it if it runs, and remove it with those of its volumes that have no name.  Not
 * cancelled, as docker_network_remove: for what is torn down. */
MUST_CHECK enum err_code docker_container_destroy(
    struct docker *d, const char *id, struct err *err);
/* ERR_DENIED while a container is on it. */
MUST_CHECK enum err_code docker_network_remove(
    struct docker *d, const char *id, struct err *err);
/* Wait until it does not run; *status is its exit code. */
MUST_CHECK enum err_code docker_container_wait(
    struct docker *d, const char *id, int timeout_ms, int *status, struct err *err);

/* Tar streams.  A source gives up to len bytes, *got is 0 at its end; a sink takes all it gets.
 */
typedef enum err_code docker_source(
    void *ctx, void *out, size_t len, size_t *got, struct err *err);
typedef enum err_code docker_sink(void *ctx, const void *data, size_t len, struct err *err);

/* Unpack a tar stream into the folder dir of a container, in any state of it. */
MUST_CHECK enum err_code docker_archive_put(struct docker *d, const char *id, const char *dir,
    docker_source *source, void *ctx, struct err *err);
/* path (a file or a folder) of a container as a tar stream.  Loses xattrs and ACLs, skips
 * sockets, fills holes: read volumes by their path on the host where that can be done. */
MUST_CHECK enum err_code docker_archive_get(struct docker *d, const char *id, const char *path,
    docker_sink *sink, void *ctx, struct err *err);
/* The same, to be pulled: open, read until *got is 0, close. */
struct docker_archive;
MUST_CHECK enum err_code docker_archive_open(struct docker_archive **out, struct docker *d,
    const char *id, const char *path, struct err *err);
MUST_CHECK enum err_code docker_archive_read(
    struct docker_archive *a, void *out, size_t len, size_t *got, struct err *err);
void docker_archive_close(struct docker_archive *a);
AUTO_FREE(docker_archive, struct docker_archive *, docker_archive_close)

#endif

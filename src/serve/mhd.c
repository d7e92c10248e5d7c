#include "serve/mhd.h"

#include <dlfcn.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define LIBRARY "libmicrohttpd.so.12"

/* MHD_NAME is the member NAME. */
#define MHD_EACH(X)                      \
	X(start_daemon_va)               \
	X(stop_daemon)                   \
	X(get_connection_info)           \
	X(lookup_connection_value)       \
	X(get_connection_values)         \
	X(suspend_connection)            \
	X(resume_connection)             \
	X(create_response_from_buffer)   \
	X(create_response_from_callback) \
	X(add_response_header)           \
	X(queue_response)                \
	X(destroy_response)

static struct {
#define MEMBER(name) __typeof__(MHD_##name) *name;
	MHD_EACH(MEMBER)
#undef MEMBER
} mhd;

static enum err_code
find_function(void *so, const char *name, void *out, struct err *err)
{
	void *found = dlsym(so, name);
	if (found == NULL)
		return err_set(err, ERR_UNSUPPORTED, "%s has no %s", LIBRARY, name);
	memcpy(out, &found, sizeof found);
	return ERR_OK;
}

enum err_code
mhd_load(struct err *err)
{
	static bool is_loaded;
	if (is_loaded)
		return ERR_OK;
	void *so = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (so == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "the page and the API are served by libmicrohttpd: install the package "
		    "libmicrohttpd12, or libmicrohttpd12t64 from Debian 13 and Ubuntu 24.04 on "
		    "(%s)",
		    dlerror());
#define FIND(name)                                                     \
	if (find_function(so, "MHD_" #name, &mhd.name, err) != ERR_OK) \
		return err->code;
	MHD_EACH(FIND)
#undef FIND
	is_loaded = true;
	return ERR_OK;
}

/* --- what is called --- */

struct MHD_Daemon *
MHD_start_daemon(unsigned int flags, uint16_t port, MHD_AcceptPolicyCallback apc, void *apc_cls,
    MHD_AccessHandlerCallback dh, void *dh_cls, ...)
{
	va_list ap;
	va_start(ap, dh_cls);
	struct MHD_Daemon *d = mhd.start_daemon_va(flags, port, apc, apc_cls, dh, dh_cls, ap);
	va_end(ap);
	return d;
}

void
MHD_stop_daemon(struct MHD_Daemon *daemon)
{
	mhd.stop_daemon(daemon);
}

/* No kind of information takes more than its name. */
const union MHD_ConnectionInfo *
MHD_get_connection_info(
    struct MHD_Connection *connection, enum MHD_ConnectionInfoType info_type, ...)
{
	return mhd.get_connection_info(connection, info_type);
}

const char *
MHD_lookup_connection_value(
    struct MHD_Connection *connection, enum MHD_ValueKind kind, const char *key)
{
	return mhd.lookup_connection_value(connection, kind, key);
}

int
MHD_get_connection_values(struct MHD_Connection *connection, enum MHD_ValueKind kind,
    MHD_KeyValueIterator iterator, void *iterator_cls)
{
	return mhd.get_connection_values(connection, kind, iterator, iterator_cls);
}

void
MHD_suspend_connection(struct MHD_Connection *connection)
{
	mhd.suspend_connection(connection);
}

void
MHD_resume_connection(struct MHD_Connection *connection)
{
	mhd.resume_connection(connection);
}

struct MHD_Response *
MHD_create_response_from_buffer(size_t size, void *buffer, enum MHD_ResponseMemoryMode mode)
{
	return mhd.create_response_from_buffer(size, buffer, mode);
}

struct MHD_Response *
MHD_create_response_from_callback(uint64_t size, size_t block_size,
    MHD_ContentReaderCallback crc, void *crc_cls, MHD_ContentReaderFreeCallback crfc)
{
	return mhd.create_response_from_callback(size, block_size, crc, crc_cls, crfc);
}

enum MHD_Result
MHD_add_response_header(struct MHD_Response *response, const char *header, const char *content)
{
	return mhd.add_response_header(response, header, content);
}

enum MHD_Result
MHD_queue_response(
    struct MHD_Connection *connection, unsigned int status_code, struct MHD_Response *response)
{
	return mhd.queue_response(connection, status_code, response);
}

void
MHD_destroy_response(struct MHD_Response *response)
{
	mhd.destroy_response(response);
}

/*
 * curl.h: libcurl, loaded when something out there is first asked.
 *
 * Linked in, it and the 23 libraries it brings would cost each run of the program start-up time
 * and memory, though most repositories are folders
 * (docs/decisions/0030-libcurl-when-needed.md). The header is libcurl's own, so calls by way of
 * struct curl have its types.
 *
 * Threads: any.
 */
#ifndef NET_CURL_H
#define NET_CURL_H

#include "base/err.h"

#include <curl/curl.h>

/* libcurl's function curl_NAME is the member NAME. */
#define CURL_EACH(X)     \
	X(global_init)   \
	X(share_init)    \
	X(share_setopt)  \
	X(share_cleanup) \
	X(easy_init)     \
	X(easy_setopt)   \
	X(easy_perform)  \
	X(easy_getinfo)  \
	X(easy_strerror) \
	X(easy_reset)    \
	X(easy_cleanup)  \
	X(slist_append)  \
	X(slist_free_all)

struct curl {
#define CURL_MEMBER(name) __typeof__(curl_##name) *name;
	CURL_EACH(CURL_MEMBER)
#undef CURL_MEMBER
};

/* Loaded and initialised; it stays until the program ends.  ERR_UNSUPPORTED when it is not
 * installed. */
MUST_CHECK enum err_code curl_load(const struct curl **out, struct err *err);

#endif

#include "net/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define LIBRARY "libcurl.so.4" /* since 2006; later ones only add to it */

static enum err_code
find_function(void *so, const char *name, void *out, struct err *err)
{
	void *found = dlsym(so, name);
	if (found == NULL)
		return err_set(err, ERR_UNSUPPORTED, "%s has no %s", LIBRARY, name);
	memcpy(out, &found, sizeof found);
	return ERR_OK;
}

static enum err_code
find_functions(struct curl *out, void *so, struct err *err)
{
#define FIND(name)                                                       \
	if (find_function(so, "curl_" #name, &out->name, err) != ERR_OK) \
		return err->code;
	CURL_EACH(FIND)
#undef FIND
	return ERR_OK;
}

static enum err_code
open_library(struct curl *out, struct err *err)
{
	struct curl found;
	void *so = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (so == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "what is not on this host is reached by libcurl: install the package "
		    "libcurl4 (%s)",
		    dlerror());
	if (find_functions(&found, so, err))
		return err->code;
	if (found.global_init(CURL_GLOBAL_ALL) != CURLE_OK)
		return err_set(err, ERR_UNSUPPORTED, "%s cannot be initialised", LIBRARY);
	*out = found;
	return ERR_OK;
}

enum err_code
curl_load(const struct curl **out, struct err *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct curl curl; /* guarded by lock until it is whole */
	static bool is_loaded; /* guarded by lock */
	pthread_mutex_lock(&lock);
	if (!is_loaded && open_library(&curl, err) == ERR_OK)
		is_loaded = true;
	bool is_there = is_loaded;
	pthread_mutex_unlock(&lock);
	if (!is_there)
		return err->code;
	*out = &curl;
	return ERR_OK;
}

/*
 * Fuzz target: rules that leave paths out.  The first line is a path, the rest
 * are rules; whatever they hold, the answer is the same twice, and a folder that
 * is out takes with it what is below.  Build with
 * clang -fsanitize=fuzzer,address,undefined.
 */
#include "tree/ignore.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	const char *end = len > 0 ? memchr(text, '\n', len) : NULL;
	struct err err = ERR_INIT;
	AUTO(ignore) struct ignore *g = NULL;
	if (end == NULL || ignore_new(&g, "/srv/data", &err))
		return 0;
	size_t path_len = (size_t)(end - text);
	if (ignore_add_lines(g, end + 1, len - path_len - 1, "rules", &err))
		assert(err.code == ERR_USAGE && strncmp(err.msg, "rules:", 6) == 0);
	bool as_dir = ignore_covers(g, text, path_len, true);
	assert(as_dir == ignore_covers(g, text, path_len, true));
	for (size_t n = 0; n < path_len; n++)
		if (text[n] == '/' && ignore_covers(g, text, n, true))
			assert(as_dir && ignore_covers(g, text, path_len, false));
	return 0;
}

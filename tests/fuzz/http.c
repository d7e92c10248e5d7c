/*
 * Fuzz target: the head of an HTTP answer and the body behind it.  Build with
 * clang -fsanitize=fuzzer,address,undefined.
 */
#include "net/http_chunks.h"
#include "net/http_head.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
read_chunks(const uint8_t *data, size_t len)
{
	struct http_chunks c;
	struct err err = ERR_INIT;
	http_chunks_init(&c);
	for (size_t at = 0; at < len && !http_chunks_is_done(&c);) {
		size_t used;
		size_t body;
		if (http_chunks_next(&c, data + at, len - at, &used, &body, &err))
			return;
		assert(used > 0 && used <= len - at && body <= used);
		at += used;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_head head = { 0 };
	struct err err = ERR_INIT;
	size_t used;
	if (http_head_parse(&head, data, len, &used, &err) == ERR_OK && used > 0) {
		assert(used <= len && head.status >= 100 && head.status <= 999);
		if (head.framing == HTTP_CHUNKED)
			read_chunks(data + used, len - used);
	}
	http_head_release(&head);
	read_chunks(data, len);
	return 0;
}

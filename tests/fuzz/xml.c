/*
 * Fuzz target: the answers of S3 servers, as elements, as listing and as error.
 * Build with clang -fsanitize=fuzzer,address,undefined.
 */
#include "net/xml.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct xml x;
	struct err err = ERR_INIT;
	enum xml_event event = XML_TEXT;
	xml_init(&x, data, len);
	for (size_t events = 0; event != XML_DONE; events++) {
		/* Each takes bytes, so there is an end. */
		assert(events <= len);
		if (xml_next(&x, &event, &err)) {
			assert(err.code == ERR_CORRUPT);
			break;
		}
		assert(strlen(x.path) < XML_PATH_MAX);
		assert(event != XML_TEXT || x.text_len < XML_TEXT_MAX);
		assert(x.at <= x.end);
	}
	return 0;
}

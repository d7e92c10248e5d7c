/*
 * Fuzz target: BSON, checked and as text.  What passes the check has text, and
 * no other; what the text says is BSON again, whose text is the same.  Build
 * with clang -fsanitize=fuzzer,address,undefined.
 */
#include "db/bson.h"
#include "db/bson_json.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Documents that JSON cannot say: one name twice, a text that is no UTF-8. */
static bool
read_back(struct buf *out, struct buf *text)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *j = NULL;
	return json_parse(&j, text->data, text->len, "fuzz", &err) == ERR_OK &&
	       bson_of_json(out, j, &err) == ERR_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(bufv) struct buf relaxed = BUF_INIT;
	AUTO(bufv) struct buf doc = BUF_INIT;
	AUTO(bufv) struct buf again = BUF_INIT;
	static const char *const path[] = { "a", "b", "c", NULL };
	struct bson_value v;
	bool is_good = bson_check(data, len, &err) == ERR_OK;
	bool has_text = bson_json(&text, data, len, BSON_CANONICAL, &err) == ERR_OK;
	assert(is_good == has_text);
	assert((bson_json(&relaxed, data, len, BSON_RELAXED, &err) == ERR_OK) == is_good);
	if (bson_find(data, len, path, &v))
		(void)bson_integer(&v, 0);
	if (is_good && read_back(&doc, &text)) {
		assert(bson_check(doc.data, doc.len, &err) == ERR_OK);
		assert(bson_json(&again, doc.data, doc.len, BSON_CANONICAL, &err) == ERR_OK);
		/* {"$numberInt": "1"} may also be a document of a string; and what was no
		 * UTF-8 is U+FFFD afterwards. */
		if (memmem(text.data, text.len, "\"$", 2) == NULL &&
		    memmem(text.data, text.len, "\\ufffd", 6) == NULL)
			assert(again.len == text.len &&
			       memcmp(again.data, text.data, text.len) == 0);
	}
	return 0;
}

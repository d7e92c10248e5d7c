/*
 * Fuzz target: entries of a folder's listing.  What decodes must encode to the
 * same bytes, but for fields that this version passes over.  Build with clang
 * -fsanitize=fuzzer,address,undefined.
 */
#include "tree/entry.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_entry(const struct tree_entry *e)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf once = BUF_INIT;
	AUTO(bufv) struct buf twice = BUF_INIT;
	AUTO(tree_entry) struct tree_entry copy = TREE_ENTRY_INIT;
	struct rd r;
	assert(e->name_len == 0 || tree_name_is_valid(e->name, e->name_len));
	assert(tree_entry_encode(e, &once, &err) == ERR_OK);
	rd_init(&r, once.data, once.len);
	assert(tree_entry_decode(&copy, &r, &err) == ERR_OK);
	assert(rd_done(&r));
	assert(tree_entry_encode(&copy, &twice, &err) == ERR_OK);
	assert(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	assert(tree_xattrs_equal(e, &copy) && content_equal(&e->content, &copy.content));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r;
	rd_init(&r, data, len);
	while (rd_ok(&r) && rd_left(&r) > 0) {
		struct rd ahead = r;
		struct tree_raw raw;
		struct err err = ERR_INIT;
		AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
		bool stepped = tree_raw_next(&ahead, &raw);
		if (tree_entry_decode(&e, &r, &err))
			break;
		/* Who can be decoded can be stepped over, to the same place. */
		assert(stepped && ahead.p == r.p && raw.name_len == e.name_len);
		check_entry(&e);
	}
	return 0;
}

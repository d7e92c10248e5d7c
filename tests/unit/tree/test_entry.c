#include "testing.h"

#include "tree/entry.h"

static const uint8_t acl[] = { 2, 0, 0, 0, 1, 0, 6, 0 };

/* An entry with everything that a file can have. */
static struct tree_entry
full_entry(struct extent *extent)
{
	static const struct tree_xattr xattrs[] = {
		{ "system.posix_acl_access", acl, sizeof acl },
		{ "user.empty", (const uint8_t *)"", 0 },
	};
	*extent = (struct extent){ .len = 5 };
	memset(extent->id.b, 0x5a, ID_SIZE);
	struct tree_entry e = TREE_ENTRY_INIT;
	e.name = "new\nline";
	e.name_len = 8;
	e.mode = 04755;
	e.uid = 1000;
	e.gid = UINT32_MAX;
	e.user = "anna";
	e.group = "staff";
	e.modified = (struct tree_time){ -1, 999999999 };
	e.changed = (struct tree_time){ INT64_C(15032385536), 1 };
	e.ino = 77;
	e.dev = 2049;
	e.links = 2;
	e.xattrs = xattrs;
	e.xattr_count = 2;
	e.content = (struct content){ 5, 0, 1, extent, false };
	return e;
}

static void
encode(struct buf *out, const struct tree_entry *e)
{
	struct err err;
	ok(tree_entry_encode(e, out, &err));
}

static enum err_code
decode(struct tree_entry *out, const void *data, size_t len, struct err *err)
{
	struct rd r;
	rd_init(&r, data, len);
	return tree_entry_decode(out, &r, err);
}

static void
entry_comes_back_as_it_was(void **state)
{
	(void)state;
	struct err err;
	struct extent extent;
	struct tree_entry e = full_entry(&extent);
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(tree_entry) struct tree_entry back = TREE_ENTRY_INIT;
	encode(&raw, &e);
	ok(decode(&back, raw.data, raw.len, &err));

	assert_int_equal(back.type, TREE_FILE);
	assert_string_equal(back.name, "new\nline");
	assert_int_equal(back.name_len, 8);
	assert_int_equal(back.mode, 04755);
	assert_int_equal(back.uid, 1000);
	assert_int_equal(back.gid, UINT32_MAX);
	assert_string_equal(back.user, "anna");
	assert_string_equal(back.group, "staff");
	assert_true(tree_time_equal(back.modified, e.modified));
	assert_true(tree_time_equal(back.changed, e.changed));
	assert_int_equal(back.ino, 77);
	assert_int_equal(back.dev, 2049);
	assert_int_equal(back.links, 2);
	assert_true(tree_xattrs_equal(&back, &e));
	assert_true(content_equal(&back.content, &e.content));
}

static void
encoding_is_that_of_the_format(void **state)
{
	(void)state;
	struct tree_entry e = TREE_ENTRY_INIT;
	e.type = TREE_SYMLINK;
	e.name = "l";
	e.name_len = 1;
	e.mode = 0777;
	e.modified = (struct tree_time){ -2, 5 };
	e.target = "to";
	e.target_len = 2;
	static const uint8_t want[] = { 17, 3, 1, 'l', 0xff, 3, 0, 0, 3, 5, 5, 2, 0, 0, 20, 2,
		't', 'o' };
	AUTO(bufv) struct buf raw = BUF_INIT;
	encode(&raw, &e);
	assert_int_equal(raw.len, sizeof want);
	assert_memory_equal(raw.data, want, sizeof want);
}

static void
every_type_comes_back(void **state)
{
	(void)state;
	struct err err;
	for (int type = TREE_FILE; type <= TREE_SOCKET; type++) {
		struct tree_entry e = TREE_ENTRY_INIT;
		e.type = (enum tree_type)type;
		e.name = "x";
		e.name_len = 1;
		e.rdev_major = 8;
		e.rdev_minor = 1 << 18;
		if (type == TREE_SYMLINK) {
			e.target = "\xff\xfe";
			e.target_len = 2;
		}
		AUTO(bufv) struct buf raw = BUF_INIT;
		AUTO(tree_entry) struct tree_entry back = TREE_ENTRY_INIT;
		encode(&raw, &e);
		ok(decode(&back, raw.data, raw.len, &err));
		assert_int_equal(back.type, type);
		bool is_device = type == TREE_CHAR_DEVICE || type == TREE_BLOCK_DEVICE;
		assert_int_equal(back.rdev_minor, is_device ? 1 << 18 : 0);
		assert_int_equal(back.target_len, type == TREE_SYMLINK ? 2 : 0);
	}
}

static void
every_cut_off_entry_is_refused(void **state)
{
	(void)state;
	struct extent extent;
	struct tree_entry e = full_entry(&extent);
	AUTO(bufv) struct buf raw = BUF_INIT;
	encode(&raw, &e);
	for (size_t len = 0; len < raw.len; len++) {
		struct err err;
		struct tree_entry back;
		refused(
		    decode(&back, raw.data, len, &err), ERR_CORRUPT, "tree entry: malformed");
		/* The same, when the length before it says that this is all. */
		if (len < 3)
			continue;
		AUTO(mem) uint8_t *cut = malloc(len);
		memcpy(cut, raw.data, len);
		cut[0] = (uint8_t)((len - 2) | 0x80);
		cut[1] = 1;
		assert_int_not_equal(decode(&back, cut, len, &err), ERR_OK);
	}
}

static void
flipped_bytes_never_crash(void **state)
{
	(void)state;
	struct extent extent;
	struct tree_entry e = full_entry(&extent);
	AUTO(bufv) struct buf raw = BUF_INIT;
	encode(&raw, &e);
	for (size_t i = 0; i < raw.len; i++) {
		uint8_t kept = raw.data[i];
		for (int v = 0; v < 256; v++) {
			struct err err;
			AUTO(tree_entry) struct tree_entry back = TREE_ENTRY_INIT;
			raw.data[i] = (uint8_t)v;
			/* Many of them are entries; all that counts is what ASan says. */
			enum err_code rc = decode(&back, raw.data, raw.len, &err);
			assert_true(rc == ERR_OK || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
		}
		raw.data[i] = kept;
	}
}

static void
unknown_optional_field_is_passed_over(void **state)
{
	(void)state;
	struct err err;
	/* A fifo with field 33, which this version does not know. */
	static const uint8_t raw[] = { 11, 6, 1, 'p', 0, 0, 0, 0, 0, 33, 1, 'z' };
	AUTO(tree_entry) struct tree_entry back = TREE_ENTRY_INIT;
	ok(decode(&back, raw, sizeof raw, &err));
	assert_int_equal(back.type, TREE_FIFO);
	assert_string_equal(back.name, "p");
}

static void
unknown_required_field_is_refused(void **state)
{
	(void)state;
	struct err err;
	static const uint8_t raw[] = { 11, 6, 1, 'p', 0, 0, 0, 0, 0, 34, 1, 'z' };
	static const uint8_t type[] = { 8, 8, 1, 'p', 0, 0, 0, 0, 0 };
	struct tree_entry back;
	refused(decode(&back, raw, sizeof raw, &err), ERR_UNSUPPORTED,
	    "tree entry: field 34 is of a later format");
	refused(decode(&back, type, sizeof type, &err), ERR_UNSUPPORTED,
	    "tree entry: type 8 is of a later format");
}

static void
broken_rules_are_refused_when_reading(void **state)
{
	(void)state;
	static const struct {
		uint8_t len;
		uint8_t raw[16];
	} bad[] = {
		{ 9, { 8, 6, 1, '/', 0, 0, 0, 0, 0 } }, /* slash */
		{ 9, { 8, 6, 1, '.', 0, 0, 0, 0, 0 } }, /* dot */
		{ 10, { 9, 6, 2, '.', '.', 0, 0, 0, 0, 0 } }, /* dots */
		{ 9, { 8, 6, 1, 0, 0, 0, 0, 0, 0 } }, /* NUL */
		{ 10, { 9, 6, 1, 'p', 0x80, 0x20, 0, 0, 0, 0 } }, /* mode 010000 */
		{ 9, { 8, 1, 1, 'p', 0, 0, 0, 0, 0 } }, /* file, no content */
		{ 9, { 8, 3, 1, 'p', 0, 0, 0, 0, 0 } }, /* symlink, no target */
		{ 12, { 11, 6, 1, 'p', 0, 0, 0, 0, 0, 20, 1, 'x' } }, /* fifo, target */
		{ 12, { 11, 6, 1, 'p', 0, 0, 0, 0, 0, 1, 1, 0 } }, /* NUL in a user */
		{ 15,
		    { 14, 6, 1, 'p', 0, 0, 0, 0, 0, 3, 1, 'g', 1, 1, 'u' } }, /* tags descend */
		{ 12, { 11, 6, 1, 'p', 0, 0, 0, 0, 0, 24, 1, 0 } }, /* no xattrs */
		{ 12, { 11, 6, 1, 'p', 0, 0, 0, 0, 0, 24, 1, 200 } }, /* too many xattrs */
		{ 13, { 12, 6, 1, 'p', 0, 0, 0, 0, 0, 7, 2, 5, 5 } }, /* field too long */
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err;
		struct tree_entry back;
		refused(decode(&back, bad[i].raw, bad[i].len, &err), ERR_CORRUPT,
		    "tree entry: malformed");
	}
}

static void
xattrs_twice_or_unsorted_are_refused(void **state)
{
	(void)state;
	static const uint8_t twice[] = { 20, 6, 1, 'p', 0, 0, 0, 0, 0, 24, 9, 2, 1, 'a', 1, 'x',
		1, 'a', 1, 'y', 0 };
	struct err err;
	struct tree_entry back;
	uint8_t raw[sizeof twice];
	memcpy(raw, twice, sizeof twice);
	raw[0] = 19;
	refused(decode(&back, raw, sizeof raw - 1, &err), ERR_CORRUPT, "tree entry: malformed");
	raw[17] = 'b';
	ok(decode(&back, raw, sizeof raw - 1, &err));
	assert_int_equal(back.xattr_count, 2);
	tree_entry_release(&back);
}

static void
broken_rules_are_refused_when_writing(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf raw = BUF_INIT;
	struct tree_entry e = TREE_ENTRY_INIT;
	e.name = "a/b";
	e.name_len = 3;
	refused(tree_entry_encode(&e, &raw, &err), ERR_USAGE, "tree entry: not a name");
	e.name_len = 1;
	e.target = "x";
	e.target_len = 1;
	refused(tree_entry_encode(&e, &raw, &err), ERR_USAGE,
	    "tree entry: a symlink and nothing else has a target");
	e.target_len = 0;
	e.mode = 010000;
	refused(
	    tree_entry_encode(&e, &raw, &err), ERR_USAGE, "tree entry: number out of range");
	assert_int_equal(raw.len, 0);
}

static void
head_and_content_join_to_the_same_bytes(void **state)
{
	(void)state;
	struct err err;
	struct extent extent;
	struct tree_entry e = full_entry(&extent);
	AUTO(bufv) struct buf whole = BUF_INIT;
	AUTO(bufv) struct buf head = BUF_INIT;
	AUTO(bufv) struct buf joined = BUF_INIT;
	encode(&whole, &e);
	ok(tree_entry_encode_head(&e, &head, &err));
	ok(tree_entry_join(head.data, head.len, &e.content, &joined, &err));
	assert_int_equal(joined.len, whole.len);
	assert_memory_equal(joined.data, whole.data, whole.len);
}

static void
names_sort_by_unsigned_bytes(void **state)
{
	(void)state;
	assert_true(tree_name_compare("a", 1, "a\x80", 2) < 0);
	assert_true(tree_name_compare("\x80", 1, "a", 1) > 0);
	assert_true(tree_name_compare("ab", 2, "b", 1) < 0);
	assert_int_equal(tree_name_compare("ab", 2, "ab", 2), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_comes_back_as_it_was),
		cmocka_unit_test(encoding_is_that_of_the_format),
		cmocka_unit_test(every_type_comes_back),
		cmocka_unit_test(every_cut_off_entry_is_refused),
		cmocka_unit_test(flipped_bytes_never_crash),
		cmocka_unit_test(unknown_optional_field_is_passed_over),
		cmocka_unit_test(unknown_required_field_is_refused),
		cmocka_unit_test(broken_rules_are_refused_when_reading),
		cmocka_unit_test(xattrs_twice_or_unsorted_are_refused),
		cmocka_unit_test(broken_rules_are_refused_when_writing),
		cmocka_unit_test(head_and_content_join_to_the_same_bytes),
		cmocka_unit_test(names_sort_by_unsigned_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "testing.h"

#include "base/bytes.h"
#include "codec/block.h"

#include <stdio.h>

struct fixture {
	struct packer *packer;
	struct unpacker *unpacker;
	uint8_t *data;
	uint8_t *block;
	uint8_t *back;
};

#define MOST ((size_t)1 << 20)

static int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ok(packer_new(&f->packer, &err));
	ok(unpacker_new(&f->unpacker, &err));
	f->data = malloc(MOST);
	f->block = malloc(block_bound(MOST));
	f->back = malloc(MOST);
	assert_true(f->data != NULL && f->block != NULL && f->back != NULL);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	packer_free(f->packer);
	unpacker_free(f->unpacker);
	free(f->data);
	free(f->block);
	free(f->back);
	free(f);
	return 0;
}

static void
fill_noise(uint8_t *p, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		p[i] = (uint8_t)(seed >> 56);
	}
}

static void
fill_text(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t) "the same line again and again\n"[(i * 7 + i / 900) % 30];
}

static size_t
round_trip_at(struct fixture *f, size_t len, int level)
{
	struct err err;
	size_t n;
	size_t plain;
	ok(block_encode(f->packer, f->data, len, level, f->block, &n, &err));
	assert_true(n <= block_bound(len));
	ok(block_plain_len(f->block, n, MOST, &plain, &err));
	assert_int_equal(plain, len);
	memset(f->back, 0x5a, len);
	ok(block_decode(f->unpacker, f->block, n, f->back, plain, &err));
	assert_memory_equal(f->back, f->data, len);

	AUTO(bufv) struct buf scratch = BUF_INIT;
	const uint8_t *view;
	ok(block_plain(f->unpacker, f->block, n, len, &scratch, &view, &plain, &err));
	assert_int_equal(plain, len);
	assert_memory_equal(view, f->data, len);
	return n;
}

/* Encode and decode; gives the block's length. */
static size_t
round_trip(struct fixture *f, size_t len)
{
	round_trip_at(f, len, 3);
	return round_trip_at(f, len, BLOCK_LEVEL_FRAME);
}

static void
bytes_of_every_kind_and_length_come_back(void **state)
{
	struct fixture *f = *state;
	static const size_t lengths[] = { 0, 1, 2, 5, 100, 4095, 4096, 65535, 65536, 65537,
		262144, 1048575, MOST };
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		fill_noise(f->data, lengths[i], i);
		round_trip(f, lengths[i]);
		fill_text(f->data, lengths[i]);
		round_trip(f, lengths[i]);
		memset(f->data, 0, lengths[i]);
		round_trip(f, lengths[i]);
	}
}

static void
what_shrinks_is_compressed(void **state)
{
	struct fixture *f = *state;
	fill_text(f->data, MOST);
	size_t n = round_trip(f, MOST);
	assert_int_equal(f->block[0], BLOCK_ZSTD);
	assert_true(n < MOST / 4);
}

/* Rows of numbers between zeros, like pages of databases; and bytes of a program. */
static void
fill_pages(uint8_t *p, size_t len)
{
	memset(p, 0, len);
	for (size_t i = 0; i + 64 <= len; i += 64) {
		put_u64(p + i, i / 64);
		fill_noise(p + i + 24, 6, i);
		memcpy(p + i + 40, "delivered", 9);
	}
}

static void
fill_dense(uint8_t *p, size_t len)
{
	fill_noise(p, len, 9);
	for (size_t i = 0; i + 48 <= len; i += 48)
		memcpy(p + i, "\x48\x89\xe5\x48\x83\xec\x20\xe8\x55\xc3\xff\x15", 12);
}

/* Each kind of content is compressed in its own way, by one packer after the other. */
static void
every_kind_of_content_shrinks_and_comes_back(void **state)
{
	struct fixture *f = *state;
	static const size_t lengths[] = { 3000, 65536, 300000, MOST };
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		size_t len = lengths[i];
		fill_pages(f->data, len);
		assert_true(round_trip(f, len) < len / 2);
		fill_dense(f->data, len);
		assert_true(round_trip(f, len) < len * 9 / 10);
		fill_text(f->data, len);
		assert_true(round_trip(f, len) < len / 2);
	}
}

static void
what_does_not_shrink_is_stored(void **state)
{
	struct fixture *f = *state;
	static const size_t lengths[] = { 1, 3, 1000, 60000, MOST };
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		fill_noise(f->data, lengths[i], 5);
		size_t n = round_trip(f, lengths[i]);
		assert_int_equal(f->block[0], BLOCK_STORED);
		assert_int_equal(n, BLOCK_HEADER_SIZE + lengths[i]);
	}
}

/* The quick look takes samples from the whole: text behind noise must be found by it. */
static void
noise_at_the_beginning_does_not_hide_what_shrinks(void **state)
{
	struct fixture *f = *state;
	fill_text(f->data, MOST);
	fill_noise(f->data, MOST / 4, 6);
	size_t n = round_trip(f, MOST);
	assert_int_equal(f->block[0], BLOCK_ZSTD);
	assert_true(n < MOST / 2);
}

static void
a_block_that_is_cut_off_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	size_t n;
	size_t plain;
	fill_text(f->data, 5000);
	ok(block_encode(f->packer, f->data, 5000, 3, f->block, &n, &err));
	for (size_t len = 0; len < BLOCK_HEADER_SIZE; len++)
		refused(block_plain_len(f->block, len, MOST, &plain, &err), ERR_CORRUPT,
		    "block is cut off");
	refused(block_decode(f->unpacker, f->block, BLOCK_HEADER_SIZE, f->back, 5000, &err),
	    ERR_CORRUPT, "block has 0 bytes, not 5000");
	for (size_t len = BLOCK_HEADER_SIZE + 1; len < n; len++)
		refused_like(block_decode(f->unpacker, f->block, len, f->back, 5000, &err),
		    ERR_CORRUPT, "decompress: ");
	/* A stored one tells it by its length. */
	fill_noise(f->data, 100, 1);
	ok(block_encode(f->packer, f->data, 100, 3, f->block, &n, &err));
	refused(block_decode(f->unpacker, f->block, n - 1, f->back, 100, &err), ERR_CORRUPT,
	    "block has 99 bytes, not 100");
}

static void
a_block_that_claims_too_much_is_refused_before_it_is_decoded(void **state)
{
	struct fixture *f = *state;
	struct err err;
	size_t plain = 7;
	static const uint8_t huge[] = { BLOCK_ZSTD, 0xff, 0xff, 0xff, 0xff };
	refused(block_plain_len(huge, sizeof huge, SIZE_MAX, &plain, &err), ERR_CORRUPT,
	    "block claims 4294967295 bytes, more than allowed");
	uint8_t just[BLOCK_HEADER_SIZE] = { BLOCK_STORED };
	put_u32(just + 1, 1001);
	refused(block_plain_len(just, sizeof just, 1000, &plain, &err), ERR_CORRUPT,
	    "block claims 1001 bytes, more than allowed");
	assert_int_equal(plain, 7);
	ok(block_plain_len(just, sizeof just, 1001, &plain, &err));
	assert_int_equal(plain, 1001);
	(void)f;
}

static void
a_frame_of_another_length_than_claimed_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	size_t n;
	fill_text(f->data, 5000);
	ok(block_encode(f->packer, f->data, 5000, 3, f->block, &n, &err));
	assert_int_equal(f->block[0], BLOCK_ZSTD);
	refused(block_decode(f->unpacker, f->block, n, f->back, 5001, &err), ERR_CORRUPT,
	    "block has 5000 bytes, not 5001");
	refused(block_decode(f->unpacker, f->block, n, f->back, 4999, &err), ERR_CORRUPT,
	    "decompress: Destination buffer is too small");
}

static void
an_unknown_codec_is_of_a_later_format(void **state)
{
	struct fixture *f = *state;
	struct err err;
	static const uint8_t later[] = { 9, 1, 0, 0, 0, 'x' };
	refused(block_decode(f->unpacker, later, sizeof later, f->back, 1, &err),
	    ERR_UNSUPPORTED, "block with unknown codec 9");
}

static void
flipped_bits_never_write_beyond_the_plain_length(void **state)
{
	struct fixture *f = *state;
	struct err err;
	size_t n;
	fill_text(f->data, 3000);
	ok(block_encode(f->packer, f->data, 3000, 3, f->block, &n, &err));
	for (size_t bit = 0; bit < n * 8; bit++) {
		size_t plain;
		f->block[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		if (block_plain_len(f->block, n, 4000, &plain, &err) == ERR_OK) {
			/* Just as large as asked for, so that ASan sees a byte too many. */
			uint8_t *exact = malloc(plain > 0 ? plain : 1);
			assert_non_null(exact);
			if (block_decode(f->unpacker, f->block, n, exact, plain, &err) !=
			    ERR_OK)
				assert_true(
				    err.code == ERR_CORRUPT || err.code == ERR_UNSUPPORTED);
			free(exact);
		}
		f->block[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	}
	/* The unpacker is as good as new afterwards. */
	ok(block_decode(f->unpacker, f->block, n, f->back, 3000, &err));
}

static void
a_block_too_large_is_not_made(void **state)
{
	struct fixture *f = *state;
	struct err err;
	size_t n;
	refused(block_encode(f->packer, f->data, BLOCK_MAX_PLAIN + 1, 3, f->block, &n, &err),
	    ERR_USAGE, "block of 67108865 bytes is too large");
}

/* Numbers and hashes at the quick level, texts at the better one: told apart while they come.
 */
static void
rows_are_as_small_as_the_better_level_makes_them(void **state)
{
	struct fixture *f = *state;
	struct err err;
	static const char *const words[] = { "order", "customer", "street", "invoice", "paid",
		"shipped", "returned", "open", "Wednesday", "amount", "of", "the", "and",
		"for" };
	size_t total[2] = { 0, 0 };
	uint64_t seed = 1;
	for (int block = 0; block < 200; block++) {
		size_t len = 0;
		while (len < 32768) {
			seed = seed * UINT64_C(6364136223846793005) +
			       UINT64_C(1442695040888963407);
			if (block < 100)
				len += (size_t)snprintf((char *)f->data + len, 64, "%s %s\t",
				    words[(seed >> 33) % ARRAY_LEN(words)],
				    words[(seed >> 45) % ARRAY_LEN(words)]);
			else
				len += (size_t)snprintf((char *)f->data + len, 64, "%016llx\n",
				    (unsigned long long)seed);
		}
		for (int way = 0; way < 2; way++) {
			struct packer *fresh = NULL;
			size_t n, plain;
			if (way == 1)
				ok(packer_new(&fresh, &err));
			ok(block_encode(way == 0 ? f->packer : fresh, f->data, len,
			    way == 0 ? BLOCK_LEVEL_ROWS : 3, f->block, &n, &err));
			ok(block_plain_len(f->block, n, len, &plain, &err));
			assert_int_equal(plain, len);
			ok(block_decode(f->unpacker, f->block, n, f->back, plain, &err));
			assert_memory_equal(f->back, f->data, len);
			total[way] += n;
			packer_free(fresh);
		}
	}
	/* A stretch of the wrong level, where texts give way to numbers, costs next to nothing.
	 */
	assert_true(total[0] < total[1] + total[1] / 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_of_every_kind_and_length_come_back),
		cmocka_unit_test(what_shrinks_is_compressed),
		cmocka_unit_test(every_kind_of_content_shrinks_and_comes_back),
		cmocka_unit_test(what_does_not_shrink_is_stored),
		cmocka_unit_test(noise_at_the_beginning_does_not_hide_what_shrinks),
		cmocka_unit_test(a_block_that_is_cut_off_is_refused),
		cmocka_unit_test(a_block_that_claims_too_much_is_refused_before_it_is_decoded),
		cmocka_unit_test(a_frame_of_another_length_than_claimed_is_refused),
		cmocka_unit_test(an_unknown_codec_is_of_a_later_format),
		cmocka_unit_test(flipped_bits_never_write_beyond_the_plain_length),
		cmocka_unit_test(a_block_too_large_is_not_made),
		cmocka_unit_test_setup_teardown(
		    rows_are_as_small_as_the_better_level_makes_them, setup, teardown),
	};
	return cmocka_run_group_tests_name("block", tests, setup, teardown);
}

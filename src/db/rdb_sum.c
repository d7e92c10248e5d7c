/*
 * A field that has not come whole waits in carry, but for strings, which are passed
 * on as they come.
 */
#include "db/rdb_sum.h"

#include "base/bytes.h"

#include <string.h>

bool
rdb_sum_carry(struct rdb_sum *s, struct rdb_input *in, size_t want)
{
	size_t n =
	    min_size(want > s->carried ? want - s->carried : 0, (size_t)(in->end - in->p));
	memcpy(s->carry + s->carried, in->p, n);
	s->carried += n;
	in->p += n;
	s->bytes += n;
	return s->carried >= want;
}

enum length_kind { LENGTH_WAITS, LENGTH_PLAIN, LENGTH_ENCODED };

/* A length, or the number of a string's encoding. */
static enum length_kind
read_length(struct rdb_sum *s, struct rdb_input *in, uint64_t *out)
{
	if (!rdb_sum_carry(s, in, 1))
		return LENGTH_WAITS;
	uint8_t first = s->carry[0];
	size_t want = rdb_length_size(first);
	if (!rdb_sum_carry(s, in, want > 0 ? want : 1))
		return LENGTH_WAITS;
	s->carried = 0;
	*out = rdb_length(s->carry);
	if (want == 0)
		s->is_lost = true;
	return first >> 6 == 3 ? LENGTH_ENCODED : LENGTH_PLAIN;
}

/* Where what is read adds to. */
static struct checksum_stream *
sum_of(const struct rdb_sum *s)
{
	for (unsigned i = 0; i < s->depth; i++)
		if (s->loops[i].any_order)
			return s->member;
	return s->value;
}

static void
add_number(struct rdb_sum *s, uint64_t n)
{
	uint8_t raw[8];
	put_u64(raw, n);
	checksum_stream_add(sum_of(s), raw, sizeof raw);
}

static void
begin_bytes(struct rdb_sum *s, uint64_t stored, uint64_t length)
{
	s->part = STRING_BYTES;
	s->left = stored;
	s->length = length;
	add_number(s, length);
}

/* An integer that stands for its text. */
static bool
read_integer(struct rdb_sum *s, struct rdb_input *in, size_t size)
{
	char text[RDB_INTEGER_TEXT];
	/* The first byte was the encoding. */
	if (!rdb_sum_carry(s, in, 1 + size))
		return false;
	s->carried = 0;
	size_t n = rdb_integer_text(text, rdb_integer(s->carry + 1, size));
	add_number(s, n);
	checksum_stream_add(sum_of(s), text, n);
	return true;
}

/* false: more must come. */
static bool
begin_string(struct rdb_sum *s, struct rdb_input *in, bool *is_done)
{
	uint64_t n;
	if (!rdb_sum_carry(s, in, 1))
		return false;
	uint8_t first = s->carry[0];
	*is_done = false;
	if (first >= 0xc0 && first <= 0xc2) {
		*is_done = read_integer(s, in, (size_t)1 << (first & 3));
		return *is_done;
	}
	if (first == 0xc3) {
		s->carried = 0;
		s->part = STRING_PACKED;
		return true;
	}
	enum length_kind kind = read_length(s, in, &n);
	if (kind == LENGTH_WAITS)
		return false;
	if (kind == LENGTH_ENCODED)
		s->is_lost = true;
	s->is_packed = false;
	begin_bytes(s, n, n);
	return true;
}

static bool
string_bytes(struct rdb_sum *s, struct rdb_input *in)
{
	size_t n = (size_t)(in->end - in->p);
	if (n > s->left)
		n = (size_t)s->left;
	if (!s->is_packed)
		checksum_stream_add(sum_of(s), in->p, n);
	else if (!lzf_feed(&s->lzf, in->p, n))
		s->is_lost = true;
	in->p += n;
	s->bytes += n;
	s->left -= n;
	if (s->left > 0)
		return false;
	if (s->is_packed && !lzf_end(&s->lzf, s->length))
		s->is_lost = true;
	s->part = STRING_HEAD;
	return true;
}

static void
add_unpacked(void *sum, const void *data, size_t len)
{
	checksum_stream_add(sum, data, len);
}

bool
rdb_sum_string(struct rdb_sum *s, struct rdb_input *in)
{
	uint64_t n;
	bool is_done;
	if (s->part == STRING_HEAD) {
		if (!begin_string(s, in, &is_done))
			return false;
		if (is_done || s->is_lost)
			return true;
	}
	if (s->part == STRING_PACKED) {
		enum length_kind kind = read_length(s, in, &n);
		if (kind == LENGTH_WAITS)
			return false;
		s->left = n;
		s->part = STRING_LENGTH;
	}
	if (s->part == STRING_LENGTH) {
		enum length_kind kind = read_length(s, in, &n);
		if (kind == LENGTH_WAITS)
			return false;
		s->is_packed = true;
		begin_bytes(s, s->left, n);
		lzf_begin(&s->lzf, add_unpacked, sum_of(s));
	}
	return string_bytes(s, in);
}

static bool
read_number(struct rdb_sum *s, struct rdb_input *in, uint64_t *out)
{
	enum length_kind kind = read_length(s, in, out);
	if (kind == LENGTH_WAITS)
		return false;
	if (kind == LENGTH_ENCODED)
		s->is_lost = true;
	add_number(s, *out);
	return true;
}

static bool
read_raw(struct rdb_sum *s, struct rdb_input *in, size_t len)
{
	if (!rdb_sum_carry(s, in, len))
		return false;
	s->carried = 0;
	checksum_stream_add(sum_of(s), s->carry, len);
	return true;
}

/* A length of one byte and so much text; 253 to 255 stand for what is no number. */
static bool
read_text_number(struct rdb_sum *s, struct rdb_input *in)
{
	if (!rdb_sum_carry(s, in, 1))
		return false;
	return read_raw(s, in, 1 + (s->carry[0] < 253 ? (size_t)s->carry[0] : 0));
}

/* One value of a module: its kind, then it; *is_last when it was the end. */
static bool
read_module(struct rdb_sum *s, struct rdb_input *in, bool *is_last)
{
	uint64_t n;
	bool is_read = false;
	*is_last = false;
	if (!s->in_module) {
		if (!read_number(s, in, &s->module_kind))
			return false;
		*is_last = s->module_kind == 0;
		s->in_module = !*is_last;
		return true;
	}
	switch (s->module_kind) {
	case 1:
	case 2:
		is_read = read_number(s, in, &n);
		break;
	case 3:
		is_read = read_raw(s, in, 4);
		break;
	case 4:
		is_read = read_raw(s, in, 8);
		break;
	case 5:
		is_read = rdb_sum_string(s, in);
		break;
	default:
		s->is_lost = true;
		return true;
	}
	s->in_module = !is_read;
	return is_read;
}

/* --- programs --- */

static bool
begin_loop(struct rdb_sum *s, struct rdb_input *in)
{
	uint64_t n;
	bool any_order = *s->pc == '[';
	if (!read_number(s, in, &n))
		return false;
	if (n == 0) {
		s->pc = rdb_behind_loop(s->pc);
		return true;
	}
	s->members = any_order ? (struct checksum128){ 0, 0 } : s->members;
	s->loops[s->depth++] = (struct rdb_sum_loop){ s->pc + 1, n, any_order };
	s->pc++;
	return true;
}

static void
end_turn(struct rdb_sum *s)
{
	struct rdb_sum_loop *l = &s->loops[s->depth - 1];
	if (l->any_order)
		checksum128_sum(&s->members, checksum_stream_end(s->member));
	if (--l->left > 0) {
		s->pc = l->body;
		return;
	}
	s->depth--;
	s->pc++;
	if (l->any_order) {
		add_number(s, s->members.low);
		add_number(s, s->members.high);
	}
}

static void
keep_number(struct rdb_sum *s, uint64_t n)
{
	if (s->depth == 0 && s->n_numbers < ARRAY_LEN(s->numbers))
		s->numbers[s->n_numbers++] = n;
}

bool
rdb_sum_step(struct rdb_sum *s, struct rdb_input *in)
{
	uint64_t n = 0;
	bool is_read = false;
	bool is_last = true;
	switch (*s->pc) {
	case '(':
	case '[':
		return begin_loop(s, in);
	case ')':
	case ']':
		end_turn(s);
		return true;
	case 's':
		is_read = rdb_sum_string(s, in);
		break;
	case 'l':
		is_read = read_number(s, in, &n);
		if (is_read)
			keep_number(s, n);
		break;
	case 'd':
		is_read = read_text_number(s, in);
		break;
	case 'm':
		is_read = read_module(s, in, &is_last);
		break;
	case 'x':
		is_read = read_raw(s, in, 16);
		break;
	default:
		is_read = read_raw(s, in, (size_t)(*s->pc - '0'));
		break;
	}
	s->pc += is_read && is_last;
	return is_read;
}

/* --- the whole --- */

enum err_code
rdb_sum_init(struct rdb_sum *s, struct err *err)
{
	*s = (struct rdb_sum){ 0 };
	if (checksum_stream_new(&s->value, err))
		return err->code;
	return checksum_stream_new(&s->member, err);
}

void
rdb_sum_release(struct rdb_sum *s)
{
	checksum_stream_free(s->value);
	checksum_stream_free(s->member);
}

void
rdb_sum_begin(struct rdb_sum *s, const char *program)
{
	s->n_numbers = 0;
	s->depth = 0;
	s->in_module = false;
	memset(s->numbers, 0, sizeof s->numbers);
	memset(s->carry, 0, 8);
	s->pc = program;
}

bool
rdb_sum_needs_no_byte(const struct rdb_sum *s)
{
	return *s->pc == '\0' || *s->pc == ')' || *s->pc == ']';
}

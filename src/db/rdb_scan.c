/*
 * Values are read by their programs (rdb_format.h), in whatever pieces they come.
 * A field that has not come whole waits in carry, but for strings, which are
 * passed on as they come.
 */
#include "db/rdb_scan.h"

#include "base/bytes.h"
#include "db/lzf.h"
#include "db/rdb_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 9
#define LOOPS 4
#define CARRY 256

struct loop {
	const char *body;
	uint64_t left;
	bool any_order;
};

enum string_part { STRING_HEAD, STRING_PACKED, STRING_LENGTH, STRING_BYTES };

enum place { AT_HEAD, AT_OPCODE, AT_KEY, IN_PROGRAM, AT_END, LOST };

struct rdb_scan {
	rdb_scan_fn *fn;
	void *arg;
	enum place place;
	bool is_known;

	uint8_t carry[CARRY]; /* of the field that is open */
	size_t carried;
	enum string_part part;
	uint64_t left; /* of a string's bytes */
	uint64_t length; /* of it, decoded */
	bool is_packed;
	struct lzf lzf;

	const char *pc;
	struct loop loops[LOOPS];
	unsigned depth;
	bool in_module; /* its next value's kind was read, and is to come */
	uint64_t module_kind;

	struct checksum_stream *value;
	struct checksum_stream *member; /* of a loop in any order */
	struct checksum128 members;
	uint8_t opcode;
	uint64_t numbers[3]; /* the lengths that an opcode gave */
	unsigned n_numbers;
	uint8_t expires[9]; /* the opcode and when */
	int64_t passing_ms; /* keys that expire before that are passed over; 0: none */
	uint64_t passed;
	uint64_t bytes; /* of the key that is open */

	struct cuts *cuts; /* NULL when nobody asks */
	const uint8_t *fed; /* the bytes being fed */
	uint64_t fed_at; /* their place */
	uint64_t
	    record; /* where the key at hand begins, with the opcodes before it; or CUTS_NONE */
	bool loss_is_noted;

	uint64_t db;
	uint64_t keys; /* of this database */
	uint64_t expected; /* at least so many, as the file says */
	bool is_short;
};

enum err_code
rdb_scan_new(struct rdb_scan **out, rdb_scan_fn *fn, void *arg, struct err *err)
{
	AUTO(rdb_scan) struct rdb_scan *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	s->fn = fn;
	s->arg = arg;
	s->is_known = true;
	s->record = CUTS_NONE;
	if (checksum_stream_new(&s->value, err) || checksum_stream_new(&s->member, err))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

void
rdb_scan_free(struct rdb_scan *s)
{
	if (s == NULL)
		return;
	checksum_stream_free(s->value);
	checksum_stream_free(s->member);
	free(s);
}

void
rdb_scan_pass_over(struct rdb_scan *s, int64_t before_ms)
{
	s->passing_ms = before_ms;
}

uint64_t
rdb_scan_passed(const struct rdb_scan *s)
{
	return s->passed;
}

bool
rdb_scan_is_known(const struct rdb_scan *s)
{
	return s->is_known;
}

/* What comes from here on is not understood. */
static void
lose(struct rdb_scan *s)
{
	s->place = LOST;
	s->is_known = false;
}

/* --- fields --- */

struct input {
	const uint8_t *p;
	const uint8_t *end;
};

/* Have so many bytes of the open field come? */
static bool
carry(struct rdb_scan *s, struct input *in, size_t want)
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
read_length(struct rdb_scan *s, struct input *in, uint64_t *out)
{
	if (!carry(s, in, 1))
		return LENGTH_WAITS;
	uint8_t first = s->carry[0];
	size_t want = rdb_length_size(first);
	if (!carry(s, in, want > 0 ? want : 1))
		return LENGTH_WAITS;
	s->carried = 0;
	*out = rdb_length(s->carry);
	if (want == 0)
		lose(s);
	return first >> 6 == 3 ? LENGTH_ENCODED : LENGTH_PLAIN;
}

/* Where what is read adds to. */
static struct checksum_stream *
sum_of(const struct rdb_scan *s)
{
	for (unsigned i = 0; i < s->depth; i++)
		if (s->loops[i].any_order)
			return s->member;
	return s->value;
}

static void
add_number(struct rdb_scan *s, uint64_t n)
{
	uint8_t raw[8];
	put_u64(raw, n);
	checksum_stream_add(sum_of(s), raw, sizeof raw);
}

static void
begin_bytes(struct rdb_scan *s, uint64_t stored, uint64_t length)
{
	s->part = STRING_BYTES;
	s->left = stored;
	s->length = length;
	add_number(s, length);
}

/* An integer that stands for its text. */
static bool
read_integer(struct rdb_scan *s, struct input *in, size_t size)
{
	char text[RDB_INTEGER_TEXT];
	/* The first byte was the encoding. */
	if (!carry(s, in, 1 + size))
		return false;
	s->carried = 0;
	size_t n = rdb_integer_text(text, rdb_integer(s->carry + 1, size));
	add_number(s, n);
	checksum_stream_add(sum_of(s), text, n);
	return true;
}

/* false: more must come. */
static bool
begin_string(struct rdb_scan *s, struct input *in, bool *is_done)
{
	uint64_t n;
	if (!carry(s, in, 1))
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
		lose(s);
	s->is_packed = false;
	begin_bytes(s, n, n);
	return true;
}

static bool
string_bytes(struct rdb_scan *s, struct input *in)
{
	size_t n = (size_t)(in->end - in->p);
	if (n > s->left)
		n = (size_t)s->left;
	if (!s->is_packed)
		checksum_stream_add(sum_of(s), in->p, n);
	else if (!lzf_feed(&s->lzf, in->p, n))
		lose(s);
	in->p += n;
	s->bytes += n;
	s->left -= n;
	if (s->left > 0)
		return false;
	if (s->is_packed && !lzf_end(&s->lzf, s->length))
		lose(s);
	s->part = STRING_HEAD;
	return true;
}

static void
add_unpacked(void *sum, const void *data, size_t len)
{
	checksum_stream_add(sum, data, len);
}

/* true: the string was read to its end. */
static bool
read_string(struct rdb_scan *s, struct input *in)
{
	uint64_t n;
	bool is_done;
	if (s->part == STRING_HEAD) {
		if (!begin_string(s, in, &is_done))
			return false;
		if (is_done || s->place == LOST)
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
read_number(struct rdb_scan *s, struct input *in, uint64_t *out)
{
	enum length_kind kind = read_length(s, in, out);
	if (kind == LENGTH_WAITS)
		return false;
	if (kind == LENGTH_ENCODED)
		lose(s);
	add_number(s, *out);
	return true;
}

static bool
read_raw(struct rdb_scan *s, struct input *in, size_t len)
{
	if (!carry(s, in, len))
		return false;
	s->carried = 0;
	checksum_stream_add(sum_of(s), s->carry, len);
	return true;
}

/* A length of one byte and so much text; 253 to 255 stand for what is no number. */
static bool
read_text_number(struct rdb_scan *s, struct input *in)
{
	if (!carry(s, in, 1))
		return false;
	return read_raw(s, in, 1 + (s->carry[0] < 253 ? (size_t)s->carry[0] : 0));
}

/* One value of a module: its kind, then it; *is_last when it was the end. */
static bool
read_module(struct rdb_scan *s, struct input *in, bool *is_last)
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
		is_read = read_string(s, in);
		break;
	default:
		lose(s);
		return true;
	}
	s->in_module = !is_read;
	return is_read;
}

/* --- programs --- */

static bool
begin_loop(struct rdb_scan *s, struct input *in)
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
	s->loops[s->depth++] = (struct loop){ s->pc + 1, n, any_order };
	s->pc++;
	return true;
}

static void
end_turn(struct rdb_scan *s)
{
	struct loop *l = &s->loops[s->depth - 1];
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
keep_number(struct rdb_scan *s, uint64_t n)
{
	if (s->depth == 0 && s->n_numbers < ARRAY_LEN(s->numbers))
		s->numbers[s->n_numbers++] = n;
}

/* One step; false: more must come. */
static bool
step(struct rdb_scan *s, struct input *in)
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
		is_read = read_string(s, in);
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

/* --- cuts --- */

void
rdb_scan_cut(struct rdb_scan *s, struct cuts *cuts)
{
	s->cuts = cuts;
}

static uint64_t
place_of(const struct rdb_scan *s, const struct input *in)
{
	return s->fed_at + (uint64_t)(in->p - s->fed);
}

static void
name_database(const struct rdb_scan *s, char name[32])
{
	snprintf(name, 32, "db%" PRIu64, s->db);
}

/* The opcode is known: a key begins, may begin, or none does. */
static enum err_code
note_opcode(struct rdb_scan *s, struct err *err)
{
	char name[32];
	uint64_t from = s->record;
	if (rdb_is_of_key(s->opcode) || s->pc == NULL)
		return ERR_OK;
	if (!rdb_is_type(s->opcode))
		s->record = CUTS_NONE;
	if (s->cuts == NULL)
		return ERR_OK;
	s->cuts->undecided = CUTS_NONE;
	if (!rdb_is_type(s->opcode))
		return cuts_close(s->cuts, err);
	name_database(s, name);
	return cuts_table(s->cuts, from, from, name, err);
}

/* From here on nothing is understood: nor is the key at hand, of which bytes may have been
 * taken. */
static enum err_code
note_loss(struct rdb_scan *s, const struct input *in, struct err *err)
{
	if (s->cuts == NULL || s->loss_is_noted)
		return ERR_OK;
	uint64_t at = s->record != CUTS_NONE ? s->record : place_of(s, in);
	s->loss_is_noted = true;
	s->cuts->undecided = CUTS_NONE;
	if (cuts_close(s->cuts, err))
		return err->code;
	return cuts_add(s->cuts, CUT_LOST, at > s->cuts->base ? at : s->cuts->base, err);
}

static void
note_key_end(struct rdb_scan *s, const struct input *in)
{
	s->record = CUTS_NONE;
	if (s->cuts != NULL)
		cuts_row(s->cuts, place_of(s, in));
}

/* --- the file --- */

static void
end_database(struct rdb_scan *s)
{
	s->is_short = s->is_short || s->keys < s->expected;
	s->keys = 0;
	s->expected = 0;
}

static enum err_code
tell(struct rdb_scan *s, enum census_what what, const char *name, struct err *err)
{
	struct census_item item = { what, name, 1, s->bytes, checksum_stream_end(s->value) };
	return s->fn(s->arg, &item, err);
}

static bool
is_passing(const struct rdb_scan *s)
{
	if (s->passing_ms == 0 || s->expires[0] == 0)
		return false;
	if (s->expires[0] == RDB_OP_EXPIRE)
		return (int64_t)get_u32(s->expires + 1) * 1000 < s->passing_ms;
	return (int64_t)get_u64(s->expires + 1) < s->passing_ms;
}

static enum err_code
end_key(struct rdb_scan *s, struct err *err)
{
	char name[32];
	bool is_passed = is_passing(s);
	name_database(s, name);
	s->keys++;
	memset(s->expires, 0, sizeof s->expires);
	if (is_passed) {
		s->passed++;
		checksum_stream_end(s->value);
		return ERR_OK;
	}
	return tell(s, CENSUS_ROWS, name, err);
}

/* What followed the opcode was read. */
static enum err_code
end_program(struct rdb_scan *s, const struct input *in, struct err *err)
{
	s->place = s->opcode == RDB_OP_EOF ? AT_END : AT_OPCODE;
	switch (s->opcode) {
	case RDB_OP_SELECTDB:
		end_database(s);
		s->db = s->numbers[0];
		break;
	case RDB_OP_RESIZEDB:
		/* Old servers leave keys out that have just expired. */
		s->expected = s->numbers[0] > s->numbers[1] ? s->numbers[0] - s->numbers[1] : 0;
		break;
	case RDB_OP_EXPIRE_MS:
	case RDB_OP_EXPIRE:
		s->expires[0] = s->opcode;
		memcpy(s->expires + 1, s->carry, 8);
		break;
	case RDB_OP_FUNCTION:
		return tell(s, CENSUS_OBJECT, "FUNCTIONS", err);
	case RDB_OP_EOF:
		end_database(s);
		break;
	default:
		if (rdb_is_type(s->opcode)) {
			note_key_end(s, in);
			return end_key(s, err);
		}
		break;
	}
	checksum_stream_end(s->value);
	return ERR_OK;
}

static enum err_code
begin_opcode(struct rdb_scan *s, struct input *in, struct err *err)
{
	if (s->record == CUTS_NONE) {
		s->record = place_of(s, in);
		if (s->cuts != NULL)
			s->cuts->undecided = s->record;
	}
	s->bytes = 0;
	if (!carry(s, in, 1))
		return ERR_OK;
	s->carried = 0;
	s->opcode = s->carry[0];
	s->n_numbers = 0;
	s->depth = 0;
	s->in_module = false;
	memset(s->numbers, 0, sizeof s->numbers);
	memset(s->carry, 0, 8);
	s->pc = rdb_program(s->opcode);
	if (note_opcode(s, err))
		return err->code;
	if (s->pc == NULL) {
		lose(s);
		return ERR_OK;
	}
	s->place = rdb_is_type(s->opcode) ? AT_KEY : IN_PROGRAM;
	if (s->place == AT_KEY) {
		checksum_stream_add(s->value, s->expires, sizeof s->expires);
		checksum_stream_add(s->value, &s->opcode, 1);
	}
	return ERR_OK;
}

/* Loops and programs end by themselves. */
static bool
needs_no_byte(const struct rdb_scan *s)
{
	return s->place == IN_PROGRAM && (*s->pc == '\0' || *s->pc == ')' || *s->pc == ']');
}

enum err_code
rdb_scan_feed(struct rdb_scan *s, const void *data, size_t len, struct err *err)
{
	struct input in = { data, (const uint8_t *)data + len };
	s->fed = in.p;
	while (in.p < in.end || needs_no_byte(s)) {
		switch (s->place) {
		case AT_HEAD:
			if (carry(s, &in, HEAD)) {
				s->carried = 0;
				s->place = AT_OPCODE;
			}
			break;
		case AT_OPCODE:
			if (begin_opcode(s, &in, err))
				return err->code;
			break;
		case AT_KEY:
			if (read_string(s, &in) && s->place == AT_KEY)
				s->place = IN_PROGRAM;
			break;
		case IN_PROGRAM:
			if (*s->pc == '\0') {
				if (end_program(s, &in, err))
					return err->code;
			} else {
				step(s, &in);
			}
			break;
		case AT_END: /* something stands behind the end */
			lose(s);
			break;
		case LOST:
			in.p = in.end;
			break;
		}
		if (s->place == LOST && note_loss(s, &in, err))
			return err->code;
	}
	s->fed_at += len;
	return ERR_OK;
}

enum err_code
rdb_scan_finish(const struct rdb_scan *s, struct err *err)
{
	if (!s->is_known)
		return ERR_OK;
	if (s->place != AT_END)
		return err_set(err, ERR_INCOMPLETE,
		    "the dump is cut off among the keys of db%" PRIu64, s->db);
	if (s->is_short)
		return err_set(err, ERR_INCOMPLETE,
		    "the dump holds fewer keys than its own head says that there are");
	return ERR_OK;
}

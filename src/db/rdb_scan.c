/* The file: opcodes, keys, databases, and where they may be cut; what they hold is rdb_sum's.
 */
#include "db/rdb_scan.h"

#include "base/bytes.h"
#include "db/rdb_sum.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 9

enum place { AT_HEAD, AT_OPCODE, AT_KEY, IN_PROGRAM, AT_END, LOST };

struct rdb_scan {
	rdb_scan_fn *fn;
	void *arg;
	enum place place;
	bool is_known;

	struct rdb_sum sum;
	uint8_t opcode;
	uint8_t expires[9]; /* the opcode and when */
	int64_t passing_ms; /* keys that expire before that are passed over; 0: none */
	uint64_t passed;

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
	if (rdb_sum_init(&s->sum, err))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

void
rdb_scan_free(struct rdb_scan *s)
{
	if (s == NULL)
		return;
	rdb_sum_release(&s->sum);
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

/* --- cuts --- */

void
rdb_scan_cut(struct rdb_scan *s, struct cuts *cuts)
{
	s->cuts = cuts;
}

static uint64_t
place_of(const struct rdb_scan *s, const struct rdb_input *in)
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
	if (rdb_is_of_key(s->opcode) || s->sum.pc == NULL)
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
note_loss(struct rdb_scan *s, const struct rdb_input *in, struct err *err)
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
note_key_end(struct rdb_scan *s, const struct rdb_input *in)
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
	struct census_item item = { what, name, 1, s->sum.bytes,
		checksum_stream_end(s->sum.value) };
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
		checksum_stream_end(s->sum.value);
		return ERR_OK;
	}
	return tell(s, CENSUS_ROWS, name, err);
}

/* What followed the opcode was read. */
static enum err_code
end_program(struct rdb_scan *s, const struct rdb_input *in, struct err *err)
{
	s->place = s->opcode == RDB_OP_EOF ? AT_END : AT_OPCODE;
	switch (s->opcode) {
	case RDB_OP_SELECTDB:
		end_database(s);
		s->db = s->sum.numbers[0];
		break;
	case RDB_OP_RESIZEDB:
		/* Old servers leave keys out that have just expired. */
		s->expected = s->sum.numbers[0] > s->sum.numbers[1]
				  ? s->sum.numbers[0] - s->sum.numbers[1]
				  : 0;
		break;
	case RDB_OP_EXPIRE_MS:
	case RDB_OP_EXPIRE:
		s->expires[0] = s->opcode;
		memcpy(s->expires + 1, s->sum.carry, 8);
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
	checksum_stream_end(s->sum.value);
	return ERR_OK;
}

static enum err_code
begin_opcode(struct rdb_scan *s, struct rdb_input *in, struct err *err)
{
	if (s->record == CUTS_NONE) {
		s->record = place_of(s, in);
		if (s->cuts != NULL)
			s->cuts->undecided = s->record;
	}
	s->sum.bytes = 0;
	if (!rdb_sum_carry(&s->sum, in, 1))
		return ERR_OK;
	s->sum.carried = 0;
	s->opcode = s->sum.carry[0];
	rdb_sum_begin(&s->sum, rdb_program(s->opcode));
	if (note_opcode(s, err))
		return err->code;
	if (s->sum.pc == NULL) {
		lose(s);
		return ERR_OK;
	}
	s->place = rdb_is_type(s->opcode) ? AT_KEY : IN_PROGRAM;
	if (s->place == AT_KEY) {
		checksum_stream_add(s->sum.value, s->expires, sizeof s->expires);
		checksum_stream_add(s->sum.value, &s->opcode, 1);
	}
	return ERR_OK;
}

/* Loops and programs end by themselves. */
static bool
needs_no_byte(const struct rdb_scan *s)
{
	return s->place == IN_PROGRAM && rdb_sum_needs_no_byte(&s->sum);
}

enum err_code
rdb_scan_feed(struct rdb_scan *s, const void *data, size_t len, struct err *err)
{
	struct rdb_input in = { data, (const uint8_t *)data + len };
	s->fed = in.p;
	while (in.p < in.end || needs_no_byte(s)) {
		switch (s->place) {
		case AT_HEAD:
			if (rdb_sum_carry(&s->sum, &in, HEAD)) {
				s->sum.carried = 0;
				s->place = AT_OPCODE;
			}
			break;
		case AT_OPCODE:
			if (begin_opcode(s, &in, err))
				return err->code;
			break;
		case AT_KEY:
			if (rdb_sum_string(&s->sum, &in) && !s->sum.is_lost)
				s->place = IN_PROGRAM;
			break;
		case IN_PROGRAM:
			if (*s->sum.pc == '\0') {
				if (end_program(s, &in, err))
					return err->code;
			} else {
				rdb_sum_step(&s->sum, &in);
			}
			break;
		case AT_END: /* something stands behind the end */
			lose(s);
			break;
		case LOST:
			in.p = in.end;
			break;
		}
		if (s->sum.is_lost)
			lose(s);
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

/*
 * rdb_sum.h: the fields of an RDB file, in whatever pieces they come, and a checksum
 * of what they say.
 *
 * Goes through a program (rdb_format.h) step by step.  The checksum does not depend on
 * the order of members, nor on how strings are encoded.
 *
 * For rdb_scan.  Pure.  Threads: one at a time.  Memory: some 20 KiB.
 */
#ifndef DB_RDB_SUM_H
#define DB_RDB_SUM_H

#include "base/checksum.h"
#include "db/lzf.h"
#include "db/rdb_format.h"

#define RDB_SUM_LOOPS 4
#define RDB_SUM_CARRY 256

struct rdb_input {
	const uint8_t *p;
	const uint8_t *end;
};

struct rdb_sum_loop {
	const char *body;
	uint64_t left;
	bool any_order;
};

enum rdb_sum_part { STRING_HEAD, STRING_PACKED, STRING_LENGTH, STRING_BYTES };

struct rdb_sum {
	bool is_lost; /* what came is not understood */
	uint64_t bytes; /* taken so far; the caller sets it back */

	uint8_t
	    carry[RDB_SUM_CARRY]; /* of the field that is open; of a raw one its bytes stay */
	size_t carried;
	enum rdb_sum_part part;
	uint64_t left; /* of a string's bytes */
	uint64_t length; /* of it, decoded */
	bool is_packed;
	struct lzf lzf;

	const char *pc; /* the program, from here on */
	struct rdb_sum_loop loops[RDB_SUM_LOOPS];
	unsigned depth;
	bool in_module; /* its next value's kind was read, and is to come */
	uint64_t module_kind;
	uint64_t numbers[3]; /* the first lengths that are in no loop */
	unsigned n_numbers;

	struct checksum_stream *value; /* the caller may add to it, and ends it */
	struct checksum_stream *member; /* of a loop in any order */
	struct checksum128 members;
};

/* Release it in any case. */
MUST_CHECK enum err_code rdb_sum_init(struct rdb_sum *s, struct err *err);
void rdb_sum_release(struct rdb_sum *s);

void rdb_sum_begin(struct rdb_sum *s, const char *program);
/* One step of the program; false: more must come. */
bool rdb_sum_step(struct rdb_sum *s, struct rdb_input *in);
/* Is the program at its end, or at that of a loop, which needs nothing to come? */
bool rdb_sum_needs_no_byte(const struct rdb_sum *s);

/* A string on its own; true: it was read to its end. */
bool rdb_sum_string(struct rdb_sum *s, struct rdb_input *in);
/* Have so many bytes come?  Then they are in carry; set carried back. */
bool rdb_sum_carry(struct rdb_sum *s, struct rdb_input *in, size_t want);

#endif

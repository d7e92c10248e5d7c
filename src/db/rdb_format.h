/*
 * rdb_format.h: what RDB files are made of: opcodes, types of values, lengths.
 *
 * Each type of value, and what stands behind each opcode, is a small program over
 * fields, which says in what order they come:
 *
 *	s       a string               l       a length
 *	1 4 8 x so many raw bytes (x is 16)
 *	d       a number as text       m       a module's own values
 *	( )     a length, then what is between so many times, in this order
 *	[ ]     the same, in any order: members of sets and hashes
 *
 * A length is of one, two, five or nine bytes; its upper two bits tell.  A string
 * is a length and its bytes, or an encoding: an integer of 1, 2 or 4 bytes that
 * stands for its text, or two lengths and LZF (lzf.h).
 *
 * Pure.  Source: rdb.h and rdb.c of Redis 7.4 and 8, and of Valkey 8.
 */
#ifndef DB_RDB_FORMAT_H
#define DB_RDB_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rdb_opcode {
	RDB_OP_SLOT_INFO = 244,
	RDB_OP_FUNCTION = 245,
	RDB_OP_MODULE_AUX = 247,
	RDB_OP_IDLE = 248,
	RDB_OP_FREQ = 249,
	RDB_OP_AUX = 250,
	RDB_OP_RESIZEDB = 251,
	RDB_OP_EXPIRE_MS = 252,
	RDB_OP_EXPIRE = 253,
	RDB_OP_SELECTDB = 254,
	RDB_OP_EOF = 255,
};

enum rdb_type {
	RDB_STRING = 0,
	RDB_LIST = 1,
	RDB_SET = 2,
	RDB_ZSET = 3, /* scores as text */
	RDB_HASH = 4,
	RDB_ZSET_2 = 5, /* scores as doubles */
	RDB_MODULE = 7,
	RDB_HASH_ZIPMAP = 9,
	RDB_LIST_ZIPLIST = 10,
	RDB_SET_INTSET = 11,
	RDB_ZSET_ZIPLIST = 12,
	RDB_HASH_ZIPLIST = 13,
	RDB_QUICKLIST = 14, /* of ziplists */
	RDB_STREAM = 15,
	RDB_HASH_LISTPACK = 16,
	RDB_ZSET_LISTPACK = 17,
	RDB_QUICKLIST_2 = 18, /* of listpacks, and of elements that have a node alone */
	RDB_STREAM_2 = 19,
	RDB_SET_LISTPACK = 20,
	RDB_STREAM_3 = 21,
	RDB_HASH_EXPIRING = 24, /* fields that expire */
	RDB_HASH_EXPIRING_LISTPACK = 25,
};

/* How strings are encoded that are not given as they are. */
enum rdb_encoding {
	RDB_INT_8 = 0xc0,
	RDB_INT_16 = 0xc1,
	RDB_INT_32 = 0xc2,
	RDB_LZF = 0xc3,
};

/* What stands behind an opcode, or behind a key of that type; NULL: it is not known. */
const char *rdb_program(uint8_t opcode);
/* Is it a type, so that a key follows? */
static inline bool
rdb_is_type(uint8_t opcode)
{
	return opcode < RDB_OP_SLOT_INFO;
}
/* Does it say something of the key behind it? */
static inline bool
rdb_is_of_key(uint8_t opcode)
{
	return opcode == RDB_OP_EXPIRE_MS || opcode == RDB_OP_EXPIRE || opcode == RDB_OP_IDLE ||
	       opcode == RDB_OP_FREQ || opcode == RDB_OP_SLOT_INFO;
}
/* Behind the closing sign of the loop that begins at pc. */
const char *rdb_behind_loop(const char *pc);

/* How many bytes a length has that begins with this one; 0: none begins so. */
size_t rdb_length_size(uint8_t first);
/* The length that begins at p, and is there whole; of an encoding its number. */
uint64_t rdb_length(const uint8_t *p);

uint64_t rdb_big_endian(const uint8_t *p, size_t len);
/* An integer of size bytes, little-endian. */
int64_t rdb_integer(const uint8_t *p, size_t size);
#define RDB_INTEGER_TEXT 24
size_t rdb_integer_text(char out[RDB_INTEGER_TEXT], int64_t value);

#endif

#include "db/rdb_format.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const programs[256] = {
	[0] = "s", /* string */
	[1] = "(s)", /* list */
	[2] = "[s]", /* set */
	[3] = "[sd]", /* sorted set, scores as text */
	[4] = "[ss]", /* hash */
	[5] = "[s8]", /* sorted set */
	[7] = "lm", /* module */
	[9] = "s", /* zipmap, ziplists, intset */
	[10] = "s",
	[11] = "s",
	[12] = "s",
	[13] = "s",
	[14] = "(s)", /* quicklist */
	[15] = "(ss)lll(sll(x8l)(s8(x)))", /* stream */
	[16] = "s", /* listpacks */
	[17] = "s",
	[18] = "(ls)", /* quicklist of listpacks */
	[19] = "(ss)llllllll(slll(x8l)(s8(x)))",
	[20] = "s",
	[21] = "(ss)llllllll(slll(x8l)(s88(x)))",
	[24] = "8[lss]", /* hash whose fields expire */
	[25] = "8s",
	[RDB_OP_SLOT_INFO] = "lll",
	[RDB_OP_FUNCTION] = "s",
	[RDB_OP_MODULE_AUX] = "lm",
	[RDB_OP_IDLE] = "l",
	[RDB_OP_FREQ] = "1",
	[RDB_OP_AUX] = "ss",
	[RDB_OP_RESIZEDB] = "ll",
	[RDB_OP_EXPIRE_MS] = "8",
	[RDB_OP_EXPIRE] = "4",
	[RDB_OP_SELECTDB] = "l",
	[RDB_OP_EOF] = "8",
};

const char *
rdb_program(uint8_t opcode)
{
	return programs[opcode];
}

const char *
rdb_behind_loop(const char *pc)
{
	unsigned depth = 0;
	for (;; pc++) {
		if (*pc == '(' || *pc == '[')
			depth++;
		if ((*pc == ')' || *pc == ']') && --depth == 0)
			return pc + 1;
	}
}

size_t
rdb_length_size(uint8_t first)
{
	if (first >> 6 == 2)
		return first == 0x80 ? 5 : first == 0x81 ? 9 : 0;
	return first >> 6 == 1 ? 2 : 1;
}

uint64_t
rdb_big_endian(const uint8_t *p, size_t len)
{
	uint64_t v = 0;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | p[i];
	return v;
}

uint64_t
rdb_length(const uint8_t *p)
{
	size_t size = rdb_length_size(p[0]);
	if (size == 2)
		return rdb_big_endian(p, 2) & 0x3fff;
	return size > 2 ? rdb_big_endian(p + 1, size - 1) : p[0] & 0x3f;
}

int64_t
rdb_integer(const uint8_t *p, size_t size)
{
	uint64_t v = 0;
	for (size_t i = size; i > 0; i--)
		v = v << 8 | p[i - 1];
	unsigned bits = 64 - 8 * (unsigned)size;
	return (int64_t)(v << bits) >> bits;
}

size_t
rdb_integer_text(char out[RDB_INTEGER_TEXT], int64_t value)
{
	return (size_t)snprintf(out, RDB_INTEGER_TEXT, "%" PRId64, value);
}

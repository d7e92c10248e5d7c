#include "db/rdb.h"

#include "base/bytes.h"
#include "db/crc64.h"

#include <inttypes.h>
#include <string.h>

#define END_OPCODE 0xff
#define REMARK_OPCODE 0xfa
/* Checksums came with version 5, Redis 2.6. */
#define VERSION_WITH_CRC 5

void
rdb_check_init(struct rdb_check *r)
{
	*r = (struct rdb_check){ 0 };
}

static void
keep_beginning(struct rdb_check *r, const uint8_t *p, size_t len)
{
	if (r->bytes >= RDB_BEGINNING)
		return;
	size_t at = (size_t)r->bytes;
	memcpy(r->begin + at, p, min_size(len, RDB_BEGINNING - at));
}

void
rdb_check_feed(struct rdb_check *r, const void *data, size_t len)
{
	const uint8_t *p = data;
	keep_beginning(r, p, len);
	r->bytes += len;
	if (len >= RDB_END) {
		r->crc = crc64(r->crc, r->held, r->held_len);
		r->crc = crc64(r->crc, p, len - RDB_END);
		memcpy(r->held, p + len - RDB_END, RDB_END);
		r->held_len = RDB_END;
		return;
	}
	size_t keep = min_size(r->held_len, RDB_END - len);
	size_t out = r->held_len - keep;
	r->crc = crc64(r->crc, r->held, out);
	memmove(r->held, r->held + out, keep);
	memcpy(r->held + keep, p, len);
	r->held_len = keep + len;
}

/* The number behind the magic word, or -1. */
static int
version_of(const uint8_t *head)
{
	static const char *const magics[] = { "REDIS", "VALKEY" };
	for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
		size_t n = strlen(magics[i]);
		if (memcmp(head, magics[i], n) != 0)
			continue;
		int version = 0;
		for (; n < RDB_HEAD; n++) {
			if (head[n] < '0' || head[n] > '9')
				return -1;
			version = version * 10 + (head[n] - '0');
		}
		return version;
	}
	return -1;
}

enum err_code
rdb_check_finish(const struct rdb_check *r, bool *has_crc, struct err *err)
{
	if (r->bytes == 0)
		return err_set(err, ERR_INCOMPLETE, "the dump is empty");
	int version = r->bytes >= RDB_HEAD ? version_of(r->begin) : -1;
	if (version < 0)
		return err_set(err, ERR_INCOMPLETE,
		    "the dump is no RDB file: it does not begin with REDIS or VALKEY and a "
		    "version");
	if (version < VERSION_WITH_CRC)
		return err_set(err, ERR_UNSUPPORTED,
		    "RDB version %d has no checksum; Redis 2.6 or newer is needed", version);
	if (r->bytes < RDB_HEAD + RDB_END || r->held[0] != END_OPCODE)
		return err_set(err, ERR_INCOMPLETE,
		    "the dump is cut off: %" PRIu64
		    " bytes came, without the end mark of an RDB "
		    "file",
		    r->bytes);
	uint64_t stored = get_u64(r->held + 1);
	uint64_t computed = crc64(r->crc, r->held, 1);
	if (stored != 0 && stored != computed)
		return err_set(err, ERR_INCOMPLETE,
		    "the dump's checksum is wrong: it says %016" PRIx64
		    ", its bytes give %016" PRIx64,
		    stored, computed);
	*has_crc = stored != 0;
	return ERR_OK;
}

/* Skip one string of a remark; false when it is not all here. */
static bool
skip_string(struct rd *r)
{
	uint8_t first = rd_u8(r);
	uint64_t len = first & 0x3f;
	switch (first >> 6) {
	case 0:
		break;
	case 1:
		len = len << 8 | rd_u8(r);
		break;
	case 3: /* an integer of 1, 2 or 4 bytes; compressed strings do not occur in remarks */
		if (len > 2)
			return false;
		len = UINT64_C(1) << len;
		break;
	default:
		return false;
	}
	return rd_bytes(r, (size_t)len) != NULL;
}

bool
rdb_check_is_empty(const struct rdb_check *r)
{
	if (r->bytes < RDB_HEAD)
		return false;
	struct rd rd;
	size_t kept = r->bytes < RDB_BEGINNING ? (size_t)r->bytes : RDB_BEGINNING;
	rd_init(&rd, r->begin + RDB_HEAD, kept - RDB_HEAD);
	uint8_t opcode = rd_u8(&rd);
	while (opcode == REMARK_OPCODE && skip_string(&rd) && skip_string(&rd))
		opcode = rd_u8(&rd);
	return rd_ok(&rd) && opcode == END_OPCODE;
}

/*
 * Fuzz target: the checks of RDB files and SQL dumps that stream by.  The same
 * bytes must be judged the same however they are cut into chunks.  Build with
 * clang -fsanitize=fuzzer,address,undefined.
 */
#include "db/rdb.h"
#include "db/gate.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum err_code
judge_rdb(const uint8_t *data, size_t len, size_t chunk, bool *empty)
{
	struct rdb_check r;
	struct err err = ERR_INIT;
	bool has_crc;
	rdb_check_init(&r);
	for (size_t at = 0; at < len; at += chunk)
		rdb_check_feed(&r, data + at, min_size(chunk, len - at));
	*empty = rdb_check_is_empty(&r);
	return rdb_check_finish(&r, &has_crc, &err);
}

static enum err_code
judge_sql(const uint8_t *data, size_t len, size_t chunk)
{
	struct sql_gate g;
	struct err err = ERR_INIT;
	sql_gate_init(&g, "-- Dump completed");
	for (size_t at = 0; at < len; at += chunk)
		sql_gate_feed(&g, data + at, min_size(chunk, len - at));
	return sql_gate_finish(&g, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const size_t chunks[] = { 1, 7, 9, 33, 512 };
	bool empty;
	enum err_code rdb = judge_rdb(data, len, len + 1, &empty);
	enum err_code sql = judge_sql(data, len, len + 1);
	for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
		bool empty_too;
		assert(judge_rdb(data, len, chunks[i], &empty_too) == rdb);
		assert(judge_sql(data, len, chunks[i]) == sql);
		assert(empty_too == empty);
	}
	return 0;
}

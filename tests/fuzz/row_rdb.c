/* Fuzz target: keys of an RDB file: their fields, texts and canonical rows (row_walk.h). */
#include "row_walk.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	row_walk(ROW_RDB, data, len);
	return 0;
}

/* Fuzz target: rows of INSERT: their fields and texts (row_walk.h). */
#include "row_walk.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	row_walk(ROW_INSERT, data, len);
	return 0;
}

/* Fuzz target: rows of COPY: their fields and texts (row_walk.h). */
#include "row_walk.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	row_walk(ROW_COPY, data, len);
	return 0;
}

#include "base/counted.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
counted_number(char out[COUNTED_MAX], uint64_t n)
{
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, n);
	size_t o = 0;
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[o++] = ',';
		out[o++] = digits[i];
	}
	out[o] = '\0';
}

const char *
counted(char out[COUNTED_MAX], uint64_t n, const char *noun)
{
	counted_number(out, n);
	size_t len = strlen(out);
	snprintf(out + len, COUNTED_MAX - len, " %s%s", noun, n == 1 ? "" : "s");
	return out;
}

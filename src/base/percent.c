#include "base/percent.h"

#include "base/bytes.h"

#include <stdbool.h>
#include <string.h>

enum err_code
percent_encode(struct buf *out, const char *text, const char *also, struct err *err)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || strchr("-._~", c) != NULL ||
				strchr(also, c) != NULL;
		if (is_plain ? buf_u8(out, c, err) : buf_printf(out, err, "%%%02X", c))
			return err->code;
	}
	return ERR_OK;
}

int
percent_value(const char *digits, size_t left)
{
	int high = left >= 2 ? hex_value(digits[0]) : -1;
	int low = high >= 0 ? hex_value(digits[1]) : -1;
	return low >= 0 ? high << 4 | low : -1;
}

#include "cli/wait.h"

#include <stdlib.h>
#include <string.h>

#define WEEK (7 * 24 * 3600)

enum err_code
wait_seconds(int *out, const char *text, struct err *err)
{
	static const struct {
		const char *word;
		long seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 } };
	size_t digits = strspn(text, "0123456789");
	long n = digits > 0 && digits <= 6 ? strtol(text, NULL, 10) : 0;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strcmp(text + digits, units[i].word) != 0 || n == 0 ||
		    n * units[i].seconds > WEEK)
			continue;
		*out = (int)(n * units[i].seconds);
		return ERR_OK;
	}
	return err_set(err, ERR_USAGE, "--wait takes a time as 90s, 5m or 1h (not '%s')", text);
}

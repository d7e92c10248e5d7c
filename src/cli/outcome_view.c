#include "cli/outcome_view.h"

#include <stdio.h>

void
outcome_print(const struct screen *screen, enum exit_code code)
{
	const char *color = code == EXIT_COMPLETE  ? "\033[32m"
			    : code == EXIT_PARTIAL ? "\033[33m"
						   : "\033[31m";
	printf("%s%s%s", screen->has_color ? color : "", exit_code_outcome(code),
	    screen->has_color ? "\033[0m" : "");
}

#include "serve/run_gate.h"

#include "base/defs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define NOT_LET_GO 1
#define NOT_RUN 127

int
run_gate_main(int argc, char **argv)
{
	char byte;
	ssize_t n;
	while ((n = read(STDIN_FILENO, &byte, 1)) < 0 && errno == EINTR)
		;
	if (n != 1)
		return NOT_LET_GO;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char **args = calloc((size_t)argc + 2, sizeof *args);
	static char name[] = "stacksnap";
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || args == NULL)
		return NOT_RUN;
	args[0] = name;
	memcpy(args + 1, argv, (size_t)argc * sizeof *argv);
	execv("/proc/self/exe", args);
	return NOT_RUN;
}

/*
 * main.c: the program "stacksnap".
 */
#include "cli/program.h"
#include "docker/watchdog.h"

int
main(int argc, char **argv)
{
	/* The watchdog starts as this program again, and wants nothing of what follows. */
	if (argc == 3 && strcmp(argv[1], "watchdog") == 0)
		return watchdog_main(argv[2], STDIN_FILENO);
	return program_run(argc, argv, NULL);
}

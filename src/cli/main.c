/*
 * main.c: the program "stacksnap".
 */
#include "cli/program.h"
#include "crypto/openssl.h"
#include "docker/watchdog.h"
#include "serve/confine.h"
#include "serve/mhd.h"
#include "serve/run_gate.h"
#include "serve/web.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY 0 /* shadows are larger than any limit */
#else
#define MEMORY WEB_MEMORY
#endif

/* The daemon's other half: its standard input is the listener, its output the wire. */
static int
run_web(const char *empty_dir)
{
	struct err err = ERR_INIT;
	const struct confine_options opt = {
		.user = "stacksnap-web",
		.empty_dir = empty_dir,
		.memory = MEMORY,
		.files = WEB_FILES,
	};
	/* Files are out of reach behind that. */
	if (mhd_load(&err) || confine(&opt, &err)) {
		fprintf(stderr, "stacksnap: web: %s\n", err.msg);
		return 1;
	}
	return web_main(STDIN_FILENO, STDOUT_FILENO);
}

int
main(int argc, char **argv)
{
	openssl_stay();
	/* The watchdog starts as this program again, and wants nothing of what follows. */
	if (argc == 3 && strcmp(argv[1], "watchdog") == 0)
		return watchdog_main(argv[2], STDIN_FILENO);
	/* So do the two that the daemon starts. */
	if (argc >= 3 && strcmp(argv[1], "run-gate") == 0)
		return run_gate_main(argc - 2, argv + 2);
	if (argc == 3 && strcmp(argv[1], "web") == 0)
		return run_web(argv[2]);
	return program_run(argc, argv, NULL);
}

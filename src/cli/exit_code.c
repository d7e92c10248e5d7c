#include "cli/exit_code.h"

enum exit_code
exit_code_of(enum err_code code, bool was_stopped)
{
	switch (code) {
	case ERR_OK:
		return EXIT_COMPLETE;
	case ERR_USAGE:
		return EXIT_USAGE;
	case ERR_NO_REPOSITORY:
		return EXIT_NO_REPOSITORY;
	case ERR_LOCKED:
		return EXIT_BUSY;
	case ERR_WRONG_KEY:
		return EXIT_WRONG_KEY;
	case ERR_CORRUPT:
		return EXIT_DAMAGED;
	case ERR_UNSUPPORTED:
		return EXIT_UNSUPPORTED;
	case ERR_READ_ONLY:
		return EXIT_READ_ONLY;
	case ERR_CANCELLED:
		return was_stopped ? EXIT_STOPPED : EXIT_FAILED;
	case ERR_NOT_FOUND:
	case ERR_EXISTS:
	case ERR_DENIED:
	case ERR_TRANSIENT:
	case ERR_IO:
	case ERR_NO_MEMORY:
	case ERR_CHANGED:
	case ERR_INCOMPLETE:
		break;
	}
	return EXIT_FAILED;
}

enum exit_code
exit_code_of_run(enum err_code code, bool was_stopped)
{
	return code == ERR_USAGE ? EXIT_FAILED : exit_code_of(code, was_stopped);
}

static int
rank(enum exit_code code)
{
	switch (code) {
	case EXIT_COMPLETE:
		return 0;
	case EXIT_QUARANTINED:
		return 1;
	case EXIT_PARTIAL:
		return 2;
	case EXIT_BUSY:
	case EXIT_INCONCLUSIVE:
		return 3;
	case EXIT_USAGE:
	case EXIT_NO_REPOSITORY:
	case EXIT_WRONG_KEY:
	case EXIT_UNSUPPORTED:
	case EXIT_READ_ONLY:
	case EXIT_FAILED:
		return 4;
	case EXIT_NOT_PROVED:
	case EXIT_DAMAGED:
		return 5;
	case EXIT_STOPPED:
		return 6;
	}
	return 4;
}

enum exit_code
exit_code_worse(enum exit_code a, enum exit_code b)
{
	return rank(b) > rank(a) ? b : a;
}

const char *
exit_code_outcome(enum exit_code code)
{
	return code == EXIT_COMPLETE || code == EXIT_QUARANTINED ? "complete"
	       : code == EXIT_PARTIAL                            ? "partial"
								 : "failed";
}

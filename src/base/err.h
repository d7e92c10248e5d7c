/*
 * err.h: what went wrong, in one code and one line.
 *
 * A fallible function returns enum err_code and takes a struct err * last.
 * ERR_OK is 0, so `if (f(..., err))` reads as "if it failed".  On failure the
 * outputs are untouched and err holds the same code and a line that says what
 * happened and to what.  Context is added on the way up with err_wrap, so
 * that a user reads  "load index ab12: local: get index/ab12: no such object".
 *
 * struct err is a plain value of fixed size: it can tell of a lack of memory.
 * Passing NULL where an err is asked for is not allowed.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/defs.h"

enum err_code {
	ERR_OK = 0,
	ERR_USAGE, /* the caller or the command line asked for nonsense */
	ERR_NOT_FOUND, /* certainly absent */
	ERR_EXISTS, /* already there, and must not be */
	ERR_LOCKED, /* somebody else holds it; try later */
	ERR_DENIED, /* no permission, or it would lose what must stay */
	ERR_TRANSIENT, /* a retry may help */
	ERR_CORRUPT, /* the data is not what was written */
	ERR_UNSUPPORTED, /* newer format, or a thing this build cannot do */
	ERR_CANCELLED, /* the user or a timeout stopped it */
	ERR_IO, /* the system refused: disk full, read error, ... */
	ERR_NO_MEMORY,
	ERR_NO_REPOSITORY, /* the store holds no StackSnap repository */
	ERR_WRONG_KEY, /* no key slot opens with this passphrase or key file */
	ERR_CHANGED, /* the source, or what is stored, changed meanwhile */
	ERR_READ_ONLY, /* the store can be read, but not written to */
	ERR_INCOMPLETE, /* a gate refused: a dump is empty, cut off or unproved */
};

struct err {
	enum err_code code;
	char msg[508];
};

#define ERR_INIT           \
	{                  \
		ERR_OK, "" \
	}

/* Set code and message.  Returns code, so that it can be returned at once. */
enum err_code err_set(struct err *err, enum err_code code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Like err_set after a failed system call: appends strerror(errno) and derives the code. */
enum err_code err_sys(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* As err_sys, for an errno value kept by the caller. */
enum err_code err_errno(struct err *err, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Put "context: " before the message; the code stays.  Returns the code. */
enum err_code err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Out of memory, said without allocating. */
enum err_code err_nomem(struct err *err);

/* The code of an errno value. */
enum err_code err_code_of_errno(int errnum);

/* A short stable word for a code ("not_found"), for JSON output. */
const char *err_code_word(enum err_code code);

#endif

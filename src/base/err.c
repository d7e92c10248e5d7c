#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void PRINTF_LIKE(3, 0)
    set_text(struct err *err, enum err_code code, const char *fmt, va_list ap)
{
	err->code = code;
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
}

enum err_code
err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_text(err, code, fmt, ap);
	va_end(ap);
	return code;
}

static void
append_errno(struct err *err, int errnum)
{
	char text[128];
	/* The GNU variant returns the text, which need not be in the buffer. */
	const char *s = strerror_r(errnum, text, sizeof text);
	size_t n = strlen(err->msg);
	snprintf(err->msg + n, sizeof err->msg - n, ": %s", s);
}

enum err_code
err_sys(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	va_start(ap, fmt);
	set_text(err, err_code_of_errno(saved), fmt, ap);
	va_end(ap);
	append_errno(err, saved);
	return err->code;
}

enum err_code
err_errno(struct err *err, int errnum, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_text(err, err_code_of_errno(errnum), fmt, ap);
	va_end(ap);
	append_errno(err, errnum);
	return err->code;
}

enum err_code
err_wrap(struct err *err, const char *fmt, ...)
{
	struct err inner = *err;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	size_t n = strlen(err->msg);
	snprintf(err->msg + n, sizeof err->msg - n, ": %s", inner.msg);
	return err->code;
}

enum err_code
err_nomem(struct err *err)
{
	return err_set(err, ERR_NO_MEMORY, "out of memory");
}

enum err_code
err_code_of_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOT_FOUND;
	case EEXIST:
	case ENOTEMPTY:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	case ENOMEM:
		return ERR_NO_MEMORY;
	case EAGAIN:
	case ETIMEDOUT:
	case ECONNRESET:
	case ECONNREFUSED:
	case EPIPE:
		return ERR_TRANSIENT;
	case EOPNOTSUPP:
	case ENOSYS:
		return ERR_UNSUPPORTED;
	case ECANCELED:
		return ERR_CANCELLED;
	default:
		return ERR_IO;
	}
}

const char *
err_code_word(enum err_code code)
{
	static const char *const words[] = {
		[ERR_OK] = "ok",
		[ERR_USAGE] = "usage",
		[ERR_NOT_FOUND] = "not_found",
		[ERR_EXISTS] = "exists",
		[ERR_LOCKED] = "locked",
		[ERR_DENIED] = "denied",
		[ERR_TRANSIENT] = "transient",
		[ERR_CORRUPT] = "corrupt",
		[ERR_UNSUPPORTED] = "unsupported",
		[ERR_CANCELLED] = "cancelled",
		[ERR_IO] = "io",
		[ERR_NO_MEMORY] = "no_memory",
		[ERR_NO_REPOSITORY] = "no_repository",
		[ERR_WRONG_KEY] = "wrong_key",
		[ERR_CHANGED] = "changed",
		[ERR_READ_ONLY] = "read_only",
		[ERR_INCOMPLETE] = "incomplete",
	};
	size_t i = (size_t)code;
	return i < ARRAY_LEN(words) ? words[i] : "unknown";
}

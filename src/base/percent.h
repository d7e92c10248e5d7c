/*
 * percent.h: percent-encoding, as addresses and requests have it.
 *
 * Source: RFC 3986, section 2; what is unreserved there (letters, digits, "-._~") stays as it
 * is, all else becomes "%XX" with capital digits.
 *
 * Pure.  Errors: ERR_NO_MEMORY.
 */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include "base/buf.h"

/* Append text; the characters of also stay as they are, too. */
MUST_CHECK enum err_code percent_encode(
    struct buf *out, const char *text, const char *also, struct err *err);
/* What the digits behind a '%' stand for, of left characters that follow it; -1 unless two
 * hexadecimal digits do. */
int percent_value(const char *digits, size_t left);

#endif

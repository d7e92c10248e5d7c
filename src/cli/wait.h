/*
 * wait.h: --wait, how long services may take to become healthy.
 */
#ifndef CLI_WAIT_H
#define CLI_WAIT_H

#include "base/err.h"

/* "90s", "5m", "1h", or seconds; up to a week. */
MUST_CHECK enum err_code wait_seconds(int *out, const char *text, struct err *err);

#endif

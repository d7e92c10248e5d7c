/*
 * rand.h: random bytes from the kernel, good for keys.
 */
#ifndef SYS_RAND_H
#define SYS_RAND_H

#include "base/err.h"

MUST_CHECK enum err_code rand_bytes(void *out, size_t len, struct err *err);

#endif

/*
 * login_limit.h: how often somebody may try a password.
 *
 * Each address has three free tries, then must wait a second, and twice as long after each more
 * that fails, up to ten minutes; an hour without any forgives.  All addresses together have
 * thirty tries, and one more every two seconds; those from which somebody has logged in before
 * do not wait for strangers.  A try counts as failed from its beginning, so that many at once
 * gain nothing.  IPv6 addresses count by their first 64 bits.
 *
 * Bounded: the addresses seen longest ago are forgotten.
 * Threads: any.
 */
#ifndef SERVE_LOGIN_LIMIT_H
#define SERVE_LOGIN_LIMIT_H

#include "base/err.h"

#include <stdbool.h>

struct login_limit;

MUST_CHECK enum err_code login_limit_new(struct login_limit **out, struct err *err);
void login_limit_free(struct login_limit *l);
AUTO_FREE(login_limit, struct login_limit *, login_limit_free)

/* May it be tried now?  0: yes, and it counts; else how many seconds to wait. */
unsigned login_limit_try(struct login_limit *l, const char *whence, int64_t now_ns);
/* What was tried was right. */
void login_limit_passed(struct login_limit *l, const char *whence, int64_t now_ns);

#endif

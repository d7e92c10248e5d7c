/*
 * tls_runner.h: a runner (sys/runner.h) whose TCP connections are TLS; all else is another
 * runner's.
 *
 * Ownership: takes inner over, also when it fails; borrows the texts of the options and their
 *            cancel.
 * Errors:    of runner_dial those of tls_connect, with what to do.
 */
#ifndef NET_TLS_RUNNER_H
#define NET_TLS_RUNNER_H

#include "net/tls.h"
#include "sys/runner.h"

MUST_CHECK enum err_code tls_runner_open(
    struct runner **out, struct runner *inner, const struct tls_options *opt, struct err *err);

#endif

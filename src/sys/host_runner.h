/*
 * host_runner.h: the runner (runner.h) whose place is this host: tools are
 * processes of our own, ports those of a machine that we can reach.
 *
 * A tool gets little of our environment: HOME, PATH, TMPDIR, USER and what names
 * Kerberos tickets, so that no variable of a shell (PGHOST, PGSERVICE, MYSQL_HOST)
 * turns it to another server than the one meant; messages are in English.
 *
 * Reading and writing: while run_write cannot go on, it takes in what the tool
 * writes (up to 8 MiB, for a later run_read), unless another thread reads.
 *
 * run_free kills a tool that still runs, with its process group.
 * Errors: beyond runner.h, ERR_NOT_FOUND by runner_start when there is no such
 *         program, and ERR_UNSUPPORTED when it is to run as another user.
 */
#ifndef SYS_HOST_RUNNER_H
#define SYS_HOST_RUNNER_H

#include "sys/runner.h"

/* runner_dial's "tcp:PORT" is a port of that machine (a name or an address); NULL: this one's.
 * host and cancel (may be NULL) are borrowed. */
MUST_CHECK enum err_code host_runner_open(
    struct runner **out, const char *host, const struct cancel *cancel, struct err *err);

#endif

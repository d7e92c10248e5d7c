/*
 * exec.h: the runner (sys/runner.h) whose place is one container.
 *
 * A run is an exec: its three streams come as frames over one connection that
 * the engine hands over.  A run reads with large reads straight into the
 * caller's memory, half-closes standard input, and asks the engine for the
 * exit code.
 *
 * Reading and writing: while run_write cannot go on, it takes in what the tool
 * writes (up to 8 MiB, for a later run_read), so that one thread may write all
 * input first and read then.  A tool that says more than that before it has
 * read its input needs a thread that reads; run_write fails with ERR_USAGE
 * instead of waiting for ever when no other thread has ever read.
 *
 * Output of a tool that can write a file (run_spec.file_option) comes by a pipe
 * in the container where that can be (outlet.h), not by the engine's
 * connection, which is four times slower; never with STACKSNAP_OUTLET=none.
 *
 * run_free of a tool that still runs: the engine has no call that ends an
 * exec.  When the tool's process can be seen from here (local engine, root) and
 * its control group names the container, it is killed with its process group;
 * then the connection is closed.  Elsewhere the tool ends when it next reads or
 * writes, or on its own.
 *
 * runner_dial: "tcp:PORT" connects to 127.0.0.1 or ::1 in the container's
 * network namespace, and where that is not permitted or nobody listens there,
 * to the container's address on its networks.  "unix:PATH" needs to see the
 * container's files (root, local engine); symlinks in PATH are followed
 * inside the container only.  The descriptor is blocking.  Where the engine is
 * on another machine, "tcp:PORT" goes through a tool in the container
 * (tunnel.h), and "unix:PATH" cannot be reached.
 *
 * Ownership: the docker client must outlive the runner, and the runner its runs.
 * Errors:    beyond runner.h, ERR_LOCKED when the container is paused or does not
 *            run.  A tool that is not there is found when the run is first read
 *            or waited for, not by runner_start.
 */
#ifndef DOCKER_EXEC_H
#define DOCKER_EXEC_H

#include "docker/engine.h"
#include "sys/runner.h"

/* A runner for the container of that id or name; ERR_NOT_FOUND when there is none. */
MUST_CHECK enum err_code docker_runner_open(
    struct runner **out, struct docker *d, const char *container, struct err *err);

/* What runs that died have left in this engine's containers goes, and so do the tools that wait
 * there for such a run.  Containers that cannot be looked into are passed over. */
MUST_CHECK enum err_code docker_remove_outlets(struct docker *d, struct err *err);

#endif

/*
 * exec_impl.h: one exec by its streams alone, and one with an outlet beside
 * them; for exec.c and exec_piped.c only.
 */
#ifndef DOCKER_EXEC_IMPL_H
#define DOCKER_EXEC_IMPL_H

#include "docker/attach.h"
#include "docker/engine.h"
#include "sys/runner.h"

#include <stdatomic.h>

struct exec_runner {
	struct runner base;
	struct docker *d;
	char *container; /* full id */
	atomic_bool refuses_outlets; /* its tools could not open one */
};

/* The whole output comes by the engine's stream, whatever spec says of files. */
MUST_CHECK enum err_code exec_start_plain(
    struct exec_runner *place, const struct run_spec *spec, struct run **out, struct err *err);
/* The streams of a plain run, which stay its own. */
struct attach *exec_streams(struct run *run);

/* The output comes by an outlet (outlet.h) where there can be one.  A tool that turns out not
 * to be able to open it is started again without. */
MUST_CHECK enum err_code exec_start_piped(
    struct exec_runner *place, const struct run_spec *spec, struct run **out, struct err *err);

#endif

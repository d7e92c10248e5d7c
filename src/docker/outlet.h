/*
 * outlet.h: a pipe by which a tool in a container gives its output straight to
 * this host, past the engine; for exec.c.  docs/decisions/0032-outlets.md.
 *
 * It is a FIFO that lies in the container's /dev (or /dev/shm) under a name that
 * nobody can guess, is the tool's user's alone, and goes as soon as the tool has
 * opened it.  The tool is told its path by an option of its own, in place
 * of writing to standard output.
 *
 * The container may be hostile: what is at the path is opened only after it was
 * seen to be a FIFO, so that no device is touched; and whatever is in
 * a FIFO of the container's own making is what a tool of its making could have
 * written anyway.
 *
 * The engine's streams are read beside it, so that a tool that dies before it
 * opens the pipe, or says much on standard error, keeps nobody waiting.
 *
 * Threads: none of its own; one thread at a time.
 */
#ifndef DOCKER_OUTLET_H
#define DOCKER_OUTLET_H

#include "docker/attach.h"

struct outlet;

/* Make one below the container's root folder, for tools of that user (as the engine is told
 * it); what a run that died has left there is removed.  ERR_UNSUPPORTED, or the system's
 * errors, when there is no place for one. */
MUST_CHECK enum err_code outlet_new(
    struct outlet **out, int root_fd, const char *user, struct err *err);
/* Removes it from the container, too. */
void outlet_free(struct outlet *o);
AUTO_FREE(outlet, struct outlet *, outlet_free)

/* As the container sees it. */
const char *outlet_path(const struct outlet *o);

/* As run_read, with the tool's streams beside it; timeout_ms as run_set_patience.  *got is 0 at
 * the end, and also when the tool does not use it: it began to write to standard output, or
 * ended without having opened it.  Then outlet_is_passed_by, and its output is a's. */
MUST_CHECK enum err_code outlet_read(struct outlet *o, struct attach *a, int timeout_ms,
    void *out, size_t len, size_t *got, struct err *err);
bool outlet_is_passed_by(const struct outlet *o);
/* The tool has ended: ERR_IO when it wrote both here and to standard output, so that neither
 * is the whole. */
MUST_CHECK enum err_code outlet_check(
    struct outlet *o, const struct attach *a, struct err *err);

/* Remove what runs that died have left below the container's root folder, and end the tools
 * that wait for a reader there. */
void outlet_sweep(int root_fd);

#endif

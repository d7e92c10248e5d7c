/*
 * watchdog.h: a small process that outlives us and gives the services back.
 *
 * It is this program again (/proc/self/exe watchdog JOURNAL), in a session of
 * its own, deaf to SIGINT, SIGTERM, SIGHUP and SIGQUIT, holding one end of a
 * socket pair as its standard input.  It waits for either the byte that says
 * "done", and leaves, or for the end of the stream, which the kernel gives
 * when we die however we die; then it recovers the journal, and tries again
 * for five minutes while the engine does not answer.
 *
 * A service manager that kills the whole control group kills the watchdog
 * too: then the journal is recovered by the next run.
 */
#ifndef DOCKER_WATCHDOG_H
#define DOCKER_WATCHDOG_H

#include "base/err.h"

struct watchdog;

/* Start one for a journal that was written; returns once it is ready. */
MUST_CHECK enum err_code watchdog_start(
    struct watchdog **out, const char *journal_path, struct err *err);
/* Nothing is left to be done: the watchdog leaves. */
void watchdog_dismiss(struct watchdog *w);
/* We could not give all services back: it goes on trying for five minutes, whatever becomes of
 * us. */
void watchdog_hand_over(struct watchdog *w);
AUTO_FREE(watchdog, struct watchdog *, watchdog_dismiss)

/* The watchdog's own life, for main() on the hidden command "watchdog JOURNAL": fd is 0 there.
 * Returns the exit code. */
int watchdog_main(const char *journal_path, int fd);

#endif

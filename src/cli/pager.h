/*
 * pager.h: what is longer than the screen goes through a pager.
 *
 * Which one: what the command line says, else STACKSNAP_PAGER, else PAGER, else
 * "less -FRX".  The command is split into words (words.h); there is no shell.  "" and "cat" are
 * none.  It stays in our process group, since it reads keys from the terminal; from its start
 * on Ctrl-C is its business.
 *
 * Threads: one at a time; standard output is the process's.
 */
#ifndef CLI_PAGER_H
#define CLI_PAGER_H

#include "base/err.h"

struct pager;

/* The command that counts; NULL: none. */
const char *pager_command(const char *given);

/* From now on standard output goes to it.  ERR_NOT_FOUND when there is no such program. */
MUST_CHECK enum err_code pager_start(struct pager **out, const char *command, struct err *err);
/* Standard output is again what it was.  Returns when the user has left the pager; that he did
 * so before its end is no error. */
void pager_end(struct pager *p);
AUTO_FREE(pager, struct pager *, pager_end)

#endif

/*
 * recover.h: services that a run which died has left quiet.
 */
#ifndef CLI_RECOVER_H
#define CLI_RECOVER_H

#include "base/strv.h"
#include "cli/cli.h"

struct recovery {
	struct strv services; /* that run again */
	struct strv old; /* stacks whose interrupted restore was taken back */
	struct strv restored; /* stacks whose interrupted restore was brought to its end */
	struct strv tables; /* what became of restores of single tables that were interrupted */
	size_t busy; /* journals of runs that are alive */
	size_t failed; /* journals that are still there; why was told as warnings */
};

#define RECOVERY_INIT                                            \
	{                                                        \
		STRV_INIT, STRV_INIT, STRV_INIT, STRV_INIT, 0, 0 \
	}

void recovery_release(struct recovery *r);
static inline void UNUSED
recovery_auto(struct recovery *r)
{
	recovery_release(r);
}

/* Settle every restore that was interrupted (engine/restore_settle.h). */
MUST_CHECK enum err_code recover_restores(struct cli *c, struct recovery *out, struct err *err);
/* The same of single tables, collections and keys (engine/restore_table.h). */
MUST_CHECK enum err_code recover_tables(struct cli *c, struct recovery *out, struct err *err);
/* Keep the promise of every journal in the state folder whose run is dead. */
MUST_CHECK enum err_code recover_all(struct cli *c, struct recovery *out, struct err *err);

#endif

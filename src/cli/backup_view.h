/*
 * backup_view.h: what became of a backup, for people and as JSON.
 */
#ifndef CLI_BACKUP_VIEW_H
#define CLI_BACKUP_VIEW_H

#include "cli/cli.h"
#include "engine/backup.h"
#include "engine/connections.h"

/* What became of one stack, or of the folders. */
struct backup_task {
	const char *stack; /* NULL: folders, databases, or a stream */
	enum exit_code code;
	struct backup_result result; /* when it did not fail */
	struct err err;
};

struct backup_batch {
	struct strv stacks;
	struct strv paths; /* either these or those, or databases, or a stream */
	struct strv databases; /* names of connections, in order */
	struct connections *connections; /* that have them */
	struct backup_input input; /* its name is NULL when there is none */
	struct backup_task *tasks;
	size_t n_tasks;
};

/* All tasks; code is the worst of theirs. */
MUST_CHECK enum err_code backup_view_print(
    struct cli *c, const struct backup_batch *b, enum exit_code code, struct err *err);

#endif

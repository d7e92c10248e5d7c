/*
 * db_args.h: databases outside of stacks as the command line names them.
 */
#ifndef CLI_DB_ARGS_H
#define CLI_DB_ARGS_H

#include "cli/cli.h"
#include "engine/connections.h"

/* The list of this host; the key is databases.key in the state folder, or what
 * STACKSNAP_DATABASES_KEY names. */
MUST_CHECK enum err_code db_open_list(
    struct cli *c, enum connections_use use, struct connections **out, struct err *err);
/* ERR_USAGE, with the nearest name, when there is none. */
MUST_CHECK enum err_code db_find(const struct connections *l, const char *name,
    const struct connection **out, struct err *err);
/* The names given, or all; of these the ones that --env and --project let through. */
MUST_CHECK enum err_code db_choose(const struct args *a, const struct connections *l,
    const struct strv *names, size_t from, struct strv *out, struct err *err);

#endif

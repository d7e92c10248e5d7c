/*
 * db_try.h: trying databases outside of stacks, and showing what came of it.
 */
#ifndef CLI_DB_TRY_H
#define CLI_DB_TRY_H

#include "cli/db_args.h"
#include "cli/db_view.h"

/* A failure is in out, and told by nobody yet; warnings are told.  out is DB_TRIED_INIT. */
void db_try_one(struct cli *c, const struct connection *connection, struct db_tried *out);
/* Each is told as it ends: failures as errors, the rest as text on standard output or, when w
 * is not NULL, as "database test" of docs/json.md.  *code is the worst. */
MUST_CHECK enum err_code db_try_all(struct cli *c, const struct connections *l,
    const struct strv *names, struct json_writer *w, enum exit_code *code, struct err *err);
/* The same, as one value for a result line whose exit code stands before it. */
MUST_CHECK enum err_code db_try_json(struct cli *c, const struct connections *l,
    const struct strv *names, json_t **out, enum exit_code *code, struct err *err);

#endif

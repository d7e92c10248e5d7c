/*
 * db_view.h: databases outside of stacks, as text and as JSON.
 */
#ifndef CLI_DB_VIEW_H
#define CLI_DB_VIEW_H

#include "base/json.h"
#include "cli/exit_code.h"
#include "engine/connect.h"

/* How a test ended; test is empty when err says why it failed. */
struct db_tried {
	struct connection_test test;
	enum exit_code code;
	struct err err;
};

#define DB_TRIED_INIT                                                                \
	{                                                                            \
		.test = CONNECTION_TEST_INIT, .code = EXIT_COMPLETE, .err = ERR_INIT \
	}

static inline void UNUSED
db_tried_auto(struct db_tried *t)
{
	connection_test_release(&t->test);
}

/* A test that found something that cannot be read. */
bool db_test_is_partial(const struct connection_test *t);

/* "database" of docs/json.md. */
MUST_CHECK enum err_code db_view_json(
    struct json_writer *w, const struct connection *c, struct err *err);
/* "database test" of docs/json.md. */
void db_view_test_json(struct json_writer *w, const char *name, const struct db_tried *t);

/* One, line by line. */
MUST_CHECK enum err_code db_view_print(const struct connection *c, struct err *err);
/* What a test found; statements are shown when they are of use. */
void db_view_test_print(const struct connection_test *t);

#endif

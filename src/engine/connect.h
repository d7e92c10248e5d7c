/*
 * connect.h: reaching a database outside of stacks, and trying whether a backup
 * of it would have all that it needs.
 *
 * Errors: those of connector.h, each with "database NAME: " before it.
 */
#ifndef ENGINE_CONNECT_H
#define ENGINE_CONNECT_H

#include "engine/connections.h"
#include "engine/live_server.h"

/* For those who open the connector themselves; nothing is contacted.  out is LIVE_SERVER_INIT;
 * the connection and cancel must outlive it. */
MUST_CHECK enum err_code connection_reach(struct live_server *out, const struct connection *c,
    const struct cancel *cancel, struct err *err);

struct connection_test {
	const struct connection *connection; /* borrowed */
	struct live_server server;
	struct connector *connector; /* NULL: a SQLite file */
	char *version; /* of the server, or of the SQLite file's writer */
	struct strv warnings; /* what a backup will not have, or not at one instant */
	struct db_database *databases; /* borrowed from the connector */
	size_t database_count;
	uint64_t bytes;
	struct db_database file; /* of a SQLite file */
	struct db_access access;
};

#define CONNECTION_TEST_INIT                                         \
	{                                                            \
		.server = LIVE_SERVER_INIT, .access = DB_ACCESS_INIT \
	}

void connection_test_release(struct connection_test *t);
static inline void UNUSED
connection_test_auto(struct connection_test *t)
{
	connection_test_release(t);
}

/* Log in, ask for the version and what there is, and what the account may do.  out is
 * CONNECTION_TEST_INIT.  Nothing is changed. */
MUST_CHECK enum err_code connection_try(struct connection_test *out, const struct connection *c,
    const struct cancel *cancel, struct err *err);

#endif

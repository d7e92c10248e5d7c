/*
 * mongo_link.h: commands to one MongoDB server, and its answers.
 *
 * A link is what mongo_link_open gives (libmongoc in stacksnap-mongodb.so, over a
 * socket that the runner dials), or what a unit test scripts.
 *
 * The module is looked for beside the program, then in lib/stacksnap beside the
 * program's folder (../lib/stacksnap and ../lib/ARCHITECTURE/stacksnap).
 *
 * Ownership: an answer stays the link's until its next command.
 * Threads:   one at a time.
 * Errors:    ERR_UNSUPPORTED when the module is not there, or the server does not know
 *            the command; ERR_DENIED without permission, ERR_NOT_FOUND for a collection that
 *            is not there, ERR_TRANSIENT when nobody answers, ERR_CANCELLED; ERR_IO with
 *            the server's words for anything else that it refuses.
 */
#ifndef DB_MONGO_LINK_H
#define DB_MONGO_LINK_H

#include "db/bson.h"
#include "db/connector.h"

/* Codes of the server's that are acted upon. */
enum {
	MONGO_UNAUTHORIZED = 13,
	MONGO_LOGIN_FAILED = 18,
	MONGO_ALREADY_INITIALIZED = 23,
	MONGO_NO_NAMESPACE = 26,
	MONGO_NAMESPACE_EXISTS = 48,
	MONGO_NO_COMMAND = 59,
	MONGO_NOT_INITIALIZED = 94,
	MONGO_NO_REPLICATION = 76,
	MONGO_SNAPSHOT_TOO_OLD = 239,
};

/* How to log in; found once for a connector. */
struct mongo_login {
	const struct db_target *t;
	char *address; /* for runner_dial */
	char *user; /* NULL: no login */
	char *password;
	char *source; /* the database that knows the user */
};

/* From the target: environment and command. */
MUST_CHECK enum err_code mongo_login_find(
    struct mongo_login *l, const struct db_target *t, struct err *err);
void mongo_login_release(struct mongo_login *l);

struct mongo_answer {
	const uint8_t *data;
	size_t len;
};

struct mongo_link;

struct mongo_link_ops {
	enum err_code (*command)(struct mongo_link *k, const char *database,
	    const struct buf *command, struct mongo_answer *out, struct err *err);
	void (*close)(struct mongo_link *k);
};

struct mongo_link {
	const struct mongo_link_ops *ops;
	bool in_session; /* commands go into one session, so that all reads see one moment */
	int refusal; /* the server's code of the last refusal; 0: there was none */
};

typedef enum err_code mongo_open_link(
    struct mongo_link **out, const struct mongo_login *l, struct err *err);

/* Nothing is contacted before the first command. */
MUST_CHECK mongo_open_link mongo_link_open;
void mongo_link_close(struct mongo_link *k);
AUTO_FREE(mongo_link, struct mongo_link *, mongo_link_close)

MUST_CHECK enum err_code mongo_command(struct mongo_link *k, const char *database,
    const struct buf *command, struct mongo_answer *out, struct err *err);
/* {name: 1} */
MUST_CHECK enum err_code mongo_simple(struct mongo_link *k, const char *database,
    const char *name, struct mongo_answer *out, struct err *err);

/* What an implementation does with a refusal. */
enum err_code mongo_refuse(struct mongo_link *k, int code, const char *text, struct err *err);

#endif

/*
 * connections.h: the databases outside of stacks that the user has named, and
 * how to log in to them (docs/decisions/0025-databases-by-name.md).
 *
 * One file in the state folder, databases, sealed with AES-256-GCM by a key
 * that lies in another: databases.key beside it, or where the user says.  Both are
 * readable for their owner only; a key that others may read is refused.
 *
 * Ownership: a list owns its connections.
 * Threads:   one at a time for each list; a list opened to be changed keeps other
 *            processes waiting until it is closed.
 * Errors:    ERR_CORRUPT: the file is damaged, or the key is another one's;
 *            ERR_DENIED: others may read the key; ERR_NOT_FOUND: the key is gone.
 */
#ifndef ENGINE_CONNECTIONS_H
#define ENGINE_CONNECTIONS_H

#include "db/site.h"

struct connection {
	char *name; /* letters, digits, '.', '_', '-' */
	char *env; /* "prod", "staging", "dev"; NULL: not said */
	char *project; /* NULL: none */
	int64_t added_ns;
	struct db_site site;
};

#define CONNECTION_INIT       \
	{                     \
		.name = NULL, \
	}

void connection_release(struct connection *c);
static inline void UNUSED
connection_auto(struct connection *c)
{
	connection_release(c);
}

#define CONNECTION_NAME_MAX 63
/* ERR_USAGE when the name of a connection or project cannot be one. */
MUST_CHECK enum err_code connection_check_name(const char *name, struct err *err);

enum connections_use { CONNECTIONS_READ, CONNECTIONS_CHANGE };

struct connections;

/* key_file NULL: what STACKSNAP_DATABASES_KEY names, else databases.key.  Where there is no
 * file the list is empty; the state folder is made when the list is to be changed. */
MUST_CHECK enum err_code connections_open(struct connections **out, const char *state_dir,
    const char *key_file, enum connections_use use, struct err *err);
void connections_close(struct connections *l);
AUTO_FREE(connections, struct connections *, connections_close)

/* In order of names. */
size_t connections_count(const struct connections *l);
const struct connection *connections_at(const struct connections *l, size_t i);
/* NULL when there is none. */
const struct connection *connections_find(const struct connections *l, const char *name);

/* Add, or put in place of the one of that name; c is taken over and left empty. */
MUST_CHECK enum err_code connections_put(
    struct connections *l, struct connection *c, struct err *err);
/* ERR_NOT_FOUND. */
MUST_CHECK enum err_code connections_remove(
    struct connections *l, const char *name, struct err *err);
/* Durable on return.  Of a list that was opened to be changed. */
MUST_CHECK enum err_code connections_save(struct connections *l, struct err *err);

#endif

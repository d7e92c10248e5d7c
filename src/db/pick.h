/*
 * pick.h: the rows of one table, put into a server that runs.
 *
 * Either beside what is there, into a schema or database of their own (into), or in its
 * place.  In place, the old rows stay in a table of a schema (MySQL: a database) of ours,
 * "stacksnap_old_TAG", from which PICK_UNDO puts them back and which PICK_FINISH
 * removes.  Each is one step for all others (a transaction, or a RENAME of tables): it is
 * done or it is not, however it ends.
 *
 * Ownership: all is borrowed.
 */
#ifndef DB_PICK_H
#define DB_PICK_H

#include "db/connector.h"
#include "db/shape.h"

enum pick_verb {
	PICK_LOOK, /* nothing is changed: what would be hurt, or refused, is told */
	PICK_PUT,
	PICK_KEPT, /* told gets the tag of what is kept; it, and those below, want database and
		      table only */
	PICK_UNDO,
	PICK_FINISH,
	PICK_MEND, /* after a PUT that was killed: it is done then, or it is not, and nothing
		      that was loaded for it is left.  ERR_LOCKED while the server is still at
		      it */
};

/* One key of Redis, as an RDB file has it. */
struct pick_key {
	const uint8_t *name; /* any bytes */
	size_t name_len;
	int64_t expires_ms; /* since 1970; 0: never */
	uint8_t type;
	const uint8_t *value; /* as it stands behind the key */
	size_t value_len;
};

typedef enum err_code pick_key_fn(void *arg, const struct pick_key *key, struct err *err);

/* Where keys come from: each calls fn for all that are wanted. */
struct pick_keys {
	enum err_code (*each)(
	    struct pick_keys *keys, pick_key_fn *fn, void *arg, struct err *err);
	unsigned rdb_version;
};

struct db_pick {
	enum pick_verb verb;
	const char *database;
	const char *table; /* as the census names it: public.orders */
	const struct shape *shape; /* of the rows; put and look */
	const char *definition; /* MySQL: the statement that makes it; NULL: it is not known */
	uint64_t rows;
	const char *into; /* a schema's name, of MySQL a database's, of Redis its number; NULL:
			     in place */
	const char *tag; /* the snapshot's first 8 digits */
	const char *prefix; /* Redis: of keys; table is its database, "db0" */
	struct pick_keys *keys; /* Redis: put */
	struct dump_source *source; /* put: one file; of PostgreSQL nothing but the rows */
};

/* Told by look: dependants that see other rows then, columns that take their own values, ... */
MUST_CHECK enum err_code connector_pick(
    struct connector *c, const struct db_pick *pick, struct strv *told, struct err *err);

/*
 * A whole database of a dump into a new one beside, of another name.  Nothing that the server
 * has is changed.  ERR_EXISTS when there is one of that name.
 */
struct db_aside {
	const char *database;
	const char *into; /* letters, digits and _, at most 48 */
	bool only_look;
	struct dump_source *source; /* all files of the dump */
};
MUST_CHECK enum err_code connector_aside(
    struct connector *c, const struct db_aside *aside, struct strv *told, struct err *err);
bool db_aside_is_name(const char *into);

/* The parts of a name that the census joined by dots: "public.orders", "public.\"odd.name\"";
 * false when it is none. Each part is the caller's. */
MUST_CHECK enum err_code pick_split_name(struct strv *out, const char *name, struct err *err);

#endif

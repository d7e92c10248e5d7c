/*
 * mongo_cursor.h: the documents that a command of MongoDB's answers, batch by
 * batch; for mongo*.c only.
 *
 * Documents are handed on as they came: their lengths are checked, and nothing
 * else.  The end is told only when the server has said that there is no more; an
 * answer that is partial, or that does not go on, is an error.
 *
 * Threads: one at a time.  Errors: ERR_INCOMPLETE; those of mongo_command.
 */
#ifndef DB_MONGO_CURSOR_H
#define DB_MONGO_CURSOR_H

#include "db/mongo_link.h"

struct mongo_cursor {
	struct mongo_link *link;
	const char *database;
	char *collection; /* as getMore wants it */
	int64_t id; /* 0: the server has no more */
	struct bson_walk batch;
};

/* command is find, aggregate, listCollections or listIndexes; database is borrowed. */
MUST_CHECK enum err_code mongo_cursor_open(struct mongo_cursor *c, struct mongo_link *k,
    const char *database, const struct buf *command, struct err *err);
/* The next document; *doc is NULL behind the last, and valid until the link's next command. */
MUST_CHECK enum err_code mongo_cursor_next(
    struct mongo_cursor *c, const uint8_t **doc, size_t *len, struct err *err);
/* Tells the server when there was more. */
void mongo_cursor_close(struct mongo_cursor *c);

static inline void UNUSED
mongo_cursor_auto(struct mongo_cursor *c)
{
	mongo_cursor_close(c);
}

#define MONGO_CURSOR_INIT                 \
	{                                 \
		NULL, NULL, NULL, 0,      \
		{                         \
			NULL, NULL, false \
		}                         \
	}

#endif

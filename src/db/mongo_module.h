/*
 * mongo_module.h: what the program and stacksnap-mongodb.so say to each other.
 *
 * The module is the only thing that is linked with libmongoc, which most
 * machines do not have; mongo_link.c loads it when a MongoDB server is met.  It
 * logs in and carries commands and answers, which are BSON.  Plain C types only, so
 * that it needs nothing of the program.
 *
 * Threads: one at a time for one client; different clients on different threads at once.
 */
#ifndef DB_MONGO_MODULE_H
#define DB_MONGO_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MONGO_MODULE_FILE "stacksnap-mongodb.so"
#define MONGO_MODULE_SYMBOL "stacksnap_mongodb"
#define MONGO_MODULE_ABI 1

enum mongo_outcome {
	MONGO_DONE,
	MONGO_REFUSED, /* the server says no: code and text are its own */
	MONGO_NO_LOGIN,
	MONGO_GONE, /* nobody there, or no longer */
	MONGO_CANCELLED,
	MONGO_NO_MEMORY,
};

struct mongo_said {
	int code;
	char text[400];
};

struct mongo_module_options {
	/* A connected stream socket, which becomes the module's; -1 after a failure, of which
	 * the caller keeps the words. */
	int (*dial)(void *arg);
	void *arg;
	int cancel_fd; /* readable when all is to end; -1: never */
	int patience_ms; /* an answer that does not go on for so long has failed */
	const char *user; /* NULL: no login */
	const char *password;
	const char *source; /* the database that knows the user */
};

struct mongo_module {
	unsigned abi;
	const char *version; /* of libmongoc */
	/* NULL without memory. */
	void *(*open)(const struct mongo_module_options *opt);
	/* *answer stays the client's until the next call; said is filled unless MONGO_DONE. */
	enum mongo_outcome (*command)(void *client, const char *database,
	    const uint8_t *command, size_t len, bool in_session, const uint8_t **answer,
	    size_t *answer_len, struct mongo_said *said);
	void (*close)(void *client);
};

#endif

/*
 * account.h: who may do what: users, their sessions in a browser, tokens of programs.
 *
 * A session and a token are 32 random bytes that only their owner has; the
 * catalogue keeps their SHA-256.  A session ends when it was not used for SESSION_IDLE, when
 * it is SESSION_AGE old, when its user logs out, and when the password is changed.
 */
#ifndef CATALOG_ACCOUNT_H
#define CATALOG_ACCOUNT_H

#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>

#define ACCOUNT_SECRET 32
#define ACCOUNT_NAME_MAX 64
#define PASSWORD_MIN 10
#define SESSION_IDLE_NS (INT64_C(12) * 3600 * 1000000000)
#define SESSION_AGE_NS (INT64_C(30) * 24 * 3600 * 1000000000)

enum scope { SCOPE_NONE, SCOPE_READ, SCOPE_OPERATE, SCOPE_ADMIN };

/* "none", "read", "operate", "admin" */
const char *scope_word(enum scope scope);

/* Who asks. */
struct caller {
	int64_t user;
	char name[ACCOUNT_NAME_MAX + 1]; /* of the user, or "user/token" */
	enum scope scope;
	bool is_session;
	uint8_t csrf[ACCOUNT_SECRET]; /* of a session: what each change must bring along */
};

/* Is there any user at all? */
MUST_CHECK enum err_code account_exists(struct catalog *c, bool *any, struct err *err);
/* ERR_USAGE for a name or password that will not do, ERR_EXISTS for a name that is taken. */
MUST_CHECK enum err_code account_add(
    struct catalog *c, const char *name, const char *password, int64_t now_ns, struct err *err);
/* Takes as long for a name that is not there.  ERR_DENIED without saying which was wrong. */
MUST_CHECK enum err_code account_login(struct catalog *c, const char *name,
    const char *password, const char *whence, int64_t now_ns, uint8_t secret[ACCOUNT_SECRET],
    struct caller *who, struct err *err);
/* ERR_DENIED unless old is right; all other sessions of the user end. */
MUST_CHECK enum err_code account_change_password(struct catalog *c, int64_t user,
    const char *old, const char *password, const uint8_t *keep_secret, struct err *err);

/* ERR_DENIED for a session that has ended, or never was. */
MUST_CHECK enum err_code session_find(struct catalog *c, const uint8_t secret[ACCOUNT_SECRET],
    int64_t now_ns, struct caller *who, struct err *err);
/* The same without being a use of it: it does not stay alive for that. */
MUST_CHECK enum err_code session_look(struct catalog *c, const uint8_t secret[ACCOUNT_SECRET],
    int64_t now_ns, struct caller *who, struct err *err);
MUST_CHECK enum err_code session_end(
    struct catalog *c, const uint8_t secret[ACCOUNT_SECRET], struct err *err);

struct token {
	int64_t id;
	const char *name;
	enum scope scope; /* SCOPE_READ or SCOPE_OPERATE */
	int64_t made_ns;
	int64_t used_ns; /* 0: never */
};

MUST_CHECK enum err_code token_add(struct catalog *c, int64_t user, const char *name,
    enum scope scope, int64_t now_ns, uint8_t secret[ACCOUNT_SECRET], int64_t *id,
    struct err *err);
MUST_CHECK enum err_code token_find(struct catalog *c, const uint8_t secret[ACCOUNT_SECRET],
    int64_t now_ns, struct caller *who, struct err *err);
/* ERR_NOT_FOUND for one that is not the user's. */
MUST_CHECK enum err_code token_delete(
    struct catalog *c, int64_t user, int64_t id, struct err *err);
typedef enum err_code token_fn(void *arg, const struct token *t, struct err *err);
MUST_CHECK enum err_code token_list(
    struct catalog *c, int64_t user, token_fn *fn, void *arg, struct err *err);

/* --- audit --- */

struct audit_entry {
	int64_t id;
	int64_t at_ns;
	const char *who;
	const char *whence;
	const char *verb;
	const char *subject;
	const char *outcome; /* "ok", or the word of an error */
};

/* The last 200,000 are kept. */
MUST_CHECK enum err_code audit_add(
    struct catalog *c, const struct audit_entry *e, struct err *err);
/* Latest first, those before an id (0: all), at most limit. */
typedef enum err_code audit_fn(void *arg, const struct audit_entry *e, struct err *err);
MUST_CHECK enum err_code audit_list(struct catalog *c, int64_t before, unsigned limit,
    audit_fn *fn, void *arg, struct err *err);

#endif

/*
 * redis_link.h: a logged-in connection to Redis or Valkey.
 *
 * Commands go over a socket that the runner dials.  Where it cannot dial, each
 * command is a run of redis-cli inside the container, which gives every answer
 * as text; link_config and link_info hide the difference.
 *
 * Threads: one at a time.
 * Errors:  ERR_DENIED when the password is refused or missing, ERR_TRANSIENT
 *          when nobody answers, ERR_IO with the server's words when it refuses
 *          a command.
 */
#ifndef DB_REDIS_LINK_H
#define DB_REDIS_LINK_H

#include "db/connector.h"
#include "db/resp.h"

/* How to log in; found once for a connector. */
struct redis_login {
	const struct db_target *t;
	enum db_kind kind;
	char *address; /* for runner_dial */
	char *port; /* for redis-cli */
	char *user; /* NULL: the default user */
	char *password; /* NULL: none */
};

/* From the target: command, environment, a configuration file named in the command. */
MUST_CHECK enum err_code redis_login_find(
    struct redis_login *l, const struct db_target *t, enum db_kind kind, struct err *err);
void redis_login_release(struct redis_login *l);
/* The value of an option in the command or the configuration file; *out is NULL when it is in
 * neither. */
MUST_CHECK enum err_code redis_option(
    char **out, const struct db_target *t, const char *name, struct err *err);

struct link;

MUST_CHECK enum err_code link_open(
    struct link **out, const struct redis_login *l, struct err *err);
void link_close(struct link *k);
AUTO_FREE(link, struct link *, link_close)

/* The socket, for what is no command; NULL when there is redis-cli only. */
struct resp *link_resp(struct link *k);
/* Start redis-cli with these arguments (NULL-terminated) behind its login. */
MUST_CHECK enum err_code link_cli(
    struct link *k, const char *const *args, struct run **out, struct err *err);

/* Whatever the command answers as text, but errors. */
MUST_CHECK enum err_code link_text(
    struct link *k, const char *const *argv, char **out, struct err *err);
/* CONFIG GET; *out is the caller's, "" when the server has no such variable. */
MUST_CHECK enum err_code link_config(
    struct link *k, const char *name, char **out, struct err *err);
MUST_CHECK enum err_code link_set_config(
    struct link *k, const char *name, const char *value, struct err *err);

/* The value of NAME in INFO's text; *out is the caller's, "" when it is not there. */
MUST_CHECK enum err_code info_value(
    char **out, const char *info, const char *name, struct err *err);

#endif

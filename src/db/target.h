/*
 * target.h: what a struct db_target says: environment, options, secrets.
 *
 * Options are read from entrypoint and command.  A command that is one line
 * for a shell (sh -c 'redis-server --requirepass "$PW"') is taken apart as a
 * shell would, with variables from the service's environment; $(cat FILE)
 * stays as it is, for target_secret_value.
 */
#ifndef DB_TARGET_H
#define DB_TARGET_H

#include "base/buf.h"
#include "db/connector.h"

/* The value of an environment variable; NULL when it is not set. */
const char *target_env(const struct db_target *t, const char *name);
/* The first of these (NULL-terminated) that is set and not empty; NULL when none is. */
const char *target_env_any(const struct db_target *t, const char *const *names);

/* Entrypoint and command as words. */
MUST_CHECK enum err_code target_words(
    struct strv *words, const struct db_target *t, struct err *err);

/* The value of "--name value" or "--name=value", the last one given; NULL when there is none.
 * In names - and _ are the same. */
const char *words_option(const struct strv *words, const char *name);
/* The value of PostgreSQL's "-c name=value", "-cname=value" or "--name=value". */
const char *words_setting(const struct strv *words, const char *name);

/*
 * A secret: the first of the variables that is set, or what is in the file
 * that NAME_FILE names, read inside the container, without the line's end.
 * *out is the caller's; NULL when none of them is set.
 */
MUST_CHECK enum err_code target_secret(
    char **out, const struct db_target *t, const char *const *names, struct err *err);
/* Text that may be "$(cat FILE)": *out is the caller's. */
MUST_CHECK enum err_code target_secret_value(
    char **out, const struct db_target *t, const char *text, struct err *err);

/* The last component of a path. */
const char *path_base(const char *path);

#endif

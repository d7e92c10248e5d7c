/*
 * env.h: variables of the environment.
 *
 * Threads: any, as long as nobody changes the environment.
 */
#ifndef SYS_ENV_H
#define SYS_ENV_H

/* Its value; NULL when it is unset or empty. */
const char *env_get(const char *name);

#endif

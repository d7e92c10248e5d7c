/*
 * identity.h: who runs this program, and where.
 *
 * Threads: any.
 */
#ifndef SYS_IDENTITY_H
#define SYS_IDENTITY_H

#include "base/defs.h"

#define IDENTITY_MAX 256

/* The name of the effective user, or the number of one that has none. */
void identity_user(char out[IDENTITY_MAX]);
/* The host's name; "localhost" when it has none. */
void identity_host(char out[IDENTITY_MAX]);

#endif

/*
 * process.h: which process is that, also after its number was used again.
 *
 * A process is told by its number, the moment it began, its number space
 * (containers have their own) and the kernel's run that it belongs to.
 *
 * Threads: any.
 */
#ifndef SYS_PROCESS_H
#define SYS_PROCESS_H

#include "base/err.h"

#include <stdbool.h>

#define PROCESS_BOOT_SIZE 40

struct process_identity {
	int64_t pid;
	uint64_t start; /* ticks since boot */
	uint64_t pid_space; /* inode number of the pid namespace; 0: not known */
	char boot[PROCESS_BOOT_SIZE];
};

/* ERR_NOT_FOUND when this pid space has no process of that number. */
MUST_CHECK enum err_code process_identify(
    struct process_identity *out, int64_t pid, struct err *err);

/* Is it certain that this process of this machine has ended?  False also when it lives in
 * another pid space, which cannot be seen from here. */
bool process_has_ended(const struct process_identity *p);

#define MACHINE_ID_SIZE 40
/* This installation's id (machine-id(5)); "" when it has none. */
void machine_id(char out[MACHINE_ID_SIZE]);

#endif

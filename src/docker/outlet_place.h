/*
 * outlet_place.h: where an outlet (outlet.h) lies in a container: making its
 * FIFO there, and removing it, also for those who died.
 */
#ifndef DOCKER_OUTLET_PLACE_H
#define DOCKER_OUTLET_PLACE_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct outlet_place {
	int dir_fd; /* of its folder */
	char name[96];
	char path[128]; /* as the container sees it; "": nowhere */
	bool is_there;
};

/* Make a FIFO that is uid's alone in the first folder that can hold it, and open it for
 * reading, without waiting for a writer; *fd is the caller's. */
MUST_CHECK enum err_code outlet_place_make(
    struct outlet_place *out, int root_fd, uid_t uid, int *fd, struct err *err);
/* Remove it from the container; any number of times. */
void outlet_place_remove(struct outlet_place *p);

#endif

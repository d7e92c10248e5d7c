/*
 * cachedir.h: folders that say of themselves that they hold a cache, by a file
 * CACHEDIR.TAG (https://bford.info/cachedir/).
 */
#ifndef TREE_CACHEDIR_H
#define TREE_CACHEDIR_H

#include <stdbool.h>

#define CACHEDIR_TAG "CACHEDIR.TAG"

/* Is this path, looked at from an open folder (or AT_FDCWD), a tag with the right signature?
 * What cannot be read is none. */
bool cachedir_is_tag(int dir_fd, const char *path);

#endif

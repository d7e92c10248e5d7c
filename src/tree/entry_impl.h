/*
 * entry_impl.h: an entry's encoding (docs/format.md, "Trees"), for entry_encode.c and
 * entry_decode.c only.
 */
#ifndef TREE_ENTRY_IMPL_H
#define TREE_ENTRY_IMPL_H

#include "tree/entry.h"

/* Field numbers; a reader may pass over odd ones that it does not know. */
enum field_tag {
	TAG_USER = 1,
	TAG_GROUP = 3,
	TAG_CHANGED = 5,
	TAG_INO = 7,
	TAG_DEV = 9,
	TAG_LINKS = 11,
	TAG_TARGET = 20,
	TAG_RDEV = 22,
	TAG_XATTRS = 24,
	TAG_CONTENT = 62, /* last of all, since it is known last */
};

#define MODE_MAX 07777
#define NS_MAX 999999999

static inline bool
tree_has_content(enum tree_type type)
{
	return type == TREE_FILE || type == TREE_DIR;
}

static inline bool
tree_is_device(enum tree_type type)
{
	return type == TREE_CHAR_DEVICE || type == TREE_BLOCK_DEVICE;
}

#endif

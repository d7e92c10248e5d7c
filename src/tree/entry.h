/*
 * entry.h: one file, folder or other thing of a tree, with all its metadata,
 * and its bytes in a folder's listing (docs/format.md, "Trees").
 *
 * Names, symlink targets and xattr names are raw bytes without NUL, and have
 * a NUL behind them; they need not be UTF-8.  A name holds no slash and is
 * neither "." nor "..".  The root of a tree has the empty name.
 *
 * Ownership: an entry is a value.  What decode and copy give points into the
 *            entry's own block, which tree_entry_release frees together with
 *            the content.  An entry put together to be encoded may point
 *            anywhere and has block NULL.
 * Threads:   one at a time; different entries are independent.
 * Errors:    ERR_CORRUPT for bytes that no StackSnap writes, ERR_UNSUPPORTED
 *            for bytes of a later format that must not be passed over.
 */
#ifndef TREE_ENTRY_H
#define TREE_ENTRY_H

#include "repo/content.h"

#include <stdbool.h>

enum tree_type {
	TREE_FILE = 1,
	TREE_DIR = 2,
	TREE_SYMLINK = 3,
	TREE_CHAR_DEVICE = 4,
	TREE_BLOCK_DEVICE = 5,
	TREE_FIFO = 6,
	TREE_SOCKET = 7,
};

/* Seconds since 1970 and, forward from there, 0 to 999999999 nanoseconds: an int64_t of
 * nanoseconds ends in 2262, the times of ext4 and XFS later. */
struct tree_time {
	int64_t s;
	uint32_t ns;
};

struct tree_xattr {
	const char *name;
	const uint8_t *value;
	size_t len;
};

struct tree_entry {
	enum tree_type type;
	uint32_t mode; /* the twelve permission bits */
	uint32_t uid;
	uint32_t gid;
	const char *name;
	size_t name_len;
	const char *user; /* the name of uid where it was saved; NULL when it had none */
	const char *group; /* likewise of gid */
	struct tree_time modified; /* mtime */
	struct tree_time changed; /* ctime: tells a later save what changed; never restored */
	uint64_t ino; /* in the source; 0 when unknown */
	uint64_t dev; /* in the source; 0 when it is that of the folder that holds it */
	uint64_t links; /* names that its inode had; hard links share dev and ino */
	uint32_t rdev_major; /* of a device */
	uint32_t rdev_minor;
	const char *target; /* of a symlink */
	size_t target_len;
	size_t xattr_count;
	const struct tree_xattr
	    *xattrs; /* sorted by name; POSIX ACLs and capabilities among them */
	struct content content; /* a file's bytes; a folder's listing */
	void *block;
};

#define TREE_ENTRY_INIT                                   \
	{                                                 \
		.type = TREE_FILE, .name = "", .links = 1 \
	}

void tree_entry_release(struct tree_entry *e);
static inline void UNUSED
tree_entry_auto(struct tree_entry *e)
{
	tree_entry_release(e);
}

/* A copy that points into a block of its own. */
MUST_CHECK enum err_code tree_entry_copy(
    struct tree_entry *out, const struct tree_entry *e, struct err *err);

/* Append the entry's bytes to out.  ERR_USAGE when the entry breaks a rule of the format. */
MUST_CHECK enum err_code tree_entry_encode(
    const struct tree_entry *e, struct buf *out, struct err *err);
/* Read one entry, its length before it.  *out owns what it points at. */
MUST_CHECK enum err_code tree_entry_decode(
    struct tree_entry *out, struct rd *r, struct err *err);

/* The encoding in two halves, for a file whose content is not yet known when the rest is at
 * hand: head is all between the length and the content. */
MUST_CHECK enum err_code tree_entry_encode_head(
    const struct tree_entry *e, struct buf *head, struct err *err);
MUST_CHECK enum err_code tree_entry_join(const void *head, size_t head_len,
    const struct content *content, struct buf *out, struct err *err);

/* An entry that was looked at but not decoded: where it lies, and its name. */
struct tree_raw {
	const uint8_t *data; /* with the length before it */
	size_t len;
	enum tree_type type;
	const char *name; /* no NUL behind it */
	size_t name_len;
};

/* Step over one entry.  False, with r failed, when it is malformed; its fields are not checked.
 */
bool tree_raw_next(struct rd *r, struct tree_raw *out);

/* Append the entry with another content and all else as it is, fields that are not known
 * included. ERR_CORRUPT when it is malformed or has no content. */
MUST_CHECK enum err_code tree_raw_with_content(const struct tree_raw *raw,
    const struct content *content, struct buf *out, struct err *err);

/* May this be the name of something in a folder? */
bool tree_name_is_valid(const char *name, size_t len);
/* Order of names in a listing: by bytes. */
int tree_name_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/* Order of paths, ended by NULs, as a walk meets them: a folder's things stand behind it,
 * before what has a longer name. */
int tree_path_compare(const char *a, const char *b);

bool tree_time_equal(struct tree_time a, struct tree_time b);
bool tree_xattrs_equal(const struct tree_entry *a, const struct tree_entry *b);
/* "file", "folder", "symlink", "char device", "block device", "fifo", "socket". */
const char *tree_type_word(enum tree_type type);
/* S_IFREG and so on. */
uint32_t tree_type_format(enum tree_type type);

#endif

#include "tree/entry.h"

#include <sys/stat.h>

void
tree_entry_release(struct tree_entry *e)
{
	if (e == NULL)
		return;
	content_release(&e->content);
	free(e->block);
	*e = (struct tree_entry)TREE_ENTRY_INIT;
}

bool
tree_name_is_valid(const char *name, size_t len)
{
	if (len == 0 || memchr(name, '/', len) != NULL || memchr(name, '\0', len) != NULL)
		return false;
	return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

int
tree_name_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int c = memcmp(a, b, min_size(a_len, b_len));
	return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

int
tree_path_compare(const char *a, const char *b)
{
	const unsigned char *p = (const unsigned char *)a;
	const unsigned char *q = (const unsigned char *)b;
	while (*p != '\0' && *p == *q) {
		p++;
		q++;
	}
	/* A slash comes before whatever a name may hold. */
	int x = *p == '/' ? 0 : *p;
	int y = *q == '/' ? 0 : *q;
	return x != y ? x - y : *p - *q;
}

bool
tree_time_equal(struct tree_time a, struct tree_time b)
{
	return a.s == b.s && a.ns == b.ns;
}

bool
tree_xattrs_equal(const struct tree_entry *a, const struct tree_entry *b)
{
	if (a->xattr_count != b->xattr_count)
		return false;
	for (size_t i = 0; i < a->xattr_count; i++) {
		const struct tree_xattr *x = &a->xattrs[i];
		const struct tree_xattr *y = &b->xattrs[i];
		if (strcmp(x->name, y->name) != 0 || x->len != y->len)
			return false;
		if (x->len > 0 && memcmp(x->value, y->value, x->len) != 0)
			return false;
	}
	return true;
}

uint32_t
tree_type_format(enum tree_type type)
{
	static const uint32_t formats[] = { [TREE_FILE] = S_IFREG,
		[TREE_DIR] = S_IFDIR,
		[TREE_SYMLINK] = S_IFLNK,
		[TREE_CHAR_DEVICE] = S_IFCHR,
		[TREE_BLOCK_DEVICE] = S_IFBLK,
		[TREE_FIFO] = S_IFIFO,
		[TREE_SOCKET] = S_IFSOCK };
	return formats[type];
}

const char *
tree_type_word(enum tree_type type)
{
	static const char *const words[] = {
		[TREE_FILE] = "file",
		[TREE_DIR] = "folder",
		[TREE_SYMLINK] = "symlink",
		[TREE_CHAR_DEVICE] = "char device",
		[TREE_BLOCK_DEVICE] = "block device",
		[TREE_FIFO] = "fifo",
		[TREE_SOCKET] = "socket",
	};
	size_t i = (size_t)type;
	return i < ARRAY_LEN(words) && words[i] != NULL ? words[i] : "unknown";
}

enum err_code
tree_entry_copy(struct tree_entry *out, const struct tree_entry *e, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (tree_entry_encode(e, &raw, err))
		return err->code;
	struct rd r;
	rd_init(&r, raw.data, raw.len);
	return tree_entry_decode(out, &r, err);
}

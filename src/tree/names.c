#include "tree/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

void
names_release(struct names *n)
{
	buf_release(&n->text);
	free(n->items);
	*n = (struct names)NAMES_INIT;
}

static uint64_t
first_bytes(const char *name)
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++) {
		v = v << 8 | (uint8_t)*name;
		if (*name != '\0')
			name++;
	}
	return v;
}

static enum err_code
add(struct names *n, const char *name, uint8_t type, struct err *err)
{
	if (n->text.len > UINT32_MAX)
		return err_set(err, ERR_UNSUPPORTED, "more than 4 GiB of names in one folder");
	if (n->count == n->cap) {
		size_t cap = n->cap == 0 ? 16 : n->cap + n->cap / 2;
		struct name *more = realloc(n->items, cap * sizeof *more);
		if (more == NULL)
			return err_nomem(err);
		n->items = more;
		n->cap = cap;
	}
	struct name item = { first_bytes(name), (uint32_t)n->text.len, type };
	if (buf_add(&n->text, name, strlen(name) + 1, err))
		return err->code;
	n->items[n->count++] = item;
	return ERR_OK;
}

/* Filesystems that do not tell the type with the name. */
static uint8_t
ask_type(int dir_fd, const char *name)
{
	struct stat st;
	/* A name that is gone already counts as a file: who opens it will find out. */
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return DT_REG;
	return (uint8_t)IFTODT(st.st_mode);
}

static bool
is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int
by_bytes(const void *a, const void *b, void *arg)
{
	const struct name *x = a;
	const struct name *y = b;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	const char *text = arg;
	return strcmp(text + x->offset, text + y->offset);
}

/* Some filesystems give a name twice when the folder changes meanwhile. */
static void
drop_repeated(struct names *n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n->count; i++) {
		if (kept > 0 && strcmp(names_text(n, kept - 1), names_text(n, i)) == 0)
			continue;
		n->items[kept++] = n->items[i];
	}
	n->count = kept;
}

static enum err_code
add_block(struct names *n, int dir_fd, const char *block, size_t len, names_keep_fn *keep,
    void *arg, struct err *err)
{
	for (size_t at = 0; at < len;) {
		const struct dirent64 *d = (const struct dirent64 *)(const void *)(block + at);
		at += d->d_reclen;
		if (is_dots(d->d_name))
			continue;
		uint8_t type = d->d_type;
		if (type == DT_UNKNOWN)
			type = ask_type(dir_fd, d->d_name);
		if (keep != NULL && !keep(arg, d->d_name, type))
			continue;
		if (add(n, d->d_name, type, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
read_all(
    struct names *n, int dir_fd, void *scratch, names_keep_fn *keep, void *arg, struct err *err)
{
	/* The descriptor may have been read before. */
	if (lseek(dir_fd, 0, SEEK_SET) < 0)
		return err_sys(err, "read folder");
	for (;;) {
		ssize_t got = getdents64(dir_fd, scratch, NAMES_SCRATCH_SIZE);
		if (got < 0)
			return err_sys(err, "read folder");
		if (got == 0)
			return ERR_OK;
		if (add_block(n, dir_fd, scratch, (size_t)got, keep, arg, err))
			return err->code;
	}
}

enum err_code
names_read(struct names *out, int dir_fd, void *scratch, names_keep_fn *keep, void *arg,
    struct err *err)
{
	struct names n = NAMES_INIT;
	if (read_all(&n, dir_fd, scratch, keep, arg, err)) {
		names_release(&n);
		return err->code;
	}
	if (n.count > 0)
		qsort_r(n.items, n.count, sizeof n.items[0], by_bytes, n.text.data);
	drop_repeated(&n);
	*out = n;
	return ERR_OK;
}

#include "tree/meta.h"

#include "base/room.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define MODE_BITS 07777U

void
meta_init(struct meta *m)
{
	*m = (struct meta){ .names = BUF_INIT, .values = BUF_INIT };
	map_init(&m->users, sizeof(uint64_t), sizeof(char *));
	map_init(&m->groups, sizeof(uint64_t), sizeof(char *));
}

static void
release_names(struct map *m)
{
	size_t pos = 0;
	const void *key;
	void *value;
	while (map_next(m, &pos, &key, &value)) {
		char *name;
		memcpy(&name, value, sizeof name);
		free(name);
	}
	map_release(m);
}

void
meta_release(struct meta *m)
{
	release_names(&m->users);
	release_names(&m->groups);
	buf_release(&m->names);
	buf_release(&m->values);
	free(m->xattrs);
	m->xattrs = NULL;
}

enum tree_type
meta_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return TREE_DIR;
	case S_IFLNK:
		return TREE_SYMLINK;
	case S_IFCHR:
		return TREE_CHAR_DEVICE;
	case S_IFBLK:
		return TREE_BLOCK_DEVICE;
	case S_IFIFO:
		return TREE_FIFO;
	case S_IFSOCK:
		return TREE_SOCKET;
	default:
		return TREE_FILE;
	}
}

void
meta_from_stat(struct tree_entry *e, const struct stat *st, dev_t holder_dev)
{
	e->type = meta_type(st->st_mode);
	e->mode = st->st_mode & MODE_BITS;
	e->uid = st->st_uid;
	e->gid = st->st_gid;
	e->modified = (struct tree_time){ st->st_mtim.tv_sec, (uint32_t)st->st_mtim.tv_nsec };
	e->changed = (struct tree_time){ st->st_ctim.tv_sec, (uint32_t)st->st_ctim.tv_nsec };
	e->ino = st->st_ino;
	e->dev = st->st_dev == holder_dev ? 0 : st->st_dev;
	/* A folder's links count its subfolders on some filesystems; nothing can be made of
	 * that. */
	e->links = e->type == TREE_DIR ? 1 : st->st_nlink;
	if (e->type == TREE_CHAR_DEVICE || e->type == TREE_BLOCK_DEVICE) {
		e->rdev_major = major(st->st_rdev);
		e->rdev_minor = minor(st->st_rdev);
	}
}

/* Owners */

#define NAME_ROOM ((size_t)64 << 10)

static char *
user_name(uint32_t uid, char *room)
{
	struct passwd entry;
	struct passwd *found = NULL;
	if (getpwuid_r(uid, &entry, room, NAME_ROOM, &found) != 0 || found == NULL)
		return NULL;
	return found->pw_name;
}

static char *
group_name(uint32_t gid, char *room)
{
	struct group entry;
	struct group *found = NULL;
	if (getgrgid_r(gid, &entry, room, NAME_ROOM, &found) != 0 || found == NULL)
		return NULL;
	return found->gr_name;
}

static enum err_code
owner_name(struct map *known, uint32_t id, char *(*look_up)(uint32_t id, char *room),
    const char **out, struct err *err)
{
	uint64_t key = id;
	void *value;
	bool is_new;
	char *name = NULL;
	if (map_put(known, &key, &value, &is_new, err))
		return err->code;
	if (is_new) {
		AUTO(mem) char *room = malloc(NAME_ROOM);
		if (room == NULL)
			return err_nomem(err);
		const char *found = look_up(id, room);
		if (found != NULL && found[0] != '\0') {
			name = strdup(found);
			if (name == NULL)
				return err_nomem(err);
		}
		memcpy(value, &name, sizeof name);
	}
	memcpy(&name, value, sizeof name);
	*out = name;
	return ERR_OK;
}

enum err_code
meta_read_owner(struct meta *m, struct tree_entry *e, struct err *err)
{
	if (owner_name(&m->users, e->uid, user_name, &e->user, err))
		return err->code;
	return owner_name(&m->groups, e->gid, group_name, &e->group, err);
}

/* xattrs */

void
fd_path(char out[FD_PATH_SIZE], int fd, const char *name)
{
	if (name != NULL)
		snprintf(out, FD_PATH_SIZE, "/proc/self/fd/%d/%s", fd, name);
	else
		snprintf(out, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
}

/* What xattrs are asked of: a descriptor, or a path that is not followed. */
struct subject {
	int fd;
	const char *path;
};

static ssize_t
list_names(const struct subject *s, void *out, size_t size)
{
	return s->path != NULL ? llistxattr(s->path, out, size) : flistxattr(s->fd, out, size);
}

static ssize_t
get_value(const struct subject *s, const char *name, void *out, size_t size)
{
	return s->path != NULL ? lgetxattr(s->path, name, out, size)
			       : fgetxattr(s->fd, name, out, size);
}

static bool
has_none(int errnum)
{
	return errnum == ENOTSUP || errnum == ENOSYS;
}

#define XATTR_FIRST_ROOM 256

static enum err_code
read_names(struct meta *m, const struct subject *s, struct err *err)
{
	m->names.len = 0;
	if (buf_reserve(&m->names, XATTR_FIRST_ROOM, err))
		return err->code;
	for (;;) {
		ssize_t n = list_names(s, m->names.data, m->names.cap);
		if (n >= 0) {
			m->names.len = (size_t)n;
			return ERR_OK;
		}
		if (has_none(errno))
			return ERR_OK;
		if (errno != ERANGE)
			return err_sys(err, "list xattrs");
		if (buf_reserve(&m->names, m->names.cap * 2, err))
			return err->code;
	}
}

/* Append the value of one; *len is -1 when it is gone meanwhile. */
static enum err_code
read_value(
    struct meta *m, const struct subject *s, const char *name, ssize_t *len, struct err *err)
{
	if (buf_reserve(&m->values, XATTR_FIRST_ROOM, err))
		return err->code;
	for (;;) {
		*len = get_value(
		    s, name, m->values.data + m->values.len, m->values.cap - m->values.len);
		if (*len >= 0) {
			m->values.len += (size_t)*len;
			return ERR_OK;
		}
		if (errno == ENODATA || has_none(errno))
			return ERR_OK;
		if (errno != ERANGE)
			return err_sys(err, "read xattr %s", name);
		if (buf_reserve(&m->values, 2 * (m->values.cap - m->values.len), err))
			return err->code;
	}
}

static int
by_xattr_name(const void *a, const void *b)
{
	const struct tree_xattr *x = a;
	const struct tree_xattr *y = b;
	return strcmp(x->name, y->name);
}

static enum err_code
add_xattr(struct meta *m, size_t *count, const char *name, size_t len, struct err *err)
{
	if (ROOM(m->xattrs, *count, m->xattr_cap, 8, err))
		return err->code;
	m->xattrs[(*count)++] = (struct tree_xattr){ name, NULL, len };
	return ERR_OK;
}

static enum err_code
read_xattrs(struct meta *m, struct tree_entry *e, const struct subject *s, struct err *err)
{
	if (read_names(m, s, err))
		return err->code;
	size_t count = 0;
	m->values.len = 0;
	for (size_t at = 0; at < m->names.len;) {
		const char *name = (const char *)m->names.data + at;
		at += strlen(name) + 1;
		ssize_t len = -1;
		if (read_value(m, s, name, &len, err))
			return err->code;
		if (len >= 0 && add_xattr(m, &count, name, (size_t)len, err))
			return err->code;
	}
	/* Only now do the values stay where they are. */
	const uint8_t *value = m->values.data;
	for (size_t i = 0; i < count; i++) {
		m->xattrs[i].value = value;
		value += m->xattrs[i].len;
	}
	if (count > 1)
		qsort(m->xattrs, count, sizeof m->xattrs[0], by_xattr_name);
	e->xattrs = m->xattrs;
	e->xattr_count = count;
	return ERR_OK;
}

enum err_code
meta_read_xattrs(struct meta *m, struct tree_entry *e, int fd, struct err *err)
{
	struct subject s = { .fd = fd };
	return read_xattrs(m, e, &s, err);
}

enum err_code
meta_read_xattrs_at(
    struct meta *m, struct tree_entry *e, int dir_fd, const char *name, struct err *err)
{
	char path[FD_PATH_SIZE];
	fd_path(path, dir_fd, name);
	struct subject s = { .fd = -1, .path = path };
	return read_xattrs(m, e, &s, err);
}

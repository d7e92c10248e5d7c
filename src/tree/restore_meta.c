#include "tree/restore_impl.h"

#include "sys/fd.h"
#include "tree/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/xattr.h>

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

/* Owners */

#define OWNER_ROOM ((size_t)64 << 10)

static bool
find_user(const char *name, char *room, uint32_t *id)
{
	struct passwd entry;
	struct passwd *found = NULL;
	if (getpwnam_r(name, &entry, room, OWNER_ROOM, &found) != 0 || found == NULL)
		return false;
	*id = found->pw_uid;
	return true;
}

static bool
find_group(const char *name, char *room, uint32_t *id)
{
	struct group entry;
	struct group *found = NULL;
	if (getgrnam_r(name, &entry, room, OWNER_ROOM, &found) != 0 || found == NULL)
		return false;
	*id = found->gr_gid;
	return true;
}

/* Longer names are looked up each time. */
#define OWNER_KEY 32

/* The number that a name has here; the stored number when it has none. */
static uint32_t
owner_here(struct restorer *r, struct map *known, const char *name, uint32_t stored,
    bool (*find)(const char *name, char *room, uint32_t *id))
{
	if (!r->opt->owner_by_name || name == NULL)
		return stored;
	uint32_t id = stored;
	char key[OWNER_KEY + sizeof stored] = { 0 };
	size_t len = strlen(name);
	bool is_short = len < OWNER_KEY;
	memcpy(key, name, min_size(len, OWNER_KEY));
	memcpy(key + OWNER_KEY, &stored, sizeof stored);

	pthread_mutex_lock(&r->lock);
	void *value = is_short ? map_get(known, key) : NULL;
	if (value != NULL) {
		memcpy(&id, value, sizeof id);
	} else {
		struct err scratch; /* without memory the stored number must do */
		bool is_new;
		char *room = malloc(OWNER_ROOM);
		if (room != NULL)
			find(name, room, &id);
		free(room);
		if (is_short && map_put(known, key, &value, &is_new, &scratch) == ERR_OK)
			memcpy(value, &id, sizeof id);
	}
	pthread_mutex_unlock(&r->lock);
	return id;
}

void
owners_release(struct restorer *r)
{
	map_release(&r->users);
	map_release(&r->groups);
}

/* Setting */

/* What metadata is set on: an open file, or by the path of one that is open as O_PATH. */
struct place {
	struct rnode *node;
	const char *name; /* for reports; NULL: the node itself */
	int fd;
	const char *path; /* NULL: use fd */
	bool is_symlink;
};

static int
do_chown(const struct place *p, uid_t uid, gid_t gid)
{
	return fchownat(p->fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

static int
do_stat(const struct place *p, struct stat *st)
{
	return fstatat(p->fd, "", st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

/* The owner; *mode loses the bits that would lend the rights of somebody else. */
static void
set_owner(const struct place *p, const struct tree_entry *e, uint32_t *mode)
{
	struct restorer *r = p->node->restorer;
	uint32_t uid = owner_here(r, &r->users, e->user, e->uid, find_user);
	uint32_t gid = owner_here(r, &r->groups, e->group, e->gid, find_group);
	if (do_chown(p, uid, gid) == 0)
		return;
	int errnum = errno;
	struct stat st;
	/* A group that one is a member of may be set even so. */
	if (do_chown(p, (uid_t)-1, gid) != 0 && errnum != EPERM)
		errnum = errno;
	if (do_stat(p, &st) != 0)
		st = (struct stat){ .st_uid = (uid_t)-1, .st_gid = (gid_t)-1 };
	if (st.st_uid != uid)
		*mode &= ~(uint32_t)S_ISUID;
	if (st.st_gid != gid)
		*mode &= ~(uint32_t)S_ISGID;
	if (st.st_uid == uid && st.st_gid == gid)
		return;
	atomic_fetch_add(&r->owners_unset, 1);
	restorer_problem(r, TREE_OWNER, p->node->trail, p->name, "set owner %u:%u: %s", uid,
	    gid, strerrordesc_np(errnum));
}

static void
set_mode(const struct place *p, uint32_t mode)
{
	struct restorer *r = p->node->restorer;
	if (p->is_symlink)
		return;
	int rc = p->path != NULL ? chmod(p->path, mode) : fchmod(p->fd, mode);
	if (rc != 0) {
		restorer_errno(r, TREE_METADATA, p->node->trail, p->name, "set mode");
		return;
	}
	/* The kernel drops set-group-ID without a word when one is not in the group. */
	struct stat st;
	if (!r->is_superuser && (mode & 07000) != 0 && do_stat(p, &st) == 0 &&
	    (st.st_mode & 07777) != mode)
		restorer_problem(r, TREE_METADATA, p->node->trail, p->name,
		    "set mode %04o: the kernel made it %04o", mode, st.st_mode & 07777);
}

static void
set_xattrs(const struct place *p, const struct tree_entry *e)
{
	struct restorer *r = p->node->restorer;
	for (size_t i = 0; i < e->xattr_count; i++) {
		const struct tree_xattr *x = &e->xattrs[i];
		int rc = p->path != NULL ? setxattr(p->path, x->name, x->value, x->len, 0)
					 : fsetxattr(p->fd, x->name, x->value, x->len, 0);
		/* ENOSPC means here that the inode has no room for more xattrs. */
		if (rc != 0)
			restorer_problem(r, TREE_METADATA, p->node->trail, p->name,
			    "set xattr %s: %s", x->name, strerrordesc_np(errno));
	}
}

static void
set_times(const struct place *p, const struct tree_entry *e)
{
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = e->modified.s, .tv_nsec = e->modified.ns } };
	int rc = p->path != NULL ? utimensat(AT_FDCWD, p->path, ts, 0) : futimens(p->fd, ts);
	if (rc != 0)
		restorer_errno(
		    p->node->restorer, TREE_METADATA, p->node->trail, p->name, "set times");
}

/* chown drops capabilities and set-ID bits, chmod changes ACLs, all three change the ctime
 * only. */
static void
apply(const struct place *p, const struct tree_entry *e, unsigned known)
{
	uint32_t mode = e->mode;
	if ((known & META_OWNER) == 0)
		set_owner(p, e, &mode);
	if ((known & META_MODE) == 0)
		set_mode(p, mode);
	set_xattrs(p, e);
	set_times(p, e);
}

void
meta_apply(
    struct rnode *n, const char *name, int fd, const struct tree_entry *e, unsigned known)
{
	if (name != NULL && n->inherits_acl)
		meta_drop_acls(fd);
	struct place p = { .node = n, .name = name, .fd = fd };
	apply(&p, e, known);
}

bool
meta_owner_is(struct rnode *n, uid_t uid, gid_t gid, const struct tree_entry *e)
{
	struct restorer *r = n->restorer;
	return uid == owner_here(r, &r->users, e->user, e->uid, find_user) &&
	       gid == owner_here(r, &r->groups, e->group, e->gid, find_group);
}

void
meta_apply_special(struct rnode *n, int dir_fd, const char *name, const struct tree_entry *e)
{
	struct restorer *r = n->restorer;
	AUTO(fd) int fd = folder_open_at(&r->folders, dir_fd, name, O_PATH | O_CLOEXEC, 0);
	if (fd < 0) {
		restorer_errno(r, TREE_METADATA, n->trail, name, "open");
		return;
	}
	char path[FD_PATH_SIZE];
	fd_path(path, fd, NULL);
	struct place p = { .node = n,
		.name = name,
		.fd = fd,
		.path = path,
		.is_symlink = e->type == TREE_SYMLINK };
	apply(&p, e, 0);
}

bool
meta_has_acl(int fd)
{
	return fgetxattr(fd, ACL_ACCESS, NULL, 0) > 0;
}

bool
meta_has_default_acl(int fd)
{
	return fgetxattr(fd, ACL_DEFAULT, NULL, 0) > 0;
}

void
meta_drop_acls(int fd)
{
	/* There may be none, or no such thing on this filesystem: fine. */
	fremovexattr(fd, ACL_ACCESS);
	fremovexattr(fd, ACL_DEFAULT);
}

static bool
is_ours_to_drop(const char *name)
{
	return strncmp(name, "user.", 5) == 0 || strncmp(name, "trusted.", 8) == 0 ||
	       strcmp(name, ACL_ACCESS) == 0 || strcmp(name, ACL_DEFAULT) == 0;
}

static bool
has_xattr(const struct tree_entry *e, const char *name)
{
	for (size_t i = 0; i < e->xattr_count; i++)
		if (strcmp(e->xattrs[i].name, name) == 0)
			return true;
	return false;
}

/* Remove xattrs that the entry has not (not the system's own). */
static void
drop_others(struct rnode *n, const char *name, int fd, const struct tree_entry *e,
    const struct tree_entry *live)
{
	for (size_t i = 0; i < live->xattr_count; i++) {
		const char *xattr = live->xattrs[i].name;
		if (!is_ours_to_drop(xattr) || has_xattr(e, xattr))
			continue;
		if (fremovexattr(fd, xattr) != 0)
			restorer_problem(n->restorer, TREE_METADATA, n->trail, name,
			    "remove xattr %s: %s", xattr, strerrordesc_np(errno));
	}
}

static bool
is_like(struct rnode *n, const struct stat *st, const struct tree_entry *live,
    const struct tree_entry *e)
{
	return meta_owner_is(n, st->st_uid, st->st_gid, e) &&
	       (st->st_mode & 07777) == e->mode && st->st_mtim.tv_sec == e->modified.s &&
	       (uint32_t)st->st_mtim.tv_nsec == e->modified.ns && tree_xattrs_equal(live, e);
}

bool
meta_is(struct rnode *n, int fd, const struct stat *st, const struct tree_entry *e)
{
	struct meta m;
	struct err scratch; /* what cannot be read is set */
	struct tree_entry live = TREE_ENTRY_INIT;
	meta_init(&m);
	bool is =
	    meta_read_xattrs(&m, &live, fd, &scratch) == ERR_OK && is_like(n, st, &live, e);
	meta_release(&m);
	return is;
}

void
meta_settle(struct rnode *n, const char *name, int fd, const struct tree_entry *e)
{
	struct meta m;
	struct err err;
	struct stat st;
	struct tree_entry live = TREE_ENTRY_INIT;
	meta_init(&m);
	bool is_known = meta_read_xattrs(&m, &live, fd, &err) == ERR_OK;
	if (!is_known)
		restorer_problem(n->restorer, TREE_METADATA, n->trail, name, "%s", err.msg);
	if (!is_known || fstat(fd, &st) != 0 || !is_like(n, &st, &live, e)) {
		struct place p = { .node = n, .name = name, .fd = fd };
		drop_others(n, name, fd, e, &live);
		apply(&p, e, 0);
	}
	meta_release(&m);
}

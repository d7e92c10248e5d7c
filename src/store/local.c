/*
 * A store in a local folder: a key is a path below it.
 *
 * An object is written to tmp/, synced, and linked to its name, which fails
 * when the name is taken: so an object is there whole or not at all, and none
 * is ever replaced.  Its folder is synced last.  What a crash leaves in tmp/
 * is removed by the next writer once it is a day old.
 *
 * The folder may be in others' hands (a share, a rented disk), and we may be
 * root: no symlink below it is followed, and only regular files are objects.
 */
#include "store/store_impl.h"

#include "base/bytes.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/rand.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#define STALE_NS (24 * 3600 * NS_PER_S)
/* Packs, as against indexes and snapshots, which are read again soon. */
#define LARGE ((size_t)1 << 20)

/* Network filesystems keep folders in memory for up to a minute (NFS: acdirmax), and what we do
 * not know may be one. */
#define REMOTE_LAG_S 60

/* Those that linux/magic.h does not have. */
#define ZFS_MAGIC 0x2fc12fc1
#define BCACHEFS_MAGIC 0xca451a4e

struct local {
	struct store store;
	int root; /* the folder */
	atomic_bool cleaned;
	char path[];
};

static struct local *
local_of(struct store *s)
{
	return (struct local *)s;
}

/* A name that a folder entry below the root may have. */
static bool
is_name(const char *s)
{
	return *s != '\0' && strchr(s, '/') == NULL && store_key_is_valid(s);
}

static int
open_below(const struct local *l, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.mode = (flags & O_CREAT) != 0 ? 0600 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	int fd = (int)syscall(SYS_openat2, l->root, path, &how, sizeof how);
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd;
	/* An older kernel, or a sandbox that does not know the call: the last step at least. */
	return openat(l->root, path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* A key as the folder that holds it, "." when that is the root, and its name there. */
static const char *
split_key(const char *key, char holder[STORE_KEY_MAX])
{
	const char *slash = strrchr(key, '/');
	if (slash == NULL) {
		memcpy(holder, ".", 2);
		return key;
	}
	memcpy(holder, key, (size_t)(slash - key));
	holder[slash - key] = '\0';
	return slash + 1;
}

/* Open the folder that holds key; the missing ones are made. */
static enum err_code
make_holder(struct local *l, const char *key, int *fd, const char **name, struct err *err)
{
	char part[STORE_KEY_MAX];
	for (const char *slash = strchr(key, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		size_t n = (size_t)(slash - key);
		memcpy(part, key, n);
		part[n] = '\0';
		if (mkdirat(l->root, part, 0700) != 0 && errno != EEXIST)
			return err_sys(err, "create folder %s", part);
		/* Before the next is made in it. */
		AUTO(fd) int made = open_below(l, part, O_PATH | O_DIRECTORY);
		if (made < 0)
			return err_sys(err, "open folder %s", part);
	}
	*name = split_key(key, part);
	*fd = open_below(l, part, O_PATH | O_DIRECTORY);
	return *fd >= 0 ? ERR_OK : err_sys(err, "open folder %s", part);
}

/* Sync the folder that holds key, and those above it, which may be new. */
static enum err_code
sync_parents(struct local *l, const char *key, struct err *err)
{
	char part[STORE_KEY_MAX];
	memcpy(part, key, strlen(key) + 1);
	for (;;) {
		char *slash = strrchr(part, '/');
		if (slash != NULL)
			*slash = '\0';
		AUTO(fd) int dir =
		    open_below(l, slash != NULL ? part : ".", O_RDONLY | O_DIRECTORY);
		if (dir < 0)
			return err_sys(err, "open folder");
		if (fsync(dir) != 0 && errno != EINVAL && errno != ENOTSUP)
			return err_sys(err, "sync folder");
		if (slash == NULL)
			return ERR_OK;
	}
}

static void
remove_stale(struct local *l, const char *dir)
{
	struct err scratch; /* clean-up is a favour: what cannot be removed stays */
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(str) char *path = NULL;
	struct stat is;
	if (fstatat(l->root, dir, &is, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(is.st_mode) ||
	    str_printf(&path, &scratch, "%s/%s", l->path, dir) ||
	    fs_list_dir(path, &names, &scratch))
		return;
	for (size_t i = 0; i < names.len; i++) {
		struct stat st;
		AUTO(str) char *file = NULL;
		if (str_printf(&file, &scratch, "%s/%s", path, names.items[i]))
			return;
		if (lstat(file, &st) == 0 &&
		    clock_wall_ns() - st.st_mtim.tv_sec * NS_PER_S > STALE_NS)
			unlink(file);
	}
}

static enum err_code
write_temporary(struct local *l, const char *tmp, const void *data, size_t len, struct err *err)
{
	AUTO(fd) int fd = open_below(l, tmp, O_WRONLY | O_CREAT | O_EXCL);
	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(l->root, "tmp", 0700) != 0 && errno != EEXIST)
			return err_sys(err, "create folder tmp");
		fd = open_below(l, tmp, O_WRONLY | O_CREAT | O_EXCL);
	}
	if (fd < 0)
		return err_sys(err, "create file");
	if (len >= LARGE ? fd_write_past_cache(fd, data, len, err)
			 : fd_write_all(fd, data, len, err))
		return err->code;
	if (fsync(fd) != 0)
		return err_sys(err, "sync file");
	if (close(fd_take(&fd)) != 0)
		return err_sys(err, "close file");
	return ERR_OK;
}

/* Give the temporary file its name in a folder, unless the name is taken. */
static enum err_code
name_temporary(struct local *l, const char *tmp, int holder, const char *name, struct err *err)
{
	if (renameat2(l->root, tmp, holder, name, RENAME_NOREPLACE) == 0)
		return ERR_OK;
	if (errno != EINVAL && errno != ENOSYS)
		return err_sys(err, "name file");
	/* A filesystem without RENAME_NOREPLACE: a hard link does not replace either. */
	if (linkat(l->root, tmp, holder, name, 0) != 0)
		return err_sys(err, "name file");
	unlinkat(l->root, tmp, 0); /* the object stands; a second name in tmp/ does no harm */
	return ERR_OK;
}

static enum err_code
local_check_writable(struct store *s, struct err *err)
{
	static const char *const folders[] = { ".", "tmp", "packs", "index", "snapshots" };
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (faccessat(local_of(s)->root, folders[i], W_OK | X_OK, AT_EACCESS) != 0 &&
		    errno != ENOENT)
			return err_sys(err, "folder %s", folders[i]);
	return ERR_OK;
}

static enum err_code
local_put(struct store *s, const char *key, const void *data, size_t len, struct err *err)
{
	struct local *l = local_of(s);
	if (!atomic_exchange(&l->cleaned, true))
		remove_stale(l, "tmp");
	uint8_t salt[16];
	char hex[33];
	char tmp[40];
	if (rand_bytes(salt, sizeof salt, err))
		return err->code;
	hex_encode(hex, salt, sizeof salt);
	snprintf(tmp, sizeof tmp, "tmp/%s", hex);

	AUTO(fd) int holder = -1;
	const char *name = NULL;
	if (write_temporary(l, tmp, data, len, err) ||
	    make_holder(l, key, &holder, &name, err) ||
	    name_temporary(l, tmp, holder, name, err)) {
		unlinkat(l->root, tmp, 0); /* may not exist */
		return err->code;
	}
	return sync_parents(l, key, err);
}

static enum err_code
no_such_object(struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "no such object");
}

static enum err_code
open_object(struct local *l, const char *key, int *fd, struct stat *st, struct err *err)
{
	/* Non-blocking: a fifo in its place must not hold us up. */
	AUTO(fd) int opened = open_below(l, key, O_RDONLY | O_NONBLOCK);
	if (opened < 0)
		return errno == ENOENT ? no_such_object(err) : err_sys(err, "open");
	if (fstat(opened, st) != 0)
		return err_sys(err, "look at it");
	if (!S_ISREG(st->st_mode))
		return no_such_object(err);
	*fd = fd_take(&opened);
	return ERR_OK;
}

static enum err_code
local_get(struct store *s, const char *key, size_t max, struct buf *out, struct err *err)
{
	AUTO(fd) int fd = -1;
	struct stat st;
	if (open_object(local_of(s), key, &fd, &st, err))
		return err->code;
	if ((uint64_t)st.st_size > max)
		return err_set(err, ERR_CORRUPT, "larger than %zu bytes", max);
	if (buf_reserve(out, (size_t)st.st_size + 1, err))
		return err->code;
	size_t got;
	if (fd_read_full(fd, out->data + out->len, (size_t)st.st_size, &got, err))
		return err->code;
	if (got != (size_t)st.st_size)
		return err_set(err, ERR_CORRUPT, "ends early");
	out->len += got;
	return ERR_OK;
}

static enum err_code
local_get_range(
    struct store *s, const char *key, uint64_t offset, void *out, size_t len, struct err *err)
{
	AUTO(fd) int fd = -1;
	struct stat st;
	size_t got;
	if (open_object(local_of(s), key, &fd, &st, err) ||
	    fd_pread_full(fd, out, len, offset, &got, err))
		return err->code;
	if (got != len)
		return err_set(err, ERR_CORRUPT, "ends early");
	return ERR_OK;
}

static enum err_code
local_size(struct store *s, const char *key, uint64_t *size, struct err *err)
{
	AUTO(fd) int fd = -1;
	struct stat st;
	if (open_object(local_of(s), key, &fd, &st, err))
		return err->code;
	*size = (uint64_t)st.st_size;
	return ERR_OK;
}

struct listing {
	struct local *l;
	const char *prefix;
	const char *after;
	store_entry_fn *fn;
	void *arg;
};

/* May keys below dir ("packs/3f/") have the prefix? */
static bool
may_hold(const char *dir, const char *prefix)
{
	size_t n = min_size(strlen(dir), strlen(prefix));
	return memcmp(dir, prefix, n) == 0;
}

static enum err_code
list_folder(const struct listing *q, const char *dir, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	if (str_printf(&path, err, "%s/%s", q->l->path, dir))
		return err->code;
	if (fs_list_dir(path, &names, err))
		return err->code == ERR_NOT_FOUND ? ERR_OK : err->code;

	for (size_t i = 0; i < names.len; i++) {
		if (!is_name(names.items[i]) ||
		    (*dir == '\0' && strcmp(names.items[i], "tmp") == 0))
			continue;
		struct store_entry e;
		int n = snprintf(e.key, sizeof e.key - 1, "%s%s", dir, names.items[i]);
		if (n < 0 || (size_t)n >= sizeof e.key - 1)
			continue;
		struct stat st;
		if (fstatat(q->l->root, e.key, &st, AT_SYMLINK_NOFOLLOW) != 0) {
			if (errno == ENOENT)
				continue; /* deleted since it was listed */
			return err_sys(err, "look at %s", e.key);
		}
		if (S_ISDIR(st.st_mode)) {
			memcpy(e.key + n, "/", 2);
			if (may_hold(e.key, q->prefix) && list_folder(q, e.key, err))
				return err->code;
		} else if (S_ISREG(st.st_mode) && str_starts(e.key, q->prefix) &&
			   (q->after == NULL || strcmp(e.key, q->after) > 0)) {
			e.size = (uint64_t)st.st_size;
			e.modified_ns = st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
			if (q->fn(q->arg, &e, err))
				return err->code;
		}
	}
	return ERR_OK;
}

static enum err_code
local_list(struct store *s, const char *prefix, const char *after, store_entry_fn *fn,
    void *arg, struct err *err)
{
	struct listing q = { local_of(s), prefix, after, fn, arg };
	return list_folder(&q, "", err);
}

static enum err_code
local_settle(struct store *s, const char *folder, struct err *err)
{
	if (sync_parents(local_of(s), folder, err) && err->code != ERR_NOT_FOUND)
		return err->code;
	return ERR_OK;
}

static enum err_code
local_delete(struct store *s, const char *key, struct err *err)
{
	struct local *l = local_of(s);
	char part[STORE_KEY_MAX];
	const char *name = split_key(key, part);
	struct stat st;
	AUTO(fd) int holder = open_below(l, part, O_PATH | O_DIRECTORY);
	if (holder < 0 || fstatat(holder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? no_such_object(err) : err_sys(err, "look at it");
	if (!S_ISREG(st.st_mode))
		return no_such_object(err);
	if (unlinkat(holder, name, 0) != 0)
		return errno == ENOENT ? no_such_object(err) : err_sys(err, "remove");
	return sync_parents(l, key, err);
}

static void
local_close(struct store *s)
{
	struct local *l = local_of(s);
	if (l->root >= 0)
		close(l->root);
	free(l);
}

static const struct store_ops local_ops = {
	.check_writable = local_check_writable,
	.put = local_put,
	.get = local_get,
	.get_range = local_get_range,
	.size = local_size,
	.list = local_list,
	.settle = local_settle,
	.del = local_delete,
	.close = local_close,
};

/* Is this filesystem one of this kernel's alone, so that a listing shows what is there? */
static bool
is_of_this_host(int fd)
{
	static const unsigned long known[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,
		BTRFS_SUPER_MAGIC, ZFS_MAGIC, BCACHEFS_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC,
		RAMFS_MAGIC, OVERLAYFS_SUPER_MAGIC, MSDOS_SUPER_MAGIC, EXFAT_SUPER_MAGIC };
	struct statfs fs;
	if (fstatfs(fd, &fs) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if ((unsigned long)fs.f_type == known[i])
			return true;
	return false;
}

static void
local_auto(struct local **l)
{
	if (*l != NULL)
		local_close(&(*l)->store);
}

enum err_code
store_open_local(
    struct store **out, const char *path, enum store_open_mode mode, struct err *err)
{
	if (*path == '\0')
		return err_set(err, ERR_USAGE, "the path of the repository is empty");
	if (mode == STORE_CREATE && fs_mkdirs(path, 0700, err))
		return err->code;
	AUTO(local) struct local *l = calloc(1, sizeof *l + strlen(path) + 1);
	if (l == NULL)
		return err_nomem(err);
	memcpy(l->path, path, strlen(path) + 1);
	l->store.ops = &local_ops;
	l->store.location = l->path;
	l->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->root < 0)
		return err_sys(err, "open folder %s", path);
	l->store.list_lag_s = is_of_this_host(l->root) ? 0 : REMOTE_LAG_S;
	*out = &TAKE(l)->store;
	return ERR_OK;
}

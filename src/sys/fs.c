#include "sys/fs.h"

#include "base/bytes.h"
#include "base/room.h"
#include "sys/fd.h"
#include "sys/rand.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum err_code
fs_read_file(const char *path, size_t max, struct buf *out, struct err *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (fd_read_to_end(fd, max, out, err))
		return err_wrap(err, "read %s", path);
	return ERR_OK;
}

/* The folder part of path, "." when there is none. */
static enum err_code
folder_of(char **out, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	if (slash == NULL)
		return str_dup(out, ".", err);
	return str_dupn(out, path, slash == path ? 1 : (size_t)(slash - path), err);
}

enum err_code
fs_sync_dir(const char *path, struct err *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	/* Some network filesystems cannot sync a folder; they are durable on rename. */
	if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
		return err_sys(err, "sync %s", path);
	return ERR_OK;
}

static enum err_code
write_synced(const char *path, mode_t mode, const void *data, size_t len, struct err *err)
{
	AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return err_sys(err, "create %s", path);
	if (fd_write_all(fd, data, len, err))
		return err_wrap(err, "%s", path);
	if (fsync(fd) != 0)
		return err_sys(err, "sync %s", path);
	if (close(fd_take(&fd)) != 0)
		return err_sys(err, "close %s", path);
	return ERR_OK;
}

enum err_code
fs_write_file(const char *path, mode_t mode, const void *data, size_t len, struct err *err)
{
	uint8_t salt[8];
	char hex[17];
	if (rand_bytes(salt, sizeof salt, err))
		return err->code;
	hex_encode(hex, salt, sizeof salt);

	AUTO(str) char *tmp = NULL;
	AUTO(str) char *dir = NULL;
	if (str_printf(&tmp, err, "%s.%s.tmp", path, hex) || folder_of(&dir, path, err))
		return err->code;
	if (write_synced(tmp, mode, data, len, err)) {
		unlink(tmp); /* may not exist; the first error is the one to tell */
		return err->code;
	}
	if (rename(tmp, path) != 0) {
		err_sys(err, "rename to %s", path);
		unlink(tmp);
		return err->code;
	}
	return fs_sync_dir(dir, err);
}

enum err_code
fs_mkdirs(const char *path, mode_t mode, struct err *err)
{
	AUTO(str) char *part = NULL;
	if (str_dup(&part, path, err))
		return err->code;
	for (char *p = part + 1; *part != '\0'; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		char kept = *p;
		*p = '\0';
		if (mkdir(part, mode) != 0 && errno != EEXIST) {
			int e = errno;
			struct stat st;
			/* A parent that is there may still refuse mkdir (read-only mount). */
			if (stat(part, &st) != 0 || !S_ISDIR(st.st_mode))
				return err_errno(err, e, "create folder %s", part);
		}
		*p = kept;
		if (kept == '\0')
			break;
	}
	if (!fs_is_dir(path))
		return err_set(err, ERR_EXISTS, "create folder %s: a file is in the way", path);
	return ERR_OK;
}

/*
 * Removing goes down by name and up by "..", with the last few folders open,
 * so that neither the depth of a tree nor the length of its paths matters.
 */
#define KEPT_OPEN 64

struct level {
	DIR *dir; /* NULL: closed for now */
	char *name; /* in the level above */
	dev_t dev;
	ino_t ino;
};

struct descent {
	struct level *levels;
	size_t count;
	size_t cap;
};

static void
leave_level(struct descent *d)
{
	struct level *l = &d->levels[--d->count];
	if (l->dir != NULL)
		closedir(l->dir);
	free(l->name);
}

/* fd becomes the level's. */
static enum err_code
enter_level(struct descent *d, int fd, const char *name, struct err *err)
{
	AUTO(fd) int owned = fd;
	struct stat st;
	if (fstat(owned, &st) != 0)
		return err_sys(err, "stat");
	if (ROOM(d->levels, d->count, d->cap, 16, err))
		return err->code;
	struct level *l = &d->levels[d->count];
	*l = (struct level){ .dev = st.st_dev, .ino = st.st_ino };
	if (str_dup(&l->name, name, err))
		return err->code;
	l->dir = fdopendir(owned);
	if (l->dir == NULL) {
		free(l->name);
		return err_sys(err, "open folder");
	}
	fd_take(&owned);
	d->count++;
	if (d->count > KEPT_OPEN && d->levels[d->count - KEPT_OPEN].dir != NULL) {
		closedir(d->levels[d->count - KEPT_OPEN].dir);
		d->levels[d->count - KEPT_OPEN].dir = NULL;
	}
	return ERR_OK;
}

/* The last level is empty: remove it from the one above, which is opened again if need be. */
static enum err_code
go_up(struct descent *d, struct err *err)
{
	struct level *l = &d->levels[d->count - 1];
	struct level *up = l - 1;
	if (up->dir == NULL) {
		AUTO(fd) int fd =
		    openat(dirfd(l->dir), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct stat st;
		if (fd < 0 || fstat(fd, &st) != 0)
			return err_sys(err, "open the folder above");
		if (st.st_dev != up->dev || st.st_ino != up->ino)
			return err_set(err, ERR_CHANGED, "a folder was moved meanwhile");
		up->dir = fdopendir(fd);
		if (up->dir == NULL)
			return err_sys(err, "open folder");
		fd_take(&fd);
	}
	if (unlinkat(dirfd(up->dir), l->name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		return err_sys(err, "remove folder %s", l->name);
	leave_level(d);
	return ERR_OK;
}

/* Remove one name, or go down into it. */
static enum err_code
remove_name(struct descent *d, const char *name, struct err *err)
{
	int at = dirfd(d->levels[d->count - 1].dir);
	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return ERR_OK;
	if (errno != EISDIR && errno != EPERM) /* EPERM: POSIX's word for a folder */
		return err_sys(err, "remove %s", name);
	if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return ERR_OK;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "remove %s", name);
	return enter_level(d, fd, name, err);
}

static enum err_code
remove_inside(struct descent *d, struct err *err)
{
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(d->levels[d->count - 1].dir);
		if (e == NULL && errno != 0)
			return err_sys(err, "read folder");
		if (e == NULL) {
			if (d->count == 1)
				return ERR_OK;
			if (go_up(d, err))
				return err->code;
		} else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
			if (remove_name(d, e->d_name, err))
				return err->code;
		}
	}
}

enum err_code
fs_remove_tree(const char *path, struct err *err)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return ERR_OK;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "remove %s", path);
	struct descent d = { .levels = NULL };
	enum err_code rc = enter_level(&d, fd, "", err);
	if (rc == ERR_OK)
		rc = remove_inside(&d, err);
	while (d.count > 0)
		leave_level(&d);
	free(d.levels);
	if (rc)
		return err_wrap(err, "remove %s", path);
	if (rmdir(path) != 0 && errno != ENOENT)
		return err_sys(err, "remove %s", path);
	return ERR_OK;
}

bool
fs_exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

bool
fs_is_dir(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum err_code
fs_list_dir(const char *path, struct strv *names, struct err *err)
{
	DIR *d = opendir(path);
	if (d == NULL)
		return err_sys(err, "open folder %s", path);
	enum err_code rc = ERR_OK;
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(d);
		if (e == NULL) {
			if (errno != 0)
				rc = err_sys(err, "read folder %s", path);
			break;
		}
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		rc = strv_add(names, e->d_name, err);
		if (rc)
			break;
	}
	closedir(d);
	if (rc == ERR_OK)
		strv_sort(names);
	return rc;
}

enum err_code
fs_make_temp_dir(char **out, const char *prefix, struct err *err)
{
	const char *base = getenv("TMPDIR");
	if (base == NULL || *base != '/')
		base = "/tmp";
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, "%s/%s-XXXXXX", base, prefix))
		return err->code;
	if (mkdtemp(path) == NULL)
		return err_sys(err, "create temporary folder in %s", base);
	*out = TAKE(path);
	return ERR_OK;
}

enum err_code
fs_free_bytes(const char *path, uint64_t *out, struct err *err)
{
	struct statvfs st;
	if (statvfs(path, &st) != 0)
		return err_sys(err, "ask free space of %s", path);
	*out = (uint64_t)st.f_bavail * st.f_frsize;
	return ERR_OK;
}

enum err_code
fs_real_path(char **out, const char *path, struct err *err)
{
	char *real = realpath(path, NULL);
	if (real == NULL)
		return err_sys(err, "find %s", path);
	*out = real;
	return ERR_OK;
}

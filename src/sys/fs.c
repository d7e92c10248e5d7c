#include "sys/fs.h"

#include "base/bytes.h"
#include "sys/fd.h"
#include "sys/rand.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

enum err_code
fs_remove_tree(const char *path, struct err *err)
{
	if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
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

#include "engine/restore_place.h"

#include "base/strv.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static enum err_code
set_owner(int fd, const struct place_owner *owner, const char *path, struct err *err)
{
	if (fchown(fd, owner->uid, owner->gid) != 0)
		return err_sys(err, "set the owner of %s", path);
	/* Behind the owner, which takes set-user-ID bits away. */
	if (fchmod(fd, owner->mode & 07777) != 0)
		return err_sys(err, "set the mode of %s", path);
	return ERR_OK;
}

/* Enter one folder; it becomes *fd. */
static enum err_code
step(int *fd, const char *name, const struct place_owner *owner, const char *path,
    struct err *err)
{
	bool made = false;
	if (strcmp(name, "..") == 0)
		return err_set(err, ERR_USAGE, "%s leads out of its folder", path);
	int next = openat(*fd, name, FOLDER_FLAGS);
	if (next < 0 && errno == ENOENT && owner != NULL) {
		if (mkdirat(*fd, name, 0700) != 0)
			return err_sys(err, "make folder %s", path);
		made = true;
		next = openat(*fd, name, FOLDER_FLAGS);
	}
	if (next < 0)
		return err_sys(err, "open folder %s", path);
	close(*fd);
	*fd = next;
	return made ? set_owner(next, owner, path, err) : ERR_OK;
}

static enum err_code
walk(int *fd, const char *root, const struct strv *names, size_t count,
    const struct place_owner *owner, const char *path, struct err *err)
{
	AUTO(fd) int at = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return err_sys(err, "open folder %s", root);
	for (size_t i = 0; i < count; i++)
		if (strcmp(names->items[i], ".") != 0 &&
		    step(&at, names->items[i], owner, path, err))
			return err->code;
	*fd = fd_take(&at);
	return ERR_OK;
}

enum err_code
place_open_folder(int *fd, const char *root, const char *path, const struct place_owner *owner,
    struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (strv_split(&names, path, '/', err))
		return err->code;
	return walk(fd, root, &names, names.len, owner, path, err);
}

enum err_code
place_make_folder(
    const char *root, const char *path, const struct place_owner *owner, struct err *err)
{
	AUTO(fd) int fd = -1;
	if (place_open_folder(&fd, root, path, owner, err))
		return err->code;
	return set_owner(fd, owner, path, err);
}

enum err_code
place_make_file(int *fd, const char *root, const char *path, const struct place_owner *owner,
    struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (strv_split(&names, path, '/', err))
		return err->code;
	if (names.len == 0 || strcmp(names.items[names.len - 1], "..") == 0)
		return err_set(err, ERR_USAGE, "\"%s\" names no file", path);
	AUTO(fd) int folder = -1;
	if (walk(&folder, root, &names, names.len - 1, NULL, path, err))
		return err->code;
	const char *name = names.items[names.len - 1];
	if (unlinkat(folder, name, 0) != 0 && errno != ENOENT)
		return err_sys(err, "replace %s", path);
	AUTO(fd) int file =
	    openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0)
		return err_sys(err, "create %s", path);
	if (set_owner(file, owner, path, err))
		return err->code;
	*fd = fd_take(&file);
	return ERR_OK;
}

#include "engine/sqlite_scratch.h"

#include "base/log.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define PREFIX "sqlite-"

struct sqlite_scratch {
	char *path;
	int fd; /* of the folder; its lock says that somebody uses it */
};

/* Remove what nobody holds any more. */
static void
remove_left_overs(const char *dir)
{
	AUTO(strv) struct strv names = STRV_INIT;
	struct err err; /* what cannot be removed now will be tried again */
	if (fs_list_dir(dir, &names, &err))
		return;
	for (size_t i = 0; i < names.len; i++) {
		AUTO(str) char *path = NULL;
		if (!str_starts(names.items[i], PREFIX) ||
		    str_printf(&path, &err, "%s/%s", dir, names.items[i]))
			continue;
		AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fs_remove_tree(path, &err))
			log_debug("%s", err.msg);
	}
}

enum err_code
sqlite_scratch_open(struct sqlite_scratch **out, const char *state_dir, struct err *err)
{
	AUTO(str) char *dir = NULL;
	AUTO(str) char *path = NULL;
	if (*out != NULL)
		return ERR_OK;
	if (fs_mkdirs(state_dir, 0700, err) || fs_real_path(&dir, state_dir, err))
		return err->code;
	remove_left_overs(dir);
	if (str_printf(&path, err, "%s/" PREFIX "XXXXXX", dir))
		return err->code;
	if (mkdtemp(path) == NULL)
		return err_sys(err, "make a folder in %s", dir);
	AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		return err_sys(err, "lock %s", path);
	struct sqlite_scratch *s = malloc(sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	*s = (struct sqlite_scratch){ TAKE(path), fd_take(&fd) };
	*out = s;
	return ERR_OK;
}

void
sqlite_scratch_close(struct sqlite_scratch *s)
{
	struct err err; /* the next run tries again */
	if (s == NULL)
		return;
	if (fs_remove_tree(s->path, &err))
		log_debug("%s", err.msg);
	close(s->fd);
	free(s->path);
	free(s);
}

enum err_code
sqlite_scratch_folder(struct sqlite_scratch *s, size_t number, char **out, struct err *err)
{
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, "%s/%zu", s->path, number))
		return err->code;
	if (mkdir(path, 0700) != 0)
		return err_sys(err, "make %s", path);
	*out = TAKE(path);
	return ERR_OK;
}

enum err_code
sqlite_scratch_done(const char *folder, struct err *err)
{
	return fs_remove_tree(folder, err);
}

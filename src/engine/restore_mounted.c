#include "engine/restore_mounted.h"

#include "base/buf.h"
#include "engine/restore_path.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MOUNTINFO_MAX ((size_t)16 << 20)
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* Names that are read before they are moved: a folder may hold millions. */
#define BATCH 1000
#define XATTR_MAX ((size_t)64 << 10)
#define LOST_FOUND "lost+found"

/* --- mount points --- */

/* "\040" is a space, as the kernel writes paths; in place. */
static void
unescape(char *s)
{
	char *to = s;
	for (const char *p = s; *p != '\0'; to++) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] != '\0' &&
		    p[3] != '\0') {
			*to = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 4;
		} else {
			*to = *p++;
		}
	}
	*to = '\0';
}

enum err_code
mounted_points(struct strv *out, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(strv) struct strv lines = STRV_INIT;
	if (fs_read_file("/proc/self/mountinfo", MOUNTINFO_MAX, &text, err))
		return err->code;
	const char *s = buf_cstr(&text);
	if (s == NULL)
		return err_nomem(err);
	if (strv_split(&lines, s, '\n', err))
		return err->code;
	for (size_t i = 0; i < lines.len; i++) {
		AUTO(strv) struct strv fields = STRV_INIT;
		if (strv_split(&fields, lines.items[i], ' ', err))
			return err->code;
		if (fields.len < 5)
			continue;
		unescape(fields.items[4]);
		/* What is mounted over a mount has the same place. */
		if (!strv_has(out, fields.items[4]) && strv_add(out, fields.items[4], err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
mounted_check(const char *target, struct err *err)
{
	AUTO(strv) struct strv points = STRV_INIT;
	if (mounted_points(&points, err))
		return err->code;
	if (strv_has(&points, target))
		return ERR_OK;
	return err_set(err, ERR_NOT_FOUND,
	    "%s is not mounted, but was when its data was restored: mount it, and try again",
	    target);
}

/* --- the folder itself --- */

static enum err_code
open_at(int *fd, int dir, const char *name, const char *shown, struct err *err)
{
	*fd = openat(dir, name, FOLDER_FLAGS);
	return *fd >= 0 ? ERR_OK : err_sys(err, "open folder %s", shown);
}

static enum err_code
open_target(int *fd, const struct mounted *m, struct err *err)
{
	return open_at(fd, AT_FDCWD, m->target, m->target, err);
}

static enum err_code
sync_filesystem(int fd, const char *shown, struct err *err)
{
	return syncfs(fd) == 0 ? ERR_OK : err_sys(err, "sync %s", shown);
}

/* A filesystem without xattrs has none. */
static enum err_code
list_xattrs(int fd, struct strv *out, const char *path, struct err *err)
{
	AUTO(mem) char *names = malloc(XATTR_MAX);
	if (names == NULL)
		return err_nomem(err);
	ssize_t len = flistxattr(fd, names, XATTR_MAX);
	if (len < 0 && errno != ENOTSUP)
		return err_sys(err, "list the extended attributes of %s", path);
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1)
		if (strv_add(out, names + at, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
copy_xattrs(int from, int to, const char *path, struct err *err)
{
	AUTO(strv) struct strv wanted = STRV_INIT;
	AUTO(strv) struct strv there = STRV_INIT;
	AUTO(mem) char *value = malloc(XATTR_MAX);
	if (value == NULL)
		return err_nomem(err);
	if (list_xattrs(from, &wanted, path, err) || list_xattrs(to, &there, path, err))
		return err->code;
	for (size_t i = 0; i < there.len; i++)
		if (!strv_has(&wanted, there.items[i]) && fremovexattr(to, there.items[i]) != 0)
			return err_sys(err, "remove attribute %s of %s", there.items[i], path);
	for (size_t i = 0; i < wanted.len; i++) {
		ssize_t len = fgetxattr(from, wanted.items[i], value, XATTR_MAX);
		if (len < 0 || fsetxattr(to, wanted.items[i], value, (size_t)len, 0) != 0)
			return err_sys(err, "set attribute %s of %s", wanted.items[i], path);
	}
	return ERR_OK;
}

/* Owner, mode, times and xattrs. */
static enum err_code
copy_folder(int from, int to, const char *shown, struct err *err)
{
	struct stat st;
	if (fstat(from, &st) != 0)
		return err_sys(err, "%s", shown);
	/* The mode behind owner and ACL, which change it; times last. */
	if (fchown(to, st.st_uid, st.st_gid) != 0)
		return err_sys(err, "set the owner of %s", shown);
	if (copy_xattrs(from, to, shown, err))
		return err->code;
	const struct timespec times[] = { st.st_atim, st.st_mtim };
	if (fchmod(to, st.st_mode & 07777) != 0 || futimens(to, times) != 0)
		return err_sys(err, "set mode and times of %s", shown);
	return ERR_OK;
}

/* --- moving what is in it --- */

struct move {
	const char *from_path;
	const char *to_path;
	int from;
	int to;
	const char *but; /* a name that stays; NULL: none */
};

static bool
is_empty_folder(int dir, const char *name)
{
	AUTO(fd) int fd = openat(dir, name, FOLDER_FLAGS);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	bool is_empty = true;
	if (d == NULL)
		return false;
	fd_take(&fd);
	while (is_empty && (e = readdir(d)) != NULL)
		is_empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	closedir(d);
	return is_empty;
}

static bool
stays(const struct move *m, const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	if (m->but == NULL)
		return false;
	return strcmp(name, m->but) == 0 ||
	       (strcmp(name, LOST_FOUND) == 0 && is_empty_folder(m->from, name));
}

static enum err_code
in_the_way(const struct move *m, const char *name, struct err *err)
{
	return err_set(err, ERR_EXISTS,
	    "%s/%s came to be meanwhile, and is in the way of %s/%s: move it away, and try "
	    "again",
	    m->to_path, name, m->from_path, name);
}

static enum err_code
move_entry(const struct move *m, const char *name, struct err *err)
{
	struct stat st;
	if (renameat2(m->from, name, m->to, name, RENAME_NOREPLACE) == 0)
		return ERR_OK;
	/* The filesystem's own folder gives way to one that holds something. */
	bool is_taken = errno == EEXIST;
	if (is_taken && strcmp(name, LOST_FOUND) == 0) {
		if (is_empty_folder(m->from, name))
			return unlinkat(m->from, name, AT_REMOVEDIR) == 0
				   ? ERR_OK
				   : err_sys(err, "remove %s/%s", m->from_path, name);
		is_taken = !is_empty_folder(m->to, name);
		if (!is_taken && renameat(m->from, name, m->to, name) == 0)
			return ERR_OK;
	}
	if (is_taken)
		return in_the_way(m, name, err);
	/* NFS knows no such flag. */
	if (errno != EINVAL && errno != ENOSYS)
		return err_sys(err, "move %s/%s to %s", m->from_path, name, m->to_path);
	if (fstatat(m->to, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return in_the_way(m, name, err);
	if (errno != ENOENT || renameat(m->from, name, m->to, name) != 0)
		return err_sys(err, "move %s/%s to %s", m->from_path, name, m->to_path);
	return ERR_OK;
}

/* The next names that are to be moved; none at the end. */
static enum err_code
read_batch(const struct move *m, struct strv *names, struct err *err)
{
	AUTO(fd) int fd = openat(m->from, ".", FOLDER_FLAGS);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	enum err_code rc = ERR_OK;
	if (dir == NULL)
		return err_sys(err, "open folder %s", m->from_path);
	fd_take(&fd);
	const struct dirent *e = NULL;
	while (rc == ERR_OK && names->len < BATCH && (errno = 0, e = readdir(dir)) != NULL)
		if (!stays(m, e->d_name))
			rc = strv_add(names, e->d_name, err);
	if (rc == ERR_OK && e == NULL && errno != 0)
		rc = err_sys(err, "read folder %s", m->from_path);
	closedir(dir);
	return rc;
}

/* Until nothing is left to be moved; then all of it is on the disk. */
static enum err_code
move_all(const struct move *m, struct err *err)
{
	for (;;) {
		AUTO(strv) struct strv names = STRV_INIT;
		if (read_batch(m, &names, err))
			return err->code;
		if (names.len == 0)
			return sync_filesystem(m->from, m->from_path, err);
		for (size_t i = 0; i < names.len; i++)
			if (move_entry(m, names.items[i], err))
				return err->code;
	}
}

/* --- the hidden folder --- */

#define OLD "old"
#define NEW "new"
#define MARK "in"
#define WAS "was"

/* All that is open while something is moved.  What is in target may be a container's, which
 * could put a symlink in the hidden folder's place: it is opened once, and never by its path
 * again. */
struct hall {
	const struct mounted *m;
	char *path; /* of the hidden folder, to be shown */
	const char *name;
	int target;
	int hidden;
};

static void
hall_auto(struct hall *h)
{
	free(h->path);
	if (h->target >= 0)
		close(h->target);
	if (h->hidden >= 0)
		close(h->hidden);
}

static enum err_code
hall_target(struct hall *h, const struct mounted *m, struct err *err)
{
	*h = (struct hall){ .m = m, .target = -1, .hidden = -1 };
	if (path_holder(&h->path, m->stage, err) || open_target(&h->target, m, err))
		return err->code;
	h->name = strrchr(h->path, '/') + 1;
	return ERR_OK;
}

static enum err_code
hall_hidden(struct hall *h, struct err *err)
{
	return open_at(&h->hidden, h->target, h->name, h->path, err);
}

static enum err_code
hall_open(struct hall *h, const struct mounted *m, struct err *err)
{
	return hall_target(h, m, err) ? err->code : hall_hidden(h, err);
}

/* Likewise; *gone: there is no hidden folder. */
static enum err_code
hall_look(struct hall *h, const struct mounted *m, bool *gone, struct err *err)
{
	struct stat st;
	if (hall_target(h, m, err))
		return err->code;
	*gone = fstatat(h->target, h->name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
	return *gone ? ERR_OK : hall_hidden(h, err);
}

static bool
hall_has(const struct hall *h, const char *name)
{
	struct stat st;
	return fstatat(h->hidden, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum err_code
make_folder(int dir, const char *name, const struct hall *h, struct err *err)
{
	if (mkdirat(dir, name, 0700) == 0 || errno == EEXIST)
		return ERR_OK;
	return err_sys(err, "make folder %s in %s", name, h->m->target);
}

static enum err_code
remove_folder(int dir, const char *name, const struct hall *h, struct err *err)
{
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return ERR_OK;
	return err_sys(err, "remove folder %s in %s", name, h->m->target);
}

static enum err_code
sync_hidden(const struct hall *h, struct err *err)
{
	return fsync(h->hidden) == 0 ? ERR_OK : err_sys(err, "sync %s", h->path);
}

/* What target itself has goes to the folder of that name in the hidden one, or comes from it.
 */
static enum err_code
keep_target(const struct hall *h, const char *name, struct err *err)
{
	AUTO(fd) int fd = -1;
	return open_at(&fd, h->hidden, name, h->path, err)
		   ? err->code
		   : copy_folder(h->target, fd, h->path, err);
}

static enum err_code
dress_target(const struct hall *h, const char *name, struct err *err)
{
	AUTO(fd) int fd = -1;
	if (open_at(&fd, h->hidden, name, h->path, err) ||
	    copy_folder(fd, h->target, h->m->target, err))
		return err->code;
	return sync_filesystem(h->target, h->m->target, err);
}

static enum err_code
go_out(const struct hall *h, const char *name, const char *shown, struct err *err)
{
	AUTO(fd) int fd = -1;
	if (open_at(&fd, h->hidden, name, shown, err))
		return err->code;
	struct move m = { h->m->target, shown, h->target, fd, h->name };
	return move_all(&m, err);
}

static enum err_code
come_in(const struct hall *h, const char *name, const char *shown, struct err *err)
{
	AUTO(fd) int fd = -1;
	if (open_at(&fd, h->hidden, name, shown, err))
		return err->code;
	struct move m = { shown, h->m->target, fd, h->target, NULL };
	return move_all(&m, err);
}

enum err_code
mounted_begin(const struct mounted *m, int *hidden, struct err *err)
{
	AUTO(hall) struct hall h;
	struct stat st;
	if (hall_target(&h, m, err))
		return err->code;
	if (fstat(h.target, &st) != 0)
		return err_sys(err, "%s", m->target);
	if (make_folder(h.target, h.name, &h, err) || hall_hidden(&h, err) ||
	    make_folder(h.hidden, OLD, &h, err) || make_folder(h.hidden, WAS, &h, err) ||
	    keep_target(&h, WAS, err))
		return err->code;
	/* Those from before something was made in it. */
	const struct timespec times[] = { st.st_atim, st.st_mtim };
	if (utimensat(h.hidden, WAS, times, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys(err, "set the times of " WAS " in %s", h.path);
	*hidden = h.hidden;
	h.hidden = -1;
	return ERR_OK;
}

/* The mark has what stage has, whose times change with each entry that leaves it. */
static enum err_code
make_mark(const struct hall *h, struct err *err)
{
	AUTO(fd) int stage = -1;
	AUTO(fd) int mark = -1;
	if (make_folder(h->hidden, MARK, h, err) ||
	    open_at(&stage, h->hidden, NEW, h->m->stage, err) ||
	    open_at(&mark, h->hidden, MARK, h->path, err) ||
	    copy_folder(stage, mark, h->path, err))
		return err->code;
	return sync_hidden(h, err);
}

enum err_code
mounted_swap(const struct mounted *m, struct err *err)
{
	AUTO(hall) struct hall h;
	if (hall_open(&h, m, err) || go_out(&h, OLD, m->old, err) || make_mark(&h, err) ||
	    come_in(&h, NEW, m->stage, err))
		return err->code;
	return dress_target(&h, MARK, err);
}

enum err_code
mounted_swap_back(const struct mounted *m, struct err *err)
{
	AUTO(hall) struct hall h;
	bool gone;
	if (hall_look(&h, m, &gone, err))
		return err->code;
	if (gone)
		return ERR_OK;
	if (hall_has(&h, MARK) &&
	    (go_out(&h, NEW, m->stage, err) || remove_folder(h.hidden, MARK, &h, err) ||
		sync_hidden(&h, err)))
		return err->code;
	if (!hall_has(&h, OLD))
		return ERR_OK;
	return come_in(&h, OLD, m->old, err) ? err->code : dress_target(&h, WAS, err);
}

bool
mounted_is_swapped(const struct mounted *m)
{
	AUTO(hall) struct hall h;
	struct err scratch; /* what cannot be told is not in place */
	return hall_open(&h, m, &scratch) == ERR_OK && hall_has(&h, MARK) &&
	       is_empty_folder(h.hidden, NEW);
}

static enum err_code
remove_hidden(const struct hall *h, struct err *err)
{
	struct stat st;
	if (fstat(h->target, &st) != 0)
		return err_sys(err, "%s", h->m->target);
	const struct timespec times[] = { st.st_atim, st.st_mtim };
	if (remove_folder(h->target, h->name, h, err))
		return err->code;
	if (futimens(h->target, times) != 0)
		return err_sys(err, "set the times of %s", h->m->target);
	return ERR_OK;
}

enum err_code
mounted_unstage(const struct mounted *m, struct err *err)
{
	AUTO(hall) struct hall h;
	AUTO(str) char *stage = NULL;
	bool gone;
	if (hall_look(&h, m, &gone, err))
		return err->code;
	if (gone)
		return ERR_OK;
	/* The entries of target are the restored ones: what is kept here is all that is old. */
	if (hall_has(&h, MARK))
		return err_set(err, ERR_IO, "%s holds old data that was not put back", h.path);
	if (str_printf(&stage, err, "/proc/self/fd/%d/" NEW, h.hidden) ||
	    fs_remove_tree(stage, err) || remove_folder(h.hidden, OLD, &h, err) ||
	    remove_folder(h.hidden, WAS, &h, err))
		return err->code;
	return remove_hidden(&h, err);
}

enum err_code
mounted_finish(const struct mounted *m, struct err *err)
{
	AUTO(str) char *hidden = NULL;
	/* A symlink in its place is removed, never gone through. */
	return path_holder(&hidden, m->stage, err) ? err->code : fs_remove_tree(hidden, err);
}

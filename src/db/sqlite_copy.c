#include "db/sqlite_copy.h"

#include "base/strv.h"
#include "sys/clock.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>

const char *const sqlite_part_suffix[SQLITE_PARTS] = { "", "-wal", "-journal" };

#define COPY_BLOCK ((size_t)1 << 20)
/* The kernel stamps files with a clock that ticks every 1 to 10 ms: a write just after the look
 * may bear the same time (docs/design.md, "Change detection"). */
#define CLOCK_SLACK (20 * NS_PER_MS)

struct look {
	bool is_there[SQLITE_PARTS];
	struct stat st[SQLITE_PARTS];
};

static int64_t
stamp_ns(struct timespec t)
{
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static enum err_code
look_at(int dir_fd, const char *name, struct look *out, struct err *err)
{
	for (size_t i = 0; i < SQLITE_PARTS; i++) {
		AUTO(str) char *part = NULL;
		if (str_printf(&part, err, "%s%s", name, sqlite_part_suffix[i]))
			return err->code;
		out->is_there[i] = fstatat(dir_fd, part, &out->st[i], AT_SYMLINK_NOFOLLOW) == 0;
		if (i == 0 && !out->is_there[i])
			return err_sys(err, "%s", name);
		if (out->is_there[i] && !S_ISREG(out->st[i].st_mode))
			return err_set(err, ERR_CHANGED, "%s is no file", part);
	}
	return ERR_OK;
}

static bool
is_same(const struct look *a, const struct look *b)
{
	for (size_t i = 0; i < SQLITE_PARTS; i++) {
		const struct stat *x = &a->st[i];
		const struct stat *y = &b->st[i];
		if (a->is_there[i] != b->is_there[i])
			return false;
		if (a->is_there[i] && (x->st_ino != y->st_ino || x->st_size != y->st_size ||
					  stamp_ns(x->st_mtim) != stamp_ns(y->st_mtim) ||
					  stamp_ns(x->st_ctim) != stamp_ns(y->st_ctim)))
			return false;
	}
	return true;
}

/* Let the clock of file times pass the last change. */
static enum err_code
settle(const struct look *l, const struct cancel *cancel, struct err *err)
{
	int64_t last = 0;
	for (size_t i = 0; i < SQLITE_PARTS; i++)
		if (l->is_there[i] && stamp_ns(l->st[i].st_ctim) > last)
			last = stamp_ns(l->st[i].st_ctim);
	int64_t wait = last + CLOCK_SLACK - clock_wall_ns();
	if (wait <= 0)
		return ERR_OK;
	return cancel_wait(cancel, wait < CLOCK_SLACK ? wait : CLOCK_SLACK, err);
}

static enum err_code
copy_bytes(int from, int to, const struct cancel *cancel, struct err *err)
{
	AUTO(mem) uint8_t *block = malloc(COPY_BLOCK);
	if (block == NULL)
		return err_nomem(err);
	for (;;) {
		size_t got;
		if (cancel_check(cancel, err))
			return err->code;
		if (fd_read_full(from, block, COPY_BLOCK, &got, err)) {
			err->code = ERR_CORRUPT; /* of the source, not of the copy */
			return err->code;
		}
		if (fd_write_all(to, block, got, err))
			return err_wrap(err, "copy a database");
		if (got < COPY_BLOCK)
			return ERR_OK;
	}
}

static enum err_code
copy_part(int dir_fd, const char *name, const char *base, size_t i, bool *is_there,
    const struct cancel *cancel, struct err *err)
{
	AUTO(str) char *part = NULL;
	AUTO(str) char *path = NULL;
	if (str_printf(&part, err, "%s%s", name, sqlite_part_suffix[i]) ||
	    str_printf(&path, err, "%s%s", base, sqlite_part_suffix[i]))
		return err->code;
	if (unlink(path) != 0 && errno != ENOENT)
		return err_sys(err, "remove %s", path);
	AUTO(fd)
	int from = openat(dir_fd, part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	*is_there = from >= 0;
	if (from < 0 && errno == ENOENT && i > 0)
		return ERR_OK;
	if (from < 0)
		return err_sys(err, "open %s", part);
	AUTO(fd) int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return err_sys(err, "make %s", path);
	return copy_bytes(from, to, cancel, err);
}

enum err_code
sqlite_copy(int dir_fd, const char *name, const char *base, const struct cancel *cancel,
    bool *steady, struct err *err)
{
	struct look before;
	struct look after;
	if (look_at(dir_fd, name, &before, err) || settle(&before, cancel, err) ||
	    look_at(dir_fd, name, &before, err))
		return err->code;
	for (size_t i = 0; i < SQLITE_PARTS; i++) {
		bool is_there;
		if (copy_part(dir_fd, name, base, i, &is_there, cancel, err))
			return err->code;
	}
	if (look_at(dir_fd, name, &after, err))
		return err->code;
	*steady = is_same(&before, &after);
	return ERR_OK;
}

bool
sqlite_journal_has_super(const char *path)
{
	/* What ends the name of a super-journal, at the journal's very end. */
	static const uint8_t magic[8] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7 };
	uint8_t end[8];
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	off_t size = lseek(fd, 0, SEEK_END);
	return size > 512 && pread(fd, end, sizeof end, size - 8) == 8 &&
	       memcmp(end, magic, sizeof magic) == 0;
}

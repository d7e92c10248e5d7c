/*
 * inject.c: a library to be preloaded: it counts a program's file calls below one folder, and
 * kills the program, or lets a call fail, at the nth; or writes down what the program does.
 * Tests only; the program under test knows nothing of it.
 *
 *	INJECT_UNDER    the folder (absolute, no symlinks); nothing else is counted
 *	INJECT_CALLS    which calls count: words of `words` below, with commas between
 *	INJECT_AT       the number of the call, from 1; 0: none
 *	INJECT_DO       kill: before the call; cut: half a write, then kill;
 *	                short: half a read or write; or the number of an errno
 *	INJECT_STICKY   1: all that come behind fail as well
 *	INJECT_LOG      a file: a line for each call that counts,
 *	                "what, ok|failed|hit, path, second path, offset, bytes"
 *	INJECT_DATA     1: behind the line of a write are the bytes written
 *	INJECT_NO_SYNC  1: nothing is really synced: a kill loses nothing by that, and
 *	                tests take a tenth of the time
 *
 * Calls that change something happen one at a time, and are written down in the
 * order in which they happened.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PATH_SPACE 8192

enum what {
	OPEN,
	READ,
	LIST,
	STAT,
	CREATE,
	WRITE,
	SYNC,
	CLOSE,
	RENAME,
	LINK,
	UNLINK,
	MKDIR,
	MAKE, /* symlinks, devices, fifos */
	META, /* mode, owner, times, xattrs, size */
	WHATS
};

static const char *const words[WHATS] = { "open", "read", "list", "stat", "create", "write",
	"sync", "close", "rename", "link", "unlink", "mkdir", "make", "meta" };

enum deed { NOTHING, KILL, CUT, SHORT, FAIL };

static struct {
	char under[PATH_SPACE];
	bool counts[WHATS];
	unsigned long at;
	enum deed deed;
	int errnum;
	bool sticky;
	bool data;
	bool no_sync;
	int log;
} plan = { .log = -1 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long count; /* under the lock */

/* --- the calls behind ours --- */

#define CALLS(X)                    \
	X(open, "open64")           \
	X(openat, "openat64")       \
	X(syscall, "syscall")       \
	X(opendir, "opendir")       \
	X(readdir, "readdir64")     \
	X(read, "read")             \
	X(readv, "readv")           \
	X(pread, "pread64")         \
	X(write, "write")           \
	X(pwrite, "pwrite64")       \
	X(fsync, "fsync")           \
	X(syncfs, "syncfs")         \
	X(close, "close")           \
	X(stat, "stat64")           \
	X(lstat, "lstat64")         \
	X(fstat, "fstat64")         \
	X(fstatat, "fstatat64")     \
	X(rename, "rename")         \
	X(renameat, "renameat")     \
	X(renameat2, "renameat2")   \
	X(linkat, "linkat")         \
	X(unlink, "unlink")         \
	X(unlinkat, "unlinkat")     \
	X(rmdir, "rmdir")           \
	X(mkdir, "mkdir")           \
	X(mkdirat, "mkdirat")       \
	X(symlinkat, "symlinkat")   \
	X(mknodat, "mknodat")       \
	X(ftruncate, "ftruncate64") \
	X(chmod, "chmod")           \
	X(fchmod, "fchmod")         \
	X(fchown, "fchown")         \
	X(fchownat, "fchownat")     \
	X(futimens, "futimens")     \
	X(utimensat, "utimensat")   \
	X(fsetxattr, "fsetxattr")   \
	X(setxattr, "setxattr")

static struct {
#define X(name, symbol) __typeof__(&name) name;
	CALLS(X)
#undef X
} real;

static void
say_and_die(const char *what)
{
	fprintf(stderr, "inject: %s\n", what);
	abort();
}

static void
read_calls(const char *list)
{
	for (int w = 0; w < WHATS; w++) {
		const char *found = list;
		size_t n = strlen(words[w]);
		while ((found = strstr(found, words[w])) != NULL) {
			bool begins = found == list || found[-1] == ',';
			if (begins && (found[n] == ',' || found[n] == '\0'))
				plan.counts[w] = true;
			found += n;
		}
	}
}

__attribute__((constructor)) static void
begin(void)
{
#define X(name, symbol)                             \
	{                                           \
		void *p = dlsym(RTLD_NEXT, symbol); \
		if (p == NULL)                      \
			say_and_die(symbol);        \
		memcpy(&real.name, &p, sizeof p);   \
	}
	CALLS(X)
#undef X
	plan.no_sync = getenv("INJECT_NO_SYNC") != NULL;
	const char *under = getenv("INJECT_UNDER");
	const char *deed = getenv("INJECT_DO");
	const char *log = getenv("INJECT_LOG");
	if (under == NULL || strlen(under) >= sizeof plan.under)
		return;
	read_calls(getenv("INJECT_CALLS") != NULL ? getenv("INJECT_CALLS") : "");
	plan.at = getenv("INJECT_AT") != NULL ? strtoul(getenv("INJECT_AT"), NULL, 10) : 0;
	plan.sticky = getenv("INJECT_STICKY") != NULL;
	plan.data = getenv("INJECT_DATA") != NULL;
	if (deed != NULL) {
		plan.errnum = (int)strtol(deed, NULL, 10);
		plan.deed = strcmp(deed, "kill") == 0    ? KILL
			    : strcmp(deed, "cut") == 0   ? CUT
			    : strcmp(deed, "short") == 0 ? SHORT
			    : plan.errnum > 0            ? FAIL
							 : NOTHING;
	}
	if (log != NULL) {
		/* A number that the program under test does not come to. */
		int fd = real.open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		plan.log = fcntl(fd, F_DUPFD_CLOEXEC, 900);
		if (plan.log < 0)
			say_and_die(log);
		real.close(fd);
	}
	memcpy(plan.under, under, strlen(under) + 1);
}

/* --- where a call goes --- */

static void
path_of_fd(int fd, char out[PATH_SPACE])
{
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, out, PATH_SPACE - 1);
	out[n > 0 ? n : 0] = '\0';
}

static void
path_at(int fd, const char *path, char out[PATH_SPACE])
{
	if (path != NULL && path[0] == '/') {
		snprintf(out, PATH_SPACE, "%s", path);
		return;
	}
	if (fd == AT_FDCWD) {
		if (getcwd(out, PATH_SPACE / 2) == NULL)
			out[0] = '\0';
	} else {
		path_of_fd(fd, out);
	}
	if (path != NULL && path[0] != '\0' && strcmp(path, ".") != 0) {
		size_t n = strlen(out);
		snprintf(out + n, PATH_SPACE - n, "/%s", path);
	}
}

static bool
is_under(const char *path)
{
	size_t n = strlen(plan.under);
	return n > 0 && strncmp(path, plan.under, n) == 0 &&
	       (path[n] == '\0' || path[n] == '/');
}

/* --- one call --- */

struct call {
	enum what what;
	bool watched; /* it counts; the lock is held */
	bool hit;
	char path[PATH_SPACE];
	char second[PATH_SPACE];
};

static void
note(const struct call *c, const char *how, long long offset, const void *data, size_t len)
{
	char line[2 * PATH_SPACE + 128];
	if (plan.log < 0)
		return;
	int n = snprintf(line, sizeof line, "%s\t%s\t%s\t%s\t%lld\t%zu\n", words[c->what], how,
	    c->path, c->second, offset, len);
	if (n < 0 || real.write(plan.log, line, (size_t)n) != n)
		say_and_die("cannot write the log");
	if (plan.data && data != NULL && real.write(plan.log, data, len) != (ssize_t)len)
		say_and_die("cannot write the log");
}

/* c->path is set.  Before the call; true: it is the one that something happens to. */
static bool
enter(struct call *c)
{
	c->watched = plan.counts[c->what] && (is_under(c->path) || is_under(c->second));
	if (!c->watched)
		return false;
	pthread_mutex_lock(&lock);
	count++;
	c->hit = plan.at > 0 && (count == plan.at || (plan.sticky && count > plan.at));
	if (c->hit) {
		note(c, "hit", 0, NULL, 0);
		if (plan.deed == KILL || (plan.deed == CUT && c->what != WRITE))
			kill(getpid(), SIGKILL);
	}
	return c->hit && plan.deed == FAIL;
}

static void
leave(struct call *c, bool ok, long long offset, const void *data, size_t len)
{
	int saved = errno;
	if (!c->watched)
		return;
	if (ok || !c->hit)
		note(c, ok ? "ok" : "failed", offset, ok ? data : NULL, ok ? len : 0);
	pthread_mutex_unlock(&lock);
	errno = saved;
}

static int
refuse(struct call *c)
{
	leave(c, false, 0, NULL, 0);
	errno = plan.errnum;
	return -1;
}

/* A call on a path; `does` is what is done. */
#define ON_PATH(kind, fd, name, does)       \
	struct call c = { .what = (kind) }; \
	path_at(fd, name, c.path);          \
	if (enter(&c))                      \
		return refuse(&c);          \
	__typeof__(does) result = (does);   \
	leave(&c, result >= 0, 0, NULL, 0); \
	return result

#define ON_TWO(kind, fd, name, second_fd, second_name, does) \
	struct call c = { .what = (kind) };                  \
	path_at(fd, name, c.path);                           \
	path_at(second_fd, second_name, c.second);           \
	if (enter(&c))                                       \
		return refuse(&c);                           \
	__typeof__(does) result = (does);                    \
	leave(&c, result >= 0, 0, NULL, 0);                  \
	return result

/* --- opening, listing, looking --- */

static enum what
kind_of_open(int flags)
{
	return (flags & O_CREAT) != 0 ? CREATE : OPEN;
}

static mode_t
mode_of(int flags, va_list ap)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = mode_of(flags, ap);
	va_end(ap);
	ON_PATH(kind_of_open(flags), AT_FDCWD, path, real.open(path, flags, mode));
}

int
openat(int fd, const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = mode_of(flags, ap);
	va_end(ap);
	ON_PATH(kind_of_open(flags), fd, path, real.openat(fd, path, flags, mode));
}

long
syscall(long number, ...)
{
	va_list ap;
	long a[6];
	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number != SYS_openat2)
		return real.syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	const char *path = (const char *)(uintptr_t)a[1];
	const struct open_how *how = (const struct open_how *)(uintptr_t)a[2];
	ON_PATH(kind_of_open((int)how->flags), (int)a[0], path,
	    real.syscall(number, a[0], a[1], a[2], a[3]));
}

DIR *
opendir(const char *path)
{
	struct call c = { .what = LIST };
	path_at(AT_FDCWD, path, c.path);
	if (enter(&c)) {
		refuse(&c);
		return NULL;
	}
	DIR *d = real.opendir(path);
	leave(&c, d != NULL, 0, NULL, 0);
	return d;
}

struct dirent *
readdir(DIR *d)
{
	struct call c = { .what = LIST };
	path_of_fd(dirfd(d), c.path);
	if (enter(&c)) {
		refuse(&c);
		return NULL;
	}
	struct dirent *e = real.readdir(d);
	leave(&c, e != NULL, 0, NULL, 0);
	return e;
}

int
stat(const char *path, struct stat *st)
{
	ON_PATH(STAT, AT_FDCWD, path, real.stat(path, st));
}

int
lstat(const char *path, struct stat *st)
{
	ON_PATH(STAT, AT_FDCWD, path, real.lstat(path, st));
}

int
fstat(int fd, struct stat *st)
{
	ON_PATH(STAT, fd, "", real.fstat(fd, st));
}

int
fstatat(int fd, const char *path, struct stat *st, int flags)
{
	ON_PATH(STAT, fd, path, real.fstatat(fd, path, st, flags));
}

/* --- bytes --- */

static size_t
half_of(const struct call *c, size_t len)
{
	return c->hit && plan.deed != FAIL && len > 1 ? len / 2 : len;
}

ssize_t
read(int fd, void *to, size_t len)
{
	struct call c = { .what = READ };
	path_of_fd(fd, c.path);
	if (enter(&c))
		return refuse(&c);
	ssize_t n = real.read(fd, to, half_of(&c, len));
	leave(&c, n >= 0, 0, NULL, 0);
	return n;
}

ssize_t
readv(int fd, const struct iovec *to, int parts)
{
	ON_PATH(READ, fd, "", real.readv(fd, to, parts));
}

ssize_t
pread(int fd, void *to, size_t len, off_t offset)
{
	struct call c = { .what = READ };
	path_of_fd(fd, c.path);
	if (enter(&c))
		return refuse(&c);
	ssize_t n = real.pread(fd, to, half_of(&c, len), offset);
	leave(&c, n >= 0, 0, NULL, 0);
	return n;
}

static ssize_t
put(int fd, const void *from, size_t len, off_t offset, bool here)
{
	struct call c = { .what = WRITE };
	path_of_fd(fd, c.path);
	if (enter(&c))
		return refuse(&c);
	size_t now = half_of(&c, len);
	if (here && c.watched)
		offset = lseek(fd, 0, SEEK_CUR);
	ssize_t n = here ? real.write(fd, from, now) : real.pwrite(fd, from, now, offset);
	if (c.hit && plan.deed == CUT)
		kill(getpid(), SIGKILL);
	leave(&c, n >= 0, offset, from, n > 0 ? (size_t)n : 0);
	return n;
}

ssize_t
write(int fd, const void *from, size_t len)
{
	return put(fd, from, len, 0, true);
}

ssize_t
pwrite(int fd, const void *from, size_t len, off_t offset)
{
	return put(fd, from, len, offset, false);
}

int
fsync(int fd)
{
	ON_PATH(SYNC, fd, "", plan.no_sync ? 0 : real.fsync(fd));
}

int
syncfs(int fd)
{
	ON_PATH(SYNC, fd, "", plan.no_sync ? 0 : real.syncfs(fd));
}

/* Only of files that were open for writing.  The file is closed even if the call fails. */
int
close(int fd)
{
	struct call c = { .what = CLOSE };
	int flags = plan.counts[CLOSE] ? fcntl(fd, F_GETFL) : 0;
	if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && (flags & O_PATH) == 0)
		path_of_fd(fd, c.path);
	if (enter(&c)) {
		real.close(fd);
		return refuse(&c);
	}
	int result = real.close(fd);
	leave(&c, result == 0, 0, NULL, 0);
	return result;
}

/* --- names --- */

int
rename(const char *from, const char *to)
{
	ON_TWO(RENAME, AT_FDCWD, from, AT_FDCWD, to, real.rename(from, to));
}

int
renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	ON_TWO(RENAME, from_fd, from, to_fd, to, real.renameat(from_fd, from, to_fd, to));
}

int
renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	ON_TWO(
	    RENAME, from_fd, from, to_fd, to, real.renameat2(from_fd, from, to_fd, to, flags));
}

int
linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	ON_TWO(LINK, from_fd, from, to_fd, to, real.linkat(from_fd, from, to_fd, to, flags));
}

int
unlink(const char *path)
{
	ON_PATH(UNLINK, AT_FDCWD, path, real.unlink(path));
}

int
unlinkat(int fd, const char *path, int flags)
{
	ON_PATH(UNLINK, fd, path, real.unlinkat(fd, path, flags));
}

int
rmdir(const char *path)
{
	ON_PATH(UNLINK, AT_FDCWD, path, real.rmdir(path));
}

int
mkdir(const char *path, mode_t mode)
{
	ON_PATH(MKDIR, AT_FDCWD, path, real.mkdir(path, mode));
}

int
mkdirat(int fd, const char *path, mode_t mode)
{
	ON_PATH(MKDIR, fd, path, real.mkdirat(fd, path, mode));
}

int
symlinkat(const char *target, int fd, const char *path)
{
	ON_PATH(MAKE, fd, path, real.symlinkat(target, fd, path));
}

int
mknodat(int fd, const char *path, mode_t mode, dev_t dev)
{
	ON_PATH(MAKE, fd, path, real.mknodat(fd, path, mode, dev));
}

/* --- metadata --- */

int
ftruncate(int fd, off_t len)
{
	ON_PATH(META, fd, "", real.ftruncate(fd, len));
}

int
chmod(const char *path, mode_t mode)
{
	ON_PATH(META, AT_FDCWD, path, real.chmod(path, mode));
}

int
fchmod(int fd, mode_t mode)
{
	ON_PATH(META, fd, "", real.fchmod(fd, mode));
}

int
fchown(int fd, uid_t uid, gid_t gid)
{
	ON_PATH(META, fd, "", real.fchown(fd, uid, gid));
}

int
fchownat(int fd, const char *path, uid_t uid, gid_t gid, int flags)
{
	ON_PATH(META, fd, path, real.fchownat(fd, path, uid, gid, flags));
}

int
futimens(int fd, const struct timespec times[2])
{
	ON_PATH(META, fd, "", real.futimens(fd, times));
}

int
utimensat(int fd, const char *path, const struct timespec times[2], int flags)
{
	ON_PATH(META, fd, path, real.utimensat(fd, path, times, flags));
}

int
fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
	ON_PATH(META, fd, "", real.fsetxattr(fd, name, value, size, flags));
}

int
setxattr(const char *path, const char *name, const void *value, size_t size, int flags)
{
	ON_PATH(META, AT_FDCWD, path, real.setxattr(path, name, value, size, flags));
}

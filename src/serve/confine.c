#include "serve/confine.h"

#include "base/log.h"
#include "sys/fd.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define LAST_CAP_MAX 63

static enum err_code
limit(int what, uint64_t max, const char *name, struct err *err)
{
	struct rlimit now;
	if (getrlimit((__rlimit_resource_t)what, &now) != 0)
		return err_sys(err, "read the limit of %s", name);
	if (max > now.rlim_max)
		max = now.rlim_max;
	struct rlimit r = { max, max };
	if (setrlimit((__rlimit_resource_t)what, &r) != 0)
		return err_sys(err, "limit %s", name);
	return ERR_OK;
}

static enum err_code
set_limits(const struct confine_options *opt, struct err *err)
{
	if (limit(RLIMIT_CORE, 0, "core files", err) ||
	    limit(RLIMIT_NOFILE, opt->files, "open files", err))
		return err->code;
	return opt->memory > 0 ? limit(RLIMIT_AS, opt->memory, "memory", err) : ERR_OK;
}

/* --- an empty root --- */

/* An empty file system of its own, which nobody else sees, and which cannot be written to. */
static enum err_code
enter_empty_root(struct err *err)
{
	if (unshare(CLONE_NEWNS) != 0)
		return err_sys(err, "leave the file systems of others");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("stacksnap", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY,
		"size=4k,mode=0555") != 0)
		return err_sys(err, "make an empty folder");
	if (chroot("/proc") != 0 || chdir("/") != 0)
		return err_sys(err, "enter an empty folder");
	return ERR_OK;
}

/* Without root: a user namespace of one's own gives what that takes, where the system lets us.
 */
static bool
become_root_of_nothing(void)
{
	return unshare(CLONE_NEWUSER) == 0;
}

/* --- another user --- */

/* The bounding set can be emptied by who has CAP_SETPCAP: before another user is become. */
static void
empty_bounding_set(void)
{
	for (int cap = 0; cap <= LAST_CAP_MAX; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

static enum err_code
drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) != 0)
		return err_sys(err, "drop capabilities");
	return ERR_OK;
}

static enum err_code
find_user(const char *name, uid_t *uid, gid_t *gid, struct err *err)
{
	const struct passwd *p = getpwnam(name);
	if (p == NULL)
		p = getpwnam("nobody");
	if (p == NULL || p->pw_uid == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "there is neither a user %s nor nobody on this system", name);
	*uid = p->pw_uid;
	*gid = p->pw_gid;
	return ERR_OK;
}

static enum err_code
become(uid_t uid, gid_t gid, struct err *err)
{
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return err_sys(err, "become user %u", (unsigned)uid);
	if (setuid(0) == 0)
		return err_set(err, ERR_DENIED, "root could be had again");
	return ERR_OK;
}

/* --- all of it --- */

/* As far as the system lets us: a container may forbid it, and all else must do. */
static void
leave_root(bool is_root, const char *empty_dir)
{
	struct err why = ERR_INIT;
	if ((is_root || become_root_of_nothing()) && enter_empty_root(&why) == ERR_OK)
		return;
	bool is_there = empty_dir != NULL && chroot(empty_dir) == 0 && chdir("/") == 0;
	if (!is_there)
		log_debug("no empty root folder: %s", why.msg);
}

enum err_code
confine(const struct confine_options *opt, struct err *err)
{
	uid_t uid = 0;
	gid_t gid = 0;
	bool is_root = geteuid() == 0;
	if (is_root && find_user(opt->user, &uid, &gid, err))
		return err->code;
	if (syscall(SYS_close_range, 3, ~0U, 0) != 0)
		return err_sys(err, "close descriptors");
	leave_root(is_root, opt->empty_dir);
	empty_bounding_set();
	if ((is_root && become(uid, gid, err)) || drop_capabilities(err) ||
	    set_limits(opt, err))
		return err->code;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return err_sys(err, "give up privileges");
	return ERR_OK;
}

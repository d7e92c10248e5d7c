#include "sys/process.h"

#include "sys/fs.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first line of a small file. */
static enum err_code
read_line(char *out, size_t size, const char *path, struct err *err)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	if (fs_read_file(path, 65536, &b, err))
		return err->code;
	size_t n = min_size(b.len, size - 1);
	if (n > 0)
		memcpy(out, b.data, n);
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return ERR_OK;
}

enum err_code
process_identify(struct process_identity *out, int64_t pid, struct err *err)
{
	struct process_identity p = { .pid = pid };
	struct stat space;
	char path[64];
	char stat_line[2048];
	snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
	if (read_line(p.boot, sizeof p.boot, "/proc/sys/kernel/random/boot_id", err) ||
	    read_line(stat_line, sizeof stat_line, path, err))
		return err->code;
	/* proc(5): the name in brackets may hold anything; the start time is the 20th field
	 * behind it. */
	const char *field = strrchr(stat_line, ')');
	for (int i = 0; field != NULL && i < 20; i++)
		field = strchr(field + 1, ' ');
	if (field == NULL || sscanf(field, " %" SCNu64, &p.start) != 1)
		return err_set(err, ERR_CORRUPT, "%s is not as expected", path);
	/* /proc shows the processes of our own space only. */
	if (stat("/proc/self/ns/pid", &space) == 0)
		p.pid_space = space.st_ino;
	*out = p;
	return ERR_OK;
}

bool
process_has_ended(const struct process_identity *p)
{
	struct process_identity self;
	struct process_identity now;
	struct err why;
	if (process_identify(&self, getpid(), &why))
		return false;
	if (strcmp(self.boot, p->boot) != 0)
		return true;
	if (p->pid_space == 0 || p->pid_space != self.pid_space)
		return false;
	if (process_identify(&now, p->pid, &why)) {
		/* /proc may hide the processes of others (hidepid). */
		return why.code == ERR_NOT_FOUND && kill((pid_t)p->pid, 0) != 0 &&
		       errno == ESRCH;
	}
	return now.start != p->start;
}

void
machine_id(char out[MACHINE_ID_SIZE])
{
	struct err why; /* containers and old installations have none */
	if (read_line(out, MACHINE_ID_SIZE, "/etc/machine-id", &why))
		out[0] = '\0';
}

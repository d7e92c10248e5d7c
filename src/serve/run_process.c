#include "serve/run_process.h"

#include "base/log.h"
#include "serve/keeper_impl.h"
#include "serve/run_log.h"
#include "serve/verified.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/proc.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PROGRESS_EVERY_NS (500 * NS_PER_MS)
/* Services are given back first. */
#define GRACE_NS (120 * NS_PER_S)
#define READ_AT_ONCE (UINT64_C(1) << 20)

void
run_process_free(struct run_process *p)
{
	if (p == NULL)
		return;
	free(p->kind);
	free(p->stack);
	fd_auto(&p->pid_fd);
	fd_auto(&p->log);
	json_decref(p->progress);
	free(p);
}

static enum err_code
make(struct run_process **out, struct keeper *k, const struct catalog_run *row, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(run_process) struct run_process *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	p->id = row->id;
	p->pid_fd = -1;
	p->log = -1;
	if (str_dup(&p->kind, row->kind, err) || str_dup(&p->stack, row->stack, err) ||
	    keeper_run_path(k, row->id, &path, err))
		return err->code;
	p->log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (p->log < 0)
		return err_sys(err, "%s", path);
	*out = TAKE(p);
	return ERR_OK;
}

/* --- beginning --- */

/* What the catalogue could be made anew from. */
static enum err_code
write_ticket(struct keeper *k, const struct catalog_run *row, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(json) json_t *argv = NULL;
	if (str_printf(
		&path, err, "%s/runs/%lld.json", keeper_state_dir(k), (long long)row->id) ||
	    json_parse(&argv, row->argv, strlen(row->argv), "arguments", err))
		return err->code;
	AUTO(json) json_t *j = json_pack("{s:s, s:s, s:I, s:s, s:O, s:I}", "kind", row->kind,
	    "stack", row->stack, "schedule", (json_int_t)row->schedule, "asked_by",
	    row->asked_by, "argv", argv, "asked_ns", (json_int_t)row->asked_ns);
	AUTO(mem) char *text = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
	if (text == NULL)
		return err_nomem(err);
	return fs_write_file(path, 0600, text, strlen(text), err);
}

/* What was verified, the catalogue knows, not the repository: said when it begins. */
static enum err_code
add_verified(struct keeper *k, const struct catalog_run *row, struct strv *own, struct err *err)
{
	AUTO(verified_list) struct verified_list l = VERIFIED_LIST_INIT;
	char seconds[CLOCK_TEXT_SIZE];
	char text[CLOCK_TEXT_SIZE + 16];
	if (strcmp(row->kind, "retention") != 0)
		return ERR_OK;
	if (verified_load(&l, k->catalog, err))
		return err->code;
	int64_t until_ns = verified_until(&l);
	if (until_ns == 0)
		return ERR_OK;
	clock_format(seconds, until_ns);
	snprintf(text, sizeof text, "%.*s.%09lldZ", (int)strcspn(seconds, "Z"), seconds,
	    (long long)(until_ns % NS_PER_S));
	return strv_add(own, "--verified-before", err) ? err->code : strv_add(own, text, err);
}

static enum err_code
command_of(struct keeper *k, const struct catalog_run *row, struct strv *out, struct err *err)
{
	AUTO(repo_place) struct repo_place place = { NULL, NULL, NULL, NULL };
	AUTO(json) json_t *argv = NULL;
	AUTO(strv) struct strv own = STRV_INIT;
	size_t i;
	const json_t *item;
	if (json_parse(&argv, row->argv, strlen(row->argv), "arguments", err))
		return err->code;
	json_array_foreach(
	    argv, i, item) if (strv_add(&own, json_string_value(item), err)) return err->code;
	if (add_verified(k, row, &own, err))
		return err->code;
	bool has_place = keeper_place(k, &place, err) == ERR_OK;
	if (!has_place && err->code != ERR_NO_REPOSITORY)
		return err->code;
	if (own.len == 0)
		return err_set(err, ERR_CORRUPT, "it has no arguments");
	if (strv_add(out, "/proc/self/exe", err) || strv_add(out, "run-gate", err) ||
	    strv_add(out, "--json", err))
		return err->code;
	return keeper_command(
	    k, has_place ? &place : NULL, (const char *const *)own.items, out, err);
}

/* Its process, waiting at the gate. */
static enum err_code
start_at_gate(struct keeper *k, const struct catalog_run *row, int gate, int log,
    struct proc **out, struct err *err)
{
	AUTO(strv) struct strv command = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	if (command_of(k, row, &command, err) || keeper_environment(k, &env, err))
		return err->code;
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = (const char *const *)command.items;
	opt.env = (const char *const *)env.items;
	opt.stdin_fd = gate;
	opt.stdout_fd = log;
	opt.stderr_fd = STDERR_FILENO;
	opt.own_session = true;
	return proc_start(out, &opt, err);
}

static int
open_pid(int64_t pid)
{
	return (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
}

enum err_code
run_process_start(
    struct run_process **out, struct keeper *k, const struct catalog_run *row, struct err *err)
{
	AUTO(run_process) struct run_process *p = NULL;
	AUTO(proc) struct proc *proc = NULL;
	struct process_identity who;
	int ends[2];
	if (make(&p, k, row, err) || write_ticket(k, row, err))
		return err->code;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, "make a pipe");
	AUTO(fd) int gate = ends[0];
	AUTO(fd) int opener = ends[1];
	if (start_at_gate(k, row, gate, p->log, &proc, err))
		return err->code;
	p->pid = proc_pid(proc);
	p->is_child = true;
	p->pid_fd = open_pid(p->pid);
	if (p->pid_fd < 0)
		return err_sys(err, "watch run %lld", (long long)row->id);
	if (process_identify(&who, p->pid, err) ||
	    catalog_run_begin(
		k->catalog, row->id, p->pid, (int64_t)who.start, clock_wall_ns(), err) ||
	    fd_write_all(opener, "!", 1, err))
		return err->code;
	proc_detach(TAKE(proc));
	*out = TAKE(p);
	return ERR_OK;
}

/* Listeners have heard what is there; those who have not ask for it. */
static void
pass_over_old(struct run_process *p)
{
	char last = '\n';
	off_t size = lseek(p->log, 0, SEEK_END);
	while (size > 0 && pread(p->log, &last, 1, size - 1) == 1 && last != '\n')
		size--;
	p->read = size > 0 ? (uint64_t)size : 0;
}

enum err_code
run_process_find(
    struct run_process **out, struct keeper *k, const struct catalog_run *row, struct err *err)
{
	AUTO(run_process) struct run_process *p = NULL;
	struct process_identity who;
	if (make(&p, k, row, err))
		return err->code;
	p->pid = row->pid;
	p->pid_fd = row->pid > 0 ? open_pid(row->pid) : -1;
	/* Whose number it is, is asked when it can no longer become another's unseen. */
	if (p->pid_fd < 0 || process_identify(&who, row->pid, err) ||
	    (int64_t)who.start != row->pid_began)
		return err_set(err, ERR_NOT_FOUND, "the process of run %lld has ended",
		    (long long)row->id);
	pass_over_old(p);
	*out = TAKE(p);
	return ERR_OK;
}

/* --- following --- */

struct following {
	struct run_process *process;
	struct keeper *keeper;
};

static void
tell(struct following *f, json_t *event)
{
	const struct run_process *p = f->process;
	keeper_emit(f->keeper, "log",
	    json_pack("{s:I, s:s, s:s, s:O}", "run", (json_int_t)p->id, "stack", p->stack,
		"kind", p->kind, "event", event));
}

static void
tell_held(struct following *f)
{
	struct run_process *p = f->process;
	if (p->progress == NULL)
		return;
	tell(f, p->progress);
	json_decref(p->progress);
	p->progress = NULL;
	p->told_ns = clock_mono_ns();
}

/* Of progress, two a second are enough. */
static enum err_code
take_line(void *arg, const char *line, size_t len, uint64_t next, struct err *err)
{
	struct following *f = arg;
	struct run_process *p = f->process;
	AUTO(json) json_t *j = NULL;
	(void)next;
	(void)err;
	if (!run_log_parse_event(&j, line, len))
		return ERR_OK;
	bool is_progress = strcmp(json_get_str(j, "type"), "progress") == 0;
	if (!is_progress) {
		tell_held(f);
		tell(f, j);
		return ERR_OK;
	}
	json_decref(p->progress);
	p->progress = json_incref(j);
	if (clock_mono_ns() - p->told_ns >= PROGRESS_EVERY_NS)
		tell_held(f);
	return ERR_OK;
}

void
run_process_follow(struct run_process *p, struct keeper *k, bool last)
{
	struct err err = ERR_INIT;
	struct following f = { p, k };
	uint64_t max = last ? UINT64_MAX : READ_AT_ONCE;
	if (run_log_read(p->log, &p->read, max, take_line, &f, &err))
		log_debug("run %lld: %s", (long long)p->id, err.msg);
	if (last || clock_mono_ns() - p->told_ns >= PROGRESS_EVERY_NS)
		tell_held(&f);
}

/* --- the end --- */

void
run_process_stop(struct run_process *p, int64_t now_ns)
{
	if (p->asked_ns == 0) {
		p->asked_ns = now_ns;
		kill(-(pid_t)p->pid, SIGINT);
	} else if (now_ns - p->asked_ns > GRACE_NS) {
		kill(-(pid_t)p->pid, SIGKILL);
	}
}

int64_t
run_process_reap(struct run_process *p)
{
	int status = 0;
	pid_t got;
	if (!p->is_child)
		return -1;
	while ((got = waitpid((pid_t)p->pid, &status, 0)) < 0 && errno == EINTR)
		;
	if (got != (pid_t)p->pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

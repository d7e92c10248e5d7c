#include "cli/passphrase.h"

#include "cli/terminal.h"
#include "cli/words.h"
#include "sys/fd.h"
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#define SECRET_MAX ((size_t)64 << 10)
#define SHORT_PASSPHRASE 12
#define COMMAND_TIMEOUT_MS (5 * 60 * 1000) /* somebody may have to touch a token */

static const char ways_to_open[] =
    "--password-file FILE, STACKSNAP_PASSWORD_FILE, STACKSNAP_PASSWORD_COMMAND, or --key-file "
    "FILE";

/* All that comes from fd, which may be a pipe that nobody writes to for a while. */
static enum err_code
read_secret(struct secret **out, int fd, const struct cancel *c, struct err *err)
{
	AUTO(secret) struct secret *room = NULL;
	size_t len = 0;
	if (secret_new(&room, SECRET_MAX, err))
		return err->code;
	for (;;) {
		struct pollfd fds[2] = { { .fd = fd, .events = POLLIN },
			{ .fd = cancel_fd(c), .events = POLLIN } };
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return err_sys(err, "wait");
		if (cancel_check(c, err))
			return err->code;
		if (fds[0].revents == 0)
			continue;
		ssize_t got = read(fd, room->data + len, room->len - len);
		if (got < 0 && errno != EINTR)
			return err_sys(err, "read");
		if (got == 0)
			return secret_copy(out, room->data, len, err);
		len += got > 0 ? (size_t)got : 0;
		if (len == room->len)
			return err_set(err, ERR_USAGE, "it holds %zu bytes or more", room->len);
	}
}

static enum err_code
read_secret_file(struct secret **out, const char *path, struct event_sink *events,
    const struct cancel *c, struct err *err)
{
	struct stat st;
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(err, "%s", path);
	if (S_ISREG(st.st_mode) && (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		event_warning(events, path,
		    "everybody on this host may read or change it: 'chmod 600' mends that");
	if (read_secret(out, fd, c, err))
		return err_wrap(err, "%s", path);
	return ERR_OK;
}

static void
drop_newline(struct secret *s)
{
	if (s->len == 0 || s->data[s->len - 1] != '\n')
		return;
	s->len--;
	if (s->len > 0 && s->data[s->len - 1] == '\r')
		s->len--;
}

static enum err_code
run_command(struct secret **out, const char *command, const struct cancel *c, struct err *err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(proc) struct proc *proc = NULL;
	AUTO(secret) struct secret *said = NULL;
	int ends[2];
	int status;
	if (words_split(&argv, command, err))
		return err->code;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, "create pipe");
	AUTO(fd) int from = ends[0];
	AUTO(fd) int to = ends[1];
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = (const char *const *)argv.items;
	opt.stdout_fd = to;
	opt.stderr_fd = STDERR_FILENO;
	if (proc_start(&proc, &opt, err))
		return err->code;
	close(fd_take(&to));
	if (read_secret(&said, from, c, err) ||
	    proc_wait(proc, COMMAND_TIMEOUT_MS, c, &status, err))
		return err->code;
	if (status != 0)
		return err_set(
		    err, ERR_USAGE, "%s ended with status %d", argv.items[0], status);
	*out = TAKE(said);
	return ERR_OK;
}

static enum err_code
ask(struct secret **out, const struct passphrase_source *source, struct err *err)
{
	AUTO(secret) struct secret *first = NULL;
	AUTO(secret) struct secret *second = NULL;
	const struct cancel *c = source->cancel;
	bool twice = source->is_new;
	char question[256];
	snprintf(question, sizeof question,
	    "Passphrase of %.200s: ", source->of != NULL ? source->of : "the repository");
	if (terminal_ask_secret(&first, twice ? "New passphrase: " : question, c, err))
		return err->code;
	if (first->len == 0)
		return err_set(err, ERR_USAGE, "the passphrase is empty");
	if (twice) {
		if (terminal_ask_secret(&second, "Once more: ", c, err))
			return err->code;
		if (first->len != second->len ||
		    memcmp(first->data, second->data, first->len) != 0)
			return err_set(err, ERR_USAGE, "the two passphrases are not the same");
	}
	*out = TAKE(first);
	return ERR_OK;
}

enum err_code
passphrase_get(struct secret **out, const struct passphrase_source *source, struct err *err)
{
	AUTO(secret) struct secret *s = NULL;
	if (source->file != NULL) {
		if (read_secret_file(&s, source->file, source->events, source->cancel, err))
			return err_wrap(err, "read the passphrase");
		drop_newline(s);
	} else if (source->command != NULL) {
		if (run_command(&s, source->command, source->cancel, err))
			return err_wrap(err, "STACKSNAP_PASSWORD_COMMAND");
		drop_newline(s);
	} else if (ask(&s, source, err)) {
		if (err->code != ERR_NOT_FOUND)
			return err->code;
		return err_set(err, ERR_USAGE,
		    "no passphrase: there is no terminal to ask on; give %s",
		    source->ways != NULL ? source->ways : ways_to_open);
	}
	if (s->len == 0)
		return err_set(err, ERR_USAGE, "the passphrase is empty");
	if (source->is_new && s->len < SHORT_PASSPHRASE)
		event_warning(source->events, NULL,
		    "the passphrase has %zu characters: whoever gets a copy of the repository "
		    "can try all that short; five or six words chosen by chance are safe",
		    s->len);
	*out = TAKE(s);
	return ERR_OK;
}

enum err_code
password_from_file(struct secret **out, const char *path, struct event_sink *events,
    const struct cancel *c, struct err *err)
{
	if (read_secret_file(out, path, events, c, err))
		return err_wrap(err, "read the password");
	drop_newline(*out);
	return ERR_OK;
}

enum err_code
password_from_fd(struct secret **out, int fd, const struct cancel *c, struct err *err)
{
	if (read_secret(out, fd, c, err))
		return err_wrap(err, "read the password from descriptor %d", fd);
	drop_newline(*out);
	return ERR_OK;
}

enum err_code
key_file_get(struct secret **out, const char *path, struct event_sink *events,
    const struct cancel *c, struct err *err)
{
	if (read_secret_file(out, path, events, c, err))
		return err_wrap(err, "read the key file");
	return ERR_OK;
}

#include "cli/terminal.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>

#define SECRET_MAX 4096

static enum err_code
open_terminal(int *fd, struct err *err)
{
	*fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (*fd < 0)
		return err_set(err, ERR_NOT_FOUND, "there is no terminal to ask on");
	return ERR_OK;
}

enum err_code
terminal_say(const char *text, struct err *err)
{
	AUTO(fd) int fd = -1;
	if (open_terminal(&fd, err))
		return err->code;
	return fd_write_all(fd, text, strlen(text), err);
}

/* Bytes up to a newline, which is taken but not kept; signals end the wait through c. */
static enum err_code
read_line(int fd, char *out, size_t size, size_t *len, const struct cancel *c, struct err *err)
{
	size_t n = 0;
	for (;;) {
		struct pollfd fds[2] = { { .fd = fd, .events = POLLIN },
			{ .fd = cancel_fd(c), .events = POLLIN } };
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return err_sys(err, "wait for the terminal");
		if (cancel_check(c, err))
			return err->code;
		if (fds[0].revents == 0)
			continue;
		char byte;
		ssize_t got = read(fd, &byte, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, "read from the terminal");
		if (got == 0 || byte == '\n')
			break;
		if (n == size)
			return err_set(
			    err, ERR_USAGE, "the answer is longer than %zu bytes", size);
		out[n++] = byte;
	}
	*len = n;
	return ERR_OK;
}

enum err_code
terminal_ask_secret(
    struct secret **out, const char *question, const struct cancel *c, struct err *err)
{
	AUTO(fd) int fd = -1;
	AUTO(secret) struct secret *line = NULL;
	struct termios before;
	if (open_terminal(&fd, err) || secret_new(&line, SECRET_MAX, err))
		return err->code;
	if (tcgetattr(fd, &before) != 0)
		return err_sys(err, "ask on the terminal");
	struct termios hidden = before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	if (tcsetattr(fd, TCSAFLUSH, &hidden) != 0)
		return err_sys(err, "ask on the terminal");
	size_t len = 0;
	enum err_code rc = fd_write_all(fd, question, strlen(question), err);
	if (rc == ERR_OK)
		rc = read_line(fd, (char *)line->data, line->len, &len, c, err);
	struct err scratch; /* the newline that was not shown is decoration */
	if (fd_write_all(fd, "\n", 1, &scratch) == ERR_OK)
		tcdrain(fd);
	if (tcsetattr(fd, TCSAFLUSH, &before) != 0 && rc == ERR_OK)
		rc = err_sys(err, "set the terminal back");
	return rc ? rc : secret_copy(out, line->data, len, err);
}

enum err_code
terminal_ask(char out[TERMINAL_ANSWER_MAX], const char *question, const struct cancel *c,
    struct err *err)
{
	AUTO(fd) int fd = -1;
	size_t len = 0;
	if (open_terminal(&fd, err) || fd_write_all(fd, question, strlen(question), err) ||
	    read_line(fd, out, TERMINAL_ANSWER_MAX - 1, &len, c, err))
		return err->code;
	out[len] = '\0';
	return ERR_OK;
}

#include "ui/screen.h"

#include <sys/ioctl.h>

void
screen_init(struct screen *s, int fd, bool no_color)
{
	const char *term = getenv("TERM");
	const char *wish = getenv("NO_COLOR");
	s->fd = fd;
	s->is_terminal = isatty(fd) && term != NULL && strcmp(term, "dumb") != 0;
	s->has_color = s->is_terminal && !no_color && (wish == NULL || *wish == '\0');
}

const char *
screen_paint(const struct screen *s, enum paint p)
{
	static const char *const codes[] = {
		[PAINT_NONE] = "\033[0m",
		[PAINT_BOLD] = "\033[1m",
		[PAINT_DIM] = "\033[2m",
		[PAINT_RED] = "\033[31m",
		[PAINT_GREEN] = "\033[32m",
		[PAINT_YELLOW] = "\033[33m",
		[PAINT_CYAN] = "\033[36m",
	};
	return s->has_color ? codes[p] : "";
}

size_t
screen_width(const struct screen *s)
{
	struct winsize size;
	if (!s->is_terminal || ioctl(s->fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

size_t
screen_height(const struct screen *s)
{
	struct winsize size;
	if (!s->is_terminal || ioctl(s->fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
		return 24;
	return size.ws_row;
}

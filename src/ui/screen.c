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

size_t
screen_width(const struct screen *s)
{
	struct winsize size;
	if (!s->is_terminal || ioctl(s->fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

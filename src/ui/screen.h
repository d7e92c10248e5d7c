/*
 * screen.h: what a standard stream is connected to.
 */
#ifndef UI_SCREEN_H
#define UI_SCREEN_H

#include "base/defs.h"

#include <stdbool.h>

struct screen {
	int fd;
	bool is_terminal; /* one on which a line can be drawn again: not TERM=dumb */
	bool has_color;
};

/* no_color: the user does not want any; the environment's NO_COLOR is asked as well. */
void screen_init(struct screen *s, int fd, bool no_color);
enum paint {
	PAINT_NONE,
	PAINT_BOLD,
	PAINT_DIM,
	PAINT_RED,
	PAINT_GREEN,
	PAINT_YELLOW,
	PAINT_CYAN
};
/* What switches to it; PAINT_NONE back to none.  "" without colours. */
const char *screen_paint(const struct screen *s, enum paint p);

/* Columns now; 80 when nobody knows. */
size_t screen_width(const struct screen *s);
/* Lines now; 24 when nobody knows. */
size_t screen_height(const struct screen *s);

#endif

#include "repo/content_cursor.h"

enum err_code
content_cursor_init(
    struct content_cursor *cur, struct repo *r, const struct content *c, struct err *err)
{
	*cur = (struct content_cursor){ .repo = r };
	if (content_copy(&cur->levels[0].content, c, err))
		return err->code;
	cur->depth = 1;
	return ERR_OK;
}

void
content_cursor_release(struct content_cursor *cur)
{
	while (cur->depth > 0)
		content_release(&cur->levels[--cur->depth].content);
}

enum err_code
content_cursor_next(
    struct content_cursor *cur, struct extent *out, bool *at_end, struct err *err)
{
	*at_end = false;
	while (cur->depth > 0) {
		struct content *c = &cur->levels[cur->depth - 1].content;
		size_t *next = &cur->levels[cur->depth - 1].next;
		if (*next == c->count) {
			content_release(c);
			cur->depth--;
		} else if (c->level == 0) {
			*out = c->items[(*next)++];
			return ERR_OK;
		} else {
			/* A list is of the level below, so there are never more than levels. */
			struct content below;
			if (content_read_list(cur->repo, c, (*next)++, &below, err))
				return err->code;
			cur->levels[cur->depth].content = below;
			cur->levels[cur->depth++].next = 0;
		}
	}
	*at_end = true;
	return ERR_OK;
}

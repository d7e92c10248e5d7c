#include "db/cuts.h"

#include "base/room.h"
#include "base/strv.h"

#include <stdlib.h>
#include <string.h>

enum err_code
cuts_init(struct cuts *c, struct err *err)
{
	*c = (struct cuts){ .undecided = CUTS_NONE };
	c->ends = malloc((CUTS_FEED_MAX + 1) * sizeof *c->ends);
	return c->ends != NULL ? ERR_OK : err_nomem(err);
}

void
cuts_clear(struct cuts *c, uint64_t base)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->items[i].name);
	c->count = 0;
	c->n_ends = 0;
	c->base = base;
}

void
cuts_release(struct cuts *c)
{
	cuts_clear(c, 0);
	free(c->items);
	free(c->ends);
	free(c->open);
}

enum err_code
cuts_add(struct cuts *c, enum cut_kind kind, uint64_t at, struct err *err)
{
	if (ROOM(c->items, c->count, c->cap, 16, err))
		return err->code;
	c->items[c->count++] = (struct cut){ .kind = kind, .at = at };
	if (kind == CUT_CLOSE || kind == CUT_LOST) {
		free(c->open);
		c->open = NULL;
	}
	return ERR_OK;
}

enum err_code
cuts_close(struct cuts *c, struct err *err)
{
	return c->open != NULL ? cuts_add(c, CUT_CLOSE, c->last_end, err) : ERR_OK;
}

enum err_code
cuts_table(struct cuts *c, uint64_t from, uint64_t rows, const char *name, struct err *err)
{
	AUTO(str) char *open = NULL;
	if (c->open != NULL && strcmp(c->open, name) == 0)
		return ERR_OK;
	if (cuts_close(c, err) || str_dup(&open, name, err) ||
	    cuts_add(c, CUT_TABLE, from, err) ||
	    str_dup(&c->items[c->count - 1].name, name, err))
		return err->code;
	c->items[c->count - 1].rows = rows;
	c->last_end = rows;
	c->open = TAKE(open);
	return ERR_OK;
}

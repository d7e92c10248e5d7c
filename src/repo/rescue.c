#include "repo/rescue.h"

#include "repo/repo_impl.h"

/* Rows lie in small frames, so that one can be read at random; they stay so. */
#define ROW_FRAME_MAX ((uint32_t)96 << 10)
#define ROW_CHUNK_MAX ((uint32_t)64 << 10)

static enum chunk_kind
kind_of(const struct location *loc)
{
	if (loc->kind == PACK_TREE)
		return CHUNK_TREE;
	return loc->len < ROW_CHUNK_MAX && loc->frame_len <= ROW_FRAME_MAX ? CHUNK_ROWS
									   : CHUNK_DATA;
}

enum err_code
rescue_chunk(struct writer *w, const struct id *id, struct err *err)
{
	struct repo *r = writer_repo(w);
	struct location loc;
	struct chunk_view view;
	struct id stored;
	if (index_lookup(r->index, id, &loc, err) || repo_read_chunk(r, id, &view, err))
		return err->code;
	enum err_code rc = writer_add_now(w, kind_of(&loc), view.data, view.len, &stored, err);
	chunk_view_release(&view);
	return rc;
}

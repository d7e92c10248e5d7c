#include "tree/listing.h"

#include "base/room.h"

#define HEADER_SIZE 4
static const uint8_t header[HEADER_SIZE] = { 'S', 'S', 'D', 1 };

/* Larger than any entry (xattrs of one inode are far below), so a bad length is found early. */
#define ENTRY_MAX ((size_t)64 << 20)
/* Chunks of one listing: what a thousand million entries would need. */
#define CHUNKS_MAX ((size_t)1 << 23)

enum err_code
listing_begin(struct buf *out, struct err *err)
{
	return buf_add(out, header, HEADER_SIZE, err);
}

/* Where entries end; the header goes with the first of them. */
static enum err_code
find_borders(const struct buf *listing, uint64_t **out, size_t *count, struct err *err)
{
	AUTO(mem) uint64_t *border = NULL;
	size_t n = 0;
	size_t cap = 0;
	struct rd r;
	rd_init(&r, listing->data + HEADER_SIZE, listing->len - HEADER_SIZE);
	do {
		struct tree_raw raw;
		if (rd_left(&r) > 0 && !tree_raw_next(&r, &raw))
			return err_set(err, ERR_USAGE, "listing: malformed");
		if (ROOM(border, n, cap, 64, err))
			return err->code;
		border[n++] = (uint64_t)(r.p - listing->data);
	} while (rd_left(&r) > 0);
	*out = TAKE(border);
	*count = n;
	return ERR_OK;
}

enum err_code
listing_store(struct writer *w, const struct buf *listing, struct content *out, struct err *err)
{
	AUTO(mem) uint64_t *border = NULL;
	size_t borders = 0;
	if (find_borders(listing, &border, &borders, err))
		return err->code;
	return stream_store_records(w, listing->data, listing->len, border, borders, out, err);
}

static enum err_code
note_chunk(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	struct listing_reader *l = arg;
	(void)offset;
	if (e->is_hole || l->chunk_count == CHUNKS_MAX)
		return err_set(err, ERR_CORRUPT, "listing: not made of its chunks");
	if (ROOM(l->chunks, l->chunk_count, l->chunk_cap, 8, err))
		return err->code;
	l->chunks[l->chunk_count++] = e->id;
	return ERR_OK;
}

/* A chunk that is nowhere is damage: ERR_NOT_FOUND would read as a name that is not in a
 * folder. */
static enum err_code
damaged(struct err *err)
{
	if (err->code == ERR_NOT_FOUND)
		err->code = ERR_CORRUPT;
	return err_wrap(err, "listing");
}

/* Fetch the next chunk behind what is left. */
static enum err_code
fetch(struct listing_reader *l, struct err *err)
{
	size_t left = l->data.len - l->pos;
	if (left > 0)
		memmove(l->data.data, l->data.data + l->pos, left);
	l->data.len = left;
	l->pos = 0;
	/* Copied, so that a folder that waits for its subfolders holds no decoded frame. */
	struct chunk_view view;
	if (repo_read_chunk(l->repo, &l->chunks[l->next_chunk], &view, err))
		return damaged(err);
	enum err_code rc = buf_add(&l->data, view.data, view.len, err);
	chunk_view_release(&view);
	l->next_chunk++;
	return rc;
}

static enum err_code
read_header(struct listing_reader *l, struct err *err)
{
	while (l->data.len < HEADER_SIZE && l->next_chunk < l->chunk_count)
		if (fetch(l, err))
			return err->code;
	if (l->data.len < HEADER_SIZE || memcmp(l->data.data, header, HEADER_SIZE - 1) != 0)
		return err_set(err, ERR_CORRUPT, "listing: no header");
	if (l->data.data[HEADER_SIZE - 1] != header[HEADER_SIZE - 1])
		return err_set(err, ERR_UNSUPPORTED, "listing: version %u is of a later format",
		    l->data.data[HEADER_SIZE - 1]);
	l->pos = HEADER_SIZE;
	return ERR_OK;
}

enum err_code
listing_reader_init(
    struct listing_reader *l, struct repo *r, const struct content *content, struct err *err)
{
	*l = (struct listing_reader){ .repo = r };
	enum err_code rc = ERR_OK;
	if (content_walk(r, content, note_chunk, NULL, l, err))
		rc = damaged(err);
	else
		rc = read_header(l, err);
	if (rc)
		listing_reader_release(l);
	return rc;
}

void
listing_reader_release(struct listing_reader *l)
{
	free(l->chunks);
	buf_release(&l->data);
	buf_release(&l->last_name);
	*l = (struct listing_reader){ .repo = NULL };
}

/* Is the whole of the next entry at hand? */
static bool
is_whole(const struct listing_reader *l)
{
	struct rd r;
	rd_init(&r, l->data.data + l->pos, l->data.len - l->pos);
	uint64_t len = rd_varint(&r);
	return rd_ok(&r) && len <= rd_left(&r);
}

static enum err_code
check_name(struct listing_reader *l, const struct tree_raw *raw, struct err *err)
{
	if (!tree_name_is_valid(raw->name, raw->name_len))
		return err_set(err, ERR_CORRUPT, "listing: a name that no folder may hold");
	if (l->last_name.len > 0 && tree_name_compare((const char *)l->last_name.data,
					l->last_name.len, raw->name, raw->name_len) >= 0)
		return err_set(err, ERR_CORRUPT, "listing: names out of order");
	l->last_name.len = 0;
	return buf_add(&l->last_name, raw->name, raw->name_len, err);
}

enum err_code
listing_reader_next(struct listing_reader *l, struct tree_raw *out, struct err *err)
{
	while (!is_whole(l) && l->next_chunk < l->chunk_count) {
		if (l->data.len - l->pos > ENTRY_MAX)
			return err_set(err, ERR_CORRUPT, "listing: an entry without end");
		if (fetch(l, err))
			return err->code;
	}
	if (l->pos == l->data.len) {
		*out = (struct tree_raw){ .data = NULL };
		return ERR_OK;
	}
	struct rd r;
	rd_init(&r, l->data.data + l->pos, l->data.len - l->pos);
	struct tree_raw raw;
	if (!tree_raw_next(&r, &raw))
		return err_set(err, ERR_CORRUPT, "listing: malformed");
	if (check_name(l, &raw, err))
		return err->code;
	l->pos += raw.len;
	*out = raw;
	return ERR_OK;
}

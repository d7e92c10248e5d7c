#include "mount/listing_view.h"

#include "base/room.h"
#include "base/strv.h"

#include <pthread.h>
#include <stdatomic.h>

#define MARK_EVERY 128
#define SPILL_FIRST ((size_t)4 << 10)
#define ENTRY_MAX ((size_t)64 << 20)

struct mark {
	uint64_t at;
	char *name;
};

struct listing_view {
	struct tree_entry dir;
	struct reading *run;
	atomic_uint refs;
	pthread_mutex_t lock; /* guards the marks until is_marked */
	bool is_marked;
	struct mark *marks;
	size_t count;
	size_t cap;
	atomic_size_t cost;
};

/* --- a listing --- */

static enum err_code
check_header(struct listing_view *l, struct err *err)
{
	uint8_t header[LISTING_FIRST];
	size_t got;
	if (reading_read(l->run, 0, header, sizeof header, &got, err))
		return err_wrap(err, "listing");
	if (got != sizeof header || memcmp(header, "SSD", 3) != 0)
		return err_set(err, ERR_CORRUPT, "listing: does not begin as one");
	if (header[3] != 1)
		return err_set(err, ERR_UNSUPPORTED,
		    "listing of version %u: a newer StackSnap is needed", header[3]);
	return ERR_OK;
}

enum err_code
listing_view_open(
    struct listing_view **out, struct pieces *p, const struct tree_entry *dir, struct err *err)
{
	AUTO(listing_view) struct listing_view *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	atomic_init(&l->refs, 1);
	pthread_mutex_init(&l->lock, NULL);
	l->dir = (struct tree_entry)TREE_ENTRY_INIT;
	if (tree_entry_copy(&l->dir, dir, err) ||
	    reading_open(&l->run, p, &dir->content, err) || check_header(l, err))
		return err->code;
	*out = TAKE(l);
	return ERR_OK;
}

void
listing_view_ref(struct listing_view *l)
{
	atomic_fetch_add(&l->refs, 1);
}

void
listing_view_unref(struct listing_view *l)
{
	if (l == NULL || atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	for (size_t i = 0; i < l->count; i++)
		free(l->marks[i].name);
	free(l->marks);
	reading_unref(l->run);
	tree_entry_release(&l->dir);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

const struct tree_entry *
listing_view_dir(const struct listing_view *l)
{
	return &l->dir;
}

size_t
listing_view_cost(struct listing_view *l)
{
	return sizeof *l + 2 * l->dir.content.count * sizeof *l->dir.content.items + 512 +
	       atomic_load(&l->cost);
}

/* --- walking --- */

void
cursor_init(struct cursor *c, struct listing_view *l, uint64_t at)
{
	*c = (struct cursor){ .view = l, .at = at, .spill = BUF_INIT };
}

void
cursor_release(struct cursor *c)
{
	if (c->piece != NULL)
		piece_put(c->view->run, c->piece);
	buf_release(&c->spill);
	c->piece = NULL;
}

/* The piece that c->at lies in. */
static enum err_code
hold_piece(struct cursor *c, struct err *err)
{
	uint64_t n = c->at / PIECE_SIZE;
	struct frame *f;
	if (c->piece != NULL && c->piece_number == n)
		return ERR_OK;
	if (piece_get(c->view->run, n, &f, err))
		return err_wrap(err, "listing");
	if (c->piece != NULL) {
		piece_put(c->view->run, c->piece);
		piece_ahead(c->view->run, n + 1);
	}
	c->piece = f;
	c->piece_number = n;
	return ERR_OK;
}

/* An entry that reaches into the next piece is put together: more and more of it, until it is
 * whole. */
static enum err_code
read_spilled(struct cursor *c, struct tree_raw *out, struct err *err)
{
	uint64_t left = reading_size(c->view->run) - c->at;
	for (size_t want = SPILL_FIRST; want <= ENTRY_MAX; want *= 2) {
		size_t got;
		size_t len = left < want ? (size_t)left : want;
		c->spill.len = 0;
		if (buf_reserve(&c->spill, len, err) ||
		    reading_read(c->view->run, c->at, c->spill.data, len, &got, err))
			return err->code;
		struct rd r;
		rd_init(&r, c->spill.data, got);
		if (tree_raw_next(&r, out))
			return ERR_OK;
		if (len < want)
			break;
	}
	return err_set(err, ERR_CORRUPT, "listing: no entry where one should begin");
}

enum err_code
cursor_next(struct cursor *c, struct tree_raw *out, struct err *err)
{
	uint64_t size = reading_size(c->view->run);
	if (c->at == size) {
		*out = (struct tree_raw){ .data = NULL };
		return ERR_OK;
	}
	if (c->at < LISTING_FIRST || c->at > size)
		return err_set(err, ERR_CORRUPT, "listing: no entry begins there");
	if (hold_piece(c, err))
		return err->code;
	size_t in = (size_t)(c->at % PIECE_SIZE);
	struct rd r;
	rd_init(&r, c->piece->data + in, c->piece->len - in);
	if (!tree_raw_next(&r, out) && read_spilled(c, out, err))
		return err->code;
	c->at += out->len;
	return ERR_OK;
}

enum err_code
listing_view_entry(struct listing_view *l, uint64_t at, struct tree_entry *out, struct err *err)
{
	AUTO(cursor) struct cursor c;
	struct tree_raw raw;
	struct rd r;
	cursor_init(&c, l, at);
	if (cursor_next(&c, &raw, err))
		return err->code;
	if (raw.data == NULL)
		return err_set(err, ERR_CORRUPT, "listing: no entry begins there");
	rd_init(&r, raw.data, raw.len);
	return tree_entry_decode(out, &r, err);
}

/* --- finding --- */

static enum err_code
add_mark(struct listing_view *l, uint64_t at, const struct tree_raw *raw, struct err *err)
{
	if (ROOM(l->marks, l->count, l->cap, 16, err))
		return err->code;
	struct mark *m = &l->marks[l->count];
	if (str_dupn(&m->name, raw->name, raw->name_len, err))
		return err->code;
	m->at = at;
	atomic_fetch_add(&l->cost, sizeof *m + raw->name_len + 17);
	l->count++;
	return ERR_OK;
}

static enum err_code
walk_for_marks(struct listing_view *l, struct err *err)
{
	AUTO(cursor) struct cursor c;
	cursor_init(&c, l, LISTING_FIRST);
	for (size_t i = 0;; i++) {
		uint64_t at = c.at;
		struct tree_raw raw;
		if (cursor_next(&c, &raw, err))
			return err->code;
		if (raw.data == NULL)
			return ERR_OK;
		if (i % MARK_EVERY == 0 && add_mark(l, at, &raw, err))
			return err->code;
	}
}

static enum err_code
need_marks(struct listing_view *l, struct err *err)
{
	pthread_mutex_lock(&l->lock);
	enum err_code rc = ERR_OK;
	if (!l->is_marked) {
		rc = walk_for_marks(l, err);
		l->is_marked = rc == ERR_OK;
	}
	if (rc != ERR_OK) {
		for (size_t i = 0; i < l->count; i++)
			free(l->marks[i].name);
		l->count = 0;
		atomic_store(&l->cost, 0);
	}
	pthread_mutex_unlock(&l->lock);
	return rc;
}

/* The last mark that is not behind the name; marks do not change any more. */
static uint64_t
start_for(const struct listing_view *l, const char *name, size_t len)
{
	size_t low = 0;
	size_t high = l->count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const char *there = l->marks[mid].name;
		if (tree_name_compare(there, strlen(there), name, len) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 ? l->marks[low - 1].at : LISTING_FIRST;
}

enum err_code
listing_view_find(struct listing_view *l, const char *name, bool *is_there, uint64_t *at,
    struct tree_entry *out, struct err *err)
{
	size_t len = strlen(name);
	if (need_marks(l, err))
		return err->code;
	AUTO(cursor) struct cursor c;
	cursor_init(&c, l, start_for(l, name, len));
	for (;;) {
		uint64_t here = c.at;
		struct tree_raw raw;
		if (cursor_next(&c, &raw, err))
			return err->code;
		int order =
		    raw.data == NULL ? 1 : tree_name_compare(raw.name, raw.name_len, name, len);
		if (order > 0) {
			*is_there = false;
			return ERR_OK;
		}
		if (order < 0)
			continue;
		struct rd r;
		rd_init(&r, raw.data, raw.len);
		if (tree_entry_decode(out, &r, err))
			return err->code;
		*is_there = true;
		*at = here;
		return ERR_OK;
	}
}

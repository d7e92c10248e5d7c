#include "db/row_table.h"

#define DATA_MIN ((size_t)16 << 10)
#define SLOTS_MIN 256
/* Besides its bytes, an entry takes up to four slots at half load while they are doubled, and
 * a place in the result with its index (row_result.c). */
#define ENTRY_EXTRA 64
/* However small the memory, so many of the longest rows find room: those of one key. */
#define ROWS_AT_LEAST 8

static size_t
entry_size(size_t len)
{
	return (sizeof(struct row_entry) + len + ROW_UNIT - 1) / ROW_UNIT * ROW_UNIT;
}

void
row_table_init(struct row_table *t, struct row_rule *rule, size_t memory)
{
	*t = (struct row_table){ .rule = rule, .memory = memory };
}

void
row_table_release(struct row_table *t)
{
	free(t->data);
	free(t->slots);
	row_table_init(t, t->rule, t->memory);
}

void
row_table_clear(struct row_table *t)
{
	t->len = 0;
	t->dead = 0;
	t->entries = 0;
	if (t->slot_count > 0)
		memset(t->slots, 0xff, t->slot_count * sizeof *t->slots);
}

struct row_entry *
row_table_at(const struct row_table *t, uint32_t ref)
{
	return (struct row_entry *)(void *)(t->data + (size_t)ref * ROW_UNIT);
}

struct row_entry *
row_table_next(const struct row_table *t, uint32_t *ref)
{
	size_t at = (size_t)*ref * ROW_UNIT;
	while (at < t->len) {
		struct row_entry *e = (struct row_entry *)(void *)(t->data + at);
		at += entry_size(e->len);
		*ref = (uint32_t)(at / ROW_UNIT);
		if (e->count > 0)
			return e;
	}
	return NULL;
}

static uint32_t
tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

static size_t
home_of(const struct row_table *t, uint32_t tag)
{
	return tag & (t->slot_count - 1);
}

static size_t
after(const struct row_table *t, size_t slot)
{
	return (slot + 1) & (t->slot_count - 1);
}

static void
put_slot(struct row_table *t, uint32_t tag, uint32_t ref)
{
	size_t i = home_of(t, tag);
	while (t->slots[i].ref != ROW_NONE)
		i = after(t, i);
	t->slots[i] = (struct row_slot){ ref, tag };
}

/* Close the gap, so that every search still meets its row before a free slot (Knuth, The Art of
 * Computer Programming 3, 6.4, algorithm R). */
static void
free_slot(struct row_table *t, size_t hole)
{
	size_t mask = t->slot_count - 1;
	for (size_t i = after(t, hole); t->slots[i].ref != ROW_NONE; i = after(t, i)) {
		size_t home = home_of(t, t->slots[i].tag);
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole].ref = ROW_NONE;
}

static void
fill_slots(struct row_table *t)
{
	memset(t->slots, 0xff, t->slot_count * sizeof *t->slots);
	for (size_t at = 0; at < t->len;) {
		struct row_entry *e = (struct row_entry *)(void *)(t->data + at);
		if (e->count > 0)
			put_slot(t, tag_of(e->hash), (uint32_t)(at / ROW_UNIT));
		at += entry_size(e->len);
	}
}

static enum err_code
room_for_slot(struct row_table *t, struct err *err)
{
	if (t->entries < t->slot_count / 2)
		return ERR_OK;
	size_t count = max_size(SLOTS_MIN, 2 * t->slot_count);
	struct row_slot *more = reallocarray(NULL, count, sizeof *more);
	if (more == NULL)
		return err_nomem(err);
	free(t->slots);
	t->slots = more;
	t->slot_count = count;
	fill_slots(t);
	return ERR_OK;
}

/* Push the entries together, over those that were taken away. */
static void
compact(struct row_table *t)
{
	size_t to = 0;
	for (size_t at = 0; at < t->len;) {
		const struct row_entry *e = (const struct row_entry *)(void *)(t->data + at);
		size_t size = entry_size(e->len);
		if (e->count > 0) {
			memmove(t->data + to, t->data + at, size);
			to += size;
		}
		at += size;
	}
	t->len = to;
	t->dead = 0;
	if (t->slot_count > 0)
		fill_slots(t);
}

static bool
has_room(const struct row_table *t, size_t size)
{
	size_t longest = max_size(t->longest, size);
	size_t limit = max_size(t->memory, ROWS_AT_LEAST * (longest + ENTRY_EXTRA));
	size_t used = t->len + t->entries * ENTRY_EXTRA;
	return used + size + ENTRY_EXTRA <= limit && (t->len + size) / ROW_UNIT < ROW_NONE;
}

static enum err_code
room_for_data(struct row_table *t, size_t size, struct err *err)
{
	if (t->cap - t->len >= size)
		return ERR_OK;
	size_t cap = max_size(DATA_MIN, 2 * t->cap);
	if (t->cap < t->memory)
		cap = min_size(cap, max_size(t->memory, DATA_MIN));
	cap = max_size(cap, t->len + size);
	uint8_t *more = realloc(t->data, cap);
	if (more == NULL)
		return err_nomem(err);
	t->data = more;
	t->cap = cap;
	return ERR_OK;
}

static enum err_code
is_partner(const struct row_table *t, const struct row_entry *e, const struct row_many *m,
    bool *is, struct err *err)
{
	struct row other = row_of_entry(e);
	*is = false;
	if (e->hash != m->hash || e->side == m->side)
		return ERR_OK;
	return m->side == 0 ? row_rule_equal(t->rule, &m->row, &other, is, err)
			    : row_rule_equal(t->rule, &other, &m->row, is, err);
}

enum err_code
row_table_cancel(struct row_table *t, struct row_many *m, struct err *err)
{
	if (t->slot_count == 0)
		return ERR_OK;
	uint32_t tag = tag_of(m->hash);
	for (size_t i = home_of(t, tag); m->count > 0 && t->slots[i].ref != ROW_NONE;) {
		struct row_entry *e = row_table_at(t, t->slots[i].ref);
		bool is = false;
		if (t->slots[i].tag == tag && is_partner(t, e, m, &is, err))
			return err->code;
		if (is) {
			uint64_t n = e->count < m->count ? e->count : m->count;
			e->count -= n;
			m->count -= n;
		}
		if (!is || e->count > 0) {
			i = after(t, i);
			continue;
		}
		/* The slot has another row now, or none. */
		t->dead += entry_size(e->len);
		t->entries--;
		free_slot(t, i);
	}
	return ERR_OK;
}

/* The same row of the same side, byte by byte. */
static struct row_entry *
find_same(const struct row_table *t, const struct row_many *m)
{
	uint32_t tag = tag_of(m->hash);
	if (t->slot_count == 0)
		return NULL;
	for (size_t i = home_of(t, tag); t->slots[i].ref != ROW_NONE; i = after(t, i)) {
		if (t->slots[i].tag != tag)
			continue;
		struct row_entry *e = row_table_at(t, t->slots[i].ref);
		if (e->hash == m->hash && e->side == m->side && e->len == m->row.len &&
		    (m->row.len == 0 || memcmp(e->bytes, m->row.data, m->row.len) == 0))
			return e;
	}
	return NULL;
}

enum err_code
row_table_add(struct row_table *t, const struct row_many *m, bool *is_full, struct err *err)
{
	size_t size = entry_size(m->row.len);
	struct row_entry *e = find_same(t, m);
	*is_full = false;
	if (e != NULL) {
		e->count += m->count;
		return ERR_OK;
	}
	if (!has_room(t, size) && t->dead > t->len / 4)
		compact(t);
	if (!has_room(t, size)) {
		*is_full = true;
		return ERR_OK;
	}
	if (room_for_data(t, size, err) || room_for_slot(t, err))
		return err->code;
	uint32_t ref = (uint32_t)(t->len / ROW_UNIT);
	e = row_table_at(t, ref);
	e->hash = m->hash;
	e->count = m->count;
	e->len = m->row.len & (UINT64_MAX >> 1);
	e->side = m->side & 1;
	if (m->row.len > 0)
		memcpy(e->bytes, m->row.data, m->row.len);
	t->len += size;
	t->longest = max_size(t->longest, size);
	t->entries++;
	put_slot(t, tag_of(m->hash), ref);
	return ERR_OK;
}

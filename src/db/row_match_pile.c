#include "base/checksum.h"
#include "db/row_match_impl.h"

/* What stands before each row in a part.  Only this process reads it. */
struct spilled {
	uint64_t len;
	uint64_t count;
	uint64_t side;
	uint64_t hash;
};

/* Parts are told from one another by hashes that differ from level to level. */
static uint64_t
seed_of(const struct row_match *m, const struct row_pile *p)
{
	return m->rule.seed + (p->level + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static bool
is_by_key(const struct row_match *m, unsigned level)
{
	return m->rule.key_count > 0 && level < PILE_KEY_LEVELS;
}

static enum err_code
part_of(struct row_match *m, const struct row_pile *p, const struct row_entry *e, size_t *part,
    struct err *err)
{
	struct row row = row_of_entry(e);
	uint64_t seed = seed_of(m, p);
	bool has_key = false;
	m->key.len = 0;
	if (is_by_key(m, p->level) &&
	    row_rule_key(&m->rule, e->side, &row, &m->key, &has_key, err))
		return err->code;
	uint64_t h = has_key ? checksum_of(m->key.data, m->key.len, seed)
			     : checksum_of(&e->hash, sizeof e->hash, seed);
	*part = (size_t)(h % PILE_PARTS);
	return ERR_OK;
}

static enum err_code
start_parts(struct row_match *m, struct row_pile *p, struct err *err)
{
	struct spill_options opt = { m->temp_dir, m->spill_block };
	if (p->is_spilled)
		return ERR_OK;
	if (m->spill == NULL && spill_open(&m->spill, &opt, err))
		return err->code;
	for (size_t i = 0; i < PILE_PARTS; i++)
		if (spill_part_new(&p->parts[i], m->spill, err))
			return err->code;
	p->is_spilled = true;
	return ERR_OK;
}

/* Move all rows from memory into the parts. */
static enum err_code
spill_rows(struct row_match *m, struct row_pile *p, struct err *err)
{
	struct row_entry *e;
	uint32_t ref = 0;
	if (start_parts(m, p, err))
		return err->code;
	while ((e = row_table_next(&m->table, &ref)) != NULL) {
		size_t part;
		struct spilled head = { e->len, e->count, e->side, e->hash };
		if (part_of(m, p, e, &part, err) ||
		    spill_part_write(p->parts[part], &head, sizeof head, err) ||
		    spill_part_write(p->parts[part], e->bytes, (size_t)e->len, err))
			return err->code;
	}
	row_table_clear(&m->table);
	return ERR_OK;
}

enum err_code
row_pile_add(struct row_match *m, struct row_pile *p, struct row_many *many, struct err *err)
{
	bool is_full;
	if (row_table_cancel(&m->table, many, err))
		return err->code;
	if (many->count == 0)
		return ERR_OK;
	if (row_table_add(&m->table, many, &is_full, err))
		return err->code;
	if (!is_full)
		return ERR_OK;
	if (spill_rows(m, p, err))
		return err->code;
	return row_table_add(&m->table, many, &is_full, err);
}

void
row_pile_release(struct row_pile *p)
{
	for (size_t i = 0; i < PILE_PARTS; i++)
		spill_part_free(TAKE(p->parts[i]));
}

static void
row_pile_auto(struct row_pile *p)
{
	row_pile_release(p);
}

static enum err_code
read_row(struct spill_part *part, struct row_many *many, struct buf *bytes, bool *is_end,
    struct err *err)
{
	struct spilled head;
	size_t got;
	if (spill_part_read(part, &head, sizeof head, &got, err))
		return err->code;
	*is_end = got == 0;
	if (*is_end)
		return ERR_OK;
	bytes->len = 0;
	if (buf_reserve(bytes, (size_t)head.len + 1, err) ||
	    spill_part_read(part, bytes->data, (size_t)head.len, &got, err))
		return err->code;
	*many = (struct row_many){ .side = (unsigned)head.side,
		.hash = head.hash,
		.count = head.count,
		.row = { bytes->data, (size_t)head.len } };
	return ERR_OK;
}

/* A part becomes a pile, one level deeper. */
static enum err_code
finish_part(struct row_match *m, struct spill_part *part, unsigned level, struct err *err)
{
	AUTO(row_pile) struct row_pile below = { .level = level };
	AUTO(bufv) struct buf bytes = BUF_INIT;
	for (;;) {
		struct row_many many;
		bool is_end;
		if (read_row(part, &many, &bytes, &is_end, err))
			return err->code;
		if (is_end)
			break;
		if (row_pile_add(m, &below, &many, err))
			return err->code;
	}
	return row_pile_finish(m, &below, err);
}

/* The levels below are bounded: rows that are not the same are parted by hashes of 64 bits, and
 * memory has room for some of any size. */
enum err_code
row_pile_finish(struct row_match *m, struct row_pile *p, struct err *err)
{
	if (!p->is_spilled)
		return row_match_deliver(
		    m, m->rule.key_count > 0 && p->level <= PILE_KEY_LEVELS, err);
	if (spill_rows(m, p, err))
		return err->code;
	for (size_t i = 0; i < PILE_PARTS; i++)
		if (spill_part_end(p->parts[i], err))
			return err->code;
	for (size_t i = 0; i < PILE_PARTS; i++) {
		if (finish_part(m, p->parts[i], p->level + 1, err))
			return err->code;
		spill_part_free(TAKE(p->parts[i]));
	}
	return ERR_OK;
}

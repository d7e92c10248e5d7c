#include "db/row_match.h"

#include "base/strv.h"
#include "db/row_match_impl.h"

#define MEMORY_DEFAULT ((size_t)64 << 20)
#define BLOCK_MIN ((size_t)1 << 10)
#define BLOCK_MAX ((size_t)64 << 10)
#define CHAIN_END UINT32_MAX
/* Chains of rows of one pair are numbered in 32 bits. */
#define PAIR_MAX ((size_t)1 << 30)

enum err_code
row_match_new(struct row_match **out, const struct shape *a, const struct shape *b,
    const struct row_match_options *opt, struct err *err)
{
	AUTO(row_match) struct row_match *m = calloc(1, sizeof *m);
	if (m == NULL)
		return err_nomem(err);
	size_t memory = opt->memory > 0 ? opt->memory : MEMORY_DEFAULT;
	/* While rows are spilled, each part has a block: up to a quarter of it all. */
	m->spill_block = min_size(BLOCK_MAX, max_size(BLOCK_MIN, memory / 4 / PILE_PARTS));
	m->keep = opt->keep;
	row_table_init(&m->table, &m->rule, memory - memory / 4);
	if (row_rule_init(&m->rule, a, b, opt->columns, err) ||
	    (opt->temp_dir != NULL && str_dup(&m->temp_dir, opt->temp_dir, err)))
		return err->code;
	*out = TAKE(m);
	return ERR_OK;
}

void
row_match_free(struct row_match *m)
{
	if (m == NULL)
		return;
	row_pile_release(&m->pile);
	spill_close(m->spill);
	row_table_release(&m->table);
	row_rule_release(&m->rule);
	buf_release(&m->key);
	buf_release(&m->key_b);
	free(m->pair[0].rows);
	free(m->pair[1].rows);
	free(m->heads);
	free(m->temp_dir);
	free(m);
}

bool
row_match_is_bytewise(const struct row_match *m)
{
	return m->rule.is_bytewise;
}

static enum err_code
add_row(
    struct row_match *m, unsigned side, const struct row *row, uint64_t hash, struct err *err)
{
	struct row_many many = { .side = side, .hash = hash, .count = 1, .row = *row };
	return row_pile_add(m, &m->pile, &many, err);
}

/* A row of COPY may look like a head: so none is looked for. */
static struct row_reader
reader_of(const struct row_match *m, const void *rows, size_t len)
{
	struct row_reader r;
	row_reader_init(&r, m->rule.format, rows, len);
	r.begins_at_row = m->rule.format == ROW_COPY;
	return r;
}

enum err_code
row_match_add(struct row_match *m, unsigned side, const void *rows, size_t len, struct err *err)
{
	struct row_reader r = reader_of(m, rows, len);
	for (;;) {
		struct row row;
		bool got;
		uint64_t hash;
		if (row_next(&r, &row, &got, err))
			return err_wrap(err, "rows of %s", m->rule.table);
		if (!got)
			return ERR_OK;
		if (row_rule_hash(&m->rule, side, &row, &hash, err) ||
		    add_row(m, side, &row, hash, err))
			return err_wrap(err, "rows of %s", m->rule.table);
	}
}

/* How many bytes are the same from the beginning on: by blocks, at the speed of memcmp. */
static size_t
common_front(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t n = 0;
	for (size_t step = 4096; step > 0; step /= 16)
		while (len - n >= step && memcmp(a + n, b + n, step) == 0)
			n += step;
	return n;
}

/* The same from behind; a and b point at the ends. */
static size_t
common_back(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t n = 0;
	for (size_t step = 4096; step > 0; step /= 16)
		while (len - n >= step && memcmp(a - n - step, b - n - step, step) == 0)
			n += step;
	return n;
}

/* Where the last row ends that lies within the first same bytes. */
static enum err_code
last_border(const struct row_match *m, const uint8_t *data, size_t len, size_t same,
    size_t *border, struct err *err)
{
	*border = 0;
	if (m->rule.format == ROW_COPY) {
		const uint8_t *end = same > 0 ? memrchr(data, '\n', same) : NULL;
		*border = end != NULL ? (size_t)(end + 1 - data) : 0;
		return ERR_OK;
	}
	struct row_reader r = reader_of(m, data, len);
	for (;;) {
		struct row row;
		bool got;
		if (row_next(&r, &row, &got, err))
			return err->code;
		if (!got || r.pos > same)
			return ERR_OK;
		*border = r.pos;
	}
}

static enum err_code
note_row(struct paired_rows *p, const struct row *row, struct err *err)
{
	if (p->count == p->cap) {
		size_t cap = max_size(256, 2 * p->cap);
		struct paired_row *more =
		    cap < PAIR_MAX ? reallocarray(p->rows, cap, sizeof *more) : NULL;
		if (more == NULL)
			return err_nomem(err);
		p->rows = more;
		p->cap = cap;
	}
	p->rows[p->count++] = (struct paired_row){ .row = *row, .next = CHAIN_END };
	return ERR_OK;
}

/* The rows of both until they come to a border from where on all bytes are the same. */
static enum err_code
read_middle(struct row_match *m, struct row_reader r[2], size_t same, struct err *err)
{
	bool is_end[2] = { false, false };
	for (;;) {
		size_t left[2] = { r[0].len - r[0].pos, r[1].len - r[1].pos };
		if ((left[0] == left[1] && left[0] <= same) || (is_end[0] && is_end[1]))
			return ERR_OK;
		unsigned side = is_end[1] || (!is_end[0] && left[0] >= left[1]) ? 0 : 1;
		struct row row;
		bool got;
		if (row_next(&r[side], &row, &got, err))
			return err->code;
		is_end[side] = !got;
		if (got && note_row(&m->pair[side], &row, err))
			return err->code;
	}
}

static enum err_code
hash_rows(struct row_match *m, unsigned side, struct err *err)
{
	struct paired_rows *p = &m->pair[side];
	for (size_t i = 0; i < p->count; i++)
		if (row_rule_hash(&m->rule, side, &p->rows[i].row, &p->rows[i].hash, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
chain_rows(struct row_match *m, size_t *buckets, struct err *err)
{
	struct paired_rows *a = &m->pair[0];
	*buckets = 16;
	while (*buckets < a->count)
		*buckets *= 2;
	if (m->head_cap < *buckets) {
		free(m->heads);
		m->head_cap = 0;
		m->heads = calloc(*buckets, sizeof *m->heads);
		if (m->heads == NULL)
			return err_nomem(err);
		m->head_cap = *buckets;
	}
	memset(m->heads, 0xff, *buckets * sizeof *m->heads);
	for (size_t i = a->count; i-- > 0;) {
		uint32_t *head = &m->heads[a->rows[i].hash & (*buckets - 1)];
		a->rows[i].next = *head;
		*head = (uint32_t)i;
	}
	return ERR_OK;
}

/* Take the first equal row of a out of its chain. */
static enum err_code
cancel_in_chain(struct row_match *m, struct paired_row *b, uint32_t *link, struct err *err)
{
	for (; *link != CHAIN_END; link = &m->pair[0].rows[*link].next) {
		struct paired_row *a = &m->pair[0].rows[*link];
		bool is = false;
		if (a->hash == b->hash && row_rule_equal(&m->rule, &a->row, &b->row, &is, err))
			return err->code;
		if (!is)
			continue;
		a->is_gone = true;
		b->is_gone = true;
		*link = a->next;
		return ERR_OK;
	}
	return ERR_OK;
}

/* Most rows between two changes have their partner on the other side of the pair: those need
 * not be copied. */
static enum err_code
cancel_in_pair(struct row_match *m, struct err *err)
{
	struct paired_rows *b = &m->pair[1];
	size_t buckets;
	if (m->pair[0].count == 0 || b->count == 0 || m->pair[0].count + b->count <= 2)
		return ERR_OK;
	if (chain_rows(m, &buckets, err))
		return err->code;
	for (size_t i = 0; i < b->count; i++)
		if (cancel_in_chain(
			m, &b->rows[i], &m->heads[b->rows[i].hash & (buckets - 1)], err))
			return err->code;
	return ERR_OK;
}

static enum err_code
add_pair(struct row_match *m, struct row_reader r[2], struct err *err)
{
	size_t shorter = min_size(r[0].len, r[1].len);
	size_t border;
	if (last_border(m, r[0].data, r[0].len, common_front(r[0].data, r[1].data, shorter),
		&border, err))
		return err->code;
	r[0].pos = border;
	r[1].pos = border;
	size_t same = common_back(r[0].data + r[0].len, r[1].data + r[1].len, shorter - border);
	m->pair[0].count = 0;
	m->pair[1].count = 0;
	if (read_middle(m, r, same, err) || hash_rows(m, 0, err) || hash_rows(m, 1, err) ||
	    cancel_in_pair(m, err))
		return err->code;
	for (unsigned side = 0; side < 2; side++)
		for (size_t i = 0; i < m->pair[side].count; i++) {
			const struct paired_row *p = &m->pair[side].rows[i];
			if (!p->is_gone && add_row(m, side, &p->row, p->hash, err))
				return err->code;
		}
	return ERR_OK;
}

enum err_code
row_match_add_pair(struct row_match *m, const void *a, size_t a_len, const void *b,
    size_t b_len, struct err *err)
{
	if (!m->rule.is_bytewise || a_len == 0 || b_len == 0) {
		if (row_match_add(m, 0, a, a_len, err))
			return err->code;
		return row_match_add(m, 1, b, b_len, err);
	}
	struct row_reader r[2] = { reader_of(m, a, a_len), reader_of(m, b, b_len) };
	if (add_pair(m, r, err))
		return err_wrap(err, "rows of %s", m->rule.table);
	return ERR_OK;
}

enum err_code
row_match_finish(struct row_match *m, row_change_fn *fn, void *arg,
    struct row_match_result *out, struct err *err)
{
	m->fn = fn;
	m->arg = arg;
	m->keep = fn != NULL ? m->keep : 0;
	if (row_pile_finish(m, &m->pile, err))
		return err->code;
	*out = m->result;
	return ERR_OK;
}

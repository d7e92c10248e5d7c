#include "engine/restore_keys.h"

#include "sys/clock.h"

#include <string.h>

#define RDB_HEAD_SIZE 9
#define FIELDS 4

/* --- one key --- */

static bool
begins_with(const struct buf *name, const char *prefix)
{
	size_t n = strlen(prefix);
	return name->len >= n && (n == 0 || memcmp(name->data, prefix, n) == 0);
}

static enum err_code
time_of(int64_t *out, const struct field *f, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	*out = 0;
	if (f->is_null)
		return ERR_OK;
	if (row_text(ROW_RDB, f, &text, err))
		return err->code;
	const char *t = buf_cstr(&text);
	if (t == NULL)
		return err_nomem(err);
	*out = strtoll(t, NULL, 10);
	return ERR_OK;
}

enum err_code
row_has_prefix(
    bool *out, const struct row *row, const char *prefix, int64_t alive_ms, struct err *err)
{
	struct field f[FIELDS];
	size_t count;
	int64_t expires_ms;
	AUTO(bufv) struct buf name = BUF_INIT;
	if (row_split(ROW_RDB, row, f, FIELDS, &count, err) ||
	    row_text(ROW_RDB, &f[0], &name, err) || time_of(&expires_ms, &f[2], err))
		return err->code;
	*out = begins_with(&name, prefix) && (expires_ms == 0 || expires_ms > alive_ms);
	return ERR_OK;
}

static enum err_code
give(const struct stored_keys *k, const struct row *row, pick_key_fn *fn, void *arg,
    struct err *err)
{
	struct field f[FIELDS];
	size_t count;
	AUTO(bufv) struct buf name = BUF_INIT;
	struct pick_key key;
	if (row_split(ROW_RDB, row, f, FIELDS, &count, err) ||
	    row_text(ROW_RDB, &f[0], &name, err))
		return err->code;
	if (!begins_with(&name, k->prefix))
		return ERR_OK;
	key = (struct pick_key){ .name = name.data,
		.name_len = name.len,
		.type = *f[1].data,
		.value = f[3].data,
		.value_len = f[3].len };
	if (time_of(&key.expires_ms, &f[2], err))
		return err->code;
	bool is_gone = key.expires_ms != 0 && key.expires_ms <= k->now_ms;
	return is_gone ? ERR_OK : fn(arg, &key, err);
}

/* --- all of them --- */

/* Chunks end where keys end, but for those that are torn. */
struct walk {
	const struct stored_keys *keys;
	pick_key_fn *fn;
	void *arg;
	struct buf bytes;
};

static enum err_code
give_rows(struct walk *w, struct err *err)
{
	struct row_reader r;
	row_reader_init(&r, ROW_RDB, w->bytes.data, w->bytes.len);
	for (;;) {
		struct row row;
		bool got;
		if (row_next(&r, &row, &got, err))
			return err->code;
		if (!got)
			return ERR_OK;
		if (give(w->keys, &row, w->fn, w->arg, err))
			return err->code;
	}
}

static enum err_code
take_extent(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	struct walk *w = arg;
	struct chunk_view v;
	(void)offset;
	if (repo_read_chunk(w->keys->repo, &e->id, &v, err))
		return err->code;
	enum err_code rc = buf_add(&w->bytes, v.data, v.len, err);
	chunk_view_release(&v);
	if (rc != ERR_OK || e->is_torn)
		return rc;
	rc = give_rows(w, err);
	w->bytes.len = 0;
	return rc;
}

static enum err_code
each(struct pick_keys *keys, pick_key_fn *fn, void *arg, struct err *err)
{
	const struct stored_keys *k = (const struct stored_keys *)keys;
	struct walk w = { .keys = k, .fn = fn, .arg = arg, .bytes = BUF_INIT };
	enum err_code rc = content_walk(k->repo, k->content, take_extent, NULL, &w, err);
	if (rc == ERR_OK && w.bytes.len > 0)
		rc = give_rows(&w, err);
	buf_release(&w.bytes);
	return rc;
}

/* "REDIS0011", "VALKEY080" */
static enum err_code
read_version(unsigned *out, const struct stored_table *t, struct repo *repo, struct err *err)
{
	char head[RDB_HEAD_SIZE + 1] = "";
	size_t got = 0;
	const struct dump_part *first = &t->dump->parts[0];
	if (first->table == NULL &&
	    content_read_at(repo, &first->content, 0, head, RDB_HEAD_SIZE, &got, err))
		return err->code;
	const char *digits = str_starts(head, "REDIS")    ? head + 5
			     : str_starts(head, "VALKEY") ? head + 6
							  : "";
	*out = (unsigned)strtoul(digits, NULL, 10);
	return *out > 0 ? ERR_OK
			: err_set(err, ERR_CORRUPT, "the dump of service %s is no RDB file",
			      t->dump->service);
}

enum err_code
stored_keys_init(struct stored_keys *k, const struct stored_table *t, struct repo *repo,
    const char *prefix, struct err *err)
{
	*k = (struct stored_keys){ .base = { .each = each },
		.repo = repo,
		.content = &t->part->content,
		.prefix = prefix,
		.now_ms = clock_wall_ns() / NS_PER_MS };
	return read_version(&k->base.rdb_version, t, repo, err);
}

static enum err_code
count_one(void *arg, const struct pick_key *key, struct err *err)
{
	(void)key;
	(void)err;
	++*(uint64_t *)arg;
	return ERR_OK;
}

enum err_code
stored_keys_count(struct stored_keys *k, uint64_t *out, struct err *err)
{
	*out = 0;
	return each(&k->base, count_one, out, err);
}

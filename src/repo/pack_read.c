#include "repo/pack_read.h"

static enum err_code
read_whole(struct pack_reading *p, const char *key, struct tools *t, struct err *err)
{
	if (store_get(p->repo->store, key, PACK_MAX_SIZE, &p->whole, err))
		return err->code;
	p->size = p->whole.len;
	if (pack_open_header(
		p->whole.data, p->whole.len, p->repo->subkeys, p->header.key, &p->kind, err))
		return err_wrap(err, "%s", key);
	memcpy(p->header.header, p->whole.data, HEADER_SIZE);
	if (pack_read_dir(
		&p->dir, p->whole.data, p->whole.len, p->header.key, t->aead, t->unpacker, err))
		return err_wrap(err, "%s", key);
	return ERR_OK;
}

static enum err_code
read_directory(struct pack_reading *p, const char *key, struct tools *t, struct err *err)
{
	struct store *s = p->repo->store;
	if (store_size(s, key, &p->size, err))
		return err->code;
	if (pack_load_dir(&p->dir, &p->kind, s, key, p->size, p->repo->subkeys, t->aead,
		t->unpacker, err) ||
	    store_get_range(s, key, 0, p->header.header, HEADER_SIZE, err) ||
	    pack_open_header(
		p->header.header, HEADER_SIZE, p->repo->subkeys, p->header.key, &p->kind, err))
		return err_wrap(err, "%s", key);
	return ERR_OK;
}

enum err_code
pack_reading_open(struct pack_reading *p, struct repo *r, const struct id *id,
    enum pack_fetch fetch, struct err *err)
{
	char key[PACK_KEY_SIZE];
	struct tools *t;
	pack_key(key, id);
	p->repo = r;
	p->id = *id;
	if (repo_borrow_tools(r, &t, err))
		return err->code;
	enum err_code rc =
	    fetch == FETCH_WHOLE ? read_whole(p, key, t, err) : read_directory(p, key, t, err);
	repo_return_tools(r, t);
	return rc;
}

void
pack_reading_release(struct pack_reading *p)
{
	secret_wipe(&p->header, sizeof p->header);
	pack_dir_release(&p->dir);
	buf_release(&p->whole);
}

enum err_code
pack_reading_frame(
    struct pack_reading *p, struct tools *t, const struct pack_frame *f, struct err *err)
{
	char key[PACK_KEY_SIZE];
	pack_key(key, &p->id);
	enum err_code rc;
	if (p->whole.len > 0) {
		rc = repo_decode_frame(
		    t, &p->header, f->offset, p->whole.data + f->offset, f->len, err);
	} else {
		AUTO(mem) uint8_t *sealed = malloc(f->len);
		if (sealed == NULL)
			return err_nomem(err);
		if (store_get_range(p->repo->store, key, f->offset, sealed, f->len, err))
			return err->code;
		rc = repo_decode_frame(t, &p->header, f->offset, sealed, f->len, err);
	}
	return rc ? err_wrap(err, "%s: frame at %u", key, f->offset) : ERR_OK;
}

/* Keys exchanged, and back (redis_pick_impl.h). */
#include "db/redis_pick_impl.h"

#include "base/bytes.h"
#include "db/crc64.h"

#include <inttypes.h>
#include <string.h>

/* --- values --- */

/* What DUMP would have given: a type, the value as RDB files have it, their version, a checksum
 * of all before it.  (cluster.c of Redis 7, createDumpPayload.) */
static enum err_code
put_payload(struct buf *out, const struct pick_key *key, unsigned rdb_version, struct err *err)
{
	if (buf_u8(out, key->type, err) || buf_add(out, key->value, key->value_len, err) ||
	    buf_u16(out, (uint16_t)rdb_version, err))
		return err->code;
	return buf_u64(out, crc64(0, out->data, out->len), err);
}

struct restoring {
	struct rd_pick *p;
	const char *before; /* the name, in front of the key's own */
	struct buf names; /* of the keys as they were stored: len (u32), bytes */
	uint64_t count;
	uint64_t bytes;
};

/* The lock is renewed with each so many bytes or keys. */
static enum err_code
renew_lock(struct rd_pick *p, struct err *err)
{
	const struct resp_word words[] = { { "EXPIRE", 6 }, { p->lock, strlen(p->lock) },
		{ "60", 2 } };
	return rd_add(p, words, ARRAY_LEN(words), err);
}

static enum err_code
note_name(struct buf *names, const uint8_t *key, size_t len, struct err *err)
{
	return buf_u32(names, (uint32_t)len, err) ? err->code : buf_add(names, key, len, err);
}

static enum err_code
restore_key(void *arg, const struct pick_key *key, struct err *err)
{
	struct restoring *r = arg;
	struct rd_pick *p = r->p;
	AUTO(bufv) struct buf name = BUF_INIT;
	AUTO(bufv) struct buf payload = BUF_INIT;
	char ttl[32];
	int len = snprintf(ttl, sizeof ttl, "%" PRId64, key->expires_ms);
	if (rd_is_ours(key->name, key->name_len))
		return ERR_OK;
	if (buf_str(&name, r->before, err) || buf_add(&name, key->name, key->name_len, err) ||
	    put_payload(&payload, key, p->pick->keys->rdb_version, err) ||
	    note_name(&r->names, key->name, key->name_len, err))
		return err->code;
	const struct resp_word words[] = { { "RESTORE", 7 }, { name.data, name.len },
		{ ttl, (size_t)len }, { payload.data, payload.len }, { "REPLACE", 7 },
		{ "ABSTTL", 6 } };
	if (++r->count > PICK_KEYS_MAX)
		return err_set(err, ERR_UNSUPPORTED,
		    "more than %d keys begin with %s: give a longer prefix", PICK_KEYS_MAX,
		    p->pick->prefix);
	if (r->count % 5000 == 0 && p->pick->into == NULL && renew_lock(p, err))
		return err->code;
	return rd_add(p, words, ARRAY_LEN(words), err);
}

static enum err_code
restore_keys(struct rd_pick *p, struct restoring *r, struct err *err)
{
	if (p->pick->keys->each(p->pick->keys, restore_key, r, err))
		return err->code;
	return rd_flush(p, err);
}

enum err_code
rd_put_beside(struct rd_pick *p, struct err *err)
{
	struct restoring r = { .p = p, .before = "" };
	enum err_code rc = restore_keys(p, &r, err);
	buf_release(&r.names);
	return rc;
}

/* --- names --- */

static enum err_code
add_rename(struct rd_pick *p, const char *from, const char *to, const uint8_t *key, size_t len,
    struct err *err)
{
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	if (buf_str(&a, from, err) || buf_add(&a, key, len, err) || buf_str(&b, to, err) ||
	    buf_add(&b, key, len, err))
		return err->code;
	const struct resp_word words[] = { { "RENAME", 6 }, { a.data, a.len },
		{ b.data, b.len } };
	return rd_add(p, words, ARRAY_LEN(words), err);
}

static enum err_code
rename_all(struct rd_pick *p, const struct buf *names, const char *from, const char *to,
    struct err *err)
{
	for (size_t at = 0; at < names->len;) {
		size_t len = get_u32(names->data + at);
		if (add_rename(p, from, to, names->data + at + 4, len, err))
			return err->code;
		at += 4 + len;
	}
	return ERR_OK;
}

/* RENAME says so of a key that is not there: one that expired, or that SCAN named twice. */
static bool
is_harmless(const struct resp_reply *r)
{
	return r->type != RESP_ERROR || strcmp(r->text, "ERR no such key") == 0;
}

static enum err_code
exec(struct rd_pick *p, struct err *err)
{
	static const char *const argv[] = { "EXEC", NULL };
	AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
	if (rd_flush(p, err) || resp_call(p->resp, argv, &reply, err))
		return err->code;
	if (reply.type != RESP_ARRAY)
		return err_set(err, ERR_IO,
		    "the server refuses EXEC, nothing was changed: %.300s",
		    reply.text != NULL ? reply.text : "no answer");
	for (size_t i = 0; i < reply.count; i++)
		if (!is_harmless(&reply.items[i]))
			return err_set(err, ERR_IO,
			    "the server refused a part of the exchange: %.300s",
			    reply.items[i].text);
	return ERR_OK;
}

static enum err_code
add_words(struct rd_pick *p, const char *a, const char *b, const char *c, struct err *err)
{
	const struct resp_word words[] = { { a, strlen(a) },
		{ b != NULL ? b : "", b != NULL ? strlen(b) : 0 },
		{ c != NULL ? c : "", c != NULL ? strlen(c) : 0 } };
	return rd_add(p, words, b == NULL ? 1 : c == NULL ? 2 : 3, err);
}

/* --- lists of names --- */

struct listing {
	const struct rd_pick *p;
	struct buf names;
	size_t cut; /* of each name */
	uint64_t count;
};

static enum err_code
list_one(void *arg, const uint8_t *key, size_t len, struct err *err)
{
	struct listing *l = arg;
	if (++l->count > PICK_KEYS_MAX)
		return err_set(err, ERR_UNSUPPORTED,
		    "more than %d keys begin with %s: give a longer prefix", PICK_KEYS_MAX,
		    l->p->pick->prefix);
	return note_name(&l->names, key + l->cut, len - l->cut, err);
}

/* Removes as it goes: a scan gives what was there from its beginning to its end. */
static enum err_code
unlink_one(void *arg, const uint8_t *key, size_t len, struct err *err)
{
	return rd_unlink(arg, key, len, err);
}

static enum err_code
unlink_all(struct rd_pick *p, const char *prefix, struct err *err)
{
	return rd_scan(p, prefix, unlink_one, p, err) ? err->code : rd_flush(p, err);
}

enum err_code
rd_drop_fresh(struct rd_pick *p, struct err *err)
{
	return unlink_all(p, p->fresh, err);
}

/* --- verbs --- */

/* Both lists go aside, since a key that is made in this moment may be one of the stored ones.
 */
static enum err_code
exchange(struct rd_pick *p, const struct buf *live, const struct buf *stored, struct err *err)
{
	if (add_words(p, "MULTI", NULL, NULL, err) || rename_all(p, live, "", p->old, err) ||
	    rename_all(p, stored, "", p->old, err) ||
	    rename_all(p, stored, p->fresh, "", err) ||
	    add_words(p, "SET", p->kept, p->pick->tag, err) ||
	    add_words(p, "UNLINK", p->lock, NULL, err))
		return err->code;
	return exec(p, err);
}

static enum err_code
load_and_exchange(struct rd_pick *p, struct restoring *r, struct listing *live, struct err *err)
{
	/* Old ones without a mark are those of a finish that was not waited for. */
	if (rd_drop_fresh(p, err) || unlink_all(p, p->old, err) || restore_keys(p, r, err) ||
	    rd_scan(p, p->pick->prefix, list_one, live, err))
		return err->code;
	return exchange(p, &live->names, &r->names, err);
}

static enum err_code
take_lock(struct rd_pick *p, struct err *err)
{
	const char *argv[] = { "SET", p->lock, "1", "NX", "EX", "60", NULL };
	AUTO(str) char *answer = NULL;
	if (rd_ask(p, argv, &answer, err))
		return err->code;
	return *answer != '\0' ? ERR_OK
			       : err_set(err, ERR_LOCKED,
				     "another restore of the keys that begin with %s is under "
				     "way (or was killed less than a minute ago)",
				     p->pick->prefix);
}

enum err_code
rd_put_in_place(struct rd_pick *p, struct err *err)
{
	struct restoring r = { .p = p, .before = p->fresh };
	struct listing live = { .p = p };
	if (take_lock(p, err))
		return err->code;
	enum err_code rc = load_and_exchange(p, &r, &live, err);
	buf_release(&r.names);
	buf_release(&live.names);
	return rc;
}

static enum err_code
exchange_back(struct rd_pick *p, struct listing *live, struct listing *old, struct err *err)
{
	if (rd_scan(p, p->pick->prefix, list_one, live, err) ||
	    rd_scan(p, p->old, list_one, old, err) || add_words(p, "MULTI", NULL, NULL, err))
		return err->code;
	for (size_t at = 0; at < live->names.len;) {
		size_t len = get_u32(live->names.data + at);
		if (rd_unlink(p, live->names.data + at + 4, len, err))
			return err->code;
		at += 4 + len;
	}
	if (rename_all(p, &old->names, p->old, "", err) ||
	    add_words(p, "UNLINK", p->kept, NULL, err))
		return err->code;
	return exec(p, err);
}

enum err_code
rd_put_back(struct rd_pick *p, struct err *err)
{
	struct listing live = { .p = p };
	struct listing old = { .p = p, .cut = strlen(p->old) };
	if (take_lock(p, err))
		return err->code;
	enum err_code rc = exchange_back(p, &live, &old, err);
	buf_release(&live.names);
	buf_release(&old.names);
	if (rc != ERR_OK || add_words(p, "UNLINK", p->lock, NULL, err))
		return rc != ERR_OK ? rc : err->code;
	return rd_flush(p, err);
}

/* From here on nothing can be put back, whatever ends it. */
enum err_code
rd_drop_kept(struct rd_pick *p, const char *tag, struct err *err)
{
	AUTO(str) char *gone = NULL;
	if (str_printf(&gone, err, "%s gone", tag) || add_words(p, "SET", p->kept, gone, err) ||
	    rd_flush(p, err) || unlink_all(p, p->old, err) || rd_drop_fresh(p, err) ||
	    add_words(p, "UNLINK", p->kept, NULL, err))
		return err->code;
	return rd_flush(p, err);
}

/* Many commands at once, and lists of keys (redis_pick_impl.h). */
#include "db/redis_pick_impl.h"

#include <string.h>

#define BATCH_COMMANDS 500
#define BATCH_BYTES ((size_t)1 << 20)

enum err_code
rd_ask(struct rd_pick *p, const char *const *argv, char **out, struct err *err)
{
	return link_text(p->link, argv, out, err);
}

static enum err_code
receive_one(struct rd_pick *p, struct err *err)
{
	AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
	if (resp_receive(p->resp, &reply, err))
		return err->code;
	if (reply.type == RESP_ERROR && p->refusal.code == ERR_OK)
		err_set(&p->refusal, ERR_IO, "the server refuses: %.300s", reply.text);
	return ERR_OK;
}

enum err_code
rd_flush(struct rd_pick *p, struct err *err)
{
	if (cancel_check(p->r->base.t->cancel, err) ||
	    resp_send_bytes(p->resp, p->batch.data, p->batch.len, err))
		return err->code;
	p->refusal = (struct err)ERR_INIT;
	for (; p->waiting > 0; p->waiting--)
		if (receive_one(p, err))
			return err->code;
	p->batch.len = 0;
	if (p->refusal.code != ERR_OK)
		*err = p->refusal;
	return p->refusal.code;
}

enum err_code
rd_add(struct rd_pick *p, const struct resp_word *words, size_t count, struct err *err)
{
	if (resp_put(&p->batch, words, count, err))
		return err->code;
	p->waiting++;
	bool is_full = p->waiting == BATCH_COMMANDS || p->batch.len >= BATCH_BYTES;
	return is_full ? rd_flush(p, err) : ERR_OK;
}

enum err_code
rd_unlink(struct rd_pick *p, const uint8_t *key, size_t len, struct err *err)
{
	const struct resp_word words[] = { { "UNLINK", 6 }, { key, len } };
	return rd_add(p, words, ARRAY_LEN(words), err);
}

bool
rd_is_ours(const uint8_t *key, size_t len)
{
	static const char *const names[] = {
		"stacksnap:new:", "stacksnap:old:", "stacksnap:kept:", "stacksnap:lock:"
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i]);
		if (len >= n && memcmp(key, names[i], n) == 0)
			return true;
	}
	return false;
}

/* MATCH takes signs for patterns. */
static enum err_code
pattern_of(struct buf *out, const char *prefix, struct err *err)
{
	for (const char *c = prefix; *c != '\0'; c++)
		if ((strchr("*?[]^-\\", *c) != NULL && buf_u8(out, '\\', err)) ||
		    buf_u8(out, (uint8_t)*c, err))
			return err->code;
	if (buf_u8(out, '*', err))
		return err->code;
	return buf_cstr(out) != NULL ? ERR_OK : err_nomem(err);
}

static enum err_code
scan_page(const char *prefix, const struct resp_reply *keys, rd_key_fn *fn, void *arg,
    struct err *err)
{
	size_t n = strlen(prefix);
	bool of_ours = rd_is_ours((const uint8_t *)prefix, n);
	for (size_t i = 0; i < keys->count; i++) {
		const struct resp_reply *k = &keys->items[i];
		const uint8_t *name = (const uint8_t *)k->text;
		if (k->type != RESP_STRING || k->len < n || memcmp(name, prefix, n) != 0 ||
		    (!of_ours && rd_is_ours(name, k->len)))
			continue;
		if (fn(arg, name, k->len, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
rd_scan(struct rd_pick *p, const char *prefix, rd_key_fn *fn, void *arg, struct err *err)
{
	AUTO(bufv) struct buf pattern = BUF_INIT;
	char cursor[32] = "0";
	if (pattern_of(&pattern, prefix, err))
		return err->code;
	do {
		const char *argv[] = { "SCAN", cursor, "MATCH", (const char *)pattern.data,
			"COUNT", "1000", NULL };
		AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
		/* Answers come in the order of commands. */
		if ((p->waiting > 0 && rd_flush(p, err)) ||
		    resp_call(p->resp, argv, &reply, err))
			return err->code;
		if (reply.type == RESP_ERROR)
			return err_set(
			    err, ERR_IO, "the server refuses SCAN: %.300s", reply.text);
		if (reply.type != RESP_ARRAY || reply.count != 2 ||
		    reply.items[0].type != RESP_STRING || reply.items[0].len >= sizeof cursor)
			return err_set(err, ERR_CORRUPT, "unexpected answer to SCAN");
		memcpy(cursor, reply.items[0].text, reply.items[0].len + 1);
		if (scan_page(prefix, &reply.items[1], fn, arg, err))
			return err->code;
	} while (strcmp(cursor, "0") != 0);
	return ERR_OK;
}

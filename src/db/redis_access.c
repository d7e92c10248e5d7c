/*
 * What an account may do on a Redis or Valkey server.
 *
 * A user without rights may not ask for its own rules, so it is tried: with commands
 * that change nothing, since they are about a key that is not there, and with
 * the answer of a replica's first words.
 */
#include "db/redis_impl.h"

#include "base/bytes.h"
#include "sys/rand.h"

#include <string.h>

#define KEY_BYTES 16

/* Is the command allowed?  What a server that cannot be written to says is a no, too. */
static enum err_code
is_allowed(struct link *k, const char *const *argv, bool *out, struct err *err)
{
	AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
	if (resp_call(link_resp(k), argv, &reply, err))
		return err_wrap(err, "%s", argv[0]);
	*out = reply.type != RESP_ERROR;
	return ERR_OK;
}

static enum err_code
note_writes(struct link *k, struct db_access *out, struct err *err)
{
	uint8_t raw[KEY_BYTES];
	char key[sizeof "stacksnap:" + 2 * KEY_BYTES];
	if (rand_bytes(raw, sizeof raw, err))
		return err->code;
	memcpy(key, "stacksnap:", sizeof "stacksnap:");
	hex_encode(key + strlen(key), raw, sizeof raw);
	const char *const tries[][5] = {
		{ "DEL", key, NULL },
		{ "EXPIRE", key, "1", NULL },
		{ "LPUSHX", key, "x", NULL },
		{ "SETRANGE", key, "0", "", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		bool may = false;
		if (is_allowed(k, tries[i], &may, err))
			return err->code;
		if (may)
			return db_access_writes(
			    out, err, "may write (%s is allowed)", tries[i][0]);
	}
	return ERR_OK;
}

static enum err_code
note_unreadable(struct link *k, struct db_access *out, struct err *err)
{
	const char *const replconf[] = { "REPLCONF", "capa", "eof", NULL };
	bool may = false;
	if (is_allowed(k, replconf, &may, err))
		return err->code;
	return may ? ERR_OK
		   : db_access_unreadable(out, err,
			 "anything: the user may not take a full copy (REPLCONF, PSYNC)");
}

enum err_code
redis_access(struct connector *c, struct db_access *out, struct err *err)
{
	struct redis *r = redis_of(c);
	AUTO(link) struct link *k = NULL;
	const char *user = r->login.user != NULL ? r->login.user : "default";
	if (str_dup(&out->user, user, err) || link_open(&k, &r->login, err) ||
	    note_writes(k, out, err) || note_unreadable(k, out, err))
		return err->code;
	if (redis_major(r->facts.version) < 6)
		return strv_add(&out->statements,
		    "(before version 6 a server has one user, who may do everything)", err);
	return strv_add(&out->statements,
	    "ACL SETUSER stacksnap on >NEW-PASSWORD resetkeys allkeys -@all +ping +info "
	    "+replconf "
	    "+psync +config|get",
	    err);
}

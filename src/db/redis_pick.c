/* Keys that begin alike, of a server that runs (pick.h, redis_pick_impl.h). */
#include "db/redis_pick_impl.h"

#include <inttypes.h>
#include <string.h>

/* RESTORE ... ABSTTL, and UNLINK. */
#define OLDEST 5

static void
rd_pick_release(struct rd_pick *p)
{
	link_close(p->link);
	free(p->fresh);
	free(p->old);
	free(p->kept);
	free(p->lock);
	buf_release(&p->batch);
}

/* "db3" */
static enum err_code
number_of(unsigned *out, const char *text, struct err *err)
{
	const char *digits = str_starts(text, "db") ? text + 2 : text;
	size_t n = strspn(digits, "0123456789");
	if (n == 0 || n > 5 || digits[n] != '\0')
		return err_set(err, ERR_USAGE,
		    "%s is no database: they are called db0, db1 and so on", text);
	*out = (unsigned)strtoul(digits, NULL, 10);
	return ERR_OK;
}

static enum err_code
set_names(struct rd_pick *p, struct err *err)
{
	char side[PICK_SIDE_SIZE];
	pick_side_name(side, p->pick->prefix);
	const char *hash = side + strlen("rows_");
	if (str_printf(&p->fresh, err, "stacksnap:new:%s:", hash) ||
	    str_printf(&p->old, err, "stacksnap:old:%s:", hash) ||
	    str_printf(&p->kept, err, "stacksnap:kept:%s", hash))
		return err->code;
	return str_printf(&p->lock, err, "stacksnap:lock:%s", hash);
}

static enum err_code
choose_database(struct rd_pick *p, unsigned number, struct err *err)
{
	char digits[16];
	const char *argv[] = { "SELECT", digits, NULL };
	AUTO(str) char *answer = NULL;
	snprintf(digits, sizeof digits, "%u", number);
	return rd_ask(p, argv, &answer, err);
}

static enum err_code
connect(struct rd_pick *p, struct err *err)
{
	struct redis *r = p->r;
	if (redis_login_find(&r->login, r->base.t, r->base.report.info.kind, err) ||
	    link_open(&p->link, &r->login, err))
		return err->code;
	p->resp = link_resp(p->link);
	if (p->resp == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "the server can be reached with its own client only, which takes no "
		    "values: keys cannot be put back so");
	return choose_database(p, p->number, err);
}

/* --- look --- */

static enum err_code
expect(
    const char *info, const char *name, const char *refused, const char *why, struct err *err)
{
	AUTO(str) char *value = NULL;
	if (info_value(&value, info, name, err))
		return err->code;
	return strcmp(value, refused) != 0 ? ERR_OK : err_set(err, ERR_UNSUPPORTED, "%s", why);
}

static enum err_code
check_server(struct rd_pick *p, struct strv *told, struct err *err)
{
	static const char *const all[] = { "INFO", NULL };
	AUTO(str) char *info = NULL;
	AUTO(str) char *version = NULL;
	AUTO(str) char *policy = NULL;
	if (rd_ask(p, all, &info, err) ||
	    expect(info, "cluster_enabled", "1",
		"the server is part of a cluster, in which keys of one prefix are on several: "
		"they cannot be exchanged in one step",
		err) ||
	    expect(info, "role", "slave",
		"the server is a replica: restore into the one that it follows", err) ||
	    info_value(&version, info, "redis_version", err) ||
	    info_value(&policy, info, "maxmemory_policy", err))
		return err->code;
	if (redis_major(version) < OLDEST)
		return err_set(err, ERR_UNSUPPORTED,
		    "single keys can be put back into version %d and later, this is %s", OLDEST,
		    version);
	if (told == NULL || !str_starts(policy, "allkeys-"))
		return ERR_OK;
	return strv_addf(told, err,
	    "the server removes keys when memory is short (maxmemory-policy %s): also old ones "
	    "that are kept",
	    policy);
}

static enum err_code
kept_tag(struct rd_pick *p, char **out, struct err *err)
{
	const char *argv[] = { "GET", p->kept, NULL };
	AUTO(str) char *value = NULL;
	if (rd_ask(p, argv, &value, err))
		return err->code;
	return str_dupn(out, value, strcspn(value, "\n"), err);
}

static enum err_code
check_size(const struct rd_pick *p, struct err *err)
{
	if (p->pick->rows <= PICK_KEYS_MAX)
		return ERR_OK;
	return err_set(err, ERR_UNSUPPORTED,
	    "%" PRIu64
	    " keys begin with %s, more than the %d that can be exchanged in one step "
	    "without a stop: give a longer prefix",
	    p->pick->rows, p->pick->prefix, PICK_KEYS_MAX);
}

static enum err_code
look_in_place(struct rd_pick *p, struct strv *told, struct err *err)
{
	AUTO(str) char *tag = NULL;
	if (check_size(p, err) || kept_tag(p, &tag, err))
		return err->code;
	if (strlen(tag) == 8)
		return err_set(err, ERR_EXISTS,
		    "the keys %s... that snapshot %s has replaced are still kept: 'stacksnap "
		    "restore finish' removes them, 'restore undo' puts them back",
		    p->pick->prefix, tag);
	if (told == NULL)
		return ERR_OK;
	return strv_addf(told, err,
	    "keys that begin with %s are exchanged in one step, and readers see old or new "
	    "ones; one that is made in that moment, and is not in the snapshot, stays",
	    p->pick->prefix);
}

static enum err_code
look_beside(struct rd_pick *p, struct err *err)
{
	static const char *const argv[] = { "DBSIZE", NULL };
	AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
	unsigned number;
	if (number_of(&number, p->pick->into, err) || choose_database(p, number, err) ||
	    resp_call(p->resp, argv, &reply, err))
		return err->code;
	if (reply.type != RESP_NUMBER)
		return err_set(err, ERR_CORRUPT, "unexpected answer to DBSIZE");
	return reply.number == 0
		   ? ERR_OK
		   : err_set(err, ERR_EXISTS,
			 "database %u has %" PRId64
			 " keys: give another --into-db, or empty it with FLUSHDB",
			 number, reply.number);
}

static enum err_code
look(struct rd_pick *p, struct strv *told, struct err *err)
{
	if (check_server(p, told, err))
		return err->code;
	return p->pick->into != NULL ? look_beside(p, err) : look_in_place(p, told, err);
}

/* --- verbs --- */

static enum err_code
put(struct rd_pick *p, struct err *err)
{
	struct err later;
	if (look(p, NULL, err))
		return err->code;
	if (p->pick->into != NULL)
		return rd_put_beside(p, err);
	enum err_code rc = rd_put_in_place(p, err);
	if (rc == ERR_OK || rc == ERR_LOCKED)
		return rc;
	/* A connection on which MULTI was said is of no more use. */
	link_close(TAKE(p->link));
	p->batch.len = 0;
	p->waiting = 0;
	if (connect(p, &later) == ERR_OK && rd_drop_fresh(p, &later) == ERR_OK &&
	    rd_unlink(p, (const uint8_t *)p->lock, strlen(p->lock), &later) == ERR_OK &&
	    rd_flush(p, &later) == ERR_OK)
		return rc;
	return err_wrap(err, "(and not tidied up: %.200s)", later.msg);
}

static enum err_code
settle(struct rd_pick *p, struct strv *told, struct err *err)
{
	AUTO(str) char *tag = NULL;
	if (kept_tag(p, &tag, err))
		return err->code;
	bool is_going = strlen(tag) > 8;
	if (*tag == '\0' || (is_going && p->pick->verb != PICK_FINISH))
		return err_set(err, ERR_NOT_FOUND,
		    "no keys %s... were replaced, or this is settled already", p->pick->prefix);
	tag[8] = '\0';
	switch (p->pick->verb) {
	case PICK_KEPT:
		return strv_add(told, tag, err);
	case PICK_UNDO:
		return rd_put_back(p, err);
	default:
		return rd_drop_kept(p, tag, err);
	}
}

/* The lock goes by itself a minute after whoever held it. */
static enum err_code
mend(struct rd_pick *p, struct err *err)
{
	const char *argv[] = { "GET", p->lock, NULL };
	AUTO(str) char *lock = NULL;
	if (rd_ask(p, argv, &lock, err))
		return err->code;
	if (*lock != '\0')
		return err_set(err, ERR_LOCKED,
		    "a restore of the keys that begin with %s was at work less than a minute "
		    "ago",
		    p->pick->prefix);
	return rd_drop_fresh(p, err);
}

enum err_code
redis_pick(struct connector *c, const struct db_pick *pick, struct strv *told, struct err *err)
{
	struct rd_pick p = { .r = redis_of(c), .pick = pick };
	if (pick->prefix == NULL || *pick->prefix == '\0')
		return err_set(err, ERR_USAGE,
		    "give --key-prefix, too: the keys that begin with it are put back (all of "
		    "a "
		    "server: --service)");
	enum err_code rc = number_of(&p.number, pick->table, err);
	if (rc == ERR_OK)
		rc = set_names(&p, err);
	if (rc == ERR_OK)
		rc = connect(&p, err);
	if (rc == ERR_OK)
		rc = pick->verb == PICK_LOOK   ? look(&p, told, err)
		     : pick->verb == PICK_PUT  ? put(&p, err)
		     : pick->verb == PICK_MEND ? mend(&p, err)
					       : settle(&p, told, err);
	rd_pick_release(&p);
	return rc;
}

#include "db/mongo_impl.h"

#include "base/bytes.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/* How long the fence waits until most members have what the server has. */
#define MAJORITY_WAIT_MS 10000
#define MAJORITY_POLL_MS 5

struct mongo *
mongo_of(struct connector *c)
{
	return (struct mongo *)c;
}

enum err_code
mongo_connect(struct mongo_link **out, struct mongo *m, struct err *err)
{
	if (m->login.t == NULL && mongo_login_find(&m->login, m->base.t, err))
		return err->code;
	return m->open_link(out, &m->login, err);
}

enum err_code
mongo_order(struct mongo_link *k, const char *database, const char *word, const char *name,
    struct err *err)
{
	struct bson_maker b;
	struct mongo_answer a;
	AUTO(bufv) struct buf command = BUF_INIT;
	bson_begin(&b, &command);
	bson_put_string(&b, word, name);
	if (bson_finish(&b, err))
		return err->code;
	return mongo_command(k, database, &command, &a, err);
}

/* --- what the server is --- */

static void
facts_release(struct mongo_facts *f)
{
	free(f->set);
	*f = (struct mongo_facts){ .set = NULL };
}

static uint64_t
time_at(const struct mongo_answer *a, const char *which)
{
	const char *path[] = { "lastWrite", which, "ts", NULL };
	struct bson_value v;
	return bson_find(a->data, a->len, path, &v) && v.type == BSON_TIMESTAMP
		   ? get_u64(v.data)
		   : 0;
}

static bool
says(const struct mongo_answer *a, const char *name)
{
	struct bson_value v;
	return bson_get(a->data, a->len, name, &v) && bson_is_true(&v);
}

enum err_code
mongo_hello(struct mongo_facts *out, struct mongo_link *k, struct err *err)
{
	struct mongo_answer a;
	struct bson_value v;
	AUTO(str) char *set = NULL;
	/* Servers before 4.4 know the old word only. */
	if (mongo_simple(k, "admin", "isMaster", &a, err))
		return err->code;
	if (bson_get(a.data, a.len, "setName", &v) && bson_string(&v) != NULL &&
	    str_dup(&set, bson_string(&v), err))
		return err->code;
	facts_release(out);
	out->wire =
	    bson_get(a.data, a.len, "maxWireVersion", &v) ? (int)bson_integer(&v, 0) : 0;
	out->is_primary = says(&a, "ismaster") || says(&a, "isWritablePrimary");
	out->is_router = bson_get(a.data, a.len, "msg", &v) && bson_string(&v) != NULL &&
			 strcmp(bson_string(&v), "isdbgrid") == 0;
	out->is_fresh = says(&a, "isreplicaset");
	out->optime = time_at(&a, "opTime");
	out->majority = time_at(&a, "majorityOpTime");
	out->set = TAKE(set);
	return ERR_OK;
}

static enum err_code
read_version(struct mongo *m, struct err *err)
{
	struct mongo_answer a;
	struct bson_value v;
	if (mongo_simple(m->link, "admin", "buildInfo", &a, err))
		return err->code;
	const char *version = bson_get(a.data, a.len, "version", &v) ? bson_string(&v) : NULL;
	if (version == NULL)
		return err_set(err, ERR_INCOMPLETE, "the server does not tell its version");
	return str_dup(&m->base.report.info.version, version, err);
}

/* A fresh replica set needs it; a server that hides it makes no backup worse. */
static enum err_code
read_set_config(struct mongo *m, struct err *err)
{
	struct mongo_answer a;
	struct bson_value v;
	struct err refused;
	m->set_config.len = 0;
	if (m->facts.set == NULL)
		return ERR_OK;
	if (mongo_simple(m->link, "admin", "replSetGetConfig", &a, &refused)) {
		bool is_hidden = refused.code == ERR_UNSUPPORTED || refused.code == ERR_DENIED;
		if (!is_hidden)
			*err = refused;
		return is_hidden ? ERR_OK : refused.code;
	}
	if (!bson_get(a.data, a.len, "config", &v) || v.type != BSON_DOCUMENT)
		return ERR_OK;
	return buf_add(&m->set_config, v.data, v.len, err);
}

static enum err_code
warn(struct mongo *m, struct err *err)
{
	struct strv *w = &m->base.report.info.warnings;
	const struct mongo_facts *f = &m->facts;
	if (f->set == NULL)
		return strv_add(w,
		    "a server that stands alone keeps no moments: its collections are read one "
		    "behind another, each as it is by then. Make it a replica set of one "
		    "(mongod --replSet rs0) to have all of one moment",
		    err);
	if (f->wire < WIRE_SNAPSHOT_READS &&
	    strv_add(w,
		"before version 5.0 there are no reads of one moment: its collections are "
		"read one behind another, each as it is by then",
		err))
		return err->code;
	if (!f->is_primary &&
	    strv_add(w, "the server is a secondary: it may be behind its primary", err))
		return err->code;
	return ERR_OK;
}

static enum err_code
mongo_check(struct connector *c, struct err *err)
{
	struct mongo *m = mongo_of(c);
	mongo_link_close(TAKE(m->link));
	if (mongo_login_find(&m->login, c->t, err) || mongo_connect(&m->link, m, err) ||
	    mongo_hello(&m->facts, m->link, err))
		return err->code;
	if (m->facts.is_router)
		return err_set(err, ERR_UNSUPPORTED,
		    "this is the router of a sharded cluster, which has no moment of its own: "
		    "sharded clusters are not captured");
	if (read_version(m, err) || read_set_config(m, err))
		return err->code;
	if (mongo_list_read(&m->list, m->link, &c->report.info, err)) {
		if (err->code == ERR_DENIED)
			err_wrap(err, "%s",
			    m->login.user != NULL
				? "it takes the roles backup and readAnyDatabase"
			    : c->t->site != NULL
				? "log in: name a user in the address"
				: "log in: set MONGO_INITDB_ROOT_USERNAME and _PASSWORD");
		return err->code;
	}
	return warn(m, err);
}

static enum err_code
mongo_prepare(struct connector *c, struct err *err)
{
	struct mongo *m = mongo_of(c);
	/* The link that checked stays; what is first said in a session takes longer. */
	m->has_moment = false;
	m->link->in_session = m->facts.set != NULL && m->facts.wire >= WIRE_SNAPSHOT_READS;
	return mongo_hello(&m->facts, m->link, err);
}

/* --- the fence --- */

/* The moment is the last write's, as soon as most members have it: then it stays. */
static enum err_code
wait_for_majority(struct mongo *m, struct err *err)
{
	int64_t deadline = clock_mono_ns() + MAJORITY_WAIT_MS * NS_PER_MS;
	uint64_t wanted = 0;
	for (;;) {
		if (mongo_hello(&m->facts, m->link, err))
			return err->code;
		if (wanted == 0)
			wanted = m->facts.optime;
		if (wanted == 0)
			return err_set(err, ERR_TRANSIENT,
			    "the replica set %s does not tell its last write: was it "
			    "initiated?",
			    m->facts.set);
		if (m->facts.majority >= wanted) {
			m->moment = wanted;
			m->has_moment = true;
			return ERR_OK;
		}
		if (clock_mono_ns() >= deadline)
			return err_set(err, ERR_TRANSIENT,
			    "most members of the replica set %s do not have the last write "
			    "after %d ms",
			    m->facts.set, MAJORITY_WAIT_MS);
		struct pollfd pfd = { cancel_fd(m->base.t->cancel), POLLIN, 0 };
		poll(&pfd, 1, MAJORITY_POLL_MS);
		if (cancel_check(m->base.t->cancel, err))
			return err->code;
	}
}

static enum err_code
mongo_fence(struct connector *c, struct err *err)
{
	struct mongo *m = mongo_of(c);
	if (m->link->in_session && wait_for_majority(m, err))
		return err->code;
	if (m->has_moment)
		snprintf(c->report.fence.position, sizeof c->report.fence.position,
		    "optime %" PRIu64 ":%" PRIu64, m->moment >> 32, m->moment & UINT32_MAX);
	/* A collection that came behind the moment is read as one without documents. */
	return mongo_list_read(&m->list, m->link, NULL, err);
}

void
mongo_put_moment(struct bson_maker *b, const struct mongo *m)
{
	uint8_t raw[8];
	if (!m->has_moment)
		return;
	put_u64(raw, m->moment);
	bson_open_document(b, "readConcern");
	bson_put_string(b, "level", "snapshot");
	bson_put_raw(b, "atClusterTime", BSON_TIMESTAMP, raw, sizeof raw);
	bson_shut(b);
}

/* --- after a restore --- */

/* The official image first starts a server that only its own scripts should see. */
static enum err_code
check_is_no_set_up(struct mongo_link *k, struct err *err)
{
	static const char *const path[] = { "parsed", "processManagement", "pidFilePath",
		NULL };
	struct mongo_answer a;
	struct bson_value v;
	struct err refused;
	if (mongo_simple(k, "admin", "getCmdLineOpts", &a, &refused)) {
		/* Who may not ask has been let in, so the image has made its users. */
		if (refused.code == ERR_DENIED || refused.code == ERR_UNSUPPORTED)
			return ERR_OK;
		*err = refused;
		return err->code;
	}
	const char *file = bson_find(a.data, a.len, path, &v) ? bson_string(&v) : NULL;
	if (file != NULL && strstr(file, "docker-entrypoint") != NULL)
		return err_set(err, ERR_TRANSIENT, "the image is still setting the server up");
	return ERR_OK;
}

static enum err_code
mongo_ready(struct connector *c, struct err *err)
{
	struct mongo *m = mongo_of(c);
	struct mongo_answer a;
	AUTO(mongo_link) struct mongo_link *k = NULL;
	if (mongo_connect(&k, m, err))
		return err->code;
	if (mongo_hello(&m->facts, k, err) ||
	    (!m->facts.is_fresh && mongo_simple(k, "admin", "listDatabases", &a, err))) {
		/* Users are made while the image sets the server up. */
		if (err->code == ERR_DENIED || err->code == ERR_IO)
			err->code = ERR_TRANSIENT;
		return err->code;
	}
	return check_is_no_set_up(k, err);
}

static void
mongo_close(struct connector *c)
{
	struct mongo *m = mongo_of(c);
	mongo_link_close(m->link);
	mongo_login_release(&m->login);
	facts_release(&m->facts);
	mongo_list_release(&m->list);
	buf_release(&m->set_config);
	free(m);
}

static const struct connector_ops mongo_ops = {
	.check = mongo_check,
	.access = mongo_access,
	.prepare = mongo_prepare,
	.fence = mongo_fence,
	.drain = mongo_drain,
	.ready = mongo_ready,
	.load = mongo_load,
	.pick = mongo_pick,
	.aside = mongo_aside,
	.close = mongo_close,
};

enum err_code
mongo_open(struct connector **out, const struct db_target *t, struct err *err)
{
	struct mongo *m = calloc(1, sizeof *m);
	if (m == NULL)
		return err_nomem(err);
	m->base.ops = &mongo_ops;
	m->base.t = t;
	m->open_link = mongo_link_open;
	*out = &m->base;
	return ERR_OK;
}

/*
 * redis_impl.h: what the parts of the Redis and Valkey connector share.
 *
 * redis.c          preflight, fence, drain
 * redis_access.c   what the account may do
 * redis_sync.c     a full synchronisation: the server forks, its child writes an RDB file
 * redis_pick.c     keys that begin alike (redis_pick_impl.h)
 * redis_restore.c  files for the data folder, and the check that they were read
 *
 * The dump is dump.rdb and server.json, which says how this server keeps its
 * data, since a restore places files before there is a server to ask.
 */
#ifndef DB_REDIS_IMPL_H
#define DB_REDIS_IMPL_H

#include "db/connector_impl.h"
#include "db/dump.h"
#include "db/redis_link.h"

#define REDIS_FACTS "server.json"
#define REDIS_DUMP "dump.rdb"
#define REDIS_MARK 40

/* What server.json says. */
struct redis_facts {
	char *version;
	char *dir;
	char *dbfilename;
	char *appenddirname; /* NULL before version 7 */
	char *appendfilename;
	bool appends; /* runs with appendonly yes, or will after a restart */
	bool appends_configured; /* certainly will after a restart */
	uid_t uid;
	gid_t gid;
	uint64_t keys; /* in all databases */
	uint64_t expires; /* those of them with a time to live */
};

#define REDIS_FACTS_INIT                                               \
	{                                                              \
		NULL, NULL, NULL, NULL, NULL, false, false, 0, 0, 0, 0 \
	}

void redis_facts_release(struct redis_facts *f);
static inline void UNUSED
redis_facts_auto(struct redis_facts *f)
{
	redis_facts_release(f);
}

/* The number before the first dot. */
unsigned redis_major(const char *version);

/* Where a full synchronisation stands. */
struct redis_sync {
	struct link *link; /* the replica's connection */
	struct run *cli; /* instead of it, where there is no connection: redis-cli --rdb - */
	struct buf first; /* of redis-cli's output, read until it was known to have begun */
	char *diskless; /* settings to put back; NULL when unchanged */
	char *diskless_delay;
	char replid[64];
	uint64_t offset;
};

/* Log in a second time and present this connection as a replica that wants a file only. */
MUST_CHECK enum err_code sync_open(
    struct redis_sync *s, const struct redis_login *l, struct err *err);
/* Ask for the file and return when the server has fixed its state.  min_offset is where the
 * server stood before: a file that is older is refused. */
MUST_CHECK enum err_code sync_begin(
    struct redis_sync *s, struct link *ctl, uint64_t min_offset, struct err *err);
/* Settings back as they were, if any was changed. */
MUST_CHECK enum err_code sync_put_back(struct redis_sync *s, struct link *ctl, struct err *err);
/* The whole file into the stream that was begun; *empty tells whether it holds no key. */
MUST_CHECK enum err_code sync_drain(
    struct redis_sync *s, const struct dump_out *d, bool *empty, struct err *err);
void sync_close(struct redis_sync *s);

struct redis {
	struct connector base;
	struct redis_login login;
	struct redis_facts facts;
	struct link *ctl;
	struct redis_sync sync;
};

struct redis *redis_of(struct connector *c);

MUST_CHECK enum err_code redis_count_keys(
    const char *info, uint64_t *keys, uint64_t *expires, struct err *err);
MUST_CHECK enum err_code redis_info(struct link *k, char **out, struct err *err);

MUST_CHECK enum err_code redis_access(
    struct connector *c, struct db_access *out, struct err *err);
MUST_CHECK enum err_code redis_restore_files(
    struct connector *c, struct dump_source *src, struct file_sink *sink, struct err *err);
MUST_CHECK enum err_code redis_ready(struct connector *c, struct err *err);
MUST_CHECK enum err_code redis_load(
    struct connector *c, struct dump_source *src, struct err *err);
MUST_CHECK enum err_code redis_pick(
    struct connector *c, const struct db_pick *pick, struct strv *told, struct err *err);

#endif

#include "db/redis_impl.h"

#include "base/json.h"
#include "db/target.h"
#include "db/tool.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/* How long a save that is under way may still run, before the fence and at it. */
#define CHILD_WAIT_MS 120000
#define CHILD_WAIT_AT_FENCE_MS 10000
#define CHILD_POLL_MS 10

struct redis *
redis_of(struct connector *c)
{
	return (struct redis *)c;
}

void
redis_facts_release(struct redis_facts *f)
{
	free(f->version);
	free(f->dir);
	free(f->dbfilename);
	free(f->appenddirname);
	free(f->appendfilename);
	*f = (struct redis_facts)REDIS_FACTS_INIT;
}

unsigned
redis_major(const char *version)
{
	return (unsigned)strtoul(version, NULL, 10);
}

enum err_code
redis_info(struct link *k, char **out, struct err *err)
{
	const char *argv[] = { "INFO", NULL };
	return link_text(k, argv, out, err);
}

/* Take the next "dbN:keys=A,expires=B" off INFO's text. */
static bool
next_keyspace(const char **info, unsigned *index, uint64_t *keys, uint64_t *expires)
{
	for (const char *line = *info; *line != '\0';) {
		bool is_match = sscanf(line, "db%u:keys=%" SCNu64 ",expires=%" SCNu64, index,
				    keys, expires) == 3;
		line += strcspn(line, "\n");
		line += *line == '\n';
		*info = line;
		if (is_match)
			return true;
	}
	return false;
}

enum err_code
redis_count_keys(const char *info, uint64_t *keys, uint64_t *expires, struct err *err)
{
	if (strstr(info, "# Keyspace") == NULL)
		return err_set(err, ERR_CORRUPT, "INFO has no keyspace section");
	unsigned index;
	uint64_t k;
	uint64_t e;
	*keys = 0;
	*expires = 0;
	while (next_keyspace(&info, &index, &k, &e)) {
		*keys += k;
		*expires += e;
	}
	return ERR_OK;
}

static enum err_code
add_databases(struct db_info *info, const char *text, struct err *err)
{
	unsigned index;
	uint64_t keys;
	uint64_t expires;
	while (next_keyspace(&text, &index, &keys, &expires)) {
		char name[16];
		snprintf(name, sizeof name, "%u", index);
		if (info_add_database(info, name, 0, keys, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
read_info(struct redis *r, const char *text, struct err *err)
{
	static const char *const versions[] = { "valkey_version", "redis_version" };
	struct db_info *info = &r->base.report.info;
	AUTO(str) char *memory = NULL;
	AUTO(str) char *cluster = NULL;
	AUTO(str) char *role = NULL;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		free(TAKE(info->version));
		if (info_value(&info->version, text, versions[i], err))
			return err->code;
		if (info->version[0] != '\0')
			break;
	}
	if (str_dup(&r->facts.version, info->version, err) || add_databases(info, text, err) ||
	    info_value(&memory, text, "used_memory_dataset", err) ||
	    info_value(&cluster, text, "cluster_enabled", err) ||
	    info_value(&role, text, "role", err))
		return err->code;
	info->bytes = strtoull(memory, NULL, 10);
	if (strcmp(cluster, "1") == 0 &&
	    strv_add(&info->warnings,
		"the server is a node of a cluster: only the slots that it holds are captured",
		err))
		return err->code;
	if (strcmp(role, "slave") == 0 &&
	    strv_add(&info->warnings,
		"the server is a replica: its state may be behind its master's", err))
		return err->code;
	return ERR_OK;
}

/* What the server says it does, or else what it was told to do, or else what it does unasked.
 */
static enum err_code
find_setting(struct redis *r, struct link *k, const char *name, const char *otherwise,
    char **out, struct err *err)
{
	struct err refused; /* CONFIG may be renamed or forbidden */
	AUTO(str) char *value = NULL;
	if (link_config(k, name, &value, &refused) == ERR_OK && value[0] != '\0') {
		*out = TAKE(value);
		return ERR_OK;
	}
	AUTO(str) char *given = NULL;
	if (redis_option(&given, r->base.t, name, err))
		return err->code;
	return str_dup(out, given != NULL ? given : otherwise, err);
}

static enum err_code
find_files(struct redis *r, struct link *k, struct err *err)
{
	struct redis_facts *f = &r->facts;
	AUTO(str) char *folder = NULL;
	AUTO(str) char *appends = NULL;
	AUTO(str) char *configured = NULL;
	if (connector_data_folder(&folder, r->base.t, r->base.report.info.kind, err) ||
	    find_setting(r, k, "dir", folder, &f->dir, err) ||
	    find_setting(r, k, "dbfilename", "dump.rdb", &f->dbfilename, err) ||
	    find_setting(r, k, "appendfilename", "appendonly.aof", &f->appendfilename, err) ||
	    find_setting(r, k, "appendonly", "no", &appends, err) ||
	    redis_option(&configured, r->base.t, "appendonly", err))
		return err->code;
	bool has_folder = redis_major(f->version) >= 7;
	if (has_folder &&
	    find_setting(r, k, "appenddirname", "appendonlydir", &f->appenddirname, err))
		return err->code;
	f->appends_configured = configured != NULL && strcmp(configured, "yes") == 0;
	f->appends = f->appends_configured || strcmp(appends, "yes") == 0;
	return ERR_OK;
}

/* Who owns the data folder, so that a restored file has the same owner. */
static enum err_code
find_owner(struct redis *r, struct err *err)
{
	const char *argv[] = { "stat", "-c", "%u %g", r->facts.dir, NULL };
	struct run_spec spec = RUN_SPEC_INIT;
	spec.argv = argv;
	AUTO(bufv) struct buf text = BUF_INIT;
	struct tool_end end;
	unsigned uid = 0;
	unsigned gid = 0;
	enum err_code rc = tool_run(r->base.t, &spec, NULL, 4096, &text, &end, err);
	/* Without stat the files are root's, which the images' entrypoints change. */
	if (rc)
		return rc == ERR_USAGE ? ERR_OK : rc;
	const char *line = buf_cstr(&text);
	if (line != NULL && sscanf(line, "%u %u", &uid, &gid) == 2) {
		r->facts.uid = uid;
		r->facts.gid = gid;
	}
	return ERR_OK;
}

static enum err_code
warn_of_acl(struct redis *r, struct link *k, struct err *err)
{
	struct err refused; /* before version 6, or CONFIG is forbidden */
	AUTO(str) char *path = NULL;
	if (link_config(k, "aclfile", &path, &refused) || path[0] == '\0')
		return ERR_OK;
	size_t n = strlen(r->facts.dir);
	if (strncmp(path, r->facts.dir, n) != 0 || path[n] != '/')
		return ERR_OK;
	return strv_addf(&r->base.report.info.warnings, err,
	    "the users in %s, inside the data folder, are not captured", path);
}

/* Files that the server keeps its data in, or makes for a while. */
static bool
is_own_file(const struct redis_facts *f, const char *name)
{
	return strcmp(name, f->dbfilename) == 0 || strcmp(name, f->appendfilename) == 0 ||
	       (f->appenddirname != NULL && strcmp(name, f->appenddirname) == 0) ||
	       str_starts(name, "temp-") || strcmp(name, "lost+found") == 0;
}

/* The data folder is not captured as files: what else lies there would be missed. */
static enum err_code
warn_of_others(struct redis *r, struct err *err)
{
	const char *argv[] = { "ls", "-A", "--", r->facts.dir, NULL };
	struct run_spec spec = RUN_SPEC_INIT;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(bufv) struct buf others = BUF_INIT;
	AUTO(strv) struct strv names = STRV_INIT;
	struct tool_end end;
	spec.argv = argv;
	enum err_code rc = tool_run(r->base.t, &spec, NULL, 1 << 20, &text, &end, err);
	/* An image without ls keeps nothing of the kind. */
	if (rc)
		return rc == ERR_USAGE ? ERR_OK : rc;
	const char *lines = buf_cstr(&text);
	if (lines == NULL)
		return err_nomem(err);
	if (end.status != 0)
		return ERR_OK;
	if (strv_split(&names, lines, '\n', err))
		return err->code;
	for (size_t i = 0; i < names.len; i++)
		if (!is_own_file(&r->facts, names.items[i]) &&
		    buf_printf(
			&others, err, "%s%s", others.len > 0 ? ", " : "", names.items[i]))
			return err->code;
	if (others.len == 0)
		return ERR_OK;
	return strv_addf(&r->base.report.info.warnings, err,
	    "other files in %s, the data folder, are not captured: %.300s", r->facts.dir,
	    buf_cstr(&others));
}

static enum err_code
redis_check(struct connector *c, struct err *err)
{
	struct redis *r = redis_of(c);
	AUTO(link) struct link *k = NULL;
	AUTO(str) char *text = NULL;
	redis_facts_release(&r->facts);
	if (redis_login_find(&r->login, c->t, c->report.info.kind, err) ||
	    link_open(&k, &r->login, err) || redis_info(k, &text, err) ||
	    read_info(r, text, err) || find_files(r, k, err))
		return err->code;
	/* The folder of a server elsewhere is not ours to look into. */
	if (c->t->site != NULL)
		return ERR_OK;
	if (find_owner(r, err) || warn_of_acl(r, k, err))
		return err->code;
	return warn_of_others(r, err);
}

/* Does a child save or rewrite?  Then a full synchronisation would have to wait for it. */
static enum err_code
has_child(const char *info, bool *out, struct err *err)
{
	static const char *const names[] = { "rdb_bgsave_in_progress",
		"aof_rewrite_in_progress" };
	*out = false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(str) char *value = NULL;
		if (info_value(&value, info, names[i], err))
			return err->code;
		*out = *out || strcmp(value, "1") == 0;
	}
	return ERR_OK;
}

/* Until no child is at work; *info is the last INFO. */
static enum err_code
wait_for_child(struct redis *r, int timeout_ms, char **info, struct err *err)
{
	int64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
	for (;;) {
		AUTO(str) char *text = NULL;
		bool busy;
		if (redis_info(r->ctl, &text, err) || has_child(text, &busy, err))
			return err->code;
		if (!busy) {
			*info = TAKE(text);
			return ERR_OK;
		}
		if (clock_mono_ns() >= deadline)
			return err_set(err, ERR_TRANSIENT,
			    "the server is still busy with a save of its own after %d ms",
			    timeout_ms);
		struct pollfd pfd = { cancel_fd(r->base.t->cancel), POLLIN, 0 };
		poll(&pfd, 1, CHILD_POLL_MS);
		if (cancel_check(r->base.t->cancel, err))
			return err->code;
	}
}

static enum err_code
redis_prepare(struct connector *c, struct err *err)
{
	struct redis *r = redis_of(c);
	AUTO(str) char *info = NULL;
	if (link_open(&r->ctl, &r->login, err) || sync_open(&r->sync, &r->login, err))
		return err->code;
	return wait_for_child(r, CHILD_WAIT_MS, &info, err);
}

static enum err_code
redis_fence(struct connector *c, struct err *err)
{
	struct redis *r = redis_of(c);
	AUTO(str) char *info = NULL;
	AUTO(str) char *offset = NULL;
	if (wait_for_child(r, CHILD_WAIT_AT_FENCE_MS, &info, err) ||
	    redis_count_keys(info, &r->facts.keys, &r->facts.expires, err) ||
	    info_value(&offset, info, "master_repl_offset", err) ||
	    sync_begin(&r->sync, r->ctl, strtoull(offset, NULL, 10), err))
		return err->code;
	if (r->sync.replid[0] != '\0')
		snprintf(c->report.fence.position, sizeof c->report.fence.position,
		    "%s:%" PRIu64, r->sync.replid, r->sync.offset);
	return ERR_OK;
}

static enum err_code
write_facts(const struct redis_facts *f, struct buf *out, struct err *err)
{
	struct json_writer w;
	json_init(&w, out);
	json_obj(&w, NULL);
	json_str(&w, "version", f->version);
	json_str(&w, "dir", f->dir);
	json_str(&w, "dbfilename", f->dbfilename);
	json_str(&w, "appenddirname", f->appenddirname);
	json_str(&w, "appendfilename", f->appendfilename);
	json_flag(&w, "appends", f->appends);
	json_flag(&w, "appends_configured", f->appends_configured);
	json_u64(&w, "uid", f->uid);
	json_u64(&w, "gid", f->gid);
	json_u64(&w, "keys", f->keys);
	json_u64(&w, "expires", f->expires);
	json_obj_end(&w);
	return json_finish(&w, err);
}

/* Keys that expire may all be gone at the fork, though the server still counts them. */
static enum err_code
drain_file(struct redis *r, const struct dump_out *d, struct err *err)
{
	struct dump_head head = { REDIS_DUMP, NULL, DUMP_RDB, NULL, NULL, true };
	const struct census *counted;
	bool empty;
	if (dump_begin(d, &head, err) || sync_drain(&r->sync, d, &empty, err) ||
	    dump_counted(d, &counted, err))
		return err->code;
	if (!census_is_known(counted) &&
	    dump_warn(d->c, err,
		"the dump holds what only this server's version or modules can read: its keys "
		"are not counted"))
		return err->code;
	if (empty && r->facts.keys > r->facts.expires)
		return err_set(err, ERR_INCOMPLETE,
		    "the dump holds no key, the server had %" PRIu64, r->facts.keys);
	return dump_end(d, err);
}

static enum err_code
redis_drain(struct connector *c, struct dump_sink *sink, struct err *err)
{
	struct redis *r = redis_of(c);
	struct dump_out d = { c, sink };
	struct dump_head head = { REDIS_FACTS, NULL, DUMP_JSON, NULL, NULL, false };
	AUTO(bufv) struct buf facts = BUF_INIT;
	if (write_facts(&r->facts, &facts, err) || dump_whole(&d, &head, &facts, err))
		return err->code;
	return drain_file(r, &d, err) ? err_wrap(err, REDIS_DUMP) : ERR_OK;
}

static void
redis_close(struct connector *c)
{
	struct redis *r = redis_of(c);
	struct err ignored; /* the server is then gone, and its settings with it */
	enum err_code rc = r->ctl != NULL ? sync_put_back(&r->sync, r->ctl, &ignored) : ERR_OK;
	(void)rc;
	sync_close(&r->sync);
	link_close(r->ctl);
	redis_login_release(&r->login);
	redis_facts_release(&r->facts);
	free(r);
}

static const struct connector_ops redis_ops = {
	.check = redis_check,
	.access = redis_access,
	.prepare = redis_prepare,
	.fence = redis_fence,
	.drain = redis_drain,
	.restore_files = redis_restore_files,
	.ready = redis_ready,
	.load = redis_load,
	.pick = redis_pick,
	.close = redis_close,
};

enum err_code
redis_open(
    struct connector **out, const struct db_target *t, enum db_kind kind, struct err *err)
{
	(void)kind; /* they speak the same protocol; the front door notes which it is */
	struct redis *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_nomem(err);
	r->base.ops = &redis_ops;
	r->base.t = t;
	*out = &r->base;
	return ERR_OK;
}

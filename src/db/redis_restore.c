#include "db/redis_impl.h"

#include "base/json.h"
#include "db/rdb.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define FACTS_MAX ((size_t)1 << 20)

static enum err_code
need_text(char **out, const json_t *j, const char *key, struct err *err)
{
	const char *text = json_get_str(j, key);
	if (text == NULL)
		return err_set(err, ERR_CORRUPT, "%s has no \"%s\"", REDIS_FACTS, key);
	return str_dup(out, text, err);
}

static enum err_code
parse_facts(struct redis_facts *f, const json_t *j, struct err *err)
{
	if (need_text(&f->version, j, "version", err) || need_text(&f->dir, j, "dir", err) ||
	    need_text(&f->dbfilename, j, "dbfilename", err) ||
	    need_text(&f->appendfilename, j, "appendfilename", err))
		return err->code;
	if (json_get_str(j, "appenddirname") != NULL &&
	    need_text(&f->appenddirname, j, "appenddirname", err))
		return err->code;
	f->appends = json_get_bool(j, "appends");
	f->appends_configured = json_get_bool(j, "appends_configured");
	f->uid = (uid_t)json_get_int(j, "uid", 0);
	f->gid = (gid_t)json_get_int(j, "gid", 0);
	f->keys = (uint64_t)json_get_int(j, "keys", 0);
	f->expires = (uint64_t)json_get_int(j, "expires", 0);
	/* They become paths. */
	if (f->dir[0] != '/' || strchr(f->dbfilename, '/') != NULL ||
	    strchr(f->appendfilename, '/') != NULL ||
	    (f->appenddirname != NULL && strchr(f->appenddirname, '/') != NULL))
		return err_set(
		    err, ERR_CORRUPT, "%s names a file outside the data folder", REDIS_FACTS);
	return ERR_OK;
}

static enum err_code
read_facts(struct redis_facts *f, struct dump_source *src, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(json) json_t *j = NULL;
	if (dump_slurp(src, REDIS_FACTS, FACTS_MAX, &text, err) ||
	    json_parse(&j, text.data, text.len, REDIS_FACTS, err))
		return err->code;
	return parse_facts(f, j, err);
}

static enum err_code
copy_open(struct dump_source *src, struct file_sink *sink, struct err *err)
{
	uint8_t chunk[65536];
	struct rdb_check check;
	rdb_check_init(&check);
	for (;;) {
		size_t got;
		if (src->ops->read(src, chunk, sizeof chunk, &got, err))
			return err->code;
		if (got == 0)
			break;
		rdb_check_feed(&check, chunk, got);
		if (sink->ops->write(sink, chunk, got, err))
			return err->code;
	}
	bool has_crc;
	return rdb_check_finish(&check, &has_crc, err);
}

static enum err_code
copy_dump(struct dump_source *src, struct file_sink *sink, struct err *err)
{
	if (src->ops->open(src, REDIS_DUMP, err))
		return err_wrap(err, REDIS_DUMP);
	enum err_code rc = copy_open(src, sink, err);
	src->ops->close(src);
	return rc ? err_wrap(err, REDIS_DUMP) : ERR_OK;
}

/* A file with the dump in it, or with text, or (both NULL) a folder. */
static enum err_code
place(const struct redis_facts *f, struct file_sink *sink, const char *path,
    struct dump_source *src, const char *text, struct err *err)
{
	bool is_folder = src == NULL && text == NULL;
	struct db_file file = { path, is_folder ? S_IFDIR | 0755 : S_IFREG | 0644, f->uid,
		f->gid };
	if (sink->ops->begin(sink, &file, err))
		return err_wrap(err, "place %s", path);
	if (src != NULL && copy_dump(src, sink, err))
		return err_wrap(err, "place %s", path);
	if (text != NULL && sink->ops->write(sink, text, strlen(text), err))
		return err_wrap(err, "place %s", path);
	return sink->ops->end(sink, err) ? err_wrap(err, "place %s", path) : ERR_OK;
}

static enum err_code
place_dump(const struct redis_facts *f, struct dump_source *src, struct file_sink *sink,
    struct err *err)
{
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, "%s/%s", f->dir, f->dbfilename))
		return err->code;
	return place(f, sink, path, src, NULL, err);
}

/* Since version 7: a folder with a manifest that names the dump as the base, and nothing else.
 */
static enum err_code
place_append_folder(const struct redis_facts *f, struct dump_source *src,
    struct file_sink *sink, struct err *err)
{
	AUTO(str) char *folder = NULL;
	AUTO(str) char *base = NULL;
	AUTO(str) char *manifest = NULL;
	AUTO(str) char *text = NULL;
	if (str_printf(&folder, err, "%s/%s", f->dir, f->appenddirname) ||
	    str_printf(&base, err, "%s/%s.1.base.rdb", folder, f->appendfilename) ||
	    str_printf(&manifest, err, "%s/%s.manifest", folder, f->appendfilename) ||
	    str_printf(&text, err, "file %s.1.base.rdb seq 1 type b\n", f->appendfilename))
		return err->code;
	if (place(f, sink, folder, NULL, NULL, err) || place(f, sink, base, src, NULL, err))
		return err->code;
	return place(f, sink, manifest, NULL, text, err);
}

/* Versions 4 to 6 read an RDB file at the beginning of the append-only file. */
static enum err_code
place_append_file(const struct redis_facts *f, struct dump_source *src, struct file_sink *sink,
    struct err *err)
{
	if (redis_major(f->version) < 4)
		return err_set(err, ERR_UNSUPPORTED,
		    "version %s with appendonly yes cannot start from a dump; restore with "
		    "appendonly no",
		    f->version);
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, "%s/%s", f->dir, f->appendfilename))
		return err->code;
	return place(f, sink, path, src, NULL, err);
}

enum err_code
redis_restore_files(
    struct connector *c, struct dump_source *src, struct file_sink *sink, struct err *err)
{
	(void)c;
	AUTO(redis_facts) struct redis_facts f = REDIS_FACTS_INIT;
	if (read_facts(&f, src, err))
		return err->code;
	/*
	 * A server that appends reads its append-only files and ignores dump.rdb.  One that was
	 * told to append while it ran will not do so after this start: it needs dump.rdb, and
	 * the append-only files beside it do no harm.
	 */
	if (!(f.appends && f.appends_configured) && place_dump(&f, src, sink, err))
		return err->code;
	if (!f.appends)
		return ERR_OK;
	if (f.appenddirname != NULL)
		return place_append_folder(&f, src, sink, err);
	return place_append_file(&f, src, sink, err);
}

enum err_code
redis_ready(struct connector *c, struct err *err)
{
	struct redis *r = redis_of(c);
	AUTO(link) struct link *k = NULL;
	AUTO(str) char *info = NULL;
	AUTO(str) char *loading = NULL;
	if (redis_login_find(&r->login, c->t, c->report.info.kind, err) ||
	    link_open(&k, &r->login, err) || redis_info(k, &info, err) ||
	    info_value(&loading, info, "loading", err))
		return err->code;
	if (strcmp(loading, "1") == 0)
		return err_set(err, ERR_TRANSIENT, "the server is still loading its data");
	return ERR_OK;
}

enum err_code
redis_load(struct connector *c, struct dump_source *src, struct err *err)
{
	struct redis *r = redis_of(c);
	AUTO(redis_facts) struct redis_facts f = REDIS_FACTS_INIT;
	AUTO(link) struct link *k = NULL;
	AUTO(str) char *info = NULL;
	uint64_t keys;
	uint64_t expires;
	if (read_facts(&f, src, err) ||
	    redis_login_find(&r->login, c->t, c->report.info.kind, err) ||
	    link_open(&k, &r->login, err) || redis_info(k, &info, err) ||
	    redis_count_keys(info, &keys, &expires, err))
		return err->code;
	if (keys == 0 && f.keys > f.expires)
		return err_set(err, ERR_INCOMPLETE,
		    "the server started with no key, the dump was taken of %" PRIu64
		    "; it may read another file than %s/%s",
		    f.keys, f.dir, f.dbfilename);
	return ERR_OK;
}

#include "engine/table_record.h"

#include "base/bytes.h"
#include "crypto/hash.h"
#include "engine/restore_path.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define RECORD_VERSION 1
#define RECORD_MAX ((size_t)1 << 20)
#define PREFIX "table-"
#define SUFFIX ".json"

void
table_record_close(struct table_record *r)
{
	if (r->lock >= 0)
		close(r->lock);
	json_decref(r->doc);
	free(r->path);
	free(r->key_prefix);
	*r = (struct table_record)TABLE_RECORD_INIT;
}

/* --- where --- */

static enum err_code
add_field(struct buf *out, const char *text, struct err *err)
{
	text = text != NULL ? text : "";
	return buf_add(out, text, strlen(text) + 1, err);
}

enum err_code
table_part_path(char **path, const struct engine *e, const char *prefix,
    const struct table_part *p, struct err *err)
{
	AUTO(bufv) struct buf all = BUF_INIT;
	uint8_t hash[32];
	char hex[2 * 8 + 1];
	if (e->state_dir == NULL)
		return err_set(err, ERR_USAGE,
		    "no place to keep a record of the restore: set HOME, or "
		    "STACKSNAP_STATE_DIR to a folder");
	if (add_field(&all, p->stack, err) || add_field(&all, p->service, err) ||
	    add_field(&all, p->database, err) || add_field(&all, p->table, err) ||
	    add_field(&all, p->key_prefix, err) || sha256_of(all.data, all.len, hash, err))
		return err->code;
	hex_encode(hex, hash, 8);
	return str_printf(path, err, "%s/%s%s" SUFFIX, e->state_dir, prefix, hex);
}

static enum err_code
path_of(char **path, const struct engine *e, const struct table_part *p, struct err *err)
{
	return table_part_path(path, e, PREFIX, p, err);
}

enum err_code
table_record_list(struct strv *paths, const struct engine *e, struct err *err)
{
	return table_part_files(paths, e, PREFIX, err);
}

enum err_code
table_part_files(
    struct strv *paths, const struct engine *e, const char *prefix, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (e->state_dir == NULL || !fs_is_dir(e->state_dir))
		return ERR_OK;
	if (fs_list_dir(e->state_dir, &names, err))
		return err_wrap(err, "look for records of restores");
	for (size_t i = 0; i < names.len; i++)
		if (str_starts(names.items[i], prefix) && str_ends(names.items[i], SUFFIX) &&
		    strv_addf(paths, err, "%s/%s", e->state_dir, names.items[i]))
			return err->code;
	return ERR_OK;
}

/* --- locks --- */

static enum err_code
take_lock(int *out, const char *path, struct err *err)
{
	AUTO(str) char *place = NULL;
	int stem = (int)(strlen(path) - strlen(SUFFIX));
	if (str_printf(&place, err, "%.*s.lock", stem, path))
		return err->code;
	AUTO(fd) int fd = open(place, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, "open %s", place);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? err_set(err, ERR_LOCKED, "%s is held", place)
					    : err_sys(err, "lock %s", place);
	*out = fd_take(&fd);
	return ERR_OK;
}

/* The record of the part, locked; nothing of an earlier run may be there. */
static enum err_code
claim(
    struct table_record *r, const struct engine *e, const struct table_part *p, struct err *err)
{
	if (path_of(&r->path, e, p, err) || fs_mkdirs(e->state_dir, 0700, err))
		return err->code;
	enum err_code rc = take_lock(&r->lock, r->path, err);
	if (rc == ERR_LOCKED)
		return err_set(err, ERR_LOCKED, "another restore of %s, stack %s, is under way",
		    p->table, p->stack);
	if (rc != ERR_OK || !fs_exists(r->path))
		return rc;
	return err_set(err, ERR_EXISTS,
	    "an earlier restore of %s, stack %s, was interrupted: 'stacksnap recover' settles "
	    "it",
	    p->table, p->stack);
}

enum err_code
table_record_check(const struct engine *e, const struct table_part *p, struct err *err)
{
	AUTO(table_record) struct table_record r = TABLE_RECORD_INIT;
	AUTO(str) char *path = NULL;
	if (path_of(&path, e, p, err))
		return err->code;
	return fs_exists(path) ? claim(&r, e, p, err) : ERR_OK;
}

/* --- writing --- */

void
table_part_json(struct json_writer *w, const struct table_part *p)
{
	json_str(w, "host", p->host);
	json_str(w, "stack", p->stack);
	json_str(w, "service", p->service);
	json_str(w, "database", p->database);
	json_str(w, "table", p->table);
	if (p->key_prefix != NULL)
		json_bytes(w, "key_prefix", p->key_prefix, strlen(p->key_prefix));
	else
		json_nil(w, "key_prefix");
	json_str(w, "into", p->into);
}

enum err_code
table_part_prefix(char **out, const json_t *doc, struct err *err)
{
	const char *text = json_get_str(doc, "key_prefix");
	const char *hex = json_get_str(doc, "key_prefix_hex");
	if (hex == NULL)
		return text != NULL ? str_dup(out, text, err) : ERR_OK;
	size_t len = strlen(hex) / 2;
	AUTO(str) char *bytes = calloc(len + 1, 1);
	if (bytes == NULL)
		return err_nomem(err);
	if (!hex_decode((uint8_t *)bytes, len, hex, strlen(hex)))
		return err_set(err, ERR_CORRUPT, "its key_prefix_hex is none");
	*out = TAKE(bytes);
	return ERR_OK;
}

static enum err_code
put_text(struct buf *out, const struct table_part *p, struct err *err)
{
	struct json_writer w;
	json_init(&w, out);
	json_obj(&w, NULL);
	json_u64(&w, "version", RECORD_VERSION);
	table_part_json(&w, p);
	json_i64(&w, "pid", getpid());
	json_obj_end(&w);
	return json_finish(&w, err);
}

enum err_code
table_record_begin(
    struct table_record *r, const struct engine *e, const struct table_part *p, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (claim(r, e, p, err))
		return err->code;
	if (put_text(&text, p, err) || fs_write_file(r->path, 0600, text.data, text.len, err))
		return err_wrap(err, "write down what is restored");
	r->part = *p;
	return ERR_OK;
}

enum err_code
table_record_end(struct table_record *r, struct err *err)
{
	AUTO(str) char *holder = NULL;
	if (unlink(r->path) != 0)
		return errno == ENOENT ? ERR_OK : err_sys(err, "remove %s", r->path);
	return path_holder(&holder, r->path, err) ? err->code : fs_sync_dir(holder, err);
}

enum err_code
table_record_forget(const struct engine *e, const struct table_part *p, struct err *err)
{
	AUTO(table_record) struct table_record r = TABLE_RECORD_INIT;
	if (e->state_dir == NULL)
		return ERR_OK;
	if (path_of(&r.path, e, p, err))
		return err->code;
	if (!fs_exists(r.path))
		return ERR_OK;
	return take_lock(&r.lock, r.path, err) ? err->code : table_record_end(&r, err);
}

/* --- reading --- */

enum err_code
table_record_open(struct table_record *r, const char *path, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (take_lock(&r->lock, path, err) || fs_read_file(path, RECORD_MAX, &text, err) ||
	    json_parse(&r->doc, text.data, text.len, path, err))
		return err->code;
	if (json_get_int(r->doc, "version", -1) != RECORD_VERSION)
		return err_set(
		    err, ERR_UNSUPPORTED, "%s is of another version of StackSnap", path);
	if (table_part_prefix(&r->key_prefix, r->doc, err))
		return err_wrap(err, "%s", path);
	r->part = (struct table_part){
		.host = json_get_str(r->doc, "host"),
		.stack = json_get_str(r->doc, "stack"),
		.service = json_get_str(r->doc, "service"),
		.database = json_get_str(r->doc, "database"),
		.table = json_get_str(r->doc, "table"),
		.key_prefix = r->key_prefix,
		.into = json_get_str(r->doc, "into"),
	};
	if (r->part.stack == NULL || r->part.service == NULL || r->part.table == NULL)
		return err_set(err, ERR_CORRUPT, "%s does not say what was restored", path);
	return str_dup(&r->path, path, err);
}

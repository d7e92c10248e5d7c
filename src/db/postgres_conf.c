/*
 * The server's own configuration, where it lies in the data folder: what is
 * mounted from elsewhere is captured with the files.
 *
 * Each file is kept as it is.  A restore puts it back behind the databases, if it
 * differs from what the new data folder has, and only when the running server
 * finds no fault with it and it names no file, library or address that the
 * server runs without now: those might keep it from starting.  What is not put
 * back stays in the snapshot, and the report says so.
 */
#include "db/postgres_impl.h"

#include "base/bytes.h"
#include "db/tool.h"
#include "sys/clock.h"

#include <poll.h>
#include <string.h>

#define CONF_MAX ((size_t)1 << 20)
#define RELOAD_WAIT_MS 3000
#define RELOAD_POLL_MS 50

enum conf { CONF_MAIN, CONF_AUTO, CONF_HBA, CONF_IDENT, CONFS };

static const char *const names[CONFS] = {
	[CONF_MAIN] = "postgresql.conf",
	[CONF_AUTO] = "postgresql.auto.conf",
	[CONF_HBA] = "pg_hba.conf",
	[CONF_IDENT] = "pg_ident.conf",
};

/* What is wrong with each as it lies there now; an empty answer is good. */
#define FAULTS_OF_SETTINGS                                                                     \
	"SELECT coalesce((SELECT string_agg(coalesce(name, '') || ' ' || error, ', ') FROM "   \
	"pg_file_settings WHERE error IS NOT NULL AND error <> 'setting could not be "         \
	"applied'), (SELECT 'it sets ' || string_agg(DISTINCT f.name, ', ') FROM "             \
	"pg_file_settings f WHERE (f.name ~ '_(file|directory|directories|libraries|dir)$' "   \
	"OR f.name IN ('ssl', 'listen_addresses', 'port', 'external_pid_file', 'huge_pages', " \
	"'archive_mode', 'shared_buffers')) AND f.setting IS DISTINCT FROM "                   \
	"current_setting(f.name, true)), '');"

static const char *const faults[CONFS] = {
	[CONF_MAIN] = FAULTS_OF_SETTINGS,
	[CONF_AUTO] = FAULTS_OF_SETTINGS,
	[CONF_HBA] =
	    "SELECT coalesce(string_agg('line ' || line_number || ': ' || error, ', '), "
	    "'') FROM pg_hba_file_rules WHERE error IS NOT NULL;",
	[CONF_IDENT] = NULL,
};

bool
pg_is_conf(const char *name)
{
	for (size_t i = 0; i < CONFS; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Where they lie; NULL for one that is not in the data folder. */
static enum err_code
find_paths(struct session *s, char *paths[CONFS], struct err *err)
{
	static const char sql[] =
	    "SELECT encode(convert_to(current_setting('data_directory'), 'UTF8'), 'hex') || "
	    "'|' "
	    "|| encode(convert_to(current_setting('config_file'), 'UTF8'), 'hex') || '|' || "
	    "encode(convert_to(current_setting('hba_file'), 'UTF8'), 'hex') || '|' || "
	    "encode(convert_to(current_setting('ident_file'), 'UTF8'), 'hex');";
	AUTO(str) char *line = NULL;
	AUTO(str) char *folder = NULL;
	char *row[4];
	if (session_ask_line(s, sql, &line, err))
		return err->code;
	char *text = line;
	if (!session_row(&text, row, 4))
		return err_set(err, ERR_CORRUPT, "unexpected answer to the question for files");
	if (session_unhex(&folder, row[0], err) ||
	    session_unhex(&paths[CONF_MAIN], row[1], err) ||
	    session_unhex(&paths[CONF_HBA], row[2], err) ||
	    session_unhex(&paths[CONF_IDENT], row[3], err) ||
	    str_printf(&paths[CONF_AUTO], err, "%s/%s", folder, names[CONF_AUTO]))
		return err->code;
	size_t n = strlen(folder);
	for (size_t i = 0; i < CONFS; i++)
		if (strncmp(paths[i], folder, n) != 0 || paths[i][n] != '/')
			free(TAKE(paths[i]));
	return ERR_OK;
}

struct conf_paths {
	char *items[CONFS];
};

static void
conf_paths_auto(struct conf_paths *p)
{
	for (size_t i = 0; i < CONFS; i++)
		free(p->items[i]);
}

/* From the server, which is quicker than a tool that has to be started; *got is false when it
 * cannot give the file, whatever the reason is. */
static enum err_code
ask_for_file(struct session *s, const char *path, struct buf *out, bool *got, struct err *err)
{
	AUTO(str) char *path_hex = malloc(2 * strlen(path) + 1);
	AUTO(str) char *sql = NULL;
	AUTO(str) char *hex = NULL;
	if (path_hex == NULL)
		return err_nomem(err);
	hex_encode(path_hex, (const uint8_t *)path, strlen(path));
	if (str_printf(&sql, err,
		"SELECT coalesce(encode(pg_read_binary_file(convert_from(decode('%s', 'hex'), "
		"'UTF8'), 0, %zu, true), 'hex'), 'none');",
		path_hex, CONF_MAX + 1) ||
	    session_ask_line(s, sql, &hex, err))
		return err->code;
	size_t len = strlen(hex) / 2;
	if (len > CONF_MAX)
		return ERR_OK;
	if (buf_reserve(out, len + 1, err))
		return err->code;
	*got = hex_decode(out->data, len, hex, strlen(hex));
	out->len = *got ? len : 0;
	return ERR_OK;
}

/* A session that a question has ended is closed; cat then tells what is wrong. */
static enum err_code
read_conf(
    struct postgres *p, struct session **s, const char *path, struct buf *out, struct err *err)
{
	bool got = false;
	if (*s != NULL && ask_for_file(*s, path, out, &got, err)) {
		if (err->code == ERR_CANCELLED || err->code == ERR_NO_MEMORY)
			return err->code;
		session_close(TAKE(*s));
	}
	return got ? ERR_OK : tool_cat(p->base.t, path, CONF_MAX, out, err);
}

enum err_code
pg_save_conf(
    struct postgres *p, struct session **s, const struct dump_out *out, struct err *err)
{
	AUTO(conf_paths) struct conf_paths paths = { { NULL } };
	/* The files of a server elsewhere cannot be reached. */
	if (!p->is_superuser || p->base.t->site != NULL)
		return ERR_OK;
	if (find_paths(*s, paths.items, err))
		return err->code;
	for (size_t i = 0; i < CONFS; i++) {
		AUTO(bufv) struct buf data = BUF_INIT;
		struct err why;
		if (paths.items[i] == NULL)
			continue;
		if (read_conf(p, s, paths.items[i], &data, &why)) {
			if (dump_warn(&p->base, err, "%s is not captured: %.200s",
				paths.items[i], why.msg))
				return err->code;
			continue;
		}
		struct dump_head head = { names[i], NULL, DUMP_FILE, NULL, NULL, false };
		if (dump_whole(out, &head, &data, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- back --- */

/* "": the server finds nothing wrong. */
static enum err_code
ask_faults(struct session *s, enum conf which, char **out, struct err *err)
{
	if (faults[which] == NULL)
		return str_dup(out, "", err);
	return session_ask_line(s, faults[which], out, err);
}

/* Write it, and take it back if the server finds fault with it; *is_new when it stays. */
static enum err_code
put_one(struct postgres *p, struct session *s, struct dump_source *src, enum conf which,
    const char *path, struct buf *before, bool *is_new, struct err *err)
{
	AUTO(bufv) struct buf stored = BUF_INIT;
	AUTO(str) char *fault = NULL;
	*is_new = false;
	if (dump_slurp(src, names[which], CONF_MAX, &stored, err) ||
	    tool_cat(p->base.t, path, CONF_MAX, before, err))
		return err->code;
	if (stored.len == before->len && memcmp(stored.data, before->data, stored.len) == 0)
		return ERR_OK;
	if (tool_write(p->base.t, path, &stored, err) || ask_faults(s, which, &fault, err))
		return err->code;
	*is_new = *fault == '\0';
	if (*is_new)
		return ERR_OK;
	if (tool_write(p->base.t, path, before, err))
		return err->code;
	return dump_warn(&p->base, err,
	    "%s of the snapshot was not put back (%.300s): it is in the database's folder of "
	    "the snapshot",
	    names[which], fault);
}

/* Let the server read its files, and wait until it has. */
static enum err_code
reload(const struct postgres *p, struct session *s, struct err *err)
{
	AUTO(str) char *before = NULL;
	if (session_ask_line(s,
		"SELECT extract(epoch FROM pg_conf_load_time()) || ' ' || pg_reload_conf();",
		&before, err))
		return err->code;
	for (int waited = 0; waited < RELOAD_WAIT_MS; waited += RELOAD_POLL_MS) {
		AUTO(str) char *now = NULL;
		struct pollfd pfd = { cancel_fd(p->base.t->cancel), POLLIN, 0 };
		poll(&pfd, 1, RELOAD_POLL_MS);
		if (session_ask_line(s,
			"SELECT extract(epoch FROM pg_conf_load_time()) || ' ' || true;", &now,
			err))
			return err->code;
		if (strcmp(now, before) != 0)
			return ERR_OK;
	}
	return ERR_OK;
}

/* Rules that lock us out would lock out the next backup, too. */
static enum err_code
check_login(struct postgres *p, struct session *s, const char *path, const struct buf *before,
    struct err *err)
{
	AUTO(session) struct session *other = NULL;
	AUTO(str) char *one = NULL;
	struct err why;
	if (pg_session(p, p->maintenance, &other, &why) == ERR_OK &&
	    session_ask_line(other, "SELECT 1;", &one, &why) == ERR_OK)
		return ERR_OK;
	if (tool_write(p->base.t, path, before, err) || reload(p, s, err))
		return err->code;
	return dump_warn(&p->base, err,
	    "%s of the snapshot was taken back: with it nobody could log in here (%.200s)",
	    names[CONF_HBA], why.msg);
}

static enum err_code
tell_pending(struct postgres *p, struct session *s, struct err *err)
{
	AUTO(str) char *pending = NULL;
	if (session_ask_line(s,
		"SELECT coalesce(string_agg(name, ', '), '') FROM pg_settings WHERE "
		"pending_restart;",
		&pending, err))
		return err->code;
	if (*pending == '\0')
		return ERR_OK;
	return dump_warn(&p->base, err,
	    "the server's settings are those of the snapshot, but %.300s only when it starts "
	    "next",
	    pending);
}

enum err_code
pg_load_conf(struct postgres *p, const char *database, struct dump_source *src,
    const struct strv *stored, struct err *err)
{
	AUTO(session) struct session *s = NULL;
	AUTO(conf_paths) struct conf_paths paths = { { NULL } };
	AUTO(bufv) struct buf hba = BUF_INIT;
	bool any = false;
	bool has_rules = false;
	for (size_t i = 0; i < CONFS; i++)
		any = any || strv_has(stored, names[i]);
	if (!any)
		return ERR_OK;
	if (pg_session(p, database, &s, err) || find_paths(s, paths.items, err))
		return err->code;
	any = false;
	for (size_t i = 0; i < CONFS; i++) {
		AUTO(bufv) struct buf before = BUF_INIT;
		bool is_new;
		if (paths.items[i] == NULL || !strv_has(stored, names[i]))
			continue;
		if (put_one(p, s, src, (enum conf)i, paths.items[i],
			i == CONF_HBA ? &hba : &before, &is_new, err))
			return err_wrap(err, "put %s back", names[i]);
		any = any || is_new;
		has_rules = has_rules || (i == CONF_HBA && is_new);
	}
	if (!any)
		return ERR_OK;
	if (reload(p, s, err) ||
	    (has_rules && check_login(p, s, paths.items[CONF_HBA], &hba, err)))
		return err->code;
	return tell_pending(p, s, err);
}

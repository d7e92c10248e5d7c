/*
 * The password of the image's own health check.
 *
 * MariaDB's image makes accounts for its health check when the data folder is
 * new, and keeps their password in that folder.  The accounts are restored with
 * all others, so the file must be, too: a restored server would work and be
 * called unhealthy for ever.
 */
#include "db/mysql_impl.h"

#include "db/tool.h"

#define FILE_NAME ".my-healthcheck.cnf"
#define FILE_MAX 65536

static enum err_code
path_of(const struct mysql *m, char **out, struct err *err)
{
	AUTO(str) char *dir = NULL;
	const struct db_target *t = m->base.t;
	if (connector_data_folder(&dir, t, m->is_maria ? DB_MARIADB : DB_MYSQL, err))
		return err->code;
	return str_printf(out, err, "%s/" FILE_NAME, dir);
}

/* An image without cat is not the one that keeps such a file: then *out stays NULL. */
static enum err_code
start_reading(const struct mysql *m, const char *path, struct run **out, struct err *err)
{
	const char *const argv[] = { "cat", "--", path, NULL };
	struct run_spec spec = RUN_SPEC_INIT;
	spec.argv = argv;
	enum err_code rc = runner_start(m->base.t->runner, &spec, out, err);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* The file's bytes; *is_there tells whether there is one. */
static enum err_code
finish_reading(
    const struct mysql *m, struct run *run, struct buf *out, bool *is_there, struct err *err)
{
	struct tool_end end;
	*is_there = false;
	if (run == NULL)
		return ERR_OK;
	if (tool_collect(m->base.t, "cat", run, FILE_MAX, out, &end, err))
		return err->code == ERR_USAGE ? ERR_OK : err->code;
	*is_there = end.status == 0 && out->len > 0;
	return ERR_OK;
}

static enum err_code
read_file(
    const struct mysql *m, const char *path, struct buf *out, bool *is_there, struct err *err)
{
	AUTO(run) struct run *run = NULL;
	return start_reading(m, path, &run, err) ? err->code
						 : finish_reading(m, run, out, is_there, err);
}

enum err_code
mysql_start_healthcheck(const struct mysql *m, struct run **out, struct err *err)
{
	AUTO(str) char *path = NULL;
	return path_of(m, &path, err) ? err->code : start_reading(m, path, out, err);
}

enum err_code
mysql_save_healthcheck(
    struct mysql *m, struct run *run, const struct dump_out *d, struct err *err)
{
	AUTO(bufv) struct buf data = BUF_INIT;
	bool is_there;
	if (finish_reading(m, run, &data, &is_there, err))
		return err->code;
	if (!is_there)
		return ERR_OK;
	struct dump_head head = { MYSQL_HEALTHCHECK, NULL, DUMP_FILE, NULL, NULL, false };
	return dump_whole(d, &head, &data, err);
}

enum err_code
mysql_load_healthcheck(struct mysql *m, struct dump_source *src, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf stored = BUF_INIT;
	AUTO(bufv) struct buf now = BUF_INIT;
	bool is_there;
	if (dump_slurp(src, MYSQL_HEALTHCHECK, FILE_MAX, &stored, err) ||
	    path_of(m, &path, err) || read_file(m, path, &now, &is_there, err))
		return err->code;
	/* An image that keeps no such file has no use for it. */
	if (!is_there)
		return ERR_OK;
	/* Written over, so that owner and mode stay those that the image gave. */
	return tool_write(m->base.t, path, &stored, err);
}

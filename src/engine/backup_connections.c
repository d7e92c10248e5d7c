/*
 * A snapshot of databases outside of stacks: the same steps as a stack's
 * databases take, without anything that would have to be made quiet.
 */
#include "engine/backup_stack.h"
#include "engine/capture_sqlite.h"
#include "engine/connect.h"
#include "engine/meter.h"
#include "engine/publish.h"
#include "sys/clock.h"
#include "tree/dir.h"

struct connections_backup {
	struct backup_run run;
	struct layout *layout;
	char *name; /* of the source: all names, in order */
	struct plan_member *members; /* what a stack's plan would say of each */
	struct strv folders; /* of SQLite files */
};

/* --- captures --- */

static enum err_code
prepare_server(struct connections_backup *b, struct capture *c, struct plan_member *m,
    const struct connection *from, struct err *err)
{
	m->kind = MEMBER_DATABASE;
	m->db = from->site.kind;
	c->member = m;
	return connection_reach(&c->server, from, b->run.engine->cancel, err);
}

/* Its member is a folder that holds the file alone, which is put there when it was taken. */
static enum err_code
prepare_file(struct connections_backup *b, struct capture *c, const struct connection *from,
    struct err *err)
{
	const char *slash = strrchr(from->site.path, '/');
	size_t len = (size_t)(slash - from->site.path);
	AUTO(dir_builder) struct dir_builder *folder = NULL;
	if (strv_addf(&b->folders, err, "%.*s", len > 0 ? (int)len : 1, from->site.path) ||
	    sqlite_set_new(&c->sqlite, err) || dir_builder_new(&folder, err) ||
	    dir_builder_finish(folder, b->run.writer, NULL, &c->entry, err))
		return err->code;
	c->source = b->folders.items[b->folders.len - 1];
	c->has_entry = true;
	c->began_ns = clock_wall_ns();
	return ERR_OK;
}

static enum err_code
make_captures(struct connections_backup *b, const struct connection *const *list, size_t n,
    struct err *err)
{
	struct backup_run *r = &b->run;
	r->captures = calloc(n, sizeof *r->captures);
	b->members = calloc(n, sizeof *b->members);
	if (r->captures == NULL || b->members == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < n; i++) {
		struct plan_member *m = &b->members[i];
		struct capture *c = &r->captures[r->n_captures++];
		if (str_printf(&m->path, err, "databases/%s", list[i]->name))
			return err->code;
		*c = (struct capture){
			.kind = member_kind_word(MEMBER_DATABASE),
			.name = list[i]->name,
			.path = m->path,
			.entry = TREE_ENTRY_INIT,
		};
		if (list[i]->site.path != NULL ? prepare_file(b, c, list[i], err)
					       : prepare_server(b, c, m, list[i], err))
			return err->code;
	}
	return ERR_OK;
}

/* --- the instant --- */

/* A fence's thread calls this beside those of the servers. */
static enum err_code
fence_files(void *arg, struct err *err)
{
	struct connections_backup *b = arg;
	for (size_t i = 0; i < b->run.n_captures; i++) {
		struct capture *c = &b->run.captures[i];
		if (c->sqlite == NULL)
			continue;
		c->fence_begin_ns = clock_wall_ns();
		if (sqlite_fence_all(&b->run, c, err))
			return err_wrap(err, "database %s", c->name);
		c->fence_end_ns = clock_wall_ns();
	}
	return ERR_OK;
}

/* The set was filled with what the last snapshot had. */
static enum err_code
name_files(struct connections_backup *b, const struct connection *const *list, struct err *err)
{
	for (size_t i = 0; i < b->run.n_captures; i++) {
		const struct capture *c = &b->run.captures[i];
		if (c->sqlite != NULL &&
		    sqlite_set_add(c->sqlite, strrchr(list[i]->site.path, '/') + 1, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
drain_files(struct connections_backup *b, struct err *err)
{
	for (size_t i = 0; i < b->run.n_captures; i++) {
		struct capture *c = &b->run.captures[i];
		if (c->sqlite == NULL)
			continue;
		if (sqlite_drain_all(&b->run, c, err))
			return err_wrap(err, "database %s", c->name);
		if (c->files == 0)
			return err_set(err, ERR_INCOMPLETE,
			    "database %s: its file is not there, or cannot be read", c->name);
	}
	return ERR_OK;
}

/* --- the run --- */

static enum err_code
drain(struct connections_backup *b, struct err *err)
{
	event_phase(b->run.engine->events, "drain database dumps");
	AUTO(meter) struct meter *meter = NULL;
	meter_start(&meter, b->run.engine->events, run_sample, &b->run);
	return drain_files(b, err) ? err->code : databases_drain(&b->run, err);
}

static enum err_code
finish(struct connections_backup *b, struct backup_result *out, struct err *err)
{
	struct backup_run *r = &b->run;
	for (size_t i = 0; i < r->n_captures; i++) {
		const struct capture *c = &r->captures[i];
		if (c->connector == NULL)
			continue;
		const struct strv *warnings = &connector_report(c->connector)->warnings;
		for (size_t k = 0; k < warnings->len; k++)
			event_warning(r->engine->events, c->name, "%s", warnings->items[k]);
		if (save_census(r, b->layout, c, err))
			return err->code;
	}
	if (gate_not_shrunk(r, SHRINK_PERCENT, err))
		return err->code;
	event_phase(r->engine->events, "write snapshot");
	return run_commit(r, NULL, NULL, b->layout, out, err);
}

struct connections_job {
	struct engine *engine;
	const struct connection *const *list;
	size_t n;
	const struct backup_options *options;
	struct backup_result *out;
};

static enum err_code
run_backup(struct connections_backup *b, const struct connections_job *job, struct err *err)
{
	struct backup_run *r = &b->run;
	event_phase(r->engine->events, "check databases");
	if (make_captures(b, job->list, job->n, err) || databases_check(r, err) ||
	    run_find_parents(r, err) || name_files(b, job->list, err) ||
	    databases_prepare(r, err))
		return err->code;
	event_phase(r->engine->events, "fix the instant");
	if (databases_fence(r, fence_files, b, err) || drain(b, err))
		return err->code;
	return finish(b, job->out, err);
}

/* Names have no commas. */
static enum err_code
join_names(char **out, const struct connections_job *job, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	for (size_t i = 0; i < job->n; i++)
		if (buf_printf(&text, err, "%s%s", i > 0 ? "," : "", job->list[i]->name))
			return err->code;
	const char *joined = buf_cstr(&text);
	return joined != NULL ? str_dup(out, joined, err) : err_nomem(err);
}

static enum err_code
run_connections(void *arg, struct err *err)
{
	const struct connections_job *job = arg;
	struct connections_backup b = { .folders = STRV_INIT };
	enum err_code rc = join_names(&b.name, job, err);
	if (rc == ERR_OK)
		rc = layout_new(&b.layout, err);
	if (rc == ERR_OK)
		rc = run_init(&b.run, job->engine, job->options, "database", b.name, err);
	if (rc == ERR_OK)
		rc = run_backup(&b, job, err);
	if (rc)
		rc = publish_blame(b.run.writer, err);
	if (b.run.engine != NULL)
		run_release(&b.run);
	for (size_t i = 0; b.members != NULL && i < job->n; i++)
		free(b.members[i].path);
	free(b.members);
	free(b.name);
	strv_release(&b.folders);
	layout_free(b.layout);
	return rc;
}

enum err_code
backup_connections(struct engine *e, const struct connection *const *list, size_t n,
    const struct backup_options *opt, struct backup_result *out, struct err *err)
{
	struct connections_job job = { e, list, n, opt, out };
	if (n == 0)
		return err_set(err, ERR_USAGE, "no database was named");
	return publish_with_retry(e, NULL, run_connections, &job, err);
}

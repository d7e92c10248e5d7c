#include "engine/restore_table.h"

#include "base/buf.h"
#include "db/pick.h"
#include "engine/diff_rows_impl.h"
#include "engine/live_server.h"
#include "engine/restore_rows.h"

#include <string.h>

void
restore_table_plan_release(struct restore_table_plan *p)
{
	free(p->stack);
	free(p->service);
	free(p->database);
	free(p->table);
	strv_release(&p->told);
	strv_release(&p->lines);
}

/* --- in the snapshot --- */

struct stored_table {
	struct row_diff diff; /* what the snapshot has, in a */
	struct diff_rows_options opt;
	struct dump_side *dump;
	const struct dump_part *part;
	const struct shape *shape;
};

static void
stored_table_auto(struct stored_table *t)
{
	diff_side_release(&t->diff.a);
}

/* "public.orders", or its last part alone. */
static bool
is_named(const char *table, const char *wanted)
{
	size_t n = strlen(table);
	size_t w = strlen(wanted);
	if (strcmp(table, wanted) == 0)
		return true;
	return n > w + 1 && table[n - w - 1] == '.' && strcmp(table + n - w, wanted) == 0;
}

static enum err_code
add_choice(struct buf *choices, const struct dump_side *s, const char *table, struct err *err)
{
	return buf_printf(choices, err, "%s%s of %s/%s", choices->len > 0 ? ", " : "", table,
	    s->service, s->database);
}

static enum err_code
find_part(struct stored_table *t, const char *wanted, struct err *err)
{
	AUTO(bufv) struct buf found = BUF_INIT;
	AUTO(bufv) struct buf others = BUF_INIT;
	const struct diff_side *side = &t->diff.a;
	size_t n = 0;
	for (size_t i = 0; i < side->count; i++) {
		struct dump_side *s = &side->dumps[i];
		for (size_t k = 0; k < s->n_tables; k++) {
			const struct dump_part *p = s->tables[k];
			bool is = is_named(p->table, wanted);
			if (add_choice(is ? &found : &others, s, p->table, err))
				return err->code;
			if (is && n++ == 0) {
				t->dump = s;
				t->part = p;
			}
		}
	}
	if (n == 1)
		return ERR_OK;
	const char *list = buf_cstr(n > 1 ? &found : &others);
	if (list == NULL)
		return err_nomem(err);
	if (n > 1)
		return err_set(err, ERR_USAGE,
		    "%s is not one table: %.300s: give --service, --database, or the whole "
		    "name",
		    wanted, list);
	return err_set(err, ERR_NOT_FOUND,
	    "the snapshot has no table %s that was stored by rows%s%.300s", wanted,
	    *list != '\0' ? "; it has " : "", list);
}

static enum err_code
stored_table_open(struct stored_table *t, struct engine *e, const struct id *id,
    const struct restore_table_options *opt, struct err *err)
{
	static const struct diff_rows_ops none = { .table = NULL };
	*t = (struct stored_table){
		.opt = { .service = opt->service, .database = opt->database },
		.diff = { .engine = e, .ops = &none, .a = DIFF_SIDE_INIT, .b = DIFF_SIDE_INIT },
	};
	t->diff.opt = &t->opt;
	if (diff_side_open(&t->diff, &t->diff.a, id, err) || find_part(t, opt->table, err) ||
	    diff_read_shapes(&t->diff, t->dump, NULL, err))
		return err->code;
	t->shape = diff_shape(t->dump, NULL, t->part->table);
	return t->shape != NULL ? ERR_OK
				: err_set(err, ERR_UNSUPPORTED,
				      "the definition of %s is not known", t->part->table);
}

/* --- its rows, as a dump --- */

/* Chunks without rows stand at both ends: the words around them. */
struct row_bytes {
	uint64_t from;
	uint64_t to;
	bool has_rows;
};

static enum err_code
note_extent(void *arg, uint64_t offset, const struct extent *e, struct err *err)
{
	(void)err;
	struct row_bytes *b = arg;
	if (e->rows == 0 && !e->is_torn)
		return ERR_OK;
	if (!b->has_rows)
		b->from = offset;
	b->has_rows = true;
	b->to = offset + e->len;
	return ERR_OK;
}

struct row_source {
	struct dump_source base;
	struct repo *repo;
	const struct content *content;
	struct row_bytes where;
	uint64_t at;
};

static enum err_code
rows_open(struct dump_source *src, const char *name, struct err *err)
{
	(void)name;
	struct row_source *s = (struct row_source *)src;
	if (content_walk(s->repo, s->content, note_extent, NULL, &s->where, err))
		return err->code;
	s->at = s->where.from;
	return ERR_OK;
}

static enum err_code
rows_read(struct dump_source *src, void *out, size_t len, size_t *got, struct err *err)
{
	struct row_source *s = (struct row_source *)src;
	uint64_t left = s->where.to - s->at;
	if (content_read_at(
		s->repo, s->content, s->at, out, left < len ? (size_t)left : len, got, err))
		return err->code;
	s->at += *got;
	return ERR_OK;
}

static void
rows_close(struct dump_source *src)
{
	(void)src;
}

static const struct dump_source_ops row_source_ops = {
	.open = rows_open,
	.read = rows_read,
	.close = rows_close,
};

/* --- the server that runs --- */

struct stack_server {
	struct docker *docker;
	struct plan *plan;
	struct live_server server;
	struct connector *connector;
};

static void
stack_server_auto(struct stack_server *s)
{
	connector_close(s->connector);
	live_server_close(&s->server);
	plan_free(s->plan);
	docker_close(s->docker);
}

static const struct plan_member *
find_member(const struct plan *p, const char *service, size_t *n)
{
	const struct plan_member *found = NULL;
	*n = 0;
	for (size_t i = 0; i < p->n_members; i++) {
		const struct plan_member *m = &p->members[i];
		if (m->kind != MEMBER_DATABASE ||
		    (service != NULL && strcmp(m->name, service) != 0))
			continue;
		found = m;
		++*n;
	}
	return found;
}

static enum err_code
stack_server_open(struct stack_server *s, struct engine *e, const char *stack,
    const char *service, struct err *err)
{
	size_t n;
	if (engine_docker(&s->docker, e, err) ||
	    plan_make(&s->plan, s->docker, stack, NULL, err))
		return err->code;
	const struct plan_member *m = find_member(s->plan, service, &n);
	if (n > 1)
		return err_set(
		    err, ERR_USAGE, "stack %s has several databases: give --service", stack);
	if (m == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "stack %s has no database%s%s that runs: start it, its rows go into the "
		    "server "
		    "itself",
		    stack, service != NULL ? " " : "", service != NULL ? service : "");
	const struct stack_container *c = &s->plan->stack->containers[m->container];
	if (c->state != CONTAINER_RUNNING)
		return err_set(err, ERR_USAGE,
		    "service %s does not run (or is paused): its rows go into the server "
		    "itself",
		    m->name);
	if (live_server_open(&s->server, s->docker, c, e->cancel, err))
		return err->code;
	return connector_open(&s->connector, &s->server.target, m->db, err);
}

/* --- the use cases --- */

static enum err_code
stack_of(const struct stored_table *t, const struct restore_table_options *opt,
    const char **out, struct err *err)
{
	const json_t *stack = json_object_get(t->diff.a.snapshot.document, "stack");
	*out = opt->stack != NULL ? opt->stack : json_get_str(stack, "name");
	return *out != NULL ? ERR_OK : err_set(err, ERR_USAGE, "the snapshot is of no stack");
}

static enum err_code
put_line(void *arg, const struct diff_table *t, struct err *err)
{
	return restore_rows_line(arg, t, err);
}

/* Which rows are lost. */
static enum err_code
look_at_rows(
    struct engine *e, const struct id *id, struct restore_table_plan *p, struct err *err)
{
	static const struct diff_rows_ops ops = { .table = put_line };
	const char *tables[] = { p->table, NULL };
	struct diff_rows_options opt = { .service = p->service,
		.database = p->database,
		.tables = tables,
		.count = true,
		.stack = p->stack };
	return diff_rows_live(e, id, &opt, &ops, &p->lines, err);
}

static struct db_pick
pick_of(const struct stored_table *t, const struct restore_table_options *opt,
    enum pick_verb verb, const char *tag)
{
	return (struct db_pick){
		.verb = verb,
		.database = t->dump->database,
		.table = t->part->table,
		.shape = t->shape,
		.rows = t->part->rows,
		.into = opt->into,
		.tag = tag,
	};
}

enum err_code
restore_table_look(struct engine *e, const struct id *id,
    const struct restore_table_options *opt, struct restore_table_plan *out, struct err *err)
{
	AUTO(stored_table) struct stored_table t = { .diff = { .a = DIFF_SIDE_INIT } };
	AUTO(stack_server) struct stack_server s = { .server = LIVE_SERVER_INIT };
	char tag[ID_HEX_SIZE];
	const char *stack;
	if (stored_table_open(&t, e, id, opt, err) || stack_of(&t, opt, &stack, err) ||
	    stack_server_open(&s, e, stack, t.dump->service, err))
		return err->code;
	id_hex(tag, id);
	tag[8] = '\0';
	struct db_pick pick = pick_of(&t, opt, PICK_LOOK, tag);
	if (str_dup(&out->stack, stack, err) || str_dup(&out->service, t.dump->service, err) ||
	    str_dup(&out->database, t.dump->database, err) ||
	    str_dup(&out->table, t.part->table, err) ||
	    connector_pick(s.connector, &pick, &out->told, err))
		return err->code;
	out->rows = t.part->rows;
	return opt->into == NULL ? look_at_rows(e, id, out, err) : ERR_OK;
}

enum err_code
restore_table(struct engine *e, const struct id *id, const struct restore_table_options *opt,
    struct err *err)
{
	AUTO(stored_table) struct stored_table t = { .diff = { .a = DIFF_SIDE_INIT } };
	AUTO(stack_server) struct stack_server s = { .server = LIVE_SERVER_INIT };
	char tag[ID_HEX_SIZE];
	const char *stack;
	if (stored_table_open(&t, e, id, opt, err) || stack_of(&t, opt, &stack, err) ||
	    stack_server_open(&s, e, stack, t.dump->service, err))
		return err->code;
	id_hex(tag, id);
	tag[8] = '\0';
	struct row_source rows = {
		.base = { &row_source_ops },
		.repo = e->repo,
		.content = &t.part->content,
	};
	struct db_pick pick = pick_of(&t, opt, PICK_PUT, tag);
	pick.source = &rows.base;
	event_phase(e->events, "put %s into %s", t.part->table,
	    opt->into != NULL ? opt->into : "its place");
	return connector_pick(s.connector, &pick, NULL, err);
}

enum err_code
restore_table_settle(
    struct engine *e, const struct restore_table_options *opt, bool undo, struct err *err)
{
	AUTO(stack_server) struct stack_server s = { .server = LIVE_SERVER_INIT };
	struct db_pick pick = {
		.verb = undo ? PICK_UNDO : PICK_FINISH,
		.database = opt->database,
		.table = opt->table,
	};
	if (opt->database == NULL)
		return err_set(
		    err, ERR_USAGE, "give --database, too: the one that %s is in", opt->table);
	if (stack_server_open(&s, e, opt->stack, opt->service, err))
		return err->code;
	return connector_pick(s.connector, &pick, NULL, err);
}

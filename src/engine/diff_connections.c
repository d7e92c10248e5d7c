/*
 * A snapshot of databases outside of stacks against these databases as they are
 * now.
 */
#include "engine/connect.h"
#include "engine/diff_rows.h"
#include "repo/snapshot.h"

#include <string.h>

struct servers {
	struct diff_server *items;
	struct live_server *reached;
	size_t count;
};

static void
servers_auto(struct servers *s)
{
	for (size_t i = 0; i < s->count; i++)
		live_server_close(&s->reached[i]);
	free(s->items);
	free(s->reached);
}

static enum err_code
add(struct servers *s, struct engine *e, const struct connections *list, const char *name,
    struct err *err)
{
	const struct connection *c = connections_find(list, name);
	if (c == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "this host knows no database called %s: 'stacksnap db add' names it, "
		    "--service picks another",
		    name);
	if (c->site.path != NULL) /* a SQLite file: the snapshot tells where it lies */
		return ERR_OK;
	struct live_server *reached = &s->reached[s->count];
	*reached = (struct live_server)LIVE_SERVER_INIT;
	s->items[s->count++] = (struct diff_server){ &reached->target, c->site.kind };
	return connection_reach(reached, c, e->cancel, err);
}

static enum err_code
find(struct servers *s, struct engine *e, const json_t *members, const struct connections *list,
    const char *wanted, struct err *err)
{
	size_t n = json_array_size(members) + 1;
	size_t i;
	const json_t *m;
	s->items = calloc(n, sizeof *s->items);
	s->reached = calloc(n, sizeof *s->reached);
	if (s->items == NULL || s->reached == NULL)
		return err_nomem(err);
	json_array_foreach(members, i, m)
	{
		const char *kind = json_get_str(m, "kind");
		const char *name = json_get_str(m, "name");
		bool is_one = kind != NULL && name != NULL && strcmp(kind, "database") == 0;
		if (is_one && (wanted == NULL || strcmp(wanted, name) == 0) &&
		    add(s, e, list, name, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
diff_rows_connections(struct engine *e, const struct id *a, const struct connections *list,
    const struct diff_rows_options *opt, const struct diff_rows_ops *ops, void *arg,
    struct err *err)
{
	AUTO(json) json_t *document = NULL;
	AUTO(servers) struct servers s = { .items = NULL };
	if (snapshot_load(e->repo, a, &document, err) ||
	    find(&s, e, json_object_get(document, "members"), list, opt->service, err))
		return err->code;
	return diff_rows_servers(e, a, s.items, s.count, opt, ops, arg, err);
}

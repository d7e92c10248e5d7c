#include "cli/db_args.h"

#include "base/suggest.h"

enum err_code
db_open_list(struct cli *c, enum connections_use use, struct connections **out, struct err *err)
{
	if (c->state_dir == NULL)
		return err_set(err, ERR_USAGE,
		    "no place to keep databases: set HOME, or STACKSNAP_STATE_DIR to a folder");
	return connections_open(out, c->state_dir, NULL, use, err);
}

enum err_code
db_find(const struct connections *l, const char *name, const struct connection **out,
    struct err *err)
{
	*out = connections_find(l, name);
	if (*out != NULL)
		return ERR_OK;
	size_t n = connections_count(l);
	AUTO(mem) const char **names = calloc(n + 1, sizeof *names);
	if (names == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < n; i++)
		names[i] = connections_at(l, i)->name;
	const char *near = suggest(name, names, n);
	if (near != NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "there is no database called %s (did you mean %s?)", name, near);
	return err_set(err, ERR_NOT_FOUND,
	    "there is no database called %s: 'stacksnap db list' shows those that there are",
	    name);
}

static bool
is_chosen(const struct args *a, const struct connection *c)
{
	return (a->env == NULL || (c->env != NULL && strcmp(a->env, c->env) == 0)) &&
	       (a->project == NULL ||
		   (c->project != NULL && strcmp(a->project, c->project) == 0));
}

enum err_code
db_choose(const struct args *a, const struct connections *l, const struct strv *names,
    size_t from, struct strv *out, struct err *err)
{
	bool is_all = names->len <= from;
	size_t n = is_all ? connections_count(l) : names->len - from;
	for (size_t i = 0; i < n; i++) {
		const struct connection *c = NULL;
		if (is_all)
			c = connections_at(l, i);
		else if (db_find(l, names->items[from + i], &c, err))
			return err->code;
		if (is_chosen(a, c) && !strv_has(out, c->name) && strv_add(out, c->name, err))
			return err->code;
	}
	return ERR_OK;
}

#include "serve/look.h"

enum err_code
look_begin(struct look *out, const struct ask *ask, struct err *err)
{
	AUTO(kept_repo) struct kept_repo *kept = NULL;
	struct look l = { .old = ERR_INIT };
	if (keeper_repo(ask->keeper, &kept, err))
		return err->code;
	l.repo = kept_repo_repo(kept);
	l.engine = keeper_engine(ask, l.repo);
	if (shelf_points(keeper_shelf(ask->keeper), l.repo, &l.points, &l.old, err))
		return err->code;
	l.kept = TAKE(kept);
	*out = l;
	return ERR_OK;
}

void
look_release(struct look *l)
{
	points_release(l->points);
	kept_repo_release(l->kept);
}

enum err_code
look_at(struct look *out, const struct point **point, const struct ask *ask, struct err *err)
{
	struct look l;
	if (look_begin(&l, ask, err))
		return err->code;
	if (points_find(l.points, json_get_str(ask->args, "id"), point, err)) {
		look_release(&l);
		return err->code;
	}
	*out = l;
	return ERR_OK;
}

enum err_code
ask_stack(const struct ask *ask, const char *name, const char **out, struct err *err)
{
	const char *stack = json_get_str(ask->args, name);
	if (stack != NULL && strchr(stack, '.') != NULL)
		return err_set(err, ERR_USAGE, "%s: a stack's name has no '.'", name);
	*out = stack;
	return ERR_OK;
}

#include "cli/filter_args.h"

#include "sys/clock.h"

#include <unistd.h>

/* Sources are absolute; the folder itself need not exist any more. */
static enum err_code
add_paths(struct strv *out, const struct strv *given, struct err *err)
{
	AUTO(str) char *here = NULL;
	for (size_t i = 0; i < given->len; i++) {
		const char *path = given->items[i];
		if (*path != '/' && here == NULL && (here = getcwd(NULL, 0)) == NULL)
			return err_sys(err, "the current folder");
		while (strncmp(path, "./", 2) == 0)
			path += 2;
		bool is_here = strcmp(path, ".") == 0;
		if (*path == '/' ? strv_add(out, path, err)
				 : strv_addf(out, err, "%s%s%s", here, is_here ? "" : "/",
				       is_here ? "" : path))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
parse_bound(int64_t *out, const char *option, const char *text, struct err *err)
{
	if (text != NULL && time_parse(out, text, clock_wall_ns(), err))
		return err_wrap(err, "%s", option);
	return ERR_OK;
}

enum err_code
cli_filter(const struct cli *c, struct snapshot_filter *out, struct err *err)
{
	AUTO(snapshot_filter) struct snapshot_filter f = SNAPSHOT_FILTER_INIT;
	const struct args *a = &c->args;
	if (strv_add_all(&f.names, &a->operands, err) ||
	    strv_add_all(&f.stacks, &a->stacks, err) || add_paths(&f.paths, &a->paths, err) ||
	    strv_add_all(&f.databases, &a->databases, err) ||
	    strv_add_all(&f.hosts, &a->hosts, err) || strv_add_all(&f.tags, &a->tags, err) ||
	    parse_bound(&f.since_ns, "--since", a->since, err) ||
	    parse_bound(&f.until_ns, "--until", a->until, err))
		return err->code;
	*out = f;
	f = (struct snapshot_filter)SNAPSHOT_FILTER_INIT;
	return ERR_OK;
}

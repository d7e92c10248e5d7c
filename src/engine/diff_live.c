#include "engine/diff_impl.h"

#include "engine/excluder.h"
#include "engine/meter.h"
#include "engine/restore_path.h"
#include "tree/dir.h"

#include <unistd.h>

/* A difference, until all are known; entries have a type and a size only. */
struct kept {
	char *path;
	struct tree_diff diff;
	struct tree_entry a;
	struct tree_entry b;
};

struct live {
	struct differ differ;
	struct snapshot snapshot;
	struct kept *kept;
	size_t count;
	size_t cap;
	struct tree_progress progress;
	uint64_t files_total;
	uint64_t bytes_total;
};

/* What of a member is being compared. */
struct part {
	struct excluder *excluder;
	const char *below; /* path in the member, "" for all of it */
};

static void
live_release(struct live *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->kept[i].path);
	free(l->kept);
	snapshot_release(&l->snapshot);
	differ_release(&l->differ);
	pthread_mutex_destroy(&l->progress.path_lock);
}

static struct tree_entry
outline(const struct tree_entry *e)
{
	struct tree_entry o = TREE_ENTRY_INIT;
	if (e != NULL) {
		o.type = e->type;
		o.content.size = e->content.size;
	}
	return o;
}

static enum err_code
keep(void *arg, const struct tree_diff *diff, struct err *err)
{
	struct live *l = arg;
	const char *path;
	if (!differ_count(&l->differ, diff) || l->differ.fn == NULL)
		return ERR_OK;
	if (l->count == l->cap) {
		size_t cap = max_size(64, 2 * l->cap);
		struct kept *more = reallocarray(l->kept, cap, sizeof *more);
		if (more == NULL)
			return err_nomem(err);
		l->kept = more;
		l->cap = cap;
	}
	struct kept *k = &l->kept[l->count];
	*k = (struct kept){ .diff = *diff, .a = outline(diff->a), .b = outline(diff->b) };
	if (differ_path(&l->differ, diff->path, diff->path_len, &path, err) ||
	    str_dup(&k->path, path, err))
		return err->code;
	l->count++;
	return ERR_OK;
}

static bool
is_left_out(void *arg, const char *path, size_t len, bool is_dir)
{
	const struct part *p = arg;
	struct err scratch; /* out of memory: then it is compared, and may differ */
	AUTO(str) char *whole = NULL;
	if (*p->below == '\0')
		return excluder_has(p->excluder, path, len, is_dir);
	if (str_printf(&whole, &scratch, "%s/%.*s", p->below, (int)len, path))
		return false;
	return excluder_has(p->excluder, whole, strlen(whole), is_dir);
}

static enum err_code
read_rules(struct ignore **out, const json_t *member, const char *source, struct err *err)
{
	AUTO(ignore) struct ignore *g = NULL;
	const json_t *rules = json_object_get(member, "exclude");
	if (ignore_new(&g, source, err))
		return err->code;
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const char *rule = json_string_value(json_array_get(rules, i));
		if (rule != NULL && ignore_add(g, rule, strlen(rule), err))
			return err_wrap(err, "what the snapshot excludes");
	}
	*out = TAKE(g);
	return ERR_OK;
}

/* Compare what lies in the tree at path, which is below in the member, with the host's. */
static enum err_code
compare_part(
    struct live *l, const json_t *member, const char *path, const char *below, struct err *err)
{
	const char *source = json_get_str(member, "source");
	AUTO(ignore) struct ignore *rules = NULL;
	AUTO(excluder) struct excluder *x = NULL;
	AUTO(tree_entry) struct tree_entry before = TREE_ENTRY_INIT;
	AUTO(str) char *now = NULL;
	struct tree_compared compared;
	if (source == NULL)
		return err_set(err, ERR_CORRUPT, "a member without its source");
	if (read_rules(&rules, member, source, err))
		return err->code;
	struct excluder_options xo = {
		.root = source,
		.rules = rules,
		.caches = json_get_bool(member, "exclude_caches"),
		.one_file_system = json_get_bool(member, "one_file_system"),
	};
	struct repo *repo = l->differ.engine->repo;
	if (excluder_new(&x, &xo, err) ||
	    str_printf(&now, err, "%s%s%s", source, *below != '\0' ? "/" : "", below) ||
	    tree_lookup(repo, &l->snapshot.root, path, &before, err) ||
	    differ_begin(&l->differ, path, err))
		return err->code;
	struct part part = { x, below };
	struct tree_compare_options opt = {
		.exclude = is_left_out,
		.exclude_arg = &part,
		.problem = differ_problem,
		.problem_arg = &l->differ,
		.progress = &l->progress,
		.cancel = l->differ.engine->cancel,
	};
	if (tree_compare_live(&compared, repo, &before, now, &opt, keep, l, err))
		return err->code;
	l->differ.sum.problems += compared.problems;
	return ERR_OK;
}

/* What of a member lies at or below the path that was asked for; *path NULL: nothing. */
static void
part_of_member(const char *asked, const char *member, const char **path, const char **below)
{
	*path = NULL;
	*below = "";
	if (*asked == '\0' || path_is_within(member, asked)) {
		*path = member;
	} else if (*member == '\0' || path_is_within(asked, member)) {
		*path = asked;
		*below = asked + strlen(member);
		while (**below == '/')
			++*below;
	}
}

static enum err_code
compare_members(struct live *l, const char *asked, struct err *err)
{
	const json_t *members = json_object_get(l->snapshot.document, "members");
	bool found = false;
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *m = json_array_get(members, i);
		const char *tree = json_get_str(m, "path");
		const char *path;
		const char *below;
		if (tree == NULL)
			return err_set(err, ERR_CORRUPT, "a member without its path");
		part_of_member(asked, tree, &path, &below);
		if (path == NULL)
			continue;
		found = true;
		if (compare_part(l, m, path, below, err))
			return err->code;
	}
	if (!found)
		return err_set(
		    err, ERR_NOT_FOUND, "%s: not in what this snapshot was made of", asked);
	return ERR_OK;
}

static enum err_code
check_source(const struct live *l, struct err *err)
{
	const json_t *doc = l->snapshot.document;
	const char *kind = json_get_str(json_object_get(doc, "source"), "kind");
	const char *host = json_get_str(doc, "host");
	char here[256];
	if (kind == NULL || strcmp(kind, "path") != 0)
		return err_set(err, ERR_USAGE,
		    "only a snapshot of folders can be compared with what is live");
	if (gethostname(here, sizeof here) != 0)
		return err_sys(err, "ask the host's name");
	here[sizeof here - 1] = '\0';
	if (host == NULL || strcmp(host, here) != 0)
		return err_set(err, ERR_USAGE, "the snapshot is of the host %s, and this is %s",
		    host != NULL ? host : "?", here);
	return ERR_OK;
}

static void
sample(void *arg, struct event *e)
{
	struct live *l = arg;
	e->files = atomic_load(&l->progress.files);
	e->bytes = atomic_load(&l->progress.bytes);
	/* Of a part nobody knows how much it holds. */
	bool is_all = *l->differ.opt->path == '\0';
	e->files_total = is_all && l->files_total > e->files ? l->files_total : 0;
	e->bytes_total = is_all && l->bytes_total > e->bytes ? l->bytes_total : 0;
}

static int
by_path(const void *a, const void *b)
{
	return tree_path_compare(
	    ((const struct kept *)a)->path, ((const struct kept *)b)->path);
}

static enum err_code
tell_all(struct live *l, struct err *err)
{
	if (l->count > 0)
		qsort(l->kept, l->count, sizeof l->kept[0], by_path);
	for (size_t i = 0; i < l->count; i++) {
		struct kept *k = &l->kept[i];
		k->diff.path = k->path;
		k->diff.path_len = strlen(k->path);
		k->diff.a = k->diff.a != NULL ? &k->a : NULL;
		k->diff.b = k->diff.b != NULL ? &k->b : NULL;
		if (l->differ.fn(l->differ.arg, &k->diff, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
compare(struct live *l, const struct id *a, struct err *err)
{
	AUTO(meter) struct meter *meter = NULL;
	AUTO(str) char *asked = NULL;
	struct engine *e = l->differ.engine;
	if (snapshot_open(&l->snapshot, e->repo, a, err) || check_source(l, err) ||
	    differ_begin(&l->differ, l->differ.opt->path, err) ||
	    str_dup(&asked, (const char *)l->differ.base.data, err))
		return err->code;
	const json_t *stats = json_object_get(l->snapshot.document, "stats");
	l->files_total = (uint64_t)json_get_int(stats, "files", 0);
	l->bytes_total = (uint64_t)json_get_int(stats, "bytes", 0);
	event_phase(e->events, "compare with what is live");
	meter_start(&meter, e->events, sample, l);
	return compare_members(l, asked, err);
}

enum err_code
diff_live(struct engine *e, const struct id *a, const struct diff_options *opt,
    tree_diff_fn *fn, void *arg, struct diff_result *out, struct err *err)
{
	struct live l = {
		.differ = { .engine = e, .opt = opt, .fn = fn, .arg = arg },
		.snapshot = { .root = TREE_ENTRY_INIT },
		.progress = TREE_PROGRESS_INIT,
	};
	enum err_code rc = compare(&l, a, err);
	if (rc == ERR_OK)
		rc = tell_all(&l, err);
	live_release(&l);
	if (rc == ERR_OK)
		*out = l.differ.sum;
	return rc;
}

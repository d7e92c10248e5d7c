#include "engine/diff_impl.h"

#include "base/counted.h"
#include "base/room.h"
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
	const json_t *sqlite; /* of the member at hand: databases that SQLite itself read */
	const char *member; /* its path in the tree */
	uint64_t databases; /* that were passed over */
	bool is_stack;
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

/* "app.db", "app.db-wal" of "app.db" */
static bool
belongs_to(const char *path, const char *database)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	size_t len = strlen(database);
	if (strncmp(path, database, len) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (strcmp(path + len, suffixes[i]) == 0)
			return true;
	return false;
}

/* What SQLite read and what lies there have other bytes, though nothing differs. */
static bool
is_database(struct live *l, const struct tree_diff *diff, struct err *err)
{
	const char *path;
	if (l->sqlite == NULL ||
	    differ_path(&l->differ, diff->path, diff->path_len, &path, err))
		return false;
	path += strlen(l->member);
	path += *path == '/';
	for (size_t i = 0; i < json_array_size(l->sqlite); i++) {
		const char *database = json_get_str(json_array_get(l->sqlite, i), "path");
		bool is_itself = database != NULL && strcmp(path, database) == 0;
		if (database != NULL && belongs_to(path, database) &&
		    (!is_itself || diff->kind == TREE_DIFF_CHANGED))
			return true;
	}
	return false;
}

static enum err_code
keep(void *arg, const struct tree_diff *diff, struct err *err)
{
	struct live *l = arg;
	const char *path;
	if (is_database(l, diff, err)) {
		l->databases++;
		return ERR_OK;
	}
	if (!differ_count(&l->differ, diff) || l->differ.fn == NULL)
		return ERR_OK;
	if (ROOM(l->kept, l->count, l->cap, 64, err))
		return err->code;
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

/* What the backup of a member left out. */
struct left_out {
	struct ignore *rules;
	struct strv paths;
};

static void
left_out_auto(struct left_out *o)
{
	ignore_free(o->rules);
	strv_release(&o->paths);
}

/* Of folders, "exclude" holds rules; of a stack's member paths, and "rules" the rules. */
static enum err_code
read_left_out(struct left_out *o, const json_t *member, bool is_stack, const char *source,
    struct err *err)
{
	const json_t *rules = json_object_get(member, is_stack ? "rules" : "exclude");
	const json_t *paths = is_stack ? json_object_get(member, "exclude") : NULL;
	if (ignore_new(&o->rules, is_stack ? NULL : source, err))
		return err->code;
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const char *rule = json_string_value(json_array_get(rules, i));
		if (rule != NULL && ignore_add(o->rules, rule, strlen(rule), err))
			return err_wrap(err, "what the snapshot excludes");
	}
	for (size_t i = 0; i < json_array_size(paths); i++) {
		const char *path = json_string_value(json_array_get(paths, i));
		if (path != NULL && strv_add(&o->paths, path, err))
			return err->code;
	}
	return ERR_OK;
}

/* Compare what lies in the tree at path, which is below in the member, with the host's. */
static enum err_code
compare_part(
    struct live *l, const json_t *member, const char *path, const char *below, struct err *err)
{
	const char *source = json_get_str(member, "source");
	AUTO(left_out) struct left_out left_out = { .paths = STRV_INIT };
	AUTO(excluder) struct excluder *x = NULL;
	AUTO(tree_entry) struct tree_entry before = TREE_ENTRY_INIT;
	AUTO(str) char *now = NULL;
	struct tree_compared compared;
	if (source == NULL)
		return err_set(err, ERR_CORRUPT, "a member without its source");
	if (read_left_out(&left_out, member, l->is_stack, source, err))
		return err->code;
	struct excluder_options xo = {
		.root = source,
		.paths = l->is_stack ? &left_out.paths : NULL,
		.rules = left_out.rules,
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

/* Is it a folder or file of this host?  Databases, images and what the engine said are not. */
static bool
lies_on_a_host(const json_t *member)
{
	static const char *const kinds[] = { "path", "project", "file", "volume", "bind" };
	const char *kind = json_get_str(member, "kind");
	for (size_t i = 0; kind != NULL && i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
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
		if (path == NULL || !lies_on_a_host(m))
			continue;
		found = true;
		l->sqlite = json_object_get(m, "sqlite");
		l->member = tree;
		if (l->is_stack && json_get_str(m, "source") == NULL) {
			event_problem(l->differ.engine->events, tree,
			    "it does not lie on this host, and cannot be compared");
			l->differ.sum.problems++;
			continue;
		}
		if (compare_part(l, m, path, below, err))
			return err->code;
	}
	if (!found)
		return err_set(
		    err, ERR_NOT_FOUND, "%s: not in what this snapshot was made of", asked);
	return ERR_OK;
}

enum err_code
diff_check_host(const json_t *doc, struct err *err)
{
	const char *host = json_get_str(doc, "host");
	char here[256];
	if (gethostname(here, sizeof here) != 0)
		return err_sys(err, "ask the host's name");
	here[sizeof here - 1] = '\0';
	if (host == NULL || strcmp(host, here) != 0)
		return err_set(err, ERR_USAGE, "the snapshot is of the host %s, and this is %s",
		    host != NULL ? host : "?", here);
	return ERR_OK;
}

static enum err_code
check_source(struct live *l, struct err *err)
{
	const json_t *doc = l->snapshot.document;
	const char *kind = json_get_str(json_object_get(doc, "source"), "kind");
	l->is_stack = kind != NULL && strcmp(kind, "stack") == 0;
	if (!l->is_stack && (kind == NULL || strcmp(kind, "path") != 0))
		return err_set(err, ERR_USAGE,
		    "only a snapshot of a stack or of folders can be compared with what is "
		    "live");
	return diff_check_host(doc, err);
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
	if (compare_members(l, asked, err))
		return err->code;
	char count[COUNTED_MAX];
	if (l->databases > 0)
		event_note(e->events, NULL,
		    "%s of SQLite databases differ in bytes, which says nothing: their rows "
		    "are "
		    "compared",
		    counted(count, l->databases, "file"));
	return ERR_OK;
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

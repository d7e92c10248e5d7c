#include "engine/restore_select.h"

#include "engine/excluder.h"
#include "engine/restore_path.h"
#include "tree/dir.h"

#include <pthread.h>

/* What a member was saved without. */
struct keeper {
	char *path; /* of the member, below what is restored */
	char *live; /* where that is */
	struct strv exclude;
	struct ignore *rules;
	struct excluder *excluder;
};

struct restore_select {
	struct restore_select_options opt;
	char *prefix;
	struct strv paths;
	struct ignore *rules; /* NULL: none were given */
	struct strv members; /* their paths in the tree */
	struct keeper *keepers;
	size_t n_keepers;
	struct buf path;
	pthread_mutex_t lock; /* guards the excluders */
};

void
restore_select_free(struct restore_select *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_keepers; i++) {
		struct keeper *k = &s->keepers[i];
		excluder_free(k->excluder);
		ignore_free(k->rules);
		strv_release(&k->exclude);
		free(k->path);
		free(k->live);
	}
	free(s->keepers);
	free(s->prefix);
	strv_release(&s->paths);
	strv_release(&s->members);
	ignore_free(s->rules);
	buf_release(&s->path);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* "a/b" for "/a//b/." */
static enum err_code
clean_path(char **out, const char *path, struct err *err)
{
	AUTO(strv) struct strv parts = STRV_INIT;
	AUTO(str) char *all = NULL;
	if (strv_split(&parts, path, '/', err) || str_dup(&all, "", err))
		return err->code;
	for (size_t i = 0; i < parts.len; i++) {
		AUTO(str) char *before = TAKE(all);
		if (strcmp(parts.items[i], "..") == 0)
			return err_set(err, ERR_USAGE, "%s: \"..\" leads nowhere here", path);
		bool skip = strcmp(parts.items[i], ".") == 0;
		if (skip ? str_dup(&all, before, err)
			 : str_printf(&all, err, "%s%s%s", before, *before != '\0' ? "/" : "",
			       parts.items[i]))
			return err->code;
	}
	*out = TAKE(all);
	return ERR_OK;
}

/* Is path dir, or below it?  Both clean. */
static bool
is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);
	return len == 0 ||
	       (strncmp(path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/'));
}

static bool
is_within_any(const char *path, const struct strv *dirs)
{
	for (size_t i = 0; i < dirs->len; i++)
		if (is_within(path, dirs->items[i]))
			return true;
	return false;
}

static bool
leads_to_any(const char *dir, const struct strv *paths)
{
	for (size_t i = 0; i < paths->len; i++)
		if (is_within(paths->items[i], dir))
			return true;
	return false;
}

static enum err_code
add_paths(struct restore_select *s, struct repo *r, struct err *err)
{
	const struct strv *paths = s->opt.paths;
	for (size_t i = 0; paths != NULL && i < paths->len; i++) {
		AUTO(str) char *clean = NULL;
		AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
		if (clean_path(&clean, paths->items[i], err) ||
		    tree_find(r, &s->opt.snapshot->root, clean, &e, err) ||
		    strv_add(&s->paths, clean, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
add_rules(struct restore_select *s, struct err *err)
{
	const struct strv *rules = s->opt.include;
	if (rules == NULL || rules->len == 0)
		return ERR_OK;
	if (ignore_new(&s->rules, NULL, err))
		return err->code;
	for (size_t i = 0; i < rules->len; i++)
		if (ignore_add(s->rules, rules->items[i], strlen(rules->items[i]), err))
			return err_wrap(err, "--include");
	return ERR_OK;
}

static const char *
member_path(const json_t *m)
{
	const char *path = json_get_str(m, "path");
	return path != NULL ? path : "";
}

/* The rules that the backup of a member followed, here. */
static enum err_code
keeper_init(struct restore_select *s, struct keeper *k, const json_t *m, struct err *err)
{
	const char *kind = json_get_str(m, "kind");
	bool is_rules = kind != NULL && strcmp(kind, "path") == 0;
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(m, "exclude"), i, one)
	{
		const char *text = json_string_value(one);
		if (text != NULL && strv_add(&k->exclude, text, err))
			return err->code;
	}
	if (ignore_new(&k->rules, is_rules ? json_get_str(m, "source") : NULL, err))
		return err->code;
	json_array_foreach(json_object_get(m, is_rules ? "exclude" : "rules"), i, one)
	{
		const char *rule = json_string_value(one);
		if (rule != NULL && ignore_add(k->rules, rule, strlen(rule), err))
			return err_wrap(err, "what the backup left out");
	}
	if (str_printf(
		&k->live, err, "%s%s%s", s->opt.target, *k->path != '\0' ? "/" : "", k->path))
		return err->code;
	struct excluder_options o = {
		.root = k->live,
		.paths = is_rules ? NULL : &k->exclude,
		.rules = k->rules,
		.caches = json_is_true(json_object_get(m, "exclude_caches")),
		.one_file_system = json_is_true(json_object_get(m, "one_file_system")),
	};
	return excluder_new(&k->excluder, &o, err);
}

/* Where what is at path in the tree goes below the target; NULL when it is not restored. */
static const char *
below_prefix(const struct restore_select *s, const char *path)
{
	if (!is_within(path, s->prefix))
		return NULL;
	path += strlen(s->prefix);
	return path + (*path == '/');
}

static enum err_code
add_members(struct restore_select *s, struct err *err)
{
	const json_t *members = json_object_get(s->opt.snapshot->document, "members");
	size_t i;
	json_t *m;
	s->keepers = calloc(json_array_size(members) + 1, sizeof *s->keepers);
	if (s->keepers == NULL)
		return err_nomem(err);
	json_array_foreach(members, i, m)
	{
		AUTO(str) char *path = NULL;
		if (clean_path(&path, member_path(m), err) || strv_add(&s->members, path, err))
			return err->code;
		const char *rest = below_prefix(s, path);
		/* What is restored may lie inside the member: its rules are then for the way
		 * from the member, which the target is only a part of. */
		if (rest == NULL && !is_within(s->prefix, path))
			continue;
		if (rest == NULL && (json_array_size(json_object_get(m, "exclude")) > 0 ||
					json_array_size(json_object_get(m, "rules")) > 0))
			return err_set(err, ERR_USAGE,
			    "the backup left things out of %s by its rules: to delete there, "
			    "restore all of it, or give the part as PATH instead of --path",
			    member_path(m));
		struct keeper *k = &s->keepers[s->n_keepers++];
		if (str_dup(&k->path, rest != NULL ? rest : "", err) ||
		    keeper_init(s, k, m, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
restore_select_new(struct restore_select **out, struct repo *r,
    const struct restore_select_options *opt, struct err *err)
{
	AUTO(restore_select) struct restore_select *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	s->opt = *opt;
	pthread_mutex_init(&s->lock, NULL);
	if (clean_path(&s->prefix, opt->prefix, err) || add_paths(s, r, err) ||
	    add_rules(s, err) || (opt->deletes && add_members(s, err)))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

bool
restore_select_is_part(const struct restore_select *s)
{
	return s->paths.len > 0 || s->rules != NULL;
}

static enum tree_select
ask(void *arg, const char *path, size_t len, const struct tree_entry *e)
{
	struct restore_select *s = arg;
	struct err scratch;
	bool is_dir = e->type == TREE_DIR;
	bool has_prefix = *s->prefix != '\0';
	s->path.len = 0;
	/* Without memory the walk itself ends soon. */
	if (buf_printf(&s->path, &scratch, "%s%s%s", s->prefix, has_prefix ? "/" : "", path))
		return TREE_SKIP;
	const char *full = buf_cstr(&s->path);
	if (full == NULL)
		return TREE_SKIP;
	bool is_part = restore_select_is_part(s);
	if (!is_part || is_within_any(full, &s->paths) ||
	    (s->rules != NULL && ignore_covers(s->rules, full, s->path.len, is_dir))) {
		bool is_whole = !s->opt.deletes || is_within_any(full, &s->members);
		return !is_dir || is_whole ? TREE_TAKE : TREE_DESCEND;
	}
	(void)len;
	return is_dir && (s->rules != NULL || leads_to_any(full, &s->paths)) ? TREE_DESCEND
									     : TREE_SKIP;
}

static bool
keeps(void *arg, const char *path, size_t len, bool is_dir)
{
	struct restore_select *s = arg;
	bool keep = false;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n_keepers && !keep; i++) {
		const struct keeper *k = &s->keepers[i];
		size_t skip = strlen(k->path);
		if (!is_within(path, k->path) || len <= skip)
			continue;
		skip += skip > 0;
		keep = excluder_has(k->excluder, path + skip, len - skip, is_dir);
	}
	pthread_mutex_unlock(&s->lock);
	return keep;
}

void
restore_select_apply(struct restore_select *s, struct tree_restore_options *o)
{
	bool all_whole = !s->opt.deletes || is_within_any(s->prefix, &s->members);
	if (restore_select_is_part(s) || !all_whole) {
		o->select = ask;
		o->select_arg = s;
	}
	o->delete_extra = s->opt.deletes;
	if (s->opt.deletes) {
		o->keep = keeps;
		o->keep_arg = s;
	}
}

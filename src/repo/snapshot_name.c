#include "base/strv.h"
#include "base/suggest.h"
#include "repo/object.h"
#include "repo/repo_impl.h"
#include "repo/snapshot.h"

#define PREFIX_MIN 4
#define LATEST "latest"

bool
snapshot_name_is_latest(const char *name, const char **of)
{
	size_t n = strlen(LATEST);
	if (strncmp(name, LATEST, n) != 0 ||
	    (name[n] != '\0' && (name[n] != ':' || name[n + 1] == '\0')))
		return false;
	*of = name[n] == ':' ? name + n + 1 : NULL;
	return true;
}

bool
snapshot_names_have(const char *names, const char *name)
{
	size_t len = strlen(name);
	for (; *names != '\0'; names += *names == ',') {
		size_t n = strcspn(names, ",");
		if (n == len && memcmp(names, name, n) == 0)
			return true;
		names += n;
	}
	return false;
}

static bool
is_text(const json_t *value, const char *text)
{
	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

bool
snapshot_is_of(const json_t *document, const char *of)
{
	const json_t *source = json_object_get(document, "source");
	const json_t *paths = json_object_get(source, "paths");
	const char *name = json_get_str(source, "name");
	for (size_t i = 0; i < json_array_size(paths); i++)
		if (is_text(json_array_get(paths, i), of))
			return true;
	return name != NULL && (strcmp(name, of) == 0 || snapshot_names_have(name, of));
}

struct search {
	const char *of; /* of what the last one is wanted; NULL: of anything */
	struct strv others;
	struct id id;
	unsigned matches;
};

static void
search_auto(struct search *q)
{
	strv_release(&q->others);
}

static enum err_code
note_other(struct strv *others, const json_t *source, struct err *err)
{
	const json_t *paths = json_object_get(source, "paths");
	const char *name = json_get_str(source, "name");
	if (name != NULL && !strv_has(others, name) && strv_add(others, name, err))
		return err->code;
	for (size_t i = 0; i < json_array_size(paths); i++) {
		const char *path = json_string_value(json_array_get(paths, i));
		if (path != NULL && !strv_has(others, path) && strv_add(others, path, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
match_last(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	struct search *q = arg;
	if (q->of != NULL && !snapshot_is_of(document, q->of))
		return note_other(&q->others, json_object_get(document, "source"), err);
	q->id = *id;
	q->matches++;
	return ERR_OK;
}

static enum err_code
find_latest(struct repo *r, struct search *q, struct err *err)
{
	if (snapshot_list(r, match_last, q, err))
		return err_wrap(err, "find the latest snapshot");
	if (q->matches > 0)
		return ERR_OK;
	if (q->of == NULL || q->others.len == 0)
		return err_set(err, ERR_NOT_FOUND, "the repository holds no snapshot");
	const char *near = suggest(q->of, (const char *const *)q->others.items, q->others.len);
	return err_set(err, ERR_NOT_FOUND, "the repository holds no snapshot of %s%s%s%s",
	    q->of, near != NULL ? " (did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?)" : ": 'stacksnap snapshots' lists those that it holds");
}

static enum err_code
match_prefix(void *arg, const struct store_entry *e, struct err *err)
{
	(void)err;
	struct search *q = arg;
	struct id id;
	if (object_id_of_key(&id, e->key, object_folder(OBJECT_SNAPSHOT))) {
		q->id = id;
		q->matches++;
	}
	return ERR_OK;
}

static enum err_code
find_prefix(struct repo *r, const char *name, struct search *q, struct err *err)
{
	char prefix[OBJECT_KEY_SIZE];
	size_t len = strlen(name);
	if (len < PREFIX_MIN || len > 2 * ID_SIZE || strspn(name, "0123456789abcdef") != len)
		return err_set(err, ERR_USAGE,
		    "'%s' names no snapshot: give 'latest', 'latest:SOURCE' (of a "
		    "stack, folder or database), or at least %d hexadecimal digits of its id",
		    name, PREFIX_MIN);
	snprintf(prefix, sizeof prefix, "%s%s", object_folder(OBJECT_SNAPSHOT), name);
	if (store_list(r->store, prefix, NULL, match_prefix, q, err))
		return err->code;
	if (q->matches == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "no snapshot begins with %s: 'stacksnap snapshots' lists them", name);
	if (q->matches > 1)
		return err_set(err, ERR_USAGE, "%u snapshots begin with %s: give more digits",
		    q->matches, name);
	return ERR_OK;
}

enum err_code
snapshot_resolve(struct repo *r, const char *name, struct id *id, struct err *err)
{
	AUTO(search) struct search q = { .matches = 0 };
	if (snapshot_name_is_latest(name, &q.of) ? find_latest(r, &q, err)
						 : find_prefix(r, name, &q, err))
		return err->code;
	*id = q.id;
	return ERR_OK;
}

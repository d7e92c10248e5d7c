/*
 * json_patch_apply.h: a patch (base/json_patch.h) carried out, as whoever gets one would.
 *
 * Source: RFC 6902; all six of its operations are known.
 */
#ifndef TEST_JSON_PATCH_APPLY_H
#define TEST_JSON_PATCH_APPLY_H

#include "base/json.h"

#include <string.h>

/* The last part of a pointer, without escapes, and the value that it is a part of. */
struct place {
	json_t *parent; /* borrowed */
	char *key;
	size_t index; /* of arrays; their size for "-" */
};

static void
place_auto(struct place *p)
{
	free(p->key);
}

static enum err_code
absent(const char *pointer, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "JSON patch: there is no \"%s\"", pointer);
}

/* "~1" is "/", "~0" is "~"; anything else behind "~" is no pointer. */
static enum err_code
unescape(char **out, const char *from, size_t len, struct err *err)
{
	AUTO(str) char *key = NULL;
	size_t n = 0;
	if (str_dupn(&key, from, len, err))
		return err->code;
	for (size_t i = 0; i < len; i++) {
		if (from[i] != '~') {
			key[n++] = from[i];
			continue;
		}
		i++;
		if (i == len || (from[i] != '0' && from[i] != '1'))
			return err_set(err, ERR_USAGE, "JSON patch: bad \"~\" in a path");
		key[n++] = from[i] == '0' ? '~' : '/';
	}
	key[n] = '\0';
	*out = TAKE(key);
	return ERR_OK;
}

/* The number of an array's item: digits without a zero in front. */
static bool
read_index(const char *key, size_t *out)
{
	size_t n = 0;
	size_t len = strlen(key);
	if (len == 0 || len > 9 || (len > 1 && key[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (key[i] < '0' || key[i] > '9')
			return false;
		n = 10 * n + (size_t)(key[i] - '0');
	}
	*out = n;
	return true;
}

/* NULL when there is none. */
static json_t *
child(json_t *parent, const char *key)
{
	size_t index;
	if (json_is_object(parent))
		return json_object_get(parent, key);
	if (!json_is_array(parent) || !read_index(key, &index))
		return NULL;
	return json_array_get(parent, index);
}

/* Walk to the value that a pointer's last part is, or would be, a part of. */
static enum err_code
find(struct place *out, json_t *root, const char *pointer, struct err *err)
{
	json_t *at = root;
	if (*pointer != '/')
		return err_set(err, ERR_USAGE, "JSON patch: \"%s\" is no path", pointer);
	for (const char *p = pointer + 1;;) {
		size_t len = strcspn(p, "/");
		AUTO(str) char *key = NULL;
		if (unescape(&key, p, len, err))
			return err->code;
		if (p[len] == '\0') {
			out->parent = at;
			out->key = TAKE(key);
			break;
		}
		at = child(at, key);
		if (at == NULL)
			return absent(pointer, err);
		p += len + 1;
	}
	if (!json_is_object(at) && !json_is_array(at))
		return absent(pointer, err);
	if (json_is_object(at))
		return ERR_OK;
	out->index = json_array_size(at);
	if (strcmp(out->key, "-") != 0 &&
	    (!read_index(out->key, &out->index) || out->index > json_array_size(at)))
		return absent(pointer, err);
	return ERR_OK;
}

/* A reference of the caller's to what is there. */
static enum err_code
get(json_t **out, json_t *root, const char *pointer, struct err *err)
{
	AUTO(place) struct place at = { .key = NULL };
	json_t *found = root;
	if (*pointer != '\0') {
		if (find(&at, root, pointer, err))
			return err->code;
		found = child(at.parent, at.key);
	}
	if (found == NULL)
		return absent(pointer, err);
	*out = json_incref(found);
	return ERR_OK;
}

static enum err_code
add(json_t **root, const char *pointer, json_t *value, struct err *err)
{
	AUTO(place) struct place at = { .key = NULL };
	if (*pointer == '\0') {
		json_decref(*root);
		*root = json_incref(value);
		return ERR_OK;
	}
	if (find(&at, *root, pointer, err))
		return err->code;
	int rc = json_is_object(at.parent) ? json_object_set(at.parent, at.key, value)
					   : json_array_insert(at.parent, at.index, value);
	return rc == 0 ? ERR_OK : err_nomem(err);
}

static enum err_code
take_away(json_t *root, const char *pointer, struct err *err)
{
	AUTO(place) struct place at = { .key = NULL };
	if (*pointer == '\0')
		return err_set(err, ERR_USAGE, "JSON patch: the whole cannot be removed");
	if (find(&at, root, pointer, err))
		return err->code;
	int rc = json_is_object(at.parent) ? json_object_del(at.parent, at.key)
					   : json_array_remove(at.parent, at.index);
	return rc == 0 ? ERR_OK : absent(pointer, err);
}

static enum err_code
replace(json_t **root, const char *pointer, json_t *value, struct err *err)
{
	AUTO(place) struct place at = { .key = NULL };
	if (*pointer == '\0')
		return add(root, pointer, value, err);
	if (find(&at, *root, pointer, err))
		return err->code;
	if (child(at.parent, at.key) == NULL)
		return absent(pointer, err);
	int rc = json_is_object(at.parent) ? json_object_set(at.parent, at.key, value)
					   : json_array_set(at.parent, at.index, value);
	return rc == 0 ? ERR_OK : err_nomem(err);
}

/* Numbers of both kinds that have the same value are equal to the RFC. */
static bool
is_same(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b)) {
		double x = json_number_value(a);
		double y = json_number_value(b);
		return x <= y && x >= y;
	}
	return json_equal(a, b);
}

static enum err_code
move_or_copy(json_t **root, const char *from, const char *to, bool is_move, struct err *err)
{
	AUTO(json) json_t *found = NULL;
	if (from == NULL)
		return err_set(err, ERR_USAGE, "JSON patch: an operation without \"from\"");
	if (get(&found, *root, from, err))
		return err->code;
	if (is_move) {
		size_t n = strlen(from);
		if (strncmp(from, to, n) == 0 && to[n] == '/')
			return err_set(
			    err, ERR_USAGE, "JSON patch: a value cannot move into itself");
		return take_away(*root, from, err) ? err->code : add(root, to, found, err);
	}
	AUTO(json) json_t *copy = json_deep_copy(found);
	return copy == NULL ? err_nomem(err) : add(root, to, copy, err);
}

static enum err_code
test(json_t *root, const char *pointer, const json_t *value, struct err *err)
{
	AUTO(json) json_t *found = NULL;
	if (get(&found, root, pointer, err))
		return err->code;
	if (!is_same(found, value))
		return err_set(
		    err, ERR_CHANGED, "JSON patch: \"%s\" is another value", pointer);
	return ERR_OK;
}

static enum err_code
apply_one(json_t **root, const json_t *op, struct err *err)
{
	const char *word = json_get_str(op, "op");
	const char *path = json_get_str(op, "path");
	const json_t *given = json_object_get(op, "value");
	if (word == NULL || path == NULL)
		return err_set(
		    err, ERR_USAGE, "JSON patch: an operation without \"op\" or \"path\"");
	if (strcmp(word, "remove") == 0)
		return take_away(*root, path, err);
	if (strcmp(word, "move") == 0 || strcmp(word, "copy") == 0)
		return move_or_copy(
		    root, json_get_str(op, "from"), path, strcmp(word, "move") == 0, err);
	if (given == NULL)
		return err_set(err, ERR_USAGE, "JSON patch: an operation without \"value\"");
	if (strcmp(word, "test") == 0)
		return test(*root, path, given, err);
	AUTO(json) json_t *value = json_deep_copy(given);
	if (value == NULL)
		return err_nomem(err);
	if (strcmp(word, "add") == 0)
		return add(root, path, value, err);
	if (strcmp(word, "replace") == 0)
		return replace(root, path, value, err);
	return err_set(err, ERR_USAGE, "JSON patch: \"%s\" is no operation", word);
}

/* A new document; doc stays as it is.  ERR_USAGE for what is no patch, ERR_NOT_FOUND for a
 * path that is not there, ERR_CHANGED for a test that fails. */
static inline enum err_code
json_patch_apply(json_t **out, const json_t *doc, const json_t *patch, struct err *err)
{
	if (!json_is_array(patch))
		return err_set(err, ERR_USAGE, "JSON patch: not an array");
	AUTO(json) json_t *root = json_deep_copy(doc);
	if (root == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < json_array_size(patch); i++)
		if (apply_one(&root, json_array_get(patch, i), err))
			return err->code;
	*out = TAKE(root);
	return ERR_OK;
}

#endif

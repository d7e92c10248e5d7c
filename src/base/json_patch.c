#include "base/json_patch.h"

#include "base/seq_diff.h"

#include <string.h>

struct walk {
	struct buf pointer; /* of the value at hand */
	json_patch_fn *fn;
	void *arg;
};

static void
walk_auto(struct walk *w)
{
	buf_release(&w->pointer);
}

static enum err_code
tell(struct walk *w, enum json_change change, const json_t *before, const json_t *after,
    struct err *err)
{
	const char *pointer = buf_cstr(&w->pointer);
	if (pointer == NULL)
		return err_nomem(err);
	return w->fn(w->arg, change, pointer, before, after, err);
}

static enum err_code
go_to_member(struct walk *w, const char *key, struct err *err)
{
	if (buf_u8(&w->pointer, '/', err))
		return err->code;
	for (; *key != '\0'; key++) {
		const char *form = *key == '~' ? "~0" : *key == '/' ? "~1" : NULL;
		if (form != NULL ? buf_str(&w->pointer, form, err)
				 : buf_u8(&w->pointer, (uint8_t)*key, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code compare(struct walk *w, const json_t *a, const json_t *b, struct err *err);

/* Tell of a member or an item, or what differs in it; one of both may be NULL. */
static enum err_code
compare_below(struct walk *w, const json_t *a, const json_t *b, size_t len, struct err *err)
{
	enum err_code rc;
	if (a == NULL || b == NULL)
		rc = tell(w, a == NULL ? JSON_ADDED : JSON_REMOVED, a, b, err);
	else
		rc = compare(w, a, b, err);
	w->pointer.len = len;
	return rc;
}

static enum err_code
compare_objects(struct walk *w, json_t *a, json_t *b, struct err *err)
{
	size_t len = w->pointer.len;
	const char *key;
	json_t *value;
	json_object_foreach(a, key, value)
	{
		if (go_to_member(w, key, err) ||
		    compare_below(w, value, json_object_get(b, key), len, err))
			return err->code;
	}
	json_object_foreach(b, key, value)
	{
		if (json_object_get(a, key) != NULL)
			continue;
		if (go_to_member(w, key, err) || compare_below(w, NULL, value, len, err))
			return err->code;
	}
	return ERR_OK;
}

/* The items of two arrays as text, to be told apart. */
struct items {
	char **texts;
	struct seq_item *spans;
	size_t *numbers;
	bool *marked;
	size_t count;
};

static void
items_auto(struct items *s)
{
	for (size_t i = 0; s->texts != NULL && i < s->count; i++)
		free(s->texts[i]);
	free(s->texts);
	free(s->spans);
	free(s->numbers);
	free(s->marked);
}

static enum err_code
items_read(struct items *s, const json_t *array, struct err *err)
{
	size_t n = json_array_size(array);
	s->texts = calloc(n + 1, sizeof *s->texts);
	s->spans = calloc(n + 1, sizeof *s->spans);
	s->numbers = calloc(n + 1, sizeof *s->numbers);
	s->marked = calloc(n + 1, sizeof *s->marked);
	if (s->texts == NULL || s->spans == NULL || s->numbers == NULL || s->marked == NULL)
		return err_nomem(err);
	for (; s->count < n; s->count++) {
		char *text = json_dumps(json_array_get(array, s->count),
		    JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
		if (text == NULL)
			return err_nomem(err);
		s->texts[s->count] = text;
		s->spans[s->count] = (struct seq_item){ text, strlen(text) };
	}
	return ERR_OK;
}

static enum err_code
go_to_item(struct walk *w, size_t at, struct err *err)
{
	return buf_printf(&w->pointer, err, "/%zu", at);
}

/* Items between two matches: as many as both have are changed, the others go or come. */
static enum err_code
compare_run(struct walk *w, const json_t *a, size_t x0, size_t x1, const json_t *b, size_t y0,
    size_t y1, struct err *err)
{
	size_t len = w->pointer.len;
	size_t both = min_size(x1 - x0, y1 - y0);
	for (size_t i = 0; i < both; i++)
		if (go_to_item(w, y0 + i, err) || compare_below(w, json_array_get(a, x0 + i),
						      json_array_get(b, y0 + i), len, err))
			return err->code;
	for (size_t x = x0 + both; x < x1; x++)
		if (go_to_item(w, y0 + both, err) ||
		    compare_below(w, json_array_get(a, x), NULL, len, err))
			return err->code;
	for (size_t y = y0 + both; y < y1; y++)
		if (go_to_item(w, y, err) ||
		    compare_below(w, NULL, json_array_get(b, y), len, err))
			return err->code;
	return ERR_OK;
}

/* What stands before item y of b is done already, so y is its number also in the patched array.
 */
static enum err_code
compare_arrays(struct walk *w, const json_t *a, const json_t *b, struct err *err)
{
	AUTO(items) struct items before = { .count = 0 };
	AUTO(items) struct items after = { .count = 0 };
	if (items_read(&before, a, err) || items_read(&after, b, err) ||
	    seq_number(before.spans, before.count, after.spans, after.count, before.numbers,
		after.numbers, err) ||
	    seq_diff(before.numbers, before.count, after.numbers, after.count, before.marked,
		after.marked, err))
		return err->code;
	size_t x = 0;
	size_t y = 0;
	while (x < before.count || y < after.count) {
		size_t x1 = x;
		size_t y1 = y;
		while (x1 < before.count && before.marked[x1])
			x1++;
		while (y1 < after.count && after.marked[y1])
			y1++;
		if (compare_run(w, a, x, x1, b, y, y1, err))
			return err->code;
		x = x1 + 1;
		y = y1 + 1;
	}
	return ERR_OK;
}

static enum err_code
compare(struct walk *w, const json_t *a, const json_t *b, struct err *err)
{
	/* jansson walks only through writable pointers; nothing is written. */
	json_t *x = (json_t *)(uintptr_t)a;
	json_t *y = (json_t *)(uintptr_t)b;
	if (json_is_object(a) && json_is_object(b))
		return compare_objects(w, x, y, err);
	if (json_is_array(a) && json_is_array(b))
		return compare_arrays(w, a, b, err);
	if (json_equal(a, b))
		return ERR_OK;
	return tell(w, JSON_REPLACED, a, b, err);
}

enum err_code
json_patch_walk(const json_t *a, const json_t *b, json_patch_fn *fn, void *arg, struct err *err)
{
	AUTO(walk) struct walk w = { .pointer = BUF_INIT, .fn = fn, .arg = arg };
	return compare(&w, a, b, err);
}

/* --- as a patch --- */

static enum err_code
add_operation(void *arg, enum json_change change, const char *pointer, const json_t *before,
    const json_t *after, struct err *err)
{
	static const char *const words[] = {
		[JSON_REMOVED] = "remove",
		[JSON_ADDED] = "add",
		[JSON_REPLACED] = "replace",
	};
	(void)before;
	AUTO(json) json_t *op = json_object();
	if (json_object_set_new(op, "op", json_string(words[change])) != 0 ||
	    json_object_set_new(op, "path", json_string(pointer)) != 0)
		return err_nomem(err);
	if (after != NULL && json_object_set_new(op, "value", json_deep_copy(after)) != 0)
		return err_nomem(err);
	return json_array_append(arg, op) == 0 ? ERR_OK : err_nomem(err);
}

enum err_code
json_patch_make(json_t **out, const json_t *a, const json_t *b, struct err *err)
{
	AUTO(json) json_t *patch = json_array();
	if (patch == NULL)
		return err_nomem(err);
	if (json_patch_walk(a, b, add_operation, patch, err))
		return err->code;
	*out = TAKE(patch);
	return ERR_OK;
}

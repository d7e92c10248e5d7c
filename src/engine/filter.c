#include "engine/filter.h"

#include "base/room.h"

void
snapshot_filter_release(struct snapshot_filter *f)
{
	strv_release(&f->names);
	strv_release(&f->stacks);
	strv_release(&f->paths);
	strv_release(&f->databases);
	strv_release(&f->hosts);
	strv_release(&f->tags);
}

static bool
is_one_of(const struct strv *wanted, const char *text)
{
	return wanted->len == 0 || (text != NULL && strv_has(wanted, text));
}

/* Is this text, without a slash at its end, one of the strings of the array? */
static bool
array_has(const json_t *strings, const char *text, size_t len)
{
	while (len > 1 && text[len - 1] == '/')
		len--;
	for (size_t i = 0; i < json_array_size(strings); i++) {
		const char *s = json_string_value(json_array_get(strings, i));
		if (s != NULL && strlen(s) == len && memcmp(s, text, len) == 0)
			return true;
	}
	return false;
}

bool
snapshot_has_tags(const json_t *document, const char *wanted)
{
	const json_t *tags = json_object_get(document, "tags");
	for (;;) {
		size_t n = strcspn(wanted, ",");
		if (n > 0 && !array_has(tags, wanted, n))
			return false;
		if (wanted[n] == '\0')
			return true;
		wanted += n + 1;
	}
}

bool
snapshot_is_complete(const json_t *document)
{
	const char *outcome = json_get_str(document, "outcome");
	return outcome != NULL && strcmp(outcome, "complete") == 0;
}

static bool
passes_tags(const struct snapshot_filter *f, const json_t *document)
{
	for (size_t i = 0; i < f->tags.len; i++)
		if (snapshot_has_tags(document, f->tags.items[i]))
			return true;
	return f->tags.len == 0;
}

/* Is one of those wanted among the names of "cache,shop"? */
static bool
has_database(const struct strv *wanted, const char *names)
{
	for (size_t i = 0; i < wanted->len; i++)
		if (names != NULL && snapshot_names_have(names, wanted->items[i]))
			return true;
	return false;
}

static bool
passes_source(const struct snapshot_filter *f, const json_t *document)
{
	const json_t *source = json_object_get(document, "source");
	const char *kind = json_get_str(source, "kind");
	bool is_stack = kind == NULL || strcmp(kind, "stack") == 0;
	if (f->stacks.len == 0 && f->paths.len == 0 && f->databases.len == 0)
		return true;
	if (kind != NULL && strcmp(kind, "database") == 0 &&
	    has_database(&f->databases, json_get_str(source, "name")))
		return true;
	if (is_stack && f->stacks.len > 0 &&
	    is_one_of(&f->stacks, json_get_str(source, "name")))
		return true;
	const json_t *paths = json_object_get(source, "paths");
	for (size_t i = 0; i < f->paths.len; i++)
		if (array_has(paths, f->paths.items[i], strlen(f->paths.items[i])))
			return true;
	return false;
}

/* All conditions but the names. */
static bool
meets_conditions(const struct snapshot_filter *f, const json_t *document)
{
	int64_t time_ns = json_get_int(document, "time_ns", 0);
	return is_one_of(&f->hosts, json_get_str(document, "host")) &&
	       passes_source(f, document) && passes_tags(f, document) &&
	       (f->since_ns == 0 || time_ns >= f->since_ns) &&
	       (f->until_ns == 0 || time_ns < f->until_ns) &&
	       (!f->complete_only || snapshot_is_complete(document));
}

bool
snapshot_filter_passes(
    const struct snapshot_filter *f, const struct id *id, const json_t *document)
{
	char hex[ID_HEX_SIZE];
	bool is_named = f->names.len == 0;
	id_hex(hex, id);
	for (size_t i = 0; i < f->names.len && !is_named; i++)
		is_named = str_starts(hex, f->names.items[i]);
	return is_named && meets_conditions(f, document);
}

struct found {
	struct id id;
	json_t *document; /* NULL: it does not meet the conditions */
	bool is_named;
};

struct found_list {
	const struct snapshot_filter *filter;
	struct found *items;
	size_t count;
	size_t cap;
	snapshot_damaged_fn *damaged; /* NULL: such a one ends the listing */
	void *arg;
};

static void
found_list_auto(struct found_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		json_decref(l->items[i].document);
	free(l->items);
}

static enum err_code
add_found(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	struct found_list *l = arg;
	if (ROOM(l->items, l->count, l->cap, 64, err))
		return err->code;
	bool meets = meets_conditions(l->filter, document);
	/* Only a reference is kept; nothing is written through it. */
	l->items[l->count++] = (struct found){
		.id = *id,
		.document = meets ? json_incref((json_t *)(uintptr_t)document) : NULL,
	};
	return ERR_OK;
}

static enum err_code
pass_on_damaged(void *arg, const struct id *id, const struct err *why, struct err *err)
{
	const struct found_list *l = arg;
	return l->damaged(l->arg, id, why, err);
}

static enum err_code
name_one(struct found_list *l, struct repo *r, const char *name, struct err *err)
{
	const char *of;
	if (snapshot_name_is_latest(name, &of)) {
		for (size_t i = l->count; i > 0; i--) {
			struct found *f = &l->items[i - 1];
			if (f->document != NULL &&
			    (of == NULL || snapshot_is_of(f->document, of))) {
				f->is_named = true;
				return ERR_OK;
			}
		}
		struct id id; /* says what is wrong with the name, if it is that */
		if (of != NULL && snapshot_resolve(r, name, &id, err))
			return err->code;
		return err_set(err, ERR_NOT_FOUND, "%s",
		    l->count == 0 ? "the repository holds no snapshot"
				  : "no snapshot meets the conditions");
	}
	struct id id;
	if (snapshot_resolve(r, name, &id, err))
		return err->code;
	for (size_t i = 0; i < l->count; i++)
		if (id_equal(&l->items[i].id, &id))
			l->items[i].is_named = true;
	return ERR_OK;
}

enum err_code
snapshot_filter_list(struct repo *r, const struct snapshot_filter *f, snapshot_fn *fn,
    void *arg, struct err *err)
{
	return snapshot_filter_list_sound(r, f, fn, NULL, arg, err);
}

enum err_code
snapshot_filter_list_sound(struct repo *r, const struct snapshot_filter *f, snapshot_fn *fn,
    snapshot_damaged_fn *damaged, void *arg, struct err *err)
{
	AUTO(found_list) struct found_list l = { .filter = f, .damaged = damaged, .arg = arg };
	if (snapshot_list_sound(
		r, add_found, damaged != NULL ? pass_on_damaged : NULL, &l, err))
		return err->code;
	for (size_t i = 0; i < f->names.len; i++)
		if (name_one(&l, r, f->names.items[i], err))
			return err->code;
	for (size_t i = 0; i < l.count; i++) {
		const struct found *s = &l.items[i];
		if (s->document != NULL && (s->is_named || f->names.len == 0) &&
		    fn(arg, &s->id, s->document, err))
			return err->code;
	}
	return ERR_OK;
}

/* Blanks and backslashes inside a name bear a backslash, so that equal texts mean equal names.
 */
static enum err_code
add_name(struct buf *out, const char *name, struct err *err)
{
	for (const char *c = name != NULL ? name : "?"; *c != '\0'; c++)
		if (((*c == ' ' || *c == '\\') && buf_u8(out, '\\', err)) ||
		    buf_u8(out, (uint8_t)*c, err))
			return err->code;
	return ERR_OK;
}

enum err_code
snapshot_source_text(struct buf *out, const json_t *document, struct err *err)
{
	const json_t *source = json_object_get(document, "source");
	const char *kind = json_get_str(source, "kind");
	const char *name = json_get_str(source, "name");
	if (name != NULL) {
		if (buf_printf(out, err, "%s ", kind != NULL ? kind : "stack") ||
		    add_name(out, name, err))
			return err->code;
	} else {
		const json_t *paths = json_object_get(source, "paths");
		for (size_t i = 0; i < json_array_size(paths); i++)
			if ((i > 0 && buf_u8(out, ' ', err)) ||
			    add_name(out, json_string_value(json_array_get(paths, i)), err))
				return err->code;
	}
	if (buf_str(out, " on ", err) || add_name(out, json_get_str(document, "host"), err))
		return err->code;
	return ERR_OK;
}

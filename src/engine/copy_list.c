#include "engine/copy_list.h"

#include "base/room.h"

void
copy_list_release(struct copy_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		json_decref(l->items[i].document);
		free(l->items[i].text);
	}
	free(l->items);
	if (l->by_origin.key_size > 0) /* it was loaded */
		map_release(&l->by_origin);
	*l = (struct copy_list){ .repo = NULL };
}

static enum err_code
note_origin(struct copy_list *l, size_t place, struct err *err)
{
	void *value;
	bool is_new;
	if (l->items[place].document == NULL)
		return ERR_OK;
	if (map_put(&l->by_origin, &l->items[place].origin, &value, &is_new, err))
		return err->code;
	memcpy(value, &place, sizeof place);
	return ERR_OK;
}

static enum err_code
append(struct copy_list *l, const struct copy_item *item, struct err *err)
{
	if (ROOM(l->items, l->count, l->cap, 64, err))
		return err->code;
	l->items[l->count++] = *item;
	return ERR_OK;
}

enum err_code
copy_list_add(struct copy_list *l, const struct copy_item *item, struct err *err)
{
	if (append(l, item, err))
		return err->code;
	return note_origin(l, l->count - 1, err);
}

/* What the document says it is a copy of; false when it is none. */
static bool
origin_of(struct origin *out, const json_t *document)
{
	const json_t *original = json_object_get(document, "original");
	const char *repo = json_get_str(original, "repository");
	const char *id = json_get_str(original, "snapshot");
	return repo != NULL && id != NULL &&
	       hex_decode(out->repo, REPO_ID_SIZE, repo, strlen(repo)) &&
	       hex_decode(out->snapshot, ID_SIZE, id, strlen(id));
}

static enum err_code
read_item(struct copy_item *out, struct repo *r, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(json) json_t *document = NULL;
	if (snapshot_load(r, &out->id, &document, err) ||
	    snapshot_source_text(&text, document, err))
		return err->code;
	const char *name = buf_cstr(&text);
	if (name == NULL)
		return err_nomem(err);
	if (str_dup(&out->text, name, err))
		return err->code;
	if (!origin_of(&out->origin, document)) {
		memcpy(out->origin.repo, repo_id(r), REPO_ID_SIZE);
		memcpy(out->origin.snapshot, out->id.b, ID_SIZE);
	}
	out->time_ns = json_get_int(document, "time_ns", 0);
	out->document = TAKE(document);
	return ERR_OK;
}

static enum err_code
add_listed(void *arg, const struct store_entry *e, struct err *err)
{
	struct copy_list *l = arg;
	struct copy_item item = { .damage = ERR_INIT };
	const char *name = e->key + strlen("snapshots/");
	if (!hex_decode(item.id.b, ID_SIZE, name, strlen(name)))
		return ERR_OK; /* no snapshot */
	if (read_item(&item, l->repo, &item.damage)) {
		if (item.damage.code == ERR_NOT_FOUND)
			return ERR_OK; /* deleted meanwhile */
		if (item.damage.code != ERR_CORRUPT && item.damage.code != ERR_UNSUPPORTED &&
		    item.damage.code != ERR_IO) {
			*err = item.damage;
			return err->code;
		}
	}
	if (append(l, &item, err)) {
		json_decref(item.document);
		free(item.text);
		return err->code;
	}
	return ERR_OK;
}

static int
by_time(const void *a, const void *b)
{
	const struct copy_item *x = a;
	const struct copy_item *y = b;
	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return id_compare(&x->id, &y->id);
}

enum err_code
copy_list_load(struct copy_list *out, struct repo *r, struct err *err)
{
	AUTO(copy_list) struct copy_list l = { .repo = r };
	map_init(&l.by_origin, sizeof(struct origin), sizeof(size_t));
	if (store_list(repo_store(r), "snapshots/", NULL, add_listed, &l, err))
		return err->code;
	if (l.count > 1)
		qsort(l.items, l.count, sizeof *l.items, by_time);
	for (size_t i = 0; i < l.count; i++)
		if (note_origin(&l, i, err))
			return err->code;
	*out = l;
	l = (struct copy_list){ .repo = NULL };
	return ERR_OK;
}

static bool
has_conditions(const struct snapshot_filter *f)
{
	return f->stacks.len > 0 || f->paths.len > 0 || f->hosts.len > 0 || f->tags.len > 0 ||
	       f->since_ns != 0 || f->until_ns != 0 || f->complete_only;
}

/* One name among the operands. */
static enum err_code
choose_named(struct copy_list *l, const struct snapshot_filter *conditions, const char *name,
    struct err *err)
{
	struct id id;
	const char *of = NULL;
	bool is_latest = snapshot_name_is_latest(name, &of);
	if ((!is_latest || of != NULL) && snapshot_resolve(l->repo, name, &id, err))
		return err->code;
	for (size_t i = l->count; i > 0; i--) {
		struct copy_item *item = &l->items[i - 1];
		bool meets = item->document != NULL
				 ? snapshot_filter_passes(conditions, &item->id, item->document)
				 : !has_conditions(conditions);
		if (is_latest ? meets && item->document != NULL &&
				    (of == NULL || snapshot_is_of(item->document, of))
			      : id_equal(&item->id, &id)) {
			item->is_chosen = item->is_chosen || meets;
			return ERR_OK;
		}
	}
	return is_latest ? err_set(err, ERR_NOT_FOUND, "no snapshot meets the conditions")
			 : ERR_OK; /* deleted meanwhile */
}

enum err_code
copy_list_choose(struct copy_list *l, const struct snapshot_filter *f, struct err *err)
{
	struct snapshot_filter conditions = *f; /* borrows */
	conditions.names = (struct strv)STRV_INIT;
	for (size_t i = 0; i < f->names.len; i++)
		if (choose_named(l, &conditions, f->names.items[i], err))
			return err->code;
	for (size_t i = 0; i < l->count && f->names.len == 0; i++) {
		struct copy_item *item = &l->items[i];
		item->is_chosen = item->document != NULL
				      ? snapshot_filter_passes(f, &item->id, item->document)
				      : !has_conditions(f);
	}
	return ERR_OK;
}

const struct copy_item *
copy_list_find(const struct copy_list *l, const struct origin *o)
{
	size_t place;
	const void *value = map_get(&l->by_origin, o);
	if (value == NULL)
		return NULL;
	memcpy(&place, value, sizeof place);
	return &l->items[place];
}

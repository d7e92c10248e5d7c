#include "cli/diff_sum.h"

#include "base/room.h"

#include <string.h>

static void
service_release(struct sum_service *s)
{
	for (size_t i = 0; i < s->n_tables; i++) {
		free(s->tables[i].database);
		free(s->tables[i].table);
	}
	for (size_t i = 0; i < s->n_unknown; i++) {
		free(s->unknown[i].what);
		free(s->unknown[i].why);
	}
	free(s->name);
	free(s->tables);
	free(s->unknown);
}

void
diff_sum_release(struct diff_sum *s)
{
	for (size_t i = 0; i < s->n_images; i++) {
		free(s->images[i].service);
		for (int k = 0; k < 2; k++) {
			free(s->images[i].name[k]);
			free(s->images[i].id[k]);
		}
	}
	for (size_t i = 0; i < s->n_members; i++) {
		free(s->members[i].kind);
		free(s->members[i].path);
	}
	for (size_t i = 0; i < s->n_services; i++)
		service_release(&s->services[i]);
	free(s->images);
	free(s->members);
	free(s->services);
	*s = (struct diff_sum)DIFF_SUM_INIT;
}

/* --- images --- */

/* The first container of a service; NULL when there is none. */
static const json_t *
container_of(const json_t *document, const char *service)
{
	const json_t *all = json_object_get(json_object_get(document, "stack"), "services");
	for (size_t i = 0; i < json_array_size(all); i++) {
		const char *name = json_get_str(json_array_get(all, i), "service");
		if (name != NULL && strcmp(name, service) == 0)
			return json_array_get(all, i);
	}
	return NULL;
}

static bool
is_same_text(const json_t *a, const json_t *b, const char *key)
{
	const char *x = json_get_str(a, key);
	const char *y = json_get_str(b, key);
	return x == y || (x != NULL && y != NULL && strcmp(x, y) == 0);
}

static enum err_code
keep_image(struct sum_image *m, int side, const json_t *container, struct err *err)
{
	const char *name = json_get_str(container, "image");
	const char *id = json_get_str(container, "image_id");
	if (container == NULL)
		return ERR_OK;
	return str_dup(&m->name[side], name != NULL ? name : "", err)
		   ? err->code
		   : str_dup(&m->id[side], id != NULL ? id : "", err);
}

static enum err_code
add_image(struct diff_sum *s, const char *service, const json_t *before, const json_t *after,
    struct err *err)
{
	for (size_t i = 0; i < s->n_images; i++)
		if (strcmp(s->images[i].service, service) == 0)
			return ERR_OK;
	if (ROOM_SHORT(s->images, s->n_images, err))
		return err->code;
	struct sum_image *m = &s->images[s->n_images];
	*m = (struct sum_image){
		.state = before == NULL  ? DIFF_ADDED
			 : after == NULL ? DIFF_REMOVED
					 : DIFF_CHANGED,
	};
	if (str_dup(&m->service, service, err))
		return err->code;
	s->n_images++;
	return keep_image(m, 0, before, err) ? err->code : keep_image(m, 1, after, err);
}

enum err_code
diff_sum_images(struct diff_sum *s, const json_t *before, const json_t *after, struct err *err)
{
	const json_t *documents[] = { before, after };
	for (size_t k = 0; k < ARRAY_LEN(documents); k++) {
		const json_t *stack = json_object_get(documents[k], "stack");
		const json_t *all = json_object_get(stack, "services");
		for (size_t i = 0; i < json_array_size(all); i++) {
			const char *service = json_get_str(json_array_get(all, i), "service");
			if (service == NULL)
				continue;
			const json_t *a = container_of(before, service);
			const json_t *b = container_of(after, service);
			bool is_same = a != NULL && b != NULL && is_same_text(a, b, "image") &&
				       is_same_text(a, b, "image_id");
			if (!is_same && add_image(s, service, a, b, err))
				return err->code;
		}
	}
	return ERR_OK;
}

/* --- members --- */

/* Files that the application wrote; not what the engine or StackSnap says of it. */
static bool
has_files(const char *kind)
{
	static const char *const kinds[] = { "project", "file", "volume", "bind", "image",
		"path", "stream", "tar" };
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}

static struct sum_member *
member_at(struct diff_sum *s, const char *path)
{
	for (size_t i = 0; i < s->n_members; i++)
		if (strcmp(s->members[i].path, path) == 0)
			return &s->members[i];
	return NULL;
}

static enum err_code
add_members(struct diff_sum *s, const json_t *document, enum diff_state state, struct err *err)
{
	const json_t *members = json_object_get(document, "members");
	for (size_t i = 0; i < json_array_size(members); i++) {
		const char *kind = json_get_str(json_array_get(members, i), "kind");
		const char *path = json_get_str(json_array_get(members, i), "path");
		if (kind == NULL || path == NULL || !has_files(kind))
			continue;
		struct sum_member *m = member_at(s, path);
		if (m != NULL) {
			m->state = DIFF_SAME;
			continue;
		}
		if (ROOM_SHORT(s->members, s->n_members, err))
			return err->code;
		m = &s->members[s->n_members++];
		*m = (struct sum_member){ .state = state };
		if (str_dup(&m->kind, kind, err) || str_dup(&m->path, path, err)) {
			s->n_members--;
			free(m->kind);
			return err->code;
		}
	}
	return ERR_OK;
}

enum err_code
diff_sum_members(struct diff_sum *s, const json_t *before, const json_t *after, bool is_live,
    struct err *err)
{
	if (add_members(s, before, is_live ? DIFF_SAME : DIFF_REMOVED, err))
		return err->code;
	return after != NULL ? add_members(s, after, DIFF_ADDED, err) : ERR_OK;
}

struct sum_member *
diff_sum_member_of(struct diff_sum *s, const char *path)
{
	struct sum_member *best = NULL;
	size_t best_len = 0;
	for (size_t i = 0; i < s->n_members; i++) {
		size_t len = strlen(s->members[i].path);
		if (strncmp(path, s->members[i].path, len) == 0 &&
		    (len == 0 || path[len] == '/' || path[len] == '\0') &&
		    (best == NULL || len > best_len)) {
			best = &s->members[i];
			best_len = len;
		}
	}
	return best;
}

static uint64_t
size_of(const struct tree_entry *e)
{
	return e != NULL && e->type == TREE_FILE ? e->content.size : 0;
}

static void
count_file(struct diff_result *r, const struct tree_diff *d)
{
	if (d->kind == TREE_DIFF_ADDED) {
		r->added++;
		r->bytes_added += size_of(d->b);
	} else if (d->kind == TREE_DIFF_REMOVED) {
		r->removed++;
		r->bytes_removed += size_of(d->a);
	} else if (!diff_is_change(d->fields)) {
		r->metadata++;
	} else {
		r->changed++;
		r->bytes_before += size_of(d->a);
		r->bytes_now += size_of(d->b);
	}
}

void
diff_sum_file(struct diff_sum *s, struct sum_member *m, const struct tree_diff *d)
{
	count_file(&s->files, d);
	count_file(&m->files, d);
}

/* --- services --- */

static struct sum_service *
service_of(struct diff_sum *s, const char *name, struct err *err)
{
	for (size_t i = 0; i < s->n_services; i++)
		if (strcmp(s->services[i].name, name) == 0)
			return &s->services[i];
	if (ROOM_SHORT(s->services, s->n_services, err))
		return NULL;
	struct sum_service *v = &s->services[s->n_services];
	*v = (struct sum_service){ .name = NULL };
	if (str_dup(&v->name, name, err))
		return NULL;
	s->n_services++;
	return v;
}

enum err_code
diff_sum_table(struct diff_sum *s, const struct diff_table *t, struct err *err)
{
	struct sum_service *v = service_of(s, t->service, err);
	if (v == NULL)
		return err->code;
	if (t->state == DIFF_SAME) {
		v->same++;
		v->rows_same += t->rows_after;
		return ERR_OK;
	}
	if (ROOM_SHORT(v->tables, v->n_tables, err))
		return err->code;
	struct sum_table *o = &v->tables[v->n_tables++];
	*o = (struct sum_table){
		.state = t->state,
		.rows_before = t->rows_before,
		.rows_after = t->rows_after,
		.is_counted = t->is_counted,
		.rows = t->rows,
		.noun = diff_sum_noun(t->after != NULL ? t->after : t->before),
	};
	s->tables++;
	if (t->is_counted) {
		s->rows.added += t->rows.added;
		s->rows.removed += t->rows.removed;
		s->rows.changed += t->rows.changed;
	}
	return str_dup(&o->database, t->database, err) ? err->code
						       : str_dup(&o->table, t->table, err);
}

enum err_code
diff_sum_object(struct diff_sum *s, const struct diff_object *o, struct err *err)
{
	struct sum_service *v = service_of(s, o->service, err);
	if (v == NULL)
		return err->code;
	v->objects[o->state]++;
	s->objects += o->state != DIFF_SAME;
	return ERR_OK;
}

enum err_code
diff_sum_moment(struct diff_sum *s, const char *service, int64_t ns, struct err *err)
{
	struct sum_service *v = service_of(s, service, err);
	if (v == NULL)
		return err->code;
	v->has_moment = true;
	v->moment_ns = ns;
	return ERR_OK;
}

enum err_code
diff_sum_unknown(
    struct diff_sum *s, const char *service, const char *what, const char *why, struct err *err)
{
	struct sum_service *v = service_of(s, service, err);
	if (v == NULL)
		return err->code;
	if (ROOM_SHORT(v->unknown, v->n_unknown, err))
		return err->code;
	struct sum_unknown *u = &v->unknown[v->n_unknown++];
	*u = (struct sum_unknown){ NULL, NULL };
	s->unknown++;
	return str_dup(&u->what, what != NULL ? what : "", err)
		   ? err->code
		   : str_dup(&u->why, why != NULL ? why : "", err);
}

const char *
diff_sum_noun(const struct shape *shape)
{
	if (shape != NULL && shape->format == ROW_RDB)
		return "key";
	return shape != NULL && shape->format == ROW_BSON ? "document" : "row";
}

bool
diff_sum_differs(const struct diff_sum *s)
{
	const struct diff_result *f = &s->files;
	return f->added + f->removed + f->changed + f->metadata + s->tables + s->objects +
		   s->n_images >
	       0;
}

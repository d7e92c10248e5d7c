#include "repo/prune.h"

void
pack_list_release(struct pack_list *l)
{
	free(l->ids);
	*l = (struct pack_list)PACK_LIST_INIT;
}

enum err_code
pack_list_add(struct pack_list *l, const struct id *id, struct err *err)
{
	if (l->count == l->cap) {
		size_t cap = max_size(64, l->cap + l->cap / 2);
		struct id *ids = reallocarray(l->ids, cap, sizeof *ids);
		if (ids == NULL)
			return err_nomem(err);
		l->ids = ids;
		l->cap = cap;
	}
	l->ids[l->count++] = *id;
	return ERR_OK;
}

static int
by_id(const void *a, const void *b)
{
	return id_compare(a, b);
}

void
pack_list_sort(struct pack_list *l)
{
	if (l->count > 1)
		qsort(l->ids, l->count, sizeof *l->ids, by_id);
}

bool
pack_list_has(const struct pack_list *l, const struct id *id)
{
	return l->count > 0 && bsearch(id, l->ids, l->count, sizeof *l->ids, by_id) != NULL;
}

void
pack_list_subtract(struct pack_list *l, const struct pack_list *other)
{
	size_t n = 0;
	for (size_t i = 0; i < l->count; i++)
		if (!pack_list_has(other, &l->ids[i]))
			l->ids[n++] = l->ids[i];
	l->count = n;
}

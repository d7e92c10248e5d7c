#include "engine/quarantine.h"

#include "base/room.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REASONS_KEPT 100

static void
shrinkage_release(struct shrinkage *s)
{
	free(s->kind);
	free(s->member);
	free(s->what);
	free(s->name);
}

void
quarantine_release(struct quarantine *q)
{
	for (size_t i = 0; i < q->count; i++)
		shrinkage_release(&q->items[i]);
	free(q->items);
	*q = (struct quarantine){ NULL, 0, 0 };
}

bool
has_shrunk(uint64_t before, uint64_t now, unsigned percent, uint64_t floor)
{
	if (now >= before || before - now < floor)
		return false;
	/* As a quotient: a product could overflow. */
	return (double)(before - now) / (double)before > (double)percent / 100;
}

enum err_code
quarantine_add(struct quarantine *q, const char *kind, const char *member, const char *what,
    const char *name, uint64_t before, uint64_t now, struct err *err)
{
	struct shrinkage s = { .before = before, .now = now };
	if (q->count == REASONS_KEPT) {
		q->total++;
		return ERR_OK;
	}
	if (ROOM_SHORT(q->items, q->count, err))
		return err->code;
	if (str_dup(&s.kind, kind, err) || str_dup(&s.member, member, err) ||
	    str_dup(&s.what, what, err) || str_dup(&s.name, name, err)) {
		shrinkage_release(&s);
		return err->code;
	}
	q->items[q->count++] = s;
	q->total++;
	return ERR_OK;
}

void
quarantine_write(struct json_writer *w, const struct quarantine *q)
{
	if (q->total == 0)
		return;
	json_arr(w, "quarantine");
	for (size_t i = 0; i < q->count; i++) {
		const struct shrinkage *s = &q->items[i];
		json_obj(w, NULL);
		json_str(w, "kind", s->kind);
		json_str(w, "member", s->member);
		json_str(w, "what", s->what);
		if (*s->name != '\0')
			json_bytes(w, "name", s->name, strlen(s->name));
		json_u64(w, "before", s->before);
		json_u64(w, "now", s->now);
		json_obj_end(w);
	}
	json_arr_end(w);
	json_u64(w, "quarantine_count", q->total);
}

bool
snapshot_is_quarantined(const json_t *document)
{
	return json_array_size(json_object_get(document, "quarantine")) > 0;
}

enum err_code
quarantine_text(char **out, const json_t *reason, struct err *err)
{
	const char *kind = json_get_str(reason, "kind");
	const char *member = json_get_str(reason, "member");
	const char *what = json_get_str(reason, "what");
	const char *name = json_get_str(reason, "name");
	int64_t before = json_get_int(reason, "before", 0);
	int64_t now = json_get_int(reason, "now", 0);
	if (kind == NULL || member == NULL || what == NULL)
		return str_dup(out, "a reason that cannot be read", err);
	if (strcmp(what, "member") == 0)
		return str_printf(out, err,
		    "%s %s: it is not captured any more, and had %" PRId64 " bytes", kind,
		    member, before);
	return str_printf(out, err, "%s %s: %s%s%" PRId64 " %s, %" PRId64 " before", kind,
	    member, name != NULL ? name : "", name != NULL ? " has " : "", now, what, before);
}

#include "serve/verified.h"

#define RUNS 100
#define EXIT_DAMAGED 13 /* docs/json.md: it came to an end, and found something */

void
verified_list_release(struct verified_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		json_decref(l->items[i].names);
	free(l->items);
	*l = (struct verified_list)VERIFIED_LIST_INIT;
}

/* What the command line names: all behind "--". */
static enum err_code
read_argv(struct verified *v, const char *text, struct err *err)
{
	AUTO(json) json_t *argv = NULL;
	size_t i;
	const json_t *item;
	bool is_behind = false;
	v->names = json_array();
	if (v->names == NULL)
		return err_nomem(err);
	if (json_parse(&argv, text, strlen(text), "argv", err))
		return err->code;
	json_array_foreach(argv, i, item)
	{
		const char *word = json_string_value(item);
		if (word == NULL)
			continue;
		if (is_behind && json_array_append(v->names, (json_t *)(uintptr_t)item) != 0)
			return err_nomem(err);
		is_behind = is_behind || strcmp(word, "--") == 0;
		v->read_data = v->read_data || (!is_behind && strcmp(word, "--read-data") == 0);
	}
	return ERR_OK;
}

static enum err_code
add(void *arg, const struct catalog_run *r, struct err *err)
{
	struct verified_list *l = arg;
	struct verified *v = &l->items[l->count];
	bool is_sound = r->state == RUN_COMPLETE;
	/* Others were cut short, or did not come to reading. */
	if (l->count == RUNS || (!is_sound && r->exit_code != EXIT_DAMAGED))
		return ERR_OK;
	*v = (struct verified){ r->id, r->began_ns, r->ended_ns, false, is_sound, NULL };
	l->count++;
	return read_argv(v, r->argv, err);
}

enum err_code
verified_load(struct verified_list *out, struct catalog *c, struct err *err)
{
	struct catalog_run_filter filter = { .kind = "verify", .limit = RUNS };
	AUTO(verified_list) struct verified_list l = VERIFIED_LIST_INIT;
	l.items = calloc(RUNS, sizeof *l.items);
	if (l.items == NULL)
		return err_nomem(err);
	if (catalog_run_list(c, &filter, add, &l, err))
		return err->code;
	*out = l;
	l = (struct verified_list)VERIFIED_LIST_INIT;
	return ERR_OK;
}

static bool
names_it(const struct verified *v, const struct point *x)
{
	size_t i;
	const json_t *name;
	json_array_foreach(v->names, i, name)
	{
		const char *word = json_string_value(name);
		if (strncmp(x->hex, word, strlen(word)) == 0)
			return true;
	}
	return json_array_size(v->names) == 0 && x->time_ns < v->began_ns;
}

const struct verified *
verified_of(const struct verified_list *l, const struct point *x)
{
	for (size_t i = 0; i < l->count; i++)
		if (names_it(&l->items[i], x))
			return &l->items[i];
	return NULL;
}

int64_t
verified_until(const struct verified_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].is_sound && json_array_size(l->items[i].names) == 0)
			return l->items[i].began_ns;
	return 0;
}

void
verified_write(struct json_writer *w, const char *key, const struct verified *v)
{
	if (v == NULL)
		return;
	json_obj(w, key);
	json_i64(w, "run", v->run);
	json_i64(w, "time_ns", v->ended_ns);
	json_flag(w, "read_data", v->read_data);
	json_flag(w, "is_sound", v->is_sound);
	json_obj_end(w);
}

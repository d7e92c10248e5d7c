/*
 * snapshots: what the repository holds, oldest first.
 */
#include "cli/cli.h"
#include "repo/snapshot.h"
#include "sys/clock.h"
#include "ui/format.h"
#include "ui/table.h"

#define SHORT_ID 8

struct found {
	char id[ID_HEX_SIZE];
	json_t *document;
};

struct found_list {
	struct found *items;
	size_t count;
	struct cli *cli;
	enum exit_code code;
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
	struct found *items = realloc(l->items, (l->count + 1) * sizeof *items);
	if (items == NULL)
		return err_nomem(err);
	l->items = items;
	struct found *f = &items[l->count];
	/* Only a reference is kept; nothing is written through it. */
	f->document = json_incref((json_t *)(uintptr_t)document);
	id_hex(f->id, id);
	l->count++;
	return ERR_OK;
}

/* The others are listed all the same. */
static enum err_code
tell_damaged(void *arg, const struct id *id, const struct err *why, struct err *err)
{
	(void)err;
	struct found_list *l = arg;
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	event_problem(l->cli->events, hex, "this snapshot cannot be read: %s", why->msg);
	l->code = exit_code_worse(l->code, exit_code_of(why->code, false));
	return ERR_OK;
}

/* How many digits tell all ids apart. */
static size_t
digits_needed(const struct found_list *l)
{
	size_t digits = SHORT_ID;
	for (size_t i = 0; i < l->count; i++)
		for (size_t k = 0; k < i; k++)
			while (digits < ID_HEX_SIZE - 1 &&
			       strncmp(l->items[i].id, l->items[k].id, digits) == 0)
				digits++;
	return digits;
}

static enum err_code
join(struct buf *out, const json_t *strings, struct err *err)
{
	for (size_t i = 0; i < json_array_size(strings); i++) {
		const char *s = json_string_value(json_array_get(strings, i));
		if (buf_printf(out, err, "%s%s", i > 0 ? ", " : "", s != NULL ? s : "?"))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
add_row(struct table *t, const struct found *f, size_t digits, struct err *err)
{
	AUTO(bufv) struct buf source = BUF_INIT;
	AUTO(bufv) struct buf tags = BUF_INIT;
	char time[CLOCK_TEXT_SIZE];
	char size[FORMAT_MAX];
	const json_t *origin = json_object_get(f->document, "source");
	const char *name = json_get_str(origin, "name");
	if (name != NULL ? buf_str(&source, name, err)
			 : join(&source, json_object_get(origin, "paths"), err))
		return err->code;
	if (join(&tags, json_object_get(f->document, "tags"), err))
		return err->code;
	clock_format_local(time, json_get_int(f->document, "time_ns", 0));
	format_size(
	    size, (uint64_t)json_get_int(json_object_get(f->document, "stats"), "bytes", 0));
	table_cellf(t, "%.*s", (int)digits, f->id);
	table_cell(t, time);
	table_cell(t, buf_cstr(&source));
	table_cell(t, json_get_str(f->document, "class"));
	table_cell(t, json_get_str(f->document, "outcome"));
	table_cellf(t, "%zu", json_array_size(json_object_get(f->document, "members")));
	table_cell(t, size);
	table_cell(t, buf_cstr(&tags));
	return ERR_OK;
}

static enum err_code
print(const struct found_list *l, struct err *err)
{
	static const struct table_column columns[] = { { "ID", TABLE_LEFT },
		{ "TIME", TABLE_LEFT }, { "SOURCE", TABLE_LEFT }, { "CLASS", TABLE_LEFT },
		{ "OUTCOME", TABLE_LEFT }, { "MEMBERS", TABLE_RIGHT }, { "SIZE", TABLE_RIGHT },
		{ "TAGS", TABLE_LEFT } };
	AUTO(table) struct table t;
	size_t digits = digits_needed(l);
	table_init(&t, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < l->count; i++)
		if (add_row(&t, &l->items[i], digits, err))
			return err->code;
	if (l->count == 0) {
		puts("no snapshots");
		return ERR_OK;
	}
	return table_print(&t, stdout, 0, err);
}

static enum err_code
print_json(struct cli *c, const struct found_list *l, enum exit_code code, struct err *err)
{
	static const char *const fields[] = { "time_ns", "host", "source", "tags", "outcome",
		"class", "skew_ns", "problem_count", "stats" };
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_arr(&w, "snapshots");
	for (size_t i = 0; i < l->count; i++) {
		const json_t *d = l->items[i].document;
		json_obj(&w, NULL);
		json_str(&w, "id", l->items[i].id);
		for (size_t k = 0; k < ARRAY_LEN(fields); k++)
			json_value(&w, fields[k], json_object_get(d, fields[k]));
		json_u64(&w, "members", json_array_size(json_object_get(d, "members")));
		json_obj_end(&w);
	}
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(found_list) struct found_list l = { .cli = c, .code = EXIT_COMPLETE };
	if (cli_open_lenient(c, &p, err) ||
	    snapshot_list_sound(p.repo, add_found, tell_damaged, &l, err))
		return err->code;
	*code = l.code;
	return c->args.json ? print_json(c, &l, *code, err) : print(&l, err);
}

static const struct example examples[] = {
	{ "stacksnap -r /backup snapshots", "all restore points, oldest first" },
};

const struct command command_snapshots = {
	.name = "snapshots",
	.summary = "list the snapshots in the repository",
	.operands = "",
	.about =
	    "CLASS is \"quiesced\" when all members were fixed while the application was "
	    "quiet,\n"
	    "\"live\" otherwise.  OUTCOME is \"partial\" when something is missing: 'stacksnap "
	    "show'\n"
	    "says what.  Snapshots are named by the first digits of their ID, or \"latest\".\n"
	    "One that is damaged is told, and the exit status is then 13; the others are "
	    "listed.",
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

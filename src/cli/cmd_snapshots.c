/*
 * snapshots: what the repository holds, oldest first.
 */
#include "base/room.h"
#include "base/suggest.h"
#include "cli/filter_args.h"
#include "engine/quarantine.h"
#include "repo/proof.h"
#include "sys/clock.h"
#include "ui/format.h"
#include "ui/proof_view.h"
#include "ui/snapshot_view.h"
#include "ui/table.h"

#include <errno.h>
#include <unistd.h>

#define SHORT_ID 8
#define WIDE 100 /* columns of a terminal that has room for the number of members */

struct found {
	char id[ID_HEX_SIZE];
	struct id raw_id;
	json_t *document; /* NULL: not to be listed */
};

struct found_list {
	const struct snapshot_filter *filter;
	struct found *items; /* all that the repository holds */
	size_t count;
	char *near; /* a stack that may have been meant */
	struct proofs *proofs;
	struct cli *cli;
	enum exit_code code;
};

static void
found_list_auto(struct found_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		json_decref(l->items[i].document);
	free(l->items);
	free(l->near);
	proofs_free(l->proofs);
}

/* Is it of a stack that is called like one of those asked for? */
static enum err_code
note_near(struct found_list *l, const json_t *document, struct err *err)
{
	const char *name = json_get_str(json_object_get(document, "source"), "name");
	for (size_t i = 0; i < l->filter->stacks.len && name != NULL && l->near == NULL; i++)
		if (suggest(l->filter->stacks.items[i], &name, 1) != NULL &&
		    str_dup(&l->near, name, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
add_found(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	struct found_list *l = arg;
	if (ROOM_SHORT(l->items, l->count, err))
		return err->code;
	struct found *f = &l->items[l->count];
	bool passes = snapshot_filter_passes(l->filter, id, document);
	/* Only a reference is kept; nothing is written through it. */
	f->document = passes ? json_incref((json_t *)(uintptr_t)document) : NULL;
	id_hex(f->id, id);
	f->raw_id = *id;
	l->count++;
	return passes ? ERR_OK : note_near(l, document, err);
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

/* Does it say something to name the host? */
static bool
has_several_hosts(const struct found_list *l)
{
	const char *first = NULL;
	for (size_t i = 0; i < l->count; i++) {
		const char *host = json_get_str(l->items[i].document, "host");
		if (host != NULL && first != NULL && strcmp(first, host) != 0)
			return true;
		first = host != NULL ? host : first;
	}
	return false;
}

/* Has anybody tried to restore one of them? */
static bool
has_proof(const struct found_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].document != NULL &&
		    proofs_of(l->proofs, &l->items[i].raw_id) != NULL)
			return true;
	return false;
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

/* Which columns there are. */
struct shape {
	size_t digits;
	bool has_host;
	bool has_members;
	bool has_proof;
};

static enum err_code
add_row(struct table *t, const struct found_list *l, const struct found *f,
    const struct shape *s, struct err *err)
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
	table_cellf(t, "%.*s", (int)s->digits, f->id);
	table_cell(t, time);
	if (s->has_host)
		table_cell(t, json_get_str(f->document, "host"));
	table_cell(t, buf_cstr(&source));
	table_cell(t, json_get_str(f->document, "class"));
	table_cell(t, snapshot_is_quarantined(f->document)
			  ? "QUARANTINED"
			  : json_get_str(f->document, "outcome"));
	if (s->has_proof) {
		char proof[PROOF_TEXT];
		proof_view_short(proof, proofs_of(l->proofs, &f->raw_id), clock_wall_ns());
		table_cell(t, proof);
	}
	if (s->has_members)
		table_cellf(t, "%zu", json_array_size(json_object_get(f->document, "members")));
	table_cell(t, size);
	table_cell(t, buf_cstr(&tags));
	return ERR_OK;
}

static enum err_code
print(struct cli *c, const struct found_list *l, struct err *err)
{
	struct table_column columns[10];
	AUTO(table) struct table t;
	struct screen screen;
	size_t n = 0;
	screen_init(&screen, STDOUT_FILENO, c->args.no_color);
	struct shape s = { .digits = digits_needed(l),
		.has_host = has_several_hosts(l),
		.has_members = !screen.is_terminal || screen_width(&screen) >= WIDE,
		.has_proof = has_proof(l) };
	columns[n++] = (struct table_column){ "ID", TABLE_LEFT };
	columns[n++] = (struct table_column){ "TIME", TABLE_LEFT };
	if (s.has_host)
		columns[n++] = (struct table_column){ "HOST", TABLE_CUT };
	columns[n++] = (struct table_column){ "SOURCE", TABLE_CUT };
	columns[n++] = (struct table_column){ "CLASS", TABLE_LEFT };
	columns[n++] = (struct table_column){ "OUTCOME", TABLE_LEFT };
	if (s.has_proof)
		columns[n++] = (struct table_column){ "RESTORED", TABLE_LEFT };
	if (s.has_members)
		columns[n++] = (struct table_column){ "MEMBERS", TABLE_RIGHT };
	columns[n++] = (struct table_column){ "SIZE", TABLE_RIGHT };
	columns[n++] = (struct table_column){ "TAGS", TABLE_CUT };
	table_init(&t, columns, n);
	if (screen.is_terminal)
		t.max_width = screen_width(&screen);
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].document != NULL && add_row(&t, l, &l->items[i], &s, err))
			return err->code;
	if (t.cells.len == 0) {
		if (l->count == 0)
			puts("no snapshots");
		else
			printf("no snapshot of %zu meets the conditions%s%s%s\n", l->count,
			    l->near != NULL ? " (did you mean --stack " : "",
			    l->near != NULL ? l->near : "", l->near != NULL ? "?)" : "");
		return ERR_OK;
	}
	return table_print(&t, stdout, 0, err);
}

static enum err_code
print_json(struct cli *c, const struct found_list *l, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_arr(&w, "snapshots");
	for (size_t i = 0; i < l->count; i++) {
		const struct found *f = &l->items[i];
		if (f->document != NULL)
			snapshot_view_summary(&w, NULL, &f->raw_id, f->document,
			    proofs_of(l->proofs, &f->raw_id));
	}
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

/* Drop all but the last n. */
static void
keep_latest(struct found_list *l, size_t n)
{
	for (size_t i = l->count; i-- > 0;) {
		struct found *f = &l->items[i];
		if (f->document == NULL || n-- > 0)
			continue;
		n = 0;
		json_decref(TAKE(f->document));
	}
}

static enum err_code
parse_latest(const char *text, size_t *out, struct err *err)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n == 0)
		return err_set(
		    err, ERR_USAGE, "--latest takes a number above 0 (not '%s')", text);
	*out = n;
	return ERR_OK;
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(snapshot_filter) struct snapshot_filter f = SNAPSHOT_FILTER_INIT;
	AUTO(found_list) struct found_list l = {
		.cli = c, .filter = &f, .code = EXIT_COMPLETE
	};
	size_t latest = SIZE_MAX;
	if ((c->args.latest != NULL && parse_latest(c->args.latest, &latest, err)) ||
	    cli_filter(c, &f, err) || cli_open_lenient(c, &p, err) ||
	    snapshot_list_sound(p.repo, add_found, tell_damaged, &l, err) ||
	    proofs_load(&l.proofs, p.repo, err))
		return err->code;
	*code = l.code;
	keep_latest(&l, latest);
	return c->args.json ? print_json(c, &l, *code, err) : print(c, &l, err);
}

static const struct option_def options[] = { FILTER_OPTIONS,
	{ "latest", 0, OPTION_VALUE, WORD_ANY, "N", NULL, "only the last N of them",
	    offsetof(struct args, latest) } };

static const struct example examples[] = {
	{ "stacksnap -r /backup snapshots", "all restore points, oldest first" },
	{ "stacksnap -r /backup snapshots --stack shop --since 7d", "a week of one stack" },
	{ "stacksnap -r /backup snapshots --path /srv/data --latest 1",
	    "the last of a folder" },
};

const struct command command_snapshots = {
	.name = "snapshots",
	.summary = "list the snapshots in the repository",
	.operands = "",
	.about =
	    "CLASS is \"quiesced\" when all members were fixed while the application was "
	    "quiet\n"
	    "or did not run, \"live\" otherwise.  OUTCOME is \"partial\" when something is\n"
	    "missing: 'stacksnap show' says what.  Snapshots are named by the first digits of\n"
	    "their ID, as \"latest\", or \"latest:shop\": the last of that stack, folder or "
	    "database.\n"
	    "RESTORED is what the last drill of it found, and how long the stack took to be "
	    "back.\n"
	    "One that is damaged is told, and the exit status is then 13; the others are "
	    "listed.\n"
	    "Of several conditions all must hold, of one that is given several times any.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

/* restore status, of settle.h: what undo and finish would act on. */
#include "cli/settle.h"

#include "sys/clock.h"
#include "ui/escape.h"
#include "ui/format.h"
#include "ui/restored_view.h"
#include "ui/table.h"

#include <string.h>

#define SHORT_ID 8

enum err_code
settle_list(struct cli *c, struct engine *e, struct restored_list *out, struct err *err)
{
	if (restore_list(e, out, err))
		return err->code;
	for (size_t i = 0; i < out->broken.len; i++)
		event_warning(c->events, NULL, "%s", out->broken.items[i]);
	return ERR_OK;
}

/* Of single tables and keys; their servers are asked. */
static enum err_code
list_tables(struct cli *c, struct engine *e, const char *stack, struct table_kept_list *out,
    struct err *err)
{
	if (table_kept_list(e, stack, out, err))
		return err->code;
	for (size_t i = 0; i < out->broken.len; i++)
		event_warning(c->events, NULL, "%s", out->broken.items[i]);
	return table_kept_ask(e, out, err);
}

static enum err_code
status_json(struct cli *c, const struct restored_list *l, const struct table_kept_list *tables,
    const char *stack, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_arr(&w, "restores");
	for (size_t i = 0; i < l->count; i++)
		if (stack == NULL || strcmp(l->items[i].stack, stack) == 0)
			restored_view_json(&w, NULL, &l->items[i]);
	json_arr_end(&w);
	json_arr(&w, "tables");
	for (size_t i = 0; i < tables->count; i++)
		table_kept_json(&w, NULL, &tables->items[i]);
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

static const char *
what_to_do(enum restored_state state)
{
	switch (state) {
	case RESTORED_RUNNING:
		return "wait for it";
	case RESTORED_INTERRUPTED:
		return "stacksnap recover";
	case RESTORED_KEPT:
		break;
	}
	return "restore finish, or undo";
}

static enum err_code
print_restores(const struct restored_list *l, const char *stack, size_t *shown, struct err *err)
{
	static const struct table_column columns[] = { { "STACK", TABLE_LEFT },
		{ "SNAPSHOT", TABLE_LEFT }, { "SINCE", TABLE_LEFT }, { "STATE", TABLE_LEFT },
		{ "KEPT", TABLE_RIGHT }, { "NEXT", TABLE_LEFT } };
	AUTO(table) struct table t;
	table_init(&t, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < l->count; i++) {
		const struct restored *r = &l->items[i];
		char when[CLOCK_TEXT_SIZE];
		char size[FORMAT_MAX];
		if (stack != NULL && strcmp(r->stack, stack) != 0)
			continue;
		clock_format_local(when, r->kept_ns);
		format_size(size, r->bytes);
		table_cell(&t, r->stack);
		table_cellf(&t, "%.*s", SHORT_ID, r->snapshot);
		table_cell(&t, when);
		table_cell(&t, restored_state_word(r->state));
		table_cell(&t, size);
		table_cell(&t, what_to_do(r->state));
		++*shown;
	}
	return *shown > 0 ? table_print(&t, stdout, 0, err) : ERR_OK;
}

/* The words behind "restore undo", or finish. */
static enum err_code
put_options(struct buf *out, const struct table_kept *k, struct err *err)
{
	if (buf_printf(out, err, "%s --service %s", k->stack, k->service))
		return err->code;
	if (k->key_prefix != NULL && str_is_utf8(k->key_prefix, strlen(k->key_prefix)))
		return buf_printf(
		    out, err, " --table %s --key-prefix %s", k->table, k->key_prefix);
	if (k->key_prefix != NULL) {
		if (buf_printf(out, err, " --table %s --key-prefix-hex ", k->table))
			return err->code;
		for (const char *p = k->key_prefix; *p != '\0'; p++)
			if (buf_printf(out, err, "%02x", (uint8_t)*p))
				return err->code;
		return ERR_OK;
	}
	return buf_printf(out, err, " --table %s%s%s", k->table,
	    k->database != NULL ? " --database " : "", k->database != NULL ? k->database : "");
}

static enum err_code
print_tables(const struct table_kept_list *l, struct err *err)
{
	static const struct table_column columns[] = { { "SNAPSHOT", TABLE_LEFT },
		{ "SINCE", TABLE_LEFT }, { "STATE", TABLE_LEFT },
		{ "restore finish, or undo:", TABLE_LEFT } };
	AUTO(table) struct table t;
	table_init(&t, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < l->count; i++) {
		const struct table_kept *k = &l->items[i];
		AUTO(bufv) struct buf options = BUF_INIT;
		char when[CLOCK_TEXT_SIZE];
		if (put_options(&options, k, err))
			return err->code;
		if (buf_cstr(&options) == NULL)
			return err_nomem(err);
		clock_format_local(when, k->time_ns);
		table_cell(&t, k->tag);
		table_cell(&t, when);
		table_cell(&t, table_kept_word(k->state));
		table_cell(&t, buf_cstr(&options));
	}
	return l->count > 0 ? table_print(&t, stdout, 0, err) : ERR_OK;
}

static void
print_unknown(const struct table_kept_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct table_kept *k = &l->items[i];
		if (k->state != TABLE_UNKNOWN)
			continue;
		printf("stack %s: whether it still keeps rows of ", k->stack);
		escape_print(stdout, k->table);
		fputs(" is not known: ", stdout);
		escape_print(stdout, k->why);
		putchar('\n');
	}
}

static enum err_code
status_text(const struct restored_list *l, const struct table_kept_list *tables,
    const char *stack, struct err *err)
{
	size_t shown = 0;
	if (print_restores(l, stack, &shown, err))
		return err->code;
	if (shown == 0 && tables->count == 0) {
		puts("no restore that could be undone");
		return ERR_OK;
	}
	if (shown > 0 && tables->count > 0)
		putchar('\n');
	if (print_tables(tables, err))
		return err->code;
	print_unknown(tables);
	return ERR_OK;
}

enum err_code
settle_status(struct cli *c, struct engine *e, enum exit_code *code, struct err *err)
{
	AUTO(restored_list) struct restored_list l = RESTORED_LIST_INIT;
	AUTO(table_kept_list) struct table_kept_list tables = TABLE_KEPT_LIST_INIT;
	const char *stack = c->args.operands.len > 1 ? c->args.operands.items[1] : NULL;
	if (settle_list(c, e, &l, err) || list_tables(c, e, stack, &tables, err))
		return err->code;
	if (l.broken.len > 0 || tables.broken.len > 0)
		*code = EXIT_PARTIAL;
	return c->args.json ? status_json(c, &l, &tables, stack, *code, err)
			    : status_text(&l, &tables, stack, err);
}

#include "cli/restore_table.h"

#include "base/bytes.h"
#include "base/counted.h"
#include "cli/settle.h"
#include "cli/terminal.h"
#include "engine/restore_table.h"
#include "ui/escape.h"

#include <inttypes.h>
#include <string.h>

bool
restore_table_is_asked(const struct args *a)
{
	return a->tables.len > 0 || a->into != NULL || a->in_place || a->key_prefix != NULL ||
	       a->key_prefix_hex != NULL;
}

static enum err_code
check_into(const struct args *a, bool is_settling, struct err *err)
{
	if (is_settling && (a->into != NULL || a->in_place))
		return err_set(err, ERR_USAGE,
		    "restore: --into and --in-place are for the restore itself; what was put "
		    "beside is removed with DROP SCHEMA or DROP DATABASE");
	if (!is_settling && (a->into != NULL) == a->in_place)
		return err_set(err, ERR_USAGE,
		    "restore: --table wants either --into NAME, beside what is there (a schema "
		    "of PostgreSQL, a database of others), or --in-place");
	if (a->into != NULL &&
	    (a->into[0] == '\0' || strlen(a->into) > 63 || strncmp(a->into, "pg_", 3) == 0))
		return err_set(
		    err, ERR_USAGE, "restore: '%s' is no name for a schema", a->into);
	return ERR_OK;
}

/* --key-prefix-hex becomes the other; *owned keeps it. */
static enum err_code
take_hex(struct args *a, char **owned, struct err *err)
{
	const char *hex = a->key_prefix_hex;
	if (hex == NULL)
		return ERR_OK;
	size_t len = strlen(hex) / 2;
	if (a->key_prefix != NULL)
		return err_set(
		    err, ERR_USAGE, "restore: --key-prefix or --key-prefix-hex: give one");
	*owned = calloc(len + 1, 1);
	if (*owned == NULL)
		return err_nomem(err);
	if (len == 0 || !hex_decode((uint8_t *)*owned, len, hex, strlen(hex)))
		return err_set(err, ERR_USAGE,
		    "restore: --key-prefix-hex wants pairs of hexadecimal digits, not '%s'",
		    hex);
	if (strlen(*owned) != len)
		return err_set(err, ERR_USAGE,
		    "restore: --key-prefix-hex: a prefix ends before its first NUL: give the "
		    "digits up to there");
	a->key_prefix = *owned;
	return ERR_OK;
}

static enum err_code
check_args(const struct args *a, bool is_settling, struct err *err)
{
	if (a->tables.len == 0 && a->key_prefix == NULL)
		return err_set(err, ERR_USAGE,
		    "restore: %s wants --table NAME (of Redis: --key-prefix PREFIX)",
		    a->in_place ? "--in-place" : "--into");
	if (a->tables.len > 1 && a->key_prefix != NULL)
		return err_set(
		    err, ERR_USAGE, "restore: --key-prefix is of one database: --table db1");
	if (a->services.len > 1)
		return err_set(err, ERR_USAGE, "restore: --table is of one --service");
	if (a->as != NULL || a->to != NULL || a->paths.len > 0 || a->include.len > 0 ||
	    a->members.len > 0)
		return err_set(err, ERR_USAGE,
		    "restore: --table goes into the stack that runs: without --as, --to, "
		    "--path, --include and --member");
	if (is_settling ? a->operands.len != 2 : a->operands.len != 1)
		return err_set(err, ERR_USAGE,
		    is_settling ? "restore %s: name the stack"
				: "restore: %s: one snapshot is wanted with --table",
		    a->operands.items[0]);
	return check_into(a, is_settling, err);
}

/* --- the plans, one for each table --- */

struct plans {
	struct restore_table_plan *items;
	size_t len;
};

static void
plans_auto(struct plans *p)
{
	for (size_t i = 0; i < p->len; i++)
		restore_table_plan_release(&p->items[i]);
	free(p->items);
}

static enum err_code
plans_new(struct plans *p, size_t n, struct err *err)
{
	p->items = calloc(n, sizeof *p->items);
	if (p->items == NULL)
		return err_nomem(err);
	for (; p->len < n; p->len++)
		p->items[p->len] = (struct restore_table_plan)RESTORE_TABLE_PLAN_INIT;
	return ERR_OK;
}

/* Of Redis without a name, the first database. */
static size_t
count_of(const struct args *a)
{
	return a->tables.len > 0 ? a->tables.len : 1;
}

static struct restore_table_options
options_of(const struct args *a, size_t i)
{
	return (struct restore_table_options){
		.table = a->tables.len > 0 ? a->tables.items[i] : "db0",
		.key_prefix = a->key_prefix,
		.service = a->services.len > 0 ? a->services.items[0] : NULL,
		.database = a->database,
		.into = a->into,
	};
}

/* What is counted, and how it is called. */
static void
print_plan(FILE *out, const struct restore_table_plan *p, const struct args *a)
{
	char rows[COUNTED_MAX];
	const char *prefix = a->key_prefix;
	escape_print(out, p->table);
	if (prefix != NULL) {
		fputc(' ', out);
		escape_print(out, prefix);
	}
	fprintf(out, " of %s%s", p->service, *p->database != '\0' ? "/" : "");
	escape_print(out, p->database);
	fprintf(out, ", stack %s: %s ", p->stack,
	    counted(rows, p->rows, prefix != NULL ? "key" : "row"));
	if (a->into != NULL)
		fprintf(out, "into %s %s\n", p->place, a->into);
	else
		fprintf(out, "in place\n");
	for (size_t i = 0; i < p->lines.len; i++)
		fprintf(out, "  %s\n", p->lines.items[i]);
	if (a->into == NULL && p->lines.len == 0)
		fprintf(out, "  no %s differs from what is there\n",
		    prefix != NULL ? "key" : "row");
	for (size_t i = 0; i < p->told.len; i++)
		fprintf(out, "  note: %s\n", p->told.items[i]);
}

static void
put_plan(struct json_writer *w, const struct restore_table_plan *p)
{
	json_str(w, "stack", p->stack);
	json_str(w, "service", p->service);
	json_str(w, "database", p->database);
	json_str(w, "table", p->table);
	json_u64(w, "rows", p->rows);
	json_strings(w, "changes", &p->lines);
	json_strings(w, "notes", &p->told);
}

static void
put_kept(struct json_writer *w, const struct restore_table_plan *p)
{
	json_str(w, "stack", p->stack);
	json_str(w, "service", p->service);
	json_str(w, "table", p->table);
	json_str(w, "snapshot", p->tag);
	json_strings(w, "written_since", &p->lines);
	json_strings(w, "notes", &p->told);
}

/* The first table's members, and a list of all. */
static enum err_code
print_json(struct cli *c, const struct plans *all, bool is_done,
    void (*put)(struct json_writer *w, const struct restore_table_plan *p), struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, EXIT_COMPLETE);
	put(&w, &all->items[0]);
	if (c->args.key_prefix != NULL)
		json_bytes(&w, "key_prefix", c->args.key_prefix, strlen(c->args.key_prefix));
	else
		json_nil(&w, "key_prefix");
	json_str(&w, "into", c->args.into);
	json_flag(&w, "dry_run", !is_done);
	json_arr(&w, "tables");
	for (size_t i = 0; i < all->len; i++) {
		json_obj(&w, NULL);
		put(&w, &all->items[i]);
		json_obj_end(&w);
	}
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

static enum err_code
agree(struct cli *c, const struct plans *all, struct err *err)
{
	char answer[TERMINAL_ANSWER_MAX];
	size_t lines = 0;
	for (size_t i = 0; i < all->len; i++)
		lines += all->items[i].lines.len;
	if (c->args.into != NULL || lines == 0 || c->args.yes)
		return ERR_OK;
	if (c->args.json || !isatty(STDIN_FILENO))
		return err_set(err, ERR_EXISTS,
		    "rows of %s would be replaced: look at the list above, and give --yes if "
		    "that is what you want",
		    all->len == 1 ? all->items[0].table : "these tables");
	if (terminal_ask(answer, "Type \"yes\" to replace them: ", c->cancel, err))
		return err->code;
	return strcmp(answer, "yes") == 0
		   ? ERR_OK
		   : err_set(
			 err, ERR_CANCELLED, "nothing was changed: the answer was not \"yes\"");
}

/* Words of ours, and a text from outside behind them. */
static void
say(const char *words, const char *text)
{
	fputs(words, stdout);
	escape_print(stdout, text);
}

static void
print_done(const struct restore_table_plan *p, const struct args *a)
{
	const char *prefix = a->key_prefix;
	say(prefix != NULL ? "the keys " : "", prefix != NULL ? prefix : p->table);
	if (a->into != NULL) {
		printf("%s %s ", prefix != NULL ? "... are in" : " is in",
		    prefix != NULL ? "database" : p->place);
		say("", a->into);
		puts(" now");
		return;
	}
	printf("%s; the old ones are kept: 'stacksnap restore undo %s",
	    prefix != NULL ? "... are those of the snapshot" : " has its rows of the snapshot",
	    p->stack);
	say(" --service ", p->service);
	if (a->key_prefix_hex != NULL)
		say(" --key-prefix-hex ", a->key_prefix_hex);
	else if (prefix != NULL)
		say(" --key-prefix ", prefix);
	if (prefix == NULL || strcmp(p->table, "db0") != 0)
		say(" --table ", p->table);
	if (prefix == NULL)
		say(" --database ", p->database);
	puts("' or 'finish'");
}

/* Each by itself: what is done stays done when a later one cannot be. */
static enum err_code
put_all(struct cli *c, struct engine *e, const struct id *id, const struct plans *all,
    struct err *err)
{
	for (size_t i = 0; i < all->len; i++) {
		struct restore_table_options opt = options_of(&c->args, i);
		if (restore_table(e, id, &opt, err))
			return i > 0 ? err_wrap(err, "%s (the %s before it: done)",
					   all->items[i].table, i > 1 ? "tables" : "table")
				     : err->code;
		if (!c->args.json)
			print_done(&all->items[i], &c->args);
	}
	return ERR_OK;
}

static enum err_code
put(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(plans) struct plans all = { NULL, 0 };
	struct id id;
	if (cli_open(c, &p, err) || cli_snapshot(c, p.repo, &id, err) ||
	    plans_new(&all, count_of(&c->args), err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	for (size_t i = 0; i < all.len; i++) {
		struct restore_table_options opt = options_of(&c->args, i);
		if (restore_table_look(&e, &id, &opt, &all.items[i], err))
			return err->code;
		if (!c->args.json && !c->args.quiet)
			print_plan(c->args.dry_run ? stdout : stderr, &all.items[i], &c->args);
	}
	*code = EXIT_COMPLETE;
	if (c->args.dry_run)
		return c->args.json ? print_json(c, &all, false, put_plan, err) : ERR_OK;
	if (agree(c, &all, err) || put_all(c, &e, &id, &all, err))
		return err->code;
	return c->args.json ? print_json(c, &all, true, put_plan, err) : ERR_OK;
}

/* --- afterwards --- */

/* An undo that is agreed to needs no repository, and waits for none.  Before, it is asked what
 * was written since; where that cannot be had, that is told, and no reason to keep the old rows
 * from anybody. */
static void
open_to_compare(struct cli *c, struct place *p)
{
	const char *name;
	struct err why = ERR_INIT;
	if ((c->args.yes && !c->args.dry_run) || cli_repository(c, &name, &why))
		return;
	if (cli_open(c, p, &why))
		event_warning(c->events, "repository", "it cannot be asked: %s", why.msg);
}

static void
print_kept(FILE *out, const struct restore_table_plan *p, bool undo)
{
	escape_print(out, p->table);
	fprintf(out, ", stack %s: %s\n", p->stack,
	    undo ? "the rows that were there before come back"
		 : "the rows that were there before are removed for good");
	for (size_t i = 0; undo && i < p->lines.len; i++)
		fprintf(out, "  lost: %s\n", p->lines.items[i]);
	for (size_t i = 0; undo && i < p->told.len; i++)
		fprintf(out, "  note: %s\n", p->told.items[i]);
	if (undo && p->lines.len == 0 && p->told.len == 0)
		fprintf(out, "  nothing was written to it since\n");
}

static enum err_code
agree_to_settle(struct cli *c, bool undo, struct err *err)
{
	char answer[TERMINAL_ANSWER_MAX];
	if (c->args.yes)
		return ERR_OK;
	if (c->args.json || !isatty(STDIN_FILENO))
		return err_set(err, ERR_EXISTS, "%s: give --yes if that is what you want",
		    undo ? "what was written to the table since would be lost"
			 : "the old rows would be removed for good");
	if (terminal_ask(answer,
		undo ? "What was written to the table since is lost. Type \"yes\": "
		     : "The old rows are removed for good. Type \"yes\": ",
		c->cancel, err))
		return err->code;
	return strcmp(answer, "yes") == 0
		   ? ERR_OK
		   : err_set(
			 err, ERR_CANCELLED, "nothing was changed: the answer was not \"yes\"");
}

static void
print_settled(const struct args *a, const char *table, bool undo)
{
	const char *prefix = a->key_prefix;
	say(prefix != NULL ? "the keys " : "", prefix != NULL ? prefix : table);
	if (prefix != NULL)
		puts(undo ? "... are the old ones again" : "... stay; the old ones are gone");
	else
		puts(undo ? " has its old rows again"
			  : " keeps its rows; the old ones are gone");
}

static enum err_code
settle_all(struct cli *c, struct engine *e, const struct plans *all, bool undo, struct err *err)
{
	for (size_t i = 0; i < all->len; i++) {
		struct restore_table_options opt = options_of(&c->args, i);
		opt.stack = c->args.operands.items[1];
		if (restore_table_settle(e, &opt, undo, err))
			return err->code;
		if (!c->args.json)
			print_settled(&c->args, opt.table, undo);
	}
	return ERR_OK;
}

static enum err_code
settle(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(plans) struct plans all = { NULL, 0 };
	const char *verb = c->args.operands.items[0];
	bool undo = strcmp(verb, "undo") == 0;
	if (!undo && strcmp(verb, "finish") != 0)
		return err_set(err, ERR_USAGE,
		    "restore status lists all that is kept: without --table and the like");
	if (plans_new(&all, count_of(&c->args), err))
		return err->code;
	if (undo)
		open_to_compare(c, &p);
	struct engine e = cli_engine(c, p.repo);
	for (size_t i = 0; i < all.len; i++) {
		struct restore_table_options opt = options_of(&c->args, i);
		opt.stack = c->args.operands.items[1];
		if (restore_table_kept(&e, &opt, &all.items[i], err))
			return err->code;
		if (!c->args.json && !c->args.quiet)
			print_kept(c->args.dry_run ? stdout : stderr, &all.items[i], undo);
	}
	*code = EXIT_COMPLETE;
	if (!c->args.dry_run &&
	    (agree_to_settle(c, undo, err) || settle_all(c, &e, &all, undo, err)))
		return err->code;
	return c->args.json ? print_json(c, &all, !c->args.dry_run, put_kept, err) : ERR_OK;
}

enum err_code
restore_table_run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(str) char *prefix = NULL;
	bool is_settling = settle_is_verb(c->args.operands.items[0]);
	if (take_hex(&c->args, &prefix, err) || check_args(&c->args, is_settling, err))
		return err->code;
	return is_settling ? settle(c, code, err) : put(c, code, err);
}

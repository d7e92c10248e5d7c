#include "cli/restore_table.h"

#include "base/counted.h"
#include "cli/settle.h"
#include "cli/terminal.h"
#include "engine/restore_table.h"

#include <inttypes.h>
#include <string.h>

bool
restore_table_is_asked(const struct args *a)
{
	return a->tables.len > 0 || a->into != NULL || a->in_place;
}

static enum err_code
check_args(const struct args *a, bool is_settling, struct err *err)
{
	if (a->tables.len != 1)
		return err_set(err, ERR_USAGE, "restore: %s wants one --table NAME",
		    a->tables.len > 1 ? "this"
		    : a->in_place     ? "--in-place"
				      : "--into");
	if (a->services.len > 1)
		return err_set(err, ERR_USAGE, "restore: --table is of one --service");
	if (a->as != NULL || a->to != NULL || a->paths.len > 0 || a->include.len > 0 ||
	    a->members.len > 0)
		return err_set(err, ERR_USAGE,
		    "restore: --table goes into the stack that runs: without --as, --to, "
		    "--path, "
		    "--include and --member");
	if (is_settling ? a->operands.len != 2 : a->operands.len != 1)
		return err_set(err, ERR_USAGE,
		    is_settling ? "restore %s: name the stack"
				: "restore: %s: one snapshot is wanted with --table",
		    a->operands.items[0]);
	if (is_settling ? a->into != NULL || a->in_place : (a->into != NULL) == a->in_place)
		return err_set(err, ERR_USAGE,
		    is_settling
			? "restore: --into and --in-place are for the restore itself; what "
			  "was "
			  "put into a schema is removed with DROP SCHEMA"
			: "restore: --table wants either --into SCHEMA, beside what is "
			  "there, "
			  "or --in-place");
	if (a->into != NULL &&
	    (a->into[0] == '\0' || strlen(a->into) > 63 || strncmp(a->into, "pg_", 3) == 0))
		return err_set(
		    err, ERR_USAGE, "restore: '%s' is no name for a schema", a->into);
	return ERR_OK;
}

static void
print_plan(FILE *out, const struct restore_table_plan *p, const char *into)
{
	char rows[COUNTED_MAX];
	fprintf(out, "%s of %s/%s, stack %s: %s %s%s\n", p->table, p->service, p->database,
	    p->stack, counted(rows, p->rows, "row"), into != NULL ? "into schema " : "in place",
	    into != NULL ? into : "");
	for (size_t i = 0; i < p->lines.len; i++)
		fprintf(out, "  %s\n", p->lines.items[i]);
	if (into == NULL && p->lines.len == 0)
		fprintf(out, "  no row differs from what is there\n");
	for (size_t i = 0; i < p->told.len; i++)
		fprintf(out, "  note: %s\n", p->told.items[i]);
}

static enum err_code
print_json(struct cli *c, const struct restore_table_plan *p, bool is_done, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, EXIT_COMPLETE);
	json_str(&w, "stack", p->stack);
	json_str(&w, "service", p->service);
	json_str(&w, "database", p->database);
	json_str(&w, "table", p->table);
	json_str(&w, "into", c->args.into);
	json_u64(&w, "rows", p->rows);
	json_flag(&w, "dry_run", !is_done);
	json_strings(&w, "changes", &p->lines);
	json_strings(&w, "notes", &p->told);
	return cli_result_end(&w, err);
}

static enum err_code
agree(struct cli *c, const struct restore_table_plan *p, struct err *err)
{
	char answer[TERMINAL_ANSWER_MAX];
	if (c->args.into != NULL || p->lines.len == 0 || c->args.yes)
		return ERR_OK;
	if (c->args.json || !isatty(STDIN_FILENO))
		return err_set(err, ERR_EXISTS,
		    "rows of %s would be replaced: look at the list above, and give --yes if "
		    "that "
		    "is what you want",
		    p->table);
	if (terminal_ask(answer, "Type \"yes\" to replace them: ", c->cancel, err))
		return err->code;
	return strcmp(answer, "yes") == 0
		   ? ERR_OK
		   : err_set(
			 err, ERR_CANCELLED, "nothing was changed: the answer was not \"yes\"");
}

static struct restore_table_options
options_of(const struct args *a)
{
	return (struct restore_table_options){
		.table = a->tables.items[0],
		.service = a->services.len > 0 ? a->services.items[0] : NULL,
		.database = a->database,
		.into = a->into,
	};
}

static enum err_code
put(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(restore_table_plan) struct restore_table_plan plan = RESTORE_TABLE_PLAN_INIT;
	struct restore_table_options opt = options_of(&c->args);
	struct id id;
	if (cli_open(c, &p, err) || cli_snapshot(c, p.repo, &id, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (restore_table_look(&e, &id, &opt, &plan, err))
		return err->code;
	*code = EXIT_COMPLETE;
	if (!c->args.json && !c->args.quiet)
		print_plan(c->args.dry_run ? stdout : stderr, &plan, opt.into);
	if (c->args.dry_run)
		return c->args.json ? print_json(c, &plan, false, err) : ERR_OK;
	if (agree(c, &plan, err) || restore_table(&e, &id, &opt, err))
		return err->code;
	if (c->args.json)
		return print_json(c, &plan, true, err);
	if (opt.into != NULL)
		printf("%s is in schema %s now\n", plan.table, opt.into);
	else
		printf("%s has its rows of the snapshot; the old ones are kept: 'stacksnap "
		       "restore "
		       "undo %s "
		       "--table %s --database %s' or 'finish'\n",
		    plan.table, plan.stack, plan.table, plan.database);
	return ERR_OK;
}

static enum err_code
settle(struct cli *c, enum exit_code *code, struct err *err)
{
	const char *verb = c->args.operands.items[0];
	bool undo = strcmp(verb, "undo") == 0;
	struct restore_table_options opt = options_of(&c->args);
	struct engine e = cli_engine(c, NULL);
	char answer[TERMINAL_ANSWER_MAX];
	opt.stack = c->args.operands.items[1];
	if (!undo && strcmp(verb, "finish") != 0)
		return err_set(err, ERR_USAGE,
		    "restore status: tables are not listed; their old rows are in schemas "
		    "called "
		    "stacksnap_old_…");
	if (!c->args.yes) {
		if (c->args.json || !isatty(STDIN_FILENO))
			return err_set(err, ERR_EXISTS,
			    "%s: give --yes if that is what you want",
			    undo ? "what was written to the table since would be lost"
				 : "the old rows would be removed for good");
		if (terminal_ask(answer,
			undo ? "What was written to the table since is lost. Type \"yes\": "
			     : "The old rows are removed for good. Type \"yes\": ",
			c->cancel, err))
			return err->code;
		if (strcmp(answer, "yes") != 0)
			return err_set(err, ERR_CANCELLED,
			    "nothing was changed: the answer was not \"yes\"");
	}
	if (restore_table_settle(&e, &opt, undo, err))
		return err->code;
	*code = EXIT_COMPLETE;
	if (!c->args.json) {
		printf("%s %s\n", opt.table,
		    undo ? "has its old rows again" : "keeps its rows; the old ones are gone");
		return ERR_OK;
	}
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, EXIT_COMPLETE);
	json_str(&w, "stack", opt.stack);
	json_str(&w, "table", opt.table);
	return cli_result_end(&w, err);
}

enum err_code
restore_table_run(struct cli *c, enum exit_code *code, struct err *err)
{
	bool is_settling = settle_is_verb(c->args.operands.items[0]);
	if (check_args(&c->args, is_settling, err))
		return err->code;
	return is_settling ? settle(c, code, err) : put(c, code, err);
}

#include "cli/restore_aside.h"

#include "engine/restore_aside.h"

bool
restore_aside_is_asked(const struct args *a)
{
	return a->database != NULL && a->tables.len == 0 && a->key_prefix == NULL &&
	       a->key_prefix_hex == NULL;
}

static enum err_code
check_args(const struct args *a, struct err *err)
{
	if (a->into == NULL || a->in_place)
		return err_set(err, ERR_USAGE,
		    "restore: --database wants --into NAME, a new one beside what is there, or "
		    "--table; in place all of a server's are restored: --service");
	if (a->services.len > 1 || a->operands.len != 1)
		return err_set(err, ERR_USAGE,
		    "restore: --database is of one snapshot and one --service; what was put "
		    "beside is removed with DROP DATABASE");
	if (a->as != NULL || a->to != NULL || a->paths.len > 0 || a->include.len > 0 ||
	    a->members.len > 0)
		return err_set(err, ERR_USAGE,
		    "restore: --database goes into the stack that runs: without --as, --to, "
		    "--path, --include and --member");
	return ERR_OK;
}

static enum err_code
print_json(struct cli *c, const struct restore_table_plan *p, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, EXIT_COMPLETE);
	json_str(&w, "stack", p->stack);
	json_str(&w, "service", p->service);
	json_str(&w, "database", p->database);
	json_str(&w, "into", c->args.into);
	json_flag(&w, "dry_run", c->args.dry_run);
	json_strings(&w, "notes", &p->told);
	return cli_result_end(&w, err);
}

enum err_code
restore_aside_run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place place = PLACE_INIT;
	AUTO(restore_table_plan) struct restore_table_plan p = RESTORE_TABLE_PLAN_INIT;
	const struct args *a = &c->args;
	struct restore_aside_options opt = { .database = a->database,
		.service = a->services.len > 0 ? a->services.items[0] : NULL,
		.into = a->into,
		.dry_run = a->dry_run };
	struct id id;
	if (check_args(a, err) || cli_open(c, &place, err) ||
	    cli_snapshot(c, place.repo, &id, err))
		return err->code;
	struct engine e = cli_engine(c, place.repo);
	if (restore_aside(&e, &id, &opt, &p, err))
		return err->code;
	*code = EXIT_COMPLETE;
	if (a->json)
		return print_json(c, &p, err);
	printf("database %s of %s, stack %s: %s database %s\n", p.database, p.service, p.stack,
	    a->dry_run ? "would go into" : "is now also there as", a->into);
	for (size_t i = 0; !a->quiet && i < p.told.len; i++)
		fprintf(a->dry_run ? stdout : stderr, "  note: %s\n", p.told.items[i]);
	return ERR_OK;
}

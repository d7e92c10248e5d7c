/*
 * repair: mend the repository itself.
 */
#include "cli/cli.h"
#include "engine/repair.h"
#include "ui/format.h"

static void
print_count(uint64_t n, const char *one, const char *many)
{
	char count[FORMAT_MAX];
	format_count(count, n);
	if (n > 0)
		printf("%s %s\n", count, n == 1 ? one : many);
}

static void
print(const struct cli *c, const struct repair_result *r, bool has_loss)
{
	char indexes[COUNTED_MAX], packs[COUNTED_MAX], written[COUNTED_MAX], gone[COUNTED_MAX];
	counted(written, r->indexes_written, "index object");
	counted_number(gone, r->indexes_deleted);
	printf("%s and %s looked at\n", counted(indexes, r->indexes, "index object"),
	    counted(packs, r->packs, "pack"));
	print_count(r->indexes_damaged, "index object is damaged", "index objects are damaged");
	print_count(
	    r->packs_added, "pack was in no sound index", "packs were in no sound index");
	print_count(r->packs_missing, "pack is missing", "packs are missing");
	print_count(r->packs_cut, "pack is not whole", "packs are not whole");
	print_count(r->packs_unreadable, "pack cannot be read", "packs cannot be read");
	if (r->indexes_written + r->indexes_deleted > 0)
		printf("%s %s, %s removed\n", written,
		    c->args.dry_run ? "would be written" : "written", gone);
	else if (!has_loss)
		puts("the index fits the packs: there is nothing to repair");
	if (has_loss)
		puts("'stacksnap verify' names the snapshots and files that this hurts; the "
		     "next backup\nstores again what it still finds");
}

static enum err_code
print_json(struct cli *c, const struct repair_result *r, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_flag(&w, "dry_run", c->args.dry_run);
	json_u64(&w, "indexes", r->indexes);
	json_u64(&w, "indexes_damaged", r->indexes_damaged);
	json_u64(&w, "indexes_outdated", r->indexes_outdated);
	json_u64(&w, "indexes_written", r->indexes_written);
	json_u64(&w, "indexes_removed", r->indexes_deleted);
	json_u64(&w, "packs", r->packs);
	json_u64(&w, "packs_added", r->packs_added);
	json_u64(&w, "packs_missing", r->packs_missing);
	json_u64(&w, "packs_cut", r->packs_cut);
	json_u64(&w, "packs_unreadable", r->packs_unreadable);
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	struct repair_index_options opt = { c->args.dry_run, c->args.read_all };
	struct repair_result r;
	if (strcmp(c->args.operands.items[0], "index") != 0)
		return err_set(err, ERR_USAGE, "%s: cannot repair that; there is: index",
		    c->args.operands.items[0]);
	if (cli_open_bare(c, &p, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (repair_index(&e, &opt, &r, err))
		return err->code;
	bool has_loss = r.packs_missing + r.packs_cut + r.packs_unreadable > 0;
	if (has_loss)
		*code = EXIT_PARTIAL;
	if (c->args.json)
		return print_json(c, &r, *code, err);
	print(c, &r, has_loss);
	return ERR_OK;
}

static const struct option_def options[] = {
	{ "dry-run", 'n', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "tell what would be done, and stop", offsetof(struct args, dry_run) },
	{ "read-all", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "believe no index: ask every pack what it holds", offsetof(struct args, read_all) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup repair index --dry-run", "what is wrong with the index?" },
	{ "stacksnap -r /backup repair index", "make it fit the packs that are there" },
	{ "stacksnap -r /backup repair index --read-all", "make all of it anew" },
};

const struct command command_repair = {
	.name = "repair",
	.summary = "make the index fit the packs that are there",
	.operands = "index",
	.about =
	    "The index tells where each piece of data lies.  It holds nothing that the packs\n"
	    "themselves do not, so it can be made again when its objects are damaged or lost:\n"
	    "\n"
	    "  - damaged index objects are replaced, from the packs that they named;\n"
	    "  - packs that no index names are added to it;\n"
	    "  - packs that are missing, or are not as the index says, are dropped from it:\n"
	    "    the next backup then stores their data again, as far as it still finds it.\n"
	    "\n"
	    "No pack is changed or removed.  The new index is stored before the old one goes,\n"
	    "so this may be interrupted, and run beside backups.  The exit status is 3 when\n"
	    "packs are lost: 'stacksnap verify' then names the files that this hurts.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.min_operands = 1,
	.max_operands = 1,
	.word = WORD_CHOICE,
	.choices = "index",
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

/*
 * prune: free the space of what no snapshot needs.
 */
#include "cli/prune_view.h"

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	struct prune_options opt;
	struct prune_result r;
	if (prune_view_options(&opt, c, err) || cli_open(c, &p, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (prune_run(&e, &opt, &r, err))
		return err->code;
	if (!c->args.json) {
		prune_view_print(&r, opt.dry_run);
		return ERR_OK;
	}
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, *code);
	json_flag(&w, "dry_run", opt.dry_run);
	prune_view_write(&w, &r);
	return cli_result_end(&w, err);
}

static const struct option_def options[] = {
	{ "dry-run", 'n', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "tell what would be removed, and stop", offsetof(struct args, dry_run) },
	PRUNE_OPTIONS,
};

static const struct example examples[] = {
	{ "stacksnap prune --dry-run", "how much would it free?" },
	{ "stacksnap prune", "free it" },
	{ "stacksnap prune --max-unused 0", "every last byte; this may copy a lot" },
};

const struct command command_prune = {
	.name = "prune",
	.summary = "free the space of what no snapshot needs",
	.operands = "",
	.about =
	    "Removes packs that no snapshot needs, stores anew the needed part of those that "
	    "are\n"
	    "mostly unused, and joins small indexes.  Backups may run meanwhile, on any host: "
	    "there\n"
	    "are no locks that could go stale, and what a running backup needs stays.  It may "
	    "be\n"
	    "stopped at any time, and run again.\n"
	    "\n"
	    "Every snapshot is walked first.  When one cannot be read whole, nothing is "
	    "removed:\n"
	    "'stacksnap verify' says what is damaged.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

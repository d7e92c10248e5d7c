/*
 * version: which StackSnap this is, and which repositories it writes.
 */
#include "cli/cli.h"

#define FORMAT_VERSION 1 /* docs/format.md */

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	if (!c->args.json) {
		printf(
		    "stacksnap %s (repository format %d)\n", STACKSNAP_VERSION, FORMAT_VERSION);
		return ERR_OK;
	}
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, *code);
	json_str(&w, "version", STACKSNAP_VERSION);
	json_i64(&w, "repository_format", FORMAT_VERSION);
	return cli_result_end(&w, err);
}

const struct command command_version = {
	.name = "version",
	.summary = "show the version",
	.operands = "",
	.about = "Shows the program's version and the version of the repositories it writes.",
	.has_json = true,
	.run = run,
};

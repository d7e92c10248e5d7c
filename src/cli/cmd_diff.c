/*
 * diff: what differs between two snapshots, or a snapshot and what is live:
 * files, and the databases of stacks, row by row.
 */
#include "base/bytes.h"
#include "cli/diff_work.h"
#include "repo/snapshot.h"

static enum err_code
point_open(struct diff_point *s, struct repo *r, const char *name, struct err *err)
{
	uint8_t digest[CONTENT_DIGEST_SIZE];
	struct id id;
	s->is_live = strcmp(name, "live") == 0;
	if (s->is_live)
		return ERR_OK;
	if (snapshot_resolve(r, name, &id, err) || snapshot_open(&s->snapshot, r, &id, err) ||
	    content_digest(&s->snapshot.root.content, digest, err))
		return err->code;
	hex_encode(s->root, digest, sizeof digest);
	return ERR_OK;
}

static enum err_code
read_limit(size_t *out, const char *given, struct err *err)
{
	*out = DIFF_LIMIT;
	if (given == NULL)
		return ERR_OK;
	char *end;
	unsigned long long n = strtoull(given, &end, 10);
	if (given[0] < '0' || given[0] > '9' || *end != '\0' || n > SIZE_MAX - 1)
		return err_set(err, ERR_USAGE, "--limit %s: not a number", given);
	*out = n == 0 ? SIZE_MAX : (size_t)n;
	return ERR_OK;
}

static void
work_auto(struct diff_work *w)
{
	snapshot_release(&w->a.snapshot);
	snapshot_release(&w->b.snapshot);
	diff_out_release(&w->out);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(work)
	struct diff_work w = { .cli = c, .a = DIFF_POINT_INIT, .b = DIFF_POINT_INIT };
	char *const *given = c->args.operands.items;
	if (diff_out_init(&w.out, c, err) || read_limit(&w.limit, c->args.limit, err))
		return err->code;
	if (strcmp(given[0], "live") == 0)
		return err_set(
		    err, ERR_USAGE, "what is live comes second: diff %s live", given[1]);
	if (cli_open(c, &p, err) || point_open(&w.a, p.repo, given[0], err) ||
	    point_open(&w.b, p.repo, given[1], err))
		return err->code;
	w.engine = cli_engine(c, p.repo);
	if (c->args.text != NULL)
		return diff_one_text(&w, *code, err);
	if (diff_compare(&w, err))
		return err->code;
	if (w.files.problems + w.out.sum.unknown > 0)
		*code = EXIT_PARTIAL;
	return diff_tell_result(&w, *code, err);
}

static const struct option_def options[] = {
	{ "stat", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL, "the summary alone",
	    offsetof(struct args, stat) },
	{ "long", 'l', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "folders of which only the time differs, too", offsetof(struct args, is_long) },
	{ "rows", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "databases row by row: what came, went and changed", offsetof(struct args, rows) },
	{ "schema", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "definitions that differ, as unified diffs", offsetof(struct args, schema) },
	{ "service", 0, OPTION_VALUE, WORD_ANY, "NAME", NULL,
	    "the databases of this service only", offsetof(struct args, service) },
	{ "database", 0, OPTION_VALUE, WORD_ANY, "NAME", NULL, "this database only",
	    offsetof(struct args, database) },
	{ "table", 0, OPTION_LIST, WORD_ANY, "NAME|GLOB", NULL,
	    "only these tables: public.orders, orders, 'public.*', db0",
	    offsetof(struct args, tables) },
	{ "columns", 0, OPTION_VALUE, WORD_ANY, "A,B", NULL,
	    "rows with these columns only, and keys", offsetof(struct args, columns) },
	{ "limit", 0, OPTION_VALUE, WORD_ANY, "N", NULL,
	    "rows of each table, files of each member (100; 0: all)",
	    offsetof(struct args, limit) },
	{ "text", 0, OPTION_VALUE, WORD_ANY, "PATH", NULL,
	    "the change of one text file, as a unified diff", offsetof(struct args, text) },
	{ "html", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL,
	    "write a page that stands alone, too", offsetof(struct args, html) },
	{ "pager", 0, OPTION_VALUE, WORD_ANY, "COMMAND", NULL,
	    "for long output on a terminal ('less -FRX')", offsetof(struct args, pager) },
	{ "no-pager", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL, "without a pager",
	    offsetof(struct args, no_pager) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup diff 3f2a91c0 latest", "what has changed since?" },
	{ "stacksnap -r /backup diff 3f2a91c0 latest --rows", "row by row" },
	{ "stacksnap -r /backup diff 3f2a91c0 latest --rows --table public.orders --limit 0",
	    "all rows of one table" },
	{ "stacksnap -r /backup diff 3f2a91c0 latest --schema", "what a migration did" },
	{ "stacksnap -r /backup diff latest live", "has anything changed since the backup?" },
	{ "stacksnap -r /backup diff 3f2a91c0 latest volumes/shop_uploads", "in one volume" },
	{ "stacksnap -r /backup diff 3f2a91c0 latest --text project/compose.yaml",
	    "what did the compose file say before?" },
	{ "stacksnap -r /backup diff 3f2a91c0 latest --rows --html what-changed.html",
	    "for somebody without a terminal" },
};

const struct command command_diff = {
	.name = "diff",
	.summary = "show what differs between snapshots",
	.operands = "SNAPSHOT SNAPSHOT|live [PATH]",
	.about =
	    "Files: a line for each path.  + is only in the second, - only in the first, M "
	    "has\n"
	    "another content or type, m other metadata only; in brackets what differs, and\n"
	    "sizes.  PATH is one in the snapshots' trees, as 'stacksnap ls' shows them.\n"
	    "\n"
	    "Stacks begin with a summary: what changed in the files of each volume and "
	    "folder,\n"
	    "and in each table how many rows were added (+), removed (\xe2\x88\x92) and "
	    "changed "
	    "(~).\n"
	    "--rows shows them: key and changed columns, NULL apart from \"\", bytes as "
	    "0x..., long\n"
	    "values shortened where nothing differs.  Documents and Redis values show what\n"
	    "changed within them.  Nothing is restored for this: only parts that differ are "
	    "read.\n"
	    "\n"
	    "--table takes a table's whole name, its last part alone (orders), or a glob over "
	    "the\n"
	    "whole name, with two snapshots as with \"live\"; --schema then shows what is "
	    "defined\n"
	    "for these tables: themselves, their indexes, triggers, comments and rights.\n"
	    "\n"
	    "\"live\" is what the first one was made of, as it is on this host now: each file "
	    "is\n"
	    "read and compared byte by byte; what the backup left out on request is left out;\n"
	    "databases are dumped as by a backup, and nothing is stored.\n"
	    "\n"
	    "On a terminal, what is longer than the screen goes through a pager: --pager, "
	    "else\n"
	    "STACKSNAP_PAGER, else PAGER, else 'less -FRX'.\n"
	    "\n"
	    "The exit status is 0 whether they differ or not; 3 when something could not be "
	    "read\n"
	    "or compared.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.min_operands = 2,
	.max_operands = 3,
	.word = WORD_SNAPSHOT,
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

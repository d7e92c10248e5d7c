/*
 * diff: what differs between two snapshots, or a snapshot and what is live.
 */
#include "cli/cli.h"
#include "cli/diff_view.h"
#include "engine/diff.h"
#include "repo/snapshot.h"
#include "ui/format.h"

struct shown {
	struct cli *cli;
	struct diff_view *view;
};

static enum err_code
show(void *arg, const struct tree_diff *d, struct err *err)
{
	struct shown *s = arg;
	char letter = d->kind == TREE_DIFF_ADDED     ? '+'
		      : d->kind == TREE_DIFF_REMOVED ? '-'
						     : diff_view_letter(d->fields);
	if (s->cli->args.json)
		return diff_view_json(
		    s->view, "difference", letter, d->path, d->fields, d->a, d->b, err);
	return diff_view_print(s->view, letter, d->path, d->fields, d->a, d->b, err);
}

static void
print_row(uint64_t n, const char *what, const char *bytes)
{
	char count[FORMAT_MAX];
	if (n == 0)
		return;
	format_count(count, n);
	printf("  %10s %s%s%s\n", count, what, *bytes != '\0' ? ", " : "", bytes);
}

static void
print_summary(const struct diff_result *r)
{
	char added[FORMAT_MAX], removed[FORMAT_MAX], before[FORMAT_MAX], now[FORMAT_MAX];
	char changed[3 * FORMAT_MAX];
	if (r->added + r->removed + r->changed + r->metadata == 0)
		puts(r->problems == 0 ? "no difference"
				      : "no difference in what could be compared");
	format_size(added, r->bytes_added);
	format_size(removed, r->bytes_removed);
	format_size(before, r->bytes_before);
	format_size(now, r->bytes_now);
	snprintf(changed, sizeof changed, "%s -> %s", before, now);
	print_row(r->added, "added", added);
	print_row(r->removed, "removed", removed);
	print_row(r->changed, "changed", changed);
	print_row(r->metadata, "with other metadata only", "");
	print_row(r->problems, "could not be compared", "");
}

static enum err_code
print_result(struct cli *c, const struct diff_result *r, enum exit_code code, struct err *err)
{
	if (!c->args.json) {
		print_summary(r);
		return ERR_OK;
	}
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_u64(&w, "added", r->added);
	json_u64(&w, "removed", r->removed);
	json_u64(&w, "changed", r->changed);
	json_u64(&w, "metadata", r->metadata);
	json_u64(&w, "bytes_added", r->bytes_added);
	json_u64(&w, "bytes_removed", r->bytes_removed);
	json_u64(&w, "bytes_before", r->bytes_before);
	json_u64(&w, "bytes_now", r->bytes_now);
	json_u64(&w, "problems", r->problems);
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(diff_view) struct diff_view view;
	char *const *given = c->args.operands.items;
	bool is_live = strcmp(given[1], "live") == 0;
	struct diff_options opt = {
		.path = c->args.operands.len > 2 ? given[2] : "",
		.folder_times = c->args.is_long,
	};
	struct id a;
	struct id b;
	struct diff_result r;
	diff_view_init(&view, c->args.no_color);
	if (cli_open(c, &p, err) || snapshot_resolve(p.repo, given[0], &a, err) ||
	    (!is_live && snapshot_resolve(p.repo, given[1], &b, err)))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	struct shown s = { c, &view };
	tree_diff_fn *fn = c->args.stat ? NULL : show;
	enum err_code rc = is_live ? diff_live(&e, &a, &opt, fn, &s, &r, err)
				   : diff_snapshots(&e, &a, &b, &opt, fn, &s, &r, err);
	if (rc)
		return rc;
	if (r.problems > 0)
		*code = EXIT_PARTIAL;
	return print_result(c, &r, *code, err);
}

static const struct option_def options[] = {
	{ "stat", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL, "the summary alone",
	    offsetof(struct args, stat) },
	{ "long", 'l', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "folders of which only the time differs, too", offsetof(struct args, is_long) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup diff 3f2a91c0 latest", "what has changed since?" },
	{ "stacksnap -r /backup diff 3f2a91c0 latest volumes/shop_uploads", "in one volume" },
	{ "stacksnap -r /backup diff latest live", "has anything changed since the backup?" },
};

const struct command command_diff = {
	.name = "diff",
	.summary = "show what differs between snapshots",
	.operands = "SNAPSHOT SNAPSHOT|live [PATH]",
	.about =
	    "A line for each path: + is only in the second, - only in the first, M has "
	    "another\n"
	    "content or type, m other metadata only; in brackets what differs, and sizes.  "
	    "PATH is\n"
	    "one in the snapshots' trees, as 'stacksnap ls' shows them.\n"
	    "\n"
	    "\"live\" are the folders that the first one was made of, as they are on this host "
	    "now:\n"
	    "each file is read and compared byte by byte; what the backup left out on request "
	    "is\n"
	    "left out.\n"
	    "\n"
	    "The exit status is 0 whether they differ or not; 3 when something could not be "
	    "read.",
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

/*
 * forget: remove snapshots, by rules or by name.
 */
#include "cli/filter_args.h"
#include "cli/prune_view.h"
#include "engine/forget.h"
#include "sys/clock.h"
#include "ui/snapshot_view.h"
#include "ui/table.h"

#define KEPT "keep"
#define GONE "forget"

static enum err_code
parse_count(unsigned *out, const char *option, const char *text, struct err *err)
{
	if (text == NULL)
		return ERR_OK;
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 6 || text[digits] != '\0')
		return err_set(err, ERR_USAGE, "--%s takes a number up to 999999 (not '%s')",
		    option, text);
	*out = (unsigned)strtoul(text, NULL, 10);
	return ERR_OK;
}

static enum err_code
check_within(const char *text, struct err *err)
{
	size_t digits = text != NULL ? strspn(text, "0123456789") : 0;
	if (text == NULL ||
	    (digits > 0 && digits <= 6 && text[digits] != '\0' && text[digits + 1] == '\0' &&
		strchr("hdwmy", text[digits]) != NULL))
		return ERR_OK;
	return err_set(err, ERR_USAGE,
	    "--keep-within takes an age as 36h, 7d, 2w, 3m or 1y (not '%s')", text);
}

static bool
has_policy(const struct args *a)
{
	return a->keep_last != NULL || a->keep_hourly != NULL || a->keep_daily != NULL ||
	       a->keep_weekly != NULL || a->keep_monthly != NULL || a->keep_yearly != NULL ||
	       a->keep_within != NULL || a->keep_tags.len > 0;
}

static enum err_code
parse_policy(struct forget_policy *out, const struct args *a, struct err *err)
{
	if (!has_policy(a) && a->operands.len == 0)
		return err_set(err, ERR_USAGE,
		    "forget: which snapshots? Name them, or give rules for those to keep, as "
		    "--keep-daily 7");
	if (has_policy(a) && a->operands.len > 0)
		return err_set(
		    err, ERR_USAGE, "forget: either name snapshots or give rules, not both");
	*out = (struct forget_policy){ .within = a->keep_within, .tags = &a->keep_tags };
	if (parse_count(&out->last, "keep-last", a->keep_last, err) ||
	    parse_count(&out->hourly, "keep-hourly", a->keep_hourly, err) ||
	    parse_count(&out->daily, "keep-daily", a->keep_daily, err) ||
	    parse_count(&out->weekly, "keep-weekly", a->keep_weekly, err) ||
	    parse_count(&out->monthly, "keep-monthly", a->keep_monthly, err) ||
	    parse_count(&out->yearly, "keep-yearly", a->keep_yearly, err))
		return err->code;
	out->needs_proof = a->proved || a->verified_before != NULL;
	if (out->needs_proof && !has_policy(a))
		return err_set(err, ERR_USAGE,
		    "forget: --proved and --verified-before go with rules, not with names");
	if (a->verified_before != NULL &&
	    time_parse(&out->verified_ns, a->verified_before, clock_wall_ns(), err))
		return err_wrap(err, "--verified-before");
	return check_within(a->keep_within, err);
}

static enum err_code
print(const struct forget_plan *p, bool dry_run, struct err *err)
{
	static const struct table_column columns[] = { { "ID", TABLE_LEFT },
		{ "TIME", TABLE_LEFT }, { "SOURCE", TABLE_LEFT }, { "ACTION", TABLE_LEFT },
		{ "WHY", TABLE_LEFT } };
	AUTO(table) struct table t;
	size_t kept = 0;
	size_t gone = 0;
	table_init(&t, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < p->count; i++) {
		const struct forget_decision *d = &p->items[i];
		char hex[ID_HEX_SIZE];
		char time[CLOCK_TEXT_SIZE];
		*(d->keep ? &kept : &gone) += 1;
		if (!d->is_subject)
			continue;
		id_hex(hex, &d->id);
		clock_format_local(time, json_get_int(d->document, "time_ns", 0));
		table_cellf(&t, "%.8s", hex);
		table_cell(&t, time);
		table_cell(&t, d->source);
		table_cell(&t, d->keep ? KEPT : GONE);
		table_cell(&t, d->reason);
	}
	if (table_print(&t, stdout, 0, err))
		return err->code;
	if (dry_run)
		printf("%zu would be forgotten, %zu would stay\n", gone, kept);
	else
		printf("%zu forgotten, %zu stay\n", gone, kept);
	return ERR_OK;
}

static enum err_code
prune_afterwards(struct cli *c, struct engine *e, struct prune_result *out, struct err *err)
{
	struct prune_options opt;
	return prune_view_options(&opt, c, err) ? err->code : prune_run(e, &opt, out, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(forget_plan) struct forget_plan *plan = NULL;
	AUTO(snapshot_filter) struct snapshot_filter filter = SNAPSHOT_FILTER_INIT;
	struct forget_policy policy;
	struct prune_options checked;
	struct prune_result pruned;
	uint64_t forgotten;
	const struct args *a = &c->args;
	if (parse_policy(&policy, a, err) || cli_filter(c, &filter, err) ||
	    prune_view_options(&checked, c, err) || cli_open(c, &p, err) ||
	    forget_plan_make(&plan, p.repo, &filter, has_policy(a) ? &policy : NULL, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	bool prunes = a->prune && !a->dry_run;
	if (!a->dry_run && forget_apply(&e, plan, &forgotten, err))
		return err->code;
	if (!a->json && print(plan, a->dry_run, err))
		return err->code;
	if (prunes && prune_afterwards(c, &e, &pruned, err))
		return err_wrap(err, "prune");
	if (!a->json) {
		if (prunes)
			prune_view_print(&pruned, false);
		return ERR_OK;
	}
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, *code);
	json_flag(&w, "dry_run", a->dry_run);
	snapshot_view_forget(&w, plan);
	if (prunes) {
		json_obj(&w, "prune");
		prune_view_write(&w, &pruned);
		json_obj_end(&w);
	}
	return cli_result_end(&w, err);
}

#define KEEP(name, field, text)                                                                \
	{                                                                                      \
		name, 0, OPTION_VALUE, WORD_ANY, "N", NULL, text, offsetof(struct args, field) \
	}

static const struct option_def options[] = {
	KEEP("keep-last", keep_last, "the N newest of each source"),
	KEEP("keep-hourly", keep_hourly, "the newest of each hour, for N hours that have one"),
	KEEP("keep-daily", keep_daily, "of each day, for N days that have one"),
	KEEP("keep-weekly", keep_weekly, "of each ISO week"),
	KEEP("keep-monthly", keep_monthly, "of each month"),
	KEEP("keep-yearly", keep_yearly, "of each year"),
	{ "keep-within", 0, OPTION_VALUE, WORD_ANY, "AGE", NULL,
	    "what is at most so much older than the newest: 36h, 7d",
	    offsetof(struct args, keep_within) },
	{ "keep-tag", 0, OPTION_LIST, WORD_ANY, "TAG", NULL,
	    "all with this tag; \"a,b\": with both (may be repeated)",
	    offsetof(struct args, keep_tags) },
	{ "proved", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "only what a newer one that a drill has proved stands for",
	    offsetof(struct args, proved) },
	{ "verified-before", 0, OPTION_VALUE, WORD_ANY, "TIME", NULL,
	    "the same; what ended before TIME counts as proved",
	    offsetof(struct args, verified_before) },
	FILTER_OPTIONS,
	{ "dry-run", 'n', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "tell what would go, what would stay and why, and stop",
	    offsetof(struct args, dry_run) },
	{ "prune", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "free the space at once, as 'stacksnap prune' does", offsetof(struct args, prune) },
	PRUNE_OPTIONS,
};

static const struct example examples[] = {
	{ "stacksnap forget --keep-daily 7 --keep-weekly 4 --keep-monthly 12 -n",
	    "what would these rules do?" },
	{ "stacksnap forget --keep-daily 7 --keep-weekly 4 --prune",
	    "do it, and free the space" },
	{ "stacksnap forget --stack shop --keep-last 3 --keep-tag release",
	    "one stack's; those tagged stay" },
	{ "stacksnap forget --keep-daily 7 --proved",
	    "but only what was proved stands for others" },
	{ "stacksnap forget 3f9c2ab1", "this one" },
};

const struct command command_forget = {
	.name = "forget",
	.summary = "remove snapshots by rules, or by name",
	.operands = "[SNAPSHOT…]",
	.about =
	    "Each source (a stack, or a set of folders, on a host) is counted by itself, by "
	    "the\n"
	    "local calendar with ISO weeks.  What at least one rule keeps stays; the rest "
	    "goes.\n"
	    "Only complete snapshots take a rule's places, so that a run that was cut short "
	    "never\n"
	    "pushes a good one out; partial ones stay while they are newer than the last "
	    "complete\n"
	    "one, or by --keep-within and --keep-tag.\n"
	    "\n"
	    "With --proved, a snapshot goes only when a newer complete one of its source "
	    "stays\n"
	    "that a drill has proved.  --verified-before TIME tells of a 'stacksnap verify' "
	    "that\n"
	    "began then and found all of the repository sound: what was stored by then counts\n"
	    "as proved, too.\n"
	    "\n"
	    "The last complete snapshot of a source is never forgotten, not by name either.\n"
	    "The space is freed by 'stacksnap prune', or at once with --prune.  What a "
	    "running\n"
	    "backup needs stays: nothing has to be stopped.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.max_operands = SIZE_MAX,
	.word = WORD_SNAPSHOT,
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

/*
 * stacks: what Docker Compose runs here, what a backup would capture, and what
 * not and why.
 */
#include "cli/cli.h"
#include "cli/settings_args.h"
#include "engine/restore_settle.h"
#include "ui/plan_view.h"
#include "ui/why_view.h"

struct plans {
	struct plan **items;
	size_t n;
};

static void
plans_auto(struct plans *p)
{
	for (size_t i = 0; i < p->n; i++)
		plan_free(p->items[i]);
	free(p->items);
}

/* The stacks that were named, or all. */
static enum err_code
names_of(struct cli *c, struct docker *d, struct strv *names, struct err *err)
{
	for (size_t i = 0; i < c->args.operands.len; i++)
		if (strv_add(names, c->args.operands.items[i], err))
			return err->code;
	if (names->len > 0)
		return ERR_OK;
	struct stack_summary *list;
	size_t n;
	if (stacks_list(d, &list, &n, err))
		return err->code;
	for (size_t i = 0; i < n; i++)
		if (strv_add(names, list[i].name, err))
			break;
	stacks_free(list, n);
	return names->len == n ? ERR_OK : err->code;
}

static enum err_code
plan_of(struct cli *c, struct docker *d, const char *name, struct plan **out, struct err *err)
{
	struct settings_options opt = { 0 };
	settings_args_take(&opt, &c->args);
	if (plan_make(out, d, name, &opt, err))
		return err->code;
	settings_args_tell(c, (*out)->stack->name, (*out)->settings);
	return ERR_OK;
}

/* Of all stacks, one that is set up wrongly, or has gone meanwhile, keeps none of the others
 * back; of those that were named each is wanted. */
static enum err_code
make_plans(struct cli *c, struct docker *d, const struct strv *names, struct plans *out,
    enum exit_code *code, struct err *err)
{
	out->items = calloc(max_size(names->len, 1), sizeof *out->items);
	if (out->items == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < names->len; i++) {
		const char *name = names->items[i];
		enum err_code rc = plan_of(c, d, name, &out->items[out->n], err);
		if (rc == ERR_OK)
			out->n++;
		else if (c->args.operands.len > 0 || (rc != ERR_USAGE && rc != ERR_NOT_FOUND))
			return rc;
		else if (rc == ERR_USAGE) {
			event_problem(c->events, NULL, "%s", err->msg);
			*code = EXIT_PARTIAL;
		}
	}
	return ERR_OK;
}

static enum err_code
print(struct cli *c, const struct plans *plans, struct err *err)
{
	for (size_t i = 0; i < plans->n; i++) {
		if (i > 0)
			putchar('\n');
		if (c->args.why ? why_view_print(plans->items[i], c->args.is_long, stdout, err)
				: plan_view_print(plans->items[i], stdout, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
print_json(struct cli *c, const struct plans *plans, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_arr(&w, "stacks");
	for (size_t i = 0; i < plans->n; i++) {
		const struct plan *p = plans->items[i];
		json_obj(&w, NULL);
		plan_view_fields(&w, p);
		if (c->args.why && why_view_json(&w, p, c->args.is_long, err))
			return err->code;
		json_obj_end(&w);
	}
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

/* What a restore has left open. */
static void
tell_restores(struct cli *c, const struct strv *names)
{
	AUTO(restored_list) struct restored_list l = RESTORED_LIST_INIT;
	struct engine e = cli_engine(c, NULL);
	struct err scratch; /* restore status tells more */
	if (restore_list(&e, &l, &scratch) != ERR_OK)
		return;
	for (size_t i = 0; i < l.count; i++) {
		const struct restored *r = &l.items[i];
		if (!strv_has(names, r->stack))
			continue;
		if (r->state == RESTORED_KEPT)
			event_note(c->events, r->stack,
			    "its last restore can be undone, and keeps what was there before: "
			    "stacksnap restore status");
		else if (r->state == RESTORED_INTERRUPTED)
			event_warning(c->events, r->stack,
			    "a restore of it was interrupted: stacksnap recover");
	}
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(docker) struct docker *d = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	opt.cancel = c->cancel;
	if (c->args.is_long && !c->args.why)
		return err_set(err, ERR_USAGE, "--long goes with --why");
	if (docker_open(&d, &opt, err) || names_of(c, d, &names, err))
		return err->code;
	AUTO(plans) struct plans plans = { NULL, 0 };
	tell_restores(c, &names);
	if (make_plans(c, d, &names, &plans, code, err))
		return err->code;
	if (c->args.json)
		return print_json(c, &plans, *code, err);
	if (names.len == 0)
		puts("no stacks: no container or volume here bears Docker Compose's labels");
	return print(c, &plans, err);
}

static const struct option_def options[] = {
	{ "why", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "show the settings instead, and who said them", offsetof(struct args, why) },
	{ "long", 'l', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "with --why: also those that are at their default",
	    offsetof(struct args, is_long) },
	OPTION_CONFIG,
	OPTION_SET,
};

static const struct example examples[] = {
	{ "stacksnap stacks", "all stacks of this host" },
	{ "stacksnap stacks shop", "one of them" },
	{ "stacksnap stacks ./shop", "one that does not run, by its compose file" },
	{ "stacksnap stacks --why shop", "what labels and the INI file say about it" },
	{ "stacksnap stacks --set app/exclude='*.log' shop", "what this would leave out" },
};

const struct command command_stacks = {
	.name = "stacks",
	.summary = "show the stacks here, and what of them would be captured",
	.operands = "[STACK|DIR]...",
	.about =
	    "Shows each Docker Compose stack of this host: its services and their state, what\n"
	    "a backup captures and how, and what it does not capture and why.  A line marked\n"
	    "with ! is something that a restore would miss.  Nothing is changed.  A folder\n"
	    "with a compose file (anything with a / or a . in it) is shown as the stack that "
	    "it\n"
	    "would be.\n"
	    "\n"
	    "What is to be done with a stack is said by labels on its services\n"
	    "(stacksnap.quiesce: stop), by an INI file, and by --set; the strongest voice\n"
	    "counts, and --why shows which one that is.  docs/settings.md lists the "
	    "settings.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.max_operands = SIZE_MAX,
	.word = WORD_STACK,
	.has_json = true,
	.run = run,
};

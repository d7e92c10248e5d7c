/*
 * stacks: what Docker Compose runs here, what a backup would capture, and what
 * not and why.
 */
#include "cli/cli.h"
#include "cli/plan_view.h"
#include "engine/restore_settle.h"

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
print(struct docker *d, const struct strv *names, struct err *err)
{
	for (size_t i = 0; i < names->len; i++) {
		AUTO(plan) struct plan *p = NULL;
		if (plan_make(&p, d, names->items[i], NULL, err))
			return err->code;
		if (i > 0)
			putchar('\n');
		if (plan_view_print(p, stdout, err))
			return err->code;
	}
	if (names->len == 0)
		puts("no stacks: no container or volume here bears Docker Compose's labels");
	return ERR_OK;
}

static enum err_code
print_json(struct cli *c, struct docker *d, const struct strv *names, enum exit_code code,
    struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_arr(&w, "stacks");
	for (size_t i = 0; i < names->len; i++) {
		AUTO(plan) struct plan *p = NULL;
		if (plan_make(&p, d, names->items[i], NULL, err))
			return err->code;
		plan_view_json(&w, p);
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
	if (docker_open(&d, &opt, err) || names_of(c, d, &names, err))
		return err->code;
	tell_restores(c, &names);
	return c->args.json ? print_json(c, d, &names, *code, err) : print(d, &names, err);
}

static const struct example examples[] = {
	{ "stacksnap stacks", "all stacks of this host" },
	{ "stacksnap stacks shop", "one of them" },
};

const struct command command_stacks = {
	.name = "stacks",
	.summary = "show the stacks here, and what of them would be captured",
	.operands = "[STACK]...",
	.about =
	    "Shows each Docker Compose stack of this host: its services and their state, what\n"
	    "a backup captures and how, and what it does not capture and why.  A line marked\n"
	    "with ! is something that a restore would miss.  Nothing is changed.",
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.max_operands = SIZE_MAX,
	.word = WORD_STACK,
	.has_json = true,
	.run = run,
};

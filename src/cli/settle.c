#include "cli/settle.h"

#include "base/counted.h"
#include "cli/places.h"
#include "cli/restore_view.h"
#include "cli/terminal.h"
#include "engine/filter.h"
#include "sys/clock.h"
#include "ui/format.h"

#include <string.h>

/* --- the user's consent --- */

/* A program that reads JSON has no terminal, whatever the one that started it has. */
static enum err_code
ask(struct cli *c, const char *question, const char *refusal, struct err *err)
{
	char answer[TERMINAL_ANSWER_MAX];
	if (c->args.yes)
		return ERR_OK;
	if (c->args.json || !isatty(STDIN_FILENO))
		return err_set(err, ERR_EXISTS, "%s", refusal);
	if (terminal_ask(answer, question, c->cancel, err))
		return err->code == ERR_NOT_FOUND ? err_set(err, ERR_EXISTS, "%s", refusal)
						  : err->code;
	if (strcmp(answer, "yes") != 0)
		return err_set(
		    err, ERR_CANCELLED, "nothing was changed: the answer was not \"yes\"");
	return ERR_OK;
}

/* --- undo --- */

static enum err_code
undo_result(struct cli *c, const char *stack, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	if (!c->args.json) {
		if (!c->args.dry_run)
			printf("stack %s is as it was before the restore\n", stack);
		return ERR_OK;
	}
	cli_result_begin(c, &w, &line, code);
	json_str(&w, "stack", stack);
	json_flag(&w, "dry_run", c->args.dry_run);
	return cli_result_end(&w, err);
}

static enum err_code
undo(struct cli *c, struct engine *e, enum exit_code *code, struct err *err)
{
	AUTO(restore_preview) struct restore_preview p = RESTORE_PREVIEW_INIT;
	if (c->args.operands.len != 2)
		return err_set(err, ERR_USAGE,
		    "restore undo: name one stack (stacksnap restore status lists them)");
	const char *stack = c->args.operands.items[1];
	if (restore_undo_preview(e, stack, &p, err) ||
	    (c->args.json && restore_view_preview_json(&p, err)))
		return err->code;
	if (!c->args.json) {
		if (c->text != NULL)
			text_sink_clear(c->text);
		restore_view_preview(c->args.dry_run ? stdout : stderr, &p);
	}
	if (p.obstacles.len > 0 && !c->args.dry_run)
		return err_set(
		    err, ERR_EXISTS, "nothing was changed: %s", p.obstacles.items[0]);
	if (c->args.dry_run) {
		*code = p.obstacles.len > 0 ? EXIT_FAILED : EXIT_COMPLETE;
		return undo_result(c, stack, *code, err);
	}
	if (ask(c, "Type \"yes\" to go back to what was there before the restore: ",
		"the restored data would be removed: look at the list above, and give --yes if "
		"that is what you want",
		err) ||
	    restore_undo(e, stack, err))
		return err->code;
	return undo_result(c, stack, *code, err);
}

/* --- finish --- */

struct finished {
	struct strv stacks;
	struct strv skipped;
	uint64_t bytes;
};

static void
finished_auto(struct finished *f)
{
	strv_release(&f->stacks);
	strv_release(&f->skipped);
}

/* Which of them: the ones named, or all that are old enough. */
static bool
is_chosen(const struct args *a, const struct restored *r, int64_t before_ns)
{
	if (a->all)
		return r->state == RESTORED_KEPT && r->kept_ns <= before_ns;
	for (size_t i = 1; i < a->operands.len; i++)
		if (strcmp(a->operands.items[i], r->stack) == 0)
			return r->kept_ns <= before_ns;
	return false;
}

static enum err_code
check_finish_args(const struct args *a, int64_t *before_ns, struct err *err)
{
	*before_ns = INT64_MAX;
	if (a->all == (a->operands.len > 1))
		return err_set(err, ERR_USAGE,
		    "restore finish: name stacks, or give --all (one of the two)");
	if (a->older_than == NULL)
		return ERR_OK;
	return time_parse(before_ns, a->older_than, clock_wall_ns(), err);
}

static enum err_code
check_named(const struct args *a, const struct restored_list *l, struct err *err)
{
	for (size_t i = 1; i < a->operands.len; i++) {
		bool is_there = false;
		for (size_t k = 0; k < l->count; k++)
			is_there =
			    is_there || strcmp(l->items[k].stack, a->operands.items[i]) == 0;
		if (!is_there)
			return err_set(err, ERR_NOT_FOUND,
			    "stack %s has no restore that could be undone or finished",
			    a->operands.items[i]);
	}
	return ERR_OK;
}

static void
show_kept(struct cli *c, const struct restored *r)
{
	char size[FORMAT_MAX];
	char count[COUNTED_MAX];
	format_size(size, r->bytes);
	counted(count, r->files, "file");
	if (c->args.json)
		return;
	if (c->text != NULL)
		text_sink_clear(c->text);
	fprintf(stderr, "stack %s: %s, %s from before the restore would be removed%s\n",
	    r->stack, count, size, r->must_ask ? " (some of it is in no snapshot)" : "");
}

static enum err_code
finish_result(struct cli *c, const struct finished *f, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	char size[FORMAT_MAX];
	format_size(size, f->bytes);
	if (!c->args.json) {
		const char *would = c->args.dry_run ? "would be " : "";
		for (size_t i = 0; i < f->stacks.len; i++)
			printf("stack %s: %sfinished\n", f->stacks.items[i], would);
		for (size_t i = 0; i < f->skipped.len; i++)
			printf("stack %s: left, since some of what it keeps is in no snapshot: "
			       "stacksnap restore finish %s\n",
			    f->skipped.items[i], f->skipped.items[i]);
		if (f->stacks.len > 0)
			printf("%s %sfreed\n", size, would);
		else if (f->skipped.len == 0)
			puts("nothing to finish");
		return ERR_OK;
	}
	cli_result_begin(c, &w, &line, code);
	json_strings(&w, "stacks", &f->stacks);
	json_strings(&w, "skipped", &f->skipped);
	json_u64(&w, "bytes", f->bytes);
	json_flag(&w, "dry_run", c->args.dry_run);
	return cli_result_end(&w, err);
}

static enum err_code
finish_one(struct cli *c, struct engine *e, const struct restored *r, struct finished *f,
    struct err *err)
{
	if (!c->args.dry_run && restore_finish(e, r->stack, err))
		return err_wrap(err, "stack %s", r->stack);
	f->bytes += r->bytes;
	return strv_add(&f->stacks, r->stack, err);
}

static enum err_code
finish(struct cli *c, struct engine *e, enum exit_code *code, struct err *err)
{
	AUTO(restored_list) struct restored_list l = RESTORED_LIST_INIT;
	__attribute__((cleanup(finished_auto))) struct finished f = { STRV_INIT, STRV_INIT, 0 };
	int64_t before_ns;
	size_t chosen = 0;
	if (check_finish_args(&c->args, &before_ns, err) || settle_list(c, e, &l, err) ||
	    check_named(&c->args, &l, err))
		return err->code;
	for (size_t i = 0; i < l.count; i++) {
		const struct restored *r = &l.items[i];
		if (!is_chosen(&c->args, r, before_ns) || (c->args.all && r->must_ask))
			continue;
		show_kept(c, r);
		chosen++;
	}
	if (chosen > 0 && !c->args.dry_run &&
	    ask(c, "Type \"yes\" to remove it; there is no undo after that: ",
		"old data would be removed: look at the list above, and give --yes if that is "
		"what you want",
		err))
		return err->code;
	for (size_t i = 0; i < l.count; i++) {
		const struct restored *r = &l.items[i];
		if (!is_chosen(&c->args, r, before_ns))
			continue;
		if (c->args.all && r->must_ask ? strv_add(&f.skipped, r->stack, err)
					       : finish_one(c, e, r, &f, err))
			return err->code;
	}
	return finish_result(c, &f, *code, err);
}

/* --- which --- */

static const struct {
	const char *word;
	enum err_code (*run)(
	    struct cli *c, struct engine *e, enum exit_code *code, struct err *err);
} verbs[] = { { "undo", undo }, { "finish", finish }, { "status", settle_status } };

bool
settle_is_verb(const char *operand)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].word, operand) == 0)
			return true;
	return false;
}

enum err_code
settle_run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(str) char *none = NULL;
	struct engine e = cli_engine(c, NULL);
	if (c->state_dir == NULL)
		return place_of_state(&none, false, err);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].word, c->args.operands.items[0]) == 0)
			return verbs[i].run(c, &e, code, err);
	return err_set(err, ERR_USAGE, "restore: no such verb");
}

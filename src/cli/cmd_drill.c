/*
 * drill: prove a snapshot by restoring it into a scratch stack.
 */
#include "base/room.h"
#include "cli/cli.h"
#include "cli/wait.h"
#include "engine/drill.h"
#include "repo/snapshot.h"
#include "sys/clock.h"
#include "ui/escape.h"
#include "ui/format.h"
#include "ui/proof_view.h"

/* What came of one drill. */
struct drilled {
	struct id id;
	struct drill_result result;
	struct err err; /* it could not even be begun */
};

struct drills {
	struct id *ids;
	size_t n_ids;
	struct drilled *items;
	size_t count;
};

static void
drills_auto(struct drills *d)
{
	for (size_t i = 0; i < d->count; i++)
		drill_result_release(&d->items[i].result);
	free(d->items);
	free(d->ids);
}

/* --- which snapshots --- */

static enum err_code
add_id(struct drills *d, const struct id *id, struct err *err)
{
	if (ROOM_SHORT(d->ids, d->n_ids, err))
		return err->code;
	d->ids[d->n_ids++] = *id;
	return ERR_OK;
}

/* A stack's name goes first: one like "cafe" could begin an id as well. */
static enum err_code
add_operand(struct drills *d, struct repo *r, const char *name, struct err *err)
{
	struct id id;
	enum err_code rc = drill_find(r, name, &id, err);
	if (rc == ERR_NOT_FOUND) {
		struct err why = ERR_INIT;
		rc = snapshot_resolve(r, name, &id, &why);
		if (rc != ERR_OK)
			return err_set(err, rc == ERR_USAGE ? ERR_NOT_FOUND : rc,
			    "'%s' names neither a stack that was backed up nor a snapshot "
			    "(%.300s)",
			    name, why.msg);
	}
	if (rc != ERR_OK)
		return rc;
	return add_id(d, &id, err);
}

static enum err_code
choose(struct drills *d, const struct args *a, struct repo *r, struct err *err)
{
	AUTO(strv) struct strv stacks = STRV_INIT;
	if (a->all && drill_stacks(r, &stacks, err))
		return err->code;
	for (size_t i = 0; i < stacks.len; i++)
		if (add_operand(d, r, stacks.items[i], err))
			return err->code;
	for (size_t i = 0; i < a->operands.len; i++)
		if (add_operand(d, r, a->operands.items[i], err))
			return err->code;
	if (d->n_ids == 0)
		return err_set(err, ERR_NOT_FOUND, "the repository holds no stack's snapshot");
	return ERR_OK;
}

/* --- what came of it --- */

static enum exit_code
code_of(const struct drilled *x, bool is_plan)
{
	if (x->err.code != ERR_OK)
		return exit_code_of_run(x->err.code, false);
	if (is_plan)
		return x->result.reason[0] == '\0' ? EXIT_COMPLETE : EXIT_INCONCLUSIVE;
	switch (x->result.verdict) {
	case DRILL_PROVED:
		return EXIT_COMPLETE;
	case DRILL_FAILED:
		return EXIT_NOT_PROVED;
	case DRILL_INCONCLUSIVE:
		break;
	}
	return EXIT_INCONCLUSIVE;
}

static void
print_plan(const struct drill_result *r)
{
	const json_t *cuts = json_object_get(r->document, "cut_off");
	if (r->reason[0] != '\0')
		printf("  a drill would be inconclusive: %s\n", r->reason);
	puts(
	    "  own volumes and folders; internal networks without the host; no ports; recorded "
	    "images");
	for (size_t i = 0; i < json_array_size(cuts); i++) {
		const json_t *cut = json_array_get(cuts, i);
		const char *service = json_get_str(cut, "service");
		const char *what = json_get_str(cut, "what");
		fputs("  would be cut off: ", stdout);
		if (service != NULL && *service != '\0') {
			escape_print(stdout, service);
			fputs(": ", stdout);
		}
		escape_print(stdout, what != NULL ? what : "?");
		putchar('\n');
	}
}

static void
print_one(const struct drilled *x, bool is_plan)
{
	static const char *const words[] = { "PROVED", "FAILED", "INCONCLUSIVE" };
	char hex[ID_HEX_SIZE];
	const char *stack = json_get_str(x->result.document, "stack");
	id_hex(hex, &x->id);
	if (x->err.code != ERR_OK)
		return;
	printf("snapshot %.8s of stack ", hex);
	escape_print(stdout, stack != NULL ? stack : "?");
	if (is_plan) {
		puts(": a drill would restore it with");
		print_plan(&x->result);
		return;
	}
	printf(": %s\n", words[x->result.verdict]);
	proof_view_print(stdout, x->result.document);
	if (x->result.is_kept)
		printf("  scratch stack %s still runs: 'stacksnap drill --remove' removes it\n",
		    x->result.project);
	if (!x->result.is_recorded)
		puts("  not recorded");
}

static void
write_one(struct json_writer *w, const struct drilled *x)
{
	char hex[ID_HEX_SIZE];
	id_hex(hex, &x->id);
	json_obj(w, NULL);
	json_str(w, "snapshot", hex);
	if (x->err.code != ERR_OK) {
		cli_result_error(w, &x->err);
		json_obj_end(w);
		return;
	}
	json_flag(w, "recorded", x->result.is_recorded);
	json_str(w, "scratch", x->result.is_kept ? x->result.project : NULL);
	json_value(w, "proof", x->result.document);
	json_obj_end(w);
}

static enum err_code
report(struct cli *c, const struct drills *d, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	if (!c->args.json) {
		for (size_t i = 0; i < d->count; i++)
			print_one(&d->items[i], c->args.dry_run);
		return ERR_OK;
	}
	cli_result_begin(c, &w, &line, code);
	json_flag(&w, "dry_run", c->args.dry_run);
	json_arr(&w, "drills");
	for (size_t i = 0; i < d->count; i++)
		write_one(&w, &d->items[i]);
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

/* --- the command --- */

static enum err_code
remove_kept(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(drill_leftovers) struct drill_leftovers left = DRILL_LEFTOVERS_INIT;
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	if (drill_clean(c->events, c->state_dir, true, &left, err))
		return err->code;
	*code = left.failed > 0 ? EXIT_FAILED : left.busy > 0 ? EXIT_BUSY : EXIT_COMPLETE;
	if (c->args.json) {
		cli_result_begin(c, &w, &line, *code);
		json_strings(&w, "removed", &left.removed);
		json_u64(&w, "busy", left.busy);
		json_u64(&w, "failed", left.failed);
		return cli_result_end(&w, err);
	}
	for (size_t i = 0; i < left.removed.len; i++)
		printf("removed scratch stack %s\n", left.removed.items[i]);
	if (left.busy > 0)
		printf("%zu drills are at work: left alone\n", left.busy);
	if (left.removed.len == 0 && left.busy == 0 && left.failed == 0)
		puts("no scratch stack is there");
	return ERR_OK;
}

static enum err_code
check_args(const struct cli *c, struct err *err)
{
	const struct args *a = &c->args;
	if (a->remove && (a->all || a->keep || a->dry_run || a->operands.len > 0))
		return err_set(err, ERR_USAGE,
		    "drill: --remove removes scratch stacks that were kept, and nothing else");
	if (!a->remove && !a->all && a->operands.len == 0)
		return err_set(
		    err, ERR_USAGE, "drill: name a snapshot or a stack, or give --all");
	if (a->all && a->operands.len > 0)
		return err_set(err, ERR_USAGE,
		    "drill: --all takes the last complete snapshot of every stack: give it, or "
		    "name some");
	if (a->keep && a->dry_run)
		return err_set(
		    err, ERR_USAGE, "drill: --dry-run starts nothing that could be kept");
	if (c->state_dir == NULL)
		return err_set(err, ERR_USAGE,
		    "drill: no folder for notes: set STACKSNAP_STATE_DIR, or HOME");
	return ERR_OK;
}

static enum err_code
drill_all(struct cli *c, struct drills *d, const struct engine *e, enum exit_code *code,
    struct err *err)
{
	struct drill_options opt = DRILL_OPTIONS_INIT;
	struct engine engine = *e;
	opt.to = c->args.to;
	if (c->args.wait != NULL && wait_seconds(&opt.wait_s, c->args.wait, err))
		return err->code;
	opt.keep = c->args.keep;
	opt.may_pull = c->args.pull;
	opt.no_record = c->args.no_record;
	opt.plan_only = c->args.dry_run;
	d->items = calloc(d->n_ids, sizeof *d->items);
	if (d->items == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < d->n_ids; i++) {
		struct drilled *x = &d->items[d->count];
		*x = (struct drilled){ .id = d->ids[i] };
		enum err_code rc = drill_run(&engine, &x->id, &opt, &x->result, &x->err);
		/* With one alone, its error is the command's. */
		if (rc == ERR_CANCELLED || (rc != ERR_OK && d->n_ids == 1)) {
			*err = x->err;
			return rc;
		}
		d->count++;
		if (rc != ERR_OK)
			event_warning(c->events, NULL, "%s", x->err.msg);
		*code = exit_code_worse(*code, code_of(x, opt.plan_only));
	}
	return ERR_OK;
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(drills) struct drills d = { .ids = NULL };
	if (check_args(c, err))
		return err->code;
	if (c->args.remove)
		return remove_kept(c, code, err);
	if (cli_open_lenient(c, &p, err) || choose(&d, &c->args, p.repo, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (drill_all(c, &d, &e, code, err))
		return err->code;
	return report(c, &d, *code, err);
}

static const struct option_def options[] = {
	{ "all", 'a', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "the last complete snapshot of every stack", offsetof(struct args, all) },
	{ "to", 0, OPTION_VALUE, WORD_FOLDER, "DIR", NULL, "put the scratch folder there",
	    offsetof(struct args, to) },
	{ "pull", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "fetch images that are not here, by their recorded digests",
	    offsetof(struct args, pull) },
	{ "wait", 0, OPTION_VALUE, WORD_ANY, "TIME", NULL,
	    "how long services may take to become healthy (5m)", offsetof(struct args, wait) },
	{ "keep", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "leave the scratch stack running, to look at it", offsetof(struct args, keep) },
	{ "remove", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "remove scratch stacks that were kept or left", offsetof(struct args, remove) },
	{ "no-record", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "write nothing to the repository", offsetof(struct args, no_record) },
	{ "dry-run", 'n', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "say what would be cut off, and stop", offsetof(struct args, dry_run) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup drill shop", "can the last backup of shop be restored?" },
	{ "stacksnap -r /backup drill --all", "the same for every stack, say once a week" },
	{ "stacksnap -r /backup drill 3f2a91c0 --keep", "and leave it there to look at" },
	{ "stacksnap -r /backup drill shop --dry-run", "what it would be cut off from" },
};

const struct command command_drill = {
	.name = "drill",
	.summary = "prove a snapshot by restoring it into a scratch stack",
	.operands = "SNAPSHOT|STACK...",
	.about =
	    "Restores a stack's snapshot under a name of its own, with volumes, networks and\n"
	    "folders of its own, and compares: every file byte by byte with all metadata, "
	    "every\n"
	    "table and key by its rows; then starts all services and waits until they are\n"
	    "healthy.  Afterwards all of it is removed, and what came of it is recorded in "
	    "the\n"
	    "repository: 'stacksnap snapshots' shows \"proved 2 days ago, 41 s\", which is "
	    "how long\n"
	    "the stack took to be back.\n"
	    "\n"
	    "The scratch stack cannot reach anything, and cannot be reached: its networks "
	    "are\n"
	    "internal, no port is published, labels for proxies and schedulers are dropped, "
	    "and it\n"
	    "gets no device, no socket, no privilege and no folder of the host.  What was cut "
	    "off\n"
	    "is told; --dry-run tells it beforehand.  The stack itself may run meanwhile.\n"
	    "\n"
	    "Exit status 0: proved.  16: failed; the snapshot does not bring the stack back.  "
	    "17:\n"
	    "inconclusive; it could not be tried (an image is missing, the disk is full), or "
	    "a\n"
	    "service did not work that had something cut off.\n"
	    "\n"
	    "A service with a label stacksnap.drill.check (an argv) has it run in its "
	    "container,\n"
	    "and it must end with 0.",
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

/*
 * restore: bring a snapshot back, after saying what that makes and replaces.
 */
#include "cli/cli.h"
#include "cli/terminal.h"
#include "engine/restore.h"
#include "sys/fs.h"
#include "ui/escape.h"
#include "ui/format.h"

/* --- the preview --- */

static void
print_list(FILE *out, const char *title, const struct strv *items)
{
	if (items->len == 0)
		return;
	fprintf(out, "%s\n", title);
	for (size_t i = 0; i < items->len; i++) {
		fputs("  ", out);
		escape_print(out, items->items[i]);
		fputc('\n', out);
	}
}

static void
print_preview(FILE *out, const struct restore_preview *p)
{
	print_list(out, "would be made:", &p->makes);
	print_list(out, "would be REPLACED:", &p->replaces);
	print_list(out, "mind:", &p->warnings);
	print_list(out, "in the way, to be mended first:", &p->obstacles);
	if (p->replaces.len == 0)
		fputs("nothing that is there would be replaced\n", out);
	fflush(out);
}

static void
list_json(struct json_writer *w, const char *key, const struct strv *items)
{
	json_arr(w, key);
	for (size_t i = 0; i < items->len; i++)
		json_str(w, NULL, items->items[i]);
	json_arr_end(w);
}

/* A JSON line of its own, so that a program sees it also when the restore is refused. */
static enum err_code
preview_json(const struct restore_preview *p, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	json_init(&w, &line);
	json_obj(&w, NULL);
	json_str(&w, "type", "preview");
	list_json(&w, "makes", &p->makes);
	list_json(&w, "replaces", &p->replaces);
	list_json(&w, "warnings", &p->warnings);
	list_json(&w, "obstacles", &p->obstacles);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return cli_write_line(&line, err);
}

/* The result of a dry run is the preview itself; it failed when the restore would. */
static enum err_code
finish_dry_run(
    struct cli *c, const struct restore_preview *p, enum exit_code *code, struct err *err)
{
	if (p->obstacles.len > 0)
		*code = EXIT_FAILED;
	if (!c->args.json) {
		print_preview(stdout, p);
		return ERR_OK;
	}
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, *code);
	json_flag(&w, "dry_run", true);
	return cli_result_end(&w, err);
}

/* --- the user's consent --- */

static enum err_code
refuse(const struct restore_preview *p, struct err *err)
{
	return err_set(err, ERR_EXISTS,
	    "%zu thing%s would be replaced: look at the list above, and give --yes if that is "
	    "what you want",
	    p->replaces.len, p->replaces.len == 1 ? "" : "s");
}

/* Nothing is replaced that the user has not agreed to. */
static enum err_code
agree(struct cli *c, const struct restore_preview *p, struct err *err)
{
	char answer[TERMINAL_ANSWER_MAX];
	if (c->text != NULL) {
		text_sink_clear(c->text);
		if (p->replaces.len > 0 || p->obstacles.len > 0 || !c->args.quiet)
			print_preview(stderr, p);
	}
	if (p->obstacles.len > 0)
		return err_set(err, ERR_EXISTS, "nothing was changed: %s%s",
		    p->obstacles.items[0],
		    p->obstacles.len > 1 ? " (and more, listed above)" : "");
	if (p->replaces.len == 0 || c->args.yes)
		return ERR_OK;
	/* A program that reads JSON has no terminal, whatever the one that started it has. */
	if (c->args.json || !isatty(STDIN_FILENO))
		return refuse(p, err);
	if (terminal_ask(answer, "Type \"yes\" to replace all of that: ", c->cancel, err))
		return err->code == ERR_NOT_FOUND ? refuse(p, err) : err->code;
	if (strcmp(answer, "yes") != 0)
		return err_set(
		    err, ERR_CANCELLED, "nothing was changed: the answer was not \"yes\"");
	return ERR_OK;
}

/* --- the result --- */

static void
print(const struct restore_result *r, bool is_stack)
{
	char files[FORMAT_MAX], bytes[FORMAT_MAX], took[FORMAT_MAX], problems[FORMAT_MAX];
	format_count(files, r->files);
	format_size(bytes, r->bytes);
	format_duration(took, r->took_ns);
	format_count(problems, r->problems);
	printf("restored: %s\n  %s files, %s", outcome_word(r->outcome), files, bytes);
	if (is_stack)
		printf(", %u databases, %u services run", (unsigned)r->databases,
		    (unsigned)r->services);
	printf("; took %s\n", took);
	if (r->problems > 0)
		printf("  %s problems were told\n", problems);
}

static enum err_code
print_json(struct cli *c, const struct restore_result *r, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_u64(&w, "files", r->files);
	json_u64(&w, "bytes", r->bytes);
	json_u64(&w, "databases", r->databases);
	json_u64(&w, "services", r->services);
	json_u64(&w, "problems", r->problems);
	json_i64(&w, "took_ns", r->took_ns);
	return cli_result_end(&w, err);
}

/* --- the work --- */

/* The project folder goes into labels and mounts, where only an absolute path means anything.
 */
static enum err_code
make_absolute(char **out, const char *path, struct err *err)
{
	AUTO(str) char *here = NULL;
	if (path[0] == '/')
		return str_dup(out, path, err);
	if (fs_real_path(&here, ".", err))
		return err->code;
	return str_printf(out, err, "%s/%s", here, path);
}

static enum err_code
options_of(const struct args *a, struct restore_options *opt, struct err *err)
{
	if (a->paths.len > 1)
		return err_set(err, ERR_USAGE, "restore: --path can be given once");
	if (a->paths.len > 0 && a->as != NULL)
		return err_set(err, ERR_USAGE,
		    "restore: --path takes files out of a snapshot, --as brings back a stack: "
		    "give "
		    "one of them");
	if (a->paths.len > 0 && a->to == NULL)
		return err_set(
		    err, ERR_USAGE, "restore: --path needs --to DIR, where the files go");
	*opt = (struct restore_options)RESTORE_OPTIONS_INIT;
	opt->as = a->as;
	opt->to = a->to;
	opt->path = a->paths.len > 0 ? a->paths.items[0] : NULL;
	return ERR_OK;
}

static enum err_code
check_target(const struct args *a, bool is_stack, struct err *err)
{
	if (is_stack)
		return ERR_OK;
	if (a->as != NULL)
		return err_set(err, ERR_USAGE,
		    "restore: this is a snapshot of folders: --as is for stacks");
	if (a->to == NULL)
		return err_set(err, ERR_USAGE,
		    "restore: this is a snapshot of folders: give --to DIR, where they go "
		    "(--to / "
		    "puts them where they were)");
	return ERR_OK;
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(restore_preview) struct restore_preview preview = RESTORE_PREVIEW_INIT;
	AUTO(str) char *to = NULL;
	struct restore_options opt;
	struct restore_result r;
	struct id id;
	bool is_stack;
	if (options_of(&c->args, &opt, err) || cli_open_lenient(c, &p, err) ||
	    cli_snapshot(c, p.repo, &id, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (restore_is_stack(&e, &id, &is_stack, err) || check_target(&c->args, is_stack, err))
		return err->code;
	if (opt.to != NULL && make_absolute(&to, opt.to, err))
		return err->code;
	opt.to = to;
	if (restore_preview(&e, &id, &opt, &preview, err))
		return err->code;
	if (c->args.json && preview_json(&preview, err))
		return err->code;
	if (c->args.dry_run)
		return finish_dry_run(c, &preview, code, err);
	if (agree(c, &preview, err))
		return err->code;
	opt.may_replace = preview.replaces.len > 0;
	is_stack = is_stack && opt.path == NULL;
	if (is_stack ? restore_stack(&e, &id, &opt, &r, err)
		     : restore_files(&e, &id, &opt, &r, err))
		return err->code;
	*code = r.outcome == OUTCOME_PARTIAL ? EXIT_PARTIAL : EXIT_COMPLETE;
	if (c->args.json)
		return print_json(c, &r, *code, err);
	print(&r, is_stack);
	return ERR_OK;
}

static const struct option_def options[] = {
	{ "as", 0, OPTION_VALUE, WORD_ANY, "PROJECT", NULL,
	    "bring the stack back under another name, beside the old one",
	    offsetof(struct args, as) },
	{ "to", 0, OPTION_VALUE, WORD_FOLDER, "DIR", NULL,
	    "the stack's project folder; for files, where they go", offsetof(struct args, to) },
	{ "path", 0, OPTION_LIST, WORD_ANY, "PATH", NULL,
	    "only this file or folder of the snapshot's tree; needs --to",
	    offsetof(struct args, paths) },
	{ "dry-run", 'n', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "say what would be made and replaced, and stop", offsetof(struct args, dry_run) },
	{ "yes", 'y', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "replace what is there without asking", offsetof(struct args, yes) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup restore latest --dry-run", "what would happen" },
	{ "stacksnap -r /backup restore latest", "the stack, where it was" },
	{ "stacksnap -r /backup restore 3f2a91c0 --as shop2 --to /srv/shop2",
	    "a copy of it beside the old one" },
	{ "stacksnap -r /backup restore latest --path volumes/shop_uploads --to /tmp/out",
	    "one volume's files into a folder" },
};

const struct command command_restore = {
	.name = "restore",
	.summary = "bring a stack or files back",
	.operands = "SNAPSHOT",
	.about = "Recreates the project folder, volumes and networks, loads the databases, "
		 "starts the\n"
		 "services in the order of their dependencies and waits until they are "
		 "healthy.  New\n"
		 "data is put beside the old and swapped in when it is whole; the old is kept "
		 "until\n"
		 "the stack is known to run.\n"
		 "\n"
		 "First says what would be made and what replaced.  When something would be "
		 "replaced,\n"
		 "asks on a terminal, and refuses elsewhere unless --yes is given.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.min_operands = 1,
	.max_operands = 1,
	.word = WORD_SNAPSHOT,
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

/*
 * restore: bring a snapshot back, after saying what that makes and replaces.
 */
#include "base/counted.h"
#include "cli/cli.h"
#include "cli/restore_aside.h"
#include "cli/restore_table.h"
#include "cli/restore_view.h"
#include "cli/settle.h"
#include "cli/terminal.h"
#include "cli/wait.h"
#include "sys/fs.h"

/* --- the user's consent --- */

static enum err_code
refuse(const struct restore_preview *p, struct err *err)
{
	char things[COUNTED_MAX];
	return err_set(err, ERR_EXISTS,
	    "%s would be replaced: look at the list above, and give --yes if that is what you "
	    "want",
	    counted(things, p->replaces.len, "thing"));
}

/* Nothing is replaced that the user has not agreed to. */
static enum err_code
agree(struct cli *c, const struct restore_preview *p, struct err *err)
{
	char answer[TERMINAL_ANSWER_MAX];
	if (c->text != NULL) {
		text_sink_clear(c->text);
		if (p->replaces.len > 0 || p->obstacles.len > 0 || !c->args.quiet)
			restore_view_preview(stderr, p);
	}
	if (p->obstacles.len > 0)
		return err_set(err, ERR_EXISTS, "nothing was changed: %s%s",
		    p->obstacles.items[0],
		    p->obstacles.len > 1 ? " (and more, listed above)" : "");
	/* --overwrite says as much; --delete takes more than that. */
	bool is_agreed = c->args.yes || (c->args.overwrite != NULL && !c->args.delete_extra);
	if (p->replaces.len == 0 || is_agreed)
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

/* What a compose file of another host asks for is not agreed to by --yes. */
static enum err_code
trust(struct cli *c, const struct restore_preview *p, const char *stack, struct err *err)
{
	char answer[TERMINAL_ANSWER_MAX];
	AUTO(str) char *question = NULL;
	if (!p->needs_trust || c->args.trust)
		return ERR_OK;
	if (c->args.json || !isatty(STDIN_FILENO))
		return err_set(err, ERR_DENIED,
		    "nothing was changed: the backup is of another host, and %s (all of it is "
		    "listed above): give --trust if you know where it comes from",
		    p->asks.items[0]);
	if (str_printf(
		&question, err, "Type the stack's name (%s) to let it have that: ", stack) ||
	    terminal_ask(answer, question, c->cancel, err))
		return err->code;
	if (strcmp(answer, stack) != 0)
		return err_set(err, ERR_CANCELLED,
		    "nothing was changed: the answer was not the stack's name");
	return ERR_OK;
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

static enum restore_overwrite
overwrite_of(const char *word)
{
	if (word == NULL)
		return RESTORE_ASKED;
	return strcmp(word, "never") == 0        ? RESTORE_NEVER
	       : strcmp(word, "if-changed") == 0 ? RESTORE_IF_CHANGED
						 : RESTORE_ALWAYS;
}

/* What the command line asks for, of files rather than of a stack. */
static bool
wants_files(const struct args *a)
{
	return a->paths.len > 0 || a->include.len > 0 || a->operands.len > 1;
}

static enum err_code
check_args(const struct args *a, struct err *err)
{
	bool is_part = a->include.len > 0 || a->operands.len > 1;
	if (a->paths.len > 1)
		return err_set(err, ERR_USAGE, "restore: --path can be given once");
	if (a->paths.len > 0 && is_part)
		return err_set(err, ERR_USAGE,
		    "restore: --path PATH becomes DIR itself, other paths go below DIR: give "
		    "one "
		    "or the other");
	if (wants_files(a) && a->as != NULL)
		return err_set(err, ERR_USAGE,
		    "restore: %s takes files out of a snapshot, --as brings back a stack: give "
		    "one of them",
		    a->paths.len > 0 ? "--path" : "a path");
	if (wants_files(a) && a->to == NULL)
		return err_set(err, ERR_USAGE, "restore: %s needs --to DIR, where the files go",
		    a->paths.len > 0 ? "--path" : "a path");
	if (a->delete_extra && a->overwrite != NULL && strcmp(a->overwrite, "never") == 0)
		return err_set(err, ERR_USAGE,
		    "restore: --delete changes what is there, --overwrite never does not: give "
		    "one "
		    "of them");
	if (a->no_rows && (!a->dry_run || a->preview_rows))
		return err_set(err, ERR_USAGE,
		    "restore: --no-rows makes --dry-run quicker: without --preview-rows");
	return ERR_OK;
}

static enum err_code
options_of(
    const struct args *a, struct strv *paths, struct restore_options *opt, struct err *err)
{
	if (check_args(a, err))
		return err->code;
	for (size_t i = 1; i < a->operands.len; i++)
		if (strv_add(paths, a->operands.items[i], err))
			return err->code;
	*opt = (struct restore_options)RESTORE_OPTIONS_INIT;
	opt->as = a->as;
	opt->to = a->to;
	opt->path = a->paths.len > 0 ? a->paths.items[0] : NULL;
	opt->paths = paths;
	opt->include = &a->include;
	opt->overwrite = overwrite_of(a->overwrite);
	opt->delete_extra = a->delete_extra;
	opt->verify = a->verify;
	opt->services = &a->services;
	opt->members = &a->members;
	opt->no_start = a->no_start;
	opt->any_space = a->any_space;
	opt->preview_rows = a->preview_rows || (a->dry_run && !a->no_rows);
	opt->may_trust = a->trust;
	return a->wait != NULL ? wait_seconds(&opt->wait_s, a->wait, err) : ERR_OK;
}

static enum err_code
check_target(const struct args *a, bool is_stack, struct err *err)
{
	if (is_stack && (a->overwrite != NULL || a->delete_extra || a->verify))
		return err_set(err, ERR_USAGE,
		    "restore: %s is for files: a stack's data is put in place as a whole",
		    a->overwrite != NULL ? "--overwrite"
		    : a->delete_extra    ? "--delete"
					 : "--verify");
	bool is_part = a->services.len > 0 || a->members.len > 0;
	if (is_stack && is_part && (a->as != NULL || a->to != NULL))
		return err_set(err, ERR_USAGE,
		    "restore: %s puts data into the stack that is there, --%s makes another: "
		    "give one of them",
		    a->services.len > 0 ? "--service" : "--member",
		    a->as != NULL ? "as" : "to");
	if (is_stack)
		return ERR_OK;
	if (is_part || a->no_start || a->wait != NULL || a->trust || a->preview_rows)
		return err_set(err, ERR_USAGE, "restore: %s is for stacks",
		    a->services.len > 0  ? "--service"
		    : a->members.len > 0 ? "--member"
		    : a->no_start        ? "--no-start"
		    : a->trust           ? "--trust"
		    : a->preview_rows    ? "--preview-rows"
					 : "--wait");
	if (a->as != NULL)
		return err_set(err, ERR_USAGE,
		    "restore: this is a snapshot of folders: --as is for stacks");
	if (a->to == NULL)
		return err_set(err, ERR_USAGE,
		    "restore: this is no snapshot of a stack: give --to DIR, where its files "
		    "go "
		    "(of folders, --to / puts them where they were)");
	return ERR_OK;
}

/* What would be done, without doing it. */
static enum err_code
dry_run(struct cli *c, const struct engine *e, const struct id *id,
    const struct restore_options *wanted, const struct restore_preview *p, bool is_stack,
    enum exit_code *code, struct err *err)
{
	struct restore_view view = { .cli = c };
	struct restore_options opt = *wanted;
	struct restore_result r = { .outcome = OUTCOME_COMPLETE };
	struct engine engine = *e;
	bool is_refused = p->obstacles.len > 0;
	opt.dry_run = true;
	opt.change = restore_view_change;
	opt.change_arg = &view;
	if (!c->args.json)
		restore_view_preview(stdout, p);
	if (!is_stack && !is_refused && restore_files(&engine, id, &opt, &r, err))
		return err->code;
	if (view.err.code != ERR_OK) {
		*err = view.err;
		return err->code;
	}
	*code = is_refused                     ? EXIT_FAILED
		: r.outcome == OUTCOME_PARTIAL ? EXIT_PARTIAL
					       : EXIT_COMPLETE;
	return restore_view_dry_run(c, !is_stack && !is_refused ? &r : NULL, *code, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(restore_preview) struct restore_preview preview = RESTORE_PREVIEW_INIT;
	AUTO(strv) struct strv paths = STRV_INIT;
	AUTO(str) char *to = NULL;
	struct restore_options opt;
	struct restore_result r;
	struct id id;
	bool is_stack;
	if (restore_aside_is_asked(&c->args))
		return restore_aside_run(c, code, err);
	if (restore_table_is_asked(&c->args))
		return restore_table_run(c, code, err);
	if (settle_is_verb(c->args.operands.items[0]))
		return settle_run(c, code, err);
	if (c->args.all || c->args.older_than != NULL)
		return err_set(err, ERR_USAGE, "restore: %s is for restore finish",
		    c->args.all ? "--all" : "--older-than");
	if (options_of(&c->args, &paths, &opt, err) || cli_open_lenient(c, &p, err) ||
	    cli_snapshot(c, p.repo, &id, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (restore_is_stack(&e, &id, &is_stack, err))
		return err->code;
	is_stack = is_stack && !wants_files(&c->args);
	if (check_target(&c->args, is_stack, err) ||
	    (opt.to != NULL && make_absolute(&to, opt.to, err)))
		return err->code;
	opt.to = to;
	if (restore_preview(&e, &id, &opt, &preview, err))
		return err->code;
	if (c->args.json && restore_view_preview_json(&preview, err))
		return err->code;
	if (c->args.dry_run)
		return dry_run(c, &e, &id, &opt, &preview, is_stack, code, err);
	if (agree(c, &preview, err))
		return err->code;
	if (is_stack && trust(c, &preview, opt.as != NULL ? opt.as : "the one above", err))
		return err->code;
	opt.may_replace = preview.replaces.len > 0;
	opt.may_trust = preview.needs_trust;
	if (is_stack ? restore_stack(&e, &id, &opt, &r, err)
		     : restore_files(&e, &id, &opt, &r, err))
		return err->code;
	*code = r.outcome == OUTCOME_PARTIAL ? EXIT_PARTIAL : EXIT_COMPLETE;
	if (c->args.json)
		return restore_view_json(c, &r, *code, err);
	restore_view_print(&r, is_stack, c->args.verify);
	return ERR_OK;
}

static const struct option_def options[] = {
	{ "as", 0, OPTION_VALUE, WORD_ANY, "PROJECT", NULL,
	    "bring the stack back under another name, beside the old one",
	    offsetof(struct args, as) },
	{ "to", 0, OPTION_VALUE, WORD_FOLDER, "DIR", NULL,
	    "the stack's project folder; for files, where they go", offsetof(struct args, to) },
	{ "path", 0, OPTION_LIST, WORD_ANY, "PATH", NULL,
	    "this folder of the tree becomes DIR; a file goes into it",
	    offsetof(struct args, paths) },
	{ "include", 'i', OPTION_LIST, WORD_ANY, "RULE", NULL,
	    "only what this rule names, as in gitignore(5); repeatable",
	    offsetof(struct args, include) },
	{ "overwrite", 0, OPTION_VALUE, WORD_CHOICE, "WHEN", "never if-changed always",
	    "files that are there: refuse, or replace those that differ",
	    offsetof(struct args, overwrite) },
	{ "delete", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "remove files that the snapshot has not", offsetof(struct args, delete_extra) },
	{ "verify", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "read all files back from the disk and compare them",
	    offsetof(struct args, verify) },
	{ "long", 'l', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "with --dry-run: name every path that would change",
	    offsetof(struct args, is_long) },
	{ "dry-run", 'n', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "say what would be made and replaced, and stop", offsetof(struct args, dry_run) },
	{ "yes", 'y', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "replace what is there without asking", offsetof(struct args, yes) },
	{ "service", 0, OPTION_LIST, WORD_ANY, "NAME", NULL,
	    "only this service's data; containers stay; repeatable",
	    offsetof(struct args, services) },
	{ "member", 0, OPTION_LIST, WORD_ANY, "NAME", NULL,
	    "only this member (\"volume shop_uploads\"); repeatable",
	    offsetof(struct args, members) },
	{ "wait", 0, OPTION_VALUE, WORD_ANY, "TIME", NULL,
	    "how long services may take to become healthy (5m)", offsetof(struct args, wait) },
	{ "no-start", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "make and fill everything, but leave the stack stopped",
	    offsetof(struct args, no_start) },
	{ "preview-rows", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "say first which rows would be lost, as --dry-run does",
	    offsetof(struct args, preview_rows) },
	{ "no-rows", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "with --dry-run: leave databases unread, which is quicker",
	    offsetof(struct args, no_rows) },
	{ "any-space", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "go on although there seems to be too little room on disk",
	    offsetof(struct args, any_space) },
	{ "trust", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "let a stack of another host have what it asks of this one",
	    offsetof(struct args, trust) },
	{ "table", 0, OPTION_LIST, WORD_ANY, "NAME", NULL,
	    "only this table's rows, into the server; repeatable",
	    offsetof(struct args, tables) },
	{ "collection", 0, OPTION_LIST, WORD_ANY, "NAME", NULL,
	    "the same for MongoDB: only this collection's documents",
	    offsetof(struct args, tables) },
	{ "database", 0, OPTION_VALUE, WORD_ANY, "NAME", NULL,
	    "the database that it is in; alone: all of it", offsetof(struct args, database) },
	{ "into", 0, OPTION_VALUE, WORD_ANY, "NAME", NULL,
	    "beside what is there, in this schema or database", offsetof(struct args, into) },
	{ "key-prefix", 0, OPTION_VALUE, WORD_ANY, "PREFIX", NULL,
	    "only the keys of Redis that begin so, into the server",
	    offsetof(struct args, key_prefix) },
	{ "key-prefix-hex", 0, OPTION_VALUE, WORD_ANY, "HEX", NULL,
	    "the same in hexadecimal digits, for names that are no text",
	    offsetof(struct args, key_prefix_hex) },
	{ "into-db", 0, OPTION_VALUE, WORD_ANY, "N", NULL,
	    "keys: beside what is there, in this empty database", offsetof(struct args, into) },
	{ "in-place", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "in place of the rows that are there, which are kept",
	    offsetof(struct args, in_place) },
	{ "all", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "finish: every restore that ended well", offsetof(struct args, all) },
	{ "older-than", 0, OPTION_VALUE, WORD_ANY, "AGE", NULL,
	    "finish: only what ended that long ago (36h, 7d, 2w)",
	    offsetof(struct args, older_than) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup restore latest --dry-run", "what would happen" },
	{ "stacksnap -r /backup restore latest", "the stack, where it was" },
	{ "stacksnap -r /backup restore 3f2a91c0 --as shop2 --to /srv/shop2",
	    "a copy of it beside the old one" },
	{ "stacksnap -r /backup restore latest --service db",
	    "only that service's data, into the stack that is there" },
	{ "stacksnap -r /backup restore latest --table public.orders --into yesterday",
	    "one table, beside the one that is there, to look at" },
	{ "stacksnap -r /backup restore latest --table public.orders --in-place",
	    "one table's rows; the old ones are kept" },
	{ "stacksnap -r /backup restore latest --key-prefix session: --into-db 5",
	    "keys of Redis, beside the others, to look at" },
	{ "stacksnap -r /backup restore latest --database shop --into shop_yesterday",
	    "a whole database, beside the one that is there" },
	{ "stacksnap restore undo shop --service db --table public.orders --database shop",
	    "those old rows back" },
	{ "stacksnap restore undo shop", "back to what was there before the restore" },
	{ "stacksnap restore finish --all --older-than 7d --yes",
	    "remove what was there before" },
	{ "stacksnap -r /backup restore latest --path volumes/shop_uploads --to /tmp/out",
	    "one volume's files into a folder" },
	{ "stacksnap -r /backup restore latest /srv/data/mail --to / --overwrite if-changed",
	    "a folder, where it was; only what differs is written" },
	{ "stacksnap -r /backup restore latest --to /tmp/out -i '*.conf' -i /etc/ssh",
	    "files by their names" },
	{ "stacksnap -r /backup restore latest --to / --delete --dry-run",
	    "what it would take to be as it was" },
};

const struct command command_restore = {
	.name = "restore",
	.summary = "bring a stack or files back",
	.operands = "SNAPSHOT [PATH...] | undo|finish|status [STACK...]",
	.about =
	    "Recreates the project folder, volumes and networks, loads the databases, "
	    "starts the\n"
	    "services in the order of their dependencies and waits until they are "
	    "healthy.  New\n"
	    "data is put beside the old and swapped in when it is whole.  Should anything "
	    "fail,\n"
	    "all is put back.  Should it be interrupted, stacksnap recover settles it.\n"
	    "\n"
	    "Afterwards the old data is kept: \"restore undo STACK\" puts it back and starts "
	    "the old\n"
	    "stack (what was written since is lost), \"restore finish STACK\" removes it, "
	    "\"restore\n"
	    "status\" tells of what is kept.  None of these needs the repository.\n"
	    "\n"
	    "First says what would be made and what replaced.  When something would be "
	    "replaced,\n"
	    "asks on a terminal, and refuses elsewhere unless --yes is given.  --dry-run and "
	    "\n"
	    "--preview-rows also read the databases that run, and say for each table how many "
	    "rows\n"
	    "would be removed, brought back and changed.\n"
	    "\n"
	    "--table, --collection and --key-prefix put the rows of a table, the documents of "
	    "a\n"
	    "collection, the keys that begin alike into the server that runs, in one step, and "
	    "touch\n"
	    "nothing else.  --into makes them anew beside, in a schema or database of that "
	    "name, to\n"
	    "look at; --in-place exchanges them, names first what depends on them and what is "
	    "lost,\n"
	    "checks foreign keys, and keeps the old ones in the server for \"restore undo "
	    "STACK\n"
	    "--table NAME\" and \"finish\".  --database with --into alone makes a new database "
	    "of all\n"
	    "that it had.\n"
	    "\n"
	    "Files: of a snapshot of folders everything goes below --to DIR at the path that "
	    "it had\n"
	    "(--to / puts it where it was); a PATH or --include takes a part, also out of a "
	    "stack's\n"
	    "snapshot.  --overwrite if-changed leaves files alone whose size and mtime are "
	    "right;\n"
	    "always compares their contents.  What is equal is not written.  A file that "
	    "differs is\n"
	    "written anew beside the old and renamed over it; from 16 MiB on the ranges that "
	    "differ\n"
	    "are written in place: stop who uses it, and should the power fail meanwhile, "
	    "restore\n"
	    "again.  --delete removes only below folders that were saved whole, never what "
	    "the\n"
	    "backup's own rules left out.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.min_operands = 1,
	.max_operands = SIZE_MAX,
	.word = WORD_SNAPSHOT,
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

/*
 * backup: snapshots of stacks, or one of folders.
 *
 * One stack's failure leaves the others alone; the worst outcome is the
 * program's.
 */
#include "cli/backup_view.h"
#include "cli/db_try.h"
#include "cli/look_view.h"
#include "cli/recover.h"
#include "cli/settings_args.h"
#include "engine/filter.h"
#include "sys/clock.h"
#include "ui/plan_view.h"

#include <unistd.h>

static void
batch_auto(struct backup_batch *b)
{
	strv_release(&b->stacks);
	strv_release(&b->paths);
	strv_release(&b->databases);
	connections_close(b->connections);
	free(b->tasks);
}

/* --- what is asked for --- */

static enum err_code
add_all(struct strv *to, const struct strv *from, struct err *err)
{
	for (size_t i = 0; i < from->len; i++)
		if (!strv_has(to, from->items[i]) && strv_add(to, from->items[i], err))
			return err->code;
	return ERR_OK;
}

static enum err_code
open_docker(struct cli *c, struct docker **out, struct err *err)
{
	struct docker_options opt = DOCKER_OPTIONS_INIT;
	opt.cancel = c->cancel;
	return docker_open(out, &opt, err);
}

/* Is one of its services to be captured?  What cannot be told is found again, and told, when
 * the stack's turn comes. */
static bool
is_enabled(struct docker *d, const char *name)
{
	AUTO(stack) struct stack *s = NULL;
	AUTO(settings) struct settings *settings = NULL;
	struct err scratch;
	if (stack_load(&s, d, name, &scratch) || settings_load(&settings, s, NULL, &scratch))
		return true;
	for (size_t i = 0; i < s->n_containers; i++)
		if (settings_flag(settings, s->containers[i].service, SETTING_ENABLE))
			return true;
	return false;
}

/* Every stack that has containers, and is not left out by its settings. */
static enum err_code
add_every_stack(struct cli *c, struct strv *stacks, struct err *err)
{
	AUTO(docker) struct docker *d = NULL;
	struct stack_summary *list;
	size_t n;
	enum err_code rc = ERR_OK;
	if (open_docker(c, &d, err) || stacks_list(d, &list, &n, err))
		return err->code;
	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		if (list[i].n_containers == 0)
			event_note(c->events, list[i].name,
			    "has no containers: name it to back up what is left of it");
		else if (!is_enabled(d, list[i].name))
			event_note(c->events, list[i].name,
			    "is left out: 'enable' is false for all its services");
		else
			rc = strv_add(stacks, list[i].name, err);
	}
	stacks_free(list, n);
	return rc;
}

static enum err_code
choose_stream(const struct args *a, struct backup_batch *b, struct err *err)
{
	if (a->stdin_name == NULL)
		return err_set(err, ERR_USAGE,
		    "--stdin-tar and --stdin-command want a name in the snapshot: give --stdin "
		    "NAME");
	if (a->all || a->paths.len > 0 || (!a->stdin_command && a->operands.len > 0))
		return err_set(err, ERR_USAGE,
		    "--stdin stands alone: no STACK, no --all and no --path with it");
	if (a->stdin_command && a->operands.len == 0)
		return err_set(
		    err, ERR_USAGE, "--stdin-command: which one? Give it behind \"--\"");
	if (a->quiesce != NULL || a->max_downtime != NULL || a->dry_run || a->is_long)
		return err_set(err, ERR_USAGE,
		    "--quiesce, --max-downtime, --dry-run and --long mean nothing for a "
		    "stream");
	if (a->exclude_caches || a->one_file_system ||
	    (!a->stdin_tar && (a->exclude.len > 0 || a->exclude_from.len > 0)))
		return err_set(err, ERR_USAGE,
		    "of a stream nothing can be left out, but --exclude from a --stdin-tar");
	if (!a->stdin_command && isatty(STDIN_FILENO))
		return err_set(err, ERR_USAGE,
		    "standard input is a terminal: pipe something into it, or use "
		    "--stdin-command");
	b->input = (struct backup_input){
		.name = a->stdin_name,
		.is_tar = a->stdin_tar,
		.fd = STDIN_FILENO,
		.argv = a->stdin_command ? (const char *const *)a->operands.items : NULL,
	};
	return ERR_OK;
}

static enum err_code
choose_databases(struct cli *c, struct backup_batch *b, struct err *err)
{
	const struct args *a = &c->args;
	bool is_narrowed = a->env != NULL || a->project != NULL;
	if (a->paths.len > 0 || a->stdin_name != NULL || a->stdin_tar || a->stdin_command)
		return err_set(err, ERR_USAGE, "--db stands alone: no --path and no --stdin");
	if (a->quiesce != NULL || a->max_downtime != NULL || a->config != NULL ||
	    a->set.len > 0 || a->exclude.len > 0 || a->exclude_from.len > 0 ||
	    a->exclude_caches || a->one_file_system || a->is_long)
		return err_set(err, ERR_USAGE,
		    "--quiesce, --max-downtime, --config, --set, --long, --exclude and the "
		    "like "
		    "mean nothing for --db");
	if (a->all && a->operands.len > 0)
		return err_set(err, ERR_USAGE, "--all stands alone: no NAME with it");
	if (!a->all && !is_narrowed && a->operands.len == 0)
		return err_set(err, ERR_USAGE,
		    "back up which databases? Give --db NAME, or --db with --all, --project or "
		    "--env");
	if (db_open_list(c, CONNECTIONS_READ, &b->connections, err) ||
	    db_choose(a, b->connections, &a->operands, 0, &b->databases, err))
		return err->code;
	strv_sort(&b->databases);
	return b->databases.len > 0 ? ERR_OK
				    : err_set(err, ERR_NOT_FOUND,
					  "there is no such database: 'stacksnap db list' "
					  "shows those that there "
					  "are");
}

static enum err_code
choose(struct cli *c, struct backup_batch *b, struct err *err)
{
	const struct args *a = &c->args;
	bool has_paths = a->paths.len > 0;
	if (a->db)
		return choose_databases(c, b, err);
	if (a->env != NULL || a->project != NULL)
		return err_set(err, ERR_USAGE, "--env and --project go with --db");
	if (a->stdin_name != NULL || a->stdin_tar || a->stdin_command)
		return choose_stream(a, b, err);
	if (a->all && (has_paths || a->operands.len > 0))
		return err_set(
		    err, ERR_USAGE, "--all stands alone: no STACK and no --path with it");
	if (!a->all && !has_paths && a->operands.len == 0)
		return err_set(
		    err, ERR_USAGE, "back up what? Name a STACK, or give --all or --path DIR");
	if (has_paths && (a->quiesce != NULL || a->max_downtime != NULL))
		return err_set(err, ERR_USAGE,
		    "--quiesce and --max-downtime are for stacks: folders have no services");
	if (has_paths && (a->config != NULL || a->set.len > 0))
		return err_set(err, ERR_USAGE,
		    "--config and --set are for stacks: folders have no services");
	bool leaves_out = a->exclude.len > 0 || a->exclude_from.len > 0 || a->exclude_caches ||
			  a->one_file_system;
	if (!has_paths && leaves_out)
		return err_set(err, ERR_USAGE,
		    "--exclude and the like are for folders: give --path DIR with them, or "
		    "'--set exclude=RULE' for a stack");
	if (a->is_long && !(has_paths && a->dry_run))
		return err_set(err, ERR_USAGE, "--long goes with --dry-run of folders");
	if (has_paths)
		return add_all(&b->paths, &a->paths, err) ||
			       add_all(&b->paths, &a->operands, err)
			   ? err->code
			   : ERR_OK;
	if (!a->all)
		return add_all(&b->stacks, &a->operands, err);
	if (add_every_stack(c, &b->stacks, err))
		return err->code;
	return b->stacks.len > 0 ? ERR_OK
				 : err_set(err, ERR_NOT_FOUND, "there is no stack here");
}

/* --- dry run --- */

static enum err_code
show_stack_plans(struct cli *c, const struct backup_batch *b,
    const struct settings_options *settings, struct json_writer *w, struct err *err)
{
	AUTO(docker) struct docker *d = NULL;
	if (open_docker(c, &d, err))
		return err->code;
	for (size_t i = 0; i < b->stacks.len; i++) {
		AUTO(plan) struct plan *p = NULL;
		if (plan_make(&p, d, b->stacks.items[i], settings, err))
			return err->code;
		settings_args_tell(c, p->stack->name, p->settings);
		if (w != NULL)
			plan_view_json(w, p);
		else if (plan_view_print(p, stdout, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
show_plan(struct cli *c, const struct backup_batch *b, const struct settings_options *settings,
    struct err *err)
{
	if (!c->args.json)
		return show_stack_plans(c, b, settings, NULL, err);
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, EXIT_COMPLETE);
	json_flag(&w, "dry_run", true);
	json_arr(&w, "plan");
	if (show_stack_plans(c, b, settings, &w, err))
		return err->code;
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

/* What a backup would find. */
static enum err_code
show_databases(
    struct cli *c, const struct backup_batch *b, enum exit_code *code, struct err *err)
{
	if (!c->args.json)
		return db_try_all(c, b->connections, &b->databases, NULL, code, err);
	AUTO(bufv) struct buf line = BUF_INIT;
	AUTO(json) json_t *tests = NULL;
	struct json_writer w;
	if (db_try_json(c, b->connections, &b->databases, &tests, code, err))
		return err->code;
	cli_result_begin(c, &w, &line, *code);
	json_flag(&w, "dry_run", true);
	json_value(&w, "plan", tests);
	return cli_result_end(&w, err);
}

/* --- the work --- */

/* Do the options' values make sense?  Otherwise each stack would be refused for them. */
static enum err_code
check_settings(const struct settings_options *given, struct err *err)
{
	static char name[] = "";
	const struct stack none = { .name = name };
	AUTO(settings) struct settings *s = NULL;
	struct settings_options opt = { .file = SETTINGS_NO_FILE };
	memcpy(opt.values, given->values, sizeof opt.values);
	return settings_load(&s, &none, &opt, err);
}

static enum err_code
options_of(const struct args *a, struct backup_options *out, struct err *err)
{
	struct backup_options opt = BACKUP_OPTIONS_INIT;
	opt.tags = &a->tags;
	opt.allow_empty = a->allow_empty;
	opt.allow_shrink = a->allow_shrink;
	opt.host = a->host;
	settings_args_take(&opt.settings, a);
	opt.exclude = &a->exclude;
	opt.exclude_from = &a->exclude_from;
	opt.exclude_caches = a->exclude_caches;
	opt.one_file_system = a->one_file_system;
	if (check_settings(&opt.settings, err))
		return err->code;
	if (a->time != NULL && time_parse(&opt.time_ns, a->time, clock_wall_ns(), err))
		return err_wrap(err, "--time");
	if (backup_check_rules(&opt, err))
		return err->code;
	*out = opt;
	return ERR_OK;
}

static enum err_code
back_up_databases(struct engine *e, const struct backup_batch *b,
    const struct backup_options *opt, struct backup_task *r)
{
	size_t n = b->databases.len;
	AUTO(mem) const struct connection **list = calloc(n, sizeof *list);
	if (list == NULL)
		return err_nomem(&r->err);
	for (size_t i = 0; i < n; i++)
		list[i] = connections_find(b->connections, b->databases.items[i]);
	return backup_connections(e, list, n, opt, &r->result, &r->err);
}

static void
back_up(struct cli *c, struct engine *e, const struct backup_batch *b,
    const struct backup_options *opt, struct backup_task *r)
{
	enum err_code rc =
	    r->stack != NULL        ? backup_stack(e, r->stack, opt, &r->result, &r->err)
	    : b->databases.len > 0  ? back_up_databases(e, b, opt, r)
	    : b->input.name != NULL ? backup_stream(e, &b->input, opt, &r->result, &r->err)
				    : backup_paths(e, &b->paths, opt, &r->result, &r->err);
	if (rc) {
		if (r->stack != NULL && b->n_tasks > 1)
			err_wrap(&r->err, "stack %s", r->stack);
		r->code = exit_code_of_run(rc, cancel_is_raised(c->cancel));
		cli_tell_error(c, &r->err);
	} else {
		r->code = r->result.outcome == OUTCOME_PARTIAL ? EXIT_PARTIAL
			  : r->result.shrunk > 0               ? EXIT_QUARANTINED
							       : EXIT_COMPLETE;
	}
}

/* Give back what earlier runs left quiet, before more is made quiet.  That it cannot be done
 * was told as a warning, and does not stop a backup. */
static void
recover_first(struct cli *c)
{
	struct err scratch;
	AUTO(recovery) struct recovery r = RECOVERY_INIT;
	if (recover_all(c, &r, &scratch))
		event_warning(c->events, NULL, "%s", scratch.msg);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(batch) struct backup_batch b = { .stacks = STRV_INIT, .paths = STRV_INIT };
	AUTO(place) struct place p = PLACE_INIT;
	struct backup_options opt;
	if (choose(c, &b, err) || options_of(&c->args, &opt, err))
		return err->code;
	if (c->args.dry_run && b.databases.len > 0)
		return show_databases(c, &b, code, err);
	if (c->args.dry_run)
		return b.paths.len > 0 ? look_view_run(c, &b.paths, &opt, err)
				       : show_plan(c, &b, &opt.settings, err);
	if (cli_open_lenient(c, &p, err))
		return err->code;
	if (b.databases.len == 0)
		recover_first(c);
	b.n_tasks = b.stacks.len > 0 ? b.stacks.len : 1;
	b.tasks = calloc(b.n_tasks, sizeof *b.tasks);
	if (b.tasks == NULL)
		return err_nomem(err);
	struct engine e = cli_engine(c, p.repo);
	for (size_t i = 0; i < b.n_tasks; i++) {
		b.tasks[i].stack = b.stacks.len > 0 ? b.stacks.items[i] : NULL;
		if (cancel_is_raised(c->cancel)) {
			b.tasks[i].code = EXIT_STOPPED;
			err_set(&b.tasks[i].err, ERR_CANCELLED, "stopped before it began");
		} else {
			back_up(c, &e, &b, &opt, &b.tasks[i]);
		}
		*code = exit_code_worse(*code, b.tasks[i].code);
	}
	return backup_view_print(c, &b, *code, err);
}

static const struct option_def options[] = {
	{ "all", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL, "all stacks of this host, one by one",
	    offsetof(struct args, all) },
	{ "path", 0, OPTION_LIST, WORD_FILE, "DIR", NULL,
	    "files and folders; what follows are paths, too", offsetof(struct args, paths) },
	{ "db", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "databases outside of stacks; what follows are their names",
	    offsetof(struct args, db) },
	{ "env", 0, OPTION_VALUE, WORD_CHOICE, "ENV", "prod staging dev",
	    "with --db: those for it", offsetof(struct args, env) },
	{ "project", 0, OPTION_VALUE, WORD_ANY, "NAME", NULL,
	    "with --db: those of this project", offsetof(struct args, project) },
	{ "quiesce", 0, OPTION_VALUE, WORD_CHOICE, "HOW", "none pause stop down",
	    "services that write: none, pause (default), stop; all: down",
	    offsetof(struct args, quiesce) },
	{ "max-downtime", 0, OPTION_VALUE, WORD_ANY, "TIME", NULL,
	    "give services back and fail when they are quiet for longer",
	    offsetof(struct args, max_downtime) },
	{ "allow-empty", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "let a volume or folder be empty that was not last time",
	    offsetof(struct args, allow_empty) },
	{ "allow-shrink", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "let one be much smaller than last time: no quarantine",
	    offsetof(struct args, allow_shrink) },
	{ "tag", 0, OPTION_LIST, WORD_ANY, "TAG", NULL, "mark the snapshot (may be repeated)",
	    offsetof(struct args, tags) },
	{ "host", 0, OPTION_VALUE, WORD_ANY, "NAME", NULL,
	    "whose snapshot it is, and whose last one it goes on from",
	    offsetof(struct args, host) },
	{ "time", 0, OPTION_VALUE, WORD_ANY, "TIME", NULL,
	    "the moment that it is said to stand for", offsetof(struct args, time) },
	{ "exclude", 0, OPTION_LIST, WORD_ANY, "RULE", NULL,
	    "leave out what matches, as .gitignore does", offsetof(struct args, exclude) },
	{ "exclude-from", 0, OPTION_LIST, WORD_FILE, "FILE", NULL, "such rules, a line each",
	    offsetof(struct args, exclude_from) },
	{ "exclude-caches", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "of folders with a CACHEDIR.TAG keep only that",
	    offsetof(struct args, exclude_caches) },
	{ "one-file-system", 'x', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "keep mounts below DIR as empty folders", offsetof(struct args, one_file_system) },
	{ "stdin", 0, OPTION_VALUE, WORD_ANY, "NAME", NULL,
	    "standard input, as the file NAME in the snapshot",
	    offsetof(struct args, stdin_name) },
	{ "stdin-tar", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "it is a tar archive: its tree, as the folder NAME",
	    offsetof(struct args, stdin_tar) },
	{ "stdin-command", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "start what stands behind --, and read what it writes",
	    offsetof(struct args, stdin_command) },
	OPTION_CONFIG,
	OPTION_SET,
	{ "dry-run", 'n', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "show what would be captured, and stop", offsetof(struct args, dry_run) },
	{ "long", 'l', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "with --dry-run of folders: each path that changed",
	    offsetof(struct args, is_long) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup backup shop", "one restore point of the stack \"shop\"" },
	{ "stacksnap -r /backup backup --all --tag nightly", "every stack, one snapshot each" },
	{ "stacksnap -r /backup backup --quiesce stop --max-downtime 30s shop",
	    "stop services instead of pausing them, and not for longer" },
	{ "stacksnap -r /backup backup --set app/exclude='*.log' shop",
	    "without logs in what the service \"app\" mounts" },
	{ "stacksnap -r /backup backup ./shop", "a stack that does not run, by its folder" },
	{ "stacksnap backup --dry-run shop", "what would be captured, without a repository" },
	{ "stacksnap -r /backup backup --path /srv/data /etc", "folders" },
	{ "stacksnap -r /backup backup --path /home --exclude '.cache/' --exclude '*.iso'",
	    "a folder, without some of it" },
	{ "stacksnap -r /backup backup --path /srv --exclude '/srv/*/tmp' --exclude "
	  "'!/srv/a/tmp'",
	    "rules may begin with DIR; \"!\" takes back in" },
	{ "stacksnap -r /backup backup --path /srv --dry-run --long", "what would be read" },
	{ "stacksnap -r /backup backup --db shop cache",
	    "databases of 'stacksnap db list', at one instant" },
	{ "stacksnap -r /backup backup --stdin shop.sql --stdin-command -- pg_dump shop",
	    "what a program writes, if it ends well" },
	{ "docker export web | stacksnap -r /backup backup --stdin web --stdin-tar",
	    "the tree in a tar archive" },
};

const struct command command_backup = {
	.name = "backup",
	.summary = "make a snapshot of stacks, folders or databases",
	.operands = "STACK...|--all|--path DIR|--db NAME|--stdin NAME",
	.about =
	    "Captures a running stack at one instant: files are read while it runs, then the\n"
	    "services that write are paused for a moment, the databases fix their state, "
	    "files\n"
	    "that changed are read again, and the services go on while the dumps are written.\n"
	    "Whatever happens, exactly the services that ran run again.  A snapshot exists "
	    "only\n"
	    "once it is whole and checked.  Labels, an INI file and --set say what is to be "
	    "done\n"
	    "with a stack ('stacksnap stacks --why').\n"
	    "\n"
	    "--quiesce stop stops services in the order of their dependencies, where a pause "
	    "will\n"
	    "not do.  --quiesce down takes the whole stack down, databases too, whose files "
	    "are\n"
	    "then read at rest, and brings up just what ran; it refuses stacks of which not "
	    "the\n"
	    "same would come up.  Services are quiet for at most --max-downtime (30s): then "
	    "they\n"
	    "are given back, and the backup fails.\n"
	    "\n"
	    "Rules of --exclude are those of .gitignore files, each DIR being such a file's "
	    "folder:\n"
	    "a name without slashes matches at any depth, a leading slash ties it to DIR, a "
	    "slash at\n"
	    "the end means folders, ** any number of folders, ! takes back what an earlier "
	    "rule left\n"
	    "out (but nothing below a folder that is out).\n"
	    "\n"
	    "With --db, databases that 'stacksnap db add' has named are dumped as those of "
	    "stacks\n"
	    "are, all into one snapshot; nothing is made quiet for them.\n"
	    "\n"
	    "With --stdin a failure of the program that writes cannot be seen, but that it "
	    "wrote\n"
	    "nothing: let --stdin-command start it, or see to it that your shell looks (set "
	    "-o\n"
	    "pipefail) and forget the snapshot then.\n"
	    "\n"
	    "Exit status 3 means that there is a snapshot, from which something is missing.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.max_operands = SIZE_MAX,
	.word = WORD_STACK,
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

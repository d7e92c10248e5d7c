/*
 * ls: what is in a snapshot's tree.
 */
#include "cli/cli.h"
#include "engine/browse.h"
#include "ui/entry_view.h"

struct listing {
	struct cli *cli;
	uint64_t count;
};

static void
print_entry(const char *path, const struct tree_entry *e, bool is_long)
{
	if (is_long)
		entry_view_details(e);
	entry_view_path(path, e);
	if (is_long)
		entry_view_target(e);
	putchar('\n');
}

static enum err_code
show_entry(void *arg, const char *path, const struct tree_entry *e, struct err *err)
{
	struct listing *l = arg;
	l->count++;
	if (cancel_check(l->cli->cancel, err))
		return err->code;
	if (!l->cli->args.json) {
		print_entry(path, e, l->cli->args.is_long);
		/* Nobody reads on: a tree of a million files need not be walked to its end. */
		return ferror(stdout) ? cli_flush(err) : ERR_OK;
	}
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	json_init(&w, &line);
	json_obj(&w, NULL);
	json_str(&w, "type", "entry");
	entry_view_json(&w, path, e);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return cli_write_line(&line, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(snapshot) struct snapshot s = { .document = NULL, .root = TREE_ENTRY_INIT };
	struct listing l = { c, 0 };
	struct id id;
	const char *path = c->args.operands.len > 1 ? c->args.operands.items[1] : "";
	if (cli_open_lenient(c, &p, err) || cli_snapshot(c, p.repo, &id, err) ||
	    snapshot_open(&s, p.repo, &id, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (browse_list(&e, &s, path, c->args.recursive, show_entry, &l, err))
		return cli_name_snapshot(&s, err);
	if (!c->args.json)
		return ERR_OK;
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	char hex[ID_HEX_SIZE];
	id_hex(hex, &id);
	cli_result_begin(c, &w, &line, *code);
	json_str(&w, "snapshot", hex);
	json_u64(&w, "entries", l.count);
	return cli_result_end(&w, err);
}

static const struct option_def options[] = {
	{ "long", 'l', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "mode, owner, size and time as well", offsetof(struct args, is_long) },
	{ "recursive", 'R', OPTION_SWITCH, WORD_ANY, NULL, NULL, "everything below, too",
	    offsetof(struct args, recursive) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup ls", "the top of the latest snapshot" },
	{ "stacksnap -r /backup ls -lR latest volumes/shop_uploads", "a volume, all of it" },
	{ "stacksnap -r /backup ls 3f2a91c0 databases", "the databases of another snapshot" },
};

const struct command command_ls = {
	.name = "ls",
	.summary = "list files in a snapshot",
	.operands = "[SNAPSHOT] [PATH]",
	.about = "Lists the folder PATH of a snapshot's tree, or its top.  SNAPSHOT is "
		 "\"latest\", which\n"
		 "it also is when nothing is given, \"latest:shop\" (of that stack, folder or\n"
		 "database), or the first digits of an id.  A stack's snapshot\n"
		 "has the folders project, files, volumes, binds, databases and meta.  "
		 "Characters in\n"
		 "names that would steer a terminal are shown as \\x1b and the like; --json "
		 "has the\n"
		 "true bytes.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.max_operands = 2,
	.word = WORD_SNAPSHOT,
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

/*
 * ls: what is in a snapshot's tree.
 */
#include "cli/cli.h"
#include "engine/browse.h"
#include "sys/clock.h"
#include "ui/escape.h"

#include <inttypes.h>

struct listing {
	struct cli *cli;
	uint64_t count;
};

/* "drwxr-xr-x", set-id and sticky bits as ls shows them. */
static void
mode_text(char out[11], const struct tree_entry *e)
{
	static const char types[] = { [TREE_FILE] = '-',
		[TREE_DIR] = 'd',
		[TREE_SYMLINK] = 'l',
		[TREE_CHAR_DEVICE] = 'c',
		[TREE_BLOCK_DEVICE] = 'b',
		[TREE_FIFO] = 'p',
		[TREE_SOCKET] = 's' };
	static const char bits[] = "rwxrwxrwx";
	out[0] = types[e->type];
	for (unsigned i = 0; i < 9; i++)
		out[1 + i] = (e->mode >> (8 - i)) & 1 ? bits[i] : '-';
	if (e->mode & 04000)
		out[3] = out[3] == 'x' ? 's' : 'S';
	if (e->mode & 02000)
		out[6] = out[6] == 'x' ? 's' : 'S';
	if (e->mode & 01000)
		out[9] = out[9] == 'x' ? 't' : 'T';
	out[10] = '\0';
}

/* The name, or the number of one that has none. */
static void
print_owner(const char *name, uint32_t number)
{
	if (name != NULL) {
		escape_print(stdout, name);
		printf("%*s ", (int)(strlen(name) < 8 ? 8 - strlen(name) : 0), "");
	} else {
		printf("%-8u ", (unsigned)number);
	}
}

static void
print_details(const struct tree_entry *e)
{
	char mode[11];
	char time[CLOCK_TEXT_SIZE] = "-";
	mode_text(mode, e);
	/* Times that do not fit into nanoseconds of 64 bits are years beyond 2262. */
	if (e->modified.s > INT64_MIN / NS_PER_S && e->modified.s < INT64_MAX / NS_PER_S)
		clock_format_local(time, e->modified.s * NS_PER_S);
	printf("%s ", mode);
	print_owner(e->user, e->uid);
	print_owner(e->group, e->gid);
	if (e->type == TREE_CHAR_DEVICE || e->type == TREE_BLOCK_DEVICE)
		printf("%7u, %3u %s ", (unsigned)e->rdev_major, (unsigned)e->rdev_minor, time);
	else
		printf("%12" PRIu64 " %s ", e->type == TREE_FILE ? e->content.size : 0, time);
}

static void
print_entry(const char *path, const struct tree_entry *e, bool is_long)
{
	if (is_long)
		print_details(e);
	escape_print(stdout, path);
	if (e->type == TREE_DIR)
		putchar('/');
	if (is_long && e->type == TREE_SYMLINK) {
		fputs(" -> ", stdout);
		escape_print(stdout, e->target);
	}
	putchar('\n');
}

static void
entry_json(struct json_writer *w, const char *path, const struct tree_entry *e)
{
	char mode[8];
	snprintf(mode, sizeof mode, "%04o", (unsigned)e->mode);
	json_obj(w, NULL);
	json_str(w, "type", "entry");
	json_bytes(w, "path", path, strlen(path));
	json_str(w, "kind", tree_type_word(e->type));
	json_str(w, "mode", mode);
	json_u64(w, "uid", e->uid);
	json_u64(w, "gid", e->gid);
	if (e->user != NULL)
		json_str(w, "user", e->user);
	if (e->group != NULL)
		json_str(w, "group", e->group);
	json_i64(w, "modified_s", e->modified.s);
	json_u64(w, "modified_ns", e->modified.ns);
	if (e->type == TREE_FILE)
		json_u64(w, "bytes", e->content.size);
	if (e->type == TREE_SYMLINK)
		json_bytes(w, "target", e->target, e->target_len);
	json_obj_end(w);
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
	entry_json(&w, path, e);
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
	if (cli_open(c, &p, err) || cli_snapshot(c, p.repo, &id, err) ||
	    snapshot_open(&s, p.repo, &id, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (browse_list(&e, &s, path, c->args.recursive, show_entry, &l, err))
		return err->code;
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
		 "it also is when nothing is given, or the first digits of an id.  A stack's "
		 "snapshot\n"
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

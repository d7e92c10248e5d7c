/*
 * cat and dump: a file of a snapshot, and the native dump of a database, byte
 * for byte on stdout.
 */
#include "cli/cli.h"
#include "engine/browse.h"

#include <poll.h>

typedef enum err_code give_fn(
    struct engine *e, const struct snapshot *s, const char *what, int fd, struct err *err);

/* A pipe without a reader. */
static bool
reader_has_gone(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO, .events = 0 };
	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

static enum err_code
give(struct cli *c, give_fn *fn, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(snapshot) struct snapshot s = { .document = NULL, .root = TREE_ENTRY_INIT };
	struct id id;
	if (cli_open_lenient(c, &p, err) || cli_snapshot(c, p.repo, &id, err) ||
	    snapshot_open(&s, p.repo, &id, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (fn(&e, &s, c->args.operands.items[1], STDOUT_FILENO, err) == ERR_OK)
		return ERR_OK;
	if ((err->code == ERR_IO || err->code == ERR_TRANSIENT) && reader_has_gone())
		return err_set(err, ERR_IO, "%s", ""); /* it knows, and nobody else cares */
	return cli_name_snapshot(&s, err);
}

static enum err_code
run_cat(struct cli *c, enum exit_code *code, struct err *err)
{
	(void)code;
	return give(c, browse_cat, err);
}

static enum err_code
run_dump(struct cli *c, enum exit_code *code, struct err *err)
{
	(void)code;
	return give(c, browse_dump, err);
}

static const struct example cat_examples[] = {
	{ "stacksnap -r /backup cat latest project/compose.yaml", "a file as it was" },
	{ "stacksnap -r /backup cat latest databases/db/shop.sql/000001.public.t.rows",
	    "the rows of a table, ready for psql" },
};

const struct command command_cat = {
	.name = "cat",
	.summary = "write a file of a snapshot to standard output",
	.operands = "SNAPSHOT PATH",
	.about =
	    "Writes the bytes of a file in a snapshot's tree; 'stacksnap ls' shows the paths.\n"
	    "They were checked against their ids; exit status 13 means damage.  A dump is a "
	    "folder\n"
	    "of its tables: of the folder itself all of them are written, as the native tool "
	    "did.",
	.examples = cat_examples,
	.n_examples = ARRAY_LEN(cat_examples),
	.min_operands = 2,
	.max_operands = 2,
	.word = WORD_SNAPSHOT,
	.needs_repository = true,
	.run = run_cat,
};

static const struct example dump_examples[] = {
	{ "stacksnap -r /backup dump latest db | less", "what pg_dump wrote" },
	{ "stacksnap -r /backup dump latest db/shop.sql >shop.sql", "one stream of several" },
};

const struct command command_dump = {
	.name = "dump",
	.summary = "write a database's native dump to standard output",
	.operands = "SNAPSHOT MEMBER",
	.about = "Writes what the database's own tool wrote when the snapshot was made, byte "
		 "for byte,\n"
		 "and checks its SHA-256.  MEMBER is the name of the service, or "
		 "SERVICE/STREAM when\n"
		 "it has several streams; 'stacksnap show' lists them.",
	.examples = dump_examples,
	.n_examples = ARRAY_LEN(dump_examples),
	.min_operands = 2,
	.max_operands = 2,
	.word = WORD_SNAPSHOT,
	.needs_repository = true,
	.run = run_dump,
};

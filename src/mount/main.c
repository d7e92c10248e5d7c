/*
 * main.c: the program "stacksnap-mount": snapshots as a read-only filesystem.
 *
 * A program of its own, so that stacksnap itself needs no libfuse.  Its command
 * line is that of "stacksnap mount", without the word.
 */
#include "base/counted.h"
#include "cli/cli.h"
#include "cli/program.h"
#include "mount/fuse_session.h"
#include "sys/clock.h"
#include "sys/fs.h"

struct telling {
	struct cli *cli;
	size_t snapshots;
};

/* At once: whoever started it waits for this line. */
static void
tell_mounted(void *arg)
{
	const struct telling *t = arg;
	const char *place = t->cli->args.operands.items[0];
	char snapshots[COUNTED_MAX];
	counted(snapshots, t->snapshots, "snapshot");
	if (t->cli->args.json) {
		event_note(t->cli->events, place, "mounted: %s", snapshots);
		return;
	}
	printf("%s mounted in %s; Ctrl-C or 'fusermount3 -u %s' ends it\n", snapshots, place,
	    place);
	fflush(stdout);
}

/* What is mounted over a folder hides what is in it. */
static enum err_code
check_place(const char *place, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (fs_list_dir(place, &names, err))
		return err_wrap(err, "mount");
	if (names.len > 0)
		return err_set(err, ERR_EXISTS,
		    "%s is not empty: what is in it could not be seen while something is "
		    "mounted there",
		    place);
	return ERR_OK;
}

static enum err_code
print_result(struct cli *c, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	const char *place = c->args.operands.items[0];
	if (!c->args.json)
		return ERR_OK;
	cli_result_begin(c, &w, &line, code);
	json_bytes(&w, "place", place, strlen(place));
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(view) struct view *v = NULL;
	struct mount_options opt = {
		.place = c->args.operands.items[0],
		.allow_other = c->args.allow_other,
		.cancel = c->cancel,
	};
	if (check_place(opt.place, err) || cli_open(c, &p, err) ||
	    view_open(&v, p.repo, c->events, clock_mono_ns, err))
		return err->code;
	struct telling t = { c, view_snapshots(v) };
	if (fuse_session_serve(v, &opt, tell_mounted, &t, err))
		return err->code;
	return print_result(c, *code, err);
}

int
main(int argc, char **argv)
{
	struct command here = command_mount;
	here.run = run;
	char **words = calloc((size_t)argc + 2, sizeof *words);
	char word[] = "mount";
	if (words == NULL)
		return EXIT_FAILED;
	words[0] = argv[0];
	words[1] = word;
	for (int i = 1; i < argc; i++)
		words[i + 1] = argv[i];
	int code = program_run(argc + 1, words, &here);
	free(words);
	return code;
}

/*
 * find: which snapshots hold a path, and in which versions.
 */
#include "cli/filter_args.h"
#include "engine/find.h"
#include "sys/clock.h"
#include "ui/entry_view.h"
#include "ui/escape.h"
#include "ui/format.h"

#include <inttypes.h>

struct shown {
	struct cli *cli;
	struct buf source; /* of the match before */
	struct buf path;
};

static void
shown_auto(struct shown *s)
{
	buf_release(&s->source);
	buf_release(&s->path);
}

/* Is text other than it was? */
static bool
is_new_text(struct buf *was, const char *text, bool *is_new, struct err *err)
{
	size_t len = strlen(text);
	*is_new = was->len != len + 1 || memcmp(was->data, text, len) != 0;
	was->len = 0;
	return buf_add(was, text, len + 1, err) == ERR_OK;
}

static void
print_snapshot(const struct id *id, int64_t time_ns)
{
	char hex[ID_HEX_SIZE];
	char time[CLOCK_TEXT_SIZE];
	id_hex(hex, id);
	clock_format_local(time, time_ns);
	printf("%.8s %s", hex, time);
}

static void
print_version(const struct shown *s, const struct find_match *m)
{
	char size[FORMAT_MAX];
	format_size(size, m->entry->content.size);
	fputs("  ", stdout);
	if (s->cli->args.is_long)
		entry_view_details(m->entry);
	else if (m->entry->type == TREE_FILE)
		printf("%8s  ", size);
	else
		printf("%8s  ", tree_type_word(m->entry->type));
	if (m->snapshots > 1) {
		print_snapshot(&m->first, m->first_ns);
		printf(" to ");
	}
	print_snapshot(&m->last, m->last_ns);
	if (m->snapshots > 1)
		printf(", in %" PRIu64 " snapshots", m->snapshots);
	if (m->entry->type == TREE_SYMLINK)
		entry_view_target(m->entry);
	putchar('\n');
}

static enum err_code
print_match(struct shown *s, const struct find_match *m, struct err *err)
{
	bool new_source;
	bool new_path;
	if (!is_new_text(&s->source, m->source, &new_source, err) ||
	    !is_new_text(&s->path, m->path, &new_path, err))
		return err->code;
	if (new_source) {
		escape_print(stdout, m->source);
		putchar('\n');
	}
	if (new_source || new_path) {
		entry_view_path(m->path, m->entry);
		putchar('\n');
	}
	print_version(s, m);
	return ferror(stdout) ? cli_flush(err) : ERR_OK;
}

static enum err_code
print_json(const struct find_match *m, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	char hex[ID_HEX_SIZE];
	json_init(&w, &line);
	json_obj(&w, NULL);
	json_str(&w, "type", "match");
	json_str(&w, "source", m->source);
	entry_view_json(&w, m->path, m->entry);
	json_u64(&w, "snapshots", m->snapshots);
	id_hex(hex, &m->first);
	json_str(&w, "first", hex);
	json_i64(&w, "first_ns", m->first_ns);
	id_hex(hex, &m->last);
	json_str(&w, "last", hex);
	json_i64(&w, "last_ns", m->last_ns);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return cli_write_line(&line, err);
}

static enum err_code
show(void *arg, const struct find_match *m, struct err *err)
{
	struct shown *s = arg;
	return s->cli->args.json ? print_json(m, err) : print_match(s, m, err);
}

/* The operands are patterns, and name no snapshots. */
static enum err_code
read_filter(struct cli *c, struct snapshot_filter *f, struct err *err)
{
	struct strv patterns = c->args.operands;
	c->args.operands = (struct strv)STRV_INIT;
	enum err_code rc = cli_filter(c, f, err);
	c->args.operands = patterns;
	return rc;
}

static enum err_code
print_result(struct cli *c, const struct find_result *r, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	char snapshots[COUNTED_MAX];
	if (!c->args.json) {
		if (r->matches == 0)
			printf("nothing found in %s\n",
			    counted(snapshots, r->snapshots, "snapshot"));
		return ERR_OK;
	}
	cli_result_begin(c, &w, &line, code);
	json_u64(&w, "snapshots", r->snapshots);
	json_u64(&w, "matches", r->matches);
	json_u64(&w, "problems", r->problems);
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(snapshot_filter) struct snapshot_filter f = SNAPSHOT_FILTER_INIT;
	AUTO(shown) struct shown s = { .cli = c };
	struct find_options opt = { .patterns = &c->args.operands, .filter = &f };
	struct find_result r;
	if (read_filter(c, &f, err) || cli_open(c, &p, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (find_paths(&e, &opt, show, &s, &r, err))
		return err->code;
	if (r.problems > 0)
		*code = EXIT_DAMAGED;
	return print_result(c, &r, *code, err);
}

static const struct option_def options[] = {
	{ "long", 'l', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "mode, owner, size and time of each version", offsetof(struct args, is_long) },
	FILTER_OPTIONS,
};

static const struct example examples[] = {
	{ "stacksnap -r /backup find invoice.pdf", "in which snapshots is it?" },
	{ "stacksnap -r /backup find -l '*.conf' --stack shop --since 7d",
	    "all versions of a week" },
	{ "stacksnap -r /backup find '/srv/data/**/*.jpg'", "below one folder" },
};

const struct command command_find_paths = {
	.name = "find",
	.summary = "find the snapshots that hold a file, and its versions",
	.operands = "PATTERN...",
	.about =
	    "Shows each path that a PATTERN matches, and below it a line for each version (of\n"
	    "content, not of other metadata), the newest first, with the first and the last "
	    "snapshot\n"
	    "that hold it.  PATTERN is as in .gitignore files: a name at any depth, or a "
	    "path; one\n"
	    "that begins with a slash is tied to the top of the snapshot's tree; * and ? "
	    "match\n"
	    "within a name, ** any folders; a slash at the end means folders.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.min_operands = 1,
	.max_operands = SIZE_MAX,
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

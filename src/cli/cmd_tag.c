/*
 * tag: change the tags of snapshots.
 */
#include "cli/filter_args.h"
#include "engine/tag.h"
#include "ui/escape.h"

static void
print(const struct tag_result *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct tagged *t = &r->items[i];
		char before[ID_HEX_SIZE];
		char after[ID_HEX_SIZE];
		id_hex(before, &t->before);
		id_hex(after, &t->after);
		if (id_equal(&t->before, &t->after))
			printf("%.8s stays:", before);
		else
			printf("%.8s is now %.8s:", before, after);
		for (size_t k = 0; k < t->tags.len; k++) {
			fputs(k > 0 ? ", " : " ", stdout);
			escape_print(stdout, t->tags.items[k]);
		}
		puts(t->tags.len == 0 ? " no tags" : "");
	}
}

static enum err_code
print_json(struct cli *c, const struct tag_result *r, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_arr(&w, "snapshots");
	for (size_t i = 0; i < r->count; i++) {
		char hex[ID_HEX_SIZE];
		json_obj(&w, NULL);
		id_hex(hex, &r->items[i].after);
		json_str(&w, "id", hex);
		id_hex(hex, &r->items[i].before);
		json_str(&w, "before", hex);
		json_strings(&w, "tags", &r->items[i].tags);
		json_obj_end(&w);
	}
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(snapshot_filter) struct snapshot_filter filter = SNAPSHOT_FILTER_INIT;
	AUTO(tag_result) struct tag_result r = { NULL, 0 };
	const struct args *a = &c->args;
	if (a->add_tags.len == 0 && a->remove_tags.len == 0)
		return err_set(err, ERR_USAGE, "tag: give --add TAG or --remove TAG");
	for (size_t i = 0; i < a->add_tags.len; i++)
		if (strchr(a->add_tags.items[i], ',') != NULL)
			return err_set(err, ERR_USAGE,
			    "--add %s: a tag has no comma: --tag a,b means both of two tags",
			    a->add_tags.items[i]);
	if (cli_filter(c, &filter, err) || cli_open(c, &p, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	struct tag_options opt = { &filter, &a->add_tags, &a->remove_tags, false };
	if (tag_snapshots(&e, &opt, &r, err))
		return err->code;
	if (a->json)
		return print_json(c, &r, *code, err);
	print(&r);
	return ERR_OK;
}

static const struct option_def options[] = {
	{ "add", 0, OPTION_LIST, WORD_ANY, "TAG", NULL, "give it this tag (may be repeated)",
	    offsetof(struct args, add_tags) },
	{ "remove", 0, OPTION_LIST, WORD_ANY, "TAG", NULL,
	    "take this tag away (may be repeated)", offsetof(struct args, remove_tags) },
};

static const struct example examples[] = {
	{ "stacksnap tag latest --add before-upgrade", "so that forget can keep it" },
	{ "stacksnap tag 3f9c2ab1 --remove nightly --add release", "another tag for one" },
};

const struct command command_tag = {
	.name = "tag",
	.summary = "change the tags of snapshots",
	.operands = "SNAPSHOT…",
	.about = "What is stored never changes: the snapshot gets a new ID, which is told, and "
		 "the\n"
		 "old one goes.  When this is cut short, both may be there; that does no harm.",
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

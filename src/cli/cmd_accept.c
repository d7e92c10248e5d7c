/*
 * accept: a snapshot that was quarantined is all right.
 */
#include "base/room.h"
#include "cli/filter_args.h"
#include "engine/quarantine.h"
#include "engine/tag.h"
#include "ui/escape.h"

/* The snapshots that were named, and their documents. */
struct chosen {
	struct id *ids;
	json_t **documents;
	size_t count;
};

static void
chosen_auto(struct chosen *c)
{
	for (size_t i = 0; i < c->count; i++)
		json_decref(c->documents[i]);
	free(c->ids);
	free(c->documents);
}

static enum err_code
add_chosen(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	struct chosen *c = arg;
	if (ROOM_SHORT(c->ids, c->count, err) || ROOM_SHORT(c->documents, c->count, err))
		return err->code;
	c->ids[c->count] = *id;
	/* Only a reference is kept; nothing is written through it. */
	c->documents[c->count++] = json_incref((json_t *)(uintptr_t)document);
	return ERR_OK;
}

static enum err_code
print_reasons(const json_t *document, struct err *err)
{
	const json_t *reasons = json_object_get(document, "quarantine");
	for (size_t i = 0; i < json_array_size(reasons); i++) {
		AUTO(str) char *text = NULL;
		if (quarantine_text(&text, json_array_get(reasons, i), err))
			return err->code;
		fputs("  ", stdout);
		escape_print(stdout, text);
		putchar('\n');
	}
	return ERR_OK;
}

static enum err_code
print(const struct chosen *c, const struct tag_result *r, bool dry_run, struct err *err)
{
	for (size_t i = 0; i < c->count; i++) {
		char before[ID_HEX_SIZE];
		char after[ID_HEX_SIZE];
		id_hex(before, &c->ids[i]);
		if (!snapshot_is_quarantined(c->documents[i])) {
			printf("%.8s is not quarantined\n", before);
			continue;
		}
		if (dry_run) {
			printf("%.8s would be accepted, with\n", before);
		} else {
			id_hex(after, &r->items[i].after);
			printf("%.8s is accepted, and now %.8s, with\n", before, after);
		}
		if (print_reasons(c->documents[i], err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
print_json(struct cli *c, const struct chosen *chosen, const struct tag_result *r,
    enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_flag(&w, "dry_run", c->args.dry_run);
	json_arr(&w, "snapshots");
	for (size_t i = 0; i < chosen->count; i++) {
		const json_t *reasons = json_object_get(chosen->documents[i], "quarantine");
		char hex[ID_HEX_SIZE];
		json_obj(&w, NULL);
		id_hex(hex, c->args.dry_run ? &chosen->ids[i] : &r->items[i].after);
		json_str(&w, "id", hex);
		id_hex(hex, &chosen->ids[i]);
		json_str(&w, "before", hex);
		json_flag(&w, "was_quarantined", snapshot_is_quarantined(chosen->documents[i]));
		if (reasons != NULL)
			json_value(&w, "quarantine", reasons);
		json_obj_end(&w);
	}
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	static const struct strv nothing = STRV_INIT;
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(snapshot_filter) struct snapshot_filter filter = SNAPSHOT_FILTER_INIT;
	AUTO(tag_result) struct tag_result r = { NULL, 0 };
	AUTO(chosen) struct chosen chosen = { NULL, NULL, 0 };
	if (cli_filter(c, &filter, err) || cli_open(c, &p, err) ||
	    snapshot_filter_list(p.repo, &filter, add_chosen, &chosen, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	struct tag_options opt = { &filter, &nothing, &nothing, true };
	if (!c->args.dry_run && tag_snapshots(&e, &opt, &r, err))
		return err->code;
	return c->args.json ? print_json(c, &chosen, &r, *code, err)
			    : print(&chosen, &r, c->args.dry_run, err);
}

static const struct option_def options[] = {
	{ "dry-run", 'n', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "tell what would be accepted, and stop", offsetof(struct args, dry_run) },
};

static const struct example examples[] = {
	{ "stacksnap accept latest --dry-run", "what has the last one lost?" },
	{ "stacksnap accept 3f9c2ab1", "it was meant: rules count it, and older ones may go" },
};

const struct command command_accept = {
	.name = "accept",
	.summary = "say that a quarantined snapshot is all right",
	.operands = "SNAPSHOT…",
	.about =
	    "A snapshot in which a member is much smaller than in the last good one is made, "
	    "but\n"
	    "quarantined: it takes no place in the rules of forget, and nothing older of its "
	    "source\n"
	    "is forgotten as long as it stands, since what has vanished may be needed from "
	    "there.\n"
	    "If what has gone was meant to go, accept it; the reasons stay in its certificate. "
	    "If\n"
	    "not, restore from an older one, and forget this one by its name.\n"
	    "\n"
	    "What is stored never changes: the snapshot gets a new ID, which is told.\n"
	    "\n"
	    "How much may go without that is the setting \"shrink\" of a stack (50%); backup "
	    "has\n"
	    "--allow-shrink for what is about to be deleted on purpose.",
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

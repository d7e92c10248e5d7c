/*
 * key: who can open the repository.
 */
#include "cli/new_key.h"
#include "sys/clock.h"
#include "ui/table.h"

static const char *
kind_word(unsigned kind)
{
	switch (kind) {
	case KEY_PASSPHRASE:
		return "passphrase";
	case KEY_FILE:
		return "key file";
	case KEY_SEALED:
		return "sealed";
	default:
		return "unknown";
	}
}

/* --- list --- */

static enum err_code
add_row(void *arg, const struct key_slot *slot, const struct err *fault, struct err *err)
{
	(void)err;
	struct table *t = arg;
	char hex[ID_HEX_SIZE];
	char made[CLOCK_TEXT_SIZE] = "-";
	id_hex(hex, &slot->id);
	if (slot->created_ns != 0)
		clock_format_local(made, slot->created_ns);
	table_cellf(t, "%.8s", hex);
	table_cell(t, kind_word(slot->kind));
	table_cell(t, slot->label);
	table_cell(t, made);
	table_cell(t, fault != NULL ? fault->msg : slot->is_in_use ? "opened this" : NULL);
	return ERR_OK;
}

static enum err_code
add_json(void *arg, const struct key_slot *slot, const struct err *fault, struct err *err)
{
	(void)err;
	struct json_writer *w = arg;
	char hex[ID_HEX_SIZE];
	id_hex(hex, &slot->id);
	json_obj(w, NULL);
	json_str(w, "id", hex);
	json_str(w, "kind", kind_word(slot->kind));
	json_str(w, "label", slot->label);
	json_i64(w, "created_ns", slot->created_ns);
	json_flag(w, "in_use", slot->is_in_use);
	json_flag(w, "usable", fault == NULL);
	if (fault != NULL)
		json_str(w, "fault", fault->msg);
	json_obj_end(w);
	return ERR_OK;
}

static enum err_code
list(struct cli *c, struct repo *r, enum exit_code code, struct err *err)
{
	if (c->args.json) {
		AUTO(bufv) struct buf line = BUF_INIT;
		struct json_writer w;
		cli_result_begin(c, &w, &line, code);
		json_arr(&w, "keys");
		if (key_list(r, add_json, &w, err))
			return err->code;
		json_arr_end(&w);
		return cli_result_end(&w, err);
	}
	static const struct table_column columns[] = { { "ID", TABLE_LEFT },
		{ "KIND", TABLE_LEFT }, { "LABEL", TABLE_LEFT }, { "MADE", TABLE_LEFT },
		{ "", TABLE_LEFT } };
	AUTO(table) struct table t;
	table_init(&t, columns, ARRAY_LEN(columns));
	if (key_list(r, add_row, &t, err))
		return err->code;
	return table_print(&t, stdout, 0, err);
}

/* --- what changes --- */

/* added and removed: NULL when there is none. */
static enum err_code
tell(struct cli *c, enum exit_code code, const struct id *added, const struct id *removed,
    struct err *err)
{
	char plus[ID_HEX_SIZE] = "";
	char minus[ID_HEX_SIZE] = "";
	if (added != NULL)
		id_hex(plus, added);
	if (removed != NULL)
		id_hex(minus, removed);
	if (!c->args.json) {
		const char *would = c->args.dry_run ? "would be " : "";
		if (added != NULL)
			printf("key %.8s added; it was tried and opens the repository\n", plus);
		else if (c->args.dry_run && removed == NULL)
			puts("a key would be added");
		if (removed != NULL)
			printf("key %.8s %sremoved\n", minus, would);
		return ERR_OK;
	}
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	if (added != NULL)
		json_str(&w, "added", plus);
	if (removed != NULL)
		json_str(&w, "removed", minus);
	json_flag(&w, "dry_run", c->args.dry_run);
	return cli_result_end(&w, err);
}

static enum err_code
add(struct cli *c, struct repo *r, enum exit_code code, struct err *err)
{
	AUTO(new_key) struct new_key k = NEW_KEY_INIT;
	struct id id;
	if (new_key_get(c, NULL, &k, err))
		return err->code;
	if (c->args.dry_run)
		return tell(c, code, NULL, NULL, err);
	struct repo_key key = new_key_as_key(&k);
	struct repo_create_options opt = new_key_options(&k);
	if (key_add(r, &key, &opt, &id, err))
		return err->code;
	return tell(c, code, &id, NULL, err);
}

/* The one who had the key may have the master key, too. */
static void
note_what_remains(struct cli *c)
{
	event_note(c->events, NULL,
	    "Who knows the old key and has a copy of the repository's keys/ folder, or a "
	    "recovery kit, can still read with it.");
}

static enum err_code
change(struct cli *c, struct repo *r, enum exit_code code, struct err *err)
{
	AUTO(new_key) struct new_key k = NEW_KEY_INIT;
	struct key_slot old;
	struct id id;
	key_in_use(r, &old);
	if (new_key_get(c, old.label[0] != '\0' ? old.label : NULL, &k, err))
		return err->code;
	if (c->args.dry_run)
		return tell(c, code, NULL, &old.id, err);
	struct repo_key key = new_key_as_key(&k);
	struct repo_create_options opt = new_key_options(&k);
	if (key_change(r, &key, &opt, &id, err))
		return err->code;
	note_what_remains(c);
	return tell(c, code, &id, &old.id, err);
}

static enum err_code
remove_key(struct cli *c, struct repo *r, enum exit_code code, struct err *err)
{
	struct id id;
	struct key_slot in_use;
	key_in_use(r, &in_use);
	if (key_resolve(r, c->args.operands.items[1], &id, err))
		return err->code;
	if (!c->args.dry_run || id_equal(&id, &in_use.id)) {
		if (key_remove(r, &id, err))
			return err->code;
		note_what_remains(c);
	}
	return tell(c, code, NULL, &id, err);
}

/* --- the command --- */

static const struct verb {
	const char *name;
	size_t operands; /* behind the verb */
	enum err_code (*run)(
	    struct cli *c, struct repo *r, enum exit_code code, struct err *err);
} verbs[] = {
	{ "list", 0, list },
	{ "add", 0, add },
	{ "remove", 1, remove_key },
	{ "passwd", 0, change },
};

static enum err_code
find_verb(const struct strv *given, const struct verb **out, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, given->items[0]) != 0)
			continue;
		if (given->len - 1 < verbs[i].operands)
			return err_set(err, ERR_USAGE,
			    "key remove: which one? Give the first digits of its id (see "
			    "'stacksnap key list')");
		if (given->len - 1 > verbs[i].operands)
			return err_set(err, ERR_USAGE, "key %s: one thing too many: '%s'",
			    verbs[i].name, given->items[given->len - 1]);
		*out = &verbs[i];
		return ERR_OK;
	}
	return err_set(
	    err, ERR_USAGE, "key: list, add, remove or passwd, not '%s'", given->items[0]);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	const struct verb *verb;
	if (find_verb(&c->args.operands, &verb, err) || cli_open_lenient(c, &p, err))
		return err->code;
	return verb->run(c, p.repo, *code, err);
}

static const struct option_def options[] = {
	{ "new-password-file", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL,
	    "add, passwd: read the new passphrase from FILE",
	    offsetof(struct args, new_password_file) },
	{ "new-key-file", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL,
	    "add, passwd: let this key file open the repository",
	    offsetof(struct args, new_key_file) },
	{ "label", 0, OPTION_VALUE, WORD_ANY, "TEXT", NULL,
	    "add, passwd: what it is called (user@host)", offsetof(struct args, label) },
	{ "dry-run", 'n', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "tell what would be done, and stop", offsetof(struct args, dry_run) },
};

static const struct example examples[] = {
	{ "stacksnap key list", "who can open the repository" },
	{ "stacksnap key passwd", "another passphrase in place of the one in use" },
	{ "stacksnap key add --label anna", "a second passphrase, for somebody else" },
	{ "stacksnap key add --new-key-file /root/backup.key",
	    "a key file, for backups at night" },
	{ "stacksnap key remove 3f02a1b2", "what opens with that key is closed to it" },
};

const struct command command_key = {
	.name = "key",
	.summary = "list, add, change or remove what opens the repository",
	.operands = "list|add|remove ID|passwd",
	.about =
	    "Any number of passphrases and key files may open one repository.  Each has a "
	    "slot\n"
	    "there that holds the same master key, so changing one encrypts nothing again.\n"
	    "\n"
	    "  list        the slots; nothing secret is shown\n"
	    "  add         one more passphrase (asked for twice) or key file\n"
	    "  remove ID   one of them; not the one that opened the repository just now, so\n"
	    "              that there is always one that is known to work\n"
	    "  passwd      add, try, and then remove the one in use: at every moment one "
	    "works\n"
	    "\n"
	    "Whoever copied the repository before still has the old slots: when the master "
	    "key\n"
	    "itself may be known to somebody, make a new repository.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.min_operands = 1,
	.max_operands = 2,
	.word = WORD_CHOICE,
	.choices = "list add remove passwd",
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

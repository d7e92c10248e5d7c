/*
 * recover-key: from a recovery kit back into the repository.
 */
#include "cli/new_key.h"
#include "cli/terminal.h"
#include "repo/recovery_lines.h"
#include "sys/fd.h"
#include "sys/fs.h"

#define KIT_MAX ((size_t)1 << 20)

/* --- the kit --- */

/* Ask until the answer fits its check characters. */
static enum err_code
ask_line(struct cli *c, struct recovery_input *in, unsigned number, struct err *err)
{
	char question[32];
	char answer[TERMINAL_ANSWER_MAX];
	snprintf(question, sizeof question, number > 0 ? "Line %u: " : "Code: ", number);
	for (;;) {
		struct err why = ERR_INIT;
		if (terminal_ask(answer, question, c->cancel, &why) && why.code != ERR_USAGE) {
			*err = why;
			return err->code;
		}
		if (why.code == ERR_OK && answer[0] == '\0')
			return err_set(err, ERR_CANCELLED,
			    "nothing was changed: the lines are not all there");
		if (why.code == ERR_OK) {
			size_t len = strlen(answer);
			enum err_code rc =
			    number > 0 ? recovery_take_line(in, number, answer, len, &why)
				       : recovery_take_code(in, answer, len, &why);
			secret_wipe(answer, sizeof answer);
			if (rc == ERR_OK)
				return ERR_OK;
		}
		char again[sizeof why.msg + 8];
		snprintf(again, sizeof again, "  %s\n", why.msg);
		if (terminal_say(again, err))
			return err->code;
	}
}

static enum err_code
ask_lines(struct cli *c, struct recovery_key *out, struct err *err)
{
	AUTO(recovery_input) struct recovery_input in = RECOVERY_INPUT_INIT;
	if (c->text != NULL)
		text_sink_clear(c->text);
	if (terminal_say("Type the lines of the recovery key, as they are printed.\n", err))
		return err->code;
	for (unsigned n; (n = recovery_missing_line(&in)) != 0;)
		if (ask_line(c, &in, n, err))
			return err->code;
	return recovery_finish(&in, out, err);
}

static enum err_code
read_kit(struct cli *c, struct recovery_key *out, struct err *err)
{
	AUTO(secret_buf) struct buf text = BUF_INIT;
	const char *from = c->args.from;
	if (from == NULL && isatty(STDIN_FILENO))
		return ask_lines(c, out, err);
	if (from != NULL ? fs_read_file(from, KIT_MAX, &text, err)
			 : fd_read_to_end(STDIN_FILENO, KIT_MAX, &text, err))
		return err_wrap(err, "read the recovery key");
	if (recovery_parse((const char *)text.data, text.len, out, err))
		return err_wrap(err, "%s", from != NULL ? from : "standard input");
	return ERR_OK;
}

static enum err_code
ask_code(struct cli *c, struct recovery_key *key, struct err *err)
{
	AUTO(recovery_input) struct recovery_input in = RECOVERY_INPUT_INIT;
	if (ask_line(c, &in, 0, err)) {
		if (err->code == ERR_NOT_FOUND)
			return err_set(err, ERR_USAGE,
			    "the code of the recovery key (the line that begins with C) is "
			    "missing");
		return err->code;
	}
	memcpy(key->code, in.code, sizeof key->code);
	return ERR_OK;
}

/* --- opening it --- */

static enum err_code
open_by_key(struct cli *c, struct store *s, const struct recovery_key *key,
    const struct key_slot *slot, struct recovery **out, struct err *err)
{
	AUTO(secret) struct secret *passphrase = NULL;
	AUTO(secret) struct secret *key_file = NULL;
	if (slot->kind == KEY_FILE && c->args.key_file == NULL)
		return err_set(err, ERR_USAGE,
		    "this recovery key opens with a key file (%s): give --key-file FILE",
		    slot->label);
	if (slot->kind == KEY_PASSPHRASE && c->args.key_file != NULL)
		return err_set(err, ERR_USAGE,
		    "this recovery key opens with a passphrase, not with a key file");
	if (cli_key(c, &passphrase, &key_file, err))
		return err->code;
	struct repo_key by = { .passphrase = passphrase, .key_file = key_file };
	return recovery_open(out, s, key, &by, err);
}

struct outcome_of_key {
	struct id id;
	bool was_there; /* nothing had to be done */
	bool with_code;
};

/* What the kit opened is put to use. */
static enum err_code
use(struct cli *c, struct recovery *r, struct outcome_of_key *out, struct err *err)
{
	AUTO(new_key) struct new_key k = NEW_KEY_INIT;
	if (!out->with_code) {
		if (recovery_is_there(r, &out->was_there, err))
			return err->code;
		return c->args.dry_run ? ERR_OK : recovery_put_back(r, &out->id, err);
	}
	if (c->args.dry_run)
		return ERR_OK;
	if (new_key_get(c, NULL, &k, err))
		return err->code;
	struct repo_key key = new_key_as_key(&k);
	struct repo_create_options opt = new_key_options(&k);
	return recovery_add_key(r, &key, &opt, &out->id, err);
}

static enum err_code
tell(struct cli *c, struct store *s, const struct outcome_of_key *o, enum exit_code code,
    struct err *err)
{
	char hex[ID_HEX_SIZE];
	id_hex(hex, &o->id);
	if (c->args.json) {
		AUTO(bufv) struct buf line = BUF_INIT;
		struct json_writer w;
		cli_result_begin(c, &w, &line, code);
		json_flag(&w, "with_code", o->with_code);
		json_flag(&w, "was_there", o->was_there);
		json_flag(&w, "dry_run", c->args.dry_run);
		if (!c->args.dry_run)
			json_str(&w, "key", hex);
		return cli_result_end(&w, err);
	}
	if (c->args.dry_run)
		printf("this kit works: it opens the repository in %s%s\n", store_location(s),
		    o->with_code   ? ""
		    : o->was_there ? "; its key slot is there, too"
				   : "; its key slot is missing there");
	else if (o->was_there)
		printf("key %.8s is in the repository already\n", hex);
	else if (o->with_code)
		printf("key %.8s added; it was tried and opens the repository\n", hex);
	else
		printf("key %.8s is back; it was tried and opens the repository\n", hex);
	return ERR_OK;
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(store) struct store *s = NULL;
	AUTO(recovery_key) struct recovery_key key = { .has_code = false };
	AUTO(recovery) struct recovery *r = NULL;
	struct key_slot slot;
	if (cli_open_store(c, &s, err) || read_kit(c, &key, err) ||
	    recovery_describe(&key, s, &slot, err))
		return err->code;
	if (key.has_code && key.code[0] == '\0' && ask_code(c, &key, err))
		return err->code;
	if (key.has_code ? recovery_open(&r, s, &key, NULL, err)
			 : open_by_key(c, s, &key, &slot, &r, err))
		return err->code;
	struct outcome_of_key o = { .with_code = key.has_code };
	if (use(c, r, &o, err))
		return err->code;
	return tell(c, s, &o, *code, err);
}

static const struct option_def options[] = {
	{ "from", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL,
	    "the kit, or a file with its lines (else asked for)", offsetof(struct args, from) },
	{ "new-password-file", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL,
	    "with a code: read the new passphrase from FILE",
	    offsetof(struct args, new_password_file) },
	{ "new-key-file", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL,
	    "with a code: let this key file open the repository",
	    offsetof(struct args, new_key_file) },
	{ "label", 0, OPTION_VALUE, WORD_ANY, "TEXT", NULL,
	    "with a code: what the new key is called (user@host)",
	    offsetof(struct args, label) },
	{ "dry-run", 'n', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "show that the kit opens the repository, and stop",
	    offsetof(struct args, dry_run) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup recover-key --from kit.html --dry-run", "does the kit work?" },
	{ "stacksnap -r /backup recover-key", "asks for the lines, one by one" },
	{ "stacksnap -r /backup recover-key --from safe.txt",
	    "a kit with a code: asks for a new passphrase" },
};

const struct command command_recover_key = {
	.name = "recover-key",
	.summary = "open the repository by a recovery kit, and mend its keys",
	.operands = "",
	.about =
	    "Reads the lines of a recovery kit: from its file (text or HTML), from a file "
	    "into\n"
	    "which they were typed, or from the terminal.  Small letters, O for 0 and I or L\n"
	    "for 1 do not matter; an error is found in the line where it is.\n"
	    "\n"
	    "The key slot is opened with the passphrase (or --key-file) that it was made for,\n"
	    "and put back into the repository when it is missing there.  A kit with a code "
	    "needs\n"
	    "neither: it lets a new passphrase or key file open the repository.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

/*
 * recovery-kit: a page to print, for the day when the key slots are lost.
 */
#include "base/strv.h"
#include "cli/cli.h"
#include "engine/recovery_kit.h"
#include "store/s3_address.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/identity.h"

#include <errno.h>
#include <fcntl.h>

/* A file that only its owner may read, and that was not there before. */
static enum err_code
write_file(const char *path, const struct buf *page, struct err *err)
{
	AUTO(fd) int fd =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(
		    err, ERR_EXISTS, "%s is there already: a kit never replaces a file", path);
	if (fd < 0)
		return err_sys(err, "%s", path);
	enum err_code rc = fd_write_all(fd, page->data, page->len, err);
	if (rc == ERR_OK && fsync(fd) != 0)
		rc = err_sys(err, "sync");
	if (rc == ERR_OK)
		return ERR_OK;
	unlink(path);
	return err_wrap(err, "%s", path);
}

static enum recovery_kit_format
format_of(const struct args *a)
{
	if (a->format != NULL)
		return strcmp(a->format, "html") == 0 ? RECOVERY_KIT_HTML : RECOVERY_KIT_TEXT;
	return a->output != NULL && str_ends(a->output, ".html") ? RECOVERY_KIT_HTML
								 : RECOVERY_KIT_TEXT;
}

/* As it is found again: a folder from anywhere on this host, an address with its parameters. */
static enum err_code
name_place(struct cli *c, const struct place *p, char **out, struct err *err)
{
	const char *given;
	if (cli_repository(c, &given, err))
		return err->code;
	return s3_address_is(given) ? str_dup(out, given, err)
				    : fs_real_path(out, store_location(p->store), err);
}

static enum err_code
make_kit(struct cli *c, const struct place *p, struct buf *page, struct err *err)
{
	AUTO(recovery_key) struct recovery_key key = { .has_code = false };
	AUTO(str) char *where = NULL;
	struct key_slot slot;
	char host[IDENTITY_MAX];
	key_in_use(p->repo, &slot);
	identity_host(host);
	if (name_place(c, p, &where, err))
		return err->code;
	if (!c->args.with_code)
		recovery_key_in_use(p->repo, &key);
	else if (recovery_key_with_code(p->repo, &key, err))
		return err->code;
	struct recovery_kit kit = {
		.key = &key,
		.slot = &slot,
		.repo_id = repo_id(p->repo),
		.repo_created_ns = repo_created_ns(p->repo),
		.place = where,
		.host = host,
		.now_ns = clock_wall_ns(),
	};
	return recovery_kit_print(&kit, format_of(&c->args), page, err);
}

static enum err_code
tell(struct cli *c, enum exit_code code, struct err *err)
{
	const char *format = format_of(&c->args) == RECOVERY_KIT_HTML ? "html" : "text";
	if (!c->args.json) {
		printf("recovery kit written to %s\n", c->args.output);
		return ERR_OK;
	}
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_bytes(&w, "output", c->args.output, strlen(c->args.output));
	json_str(&w, "format", format);
	json_flag(&w, "with_code", c->args.with_code);
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(secret_buf) struct buf page = BUF_INIT;
	const char *output = c->args.output;
	if (c->args.json && output == NULL)
		return err_set(err, ERR_USAGE,
		    "recovery-kit: with --json give --output FILE: a kit is no JSON");
	if (cli_open(c, &p, err) || make_kit(c, &p, &page, err))
		return err->code;
	if (output == NULL) {
		page.len--; /* its last newline comes with the line */
		return cli_write_line(&page, err);
	}
	if (write_file(output, &page, err))
		return err->code;
	event_note(c->events, NULL,
	    c->args.with_code
		? "Print it, remove the file, and keep the page like cash: with the repository "
		  "it opens everything."
		: "Print it, and keep it apart from the passphrase; 'stacksnap recover-key "
		  "--dry-run --from FILE' shows that it works.");
	return tell(c, *code, err);
}

static const struct option_def options[] = {
	{ "format", 0, OPTION_VALUE, WORD_CHOICE, "FORMAT", "text html",
	    "text or html, a page of A4 (else by the name of FILE)",
	    offsetof(struct args, format) },
	{ "output", 'o', OPTION_VALUE, WORD_FILE, "FILE", NULL,
	    "write it to FILE, which must not exist yet", offsetof(struct args, output) },
	{ "with-code", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "print a code that opens the kit without the passphrase",
	    offsetof(struct args, with_code) },
};

static const struct example examples[] = {
	{ "stacksnap recovery-kit -o kit.html", "a page to print from a browser" },
	{ "stacksnap recovery-kit | lpr", "straight to the printer" },
	{ "stacksnap recovery-kit --with-code -o /media/safe/kit.txt",
	    "for the safe: it opens by itself" },
};

const struct command command_recovery_kit = {
	.name = "recovery-kit",
	.summary = "print a page that brings back access to the repository",
	.operands = "",
	.about =
	    "One page to print: what this repository is and where, the key slot that opened "
	    "it\n"
	    "just now, as lines that can be typed, and what to do with them on another "
	    "machine.\n"
	    "It helps when the folder keys/ of the repository is lost or damaged; 'stacksnap\n"
	    "recover-key' reads it back.  The page alone opens nothing: the passphrase, or "
	    "key\n"
	    "file, is still needed.\n"
	    "\n"
	    "With --with-code a code is printed that opens the key without a passphrase: "
	    "whoever\n"
	    "has that page and the repository can read everything.  Nothing in the repository\n"
	    "is changed.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

/*
 * serve: the daemon: a page in the browser, an API, schedules.
 */
#include "cli/cli.h"
#include "cli/places.h"
#include "serve/keeper.h"
#include "sys/env.h"

#include <unistd.h>

#define LISTEN "127.0.0.1:8080"

static enum err_code
state_of(struct cli *c, char **out, struct err *err)
{
	if (c->args.state_dir == NULL)
		return place_of_state(out, geteuid() == 0, err);
	if (c->args.state_dir[0] != '/')
		return err_set(
		    err, ERR_USAGE, "--state-dir %s: give an absolute path", c->args.state_dir);
	return str_dup(out, c->args.state_dir, err);
}

static enum err_code
check_urls(const struct strv *urls, struct err *err)
{
	for (size_t i = 0; i < urls->len; i++)
		if (!str_starts(urls->items[i], "https://") &&
		    !str_starts(urls->items[i], "http://"))
			return err_set(err, ERR_USAGE,
			    "--public-url %s: give it as https://backup.example.org",
			    urls->items[i]);
	return ERR_OK;
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(str) char *state = NULL;
	AUTO(str) char *cache = NULL;
	const struct args *a = &c->args;
	if (check_urls(&a->public_urls, err) || state_of(c, &state, err) ||
	    place_of_cache(&cache, a->cache_dir, geteuid() == 0, err))
		return err->code;
	const struct keeper_options opt = {
		.listen = a->listen != NULL ? a->listen : LISTEN,
		.state_dir = state,
		.cache_dir = cache,
		.cancel = c->cancel,
		.events = c->events,
		.public_urls = &a->public_urls,
		.behind_proxy = a->behind_proxy,
		.is_terminal = !a->json && isatty(STDERR_FILENO),
		.rebuild = a->rebuild,
		.s3_credentials = a->s3_credentials != NULL
				      ? a->s3_credentials
				      : env_get("STACKSNAP_S3_CREDENTIALS"),
		.ca_file = a->cacert != NULL ? a->cacert : env_get("STACKSNAP_CACERT"),
	};
	if (keeper_run(&opt, err))
		return err->code;
	*code = EXIT_COMPLETE;
	if (!a->json)
		return ERR_OK;
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, *code);
	return cli_result_end(&w, err);
}

static const struct option_def options[] = {
	{ "listen", 0, OPTION_VALUE, WORD_ANY, "ADDRESS:PORT", NULL,
	    "where browsers reach it (" LISTEN ")", offsetof(struct args, listen) },
	{ "state-dir", 0, OPTION_VALUE, WORD_FOLDER, "DIR", NULL,
	    "keep what it must remember there", offsetof(struct args, state_dir) },
	{ "public-url", 0, OPTION_LIST, WORD_ANY, "URL", NULL,
	    "how people reach it by a reverse proxy (may be repeated)",
	    offsetof(struct args, public_urls) },
	{ "behind-proxy", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "a proxy on this host tells who asks (X-Forwarded-For)",
	    offsetof(struct args, behind_proxy) },
	{ "rebuild", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "make the catalogue anew; the old one goes aside", offsetof(struct args, rebuild) },
};

static const struct example examples[] = {
	{ "stacksnap serve", "as root; then open http://127.0.0.1:8080 on the same machine" },
	{ "stacksnap serve --state-dir /home/ana/stacksnap --listen 127.0.0.1:9000",
	    "as an ordinary user, to try it" },
	{ "stacksnap serve --behind-proxy --public-url https://backup.example.org",
	    "behind a reverse proxy, which has the certificate" },
};

const struct command command_serve = {
	.name = "serve",
	.summary = "the daemon: a page in the browser, an API, and schedules",
	.operands = "",
	.about =
	    "Serves the page and the API until it is stopped, runs what is scheduled, and\n"
	    "keeps a record of both.  It stays in the foreground; systemd starts it as any\n"
	    "other program.\n"
	    "\n"
	    "The first time, a token stands in STATE/setup-token, and on the console when "
	    "that\n"
	    "is a terminal: the page asks for it, and then for a password of your own.\n"
	    "\n"
	    "Two processes share the work.  One has the keys, Docker and root's rights, and\n"
	    "never reads what comes from the network; the other reads that, and can open no\n"
	    "file, no key and no Docker socket.  Backups and restores are programs of their\n"
	    "own: they go on while the daemon is restarted.\n"
	    "\n"
	    "From another machine: a reverse proxy, or ssh -L 8080:127.0.0.1:8080 HOST.\n"
	    "What it remembers is in STATE: --state-dir, else STACKSNAP_STATE_DIR, for root\n"
	    "/var/lib/stacksnap, else ~/.local/state/stacksnap.  Without root it serves as\n"
	    "well, but captures only what its user may read.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.has_json = true,
	.run = run,
};

#include "cli/program.h"

#include "base/log.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "cli/places.h"
#include "sys/clock.h"
#include "sys/env.h"
#include "ui/json_sink.h"

#include <fcntl.h>
#include <malloc.h>

static size_t
width_of_screen(void *arg)
{
	return screen_width(arg);
}

static void
log_to_stderr(const char *line)
{
	fprintf(stderr, "debug: %s\n", line);
}

/* A file that is opened later must not become a standard stream: what is written to one would
 * end up in it. */
static enum err_code
fill_standard_streams(struct err *err)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return err_set(err, ERR_IO, "open /dev/null");
	return ERR_OK;
}

/* JSON has a result line also when there is none. */
static void
finish_failed(struct cli *c, const struct err *why, enum exit_code code)
{
	cli_tell_error(c, why);
	if (!c->args.json || why->msg[0] == '\0')
		return;
	struct err scratch; /* the failure itself was told; stdout may be what failed */
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	cli_result_error(&w, why);
	if (cli_result_end(&w, &scratch))
		return;
}

static enum exit_code
run_command(struct cli *c)
{
	struct err err = ERR_INIT;
	enum exit_code code = EXIT_COMPLETE;
	enum err_code rc = c->command->run(c, &code, &err);
	if (rc == ERR_OK)
		rc = cli_flush(&err);
	if (rc == ERR_OK)
		return code;
	code = exit_code_of(rc, cancel_is_raised(c->cancel));
	finish_failed(c, &err, code);
	return code;
}

/* Give the command its sinks and run it. */
static enum exit_code
run_with_sinks(struct cli *c)
{
	struct err err = ERR_INIT;
	AUTO(text_sink) struct text_sink *text = NULL;
	AUTO(json_sink) struct json_sink *json = NULL;
	struct text_sink_options opt = {
		.out = stderr,
		.is_terminal = c->error_screen.is_terminal,
		.has_color = c->error_screen.has_color,
		.is_quiet = c->args.quiet,
		.width = width_of_screen,
		.width_arg = &c->error_screen,
		.now_ns = clock_mono_ns,
	};
	bool as_json = c->args.json && c->command->has_json;
	if (as_json ? json_sink_new(&json, stdout, clock_wall_ns, &err)
		    : text_sink_new(&text, &opt, &err)) {
		cli_tell_error(c, &err);
		return EXIT_FAILED;
	}
	c->text = text;
	c->events = as_json ? json_sink_events(json) : text_sink_events(text);
	enum exit_code code = run_command(c);
	c->text = NULL;
	c->events = NULL;
	return code;
}

static enum exit_code
refuse_usage(struct cli *c, const struct err *err)
{
	char hint[128];
	snprintf(hint, sizeof hint, "'stacksnap help%s%s' shows how it is used",
	    c->command != NULL ? " " : "", c->command != NULL ? c->command->name : "");
	finish_failed(c, err, EXIT_USAGE);
	cli_tell_hint(hint);
	return EXIT_USAGE;
}

static enum exit_code
run_main(struct cli *c, int argc, char **argv, const struct command *instead)
{
	struct err err = ERR_INIT;
	AUTO(str) char *state_dir = NULL;
	enum err_code rc = parse_args(&c->command, &c->args, argc, argv, &err);
	screen_init(&c->error_screen, STDERR_FILENO, c->args.no_color);
	if (rc)
		return refuse_usage(c, &err);
	if (c->args.key_file == NULL && c->args.password_file == NULL)
		c->args.key_file = env_get("STACKSNAP_KEY_FILE");
	if (c->command == NULL && !c->args.help) {
		help_general(stderr);
		return EXIT_USAGE;
	}
	if (c->args.help) {
		if (c->command != NULL)
			help_command(stdout, c->command);
		else
			help_general(stdout);
		return cli_flush(&err) ? EXIT_FAILED : EXIT_COMPLETE;
	}
	if (instead != NULL && strcmp(instead->name, c->command->name) == 0)
		c->command = instead;
	/* Only what touches services needs it, and asks then. */
	struct err no_state = ERR_INIT;
	if (place_of_state(&state_dir, geteuid() == 0, &no_state))
		state_dir = NULL;
	c->state_dir = state_dir;
	return run_with_sinks(c);
}

static const char stopping_already[] =
    "\nstacksnap: stopping already: services are given back first; "
    "this cannot be hurried\n";

int
program_run(int argc, char **argv, const struct command *instead)
{
	/* Slabs, packs and frames come and go at a few sizes above 1 MiB.  Given back to the
	 * system when freed, they take a quarter less memory at the peak than in malloc's own
	 * keeping. */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	struct err err = ERR_INIT;
	static struct cancel cancel; /* signal handlers outlive this frame */
	struct cli c = { .args = ARGS_INIT, .cancel = &cancel };
	const char *debug = getenv("STACKSNAP_DEBUG");
	if (debug != NULL && strcmp(debug, "1") == 0)
		log_set_sink(log_to_stderr);
	if (fill_standard_streams(&err) || cancel_init(&cancel, &err) ||
	    cancel_on_signals(&cancel, stopping_already, &err)) {
		cli_tell_error(&c, &err);
		return EXIT_FAILED;
	}
	enum exit_code code = run_main(&c, argc, argv, instead);
	args_release(&c.args);
	return (int)code;
}

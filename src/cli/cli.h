/*
 * cli.h: what a command is given to do its work with.
 *
 * stdout is the result, and nothing else: text for people, or JSON lines of
 * which the last one has the type "result".  Everything that is said on the
 * way goes through the event sink (stderr, or JSON lines as well).
 *
 * Ownership: made by main() for one command; a command borrows all of it.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/json.h"
#include "cli/command.h"
#include "engine/engine.h"
#include "store/store.h"
#include "ui/screen.h"
#include "ui/text_sink.h"

struct cli {
	const struct command *command;
	struct args args;
	struct cancel *cancel;
	struct event_sink *events;
	struct text_sink *text; /* NULL when events are JSON lines */
	const char *state_dir;
	struct screen error_screen;
};

/* A repository that is open, and the store that it is in. */
struct place {
	struct store *store;
	struct repo *repo;
};

#define PLACE_INIT         \
	{                  \
		NULL, NULL \
	}

void place_release(struct place *p);
static inline void UNUSED
place_auto(struct place *p)
{
	place_release(p);
}

/* Where -r or STACKSNAP_REPOSITORY points; ERR_USAGE when nothing does. */
MUST_CHECK enum err_code cli_repository(const struct cli *c, const char **out, struct err *err);
/* Open the repository by the passphrase or key file given. */
MUST_CHECK enum err_code cli_open(struct cli *c, struct place *out, struct err *err);
/* The same for commands that read, or only add: damaged indexes are told and passed over. */
MUST_CHECK enum err_code cli_open_lenient(struct cli *c, struct place *out, struct err *err);
/* The same without reading its indexes, which may be damaged. */
MUST_CHECK enum err_code cli_open_bare(struct cli *c, struct place *out, struct err *err);
/* The steps of cli_open, for what must look before it opens: the store, in which there is a
 * repository; and exactly one of the two that open it. */
MUST_CHECK enum err_code cli_open_store(struct cli *c, struct store **out, struct err *err);
MUST_CHECK enum err_code cli_key(
    struct cli *c, struct secret **passphrase, struct secret **key_file, struct err *err);
/* The repository that --from names, to read from, by what --from-password-file,
 * STACKSNAP_FROM_PASSWORD_FILE or --from-key-file gives; without them, by what opens the other.
 */
MUST_CHECK enum err_code cli_open_from(struct cli *c, struct place *out, struct err *err);
/* The passphrase; a new one is asked for twice. */
MUST_CHECK enum err_code cli_passphrase(
    struct cli *c, bool is_new, struct secret **out, struct err *err);
/* For a use case; repo may be NULL. */
struct engine cli_engine(const struct cli *c, struct repo *repo);
/* The snapshot that the first operand names, "latest" when there is none. */
MUST_CHECK enum err_code cli_snapshot(
    struct cli *c, struct repo *r, struct id *id, struct err *err);

struct snapshot;
/* Around what could not be found in a snapshot: which one it is, and of what, since it may have
 * been called "latest". */
enum err_code cli_name_snapshot(const struct snapshot *s, struct err *err);

/* "stacksnap: error: …" and, where it helps, "hint: …" on stderr. */
void cli_tell_error(struct cli *c, const struct err *err);
void cli_tell_hint(const char *hint);

/* The last JSON line: {"type":"result","command":…,"exit_code":…,"outcome":…, then what the
 * command adds with w, until cli_result_end. */
void cli_result_begin(
    struct cli *c, struct json_writer *w, struct buf *line, enum exit_code code);
MUST_CHECK enum err_code cli_result_end(struct json_writer *w, struct err *err);
/* The members of a failure: "error": {"code":…, "message":…}. */
void cli_result_error(struct json_writer *w, const struct err *err);

/* Write one JSON line, or text, to stdout.  ERR_IO when it does not take it. */
MUST_CHECK enum err_code cli_write_line(struct buf *line, struct err *err);
/* Everything reached stdout.  ERR_IO with an empty message when the reader has gone: then
 * nothing is to be said about it. */
MUST_CHECK enum err_code cli_flush(struct err *err);

#endif

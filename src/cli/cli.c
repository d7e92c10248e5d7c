#include "cli/cli.h"

#include "cli/passphrase.h"
#include "cli/places.h"
#include "cli/store_args.h"
#include "engine/browse.h"
#include "engine/filter.h"
#include "repo/snapshot.h"
#include "sys/env.h"
#include "sys/fs.h"
#include "ui/escape.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>

/* --- the repository --- */

/* An address of something that is neither: "sftp://nas/backup", and "sftp:nas:/backup", "S3:…"
 * as others write them, unless there is such a folder. */
static bool
is_elsewhere(const char *where)
{
	struct stat st;
	size_t word =
	    strspn(where, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-");
	if (s3_address_is(where))
		return false;
	return strstr(where, "://") != NULL ||
	       (word > 1 && where[word] == ':' && stat(where, &st) != 0);
}

enum err_code
cli_repository(const struct cli *c, const char **out, struct err *err)
{
	const char *where = c->args.repository;
	if (where == NULL)
		where = env_get("STACKSNAP_REPOSITORY");
	if (where == NULL)
		return err_set(err, ERR_USAGE,
		    "which repository? Give -r PLACE or set STACKSNAP_REPOSITORY");
	if (is_elsewhere(where))
		return err_set(err, ERR_UNSUPPORTED,
		    "%s: this version keeps repositories in local folders and on S3 "
		    "(s3:https://HOST/BUCKET/PREFIX)%s",
		    where,
		    strstr(where, "://") != NULL ? "" : "; a folder of that name is ./NAME");
	*out = where;
	return ERR_OK;
}

enum err_code
cli_passphrase(struct cli *c, bool is_new, struct secret **out, struct err *err)
{
	struct passphrase_source source = {
		.file = c->args.password_file,
		.command = env_get("STACKSNAP_PASSWORD_COMMAND"),
		.is_new = is_new,
		.of = c->args.from != NULL ? c->args.repository : NULL, /* one of two */
		.events = c->events,
		.cancel = c->cancel,
	};
	if (source.file == NULL)
		source.file = env_get("STACKSNAP_PASSWORD_FILE");
	if (c->text != NULL)
		text_sink_clear(c->text);
	return passphrase_get(out, &source, err);
}

void
place_release(struct place *p)
{
	repo_close(p->repo);
	store_close(p->store);
	*p = (struct place)PLACE_INIT;
}

enum err_code
cli_open_store(struct cli *c, struct store **out, struct err *err)
{
	const char *where;
	uint64_t size;
	AUTO(store) struct store *s = NULL;
	if (cli_repository(c, &where, err))
		return err->code;
	if (cli_store(c, where, STORE_EXISTING, &s, err)) {
		struct stat st;
		if (err->code == ERR_NOT_FOUND && stat(where, &st) == 0)
			return err_set(err, ERR_NO_REPOSITORY,
			    "%s is not a folder: a repository is one, made with 'stacksnap "
			    "init'",
			    where);
		if (err->code == ERR_NOT_FOUND)
			return err_set(err, ERR_NO_REPOSITORY,
			    "%s: no such folder: make a repository with 'stacksnap init'",
			    where);
		return err->code;
	}
	/* Before anybody is asked for a passphrase. */
	if (store_size(s, "config", &size, err)) {
		if (err->code == ERR_NOT_FOUND)
			return err_set(err, ERR_NO_REPOSITORY,
			    "%s holds no repository (no object \"config\"): make one with "
			    "'stacksnap init'",
			    store_location(s));
		return err->code;
	}
	*out = TAKE(s);
	return ERR_OK;
}

enum err_code
cli_key(struct cli *c, struct secret **passphrase, struct secret **key_file, struct err *err)
{
	if (c->args.key_file != NULL && c->args.password_file != NULL)
		return err_set(err, ERR_USAGE, "--key-file and --password-file: give only one");
	if (c->args.key_file != NULL)
		return key_file_get(key_file, c->args.key_file, c->events, c->cancel, err);
	return cli_passphrase(c, false, passphrase, err);
}

static void
tell_damaged_index(void *arg, const char *object, const struct err *why)
{
	const struct cli *c = arg;
	event_warning(c->events, object,
	    "what only this index knows of counts as missing ('stacksnap repair index' mends "
	    "that): %s",
	    why->msg);
}

/* What to do about indexes. */
enum index_use {
	INDEX_STRICT, /* all must be sound */
	INDEX_LENIENT, /* damaged ones are told and passed over */
	INDEX_NONE, /* none is read */
};

static enum err_code
open_place(struct cli *c, enum index_use use, struct place *out, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(secret) struct secret *passphrase = NULL;
	AUTO(secret) struct secret *key_file = NULL;
	AUTO(str) char *cache = NULL;
	if (cli_open_store(c, &p.store, err) || cli_key(c, &passphrase, &key_file, err) ||
	    place_of_cache(&cache, c->args.cache_dir, geteuid() == 0, err))
		return err->code;
	struct repo_key key = { .passphrase = passphrase, .key_file = key_file };
	if (repo_open_bare(&p.repo, p.store, &key, cache, err))
		return err->code;
	if (use == INDEX_LENIENT)
		repo_pass_over_damage(p.repo, tell_damaged_index, c);
	if (use != INDEX_NONE && repo_refresh(p.repo, err))
		return err_wrap(err, "open repository");
	*out = p;
	p = (struct place)PLACE_INIT;
	return ERR_OK;
}

enum err_code
cli_open(struct cli *c, struct place *out, struct err *err)
{
	return open_place(c, INDEX_STRICT, out, err);
}

enum err_code
cli_open_lenient(struct cli *c, struct place *out, struct err *err)
{
	return open_place(c, INDEX_LENIENT, out, err);
}

enum err_code
cli_open_bare(struct cli *c, struct place *out, struct err *err)
{
	return open_place(c, INDEX_NONE, out, err);
}

enum err_code
cli_open_from(struct cli *c, struct place *out, struct err *err)
{
	struct args *a = &c->args;
	const char *own[] = { a->repository, a->password_file, a->key_file };
	const char *file = a->from_password_file;
	if (a->from == NULL)
		return err_set(
		    err, ERR_USAGE, "which repository to read from? Give --from PLACE");
	if (file == NULL && a->from_key_file == NULL)
		file = env_get("STACKSNAP_FROM_PASSWORD_FILE");
	a->repository = a->from;
	if (file != NULL || a->from_key_file != NULL) {
		a->password_file = file;
		a->key_file = a->from_key_file;
	}
	enum err_code rc = open_place(c, true, out, err);
	a->repository = own[0];
	a->password_file = own[1];
	a->key_file = own[2];
	return rc ? err_wrap(err, "--from") : ERR_OK;
}

struct engine
cli_engine(const struct cli *c, struct repo *repo)
{
	return (struct engine){
		.repo = repo,
		.events = c->events,
		.cancel = c->cancel,
		.state_dir = c->state_dir,
	};
}

enum err_code
cli_snapshot(struct cli *c, struct repo *r, struct id *id, struct err *err)
{
	const struct strv *given = &c->args.operands;
	return snapshot_resolve(r, given->len > 0 ? given->items[0] : "latest", id, err);
}

enum err_code
cli_name_snapshot(const struct snapshot *s, struct err *err)
{
	AUTO(bufv) struct buf of = BUF_INIT;
	struct err scratch; /* the error that there is says more */
	char hex[ID_HEX_SIZE];
	if (err->code != ERR_NOT_FOUND || snapshot_source_text(&of, s->document, &scratch))
		return err->code;
	const char *text = buf_cstr(&of);
	id_hex(hex, &s->id);
	return err_wrap(err, "snapshot %.8s, %.200s", hex, text != NULL ? text : "");
}

/* --- what went wrong --- */

/* Is the state folder what could not be made or written to? */
static bool
is_of_state(const struct cli *c, const struct err *err)
{
	static const char making[] = "create folder ";
	const char *at = strstr(err->msg, making);
	bool is_refused =
	    err->code == ERR_IO || err->code == ERR_READ_ONLY || err->code == ERR_DENIED;
	if (c->state_dir == NULL)
		return false;
	if (at == NULL)
		return is_refused && strstr(err->msg, c->state_dir) != NULL;
	at += sizeof making - 1;
	return strncmp(at, c->state_dir, strcspn(at, ":")) == 0;
}

/* By what it was tried to open the repository. */
static const char *
hint_of_key(const struct cli *c, const struct err *err)
{
	const struct args *a = &c->args;
	if (strstr(err->msg, "recover-key") != NULL)
		return NULL;
	if (a->key_file != NULL ||
	    (a->password_file == NULL && env_get("STACKSNAP_KEY_FILE") != NULL))
		return "the key file is that of --key-file, else STACKSNAP_KEY_FILE";
	return "the passphrase comes from --password-file, else STACKSNAP_PASSWORD_FILE, else "
	       "STACKSNAP_PASSWORD_COMMAND, else the terminal";
}

/* What to do about it, when the message cannot know; NULL when it can. */
static const char *
hint_of(const struct cli *c, const struct err *err)
{
	bool is_verify = c->command != NULL && strcmp(c->command->name, "verify") == 0;
	if (is_of_state(c, err))
		return "that is the state folder, where it is noted what must be given back "
		       "should this run die: STACKSNAP_STATE_DIR names another";
	/* What such a command finds damaged is not the repository's. */
	if (c->command != NULL && !c->command->needs_repository)
		return NULL;
	if (err->code == ERR_WRONG_KEY)
		return hint_of_key(c, err);
	/* "put KEY" is what stores say. */
	if (err->code == ERR_IO && strstr(err->msg, ": put ") != NULL &&
	    strstr(err->msg, strerror(ENOSPC)) != NULL)
		return "'stacksnap forget' and 'stacksnap prune' make room in a repository";
	if (err->code == ERR_CORRUPT && strstr(err->msg, "load index") != NULL)
		return "'stacksnap repair index' makes the indexes anew from the packs";
	if (err->code == ERR_CORRUPT && !is_verify)
		return "'stacksnap verify --read-data' tells what else is damaged";
	return NULL;
}

void
cli_tell_hint(const char *hint)
{
	fputs("hint: ", stderr);
	escape_print(stderr, hint);
	fputc('\n', stderr);
	fflush(stderr);
}

void
cli_tell_error(struct cli *c, const struct err *err)
{
	/* A reader of stdout that has gone knows that already. */
	if (err->msg[0] == '\0')
		return;
	if (c->text != NULL)
		text_sink_clear(c->text);
	const char *hint = hint_of(c, err);
	fputs(c->error_screen.has_color ? "\033[31mstacksnap: error:\033[0m "
					: "stacksnap: error: ",
	    stderr);
	escape_print(stderr, err->msg);
	fputc('\n', stderr);
	fflush(stderr);
	if (hint != NULL)
		cli_tell_hint(hint);
}

/* --- the result --- */

void
cli_result_begin(struct cli *c, struct json_writer *w, struct buf *line, enum exit_code code)
{
	json_init(w, line);
	json_obj(w, NULL);
	json_str(w, "type", "result");
	json_str(w, "command", c->command != NULL ? c->command->name : NULL);
	json_i64(w, "exit_code", code);
	json_str(w, "outcome", exit_code_outcome(code));
}

void
cli_result_error(struct json_writer *w, const struct err *err)
{
	json_obj(w, "error");
	json_str(w, "code", err_code_word(err->code));
	json_str(w, "message", err->msg);
	json_obj_end(w);
}

enum err_code
cli_result_end(struct json_writer *w, struct err *err)
{
	json_obj_end(w);
	if (json_finish(w, err))
		return err->code;
	return cli_write_line(w->out, err);
}

/* stdout did not take everything. */
static enum err_code
output_error(int errnum, struct err *err)
{
	if (errnum == EPIPE)
		return err_set(err, ERR_IO, "%s", "");
	return err_errno(err, errnum, "write to standard output");
}

enum err_code
cli_write_line(struct buf *line, struct err *err)
{
	if (buf_str(line, "\n", err))
		return err->code;
	errno = 0;
	if (fwrite(line->data, 1, line->len, stdout) != line->len || fflush(stdout) != 0)
		return output_error(errno, err);
	line->len = 0;
	return ERR_OK;
}

enum err_code
cli_flush(struct err *err)
{
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout))
		return output_error(errno != 0 ? errno : EPIPE, err);
	return ERR_OK;
}

#include "serve/keeper_impl.h"
#include "sys/fd.h"
#include "sys/proc.h"

#include <fcntl.h>
#include <string.h>

#define CALL_TIMEOUT_MS 300000

static enum err_code
add_pair(struct strv *out, const char *name, const char *value, struct err *err)
{
	if (value == NULL)
		return ERR_OK;
	return strv_add(out, name, err) ? err->code : strv_add(out, value, err);
}

enum err_code
keeper_command(struct keeper *k, const struct repo_place *place, const char *const *argv,
    struct strv *out, struct err *err)
{
	if (add_pair(out, "--cache-dir", k->opt.cache_dir, err) ||
	    add_pair(out, "--cacert", k->opt.ca_file, err))
		return err->code;
	const char *keys = k->opt.s3_credentials;
	if (place != NULL && place->s3_credentials != NULL)
		keys = place->s3_credentials;
	if (add_pair(out, "--s3-credentials", keys, err) ||
	    (place != NULL && (add_pair(out, "-r", place->address, err) ||
				  add_pair(out, "--password-file", place->password_file, err))))
		return err->code;
	return strv_add_words(out, argv, err);
}

/* A place that is not there is what the program will tell of. */
static enum err_code
place_if_any(
    struct keeper *k, struct repo_place *out, const struct repo_place **which, struct err *err)
{
	*which = NULL;
	if (keeper_place(k, out, err))
		return err->code == ERR_NO_REPOSITORY ? ERR_OK : err->code;
	*which = out;
	return ERR_OK;
}

enum err_code
keeper_environment(struct keeper *k, struct strv *out, struct err *err)
{
	/* Empty is as good as unset: which repository is meant, the catalogue says. */
	static const char *const none[] = { "STACKSNAP_REPOSITORY=", "STACKSNAP_PASSWORD_FILE=",
		"STACKSNAP_PASSWORD_COMMAND=", "STACKSNAP_FROM_PASSWORD_FILE=" };
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		if (strv_add(out, none[i], err))
			return err->code;
	return strv_addf(out, err, "STACKSNAP_STATE_DIR=%s", k->state_dir);
}

enum err_code
keeper_stream(struct keeper *k, const char *const *argv, int *fd, struct err *err)
{
	AUTO(repo_place) struct repo_place place = { NULL, NULL, NULL, NULL };
	const struct repo_place *which;
	AUTO(strv) struct strv command = STRV_INIT;
	AUTO(proc) struct proc *p = NULL;
	AUTO(strv) struct strv env = STRV_INIT;
	int ends[2];
	if (strv_add(&command, "/proc/self/exe", err) || place_if_any(k, &place, &which, err) ||
	    keeper_command(k, which, argv, &command, err) || keeper_environment(k, &env, err))
		return err->code;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, "make a pipe");
	AUTO(fd) int from = ends[0];
	AUTO(fd) int to = ends[1];
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = (const char *const *)command.items;
	opt.env = (const char *const *)env.items;
	opt.stdout_fd = to;
	opt.stderr_fd = STDERR_FILENO;
	if (proc_start(&p, &opt, err))
		return err->code;
	if (runs_adopt(k->runs, proc_pid(p), err))
		return err->code;
	proc_detach(TAKE(p));
	*fd = fd_take(&from);
	return ERR_OK;
}

/* --- programs whose result is waited for --- */

static enum err_code
code_of_word(const char *word)
{
	for (int c = ERR_USAGE; c <= ERR_INCOMPLETE; c++)
		if (strcmp(err_code_word((enum err_code)c), word) == 0)
			return (enum err_code)c;
	return ERR_IO;
}

static enum err_code
last_line(const struct buf *out, json_t **result, struct err *err)
{
	AUTO(json) json_t *j = NULL;
	const char *text = (const char *)out->data;
	size_t end = out->len;
	while (end > 0 && text[end - 1] == '\n')
		end--;
	size_t begin = end;
	while (begin > 0 && text[begin - 1] != '\n')
		begin--;
	struct err why;
	if (begin == end || json_parse(&j, text + begin, end - begin, "result", &why) ||
	    json_get_str(j, "type") == NULL || strcmp(json_get_str(j, "type"), "result") != 0)
		return err_set(err, ERR_IO, "it ended without a result");
	const json_t *error = json_object_get(j, "error");
	if (error != NULL) {
		const char *code = json_get_str(error, "code");
		const char *message = json_get_str(error, "message");
		return err_set(err, code_of_word(code != NULL ? code : ""), "%s",
		    message != NULL ? message : "it failed");
	}
	*result = TAKE(j);
	return ERR_OK;
}

enum err_code
keeper_call_at(const struct ask *ask, const struct repo_place *place, const char *const *argv,
    json_t **result, struct err *err)
{
	AUTO(strv) struct strv command = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	AUTO(bufv) struct buf said = BUF_INIT;
	int status;
	if (strv_add(&command, "/proc/self/exe", err) || strv_add(&command, "--json", err) ||
	    keeper_command(ask->keeper, place, argv, &command, err) ||
	    keeper_environment(ask->keeper, &env, err))
		return err->code;
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = (const char *const *)command.items;
	opt.env = (const char *const *)env.items;
	if (proc_run(&opt, NULL, CALL_TIMEOUT_MS, ask->cancel, &out, &said, &status, err))
		return err_set(err, err->code, "%s: %s", argv[0],
		    err->code == ERR_CANCELLED ? "it took too long" : "it could not be run");
	return last_line(&out, result, err);
}

enum err_code
keeper_call(const struct ask *ask, const char *const *argv, json_t **result, struct err *err)
{
	AUTO(repo_place) struct repo_place place = { NULL, NULL, NULL, NULL };
	const struct repo_place *which;
	if (place_if_any(ask->keeper, &place, &which, err))
		return err->code;
	return keeper_call_at(ask, which, argv, result, err);
}

/*
 * The INI file: where it is, whether it may be trusted, and what of it is
 * about one stack.  All of it is checked, also what is about other stacks.
 */
#include "base/ini.h"
#include "engine/settings_impl.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)1 << 20)

struct file_reader {
	struct settings *settings;
	const struct stack *stack;
	const char *path;
	/* The section that is being read. */
	bool is_ours; /* it speaks for this stack */
	enum setting_rank rank;
	char *service; /* NULL: for all */
};

static inline void
file_reader_auto(struct file_reader *r)
{
	free(r->service);
}

/* A service that has no container now, or a slip of the finger: which of them cannot be told.
 */
static enum err_code
check_service(struct file_reader *r, const char *service, size_t line, struct err *err)
{
	const struct stack *stack = r->stack;
	if (!r->is_ours || stack_find(stack, service) != NULL)
		return ERR_OK;
	return strv_addf(&r->settings->warnings, err,
	    "%s line %zu: stack %s has no service %s now: what is said for it does not count",
	    r->path, line, stack->name, service);
}

/* "defaults", "stack NAME", "stack NAME service SERVICE"; words are separated by one blank. */
static enum err_code
begin_section(struct file_reader *r, const struct ini_item *item, struct err *err)
{
	AUTO(strv) struct strv words = STRV_INIT;
	if (strv_split(&words, item->section, ' ', err))
		return err->code;
	free(TAKE(r->service));
	if (words.len == 1 && strcmp(words.items[0], "defaults") == 0) {
		r->is_ours = true;
		r->rank = RANK_FILE_DEFAULTS;
		return ERR_OK;
	}
	bool is_stack = words.len == 2 && strcmp(words.items[0], "stack") == 0;
	bool is_service = words.len == 4 && strcmp(words.items[0], "stack") == 0 &&
			  strcmp(words.items[2], "service") == 0;
	if (!is_stack && !is_service)
		return err_set(err, ERR_USAGE,
		    "%s:%zu: [%s] is none of [defaults], [stack NAME], [stack NAME service "
		    "SERVICE]",
		    r->path, item->line, item->section);
	r->is_ours = strcmp(words.items[1], r->stack->name) == 0;
	r->rank = is_service ? RANK_FILE_SERVICE : RANK_FILE_STACK;
	if (is_service && (str_dup(&r->service, words.items[3], err) ||
			      check_service(r, r->service, item->line, err)))
		return err->code;
	return ERR_OK;
}

static enum err_code
read_item(void *arg, const struct ini_item *item, struct err *err)
{
	struct file_reader *r = arg;
	if (item->key == NULL)
		return begin_section(r, item, err);
	enum setting which;
	if (setting_find(&which, item->key, "", err))
		return err_wrap(err, "%s:%zu", r->path, item->line);
	if (r->service != NULL && setting_is_of_stack(which))
		return err_set(err, ERR_USAGE,
		    "%s:%zu: %s is the whole stack's: write it in [stack NAME]", r->path,
		    item->line, item->key);
	AUTO(str) char *where = NULL;
	if (str_printf(&where, err, "%s line %zu", r->path, item->line))
		return err->code;
	if (setting_check(which, item->value, r->service == NULL, err))
		return err_wrap(err, "%s: %s", where, item->key);
	return r->is_ours ? settings_say(r->settings, r->rank, r->service, which, item->value,
				where, err)
			  : ERR_OK;
}

/* --- which file --- */

/* Hooks are started from it: nobody but root and this user may have written it. */
static enum err_code
check_trust(int fd, const char *path, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_sys(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "%s: is no file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(err, ERR_DENIED,
		    "%s: belongs to another user (%u), who could start programs from it: let "
		    "it belong to root or to you",
		    path, (unsigned)st.st_uid);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, ERR_DENIED,
		    "%s: others may write to it, and could start programs from it: chmod go-w "
		    "'%s'",
		    path, path);
	return ERR_OK;
}

/* ERR_NOT_FOUND when it is not there. */
static enum err_code
read_file(struct file_reader *r, struct err *err)
{
	AUTO(fd) int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	AUTO(bufv) struct buf text = BUF_INIT;
	if (fd < 0)
		return err_sys(err, "%s", r->path);
	if (check_trust(fd, r->path, err))
		return err->code;
	if (fd_read_to_end(fd, FILE_MAX_BYTES, &text, err))
		return err_wrap(err, "%s", r->path);
	return ini_parse(text.data, text.len, r->path, read_item, r, err);
}

static const char *
env_text(const char *name)
{
	const char *text = getenv(name);
	return text != NULL && *text != '\0' ? text : NULL;
}

/* The usual places, best first. */
static enum err_code
usual_places(struct strv *out, struct err *err)
{
	const char *xdg = env_text("XDG_CONFIG_HOME");
	const char *home = env_text("HOME");
	if (xdg != NULL && *xdg == '/' &&
	    strv_addf(out, err, "%s/stacksnap/stacksnap.ini", xdg))
		return err->code;
	if ((xdg == NULL || *xdg != '/') && home != NULL && *home == '/' &&
	    strv_addf(out, err, "%s/.config/stacksnap/stacksnap.ini", home))
		return err->code;
	return strv_add(out, "/etc/stacksnap/stacksnap.ini", err);
}

enum err_code
settings_read_file(
    struct settings *s, const struct stack *stack, const char *file, struct err *err)
{
	AUTO(file_reader) struct file_reader r = { .settings = s, .stack = stack };
	r.path = file != NULL ? file : env_text("STACKSNAP_CONFIG");
	if (r.path != NULL)
		return strcmp(r.path, SETTINGS_NO_FILE) == 0 ? ERR_OK : read_file(&r, err);
	AUTO(strv) struct strv places = STRV_INIT;
	if (usual_places(&places, err))
		return err->code;
	for (size_t i = 0; i < places.len; i++) {
		r.path = places.items[i];
		if (read_file(&r, err) == ERR_OK)
			return ERR_OK;
		if (err->code != ERR_NOT_FOUND)
			return err->code;
	}
	return ERR_OK;
}

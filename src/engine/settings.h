/*
 * settings.h: what the user wants done with a stack, and who said so.
 *
 * A setting has a name ("quiesce") and a value as text.  It is said, from the
 * weakest to the strongest, by
 *
 *	the built-in default
 *	the INI file's section [defaults]
 *	a label on a service ("stacksnap.quiesce"), which speaks for that service
 *	the INI file's section [stack NAME], then [stack NAME service SERVICE]
 *	an option on the command line, then one for a single service
 *
 * The strongest one counts alone: values are never put together.
 *
 * Some are a service's, some are the whole stack's; of those a label on any
 * service counts, and two services that differ are refused.  Values are checked
 * where they are read: an unknown name or a value that makes no sense is
 * ERR_USAGE with the place where it stands.  docs/settings.md is for users.
 *
 * Ownership: settings own all they give out.
 * Threads:   read-only once loaded.
 */
#ifndef ENGINE_SETTINGS_H
#define ENGINE_SETTINGS_H

#include "base/strv.h"
#include "docker/stack.h"

enum setting {
	/* Of a service. */
	SETTING_ENABLE, /* "true": it, and what only it mounts, is captured */
	SETTING_QUIESCE, /* "auto", "none", "pause", "stop"; of the stack also "down" */
	SETTING_DATABASE, /* "auto", "none" (files, not dumped), or a word of db_kind_word */
	SETTING_EXCLUDE, /* rules of tree/ignore.h, one a line, for all that it mounts */
	SETTING_HOOK_BEFORE, /* argv, run in its container before the stack is made quiet */
	SETTING_HOOK_AFTER, /* and after it runs again, also when the backup failed */
	SETTING_HOOK_TIMEOUT, /* "60s" */
	SETTING_STOP_TIMEOUT, /* "10s": until it is killed; "": its own */
	SETTING_SQLITE, /* "auto" (by their header, through SQLite's backup API) or "files" */
	SETTING_IMAGE, /* "auto" (kept when it was built here and cannot be pulled), "save",
			  "none" */
	/* Of the stack. */
	SETTING_DOWNTIME, /* "30s": the longest that services may be quiet; "0": no limit */
	SETTING_SHRINK, /* "50%": a member that lost more than that is quarantined; "100%": none
			 */
	SETTING_SNAPSHOT, /* "auto", "none": use the filesystem's own snapshots */
	SETTINGS,
};

enum setting_origin {
	SETTING_FROM_DEFAULT,
	SETTING_FROM_LABEL,
	SETTING_FROM_FILE,
	SETTING_FROM_OPTION,
};

struct setting_value {
	const char *text;
	enum setting_origin origin;
	const char *where; /* for people: "default", "label stacksnap.quiesce on service app",
			      "/etc/stacksnap/stacksnap.ini line 12", "--quiesce" */
};

/* What was said on the command line; each may be NULL. */
struct settings_options {
	const char
	    *file; /* the INI file; NULL: the usual places, none of which need be there */
	const char *values[SETTINGS]; /* of options of that name: --quiesce */
	const struct strv *set; /* of --set: "NAME=VALUE" or "SERVICE/NAME=VALUE" */
};

/* A file's name that means that there is none. */
#define SETTINGS_NO_FILE "/dev/null"

struct settings;

/* opt may be NULL.  The file is $STACKSNAP_CONFIG when opt names none, else
 * stacksnap/stacksnap.ini in $XDG_CONFIG_HOME (~/.config), else
 * /etc/stacksnap/stacksnap.ini.  It may start programs, so it must belong to root
 * or to this user, and nobody else may write it: ERR_DENIED otherwise. */
MUST_CHECK enum err_code settings_load(struct settings **out, const struct stack *s,
    const struct settings_options *opt, struct err *err);
void settings_free(struct settings *s);
AUTO_FREE(settings, struct settings *, settings_free)

/* "enable", "hook.before", ... */
const char *setting_name(enum setting which);
bool setting_is_of_stack(enum setting which);

/* What was read and does not hold for anything here, for people. */
const struct strv *settings_warnings(const struct settings *s);

/* The value that counts; never NULL.  service is NULL for settings of the stack; for those of a
 * service that gives what is said for all services at once, without any label. */
const struct setting_value *settings_get(
    const struct settings *s, const char *service, enum setting which);
/* The same as what it means; values were checked when they were read. */
bool settings_flag(const struct settings *s, const char *service, enum setting which);
/* -1 for "", 0 for "0". */
int64_t settings_ms(const struct settings *s, const char *service, enum setting which);
unsigned settings_percent(const struct settings *s, const char *service, enum setting which);
/* Lines or, for hooks, words of an argv (JSON array, or words split at blanks; no shell). */
MUST_CHECK enum err_code settings_words(struct strv *out, const struct settings *s,
    const char *service, enum setting which, struct err *err);

/* Every value said for it, the one that counts first: for `stacks --why`. */
typedef enum err_code settings_said_fn(
    void *arg, const struct setting_value *v, struct err *err);
MUST_CHECK enum err_code settings_said(const struct settings *s, const char *service,
    enum setting which, settings_said_fn *fn, void *arg, struct err *err);

#endif

/*
 * settings_impl.h: how settings are put together; for settings*.c only.
 */
#ifndef ENGINE_SETTINGS_IMPL_H
#define ENGINE_SETTINGS_IMPL_H

#include "engine/settings.h"

/* From the weakest to the strongest. */
enum setting_rank {
	RANK_DEFAULT,
	RANK_FILE_DEFAULTS, /* [defaults] */
	RANK_LABEL,
	RANK_FILE_STACK, /* [stack NAME] */
	RANK_FILE_SERVICE, /* [stack NAME service SERVICE] */
	RANK_OPTION,
	RANK_OPTION_SERVICE,
};

struct said {
	enum setting which;
	enum setting_rank rank;
	char *service; /* NULL: for all */
	char *text;
	char *where;
	struct setting_value value; /* of these */
};

struct settings {
	struct said *said;
	size_t n_said;
	struct strv warnings;
};

/* Add a value for a service, or for all (NULL).  ERR_USAGE, with where in front, when it makes
 * no sense there. */
MUST_CHECK enum err_code settings_say(struct settings *s, enum setting_rank rank,
    const char *service, enum setting which, const char *text, const char *where,
    struct err *err);

/* The setting of that name.  ERR_USAGE names the nearest; prefix ("stacksnap.", "") is put
 * before names, for the error alone. */
MUST_CHECK enum err_code setting_find(
    enum setting *out, const char *name, const char *prefix, struct err *err);
/* Does the text make sense?  is_wide: it is said for all services of a stack, not by a label or
 * for one.  ERR_USAGE says what would. */
MUST_CHECK enum err_code setting_check(
    enum setting which, const char *text, bool is_wide, struct err *err);
const char *setting_default(enum setting which);

/* What texts mean that setting_check has passed. */
bool setting_is_true(const char *text);
int64_t setting_ms(const char *text);
unsigned setting_percent(const char *text);
MUST_CHECK enum err_code setting_argv(struct strv *out, const char *text, struct err *err);
MUST_CHECK enum err_code setting_rules(struct strv *out, const char *text, struct err *err);

/* Everything that the INI file says about the stack; file as in settings_options. */
MUST_CHECK enum err_code settings_read_file(
    struct settings *s, const struct stack *stack, const char *file, struct err *err);

#endif

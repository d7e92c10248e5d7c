/*
 * settings_args.h: what the command line says about stacks: the options that
 * commands share which make a plan.
 */
#ifndef CLI_SETTINGS_ARGS_H
#define CLI_SETTINGS_ARGS_H

#include "cli/cli.h"
#include "engine/settings.h"

/* Rows of struct option_def. */
#define OPTION_CONFIG                                                               \
	{                                                                           \
		"config", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL,                 \
		    "settings of stacks (or STACKSNAP_CONFIG; /dev/null: no file)", \
		    offsetof(struct args, config)                                   \
	}
#define OPTION_SET                                                               \
	{                                                                        \
		"set", 0, OPTION_LIST, WORD_ANY, "[SERVICE/]NAME=VALUE", NULL,   \
		    "a setting of the stack, or of a service (may be repeated)", \
		    offsetof(struct args, set)                                   \
	}

/* Borrows from a. */
void settings_args_take(struct settings_options *out, const struct args *a);
/* Tell as warnings what settings do not hold for anything here. */
void settings_args_tell(struct cli *c, const char *stack, const struct settings *s);

#endif

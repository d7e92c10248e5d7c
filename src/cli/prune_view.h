/*
 * prune_view.h: options and results of pruning, for prune and forget --prune.
 */
#ifndef CLI_PRUNE_VIEW_H
#define CLI_PRUNE_VIEW_H

#include "cli/cli.h"
#include "engine/prune.h"

/* For a command's table of options. */
#define PRUNE_OPTIONS                                                   \
	{ "max-unused", 0, OPTION_VALUE, WORD_ANY, "SIZE", NULL,        \
		"may stay unused: 5% (the default), 0, 10G, unlimited", \
		offsetof(struct args, max_unused) },                    \
	{                                                               \
		"take-over", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,    \
		    "go on for a prune that has certainly ended",       \
		    offsetof(struct args, take_over)                    \
	}

MUST_CHECK enum err_code prune_view_options(
    struct prune_options *out, const struct cli *c, struct err *err);
void prune_view_print(const struct prune_result *r, bool dry_run);
/* The fields of a JSON object. */
void prune_view_write(struct json_writer *w, const struct prune_result *r);

#endif

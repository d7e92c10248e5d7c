/*
 * filter_args.h: the options that say which snapshots are meant.
 */
#ifndef CLI_FILTER_ARGS_H
#define CLI_FILTER_ARGS_H

#include "cli/cli.h"
#include "engine/filter.h"

/* Rows of a command's option table. */
#define FILTER_OPTIONS                                                                      \
	{ "stack", 0, OPTION_LIST, WORD_STACK, "STACK", NULL, "snapshots of this stack",    \
		offsetof(struct args, stacks) },                                            \
	    { "path", 0, OPTION_LIST, WORD_FOLDER, "DIR", NULL, "snapshots of this folder", \
		    offsetof(struct args, paths) },                                         \
	    { "db", 0, OPTION_LIST, WORD_ANY, "NAME", NULL,                                 \
		    "snapshots of this database outside of stacks",                         \
		    offsetof(struct args, databases) },                                     \
	    { "host", 0, OPTION_LIST, WORD_ANY, "HOST", NULL, "snapshots of this host",     \
		    offsetof(struct args, hosts) },                                         \
	    { "tag", 0, OPTION_LIST, WORD_ANY, "TAG[,TAG...]", NULL,                        \
		    "snapshots with all these tags", offsetof(struct args, tags) },         \
	    { "since", 0, OPTION_VALUE, WORD_ANY, "TIME", NULL,                             \
		    "from then on: 2026-11-21, \"2026-11-21 15:30\", 7d, 36h, 3m",          \
		    offsetof(struct args, since) },                                         \
	{                                                                                   \
		"until", 0, OPTION_VALUE, WORD_ANY, "TIME", NULL, "before then",            \
		    offsetof(struct args, until)                                            \
	}

/* From these options, and the operands as names of snapshots. */
MUST_CHECK enum err_code cli_filter(
    const struct cli *c, struct snapshot_filter *out, struct err *err);

#endif

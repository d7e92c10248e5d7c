/*
 * command.h: what a command is: a row of the table from which parsing, help
 * and shell completion are made.
 *
 * Options name the field of struct args that they fill in; no command parses
 * anything itself.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/strv.h"
#include "cli/exit_code.h"

struct cli;

/* The parsed command line.  Strings are borrowed from argv. */
struct args {
	/* Of every command. */
	const char *repository;
	const char *password_file;
	const char *key_file;
	const char *cache_dir;
	const char *s3_credentials;
	const char *cacert;
	bool json;
	bool quiet;
	bool no_color;
	bool help;
	bool version; /* the command is "version" then, whatever else was said */
	/* Of some. */
	bool all;
	bool dry_run;
	bool allow_empty;
	bool allow_shrink;
	bool is_long;
	bool recursive;
	bool read_data;
	bool yes;
	const char *quiesce;
	const char *max_downtime;
	const char *as;
	const char *to;
	struct strv paths;
	struct strv tags;
	/* Which snapshots: snapshots, find, forget, tag, stats, copy. */
	struct strv stacks;
	struct strv hosts;
	struct strv databases;
	const char *since;
	const char *until;
	const char *latest;
	/* stacks, backup */
	const char *config;
	struct strv set;
	bool why;
	/* backup */
	struct strv exclude;
	struct strv exclude_from;
	bool exclude_caches;
	bool one_file_system;
	const char *host;
	const char *time;
	const char *stdin_name;
	bool stdin_tar;
	bool stdin_command;
	/* diff */
	bool stat;
	bool rows;
	bool schema;
	bool no_pager;
	const char *service;
	const char *database;
	const char *columns;
	const char *limit;
	const char *html;
	const char *pager;
	const char *text;
	struct strv tables;
	/* restore */
	struct strv include;
	const char *overwrite;
	bool verify;
	bool delete_extra;
	struct strv services;
	struct strv members;
	const char *wait;
	const char *older_than;
	bool no_start;
	bool any_space;
	bool preview_rows;
	bool no_rows;
	bool trust;
	const char *into;
	const char *key_prefix;
	const char *key_prefix_hex;
	bool in_place;
	/* verify */
	const char *read_data_subset;
	/* repair */
	bool read_all;
	/* forget, prune */
	const char *keep_last;
	const char *keep_hourly;
	const char *keep_daily;
	const char *keep_weekly;
	const char *keep_monthly;
	const char *keep_yearly;
	const char *keep_within;
	struct strv keep_tags;
	bool proved;
	const char *verified_before;
	bool prune;
	const char *max_unused;
	bool take_over;
	/* tag */
	struct strv add_tags;
	struct strv remove_tags;
	/* key, recovery-kit, recover-key, copy */
	const char *new_password_file;
	const char *new_key_file;
	const char *label;
	const char *from;
	const char *from_password_file;
	const char *from_key_file;
	const char *format;
	const char *output;
	bool with_code;
	/* drill */
	bool keep;
	bool pull;
	bool remove;
	bool no_record;
	/* mount */
	bool allow_other;
	/* db, backup */
	const char *env;
	const char *project;
	const char *password_fd;
	bool no_test;
	bool db;
	/* serve */
	const char *listen;
	const char *state_dir;
	struct strv public_urls;
	bool behind_proxy;
	bool rebuild;
	/* What is no option. */
	struct strv operands;
};

#define ARGS_INIT                                                                       \
	{                                                                               \
		.paths = STRV_INIT, .tags = STRV_INIT, .stacks = STRV_INIT,             \
		.hosts = STRV_INIT, .databases = STRV_INIT, .exclude = STRV_INIT,       \
		.exclude_from = STRV_INIT, .include = STRV_INIT, .services = STRV_INIT, \
		.members = STRV_INIT, .keep_tags = STRV_INIT, .add_tags = STRV_INIT,    \
		.remove_tags = STRV_INIT, .set = STRV_INIT, .tables = STRV_INIT,        \
		.public_urls = STRV_INIT, .operands = STRV_INIT                         \
	}

void args_release(struct args *a);

enum option_kind {
	OPTION_SWITCH, /* a bool in struct args */
	OPTION_VALUE, /* a const char *, the last one given */
	OPTION_LIST, /* a struct strv, each one given */
};

/* What stands in an operand's or an option value's place, for shell completion. */
enum word_kind {
	WORD_ANY,
	WORD_FILE,
	WORD_FOLDER,
	WORD_STACK,
	WORD_SNAPSHOT,
	WORD_COMMAND,
	WORD_CHOICE, /* one of option_def.choices */
};

struct option_def {
	const char *name; /* "password-file" */
	char letter; /* 'r'; 0: none */
	enum option_kind kind;
	enum word_kind word;
	const char *value; /* "FILE"; NULL for switches */
	const char *choices; /* "none pause stop"; NULL: anything goes */
	const char *help; /* one line */
	size_t field; /* offsetof in struct args */
};

struct example {
	const char *line;
	const char *what;
};

struct command {
	const char *name;
	const char *summary; /* one line, no full stop */
	const char *operands; /* "STACK…"; "" for none */
	const char *about; /* what a user must know, lines of at most 80 columns */
	const struct option_def *options;
	size_t n_options;
	const struct example *examples;
	size_t n_examples;
	size_t min_operands;
	size_t max_operands;
	enum word_kind word; /* of the first operand */
	const char *choices; /* with WORD_CHOICE: "list add" */
	bool needs_repository;
	bool has_json;
	bool is_hidden;
	/* ERR_OK: *code says how it ended, and the result was printed.  Otherwise nothing was.
	 */
	enum err_code (*run)(struct cli *c, enum exit_code *code, struct err *err);
};

/* All commands, in the order of help. */
extern const struct command *const commands[];
extern const size_t n_commands;
/* The options that every command takes. */
extern const struct option_def global_options[];
extern const size_t n_global_options;

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);

extern const struct command command_init;
extern const struct command command_stacks;
extern const struct command command_backup;
extern const struct command command_db;
extern const struct command command_snapshots;
extern const struct command command_show;
extern const struct command command_find_paths; /* "find" */
extern const struct command command_diff;
extern const struct command command_ls;
extern const struct command command_cat;
extern const struct command command_dump;
extern const struct command command_verify;
extern const struct command command_stats;
extern const struct command command_repair;
extern const struct command command_copy;
extern const struct command command_restore;
extern const struct command command_drill;
extern const struct command command_receipt;
extern const struct command command_tag;
extern const struct command command_accept;
extern const struct command command_forget;
extern const struct command command_prune;
extern const struct command command_recover;
extern const struct command command_mount;
extern const struct command command_serve;
extern const struct command command_key;
extern const struct command command_recovery_kit;
extern const struct command command_store;
extern const struct command command_recover_key;
extern const struct command command_version;
extern const struct command command_help;
extern const struct command command_completion;

#endif

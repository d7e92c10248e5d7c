#include "cli/command.h"

#include <string.h>

const struct command *const commands[] = {
	&command_init,
	&command_stacks,
	&command_backup,
	&command_db,
	&command_snapshots,
	&command_show,
	&command_ls,
	&command_find_paths,
	&command_diff,
	&command_cat,
	&command_dump,
	&command_verify,
	&command_stats,
	&command_tag,
	&command_accept,
	&command_forget,
	&command_prune,
	&command_repair,
	&command_copy,
	&command_restore,
	&command_drill,
	&command_receipt,
	&command_recover,
	&command_mount,
	&command_serve,
	&command_store,
	&command_key,
	&command_recovery_kit,
	&command_recover_key,
	&command_version,
	&command_help,
	&command_completion,
};
const size_t n_commands = ARRAY_LEN(commands);

const struct option_def global_options[] = {
	{ "repository", 'r', OPTION_VALUE, WORD_FOLDER, "PLACE", NULL,
	    "the repository (or STACKSNAP_REPOSITORY)", offsetof(struct args, repository) },
	{ "password-file", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL,
	    "read the passphrase from FILE", offsetof(struct args, password_file) },
	{ "key-file", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL,
	    "open it with a key file (or STACKSNAP_KEY_FILE)",
	    offsetof(struct args, key_file) },
	{ "cache-dir", 0, OPTION_VALUE, WORD_FOLDER, "DIR", NULL,
	    "keep local copies of indexes there", offsetof(struct args, cache_dir) },
	{ "s3-credentials", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL,
	    "S3: key pair from FILE, as ~/.aws/credentials",
	    offsetof(struct args, s3_credentials) },
	{ "cacert", 0, OPTION_VALUE, WORD_FILE, "FILE", NULL,
	    "S3: trust the authorities in FILE (PEM)", offsetof(struct args, cacert) },
	{ "json", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL, "write JSON lines to standard output",
	    offsetof(struct args, json) },
	{ "quiet", 'q', OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "tell of warnings and problems only", offsetof(struct args, quiet) },
	{ "no-color", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL, "no colours (or NO_COLOR)",
	    offsetof(struct args, no_color) },
	{ "help", 'h', OPTION_SWITCH, WORD_ANY, NULL, NULL, "this text",
	    offsetof(struct args, help) },
	{ "version", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL, "the version, as the command does",
	    offsetof(struct args, version) },
};
const size_t n_global_options = ARRAY_LEN(global_options);

const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < n_commands; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

void
args_release(struct args *a)
{
	strv_release(&a->paths);
	strv_release(&a->tags);
	strv_release(&a->stacks);
	strv_release(&a->hosts);
	strv_release(&a->databases);
	strv_release(&a->exclude);
	strv_release(&a->exclude_from);
	strv_release(&a->include);
	strv_release(&a->services);
	strv_release(&a->members);
	strv_release(&a->keep_tags);
	strv_release(&a->add_tags);
	strv_release(&a->remove_tags);
	strv_release(&a->set);
	strv_release(&a->tables);
	strv_release(&a->public_urls);
	strv_release(&a->operands);
}

/*
 * mount: hand over to stacksnap-mount, which is a program of its own so that
 * this one needs no libfuse.
 *
 * It is run in place of this process, before any passphrase is asked for: it
 * takes the same options and asks itself, so nothing secret is handed over.
 */
#include "base/strv.h"
#include "cli/cli.h"

#include <errno.h>

#define PROGRAM "stacksnap-mount"

static enum err_code
add_option(struct strv *argv, const char *name, const char *value, struct err *err)
{
	if (value == NULL)
		return ERR_OK;
	return strv_addf(argv, err, "--%s=%s", name, value);
}

static enum err_code
add_switch(struct strv *argv, const char *name, bool is_on, struct err *err)
{
	return is_on ? strv_addf(argv, err, "--%s", name) : ERR_OK;
}

static enum err_code
make_argv(const struct args *a, struct strv *argv, struct err *err)
{
	if (strv_add(argv, PROGRAM, err) ||
	    add_option(argv, "repository", a->repository, err) ||
	    add_option(argv, "password-file", a->password_file, err) ||
	    add_option(argv, "key-file", a->key_file, err) ||
	    add_option(argv, "cache-dir", a->cache_dir, err) ||
	    add_option(argv, "s3-credentials", a->s3_credentials, err) ||
	    add_option(argv, "cacert", a->cacert, err) ||
	    add_switch(argv, "json", a->json, err) ||
	    add_switch(argv, "quiet", a->quiet, err) ||
	    add_switch(argv, "no-color", a->no_color, err) ||
	    add_switch(argv, "allow-other", a->allow_other, err) || strv_add(argv, "--", err))
		return err->code;
	return strv_add(argv, a->operands.items[0], err);
}

/* Beside this program, in libexec beside its folder, or in PATH.  Returns only when there is
 * none. */
static enum err_code
run_program(char *const argv[], struct err *err)
{
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	if (len > 0) {
		self[len] = '\0';
		int folder = (int)(strrchr(self, '/') - self);
		AUTO(str) char *near = NULL;
		AUTO(str) char *libexec = NULL;
		if (str_printf(&near, err, "%.*s/" PROGRAM, folder, self) ||
		    str_printf(
			&libexec, err, "%.*s/../libexec/stacksnap/" PROGRAM, folder, self))
			return err->code;
		execv(near, argv);
		execv(libexec, argv);
	}
	execvp(PROGRAM, argv);
	if (errno == ENOENT)
		return err_set(err, ERR_UNSUPPORTED,
		    PROGRAM " is not installed: it is built where libfuse 3 is (Debian: "
			    "apt-get install libfuse3-dev fuse3, then build again)");
	return err_sys(err, "run " PROGRAM);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	(void)code;
	AUTO(strv) struct strv argv = STRV_INIT;
	if (make_argv(&c->args, &argv, err))
		return err->code;
	return run_program(argv.items, err);
}

static const struct option_def options[] = {
	{ "allow-other", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "let other users in, as far as the stored modes allow",
	    offsetof(struct args, allow_other) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup mount /mnt", "until Ctrl-C; look into it from elsewhere" },
	{ "stacksnap mount --allow-other /mnt",
	    "for 'diff -r /srv/shop /mnt/stacks/shop/latest/project' by somebody else" },
};

const struct command command_mount = {
	.name = "mount",
	.summary = "show the snapshots as files in a folder, read-only",
	.operands = "DIR",
	.about =
	    "Mounts all snapshots in DIR, an empty folder, until it is unmounted or the "
	    "command\n"
	    "is stopped.  What is read there is fetched and checked at that moment; damage "
	    "gives\n"
	    "an input/output error and is told here.  Snapshots that are made meanwhile "
	    "appear.\n"
	    "\n"
	    "  snapshots/2026-11-21T15-30-05_12ab34cd/   each of them\n"
	    "  stacks/shop/…                             those of a stack, and \"latest\"\n"
	    "  hosts/nas/…                               those of folders, by host\n"
	    "  latest                                    the newest of all\n"
	    "\n"
	    "'fusermount3 -u DIR' (or 'umount DIR', as root) ends it from elsewhere.\n"
	    "\n"
	    "Only the user who mounts can look into it, and at everything.  With "
	    "--allow-other\n"
	    "everybody can, as far as the modes and owners of the saved files allow.  Needs\n"
	    "/dev/fuse; other users than root need fusermount3.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.min_operands = 1,
	.max_operands = 1,
	.word = WORD_FOLDER,
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

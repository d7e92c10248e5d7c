/*
 * init: make a repository.
 */
#include "base/bytes.h"
#include "cli/new_key.h"
#include "cli/passphrase.h"
#include "cli/store_args.h"
#include "sys/clock.h"

#define REPOSITORY_ID_BYTES 16

#define LATE_MAX_S 90

static enum err_code
note_entry(void *arg, const struct store_entry *e, struct err *err)
{
	(void)e;
	(void)err;
	*(bool *)arg = true;
	return ERR_OK;
}

/* A key slot was put: when it is not listed yet, listings are late here, and it must be said in
 * the address how late. */
static enum err_code
wait_for_listings(struct cli *c, struct store *s, struct err *err)
{
	int64_t began = clock_mono_ns();
	bool is_listed = false;
	for (int64_t took_s = 0; took_s <= LATE_MAX_S;
	     took_s = (clock_mono_ns() - began) / NS_PER_S) {
		if (store_list(s, "keys/", NULL, note_entry, &is_listed, err))
			return err->code;
		if (is_listed) {
			if (took_s > store_list_lag_s(s))
				event_warning(c->events, NULL,
				    "listings are late here (%lld s): say so with ?lag=%lld in "
				    "the address, so that prune waits for what others put",
				    (long long)took_s, (long long)(2 * took_s + 1));
			return ERR_OK;
		}
		if (cancel_wait(c->cancel, NS_PER_S / 2, err))
			return err->code;
	}
	return err_set(err, ERR_IO, "what was put is not listed after %d s", LATE_MAX_S);
}

/* Make it with the passphrase, or with the key file when only that was given. */
static enum err_code
create(struct cli *c, struct place *p, struct err *err)
{
	struct repo_create_options opt = REPO_CREATE_OPTIONS_INIT;
	char label[KEY_LABEL_MAX + 1];
	AUTO(secret) struct secret *passphrase = NULL;
	AUTO(secret) struct secret *key_file = NULL;
	struct repo_key by_passphrase = { NULL, NULL };
	struct repo_key by_key_file = { NULL, NULL };
	struct id second;
	new_key_default_label(label);
	opt.label = label;
	if (c->args.key_file != NULL &&
	    key_file_get(&key_file, c->args.key_file, c->events, c->cancel, err))
		return err->code;
	bool with_passphrase = key_file == NULL || c->args.password_file != NULL;
	if (with_passphrase && cli_passphrase(c, true, &passphrase, err))
		return err->code;
	by_passphrase.passphrase = passphrase;
	by_key_file.key_file = key_file;
	const struct repo_key *first = with_passphrase ? &by_passphrase : &by_key_file;
	if (repo_create(p->store, first, &opt, err) || wait_for_listings(c, p->store, err) ||
	    repo_open(&p->repo, p->store, first, NULL, err))
		return err->code;
	if (with_passphrase && key_file != NULL)
		return key_add(p->repo, &by_key_file, &opt, &second, err);
	return ERR_OK;
}

static enum err_code
print(struct cli *c, const struct place *p, enum exit_code code, struct err *err)
{
	char id[2 * REPOSITORY_ID_BYTES + 1];
	hex_encode(id, repo_id(p->repo), REPOSITORY_ID_BYTES);
	if (!c->args.json) {
		printf("repository %.8s made in %s\n", id, store_location(p->store));
		return ERR_OK;
	}
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_str(&w, "repository", store_location(p->store));
	json_str(&w, "id", id);
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	const char *where;
	AUTO(place) struct place p = PLACE_INIT;
	if (cli_repository(c, &where, err) ||
	    cli_store(c, where, STORE_CREATE, &p.store, err) || create(c, &p, err))
		return err->code;
	struct err why;
	if (cli_store_probe(c, where, &why))
		event_warning(c->events, NULL, "what the server can is not known: %s", why.msg);
	if (c->args.key_file == NULL)
		event_note(c->events, NULL,
		    "Keep the passphrase in a safe place: without it nothing here can be read "
		    "again.");
	else if (c->args.password_file == NULL)
		event_note(c->events, NULL,
		    "Keep the key file in a safe place: without it nothing here can be read "
		    "again.");
	return print(c, &p, *code, err);
}

static const struct example examples[] = {
	{ "stacksnap -r /backup init", "asks for a passphrase, twice" },
	{ "stacksnap -r s3:https://s3.eu-west-1.amazonaws.com/bucket/shop init",
	    "on S3, with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" },
	{ "stacksnap -r /backup --password-file /root/backup.pass init",
	    "takes the passphrase from a file" },
	{ "head -c 64 /dev/urandom >/root/backup.key; chmod 600 /root/backup.key\n"
	  "  stacksnap -r /backup --key-file /root/backup.key init",
	    "a key file instead of a passphrase" },
};

const struct command command_init = {
	.name = "init",
	.summary = "make a repository",
	.operands = "",
	.about =
	    "Makes a repository in the folder given by -r, which must be empty or absent, or\n"
	    "in a bucket of S3, which must be there: s3:https://HOST/BUCKET/PREFIX\n"
	    "('stacksnap store test' tells whether it will do).\n"
	    "Everything in it is encrypted.  The passphrase, or the key file, is the only way\n"
	    "to it: there is no other key.  With --password-file and --key-file, each of the\n"
	    "two opens it.",
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

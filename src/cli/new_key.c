#include "cli/new_key.h"

#include "cli/passphrase.h"
#include "sys/identity.h"

void
new_key_release(struct new_key *k)
{
	secret_free(k->passphrase);
	secret_free(k->key_file);
	*k = (struct new_key)NEW_KEY_INIT;
}

void
new_key_default_label(char out[KEY_LABEL_MAX + 1])
{
	char user[IDENTITY_MAX];
	char host[IDENTITY_MAX];
	identity_user(user);
	identity_host(host);
	/* The rest of a name that is too long is worth less than none at all. */
	snprintf(out, KEY_LABEL_MAX + 1, "%.31s@%.31s", user, host);
	if (!str_is_utf8(out, strlen(out)))
		out[0] = '\0';
}

static enum err_code
set_label(const char *label, struct new_key *k, struct err *err)
{
	if (label == NULL) {
		new_key_default_label(k->label);
		return ERR_OK;
	}
	if (strlen(label) > KEY_LABEL_MAX || !str_is_utf8(label, strlen(label)))
		return err_set(err, ERR_USAGE,
		    "--label: at most %d bytes of UTF-8 (this has %zu)", KEY_LABEL_MAX,
		    strlen(label));
	snprintf(k->label, sizeof k->label, "%s", label);
	return ERR_OK;
}

enum err_code
new_key_get(struct cli *c, const char *label, struct new_key *out, struct err *err)
{
	AUTO(new_key) struct new_key k = NEW_KEY_INIT;
	const struct args *a = &c->args;
	if (a->new_key_file != NULL && a->new_password_file != NULL)
		return err_set(
		    err, ERR_USAGE, "--new-key-file and --new-password-file: give only one");
	if (set_label(a->label != NULL ? a->label : label, &k, err))
		return err->code;
	if (a->new_key_file != NULL) {
		if (key_file_get(&k.key_file, a->new_key_file, c->events, c->cancel, err))
			return err->code;
	} else {
		struct passphrase_source source = {
			.file = a->new_password_file,
			.is_new = true,
			.ways = "--new-password-file FILE or --new-key-file FILE",
			.events = c->events,
			.cancel = c->cancel,
		};
		if (c->text != NULL)
			text_sink_clear(c->text);
		if (passphrase_get(&k.passphrase, &source, err))
			return err_wrap(err, "the new key");
	}
	*out = k;
	k = (struct new_key)NEW_KEY_INIT;
	return ERR_OK;
}

struct repo_key
new_key_as_key(const struct new_key *k)
{
	return (struct repo_key){ .passphrase = k->passphrase, .key_file = k->key_file };
}

struct repo_create_options
new_key_options(const struct new_key *k)
{
	struct repo_create_options opt = REPO_CREATE_OPTIONS_INIT;
	opt.label = k->label;
	return opt;
}

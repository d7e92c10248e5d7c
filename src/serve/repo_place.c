#include "serve/repo_place.h"

#include "sys/fs.h"

#include <string.h>
#include <sys/stat.h>

#define PREFIX "repository-"
#define UNFINISHED "new-repository"
#define ADDRESS_MAX 4096

void
repo_place_release(struct repo_place *p)
{
	free(p->folder);
	free(p->password_file);
	free(p->s3_credentials);
	free(p->address);
	*p = (struct repo_place){ NULL, NULL, NULL, NULL };
}

enum err_code
repo_place_load(
    struct repo_place *out, const char *state_dir, const char *name, struct err *err)
{
	AUTO(repo_place) struct repo_place p = { NULL, NULL, NULL, NULL };
	AUTO(str) char *file = NULL;
	AUTO(bufv) struct buf text = BUF_INIT;
	if (str_printf(&p.folder, err, "%s/secrets/%s", state_dir, name) ||
	    str_printf(&p.password_file, err, "%s/passphrase", p.folder) ||
	    str_printf(&p.s3_credentials, err, "%s/s3.ini", p.folder) ||
	    str_printf(&file, err, "%s/address", p.folder))
		return err->code;
	if (fs_read_file(file, ADDRESS_MAX, &text, err) ||
	    str_dupn(&p.address, (const char *)text.data, text.len, err))
		return err_wrap(err, "read where the repository is");
	if (!fs_exists(p.s3_credentials)) {
		free(p.s3_credentials);
		p.s3_credentials = NULL;
	}
	*out = p;
	p = (struct repo_place){ NULL, NULL, NULL, NULL };
	return ERR_OK;
}

enum err_code
repo_place_write_keys(const char *path, const json_t *s3_keys, struct err *err)
{
	AUTO(secret_buf) struct buf text = BUF_INIT;
	const char *token = json_get_str(s3_keys, "session_token");
	if (buf_printf(&text, err, "[default]\naws_access_key_id = %s\n",
		json_get_str(s3_keys, "access_key")) ||
	    buf_printf(&text, err, "aws_secret_access_key = %s\n",
		json_get_str(s3_keys, "secret_key")) ||
	    (token != NULL && buf_printf(&text, err, "aws_session_token = %s\n", token)))
		return err->code;
	return fs_write_file(path, 0600, text.data, text.len, err);
}

static enum err_code
write_text(const char *folder, const char *name, const char *text, struct err *err)
{
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, "%s/%s", folder, name))
		return err->code;
	return fs_write_file(path, 0600, text, strlen(text), err);
}

/* The number behind the prefix; 0: it is no such name. */
static unsigned
number_of(const char *name)
{
	if (!str_starts(name, PREFIX))
		return 0;
	const char *digits = name + strlen(PREFIX);
	size_t len = strspn(digits, "0123456789");
	if (len == 0 || len > 6 || digits[len] != '\0' || digits[0] == '0')
		return 0;
	return (unsigned)strtoul(digits, NULL, 10);
}

static enum err_code
highest(unsigned *out, const char *secrets, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	*out = 0;
	if (fs_list_dir(secrets, &names, err))
		return err->code == ERR_NOT_FOUND ? ERR_OK : err->code;
	for (size_t i = 0; i < names.len; i++) {
		unsigned n = number_of(names.items[i]);
		*out = n > *out ? n : *out;
	}
	return ERR_OK;
}

enum err_code
repo_place_latest(char **name, const char *state_dir, struct err *err)
{
	AUTO(str) char *secrets = NULL;
	unsigned n;
	if (str_printf(&secrets, err, "%s/secrets", state_dir) || highest(&n, secrets, err))
		return err->code;
	if (n == 0) {
		*name = NULL;
		return ERR_OK;
	}
	return str_printf(name, err, PREFIX "%u", n);
}

static enum err_code
fill(const char *folder, const char *address, const char *passphrase, const json_t *s3_keys,
    struct err *err)
{
	AUTO(str) char *keys = NULL;
	if (str_printf(&keys, err, "%s/s3.ini", folder) || fs_remove_tree(folder, err) ||
	    fs_mkdirs(folder, 0700, err) || write_text(folder, "passphrase", passphrase, err) ||
	    write_text(folder, "address", address, err))
		return err->code;
	return s3_keys != NULL ? repo_place_write_keys(keys, s3_keys, err) : ERR_OK;
}

enum err_code
repo_place_save(char **name, const char *state_dir, const char *address, const char *passphrase,
    const json_t *s3_keys, struct err *err)
{
	AUTO(str) char *secrets = NULL;
	AUTO(str) char *unfinished = NULL;
	AUTO(str) char *folder = NULL;
	AUTO(str) char *made = NULL;
	unsigned n;
	if (str_printf(&secrets, err, "%s/secrets", state_dir) ||
	    fs_mkdirs(secrets, 0700, err) || highest(&n, secrets, err) ||
	    str_printf(&made, err, PREFIX "%u", n + 1) ||
	    str_printf(&folder, err, "%s/%s", secrets, made) ||
	    str_printf(&unfinished, err, "%s/" UNFINISHED, secrets) ||
	    fill(unfinished, address, passphrase, s3_keys, err))
		return err_wrap(err, "keep what opens the repository");
	if (rename(unfinished, folder) != 0)
		return err_sys(err, "rename %s", unfinished);
	if (fs_sync_dir(secrets, err))
		return err->code;
	*name = TAKE(made);
	return ERR_OK;
}

enum err_code
repo_place_keep_only(const char *state_dir, const char *name, struct err *err)
{
	AUTO(str) char *secrets = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	if (str_printf(&secrets, err, "%s/secrets", state_dir) ||
	    fs_list_dir(secrets, &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		AUTO(str) char *path = NULL;
		const char *found = names.items[i];
		bool is_ours = number_of(found) > 0 || strcmp(found, UNFINISHED) == 0;
		if (!is_ours || strcmp(found, name) == 0)
			continue;
		if (str_printf(&path, err, "%s/%s", secrets, found) ||
		    fs_remove_tree(path, err))
			return err->code;
	}
	return ERR_OK;
}

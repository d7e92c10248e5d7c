/* repository.test: can a repository be kept at a place that is not chosen yet? */
#include "serve/verbs_repository.h"

#include "serve/json_text.h"
#include "serve/keeper_impl.h"
#include "store/s3.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <string.h>

/* {"access_key", "secret_key", "session_token"?}: one line each, nothing else. */
static enum err_code
check_keys(const json_t *keys, struct err *err)
{
	static const char *const names[] = { "access_key", "secret_key", "session_token" };
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)keys, name, value)
	{
		bool is_known = false;
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			is_known = is_known || strcmp(names[i], name) == 0;
		const char *text = json_string_value(value);
		size_t len = json_string_length(value);
		bool is_line = text != NULL && len > 0 && len < 4096 && len == strlen(text);
		for (size_t i = 0; is_line && i < len; i++)
			is_line = text[i] > ' ' && text[i] < 0x7f;
		if (!is_known || !is_line)
			return err_set(err, ERR_USAGE,
			    "s3_keys: access_key and secret_key, and perhaps session_token, "
			    "without blanks");
	}
	if (json_get_str(keys, "access_key") == NULL ||
	    json_get_str(keys, "secret_key") == NULL)
		return err_set(
		    err, ERR_USAGE, "s3_keys: access_key and secret_key are both needed");
	return ERR_OK;
}

/* Files of this host that an address names would be read with the keeper's rights. */
enum err_code
repository_check_place(const json_t *args, struct err *err)
{
	const char *address = json_get_str(args, "address");
	const json_t *keys = json_object_get(args, "s3_keys");
	const char *query = strchr(address, '?');
	bool is_s3 = s3_address_is(address);
	if (!is_s3 && keys != NULL)
		return err_set(err, ERR_USAGE, "s3_keys: a folder takes none");
	if (is_s3 && query != NULL &&
	    (strstr(query, "credentials=") != NULL || strstr(query, "profile=") != NULL))
		return err_set(err, ERR_USAGE,
		    "address: give the keys beside it, not a file or profile of this host");
	return keys != NULL ? check_keys(keys, err) : ERR_OK;
}

/* --- the report --- */

struct report {
	json_t *steps;
	bool failed; /* to be kept */
};

static void
add_step(void *arg, const struct s3_step *step)
{
	static const char *const words[] = { [S3_WORKS] = "works",
		[S3_FAILS] = "fails",
		[S3_NOT_TRIED] = "not tried",
		[S3_REMARK] = "remark" };
	struct report *r = arg;
	json_t *j = json_pack("{s:s, s:s, s:o, s:s?, s:I}", "name", step->name, "verdict",
	    words[step->verdict], "detail", json_text(step->detail), "permission",
	    step->permission, "took_ns", (json_int_t)step->took_ns);
	r->failed = json_array_append_new(r->steps, j) != 0 || r->failed;
}

static json_t *
report_json(
    const char *location, unsigned failed, bool has_one, json_t *steps, const char *policy)
{
	return json_pack("{s:s, s:i, s:b, s:O, s:s?}", "location", location, "failed",
	    (int)failed, "has_repository", (int)has_one, "steps", steps, "policy", policy);
}

/* --- a bucket --- */

static bool
has_config(struct keeper *k, const char *address, const char *credentials)
{
	AUTO(store) struct store *s = NULL;
	uint64_t size;
	struct err why; /* the steps tell what is wrong */
	return keeper_store(k, address, credentials, &s, &why) == ERR_OK &&
	       store_size(s, "config", &size, &why) == ERR_OK;
}

static enum err_code
test_s3_with(const struct ask *ask, const char *credentials, json_t **out, struct err *err)
{
	struct keeper *k = ask->keeper;
	AUTO(json) json_t *steps = json_array();
	struct report r = { steps, steps == NULL };
	struct s3_report found = { .failed = 0 };
	const char *address = json_get_str(ask->args, "address");
	const struct store_s3_options opt = {
		.address = address,
		.credentials = credentials != NULL ? credentials : k->opt.s3_credentials,
		.ca_file = k->opt.ca_file,
		.cache_dir = k->opt.cache_dir,
		.cancel = ask->cancel,
	};
	if (r.failed)
		return err_nomem(err);
	enum err_code rc = store_test_s3(&opt, add_step, &r, &found, err);
	if (rc == ERR_OK) {
		bool has_one = has_config(k, address, credentials);
		*out = r.failed ? NULL
				: report_json(found.location, found.failed, has_one, steps,
				      found.policy);
		rc = *out == NULL ? err_nomem(err) : ERR_OK;
	}
	free(found.policy);
	free(found.location);
	return rc;
}

/* Keys that were given are in a file for as long as it takes. */
static enum err_code
test_s3(const struct ask *ask, json_t **out, struct err *err)
{
	AUTO(str) char *folder = NULL;
	AUTO(str) char *file = NULL;
	const json_t *keys = json_object_get(ask->args, "s3_keys");
	struct err why;
	if (keys == NULL)
		return test_s3_with(ask, NULL, out, err);
	if (fs_make_temp_dir(&folder, "stacksnap-keys-", err))
		return err->code;
	enum err_code rc = str_printf(&file, err, "%s/s3.ini", folder);
	if (rc == ERR_OK)
		rc = repo_place_write_keys(file, keys, err);
	if (rc == ERR_OK)
		rc = test_s3_with(ask, file, out, err);
	if (fs_remove_tree(folder, &why))
		event_warning(ask->keeper->opt.events, folder, "%s", why.msg);
	return rc;
}

/* --- a folder --- */

static void
add_verdict(struct report *r, const char *name, const struct err *why, const char *detail,
    int64_t began)
{
	const struct s3_step step = {
		.name = name,
		.verdict = why->code == ERR_OK ? S3_WORKS : S3_FAILS,
		.detail = why->code == ERR_OK ? detail : why->msg,
		.took_ns = clock_mono_ns() - began,
	};
	add_step(r, &step);
}

/* The nearest folder that is there already: the others are made by init. */
static enum err_code
nearest_folder(const char *address, char **out, struct err *err)
{
	AUTO(str) char *path = NULL;
	if (str_dup(&path, address, err))
		return err->code;
	while (!fs_exists(path)) {
		char *slash = strrchr(path, '/');
		if (slash == NULL || slash == path)
			return str_dup(out, "/", err);
		*slash = '\0';
	}
	*out = TAKE(path);
	return ERR_OK;
}

/* A file is written there, and removed again. */
static enum err_code
try_to_write(const char *folder, struct err *err)
{
	AUTO(str) char *file = NULL;
	if (!fs_is_dir(folder))
		return err_set(err, ERR_USAGE, "%s is no folder", folder);
	if (str_printf(&file, err, "%s/.stacksnap-test", folder) ||
	    fs_write_file(file, 0600, "test", 4, err))
		return err->code;
	return fs_remove_tree(file, err);
}

static enum err_code
check_empty(const char *address, bool has_one, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (has_one || !fs_exists(address))
		return ERR_OK;
	if (fs_list_dir(address, &names, err))
		return err->code;
	return names.len == 0
		   ? ERR_OK
		   : err_set(err, ERR_EXISTS, "%s is neither empty nor a repository", address);
}

static enum err_code
test_folder(const struct ask *ask, json_t **out, struct err *err)
{
	const char *address = json_get_str(ask->args, "address");
	AUTO(json) json_t *steps = json_array();
	AUTO(str) char *nearest = NULL;
	struct report r = { steps, steps == NULL };
	char detail[128];
	uint64_t free_bytes = 0;
	bool has_one = has_config(ask->keeper, address, NULL);
	if (r.failed)
		return err_nomem(err);
	if (nearest_folder(address, &nearest, err))
		return err->code;
	struct err writing = ERR_INIT;
	struct err empty = ERR_INIT;
	struct err space = ERR_INIT;
	int64_t began = clock_mono_ns();
	(void)!check_empty(address, has_one, &empty);
	add_verdict(&r, "empty", &empty, has_one ? "there is a repository" : "", began);
	began = clock_mono_ns();
	(void)!try_to_write(nearest, &writing);
	add_verdict(&r, "write", &writing,
	    strcmp(nearest, address) == 0 ? "" : "the folder will be made", began);
	began = clock_mono_ns();
	(void)!fs_free_bytes(nearest, &free_bytes, &space);
	snprintf(detail, sizeof detail, "%.1f GB free", (double)free_bytes / 1e9);
	add_verdict(&r, "space", &space, detail, began);
	const struct err *all[] = { &writing, &empty, &space };
	unsigned failed = 0;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		failed += all[i]->code != ERR_OK;
	*out = r.failed ? NULL : report_json(address, failed, has_one, steps, NULL);
	return *out == NULL ? err_nomem(err) : ERR_OK;
}

enum err_code
repository_test(const struct ask *ask, struct answer *out, struct err *err)
{
	if (repository_check_place(ask->args, err))
		return err->code;
	return s3_address_is(json_get_str(ask->args, "address"))
		   ? test_s3(ask, &out->body, err)
		   : test_folder(ask, &out->body, err);
}

/* Where it is kept: choosing, making, opening the repository, its recovery kit, and its care.
 */
#include "serve/verbs_repository.h"

#include "base/bytes.h"
#include "engine/recovery_kit.h"
#include "repo/key_ring.h"
#include "repo/repo.h"
#include "serve/json_text.h"
#include "serve/keeper_impl.h"
#include "store/s3.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/identity.h"

#include <string.h>

#define REPOSITORY_ID_BYTES 16
#define PASSPHRASE_MIN 8
#define KEEP_MS 1000

static enum err_code
set_new(json_t *j, const char *name, json_t *value, struct err *err)
{
	return json_object_set_new(j, name, value) == 0 ? ERR_OK : err_nomem(err);
}

/* --- what it is like --- */

static enum err_code
add_kit(const struct ask *ask, json_t *j, struct err *err)
{
	AUTO(str) char *saved = NULL;
	if (catalog_get(keeper_catalog(ask->keeper), SETTING_KIT_SAVED, &saved, err) ||
	    set_new(j, "kit_saved", json_boolean(saved != NULL), err))
		return err->code;
	return saved != NULL
		   ? set_new(j, "kit_saved_ns", json_integer(strtoll(saved, NULL, 10)), err)
		   : ERR_OK;
}

static enum err_code
add_opened(json_t *j, const struct repo *r, struct err *err)
{
	char id[2 * REPOSITORY_ID_BYTES + 1];
	hex_encode(id, repo_id(r), REPOSITORY_ID_BYTES);
	if (set_new(j, "state", json_string("open"), err) ||
	    set_new(j, "id", json_string(id), err))
		return err->code;
	return set_new(j, "created_ns", json_integer(repo_created_ns(r)), err);
}

static enum err_code
add_problem(json_t *j, const struct err *why, struct err *err)
{
	if (set_new(j, "state", json_string("closed"), err))
		return err->code;
	return set_new(j, "problem",
	    json_pack(
		"{s:s, s:o}", "code", err_code_word(why->code), "message", json_text(why->msg)),
	    err);
}

/* openapi.json's Repository. */
static enum err_code
repository_view(const struct ask *ask, json_t **out, struct err *err)
{
	AUTO(json) json_t *j = json_pack("{s:s}", "state", "none");
	AUTO(repo_place) struct repo_place place = { NULL, NULL, NULL, NULL };
	AUTO(kept_repo) struct kept_repo *kept = NULL;
	struct err why = ERR_INIT;
	if (j == NULL)
		return err_nomem(err);
	if (add_kit(ask, j, err))
		return err->code;
	enum err_code rc = keeper_place(ask->keeper, &place, &why);
	if (rc != ERR_OK && rc != ERR_NO_REPOSITORY && add_problem(j, &why, err))
		return err->code;
	if (rc == ERR_OK) {
		if (set_new(j, "address", json_string(place.address), err))
			return err->code;
		rc = keeper_repo(ask->keeper, &kept, &why);
		if (rc == ERR_OK ? add_opened(j, kept_repo_repo(kept), err)
				 : add_problem(j, &why, err))
			return err->code;
	}
	*out = TAKE(j);
	return ERR_OK;
}

static enum err_code
get_repository(const struct ask *ask, struct answer *out, struct err *err)
{
	if (repository_view(ask, &out->body, err))
		return err->code;
	/* What is wrong with it may be mended any moment. */
	bool is_open = strcmp(json_get_str(out->body, "state"), "open") == 0;
	out->keep_ms = is_open ? KEEP_MS : 0;
	return ERR_OK;
}

/* --- choosing --- */

/* From here on it is the one. */
static enum err_code
choose(const struct ask *ask, const char *name, struct err *err)
{
	struct keeper *k = ask->keeper;
	struct err why;
	if (catalog_put(k->catalog, SETTING_KIT_SAVED, NULL, err) ||
	    catalog_put(k->catalog, SETTING_REPOSITORY, name, err))
		return err->code;
	keeper_repo_forget(k);
	keeper_emit(k, "repository", json_pack("{s:s}", "state", "open"));
	/* Runs that have begun may still open the other one, and say so if they cannot. */
	if (repo_place_keep_only(k->state_dir, name, &why))
		event_warning(k->opt.events, NULL, "%s", why.msg);
	return ERR_OK;
}

/* What was kept for one that could not be had. */
static void
drop(struct keeper *k, const struct repo_place *place)
{
	struct err why;
	if (fs_remove_tree(place->folder, &why))
		event_warning(k->opt.events, place->folder, "%s", why.msg);
}

static enum err_code
make_it(const struct ask *ask, const struct repo_place *place, struct err *err)
{
	static const char *const argv[] = { "init", NULL };
	AUTO(json) json_t *result = NULL;
	return keeper_call_at(ask, place, argv, &result, err);
}

static enum err_code
open_it(const struct ask *ask, const struct repo_place *place, struct err *err)
{
	AUTO(kept_repo) struct kept_repo *r = NULL;
	return keeper_open_place(ask->keeper, place, &r, err);
}

typedef enum err_code how_fn(
    const struct ask *ask, const struct repo_place *place, struct err *err);

/* What opens it is kept first; it is chosen when it has been had. */
static enum err_code
get_one(const struct ask *ask, how_fn *how, struct err *err)
{
	AUTO(str) char *name = NULL;
	AUTO(repo_place) struct repo_place place = { NULL, NULL, NULL, NULL };
	const char *state_dir = keeper_state_dir(ask->keeper);
	if (repository_check_place(ask->args, err) ||
	    repo_place_save(&name, state_dir, json_get_str(ask->args, "address"),
		json_get_str(ask->args, "passphrase"), json_object_get(ask->args, "s3_keys"),
		err) ||
	    repo_place_load(&place, state_dir, name, err))
		return err->code;
	if (how(ask, &place, err)) {
		drop(ask->keeper, &place);
		return err->code;
	}
	return choose(ask, name, err);
}

static enum err_code
create(const struct ask *ask, struct answer *out, struct err *err)
{
	if (strlen(json_get_str(ask->args, "passphrase")) < PASSPHRASE_MIN)
		return err_set(err, ERR_USAGE,
		    "passphrase: %d characters are the least; five or six words chosen by "
		    "chance "
		    "are safe",
		    PASSPHRASE_MIN);
	if (get_one(ask, make_it, err))
		return err->code;
	out->status = 201;
	return repository_view(ask, &out->body, err);
}

static enum err_code
open_existing(const struct ask *ask, struct answer *out, struct err *err)
{
	if (get_one(ask, open_it, err))
		return err->code;
	return repository_view(ask, &out->body, err);
}

/* --- the recovery kit --- */

/* As it is found again from anywhere on this host. */
static enum err_code
name_place(const struct ask *ask, char **out, struct err *err)
{
	AUTO(repo_place) struct repo_place place = { NULL, NULL, NULL, NULL };
	if (keeper_place(ask->keeper, &place, err))
		return err->code;
	return s3_address_is(place.address) ? str_dup(out, place.address, err)
					    : fs_real_path(out, place.address, err);
}

static enum err_code
print_kit(const struct ask *ask, struct repo *r, bool with_code,
    enum recovery_kit_format format, struct buf *page, struct err *err)
{
	AUTO(recovery_key) struct recovery_key key = { .has_code = false };
	AUTO(str) char *where = NULL;
	struct key_slot slot;
	char host[IDENTITY_MAX];
	key_in_use(r, &slot);
	identity_host(host);
	if (name_place(ask, &where, err))
		return err->code;
	if (!with_code)
		recovery_key_in_use(r, &key);
	else if (recovery_key_with_code(r, &key, err))
		return err->code;
	const struct recovery_kit kit = {
		.key = &key,
		.slot = &slot,
		.repo_id = repo_id(r),
		.repo_created_ns = repo_created_ns(r),
		.place = where,
		.host = host,
		.now_ns = clock_wall_ns(),
	};
	return recovery_kit_print(&kit, format, page, err);
}

static enum err_code
make_kit(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(kept_repo) struct kept_repo *kept = NULL;
	AUTO(secret_buf) struct buf page = BUF_INIT;
	bool with_code = json_get_bool(ask->args, "with_code");
	const char *format = json_get_str(ask->args, "format");
	format = format != NULL ? format : "html";
	bool is_html = strcmp(format, "html") == 0;
	if (!is_html && strcmp(format, "text") != 0)
		return err_set(err, ERR_USAGE, "format: must be text or html");
	if (keeper_repo(ask->keeper, &kept, err) ||
	    print_kit(ask, kept_repo_repo(kept), with_code,
		is_html ? RECOVERY_KIT_HTML : RECOVERY_KIT_TEXT, &page, err))
		return err->code;
	out->body = json_pack("{s:s, s:b, s:s%}", "format", format, "with_code", (int)with_code,
	    "text", (const char *)page.data, page.len);
	return out->body == NULL ? err_nomem(err) : ERR_OK;
}

static enum err_code
kit_was_saved(const struct ask *ask, struct answer *out, struct err *err)
{
	char now[24];
	snprintf(now, sizeof now, "%lld", (long long)clock_wall_ns());
	if (catalog_put(keeper_catalog(ask->keeper), SETTING_KIT_SAVED, now, err))
		return err->code;
	return repository_view(ask, &out->body, err);
}

/* --- its care --- */

static enum err_code
verify(const struct ask *ask, struct answer *out, struct err *err)
{
	const char *argv[3] = { "verify" };
	argv[1] = json_get_bool(ask->args, "read_data") ? "--read-data" : NULL;
	const struct run_plan plan = { "verify", "", argv };
	return keeper_run_answer(ask, &plan, out, err);
}

static enum err_code
prune(const struct ask *ask, struct answer *out, struct err *err)
{
	static const char *const argv[] = { "prune", NULL };
	const struct run_plan plan = { "prune", "", argv };
	return keeper_run_answer(ask, &plan, out, err);
}

#define PLACE                                      \
	{ "address", ARG_ADDRESS, true, 0, 0 },    \
	{                                          \
		"s3_keys", ARG_OBJECT, false, 0, 0 \
	}
#define PASSPHRASE                                      \
	{                                               \
		"passphrase", ARG_SECRET, true, 1, 1024 \
	}

const struct verb repository_verbs[] = {
	{ "repository.get", SCOPE_READ, false, NULL, get_repository, { { .name = NULL } } },
	{ "repository.test", SCOPE_ADMIN, true, "address", repository_test, { PLACE } },
	{ "repository.create", SCOPE_ADMIN, true, "address", create, { PLACE, PASSPHRASE } },
	{ "repository.open", SCOPE_ADMIN, true, "address", open_existing,
	    { PLACE, PASSPHRASE } },
	{ "repository.kit", SCOPE_ADMIN, true, NULL, make_kit,
	    { { "with_code", ARG_BOOL, false, 0, 0 }, { "format", ARG_NAME, false, 0, 0 } } },
	{ "repository.kit_saved", SCOPE_ADMIN, true, NULL, kit_was_saved,
	    { { .name = NULL } } },
	{ "repository.verify", SCOPE_OPERATE, true, NULL, verify,
	    { { "read_data", ARG_BOOL, false, 0, 0 } } },
	{ "repository.prune", SCOPE_OPERATE, true, NULL, prune, { { .name = NULL } } },
	{ .name = NULL },
};

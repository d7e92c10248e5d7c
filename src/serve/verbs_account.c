/* Who may ask: the first user, sessions, tokens, what was changed by whom. */
#include "base/bytes.h"
#include "crypto/hash.h"
#include "serve/keeper_impl.h"
#include "sys/clock.h"

#include <errno.h>
#include <string.h>

#define STATUS_TOO_MANY 429
#define KEEP_MS 2000

static enum err_code
set_new(json_t *j, const char *name, json_t *value, struct err *err)
{
	return json_object_set_new(j, name, value) == 0 ? ERR_OK : err_nomem(err);
}

/* --- sessions --- */

/* openapi.json's Session. */
static enum err_code
session_view(const struct ask *ask, const struct caller *who, json_t **out, struct err *err)
{
	char csrf[2 * ACCOUNT_SECRET + 1];
	bool any;
	if (account_exists(keeper_catalog(ask->keeper), &any, err))
		return err->code;
	bool is_open = who->scope != SCOPE_NONE;
	AUTO(json) json_t *j = json_pack("{s:s, s:s}", "state",
	    is_open ? "open"
	    : any   ? "login"
		    : "setup",
	    "version", STACKSNAP_VERSION);
	if (j == NULL)
		return err_nomem(err);
	if (is_open && (set_new(j, "user", json_string(who->name), err) ||
			   set_new(j, "scope", json_string(scope_word(who->scope)), err) ||
			   set_new(j, "is_token", json_boolean(!who->is_session), err)))
		return err->code;
	hex_encode(csrf, who->csrf, ACCOUNT_SECRET);
	if (who->is_session && set_new(j, "csrf", json_string(csrf), err))
		return err->code;
	*out = TAKE(j);
	return ERR_OK;
}

static enum err_code
session(const struct ask *ask, struct answer *out, struct err *err)
{
	out->keep_ms = KEEP_MS;
	return session_view(ask, ask->who, &out->body, err);
}

/* May a password or the setup token be tried now? */
static enum err_code
check_limit(const struct ask *ask, struct answer *out, struct err *err)
{
	unsigned wait_s = login_limit_try(ask->keeper->limit, ask->whence, clock_mono_ns());
	if (wait_s == 0)
		return ERR_OK;
	out->status = STATUS_TOO_MANY;
	out->retry_after_s = wait_s;
	return err_set(err, ERR_DENIED, "too many tries: wait %u second%s", wait_s,
	    wait_s == 1 ? "" : "s");
}

static enum err_code
begin_session(const struct ask *ask, const char *name, const char *password, struct answer *out,
    struct err *err)
{
	uint8_t secret[ACCOUNT_SECRET];
	struct caller who;
	if (account_login(keeper_catalog(ask->keeper), name, password, ask->whence,
		clock_wall_ns(), secret, &who, err))
		return err->code;
	login_limit_passed(ask->keeper->limit, ask->whence, clock_mono_ns());
	hex_encode(out->cookie, secret, ACCOUNT_SECRET);
	out->has_cookie = true;
	secret_wipe(secret, sizeof secret);
	return session_view(ask, &who, &out->body, err);
}

static enum err_code
login(const struct ask *ask, struct answer *out, struct err *err)
{
	if (check_limit(ask, out, err))
		return err->code;
	if (begin_session(ask, json_get_str(ask->args, "name"),
		json_get_str(ask->args, "password"), out, err)) {
		out->status = err->code == ERR_DENIED ? 401 : 0;
		return err->code;
	}
	return ERR_OK;
}

static enum err_code
logout(const struct ask *ask, struct answer *out, struct err *err)
{
	const struct caller nobody = { .scope = SCOPE_NONE };
	if (!ask->who->is_session)
		return err_set(err, ERR_USAGE, "a token has no session that could be ended");
	if (session_end(keeper_catalog(ask->keeper), ask->secret, err))
		return err->code;
	out->has_cookie = true;
	out->ends_rights = true;
	return session_view(ask, &nobody, &out->body, err);
}

/* --- the first user --- */

static enum err_code
same_token(const char *a, const char *b, bool *is, struct err *err)
{
	uint8_t x[HASH_SIZE];
	uint8_t y[HASH_SIZE];
	if (sha256_of(a, strlen(a), x, err) || sha256_of(b, strlen(b), y, err))
		return err->code;
	*is = hash_equal(x, y);
	return ERR_OK;
}

/* Two at once are told apart by the lock: the second finds a user. */
static enum err_code
add_first(const struct ask *ask, struct answer *out, struct err *err)
{
	struct keeper *k = ask->keeper;
	AUTO(str) char *token = NULL;
	bool is_right = false;
	if (keeper_setup_token(k, &token, err))
		return err->code;
	if (token == NULL)
		return err_set(err, ERR_EXISTS, "there is a user already: log in");
	if (same_token(token, json_get_str(ask->args, "token"), &is_right, err))
		return err->code;
	if (!is_right)
		return err_set(err, ERR_DENIED,
		    "this is not the token: it stands in %s/" SETUP_TOKEN
		    ", and on the terminal of stacksnap serve, if it has one",
		    k->state_dir);
	const char *name = json_get_str(ask->args, "name");
	const char *password = json_get_str(ask->args, "password");
	if (account_add(k->catalog, name, password, clock_wall_ns(), err))
		return err->code;
	AUTO(str) char *none = NULL;
	struct err why; /* it is dead already: there is a user */
	if (keeper_setup_token(k, &none, &why))
		event_warning(k->opt.events, NULL, "%s", why.msg);
	out->status = 201;
	return begin_session(ask, name, password, out, err);
}

static enum err_code
setup(const struct ask *ask, struct answer *out, struct err *err)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	if (check_limit(ask, out, err))
		return err->code;
	pthread_mutex_lock(&one);
	enum err_code rc = add_first(ask, out, err);
	pthread_mutex_unlock(&one);
	if (rc != ERR_OK)
		out->status = 0;
	return rc;
}

static enum err_code
change_password(const struct ask *ask, struct answer *out, struct err *err)
{
	if (!ask->who->is_session)
		return err_set(err, ERR_DENIED, "a token cannot change a password");
	if (check_limit(ask, out, err) || account_change_password(keeper_catalog(ask->keeper),
					      ask->who->user, json_get_str(ask->args, "old"),
					      json_get_str(ask->args, "new"), ask->secret, err))
		return err->code;
	login_limit_passed(ask->keeper->limit, ask->whence, clock_mono_ns());
	out->status = 204;
	out->ends_rights = true;
	return ERR_OK;
}

/* --- tokens --- */

static enum err_code
add_to_tokens(void *arg, const struct token *t, struct err *err)
{
	json_t *j = json_pack("{s:I, s:s, s:s, s:I}", "id", (json_int_t)t->id, "name", t->name,
	    "scope", scope_word(t->scope), "made_ns", (json_int_t)t->made_ns);
	if (j != NULL && t->used_ns > 0 &&
	    set_new(j, "used_ns", json_integer(t->used_ns), err)) {
		json_decref(j);
		return err->code;
	}
	return json_array_append_new(arg, j) == 0 ? ERR_OK : err_nomem(err);
}

static enum err_code
list_tokens(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(json) json_t *list = json_array();
	if (list == NULL)
		return err_nomem(err);
	if (token_list(keeper_catalog(ask->keeper), ask->who->user, add_to_tokens, list, err))
		return err->code;
	out->body = json_pack("{s:O}", "tokens", list);
	return out->body == NULL ? err_nomem(err) : ERR_OK;
}

static enum err_code
add_token(const struct ask *ask, struct answer *out, struct err *err)
{
	uint8_t secret[ACCOUNT_SECRET];
	char hex[2 * ACCOUNT_SECRET + 1];
	int64_t id;
	int64_t now = clock_wall_ns();
	const char *name = json_get_str(ask->args, "name");
	const char *scope = json_get_str(ask->args, "scope");
	bool may_operate = strcmp(scope, "operate") == 0;
	if (!may_operate && strcmp(scope, "read") != 0)
		return err_set(err, ERR_USAGE, "scope: must be read or operate");
	if (token_add(keeper_catalog(ask->keeper), ask->who->user, name,
		may_operate ? SCOPE_OPERATE : SCOPE_READ, now, secret, &id, err))
		return err->code;
	hex_encode(hex, secret, sizeof secret);
	out->status = 201;
	out->body = json_pack("{s:I, s:s, s:s, s:I, s:s}", "id", (json_int_t)id, "name", name,
	    "scope", scope, "made_ns", (json_int_t)now, "secret", hex);
	secret_wipe(secret, sizeof secret);
	secret_wipe(hex, sizeof hex);
	return out->body == NULL ? err_nomem(err) : ERR_OK;
}

static enum err_code
delete_token(const struct ask *ask, struct answer *out, struct err *err)
{
	out->ends_rights = true;
	out->status = 204;
	if (token_delete(keeper_catalog(ask->keeper), ask->who->user,
		json_get_int(ask->args, "id", 0), err)) {
		out->status = 0;
		return err->code;
	}
	return ERR_OK;
}

/* --- audit --- */

struct audit_page {
	json_t *list;
	int64_t last;
};

static enum err_code
add_to_audit(void *arg, const struct audit_entry *e, struct err *err)
{
	struct audit_page *p = arg;
	p->last = e->id;
	json_t *j = json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s}", "id", (json_int_t)e->id,
	    "time_ns", (json_int_t)e->at_ns, "who", e->who, "whence", e->whence, "verb",
	    e->verb, "subject", e->subject, "outcome", e->outcome);
	return json_array_append_new(p->list, j) == 0 ? ERR_OK : err_nomem(err);
}

static enum err_code
list_audit(const struct ask *ask, struct answer *out, struct err *err)
{
	AUTO(json) json_t *list = json_array();
	struct audit_page p = { list, 0 };
	unsigned limit = (unsigned)json_get_int(ask->args, "limit", 100);
	if (list == NULL)
		return err_nomem(err);
	if (audit_list(keeper_catalog(ask->keeper), json_get_int(ask->args, "before", 0), limit,
		add_to_audit, &p, err))
		return err->code;
	out->body = json_pack("{s:O}", "entries", list);
	if (out->body == NULL)
		return err_nomem(err);
	if (json_array_size(list) < limit)
		return ERR_OK;
	return set_new(out->body, "next", json_integer(p.last), err);
}

/* That it was let through is the answer; where to begin, web looks after. */
static enum err_code
listen_to_events(const struct ask *ask, struct answer *out, struct err *err)
{
	(void)ask;
	out->body = json_object();
	return out->body == NULL ? err_nomem(err) : ERR_OK;
}

#define NAME                                                  \
	{                                                     \
		"name", ARG_STRING, true, 1, ACCOUNT_NAME_MAX \
	}
#define PASSWORD(name)                          \
	{                                       \
		name, ARG_SECRET, true, 0, 1024 \
	}

const struct verb account_verbs[] = {
	{ "account.session", SCOPE_NONE, false, NULL, session, { { .name = NULL } } },
	{ "account.setup", SCOPE_NONE, true, "name", setup,
	    { { "token", ARG_SECRET, true, 1, 256 }, NAME, PASSWORD("password") } },
	{ "account.login", SCOPE_NONE, true, "name", login, { NAME, PASSWORD("password") } },
	{ "account.logout", SCOPE_READ, true, NULL, logout, { { .name = NULL } } },
	{ "account.password", SCOPE_READ, true, NULL, change_password,
	    { PASSWORD("old"), PASSWORD("new") } },
	{ "tokens.list", SCOPE_ADMIN, false, NULL, list_tokens, { { .name = NULL } } },
	{ "tokens.add", SCOPE_ADMIN, true, "name", add_token,
	    { NAME, { "scope", ARG_STRING, true, 1, 16 } } },
	{ "tokens.delete", SCOPE_ADMIN, true, "id", delete_token,
	    { { "id", ARG_INT, true, 1, INT64_MAX } } },
	{ "audit.list", SCOPE_ADMIN, false, NULL, list_audit,
	    { { "before", ARG_INT, false, 0, INT64_MAX },
		{ "limit", ARG_INT, false, 1, 1000 } } },
	{ "events.listen", SCOPE_READ, false, NULL, listen_to_events,
	    { { "after", ARG_INT, false, 0, INT64_MAX } } },
	{ .name = NULL },
};

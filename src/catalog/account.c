#include "catalog/account.h"

#include "base/strv.h"
#include "catalog/account_impl.h"
#include "crypto/password.h"
#include "crypto/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const scopes[] = { "none", "read", "operate", "admin" };

const char *
scope_word(enum scope scope)
{
	return scopes[scope];
}

enum err_code
account_secret(uint8_t out[ACCOUNT_SECRET], uint8_t hash[HASH_SIZE], struct err *err)
{
	AUTO(secret) struct secret *s = NULL;
	if (secret_random(&s, ACCOUNT_SECRET, err))
		return err->code;
	memcpy(out, s->data, ACCOUNT_SECRET);
	return sha256_of(out, ACCOUNT_SECRET, hash, err);
}

/* --- users --- */

static enum err_code
any_user(struct catalog *c, void *arg, struct err *err)
{
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db, "SELECT 1 FROM user LIMIT 1", err))
		return err->code;
	return stmt_step(&q, arg, err);
}

enum err_code
account_exists(struct catalog *c, bool *any, struct err *err)
{
	return catalog_look(c, any_user, any, err);
}

static enum err_code
check_password(const char *password, struct err *err)
{
	size_t len = strlen(password);
	if (len < PASSWORD_MIN)
		return err_set(
		    err, ERR_USAGE, "the password wants %d characters at least", PASSWORD_MIN);
	return len <= 1024 ? ERR_OK : err_set(err, ERR_USAGE, "the password is too long");
}

struct user {
	const char *name;
	const char *text; /* of the password's hash */
	int64_t now_ns;
	int64_t id;
	char *found;
};

static enum err_code
add_user(struct catalog *c, void *arg, struct err *err)
{
	const struct user *u = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(
		&q, c->db, "INSERT INTO user (name, password, made_ns) VALUES (?, ?, ?)", err))
		return err->code;
	stmt_text(&q, u->name);
	stmt_text(&q, u->text);
	stmt_int(&q, u->now_ns);
	enum err_code rc = stmt_run(&q, err);
	return rc == ERR_EXISTS
		   ? err_set(err, ERR_EXISTS, "there is a user %s already", u->name)
		   : rc;
}

enum err_code
account_add(
    struct catalog *c, const char *name, const char *password, int64_t now_ns, struct err *err)
{
	char text[PASSWORD_TEXT_SIZE];
	size_t len = strlen(name);
	if (len == 0 || len > ACCOUNT_NAME_MAX ||
	    strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-") != len)
		return err_set(err, ERR_USAGE,
		    "a user's name has 1 to %d letters, digits and . _ @ -", ACCOUNT_NAME_MAX);
	if (check_password(password, err) ||
	    password_hash(text, password, strlen(password), err))
		return err->code;
	struct user u = { .name = name, .text = text, .now_ns = now_ns };
	return catalog_transact(c, add_user, &u, err);
}

static enum err_code
find_user(struct catalog *c, void *arg, struct err *err)
{
	struct user *u = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	bool row;
	if (stmt_prepare(&q, c->db,
		"SELECT id, password FROM user WHERE name = ?1 OR (?1 IS NULL AND id = ?2)",
		err))
		return err->code;
	stmt_text(&q, u->name);
	stmt_int(&q, u->id);
	if (stmt_step(&q, &row, err))
		return err->code;
	u->id = row ? stmt_get_int(&q) : 0;
	return row ? stmt_get_text(&q, &u->found, err) : ERR_OK;
}

/* What is compared with when there is no such user, so that it takes as long. */
static const char nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
			     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static enum err_code
wrong_login(struct err *err)
{
	return err_set(err, ERR_DENIED, "the name or the password is wrong");
}

struct session {
	const uint8_t *hash;
	int64_t user;
	const uint8_t *csrf;
	int64_t now_ns;
	const char *whence;
};

static enum err_code
add_session(struct catalog *c, void *arg, struct err *err)
{
	const struct session *s = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	AUTO(stmt) struct stmt old = STMT_INIT;
	if (stmt_prepare(
		&old, c->db, "DELETE FROM session WHERE used_ns < ? OR made_ns < ?", err))
		return err->code;
	stmt_int(&old, s->now_ns - SESSION_IDLE_NS);
	stmt_int(&old, s->now_ns - SESSION_AGE_NS);
	if (stmt_run(&old, err) ||
	    stmt_prepare(&q, c->db,
		"INSERT INTO session (hash, user, csrf, made_ns, used_ns, whence)"
		" VALUES (?, ?, ?, ?, ?, ?)",
		err))
		return err->code;
	stmt_blob(&q, s->hash, HASH_SIZE);
	stmt_int(&q, s->user);
	stmt_blob(&q, s->csrf, ACCOUNT_SECRET);
	stmt_int(&q, s->now_ns);
	stmt_int(&q, s->now_ns);
	stmt_text(&q, s->whence);
	return stmt_run(&q, err);
}

enum err_code
account_login(struct catalog *c, const char *name, const char *password, const char *whence,
    int64_t now_ns, uint8_t secret[ACCOUNT_SECRET], struct caller *who, struct err *err)
{
	struct user u = { .name = name };
	uint8_t hash[HASH_SIZE];
	uint8_t unused[HASH_SIZE];
	if (catalog_look(c, find_user, &u, err))
		return err->code;
	AUTO(str) char *text = u.found;
	bool is_right = password_is(text != NULL ? text : nobody, password, strlen(password));
	if (text == NULL || !is_right)
		return wrong_login(err);
	*who = (struct caller){ .user = u.id, .scope = SCOPE_ADMIN, .is_session = true };
	snprintf(who->name, sizeof who->name, "%s", name);
	if (account_secret(who->csrf, unused, err) || account_secret(secret, hash, err))
		return err->code;
	struct session s = { hash, u.id, who->csrf, now_ns, whence };
	return catalog_transact(c, add_session, &s, err);
}

struct change {
	int64_t user;
	const char *text;
	const uint8_t *keep; /* hash of a session, or NULL */
};

static enum err_code
change_password(struct catalog *c, void *arg, struct err *err)
{
	const struct change *p = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	AUTO(stmt) struct stmt end = STMT_INIT;
	if (stmt_prepare(&q, c->db, "UPDATE user SET password = ? WHERE id = ?", err))
		return err->code;
	stmt_text(&q, p->text);
	stmt_int(&q, p->user);
	if (stmt_run(&q, err) ||
	    stmt_prepare(&end, c->db,
		"DELETE FROM session WHERE user = ?1 AND (?2 IS NULL OR hash <> ?2)", err))
		return err->code;
	stmt_int(&end, p->user);
	if (p->keep != NULL)
		stmt_blob(&end, p->keep, HASH_SIZE);
	else
		stmt_null(&end);
	return stmt_run(&end, err);
}

enum err_code
account_change_password(struct catalog *c, int64_t user, const char *old, const char *password,
    const uint8_t *keep_secret, struct err *err)
{
	char text[PASSWORD_TEXT_SIZE];
	uint8_t keep[HASH_SIZE];
	struct user u = { .id = user };
	if (catalog_look(c, find_user, &u, err))
		return err->code;
	AUTO(str) char *has = u.found;
	if (has == NULL || !password_is(has, old, strlen(old)))
		return err_set(err, ERR_DENIED, "the old password is wrong");
	if (check_password(password, err) ||
	    password_hash(text, password, strlen(password), err) ||
	    (keep_secret != NULL && sha256_of(keep_secret, ACCOUNT_SECRET, keep, err)))
		return err->code;
	struct change p = { user, text, keep_secret != NULL ? keep : NULL };
	return catalog_transact(c, change_password, &p, err);
}

/* --- sessions --- */

static enum err_code
find_session(struct catalog *c, void *arg, struct err *err)
{
	struct finding *f = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	AUTO(str) char *name = NULL;
	if (stmt_prepare(&q, c->db,
		"SELECT user.id, user.name, csrf, used_ns FROM session JOIN user ON user.id = "
		"session.user"
		" WHERE hash = ? AND used_ns >= ? AND session.made_ns >= ?",
		err))
		return err->code;
	stmt_blob(&q, f->hash, HASH_SIZE);
	stmt_int(&q, f->now_ns - SESSION_IDLE_NS);
	stmt_int(&q, f->now_ns - SESSION_AGE_NS);
	if (stmt_step(&q, &f->is_found, err))
		return err->code;
	if (!f->is_found)
		return ERR_OK;
	f->who = (struct caller){ .scope = SCOPE_ADMIN, .is_session = true };
	f->who.user = stmt_get_int(&q);
	if (stmt_get_text(&q, &name, err))
		return err->code;
	snprintf(f->who.name, sizeof f->who.name, "%s", name);
	stmt_get_blob(&q, f->who.csrf, ACCOUNT_SECRET);
	f->used_ns = stmt_get_int(&q);
	return ERR_OK;
}

enum err_code
account_touch(struct catalog *c, const char *text, const struct finding *f, struct err *err)
{
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db, text, err))
		return err->code;
	stmt_int(&q, f->now_ns);
	stmt_blob(&q, f->hash, HASH_SIZE);
	return stmt_run(&q, err);
}

static enum err_code
touch_session(struct catalog *c, void *arg, struct err *err)
{
	return account_touch(c, "UPDATE session SET used_ns = ? WHERE hash = ?", arg, err);
}

static enum err_code
look_at_session(struct catalog *c, const uint8_t secret[ACCOUNT_SECRET], int64_t now_ns,
    bool is_use, struct caller *who, struct err *err)
{
	uint8_t hash[HASH_SIZE];
	struct finding f = { .hash = hash, .now_ns = now_ns };
	if (sha256_of(secret, ACCOUNT_SECRET, hash, err) ||
	    catalog_look(c, find_session, &f, err))
		return err->code;
	if (!f.is_found)
		return err_set(err, ERR_DENIED, "you are not logged in (any more)");
	if (is_use && now_ns - f.used_ns > ACCOUNT_TOUCH_NS &&
	    catalog_transact(c, touch_session, &f, err))
		return err->code;
	*who = f.who;
	return ERR_OK;
}

enum err_code
session_find(struct catalog *c, const uint8_t secret[ACCOUNT_SECRET], int64_t now_ns,
    struct caller *who, struct err *err)
{
	return look_at_session(c, secret, now_ns, true, who, err);
}

enum err_code
session_look(struct catalog *c, const uint8_t secret[ACCOUNT_SECRET], int64_t now_ns,
    struct caller *who, struct err *err)
{
	return look_at_session(c, secret, now_ns, false, who, err);
}

static enum err_code
end_session(struct catalog *c, void *arg, struct err *err)
{
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db, "DELETE FROM session WHERE hash = ?", err))
		return err->code;
	stmt_blob(&q, arg, HASH_SIZE);
	return stmt_run(&q, err);
}

enum err_code
session_end(struct catalog *c, const uint8_t secret[ACCOUNT_SECRET], struct err *err)
{
	uint8_t hash[HASH_SIZE];
	if (sha256_of(secret, ACCOUNT_SECRET, hash, err))
		return err->code;
	return catalog_transact(c, end_session, hash, err);
}

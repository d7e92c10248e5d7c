/* Tokens of programs, of account.h. */
#include "base/strv.h"
#include "catalog/account_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct token_adding {
	int64_t user;
	const char *name;
	enum scope scope;
	int64_t now_ns;
	const uint8_t *hash;
	int64_t id;
};

static enum err_code
add_token(struct catalog *c, void *arg, struct err *err)
{
	struct token_adding *t = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		"INSERT INTO token (hash, user, name, scope, made_ns) VALUES (?, ?, ?, ?, ?)",
		err))
		return err->code;
	stmt_blob(&q, t->hash, HASH_SIZE);
	stmt_int(&q, t->user);
	stmt_text(&q, t->name);
	stmt_text(&q, scope_word(t->scope));
	stmt_int(&q, t->now_ns);
	if (stmt_run(&q, err))
		return err->code;
	t->id = sqlite3_last_insert_rowid(c->db);
	return ERR_OK;
}

enum err_code
token_add(struct catalog *c, int64_t user, const char *name, enum scope scope, int64_t now_ns,
    uint8_t secret[ACCOUNT_SECRET], int64_t *id, struct err *err)
{
	uint8_t hash[HASH_SIZE];
	if (scope != SCOPE_READ && scope != SCOPE_OPERATE)
		return err_set(err, ERR_USAGE, "a token may read, or operate");
	if (*name == '\0' || strlen(name) > ACCOUNT_NAME_MAX)
		return err_set(err, ERR_USAGE, "a token wants a name of at most %d characters",
		    ACCOUNT_NAME_MAX);
	if (account_secret(secret, hash, err))
		return err->code;
	struct token_adding t = { user, name, scope, now_ns, hash, 0 };
	if (catalog_transact(c, add_token, &t, err))
		return err->code;
	*id = t.id;
	return ERR_OK;
}

static enum scope
scope_of(const char *word)
{
	return strcmp(word, "operate") == 0 ? SCOPE_OPERATE : SCOPE_READ;
}

static enum err_code
find_token(struct catalog *c, void *arg, struct err *err)
{
	struct finding *f = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	AUTO(str) char *user = NULL;
	AUTO(str) char *name = NULL;
	AUTO(str) char *scope = NULL;
	if (stmt_prepare(&q, c->db,
		"SELECT user.id, user.name, token.name, scope, ifnull(used_ns, 0) FROM token"
		" JOIN user ON user.id = token.user WHERE hash = ?",
		err))
		return err->code;
	stmt_blob(&q, f->hash, HASH_SIZE);
	if (stmt_step(&q, &f->is_found, err))
		return err->code;
	if (!f->is_found)
		return ERR_OK;
	f->who = (struct caller){ .user = stmt_get_int(&q) };
	if (stmt_get_text(&q, &user, err) || stmt_get_text(&q, &name, err) ||
	    stmt_get_text(&q, &scope, err))
		return err->code;
	f->who.scope = scope_of(scope);
	snprintf(f->who.name, sizeof f->who.name, "%.30s/%.30s", user, name);
	f->used_ns = stmt_get_int(&q);
	return ERR_OK;
}

static enum err_code
touch_token(struct catalog *c, void *arg, struct err *err)
{
	return account_touch(c, "UPDATE token SET used_ns = ? WHERE hash = ?", arg, err);
}

enum err_code
token_find(struct catalog *c, const uint8_t secret[ACCOUNT_SECRET], int64_t now_ns,
    struct caller *who, struct err *err)
{
	uint8_t hash[HASH_SIZE];
	struct finding f = { .hash = hash, .now_ns = now_ns };
	if (sha256_of(secret, ACCOUNT_SECRET, hash, err) ||
	    catalog_look(c, find_token, &f, err))
		return err->code;
	if (!f.is_found)
		return err_set(err, ERR_DENIED, "there is no such token (any more)");
	if (now_ns - f.used_ns > ACCOUNT_TOUCH_NS && catalog_transact(c, touch_token, &f, err))
		return err->code;
	*who = f.who;
	return ERR_OK;
}

struct token_deleting {
	int64_t user;
	int64_t id;
};

static enum err_code
delete_token(struct catalog *c, void *arg, struct err *err)
{
	const struct token_deleting *t = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db, "DELETE FROM token WHERE id = ? AND user = ?", err))
		return err->code;
	stmt_int(&q, t->id);
	stmt_int(&q, t->user);
	if (stmt_run(&q, err))
		return err->code;
	return sqlite3_changes(c->db) == 1
		   ? ERR_OK
		   : err_set(err, ERR_NOT_FOUND, "there is no token %lld", (long long)t->id);
}

enum err_code
token_delete(struct catalog *c, int64_t user, int64_t id, struct err *err)
{
	struct token_deleting t = { user, id };
	return catalog_transact(c, delete_token, &t, err);
}

struct token_listing {
	int64_t user;
	token_fn *fn;
	void *arg;
};

static enum err_code
list_tokens(struct catalog *c, void *arg, struct err *err)
{
	const struct token_listing *l = arg;
	AUTO(stmt) struct stmt q = STMT_INIT;
	if (stmt_prepare(&q, c->db,
		"SELECT id, name, scope, made_ns, ifnull(used_ns, 0) FROM token WHERE user = ?"
		" ORDER BY id",
		err))
		return err->code;
	stmt_int(&q, l->user);
	for (;;) {
		AUTO(str) char *name = NULL;
		AUTO(str) char *scope = NULL;
		struct token t;
		bool row;
		if (stmt_step(&q, &row, err))
			return err->code;
		if (!row)
			return ERR_OK;
		t.id = stmt_get_int(&q);
		if (stmt_get_text(&q, &name, err) || stmt_get_text(&q, &scope, err))
			return err->code;
		t.name = name;
		t.scope = scope_of(scope);
		t.made_ns = stmt_get_int(&q);
		t.used_ns = stmt_get_int(&q);
		if (l->fn(l->arg, &t, err))
			return err->code;
	}
}

enum err_code
token_list(struct catalog *c, int64_t user, token_fn *fn, void *arg, struct err *err)
{
	struct token_listing l = { user, fn, arg };
	return catalog_look(c, list_tokens, &l, err);
}

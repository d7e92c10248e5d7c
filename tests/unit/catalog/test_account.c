#include "catalog_fixture.h"

#include "catalog/account.h"

#define NOW INT64_C(1795262400000000000)
#define DAY (INT64_C(86400) * 1000000000)

static const char password[] = "correct horse battery";

static void
login(struct fixture *f, uint8_t secret[ACCOUNT_SECRET], struct caller *who)
{
	struct err err;
	ok(account_login(f->c, "ana", password, "127.0.0.1", NOW, secret, who, &err));
}

static void
add_ana(struct fixture *f)
{
	struct err err;
	ok(account_add(f->c, "ana", password, NOW, &err));
}

static void
a_user_logs_in_and_out(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct caller who;
	struct caller again;
	uint8_t secret[ACCOUNT_SECRET];
	uint8_t other[ACCOUNT_SECRET];
	bool any = true;
	ok(account_exists(f->c, &any, &err));
	assert_false(any);
	add_ana(f);
	ok(account_exists(f->c, &any, &err));
	assert_true(any);
	assert_int_equal(account_add(f->c, "ana", password, NOW, &err), ERR_EXISTS);
	login(f, secret, &who);
	assert_string_equal(who.name, "ana");
	assert_int_equal(who.scope, SCOPE_ADMIN);
	reopen(f);
	ok(session_find(f->c, secret, NOW + 1, &again, &err));
	assert_memory_equal(again.csrf, who.csrf, ACCOUNT_SECRET);
	assert_int_equal(again.user, who.user);
	memcpy(other, secret, sizeof other);
	other[31] ^= 1;
	assert_int_equal(session_find(f->c, other, NOW, &again, &err), ERR_DENIED);
	ok(session_end(f->c, secret, &err));
	assert_int_equal(session_find(f->c, secret, NOW, &again, &err), ERR_DENIED);
}

static void
a_wrong_name_and_a_wrong_password_are_told_alike(void **state)
{
	struct fixture *f = *state;
	struct err first;
	struct err second;
	struct caller who;
	uint8_t secret[ACCOUNT_SECRET];
	add_ana(f);
	assert_int_equal(
	    account_login(f->c, "ana", "wrong password", "", NOW, secret, &who, &first),
	    ERR_DENIED);
	assert_int_equal(
	    account_login(f->c, "bob", password, "", NOW, secret, &who, &second), ERR_DENIED);
	assert_string_equal(first.msg, second.msg);
	assert_int_equal(
	    account_login(f->c, "ana", "", "", NOW, secret, &who, &first), ERR_DENIED);
}

static void
names_and_passwords_that_will_not_do(void **state)
{
	struct fixture *f = *state;
	struct err err;
	assert_int_equal(account_add(f->c, "", password, NOW, &err), ERR_USAGE);
	assert_int_equal(account_add(f->c, "a b", password, NOW, &err), ERR_USAGE);
	assert_int_equal(account_add(f->c, "a/b", password, NOW, &err), ERR_USAGE);
	assert_int_equal(account_add(f->c, "ana", "too short", NOW, &err), ERR_USAGE);
}

static void
sessions_end_by_themselves(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct caller who;
	uint8_t secret[ACCOUNT_SECRET];
	add_ana(f);
	login(f, secret, &who);
	/* Used every eight hours it lives, for thirty days. */
	int64_t at = NOW;
	for (; at < NOW + 30 * DAY - DAY / 3; at += DAY / 3)
		ok(session_find(f->c, secret, at, &who, &err));
	assert_int_equal(
	    session_find(f->c, secret, NOW + 30 * DAY + 1, &who, &err), ERR_DENIED);
	login(f, secret, &who);
	/* To be looked at is no use. */
	for (at = NOW; at < NOW + SESSION_IDLE_NS; at += DAY / 8)
		ok(session_look(f->c, secret, at, &who, &err));
	assert_int_equal(
	    session_find(f->c, secret, NOW + SESSION_IDLE_NS + 1, &who, &err), ERR_DENIED);
}

static void
a_new_password_ends_all_other_sessions(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct caller who;
	uint8_t here[ACCOUNT_SECRET];
	uint8_t there[ACCOUNT_SECRET];
	add_ana(f);
	login(f, here, &who);
	login(f, there, &who);
	assert_int_equal(
	    account_change_password(f->c, who.user, "wrong", "another password", here, &err),
	    ERR_DENIED);
	ok(account_change_password(f->c, who.user, password, "another password", here, &err));
	ok(session_find(f->c, here, NOW, &who, &err));
	assert_int_equal(session_find(f->c, there, NOW, &who, &err), ERR_DENIED);
	assert_int_equal(
	    account_login(f->c, "ana", password, "", NOW, there, &who, &err), ERR_DENIED);
	ok(account_login(f->c, "ana", "another password", "", NOW, there, &who, &err));
}

static enum err_code
note_token(void *arg, const struct token *t, struct err *err)
{
	(void)err;
	*(struct token *)arg = *t;
	assert_string_equal(t->name, "prometheus");
	return ERR_OK;
}

static void
tokens_have_their_scope(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct caller ana;
	struct caller who;
	struct token seen = { 0 };
	uint8_t session[ACCOUNT_SECRET];
	uint8_t secret[ACCOUNT_SECRET];
	int64_t id;
	add_ana(f);
	login(f, session, &ana);
	assert_int_equal(
	    token_add(f->c, ana.user, "x", SCOPE_ADMIN, NOW, secret, &id, &err), ERR_USAGE);
	ok(token_add(f->c, ana.user, "prometheus", SCOPE_READ, NOW, secret, &id, &err));
	ok(token_find(f->c, secret, NOW + DAY, &who, &err));
	assert_int_equal(who.scope, SCOPE_READ);
	assert_false(who.is_session);
	assert_string_equal(who.name, "ana/prometheus");
	/* One is not the other. */
	assert_int_equal(session_find(f->c, secret, NOW, &who, &err), ERR_DENIED);
	assert_int_equal(token_find(f->c, session, NOW, &who, &err), ERR_DENIED);
	ok(token_list(f->c, ana.user, note_token, &seen, &err));
	assert_int_equal(seen.id, id);
	assert_int_equal(seen.used_ns, NOW + DAY);
	assert_int_equal(token_delete(f->c, ana.user + 1, id, &err), ERR_NOT_FOUND);
	ok(token_delete(f->c, ana.user, id, &err));
	assert_int_equal(token_find(f->c, secret, NOW, &who, &err), ERR_DENIED);
}

static enum err_code
count_entry(void *arg, const struct audit_entry *e, struct err *err)
{
	(void)err;
	int *n = arg;
	if (*n == 0)
		assert_string_equal(e->verb, "verb 4");
	++*n;
	return ERR_OK;
}

static void
the_audit_log_only_grows(void **state)
{
	struct fixture *f = *state;
	struct err err;
	int n = 0;
	for (int i = 0; i < 5; i++) {
		char verb[16];
		snprintf(verb, sizeof verb, "verb %d", i);
		struct audit_entry e = { 0, NOW + i, "ana", "::1", verb, "shop", "ok" };
		ok(audit_add(f->c, &e, &err));
	}
	ok(audit_list(f->c, 0, 3, count_entry, &n, &err));
	assert_int_equal(n, 3);
	n = 1;
	ok(audit_list(f->c, 3, 100, count_entry, &n, &err));
	assert_int_equal(n, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_user_logs_in_and_out, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_wrong_name_and_a_wrong_password_are_told_alike, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    names_and_passwords_that_will_not_do, setup, teardown),
		cmocka_unit_test_setup_teardown(sessions_end_by_themselves, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_new_password_ends_all_other_sessions, setup, teardown),
		cmocka_unit_test_setup_teardown(tokens_have_their_scope, setup, teardown),
		cmocka_unit_test_setup_teardown(the_audit_log_only_grows, setup, teardown),
	};
	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}

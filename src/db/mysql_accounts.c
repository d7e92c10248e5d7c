#include "db/mysql_impl.h"

#include "base/room.h"

#include <string.h>

struct account {
	char *user;
	char *host; /* "" for a role of MariaDB */
	bool is_role;
	bool is_self;
};

struct accounts {
	struct account *items;
	size_t len;
};

static void
accounts_auto(struct accounts *a)
{
	for (size_t i = 0; i < a->len; i++) {
		free(a->items[i].user);
		free(a->items[i].host);
	}
	free(a->items);
}

/* Roles first, since others are granted them. */
static const char maria_accounts[] =
    "SELECT CONCAT_WS('|', HEX(CONVERT(User USING utf8mb4)), HEX(CONVERT(Host USING utf8mb4)), "
    "is_role, CONCAT(User, '@', Host) = CURRENT_USER()) FROM mysql.user WHERE User NOT IN "
    "(" MYSQL_OWN_ACCOUNTS ") ORDER BY is_role DESC, User, Host;";

static const char oracle_accounts[] =
    "SELECT CONCAT_WS('|', HEX(CONVERT(User USING utf8mb4)), HEX(CONVERT(Host USING utf8mb4)), "
    "'N', CONCAT(User, '@', Host) = CURRENT_USER()) FROM mysql.user WHERE User NOT IN "
    "(" MYSQL_OWN_ACCOUNTS ") ORDER BY account_locked DESC, User, Host;";

static enum err_code
add_account(struct accounts *a, char **row, struct err *err)
{
	AUTO(str) char *user = NULL;
	AUTO(str) char *host = NULL;
	if (session_unhex(&user, row[0], err) || session_unhex(&host, row[1], err))
		return err->code;
	if (ROOM_SHORT(a->items, a->len, err))
		return err->code;
	bool is_role = row[2][0] == 'Y';
	bool is_self = row[3][0] == '1';
	a->items[a->len++] = (struct account){ TAKE(user), TAKE(host), is_role, is_self };
	return ERR_OK;
}

static enum err_code
list_accounts(struct mysql *m, struct accounts *a, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(
		m->session, m->is_maria ? maria_accounts : oracle_accounts, &answer, err))
		return err->code;
	char *text = buf_cstr(&answer) != NULL ? (char *)answer.data : NULL;
	if (text == NULL)
		return err_nomem(err);
	char *row[4];
	while (session_row(&text, row, 4))
		if (add_account(a, row, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
put_name(struct buf *out, const struct account *a, struct err *err)
{
	if (mysql_quote(out, a->user, err))
		return err->code;
	if (a->is_role)
		return ERR_OK;
	return buf_str(out, "@", err) ? err->code : mysql_quote(out, a->host, err);
}

/* Ask for something about an account: verb, name, semicolon. */
static enum err_code
ask_about(struct mysql *m, const char *verb, const struct account *a, struct buf *answer,
    struct err *err)
{
	AUTO(bufv) struct buf sql = BUF_INIT;
	if (buf_str(&sql, verb, err) || put_name(&sql, a, err) || buf_str(&sql, ";", err))
		return err->code;
	return session_ask(m->session, (const char *)sql.data, answer, err);
}

static const char create_user[] = "CREATE USER ";

/*
 * A restore drops every account first but the one that it is logged in with.
 * That one cannot be made again without losing what it may grant to others.
 */
static const char *
verb_for(const struct mysql *m, const struct account *a)
{
	if (a->is_self)
		return "ALTER USER ";
	return m->is_maria ? "CREATE OR REPLACE USER " : "CREATE USER IF NOT EXISTS ";
}

/* Where a word stands that is in no quotes; the end of the text: nowhere. */
static const char *
find_word(const char *text, const char *word)
{
	char quote = '\0';
	for (; *text != '\0'; text++) {
		if (quote == '\0' && str_starts(text, word))
			return text;
		if (quote != '\0' && quote != '`' && *text == '\\' && text[1] != '\0')
			text++;
		else if (quote != '\0')
			quote = *text == quote ? '\0' : quote;
		else if (*text == '`' || *text == '\'' || *text == '"')
			quote = *text;
	}
	return text;
}

/* MySQL's DEFAULT ROLE names accounts that may come later, and ALTER USER takes it alone only:
 * it goes behind the rights. */
static enum err_code
put_default_roles(const struct account *a, const char *roles, size_t len, struct buf *defaults,
    struct err *err)
{
	if (len == 0)
		return ERR_OK;
	if (buf_str(defaults, "ALTER USER ", err) || put_name(defaults, a, err))
		return err->code;
	return buf_printf(defaults, err, "%.*s;\n", (int)len, roles);
}

static enum err_code
put_account(struct mysql *m, const struct account *a, struct buf *users, struct buf *defaults,
    struct err *err)
{
	if (a->is_role) {
		if (buf_str(users, "CREATE OR REPLACE ROLE ", err) || put_name(users, a, err))
			return err->code;
		return buf_str(users, ";\n", err);
	}
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (ask_about(m, "SHOW CREATE USER ", a, &answer, err))
		return err->code;
	const char *text = buf_cstr(&answer);
	if (text == NULL)
		return err_nomem(err);
	if (!str_starts(text, create_user))
		return err_set(
		    err, ERR_CORRUPT, "unexpected answer to SHOW CREATE USER: %.40s", text);
	const char *rest = text + strlen(create_user);
	/* MariaDB leaves out an empty password, which ALTER USER would take as no change. */
	bool is_open = m->is_maria && a->is_self && strstr(rest, " IDENTIFIED ") == NULL;
	size_t len = strcspn(rest, "\n");
	size_t roles = m->is_maria
			   ? len
			   : min_size(len, (size_t)(find_word(rest, " DEFAULT ROLE ") - rest));
	size_t behind =
	    roles < len ? min_size(len, (size_t)(find_word(rest + roles, " REQUIRE ") - rest))
			: len;
	if (put_default_roles(a, rest + roles, behind - roles, defaults, err))
		return err->code;
	return buf_printf(users, err, "%s%.*s%.*s%s;\n", verb_for(m, a), (int)roles, rest,
	    (int)(len - behind), rest + behind, is_open ? " IDENTIFIED BY ''" : "");
}

/* Where the object of a GRANT begins: behind its ON, which quotes and columns may hide. */
static const char *
object_of(const char *grant)
{
	char quote = '\0';
	for (const char *p = grant; *p != '\0'; p++) {
		if (quote != '\0') {
			quote = *p == quote ? '\0' : quote;
		} else if (*p == '`' || *p == '\'') {
			quote = *p;
		} else if (str_starts(p, " TO ")) {
			return NULL;
		} else if (str_starts(p, " ON ")) {
			return p + 4;
		}
	}
	return NULL;
}

bool
mysql_grant_needs_object(const char *grant)
{
	static const char *const routines[] = { "FUNCTION ", "PROCEDURE ", "PACKAGE " };
	const char *object = object_of(grant);
	if (object == NULL || str_starts(grant, "GRANT PROXY "))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(routines); i++)
		if (str_starts(object, routines[i]))
			return true;
	char quote = '\0';
	for (; *object != '\0' && (quote != '\0' || *object != ' '); object++) {
		if (quote != '\0')
			quote = *object == quote ? '\0' : quote;
		else if (*object == '`' || *object == '\'')
			quote = *object;
	}
	return object[-1] != '*';
}

/* Servers print rights in the order in which they were given; sorted, the same rights are the
 * same text.  (GRANT, REVOKE and SET DEFAULT ROLE then come in the order that they need.) */
static enum err_code
put_grants(struct mysql *m, const struct account *a, struct buf *users, struct buf *grants,
    struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	AUTO(strv) struct strv lines = STRV_INIT;
	if (ask_about(m, "SHOW GRANTS FOR ", a, &answer, err))
		return err->code;
	const char *text = buf_cstr(&answer);
	if (text == NULL)
		return err_nomem(err);
	if (strv_split(&lines, text, '\n', err))
		return err->code;
	strv_sort(&lines);
	for (size_t i = 0; i < lines.len; i++) {
		/* MariaDB prints a PROXY right once more after it was granted again. */
		if (i > 0 && strcmp(lines.items[i], lines.items[i - 1]) == 0)
			continue;
		struct buf *to = mysql_grant_needs_object(lines.items[i]) ? grants : users;
		if (buf_printf(to, err, "%s;\n", lines.items[i]))
			return err->code;
	}
	return ERR_OK;
}

/*
 * MariaDB gives a role with admin option to whoever creates it, which here is
 * whoever restores.  Take back what the dump's server did not have.
 */
static enum err_code
put_revokes(struct mysql *m, struct buf *grants, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(m->session,
		"SELECT CONCAT_WS('|', HEX(CONVERT(u.User USING utf8mb4)), "
		"COALESCE(r.Admin_option, "
		"'-')) FROM mysql.user u LEFT JOIN mysql.roles_mapping r ON r.Role = u.User "
		"AND "
		"CONCAT(r.User, '@', r.Host) = CURRENT_USER() WHERE u.is_role = 'Y' AND u.User "
		"NOT "
		"IN (" MYSQL_OWN_ACCOUNTS ") AND COALESCE(r.Admin_option, '-') <> 'Y' "
		"ORDER BY u.User;",
		&answer, err))
		return err->code;
	char *text = buf_cstr(&answer) != NULL ? (char *)answer.data : NULL;
	if (text == NULL)
		return err_nomem(err);
	char *row[2];
	while (session_row(&text, row, 2)) {
		AUTO(str) char *role = NULL;
		if (session_unhex(&role, row[0], err) ||
		    buf_str(grants, row[1][0] == '-' ? "REVOKE " : "REVOKE ADMIN OPTION FOR ",
			err) ||
		    mysql_quote(grants, role, err) ||
		    buf_str(grants, " FROM CURRENT_USER();\n", err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
put_ends(struct mysql *m, struct buf *users, const struct buf *defaults, struct buf *grants,
    struct err *err)
{
	if ((m->is_maria && put_revokes(m, grants, err)) ||
	    buf_add(users, defaults->data, defaults->len, err))
		return err->code;
	return buf_str(users, "\n" MYSQL_END_MARK "\n", err) ||
		       buf_str(grants, "\n" MYSQL_END_MARK "\n", err)
		   ? err->code
		   : ERR_OK;
}

enum err_code
mysql_accounts(struct mysql *m, struct buf *users, struct buf *grants, struct err *err)
{
	AUTO(accounts) struct accounts a = { NULL, 0 };
	AUTO(bufv) struct buf defaults = BUF_INIT;
	/* Hashes may hold any byte; MySQL can print them as numbers. */
	if (!m->is_maria && m->version >= 80017) {
		AUTO(bufv) struct buf nothing = BUF_INIT;
		if (session_ask(m->session, "SET SESSION print_identified_with_as_hex = 1;",
			&nothing, err))
			return err->code;
	}
	if (list_accounts(m, &a, err))
		return err->code;
	if (buf_str(users, "-- Accounts, and their rights on whole databases\n\n", err) ||
	    buf_str(grants, "-- Rights on tables, columns and routines\n\n", err))
		return err->code;
	for (size_t i = 0; i < a.len; i++)
		if (put_account(m, &a.items[i], users, &defaults, err))
			return err->code;
	for (size_t i = 0; i < a.len; i++)
		if (put_grants(m, &a.items[i], users, grants, err))
			return err->code;
	return put_ends(m, users, &defaults, grants, err);
}

/*
 * What an account may do on a MariaDB or MySQL server: from what SHOW GRANTS
 * says, which is what an account may always ask for itself, its roles included.
 */
#include "db/mysql_impl.h"

#include "db/site.h"

#include <string.h>

/* Privileges that change something; ALL PRIVILEGES has them all. */
static const char *const writing[] = { "ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE", "DROP",
	"CREATE", "ALTER", "SUPER", "FILE", "INDEX", "CREATE USER", "REFERENCES", "EXECUTE",
	"ALTER ROUTINE", "CREATE ROUTINE", "GRANT OPTION" };

/* Does the list of a GRANT ("SELECT, INSERT (a, b) ON ...") hold this privilege? */
static bool
has_privilege(const char *grant, const char *name)
{
	if (!str_starts(grant, "GRANT "))
		return false;
	size_t n = strlen(name);
	const char *end = strstr(grant, " ON ");
	for (const char *p = grant + 6; end != NULL && p < end;) {
		if (strncmp(p, name, n) == 0 && strchr(", (", p[n]) != NULL &&
		    (p[n] != ' ' || p + n == end || p[n + 1] == '('))
			return true;
		p += strcspn(p, ",(");
		/* Columns in brackets are not privileges. */
		if (*p == '(')
			p += strcspn(p, ")");
		p += strcspn(p, ",");
		p += p < end ? strspn(p, ", ") : 0;
	}
	return false;
}

/* What the grant is about: "*.*", "`shop`.*". */
static const char *
object_of(const char *grant, size_t *len)
{
	const char *on = strstr(grant, " ON ");
	*len = 0;
	if (on == NULL)
		return "";
	on += 4;
	const char *to = strstr(on, " TO ");
	*len = to != NULL ? (size_t)(to - on) : strlen(on);
	return on;
}

static enum err_code
note_writes(const struct strv *grants, struct db_access *out, struct err *err)
{
	for (size_t i = 0; i < grants->len; i++) {
		size_t len;
		const char *object = object_of(grants->items[i], &len);
		for (size_t k = 0; k < ARRAY_LEN(writing); k++)
			if (has_privilege(grants->items[i], writing[k]))
				return db_access_writes(out, err, "has %s on %.*s", writing[k],
				    (int)min_size(len, 200), object);
	}
	return ERR_OK;
}

static bool
has_everywhere(const struct strv *grants, const char *name)
{
	for (size_t i = 0; i < grants->len; i++) {
		size_t len;
		const char *object = object_of(grants->items[i], &len);
		if (len == 3 && memcmp(object, "*.*", 3) == 0 &&
		    (has_privilege(grants->items[i], name) ||
			has_privilege(grants->items[i], "ALL PRIVILEGES")))
			return true;
	}
	return false;
}

/* Tables that the account sees, and may not read whole.  Those it has no right on are not even
 * seen: of a whole server only a right on all databases is enough. */
static enum err_code
note_tables(struct session *s, struct db_access *out, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s,
		"SELECT CONCAT_WS('|', HEX(CONVERT(t.TABLE_SCHEMA USING utf8mb4)), "
		"HEX(CONVERT(t.TABLE_NAME USING utf8mb4))) FROM information_schema.TABLES t "
		"WHERE " MYSQL_IS_WANTED(
		    "t.TABLE_SCHEMA") " AND t.TABLE_TYPE IN ('BASE TABLE', "
				      "'SYSTEM VERSIONED') AND NOT EXISTS (SELECT 1 FROM "
				      "information_schema.SCHEMA_PRIVILEGES p WHERE "
				      "t.TABLE_SCHEMA LIKE "
				      "p.TABLE_SCHEMA AND p.PRIVILEGE_TYPE = 'SELECT') AND NOT "
				      "EXISTS (SELECT 1 FROM "
				      "information_schema.TABLE_PRIVILEGES p WHERE "
				      "p.TABLE_SCHEMA = t.TABLE_SCHEMA AND "
				      "p.TABLE_NAME = t.TABLE_NAME AND p.PRIVILEGE_TYPE = "
				      "'SELECT');",
		&answer, err))
		return err->code;
	if (buf_cstr(&answer) == NULL)
		return err_nomem(err);
	char *text = (char *)answer.data;
	char *row[2];
	while (session_row(&text, row, 2)) {
		out->fatal_count++;
		AUTO(str) char *schema = NULL;
		AUTO(str) char *table = NULL;
		if (session_unhex(&schema, row[0], err) || session_unhex(&table, row[1], err) ||
		    db_access_unreadable(out, err, "table %s.%s", schema, table))
			return err->code;
	}
	return ERR_OK;
}

static bool
has_anywhere(const struct strv *grants, const char *name)
{
	for (size_t i = 0; i < grants->len; i++)
		if (has_privilege(grants->items[i], name) ||
		    has_privilege(grants->items[i], "ALL PRIVILEGES"))
			return true;
	return false;
}

/* Without these a dump leaves out, without a word, what they let see. */
static enum err_code
note_unreadable(const struct mysql *m, struct session *s, const struct strv *grants,
    struct db_access *out, struct err *err)
{
	static const struct {
		const char *privilege;
		const char *what;
	} parts[] = {
		{ "SHOW VIEW", "definitions of views (SHOW VIEW)" },
		{ "TRIGGER", "triggers (TRIGGER)" },
		{ "EVENT", "events (EVENT)" },
		{ "LOCK TABLES", "tables without transactions (LOCK TABLES)" },
	};
	const struct db_site *site = m->base.t->site;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!has_anywhere(grants, parts[i].privilege) &&
		    db_access_unreadable(out, err, "%s", parts[i].what))
			return err->code;
	if (has_everywhere(grants, "SELECT"))
		return ERR_OK;
	if (site->database == NULL && db_access_unreadable(out, err,
					  "databases that were not granted to the user, if "
					  "there are any (SELECT on *.*)"))
		return err->code;
	if (db_access_unreadable(
		out, err, "bodies of procedures and functions of others (SELECT on *.*)"))
		return err->code;
	return note_tables(s, out, err);
}

static enum err_code
list_grants(struct session *s, struct strv *out, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s, "SHOW GRANTS;", &answer, err))
		return err->code;
	const char *text = buf_cstr(&answer);
	return text != NULL ? strv_split(out, text, '\n', err) : err_nomem(err);
}

static enum err_code
advise(const struct mysql *m, struct strv *to, struct err *err)
{
	static const char *const common =
	    "SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, PROCESS";
	const char *position = !m->is_maria           ? "REPLICATION CLIENT"
			       : m->version >= 100502 ? "BINLOG MONITOR"
						      : "REPLICATION CLIENT";
	if (strv_add(to, "CREATE USER 'stacksnap'@'%' IDENTIFIED BY 'NEW-PASSWORD';", err))
		return err->code;
	return strv_addf(to, err, "GRANT %s, %s ON *.* TO 'stacksnap'@'%%';", common, position);
}

enum err_code
mysql_access(struct connector *c, struct db_access *out, struct err *err)
{
	const struct mysql *m = mysql_of(c);
	AUTO(session) struct session *s = NULL;
	AUTO(strv) struct strv grants = STRV_INIT;
	if (mysql_session(m, &s, err) ||
	    session_ask_line(s, "SELECT CURRENT_USER();", &out->user, err) ||
	    list_grants(s, &grants, err) || note_writes(&grants, out, err) ||
	    note_unreadable(m, s, &grants, out, err))
		return err->code;
	return advise(m, &out->statements, err);
}

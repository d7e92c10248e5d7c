/*
 * What an account may do on a MongoDB server: from connectionStatus, which
 * everybody may ask about themselves.
 *
 * The built-in role "backup" may write too, but only what tools for backups
 * keep for themselves (admin.mms.backup, config.settings).
 *
 * Source: MongoDB's manual, "connectionStatus" and "Built-In Roles".
 */
#include "db/mongo_impl.h"

#include <string.h>

static enum err_code
ask(struct mongo *m, struct mongo_answer *out, struct err *err)
{
	AUTO(bufv) struct buf command = BUF_INIT;
	struct bson_maker maker;
	bson_begin(&maker, &command);
	bson_put_int32(&maker, "connectionStatus", 1);
	bson_put_bool(&maker, "showPrivileges", true);
	if (bson_finish(&maker, err))
		return err->code;
	return mongo_command(m->link, "admin", &command, out, err);
}

static bool
is_one_of(const char *text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (text != NULL && strcmp(*words, text) == 0)
			return true;
	return false;
}

static const char *
string_at(const struct bson_value *document, const char *name)
{
	struct bson_value v;
	return bson_get(document->data, document->len, name, &v) ? bson_string(&v) : NULL;
}

/* Documents of an array of authInfo, one by one. */
static bool
list_begin(struct bson_walk *w, const struct mongo_answer *a, const char *name)
{
	const char *const path[] = { "authInfo", name, NULL };
	struct bson_value list;
	if (!bson_find(a->data, a->len, path, &list) || list.type != BSON_ARRAY)
		return false;
	bson_walk_init(w, list.data, list.len);
	return true;
}

/* The first role that is (or, with others, is not) one of these; NULL when there is none. */
static const char *
find_role(const struct mongo_answer *a, const char *const *roles, bool others)
{
	struct bson_walk w;
	struct bson_value role;
	if (!list_begin(&w, a, "authenticatedUserRoles"))
		return NULL;
	while (bson_walk_next(&w, &role)) {
		const char *name = role.type == BSON_DOCUMENT ? string_at(&role, "role") : NULL;
		if (name != NULL && is_one_of(name, roles) != others)
			return name;
	}
	return NULL;
}

/* The first action of a privilege that changes something. */
static const char *
writing_action(const struct bson_value *privilege)
{
	static const char *const writing[] = { "insert", "update", "remove", "dropCollection",
		"dropDatabase", "createCollection", "createUser", "anyAction", NULL };
	struct bson_value actions;
	struct bson_value action;
	struct bson_walk w;
	if (!bson_get(privilege->data, privilege->len, "actions", &actions))
		return NULL;
	bson_walk_init(&w, actions.data, actions.len);
	while (bson_walk_next(&w, &action))
		if (is_one_of(bson_string(&action), writing))
			return bson_string(&action);
	return NULL;
}

static bool
is_for_backups(const struct bson_value *resource)
{
	const char *db = string_at(resource, "db");
	const char *collection = string_at(resource, "collection");
	if (db == NULL || collection == NULL)
		return false;
	return (strcmp(db, "admin") == 0 && strcmp(collection, "mms.backup") == 0) ||
	       (strcmp(db, "config") == 0 && strcmp(collection, "settings") == 0);
}

static enum err_code
note_privileges(
    const struct mongo_answer *a, bool *is_known, struct db_access *out, struct err *err)
{
	struct bson_walk w;
	struct bson_value privilege;
	*is_known = false;
	if (!list_begin(&w, a, "authenticatedUserPrivileges"))
		return ERR_OK;
	while (bson_walk_next(&w, &privilege)) {
		struct bson_value resource = { .type = BSON_NULL };
		*is_known = true;
		if (privilege.type != BSON_DOCUMENT)
			continue;
		const char *action = writing_action(&privilege);
		bool has_place = bson_get(privilege.data, privilege.len, "resource", &resource);
		if (action == NULL || (has_place && is_for_backups(&resource)))
			continue;
		const char *db = has_place ? string_at(&resource, "db") : NULL;
		return db_access_writes(out, err, "may write (%s on %s)", action,
		    db != NULL && *db != '\0' ? db : "any database");
	}
	return ERR_OK;
}

/* Some servers that speak the protocol show roles without what these come to. */
static enum err_code
note_writes(const struct mongo_answer *a, struct db_access *out, struct err *err)
{
	static const char *const reading[] = { "backup", "read", "readAnyDatabase",
		"clusterMonitor", NULL };
	bool is_known;
	if (note_privileges(a, &is_known, out, err))
		return err->code;
	const char *role = is_known ? NULL : find_role(a, reading, true);
	return role != NULL ? db_access_writes(out, err, "has the role %s", role) : ERR_OK;
}

static enum err_code
note_unreadable(const struct mongo_answer *a, struct db_access *out, struct err *err)
{
	static const char *const all[] = { "backup", "root", "__system", NULL };
	static const char *const data[] = { "backup", "root", "__system", "readAnyDatabase",
		"readWriteAnyDatabase", NULL };
	if (find_role(a, all, false) == NULL &&
	    db_access_unreadable(out, err, "users and roles of the server (role backup)"))
		return err->code;
	return find_role(a, data, false) != NULL
		   ? ERR_OK
		   : db_access_unreadable(out, err,
			 "databases that were not granted to the user, if there are any (role "
			 "readAnyDatabase)");
}

static enum err_code
advise(struct strv *to, struct err *err)
{
	if (strv_add(to, "use admin", err))
		return err->code;
	return strv_add(to,
	    "db.createUser({user: \"stacksnap\", pwd: \"NEW-PASSWORD\", roles: [\"backup\", "
	    "\"readAnyDatabase\"]})",
	    err);
}

enum err_code
mongo_access(struct connector *c, struct db_access *out, struct err *err)
{
	struct mongo *m = mongo_of(c);
	struct mongo_answer a;
	struct bson_walk users;
	struct bson_walk roles;
	struct bson_value user;
	if (ask(m, &a, err))
		return err->code;
	bool has_login =
	    list_begin(&users, &a, "authenticatedUsers") && bson_walk_next(&users, &user);
	if (!has_login) {
		if (str_dup(&out->user, "nobody", err) ||
		    db_access_writes(out, err,
			"may do everything, as everybody may: the server asks for no login"))
			return err->code;
		return advise(&out->statements, err);
	}
	const char *name = string_at(&user, "user");
	/* Some servers that speak its protocol tell nothing of rights. */
	if (!list_begin(&roles, &a, "authenticatedUserRoles") ||
	    !list_begin(&roles, &a, "authenticatedUserPrivileges"))
		return ERR_OK;
	if (str_dup(&out->user, name != NULL ? name : "?", err) || note_writes(&a, out, err) ||
	    note_unreadable(&a, out, err))
		return err->code;
	return advise(&out->statements, err);
}

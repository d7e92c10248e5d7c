/*
 * Users and roles: the documents of admin.system.users and admin.system.roles,
 * as they stand, so that passwords go on to hold.  They go back as mongorestore
 * does it: into collections of no other use, from which the server itself
 * takes them over in one command.
 */
#include "db/mongo_impl.h"

#include <inttypes.h>
#include <string.h>

static const struct {
	const char *collection;
	const char *file;
	const char *temporary;
	const char *parameter; /* NULL: it is not loaded; a new server has its own */
} kinds[] = {
	{ "system.version", "admin/system.version.bson", NULL, NULL },
	{ "system.roles", "admin/system.roles.bson", "stacksnap_roles", "tempRolesCollection" },
	{ "system.users", "admin/system.users.bson", "stacksnap_users", "tempUsersCollection" },
};

/* --- out --- */

struct user_tally {
	uint64_t count;
	uint64_t without; /* whose credentials the server does not show */
};

/* Users of other places, such as LDAP, are in $external, and have none. */
static void
note_user(struct user_tally *t, const uint8_t *doc, size_t len)
{
	struct bson_value v;
	const char *db = bson_get(doc, len, "db", &v) ? bson_string(&v) : NULL;
	bool is_external = db != NULL && strcmp(db, "$external") == 0;
	t->count++;
	t->without += !is_external && !bson_get(doc, len, "credentials", &v);
}

static enum err_code
pour_users(
    const struct dump_out *d, struct mongo_cursor *c, struct user_tally *t, struct err *err)
{
	const uint8_t *doc;
	size_t len;
	for (;;) {
		if (mongo_cursor_next(c, &doc, &len, err))
			return err->code;
		if (doc == NULL)
			return ERR_OK;
		note_user(t, doc, len);
		uint32_t end = (uint32_t)len;
		if (dump_rows(d, doc, len, &end, 1, err))
			return err->code;
	}
}

static enum err_code
drain_kind(struct mongo *m, const struct dump_out *d, size_t kind, struct err *err)
{
	struct bson_maker b;
	struct user_tally tally = { 0, 0 };
	struct dump_head head = { kinds[kind].file, "admin", DUMP_BSON, NULL, NULL, true };
	AUTO(bufv) struct buf command = BUF_INIT;
	AUTO(mongo_cursor) struct mongo_cursor c = MONGO_CURSOR_INIT;
	bson_begin(&b, &command);
	bson_put_string(&b, "find", kinds[kind].collection);
	if (bson_finish(&b, err))
		return err->code;
	if (mongo_cursor_open(&c, m->link, "admin", &command, err)) {
		if (err->code != ERR_DENIED)
			return err->code;
		return dump_warn(&m->base, err,
		    "admin.%s cannot be read by this user, and is not captured: it takes the "
		    "role backup",
		    kinds[kind].collection);
	}
	if (dump_begin(d, &head, err) || pour_users(d, &c, &tally, err) || dump_end(d, err))
		return err->code;
	bool are_users = strcmp(kinds[kind].collection, "system.users") == 0;
	if (are_users && tally.without > 0)
		return dump_warn(&m->base, err,
		    "the server does not show the hashes of passwords (users: %" PRIu64
		    "): a restore cannot make them",
		    tally.without);
	return ERR_OK;
}

enum err_code
mongo_drain_users(struct mongo *m, const struct dump_out *d, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (drain_kind(m, d, i, err))
			return err_wrap(err, "%s", kinds[i].file);
	return ERR_OK;
}

/* --- in --- */

static enum err_code
drop_temporary(struct mongo *m, size_t kind, struct err *err)
{
	if (mongo_order(m->link, "admin", "drop", kinds[kind].temporary, err) == ERR_OK ||
	    err->code == ERR_NOT_FOUND) {
		*err = (struct err)ERR_INIT;
		return ERR_OK;
	}
	return err->code;
}

/* The server takes them over, and forgets all others. */
static enum err_code
merge(struct mongo *m, size_t kind, struct err *err)
{
	struct bson_maker b;
	struct mongo_answer a;
	AUTO(str) char *name = NULL;
	AUTO(bufv) struct buf command = BUF_INIT;
	if (str_printf(&name, err, "admin.%s", kinds[kind].temporary))
		return err->code;
	bson_begin(&b, &command);
	bson_put_int32(&b, "_mergeAuthzCollections", 1);
	bson_put_string(&b, kinds[kind].parameter, name);
	bson_put_bool(&b, "drop", true);
	bson_put_string(&b, "db", "");
	if (bson_finish(&b, err))
		return err->code;
	return mongo_command(m->link, "admin", &command, &a, err);
}

static enum err_code
load_kind(struct mongo *m, struct dump_source *src, size_t kind, struct err *err)
{
	uint64_t count;
	if (drop_temporary(m, kind, err) || mongo_insert_file(m, src, kinds[kind].file, "admin",
						kinds[kind].temporary, &count, err))
		return err->code;
	/* No roles are none; but without any user nobody could log in again. */
	bool are_users = strcmp(kinds[kind].collection, "system.users") == 0;
	enum err_code rc = count > 0 || !are_users ? merge(m, kind, err) : ERR_OK;
	if (rc == ERR_UNSUPPORTED) {
		*err = (struct err)ERR_INIT;
		rc = count == 0
			 ? ERR_OK
			 : dump_warn(&m->base, err,
			       "this server takes no users and roles: %" PRIu64
			       " documents of admin.%s are not loaded; those that it has stay",
			       count, kinds[kind].collection);
	}
	struct err second;
	if (drop_temporary(m, kind, &second) && rc == ERR_OK) {
		*err = second;
		rc = second.code;
	}
	return rc;
}

/* Read to its end, which proves it. */
static enum err_code
read_through(struct dump_source *src, const char *file, struct err *err)
{
	AUTO(bufv) struct buf ignored = BUF_INIT;
	return dump_slurp(src, file, MONGO_METADATA_MAX, &ignored, err);
}

enum err_code
mongo_load_users(struct mongo *m, struct dump_source *src, struct err *err)
{
	AUTO(strv) struct strv files = STRV_INIT;
	if (src->ops->list(src, &files, err))
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!strv_has(&files, kinds[i].file))
			continue;
		if (kinds[i].parameter != NULL ? load_kind(m, src, i, err)
					       : read_through(src, kinds[i].file, err))
			return err_wrap(err, "%s", kinds[i].file);
	}
	return ERR_OK;
}

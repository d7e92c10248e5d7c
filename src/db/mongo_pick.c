/*
 * One collection of a server that runs (pick.h).
 *
 * It is loaded under a name of ours beside the others, counted, and given its
 * indexes; then it changes places with the one that is there.  A server renames one
 * collection at a time: between the two there is none of that name for a moment, and no write
 * is ever dropped with the old one.
 */
#include "db/mongo_impl.h"
#include "db/pick_impl.h"

#include "base/json.h"

#include <string.h>

#define OLD_PREFIX "stacksnap_old_"
#define NEW_PREFIX "stacksnap_new_"
#define TAG_LEN 8

struct mg_pick {
	struct mongo *m;
	const struct db_pick *pick;
	const char *database; /* that the collection goes into */
	char *name;
	char fresh[64]; /* the collection on its way */
	char hash[32];
	struct strv collections; /* of that database, as of mg_list */
	struct strv others; /* views, time series */
};

static void
mg_pick_release(struct mg_pick *p)
{
	free(p->name);
	strv_release(&p->collections);
	strv_release(&p->others);
}

/* --- names --- */

static enum err_code
set_names(struct mg_pick *p, struct err *err)
{
	AUTO(strv) struct strv parts = STRV_INIT;
	AUTO(str) char *whole = NULL;
	char side[PICK_SIDE_SIZE];
	if (pick_split_name(&parts, p->pick->table, err))
		return err->code;
	if (p->pick->database == NULL || parts.len > 2)
		return err_set(err, ERR_USAGE, "%s is no collection: give it with --database",
		    p->pick->table);
	const char *name = parts.items[parts.len - 1];
	if (str_starts(name, "system.") || strcmp(p->pick->database, "admin") == 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "%s of %s is the server's own: restore the whole service with --service",
		    name, p->pick->database);
	if (str_printf(&whole, err, "%s.%s", p->pick->database, name) ||
	    str_dup(&p->name, name, err))
		return err->code;
	pick_side_name(side, whole);
	snprintf(p->hash, sizeof p->hash, "%s", side + strlen("rows_"));
	snprintf(p->fresh, sizeof p->fresh, NEW_PREFIX "%s", p->hash);
	bool loads = p->pick->verb <= PICK_PUT || p->pick->verb == PICK_MEND;
	bool is_beside = loads && p->pick->into != NULL;
	p->database = is_beside ? p->pick->into : p->pick->database;
	return ERR_OK;
}

/* "stacksnap_old_1a2b3c4d_HASH" */
static void
old_name(const struct mg_pick *p, const char *tag, char out[64])
{
	snprintf(out, 64, OLD_PREFIX "%.8s_%s", tag, p->hash);
}

static enum err_code
list_collections(struct mg_pick *p, struct err *err)
{
	struct bson_maker b;
	const uint8_t *doc;
	size_t len;
	AUTO(bufv) struct buf command = BUF_INIT;
	AUTO(mongo_cursor) struct mongo_cursor c = MONGO_CURSOR_INIT;
	strv_release(&p->collections);
	strv_release(&p->others);
	bson_begin(&b, &command);
	bson_put_int32(&b, "listCollections", 1);
	if (bson_finish(&b, err) ||
	    mongo_cursor_open(&c, p->m->link, p->database, &command, err))
		return err->code;
	for (;;) {
		struct bson_value name;
		struct bson_value type;
		if (mongo_cursor_next(&c, &doc, &len, err))
			return err->code;
		if (doc == NULL)
			return ERR_OK;
		if (!bson_get(doc, len, "name", &name) || bson_string(&name) == NULL)
			return err_set(
			    err, ERR_INCOMPLETE, "a collection of %s has no name", p->database);
		const char *kind =
		    bson_get(doc, len, "type", &type) ? bson_string(&type) : NULL;
		bool is_plain = kind == NULL || strcmp(kind, "collection") == 0;
		if (strv_add(is_plain ? &p->collections : &p->others, bson_string(&name), err))
			return err->code;
	}
}

/* The tag of what is kept, "" when nothing is. */
static void
find_kept(const struct mg_pick *p, char tag[TAG_LEN + 1])
{
	tag[0] = '\0';
	for (size_t i = 0; i < p->collections.len; i++) {
		const char *name = p->collections.items[i];
		size_t n = strlen(OLD_PREFIX);
		if (!str_starts(name, OLD_PREFIX) || strlen(name) < n + TAG_LEN + 1 ||
		    strcmp(name + n + TAG_LEN + 1, p->hash) != 0)
			continue;
		memcpy(tag, name + n, TAG_LEN);
		tag[TAG_LEN] = '\0';
	}
}

/* --- orders --- */

static enum err_code
rename_to(struct mg_pick *p, const char *from, const char *to, bool over, struct err *err)
{
	struct bson_maker b;
	struct mongo_answer a;
	AUTO(str) char *old = NULL;
	AUTO(str) char *new = NULL;
	AUTO(bufv) struct buf command = BUF_INIT;
	if (str_printf(&old, err, "%s.%s", p->database, from) ||
	    str_printf(&new, err, "%s.%s", p->database, to))
		return err->code;
	bson_begin(&b, &command);
	bson_put_string(&b, "renameCollection", old);
	bson_put_string(&b, "to", new);
	bson_put_bool(&b, "dropTarget", over);
	if (bson_finish(&b, err) || mongo_command(p->m->link, "admin", &command, &a, err))
		return err_wrap(err, "rename %s to %s", old, new);
	return ERR_OK;
}

static enum err_code
drop_if_there(struct mg_pick *p, const char *name, struct err *err)
{
	if (!strv_has(&p->collections, name))
		return ERR_OK;
	return mongo_order(p->m->link, p->database, "drop", name, err);
}

/* --- look --- */

static enum err_code
connect(struct mg_pick *p, struct err *err)
{
	struct mongo *m = p->m;
	mongo_link_close(TAKE(m->link));
	m->has_moment = false;
	if (mongo_connect(&m->link, m, err) || mongo_hello(&m->facts, m->link, err))
		return err->code;
	if (m->facts.is_router)
		return err_set(err, ERR_UNSUPPORTED,
		    "the server is the router of a sharded cluster, in which collections "
		    "cannot "
		    "change names: write the documents out with 'stacksnap cat', and load them "
		    "with mongorestore");
	if (!m->facts.is_primary)
		return err_set(err, ERR_USAGE,
		    "the server is not the primary of its replica set: restore into that one");
	return list_collections(p, err);
}

static enum err_code
look_in_place(const struct mg_pick *p, struct strv *told, struct err *err)
{
	char tag[TAG_LEN + 1];
	if (strv_has(&p->others, p->name))
		return err_set(err, ERR_UNSUPPORTED,
		    "%s.%s is a view or a time series: use --into", p->database, p->name);
	if (!strv_has(&p->collections, p->name))
		return err_set(err, ERR_NOT_FOUND,
		    "there is no collection %s in %s any more: put its documents beside, or "
		    "where it was, with --into",
		    p->name, p->database);
	find_kept(p, tag);
	if (*tag != '\0')
		return err_set(err, ERR_EXISTS,
		    "the documents of %s that snapshot %s has replaced are still kept: "
		    "'stacksnap restore finish' removes them, 'restore undo' puts them back",
		    p->pick->table, tag);
	return strv_addf(told, err,
	    "%s becomes another collection of that name, with the options and indexes of the "
	    "snapshot; for a moment there is none",
	    p->pick->table);
}

static enum err_code
look(const struct mg_pick *p, struct strv *told, struct err *err)
{
	if (p->pick->definition == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "the snapshot does not say how %s was made", p->pick->table);
	if (p->pick->into == NULL)
		return look_in_place(p, told, err);
	if (strv_has(&p->collections, p->name) || strv_has(&p->others, p->name))
		return err_set(err, ERR_EXISTS,
		    "there is a collection %s in database %s already: give another --into",
		    p->name, p->database);
	return ERR_OK;
}

/* --- verbs --- */

static enum err_code
load(struct mg_pick *p, struct err *err)
{
	AUTO(json) json_t *whole = NULL;
	const char *text = p->pick->definition;
	if (json_parse(&whole, text, strlen(text), "its metadata", err))
		return err->code;
	const char *type = json_get_str(whole, "type");
	if (type != NULL && strcmp(type, "collection") != 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "%s was a %s in the snapshot: restore the whole service with --service",
		    p->pick->table, type);
	if (drop_if_there(p, p->fresh, err))
		return err->code;
	return mongo_load_as(
	    p->m, whole, p->database, p->fresh, p->pick->source, p->pick->rows, err);
}

static enum err_code
put_in_place(struct mg_pick *p, struct err *err)
{
	char old[64];
	struct err scratch;
	old_name(p, p->pick->tag, old);
	if (rename_to(p, p->name, old, false, err))
		return err->code;
	if (rename_to(p, p->fresh, p->name, false, err) == ERR_OK)
		return ERR_OK;
	/* An application that wrote in this moment has made a collection of its own. */
	if (rename_to(p, old, p->name, false, &scratch) == ERR_OK)
		return err_wrap(err, "nothing was changed, try again");
	return err_wrap(
	    err, "the old documents are in %s.%s: 'stacksnap restore undo'", p->database, old);
}

static enum err_code
put(struct mg_pick *p, struct err *err)
{
	AUTO(strv) struct strv told = STRV_INIT;
	struct err scratch;
	if (look(p, &told, err))
		return err->code;
	enum err_code rc = load(p, err);
	if (rc == ERR_OK)
		rc = p->pick->into != NULL ? rename_to(p, p->fresh, p->name, false, err)
					   : put_in_place(p, err);
	if (rc != ERR_OK && list_collections(p, &scratch) == ERR_OK &&
	    drop_if_there(p, p->fresh, &scratch) != ERR_OK)
		return err_wrap(
		    err, "(and %s.%s is left: %.150s)", p->database, p->fresh, scratch.msg);
	return rc;
}

static enum err_code
settle(struct mg_pick *p, struct strv *told, struct err *err)
{
	char tag[TAG_LEN + 1];
	char old[64];
	find_kept(p, tag);
	if (*tag == '\0')
		return err_set(err, ERR_NOT_FOUND,
		    "no documents of %s in database %s were replaced, or this is settled "
		    "already",
		    p->pick->table, p->database);
	old_name(p, tag, old);
	if (p->pick->verb == PICK_KEPT)
		return strv_add(told, tag, err);
	if (p->pick->verb == PICK_UNDO ? rename_to(p, old, p->name, true, err)
				       : drop_if_there(p, old, err))
		return err->code;
	return drop_if_there(p, p->fresh, err);
}

/*
 * Killed between both names there is no collection, and the old one is a step away.  Killed
 * before the first, or behind the second, all stands as it should but for what was loaded.
 */
static enum err_code
mend(struct mg_pick *p, struct err *err)
{
	char tag[TAG_LEN + 1];
	char old[64];
	find_kept(p, tag);
	old_name(p, tag, old);
	if (p->pick->into == NULL && *tag != '\0' && !strv_has(&p->collections, p->name) &&
	    !strv_has(&p->others, p->name) && rename_to(p, old, p->name, false, err))
		return err->code;
	return drop_if_there(p, p->fresh, err);
}

enum err_code
mongo_pick(struct connector *c, const struct db_pick *pick, struct strv *told, struct err *err)
{
	struct mg_pick p = {
		.m = mongo_of(c), .pick = pick, .collections = STRV_INIT, .others = STRV_INIT
	};
	enum err_code rc = set_names(&p, err);
	if (rc == ERR_OK)
		rc = connect(&p, err);
	if (rc == ERR_OK)
		rc = pick->verb == PICK_LOOK   ? look(&p, told, err)
		     : pick->verb == PICK_PUT  ? put(&p, err)
		     : pick->verb == PICK_MEND ? mend(&p, err)
					       : settle(&p, told, err);
	mg_pick_release(&p);
	return rc;
}

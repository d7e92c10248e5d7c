/* Restores of single tables whose run has died. */
#include "db/pick.h"
#include "engine/restore_table.h"
#include "engine/stack_server.h"
#include "engine/table_kept.h"

#include <string.h>

void
table_recovery_release(struct table_recovery *r)
{
	strv_release(&r->settled);
	strv_release(&r->broken);
}

/* What is kept tells whether the exchange was done: while there is any, no other is begun. */
static enum err_code
look_what_stands(struct engine *e, struct connector *c, const struct table_part *part,
    enum mended *how, struct err *err)
{
	const struct db_pick pick = {
		.verb = PICK_KEPT,
		.database = part->database,
		.table = part->table,
		.prefix = part->key_prefix,
	};
	AUTO(strv) struct strv tag = STRV_INIT;
	enum err_code rc = connector_pick(c, &pick, &tag, err);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	*how = rc == ERR_OK ? MENDED_NEW : MENDED_OLD;
	return rc == ERR_OK ? table_kept_note(e, part, tag.items[0], err) : ERR_OK;
}

enum err_code
restore_table_mend(
    struct engine *e, const struct table_part *p, enum mended *how, struct err *err)
{
	AUTO(stack_server) struct stack_server server = STACK_SERVER_INIT;
	struct engine there = *e;
	if (p->host != NULL)
		there.docker_host = p->host;
	const struct db_pick pick = {
		.verb = PICK_MEND,
		.database = p->database,
		.table = p->table,
		.prefix = p->key_prefix,
		.into = p->into,
	};
	if (stack_server_open(&server, &there, p->stack, p->service, err) ||
	    connector_pick(server.connector, &pick, NULL, err))
		return err->code;
	if (p->into == NULL)
		return look_what_stands(e, server.connector, p, how, err);
	*how = MENDED_BESIDE;
	return ERR_OK;
}

static enum err_code
note_settled(
    struct table_recovery *out, const struct table_part *p, enum mended how, struct err *err)
{
	static const char *const words[] = {
		[MENDED_OLD] =
		    "its restore was interrupted, and not done: all is as it was before",
		[MENDED_NEW] =
		    ("its restore was interrupted when it was done; the old rows are kept: "
		     "restore undo or finish"),
		[MENDED_BESIDE] = "its restore was interrupted; look whether all is there in ",
	};
	bool has_database = p->database != NULL && *p->database != '\0';
	return strv_addf(&out->settled, err, "stack %s: %s%s%s%s%s: %s%s", p->stack, p->table,
	    has_database ? " of " : "", has_database ? p->database : "",
	    p->key_prefix != NULL ? ", keys " : "", p->key_prefix != NULL ? p->key_prefix : "",
	    words[how], how == MENDED_BESIDE ? p->into : "");
}

static enum err_code
recover_one(struct engine *e, const char *path, struct table_recovery *out, struct err *err)
{
	AUTO(table_record) struct table_record r = TABLE_RECORD_INIT;
	enum mended how = MENDED_OLD;
	struct err why = ERR_INIT;
	enum err_code rc = table_record_open(&r, path, &why);
	if (rc == ERR_OK)
		rc = restore_table_mend(e, &r.part, &how, &why);
	if (rc == ERR_OK)
		rc = table_record_end(&r, &why);
	switch (rc) {
	case ERR_OK:
		return note_settled(out, &r.part, how, err);
	case ERR_LOCKED:
		out->busy++;
		return ERR_OK;
	default:
		break;
	}
	if (r.path == NULL)
		return strv_add(&out->broken, why.msg, err);
	return strv_addf(&out->broken, err, "%s, stack %s, whose restore was interrupted: %s",
	    r.part.table, r.part.stack, why.msg);
}

enum err_code
restore_table_recover(struct engine *e, struct table_recovery *out, struct err *err)
{
	AUTO(strv) struct strv paths = STRV_INIT;
	if (table_record_list(&paths, e, err))
		return err->code;
	for (size_t i = 0; i < paths.len; i++)
		if (recover_one(e, paths.items[i], out, err))
			return err->code;
	return ERR_OK;
}

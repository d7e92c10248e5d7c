#include "cli/recover.h"

#include "cli/places.h"
#include "docker/journal.h"
#include "engine/restore_settle.h"
#include "engine/restore_table.h"
#include "sys/fs.h"

void
recovery_release(struct recovery *r)
{
	strv_release(&r->services);
	strv_release(&r->old);
	strv_release(&r->restored);
	strv_release(&r->tables);
}

static enum err_code
recover_one(struct cli *c, const char *path, struct recovery *out, struct err *err)
{
	AUTO(strv) struct strv thawed = STRV_INIT;
	AUTO(strv) struct strv failed_hooks = STRV_INIT;
	struct err why = ERR_INIT;
	enum err_code rc = journal_recover(path, &thawed, &failed_hooks, &why);
	for (size_t i = 0; i < failed_hooks.len; i++)
		event_warning(c->events, path, "%s", failed_hooks.items[i]);
	for (size_t i = 0; i < thawed.len; i++) {
		event_service(c->events, thawed.items[i],
		    "runs again: an earlier run that died had left it quiet");
		if (strv_add(&out->services, thawed.items[i], err))
			return err->code;
	}
	if (rc == ERR_LOCKED) {
		out->busy++;
	} else if (rc != ERR_OK && rc != ERR_NOT_FOUND) {
		out->failed++;
		event_warning(c->events, path, "%s", why.msg);
	}
	return ERR_OK;
}

enum err_code
recover_all(struct cli *c, struct recovery *out, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (c->state_dir == NULL) {
		AUTO(str) char *none = NULL;
		return place_of_state(&none, false, err);
	}
	if (!fs_is_dir(c->state_dir))
		return ERR_OK;
	if (fs_list_dir(c->state_dir, &names, err))
		return err_wrap(err, "look for journals");
	for (size_t i = 0; i < names.len; i++) {
		AUTO(str) char *path = NULL;
		if (!str_starts(names.items[i], "quiet-") || !str_ends(names.items[i], ".json"))
			continue;
		if (str_printf(&path, err, "%s/%s", c->state_dir, names.items[i]) ||
		    recover_one(c, path, out, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
settle_one(struct cli *c, struct engine *e, const struct restored *r, struct recovery *out,
    struct err *err)
{
	struct err why = ERR_INIT;
	enum recovered how;
	enum err_code rc = restore_recover(e, r->stack, &how, &why);
	if (rc == ERR_LOCKED) {
		out->busy++;
		return ERR_OK;
	}
	if (rc != ERR_OK) {
		out->failed++;
		event_warning(c->events, r->stack, "%s", why.msg);
		return ERR_OK;
	}
	switch (how) {
	case RECOVERED_OLD:
		return strv_add(&out->old, r->stack, err);
	case RECOVERED_NEW:
	case RECOVERED_FINISHED:
		return strv_add(&out->restored, r->stack, err);
	case RECOVERED_NOTHING:
		break;
	}
	return ERR_OK;
}

enum err_code
recover_restores(struct cli *c, struct recovery *out, struct err *err)
{
	AUTO(restored_list) struct restored_list l = RESTORED_LIST_INIT;
	struct engine e = cli_engine(c, NULL);
	if (restore_list(&e, &l, err))
		return err->code;
	for (size_t i = 0; i < l.count; i++)
		if (l.items[i].state != RESTORED_KEPT &&
		    settle_one(c, &e, &l.items[i], out, err))
			return err->code;
	out->failed += l.broken.len;
	for (size_t i = 0; i < l.broken.len; i++)
		event_warning(c->events, NULL, "%s", l.broken.items[i]);
	return ERR_OK;
}

enum err_code
recover_tables(struct cli *c, struct recovery *out, struct err *err)
{
	AUTO(table_recovery) struct table_recovery t = TABLE_RECOVERY_INIT;
	struct engine e = cli_engine(c, NULL);
	if (restore_table_recover(&e, &t, err))
		return err->code;
	for (size_t i = 0; i < t.settled.len; i++)
		if (strv_add(&out->tables, t.settled.items[i], err))
			return err->code;
	for (size_t i = 0; i < t.broken.len; i++)
		event_warning(c->events, NULL, "%s", t.broken.items[i]);
	out->failed += t.broken.len;
	out->busy += t.busy;
	return ERR_OK;
}

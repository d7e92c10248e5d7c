#include "serve/diff_kept.h"

#include "base/log.h"
#include "base/strv.h"
#include "catalog/run.h"
#include "serve/run_files.h"

#include <string.h>

#define STATUS_TOO_MANY 429
#define WAIT_S 10
/* Those before it are as good as none: they were removed when these began. */
#define LISTED (2 * DIFFS_KEPT_ALL)

enum err_code
diff_begin(const struct ask *ask, const struct run_plan *plan, int64_t *id, struct answer *out,
    struct err *err)
{
	static const struct catalog_run_room room = { DIFFS_AT_ONCE, DIFFS_AT_ONCE_ALL };
	if (ask->who->scope >= SCOPE_OPERATE)
		return keeper_run_start(ask, plan, id, err);
	enum err_code rc = keeper_run_start_within(ask, plan, &room, id, err);
	if (rc != ERR_LOCKED)
		return rc;
	out->status = STATUS_TOO_MANY;
	out->retry_after_s = WAIT_S;
	return err_wrap(err,
	    "who may only read may begin %d comparisons at once, all of them together %d: wait "
	    "for one to end",
	    DIFFS_AT_ONCE, DIFFS_AT_ONCE_ALL);
}

/* --- what is kept --- */

struct done {
	int64_t id;
	char *asked_by;
};

struct done_list {
	struct done items[LISTED];
	size_t count;
};

static void
done_list_free(struct done_list *l)
{
	for (size_t i = 0; l != NULL && i < l->count; i++)
		free(l->items[i].asked_by);
	free(l);
}
AUTO_FREE(done_list, struct done_list *, done_list_free)

static enum err_code
note(void *arg, const struct catalog_run *r, struct err *err)
{
	struct done_list *l = arg;
	if (!catalog_run_state_is_end(r->state) || l->count == LISTED)
		return ERR_OK;
	struct done *d = &l->items[l->count];
	if (str_dup(&d->asked_by, r->asked_by, err))
		return err->code;
	d->id = r->id;
	l->count++;
	return ERR_OK;
}

static size_t
later_of(const struct done_list *l, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += strcmp(l->items[i].asked_by, l->items[n].asked_by) == 0;
	return count;
}

static enum err_code
tidy(struct keeper *k, struct err *err)
{
	AUTO(done_list) struct done_list *l = calloc(1, sizeof *l);
	const struct catalog_run_filter filter = { .kind = "diff", .limit = LISTED };
	int64_t bytes = 0;
	if (l == NULL)
		return err_nomem(err);
	if (catalog_run_list(keeper_catalog(k), &filter, note, l, err))
		return err->code;
	for (size_t i = 0; i < l->count; i++) {
		int64_t id = l->items[i].id;
		int64_t here;
		if (run_files_bytes(k, id, &here, err))
			return err->code;
		bytes += here;
		if (i < DIFFS_KEPT_ALL && later_of(l, i) < DIFFS_KEPT &&
		    (i == 0 || bytes <= DIFFS_KEPT_BYTES))
			continue;
		bytes -= here;
		/* The row goes last: without it nobody would look for the files. */
		if (run_files_remove(k, id, err) ||
		    catalog_run_remove(keeper_catalog(k), id, err))
			return err->code;
	}
	return ERR_OK;
}

void
diffs_tidy(struct keeper *k)
{
	struct err err = ERR_INIT;
	if (tidy(k, &err))
		log_debug("comparisons that are not kept: %s", err.msg);
}

#include "base/checksum.h"
#include "db/pick_impl.h"

#include <inttypes.h>
#include <string.h>

/* "a, b, c" */
static enum err_code
missing_of(struct buf *out, const struct strv *all, const struct strv *in, struct err *err)
{
	for (size_t i = 0; i < all->len; i++)
		if (!strv_has(in, all->items[i]) &&
		    buf_printf(out, err, "%s%s", out->len > 0 ? ", " : "", all->items[i]))
			return err->code;
	return ERR_OK;
}

enum err_code
pick_check_columns(const struct db_pick *pick, const struct strv *live, struct err *err)
{
	AUTO(strv) struct strv stored = STRV_INIT;
	AUTO(bufv) struct buf gone = BUF_INIT;
	AUTO(bufv) struct buf fresh = BUF_INIT;
	for (size_t i = 0; i < pick->shape->column_count; i++)
		if (strv_add(&stored, pick->shape->columns[i].name, err))
			return err->code;
	if (missing_of(&gone, &stored, live, err) || missing_of(&fresh, live, &stored, err))
		return err->code;
	if (gone.len == 0 && fresh.len == 0)
		return ERR_OK;
	const char *a = gone.len > 0 ? buf_cstr(&gone) : "none";
	const char *b = fresh.len > 0 ? buf_cstr(&fresh) : "none";
	return err_set(err, ERR_USAGE,
	    "%s has other columns now (no longer there: %s; new: %s): put the rows beside it "
	    "with --into, and take from there what you need",
	    pick->table, a != NULL ? a : "?", b != NULL ? b : "?");
}

void
pick_side_name(char out[PICK_SIDE_SIZE], const char *table)
{
	snprintf(out, PICK_SIDE_SIZE, "rows_%016" PRIx64, checksum_of(table, strlen(table), 0));
}

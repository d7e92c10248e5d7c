#include "db/pick.h"

#include "db/connector_impl.h"

#include <string.h>

enum err_code
connector_pick(
    struct connector *c, const struct db_pick *pick, struct strv *told, struct err *err)
{
	if (c->ops->pick == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "service %s: of %s no single table can be put back: write its rows out "
		    "with 'stacksnap cat' and load them beside",
		    c->t->service, db_kind_title(c->report.info.kind));
	if (c->ops->pick(c, pick, told, err))
		return err_wrap(err, "service %s", c->t->service);
	return ERR_OK;
}

bool
db_aside_is_name(const char *into)
{
	size_t n =
	    strspn(into, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	return n > 0 && n <= 48 && into[n] == '\0' && !str_starts(into, "pg_");
}

enum err_code
connector_aside(
    struct connector *c, const struct db_aside *aside, struct strv *told, struct err *err)
{
	if (c->ops->aside == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "service %s: %s has no databases that could have another name; of its "
		    "keys, "
		    "those of a prefix can be put into another: --key-prefix, --into-db",
		    c->t->service, db_kind_title(c->report.info.kind));
	if (!db_aside_is_name(aside->into))
		return err_set(err, ERR_USAGE,
		    "'%s' is no name for a new database: give letters, digits and _, at most "
		    "48",
		    aside->into);
	if (c->ops->aside(c, aside, told, err))
		return err_wrap(err, "service %s", c->t->service);
	return ERR_OK;
}

/* Up to the quote that ends it; doubled ones are one. */
static const char *
read_quoted(const char *p, struct buf *part, struct err *err)
{
	for (; *p != '\0'; p++) {
		if (*p == '"' && *++p != '"')
			return p;
		if (buf_u8(part, (uint8_t)*p, err))
			return NULL;
	}
	err_set(err, ERR_CORRUPT, "a quote does not end");
	return NULL;
}

enum err_code
pick_split_name(struct strv *out, const char *name, struct err *err)
{
	const char *p = name;
	for (;;) {
		AUTO(bufv) struct buf part = BUF_INIT;
		if (*p == '"') {
			p = read_quoted(p + 1, &part, err);
			if (p == NULL)
				return err_wrap(err, "the name %s", name);
		} else {
			size_t n = strcspn(p, ".");
			if (buf_add(&part, p, n, err))
				return err->code;
			p += n;
		}
		const char *text = buf_cstr(&part);
		if (text == NULL || strv_add(out, text, err))
			return text == NULL ? err_nomem(err) : err->code;
		if (*p == '\0')
			return ERR_OK;
		if (*p++ != '.')
			return err_set(err, ERR_CORRUPT, "the name %s is no table's", name);
	}
}

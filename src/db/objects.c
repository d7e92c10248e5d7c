#include "db/objects.h"

#include "base/room.h"
#include "db/session.h"
#include "db/sql_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many are named before "and N more". */
#define NAMED 5
#define NAMES_SIZE 400

void
objects_release(struct objects *o)
{
	strv_release(&o->names);
	for (size_t i = 0; i < o->row_count; i++)
		free(o->rows[i].table);
	free(o->rows);
	*o = (struct objects)OBJECTS_INIT;
}

/* A part of a name from its hexadecimal form; nothing when that is empty. */
static enum err_code
put_part(struct buf *name, const char *hex, const char *behind, struct err *err)
{
	AUTO(str) char *part = NULL;
	if (*hex == '\0')
		return ERR_OK;
	if (session_unhex(&part, hex, err) || sql_name_part(name, part, err))
		return err->code;
	return buf_str(name, behind, err);
}

static enum err_code
bad_answer(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "unexpected answer to the question for what there is");
}

enum err_code
objects_add(struct objects *o, char *text, struct err *err)
{
	char *row[5];
	while (*text != '\0') {
		AUTO(bufv) struct buf name = BUF_INIT;
		if (!session_row(&text, row, 5))
			return bad_answer(err);
		bool is_named = row[2][0] != '\0' || row[3][0] != '\0' || row[4][0] != '\0';
		if (buf_printf(&name, err, "%s%s", row[0], is_named ? " " : "") ||
		    put_part(&name, row[2], " ON ", err) || put_part(&name, row[3], ".", err) ||
		    put_part(&name, row[4], "", err))
			return err->code;
		const char *full = buf_cstr(&name);
		if (full == NULL)
			return err_nomem(err);
		for (uint64_t n = strtoull(row[1], NULL, 10); n > 0; n--)
			if (strv_add(&o->names, full, err))
				return err->code;
	}
	return ERR_OK;
}

static enum err_code
add_rows(struct objects *o, char *const *row, struct err *err)
{
	AUTO(bufv) struct buf name = BUF_INIT;
	if (ROOM(o->rows, o->row_count, o->row_cap, 64, err))
		return err->code;
	if (put_part(&name, row[2], ".", err) || put_part(&name, row[3], "", err))
		return err->code;
	const char *full = buf_cstr(&name);
	if (full == NULL)
		return err_nomem(err);
	struct object_rows *r = &o->rows[o->row_count];
	r->count = strtoull(row[1], NULL, 10);
	r->is_exact = row[0][0] == '1';
	if (str_dup(&r->table, full, err))
		return err->code;
	o->row_count++;
	return ERR_OK;
}

enum err_code
objects_add_rows(struct objects *o, char *text, struct err *err)
{
	char *row[4];
	while (*text != '\0')
		if (!session_row(&text, row, 4))
			return bad_answer(err);
		else if (add_rows(o, row, err))
			return err->code;
	return ERR_OK;
}

void
objects_sort(struct objects *o)
{
	strv_sort(&o->names);
}

void
objects_keep_common(struct objects *o, const struct objects *other)
{
	size_t kept = 0;
	size_t k = 0;
	for (size_t i = 0; i < o->names.len; i++) {
		char *name = o->names.items[i];
		while (k < other->names.len && strcmp(other->names.items[k], name) < 0)
			k++;
		if (k < other->names.len && strcmp(other->names.items[k], name) == 0) {
			o->names.items[kept++] = name;
			k++;
		} else {
			free(name);
		}
	}
	o->names.len = kept;
	if (o->names.items != NULL)
		o->names.items[kept] = NULL;
}

/* --- against the dump --- */

struct missing {
	size_t count;
	char names[NAMES_SIZE]; /* of the first */
	size_t len;
};

static void
note_missing(struct missing *m, const char *name)
{
	m->count++;
	if (m->count > NAMED)
		return;
	int n = snprintf(m->names + m->len, sizeof m->names - m->len, "%s%.120s",
	    m->count > 1 ? ", " : "", name);
	if (n > 0)
		m->len = min_size(m->len + (size_t)n, sizeof m->names - 1);
}

static enum err_code
check_names(const struct objects *o, const struct census *c, size_t *missing, struct err *err)
{
	struct missing m = { 0 };
	for (size_t i = 0; i < o->names.len;) {
		const char *name = o->names.items[i];
		const struct census_item *item = census_find(c, CENSUS_OBJECT, name);
		uint64_t want = 0;
		for (; i < o->names.len && strcmp(o->names.items[i], name) == 0; i++)
			want++;
		if (item == NULL || item->count < want)
			note_missing(&m, name);
	}
	if (missing != NULL)
		*missing = m.count;
	if (m.count == 0)
		return ERR_OK;
	return err_set(err, ERR_INCOMPLETE, "the dump lacks %zu of %zu objects: %s%s", m.count,
	    o->names.len, m.names, m.count > NAMED ? ", ..." : "");
}

static enum err_code
check_rows(const struct objects *o, const struct census *c, struct err *err)
{
	for (size_t i = 0; i < o->row_count; i++) {
		const struct object_rows *r = &o->rows[i];
		const struct census_item *item = census_find(c, CENSUS_ROWS, r->table);
		uint64_t has = item != NULL ? item->count : 0;
		if (has < r->count || (r->is_exact && has != r->count))
			return err_set(err, ERR_INCOMPLETE,
			    "the dump has %" PRIu64
			    " rows of table %s, the server had %s%" PRIu64,
			    has, r->table, r->is_exact ? "" : "at least ", r->count);
	}
	return ERR_OK;
}

enum err_code
objects_check(const struct objects *o, const struct census *c, size_t *missing, struct err *err)
{
	if (check_names(o, c, missing, err))
		return err->code;
	return check_rows(o, c, err);
}

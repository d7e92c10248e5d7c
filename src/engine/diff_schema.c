/*
 * What tables are made of, on both sides: read from the text between the rows,
 * and from the words before them; and which definitions differ.
 */
#include "engine/diff_rows_impl.h"

#include "db/dataset.h"
#include "db/sql_secret.h"

#include <string.h>

/* --- shapes --- */

static enum err_code
feed(void *arg, const void *data, size_t len, struct err *err)
{
	return shapes_feed(arg, data, len, err);
}

/* The first extent of the data itself, in a content of level 0; empty of an empty one. */
static enum err_code
descend(struct repo *r, const struct content *c, struct content *out, struct err *err)
{
	AUTO(content) struct content at = CONTENT_INIT;
	if (content_copy(&at, c, err))
		return err->code;
	while (at.level > 0 && at.count > 0) {
		struct content below;
		if (content_read_list(r, &at, 0, &below, err))
			return err->code;
		content_release(&at);
		at = below;
	}
	*out = at;
	at = (struct content)CONTENT_INIT;
	return ERR_OK;
}

/* What stands before a table's rows is a chunk of its own. */
static enum err_code
feed_head(struct repo *r, struct shapes *s, const struct content *c, struct err *err)
{
	AUTO(content) struct content first = CONTENT_INIT;
	struct chunk_view v;
	if (descend(r, c, &first, err))
		return err->code;
	const struct extent *e = first.items;
	if (first.count == 0 || e->is_hole || e->rows > 0 || e->is_torn)
		return ERR_OK;
	if (repo_read_chunk(r, &e->id, &v, err))
		return err->code;
	enum err_code rc = shapes_feed(s, v.data, v.len, err);
	chunk_view_release(&v);
	return rc;
}

static enum err_code
feed_live(struct shapes *shapes, struct spill_part *text, struct err *err)
{
	uint8_t data[16384];
	size_t got;
	do {
		if (spill_part_read(text, data, sizeof data, &got, err) ||
		    shapes_feed(shapes, data, got, err))
			return err->code;
	} while (got > 0);
	return ERR_OK;
}

static enum err_code
feed_stored(struct repo *r, struct shapes *shapes, const struct dump_side *s, struct err *err)
{
	for (size_t i = 0; i < s->n_parts; i++) {
		const struct dump_part *p = &s->parts[i];
		if (p->table != NULL ? feed_head(r, shapes, &p->content, err)
				     : content_stream(r, &p->content, feed, shapes, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
read_shapes(struct repo *r, struct dump_side *s, struct err *err)
{
	AUTO(shapes) struct shapes *shapes = NULL;
	bool is_fixed = s->row_format == ROW_RDB || s->row_format == ROW_BSON;
	if (shapes_new(&shapes, s->row_format, err))
		return err->code;
	for (size_t i = 0; i < s->n_tables && is_fixed; i++)
		if (shapes_add(shapes, s->tables[i]->table, err))
			return err->code;
	if (!is_fixed &&
	    (s->is_live ? feed_live(shapes, s->text, err) : feed_stored(r, shapes, s, err)))
		return err_wrap(err, "service %s: %s", s->service, s->stream);
	if (shapes_finish(shapes, err))
		return err_wrap(err, "service %s: %s", s->service, s->stream);
	s->shapes = TAKE(shapes);
	return ERR_OK;
}

/* The parts of both that hold text, in order; NULL behind the last. */
static const struct dump_part *
next_text(const struct dump_side *s, size_t *at)
{
	while (*at < s->n_parts && s->parts[*at].table != NULL)
		++*at;
	return *at < s->n_parts ? &s->parts[(*at)++] : NULL;
}

bool
diff_is_same_text(const struct dump_side *a, const struct dump_side *b)
{
	size_t i = 0;
	size_t k = 0;
	if (a->is_live || b->is_live)
		return false;
	for (;;) {
		const struct dump_part *x = next_text(a, &i);
		const struct dump_part *y = next_text(b, &k);
		if (x == NULL || y == NULL)
			return x == y;
		if (!content_equal(&x->content, &y->content))
			return false;
	}
}

enum err_code
diff_read_shapes(struct row_diff *d, struct dump_side *a, struct dump_side *b, struct err *err)
{
	struct repo *r = d->engine->repo;
	bool is_one = a != NULL && b != NULL && diff_is_same_text(a, b);
	if (a != NULL && a->shapes == NULL && read_shapes(r, a, err))
		return err->code;
	if (b != NULL && b->shapes == NULL && !is_one && read_shapes(r, b, err))
		return err->code;
	return ERR_OK;
}

/* A very long name is shortened as a part's. */
static const struct shape *
find_shortened(const struct shapes *shapes, const char *table)
{
	for (size_t i = 0; i < shapes_count(shapes); i++) {
		const struct shape *s = shapes_at(shapes, i);
		AUTO(str) char *part = NULL;
		AUTO(str) char *name = NULL;
		struct err scratch; /* out of memory: its columns are not known then */
		if (dataset_part_name(&part, 0, s->name, NULL, &scratch) == ERR_OK &&
		    dataset_part_table(&name, part, &scratch) == ERR_OK && name != NULL &&
		    strcmp(name, table) == 0)
			return s;
	}
	return NULL;
}

const struct shape *
diff_shape(const struct dump_side *s, const struct dump_side *other, const char *table)
{
	const struct dump_side *of = s->shapes != NULL ? s : other;
	if (of == NULL || of->shapes == NULL)
		return NULL;
	const struct shape *found = shapes_find(of->shapes, table);
	return found != NULL || strchr(table, '~') == NULL ? found
							   : find_shortened(of->shapes, table);
}

/* --- definitions --- */

/* Some statements of one name: functions may differ in their arguments alone. */
struct group {
	const struct diff_definitions *all;
	size_t from;
	size_t to;
	bool *is_told; /* for each of all */
};

/* A definition as it may be shown; kept owns it when it is not the text itself. */
static enum err_code
shown(const struct shape_object *o, struct buf *kept, const char **out, struct err *err)
{
	*out = o != NULL ? o->text : NULL;
	if (o == NULL || !sql_has_secrets(o->name))
		return ERR_OK;
	if (sql_hide_secrets(kept, o->text, err))
		return err->code;
	*out = buf_cstr(kept);
	return *out != NULL ? ERR_OK : err_nomem(err);
}

static enum err_code
tell_object(struct row_diff *d, const struct diff_object *of, const struct shape_object *x,
    const struct shape_object *y, struct err *err)
{
	bool is_wanted;
	AUTO(bufv) struct buf before = BUF_INIT;
	AUTO(bufv) struct buf after = BUF_INIT;
	struct diff_object o = {
		.service = of->service,
		.database = of->database,
		.name = x != NULL ? x->name : y->name,
		.state = x == NULL   ? DIFF_ADDED
			 : y == NULL ? DIFF_REMOVED
				     : DIFF_CHANGED,
	};
	if (shown(x, &before, &o.before, err) || shown(y, &after, &o.after, err) ||
	    diff_wants_object(
		d, o.database, o.name, x != NULL ? x->table : y->table, &is_wanted, err))
		return err->code;
	return is_wanted ? d->ops->object(d->arg, &o, err) : ERR_OK;
}

static const struct shape_object *
object_at(const struct group *g, size_t i)
{
	return i < g->all->count ? g->all->at(g->all->of, i) : NULL;
}

static const struct shape_object *
next_untold(struct group *g)
{
	while (g->from < g->to && g->is_told[g->from])
		g->from++;
	return g->from < g->to ? object_at(g, g->from++) : NULL;
}

/* Statements that both have are passed over; the others are paired in their order. */
static enum err_code
compare_group(struct row_diff *d, const struct diff_object *of, struct group a, struct group b,
    struct err *err)
{
	for (size_t i = a.from; i < a.to; i++)
		for (size_t k = b.from; k < b.to && !a.is_told[i]; k++)
			if (!b.is_told[k] &&
			    strcmp(object_at(&a, i)->text, object_at(&b, k)->text) == 0)
				a.is_told[i] = b.is_told[k] = true;
	for (;;) {
		const struct shape_object *x = next_untold(&a);
		const struct shape_object *y = next_untold(&b);
		if (x == NULL && y == NULL)
			return ERR_OK;
		if (tell_object(d, of, x, y, err))
			return err->code;
	}
}

static const char *
name_at(const struct group *g, size_t i)
{
	const struct shape_object *o = object_at(g, i);
	return o != NULL ? o->name : NULL;
}

/* Let the group be the statements called name, from its end on. */
static void
group_next(struct group *g, const char *name)
{
	g->from = g->to;
	while (name_at(g, g->to) != NULL && strcmp(name_at(g, g->to), name) == 0)
		g->to++;
}

enum err_code
diff_definitions_compare(struct row_diff *d, const struct diff_object *of,
    const struct diff_definitions *a, const struct diff_definitions *b, struct err *err)
{
	AUTO(mem) bool *told_a = calloc(a->count + 1, sizeof *told_a);
	AUTO(mem) bool *told_b = calloc(b->count + 1, sizeof *told_b);
	struct group x = { .all = a, .is_told = told_a };
	struct group y = { .all = b, .is_told = told_b };
	if (told_a == NULL || told_b == NULL)
		return err_nomem(err);
	while (d->ops->object != NULL) {
		const char *p = name_at(&x, x.to);
		const char *q = name_at(&y, y.to);
		if (p == NULL && q == NULL)
			return ERR_OK;
		const char *name = q == NULL || (p != NULL && strcmp(p, q) < 0) ? p : q;
		group_next(&x, name);
		group_next(&y, name);
		if (compare_group(d, of, x, y, err))
			return err->code;
	}
	return ERR_OK;
}

static const struct shape_object *
shapes_at_object(const void *of, size_t i)
{
	return shapes_object(of, i);
}

static struct diff_definitions
definitions_of(const struct dump_side *s)
{
	const struct shapes *shapes = s != NULL ? s->shapes : NULL;
	return (struct diff_definitions){ shapes,
		shapes != NULL ? shapes_object_count(shapes) : 0, shapes_at_object };
}

enum err_code
diff_objects(
    struct row_diff *d, const struct dump_side *a, const struct dump_side *b, struct err *err)
{
	const struct dump_side *one = a != NULL ? a : b;
	struct diff_object of = { .service = one->service, .database = one->database };
	struct diff_definitions x = definitions_of(a);
	struct diff_definitions y = definitions_of(b);
	bool is_one = a != NULL && b != NULL && (a->shapes == NULL || b->shapes == NULL);
	return is_one ? ERR_OK : diff_definitions_compare(d, &of, &x, &y, err);
}

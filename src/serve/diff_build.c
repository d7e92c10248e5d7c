#include "serve/diff_impl.h"

#include "base/room.h"
#include "base/strv.h"
#include "serve/lines.h"

#include <string.h>

/* Of a line: what tells its list, table and change stands in its first bytes. All of it is
 * looked at of those that are never long. */
#define HEAD_MAX ((size_t)1 << 20)
#define KEPT_MAX 1000

struct build {
	struct diff_index *x;
	char *prefix; /* of the rows of the table that is read: up to its change */
	size_t prefix_len;
	size_t part; /* whose files were told last */
};

static void
build_auto(struct build *b)
{
	free(b->prefix);
}

bool
diff_change_of(const char *word, enum diff_change *out)
{
	static const char *const words[] = { "added", "removed", "changed", "metadata" };
	for (size_t i = 0; i < ARRAY_LEN(words) && word != NULL; i++)
		if (strcmp(words[i], word) == 0) {
			*out = (enum diff_change)i;
			return true;
		}
	return false;
}

static enum err_code
add_entry(struct build *b, enum diff_list list, uint64_t offset, enum diff_change change,
    struct err *err)
{
	struct entry e = { offset, (unsigned)change };
	return entry_list_add(b->x->lists[list], &e, err);
}

static struct diff_part *
database_of(struct diff_index *x, const char *service)
{
	for (size_t i = 0; i < x->n_parts && service != NULL; i++) {
		struct diff_part *p = &x->parts[i];
		if (strcmp(p->kind, "database") == 0 && strcmp(p->name, service) == 0)
			return p;
	}
	return NULL;
}

/* --- tables and rows --- */

static enum err_code
add_group(struct diff_index *x, const json_t *names, struct diff_group **out, struct err *err)
{
	const char *service = json_get_str(names, "service");
	const char *database = json_get_str(names, "database");
	const char *table = json_get_str(names, "table");
	if (service == NULL || database == NULL || table == NULL)
		return err_set(err, ERR_CORRUPT, "a row or table without names");
	if (ROOM_SHORT(x->groups, x->n_groups, err))
		return err->code;
	struct diff_group *g = &x->groups[x->n_groups];
	*g = (struct diff_group){ .first = entry_list_count(x->lists[DIFF_LIST_ROWS]) };
	x->n_groups++;
	*out = g;
	if (str_dup(&g->service, service, err) || str_dup(&g->database, database, err))
		return err->code;
	return str_dup(&g->table, table, err);
}

/* head is a row's line up to its change: {"type":"row","service":...,"table":"t" */
static enum err_code
begin_rows(struct build *b, const char *head, size_t len, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(json) json_t *names = NULL;
	struct diff_group *g;
	if (buf_add(&text, head, len, err) || buf_str(&text, "}", err) ||
	    json_parse(&names, text.data, text.len, "row", err) ||
	    add_group(b->x, names, &g, err))
		return err->code;
	free(b->prefix);
	b->prefix = NULL;
	b->prefix_len = len;
	return str_dupn(&b->prefix, head, len, err);
}

static enum err_code
take_row(struct build *b, const struct line *line, struct err *err)
{
	/* A quote inside a text has a backslash before it: this is no text. */
	static const char mark[] = ",\"change\":\"";
	const size_t mark_len = sizeof mark - 1;
	enum diff_change change;
	size_t len = b->prefix_len;
	bool is_same = b->prefix != NULL && line->head_len > len + mark_len &&
		       memcmp(line->head, b->prefix, len) == 0 &&
		       memcmp(line->head + len, mark, mark_len) == 0;
	if (!is_same) {
		const char *at = memmem(line->head, line->head_len, mark, mark_len);
		if (at == NULL)
			return err_set(err, ERR_CORRUPT, "a row without a change");
		len = (size_t)(at - line->head);
		if (begin_rows(b, line->head, len, err))
			return err->code;
	}
	AUTO(str) char *word = NULL;
	const char *from = line->head + len + mark_len;
	const char *end = memchr(from, '"', line->head_len - len - mark_len);
	if (str_dupn(&word, from, end != NULL ? (size_t)(end - from) : 0, err))
		return err->code;
	if (!diff_change_of(word, &change))
		return err_set(err, ERR_CORRUPT, "a row with the change \"%.20s\"", word);
	struct diff_group *g = &b->x->groups[b->x->n_groups - 1];
	g->count++;
	return add_entry(b, DIFF_LIST_ROWS, line->offset, change, err);
}

static bool
is_named(const struct diff_group *g, const json_t *line)
{
	const char *service = json_get_str(line, "service");
	const char *database = json_get_str(line, "database");
	const char *table = json_get_str(line, "table");
	return service != NULL && database != NULL && table != NULL &&
	       strcmp(service, g->service) == 0 && strcmp(database, g->database) == 0 &&
	       strcmp(table, g->table) == 0;
}

/* Its rows came before it, if they were told. */
static enum err_code
take_table(struct build *b, json_t *line, struct err *err)
{
	struct diff_index *x = b->x;
	struct diff_group *g = x->n_groups > 0 ? &x->groups[x->n_groups - 1] : NULL;
	if ((g == NULL || g->line != NULL || !is_named(g, line)) && add_group(x, line, &g, err))
		return err->code;
	g->line = json_incref(line);
	struct diff_part *p = database_of(x, g->service);
	if (p == NULL)
		return ERR_OK;
	p->tables++;
	p->rows[CHANGE_ADDED] += (uint64_t)json_get_int(line, "added", 0);
	p->rows[CHANGE_REMOVED] += (uint64_t)json_get_int(line, "removed", 0);
	p->rows[CHANGE_CHANGED] += (uint64_t)json_get_int(line, "changed", 0);
	return ERR_OK;
}

/* --- files --- */

static bool
is_below(const char *path, const struct diff_part *p)
{
	size_t len = strlen(p->path);
	return strcmp(p->kind, "database") != 0 && strncmp(path, p->path, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/' || len == 0);
}

/* The innermost. */
static struct diff_part *
part_of(struct build *b, const char *path)
{
	struct diff_index *x = b->x;
	struct diff_part *best = NULL;
	if (b->part < x->n_parts && is_below(path, &x->parts[b->part]))
		return &x->parts[b->part];
	for (size_t i = 0; i < x->n_parts; i++)
		if (is_below(path, &x->parts[i]) &&
		    (best == NULL || strlen(x->parts[i].path) > strlen(best->path))) {
			best = &x->parts[i];
			b->part = i;
		}
	return best;
}

static enum err_code
take_file(struct build *b, uint64_t offset, const json_t *line, struct err *err)
{
	enum diff_change change;
	const char *path = json_get_str(line, "path");
	uint64_t before = (uint64_t)json_get_int(line, "bytes_before", 0);
	uint64_t now = (uint64_t)json_get_int(line, "bytes_now", 0);
	if (path == NULL || !diff_change_of(json_get_str(line, "change"), &change))
		return err_set(err, ERR_CORRUPT, "a difference without a path or change");
	struct diff_part *p = part_of(b, path);
	if (p != NULL) {
		uint64_t at = entry_list_count(b->x->lists[DIFF_LIST_FILES]);
		p->first = p->count == 0 ? at : p->first;
		p->count = at - p->first + 1;
		p->changes[change]++;
		if (change == CHANGE_ADDED)
			p->bytes_added += now;
		if (change == CHANGE_REMOVED)
			p->bytes_removed += before;
		if (change == CHANGE_CHANGED) {
			p->bytes_before += before;
			p->bytes_now += now;
		}
	}
	return add_entry(b, DIFF_LIST_FILES, offset, change, err);
}

/* --- all --- */

static enum err_code
take_definition(struct build *b, uint64_t offset, const json_t *line, struct err *err)
{
	enum diff_change change;
	if (!diff_change_of(json_get_str(line, "state"), &change))
		return err_set(err, ERR_CORRUPT, "a definition without a state");
	struct diff_part *p = database_of(b->x, json_get_str(line, "service"));
	if (p != NULL)
		p->definitions++;
	return add_entry(b, DIFF_LIST_DEFINITIONS, offset, change, err);
}

static enum err_code
keep(json_t *list, json_t *line, struct err *err)
{
	if (json_array_size(list) >= KEPT_MAX)
		return ERR_OK;
	return json_array_append(list, line) == 0 ? ERR_OK : err_nomem(err);
}

/* Lines that are no rows: they are never long, but a definition may be. */
static enum err_code
take_other(struct build *b, const struct line *line, struct err *err)
{
	AUTO(json) json_t *doc = NULL;
	if (line->head_len < line->len)
		return ERR_OK;
	if (json_parse(&doc, line->head, line->head_len, "line", err))
		return err->code;
	AUTO(json) json_t *name = json_incref(json_object_get(doc, "type"));
	const char *type = json_string_value(name);
	if (type == NULL)
		return err_set(err, ERR_CORRUPT, "a line without a type");
	json_object_del(doc, "type");
	if (strcmp(type, "difference") == 0)
		return take_file(b, line->offset, doc, err);
	if (strcmp(type, "table") == 0)
		return take_table(b, doc, err);
	if (strcmp(type, "definition") == 0)
		return take_definition(b, line->offset, doc, err);
	if (strcmp(type, "image") == 0)
		return keep(b->x->images, doc, err);
	if (strcmp(type, "moment") == 0)
		return keep(b->x->moments, doc, err);
	if (strcmp(type, "unknown") == 0)
		return keep(b->x->unknown, doc, err);
	if (strcmp(type, "result") == 0 && b->x->result == NULL)
		b->x->result = json_incref(doc);
	return ERR_OK; /* events */
}

static enum err_code
take_line(void *arg, const struct line *line, struct err *err)
{
	static const char row[] = "{\"type\":\"row\",";
	const size_t len = sizeof row - 1;
	bool is_row = line->head_len > len && memcmp(line->head, row, len) == 0;
	if (is_row ? take_row(arg, line, err) : take_other(arg, line, err))
		return err_wrap(err, "output of the comparison, byte %llu",
		    (unsigned long long)line->offset);
	return ERR_OK;
}

enum err_code
diff_build(struct diff_index *x, const struct cancel *cancel, struct err *err)
{
	AUTO(build) struct build b = { .x = x, .part = SIZE_MAX };
	x->images = json_array();
	x->moments = json_array();
	x->unknown = json_array();
	if (x->images == NULL || x->moments == NULL || x->unknown == NULL)
		return err_nomem(err);
	if (lines_each(x->fd, 0, HEAD_MAX, take_line, &b, cancel, err))
		return err->code;
	for (size_t i = 0; i < DIFF_LISTS; i++)
		if (entry_list_end(x->lists[i], err))
			return err->code;
	return ERR_OK;
}

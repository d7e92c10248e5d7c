/*
 * Has a member shrunk?  Compared with the last good snapshot of the source;
 * what was lost on purpose looks the same as what was lost by accident, so
 * the snapshot is made, and quarantined (docs/decisions/0018).
 */
#include "engine/capture.h"

#include "engine/browse.h"
#include "engine/filter.h"
#include "tree/dir.h"

#include <string.h>

/* What may go without a word, however large its share. */
#define FLOOR_BYTES 65536
#define FLOOR_FILES 16
#define FLOOR_ROWS 100
#define FLOOR_TABLE_ROWS 1000
#define CENSUS_MAX ((size_t)512 << 20)

/* --- which snapshot to compare with --- */

static bool
is_same_source(const struct backup_run *r, const json_t *doc)
{
	const json_t *source = json_object_get(doc, "source");
	const char *kind = json_get_str(source, "kind");
	const char *name = json_get_str(source, "name");
	if (kind == NULL || strcmp(kind, r->source_kind) != 0)
		return false;
	return r->source_name == NULL || (name != NULL && strcmp(name, r->source_name) == 0);
}

static void
take_over(json_t **place, const json_t *doc)
{
	json_decref(*place);
	/* Only a reference is kept; nothing is written through it. */
	*place = json_incref((json_t *)(uintptr_t)doc);
}

void
shrink_note(struct backup_run *r, const json_t *doc)
{
	if (!snapshot_is_complete(doc) || snapshot_is_quarantined(doc) ||
	    !is_same_source(r, doc))
		return;
	if (r->source_name != NULL)
		take_over(&r->baseline, doc);
	for (size_t i = 0; i < r->n_captures; i++)
		if (run_find_member(doc, r->captures[i].kind, r->captures[i].name) != NULL)
			take_over(&r->captures[i].baseline, doc);
}

/* --- files --- */

/* list may be NULL: nothing. */
static bool
is_same_list(const json_t *before, const struct strv *list)
{
	size_t n = list != NULL ? list->len : 0;
	if (json_array_size(before) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *rule = json_string_value(json_array_get(before, i));
		if (rule == NULL || strcmp(rule, list->items[i]) != 0)
			return false;
	}
	return true;
}

/* Were other rules given, the user has said what is to be left out. */
static bool
has_same_rules(const struct capture *c, const json_t *member)
{
	bool has_own = c->member != NULL && c->rules != NULL;
	return is_same_list(json_object_get(member, "exclude"), c->exclude) &&
	       is_same_list(
		   json_object_get(member, "rules"), has_own ? ignore_rules(c->rules) : NULL);
}

static enum err_code
compare(struct backup_run *r, const struct capture *c, const json_t *member, const char *what,
    uint64_t now, unsigned percent, uint64_t floor, struct err *err)
{
	int64_t before = json_get_int(member, what, 0);
	if (before < 0 || !has_shrunk((uint64_t)before, now, percent, floor))
		return ERR_OK;
	return quarantine_add(
	    &r->quarantine, c->kind, c->name, what, "", (uint64_t)before, now, err);
}

/* --- databases --- */

struct table_comparison {
	struct backup_run *run;
	const struct capture *capture;
	unsigned percent;
	uint64_t before; /* rows of all tables */
	uint64_t now;
};

static const char *
rows_word(const struct capture *c)
{
	switch (c->member->db) {
	case DB_REDIS:
	case DB_VALKEY:
		return "keys";
	case DB_MONGODB:
		return "documents";
	default:
		return "rows";
	}
}

static enum err_code
note_table(void *arg, unsigned differences, const struct census_item *a,
    const struct census_item *b, struct err *err)
{
	struct table_comparison *t = arg;
	uint64_t now = b != NULL ? b->count : 0;
	(void)differences;
	if (a == NULL || a->what != CENSUS_ROWS ||
	    !has_shrunk(a->count, now, t->percent, FLOOR_TABLE_ROWS))
		return ERR_OK;
	return quarantine_add(&t->run->quarantine, t->capture->kind, t->capture->name,
	    rows_word(t->capture), a->name, a->count, now, err);
}

static uint64_t
rows_of(const struct census *c)
{
	uint64_t n = 0;
	for (size_t i = 0; c != NULL && i < census_count(c); i++)
		if (census_item(c, i)->what == CENSUS_ROWS)
			n += census_item(c, i)->count;
	return n;
}

/* The stored census; nothing when the snapshot is of a program that took none. */
static enum err_code
read_census(struct backup_run *r, const struct capture *c, struct buf *out, struct err *err)
{
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	AUTO(tree_entry) struct tree_entry file = TREE_ENTRY_INIT;
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, CENSUS_PATH, c->name) ||
	    snapshot_root(&root, c->baseline, err))
		return err->code;
	if (tree_lookup(r->engine->repo, &root, path, &file, err))
		return err->code == ERR_NOT_FOUND ? ERR_OK : err->code;
	return content_read_all(r->engine->repo, &file.content, CENSUS_MAX, out, err);
}

static enum err_code
compare_stream(struct table_comparison *t, const struct buf *lines,
    const struct dump_stream *stream, struct err *err)
{
	AUTO(census) struct census *before = NULL;
	if (stream->census == NULL || !census_is_known(stream->census))
		return ERR_OK;
	if (census_parse(&before, lines->data, lines->len, stream->name, err))
		return err->code;
	t->before += rows_of(before);
	t->now += rows_of(stream->census);
	return census_compare(before, stream->census, note_table, t, err);
}

static enum err_code
compare_tables(struct backup_run *r, struct capture *c, unsigned percent, struct err *err)
{
	const struct db_report *report = connector_report(c->connector);
	struct table_comparison t = { r, c, percent, 0, 0 };
	AUTO(bufv) struct buf lines = BUF_INIT;
	if (read_census(r, c, &lines, err)) {
		/* That the last one is damaged must not keep a new one from being made. */
		event_warning(r->engine->events, c->name,
		    "its rows are not compared with the last snapshot: %s", err->msg);
		*err = (struct err)ERR_INIT;
		return ERR_OK;
	}
	if (lines.len == 0)
		return ERR_OK;
	for (size_t i = 0; i < report->stream_count; i++)
		if (compare_stream(&t, &lines, &report->streams[i], err))
			return err->code;
	if (!has_shrunk(t.before, t.now, percent, FLOOR_ROWS))
		return ERR_OK;
	return quarantine_add(
	    &r->quarantine, c->kind, c->name, rows_word(c), "", t.before, t.now, err);
}

/* --- all --- */

static enum err_code
compare_capture(struct backup_run *r, struct capture *c, unsigned percent, struct err *err)
{
	const json_t *member =
	    c->baseline != NULL ? run_find_member(c->baseline, c->kind, c->name) : NULL;
	if (member == NULL)
		return ERR_OK;
	/* That it may be empty was said. */
	if (c->source != NULL && c->files == 0 && r->options->allow_empty)
		return ERR_OK;
	if (c->connector != NULL && compare_tables(r, c, percent, err))
		return err->code;
	if (!has_same_rules(c, member))
		return ERR_OK;
	if (compare(r, c, member, "bytes", c->bytes, percent, FLOOR_BYTES, err))
		return err->code;
	/* A database's files are its dumps, as many as it has databases. */
	return c->connector != NULL
		   ? ERR_OK
		   : compare(r, c, member, "files", c->files, percent, FLOOR_FILES, err);
}

static bool
is_captured(const struct backup_run *r, const char *kind, const char *name)
{
	for (size_t i = 0; i < r->n_captures; i++)
		if (strcmp(r->captures[i].kind, kind) == 0 &&
		    strcmp(r->captures[i].name, name) == 0)
			return true;
	return false;
}

/* A stopped server's files are at rest, so they are captured in place of dumps: a member of
 * files, of its service, that the last snapshot did not have. */
static bool
is_captured_as_files(const struct backup_run *r, const char *kind, const char *service)
{
	if (strcmp(kind, "database") != 0)
		return false;
	for (size_t i = 0; i < r->n_captures; i++) {
		const struct capture *c = &r->captures[i];
		if (capture_is_files(c) && c->files > 0 && c->services != NULL &&
		    strv_has(c->services, service) &&
		    run_find_member(r->baseline, c->kind, c->name) == NULL)
			return true;
	}
	return false;
}

static bool
names_service(const json_t *member, const char *service)
{
	size_t i;
	const json_t *s;
	json_array_foreach(json_object_get(member, "services"), i, s)
	{
		if (json_is_string(s) && strcmp(json_string_value(s), service) == 0)
			return true;
	}
	return false;
}

/* The other way round: its server runs again, so there is a dump, as there was none last time,
 * in place of the files. */
static bool
is_captured_as_dump(const struct backup_run *r, const json_t *member)
{
	for (size_t i = 0; i < r->n_captures; i++) {
		const struct capture *c = &r->captures[i];
		if (strcmp(c->kind, "database") == 0 && c->bytes > 0 &&
		    run_find_member(r->baseline, c->kind, c->name) == NULL &&
		    names_service(member, c->name))
			return true;
	}
	return false;
}

/* Members that are gone have lost everything. */
static enum err_code
find_gone(struct backup_run *r, unsigned percent, struct err *err)
{
	size_t i;
	const json_t *m;
	const json_t *members = json_object_get(r->baseline, "members");
	json_array_foreach(members, i, m)
	{
		const char *kind = json_get_str(m, "kind");
		const char *name = json_get_str(m, "name");
		int64_t bytes = json_get_int(m, "bytes", 0);
		if (kind != NULL && name != NULL && bytes > 0 && !is_captured(r, kind, name) &&
		    !is_captured_as_files(r, kind, name) && !is_captured_as_dump(r, m) &&
		    has_shrunk((uint64_t)bytes, 0, percent, FLOOR_BYTES) &&
		    quarantine_add(
			&r->quarantine, kind, name, "member", "", (uint64_t)bytes, 0, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
gate_not_shrunk(struct backup_run *r, unsigned percent, struct err *err)
{
	if (r->options->allow_shrink || percent >= 100)
		return ERR_OK;
	for (size_t i = 0; i < r->n_captures; i++)
		if (compare_capture(r, &r->captures[i], percent, err))
			return err->code;
	return find_gone(r, percent, err);
}

#include "engine/table_kept.h"

#include "db/pick.h"
#include "engine/stack_server.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NOTE_VERSION 1
#define NOTE_MAX ((size_t)1 << 16)
#define PREFIX "kept-"
#define SUFFIX ".json"

static void
kept_release(struct table_kept *k)
{
	free(k->path);
	free(k->host);
	free(k->stack);
	free(k->service);
	free(k->database);
	free(k->table);
	free(k->key_prefix);
	free(k->tag);
	free(k->why);
}

void
table_kept_list_release(struct table_kept_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		kept_release(&l->items[i]);
	free(l->items);
	strv_release(&l->broken);
	*l = (struct table_kept_list)TABLE_KEPT_LIST_INIT;
}

/* --- notes --- */

enum err_code
table_kept_note(struct engine *e, const struct table_part *p, const char *tag, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf text = BUF_INIT;
	struct json_writer w;
	if (table_part_path(&path, e, PREFIX, p, err))
		return err->code;
	json_init(&w, &text);
	json_obj(&w, NULL);
	json_u64(&w, "version", NOTE_VERSION);
	table_part_json(&w, p);
	json_str(&w, "snapshot", tag);
	json_i64(&w, "time_ns", clock_wall_ns());
	json_obj_end(&w);
	if (json_finish(&w, err) || fs_write_file(path, 0600, text.data, text.len, err))
		return err_wrap(err, "write down what is kept");
	return ERR_OK;
}

static enum err_code
dup_or_null(char **out, const char *s, struct err *err)
{
	return s != NULL && *s != '\0' ? str_dup(out, s, err) : ERR_OK;
}

static enum err_code
read_note(struct table_kept *k, const char *path, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(json) json_t *doc = NULL;
	if (str_dup(&k->path, path, err) || fs_read_file(path, NOTE_MAX, &text, err) ||
	    json_parse(&doc, text.data, text.len, path, err))
		return err->code;
	if (json_get_int(doc, "version", -1) != NOTE_VERSION)
		return err_set(
		    err, ERR_UNSUPPORTED, "%s is of another version of StackSnap", path);
	if (dup_or_null(&k->host, json_get_str(doc, "host"), err) ||
	    dup_or_null(&k->stack, json_get_str(doc, "stack"), err) ||
	    dup_or_null(&k->service, json_get_str(doc, "service"), err) ||
	    dup_or_null(&k->database, json_get_str(doc, "database"), err) ||
	    dup_or_null(&k->table, json_get_str(doc, "table"), err) ||
	    dup_or_null(&k->tag, json_get_str(doc, "snapshot"), err) ||
	    table_part_prefix(&k->key_prefix, doc, err))
		return err->code;
	k->time_ns = json_get_int(doc, "time_ns", 0);
	if (k->stack == NULL || k->service == NULL || k->table == NULL || k->tag == NULL)
		return err_set(err, ERR_CORRUPT, "%s does not say what is kept", path);
	return ERR_OK;
}

static enum err_code
remove_note(const struct table_kept *k, struct err *err)
{
	if (unlink(k->path) != 0 && errno != ENOENT)
		return err_sys(err, "remove %s", k->path);
	return ERR_OK;
}

/* --- lists --- */

static int
by_place(const void *a, const void *b)
{
	const struct table_kept *x = a;
	const struct table_kept *y = b;
	int c = strcmp(x->stack, y->stack);
	if (c == 0)
		c = strcmp(x->service, y->service);
	return c != 0 ? c : strcmp(x->table, y->table);
}

static enum err_code
take_note(struct table_kept_list *l, const char *path, const char *stack, struct err *err)
{
	struct table_kept *k = &l->items[l->count];
	struct err why = ERR_INIT;
	enum err_code rc = read_note(k, path, &why);
	if (rc == ERR_OK && (stack == NULL || strcmp(stack, k->stack) == 0)) {
		l->count++;
		return ERR_OK;
	}
	kept_release(k);
	*k = (struct table_kept){ .path = NULL };
	return rc == ERR_OK ? ERR_OK : strv_add(&l->broken, why.msg, err);
}

enum err_code
table_kept_list(
    struct engine *e, const char *stack, struct table_kept_list *out, struct err *err)
{
	AUTO(strv) struct strv paths = STRV_INIT;
	AUTO(table_kept_list) struct table_kept_list l = TABLE_KEPT_LIST_INIT;
	if (table_part_files(&paths, e, PREFIX, err))
		return err->code;
	l.items = calloc(paths.len + 1, sizeof *l.items);
	if (l.items == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < paths.len; i++)
		if (take_note(&l, paths.items[i], stack, err))
			return err->code;
	qsort(l.items, l.count, sizeof *l.items, by_place);
	*out = l;
	l = (struct table_kept_list)TABLE_KEPT_LIST_INIT;
	return ERR_OK;
}

static bool
is_same(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

enum err_code
table_kept_forget(struct engine *e, const struct table_part *p, struct err *err)
{
	AUTO(table_kept_list) struct table_kept_list l = TABLE_KEPT_LIST_INIT;
	if (e->state_dir == NULL)
		return ERR_OK;
	if (table_kept_list(e, p->stack, &l, err))
		return err->code;
	for (size_t i = 0; i < l.count; i++) {
		const struct table_kept *k = &l.items[i];
		bool is_it = is_same(k->service, p->service) && is_same(k->table, p->table) &&
			     is_same(k->key_prefix, p->key_prefix) &&
			     (p->database == NULL || k->database == NULL ||
				 is_same(k->database, p->database));
		if (is_it && remove_note(k, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- the servers --- */

/* ERR_NOT_FOUND: it is settled; the server's own word for the snapshot is the one that counts.
 */
static enum err_code
ask_one(struct engine *e, struct table_kept *k, struct err *err)
{
	AUTO(stack_server) struct stack_server server = STACK_SERVER_INIT;
	AUTO(strv) struct strv tag = STRV_INIT;
	struct engine there = *e;
	const struct db_pick pick = {
		.verb = PICK_KEPT,
		.database = k->database,
		.table = k->table,
		.prefix = k->key_prefix,
	};
	if (k->host != NULL)
		there.docker_host = k->host;
	/* That there is no such stack (any more) says nothing of its data. */
	if (stack_server_open(&server, &there, k->stack, k->service, err))
		return err->code == ERR_NOT_FOUND ? err_set(err, ERR_USAGE, "%s", err->msg)
						  : err->code;
	if (connector_pick(server.connector, &pick, &tag, err))
		return err->code;
	free(k->tag);
	k->tag = NULL;
	return str_dup(&k->tag, tag.items[0], err);
}

enum err_code
table_kept_ask(struct engine *e, struct table_kept_list *l, struct err *err)
{
	size_t left = 0;
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < l->count; i++) {
		struct table_kept *k = &l->items[i];
		struct err why = ERR_INIT;
		enum err_code asked = rc == ERR_OK ? ask_one(e, k, &why) : ERR_OK;
		if (asked == ERR_NOT_FOUND) {
			rc = remove_note(k, err);
			kept_release(k);
			continue;
		}
		k->state = asked == ERR_OK ? TABLE_KEPT : TABLE_UNKNOWN;
		if (asked != ERR_OK)
			rc = str_dup(&k->why, why.msg, err);
		l->items[left++] = *k;
	}
	l->count = left;
	return rc;
}

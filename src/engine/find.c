#include "engine/find.h"

#include "base/counted.h"
#include "base/map.h"
#include "base/room.h"
#include "crypto/hash.h"
#include "engine/browse.h"
#include "engine/meter.h"
#include "tree/dir.h"
#include "tree/ignore.h"

#include <inttypes.h>
#include <stdatomic.h>

#define NONE SIZE_MAX

/* A version that was found. */
struct found {
	char *path;
	size_t source;
	struct buf entry; /* the newest, encoded without its content */
	uint64_t size;
	size_t first; /* of the snapshots */
	size_t last;
	uint64_t count;
};

/* A version of a folder at a path: what was found in it. */
struct known {
	size_t seen; /* the snapshot that it was met in last */
	bool has_any; /* in it, or below */
	size_t *found; /* what matched in the folder itself */
	size_t n_found;
	size_t *below; /* its folders in which something was found */
	size_t n_below;
};

struct searched {
	struct id id;
	int64_t time_ns;
	size_t source;
};

/* A folder on the way down. */
struct level {
	struct dir_reader *reader;
	size_t known;
	size_t path_len; /* of the folder, in search.path */
	struct level *up;
};

struct search {
	struct engine *engine;
	struct ignore *rules;
	struct sha256 *hash;
	struct strv sources;
	struct searched *snapshots;
	size_t n_snapshots;
	struct found *found;
	size_t n_found;
	size_t found_cap;
	struct map found_by_key; /* hash to size_t */
	struct known *known;
	size_t n_known;
	size_t known_cap;
	struct map known_by_key;
	struct buf path; /* at hand */
	struct level *top;
	size_t now; /* the snapshot at hand */
	uint64_t problems;
	atomic_uint_fast64_t done; /* snapshots, for progress */
	atomic_uint_fast64_t total;
};

static void
pop(struct search *s)
{
	struct level *l = s->top;
	s->top = l->up;
	dir_reader_close(l->reader);
	free(l);
}

static void
search_auto(struct search *s)
{
	while (s->top != NULL)
		pop(s);
	for (size_t i = 0; i < s->n_found; i++) {
		free(s->found[i].path);
		buf_release(&s->found[i].entry);
	}
	free(s->found);
	for (size_t i = 0; i < s->n_known; i++) {
		free(s->known[i].found);
		free(s->known[i].below);
	}
	free(s->known);
	map_release(&s->found_by_key);
	map_release(&s->known_by_key);
	free(s->snapshots);
	strv_release(&s->sources);
	buf_release(&s->path);
	sha256_free(s->hash);
	ignore_free(s->rules);
}

/* --- what is looked for --- */

static enum err_code
read_patterns(struct search *s, const struct strv *patterns, struct err *err)
{
	for (size_t i = 0; i < patterns->len; i++) {
		const char *p = patterns->items[i];
		size_t len = strlen(p);
		bool has_slash = memchr(p, '/', len > 0 ? len - 1 : 0) != NULL;
		AUTO(str) char *rule = NULL;
		/* "!" and "#" are not what they are in a list of rules. */
		if (str_printf(&rule, err, "%s%s%s", has_slash && *p != '/' ? "**/" : "",
			*p == '!' || *p == '#' ? "\\" : "", p) ||
		    ignore_add(s->rules, rule, strlen(rule), err))
			return err_wrap(err, "what to find");
	}
	return ERR_OK;
}

static enum err_code
note_snapshot(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	struct search *s = arg;
	AUTO(bufv) struct buf text = BUF_INIT;
	if (ROOM_SHORT(s->snapshots, s->n_snapshots, err))
		return err->code;
	if (snapshot_source_text(&text, document, err))
		return err->code;
	const char *source = buf_cstr(&text);
	size_t k = 0;
	while (source != NULL && k < s->sources.len && strcmp(s->sources.items[k], source) != 0)
		k++;
	if (source == NULL || (k == s->sources.len && strv_add(&s->sources, source, err)))
		return source == NULL ? err_nomem(err) : err->code;
	s->snapshots[s->n_snapshots++] =
	    (struct searched){ *id, json_get_int(document, "time_ns", 0), k };
	return ERR_OK;
}

/* --- keys --- */

/* Of the path at hand in this source, and whatever makes its version.  content is NULL when it
 * does not. */
static enum err_code
key_of(struct search *s, const struct tree_entry *e, const struct content *content,
    uint8_t key[HASH_SIZE], struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (buf_varint(&text, s->snapshots[s->now].source, err) ||
	    buf_varint(&text, e->type, err) ||
	    buf_blob(&text, s->path.data, s->path.len, err) ||
	    buf_blob(&text, e->target, e->target_len, err) ||
	    buf_varint(&text, e->rdev_major, err) || buf_varint(&text, e->rdev_minor, err) ||
	    (content != NULL && content_encode(content, &text, err)) ||
	    sha256_add(s->hash, text.data, text.len, err))
		return err->code;
	return sha256_finish(s->hash, key, err);
}

static enum err_code
add_index(size_t **list, size_t *n, size_t value, struct err *err)
{
	if (ROOM_SHORT(*list, *n, err))
		return err->code;
	(*list)[(*n)++] = value;
	return ERR_OK;
}

/* --- what was found --- */

static enum err_code
keep_entry(struct found *f, const struct tree_entry *e, struct err *err)
{
	struct tree_entry bare = *e;
	bare.content = (struct content)CONTENT_INIT;
	f->size = e->type == TREE_FILE ? e->content.size : 0;
	f->entry.len = 0;
	return tree_entry_encode(&bare, &f->entry, err);
}

static void
see_again(struct search *s, size_t i)
{
	struct found *f = &s->found[i];
	if (f->last == s->now)
		return;
	f->last = s->now;
	f->count++;
}

/* The path at hand matches. */
static enum err_code
note_found(struct search *s, struct known *in, const struct tree_entry *e, struct err *err)
{
	uint8_t key[HASH_SIZE];
	void *value;
	bool is_new;
	/* A folder is not another one because something came into it. */
	if (key_of(s, e, e->type == TREE_DIR ? NULL : &e->content, key, err))
		return err->code;
	if (ROOM(s->found, s->n_found, s->found_cap, 64, err))
		return err->code;
	if (map_put(&s->found_by_key, key, &value, &is_new, err))
		return err->code;
	size_t *index = value;
	if (is_new) {
		*index = s->n_found;
		s->found[s->n_found++] = (struct found){
			.source = s->snapshots[s->now].source,
			.first = s->now,
			.last = NONE,
		};
		if (str_dupn(&s->found[*index].path, (char *)s->path.data, s->path.len, err))
			return err->code;
	}
	see_again(s, *index);
	in->has_any = true;
	if (keep_entry(&s->found[*index], e, err))
		return err->code;
	return add_index(&in->found, &in->n_found, *index, err);
}

/* --- folders --- */

/* All that was found in and below a folder is there again.  It cannot be deeper than when it
 * was walked. */
static void
see_all_again(struct search *s, size_t folder)
{
	struct known *k = &s->known[folder];
	if (!k->has_any || k->seen == s->now)
		return;
	k->seen = s->now;
	for (size_t i = 0; i < k->n_found; i++)
		see_again(s, k->found[i]);
	for (size_t i = 0; i < k->n_below; i++)
		see_all_again(s, k->below[i]);
}

/* Meet the folder at hand. */
static enum err_code
meet_folder(
    struct search *s, const struct tree_entry *e, size_t *index, bool *is_new, struct err *err)
{
	uint8_t key[HASH_SIZE];
	void *value;
	if (key_of(s, e, &e->content, key, err))
		return err->code;
	if (ROOM(s->known, s->n_known, s->known_cap, 64, err))
		return err->code;
	if (map_put(&s->known_by_key, key, &value, is_new, err))
		return err->code;
	if (*is_new) {
		*(size_t *)value = s->n_known;
		s->known[s->n_known++] = (struct known){ .seen = s->now };
	}
	*index = *(size_t *)value;
	return ERR_OK;
}

/* A folder that cannot be read hides what is in it, and is no reason to stop. */
static enum err_code
forgive(struct search *s, struct err *err)
{
	char hex[ID_HEX_SIZE];
	if (err->code != ERR_CORRUPT && err->code != ERR_UNSUPPORTED)
		return err->code;
	const char *path = buf_cstr(&s->path);
	id_hex(hex, &s->snapshots[s->now].id);
	event_problem(
	    s->engine->events, path != NULL ? path : "", "in snapshot %.8s: %s", hex, err->msg);
	s->problems++;
	return ERR_OK;
}

/* A folder is done: what holds it remembers it, if something was found in or below it. */
static enum err_code
worth_looking(struct search *s, const struct level *up, size_t folder, struct err *err)
{
	if (up == NULL || !s->known[folder].has_any)
		return ERR_OK;
	struct known *k = &s->known[up->known];
	k->has_any = true;
	return add_index(&k->below, &k->n_below, folder, err);
}

static enum err_code
enter(struct search *s, const struct tree_entry *e, struct err *err)
{
	size_t folder;
	bool is_new;
	if (meet_folder(s, e, &folder, &is_new, err))
		return err->code;
	if (!is_new) {
		see_all_again(s, folder);
		return worth_looking(s, s->top, folder, err);
	}
	struct level *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	l->known = folder;
	l->path_len = s->path.len;
	if (dir_reader_open(&l->reader, s->engine->repo, e, err)) {
		free(l);
		return forgive(s, err);
	}
	l->up = s->top;
	s->top = l;
	return ERR_OK;
}

static enum err_code
leave(struct search *s, struct err *err)
{
	size_t folder = s->top->known;
	pop(s);
	return worth_looking(s, s->top, folder, err);
}

/* The next entry of the folder at hand. */
static enum err_code
step(struct search *s, struct err *err)
{
	struct level *l = s->top;
	const struct tree_entry *e;
	s->path.len = l->path_len;
	if (dir_reader_next(l->reader, &e, err)) {
		if (forgive(s, err))
			return err->code;
		return leave(s, err);
	}
	if (e == NULL)
		return leave(s, err);
	if ((l->path_len > 0 && buf_u8(&s->path, '/', err)) ||
	    buf_add(&s->path, e->name, e->name_len, err))
		return err->code;
	bool is_dir = e->type == TREE_DIR;
	if (ignore_has(s->rules, (const char *)s->path.data, s->path.len, is_dir) &&
	    note_found(s, &s->known[l->known], e, err))
		return err->code;
	return is_dir ? enter(s, e, err) : ERR_OK;
}

static enum err_code
walk(struct search *s, struct err *err)
{
	AUTO(snapshot) struct snapshot snap = { .root = TREE_ENTRY_INIT };
	s->path.len = 0;
	if (snapshot_open(&snap, s->engine->repo, &s->snapshots[s->now].id, err))
		return forgive(s, err);
	if (snap.root.type != TREE_DIR)
		return ERR_OK;
	if (enter(s, &snap.root, err))
		return err->code;
	while (s->top != NULL)
		if (cancel_check(s->engine->cancel, err) || step(s, err))
			return err->code;
	return ERR_OK;
}

/* --- telling --- */

/* By source and path, folders before what they hold, the newest first. */
static int
by_path(const void *a, const void *b)
{
	const struct found *x = a;
	const struct found *y = b;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	int order = tree_path_compare(x->path, y->path);
	if (order != 0)
		return order;
	return x->last > y->last ? -1 : x->last < y->last;
}

static enum err_code
tell_one(struct search *s, const struct found *f, find_fn *fn, void *arg, struct err *err)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct rd r;
	rd_init(&r, f->entry.data, f->entry.len);
	if (tree_entry_decode(&e, &r, err))
		return err->code;
	e.content.size = f->size;
	struct find_match m = {
		.path = f->path,
		.source = s->sources.items[f->source],
		.entry = &e,
		.snapshots = f->count,
		.first = s->snapshots[f->first].id,
		.last = s->snapshots[f->last].id,
		.first_ns = s->snapshots[f->first].time_ns,
		.last_ns = s->snapshots[f->last].time_ns,
	};
	return fn(arg, &m, err);
}

static void
sample(void *arg, struct event *e)
{
	struct search *s = arg;
	e->files = atomic_load(&s->done);
	e->files_total = atomic_load(&s->total);
	e->unit = "snapshots";
}

static enum err_code
walk_all(struct search *s, struct err *err)
{
	AUTO(meter) struct meter *meter = NULL;
	char snapshots[COUNTED_MAX];
	atomic_store(&s->total, s->n_snapshots);
	event_phase(
	    s->engine->events, "search %s", counted(snapshots, s->n_snapshots, "snapshot"));
	meter_start(&meter, s->engine->events, sample, s);
	for (s->now = 0; s->now < s->n_snapshots; s->now++) {
		if (walk(s, err))
			return err->code;
		atomic_fetch_add(&s->done, 1);
	}
	return ERR_OK;
}

enum err_code
find_paths(struct engine *e, const struct find_options *opt, find_fn *fn, void *arg,
    struct find_result *out, struct err *err)
{
	AUTO(search) struct search s = { .engine = e };
	map_init(&s.found_by_key, HASH_SIZE, sizeof(size_t));
	map_init(&s.known_by_key, HASH_SIZE, sizeof(size_t));
	if (ignore_new(&s.rules, NULL, err) || sha256_new(&s.hash, err) ||
	    read_patterns(&s, opt->patterns, err) ||
	    snapshot_filter_list(e->repo, opt->filter, note_snapshot, &s, err) ||
	    walk_all(&s, err))
		return err->code;
	if (s.n_found > 0)
		qsort(s.found, s.n_found, sizeof s.found[0], by_path);
	for (size_t i = 0; i < s.n_found; i++)
		if (tell_one(&s, &s.found[i], fn, arg, err))
			return err->code;
	*out = (struct find_result){ s.n_snapshots, s.n_found, s.problems };
	return ERR_OK;
}

#include "engine/capture_sqlite.h"

#include "base/room.h"
#include "db/sqlite.h"
#include "engine/sqlite_scratch.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "tree/dir.h"
#include "tree/meta.h"
#include "tree/patch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Databases that are read while the application goes on: each holds three descriptors. */
#define LIVE_MAX 200
/* The database, its -wal, -shm and -journal. */
#define PARTS (1 + SQLITE_SUFFIXES)

struct item {
	char *path; /* below the source */
	char *scratch;
	struct sqlite_file *file; /* NULL: was not taken */
	struct tree_entry part[PARTS]; /* content once drained */
	bool has_part[PARTS];
	bool is_stored;
};

struct sqlite_set {
	pthread_mutex_t lock; /* guards items while the walk goes on */
	struct item *items; /* sorted by path */
	size_t n;
	size_t live;
	struct sqlite_scratch *scratch; /* NULL until something is taken */
};

static const char *
part_suffix(size_t i)
{
	return i == 0 ? "" : sqlite_suffixes[i - 1];
}

/* --- which ones --- */

bool
sqlite_is_wanted(const struct plan *p, const struct plan_member *m)
{
	if (m->source == NULL || !fs_is_dir(m->source))
		return false;
	for (size_t i = 0; i < m->services.len; i++)
		if (strcmp(
			settings_get(p->settings, m->services.items[i], SETTING_SQLITE)->text,
			"auto") != 0)
			return false;
	return m->services.len > 0 ||
	       strcmp(settings_get(p->settings, NULL, SETTING_SQLITE)->text, "auto") == 0;
}

enum err_code
sqlite_set_new(struct sqlite_set **out, struct err *err)
{
	struct sqlite_set *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return ERR_OK;
}

static void
item_release(struct item *it)
{
	sqlite_close(it->file);
	for (size_t i = 0; i < PARTS; i++)
		tree_entry_release(&it->part[i]);
	free(it->path);
	free(it->scratch);
}

void
sqlite_set_free(struct sqlite_set *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		item_release(&s->items[i]);
	free(s->items);
	sqlite_scratch_close(s->scratch);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Where path is, or would be; *is_there tells which. */
static size_t
find(const struct sqlite_set *s, const char *path, size_t len, bool *is_there)
{
	size_t from = 0;
	size_t to = s->n;
	*is_there = false;
	while (from < to && !*is_there) {
		size_t mid = from + (to - from) / 2;
		const char *at = s->items[mid].path;
		int c = tree_name_compare(at, strlen(at), path, len);
		*is_there = c == 0;
		if (c < 0)
			from = mid + 1;
		else
			to = mid;
		if (c == 0)
			return mid;
	}
	return from;
}

/* The length of a database's path, when this is the name of something that belongs to it. */
static size_t
base_length(const struct sqlite_set *s, const char *path, size_t len)
{
	for (size_t i = 0; i < SQLITE_SUFFIXES; i++) {
		size_t n = strlen(sqlite_suffixes[i]);
		bool is_there = false;
		if (len > n && memcmp(path + len - n, sqlite_suffixes[i], n) == 0)
			find(s, path, len - n, &is_there);
		if (is_there)
			return len - n;
	}
	return 0;
}

bool
sqlite_set_is_member(struct sqlite_set *s, const char *path, size_t len)
{
	bool is_there;
	pthread_mutex_lock(&s->lock);
	find(s, path, len, &is_there);
	is_there = is_there || base_length(s, path, len) > 0;
	pthread_mutex_unlock(&s->lock);
	return is_there;
}

static enum err_code
add(struct sqlite_set *s, const char *path, size_t len, struct err *err)
{
	bool is_there;
	size_t at = find(s, path, len, &is_there);
	if (is_there)
		return ERR_OK;
	if (ROOM_SHORT(s->items, s->n, err))
		return err->code;
	struct item it = { .path = NULL };
	if (str_dupn(&it.path, path, len, err))
		return err->code;
	memmove(s->items + at + 1, s->items + at, (s->n - at) * sizeof *s->items);
	s->items[at] = it;
	s->n++;
	return ERR_OK;
}

enum err_code
sqlite_set_add(struct sqlite_set *s, const char *path, struct err *err)
{
	return add(s, path, strlen(path), err);
}

bool
sqlite_set_peek(void *arg, const char *path, size_t len, const uint8_t *first, size_t n)
{
	struct sqlite_set *s = arg;
	struct err scratch; /* without memory it stays a file like any other */
	/* The snapshot's document names them, and holds no other names. */
	if (!sqlite_has_header(first, n) || !str_is_utf8(path, len))
		return false;
	pthread_mutex_lock(&s->lock);
	bool is_own = base_length(s, path, len) == 0;
	bool is_in = is_own && add(s, path, len, &scratch) == ERR_OK;
	pthread_mutex_unlock(&s->lock);
	return is_in;
}

enum err_code
sqlite_note_parent(struct capture *c, const json_t *member, struct err *err)
{
	const json_t *list = json_object_get(member, "sqlite");
	/* What was taken one way last time is read anew for the other: a file that did not
	 * change since says nothing of its -wal. */
	if (c->sqlite == NULL ? json_array_size(list) > 0 : !json_is_array(list)) {
		c->has_parent = false;
		tree_entry_release(&c->parent);
		c->parent = (struct tree_entry)TREE_ENTRY_INIT;
	}
	if (c->sqlite == NULL)
		return ERR_OK;
	for (size_t i = 0; i < c->sqlite->n; i++)
		item_release(&c->sqlite->items[i]);
	c->sqlite->n = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *path = json_get_str(json_array_get(list, i), "path");
		if (path != NULL && add(c->sqlite, path, strlen(path), err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
sqlite_open_folder(
    const char *source, const char *path, int *out, const char **name, struct err *err)
{
	AUTO(fd) int fd = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", source);
	for (const char *slash; (slash = strchr(path, '/')) != NULL; path = slash + 1) {
		AUTO(str) char *part = NULL;
		if (str_dupn(&part, path, (size_t)(slash - path), err))
			return err->code;
		if (!tree_name_is_valid(part, strlen(part)))
			return err_set(err, ERR_NOT_FOUND, "%s: no such path", path);
		int next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return err_sys(err, "open %s", part);
		close(fd);
		fd = next;
	}
	*name = path;
	*out = fd_take(&fd);
	return ERR_OK;
}

enum err_code
sqlite_look_again(struct capture *c, struct err *err)
{
	struct sqlite_set *s = c->sqlite;
	size_t kept = 0;
	for (size_t i = 0; s != NULL && i < s->n; i++) {
		AUTO(fd) int dir = -1;
		const char *name;
		struct err why;
		enum err_code rc =
		    sqlite_open_folder(c->source, s->items[i].path, &dir, &name, &why);
		if (rc == ERR_NO_MEMORY)
			return err_nomem(err);
		if (rc == ERR_OK && sqlite_is_database(dir, name))
			s->items[kept++] = s->items[i];
		else
			item_release(&s->items[i]);
	}
	if (s != NULL)
		s->n = kept;
	return ERR_OK;
}

/* --- the fence --- */

static void
tell_problem(struct backup_run *r, struct capture *c, const struct item *it, const char *what)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", c->source, it->path);
	c->problems++;
	run_problem(r, path, what);
}

/* Metadata of the parts, as they are now; by name, since closing a descriptor of the database
 * would drop the locks that a live one needs. */
static enum err_code
note_metadata(struct item *it, int dir, const char *name, struct err *err)
{
	struct meta meta;
	struct stat holder;
	enum err_code rc = ERR_OK;
	if (fstat(dir, &holder) != 0)
		return err_sys(err, "stat the folder of %s", it->path);
	meta_init(&meta);
	for (size_t i = 0; i < PARTS && rc == ERR_OK; i++) {
		AUTO(str) char *part = NULL;
		struct stat st;
		struct err why;
		struct tree_entry e = TREE_ENTRY_INIT;
		rc = str_printf(&part, err, "%s%s", name, part_suffix(i));
		if (rc || fstatat(dir, part, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		meta_from_stat(&e, &st, holder.st_dev);
		/* Its links are other files' business: it is stored as one of its own. */
		e.links = 1;
		rc = meta_read_owner(&meta, &e, err);
		/* A -wal may just be going. */
		if (rc == ERR_OK && meta_read_xattrs_at(&meta, &e, dir, part, &why))
			e.xattr_count = 0;
		if (rc == ERR_OK)
			rc = tree_entry_copy(&it->part[i], &e, err);
		it->has_part[i] = rc == ERR_OK;
	}
	meta_release(&meta);
	return rc;
}

static enum err_code
fence_item(struct backup_run *r, struct capture *c, const char *source, struct item *it,
    struct err *err)
{
	struct sqlite_set *s = c->sqlite;
	AUTO(fd) int dir = -1;
	AUTO(str) char *path = NULL;
	const char *name;
	if (sqlite_open_folder(source, it->path, &dir, &name, err) ||
	    str_printf(&path, err, "%s/%s", source, it->path) ||
	    note_metadata(it, dir, name, err))
		return err->code;
	struct sqlite_where where = {
		.dir_fd = dir,
		.name = name,
		.path = path,
		.scratch = it->scratch,
		.cancel = r->engine->cancel,
		.may_be_live = s->live < LIVE_MAX,
	};
	if (sqlite_fence(&it->file, &where, err))
		return err->code;
	if (sqlite_file_is_live(it->file))
		s->live++;
	return it->has_part[0] ? ERR_OK : err_set(err, ERR_CHANGED, "came back meanwhile");
}

enum err_code
sqlite_fence_all(struct backup_run *r, struct capture *c, struct err *err)
{
	struct sqlite_set *s = c->sqlite;
	AUTO(str) char *source = NULL;
	if (s == NULL || s->n == 0)
		return ERR_OK;
	if (fs_real_path(&source, c->source, err) ||
	    sqlite_scratch_open(&s->scratch, r->engine->state_dir, err))
		return err->code;
	for (size_t i = 0; i < s->n; i++) {
		struct item *it = &s->items[i];
		struct err why;
		if (cancel_check(r->engine->cancel, err) ||
		    sqlite_scratch_folder(s->scratch, i, &it->scratch, err))
			return err->code;
		switch (fence_item(r, c, source, it, &why)) {
		case ERR_OK:
		case ERR_NOT_FOUND: /* it was removed, which is an answer */
			break;
		case ERR_DENIED:
		case ERR_CHANGED:
		case ERR_CORRUPT:
			tell_problem(r, c, it, why.msg);
			break;
		default:
			*err = why;
			return err_wrap(err, "%s/%s", c->source, it->path);
		}
	}
	return ERR_OK;
}

/* --- draining --- */

static enum err_code
store_file(struct backup_run *r, const char *path, struct content *out, struct err *err)
{
	AUTO(intake) struct intake *in = NULL;
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stream *s;
	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (intake_new(&in, r->writer, err) || stream_open(&s, in, CHUNK_DATA, err))
		return err->code;
	for (;;) {
		uint8_t *where;
		size_t room;
		size_t got;
		if (cancel_check(r->engine->cancel, err) ||
		    stream_room(s, &where, &room, err) ||
		    fd_read_full(fd, where, room, &got, err) || stream_commit(s, got, err)) {
			stream_abort(s);
			return err->code;
		}
		atomic_fetch_add(&r->progress.bytes, got);
		if (got < room)
			return stream_close(s, out, err);
	}
}

static void
tell_item(struct backup_run *r, struct capture *c, const struct item *it)
{
	const struct sqlite_info *info = sqlite_file_info(it->file);
	char text[512];
	snprintf(text, sizeof text, "%s", info->why != NULL ? info->why : "");
	if (info->is_unsteady || info->check == SQLITE_CHECK_DAMAGED) {
		snprintf(text, sizeof text, "SQLite database: %s: %s",
		    info->is_unsteady ? "not of one instant" : "damaged",
		    info->why != NULL ? info->why : "?");
		tell_problem(r, c, it, text);
	} else if (info->how == SQLITE_TAKEN_FILES) {
		event_note(r->engine->events, it->path,
		    "SQLite database: its files are kept as they are: %s", text);
	}
}

static enum err_code
drain_item(struct backup_run *r, struct capture *c, struct item *it, struct err *err)
{
	if (sqlite_drain(it->file, err))
		return err->code;
	for (size_t i = 0; i < PARTS; i++) {
		const char *path = sqlite_file_part(it->file, part_suffix(i));
		it->has_part[i] = it->has_part[i] && path != NULL;
		if (!it->has_part[i])
			continue;
		struct content content;
		if (store_file(r, path, &content, err))
			return err->code;
		content_release(&it->part[i].content);
		it->part[i].content = content;
		c->bytes += it->part[i].content.size;
		c->files++;
		atomic_fetch_add(&r->progress.files, 1);
	}
	it->is_stored = true;
	tell_item(r, c, it);
	return sqlite_scratch_done(it->scratch, err);
}

static int
by_path(const void *a, const void *b)
{
	const struct tree_edit *x = a;
	const struct tree_edit *y = b;
	int c = tree_path_compare(x->path, y->path);
	/* Of two with one path, what is stored comes first. */
	return c != 0 ? c : (y->entry != NULL) - (x->entry != NULL);
}

/* The folder may have come after the last pass went by. */
static bool
has_folder(const struct backup_run *r, const struct capture *c, const struct item *it)
{
	AUTO(str) char *folder = NULL;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	struct err scratch; /* whatever it is, there is no folder to put it in */
	const char *slash = strrchr(it->path, '/');
	return slash == NULL ||
	       (str_dupn(&folder, it->path, (size_t)(slash - it->path), &scratch) == ERR_OK &&
		   tree_lookup(r->engine->repo, &c->entry, folder, &e, &scratch) == ERR_OK &&
		   e.type == TREE_DIR);
}

static enum err_code
add_changes(const struct item *it, struct tree_edit *changes, size_t *n, struct strv *names,
    struct err *err)
{
	for (size_t i = 0; i < PARTS; i++) {
		if (strv_addf(names, err, "%s%s", it->path, part_suffix(i)))
			return err->code;
		changes[(*n)++] = (struct tree_edit){ names->items[names->len - 1],
			it->is_stored && it->has_part[i] ? &it->part[i] : NULL };
	}
	return ERR_OK;
}

static enum err_code
patch(struct backup_run *r, struct capture *c, struct err *err)
{
	struct sqlite_set *s = c->sqlite;
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(mem) struct tree_edit *changes = calloc(s->n * PARTS, sizeof *changes);
	size_t n = 0;
	size_t kept = 0;
	if (changes == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < s->n; i++) {
		struct item *it = &s->items[i];
		if (has_folder(r, c, it)) {
			if (add_changes(it, changes, &n, &names, err))
				return err->code;
		} else if (it->is_stored) {
			it->is_stored = false;
			tell_problem(r, c, it, "its folder came while files were read");
		}
	}
	qsort(changes, n, sizeof *changes, by_path);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(changes[kept - 1].path, changes[i].path) != 0)
			changes[kept++] = changes[i];
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	if (tree_patch(&root, r->writer, r->engine->repo, &c->entry, changes, kept, err))
		return err->code;
	struct tree_entry old = c->entry;
	c->entry = root;
	root = old;
	return ERR_OK;
}

enum err_code
sqlite_drain_all(struct backup_run *r, struct capture *c, struct err *err)
{
	struct sqlite_set *s = c->sqlite;
	if (s == NULL || s->n == 0)
		return ERR_OK;
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].file != NULL && drain_item(r, c, &s->items[i], err))
			return err_wrap(err, "%s/%s", c->source, s->items[i].path);
	/* The listings of the last pass are read again. */
	if (writer_flush(r->writer, err) || patch(r, c, err))
		return err_wrap(err, "%s %s", c->kind, c->name);
	return ERR_OK;
}

/* --- the document --- */

void
sqlite_write(struct json_writer *w, const struct capture *c)
{
	if (c->sqlite == NULL)
		return;
	json_arr(w, "sqlite");
	for (size_t i = 0; i < c->sqlite->n; i++) {
		const struct item *it = &c->sqlite->items[i];
		if (!it->is_stored)
			continue;
		const struct sqlite_info *info = sqlite_file_info(it->file);
		json_obj(w, NULL);
		json_str(w, "path", it->path);
		json_str(w, "how", sqlite_how_word(info->how));
		json_str(w, "check", sqlite_check_word(info->check));
		json_str(w, "why", info->why);
		json_u64(w, "bytes", it->part[0].content.size);
		json_u64(w, "pages", info->pages);
		json_u64(w, "tables", info->tables);
		json_obj_end(w);
	}
	json_arr_end(w);
}

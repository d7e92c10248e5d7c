#include "mount/shelves.h"

#include "base/room.h"
#include "base/strv.h"
#include "engine/browse.h"
#include "repo/snapshot.h"
#include "sys/clock.h"

#include <pthread.h>

#define REFRESH_NS (30 * NS_PER_S)

/* A snapshot; never freed while it is mounted. */
struct known {
	struct tree_root root;
	char *name;
	int64_t time_ns;
	bool is_gone;
	bool is_listed; /* by the refresh that runs */
};

struct place {
	uint64_t ino;
	enum place_kind kind;
	struct place *parent;
	const char *name; /* its own, or the snapshot's */
	char *own_name;
	struct known *snapshot; /* NULL for folders and for "latest" */
	struct place **items;
	size_t count;
	size_t cap;
};

struct shelves {
	struct repo *repo;
	struct event_sink *events;
	pthread_mutex_t refreshing; /* held by the one who looks for new snapshots */
	int64_t (*now_ns)(void);
	int64_t refreshed_ns; /* guarded by refreshing */
	pthread_rwlock_t lock; /* guards all below */
	struct known **known;
	size_t n_known;
	size_t known_cap;
	struct place **places; /* by ino - 1 */
	size_t n_places;
	size_t places_cap;
	struct place *snapshots;
	struct place *stacks;
	struct place *hosts;
};

/* --- places --- */

static enum err_code
add_place(struct shelves *c, struct place *parent, enum place_kind kind, const char *name,
    struct known *snapshot, struct place **out, struct err *err)
{
	if (ROOM(c->places, c->n_places, c->places_cap, 16, err) ||
	    (parent != NULL && ROOM(parent->items, parent->count, parent->cap, 16, err)))
		return err->code;
	AUTO(mem) struct place *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	*p = (struct place){ .ino = c->n_places + 1,
		.kind = kind,
		.parent = parent != NULL ? parent : p,
		.snapshot = snapshot };
	if (name != NULL && str_dup(&p->own_name, name, err))
		return err->code;
	p->name = name != NULL ? p->own_name : snapshot->name;
	if (parent != NULL)
		parent->items[parent->count++] = p;
	*out = p;
	c->places[c->n_places++] = TAKE(p);
	return ERR_OK;
}

static struct place *
find_in(const struct place *dir, const char *name)
{
	for (size_t i = 0; i < dir->count; i++) {
		struct place *p = dir->items[i];
		bool is_gone = p->snapshot != NULL && p->snapshot->is_gone;
		if (!is_gone && strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

/* The newest snapshot in a folder of the shelves. */
static struct known *
newest_in(const struct place *dir)
{
	struct known *newest = NULL;
	for (size_t i = 0; i < dir->count; i++) {
		struct known *k = dir->items[i]->snapshot;
		if (k != NULL && !k->is_gone &&
		    (newest == NULL || k->time_ns >= newest->time_ns))
			newest = k;
	}
	return newest;
}

/* "stacks/shop", made with its "latest" when it is new. */
static enum err_code
group_of(struct shelves *c, struct place *above, const char *name, struct place **out,
    struct err *err)
{
	char clean[SHELVES_NAME_MAX];
	struct place *latest;
	snprintf(clean, sizeof clean, "%s", name);
	for (char *p = clean; *p != '\0'; p++)
		if (*p == '/')
			*p = '_';
	if (strcmp(clean, "") == 0 || strcmp(clean, ".") == 0 || strcmp(clean, "..") == 0)
		snprintf(clean, sizeof clean, "_");
	*out = find_in(above, clean);
	if (*out != NULL)
		return ERR_OK;
	if (add_place(c, above, PLACE_FOLDER, clean, NULL, out, err))
		return err->code;
	return add_place(c, *out, PLACE_LINK, "latest", NULL, &latest, err);
}

/* --- snapshots --- */

static void
free_known(struct known *k)
{
	if (k == NULL)
		return;
	tree_entry_release(&k->root.entry);
	free(k->name);
	free(k);
}
AUTO_FREE(known, struct known *, free_known)

static enum err_code
name_snapshot(struct shelves *c, struct known *k, struct err *err)
{
	char time[CLOCK_TEXT_SIZE];
	char hex[ID_HEX_SIZE];
	clock_format_local(time, k->time_ns);
	for (char *p = time; *p != '\0'; p++)
		*p = *p == ' ' ? 'T' : *p == ':' ? '-' : *p;
	id_hex(hex, &k->root.snapshot);
	for (int digits = 8; digits <= 64; digits += 8) {
		free(TAKE(k->name));
		if (str_printf(&k->name, err, "%s_%.*s", time, digits, hex))
			return err->code;
		if (find_in(c->snapshots, k->name) == NULL)
			break;
	}
	k->root.name = k->name;
	return ERR_OK;
}

static enum err_code
place_snapshot(struct shelves *c, struct known *k, const json_t *document, struct err *err)
{
	const json_t *source = json_object_get(document, "source");
	const char *kind = json_get_str(source, "kind");
	const char *stack = json_get_str(source, "name");
	const char *host = json_get_str(document, "host");
	bool is_stack = kind != NULL && strcmp(kind, "stack") == 0 && stack != NULL;
	struct place *group;
	struct place *made;
	if (name_snapshot(c, k, err) ||
	    group_of(c, is_stack ? c->stacks : c->hosts,
		is_stack       ? stack
		: host != NULL ? host
			       : "",
		&group, err) ||
	    add_place(c, c->snapshots, PLACE_SNAPSHOT, NULL, k, &made, err))
		return err->code;
	return add_place(c, group, PLACE_LINK, NULL, k, &made, err);
}

static struct known *
find_known(const struct shelves *c, const struct id *id)
{
	for (size_t i = 0; i < c->n_known; i++)
		if (id_equal(&c->known[i]->root.snapshot, id))
			return c->known[i];
	return NULL;
}

static enum err_code
load_snapshot(struct shelves *c, const struct id *id, struct err *err)
{
	AUTO(known) struct known *k = calloc(1, sizeof *k);
	AUTO(json) json_t *document = NULL;
	if (k == NULL)
		return err_nomem(err);
	k->root.snapshot = *id;
	k->root.entry = (struct tree_entry)TREE_ENTRY_INIT;
	k->is_listed = true;
	if (snapshot_load(c->repo, id, &document, err) ||
	    snapshot_root(&k->root.entry, document, err))
		return err->code;
	k->time_ns = json_get_int(document, "time_ns", 0);
	pthread_rwlock_wrlock(&c->lock);
	enum err_code rc = ROOM(c->known, c->n_known, c->known_cap, 16, err);
	if (rc == ERR_OK) {
		/* Places refer to it, also when not all of them could be made. */
		c->known[c->n_known++] = k;
		rc = place_snapshot(c, TAKE(k), document, err);
	}
	pthread_rwlock_unlock(&c->lock);
	return rc;
}

static enum err_code
note_id(void *arg, const struct id *id, struct err *err)
{
	return buf_add(arg, id->b, ID_SIZE, err);
}

static void
tell_damage(struct shelves *c, const struct id *id, const struct err *why)
{
	char hex[ID_HEX_SIZE];
	char subject[32];
	id_hex(hex, id);
	snprintf(subject, sizeof subject, "snapshot %.8s", hex);
	event_problem(c->events, subject, "%s", why->msg);
}

/* Mark those that are there, and load those that are new. */
static enum err_code
take_ids(struct shelves *c, const struct id *ids, size_t count, struct err *err)
{
	bool has_index = false;
	for (size_t i = 0; i < count; i++) {
		struct known *k = find_known(c, &ids[i]);
		if (k != NULL) {
			k->is_listed = true;
			continue;
		}
		/* Their chunks are in indexes that may be new, too. */
		if (!has_index && repo_refresh(c->repo, err))
			return err->code;
		has_index = true;
		struct err why = ERR_INIT;
		if (load_snapshot(c, &ids[i], &why) == ERR_OK || why.code == ERR_NOT_FOUND)
			continue;
		if (why.code != ERR_CORRUPT && why.code != ERR_UNSUPPORTED) {
			*err = why;
			return err->code;
		}
		tell_damage(c, &ids[i], &why);
	}
	return ERR_OK;
}

static enum err_code
refresh(struct shelves *c, struct err *err)
{
	AUTO(bufv) struct buf ids = BUF_INIT;
	if (snapshot_ids(c->repo, note_id, &ids, err))
		return err->code;
	/* Only the one who refreshes adds, so reading without the lock is safe here. */
	for (size_t i = 0; i < c->n_known; i++)
		c->known[i]->is_listed = false;
	if (take_ids(c, (const struct id *)(const void *)ids.data, ids.len / ID_SIZE, err))
		return err->code;
	pthread_rwlock_wrlock(&c->lock);
	for (size_t i = 0; i < c->n_known; i++)
		c->known[i]->is_gone = !c->known[i]->is_listed;
	pthread_rwlock_unlock(&c->lock);
	return ERR_OK;
}

/* By the one who comes first; the others see what was there. */
static void
refresh_if_old(struct shelves *c)
{
	struct err why = ERR_INIT;
	if (pthread_mutex_trylock(&c->refreshing) != 0)
		return;
	if (c->now_ns() - c->refreshed_ns >= REFRESH_NS) {
		if (refresh(c, &why))
			event_warning(c->events, NULL, "look for new snapshots: %s", why.msg);
		c->refreshed_ns = c->now_ns();
	}
	pthread_mutex_unlock(&c->refreshing);
}

/* --- the shelves --- */

static enum err_code
make_folders(struct shelves *c, struct err *err)
{
	struct place *root;
	struct place *latest;
	if (add_place(c, NULL, PLACE_FOLDER, "", NULL, &root, err) ||
	    add_place(c, root, PLACE_FOLDER, "snapshots", NULL, &c->snapshots, err) ||
	    add_place(c, root, PLACE_FOLDER, "stacks", NULL, &c->stacks, err) ||
	    add_place(c, root, PLACE_FOLDER, "hosts", NULL, &c->hosts, err))
		return err->code;
	return add_place(c, root, PLACE_LINK, "latest", NULL, &latest, err);
}

enum err_code
shelves_open(struct shelves **out, struct repo *r, struct event_sink *events,
    int64_t (*now_ns)(void), struct err *err)
{
	AUTO(shelves) struct shelves *c = calloc(1, sizeof *c);
	if (c == NULL)
		return err_nomem(err);
	c->repo = r;
	c->events = events;
	c->now_ns = now_ns;
	pthread_mutex_init(&c->refreshing, NULL);
	pthread_rwlock_init(&c->lock, NULL);
	if (make_folders(c, err) || refresh(c, err))
		return err->code;
	c->refreshed_ns = c->now_ns();
	*out = TAKE(c);
	return ERR_OK;
}

void
shelves_close(struct shelves *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n_places; i++) {
		free(c->places[i]->own_name);
		free(c->places[i]->items);
		free(c->places[i]);
	}
	for (size_t i = 0; i < c->n_known; i++)
		free_known(c->known[i]);
	free(c->places);
	free(c->known);
	pthread_rwlock_destroy(&c->lock);
	pthread_mutex_destroy(&c->refreshing);
	free(c);
}

size_t
shelves_count(struct shelves *c)
{
	size_t n = 0;
	pthread_rwlock_rdlock(&c->lock);
	for (size_t i = 0; i < c->n_known; i++)
		n += !c->known[i]->is_gone;
	pthread_rwlock_unlock(&c->lock);
	return n;
}

static bool
is_root(const struct place *p)
{
	return p->parent == p;
}

/* The snapshot that a link leads to; NULL: "latest" of nothing. */
static const struct known *
led_to(const struct shelves *c, const struct place *p)
{
	if (p->snapshot != NULL)
		return p->snapshot;
	return newest_in(is_root(p->parent) ? c->snapshots : p->parent);
}

/* The newest of all for folders of folders. */
static int64_t
time_of(const struct shelves *c, const struct place *p)
{
	const struct known *k = p->snapshot;
	if (k == NULL && p->kind == PLACE_LINK)
		k = led_to(c, p);
	if (k == NULL)
		k = newest_in(p);
	if (k == NULL)
		k = newest_in(c->snapshots);
	return k != NULL ? k->time_ns : 0;
}

static bool
show(const struct shelves *c, const struct place *p, struct shelves_place *out)
{
	const struct known *k = p->snapshot;
	if (k != NULL && k->is_gone)
		return false;
	*out =
	    (struct shelves_place){ .ino = p->ino, .kind = p->kind, .time_ns = time_of(c, p) };
	snprintf(out->name, sizeof out->name, "%s", p->name);
	if (p->kind == PLACE_SNAPSHOT)
		out->root = &k->root;
	if (p->kind != PLACE_LINK)
		return true;
	k = led_to(c, p);
	if (k == NULL)
		return false;
	snprintf(out->target, sizeof out->target, "%ssnapshots/%s",
	    is_root(p->parent) ? "" : "../../", k->name);
	return true;
}

bool
shelves_get(struct shelves *c, uint64_t ino, struct shelves_place *out)
{
	pthread_rwlock_rdlock(&c->lock);
	bool is_there = ino >= 1 && ino <= c->n_places && show(c, c->places[ino - 1], out);
	pthread_rwlock_unlock(&c->lock);
	return is_there;
}

bool
shelves_find(struct shelves *c, uint64_t dir, const char *name, struct shelves_place *out)
{
	refresh_if_old(c);
	pthread_rwlock_rdlock(&c->lock);
	bool is_there = false;
	if (dir >= 1 && dir <= c->n_places) {
		const struct place *p = find_in(c->places[dir - 1], name);
		is_there = p != NULL && show(c, p, out);
	}
	pthread_rwlock_unlock(&c->lock);
	return is_there;
}

uint64_t
shelves_parent(struct shelves *c, uint64_t ino)
{
	pthread_rwlock_rdlock(&c->lock);
	uint64_t parent =
	    ino >= 1 && ino <= c->n_places ? c->places[ino - 1]->parent->ino : SHELVES_ROOT;
	pthread_rwlock_unlock(&c->lock);
	return parent;
}

bool
shelves_next(struct shelves *c, uint64_t dir, size_t *pos, struct shelves_place *out)
{
	if (*pos == 0)
		refresh_if_old(c);
	pthread_rwlock_rdlock(&c->lock);
	const struct place *d = dir >= 1 && dir <= c->n_places ? c->places[dir - 1] : NULL;
	bool is_there = false;
	while (d != NULL && !is_there && *pos < d->count)
		is_there = show(c, d->items[(*pos)++], out);
	pthread_rwlock_unlock(&c->lock);
	return is_there;
}

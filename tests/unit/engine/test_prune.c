/*
 * Deleting beside writers: a whole backup at each step of a prune, a whole
 * prune at each step of a backup, both in each other's middle, and either
 * killed at each step.  Afterwards every snapshot that was reported is there,
 * bit for bit (docs/decisions/0010).
 */
#include "testing.h"

#include <stdlib.h>

#include "engine/backup.h"
#include "engine/browse.h"
#include "engine/forget.h"
#include "engine/hook_store.h"
#include "engine/prune.h"
#include "engine/verify.h"
#include "sys/fs.h"

#include <sys/stat.h>
#include <unistd.h>

#define FILES 6
#define TWO_DAYS_NS (INT64_C(2) * 86400 * 1000000000)

/* A survey that is stopped early closes a walk of fts(3) that glibc does not free in full. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:fts_alloc\n";
}
#define STEP_LIMIT 2000

static const struct repo_create_options quick = { 8, 1, NULL };

struct world {
	struct secret *key_file; /* quicker to open with than a passphrase */
	struct store *start; /* what each case begins with */
	char *folder;
	struct id forgotten; /* the snapshot of all files, which the start has lost */
};

static struct world *world;

/* --- what is backed up --- */

static void
file_bytes(struct buf *out, unsigned number)
{
	struct err err;
	uint64_t x = number + 1;
	out->len = 0;
	for (unsigned i = 0; i < 20000 + 7000 * number; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		ok(buf_u8(out, (uint8_t)(x >> 56), &err));
	}
}

/* Have just these files ("035") in the folder. */
static void
have_files(const char *numbers)
{
	struct err err;
	AUTO(bufv) struct buf b = BUF_INIT;
	for (unsigned i = 0; i < FILES; i++) {
		AUTO(str) char *path = NULL;
		ok(str_printf(&path, &err, "%s/f%u", world->folder, i));
		if (strchr(numbers, (int)('0' + i)) == NULL) {
			unlink(path);
		} else if (!fs_exists(path)) {
			file_bytes(&b, i);
			ok(fs_write_file(path, 0644, b.data, b.len, &err));
		}
	}
}

/* --- runs --- */

static struct repo *
opened(struct store *s)
{
	struct err err;
	struct repo *r;
	struct repo_key key = { .key_file = world->key_file };
	ok(repo_open(&r, s, &key, NULL, &err));
	return r;
}

static enum err_code
back_up(struct store *s, struct id *id, struct err *err)
{
	struct repo_key key = { .key_file = world->key_file };
	AUTO(repo) struct repo *r = NULL;
	AUTO(strv) struct strv paths = STRV_INIT;
	struct backup_options opt = BACKUP_OPTIONS_INIT;
	struct backup_result res;
	if (repo_open(&r, s, &key, NULL, err) || strv_add(&paths, world->folder, err))
		return err->code;
	struct engine e = { .repo = r };
	if (backup_paths(&e, &paths, &opt, &res, err))
		return err->code;
	assert_int_equal(res.outcome, OUTCOME_COMPLETE);
	*id = res.id;
	return ERR_OK;
}

static enum err_code
prune(struct store *s, struct prune_result *out, struct err *err)
{
	struct repo_key key = { .key_file = world->key_file };
	AUTO(repo) struct repo *r = NULL;
	struct prune_options opt = PRUNE_OPTIONS_INIT;
	opt.max_unused_share = 0;
	if (repo_open(&r, s, &key, NULL, err))
		return err->code;
	struct engine e = { .repo = r };
	return prune_run(&e, &opt, out, err);
}

static void
forget(struct store *s, const struct id *id)
{
	struct err err;
	AUTO(repo) struct repo *r = opened(s);
	ok(snapshot_delete(r, id, &err));
}

/* --- what is there afterwards --- */

struct contents {
	struct repo *repo;
	char numbers[FILES + 1];
};

static enum err_code
gather(void *arg, const void *data, size_t len, struct err *err)
{
	return buf_add(arg, data, len, err);
}

static enum err_code
check_file(void *arg, const char *path, const struct tree_entry *entry, struct err *err)
{
	struct contents *c = arg;
	const char *name = strrchr(path, '/');
	if (entry->type != TREE_FILE)
		return ERR_OK;
	AUTO(bufv) struct buf got = BUF_INIT;
	AUTO(bufv) struct buf want = BUF_INIT;
	assert_non_null(name);
	file_bytes(&want, (unsigned)(name[2] - '0'));
	if (content_stream(c->repo, &entry->content, gather, &got, err))
		return err->code;
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
	c->numbers[strlen(c->numbers)] = name[2];
	return ERR_OK;
}

/* The snapshot is there, and holds just these files, bit for bit. */
static void
holds(struct store *s, const struct id *id, const char *numbers)
{
	struct err err;
	AUTO(repo) struct repo *r = opened(s);
	AUTO(snapshot) struct snapshot snap = { .root = TREE_ENTRY_INIT };
	struct contents c = { .repo = r };
	struct engine e = { .repo = r };
	ok(snapshot_open(&snap, r, id, &err));
	ok(browse_list(&e, &snap, "", true, check_file, &c, &err));
	assert_string_equal(c.numbers, numbers);
}

static void
is_sound(struct store *s, struct verify_result *out)
{
	struct err err;
	AUTO(repo) struct repo *r = opened(s);
	struct engine e = { .repo = r };
	struct verify_options opt = { .read_data = true };
	ok(verify_repo(&e, &opt, out, &err));
	assert_int_equal(out->problems, 0);
	assert_int_equal(out->snapshots_hurt, 0);
}

static enum err_code
count_entry(void *arg, const struct store_entry *e, struct err *err)
{
	(void)e;
	(void)err;
	(*(unsigned *)arg)++;
	return ERR_OK;
}

static unsigned
count_of(struct store *s, const char *prefix)
{
	struct err err;
	unsigned n = 0;
	ok(store_list(s, prefix, NULL, count_entry, &n, &err));
	return n;
}

/* --- the start: one pack unused, one in part --- */

struct copying {
	struct store *from;
	struct store *to;
};

static enum err_code
copy_object(void *arg, const struct store_entry *e, struct err *err)
{
	struct copying *c = arg;
	AUTO(bufv) struct buf b = BUF_INIT;
	if (store_get(c->from, e->key, (size_t)64 << 20, &b, err) ||
	    store_put(c->to, e->key, b.data, b.len, err))
		return err->code;
	return ERR_OK;
}

static struct store *
copy_of(struct store *s)
{
	struct err err;
	struct copying c = { .from = s };
	ok(store_open_mem(&c.to, &err));
	ok(store_list(s, "", NULL, copy_object, &c, &err));
	return c.to;
}

static struct id kept;

static int
setup(void **state)
{
	struct err err;
	struct id other;
	world = calloc(1, sizeof *world);
	assert_non_null(world);
	ok(secret_copy(&world->key_file, "0123456789abcdef0123456789abcdef", 32, &err));
	ok(fs_make_temp_dir(&world->folder, "stacksnap-prune", &err));
	ok(store_open_mem(&world->start, &err));
	struct repo_key key = { .key_file = world->key_file };
	ok(repo_create(world->start, &key, &quick, &err));
	have_files("45");
	ok(back_up(world->start, &other, &err));
	have_files("012345");
	ok(back_up(world->start, &world->forgotten, &err));
	have_files("01");
	ok(back_up(world->start, &kept, &err));
	forget(world->start, &other);
	forget(world->start, &world->forgotten);
	*state = world;
	return 0;
}

static int
teardown(void **state)
{
	struct err err;
	(void)state;
	ok(fs_remove_tree(world->folder, &err));
	store_close(world->start);
	secret_free(world->key_file);
	free(world->folder);
	free(world);
	return 0;
}

static void
prune_frees_what_nobody_needs(void **state)
{
	(void)state;
	struct err err;
	struct prune_result r;
	struct verify_result v;
	AUTO(store) struct store *s = copy_of(world->start);
	ok(prune(s, &r, &err));
	assert_int_equal(r.snapshots, 1);
	assert_int_equal(r.packs_repacked, 1);
	assert_true(r.packs_removed >= 3);
	assert_true(r.bytes_removed > 200000);
	assert_true(r.bytes_written > 40000 && r.bytes_written < 60000);
	assert_int_equal(r.unused_bytes, 0);
	holds(s, &kept, "01");
	is_sound(s, &v);
	assert_int_equal(v.unused_packs, 0);
	assert_int_equal(count_of(s, "marks/"), 0);
	unsigned packs = count_of(s, "packs/");
	ok(prune(s, &r, &err));
	assert_int_equal(r.packs_removed, 0);
	assert_int_equal(count_of(s, "packs/"), packs);
}

static void
a_dry_run_changes_nothing(void **state)
{
	(void)state;
	struct err err;
	struct prune_result r;
	struct prune_options opt = PRUNE_OPTIONS_INIT;
	AUTO(store) struct store *s = copy_of(world->start);
	AUTO(repo) struct repo *repo = opened(s);
	struct engine e = { .repo = repo };
	unsigned objects = count_of(s, "");
	opt.dry_run = true;
	opt.max_unused_share = 0;
	ok(prune_run(&e, &opt, &r, &err));
	assert_int_equal(r.packs_repacked, 1);
	assert_true(r.bytes_removed > 200000);
	assert_int_equal(count_of(s, ""), objects);
}

/* --- one in the other's middle --- */

struct other_run {
	struct store *store;
	const struct id *forget_first; /* may be NULL */
	int64_t packs_age_ns; /* for a prune */
	enum err_code rc;
	struct err err;
	struct id id;
};

static void
other_backup(void *arg)
{
	struct other_run *o = arg;
	o->rc = back_up(o->store, &o->id, &o->err);
}

static void
other_prune(void *arg)
{
	struct other_run *o = arg;
	struct prune_result r;
	struct hook_store seen;
	hook_store_init(&seen, o->store, 0, NULL, NULL);
	seen.packs_age_ns = o->packs_age_ns;
	if (o->forget_first != NULL)
		forget(o->store, o->forget_first);
	o->rc = prune(&seen.store, &r, &o->err);
}

static void
a_backup_at_each_step_of_a_prune_is_whole(void **state)
{
	(void)state;
	have_files("012345");
	unsigned n = 1;
	for (;; n++) {
		struct err err;
		struct prune_result r;
		struct verify_result v;
		struct hook_store hook;
		AUTO(store) struct store *s = copy_of(world->start);
		struct other_run o = { .store = s };
		hook_store_init(&hook, s, n, other_backup, &o);
		assert_true(n < STEP_LIMIT);
		ok(prune(&hook.store, &r, &err));
		if (hook.count < n)
			break;
		if (o.rc != ERR_OK)
			fail_msg("step %u: backup: %s", n, o.err.msg);
		holds(s, &o.id, "012345");
		holds(s, &kept, "01");
		is_sound(s, &v);
		ok(prune(s, &r, &err));
		holds(s, &o.id, "012345");
	}
	assert_true(n > 40);
}

static void
prune_at_each_step_of_a_backup(int64_t packs_age_ns)
{
	have_files("012345");
	unsigned n = 1;
	for (;; n++) {
		struct err err;
		struct prune_result r;
		struct verify_result v;
		struct hook_store hook;
		struct id id;
		AUTO(store) struct store *s = copy_of(world->start);
		struct other_run o = { .store = s, .packs_age_ns = packs_age_ns };
		hook_store_init(&hook, s, n, other_prune, &o);
		assert_true(n < STEP_LIMIT);
		if (back_up(&hook.store, &id, &err))
			fail_msg("step %u: %s", n, err.msg);
		if (hook.count < n)
			break;
		if (o.rc != ERR_OK)
			fail_msg("step %u: prune: %s", n, o.err.msg);
		holds(s, &id, "012345");
		holds(s, &kept, "01");
		is_sound(s, &v);
		ok(prune(s, &r, &err));
		holds(s, &id, "012345");
	}
	assert_true(n > 20);
}

static void
a_prune_at_each_step_of_a_backup_leaves_it_whole(void **state)
{
	(void)state;
	prune_at_each_step_of_a_backup(0);
}

/* As when the backup had been stopped there for two days: what no index names by then goes. */
static void
a_prune_after_days_at_each_step_of_a_backup_leaves_it_whole(void **state)
{
	(void)state;
	prune_at_each_step_of_a_backup(TWO_DAYS_NS);
}

/* The backup takes all from its predecessor, which is forgotten and pruned meanwhile. */
static void
a_predecessor_may_go_while_a_backup_relies_on_it(void **state)
{
	(void)state;
	have_files("01");
	for (unsigned n = 1;; n++) {
		struct err err;
		struct verify_result v;
		struct hook_store hook;
		struct id id;
		AUTO(store) struct store *s = copy_of(world->start);
		struct other_run o = { .store = s, .forget_first = &kept };
		hook_store_init(&hook, s, n, other_prune, &o);
		assert_true(n < STEP_LIMIT);
		if (back_up(&hook.store, &id, &err))
			fail_msg("step %u: %s", n, err.msg);
		if (hook.count < n)
			break;
		if (o.rc != ERR_OK)
			fail_msg("step %u: prune: %s", n, o.err.msg);
		holds(s, &id, "01");
		is_sound(s, &v);
	}
}

/* --- each in the other's middle: a prune is held at its step m while a backup, which is at its
 * step n, comes to its end --- */

struct held_prune {
	struct hook_store hook;
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_started;
	bool is_held; /* or done */
	bool may_go;
	enum err_code rc;
	struct err err;
};

static void
hold(void *arg)
{
	struct held_prune *h = arg;
	pthread_mutex_lock(&h->lock);
	h->is_held = true;
	pthread_cond_broadcast(&h->changed);
	while (!h->may_go)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

static void *
run_held(void *arg)
{
	struct held_prune *h = arg;
	struct prune_result r;
	h->rc = prune(&h->hook.store, &r, &h->err);
	pthread_mutex_lock(&h->lock);
	h->is_held = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

static void
start_held(void *arg)
{
	struct held_prune *h = arg;
	assert_int_equal(pthread_create(&h->thread, NULL, run_held, h), 0);
	h->is_started = true;
	pthread_mutex_lock(&h->lock);
	while (!h->is_held)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

static void
finish_held(struct held_prune *h)
{
	pthread_mutex_lock(&h->lock);
	h->may_go = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
}

/* False when the backup has no step n. */
static bool
interleave(unsigned n, unsigned m, int64_t packs_age_ns, bool *prune_has_step)
{
	struct err err;
	struct verify_result v;
	struct hook_store hook;
	struct id id;
	AUTO(store) struct store *s = copy_of(world->start);
	struct held_prune h = { .store = s,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER };
	hook_store_init(&h.hook, s, m, hold, &h);
	h.hook.packs_age_ns = packs_age_ns;
	hook_store_init(&hook, s, n, start_held, &h);
	enum err_code rc = back_up(&hook.store, &id, &err);
	if (!h.is_started) {
		assert_int_equal(rc, ERR_OK);
		return false;
	}
	finish_held(&h);
	if (h.rc != ERR_OK)
		fail_msg("steps %u, %u: prune: %s", n, m, h.err.msg);
	*prune_has_step = h.hook.count >= m;
	/* A backup that met this prune twice says so; nothing may be reported that is hurt. */
	if (rc == ERR_OK)
		holds(s, &id, "012345");
	else if (rc != ERR_LOCKED)
		fail_msg("steps %u, %u: backup: %s", n, m, err.msg);
	holds(s, &kept, "01");
	is_sound(s, &v);
	return true;
}

static unsigned
steps_of_backup(void)
{
	struct err err;
	struct id id;
	struct hook_store hook;
	AUTO(store) struct store *s = copy_of(world->start);
	hook_store_init(&hook, s, 0, NULL, NULL);
	ok(back_up(&hook.store, &id, &err));
	return hook.count;
}

/* At these steps of the backup; every step of those from `fine` on. */
static void
meet_at(unsigned first, unsigned last, unsigned fine, int64_t packs_age_ns)
{
	/* Where all is slow, of several steps one. */
	const char *wanted = getenv("STACKSNAP_TEST_STRIDE");
	unsigned stride = wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : 1;
	assert_true(stride >= 1);
	for (unsigned n = first; n <= last; n += (n < fine ? 9 : 1) * stride) {
		bool has_step = true;
		for (unsigned m = 1; has_step; m += (n < fine ? 11 : 3) * stride)
			if (!interleave(n, m, packs_age_ns, &has_step))
				break;
	}
}

static void
a_prune_and_a_backup_may_meet_anywhere(void **state)
{
	(void)state;
	have_files("012345");
	unsigned last = steps_of_backup();
	/* In its last steps it looks, puts the snapshot, and looks again. */
	meet_at(1, last, last - 16, 0);
}

static void
a_prune_after_days_and_a_backup_may_meet(void **state)
{
	(void)state;
	have_files("012345");
	unsigned last = steps_of_backup();
	/* It has put packs, and puts the index that names them. */
	meet_at(last - 16, last - 8, 1, TWO_DAYS_NS);
}

/* --- killed --- */

static void
a_prune_may_die_at_each_step(void **state)
{
	(void)state;
	have_files("012345");
	unsigned n = 1;
	for (;; n++) {
		struct err err;
		struct prune_result r;
		struct verify_result v;
		struct store_fault plan = { .fail_at = n, .sticky = true };
		struct id id;
		struct store *s = copy_of(world->start);
		AUTO(store) struct store *fault = NULL;
		ok(store_open_fault(&fault, s, &plan, &err));
		assert_true(n < STEP_LIMIT);
		enum err_code rc = prune(fault, &r, &err);
		if (rc == ERR_OK && plan.count < n)
			break;
		holds(s, &kept, "01");
		is_sound(s, &v);
		/* A backup in between takes nothing that is about to go. */
		if (back_up(s, &id, &err))
			fail_msg("step %u: %s", n, err.msg);
		holds(s, &id, "012345");
		forget(s, &id);
		if (prune(s, &r, &err))
			fail_msg("step %u: next prune: %s", n, err.msg);
		holds(s, &kept, "01");
		is_sound(s, &v);
		/* What the dead one had put and not come to name is a day too young to go. */
		assert_true(v.unused_packs <= 1);
		assert_int_equal(r.unused_bytes, 0);
		assert_int_equal(count_of(s, "marks/"), 0);
	}
	assert_true(n > 40);
}

static void
a_backup_may_die_at_each_step(void **state)
{
	(void)state;
	have_files("012345");
	for (unsigned n = 1;; n++) {
		struct err err;
		struct prune_result r;
		struct verify_result v;
		struct store_fault plan = { .fail_at = n, .sticky = true };
		struct id id;
		struct store *s = copy_of(world->start);
		AUTO(store) struct store *fault = NULL;
		ok(store_open_fault(&fault, s, &plan, &err));
		assert_true(n < STEP_LIMIT);
		enum err_code rc = back_up(fault, &id, &err);
		if (rc == ERR_OK && plan.count < n)
			break;
		if (prune(s, &r, &err))
			fail_msg("step %u: %s", n, err.msg);
		holds(s, &kept, "01");
		is_sound(s, &v);
	}
}

static void
a_second_prune_gives_way(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct err err;
		struct prune_result r;
		struct verify_result v;
		struct hook_store hook;
		AUTO(store) struct store *s = copy_of(world->start);
		struct other_run o = { .store = s };
		hook_store_init(&hook, s, n, other_prune, &o);
		assert_true(n < STEP_LIMIT);
		ok(prune(&hook.store, &r, &err));
		if (hook.count < n)
			break;
		if (o.rc != ERR_OK && o.rc != ERR_LOCKED)
			fail_msg("step %u: %s", n, o.err.msg);
		holds(s, &kept, "01");
		is_sound(s, &v);
		assert_int_equal(v.unused_packs, 0);
		assert_int_equal(count_of(s, "marks/"), 0);
	}
}

/* --- damage --- */

static enum err_code
first_key(void *arg, const struct store_entry *e, struct err *err)
{
	struct store_entry *out = arg;
	if (out->size == 0 || e->size < out->size)
		*out = *e;
	(void)err;
	return ERR_OK;
}

static void
a_snapshot_that_is_not_whole_stops_it(void **state)
{
	(void)state;
	struct err err;
	struct prune_result r;
	struct id id;
	char hex[ID_HEX_SIZE];
	char want[64];
	have_files("01");
	/* A tree pack of the only snapshot: the smallest that it adds. */
	AUTO(store) struct store *fresh = NULL;
	struct repo_key key = { .key_file = world->key_file };
	struct store_entry smallest = { .size = 0 };
	ok(store_open_mem(&fresh, &err));
	ok(repo_create(fresh, &key, &quick, &err));
	ok(back_up(fresh, &id, &err));
	ok(store_list(fresh, "packs/", NULL, first_key, &smallest, &err));
	ok(store_delete(fresh, smallest.key, &err));
	id_hex(hex, &id);
	snprintf(want, sizeof want, "snapshot %.8s cannot be read whole, so nothing is removed",
	    hex);
	unsigned objects = count_of(fresh, "");
	refused_like(prune(fresh, &r, &err), ERR_CORRUPT, want);
	assert_int_equal(count_of(fresh, ""), objects);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prune_frees_what_nobody_needs),
		cmocka_unit_test(a_dry_run_changes_nothing),
		cmocka_unit_test(a_snapshot_that_is_not_whole_stops_it),
		cmocka_unit_test(a_backup_at_each_step_of_a_prune_is_whole),
		cmocka_unit_test(a_prune_at_each_step_of_a_backup_leaves_it_whole),
		cmocka_unit_test(a_prune_after_days_at_each_step_of_a_backup_leaves_it_whole),
		cmocka_unit_test(a_predecessor_may_go_while_a_backup_relies_on_it),
		cmocka_unit_test(a_prune_and_a_backup_may_meet_anywhere),
		cmocka_unit_test(a_prune_after_days_and_a_backup_may_meet),
		cmocka_unit_test(a_prune_may_die_at_each_step),
		cmocka_unit_test(a_backup_may_die_at_each_step),
		cmocka_unit_test(a_second_prune_gives_way),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

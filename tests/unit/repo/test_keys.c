#include "testing.h"

#include "crypto/hash.h"
#include "repo/key_ring.h"
#include "repo/keys.h"
#include "repo/object.h"
#include "sys/fs.h"

static struct repo_create_options quick = { 8, 1, "first" };

struct fixture {
	char *dir;
	struct store *store;
	struct secret *old;
	struct secret *new;
	struct repo_key by_old;
	struct repo_key by_new;
	struct repo *repo; /* opened by the old one */
};

static int
setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ok(fs_make_temp_dir(&f->dir, "keys", &err));
	ok(store_open_local(&f->store, f->dir, STORE_EXISTING, &err));
	ok(secret_copy(&f->old, "old passphrase", 14, &err));
	ok(secret_copy(&f->new, "new passphrase", 14, &err));
	f->by_old.passphrase = f->old;
	f->by_new.passphrase = f->new;
	ok(repo_create(f->store, &f->by_old, &quick, &err));
	ok(repo_open(&f->repo, f->store, &f->by_old, NULL, &err));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	struct err err;
	repo_close(f->repo);
	store_close(f->store);
	ok(fs_remove_tree(f->dir, &err));
	free(f->dir);
	secret_free(f->old);
	secret_free(f->new);
	free(f);
	return 0;
}

static enum err_code
opens(struct fixture *f, const struct repo_key *key, struct err *err)
{
	struct repo *r;
	if (repo_open(&r, f->store, key, NULL, err))
		return err->code;
	repo_close(r);
	return ERR_OK;
}

struct seen {
	struct key_slot slots[4];
	struct err faults[4];
	size_t count;
};

static enum err_code
see(void *arg, const struct key_slot *slot, const struct err *fault, struct err *err)
{
	(void)err;
	struct seen *s = arg;
	assert_true(s->count < ARRAY_LEN(s->slots));
	s->slots[s->count] = *slot;
	s->faults[s->count] = fault != NULL ? *fault : (struct err)ERR_INIT;
	s->count++;
	return ERR_OK;
}

static const struct key_slot *
find(const struct seen *s, const struct id *id)
{
	for (size_t i = 0; i < s->count; i++)
		if (id_equal(&s->slots[i].id, id))
			return &s->slots[i];
	return NULL;
}

static void
list_tells_kind_label_and_which_one_opened(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct secret *file;
	struct id id;
	struct seen s = { .count = 0 };
	struct repo_create_options opt = { 8, 1, "b\xc3\xbcro" };
	ok(secret_random(&file, 40, &err));
	struct repo_key by_file = { .key_file = file };
	ok(key_add(f->repo, &by_file, &opt, &id, &err));
	ok(key_list(f->repo, see, &s, &err));
	assert_int_equal(s.count, 2);
	const struct key_slot *added = find(&s, &id);
	assert_non_null(added);
	assert_int_equal(added->kind, KEY_FILE);
	assert_string_equal(added->label, "b\xc3\xbcro");
	assert_true(added->created_ns > 0);
	assert_false(added->is_in_use);
	struct key_slot mine;
	key_in_use(f->repo, &mine);
	const struct key_slot *first = find(&s, &mine.id);
	assert_non_null(first);
	assert_true(first->is_in_use);
	assert_int_equal(first->kind, KEY_PASSPHRASE);
	assert_string_equal(first->label, "first");
	assert_string_equal(mine.label, "first");
	ok(opens(f, &by_file, &err));
	secret_free(file);
}

static void
key_that_opened_the_repository_is_not_removed(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct key_slot mine;
	struct id other;
	char want[200];
	ok(key_add(f->repo, &f->by_new, &quick, &other, &err));
	key_in_use(f->repo, &mine);
	char hex[ID_HEX_SIZE];
	id_hex(hex, &mine.id);
	snprintf(want, sizeof want,
	    "key %.8s is the one that opened the repository: open it with another one to "
	    "remove this",
	    hex);
	refused(key_remove(f->repo, &mine.id, &err), ERR_USAGE, want);
	ok(opens(f, &f->by_old, &err));
	ok(key_remove(f->repo, &other, &err));
	refused_like(
	    opens(f, &f->by_new, &err), ERR_WRONG_KEY, "open repository: the passphrase");
	refused_like(key_remove(f->repo, &other, &err), ERR_NOT_FOUND, "remove key ");
}

static void
two_who_remove_each_others_key_leave_one(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct repo *second;
	struct key_slot old;
	struct id new_id;
	ok(key_add(f->repo, &f->by_new, &quick, &new_id, &err));
	ok(repo_open(&second, f->store, &f->by_new, NULL, &err));
	key_in_use(f->repo, &old);
	ok(key_remove(f->repo, &new_id, &err));
	refused_like(key_remove(second, &old.id, &err), ERR_CHANGED, "remove key ");
	repo_close(second);
	ok(opens(f, &f->by_old, &err));
}

static void
change_leaves_the_new_key_only(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct id id;
	struct seen s = { .count = 0 };
	ok(key_change(f->repo, &f->by_new, &quick, &id, &err));
	ok(opens(f, &f->by_new, &err));
	refused_like(
	    opens(f, &f->by_old, &err), ERR_WRONG_KEY, "open repository: the passphrase");
	ok(key_list(f->repo, see, &s, &err));
	assert_int_equal(s.count, 1);
	assert_true(s.slots[0].is_in_use && id_equal(&s.slots[0].id, &id));
}

/* One change, of which all fails from the nth operation on, as in a crash. */
static bool
change_fails(struct fixture *f, unsigned n)
{
	struct err err;
	struct store *inner;
	struct store *failing;
	struct repo *r;
	struct id id;
	struct store_fault plan = { .fail_at = UINT32_MAX, .sticky = true };
	ok(store_open_local(&inner, f->dir, STORE_EXISTING, &err));
	ok(store_open_fault(&failing, inner, &plan, &err));
	ok(repo_open(&r, failing, &f->by_old, NULL, &err));
	plan.fail_at = plan.count + n;
	bool failed = key_change(r, &f->by_new, &quick, &id, &err) != ERR_OK;
	repo_close(r);
	store_close(failing);
	return failed;
}

static void
change_that_stops_anywhere_leaves_a_key_that_works(void **state)
{
	struct fixture *f = *state;
	struct err err;
	unsigned stops = 0;
	bool old_works = true;
	/* Once the old one is gone, the new one must be there; then it is over. */
	for (; old_works && stops < 40; stops++) {
		bool failed = change_fails(f, stops + 1);
		old_works = opens(f, &f->by_old, &err) == ERR_OK;
		bool new_works = opens(f, &f->by_new, &err) == ERR_OK;
		assert_true(old_works || new_works);
		assert_true(failed || (new_works && !old_works));
	}
	assert_true(!old_works && stops > 4);
}

static void
write_slot(struct fixture *f, uint8_t *slot, size_t len)
{
	struct err err;
	struct id id;
	ok(slot_save(f->store, slot, len, &id, &err));
}

static void
sealed_slots_are_listed_and_passed_over(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct seen s = { .count = 0 };
	uint8_t sealed[416] = { 0 };
	memcpy(sealed, "SSNAPKEY\1\0\3", 11);
	memcpy(sealed + 12, repo_id(f->repo), 16);
	memcpy(sealed + 80, "nas", 3);
	write_slot(f, sealed, sizeof sealed);
	ok(key_list(f->repo, see, &s, &err));
	assert_int_equal(s.count, 2);
	size_t at = s.slots[0].is_in_use ? 1 : 0;
	assert_int_equal(s.slots[at].kind, KEY_SEALED);
	assert_string_equal(s.slots[at].label, "nas");
	assert_string_equal(s.faults[at].msg, "not usable by this version");
	ok(opens(f, &f->by_old, &err));
	/* Beside a sound slot it is no news to somebody who mistyped. */
	refused_like(
	    opens(f, &f->by_new, &err), ERR_WRONG_KEY, "open repository: the passphrase");
}

struct only {
	struct store *store;
	char keys[4][STORE_KEY_MAX];
	size_t count;
};

static enum err_code
note_key(void *arg, const struct store_entry *e, struct err *err)
{
	(void)err;
	struct only *o = arg;
	memcpy(o->keys[o->count++], e->key, STORE_KEY_MAX);
	return ERR_OK;
}

static void
remove_all_slots(struct fixture *f)
{
	struct err err;
	struct only o = { .store = f->store };
	ok(store_list(f->store, "keys/", NULL, note_key, &o, &err));
	for (size_t i = 0; i < o.count; i++)
		ok(store_delete(f->store, o.keys[i], &err));
}

static void
repository_with_sealed_slots_only_needs_a_newer_version(void **state)
{
	struct fixture *f = *state;
	struct err err;
	uint8_t sealed[416] = { 0 };
	memcpy(sealed, "SSNAPKEY\1\0\3", 11);
	memcpy(sealed + 12, repo_id(f->repo), 16);
	remove_all_slots(f);
	write_slot(f, sealed, sizeof sealed);
	enum err_code rc = opens(f, &f->by_old, &err);
	assert_int_equal(rc, ERR_UNSUPPORTED);
	assert_non_null(strstr(err.msg, ": key slot of kind 3: a newer StackSnap is needed"));
}

static void
repository_without_slots_says_how_to_get_one_back(void **state)
{
	struct fixture *f = *state;
	struct err err;
	char want[400];
	remove_all_slots(f);
	snprintf(want, sizeof want,
	    "open repository: %s has lost its key slots (nothing in keys/): 'stacksnap "
	    "recover-key' brings one back from a recovery kit",
	    f->dir);
	refused(opens(f, &f->by_old, &err), ERR_WRONG_KEY, want);
}

static void
later_key_schemes_are_refused(void **state)
{
	(void)state;
	struct err err;
	uint8_t header[HEADER_SIZE];
	uint8_t type;
	const uint8_t *salt;
	ok(header_make(header, PACK_MAGIC, 1, &err));
	ok(header_parse(header, sizeof header, PACK_MAGIC, &type, &salt, &err));
	header[11] = 2;
	refused(header_parse(header, sizeof header, PACK_MAGIC, &type, &salt, &err),
	    ERR_UNSUPPORTED, "key scheme 2: a newer StackSnap is needed");
}

static void
labels_are_short_text(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct id id;
	char label[80];
	struct repo_create_options opt = { 8, 1, label };
	memset(label, 'x', sizeof label);
	label[64] = '\0';
	refused(key_add(f->repo, &f->by_new, &opt, &id, &err), ERR_USAGE,
	    "add a key: the label takes 64 bytes; 63 are the most");
	label[63] = '\0';
	ok(key_add(f->repo, &f->by_new, &opt, &id, &err));
	memcpy(label, "\xff", 2);
	refused(key_add(f->repo, &f->by_new, &opt, &id, &err), ERR_USAGE,
	    "add a key: the label is not UTF-8");
}

static void
keys_are_found_by_prefix(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct key_slot mine;
	struct id found;
	char hex[ID_HEX_SIZE];
	key_in_use(f->repo, &mine);
	id_hex(hex, &mine.id);
	hex[4] = '\0';
	ok(key_resolve(f->repo, hex, &found, &err));
	assert_true(id_equal(&found, &mine.id));
	hex[3] = '\0';
	refused_like(key_resolve(f->repo, hex, &found, &err), ERR_USAGE, "'");
	refused(key_resolve(f->repo, "0123456789abcdef", &found, &err), ERR_NOT_FOUND,
	    "no key begins with 0123456789abcdef: 'stacksnap key list' lists them");
}

static void
damaged_slot_is_listed_and_replaced_by_a_sound_copy(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct key_slot mine;
	struct seen s = { .count = 0 };
	struct buf slot = BUF_INIT;
	char where[STORE_KEY_MAX];
	char hex[ID_HEX_SIZE];
	key_in_use(f->repo, &mine);
	id_hex(hex, &mine.id);
	snprintf(where, sizeof where, "keys/%s", hex);
	ok(store_get(f->store, where, 4096, &slot, &err));
	ok(store_delete(f->store, where, &err));
	ok(store_put(f->store, where, "rubbish", 7, &err));
	ok(key_list(f->repo, see, &s, &err));
	assert_int_equal(s.count, 1);
	assert_int_equal(s.faults[0].code, ERR_CORRUPT);
	write_slot(f, slot.data, slot.len);
	ok(opens(f, &f->by_old, &err));
	buf_release(&slot);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(list_tells_kind_label_and_which_one_opened),
		CASE(key_that_opened_the_repository_is_not_removed),
		CASE(two_who_remove_each_others_key_leave_one),
		CASE(change_leaves_the_new_key_only),
		CASE(change_that_stops_anywhere_leaves_a_key_that_works),
		CASE(sealed_slots_are_listed_and_passed_over),
		CASE(repository_with_sealed_slots_only_needs_a_newer_version),
		CASE(repository_without_slots_says_how_to_get_one_back),
		CASE(later_key_schemes_are_refused),
		CASE(labels_are_short_text),
		CASE(keys_are_found_by_prefix),
		CASE(damaged_slot_is_listed_and_replaced_by_a_sound_copy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

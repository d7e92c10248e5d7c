#include "testing.h"

#include "engine/backup.h"
#include "mount/view.h"
#include "sys/clock.h"
#include "sys/fs.h"

#define OLDER INT64_C(1700000000000000000)

static int64_t now_ns;

static int64_t
test_clock(void)
{
	return now_ns;
}

/* Keeps what it was told. */
struct listener {
	struct event_sink sink;
	unsigned problems;
	char subject[512];
	char text[512];
};

static void
listen_emit(struct event_sink *sink, const struct event *e)
{
	struct listener *l = (struct listener *)sink;
	if (e->kind != EVENT_PROBLEM)
		return;
	l->problems++;
	snprintf(l->subject, sizeof l->subject, "%s", e->subject != NULL ? e->subject : "");
	snprintf(l->text, sizeof l->text, "%s", e->text);
}

static const struct event_sink_ops listen_ops = { .emit = listen_emit };

struct fixture {
	struct store *store;
	struct secret *pass;
	struct repo *repo;
	char *dir; /* holds what is backed up */
	struct listener listener;
	struct view *view;
};

static void
write_text(const struct fixture *f, const char *name, const char *text)
{
	struct err err;
	AUTO(str) char *path = NULL;
	ok(str_printf(&path, &err, "%s/%s", f->dir, name));
	ok(fs_write_file(path, 0644, text, strlen(text), &err));
}

static struct id
back_up(struct fixture *f, const char *host, int64_t time_ns)
{
	struct err err = ERR_INIT;
	AUTO(strv) struct strv paths = STRV_INIT;
	struct engine e = { .repo = f->repo, .events = &f->listener.sink, .state_dir = f->dir };
	struct backup_options opt = BACKUP_OPTIONS_INIT;
	struct backup_result done;
	opt.host = host;
	opt.time_ns = time_ns;
	ok(strv_add(&paths, f->dir, &err));
	ok(backup_paths(&e, &paths, &opt, &done, &err));
	return done.id;
}

static int
setup(void **state)
{
	static const struct repo_create_options quick = { 8, 1, NULL };
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->listener.sink.ops = &listen_ops;
	now_ns = 0;
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	ok(store_open_mem(&f->store, &err));
	ok(secret_copy(&f->pass, "correct horse", 13, &err));
	struct repo_key key = { .passphrase = f->pass };
	ok(repo_create(f->store, &key, &quick, &err));
	ok(repo_open(&f->repo, f->store, &key, NULL, &err));
	ok(fs_make_temp_dir(&f->dir, "view", &err));
	write_text(f, "a", "first\n");
	write_text(f, "b", "second file\n");
	back_up(f, "nas", OLDER);
	ok(view_open(&f->view, f->repo, &f->listener.sink, test_clock, &err));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	struct err err;
	view_close(f->view);
	repo_close(f->repo);
	store_close(f->store);
	ok(fs_remove_tree(f->dir, &err));
	free(f->dir);
	secret_free(f->pass);
	free(f);
	return 0;
}

/* Down a path, each step known once more; what was passed is forgotten again. */
static enum err_code
walk(struct fixture *f, const char *path, struct view_item *out, struct err *why)
{
	struct err err;
	AUTO(strv) struct strv parts = STRV_INIT;
	uint64_t at = SHELVES_ROOT;
	ok(strv_split(&parts, path, '/', &err));
	for (size_t i = 0; i < parts.len; i++) {
		enum err_code rc = view_lookup(f->view, at, parts.items[i], out, why);
		view_forget(f->view, at, 1);
		if (rc)
			return rc;
		at = out->id.ino;
	}
	return ERR_OK;
}

static enum err_code
walk_in(struct fixture *f, const char *name, struct view_item *out, struct err *why)
{
	struct err err;
	AUTO(str) char *path = NULL;
	char snapshot[64];
	/* The name is the time, and the first digits of the id. */
	AUTO(bufv) struct buf target = BUF_INIT;
	struct view_item latest;
	ok(walk(f, "hosts/nas/latest", &latest, &err));
	ok(view_target(f->view, latest.id.ino, &target, &err));
	assert_int_equal(strncmp(buf_cstr(&target), "../../snapshots/", 16), 0);
	snprintf(snapshot, sizeof snapshot, "%s", buf_cstr(&target) + 16);
	ok(str_printf(&path, &err, "snapshots/%s%s/%s", snapshot, f->dir, name));
	return walk(f, path, out, why);
}

struct names {
	char list[16][300];
	uint64_t inos[16];
	uint64_t next[16];
	size_t count;
	size_t room;
};

static bool
take_name(void *arg, const struct view_item *item, uint64_t next)
{
	struct names *n = arg;
	if (n->count == n->room)
		return false;
	snprintf(n->list[n->count], sizeof n->list[0], "%.*s", (int)item->name_len, item->name);
	n->inos[n->count] = item->id.ino;
	n->next[n->count++] = next;
	return true;
}

static void
files_are_read_and_have_their_attributes(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct view_item item;
	struct view_file *file;
	struct view_bytes bytes;
	ok(walk_in(f, "b", &item, &err));
	assert_true(S_ISREG(item.st.st_mode) && item.is_fixed);
	assert_int_equal(item.st.st_size, 12);
	struct stat st;
	bool is_fixed;
	ok(view_stat(f->view, item.id.ino, &st, &is_fixed, &err));
	assert_true(is_fixed && st.st_ino == item.st.st_ino);
	ok(view_file_open(&file, f->view, item.id.ino, &err));
	ok(view_file_read(file, 7, 100, &bytes, &err));
	assert_int_equal(bytes.count, 1);
	assert_int_equal(bytes.parts[0].iov_len, 5);
	assert_memory_equal(bytes.parts[0].iov_base, "file\n", 5);
	view_bytes_release(&bytes);
	ok(view_file_read(file, 12, 100, &bytes, &err));
	assert_int_equal(bytes.count, 0);
	view_bytes_release(&bytes);
	view_file_close(file);
	refused(walk_in(f, "c", &item, &err), ERR_NOT_FOUND, "no such file");
}

static void
folders_are_listed_in_parts(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct view_item dir;
	struct names all = { .room = 16 };
	ok(walk_in(f, "", &dir, &err));
	ok(view_list(f->view, dir.id.ino, 0, VIEW_NAMES, take_name, &all, &err));
	assert_int_equal(all.count, 4);
	assert_string_equal(all.list[0], ".");
	assert_string_equal(all.list[1], "..");
	assert_string_equal(all.list[2], "a");
	assert_string_equal(all.list[3], "b");
	/* One at a time, with attributes: each taken one is known, and found again by its ino.
	 */
	uint64_t from = 0;
	for (size_t i = 0; i < 4; i++) {
		struct names one = { .room = 1 };
		ok(view_list(
		    f->view, dir.id.ino, from, VIEW_ATTRIBUTES, take_name, &one, &err));
		assert_int_equal(one.count, 1);
		assert_string_equal(one.list[0], all.list[i]);
		from = one.next[0];
		struct stat st;
		bool is_fixed;
		if (i >= 2) {
			ok(view_stat(f->view, one.inos[0], &st, &is_fixed, &err));
			assert_int_equal(st.st_size, i == 2 ? 6 : 12);
			view_forget(f->view, one.inos[0], 1);
		}
	}
	struct names none = { .room = 16 };
	ok(view_list(f->view, dir.id.ino, from, VIEW_NAMES, take_name, &none, &err));
	assert_int_equal(none.count, 0);
}

static void
what_is_forgotten_is_gone_and_its_number_used_anew(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct view_item file;
	struct view_item again;
	struct stat st;
	bool is_fixed;
	ok(walk_in(f, "a", &file, &err));
	ok(view_stat(f->view, file.id.ino, &st, &is_fixed, &err));
	view_forget(f->view, file.id.ino, 1);
	refused(view_stat(f->view, file.id.ino, &st, &is_fixed, &err), ERR_NOT_FOUND,
	    "no such file");
	ok(walk_in(f, "a", &again, &err));
	assert_true(again.id.ino != file.id.ino || again.id.generation != file.id.generation);
	view_forget(f->view, again.id.ino, 1);
}

static size_t
count_in(struct fixture *f, const char *path)
{
	struct err err;
	struct view_item dir;
	struct names all = { .room = 16 };
	ok(walk(f, path, &dir, &err));
	ok(view_list(f->view, dir.id.ino, 0, VIEW_NAMES, take_name, &all, &err));
	return all.count - 2;
}

static void
new_snapshots_appear_after_half_a_minute_and_old_ones_go(void **state)
{
	struct fixture *f = *state;
	struct err err;
	assert_int_equal(count_in(f, "snapshots"), 1);
	assert_int_equal(view_snapshots(f->view), 1);
	write_text(f, "a", "changed\n");
	struct id newer = back_up(f, "nas", OLDER + 5 * NS_PER_S);
	now_ns += 29 * NS_PER_S;
	assert_int_equal(count_in(f, "snapshots"), 1);
	now_ns += NS_PER_S;
	assert_int_equal(count_in(f, "snapshots"), 2);
	assert_int_equal(count_in(f, "hosts/nas"), 3); /* two, and "latest" */
	struct view_item item;
	ok(walk_in(f, "a", &item, &err));
	assert_int_equal(item.st.st_size, 8);
	view_forget(f->view, item.id.ino, 1);
	char where[STORE_KEY_MAX] = "snapshots/";
	id_hex(where + strlen(where), &newer);
	ok(store_delete(f->store, where, &err));
	now_ns += 30 * NS_PER_S;
	assert_int_equal(count_in(f, "snapshots"), 1);
	ok(walk_in(f, "a", &item, &err));
	assert_int_equal(item.st.st_size, 6);
	view_forget(f->view, item.id.ino, 1);
}

static void
snapshots_are_named_by_local_time_and_id(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct view_item dir;
	struct names all = { .room = 16 };
	ok(walk(f, "snapshots", &dir, &err));
	ok(view_list(f->view, dir.id.ino, 0, VIEW_NAMES, take_name, &all, &err));
	assert_int_equal(all.count, 3);
	assert_int_equal(strncmp(all.list[2], "2023-11-14T22-13-20_", 20), 0);
	assert_int_equal(strlen(all.list[2]), 28);
}

struct largest {
	char key[STORE_KEY_MAX];
	uint64_t size;
};

static enum err_code
note_largest(void *arg, const struct store_entry *e, struct err *err)
{
	(void)err;
	struct largest *l = arg;
	if (e->size > l->size) {
		memcpy(l->key, e->key, sizeof l->key);
		l->size = e->size;
	}
	return ERR_OK;
}

static void
damage_is_told_once_with_its_path(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct view_item item;
	struct view_file *file;
	struct view_bytes bytes;
	AUTO(mem) char *large = malloc(200001);
	assert_non_null(large);
	uint64_t seed = 1;
	for (size_t i = 0; i < 200000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		large[i] = (char)('!' + (seed >> 56) % 90);
	}
	large[200000] = '\0';
	write_text(f, "large", large);
	back_up(f, "nas", OLDER + NS_PER_S);
	now_ns += 30 * NS_PER_S;
	ok(walk_in(f, "large", &item, &err));
	/* The pack that holds it is gone. */
	struct largest l = { .size = 0 };
	ok(store_list(f->store, "packs/", NULL, note_largest, &l, &err));
	ok(store_delete(f->store, l.key, &err));
	ok(view_file_open(&file, f->view, item.id.ino, &err));
	for (int i = 0; i < 3; i++)
		assert_int_equal(view_file_read(file, 0, 4096, &bytes, &err), ERR_CORRUPT);
	view_file_close(file);
	assert_int_equal(f->listener.problems, 1);
	assert_int_equal(strncmp(f->listener.subject, "snapshots/", 10), 0);
	assert_string_equal(f->listener.subject + strlen(f->listener.subject) - 6, "/large");
	assert_int_equal(strncmp(f->listener.text, "cannot be read: ", 16), 0);
	view_forget(f->view, item.id.ino, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(files_are_read_and_have_their_attributes),
		CASE(folders_are_listed_in_parts),
		CASE(what_is_forgotten_is_gone_and_its_number_used_anew),
		CASE(new_snapshots_appear_after_half_a_minute_and_old_ones_go),
		CASE(snapshots_are_named_by_local_time_and_id),
		CASE(damage_is_told_once_with_its_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

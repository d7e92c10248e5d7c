/* The store fails, the user stops: saving and restoring end with that error, and leave nothing.
 */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static void
some_files(struct fixture *f)
{
	char name[64];
	AUTO(mem) uint8_t *data = malloc(3 << 20);
	for (size_t i = 0; i < 3 << 20; i++)
		data[i] = (uint8_t)(i * i >> 11);
	for (int d = 0; d < 4; d++) {
		snprintf(name, sizeof name, "dir%d", d);
		assert_int_equal(mkdir(in_source(f, name), 0755), 0);
		for (int i = 0; i < 20; i++) {
			snprintf(name, sizeof name, "dir%d/file%02d", d, i);
			write_text(in_source(f, name), name);
		}
		snprintf(name, sizeof name, "dir%d/big", d);
		data[0] = (uint8_t)d;
		write_file(in_source(f, name), data, 3 << 20);
	}
	assert_int_equal(link(in_source(f, "dir0/file00"), in_source(f, "dir3/link")), 0);
}

/* Save into a repository whose store fails at one operation; true when it did not come to that.
 */
static bool
save_with_fault(struct fixture *f, unsigned fail_at)
{
	static const struct repo_create_options quick = { 8, 1, NULL };
	struct store_fault plan = { .fail_at = 0 };
	struct err err;
	struct store *mem;
	AUTO(store) struct store *s = NULL;
	AUTO(repo) struct repo *r = NULL;
	AUTO(writer) struct writer *w = NULL;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct writer_options wo = { .workers = 2 };
	struct repo_key key = { .passphrase = f->pass };
	struct tree_save_options opt = TREE_SAVE_OPTIONS_INIT;
	opt.no_sync = true;
	opt.threads = 2;
	ok(store_open_mem(&mem, &err));
	ok(store_open_fault(&s, mem, &plan, &err));
	ok(repo_create(s, &key, &quick, &err));
	ok(repo_open(&r, s, &key, NULL, &err));
	ok(writer_open(&w, r, &wo, &err));
	plan.fail_at = plan.count + fail_at;
	enum err_code rc = tree_save(&saved, w, f->source, &opt, &err);
	if (rc == ERR_OK)
		rc = writer_flush(w, &err);
	bool reached = plan.count >= plan.fail_at;
	if (reached)
		assert_int_equal(rc, ERR_IO);
	else
		ok(rc);
	return !reached;
}

static void
failing_store_fails_the_save(void **state)
{
	struct fixture *f = *state;
	some_files(f);
	unsigned n = 1;
	while (!save_with_fault(f, n))
		n++;
	assert_true(n > 2);
}

/* Restore from a store that fails at one read. */
static void
failing_store_fails_the_restore(void **state)
{
	struct fixture *f = *state;
	static const struct repo_create_options quick = { 8, 1, NULL };
	struct store_fault plan = { .fail_at = 0 };
	struct err err;
	struct store *mem;
	AUTO(store) struct store *s = NULL;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	struct writer_options wo = { .workers = 2 };
	struct repo_key key = { .passphrase = f->pass };
	struct tree_save_options sopt = TREE_SAVE_OPTIONS_INIT;
	struct tree_restore_options opt = TREE_RESTORE_OPTIONS_INIT;
	some_files(f);
	sopt.no_sync = true;
	opt.no_sync = true;
	ok(store_open_mem(&mem, &err));
	ok(store_open_fault(&s, mem, &plan, &err));
	ok(repo_create(s, &key, &quick, &err));
	{
		AUTO(repo) struct repo *r = NULL;
		AUTO(writer) struct writer *w = NULL;
		ok(repo_open(&r, s, &key, NULL, &err));
		ok(writer_open(&w, r, &wo, &err));
		ok(tree_save(&saved, w, f->source, &sopt, &err));
		ok(writer_flush(w, &err));
	}
	bool reached = true;
	for (unsigned n = 1; reached; n++) {
		AUTO(repo) struct repo *r = NULL;
		struct tree_restored done;
		plan.fail_at = 0;
		ok(repo_open(&r, s, &key, NULL, &err));
		plan.fail_at = plan.count + n;
		enum err_code rc = tree_restore(&done, r, &saved.root, f->target, &opt, &err);
		reached = plan.count >= plan.fail_at;
		if (reached) {
			assert_int_equal(rc, ERR_IO);
		} else {
			ok(rc);
			compare_with(f, &saved.root, f->target);
		}
		plan.fail_at = 0;
		ok(fs_remove_tree(f->target, &err));
	}
}

struct stopper {
	struct cancel *cancel;
	const struct tree_progress *progress;
	uint64_t files; /* after so many */
	atomic_bool give_up;
};

static void *
stop_after(void *arg)
{
	struct stopper *s = arg;
	while (atomic_load(&s->progress->files) < s->files && !atomic_load(&s->give_up))
		;
	cancel_raise(s->cancel);
	return NULL;
}

static void
save_that_is_stopped_at_work_ends_at_once(void **state)
{
	struct fixture *f = *state;
	some_files(f);
	for (uint64_t files = 0; files < 84; files += 12) {
		struct err err;
		struct cancel cancel;
		struct tree_saved saved = TREE_SAVED_INIT;
		struct tree_progress progress = TREE_PROGRESS_INIT;
		struct tree_save_options opt = TREE_SAVE_OPTIONS_INIT;
		ok(cancel_init(&cancel, &err));
		opt.no_sync = true;
		opt.threads = 2;
		opt.progress = &progress;
		opt.cancel = &cancel;
		struct stopper s = { .cancel = &cancel, .progress = &progress, .files = files };
		pthread_t t;
		assert_int_equal(pthread_create(&t, NULL, stop_after, &s), 0);
		enum err_code rc = tree_save(&saved, f->writer, f->source, &opt, &err);
		/* It may have been done before the other thread looked. */
		assert_true(rc == ERR_OK || rc == ERR_CANCELLED);
		atomic_store(&s.give_up, true);
		pthread_join(t, NULL);
		tree_saved_release(&saved);
		cancel_release(&cancel);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(failing_store_fails_the_save),
		tree_test(failing_store_fails_the_restore),
		tree_test(save_that_is_stopped_at_work_ends_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

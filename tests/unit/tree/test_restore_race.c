/* Symlinks that are swapped in while a restore is at work never lead out of the target. */
#include "fixture.h"

#include "sys/clock.h"
#include "tree/folder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#define RACE_NS (NS_PER_S * 2)
#define DEPTH 4

/* Exchanges a folder of the target, at each depth in turn, with a symlink to another one
 * outside that looks like it. */
struct swapper {
	struct fixture *f;
	char *outside;
	atomic_bool stop;
	uint64_t swaps;
};

static void
folder_at(char out[4096], const char *base, unsigned depth)
{
	size_t n = (size_t)snprintf(out, 4096, "%s", base);
	for (unsigned i = 0; i < depth; i++)
		n += (size_t)snprintf(out + n, 4096 - n, "/d");
}

static void *
swap(void *arg)
{
	struct swapper *s = arg;
	char folder[4096];
	char trap[4096];
	for (unsigned i = 0; !atomic_load(&s->stop); i++) {
		unsigned depth = 1 + i % DEPTH;
		folder_at(folder, s->f->target, depth);
		snprintf(trap, sizeof trap, "%s/trap%u", s->f->base, depth);
		if (syscall(SYS_renameat2, AT_FDCWD, folder, AT_FDCWD, trap,
			2 /* exchange */) == 0) {
			s->swaps++;
			syscall(SYS_renameat2, AT_FDCWD, folder, AT_FDCWD, trap, 2);
		}
	}
	return NULL;
}

/* A folder with a file, a symlink and a folder like itself in it. */
static void
fill(const char *base, const char *text)
{
	char folder[4096];
	char path[4200];
	for (unsigned depth = 0; depth <= DEPTH; depth++) {
		folder_at(folder, base, depth);
		if (depth > 0)
			assert_int_equal(mkdir(folder, 0755), 0);
		for (unsigned i = 0; i < 20; i++) {
			snprintf(path, sizeof path, "%s/file%u", folder, i);
			write_text(path, text);
		}
	}
}

/* What lies outside, with all times: as it was. */
static void
note_outside(const struct swapper *s, struct buf *out)
{
	char folder[4096];
	char path[4200];
	struct err err;
	for (unsigned depth = 0; depth <= DEPTH; depth++) {
		AUTO(strv) struct strv names = STRV_INIT;
		folder_at(folder, s->outside, depth);
		ok(fs_list_dir(folder, &names, &err));
		for (size_t i = 0; i < names.len; i++) {
			snprintf(path, sizeof path, "%s/%s", folder, names.items[i]);
			struct stat st = stat_of(path);
			ok(buf_printf(out, &err, "%s %llu %o %lld.%ld %lld\n", path,
			    (unsigned long long)st.st_ino, st.st_mode,
			    (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec,
			    (long long)st.st_size));
		}
	}
}

static void
race(struct fixture *f, enum tree_resolve resolve)
{
	struct err err;
	struct swapper s = { .f = f };
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	AUTO(bufv) struct buf before = BUF_INIT;
	AUTO(bufv) struct buf after = BUF_INIT;
	AUTO(str) char *outside = NULL;
	char path[4096];
	pthread_t thread;
	fill(f->source, "from the tree");
	save_source(f, &saved);
	assert_int_equal(mkdir(f->target, 0755), 0);
	fill(f->target, "old");
	ok(str_printf(&outside, &err, "%s/outside", f->base));
	assert_int_equal(mkdir(outside, 0755), 0);
	fill(outside, "precious");
	s.outside = outside;
	for (unsigned depth = 1; depth <= DEPTH; depth++) {
		char trap[4096];
		folder_at(path, outside, depth);
		snprintf(trap, sizeof trap, "%s/trap%u", f->base, depth);
		assert_int_equal(symlink(path, trap), 0);
	}
	note_outside(&s, &before);

	assert_int_equal(pthread_create(&thread, NULL, swap, &s), 0);
	struct tree_restore_options opt = TREE_RESTORE_OPTIONS_INIT;
	opt.no_sync = true;
	opt.threads = 2;
	opt.overwrite = TREE_OVERWRITE_ALWAYS;
	opt.delete_extra = true;
	opt.resolve = resolve;
	unsigned rounds = 0;
	for (int64_t end = clock_mono_ns() + RACE_NS; clock_mono_ns() < end; rounds++) {
		struct tree_restored done;
		struct tree_read_back back;
		/* What was swapped away meanwhile is a problem or an error: all that counts
		 * here is what happens outside. */
		if (tree_restore(&done, f->repo, &saved.root, f->target, &opt, &err) ==
			ERR_OK &&
		    rounds % 4 == 0 &&
		    tree_read_back(&back, f->repo, &saved.root, f->target, &opt, &err))
			assert_int_not_equal(err.code, ERR_CORRUPT);
		/* Something to write: in the root, which is not swapped. */
		snprintf(path, sizeof path, "%s/file%u", f->target, rounds % 20);
		unlink(path);
	}
	atomic_store(&s.stop, true);
	pthread_join(thread, NULL);
	note_outside(&s, &after);
	assert_string_equal(buf_cstr(&after), buf_cstr(&before));
	print_message("%u restores, %llu swaps\n", rounds, (unsigned long long)s.swaps);
	assert_true(rounds > 0 && s.swaps > 0);
}

static void
swapped_in_symlinks_lead_nowhere_with_openat2(void **state)
{
	if (!folder_has_openat2())
		skip();
	race(*state, TREE_RESOLVE_OPENAT2);
}

static void
swapped_in_symlinks_lead_nowhere_without_openat2(void **state)
{
	race(*state, TREE_RESOLVE_STEPS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(swapped_in_symlinks_lead_nowhere_with_openat2),
		tree_test(swapped_in_symlinks_lead_nowhere_without_openat2),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

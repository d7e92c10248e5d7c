/*
 * fixture.h: a repository in memory, two temporary folders, and what the
 * tests of trees say about them.
 */
#ifndef TESTS_UNIT_TREE_FIXTURE_H
#define TESTS_UNIT_TREE_FIXTURE_H

#include "testing.h"

#include "base/strv.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "tree/compare.h"
#include "tree/dir.h"
#include "tree/restore.h"
#include "tree/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

struct fixture {
	struct store *store;
	struct secret *pass;
	struct repo *repo;
	struct writer *writer;
	char *base;
	char *source; /* base/source, exists */
	char *target; /* base/target, does not */
	struct strv lines; /* problems and differences, as text */
};

static inline void
fixture_note_problem(void *arg, const struct tree_problem *p)
{
	struct fixture *f = arg;
	struct err err;
	ok(strv_addf(
	    &f->lines, &err, "%s %s: %s", tree_problem_word(p->kind), p->path, p->text));
}

static inline enum err_code
fixture_note_difference(void *arg, const struct tree_diff *d, struct err *err)
{
	static const char *const kinds[] = { "added", "removed", "changed" };
	struct fixture *f = arg;
	AUTO(bufv) struct buf line = BUF_INIT;
	if (buf_printf(&line, err, "%s %s", kinds[d->kind], d->path))
		return err->code;
	for (unsigned bit = 1; bit < FIELD_ALL; bit <<= 1)
		if ((d->fields & bit) != 0 &&
		    buf_printf(&line, err, " %s", tree_field_word((enum tree_field)bit)))
			return err->code;
	return strv_add(&f->lines, buf_cstr(&line), err);
}

static inline int
fixture_setup(void **state)
{
	static const struct repo_create_options quick = { 8, 1, NULL };
	struct writer_options wo = WRITER_OPTIONS_INIT;
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	ok(store_open_mem(&f->store, &err));
	ok(secret_copy(&f->pass, "correct horse", 13, &err));
	struct repo_key key = { .passphrase = f->pass };
	ok(repo_create(f->store, &key, &quick, &err));
	ok(repo_open(&f->repo, f->store, &key, NULL, &err));
	wo.workers = 2;
	ok(writer_open(&f->writer, f->repo, &wo, &err));
	ok(fs_make_temp_dir(&f->base, "stacksnap-tree", &err));
	assert_int_equal(chmod(f->base, 0755), 0);
	ok(str_printf(&f->source, &err, "%s/source", f->base));
	ok(str_printf(&f->target, &err, "%s/target", f->base));
	assert_int_equal(mkdir(f->source, 0755), 0);
	*state = f;
	return 0;
}

static inline int
fixture_teardown(void **state)
{
	struct fixture *f = *state;
	struct err err;
	writer_close(f->writer);
	repo_close(f->repo);
	store_close(f->store);
	secret_free(f->pass);
	ok(fs_remove_tree(f->base, &err));
	free(f->base);
	free(f->source);
	free(f->target);
	strv_release(&f->lines);
	free(f);
	return 0;
}

#define tree_test(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* A path inside the source; good until the next but three. */
static inline const char *
in_source(const struct fixture *f, const char *name)
{
	static char paths[4][4096];
	static unsigned turn;
	char *out = paths[turn++ % 4];
	snprintf(out, sizeof paths[0], "%s/%s", f->source, name);
	return out;
}

static inline const char *
in_target(const struct fixture *f, const char *name)
{
	static char paths[4][4096];
	static unsigned turn;
	char *out = paths[turn++ % 4];
	snprintf(out, sizeof paths[0], "%s/%s", f->target, name);
	return out;
}

static inline void
write_file(const char *path, const void *data, size_t len)
{
	struct err err;
	AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	ok(fd_write_all(fd, data, len, &err));
}

static inline void
write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

static inline struct stat
stat_of(const char *path)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

static inline void
save_source(struct fixture *f, struct tree_saved *out)
{
	struct tree_save_options opt = TREE_SAVE_OPTIONS_INIT;
	struct err err;
	opt.no_sync = true;
	opt.threads = 3;
	opt.problem = fixture_note_problem;
	opt.problem_arg = f;
	ok(tree_save(out, f->writer, f->source, &opt, &err));
	ok(writer_flush(f->writer, &err));
}

static inline void
restore_target(struct fixture *f, const struct tree_entry *root, struct tree_restored *out)
{
	struct tree_restore_options opt = TREE_RESTORE_OPTIONS_INIT;
	struct err err;
	opt.no_sync = true;
	opt.threads = 3;
	opt.problem = fixture_note_problem;
	opt.problem_arg = f;
	ok(tree_restore(out, f->repo, root, f->target, &opt, &err));
}

/* Note how a live folder differs from a tree. */
static inline void
compare_with(struct fixture *f, const struct tree_entry *root, const char *path)
{
	struct tree_compare_options opt = TREE_COMPARE_OPTIONS_INIT;
	struct tree_compared done;
	struct err err;
	opt.threads = 3;
	opt.problem = fixture_note_problem;
	opt.problem_arg = f;
	ok(tree_compare_live(
	    &done, f->repo, root, path, &opt, fixture_note_difference, f, &err));
}

/* What was noted must be exactly these lines, in any order. */
#define expect_lines(f, ...)                                 \
	do {                                                 \
		const char *want_[] = { __VA_ARGS__, NULL }; \
		expect_lines_are((f), want_);                \
	} while (0)

static inline void
expect_lines_are(struct fixture *f, const char **want)
{
	size_t n = 0;
	for (; want[n] != NULL; n++)
		if (!strv_has(&f->lines, want[n]))
			fail_msg("not told: %s", want[n]);
	for (size_t i = n; i < f->lines.len || i < n; i++)
		for (size_t j = 0; j < f->lines.len; j++)
			print_message("told: %s\n", f->lines.items[j]);
	assert_int_equal(f->lines.len, n);
	strv_release(&f->lines);
}

static inline void
expect_nothing(struct fixture *f)
{
	const char *none[] = { NULL };
	expect_lines_are(f, none);
}

#endif

#include "testing.h"

#include "cli/passphrase.h"
#include "sys/fs.h"

#include <pthread.h>
#include <sys/stat.h>

/* Keeps what it is warned of. */
struct listener {
	struct event_sink sink;
	char said[256];
};

static void
listen_emit(struct event_sink *sink, const struct event *e)
{
	struct listener *l = (struct listener *)sink;
	snprintf(
	    l->said, sizeof l->said, "%s: %s", e->subject != NULL ? e->subject : "", e->text);
}

static const struct event_sink_ops listen_ops = { .emit = listen_emit };

struct fixture {
	char *dir;
	char *file;
	struct listener listener;
};

static void
begin(struct fixture *f)
{
	struct err err = ERR_INIT;
	f->listener = (struct listener){ .sink = { .ops = &listen_ops } };
	ok(fs_make_temp_dir(&f->dir, "passphrase", &err));
	ok(str_printf(&f->file, &err, "%s/file", f->dir));
}

static void
finish(struct fixture *f)
{
	struct err err = ERR_INIT;
	ok(fs_remove_tree(f->dir, &err));
	free(f->file);
	free(f->dir);
}

static void
expect_file(struct fixture *f, const char *bytes, size_t len, const char *want, size_t want_len)
{
	struct err err = ERR_INIT;
	AUTO(secret) struct secret *got = NULL;
	struct passphrase_source source = { .file = f->file, .events = &f->listener.sink };
	ok(fs_write_file(f->file, 0600, bytes, len, &err));
	ok(passphrase_get(&got, &source, &err));
	assert_int_equal(got->len, want_len);
	assert_memory_equal(got->data, want, want_len);
}

static void
one_newline_at_the_end_is_not_part_of_it(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	expect_file(&f, "a b\n", 4, "a b", 3);
	expect_file(&f, "ab\n\n", 4, "ab\n", 3);
	expect_file(&f, "ab\r\n", 4, "ab", 2);
	expect_file(&f, "ab\r", 3, "ab\r", 3);
	expect_file(&f, " ab ", 4, " ab ", 4);
	finish(&f);
}

static void
file_that_others_may_read_gives_a_warning(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	expect_file(&f, "x", 1, "x", 1);
	assert_string_equal(f.listener.said, "");
	assert_int_equal(chmod(f.file, 0644), 0);
	struct err err = ERR_INIT;
	AUTO(secret) struct secret *got = NULL;
	struct passphrase_source source = { .file = f.file, .events = &f.listener.sink };
	ok(passphrase_get(&got, &source, &err));
	char want[256];
	snprintf(want, sizeof want,
	    "%s: everybody on this host may read or change it: 'chmod 600' mends that", f.file);
	assert_string_equal(f.listener.said, want);
	finish(&f);
}

static void
empty_or_huge_file_is_refused(void **state)
{
	(void)state;
	struct fixture f;
	struct err err = ERR_INIT;
	AUTO(secret) struct secret *got = NULL;
	begin(&f);
	struct passphrase_source source = { .file = f.file };
	ok(fs_write_file(f.file, 0600, "\n", 1, &err));
	refused(passphrase_get(&got, &source, &err), ERR_USAGE, "the passphrase is empty");
	static char much[70000];
	ok(fs_write_file(f.file, 0600, much, sizeof much, &err));
	char want[256];
	snprintf(
	    want, sizeof want, "read the passphrase: %s: it holds 65536 bytes or more", f.file);
	refused(passphrase_get(&got, &source, &err), ERR_USAGE, want);
	assert_null(got);
	finish(&f);
}

static void
absent_file_is_named(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(secret) struct secret *got = NULL;
	struct passphrase_source source = { .file = "/nonexistent/pw" };
	refused(passphrase_get(&got, &source, &err), ERR_NOT_FOUND,
	    "read the passphrase: /nonexistent/pw: No such file or directory");
}

static void
command_runs_without_a_shell(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(secret) struct secret *got = NULL;
	struct passphrase_source source = { .command = "printf '%s\\n' 'my $HOME; pass'" };
	ok(passphrase_get(&got, &source, &err));
	assert_int_equal(got->len, 14);
	assert_memory_equal(got->data, "my $HOME; pass", 14);
}

static void
command_that_fails_is_told(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(secret) struct secret *got = NULL;
	struct passphrase_source source = { .command = "false" };
	refused(passphrase_get(&got, &source, &err), ERR_USAGE,
	    "STACKSNAP_PASSWORD_COMMAND: false ended with status 1");
	source.command = "cat 'x";
	refused(passphrase_get(&got, &source, &err), ERR_USAGE,
	    "STACKSNAP_PASSWORD_COMMAND: a ' is not closed");
	source.command = "true";
	refused(passphrase_get(&got, &source, &err), ERR_USAGE, "the passphrase is empty");
}

static void *
raise_later(void *arg)
{
	usleep(20000);
	cancel_raise(arg);
	return NULL;
}

static void
command_that_waits_is_stopped(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct cancel cancel;
	pthread_t thread;
	AUTO(secret) struct secret *got = NULL;
	ok(cancel_init(&cancel, &err));
	struct passphrase_source source = { .command = "sleep 100", .cancel = &cancel };
	assert_int_equal(pthread_create(&thread, NULL, raise_later, &cancel), 0);
	refused(passphrase_get(&got, &source, &err), ERR_CANCELLED,
	    "STACKSNAP_PASSWORD_COMMAND: stopped on request");
	pthread_join(thread, NULL);
	cancel_release(&cancel);
}

static void
key_file_is_taken_whole(void **state)
{
	(void)state;
	struct fixture f;
	struct err err = ERR_INIT;
	AUTO(secret) struct secret *got = NULL;
	begin(&f);
	ok(fs_write_file(f.file, 0600, "key\0\n", 5, &err));
	ok(key_file_get(&got, f.file, NULL, NULL, &err));
	assert_int_equal(got->len, 5);
	assert_memory_equal(got->data, "key\0\n", 5);
	finish(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_newline_at_the_end_is_not_part_of_it),
		cmocka_unit_test(file_that_others_may_read_gives_a_warning),
		cmocka_unit_test(empty_or_huge_file_is_refused),
		cmocka_unit_test(absent_file_is_named),
		cmocka_unit_test(command_runs_without_a_shell),
		cmocka_unit_test(command_that_fails_is_told),
		cmocka_unit_test(command_that_waits_is_stopped),
		cmocka_unit_test(key_file_is_taken_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

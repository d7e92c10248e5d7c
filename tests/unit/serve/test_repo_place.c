#include "testing.h"

#include "serve/repo_place.h"
#include "sys/fs.h"

#include <sys/stat.h>

static int
make_folder(void **state)
{
	struct err err;
	return fs_make_temp_dir((char **)state, "stacksnap-place-", &err) == ERR_OK ? 0 : -1;
}

static int
remove_folder(void **state)
{
	struct err err;
	ok(fs_remove_tree(*state, &err));
	free(*state);
	return 0;
}

static void
holds(const char *path, const char *want)
{
	struct err err;
	struct stat st;
	AUTO(bufv) struct buf text = BUF_INIT;
	ok(fs_read_file(path, 4096, &text, &err));
	assert_string_equal(buf_cstr(&text), want);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
a_place_is_kept_and_found_again(void **state)
{
	const char *dir = *state;
	struct err err;
	AUTO(str) char *name = NULL;
	AUTO(str) char *latest = NULL;
	AUTO(repo_place) struct repo_place p = { NULL, NULL, NULL, NULL };
	AUTO(json)
	json_t *keys = json_pack("{s:s, s:s, s:s}", "access_key", "AKIA", "secret_key",
	    "s3cr3t", "session_token", "tok");
	ok(repo_place_latest(&latest, dir, &err));
	assert_null(latest);
	ok(repo_place_save(&name, dir, "s3:https://h/b", "pass phrase", keys, &err));
	assert_string_equal(name, "repository-1");
	ok(repo_place_load(&p, dir, name, &err));
	assert_string_equal(p.address, "s3:https://h/b");
	holds(p.password_file, "pass phrase");
	holds(p.s3_credentials,
	    "[default]\naws_access_key_id = AKIA\naws_secret_access_key = s3cr3t\n"
	    "aws_session_token = tok\n");
}

static void
only_the_chosen_one_stays(void **state)
{
	const char *dir = *state;
	struct err err;
	AUTO(str) char *first = NULL;
	AUTO(str) char *second = NULL;
	AUTO(str) char *latest = NULL;
	AUTO(str) char *stranger = NULL;
	AUTO(str) char *half = NULL;
	AUTO(repo_place) struct repo_place p = { NULL, NULL, NULL, NULL };
	ok(repo_place_save(&first, dir, "/one", "first", NULL, &err));
	ok(str_printf(&stranger, &err, "%s/secrets/repository-x", dir));
	ok(str_printf(&half, &err, "%s/secrets/new-repository/address", dir));
	ok(fs_mkdirs(stranger, 0700, &err));
	/* One that was interrupted is no obstacle. */
	ok(fs_mkdirs(half, 0700, &err));
	ok(repo_place_save(&second, dir, "/two", "second", NULL, &err));
	assert_string_equal(second, "repository-2");
	ok(repo_place_latest(&latest, dir, &err));
	assert_string_equal(latest, second);
	ok(repo_place_keep_only(dir, second, &err));
	assert_int_equal(repo_place_load(&p, dir, first, &err), ERR_NOT_FOUND);
	ok(repo_place_load(&p, dir, second, &err));
	assert_null(p.s3_credentials);
	assert_true(fs_exists(stranger));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_place_is_kept_and_found_again),
		CASE(only_the_chosen_one_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Whom S3 is asked as: from the environment, from files, and anew.
 */
#include "testing.h"

#include "net/aws_login.h"
#include "net/aws_profile.h"
#include "sys/fs.h"

struct fixture {
	char *dir;
	char *file;
};

static void
write_file(struct fixture *f, const char *text)
{
	struct err err;
	ok(fs_write_file(f->file, 0600, text, strlen(text), &err));
}

static int
setup(void **state)
{
	static const char *const names[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_SERVICE_ENDPOINT" };
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
	ok(fs_make_temp_dir(&f->dir, "stacksnap-login", &err));
	ok(str_printf(&f->file, &err, "%s/credentials", f->dir));
	setenv("AWS_SHARED_CREDENTIALS_FILE", f->file, 1);
	setenv("AWS_CONFIG_FILE", "/dev/null", 1);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	struct err err;
	ok(fs_remove_tree(f->dir, &err));
	free(f->dir);
	free(f->file);
	free(f);
	return 0;
}

static struct aws_login *
open_login(const char *file, const char *profile)
{
	struct err err;
	struct aws_login *l = NULL;
	struct aws_login_options opt = {
		.file = file, .profile = profile, .region = "us-east-1", .service = "s3"
	};
	ok(aws_login_open(&l, &opt, &err));
	return l;
}

static void
assert_is(const struct secret *s, const char *want)
{
	assert_non_null(s);
	assert_int_equal(s->len, strlen(want));
	assert_memory_equal(s->data, want, s->len);
}

static void
keys_in_the_environment_go_before_files(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct aws_pass *p;
	write_file(f, "[default]\naws_access_key_id = FILE\naws_secret_access_key = x\n");
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "of env", 1);
	setenv("AWS_SESSION_TOKEN", "token", 1);
	AUTO(aws_login) struct aws_login *l = open_login(NULL, NULL);
	ok(aws_login_take(l, &p, &err));
	assert_is(p->key_id, "ENV");
	assert_is(p->key, "of env");
	assert_is(p->token, "token");
	assert_string_equal(p->from, "the environment (AWS_ACCESS_KEY_ID)");
	aws_login_drop(l, p);
	/* But what was named goes before all. */
	AUTO(aws_login) struct aws_login *named = open_login(f->file, NULL);
	ok(aws_login_take(named, &p, &err));
	assert_is(p->key_id, "FILE");
	assert_null(p->token);
	aws_login_drop(named, p);
}

static void
half_a_pair_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct aws_pass *p;
	AUTO(aws_login) struct aws_login *l = open_login(NULL, NULL);
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	refused(aws_login_take(l, &p, &err), ERR_USAGE,
	    "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set");
	unsetenv("AWS_ACCESS_KEY_ID");
	write_file(f, "[default]\naws_secret_access_key = x\n");
	AUTO(str) char *want = NULL;
	ok(str_printf(&want, &err,
	    "%s: profile default has only one of aws_access_key_id and aws_secret_access_key",
	    f->file));
	refused(aws_login_take(l, &p, &err), ERR_USAGE, want);
}

static void
without_any_it_says_where_they_may_come_from(void **state)
{
	(void)state;
	struct err err;
	struct aws_pass *p;
	AUTO(aws_login) struct aws_login *l = open_login(NULL, NULL);
	refused_like(aws_login_take(l, &p, &err), ERR_USAGE,
	    "no credentials for S3: set AWS_ACCESS_KEY_ID and ");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost.example.org/x", 1);
	refused_like(aws_login_take(l, &p, &err), ERR_USAGE,
	    "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither HTTPS nor this machine");
}

/* A pass that is in use stays as it was when another takes its place. */
static void
a_file_is_read_again_when_its_keys_are_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct aws_pass *old;
	struct aws_pass *fresh;
	bool is_new = true;
	AUTO(aws_login) struct aws_login *l = open_login(NULL, "shop");
	write_file(f, "[shop]\naws_access_key_id=ONE\naws_secret_access_key=a\n");
	ok(aws_login_take(l, &old, &err));
	ok(aws_login_renew(l, old, &is_new, &err));
	assert_false(is_new);
	aws_login_drop(l, old);
	ok(aws_login_take(l, &old, &err));
	write_file(f, "[shop]\naws_access_key_id=TWO\naws_secret_access_key=b\n");
	ok(aws_login_renew(l, old, &is_new, &err));
	assert_true(is_new);
	/* Another thread that was refused with the old one finds the new one there. */
	write_file(f, "");
	is_new = false;
	ok(aws_login_renew(l, old, &is_new, &err));
	assert_true(is_new);
	ok(aws_login_take(l, &fresh, &err));
	assert_is(fresh->key_id, "TWO");
	assert_is(old->key_id, "ONE");
	aws_login_drop(l, old);
	refused_like(
	    aws_login_renew(l, fresh, &is_new, &err), ERR_USAGE, "there is no profile shop");
	aws_login_drop(l, fresh);
}

static void
values_of_profiles_are_found_among_what_others_wrote(void **state)
{
	struct fixture *f = *state;
	struct err err;
	bool exists;
	static const struct {
		enum aws_file kind;
		const char *profile;
		const char *want; /* NULL: none */
	} cases[] = {
		{ AWS_CREDENTIALS, "default", "d" }, { AWS_CREDENTIALS, "a b", "s = p a c e" },
		{ AWS_CREDENTIALS, "none", NULL }, { AWS_CREDENTIALS, "empty", NULL },
		{ AWS_CONFIG, "default", "d" }, { AWS_CONFIG, "shop", "config" },
		{ AWS_CONFIG, "a b", NULL }, /* there it would be [profile a b] */
	};
	write_file(f,
	    "region = before any\n# [default]\n[default]\r\nregion=x\r\nregion = d\r\n"
	    "s3 =\n  region = nested\n;region = comment\n[ a b ]\nregion =  s = p a c e \n"
	    "[empty]\nregion =\nnonsense\n[sso-session x]\nregion = s\n"
	    "[profile   shop]\nregion = config");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(secret) struct secret *got = NULL;
		ok(aws_profile_get(
		    &got, cases[i].kind, f->file, cases[i].profile, "region", &err));
		if (cases[i].want == NULL)
			assert_null(got);
		else
			assert_is(got, cases[i].want);
	}
	ok(aws_profile_exists(&exists, AWS_CREDENTIALS, f->file, "empty", &err));
	assert_true(exists);
	ok(aws_profile_exists(&exists, AWS_CREDENTIALS, f->file, "none", &err));
	assert_false(exists);
	ok(aws_profile_exists(&exists, AWS_CREDENTIALS, "/nowhere", "none", &err));
	assert_false(exists);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(keys_in_the_environment_go_before_files),
		CASE(half_a_pair_is_refused),
		CASE(without_any_it_says_where_they_may_come_from),
		CASE(a_file_is_read_again_when_its_keys_are_refused),
		CASE(values_of_profiles_are_found_among_what_others_wrote),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "docker/compose.h"
#include "sys/fs.h"

#include <stdio.h>
#include <string.h>

/* A folder that is all of PATH, with stand-ins for docker that write down how they were called.
 */
struct scene {
	char *dir;
	char *path; /* as it was */
	char log[300];
};

static void
add_command(struct scene *s, const char *name, const char *script)
{
	char path[300];
	char text[1000];
	struct err err = ERR_INIT;
	snprintf(path, sizeof path, "%s/%s", s->dir, name);
	int n = snprintf(text, sizeof text,
	    "#!/bin/sh\nfor a in \"$@\"; do printf '[%%s]' \"$a\"; done >>%s\n"
	    "echo \" $DOCKER_HOST\" >>%s\n%s",
	    s->log, s->log, script);
	assert_int_equal(fs_write_file(path, 0700, text, (size_t)n, &err), ERR_OK);
}

static struct scene *
open_scene(void)
{
	struct scene *s = calloc(1, sizeof *s);
	struct err err = ERR_INIT;
	assert_int_equal(fs_make_temp_dir(&s->dir, "stacksnap-test", &err), ERR_OK);
	assert_int_equal(str_dup(&s->path, getenv("PATH"), &err), ERR_OK);
	snprintf(s->log, sizeof s->log, "%s/log", s->dir);
	setenv("PATH", s->dir, 1);
	unsetenv("DOCKER_HOST");
	return s;
}

static void
close_scene(struct scene *s)
{
	struct err err = ERR_INIT;
	setenv("PATH", s->path, 1);
	assert_int_equal(fs_remove_tree(s->dir, &err), ERR_OK);
	free(s->dir);
	free(s->path);
	free(s);
}

/* What the log says from its second line on (the first asks for the version). */
static void
assert_called(struct scene *s, const char *want)
{
	AUTO(bufv) struct buf b = BUF_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(fs_read_file(s->log, 65536, &b, &err), ERR_OK);
	const char *second = strchr(buf_cstr(&b), '\n') + 1;
	assert_string_equal(second, want);
}

static void
no_compose_is_told_with_what_to_do(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	struct compose *c = NULL;
	struct err err = ERR_INIT;
	const char *said =
	    "Docker Compose is not installed: neither 'docker compose' nor 'docker-compose' "
	    "works "
	    "here; install the docker-compose-plugin (or docker-compose) package";
	assert_int_equal(compose_find(&c, NULL, NULL, &err), ERR_UNSUPPORTED);
	assert_string_equal(err.msg, said);
	/* A docker without the plugin. */
	add_command(
	    s, "docker", "echo \"docker: 'compose' is not a docker command\" >&2; exit 1\n");
	assert_int_equal(compose_find(&c, NULL, NULL, &err), ERR_UNSUPPORTED);
	assert_string_equal(err.msg, said);
	assert_null(c);
	close_scene(s);
}

static void
plugin_is_preferred_to_the_old_command(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	AUTO(compose) struct compose *c = NULL;
	struct err err = ERR_INIT;
	add_command(s, "docker-compose", "echo 1.29.2\n");
	assert_int_equal(compose_find(&c, NULL, NULL, &err), ERR_OK);
	assert_string_equal(compose_version(c), "1.29.2");
	assert_true(compose_is_v1(c));
	compose_free(TAKE(c));
	add_command(s, "docker", "echo v2.40.0\n");
	assert_int_equal(compose_find(&c, NULL, NULL, &err), ERR_OK);
	assert_string_equal(compose_version(c), "2.40.0");
	assert_false(compose_is_v1(c));
	compose_free(TAKE(c));
	close_scene(s);
}

static void
project_files_and_host_reach_compose(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	AUTO(compose) struct compose *c = NULL;
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(strv) struct strv env_files = STRV_INIT;
	AUTO(strv) struct strv services = STRV_INIT;
	struct err err = ERR_INIT;
	add_command(s, "docker", "case $* in *config*) echo '{}';; *) echo 2.40.0;; esac\n");
	assert_int_equal(compose_find(&c, "unix:///x.sock", NULL, &err), ERR_OK);
	assert_int_equal(strv_split(&files, "/a b.yml,/c.yml", ',', &err), ERR_OK);
	assert_int_equal(strv_add(&env_files, "/e.env", &err), ERR_OK);
	assert_int_equal(strv_add(&services, "db", &err), ERR_OK);
	struct compose_project p = { "shop", s->dir, &files, &env_files, false };
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	assert_int_equal(compose_up(c, &p, &opt, &err), ERR_OK);
	opt.should_wait = false;
	opt.should_pull = true;
	opt.services = &services;
	assert_int_equal(compose_up(c, &p, &opt, &err), ERR_OK);
	p.files = NULL;
	p.env_files = NULL;
	assert_int_equal(compose_create(c, &p, &opt, &err), ERR_OK);
	assert_int_equal(compose_down(c, &p, -1, &err), ERR_OK);
	assert_int_equal(compose_down_with_volumes(c, &p, -1, &err), ERR_OK);
	AUTO(compose_reading) struct compose_reading r = COMPOSE_READING_INIT;
	assert_int_equal(compose_read(c, &p, &r, &err), ERR_OK);
	char start[400];
	char want[4000];
	snprintf(start, sizeof start,
	    "[compose][--ansi][never][--project-name][shop][--project-directory][%s]", s->dir);
	static const char more[] = "[--file][/a b.yml][--file][/c.yml][--env-file][/e.env]";
	static const char host[] = " unix:///x.sock\n";
	snprintf(want, sizeof want,
	    "%s%s[up][-d][--wait][--pull][never]%s%s%s[up][-d][db]%s%s[up][--no-start][db]%s"
	    "%s[down]%s%s[down][--volumes]%s%s[--profile][*][config][--format=json]%s",
	    start, more, host, start, more, host, start, host, start, host, start, host, start,
	    host);
	assert_called(s, want);
	close_scene(s);
}

static void
old_compose_is_not_asked_for_what_it_cannot(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	AUTO(compose) struct compose *c = NULL;
	struct err err = ERR_INIT;
	add_command(s, "docker-compose", "echo 1.29.2\n");
	assert_int_equal(compose_find(&c, NULL, NULL, &err), ERR_OK);
	struct compose_project p = { "shop", s->dir, NULL, NULL, false };
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	assert_int_equal(compose_up(c, &p, &opt, &err), ERR_OK);
	char want[600];
	snprintf(want, sizeof want,
	    "[--ansi][never][--project-name][shop][--project-directory][%s][up][-d] \n",
	    s->dir);
	assert_called(s, want);
	close_scene(s);
}

static void
what_went_wrong_is_told_without_the_progress(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	AUTO(compose) struct compose *c = NULL;
	struct err err = ERR_INIT;
	add_command(s, "docker",
	    "case $2 in version) echo 2.40.0; exit;; esac\n"
	    "echo ' Network shop_default  Creating' >&2\n"
	    "echo 'time=\"x\" level=warning msg=\"obsolete\"' >&2\n"
	    "echo ' Container shop-db-1  Error' >&2\n"
	    "echo 'dependency failed to start: container shop-db-1 is unhealthy' >&2\n"
	    "echo ' Container shop-app-1  Created' >&2\n"
	    "exit 1\n");
	assert_int_equal(compose_find(&c, NULL, NULL, &err), ERR_OK);
	struct compose_project p = { "shop", s->dir, NULL, NULL, false };
	assert_int_equal(compose_down(c, &p, -1, &err), ERR_IO);
	assert_string_equal(err.msg,
	    "compose down: Container shop-db-1  Error; dependency failed to start: container "
	    "shop-db-1 is unhealthy");
	compose_free(TAKE(c));
	add_command(s, "docker", "case $2 in version) echo 2.40.0; exit;; esac; exit 17\n");
	assert_int_equal(compose_find(&c, NULL, NULL, &err), ERR_OK);
	AUTO(compose_reading) struct compose_reading r = COMPOSE_READING_INIT;
	assert_int_equal(compose_read(c, &p, &r, &err), ERR_OK);
	assert_string_equal(r.fault, "compose config: exit status 17");
	close_scene(s);
}

static void
variables_that_nothing_sets_are_found(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	AUTO(compose) struct compose *c = NULL;
	AUTO(compose_reading) struct compose_reading r = COMPOSE_READING_INIT;
	AUTO(compose_reading) struct compose_reading old = COMPOSE_READING_INIT;
	struct err err = ERR_INIT;
	add_command(s, "docker",
	    "case $2 in version) echo 2.40.0; exit;; esac; echo '{\"name\": \"shop\"}'\n"
	    "/bin/cat >&2 <<'X'\n"
	    "time=\"now\" level=warning msg=\"The \\\"PORT\\\" variable is not set. "
	    "Defaulting\"\n"
	    "time=\"now\" level=warning msg=\"The \\\"PORT\\\" variable is not set. "
	    "Defaulting\"\n"
	    "time=\"now\" level=warning msg=\"The attribute `version` is obsolete\"\nX\n");
	assert_int_equal(compose_find(&c, NULL, NULL, &err), ERR_OK);
	struct compose_project p = { "shop", s->dir, NULL, NULL, false };
	assert_int_equal(compose_read(c, &p, &r, &err), ERR_OK);
	assert_null(r.fault);
	assert_string_equal(json_get_str(r.config, "name"), "shop");
	assert_int_equal(r.unset.len, 1);
	assert_string_equal(r.unset.items[0], "PORT");

	compose_free(TAKE(c));
	add_command(s, "docker", "exit 1\n");
	add_command(s, "docker-compose",
	    "case $1 in version) echo 1.29.2; exit;; esac\n"
	    "echo 'WARNING: The A_1 variable is not set. Defaulting to a blank string.' >&2\n");
	assert_int_equal(compose_find(&c, NULL, NULL, &err), ERR_OK);
	assert_int_equal(compose_read(c, &p, &old, &err), ERR_OK);
	assert_null(old.config);
	assert_int_equal(old.unset.len, 1);
	assert_string_equal(old.unset.items[0], "A_1");
	close_scene(s);
}

static void
missing_project_folder_is_told(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	AUTO(compose) struct compose *c = NULL;
	struct err err = ERR_INIT;
	add_command(s, "docker", "echo 2.40.0\n");
	assert_int_equal(compose_find(&c, NULL, NULL, &err), ERR_OK);
	struct compose_project p = { "shop", "/nonexistent", NULL, NULL, false };
	AUTO(compose_reading) struct compose_reading r = COMPOSE_READING_INIT;
	assert_int_equal(compose_read(c, &p, &r, &err), ERR_NOT_FOUND);
	assert_string_equal(err.msg, "compose config: there is no project folder /nonexistent");
	close_scene(s);
}

static void
what_would_be_replaced_is_read_from_a_dry_run(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	AUTO(compose) struct compose *c = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(strv) struct strv scale = STRV_INIT;
	struct err err = ERR_INIT;
	add_command(s, "docker",
	    "case \"$*\" in *version*) echo 2.26.1; exit;; esac\n"
	    "echo \" DRY-RUN MODE -  Container shop-db-1  Running\" >&2\n"
	    "echo \" DRY-RUN MODE -  Container shop-app-2  Recreate\" >&2\n"
	    "echo \" DRY-RUN MODE -  Container shop-app-2  Recreated\" >&2\n");
	assert_int_equal(compose_find(&c, NULL, NULL, &err), ERR_OK);
	struct compose_project p = { "shop", s->dir, NULL, NULL, true };
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	assert_int_equal(strv_add(&scale, "app=2", &err), ERR_OK);
	opt.is_exact = true;
	opt.scale = &scale;
	assert_int_equal(compose_would_replace(&names, c, &p, &opt, &err), ERR_OK);
	assert_int_equal(names.len, 1);
	assert_string_equal(names.items[0], "shop-app-2");
	char want[600];
	snprintf(want, sizeof want,
	    "[compose][--ansi][never][--project-name][shop][--project-directory][%s][--dry-run]"
	    "[up][--no-start][--pull][never][--no-deps][--no-build][--scale][app=2] \n",
	    s->dir);
	assert_called(s, want);
	close_scene(s);
}

static void
a_compose_without_dry_runs_is_too_old(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	AUTO(compose) struct compose *c = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	struct err err = ERR_INIT;
	add_command(s, "docker",
	    "case \"$*\" in *version*) echo 2.3.3; exit;; esac\n"
	    "echo \"unknown flag: --dry-run\" >&2; exit 125\n");
	assert_int_equal(compose_find(&c, NULL, NULL, &err), ERR_OK);
	struct compose_project p = { "shop", s->dir, NULL, NULL, true };
	struct compose_up_options opt = COMPOSE_UP_OPTIONS_INIT;
	assert_int_equal(compose_would_replace(&names, c, &p, &opt, &err), ERR_UNSUPPORTED);
	assert_string_equal(
	    err.msg, "Compose 2.3.3 cannot tell what it would do (--dry-run): it is too old");
	close_scene(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_compose_is_told_with_what_to_do),
		cmocka_unit_test(plugin_is_preferred_to_the_old_command),
		cmocka_unit_test(project_files_and_host_reach_compose),
		cmocka_unit_test(old_compose_is_not_asked_for_what_it_cannot),
		cmocka_unit_test(what_went_wrong_is_told_without_the_progress),
		cmocka_unit_test(variables_that_nothing_sets_are_found),
		cmocka_unit_test(missing_project_folder_is_told),
		cmocka_unit_test(what_would_be_replaced_is_read_from_a_dry_run),
		cmocka_unit_test(a_compose_without_dry_runs_is_too_old),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "testing.h"

#include "docker/fake_engine.h"
#include "engine/plan.h"

/* The stack "shop" of docker/data/stack_v2.json: services app (two containers), cache (Redis,
 * paused), db (PostgreSQL), side, web. */
static struct fake *
start(void)
{
	static const char *const folders[] = { "project/conf", "project/bound",
		"engine/volumes/shop_pg/_data", "engine/volumes/shop_cache/_data",
		"engine/volumes/shop_ram/_data", "engine/volumes/shared/_data" };
	struct fake *f = fake_start();
	fake_load(f, "stack_v2.json");
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		AUTO(str) char *path = NULL;
		struct err err = ERR_INIT;
		ok(str_printf(&path, &err, "%s/%s", f->dir, folders[i]));
		ok(fs_mkdirs(path, 0700, &err));
	}
	assert_int_equal(setenv("STACKSNAP_CONFIG", SETTINGS_NO_FILE, 1), 0);
	return f;
}

/* Put a label on all containers of a service. */
static void
label(struct fake *f, const char *service, const char *key, const char *value)
{
	const char *what;
	json_t *doc;
	json_object_foreach(f->documents, what, doc)
	{
		json_t *labels = json_object_get(json_object_get(doc, "Config"), "Labels");
		const char *name = json_get_str(labels, "com.docker.compose.service");
		if (name != NULL && strcmp(name, service) == 0)
			assert_int_equal(
			    json_object_set_new(labels, key, json_string(value)), 0);
	}
}

static struct plan *
make(struct fake *f, const char *const *set, size_t n)
{
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	AUTO(strv) struct strv items = STRV_INIT;
	struct plan *p = NULL;
	struct err err = ERR_INIT;
	for (size_t i = 0; i < n; i++)
		ok(strv_add(&items, set[i], &err));
	struct settings_options opt = { .set = &items };
	ok(plan_make(&p, d, "shop", &opt, &err));
	return p;
}

static const struct plan_member *
member(const struct plan *p, enum member_kind kind, const char *name)
{
	for (size_t i = 0; i < p->n_members; i++)
		if (p->members[i].kind == kind && strcmp(p->members[i].name, name) == 0)
			return &p->members[i];
	return NULL;
}

/* The end of what is enough. */
static const struct plan_gap *
gap(const struct plan *p, const char *end)
{
	for (size_t i = 0; i < p->n_gaps; i++)
		if (str_ends(p->gaps[i].what, end))
			return &p->gaps[i];
	fail_msg("no gap %s", end);
	return NULL;
}

static bool
is_made_quiet(const struct plan *p, const char *service)
{
	for (size_t i = 0; i < p->n_quiesce; i++)
		if (strcmp(p->stack->containers[p->quiesce[i].container].service, service) == 0)
			return true;
	return false;
}

static void
expect_rules(const struct plan_member *m, const char *const *want, size_t n)
{
	assert_non_null(m);
	assert_int_equal(m->rules.len, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(m->rules.items[i], want[i]);
}

static void
without_settings_everything_is_captured(void **state)
{
	(void)state;
	struct fake *f = start();
	AUTO(plan) struct plan *p = make(f, NULL, 0);
	assert_non_null(member(p, MEMBER_DATABASE, "db"));
	assert_non_null(member(p, MEMBER_VOLUME, "shared"));
	assert_non_null(member(p, MEMBER_VOLUME, "shop_bound"));
	for (size_t i = 0; i < p->n_members; i++)
		assert_int_equal(p->members[i].rules.len, 0);
	assert_string_equal(gap(p, "volume shop_pg")->why,
	    "captured as the database of service db, by its own tools");
	fake_stop(f);
}

static void
a_service_that_is_left_out_takes_what_only_it_mounts_with_it(void **state)
{
	(void)state;
	struct fake *f = start();
	label(f, "db", "stacksnap.enable", "false");
	label(f, "app", "stacksnap.enable", "false");
	AUTO(plan) struct plan *p = make(f, NULL, 0);
	assert_null(member(p, MEMBER_DATABASE, "db"));
	assert_null(member(p, MEMBER_VOLUME, "shop_pg"));
	assert_null(member(p, MEMBER_VOLUME, "shared"));
	const struct plan_gap *g = gap(p, "volume shop_pg");
	assert_string_equal(
	    g->why, "left out with service db, by label stacksnap.enable on service db");
	assert_false(g->matters);
	/* The folder conf is mounted by web, too. */
	const struct plan_member *project = &p->members[0];
	for (size_t i = 0; i < p->n_members; i++)
		if (p->members[i].kind == MEMBER_PROJECT)
			project = &p->members[i];
	assert_int_equal(project->exclude.len, 0);
	fake_stop(f);
}

static void
a_bind_of_a_service_that_is_left_out_is_left_out_of_the_project(void **state)
{
	(void)state;
	struct fake *f = start();
	label(f, "web", "stacksnap.enable", "false");
	label(f, "app", "stacksnap.enable", "false");
	AUTO(plan) struct plan *p = make(f, NULL, 0);
	AUTO(str) char *dir = NULL;
	struct err err = ERR_INIT;
	ok(str_printf(&dir, &err, "%s/project", f->dir));
	const struct plan_member *m = member(p, MEMBER_PROJECT, dir);
	assert_non_null(m);
	assert_int_equal(m->exclude.len, 1);
	assert_string_equal(m->exclude.items[0], "conf");
	assert_true(str_starts(gap(p, "project/conf")->why, "left out with service app, by "));
	fake_stop(f);
}

/* db writes to its own volume alone; app to those that web and others mount, too. */
static void
who_is_left_out_is_made_quiet_only_when_it_writes_to_what_is_captured(void **state)
{
	(void)state;
	struct fake *f = start();
	label(f, "db", "stacksnap.enable", "false");
	label(f, "side", "stacksnap.enable", "false");
	label(f, "web", "stacksnap.enable", "false");
	AUTO(plan) struct plan *p = make(f, NULL, 0);
	assert_false(is_made_quiet(p, "db"));
	assert_false(is_made_quiet(p, "side"));
	assert_true(is_made_quiet(p, "web")); /* the folder conf, which app mounts */
	assert_true(is_made_quiet(p, "app"));
	fake_stop(f);
}

/* What needs no engine of its own is not kept unless that is asked for. */
static void
images_that_came_from_no_registry_are_kept_on_request(void **state)
{
	(void)state;
	struct fake *f = start();
	const char *what;
	json_t *doc;
	json_object_foreach(f->documents, what, doc)
	{
		if (str_starts(what, "GET /images/"))
			assert_int_equal(
			    json_object_set_new(doc, "RepoDigests", json_array()), 0);
	}
	struct plan *p = make(f, NULL, 0);
	assert_null(member(p, MEMBER_IMAGE, "redis:7"));
	const struct plan_gap *g = gap(p, "image redis:7");
	assert_string_equal(g->why,
	    "came from no registry, and is not kept: the setting image = auto keeps it");
	assert_false(g->matters);
	plan_free(p);

	static const char *const set[] = { "image=auto", "db/image=none" };
	p = make(f, set, ARRAY_LEN(set));
	const struct plan_member *m = member(p, MEMBER_IMAGE, "redis:7");
	assert_non_null(m);
	assert_string_equal(m->path, "images/redis:7.tar");
	assert_string_equal(m->image_id, stack_find(p->stack, "app")->image_id);
	assert_int_equal(m->services.len, 4);
	assert_null(member(p, MEMBER_IMAGE, "postgres:15"));
	assert_non_null(gap(p, "image postgres:15"));
	plan_free(p);
	fake_stop(f);
}

static void
images_of_a_registry_are_kept_when_that_is_said(void **state)
{
	(void)state;
	struct fake *f = start();
	static const char *const all[] = { "image=auto" };
	struct plan *p = make(f, all, 1);
	assert_null(member(p, MEMBER_IMAGE, "postgres:15"));
	plan_free(p);
	static const char *const one[] = { "db/image=save" };
	p = make(f, one, 1);
	assert_non_null(member(p, MEMBER_IMAGE, "postgres:15"));
	plan_free(p);
	fake_stop(f);
}

static void
what_is_no_database_is_captured_as_files(void **state)
{
	(void)state;
	struct fake *f = start();
	label(f, "db", "stacksnap.database", "none");
	AUTO(plan) struct plan *p = make(f, NULL, 0);
	assert_null(member(p, MEMBER_DATABASE, "db"));
	assert_non_null(member(p, MEMBER_VOLUME, "shop_pg"));
	assert_true(is_made_quiet(p, "db"));
	fake_stop(f);
}

static void
a_database_may_be_named(void **state)
{
	(void)state;
	struct fake *f = start();
	label(f, "web", "stacksnap.database", "mariadb");
	label(f, "db", "stacksnap.database", "postgres");
	AUTO(plan) struct plan *p = make(f, NULL, 0);
	const struct plan_member *m = member(p, MEMBER_DATABASE, "web");
	assert_non_null(m);
	assert_int_equal(m->db, DB_MARIADB);
	assert_int_equal(member(p, MEMBER_DATABASE, "db")->db, DB_POSTGRES);
	fake_stop(f);
}

static void
rules_hold_for_all_that_a_service_mounts(void **state)
{
	(void)state;
	struct fake *f = start();
	label(f, "app", "stacksnap.exclude", "*.tmp\n/bound/cache");
	AUTO(plan) struct plan *p = make(f, NULL, 0);
	static const char *const bound[] = { "*.tmp", "/cache" };
	static const char *const shared[] = { "*.tmp", "/bound/cache" };
	static const char *const project[] = { "/conf/**/*.tmp", "/conf/bound/cache" };
	expect_rules(member(p, MEMBER_VOLUME, "shop_bound"), bound, ARRAY_LEN(bound));
	expect_rules(member(p, MEMBER_VOLUME, "shared"), shared, ARRAY_LEN(shared));
	AUTO(str) char *dir = NULL;
	struct err err = ERR_INIT;
	ok(str_printf(&dir, &err, "%s/project", f->dir));
	expect_rules(member(p, MEMBER_PROJECT, dir), project, ARRAY_LEN(project));
	/* Two containers of app are one service; web mounts conf, too. */
	const struct plan_gap *g = gap(p, "volume shop_bound: what matches *.tmp /bound/cache");
	assert_string_equal(g->why, "left out by label stacksnap.exclude on service app");
	assert_false(g->matters);
	g = gap(p, "project/conf: what matches *.tmp /bound/cache");
	assert_string_equal(
	    g->why, "left out by label stacksnap.exclude on service app, also for web");
	fake_stop(f);
}

static void
rules_of_services_that_share_a_folder_are_put_together(void **state)
{
	(void)state;
	struct fake *f = start();
	label(f, "app", "stacksnap.exclude", "a");
	label(f, "web", "stacksnap.exclude", "b\na");
	AUTO(plan) struct plan *p = make(f, NULL, 0);
	AUTO(str) char *dir = NULL;
	struct err err = ERR_INIT;
	ok(str_printf(&dir, &err, "%s/project", f->dir));
	static const char *const want[] = { "/conf/**/a", "/conf/**/b" };
	expect_rules(member(p, MEMBER_PROJECT, dir), want, ARRAY_LEN(want));
	fake_stop(f);
}

static void
rules_for_the_whole_stack_hold_for_the_project_folder(void **state)
{
	(void)state;
	struct fake *f = start();
	static const char *const set[] = { "exclude=node_modules/", "db/database=none",
		"db/exclude=pg_wal" };
	AUTO(plan) struct plan *p = make(f, set, ARRAY_LEN(set));
	AUTO(str) char *dir = NULL;
	struct err err = ERR_INIT;
	ok(str_printf(&dir, &err, "%s/project", f->dir));
	static const char *const all[] = { "node_modules/" };
	static const char *const project[] = { "node_modules/", "/conf/**/node_modules/" };
	static const char *const db[] = { "pg_wal" };
	expect_rules(member(p, MEMBER_PROJECT, dir), project, ARRAY_LEN(project));
	expect_rules(member(p, MEMBER_VOLUME, "shared"), all, ARRAY_LEN(all));
	expect_rules(member(p, MEMBER_VOLUME, "shop_pg"), db, ARRAY_LEN(db));
	fake_stop(f);
}

static void
labels_that_make_no_sense_end_the_plan(void **state)
{
	(void)state;
	struct fake *f = start();
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	struct plan *p = NULL;
	struct err err = ERR_INIT;
	label(f, "app", "stacksnap.exlude", "x");
	refused(plan_make(&p, d, "shop", NULL, &err), ERR_USAGE,
	    "stack shop: label stacksnap.exlude on service app: there is no setting "
	    "stacksnap.exlude (did you mean stacksnap.exclude?)");
	assert_null(p);
	fake_stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_settings_everything_is_captured),
		cmocka_unit_test(a_service_that_is_left_out_takes_what_only_it_mounts_with_it),
		cmocka_unit_test(
		    a_bind_of_a_service_that_is_left_out_is_left_out_of_the_project),
		cmocka_unit_test(
		    who_is_left_out_is_made_quiet_only_when_it_writes_to_what_is_captured),
		cmocka_unit_test(images_that_came_from_no_registry_are_kept_on_request),
		cmocka_unit_test(images_of_a_registry_are_kept_when_that_is_said),
		cmocka_unit_test(what_is_no_database_is_captured_as_files),
		cmocka_unit_test(a_database_may_be_named),
		cmocka_unit_test(rules_hold_for_all_that_a_service_mounts),
		cmocka_unit_test(rules_of_services_that_share_a_folder_are_put_together),
		cmocka_unit_test(rules_for_the_whole_stack_hold_for_the_project_folder),
		cmocka_unit_test(labels_that_make_no_sense_end_the_plan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "testing.h"

#include "engine/quiet_plan.h"

/* A stack of app, db (dumped), idle (stopped) and worker. */
struct fixture {
	struct stack stack;
	struct stack_container containers[4];
	struct settings *settings;
	struct lifecycle_target targets[4];
	size_t n;
};

static void
fixture_init(struct fixture *f)
{
	static char names[4][8] = { "app", "db", "idle", "worker" };
	static char name[] = "shop";
	*f = (struct fixture){ .stack = { .name = name, .containers = f->containers } };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		f->containers[i] = (struct stack_container){
			.service = names[i],
			.id = names[i],
			.name = names[i],
			.number = 1,
			.state = i == 2 ? CONTAINER_STOPPED : CONTAINER_RUNNING,
		};
	f->stack.n_containers = ARRAY_LEN(names);
}

static void
fixture_auto(struct fixture *f)
{
	for (size_t i = 0; i < f->stack.n_containers; i++)
		strv_release(&f->containers[i].labels);
	settings_free(f->settings);
}

static void
add_label(struct fixture *f, size_t container, const char *label)
{
	struct err err;
	ok(strv_add(&f->containers[container].labels, label, &err));
}

/* quiesce is --quiesce, or NULL. */
static enum err_code
plan(struct fixture *f, const char *quiesce, struct err *err)
{
	static const bool is_dumped[4] = { false, true, false, false };
	struct settings_options opt = { .file = SETTINGS_NO_FILE };
	opt.values[SETTING_QUIESCE] = quiesce;
	settings_free(f->settings);
	f->settings = NULL;
	if (settings_load(&f->settings, &f->stack, &opt, err))
		return err->code;
	return quiet_plan_make(f->targets, &f->n, &f->stack, f->settings, is_dumped, err);
}

static void
assert_target(const struct fixture *f, size_t i, size_t container, enum quiesce_how how)
{
	assert_true(i < f->n);
	assert_int_equal(f->targets[i].container, container);
	assert_int_equal(f->targets[i].how, how);
}

static void
what_runs_is_paused_but_databases(void **state)
{
	(void)state;
	struct err err;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(plan(&f, NULL, &err));
	assert_int_equal(f.n, 2);
	assert_target(&f, 0, 0, QUIESCE_PAUSE);
	assert_target(&f, 1, 3, QUIESCE_PAUSE);
	assert_int_equal(f.targets[0].grace_s, -1);
	assert_string_equal(quiet_plan_word(f.targets, f.n), "pause");
	assert_false(quiet_plan_is_down(f.settings));
}

static void
a_service_has_its_own_way(void **state)
{
	(void)state;
	struct err err;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	add_label(&f, 0, "stacksnap.quiesce=none");
	add_label(&f, 3, "stacksnap.quiesce=stop");
	add_label(&f, 3, "stacksnap.stop.timeout=1500ms");
	ok(plan(&f, NULL, &err));
	assert_int_equal(f.n, 1);
	assert_target(&f, 0, 3, QUIESCE_STOP);
	assert_int_equal(f.targets[0].grace_s, 2);
	assert_string_equal(quiet_plan_word(f.targets, f.n), "stop");
}

static void
what_is_asked_for_all_is_not_meant_for_databases(void **state)
{
	(void)state;
	struct err err;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(plan(&f, "stop", &err));
	assert_int_equal(f.n, 2);
	assert_target(&f, 0, 0, QUIESCE_STOP);
	assert_target(&f, 1, 3, QUIESCE_STOP);
	ok(plan(&f, "none", &err));
	assert_int_equal(f.n, 0);
	assert_string_equal(quiet_plan_word(f.targets, f.n), "none");
}

static void
a_database_that_is_dumped_cannot_be_stopped(void **state)
{
	(void)state;
	struct err err;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	add_label(&f, 1, "stacksnap.quiesce=stop");
	refused(plan(&f, NULL, &err), ERR_USAGE,
	    "service db: its database is dumped, so it must answer, and cannot be made quiet "
	    "by "
	    "'stop' (label stacksnap.quiesce on service db): with database = none its files "
	    "are "
	    "taken instead");
}

static void
down_is_for_all_of_the_stack(void **state)
{
	(void)state;
	struct err err;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(plan(&f, "down", &err));
	assert_int_equal(f.n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_target(&f, i, i, QUIESCE_DOWN);
	assert_true(quiet_plan_is_down(f.settings));
	assert_string_equal(quiet_plan_word(f.targets, f.n), "down");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_runs_is_paused_but_databases),
		cmocka_unit_test(a_service_has_its_own_way),
		cmocka_unit_test(what_is_asked_for_all_is_not_meant_for_databases),
		cmocka_unit_test(a_database_that_is_dumped_cannot_be_stopped),
		cmocka_unit_test(down_is_for_all_of_the_stack),
	};
	return cmocka_run_group_tests_name("quiet_plan", tests, NULL, NULL);
}

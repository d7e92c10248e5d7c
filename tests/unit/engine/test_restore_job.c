#include "stack_snapshot.h"

#include "engine/restore_past.h"
#include "engine/restore_steps.h"

static struct restore_job *
open_job(struct fixture *f, const struct restore_options *opt)
{
	struct err err;
	struct id id;
	struct engine e = { .repo = f->repo };
	static struct engine kept; /* a job borrows it */
	struct restore_job *j = NULL;
	kept = e;
	stack_snapshot(f, NULL, &id);
	ok(job_open(&j, &kept, &id, opt, &err));
	return j;
}

static const struct restore_item *
item_named(const struct restore_job *j, const char *name)
{
	for (size_t i = 0; i < j->n_items; i++)
		if (strcmp(j->items[i].name, name) == 0)
			return &j->items[i];
	fail_msg("no item %s", name);
	return NULL;
}

static const struct restore_volume *
volume_recorded_as(const struct restore_job *j, const char *name)
{
	for (size_t i = 0; i < j->n_volumes; i++)
		if (strcmp(j->volumes[i].recorded_name, name) == 0)
			return &j->volumes[i];
	fail_msg("no volume %s", name);
	return NULL;
}

static void
everything_goes_back_to_where_it_was(void **state)
{
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	AUTO(job) struct restore_job *j = open_job(*state, &opt);
	assert_string_equal(j->name, "shop");
	assert_string_equal(j->dir, "/srv/shop");
	assert_string_equal(j->config_files.items[0], "/srv/shop/compose.yaml");
	assert_string_equal(item_named(j, "/srv/shop")->target, "/srv/shop");
	assert_string_equal(item_named(j, "/srv/media")->target, "/srv/media");
	assert_string_equal(item_named(j, "/etc/shop.env")->target, "/etc/shop.env");
	assert_null(item_named(j, "shop_uploads")->target);
	assert_true(strv_has(&volume_recorded_as(j, "shop_uploads")->labels,
	    "com.docker.compose.config-hash=1234"));
}

static void
under_another_name_only_what_follows_the_project_is_renamed(void **state)
{
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	opt.as = "two";
	AUTO(job) struct restore_job *j = open_job(*state, &opt);
	assert_string_equal(j->dir, "/srv/two");
	assert_string_equal(j->config_files.items[0], "/srv/two/compose.yaml");
	assert_string_equal(j->config_files.items[1], "/etc/shop.env");
	assert_string_equal(
	    item_named(j, "/srv/two")->stage + strlen("/srv/.stacksnap-new-12345678"), ".two");
	assert_string_equal(item_named(j, "/srv/media")->target, "/srv/media");
	const struct restore_volume *v = volume_recorded_as(j, "shop_uploads");
	assert_string_equal(v->name, "two_uploads");
	assert_int_equal(v->labels.len, 2);
	assert_string_equal(v->labels.items[0], "com.docker.compose.project=two");
	assert_string_equal(v->labels.items[1], "com.docker.compose.volume=uploads");
	/* Its name is written out in the compose file. */
	assert_string_equal(volume_recorded_as(j, "fixed")->name, "fixed");
}

static void
a_folder_of_its_own_moves_what_was_in_the_project_folder(void **state)
{
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	opt.to = "/data/x/";
	AUTO(job) struct restore_job *j = open_job(*state, &opt);
	assert_string_equal(j->name, "shop");
	assert_string_equal(j->config_files.items[0], "/data/x/compose.yaml");
	assert_string_equal(item_named(j, "/data/x/")->target, "/data/x");
}

static void
a_database_gets_an_empty_data_folder(void **state)
{
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	AUTO(job) struct restore_job *j = open_job(*state, &opt);
	const struct restore_item *volume = item_named(j, "shop_cache");
	assert_null(volume->tree);
	assert_string_equal(volume->service, "cache");
	const struct restore_item *project = item_named(j, "/srv/shop");
	assert_int_equal(project->n_hollows, 1);
	assert_string_equal(project->hollows[0].path, "pgdata");
	assert_string_equal(project->hollows[0].service, "db");
	assert_true(project->hollows[0].is_mount);
}

static void
what_was_left_out_and_is_no_database_must_be_kept(void **state)
{
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	AUTO(job) struct restore_job *j = open_job(*state, &opt);
	assert_false(item_named(j, "/srv/shop")->must_keep);
	assert_true(item_named(j, "/srv/media")->must_keep);
}

static void
a_volume_without_a_name_is_filled_when_its_container_is_made(void **state)
{
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	AUTO(job) struct restore_job *j = open_job(*state, &opt);
	assert_int_equal(j->n_lates, 1);
	assert_string_equal(j->lates[0].service, "cache");
	assert_string_equal(j->lates[0].target, "/spool");
	assert_string_equal(j->lates[0].tree, "volumes/" UNNAMED);
}

static void
only_what_ran_is_started(void **state)
{
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	AUTO(job) struct restore_job *j = open_job(*state, &opt);
	assert_int_equal(j->services.len, 3);
	assert_int_equal(j->ran.len, 2);
	assert_true(strv_has(&j->services, "job"));
	assert_false(strv_has(&j->ran, "job"));
}

static void
names_that_compose_refuses_are_refused(void **state)
{
	struct err err;
	struct id id;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	struct restore_job *j = NULL;
	AUTO(str) char *want = NULL;
	stack_snapshot(f, NULL, &id);
	opt.as = "../etc";
	char tag[9];
	hex_encode(tag, id.b, 4);
	ok(str_printf(&want, &err,
	    "snapshot %s: \"../etc\" cannot name a project: lower-case letters, digits, - and "
	    "_ "
	    "only, and a letter or digit first",
	    tag));
	refused(job_open(&j, &e, &id, &opt, &err), ERR_USAGE, want);
	opt.as = NULL;
	opt.to = "here";
	free(TAKE(want));
	ok(str_printf(
	    &want, &err, "snapshot %s: here: give the project folder's absolute path", tag));
	refused(job_open(&j, &e, &id, &opt, &err), ERR_USAGE, want);
}

static void
a_place_inside_another_that_was_not_so_before_is_refused(void **state)
{
	struct err err;
	struct id id;
	struct fixture *f = *state;
	struct engine e = { .repo = f->repo };
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	struct restore_job *j = NULL;
	stack_snapshot(f, NULL, &id);
	opt.to = "/srv/media/shop";
	assert_int_equal(job_open(&j, &e, &id, &opt, &err), ERR_USAGE);
	assert_non_null(strstr(
	    err.msg, "/srv/media/shop would lie inside /srv/media, which is restored too"));
}

/* A job with two items in the target folder: one replaces, one is new. */
static struct restore_job *
job_in_target(struct fixture *f, const struct engine *e)
{
	struct err err;
	struct restore_job *j = calloc(1, sizeof *j);
	assert_non_null(j);
	j->engine = (struct engine *)(uintptr_t)e;
	j->snapshot.root = (struct tree_entry)TREE_ENTRY_INIT;
	j->items = calloc(2, sizeof *j->items);
	assert_non_null(j->items);
	j->n_items = 2;
	ok(fs_mkdirs(f->target, 0755, &err));
	for (size_t i = 0; i < 2; i++) {
		struct restore_item *it = &j->items[i];
		AUTO(str) char *target = NULL;
		AUTO(str) char *file = NULL;
		ok(str_printf(&target, &err, "%s/%s", f->target, i == 0 ? "there" : "new"));
		ok(str_dup(&it->name, target, &err));
		ok(item_set_target(it, target, "1a2b3c4d", &err));
		ok(fs_mkdirs(it->stage, 0755, &err));
		ok(str_printf(&file, &err, "%s/restored", it->stage));
		ok(fs_write_file(file, 0644, "r", 1, &err));
		it->state = ITEM_STAGED;
		it->stage_ino = swap_inode(it->stage);
	}
	AUTO(str) char *old = NULL;
	ok(str_printf(&old, &err, "%s/there/old", f->target));
	ok(fs_mkdirs(j->items[0].target, 0755, &err));
	ok(fs_write_file(old, 0644, "o", 1, &err));
	j->items[0].has_old = true;
	ok(job_note_places(j, &err));
	return j;
}

/* What the record would tell of the job's items. */
static struct restore_past
past_of(const struct restore_job *j, struct past_item items[2])
{
	for (size_t i = 0; i < 2; i++) {
		const struct restore_item *it = &j->items[i];
		items[i] = (struct past_item){ .word = "folder",
			.name = it->name,
			.target = it->target,
			.stage = it->stage,
			.old = it->old,
			.was_there = it->was_there,
			.has_old = it->has_old,
			.stage_ino = it->stage_ino,
			.old_ino = it->old_ino };
	}
	return (struct restore_past){
		.items = items, .n_items = 2, .from = STEP_SWAPPING, .step = STEP_SWAPPING
	};
}

static bool
there(const struct fixture *f, const char *path)
{
	struct err err;
	AUTO(str) char *full = NULL;
	ok(str_printf(&full, &err, "%s/%s", f->target, path));
	return fs_exists(full);
}

static void
a_swap_puts_the_new_in_place_and_keeps_the_old(void **state)
{
	struct err err;
	struct engine e = { .repo = NULL };
	struct fixture *f = *state;
	AUTO(job) struct restore_job *j = job_in_target(f, &e);
	ok(job_swap(j, &err));
	assert_true(there(f, "there/restored"));
	assert_true(there(f, "new/restored"));
	assert_true(there(f, ".stacksnap-old-1a2b3c4d.there/old"));
	assert_false(there(f, ".stacksnap-new-1a2b3c4d.there"));
	assert_false(there(f, ".stacksnap-new-1a2b3c4d.new"));
}

static void
assert_as_it_was(const struct fixture *f)
{
	struct err err;
	AUTO(strv) struct strv names = STRV_INIT;
	ok(fs_list_dir(f->target, &names, &err));
	assert_int_equal(names.len, 3);
	assert_true(there(f, "there/old"));
	assert_false(there(f, "there/restored"));
	assert_true(there(f, ".stacksnap-new-1a2b3c4d.there/restored"));
	assert_true(there(f, ".stacksnap-new-1a2b3c4d.new/restored"));
}

static void
a_swap_back_leaves_everything_as_it_was(void **state)
{
	struct err err;
	struct engine e = { .repo = NULL };
	struct fixture *f = *state;
	struct past_item items[2];
	AUTO(job) struct restore_job *j = job_in_target(f, &e);
	struct restore_past p = past_of(j, items);
	ok(job_swap(j, &err));
	assert_true(past_is_swapped(&p));
	ok(past_swap_back(&p, &err));
	assert_as_it_was(f);
	ok(past_swap_back(&p, &err)); /* as a run that was interrupted after it would */
	assert_as_it_was(f);
}

static void
a_swap_that_fails_half_way_can_be_taken_back(void **state)
{
	struct err err;
	struct engine e = { .repo = NULL };
	struct fixture *f = *state;
	struct past_item items[2];
	AUTO(job) struct restore_job *j = job_in_target(f, &e);
	struct restore_past p = past_of(j, items);
	ok(fs_remove_tree(j->items[1].stage, &err));
	assert_int_equal(job_swap(j, &err), ERR_NOT_FOUND);
	assert_true(there(f, "there/restored"));
	assert_false(past_is_swapped(&p));
	ok(past_swap_back(&p, &err));
	assert_true(there(f, "there/old"));
	assert_true(there(f, ".stacksnap-new-1a2b3c4d.there/restored"));
}

/* The states that two renames pass through, on the way there and back, with and without an
 * exchange in one step. */
static void
any_interruption_of_a_swap_is_taken_back(void **state)
{
	struct err err;
	struct engine e = { .repo = NULL };
	struct fixture *f = *state;
	struct past_item items[2];
	AUTO(job) struct restore_job *j = job_in_target(f, &e);
	struct restore_past p = past_of(j, items);
	const struct past_item *it = &items[0];
	ok(past_swap_back(&p, &err));
	assert_as_it_was(f);
	/* stage and target are exchanged, stage is not yet old */
	ok(swap_places(it->stage, it->target, it->stage, &err));
	assert_true(there(f, ".stacksnap-new-1a2b3c4d.there/old"));
	ok(past_swap_back(&p, &err));
	assert_as_it_was(f);
	/* target is old, stage is not yet target */
	ok(swap_move(it->target, it->old, &err));
	ok(past_swap_back(&p, &err));
	assert_as_it_was(f);
	/* on the way back: old and target are exchanged, old is not yet stage */
	ok(swap_places(it->stage, it->target, it->old, &err));
	ok(swap_places(it->old, it->target, it->old, &err));
	assert_true(there(f, ".stacksnap-old-1a2b3c4d.there/restored"));
	ok(past_swap_back(&p, &err));
	assert_as_it_was(f);
}

static void
old_data_that_is_gone_is_told_and_nothing_else_moved(void **state)
{
	struct err err;
	struct engine e = { .repo = NULL };
	struct fixture *f = *state;
	struct past_item items[2];
	AUTO(job) struct restore_job *j = job_in_target(f, &e);
	struct restore_past p = past_of(j, items);
	ok(job_swap(j, &err));
	ok(past_check_old(&p, &err));
	ok(fs_remove_tree(items[0].old, &err));
	assert_int_equal(past_check_old(&p, &err), ERR_NOT_FOUND);
	assert_true(there(f, "there/restored"));
}

static void
what_was_edited_since_goes_away_with_an_undo_only(void **state)
{
	struct err err;
	struct engine e = { .repo = NULL };
	struct fixture *f = *state;
	struct past_item items[2];
	AUTO(job) struct restore_job *j = job_in_target(f, &e);
	struct restore_past p = past_of(j, items);
	ok(job_swap(j, &err));
	items[1].stage_ino++; /* an editor has made it anew */
	ok(past_swap_back(&p, &err));
	assert_true(there(f, "new/restored"));
	p.from = STEP_KEPT;
	ok(past_swap_back(&p, &err));
	assert_false(there(f, "new"));
}

static void
a_part_is_only_what_was_named(void **state)
{
	struct err err;
	AUTO(strv) struct strv members = STRV_INIT;
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	ok(strv_add(&members, "volume uploads", &err));
	ok(strv_add(&members, "database cache", &err));
	opt.members = &members;
	AUTO(job) struct restore_job *j = open_job(*state, &opt);
	assert_true(j->is_partial);
	assert_int_equal(j->n_databases, 1);
	assert_string_equal(j->databases[0].service, "cache");
	assert_int_equal(j->n_items, 2);
	assert_string_equal(item_named(j, "shop_uploads")->tree, "volumes/shop_uploads");
	assert_string_equal(item_named(j, "shop_cache")->service, "cache");
	assert_int_equal(j->n_lates, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(everything_goes_back_to_where_it_was),
		tree_test(under_another_name_only_what_follows_the_project_is_renamed),
		tree_test(a_folder_of_its_own_moves_what_was_in_the_project_folder),
		tree_test(a_database_gets_an_empty_data_folder),
		tree_test(what_was_left_out_and_is_no_database_must_be_kept),
		tree_test(a_volume_without_a_name_is_filled_when_its_container_is_made),
		tree_test(only_what_ran_is_started),
		tree_test(names_that_compose_refuses_are_refused),
		tree_test(a_place_inside_another_that_was_not_so_before_is_refused),
		tree_test(a_swap_puts_the_new_in_place_and_keeps_the_old),
		tree_test(a_swap_back_leaves_everything_as_it_was),
		tree_test(a_swap_that_fails_half_way_can_be_taken_back),
		tree_test(any_interruption_of_a_swap_is_taken_back),
		tree_test(old_data_that_is_gone_is_told_and_nothing_else_moved),
		tree_test(what_was_edited_since_goes_away_with_an_undo_only),
		tree_test(a_part_is_only_what_was_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

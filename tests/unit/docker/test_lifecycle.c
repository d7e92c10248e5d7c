#include "docker/lifecycle.h"

#include "docker/thaw.h"
#include "docker/watchdog.h"
#include "fake_engine.h"

/* A stack of containers whose id, name and service are one word; "web:app" depends on app. */
struct scene {
	struct fake *f;
	struct docker *d;
	struct cancel cancel;
	struct stack stack;
	struct stack_container containers[8];
	char journal[300];
};

static void
add_service(struct scene *s, const char *word, const char *status)
{
	struct err err = ERR_INIT;
	struct stack_container *c = &s->containers[s->stack.n_containers];
	size_t len = strcspn(word, ":");
	assert_int_equal(str_dupn(&c->service, word, len, &err), ERR_OK);
	assert_int_equal(str_dupn(&c->id, word, len, &err), ERR_OK);
	assert_int_equal(str_dupn(&c->name, word, len, &err), ERR_OK);
	if (word[len] == ':')
		assert_int_equal(strv_split(&c->depends_on, word + len + 1, ',', &err), ERR_OK);
	s->stack.n_containers++;
	fake_add(s->f, c->id, status);
}

static struct scene *
open_scene(void)
{
	struct scene *s = calloc(1, sizeof *s);
	struct err err = ERR_INIT;
	s->f = fake_start();
	assert_int_equal(cancel_init(&s->cancel, &err), ERR_OK);
	s->d = fake_client(s->f, &s->cancel);
	s->stack.containers = s->containers;
	assert_int_equal(str_dup(&s->stack.name, "shop", &err), ERR_OK);
	snprintf(s->journal, sizeof s->journal, "%s/journal", s->f->dir);
	return s;
}

static void
close_scene(struct scene *s)
{
	docker_close(s->d);
	fake_stop(s->f);
	cancel_release(&s->cancel);
	free(s->stack.name);
	for (size_t i = 0; i < s->stack.n_containers; i++) {
		free(s->containers[i].service);
		free(s->containers[i].id);
		free(s->containers[i].name);
		strv_release(&s->containers[i].depends_on);
	}
	free(s);
}

/* All containers in the same way; the client's own cancel is the scene's. */
static enum err_code
quiesce(struct scene *s, enum quiesce_how how, const char *journal, struct lifecycle **out,
    struct err *err)
{
	struct lifecycle_target targets[ARRAY_LEN(s->containers)];
	for (size_t i = 0; i < s->stack.n_containers; i++)
		targets[i] = (struct lifecycle_target){ i, how, 1 };
	struct lifecycle_options opt = { targets, s->stack.n_containers, journal };
	AUTO(lifecycle) struct lifecycle *l = NULL;
	if (lifecycle_open(&l, s->d, &s->stack, &opt, err) || lifecycle_quiesce(l, err))
		return err->code;
	*out = TAKE(l);
	return ERR_OK;
}

static bool
is(struct scene *s, size_t i, const char *status)
{
	return fake_is(s->f, &s->f->containers[i], status);
}

static void
what_runs_is_paused_and_runs_again(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "app:db", "running");
	add_service(s, "db", "running");
	AUTO(lifecycle) struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, NULL, &l, &err), ERR_OK);
	assert_true(is(s, 0, "paused") && is(s, 1, "paused"));
	size_t n;
	const struct lifecycle_step *steps = lifecycle_steps(l, &n);
	assert_int_equal(n, 2);
	assert_int_equal(steps[0].quiet_to_ns, 0);
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	assert_true(is(s, 0, "running") && is(s, 1, "running"));
	/* What others need comes first. */
	assert_true(fake_place(s->f, "POST /v1.41/containers/db/unpause") <
		    fake_place(s->f, "POST /v1.41/containers/app/unpause"));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(steps[i].service, i == 0 ? "app" : "db");
		assert_int_equal(steps[i].before, CONTAINER_RUNNING);
		assert_true(steps[i].is_quiesced && steps[i].is_thawed);
		assert_true(steps[i].quiet_from_ns < steps[i].quiet_at_ns);
		assert_true(steps[i].quiet_at_ns < steps[i].quiet_to_ns);
		assert_true(steps[i].quiesce_ns > 0 && steps[i].thaw_ns > 0);
	}
	/* Again does nothing. */
	size_t asked = fake_requests(s->f);
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	assert_int_equal(fake_requests(s->f), asked);
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
what_does_not_run_is_left_alone(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "paused");
	add_service(s, "b", "exited");
	add_service(s, "c", "running");
	for (int how = QUIESCE_PAUSE; how <= QUIESCE_STOP; how++) {
		AUTO(lifecycle) struct lifecycle *l = NULL;
		struct err err = ERR_INIT;
		assert_int_equal(quiesce(s, (enum quiesce_how)how, NULL, &l, &err), ERR_OK);
		assert_true(is(s, 0, "paused") && is(s, 1, "exited"));
		assert_true(is(s, 2, how == QUIESCE_STOP ? "exited" : "paused"));
		assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
		assert_true(is(s, 0, "paused") && is(s, 1, "exited") && is(s, 2, "running"));
		size_t n;
		const struct lifecycle_step *steps = lifecycle_steps(l, &n);
		assert_false(steps[0].is_quiesced || steps[0].is_thawed);
		assert_int_equal(steps[0].before, CONTAINER_PAUSED);
		assert_int_equal(steps[1].before, CONTAINER_STOPPED);
		lifecycle_free(TAKE(l));
	}
	close_scene(s);
}

static void
unknown_state_counts_as_running(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "levitating");
	AUTO(lifecycle) struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, NULL, &l, &err), ERR_OK);
	assert_true(is(s, 0, "paused"));
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	assert_true(is(s, 0, "running"));
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
stop_goes_from_the_dependants_and_start_back(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "app:db", "running");
	add_service(s, "db", "running");
	add_service(s, "web:app", "running");
	AUTO(lifecycle) struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_STOP, NULL, &l, &err), ERR_OK);
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	static const char *const in_order[] = { "POST /v1.41/containers/web/stop?t=1",
		"POST /v1.41/containers/app/stop?t=1", "POST /v1.41/containers/db/stop?t=1",
		"POST /v1.41/containers/db/start", "POST /v1.41/containers/app/start",
		"POST /v1.41/containers/web/start" };
	for (size_t i = 0; i < ARRAY_LEN(in_order); i++) {
		assert_int_equal(fake_count(s->f, in_order[i]), 1);
		if (i > 0)
			assert_true(
			    fake_place(s->f, in_order[i - 1]) < fake_place(s->f, in_order[i]));
	}
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
start_waits_for_what_is_needed_and_for_nothing_else(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "app:db", "running");
	add_service(s, "db", "running");
	add_service(s, "slow", "running");
	AUTO(lifecycle) struct lifecycle *l = NULL;
	AUTO(journal) struct journal *j = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_STOP, s->journal, &l, &err), ERR_OK);
	assert_int_equal(journal_read(&j, s->journal, &err), ERR_OK);
	assert_true(j->entries[0].knows_needs && strv_has(&j->entries[0].needs, "db"));
	assert_true(j->entries[1].knows_needs && j->entries[1].needs.len == 0);

	fake_refuse(s->f, 2, 4); /* half a second until it runs */
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	size_t app = 0, slow = 0;
	for (size_t i = 0; i < fake_requests(s->f); i++) {
		const char *what = fake_request(s->f, i);
		if (strcmp(what, "POST /v1.41/containers/app/start") == 0)
			app = i;
		if (strcmp(what, "POST /v1.41/containers/slow/start") == 0)
			slow = i;
	}
	assert_int_equal(fake_count(s->f, "POST /v1.41/containers/slow/start"), 5);
	assert_true(app > (size_t)fake_place(s->f, "POST /v1.41/containers/db/start"));
	assert_true(app < slow);
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
refused_step_is_tried_again(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	fake_refuse(s->f, 0, 2);
	AUTO(lifecycle) struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, NULL, &l, &err), ERR_OK);
	assert_true(is(s, 0, "paused"));
	fake_refuse(s->f, 0, 2);
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	assert_true(is(s, 0, "running"));
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
failure_in_the_middle_gives_all_back(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	add_service(s, "b", "running");
	add_service(s, "c", "running");
	fake_refuse(s->f, 1, -1);
	struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, s->journal, &l, &err), ERR_IO);
	assert_string_equal(err.msg, "service b: pause container b: cannot pause it");
	assert_null(l);
	assert_true(is(s, 0, "running") && is(s, 1, "running") && is(s, 2, "running"));
	assert_int_equal(fake_count(s->f, "POST /v1.41/containers/a/pause"), 1);
	assert_int_equal(fake_count(s->f, "POST /v1.41/containers/a/unpause"), 1);
	assert_false(fs_exists(s->journal));
	close_scene(s);
}

static void
engine_that_only_says_yes_is_found_out(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	pthread_mutex_lock(&s->f->lock);
	s->f->containers[0].ignores = true;
	pthread_mutex_unlock(&s->f->lock);
	struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, NULL, &l, &err), ERR_IO);
	assert_string_equal(err.msg,
	    "service a: container a is running though the engine was asked to pause it");
	close_scene(s);
}

static void
thaw_tries_all_and_names_those_that_fail(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	add_service(s, "b:a", "running");
	add_service(s, "c:b", "running");
	AUTO(lifecycle) struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, s->journal, &l, &err), ERR_OK);
	fake_refuse(s->f, 0, -1);
	fake_refuse(s->f, 1, -1);
	assert_int_equal(lifecycle_thaw(l, &err), ERR_IO);
	char said[400];
	snprintf(said, sizeof said,
	    "stack shop: these services do not run again: a, b; to mend it: docker -H %s "
	    "unpause "
	    "a b (unpause container a: cannot unpause it)",
	    s->f->host);
	assert_string_equal(err.msg, said);
	assert_true(is(s, 0, "paused") && is(s, 1, "paused") && is(s, 2, "running"));
	assert_true(fs_exists(s->journal));
	size_t n;
	const struct lifecycle_step *steps = lifecycle_steps(l, &n);
	assert_false(steps[0].is_thawed);
	assert_string_equal(steps[0].err.msg, "unpause container a: cannot unpause it");
	assert_true(steps[2].is_thawed);
	/* Mended, a second try finishes. */
	fake_refuse(s->f, 0, 0);
	fake_refuse(s->f, 1, 0);
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	assert_true(is(s, 0, "running") && is(s, 1, "running"));
	assert_false(fs_exists(s->journal));
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
container_that_is_gone_fails_before_anything_is_paused(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	add_service(s, "b", "running");
	pthread_mutex_lock(&s->f->lock);
	s->f->containers[1].is_hidden = true;
	pthread_mutex_unlock(&s->f->lock);
	struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, s->journal, &l, &err), ERR_NOT_FOUND);
	assert_string_equal(err.msg, "service b: inspect container b: No such container: b");
	assert_int_equal(fake_count(s->f, "POST /v1.41/containers/a/pause"), 0);
	assert_false(fs_exists(s->journal));
	close_scene(s);
}

static void
raised_cancel_quiesces_nothing(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	cancel_raise(&s->cancel);
	struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, s->journal, &l, &err), ERR_CANCELLED);
	assert_true(is(s, 0, "running"));
	assert_false(fs_exists(s->journal));
	close_scene(s);
}

static void
thaw_does_not_heed_the_cancel(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	AUTO(lifecycle) struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, s->journal, &l, &err), ERR_OK);
	cancel_raise(&s->cancel);
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	assert_true(is(s, 0, "running"));
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
free_thaws_what_was_not_thawed(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, s->journal, &l, &err), ERR_OK);
	lifecycle_free(l);
	assert_true(is(s, 0, "running"));
	assert_false(fs_exists(s->journal));
	close_scene(s);
}

static void
journal_is_there_before_the_first_pause(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a:b", "running");
	add_service(s, "b", "exited");
	AUTO(lifecycle) struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, s->journal, &l, &err), ERR_OK);
	AUTO(journal) struct journal *j = NULL;
	assert_int_equal(journal_read(&j, s->journal, &err), ERR_OK);
	assert_string_equal(j->stack, "shop");
	assert_string_equal(j->host, s->f->host);
	assert_int_equal(j->n_entries, 2);
	assert_string_equal(j->entries[0].id, "a");
	assert_int_equal(j->entries[0].before, CONTAINER_RUNNING);
	assert_int_equal(j->entries[0].depth, 1);
	assert_int_equal(j->entries[1].before, CONTAINER_STOPPED);
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	assert_false(fs_exists(s->journal));
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
journal_of_an_earlier_run_is_not_overwritten(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(fs_write_file(s->journal, 0600, "old", 3, &err), ERR_OK);
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, s->journal, &l, &err), ERR_EXISTS);
	char said[400];
	snprintf(said, sizeof said,
	    "there is a journal of an earlier run at %s: recover that first", s->journal);
	assert_string_equal(err.msg, said);
	assert_true(is(s, 0, "running"));
	AUTO(bufv) struct buf kept = BUF_INIT;
	assert_int_equal(fs_read_file(s->journal, 100, &kept, &err), ERR_OK);
	assert_string_equal(buf_cstr(&kept), "old");
	close_scene(s);
}

/* The journal's promise, but nothing is quiet yet. */
static struct lifecycle *
promise(struct scene *s, const struct lifecycle_target *targets, size_t n)
{
	struct err err = ERR_INIT;
	struct lifecycle *l = NULL;
	struct lifecycle_options opt = { targets, n, s->journal };
	assert_int_equal(lifecycle_open(&l, s->d, &s->stack, &opt, &err), ERR_OK);
	return l;
}

static void
each_is_made_quiet_in_its_way(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	add_service(s, "b", "running");
	add_service(s, "c", "running");
	const struct lifecycle_target targets[] = { { 0, QUIESCE_STOP, 7 },
		{ 1, QUIESCE_PAUSE, -1 } };
	AUTO(lifecycle) struct lifecycle *l = promise(s, targets, 2);
	struct err err = ERR_INIT;
	assert_true(is(s, 0, "running") && is(s, 1, "running"));
	assert_int_equal(lifecycle_quiesce(l, &err), ERR_OK);
	assert_true(is(s, 0, "exited") && is(s, 1, "paused") && is(s, 2, "running"));
	assert_int_equal(fake_count(s->f, "POST /v1.41/containers/a/stop?t=7"), 1);
	assert_int_equal(lifecycle_check_quiet(l, &err), ERR_OK);
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	assert_true(is(s, 0, "running") && is(s, 1, "running"));
	assert_false(fs_exists(s->journal));
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
what_ends_by_itself_is_not_started_again(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "before", "running");
	add_service(s, "meanwhile", "running");
	add_service(s, "killed", "running");
	const struct lifecycle_target targets[] = { { 0, QUIESCE_PAUSE, -1 },
		{ 1, QUIESCE_PAUSE, -1 }, { 2, QUIESCE_PAUSE, -1 } };
	AUTO(lifecycle) struct lifecycle *l = promise(s, targets, 3);
	struct err err = ERR_INIT;
	fake_set(s->f, 0, "exited", "1");
	assert_int_equal(lifecycle_quiesce(l, &err), ERR_OK);
	fake_set(s->f, 1, "exited", "0");
	fake_set(s->f, 2, "exited", "137");
	assert_int_equal(lifecycle_check_quiet(l, &err), ERR_OK);
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	assert_true(is(s, 0, "exited") && is(s, 1, "exited") && is(s, 2, "running"));
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
what_restarts_is_stopped_since_it_cannot_be_paused(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "restarting");
	AUTO(lifecycle) struct lifecycle *l = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(quiesce(s, QUIESCE_PAUSE, s->journal, &l, &err), ERR_OK);
	assert_true(is(s, 0, "exited"));
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	assert_true(is(s, 0, "running"));
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
what_somebody_else_lets_run_is_found(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	static const char *const states[] = { "running", "restarting", "levitating" };
	static const char *const words[] = { "running", "restarting", "unknown" };
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		AUTO(lifecycle) struct lifecycle *l = NULL;
		struct err err = ERR_INIT;
		char said[300];
		fake_set(s->f, 0, "running", NULL);
		assert_int_equal(quiesce(s, QUIESCE_PAUSE, s->journal, &l, &err), ERR_OK);
		fake_set(s->f, 0, states[i], NULL);
		assert_int_equal(lifecycle_check_quiet(l, &err), ERR_INCOMPLETE);
		snprintf(said, sizeof said,
		    "service a: its container a did not stay quiet: it is %s, and somebody "
		    "else "
		    "has done that; what was read is not of one instant",
		    words[i]);
		assert_string_equal(err.msg, said);
		fake_set(s->f, 0, "running", NULL);
		assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
		lifecycle_free(TAKE(l));
	}
	close_scene(s);
}

static void
a_cancel_in_the_middle_gives_all_back(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "web:app", "running");
	add_service(s, "app", "running");
	const struct lifecycle_target targets[] = { { 0, QUIESCE_STOP, 1 },
		{ 1, QUIESCE_STOP, 1 } };
	AUTO(lifecycle) struct lifecycle *l = promise(s, targets, 2);
	struct err err = ERR_INIT;
	cancel_raise(&s->cancel);
	assert_int_equal(lifecycle_quiesce(l, &err), ERR_CANCELLED);
	assert_true(is(s, 0, "running") && is(s, 1, "running"));
	assert_int_equal(fake_count(s->f, "POST /v1.41/containers/app/stop?t=1"), 0);
	assert_false(fs_exists(s->journal));
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
what_could_not_be_done_after_a_cancel_is_no_failure_of_its_own(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	const struct lifecycle_target targets[] = { { 0, QUIESCE_PAUSE, -1 } };
	AUTO(lifecycle) struct lifecycle *l = promise(s, targets, 1);
	struct err err = ERR_INIT;
	fake_refuse(s->f, 0, 1);
	cancel_raise(&s->cancel);
	assert_int_equal(lifecycle_quiesce(l, &err), ERR_CANCELLED);
	assert_string_equal(err.msg, "service a: stopped on request");
	assert_true(is(s, 0, "running"));
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
the_journal_tells_which_stops_may_be_under_way(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "app:db", "running");
	add_service(s, "db", "running");
	struct err err = ERR_INIT;
	AUTO(lifecycle) struct lifecycle *l = NULL;
	AUTO(journal) struct journal *j = NULL;
	assert_int_equal(quiesce(s, QUIESCE_STOP, s->journal, &l, &err), ERR_OK);
	assert_int_equal(journal_read(&j, s->journal, &err), ERR_OK);
	assert_true(j->asked_from == JOURNAL_NOTHING_ASKED);
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);

	/* As it was while only the deeper of them had been asked. */
	AUTO(strv) struct strv thawed = STRV_INIT;
	AUTO(strv) struct strv failed = STRV_INIT;
	j->asked_from = 1;
	assert_int_equal(journal_write(j, s->journal, &err), ERR_OK);
	assert_int_equal(journal_keep(s->journal, &thawed, &failed, &err), ERR_OK);
	assert_int_equal(fake_count(s->f, "POST /v1.41/containers/app/stop?t=1"), 2);
	assert_int_equal(fake_count(s->f, "POST /v1.41/containers/db/stop?t=1"), 1);
	assert_true(is(s, 0, "running") && is(s, 1, "running"));
	assert_false(fs_exists(s->journal));

	/* What has stopped by then is started, once. */
	fake_set(s->f, 0, "exited", "137");
	assert_int_equal(journal_write(j, s->journal, &err), ERR_OK);
	assert_int_equal(journal_keep(s->journal, &thawed, &failed, &err), ERR_OK);
	assert_int_equal(fake_count(s->f, "POST /v1.41/containers/app/stop?t=1"), 2);
	assert_int_equal(fake_count(s->f, "POST /v1.41/containers/app/start"), 3);
	assert_true(is(s, 0, "running"));
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
hooks_that_are_owed_keep_the_journal_until_they_ran(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "running");
	struct err err = ERR_INIT;
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(journal) struct journal *j = NULL;
	const struct lifecycle_target targets[] = { { 0, QUIESCE_PAUSE, -1 } };
	AUTO(lifecycle) struct lifecycle *l = promise(s, targets, 1);
	assert_int_equal(strv_split(&argv, "occ,maintenance:mode,--off", ',', &err), ERR_OK);
	assert_int_equal(lifecycle_owe_hook(l, "a", &argv, 5000, &err), ERR_OK);
	assert_int_equal(lifecycle_quiesce(l, &err), ERR_OK);
	assert_int_equal(lifecycle_thaw(l, &err), ERR_OK);
	assert_int_equal(journal_read(&j, s->journal, &err), ERR_OK);
	assert_int_equal(j->n_hooks, 1);
	assert_string_equal(j->hooks[0].service, "a");
	assert_int_equal(j->hooks[0].argv.len, 3);
	assert_string_equal(j->hooks[0].argv.items[2], "--off");
	assert_int_equal(j->hooks[0].timeout_ms, 5000);
	assert_int_equal(lifecycle_end(l, &err), ERR_OK);
	assert_false(fs_exists(s->journal));
	lifecycle_free(TAKE(l));
	close_scene(s);
}

static void
down_refuses_what_would_not_come_up_again(void **state)
{
	(void)state;
	struct scene *s = open_scene();
	add_service(s, "a", "paused");
	s->containers[0].state = CONTAINER_PAUSED;
	static char nowhere[] = "/nonexistent";
	s->stack.working_dir = nowhere;
	struct err err = ERR_INIT;
	struct lifecycle *l = NULL;
	const struct lifecycle_target targets[] = { { 0, QUIESCE_DOWN, -1 } };
	struct lifecycle_options opt = { targets, 1, s->journal };
	assert_int_equal(lifecycle_open(&l, s->d, &s->stack, &opt, &err), ERR_UNSUPPORTED);
	assert_string_equal(err.msg,
	    "stack shop cannot be taken down: container a is paused: taken down, it would lose "
	    "what it is at; resume it with 'docker unpause a', or make the stack quiet by "
	    "'stop'");
	s->containers[0].state = CONTAINER_RUNNING;
	assert_int_equal(lifecycle_open(&l, s->d, &s->stack, &opt, &err), ERR_UNSUPPORTED);
	assert_string_equal(err.msg,
	    "stack shop cannot be taken down: its project folder /nonexistent is not on this "
	    "host, so it could not be brought up again");
	struct stack_use use = { .container = 0, .target = nowhere };
	struct stack_volume volume = { .is_anonymous = true, .uses = &use, .n_uses = 1 };
	s->stack.volumes = &volume;
	s->stack.n_volumes = 1;
	assert_int_equal(lifecycle_open(&l, s->d, &s->stack, &opt, &err), ERR_UNSUPPORTED);
	assert_string_equal(err.msg,
	    "stack shop cannot be taken down: service a has a volume without a name at "
	    "/nonexistent, which its next container would not get: name it in the compose "
	    "file, "
	    "or make the stack quiet by 'stop'");
	s->stack.n_volumes = 0;
	assert_null(l);
	assert_false(fs_exists(s->journal));
	close_scene(s);
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "watchdog") == 0)
		return watchdog_main(argv[2], 0);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_runs_is_paused_and_runs_again),
		cmocka_unit_test(what_does_not_run_is_left_alone),
		cmocka_unit_test(unknown_state_counts_as_running),
		cmocka_unit_test(stop_goes_from_the_dependants_and_start_back),
		cmocka_unit_test(start_waits_for_what_is_needed_and_for_nothing_else),
		cmocka_unit_test(refused_step_is_tried_again),
		cmocka_unit_test(failure_in_the_middle_gives_all_back),
		cmocka_unit_test(engine_that_only_says_yes_is_found_out),
		cmocka_unit_test(thaw_tries_all_and_names_those_that_fail),
		cmocka_unit_test(container_that_is_gone_fails_before_anything_is_paused),
		cmocka_unit_test(raised_cancel_quiesces_nothing),
		cmocka_unit_test(thaw_does_not_heed_the_cancel),
		cmocka_unit_test(free_thaws_what_was_not_thawed),
		cmocka_unit_test(journal_is_there_before_the_first_pause),
		cmocka_unit_test(journal_of_an_earlier_run_is_not_overwritten),
		cmocka_unit_test(each_is_made_quiet_in_its_way),
		cmocka_unit_test(what_ends_by_itself_is_not_started_again),
		cmocka_unit_test(what_restarts_is_stopped_since_it_cannot_be_paused),
		cmocka_unit_test(what_somebody_else_lets_run_is_found),
		cmocka_unit_test(a_cancel_in_the_middle_gives_all_back),
		cmocka_unit_test(
		    what_could_not_be_done_after_a_cancel_is_no_failure_of_its_own),
		cmocka_unit_test(the_journal_tells_which_stops_may_be_under_way),
		cmocka_unit_test(hooks_that_are_owed_keep_the_journal_until_they_ran),
		cmocka_unit_test(down_refuses_what_would_not_come_up_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

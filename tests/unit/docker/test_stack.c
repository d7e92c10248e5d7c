#include "docker/stack.h"

#include "fake_engine.h"

/* The fixtures' volumes and binds are below the fake's folder. */
static void
make_folder(struct fake *f, const char *name)
{
	AUTO(str) char *path = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(str_printf(&path, &err, "%s/%s", f->dir, name), ERR_OK);
	assert_int_equal(fs_mkdirs(path, 0700, &err), ERR_OK);
}

static struct fake *
start_v2(void)
{
	struct fake *f = fake_start();
	fake_load(f, "stack_v2.json");
	make_folder(f, "project/conf");
	make_folder(f, "project/bound");
	make_folder(f, "engine/volumes/shop_pg/_data");
	make_folder(f, "engine/volumes/shop_cache/_data");
	make_folder(f, "engine/volumes/shop_bound/_data");
	make_folder(f, "engine/volumes/shop_ram/_data");
	return f;
}

static struct stack *
load(struct fake *f, const char *name)
{
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	struct stack *s = NULL;
	struct err err = ERR_INIT;
	if (stack_load(&s, d, name, &err) != ERR_OK)
		fail_msg("%s", err.msg);
	return s;
}

/* A path in the fake's folder, compared. */
static void
assert_path(const struct fake *f, const char *path, const char *below)
{
	char want[512];
	snprintf(want, sizeof want, "%s/%s", f->dir, below);
	assert_non_null(path);
	assert_string_equal(path, want);
}

static const struct stack_volume *
volume(const struct stack *s, const char *name)
{
	for (size_t i = 0; i < s->n_volumes; i++)
		if (strcmp(s->volumes[i].name, name) == 0)
			return &s->volumes[i];
	fail_msg("no volume %s", name);
	return NULL;
}

static const struct stack_bind *
bind_to(const struct stack *s, const char *end)
{
	for (size_t i = 0; i < s->n_binds; i++)
		if (str_ends(s->binds[i].path, end))
			return &s->binds[i];
	fail_msg("no bind %s", end);
	return NULL;
}

static void
services_of_a_v2_stack_are_read(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	AUTO(stack) struct stack *s = load(f, "shop");
	static const char *const names[] = { "shop-app-1", "shop-app-2", "shop-cache-1",
		"shop-db-1", "shop-side-1", "shop-web-1" };
	assert_int_equal(s->n_containers, ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(s->containers[i].name, names[i]);
	assert_path(f, s->working_dir, "project");
	assert_int_equal(s->config_files.len, 1);
	assert_path(f, s->config_files.items[0], "project/compose.yml");

	const struct stack_container *db = stack_find(s, "db");
	assert_string_equal(db->image_ref, "postgres:15");
	assert_true(str_starts(db->image_id, "sha256:"));
	assert_int_equal(db->repo_digests.len, 1);
	assert_int_equal(db->state, CONTAINER_RUNNING);
	assert_string_equal(db->health, "healthy");
	assert_true(db->pid > 0);
	assert_string_equal(container_env(db, "POSTGRES_DB"), "shop");
	assert_null(container_env(db, "POSTGRES"));
	assert_string_equal(container_label(db, "com.docker.compose.service"), "db");
	assert_string_equal(db->argv.items[0], "docker-entrypoint.sh");
	assert_string_equal(db->argv.items[1], "postgres");
	assert_int_equal(stack_find(s, "cache")->state, CONTAINER_PAUSED);
	assert_null(stack_find(s, "nope"));
	fake_stop(f);
}

static void
oneoff_containers_are_left_out(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	assert_int_equal(
	    json_array_size(json_object_get(f->documents, "GET /containers/json")), 7);
	AUTO(stack) struct stack *s = load(f, "shop");
	assert_int_equal(s->n_containers, 6);
	fake_stop(f);
}

static void
inspect_bytes_are_kept(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	AUTO(stack) struct stack *s = load(f, "shop");
	char what[200];
	snprintf(what, sizeof what, "GET /containers/%s/json", s->containers[0].id);
	char *text =
	    json_dumps(json_object_get(f->documents, what), JSON_COMPACT | JSON_PRESERVE_ORDER);
	assert_int_equal(s->containers[0].raw.len, strlen(text));
	assert_memory_equal(s->containers[0].raw.data, text, strlen(text));
	free(text);
	fake_stop(f);
}

static void
dependencies_come_from_label_and_namespace(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	AUTO(stack) struct stack *s = load(f, "shop");
	const struct stack_container *app = stack_find(s, "app");
	assert_int_equal(app->depends_on.len, 2);
	assert_string_equal(app->depends_on.items[0], "cache");
	assert_string_equal(app->depends_on.items[1], "db");
	assert_string_equal(stack_find(s, "web")->depends_on.items[0], "app");
	assert_string_equal(stack_find(s, "side")->depends_on.items[0], "web");

	size_t order[6];
	unsigned depth[6];
	struct err err = ERR_INIT;
	static const char *const want[] = { "shop-cache-1", "shop-db-1", "shop-app-1",
		"shop-app-2", "shop-web-1", "shop-side-1" };
	static const unsigned depths[] = { 0, 0, 1, 1, 2, 3 };
	assert_int_equal(stack_order(s, order, &err), ERR_OK);
	assert_int_equal(stack_depths(s, depth, &err), ERR_OK);
	for (size_t i = 0; i < 6; i++) {
		assert_string_equal(s->containers[order[i]].name, want[i]);
		assert_int_equal(depth[order[i]], depths[i]);
	}
	fake_stop(f);
}

static void
volumes_tell_where_their_files_are(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	AUTO(stack) struct stack *s = load(f, "shop");
	const struct stack_volume *pg = volume(s, "shop_pg");
	assert_string_equal(pg->key, "pg");
	assert_string_equal(pg->driver, "local");
	assert_path(f, pg->source, "engine/volumes/shop_pg/_data");
	assert_null(pg->why_not);
	assert_false(pg->is_external);
	assert_int_equal(pg->n_uses, 1);
	assert_string_equal(s->containers[pg->uses[0].container].service, "db");
	assert_string_equal(pg->uses[0].target, "/var/lib/postgresql/data");
	assert_false(pg->uses[0].is_read_only);
	assert_true(pg->raw.len > 0);
	fake_stop(f);
}

static void
volume_with_a_device_is_read_there(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	AUTO(stack) struct stack *s = load(f, "shop");
	const struct stack_volume *v = volume(s, "shop_bound");
	assert_path(f, v->source, "project/bound");
	assert_path(f, v->mountpoint, "engine/volumes/shop_bound/_data");
	assert_int_equal(v->options.len, 3);
	assert_string_equal(v->options.items[1], "o=bind");
	assert_int_equal(v->n_uses, 2);
	fake_stop(f);
}

static void
volume_that_cannot_be_captured_says_why(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	AUTO(stack) struct stack *s = load(f, "shop");
	const struct stack_volume *ram = volume(s, "shop_ram");
	assert_null(ram->source);
	assert_string_equal(ram->why_not, "tmpfs: kept in memory only");
	/* Its folder was not made above. */
	const struct stack_volume *shared = volume(s, "shared");
	assert_null(shared->source);
	char why[400];
	snprintf(why, sizeof why,
	    "its folder %s/engine/volumes/shared/_data cannot be seen from here (another host, "
	    "or "
	    "not root)",
	    f->dir);
	assert_string_equal(shared->why_not, why);
	assert_true(shared->is_external);
	assert_null(shared->key);
	fake_stop(f);
}

static void
volume_of_another_driver_or_host_says_why(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	pthread_mutex_lock(&f->lock);
	json_t *pg = json_object_get(f->documents, "GET /volumes/shop_pg");
	json_object_set_new(pg, "Driver", json_string("rexray/ebs"));
	json_t *cache = json_object_get(f->documents, "GET /volumes/shop_cache");
	json_object_set_new(cache, "Options",
	    json_pack(
		"{s:s,s:s,s:s}", "type", "nfs", "device", ":/export", "o", "addr=10.0.0.1"));
	pthread_mutex_unlock(&f->lock);
	AUTO(stack) struct stack *s = load(f, "shop");
	assert_null(volume(s, "shop_pg")->source);
	char why[400];
	snprintf(why, sizeof why,
	    "volume driver rexray/ebs keeps its files where they cannot be seen from here: "
	    "nothing is at %s/engine/volumes/shop_pg/_data",
	    f->dir);
	assert_string_equal(volume(s, "shop_pg")->why_not, why);
	assert_true(volume(s, "shop_pg")->is_by_engine);
	assert_false(volume(s, "shop_pg")->has_nothing);
	assert_true(volume(s, "shop_cache")->is_by_engine);
	assert_false(volume(s, "shop_ram")->is_by_engine); /* memory only */
	assert_false(volume(s, "shop_bound")->is_by_engine);
	assert_null(volume(s, "shop_cache")->source);
	assert_string_equal(volume(s, "shop_cache")->why_not,
	    "it is mounted from :/export (type nfs) only while a container that uses it runs: "
	    "start one, and back up again");
	assert_true(volume(s, "shop_ram")->has_nothing);
	fake_stop(f);
}

/* Its folder is filled, or mounted. */
static void
volume_of_another_driver_is_read_where_its_files_are(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	pthread_mutex_lock(&f->lock);
	json_t *pg = json_object_get(f->documents, "GET /volumes/shop_pg");
	json_object_set_new(pg, "Driver", json_string("local-persist"));
	pthread_mutex_unlock(&f->lock);
	make_folder(f, "engine/volumes/shop_pg/_data/base");
	AUTO(stack) struct stack *s = load(f, "shop");
	assert_path(f, volume(s, "shop_pg")->source, "engine/volumes/shop_pg/_data");
	assert_null(volume(s, "shop_pg")->why_not);
	fake_stop(f);
}

static void
anonymous_volumes_belong_to_the_stack(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	AUTO(stack) struct stack *s = load(f, "shop");
	size_t n = 0;
	for (size_t i = 0; i < s->n_volumes; i++) {
		if (!s->volumes[i].is_anonymous)
			continue;
		n++;
		assert_false(s->volumes[i].is_external);
		assert_null(s->volumes[i].key);
	}
	assert_int_equal(n, 4);
	fake_stop(f);
}

static void
binds_tell_who_uses_them_and_what_is_left_out(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	AUTO(stack) struct stack *s = load(f, "shop");
	assert_int_equal(s->n_binds, 4);
	const struct stack_bind *conf = bind_to(s, "project/conf");
	assert_path(f, conf->source, "project/conf");
	assert_true(conf->is_folder);
	assert_false(conf->is_read_only); /* web may write */
	assert_int_equal(conf->n_uses, 3);
	assert_true(conf->uses[0].is_read_only);
	const struct stack_bind *sock = bind_to(s, "docker.sock");
	assert_null(sock->source);
	assert_string_equal(sock->why_not, "a socket, which the program behind it makes anew");
	const struct stack_bind *zone = bind_to(s, "/etc/localtime");
	assert_null(zone->source);
	assert_string_equal(zone->why_not, "a setting of the host, not of the stack");
	assert_true(zone->is_read_only);
	const struct stack_bind *scratch = bind_to(s, "/scratch");
	assert_int_equal(scratch->kind, MOUNT_TMPFS);
	assert_string_equal(scratch->why_not, "tmpfs: kept in memory only");
	fake_stop(f);
}

static void
set_bind(struct fake *f, const char *source)
{
	const char *key;
	json_t *doc;
	pthread_mutex_lock(&f->lock);
	json_object_foreach(f->documents, key, doc)
	{
		size_t i;
		json_t *m;
		json_array_foreach(json_object_get(doc, "Mounts"), i, m)
		{
			if (strcmp(json_get_str(m, "Destination"), "/conf") == 0)
				json_object_set_new(m, "Source", json_string(source));
		}
	}
	pthread_mutex_unlock(&f->lock);
}

static void
special_host_paths_are_not_captured(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	make_folder(f, "engine");
	char engine[300];
	snprintf(engine, sizeof engine, "%s/engine", f->dir);
	const struct {
		const char *path;
		const char *why;
	} cases[] = {
		{ "/", "the whole host" },
		{ "/proc", "a view of the running kernel, not files" },
		{ "/dev/null", "a view of the running kernel, not files" },
		{ "/run/lock", "made anew at every boot of the host" },
		{ "/nonexistent/x", "it cannot be found on this host" },
		{ engine, "holds the engine's own data" },
		{ f->dir, "holds the engine's own data" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		set_bind(f, cases[i].path);
		AUTO(stack) struct stack *s = load(f, "shop");
		const struct stack_bind *b = bind_to(s, cases[i].path);
		assert_null(b->source);
		assert_string_equal(b->why_not, cases[i].why);
	}
	/* A name that only begins alike is another path. */
	set_bind(f, "/process");
	AUTO(stack) struct stack *s = load(f, "shop");
	assert_string_equal(bind_to(s, "/process")->why_not, "it cannot be found on this host");
	fake_stop(f);
}

static void
networks_are_listed(void **state)
{
	(void)state;
	struct fake *f = start_v2();
	AUTO(stack) struct stack *s = load(f, "shop");
	assert_int_equal(s->n_networks, 1);
	assert_string_equal(s->networks[0].name, "shop_default");
	assert_string_equal(s->networks[0].key, "default");
	assert_string_equal(s->networks[0].driver, "bridge");
	assert_false(s->networks[0].is_external);
	fake_stop(f);
}

static void
v1_stack_is_read(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_load(f, "stack_v1.json");
	make_folder(f, "project");
	AUTO(stack) struct stack *s = load(f, "oldshop");
	assert_int_equal(s->n_containers, 2);
	assert_string_equal(s->containers[0].name, "oldshop_app_1");
	assert_string_equal(s->containers[1].name, "oldshop_db_1");
	assert_int_equal(s->config_files.len, 2);
	assert_path(f, s->config_files.items[0], "project/v1.yml");
	assert_path(f, s->config_files.items[1], "project/v1b.yml");
	assert_string_equal(volume(s, "oldshop_pg")->key, "pg");
	/* Without depends_on the order is that of the names. */
	size_t order[2];
	struct err err = ERR_INIT;
	assert_int_equal(stack_order(s, order, &err), ERR_OK);
	assert_int_equal(order[0], 0);
	assert_int_equal(order[1], 1);
	fake_stop(f);
}

static void
usual_env_file_is_found(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_load(f, "stack_v1.json");
	make_folder(f, "project");
	AUTO(stack) struct stack *without = load(f, "oldshop");
	assert_int_equal(without->env_files.len, 0);
	char path[300];
	struct err err = ERR_INIT;
	snprintf(path, sizeof path, "%s/project/.env", f->dir);
	assert_int_equal(fs_write_file(path, 0600, "A=1\n", 4, &err), ERR_OK);
	AUTO(stack) struct stack *with = load(f, "oldshop");
	assert_int_equal(with->env_files.len, 1);
	assert_path(f, with->env_files.items[0], "project/.env");
	fake_stop(f);
}

static void
unknown_stack_is_told_with_those_there_are(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_route(f, "GET /info", 200, "{}");
	fake_route(f, "GET /networks", 200, "[]");
	fake_route(f, "GET /containers/json", 200, "[]");
	fake_route(f, "GET /volumes", 200, "{\"Volumes\":null}");
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	struct stack *s = NULL;
	struct err err = ERR_INIT;
	assert_int_equal(stack_load(&s, d, "shop", &err), ERR_NOT_FOUND);
	char said[300];
	snprintf(said, sizeof said,
	    "no stack named shop: the engine on %s has no stacks of Docker Compose", f->host);
	assert_string_equal(err.msg, said);
	fake_stop(f);
}

static void
stacks_are_listed_by_name(void **state)
{
	(void)state;
	struct fake *f = fake_start();
	fake_route(f, "GET /containers/json", 200,
	    "[{\"State\":\"running\",\"Labels\":{\"com.docker.compose.project\":\"shop\","
	    "\"com.docker.compose.project.working_dir\":\"/srv/shop\"}},"
	    "{\"State\":\"exited\",\"Labels\":{\"com.docker.compose.project\":\"shop\"}},"
	    "{\"State\":\"running\",\"Labels\":{\"com.docker.compose.project\":\"shop\","
	    "\"com.docker.compose.oneoff\":\"True\"}},"
	    "{\"State\":\"paused\",\"Labels\":{\"com.docker.compose.project\":\"blog\"}}]");
	fake_route(f, "GET /volumes", 200,
	    "{\"Volumes\":[{\"Name\":\"x\",\"Labels\":{\"com.docker.compose.project\":\"gone\"}"
	    "}]}");
	AUTO(docker) struct docker *d = fake_client(f, NULL);
	struct stack_summary *list = NULL;
	size_t n = 0;
	struct err err = ERR_INIT;
	assert_int_equal(stacks_list(d, &list, &n, &err), ERR_OK);
	assert_int_equal(n, 3);
	assert_string_equal(list[0].name, "blog");
	assert_int_equal(list[0].n_containers, 1);
	assert_int_equal(list[0].n_running, 0);
	assert_string_equal(list[1].name, "gone");
	assert_int_equal(list[1].n_containers, 0);
	assert_string_equal(list[2].name, "shop");
	assert_string_equal(list[2].working_dir, "/srv/shop");
	assert_int_equal(list[2].n_containers, 2);
	assert_int_equal(list[2].n_running, 1);
	stacks_free(list, n);
	fake_stop(f);
}

/* A stack of services "name" or "name:needed,needed". */
static void
make_stack(struct stack *s, struct stack_container *c, const char *const *services, size_t n)
{
	struct err err = ERR_INIT;
	*s = (struct stack){ .containers = c, .n_containers = n };
	assert_int_equal(str_dup(&s->name, "shop", &err), ERR_OK);
	for (size_t i = 0; i < n; i++) {
		c[i] = (struct stack_container){ 0 };
		size_t len = strcspn(services[i], ":");
		assert_int_equal(str_dupn(&c[i].service, services[i], len, &err), ERR_OK);
		if (services[i][len] == ':')
			assert_int_equal(
			    strv_split(&c[i].depends_on, services[i] + len + 1, ',', &err),
			    ERR_OK);
	}
}

static void
release_stack(struct stack *s)
{
	free(s->name);
	for (size_t i = 0; i < s->n_containers; i++) {
		free(s->containers[i].service);
		strv_release(&s->containers[i].depends_on);
	}
}

static void
order_puts_the_needed_first(void **state)
{
	(void)state;
	static const char *const services[] = { "a:b,gone", "b:d", "c:a,d", "d", "e" };
	static const size_t want[] = { 3, 4, 1, 0, 2 };
	struct stack s;
	struct stack_container c[5];
	size_t order[5];
	struct err err = ERR_INIT;
	make_stack(&s, c, services, 5);
	assert_int_equal(stack_order(&s, order, &err), ERR_OK);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(order[i], want[i]);
	release_stack(&s);
}

static void
circle_of_dependencies_is_named(void **state)
{
	(void)state;
	static const char *const services[] = { "a:b", "b:c", "c:d", "d:b" };
	struct stack s;
	struct stack_container c[4];
	size_t order[4] = { 9, 9, 9, 9 };
	struct err err = ERR_INIT;
	make_stack(&s, c, services, 4);
	assert_int_equal(stack_order(&s, order, &err), ERR_UNSUPPORTED);
	assert_string_equal(err.msg,
	    "stack shop: its services depend on each other in a circle: b -> c -> d -> b");
	assert_int_equal(order[0], 9);
	release_stack(&s);
}

static void
words_of_states_go_both_ways(void **state)
{
	(void)state;
	for (int i = CONTAINER_UNKNOWN; i <= CONTAINER_STOPPED; i++) {
		enum container_state s = (enum container_state)i;
		assert_int_equal(container_state_of(container_state_word(s)), s);
	}
	assert_int_equal(container_state_of("exited"), CONTAINER_STOPPED);
	assert_int_equal(container_state_of("created"), CONTAINER_STOPPED);
	assert_int_equal(container_state_of("levitating"), CONTAINER_UNKNOWN);
	assert_int_equal(container_state_of(NULL), CONTAINER_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_of_a_v2_stack_are_read),
		cmocka_unit_test(oneoff_containers_are_left_out),
		cmocka_unit_test(inspect_bytes_are_kept),
		cmocka_unit_test(dependencies_come_from_label_and_namespace),
		cmocka_unit_test(volumes_tell_where_their_files_are),
		cmocka_unit_test(volume_with_a_device_is_read_there),
		cmocka_unit_test(volume_that_cannot_be_captured_says_why),
		cmocka_unit_test(volume_of_another_driver_or_host_says_why),
		cmocka_unit_test(volume_of_another_driver_is_read_where_its_files_are),
		cmocka_unit_test(anonymous_volumes_belong_to_the_stack),
		cmocka_unit_test(binds_tell_who_uses_them_and_what_is_left_out),
		cmocka_unit_test(special_host_paths_are_not_captured),
		cmocka_unit_test(networks_are_listed),
		cmocka_unit_test(v1_stack_is_read),
		cmocka_unit_test(usual_env_file_is_found),
		cmocka_unit_test(unknown_stack_is_told_with_those_there_are),
		cmocka_unit_test(stacks_are_listed_by_name),
		cmocka_unit_test(order_puts_the_needed_first),
		cmocka_unit_test(circle_of_dependencies_is_named),
		cmocka_unit_test(words_of_states_go_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

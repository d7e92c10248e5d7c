/*
 * The compose document of a drill: what hostile and ordinary documents become.
 */
#include "tree/fixture.h"

#include "engine/drill_compose.h"

struct asked {
	const char *held; /* paths below this are in the snapshot */
};

static const char *
image_of(void *arg, const char *service)
{
	(void)arg;
	return strcmp(service, "gone") == 0 ? NULL : "sha256:cafe";
}

static const char *
volume_of(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "shop_data") == 0 ? "drill_shop_data" : NULL;
}

static enum err_code
path_of(void *arg, const char *path, char **out, struct err *err)
{
	const struct asked *a = arg;
	*out = NULL;
	return str_starts(path, a->held) ? str_printf(out, err, "/scratch%s", path) : ERR_OK;
}

struct made {
	json_t *doc;
	struct drill_cuts cuts;
};

static void
made_auto(struct made *m)
{
	json_decref(m->doc);
	drill_cuts_release(&m->cuts);
}

static enum err_code
transform(struct made *m, const char *text, struct err *err)
{
	struct asked asked = { "/srv/shop" };
	struct drill_scope scope = { .project = "drill",
		.arg = &asked,
		.image = image_of,
		.volume = volume_of,
		.path = path_of };
	AUTO(json) json_t *config = NULL;
	assert_int_equal(json_parse(&config, text, strlen(text), "test", err), ERR_OK);
	return drill_compose_make(&m->doc, config, &scope, &m->cuts, err);
}

/* The value at a path like "services/app/ports", or NULL. */
static const json_t *
at(const struct made *m, const char *path)
{
	const json_t *node = m->doc;
	while (*path != '\0' && node != NULL) {
		char word[100];
		size_t n = strcspn(path, "/");
		snprintf(word, sizeof word, "%.*s", (int)n, path);
		path += n + (path[n] == '/');
		node = json_is_array(node) ? json_array_get(node, strtoul(word, NULL, 10))
					   : json_object_get(node, word);
	}
	return node;
}

static bool
was_cut(const struct made *m, const char *service, const char *what)
{
	for (size_t i = 0; i < m->cuts.count; i++)
		if (strcmp(m->cuts.items[i].service, service) == 0 &&
		    strcmp(m->cuts.items[i].what, what) == 0)
			return m->cuts.items[i].matters;
	return false;
}

static void
assert_text(const struct made *m, const char *path, const char *text)
{
	const char *has = json_string_value(at(m, path));
	assert_non_null(has);
	assert_string_equal(has, text);
}

static void
privileges_are_taken_and_told(void **state)
{
	AUTO(made) struct made m = { .cuts = DRILL_CUTS_INIT };
	struct err err;
	(void)state;
	ok(transform(&m,
	    "{\"services\":{\"app\":{\"image\":\"a\",\"privileged\":true,\"pid\":\"host\","
	    "\"ipc\":\"host\",\"uts\":\"host\",\"userns_mode\":\"host\",\"cgroup\":\"host\","
	    "\"network_mode\":\"host\",\"cap_add\":[\"SYS_ADMIN\",\"CAP_CHOWN\",\"net_raw\"],"
	    "\"security_opt\":[\"seccomp=unconfined\",\"no-new-privileges:true\"],"
	    "\"devices\":[\"/dev/kmsg:/dev/kmsg\"],\"device_cgroup_rules\":[\"c 1:3 mr\"],"
	    "\"gpus\":\"all\",\"runtime\":\"nvidia\",\"use_api_socket\":true,"
	    "\"volumes_from\":[\"container:live\"],\"external_links\":[\"live:db\"],"
	    "\"provider\":{\"type\":\"x\"},\"post_start\":[{\"command\":[\"x\"]}],"
	    "\"invented_next_year\":{\"a\":1}}}}",
	    &err));
	static const char *const gone[] = { "privileged", "pid", "ipc", "uts", "userns_mode",
		"cgroup", "network_mode", "devices", "device_cgroup_rules", "gpus", "runtime",
		"use_api_socket", "volumes_from", "external_links", "provider", "post_start",
		"invented_next_year" };
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		assert_null(json_object_get(at(&m, "services/app"), gone[i]));
	static const char *const told[] = { "privileged", "pid: host", "ipc: host", "uts: host",
		"network_mode: host", "capability SYS_ADMIN", "capability net_raw",
		"security option seccomp=unconfined", "device /dev/kmsg:/dev/kmsg",
		"device_cgroup_rules", "gpus", "runtime nvidia", "use_api_socket",
		"volumes_from", "invented_next_year" };
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		assert_true(was_cut(&m, "app", told[i]));
	assert_int_equal(json_array_size(at(&m, "services/app/cap_add")), 1);
	assert_text(&m, "services/app/cap_add/0", "CAP_CHOWN");
	assert_text(&m, "services/app/cap_drop/0", "NET_RAW");
	assert_int_equal(json_array_size(at(&m, "services/app/security_opt")), 1);
	assert_true(json_is_object(at(&m, "services/app/networks/default")));
}

static void
nothing_is_published_or_obeyed_by_others(void **state)
{
	AUTO(made) struct made m = { .cuts = DRILL_CUTS_INIT };
	struct err err;
	(void)state;
	ok(transform(&m,
	    "{\"services\":{\"app\":{\"image\":\"a\",\"build\":{\"context\":\".\"},"
	    "\"container_name\":\"shop\",\"restart\":\"always\",\"ports\":[{\"target\":80}],"
	    "\"labels\":{\"traefik.enable\":\"true\",\"stacksnap.drill\":\"other\","
	    "\"stacksnap.drill.check\":\"true\"},\"logging\":{\"driver\":\"gelf\"},"
	    "\"dns\":[\"8.8.8.8\"],\"networks\":{\"proxy\":{\"aliases\":[\"web\"],"
	    "\"ipv4_address\":\"10.0.0.7\"},\"nowhere\":null}}},"
	    "\"networks\":{\"proxy\":{\"name\":\"live_proxy\",\"external\":true}}}",
	    &err));
	static const char *const gone[] = { "build", "container_name", "ports" };
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		assert_null(json_object_get(at(&m, "services/app"), gone[i]));
	assert_text(&m, "services/app/image", "sha256:cafe");
	assert_text(&m, "services/app/pull_policy", "never");
	assert_text(&m, "services/app/restart", "no");
	assert_text(&m, "services/app/logging/driver", "json-file");
	assert_text(&m, "services/app/dns/0", "127.0.0.1");
	assert_int_equal(json_object_size(at(&m, "services/app/labels")), 2);
	assert_text(&m, "services/app/labels/stacksnap.drill", "drill");
	assert_text(&m, "services/app/labels/stacksnap.drill.check", "true");
	assert_text(&m, "services/app/networks/proxy/aliases/0", "web");
	assert_null(at(&m, "services/app/networks/proxy/ipv4_address"));
	assert_null(at(&m, "services/app/networks/nowhere"));
	assert_text(&m, "networks/proxy/name", "drill_proxy");
	assert_true(json_is_true(at(&m, "networks/proxy/internal")));
	assert_null(at(&m, "networks/proxy/external"));
	assert_text(
	    &m, "networks/proxy/driver_opts/com.docker.network.bridge.inhibit_ipv4", "true");
}

static void
mounts_lead_into_the_scratch_or_go(void **state)
{
	AUTO(made) struct made m = { .cuts = DRILL_CUTS_INIT };
	struct err err;
	(void)state;
	ok(transform(&m,
	    "{\"services\":{\"app\":{\"volumes\":["
	    "{\"type\":\"bind\",\"source\":\"/srv/shop/a$$b\",\"target\":\"/a\","
	    "\"read_only\":true,\"bind\":{\"propagation\":\"rshared\"}},"
	    "{\"type\":\"bind\",\"source\":\"/var/run/docker.sock\",\"target\":\"/s\"},"
	    "{\"type\":\"volume\",\"source\":\"data\",\"target\":\"/d\"},"
	    "{\"type\":\"volume\",\"source\":\"nfs\",\"target\":\"/n\"},"
	    "{\"type\":\"volume\",\"target\":\"/unnamed\"},"
	    "{\"type\":\"npipe\",\"source\":\"x\",\"target\":\"/p\"},"
	    "{\"type\":\"tmpfs\",\"target\":\"/t\"}]}},"
	    "\"volumes\":{\"data\":{\"name\":\"shop_data\"},\"nfs\":{\"name\":\"shop_nfs\","
	    "\"driver\":\"local\",\"driver_opts\":{\"type\":\"none\",\"o\":\"bind\","
	    "\"device\":\"/srv/live\"}}}}",
	    &err));
	assert_int_equal(json_array_size(at(&m, "services/app/volumes")), 5);
	assert_text(&m, "services/app/volumes/0/source", "/scratch/srv/shop/a$$b");
	assert_true(json_is_true(at(&m, "services/app/volumes/0/read_only")));
	assert_null(at(&m, "services/app/volumes/0/bind"));
	assert_text(&m, "volumes/data/name", "drill_shop_data");
	assert_true(json_is_true(at(&m, "volumes/data/external")));
	assert_text(&m, "volumes/nfs/name", "drill_new_nfs");
	assert_null(at(&m, "volumes/nfs/driver_opts"));
	assert_true(was_cut(&m, "app",
	    "bind mount /var/run/docker.sock at /s, which the snapshot does not hold"));
	assert_true(was_cut(&m, "app", "npipe mount at /p"));
}

static void
services_join_only_each_other(void **state)
{
	AUTO(made) struct made m = { .cuts = DRILL_CUTS_INIT };
	struct err err;
	(void)state;
	ok(transform(&m,
	    "{\"services\":{\"a\":{\"network_mode\":\"service:b\",\"pid\":\"service:gone\","
	    "\"depends_on\":{\"b\":{\"condition\":\"service_healthy\",\"required\":true},"
	    "\"gone\":{\"condition\":\"service_started\"}}},"
	    "\"b\":{\"network_mode\":\"container:live\"},\"gone\":{\"image\":\"x\"}}}",
	    &err));
	assert_text(&m, "services/a/network_mode", "service:b");
	assert_null(at(&m, "services/a/networks"));
	assert_null(at(&m, "services/a/dns"));
	assert_null(at(&m, "services/a/pid"));
	assert_text(&m, "services/a/depends_on/b/condition", "service_healthy");
	assert_null(at(&m, "services/a/depends_on/gone"));
	assert_null(at(&m, "services/gone"));
	assert_null(at(&m, "services/b/network_mode"));
	assert_true(was_cut(&m, "b", "network_mode: container:live"));
}

static void
secrets_come_from_the_snapshot(void **state)
{
	AUTO(made) struct made m = { .cuts = DRILL_CUTS_INIT };
	struct err err;
	(void)state;
	ok(transform(&m,
	    "{\"services\":{\"a\":{\"secrets\":[{\"source\":\"in\"},{\"source\":\"out\"},"
	    "{\"source\":\"vault\"}]}},\"secrets\":{\"in\":{\"file\":\"/srv/shop/s\"},"
	    "\"out\":{\"file\":\"/etc/shadow\"},\"vault\":{\"external\":true}}}",
	    &err));
	assert_int_equal(json_array_size(at(&m, "services/a/secrets")), 1);
	assert_text(&m, "secrets/in/file", "/scratch/srv/shop/s");
	assert_true(was_cut(&m, "", "secret out: its file /etc/shadow is not in the snapshot"));
	assert_true(was_cut(&m, "", "secret vault: it is kept outside"));
}

static void
what_is_of_another_type_is_as_if_not_there(void **state)
{
	AUTO(made) struct made m = { .cuts = DRILL_CUTS_INIT };
	AUTO(made) struct made none = { .cuts = DRILL_CUTS_INIT };
	struct err err;
	(void)state;
	ok(transform(&m,
	    "{\"services\":{\"a\":{\"volumes\":\"x\",\"networks\":[1],\"depends_on\":7,"
	    "\"cap_add\":{\"a\":1},\"labels\":[],\"deploy\":3,\"secrets\":{},\"pid\":[],"
	    "\"security_opt\":\"x\"},\"b\":null},\"networks\":4,\"volumes\":[],"
	    "\"secrets\":\"x\"}",
	    &err));
	assert_text(&m, "services/a/image", "sha256:cafe");
	assert_text(&m, "services/b/image", "sha256:cafe");
	assert_int_equal(transform(&none, "{\"services\":[]}", &err), ERR_USAGE);
	assert_string_equal(err.msg, "the stored compose files describe no service at all");
	assert_int_equal(transform(&none, "{\"services\":{\"gone\":{}}}", &err), ERR_USAGE);
}

static void
limits_stay_and_reserved_devices_go(void **state)
{
	AUTO(made) struct made m = { .cuts = DRILL_CUTS_INIT };
	struct err err;
	(void)state;
	ok(transform(&m,
	    "{\"services\":{\"a\":{\"mem_limit\":\"64m\",\"deploy\":{\"replicas\":2,"
	    "\"resources\":{\"limits\":{\"memory\":\"1\"},\"reservations\":{\"devices\":["
	    "{\"driver\":\"nvidia\"}]}},\"restart_policy\":{\"condition\":\"any\"},"
	    "\"placement\":{\"constraints\":[\"x\"]}}}}}",
	    &err));
	assert_text(&m, "services/a/mem_limit", "64m");
	assert_text(&m, "services/a/deploy/resources/limits/memory", "1");
	assert_int_equal(json_integer_value(at(&m, "services/a/deploy/replicas")), 2);
	assert_null(at(&m, "services/a/deploy/resources/reservations"));
	assert_null(at(&m, "services/a/deploy/restart_policy"));
	assert_true(was_cut(&m, "a", "reserved devices"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(privileges_are_taken_and_told),
		cmocka_unit_test(nothing_is_published_or_obeyed_by_others),
		cmocka_unit_test(mounts_lead_into_the_scratch_or_go),
		cmocka_unit_test(services_join_only_each_other),
		cmocka_unit_test(secrets_come_from_the_snapshot),
		cmocka_unit_test(what_is_of_another_type_is_as_if_not_there),
		cmocka_unit_test(limits_stay_and_reserved_devices_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

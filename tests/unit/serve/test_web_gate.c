#include "testing.h"

#include "serve/assets.h"
#include "serve/web_download.h"
#include "serve/web_gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static void
gate_of(struct gate **out, const char *listen, bool proxy)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *hello = json_pack("{s:s, s:[s], s:b}", "listen", listen, "public",
	    "https://backup.example.org:8443/", "proxy", proxy);
	ok(gate_new(out, hello, &err));
}

static void
numbers_cannot_be_pointed_elsewhere(void **state)
{
	(void)state;
	AUTO(gate) struct gate *everywhere = NULL;
	AUTO(gate) struct gate *one = NULL;
	gate_of(&everywhere, "0.0.0.0:8080", false);
	gate_of(&one, "192.0.2.7:8080", false);
	assert_int_equal(gate_host(everywhere, "192.0.2.9:8080"), HOST_PLAIN);
	assert_int_equal(gate_host(everywhere, "[2001:db8::1]:8080"), HOST_PLAIN);
	assert_int_equal(gate_host(everywhere, "nas"), HOST_STRANGE);
	assert_int_equal(gate_host(one, "192.0.2.7"), HOST_PLAIN);
	assert_int_equal(gate_host(one, "192.0.2.9"), HOST_STRANGE);
	assert_int_equal(gate_host(one, "BACKUP.example.org"), HOST_SECURE);
	assert_int_equal(gate_host(one, NULL), HOST_STRANGE);
}

static void
an_origin_has_its_port(void **state)
{
	(void)state;
	AUTO(gate) struct gate *g = NULL;
	gate_of(&g, "127.0.0.1:8080", false);
	assert_true(gate_origin(g, NULL, "x"));
	assert_true(gate_origin(g, "http://localhost:8080", "localhost:8080"));
	assert_true(gate_origin(g, "https://backup.example.org:8443", "127.0.0.1:8080"));
	assert_false(gate_origin(g, "https://backup.example.org", "127.0.0.1:8080"));
	assert_false(gate_origin(g, "http://backup.example.org:8443", "127.0.0.1:8080"));
	assert_false(gate_origin(g, "http://localhost:8081", "localhost:8080"));
	assert_false(gate_origin(g, "ftp://localhost:8080", "localhost:8080"));
	assert_false(gate_origin(g, "localhost:8080", "localhost:8080"));
	assert_false(gate_origin(g, "http://localhost:8080", NULL));
}

static void
only_a_proxy_here_speaks_for_others(void **state)
{
	(void)state;
	AUTO(gate) struct gate *direct = NULL;
	AUTO(gate) struct gate *proxied = NULL;
	char from[GATE_FROM];
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 there = { .sin6_family = AF_INET6 };
	gate_of(&direct, "0.0.0.0:8080", false);
	gate_of(&proxied, "0.0.0.0:8080", true);
	gate_from(direct, from, (struct sockaddr *)&here, "203.0.113.9");
	assert_string_equal(from, "127.0.0.1");
	gate_from(proxied, from, (struct sockaddr *)&here, "198.51.100.1, 203.0.113.9 ");
	assert_string_equal(from, "203.0.113.9");
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::5", &there.sin6_addr), 1);
	gate_from(proxied, from, (struct sockaddr *)&there, "203.0.113.9");
	assert_string_equal(from, "2001:db8::5");
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &there.sin6_addr), 1);
	gate_from(proxied, from, (struct sockaddr *)&there, NULL);
	assert_string_equal(from, "192.0.2.1");
	assert_true(gate_is_tls(proxied, (struct sockaddr *)&here, "https"));
	assert_false(gate_is_tls(proxied, (struct sockaddr *)&there, "https"));
	assert_false(gate_is_tls(direct, (struct sockaddr *)&here, "https"));
	assert_false(gate_is_tls(proxied, (struct sockaddr *)&here, NULL));
}

static void
a_hello_without_addresses_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "{}", "{\"listen\":\"\"}", "{\"listen\":\"[::1\"}",
		"{\"listen\":\"x:y\"}",
		"{\"listen\":\"x\",\"public\":[\"backup.example.org\"]}",
		"{\"listen\":\"x\",\"public\":[7]}",
		"{\"listen\":\"x\",\"public\":[\"https://\"]}",
		"{\"listen\":\"x\",\"public\":[\"https://a/b\"]}" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_INIT;
		AUTO(json) json_t *hello = NULL;
		AUTO(gate) struct gate *g = NULL;
		ok(json_parse(&hello, bad[i], strlen(bad[i]), "test", &err));
		if (gate_new(&g, hello, &err) != ERR_CORRUPT)
			fail_msg("taken: %s", bad[i]);
	}
}

static void
json_is_named_exactly(void **state)
{
	(void)state;
	assert_true(gate_is_json("application/json"));
	assert_true(gate_is_json("Application/JSON ; charset=\"UTF-8\""));
	assert_false(gate_is_json(NULL));
	assert_false(gate_is_json("application/jsonp"));
	assert_false(gate_is_json("application/json; charset=utf-16"));
	assert_false(gate_is_json("text/plain; application/json"));
}

static void
a_name_of_a_download_is_only_a_name(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *want;
	} cases[] = {
		{ "a b.sql", "filename=\"a b.sql\"; filename*=UTF-8''a%20b.sql" },
		{ "../../etc/passwd", "filename=\"passwd\"; filename*=UTF-8''passwd" },
		{ ".bashrc", "filename=\"_bashrc\"; filename*=UTF-8''_bashrc" },
		{ "..", "filename=\"_.\"; filename*=UTF-8''_." },
		{ "", "filename=\"_\"; filename*=UTF-8''_" },
		{ "x/", "filename=\"_\"; filename*=UTF-8''_" },
		{ "a\"; b=\"c", "filename=\"a__ b__c\"; filename*=UTF-8''a_%3B%20b%3D_c" },
		{ "a\r\nX: y", "filename=\"a__X_ y\"; filename*=UTF-8''a__X_%20y" },
		{ "C:\\x", "filename=\"C__x\"; filename*=UTF-8''C__x" },
		{ "\xe2\x80\xaegpj.exe", "filename=\"_gpj.exe\"; filename*=UTF-8''_gpj.exe" },
		{ "\xff\xfe", "filename=\"__\"; filename*=UTF-8''__" },
		{ "\xc3\xa9", "filename=\"__\"; filename*=UTF-8''%C3%A9" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[DISPOSITION_MAX];
		download_disposition(out, cases[i].name);
		assert_int_equal(strncmp(out, "attachment; ", 12), 0);
		assert_string_equal(out + 12, cases[i].want);
	}
	char longest[2000];
	char out[DISPOSITION_MAX];
	memset(longest, 0xc3, sizeof longest);
	for (size_t i = 1; i < sizeof longest; i += 2)
		longest[i] = (char)0xa9;
	longest[sizeof longest - 1] = '\0';
	download_disposition(out, longest);
	assert_true(strlen(out) > 900 && strlen(out) < DISPOSITION_MAX - 1);
}

static void
views_are_the_page_and_missing_files_are_not(void **state)
{
	(void)state;
	const struct asset *page = asset_find("/index.html");
	assert_non_null(page);
	assert_ptr_equal(asset_for("/"), page);
	assert_ptr_equal(asset_for("/stacks/my.shop/runs"), page);
	assert_null(asset_for("/assets/index-12345678.js"));
	assert_null(asset_for("index.html"));
	assert_null(asset_for(""));
	for (size_t i = 0; i < assets_count; i++)
		assert_ptr_equal(asset_find(assets[i].path), &assets[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_cannot_be_pointed_elsewhere),
		cmocka_unit_test(an_origin_has_its_port),
		cmocka_unit_test(only_a_proxy_here_speaks_for_others),
		cmocka_unit_test(a_hello_without_addresses_is_refused),
		cmocka_unit_test(json_is_named_exactly),
		cmocka_unit_test(a_name_of_a_download_is_only_a_name),
		cmocka_unit_test(views_are_the_page_and_missing_files_are_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

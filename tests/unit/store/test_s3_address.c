#include "testing.h"

#include "store/s3_address.h"

static void
assert_parses(const char *text, const char *endpoint, const char *want)
{
	struct err err;
	AUTO(s3_address) struct s3_address a = { .scheme = NULL };
	AUTO(str) char *got = NULL;
	ok(s3_address_parse(&a, text, endpoint, &err));
	ok(str_printf(&got, &err, "%s %s %s [%s] %s %s", a.scheme, a.host ? a.host : "-",
	    a.bucket, a.prefix, a.region ? a.region : "-",
	    s3_address_is_virtual(&a) ? "virtual" : "path"));
	assert_string_equal(got, want);
}

static void
addresses_say_where_to(void **state)
{
	(void)state;
	assert_parses(
	    "s3:https://minio.lan:9000/bucket", NULL, "https minio.lan:9000 bucket [] - path");
	assert_parses("s3:http://127.0.0.1:80/bucket/a/b c/", NULL,
	    "http 127.0.0.1:80 bucket [a/b c/] - path");
	assert_parses("s3:minio.lan/bucket//a", NULL, "https minio.lan bucket [a/] - path");
	assert_parses("s3://bucket/a", NULL, "https - bucket [a/] - virtual");
	assert_parses(
	    "s3://bucket/a", "http://[::1]:9000", "http [::1]:9000 bucket [a/] - path");
	assert_parses("s3://bucket.with.dots", NULL, "https - bucket.with.dots [] - path");
}

static void
regions_are_read_from_names_of_hosts(void **state)
{
	(void)state;
	assert_parses("s3:s3.eu-west-1.amazonaws.com/bucket", NULL,
	    "https s3.eu-west-1.amazonaws.com bucket [] eu-west-1 virtual");
	assert_parses("s3:s3.dualstack.eu-west-1.amazonaws.com/bucket", NULL,
	    "https s3.dualstack.eu-west-1.amazonaws.com bucket [] eu-west-1 virtual");
	assert_parses(
	    "s3:s3.amazonaws.com/bucket", NULL, "https s3.amazonaws.com bucket [] - virtual");
	assert_parses("s3:s3.us-west-004.backblazeb2.com/bucket", NULL,
	    "https s3.us-west-004.backblazeb2.com bucket [] us-west-004 path");
	assert_parses("s3:acc.r2.cloudflarestorage.com/bucket", NULL,
	    "https acc.r2.cloudflarestorage.com bucket [] auto path");
	assert_parses(
	    "s3:s3.example.org/bucket", NULL, "https s3.example.org bucket [] - path");
}

static void
parameters_count_before_guesses(void **state)
{
	(void)state;
	struct err err;
	assert_parses("s3:s3.eu-west-1.amazonaws.com/bucket?region=us-east-1&style=path", NULL,
	    "https s3.eu-west-1.amazonaws.com bucket [] us-east-1 path");
	assert_parses(
	    "s3:h.lan/bucket/a?style=virtual", NULL, "https h.lan bucket [a/] - virtual");
	AUTO(s3_address) struct s3_address a = { .scheme = NULL };
	ok(s3_address_parse(&a,
	    "s3:h.lan/bucket?ca=/etc/my%20ca.pem&profile=p&credentials=/root/k&part-size=8&"
	    "lag=30&conditional=no",
	    NULL, &err));
	assert_string_equal(a.ca_file, "/etc/my ca.pem");
	assert_string_equal(a.profile, "p");
	assert_string_equal(a.credentials, "/root/k");
	assert_int_equal(a.part_mib, 8);
	assert_int_equal(a.lag_s, 30);
	assert_int_equal(a.conditional, S3_CONDITIONAL_IGNORED);
	ok(s3_address_set_region(&a, "r", &err));
	assert_string_equal(a.region, "r");
	assert_string_equal(a.host, "h.lan");
}

static void
aws_has_an_endpoint_for_each_region(void **state)
{
	(void)state;
	struct err err;
	AUTO(s3_address) struct s3_address a = { .scheme = NULL };
	AUTO(s3_address) struct s3_address cn = { .scheme = NULL };
	ok(s3_address_parse(&a, "s3://bucket?region=eu-north-1", NULL, &err));
	ok(s3_address_set_region(&a, "us-east-1", &err));
	assert_string_equal(a.host, "s3.eu-north-1.amazonaws.com");
	ok(s3_address_parse(&cn, "s3://bucket", NULL, &err));
	ok(s3_address_set_region(&cn, "cn-north-1", &err));
	assert_string_equal(cn.host, "s3.cn-north-1.amazonaws.com.cn");
	assert_true(s3_address_is_aws(&cn));
	assert_false(s3_address_is("/backup"));
	assert_false(s3_address_is("./s3:x"));
}

static void
addresses_that_mean_nothing_are_refused(void **state)
{
	(void)state;
	struct err err;
	struct s3_address a;
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
		{ "s3:", "s3:: no host in the address" },
		{ "s3:https:///bucket", "s3:https:///bucket: no host in the address" },
		{ "s3:h.lan", "s3:h.lan: no bucket in the address" },
		{ "s3:h.lan/", "s3:h.lan/: no bucket in the address" },
		{ "s3://", "s3://: no bucket in the address" },
		{ "s3:h.lan/ab", "s3:h.lan/ab: ab: not a bucket's name: 3 to 63 letters, "
				 "digits, hyphens and "
				 "dots" },
		{ "s3:h.lan/bucket/../x",
		    "s3:h.lan/bucket/../x: '.' and '..' mean nothing in a prefix" },
		{ "s3:h.lan/bucket/a\nb",
		    "s3:h.lan/bucket/a\nb: a control character in the prefix" },
		{ "s3:h\x01/bucket", "s3:h\x01/bucket: bad host: h\x01" },
		{ "s3:https://id:key@h.lan/bucket",
		    "s3:…: no user or password in an address: set AWS_ACCESS_KEY_ID and "
		    "AWS_SECRET_ACCESS_KEY, or give --s3-credentials FILE" },
		{ "s3:h.lan/bucket?style=odd",
		    "s3:h.lan/bucket?style=odd: style=odd: there are auto, path and virtual" },
		{ "s3:h.lan/bucket?part-size=4",
		    "s3:h.lan/bucket?part-size=4: part-size=4: from 5 to 1024" },
		{ "s3:h.lan/bucket?lag=x", "s3:h.lan/bucket?lag=x: lag=x: not a number" },
		{ "s3:h.lan/bucket?region",
		    "s3:h.lan/bucket?region: region: a parameter without a value" },
		{ "s3:h.lan/bucket?ca=%zz", "s3:h.lan/bucket?ca=%zz: bad %-escape in %zz" },
		{ "s3:h.lan/bucket?ca=%2", "s3:h.lan/bucket?ca=%2: bad %-escape in %2" },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refused(s3_address_parse(&a, bad[i].text, NULL, &err), ERR_USAGE, bad[i].why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_say_where_to),
		cmocka_unit_test(regions_are_read_from_names_of_hosts),
		cmocka_unit_test(parameters_count_before_guesses),
		cmocka_unit_test(aws_has_an_endpoint_for_each_region),
		cmocka_unit_test(addresses_that_mean_nothing_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

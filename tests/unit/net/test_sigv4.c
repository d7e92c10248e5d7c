/*
 * SigV4 by what AWS has published: the vectors of its SigV4 test suite (secret
 * wJalr…+bPx…), the derivation example, and the examples in S3's API reference
 * (secret wJalr…/bPx…).
 */
#include "testing.h"

#include "net/sigv4.h"

#define SUITE_ID "AKIDEXAMPLE"
#define SUITE_KEY "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define SUITE_DATE "20150830T123600Z"
#define SUITE_HOST "Host:example.amazonaws.com"
#define SUITE_WHEN "X-Amz-Date:20150830T123600Z"

struct vector {
	const char *method;
	const char *path;
	const char *query;
	const char *headers[6];
	const char *payload_hash;
	const char *names;
	const char *signature;
};

static const struct vector suite[] = {
	/* get-vanilla */
	{ "GET", "/", "", { SUITE_HOST, SUITE_WHEN }, SIGV4_EMPTY, "host;x-amz-date",
	    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	/* get-vanilla-query-order-key-case */
	{ "GET", "/", "Param2=value2&Param1=value1", { SUITE_HOST, SUITE_WHEN }, SIGV4_EMPTY,
	    "host;x-amz-date",
	    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	/* get-vanilla-empty-query-key */
	{ "GET", "/", "Param1=value1", { SUITE_HOST, SUITE_WHEN }, SIGV4_EMPTY,
	    "host;x-amz-date",
	    "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
	/* get-vanilla-query-unreserved */
	{ "GET", "/",
	    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	    { SUITE_HOST, SUITE_WHEN }, SIGV4_EMPTY, "host;x-amz-date",
	    "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
	/* get-unreserved */
	{ "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", NULL,
	    { SUITE_HOST, SUITE_WHEN }, SIGV4_EMPTY, "host;x-amz-date",
	    "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
	/* get-utf8 */
	{ "GET", "/%E1%88%B4", NULL, { SUITE_HOST, SUITE_WHEN }, SIGV4_EMPTY, "host;x-amz-date",
	    "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	/* post-vanilla */
	{ "POST", "/", NULL, { SUITE_HOST, SUITE_WHEN }, SIGV4_EMPTY, "host;x-amz-date",
	    "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	/* post-header-key-sort */
	{ "POST", "/", NULL, { SUITE_HOST, "My-Header1:value1", SUITE_WHEN }, SIGV4_EMPTY,
	    "host;my-header1;x-amz-date",
	    "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
	/* get-header-key-duplicate */
	{ "GET", "/", NULL,
	    { SUITE_HOST, "My-Header1:value2", "My-Header1:value2", "My-Header1:value1",
		SUITE_WHEN },
	    SIGV4_EMPTY, "host;my-header1;x-amz-date",
	    "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
	/* get-header-value-order */
	{ "GET", "/", NULL,
	    { SUITE_HOST, "My-Header1:value4", "My-Header1:value1", "My-Header1:value3",
		"My-Header1:value2", SUITE_WHEN },
	    SIGV4_EMPTY, "host;my-header1;x-amz-date",
	    "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01" },
	/* get-header-value-trim */
	{ "GET", "/", NULL,
	    { SUITE_HOST, "My-Header1: value1", "My-Header2: \"a   b   c\"", SUITE_WHEN },
	    SIGV4_EMPTY, "host;my-header1;my-header2;x-amz-date",
	    "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	/* post-x-www-form-urlencoded: of the body "Param1=value1" */
	{ "POST", "/", NULL,
	    { "Content-Type:application/x-www-form-urlencoded", SUITE_HOST, SUITE_WHEN },
	    "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
	    "content-type;host;x-amz-date",
	    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
};

static void
fill(struct strv *headers, const struct vector *v)
{
	struct err err;
	for (size_t i = 0; i < ARRAY_LEN(v->headers) && v->headers[i] != NULL; i++)
		ok(strv_add(headers, v->headers[i], &err));
}

static struct sigv4 *
signer(const char *id, const char *key, const char *service)
{
	struct err err;
	AUTO(secret) struct secret *secret = NULL;
	struct sigv4 *s = NULL;
	ok(secret_copy(&secret, key, strlen(key), &err));
	ok(sigv4_new(&s, id, secret, "us-east-1", service, &err));
	return s;
}

static void
assert_signs(struct sigv4 *s, const struct vector *v, const char *id, const char *date,
    const char *service)
{
	struct err err;
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	AUTO(str) char *want = NULL;
	fill(&headers, v);
	struct sigv4_request r = { v->method, v->path, v->query, &headers, v->payload_hash,
		date };
	ok(sigv4_sign(s, &r, &out, &err));
	ok(str_printf(&want, &err,
	    "AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, SignedHeaders=%s, "
	    "Signature=%s",
	    id, date, service, v->names, v->signature));
	assert_string_equal(buf_cstr(&out), want);
}

static void
the_vectors_of_the_test_suite_are_signed_as_published(void **state)
{
	(void)state;
	AUTO(sigv4) struct sigv4 *s = signer(SUITE_ID, SUITE_KEY, "service");
	for (size_t i = 0; i < ARRAY_LEN(suite); i++)
		assert_signs(s, &suite[i], SUITE_ID, SUITE_DATE, "service");
}

static void
the_examples_of_s3_are_signed_as_published(void **state)
{
	(void)state;
	static const struct vector examples[] = {
		{ "GET", "/test.txt", NULL,
		    { "Host: examplebucket.s3.amazonaws.com", "Range: bytes=0-9",
			"x-amz-content-sha256: " SIGV4_EMPTY, "x-amz-date: 20130524T000000Z" },
		    SIGV4_EMPTY, "host;range;x-amz-content-sha256;x-amz-date",
		    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
		{ "PUT", "/test%24file.text", NULL,
		    { "Date: Fri, 24 May 2013 00:00:00 GMT",
			"Host: examplebucket.s3.amazonaws.com",
			"x-amz-content-sha256: "
			"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			"x-amz-date: 20130524T000000Z",
			"x-amz-storage-class: REDUCED_REDUNDANCY" },
		    "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
		    "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
		    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
		{ "GET", "/", "lifecycle",
		    { "Host: examplebucket.s3.amazonaws.com",
			"x-amz-content-sha256: " SIGV4_EMPTY, "x-amz-date: 20130524T000000Z" },
		    SIGV4_EMPTY, "host;x-amz-content-sha256;x-amz-date",
		    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
		{ "GET", "/", "max-keys=2&prefix=J",
		    { "Host: examplebucket.s3.amazonaws.com",
			"x-amz-content-sha256: " SIGV4_EMPTY, "x-amz-date: 20130524T000000Z" },
		    SIGV4_EMPTY, "host;x-amz-content-sha256;x-amz-date",
		    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
	};
	AUTO(sigv4)
	struct sigv4 *s =
	    signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "s3");
	for (size_t i = 0; i < ARRAY_LEN(examples); i++)
		assert_signs(s, &examples[i], "AKIAIOSFODNN7EXAMPLE", "20130524T000000Z", "s3");
}

static void
the_canonical_request_is_as_published(void **state)
{
	(void)state;
	struct err err;
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	static const struct vector order = { .headers = { SUITE_HOST, "My-Header1:value4",
						 "My-Header1: value1 ", "My-Header1:value3",
						 SUITE_WHEN } };
	fill(&headers, &order);
	struct sigv4_request r = { "GET", "/", "b=2&a1=x&a=1&c&a=0", &headers, SIGV4_EMPTY,
		SUITE_DATE };
	ok(sigv4_canonical(&r, &out, &err));
	assert_string_equal(buf_cstr(&out),
	    "GET\n/\na=0&a=1&a1=x&b=2&c=\n"
	    "host:example.amazonaws.com\nmy-header1:value4,value1,value3\n"
	    "x-amz-date:20150830T123600Z\n\nhost;my-header1;x-amz-date\n" SIGV4_EMPTY);
}

/* One signer, two days and back: the key that is kept must be that of the day. */
static void
each_day_has_a_key_of_its_own(void **state)
{
	(void)state;
	struct err err;
	AUTO(sigv4) struct sigv4 *s = signer(SUITE_ID, SUITE_KEY, "service");
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	ok(strv_add(&headers, SUITE_HOST, &err));
	struct sigv4_request r = { "GET", "/", NULL, &headers, SIGV4_EMPTY,
		"20150831T000000Z" };
	assert_signs(s, &suite[0], SUITE_ID, SUITE_DATE, "service");
	ok(sigv4_sign(s, &r, &out, &err));
	assert_non_null(strstr(buf_cstr(&out), "AKIDEXAMPLE/20150831/"));
	assert_signs(s, &suite[0], SUITE_ID, SUITE_DATE, "service");
}

static void
text_is_encoded_as_sigv4_demands(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf out = BUF_INIT;
	ok(sigv4_encode(&out, "a/b c+\xc3\xa9~-._*", true, &err));
	assert_string_equal(buf_cstr(&out), "a/b%20c%2B%C3%A9~-._%2A");
	out.len = 0;
	ok(sigv4_encode(&out, "a/b", false, &err));
	assert_string_equal(buf_cstr(&out), "a%2Fb");
}

static void
a_date_is_in_utc(void **state)
{
	(void)state;
	char date[SIGV4_DATE_SIZE];
	sigv4_date(date, INT64_C(1440938160) * 1000000000);
	assert_string_equal(date, SUITE_DATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_the_test_suite_are_signed_as_published),
		cmocka_unit_test(the_examples_of_s3_are_signed_as_published),
		cmocka_unit_test(the_canonical_request_is_as_published),
		cmocka_unit_test(each_day_has_a_key_of_its_own),
		cmocka_unit_test(text_is_encoded_as_sigv4_demands),
		cmocka_unit_test(a_date_is_in_utc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

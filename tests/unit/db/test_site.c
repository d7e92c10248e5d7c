#include "testing.h"

#include "db/site.h"

static void
gives_back(const char *url, const char *want, const char *password)
{
	struct err err;
	AUTO(db_site) struct db_site s = DB_SITE_INIT;
	AUTO(str) char *text = NULL;
	ok(db_site_parse(&s, url, &err));
	ok(db_site_url(&text, &s, &err));
	assert_string_equal(text, want);
	if (password == NULL)
		assert_null(s.password);
	else
		assert_string_equal(s.password, password);
}

static void
address_is_read_and_written_without_its_password(void **state)
{
	(void)state;
	gives_back("postgres://u:p@db/shop", "postgres://u@db:5432/shop", "p");
	gives_back("postgresql://db", "postgres://db:5432", NULL);
	gives_back("mysql://db:3307/", "mysql://db:3307", NULL);
	gives_back(
	    "mariadb://u:@[fe80::1]:3307/a%2Fb", "mariadb://u@[fe80::1]:3307/a%2Fb", NULL);
	gives_back("redis://:p%40%3a@db", "redis://db:6379", "p@:");
	gives_back("mongodb://u:p@db", "mongodb://u@db:27017", "p");
	gives_back("valkey://", "valkey://127.0.0.1:6379", NULL);
	gives_back("postgres://u:a@b@db", "postgres://u@db:5432", "a@b");
	gives_back("postgres://%c3%bc@db/%C3%9C", "postgres://%C3%BC@db:5432/%C3%9C", NULL);
	gives_back("postgres:///shop?socket=/run/pg&sslmode=disable",
	    "postgres:///shop?sslmode=disable&socket=/run/pg", NULL);
	gives_back("postgres://db/x?sslmode=verify-full&sslrootcert=/etc/a%26b.pem",
	    "postgres://db:5432/x?sslmode=verify-full&sslrootcert=/etc/a%26b.pem", NULL);
	gives_back("rediss://db", "rediss://db:6379?sslmode=verify-full", NULL);
	gives_back("valkeys://db?sslmode=require", "valkeys://db:6379?sslmode=require", NULL);
	gives_back("mongodb://db/?tls=true&tlsCAFile=/ca&tlsCertificateKeyFile=/a%20b",
	    "mongodb://db:27017?sslmode=verify-full&sslrootcert=/ca&sslcert=/a%20b&sslkey=/"
	    "a%20b",
	    NULL);
	gives_back("mongodb://db/?tls=false", "mongodb://db:27017", NULL);
	gives_back("sqlite:/srv/a b.db", "sqlite:/srv/a b.db", NULL);
	gives_back("sqlite:///srv/a.db", "sqlite:/srv/a.db", NULL);
}

static void
address_that_makes_no_sense_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		enum err_code code;
		const char *why;
	} bad[] = {
		{ "", ERR_USAGE, "an address begins with " },
		{ "postgres:x", ERR_USAGE, "an address begins with " },
		{ "http://db", ERR_USAGE, "an address begins with " },
		{ "postgres://a,b/x", ERR_UNSUPPORTED, "the address names several hosts" },
		{ "postgres://a:0", ERR_USAGE, "the address's port must be 1 to 65535" },
		{ "postgres://a:65536", ERR_USAGE, "the address's port must be 1 to 65535" },
		{ "postgres://a:99999999999999999999", ERR_USAGE, "the address's port " },
		{ "postgres://a:", ERR_USAGE, "the address's port must be 1 to 65535" },
		{ "postgres://u:p/w@h", ERR_USAGE, "the address's port is no number" },
		{ "postgres://[::1", ERR_USAGE, "the address's '[' is not closed" },
		{ "postgres://[::1]x", ERR_USAGE, "the address's '[' is not closed" },
		{ "postgres://u%4@h", ERR_USAGE, "the address's user: behind a '%'" },
		{ "postgres://u:%@h", ERR_USAGE, "the address's password: behind a '%'" },
		{ "postgres://h/%zz", ERR_USAGE, "the address's database: behind a '%'" },
		{ "postgres://h/%00", ERR_USAGE, "the address's database: behind a '%'" },
		{ "postgres://h/x#y", ERR_USAGE, "the address holds a '#'" },
		{ "postgres://h?sslmode", ERR_USAGE, "the address's option 'sslmode'" },
		{ "postgres://h?password=secret", ERR_USAGE,
		    "the address's option 'password'" },
		{ "postgres://h?socket=/run", ERR_USAGE,
		    "the address has a host and a socket" },
		{ "postgres://?socket=run", ERR_USAGE, "socket= takes an absolute path" },
		{ "redis://h/1", ERR_USAGE, "a server's databases are saved together" },
		{ "redis://h?sslmode=prefer", ERR_USAGE, "sslmode is one of: require" },
		{ "redis://h?sslrootcert=/ca", ERR_USAGE, "the address has certificates" },
		{ "rediss://h?sslcert=/c", ERR_USAGE, "sslcert= and sslkey= belong together" },
		{ "rediss://h?tls=true", ERR_USAGE, "the address's option 'tls'" },
		{ "rediss://?socket=/run/r", ERR_USAGE, "TLS is not spoken on a socket" },
		{ "mongodb://h?tls=yes", ERR_USAGE, "tls= is true or false" },
		{ "mongodb://h?tlsCAFile=/ca", ERR_USAGE, "the address has certificates" },
		{ "mongodb://h?tlsAllowInvalidHostnames=true", ERR_USAGE,
		    "the address's option 'tlsAllowInvalidHostnames'" },
		{ "postgres://h?sslcert=/c", ERR_USAGE, "the address's option 'sslcert'" },
		{ "mongodb://h/shop", ERR_USAGE, "a server's databases are saved together" },
		{ "mongodb://a,b", ERR_UNSUPPORTED, "the address names several hosts" },
		{ "mongodb+srv://h", ERR_UNSUPPORTED, "addresses of mongodb+srv" },
		{ "sqlite:", ERR_USAGE, "sqlite: what follows is the file's path" },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err;
		struct db_site s = DB_SITE_INIT;
		refused_like(db_site_parse(&s, bad[i].url, &err), bad[i].code, bad[i].why);
		assert_null(s.host);
		assert_null(strstr(err.msg, "secret"));
	}
}

static void
password_is_replaced(void **state)
{
	(void)state;
	struct err err;
	AUTO(db_site) struct db_site s = DB_SITE_INIT;
	ok(db_site_parse(&s, "redis://:old@h", &err));
	ok(db_site_set_password(&s, "new", 3, &err));
	assert_string_equal(s.password, "new");
	refused(db_site_set_password(&s, "a\0b", 3, &err), ERR_USAGE,
	    "the password holds a NUL byte");
	ok(db_site_set_password(&s, NULL, 0, &err));
	assert_null(s.password);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_is_read_and_written_without_its_password),
		cmocka_unit_test(address_that_makes_no_sense_is_refused),
		cmocka_unit_test(password_is_replaced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

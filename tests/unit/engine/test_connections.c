#include "testing.h"

#include "engine/connections.h"
#include "sys/fs.h"

#include <sys/stat.h>

static int
make_folder(void **state)
{
	struct err err;
	char *dir;
	ok(fs_make_temp_dir(&dir, "connections", &err));
	*state = dir;
	return 0;
}

static int
remove_folder(void **state)
{
	struct err err;
	ok(fs_remove_tree(*state, &err));
	free(*state);
	return 0;
}

static void
put(struct connections *l, const char *name, const char *url)
{
	struct err err;
	AUTO(connection) struct connection c = CONNECTION_INIT;
	ok(str_dup(&c.name, name, &err));
	ok(str_dup(&c.env, "prod", &err));
	ok(db_site_parse(&c.site, url, &err));
	c.added_ns = 1234567890123456789;
	ok(connections_put(l, &c, &err));
	assert_null(c.name);
}

static void
list_comes_back_as_it_was_saved_in_order(void **state)
{
	struct err err;
	AUTO(connections) struct connections *l = NULL;
	AUTO(str) char *url = NULL;
	ok(connections_open(&l, *state, NULL, CONNECTIONS_CHANGE, &err));
	put(l, "b", "postgres://u:p%40w@h:1234/d?sslmode=require&sslrootcert=/c.pem");
	put(l, "a", "sqlite:/x/y.db");
	put(l, "c", "redis://h");
	put(l, "c", "valkey://h2");
	ok(connections_save(l, &err));
	connections_close(TAKE(l));
	ok(connections_open(&l, *state, NULL, CONNECTIONS_READ, &err));
	assert_int_equal(connections_count(l), 3);
	assert_string_equal(connections_at(l, 0)->name, "a");
	assert_string_equal(connections_at(l, 0)->site.path, "/x/y.db");
	const struct connection *b = connections_find(l, "b");
	assert_string_equal(b->env, "prod");
	assert_null(b->project);
	assert_int_equal(b->added_ns, 1234567890123456789);
	assert_string_equal(b->site.password, "p@w");
	ok(db_site_url(&url, &b->site, &err));
	assert_string_equal(url, "postgres://u@h:1234/d?sslmode=require&sslrootcert=/c.pem");
	assert_int_equal(connections_find(l, "c")->site.kind, DB_VALKEY);
	assert_null(connections_find(l, "d"));
}

static void
removed_one_is_gone(void **state)
{
	struct err err;
	AUTO(connections) struct connections *l = NULL;
	ok(connections_open(&l, *state, NULL, CONNECTIONS_CHANGE, &err));
	ok(connections_remove(l, "b", &err));
	refused(
	    connections_remove(l, "b", &err), ERR_NOT_FOUND, "there is no database called b");
	ok(connections_save(l, &err));
	connections_close(TAKE(l));
	ok(connections_open(&l, *state, NULL, CONNECTIONS_READ, &err));
	assert_int_equal(connections_count(l), 2);
}

/* Each byte of the file, each cut of it, each bit of the key. */
static void
damage_is_found(void **state)
{
	struct err err;
	AUTO(str) char *path = NULL;
	AUTO(str) char *key_path = NULL;
	AUTO(bufv) struct buf file = BUF_INIT;
	AUTO(bufv) struct buf key = BUF_INIT;
	struct connections *l = NULL;
	ok(str_printf(&path, &err, "%s/databases", (const char *)*state));
	ok(str_printf(&key_path, &err, "%s/databases.key", (const char *)*state));
	ok(fs_read_file(path, 65536, &file, &err));
	ok(fs_read_file(key_path, 65536, &key, &err));
	for (size_t i = 0; i < file.len; i += i < 32 ? 1 : 13) {
		file.data[i] ^= 1;
		ok(fs_write_file(path, 0600, file.data, file.len, &err));
		enum err_code rc = connections_open(&l, *state, NULL, CONNECTIONS_READ, &err);
		assert_int_equal(rc, i == 7 ? ERR_UNSUPPORTED : ERR_CORRUPT);
		file.data[i] ^= 1;
	}
	for (size_t len = 0; len < file.len; len += 7) {
		ok(fs_write_file(path, 0600, file.data, len, &err));
		assert_int_equal(
		    connections_open(&l, *state, NULL, CONNECTIONS_READ, &err), ERR_CORRUPT);
	}
	ok(fs_write_file(path, 0600, file.data, file.len, &err));
	key.data[3] ^= 0x40;
	ok(fs_write_file(key_path, 0600, key.data, key.len, &err));
	assert_int_equal(
	    connections_open(&l, *state, NULL, CONNECTIONS_CHANGE, &err), ERR_CORRUPT);
	ok(fs_write_file(key_path, 0600, key.data, 15, &err));
	assert_int_equal(connections_open(&l, *state, NULL, CONNECTIONS_READ, &err), ERR_USAGE);
	key.data[3] ^= 0x40;
	ok(fs_write_file(key_path, 0640, key.data, key.len, &err));
	assert_int_equal(
	    connections_open(&l, *state, NULL, CONNECTIONS_READ, &err), ERR_DENIED);
	ok(fs_write_file(key_path, 0600, key.data, key.len, &err));
	ok(connections_open(&l, *state, NULL, CONNECTIONS_READ, &err));
	connections_close(l);
}

/* A list whose key was lost must not be sealed with a new one. */
static void
lost_key_is_not_made_anew(void **state)
{
	struct err err;
	struct connections *l = NULL;
	AUTO(str) char *elsewhere = NULL;
	ok(str_printf(&elsewhere, &err, "%s/other.key", (const char *)*state));
	assert_int_equal(
	    connections_open(&l, *state, elsewhere, CONNECTIONS_CHANGE, &err), ERR_NOT_FOUND);
	assert_false(fs_exists(elsewhere));
}

static void
names_are_plain(void **state)
{
	(void)state;
	struct err err;
	static const char *const bad[] = { "", "-a", ".a", "a/b", "a b", "a,b", "a\n",
		"\xc3\xa4",
		"0123456789012345678901234567890123456789012345678901234567890123" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(connection_check_name(bad[i], &err), ERR_USAGE);
	ok(connection_check_name("shop-1.eu_west", &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_comes_back_as_it_was_saved_in_order),
		cmocka_unit_test(removed_one_is_gone),
		cmocka_unit_test(damage_is_found),
		cmocka_unit_test(lost_key_is_not_made_anew),
		cmocka_unit_test(names_are_plain),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

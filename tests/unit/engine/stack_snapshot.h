/*
 * stack_snapshot.h: a small stack's snapshot in the repository of tree/fixture.h,
 * as a backup leaves it.
 */
#ifndef TESTS_UNIT_ENGINE_STACK_SNAPSHOT_H
#define TESTS_UNIT_ENGINE_STACK_SNAPSHOT_H

#include "tree/fixture.h"

#include "crypto/hash.h"
#include "engine/browse.h"
#include "repo/snapshot.h"

/* What the dump files hold. */
#define DUMP_TEXT "create table t (n int);\n"
#define GLOBALS_TEXT "create role r;\n"

#define UNNAMED "00000000000000000000000000000000000000000000000000000000000000ab"

static const char stack_document[] =
    "{\"version\":1,\"source\":{\"kind\":\"stack\",\"name\":\"shop\"},\"problem_count\":0,"
    "\"root\":\"%s\",\"stats\":{\"files\":3,\"bytes\":60},"
    "\"members\":["
    "{\"kind\":\"project\",\"name\":\"/srv/shop\",\"path\":\"project\",\"source\":\"/srv/"
    "shop\","
    "\"exclude\":[\"pgdata\"],\"files\":1,\"bytes\":9},"
    "{\"kind\":\"file\",\"name\":\"/etc/shop.env\",\"path\":\"files/etc/shop.env\","
    "\"source\":\"/etc/shop.env\",\"exclude\":[]},"
    "{\"kind\":\"bind\",\"name\":\"/srv/media\",\"path\":\"binds/srv/media\","
    "\"source\":\"/srv/media\",\"exclude\":[\"cache\"]},"
    "{\"kind\":\"volume\",\"name\":\"shop_uploads\",\"path\":\"volumes/shop_uploads\","
    "\"source\":\"/v/shop_uploads/_data\",\"exclude\":[]},"
    "{\"kind\":\"volume\",\"name\":\"fixed\",\"path\":\"volumes/fixed\",\"source\":\"/v/"
    "fixed\"},"
    "{\"kind\":\"volume\",\"name\":\"" UNNAMED "\",\"path\":\"volumes/" UNNAMED "\","
    "\"source\":\"/v/x\"},"
    "{\"kind\":\"database\",\"name\":\"db\",\"path\":\"databases/db\",\"source\":null,"
    "\"engine\":\"postgres\",\"bytes\":39,\"streams\":["
    "{\"name\":\"globals.sql\",\"format\":\"postgres\",\"sha256\":\"%s\"},"
    "{\"name\":\"shop.sql\",\"format\":\"postgres\",\"sha256\":\"%s\"}]},"
    "{\"kind\":\"database\",\"name\":\"cache\",\"path\":\"databases/cache\",\"source\":null,"
    "\"engine\":\"redis\",\"bytes\":5,\"streams\":["
    "{\"name\":\"server.json\",\"format\":\"json\",\"sha256\":\"%s\"},"
    "{\"name\":\"dump.rdb\",\"format\":\"rdb\",\"sha256\":\"%s\"}]},"
    "{\"kind\":\"meta\",\"name\":\"meta\",\"path\":\"meta\",\"source\":null}],"
    "\"stack\":{\"name\":\"shop\",\"working_dir\":\"/srv/shop\","
    "\"config_files\":[\"/srv/shop/compose.yaml\",\"/etc/shop.env\"],\"env_files\":[],"
    "\"services\":["
    "{\"service\":\"cache\",\"number\":1,\"container\":\"shop-cache-1\",\"image\":\"redis:7\","
    "\"image_id\":\"sha256:2\",\"digests\":[],\"state\":\"running\"},"
    "{\"service\":\"db\",\"number\":1,\"container\":\"shop-db-1\",\"image\":\"postgres:15\","
    "\"image_id\":\"sha256:1\",\"digests\":[],\"state\":\"running\"},"
    "{\"service\":\"job\",\"number\":1,\"container\":\"shop-job-1\",\"image\":\"app:1\","
    "\"image_id\":\"sha256:3\",\"digests\":[],\"state\":\"stopped\"}],"
    "\"volumes\":["
    "{\"name\":\"shop_uploads\",\"key\":\"uploads\",\"driver\":\"local\",\"labels\":["
    "\"com.docker.compose.config-hash=1234\",\"com.docker.compose.project=shop\","
    "\"com.docker.compose.volume=uploads\"],\"options\":[],\"external\":false},"
    "{\"name\":\"shop_cache\",\"key\":\"cache\",\"driver\":\"local\",\"labels\":[],"
    "\"options\":[],\"external\":false},"
    "{\"name\":\"fixed\",\"key\":\"fixed\",\"driver\":\"local\",\"labels\":["
    "\"com.docker.compose.project=shop\"],\"options\":[],\"external\":false},"
    "{\"name\":\"" UNNAMED "\",\"key\":null,\"driver\":\"local\",\"labels\":[],\"options\":[],"
    "\"external\":false}],"
    "\"networks\":[],\"gaps\":[]}}";

static const char db_inspect[] =
    "{\"Config\":{\"Image\":\"postgres:15\",\"Env\":[\"PGDATA=/var/lib/postgresql/data\"],"
    "\"Cmd\":[\"postgres\"]},\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/srv/shop/pgdata\","
    "\"Destination\":\"/var/lib/postgresql/data\"}]}";

static const char cache_inspect[] =
    "{\"Config\":{\"Image\":\"redis:7\",\"Env\":[],\"Cmd\":[\"redis-server\"]},\"Mounts\":["
    "{\"Type\":\"volume\",\"Name\":\"shop_cache\",\"Destination\":\"/data\"},"
    "{\"Type\":\"volume\",\"Name\":\"" UNNAMED "\",\"Destination\":\"/spool\"}]}";

static inline void
stored(const struct fixture *f, const char *path, const char *text)
{
	struct err err;
	AUTO(str) char *full = NULL;
	AUTO(str) char *holder = NULL;
	ok(str_printf(&full, &err, "%s/%s", f->source, path));
	ok(str_dupn(&holder, full, (size_t)(strrchr(full, '/') - full), &err));
	ok(fs_mkdirs(holder, 0755, &err));
	ok(fs_write_file(full, 0644, text, strlen(text), &err));
}

static inline void
sha256_text(char out[65], const char *text)
{
	struct err err;
	uint8_t sum[HASH_SIZE];
	ok(sha256_of(text, strlen(text), sum, &err));
	hex_encode(out, sum, sizeof sum);
}

/* The snapshot; shop_sha256 (NULL: the true one) is recorded for databases/db/shop.sql. */
static inline void
stack_snapshot(struct fixture *f, const char *shop_sha256, struct id *id)
{
	struct err err;
	struct tree_save_options so = TREE_SAVE_OPTIONS_INIT;
	AUTO(tree_saved) struct tree_saved saved = TREE_SAVED_INIT;
	AUTO(bufv) struct buf root = BUF_INIT;
	AUTO(bufv) struct buf document = BUF_INIT;
	char globals[65];
	char shop[65];
	char facts[65];
	char rdb[65];
	stored(f, "project/compose.yaml", "services:");
	stored(f, "files/etc/shop.env", "A=1\n");
	stored(f, "binds/srv/media/m", "media");
	stored(f, "volumes/shop_uploads/u", "upload");
	stored(f, "volumes/fixed/x", "fixed");
	stored(f, "volumes/" UNNAMED "/s", "spool");
	stored(f, "databases/db/globals.sql", GLOBALS_TEXT);
	stored(f, "databases/db/shop.sql", DUMP_TEXT);
	stored(f, "databases/cache/server.json", "{}");
	stored(f, "databases/cache/dump.rdb", "REDIS");
	stored(f, "meta/containers/shop-db-1.json", db_inspect);
	stored(f, "meta/containers/shop-cache-1.json", cache_inspect);
	sha256_text(globals, GLOBALS_TEXT);
	sha256_text(shop, DUMP_TEXT);
	sha256_text(facts, "{}");
	sha256_text(rdb, "REDIS");
	so.no_sync = true;
	ok(tree_save(&saved, f->writer, f->source, &so, &err));
	ok(writer_flush(f->writer, &err));
	ok(tree_entry_encode(&saved.root, &root, &err));
	AUTO(mem) char *hex = malloc(2 * root.len + 1);
	assert_non_null(hex);
	hex_encode(hex, root.data, root.len);
	ok(buf_printf(&document, &err, stack_document, hex, globals,
	    shop_sha256 != NULL ? shop_sha256 : shop, facts, rdb));
	ok(snapshot_save(f->repo, &document, id, &err));
}

#endif

/*
 * The MongoDB connector against a server that is scripted: what it asks for,
 * and what it makes of answers that no honest server gives.
 */
#include "testing.h"

#include "db/bson_json.h"
#include "db/mongo_impl.h"
#include "db/pick.h"
#include "memory_dump.h"

#include <stdio.h>

/* An answer to a command of that name in whose text has stands. */
struct answer {
	const char *command;
	const char *has; /* NULL: any */
	const char *json; /* NULL: it is refused, with: */
	int code;
	const char *text;
	bool once; /* used up by its first use */
};

#define ANSWERS 48

struct server {
	struct answer answers[ANSWERS];
	bool used[ANSWERS];
	size_t count;
	struct buf
	    asked; /* "DATABASE {...}\n" for each command; "* " before those in a session */
	size_t spoil; /* of the next answer to find: a byte of its batch to change */
};

struct scripted_link {
	struct mongo_link base;
	struct buf reply;
};

static struct server *server; /* of the test that runs */

static void
script(const struct answer *a)
{
	/* The last one that fits is taken, so that a test overrides what is usual. */
	assert_true(server->count < ANSWERS);
	server->answers[server->count++] = *a;
}

#define SAY(command, has, json) script(&(struct answer){ command, has, json, 0, NULL, false })
#define SAY_ONCE(command, has, json) \
	script(&(struct answer){ command, has, json, 0, NULL, true })
#define REFUSE(command, has, code, text) \
	script(&(struct answer){ command, has, NULL, code, text, false })

static const struct answer *
find_answer(const char *name, const char *text)
{
	for (size_t i = server->count; i-- > 0;) {
		const struct answer *a = &server->answers[i];
		if (server->used[i] || strcmp(a->command, name) != 0 ||
		    (a->has != NULL && strstr(text, a->has) == NULL))
			continue;
		server->used[i] = a->once;
		return a;
	}
	fail_msg("nobody answers to %s", text);
	return NULL;
}

static void
must(enum err_code rc)
{
	assert_int_equal(rc, ERR_OK);
}

static enum err_code
scripted_command(struct mongo_link *base, const char *database, const struct buf *command,
    struct mongo_answer *out, struct err *err)
{
	struct scripted_link *k = (struct scripted_link *)base;
	struct bson_walk w;
	struct bson_value name;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(json) json_t *j = NULL;
	must(bson_check(command->data, command->len, err));
	must(bson_json(&text, command->data, command->len, BSON_RELAXED, err));
	must(buf_printf(&server->asked, err, "%s%s %s\n", base->in_session ? "* " : "",
	    database, buf_cstr(&text)));
	bson_walk_init(&w, command->data, command->len);
	assert_true(bson_walk_next(&w, &name));
	const struct answer *a = find_answer(name.name, buf_cstr(&text));
	if (a->json == NULL)
		return mongo_refuse(base, a->code, a->text, err);
	must(json_parse(&j, a->json, strlen(a->json), "script", err));
	k->reply.len = 0;
	must(bson_of_json(&k->reply, j, err));
	if (server->spoil > 0 && strcmp(name.name, "find") == 0)
		k->reply.data[server->spoil] ^= 0x10;
	*out = (struct mongo_answer){ k->reply.data, k->reply.len };
	return ERR_OK;
}

static void
scripted_close(struct mongo_link *base)
{
	struct scripted_link *k = (struct scripted_link *)base;
	buf_release(&k->reply);
	free(k);
}

static const struct mongo_link_ops scripted_ops = { scripted_command, scripted_close };

static enum err_code
scripted_open(struct mongo_link **out, const struct mongo_login *l, struct err *err)
{
	(void)l;
	struct scripted_link *k = calloc(1, sizeof *k);
	if (k == NULL)
		return err_nomem(err);
	k->base.ops = &scripted_ops;
	*out = &k->base;
	return ERR_OK;
}

/* --- the fixture --- */

#define OPTIME "{\"ts\":{\"$timestamp\":{\"t\":100,\"i\":7}}}"
#define SET                                                                           \
	"{\"ismaster\":true,\"setName\":\"rs0\",\"maxWireVersion\":25,\"lastWrite\":" \
	"{\"opTime\":" OPTIME ",\"majorityOpTime\":" OPTIME "}}"
#define BATCH(which, id, ns, documents)                                                   \
	"{\"cursor\":{\"" which "\":[" documents "],\"id\":{\"$numberLong\":\"" id "\"}," \
	"\"ns\":\"" ns "\"},\"ok\":1}"
#define FIRST(documents) BATCH("firstBatch", "0", "x.y", documents)
#define UUID(hex) \
	"\"info\":{\"uuid\":{\"$binary\":{\"base64\":\"" hex "\",\"subType\":\"04\"}}}"
#define ORDERS                                                                            \
	"{\"name\":\"orders\",\"type\":\"collection\",\"options\":{\"validator\":{\"a\":" \
	"{\"$gt\":1}}}," UUID("AAAAAAAAAAAAAAAAAAAAAA==") "}"
#define VIEW                                                                      \
	"{\"name\":\"few\",\"type\":\"view\",\"options\":{\"viewOn\":\"orders\"," \
	"\"pipeline\":[]}}"
#define BUCKETS "{\"name\":\"system.buckets.heat\",\"type\":\"collection\",\"options\":{}}"
#define HEAT                                                                       \
	"{\"name\":\"heat\",\"type\":\"timeseries\",\"options\":{\"timeseries\":{" \
	"\"timeField\":\"t\"}}}"
#define ID_INDEX "{\"v\":2,\"key\":{\"_id\":1},\"name\":\"_id_\"}"
#define NAME_INDEX "{\"v\":2,\"key\":{\"n\":1},\"name\":\"n_1\",\"unique\":true}"

struct fixture {
	struct server server;
	struct strv env;
	struct db_target t;
	struct runner runner;
	struct memory_dump dump;
	struct connector *c;
};

/* A replica set of one with a collection of three documents. */
static void
fixture_init(struct fixture *f)
{
	struct err err = ERR_INIT;
	*f = (struct fixture){ .env = STRV_INIT };
	server = &f->server;
	f->t = (struct db_target){
		.service = "db", .image = "mongo:8", .env = &f->env, .runner = &f->runner
	};
	memory_init(&f->dump);
	ok(connector_open(&f->c, &f->t, DB_MONGODB, &err));
	mongo_of(f->c)->open_link = scripted_open;
	SAY("isMaster", NULL, SET);
	SAY("buildInfo", NULL, "{\"version\":\"8.0.4\"}");
	SAY("replSetGetConfig", NULL,
	    "{\"config\":{\"_id\":\"rs0\",\"version\":5,\"term\":3,\"members\":[{\"_id\":0,"
	    "\"host\":\"db:27017\"}],\"settings\":{\"replicaSetId\":{\"$oid\":"
	    "\"0123456789abcdef01234567\"},\"chainingAllowed\":true}}}");
	SAY("listDatabases", NULL,
	    "{\"databases\":[{\"name\":\"shop\",\"sizeOnDisk\":4096},{\"name\":\"local\","
	    "\"sizeOnDisk\":1},{\"name\":\"config\",\"sizeOnDisk\":1}]}");
	SAY("listCollections", NULL, FIRST(ORDERS));
	SAY("listIndexes", NULL, FIRST(ID_INDEX "," NAME_INDEX));
	SAY("find", "system.version", FIRST("{\"_id\":\"authSchema\",\"currentVersion\":5}"));
	SAY("find", "system.roles", FIRST(""));
	SAY("find", "system.users",
	    FIRST("{\"_id\":\"admin.r\",\"db\":\"admin\",\"credentials\":{}}"));
	SAY("find", "\"orders\"",
	    BATCH("firstBatch", "9", "shop.orders", "{\"_id\":1},{\"_id\":2}"));
	SAY("getMore", "\"orders\"", BATCH("nextBatch", "0", "shop.orders", "{\"_id\":3}"));
	SAY("killCursors", NULL, "{\"ok\":1}");
	SAY("count", NULL, "{\"n\":3,\"ok\":1}");
}

static void
fixture_auto(struct fixture *f)
{
	connector_close(f->c);
	memory_auto(&f->dump);
	buf_release(&f->server.asked);
	strv_release(&f->env);
	server = NULL;
}

static enum err_code
dump(struct fixture *f, struct err *err)
{
	const struct db_info *info;
	struct db_fence fence;
	if (connector_check(f->c, &info, err) || connector_prepare(f->c, err) ||
	    connector_fence(f->c, &fence, err))
		return err->code;
	return connector_drain(f->c, &f->dump.sink, err);
}

static bool
was_asked(const char *what)
{
	const char *text = buf_cstr(&server->asked);
	return text != NULL && strstr(text, what) != NULL;
}

static bool
has_line(const struct strv *lines, const char *begin)
{
	for (size_t i = 0; i < lines->len; i++)
		if (str_starts(lines->items[i], begin))
			return true;
	return false;
}

static bool
has_ended(struct fixture *f, const char *file)
{
	const struct memory_file *m = memory_find(&f->dump, file);
	return m != NULL && m->ended;
}

/* --- dumps --- */

static void
all_documents_are_of_the_moment_of_the_last_write(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(dump(&f, &err));
	const struct db_report *r = connector_report(f.c);
	assert_string_equal(r->fence.position, "optime 100:7");
	assert_string_equal(r->info.version, "8.0.4");
	assert_int_equal(r->info.warnings.len, 0);
	assert_int_equal(r->warnings.len, 0);
	assert_int_equal(r->info.database_count, 1);
	assert_int_equal(r->info.databases[0].objects, 1);
	assert_true(was_asked("* shop {\"find\":\"orders\",\"noCursorTimeout\":true,"
			      "\"readConcern\":{\"level\":\"snapshot\",\"atClusterTime\":{"
			      "\"$timestamp\":{\"t\":100,\"i\":7}}}}\n"));
	assert_true(was_asked("* shop {\"getMore\":9,\"collection\":\"orders\"}\n"));
	struct memory_file *file = memory_find(&f.dump, "shop/orders.bson");
	assert_non_null(file);
	assert_true(file->ended);
	assert_int_equal(file->data.len, 3 * 14);
	const struct dump_stream *last = &r->streams[r->stream_count - 1];
	assert_string_equal(last->name, "shop/orders.bson");
	const struct census_item *item = census_find(last->census, CENSUS_ROWS, "shop.orders");
	assert_non_null(item);
	assert_int_equal(item->count, 3);
}

static void
metadata_is_as_mongodump_writes_it(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(dump(&f, &err));
	struct memory_file *file = memory_find(&f.dump, "shop/orders.metadata.json");
	assert_non_null(file);
	assert_string_equal(buf_cstr(&file->data),
	    "{\"options\":{\"validator\":{\"a\":{\"$gt\":{\"$numberInt\":\"1\"}}}},"
	    "\"indexes\":[{\"v\":{\"$numberInt\":\"2\"},\"key\":{\"_id\":{\"$numberInt\":"
	    "\"1\"}},\"name\":\"_id_\"},{\"v\":{\"$numberInt\":\"2\"},\"key\":{\"n\":{"
	    "\"$numberInt\":\"1\"}},\"name\":\"n_1\",\"unique\":true}],"
	    "\"uuid\":\"00000000000000000000000000000000\",\"collectionName\":\"orders\","
	    "\"type\":\"collection\"}");
	const struct db_report *r = connector_report(f.c);
	const struct dump_stream *s = &r->streams[r->stream_count - 2];
	assert_non_null(census_find(s->census, CENSUS_OBJECT, "COLLECTION shop.orders"));
	assert_non_null(census_find(s->census, CENSUS_OBJECT, "INDEX n_1 ON shop.orders"));
}

static void
views_have_no_documents_and_time_series_those_of_their_buckets(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	SAY("listCollections", NULL, FIRST(VIEW "," HEAT "," BUCKETS));
	SAY("find", "system.buckets.heat", FIRST("{\"_id\":1},{\"_id\":2},{\"_id\":3}"));
	ok(dump(&f, &err));
	assert_true(has_ended(&f, "shop/few.metadata.json"));
	assert_null(memory_find(&f.dump, "shop/few.bson"));
	assert_true(has_ended(&f, "shop/heat.metadata.json"));
	assert_true(has_ended(&f, "shop/system.buckets.heat.bson"));
	assert_null(memory_find(&f.dump, "shop/heat.bson"));
	assert_null(memory_find(&f.dump, "shop/system.buckets.heat.metadata.json"));
	assert_false(was_asked("\"listIndexes\":\"few\""));
}

static void
a_server_that_stands_alone_is_said_to_keep_no_moments(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	SAY("isMaster", NULL, "{\"ismaster\":true,\"maxWireVersion\":25}");
	ok(dump(&f, &err));
	const struct db_report *r = connector_report(f.c);
	assert_true(
	    has_line(&r->info.warnings, "a server that stands alone keeps no moments: "));
	assert_string_equal(r->fence.position, "");
	assert_false(was_asked("readConcern"));
	assert_false(was_asked("* "));
	assert_true(has_ended(&f, "shop/orders.bson"));
}

static void
before_5_0_there_are_no_moments_and_before_8_0_none_of_capped_collections(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	SAY("isMaster", NULL,
	    "{\"ismaster\":true,\"setName\":\"rs0\",\"maxWireVersion\":9,\"lastWrite\":{"
	    "\"opTime\":" OPTIME ",\"majorityOpTime\":" OPTIME "}}");
	ok(dump(&f, &err));
	assert_true(has_line(&connector_report(f.c)->info.warnings,
	    "before version 5.0 there are no reads of one moment: "));
	assert_false(was_asked("readConcern"));

	AUTO(fixture) struct fixture g;
	fixture_init(&g);
	SAY("isMaster", NULL,
	    "{\"ismaster\":true,\"setName\":\"rs0\",\"maxWireVersion\":21,\"lastWrite\":{"
	    "\"opTime\":" OPTIME ",\"majorityOpTime\":" OPTIME "}}");
	SAY("listCollections", NULL,
	    FIRST("{\"name\":\"orders\",\"type\":\"collection\",\"options\":{\"capped\":true,"
		  "\"size\":100}}"));
	ok(dump(&g, &err));
	assert_string_equal(connector_report(g.c)->fence.position, "optime 100:7");
	assert_true(has_line(&connector_report(g.c)->warnings,
	    "before version 8.0 a capped collection cannot be read as of a moment: "
	    "shop.orders "));
	assert_false(was_asked("readConcern"));
}

static void
the_fence_waits_until_most_members_have_the_last_write(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	const struct db_info *info;
	struct db_fence fence;
	fixture_init(&f);
	ok(connector_check(f.c, &info, &err));
	ok(connector_prepare(f.c, &err));
	/* Later ones are taken first: two that lag, the second with a newer write. */
	SAY("isMaster", NULL,
	    "{\"ismaster\":true,\"setName\":\"rs0\",\"maxWireVersion\":25,\"lastWrite\":{"
	    "\"opTime\":{\"ts\":{\"$timestamp\":{\"t\":300,\"i\":1}}},\"majorityOpTime\":{"
	    "\"ts\":{\"$timestamp\":{\"t\":250,\"i\":1}}}}}");
	SAY_ONCE("isMaster", NULL,
	    "{\"ismaster\":true,\"setName\":\"rs0\",\"maxWireVersion\":25,\"lastWrite\":{"
	    "\"opTime\":{\"ts\":{\"$timestamp\":{\"t\":200,\"i\":1}}},"
	    "\"majorityOpTime\":" OPTIME "}}");
	ok(connector_fence(f.c, &fence, &err));
	assert_string_equal(fence.position, "optime 200:1");
}

/* --- servers that lie --- */

static void
lies(struct fixture *f, enum err_code code, const char *words)
{
	struct err err = ERR_INIT;
	enum err_code rc = dump(f, &err);
	assert_string_equal(err.msg, words);
	assert_int_equal(rc, code);
	assert_false(has_ended(f, "shop/orders.bson"));
}

static void
a_cursor_that_breaks_off_fails_the_dump(void **state)
{
	(void)state;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	REFUSE("getMore", NULL, 43, "cursor id 9 not found");
	lies(&f, ERR_IO,
	    "service db: shop/orders.bson: getMore: cursor id 9 not found (code 43)");
}

static void
a_partial_answer_fails_the_dump(void **state)
{
	(void)state;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	SAY("getMore", NULL,
	    "{\"cursor\":{\"nextBatch\":[],\"id\":0,\"ns\":\"shop.orders\","
	    "\"partialResultsReturned\":true},\"ok\":1}");
	lies(&f, ERR_INCOMPLETE,
	    "service db: shop/orders.bson: the server gives a part of it only");
}

static void
another_cursor_fails_the_dump(void **state)
{
	(void)state;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	SAY("getMore", NULL, BATCH("nextBatch", "8", "shop.orders", "{\"_id\":3}"));
	lies(&f, ERR_INCOMPLETE,
	    "service db: shop/orders.bson: the server goes on with another cursor");
}

static void
an_answer_without_a_batch_fails_the_dump(void **state)
{
	(void)state;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	SAY("getMore", NULL, "{\"cursor\":{\"id\":0,\"ns\":\"shop.orders\"},\"ok\":1}");
	lies(&f, ERR_INCOMPLETE,
	    "service db: shop/orders.bson: the server answers without a cursor's nextBatch");
	AUTO(fixture) struct fixture g;
	fixture_init(&g);
	SAY("find", "\"orders\"", FIRST("1,2"));
	lies(&g, ERR_INCOMPLETE,
	    "service db: shop/orders.bson: the server's answer is no row of documents");
}

static void
lengths_that_do_not_add_up_fail_the_dump(void **state)
{
	(void)state;
	/* Bytes of lengths: of the cursor, its batch, a document in it. */
	static const size_t places[] = { 12, 28, 35 };
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct err err = ERR_INIT;
		AUTO(fixture) struct fixture f;
		fixture_init(&f);
		f.server.spoil = places[i];
		assert_int_equal(dump(&f, &err), ERR_INCOMPLETE);
		assert_false(has_ended(&f, "admin/system.version.bson"));
	}
}

static void
fewer_documents_than_the_server_counts_fail_the_dump(void **state)
{
	(void)state;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	SAY("count", NULL, "{\"n\":5,\"ok\":1}");
	SAY("aggregate", "atClusterTime", FIRST("{\"_id\":1,\"n\":5}"));
	lies(&f, ERR_INCOMPLETE,
	    "service db: shop/orders.bson: 3 documents came, the server counts 5");
	/* Without moments: they were there before, and are afterwards. */
	AUTO(fixture) struct fixture g;
	fixture_init(&g);
	SAY("isMaster", NULL, "{\"ismaster\":true,\"maxWireVersion\":25}");
	SAY("count", NULL, "{\"n\":5,\"ok\":1}");
	SAY("aggregate", NULL, FIRST("{\"_id\":1,\"n\":4}"));
	lies(&g, ERR_INCOMPLETE,
	    "service db: shop/orders.bson: 3 documents came, the server counts 4");
}

static void
an_account_that_is_wrong_is_made_up_for_by_counting(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	SAY("count", NULL, "{\"n\":5,\"ok\":1}");
	SAY("aggregate", "atClusterTime", FIRST("{\"_id\":1,\"n\":3}"));
	ok(dump(&f, &err));
	assert_true(has_ended(&f, "shop/orders.bson"));
}

static void
a_collection_that_was_made_anew_fails_the_dump(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	const struct db_info *info;
	struct db_fence fence;
	fixture_init(&f);
	ok(connector_check(f.c, &info, &err));
	ok(connector_prepare(f.c, &err));
	ok(connector_fence(f.c, &fence, &err));
	SAY("listCollections", NULL,
	    FIRST("{\"name\":\"orders\",\"type\":\"collection\",\"options\":{}," UUID(
		"BBBBBBBBBBBBBBBBBBBBBA==") "}"));
	refused(connector_drain(f.c, &f.dump.sink, &err), ERR_INCOMPLETE,
	    "service db: shop.orders was dropped, renamed or made anew while it was dumped: "
	    "run the backup again");
}

static void
a_moment_that_the_server_forgot_is_told_with_what_to_do(void **state)
{
	(void)state;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	REFUSE("find", "\"orders\"", MONGO_SNAPSHOT_TOO_OLD, "SnapshotTooOld");
	lies(&f, ERR_IO,
	    "service db: shop/orders.bson: the dump takes longer than the server remembers: "
	    "set its parameter minSnapshotHistoryWindowInSeconds to more than that: find: "
	    "SnapshotTooOld (code 239)");
}

static void
routers_and_users_without_rights_are_told_before_anything_is_done(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const struct db_info *info;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	SAY("isMaster", NULL, "{\"ismaster\":true,\"msg\":\"isdbgrid\",\"maxWireVersion\":25}");
	refused(connector_check(f.c, &info, &err), ERR_UNSUPPORTED,
	    "service db: this is the router of a sharded cluster, which has no moment of its "
	    "own: sharded clusters are not captured");
	SAY("isMaster", NULL, SET);
	REFUSE("listDatabases", NULL, MONGO_UNAUTHORIZED, "requires authentication");
	refused(connector_check(f.c, &info, &err), ERR_DENIED,
	    "service db: log in: set MONGO_INITDB_ROOT_USERNAME and _PASSWORD: "
	    "listDatabases: requires authentication (code 13)");
}

static void
users_that_cannot_be_read_are_told(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	REFUSE("find", "system.roles", MONGO_UNAUTHORIZED, "not authorized");
	SAY("find", "system.users",
	    FIRST("{\"_id\":\"a\",\"db\":\"shop\"},{\"_id\":\"b\",\"db\":\"$external\"}"));
	ok(dump(&f, &err));
	const struct db_report *r = connector_report(f.c);
	assert_true(has_line(&r->warnings, "admin.system.roles cannot be read by this user, "));
	assert_true(has_line(
	    &r->warnings, "the server does not show the hashes of passwords (users: 1): "));
	assert_null(memory_find(&f.dump, "admin/system.roles.bson"));
}

/* --- restores --- */

static void
put_documents(struct fixture *f, const char *file, const char *const *texts)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf data = BUF_INIT;
	for (; *texts != NULL; texts++) {
		AUTO(json) json_t *j = NULL;
		ok(json_parse(&j, *texts, strlen(*texts), "test", &err));
		ok(bson_of_json(&data, j, &err));
	}
	memory_put(&f->dump, file, data.data, data.len);
}

static void
put_text(struct fixture *f, const char *file, const char *text)
{
	memory_put(&f->dump, file, text, strlen(text));
}

/* Two collections, a view that sorts before them, and a user. */
static void
load_init(struct fixture *f)
{
	fixture_init(f);
	SAY("dropDatabase", NULL, "{\"ok\":1}");
	SAY("drop", NULL, "{\"ok\":1}");
	SAY("create", NULL, "{\"ok\":1}");
	SAY("createIndexes", NULL, "{\"ok\":1}");
	SAY("insert", NULL, "{\"ok\":1,\"n\":2}");
	SAY("insert", "stacksnap_users", "{\"ok\":1,\"n\":1}");
	SAY("aggregate", NULL, FIRST("{\"_id\":1,\"n\":2}"));
	SAY("_mergeAuthzCollections", NULL, "{\"ok\":1}");
	put_text(f, "shop/few.metadata.json",
	    "{\"options\":{\"viewOn\":\"orders\",\"pipeline\":[]},\"indexes\":[],"
	    "\"collectionName\":\"few\",\"type\":\"view\"}");
	put_text(f, "shop/orders.metadata.json",
	    "{\"options\":{\"validator\":{\"a\":{\"$gt\":{\"$numberInt\":\"1\"}}}},"
	    "\"indexes\":[" ID_INDEX ",{\"v\":2,\"key\":{\"b\":1,\"a\":-1},\"name\":\"x\","
	    "\"ns\":\"shop.orders\"}],\"collectionName\":\"orders\",\"type\":\"collection\"}");
	put_documents(
	    f, "shop/orders.bson", (const char *const[]){ "{\"_id\":1}", "{\"_id\":2}", NULL });
	put_documents(f, "admin/system.users.bson",
	    (const char *const[]){ "{\"_id\":\"admin.r\",\"user\":\"r\"}", NULL });
	put_documents(f, "admin/system.roles.bson", (const char *const[]){ NULL });
	put_documents(f, "admin/system.version.bson",
	    (const char *const[]){ "{\"_id\":\"authSchema\"}", NULL });
}

static size_t
place_of(const char *what)
{
	const char *text = buf_cstr(&server->asked);
	const char *at = strstr(text, what);
	if (at == NULL)
		fail_msg("%s was not asked:\n%s", what, text);
	return (size_t)(at - text);
}

static void
a_restore_drops_makes_fills_counts_and_indexes_in_that_order(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	load_init(&f);
	ok(connector_load(f.c, &f.dump.source, &err));
	static const char *const order[] = {
		"shop {\"dropDatabase\":1}",
		"shop {\"create\":\"orders\",\"validator\":{\"a\":{\"$gt\":1}}}",
		"shop {\"insert\":\"orders\",\"documents\":[{\"_id\":1},{\"_id\":2}],"
		"\"ordered\":true,\"bypassDocumentValidation\":true,\"writeConcern\":{\"w\":1}"
		"}",
		"shop {\"aggregate\":\"orders\"",
		"shop {\"createIndexes\":\"orders\",\"indexes\":[{\"v\":2,\"key\":{\"b\":1,"
		"\"a\":-1},\"name\":\"x\"}]}",
		"shop {\"create\":\"few\",\"viewOn\":\"orders\",\"pipeline\":[]}",
		"admin {\"drop\":\"stacksnap_roles\"}",
		"admin {\"_mergeAuthzCollections\":1,\"tempRolesCollection\":"
		"\"admin.stacksnap_roles\",\"drop\":true,\"db\":\"\"}",
		"admin {\"insert\":\"stacksnap_users\"",
		"admin {\"_mergeAuthzCollections\":1,\"tempUsersCollection\":"
		"\"admin.stacksnap_users\",\"drop\":true,\"db\":\"\"}",
	};
	for (size_t i = 0; i + 1 < ARRAY_LEN(order); i++)
		if (place_of(order[i]) >= place_of(order[i + 1]))
			fail_msg("%s comes behind %s", order[i], order[i + 1]);
	assert_false(was_asked("local {"));
	assert_int_equal(connector_report(f.c)->warnings.len, 0);
}

static void
a_document_that_is_not_taken_fails_the_restore(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	load_init(&f);
	SAY("insert", "\"orders\"",
	    "{\"ok\":1,\"n\":1,\"writeErrors\":[{\"index\":1,\"code\":121,\"errmsg\":\"no\"}]"
	    "}");
	refused(connector_load(f.c, &f.dump.source, &err), ERR_IO,
	    "service db: shop.orders: the server does not take a document: no");
	AUTO(fixture) struct fixture g;
	load_init(&g);
	SAY("insert", "\"orders\"", "{\"ok\":1,\"n\":1}");
	refused(connector_load(g.c, &g.dump.source, &err), ERR_INCOMPLETE,
	    "service db: shop.orders: the server took another number of documents than 2");
	AUTO(fixture) struct fixture h;
	load_init(&h);
	SAY("aggregate", NULL, FIRST("{\"_id\":1,\"n\":1}"));
	refused(connector_load(h.c, &h.dump.source, &err), ERR_INCOMPLETE,
	    "service db: shop.orders: the server counts 1 documents after 2 were loaded");
}

static void
a_file_that_is_cut_fails_the_restore(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	load_init(&f);
	memory_find(&f.dump, "shop/orders.bson")->data.len -= 3;
	refused(connector_load(f.c, &f.dump.source, &err), ERR_CORRUPT,
	    "service db: shop.orders: the file ends in the middle of a document");
}

static void
a_server_that_takes_no_users_is_told(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	load_init(&f);
	REFUSE("_mergeAuthzCollections", NULL, MONGO_NO_COMMAND, "no such command");
	ok(connector_load(f.c, &f.dump.source, &err));
	assert_true(has_line(&connector_report(f.c)->warnings,
	    "this server takes no users and roles: 1 documents of admin.system.users are not "
	    "loaded; "));
	/* What was put there for it is gone again. */
	assert_true(place_of("_mergeAuthz") <
		    (size_t)(strstr(buf_cstr(&server->asked) + place_of("_mergeAuthz"),
				 "{\"drop\":\"stacksnap_users\"}") -
			     buf_cstr(&server->asked)));
}

static void
a_set_that_is_not_initiated_is_with_its_old_members(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	ok(dump(&f, &err));
	AUTO(fixture) struct fixture g;
	load_init(&g);
	const struct memory_file *facts = memory_find(&f.dump, MONGO_FACTS);
	memory_put(&g.dump, MONGO_FACTS, facts->data.data, facts->data.len);
	SAY_ONCE("isMaster", NULL,
	    "{\"ismaster\":false,\"isreplicaset\":true,\"maxWireVersion\":25}");
	SAY("replSetInitiate", NULL, "{\"ok\":1}");
	ok(connector_load(g.c, &g.dump.source, &err));
	assert_true(was_asked("admin {\"replSetInitiate\":{\"_id\":\"rs0\",\"members\":[{"
			      "\"_id\":0,\"host\":\"db:27017\"}],\"settings\":{"
			      "\"chainingAllowed\":true},\"version\":1}}\n"));
	server = &f.server; /* for the fixture's end */
}

static void
the_server_that_an_image_sets_itself_up_with_is_not_ready(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	SAY("getCmdLineOpts", NULL,
	    "{\"parsed\":{\"processManagement\":{\"pidFilePath\":"
	    "\"/tmp/docker-entrypoint-temp-mongod.pid\"}}}");
	refused(connector_wait_ready(f.c, 0, &err), ERR_TRANSIENT,
	    "service db: MongoDB is not ready after 0 ms: the image is still setting the "
	    "server up");
	REFUSE("listDatabases", NULL, MONGO_UNAUTHORIZED, "requires authentication");
	refused_like(connector_wait_ready(f.c, 0, &err), ERR_TRANSIENT,
	    "service db: MongoDB is not ready after 0 ms: listDatabases: ");
	SAY("listDatabases", NULL, "{\"databases\":[]}");
	SAY("getCmdLineOpts", NULL, "{\"parsed\":{\"net\":{}}}");
	ok(connector_wait_ready(f.c, 0, &err));
}

/* --- names --- */

static void
collections_have_mongodumps_file_names(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	static const struct {
		const char *name;
		const char *file;
		const char *census;
	} cases[] = {
		{ "orders", "shop/orders.bson", "shop.orders" },
		{ "a/b c", "shop/a%2Fb%20c.bson", "shop.\"a/b c\"" },
		{ "x.y:z@$=&+~", "shop/x.y:z@$=&+~.bson", NULL },
		{ "%", "shop/%25.bson", NULL },
		{ "\xc3\xa9;", "shop/%C3%A9%3B.bson", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(str) char *file = NULL;
		AUTO(bufv) struct buf census = BUF_INIT;
		AUTO(bufv) struct buf own = BUF_INIT;
		ok(mongo_file_name(&file, "shop", cases[i].name, MONGO_BSON, &err));
		assert_string_equal(file, cases[i].file);
		ok(mongo_census_name(&census, file, &err));
		if (cases[i].census != NULL)
			assert_string_equal(buf_cstr(&census), cases[i].census);
		ok(mongo_collection_name(&own, file, &err));
		if (i == 0)
			assert_string_equal(buf_cstr(&own), "orders");
	}
	char longest[240];
	memset(longest, '/', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	AUTO(str) char *one = NULL;
	AUTO(str) char *other = NULL;
	ok(mongo_file_name(&one, "d", longest, MONGO_METADATA, &err));
	longest[200] = '.';
	ok(mongo_file_name(&other, "d", longest, MONGO_METADATA, &err));
	assert_int_equal(strlen(one), 2 + 238 + strlen(MONGO_METADATA));
	assert_string_not_equal(one, other);
	AUTO(str) char *none = NULL;
	refused(mongo_file_name(&none, "..", "x", MONGO_BSON, &err), ERR_UNSUPPORTED,
	    "the server has a database called \"..\", which no server should");
}

/* --- one collection --- */

#define METADATA "{\"options\":{\"capped\":false},\"indexes\":[" ID_INDEX "," NAME_INDEX "]}"

/* Two documents, {_id: 1} and {_id: 2}. */
struct two_documents {
	struct dump_source base;
	size_t at;
};

static enum err_code
two_open(struct dump_source *src, const char *name, struct err *err)
{
	(void)name;
	(void)err;
	((struct two_documents *)src)->at = 0;
	return ERR_OK;
}

static enum err_code
two_read(struct dump_source *src, void *out, size_t len, size_t *got, struct err *err)
{
	static const uint8_t bytes[] = "\x0e\0\0\0\x10_id\0\1\0\0\0\0"
				       "\x0e\0\0\0\x10_id\0\2\0\0\0";
	struct two_documents *s = (struct two_documents *)src;
	(void)err;
	*got = min_size(len, sizeof bytes - s->at);
	memcpy(out, bytes + s->at, *got);
	s->at += *got;
	return ERR_OK;
}

static void
two_close(struct dump_source *src)
{
	(void)src;
}

static const struct dump_source_ops two_ops = {
	.open = two_open,
	.read = two_read,
	.close = two_close,
};

static void
script_load(void)
{
	SAY("create", NULL, "{\"ok\":1}");
	SAY("insert", NULL, "{\"n\":2,\"ok\":1}");
	SAY("aggregate", NULL, FIRST("{\"n\":2}"));
	SAY("createIndexes", NULL, "{\"ok\":1}");
	SAY("drop", NULL, "{\"ok\":1}");
	SAY("renameCollection", NULL, "{\"ok\":1}");
}

static enum err_code
pick(struct fixture *f, enum pick_verb verb, struct strv *told, struct err *err)
{
	struct two_documents two = { { &two_ops }, 0 };
	struct db_pick p = { .verb = verb,
		.database = "shop",
		.table = "orders",
		.definition = METADATA,
		.rows = 2,
		.tag = "1a2b3c4d",
		.source = &two.base };
	return connector_pick(f->c, &p, told, err);
}

static void
a_collection_is_whole_before_it_gets_its_name(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	script_load();
	ok(pick(&f, PICK_PUT, NULL, &err));
	size_t insert = place_of("\"insert\":\"stacksnap_new_");
	size_t count = place_of("\"aggregate\":\"stacksnap_new_");
	size_t index = place_of("\"createIndexes\":\"stacksnap_new_");
	size_t aside = place_of("{\"renameCollection\":\"shop.orders\",\"to\":"
				"\"shop.stacksnap_old_1a2b3c4d_");
	size_t named = place_of("\"to\":\"shop.orders\",\"dropTarget\":false}");
	assert_true(insert < count && count < index && index < aside && aside < named);
}

static void
the_old_collection_comes_back_when_the_name_is_taken_meanwhile(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	script_load();
	REFUSE("renameCollection", "{\"renameCollection\":\"shop.stacksnap_new_", 48,
	    "target namespace exists");
	assert_int_equal(pick(&f, PICK_PUT, NULL, &err), ERR_IO);
	assert_non_null(strstr(err.msg, "nothing was changed, try again"));
	assert_non_null(strstr(err.msg, "target namespace exists"));
	(void)place_of("{\"renameCollection\":\"shop.stacksnap_old_1a2b3c4d_");
}

static void
another_number_of_documents_changes_nothing(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	fixture_init(&f);
	script_load();
	SAY("aggregate", NULL, FIRST("{\"n\":1}"));
	assert_int_equal(pick(&f, PICK_PUT, NULL, &err), ERR_INCOMPLETE);
	assert_non_null(
	    strstr(err.msg, "2 documents were backed up, 2 loaded, the server counts 1"));
	assert_false(was_asked("renameCollection"));
}

static void
routers_and_secondaries_are_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(fixture) struct fixture f;
	AUTO(strv) struct strv told = STRV_INIT;
	fixture_init(&f);
	SAY("isMaster", NULL, "{\"ismaster\":true,\"msg\":\"isdbgrid\"}");
	assert_int_equal(pick(&f, PICK_LOOK, &told, &err), ERR_UNSUPPORTED);
	SAY("isMaster", NULL, "{\"ismaster\":false,\"setName\":\"rs0\"}");
	assert_int_equal(pick(&f, PICK_LOOK, &told, &err), ERR_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_collection_is_whole_before_it_gets_its_name),
		cmocka_unit_test(
		    the_old_collection_comes_back_when_the_name_is_taken_meanwhile),
		cmocka_unit_test(another_number_of_documents_changes_nothing),
		cmocka_unit_test(routers_and_secondaries_are_refused),
		cmocka_unit_test(all_documents_are_of_the_moment_of_the_last_write),
		cmocka_unit_test(metadata_is_as_mongodump_writes_it),
		cmocka_unit_test(
		    views_have_no_documents_and_time_series_those_of_their_buckets),
		cmocka_unit_test(a_server_that_stands_alone_is_said_to_keep_no_moments),
		cmocka_unit_test(
		    before_5_0_there_are_no_moments_and_before_8_0_none_of_capped_collections),
		cmocka_unit_test(the_fence_waits_until_most_members_have_the_last_write),
		cmocka_unit_test(a_cursor_that_breaks_off_fails_the_dump),
		cmocka_unit_test(a_partial_answer_fails_the_dump),
		cmocka_unit_test(another_cursor_fails_the_dump),
		cmocka_unit_test(an_answer_without_a_batch_fails_the_dump),
		cmocka_unit_test(lengths_that_do_not_add_up_fail_the_dump),
		cmocka_unit_test(fewer_documents_than_the_server_counts_fail_the_dump),
		cmocka_unit_test(an_account_that_is_wrong_is_made_up_for_by_counting),
		cmocka_unit_test(a_collection_that_was_made_anew_fails_the_dump),
		cmocka_unit_test(a_moment_that_the_server_forgot_is_told_with_what_to_do),
		cmocka_unit_test(
		    routers_and_users_without_rights_are_told_before_anything_is_done),
		cmocka_unit_test(users_that_cannot_be_read_are_told),
		cmocka_unit_test(a_restore_drops_makes_fills_counts_and_indexes_in_that_order),
		cmocka_unit_test(a_document_that_is_not_taken_fails_the_restore),
		cmocka_unit_test(a_file_that_is_cut_fails_the_restore),
		cmocka_unit_test(a_server_that_takes_no_users_is_told),
		cmocka_unit_test(a_set_that_is_not_initiated_is_with_its_old_members),
		cmocka_unit_test(the_server_that_an_image_sets_itself_up_with_is_not_ready),
		cmocka_unit_test(collections_have_mongodumps_file_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Fuzz target: snapshot documents, as they are after they were opened and parsed:
 * what lists, shows, browses and restores makes of them.  "@ROOT@" in the input
 * becomes the entry of a tree that is stored, so that paths lead somewhere.
 * Build with clang -fsanitize=fuzzer,address,undefined.
 */
#include "repo/snapshot.h"
#include "base/bytes.h"
#include "engine/browse.h"
#include "engine/capture.h"
#include "engine/layout.h"
#include "engine/restore_job.h"
#include "repo/stream.h"

#include <assert.h>
#include <fcntl.h>

/* What `show` and `snapshots` print: their functions are their own. */
#include "cli/cmd_show.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define PLACE "@ROOT@"

static const char *const folders[] = { "project", "databases/db", "volumes/shop_uploads",
	"meta/containers" };

static struct {
	struct repo *repo;
	struct writer *writer;
	char *root; /* in hexadecimal */
	int null; /* /dev/null */
} world;

static void
must(enum err_code code)
{
	assert(code == ERR_OK);
}

static void
store_tree(void)
{
	struct err err;
	AUTO(layout) struct layout *layout = NULL;
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	AUTO(bufv) struct buf raw = BUF_INIT;
	must(layout_new(&layout, &err));
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		struct tree_entry like = {
			.type = TREE_DIR, .name = "", .mode = 0755, .links = 1
		};
		must(layout_set_folder(layout, folders[i], &like, &err));
	}
	must(layout_store(layout, world.writer, &root, &err));
	must(writer_flush(world.writer, &err));
	must(tree_entry_encode(&root, &raw, &err));
	world.root = malloc(2 * raw.len + 1);
	hex_encode(world.root, raw.data, raw.len);
}

static void
make_world(void)
{
	static const struct repo_create_options plain = { 8, 1, NULL };
	struct err err;
	struct store *store;
	struct secret *secret;
	struct writer_options wo = { .workers = 1 };
	must(secret_new(&secret, 64, &err));
	memset(secret->data, 7, 64);
	struct repo_key key = { .key_file = secret };
	must(store_open_mem(&store, &err));
	must(repo_create(store, &key, &plain, &err));
	must(repo_open(&world.repo, store, &key, NULL, &err));
	secret_free(secret);
	must(writer_open(&world.writer, world.repo, &wo, &err));
	store_tree();
	world.null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	/* What is printed is of no interest. */
	assert(freopen("/dev/null", "w", stdout) != NULL);
}

static enum err_code
look(void *arg, const char *path, const struct tree_entry *e, struct err *err)
{
	(void)arg;
	(void)err;
	assert(path != NULL && e->type >= TREE_FILE);
	return ERR_OK;
}

static void
browse(struct engine *e, const struct id *id)
{
	struct err err;
	AUTO(snapshot) struct snapshot s = { .root = TREE_ENTRY_INIT };
	if (snapshot_open(&s, world.repo, id, &err))
		return;
	if (browse_list(e, &s, "", true, look, NULL, &err))
		assert(err.msg[0] != '\0');
	if (browse_dump(e, &s, "db", world.null, &err))
		assert(err.msg[0] != '\0');
}

/* Everything that is planned before anything is contacted. */
static void
plan_restore(struct engine *e, const struct id *id, const char *as, const char *to)
{
	struct err err;
	AUTO(job) struct restore_job *j = NULL;
	struct restore_options opt = RESTORE_OPTIONS_INIT;
	bool is_stack;
	opt.as = as;
	opt.to = to;
	if (restore_is_stack(e, id, &is_stack, &err) || job_open(&j, e, id, &opt, &err))
		return;
	for (size_t i = 0; i < j->n_items; i++)
		assert(j->items[i].name != NULL);
	for (size_t i = 0; i < j->services.len; i++)
		(void)job_container(j, j->services.items[i]);
}

static enum err_code
show(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	(void)arg;
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	struct err why;
	AUTO(bufv) struct buf out = BUF_INIT;
	struct json_writer w;
	(void)err;
	if (print(hex, document, json_object_get(document, "proof"), &why))
		assert(why.msg[0] != '\0');
	json_init(&w, &out);
	json_value(&w, NULL, document);
	if (json_finish(&w, &why))
		assert(why.msg[0] != '\0');
	return ERR_OK;
}

/* What the next backup takes over from it. */
static void
find_parents(struct engine *e)
{
	struct err err;
	char host[] = "host";
	struct capture volume = {
		.kind = "volume",
		.name = "shop_uploads",
		.path = "volumes/shop_uploads",
		.source = "/srv/uploads",
	};
	struct backup_run r = {
		.engine = e, .host = host, .captures = &volume, .n_captures = 1
	};
	if (run_find_parents(&r, &err))
		assert(err.msg[0] != '\0');
	if (volume.has_parent)
		tree_entry_release(&volume.parent);
}

static void
forget(const struct id *id)
{
	struct err err;
	char hex[ID_HEX_SIZE];
	char key[STORE_KEY_MAX];
	id_hex(hex, id);
	snprintf(key, sizeof key, "snapshots/%s", hex);
	must(store_delete(repo_store(world.repo), key, &err));
}

static enum err_code
read_document(struct buf *out, const uint8_t *data, size_t len, struct err *err)
{
	const uint8_t *place = memmem(data, len, PLACE, strlen(PLACE));
	if (place == NULL)
		return buf_add(out, data, len, err);
	size_t before = (size_t)(place - data);
	size_t after = before + strlen(PLACE);
	if (buf_add(out, data, before, err) || buf_str(out, world.root, err))
		return err->code;
	return buf_add(out, data + after, len - after, err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (world.repo == NULL)
		make_world();
	struct err err;
	struct id id;
	AUTO(bufv) struct buf document = BUF_INIT;
	struct engine e = { .repo = world.repo };
	must(read_document(&document, data, len, &err));
	must(snapshot_save(world.repo, &document, &id, &err));
	browse(&e, &id);
	plan_restore(&e, &id, NULL, NULL);
	plan_restore(&e, &id, "other", "/srv/other");
	if (snapshot_list(world.repo, show, NULL, &err))
		assert(err.msg[0] != '\0');
	find_parents(&e);
	forget(&id);
	return 0;
}

/*
 * Snapshots of made-up files.  File n has the content of pack 20 n; the first
 * eighth of all that is one large file's as well, whose list of extents is
 * stored as chunks of its own.  Each snapshot has more folders than the one
 * before, and shares the others.
 */
#include "scale.h"

#include "base/json.h"
#include "repo/snapshot.h"
#include "repo/stream.h"
#include "tree/listing.h"
#include "world.h"

#define FULL_EVERY 20
#define PARTIAL_EVERY 80
#define PARTIAL_OFFSET 10 /* so that no pack is both */
#define FILES_OF_FOLDER 100

uint64_t
trees_full_packs(const struct scale *s)
{
	return (s->packs + FULL_EVERY - 1) / FULL_EVERY;
}

uint64_t
trees_partial_packs(const struct scale *s)
{
	return (s->packs - PARTIAL_OFFSET + PARTIAL_EVERY - 1) / PARTIAL_EVERY;
}

static void
fill_extents(struct extent *items, size_t count, uint64_t first_chunk)
{
	for (size_t i = 0; i < count; i++)
		items[i] =
		    (struct extent){ .len = CHUNK_SIZE, .id = world_chunk(first_chunk + i) };
}

static enum err_code
add_entry(struct buf *listing, enum tree_type type, const char *name,
    const struct content *content, struct err *err)
{
	struct tree_entry e = {
		.type = type,
		.mode = type == TREE_DIR ? 0755 : 0644,
		.name = name,
		.name_len = strlen(name),
		.links = 1,
		.content = *content,
	};
	return tree_entry_encode(&e, listing, err);
}

/* Files with so many chunks each of every so manyth pack. */
struct pattern {
	uint64_t files;
	uint64_t every;
	uint64_t offset;
	size_t chunks;
};

static enum err_code
store_folder(struct writer *w, const struct pattern *p, uint64_t first, struct content *out,
    struct err *err)
{
	AUTO(bufv) struct buf listing = BUF_INIT;
	struct extent items[CHUNKS_OF_PACK];
	struct content c = {
		.size = p->chunks * CHUNK_SIZE, .count = p->chunks, .items = items
	};
	if (listing_begin(&listing, err))
		return err->code;
	for (uint64_t n = first; n < p->files && n < first + FILES_OF_FOLDER; n++) {
		char name[32];
		snprintf(name, sizeof name, "file-%09llu", (unsigned long long)n);
		fill_extents(items, p->chunks, (n * p->every + p->offset) * CHUNKS_OF_PACK);
		if (add_entry(&listing, TREE_FILE, name, &c, err))
			return err->code;
	}
	return listing_store(w, &listing, out, err);
}

static enum err_code
store_large_file(struct scale *s, struct writer *w, struct content *out, struct err *err)
{
	AUTO(intake) struct intake *in = NULL;
	struct stream *stream;
	uint64_t packs = trees_full_packs(s) / 8;
	if (intake_new(&in, w, err) || stream_open(&stream, in, CHUNK_DATA, err))
		return err->code;
	for (uint64_t i = 0; i < packs * CHUNKS_OF_PACK; i++) {
		struct extent e;
		uint64_t pack = i / CHUNKS_OF_PACK * FULL_EVERY;
		fill_extents(&e, 1, pack * CHUNKS_OF_PACK + i % CHUNKS_OF_PACK);
		if (stream_stored(stream, &e, err)) {
			stream_abort(stream);
			return err->code;
		}
	}
	return stream_close(stream, out, err);
}

/* The root's listing grows by a folder at a time. */
struct forest {
	struct scale *scale;
	struct writer *writer;
	struct buf root;
	uint64_t folders;
};

static enum err_code
add_folder(struct forest *f, const struct pattern *p, uint64_t first, struct err *err)
{
	AUTO(content) struct content c = CONTENT_INIT;
	char name[32];
	snprintf(name, sizeof name, "folder-%09llu", (unsigned long long)f->folders++);
	if (store_folder(f->writer, p, first, &c, err))
		return err->code;
	return add_entry(&f->root, TREE_DIR, name, &c, err);
}

static enum err_code
save_document(struct scale *s, const struct buf *root, uint64_t number, struct err *err)
{
	AUTO(bufv) struct buf document = BUF_INIT;
	AUTO(mem) char *hex = malloc(2 * root->len + 1);
	struct json_writer w;
	struct id id;
	if (hex == NULL)
		return err_nomem(err);
	hex_encode(hex, root->data, root->len);
	json_init(&w, &document);
	json_obj(&w, NULL);
	json_u64(&w, "version", 1);
	json_u64(&w, "time_ns", number + 1);
	json_str(&w, "host", "scale");
	json_str(&w, "root", hex);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return snapshot_save(s->repo, &document, &id, err);
}

static enum err_code
save_snapshot(struct forest *f, uint64_t number, struct err *err)
{
	AUTO(content) struct content c = CONTENT_INIT;
	AUTO(bufv) struct buf root = BUF_INIT;
	if (listing_store(f->writer, &f->root, &c, err) ||
	    add_entry(&root, TREE_DIR, "", &c, err) || writer_flush(f->writer, err))
		return err->code;
	return save_document(f->scale, &root, number, err);
}

static enum err_code
add_all(struct forest *f, struct err *err)
{
	const struct scale *s = f->scale;
	const struct pattern full = { trees_full_packs(s), FULL_EVERY, 0, CHUNKS_OF_PACK };
	const struct pattern partial = { trees_partial_packs(s), PARTIAL_EVERY, PARTIAL_OFFSET,
		1 };
	AUTO(content) struct content large = CONTENT_INIT;
	if (store_large_file(f->scale, f->writer, &large, err) ||
	    listing_begin(&f->root, err) ||
	    add_entry(&f->root, TREE_FILE, "a-large-file", &large, err))
		return err->code;
	for (uint64_t i = 0; i < partial.files; i += FILES_OF_FOLDER)
		if (add_folder(f, &partial, i, err))
			return err->code;
	uint64_t saved = 0;
	for (uint64_t i = 0; i < full.files; i += FILES_OF_FOLDER) {
		if (add_folder(f, &full, i, err))
			return err->code;
		if ((i + FILES_OF_FOLDER) * SNAPSHOTS >= (saved + 1) * full.files &&
		    save_snapshot(f, saved++, err))
			return err->code;
	}
	return saved == SNAPSHOTS ? ERR_OK : err_set(err, ERR_USAGE, "too few chunks");
}

enum err_code
make_trees(struct scale *s, struct err *err)
{
	struct writer_options opt = WRITER_OPTIONS_INIT;
	AUTO(writer) struct writer *w = NULL;
	if (s->packs < FULL_EVERY * FILES_OF_FOLDER * SNAPSHOTS)
		return err_set(err, ERR_USAGE, "at least %d chunks are needed",
		    FULL_EVERY * FILES_OF_FOLDER * SNAPSHOTS * CHUNKS_OF_PACK);
	if (writer_open(&w, s->repo, &opt, err))
		return err->code;
	struct forest f = { s, w, BUF_INIT, 0 };
	enum err_code rc = add_all(&f, err);
	buf_release(&f.root);
	return rc;
}

#include "engine/restore_dump.h"

#include "base/bytes.h"
#include "crypto/hash.h"
#include "engine/stored_dump.h"
#include "sys/queue.h"
#include "sys/thread.h"
#include "tree/dir.h"

#include <stdatomic.h>
#include <string.h>

#define READ_AHEAD 4 /* chunks; each is a few MiB at most */

struct piece {
	size_t len;
	uint8_t data[];
};

struct restore_dump {
	struct dump_source source; /* first: the connector's view */
	struct engine *engine;
	const struct snapshot *snapshot;
	const char *path;
	const json_t *streams;
	bool *is_proved; /* for each stream */
	atomic_uint_fast64_t bytes;

	/* the file that is open */
	bool is_open;
	bool at_end;
	size_t stream; /* index in streams; SIZE_MAX: not described there */
	struct tree_entry file;
	struct queue *queue;
	pthread_t thread;
	struct piece *piece; /* at hand, read up to pos */
	size_t pos;
	struct sha256 *hash;
	struct err read_err; /* the thread's; valid when the queue has ended */
};

static struct restore_dump *
of(struct dump_source *src)
{
	return (struct restore_dump *)src;
}

static enum err_code
list(struct dump_source *src, struct strv *names, struct err *err)
{
	struct restore_dump *d = of(src);
	size_t i;
	const json_t *s;
	json_array_foreach(d->streams, i, s)
	{
		const char *name = json_get_str(s, "name");
		if (name != NULL && strv_add(names, name, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
push_piece(void *arg, const void *data, size_t len, struct err *err)
{
	struct restore_dump *d = arg;
	struct piece *p = malloc(sizeof *p + len);
	if (p == NULL)
		return err_nomem(err);
	p->len = len;
	memcpy(p->data, data, len);
	if (!queue_push(d->queue, p)) {
		free(p);
		return err_set(err, ERR_CANCELLED, "no longer wanted");
	}
	return cancel_check(d->engine->cancel, err);
}

static void *
read_ahead(void *arg)
{
	struct restore_dump *d = arg;
	d->read_err = (struct err)ERR_INIT;
	/* The code is in read_err, for the reader. */
	(void)!stored_dump_stream(d->engine->repo, &d->file, push_piece, d, &d->read_err);
	queue_close(d->queue);
	return NULL;
}

static size_t
find_stream(const struct restore_dump *d, const char *name)
{
	size_t i;
	const json_t *s;
	json_array_foreach(d->streams, i, s)
	{
		const char *has = json_get_str(s, "name");
		if (has != NULL && strcmp(has, name) == 0)
			return i;
	}
	return SIZE_MAX;
}

static enum err_code
open_file(struct dump_source *src, const char *name, struct err *err)
{
	struct restore_dump *d = of(src);
	AUTO(str) char *path = NULL;
	AUTO(tree_entry) struct tree_entry file = TREE_ENTRY_INIT;
	AUTO(queue) struct queue *queue = NULL;
	AUTO(sha256) struct sha256 *hash = NULL;
	d->stream = find_stream(d, name);
	if (d->stream == SIZE_MAX)
		return err_set(err, ERR_NOT_FOUND, "%s: no such dump in the snapshot", name);
	if (str_printf(&path, err, "%s/%s", d->path, name) ||
	    tree_lookup(d->engine->repo, &d->snapshot->root, path, &file, err) ||
	    queue_new(&queue, READ_AHEAD, free, err) || sha256_new(&hash, err))
		return err->code;
	d->queue = queue;
	d->file = file;
	if (thread_start(&d->thread, read_ahead, d, "dump", err))
		return err->code;
	queue = NULL;
	file = (struct tree_entry)TREE_ENTRY_INIT;
	d->hash = TAKE(hash);
	d->piece = NULL;
	d->pos = 0;
	d->at_end = false;
	d->is_open = true;
	return ERR_OK;
}

/* The end is told only of a file that is what the native tool wrote. */
static enum err_code
prove(struct restore_dump *d, struct err *err)
{
	uint8_t sum[HASH_SIZE];
	char hex[2 * HASH_SIZE + 1];
	const json_t *s = json_array_get(d->streams, d->stream);
	const char *recorded = json_get_str(s, "sha256");
	if (d->read_err.code != ERR_OK) {
		*err = d->read_err;
		return err->code;
	}
	if (sha256_finish(d->hash, sum, err))
		return err->code;
	hex_encode(hex, sum, sizeof sum);
	if (recorded == NULL || strcmp(recorded, hex) != 0)
		return err_set(err, ERR_CORRUPT,
		    "%s/%s: SHA-256 is %.16s..., when it was dumped it was %.16s...", d->path,
		    json_get_str(s, "name"), hex, recorded != NULL ? recorded : "not recorded");
	d->is_proved[d->stream] = true;
	return ERR_OK;
}

static enum err_code
read_file(struct dump_source *src, void *out, size_t len, size_t *got, struct err *err)
{
	struct restore_dump *d = of(src);
	if (d->piece != NULL && d->pos == d->piece->len)
		free(TAKE(d->piece));
	if (d->at_end) {
		*got = 0;
		return ERR_OK;
	}
	if (d->piece == NULL) {
		d->piece = queue_pop(d->queue);
		d->pos = 0;
		if (d->piece == NULL) {
			if (prove(d, err))
				return err->code;
			d->at_end = true;
			*got = 0;
			return ERR_OK;
		}
		if (sha256_add(d->hash, d->piece->data, d->piece->len, err))
			return err->code;
		atomic_fetch_add(&d->bytes, d->piece->len);
	}
	size_t n = min_size(len, d->piece->len - d->pos);
	memcpy(out, d->piece->data + d->pos, n);
	d->pos += n;
	*got = n;
	return ERR_OK;
}

static void
close_file(struct dump_source *src)
{
	struct restore_dump *d = of(src);
	if (!d->is_open)
		return;
	d->is_open = false;
	queue_abort(d->queue);
	pthread_join(d->thread, NULL);
	free(TAKE(d->piece));
	queue_free(TAKE(d->queue));
	sha256_free(TAKE(d->hash));
	tree_entry_release(&d->file);
	d->file = (struct tree_entry)TREE_ENTRY_INIT;
}

static const struct dump_source_ops ops = { list, open_file, read_file, close_file };

enum err_code
restore_dump_open(struct restore_dump **out, struct engine *e, const struct snapshot *s,
    const char *path, const json_t *streams, struct err *err)
{
	AUTO(mem) struct restore_dump *d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_nomem(err);
	d->is_proved = calloc(json_array_size(streams) + 1, sizeof *d->is_proved);
	if (d->is_proved == NULL)
		return err_nomem(err);
	d->source.ops = &ops;
	d->engine = e;
	d->snapshot = s;
	d->path = path;
	d->streams = streams;
	d->file = (struct tree_entry)TREE_ENTRY_INIT;
	*out = TAKE(d);
	return ERR_OK;
}

void
restore_dump_close(struct restore_dump *d)
{
	if (d == NULL)
		return;
	close_file(&d->source);
	free(d->is_proved);
	free(d);
}

struct dump_source *
restore_dump_source(struct restore_dump *d)
{
	return &d->source;
}

uint64_t
restore_dump_bytes(const struct restore_dump *d)
{
	return atomic_load(&d->bytes);
}

enum err_code
restore_dump_check(const struct restore_dump *d, struct err *err)
{
	size_t i;
	const json_t *s;
	json_array_foreach(d->streams, i, s)
	{
		const char *format = json_get_str(s, "format");
		bool is_beside = format != NULL && strcmp(format, "json") == 0;
		if (!d->is_proved[i] && !is_beside)
			return err_set(err, ERR_INCOMPLETE, "%s/%s was not read to its end",
			    d->path, json_get_str(s, "name"));
	}
	return ERR_OK;
}

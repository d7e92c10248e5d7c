/*
 * The images of a stack that are kept in its snapshot, as "docker save" writes
 * them.  An image never changes: one that the last snapshot holds is taken over.
 */
#include "engine/capture.h"

#include "docker/image.h"
#include "sys/clock.h"

struct image_store {
	struct backup_run *run;
	struct stream *stream;
	uint64_t bytes;
};

static enum err_code
take_piece(void *ctx, const void *data, size_t len, struct err *err)
{
	struct image_store *s = ctx;
	if (cancel_check(s->run->engine->cancel, err) ||
	    stream_write(s->stream, data, len, err))
		return err->code;
	s->bytes += len;
	atomic_fetch_add(&s->run->progress.bytes, len);
	return ERR_OK;
}

static enum err_code
store_image(struct backup_run *r, struct capture *c, struct docker *d, struct err *err)
{
	struct image_store s = { .run = r };
	AUTO(intake) struct intake *in = NULL;
	AUTO(content) struct content content = CONTENT_INIT;
	if (intake_new(&in, r->writer, err) || stream_open(&s.stream, in, CHUNK_DATA, err))
		return err->code;
	if (docker_image_save(d, c->member->image, take_piece, &s, err)) {
		stream_abort(s.stream);
		return err_wrap(err, "image %s", c->name);
	}
	if (stream_close(s.stream, &content, err))
		return err->code;
	struct tree_entry e = {
		.type = TREE_FILE,
		.name = "",
		.mode = 0600,
		.links = 1,
		.modified = { .s = r->began_ns / NS_PER_S },
		.content = content,
	};
	if (tree_entry_copy(&c->entry, &e, err))
		return err->code;
	c->bytes = s.bytes;
	return ERR_OK;
}

enum err_code
save_images(struct backup_run *r, struct docker *d, struct err *err)
{
	for (size_t i = 0; i < r->n_captures; i++) {
		struct capture *c = &r->captures[i];
		if (c->member == NULL || c->member->kind != MEMBER_IMAGE)
			continue;
		if (c->has_parent) {
			if (tree_entry_copy(&c->entry, &c->parent, err))
				return err->code;
			c->bytes = c->entry.content.size;
		} else if (store_image(r, c, d, err)) {
			return err->code;
		}
		c->files = 1;
		c->has_entry = true;
	}
	return ERR_OK;
}

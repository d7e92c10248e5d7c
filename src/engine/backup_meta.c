/*
 * What the engine says of a stack, as documents: kept beside its data.
 */
#include "engine/backup_stack.h"

#include <stdarg.h>
#include <stdio.h>

static enum err_code save_doc(struct stack_backup *b, const struct buf *raw, struct err *err,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Keep an inspect document under meta/. */
static enum err_code
save_doc(struct stack_backup *b, const struct buf *raw, struct err *err, const char *fmt, ...)
{
	char path[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(path, sizeof path, fmt, ap);
	va_end(ap);
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	if (save_bytes(&b->run, raw->data, raw->len, &e, err) ||
	    layout_add(b->layout, path, &e, err))
		return err->code;
	return ERR_OK;
}

static enum err_code
save_image(struct stack_backup *b, const struct stack_container *c, struct err *err)
{
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (*c->image_id == '\0')
		return ERR_OK; /* of a planned container, and not on this host */
	if (docker_image_inspect(b->docker, c->image_id, &doc, err)) {
		/* A running container may outlive its image's removal. */
		if (err->code == ERR_NOT_FOUND) {
			event_warning(b->run.engine->events, c->service,
			    "its image %s is no longer on this host", c->image_ref);
			return ERR_OK;
		}
		return err->code;
	}
	return save_doc(b, &doc.raw, err, "meta/images/%s.json", c->name);
}

enum err_code
save_census(
    struct backup_run *r, struct layout *layout, const struct capture *c, struct err *err)
{
	AUTO(bufv) struct buf lines = BUF_INIT;
	AUTO(str) char *path = NULL;
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	const struct db_report *report = connector_report(c->connector);
	for (size_t i = 0; i < report->stream_count; i++)
		if (report->streams[i].census != NULL &&
		    census_write(
			report->streams[i].census, report->streams[i].name, &lines, err))
			return err->code;
	if (str_printf(&path, err, CENSUS_PATH, c->name) ||
	    save_bytes(r, lines.data, lines.len, &e, err))
		return err->code;
	return layout_add(layout, path, &e, err);
}

enum err_code
save_meta(struct stack_backup *b, struct err *err)
{
	const struct stack *s = b->plan->stack;
	for (size_t i = 0; i < b->run.n_captures; i++)
		if (b->run.captures[i].connector != NULL &&
		    save_census(&b->run, b->layout, &b->run.captures[i], err))
			return err->code;
	for (size_t i = 0; i < s->n_containers; i++)
		if (save_doc(b, &s->containers[i].raw, err, "meta/containers/%s.json",
			s->containers[i].name) ||
		    save_image(b, &s->containers[i], err))
			return err->code;
	for (size_t i = 0; i < s->n_volumes; i++)
		if (save_doc(
			b, &s->volumes[i].raw, err, "meta/volumes/%s.json", s->volumes[i].name))
			return err->code;
	for (size_t i = 0; i < s->n_networks; i++)
		if (save_doc(b, &s->networks[i].raw, err, "meta/networks/%s.json",
			s->networks[i].name))
			return err->code;
	return ERR_OK;
}

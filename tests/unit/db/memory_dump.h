/*
 * memory_dump.h: a sink that keeps dump files in memory, and a source that
 * gives them back.  For tests only.
 */
#ifndef TESTS_DB_MEMORY_DUMP_H
#define TESTS_DB_MEMORY_DUMP_H

#include "base/buf.h"
#include "base/strv.h"
#include "db/connector.h"

#include <string.h>

#define MEMORY_FILES 16

struct memory_file {
	char *name;
	struct buf data;
	bool ended;
	mode_t mode;
};

struct memory_dump {
	struct dump_sink sink;
	struct file_sink files_sink;
	struct dump_source source;
	struct memory_file files[MEMORY_FILES];
	size_t len;
	size_t open;
	size_t at;
};

static struct memory_dump *
memory_of_sink(struct dump_sink *s)
{
	return (struct memory_dump *)(void *)((char *)s - offsetof(struct memory_dump, sink));
}

static struct memory_dump *
memory_of_files(struct file_sink *s)
{
	return (
	    struct memory_dump *)(void *)((char *)s - offsetof(struct memory_dump, files_sink));
}

static struct memory_dump *
memory_of_source(struct dump_source *s)
{
	return (struct memory_dump *)(void *)((char *)s - offsetof(struct memory_dump, source));
}

static enum err_code
memory_add(struct memory_dump *m, const char *name, mode_t mode, struct err *err)
{
	if (m->len == MEMORY_FILES)
		return err_set(err, ERR_IO, "too many files");
	m->files[m->len].mode = mode;
	if (str_dup(&m->files[m->len].name, name, err))
		return err->code;
	m->len++;
	return ERR_OK;
}

static enum err_code
memory_begin(struct dump_sink *s, const struct dump_stream *stream, struct err *err)
{
	return memory_add(memory_of_sink(s), stream->name, 0, err);
}

static enum err_code
memory_write(struct dump_sink *s, const void *data, size_t len, struct err *err)
{
	struct memory_dump *m = memory_of_sink(s);
	return buf_add(&m->files[m->len - 1].data, data, len, err);
}

static enum err_code
memory_end(struct dump_sink *s, struct err *err)
{
	(void)err;
	struct memory_dump *m = memory_of_sink(s);
	m->files[m->len - 1].ended = true;
	return ERR_OK;
}

static const struct dump_sink_ops memory_sink_ops = {
	.begin = memory_begin, .write = memory_write, .end = memory_end
};

static enum err_code
memory_place(struct file_sink *s, const struct db_file *file, struct err *err)
{
	return memory_add(memory_of_files(s), file->path, file->mode, err);
}

static enum err_code
memory_place_write(struct file_sink *s, const void *data, size_t len, struct err *err)
{
	return memory_write(&memory_of_files(s)->sink, data, len, err);
}

static enum err_code
memory_place_end(struct file_sink *s, struct err *err)
{
	return memory_end(&memory_of_files(s)->sink, err);
}

static const struct file_sink_ops memory_files_ops = { memory_place, memory_place_write,
	memory_place_end };

static enum err_code
memory_list(struct dump_source *s, struct strv *names, struct err *err)
{
	struct memory_dump *m = memory_of_source(s);
	for (size_t i = 0; i < m->len; i++)
		if (strv_add(names, m->files[i].name, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
memory_open(struct dump_source *s, const char *name, struct err *err)
{
	struct memory_dump *m = memory_of_source(s);
	for (m->open = 0; m->open < m->len; m->open++)
		if (strcmp(m->files[m->open].name, name) == 0)
			break;
	m->at = 0;
	return m->open < m->len ? ERR_OK : err_set(err, ERR_NOT_FOUND, "no such file");
}

static enum err_code
memory_read(struct dump_source *s, void *out, size_t len, size_t *got, struct err *err)
{
	(void)err;
	struct memory_dump *m = memory_of_source(s);
	const struct buf *data = &m->files[m->open].data;
	*got = min_size(len, data->len - m->at);
	if (*got > 0)
		memcpy(out, data->data + m->at, *got);
	m->at += *got;
	return ERR_OK;
}

static void
memory_close(struct dump_source *s)
{
	(void)s;
}

static const struct dump_source_ops memory_source_ops = { memory_list, memory_open, memory_read,
	memory_close };

static inline void
memory_init(struct memory_dump *m)
{
	*m = (struct memory_dump){ .sink = { &memory_sink_ops },
		.files_sink = { &memory_files_ops },
		.source = { &memory_source_ops } };
}

static inline void
memory_auto(struct memory_dump *m)
{
	for (size_t i = 0; i < m->len; i++) {
		free(m->files[i].name);
		buf_release(&m->files[i].data);
	}
}

/* Put a file in, for the source. */
static inline void
memory_put(struct memory_dump *m, const char *name, const void *data, size_t len)
{
	struct err err;
	if (memory_add(m, name, 0, &err) ||
	    buf_add(&m->files[m->len - 1].data, data, len, &err))
		abort();
}

static inline struct memory_file *
memory_find(struct memory_dump *m, const char *name)
{
	for (size_t i = 0; i < m->len; i++)
		if (strcmp(m->files[i].name, name) == 0)
			return &m->files[i];
	return NULL;
}

#endif

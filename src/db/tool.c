#include "db/tool.h"

#include <string.h>

/* A tool that has closed its output and still runs after this long hangs. */
#define FINISH_TIMEOUT_MS 60000
/* What a container's start of a missing program ends with. */
#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND 127

static void
copy_line(char *to, const char *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = from[i] == '\t' || (unsigned char)from[i] >= 0x20 ? from[i] : '?';
}

void
tool_last_lines(char said[TOOL_SAID_SIZE], const char *text)
{
	static const char joint[] = " | ";
	char *at = said + TOOL_SAID_SIZE - 1;
	*at = '\0';
	const char *end = text + strlen(text);
	while (end > text) {
		const char *begin = memrchr(text, '\n', (size_t)(end - text));
		begin = begin != NULL ? begin + 1 : text;
		size_t len = (size_t)(end - begin);
		size_t extra = *at != '\0' ? sizeof joint - 1 : 0;
		if (len > 0 && len + extra > (size_t)(at - said)) {
			if (*at == '\0') {
				at -= TOOL_SAID_SIZE - 1;
				copy_line(at, begin, TOOL_SAID_SIZE - 1);
			}
			break;
		}
		if (len > 0) {
			at -= extra;
			memcpy(at, joint, extra);
			at -= len;
			copy_line(at, begin, len);
		}
		end = begin > text ? begin - 1 : text;
	}
	memmove(said, at, strlen(at) + 1);
}

enum err_code
tool_finish(struct run *run, struct tool_end *end, struct err *err)
{
	if (run_wait(run, FINISH_TIMEOUT_MS, &end->status, err))
		return err->code;
	tool_last_lines(end->said, run_errors(run));
	return ERR_OK;
}

static enum err_code
read_output(struct run *run, size_t max, struct buf *out, struct err *err)
{
	uint8_t chunk[16384];
	size_t got;
	do {
		if (run_read(run, chunk, sizeof chunk, &got, err))
			return err->code;
		if (out->len + got > max)
			return err_set(
			    err, ERR_CORRUPT, "answer is longer than %zu bytes", max);
		if (buf_add(out, chunk, got, err))
			return err->code;
	} while (got > 0);
	return ERR_OK;
}

enum err_code
tool_is_missing(const struct db_target *t, const char *name, struct err *err)
{
	static const struct {
		const char *tool;
		const char *package;
	} packages[] = {
		{ "psql", "postgresql-client" },
		{ "pg_dump", "postgresql-client" },
		{ "pg_dumpall", "postgresql-client" },
		{ "mariadb", "mariadb-client" },
		{ "mariadb-dump", "mariadb-client" },
		{ "mysql", "mariadb-client or mysql-client" },
		{ "mysqldump", "mariadb-client or mysql-client" },
	};
	if (t->site == NULL)
		return err_set(err, ERR_USAGE,
		    "the container has no %s, which is needed to read its database", name);
	for (size_t i = 0; i < ARRAY_LEN(packages); i++)
		if (strcmp(packages[i].tool, name) == 0)
			return err_set(err, ERR_USAGE,
			    "this host has no %s, which is needed to read the database: "
			    "install "
			    "the package %s",
			    name, packages[i].package);
	return err_set(
	    err, ERR_USAGE, "this host has no %s, which is needed to read the database", name);
}

enum err_code
tool_collect(const struct db_target *t, const char *name, struct run *run, size_t max,
    struct buf *out, struct tool_end *end, struct err *err)
{
	if (read_output(run, max, out, err) || tool_finish(run, end, err))
		return err_wrap(err, "%s", name);
	if (end->status == STATUS_NOT_FOUND || end->status == STATUS_NOT_EXECUTABLE)
		return tool_is_missing(t, name, err);
	return ERR_OK;
}

enum err_code
tool_run(const struct db_target *t, const struct run_spec *spec, const struct buf *input,
    size_t max, struct buf *out, struct tool_end *end, struct err *err)
{
	struct run_spec s = *spec;
	s.has_stdin = input != NULL;
	AUTO(run) struct run *run = NULL;
	if (runner_start(t->runner, &s, &run, err))
		return err->code == ERR_NOT_FOUND ? tool_is_missing(t, s.argv[0], err)
						  : err->code;
	if (input != NULL) {
		/* A tool that ends before it has read all says why on standard error. */
		struct err ignored;
		if (run_write(run, input->data, input->len, &ignored) == ERR_OK &&
		    run_close_stdin(run, err))
			return err->code;
	}
	return tool_collect(t, s.argv[0], run, max, out, end, err);
}

enum err_code
tool_version(char **out, const struct db_target *t, const char *name, struct err *err)
{
	const char *argv[] = { name, "--version", NULL };
	struct run_spec spec = RUN_SPEC_INIT;
	spec.argv = argv;
	AUTO(bufv) struct buf text = BUF_INIT;
	struct tool_end end;
	if (tool_run(t, &spec, NULL, 4096, &text, &end, err))
		return err->code;
	if (end.status != 0)
		return err_set(err, ERR_USAGE, "%s --version ended with status %d: %s", name,
		    end.status, end.said);
	const char *line = buf_cstr(&text);
	if (line == NULL)
		return err_nomem(err);
	return str_dupn(out, line, strcspn(line, "\n"), err);
}

enum err_code
tool_cat(
    const struct db_target *t, const char *path, size_t max, struct buf *out, struct err *err)
{
	const char *argv[] = { "cat", "--", path, NULL };
	struct run_spec spec = RUN_SPEC_INIT;
	spec.argv = argv;
	struct tool_end end;
	if (tool_run(t, &spec, NULL, max, out, &end, err))
		return err->code;
	if (end.status != 0)
		return err_set(err, ERR_USAGE, "%s", end.said);
	return ERR_OK;
}

enum err_code
tool_write(const struct db_target *t, const char *path, const struct buf *data, struct err *err)
{
	const char *const argv[] = { "tee", "--", path, NULL };
	struct run_spec spec = RUN_SPEC_INIT;
	struct tool_end end;
	AUTO(bufv) struct buf echo = BUF_INIT;
	spec.argv = argv;
	spec.has_stdin = true;
	if (tool_run(t, &spec, data, data->len, &echo, &end, err))
		return err->code;
	if (end.status != 0)
		return err_set(err, ERR_IO, "write %s: %s", path, end.said);
	return ERR_OK;
}

/*
 * driver.c: drives one connector from the command line, with the local
 * runner, for db_roundtrip.
 *
 *	driver check KIND [-e NAME=VALUE]... [-c WORD]...
 *	driver dump KIND DIR ...    a dataset into a folder
 *	driver files KIND DIR ...   what goes into the data folder before the start
 *	driver load KIND DIR ...
 *
 * -e gives the service's environment, -c its command, -n forbids to dial; -b and
 * -a name programs to run right before and right after the fence.
 */
#include "../../unit/db/local_runner.h"
#include "db/connector.h"
#include "sys/fs.h"

#include <err.h>
#include <sys/stat.h>

struct folder_sink {
	struct dump_sink base;
	const char *dir;
	int fd;
};

static enum err_code
folder_begin(struct dump_sink *sink, const struct dump_stream *stream, struct err *e)
{
	struct folder_sink *f = (struct folder_sink *)sink;
	AUTO(str) char *path = NULL;
	if (str_printf(&path, e, "%s/%s", f->dir, stream->name))
		return e->code;
	char *slash = strchr(stream->name, '/');
	if (slash != NULL) {
		AUTO(str) char *folder = NULL;
		if (str_printf(&folder, e, "%s/%.*s", f->dir, (int)(slash - stream->name),
			stream->name))
			return e->code;
		mkdir(folder, 0700);
	}
	f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return f->fd < 0 ? err_sys(e, "create %s", path) : ERR_OK;
}

static enum err_code
folder_write(struct dump_sink *sink, const void *data, size_t len, struct err *e)
{
	return fd_write_all(((struct folder_sink *)sink)->fd, data, len, e);
}

static enum err_code
folder_end(struct dump_sink *sink, struct err *e)
{
	(void)e;
	close(((struct folder_sink *)sink)->fd);
	return ERR_OK;
}

static const struct dump_sink_ops folder_sink_ops = {
	.begin = folder_begin, .write = folder_write, .end = folder_end
};

struct folder_source {
	struct dump_source base;
	const char *dir;
	int fd;
};

static enum err_code
add_folder(const char *dir, const char *folder, struct strv *names, struct err *e)
{
	AUTO(str) char *path = NULL;
	AUTO(strv) struct strv files = STRV_INIT;
	struct stat st;
	if (str_printf(&path, e, "%s/%s", dir, folder))
		return e->code;
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return strv_add(names, folder, e);
	if (fs_list_dir(path, &files, e))
		return e->code;
	for (size_t i = 0; i < files.len; i++)
		if (strv_addf(names, e, "%s/%s", folder, files.items[i]))
			return e->code;
	return ERR_OK;
}

/* Files, and those in folders, as MongoDB's dumps have them. */
static enum err_code
source_list(struct dump_source *src, struct strv *names, struct err *e)
{
	const char *dir = ((struct folder_source *)src)->dir;
	AUTO(strv) struct strv top = STRV_INIT;
	if (fs_list_dir(dir, &top, e))
		return e->code;
	for (size_t i = 0; i < top.len; i++)
		if (add_folder(dir, top.items[i], names, e))
			return e->code;
	return ERR_OK;
}

static enum err_code
source_open(struct dump_source *src, const char *name, struct err *e)
{
	struct folder_source *f = (struct folder_source *)src;
	AUTO(str) char *path = NULL;
	if (str_printf(&path, e, "%s/%s", f->dir, name))
		return e->code;
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	return f->fd < 0 ? err_sys(e, "open %s", path) : ERR_OK;
}

static enum err_code
source_read(struct dump_source *src, void *out, size_t len, size_t *got, struct err *e)
{
	return fd_read_full(((struct folder_source *)src)->fd, out, len, got, e);
}

static void
source_close(struct dump_source *src)
{
	close(((struct folder_source *)src)->fd);
}

static const struct dump_source_ops folder_source_ops = { source_list, source_open, source_read,
	source_close };

struct place_sink {
	struct file_sink base;
	int fd;
};

static enum err_code
place_begin(struct file_sink *sink, const struct db_file *file, struct err *e)
{
	struct place_sink *p = (struct place_sink *)sink;
	p->fd = -1;
	if (S_ISDIR(file->mode)) {
		if (mkdir(file->path, file->mode & 07777) != 0)
			return err_sys(e, "create %s", file->path);
	} else {
		p->fd = open(
		    file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file->mode & 07777);
		if (p->fd < 0)
			return err_sys(e, "create %s", file->path);
	}
	return chown(file->path, file->uid, file->gid) == 0 ? ERR_OK : err_sys(e, "chown");
}

static enum err_code
place_write(struct file_sink *sink, const void *data, size_t len, struct err *e)
{
	return fd_write_all(((struct place_sink *)sink)->fd, data, len, e);
}

static enum err_code
place_end(struct file_sink *sink, struct err *e)
{
	(void)e;
	fd_auto(&((struct place_sink *)sink)->fd);
	return ERR_OK;
}

static const struct file_sink_ops place_sink_ops = { place_begin, place_write, place_end };

static void
show(const struct db_report *r)
{
	printf("%s %s, fence %.3f ms, %s\n", db_kind_title(r->info.kind), r->info.version,
	    (double)(r->fence.end_ns - r->fence.begin_ns) / 1e6, r->fence.position);
	for (size_t i = 0; i < r->stream_count; i++)
		printf("stream %s: %llu bytes, %s\n", r->streams[i].name,
		    (unsigned long long)r->streams[i].bytes,
		    r->streams[i].tool != NULL ? r->streams[i].tool : "no tool");
	for (size_t i = 0; i < r->warnings.len; i++)
		printf("warning: %s\n", r->warnings.items[i]);
}

static enum err_code
check(struct connector *c, struct err *e)
{
	const struct db_info *info;
	if (connector_check(c, &info, e))
		return e->code;
	for (size_t i = 0; i < info->database_count; i++)
		printf("database %s: %llu bytes, %llu objects\n", info->databases[i].name,
		    (unsigned long long)info->databases[i].bytes,
		    (unsigned long long)info->databases[i].objects);
	for (size_t i = 0; i < info->warnings.len; i++)
		printf("warning: %s\n", info->warnings.items[i]);
	return ERR_OK;
}

/* Programs around the fence. */
static const char *before_fence;
static const char *after_fence;

static enum err_code
run_program(const char *path, struct err *e)
{
	if (path == NULL)
		return ERR_OK;
	const char *argv[] = { path, NULL };
	struct proc_options opt = PROC_OPTIONS_INIT;
	opt.argv = argv;
	AUTO(bufv) struct buf out = BUF_INIT;
	AUTO(bufv) struct buf said = BUF_INIT;
	int status;
	if (proc_run(&opt, NULL, 20000, NULL, &out, &said, &status, e))
		return e->code;
	return status == 0 ? ERR_OK : err_set(e, ERR_IO, "%s: %s", path, buf_cstr(&said));
}

static enum err_code
dump(struct connector *c, const char *dir, struct err *e)
{
	struct folder_sink sink = { { &folder_sink_ops }, dir, -1 };
	struct db_fence fence;
	if (check(c, e) || connector_prepare(c, e) || run_program(before_fence, e) ||
	    connector_fence(c, &fence, e) || run_program(after_fence, e) ||
	    connector_drain(c, &sink.base, e))
		return e->code;
	show(connector_report(c));
	return ERR_OK;
}

static enum err_code
act(struct connector *c, const char *verb, const char *dir, struct err *e)
{
	struct folder_source src = { { &folder_source_ops }, dir, -1 };
	struct place_sink place = { { &place_sink_ops }, -1 };
	if (strcmp(verb, "check") == 0)
		return check(c, e);
	if (strcmp(verb, "dump") == 0)
		return dump(c, dir, e);
	if (strcmp(verb, "files") == 0)
		return connector_restore_files(c, &src.base, &place.base, e);
	if (connector_wait_ready(c, 30000, e))
		return e->code;
	return connector_load(c, &src.base, e);
}

int
main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	AUTO(strv) struct strv command = STRV_INIT;
	struct local_runner runner = { { &local_runner_ops }, NULL, false, NULL };
	int opt;
	while ((opt = getopt(argc, argv, "e:c:na:b:")) != -1) {
		if (opt == 'n')
			runner.cannot_dial = true;
		else if (opt == 'b')
			before_fence = optarg;
		else if (opt == 'a')
			after_fence = optarg;
		else if (opt == '?' || strv_add(opt == 'e' ? &env : &command, optarg, &e))
			errx(2, "usage: driver [-n] [-e NAME=VALUE] [-c WORD] VERB KIND DIR");
	}
	if (argc - optind < 2)
		errx(2, "usage: driver [-n] [-e NAME=VALUE] [-c WORD] VERB KIND DIR");
	runner.env = (const char *const *)env.items;
	struct db_target t = { .service = "db",
		.image = argv[optind + 1],
		.env = &env,
		.command = &command,
		.runner = &runner.base };
	AUTO(connector) struct connector *c = NULL;
	const char *dir = argc - optind > 2 ? argv[optind + 2] : ".";
	if (connector_open(&c, &t, db_kind_of_word(argv[optind + 1]), &e) ||
	    act(c, argv[optind], dir, &e))
		errx(1, "%s", e.msg);
	return 0;
}

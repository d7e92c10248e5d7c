#include "tree/tar_save.h"

#include "base/strv.h"
#include "sys/clock.h"
#include "tree/reporter.h"
#include "tree/tar_meta.h"
#include "tree/tar_tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#define READ_SIZE ((size_t)256 << 10)

struct tar_save {
	const struct tar_save_options *opt;
	struct archive *archive;
	uint8_t *room; /* READ_SIZE bytes */
	struct err read_err; /* of opt->read, when it failed */
	bool had_bytes;
	struct tar_tree *tree;
	struct tar_meta meta;
	struct intake *intake;
	struct reporter report;
	uint64_t entries;
	uint64_t left_out;
};

static la_ssize_t
read_some(struct archive *a, void *arg, const void **out)
{
	struct tar_save *s = arg;
	size_t got;
	if (s->opt->read(s->opt->read_arg, s->room, READ_SIZE, &got, &s->read_err)) {
		archive_set_error(a, -1, "%s", s->read_err.msg);
		return -1;
	}
	s->had_bytes = s->had_bytes || got > 0;
	*out = s->room;
	return (la_ssize_t)got;
}

/* Why the archive cannot be read on: the input's error, or the archive's own. */
static enum err_code
broken(struct tar_save *s, struct err *err)
{
	if (s->read_err.code != ERR_OK) {
		*err = s->read_err;
		return err->code;
	}
	if (!s->had_bytes)
		return err_set(err, ERR_INCOMPLETE, "there was no input at all");
	const char *why = archive_error_string(s->archive);
	return err_set(err, ERR_INCOMPLETE, "it is no whole tar archive: %s",
	    why != NULL ? why : "it cannot be read");
}

/* The library also has a code for "skip what is damaged, and try again": not here. */
static bool
is_usable(int rc)
{
	return rc == ARCHIVE_OK || rc == ARCHIVE_WARN;
}

static void
tell(struct tar_save *s, enum tree_problem_kind kind, const char *path, const char *why)
{
	report_problem(&s->report, kind, path, strlen(path), "%s", why);
}

/* --- opening --- */

static enum err_code
open_archive(struct tar_save *s, struct err *err)
{
	s->room = malloc(READ_SIZE);
	s->archive = archive_read_new();
	if (s->room == NULL || s->archive == NULL)
		return err_nomem(err);
	/* Those that the library would leave to other programs are not taken. */
	int (*const filters[])(struct archive *) = { archive_read_support_filter_gzip,
		archive_read_support_filter_bzip2, archive_read_support_filter_xz,
		archive_read_support_filter_zstd };
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		if (filters[i](s->archive) == ARCHIVE_FATAL)
			return broken(s, err);
	/* With read_concatenated_archives what stands behind an archive is not dropped. */
	if (archive_read_support_format_tar(s->archive) != ARCHIVE_OK ||
	    archive_read_set_option(s->archive, "tar", "read_concatenated_archives", "1") !=
		ARCHIVE_OK ||
	    archive_read_open(s->archive, s, NULL, read_some, NULL) != ARCHIVE_OK)
		return broken(s, err);
	return ERR_OK;
}

/* --- entries --- */

/* The library warns of names that are not UTF-8 in headers that should be; when it has kept
 * their bytes, nothing is lost. */
static bool
is_name_kept(const char *warning, const char *path, const char *link)
{
	return strstr(warning, "can't be converted") != NULL &&
	       (!str_is_utf8(path, strlen(path)) ||
		   (link != NULL && !str_is_utf8(link, strlen(link))));
}

/* The bytes of the entry at hand, holes as holes. */
static enum err_code
copy_bytes(struct tar_save *s, struct stream *stream, uint64_t size, struct err *err)
{
	uint64_t at = 0;
	for (;;) {
		const void *data;
		size_t len;
		la_int64_t offset;
		int rc = archive_read_data_block(s->archive, &data, &len, &offset);
		if (rc == ARCHIVE_EOF)
			break;
		if (!is_usable(rc))
			return broken(s, err);
		if (offset < 0 || (uint64_t)offset < at)
			return err_set(err, ERR_INCOMPLETE,
			    "it is no whole tar archive: a sparse file's map is out of order");
		if (((uint64_t)offset > at &&
			stream_hole(stream, (uint64_t)offset - at, err)) ||
		    (len > 0 && stream_write(stream, data, len, err)))
			return err->code;
		at = (uint64_t)offset + len;
		struct tally t = { .bytes = len };
		report_progress(&s->report, &t);
	}
	return at < size ? stream_hole(stream, size - at, err) : ERR_OK;
}

static enum err_code
save_content(struct tar_save *s, struct tar_inode *i, uint64_t size, struct err *err)
{
	struct stream *stream;
	if (stream_open(&stream, s->intake, CHUNK_DATA, err))
		return err->code;
	if (copy_bytes(s, stream, size, err)) {
		stream_abort(stream);
		return err->code;
	}
	tar_tree_expect(s->tree, i);
	if (stream_finish(stream, tar_inode_done, i, err)) {
		tar_inode_failed(i);
		return err->code;
	}
	return ERR_OK;
}

static enum err_code
save_thing(struct tar_save *s, struct archive_entry *from, const char *path, struct err *err)
{
	struct tree_entry e;
	struct tar_inode *i;
	const char *lost;
	if (tar_meta_read(&s->meta, &e, from, &lost, err) ||
	    tar_tree_add(s->tree, path, &e, &i, err))
		return err->code;
	if (*lost != '\0')
		tell(s, TREE_METADATA, path, lost);
	struct tally t = { .files = e.type == TREE_FILE,
		.dirs = e.type == TREE_DIR,
		.others = e.type != TREE_FILE && e.type != TREE_DIR };
	report_progress(&s->report, &t);
	if (e.type != TREE_FILE)
		return ERR_OK;
	return save_content(s, i, (uint64_t)archive_entry_size(from), err);
}

static bool
is_left_out(struct tar_save *s, const char *path, bool is_dir)
{
	/* As the tree has it: no slash at either end. */
	while (*path == '/' || (path[0] == '.' && path[1] == '/'))
		path++;
	size_t len = strlen(path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	return s->opt->exclude != NULL && len > 0 && !(len == 1 && *path == '.') &&
	       s->opt->exclude(s->opt->exclude_arg, path, len, is_dir);
}

/* What cannot be placed is a problem; what is wrong with the archive or the repository is an
 * error. */
static enum err_code
save_entry(struct tar_save *s, struct archive_entry *from, bool has_warning, struct err *err)
{
	const char *path = archive_entry_pathname(from);
	const char *link = archive_entry_hardlink(from);
	if (path == NULL) {
		tell(s, TREE_UNREADABLE, "", "an entry whose name cannot be read: left out");
		return ERR_OK;
	}
	const char *warning = archive_error_string(s->archive);
	const char *target = link != NULL ? link : archive_entry_symlink(from);
	if (has_warning && warning != NULL && !is_name_kept(warning, path, target))
		tell(s, TREE_METADATA, path, warning);
	if (is_left_out(s, path, archive_entry_filetype(from) == AE_IFDIR)) {
		s->left_out++;
		return ERR_OK;
	}
	enum err_code rc = link != NULL ? tar_tree_link(s->tree, path, link, err)
					: save_thing(s, from, path, err);
	if (rc != ERR_USAGE && rc != ERR_UNSUPPORTED)
		return rc;
	tell(s, TREE_UNREADABLE, path, err->msg);
	return ERR_OK;
}

/* The archive has ended.  Where it was cut between two entries, the library sees no error: but
 * then it has met no block of zeros since the last one. */
static enum err_code
check_end(struct tar_save *s, struct err *err)
{
	if (s->entries == 0 && !s->opt->allow_empty)
		return err_set(err, ERR_INCOMPLETE, "the archive holds nothing");
	if (archive_filter_bytes(s->archive, 0) - archive_read_header_position(s->archive) <
	    512)
		return err_set(err, ERR_INCOMPLETE,
		    "it is no whole tar archive: it ends without its end mark");
	return ERR_OK;
}

/* Who writes shall not be cut off. */
static enum err_code
read_rest(struct tar_save *s, struct err *err)
{
	size_t got;
	do {
		if (s->opt->read(s->opt->read_arg, s->room, READ_SIZE, &got, err))
			return err->code;
	} while (got > 0);
	return ERR_OK;
}

static enum err_code
save_all(struct tar_save *s, struct err *err)
{
	for (;;) {
		struct archive_entry *e;
		int rc = archive_read_next_header(s->archive, &e);
		if (rc == ARCHIVE_EOF)
			break;
		if (!is_usable(rc))
			return broken(s, err);
		s->entries++;
		if (save_entry(s, e, rc == ARCHIVE_WARN, err))
			return err->code;
	}
	if (check_end(s, err))
		return err->code;
	return read_rest(s, err);
}

static enum err_code
save(struct tar_save *s, struct writer *w, struct tree_saved *out, struct err *err)
{
	struct tar_count count;
	if (tar_tree_new(&s->tree, err) || intake_new(&s->intake, w, err) ||
	    open_archive(s, err) || save_all(s, err) ||
	    tar_tree_store(s->tree, w, &out->root, &count, err))
		return err->code;
	out->files = count.files;
	out->dirs = count.dirs;
	out->others = count.others;
	out->bytes = count.bytes;
	out->left_out = s->left_out;
	out->problems = s->report.problems;
	return ERR_OK;
}

enum err_code
tar_save(struct tree_saved *out, struct writer *w, const struct tar_save_options *opt,
    struct err *err)
{
	struct tar_save s = { .opt = opt, .read_err = ERR_INIT };
	struct tree_saved saved = TREE_SAVED_INIT;
	saved.began_ns = clock_wall_ns();
	reporter_init(&s.report, opt->problem, opt->problem_arg, opt->progress);
	/* Names in pax headers are UTF-8; the library converts them to the thread's locale. */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 != (locale_t)0 ? uselocale(utf8) : (locale_t)0;
	enum err_code rc = save(&s, w, &saved, err);
	archive_read_free(s.archive);
	if (utf8 != (locale_t)0) {
		uselocale(before);
		freelocale(utf8);
	}
	free(s.room);
	/* Contents that are on their way need the tree. */
	tar_tree_free(s.tree);
	intake_free(s.intake);
	tar_meta_release(&s.meta);
	reporter_release(&s.report);
	if (rc == ERR_OK)
		*out = saved;
	return rc;
}

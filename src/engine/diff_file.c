#include "engine/diff_file.h"

#include "engine/diff_impl.h"
#include "engine/restore_path.h"
#include "sys/fd.h"
#include "tree/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

void
diff_file_release(struct diff_file *f)
{
	buf_release(&f->before);
	buf_release(&f->after);
}

static enum err_code
check_text(const struct buf *text, const char *path, struct err *err)
{
	if (text->len > 0 && memchr(text->data, '\0', text->len) != NULL)
		return err_set(err, ERR_USAGE, "%s: it is no text", path);
	return ERR_OK;
}

static enum err_code
too_long(const char *path, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s: longer than %zu MB", path, DIFF_FILE_MAX >> 20);
}

/* *found is false when the snapshot has nothing there. */
static enum err_code
read_stored(struct engine *e, const struct snapshot *s, const char *path, struct buf *out,
    bool *found, struct err *err)
{
	AUTO(tree_entry) struct tree_entry entry = TREE_ENTRY_INIT;
	*found = false;
	if (tree_lookup(e->repo, &s->root, path, &entry, err))
		return err->code == ERR_NOT_FOUND ? ERR_OK : err->code;
	if (entry.type != TREE_FILE)
		return err_set(err, ERR_USAGE, "%s: not a file but a %s", path,
		    tree_type_word(entry.type));
	if (entry.content.size > DIFF_FILE_MAX)
		return too_long(path, err);
	AUTO(fd) int fd = memfd_create("stacksnap-text", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "make room for a file");
	if (browse_cat(e, s, path, fd, err))
		return err->code;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "read a file again");
	*found = true;
	return fd_read_to_end(fd, DIFF_FILE_MAX, out, err) ? err->code
							   : check_text(out, path, err);
}

/* Never through a symlink below source: who owns what lies there must not choose what is read.
 */
static int
open_below(const char *source, const char *below)
{
	if (*below == '\0')
		return open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	AUTO(fd) int dir = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	return (int)syscall(SYS_openat2, dir, below, &how, sizeof how);
}

static enum err_code
read_live(const char *source, const char *below, const char *path, struct buf *out, bool *found,
    struct err *err)
{
	struct stat st;
	*found = false;
	AUTO(fd) int fd = open_below(source, below);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return ERR_OK;
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(err, "%s: open what is live", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "%s: what is live is no file", path);
	if ((uint64_t)st.st_size > DIFF_FILE_MAX)
		return too_long(path, err);
	*found = true;
	return fd_read_to_end(fd, DIFF_FILE_MAX, out, err) ? err->code
							   : check_text(out, path, err);
}

/* The longest member that the path lies in has it. */
static enum err_code
find_live(
    const struct snapshot *s, const char *path, struct buf *out, bool *found, struct err *err)
{
	const json_t *members = json_object_get(s->document, "members");
	const char *source = NULL;
	const char *below = "";
	size_t best = 0;
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *m = json_array_get(members, i);
		const char *tree = json_get_str(m, "path");
		const char *from = json_get_str(m, "source");
		if (tree == NULL || from == NULL || !path_is_within(path, tree))
			continue;
		if (source != NULL && strlen(tree) < best)
			continue;
		source = from;
		best = strlen(tree);
		below = path + best + (path[best] == '/');
	}
	if (source == NULL)
		return err_set(err, ERR_USAGE,
		    "%s: not in what lies on this host, so there is nothing to compare with",
		    path);
	return read_live(source, below, path, out, found, err);
}

/* As trees have it: without slashes at its ends. */
static enum err_code
clean(char **out, const char *path, struct err *err)
{
	while (*path == '/')
		path++;
	size_t len = strlen(path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	return str_dupn(out, path, len, err);
}

enum err_code
diff_file_read(struct engine *e, const struct id *a, const struct id *b, const char *path,
    struct diff_file *out, struct err *err)
{
	AUTO(snapshot) struct snapshot first = { .root = TREE_ENTRY_INIT };
	AUTO(snapshot) struct snapshot second = { .root = TREE_ENTRY_INIT };
	AUTO(str) char *where = NULL;
	if (clean(&where, path, err) || snapshot_open(&first, e->repo, a, err) ||
	    read_stored(e, &first, where, &out->before, &out->has_before, err))
		return err->code;
	if (b == NULL) {
		if (diff_check_host(first.document, err) ||
		    find_live(&first, where, &out->after, &out->has_after, err))
			return err->code;
	} else if (snapshot_open(&second, e->repo, b, err) ||
		   read_stored(e, &second, where, &out->after, &out->has_after, err)) {
		return err->code;
	}
	AUTO(tree_entry) struct tree_entry none = TREE_ENTRY_INIT;
	if (!out->has_before && !out->has_after &&
	    tree_find(e->repo, &first.root, where, &none, err))
		return err_wrap(err, "neither side has it");
	return ERR_OK;
}

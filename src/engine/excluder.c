#include "engine/excluder.h"

#include "engine/kept_folder.h"

#include "base/buf.h"
#include "tree/cachedir.h"

#include <fcntl.h>
#include <sys/stat.h>

struct excluder {
	struct excluder_options opt;
	dev_t dev; /* of the root */
	bool has_dev;
	/* The folder that was looked at last, and what lies in it. */
	struct buf dir;
	bool has_dir;
	enum { INSIDE_IN, INSIDE_OUT, INSIDE_CACHE } inside;
	uint64_t count;
};

enum err_code
excluder_new(struct excluder **out, const struct excluder_options *opt, struct err *err)
{
	struct excluder *x = calloc(1, sizeof *x);
	struct stat st;
	if (x == NULL)
		return err_nomem(err);
	x->opt = *opt;
	x->has_dev = opt->one_file_system && stat(opt->root, &st) == 0;
	if (x->has_dev)
		x->dev = st.st_dev;
	*out = x;
	return ERR_OK;
}

void
excluder_free(struct excluder *x)
{
	if (x == NULL)
		return;
	buf_release(&x->dir);
	free(x);
}

uint64_t
excluder_count(const struct excluder *x)
{
	return x->count;
}

/* Look at a folder below the root, and remember it.  What cannot be looked at is in: who reads
 * it will tell. */
static void
enter(struct excluder *x, const char *dir, size_t len)
{
	struct err scratch;
	struct stat st;
	AUTO(str) char *path = NULL;
	AUTO(str) char *tag = NULL;
	x->dir.len = 0;
	x->inside = INSIDE_IN;
	x->has_dir = buf_add(&x->dir, dir, len, &scratch) == ERR_OK;
	if (len == 0 || str_printf(&path, &scratch, "%s/%.*s", x->opt.root, (int)len, dir) ||
	    str_printf(&tag, &scratch, "%s/%s", path, CACHEDIR_TAG))
		return;
	if (x->has_dev && lstat(path, &st) == 0 && st.st_dev != x->dev)
		x->inside = INSIDE_OUT;
	else if (x->opt.caches && cachedir_is_tag(AT_FDCWD, tag))
		x->inside = INSIDE_CACHE;
	x->count += x->inside != INSIDE_IN;
}

static bool
is_inside_out(struct excluder *x, const char *path, size_t len)
{
	if (!x->opt.caches && !x->opt.one_file_system)
		return false;
	const char *slash = memrchr(path, '/', len);
	size_t dir_len = slash != NULL ? (size_t)(slash - path) : 0;
	const char *name = slash != NULL ? slash + 1 : path;
	if (!x->has_dir || x->dir.len != dir_len ||
	    (dir_len > 0 && memcmp(x->dir.data, path, dir_len) != 0))
		enter(x, path, dir_len);
	size_t name_len = len - (size_t)(name - path);
	bool is_tag =
	    name_len == strlen(CACHEDIR_TAG) && memcmp(name, CACHEDIR_TAG, name_len) == 0;
	return x->inside == INSIDE_OUT || (x->inside == INSIDE_CACHE && !is_tag);
}

static bool
is_named(const struct excluder *x, const char *path, size_t len, bool is_dir)
{
	const struct strv *paths = x->opt.paths;
	for (size_t i = 0; paths != NULL && i < paths->len; i++)
		if (strlen(paths->items[i]) == len && memcmp(paths->items[i], path, len) == 0)
			return true;
	return x->opt.rules != NULL && ignore_has(x->opt.rules, path, len, is_dir);
}

bool
excluder_has(void *arg, const char *path, size_t len, bool is_dir)
{
	struct excluder *x = arg;
	if (is_inside_out(x, path, len) || (is_dir && kept_folder_is(path, len)))
		return true;
	if (!is_named(x, path, len, is_dir))
		return false;
	x->count++;
	return true;
}

/*
 * The cache folder of an index, shared by all processes that use the
 * repository.  A process that merges segments removes those it merged; others
 * that have them open go on reading them.  Two that merge at once leave segments that
 * hold the same objects: of those the next one to come keeps the larger.
 */
#include "base/log.h"
#include "base/strv.h"
#include "repo/index_impl.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <sys/stat.h>

#define MOST_FILES 400
#define DAY_NS (86400 * NS_PER_S)

/* What an interrupted run left. */
static bool
is_stale_temp(const char *path, const char *name)
{
	struct stat st;
	return str_ends(name, SEGMENT_TEMP_SUFFIX) && stat(path, &st) == 0 &&
	       clock_wall_ns() - (int64_t)st.st_mtim.tv_sec * NS_PER_S > DAY_NS;
}

/* Mapped segments, one for each index object, as StackSnap kept them before. */
static bool
is_version_1(const char *name)
{
	uint8_t id[ID_SIZE];
	return strlen(name) >= 2 * ID_SIZE + 4 && hex_decode(id, ID_SIZE, name, 2 * ID_SIZE) &&
	       strncmp(name + 2 * ID_SIZE, ".seg", 4) == 0;
}

struct found {
	struct segment **segments;
	size_t count;
};

static void
found_auto(struct found *f)
{
	for (size_t i = 0; i < f->count; i++)
		segment_unref(f->segments[i]);
	free(f->segments);
}

static enum err_code
look_at(struct found *f, const char *folder, const char *name, struct err *err)
{
	AUTO(str) char *path = NULL;
	struct err why; /* another process may have merged it away; else it is made anew */
	if (str_printf(&path, err, "%s/%s", folder, name))
		return err->code;
	if (is_version_1(name) || is_stale_temp(path, name))
		unlink(path);
	else if (str_ends(name, SEGMENT_SUFFIX) && f->count < MOST_FILES) {
		if (segment_open(&f->segments[f->count], path, &why) == ERR_OK)
			f->count++;
		else
			log_debug("index cache: %s", why.msg);
	}
	return ERR_OK;
}

static bool
overlaps(const struct found *kept, const struct segment *s)
{
	for (size_t i = 0; i < kept->count; i++)
		for (size_t k = 0; k < s->objects.count; k++)
			if (segment_find_object(kept->segments[i], &s->object_list[k].id) >= 0)
				return true;
	return false;
}

enum err_code
index_attach_cached(struct index *ix, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(found) struct found all = { NULL, 0 };
	struct found kept = { NULL, 0 };
	if (fs_list_dir(ix->cache_dir, &names, err))
		return err->code;
	all.segments = calloc(names.len + 1, sizeof(struct segment *));
	AUTO(mem) struct segment **chosen = calloc(names.len + 1, sizeof(struct segment *));
	if (all.segments == NULL || chosen == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < names.len; i++)
		if (look_at(&all, ix->cache_dir, names.items[i], err))
			return err->code;
	segments_sort(all.segments, all.count);
	kept.segments = chosen;
	for (size_t i = 0; i < all.count; i++)
		if (overlaps(&kept, all.segments[i]))
			segment_remove_file(all.segments[i]);
		else
			chosen[kept.count++] = all.segments[i];
	return index_publish(ix, chosen, kept.count, err);
}

/* look_at_places: can what is to be exchanged be exchanged, and is there room beside it? */
#include "engine/restore_look.h"
#include "engine/restore_mounted.h"
#include "engine/restore_path.h"
#include "sys/fs.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* A server of these finds its data folder empty when it sets itself up, or does not start. */
static bool
needs_an_empty_folder(const struct restore_job *j, const struct restore_item *it)
{
	for (size_t i = 0; it->service != NULL && it->tree == NULL && i < j->n_databases; i++)
		if (strcmp(j->databases[i].service, it->service) == 0)
			return j->databases[i].kind != DB_REDIS;
	return false;
}

static bool
is_read_only(const char *path)
{
	struct statvfs st;
	return statvfs(path, &st) == 0 && (st.f_flag & ST_RDONLY) != 0;
}

/* What it holds is moved, in place of the folder itself. */
static enum err_code
look_at_mounted(struct restore_job *j, struct restore_item *it, struct err *err)
{
	struct strv *obstacles = &j->preview.obstacles;
	const char *word = item_kind_word(it->kind);
	AUTO(str) char *hidden = NULL;
	if (!fs_is_dir(it->target))
		return strv_addf(obstacles, err,
		    "%s %s is a file that something is mounted on, which cannot be exchanged: "
		    "unmount it first",
		    word, it->name);
	if (needs_an_empty_folder(j, it))
		return strv_addf(obstacles, err,
		    "%s %s is a mount point, and the data folder of service %s, which must be "
		    "empty when its server is set up, but would hold the old data: unmount %s, "
		    "or "
		    "let the service use a folder inside it",
		    word, it->name, it->service, it->target);
	if (is_read_only(it->target))
		return strv_addf(obstacles, err,
		    "%s %s is mounted read-only: mount it so that it can be written to", word,
		    it->name);
	if (item_set_mounted(it, j->tag, err) || path_holder(&hidden, it->old, err))
		return err->code;
	if (fs_exists(hidden))
		return strv_addf(obstacles, err,
		    "%s is there already, left by something else than a restore that is known "
		    "here: look what it holds, and move it away",
		    hidden);
	return strv_addf(&j->preview.warnings, err,
	    "%s %s is a filesystem of its own: its entries are moved one by one, the old ones "
	    "to "
	    "%s, where they stay until restore finish",
	    word, it->name, it->old);
}

static enum err_code
look_at_mounts(struct restore_job *j, struct err *err)
{
	AUTO(strv) struct strv points = STRV_INIT;
	if (mounted_points(&points, err))
		return err->code;
	for (size_t i = 0; i < j->n_items; i++) {
		struct restore_item *it = &j->items[i];
		for (size_t k = 0; it->target != NULL && k < points.len; k++) {
			const char *point = points.items[k];
			if (!path_is_within(point, it->target))
				continue;
			if (strcmp(point, it->target) == 0
				? look_at_mounted(j, it, err)
				: strv_addf(&j->preview.obstacles, err,
				      "%s %s has another filesystem mounted inside it: unmount "
				      "%s "
				      "first",
				      item_kind_word(it->kind), it->name, point))
				return err->code;
		}
	}
	return ERR_OK;
}

/* A folder that StackSnap itself needs while the exchange goes on. */
static enum err_code
look_at_own(struct restore_job *j, const char *what, const char *path, struct err *err)
{
	AUTO(str) char *real = NULL;
	struct err scratch; /* what has no path on this host is not in the way */
	if (path == NULL || !fs_exists(path) || fs_real_path(&real, path, &scratch) != ERR_OK)
		return ERR_OK;
	for (size_t i = 0; i < j->n_items; i++) {
		const struct restore_item *it = &j->items[i];
		AUTO(str) char *target = NULL;
		if (it->target == NULL ||
		    fs_real_path(&target, it->target, &scratch) != ERR_OK ||
		    !path_is_within(real, target))
			continue;
		if (strv_addf(&j->preview.obstacles, err,
			"%s %s lies inside %s, which would be exchanged: move it away first",
			what, path, it->target))
			return err->code;
	}
	return ERR_OK;
}

/* The nearest folder that is there, for where something will be. */
static enum err_code
existing_folder(char **out, const char *path, struct err *err)
{
	AUTO(str) char *at = NULL;
	if (str_dup(&at, path, err))
		return err->code;
	while (!fs_is_dir(at)) {
		char *up = NULL;
		if (path_holder(&up, at, err))
			return err->code;
		free(at);
		at = up;
	}
	*out = TAKE(at);
	return ERR_OK;
}

static enum err_code
item_filesystem(const struct restore_item *it, const char *volumes, char **folder, dev_t *dev,
    struct err *err)
{
	struct stat st;
	if (existing_folder(folder, it->target != NULL ? it->target : volumes, err))
		return err->code;
	if (stat(*folder, &st) != 0)
		return err_sys(err, "%s", *folder);
	*dev = st.st_dev;
	return ERR_OK;
}

/* What a filesystem will have to take, and what stays on it. */
struct room {
	uint64_t need;
	uint64_t kept;
};

static void
count_item(struct room *r, const struct restore_job *j, const struct restore_item *it)
{
	r->need += it->bytes;
	r->kept += it->has_old ? it->old_bytes : 0;
	/* A dump is about as large as what it is loaded into; seldom larger. */
	for (size_t i = 0; it->service != NULL && i < j->n_databases; i++)
		if (strcmp(j->databases[i].service, it->service) == 0)
			r->need += j->databases[i].bytes;
}

static enum err_code
tell_room(struct restore_job *j, const char *folder, const struct room *r, struct err *err)
{
	uint64_t have;
	char need[SIZE_TEXT];
	char free_now[SIZE_TEXT];
	char kept[SIZE_TEXT];
	if (fs_free_bytes(folder, &have, err))
		return err->code;
	size_text(need, r->need);
	size_text(free_now, have);
	size_text(kept, r->kept);
	if (strv_addf(&j->preview.space, err,
		"%s: about %s are written, %s are free; %s of old data stay until restore "
		"finish",
		folder, need, free_now, kept))
		return err->code;
	/* Sparse files, and filesystems that compress, take less than their sizes say. */
	struct strv *out = j->opt->any_space ? &j->preview.warnings : &j->preview.obstacles;
	if (r->need <= have)
		return ERR_OK;
	return strv_addf(out, err,
	    "about %s are written beside the old data on the filesystem of %s, where only %s "
	    "are free%s",
	    need, folder, free_now,
	    j->opt->any_space ? "" : ": make room, or give --any-space if it will do");
}

static enum err_code
look_at_space(struct restore_job *j, const char *volumes, struct err *err)
{
	for (size_t i = 0; i < j->n_items; i++) {
		AUTO(str) char *folder = NULL;
		dev_t dev = 0;
		struct room room = { 0, 0 };
		bool is_told = false;
		if (item_filesystem(&j->items[i], volumes, &folder, &dev, err))
			return err->code;
		for (size_t k = 0; k < j->n_items && !is_told; k++) {
			AUTO(str) char *other = NULL;
			dev_t its_dev = 0;
			if (item_filesystem(&j->items[k], volumes, &other, &its_dev, err))
				return err->code;
			is_told = its_dev == dev && k < i;
			if (its_dev == dev)
				count_item(&room, j, &j->items[k]);
		}
		if (!is_told && tell_room(j, folder, &room, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
look_at_places(struct restore_job *j, struct err *err)
{
	AUTO(docker_info) struct docker_info info = DOCKER_INFO_INIT;
	AUTO(str) char *volumes = NULL;
	if (look_at_mounts(j, err) ||
	    look_at_own(
		j, "the repository", store_location(repo_store(j->engine->repo)), err) ||
	    look_at_own(j, "StackSnap's state", j->engine->state_dir, err) ||
	    docker_info(j->docker, &info, err) ||
	    str_printf(&volumes, err, "%s/volumes", info.data_root))
		return err->code;
	bool makes_volumes = false;
	for (size_t i = 0; i < j->n_items; i++)
		makes_volumes = makes_volumes || j->items[i].target == NULL;
	if (makes_volumes && !fs_is_dir(volumes) &&
	    strv_addf(&j->preview.obstacles, err,
		"the engine keeps its volumes in %s, which cannot be seen from here (another "
		"host, or "
		"not root)",
		volumes))
		return err->code;
	return look_at_space(j, volumes, err);
}

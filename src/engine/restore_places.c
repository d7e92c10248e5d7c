/* look_at_places: can what is to be exchanged be exchanged, and is there room beside it? */
#include "engine/restore_look.h"
#include "engine/restore_path.h"
#include "sys/fs.h"

#include <string.h>
#include <sys/stat.h>

#define MOUNTINFO_MAX ((size_t)16 << 20)

/* "\040" is a space, as the kernel writes paths; in place. */
static void
unescape(char *s)
{
	char *to = s;
	for (const char *p = s; *p != '\0'; to++) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] != '\0' &&
		    p[3] != '\0') {
			*to = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 4;
		} else {
			*to = *p++;
		}
	}
	*to = '\0';
}

static enum err_code
look_at_mount(struct restore_job *j, const char *point, struct err *err)
{
	for (size_t i = 0; i < j->n_items; i++) {
		const struct restore_item *it = &j->items[i];
		if (it->target == NULL || !path_is_within(point, it->target))
			continue;
		bool is_same = strcmp(point, it->target) == 0;
		if (strv_addf(&j->preview.obstacles, err,
			is_same ? "%s %s is a mount point, which cannot be exchanged: unmount "
				  "%s, or "
				  "restore with another folder"
				: "%s %s has another filesystem mounted inside it: unmount %s "
				  "first",
			item_kind_word(it->kind), it->name, point))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
look_at_mounts(struct restore_job *j, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	if (fs_read_file("/proc/self/mountinfo", MOUNTINFO_MAX, &text, err))
		return err->code;
	const char *s = buf_cstr(&text);
	if (s == NULL)
		return err_nomem(err);
	AUTO(strv) struct strv lines = STRV_INIT;
	if (strv_split(&lines, s, '\n', err))
		return err->code;
	for (size_t i = 0; i < lines.len; i++) {
		AUTO(strv) struct strv fields = STRV_INIT;
		if (strv_split(&fields, lines.items[i], ' ', err))
			return err->code;
		if (fields.len < 5)
			continue;
		unescape(fields.items[4]);
		if (look_at_mount(j, fields.items[4], err))
			return err->code;
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

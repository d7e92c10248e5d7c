/* Staging: restored data beside its place, on the same filesystem, so that one rename swaps it
 * in. */
#include "engine/restore_mounted.h"
#include "engine/restore_path.h"
#include "engine/restore_place.h"
#include "engine/restore_steps.h"
#include "engine/restore_tree.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "tree/dir.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* A volume of the engine's own that is not there yet. */
static enum err_code
make_volume(struct restore_job *j, struct restore_item *it, struct err *err)
{
	struct restore_volume *v = &j->volumes[it->volume];
	struct docker_volume_spec spec = { .name = v->name,
		.driver = v->driver,
		.labels = &v->labels,
		.options = &v->options };
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	AUTO(str) char *folder = NULL;
	if (docker_volume_create(j->docker, &spec, err))
		return err->code;
	v->is_made = true;
	if (docker_volume_inspect(j->docker, v->name, &doc, err) ||
	    volume_folder(&folder, doc.json, err))
		return err_wrap(err, "volume %s", v->name);
	return item_set_target(it, folder, j->tag, err);
}

/* "1000" or "1000:1000" of the container's settings; 0 for names, which only the image knows.
 */
static void
owner_of_user(const json_t *doc, struct place_owner *owner)
{
	const char *user = json_get_str(json_object_get(doc, "Config"), "User");
	char *end;
	if (user == NULL || *user < '0' || *user > '9')
		return;
	owner->uid = (uid_t)strtoul(user, &end, 10);
	owner->gid = *end == ':' ? (gid_t)strtoul(end + 1, NULL, 10) : owner->uid;
}

/* For a data folder that was not captured: as the one that is there, or as its server needs it.
 * The official images start as root and set it themselves. */
static struct place_owner
data_owner(const struct restore_job *j, const char *there, const char *service)
{
	struct place_owner owner = { 0700, 0, 0 };
	struct stat st;
	if (there != NULL && lstat(there, &st) == 0 && S_ISDIR(st.st_mode)) {
		owner = (struct place_owner){ st.st_mode & 07777, st.st_uid, st.st_gid };
		return owner;
	}
	const struct restore_container *c = job_container(j, service);
	if (c != NULL)
		owner_of_user(c->doc, &owner);
	return owner;
}

static enum err_code
stage_hollow(const struct restore_job *j, const struct restore_item *it,
    const struct item_hollow *h, struct err *err)
{
	AUTO(str) char *there = NULL;
	if (str_printf(&there, err, "%s/%s", it->target, h->path))
		return err->code;
	struct place_owner owner = data_owner(j, there, h->service);
	return place_make_folder(it->stage, h->path, &owner, err);
}

static enum err_code
stage_tree(struct restore_job *j, struct restore_pen *pen, const struct restore_item *it,
    struct err *err)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	if (tree_lookup(j->engine->repo, &j->snapshot.root, it->tree, &e, err))
		return err->code;
	struct tree_restore_options o = TREE_RESTORE_OPTIONS_INIT;
	o.no_sync = true; /* once for each filesystem, at the end */
	pen->prefix = it->target;
	if (restore_pen_write(pen, &e, it->stage, &o, err))
		return err->code;
	for (size_t i = 0; i < it->n_hollows; i++)
		if (it->hollows[i].is_mount && stage_hollow(j, it, &it->hollows[i], err))
			return err->code;
	return ERR_OK;
}

static enum err_code
stage_empty(struct restore_job *j, const struct restore_item *it, struct err *err)
{
	struct place_owner owner = data_owner(j, it->target, it->service);
	if (mkdir(it->stage, 0700) != 0)
		return err_sys(err, "make folder %s", it->stage);
	return place_make_folder(it->stage, "", &owner, err);
}

static enum err_code
write_stage(
    struct restore_job *j, struct restore_pen *pen, struct restore_item *it, struct err *err)
{
	struct stat st;
	if (it->tree != NULL ? stage_tree(j, pen, it, err) : stage_empty(j, it, err))
		return err->code;
	if (lstat(it->stage, &st) != 0)
		return err_sys(err, "%s", it->stage);
	it->stage_ino = st.st_ino;
	return ERR_OK;
}

/* The same through the hidden folder as it was opened. */
static enum err_code
write_mounted_stage(
    struct restore_job *j, struct restore_pen *pen, struct restore_item *it, struct err *err)
{
	struct mounted m = { it->target, it->stage, it->old };
	AUTO(fd) int hidden = -1;
	AUTO(str) char *opened = NULL;
	if (mounted_begin(&m, &hidden, err) ||
	    str_printf(&opened, err, "/proc/self/fd/%d/new", hidden))
		return err->code;
	char *path = it->stage;
	it->stage = opened;
	enum err_code rc = write_stage(j, pen, it, err);
	it->stage = path;
	return rc;
}

static enum err_code
stage_item(
    struct restore_job *j, struct restore_pen *pen, struct restore_item *it, struct err *err)
{
	AUTO(str) char *holder = NULL;
	if (it->target == NULL && make_volume(j, it, err))
		return err->code;
	if (fs_exists(it->old))
		return err_set(err, ERR_EXISTS,
		    "%s holds what an earlier restore kept: move it away or remove it first",
		    it->old);
	if (it->is_mounted) {
		it->state = ITEM_STAGED;
		return write_mounted_stage(j, pen, it, err);
	}
	/* No restore of this stack runs but ours: what is there was left by one that was
	 * settled. */
	if (path_holder(&holder, it->target, err) || fs_mkdirs(holder, 0755, err) ||
	    fs_remove_tree(it->stage, err))
		return err->code;
	it->state = ITEM_STAGED; /* perhaps in part; either way it is ours to remove */
	return write_stage(j, pen, it, err);
}

static enum err_code
sync_item(const struct restore_item *it, struct err *err)
{
	AUTO(fd) int fd = open(it->stage, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return err_sys(err, "open %s", it->stage);
	if (syncfs(fd) != 0)
		return err_sys(err, "sync %s", it->stage);
	return ERR_OK;
}

enum err_code
job_stage(struct restore_job *j, struct err *err)
{
	uint64_t bytes = 0;
	uint64_t files = 0;
	for (size_t i = 0; i < j->n_items; i++) {
		bytes += j->items[i].bytes;
		files += j->items[i].files;
	}
	AUTO(restore_pen) struct restore_pen pen;
	restore_pen_init(&pen, j->engine, bytes, files);
	for (size_t i = 0; i < j->n_items; i++) {
		struct restore_item *it = &j->items[i];
		if (cancel_check(j->engine->cancel, err))
			return err->code;
		if (stage_item(j, &pen, it, err))
			return err_wrap(err, "%s %s", item_kind_word(it->kind), it->name);
		if (it->tree == NULL)
			continue; /* a database is told of when it is loaded */
		struct event e = { .kind = EVENT_MEMBER,
			.subject = it->name,
			.bytes = it->bytes,
			.files = it->files };
		event_emit(j->engine->events, &e);
	}
	for (size_t i = 0; i < j->n_items; i++)
		if (sync_item(&j->items[i], err))
			return err->code;
	j->files_restored += pen.done.files;
	j->bytes_restored += pen.done.bytes;
	j->problems += pen.done.problems;
	j->is_staged = true;
	return ERR_OK;
}

/*
 * Volumes without a name.  Compose makes them anew with their containers, so
 * they cannot be put in place beforehand: they are filled once the containers
 * are made.  The old stack's are taken up again by restore_back.c.
 */
#include "engine/restore_path.h"
#include "engine/restore_steps.h"
#include "engine/restore_tree.h"
#include "sys/fs.h"
#include "tree/dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The folder on this host that a mount of a container shows. */
enum err_code
job_mount_folder(
    char **out, const struct restore_job *j, const struct stack_mount *m, struct err *err)
{
	if (m->kind == MOUNT_BIND)
		return str_dup(out, m->source, err);
	if (m->kind != MOUNT_VOLUME)
		return err_set(err, ERR_UNSUPPORTED, "%s is kept in memory only", m->target);
	AUTO(docker_doc) struct docker_doc doc = DOCKER_DOC_INIT;
	if (docker_volume_inspect(j->docker, m->source, &doc, err) ||
	    volume_folder(out, doc.json, err))
		return err_wrap(err, "volume %s", m->source);
	return ERR_OK;
}

static const struct stack_container *
container_of(const struct stack *s, const char *service, int64_t number)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i].service, service) == 0 &&
		    s->containers[i].number == number)
			return &s->containers[i];
	return NULL;
}

static const struct stack_mount *
mount_at(const struct stack_container *c, const char *target)
{
	for (size_t i = 0; c != NULL && i < c->n_mounts; i++)
		if (strcmp(c->mounts[i].target, target) == 0)
			return &c->mounts[i];
	return NULL;
}

/* Compose has just made this volume, and the engine may have put the image's files into it:
 * both are replaced as a whole. */
static enum err_code
fill_folder(struct restore_job *j, struct restore_pen *pen, const char *tree,
    const char *folder, struct err *err)
{
	AUTO(tree_entry) struct tree_entry e = TREE_ENTRY_INIT;
	AUTO(str) char *stage = NULL;
	if (tree_lookup(j->engine->repo, &j->snapshot.root, tree, &e, err) ||
	    path_beside(&stage, folder, "new", j->tag, err) || fs_remove_tree(stage, err))
		return err->code;
	struct tree_restore_options o = TREE_RESTORE_OPTIONS_INIT;
	pen->prefix = folder;
	if (restore_pen_write(pen, &e, stage, &o, err))
		return err->code;
	if (renameat2(AT_FDCWD, stage, AT_FDCWD, folder, RENAME_EXCHANGE) != 0)
		return err_sys(err, "exchange %s and %s", stage, folder);
	return fs_remove_tree(stage, err);
}

enum err_code
job_fill_made(struct restore_job *j, struct err *err)
{
	AUTO(restore_pen) struct restore_pen pen;
	restore_pen_init(&pen, j->engine, 0, 0);
	for (size_t i = 0; i < j->n_lates; i++) {
		const struct restore_late *l = &j->lates[i];
		const struct stack_container *c = container_of(j->made, l->service, l->number);
		const struct stack_mount *m = mount_at(c, l->target);
		if (m == NULL) {
			event_problem(j->engine->events, l->tree,
			    "service %s has no volume at %s any more: restore it as files",
			    l->service, l->target);
			j->problems++;
			continue;
		}
		AUTO(str) char *folder = NULL;
		if (job_mount_folder(&folder, j, m, err) ||
		    fill_folder(j, &pen, l->tree, folder, err))
			return err_wrap(
			    err, "volume of service %s at %s", l->service, l->target);
	}
	j->files_restored += pen.done.files;
	j->bytes_restored += pen.done.bytes;
	j->problems += pen.done.problems;
	return ERR_OK;
}

static bool
is_unnamed(const struct stack *s, const char *volume)
{
	for (size_t i = 0; i < s->n_volumes; i++)
		if (strcmp(s->volumes[i].name, volume) == 0)
			return s->volumes[i].is_anonymous;
	return false;
}

enum err_code
job_tell_unnamed(struct restore_job *j, struct err *err)
{
	for (size_t i = 0; i < j->now->n_containers; i++) {
		const struct stack_container *c = &j->now->containers[i];
		for (size_t k = 0; k < c->n_mounts; k++)
			if (c->mounts[k].kind == MOUNT_VOLUME &&
			    is_unnamed(j->now, c->mounts[k].source) &&
			    strv_addf(&j->preview.replaces, err,
				"what container %s keeps at %s, in a volume without a name",
				c->name, c->mounts[k].target))
				return err->code;
	}
	return ERR_OK;
}

#include "engine/restore_settle.h"

#include "base/room.h"
#include "engine/restore_look.h"
#include "engine/restore_past.h"
#include "engine/restore_path.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <string.h>

const char *
restored_state_word(enum restored_state state)
{
	static const char *const words[] = { "running", "interrupted", "kept" };
	return words[state];
}

void
restored_list_release(struct restored_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->items[i].stack);
		free(l->items[i].snapshot);
		strv_release(&l->items[i].places);
	}
	free(l->items);
	strv_release(&l->broken);
}

/* Whoever works on it holds the lock. */
static enum err_code
state_of(struct restore_past *p, enum restored_state *out, struct err *err)
{
	switch (past_lock(p, err)) {
	case ERR_OK:
		*out = p->step == STEP_KEPT ? RESTORED_KEPT : RESTORED_INTERRUPTED;
		return ERR_OK;
	case ERR_LOCKED:
		*out = RESTORED_RUNNING;
		return ERR_OK;
	default:
		return err->code;
	}
}

static enum err_code
describe(struct restored *r, struct restore_past *p, struct err *err)
{
	r->snapshot_ns = p->snapshot_ns;
	r->kept_ns = p->kept_ns != 0 ? p->kept_ns : p->begun_ns;
	r->step = restore_step_word(p->step);
	r->is_partial = p->is_partial;
	r->must_ask = p->lost_some;
	if (str_dup(&r->stack, p->stack, err) || str_dup(&r->snapshot, p->snapshot, err) ||
	    state_of(p, &r->state, err))
		return err->code;
	for (size_t i = 0; i < p->n_items; i++) {
		const struct past_item *it = &p->items[i];
		if (!it->has_old || swap_inode(it->old) != it->old_ino)
			continue;
		r->files += it->old_files;
		r->bytes += it->old_bytes;
		r->must_ask = r->must_ask || it->must_keep;
		if (strv_add(&r->places, it->old, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
add_restored(struct engine *e, struct restored_list *l, const char *stack, struct err *err)
{
	AUTO(past) struct restore_past *p = NULL;
	struct err why;
	enum err_code rc = past_open(&p, e, stack, &why);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK; /* settled meanwhile */
	if (rc != ERR_OK)
		return strv_add(&l->broken, why.msg, err);
	if (ROOM_SHORT(l->items, l->count, err))
		return err->code;
	l->items[l->count] = (struct restored){ .places = STRV_INIT };
	return describe(&l->items[l->count++], p, err);
}

enum err_code
restore_list(struct engine *e, struct restored_list *out, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (e->state_dir == NULL || !fs_is_dir(e->state_dir))
		return ERR_OK;
	if (fs_list_dir(e->state_dir, &names, err))
		return err_wrap(err, "look for restores");
	for (size_t i = 0; i < names.len; i++) {
		const char *name = names.items[i];
		AUTO(str) char *stack = NULL;
		if (!str_starts(name, "restore-") || !str_ends(name, ".json"))
			continue;
		size_t len = strlen(name) - strlen("restore-") - strlen(".json");
		if (str_dupn(&stack, name + strlen("restore-"), len, err) ||
		    add_restored(e, out, stack, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
restore_check_settled(struct engine *e, const char *stack, struct err *err)
{
	AUTO(past) struct restore_past *p = NULL;
	enum restored_state state;
	if (e->state_dir == NULL)
		return ERR_OK;
	enum err_code rc = past_open(&p, e, stack, err);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK || state_of(p, &state, err))
		return err->code;
	switch (state) {
	case RESTORED_RUNNING:
		return err_set(err, ERR_LOCKED, "a restore of stack %s is running", stack);
	case RESTORED_INTERRUPTED:
		return err_set(err, ERR_LOCKED,
		    "a restore of stack %s was interrupted at its step \"%s\": stacksnap "
		    "recover brings it to an end",
		    stack, restore_step_word(p->step));
	case RESTORED_KEPT:
		break;
	}
	return ERR_OK;
}

static enum err_code
open_locked(struct restore_past **out, struct engine *e, const char *stack, struct err *err)
{
	AUTO(past) struct restore_past *p = NULL;
	enum err_code rc = past_open(&p, e, stack, err);
	if (rc == ERR_NOT_FOUND)
		return err_set(err, ERR_NOT_FOUND,
		    "stack %s has no restore that could be undone or finished", stack);
	if (rc != ERR_OK || past_lock(p, err))
		return err->code;
	/* It may have gone on before the lock was ours. */
	AUTO(past) struct restore_past *again = NULL;
	if (past_open(&again, e, stack, err))
		return err->code;
	again->lock = p->lock;
	p->lock = -1;
	*out = TAKE(again);
	return ERR_OK;
}

/* --- undo --- */

static enum err_code
measure_now(
    const struct past_item *it, const struct engine *e, struct strv *out, struct err *err)
{
	uint64_t files = 0;
	uint64_t bytes = 0;
	char size[SIZE_TEXT];
	if (!fs_exists(it->target))
		return ERR_OK;
	if (measure_tree(it->target, e->cancel, &files, &bytes, err))
		return err->code;
	/* The old data lies in it. */
	if (it->is_mounted && fs_exists(it->old)) {
		uint64_t old_files = 0;
		uint64_t old_bytes = 0;
		if (measure_tree(it->old, e->cancel, &old_files, &old_bytes, err))
			return err->code;
		files -= files > old_files ? old_files : files;
		bytes -= bytes > old_bytes ? old_bytes : bytes;
	}
	size_text(size, bytes);
	return strv_addf(out, err, "%s %s as it is now (%llu %s, %s)", it->word, it->name,
	    (unsigned long long)files, files == 1 ? "file" : "files", size);
}

/* The old compose files, where they lie until they are put back. */
static enum err_code
check_old_files(struct restore_past *p, struct strv *obstacles, struct err *err)
{
	for (size_t i = 0; i < p->old.files.len; i++) {
		const char *file = p->old.files.items[i];
		bool is_there = false;
		for (size_t k = 0; k < p->n_items && !is_there; k++) {
			const struct past_item *it = &p->items[k];
			AUTO(str) char *at = NULL;
			if (!path_is_within(file, it->target))
				continue;
			if (path_moved(&at, file, it->target, it->old, err))
				return err->code;
			is_there = fs_exists(at) || fs_exists(it->stage);
		}
		if (!is_there && !fs_exists(file) &&
		    strv_addf(obstacles, err,
			"compose file %s of the old stack is gone: without it its containers "
			"cannot be made again",
			file))
			return err->code;
	}
	return ERR_OK;
}

/* Where a path of the old stack lies while the restored one is in its place. */
static enum err_code
old_place(char **out, const struct restore_past *p, const char *path, struct err *err)
{
	for (size_t i = 0; i < p->n_items; i++) {
		const struct past_item *it = &p->items[i];
		if (it->was_there && path_is_within(path, it->target) && fs_exists(it->old))
			return path_moved(out, path, it->target, it->old, err);
	}
	return str_dup(out, path, err);
}

static enum err_code
old_places(
    struct strv *out, const struct restore_past *p, const struct strv *paths, struct err *err)
{
	for (size_t i = 0; i < paths->len; i++) {
		AUTO(str) char *at = NULL;
		if (old_place(&at, p, paths->items[i], err))
			return err->code;
		if (fs_exists(at) && strv_add(out, at, err))
			return err->code;
	}
	return ERR_OK;
}

/* They are asked for again when it is started: better before anything is touched. */
static enum err_code
check_old_variables(struct restore_past *p, struct strv *obstacles, struct err *err)
{
	AUTO(compose) struct compose *c = NULL;
	AUTO(compose_reading) struct compose_reading r = COMPOSE_READING_INIT;
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(strv) struct strv env_files = STRV_INIT;
	AUTO(str) char *dir = NULL;
	struct err why;
	if (!p->has_old || old_place(&dir, p, p->old.dir, err) ||
	    old_places(&files, p, &p->old.files, err) ||
	    old_places(&env_files, p, &p->old.env_files, err))
		return p->has_old ? err->code : ERR_OK;
	/* Without Compose, or without the files, that is what is told. */
	if (files.len == 0 || compose_find(&c, NULL, p->engine->cancel, &why) != ERR_OK)
		return ERR_OK;
	struct restore_site site = { .name = p->stack };
	struct compose_project project = site_project(&site, dir, &files, &env_files);
	if (compose_read(c, &project, &r, err))
		return err->code;
	for (size_t i = 0; i < r.unset.len; i++)
		if (strv_addf(obstacles, err,
			"variable %s, which the compose files of the old stack need, is not "
			"set: %s=... stacksnap restore undo %s (or set it to nothing, if that "
			"is what it was)",
			r.unset.items[i], r.unset.items[i], p->stack))
			return err->code;
	return ERR_OK;
}

static enum err_code
preview(struct restore_past *p, struct restore_preview *out, struct err *err)
{
	char when[CLOCK_TEXT_SIZE];
	struct err why;
	if (p->step != STEP_KEPT && p->from != STEP_KEPT)
		return strv_addf(&out->obstacles, err,
		    "the restore of stack %s was interrupted at its step \"%s\": stacksnap "
		    "recover brings it to an end",
		    p->stack, restore_step_word(p->step));
	if (p->step == STEP_FINISHING)
		return strv_addf(&out->obstacles, err,
		    "what was there before is being removed already: stacksnap recover ends "
		    "that");
	clock_format_local(when, p->kept_ns);
	if (past_check_old(p, &why) != ERR_OK && strv_add(&out->obstacles, why.msg, err))
		return err->code;
	if (!p->is_partial && (check_old_files(p, &out->obstacles, err) ||
				  check_old_variables(p, &out->obstacles, err)))
		return err->code;
	for (size_t i = 0; i < p->n_items; i++) {
		const struct past_item *it = &p->items[i];
		if ((it->has_old &&
			strv_addf(&out->makes, err, "%s %s as it was before the restore",
			    it->word, it->name)) ||
		    measure_now(it, p->engine, &out->replaces, err))
			return err->code;
	}
	if (p->has_old && !p->is_partial &&
	    strv_addf(
		&out->makes, err, "the containers of stack %s, from its own files", p->stack))
		return err->code;
	return strv_addf(&out->warnings, err,
	    "what was written since the restore (%s) is lost: stacksnap backup %s keeps it",
	    when, p->stack);
}

enum err_code
restore_undo_preview(
    struct engine *e, const char *stack, struct restore_preview *out, struct err *err)
{
	AUTO(past) struct restore_past *p = NULL;
	if (open_locked(&p, e, stack, err))
		return err->code;
	return preview(p, out, err);
}

enum err_code
restore_undo(struct engine *e, const char *stack, struct err *err)
{
	AUTO(past) struct restore_past *p = NULL;
	AUTO(restore_preview) struct restore_preview seen = RESTORE_PREVIEW_INIT;
	if (open_locked(&p, e, stack, err) || preview(p, &seen, err))
		return err->code;
	if (seen.obstacles.len > 0)
		return err_set(err, ERR_USAGE, "%s", seen.obstacles.items[0]);
	event_phase(e->events, "putting back what was there before");
	/* From here on nothing is cancelled. */
	if (past_connect(p, NULL, err) ||
	    (p->is_partial && p->step == STEP_KEPT && past_find_running(p, err)))
		return err->code;
	enum err_code rc = past_go_back(p, err);
	if (rc != ERR_OK && rc != ERR_TRANSIENT)
		past_tell_places(p);
	return rc;
}

/* --- finish --- */

enum err_code
restore_finish(struct engine *e, const char *stack, struct err *err)
{
	AUTO(past) struct restore_past *p = NULL;
	if (open_locked(&p, e, stack, err))
		return err->code;
	bool is_back = p->step == STEP_RESTARTING && p->from == STEP_KEPT;
	if (p->step != STEP_KEPT && p->step != STEP_FINISHING && !is_back)
		return err_set(err, ERR_LOCKED,
		    "the restore of stack %s was interrupted at its step \"%s\": stacksnap "
		    "recover brings it to an end",
		    stack, restore_step_word(p->step));
	if (past_connect(p, e->cancel, err))
		return err->code;
	event_phase(
	    e->events, is_back ? "removing the restored data" : "removing the old data");
	return is_back ? past_accept_back(p, err) : past_finish(p, err);
}

/* --- recover --- */

static enum err_code
back(struct restore_past *p, enum recovered *how, struct err *err)
{
	enum err_code rc = past_go_back(p, err);
	if (rc == ERR_OK || rc == ERR_TRANSIENT)
		*how = RECOVERED_OLD;
	else
		past_tell_places(p);
	return rc;
}

/* Everything was in place, only the start was missing. */
static enum err_code
forth(struct restore_past *p, enum recovered *how, struct err *err)
{
	struct err why = ERR_INIT;
	bool is_kept;
	bool can_go_back = past_had_something(p);
	if (past_is_swapped(p) && past_go_on(p, &is_kept, &why) == ERR_OK) {
		*how = RECOVERED_NEW;
		return ERR_OK;
	}
	if (why.code == ERR_USAGE) {
		*err = why;
		return err->code;
	}
	if (!can_go_back) {
		*how = RECOVERED_NEW;
		if (restore_record_remove(p->path, err))
			return err->code;
		return err_set(err, ERR_TRANSIENT,
		    "stack %s: all data is restored and stays, but it does not start: %s",
		    p->stack, why.msg);
	}
	return back(p, how, err);
}

enum err_code
restore_recover(struct engine *e, const char *stack, enum recovered *how, struct err *err)
{
	AUTO(past) struct restore_past *p = NULL;
	*how = RECOVERED_NOTHING;
	enum err_code rc = open_locked(&p, e, stack, err);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	if (p->step == STEP_KEPT)
		return ERR_OK;
	event_phase(e->events, "settling the restore of stack %s", stack);
	if (past_connect(p, NULL, err))
		return err->code;
	if (p->step == STEP_FINISHING) {
		*how = RECOVERED_FINISHED;
		return past_finish(p, err);
	}
	return p->step == STEP_STARTING ? forth(p, how, err) : back(p, how, err);
}

#include "engine/restore_part.h"

#include "base/suggest.h"
#include "engine/restore_path.h"
#include "engine/restore_steps.h"

#include <string.h>

/* --- what is chosen --- */

static bool
wants(const struct strv *list, const char *name)
{
	return list != NULL && name != NULL && strv_has(list, name);
}

/* "uploads", "shop_uploads", "volume shop_uploads" */
static bool
is_named(const struct restore_job *j, const char *kind, const char *name, struct strv *used)
{
	struct err scratch; /* a name too many is told as unknown, at worst */
	const struct strv *members = j->opt->members;
	size_t len = strlen(kind);
	for (size_t i = 0; members != NULL && i < members->len; i++) {
		const char *m = members->items[i];
		bool has_kind = strncmp(m, kind, len) == 0 && m[len] == ' ';
		if (strcmp(m, name) != 0 && !(has_kind && strcmp(m + len + 1, name) == 0))
			continue;
		return strv_add(used, m, &scratch) == ERR_OK;
	}
	return false;
}

static bool
mounts(const struct restore_job *j, const struct restore_item *it, const struct strv *services)
{
	for (size_t i = 0; i < j->n_containers; i++) {
		const struct restore_container *c = &j->containers[i];
		size_t k;
		const json_t *m;
		json_array_foreach(json_object_get(c->doc, "Mounts"), k, m)
		{
			const char *name = json_get_str(m, "Name");
			const char *source = json_get_str(m, "Source");
			bool is_it =
			    it->kind == ITEM_VOLUME
				? name != NULL &&
				      strcmp(name, j->volumes[it->volume].recorded_name) == 0
				: source != NULL && it->source != NULL &&
				      strcmp(source, it->source) == 0;
			if (is_it && wants(services, c->service))
				return true;
		}
	}
	return false;
}

static bool
is_chosen_item(const struct restore_job *j, const struct restore_item *it, struct strv *used)
{
	const char *kinds[] = { "project", "file", "volume", "bind" };
	bool is_volume = it->kind == ITEM_VOLUME;
	const char *recorded = is_volume ? j->volumes[it->volume].recorded_name : it->name;
	const char *key = is_volume ? j->volumes[it->volume].key : NULL;
	if (it->kind == ITEM_PROJECT && is_named(j, "project", "project", used))
		return true;
	if (it->service != NULL)
		return wants(j->opt->services, it->service) ||
		       is_named(j, "database", it->service, used);
	return mounts(j, it, j->opt->services) ||
	       is_named(j, kinds[it->kind], recorded, used) ||
	       (key != NULL && is_named(j, kinds[it->kind], key, used));
}

static void
choose_databases(struct restore_job *j, struct strv *used)
{
	size_t kept = 0;
	for (size_t i = 0; i < j->n_databases; i++) {
		const char *service = j->databases[i].service;
		if (wants(j->opt->services, service) || is_named(j, "database", service, used))
			j->databases[kept++] = j->databases[i];
	}
	j->n_databases = kept;
}

static void
choose_lates(struct restore_job *j)
{
	size_t kept = 0;
	for (size_t i = 0; i < j->n_lates; i++) {
		if (wants(j->opt->services, j->lates[i].service))
			j->lates[kept++] = j->lates[i];
		else
			free(j->lates[i].tree);
	}
	j->n_lates = kept;
}

/* Data folders inside an item come and go with it. */
static enum err_code
check_hollows(
    const struct restore_job *j, const struct restore_item *it, bool is_chosen, struct err *err)
{
	for (size_t i = 0; i < it->n_hollows; i++) {
		const char *service = it->hollows[i].service;
		bool has_database = job_database(j, service) != NULL;
		if (is_chosen == has_database)
			continue;
		return err_set(err, ERR_USAGE,
		    "the database of service %s lies inside %s %s: restore both (--member "
		    "\"database %s\" --member \"%s\"), or neither",
		    service, item_kind_word(it->kind), it->name, service,
		    it->kind == ITEM_PROJECT ? "project" : it->name);
	}
	return ERR_OK;
}

static enum err_code
choose_items(struct restore_job *j, struct strv *used, struct err *err)
{
	size_t kept = 0;
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < j->n_items; i++) {
		struct restore_item it = j->items[i];
		bool is_chosen = is_chosen_item(j, &it, used);
		if (rc == ERR_OK)
			rc = check_hollows(j, &it, is_chosen, err);
		if (is_chosen)
			j->items[kept++] = it;
		else
			item_release(&it);
	}
	j->n_items = kept;
	return rc;
}

static enum err_code
no_service(const struct strv *services, const char *typed, struct err *err)
{
	const char *near = suggest(typed, (const char *const *)services->items, services->len);
	return err_set(err, ERR_USAGE, "the snapshot has no service \"%s\"%s%s%s", typed,
	    near != NULL ? " (did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?)" : ": 'stacksnap show' lists those that it has");
}

static enum err_code
check_names(const struct restore_job *j, const struct strv *used, struct err *err)
{
	for (size_t i = 0; j->opt->members != NULL && i < j->opt->members->len; i++)
		if (!strv_has(used, j->opt->members->items[i]))
			return err_set(err, ERR_USAGE,
			    "the snapshot has no member \"%s\" (stacksnap show lists them: "
			    "\"volume NAME\", \"database SERVICE\", \"bind PATH\", "
			    "\"project\")",
			    j->opt->members->items[i]);
	for (size_t i = 0; j->opt->services != NULL && i < j->opt->services->len; i++)
		if (!strv_has(&j->services, j->opt->services->items[i]))
			return no_service(&j->services, j->opt->services->items[i], err);
	return ERR_OK;
}

enum err_code
job_choose(struct restore_job *j, struct err *err)
{
	AUTO(strv) struct strv used = STRV_INIT;
	size_t services = j->opt->services != NULL ? j->opt->services->len : 0;
	size_t members = j->opt->members != NULL ? j->opt->members->len : 0;
	if (services + members == 0)
		return ERR_OK;
	j->is_partial = true;
	choose_databases(j, &used);
	choose_lates(j);
	if (choose_items(j, &used, err) || check_names(j, &used, err))
		return err->code;
	if (j->n_items + j->n_databases + j->n_lates == 0)
		return err_set(err, ERR_USAGE,
		    "the snapshot has no data of service %s alone: what it mounts lies in the "
		    "project folder (--member project)",
		    j->opt->services->items[0]);
	return ERR_OK;
}

/* --- what is touched --- */

/* A volume without a name: that of the container that is there. */
static enum err_code
place_lates(struct restore_job *j, struct err *err)
{
	for (size_t i = 0; i < j->n_lates; i++) {
		const struct restore_late *l = &j->lates[i];
		const struct stack_mount *at = NULL;
		AUTO(str) char *folder = NULL;
		AUTO(str) char *name = NULL;
		for (size_t c = 0; c < j->now->n_containers; c++)
			for (size_t k = 0; k < j->now->containers[c].n_mounts; k++)
				if (strcmp(j->now->containers[c].service, l->service) == 0 &&
				    j->now->containers[c].number == l->number &&
				    strcmp(j->now->containers[c].mounts[k].target, l->target) ==
					0)
					at = &j->now->containers[c].mounts[k];
		if (at == NULL) {
			if (strv_addf(&j->preview.obstacles, err,
				"service %s has no volume at %s any more", l->service,
				l->target))
				return err->code;
			continue;
		}
		struct restore_item *it;
		if (job_mount_folder(&folder, j, at, err) ||
		    str_printf(&name, err, "of service %s at %s", l->service, l->target) ||
		    job_add_item(j, ITEM_BIND, name, folder, &it, err) ||
		    str_dup(&it->tree, l->tree, err))
			return err->code;
	}
	for (size_t i = 0; i < j->n_lates; i++)
		free(j->lates[i].tree);
	j->n_lates = 0;
	return ERR_OK;
}

/* From above a container sees an exchange by itself; from here on down it does not. */
static enum err_code
uses_items(bool *out, struct restore_job *j, const struct stack_container *c, struct err *err)
{
	*out = job_database(j, c->service) != NULL;
	for (size_t k = 0; !*out && k < c->n_mounts; k++) {
		AUTO(str) char *folder = NULL;
		enum err_code rc = job_mount_folder(&folder, j, &c->mounts[k], err);
		if (rc == ERR_UNSUPPORTED)
			continue;
		if (rc != ERR_OK)
			return rc;
		for (size_t i = 0; i < j->n_items; i++)
			*out = *out || (j->items[i].target != NULL &&
					   (path_is_within(folder, j->items[i].target) ||
					       path_is_within(j->items[i].target, folder)));
	}
	return ERR_OK;
}

static enum err_code
touch(struct restore_job *j, const struct stack_container *c, struct err *err)
{
	return strv_has(&j->touched, c->service) ? ERR_OK
						 : strv_add(&j->touched, c->service, err);
}

/* Those that need one that is stopped, and so on. */
static enum err_code
touch_dependants(struct restore_job *j, struct err *err)
{
	for (size_t before = SIZE_MAX; before != j->touched.len;) {
		before = j->touched.len;
		for (size_t i = 0; i < j->now->n_containers; i++) {
			const struct stack_container *c = &j->now->containers[i];
			for (size_t k = 0; k < c->depends_on.len; k++)
				if (strv_has(&j->touched, c->depends_on.items[k]) &&
				    touch(j, c, err))
					return err->code;
		}
	}
	return ERR_OK;
}

static enum err_code
check_there(struct restore_job *j, struct err *err)
{
	struct strv *out = &j->preview.obstacles;
	for (size_t i = 0; i < j->n_items; i++)
		if (j->items[i].target == NULL &&
		    strv_addf(out, err, "volume %s is not there: restore the stack as a whole",
			j->items[i].name))
			return err->code;
	for (size_t i = 0; i < j->n_databases; i++)
		if (stack_find(j->now, j->databases[i].service) == NULL &&
		    strv_addf(out, err,
			"service %s has no container: restore the stack as a whole",
			j->databases[i].service))
			return err->code;
	return ERR_OK;
}

static enum err_code
list_touched(struct restore_job *j, struct err *err)
{
	strv_release(&j->ran);
	j->ran = (struct strv)STRV_INIT;
	for (size_t i = 0; i < j->now->n_containers; i++) {
		const struct stack_container *c = &j->now->containers[i];
		if (!strv_has(&j->touched, c->service) || c->state == CONTAINER_STOPPED)
			continue;
		if (strv_add(&j->stopped_ids, c->id, err) ||
		    (!strv_has(&j->ran, c->service) && strv_add(&j->ran, c->service, err)))
			return err->code;
	}
	for (size_t i = 0; i < j->ran.len; i++)
		if (strv_addf(&j->preview.warnings, err, "service %s is stopped meanwhile",
			j->ran.items[i]))
			return err->code;
	return ERR_OK;
}

enum err_code
job_find_touched(struct restore_job *j, struct err *err)
{
	if (!j->is_partial)
		return ERR_OK;
	if (j->now == NULL || j->now->n_containers == 0)
		return strv_addf(&j->preview.obstacles, err,
		    "stack %s is not there: --service and --member put data into a stack that "
		    "is; restore it as a whole",
		    j->name);
	if (place_lates(j, err))
		return err->code;
	for (size_t i = 0; i < j->now->n_containers; i++) {
		bool is_user;
		if (uses_items(&is_user, j, &j->now->containers[i], err) ||
		    (is_user && touch(j, &j->now->containers[i], err)))
			return err->code;
	}
	if (touch_dependants(j, err) || check_there(j, err))
		return err->code;
	return list_touched(j, err);
}

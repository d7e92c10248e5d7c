#include "engine/plan_impl.h"

#include "base/room.h"
#include "engine/quiet_plan.h"
#include "sys/fs.h"

const char *
member_kind_word(enum member_kind kind)
{
	static const char *const words[] = { "project", "file", "volume", "bind", "database",
		"image", "meta" };
	return words[kind];
}

void
target_lists_release(struct target_lists *l)
{
	strv_release(&l->ports);
	strv_release(&l->mounts);
}

enum err_code
plan_db_target(struct db_target *out, struct target_lists *lists,
    const struct stack_container *c, struct err *err)
{
	AUTO(json) json_t *doc = NULL;
	if (json_parse(&doc, c->raw.data, c->raw.len, c->name, err))
		return err->code;
	const char *port;
	json_t *ignored;
	json_object_foreach(json_object_get(json_object_get(doc, "Config"), "ExposedPorts"),
	    port, ignored) if (strv_add(&lists->ports, port, err)) return err->code;
	for (size_t i = 0; i < c->n_mounts; i++)
		if (strv_add(&lists->mounts, c->mounts[i].target, err))
			return err->code;
	*out = (struct db_target){
		.service = c->service,
		.image = c->image_ref,
		.env = &c->env,
		.command = &c->argv,
		.ports = &lists->ports,
		.mounts = &lists->mounts,
	};
	return ERR_OK;
}

void
plan_member_release(struct plan_member *m)
{
	free(m->name);
	free(m->path);
	free(m->source);
	free(m->inside);
	free(m->image);
	free(m->image_id);
	strv_release(&m->exclude);
	strv_release(&m->rules);
	strv_release(&m->services);
}

void
plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n_members; i++)
		plan_member_release(&p->members[i]);
	free(p->members);
	for (size_t i = 0; i < p->n_gaps; i++) {
		free(p->gaps[i].what);
		free(p->gaps[i].why);
	}
	free(p->gaps);
	free(p->quiesce);
	settings_free(p->settings);
	stack_free(p->stack);
	free(p);
}

enum err_code
plan_add_member(struct plan *p, enum member_kind kind, const char *name, const char *source,
    struct plan_member **out, struct err *err)
{
	if (ROOM_SHORT(p->members, p->n_members, err))
		return err->code;
	struct plan_member *m = &p->members[p->n_members];
	*m = (struct plan_member){ .kind = kind };
	enum err_code rc = str_dup(&m->name, name, err);
	if (rc == ERR_OK && source != NULL)
		rc = str_dup(&m->source, source, err);
	if (rc == ERR_OK)
		switch (kind) {
		case MEMBER_PROJECT:
			rc = str_dup(&m->path, "project", err);
			break;
		case MEMBER_META:
			rc = str_dup(&m->path, "meta", err);
			break;
		case MEMBER_VOLUME:
			rc = str_printf(&m->path, err, "volumes/%s", name);
			break;
		case MEMBER_DATABASE:
			rc = str_printf(&m->path, err, "databases/%s", name);
			break;
		case MEMBER_IMAGE:
			rc = str_printf(&m->path, err, "images/%s.tar", name);
			break;
		case MEMBER_FILE:
			rc = str_printf(&m->path, err, "files%s", name);
			break;
		case MEMBER_BIND:
			rc = str_printf(&m->path, err, "binds%s", name);
			break;
		}
	if (rc) {
		plan_member_release(m);
		return rc;
	}
	p->n_members++;
	*out = m;
	return ERR_OK;
}

enum err_code
plan_add_gap(struct plan *p, const char *kind, const char *name, const char *why, bool matters,
    struct err *err)
{
	AUTO(str) char *what = NULL;
	AUTO(str) char *copy = NULL;
	if (str_printf(&what, err, "%s %s", kind, name) || str_dup(&copy, why, err))
		return err->code;
	if (ROOM_SHORT(p->gaps, p->n_gaps, err))
		return err->code;
	p->gaps[p->n_gaps++] = (struct plan_gap){ TAKE(what), TAKE(copy), matters };
	return ERR_OK;
}

static void
db_of_free(struct db_of *all, size_t n)
{
	for (size_t i = 0; i < n && all != NULL; i++)
		target_lists_release(&all[i].lists);
	free(all);
}

static enum err_code
add_databases(struct plan *p, struct db_of *dbs, struct err *err)
{
	for (size_t i = 0; i < p->stack->n_containers; i++) {
		const struct stack_container *c = &p->stack->containers[i];
		if (plan_db_target(&dbs[i].target, &dbs[i].lists, c, err))
			return err->code;
		enum db_kind kind = plan_db_kind(p, i, connector_detect(&dbs[i].target));
		if (kind != DB_NONE && c->state == CONTAINER_STOPPED &&
		    plan_add_gap(p, "database", c->service,
			"does not run, so that its files are at rest: they are captured "
			"instead",
			false, err))
			return err->code;
		/* A stopped server's files are at rest: they are copied as files. */
		if (kind == DB_NONE || c->state == CONTAINER_STOPPED ||
		    quiet_plan_is_down(p->settings))
			continue;
		if (stack_find(p->stack, c->service) != c) {
			if (plan_add_gap(p, "container", c->name,
				"only the first container of a database service is captured",
				true, err))
				return err->code;
			continue;
		}
		struct plan_member *m;
		if (plan_add_member(p, MEMBER_DATABASE, c->service, NULL, &m, err) ||
		    strv_add(&m->services, c->service, err))
			return err->code;
		m->db = kind;
		m->container = i;
		dbs[i].kind = kind;
	}
	return ERR_OK;
}

/* A compose or env file that no other member holds. */
static enum err_code
add_outside_files(struct plan *p, const struct strv *files, struct err *err)
{
	for (size_t i = 0; i < files->len; i++) {
		const char *path = files->items[i];
		struct plan_member *m;
		bool known = plan_is_covered(p, path);
		for (size_t k = 0; k < p->n_members && !known; k++)
			known = p->members[k].kind == MEMBER_FILE &&
				strcmp(p->members[k].source, path) == 0;
		if (known)
			continue;
		if (!fs_exists(path)) {
			if (plan_add_gap(
				p, "file", path, "is not there on this host", true, err))
				return err->code;
		} else if (plan_add_member(p, MEMBER_FILE, path, path, &m, err)) {
			return err->code;
		}
	}
	return ERR_OK;
}

static enum err_code
add_project(struct plan *p, struct err *err)
{
	const char *dir = p->stack->working_dir;
	struct plan_member *m;
	if (*dir == '\0')
		return plan_add_gap(p, "project folder", p->stack->name,
		    "no label of its containers tells where it is", true, err);
	if (!fs_is_dir(dir))
		return plan_add_gap(
		    p, "project folder", dir, "is not there on this host", true, err);
	if (plan_is_broad(dir))
		return plan_add_gap(p, "project folder", dir,
		    "holds more than this stack: only its compose and env files are captured",
		    false, err);
	if (plan_add_member(p, MEMBER_PROJECT, dir, dir, &m, err))
		return err->code;
	return plan_add_project_rules(p, p->n_members - 1, err);
}

static enum err_code
choose_quiesce(struct plan *p, const struct db_of *dbs, struct err *err)
{
	size_t n = p->stack->n_containers + 1;
	AUTO(mem) bool *is_dumped = calloc(n, sizeof *is_dumped);
	p->quiesce = calloc(n, sizeof *p->quiesce);
	if (p->quiesce == NULL || is_dumped == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < p->stack->n_containers; i++)
		is_dumped[i] = dbs[i].kind != DB_NONE;
	if (quiet_plan_make(p->quiesce, &p->n_quiesce, p->stack, p->settings, is_dumped, err))
		return err->code;
	plan_leave_alone(p);
	return ERR_OK;
}

static enum err_code
fill_plan(struct plan *p, struct docker *d, struct db_of *dbs, struct err *err)
{
	struct plan_member *meta;
	if (add_databases(p, dbs, err) || add_project(p, err) ||
	    plan_add_volumes(p, dbs, err) || plan_add_binds(p, dbs, err) ||
	    add_outside_files(p, &p->stack->config_files, err) ||
	    add_outside_files(p, &p->stack->env_files, err) || plan_add_images(p, d, err) ||
	    plan_add_member(p, MEMBER_META, "meta", NULL, &meta, err) ||
	    choose_quiesce(p, dbs, err))
		return err->code;
	return ERR_OK;
}

enum err_code
plan_make(struct plan **out, struct docker *d, const char *stack,
    const struct settings_options *opt, struct err *err)
{
	AUTO(plan) struct plan *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	if (stack_is_path(stack) ? stack_load_folder(&p->stack, d, stack, err)
				 : stack_load(&p->stack, d, stack, err))
		return err->code;
	if (settings_load(&p->settings, p->stack, opt, err))
		return err_wrap(err, "stack %s", stack);
	struct db_of *dbs = calloc(p->stack->n_containers + 1, sizeof *dbs);
	if (dbs == NULL)
		return err_nomem(err);
	enum err_code rc = fill_plan(p, d, dbs, err);
	db_of_free(dbs, p->stack->n_containers);
	if (rc)
		return err_wrap(err, "stack %s", stack);
	*out = TAKE(p);
	return ERR_OK;
}

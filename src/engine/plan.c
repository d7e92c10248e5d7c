#include "engine/plan_impl.h"

#include "engine/quiet_plan.h"
#include "sys/fs.h"

/* A folder of this kind is never one stack's own: of these only named files are taken. */
static bool
is_broad(const char *path)
{
	static const char *const broad[] = { "/", "/bin", "/boot", "/etc", "/home", "/lib",
		"/media", "/mnt", "/opt", "/root", "/run", "/sbin", "/srv", "/tmp", "/usr",
		"/var", "/var/lib", "/var/lib/docker", "/var/lib/docker/volumes", "/var/log",
		"/var/run" };
	for (size_t i = 0; i < ARRAY_LEN(broad); i++)
		if (strcmp(path, broad[i]) == 0)
			return true;
	const char *user = str_starts(path, "/home/") ? path + 6 : NULL;
	return user != NULL && strchr(user, '/') == NULL;
}

/* Is path inside folder, or the folder itself? */
static bool
is_within(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	while (n > 1 && folder[n - 1] == '/')
		n--;
	return strncmp(path, folder, n) == 0 && (path[n] == '\0' || path[n] == '/' || n == 1);
}

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
	struct plan_member *all = realloc(p->members, (p->n_members + 1) * sizeof *all);
	if (all == NULL)
		return err_nomem(err);
	p->members = all;
	struct plan_member *m = &all[p->n_members];
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

/* Takes over what and why, also on failure. */
static enum err_code
add_gap(struct plan *p, char *what, char *why, bool matters, struct err *err)
{
	struct plan_gap *all = NULL;
	if (what != NULL && why != NULL)
		all = realloc(p->gaps, (p->n_gaps + 1) * sizeof *all);
	if (all == NULL) {
		free(what);
		free(why);
		return err_nomem(err);
	}
	p->gaps = all;
	all[p->n_gaps++] = (struct plan_gap){ what, why, matters };
	return ERR_OK;
}

enum err_code
plan_add_gap(struct plan *p, const char *kind, const char *name, const char *why, bool matters,
    struct err *err)
{
	char *what = NULL;
	if (str_printf(&what, err, "%s %s", kind, name))
		return err->code;
	return add_gap(p, what, strdup(why), matters, err);
}

/* What a container's mount is to its database, if it is one that is captured as such. */
struct db_of {
	enum db_kind kind; /* DB_NONE: files */
	struct db_target target;
	struct target_lists lists;
};

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

static enum err_code
add_services(struct plan *p, struct plan_member *m, const struct stack_use *uses, size_t n,
    struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *service = p->stack->containers[uses[i].container].service;
		if (!strv_has(&m->services, service) && strv_add(&m->services, service, err))
			return err->code;
	}
	return ERR_OK;
}

/* Whose database files are here?  *owner is the service whose data folder the mount is; what of
 * it belongs to databases that lie deeper goes to exclude. */
static enum err_code
database_part(struct plan *p, const struct db_of *dbs, const struct stack_use *uses, size_t n,
    const char **owner, struct strv *exclude, struct err *err)
{
	*owner = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct db_of *db = &dbs[uses[i].container];
		if (db->kind == DB_NONE)
			continue;
		switch (connector_mount_use(&db->target, db->kind, uses[i].target)) {
		case DB_MOUNT_OTHER:
			break;
		case DB_MOUNT_DATA:
			*owner = p->stack->containers[uses[i].container].service;
			break;
		case DB_MOUNT_AROUND: {
			AUTO(str) char *folder = NULL;
			if (connector_data_folder(&folder, &db->target, db->kind, err))
				return err->code;
			const char *rest = folder + strlen(uses[i].target);
			while (*rest == '/')
				rest++;
			if (strv_add(exclude, rest, err))
				return err->code;
			break;
		}
		}
	}
	return ERR_OK;
}

static enum err_code
add_database_gap(
    struct plan *p, const char *kind, const char *name, const char *owner, struct err *err)
{
	char *what = NULL;
	char *why = NULL;
	if (str_printf(&what, err, "%s %s", kind, name))
		return err->code;
	if (str_printf(
		&why, err, "captured as the database of service %s, by its own tools", owner)) {
		free(what);
		return err->code;
	}
	return add_gap(p, what, why, false, err);
}

/* What lies below other mounts of the container is theirs. */
static enum err_code
exclude_mounts(struct plan_member *m, const struct stack_container *c, struct err *err)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		const char *target = c->mounts[i].target;
		if (!is_within(target, m->inside) || strcmp(target, m->inside) == 0)
			continue;
		const char *rest = target + strlen(m->inside);
		while (*rest == '/')
			rest++;
		if (strv_add(&m->exclude, rest, err))
			return err->code;
	}
	return ERR_OK;
}

/* What cannot be seen from here is read through a container that mounts it. */
static enum err_code
add_by_engine(struct plan *p, struct plan_member *m, const struct stack_use *uses,
    const struct strv *exclude, struct err *err)
{
	m->container = uses[0].container;
	if (str_dup(&m->inside, uses[0].target, err))
		return err->code;
	for (size_t i = 0; i < exclude->len; i++)
		if (strv_add(&m->exclude, exclude->items[i], err))
			return err->code;
	return exclude_mounts(m, &p->stack->containers[m->container], err);
}

static bool
can_ask_engine(const struct plan *p, bool is_by_engine, const struct stack_use *uses, size_t n)
{
	return is_by_engine && n > 0 && !p->stack->containers[uses[0].container].is_planned;
}

static enum err_code
add_volumes(struct plan *p, const struct db_of *dbs, struct err *err)
{
	for (size_t i = 0; i < p->stack->n_volumes; i++) {
		const struct stack_volume *v = &p->stack->volumes[i];
		const char *owner;
		AUTO(strv) struct strv exclude = STRV_INIT;
		const struct stack_use *off = plan_all_off(p, v->uses, v->n_uses);
		if (off != NULL) {
			if (plan_add_off_gap(p, "volume", v->name, off, err))
				return err->code;
			continue;
		}
		if (database_part(p, dbs, v->uses, v->n_uses, &owner, &exclude, err))
			return err->code;
		if (owner != NULL) {
			if (add_database_gap(p, "volume", v->name, owner, err))
				return err->code;
			continue;
		}
		bool is_by_engine = can_ask_engine(p, v->is_by_engine, v->uses, v->n_uses);
		if (v->source == NULL && !is_by_engine) {
			if (plan_add_gap(
				p, "volume", v->name, v->why_not, !v->has_nothing, err))
				return err->code;
			continue;
		}
		struct plan_member *m;
		if (plan_add_member(p, MEMBER_VOLUME, v->name, v->source, &m, err) ||
		    add_services(p, m, v->uses, v->n_uses, err))
			return err->code;
		m->volume = i;
		if (is_by_engine) {
			if (add_by_engine(p, m, v->uses, &exclude, err) ||
			    plan_add_rules(p, p->n_members - 1, "", v->uses, v->n_uses, err))
				return err->code;
			continue;
		}
		m->exclude = exclude;
		exclude = (struct strv)STRV_INIT;
		if (plan_add_rules(p, p->n_members - 1, "", v->uses, v->n_uses, err))
			return err->code;
	}
	return ERR_OK;
}

/* The member that a path is captured with already, or NULL; *below is the way to it from there.
 */
static struct plan_member *
holder_of(const struct plan *p, const char *path, const char **below)
{
	for (size_t i = 0; i < p->n_members; i++) {
		struct plan_member *m = &p->members[i];
		if ((m->kind != MEMBER_BIND && m->kind != MEMBER_PROJECT) ||
		    !is_within(path, m->name))
			continue;
		*below = path + strlen(m->name);
		*below += strspn(*below, "/");
		return m;
	}
	return NULL;
}

static bool
is_covered(const struct plan *p, const char *path)
{
	const char *below;
	return holder_of(p, path, &below) != NULL;
}

/* The same for what the engine reads: on another machine the project folder here does not hold
 * what lies there. */
static bool
is_read_already(const struct plan *p, const char *path)
{
	if (!p->stack->is_far)
		return is_covered(p, path);
	for (size_t i = 0; i < p->n_members; i++)
		if (p->members[i].kind == MEMBER_BIND && is_within(path, p->members[i].name))
			return true;
	return false;
}

/* Leave path out of whichever member holds it. */
static enum err_code
exclude_path(struct plan *p, const char *path, struct err *err)
{
	for (size_t i = 0; i < p->n_members; i++) {
		struct plan_member *m = &p->members[i];
		if (m->source == NULL || m->kind == MEMBER_FILE || !is_within(path, m->source))
			continue;
		const char *rest = path + strlen(m->source);
		while (*rest == '/')
			rest++;
		if (*rest != '\0' && strv_add(&m->exclude, rest, err))
			return err->code;
	}
	return ERR_OK;
}

/* A bind inside what is captured already: only what it leaves out is new. */
static enum err_code
add_inner_bind(struct plan *p, struct plan_member *holder, const char *below,
    const struct stack_bind *b, const struct strv *exclude, struct err *err)
{
	for (size_t k = 0; k < exclude->len; k++) {
		AUTO(str) char *inner = NULL;
		if (str_printf(&inner, err, "%s/%s", b->source, exclude->items[k]) ||
		    exclude_path(p, inner, err))
			return err->code;
	}
	size_t member = (size_t)(holder - p->members);
	return b->is_folder ? plan_add_rules(p, member, below, b->uses, b->n_uses, err)
			    : ERR_OK;
}

static enum err_code
add_outer_bind(
    struct plan *p, const struct stack_bind *b, struct strv *exclude, struct err *err)
{
	struct plan_member *m;
	if (plan_add_member(p, MEMBER_BIND, b->source, b->source, &m, err) ||
	    add_services(p, m, b->uses, b->n_uses, err))
		return err->code;
	m->exclude = *exclude;
	*exclude = (struct strv)STRV_INIT;
	return b->is_folder ? plan_add_rules(p, p->n_members - 1, "", b->uses, b->n_uses, err)
			    : ERR_OK;
}

/* One that the engine reads, on its machine. */
static enum err_code
add_far_bind(
    struct plan *p, const struct stack_bind *b, const struct strv *exclude, struct err *err)
{
	struct plan_member *m;
	if (plan_add_member(p, MEMBER_BIND, b->path, NULL, &m, err) ||
	    add_services(p, m, b->uses, b->n_uses, err) ||
	    add_by_engine(p, m, b->uses, exclude, err))
		return err->code;
	return plan_add_rules(p, p->n_members - 1, "", b->uses, b->n_uses, err);
}

static enum err_code
add_bind(struct plan *p, const struct db_of *dbs, const struct stack_bind *b, struct err *err)
{
	const char *owner;
	AUTO(strv) struct strv exclude = STRV_INIT;
	if (database_part(p, dbs, b->uses, b->n_uses, &owner, &exclude, err))
		return err->code;
	const struct stack_use *off = plan_all_off(p, b->uses, b->n_uses);
	if (b->source == NULL && can_ask_engine(p, b->is_by_engine, b->uses, b->n_uses) &&
	    (owner != NULL || (!is_broad(b->path) && !is_read_already(p, b->path))))
		return off != NULL     ? plan_add_off_gap(p, "bind", b->path, off, err)
		       : owner != NULL ? add_database_gap(p, "bind", b->path, owner, err)
				       : add_far_bind(p, b, &exclude, err);
	if (b->source == NULL)
		return plan_add_gap(p,
		    b->kind == MOUNT_TMPFS   ? "tmpfs"
		    : b->kind == MOUNT_VALUE ? "secret"
					     : "bind",
		    b->path, b->why_not, b->kind == MOUNT_OTHER || b->kind == MOUNT_VALUE, err);
	if (off != NULL)
		return plan_add_off_gap(p, "bind", b->path, off, err) ||
			       exclude_path(p, b->source, err)
			   ? err->code
			   : ERR_OK;
	if (owner != NULL)
		return add_database_gap(p, "bind", b->path, owner, err) ||
			       exclude_path(p, b->source, err)
			   ? err->code
			   : ERR_OK;
	if (b->is_folder && is_broad(b->source))
		return plan_add_gap(p, "bind", b->path,
		    "a folder of the host, not of this stack", !b->is_read_only, err);
	const char *below;
	struct plan_member *holder = holder_of(p, b->source, &below);
	return holder != NULL ? add_inner_bind(p, holder, below, b, &exclude, err)
			      : add_outer_bind(p, b, &exclude, err);
}

/* Binds come sorted by path, so that a folder comes before what it holds. */
static enum err_code
add_binds(struct plan *p, const struct db_of *dbs, struct err *err)
{
	for (size_t i = 0; i < p->stack->n_binds; i++)
		if (add_bind(p, dbs, &p->stack->binds[i], err))
			return err->code;
	return ERR_OK;
}

/* A compose or env file that no other member holds. */
static enum err_code
add_outside_files(struct plan *p, const struct strv *files, struct err *err)
{
	for (size_t i = 0; i < files->len; i++) {
		const char *path = files->items[i];
		struct plan_member *m;
		bool known = is_covered(p, path);
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
	if (is_broad(dir))
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
	if (add_databases(p, dbs, err) || add_project(p, err) || add_volumes(p, dbs, err) ||
	    add_binds(p, dbs, err) || add_outside_files(p, &p->stack->config_files, err) ||
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

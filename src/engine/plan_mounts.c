/*
 * The volumes and binds of a stack: what of them is files, what is a database's, and what lies
 * in what is captured already.
 */
#include "engine/plan_impl.h"

bool
plan_is_broad(const char *path)
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
	AUTO(str) char *why = NULL;
	if (str_printf(
		&why, err, "captured as the database of service %s, by its own tools", owner))
		return err->code;
	return plan_add_gap(p, kind, name, why, false, err);
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
	if (str_dup(&m->inside, uses[0].target, err) || strv_add_all(&m->exclude, exclude, err))
		return err->code;
	return exclude_mounts(m, &p->stack->containers[m->container], err);
}

static bool
can_ask_engine(const struct plan *p, bool is_by_engine, const struct stack_use *uses, size_t n)
{
	return is_by_engine && n > 0 && !p->stack->containers[uses[0].container].is_planned;
}

enum err_code
plan_add_volumes(struct plan *p, const struct db_of *dbs, struct err *err)
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

bool
plan_is_covered(const struct plan *p, const char *path)
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
		return plan_is_covered(p, path);
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
	    (owner != NULL || (!plan_is_broad(b->path) && !is_read_already(p, b->path))))
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
	if (b->is_folder && plan_is_broad(b->source))
		return plan_add_gap(p, "bind", b->path,
		    "a folder of the host, not of this stack", !b->is_read_only, err);
	const char *below;
	struct plan_member *holder = holder_of(p, b->source, &below);
	return holder != NULL ? add_inner_bind(p, holder, below, b, &exclude, err)
			      : add_outer_bind(p, b, &exclude, err);
}

/* Binds come sorted by path, so that a folder comes before what it holds. */
enum err_code
plan_add_binds(struct plan *p, const struct db_of *dbs, struct err *err)
{
	for (size_t i = 0; i < p->stack->n_binds; i++)
		if (add_bind(p, dbs, &p->stack->binds[i], err))
			return err->code;
	return ERR_OK;
}

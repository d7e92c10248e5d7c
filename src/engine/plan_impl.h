/*
 * plan_impl.h: what a plan is put together with; for plan*.c only.
 */
#ifndef ENGINE_PLAN_IMPL_H
#define ENGINE_PLAN_IMPL_H

#include "engine/plan.h"

/* A new member at the end of the plan; source may be NULL. */
MUST_CHECK enum err_code plan_add_member(struct plan *p, enum member_kind kind,
    const char *name, const char *source, struct plan_member **out, struct err *err);
void plan_member_release(struct plan_member *m);
/* "KIND NAME" is not captured, and why. */
MUST_CHECK enum err_code plan_add_gap(struct plan *p, const char *kind, const char *name,
    const char *why, bool matters, struct err *err);

/* Is a container's service meant to be captured? */
bool plan_is_on(const struct plan *p, size_t container);
/* The first use by a service that is not, when all are; NULL otherwise. */
const struct stack_use *plan_all_off(
    const struct plan *p, const struct stack_use *uses, size_t n);
/* "left out by label … on service …", for what all_off gave. */
MUST_CHECK enum err_code plan_add_off_gap(struct plan *p, const char *kind, const char *name,
    const struct stack_use *off, struct err *err);

/* --- plan_mounts.c --- */

/* What a container's mount is to its database, if it is one that is captured as such. */
struct db_of {
	enum db_kind kind; /* DB_NONE: files */
	struct db_target target;
	struct target_lists lists;
};

/* A folder of this kind is never one stack's own: of these only named files are taken. */
bool plan_is_broad(const char *path);
/* Is the path captured with the project folder or a bind? */
bool plan_is_covered(const struct plan *p, const char *path);
/* dbs: of each container. */
MUST_CHECK enum err_code plan_add_volumes(
    struct plan *p, const struct db_of *dbs, struct err *err);
MUST_CHECK enum err_code plan_add_binds(
    struct plan *p, const struct db_of *dbs, struct err *err);

/* --- plan_images.c, plan_rules.c, plan_settings.c --- */

/* The images that the settings want kept, and a gap for those that came from nowhere else. */
MUST_CHECK enum err_code plan_add_images(struct plan *p, struct docker *d, struct err *err);

/* Whom nothing needs to be quiet for: services that are left out and write to nothing that is
 * captured, unless all goes down; and containers that are not there. */
void plan_leave_alone(struct plan *p);

/* What a container's database is: as the settings say, or as it was detected. */
enum db_kind plan_db_kind(const struct plan *p, size_t container, enum db_kind detected);

/* Add the rules that the users of a mount have for it to the member that holds it, at the
 * folder below in there ("" for all of it), and tell what they leave out. */
MUST_CHECK enum err_code plan_add_rules(struct plan *p, size_t member, const char *below,
    const struct stack_use *uses, size_t n, struct err *err);
/* The same for the project folder, for which no service speaks alone. */
MUST_CHECK enum err_code plan_add_project_rules(struct plan *p, size_t member, struct err *err);

#endif

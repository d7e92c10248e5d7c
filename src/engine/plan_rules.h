/*
 * plan_rules.h: rules of what to leave out (tree/ignore.h), said for one
 * folder and followed in another.
 *
 * Who writes a rule for a service thinks of its container: there "/data/cache"
 * is, in a volume mounted at /data, what "/cache" is in the volume.  And a bind
 * mount inside the project folder is saved with that folder, so that its rules
 * must hold below it alone.
 */
#ifndef ENGINE_PLAN_RULES_H
#define ENGINE_PLAN_RULES_H

#include "base/strv.h"

/* The rule as it is below the place target, an absolute path that it may begin with. */
MUST_CHECK enum err_code rule_in_mount(
    char **out, const char *rule, const char *target, struct err *err);
/* A rule of folder, a relative path, as it is in what holds it. */
MUST_CHECK enum err_code rule_in_folder(
    char **out, const char *rule, const char *folder, struct err *err);

#endif

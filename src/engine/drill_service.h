/*
 * drill_service.h: one service of the harmless document; for drill_compose.c
 * and drill_service.c only.
 */
#ifndef ENGINE_DRILL_SERVICE_H
#define ENGINE_DRILL_SERVICE_H

#include "engine/drill_compose.h"

struct drill_service_place {
	const json_t *config; /* the whole document that came in */
	const json_t *made; /* what is made of it so far: networks, volumes, secrets, configs */
	const struct drill_scope *scope;
	struct drill_cuts *cuts;
};

MUST_CHECK enum err_code drill_service_make(json_t **out, const struct drill_service_place *p,
    const char *name, const json_t *was, struct err *err);

/* obj[key] = value, which is taken over also on failure; NULL means out of memory. */
MUST_CHECK enum err_code drill_set(
    json_t *obj, const char *key, json_t *value, struct err *err);
MUST_CHECK enum err_code drill_set_copy(
    json_t *obj, const char *key, const json_t *value, struct err *err);
/* Compose replaces variables in every string: each $ becomes $$. */
MUST_CHECK enum err_code drill_set_text(
    json_t *obj, const char *key, const char *text, struct err *err);
/* The same back. */
MUST_CHECK enum err_code drill_plain_text(char **out, const char *text, struct err *err);
MUST_CHECK enum err_code drill_set_label(
    json_t *obj, const struct drill_scope *scope, struct err *err);

#endif

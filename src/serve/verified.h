/*
 * verified.h: which runs of verify have looked at a snapshot, told from the catalogue.
 *
 * Threads: one at a time.
 */
#ifndef SERVE_VERIFIED_H
#define SERVE_VERIFIED_H

#include "base/json.h"
#include "catalog/run.h"
#include "serve/shelf.h"

struct verified {
	int64_t run;
	int64_t began_ns;
	int64_t ended_ns;
	bool read_data;
	bool is_sound;
	json_t *names; /* ids; empty: the whole repository */
};

/* Those that came to an end, latest first; the last hundred runs count. */
struct verified_list {
	struct verified *items;
	size_t count;
};

#define VERIFIED_LIST_INIT \
	{                  \
		NULL, 0    \
	}

void verified_list_release(struct verified_list *l);
static inline void UNUSED
verified_list_auto(struct verified_list *l)
{
	verified_list_release(l);
}

MUST_CHECK enum err_code verified_load(
    struct verified_list *out, struct catalog *c, struct err *err);
/* The last that looked at it; NULL: none did. */
const struct verified *verified_of(const struct verified_list *l, const struct point *x);
/* When the last began that looked at the whole repository and found it sound; 0: none did. */
int64_t verified_until(const struct verified_list *l);
/* openapi.json, "Verified"; nothing for NULL. */
void verified_write(struct json_writer *w, const char *key, const struct verified *v);

#endif

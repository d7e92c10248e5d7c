/*
 * drill_impl.h: the inside of a drill, for drill*.c only.
 */
#ifndef ENGINE_DRILL_IMPL_H
#define ENGINE_DRILL_IMPL_H

#include "engine/drill.h"
#include "engine/drill_compose.h"
#include "engine/drill_scratch.h"
#include "engine/restore_steps.h"

struct drill_image {
	const char *service; /* the job's */
	char *ref; /* its id, or a digest */
};

/* What the comparison of one database came to. */
struct drill_database {
	const struct restore_database *db;
	uint64_t tables;
	uint64_t rows;
	uint64_t objects; /* other than rows: tables, functions, roles, ... */
	uint64_t streams; /* dump files */
	uint64_t fleeting; /* keys that expire by themselves, and are not compared */
	uint64_t differ;
	struct strv differences; /* the first of them, for people */
	bool is_compared;
};

struct drill_files {
	uint64_t files; /* looked at */
	uint64_t bytes; /* and read */
	uint64_t wrong; /* differ, are missing, or are too many */
	char first[300]; /* of these */
	bool is_compared;
};

struct drill_service {
	char *name;
	char
	    how[96]; /* "healthy", "runs (no health check)", "has stopped with exit status 0" */
};

struct drill {
	struct engine *engine;
	const struct drill_options *opt;
	struct restore_options restore;
	struct restore_job *job;
	struct drill_scratch *scratch;
	struct drill_image *images;
	size_t n_images;
	uint64_t load_bytes; /* of those that are loaded from the snapshot */
	struct drill_cuts cuts;
	struct strv compose_files;

	struct drill_files files;
	struct drill_database *databases; /* one for each of the job's */
	struct drill_service *services;
	size_t n_services;
	uint64_t checks; /* of the stack's own, that said yes */

	int64_t began_wall_ns;
	int64_t began_ns;
	int64_t restore_began_ns;
	int64_t compared_ns; /* of the time since, what went into comparing */
	int64_t rto_ns;
};

/* drill_places.c: every item and volume of the job gets a place in the scratch. */
MUST_CHECK enum err_code drill_move_job(struct drill *d, struct err *err);
/* Is there room? */
MUST_CHECK enum err_code drill_check_space(struct drill *d, struct err *err);
/* The stored compose files, which are restored by now, as one harmless document. */
MUST_CHECK enum err_code drill_write_compose(struct drill *d, struct err *err);

/* drill_images.c */
/* Find the image of every service, here or in the snapshot.  ERR_NOT_FOUND names one that is in
 * neither. */
MUST_CHECK enum err_code drill_find_images(struct drill *d, struct err *err);
/* Load those that were found in the snapshot.  They go when the scratch is removed. */
MUST_CHECK enum err_code drill_load_images(struct drill *d, struct err *err);
/* For drill_scope: arg is the drill. */
const char *drill_image_of(void *arg, const char *service);

/* drill_guard.c: nothing that was made can reach out of the scratch.  ERR_DENIED says what can.
 */
MUST_CHECK enum err_code drill_guard(struct drill *d, struct err *err);

/* drill_files.c: restored files against stored ones. */
MUST_CHECK enum err_code drill_compare_files(struct drill *d, struct err *err);
/* The same for volumes without a name, which come with their containers. */
MUST_CHECK enum err_code drill_compare_late_files(struct drill *d, struct err *err);

/* drill_databases.c: what the servers hold against what was stored. */
MUST_CHECK enum err_code drill_compare_databases(struct drill *d, struct err *err);

/* drill_services.c */
MUST_CHECK enum err_code drill_create(struct drill *d, struct err *err);
MUST_CHECK enum err_code drill_start(
    struct drill *d, const struct strv *services, struct err *err);
/* Until all that ran is healthy; and once more, whether it stays so. */
MUST_CHECK enum err_code drill_wait_healthy(struct drill *d, struct err *err);
MUST_CHECK enum err_code drill_watch(struct drill *d, struct err *err);
/* Run what services bring along as checks.  ERR_INCOMPLETE names one that said no. */
MUST_CHECK enum err_code drill_run_checks(struct drill *d, struct err *err);

/* drill_record.c: the document of the proof. */
MUST_CHECK enum err_code drill_document(
    struct buf *out, const struct drill *d, const struct drill_result *r, struct err *err);

#endif

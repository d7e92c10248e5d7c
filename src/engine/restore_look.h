/*
 * restore_look.h: the parts of job_look, each of which finds what there is and
 * adds to the preview; for restore*.c only.
 */
#ifndef ENGINE_RESTORE_LOOK_H
#define ENGINE_RESTORE_LOOK_H

#include "engine/restore_job.h"

/* The image of every service, and the compose files that name them. */
MUST_CHECK enum err_code look_at_images(struct restore_job *j, struct err *err);
/* What Compose makes of the stored files: what is missing, and what they ask of the host. */
MUST_CHECK enum err_code look_at_asks(struct restore_job *j, struct err *err);
/* Networks, container names and published ports that others hold or do not provide. */
MUST_CHECK enum err_code look_at_names(struct restore_job *j, struct err *err);
MUST_CHECK enum err_code look_at_ports(struct restore_job *j, struct err *err);
/* Who else mounts what would be exchanged, and what cannot be exchanged. */
MUST_CHECK enum err_code look_at_users(struct restore_job *j, struct err *err);
MUST_CHECK enum err_code look_at_places(struct restore_job *j, struct err *err);

/* The stored entry of a file by the path that it will have here; ERR_NOT_FOUND. */
MUST_CHECK enum err_code job_stored_file(
    const struct restore_job *j, const char *path, struct tree_entry *out, struct err *err);

/* Regular files below path, and their bytes. */
MUST_CHECK enum err_code measure_tree(const char *path, const struct cancel *cancel,
    uint64_t *files, uint64_t *bytes, struct err *err);

/* "1.2 MB" */
#define SIZE_TEXT 24
void size_text(char out[SIZE_TEXT], uint64_t bytes);

#endif

/*
 * drill_scratch.h: the scratch stack as a thing that is made and must go: its
 * name, its folder, and the note that it is there; for drill*.c only.
 *
 *	FOLDER/root/srv/shop   this host's files as the snapshot has them
 *	FOLDER/run             compose.json, of which the containers are made
 *
 * Threads: one at a time.
 */
#ifndef ENGINE_DRILL_SCRATCH_H
#define ENGINE_DRILL_SCRATCH_H

#include "base/strv.h"
#include "docker/engine.h"
#include "engine/event.h"

#define DRILL_PROJECT_SIZE 40

struct drill_scratch {
	char project[DRILL_PROJECT_SIZE];
	char *host; /* of the engine */
	char *folder;
	char *root;
	char *run;
	char *journal;
	struct strv images; /* ids of those that are here for the drill alone */
};

/* The note is durable before the folder is made. to: NULL for the state folder. */
MUST_CHECK enum err_code drill_scratch_open(struct drill_scratch **out, const char *state_dir,
    const char *to, const char *host, struct err *err);
/* Write the note anew, with its images: before they are loaded. */
MUST_CHECK enum err_code drill_scratch_note(const struct drill_scratch *s, struct err *err);
/* Remove all that bears its name: containers, networks, volumes; then its images, but for those
 * that something else uses by now; then the folder and the note. */
MUST_CHECK enum err_code drill_scratch_remove(struct drill_scratch *s, struct err *err);
/* It stays until somebody asks for its removal. */
MUST_CHECK enum err_code drill_scratch_keep(const struct drill_scratch *s, struct err *err);
void drill_scratch_close(struct drill_scratch *s);
AUTO_FREE(drill_scratch, struct drill_scratch *, drill_scratch_close)

#endif

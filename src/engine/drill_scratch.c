#include "engine/drill_scratch.h"

#include "base/bytes.h"
#include "docker/image.h"
#include "engine/drill.h"
#include "engine/drill_compose.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/rand.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NOTE_VERSION 1
#define NOTE_MAX ((size_t)1 << 20)
#define LABEL_PROJECT "com.docker.compose.project"
/* A Compose that has lost its drill may go on making things for a moment. */
#define ROUNDS 20
#define ROUND_MS 300

void
drill_scratch_close(struct drill_scratch *s)
{
	if (s == NULL)
		return;
	free(s->host);
	free(s->folder);
	free(s->root);
	free(s->run);
	free(s->journal);
	strv_release(&s->images);
	free(s);
}

/* --- the note --- */

static enum err_code
write_note(const struct drill_scratch *s, bool is_kept, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	struct process_identity self;
	struct json_writer w;
	if (process_identify(&self, getpid(), err))
		return err->code;
	json_init(&w, &text);
	json_obj(&w, NULL);
	json_u64(&w, "version", NOTE_VERSION);
	json_str(&w, "project", s->project);
	json_str(&w, "folder", s->folder);
	json_str(&w, "host", s->host);
	json_flag(&w, "kept", is_kept);
	json_i64(&w, "begun_ns", clock_wall_ns());
	json_i64(&w, "pid", self.pid);
	json_u64(&w, "start", self.start);
	json_u64(&w, "pid_space", self.pid_space);
	json_str(&w, "boot", self.boot);
	json_strings(&w, "images", &s->images);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return fs_write_file(s->journal, 0600, text.data, text.len, err);
}

static enum err_code
name_places(struct drill_scratch *s, const char *state_dir, const char *holder, struct err *err)
{
	if (str_printf(&s->journal, err, "%s/drill-%s.json", state_dir,
		s->project + strlen(DRILL_PROJECT)) ||
	    str_printf(&s->folder, err, "%s/%s", holder, s->project) ||
	    str_printf(&s->root, err, "%s/root", s->folder) ||
	    str_printf(&s->run, err, "%s/run", s->folder))
		return err->code;
	return ERR_OK;
}

enum err_code
drill_scratch_open(struct drill_scratch **out, const char *state_dir, const char *to,
    const char *host, struct err *err)
{
	AUTO(drill_scratch) struct drill_scratch *s = calloc(1, sizeof *s);
	AUTO(str) char *holder = NULL;
	uint8_t random[4];
	char hex[2 * sizeof random + 1];
	if (s == NULL)
		return err_nomem(err);
	if (rand_bytes(random, sizeof random, err))
		return err->code;
	hex_encode(hex, random, sizeof random);
	snprintf(s->project, sizeof s->project, DRILL_PROJECT "%s", hex);
	/* Mounts are compared with it later, and the engine resolves symlinks. */
	if (str_dup(&s->host, host, err) || fs_mkdirs(state_dir, 0700, err) ||
	    (to != NULL && fs_mkdirs(to, 0700, err)) ||
	    fs_real_path(&holder, to != NULL ? to : state_dir, err) ||
	    name_places(s, state_dir, holder, err) || write_note(s, false, err) ||
	    fs_mkdirs(s->root, 0700, err) || fs_mkdirs(s->run, 0700, err))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

enum err_code
drill_scratch_note(const struct drill_scratch *s, struct err *err)
{
	return write_note(s, false, err);
}

enum err_code
drill_scratch_keep(const struct drill_scratch *s, struct err *err)
{
	return write_note(s, true, err);
}

/* --- removing --- */

typedef enum err_code list_fn(
    struct docker *d, const char *label, struct docker_doc *doc, struct err *err);
typedef enum err_code remove_fn(struct docker *d, const char *id, struct err *err);

/* Things of one kind, and the field by which they are removed. */
struct kind {
	list_fn *list;
	remove_fn *remove;
	const char *field;
	const char *inside; /* the array in the answer; NULL: the answer is the array */
};

static const struct kind kinds[] = {
	{ docker_container_list, docker_container_destroy, "Id", NULL },
	{ docker_network_list, docker_network_remove, "Id", NULL },
	{ docker_volume_list, docker_volume_remove, "Name", "Volumes" },
};

static enum err_code
remove_kind(struct docker *d, const struct kind *kind, const char *label, size_t *found,
    struct err *err)
{
	AUTO(docker_doc) struct docker_doc list = DOCKER_DOC_INIT;
	if (kind->list(d, label, &list, err))
		return err->code;
	const json_t *all =
	    kind->inside != NULL ? json_object_get(list.json, kind->inside) : list.json;
	size_t i;
	const json_t *item;
	json_array_foreach(all, i, item)
	{
		const char *id = json_get_str(item, kind->field);
		if (id == NULL)
			continue;
		++*found;
		enum err_code rc = kind->remove(d, id, err);
		if (rc != ERR_OK && rc != ERR_NOT_FOUND)
			return rc;
	}
	return ERR_OK;
}

static enum err_code
remove_labelled(struct docker *d, const char *project, size_t *found, struct err *err)
{
	static const char *const keys[] = { DRILL_LABEL, LABEL_PROJECT };
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			AUTO(str) char *label = NULL;
			if (str_printf(&label, err, "%s=%s", keys[k], project) ||
			    remove_kind(d, &kinds[i], label, found, err))
				return err->code;
		}
	}
	return ERR_OK;
}

/* Until nothing is found twice; an error counts only when the last round met it. */
static enum err_code
remove_all(struct docker *d, const char *project, struct err *err)
{
	unsigned clean = 0;
	enum err_code rc = ERR_OK;
	for (unsigned round = 0; round < ROUNDS && clean < 2; round++) {
		size_t found = 0;
		rc = remove_labelled(d, project, &found, err);
		clean = rc == ERR_OK && found == 0 ? clean + 1 : 0;
		struct timespec t = { 0, ROUND_MS * (long)NS_PER_MS };
		if (clean < 2)
			nanosleep(&t, NULL);
	}
	if (rc == ERR_OK && clean == 0)
		return err_set(err, ERR_LOCKED, "%s: something makes it anew", project);
	return rc;
}

/* Loaded for the drill.  One that has found another use meanwhile stays. */
static enum err_code
remove_images(struct docker *d, const struct strv *ids, struct err *err)
{
	for (size_t i = 0; i < ids->len; i++) {
		enum err_code rc = docker_image_remove(d, ids->items[i], err);
		if (rc != ERR_OK && rc != ERR_NOT_FOUND && rc != ERR_LOCKED)
			return rc;
	}
	return ERR_OK;
}

enum err_code
drill_scratch_remove(struct drill_scratch *s, struct err *err)
{
	struct docker_options opt = DOCKER_OPTIONS_INIT; /* it heeds no cancel */
	AUTO(docker) struct docker *d = NULL;
	opt.host = s->host;
	if (docker_open(&d, &opt, err) || remove_all(d, s->project, err) ||
	    remove_images(d, &s->images, err) || fs_remove_tree(s->folder, err))
		return err_wrap(err, "remove scratch stack %s", s->project);
	return fs_remove_tree(s->journal, err);
}

/* --- what drills that died have left --- */

struct note {
	struct drill_scratch *scratch;
	struct process_identity owner;
	bool is_kept;
};

/* "sha256:" and 64 digits: no name, which may mean another image by now. */
static bool
is_image_id(const char *text)
{
	size_t n = strlen("sha256:");
	return text != NULL && str_starts(text, "sha256:") && strlen(text) == n + 64 &&
	       strspn(text + n, "0123456789abcdef") == 64;
}

static enum err_code
read_images(struct strv *out, const json_t *ids, struct err *err)
{
	size_t i;
	const json_t *id;
	json_array_foreach(ids, i, id)
	{
		const char *text = json_string_value(id);
		if (is_image_id(text) && strv_add(out, text, err))
			return err->code;
	}
	return ERR_OK;
}

/* Nothing but what a drill has made may be removed on the word of a file. */
static bool
is_plausible(const char *project, const char *folder)
{
	size_t n = strlen(DRILL_PROJECT);
	const char *base = strrchr(folder, '/');
	return str_starts(project, DRILL_PROJECT) && strlen(project) == n + 8 &&
	       strspn(project + n, "0123456789abcdef") == 8 && folder[0] == '/' &&
	       base != NULL && strcmp(base + 1, project) == 0;
}

static enum err_code
read_note(struct note *out, const char *path, struct err *err)
{
	AUTO(drill_scratch) struct drill_scratch *s = calloc(1, sizeof *s);
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(json) json_t *doc = NULL;
	if (s == NULL)
		return err_nomem(err);
	if (fs_read_file(path, NOTE_MAX, &raw, err) ||
	    json_parse(&doc, raw.data, raw.len, path, err))
		return err->code;
	const char *project = json_get_str(doc, "project");
	const char *folder = json_get_str(doc, "folder");
	const char *host = json_get_str(doc, "host");
	const char *boot = json_get_str(doc, "boot");
	if (project == NULL || folder == NULL || host == NULL || boot == NULL ||
	    !is_plausible(project, folder))
		return err_set(err, ERR_CORRUPT, "%s: not a note of a drill", path);
	snprintf(s->project, sizeof s->project, "%s", project);
	if (str_dup(&s->folder, folder, err) || str_dup(&s->host, host, err) ||
	    str_dup(&s->journal, path, err) ||
	    read_images(&s->images, json_object_get(doc, "images"), err))
		return err->code;
	out->owner = (struct process_identity){
		.pid = json_get_int(doc, "pid", 0),
		.start = (uint64_t)json_get_int(doc, "start", 0),
		.pid_space = (uint64_t)json_get_int(doc, "pid_space", 0),
	};
	snprintf(out->owner.boot, sizeof out->owner.boot, "%s", boot);
	out->is_kept = json_get_bool(doc, "kept");
	out->scratch = TAKE(s);
	return ERR_OK;
}

static enum err_code
clean_one(struct event_sink *events, const char *path, bool kept, struct drill_leftovers *out,
    struct err *err)
{
	struct note note = { .scratch = NULL };
	struct err why = ERR_INIT;
	enum err_code rc = read_note(&note, path, &why);
	AUTO(drill_scratch) struct drill_scratch *s = note.scratch;
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK && note.is_kept && !kept) {
		out->kept++;
		return ERR_OK;
	}
	if (rc == ERR_OK && !note.is_kept && !process_has_ended(&note.owner)) {
		out->busy++;
		return ERR_OK;
	}
	if (rc == ERR_OK)
		rc = drill_scratch_remove(s, &why);
	if (rc != ERR_OK) {
		out->failed++;
		event_warning(events, path, "%s", why.msg);
		return ERR_OK;
	}
	return strv_add(&out->removed, s->project, err);
}

void
drill_leftovers_release(struct drill_leftovers *l)
{
	strv_release(&l->removed);
}

enum err_code
drill_clean(struct event_sink *events, const char *state_dir, bool kept,
    struct drill_leftovers *out, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (!fs_is_dir(state_dir))
		return ERR_OK;
	if (fs_list_dir(state_dir, &names, err))
		return err_wrap(err, "look for what drills have left");
	for (size_t i = 0; i < names.len; i++) {
		AUTO(str) char *path = NULL;
		if (!str_starts(names.items[i], "drill-") || !str_ends(names.items[i], ".json"))
			continue;
		if (str_printf(&path, err, "%s/%s", state_dir, names.items[i]) ||
		    clean_one(events, path, kept, out, err))
			return err->code;
	}
	return ERR_OK;
}

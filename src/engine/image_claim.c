#include "engine/image_claim.h"

#include "base/buf.h"
#include "docker/image.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERSION 1
#define NOTE_MAX ((size_t)64 << 10)
/* The engine may be at it for minutes. */
#define MAY_COME_NS (3600 * NS_PER_S)
#define SCHEME "sha256:"
#define SHORT_ID 12

struct claim {
	char *host;
	char *id;
	char *name;
	char *named; /* NULL: the name was free */
	int64_t begun_ns;
	struct process_identity owner;
};

static void
claim_auto(struct claim *c)
{
	free(c->host);
	free(c->id);
	free(c->name);
	free(c->named);
}

/* "sha256:" and 64 digits: no name, which may mean another image by now. */
static bool
is_id(const char *text)
{
	const size_t n = strlen(SCHEME);
	return text != NULL && str_starts(text, SCHEME) && strlen(text) == n + 64 &&
	       strspn(text + n, "0123456789abcdef") == 64;
}

enum err_code
image_claim_begin(char **path, const char *state_dir, struct docker *d, const char *id,
    const char *name, const char *named, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(str) char *place = NULL;
	struct process_identity self;
	struct json_writer w;
	if (!is_id(id))
		return err_set(err, ERR_CORRUPT, "\"%.80s\" is no image's id", id);
	if (process_identify(&self, getpid(), err) || fs_mkdirs(state_dir, 0700, err) ||
	    str_printf(&place, err, "%s/loading-%.*s-%lld.json", state_dir, SHORT_ID,
		id + strlen(SCHEME), (long long)self.pid))
		return err->code;
	json_init(&w, &text);
	json_obj(&w, NULL);
	json_u64(&w, "version", VERSION);
	json_str(&w, "host", docker_host(d));
	json_str(&w, "image", id);
	json_str(&w, "name", name);
	if (named != NULL)
		json_str(&w, "named", named);
	json_i64(&w, "begun_ns", clock_wall_ns());
	json_i64(&w, "pid", self.pid);
	json_u64(&w, "start", self.start);
	json_u64(&w, "pid_space", self.pid_space);
	json_str(&w, "boot", self.boot);
	json_obj_end(&w);
	if (json_finish(&w, err) || fs_write_file(place, 0600, text.data, text.len, err))
		return err->code;
	*path = TAKE(place);
	return ERR_OK;
}

enum err_code
image_claim_end(const char *path, struct err *err)
{
	return fs_remove_tree(path, err);
}

static enum err_code
read_claim(struct claim *c, const char *path, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(json) json_t *doc = NULL;
	if (fs_read_file(path, NOTE_MAX, &raw, err) ||
	    json_parse(&doc, raw.data, raw.len, path, err))
		return err->code;
	const char *host = json_get_str(doc, "host");
	const char *id = json_get_str(doc, "image");
	const char *name = json_get_str(doc, "name");
	const char *named = json_get_str(doc, "named");
	const char *boot = json_get_str(doc, "boot");
	if (host == NULL || name == NULL || boot == NULL || !is_id(id) ||
	    (named != NULL && !is_id(named)))
		return err_set(err, ERR_CORRUPT, "%s: not a note of an image", path);
	if (str_dup(&c->host, host, err) || str_dup(&c->id, id, err) ||
	    str_dup(&c->name, name, err) || (named != NULL && str_dup(&c->named, named, err)))
		return err->code;
	c->begun_ns = json_get_int(doc, "begun_ns", 0);
	c->owner = (struct process_identity){
		.pid = json_get_int(doc, "pid", 0),
		.start = (uint64_t)json_get_int(doc, "start", 0),
		.pid_space = (uint64_t)json_get_int(doc, "pid_space", 0),
	};
	snprintf(c->owner.boot, sizeof c->owner.boot, "%s", boot);
	return ERR_OK;
}

/* The name goes back to the image that had it, if the load took it away. */
static enum err_code
give_name_back(struct docker *d, const struct claim *c, struct err *err)
{
	AUTO(str) char *now = NULL;
	bool is_here;
	if (c->named == NULL)
		return ERR_OK;
	if (docker_image_id(&now, d, c->name, err) ||
	    docker_image_is_here(d, c->named, &is_here, err))
		return err->code;
	if (!is_here || (now != NULL && strcmp(now, c->id) != 0))
		return ERR_OK;
	return docker_image_tag(d, c->named, c->name, err);
}

/* *settled: nothing more can come of it. */
static enum err_code
settle(const struct claim *c, bool *removed, bool *settled, struct err *err)
{
	struct docker_options opt = DOCKER_OPTIONS_INIT; /* it heeds no cancel */
	AUTO(docker) struct docker *d = NULL;
	bool is_here;
	opt.host = c->host;
	*removed = false;
	if (docker_open(&d, &opt, err) || docker_image_is_here(d, c->id, &is_here, err))
		return err->code;
	int64_t age = clock_wall_ns() - c->begun_ns;
	*settled = is_here || age < 0 || age > MAY_COME_NS;
	if (!is_here)
		return ERR_OK;
	if (give_name_back(d, c, err))
		return err->code;
	enum err_code rc = docker_image_remove(d, c->id, err);
	*removed = rc == ERR_OK;
	/* What has found another use stays. */
	return rc == ERR_NOT_FOUND || rc == ERR_LOCKED ? ERR_OK : rc;
}

static enum err_code
clean_one(
    struct event_sink *events, const char *path, struct image_leftovers *out, struct err *err)
{
	AUTO(claim) struct claim c = { .host = NULL };
	struct err why = ERR_INIT;
	bool removed = false;
	bool settled = false;
	enum err_code rc = read_claim(&c, path, &why);
	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && !process_has_ended(&c.owner)))
		return ERR_OK;
	if (rc == ERR_OK)
		rc = settle(&c, &removed, &settled, &why);
	if (rc == ERR_OK && settled)
		rc = image_claim_end(path, &why);
	if (rc != ERR_OK) {
		out->failed++;
		event_warning(events, path, "%s", why.msg);
	}
	return removed ? strv_add(&out->removed, c.id, err) : ERR_OK;
}

enum err_code
image_claim_clean(struct event_sink *events, const char *state_dir, struct image_leftovers *out,
    struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (!fs_is_dir(state_dir))
		return ERR_OK;
	if (fs_list_dir(state_dir, &names, err))
		return err_wrap(err, "look for images that were being loaded");
	for (size_t i = 0; i < names.len; i++) {
		AUTO(str) char *path = NULL;
		if (!str_starts(names.items[i], "loading-") ||
		    !str_ends(names.items[i], ".json"))
			continue;
		if (str_printf(&path, err, "%s/%s", state_dir, names.items[i]) ||
		    clean_one(events, path, out, err))
			return err->code;
	}
	return ERR_OK;
}

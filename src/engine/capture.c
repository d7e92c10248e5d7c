#include "engine/capture.h"

#include "db/sqlite.h"
#include "engine/browse.h"
#include "engine/capture_sqlite.h"
#include "engine/kept_folder.h"
#include "repo/snapshot.h"
#include "sys/clock.h"
#include "tree/dir.h"

enum err_code
run_init(struct backup_run *r, struct engine *e, const struct backup_options *opt,
    const char *source_kind, const char *source_name, struct err *err)
{
	*r = (struct backup_run){
		.engine = e,
		.options = opt,
		.source_kind = source_kind,
		.source_name = source_name,
		.began_ns = clock_wall_ns(),
		.progress = TREE_PROGRESS_INIT,
	};
	pthread_mutex_init(&r->lock, NULL);
	char host[256];
	if (gethostname(host, sizeof host) != 0)
		return err_sys(err, "ask the host's name");
	host[sizeof host - 1] = '\0';
	struct writer_options wo = { .cancel = e->cancel, .adopts = true };
	if (str_dup(&r->host, opt->host != NULL ? opt->host : host, err))
		return err->code;
	return e->repo != NULL ? writer_open(&r->writer, e->repo, &wo, err) : ERR_OK;
}

static void
dumped_release(struct dumped *d)
{
	free(d->name);
	free(d->database);
	free(d->format);
	free(d->tool);
	free(d->argv);
}

static void
capture_release(struct capture *c)
{
	connector_close(c->connector);
	live_server_close(&c->server);
	for (size_t i = 0; i < c->n_dumps; i++)
		dumped_release(&c->dumps[i]);
	free(c->dumps);
	tree_entry_release(&c->parent);
	tree_saving_free(c->saving);
	tree_saved_release(&c->first);
	tree_saved_release(&c->saved);
	tree_entry_release(&c->entry);
	ignore_free(c->rules);
	json_decref(c->baseline);
	sqlite_set_free(c->sqlite);
}

void
run_release(struct backup_run *r)
{
	survey_stop(r->survey);
	for (size_t i = 0; i < r->n_captures; i++)
		capture_release(&r->captures[i]);
	free(r->captures);
	for (size_t i = 0; i < r->n_problems; i++) {
		free(r->problems[i].path);
		free(r->problems[i].what);
	}
	free(r->problems);
	free(r->host);
	json_decref(r->baseline);
	quarantine_release(&r->quarantine);
	writer_close(r->writer);
	pthread_mutex_destroy(&r->lock);
}

void
run_problem(struct backup_run *r, const char *path, const char *what)
{
	pthread_mutex_lock(&r->lock);
	r->problem_count++;
	if (r->n_problems < RUN_PROBLEMS_KEPT) {
		struct run_problem *all =
		    realloc(r->problems, (r->n_problems + 1) * sizeof *all);
		if (all != NULL) {
			r->problems = all;
			all[r->n_problems] = (struct run_problem){ strdup(path), strdup(what) };
			/* Without memory for the text the count still makes the run partial. */
			if (all[r->n_problems].path != NULL && all[r->n_problems].what != NULL)
				r->n_problems++;
		}
	}
	pthread_mutex_unlock(&r->lock);
	event_problem(r->engine->events, path, "%s", what);
}

enum err_code
capture_rules(struct capture *c, const struct strv *rules, struct err *err)
{
	if (rules->len == 0)
		return ERR_OK;
	if (ignore_new(&c->rules, NULL, err))
		return err->code;
	for (size_t i = 0; i < rules->len; i++)
		if (ignore_add(c->rules, rules->items[i], strlen(rules->items[i]), err))
			return err_wrap(err, "%s %s: what to exclude", c->kind, c->name);
	return ERR_OK;
}

/* --- what was there last time --- */

const json_t *
run_find_member(const json_t *doc, const char *wanted_kind, const char *wanted_name)
{
	size_t i;
	const json_t *m;
	const json_t *members = json_object_get(doc, "members");
	for (i = 0; i < json_array_size(members); i++) {
		m = json_array_get(members, i);
		const char *kind = json_get_str(m, "kind");
		const char *name = json_get_str(m, "name");
		if (kind != NULL && name != NULL && strcmp(kind, wanted_kind) == 0 &&
		    strcmp(name, wanted_name) == 0)
			return m;
	}
	return NULL;
}

/* Is this an image, and the one that the member of the earlier snapshot was? */
static bool
is_same_image(const struct capture *c, const json_t *m)
{
	const char *id = json_get_str(m, "image_id");
	return c->member != NULL && c->member->kind == MEMBER_IMAGE && id != NULL &&
	       strcmp(id, c->member->image_id) == 0;
}

/* Later snapshots come later, and replace what earlier ones gave. */
static enum err_code
note_parents(void *arg, const struct id *id, const json_t *doc, struct err *err)
{
	(void)id;
	struct backup_run *r = arg;
	const char *host = json_get_str(doc, "host");
	if (host == NULL || strcmp(host, r->host) != 0)
		return ERR_OK;
	shrink_note(r, doc);
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	bool has_root = false;
	for (size_t i = 0; i < r->n_captures; i++) {
		struct capture *c = &r->captures[i];
		const json_t *m = run_find_member(doc, c->kind, c->name);
		if (m == NULL || (!capture_is_files(c) && !is_same_image(c, m)))
			continue;
		if (!has_root && snapshot_root(&root, doc, err))
			return err->code;
		has_root = true;
		struct tree_entry found;
		struct err why;
		/* A damaged older snapshot must not keep a new one from being made. */
		if (tree_lookup(r->engine->repo, &root, c->path, &found, &why))
			continue;
		if (c->has_parent)
			tree_entry_release(&c->parent);
		c->parent = found;
		c->has_parent = true;
		c->parent_began_ns = json_get_int(m, "began_ns", 0);
		c->parent_files = (uint64_t)json_get_int(m, "files", 0);
		if (sqlite_note_parent(c, m, err))
			return err->code;
	}
	return ERR_OK;
}

/* It must not keep a new one from being made. */
static enum err_code
pass_over_damaged(void *arg, const struct id *id, const struct err *why, struct err *err)
{
	(void)err;
	const struct backup_run *r = arg;
	char hex[ID_HEX_SIZE];
	id_hex(hex, id);
	event_warning(
	    r->engine->events, hex, "an earlier snapshot is passed over: %s", why->msg);
	return ERR_OK;
}

enum err_code
run_find_parents(struct backup_run *r, struct err *err)
{
	return snapshot_list_sound(r->engine->repo, note_parents, pass_over_damaged, r, err);
}

/* --- files --- */

bool
capture_is_files(const struct capture *c)
{
	return c->source != NULL || c->inside != NULL;
}

static bool
is_excluded(void *arg, const char *path, size_t len, bool is_dir)
{
	struct capture *c = arg;
	const struct strv *exclude = c->member != NULL ? c->exclude : NULL;
	if (is_dir && kept_folder_is(path, len))
		return true;
	if (c->rules != NULL && ignore_has(c->rules, path, len, is_dir)) {
		atomic_fetch_add_explicit(&c->excluded, 1, memory_order_relaxed);
		return true;
	}
	if (c->sqlite != NULL && !is_dir && sqlite_set_is_member(c->sqlite, path, len))
		return true;
	for (size_t i = 0; exclude != NULL && i < exclude->len; i++)
		if (strlen(exclude->items[i]) == len &&
		    memcmp(exclude->items[i], path, len) == 0)
			return true;
	return false;
}

static void
file_problem(void *arg, const struct tree_problem *p)
{
	struct capture *c = arg;
	char path[4096];
	char what[512];
	if (!c->counts_problems)
		return;
	snprintf(path, sizeof path, "%s%s%s", c->source, p->path_len > 0 ? "/" : "", p->path);
	snprintf(what, sizeof what, "%s: %s", tree_problem_word(p->kind), p->text);
	c->problems++;
	run_problem(c->run, path, what);
}

static struct tree_save_options
options_of(struct backup_run *r, struct capture *c, enum save_pass pass)
{
	struct tree_save_options opt = {
		.parent = c->has_parent ? &c->parent : NULL,
		.parent_began_ns = c->parent_began_ns,
		.problem = file_problem,
		.problem_arg = c,
		.progress = &r->progress,
		.cancel = r->engine->cancel,
		.exclude_caches = r->options->exclude_caches,
		.one_file_system = r->options->one_file_system,
		.may_clone = c->may_clone && pass == PASS_LAST,
	};
	if (c->sqlite != NULL || c->rules != NULL || kept_folder_in(c->source) ||
	    (c->exclude != NULL && c->exclude->len > 0)) {
		opt.exclude = is_excluded;
		opt.exclude_arg = c;
	}
	if (c->sqlite != NULL) {
		opt.peek = sqlite_set_peek;
		opt.peek_arg = c->sqlite;
		opt.peek_magic = SQLITE_MAGIC;
		opt.peek_magic_len = SQLITE_MAGIC_SIZE;
	}
	if (pass == PASS_LAST) {
		/* What was touched since the first pass began is read again; the filesystem was
		 * synced then, so that mapped pages show their writes (docs/decisions/0004). */
		opt.parent = &c->first.root;
		opt.parent_began_ns = c->first.began_ns;
		opt.no_sync = true;
	}
	return opt;
}

enum err_code
save_files_begin(struct backup_run *r, struct capture *c, enum save_pass pass, struct err *err)
{
	c->run = r;
	c->counts_problems = pass != PASS_FIRST;
	if (pass == PASS_FIRST && sqlite_look_again(c, err))
		return err->code;
	struct tree_save_options opt = options_of(r, c, pass);
	int64_t begin = clock_wall_ns();
	if (tree_save_begin(&c->saving, r->writer, c->source, &opt, err))
		return err_wrap(err, "%s %s", c->kind, c->name);
	if (pass == PASS_FIRST)
		return ERR_OK;
	if (sqlite_fence_all(r, c, err))
		return err_wrap(err, "%s %s", c->kind, c->name);
	c->fence_begin_ns = begin;
	c->fence_end_ns = clock_wall_ns();
	return ERR_OK;
}

enum err_code
save_files_end(struct backup_run *r, struct capture *c, enum save_pass pass, struct err *err)
{
	(void)r;
	struct tree_saved *out = pass == PASS_FIRST ? &c->first : &c->saved;
	AUTO(tree_saving) struct tree_saving *saving = TAKE(c->saving);
	if (tree_save_end(saving, out, err))
		return err_wrap(err, "%s %s", c->kind, c->name);
	if (pass == PASS_FIRST)
		return ERR_OK;
	c->began_ns = pass == PASS_LAST ? c->first.began_ns : c->saved.began_ns;
	c->files = out->files;
	c->bytes = out->bytes;
	c->excluded += out->left_out;
	if (tree_entry_copy(&c->entry, &out->root, err))
		return err->code;
	c->has_entry = true;
	return ERR_OK;
}

enum err_code
save_files(struct backup_run *r, struct capture *c, enum save_pass pass, struct err *err)
{
	if (save_files_begin(r, c, pass, err) || save_files_end(r, c, pass, err))
		return err->code;
	return ERR_OK;
}

struct excluder_options
run_excludes(const struct backup_run *r, const struct capture *c)
{
	return (struct excluder_options){
		.root = c->source,
		.paths = c->member != NULL ? c->exclude : NULL,
		.rules = c->rules,
		.caches = r->options->exclude_caches,
		.one_file_system = r->options->one_file_system,
	};
}

enum err_code
run_survey(struct backup_run *r, struct err *err)
{
	const struct event_sink *events = r->engine->events;
	if (events == NULL || !events->is_watched)
		return ERR_OK;
	AUTO(mem) struct excluder_options *sources = calloc(r->n_captures + 1, sizeof *sources);
	size_t n = 0;
	if (sources == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < r->n_captures; i++)
		if (r->captures[i].source != NULL)
			sources[n++] = run_excludes(r, &r->captures[i]);
	survey_start(&r->survey, sources, n);
	return ERR_OK;
}

void
run_sample(void *arg, struct event *e)
{
	struct backup_run *r = arg;
	/* Files taken over from the last snapshot are done too, though none of their bytes were
	 * read: the rate that a user sees is that of progress through the data. */
	e->bytes = atomic_load(&r->progress.bytes) + atomic_load(&r->progress.bytes_unchanged);
	e->files = atomic_load(&r->progress.files);
	uint64_t files;
	uint64_t bytes;
	if (survey_result(r->survey, &files, &bytes)) {
		/* The data may grow behind the survey. */
		e->files_total = files > e->files ? files : e->files;
		e->bytes_total = bytes > e->bytes ? bytes : e->bytes;
	}
}

enum err_code
gate_not_emptied(const struct backup_run *r, const struct capture *c, struct err *err)
{
	/* That rules leave everything out shows that something is there. */
	if (!capture_is_files(c) || c->files > 0 || c->parent_files == 0 || c->excluded > 0 ||
	    r->options->allow_empty)
		return ERR_OK;
	return err_set(err, ERR_INCOMPLETE,
	    "%s %s (%s) is empty, but held %llu files in the last snapshot: is something not "
	    "mounted? If it is meant to be empty, use --allow-empty",
	    c->kind, c->name, c->source != NULL ? c->source : c->inside,
	    (unsigned long long)c->parent_files);
}

enum err_code
save_bytes(
    struct backup_run *r, const void *data, size_t len, struct tree_entry *out, struct err *err)
{
	AUTO(intake) struct intake *in = NULL;
	struct stream *s;
	AUTO(content) struct content content = CONTENT_INIT;
	if (intake_new(&in, r->writer, err) || stream_open(&s, in, CHUNK_DATA, err))
		return err->code;
	if (stream_write(s, data, len, err)) {
		stream_abort(s);
		return err->code;
	}
	if (stream_close(s, &content, err))
		return err->code;
	struct tree_entry e = {
		.type = TREE_FILE,
		.name = "",
		.mode = 0600,
		.links = 1,
		.modified = { .s = r->began_ns / NS_PER_S },
		.content = content,
	};
	return tree_entry_copy(out, &e, err);
}

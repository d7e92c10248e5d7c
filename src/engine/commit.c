/*
 * The last step of a backup: the tree is put together, everything is made
 * durable, and the snapshot document that names it all is written.
 */
#include "engine/capture.h"

#include "engine/capture_sqlite.h"
#include "engine/publish.h"
#include "engine/quiet_plan.h"
#include "sys/clock.h"
#include "sys/identity.h"

static void
write_user(struct json_writer *w)
{
	char user[IDENTITY_MAX];
	identity_user(user);
	json_str(w, "user", user);
}

static void
write_source(struct json_writer *w, const struct backup_run *r)
{
	json_obj(w, "source");
	json_str(w, "kind", r->source_kind);
	if (r->source_name != NULL) {
		json_str(w, "name", r->source_name);
	} else {
		json_arr(w, "paths");
		for (size_t i = 0; i < r->n_captures; i++)
			json_str(w, NULL, r->captures[i].source);
		json_arr_end(w);
	}
	json_obj_end(w);
}

static void
write_quiet(struct json_writer *w, const struct quiet_window *quiet)
{
	if (quiet == NULL) {
		json_nil(w, "quiet");
		return;
	}
	json_obj(w, "quiet");
	json_i64(w, "from_ns", quiet->from_ns);
	json_i64(w, "to_ns", quiet->to_ns);
	json_arr(w, "services");
	for (size_t i = 0; i < quiet->n_services; i++) {
		json_obj(w, NULL);
		json_str(w, "service", quiet->services[i].service);
		json_str(w, "container", quiet->services[i].container);
		json_str(w, "how", quiesce_word(quiet->services[i].how));
		json_i64(w, "quiet_ns", quiet->services[i].quiet_ns);
		json_obj_end(w);
	}
	json_arr_end(w);
	json_obj_end(w);
}

static void
write_dumps(struct json_writer *w, const struct capture *c)
{
	const struct db_report *report = connector_report(c->connector);
	uint64_t objects = 0;
	for (size_t i = 0; i < report->info.database_count; i++)
		objects += report->info.databases[i].objects;
	json_str(w, "engine", db_kind_word(c->member->db));
	json_str(w, "server_version", report->info.version);
	json_u64(w, "objects", objects);
	json_arr(w, "warnings");
	for (size_t i = 0; i < report->info.warnings.len; i++)
		json_str(w, NULL, report->info.warnings.items[i]);
	for (size_t i = 0; i < report->warnings.len; i++)
		json_str(w, NULL, report->warnings.items[i]);
	json_arr_end(w);
	json_arr(w, "streams");
	for (size_t i = 0; i < c->n_dumps; i++) {
		const struct dumped *d = &c->dumps[i];
		char hex[2 * HASH_SIZE + 1];
		hex_encode(hex, d->sha256, HASH_SIZE);
		json_obj(w, NULL);
		json_str(w, "name", d->name);
		json_str(w, "database", d->database);
		json_str(w, "format", d->format);
		json_u64(w, "bytes", d->bytes);
		json_str(w, "sha256", hex);
		json_str(w, "tool", d->tool);
		json_str(w, "argv", d->argv);
		json_obj_end(w);
	}
	json_arr_end(w);
}

/* What folders were saved without, beside the rules. */
static void
write_excluded(struct json_writer *w, const struct backup_run *r, const struct capture *c)
{
	bool is_path = strcmp(c->kind, "path") == 0;
	if (c->member != NULL && c->rules != NULL)
		json_strings(w, "rules", ignore_rules(c->rules));
	else if (!is_path && strcmp(c->kind, "tar") != 0)
		return;
	if (is_path) {
		json_flag(w, "exclude_caches", r->options->exclude_caches);
		json_flag(w, "one_file_system", r->options->one_file_system);
	}
	json_u64(w, "excluded", c->excluded);
}

static void
write_member(struct json_writer *w, const struct backup_run *r, const struct capture *c)
{
	json_obj(w, NULL);
	json_str(w, "kind", c->kind);
	json_str(w, "name", c->name);
	json_str(w, "path", c->path);
	/* A bind mount's name is its path, also where only the engine can see it. */
	bool is_far_bind = c->inside != NULL && strcmp(c->kind, "bind") == 0;
	json_str(w, "source", is_far_bind ? c->name : c->source);
	if (c->inside != NULL)
		json_flag(w, "by_engine", true);
	json_strings(w, "services", c->services);
	json_strings(w, "exclude", c->exclude);
	write_excluded(w, r, c);
	if (c->member != NULL && c->member->kind == MEMBER_IMAGE)
		json_str(w, "image_id", c->member->image_id);
	json_obj(w, "fence");
	json_i64(w, "begin_ns", c->fence_begin_ns);
	json_i64(w, "end_ns", c->fence_end_ns);
	json_str(w, "position", c->fence.position);
	json_obj_end(w);
	json_u64(w, "files", c->files);
	json_u64(w, "bytes", c->bytes);
	json_u64(w, "problems", c->problems);
	json_i64(w, "began_ns", c->began_ns);
	if (c->connector != NULL)
		write_dumps(w, c);
	sqlite_write(w, c);
	json_obj_end(w);
}

static void
write_services(struct json_writer *w, const struct stack *s)
{
	json_arr(w, "services");
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct stack_container *c = &s->containers[i];
		json_obj(w, NULL);
		json_str(w, "service", c->service);
		json_i64(w, "number", c->number);
		json_str(w, "container", c->name);
		json_str(w, "image", c->image_ref);
		json_str(w, "image_id", c->image_id);
		json_strings(w, "digests", &c->repo_digests);
		json_str(w, "state", container_state_word(c->state));
		json_str(w, "health", c->health);
		json_strings(w, "depends_on", &c->depends_on);
		json_obj_end(w);
	}
	json_arr_end(w);
}

static void
write_stack(struct json_writer *w, const struct plan *p)
{
	const struct stack *s = p->stack;
	json_obj(w, "stack");
	json_str(w, "name", s->name);
	json_str(w, "working_dir", s->working_dir);
	json_strings(w, "config_files", &s->config_files);
	json_strings(w, "env_files", &s->env_files);
	write_services(w, s);
	json_arr(w, "volumes");
	for (size_t i = 0; i < s->n_volumes; i++) {
		const struct stack_volume *v = &s->volumes[i];
		json_obj(w, NULL);
		json_str(w, "name", v->name);
		json_str(w, "key", v->key);
		json_str(w, "driver", v->driver);
		json_strings(w, "labels", &v->labels);
		json_strings(w, "options", &v->options);
		json_flag(w, "external", v->is_external);
		json_obj_end(w);
	}
	json_arr_end(w);
	json_arr(w, "networks");
	for (size_t i = 0; i < s->n_networks; i++) {
		const struct stack_network *n = &s->networks[i];
		json_obj(w, NULL);
		json_str(w, "name", n->name);
		json_str(w, "key", n->key);
		json_str(w, "driver", n->driver);
		json_flag(w, "external", n->is_external);
		json_obj_end(w);
	}
	json_arr_end(w);
	json_arr(w, "gaps");
	for (size_t i = 0; i < p->n_gaps; i++) {
		json_obj(w, NULL);
		json_str(w, "what", p->gaps[i].what);
		json_str(w, "why", p->gaps[i].why);
		json_flag(w, "matters", p->gaps[i].matters);
		json_obj_end(w);
	}
	json_arr_end(w);
	json_obj_end(w);
}

/* The span in which any member's state may have been fixed. */
static void
span_of_fences(const struct backup_run *r, int64_t *first_ns, int64_t *last_ns)
{
	*first_ns = INT64_MAX;
	*last_ns = 0;
	for (size_t i = 0; i < r->n_captures; i++) {
		const struct capture *c = &r->captures[i];
		if (c->fence_begin_ns < *first_ns)
			*first_ns = c->fence_begin_ns;
		if (c->fence_end_ns > *last_ns)
			*last_ns = c->fence_end_ns;
	}
	if (r->n_captures == 0)
		*first_ns = *last_ns = r->began_ns;
}

/* Counted here, since the meaning of "unless it matters" is the snapshot's. */
static bool
has_gaps_that_matter(const struct plan *p)
{
	for (size_t i = 0; p != NULL && i < p->n_gaps; i++)
		if (p->gaps[i].matters)
			return true;
	return false;
}

static enum err_code
write_document(const struct backup_run *r, const struct plan *plan,
    const struct quiet_window *quiet, const struct tree_entry *root,
    const struct backup_result *res, struct buf *out, struct err *err)
{
	AUTO(bufv) struct buf raw = BUF_INIT;
	if (tree_entry_encode(root, &raw, err))
		return err->code;
	AUTO(mem) char *hex = malloc(2 * raw.len + 1);
	if (hex == NULL)
		return err_nomem(err);
	hex_encode(hex, raw.data, raw.len);
	int64_t first_ns;
	int64_t last_ns;
	span_of_fences(r, &first_ns, &last_ns);

	struct json_writer w;
	json_init(&w, out);
	json_obj(&w, NULL);
	json_u64(&w, "version", 1);
	json_i64(&w, "time_ns", r->options->time_ns != 0 ? r->options->time_ns : first_ns);
	json_i64(&w, "began_ns", r->began_ns);
	json_i64(&w, "ended_ns", clock_wall_ns());
	json_str(&w, "host", r->host);
	write_user(&w);
	json_str(&w, "program", "stacksnap " STACKSNAP_VERSION);
	json_strings(&w, "tags", r->options->tags);
	write_source(&w, r);
	json_str(&w, "outcome", outcome_word(res->outcome));
	quarantine_write(&w, &r->quarantine);
	json_str(&w, "class", quiet != NULL ? "quiesced" : "live");
	json_str(&w, "quiesce",
	    plan != NULL ? quiet_plan_word(plan->quiesce, plan->n_quiesce) : "none");
	write_quiet(&w, quiet);
	json_i64(&w, "skew_ns", res->skew_ns);
	json_str(&w, "root", hex);
	json_arr(&w, "members");
	for (size_t i = 0; i < r->n_captures; i++)
		write_member(&w, r, &r->captures[i]);
	json_arr_end(&w);
	json_arr(&w, "problems");
	for (size_t i = 0; i < r->n_problems; i++) {
		json_obj(&w, NULL);
		json_bytes(&w, "path", r->problems[i].path, strlen(r->problems[i].path));
		json_str(&w, "what", r->problems[i].what);
		json_obj_end(&w);
	}
	json_arr_end(&w);
	json_u64(&w, "problem_count", r->problem_count);
	if (plan != NULL)
		write_stack(&w, plan);
	json_obj(&w, "stats");
	json_u64(&w, "files", res->files);
	json_u64(&w, "bytes", res->bytes);
	json_u64(&w, "new_bytes", res->new_bytes);
	json_u64(&w, "stored_bytes", res->stored_bytes);
	json_obj_end(&w);
	json_obj_end(&w);
	return json_finish(&w, err);
}

static enum err_code
store_tree(
    struct backup_run *r, struct layout *layout, struct tree_entry *root, struct err *err)
{
	for (size_t i = 0; i < r->n_captures; i++) {
		const struct capture *c = &r->captures[i];
		if (c->has_entry && layout_add(layout, c->path, &c->entry, err))
			return err->code;
	}
	/* Flushed, so that the document's statistics are whole. */
	if (layout_store(layout, r->writer, root, err) || writer_flush(r->writer, err))
		return err->code;
	return ERR_OK;
}

enum err_code
run_commit(struct backup_run *r, const struct plan *plan, const struct quiet_window *quiet,
    struct layout *layout, struct backup_result *out, struct err *err)
{
	AUTO(tree_entry) struct tree_entry root = TREE_ENTRY_INIT;
	AUTO(bufv) struct buf document = BUF_INIT;
	struct backup_result res = { .problems = r->problem_count, .members = r->n_captures };
	struct writer_stats stats;
	int64_t first_ns;
	int64_t last_ns;
	if (store_tree(r, layout, &root, err))
		return err->code;
	writer_get_stats(r->writer, &stats);
	span_of_fences(r, &first_ns, &last_ns);
	res.skew_ns = last_ns - first_ns;
	res.quiet_ns = quiet != NULL ? quiet->longest_ns : 0;
	res.new_bytes = stats.new_bytes;
	res.stored_bytes = stats.stored_bytes;
	for (size_t i = 0; i < r->n_captures; i++) {
		res.files += r->captures[i].files;
		res.bytes += r->captures[i].bytes;
		res.excluded += r->captures[i].excluded;
	}
	res.outcome = r->problem_count > 0 || has_gaps_that_matter(plan) ? OUTCOME_PARTIAL
									 : OUTCOME_COMPLETE;
	if (write_document(r, plan, quiet, &root, &res, &document, err) ||
	    cancel_check(r->engine->cancel, err) ||
	    publish_snapshot(r->engine, r->writer, &root, &document, &res.id, err))
		return err->code;
	res.shrunk = r->quarantine.total;
	res.took_ns = clock_wall_ns() - r->began_ns;
	*out = res;
	return ERR_OK;
}

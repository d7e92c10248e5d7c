#include "cli/backup_view.h"

#include "base/counted.h"
#include "cli/outcome_view.h"
#include "ui/escape.h"
#include "ui/format.h"

#include <inttypes.h>
#include <unistd.h>

static void
print_source(const struct backup_batch *b, const struct backup_task *r)
{
	if (r->stack != NULL) {
		fputs("stack ", stdout);
		escape_print(stdout, r->stack);
		return;
	}
	if (b->input.name != NULL)
		escape_print(stdout, b->input.name);
	for (size_t i = 0; i < b->databases.len; i++)
		printf("%s%s", i > 0 ? ", " : "database ", b->databases.items[i]);
	for (size_t i = 0; i < b->paths.len; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		escape_print(stdout, b->paths.items[i]);
	}
}

static void
print_numbers(const struct backup_batch *b, const struct backup_task *r)
{
	const struct backup_result *res = &r->result;
	char files[FORMAT_MAX], bytes[FORMAT_MAX], new_bytes[FORMAT_MAX], stored[FORMAT_MAX];
	char quiet[FORMAT_MAX], skew[FORMAT_MAX], took[FORMAT_MAX];
	char members[COUNTED_MAX], problems[COUNTED_MAX];
	counted(members, res->members, "member");
	counted(files, res->files, "file");
	format_size(bytes, res->bytes);
	format_size(new_bytes, res->new_bytes);
	format_size(stored, res->stored_bytes);
	format_duration(quiet, res->quiet_ns);
	format_duration(skew, res->skew_ns);
	format_duration(took, res->took_ns);
	printf("  %s, %s, %s; %s new to the repository, stored as %s\n", members, files, bytes,
	    new_bytes, stored);
	if (r->stack != NULL && res->quiet_ns > 0)
		printf("  services were quiet for %s; skew %s; took %s\n", quiet, skew, took);
	else if (r->stack != NULL)
		printf("  no service was made quiet; skew %s; took %s\n", skew, took);
	else if (b->databases.len > 1)
		printf("  skew %s; took %s\n", skew, took);
	else
		printf("  took %s\n", took);
	if (res->excluded > 0)
		printf("  %" PRIu64 " left out on request\n", res->excluded);
	if (res->problems > 0)
		printf("  %s: 'stacksnap show' lists what is missing\n",
		    counted(problems, res->problems, "problem"));
}

static bool
has_snapshot(const struct backup_task *r)
{
	return r->code == EXIT_COMPLETE || r->code == EXIT_PARTIAL ||
	       r->code == EXIT_QUARANTINED;
}

static void
print_task(
    const struct backup_batch *b, const struct backup_task *r, const struct screen *screen)
{
	if (!has_snapshot(r)) {
		print_source(b, r);
		fputs(": ", stdout);
		outcome_print(screen, r->code);
		puts(", no snapshot was written");
		return;
	}
	char hex[ID_HEX_SIZE];
	id_hex(hex, &r->result.id);
	printf("snapshot %.8s of ", hex);
	print_source(b, r);
	fputs(": ", stdout);
	outcome_print(screen, r->code);
	puts(r->result.shrunk > 0 ? ", QUARANTINED" : "");
	print_numbers(b, r);
	if (r->result.shrunk > 0)
		printf("  it holds much less than the last good one, which stays, as does all "
		       "before: see\n  'stacksnap show %.8s', then 'stacksnap accept %.8s' "
		       "if that was meant\n",
		    hex, hex);
}

static void
source_json(struct json_writer *w, const struct backup_batch *b, const struct backup_task *r)
{
	json_obj(w, "source");
	const char *name = r->stack != NULL ? r->stack : b->input.name;
	json_str(w, "kind",
	    r->stack != NULL       ? "stack"
	    : name != NULL         ? "stdin"
	    : b->databases.len > 0 ? "database"
				   : "path");
	if (name != NULL) {
		json_str(w, "name", name);
	} else if (b->databases.len > 0) {
		json_strings(w, "names", &b->databases);
	} else {
		json_arr(w, "paths");
		for (size_t i = 0; i < b->paths.len; i++)
			json_str(w, NULL, b->paths.items[i]);
		json_arr_end(w);
	}
	json_obj_end(w);
}

static void
task_json(struct json_writer *w, const struct backup_batch *b, const struct backup_task *r)
{
	const struct backup_result *res = &r->result;
	json_obj(w, NULL);
	source_json(w, b, r);
	json_i64(w, "exit_code", r->code);
	json_str(w, "outcome", exit_code_outcome(r->code));
	if (!has_snapshot(r)) {
		cli_result_error(w, &r->err);
		json_obj_end(w);
		return;
	}
	char hex[ID_HEX_SIZE];
	id_hex(hex, &res->id);
	json_str(w, "snapshot", hex);
	json_u64(w, "members", res->members);
	json_u64(w, "files", res->files);
	json_u64(w, "bytes", res->bytes);
	json_u64(w, "new_bytes", res->new_bytes);
	json_u64(w, "stored_bytes", res->stored_bytes);
	json_u64(w, "problems", res->problems);
	json_flag(w, "quarantined", res->shrunk > 0);
	json_u64(w, "excluded", res->excluded);
	json_i64(w, "quiet_ns", res->quiet_ns);
	json_i64(w, "skew_ns", res->skew_ns);
	json_i64(w, "took_ns", res->took_ns);
	json_obj_end(w);
}

enum err_code
backup_view_print(
    struct cli *c, const struct backup_batch *b, enum exit_code code, struct err *err)
{
	if (!c->args.json) {
		struct screen screen;
		screen_init(&screen, STDOUT_FILENO, c->args.no_color);
		for (size_t i = 0; i < b->n_tasks; i++)
			print_task(b, &b->tasks[i], &screen);
		return ERR_OK;
	}
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_arr(&w, "runs");
	for (size_t i = 0; i < b->n_tasks; i++)
		task_json(&w, b, &b->tasks[i]);
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

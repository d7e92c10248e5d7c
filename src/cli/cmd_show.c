/*
 * show: the certificate of a snapshot: what is in it, at which instant, and
 * what that cost.
 */
#include "cli/cli.h"
#include "engine/quarantine.h"
#include "repo/proof.h"
#include "repo/snapshot.h"
#include "sys/clock.h"
#include "ui/escape.h"
#include "ui/format.h"
#include "ui/proof_view.h"
#include "ui/table.h"
#include "ui/tables_view.h"

#include <inttypes.h>
#include <stdarg.h>

/* The strings of a list, as "a, b". */
static enum err_code
join(struct buf *out, const json_t *list, struct err *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));
		if (buf_printf(out, err, "%s%s", i > 0 ? ", " : "", s != NULL ? s : "?"))
			return err->code;
	}
	return buf_str(out, "", err);
}

static void PRINTF_LIKE(2, 3) line(const char *label, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	printf("  %-9s ", label);
	escape_print(stdout, text);
	putchar('\n');
}

/* --- the head --- */

static enum err_code
print_source(const json_t *d, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	const json_t *source = json_object_get(d, "source");
	const char *name = json_get_str(source, "name");
	if (name != NULL ? buf_printf(&text, err, "%s %s", json_get_text(source, "kind"), name)
			 : join(&text, json_object_get(source, "paths"), err))
		return err->code;
	line("source", "%s", buf_cstr(&text));
	return ERR_OK;
}

static void
print_origin(const json_t *d)
{
	char time[CLOCK_TEXT_SIZE];
	char took[FORMAT_MAX];
	int64_t began = json_get_int(d, "began_ns", 0);
	clock_format_local(time, json_get_int(d, "time_ns", 0));
	format_duration(took, json_get_int(d, "ended_ns", began) - began);
	line("time", "%s", time);
	line("made", "by %s on %s with %s, in %s", json_get_text(d, "user"),
	    json_get_text(d, "host"), json_get_text(d, "program"), took);
}

static void
print_class(const json_t *d)
{
	char skew[FORMAT_MAX];
	const json_t *quiet = json_object_get(d, "quiet");
	const json_t *services = json_object_get(quiet, "services");
	bool is_at_rest = json_is_array(services) && json_array_size(services) == 0;
	bool is_quiesced = strcmp(json_get_text(d, "class"), "quiesced") == 0;
	format_duration(skew, json_get_int(d, "skew_ns", 0));
	line("outcome", "%s%s", json_get_text(d, "outcome"),
	    snapshot_is_quarantined(d) ? ", QUARANTINED: much less than in the last good one"
				       : "");
	line("class", "%s",
	    is_quiesced && is_at_rest
		? "quiesced: nothing of it ran while every member was fixed"
	    : is_quiesced
		? "quiesced: every member was fixed while the application was quiet"
		: "live: nothing was made quiet, members may be of different moments");
	line("skew", "%s between the first and the last moment that a member may stand for",
	    skew);
	if (!json_is_object(quiet) || is_at_rest)
		return;
	char window[FORMAT_MAX];
	format_duration(
	    window, json_get_int(quiet, "to_ns", 0) - json_get_int(quiet, "from_ns", 0));
	line("quiet", "%s (%s)", window, json_get_text(d, "quiesce"));
	for (size_t i = 0; i < json_array_size(services); i++) {
		const json_t *s = json_array_get(services, i);
		char pause[FORMAT_MAX];
		format_duration(pause, json_get_int(s, "quiet_ns", 0));
		line("", "%s for %s", json_get_text(s, "service"), pause);
	}
}

static enum err_code
print_totals(const json_t *d, struct err *err)
{
	AUTO(bufv) struct buf tags = BUF_INIT;
	char files[FORMAT_MAX], bytes[FORMAT_MAX], new_bytes[FORMAT_MAX], stored[FORMAT_MAX];
	const json_t *stats = json_object_get(d, "stats");
	counted(files, json_get_u64(stats, "files"), "file");
	format_size(bytes, json_get_u64(stats, "bytes"));
	format_size(new_bytes, json_get_u64(stats, "new_bytes"));
	format_size(stored, json_get_u64(stats, "stored_bytes"));
	line("holds", "%s, %s; %s were new to the repository, stored as %s", files, bytes,
	    new_bytes, stored);
	if (join(&tags, json_object_get(d, "tags"), err))
		return err->code;
	if (tags.len > 0)
		line("tags", "%s", buf_cstr(&tags));
	return ERR_OK;
}

/* --- members --- */

/* Where the first member's fence begins: a snapshot's own time may have been given. */
static int64_t
first_fence_ns(const json_t *members, int64_t other)
{
	int64_t first_ns = INT64_MAX;
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *fence = json_object_get(json_array_get(members, i), "fence");
		int64_t begin_ns = json_get_int(fence, "begin_ns", other);
		first_ns = begin_ns < first_ns ? begin_ns : first_ns;
	}
	return first_ns;
}

/* When a member was fixed, after the first one. */
static void
fence_text(char out[2 * FORMAT_MAX], const json_t *fence, int64_t first_ns)
{
	char from[FORMAT_MAX], to[FORMAT_MAX];
	format_duration(from, json_get_int(fence, "begin_ns", first_ns) - first_ns);
	format_duration(to, json_get_int(fence, "end_ns", first_ns) - first_ns);
	if (strcmp(from, to) == 0)
		snprintf(out, 2 * FORMAT_MAX, "+%.30s", from);
	else
		snprintf(out, 2 * FORMAT_MAX, "+%.25s to +%.25s", from, to);
}

static enum err_code
print_members(const json_t *d, struct err *err)
{
	static const struct table_column columns[] = { { "MEMBER", TABLE_LEFT },
		{ "NAME", TABLE_LEFT }, { "FIXED AT", TABLE_LEFT }, { "POSITION", TABLE_LEFT },
		{ "FILES", TABLE_RIGHT }, { "SIZE", TABLE_RIGHT }, { "SERVICES", TABLE_LEFT } };
	AUTO(table) struct table t;
	const json_t *members = json_object_get(d, "members");
	int64_t first_ns = first_fence_ns(members, json_get_int(d, "time_ns", 0));
	table_init(&t, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < json_array_size(members); i++) {
		AUTO(bufv) struct buf services = BUF_INIT;
		const json_t *m = json_array_get(members, i);
		const json_t *fence = json_object_get(m, "fence");
		char when[2 * FORMAT_MAX], files[FORMAT_MAX], size[FORMAT_MAX];
		if (join(&services, json_object_get(m, "services"), err))
			return err->code;
		fence_text(when, fence, first_ns);
		format_count(files, json_get_u64(m, "files"));
		format_size(size, json_get_u64(m, "bytes"));
		table_cell(&t, json_get_text(m, "kind"));
		table_cell(&t, json_get_text(m, "name"));
		table_cell(&t, when);
		table_cell(&t, json_get_text(fence, "position"));
		table_cell(&t, files);
		table_cell(&t, size);
		table_cell(&t, buf_cstr(&services));
	}
	puts("members");
	return table_print(&t, stdout, 2, err);
}

/* What a backup of folders was asked to leave out. */
static void
print_left_out(const json_t *d)
{
	const json_t *members = json_object_get(d, "members");
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *m = json_array_get(members, i);
		const json_t *rules = json_object_get(m, "exclude");
		bool caches = json_get_bool(m, "exclude_caches");
		bool mounts = json_get_bool(m, "one_file_system");
		bool has_rules = strcmp(json_get_text(m, "kind"), "path") == 0 ||
				 strcmp(json_get_text(m, "kind"), "tar") == 0;
		if (!has_rules || (json_array_size(rules) == 0 && !caches && !mounts))
			continue;
		fputs("left out of ", stdout);
		escape_print(stdout, json_get_text(m, "name"));
		printf(", %" PRIu64 " times, by\n", json_get_u64(m, "excluded"));
		for (size_t k = 0; k < json_array_size(rules); k++) {
			const char *rule = json_string_value(json_array_get(rules, k));
			fputs("  ", stdout);
			escape_print(stdout, rule != NULL ? rule : "?");
			putchar('\n');
		}
		fputs(caches ? "  what folders hold that are tagged as caches\n" : "", stdout);
		fputs(mounts ? "  what other filesystems hold\n" : "", stdout);
	}
}

static enum err_code
print_streams(const json_t *m, struct err *err)
{
	static const struct table_column columns[] = { { NULL, TABLE_LEFT },
		{ NULL, TABLE_RIGHT }, { NULL, TABLE_LEFT }, { NULL, TABLE_LEFT } };
	AUTO(table) struct table t;
	const json_t *streams = json_object_get(m, "streams");
	table_init(&t, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < json_array_size(streams); i++) {
		const json_t *s = json_array_get(streams, i);
		char size[FORMAT_MAX];
		format_size(size, json_get_u64(s, "bytes"));
		table_cell(&t, json_get_text(s, "name"));
		table_cell(&t, size);
		table_cellf(&t, "sha256 %s", json_get_text(s, "sha256"));
		table_cell(&t, json_get_text(s, "tool"));
	}
	return table_print(&t, stdout, 4, err);
}

static enum err_code
print_databases(const json_t *d, struct err *err)
{
	const json_t *members = json_object_get(d, "members");
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *m = json_array_get(members, i);
		if (json_get_str(m, "engine") == NULL)
			continue;
		char objects[FORMAT_MAX];
		counted(objects, json_get_u64(m, "objects"), "object");
		fputs("database ", stdout);
		escape_print(stdout, json_get_text(m, "name"));
		fputs(": ", stdout);
		escape_print(stdout, json_get_text(m, "engine"));
		putchar(' ');
		escape_print(stdout, json_get_text(m, "server_version"));
		printf(", %s\n", objects);
		if (print_streams(m, err))
			return err->code;
		const json_t *warnings = json_object_get(m, "warnings");
		for (size_t k = 0; k < json_array_size(warnings); k++) {
			const char *text = json_string_value(json_array_get(warnings, k));
			fputs("    warning: ", stdout);
			escape_print(stdout, text != NULL ? text : "?");
			putchar('\n');
		}
	}
	return ERR_OK;
}

/* How each SQLite database among the files was taken. */
static enum err_code
print_sqlite(const json_t *d, struct err *err)
{
	static const struct table_column columns[] = { { NULL, TABLE_LEFT },
		{ NULL, TABLE_RIGHT }, { NULL, TABLE_RIGHT }, { NULL, TABLE_LEFT },
		{ NULL, TABLE_LEFT } };
	const json_t *members = json_object_get(d, "members");
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *m = json_array_get(members, i);
		const json_t *list = json_object_get(m, "sqlite");
		if (json_array_size(list) == 0)
			continue;
		AUTO(table) struct table t;
		table_init(&t, columns, ARRAY_LEN(columns));
		for (size_t k = 0; k < json_array_size(list); k++) {
			const json_t *s = json_array_get(list, k);
			char size[FORMAT_MAX], tables[FORMAT_MAX];
			const char *why = json_get_str(s, "why");
			format_size(size, json_get_u64(s, "bytes"));
			counted(tables, json_get_u64(s, "tables"), "table");
			table_cell(&t, json_get_text(s, "path"));
			table_cell(&t, size);
			table_cell(&t, tables);
			table_cellf(&t, "taken %s, %s", json_get_text(s, "how"),
			    json_get_text(s, "check"));
			table_cell(&t, why != NULL ? why : "");
		}
		fputs("SQLite databases in ", stdout);
		escape_print(stdout, json_get_text(m, "name"));
		putchar('\n');
		if (table_print(&t, stdout, 2, err))
			return err->code;
	}
	return ERR_OK;
}

/* --- the stack --- */

static enum err_code
print_images(const json_t *stack, struct err *err)
{
	static const struct table_column columns[] = { { "SERVICE", TABLE_LEFT },
		{ "STATE", TABLE_LEFT }, { "IMAGE", TABLE_LEFT }, { "DIGEST", TABLE_LEFT } };
	AUTO(table) struct table t;
	const json_t *services = json_object_get(stack, "services");
	table_init(&t, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < json_array_size(services); i++) {
		const json_t *s = json_array_get(services, i);
		const char *digest =
		    json_string_value(json_array_get(json_object_get(s, "digests"), 0));
		table_cell(&t, json_get_text(s, "service"));
		table_cell(&t, json_get_text(s, "state"));
		table_cell(&t, json_get_text(s, "image"));
		/* An image that was built here has no digest, only its own id. */
		table_cell(&t, digest != NULL ? digest : json_get_text(s, "image_id"));
	}
	puts("services");
	return table_print(&t, stdout, 2, err);
}

static void
print_gaps(const json_t *stack)
{
	const json_t *gaps = json_object_get(stack, "gaps");
	if (json_array_size(gaps) > 0)
		puts("not captured");
	for (size_t i = 0; i < json_array_size(gaps); i++) {
		const json_t *g = json_array_get(gaps, i);
		fputs(json_get_bool(g, "matters") ? "! " : "  ", stdout);
		escape_print(stdout, json_get_text(g, "what"));
		fputs(": ", stdout);
		escape_print(stdout, json_get_text(g, "why"));
		putchar('\n');
	}
}

static void
print_problems(const json_t *d)
{
	const json_t *problems = json_object_get(d, "problems");
	uint64_t all = json_get_u64(d, "problem_count");
	size_t listed = json_array_size(problems);
	if (all == 0)
		return;
	puts("problems");
	for (size_t i = 0; i < listed; i++) {
		const json_t *p = json_array_get(problems, i);
		fputs("  ", stdout);
		escape_print(stdout, json_get_text(p, "path"));
		fputs(": ", stdout);
		escape_print(stdout, json_get_text(p, "what"));
		putchar('\n');
	}
	if (all > listed)
		printf("  and %" PRIu64 " more, which were not kept\n", all - listed);
}

static void
print_proof(const json_t *proof)
{
	char text[PROOF_TEXT];
	proof_view_short(text, proof, clock_wall_ns());
	line("restored", "%s", proof != NULL ? text : "never tried ('stacksnap drill' does)");
}

static enum err_code
print_reasons(const json_t *reasons, const char *label, struct err *err)
{
	if (json_array_size(reasons) > 0)
		printf("%s\n", label);
	for (size_t i = 0; i < json_array_size(reasons); i++) {
		AUTO(str) char *text = NULL;
		if (quarantine_text(&text, json_array_get(reasons, i), err))
			return err->code;
		line("", "%s", text);
	}
	return ERR_OK;
}

static enum err_code
print(const char *hex, const json_t *d, const json_t *proof, struct err *err)
{
	const json_t *stack = json_object_get(d, "stack");
	printf("snapshot %s\n", hex);
	if (print_reasons(json_object_get(d, "quarantine"), "quarantined", err) ||
	    print_reasons(json_object_get(json_object_get(d, "accepted"), "quarantine"),
		"accepted by hand", err))
		return err->code;
	if (print_source(d, err))
		return err->code;
	print_origin(d);
	print_class(d);
	if (print_totals(d, err))
		return err->code;
	if (json_is_object(stack))
		print_proof(proof);
	if (print_members(d, err))
		return err->code;
	print_left_out(d);
	if (print_databases(d, err) || print_sqlite(d, err))
		return err->code;
	if (json_is_object(stack)) {
		if (print_images(stack, err))
			return err->code;
		print_gaps(stack);
	}
	print_problems(d);
	return ERR_OK;
}

/* What the document says can be shown also where the listings are damaged. */
static bool
may_go_on(const struct err *why)
{
	return why->code == ERR_CORRUPT || why->code == ERR_NOT_FOUND || why->code == ERR_IO;
}

static enum err_code
print_tables(struct engine *e, const struct snapshot *s, struct err *err)
{
	struct err why;
	if (tables_print(e, s, &why) == ERR_OK)
		return ERR_OK;
	if (!may_go_on(&why)) {
		*err = why;
		return err->code;
	}
	fputs("the tables of its databases cannot be listed: ", stdout);
	escape_print(stdout, why.msg);
	putchar('\n');
	return ERR_OK;
}

static enum err_code
write_tables(struct json_writer *w, struct engine *e, const struct snapshot *s, struct err *err)
{
	AUTO(json) json_t *databases = NULL;
	struct err why = ERR_INIT;
	if (tables_json(&databases, e, s, NULL, &why) != ERR_OK && !may_go_on(&why)) {
		*err = why;
		return err->code;
	}
	if (databases != NULL)
		json_value(w, "databases", databases);
	else
		json_nil(w, "databases");
	if (databases == NULL)
		json_str(w, "databases_problem", why.msg);
	return ERR_OK;
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(snapshot) struct snapshot s = { .document = NULL, .root = TREE_ENTRY_INIT };
	AUTO(proofs) struct proofs *proofs = NULL;
	struct id id;
	char hex[ID_HEX_SIZE];
	if (cli_open_lenient(c, &p, err) || cli_snapshot(c, p.repo, &id, err) ||
	    snapshot_open(&s, p.repo, &id, err) || proofs_load(&proofs, p.repo, err))
		return err->code;
	id_hex(hex, &id);
	struct engine e = cli_engine(c, p.repo);
	const json_t *proof = proofs_of(proofs, &id);
	if (!c->args.json)
		return print(hex, s.document, proof, err) ? err->code
							  : print_tables(&e, &s, err);
	AUTO(bufv) struct buf out = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &out, *code);
	json_str(&w, "id", hex);
	json_value(&w, "snapshot", s.document);
	proof_view_brief(&w, "proof", proof);
	if (write_tables(&w, &e, &s, err))
		return err->code;
	return cli_result_end(&w, err);
}

static const struct example examples[] = {
	{ "stacksnap -r /backup show latest", "the certificate of the last snapshot" },
	{ "stacksnap -r /backup --json show 3f2a91c0 | jq .snapshot", "its whole document" },
};

const struct command command_show = {
	.name = "show",
	.summary = "show a snapshot's certificate",
	.operands = "[SNAPSHOT]",
	.about =
	    "Shows what a snapshot holds: its members, the moment and database position at "
	    "which\n"
	    "each was fixed, how far these moments are apart, how long services were quiet, "
	    "the\n"
	    "images by digest, and each dump with its SHA-256; and what is missing from it.  "
	    "Of\n"
	    "each database the tables follow, with their rows and roots: tables with equal\n"
	    "roots hold the same.\n"
	    "SNAPSHOT is \"latest\", which it also is when none is given, \"latest:shop\" (of\n"
	    "that stack, folder or database), or the first digits of an id.",
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.max_operands = 1,
	.word = WORD_SNAPSHOT,
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

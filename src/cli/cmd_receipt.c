/*
 * receipt: one page that says what a snapshot holds, whether all of it is
 * there, and whether anybody has tried to restore it.
 */
#include "cli/cli.h"
#include "engine/receipt.h"
#include "sys/clock.h"
#include "ui/escape.h"
#include "ui/format.h"
#include "ui/proof_view.h"
#include "ui/snapshot_view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static enum err_code
count_one(void *arg, const json_t *document, struct err *err)
{
	uint64_t *n = arg;
	(void)document;
	(void)err;
	++*n;
	return ERR_OK;
}

/* --- as a page --- */

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

static void
print_source(const json_t *source)
{
	const char *name = json_get_str(source, "name");
	const json_t *paths = json_object_get(source, "paths");
	if (name != NULL) {
		line("of", "%s %s", json_get_text(source, "kind"), name);
		return;
	}
	for (size_t i = 0; i < json_array_size(paths); i++) {
		const char *path = json_string_value(json_array_get(paths, i));
		line(i == 0 ? "of" : "", "%s", path != NULL ? path : "?");
	}
}

static void
print_taken(const json_t *d)
{
	char when[CLOCK_TEXT_SIZE], skew[FORMAT_MAX], quiet[FORMAT_MAX];
	const json_t *window = json_object_get(d, "quiet");
	clock_format(when, json_get_int(d, "time_ns", 0));
	format_duration(skew, json_get_int(d, "skew_ns", 0));
	print_source(json_object_get(d, "source"));
	line("taken", "%s on %s by %s", when, json_get_text(d, "host"),
	    json_get_text(d, "program"));
	line("outcome", "%s, %s; skew between members %s", json_get_text(d, "outcome"),
	    json_get_text(d, "class"), skew);
	if (json_array_size(json_object_get(window, "services")) > 0) {
		format_duration(quiet,
		    json_get_int(window, "to_ns", 0) - json_get_int(window, "from_ns", 0));
		line("downtime", "%s (%s)", quiet, json_get_text(d, "quiesce"));
	} else {
		line("downtime", "none");
	}
	if (json_get_u64(d, "problem_count") > 0)
		line("problems", "%" PRIu64 " were met: 'stacksnap show' names them",
		    json_get_u64(d, "problem_count"));
}

/* A dump is in a snapshot only when it has passed its gates. */
static void
print_members(const json_t *d)
{
	size_t i, k;
	const json_t *m;
	const json_t *s;
	puts("holds");
	json_array_foreach(json_object_get(d, "members"), i, m)
	{
		char files[FORMAT_MAX], bytes[FORMAT_MAX];
		format_count(files, json_get_u64(m, "files"));
		format_size(bytes, json_get_u64(m, "bytes"));
		if (json_get_str(m, "engine") == NULL) {
			line(json_get_text(m, "kind"), "%s: %s files, %s",
			    json_get_text(m, "name"), files, bytes);
			continue;
		}
		line("database", "%s (%s %s): %s, dumped to its end mark",
		    json_get_text(m, "name"), json_get_text(m, "engine"),
		    json_get_text(m, "server_version"), bytes);
		json_array_foreach(json_object_get(m, "streams"), k, s)
		{
			line("", "sha256 %s %s", json_get_text(s, "sha256"),
			    json_get_text(s, "name"));
		}
	}
	const json_t *stack = json_object_get(d, "stack");
	json_array_foreach(json_object_get(stack, "services"), i, s)
	{
		const char *digest =
		    json_string_value(json_array_get(json_object_get(s, "digests"), 0));
		line("image", "%s: %s", json_get_text(s, "service"),
		    digest != NULL ? digest : json_get_text(s, "image_id"));
	}
	json_array_foreach(json_object_get(stack, "gaps"), i, m)
	{
		if (json_get_bool(m, "matters"))
			line("NOT held", "%s: %s", json_get_text(m, "what"),
			    json_get_text(m, "why"));
	}
}

static void
print_verified(const struct receipt *r)
{
	const struct verify_result *v = &r->verified;
	char packs[FORMAT_MAX], bytes[FORMAT_MAX], chunks[FORMAT_MAX];
	format_count(packs, v->packs);
	format_size(bytes, v->bytes);
	format_count(chunks, v->chunks);
	puts("stored");
	if (v->problems > 0)
		line("DAMAGED", "%" PRIu64 " problems were found just now: 'stacksnap verify'",
		    v->problems);
	else if (r->read_data)
		line("verified",
		    "just now: all %s packs (%s) that it needs, each of their %s chunks read "
		    "and compared",
		    packs, bytes, chunks);
	else
		line("verified", "just now: all %s packs (%s) that it needs are there", packs,
		    bytes);
}

static void
print_proof(const struct receipt *r, uint64_t drills)
{
	char text[PROOF_TEXT], when[CLOCK_TEXT_SIZE];
	puts("restored");
	if (r->proof == NULL) {
		bool is_stack = json_object_get(r->document, "stack") != NULL;
		/* A drill is of a stack. */
		line("NEVER",
		    is_stack ? "nobody has tried to restore this snapshot: 'stacksnap drill "
			       "%.8s' does"
			     : "nobody has tried to restore this snapshot: 'stacksnap restore "
			       "%.8s --to DIR --verify' does",
		    r->hex);
		return;
	}
	proof_view_short(text, r->proof, r->now_ns);
	clock_format(when, json_get_int(r->proof, "time_ns", 0));
	line("verdict", "%s", text);
	line("tried", "%s on %s by %s", when, json_get_text(r->proof, "host"),
	    json_get_text(r->proof, "program"));
	proof_view_print(stdout, r->proof);
	if (drills > 1)
		line("drills", "%" PRIu64 " of this snapshot are recorded", drills);
}

static void
print(const struct receipt *r, uint64_t drills)
{
	char when[CLOCK_TEXT_SIZE];
	clock_format(when, r->now_ns);
	printf("receipt of snapshot %s\n", r->hex);
	line("in", "repository %s", r->repository);
	line("printed", "%s", when);
	print_taken(r->document);
	print_members(r->document);
	print_verified(r);
	print_proof(r, drills);
}

/* --- as JSON --- */

static enum err_code
print_json(struct cli *c, const struct receipt *r, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &text, code);
	return snapshot_view_receipt(&w, r, err) ? err->code : cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(receipt) struct receipt r = { .document = NULL };
	struct id id;
	uint64_t drills = 0;
	if (cli_open_lenient(c, &p, err) || cli_snapshot(c, p.repo, &id, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (receipt_make(&r, &e, &id, c->args.read_data, err) ||
	    proofs_each(r.proofs, &id, count_one, &drills, err))
		return err->code;
	if (r.verified.problems > 0)
		*code = EXIT_DAMAGED;
	if (c->args.json)
		return print_json(c, &r, *code, err);
	print(&r, drills);
	return ERR_OK;
}

static const struct option_def options[] = {
	{ "read-data", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "read and decode all that the snapshot needs", offsetof(struct args, read_data) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup receipt latest", "one page on the last snapshot" },
	{ "stacksnap -r /backup receipt 3f2a91c0 --read-data > shop.txt",
	    "with every stored byte checked" },
	{ "stacksnap -r /backup --json receipt latest | jq .proof",
	    "what the last drill found" },
};

const struct command command_receipt = {
	.name = "receipt",
	.summary = "print what a snapshot holds, and how well that is proved",
	.operands = "[SNAPSHOT]",
	.about =
	    "One page, to keep or to hand over: what was captured, when, at which instant and "
	    "with\n"
	    "which downtime; each member with its size, each dump with its SHA-256, each image "
	    "by\n"
	    "its digest; that everything it needs is stored, which is looked up while the "
	    "page is\n"
	    "made; and what the last drill of it found.  A snapshot that nobody has drilled "
	    "says so.\n"
	    "The exit status is 13 when stored data is missing or damaged.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.max_operands = 1,
	.word = WORD_SNAPSHOT,
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

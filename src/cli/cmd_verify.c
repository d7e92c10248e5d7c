/*
 * verify: is everything that the snapshots need stored, and is it sound?
 */
#include "cli/cli.h"
#include "engine/verify.h"
#include "ui/format.h"

static void
print(const struct verify_result *r, bool read_data)
{
	char snapshots[FORMAT_MAX], packs[FORMAT_MAX], bytes[FORMAT_MAX], chunks[FORMAT_MAX];
	char problems[FORMAT_MAX], hurt[FORMAT_MAX], files[FORMAT_MAX], took[FORMAT_MAX];
	format_count(snapshots, r->snapshots);
	format_count(packs, r->packs);
	format_size(bytes, r->bytes);
	format_count(chunks, r->chunks);
	format_count(problems, r->problems);
	format_count(hurt, r->snapshots_hurt);
	format_count(files, r->files_hurt);
	format_duration(took, r->took_ns);
	printf("%s snapshot%s, %s packs with %s", snapshots, r->snapshots == 1 ? "" : "s",
	    packs, bytes);
	if (read_data)
		printf("; %s chunks read, decoded and compared", chunks);
	printf("; took %s\n", took);
	if (r->unused_packs > 0) {
		char unused[FORMAT_MAX];
		format_count(unused, r->unused_packs);
		printf("%s packs belong to no snapshot\n", unused);
	}
	if (r->problems == 0)
		puts(read_data
			 ? "no damage found"
			 : "no damage found; --read-data also reads the stored data itself");
	else
		printf("DAMAGED: %s problems hurt %s snapshots and %s files\n", problems, hurt,
		    files);
}

static enum err_code
print_json(struct cli *c, const struct verify_result *r, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_flag(&w, "read_data", c->args.read_data);
	json_u64(&w, "problems", r->problems);
	json_u64(&w, "snapshots", r->snapshots);
	json_u64(&w, "snapshots_hurt", r->snapshots_hurt);
	json_u64(&w, "files_hurt", r->files_hurt);
	json_u64(&w, "packs", r->packs);
	json_u64(&w, "unused_packs", r->unused_packs);
	json_u64(&w, "chunks", r->chunks);
	json_u64(&w, "bytes", r->bytes);
	json_i64(&w, "took_ns", r->took_ns);
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	struct verify_options opt = { .read_data = c->args.read_data };
	struct verify_result r;
	if (cli_open(c, &p, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (verify_repo(&e, &opt, &r, err))
		return err->code;
	if (r.problems > 0)
		*code = EXIT_DAMAGED;
	if (c->args.json)
		return print_json(c, &r, *code, err);
	print(&r, c->args.read_data);
	return ERR_OK;
}

static const struct option_def options[] = {
	{ "read-data", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "read and decode everything that is stored", offsetof(struct args, read_data) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup verify", "is everything there that the snapshots name?" },
	{ "stacksnap -r /backup verify --read-data", "is every byte of it what was written?" },
};

const struct command command_verify = {
	.name = "verify",
	.summary = "check the repository",
	.operands = "",
	.about = "Reads every snapshot and its tree, and looks up each piece of data that they "
		 "need.\n"
		 "With --read-data every stored byte is read, decoded and compared, too: one "
		 "flipped\n"
		 "bit anywhere is found.  Damage is told with the snapshots and files that it "
		 "hurts;\n"
		 "the exit status is then 13.  Nothing is changed.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

/*
 * verify: is everything that the snapshots need stored, and is it sound?
 */
#include "cli/cli.h"
#include "engine/verify.h"
#include "ui/format.h"

/* What was read of what there is, and what that leaves unknown. */
static void
print_reading(const struct cli *c, const struct verify_result *r)
{
	char packs[FORMAT_MAX], read[FORMAT_MAX], bytes[FORMAT_MAX];
	if (!c->args.read_data) {
		puts("no damage found; --read-data also reads the stored data itself");
		return;
	}
	if (r->packs_read == r->packs) {
		puts("no damage found");
		return;
	}
	counted(packs, r->packs, "pack");
	format_count(read, r->packs_read);
	format_size(bytes, r->bytes_read);
	printf("no damage found in what was read: %s of %s, %s, %.1f %% of the bytes; the "
	       "others were only looked for\n",
	    read, packs, bytes,
	    r->bytes > 0 ? 100.0 * (double)r->bytes_read / (double)r->bytes : 100.0);
}

static void
print(const struct cli *c, const struct verify_result *r)
{
	char snapshots[FORMAT_MAX], packs[FORMAT_MAX], bytes[FORMAT_MAX], chunks[FORMAT_MAX];
	char problems[FORMAT_MAX], hurt[FORMAT_MAX], files[FORMAT_MAX], took[FORMAT_MAX];
	counted(snapshots, r->snapshots, "snapshot");
	counted(packs, r->packs, "pack");
	format_size(bytes, r->bytes);
	counted(chunks, r->chunks, "chunk");
	counted(problems, r->problems, "problem");
	counted(hurt, r->snapshots_hurt, "snapshot");
	counted(files, r->files_hurt, "file");
	format_duration(took, r->took_ns);
	printf("%s, %s with %s", snapshots, packs, bytes);
	if (c->args.read_data)
		printf("; %s read, decoded and compared", chunks);
	printf("; took %s\n", took);
	if (r->unused_packs > 0) {
		char unused[COUNTED_MAX];
		printf("%s belong%s to no snapshot\n", counted(unused, r->unused_packs, "pack"),
		    r->unused_packs == 1 ? "s" : "");
	}
	if (r->problems == 0)
		print_reading(c, r);
	else
		printf("DAMAGED: %s; %s and %s are hurt\n", problems, hurt, files);
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
	json_u64(&w, "packs_read", r->packs_read);
	json_u64(&w, "bytes_read", r->bytes_read);
	json_i64(&w, "took_ns", r->took_ns);
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	struct verify_options opt = { .names = &c->args.operands };
	struct verify_result r;
	if (c->args.read_data_subset != NULL &&
	    verify_subset_parse(&opt.subset, c->args.read_data_subset, err))
		return err_wrap(err, "--read-data-subset");
	c->args.read_data = c->args.read_data || c->args.read_data_subset != NULL;
	opt.read_data = c->args.read_data;
	if (cli_open_lenient(c, &p, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (verify_repo(&e, &opt, &r, err))
		return err->code;
	if (r.problems > 0)
		*code = EXIT_DAMAGED;
	if (c->args.json)
		return print_json(c, &r, *code, err);
	print(c, &r);
	if (r.problems > 0) {
		fflush(stdout);
		cli_tell_hint("what is named above cannot be restored whole, all else can; "
			      "'stacksnap repair index' makes the index fit the packs that are "
			      "there, and the next backup stores again what is missing");
	}
	return ERR_OK;
}

static const struct option_def options[] = {
	{ "read-data", 0, OPTION_SWITCH, WORD_ANY, NULL, NULL,
	    "read and decode everything that is stored", offsetof(struct args, read_data) },
	{ "read-data-subset", 0, OPTION_VALUE, WORD_ANY, "N%|K/N|SIZE", NULL,
	    "read and decode only so much of it", offsetof(struct args, read_data_subset) },
};

static const struct example examples[] = {
	{ "stacksnap -r /backup verify", "is everything there that the snapshots name?" },
	{ "stacksnap -r /backup verify --read-data", "is every byte of it what was written?" },
	{ "stacksnap -r /backup verify --read-data latest", "every byte of the last snapshot" },
	{ "stacksnap -r /backup verify --read-data-subset 3/7",
	    "the third seventh, say on Wednesdays" },
};

const struct command command_verify = {
	.name = "verify",
	.summary = "check the repository",
	.operands = "[SNAPSHOT...]",
	.about =
	    "Reads every snapshot and its tree, and looks up each piece of data that they "
	    "need.\n"
	    "With --read-data every stored byte is read, decoded and compared, too: one "
	    "flipped\n"
	    "bit anywhere is found.  Damage is told with the snapshots and files that it "
	    "hurts;\n"
	    "the exit status is then 13.  Nothing is changed.\n"
	    "\n"
	    "--read-data-subset reads less: 5% (packs in a row, from a random one on), 500M "
	    "(the\n"
	    "same by size), or 1/7 (the first of seven equal parts: after all seven, all was "
	    "read).\n"
	    "With SNAPSHOTs, only these and the packs that they need are looked at.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.max_operands = SIZE_MAX,
	.word = WORD_SNAPSHOT,
	.needs_repository = true,
	.has_json = true,
	.run = run,
};

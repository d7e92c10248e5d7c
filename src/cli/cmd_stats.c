/*
 * stats: what takes space in the repository, and what would give it back.
 */
#include "cli/filter_args.h"
#include "engine/stats.h"
#include "ui/format.h"
#include "ui/table.h"

#define SOURCES_SHOWN 10

/* "2.4 times less" than before; nothing when it is not less. */
static const char *
times_less(char out[FORMAT_MAX], uint64_t before, uint64_t after)
{
	double times = after > 0 ? (double)before / (double)after : 0;
	*out = '\0';
	if (times >= 1.05)
		snprintf(out, FORMAT_MAX, ", %.1f times less", times);
	return out;
}

static void
print_use(const struct stats *s)
{
	char snapshots[FORMAT_MAX], files[FORMAT_MAX], bytes[FORMAT_MAX], used[FORMAT_MAX],
	    stored[FORMAT_MAX], first[FORMAT_MAX], second[FORMAT_MAX];
	counted(snapshots, s->snapshots, "snapshot");
	counted(files, s->files, "file");
	format_size(bytes, s->bytes);
	format_size(used, s->used.bytes);
	format_size(stored, s->used.stored);
	printf("%s hold%s %s with %s\n", snapshots, s->snapshots == 1 ? "s" : "", files, bytes);
	printf("  what is equal stored once: %s%s\n", used,
	    times_less(first, s->bytes, s->used.bytes));
	printf("  compressed and encrypted: %s%s\n", stored,
	    times_less(second, s->used.bytes, s->used.stored));
}

static void
print_own(const struct stats *s)
{
	char bytes[FORMAT_MAX], stored[FORMAT_MAX];
	format_size(bytes, s->own.bytes);
	format_size(stored, s->own.stored);
	printf("needed by no other snapshot: %s, stored as %s: forgetting %s and pruning would "
	       "free about that\n",
	    bytes, stored, s->snapshots == 1 ? "it" : "them");
}

static void
print_repository(const struct stats *s)
{
	char packs[FORMAT_MAX], pack_bytes[FORMAT_MAX], indexes[FORMAT_MAX],
	    index_bytes[FORMAT_MAX], unused[FORMAT_MAX], snapshots[FORMAT_MAX];
	counted(packs, s->packs, "pack");
	format_size(pack_bytes, s->pack_bytes);
	counted(indexes, s->indexes, "index object");
	format_size(index_bytes, s->index_bytes);
	format_size(unused, s->unused_bytes);
	counted(snapshots, s->all_snapshots, "snapshot");
	printf("repository: %s, %s with %s, %s with %s\n", snapshots, packs, pack_bytes,
	    indexes, index_bytes);
	if (s->unused_bytes > 0)
		printf("unused: %s, %.1f %% of the packs' bytes, which a prune could free\n",
		    unused,
		    s->pack_bytes > 0 ? 100.0 * (double)s->unused_bytes / (double)s->pack_bytes
				      : 0.0);
}

static enum err_code
print_sources(const struct stats *s, struct err *err)
{
	static const struct table_column columns[] = { { "SOURCE", TABLE_LEFT },
		{ "SNAPSHOTS", TABLE_RIGHT }, { "FILES", TABLE_RIGHT }, { "SIZE", TABLE_RIGHT },
		{ "STORED", TABLE_RIGHT } };
	AUTO(table) struct table t;
	table_init(&t, columns, ARRAY_LEN(columns));
	size_t shown = min_size(s->n_sources, SOURCES_SHOWN);
	for (size_t i = 0; i < shown; i++) {
		char text[FORMAT_MAX];
		const struct stats_source *one = &s->sources[i];
		table_cell(&t, one->text);
		format_count(text, one->snapshots);
		table_cell(&t, text);
		format_count(text, one->files);
		table_cell(&t, text);
		format_size(text, one->bytes);
		table_cell(&t, text);
		format_size(text, one->stored_bytes);
		table_cell(&t, text);
	}
	if (shown == 0)
		return ERR_OK;
	puts("");
	if (table_print(&t, stdout, 0, err))
		return err->code;
	if (shown < s->n_sources)
		printf("and %zu smaller ones\n", s->n_sources - shown);
	return ERR_OK;
}

static enum err_code
print(const struct stats *s, struct err *err)
{
	print_use(s);
	if (s->is_chosen)
		print_own(s);
	print_repository(s);
	return print_sources(s, err);
}

static void
write_use(struct json_writer *w, const char *key, const struct stats_use *u)
{
	json_obj(w, key);
	json_u64(w, "chunks", u->chunks);
	json_u64(w, "bytes", u->bytes);
	json_u64(w, "stored_bytes", u->stored);
	json_obj_end(w);
}

static enum err_code
print_json(struct cli *c, const struct stats *s, enum exit_code code, struct err *err)
{
	AUTO(bufv) struct buf line = BUF_INIT;
	struct json_writer w;
	cli_result_begin(c, &w, &line, code);
	json_u64(&w, "snapshots", s->snapshots);
	json_u64(&w, "files", s->files);
	json_u64(&w, "bytes", s->bytes);
	write_use(&w, "used", &s->used);
	if (s->is_chosen)
		write_use(&w, "own", &s->own);
	json_u64(&w, "all_snapshots", s->all_snapshots);
	json_u64(&w, "packs", s->packs);
	json_u64(&w, "pack_bytes", s->pack_bytes);
	json_u64(&w, "indexes", s->indexes);
	json_u64(&w, "index_bytes", s->index_bytes);
	json_u64(&w, "unused_bytes", s->unused_bytes);
	json_u64(&w, "snapshots_hurt", s->hurt);
	json_arr(&w, "sources");
	for (size_t i = 0; i < s->n_sources; i++) {
		const struct stats_source *one = &s->sources[i];
		json_obj(&w, NULL);
		json_str(&w, "source", one->text);
		json_u64(&w, "snapshots", one->snapshots);
		json_u64(&w, "files", one->files);
		json_u64(&w, "bytes", one->bytes);
		json_u64(&w, "stored_bytes", one->stored_bytes);
		json_obj_end(&w);
	}
	json_arr_end(&w);
	return cli_result_end(&w, err);
}

static enum err_code
run(struct cli *c, enum exit_code *code, struct err *err)
{
	AUTO(place) struct place p = PLACE_INIT;
	AUTO(snapshot_filter) struct snapshot_filter f = SNAPSHOT_FILTER_INIT;
	AUTO(stats) struct stats s = { 0 };
	char hurt[COUNTED_MAX];
	if (cli_filter(c, &f, err) || cli_open_lenient(c, &p, err))
		return err->code;
	struct engine e = cli_engine(c, p.repo);
	if (stats_make(&e, &f, &s, err))
		return err->code;
	if (s.hurt > 0) {
		event_warning(c->events, NULL,
		    "%s %s damaged, so these numbers are too small: 'stacksnap verify' tells "
		    "more",
		    counted(hurt, s.hurt, "snapshot"), s.hurt == 1 ? "is" : "are");
		*code = EXIT_DAMAGED;
	}
	return c->args.json ? print_json(c, &s, *code, err) : print(&s, err);
}

static const struct option_def options[] = { FILTER_OPTIONS };

static const struct example examples[] = {
	{ "stacksnap -r /backup stats", "the whole repository" },
	{ "stacksnap -r /backup stats 3f02ab7c",
	    "how much is stored for this snapshot alone?" },
	{ "stacksnap -r /backup stats --stack shop --until 3m",
	    "what would it free to forget what is older than three months?" },
};

const struct command command_stats = {
	.name = "stats",
	.summary = "tell what takes space in the repository",
	.operands = "[SNAPSHOT...]",
	.about =
	    "Counts what the snapshots hold as they would be restored, what is left when equal "
	    "data\n"
	    "is stored once, and what that takes compressed and encrypted; then packs, indexes "
	    "and\n"
	    "what a prune could free.  Of SNAPSHOTs, or those that the options choose, it also "
	    "tells\n"
	    "what no other snapshot needs.  SIZE is that of a source's last snapshot, STORED "
	    "what "
	    "all\n"
	    "of its snapshots added when they were made.",
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

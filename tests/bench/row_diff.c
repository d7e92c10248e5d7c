/*
 * row_diff.c: how long it takes to compare two stored versions of a table.
 *
 *	row-diff make DIR ROWS		a repository in DIR with a table of so many rows
 *	row-diff change DIR ROWS CHANGES	a version of it with so many scattered changes
 *	row-diff diff DIR CHANGES RUNS	compare both, each run with nothing in memory
 *	row-diff rows ROWS CHANGES	the version's rows as COPY has them, on standard output
 *	row-diff live DIR ROWS CHANGES	a version as it streams by, counted off against the
 *stored table
 *
 * Of ten changes one is a removed row, one an added one, eight are changed amounts.  diff
 * prints a line of JSON for each run, and fails when the counts are not those of the changes.
 */
#include "base/strv.h"
#include "db/row_match.h"
#include "repo/content_delta.h"
#include "repo/row_tally.h"
#include "repo/stream.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#define PIECE ((size_t)256 << 10)
/* What a pipe gives at once. */
#define PORTION ((size_t)64 << 10)
#define ROW_MAX 256

static uint64_t
mix(uint64_t v)
{
	v += UINT64_C(0x9E3779B97F4A7C15);
	v = (v ^ v >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	v = (v ^ v >> 27) * UINT64_C(0x94D049BB133111EB);
	return v ^ v >> 31;
}

enum change { CHANGE_NONE, CHANGE_REMOVE, CHANGE_ADD, CHANGE_UPDATE };

struct plan {
	uint64_t rows;
	uint64_t changes;
	uint64_t *places; /* rows that change, ascending */
};

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Each in a stretch of its own, so that no row comes twice. */
static enum err_code
plan_make(struct plan *p, uint64_t rows, uint64_t changes, struct err *err)
{
	*p = (struct plan){ .rows = rows, .changes = changes };
	p->places = calloc(changes + 1, sizeof *p->places);
	if (p->places == NULL)
		return err_nomem(err);
	uint64_t stretch = changes > 0 ? rows / changes : 1;
	if (stretch == 0)
		return err_set(err, ERR_USAGE, "more changes than rows");
	for (uint64_t i = 0; i < changes; i++)
		p->places[i] = i * stretch + mix(i ^ changes) % stretch;
	qsort(p->places, changes, sizeof *p->places, by_number);
	p->places[changes] = UINT64_MAX;
	return ERR_OK;
}

static void
plan_auto(struct plan *p)
{
	free(p->places);
}

static enum change
kind_of(uint64_t number)
{
	return number % 10 == 3 ? CHANGE_REMOVE : number % 10 == 7 ? CHANGE_ADD : CHANGE_UPDATE;
}

static size_t
write_row(char *out, uint64_t id, bool is_updated)
{
	static const char *const first[] = { "Ada", "Grace", "Edsger", "Barbara", "Donald",
		"Frances", "Niklaus", "Radia", "Ken", "Margaret", "Dennis", "Karen", "Alan",
		"Mary", "Tony", "Jean" };
	static const char *const last[] = { "Lovelace", "Hopper", "Dijkstra", "Liskov", "Knuth",
		"Allen", "Wirth", "Perlman", "Thompson", "Hamilton", "Ritchie", "Jones",
		"Turing", "Keller", "Hoare", "Bartik" };
	uint64_t h = mix(id);
	const char *f = first[h % 16];
	const char *l = last[h / 16 % 16];
	return (size_t)snprintf(out, ROW_MAX,
	    "%" PRIu64 "\t%s %s\t%c.%s%" PRIu64 "@example.org\t%" PRIu64
	    ".%02u\t2026-%02u-%02u %02u:%02u:%02u\n",
	    id, f, l, *f | 32, l, h >> 8 & 0xfff, (h >> 20) % 10000 + is_updated,
	    (unsigned)(h >> 34) % 100, (unsigned)(h >> 41) % 12 + 1,
	    (unsigned)(h >> 45) % 28 + 1, (unsigned)(h >> 50) % 24, (unsigned)(h >> 54) % 60,
	    (unsigned)(h >> 59));
}

typedef enum err_code piece_fn(void *arg, const char *rows, size_t len, const uint32_t *ends,
    size_t count, struct err *err);

struct pieces {
	size_t size;
	char *data;
	size_t len;
	uint32_t *ends;
	size_t count;
	piece_fn *fn;
	void *arg;
};

static enum err_code
flush(struct pieces *p, struct err *err)
{
	if (p->fn(p->arg, p->data, p->len, p->ends, p->count, err))
		return err->code;
	p->len = 0;
	p->count = 0;
	return ERR_OK;
}

static enum err_code
put_row(struct pieces *p, uint64_t id, bool is_updated, struct err *err)
{
	p->len += write_row(p->data + p->len, id, is_updated);
	p->ends[p->count++] = (uint32_t)p->len;
	return p->len + ROW_MAX > p->size ? flush(p, err) : ERR_OK;
}

static enum err_code
put_rows(struct pieces *p, const struct plan *plan, struct err *err)
{
	uint64_t next = 0;
	for (uint64_t i = 0; i < plan->rows; i++) {
		bool changes = plan->places[next] == i;
		enum change kind = changes ? kind_of(next) : CHANGE_NONE;
		next += changes;
		if (kind != CHANGE_REMOVE && put_row(p, i, kind == CHANGE_UPDATE, err))
			return err->code;
		if (kind == CHANGE_ADD && put_row(p, plan->rows + i, false, err))
			return err->code;
	}
	return flush(p, err);
}

static enum err_code
each_piece(const struct plan *plan, size_t size, piece_fn *fn, void *arg, struct err *err)
{
	struct pieces p = { .size = size,
		.data = malloc(PIECE),
		.ends = calloc(PIECE / 16, sizeof(uint32_t)),
		.fn = fn,
		.arg = arg };
	enum err_code rc =
	    p.data == NULL || p.ends == NULL ? err_nomem(err) : put_rows(&p, plan, err);
	free(p.data);
	free(p.ends);
	return rc;
}

/* --- the repository --- */

struct place {
	char *dir;
	struct store *store;
	struct secret *key;
	struct repo *repo;
};

static void
place_auto(struct place *p)
{
	repo_close(p->repo);
	store_close(p->store);
	secret_free(p->key);
	free(p->dir);
}

static enum err_code
place_open(struct place *p, const char *dir, bool is_new, struct err *err)
{
	AUTO(str) char *repo = NULL;
	AUTO(str) char *cache = NULL;
	struct repo_create_options opt = REPO_CREATE_OPTIONS_INIT;
	*p = (struct place){ .dir = NULL };
	if (str_dup(&p->dir, dir, err) || str_printf(&repo, err, "%s/repo", dir) ||
	    str_printf(&cache, err, "%s/cache", dir) || fs_mkdirs(repo, 0700, err) ||
	    fs_mkdirs(cache, 0700, err) ||
	    store_open_local(&p->store, repo, STORE_CREATE, err) ||
	    secret_copy(&p->key, "0123456789abcdef0123456789abcdef", 32, err))
		return err->code;
	struct repo_key key = { .key_file = p->key };
	if (is_new && repo_create(p->store, &key, &opt, err))
		return err->code;
	return repo_open(&p->repo, p->store, &key, cache, err);
}

static enum err_code
content_path(char **out, const char *dir, const char *changes, struct err *err)
{
	return str_printf(out, err, "%s/content-%s", dir, changes);
}

static enum err_code
load_content(struct content *out, const char *dir, const char *changes, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf raw = BUF_INIT;
	struct rd r;
	if (content_path(&path, dir, changes, err) || fs_read_file(path, 1 << 20, &raw, err))
		return err->code;
	rd_init(&r, raw.data, raw.len);
	return content_decode(out, &r, err);
}

static enum err_code
store_piece(void *arg, const char *rows, size_t len, const uint32_t *ends, size_t count,
    struct err *err)
{
	return stream_rows(arg, rows, len, ends, count, err);
}

static enum err_code
store_table(struct content *out, struct writer *w, const struct plan *plan, struct err *err)
{
	static const char head[] =
	    "COPY public.orders (id, name, email, amount, time) FROM stdin;\n";
	AUTO(intake) struct intake *in = NULL;
	struct stream *s;
	if (intake_new(&in, w, err) || stream_open_rows(&s, in, err))
		return err->code;
	if (stream_write(s, head, sizeof head - 1, err) || stream_border(s, err) ||
	    each_piece(plan, PIECE, store_piece, s, err) || stream_border(s, err) ||
	    stream_write(s, "\\.\n", 3, err)) {
		stream_abort(s);
		return err->code;
	}
	return stream_close(s, out, err) ? err->code : writer_flush(w, err);
}

static enum err_code
store_version(const char *dir, const char *rows, const char *changes, struct err *err)
{
	AUTO(plan) struct plan plan = { .rows = 0 };
	AUTO(place) struct place p = { .dir = NULL };
	AUTO(writer) struct writer *w = NULL;
	AUTO(content) struct content c = CONTENT_INIT;
	AUTO(bufv) struct buf raw = BUF_INIT;
	AUTO(str) char *path = NULL;
	struct writer_options opt = WRITER_OPTIONS_INIT;
	uint64_t n = strtoull(changes, NULL, 10);
	if (plan_make(&plan, strtoull(rows, NULL, 10), n, err) ||
	    place_open(&p, dir, n == 0, err) || writer_open(&w, p.repo, &opt, err) ||
	    store_table(&c, w, &plan, err) || content_encode(&c, &raw, err) ||
	    content_path(&path, dir, changes, err))
		return err->code;
	printf("%" PRIu64 " bytes, %" PRIu64 " rows, level %u\n", c.size, content_rows(&c),
	    c.level);
	return fs_write_file(path, 0600, raw.data, raw.len, err);
}

static enum err_code
print_piece(void *arg, const char *rows, size_t len, const uint32_t *ends, size_t count,
    struct err *err)
{
	(void)ends;
	(void)count;
	return fwrite(rows, 1, len, arg) == len ? ERR_OK : err_sys(err, "write");
}

static enum err_code
print_rows(const char *rows, const char *changes, struct err *err)
{
	AUTO(plan) struct plan plan = { .rows = 0 };
	if (plan_make(&plan, strtoull(rows, NULL, 10), strtoull(changes, NULL, 10), err))
		return err->code;
	return each_piece(&plan, PIECE, print_piece, stdout, err);
}

/* --- the comparison --- */

static enum err_code
match_run(void *arg, const struct content_run_bytes *run, struct err *err)
{
	return row_match_add_pair(
	    arg, run->data[0], run->len[0], run->data[1], run->len[1], err);
}

static enum err_code
count_change(void *arg, enum row_change change, const struct row *before,
    const struct row *after, struct err *err)
{
	(void)change;
	(void)err;
	uint64_t *bytes = arg;
	*bytes += (before != NULL ? before->len : 0) + (after != NULL ? after->len : 0);
	return ERR_OK;
}

struct figures {
	int64_t open_ns;
	int64_t lists_ns;
	int64_t total_ns;
	struct content_delta_rest rest;
	struct row_match_result rows;
};

static struct shape
orders(void)
{
	static char name[] = "public.orders";
	static char column[] = "x";
	static struct shape_column columns[] = { { column, column, true },
		{ column, column, true }, { column, column, true }, { column, column, true },
		{ column, column, true } };
	static size_t key[] = { 0 };
	return (struct shape){ name, ROW_COPY, columns, 5, key, 1 };
}

static enum err_code
compare(struct place *p, const struct content *a, const struct content *b, struct figures *f,
    struct err *err)
{
	AUTO(content_delta) struct content_delta *d = NULL;
	AUTO(row_match) struct row_match *m = NULL;
	struct shape shape = orders();
	struct row_match_options rows = { .keep = SIZE_MAX };
	struct content_delta_options opt = {
		.a = a, .b = b, .repo_a = p->repo, .repo_b = p->repo
	};
	uint64_t bytes = 0;
	int64_t start = clock_mono_ns();
	if (content_delta_new(&d, &opt, err))
		return err->code;
	f->lists_ns = clock_mono_ns() - start;
	if (row_match_new(&m, &shape, &shape, &rows, err) ||
	    content_delta_read(d, match_run, m, err) ||
	    row_match_finish(m, count_change, &bytes, &f->rows, err))
		return err->code;
	f->total_ns = clock_mono_ns() - start;
	f->rest = *content_delta_rest(d);
	return ERR_OK;
}

static enum err_code
check_counts(const struct row_match_result *r, uint64_t changes, struct err *err)
{
	struct row_match_result want = { 0, 0, 0 };
	for (uint64_t i = 0; i < changes; i++)
		++*(kind_of(i) == CHANGE_REMOVE ? &want.removed
		    : kind_of(i) == CHANGE_ADD  ? &want.added
						: &want.changed);
	bool fits =
	    r->added == want.added && r->removed == want.removed && r->changed == want.changed;
	return fits ? ERR_OK
		    : err_set(err, ERR_CORRUPT,
			  "%" PRIu64 " added, %" PRIu64 " removed, %" PRIu64 " changed",
			  r->added, r->removed, r->changed);
}

static enum err_code
run_once(const char *dir, const char *changes, struct err *err)
{
	AUTO(place) struct place p = { .dir = NULL };
	AUTO(content) struct content a = CONTENT_INIT;
	AUTO(content) struct content b = CONTENT_INIT;
	struct figures f;
	struct rusage usage;
	int64_t start = clock_mono_ns();
	if (place_open(&p, dir, false, err) || load_content(&a, dir, "0", err) ||
	    load_content(&b, dir, changes, err))
		return err->code;
	f.open_ns = clock_mono_ns() - start;
	if (compare(&p, &a, &b, &f, err) ||
	    check_counts(&f.rows, strtoull(changes, NULL, 10), err))
		return err->code;
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"ms\": %.2f, \"lists_ms\": %.2f, \"open_ms\": %.2f, \"rows\": %" PRIu64
	       ", \"chunks\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"peak_kib\": %ld}\n",
	    (double)f.total_ns / 1e6, (double)f.lists_ns / 1e6, (double)f.open_ns / 1e6,
	    content_rows(&b), f.rest.chunks[0] + f.rest.chunks[1],
	    f.rest.bytes[0] + f.rest.bytes[1], usage.ru_maxrss);
	return ERR_OK;
}

/* --- what streams by --- */

struct passing {
	struct row_tally *tally;
	uint64_t bytes;
	int64_t cpu_ns;
};

static int64_t
cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static enum err_code
pass_piece(void *arg, const char *rows, size_t len, const uint32_t *ends, size_t count,
    struct err *err)
{
	struct passing *p = arg;
	int64_t start = cpu_ns();
	enum err_code rc = row_tally_rows(p->tally, rows, len, ends, count, err);
	p->cpu_ns += cpu_ns() - start;
	p->bytes += len;
	return rc;
}

static enum err_code
pass_by(const char *dir, const char *rows, const char *changes, struct err *err)
{
	AUTO(plan) struct plan plan = { .rows = 0 };
	AUTO(place) struct place p = { .dir = NULL };
	AUTO(content) struct content stored = CONTENT_INIT;
	struct spill *spill = NULL;
	struct row_rest rest = { .rows = 0 };
	struct passing passing = { .tally = NULL };
	if (plan_make(&plan, strtoull(rows, NULL, 10), strtoull(changes, NULL, 10), err) ||
	    place_open(&p, dir, false, err) || load_content(&stored, dir, "0", err) ||
	    spill_open(&spill, NULL, err))
		return err->code;
	struct row_tally_options opt = { .stored = &stored, .spill = spill };
	enum err_code rc = row_tally_open(&passing.tally, p.repo, &opt, err);
	if (rc == ERR_OK)
		rc = each_piece(&plan, PORTION, pass_piece, &passing, err);
	if (rc == ERR_OK)
		rc = row_tally_finish(passing.tally, &rest, err);
	printf("{\"bytes\": %" PRIu64 ", \"rows\": %" PRIu64 ", \"cpu_ms\": %.0f}\n",
	    passing.bytes, rest.rows, (double)passing.cpu_ns / 1e6);
	row_tally_free(passing.tally);
	row_rest_release(&rest);
	spill_close(spill);
	return rc;
}

static enum err_code
run(int argc, char **argv, struct err *err)
{
	const char *verb = argc > 1 ? argv[1] : "";
	if (strcmp(verb, "make") == 0 && argc == 4)
		return store_version(argv[2], argv[3], "0", err);
	if (strcmp(verb, "change") == 0 && argc == 5)
		return store_version(argv[2], argv[3], argv[4], err);
	if (strcmp(verb, "rows") == 0 && argc == 4)
		return print_rows(argv[2], argv[3], err);
	if (strcmp(verb, "live") == 0 && argc == 5)
		return pass_by(argv[2], argv[3], argv[4], err);
	if (strcmp(verb, "diff") != 0 || argc != 5)
		return err_set(
		    err, ERR_USAGE, "make, change, diff, rows or live: see row_diff.c");
	for (long i = strtol(argv[4], NULL, 10); i > 0; i--)
		if (run_once(argv[2], argv[3], err))
			return err->code;
	return ERR_OK;
}

int
main(int argc, char **argv)
{
	struct err err;
	if (run(argc, argv, &err) == ERR_OK)
		return 0;
	fprintf(stderr, "row-diff: %s\n", err.msg);
	return 1;
}

/*
 * scale: how much memory and time one step takes in a repository of any size.
 *
 *	scale make FOLDER CHUNKS     make the repository
 *	scale STEP FOLDER CHUNKS     run one step on it
 *
 * A step prints "STEP SECONDS PEAK_KIB WHAT".  scripts/scale runs them all, each in a
 * process of its own, since a process never forgets its peak.
 */
#include "scale.h"

#include "repo/check.h"
#include "repo/chunk_set.h"
#include "repo/index.h"
#include "repo/object.h"
#include "repo/repair.h"
#include "repo/repo_impl.h"
#include "sys/clock.h"
#include "world.h"

#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#define LOOKUPS 1000000

/* --- making it --- */

static enum err_code
add_pack(struct scale *s, struct index_builder *b, uint64_t number, struct err *err)
{
	AUTO(pack_dir) struct pack_dir d = PACK_DIR_INIT;
	uint32_t offset = HEADER_SIZE;
	for (uint64_t i = 0; i < CHUNKS_OF_PACK; i++) {
		struct pack_frame f = { offset, FRAME_SIZE, 1, malloc(sizeof *f.chunks) };
		if (f.chunks == NULL)
			return err_nomem(err);
		f.chunks[0] =
		    (struct pack_chunk){ world_chunk(number * CHUNKS_OF_PACK + i), CHUNK_SIZE };
		if (pack_dir_add(&d, &f, err)) {
			free(f.chunks);
			return err->code;
		}
		offset += FRAME_SIZE;
	}
	struct id id = world_pack(number, s->packs);
	return index_builder_add(b, &id, PACK_DATA, PACK_BYTES, &d, err);
}

static enum err_code
make_indexes(struct scale *s, struct err *err)
{
	struct index_builder b = INDEX_BUILDER_INIT;
	AUTO(bufv) struct buf payload = BUF_INIT;
	for (uint64_t i = 0; i < s->packs; i++) {
		/* As writers do it: packs of all ids in each object. */
		uint64_t number = i * 7919 % s->packs;
		if (add_pack(s, &b, number, err))
			return err->code;
		if (b.chunk_count < CHUNKS_OF_OBJECT && i + 1 < s->packs)
			continue;
		struct id id;
		payload.len = 0;
		if (index_builder_finish(&b, &payload, err) ||
		    object_save(s->store, s->repo->subkeys, OBJECT_INDEX, payload.data,
			payload.len, &id, err))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
make(struct scale *s, const struct repo_key *key, struct err *err)
{
	struct repo_create_options opt = REPO_CREATE_OPTIONS_INIT;
	const char *argon_mib = getenv("ARGON_MIB");
	if (argon_mib != NULL)
		opt.argon_mib = (uint32_t)strtoul(argon_mib, NULL, 10);
	/* Trees come first: while they are written, the index is small. */
	if (repo_create(s->store, key, &opt, err) ||
	    repo_open_bare(&s->repo, s->store, key, NULL, err) || make_trees(s, err) ||
	    own_note(s, index_entries(s->repo->index), err) || make_files(s, err))
		return err->code;
	return make_indexes(s, err);
}

/* --- steps; the repository is open --- */

static enum err_code
step_open(struct scale *s, struct err *err)
{
	uint64_t chunks = index_entries(s->repo->index);
	snprintf(s->told, sizeof s->told, "%llu chunks", (unsigned long long)chunks);
	return chunks == s->chunks + s->own.chunks
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "chunks are missing");
}

/* Of this process, in kernel and program: what others do on the machine does not count. */
static int64_t
processor_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static enum err_code
look_up(struct scale *s, bool is_known, struct err *err)
{
	int64_t began = processor_ns();
	for (uint64_t i = 0; i < LOOKUPS; i++) {
		/* Scattered over the whole index. */
		uint64_t number = i * UINT64_C(1000003) % s->chunks;
		struct id id = world_chunk(is_known ? number : s->chunks + number);
		struct location loc;
		if (index_find(s->repo->index, &id, &loc) != is_known)
			return err_set(err, ERR_CORRUPT, "a look-up went wrong");
	}
	snprintf(s->told, sizeof s->told, "%.2f us of processor time each",
	    (double)(processor_ns() - began) / 1000 / LOOKUPS);
	return ERR_OK;
}

static enum err_code
step_known(struct scale *s, struct err *err)
{
	return look_up(s, true, err);
}

static enum err_code
step_unknown(struct scale *s, struct err *err)
{
	return look_up(s, false, err);
}

static enum err_code
mark_all(struct scale *s, struct chunk_set **out, struct err *err)
{
	AUTO(chunk_set) struct chunk_set *set = NULL;
	if (chunk_set_new(&set, s->repo, err))
		return err->code;
	for (uint64_t i = 0; i < s->chunks; i++) {
		struct id id = world_chunk(i);
		bool is_new;
		if (chunk_set_add(set, &id, &is_new, err))
			return err->code;
	}
	if (chunk_set_count(set) != s->chunks)
		return err_set(err, ERR_CORRUPT, "chunks are missing in the set");
	*out = TAKE(set);
	return ERR_OK;
}

static enum err_code
count_use(void *arg, const struct pack_use *use, struct err *err)
{
	uint64_t *packs = arg;
	++*packs;
	if (use->size != PACK_BYTES) /* a real one */
		return ERR_OK;
	if (use->used_chunks != CHUNKS_OF_PACK || use->chunks != CHUNKS_OF_PACK ||
	    use->used_stored != CHUNKS_OF_PACK * FRAME_SIZE ||
	    use->used_bytes != CHUNKS_OF_PACK * CHUNK_SIZE)
		return err_set(err, ERR_CORRUPT, "a pack's use is wrong");
	return ERR_OK;
}

/* A set with all chunks, and what each pack is used for. */
static enum err_code
step_walk(struct scale *s, struct err *err)
{
	AUTO(chunk_set) struct chunk_set *set = NULL;
	uint64_t packs = 0;
	int64_t began = clock_mono_ns();
	if (mark_all(s, &set, err))
		return err->code;
	int64_t marked = clock_mono_ns();
	if (chunk_set_walk_packs(set, count_use, &packs, err))
		return err->code;
	snprintf(s->told, sizeof s->told, "%.1f s to mark, %.1f s to walk %llu packs",
	    (double)(marked - began) / 1e9, (double)(clock_mono_ns() - marked) / 1e9,
	    (unsigned long long)packs);
	return packs == s->packs + s->own.packs
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "packs are missing");
}

static void
print_problem(void *arg, const char *object, enum err_code code, const char *what)
{
	(void)arg;
	(void)code;
	fprintf(stderr, "%s: %s\n", object, what);
}

static enum err_code
step_check(struct scale *s, struct err *err)
{
	struct check_options opt = { .problem = print_problem };
	struct check_result r;
	if (repo_check(s->repo, &opt, &r, err))
		return err->code;
	snprintf(s->told, sizeof s->told, "%llu packs, %llu problems",
	    (unsigned long long)r.packs, (unsigned long long)r.problems);
	return r.problems == 0 && r.packs == s->packs + s->own.packs
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "the check is wrong");
}

static void
ignore_news(void *arg, enum repair_news news, const char *object, const char *why)
{
	(void)arg;
	(void)news;
	(void)object;
	(void)why;
}

static enum err_code
step_repair(struct scale *s, struct err *err)
{
	struct repair_options opt = { .dry_run = true, .news = ignore_news };
	struct repair_result r;
	if (repo_repair_index(s->repo, &opt, &r, err))
		return err->code;
	snprintf(s->told, sizeof s->told, "%llu index objects, %llu packs",
	    (unsigned long long)r.indexes, (unsigned long long)r.packs);
	return r.packs == s->packs + s->own.packs && r.indexes_written + r.indexes_deleted == 0
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "the repair is wrong");
}

/* An index object is replaced by another that says the same: as prune and repair do it. */
static enum err_code
keep_first(void *arg, const struct store_entry *e, struct err *err)
{
	struct id *first = arg;
	if (!object_id_of_key(first, e->key, object_folder(OBJECT_INDEX)))
		return ERR_OK;
	return err_set(err, ERR_EXISTS, "found one");
}

static enum err_code
step_replace(struct scale *s, struct err *err)
{
	AUTO(bufv) struct buf payload = BUF_INIT;
	struct id old;
	struct id new;
	char key[OBJECT_KEY_SIZE];
	if (store_list(s->store, "index/", NULL, keep_first, &old, err) != ERR_EXISTS)
		return err_set(err, ERR_NOT_FOUND, "no index object");
	if (object_load(s->store, s->repo->subkeys, OBJECT_INDEX, &old, &payload, err) ||
	    object_save(
		s->store, s->repo->subkeys, OBJECT_INDEX, payload.data, payload.len, &new, err))
		return err->code;
	object_key(key, OBJECT_INDEX, &old);
	if (store_delete(s->store, key, err) || repo_refresh(s->repo, err))
		return err->code;
	return step_open(s, err);
}

static const struct step {
	const char *name;
	enum err_code (*run)(struct scale *s, struct err *err);
} steps[] = {
	/* The first one fills the cache. */
	{ "open-first", step_open },
	{ "open", step_open },
	{ "known", step_known },
	{ "unknown", step_unknown },
	{ "walk", step_walk },
	{ "check", step_check },
	{ "repair", step_repair },
	{ "replace", step_replace },
	{ "backup", step_backup },
	{ "verify", step_verify },
	{ "verify-data", step_verify_data },
	{ "prune-plan", step_prune_plan },
	/* The last one: what it takes away stays away. */
	{ "prune", step_prune },
};

/* --- one step --- */

static enum err_code
run_step(struct scale *s, const char *name, const struct repo_key *key, struct err *err)
{
	if (strcmp(name, "make") == 0)
		return make(s, key, err);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (strcmp(steps[i].name, name) == 0) {
			if (own_load(s, err) ||
			    repo_open(&s->repo, s->store, key, s->cache, err))
				return err->code;
			return steps[i].run(s, err);
		}
	return err_set(err, ERR_USAGE, "no such step: %s", name);
}

static enum err_code
run(struct scale *s, const char *name, const char *folder, struct err *err)
{
	char place[4096];
	struct store *inner;
	s->folder = folder;
	snprintf(s->cache, sizeof s->cache, "%s/cache", folder);
	snprintf(place, sizeof place, "%s/repo", folder);
	if (store_open_local(&inner, place, STORE_CREATE, err))
		return err->code;
	if (world_store(&s->store, inner, strcmp(name, "make") == 0 ? 0 : s->packs, err)) {
		store_close(inner);
		return err->code;
	}
	if (secret_copy(&s->pass, "scale", 5, err))
		return err->code;
	struct repo_key key = { .passphrase = s->pass };
	return run_step(s, name, &key, err);
}

/* Threads and their buffers are as many as there are processors: figures of two can be
 * compared.
 */
static void
use_two_processors(void)
{
	cpu_set_t all;
	cpu_set_t two;
	CPU_ZERO(&two);
	if (sched_getaffinity(0, sizeof all, &all) != 0)
		return;
	for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&two) < 2; i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &two);
	if (sched_setaffinity(0, sizeof two, &two) != 0)
		perror("scale: use two processors");
}

int
main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct scale s = { .chunks = 0 };
	if (argc != 4) {
		fprintf(stderr, "usage: scale STEP FOLDER CHUNKS\n");
		return 2;
	}
	s.packs = strtoull(argv[3], NULL, 10) / CHUNKS_OF_PACK;
	s.chunks = s.packs * CHUNKS_OF_PACK;
	use_two_processors();
	int64_t began = clock_mono_ns();
	enum err_code rc = run(&s, argv[1], argv[2], &err);
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	if (rc)
		fprintf(stderr, "scale: %s: %s\n", argv[1], err.msg);
	else
		printf("%s %.1f %ld %s\n", argv[1], (double)(clock_mono_ns() - began) / 1e9,
		    use.ru_maxrss, s.told);
	repo_close(s.repo);
	store_close(s.store);
	secret_free(s.pass);
	return rc ? 1 : 0;
}

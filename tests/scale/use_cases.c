/*
 * Steps that are use cases of the engine, as the command line calls them.
 */
#include "scale.h"

#include "engine/backup.h"
#include "engine/prune.h"
#include "engine/verify.h"
#include "repo/index.h"
#include "repo/marks.h"
#include "repo/repo_impl.h"
#include "sys/fs.h"
#include "world.h"

#include <stdio.h>

#define FILES 4000
#define SMALL_FILE_MAX 40000
#define LARGE_EVERY 1000 /* each so manyth file is */
#define LARGE_FILE 12000000

/* --- what is real --- */

static void
own_path(const struct scale *s, char path[4096])
{
	snprintf(path, 4096, "%s/own", s->folder);
}

static enum err_code
count_pack(void *arg, const struct store_entry *e, struct err *err)
{
	struct own *own = arg;
	(void)err;
	if (e->size != PACK_BYTES)
		own->packs++;
	return ERR_OK;
}

enum err_code
own_note(struct scale *s, uint64_t chunks, struct err *err)
{
	char path[4096];
	char text[64];
	s->own = (struct own){ chunks, 0 };
	if (store_list(s->store, "packs/", NULL, count_pack, &s->own, err))
		return err->code;
	own_path(s, path);
	int len = snprintf(text, sizeof text, "%llu %llu\n", (unsigned long long)s->own.chunks,
	    (unsigned long long)s->own.packs);
	return fs_write_file(path, 0600, text, (size_t)len, err);
}

enum err_code
own_load(struct scale *s, struct err *err)
{
	char path[4096];
	char *end;
	AUTO(bufv) struct buf text = BUF_INIT;
	own_path(s, path);
	if (fs_read_file(path, 64, &text, err))
		return err->code;
	const char *digits = buf_cstr(&text);
	if (digits == NULL)
		return err_nomem(err);
	s->own.chunks = strtoull(digits, &end, 10);
	s->own.packs = strtoull(end, NULL, 10);
	return ERR_OK;
}

/* --- backup --- */

static void
files_path(const struct scale *s, char path[4096])
{
	snprintf(path, 4096, "%s/files", s->folder);
}

/* Bytes that do not compress, others for each file. */
static enum err_code
make_file(const char *folder, uint64_t number, struct buf *bytes, struct err *err)
{
	char path[4200];
	uint64_t v = number;
	uint64_t size =
	    number % LARGE_EVERY == 0 ? LARGE_FILE : 1 + number * 7919 % SMALL_FILE_MAX;
	bytes->len = 0;
	while (bytes->len < size) {
		v = v * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		if (buf_u64(bytes, v ^ v >> 29, err))
			return err->code;
	}
	snprintf(path, sizeof path, "%s/%llu/%llu", folder, (unsigned long long)number / 100,
	    (unsigned long long)number);
	FILE *f = fopen(path, "we");
	if (f == NULL)
		return err_sys(err, "make %s", path);
	bool is_written = fwrite(bytes->data, 1, size, f) == size;
	if (fclose(f) != 0 || !is_written)
		return err_sys(err, "write %s", path);
	return ERR_OK;
}

enum err_code
make_files(struct scale *s, struct err *err)
{
	char folder[4096];
	AUTO(bufv) struct buf bytes = BUF_INIT;
	files_path(s, folder);
	for (uint64_t i = 0; i < FILES; i++) {
		char below[4200];
		snprintf(below, sizeof below, "%s/%llu", folder, (unsigned long long)i / 100);
		if ((i % 100 == 0 && fs_mkdirs(below, 0700, err)) ||
		    make_file(folder, i, &bytes, err))
			return err->code;
	}
	return ERR_OK;
}

/* As if a prune ran meanwhile: its mark makes the run look at all that it needs again. */
static enum err_code
put_mark(struct scale *s, struct id *name, struct err *err)
{
	size_t count = min_size(MARK_PACKS_MAX, s->packs);
	AUTO(mem) struct id *packs = calloc(count, sizeof *packs);
	if (packs == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++)
		packs[i] = world_pack(i, s->packs);
	return mark_put(s->repo, packs, count, name, err);
}

enum err_code
step_backup(struct scale *s, struct err *err)
{
	struct engine e = { .repo = s->repo };
	struct backup_options opt = BACKUP_OPTIONS_INIT;
	struct backup_result r;
	struct id mark;
	char folder[4096];
	AUTO(strv) struct strv paths = STRV_INIT;
	files_path(s, folder);
	if (strv_add(&paths, folder, err) || put_mark(s, &mark, err) ||
	    backup_paths(&e, &paths, &opt, &r, err) || mark_delete(s->repo, &mark, err))
		return err->code;
	snprintf(s->told, sizeof s->told, "%llu files, %.0f MB new, beside a prune's mark",
	    (unsigned long long)r.files, (double)r.new_bytes / 1e6);
	if (r.outcome != OUTCOME_COMPLETE || r.files != FILES || r.new_bytes < r.bytes)
		return err_set(err, ERR_CORRUPT, "the backup is wrong");
	return own_note(s, index_entries(s->repo->index) - s->chunks, err);
}

/* --- verify --- */

static enum err_code
verify(struct scale *s, struct verify_result *r, struct err *err)
{
	struct engine e = { .repo = s->repo };
	struct verify_options opt = { .read_data = false };
	if (verify_repo(&e, &opt, r, err))
		return err->code;
	if (r->problems > 0 || r->unused_packs > 0 || r->snapshots < SNAPSHOTS)
		return err_set(err, ERR_CORRUPT,
		    "%llu problems, %llu packs that no index names",
		    (unsigned long long)r->problems, (unsigned long long)r->unused_packs);
	return ERR_OK;
}

enum err_code
step_verify(struct scale *s, struct err *err)
{
	struct verify_result r;
	if (verify(s, &r, err))
		return err->code;
	snprintf(s->told, sizeof s->told, "%llu snapshots that need %llu chunks, %llu packs",
	    (unsigned long long)r.snapshots,
	    (unsigned long long)(trees_full_packs(s) * CHUNKS_OF_PACK + trees_partial_packs(s)),
	    (unsigned long long)r.packs);
	return r.packs == s->packs + s->own.packs
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "packs are missing");
}

/* The last backup's packs are real ones, and can be read. */
enum err_code
step_verify_data(struct scale *s, struct err *err)
{
	struct engine e = { .repo = s->repo };
	AUTO(strv) struct strv names = STRV_INIT;
	struct verify_options opt = { .read_data = true, .names = &names };
	struct verify_result r;
	if (strv_add(&names, "latest", err) || verify_repo(&e, &opt, &r, err))
		return err->code;
	snprintf(s->told, sizeof s->told, "the last backup: %llu packs, %.0f MB read",
	    (unsigned long long)r.packs_read, (double)r.bytes_read / 1e6);
	return r.problems == 0 && r.packs_read == r.packs && r.chunks > FILES
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "the check is wrong");
}

/* --- prune --- */

static uint64_t
unused_packs(const struct scale *s)
{
	return s->packs - trees_full_packs(s) - trees_partial_packs(s);
}

enum err_code
step_prune_plan(struct scale *s, struct err *err)
{
	struct engine e = { .repo = s->repo };
	struct prune_options opt = PRUNE_OPTIONS_INIT;
	struct prune_result r;
	opt.dry_run = true;
	if (prune_run(&e, &opt, &r, err))
		return err->code;
	snprintf(s->told, sizeof s->told, "%llu of %llu packs to go, %llu to repack",
	    (unsigned long long)r.packs_removed, (unsigned long long)r.packs,
	    (unsigned long long)r.packs_repacked);
	return r.packs == s->packs + s->own.packs &&
		       r.packs_removed - r.packs_repacked == unused_packs(s) &&
		       r.packs_repacked > 0 && r.packs_repacked <= trees_partial_packs(s)
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "the plan is wrong");
}

/* Made-up packs hold nothing that could be stored anew: those of which a part is needed stay.
 */
enum err_code
step_prune(struct scale *s, struct err *err)
{
	struct engine e = { .repo = s->repo };
	struct prune_options opt = PRUNE_OPTIONS_INIT;
	struct prune_result r;
	struct verify_result v;
	opt.max_unused_share = 1;
	if (prune_run(&e, &opt, &r, err) || verify(s, &v, err))
		return err->code;
	snprintf(s->told, sizeof s->told,
	    "%llu of %llu packs gone, %llu index objects of %llu left, all verified",
	    (unsigned long long)r.packs_removed, (unsigned long long)r.packs,
	    (unsigned long long)r.indexes_after, (unsigned long long)r.indexes_before);
	uint64_t left = s->packs - unused_packs(s);
	return r.packs_removed == unused_packs(s) && v.packs == left + s->own.packs &&
		       index_entries(s->repo->index) == left * CHUNKS_OF_PACK + s->own.chunks
		   ? ERR_OK
		   : err_set(err, ERR_CORRUPT, "the prune is wrong");
}

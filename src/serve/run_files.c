#include "serve/run_files.h"

#include "base/log.h"
#include "catalog/run.h"
#include "serve/run_log.h"
#include "serve/run_process.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_RUNS 1000
#define KEPT_BYTES (INT64_C(1) << 30)
#define KEPT_NS (86400 * NS_PER_S)
#define TICKET_MAX ((size_t)256 << 10)

struct run_file {
	int64_t id;
	int64_t bytes;
	int64_t changed_ns;
};

struct run_files {
	char *folder;
	struct run_file *items; /* by number, the latest first */
	size_t count;
};

static void
run_files_auto(struct run_files *f)
{
	free(f->folder);
	free(f->items);
}

/* "12.json": 12; 0: it is none. */
static int64_t
number_of(const char *name)
{
	size_t digits = strspn(name, "0123456789");
	if (digits == 0 || digits > 18 || strcmp(name + digits, ".json") != 0)
		return 0;
	return strtoll(name, NULL, 10);
}

static int
by_number(const void *a, const void *b)
{
	const struct run_file *x = a;
	const struct run_file *y = b;
	return (x->id < y->id) - (x->id > y->id);
}

static enum err_code
path_of(const struct run_files *f, int64_t id, const char *ending, char **out, struct err *err)
{
	return str_printf(out, err, "%s/%lld%s", f->folder, (long long)id, ending);
}

static enum err_code
look_at(const struct run_files *f, struct run_file *r, struct err *err)
{
	static const char *const endings[] = { ".json", ".jsonl" };
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		AUTO(str) char *path = NULL;
		struct stat st;
		if (path_of(f, r->id, endings[i], &path, err))
			return err->code;
		if (stat(path, &st) != 0)
			continue;
		int64_t changed_ns = st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
		r->bytes += st.st_size;
		r->changed_ns = changed_ns > r->changed_ns ? changed_ns : r->changed_ns;
	}
	return ERR_OK;
}

static enum err_code
find_folder(struct run_files *f, struct keeper *k, struct err *err)
{
	return str_printf(&f->folder, err, "%s/runs", keeper_state_dir(k));
}

static enum err_code
list(struct run_files *f, struct keeper *k, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (find_folder(f, k, err) || fs_list_dir(f->folder, &names, err))
		return err->code;
	f->items = calloc(names.len + 1, sizeof *f->items);
	if (f->items == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < names.len; i++) {
		int64_t id = number_of(names.items[i]);
		if (id == 0)
			continue;
		f->items[f->count] = (struct run_file){ .id = id };
		if (look_at(f, &f->items[f->count++], err))
			return err->code;
	}
	qsort(f->items, f->count, sizeof *f->items, by_number);
	return ERR_OK;
}

/* --- tidying --- */

static enum err_code
remove_run(const struct run_files *f, int64_t id, struct err *err)
{
	/* The ticket goes last: without it nobody would find the other. */
	static const char *const endings[] = { ".jsonl", ".json" };
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		AUTO(str) char *path = NULL;
		if (path_of(f, id, endings[i], &path, err))
			return err->code;
		if (unlink(path) != 0 && errno != ENOENT)
			return err_sys(err, "remove %s", path);
	}
	return ERR_OK;
}

enum err_code
run_files_bytes(struct keeper *k, int64_t id, int64_t *out, struct err *err)
{
	AUTO(run_files) struct run_files f = { NULL, NULL, 0 };
	struct run_file r = { .id = id };
	if (find_folder(&f, k, err) || look_at(&f, &r, err))
		return err->code;
	*out = r.bytes;
	return ERR_OK;
}

enum err_code
run_files_remove(struct keeper *k, int64_t id, struct err *err)
{
	AUTO(run_files) struct run_files f = { NULL, NULL, 0 };
	return find_folder(&f, k, err) ? err->code : remove_run(&f, id, err);
}

void
run_files_tidy(struct keeper *k)
{
	struct err err = ERR_INIT;
	AUTO(run_files) struct run_files f = { NULL, NULL, 0 };
	int64_t bytes = 0;
	int64_t today_ns = clock_wall_ns() - KEPT_NS;
	if (list(&f, k, &err)) {
		log_debug("runs: %s", err.msg);
		return;
	}
	for (size_t i = 0; i < f.count; i++) {
		bytes += f.items[i].bytes;
		bool is_too_much = i >= KEPT_RUNS || bytes > KEPT_BYTES;
		if (is_too_much && f.items[i].changed_ns < today_ns &&
		    remove_run(&f, f.items[i].id, &err))
			log_debug("run %lld: %s", (long long)f.items[i].id, err.msg);
	}
}

/* --- a new catalogue --- */

static enum err_code
restore_row(
    struct keeper *k, const struct run_file *file, const json_t *ticket, struct err *err)
{
	AUTO(mem) char *argv = json_dumps(json_object_get(ticket, "argv"), JSON_COMPACT);
	const char *kind = json_get_str(ticket, "kind");
	const char *stack = json_get_str(ticket, "stack");
	const char *asked_by = json_get_str(ticket, "asked_by");
	if (argv == NULL || kind == NULL || stack == NULL || asked_by == NULL)
		return err_set(err, ERR_CORRUPT, "it is no ticket of a run");
	AUTO(mem) char *kind_copy = strdup(kind);
	AUTO(mem) char *stack_copy = strdup(stack);
	AUTO(mem) char *asked_copy = strdup(asked_by);
	const struct catalog_run row = {
		.id = file->id,
		.kind = kind_copy,
		.stack = stack_copy,
		.asked_by = asked_copy,
		.argv = argv,
		.schedule = json_get_int(ticket, "schedule", 0),
		.asked_ns = json_get_int(ticket, "asked_ns", 0),
	};
	if (kind_copy == NULL || stack_copy == NULL || asked_copy == NULL)
		return err_nomem(err);
	if (catalog_run_restore(keeper_catalog(k), &row, err))
		return err->code;
	return run_end_at(k, &row, file->changed_ns, err);
}

static enum err_code
restore_one(
    struct keeper *k, const struct run_files *f, const struct run_file *file, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(json) json_t *ticket = NULL;
	if (path_of(f, file->id, ".json", &path, err) ||
	    fs_read_file(path, TICKET_MAX, &text, err) ||
	    json_parse(&ticket, text.data, text.len, path, err))
		return err->code;
	return restore_row(k, file, ticket, err) ? err_wrap(err, "%s", path) : ERR_OK;
}

enum err_code
run_files_rebuild(struct keeper *k, size_t *count, struct err *err)
{
	AUTO(run_files) struct run_files f = { NULL, NULL, 0 };
	*count = 0;
	if (list(&f, k, err))
		return err->code;
	for (size_t i = f.count; i-- > 0;) {
		struct err why = ERR_INIT;
		if (restore_one(k, &f, &f.items[i], &why) == ERR_OK)
			(*count)++;
		else if (why.code == ERR_NO_MEMORY || why.code == ERR_IO)
			return err_set(err, why.code, "%s", why.msg);
		else /* one damaged file is no reason to lose the others */
			log_debug("%s", why.msg);
	}
	return ERR_OK;
}

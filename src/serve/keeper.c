#include "serve/keeper.h"

#include "base/bytes.h"
#include "base/log.h"
#include "catalog/run.h"
#include "serve/keeper_impl.h"
#include "serve/listen.h"
#include "serve/run_files.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/rand.h"
#include "sys/thread.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define EVENTS_KEPT 10000
#define EVENTS_BYTES ((size_t)8 << 20) /* as text; in memory some five times as much */
#define QUICK_THREADS 4
#define SLOW_THREADS 8
#define ASKS_MAX 128
#define TOKEN_BYTES 16
#define LOOK_AT_ASKS_NS NS_PER_S

/* --- for verbs --- */

struct catalog *
keeper_catalog(struct keeper *k)
{
	return k->catalog;
}

const char *
keeper_state_dir(const struct keeper *k)
{
	return k->state_dir;
}

struct shelf *
keeper_shelf(struct keeper *k)
{
	return k->shelf;
}

bool
keeper_is_root(const struct keeper *k)
{
	(void)k;
	return geteuid() == 0;
}

struct engine
keeper_engine(const struct ask *ask, struct repo *repo)
{
	return (struct engine){
		.repo = repo,
		.cancel = ask->cancel,
		.state_dir = ask->keeper->state_dir,
	};
}

void
keeper_emit(struct keeper *k, const char *type, json_t *data)
{
	struct err err = ERR_INIT;
	if (strcmp(type, "log") != 0)
		atomic_fetch_add(&k->changes, 1);
	if (events_add(k->events, type, data, &err))
		log_debug("event %s: %s", type, err.msg);
}

enum err_code
keeper_run_path(struct keeper *k, int64_t id, char **path, struct err *err)
{
	return str_printf(path, err, "%s/runs/%lld.jsonl", k->state_dir, (long long)id);
}

static enum err_code
argv_text(const char *const *argv, char **out, struct err *err)
{
	AUTO(json) json_t *list = json_array();
	for (; list != NULL && *argv != NULL; argv++)
		if (json_array_append_new(list, json_string(*argv)) != 0)
			return err_nomem(err);
	*out = list != NULL ? json_dumps(list, JSON_COMPACT) : NULL;
	return *out == NULL ? err_nomem(err) : ERR_OK;
}

/* Ask for a run in somebody's name. */
static enum err_code
queue_run(struct keeper *k, const struct run_plan *plan, const struct catalog_run_room *room,
    const char *asked_by, int64_t *id, struct err *err)
{
	AUTO(str) char *argv = NULL;
	AUTO(str) char *kind = NULL;
	AUTO(str) char *stack = NULL;
	AUTO(str) char *who = NULL;
	if (argv_text(plan->argv, &argv, err) || str_dup(&kind, plan->kind, err) ||
	    str_dup(&stack, plan->stack != NULL ? plan->stack : "", err) ||
	    str_dup(&who, asked_by, err))
		return err->code;
	const struct catalog_run row = {
		.kind = kind,
		.stack = stack,
		.asked_by = who,
		.argv = argv,
		.asked_ns = clock_wall_ns(),
	};
	if (catalog_run_add_within(k->catalog, &row, room, id, err))
		return err->code;
	runs_tell(k, *id);
	runs_wake(k->runs);
	return ERR_OK;
}

enum err_code
keeper_run_start(
    const struct ask *ask, const struct run_plan *plan, int64_t *id, struct err *err)
{
	return queue_run(ask->keeper, plan, NULL, ask->who->name, id, err);
}

enum err_code
keeper_run_start_within(const struct ask *ask, const struct run_plan *plan,
    const struct catalog_run_room *room, int64_t *id, struct err *err)
{
	return queue_run(ask->keeper, plan, room, ask->who->name, id, err);
}

enum err_code
keeper_run_answer(
    const struct ask *ask, const struct run_plan *plan, struct answer *out, struct err *err)
{
	int64_t id;
	if (keeper_run_start(ask, plan, &id, err))
		return err->code;
	out->status = 202;
	out->body = json_pack("{s:I}", "run", (json_int_t)id);
	return out->body == NULL ? err_nomem(err) : ERR_OK;
}

/* --- the first user --- */

static enum err_code
read_token(const char *path, char **out, struct err *err)
{
	AUTO(secret_buf) struct buf text = BUF_INIT;
	if (fs_read_file(path, 256, &text, err))
		return err->code;
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	return str_dupn(out, (const char *)text.data, text.len, err);
}

static enum err_code
make_token(const char *path, char **out, struct err *err)
{
	uint8_t bytes[TOKEN_BYTES];
	char hex[2 * TOKEN_BYTES + 1];
	if (rand_bytes(bytes, sizeof bytes, err))
		return err->code;
	hex_encode(hex, bytes, sizeof bytes);
	if (fs_write_file(path, 0600, hex, strlen(hex), err))
		return err->code;
	return str_dup(out, hex, err);
}

enum err_code
keeper_setup_token(struct keeper *k, char **out, struct err *err)
{
	AUTO(str) char *path = NULL;
	bool any;
	*out = NULL;
	if (str_printf(&path, err, "%s/" SETUP_TOKEN, k->state_dir) ||
	    account_exists(k->catalog, &any, err))
		return err->code;
	if (any) {
		if (unlink(path) != 0 && errno != ENOENT)
			return err_sys(err, "remove %s", path);
		return ERR_OK;
	}
	return fs_exists(path) ? read_token(path, out, err) : make_token(path, out, err);
}

static enum err_code
tell_address(struct keeper *k, struct err *err)
{
	AUTO(str) char *token = NULL;
	const struct strv *urls = k->opt.public_urls;
	const char *url = urls != NULL && urls->len > 0 ? urls->items[0] : NULL;
	if (keeper_setup_token(k, &token, err))
		return err->code;
	event_note(k->opt.events, NULL, "open %s%s", url != NULL ? url : "http://",
	    url != NULL ? "" : k->opt.listen);
	if (token != NULL && k->opt.is_terminal)
		event_note(k->opt.events, NULL,
		    "nobody may log in yet: the page asks for this token, once: %s (it is also "
		    "in %s/" SETUP_TOKEN ")",
		    token, k->state_dir);
	else if (token != NULL)
		event_note(k->opt.events, NULL,
		    "nobody may log in yet: the page asks for the token in %s/" SETUP_TOKEN
		    ", once",
		    k->state_dir);
	if (!keeper_is_root(k))
		event_warning(k->opt.events, NULL,
		    "not run by root: volumes and folders that belong to others cannot be "
		    "captured or restored");
	return ERR_OK;
}

/* --- a new catalogue --- */

static enum err_code
rebuild(struct keeper *k, struct err *err)
{
	AUTO(str) char *place = NULL;
	size_t schedules = 0;
	size_t runs = 0;
	if (repo_place_latest(&place, k->state_dir, err))
		return err->code;
	if (place != NULL && catalog_put(k->catalog, SETTING_REPOSITORY, place, err))
		return err->code;
	if (scheduler_rebuild(k, &schedules, err) || run_files_rebuild(k, &runs, err))
		return err->code;
	if (schedules + runs > 0 || place != NULL)
		event_note(k->opt.events, NULL,
		    "the catalogue was made anew: %zu schedules, %zu runs; users and tokens "
		    "are to "
		    "be set up again",
		    schedules, runs);
	return ERR_OK;
}

/* It is not thrown away: it goes aside. */
static enum err_code
put_aside(const char *path, struct err *err)
{
	static const char *const endings[] = { "-wal", "-shm", "" };
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		AUTO(str) char *from = NULL;
		AUTO(str) char *to = NULL;
		if (str_printf(&from, err, "%s%s", path, endings[i]) ||
		    str_printf(&to, err, "%s.old%s", path, endings[i]))
			return err->code;
		if (rename(from, to) != 0 && errno != ENOENT)
			return err_sys(err, "rename %s", from);
	}
	return ERR_OK;
}

/* What opens other repositories, which were chosen no longer, or not any more. */
static enum err_code
drop_other_places(struct keeper *k, struct err *err)
{
	AUTO(str) char *name = NULL;
	if (catalog_get(k->catalog, SETTING_REPOSITORY, &name, err))
		return err->code;
	return name != NULL ? repo_place_keep_only(k->state_dir, name, err) : ERR_OK;
}

static enum err_code
open_catalogue(struct keeper *k, struct err *err)
{
	AUTO(str) char *path = NULL;
	if (str_printf(&path, err, "%s/catalog.db", k->state_dir) ||
	    (k->opt.rebuild && put_aside(path, err)))
		return err->code;
	bool is_new = !fs_exists(path);
	if (catalog_open(&k->catalog, path, err))
		return err->code;
	if (is_new && rebuild(k, err))
		return err_wrap(err, "make the catalogue anew");
	return drop_other_places(k, err);
}

/* --- its life --- */

static enum err_code
make_folders(struct keeper *k, struct err *err)
{
	static const struct {
		const char *name;
		mode_t mode;
	} folders[] = { { "", 0700 }, { "/runs", 0700 }, { "/secrets", 0700 },
		{ "/empty", 0755 } };
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		AUTO(str) char *path = NULL;
		if (str_printf(&path, err, "%s%s", k->state_dir, folders[i].name) ||
		    fs_mkdirs(path, folders[i].mode, err))
			return err->code;
	}
	/* What somebody else has made open is closed. */
	if (chmod(k->state_dir, 0700) != 0)
		return err_sys(err, "%s", k->state_dir);
	return ERR_OK;
}

/* A run that died with its machine may have left services quiet, or half a restore. */
static enum err_code
recover(struct keeper *k, struct err *err)
{
	static const char *const argv[] = { "recover", NULL };
	static const char *const ours[] = { "catalog.db", "empty", "runs", "schedules.json",
		"secrets", SETUP_TOKEN };
	const struct run_plan plan = { "recover", "", argv };
	AUTO(strv) struct strv names = STRV_INIT;
	bool is_wanted = false;
	int64_t id;
	if (fs_list_dir(k->state_dir, &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		bool is_ours = str_starts(names.items[i], "catalog.db") ||
			       str_starts(names.items[i], "kept-");
		for (size_t n = 0; n < ARRAY_LEN(ours); n++)
			is_ours = is_ours || strcmp(ours[n], names.items[i]) == 0;
		is_wanted = is_wanted || !is_ours;
	}
	return is_wanted ? queue_run(k, &plan, NULL, "start", &id, err) : ERR_OK;
}

/* Asks whose time is over end. */
static void *
watch_asks(void *arg)
{
	struct keeper *k = arg;
	struct err err;
	while (cancel_wait(k->opt.cancel, LOOK_AT_ASKS_NS, &err) == ERR_OK)
		keeper_end_asks(k, false);
	return NULL;
}

static enum err_code
live(struct keeper *k, struct err *err)
{
	pthread_t watcher;
	if (tell_address(k, err) || recover(k, err) ||
	    thread_start(&watcher, watch_asks, k, "asks", err))
		return err->code;
	enum err_code rc = keeper_run_web(k, err);
	pthread_join(watcher, NULL);
	return rc;
}

static enum err_code
open_parts(struct keeper *k, struct err *err)
{
	if (str_dup(&k->state_dir, k->opt.state_dir, err) || make_folders(k, err) ||
	    events_new(&k->events, clock_wall_ns(), EVENTS_KEPT, EVENTS_BYTES, err) ||
	    open_catalogue(k, err) || shelf_new(&k->shelf, err) ||
	    login_limit_new(&k->limit, err) || listen_open(&k->listener, k->opt.listen, err) ||
	    pool_open(&k->quick, QUICK_THREADS, ASKS_MAX, "asks-quick", err) ||
	    pool_open(&k->slow, SLOW_THREADS, ASKS_MAX, "asks-slow", err) ||
	    runs_open(&k->runs, k, err))
		return err->code;
	return scheduler_open(&k->scheduler, k, err);
}

static void
close_parts(struct keeper *k)
{
	pool_close(k->quick);
	pool_close(k->slow);
	scheduler_close(k->scheduler);
	runs_close(k->runs);
	keeper_repo_forget(k);
	shelf_free(k->shelf);
	fd_auto(&k->listener);
	login_limit_free(k->limit);
	catalog_close(k->catalog);
	events_free(k->events);
	free(k->state_dir);
}

enum err_code
keeper_run(const struct keeper_options *opt, struct err *err)
{
	struct keeper k = { .opt = *opt, .listener = -1 };
	pthread_mutex_init(&k.lock, NULL);
	pthread_mutex_init(&k.repo_lock, NULL);
	enum err_code rc = open_parts(&k, err);
	if (rc == ERR_OK)
		rc = live(&k, err);
	close_parts(&k);
	pthread_mutex_destroy(&k.repo_lock);
	pthread_mutex_destroy(&k.lock);
	return rc;
}

/* Making the new stack's databases hold what was dumped. */
#include "engine/live_server.h"
#include "engine/meter.h"
#include "engine/restore_dump.h"
#include "engine/restore_path.h"
#include "engine/restore_place.h"
#include "engine/restore_steps.h"
#include "sys/fd.h"
#include "sys/thread.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct loader {
	struct restore_loaders *all;
	const struct restore_database *db;
	struct stack *stack; /* keeps what the target borrows */
	const struct stack_container *container; /* in it */
	struct live_server server;
	struct connector *connector;
	struct restore_dump *dump;
	pthread_t thread;
	bool has_thread;
	struct err err; /* its thread's */
};

struct restore_loaders {
	struct restore_job *job;
	struct loader *items;
	size_t count;
	uint64_t bytes_total;
	struct cancel stop; /* raised when one failed, or the engine's is */

	pthread_mutex_t lock;
	pthread_cond_t ended; /* running has changed */
	size_t running; /* guarded by lock, as what follows */
	struct err first; /* the first failure */
};

void
loaders_close(struct restore_loaders *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->count; i++) {
		struct loader *it = &l->items[i];
		connector_close(it->connector);
		restore_dump_close(it->dump);
		live_server_close(&it->server);
		stack_free(it->stack);
	}
	free(l->items);
	cancel_release(&l->stop);
	pthread_cond_destroy(&l->ended);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static enum err_code
open_loader(struct loader *it, struct restore_job *j, struct err *err)
{
	/* A stack of its own, since job.made is read again while services start. */
	if (stack_load(&it->stack, j->docker, j->name, err))
		return err->code;
	it->container = stack_find(it->stack, it->db->service);
	if (it->container == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "service %s: the stored compose files make no container for it",
		    it->db->service);
	if (live_server_open(&it->server, j->docker, it->container, &it->all->stop, err) ||
	    restore_dump_open(
		&it->dump, j->engine, &j->snapshot, it->db->path, it->db->streams, err))
		return err_wrap(err, "service %s", it->db->service);
	return connector_open(&it->connector, &it->server.target, it->db->kind, err);
}

enum err_code
loaders_open(struct restore_loaders **out, struct restore_job *j, struct err *err)
{
	struct restore_loaders *fresh = calloc(1, sizeof *fresh);
	if (fresh == NULL)
		return err_nomem(err);
	if (cancel_init(&fresh->stop, err)) {
		free(fresh);
		return err->code;
	}
	pthread_mutex_init(&fresh->lock, NULL);
	pthread_cond_init(&fresh->ended, NULL);
	AUTO(loaders) struct restore_loaders *l = fresh;
	l->job = j;
	l->items = calloc(j->n_databases + 1, sizeof *l->items);
	if (l->items == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < j->n_databases; i++) {
		l->items[i].db = &j->databases[i];
		l->items[i].all = l;
		l->count++;
		l->bytes_total += j->databases[i].bytes;
		if (open_loader(&l->items[i], j, err))
			return err->code;
	}
	*out = TAKE(l);
	return ERR_OK;
}

/* Where a connector's files go: the host folder of the mount that shows their place. */
struct place_sink {
	struct file_sink sink;
	const struct restore_job *job;
	const struct loader *loader;
	int fd;
};

/* The deepest mount that holds the path; *rest is what of the path is below it. */
static const struct stack_mount *
mount_of(const struct stack_container *c, const char *path, const char **rest)
{
	const struct stack_mount *best = NULL;
	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct stack_mount *m = &c->mounts[i];
		if (path_is_within(path, m->target) &&
		    (best == NULL || strlen(m->target) > strlen(best->target)))
			best = m;
	}
	if (best != NULL)
		*rest = path + strlen(best->target);
	return best;
}

static enum err_code
place_begin(struct file_sink *sink, const struct db_file *file, struct err *err)
{
	struct place_sink *s = (struct place_sink *)sink;
	const char *rest;
	const struct stack_mount *m = mount_of(s->loader->container, file->path, &rest);
	if (m == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "no volume holds it, and what lies in a container cannot be restored");
	AUTO(str) char *folder = NULL;
	if (job_mount_folder(&folder, s->job, m, err))
		return err->code;
	struct place_owner owner = { file->mode & 07777, file->uid, file->gid };
	if (S_ISDIR(file->mode))
		return place_make_folder(folder, rest, &owner, err);
	return place_make_file(&s->fd, folder, rest, &owner, err);
}

static enum err_code
place_write(struct file_sink *sink, const void *data, size_t len, struct err *err)
{
	struct place_sink *s = (struct place_sink *)sink;
	return fd_write_all(s->fd, data, len, err);
}

static enum err_code
place_end(struct file_sink *sink, struct err *err)
{
	struct place_sink *s = (struct place_sink *)sink;
	if (s->fd < 0)
		return ERR_OK;
	if (fsync(s->fd) != 0)
		return err_sys(err, "sync");
	if (close(fd_take(&s->fd)) != 0)
		return err_sys(err, "close");
	return ERR_OK;
}

static const struct file_sink_ops place_ops = { place_begin, place_write, place_end };

enum err_code
loaders_place(struct restore_loaders *l, struct err *err)
{
	for (size_t i = 0; i < l->count; i++) {
		struct loader *it = &l->items[i];
		struct place_sink s = { { &place_ops }, l->job, it, -1 };
		enum err_code rc = connector_restore_files(
		    it->connector, restore_dump_source(it->dump), &s.sink, err);
		if (s.fd >= 0)
			close(s.fd);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

static void
sample(void *arg, struct event *e)
{
	const struct restore_loaders *l = arg;
	for (size_t i = 0; i < l->count; i++)
		e->bytes += restore_dump_bytes(l->items[i].dump);
	e->bytes_total = l->bytes_total;
}

static enum err_code
load_one(struct restore_loaders *l, struct loader *it, struct err *err)
{
	struct event_sink *events = l->job->engine->events;
	if (connector_wait_ready(it->connector, l->job->opt->wait_s * 1000, err) ||
	    connector_load(it->connector, restore_dump_source(it->dump), err))
		return err->code;
	if (restore_dump_check(it->dump, err))
		return err_wrap(err, "service %s", it->db->service);
	const struct db_report *report = connector_report(it->connector);
	for (size_t i = 0; i < report->warnings.len; i++)
		event_warning(events, it->db->service, "%s", report->warnings.items[i]);
	struct event e = { .kind = EVENT_MEMBER,
		.subject = it->db->service,
		.text = db_kind_title(it->db->kind),
		.bytes = restore_dump_bytes(it->dump) };
	event_emit(events, &e);
	return ERR_OK;
}

static void *
run_loader(void *arg)
{
	struct loader *it = arg;
	struct restore_loaders *l = it->all;
	enum err_code rc = load_one(l, it, &it->err);
	pthread_mutex_lock(&l->lock);
	if (rc != ERR_OK && l->first.code == ERR_OK) {
		l->first = it->err;
		cancel_raise(&l->stop); /* the restore has failed: the others need not go on */
	}
	l->running--;
	pthread_cond_signal(&l->ended);
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

static void
start_loaders(struct restore_loaders *l)
{
	for (size_t i = 0; i < l->count; i++) {
		struct loader *it = &l->items[i];
		pthread_mutex_lock(&l->lock);
		l->running++;
		pthread_mutex_unlock(&l->lock);
		struct err err;
		it->has_thread =
		    thread_start(&it->thread, run_loader, it, "load", &err) == ERR_OK;
		if (!it->has_thread)
			run_loader(it); /* then one after the other */
	}
}

/* Until all have ended; a Ctrl-C meanwhile is passed on. */
static void
wait_loaders(struct restore_loaders *l)
{
	pthread_mutex_lock(&l->lock);
	while (l->running > 0) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&l->ended, &l->lock, &until);
		if (cancel_is_raised(l->job->engine->cancel))
			cancel_raise(&l->stop);
	}
	pthread_mutex_unlock(&l->lock);
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].has_thread)
			pthread_join(l->items[i].thread, NULL);
}

enum err_code
loaders_load(struct restore_loaders *l, struct err *err)
{
	struct meter *meter;
	meter_start(&meter, l->job->engine->events, sample, l);
	start_loaders(l);
	wait_loaders(l);
	meter_stop(meter);
	if (l->first.code != ERR_OK)
		*err = l->first;
	return l->first.code;
}

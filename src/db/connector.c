#include "base/room.h"
#include "db/connector_impl.h"
#include "db/dataset.h"

#include "sys/clock.h"

#include <assert.h>
#include <poll.h>
#include <string.h>

#define READY_PAUSE_MS 200

static const struct {
	const char *word;
	const char *title;
} kinds[] = {
	[DB_NONE] = { "none", "no database" },
	[DB_POSTGRES] = { "postgres", "PostgreSQL" },
	[DB_MARIADB] = { "mariadb", "MariaDB" },
	[DB_MYSQL] = { "mysql", "MySQL" },
	[DB_REDIS] = { "redis", "Redis" },
	[DB_VALKEY] = { "valkey", "Valkey" },
	[DB_MONGODB] = { "mongodb", "MongoDB" },
};

const char *
db_kind_word(enum db_kind kind)
{
	return kinds[kind].word;
}

enum db_kind
db_kind_of_word(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].word, word) == 0)
			return (enum db_kind)i;
	return DB_NONE;
}

size_t
db_kind_count(void)
{
	return ARRAY_LEN(kinds);
}

const char *
db_kind_title(enum db_kind kind)
{
	return kinds[kind].title;
}

const char *
dump_format_word(enum dump_format format)
{
	static const char *const words[] = {
		[DUMP_POSTGRES] = "postgres",
		[DUMP_MYSQL] = "mysql",
		[DUMP_RDB] = "rdb",
		[DUMP_BSON] = "bson",
		[DUMP_METADATA] = "metadata",
		[DUMP_JSON] = "json",
		[DUMP_FILE] = "file",
	};
	return words[format];
}

void
db_info_release(struct db_info *info)
{
	for (size_t i = 0; i < info->database_count; i++)
		free(info->databases[i].name);
	free(info->databases);
	free(info->version);
	strv_release(&info->warnings);
	strv_release(&info->missing);
	*info = (struct db_info)DB_INFO_INIT;
}

enum err_code
info_add_database(
    struct db_info *info, const char *name, uint64_t bytes, uint64_t objects, struct err *err)
{
	if (ROOM_SHORT(info->databases, info->database_count, err))
		return err->code;
	char *copy;
	if (str_dup(&copy, name, err))
		return err->code;
	info->databases[info->database_count++] = (struct db_database){ copy, bytes, objects };
	info->bytes += bytes;
	return ERR_OK;
}

static enum err_code
wrap_target(const struct db_target *t, struct err *err)
{
	return err_wrap(err, "%s %s", t->site != NULL ? "database" : "service", t->service);
}

static enum err_code
wrap(const struct connector *c, struct err *err)
{
	return wrap_target(c->t, err);
}

enum err_code
connector_open(
    struct connector **out, const struct db_target *t, enum db_kind kind, struct err *err)
{
	struct connector *c = NULL;
	enum err_code rc = ERR_OK;
	switch (kind) {
	case DB_POSTGRES:
		rc = postgres_open(&c, t, err);
		break;
	case DB_MARIADB:
	case DB_MYSQL:
		rc = mysql_open(&c, t, kind, err);
		break;
	case DB_REDIS:
	case DB_VALKEY:
		rc = redis_open(&c, t, kind, err);
		break;
	case DB_MONGODB:
		rc = mongo_open(&c, t, err);
		break;
	case DB_NONE:
		rc = err_set(err, ERR_USAGE, "not a database that is known");
		break;
	}
	if (rc)
		return wrap_target(t, err);
	c->t = t;
	c->report.info.kind = kind;
	c->report.fence.kind = kind;
	*out = c;
	return ERR_OK;
}

static void
release_report(struct db_report *r)
{
	for (size_t i = 0; i < r->stream_count; i++) {
		free(r->streams[i].name);
		free(r->streams[i].database);
		free(r->streams[i].tool);
		strv_release(&r->streams[i].argv);
		census_free(r->streams[i].census);
	}
	free(r->streams);
	db_info_release(&r->info);
	strv_release(&r->warnings);
}

void
connector_close(struct connector *c)
{
	if (c == NULL)
		return;
	release_report(&c->report);
	dataset_free(c->dataset);
	c->ops->close(c);
}

enum err_code
connector_check(struct connector *c, const struct db_info **info, struct err *err)
{
	assert(c->t->runner != NULL);
	enum db_kind kind = c->report.info.kind;
	db_info_release(&c->report.info);
	c->report.info.kind = kind;
	c->state = CONNECTOR_OPEN;
	if (c->ops->check(c, err))
		return wrap(c, err);
	c->state = CONNECTOR_CHECKED;
	*info = &c->report.info;
	return ERR_OK;
}

enum err_code
connector_access(struct connector *c, struct db_access *out, struct err *err)
{
	assert(c->state == CONNECTOR_CHECKED && c->t->site != NULL);
	if (c->ops->access == NULL)
		return ERR_OK;
	return c->ops->access(c, out, err) ? wrap(c, err) : ERR_OK;
}

enum err_code
connector_prepare(struct connector *c, struct err *err)
{
	assert(c->state == CONNECTOR_CHECKED);
	c->state = CONNECTOR_SPENT;
	if (c->ops->prepare(c, err))
		return wrap(c, err);
	c->state = CONNECTOR_PREPARED;
	return ERR_OK;
}

enum err_code
connector_fence(struct connector *c, struct db_fence *fence, struct err *err)
{
	assert(c->state == CONNECTOR_PREPARED);
	c->state = CONNECTOR_SPENT;
	c->report.fence.begin_ns = clock_wall_ns();
	if (c->ops->fence(c, err))
		return wrap(c, err);
	c->report.fence.end_ns = clock_wall_ns();
	c->state = CONNECTOR_FENCED;
	*fence = c->report.fence;
	return ERR_OK;
}

enum err_code
connector_drain(struct connector *c, struct dump_sink *sink, struct err *err)
{
	assert(c->state == CONNECTOR_FENCED);
	c->state = CONNECTOR_SPENT;
	return c->ops->drain(c, sink, err) ? wrap(c, err) : ERR_OK;
}

const struct db_report *
connector_report(const struct connector *c)
{
	return &c->report;
}

enum err_code
connector_restore_files(
    struct connector *c, struct dump_source *src, struct file_sink *sink, struct err *err)
{
	if (c->ops->restore_files == NULL)
		return ERR_OK;
	return c->ops->restore_files(c, src, sink, err) ? wrap(c, err) : ERR_OK;
}

/* Sleeps for a moment, less when the work is cancelled. */
static void
pause_a_moment(const struct connector *c)
{
	struct pollfd pfd = { cancel_fd(c->t->cancel), POLLIN, 0 };
	poll(&pfd, 1, READY_PAUSE_MS);
}

enum err_code
connector_wait_ready(struct connector *c, int timeout_ms, struct err *err)
{
	assert(c->t->runner != NULL);
	int64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
	for (;;) {
		enum err_code rc = c->ops->ready(c, err);
		if (rc == ERR_OK)
			return ERR_OK;
		if (rc != ERR_TRANSIENT)
			return wrap(c, err);
		if (clock_mono_ns() >= deadline) {
			err_wrap(err, "%s is not ready after %d ms",
			    db_kind_title(c->report.info.kind), timeout_ms);
			return wrap(c, err);
		}
		pause_a_moment(c);
		struct err cancelled;
		if (cancel_check(c->t->cancel, &cancelled)) {
			*err = cancelled;
			return wrap(c, err);
		}
	}
}

enum err_code
connector_load(struct connector *c, struct dump_source *src, struct err *err)
{
	assert(c->t->runner != NULL);
	return c->ops->load(c, src, err) ? wrap(c, err) : ERR_OK;
}

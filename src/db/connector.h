/*
 * connector.h: a database as one member of a snapshot.
 *
 * A connector takes a running database to a folder of native dump files and
 * back.  It runs the database's own tools inside the database's own container,
 * or on this host for a database outside of stacks (site.h), or speaks its
 * protocol, through a struct runner; it knows nothing of Docker, of storage and
 * of hashing.  PostgreSQL, MariaDB, MySQL, Redis, Valkey and MongoDB are known.
 *
 * A backup calls, in this order:
 *
 *	connector_open      nothing is contacted yet
 *	connector_check     preflight: tools, password, what there is to dump
 *	connector_prepare   sessions are opened, so that the next step is short
 *	connector_fence     the instant: consistent snapshots open (apps may be paused)
 *	connector_drain     the dumps flow into a sink (apps run again)
 *	connector_report    what was done, for the snapshot's metadata
 *	connector_close     from any state; ends what still runs
 *
 * and a restore:
 *
 *	connector_open
 *	connector_restore_files   before the server's first start; runner may be NULL
 *	(the caller starts the service on an empty or so filled data folder)
 *	connector_wait_ready      the real server answers, not the image's set-up one
 *	connector_load            makes the server hold what was dumped, nothing else
 *	connector_close
 *
 * Gates: a dump counts only if its tool ended with status 0, its own end mark
 * was seen, its checksum (RDB) is right, and it holds by name what the
 * server's catalogue had (objects.h).  Otherwise connector_drain gives ERR_INCOMPLETE, naming
 * service, stream and what the tool said, and the sink never sees end() for
 * that stream.
 *
 * Ownership: a target is borrowed and must outlive the connector, with all
 *            that it points to.
 * Threads:   one thread at a time for one connector; different connectors may
 *            be driven on different threads at once.
 * Errors:    ERR_USAGE for what the user must mend (no password, no tool),
 *            ERR_DENIED when the server refuses the password, ERR_TRANSIENT when
 *            it does not answer, ERR_UNSUPPORTED, ERR_INCOMPLETE (see above),
 *            ERR_CANCELLED, and what runner and sink give.  Each message begins
 *            with "service NAME: ", or "database NAME: " for a site's.
 */
#ifndef DB_CONNECTOR_H
#define DB_CONNECTOR_H

#include "base/strv.h"
#include "db/access.h"
#include "db/census.h"
#include "sys/cancel.h"
#include "sys/runner.h"

#include <stdbool.h>
#include <sys/types.h>

enum db_kind {
	DB_NONE = 0,
	DB_POSTGRES,
	DB_MARIADB,
	DB_MYSQL,
	DB_REDIS,
	DB_VALKEY,
	DB_MONGODB,
};

/* "postgres", "mariadb", "mysql", "redis", "valkey", "mongodb"; "none". */
const char *db_kind_word(enum db_kind kind);
/* The kind of such a word; DB_NONE for any other. */
enum db_kind db_kind_of_word(const char *word);
/* How many words there are, "none" among them: kinds are counted from DB_NONE. */
size_t db_kind_count(void);
/* "PostgreSQL", "MariaDB", ...: for people. */
const char *db_kind_title(enum db_kind kind);

struct db_site;

/* What is known of a service, from its container's inspect data, or of a database outside of
 * stacks, from its site.  Lists may be NULL. */
struct db_target {
	const char *service; /* of a site: what the user calls it */
	const struct db_site *site; /* NULL: a container's.  With it, the runner's place is this
				       host, and all that follows but the runner is NULL */
	const char *image; /* the reference as written in the compose file */
	const struct strv *env; /* NAME=value, the image's own included */
	const struct strv *entrypoint;
	const struct strv *command;
	const struct strv *ports; /* exposed: "5432/tcp" */
	const struct strv *mounts; /* where volumes and binds appear in the container */
	const char *user; /* log in as; NULL: find out from env and command */
	const char *password; /* likewise */
	struct runner *runner; /* NULL is enough for detection and connector_restore_files */
	const struct cancel *cancel; /* may be NULL */
	int stall_ms; /* a dump that gives no byte for so long has failed; 0: half an hour */
};

/* Which database the service is, told by image name, entrypoint, command, env and port.  Only
 * servers count: exporters, admin pages, backup jobs and clients are DB_NONE. */
enum db_kind connector_detect(const struct db_target *t);

/* The folder inside the container that holds the database's own files; *out is the caller's. */
MUST_CHECK enum err_code connector_data_folder(
    char **out, const struct db_target *t, enum db_kind kind, struct err *err);

enum db_mount_use {
	DB_MOUNT_OTHER, /* not the database's: captured as files */
	DB_MOUNT_DATA, /* at or below the data folder: never captured as files */
	DB_MOUNT_AROUND, /* the data folder lies inside it: captured without that folder */
};

/* What the mount at this place in the container is to a database of this kind. */
enum db_mount_use connector_mount_use(
    const struct db_target *t, enum db_kind kind, const char *destination);

struct db_database {
	char *name;
	uint64_t bytes; /* on the server's disk or in its memory, about */
	uint64_t objects; /* tables and sequences, or keys */
};

/* What connector_check found. */
struct db_info {
	enum db_kind kind;
	char *version; /* of the server, as it says it */
	struct db_database *databases;
	size_t database_count;
	uint64_t bytes; /* about what a dump reads */
	struct strv warnings; /* what will not be captured, or not consistently */
	struct strv missing; /* whole databases that this account may not read */
};

#define DB_INFO_INIT                                            \
	{                                                       \
		DB_NONE, NULL, NULL, 0, 0, STRV_INIT, STRV_INIT \
	}

void db_info_release(struct db_info *info);

static inline void UNUSED
db_info_auto(struct db_info *info)
{
	db_info_release(info);
}

/* The instant of a dump: its state is that of one moment between begin and end. */
struct db_fence {
	enum db_kind kind;
	int64_t begin_ns; /* wall clock */
	int64_t end_ns;
	/* "LSN 0/1A2B3C8", "GTID 0-1-42", "binlog.000002:1337", "REPLID:OFFSET",
	 * "optime 1732212345:7"; "" when the server keeps no such thing.  "A to B" when it
	 * moved while the fence was set. */
	char position[256];
};

enum dump_format {
	DUMP_POSTGRES, /* pg_dump's plain text */
	DUMP_MYSQL, /* mariadb-dump's and mysqldump's text */
	DUMP_RDB,
	DUMP_BSON, /* one collection's documents, as mongodump has them */
	DUMP_METADATA, /* and its options and indexes */
	DUMP_JSON, /* server.json: what a restore must know beside the dump itself */
	DUMP_FILE, /* a file of the data folder that a restore puts back as it was */
};

/* "postgres", "mysql", "rdb", "bson", "metadata", "json", "file": kept in a snapshot's
 * metadata. */
const char *dump_format_word(enum dump_format format);

/* One dump file. */
struct dump_stream {
	/* safe as a file name: "shop.sql", "my%2Fdb.sql", "dump.rdb"; of MongoDB with its
	 * folder: "shop/orders.bson" */
	char *name;
	char *database; /* the true name; NULL when the stream is not of one database */
	enum dump_format format;
	uint64_t bytes; /* what was streamed; 0 while it has not ended */
	char *tool; /* "pg_dump (PostgreSQL) 15.8"; NULL when no tool ran */
	struct strv argv; /* how it was called; secrets are never in it */
	struct census *census; /* what it holds (census.h); NULL: it holds no tables or keys, or
				  has not ended */
};

/*
 * Where dumps go.  The caller embeds struct dump_sink.  For each stream:
 * begin, any number of writes, then end if it passed its gates.  A failed
 * stream gets no end; connector_drain then stops and nothing follows.
 *
 * A sink with part, rows and border gets streams of SQL and RDB cut into parts
 * (dataset.h): part before the first byte of each, then its bytes by write and
 * rows, in order, as struct dataset_ops says.  One of documents (DUMP_BSON) has
 * no parts, and comes by rows.  Other streams come by write
 * alone, as all do to a sink whose part is NULL.
 */
struct dump_sink;
struct dataset_part;

struct dump_sink_ops {
	enum err_code (*begin)(
	    struct dump_sink *sink, const struct dump_stream *stream, struct err *err);
	enum err_code (*write)(
	    struct dump_sink *sink, const void *data, size_t len, struct err *err);
	enum err_code (*end)(struct dump_sink *sink, struct err *err);
	/* All NULL or none. */
	enum err_code (*part)(
	    struct dump_sink *sink, const struct dataset_part *part, struct err *err);
	enum err_code (*rows)(struct dump_sink *sink, const void *data, size_t len,
	    const uint32_t *ends, size_t count, struct err *err);
	enum err_code (*border)(struct dump_sink *sink, struct err *err);
};

struct dump_sink {
	const struct dump_sink_ops *ops;
};

/*
 * Where dumps come from: the files of one dataset, one open at a time.  read
 * gives 0 in *got at the end of the file; open gives ERR_NOT_FOUND for a name
 * that is not there; close is called after every successful open.
 */
struct dump_source;

struct dump_source_ops {
	enum err_code (*list)(struct dump_source *src, struct strv *names, struct err *err);
	enum err_code (*open)(struct dump_source *src, const char *name, struct err *err);
	enum err_code (*read)(
	    struct dump_source *src, void *out, size_t len, size_t *got, struct err *err);
	void (*close)(struct dump_source *src);
};

struct dump_source {
	const struct dump_source_ops *ops;
};

/* A file or folder to be put into the data folder before the server's first start. */
struct db_file {
	const char
	    *path; /* absolute, as the container sees it; a folder precedes what is in it */
	mode_t mode; /* with S_IFREG or S_IFDIR */
	uid_t uid;
	gid_t gid;
};

/* For each file begin, writes, end; for a folder begin and end. */
struct file_sink;

struct file_sink_ops {
	enum err_code (*begin)(
	    struct file_sink *sink, const struct db_file *file, struct err *err);
	enum err_code (*write)(
	    struct file_sink *sink, const void *data, size_t len, struct err *err);
	enum err_code (*end)(struct file_sink *sink, struct err *err);
};

struct file_sink {
	const struct file_sink_ops *ops;
};

/* What was done, by a backup or a restore. */
struct db_report {
	struct db_info info; /* as of connector_check */
	struct db_fence fence;
	struct dump_stream *streams;
	size_t stream_count;
	struct strv warnings; /* of fence, drain and load; info.warnings has the preflight's */
};

struct connector;

/* kind is not DB_NONE; usually what connector_detect said. */
MUST_CHECK enum err_code connector_open(
    struct connector **out, const struct db_target *t, enum db_kind kind, struct err *err);
void connector_close(struct connector *c);
AUTO_FREE(connector, struct connector *, connector_close)

/* Is everything there that a dump needs?  *info stays the connector's. */
MUST_CHECK enum err_code connector_check(
    struct connector *c, const struct db_info **info, struct err *err);
/* After connector_check: what the account may do.  out is DB_ACCESS_INIT.  Of a site. */
MUST_CHECK enum err_code connector_access(
    struct connector *c, struct db_access *out, struct err *err);
/* After connector_check. */
MUST_CHECK enum err_code connector_prepare(struct connector *c, struct err *err);
/* After connector_prepare.  From begin to end is what the applications wait for. */
MUST_CHECK enum err_code connector_fence(
    struct connector *c, struct db_fence *fence, struct err *err);
/* After connector_fence, once. */
MUST_CHECK enum err_code connector_drain(
    struct connector *c, struct dump_sink *sink, struct err *err);
/* Valid until connector_close; complete after connector_drain (or connector_load). */
const struct db_report *connector_report(const struct connector *c);

/* Redis and Valkey: the files that hold the data, in the form that the server will read (an
 * append-only folder when it appends).  The others: nothing. */
MUST_CHECK enum err_code connector_restore_files(
    struct connector *c, struct dump_source *src, struct file_sink *sink, struct err *err);
/* ERR_TRANSIENT with the last refusal when the server is not there in time. */
MUST_CHECK enum err_code connector_wait_ready(
    struct connector *c, int timeout_ms, struct err *err);
/* Replaces ALL databases, roles and users of the server by those of the dump.  Redis and
 * Valkey: checks that the server read what connector_restore_files placed. */
MUST_CHECK enum err_code connector_load(
    struct connector *c, struct dump_source *src, struct err *err);

#endif

#include "db/redis_impl.h"

#include "db/rdb.h"
#include "db/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The server answers PSYNC only when its child was forked. */
#define FORK_TIMEOUT_MS 20000
/* A save to disk keeps the connection alive with newlines every ten seconds. */
#define FILE_TIMEOUT_MS 120000
#define CHUNK ((size_t)256 << 10)

enum err_code
sync_open(struct redis_sync *s, const struct redis_login *l, struct err *err)
{
	if (link_open(&s->link, l, err))
		return err->code;
	if (link_resp(s->link) == NULL)
		return ERR_OK;
	/* Since 6.2: no command stream for us, so a slow reader costs the server no memory. */
	const char *argv[] = { "REPLCONF", "rdb-only", "1", NULL };
	AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
	return resp_call(link_resp(s->link), argv, &reply, err);
}

/*
 * A server forks at once for a replica that cannot take "$EOF:", but then the
 * child writes a temporary file first.  For one that can, it waits
 * repl-diskless-sync-delay seconds unless that is 0.  So both settings are
 * changed for the moment of the fork.  Where CONFIG is refused the temporary
 * file is what remains.
 */
static bool
set_diskless(struct redis_sync *s, struct link *ctl)
{
	struct err refused; /* then the other way is taken */
	if (link_config(ctl, "repl-diskless-sync", &s->diskless, &refused) ||
	    link_config(ctl, "repl-diskless-sync-delay", &s->diskless_delay, &refused)) {
		free(TAKE(s->diskless));
		return false;
	}
	if (link_set_config(ctl, "repl-diskless-sync", "yes", &refused)) {
		/* An account that may look, but not set: nothing is to be put back. */
		free(TAKE(s->diskless));
		free(TAKE(s->diskless_delay));
		return false;
	}
	return link_set_config(ctl, "repl-diskless-sync-delay", "0", &refused) == ERR_OK;
}

enum err_code
sync_put_back(struct redis_sync *s, struct link *ctl, struct err *err)
{
	struct err second;
	enum err_code rc = ERR_OK;
	if (s->diskless_delay != NULL)
		rc = link_set_config(ctl, "repl-diskless-sync-delay", s->diskless_delay, err);
	if (s->diskless != NULL &&
	    link_set_config(ctl, "repl-diskless-sync", s->diskless, &second) && rc == ERR_OK) {
		*err = second;
		rc = second.code;
	}
	free(TAKE(s->diskless_delay));
	free(TAKE(s->diskless));
	return rc;
}

static enum err_code
send_psync(struct redis_sync *s, bool diskless, struct err *err)
{
	const char *capa[] = { "REPLCONF", "capa", "eof", NULL };
	const char *psync[] = { "PSYNC", "?", "-1", NULL };
	struct resp *r = link_resp(s->link);
	AUTO(resp_reply) struct resp_reply reply = RESP_REPLY_INIT;
	if (diskless && resp_call(r, capa, &reply, err))
		return err->code;
	return resp_send(r, psync, err);
}

static enum err_code
read_fullresync(struct redis_sync *s, struct err *err)
{
	char line[512];
	struct resp *r = link_resp(s->link);
	resp_set_timeout(r, FORK_TIMEOUT_MS);
	do {
		if (resp_line(r, line, sizeof line, err))
			return err_wrap(err, "full synchronisation");
	} while (line[0] == '\0');
	if (sscanf(line, "+FULLRESYNC %63[0-9a-zA-Z] %" SCNu64, s->replid, &s->offset) == 2)
		return ERR_OK;
	return err_set(err, line[0] == '-' ? ERR_IO : ERR_CORRUPT,
	    "the server refuses a full synchronisation: %.300s",
	    line[0] != '\0' ? line + 1 : line);
}

/* redis-cli does the same dialogue; its first byte of output comes after the fork. */
static enum err_code
begin_by_cli(struct redis_sync *s, struct err *err)
{
	static const char *const args[] = { "--rdb", "-", NULL };
	if (link_cli(s->link, args, &s->cli, err) || buf_reserve(&s->first, 4096, err))
		return err->code;
	size_t got;
	if (run_read(s->cli, s->first.data, 4096, &got, err))
		return err->code;
	s->first.len = got;
	if (got > 0)
		return ERR_OK;
	struct tool_end end;
	if (tool_finish(s->cli, &end, err))
		return err->code;
	return err_set(err, ERR_IO, "redis-cli ended with status %d before the dump began: %s",
	    end.status, end.said[0] != '\0' ? end.said : "it said nothing");
}

enum err_code
sync_begin(struct redis_sync *s, struct link *ctl, uint64_t min_offset, struct err *err)
{
	bool diskless = set_diskless(s, ctl);
	enum err_code rc;
	if (link_resp(s->link) == NULL) {
		rc = begin_by_cli(s, err);
	} else {
		rc = send_psync(s, diskless, err);
		if (rc == ERR_OK)
			rc = read_fullresync(s, err);
	}
	struct err later; /* the first failure is the one to tell */
	enum err_code back = sync_put_back(s, ctl, &later);
	if (rc == ERR_OK && back) {
		*err = later;
		rc = err_wrap(err, "put repl-diskless-sync back");
	}
	if (rc)
		return rc;
	/* The server may hand out a file that it had begun for another replica. */
	if (link_resp(s->link) != NULL && s->offset < min_offset)
		return err_set(err, ERR_TRANSIENT,
		    "another replica's synchronisation was under way: "
		    "its state (offset %" PRIu64 ") is older than the fence (%" PRIu64
		    "); try again",
		    s->offset, min_offset);
	return ERR_OK;
}

/* How the file's end is known. */
struct framing {
	bool by_mark;
	uint64_t length;
	char mark[REDIS_MARK];
};

static enum err_code
read_framing(struct resp *r, struct framing *f, struct err *err)
{
	char line[128];
	do {
		if (resp_line(r, line, sizeof line, err))
			return err->code;
	} while (line[0] == '\0');
	if (str_starts(line, "$EOF:") && strlen(line) == 5 + REDIS_MARK) {
		f->by_mark = true;
		memcpy(f->mark, line + 5, REDIS_MARK);
		return ERR_OK;
	}
	char *end = line;
	if (line[0] == '$' && line[1] >= '0' && line[1] <= '9')
		f->length = strtoull(line + 1, &end, 10);
	if (end == line || *end != '\0')
		return err_set(err, line[0] == '-' ? ERR_INCOMPLETE : ERR_CORRUPT,
		    "the server sends no file: %.100s", line);
	return ERR_OK;
}

static enum err_code
pass_on(const struct dump_out *d, struct rdb_check *check, const void *data, size_t len,
    struct err *err)
{
	rdb_check_feed(check, data, len);
	return dump_write(d, data, len, err);
}

static enum err_code
drain_by_length(struct resp *r, uint64_t length, uint8_t *chunk, const struct dump_out *d,
    struct rdb_check *check, struct err *err)
{
	while (check->bytes < length) {
		uint64_t left = length - check->bytes;
		size_t got;
		if (resp_bytes(r, chunk, left < CHUNK ? (size_t)left : CHUNK, &got, err))
			return err->code;
		if (got == 0)
			return err_set(err, ERR_INCOMPLETE,
			    "the server closed the connection after "
			    "%" PRIu64 " of %" PRIu64 " bytes",
			    check->bytes, length);
		if (pass_on(d, check, chunk, got, err))
			return err->code;
	}
	return ERR_OK;
}

/* The last REDIS_MARK bytes are kept back, for they may be the mark.  The server sends nothing
 * behind it before the replica has acknowledged the file. */
static enum err_code
drain_by_mark(struct resp *r, const char *mark, uint8_t *chunk, const struct dump_out *d,
    struct rdb_check *check, struct err *err)
{
	size_t held = 0;
	for (;;) {
		size_t got;
		if (resp_bytes(r, chunk + held, CHUNK - held, &got, err))
			return err->code;
		if (got == 0)
			return err_set(err, ERR_INCOMPLETE,
			    "the server closed the connection after "
			    "%" PRIu64 " bytes, before the file's end",
			    check->bytes + held);
		held += got;
		if (held < REDIS_MARK)
			continue;
		if (pass_on(d, check, chunk, held - REDIS_MARK, err))
			return err->code;
		memmove(chunk, chunk + held - REDIS_MARK, REDIS_MARK);
		held = REDIS_MARK;
		if (memcmp(chunk, mark, REDIS_MARK) == 0)
			return ERR_OK;
	}
}

static enum err_code
drain_resp(struct resp *r, uint8_t *chunk, const struct dump_out *d, struct rdb_check *check,
    struct err *err)
{
	struct framing f = { 0 };
	resp_set_timeout(r, FILE_TIMEOUT_MS);
	if (read_framing(r, &f, err))
		return err->code;
	if (f.by_mark)
		return drain_by_mark(r, f.mark, chunk, d, check, err);
	return drain_by_length(r, f.length, chunk, d, check, err);
}

/* redis-cli leaves the mark of a diskless transfer behind the file when it writes to a pipe:
 * the bytes kept back belong to the file if the file is not whole without them. */
static enum err_code
finish_cli(struct redis_sync *s, const uint8_t *held, size_t len, const struct dump_out *d,
    struct rdb_check *check, struct err *err)
{
	struct tool_end end;
	if (tool_finish(s->cli, &end, err))
		return err_wrap(err, "redis-cli");
	if (end.status != 0)
		return err_set(err, ERR_INCOMPLETE,
		    "redis-cli ended with status %d after %" PRIu64 " bytes: %s", end.status,
		    check->bytes + len, end.said);
	size_t sure = len > REDIS_MARK ? len - REDIS_MARK : 0;
	if (pass_on(d, check, held, sure, err))
		return err->code;
	bool has_crc;
	struct err ignored;
	if (rdb_check_finish(check, &has_crc, &ignored) == ERR_OK)
		return ERR_OK;
	return pass_on(d, check, held + sure, len - sure, err);
}

static enum err_code
drain_cli(struct redis_sync *s, uint8_t *chunk, const struct dump_out *d,
    struct rdb_check *check, struct err *err)
{
	size_t held = s->first.len;
	memcpy(chunk, s->first.data, held);
	for (;;) {
		size_t got;
		if (cancel_check(d->c->t->cancel, err) ||
		    run_read(s->cli, chunk + held, CHUNK - held, &got, err))
			return err->code;
		held += got;
		if (got == 0)
			return finish_cli(s, chunk, held, d, check, err);
		if (held <= REDIS_MARK)
			continue;
		if (pass_on(d, check, chunk, held - REDIS_MARK, err))
			return err->code;
		memmove(chunk, chunk + held - REDIS_MARK, REDIS_MARK);
		held = REDIS_MARK;
	}
}

enum err_code
sync_drain(struct redis_sync *s, const struct dump_out *d, bool *empty, struct err *err)
{
	AUTO(mem) uint8_t *chunk = malloc(CHUNK);
	if (chunk == NULL)
		return err_nomem(err);
	struct rdb_check check;
	rdb_check_init(&check);
	enum err_code rc = s->cli != NULL
			       ? drain_cli(s, chunk, d, &check, err)
			       : drain_resp(link_resp(s->link), chunk, d, &check, err);
	bool has_crc;
	if (rc || rdb_check_finish(&check, &has_crc, err))
		return err->code;
	if (!has_crc && dump_warn(d->c, err,
			    "the server runs with rdbchecksum no: only the length and the "
			    "end mark of its dump could be checked"))
		return err->code;
	*empty = rdb_check_is_empty(&check);
	return ERR_OK;
}

void
sync_close(struct redis_sync *s)
{
	link_close(s->link);
	run_free(s->cli);
	buf_release(&s->first);
	free(s->diskless);
	free(s->diskless_delay);
}

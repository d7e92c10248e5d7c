#include "db/session.h"

#include "base/bytes.h"
#include "base/log.h"
#include "db/tool.h"
#include "sys/rand.h"

#include <string.h>

#define TOKEN_BYTES 12
#define TOKEN_SIZE (2 * TOKEN_BYTES + 1)
#define GOODBYE_TIMEOUT_MS 2000
#define ANSWER_MAX ((size_t)256 << 20)

struct session {
	struct run *run;
	char *client;
	enum session_dialect dialect;
	char token[TOKEN_SIZE]; /* of the question that is open */
	struct buf pending; /* read, but not yet part of an answer */
};

enum err_code
session_open(struct session **out, const struct db_target *t, const struct run_spec *spec,
    enum session_dialect dialect, struct err *err)
{
	AUTO(session) struct session *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	if (str_dup(&s->client, spec->argv[0], err))
		return err->code;
	s->dialect = dialect;
	struct run_spec open = *spec;
	open.has_stdin = true;
	if (runner_start(t->runner, &open, &s->run, err))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

/* A client that reads to the end of its input takes leave of the server, which would otherwise
 * log a broken connection. */
static void
say_goodbye(struct run *run)
{
	struct err ignored; /* then run_free ends it */
	int status;
	if (run_close_stdin(run, &ignored) == ERR_OK &&
	    run_wait(run, GOODBYE_TIMEOUT_MS, &status, &ignored) != ERR_OK)
		log_debug("session: %s", ignored.msg);
}

void
session_close(struct session *s)
{
	if (s == NULL)
		return;
	if (s->run != NULL)
		say_goodbye(s->run);
	run_free(s->run);
	buf_release(&s->pending);
	free(s->client);
	free(s);
}

/* The client has ended, or does not read any more: say with what words. */
static enum err_code
client_ended(struct session *s, struct err *err)
{
	struct tool_end end;
	if (tool_finish(s->run, &end, err))
		return err_wrap(err, "%s", s->client);
	return err_set(err, ERR_IO, "%s ended with status %d: %s", s->client, end.status,
	    end.said[0] != '\0' ? end.said : "it said nothing");
}

enum err_code
session_send(struct session *s, const char *sql, struct err *err)
{
	uint8_t raw[TOKEN_BYTES];
	if (rand_bytes(raw, sizeof raw, err))
		return err->code;
	hex_encode(s->token, raw, sizeof raw);
	AUTO(bufv) struct buf text = BUF_INIT;
	enum err_code rc =
	    s->dialect == SESSION_POSTGRES
		? buf_printf(&text, err,
		      "%s\nSET stacksnap.token = '%s';\nSHOW stacksnap.token;\n", sql, s->token)
		: buf_printf(&text, err, "%s\nSELECT '%s';\n", sql, s->token);
	if (rc)
		return err->code;
	if (run_write(s->run, text.data, text.len, err) == ERR_OK)
		return ERR_OK;
	return err->code == ERR_CANCELLED ? ERR_CANCELLED : client_ended(s, err);
}

/* Where in the pending bytes the token's line begins; the length when it is not there yet. */
static size_t
find_token(const struct session *s, size_t from)
{
	const uint8_t *data = s->pending.data;
	const size_t len = s->pending.len;
	const size_t want = TOKEN_SIZE - 1;
	for (size_t at = from; len - at > want;) {
		if (memcmp(data + at, s->token, want) == 0 && data[at + want] == '\n')
			return at;
		const uint8_t *nl = memchr(data + at, '\n', len - at);
		if (nl == NULL)
			break;
		at = (size_t)(nl - data) + 1;
	}
	return len;
}

/* The last line that has begun: where a search goes on when more has come. */
static size_t
last_line(const struct session *s)
{
	const uint8_t *nl =
	    s->pending.len > 0 ? memrchr(s->pending.data, '\n', s->pending.len) : NULL;
	return nl != NULL ? (size_t)(nl - s->pending.data) + 1 : 0;
}

enum err_code
session_reply(struct session *s, struct buf *out, struct err *err)
{
	s->pending.len = 0;
	size_t searched = 0;
	for (;;) {
		if (buf_reserve(&s->pending, 16384, err))
			return err->code;
		size_t got;
		if (run_read(s->run, s->pending.data + s->pending.len, 16384, &got, err))
			return err_wrap(err, "%s", s->client);
		if (got == 0)
			return client_ended(s, err);
		s->pending.len += got;
		size_t at = find_token(s, searched);
		if (at < s->pending.len)
			return buf_add(out, s->pending.data, at, err);
		searched = last_line(s);
		if (s->pending.len > ANSWER_MAX)
			return err_set(err, ERR_CORRUPT, "%s: answer is longer than %zu bytes",
			    s->client, ANSWER_MAX);
	}
}

enum err_code
session_ask(struct session *s, const char *sql, struct buf *out, struct err *err)
{
	if (session_send(s, sql, err))
		return err->code;
	return session_reply(s, out, err);
}

enum err_code
session_ask_line(struct session *s, const char *sql, char **out, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s, sql, &answer, err))
		return err->code;
	const char *text = buf_cstr(&answer);
	if (text == NULL)
		return err_nomem(err);
	return str_dupn(out, text, strcspn(text, "\n"), err);
}

bool
session_row(char **text, char **columns, size_t count)
{
	char *at = *text;
	if (*at == '\0')
		return false;
	char *end = strchrnul(at, '\n');
	*text = *end == '\n' ? end + 1 : end;
	*end = '\0';
	for (size_t i = 0; i < count; i++) {
		columns[i] = at;
		if (i + 1 == count)
			break;
		at = strchr(at, '|');
		if (at == NULL)
			return false;
		*at++ = '\0';
	}
	return true;
}

enum err_code
session_unhex(char **out, const char *hex, struct err *err)
{
	size_t len = strlen(hex);
	AUTO(str) char *lower = NULL;
	if (str_dup(&lower, hex, err))
		return err->code;
	for (char *p = lower; *p != '\0'; p++)
		*p = *p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p;
	AUTO(str) char *text = calloc(1, len / 2 + 1);
	if (text == NULL)
		return err_nomem(err);
	if (!hex_decode((uint8_t *)text, len / 2, lower, len))
		return err_set(
		    err, ERR_CORRUPT, "unexpected answer: not hexadecimal: %.40s", hex);
	*out = TAKE(text);
	return ERR_OK;
}

enum err_code
session_ask_texts(struct session *s, const char *sql, struct strv *out, struct err *err)
{
	AUTO(bufv) struct buf answer = BUF_INIT;
	if (session_ask(s, sql, &answer, err))
		return err->code;
	if (buf_cstr(&answer) == NULL)
		return err_nomem(err);
	char *text = (char *)answer.data;
	char *row[1];
	while (session_row(&text, row, 1)) {
		AUTO(str) char *one = NULL;
		if (session_unhex(&one, row[0], err) || strv_add(out, one, err))
			return err->code;
	}
	return ERR_OK;
}

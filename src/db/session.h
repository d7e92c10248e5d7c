/*
 * session.h: a database's own command line client, kept open and asked.
 *
 * psql and mysql read statements from a pipe and answer on another.  After
 * each question the session asks for a random line of its own; all that comes
 * before that line is the answer.  The client is started so that it ends at
 * the first error: an answer that does not come is a failed statement, and
 * the client's last words say why.
 *
 * session_send and session_reply are apart, so that many sessions can be
 * asked at once.
 *
 * Threads: one at a time.
 * Errors:  ERR_IO with the client's words when a statement failed; the session
 *          is then of no more use.
 */
#ifndef DB_SESSION_H
#define DB_SESSION_H

#include "base/buf.h"
#include "base/strv.h"
#include "db/connector.h"

struct session;

/* How the session asks for its own line.  In PostgreSQL a SELECT would give an open transaction
 * its snapshot, so that the fence would lie where the question before it did; SHOW does not. */
enum session_dialect {
	SESSION_MYSQL,
	SESSION_POSTGRES,
};

/* spec names the client; its standard input is kept open. */
MUST_CHECK enum err_code session_open(struct session **out, const struct db_target *t,
    const struct run_spec *spec, enum session_dialect dialect, struct err *err);
/* Ends the client; an open transaction is rolled back. */
void session_close(struct session *s);
AUTO_FREE(session, struct session *, session_close)

/* sql is one or more whole statements, each with its semicolon. */
MUST_CHECK enum err_code session_send(struct session *s, const char *sql, struct err *err);
/* Append the answer, lines with their ends, to out. */
MUST_CHECK enum err_code session_reply(struct session *s, struct buf *out, struct err *err);
/* Both. */
MUST_CHECK enum err_code session_ask(
    struct session *s, const char *sql, struct buf *out, struct err *err);
/* One question, one line, without its end; *out is the caller's. */
MUST_CHECK enum err_code session_ask_line(
    struct session *s, const char *sql, char **out, struct err *err);

/*
 * Answers are rows of columns split by '|', and what can hold anything is asked
 * for in hexadecimal.  Takes the next row off *text (which is written to) into
 * columns; false at the end, or when there are not so many columns.
 */
bool session_row(char **text, char **columns, size_t count);
/* A column of hexadecimal digits as the text that it means; *out is the caller's. */
MUST_CHECK enum err_code session_unhex(char **out, const char *hex, struct err *err);
/* A question whose answers are of one column in hexadecimal: adds each as the text that it
 * means. */
MUST_CHECK enum err_code session_ask_texts(
    struct session *s, const char *sql, struct strv *out, struct err *err);

#endif

/*
 * verb.h: what web may ask of the keeper, and nothing else.
 *
 * A verb is a row in a table: what right it needs, what its arguments must look like, what
 * it does.  The keeper finds out who asks, refuses what the table does not allow, and writes
 * the audit entry of those that change something; a verb's function is called with arguments
 * that were checked, in one of the keeper's threads.
 *
 * Arguments come from a path, a query (both as strings) or a body: ARG_INT and ARG_BOOL take
 * the strings, too.  An argument that is not in the list is refused.
 *
 * Errors become problem+json: ERR_USAGE 400, ERR_DENIED 403, ERR_NOT_FOUND 404, ERR_EXISTS and
 * ERR_LOCKED 409, ERR_UNSUPPORTED 501, others 500; title and detail are the engine's own words.
 */
#ifndef SERVE_VERB_H
#define SERVE_VERB_H

#include "base/json.h"
#include "catalog/account.h"
#include "sys/cancel.h"

struct keeper;

enum arg_type {
	ARG_STRING, /* UTF-8 without control characters */
	ARG_TEXT, /* UTF-8, any character but NUL: names that others have given */
	/* a stack's, database's, token's: [A-Za-z0-9._-]+, 1 to 128, not beginning with '-' or
	 * '.' */
	ARG_NAME,
	ARG_ID, /* a snapshot's id or prefix: 4 to 64 hexadecimal digits */
	ARG_PATH, /* in a snapshot: no NUL, no "..", relative */
	ARG_ADDRESS, /* of a repository: an absolute folder, or s3:... */
	ARG_INT, /* min to max */
	ARG_BOOL,
	ARG_STRINGS, /* an array of ARG_STRING, at most max of them */
	ARG_TEXTS, /* the same of ARG_TEXT */
	ARG_OBJECT, /* the verb looks into it itself */
	ARG_SECRET, /* like ARG_STRING; never in a log, an audit entry or an error */
};

struct arg {
	const char *name;
	enum arg_type type;
	bool is_required;
	int64_t min; /* ARG_INT: the least; texts: least length */
	int64_t max; /* ARG_INT: the most; texts: most bytes; 0: 1024 */
};

/* What a verb is given. */
struct ask {
	struct keeper *keeper;
	const struct caller *who; /* scope SCOPE_NONE when nobody has logged in */
	const uint8_t *secret; /* of the session or token, ACCOUNT_SECRET bytes; NULL: nobody */
	const char *whence; /* the address that it came from */
	const json_t *args; /* checked */
	const struct cancel *cancel; /* raised when it has taken too long */
};

/* What it gives: body, or download, is taken over by the keeper, also when it fails.  A
 * function that fails may set a status of 400 or more itself (429); retry_after_s then tells
 * when. */
struct answer {
	/* 200 unless it says otherwise; 202 for a run, 201 for what was made */
	unsigned status;
	unsigned retry_after_s;
	json_t *body;
	json_t *download; /* {"name", "type", "bytes"?}, with fd */
	int fd; /* -1: none */
	char cookie[2 * ACCOUNT_SECRET + 1]; /* "" takes it away */
	bool has_cookie;
	bool ends_rights; /* a session, token or user has ended or changed */
	unsigned keep_ms;
};

typedef enum err_code verb_fn(const struct ask *ask, struct answer *out, struct err *err);

struct verb {
	const char *name; /* "stacks.list" */
	enum scope needs;
	bool changes; /* wants the CSRF token of a session (unless needs is none); is audited */
	const char *subject; /* the argument that the audit entry names; NULL: none */
	verb_fn *fn;
	struct arg args[16]; /* ends with a NULL name, or is full */
};

/* Verbs by topic; each table ends with a NULL name. */
extern const struct verb account_verbs[]; /* verbs_account.c: setup, login, tokens, audit */
extern const struct verb run_verbs[]; /* verbs_run.c: runs, schedules, cancel */
extern const struct verb repository_verbs[]; /* verbs_repository.c */
extern const struct verb stack_verbs[]; /* verbs_stack.c: overview, plans, backup, drill */
extern const struct verb snapshot_verbs[]; /* verbs_snapshot.c: looking into them, receipts */
extern const struct verb diff_verbs[]; /* verbs_diff.c */
extern const struct verb restore_verbs[]; /* verbs_restore.c */

/* NULL when there is none of that name. */
const struct verb *verb_find(const char *name);

/* Check args against the verb's list: *out is a new object with values of the right type. */
MUST_CHECK enum err_code verb_check_args(
    json_t **out, const struct verb *v, const json_t *args, struct err *err);

#endif

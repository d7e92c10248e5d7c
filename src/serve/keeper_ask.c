#include "base/bytes.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "serve/json_text.h"
#include "serve/keeper_impl.h"
#include "serve/wire.h"
#include "sys/clock.h"

#include <string.h>

/* An ask, from its message to its answer. */
struct request {
	struct keeper *keeper;
	struct keeper_link *link;
	const json_t *message;
	const struct verb *verb;
	struct caller who;
	uint8_t secret[ACCOUNT_SECRET];
	bool has_secret;
	json_t *args; /* checked */
	uint64_t changes; /* when it began */
	const char *code; /* of a problem, where the error's does not tell; NULL */
	bool is_told; /* it goes into the audit */
};

/* --- problems --- */

struct kind_of_problem {
	enum err_code code;
	unsigned status;
	const char *title;
};

static const struct kind_of_problem kinds[] = {
	{ ERR_USAGE, 400, "This cannot be done so" },
	{ ERR_NOT_FOUND, 404, "There is no such thing" },
	{ ERR_EXISTS, 409, "It is there already" },
	{ ERR_LOCKED, 409, "Somebody else is at it" },
	{ ERR_DENIED, 403, "Not allowed" },
	{ ERR_TRANSIENT, 503, "It does not answer" },
	{ ERR_CORRUPT, 500, "Stored data is damaged" },
	{ ERR_UNSUPPORTED, 501, "This version cannot do it" },
	{ ERR_CANCELLED, 503, "It took too long, or was stopped" },
	{ ERR_IO, 500, "The system refused" },
	{ ERR_NO_MEMORY, 500, "Out of memory" },
	{ ERR_NO_REPOSITORY, 409, "There is no repository" },
	{ ERR_WRONG_KEY, 403, "The passphrase does not open it" },
	{ ERR_CHANGED, 409, "It changed meanwhile" },
	{ ERR_READ_ONLY, 403, "The repository cannot be written to" },
	{ ERR_INCOMPLETE, 409, "It is not complete" },
};

static const struct kind_of_problem *
kind_of(enum err_code code)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].code == code)
			return &kinds[i];
	return &kinds[9];
}

/* Errors of arguments begin with their names. */
static const char *
argument_of(const struct verb *v, const struct err *err)
{
	if (v == NULL || err->code != ERR_USAGE)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(v->args) && v->args[i].name != NULL; i++) {
		size_t len = strlen(v->args[i].name);
		if (strncmp(err->msg, v->args[i].name, len) == 0 && err->msg[len] == ':')
			return v->args[i].name;
	}
	return NULL;
}

static json_t *
problem_of(const struct request *r, const struct answer *a, const struct err *err)
{
	const struct kind_of_problem *kind = kind_of(err->code);
	unsigned status = a->status >= 400 ? a->status : kind->status;
	const char *code = r->code != NULL ? r->code : err_code_word(err->code);
	const char *title = kind->title;
	const char *argument = argument_of(r->verb, err);
	if (status == 401)
		title = "Log in first";
	if (status == 429) {
		title = r->verb->needs == SCOPE_NONE ? "Too many tries" : "Too many at once";
		code = "rate_limited";
	}
	json_t *p = json_pack("{s:s, s:s, s:i, s:o, s:s}", "type", "about:blank", "title",
	    title, "status", (int)status, "detail", json_text(err->msg), "code", code);
	if (p != NULL && argument != NULL &&
	    json_object_set_new(p, "argument", json_string(argument)) != 0)
		log_debug("out of memory");
	if (p != NULL && a->retry_after_s > 0 &&
	    json_object_set_new(p, "retry_after_s", json_integer(a->retry_after_s)) != 0)
		log_debug("out of memory");
	json_t *id = json_object_get(r->message, "id");
	return json_pack("{s:O?, s:i, s:o}", "id", id, "status", (int)status, "problem", p);
}

/* --- who asks --- */

static enum err_code
take_secret(struct request *r, const char *name, bool *is_there, struct err *err)
{
	const char *hex = json_get_str(r->message, name);
	*is_there = hex != NULL;
	if (hex != NULL && !hex_decode(r->secret, ACCOUNT_SECRET, hex, strlen(hex)))
		return err_set(err, ERR_DENIED, "this is no %s", name);
	return ERR_OK;
}

/* Nobody, when what they show is not (any more) good. */
static enum err_code
find_caller(struct request *r, struct err *err)
{
	struct catalog *c = r->keeper->catalog;
	bool is_session;
	bool is_token = false;
	bool is_use = !json_get_bool(r->message, "again");
	int64_t now = clock_wall_ns();
	if (take_secret(r, "session", &is_session, err) ||
	    (!is_session && take_secret(r, "token", &is_token, err)))
		return err->code;
	if (!is_session && !is_token)
		return err_set(err, ERR_DENIED, "you are not logged in");
	enum err_code rc = ERR_OK;
	if (is_token)
		rc = token_find(c, r->secret, now, &r->who, err);
	else if (is_use)
		rc = session_find(c, r->secret, now, &r->who, err);
	else
		rc = session_look(c, r->secret, now, &r->who, err);
	r->has_secret = rc == ERR_OK;
	return rc;
}

static enum err_code
check_csrf(struct request *r, struct err *err)
{
	uint8_t given[ACCOUNT_SECRET];
	const char *hex = json_get_str(r->message, "csrf");
	if (!r->verb->changes || r->verb->needs == SCOPE_NONE || !r->who.is_session)
		return ERR_OK;
	if (hex != NULL && hex_decode(given, ACCOUNT_SECRET, hex, strlen(hex)) &&
	    hash_equal(given, r->who.csrf))
		return ERR_OK;
	r->code = "csrf";
	return err_set(
	    err, ERR_DENIED, "a change wants the session's CSRF token: load the page again");
}

static enum err_code
check_rights(struct request *r, struct answer *a, struct err *err)
{
	struct err why = ERR_INIT;
	enum err_code rc = find_caller(r, &why);
	if (rc != ERR_OK && rc != ERR_DENIED) {
		*err = why;
		return rc;
	}
	if (r->verb->needs == SCOPE_NONE)
		return ERR_OK;
	if (rc == ERR_DENIED) {
		a->status = 401;
		r->code = "unauthenticated";
		*err = why;
		return rc;
	}
	r->is_told = r->verb->changes;
	if (r->who.scope < r->verb->needs)
		return err_set(err, ERR_DENIED, "this takes the right to %s; %s may %s",
		    r->verb->needs == SCOPE_ADMIN ? "administer" : scope_word(r->verb->needs),
		    r->who.name, scope_word(r->who.scope));
	return check_csrf(r, err);
}

/* --- how long it may take --- */

static enum err_code
begin_asking(struct keeper *k, struct asking *a, struct err *err)
{
	if (cancel_init(&a->cancel, err))
		return err->code;
	a->until_ns = clock_mono_ns() + ASK_TIME_NS;
	pthread_mutex_lock(&k->lock);
	a->next = k->askings;
	k->askings = a;
	pthread_mutex_unlock(&k->lock);
	return ERR_OK;
}

static void
end_asking(struct keeper *k, struct asking *a)
{
	pthread_mutex_lock(&k->lock);
	struct asking **at = &k->askings;
	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	pthread_mutex_unlock(&k->lock);
	cancel_release(&a->cancel);
}

void
keeper_end_asks(struct keeper *k, bool all)
{
	int64_t now = clock_mono_ns();
	pthread_mutex_lock(&k->lock);
	for (struct asking *a = k->askings; a != NULL; a = a->next)
		if (all || a->until_ns < now)
			cancel_raise(&a->cancel);
	pthread_mutex_unlock(&k->lock);
}

/* --- answering --- */

static enum err_code
call(struct request *r, struct answer *a, struct err *err)
{
	struct asking asking;
	const char *from = json_get_str(r->message, "from");
	if (verb_check_args(&r->args, r->verb, json_object_get(r->message, "args"), err) ||
	    begin_asking(r->keeper, &asking, err))
		return err->code;
	const struct ask ask = {
		.keeper = r->keeper,
		.who = &r->who,
		.secret = r->has_secret ? r->secret : NULL,
		.whence = from != NULL ? from : "",
		.args = r->args,
		.cancel = &asking.cancel,
	};
	r->is_told = r->is_told || r->verb->changes;
	enum err_code rc = r->verb->fn(&ask, a, err);
	end_asking(r->keeper, &asking);
	return rc;
}

static enum err_code
decide(struct request *r, struct answer *a, struct err *err)
{
	const char *name = json_get_str(r->message, "verb");
	r->verb = name != NULL ? verb_find(name) : NULL;
	if (r->verb == NULL)
		return err_set(err, ERR_NOT_FOUND, "there is no verb %.64s",
		    name != NULL ? name : "without a name");
	if (check_rights(r, a, err))
		return err->code;
	return call(r, a, err);
}

/* A change that cannot be written down was made all the same: the person at the console is
 * told.
 */
static void
write_audit(const struct request *r, const struct answer *a, enum err_code rc)
{
	struct err err = ERR_INIT;
	char number[24];
	const json_t *subject =
	    r->verb->subject != NULL ? json_object_get(r->args, r->verb->subject) : NULL;
	const char *text = json_string_value(subject);
	const char *from = json_get_str(r->message, "from");
	const char *outcome = rc == ERR_OK ? "ok" : err_code_word(rc);
	if (!r->is_told || a->status == 429)
		return;
	snprintf(number, sizeof number, "%lld", (long long)json_integer_value(subject));
	if (text == NULL)
		text = json_is_integer(subject) ? number : "";
	if (rc != ERR_OK && r->code != NULL)
		outcome = r->code;
	const struct audit_entry e = {
		.at_ns = clock_wall_ns(),
		.who = r->who.name,
		.whence = from != NULL ? from : "",
		.verb = r->verb->name,
		.subject = text,
		.outcome = outcome,
	};
	if (audit_add(r->keeper->catalog, &e, &err))
		event_warning(r->keeper->opt.events, r->verb->name,
		    "this change is not in the audit log: %s", err.msg);
}

static json_t *
good_answer(const struct request *r, struct answer *a)
{
	json_t *id = json_object_get(r->message, "id");
	json_t *m = json_pack(
	    "{s:O?, s:i}", "id", id, "status", (int)(a->status > 0 ? a->status : 200));
	if (m == NULL || (a->body != NULL && json_object_set(m, "body", a->body) != 0) ||
	    (a->download != NULL && json_object_set(m, "download", a->download) != 0) ||
	    (a->has_cookie && json_object_set_new(m, "cookie", json_string(a->cookie)) != 0) ||
	    (a->keep_ms > 0 &&
		json_object_set_new(m, "keep_ms", json_integer(a->keep_ms)) != 0)) {
		json_decref(m);
		return NULL;
	}
	return m;
}

static void
send_answer(struct request *r, struct answer *a, enum err_code rc, struct err *err)
{
	AUTO(json) json_t *m = rc == ERR_OK ? good_answer(r, a) : problem_of(r, a, err);
	if (m != NULL && rc == ERR_OK && json_dumpb(m, NULL, 0, JSON_COMPACT) > WIRE_MAX) {
		json_decref(m);
		rc = err_set(err, ERR_UNSUPPORTED,
		    "the answer is larger than %u MiB: ask for a part of it", WIRE_MAX >> 20);
		m = problem_of(r, a, err);
	}
	/* One that has just ended is nobody's any more. */
	if (m != NULL && r->has_secret && !a->ends_rights &&
	    json_object_set_new(m, "known", json_true()) != 0)
		log_debug("out of memory");
	keeper_link_answer(r->link, m, rc == ERR_OK ? a->fd : -1, r->changes);
}

void
keeper_answer(struct keeper *k, struct keeper_link *l, const json_t *message)
{
	struct err err = ERR_INIT;
	struct answer a = { .fd = -1 };
	struct request r = { .keeper = k, .link = l, .message = message };
	r.changes = atomic_load(&k->changes);
	enum err_code rc = decide(&r, &a, &err);
	if (r.verb != NULL)
		write_audit(&r, &a, rc);
	if (r.verb != NULL && r.verb->changes && r.is_told) {
		atomic_fetch_add(&k->changes, 1);
		keeper_link_forget(l, a.ends_rights);
	}
	send_answer(&r, &a, rc, &err);
	json_decref(a.body);
	json_decref(a.download);
	json_decref(r.args);
	if (a.fd >= 0)
		close(a.fd);
	secret_wipe(&r, sizeof r);
	secret_wipe(a.cookie, sizeof a.cookie);
}

bool
keeper_is_quick(const char *verb)
{
	const struct verb *v = verb_find(verb);
	static const struct verb *const quick[] = { account_verbs, run_verbs };
	for (size_t i = 0; i < ARRAY_LEN(quick) && v != NULL; i++)
		for (const struct verb *q = quick[i]; q->name != NULL; q++)
			if (q == v)
				return true;
	return v == NULL;
}

void
keeper_refuse(struct keeper_link *l, const json_t *message)
{
	struct err err;
	struct answer a = { .fd = -1, .status = 503, .retry_after_s = 1 };
	const struct request r = { .message = message, .code = "unavailable" };
	err_set(&err, ERR_TRANSIENT, "too much is being asked at once: try again in a moment");
	AUTO(json) json_t *m = problem_of(&r, &a, &err);
	keeper_link_send(l, m, -1);
}

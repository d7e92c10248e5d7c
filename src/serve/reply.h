/*
 * reply.h: the body of a verb's answer, written by the writer that all JSON goes through.
 *
 *	AUTO(reply) struct reply r;
 *	reply_begin(&r);
 *	json_str(&r.w, "name", name);
 *	return reply_end(&r, out, err);
 *
 * Threads: one at a time.
 */
#ifndef SERVE_REPLY_H
#define SERVE_REPLY_H

#include "base/json.h"
#include "serve/verb.h"

struct reply {
	struct json_writer w;
	struct buf text;
};

/* Opens an object; it must not be moved from here on. */
void reply_begin(struct reply *r);
/* Ends it, and makes it the answer's body. */
MUST_CHECK enum err_code reply_end(struct reply *r, struct answer *out, struct err *err);

static inline void UNUSED
reply_auto(struct reply *r)
{
	buf_release(&r->text);
}

/* What was asked; other when it was not said. */
const char *ask_text(const struct ask *a, const char *name);
int64_t ask_int(const struct ask *a, const char *name, int64_t other);
bool ask_flag(const struct ask *a, const char *name, bool other);
/* ERR_USAGE unless it is one of these words ("none pause stop"), or was not said. */
MUST_CHECK enum err_code ask_choice(
    const struct ask *a, const char *name, const char *words, struct err *err);

#endif

#include "engine/forget.h"

#include "base/room.h"
#include "engine/quarantine.h"
#include "repo/proof.h"
#include "sys/clock.h"

#include <time.h>

void
forget_plan_free(struct forget_plan *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->count; i++) {
		json_decref(p->items[i].document);
		free(p->items[i].source);
		free(p->items[i].reason);
	}
	free(p->items);
	free(p);
}

static int64_t
time_of(const struct forget_decision *d)
{
	return json_get_int(d->document, "time_ns", 0);
}

/* --- what there is --- */

static enum err_code
add_snapshot(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	struct forget_plan *p = arg;
	AUTO(bufv) struct buf source = BUF_INIT;
	AUTO(str) char *text = NULL;
	if (snapshot_source_text(&source, document, err) ||
	    str_dupn(&text, (const char *)source.data, source.len, err))
		return err->code;
	if (ROOM(p->items, p->count, p->cap, 64, err))
		return err->code;
	p->items[p->count++] = (struct forget_decision){
		.id = *id,
		/* Only a reference is kept; nothing is written through it. */
		.document = json_incref((json_t *)(uintptr_t)document),
		.source = TAKE(text),
		.keep = true,
	};
	return ERR_OK;
}

static enum err_code
mark_subject(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	struct forget_plan *p = arg;
	(void)document;
	(void)err;
	for (size_t i = 0; i < p->count; i++)
		if (id_equal(&p->items[i].id, id))
			p->items[i].is_subject = true;
	return ERR_OK;
}

/* --- rules --- */

static enum err_code
add_reason(struct forget_decision *d, struct err *err, const char *rule, const char *what)
{
	AUTO(str) char *before = TAKE(d->reason);
	d->keep = true;
	return str_printf(&d->reason, err, "%s%s%s%s%s", before != NULL ? before : "",
	    before != NULL ? ", " : "", rule, *what != '\0' ? " " : "", what);
}

/* A rule that keeps the newest snapshot of each span of time, for so many spans. */
enum span { SPAN_HOUR, SPAN_DAY, SPAN_WEEK, SPAN_MONTH, SPAN_YEAR };

struct span_rule {
	const char *name;
	enum span span;
	unsigned count;
};

#define SPAN_TEXT_SIZE 40

/* Equal text, same span: an hour that comes twice when summer time ends has two texts. */
static void
span_text(char out[SPAN_TEXT_SIZE], enum span span, int64_t time_ns)
{
	time_t s = (time_t)(time_ns / NS_PER_S);
	struct tm tm;
	localtime_r(&s, &tm);
	size_t n = 0;
	switch (span) {
	case SPAN_HOUR:
		n = strftime(out, SPAN_TEXT_SIZE, "%Y-%m-%d %H:00%z", &tm);
		break;
	case SPAN_DAY:
		n = strftime(out, SPAN_TEXT_SIZE, "%Y-%m-%d", &tm);
		break;
	case SPAN_WEEK:
		n = strftime(out, SPAN_TEXT_SIZE, "%G-W%V", &tm);
		break;
	case SPAN_MONTH:
		n = strftime(out, SPAN_TEXT_SIZE, "%Y-%m", &tm);
		break;
	case SPAN_YEAR:
		n = strftime(out, SPAN_TEXT_SIZE, "%Y", &tm);
		break;
	}
	out[n] = '\0';
}

/* Nothing is missing from it, and nothing has vanished since the one before. */
static bool
is_good(const json_t *document)
{
	return snapshot_is_complete(document) && !snapshot_is_quarantined(document);
}

static bool
takes_a_place(const struct forget_decision *d, const char *source)
{
	return d->is_subject && is_good(d->document) && strcmp(d->source, source) == 0;
}

static enum err_code
apply_span_rule(
    struct forget_plan *p, const char *source, const struct span_rule *rule, struct err *err)
{
	char last[SPAN_TEXT_SIZE] = "";
	unsigned left = rule->count;
	for (size_t i = p->count; i > 0 && left > 0; i--) {
		struct forget_decision *d = &p->items[i - 1];
		if (!takes_a_place(d, source))
			continue;
		char span[SPAN_TEXT_SIZE];
		span_text(span, rule->span, time_of(d));
		if (strcmp(span, last) == 0)
			continue;
		memcpy(last, span, sizeof last);
		left--;
		if (add_reason(d, err, rule->name, span))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
apply_last(struct forget_plan *p, const char *source, unsigned count, struct err *err)
{
	unsigned n = 0;
	for (size_t i = p->count; i > 0 && n < count; i--) {
		struct forget_decision *d = &p->items[i - 1];
		char number[16];
		if (!takes_a_place(d, source))
			continue;
		snprintf(number, sizeof number, "%u", ++n);
		if (add_reason(d, err, "last", number))
			return err->code;
	}
	return ERR_OK;
}

/* Rules that partial snapshots meet as well. */
static enum err_code
apply_within_and_tags(struct forget_plan *p, const char *source, int64_t newest_ns,
    const struct forget_policy *policy, struct err *err)
{
	int64_t since_ns = 0;
	if (policy->within != NULL && time_parse(&since_ns, policy->within, newest_ns, err))
		return err->code;
	for (size_t i = 0; i < p->count; i++) {
		struct forget_decision *d = &p->items[i];
		if (!d->is_subject || strcmp(d->source, source) != 0)
			continue;
		if (policy->within != NULL && time_of(d) >= since_ns &&
		    add_reason(d, err, "within", policy->within))
			return err->code;
		for (size_t k = 0; policy->tags != NULL && k < policy->tags->len; k++)
			if (snapshot_has_tags(d->document, policy->tags->items[k]) &&
			    add_reason(d, err, "tag", policy->tags->items[k]))
				return err->code;
	}
	return ERR_OK;
}

/* The newest complete snapshot of a source that stays when only_kept; NULL: there is none. */
static struct forget_decision *
last_complete(struct forget_plan *p, const char *source, bool only_kept)
{
	for (size_t i = p->count; i > 0; i--) {
		struct forget_decision *d = &p->items[i - 1];
		if (is_good(d->document) && strcmp(d->source, source) == 0 &&
		    (d->keep || !only_kept))
			return d;
	}
	return NULL;
}

/* A quarantined snapshot of the same source that came later and stays: what it lacks may be in
 * this one. */
static const struct forget_decision *
newer_quarantined(const struct forget_plan *p, const struct forget_decision *d)
{
	for (size_t i = p->count; i > 0; i--) {
		const struct forget_decision *q = &p->items[i - 1];
		if (q == d)
			break;
		if (q->keep && snapshot_is_quarantined(q->document) &&
		    strcmp(q->source, d->source) == 0)
			return q;
	}
	return NULL;
}

/* Must this snapshot stay whatever rules or the user say?  Then *why says so.  Further
 * conditions belong here. */
static bool
may_forget(struct forget_plan *p, const struct forget_decision *d, char **why, struct err *err)
{
	*why = NULL;
	const struct forget_decision *doubtful = newer_quarantined(p, d);
	if (doubtful != NULL) {
		char hex[ID_HEX_SIZE];
		id_hex(hex, &doubtful->id);
		if (str_printf(why, err, "older than %.8s, which is quarantined", hex))
			*why = NULL;
		return false;
	}
	if (!is_good(d->document) || last_complete(p, d->source, true) != NULL)
		return true;
	if (last_complete(p, d->source, false) != d)
		return true;
	if (str_printf(why, err, "last complete of %s", d->source))
		*why = NULL;
	return false;
}

static enum err_code
protect(struct forget_plan *p, struct forget_decision *d, struct err *err)
{
	*err = (struct err)ERR_INIT;
	AUTO(str) char *why = NULL;
	if (may_forget(p, d, &why, err))
		return ERR_OK;
	return why != NULL ? add_reason(d, err, why, "") : err->code;
}

/* --- only what was proved stands for others --- */

static bool
is_proved(const struct forget_decision *d, const struct proofs *proofs, int64_t verified_ns)
{
	const json_t *proof = proofs_of(proofs, &d->id);
	const char *verdict = json_get_str(proof, "verdict");
	int64_t ended_ns = json_get_int(d->document, "ended_ns", INT64_MAX);
	return ended_ns < verified_ns ||
	       (verdict != NULL && strcmp(verdict, PROOF_PROVED) == 0);
}

/* Newest first: what stays for want of a newer proved one may be one itself. */
static enum err_code
keep_unproved(struct forget_plan *p, const char *source, const struct proofs *proofs,
    int64_t verified_ns, struct err *err)
{
	bool has_newer = false;
	for (size_t i = p->count; i > 0; i--) {
		struct forget_decision *d = &p->items[i - 1];
		if (strcmp(d->source, source) != 0)
			continue;
		if (d->is_subject && !d->keep && !has_newer &&
		    add_reason(d, err, "nothing newer is proved", ""))
			return err->code;
		has_newer = has_newer || (d->keep && is_good(d->document) &&
					     is_proved(d, proofs, verified_ns));
	}
	return ERR_OK;
}

/* Partial snapshots behind the last complete one are the newest that there is. */
static enum err_code
keep_newer_partials(struct forget_plan *p, const char *source, struct err *err)
{
	const struct forget_decision *last = last_complete(p, source, false);
	for (size_t i = p->count; i > 0; i--) {
		struct forget_decision *d = &p->items[i - 1];
		if (d == last)
			break;
		if (d->is_subject && !d->keep && strcmp(d->source, source) == 0 &&
		    !snapshot_is_complete(d->document) &&
		    add_reason(d, err,
			last != NULL ? "newer than the last complete one"
				     : "there is no complete one",
			""))
			return err->code;
	}
	return ERR_OK;
}

/* No rule decides about these: somebody must look. */
static enum err_code
keep_quarantined(struct forget_plan *p, const char *source, struct err *err)
{
	for (size_t i = 0; i < p->count; i++) {
		struct forget_decision *d = &p->items[i];
		if (d->is_subject && strcmp(d->source, source) == 0 &&
		    snapshot_is_quarantined(d->document) &&
		    add_reason(d, err, "quarantined: accept it, or forget it by name", ""))
			return err->code;
	}
	return ERR_OK;
}

static enum err_code
decide_source(struct forget_plan *p, const char *source, const struct forget_policy *policy,
    const struct proofs *proofs, struct err *err)
{
	const struct span_rule rules[] = {
		{ "hourly", SPAN_HOUR, policy->hourly },
		{ "daily", SPAN_DAY, policy->daily },
		{ "weekly", SPAN_WEEK, policy->weekly },
		{ "monthly", SPAN_MONTH, policy->monthly },
		{ "yearly", SPAN_YEAR, policy->yearly },
	};
	int64_t newest_ns = 0;
	for (size_t i = 0; i < p->count; i++) {
		struct forget_decision *d = &p->items[i];
		if (strcmp(d->source, source) != 0)
			continue;
		newest_ns = time_of(d);
		if (d->is_subject)
			d->keep = false;
	}
	if (apply_last(p, source, policy->last, err))
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (apply_span_rule(p, source, &rules[i], err))
			return err->code;
	if (apply_within_and_tags(p, source, newest_ns, policy, err))
		return err->code;
	if (keep_quarantined(p, source, err))
		return err->code;
	/* Newest first: the first one that may not go stays for the others' sake. */
	for (size_t i = p->count; i > 0; i--) {
		struct forget_decision *d = &p->items[i - 1];
		if (d->is_subject && !d->keep && strcmp(d->source, source) == 0 &&
		    protect(p, d, err))
			return err->code;
	}
	if (keep_newer_partials(p, source, err))
		return err->code;
	return policy->needs_proof ? keep_unproved(p, source, proofs, policy->verified_ns, err)
				   : ERR_OK;
}

static bool
keeps_nothing(const struct forget_policy *p)
{
	return p->last == 0 && p->hourly == 0 && p->daily == 0 && p->weekly == 0 &&
	       p->monthly == 0 && p->yearly == 0 && p->within == NULL &&
	       (p->tags == NULL || p->tags->len == 0);
}

static enum err_code
decide_by_policy(
    struct forget_plan *p, struct repo *r, const struct forget_policy *policy, struct err *err)
{
	AUTO(proofs) struct proofs *proofs = NULL;
	if (policy->needs_proof && proofs_load(&proofs, r, err))
		return err->code;
	for (size_t i = 0; i < p->count; i++) {
		bool is_first = true;
		for (size_t k = 0; k < i && is_first; k++)
			is_first = strcmp(p->items[k].source, p->items[i].source) != 0;
		if (is_first && decide_source(p, p->items[i].source, policy, proofs, err))
			return err->code;
	}
	return ERR_OK;
}

/* All that were named go, or none. */
static enum err_code
decide_by_name(struct forget_plan *p, struct err *err)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->items[i].is_subject)
			p->items[i].keep = false;
	for (size_t i = p->count; i > 0; i--) {
		struct forget_decision *d = &p->items[i - 1];
		AUTO(str) char *why = NULL;
		char hex[ID_HEX_SIZE];
		if (d->keep || may_forget(p, d, &why, err))
			continue;
		id_hex(hex, &d->id);
		return err_set(err, ERR_DENIED,
		    "snapshot %.8s must stay: it is %s%s; nothing was forgotten", hex,
		    why != NULL && str_starts(why, "older") ? "" : "the ",
		    why != NULL ? why : "last complete one");
	}
	return ERR_OK;
}

static enum err_code
explain_the_rest(struct forget_plan *p, bool by_name, struct err *err)
{
	for (size_t i = 0; i < p->count; i++) {
		struct forget_decision *d = &p->items[i];
		if (d->reason == NULL && str_dup(&d->reason,
					     !d->is_subject ? "not asked about"
					     : by_name      ? "named"
							    : "no rule keeps it",
					     err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
forget_plan_make(struct forget_plan **out, struct repo *r, const struct snapshot_filter *filter,
    const struct forget_policy *policy, struct err *err)
{
	AUTO(forget_plan) struct forget_plan *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_nomem(err);
	if (policy != NULL && keeps_nothing(policy))
		return err_set(err, ERR_USAGE, "these rules would keep nothing");
	if (snapshot_list(r, add_snapshot, p, err) ||
	    snapshot_filter_list(r, filter, mark_subject, p, err) ||
	    (policy != NULL ? decide_by_policy(p, r, policy, err) : decide_by_name(p, err)) ||
	    explain_the_rest(p, policy == NULL, err))
		return err->code;
	*out = TAKE(p);
	return ERR_OK;
}

enum err_code
forget_apply(
    struct engine *e, const struct forget_plan *p, uint64_t *forgotten, struct err *err)
{
	uint64_t count = 0;
	for (size_t i = 0; i < p->count; i++) {
		if (p->items[i].keep)
			continue;
		if (cancel_check(e->cancel, err))
			return err->code;
		/* Somebody else may have forgotten it already. */
		if (snapshot_delete(e->repo, &p->items[i].id, err) &&
		    err->code != ERR_NOT_FOUND)
			return err->code;
		count++;
	}
	*forgotten = count;
	return ERR_OK;
}

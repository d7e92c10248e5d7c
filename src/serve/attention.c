#include "serve/attention.h"

#include "sys/clock.h"

#include <stdarg.h>
#include <string.h>

#define TEXT_MAX 700
#define NAME_HERE '@' /* in titles; no name of a stack has it */
#define PROOF_AGE_NS (INT64_C(30) * 86400 * NS_PER_S)

enum severity { CRITICAL, WARNING, INFO, SEVERITIES };

/* What mends it: a request, or a view of the page. */
struct remedy {
	const char *label;
	const char *verb; /* of a stack: "backup"; "/recover": a whole path */
	const char *view;
};

struct item {
	enum severity severity;
	const char *kind;
	const char *stack; /* NULL */
	const char *snapshot; /* NULL */
	int64_t run; /* 0 */
	int64_t since_ns; /* 0 */
	const char *title; /* NAME_HERE stands for the stack */
	struct remedy remedy;
};

/* Items are written when their severity's turn has come. */
struct notes {
	struct json_writer *w;
	enum severity now;
	const struct scene *scene;
	const char *only; /* of this stack; NULL: all */
};

static void
put_remedy(struct json_writer *w, const struct item *x)
{
	const struct remedy *r = &x->remedy;
	char path[256];
	if (r->label == NULL)
		return;
	json_obj(w, "action");
	json_str(w, "label", r->label);
	if (r->view != NULL)
		json_str(w, "view", r->view);
	if (r->verb != NULL) {
		bool is_whole = *r->verb == '/';
		snprintf(path, sizeof path, "%s%s%s%s", is_whole ? "" : "/stacks/",
		    is_whole ? "" : x->stack, is_whole ? "" : "/", r->verb);
		json_str(w, "method", "POST");
		json_str(w, "path", path);
	}
	json_obj_end(w);
}

static void
put_title(struct json_writer *w, const struct item *x)
{
	char title[TEXT_MAX];
	const char *at = strchr(x->title, NAME_HERE);
	if (at == NULL || x->stack == NULL) {
		json_str(w, "title", x->title);
		return;
	}
	snprintf(
	    title, sizeof title, "%.*s%s%s", (int)(at - x->title), x->title, x->stack, at + 1);
	json_str(w, "title", title);
}

static void PRINTF_LIKE(3, 4)
    note(const struct notes *n, const struct item *x, const char *fmt, ...)
{
	static const char *const words[] = { "critical", "warning", "info" };
	struct json_writer *w = n->w;
	char text[TEXT_MAX];
	va_list ap;
	bool is_other = n->only != NULL && (x->stack == NULL || strcmp(x->stack, n->only) != 0);
	if (x->severity != n->now || is_other)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_obj(w, NULL);
	json_str(w, "kind", x->kind);
	json_str(w, "severity", words[x->severity]);
	if (x->stack != NULL)
		json_str(w, "stack", x->stack);
	if (x->snapshot != NULL)
		json_str(w, "snapshot", x->snapshot);
	if (x->run != 0)
		json_i64(w, "run", x->run);
	if (x->since_ns != 0)
		json_i64(w, "since_ns", x->since_ns);
	put_title(w, x);
	json_str(w, "text", text);
	put_remedy(w, x);
	json_obj_end(w);
}

/* --- of the whole --- */

static void
note_repository(const struct notes *n)
{
	const struct scene *s = n->scene;
	if (s->repository.code == ERR_NO_REPOSITORY && s->look.points == NULL) {
		note(n,
		    &(struct item){ CRITICAL, "no_repository",
			.title = "There is no repository",
			.remedy = { "Choose one", NULL, "repository" } },
		    "Choose where backups are to be kept.  %s", s->repository.msg);
		return;
	}
	if (s->repository.code != ERR_OK) {
		note(n,
		    &(struct item){ CRITICAL, "repository_closed",
			.title = "The repository cannot be opened",
			.remedy = { "Look at it", NULL, "repository" } },
		    "%s", s->repository.msg);
		return;
	}
	if (s->look.old.code != ERR_OK)
		note(n,
		    &(struct item){ CRITICAL, "repository_closed",
			.title = "The repository does not answer",
			.remedy = { "Look at it", NULL, "repository" } },
		    "What is shown of it may be old.  %s", s->look.old.msg);
	if (!s->kit_saved)
		note(n,
		    &(struct item){ WARNING, "kit_not_saved",
			.title = "The recovery kit was not saved",
			.remedy = { "Save it", NULL, "kit" } },
		    "Print it or keep it apart from this host: should this host be lost, it "
		    "and the passphrase open the repository.");
	if (s->look.points->n_damaged > 0)
		note(n,
		    &(struct item){ CRITICAL, "snapshots_unreadable",
			.title = "Snapshots cannot be read",
			.remedy = { "Check the repository", "/repository/verify", NULL } },
		    "%zu of them; the first: %s", s->look.points->n_damaged,
		    s->look.points->damaged[0].why);
}

static void
note_verified(const struct notes *n)
{
	const struct verified_list *l = &n->scene->verified;
	if (l->count > 0 && !l->items[0].is_sound)
		note(n,
		    &(struct item){ CRITICAL, "damaged", .run = l->items[0].run,
			.since_ns = l->items[0].ended_ns, .title = "Stored data is damaged",
			.remedy = { "See what was found", NULL, "run" } },
		    "The last check found damage: its log names the snapshots and files that "
		    "it hurts.");
}

static void
note_open(const struct notes *n)
{
	const struct scene *s = n->scene;
	if (s->engine.code != ERR_OK)
		note(n,
		    &(struct item){
			CRITICAL, "engine_unreachable", .title = "Docker does not answer" },
		    "Nothing can be backed up or restored.  %s", s->engine.msg);
	for (size_t i = 0; i < s->down.len; i++)
		note(n,
		    &(struct item){ CRITICAL, "service_down", .stack = s->down.items[i],
			.title = "Services of @ were left down",
			.remedy = { "Start them", "/recover", NULL } },
		    "A run that made them quiet has died.");
	for (size_t i = 0; i < s->restores.count; i++) {
		const struct restored *r = &s->restores.items[i];
		if (r->state == RESTORED_INTERRUPTED)
			note(n,
			    &(struct item){ CRITICAL, "restore_interrupted", .stack = r->stack,
				.since_ns = r->kept_ns,
				.title = "A restore of @ was interrupted",
				.remedy = { "Settle it", "/recover", NULL } },
			    "It is brought to its end, or taken back.");
		if (r->state == RESTORED_KEPT)
			note(n,
			    &(struct item){ INFO, "restore_kept", .stack = r->stack,
				.since_ns = r->kept_ns,
				.title = "What was there before the restore of @ is kept",
				.remedy = { "Finish or undo", NULL, "restore" } },
			    "It takes space until the restore is finished, and is what undo "
			    "puts back.");
	}
}

/* --- of a stack --- */

/* Somebody may have made one by hand since. */
static void
note_last_run(const struct notes *n, const char *stack, int64_t complete_ns)
{
	const struct scene_run *r = scene_last_run(n->scene, "backup", stack);
	if (r != NULL && (r->state == RUN_FAILED || r->state == RUN_LOST) &&
	    complete_ns < r->began_ns)
		note(n,
		    &(struct item){ CRITICAL, "last_failed", .stack = stack, .run = r->id,
			.since_ns = r->ended_ns, .title = "The last backup of @ failed",
			.remedy = { "Back up again", "backup", NULL } },
		    "%s", r->why);
}

static void
note_last_point(const struct notes *n, const char *stack, const struct point *last)
{
	struct item x = { WARNING, "partial", .stack = stack, .snapshot = last->hex,
		.since_ns = last->time_ns, .remedy = { "See what", NULL, "snapshot" } };
	if (last->is_quarantined) {
		x.severity = CRITICAL;
		x.kind = "quarantined";
		x.title = "The last point of @ is quarantined";
		note(n, &x,
		    "It holds much less than the one before.  Accept it if that is right; "
		    "until then nothing older is removed.");
	} else if (!last->is_complete) {
		x.title = "Something is missing from the last point of @";
		note(n, &x, "The snapshot names what could not be captured.");
	}
}

/* The newest drill of any of its points, and the newest point that is proved. */
static void
note_proof(const struct notes *n, const char *stack)
{
	const struct points *p = n->scene->look.points;
	const json_t *newest = NULL;
	const struct point *of = NULL;
	int64_t proved_ns = 0;
	for (size_t i = 0; i < p->count; i++) {
		const json_t *proof = NULL;
		if (p->items[i].stack == NULL || strcmp(p->items[i].stack, stack) != 0 ||
		    (proof = point_proof(p, &p->items[i])) == NULL)
			continue;
		int64_t at_ns = json_get_int(proof, "time_ns", 0);
		const char *verdict = json_get_str(proof, "verdict");
		if (verdict != NULL && strcmp(verdict, PROOF_PROVED) == 0 && at_ns > proved_ns)
			proved_ns = at_ns;
		if (newest == NULL || at_ns >= json_get_int(newest, "time_ns", 0)) {
			newest = proof;
			of = &p->items[i];
		}
	}
	const char *verdict = newest != NULL ? json_get_str(newest, "verdict") : NULL;
	if (verdict != NULL && strcmp(verdict, PROOF_FAILED) == 0) {
		const char *reason = json_get_str(newest, "reason");
		note(n,
		    &(struct item){ CRITICAL, "drill_failed", .stack = stack,
			.snapshot = of->hex, .since_ns = json_get_int(newest, "time_ns", 0),
			.title = "The last drill of @ failed",
			.remedy = { "See why", NULL, "snapshot" } },
		    "%s", reason != NULL ? reason : "");
		return;
	}
	struct item x = { INFO, "not_proved", .stack = stack, .since_ns = proved_ns,
		.title = "Nobody has tried to restore @",
		.remedy = { "Drill it", "drill", NULL } };
	if (proved_ns == 0) {
		x.severity = WARNING;
		note(n, &x,
		    "A drill restores the last point into a scratch stack and compares.");
	} else if (n->scene->now_ns - proved_ns > PROOF_AGE_NS) {
		x.title = "The last drill of @ is long ago";
		note(n, &x, "More than a month: what has changed since is not proved.");
	}
}

/* Have two moments of the schedule gone by since the last complete point? */
static enum err_code
is_overdue(
    const struct schedule *x, int64_t since_ns, int64_t now_ns, bool *overdue, struct err *err)
{
	AUTO(zone) struct zone *z = NULL;
	struct cron c;
	if (cron_parse(&c, x->cron, err) || schedule_zone(&z, x->zone, err))
		return err->code;
	int64_t first = cron_next(&c, z, since_ns / NS_PER_S);
	*overdue = cron_next(&c, z, first) < now_ns / NS_PER_S;
	return ERR_OK;
}

static enum err_code
note_schedule(const struct notes *n, const char *stack, int64_t complete_ns, struct err *err)
{
	const struct scene *s = n->scene;
	const struct schedule *found = NULL;
	bool overdue = false;
	for (size_t i = 0; i < s->n_schedules && found == NULL; i++) {
		const struct schedule *x = &s->schedules[i];
		if (x->is_enabled && strcmp(x->kind, "backup") == 0 &&
		    strcmp(x->stack, stack) == 0)
			found = x;
	}
	if (found == NULL) {
		note(n,
		    &(struct item){ WARNING, "schedule_missing", .stack = stack,
			.title = "Nothing backs up @ by itself",
			.remedy = { "Make a schedule", NULL, "schedules" } },
		    "There is no schedule for its backup, or it is switched off.");
		return ERR_OK;
	}
	if (complete_ns == 0)
		return ERR_OK;
	if (is_overdue(found, complete_ns, s->now_ns, &overdue, err))
		return err->code;
	if (overdue)
		note(n,
		    &(struct item){ CRITICAL, "overdue", .stack = stack,
			.since_ns = complete_ns, .title = "Backups of @ are overdue",
			.remedy = { "Back up now", "backup", NULL } },
		    "Two scheduled backups in a row have brought no complete point.");
	return ERR_OK;
}

static int64_t
last_complete_ns(const struct points *p, const char *stack)
{
	for (size_t i = p->count; i-- > 0;) {
		const struct point *x = &p->items[i];
		if (x->stack != NULL && strcmp(x->stack, stack) == 0 && x->is_complete &&
		    !x->is_quarantined)
			return x->time_ns;
	}
	return 0;
}

static enum err_code
note_stack(const struct notes *n, const char *stack, struct err *err)
{
	const struct points *p = n->scene->look.points;
	bool is_here = scene_stack(n->scene, stack) != NULL;
	if (p == NULL)
		return ERR_OK;
	const struct point *last = points_last(p, stack);
	if (last == NULL && is_here)
		note(n,
		    &(struct item){ CRITICAL, "no_backup", .stack = stack,
			.title = "@ was never backed up",
			.remedy = { "Back up now", "backup", NULL } },
		    "Nothing of it could be restored.");
	if (last != NULL) {
		note_last_point(n, stack, last);
		if (last_complete_ns(p, stack) != 0)
			note_proof(n, stack);
	}
	if (!is_here)
		return ERR_OK;
	note_last_run(n, stack, last_complete_ns(p, stack));
	return note_schedule(n, stack, last_complete_ns(p, stack), err);
}

enum err_code
attention_write(struct json_writer *w, const char *key, const struct scene *s,
    const char *stack, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (scene_names(s, &names, err))
		return err->code;
	json_arr(w, key);
	for (int severity = CRITICAL; severity < SEVERITIES; severity++) {
		struct notes n = { w, (enum severity)severity, s, stack };
		note_repository(&n);
		note_verified(&n);
		note_open(&n);
		for (size_t i = 0; i < names.len; i++)
			if (note_stack(&n, names.items[i], err))
				return err->code;
	}
	json_arr_end(w);
	return ERR_OK;
}

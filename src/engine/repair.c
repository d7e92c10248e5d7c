#include "engine/repair.h"

#include "engine/meter.h"
#include "sys/clock.h"

struct telling {
	struct engine *engine;
	const struct repair_index_options *opt;
	struct repair_progress progress;
	const char *unit;
	int64_t began_ns; /* the phase */
	struct meter *meter;
};

static void
sample(void *arg, struct event *e)
{
	struct telling *t = arg;
	e->files = atomic_load(&t->progress.done);
	e->files_total = atomic_load(&t->progress.total);
	e->elapsed_ns = clock_mono_ns() - t->began_ns;
	e->unit = t->unit;
}

static void
begin_phase(struct telling *t, const char *text, const char *unit)
{
	meter_stop(TAKE(t->meter));
	event_phase(t->engine->events, "%s", text);
	t->unit = unit;
	t->began_ns = clock_mono_ns();
	if (unit != NULL)
		meter_start(&t->meter, t->engine->events, sample, t);
}

static void
tell_phase(struct telling *t, enum repair_news news)
{
	if (news == REPAIR_READ_INDEXES)
		begin_phase(t, "read the indexes", "indexes");
	else if (news == REPAIR_READ_PACKS)
		begin_phase(t, "read what packs hold that no sound index tells", "packs");
	else
		begin_phase(t,
		    t->opt->dry_run ? "nothing is written, as this is a dry run"
				    : "remove what is replaced",
		    NULL);
}

static void
tell(void *arg, enum repair_news news, const char *object, const char *why)
{
	struct telling *t = arg;
	struct event_sink *events = t->engine->events;
	switch (news) {
	case REPAIR_READ_INDEXES:
	case REPAIR_READ_PACKS:
	case REPAIR_WRITE:
		tell_phase(t, news);
		break;
	case REPAIR_INDEX_DAMAGED:
		event_warning(events, object, "is damaged, and is to be replaced: %s", why);
		break;
	case REPAIR_INDEX_OUTDATED:
		if (!t->opt->read_all)
			event_warning(events, object,
			    "names packs that are not there, or not as it says, and is to be "
			    "replaced");
		break;
	case REPAIR_INDEX_WRITTEN:
		event_note(events, object, "written: %s", why);
		break;
	case REPAIR_INDEX_DELETED:
		event_note(events, object, "removed");
		break;
	case REPAIR_PACK_MISSING:
		event_problem(events, object,
		    "is missing: what it held is forgotten, so that the next backup stores it "
		    "again");
		break;
	case REPAIR_PACK_CUT:
		event_problem(events, object,
		    "is not what was written: %s; the rest is forgotten, so that the next "
		    "backup stores it again",
		    why);
		break;
	case REPAIR_PACK_UNREADABLE:
		event_problem(events, object,
		    "cannot be indexed, so nothing finds what it holds: %s", why);
		break;
	}
}

enum err_code
repair_index(struct engine *e, const struct repair_index_options *opt,
    struct repair_result *out, struct err *err)
{
	struct telling t = { .engine = e, .opt = opt };
	struct repair_options repair = {
		.dry_run = opt->dry_run,
		.read_all = opt->read_all,
		.cancel = e->cancel,
		.progress = &t.progress,
		.news = tell,
		.arg = &t,
	};
	enum err_code rc = repo_repair_index(e->repo, &repair, out, err);
	meter_stop(t.meter);
	return rc;
}

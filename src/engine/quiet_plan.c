#include "engine/quiet_plan.h"

#include <string.h>

static const char *
said_for(const struct settings *s, const char *service)
{
	return settings_get(s, service, SETTING_QUIESCE)->text;
}

static enum quiesce_how
how_of(const char *word)
{
	return strcmp(word, "none") == 0   ? QUIESCE_NONE
	       : strcmp(word, "stop") == 0 ? QUIESCE_STOP
	       : strcmp(word, "down") == 0 ? QUIESCE_DOWN
					   : QUIESCE_PAUSE;
}

bool
quiet_plan_is_down(const struct settings *s)
{
	return how_of(said_for(s, NULL)) == QUIESCE_DOWN;
}

/* Rounded up: less would be killed too early. */
static int
grace_s(const struct settings *s, const char *service)
{
	int64_t ms = settings_ms(s, service, SETTING_STOP_TIMEOUT);
	return ms < 0 ? -1 : ms / 1000 > 86400 ? 86400 : (int)((ms + 999) / 1000);
}

/* What is said for all services is not meant for a database; what is said for itself is. */
static enum err_code
how_of_database(
    enum quiesce_how *how, const struct settings *s, const char *service, struct err *err)
{
	const struct setting_value *own = settings_get(s, service, SETTING_QUIESCE);
	bool is_own = strcmp(own->text, said_for(s, NULL)) != 0;
	if (is_own && *how != QUIESCE_NONE && strcmp(own->text, "auto") != 0)
		return err_set(err, ERR_USAGE,
		    "service %s: its database is dumped, so it must answer, and cannot be made "
		    "quiet by '%s' (%s): with database = none its files are taken instead",
		    service, own->text, own->where);
	*how = QUIESCE_NONE;
	return ERR_OK;
}

enum err_code
quiet_plan_make(struct lifecycle_target *targets, size_t *n, const struct stack *s,
    const struct settings *settings, const bool *is_dumped, struct err *err)
{
	bool is_down = quiet_plan_is_down(settings);
	*n = 0;
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct stack_container *c = &s->containers[i];
		enum quiesce_how how =
		    is_down ? QUIESCE_DOWN : how_of(said_for(settings, c->service));
		bool runs = c->state != CONTAINER_STOPPED && c->state != CONTAINER_PAUSED;
		if (!is_down && is_dumped[i] &&
		    how_of_database(&how, settings, c->service, err))
			return err->code;
		if (how == QUIESCE_NONE || (!runs && !is_down))
			continue;
		targets[(*n)++] =
		    (struct lifecycle_target){ i, how, grace_s(settings, c->service) };
	}
	return ERR_OK;
}

const char *
quiet_plan_word(const struct lifecycle_target *targets, size_t n)
{
	enum quiesce_how how = QUIESCE_PAUSE;
	for (size_t i = 0; i < n; i++)
		if (targets[i].how > how)
			how = targets[i].how;
	return quiesce_word(n > 0 ? how : QUIESCE_NONE);
}

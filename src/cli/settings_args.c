#include "cli/settings_args.h"

void
settings_args_take(struct settings_options *out, const struct args *a)
{
	out->file = a->config;
	out->set = &a->set;
	out->values[SETTING_QUIESCE] = a->quiesce;
	out->values[SETTING_DOWNTIME] = a->max_downtime;
}

void
settings_args_tell(struct cli *c, const char *stack, const struct settings *s)
{
	const struct strv *warnings = settings_warnings(s);
	for (size_t i = 0; i < warnings->len; i++)
		event_warning(c->events, stack, "%s", warnings->items[i]);
}

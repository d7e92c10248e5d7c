#include "engine/settings_impl.h"

#include "base/room.h"
#include "base/suggest.h"

#include <string.h>

#define LABEL_PREFIX "stacksnap."

void
settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_said; i++) {
		free(s->said[i].service);
		free(s->said[i].text);
		free(s->said[i].where);
	}
	free(s->said);
	strv_release(&s->warnings);
	free(s);
}

const struct strv *
settings_warnings(const struct settings *s)
{
	return &s->warnings;
}

/* --- saying --- */

static enum setting_origin
origin_of(enum setting_rank rank)
{
	switch (rank) {
	case RANK_DEFAULT:
		break;
	case RANK_LABEL:
		return SETTING_FROM_LABEL;
	case RANK_FILE_DEFAULTS:
	case RANK_FILE_STACK:
	case RANK_FILE_SERVICE:
		return SETTING_FROM_FILE;
	case RANK_OPTION:
	case RANK_OPTION_SERVICE:
		return SETTING_FROM_OPTION;
	}
	return SETTING_FROM_DEFAULT;
}

enum err_code
settings_say(struct settings *s, enum setting_rank rank, const char *service,
    enum setting which, const char *text, const char *where, struct err *err)
{
	if (setting_check(which, text, service == NULL && rank != RANK_LABEL, err))
		return err_wrap(err, "%s", where);
	if (ROOM_SHORT(s->said, s->n_said, err))
		return err->code;
	struct said *one = &s->said[s->n_said++];
	*one = (struct said){ .which = which, .rank = rank };
	if ((service != NULL && str_dup(&one->service, service, err)) ||
	    str_dup(&one->text, text, err) || str_dup(&one->where, where, err))
		return err->code;
	one->value = (struct setting_value){ one->text, origin_of(rank), one->where };
	return ERR_OK;
}

static enum err_code
say_defaults(struct settings *s, struct err *err)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		enum setting which = (enum setting)i;
		if (settings_say(
			s, RANK_DEFAULT, NULL, which, setting_default(which), "default", err))
			return err->code;
	}
	return ERR_OK;
}

/* Of the stack's settings one label counts for all services. */
static enum err_code
say_label_of_stack(struct settings *s, enum setting which, const char *text, const char *where,
    struct err *err)
{
	for (size_t i = 0; i < s->n_said; i++) {
		const struct said *one = &s->said[i];
		if (one->rank != RANK_LABEL || one->which != which)
			continue;
		if (strcmp(one->text, text) == 0)
			return ERR_OK;
		return err_set(err, ERR_USAGE,
		    "%s is '%s', but %s is '%s': this setting is the whole stack's, and can "
		    "have one value only",
		    one->where, one->text, where, text);
	}
	return settings_say(s, RANK_LABEL, NULL, which, text, where, err);
}

static enum err_code
say_label(struct settings *s, const char *service, const char *label, struct err *err)
{
	AUTO(str) char *name = NULL;
	AUTO(str) char *where = NULL;
	const char *text = strchr(label, '=') + 1;
	enum setting which;
	if (str_dupn(&name, label, (size_t)(text - label - 1), err) ||
	    str_printf(&where, err, "label %s on service %s", name, service))
		return err->code;
	if (setting_find(&which, name + strlen(LABEL_PREFIX), LABEL_PREFIX, err))
		return err_wrap(err, "%s", where);
	return setting_is_of_stack(which)
		   ? say_label_of_stack(s, which, text, where, err)
		   : settings_say(s, RANK_LABEL, service, which, text, where, err);
}

/* Containers of one service have the same labels; the first speaks. */
static enum err_code
say_labels(struct settings *s, const struct stack *stack, struct err *err)
{
	for (size_t i = 0; i < stack->n_containers; i++) {
		const struct stack_container *c = &stack->containers[i];
		if (stack_find(stack, c->service) != c)
			continue;
		for (size_t k = 0; k < c->labels.len; k++)
			if (str_starts(c->labels.items[k], LABEL_PREFIX) &&
			    say_label(s, c->service, c->labels.items[k], err))
				return err->code;
	}
	return ERR_OK;
}

static enum err_code
no_such_service(const struct stack *stack, const char *name, struct err *err)
{
	AUTO(mem) const char **names = calloc(stack->n_containers + 1, sizeof *names);
	if (names == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < stack->n_containers; i++)
		names[i] = stack->containers[i].service;
	const char *near = suggest(name, names, stack->n_containers);
	return err_set(err, ERR_USAGE, "stack %s has no service %s%s%s%s", stack->name, name,
	    near != NULL ? " (did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?)" : "");
}

/* "NAME=VALUE" or "SERVICE/NAME=VALUE" */
static enum err_code
say_set(struct settings *s, const struct stack *stack, const char *item, struct err *err)
{
	AUTO(str) char *left = NULL;
	AUTO(str) char *where = NULL;
	const char *equals = strchr(item, '=');
	if (equals == NULL)
		return err_set(err, ERR_USAGE,
		    "--set takes NAME=VALUE or SERVICE/NAME=VALUE (not '%s')", item);
	if (str_dupn(&left, item, (size_t)(equals - item), err) ||
	    str_printf(&where, err, "--set %s", left))
		return err->code;
	char *slash = strchr(left, '/');
	const char *service = slash != NULL ? left : NULL;
	const char *name = slash != NULL ? slash + 1 : left;
	if (slash != NULL)
		*slash = '\0';
	enum setting which;
	if (setting_find(&which, name, "", err) ||
	    (service != NULL && stack_find(stack, service) == NULL &&
		no_such_service(stack, service, err)))
		return err_wrap(err, "%s", where);
	if (service != NULL && setting_is_of_stack(which))
		return err_set(err, ERR_USAGE,
		    "%s: this setting is the whole stack's: leave out the service", where);
	return settings_say(s, service != NULL ? RANK_OPTION_SERVICE : RANK_OPTION, service,
	    which, equals + 1, where, err);
}

static enum err_code
say_options(struct settings *s, const struct stack *stack, const struct settings_options *opt,
    struct err *err)
{
	/* The last of several counts. */
	for (size_t i = opt->set != NULL ? opt->set->len : 0; i > 0; i--)
		if (say_set(s, stack, opt->set->items[i - 1], err))
			return err->code;
	for (size_t i = 0; i < SETTINGS; i++) {
		char where[64];
		snprintf(where, sizeof where, "--%s%s", i == SETTING_DOWNTIME ? "max-" : "",
		    setting_name((enum setting)i));
		for (char *p = where; *p != '\0'; p++)
			if (*p == '.')
				*p = '-';
		if (opt->values[i] != NULL && settings_say(s, RANK_OPTION, NULL,
						  (enum setting)i, opt->values[i], where, err))
			return err->code;
	}
	return ERR_OK;
}

enum err_code
settings_load(struct settings **out, const struct stack *stack,
    const struct settings_options *opt, struct err *err)
{
	static const struct settings_options none = { 0 };
	AUTO(settings) struct settings *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_nomem(err);
	if (opt == NULL)
		opt = &none;
	if (say_defaults(s, err) || say_labels(s, stack, err) ||
	    settings_read_file(s, stack, opt->file, err) || say_options(s, stack, opt, err))
		return err->code;
	*out = TAKE(s);
	return ERR_OK;
}

/* --- asking --- */

static bool
speaks_for(const struct said *one, const char *service, enum setting which)
{
	return one->which == which &&
	       (one->service == NULL ||
		   (service != NULL && strcmp(one->service, service) == 0));
}

const struct setting_value *
settings_get(const struct settings *s, const char *service, enum setting which)
{
	const struct said *best = NULL;
	for (size_t i = 0; i < s->n_said; i++) {
		const struct said *one = &s->said[i];
		if (speaks_for(one, service, which) && (best == NULL || one->rank > best->rank))
			best = one;
	}
	return &best->value; /* there is a default at the least */
}

bool
settings_flag(const struct settings *s, const char *service, enum setting which)
{
	return setting_is_true(settings_get(s, service, which)->text);
}

int64_t
settings_ms(const struct settings *s, const char *service, enum setting which)
{
	return setting_ms(settings_get(s, service, which)->text);
}

unsigned
settings_percent(const struct settings *s, const char *service, enum setting which)
{
	return setting_percent(settings_get(s, service, which)->text);
}

enum err_code
settings_words(struct strv *out, const struct settings *s, const char *service,
    enum setting which, struct err *err)
{
	const char *text = settings_get(s, service, which)->text;
	return which == SETTING_EXCLUDE ? setting_rules(out, text, err)
					: setting_argv(out, text, err);
}

enum err_code
settings_said(const struct settings *s, const char *service, enum setting which,
    settings_said_fn *fn, void *arg, struct err *err)
{
	for (int rank = RANK_OPTION_SERVICE; rank >= RANK_DEFAULT; rank--)
		for (size_t i = 0; i < s->n_said; i++)
			if ((int)s->said[i].rank == rank &&
			    speaks_for(&s->said[i], service, which) &&
			    fn(arg, &s->said[i].value, err))
				return err->code;
	return ERR_OK;
}

#include "ui/why_view.h"

#include "ui/escape.h"
#include "ui/table.h"

/* One setting of one service, or of the stack (NULL). */
struct one {
	const struct settings *settings;
	const char *service;
	enum setting which;
};

typedef enum err_code one_fn(void *arg, const struct one *one, struct err *err);

/* Call fn for each setting that somebody spoke about, or for all. */
static enum err_code
for_each(const struct plan *p, bool all, one_fn *fn, void *arg, struct err *err)
{
	for (size_t i = 0; i <= p->stack->n_containers; i++) {
		const struct stack_container *c = i > 0 ? &p->stack->containers[i - 1] : NULL;
		if (c != NULL && stack_find(p->stack, c->service) != c)
			continue; /* one of a scaled service */
		for (size_t k = 0; k < SETTINGS; k++) {
			struct one one = { p->settings, c != NULL ? c->service : NULL,
				(enum setting)k };
			if (setting_is_of_stack(one.which) != (c == NULL))
				continue;
			bool is_said =
			    settings_get(p->settings, one.service, one.which)->origin !=
			    SETTING_FROM_DEFAULT;
			if ((all || is_said) && fn(arg, &one, err))
				return err->code;
		}
	}
	return ERR_OK;
}

/* --- text --- */

/* Values of one setting, the one that counts first. */
struct line {
	struct buf rest; /* "auto (default); none (--quiesce)" */
	size_t n;
};

/* Several lines are shown in one. */
static enum err_code
add_value(struct buf *to, const char *text, struct err *err)
{
	if (*text == '\0')
		return buf_str(to, "-", err);
	for (const char *p = text; *p != '\0'; p++)
		if (*p == '\n' ? buf_str(to, " ", err) : buf_add(to, p, 1, err))
			return err->code;
	return ERR_OK;
}

static enum err_code
add_to_line(void *arg, const struct setting_value *v, struct err *err)
{
	struct line *l = arg;
	if (l->n++ == 0)
		return ERR_OK;
	if ((l->n > 2 && buf_str(&l->rest, "; ", err)) || add_value(&l->rest, v->text, err))
		return err->code;
	return buf_printf(&l->rest, err, " (%s)", v->where);
}

static enum err_code
add_row(void *arg, const struct one *one, struct err *err)
{
	struct table *t = arg;
	const struct setting_value *v = settings_get(one->settings, one->service, one->which);
	struct line line = { .rest = BUF_INIT };
	AUTO(bufv) struct buf value = BUF_INIT;
	enum err_code rc =
	    settings_said(one->settings, one->service, one->which, add_to_line, &line, err);
	if (rc == ERR_OK)
		rc = add_value(&value, v->text, err);
	if (rc == ERR_OK) {
		table_cell(t, setting_name(one->which));
		table_cell(t, one->service != NULL ? one->service : "the stack");
		table_cell(t, buf_cstr(&value));
		table_cell(t, v->where);
		table_cell(t, line.rest.len > 0 ? buf_cstr(&line.rest) : "");
	}
	buf_release(&line.rest);
	return rc;
}

static enum err_code
count_one(void *arg, const struct one *one, struct err *err)
{
	(void)one;
	(void)err;
	++*(size_t *)arg;
	return ERR_OK;
}

enum err_code
why_view_print(const struct plan *p, bool all, FILE *out, struct err *err)
{
	static const struct table_column columns[] = { { "SETTING", TABLE_LEFT },
		{ "OF", TABLE_LEFT }, { "VALUE", TABLE_LEFT }, { "SAID BY", TABLE_LEFT },
		{ "INSTEAD OF", TABLE_LEFT } };
	AUTO(table) struct table t;
	size_t n = 0;
	table_init(&t, columns, ARRAY_LEN(columns));
	fputs("stack ", out);
	escape_print(out, p->stack->name);
	fputc('\n', out);
	if (for_each(p, all, count_one, &n, err))
		return err->code;
	if (n == 0) {
		fputs("  every setting is at its default\n", out);
		return ERR_OK;
	}
	if (for_each(p, all, add_row, &t, err))
		return err->code;
	return table_print(&t, out, 2, err);
}

/* --- JSON --- */

static const char *
origin_word(enum setting_origin origin)
{
	static const char *const words[] = {
		[SETTING_FROM_DEFAULT] = "default",
		[SETTING_FROM_LABEL] = "label",
		[SETTING_FROM_FILE] = "file",
		[SETTING_FROM_OPTION] = "option",
	};
	return words[origin];
}

static void
value_fields(struct json_writer *w, const struct setting_value *v)
{
	json_str(w, "value", v->text);
	json_str(w, "origin", origin_word(v->origin));
	json_str(w, "where", v->where);
}

struct others {
	struct json_writer *w;
	size_t n;
};

static enum err_code
add_other(void *arg, const struct setting_value *v, struct err *err)
{
	struct others *o = arg;
	(void)err;
	if (o->n++ == 0)
		return ERR_OK;
	json_obj(o->w, NULL);
	value_fields(o->w, v);
	json_obj_end(o->w);
	return ERR_OK;
}

static enum err_code
add_object(void *arg, const struct one *one, struct err *err)
{
	struct json_writer *w = arg;
	struct others others = { w, 0 };
	json_obj(w, NULL);
	json_str(w, "name", setting_name(one->which));
	if (one->service != NULL)
		json_str(w, "service", one->service);
	value_fields(w, settings_get(one->settings, one->service, one->which));
	json_arr(w, "instead_of");
	if (settings_said(one->settings, one->service, one->which, add_other, &others, err))
		return err->code;
	json_arr_end(w);
	json_obj_end(w);
	return ERR_OK;
}

enum err_code
why_view_json(struct json_writer *w, const struct plan *p, bool all, struct err *err)
{
	json_arr(w, "settings");
	if (for_each(p, all, add_object, w, err))
		return err->code;
	json_arr_end(w);
	return ERR_OK;
}

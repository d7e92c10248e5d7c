#include "ui/plan_view.h"

#include "ui/escape.h"
#include "ui/table.h"

static const char *
state_text(const struct stack_container *c, char out[64])
{
	snprintf(out, 64, "%s%s%.32s%s", container_state_word(c->state), *c->health ? " (" : "",
	    c->health, *c->health ? ")" : "");
	return out;
}

static enum err_code
print_services(const struct stack *s, FILE *out, struct err *err)
{
	static const struct table_column columns[] = { { "SERVICE", TABLE_LEFT },
		{ "STATE", TABLE_LEFT }, { "CONTAINER", TABLE_LEFT }, { "IMAGE", TABLE_LEFT } };
	AUTO(table) struct table t;
	char state[64];
	table_init(&t, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < s->n_containers; i++) {
		table_cell(&t, s->containers[i].service);
		table_cell(&t, state_text(&s->containers[i], state));
		table_cell(&t, s->containers[i].name);
		table_cell(&t, s->containers[i].image_ref);
	}
	return s->n_containers > 0 ? table_print(&t, out, 2, err) : ERR_OK;
}

static const char *
how_text(const struct plan_member *m, char out[64])
{
	switch (m->kind) {
	case MEMBER_DATABASE:
		snprintf(out, 64, "%s, native dump", db_kind_title(m->db));
		break;
	case MEMBER_IMAGE:
		snprintf(out, 64, "as docker save writes it");
		break;
	case MEMBER_META:
		snprintf(out, 64, "inspect documents");
		break;
	case MEMBER_FILE:
		snprintf(out, 64, "file");
		break;
	case MEMBER_PROJECT:
	case MEMBER_VOLUME:
	case MEMBER_BIND:
		snprintf(out, 64, "files%s",
		    m->exclude.len > 0 || m->rules.len > 0 ? ", in part" : "");
		break;
	}
	return out;
}

static enum err_code
print_members(const struct plan *p, FILE *out, struct err *err)
{
	static const struct table_column columns[] = { { "CAPTURED", TABLE_LEFT },
		{ "NAME", TABLE_LEFT }, { "AS", TABLE_LEFT }, { "USED BY", TABLE_LEFT } };
	AUTO(table) struct table t;
	char how[64];
	table_init(&t, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < p->n_members; i++) {
		const struct plan_member *m = &p->members[i];
		AUTO(bufv) struct buf services = BUF_INIT;
		for (size_t k = 0; k < m->services.len; k++)
			if (buf_printf(&services, err, "%s%s", k > 0 ? ", " : "",
				m->services.items[k]))
				return err->code;
		table_cell(&t, member_kind_word(m->kind));
		table_cell(&t, m->name);
		table_cell(&t, how_text(m, how));
		table_cell(&t, services.len > 0 ? buf_cstr(&services) : "");
	}
	return table_print(&t, out, 2, err);
}

/* What matters comes first, with a mark. */
static void
print_gaps(const struct plan *p, FILE *out)
{
	if (p->n_gaps > 0)
		fputs("  not captured\n", out);
	for (int matters = 1; matters >= 0; matters--)
		for (size_t i = 0; i < p->n_gaps; i++) {
			if (p->gaps[i].matters != (matters == 1))
				continue;
			fputs(matters == 1 ? "  ! " : "    ", out);
			escape_print(out, p->gaps[i].what);
			fputs(": ", out);
			escape_print(out, p->gaps[i].why);
			fputc('\n', out);
		}
}

static void
print_quiet(const struct plan *p, FILE *out)
{
	fputs("  made quiet around the instant: ", out);
	for (size_t i = 0; i < p->n_quiesce; i++) {
		const struct lifecycle_target *t = &p->quiesce[i];
		fputs(i > 0 ? ", " : "", out);
		escape_print(out, p->stack->containers[t->container].service);
		if (t->how != QUIESCE_PAUSE)
			fprintf(out, " (%s)", quiesce_word(t->how));
	}
	fputs(p->n_quiesce > 0 ? "\n" : "nothing\n", out);
}

enum err_code
plan_view_print(const struct plan *p, FILE *out, struct err *err)
{
	fputs("stack ", out);
	escape_print(out, p->stack->name);
	if (*p->stack->working_dir != '\0') {
		fputs(" in ", out);
		escape_print(out, p->stack->working_dir);
	}
	fputc('\n', out);
	if (print_services(p->stack, out, err) || print_members(p, out, err))
		return err->code;
	print_gaps(p, out);
	print_quiet(p, out);
	return ERR_OK;
}

static void
services_json(struct json_writer *w, const struct stack *s)
{
	json_arr(w, "services");
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct stack_container *c = &s->containers[i];
		json_obj(w, NULL);
		json_str(w, "service", c->service);
		json_i64(w, "number", c->number);
		json_str(w, "container", c->name);
		json_str(w, "image", c->image_ref);
		json_str(w, "state", container_state_word(c->state));
		json_str(w, "health", c->health);
		json_obj_end(w);
	}
	json_arr_end(w);
}

static void
member_json(struct json_writer *w, const struct plan_member *m)
{
	json_obj(w, NULL);
	json_str(w, "kind", member_kind_word(m->kind));
	json_bytes(w, "name", m->name, strlen(m->name));
	json_bytes(w, "path", m->path, strlen(m->path));
	if (m->source != NULL)
		json_bytes(w, "source", m->source, strlen(m->source));
	else
		json_nil(w, "source");
	if (m->kind == MEMBER_DATABASE)
		json_str(w, "engine", db_kind_word(m->db));
	json_strings(w, "services", &m->services);
	json_strings(w, "exclude", &m->exclude);
	json_strings(w, "rules", &m->rules);
	json_obj_end(w);
}

void
plan_view_fields(struct json_writer *w, const struct plan *p)
{
	json_str(w, "name", p->stack->name);
	json_str(w, "working_dir", p->stack->working_dir);
	services_json(w, p->stack);
	json_arr(w, "members");
	for (size_t i = 0; i < p->n_members; i++)
		member_json(w, &p->members[i]);
	json_arr_end(w);
	json_arr(w, "gaps");
	for (size_t i = 0; i < p->n_gaps; i++) {
		json_obj(w, NULL);
		json_bytes(w, "what", p->gaps[i].what, strlen(p->gaps[i].what));
		json_str(w, "why", p->gaps[i].why);
		json_flag(w, "matters", p->gaps[i].matters);
		json_obj_end(w);
	}
	json_arr_end(w);
	json_arr(w, "quiesce");
	for (size_t i = 0; i < p->n_quiesce; i++)
		json_str(w, NULL, p->stack->containers[p->quiesce[i].container].service);
	json_arr_end(w);
}

void
plan_view_json(struct json_writer *w, const struct plan *p)
{
	json_obj(w, NULL);
	plan_view_fields(w, p);
	json_obj_end(w);
}

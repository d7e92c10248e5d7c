#include "cli/db_try.h"

void
db_try_one(struct cli *c, const struct connection *connection, struct db_tried *out)
{
	event_phase(c->events, "test database %s", connection->name);
	if (connection_try(&out->test, connection, c->cancel, &out->err)) {
		connection_test_release(&out->test);
		out->code = exit_code_of_run(out->err.code, cancel_is_raised(c->cancel));
		return;
	}
	for (size_t i = 0; i < out->test.warnings.len; i++)
		event_warning(c->events, connection->name, "%s", out->test.warnings.items[i]);
	out->code = db_test_is_partial(&out->test) ? EXIT_PARTIAL : EXIT_COMPLETE;
}

enum err_code
db_try_all(struct cli *c, const struct connections *l, const struct strv *names,
    struct json_writer *w, enum exit_code *code, struct err *err)
{
	for (size_t i = 0; i < names->len; i++) {
		AUTO(db_tried) struct db_tried t = DB_TRIED_INIT;
		if (cancel_check(c->cancel, err))
			return err->code;
		db_try_one(c, connections_find(l, names->items[i]), &t);
		if (t.err.code != ERR_OK)
			cli_tell_error(c, &t.err);
		if (w != NULL)
			db_view_test_json(w, names->items[i], &t);
		else if (t.err.code == ERR_OK)
			db_view_test_print(&t.test);
		*code = exit_code_worse(*code, t.code);
	}
	return ERR_OK;
}

enum err_code
db_try_json(struct cli *c, const struct connections *l, const struct strv *names, json_t **out,
    enum exit_code *code, struct err *err)
{
	AUTO(bufv) struct buf text = BUF_INIT;
	struct json_writer w;
	json_init(&w, &text);
	json_arr(&w, NULL);
	if (db_try_all(c, l, names, &w, code, err))
		return err->code;
	json_arr_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return json_parse(out, text.data, text.len, "the tests", err);
}

#include "serve/json_text.h"

json_t *
json_text(const char *text)
{
	AUTO(bufv) struct buf out = BUF_INIT;
	AUTO(json) json_t *list = NULL;
	struct json_writer w;
	struct err err;
	json_init(&w, &out);
	json_arr(&w, NULL);
	json_str(&w, NULL, text);
	json_arr_end(&w);
	if (json_finish(&w, &err) || json_parse(&list, out.data, out.len, "text", &err))
		return NULL;
	return json_incref(json_array_get(list, 0));
}

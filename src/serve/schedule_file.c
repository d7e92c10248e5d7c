#include "serve/schedule_file.h"

#include "serve/run_view.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <string.h>

#define FILE_MAX_BYTES ((size_t)16 << 20)

static enum err_code
path_of(char **out, const char *state_dir, struct err *err)
{
	return str_printf(out, err, "%s/schedules.json", state_dir);
}

static enum err_code
write_one(void *arg, const struct schedule *s, struct err *err)
{
	(void)err;
	schedule_view_json(arg, NULL, s);
	return ERR_OK;
}

enum err_code
schedule_file_write(struct catalog *c, const char *state_dir, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf text = BUF_INIT;
	struct json_writer w;
	json_init(&w, &text);
	json_obj(&w, NULL);
	json_i64(&w, "version", 1);
	json_arr(&w, "schedules");
	if (path_of(&path, state_dir, err) || schedule_list(c, NULL, write_one, &w, err))
		return err->code;
	json_arr_end(&w);
	json_obj_end(&w);
	if (json_finish(&w, err))
		return err->code;
	return fs_write_file(path, 0600, text.data, text.len, err);
}

static enum err_code
put_back(struct catalog *c, const json_t *j, int64_t now_s, struct err *err)
{
	static const char *const names[] = { "kind", "stack", "cron", "zone" };
	AUTO(schedule) struct schedule s = { 0 };
	char **texts[] = { &s.kind, &s.stack, &s.cron, &s.zone };
	int64_t id;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *text = json_get_str(j, names[i]);
		if (text == NULL)
			return err_set(err, ERR_CORRUPT, "a schedule without its %s", names[i]);
		if (str_dup(texts[i], text, err))
			return err->code;
	}
	const json_t *options = json_object_get(j, "options");
	s.options = json_is_object(options) ? json_dumps(options, JSON_COMPACT) : strdup("{}");
	s.is_enabled = json_get_bool(j, "enabled");
	s.catch_up_s = json_get_int(j, "catch_up_s", 0);
	if (s.options == NULL)
		return err_nomem(err);
	return schedule_put(c, &s, now_s, &id, err);
}

enum err_code
schedule_file_read(struct catalog *c, const char *state_dir, size_t *count, struct err *err)
{
	AUTO(str) char *path = NULL;
	AUTO(bufv) struct buf text = BUF_INIT;
	AUTO(json) json_t *file = NULL;
	size_t i;
	const json_t *item;
	*count = 0;
	if (path_of(&path, state_dir, err))
		return err->code;
	if (!fs_exists(path))
		return ERR_OK;
	if (fs_read_file(path, FILE_MAX_BYTES, &text, err) ||
	    json_parse(&file, text.data, text.len, path, err))
		return err->code;
	if (json_get_int(file, "version", 0) != 1)
		return err_set(err, ERR_UNSUPPORTED, "%s is of another version", path);
	json_array_foreach(json_object_get(file, "schedules"), i, item)
	{
		if (put_back(c, item, clock_wall_ns() / NS_PER_S, err))
			return err_wrap(err, "%s", path);
		(*count)++;
	}
	return ERR_OK;
}

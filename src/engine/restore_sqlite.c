#include "engine/restore_sqlite.h"

#include "engine/capture_sqlite.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>

#define KEPT_AS ".before-restore"

static enum err_code
move_aside(struct engine *e, int dir, const char *db, const char *suffix, struct err *err)
{
	AUTO(str) char *name = NULL;
	AUTO(str) char *kept = NULL;
	if (str_printf(&name, err, "%s%s", db, suffix) ||
	    str_printf(&kept, err, "%s" KEPT_AS, name))
		return err->code;
	if (renameat(dir, name, dir, kept) != 0)
		return errno == ENOENT ? ERR_OK : err_sys(err, "rename %s to %s", name, kept);
	event_warning(e->events, name,
	    "belongs to the SQLite database that was there before: it is now %s", kept);
	return ERR_OK;
}

static enum err_code
settle_one(struct engine *e, const char *target, const char *rel, struct err *err)
{
	AUTO(fd) int dir = -1;
	const char *name;
	struct err why; /* without its folder the database is not there either */
	if (sqlite_open_folder(target, rel, &dir, &name, &why))
		return ERR_OK;
	if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return ERR_OK;
	if (move_aside(e, dir, name, "-wal", err) || move_aside(e, dir, name, "-journal", err))
		return err_wrap(err, "%s/%s was restored", target, rel);
	return ERR_OK;
}

/* What is left of full below path, or NULL. */
static const char *
below(const char *full, const char *path)
{
	path += strspn(path, "/");
	size_t len = strlen(path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	if (len == 0)
		return full;
	return strncmp(full, path, len) == 0 && full[len] == '/' ? full + len + 1 : NULL;
}

enum err_code
restore_sqlite_settle(struct engine *e, const json_t *document, const char *path,
    const char *target, struct err *err)
{
	const json_t *members = json_object_get(document, "members");
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *m = json_array_get(members, i);
		const json_t *list = json_object_get(m, "sqlite");
		for (size_t k = 0; k < json_array_size(list); k++) {
			const json_t *s = json_array_get(list, k);
			const char *how = json_get_str(s, "how");
			const char *in = json_get_str(m, "path");
			const char *rel = json_get_str(s, "path");
			AUTO(str) char *full = NULL;
			/* "files" have logs of their own. */
			if (how == NULL || in == NULL || rel == NULL ||
			    strcmp(how, "files") == 0)
				continue;
			if (str_printf(&full, err, "%s/%s", in, rel))
				return err->code;
			const char *rest = below(full, path);
			if (rest != NULL && settle_one(e, target, rest, err))
				return err->code;
		}
	}
	return ERR_OK;
}

#include "engine/restore_path.h"

#include <string.h>

#define BESIDE_MAX 200

/* Length without slashes at the end; the root keeps its own. */
static size_t
trimmed(const char *path)
{
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	return len;
}

/* Where the last name of path begins. */
static size_t
last_name(const char *path, size_t len)
{
	while (len > 0 && path[len - 1] != '/')
		len--;
	return len;
}

enum err_code
path_holder(char **out, const char *path, struct err *err)
{
	size_t name = last_name(path, trimmed(path));
	if (name == 0)
		return str_dup(out, ".", err);
	while (name > 1 && path[name - 1] == '/')
		name--;
	return str_dupn(out, path, name, err);
}

bool
path_is_within(const char *path, const char *dir)
{
	size_t len = trimmed(dir);
	if (strncmp(path, dir, len) != 0)
		return false;
	return path[len] == '\0' || path[len] == '/' || dir[len - 1] == '/';
}

enum err_code
path_beside(char **out, const char *path, const char *word, const char *tag, struct err *err)
{
	size_t len = trimmed(path);
	size_t name = last_name(path, len);
	/* The whole must be a name that a filesystem takes. */
	len = min_size(len, name + BESIDE_MAX);
	return str_printf(out, err, "%.*s.stacksnap-%s-%s.%.*s", (int)name, path, word, tag,
	    (int)(len - name), path + name);
}

enum err_code
path_moved(char **out, const char *path, const char *from, const char *to, struct err *err)
{
	if (*from == '\0' || !path_is_within(path, from))
		return str_dup(out, path, err);
	const char *rest = path + trimmed(from);
	while (*rest == '/')
		rest++;
	return str_printf(
	    out, err, "%.*s%s%s", (int)trimmed(to), to, *rest != '\0' ? "/" : "", rest);
}

#include "engine/kept_folder.h"

#include "base/bytes.h"
#include "base/strv.h"

#include <dirent.h>
#include <string.h>

#define PREFIX ".stacksnap-kept-"
#define TAG_LEN 8

enum err_code
kept_folder_path(char **out, const char *root, const char *tag, struct err *err)
{
	size_t len = strlen(root);
	const char *slash = len > 0 && root[len - 1] == '/' ? "" : "/";
	return str_printf(out, err, "%s%s" PREFIX "%.*s", root, slash, TAG_LEN, tag);
}

bool
kept_folder_is(const char *path, size_t len)
{
	const size_t prefix = sizeof PREFIX - 1;
	return len == prefix + TAG_LEN && memcmp(path, PREFIX, prefix) == 0 &&
	       strspn(path + prefix, "0123456789abcdef") >= TAG_LEN;
}

bool
kept_folder_in(const char *root)
{
	DIR *dir = opendir(root);
	const struct dirent *e;
	bool found = false;
	while (dir != NULL && !found && (e = readdir(dir)) != NULL)
		found = kept_folder_is(e->d_name, strlen(e->d_name));
	if (dir != NULL)
		closedir(dir);
	return found;
}

#include "serve/assets.h"

#include <string.h>

const struct asset *
asset_find(const char *path)
{
	size_t low = 0;
	size_t high = assets_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(assets[middle].path, path);
		if (order == 0)
			return &assets[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct asset *
asset_for(const char *path)
{
	const struct asset *a = asset_find(path);
	if (a != NULL || path[0] != '/')
		return a;
	/* A name of a stack or file in a view's path may have a dot; what the build has made
	 * lies in /assets/, and a missing one must not look like a page. */
	if (strncmp(path, "/assets/", 8) == 0)
		return NULL;
	return asset_find("/index.html");
}

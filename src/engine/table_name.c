#include "engine/table_name.h"

#include "base/suggest.h"
#include "db/sql_name.h"

#include <fnmatch.h>
#include <string.h>

bool
table_is_called(const char *table, const char *typed)
{
	for (const char *part = table; part != NULL; part = sql_name_rest(part))
		if (strcmp(part, typed) == 0)
			return true;
	return false;
}

bool
table_fits(const char *table, const char *typed_or_glob)
{
	return table_is_called(table, typed_or_glob) || fnmatch(typed_or_glob, table, 0) == 0;
}

bool
table_is_nearer(const char *typed, const char *name, const char *near)
{
	bool is_whole = sql_name_rest(typed) != NULL;
	const char *words[2];
	size_t n = 0;
	if (near != NULL)
		words[n++] = is_whole ? near : sql_name_last(near);
	words[n] = is_whole ? name : sql_name_last(name);
	return suggest(typed, words, n + 1) == words[n];
}

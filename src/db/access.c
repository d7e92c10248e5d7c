#include "db/access.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_BYTES 1024

void
db_access_release(struct db_access *a)
{
	free(a->user);
	free(a->writes);
	strv_release(&a->unreadable);
	strv_release(&a->statements);
	*a = (struct db_access)DB_ACCESS_INIT;
}

enum err_code
db_access_unreadable(struct db_access *a, struct err *err, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	a->unreadable_count++;
	if (a->unreadable.len >= DB_UNREADABLE_MAX)
		return ERR_OK;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	return strv_add(&a->unreadable, line, err);
}

enum err_code
db_access_writes(struct db_access *a, struct err *err, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	a->may_write = true;
	if (a->writes != NULL)
		return ERR_OK;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	return str_dup(&a->writes, line, err);
}

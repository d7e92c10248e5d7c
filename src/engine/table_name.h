/*
 * table_name.h: the tables that somebody means who types a name.
 *
 * A table is known by the name that the census writes: public.orders, shop.orders, db0.
 * Wherever a table is named (diff, restore), that name is meant, or its last part alone:
 * orders.  Where several may be meant, it may be a glob, too, over the whole name.  What looks
 * like a glob and is a table's name is that name.
 *
 * Pure.
 */
#ifndef ENGINE_TABLE_NAME_H
#define ENGINE_TABLE_NAME_H

#include "base/err.h"

#include <stdbool.h>

bool table_is_called(const char *table, const char *typed);
bool table_fits(const char *table, const char *typed_or_glob);

/* Which of the names given is nearest to what was typed, seen by its last part or as a whole:
 * give one after the other.  near is what it was, NULL at first; true when name is to become
 * it. */
bool table_is_nearer(const char *typed, const char *name, const char *near);

#endif

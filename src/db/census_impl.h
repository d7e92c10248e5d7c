/* census_impl.h: for the files that fill a census, nobody else. */
#ifndef DB_CENSUS_IMPL_H
#define DB_CENSUS_IMPL_H

#include "db/census.h"

/* Add to the item of that name; it is made when there is none. */
MUST_CHECK enum err_code census_add(
    struct census *c, const struct census_item *more, struct err *err);
/* Would census_finish fail here?  Changes nothing. */
MUST_CHECK enum err_code census_at_end(const struct census *c, struct err *err);
/* Nothing is added any more. */
void census_sort(struct census *c);

#endif
